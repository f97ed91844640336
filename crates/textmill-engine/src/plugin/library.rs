//! Finds kinds of stages: the built-in ones, and those of libraries loaded at run time.

use std::env::consts::ARCH;
use std::fmt;
use std::path::{Path, PathBuf};

use textmill_abi::{self as abi, Str};
use textmill_io::Snapshot;
use textmill_pipeline::{Catalog, StageKind};

use super::exit::calling;
use super::host::{HOST, lossy};
use super::isolated::{Library, WorkerCommand, describe_isolated};

/// A built-in kind of stage: what [`textmill_stage::vtable`] gives.
pub type BuiltIn = fn() -> &'static abi::Stage;

/// Where a kind of stage comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Linked into this program.
    BuiltIn,
    /// Loaded from a library.
    Library {
        /// The library.
        path: PathBuf,
        /// The plugin's name.
        plugin: String,
        /// The plugin's version.
        version: String,
    },
}

/// A library that was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedPlugin {
    /// The library, absolute.
    pub path: PathBuf,
    /// What the plugin calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the plugin contract that it was made for, as [`abi_version`] writes it.
    pub abi: String,
    /// The SHA-256 of the library, in hexadecimal.
    pub sha256: String,
    /// The stages that it offers, by name.
    pub stages: Vec<String>,
}

/// What a plugin says of itself.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) abi: String,
    pub(super) stages: Vec<Described>,
}

/// What a plugin says of one of its stages.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) manual: String,
    pub(super) schema: String,
    pub(super) may: u64,
    /// Its functions; `None` if the library is not loaded into this process.
    pub(super) table: Option<abi::Stage>,
}

/// Why a file may not be used, as it goes on after its name: "is not ..."; and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Looks at a file before it is used, and may have something against it.
pub type Approve<'a> = &'a dyn Fn(&Snapshot) -> Result<(), Refusal>;

/// The kinds of stages that a pipeline can use.
#[derive(Debug, Default)]
pub struct Registry {
    kinds: Vec<Kind>,
    plugins: Vec<LoadedPlugin>,
    /// The plugins of which only these very bytes may run, in other processes too.
    sealed: Vec<Snapshot>,
    worker: Option<WorkerCommand>,
}

#[derive(Debug)]
pub(super) struct Kind {
    pub(super) info: StageKind,
    pub(super) origin: Origin,
    /// The most that it may do, and the claims that it makes with any options.
    pub(super) may: u64,
    /// Its functions; `None` if the library is not loaded into this process.
    pub(super) table: Option<abi::Stage>,
}

/// Why a library was refused.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    message: String,
    hint: String,
}

impl Registry {
    /// The built-in kinds.
    ///
    /// # Panics
    /// If one of them is not described as the contract asks, which is a mistake in this program.
    pub fn new(built_in: &[BuiltIn]) -> Self {
        let mut registry = Self::default();
        for table in built_in {
            // SAFETY: a reference is a pointer to a whole struct.
            let described = unsafe { Described::new(table()) };
            let kind = described.and_then(|described| Kind::new(described, Origin::BuiltIn));
            let kind = kind.expect("a built-in stage keeps the contract");
            registry.kinds.push(kind);
        }
        registry.sort();
        registry
    }

    /// Loads a library. Its stages take precedence over built-in ones of the same name: the pipeline file that names
    /// a library means the library's.
    ///
    /// # Errors
    /// If it is no library, no plugin, made for another version of the contract, or if it describes itself wrongly.
    pub fn load(&mut self, path: &Path) -> Result<&LoadedPlugin, LoadError> {
        self.load_if(path, &|_| Ok(()))
    }

    /// [`Registry::load`], if `approve` has nothing against the file, which is not held against whoever changes it a
    /// moment later.
    pub(super) fn load_if(&mut self, path: &Path, approve: Approve<'_>) -> Result<&LoadedPlugin, LoadError> {
        let refuse = |message, hint: &str| LoadError::new(path, message, hint);
        let file = read(path).map_err(|message| refuse(message, READABLE))?;
        approve(&file).map_err(|refusal| refuse(refusal.message, &refusal.hint))?;
        let plugin = enter(file.path(), path).map_err(|(message, hint)| refuse(message, hint))?;
        let plugin = describe(&plugin).map_err(|message| refuse(message, REPORT))?;
        self.admit(path, &file, plugin)
    }

