//! The output: staged while a run goes on, published when it is whole.

mod encode;
mod join;
mod name;
mod pack;
mod part;
mod parts;
mod pattern;
mod sections;
mod spill;
mod state;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::encode::{Body, EncodedBatch, Encoder, Rejected, Why};
pub use self::join::{Join, Stays};
use self::name::Names;
use self::part::{Part, hex};
use self::parts::{Old, Parts};
pub use self::pattern::NamePart;
use self::pattern::Pattern;
use self::sections::Sections;
pub use self::state::FOLDER;
pub(crate) use self::state::SUCCESS;
use self::state::{Claim, Wanted};
pub use self::state::{
    HashedFile, MadeFrom, REPORT_FILE, RUN_FILE, are_of_one_run, files_of, is_there, retried, state_folder,
};
use crate::columns::{Column, InputColumns};
use crate::document::Origin;
use crate::format::{Compression, OutputFormat};
use crate::step::step;
use crate::{Error, ErrorKind, Result, stdout};

/// Writes to a file are gathered up to so many bytes.
const BUFFER: usize = 256 << 10;

/// Where to write, and how.
#[derive(Clone, Debug, Default)]
pub struct OutputOptions {
    /// A file, a folder (it ends with `/`, or exists, or the format is text), or `-` for standard output.
    pub uri: String,
    /// The names of the files in the folder `uri`; empty for `part-00000` and so on, and where that is no folder.
    pub name: Vec<NamePart>,
    /// A part that has so many bytes is followed by the next one; with [`NamePart::Part`] in the name.
    pub max_bytes: Option<NonZeroU64>,
    /// `None`: what the name says; JSON lines for a folder and for standard output.
    pub format: Option<OutputFormat>,
    /// The columns, for a format that has some; `None`: those of the input.
    pub columns: Option<Vec<Column>>,
    /// The field by which documents stand together, below its value as a heading; for one file of Markdown.
    pub group_by: Option<String>,
    /// The columns of the input.
    pub input: InputColumns,
    /// The other outputs of the same run: no file of this one takes their place.
    pub others: Vec<PathBuf>,
    /// Replace what is not ours.
    pub overwrite: bool,
    /// The pipeline that the output belongs to.
    pub pipeline: String,
    /// What the output is made with, for its manifest.
    pub made_from: MadeFrom,
    /// Go on from what is there.
    pub join: Option<Join>,
}

/// An output that is being written. Dropped without [`Output::publish`], it leaves what was there before.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    encoder: Encoder,
    sink: Sink,
    documents: u64,
}

/// An output that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The file or folder; `-` for standard output.
    pub path: PathBuf,
    /// The files, by their names in the folder; none for standard output.
    pub files: Vec<PublishedFile>,
    /// How many documents were written.
    pub documents: u64,
    /// How many bytes were written, compressed as they are.
    pub bytes: u64,
}

/// A file of the output, as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// The size.
    pub bytes: u64,
    /// How many documents it holds.
    pub documents: u64,
    /// The SHA-256, as `sha256sum` prints it.
    pub sha256: String,
}

/// A document that cannot be written: its file would have to hold another document with the same id, or a column cannot
/// hold one of its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its id.
    pub id: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Why it cannot be written: a sentence for people.
    pub message: String,
    /// What would have been written.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
enum Sink {
    /// Standard output, or a device: bytes that go there are gone.
    Direct(Part<Box<dyn Write + Send>>),
    /// One file.
    Staged(Claim, Part<BufWriter<File>>, String),
    /// A file for each document.
    Texts(Claim, Texts),
    /// Files of many documents.
    Parts(Claim, Box<Parts>),
    /// One file, whose documents are put into an order at the end.
    Sections(Claim, Sections),
}

/// Files of one document each.
#[derive(Debug, Default)]
struct Texts {
    names: Names,
    folders: BTreeSet<PathBuf>,
    files: Vec<PublishedFile>,
    /// Files of an earlier run that stay.
    old: Vec<PublishedFile>,
}

impl Output {
    /// Claims the output and makes a staging folder beside it.
    ///
    /// # Errors
    /// What is there is not ours, another run writes to it, it cannot be written, its name says no format.
    pub fn open(options: &OutputOptions) -> Result<Self> {
        let path = PathBuf::from(&options.uri);
        let is_folder = is_folder(options);
        let format = format(options, is_folder)?;
        let options = &with_old_columns(options, &path, format)?;
        let encoder = Encoder::new(format, pattern(options, is_folder, format)?, options);
        let mut documents = 0;
        let sink = if is_stream(&options.uri) {
            Sink::Direct(stream(&path, open_stream(&options.uri)?, &encoder)?)
        } else {
            staged(options, &path, is_folder, &encoder, &mut documents)?
        };
        Ok(Self { path, encoder, sink, documents })
    }

