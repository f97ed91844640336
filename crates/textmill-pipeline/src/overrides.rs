//! Options given on the command line: `--set STAGE.KEY=VALUE`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Spot, Text};
use crate::tree::{Places, Tree, child};
use crate::{Diagnostics, suggest};

/// An option of a stage, given on the command line: `STAGE.KEY=VALUE`.
///
/// `STAGE` is the id of a stage, `KEY` may be dotted, and `VALUE` is a TOML value, or else a string without quotes:
/// `links.max-removed=0.3`, `links.prefixes=["AD", "SEE ALSO"]`, `summarize.sentences=2`.
#[derive(Clone, Debug)]
pub struct Override {
    stage: String,
    path: Vec<String>,
    left: Spot,
    right: Spot,
    value: Tree,
}

/// Why a text is no [`Override`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError(String);

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OverrideError {}

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let whole = Arc::new(Text { name: "--set".to_owned(), text: text.to_owned() });
        let shape = || {
            OverrideError(format!("expected `STAGE.KEY=VALUE`, as `summarize.sentences=2`, found `{text}`"))
        };
        let equals = equals(text).ok_or_else(shape)?;
        let left = Spot { text: Arc::clone(&whole), span: 0..equals };
        let right = Spot { text: Arc::clone(&whole), span: equals + 1..text.len() };
        let mut path = dotted(text.get(..equals).unwrap_or_default()).ok_or_else(shape)?;
        if path.len() < 2 {
            return Err(shape());
        }
        let stage = path.remove(0);
        let value = read(&right, &left).map_err(OverrideError)?;
        Ok(Self { stage, path, left, right, value })
    }
}

impl Override {
    /// The id of the stage.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Puts the value into what was written.
    pub(crate) fn apply(&self, tree: &mut Tree) -> Result<(), Diagnostics> {
        let index = self.find(&tree.value)?;
        let Some(stage) = tree.value.pointer_mut(&format!("/stage/{index}")).and_then(Value::as_object_mut)
        else {
            return Ok(());
        };
        let mut pointer = format!("/stage/{index}/with");
        let mut table = stage.entry("with").or_insert_with(|| Value::Object(Map::new()));
        let mut made = Vec::new();
        for (depth, key) in self.path.iter().enumerate() {
            let object = match table {
                Value::Object(object) => object,
                _ if depth == 0 => return Ok(()),
                _ => return Err(self.not_a_table(depth)),
            };
            pointer = child(&pointer, key);
            made.push(pointer.clone());
            table = object.entry(key.as_str()).or_insert_with(|| Value::Object(Map::new()));
        }
        *table = self.value.value.clone();
        self.mark(&mut tree.places, &made);
        Ok(())
    }

    fn mark(&self, places: &mut Places, made: &[String]) {
        let Some((last, around)) = made.split_last() else { return };
        let whole = Spot { text: Arc::clone(&self.left.text), span: 0..self.right.span.end };
        for pointer in around {
            places.offer(pointer, &self.left, &whole);
        }
        places.graft(last, self.value.places.clone());
    }

    fn not_a_table(&self, depth: usize) -> Diagnostics {
        let outer = self.path.get(depth - 1).map(String::as_str).unwrap_or_default();
        Diagnostic::at(&self.left, format!("`{outer}` of stage `{}` is not a table", self.stage))
            .with_label("nothing can be set in it")
            .with_hint(Some(&format!("set `{outer}` as a whole")))
            .into()
    }

    fn find(&self, root: &Value) -> Result<usize, Diagnostics> {
        let ids = ids(root);
        let found = ids.iter().position(|id| *id == Some(self.stage.as_str()));
        found.ok_or_else(|| {
            let known: Vec<&str> = ids.into_iter().flatten().collect();
            Diagnostic::at(&self.left, format!("this pipeline has no stage `{}`", self.stage))
                .with_label("expected the id of a stage, a dot, and an option")
                .with_hint(suggest::suggestion(&self.stage, "stage", &known).as_deref())
                .into()
        })
    }
}

/// The ids of the stages of what was written, as far as they are known.
pub(crate) fn ids(root: &Value) -> Vec<Option<&str>> {
    let stages = root.get("stage").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    stages.iter().map(|stage| stage.get("id").or_else(|| stage.get("uses")).and_then(Value::as_str)).collect()
}

/// The `=` after the key, which may hold others in quotes.
fn equals(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'=') => return Some(index),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The parts of a dotted key, read by the parser of TOML so that quotes mean the same.
fn dotted(key: &str) -> Option<Vec<String>> {
    if key.contains(['\n', '\r']) {
        return None;
    }
    let line = format!("{key}=0");
    let root = DeTable::parse(&line).ok()?;
    let mut table = root.get_ref();
    let mut parts = Vec::new();
    loop {
        let (part, value) = table.iter().next()?;
        parts.push(part.get_ref().to_string());
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(parts),
        }
    }
}

/// The value: TOML if it is that, else the text itself. What begins like a list, a table or a string and is none is a
/// slip of the hand, and would otherwise become a strange string without a word.
fn read(right: &Spot, left: &Spot) -> Result<Tree, String> {
    let written = right.text.text.get(right.span.clone()).unwrap_or_default();
    match Tree::parse_value(right, left) {
        Ok(tree) => Ok(tree),
        Err(errors) if written.trim_start().starts_with(['[', '{', '"', '\'']) => {
            let why = errors.first().map(|error| error.message.clone()).unwrap_or_default();
            Err(format!("`{written}` is not a TOML value: {why}"))
        }
        Err(_) => Ok(Tree::string(written, right, left)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        let cases = [
            ("a.b=0.3", vec!["b"], json!(0.3)),
            ("a.b=3", vec!["b"], json!(3)),
            ("a.b=true", vec!["b"], json!(true)),
            ("a.b=nfc", vec!["b"], json!("nfc")),
            ("a.b=two words", vec!["b"], json!("two words")),
            ("a.b=", vec!["b"], json!("")),
            ("a.b=x=y", vec!["b"], json!("x=y")),
            ("a.b='3'", vec!["b"], json!("3")),
            ("a.b=[1, \"x\"]", vec!["b"], json!([1, "x"])),
            ("a.b={ c = 1 }", vec!["b"], json!({"c": 1})),
            ("a.b.c=1", vec!["b", "c"], json!(1)),
            ("a.\"b.=c\"=1", vec!["b.=c"], json!(1)),
            ("a.b=nan", vec!["b"], json!("nan")),
            ("a.b=1\n2", vec!["b"], json!("1\n2")),
            ("a.b=2020-01-01", vec!["b"], json!("2020-01-01")),
        ];
        for (text, path, value) in cases {
            let parsed: Override = text.parse().expect(text);
            assert_eq!(
                (parsed.stage.as_str(), parsed.path, parsed.value.value),
                ("a", owned(&path), value),
                "{text}"
            );
        }
    }

    fn owned(path: &[&str]) -> Vec<String> {
        path.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn refused() {
        for text in ["", "a", "a=1", "a.b", "=1", ".b=1", "a.=1", "a b.c=1", "a\nb.c=1", "#a.b=1", "[a]\nb=1"]
        {
            let error = text.parse::<Override>().unwrap_err().to_string();
            assert!(error.starts_with("expected `STAGE.KEY=VALUE`"), "{text}: {error}");
        }
        for text in ["a.b=[1", "a.b=\"x", "a.b={c=1", "a.b='"] {
            let error = text.parse::<Override>().unwrap_err().to_string();
            assert!(error.contains("is not a TOML value"), "{text}: {error}");
        }
    }
}
