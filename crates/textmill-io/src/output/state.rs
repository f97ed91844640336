//! Whose an output is, and how a new one takes the place of the old.
//!
//! Beside the output lies a hidden folder: `.textmill` inside an output folder, `.news.jsonl.textmill` beside the file
//! `news.jsonl`. It holds
//!
//! - `owner.json`: the pipeline that the output belongs to; locked while a run writes, which the system undoes however the
//!   run ends;
//! - `staging/`: what a run has written so far;
//! - `journal`: what it has finished, from which the next run takes it if this one is interrupted ([`crate::Journal`]);
//! - `publishing.json`: while files are renamed, what is to be there in the end. So files that a killed run has already
//!   renamed are known to be ours;
//! - `manifest.json`: what is there. Renaming `publishing.json` to it is the last step;
//! - `input.json`: what the files of the input were, so that the next run can tell whether they have changed
//!   ([`crate::Seen`]);
//! - `run.json` and `report.html`: the record of the run that made it, which whoever ran it puts there afterwards.
//!
//! That is for textmill alone. In an output folder, `_SUCCESS` says the same to everybody else: the files with their
//! documents, bytes and hashes. It is removed before the first file is renamed and put there after the last, so that where
//! it is, all that it lists is there.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::PublishedFile;
use super::part::hex;
use crate::input::SEEN_FILE;
use crate::step::step;
use crate::{Error, ErrorKind, Result};

const SCHEMA: u32 = 1;
/// What the hidden folder in an output is called, and how that beside an output of one file ends.
pub const FOLDER: &str = ".textmill";
const OWNER: &str = "owner.json";
const STAGING: &str = "staging";
const PUBLISHING: &str = "publishing.json";
/// What becomes [`PUBLISHING`].
const UNFINISHED: &str = "publishing.json.new";
const MANIFEST: &str = "manifest.json";
const JOURNAL: &str = "journal";
/// The name of the record of a run.
pub const RUN_FILE: &str = "run.json";
/// The name of the same record as a page.
pub const REPORT_FILE: &str = "report.html";
/// The name that programs of this field wait for; what begins with `_` they take for no data.
pub(crate) const SUCCESS: &str = "_SUCCESS";

/// Above so many files, the whole file system is flushed once instead of each file.
const MANY_FILES: usize = 32;

/// An output that is ours for the time of a run. Dropped without [`Claim::publish`], it leaves things as they were.
#[derive(Debug)]
pub(super) struct Claim {
    /// The folder that the names of files are relative to.
    root: PathBuf,
    state: PathBuf,
    pipeline: String,
    made_from: MadeFrom,
    is_folder: bool,
    overwrite: bool,
    /// Files that an earlier run of ours has put there.
    previous: BTreeSet<String>,
    /// Folders that were made for this run, the deepest last.
    created: Vec<PathBuf>,
    is_published: bool,
    /// Locked.
    _owner: File,
}

/// What `owner.json` says.
#[derive(Serialize, Deserialize)]
struct Owner {
    schema: u32,
    pipeline: String,
    /// Which process writes it, or wrote it last, and since when (RFC 3339).
    #[serde(default)]
    process: u32,
    #[serde(default)]
    started: String,
}

/// What `manifest.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    pipeline: String,
    #[serde(default)]
    made_from: MadeFrom,
    documents: u64,
    files: Vec<PublishedFile>,
}

/// What an output was made with, as hashes; its manifest says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// The SHA-256 of the pipeline file, in hexadecimal.
    pub pipeline: String,
    /// The plugins, by name and version.
    pub plugins: Vec<HashedFile>,
    /// The files that options name, by the path that the option has.
    pub resources: Vec<HashedFile>,
    /// A hash of all that the run depended on, the input and the program included; empty where that cannot be said.
    #[serde(default)]
    pub run: String,
    /// Which failed documents joined it afterwards, as a hash; empty where none did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub retried: String,
}

/// A file and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedFile {
    /// What it is called.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What `_SUCCESS` says.
#[derive(Debug, Serialize)]
struct Success<'a> {
    schema: u32,
    pipeline: &'a str,
    documents: u64,
    bytes: u64,
    files: &'a [PublishedFile],
}

/// A folder or a file that is to be claimed.
pub(super) struct Wanted<'a> {
    pub(super) target: &'a Path,
    pub(super) is_folder: bool,
    pub(super) overwrite: bool,
    pub(super) pipeline: &'a str,
    pub(super) made_from: &'a MadeFrom,
}

