//! A document: what stages see of it, and how it is written back.
//!
//! A document of a JSON line keeps the line. Fields are decoded when somebody asks, and writing is a splice: the bytes of
//! the line, with new values in the place of those that changed, without those that were removed, and with added ones
//! before the closing brace. So a document that nobody touched is written as the bytes it was read from, and one that
//! somebody did touch keeps its order, its spacing and its odd numbers everywhere else.
//!
//! A document of a row of a table has its [`Cell`]s for fields, which become JSON only where JSON is asked for.

mod kind;
mod read;
mod write;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::kind::{FieldError, FieldKind};
use crate::cell::Cell;
use crate::input::ReadAs;
use crate::json;
use crate::names::{FieldNames, SAME};
use crate::table::Stored;

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, relative to the root of the input, with `/`.
    #[serde(serialize_with = "write_shared", deserialize_with = "read_shared")]
    pub file: Arc<str>,
    /// The line, from 1; `None` where the file is the document.
    pub line: Option<u64>,
    /// Where the document begins in the (decompressed) file, in bytes.
    pub offset: u64,
}

/// A document, borrowed from the chunk that it was read from.
#[derive(Debug)]
pub struct Document<'c> {
    origin: Origin,
    original: &'c [u8],
    names: &'c FieldNames,
    id: Cow<'c, str>,
    /// The text, once somebody has asked for it.
    text: OnceCell<Cow<'c, str>>,
    source: Source<'c>,
    /// The fields as they were read, in order, and then those that were added.
    fields: Vec<Field<'c>>,
    /// Which of the fields is the text; `None` where the text is no field.
    text_field: Option<usize>,
    text_changed: bool,
    changed: bool,
    replaced: usize,
    has_bom: bool,
    read_as: ReadAs<'c>,
}

/// What the document was read from.
#[derive(Debug)]
enum Source<'c> {
    /// A whole file, or nothing: a stage emitted it.
    Alone,
    /// A line of JSON, which is written back.
    Line(Cow<'c, str>),
    /// A row of a table.
    Row(Row<'c>),
}

/// What a row has beside its cells.
#[derive(Debug)]
struct Row<'c> {
    /// The JSON object of the column `extra`, whose entries are fields; empty where there is none.
    extra: Cow<'c, str>,
    /// The cell that it stands in.
    extra_cell: Option<Cell<'c>>,
    /// One of the cells of a row of Arrow, which know what the row was.
    stored: Option<Stored<'c>>,
}

#[derive(Debug)]
struct Field<'c> {
    /// The name in the input.
    name: Cow<'c, str>,
    /// The value in the line, or in the column `extra`.
    place: Option<Range<usize>>,
    value: Value<'c>,
    view: View<'c>,
}

#[derive(Debug)]
enum Value<'c> {
    /// What stands at the place.
    AsRead,
    /// A cell of a row, as it was read.
    Cell(Cell<'c>),
    /// Set to this JSON.
    Set(String),
    Removed,
}

