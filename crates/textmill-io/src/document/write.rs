//! From a document to the line of JSON that the output holds of it.

use super::{Document, Field, Source, Value};
use crate::json;

impl Document<'_> {
    /// Appends the document as one line of JSON, without the line's end.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        match &self.source {
            Source::Line(line) if !self.changed => out.extend_from_slice(line.as_bytes()),
            Source::Line(line) => self.splice(line, out),
            Source::Row(_) => self.write_row(out),
            Source::Alone => self.write_object(out),
        }
    }

    /// Copies the line, with its changes: what surrounds the fields, and each field that stays, behind its separator.
    fn splice(&self, line: &str, out: &mut Vec<u8>) {
        let bytes = line.as_bytes();
        let mut end = memchr::memchr(b'{', bytes).map_or(0, |brace| brace + 1);
        out.extend_from_slice(&bytes[..key_start(bytes, end)]);
        let mut is_empty = true;
        for (index, field) in self.fields.iter().enumerate() {
            let Some(place) = &field.place else { break };
            if !field.is_removed() {
                let start = if is_empty { key_start(bytes, end) } else { end };
                out.extend_from_slice(&bytes[start..place.start]);
                self.write_value(index, line, out);
                is_empty = false;
            }
            end = place.end;
        }
        write_added(&mut is_empty, self.fields.iter(), out);
        out.extend_from_slice(&bytes[end..]);
    }

    /// Writes the value of a field of the line.
    fn write_value(&self, index: usize, line: &str, out: &mut Vec<u8>) {
        if self.text_field == Some(index) && self.text_changed {
            json::write_text(self.text(), out);
        } else if let Some(json) = self.fields[index].lent_json(line) {
            out.extend_from_slice(json.as_bytes());
        }
    }

    /// Writes the fields in the order of the columns, and then those that were added.
    fn write_row(&self, out: &mut Vec<u8>) {
        let mut is_empty = true;
        out.push(b'{');
        for (index, field) in self.fields.iter().enumerate().filter(|(_, field)| !field.is_removed()) {
            write_key(&mut is_empty, &field.name, out);
            self.cell(index).write_json(out);
        }
        out.push(b'}');
    }

    /// Writes `id`, `title`, `text`, and then the other fields in the order in which they were set.
    fn write_object(&self, out: &mut Vec<u8>) {
        let title = self.find("title").map(|index| &self.fields[index]);
        let mut is_empty = true;
        out.push(b'{');
        write_key(&mut is_empty, self.names.in_input("id"), out);
        json::write_text(&self.id, out);
        if let Some(Value::Set(json)) = title.map(|title| &title.value) {
            write_key(&mut is_empty, self.names.in_input("title"), out);
            out.extend_from_slice(json.as_bytes());
        }
        write_key(&mut is_empty, self.names.in_input("text"), out);
        json::write_text(self.text(), out);
        let others =
            self.fields.iter().filter(|field| title.is_none_or(|title| !std::ptr::eq(*field, title)));
        write_added(&mut is_empty, others, out);
        out.push(b'}');
    }
}

/// Between two entries there is nothing but white space and a comma.
fn key_start(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'"', &bytes[from..]).map_or(bytes.len(), |at| from + at)
}

fn write_key(is_empty: &mut bool, name: &str, out: &mut Vec<u8>) {
    if !*is_empty {
        out.push(b',');
    }
    *is_empty = false;
    json::write_text(name, out);
    out.push(b':');
}

/// Writes those of the fields that are not in the line.
fn write_added<'a, 'c: 'a>(
    is_empty: &mut bool,
    fields: impl Iterator<Item = &'a Field<'c>>,
    out: &mut Vec<u8>,
) {
    for field in fields.filter(|field| field.place.is_none()) {
        if let Value::Set(json) = &field.value {
            write_key(is_empty, &field.name, out);
            out.extend_from_slice(json.as_bytes());
        }
    }
}