impl Claim {
    pub(super) fn new(wanted: &Wanted<'_>) -> Result<Self> {
        let claim = Self::take(wanted)?;
        if claim.is_folder {
            claim.check_free(SUCCESS)?;
        }
        claim.make_staging()?;
        Ok(claim)
    }

    /// Ends what a run has left that was killed while it published, if all of its files are there. Otherwise nothing happens.
    pub(super) fn settle(wanted: &Wanted<'_>) -> Result<()> {
        let (_, state) = places(wanted)?;
        if !state.join(PUBLISHING).exists() {
            return Ok(());
        }
        let mut claim = Self::take(wanted)?;
        claim.is_published = true;
        let Some(manifest) = read_json::<Manifest>(&state.join(PUBLISHING)) else { return Ok(()) };
        let is_there = |file: &PublishedFile| {
            let places = [claim.staged(&file.path), claim.placed(&file.path)];
            places.iter().any(|place| is_whole(place, file))
        };
        if manifest.files.iter().all(is_there) { claim.place_all(&manifest.files) } else { Ok(()) }
    }

    /// Makes the output ours, and changes nothing in it.
    fn take(wanted: &Wanted<'_>) -> Result<Self> {
        let (root, state) = places(wanted)?;
        check_folder(&root)?;
        check_ours(wanted, &root, &state)?;
        let mut created = Vec::new();
        let owner = create_folders(&state, &mut created).and_then(|()| own(wanted, &state));
        let owner = owner.inspect_err(|_| {
            if created.contains(&state) {
                _ = fs::remove_file(state.join(OWNER));
            }
            remove_created(&created);
        })?;
        Ok(Self {
            previous: previous_files(&state)?,
            root,
            state,
            pipeline: wanted.pipeline.to_owned(),
            made_from: wanted.made_from.clone(),
            is_folder: wanted.is_folder,
            overwrite: wanted.overwrite,
            created,
            is_published: false,
            _owner: owner,
        })
    }

    /// Whether a file of this name may be put there: nothing is in its place, or what is there is ours.
    pub(super) fn check_free(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        let is_free = self.overwrite || self.previous.contains(name) || fs::symlink_metadata(&path).is_err();
        if is_free {
            Ok(())
        } else {
            Err(not_ours(&path, "the file exists and was not written by this pipeline"))
        }
    }

    /// Goes on from what is there, if anything is: its files. They have to be as they were left.
    pub(super) fn join(&mut self, retried: &str) -> Result<Vec<PublishedFile>> {
        let Some(manifest) = read_json::<Manifest>(&self.state.join(MANIFEST)) else { return Ok(Vec::new()) };
        let documents =
            manifest.files.into_iter().filter(|file| file.path != SUCCESS && is_inside(&file.path));
        let files: Vec<_> = documents.collect();
        let changed = files.iter().find(|file| !is_whole(&self.placed(&file.path), file));
        if self.state.join(PUBLISHING).exists() || changed.is_some() {
            let path = changed.map_or_else(|| self.root.clone(), |file| self.root.join(&file.path));
            let message = "is not as the run before has left it, so nothing can join it";
            return Err(Error::new(ErrorKind::Io, path, message)
                .with_hint("run the pipeline without `--retry-failed`"));
        }
        // Its documents were made of what they were made of, whatever those that join them are made of.
        self.made_from = MadeFrom { retried: retried.to_owned(), ..manifest.made_from };
        Ok(files)
    }