/// What [`Document::field`] gives.
#[derive(Debug)]
enum View<'c> {
    NotDecoded,
    Null,
    Text(Cow<'c, str>),
    /// The JSON itself, which was found to be of this kind.
    Json(FieldKind),
    /// JSON of this kind that was made of a cell.
    Made(FieldKind, Cow<'c, str>),
}

impl<'c> Document<'c> {
    /// A document that was not read: one that a stage emitted.
    pub fn new(id: impl Into<String>, text: impl Into<String>, origin: Origin) -> Self {
        Self::plain(Cow::Owned(id.into()), Cow::Owned(text.into()), origin, &SAME)
    }

    /// A document of one JSON object that lies in no file; `name` takes the place of one in its id.
    ///
    /// # Errors
    /// As for a line of a file: a sentence for people.
    pub fn of_json(json: &'c str, name: &str, names: &'c FieldNames) -> std::result::Result<Self, String> {
        let origin = Origin { file: Arc::from(name), line: None, offset: 0 };
        Self::from_line(Cow::Borrowed(json), json.as_bytes(), origin, names)
    }

    /// The document as a line of JSON, without the line's end: what the output holds of it.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        self.write_json(&mut json);
        json
    }

    /// A document that a stage emitted while it looked at this one: it has the same origin, and its fields have the same
    /// names in the output.
    #[must_use]
    pub fn child(&self, id: impl Into<String>, text: impl Into<String>) -> Document<'c> {
        Self::plain(Cow::Owned(id.into()), Cow::Owned(text.into()), self.origin.clone(), self.names)
    }

    fn plain(id: Cow<'c, str>, text: Cow<'c, str>, origin: Origin, names: &'c FieldNames) -> Self {
        Self {
            origin,
            original: &[],
            names,
            id,
            text: OnceCell::from(text),
            source: Source::Alone,
            fields: Vec::new(),
            text_field: None,
            text_changed: false,
            changed: false,
            replaced: 0,
            has_bom: false,
            read_as: ReadAs::default(),
        }
    }

    /// Notes what the reader did to make a text of the bytes.
    pub(crate) fn noting(mut self, replaced: usize, has_bom: bool) -> Self {
        self.replaced = replaced;
        self.has_bom = has_bom;
        self
    }

    /// The id: the field's value, or made from where the document comes from.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the id was read or set, rather than made from where the document comes from.
    pub fn has_id(&self) -> bool {
        *self.id != *self.origin.place_id()
    }

    /// Where the document comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The text. Of a line, it is decoded when it is asked for.
    ///
    /// # Panics
    /// If this program has a mistake: what could not be decoded failed when it was read.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let index = self.text_field.expect("only the value of a field is decoded later");
            self.text_at(index).expect("only what is surely text is decoded later")
        })
    }

    /// How many characters and bytes the text has; it is not decoded for that.
    pub fn text_size(&self) -> (u64, usize) {
        let as_read = self.text_field.filter(|_| self.text.get().is_none());
        let place = as_read.and_then(|index| self.fields[index].place.clone());
        match place.and_then(|place| self.source.json().get(place)) {
            Some(json) => json::text_size(json),
            None => (self.text().chars().count() as u64, self.text().len()),
        }
    }

    /// The bytes as they were read, less a byte order mark and the line's end; of a row that was not read as bytes of its
    /// own, a JSON object; empty for an emitted document.
    pub fn original(&self) -> Cow<'c, [u8]> {
        match &self.source {
            Source::Row(Row { stored: Some(stored), .. }) => Cow::Owned(stored.row_json()),
            _ => Cow::Borrowed(self.original),
        }
    }

    /// What [`Self::original`] is to be read as; nothing for an emitted document.
    pub fn format(&self) -> ReadAs<'c> {
        self.read_as
    }

    /// Notes what its bytes were read as.
    pub(crate) fn read_as(self, read_as: ReadAs<'c>) -> Self {
        Self { read_as, ..self }
    }

    /// How many invalid UTF-8 sequences were replaced by U+FFFD.
    pub fn replaced_utf8(&self) -> usize {
        self.replaced
    }

    /// Whether a byte order mark was removed.
    pub fn has_bom(&self) -> bool {
        self.has_bom
    }

    /// Whether the document would be written differently from how it was read.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Gives the document another text.
    pub fn set_text(&mut self, text: String) {
        if self.text() == text {
            return;
        }
        self.text = OnceCell::from(Cow::Owned(text));
        self.changed = true;
        self.text_changed = true;
    }

    /// Makes sure that the field `name` is of this kind, and decodes it, so that [`Document::field`] can lend it. An absent
    /// field and null are of every kind.
    ///
    /// # Errors
    /// The field has another type, stands twice in the line, or is text that is not valid Unicode.
    pub fn decode(&mut self, name: &str, kind: FieldKind) -> Result<(), FieldError> {
        if self.is_id_or_text(name) {
            return kind.check_text().map_err(|found| FieldError::new(name, kind, found));
        }
        let Some(index) = self.only(name).map_err(|found| FieldError::new(name, kind, found))? else {
            return Ok(());
        };
        if self.fields[index].view.is_of(kind) {
            return Ok(());
        }
        let view = self.view(index, kind).map_err(|found| FieldError::new(name, kind, found))?;
        self.fields[index].view = view;
        Ok(())
    }

    /// The field `name`: the text itself where it was decoded as [`FieldKind::Text`], else JSON. `None` where it is absent,
    /// null, or was not decoded.
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            _ if self.is_text(name) => return Some(self.text()),
            _ if self.is_id(name) => return Some(&self.id),
            _ => (),
        }
        let field = &self.fields[self.find(name)?];
        match &field.view {
            View::NotDecoded | View::Null => None,
            View::Text(text) | View::Made(_, text) => Some(text),
            View::Json(_) => field.lent_json(self.source.json()),
        }
    }

    /// What the field `name` is called in the input, and so in the output.
    pub fn written_name<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.in_input(name)
    }

    /// Sets the field `name`: to the text itself for [`FieldKind::Text`], to JSON for all other kinds. `None` removes it.
    /// Says whether the field was something else before.
    ///
    /// # Errors
    /// The value is not of its kind; `id` or `text` would be removed or be something other than text.
    pub fn set(&mut self, name: &str, kind: FieldKind, value: Option<String>) -> Result<bool, FieldError> {
        if self.is_id_or_text(name) {
            return self.set_id_or_text(name, kind, value);
        }
        let Some(value) = value else { return Ok(self.remove(name)) };
        if kind == FieldKind::Text {
            let json = json::encode_text(&value);
            return Ok(self.put(name, json, View::Text(Cow::Owned(value))));
        }
        kind.check(&value).map_err(|found| FieldError::new(name, kind, found))?;
        Ok(self.put(name, on_one_line(value), View::Json(kind)))
    }

    /// The fields for the columns of a table: names as the output has them. The id is among them even where the input has
    /// none.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, Cell<'_>)> {
        let id = self.names.in_input("id");
        let read_id = self.find(id).filter(|index| matches!(self.fields[*index].value, Value::Cell(_)));
        // What was a number in JSON can be one in a column.
        let made_id = read_id.is_none().then(|| (id, Cell::Written(Cow::Borrowed(&*self.id))));
        let text = (self.text_field.is_none())
            .then(|| (self.names.in_input("text"), Cell::Text(Cow::Borrowed(self.text()))));
        let fields = self.fields.iter().enumerate().filter(move |(index, field)| {
            !field.is_removed() && (read_id == Some(*index) || field.name != id)
        });
        made_id.into_iter().chain(text).chain(fields.map(|(index, field)| (&*field.name, self.cell(index))))
    }

    /// The fields as they are: the name, what kind of value it is in a word or two, and the value: a text as it is, anything
    /// else as JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'static str, Cow<'_, str>)> {
        let there = self.fields.iter().enumerate().filter(|(_, field)| !field.is_removed());
        there.map(|(index, field)| {
            let cell = self.cell(index);
            if let Ok(text) = cell.text() {
                return (&*field.name, "text", Cow::Owned(text.into_owned()));
            }
            let json = cell.json().into_owned();
            (&*field.name, json::describe(&json), Cow::Owned(json))
        })
    }

    /// The value of the field `name`, whatever it is; `None` where it is absent. The error is a sentence.
    pub(crate) fn value(&self, name: &str) -> Result<Option<Cell<'_>>, String> {
        if self.is_id(name) {
            return Ok(Some(Cell::Written(Cow::Borrowed(&*self.id))));
        }
        let index = self.only(name).map_err(|found| format!("the field `{name}` is {found}"))?;
        Ok(index.map(|index| self.cell(index)))
    }

    /// The cell that the fields without a column were read from, if they are all as they were.
    pub(crate) fn extra_as_read(&self) -> Option<Cell<'_>> {
        match &self.source {
            Source::Row(row) if !self.changed => row.extra_cell.clone(),
            _ => None,
        }
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        let field = &self.fields[index];
        match &field.value {
            _ if self.text_field == Some(index) && self.text_changed => {
                Cell::Text(Cow::Borrowed(self.text()))
            }
            Value::Cell(cell) => cell.clone(),
            _ => Cell::Json(Cow::Borrowed(field.lent_json(self.source.json()).unwrap_or("null"))),
        }
    }

    fn is_text(&self, name: &str) -> bool {
        self.names.in_input(name) == self.names.in_input("text")
    }

    fn is_id(&self, name: &str) -> bool {
        self.names.in_input(name) == self.names.in_input("id")
    }

    fn is_id_or_text(&self, name: &str) -> bool {
        self.is_text(name) || self.is_id(name)
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = self.names.in_input(name);
        self.fields.iter().position(|field| field.name == name && !field.is_removed())
    }

    /// The one field of this name; what was found instead, if there are two.
    fn only(&self, name: &str) -> Result<Option<usize>, String> {
        let name = self.names.in_input(name);
        let mut found = (0..self.fields.len())
            .filter(|index| self.fields[*index].name == name && !self.fields[*index].is_removed());
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err("it twice in one object".to_owned()),
        }
    }

    /// Decodes a field; the error says what was found instead.
    fn view(&self, index: usize, kind: FieldKind) -> Result<View<'c>, String> {
        let field = &self.fields[index];
        if let Value::Cell(cell) = &field.value {
            return match kind {
                FieldKind::Text => cell.text().map(View::Text),
                _ => cell.json_of(kind).map(|json| View::Made(kind, json)),
            };
        }
        let json = field.lent_json(self.source.json()).unwrap_or("null");
        match kind {
            _ if json == "null" => Ok(View::Null),
            FieldKind::Text => self.text_at(index).map(View::Text),
            _ => kind.check(json).map(|()| View::Json(kind)),
        }
    }

    fn set_id_or_text(
        &mut self,
        name: &str,
        kind: FieldKind,
        value: Option<String>,
    ) -> Result<bool, FieldError> {
        kind.check_text().map_err(|found| FieldError::new(name, kind, found))?;
        let value = value.ok_or_else(|| FieldError::new(name, kind, "its removal".to_owned()))?;
        let same = if self.is_text(name) { self.text() == value } else { self.id == value };
        if self.is_text(name) {
            self.set_text(value);
            return Ok(!same);
        }
        if !matches!(self.source, Source::Alone) {
            self.put(name, json::encode_text(&value), View::NotDecoded);
        }
        self.changed = true;
        self.id = Cow::Owned(value);
        Ok(!same)
    }

    /// Sets the first field of this name, which is the only one from here on, or adds it.
    fn put(&mut self, name: &str, json: String, view: View<'c>) -> bool {
        let Some(index) = self.find(name) else {
            let name = Cow::Owned(self.names.in_input(name).to_owned());
            self.fields.push(Field { name, place: None, value: Value::Set(json), view });
            self.changed = true;
            return true;
        };
        self.remove_after(index);
        let same = self.fields[index].json(self.source.json()).as_deref() == Some(&json);
        let field = &mut self.fields[index];
        field.view = view;
        if !same {
            field.value = Value::Set(json);
            self.changed = true;
        }
        !same
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some(index) = self.find(name) else { return false };
        self.remove_after(index);
        self.fields[index].value = Value::Removed;
        self.changed = true;
        true
    }

    /// Removes what bears the same name as the field at `index` and follows it.
    fn remove_after(&mut self, index: usize) {
        let (before, after) = self.fields.split_at_mut(index + 1);
        for field in after.iter_mut().filter(|field| field.name == before[index].name && !field.is_removed())
        {
            field.value = Value::Removed;
            self.changed = true;
        }
    }
}

