//! `textmill.lock`: which libraries and files the pipelines of a folder are held to.
//!
//! It lies beside the pipeline files and is committed with them. For each pipeline it names the plugins with the hash of
//! their library for each target that somebody has locked, the files that options name with their hashes, and the built-in
//! stages with the version of textmill. What a pipeline file itself says is not locked: it lies beside the lock, in the same
//! commit, and whoever changes a number must not have to lock again.
//!
//! With [`Locking::Require`] only what is locked is used, and as the very bytes that were hashed. Otherwise a difference is
//! a warning: a lock that changed by itself would pin nothing, and one that stopped whoever builds a plugin anew every
//! minute would be deleted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use textmill_engine::{Engine, LoadError, Origin, Provenance, Refusal, Registry, UsedResource};
use textmill_io::{self as io, Snapshot};
use textmill_pipeline::{Diagnostics, Draft, Pipeline, PluginSpec, ResourceSpec, Source};

use crate::{Options, Plugins, VERSION};

/// The name of the lock file.
pub const LOCK_FILE: &str = "textmill.lock";

/// The target that this program was built for, as rustc names it: libraries are locked for each target on its own.
pub const TARGET: &str = env!("TEXTMILL_TARGET");

/// What is made of the lock file beside a pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// What differs from it is warned of, through `tracing`.
    #[default]
    Warn,
    /// It must be there, and nothing else is used than what it names.
    Require,
    /// Nothing.
    Ignore,
}

/// A lock file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The file.
    pub path: PathBuf,
    /// How many plugins of this pipeline it names.
    pub plugins: usize,
    /// How many files that options name.
    pub resources: usize,
    /// How many files of the input; `None` if it is not locked.
    pub input: Option<u64>,
    /// Whether it says something else than before.
    pub changed: bool,
    /// Plugins and the targets whose hashes are no longer in it, because the plugin is another since.
    pub dropped: Vec<(String, Vec<String>)>,
}

/// Why a pipeline could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// The pipeline cannot be opened.
    Pipeline(Diagnostics),
    /// The lock file cannot be read or written.
    File(io::Error),
    /// The input cannot be read.
    Input(textmill_engine::Error),
    /// The lock file that is there is none: the file, and why.
    Invalid(PathBuf, String),
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    version: u32,
    #[serde(default, rename = "pipeline")]
    pipelines: Vec<Entry>,
}

/// What it says of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    /// The name of the pipeline file.
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    built_in: Option<BuiltIn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<Input>,
    #[serde(default, rename = "plugin", skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Plugin>,
    #[serde(default, rename = "resource", skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource>,
}

/// The stages that textmill itself has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    /// That of textmill.
    version: String,
    stages: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugin {
    name: String,
    version: String,
    abi: String,
    /// As the pipeline file has it.
    path: String,
    stages: Vec<String>,
    /// By target.
    sha256: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    /// As the option has it.
    path: String,
    sha256: String,
}

/// What is read, where it was asked for to lock that too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    files: u64,
    bytes: u64,
    /// As of [`io::InputDigest`].
    sha256: String,
}

const FORMAT: u32 = 1;

const HEADER: &str = "\
# Written by `textmill lock`, and read by `textmill run --locked`. Commit it beside the pipelines.

";

/// Locks a pipeline to the plugins and files that it uses here and now: writes [`LOCK_FILE`] beside it. What the file says
/// of other pipelines stays, and so do the hashes of the same plugins for other targets.
///
/// The plugins are loaded, which runs their code: whoever locks one trusts it. With `with_input` all of the input is read, and
/// locked by its bytes; without, what was locked of it stays.
///
/// # Errors
/// If the pipeline cannot be opened, or the file cannot be read or written, or the input not be read.
pub fn lock(path: &Path, options: &Options, with_input: bool) -> Result<Locked, LockError> {
    let plugins = textmill_pipeline::parse(Source::read(path)?)?.plugins();
    let unlocked = Plugins { locking: Locking::Ignore, ..options.plugins.clone() };
    let options = Options { plugins: unlocked, ..options.clone() };
    let engine = crate::open(path, &options)?;
    let place = lock_path(path);
    let before = LockFile::read(&place)?;
    let mut entry = Entry::new(path, &plugins, engine.provenance());
    if with_input {
        entry.input = Some(engine.digest_input().map_err(LockError::Input)?.into());
    }
    let (plugins, resources) = (entry.plugins.len(), entry.resources.len());
    let (file, dropped) = before.clone().unwrap_or_default().with(entry);
    let input = file.entry(path).and_then(|entry| entry.input.as_ref()).map(|input| input.files);
    let changed = before.as_ref() != Some(&file);
    if changed {
        let invalid = |error: toml::ser::Error| LockError::Invalid(place.clone(), error.to_string());
        let text = HEADER.to_owned() + &toml::to_string_pretty(&file).map_err(invalid)?;
        io::replace_file(&place, text.as_bytes())?;
    }
    Ok(Locked { path: place, plugins, resources, input, changed, dropped })
}