    /// Where the file of this name is.
    pub(super) fn placed(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// What the run has finished.
    pub(super) fn journal(&self) -> PathBuf {
        self.state.join(JOURNAL)
    }

    /// Where to write the file of this name for the time being.
    pub(super) fn staged(&self, name: &str) -> PathBuf {
        self.state.join(STAGING).join(name)
    }

    /// Puts the staged files in their places, and removes those of the run before that are no more.
    pub(super) fn publish(mut self, files: &[PublishedFile], documents: u64) -> Result<()> {
        let success = self.stage_success(files, documents)?;
        let listed: Vec<_> = files.iter().chain(&success).cloned().collect();
        // Before the announcement, which makes every file of these names ours in the eyes of the next run.
        listed.iter().try_for_each(|file| self.check_free(&file.path))?;
        self.flush(&listed)?;
        self.announce(&listed, documents)?;
        // They speak of the run before; until those of this run are written, none is better than a wrong one.
        self.remove_records()?;
        self.is_published = self.place_all(&listed).map(|()| true)?;
        Ok(())
    }

    /// Puts the files that were announced into their places, as far as they are not there yet.
    fn place_all(&self, listed: &[PublishedFile]) -> Result<()> {
        let (success, files): (Vec<_>, Vec<_>) = listed.iter().partition(|file| file.path == SUCCESS);
        if !success.is_empty() {
            remove_file(&self.root.join(SUCCESS))?;
        }
        let mut folders = BTreeSet::from([self.root.clone()]);
        for file in files {
            self.place(file, &mut folders)?;
        }
        self.remove_stale(listed)?;
        self.flush_folders(&folders)?;
        for success in success {
            self.place(success, &mut folders)?;
            sync(&self.root)?;
        }
        rename(&self.state.join(PUBLISHING), &self.state.join(MANIFEST))?;
        sync(&self.state)?;
        remove_folder(&self.state.join(STAGING))?;
        remove_file(&self.journal())
    }

    /// Writes, for an output folder, what everybody may know of it.
    fn stage_success(&self, files: &[PublishedFile], documents: u64) -> Result<Option<PublishedFile>> {
        if !self.is_folder {
            return Ok(None);
        }
        let bytes = files.iter().map(|file| file.bytes).sum();
        let success = Success { schema: SCHEMA, pipeline: &self.pipeline, documents, bytes, files };
        let path = self.staged(SUCCESS);
        write_json(&path, &success)?;
        let json = fs::read(&path).map_err(|error| Error::io(&path, "cannot read", error))?;
        let sha256 = hex(Sha256::new_with_prefix(&json));
        Ok(Some(PublishedFile { path: SUCCESS.to_owned(), bytes: json.len() as u64, documents: 0, sha256 }))
    }

    /// Removes what our earlier runs have put there, and every trace of us.
    pub(super) fn withdraw(mut self) -> Result<()> {
        self.remove_stale(&[])?;
        self.is_published = true;
        // The mark goes last: until then, what is left can be taken up.
        for file in [JOURNAL, MANIFEST, UNFINISHED, PUBLISHING] {
            remove_file(&self.state.join(file))?;
        }
        remove_folder(&self.state)?;
        remove_created(&self.created);
        Ok(())
    }

    fn make_staging(&self) -> Result<()> {
        let staging = self.state.join(STAGING);
        remove_folder(&staging)?;
        create_folder(&staging).map_err(|error| Error::io(staging, "cannot create the folder", error))
    }

    /// Makes sure that what is staged is on the disk.
    fn flush(&self, files: &[PublishedFile]) -> Result<()> {
        if files.len() > MANY_FILES && sync_file_system(&self.state)? {
            return Ok(());
        }
        files.iter().try_for_each(|file| sync(&self.staged(&file.path)))
    }

    fn flush_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<()> {
        if folders.len() > MANY_FILES && sync_file_system(&self.state)? {
            return Ok(());
        }
        // One that was left empty is gone.
        folders.iter().filter(|folder| folder.exists()).try_for_each(|folder| sync(folder))
    }

    fn announce(&self, files: &[PublishedFile], documents: u64) -> Result<()> {
        let (pipeline, made_from) = (self.pipeline.clone(), self.made_from.clone());
        let manifest = Manifest { schema: SCHEMA, pipeline, made_from, documents, files: files.to_vec() };
        // Whole or not at all: a list that is half written would be taken for a damaged one.
        let unfinished = self.state.join(UNFINISHED);
        write_json(&unfinished, &manifest)?;
        rename(&unfinished, &self.state.join(PUBLISHING))?;
        sync(&self.state)
    }

    /// Removes the records of the run before, and what a run has left that was killed while it wrote one.
    fn remove_records(&self) -> Result<()> {
        let failed = |error| Error::io(&self.state, "cannot read the folder", error);
        for entry in fs::read_dir(&self.state).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let is_of = |file: &&str| *name == **file || name.starts_with(&format!(".{file}."));
            if [REPORT_FILE, RUN_FILE, SEEN_FILE].iter().any(is_of) {
                remove_file(&self.state.join(&*name))?;
            }
        }
        Ok(())
    }