impl Field<'_> {
    fn is_removed(&self) -> bool {
        matches!(self.value, Value::Removed)
    }

    /// The value as JSON. `line`: what the places are in.
    fn json<'a>(&'a self, line: &'a str) -> Option<Cow<'a, str>> {
        match &self.value {
            Value::Cell(cell) => Some(cell.json()),
            _ => self.lent_json(line).map(Cow::Borrowed),
        }
    }

    /// The same, of what is JSON as it is.
    fn lent_json<'a>(&'a self, line: &'a str) -> Option<&'a str> {
        match &self.value {
            Value::AsRead => line.get(self.place.clone()?),
            Value::Set(json) => Some(json),
            Value::Removed | Value::Cell(_) => None,
        }
    }
}

impl Source<'_> {
    /// What the places of fields are in.
    fn json(&self) -> &str {
        match self {
            Self::Alone => "",
            Self::Line(line) => line,
            Self::Row(row) => &row.extra,
        }
    }
}

impl View<'_> {
    fn is_of(&self, kind: FieldKind) -> bool {
        match self {
            Self::NotDecoded => false,
            Self::Null => true,
            Self::Text(_) => kind == FieldKind::Text,
            Self::Json(known) | Self::Made(known, _) => *known == kind,
        }
    }
}

impl Origin {
    /// The id of a document that has none: the file, and where in it the document begins.
    pub(crate) fn place_id(&self) -> String {
        format!("{}#{}", self.file, self.offset)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

fn write_shared<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn read_shared<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(from).map(Arc::from)
}

/// Line ends in JSON stand between its tokens, where a space does as well.
fn on_one_line(json: String) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json }
}
