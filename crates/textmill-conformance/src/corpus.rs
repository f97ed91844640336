//! The documents that stages are tried with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A document to try a stage with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Its other fields, as they cross to a stage: text as it is, all else as JSON.
    pub(crate) fields: BTreeMap<String, Value>,
}

/// Texts that have broken programs, a line each.
const HOSTILE: &str = include_str!("../corpus/hostile.jsonl");
/// News articles, for measuring.
const PLAIN: &str = include_str!("../corpus/plain.jsonl");

/// Texts that have broken programs; of the long ones, those of at most `longest` bytes.
pub(crate) fn hostile(longest: usize) -> Vec<Document> {
    let mut documents = parse(HOSTILE).expect("the corpus is a test's");
    documents.extend(long());
    documents.extend(pages());
    documents.retain(|document| document.text.len() <= longest);
    documents
}

/// Those, and the ones of a file.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn all(longest: usize, more: Option<&Path>) -> Result<Vec<Document>, String> {
    let mut documents = hostile(longest);
    documents.extend(more.map(read).transpose()?.unwrap_or_default());
    Ok(documents)
}

/// News articles, for measuring.
pub(crate) fn plain() -> Vec<Document> {
    parse(PLAIN).expect("the corpus is a test's")
}

/// The documents of a file: lines of JSON if its name ends with `.jsonl`, else one text.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(path: &Path) -> Result<Vec<Document>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        return parse(&text);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(vec![Document { name, text, fields: BTreeMap::new() }])
}

fn parse(lines: &str) -> Result<Vec<Document>, String> {
    lines.lines().enumerate().map(|(number, line)| document(number + 1, line)).collect()
}

fn document(number: usize, line: &str) -> Result<Document, String> {
    let bad = |what: &str| format!("line {number}: {what}");
    let mut fields: BTreeMap<String, Value> =
        serde_json::from_str(line).map_err(|error| bad(&error.to_string()))?;
    let Some(Value::String(text)) = fields.remove("text") else {
        return Err(bad("expected an object with a string `text`"));
    };
    let name =
        fields.get("id").and_then(Value::as_str).map_or_else(|| format!("line {number}"), str::to_owned);
    Ok(Document { name, text, fields })
}

/// Texts that are too long for a file, shorter and longer ones, so that there are some for every limit.
fn long() -> impl Iterator<Item = Document> {
    let sizes = [(16 << 10, ""), (1 << 20, "-of-1-MiB")];
    let texts = [
        ("long-word", "a"),
        ("long-line", "word "),
        ("line-of-sentences", "It is so. "),
        ("many-teasers", "READ MORE: Something Else Happened Today\n\n"),
        ("many-entities", "&lt;b&gt;"),
        ("many-marks", "e\u{301}"),
    ];
    let long = sizes.into_iter().flat_map(move |(bytes, suffix)| {
        texts.map(|(name, part)| named(format!("{name}{suffix}"), part.repeat(bytes / part.len())))
    });
    let lines = [1_000, 100_000].map(|lines| named(format!("{lines}-lines"), "a line\n".repeat(lines)));
    long.chain(lines)
}

/// Pages, some of them broken: most texts of the corpus are none.
fn pages() -> impl Iterator<Item = Document> {
    let article = "<p>It was a long day at the harbour, and nobody had an answer.</p>".repeat(5);
    let page = |body: &str| {
        format!("<html><head><title>A Title</title></head><body><article>{body}</article></body></html>")
    };
    [
        ("page", page(&article)),
        ("page-of-nul", page("<p>a\0b</p>\0")),
        ("page-of-marks", page("<p>e\u{301}\u{202e}abc &amp;#x0; \u{1f468}\u{200d}\u{1f469}</p>")),
        ("page-never-closed", format!("<html><body><p>{article}<table><tr><td><b><i>")),
        ("page-nested", page(&("<div>".repeat(300) + "text"))),
        ("page-of-crlf", page(&article).replace("><", ">\r\n<")),
        ("page-without-text", "<!doctype html><title></title><script>let a = '</p>';</script>".to_owned()),
    ]
    .into_iter()
    .map(|(name, text)| named(name.to_owned(), text))
}

fn named(name: String, text: String) -> Document {
    Document { name, text, fields: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn documents_have_names_of_their_own() {
        let documents = hostile(usize::MAX);
        let names: BTreeSet<_> = documents.iter().map(|document| &document.name).collect();
        assert_eq!(names.len(), documents.len());
        assert!(names.len() > 80);
        for needed in ["empty", "nul", "crlf", "cr", "bom-inside", "combining", "right-to-left", "joiners"] {
            assert!(names.contains(&needed.to_owned()), "{needed}");
        }
    }

    #[test]
    fn the_long_ones_are_as_long_as_promised() {
        let documents = hostile(usize::MAX);
        let text = |name: &str| &documents.iter().find(|document| document.name == name).unwrap().text;
        assert_eq!(text("long-word-of-1-MiB").len(), 1 << 20);
        assert_eq!(text("100000-lines").lines().count(), 100_000);
        assert!(plain().iter().map(|document| document.text.len()).sum::<usize>() > 20_000);
    }

    #[test]
    fn a_line_that_is_no_document_is_named() {
        assert_eq!(
            parse("{\"text\":\"a\"}\n{}\n").unwrap_err(),
            "line 2: expected an object with a string `text`"
        );
        assert!(parse("[1]").unwrap_err().starts_with("line 1: "));
    }
}