/// The lock file of a pipeline.
fn lock_path(pipeline: &Path) -> PathBuf {
    pipeline.with_file_name(LOCK_FILE)
}

fn file_name(pipeline: &Path) -> String {
    pipeline.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Default for LockFile {
    fn default() -> Self {
        Self { version: FORMAT, pipelines: Vec::new() }
    }
}

/// What is wrong with a lock file, and where in it.
fn with_place(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message.to_owned();
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let (number, column) = (before.matches('\n').count() + 1, line.chars().count() + 1);
    format!("line {number}, column {column}: {message}")
}

impl LockFile {
    /// `None` if there is no such file.
    fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let invalid = |why: String| LockError::Invalid(path.to_owned(), why);
        let file = match Snapshot::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let text = str::from_utf8(file.bytes()).map_err(|error| invalid(error.to_string()))?;
        let file: Self = toml::from_str(text).map_err(|error| invalid(with_place(text, &error)))?;
        if file.version != FORMAT {
            return Err(invalid(format!(
                "it has the format {}, and this textmill reads {FORMAT}",
                file.version
            )));
        }
        Ok(Some(file))
    }

    /// What it says of a pipeline.
    fn entry(&self, pipeline: &Path) -> Option<&Entry> {
        let name = file_name(pipeline);
        self.pipelines.iter().find(|entry| entry.file == name)
    }

    /// This file with an entry in the place of the one for the same pipeline, and what was dropped from that.
    fn with(mut self, mut entry: Entry) -> (Self, Vec<(String, Vec<String>)>) {
        let earlier = self.pipelines.iter().position(|known| known.file == entry.file);
        let earlier = earlier.map(|index| self.pipelines.remove(index));
        let dropped = earlier.map(|earlier| entry.inherit(&earlier)).unwrap_or_default();
        self.pipelines.push(entry);
        self.pipelines.sort_by(|a, b| a.file.cmp(&b.file));
        (self, dropped)
    }
}

impl Entry {
    fn new(pipeline: &Path, plugins: &[PluginSpec], used: &Provenance) -> Self {
        let stages = used.built_in.clone();
        let plugins = plugins.iter().zip(&used.plugins).map(|(spec, loaded)| Plugin {
            name: loaded.name.clone(),
            version: loaded.version.clone(),
            abi: loaded.abi.clone(),
            path: spec.path.clone(),
            stages: loaded.stages.clone(),
            sha256: BTreeMap::from([(TARGET.to_owned(), loaded.sha256.clone())]),
        });
        let resource =
            |used: &UsedResource| Resource { path: used.path.clone(), sha256: used.sha256.clone() };
        Self {
            file: file_name(pipeline),
            built_in: (!stages.is_empty()).then(|| BuiltIn { version: VERSION.to_owned(), stages }),
            plugins: plugins.collect(),
            input: None,
            resources: used.resources.iter().map(resource).collect(),
        }
    }

    /// Takes over the input, unless it is locked anew, and the hashes for other targets, where the plugin is the same; the
    /// others are named.
    fn inherit(&mut self, earlier: &Self) -> Vec<(String, Vec<String>)> {
        self.input = self.input.take().or_else(|| earlier.input.clone());
        let mut dropped = Vec::new();
        for plugin in &mut self.plugins {
            let Some(known) = earlier.plugins.iter().find(|known| known.path == plugin.path) else {
                continue;
            };
            let others = known.sha256.iter().filter(|(target, _)| *target != TARGET);
            let others: Vec<_> = others.map(|(target, hash)| (target.clone(), hash.clone())).collect();
            if known.is_same(plugin) {
                plugin.sha256.extend(others);
            } else if !others.is_empty() {
                dropped.push((plugin.path.clone(), others.into_iter().map(|(target, _)| target).collect()));
            }
        }
        dropped
    }
}

impl Plugin {
    /// Whether it is the same version of the same plugin, for whatever target.
    fn is_same(&self, other: &Self) -> bool {
        let of = |plugin: &Self| {
            (plugin.name.clone(), plugin.version.clone(), plugin.abi.clone(), plugin.stages.clone())
        };
        of(self) == of(other)
    }
}

