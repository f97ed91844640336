//! TOML as JSON, with the place of every key and value.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Spot, Text};

/// A TOML text as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// What was written. The tables of TOML nest no deeper than its parser allows, so code that recurses over this is
    /// safe.
    pub(crate) value: Value,
    /// Where it was written.
    pub(crate) places: Places,
}

/// JSON pointers (RFC 6901) and where the values they name were written.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    map: BTreeMap<String, Place>,
}

/// Where a value was written.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    key: Option<Spot>,
    value: Spot,
}

impl Tree {
    /// Reads TOML.
    ///
    /// # Errors
    /// All syntax errors of the text, or else all values that JSON cannot hold.
    pub(crate) fn parse(text: Arc<Text>) -> Result<Self, Vec<Diagnostic>> {
        let source = Arc::clone(&text);
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        let mut reader = Reader { text, map: BTreeMap::new(), errors: Vec::new() };
        reader.errors.extend(syntax_errors(&reader.text, &errors));
        if !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        let root = table.span();
        let value = reader.table("", table.get_ref());
        reader.place("", None, root);
        reader.finish(value)
    }

    /// Reads one TOML value that is a part of a text: the `span` of it.
    ///
    /// # Errors
    /// As [`Tree::parse`].
    pub(crate) fn parse_value(spot: &Spot, key: &Spot) -> Result<Self, Vec<Diagnostic>> {
        let part = spot.text.text.get(spot.span.clone()).unwrap_or_default();
        let (value, errors) = DeValue::parse_recoverable(part);
        // Spans are those of the part, and every place of a value from the command line is shown as the whole of it.
        let mut reader = Reader { text: Arc::clone(&spot.text), map: BTreeMap::new(), errors: Vec::new() };
        if let Some(error) = errors.first() {
            return Err(vec![Diagnostic::at(spot, error.message())]);
        }
        let value = reader.value("", value.get_ref(), spot.span.clone());
        let whole = Place { key: Some(key.clone()), value: spot.clone() };
        reader.map.values_mut().for_each(|place| *place = whole.clone());
        reader.map.insert(String::new(), whole);
        for error in &mut reader.errors {
            *error = Diagnostic::at(spot, error.message.as_str());
        }
        reader.finish(value)
    }

    /// A string that was written without quotes at `spot`.
    pub(crate) fn string(text: &str, spot: &Spot, key: &Spot) -> Self {
        let place = Place { key: Some(key.clone()), value: spot.clone() };
        let places = Places { map: BTreeMap::from([(String::new(), place)]) };
        Self { value: Value::String(text.to_owned()), places }
    }
}

impl Places {
    /// Forgets the place at `pointer` and all places below it.
    pub(crate) fn forget(&mut self, pointer: &str) {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.map.retain(|known, _| !known.strip_prefix(pointer).is_some_and(is_below));
    }

    /// The place of the value that the pointer names.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Place> {
        self.map.get(pointer)
    }

    /// The place of the value that the pointer names, or of the innermost one around it that was written.
    pub(crate) fn nearest(&self, pointer: &str) -> &Place {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.get(pointer) {
                return place;
            }
            pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    /// As [`Places::nearest`], but only at `outer` or in it.
    pub(crate) fn nearest_within(&self, outer: &str, pointer: &str) -> Option<&Place> {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.get(&format!("{outer}{pointer}")) {
                return Some(place);
            }
            if pointer.is_empty() {
                return None;
            }
            pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }

    /// Says where a value is, if that is not known.
    pub(crate) fn offer(&mut self, pointer: &str, key: &Spot, value: &Spot) {
        let place = || Place { key: Some(key.clone()), value: value.clone() };
        self.map.entry(pointer.to_owned()).or_insert_with(place);
    }

    /// Puts the places of a value that was written elsewhere under `pointer`.
    pub(crate) fn graft(&mut self, pointer: &str, places: Places) {
        let inside = format!("{pointer}/");
        self.map.retain(|known, _| known != pointer && !known.starts_with(&inside));
        self.map.extend(places.map.into_iter().map(|(below, place)| (format!("{pointer}{below}"), place)));
    }
}

impl Place {
    /// The bytes of the value; of a table with a header, its header.
    pub(crate) fn value(&self) -> &Spot {
        &self.value
    }

