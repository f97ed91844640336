//! A folder of files with many documents each: parts of a given size, files by shard or by input file, files by value.
//!
//! How the documents are spread depends on them alone. A file that is not compressed is closed when too many are open, and
//! opened again when more is to be written to it. One that needs memory while it is written is kept as long as there is
//! room; the others wait on the disk ([`super::spill`]) until the first are done. So no file shows what was written beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Error as IoError;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use super::PublishedFile;
use super::encode::{EncodedBatch, Encoder};
use super::join::{self, Stays};
use super::name::Names;
use super::part::{self, Part};
use super::pattern::nth;
use super::spill::{Resting, Spill};
use super::state::{Claim, SUCCESS};
use crate::names::FieldNames;
use crate::step::step;
use crate::{Error, Result};

/// So many files are open at once: systems allow 256 at least.
const OPEN: usize = 128;

/// So many bytes are held for files that are being compressed.
const HELD: usize = 128 << 20;

/// Where batches wait, in the staging folder. No name that is made of values begins with a dot.
const WAITING: &str = ".waiting";

/// The files of an output folder.
#[derive(Debug)]
pub(super) struct Parts {
    encoder: Encoder,
    /// A part that has as many bytes is the last but for the next.
    max_bytes: u64,
    /// How many files can be compressed at a time; `None` where a file needs no memory.
    most_held: Option<usize>,
    /// How many are.
    held: usize,
    names: Names,
    numbers: HashMap<String, usize>,
    series: Vec<Series>,
    /// Those whose file is open, by when they were written to.
    open: BTreeMap<u64, usize>,
    clock: u64,
    folders: BTreeSet<PathBuf>,
    done: Vec<PublishedFile>,
    old: Old,
}

/// Files of an earlier run that stay.
#[derive(Debug)]
pub(super) struct Old {
    pub(super) files: Vec<PublishedFile>,
    pub(super) stays: Stays,
    pub(super) fields: FieldNames,
}

/// The files of documents with the same values.
#[derive(Debug)]
struct Series {
    name: String,
    next: u64,
    last_used: u64,
    to: To,
}

/// Where the documents of a series go.
#[derive(Debug)]
enum To {
    /// To a file that has not begun.
    Nothing,
    /// To a file, which will have this name.
    File(String, Box<Part<Resting>>),
    /// To the documents that wait.
    Spill(Spill),
}

impl Parts {
    /// `taken`: names in the folder that are no longer free, relative to it.
    pub(super) fn new(encoder: Encoder, max_bytes: Option<NonZeroU64>, taken: &[String], old: Old) -> Self {
        let mut names = Names::default();
        names.claim_file(SUCCESS);
        for name in taken {
            names.claim_file(name);
        }
        for file in &old.files {
            names.keep(&file.path);
        }
        Self {
            most_held: part::held(encoder.format).map(|bytes| (HELD / bytes).max(1)),
            encoder,
            max_bytes: max_bytes.map_or(u64::MAX, NonZeroU64::get),
            held: 0,
            names,
            numbers: HashMap::new(),
            series: Vec::new(),
            open: BTreeMap::new(),
            clock: 0,
            folders: BTreeSet::new(),
            done: Vec::new(),
            old,
        }
    }

    pub(super) fn write(&mut self, claim: &Claim, batch: &EncodedBatch) -> Result<()> {
        if let Some(series) = self.encoder.only_series().map(ToOwned::to_owned) {
            return self.write_to(claim, &series, batch);
        }
        batch.groups().try_for_each(|(series, batch)| self.write_to(claim, series, batch))
    }

    fn write_to(&mut self, claim: &Claim, series: &str, batch: &EncodedBatch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let number = self.number(series);
        self.use_file(number)?;
        self.begin(claim, number)?;
        self.push(number, batch)
    }

    fn number(&mut self, series: &str) -> usize {
        if let Some(number) = self.numbers.get(series) {
            return *number;
        }
        self.series.push(Series { name: series.to_owned(), next: 0, last_used: 0, to: To::Nothing });
        self.numbers.insert(series.to_owned(), self.series.len() - 1);
        self.series.len() - 1
    }

