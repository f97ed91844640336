//! Pipeline files as data: bad ones with what is said of them, good ones with what they become.
//!
//! `UPDATE=1 cargo test -p textmill-pipeline` writes the expected files anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files should fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use textmill_pipeline::{Override, Pipeline, Source, StageKind, parse};

mod bad;
mod editors;
mod good;
mod places;
mod properties;

/// The stages that the test files use.
pub(crate) fn catalog() -> BTreeMap<String, StageKind> {
    let kinds: Vec<serde_json::Value> = serde_json::from_str(include_str!("../catalog.json")).unwrap();
    kinds.iter().map(kind).map(|kind| (kind.name.clone(), kind)).collect()
}

fn kind(kind: &serde_json::Value) -> StageKind {
    let text = |key: &str| kind[key].as_str().unwrap().to_owned();
    StageKind {
        name: text("name"),
        summary: text("summary"),
        manual: text("summary"),
        schema: kind["schema"].clone(),
        origin: "libtest.so".to_owned(),
        isolated: kind["isolated"] == true,
    }
}

/// Resolves a text as if it were `/pipelines/news.toml`. Comments of the form `# --set X` give overrides.
pub(crate) fn resolve(text: &str) -> Result<Pipeline, textmill_pipeline::Diagnostics> {
    resolve_as("/pipelines/news.toml", text)
}

pub(crate) fn resolve_as(path: &str, text: &str) -> Result<Pipeline, textmill_pipeline::Diagnostics> {
    let set = text.lines().filter_map(|line| line.strip_prefix("# --set "));
    let overrides: Vec<Override> = set.map(|text| text.parse().unwrap()).collect();
    parse(Source { path: path.into(), text: text.to_owned() })?.resolve(&catalog(), &overrides)
}

/// The TOML files of a folder of tests, sorted.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Compares with the expected file, or writes it if asked to; the name of the file if it differs.
pub(crate) fn differs(expected: &Path, found: &str) -> Option<String> {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(expected, found).unwrap();
        return None;
    }
    let known = std::fs::read_to_string(expected).unwrap_or_default();
    (known != found).then(|| format!("{}\n--- expected\n{known}\n--- found\n{found}", expected.display()))
}