    /// Whether it is an item of a list, which has no key.
    pub(crate) fn is_item(&self) -> bool {
        self.key.is_none()
    }

    /// The bytes of the key; of the value where it has none.
    pub(crate) fn key(&self) -> &Spot {
        self.key.as_ref().unwrap_or(&self.value)
    }
}

/// A pointer one step further in.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The steps of a pointer.
pub(crate) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// Builds a tree.
struct Reader {
    text: Arc<Text>,
    map: BTreeMap<String, Place>,
    errors: Vec<Diagnostic>,
}

impl Reader {
    fn finish(self, value: Value) -> Result<Tree, Vec<Diagnostic>> {
        match self.errors.as_slice() {
            [] => Ok(Tree { value, places: Places { map: self.map } }),
            _ => Err(self.errors),
        }
    }

    fn place(&mut self, pointer: &str, key: Option<Range<usize>>, value: Range<usize>) {
        let spot = |span| Spot { text: Arc::clone(&self.text), span };
        let place = Place { key: key.map(spot), value: spot(value) };
        self.map.insert(pointer.to_owned(), place);
    }

    fn table(&mut self, pointer: &str, table: &DeTable<'_>) -> Value {
        let mut object = Map::new();
        // In the order of the file, which is that of columns; the parser sorts by name.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let inside = child(pointer, key.get_ref());
            self.place(&inside, Some(key.span()), value.span());
            object.insert(key.get_ref().to_string(), self.value(&inside, value.get_ref(), value.span()));
        }
        Value::Object(object)
    }

    fn array(&mut self, pointer: &str, items: &[Spanned<DeValue<'_>>]) -> Value {
        let mut array = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let inside = format!("{pointer}/{index}");
            self.place(&inside, None, item.span());
            array.push(self.value(&inside, item.get_ref(), item.span()));
        }
        Value::Array(array)
    }

    fn value(&mut self, pointer: &str, value: &DeValue<'_>, span: Range<usize>) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            // Options cross to a stage as JSON, which has no dates.
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Array(items) => self.array(pointer, items),
            DeValue::Table(table) => self.table(pointer, table),
            DeValue::Integer(integer) => self.number(integer_of(integer), "expected 64 bits", span),
            DeValue::Float(float) => self.number(float_of(float), "expected a finite number", span),
        }
    }

    fn number(&mut self, number: Option<Number>, expected: &str, span: Range<usize>) -> Value {
        if let Some(number) = number {
            return Value::Number(number);
        }
        let spot = Spot { text: Arc::clone(&self.text), span };
        let written = spot.text.text.get(spot.span.clone()).unwrap_or_default();
        let message = format!("the number `{written}` is out of range");
        self.errors.push(Diagnostic::at(&spot, message).with_label(expected));
        Value::Null
    }
}

fn integer_of(integer: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (integer.as_str(), integer.radix());
    let signed = i64::from_str_radix(digits, radix).ok().map(Number::from);
    signed.or_else(|| u64::from_str_radix(digits, radix).ok().map(Number::from))
}

/// A whole float becomes an integer: to JSON Schema `3.0` is one, and a stage that was promised an integer must get it.
fn float_of(float: &DeFloat<'_>) -> Option<Number> {
    let value: f64 = float.as_str().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and less than 2^53")]
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// Up to 2^53 every whole float is exactly an integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// One bad line can throw the parser off for all that follow, so only the first errors are told, and one for a line.
fn syntax_errors(text: &Arc<Text>, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(text.text.len()..text.text.len());
        let spot = Spot { text: Arc::clone(text), span };
        let (message, label) = wording(error.message());
        let one = Diagnostic::at(&spot, format!("invalid TOML: {message}")).with_label(label);
        if told.iter().all(|other| other.line != one.line) {
            told.push(one);
        }
        if told.len() == MOST {
            break;
        }
    }
    told
}

/// A message of the parser and its label, in words that need no grammar of TOML.
fn wording(message: &str) -> (&str, &str) {
    match message.split_once(", ").unwrap_or((message, "here")) {
        ("duplicate key", _) => ("duplicate key", "given before"),
        ("string values must be quoted", _) => ("string values must be quoted", "expected `\"...\"`"),
        parts => parts,
    }
}

/// The most syntax errors that are told of one file.
const MOST: usize = 10;