    /// Counts the file of a series as used; the one that was not used for the longest time is closed, if there are too many.
    fn use_file(&mut self, number: usize) -> Result<()> {
        self.clock += 1;
        self.open.remove(&self.series[number].last_used);
        if self.open.len() >= OPEN
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.series[oldest].to.rest()?;
        }
        self.series[number].last_used = self.clock;
        self.open.insert(self.clock, number);
        Ok(())
    }

    /// Begins the next file of a series, if there is none, or lets its documents wait.
    fn begin(&mut self, claim: &Claim, number: usize) -> Result<()> {
        if !matches!(self.series[number].to, To::Nothing) {
            return Ok(());
        }
        if self.most_held.is_some_and(|most| self.held >= most) {
            self.series[number].to = self.wait(claim, number)?;
        } else {
            self.series[number].to = self.begin_file(claim, number)?;
            self.held += 1;
        }
        Ok(())
    }

    fn wait(&mut self, claim: &Claim, number: usize) -> Result<To> {
        let path = claim.staged(&format!("{WAITING}/{number}"));
        self.make_folder(&path)?;
        Resting::create(&path).map(|file| To::Spill(Spill::new(file))).map_err(cannot_write(&path))
    }

    fn begin_file(&mut self, claim: &Claim, number: usize) -> Result<To> {
        let name = self.next_name(number);
        claim.check_free(&name)?;
        let path = claim.staged(&name);
        self.make_folder(&path)?;
        let file = Resting::create(&path).map_err(cannot_write(&path))?;
        let mut part = Part::new(file, self.encoder.clone()).map_err(cannot_write(&path))?;
        if let Some(place) = self.old.files.iter().position(|file| file.path == name) {
            let file = self.old.files.swap_remove(place);
            let mut write = |batch: &EncodedBatch| part.write(batch).map_err(cannot_write(&path));
            let from = claim.placed(&file.path);
            self.old.stays.copy(&file, &from, &self.encoder, &self.old.fields, &mut write)?;
        }
        Ok(To::File(name, Box::new(part)))
    }

    /// The name of the next file of a series: a part behind those of an earlier run, or the file of that run that is gone on
    /// with.
    fn next_name(&mut self, number: usize) -> String {
        let series = &mut self.series[number];
        loop {
            let name = nth(&series.name, series.next);
            let is_numbered = name != series.name;
            series.next += 1;
            match self.names.is_old(&name) {
                true if is_numbered => (),
                true => return name,
                false => return self.names.claim_file(&name),
            }
        }
    }

    fn make_folder(&mut self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(path);
        if !self.folders.contains(folder) {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io(folder, "cannot create the folder", error))?;
            self.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn push(&mut self, number: usize, batch: &EncodedBatch) -> Result<()> {
        let to = &mut self.series[number].to;
        let written = match to {
            To::Nothing => Ok(()),
            To::File(_, part) => part.write(batch),
            To::Spill(spill) => spill.push(batch),
        };
        written.map_err(|error| to.cannot_write(error))?;
        if matches!(to, To::File(_, part) if part.bytes() >= self.max_bytes) {
            self.finish(number)?;
        }
        Ok(())
    }

    /// Ends the file that a series is written to.
    fn finish(&mut self, number: usize) -> Result<()> {
        if !matches!(self.series[number].to, To::File(..)) {
            return Ok(());
        }
        let To::File(name, part) = self.series[number].to.take() else { return Ok(()) };
        self.open.remove(&self.series[number].last_used);
        self.held -= 1;
        let finished = step("finish", Path::new(&name)).and_then(|()| part.finish(&name));
        let (_, file) = finished.map_err(|error| Error::io(&name, "cannot write", error))?;
        self.done.push(file);
        Ok(())
    }

    /// Ends all files. Without any document there is one file, if its name is known.
    pub(super) fn finish_all(mut self, claim: &Claim) -> Result<Vec<PublishedFile>> {
        if self.series.is_empty()
            && self.old.files.is_empty()
            && let Some(series) = self.encoder.only_series().map(ToOwned::to_owned)
        {
            let number = self.number(&series);
            self.begin(claim, number)?;
        }
        (0..self.series.len()).try_for_each(|number| self.finish(number))?;
        (0..self.series.len()).try_for_each(|number| self.replay(claim, number))?;
        for file in std::mem::take(&mut self.old.files) {
            join::keep(claim, &file)?;
            self.done.push(file);
        }
        self.done.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(self.done)
    }

    /// Writes the documents of a series that wait.
    fn replay(&mut self, claim: &Claim, number: usize) -> Result<()> {
        if let To::Spill(mut spill) = self.series[number].to.take() {
            let path = spill.file().path().to_owned();
            spill.replay(cannot_write(&path), |batch| {
                self.begin(claim, number)?;
                self.push(number, batch)
            })?;
        }
        self.finish(number)
    }
}

impl To {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Nothing)
    }

    fn file(&mut self) -> Option<&mut Resting> {
        match self {
            Self::Nothing => None,
            Self::File(_, part) => Some(part.writer()),
            Self::Spill(spill) => Some(spill.file()),
        }
    }

    fn rest(&mut self) -> Result<()> {
        let rested = self.file().map_or(Ok(()), Resting::rest);
        rested.map_err(|error| self.cannot_write(error))
    }

    fn cannot_write(&mut self, error: IoError) -> Error {
        let path = self.file().map(|file| file.path().to_owned()).unwrap_or_default();
        Error::io(path, "cannot write", error)
    }
}

fn cannot_write(path: &Path) -> impl Fn(IoError) -> Error {
    move |error| Error::io(path, "cannot write", error)
}