    /// [`Registry::load`], if `approve` has nothing against the file. The code that runs then is made of the very bytes
    /// that were approved, whatever becomes of the file in the meantime. How, [`Snapshot::loadable`] says.
    ///
    /// # Errors
    /// As [`Registry::load`], or the file was not approved; then none of its code has run.
    pub fn load_approved(&mut self, path: &Path, approve: Approve<'_>) -> Result<&LoadedPlugin, LoadError> {
        let refuse = |message, hint: &str| LoadError::new(path, message, hint);
        let file = read(path).map_err(|message| refuse(message, READABLE))?;
        approve(&file).map_err(|refusal| refuse(refusal.message, &refusal.hint))?;
        self.load_sealed(path, &file)
    }

    /// Loads a library as it was when it was read.
    pub(super) fn load_sealed(&mut self, path: &Path, file: &Snapshot) -> Result<&LoadedPlugin, LoadError> {
        let refuse = |message, hint: &str| LoadError::new(path, message, hint);
        let bytes = file.loadable().map_err(|error| refuse(error.message(), LOCKED))?;
        let plugin = enter(&bytes, path).map_err(|(message, hint)| refuse(message, hint))?;
        let plugin = describe(&plugin).map_err(|message| refuse(message, REPORT))?;
        self.sealed.push(file.clone());
        self.admit(path, file, plugin)
    }

    /// Takes in the stages of a library that is loaded in processes of its own and never in this one: not even its
    /// initialisers run here. With `approve` those processes are given the very bytes that were approved.
    ///
    /// # Errors
    /// As [`Registry::load_approved`]; and if there is no process to load it, or the library ends it.
    pub fn load_isolated(
        &mut self,
        path: &Path,
        approve: Option<Approve<'_>>,
    ) -> Result<&LoadedPlugin, LoadError> {
        let refuse = |message, hint: &str| LoadError::new(path, message, hint);
        let file = read(path).map_err(|message| refuse(message, READABLE))?;
        if let Some(approve) = approve {
            approve(&file).map_err(|refusal| refuse(refusal.message, &refusal.hint))?;
        }
        let sealed = approve.map(|_| file.bytes());
        let library = Library { path: file.path(), sha256: file.sha256(), sealed };
        let described = describe_isolated(self.worker.as_ref(), library);
        let plugin = described.map_err(|(message, hint)| refuse(message, &hint))?;
        if approve.is_some() {
            self.sealed.push(file.clone());
        }
        self.admit(path, &file, plugin)
    }

    /// Takes in the stages of a plugin.
    fn admit(
        &mut self,
        path: &Path,
        file: &Snapshot,
        plugin: Description,
    ) -> Result<&LoadedPlugin, LoadError> {
        let refuse = |message: String, hint| LoadError::new(path, message, hint);
        let absolute = file.path();
        let mut offered = Vec::new();
        for stage in plugin.stages {
            let origin = Origin::Library {
                path: absolute.to_owned(),
                plugin: plugin.name.clone(),
                version: plugin.version.clone(),
            };
            let kind = Kind::new(stage, origin);
            let kind = kind.map_err(|message| refuse(message, REPORT))?;
            if self.kinds.iter().any(|known| known.info.name == kind.info.name && known.origin == kind.origin)
            {
                return Err(refuse(format!("offers two stages named `{}`", kind.info.name), REPORT));
            }
            self.kinds.retain(|known| known.info.name != kind.info.name || known.origin != Origin::BuiltIn);
            if let Some(known) = self.kinds.iter().find(|known| known.info.name == kind.info.name) {
                let message =
                    format!("offers the stage `{}`, as `{}` does", kind.info.name, known.info.origin);
                return Err(refuse(message, "name only one of the two libraries in `plugins`"));
            }
            offered.push(kind.info.name.clone());
            self.kinds.push(kind);
        }
        self.sort();
        offered.sort();
        Ok(self.plugins.push_mut(LoadedPlugin {
            path: absolute.to_owned(),
            name: plugin.name,
            version: plugin.version,
            abi: plugin.abi,
            sha256: file.sha256().to_owned(),
            stages: offered,
        }))
    }

