//! The plain loop: what a program does that finds each line, parses it into fields, and writes it back.
//!
//! It is run as a process, as textmill is, so that both pay for their start and for the pages that they touch.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a line, in order, their values as they stand there.
pub(super) struct Fields<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

/// Parses a line.
pub(super) fn fields(line: &[u8]) -> serde_json::Result<Fields<'_>> {
    serde_json::from_slice(line)
}

/// The command `plain-loop`.
pub(crate) fn run(input: &Path, output: &Path) -> Result<()> {
    let mut reader = BufReader::with_capacity(128 << 10, File::open(input)?);
    let mut writer = BufWriter::with_capacity(128 << 10, File::create(output)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        write(&fields(&line).context("a line is no JSON")?, &mut writer)?;
        line.clear();
    }
    Ok(writer.flush()?)
}

fn write(fields: &Fields<'_>, writer: &mut impl std::io::Write) -> Result<()> {
    for (number, (name, value)) in fields.0.iter().enumerate() {
        writer.write_all(if number == 0 { b"{" } else { b"," })?;
        serde_json::to_writer(&mut *writer, name)?;
        writer.write_all(b":")?;
        writer.write_all(value.get().as_bytes())?;
    }
    Ok(writer.write_all(if fields.0.is_empty() { b"{}\n" } else { b"}\n" })?)
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(fields)
    }
}
