//! The lines of a ledger: what happened to documents, one event a line.
//!
//! A ledger is written and read by the writers and readers of documents. Its columns are few and flat, so that whatever
//! reads JSON lines or Parquet can count and filter it; what an event has none of is left out.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use crate::cell::Cell;
use crate::columns::{Column, Row};
use crate::document::{Document, FieldKind};
use crate::format::OutputFormat;
use crate::input::{Chunk, Input, InputOptions};
use crate::limits::Limits;
use crate::names::FieldNames;
use crate::output::OutputOptions;
use crate::{Error, ErrorKind, Result, json};

/// A line of a ledger. The events of a document stand together, in the order in which they happened; the last is what became
/// of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LedgerEntry<'a> {
    /// The id of the document.
    pub doc: Cow<'a, str>,
    /// What happened: `edit`, `set`, `unset`, `score`, `error` or `emitted`; at the end `kept`, `dropped`, `failed` or
    /// `refused`.
    pub event: Cow<'a, str>,
    /// The stage; none for the reader and the writer.
    pub stage: Option<Cow<'a, str>>,
    /// The rule of an edit or of a drop.
    pub rule: Option<Cow<'a, str>>,
    /// The bytes that an edit replaced, in the text as it came to the stage.
    pub span: Option<(u64, u64)>,
    /// How much is known of where those bytes stand in the original text: `exact`, `covering` (they come from within) or
    /// `unknown`.
    pub origin: Option<Cow<'a, str>>,
    /// The bytes in the original text.
    pub original: Option<(u64, u64)>,
    /// What an edit took away.
    pub removed: Option<Cow<'a, str>>,
    /// What it put there; of an emitted document, its text.
    pub added: Option<Cow<'a, str>>,
    /// The document for which this one was emitted.
    pub parent: Option<Cow<'a, str>>,
    /// The name of a field or of a score.
    pub name: Option<Cow<'a, str>>,
    /// Its value: a text as it is, anything else as JSON.
    pub value: Option<Cow<'a, str>>,
    /// How the value is to be read: `text` or `json`.
    pub kind: Option<Cow<'a, str>>,
    /// The threshold of a score.
    pub threshold: Option<f64>,
    /// An error.
    pub message: Option<Cow<'a, str>>,
    /// Where the document was read.
    pub file: Option<Cow<'a, str>>,
    /// The line.
    pub line: Option<u64>,
    /// The byte in the (decompressed) file.
    pub offset: Option<u64>,
}

/// The columns of a ledger, in their order.
const COLUMNS: [(&str, FieldKind); 20] = [
    ("doc", FieldKind::Text),
    ("event", FieldKind::Text),
    ("stage", FieldKind::Text),
    ("rule", FieldKind::Text),
    ("start", FieldKind::Int),
    ("end", FieldKind::Int),
    ("origin", FieldKind::Text),
    ("original-start", FieldKind::Int),
    ("original-end", FieldKind::Int),
    ("removed", FieldKind::Text),
    ("added", FieldKind::Text),
    ("parent", FieldKind::Text),
    ("name", FieldKind::Text),
    ("value", FieldKind::Text),
    ("kind", FieldKind::Text),
    ("threshold", FieldKind::Float),
    ("message", FieldKind::Text),
    ("file", FieldKind::Text),
    ("line", FieldKind::Int),
    ("offset", FieldKind::Int),
];

impl OutputOptions {
    /// The options for a ledger in the place of documents.
    ///
    /// # Errors
    /// The name says a format that a ledger cannot have, or it is standard output, where nothing is whole or absent.
    pub fn for_ledger(self) -> Result<Self> {
        let wrong = |message: &str| {
            Err(Error::new(ErrorKind::InvalidOption, &self.uri, message)
                .with_hint("name a file that ends with `.jsonl.zst` or `.parquet`"))
        };
        if self.uri == "-" {
            return wrong("a ledger cannot go to standard output");
        }
        let column =
            |(name, kind): &(&str, FieldKind)| Column { name: (*name).to_owned(), kind: Some(*kind) };
        match OutputFormat::of_name(&self.uri) {
            None | Some(OutputFormat::Jsonl(_)) => Ok(self),
            Some(OutputFormat::Parquet | OutputFormat::Arrow) => {
                Ok(Self { columns: Some(COLUMNS.iter().map(column).collect()), ..self })
            }
            Some(_) => wrong("a ledger is lines of JSON, Parquet or Arrow"),
        }
    }
}