    /// The libraries that were loaded, in the order in which they were.
    pub fn plugins(&self) -> &[LoadedPlugin] {
        &self.plugins
    }

    /// Says how a process is started for a stage with `isolation`; without it there are no such stages.
    #[must_use]
    pub fn with_worker(mut self, command: Option<WorkerCommand>) -> Self {
        self.worker = command;
        self
    }

    /// All kinds with their origins, by name.
    pub fn kinds(&self) -> impl Iterator<Item = (&StageKind, &Origin)> {
        self.kinds.iter().map(|kind| (&kind.info, &kind.origin))
    }

    pub(super) fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.info.name == name)
    }

    /// The library that was loaded from this path, for a worker to load it too.
    pub(super) fn library(&self, path: &Path) -> Option<Library<'_>> {
        let LoadedPlugin { path, sha256, .. } = self.plugins.iter().find(|plugin| plugin.path == path)?;
        let sealed = self.sealed.iter().find(|file| file.path() == path && file.sha256() == sha256);
        Some(Library { path, sha256, sealed: sealed.map(Snapshot::bytes) })
    }

    /// What the one plugin says of itself that is loaded here.
    pub(super) fn description(&self) -> Description {
        let plugin = self.plugins.first();
        let described = |kind: &Kind| Described {
            name: kind.info.name.clone(),
            summary: kind.info.summary.clone(),
            manual: kind.info.manual.clone(),
            schema: kind.info.schema.to_string(),
            may: kind.may,
            table: None,
        };
        let text = |text: fn(&LoadedPlugin) -> &String| plugin.map(text).cloned().unwrap_or_default();
        Description {
            name: text(|plugin| &plugin.name),
            version: text(|plugin| &plugin.version),
            abi: text(|plugin| &plugin.abi),
            stages: self.kinds.iter().map(described).collect(),
        }
    }

    pub(super) fn worker(&self) -> Option<&WorkerCommand> {
        self.worker.as_ref()
    }

    fn sort(&mut self) {
        self.kinds.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    }
}

impl Catalog for Registry {
    fn find(&self, name: &str) -> Option<&StageKind> {
        self.kinds.iter().map(|kind| &kind.info).find(|info| info.name == name)
    }

    fn names(&self) -> Vec<&str> {
        self.kinds.iter().map(|kind| kind.info.name.as_str()).collect()
    }
}

/// The version of the plugin contract that this program keeps.
pub fn abi_version() -> String {
    version(abi::ABI_MAJOR, abi::ABI_MINOR, abi::DRAFT)
}

fn version(major: u32, minor: u32, draft: u32) -> String {
    format!("{major}.{minor} draft {draft}")
}

/// A library, under its absolute path, which follows every link.
fn read(path: &Path) -> Result<Snapshot, String> {
    if cfg!(all(target_env = "musl", target_feature = "crt-static")) {
        let message =
            "cannot be loaded: this textmill is linked statically with musl, which cannot load libraries";
        return Err(message.to_owned());
    }
    let cannot = |error: std::io::Error| format!("cannot open: {error}");
    let absolute = path.canonicalize().map_err(cannot)?;
    // A folder opens on some systems, and cannot be read on any.
    if absolute.is_dir() {
        return Err("cannot load: it is a folder".to_owned());
    }
    // A pipe or a device may have no end.
    if !absolute.is_file() {
        return Err("cannot load: it is no regular file".to_owned());
    }
    Snapshot::read(absolute).map_err(|error| format!("cannot open: {}", error.message()))
}

const READABLE: &str = if cfg!(all(target_env = "musl", target_feature = "crt-static")) {
    "use a textmill that is built for glibc, whose target ends with `-gnu`"
} else {
    "give the path of the library, relative to the pipeline file"
};
const LOCKED: &str = "without `--locked` a library is loaded from its path";
const FOR_THIS_MACHINE: &str = "a plugin is a shared library built for this machine";
const REPORT: &str = "this is a mistake in the plugin; tell its author";
const REBUILD: &str = "rebuild the plugin against the SDK of this version of textmill";

/// More stages than this are no description but a mistake.
const MOST_STAGES: usize = 10_000;