/// Holds what is opened against the lock.
#[derive(Debug)]
pub(crate) struct Guard {
    /// What the lock says of the pipeline; `None`: nothing is asked.
    entry: Option<Entry>,
    /// Whether a difference is an error.
    is_strict: bool,
    /// What writes the lock anew.
    command: String,
}

impl Guard {
    /// # Errors
    /// With [`Locking::Require`]: if there is no lock, or it cannot be read, or says nothing of the pipeline.
    pub(crate) fn new(
        draft: &Draft,
        pipeline: &Path,
        locking: Locking,
        with_input: bool,
    ) -> Result<Self, Diagnostics> {
        Self::of(pipeline, locking, with_input)
            .map_err(|refusal| draft.diagnostic(&refusal.message, &refusal.hint))
    }

    /// Loads a library, if the lock has nothing against it; where it is strict, as the very bytes that were hashed.
    pub(crate) fn load(
        &self,
        registry: &mut Registry,
        spec: &PluginSpec,
        path: &Path,
    ) -> Result<(), LoadError> {
        let approve = |file: &Snapshot| self.plugin(spec, file.sha256());
        let loaded = match (self.is_strict, spec.isolated) {
            (true, true) => registry.load_isolated(path, Some(&approve)),
            (true, false) => registry.load_approved(path, &approve),
            (false, true) => registry.load_isolated(path, None),
            (false, false) => registry.load(path),
        };
        let sha256 = &loaded?.sha256;
        if !self.is_strict {
            warn(&format!("the plugin `{}`", spec.path), self.plugin(spec, sha256));
        }
        Ok(())
    }

    /// Opens a pipeline, if the lock has nothing against its stages and the files that their options name.
    pub(crate) fn open(&self, pipeline: Pipeline, registry: &Registry) -> Result<Engine, Diagnostics> {
        let built_in = registry.kinds().filter(|(_, origin)| **origin == Origin::BuiltIn);
        let built_in: Vec<_> = built_in.map(|(kind, _)| kind.name.as_str()).collect();
        for (number, stage) in pipeline.stages.iter().enumerate() {
            let held =
                if built_in.contains(&stage.uses.as_str()) { self.built_in(&stage.uses) } else { Ok(()) };
            let what = format!("the stage `{}`", stage.uses);
            self.judge(&what, held).map_err(|refusal| {
                let message = format!("{what} {}", refusal.message);
                pipeline.stage_diagnostic(number, &message).with_hint(&refusal.hint)
            })?;
        }
        Engine::open_approved(pipeline, registry, &|resource, file| {
            self.judge(&format!("the file `{}`", resource.path), self.resource(resource, file.sha256()))
        })
    }

    /// Whether the input is the one that is locked. All of it is read.
    pub(crate) fn check_input(&self, engine: &Engine) -> Result<(), Refusal> {
        let command = &self.command;
        let hint = |what: &str| format!("{what} {command}; else put back what was locked");
        let Some(locked) = self.entry.as_ref().and_then(|entry| entry.input.as_ref()) else {
            let message = format!("`{LOCK_FILE}` says nothing of the input, which `--frozen` asks for");
            return Err(Refusal { message, hint: format!("lock it, and commit the file: {command}") });
        };
        let found = engine.digest_input().map_err(|error| Refusal {
            message: error.to_string(),
            hint: hint("if the input is another, lock it:"),
        })?;
        let found = Input::from(found);
        if found == *locked {
            return Ok(());
        }
        let files = |number| if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
        let of = |input: &Input| format!("{} of {} bytes", files(input.files), input.bytes);
        let (before, after) = (of(locked), of(&found));
        let how =
            if before == after { "of the same size".to_owned() } else { format!("{after}, not {before}") };
        let message = format!("the input is not the one of `{LOCK_FILE}`: it is {how}");
        Err(Refusal { message, hint: hint("if that is meant, lock it:") })
    }

    /// `with_input`: whether the input is held to the lock, too.
    fn of(pipeline: &Path, locking: Locking, with_input: bool) -> Result<Self, Refusal> {
        let option = if with_input { " --input" } else { "" };
        let command = format!("`textmill lock {}{option}`", pipeline.display());
        let guard = |entry, is_strict| Self { entry, is_strict, command: command.clone() };
        if locking == Locking::Ignore {
            return Ok(guard(None, false));
        }
        match (entry_of(pipeline, &command), locking) {
            (Ok(Some(entry)), locking) => Ok(guard(Some(entry), locking == Locking::Require)),
            (Ok(None), Locking::Require) => Err(not_locked(pipeline, &command)),
            (Ok(None), _) => Ok(guard(None, false)),
            (Err(refusal), Locking::Require) => Err(refusal),
            (Err(refusal), _) => {
                tracing::warn!("{}; {}", refusal.message, refusal.hint);
                Ok(guard(None, false))
            }
        }
    }

