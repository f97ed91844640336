//! One file in sections: the documents with the same value of a field stand together, below it as a heading.
//!
//! Which sections there are is known at the end alone, so each waits in a file of its own, and they are joined when all
//! documents are there: in the order in which their first documents came, but those without a value before all others.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::encode::{EncodedBatch, Encoder};
use super::part::Part;
use super::spill::Resting;
use super::state::Claim;
use super::{BUFFER, PublishedFile};
use crate::step::step;
use crate::{Error, Result, markdown};

/// So many files are open at once: systems allow 256 at least.
const OPEN: usize = 128;

/// Where sections wait, in the staging folder.
const WAITING: &str = ".waiting";

/// The sections of a file.
#[derive(Debug)]
pub(super) struct Sections {
    encoder: Encoder,
    /// The name of the file.
    name: String,
    list: Vec<Section>,
    numbers: HashMap<String, usize>,
}

#[derive(Debug)]
struct Section {
    heading: String,
    file: Resting,
    documents: u64,
}

impl Sections {
    pub(super) fn new(encoder: Encoder, name: String) -> Self {
        Self { encoder, name, list: Vec::new(), numbers: HashMap::new() }
    }

    pub(super) fn write(&mut self, claim: &Claim, batch: &EncodedBatch) -> Result<()> {
        for (heading, batch) in batch.groups() {
            let number = self.number(claim, heading)?;
            let section = &mut self.list[number];
            section.documents += batch.written();
            section.file.write_all(&batch.bytes).map_err(cannot_write(section.file.path()))?;
            if self.list.len() > OPEN {
                let file = &mut self.list[number].file;
                file.rest().map_err(|error| Error::io(file.path(), "cannot write", error))?;
            }
        }
        Ok(())
    }

    fn number(&mut self, claim: &Claim, heading: &str) -> Result<usize> {
        if let Some(number) = self.numbers.get(heading) {
            return Ok(*number);
        }
        let number = self.list.len();
        let path = claim.staged(&format!("{WAITING}/{number}"));
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(cannot_write(&path))?;
        let file = Resting::create(&path).map_err(cannot_write(&path))?;
        self.list.push(Section { heading: heading.to_owned(), file, documents: 0 });
        self.numbers.insert(heading.to_owned(), number);
        Ok(number)
    }

    /// Joins the sections.
    pub(super) fn finish(mut self, claim: &Claim) -> Result<PublishedFile> {
        let path = claim.staged(&self.name);
        let file = step("create", &path).and_then(|()| File::create(&path)).map_err(cannot_write(&path))?;
        let writer = BufWriter::with_capacity(BUFFER, file);
        let mut part = Part::new(writer, self.encoder.clone()).map_err(cannot_write(&path))?;
        self.list.sort_by_key(|section| !section.heading.is_empty());
        for section in &mut self.list {
            let waiting = section.file.path().to_owned();
            section.file.rest().map_err(cannot_write(&waiting))?;
            let heading = above(&section.heading);
            let file = File::open(&waiting).map_err(cannot_write(&waiting))?;
            part.write_section(&heading, file, section.documents).map_err(cannot_write(&path))?;
            fs::remove_file(&waiting).map_err(cannot_write(&waiting))?;
        }
        let finished = step("finish", &path).and_then(|()| part.finish(&self.name));
        Ok(finished.map_err(cannot_write(&path))?.1)
    }
}

/// What stands above the documents of a section; nothing above those without a value.
fn above(value: &str) -> Vec<u8> {
    let mut heading = Vec::new();
    if !value.is_empty() {
        markdown::heading(2, &markdown::escape(value), &mut heading);
    }
    heading
}

fn cannot_write(path: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let path = PathBuf::from(path);
    move |error| Error::io(&path, "cannot write", error)
}