/// The entry function of a library, which is loaded for it and stays loaded.
///
/// # Errors
/// What is wrong, and what to do: it is no library for this machine, or exports no entry function.
pub fn entry(path: &Path) -> Result<abi::Entry, (String, &'static str)> {
    let library = open(path).map_err(|error| {
        let message = cannot_load(path, &error);
        let hint = what_to_do(&message);
        (message, hint)
    })?;
    // SAFETY: the symbol has this type in every plugin; its name carries the major version.
    let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY) };
    let entry = *entry.map_err(|_| {
        (format!("is no textmill plugin: it does not export `{}`", abi::ENTRY), "is this the right library?")
    })?;
    // Never unloaded: a library that has run code may have left thread-locals and pointers behind.
    std::mem::forget(library);
    Ok(entry)
}

/// Loads the library whose path is `named` from `path`, and calls its entry function.
fn enter(path: &Path, named: &Path) -> Result<abi::Plugin, (String, &'static str)> {
    let plugin = calling("plugin", Str::new(named.as_os_str().as_encoded_bytes()), || {
        // SAFETY: the host is [static].
        entry(path).map(|entry| unsafe { entry(&raw const HOST) })
    })?;
    if plugin.is_null() {
        return Err(("was made for another version of the plugin contract".into(), REBUILD));
    }
    check(plugin)
}

#[cfg(unix)]
fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix;
    // SAFETY: loading a library runs its initialisers; the user named it to be run.
    unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }
        .map(libloading::Library::from)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: loading a library runs its initialisers; the user named it to be run.
    unsafe { libloading::Library::new(path) }
}

/// Looks at the fields that every version has before the others are believed.
fn check(plugin: *const abi::Plugin) -> Result<abi::Plugin, (String, &'static str)> {
    // SAFETY: not null; `magic` comes first in every version.
    let magic = unsafe { (&raw const (*plugin).magic).read() };
    if magic != abi::MAGIC {
        return Err(("describes itself by something that is no plugin description".into(), REPORT));
    }
    // SAFETY: the magic number says that it is a plugin, which is [static].
    let plugin = unsafe { abi::copy(plugin) };
    let plugin = plugin.map_err(|malformed| (format!("describes itself {malformed}"), REBUILD))?;
    if plugin.abi_major != abi::ABI_MAJOR || plugin.abi_minor > abi::ABI_MINOR || plugin.draft != abi::DRAFT {
        let theirs = version(plugin.abi_major, plugin.abi_minor, plugin.draft);
        let ours = abi_version();
        return Err((
            format!("was made for plugin contract {theirs}, and this textmill has {ours}"),
            REBUILD,
        ));
    }
    if plugin.reserved != 0 {
        return Err(("describes itself with a reserved field that is not 0".into(), REPORT));
    }
    if plugin.n_stages > MOST_STAGES {
        return Err((format!("says that it has {} stages", plugin.n_stages), REPORT));
    }
    if plugin.stages.is_null() && plugin.n_stages > 0 {
        return Err((format!("has {} stages at a null pointer", plugin.n_stages), REPORT));
    }
    Ok(plugin)
}

/// Why a library cannot be loaded. Of one for another machine the system says that the file is not there.
fn cannot_load(path: &Path, error: &dyn std::error::Error) -> String {
    let machine = Snapshot::read(path).ok().and_then(|file| machine(file.bytes()));
    match machine.filter(|machine| *machine != ARCH) {
        Some(machine) => format!("cannot load: it was built for {machine}, and this machine is {ARCH}"),
        None => format!("cannot load: {}", causes(error)),
    }
}

/// What to do about a library that the system cannot load, by the words in which it says so.
fn what_to_do(message: &str) -> &'static str {
    let says = |part| message.contains(part);
    if cfg!(target_env = "gnu") && (says("libc.so: invalid ELF header") || says("musl")) {
        "it was built for musl, and this textmill for glibc: build it for a target that ends with `-gnu`"
    } else if says("undefined symbol") {
        "it was linked without a library that it needs, or with another version of it; `ldd -r` shows which"
    } else if says("cannot open shared object file") {
        "install the library that it needs, or name its folder in `LD_LIBRARY_PATH`; `ldd` shows what is missing"
    } else if says("version `GLIBC") {
        "it was built on a newer system: build it on one as old as this, or update this one"
    } else if says("Permission denied") || says("failed to map segment") {
        "you must be able to read it, and its file system must not be mounted `noexec`"
    } else {
        FOR_THIS_MACHINE
    }
}