    /// Renames a staged file, unless a run before this one has; `folders` are those known to be real folders, not links.
    fn place(&self, file: &PublishedFile, folders: &mut BTreeSet<PathBuf>) -> Result<()> {
        let name = file.path.as_str();
        let (staged, target) = (self.staged(name), self.placed(name));
        if !staged.exists() && is_whole(&target, file) {
            return Ok(());
        }
        self.check_free(name)?;
        let mut folder = self.root.clone();
        for part in Path::new(name).parent().iter().flat_map(|parent| parent.components()) {
            folder.push(part);
            if !folders.contains(&folder) {
                make_real_folder(&folder)?;
                folders.insert(folder.clone());
            }
        }
        rename(&staged, &target)
    }

    fn remove_stale(&self, files: &[PublishedFile]) -> Result<()> {
        let current: BTreeSet<_> = files.iter().map(|file| file.path.as_str()).collect();
        for name in self.previous.iter().filter(|name| !current.contains(name.as_str())) {
            self.remove(name)?;
        }
        Ok(())
    }

    /// Removes a file of ours, and the folders that it leaves empty.
    fn remove(&self, name: &str) -> Result<()> {
        let folders = Path::new(name).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        let folders: Vec<_> = folders.map(|folder| self.root.join(folder)).collect();
        if folders.iter().any(|folder| folder.is_symlink()) {
            return Ok(());
        }
        remove_file(&self.root.join(name))?;
        for folder in folders {
            // One that is not empty stays.
            _ = step("remove folder", &folder).and_then(|()| fs::remove_dir(folder));
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_published {
            return;
        }
        // There is nobody to tell: the run ends with an error already, and what stays behind is cleared by the next one. What was
        // announced is left, so that it can be ended.
        if !self.state.join(PUBLISHING).exists() {
            _ = remove_folder(&self.state.join(STAGING));
        }
        let is_needed = [PUBLISHING, JOURNAL].iter().any(|file| self.state.join(file).exists());
        if self.created.contains(&self.state) && !is_needed {
            _ = fs::remove_file(self.state.join(OWNER));
            remove_created(&self.created);
        }
    }
}

/// The folder that files are relative to, and the one that holds our state.
fn places(wanted: &Wanted<'_>) -> Result<(PathBuf, PathBuf)> {
    if wanted.is_folder {
        return Ok((wanted.target.to_owned(), wanted.target.join(FOLDER)));
    }
    let name = wanted.target.file_name().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOption, wanted.target, "the path of the output has no file name")
    })?;
    let parent = wanted.target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let root = parent.unwrap_or(Path::new(".")).to_owned();
    let state = root.join(state_name(&name.to_string_lossy()));
    Ok((root, state))
}

/// The hidden folder that holds the state of an output, which is a file or a folder that is there; `None` for `-`.
pub fn state_folder(output: &Path) -> Option<PathBuf> {
    if output == Path::new("-") {
        return None;
    }
    if output.is_dir() {
        return Some(output.join(FOLDER));
    }
    Some(output.with_file_name(state_name(&output.file_name()?.to_string_lossy())))
}

/// Whether an output is there, whole, and was made of exactly this.
pub fn is_there(output: &Path, made_from: &MadeFrom) -> bool {
    let Some(state) = state_folder(output) else { return false };
    let Some(manifest) = read_json::<Manifest>(&state.join(MANIFEST)) else { return false };
    let root = if output.is_dir() { output } else { output.parent().unwrap_or(output) };
    let is_whole = |file: &PublishedFile| is_whole(&root.join(&file.path), file);
    let is_being_changed = state.join(PUBLISHING).exists();
    let found = MadeFrom { retried: String::new(), ..manifest.made_from.clone() };
    !is_being_changed && found == *made_from && manifest.files.iter().all(is_whole)
}

/// Whether a file is at this place, with its size.
fn is_whole(place: &Path, file: &PublishedFile) -> bool {
    fs::symlink_metadata(place).is_ok_and(|found| found.is_file() && found.len() == file.bytes)
}