impl LedgerEntry<'_> {
    /// Appends it as a line of JSON, without the line's end.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        let mut separator = b'{';
        for ((name, _), cell) in COLUMNS.iter().zip(self.cells()) {
            let Some(cell) = cell else { continue };
            out.push(separator);
            separator = b',';
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            cell.write_json(out);
        }
        out.push(b'}');
    }

    /// A cell for each of the columns, and none for that of all other fields.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only tables have rows"))]
    pub(crate) fn row(&self) -> Row<'_> {
        self.cells().into_iter().chain([None]).collect()
    }

    fn cells(&self) -> [Option<Cell<'_>>; COLUMNS.len()] {
        fn text<'t>(text: Option<&'t Cow<'_, str>>) -> Option<Cell<'t>> {
            text.map(|text| Cell::Text(Cow::Borrowed(&**text)))
        }
        let number = |number: Option<u64>| number.map(|number| Cell::Json(Cow::Owned(number.to_string())));
        // An infinite one has no place in JSON.
        let threshold = self.threshold.filter(|threshold| threshold.is_finite());
        [
            text(Some(&self.doc)),
            text(Some(&self.event)),
            text(self.stage.as_ref()),
            text(self.rule.as_ref()),
            number(self.span.map(|span| span.0)),
            number(self.span.map(|span| span.1)),
            text(self.origin.as_ref()),
            number(self.original.map(|span| span.0)),
            number(self.original.map(|span| span.1)),
            text(self.removed.as_ref()),
            text(self.added.as_ref()),
            text(self.parent.as_ref()),
            text(self.name.as_ref()),
            text(self.value.as_ref()),
            text(self.kind.as_ref()),
            threshold.map(|threshold| Cell::Json(Cow::Owned(format!("{threshold:?}")))),
            text(self.message.as_ref()),
            text(self.file.as_ref()),
            number(self.line),
            number(self.offset),
        ]
    }
}

impl LedgerEntry<'static> {
    /// An entry as it was read; `None` if it is none.
    fn read(document: &Document<'_>) -> Option<Self> {
        let mut entry = Self::default();
        let (mut span, mut original) = ((None, None), (None, None));
        for (name, _, value) in document.fields() {
            let text = || Some(Cow::Owned(value.clone().into_owned()));
            let number = || value.parse().ok();
            match name {
                "doc" => entry.doc = Cow::Owned(value.into_owned()),
                "event" => entry.event = Cow::Owned(value.into_owned()),
                "stage" => entry.stage = text(),
                "rule" => entry.rule = text(),
                "start" => span.0 = number(),
                "end" => span.1 = number(),
                "origin" => entry.origin = text(),
                "original-start" => original.0 = number(),
                "original-end" => original.1 = number(),
                "removed" => entry.removed = text(),
                "added" => entry.added = text(),
                "parent" => entry.parent = text(),
                "name" => entry.name = text(),
                "value" => entry.value = text(),
                "kind" => entry.kind = text(),
                "threshold" => entry.threshold = value.parse().ok(),
                "message" => entry.message = text(),
                "file" => entry.file = text(),
                "line" => entry.line = number(),
                "offset" => entry.offset = number(),
                _ => (),
            }
        }
        entry.span = span.0.zip(span.1);
        entry.original = original.0.zip(original.1);
        (!entry.event.is_empty()).then_some(entry)
    }
}

/// Reads a ledger, entry by entry, until `take` breaks.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_ledger(path: &Path, take: &mut dyn FnMut(LedgerEntry<'static>) -> ControlFlow<()>) -> Result<()> {
    let none = |message: &str| Error::new(ErrorKind::InvalidOption, path, message);
    let options = InputOptions {
        uris: vec![path.to_string_lossy().into_owned()],
        fields: FieldNames::same().with_optional_text(),
        limits: Limits::none(),
        ..InputOptions::default()
    };
    let mut reader = Input::open(options)?.reader();
    let mut chunk = Chunk::default();
    while reader.next(&mut chunk)? {
        for read in chunk.documents() {
            let read = read.map_err(|failure| none(&format!("{}: {}", failure.origin, failure.message)))?;
            let entry = LedgerEntry::read(&read).ok_or_else(|| none("this is no ledger of textmill"))?;
            if take(entry).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A value as a ledger has it, as JSON.
pub fn ledger_value_as_json(value: &str, kind: Option<&str>) -> String {
    if kind == Some("json") { value.to_owned() } else { json::encode_text(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let entry = LedgerEntry {
            doc: "a \"b\"".into(),
            event: "edit".into(),
            span: Some((3, 9)),
            origin: Some("exact".into()),
            original: Some((4, 10)),
            removed: Some("x\ny".into()),
            added: Some("".into()),
            threshold: Some(0.3),
            ..LedgerEntry::default()
        };
        let mut line = Vec::new();
        entry.write_json(&mut line);
        let line = String::from_utf8(line).unwrap();
        let names = FieldNames::same().with_optional_text();
        let document = Document::of_json(&line, "ledger", &names).unwrap();
        assert_eq!(LedgerEntry::read(&document), Some(entry), "{line}");
        let other = Document::of_json("{\"id\": 1}", "ledger", &names).unwrap();
        assert_eq!(LedgerEntry::read(&other), None);
    }
}