/// The processor that an ELF file is for, by the name that [`ARCH`] has for it: `e_machine` of its header, by the list in
/// `elf.h`.
fn machine(file: &[u8]) -> Option<&'static str> {
    let header = file.strip_prefix(b"\x7fELF")?;
    let number: [u8; 2] = file.get(18..20)?.try_into().ok()?;
    let is_little_endian = header.get(1) == Some(&1);
    let number = if is_little_endian { u16::from_le_bytes(number) } else { u16::from_be_bytes(number) };
    Some(match number {
        3 => "x86",
        20 => "powerpc",
        21 => "powerpc64",
        22 => "s390x",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        258 => "loongarch64",
        _ => "another processor",
    })
}

/// `libloading` says only "dlopen failed"; the reason is in the source of its error.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// Reads what a plugin says of itself.
fn describe(plugin: &abi::Plugin) -> Result<Description, String> {
    // SAFETY: a plugin is [static], and so is what it points to.
    let stages = unsafe { abi::slice(plugin.stages, plugin.n_stages) };
    let stage = |stage: &*const abi::Stage| {
        if stage.is_null() {
            return Err("describes a stage by a null pointer".to_owned());
        }
        // SAFETY: a stage is [static]; null is caught above.
        unsafe { Described::new(*stage) }
    };
    Ok(Description {
        name: lossy(plugin.name),
        version: lossy(plugin.version),
        abi: version(plugin.abi_major, plugin.abi_minor, plugin.draft),
        stages: stages.iter().map(stage).collect::<Result<_, _>>()?,
    })
}

impl Described {
    /// # Safety
    /// `table` is [static], and of as many bytes as it says.
    unsafe fn new(table: *const abi::Stage) -> Result<Self, String> {
        // SAFETY: what the caller promises.
        let table = unsafe { abi::copy(table) };
        let table = table.map_err(|malformed| format!("describes a stage {malformed}"))?;
        Ok(Self {
            name: text(table.name, "the name of a stage")?,
            summary: text(table.summary, "a summary")?,
            manual: text(table.manual, "a manual")?,
            schema: text(table.config_schema, "the schema of its options")?,
            may: table.may,
            table: Some(table),
        })
    }
}

impl Kind {
    fn new(described: Described, origin: Origin) -> Result<Self, String> {
        let Described { name, summary, manual, schema, may, table } = described;
        if !is_name(&name) {
            return Err(format!("names a stage `{}`; {NAMES}", name.escape_debug()));
        }
        if may & abi::MUST_KNOW & !KNOWN != 0 {
            return Err(format!("the stage `{name}` asks for permissions that this textmill does not know"));
        }
        let schema = serde_json::from_str(&schema)
            .map_err(|error| format!("the schema of the options of `{name}` is no JSON: {error}"))?;
        let origin_name = origin.to_string();
        let info =
            StageKind { name, summary, manual, schema, origin: origin_name, isolated: table.is_none() };
        Ok(Self { info, origin, may, table })
    }
}

/// The permissions and claims of this version.
pub(super) const KNOWN: u64 = abi::PERMISSIONS | abi::CLAIMS;

/// What the name of a stage, a rule or a score must look like.
pub(super) const NAMES: &str =
    "a name is 1 to 64 lower-case ASCII letters, digits and hyphens, a letter first";

/// Whether it is as [`NAMES`] says.
pub(super) fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(rest)
}

/// A longer text in a description is no text but a mistake.
const MOST_BYTES: usize = 1 << 24;

fn text(text: abi::Str, what: &str) -> Result<String, String> {
    if text.len > MOST_BYTES {
        return Err(format!("gives {what} of {} bytes", text.len));
    }
    // SAFETY: the fields of a description are [static].
    let bytes = unsafe { text.bytes() }.unwrap_or_default();
    str::from_utf8(bytes).map(ToOwned::to_owned).map_err(|_| format!("gives {what} that is not UTF-8"))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Library { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

impl LoadError {
    fn new(path: &Path, message: String, hint: &str) -> Self {
        Self { path: path.to_owned(), message, hint: hint.to_owned() }
    }

    /// What is wrong, as it goes on after the name of the plugin.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the plugin `{}` {}", self.path.display(), self.message)
    }
}

impl std::error::Error for LoadError {}
