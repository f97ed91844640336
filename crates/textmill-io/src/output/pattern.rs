//! Which file of an output folder a document goes to: `{language}/{shard}.jsonl.zst`.
//!
//! Documents with the same values go to the same series of files; the parts of a series are numbered. Values become names
//! as ids do ([`super::name`]): what is harmless stands as it is, the rest is escaped and can be read back.

use super::name;
use crate::document::Document;
use crate::format::{self, OutputFormat};
use crate::input::Shard;

/// What stands for a field that is absent or null. A value that is this very text is escaped.
pub(super) const MISSING: &str = "__missing__";

/// What stands in the name of a series for the number of a part; no escaped value has it.
const PART: char = '\0';

/// What stands there for the folder of a file in the root of the input.
const NOWHERE: char = '\u{1}';

/// So many bytes tell one value from another, with a hash where it has to be cut.
const LEAST_ROOM: usize = 24;

/// A part of the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamePart {
    /// As it stands.
    Literal(String),
    /// The file that the document was read from, relative to the root of the input, with its folders.
    File,
    /// The folder of that file, relative to the root of the input; nothing for a file in the root itself.
    Dir,
    /// The name of that file without folders and the extensions of format and compression.
    Stem,
    /// The number of the shard, in five digits.
    Shard,
    /// The number of the part, in five digits.
    Part,
    /// The value of a field, by the name that stages use.
    Field(String),
}

/// The names of the files of an output.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<NamePart>,
    only: Option<String>,
    /// How many bytes a value may have, where it stands beside others in the name of a file or folder.
    room: usize,
}

impl Pattern {
    pub(super) fn new(parts: Vec<NamePart>) -> Self {
        Self {
            only: only_series(&parts),
            room: (name::MAX_PART / most_beside(&parts)).max(LEAST_ROOM),
            parts,
        }
    }

    /// Parts in one folder.
    pub(super) fn parts(format: OutputFormat) -> Self {
        let ending = NamePart::Literal(format!(".{format}"));
        Self::new(vec![NamePart::Literal("part-".to_owned()), NamePart::Part, ending])
    }

    pub(super) fn has(&self, part: &NamePart) -> bool {
        self.parts.contains(part)
    }

    /// Whether a part can follow on another one.
    pub(super) fn has_parts(&self) -> bool {
        self.has(&NamePart::Part)
    }

    /// The one series that there is, if the name has nothing of the documents.
    pub(super) fn only_series(&self) -> Option<&str> {
        self.only.as_deref()
    }

    /// The series of a document. The error is a sentence for people: a value that makes no name.
    pub(super) fn series(&self, document: &Document<'_>, shard: Shard) -> Result<String, String> {
        let mut series = String::new();
        for part in &self.parts {
            let file = &*document.origin().file;
            let (folder, base) = file.rsplit_once('/').unwrap_or(("", file));
            match part {
                NamePart::Literal(text) => series.push_str(text),
                NamePart::File => self.push_path(file, &mut series),
                NamePart::Dir if folder.is_empty() => series.push(NOWHERE),
                NamePart::Dir => self.push_path(folder, &mut series),
                NamePart::Stem => series.push_str(&name::value(format::stem(base), self.room)),
                NamePart::Shard => series.push_str(&number(shard.number)),
                NamePart::Part => series.push(PART),
                NamePart::Field(field) => series.push_str(&value(document, field, self.room)?),
            }
        }
        Ok(without_nowhere(series))
    }

    fn push_path(&self, path: &str, series: &mut String) {
        for (index, part) in path.split('/').enumerate() {
            if index > 0 {
                series.push('/');
            }
            series.push_str(&name::value(part, self.room));
        }
    }
}

fn only_series(parts: &[NamePart]) -> Option<String> {
    let part = |part: &NamePart| match part {
        NamePart::Literal(text) => Some(text.clone()),
        NamePart::Part => Some(PART.to_string()),
        _ => None,
    };
    parts.iter().map(part).collect()
}

/// How many placeholders there are, at most, between two slashes.
fn most_beside(parts: &[NamePart]) -> usize {
    let mut counts = vec![0];
    for part in parts {
        match part {
            NamePart::Literal(text) => counts.extend(text.matches('/').map(|_| 0)),
            _ => *counts.last_mut().expect("there is one from the beginning") += 1,
        }
    }
    counts.into_iter().max().unwrap_or(1).max(1)
}

/// The name of a part of a series.
pub(super) fn nth(series: &str, part: u64) -> String {
    series.replace(PART, &number(part))
}

fn number(number: u64) -> String {
    format!("{number:05}")
}

fn value(document: &Document<'_>, field: &str, room: usize) -> Result<String, String> {
    let unfit = |found: String| format!("{found}, which cannot name a file");
    let value = text_of(document, field).map_err(unfit)?;
    Ok(value.map_or_else(|| MISSING.to_owned(), |text| name::value(&text, room)))
}

/// The value of a field that is one value, as text; `None` if it is absent or null. The error says what it is.
pub(super) fn text_of(document: &Document<'_>, field: &str) -> Result<Option<String>, String> {
    let is = |found: &str| format!("the field `{field}` is {found}");
    let Some(cell) = document.value(field)?.filter(|cell| !cell.is_null()) else { return Ok(None) };
    match cell.json().bytes().next() {
        Some(b'[') => Err(is("a list")),
        Some(b'{') => Err(is("an object")),
        Some(b'"') => cell.text().map(|text| Some(text.into_owned())).map_err(|found| is(&found)),
        _ => Ok(Some(cell.json().into_owned())),
    }
}

/// The root of the input is no folder of a path; beside other parts of a name it is an empty value.
fn without_nowhere(path: String) -> String {
    if !path.contains(NOWHERE) {
        return path;
    }
    let is_folder = |part: &&str| !part.chars().eq([NOWHERE]);
    let parts: Vec<_> = path.split('/').filter(is_folder).collect();
    parts.join("/").replace(NOWHERE, &name::value("", name::MAX_PART))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_the_input_is_no_folder() {
        let check = |path: &str, expect: &str| assert_eq!(without_nowhere(path.to_owned()), expect);
        check("\u{1}/a.jsonl", "a.jsonl");
        check("b/\u{1}/a.jsonl", "b/a.jsonl");
        check("\u{1}.jsonl", "%-.jsonl");
        check("x-\u{1}/a", "x-%-/a");
    }

    #[test]
    fn values_share_the_room_of_a_name() {
        let literal = |text: &str| NamePart::Literal(text.to_owned());
        assert_eq!(most_beside(&[NamePart::Stem, literal("/"), NamePart::Dir, NamePart::Part]), 2);
        assert_eq!(most_beside(&[NamePart::Stem, literal("/a/"), NamePart::Part]), 1);
        assert_eq!(most_beside(&[literal("a")]), 1);
    }
}