    /// Ends what a run has left that was killed while it published, if all of its files are there.
    ///
    /// # Errors
    /// As [`Output::open`].
    pub fn settle(options: &OutputOptions) -> Result<()> {
        if is_stream(&options.uri) {
            return Ok(());
        }
        Claim::settle(&wanted(options, Path::new(&options.uri), is_folder(options)))
    }

    /// The format, as it was given or as the name says.
    pub fn format(&self) -> OutputFormat {
        self.encoder.format
    }

    /// An encoder for this output.
    pub fn encoder(&self) -> Encoder {
        self.encoder.clone()
    }

    /// Writes a batch; batches come in the order of the input. Returns the documents that cannot be written, which is none
    /// where all documents go into one file.
    ///
    /// # Errors
    /// The system refuses; standard output was closed ([`ErrorKind::BrokenPipe`]); a file of the name of a document exists
    /// and is not ours.
    pub fn write(&mut self, batch: &EncodedBatch) -> Result<Vec<Refused>> {
        let failed = |error| Error::io(&self.path, "cannot write", error);
        step("write", &self.path).map_err(failed)?;
        let refused = match &mut self.sink {
            Sink::Direct(part) => part.write(batch).map(|()| batch.refused.clone()).map_err(failed)?,
            Sink::Staged(_, part, _) => part.write(batch).map(|()| batch.refused.clone()).map_err(failed)?,
            Sink::Texts(claim, texts) => texts.write(claim, batch)?,
            Sink::Parts(claim, parts) => parts.write(claim, batch).map(|()| batch.all_refused())?,
            Sink::Sections(claim, sections) => sections.write(claim, batch).map(|()| batch.all_refused())?,
        };
        self.documents += batch.documents() - refused.len() as u64;
        Ok(refused)
    }

    /// Where the journal of the run lies that writes this output; `None` for a stream, of which nothing is there after a run
    /// that was interrupted.
    pub fn journal(&self) -> Option<PathBuf> {
        match &self.sink {
            Sink::Direct(_) => None,
            Sink::Staged(claim, ..)
            | Sink::Texts(claim, _)
            | Sink::Parts(claim, _)
            | Sink::Sections(claim, _) => Some(claim.journal()),
        }
    }

    /// How many documents were written so far.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// Makes nothing appear, and removes what an earlier run of ours has left: for an output of failed documents if none
    /// failed.
    ///
    /// # Errors
    /// The system refuses.
    pub fn withdraw(self) -> Result<()> {
        match self.sink {
            Sink::Direct(_) => Ok(()),
            Sink::Staged(claim, ..)
            | Sink::Texts(claim, _)
            | Sink::Parts(claim, _)
            | Sink::Sections(claim, _) => claim.withdraw(),
        }
    }

    /// Makes the output appear under its name, whole, and removes what the run before has left there.
    ///
    /// # Errors
    /// As [`Output::write`].
    pub fn publish(self) -> Result<Published> {
        let Self { path, sink, documents, .. } = self;
        let failed = |error| Error::io(&path, "cannot write", error);
        let (files, bytes) = match sink {
            Sink::Direct(part) => (Vec::new(), part.finish("").map_err(failed)?.1.bytes),
            Sink::Staged(claim, part, name) => {
                let (writer, file) =
                    step("finish", &path).and_then(|()| part.finish(&name)).map_err(failed)?;
                drop(writer);
                claim.publish(std::slice::from_ref(&file), documents)?;
                let bytes = file.bytes;
                (vec![file], bytes)
            }
            Sink::Sections(claim, sections) => {
                let file = sections.finish(&claim)?;
                publish_folder(claim, vec![file], documents)?
            }
            Sink::Texts(claim, texts) => {
                let files = texts.finish(&claim)?;
                publish_folder(claim, files, documents)?
            }
            Sink::Parts(claim, parts) => {
                let files = parts.finish_all(&claim)?;
                publish_folder(claim, files, documents)?
            }
        };
        Ok(Published { path, files, documents, bytes })
    }
}

/// The files, and how many bytes they have.
fn publish_folder(
    claim: Claim,
    files: Vec<PublishedFile>,
    documents: u64,
) -> Result<(Vec<PublishedFile>, u64)> {
    claim.publish(&files, documents)?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    Ok((files, bytes))
}

impl Texts {
    fn with_old(old: Vec<PublishedFile>) -> Self {
        let mut names = Names::default();
        for file in &old {
            names.keep(&file.path);
        }
        Self { names, old, ..Self::default() }
    }

    fn finish(mut self, claim: &Claim) -> Result<Vec<PublishedFile>> {
        for file in self.old {
            join::keep(claim, &file)?;
            self.files.push(file);
        }
        Ok(self.files)
    }

