//! From what was read to a document.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::{Document, Field, Origin, Row, Source, Value, View};
use crate::cell::{Cell, EXTRA};
use crate::json;
use crate::names::FieldNames;

impl<'c> Document<'c> {
    /// A document that is a whole file.
    pub(crate) fn from_file(
        text: Cow<'c, str>,
        original: &'c [u8],
        origin: Origin,
        names: &'c FieldNames,
    ) -> Self {
        let id = Cow::Owned(origin.file.to_string());
        Self { original, ..Self::plain(id, text, origin, names) }
    }

    /// A document that is a line of JSON. The error is a sentence for people.
    pub(crate) fn from_line(
        line: Cow<'c, str>,
        original: &'c [u8],
        origin: Origin,
        names: &'c FieldNames,
    ) -> Result<Self, String> {
        let fields = scan(&line)?;
        let document =
            Self { original, fields, ..Self::plain(Cow::default(), Cow::default(), origin, names) };
        Self { source: Source::Line(line), ..document }.with_id_and_text("line")
    }

    /// A document that is a row of a table. An absent cell is no field. The error is a sentence for people.
    pub(crate) fn from_row(
        cells: impl Iterator<Item = (&'c str, Cell<'c>)>,
        original: &'c [u8],
        origin: Origin,
        names: &'c FieldNames,
    ) -> Result<Self, String> {
        let mut fields: Vec<_> = cells.map(|(name, cell)| Field::of_cell(name, cell)).collect();
        let row = Row::take_extra(&mut fields);
        fields.extend(scan_extra(&row.extra));
        let document =
            Self { original, fields, ..Self::plain(Cow::default(), Cow::default(), origin, names) };
        Self { source: Source::Row(row), ..document }.with_id_and_text("row")
    }

    /// Finds the two fields that every document has. `what` the document is, for the error.
    fn with_id_and_text(mut self, what: &str) -> Result<Self, String> {
        if self.names.is_text_optional() {
            self.id = self.find_id(what).ok().flatten().unwrap_or_else(|| Cow::Owned(self.origin.place_id()));
            return Ok(self);
        }
        let name = self.names.in_input("text");
        let index = self.only_of(name, what)?;
        let index = index.ok_or_else(|| format!("the {what} has no field `{name}`"))?;
        self.text_field = Some(index);
        if self.can_wait(index) {
            self.text = OnceCell::new();
        } else {
            let text = self.text_at(index);
            let text = text.map_err(|found| format!("the field `{name}` should be text, found {found}"))?;
            self.text = OnceCell::from(text);
        }
        self.id = self.find_id(what)?.unwrap_or_else(|| Cow::Owned(self.origin.place_id()));
        Ok(self)
    }

    /// The id: text, or a whole number as it stands there; `None` where there is none.
    fn find_id(&self, what: &str) -> Result<Option<Cow<'c, str>>, String> {
        let name = self.names.in_input("id");
        let Some(index) = self.only_of(name, what)? else { return Ok(None) };
        let found = match self.text_at(index) {
            Ok(text) => return Ok(Some(text)),
            Err(found) => found,
        };
        match self.fields[index].json(self.source.json()).as_deref() {
            None | Some("null") => Ok(None),
            Some(json) if json.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
                Ok(Some(Cow::Owned(json.to_owned())))
            }
            _ => Err(format!("the field `{name}` should be text or a whole number, found {found}")),
        }
    }

    fn only_of(&self, name: &str, what: &str) -> Result<Option<usize>, String> {
        let mut found = (0..self.fields.len()).filter(|index| self.fields[*index].name == name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(format!("the field `{name}` stands twice in the {what}")),
        }
    }

    /// Whether a value of the line nests so deep that the line has more levels than so many, of which it is the first.
    pub(crate) fn is_deeper_than(&self, levels: usize) -> bool {
        let line = self.source.json();
        let mut places = self.fields.iter().filter_map(|field| field.place.clone());
        places
            .any(|place| json::is_deeper_than(line.get(place).unwrap_or_default(), levels.saturating_sub(1)))
    }

    /// Whether a field is surely text, so that decoding it cannot fail, however late.
    fn can_wait(&self, index: usize) -> bool {
        let Field { value, place, .. } = &self.fields[index];
        match (value, place) {
            (Value::AsRead, Some(place)) => {
                self.source.json().get(place.clone()).is_some_and(json::is_decodable_text)
            }
            _ => false,
        }
    }

    /// A field as text, as it was read; the error says what it is instead.
    pub(super) fn text_at(&self, index: usize) -> Result<Cow<'c, str>, String> {
        let field = &self.fields[index];
        match (&field.value, &field.place, &self.source) {
            (Value::Cell(cell), ..) => cell.text(),
            // Only what stands in a borrowed line can be lent for as long as the chunk lives.
            (
                Value::AsRead,
                Some(place),
                Source::Line(Cow::Borrowed(json)) | Source::Row(Row { extra: Cow::Borrowed(json), .. }),
            ) => json::decode_text(json.get(place.clone()).unwrap_or_default()),
            _ => {
                let json = field.json(self.source.json()).unwrap_or_default();
                json::decode_text(&json).map(|text| Cow::Owned(text.into_owned()))
            }
        }
    }
}

impl<'c> Field<'c> {
    fn read(entry: json::Entry<'c>) -> Self {
        Self { name: entry.key, place: Some(entry.value), value: Value::AsRead, view: View::NotDecoded }
    }

    fn of_cell(name: &'c str, cell: Cell<'c>) -> Self {
        Self { name: Cow::Borrowed(name), place: None, value: Value::Cell(cell), view: View::NotDecoded }
    }
}

impl<'c> Row<'c> {
    /// Takes the column `extra` out of the fields, if it holds an object. What else it holds is a field like any other.
    fn take_extra(fields: &mut Vec<Field<'c>>) -> Self {
        let stored = fields.iter().find_map(|field| match &field.value {
            Value::Cell(Cell::Stored(stored)) => Some(*stored),
            _ => None,
        });
        let index = fields.iter().position(|field| EXTRA.contains(&&*field.name));
        let object = index.and_then(|index| match &fields[index].value {
            Value::Cell(cell) => cell.object(),
            _ => None,
        });
        let (Some(index), Some(extra)) = (index, object) else {
            return Self { extra: Cow::Borrowed(""), extra_cell: None, stored };
        };
        let extra_cell = match fields.remove(index).value {
            Value::Cell(cell) => Some(cell),
            _ => None,
        };
        Self { extra, extra_cell, stored }
    }
}

/// The fields of a line.
fn scan<'c>(line: &Cow<'c, str>) -> Result<Vec<Field<'c>>, String> {
    Ok(match line {
        Cow::Borrowed(line) => json::scan(line)?.into_iter().map(Field::read).collect(),
        Cow::Owned(line) => {
            json::scan(line)?.into_iter().map(|entry| Field::read(entry.into_owned())).collect()
        }
    })
}

/// The fields of an object that was found to be one, or of nothing.
fn scan_extra<'c>(extra: &Cow<'c, str>) -> Vec<Field<'c>> {
    if extra.is_empty() { Vec::new() } else { scan(extra).unwrap_or_default() }
}

impl json::Entry<'_> {
    fn into_owned(self) -> json::Entry<'static> {
        json::Entry { key: Cow::Owned(self.key.into_owned()), value: self.value }
    }
}
