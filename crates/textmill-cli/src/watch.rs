//! `--watch`: the same command again whenever a file changes that it has read.
//!
//! Each round is a process of its own, this program without `--watch`: a library that was built anew is loaded anew, which
//! no process could do twice, and whatever a broken pipeline file or a plugin does to a round, the next one begins afresh.
//! Which files matter is known where they are opened, so each round notes them, for the process that watches.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecursiveMode, Watcher as _};
use textmill::Engine;
use textmill_report::plural;

use crate::args::WatchArgs;
use crate::exit::Outcome;
use crate::terminal::{self, FAINT, say, styled};

/// A file is at rest when nothing has happened for this long: editors and linkers write in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// Goes on until it is interrupted. `named` are the files and folders of the command line; below a folder every `.toml` matters.
pub(crate) fn watch(named: &[PathBuf]) -> Outcome {
    let mut round = Round::new(named)?;
    let note = round.note.path().to_owned();
    let handler = move || {
        // Where it cannot be removed, it is one small file among those that the system clears.
        _ = std::fs::remove_file(&note);
        textmill::exit(130)
    };
    ctrlc::set_handler(handler).context("cannot wait for Ctrl-C")?;
    let (sender, events) = channel();
    let mut watched = Watched::new(named, sender.clone())?;
    loop {
        terminal::clear();
        // What changes during a round is noticed: the files of the one before are watched until those of this one are.
        round.run()?;
        drop(mem::replace(&mut watched, Watched::new(&round.files, sender.clone())?));
        let number = watched.files.len() as u64;
        say(&format!("\n{}", styled(FAINT, &format!("watching {}; Ctrl-C ends it", plural(number, "file")))));
        watched.wait(&events)?;
    }
}

/// Notes the files that an open pipeline is made of, and others, if the process that started this one watches them.
pub(crate) fn note<'e>(
    args: &WatchArgs,
    engines: impl IntoIterator<Item = &'e Engine>,
    others: impl IntoIterator<Item = PathBuf>,
) -> anyhow::Result<()> {
    let Some(note) = &args.note_files else { return Ok(()) };
    let mut files: BTreeSet<PathBuf> = others.into_iter().collect();
    for engine in engines {
        let pipeline = engine.pipeline();
        files.insert(pipeline.path.clone());
        files.extend(engine.provenance().plugins.iter().map(|plugin| plugin.path.clone()));
        let resources = pipeline.stages.iter().flat_map(|stage| &stage.resources);
        files.extend(resources.map(|resource| resource.absolute.clone()));
    }
    let files: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    std::fs::write(note, serde_json::to_string(&files)?).context("cannot note which files to watch")
}

/// What is run each time, and which files it was seen to read.
struct Round {
    program: PathBuf,
    args: (Vec<OsString>, Vec<OsString>),
    note: tempfile::NamedTempFile,
    named: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Round {
    fn new(named: &[PathBuf]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let note = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
        let (named, files) = (named.to_vec(), named.to_vec());
        Ok(Self { program, args: arguments(std::env::args_os()), note, named, files })
    }

    /// A round that could not open the pipeline notes nothing, and the files of the one before are watched on.
    fn run(&mut self) -> anyhow::Result<()> {
        let (options, paths) = &self.args;
        let mut command = Command::new(&self.program);
        command.args(options).arg("--note-files").arg(self.note.path()).args(paths);
        let status = command.status().context("cannot start a round")?;
        tracing::debug!("the round has ended: {status}");
        let noted = std::fs::read(self.note.path()).context("cannot read which files to watch")?;
        if let Ok(noted) = serde_json::from_slice::<Vec<PathBuf>>(&noted) {
            self.files = self.named.iter().cloned().chain(noted).collect();
        }
        Ok(())
    }
}

/// The arguments for a round: those of this process, without the one that makes it watch; and those that are paths because
/// `--` says so.
fn arguments(args: impl Iterator<Item = OsString>) -> (Vec<OsString>, Vec<OsString>) {
    let mut options: Vec<_> = args.skip(1).collect();
    let dashes = options.iter().position(|arg| arg == "--").unwrap_or(options.len());
    let paths = options.split_off(dashes);
    options.retain(|arg| arg != "--watch");
    (options, paths)
}

/// The files that are watched, as long as this lives.
struct Watched {
    /// As events name them: below the folders that are watched.
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    _watcher: notify::RecommendedWatcher,
}

impl Watched {
    /// Watches the folders that the files lie in: a file that is replaced, as editors do, is another one of the same name.
    fn new(named: &[PathBuf], events: Sender<notify::Result<Event>>) -> anyhow::Result<Self> {
        let mut watcher = notify::recommended_watcher(events).context("cannot watch files")?;
        let absolute = named.iter().filter_map(|path| std::path::absolute(path).ok());
        // The file that a link leads to changes elsewhere.
        let all = absolute.flat_map(|path| [path.canonicalize().ok(), Some(path)]).flatten();
        let (folders, files): (BTreeSet<_>, BTreeSet<_>) = all.partition(|path| path.is_dir());
        for folder in &folders {
            watcher.watch(folder, RecursiveMode::Recursive).with_context(|| cannot_watch(folder))?;
        }
        let around: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        for folder in around.into_iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::NonRecursive).with_context(|| cannot_watch(folder))?;
        }
        Ok(Self { files, folders, _watcher: watcher })
    }

    /// Returns when one of the files has changed, and all are at rest.
    fn wait(&self, events: &Receiver<notify::Result<Event>>) -> anyhow::Result<()> {
        while !self.is_about(&events.recv().context("the watcher has ended")?) {}
        let mut rest = Instant::now() + QUIET;
        // Others may read in the same folder all the time.
        while let Ok(event) = events.recv_timeout(rest.saturating_duration_since(Instant::now())) {
            if self.is_about(&event) {
                rest = Instant::now() + QUIET;
            }
        }
        Ok(())
    }

    /// Errors of the watcher are of one file or folder, which may be gone for a moment.
    fn is_about(&self, event: &notify::Result<Event>) -> bool {
        let Ok(event) = event else { return false };
        let is_read = matches!(event.kind, EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)));
        !is_read && event.paths.iter().any(|path| self.holds(path))
    }

    fn holds(&self, path: &Path) -> bool {
        let is_pipeline = || path.extension().is_some_and(|extension| extension == "toml");
        self.files.contains(path)
            || is_pipeline() && self.folders.iter().any(|folder| path.starts_with(folder))
    }
}

fn cannot_watch(folder: &Path) -> String {
    format!("cannot watch `{}`", folder.display())
}
