//! Names of output files that are made of the documents: `out/{language}/{shard}.jsonl.zst`.
//!
//! What stands before the first placeholder's part of the path is the folder of the output, which is claimed, staged and
//! published as a whole; the rest says which file in it a document goes to. A brace that is none of a placeholder is
//! doubled.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spot};
use crate::suggest;

/// A part of the name of an output file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamePart {
    /// As it stands.
    Literal(String),
    /// `{file}`: the file that the document was read from, relative to the root of the input, with `/`.
    File,
    /// `{dir}`: the folder of that file, relative to the root of the input; nothing for a file in the root itself.
    Dir,
    /// `{stem}`: the name of that file without its folder and the extensions of its format and compression.
    Stem,
    /// `{shard}`: the number of the shard of the input, in five digits.
    Shard,
    /// `{part}`: the number of the part, in five digits; one begins when the one before has `max-bytes`.
    Part,
    /// `{NAME}` or `{field:NAME}`: the value of a field of the document.
    Field(String),
}

/// The folder of an output, and the name of the files in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// A path that ends with `/`, or, where there is no placeholder, all that was written.
    pub(crate) uri: String,
    /// Empty where there is no placeholder.
    pub(crate) name: Vec<NamePart>,
}

/// What is wrong with the name of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameError {
    /// The bytes it is about, in what was written.
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The placeholders that are no fields.
const KNOWN: [(&str, NamePart); 5] = [
    ("file", NamePart::File),
    ("dir", NamePart::Dir),
    ("stem", NamePart::Stem),
    ("shard", NamePart::Shard),
    ("part", NamePart::Part),
];

const LIST: &str =
    "`{file}`, `{dir}`, `{stem}`, `{shard}`, `{part}`, or the name of a field, such as `{language}`";

impl Named {
    /// Tells the folder from the name.
    pub(crate) fn parse(written: &str) -> Result<Self, NameError> {
        if !written.contains(['{', '}']) {
            return Ok(Self { uri: written.to_owned(), name: Vec::new() });
        }
        let parts = parse(written)?;
        let Some(first) = parts.iter().position(|part| !matches!(part, NamePart::Literal(_))) else {
            return Ok(Self { uri: literals(&parts), name: Vec::new() });
        };
        let before = literals(&parts[..first]);
        let whole = 0..written.len();
        let Some((folder, rest)) = before.rsplit_once('/') else {
            return Err(NameError::new(whole, "a folder must stand before the first placeholder")
                .with_hint(&format!("write `out/{written}`")));
        };
        let rest = (!rest.is_empty()).then(|| NamePart::Literal(rest.to_owned()));
        let name: Vec<_> = rest.into_iter().chain(parts[first..].iter().cloned()).collect();
        if !is_inside(&name) {
            let message =
                "no part of the path from the first placeholder on may be empty or begin with a dot";
            return Err(NameError::new(whole, message));
        }
        Ok(Self { uri: format!("{folder}/"), name })
    }

    /// Whether there is more than one file, so that `max-bytes` has a meaning.
    pub(crate) fn has_parts(&self) -> bool {
        self.name.contains(&NamePart::Part) || self.name.is_empty() && self.uri.ends_with('/')
    }
}

/// Literals side by side are one.
fn parse(written: &str) -> Result<Vec<NamePart>, NameError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = written;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        let start = written.len() - from.len();
        if let Some((brace, after)) = doubled(from) {
            literal.push(brace);
            rest = after;
            continue;
        }
        let inner = from.strip_prefix('{').ok_or_else(|| {
            NameError::new(start..start + 1, "a `}` without a `{`").with_hint("write `}}` for a brace")
        })?;
        let (name, after) = inner.split_once('}').ok_or_else(|| {
            NameError::new(start..written.len(), "a `{` without a `}`").with_hint("write `{{` for a brace")
        })?;
        let part = placeholder(name).map_err(|(message, hint)| {
            NameError::new(start..start + name.len() + 2, &message).with_hint(&hint)
        })?;
        push_literal(&mut parts, &mut literal);
        parts.push(part);
        rest = after;
    }
    literal.push_str(rest);
    push_literal(&mut parts, &mut literal);
    Ok(parts)
}

fn doubled(from: &str) -> Option<(char, &str)> {
    ['{', '}']
        .into_iter()
        .find_map(|brace| Some((brace, from.strip_prefix(&[brace, brace].iter().collect::<String>())?)))
}

fn push_literal(parts: &mut Vec<NamePart>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(NamePart::Literal(std::mem::take(literal)));
    }
}

