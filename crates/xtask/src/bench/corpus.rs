//! The documents that everything is measured over.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::files;

/// How many copies make the large input.
const COPIES: usize = 10;

/// The documents, as files and as what is in them.
pub(super) struct Corpus {
    /// JSON Lines.
    pub(super) file: PathBuf,
    /// The same as gzip makes it.
    pub(super) gz: PathBuf,
    /// Ten copies, one behind the other.
    pub(super) copies: PathBuf,
    /// What is in `file`.
    pub(super) bytes: Vec<u8>,
    /// The field `text` of each document.
    pub(super) texts: Vec<String>,
}

impl Corpus {
    /// The documents of this file, or those that lie beside the checkout.
    pub(super) fn open(given: Option<&Path>) -> Result<Self> {
        let source =
            given.map_or_else(|| files::shared("data/news-10k.jsonl.gz"), |path| Ok(path.to_owned()))?;
        let folder = files::scratch("bench")?;
        let named = |name: &str| folder.join(name);
        let (file, gz, copies) = (named("news.jsonl"), named("news.jsonl.gz"), named("copies.jsonl"));
        let bytes = unpacked(&source)?;
        fs::write(&file, &bytes)?;
        fs::write(&gz, packed(&bytes)?)?;
        let mut large = File::create(&copies)?;
        (0..COPIES).try_for_each(|_| large.write_all(&bytes))?;
        let documents = files::read_documents(&file)?;
        let texts = documents.iter().map(|document| files::text_of(document, "text").to_owned()).collect();
        Ok(Self { file, gz, copies, bytes, texts })
    }

    /// A file beside those of the corpus.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.file.with_file_name(name)
    }

    /// How many bytes of text there are.
    pub(super) fn text_bytes(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }
}

fn unpacked(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