/// The files of an output that is there and whole, with their absolute paths; `None` where it is not.
pub fn files_of(output: &Path) -> Option<Vec<(PathBuf, PublishedFile)>> {
    let state = state_folder(output)?;
    let manifest =
        read_json::<Manifest>(&state.join(MANIFEST)).filter(|_| !state.join(PUBLISHING).exists())?;
    let root = if output.is_dir() { output } else { output.parent().unwrap_or(output) };
    let documents = manifest.files.into_iter().filter(|file| file.path != SUCCESS && is_inside(&file.path));
    Some(documents.map(|file| (root.join(&file.path), file)).collect())
}

/// Which failed documents have joined an output, as a hash.
pub fn retried(output: &Path) -> Option<String> {
    let manifest = read_json::<Manifest>(&state_folder(output)?.join(MANIFEST))?;
    Some(manifest.made_from.retried).filter(|retried| !retried.is_empty())
}

/// Whether the same run has written both, as far as their manifests say; so of an output that keeps nothing, a stream.
pub fn are_of_one_run(output: &Path, failed: &Path) -> bool {
    let run = |output: &Path| {
        let manifest = read_json::<Manifest>(&state_folder(output)?.join(MANIFEST))?;
        Some(MadeFrom { retried: String::new(), ..manifest.made_from })
    };
    super::is_stream(&output.to_string_lossy()) || run(output) == run(failed)
}

/// The folder beside a file.
fn state_name(file: &str) -> String {
    format!(".{file}{FOLDER}")
}

fn check_folder(root: &Path) -> Result<()> {
    match fs::metadata(root) {
        Ok(metadata) if !metadata.is_dir() => {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            Err(Error::io(root, "cannot write the output", error))
        }
        _ => Ok(()),
    }
}

/// Refuses what somebody else made.
fn check_ours(wanted: &Wanted<'_>, root: &Path, state: &Path) -> Result<()> {
    if state.is_symlink() {
        return Err(Error::new(
            ErrorKind::SymbolicLink,
            state,
            "a symbolic link is where our folder should be",
        ));
    }
    if wanted.overwrite {
        return Ok(());
    }
    if let Some(owner) =
        read_json::<Owner>(&state.join(OWNER)).filter(|owner| owner.pipeline != wanted.pipeline)
    {
        let message = format!("the output belongs to the pipeline `{}`", owner.pipeline);
        return Err(not_ours(wanted.target, &message));
    }
    let is_ours = if wanted.is_folder {
        state.join(OWNER).exists() || foreign_entry(root).is_none()
    } else {
        let name = wanted.target.file_name().unwrap_or_default().to_string_lossy();
        fs::symlink_metadata(wanted.target).is_err() || previous_files(state)?.contains(&*name)
    };
    let what = if wanted.is_folder { "the folder is not empty" } else { "the file exists" };
    if is_ours {
        Ok(())
    } else {
        Err(not_ours(wanted.target, &format!("{what} and was not written by textmill")))
    }
}

/// Something in a folder that is neither hidden nor another output of ours.
fn foreign_entry(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.filter_map(io::Result::ok).map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let has_owner = |state: PathBuf| state.join(OWNER).exists();
        !name.starts_with('.') && !has_owner(path.join(FOLDER)) && !has_owner(folder.join(state_name(&name)))
    })
}

/// Writes and locks the mark of ownership.
fn own(wanted: &Wanted<'_>, state: &Path) -> Result<File> {
    let path = state.join(OWNER);
    let failed = |error| Error::io(&path, "cannot mark the output as ours", error);
    if path.is_symlink() {
        let message = "a symbolic link is where our mark should be";
        return Err(Error::new(ErrorKind::SymbolicLink, path, message).with_hint("remove the link"));
    }
    let open = |()| File::options().create(true).truncate(false).write(true).open(&path);
    let mut file = step("create", &path).and_then(open).map_err(failed)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let owner = read_json::<Owner>(&path);
            if owner.as_ref().is_some_and(|owner| owner.process == std::process::id()) {
                let message = "another output of this run is the same file";
                return Err(Error::new(ErrorKind::Busy, wanted.target, message)
                    .with_hint("give each of them a file of its own"));
            }
            let message = owner.map_or_else(
                || "another run is writing this output".to_owned(),
                |owner| {
                    format!("process {} has been writing this output since {}", owner.process, owner.started)
                },
            );
            return Err(Error::new(ErrorKind::Busy, wanted.target, message)
                .with_hint("wait for it, or write elsewhere"));
        }
        // A file system without locks: the output is written all the same.
        Err(TryLockError::Error(_)) | Ok(()) => (),
    }
    let owner = Owner {
        schema: SCHEMA,
        pipeline: wanted.pipeline.to_owned(),
        process: std::process::id(),
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
    };
    let json = serde_json::to_vec(&owner).map_err(|error| failed(error.into()))?;
    let emptied = file.set_len(0).and_then(|()| step("write", &path));
    emptied.and_then(|()| file.write_all(&json)).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(file)
}