    fn write(&mut self, claim: &Claim, batch: &EncodedBatch) -> Result<Vec<Refused>> {
        let mut refused = Vec::new();
        for (file, text) in batch.texts() {
            match self.names.claim(&file.id) {
                Some(name) => self.write_file(claim, name, text)?,
                None => refused.push(Refused {
                    id: file.id.clone(),
                    origin: file.origin.clone(),
                    message: format!(
                        "another document has the id `{}`, and each has a file of its own",
                        file.id
                    ),
                    bytes: text.to_vec(),
                }),
            }
        }
        Ok(refused)
    }

    fn write_file(&mut self, claim: &Claim, name: String, text: &[u8]) -> Result<()> {
        claim.check_free(&name)?;
        let path = claim.staged(&name);
        let folder = path.parent().unwrap_or(&path);
        if !self.folders.contains(folder) {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io(folder, "cannot create the folder", error))?;
            self.folders.insert(folder.to_owned());
        }
        step("write", &path)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Error::io(&path, "cannot write", error))?;
        let sha256 = hex(Sha256::new_with_prefix(text));
        self.files.push(PublishedFile { path: name, bytes: text.len() as u64, documents: 1, sha256 });
        Ok(())
    }
}

impl EncodedBatch {
    /// The documents that go into a file of their own.
    fn texts(&self) -> impl Iterator<Item = (&encode::EncodedFile, &[u8])> {
        let starts = std::iter::once(0).chain(self.files.iter().map(|file| file.end));
        let spans = starts.zip(&self.files);
        spans.map(|(start, file)| (file, self.bytes.get(start..file.end).unwrap_or_default()))
    }
}

fn is_folder(options: &OutputOptions) -> bool {
    let is_text = options.format == Some(OutputFormat::Text);
    options.uri != "-" && (options.uri.ends_with('/') || is_text || Path::new(&options.uri).is_dir())
}

fn format(options: &OutputOptions, is_folder: bool) -> Result<OutputFormat> {
    let format = chosen_format(options, is_folder)?;
    if options.columns.is_some() && !format.has_columns() {
        let message = format!("the output has columns, but its format is `{format}`, which has none");
        return Err(Error::new(ErrorKind::InvalidOption, &options.uri, message)
            .with_hint("leave `columns` out, or choose `csv`, `tsv`, `parquet` or `arrow`"));
    }
    if options.group_by.is_some()
        && (format != OutputFormat::Markdown || is_folder || is_stream(&options.uri))
    {
        let message = "`group-by` has a meaning in one file of Markdown";
        return Err(Error::new(ErrorKind::InvalidOption, &options.uri, message)
            .with_hint("write to a file that ends with `.md`, or leave it out"));
    }
    if options.join.is_some() && format == OutputFormat::Markdown {
        let message = "an output of Markdown is not read back, so nothing can join it";
        return Err(
            Error::new(ErrorKind::InvalidOption, &options.uri, message).with_hint("run all documents again")
        );
    }
    if format.is_left_out() {
        let message = format!("this textmill was built without `{format}`");
        return Err(Error::new(ErrorKind::InvalidOption, &options.uri, message)
            .with_hint("build it with the feature `parquet`"));
    }
    Ok(format)
}

fn chosen_format(options: &OutputOptions, is_folder: bool) -> Result<OutputFormat> {
    if let Some(format) = options.format {
        return Ok(format);
    }
    let ending = options.name.last().map(|part| if let NamePart::Literal(text) = part { text } else { "" });
    if ending.is_none() && (is_folder || is_stream(&options.uri)) {
        return Ok(OutputFormat::Jsonl(Compression::None));
    }
    let invalid = |message| Error::new(ErrorKind::InvalidOption, &options.uri, message);
    match OutputFormat::of_name(ending.unwrap_or(&options.uri)) {
        Some(OutputFormat::Text) => Err(invalid("one file of text cannot hold many documents")
            .with_hint("end the path with `/` for a folder of text files, or with `.jsonl`")),
        Some(format) => Ok(format),
        None => Err(invalid("the name does not say which format the output should have")
            .with_hint("end the path with `.jsonl`, `.csv.zst` or another format, or with `/` for a folder")),
    }
}

/// How the files of a folder are called; `None` where there is one file, or one for each document.
fn pattern(options: &OutputOptions, is_folder: bool, format: OutputFormat) -> Result<Option<Pattern>> {
    let invalid = |message| Error::new(ErrorKind::InvalidOption, &options.uri, message);
    let pattern = match options.name.as_slice() {
        [] if !is_folder || format == OutputFormat::Text => None,
        [] => Some(Pattern::parts(format)),
        _ if format == OutputFormat::Text => {
            return Err(invalid("in a folder of texts each document has a file that is named after its id")
                .with_hint("leave the placeholders out, or choose another format"));
        }
        name => Some(Pattern::new(name.to_vec())),
    };
    if options.max_bytes.is_some() && !pattern.as_ref().is_some_and(Pattern::has_parts) {
        return Err(invalid("`max-bytes` has a meaning where one file can follow another")
            .with_hint("put `{part}` into the name of the output, or end it with `/`"));
    }
    Ok(pattern)
}

