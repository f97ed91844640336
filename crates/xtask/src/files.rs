//! Where things are, and documents as JSON Lines.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies in `crates/`")
}

/// A file or folder of the measuring data, beside the checkout or where `TEXTMILL_SHARED` says; the error says that it
/// is not there.
pub(crate) fn shared(path: &str) -> Result<PathBuf> {
    let beside = || workspace().join("../shared");
    let found = std::env::var_os("TEXTMILL_SHARED").map_or_else(beside, PathBuf::from).join(path);
    let found = fs::canonicalize(&found).with_context(|| format!("`{}` is not there", found.display()))?;
    Ok(found)
}

/// An empty folder of this name for what is made on the way, below cargo's target folder.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let folder = work().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The folder for all that is made on the way, which stays from run to run.
pub(crate) fn work() -> PathBuf {
    target().join("xtask")
}

/// Cargo's target folder, in which this program was built.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().ok();
    let built = program.as_deref().and_then(|program| program.ancestors().nth(2));
    built.map_or_else(|| workspace().join("target"), Path::to_path_buf)
}

/// The documents of a JSON Lines file, unpacked if its name ends in `.gz`.
pub(crate) fn read_documents(path: &Path) -> Result<Vec<Json>> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let parse = |line: std::io::Result<String>| Ok(serde_json::from_str(&line?)?);
    let documents: Result<Vec<Json>> = BufReader::new(reader).lines().map(parse).collect();
    documents.with_context(|| format!("cannot read `{}`", path.display()))
}

/// Writes documents as JSON Lines.
pub(crate) fn write_documents(path: &Path, documents: &[Json]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for document in documents {
        serde_json::to_writer(&mut file, document)?;
        file.write_all(b"\n")?;
    }
    Ok(file.flush()?)
}

/// A field that is a text, or nothing.
pub(crate) fn text_of<'d>(document: &'d Json, field: &str) -> &'d str {
    document.get(field).and_then(Json::as_str).unwrap_or_default()
}