/// What our earlier runs have put there: the last whole one, and one that was killed while it published.
fn previous_files(state: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in [MANIFEST, PUBLISHING] {
        let path = state.join(file);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            bytes => bytes.map_err(|error| Error::io(&path, "cannot read", error))?,
        };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
            let message = "the list of what the run before has written cannot be read";
            return Err(Error::new(ErrorKind::Io, path, message).with_hint("remove the output and run again"));
        };
        names.extend(manifest.files.into_iter().map(|file| file.path).filter(|name| is_inside(name)));
    }
    Ok(names)
}

/// Whether a name of a manifest, which anyone can edit, stays below the folder.
fn is_inside(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn not_ours(path: &Path, message: &str) -> Error {
    Error::new(ErrorKind::NotOurs, path, message)
        .with_hint("write elsewhere, or replace it with `--overwrite`")
}

fn create_folders(folder: &Path, created: &mut Vec<PathBuf>) -> Result<()> {
    let mut missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty());
    for folder in missing.into_iter().rev() {
        match create_folder(folder) {
            Ok(()) => created.push(folder.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => (),
            Err(error) => {
                remove_created(created);
                return Err(Error::io(folder, "cannot create the folder", error));
            }
        }
    }
    Ok(())
}

/// Removes folders again, as far as they are empty.
fn remove_created(created: &[PathBuf]) {
    created.iter().rev().for_each(|folder| _ = fs::remove_dir(folder));
}

fn make_real_folder(folder: &Path) -> Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_symlink() => {
            let message = "a symbolic link is where a folder of the output should be";
            Err(Error::new(ErrorKind::SymbolicLink, folder, message).with_hint("remove the link"))
        }
        Ok(metadata) if metadata.is_dir() => Ok(()),
        _ => create_folder(folder).map_err(|error| Error::io(folder, "cannot create the folder", error)),
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    step("create folder", folder).and_then(|()| fs::create_dir(folder))
}

fn remove_file(path: &Path) -> Result<()> {
    match step("remove", path).and_then(|()| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(path, "cannot remove what the run before has written", error))
        }
        _ => Ok(()),
    }
}

fn remove_folder(folder: &Path) -> Result<()> {
    match step("remove folder", folder).and_then(|()| fs::remove_dir_all(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(folder, "cannot remove the folder", error))
        }
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    step("rename to", to)
        .and_then(|()| fs::rename(from, to))
        .map_err(|error| Error::io(to, "cannot put the output in its place", error))
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let failed = |error| Error::io(path, "cannot write", error);
    let mut json = serde_json::to_vec_pretty(value).map_err(|error| failed(error.into()))?;
    json.push(b'\n');
    // Made anew, so that a link that somebody put there is not followed.
    remove_file(path)?;
    let mut file = step("create", path).and_then(|()| File::create_new(path)).map_err(failed)?;
    let written = step("write", path).and_then(|()| file.write_all(&json));
    written.and_then(|()| step("flush", path)).and_then(|()| file.sync_all()).map_err(failed)
}

/// `None` where the file does not exist, cannot be read, or says something else.
fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Flushes a file or a folder to the disk.
fn sync(path: &Path) -> Result<()> {
    let is_unsupported = cfg!(not(unix)) && path.is_dir();
    if is_unsupported {
        return Ok(());
    }
    let synced = step("flush", path).and_then(|()| File::open(path)).and_then(|file| file.sync_all());
    synced.map_err(|error| Error::io(path, "cannot flush to the disk", error))
}

/// Flushes all that is written to the file system of `path`; false where the system has no such call.
#[cfg(target_os = "linux")]
fn sync_file_system(path: &Path) -> Result<bool> {
    let opened = step("flush all", path).and_then(|()| File::open(path));
    let synced = opened.and_then(|file| rustix::fs::syncfs(&file).map_err(io::Error::from));
    synced.map(|()| true).map_err(|error| Error::io(path, "cannot flush to the disk", error))
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> Result<bool> {
    Ok(false)
}