/// Whether it cannot be staged: standard output, a device, a pipe.
fn is_stream(uri: &str) -> bool {
    uri == "-" || fs::metadata(uri).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn open_stream(uri: &str) -> Result<Box<dyn Write + Send>> {
    if uri == "-" {
        return stdout::stdout().map_err(|error| Error::io(uri, "cannot write", error));
    }
    let file =
        File::options().write(true).open(uri).map_err(|error| Error::io(uri, "cannot write", error))?;
    Ok(Box::new(file))
}

/// The options with the columns that the output has, where documents join it: a file has one set of columns.
fn with_old_columns(options: &OutputOptions, path: &Path, format: OutputFormat) -> Result<OutputOptions> {
    let mut options = options.clone();
    let joins = options.join.as_ref().is_some_and(|join| join.stays.is_all());
    let old = (joins && format.has_columns() && options.columns.is_none()).then(|| files_of(path)).flatten();
    if let Some((first, _)) = old.as_deref().and_then(<[_]>::first) {
        options.input = join::columns_of(first, format, options.input.names())?;
    }
    Ok(options)
}

/// `documents`: how many there are already.
fn staged(
    options: &OutputOptions,
    path: &Path,
    is_folder: bool,
    encoder: &Encoder,
    documents: &mut u64,
) -> Result<Sink> {
    let mut claim = Claim::new(&wanted(options, path, is_folder))?;
    let join = options.join.as_ref();
    let files = join.map_or(Ok(Vec::new()), |join| claim.join(&join.retried))?;
    let stays = join.map_or(Stays::Documents, |join| join.stays.clone());
    if encoder.format == OutputFormat::Text {
        *documents = files.len() as u64;
        return Ok(Sink::Texts(claim, Texts::with_old(files)));
    }
    if is_folder {
        let taken = taken(&options.others, path);
        if !files.is_empty() && encoder.names_shards() {
            let message =
                "the names of its files have `{shard}`, which documents that are retried have none of";
            return Err(Error::new(ErrorKind::InvalidOption, path, message)
                .with_hint("run the pipeline anew, with `--fresh`"));
        }
        let fields = options.input.names().clone();
        let (kept, copied) = if stays.is_all() { (files, Vec::new()) } else { (Vec::new(), files) };
        *documents = kept.iter().map(|file| file.documents).sum();
        let old = Old { files: kept, stays: stays.clone(), fields: fields.clone() };
        let mut parts = Parts::new(encoder.clone(), options.max_bytes, &taken, old);
        for file in copied {
            let mut write = |batch: &EncodedBatch| parts.write(&claim, batch);
            *documents += stays.copy(&file, &claim.placed(&file.path), encoder, &fields, &mut write)?;
        }
        return Ok(Sink::Parts(claim, Box::new(parts)));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    claim.check_free(&name)?;
    if encoder.has_sections() {
        return Ok(Sink::Sections(claim, Sections::new(encoder.clone(), name)));
    }
    let staged = claim.staged(&name);
    let file = step("create", &staged)
        .and_then(|()| File::create(&staged))
        .map_err(|error| Error::io(&staged, "cannot write", error))?;
    let mut part = stream(&staged, BufWriter::with_capacity(BUFFER, file), encoder)?;
    let mut write =
        |batch: &EncodedBatch| part.write(batch).map_err(|error| Error::io(&staged, "cannot write", error));
    for file in &files {
        let from = claim.placed(&file.path);
        *documents += stays.copy(file, &from, encoder, options.input.names(), &mut write)?;
    }
    Ok(Sink::Staged(claim, part, name))
}

fn wanted<'a>(options: &'a OutputOptions, target: &'a Path, is_folder: bool) -> Wanted<'a> {
    Wanted {
        target,
        is_folder,
        overwrite: options.overwrite,
        pipeline: &options.pipeline,
        made_from: &options.made_from,
    }
}

/// The names of other outputs that lie in a folder.
fn taken(others: &[PathBuf], folder: &Path) -> Vec<String> {
    let inside = others.iter().filter_map(|other| other.strip_prefix(folder).ok());
    let names = inside.map(|name| name.to_string_lossy().trim_end_matches('/').to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn stream<W: Write>(path: &Path, writer: W, encoder: &Encoder) -> Result<Part<W>> {
    Part::new(writer, encoder.clone()).map_err(|error| Error::io(path, "cannot compress", error))
}