/// The error is a message and a hint.
fn placeholder(name: &str) -> Result<NamePart, (String, String)> {
    if let Some((_, part)) = KNOWN.iter().find(|(known, _)| *known == name) {
        return Ok(part.clone());
    }
    if let Some(field) = name.strip_prefix("field:").filter(|field| !field.is_empty()) {
        return Ok(NamePart::Field(field.to_owned()));
    }
    let unknown = format!("unknown placeholder `{{{name}}}`");
    if !is_plain(name) {
        return Err((unknown, format!("known are {LIST}; any other field is `{{field:its name}}`")));
    }
    if let Some((known, _)) = KNOWN.iter().find(|(known, _)| suggest::is_slip(name, known)) {
        let hint = format!(
            "did you mean `{{{known}}}`? Known are {LIST}; if there is such a field, write `{{field:{name}}}`"
        );
        return Err((unknown, hint));
    }
    Ok(NamePart::Field(name.to_owned()))
}

/// Letters, digits, `_`, `-` and dots, beginning with a letter or `_`.
fn is_plain(name: &str) -> bool {
    let is_begin = |letter: char| letter.is_alphabetic() || letter == '_';
    name.starts_with(is_begin)
        && name.chars().all(|letter| is_begin(letter) || letter.is_numeric() || "-.".contains(letter))
}

fn literals(parts: &[NamePart]) -> String {
    parts
        .iter()
        .filter_map(|part| if let NamePart::Literal(text) = part { Some(text.as_str()) } else { None })
        .collect()
}

/// Whether the literals lead neither out of the folder, nor to what is hidden in it, nor to no file.
fn is_inside(name: &[NamePart]) -> bool {
    let sketch = name.iter().map(|part| if let NamePart::Literal(text) = part { text.as_str() } else { "x" });
    sketch.collect::<String>().split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

impl NameError {
    /// At its bytes of what was `written` at `spot`, behind so many others; at all of it, where it is spelled in another way
    /// there.
    pub(crate) fn at(&self, spot: &Spot, begin: usize, written: &str) -> Diagnostic {
        let start = spot.span.start + begin;
        let within = start + self.span.start..start + self.span.end;
        let is_same = spot.text.text.get(within.clone()) == written.get(self.span.clone());
        let span = if is_same { within } else { spot.span.clone() };
        let one = Diagnostic::at(&Spot { text: Arc::clone(&spot.text), span }, self.message.as_str());
        one.with_hint(self.hint.as_deref())
    }

    fn new(span: Range<usize>, message: &str) -> Self {
        Self { span, message: message.to_owned(), hint: None }
    }

    fn with_hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder, and the parts of the name in Rust's notation, or the bytes of the mistake and what is said of it.
    fn check(written: &str, expect: &str) {
        let found = match Named::parse(written) {
            Ok(Named { uri, name }) => format!("{uri} {name:?}"),
            Err(NameError { span, message, .. }) => format!("{span:?} {message}"),
        };
        assert_eq!(found, expect, "{written}");
    }

    #[test]
    fn a_name_is_a_folder_and_what_follows() {
        check("out.jsonl", "out.jsonl []");
        check("a/{{b}}/c", "a/{b}/c []");
        check(
            "out/{language}/{shard}.jsonl",
            r#"out/ [Field("language"), Literal("/"), Shard, Literal(".jsonl")]"#,
        );
        check("/a/b/news-{part}.jsonl.zst", r#"/a/b/ [Literal("news-"), Part, Literal(".jsonl.zst")]"#);
        check("o/{dir}/{stem}{{1}}.jsonl", r#"o/ [Dir, Literal("/"), Stem, Literal("{1}.jsonl")]"#);
        check("o/{field:share}-{file}", r#"o/ [Field("share"), Literal("-"), File]"#);
        check("o/{field:a b}", r#"o/ [Field("a b")]"#);
        check("o/{größe}", r#"o/ [Field("größe")]"#);
    }

    #[test]
    fn mistakes_have_a_place() {
        check("out/{shrad}.jsonl", "4..11 unknown placeholder `{shrad}`");
        check("out/{Part}.jsonl", "4..10 unknown placeholder `{Part}`");
        check("out/{}.jsonl", "4..6 unknown placeholder `{}`");
        check("out/{a b}.jsonl", "4..9 unknown placeholder `{a b}`");
        check("out/{field:}.jsonl", "4..12 unknown placeholder `{field:}`");
        check("out/{part.jsonl", "4..15 a `{` without a `}`");
        check("out/part}.jsonl", "8..9 a `}` without a `{`");
        check("{part}.jsonl", "0..12 a folder must stand before the first placeholder");
        let inside = "no part of the path from the first placeholder on may be empty or begin with a dot";
        check("out/{part}/../../x", &format!("0..18 {inside}"));
        check("out/{part}//x", &format!("0..13 {inside}"));
        check("out/.{part}", &format!("0..11 {inside}"));
        check("out/{part}/", &format!("0..11 {inside}"));
    }
}