    /// Whether this is the library that is locked for this target.
    fn plugin(&self, spec: &PluginSpec, sha256: &str) -> Result<(), Refusal> {
        let Some(entry) = &self.entry else { return Ok(()) };
        let locked = entry.plugins.iter().find(|plugin| plugin.path == spec.path);
        match locked.map(|plugin| (plugin, plugin.sha256.get(TARGET))) {
            Some((_, Some(expected))) => self.compare(expected, sha256),
            Some((plugin, None)) => {
                let targets = plugin.sha256.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(self.refuse(format!("is not locked for {TARGET}: `{LOCK_FILE}` has it for {targets}")))
            }
            None => Err(self.refuse(format!("is not in `{LOCK_FILE}`"))),
        }
    }

    /// Whether this is the file that is locked.
    fn resource(&self, spec: &ResourceSpec, sha256: &str) -> Result<(), Refusal> {
        let Some(entry) = &self.entry else { return Ok(()) };
        match entry.resources.iter().find(|resource| resource.path == spec.path) {
            Some(resource) => self.compare(&resource.sha256, sha256),
            None => Err(self.refuse(format!("is not in `{LOCK_FILE}`"))),
        }
    }

    /// Whether a built-in stage is that of the version that is locked.
    fn built_in(&self, stage: &str) -> Result<(), Refusal> {
        let Some(entry) = &self.entry else { return Ok(()) };
        match &entry.built_in {
            Some(locked) if locked.version != VERSION => Err(Refusal {
                message: format!("was locked with textmill {}, and this is {VERSION}", locked.version),
                hint: format!("run that version, or lock the pipeline to this one: {}", self.command),
            }),
            Some(locked) if locked.stages.iter().any(|name| name == stage) => Ok(()),
            _ => Err(self.refuse(format!("is not in `{LOCK_FILE}`"))),
        }
    }

    /// A difference as an error, or as a warning about `what`.
    fn judge(&self, what: &str, held: Result<(), Refusal>) -> Result<(), Refusal> {
        if self.is_strict {
            return held;
        }
        warn(what, held);
        Ok(())
    }

    fn compare(&self, expected: &str, found: &str) -> Result<(), Refusal> {
        if expected == found {
            return Ok(());
        }
        Err(self
            .refuse(format!("is not the one of `{LOCK_FILE}`: expected SHA-256 {expected}, found {found}")))
    }

    fn refuse(&self, message: String) -> Refusal {
        let hint = format!("if that is meant, lock it: {}; else put back what was locked", self.command);
        Refusal { message, hint }
    }
}

/// Tells of a difference.
fn warn(what: &str, held: Result<(), Refusal>) {
    if let Err(refusal) = held {
        tracing::warn!("{what} {}; {}", refusal.message, refusal.hint);
    }
}

/// What the lock beside a pipeline says of it.
fn entry_of(pipeline: &Path, command: &str) -> Result<Option<Entry>, Refusal> {
    let file = LockFile::read(&lock_path(pipeline)).map_err(|error| Refusal {
        message: error.to_string(),
        hint: format!("restore it, or remove it and lock again: {command}"),
    })?;
    Ok(file.and_then(|file| file.entry(pipeline).cloned()))
}

fn not_locked(pipeline: &Path, command: &str) -> Refusal {
    let lock = lock_path(pipeline);
    let message = if lock.exists() {
        format!("`{}` says nothing of this pipeline, which `--locked` asks for", lock.display())
    } else {
        format!("there is no `{}`, which `--locked` asks for", lock.display())
    };
    Refusal { message, hint: format!("lock the pipeline, and commit the file: {command}") }
}

impl From<io::InputDigest> for Input {
    fn from(digest: io::InputDigest) -> Self {
        Self { files: digest.files, bytes: digest.bytes, sha256: digest.sha256 }
    }
}

impl From<Diagnostics> for LockError {
    fn from(mistakes: Diagnostics) -> Self {
        Self::Pipeline(mistakes)
    }
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(mistakes) => mistakes.fmt(f),
            Self::File(error) => error.fmt(f),
            Self::Input(error) => error.fmt(f),
            Self::Invalid(path, why) => write!(f, "`{}` is no lock of textmill: {why}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}
