//! Documents that follow from a seed: some cannot be read, some have an id that another one has.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::random::Random;

/// What the old version of a pipeline reads, and the new one.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) old: PathBuf,
    pub(super) new: PathBuf,
}

/// In each file.
const DOCUMENTS: u64 = 120;

const LANGUAGES: &[&str] = &["en", "de", "fr"];

impl Inputs {
    pub(super) fn write(folder: &Path, seed: u64) -> Result<Self> {
        let (old, new) = (folder.join("in/old"), folder.join("in/new"));
        fs::create_dir_all(&old)?;
        fs::create_dir_all(&new)?;
        let documents = |name: &str, count: u64, languages: &[&str]| {
            let mut random = Random::new(&format!("{seed}/{name}"));
            (0..count)
                .map(|number| document(&format!("{name}{number}"), languages, &mut random))
                .collect::<String>()
        };
        fs::write(old.join("a.jsonl"), documents("a", 40, LANGUAGES))?;
        // A value that the new version does not have, so that a file of its own has to go.
        fs::write(old.join("c.jsonl"), documents("c", 60, &["la"]))?;
        fs::write(new.join("a.jsonl"), documents("a", DOCUMENTS, LANGUAGES))?;
        let mut packed = GzEncoder::new(File::create(new.join("b.jsonl.gz"))?, Compression::fast());
        packed.write_all(documents("b", DOCUMENTS, LANGUAGES).as_bytes())?;
        packed.finish()?;
        Ok(Self { old, new })
    }
}

fn document(id: &str, languages: &[&str], random: &mut Random) -> String {
    let language = languages[random.below(languages.len())];
    match random.below(60) {
        0 => format!("{{\"id\":\"{id}\"}}\n"),
        1 => "{\"id\":\n".to_owned(),
        kind => {
            let id = if kind == 2 { "twin" } else { id };
            let sentence = format!("Sentence {} of them was written for this. ", random.below(1_000));
            let text = sentence.repeat(2 + random.below(4));
            let text = format!("{text}\\nREAD MORE: Another story\\nThe end.");
            format!("{{\"id\":\"{id}\",\"lang\":\"{language}\",\"text\":\"{text}\"}}\n")
        }
    }
}
