//! An opened stage, safe to use: what it may do, and workers that hand it batches.

use std::ptr;
use std::sync::Arc;

use textmill_abi::{self as abi, Str};
use textmill_io::{FieldKind, Snapshot};
use textmill_pipeline::OwnProcess;

use super::exit::calling;
use super::host::{HOST, Said, is_cancelled, listen, shown_level};
use super::isolated::{self, IsolatedStage, IsolatedWorker, Opening};
use super::library::{KNOWN, NAMES, Origin, Registry, is_name};
use super::segments::Segments;
use super::sink::{Answer, Answers, Breach, Collector};

/// What an opened stage reads, writes, may do and can name as a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagePlan {
    /// The fields it reads beside the text.
    pub reads: Vec<(String, FieldKind)>,
    /// The fields it sets.
    pub writes: Vec<(String, FieldKind)>,
    /// The rules it can name.
    pub rules: Vec<Rule>,
    /// Permissions and claims, as bits of the ABI.
    pub may: u64,
}

/// A reason for a change, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Short, kebab-case and stable.
    pub name: Arc<str>,
    /// What it changes, on what evidence.
    pub summary: String,
    /// What it does.
    pub kind: RuleKind,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// It deletes parts of the text.
    Deletes,
    /// It replaces parts of the text, or all of it.
    Rewrites,
    /// It drops documents.
    Drops,
}

/// Why a stage could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Options that only the stage could find wrong: JSON pointer and message of each.
    Options(Vec<(String, String)>),
    /// The plugin does not keep the contract, or gave up.
    Plugin(String),
    /// The process that a stage has of its own could not be started, or ended.
    Process {
        /// What happened.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
}

/// Why a stage could not process a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageError {
    /// It saw that the run is being cancelled.
    Cancelled,
    /// It cannot go on.
    Fatal(String),
}

/// A stage with its options.
#[derive(Debug)]
pub struct OpenedStage {
    plan: StagePlan,
    way: Way,
}

/// Where a stage runs. Beyond this file nobody knows which it is.
#[derive(Debug)]
enum Way {
    Here(Instance),
    Isolated(IsolatedStage),
}

/// A stage that is open in this process.
#[derive(Debug)]
struct Instance {
    table: abi::Stage,
    opened: *mut abi::Instance,
    /// The plugin may keep pointers into them until it is closed.
    _resources: Resources,
}

/// A file that an option names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageFile {
    /// Where the option stands: an RFC 6901 pointer into the options.
    pub pointer: String,
    /// The path as it was written.
    pub path: String,
    /// The file.
    pub file: Snapshot,
}

/// Files, and the table of them that the plugin was given.
#[derive(Debug)]
struct Resources {
    table: Vec<abi::Resource>,
    _files: Vec<StageFile>,
}

// SAFETY: the contract makes every function on an instance that is used here [any]; `close` runs in `drop`, when no
// worker is left.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

/// The share of one thread in a stage.
#[derive(Debug)]
pub(crate) struct StageWorker<'s>(WorkerWay<'s>);

#[derive(Debug)]
enum WorkerWay<'s> {
    Here(Scratch<'s>),
    Isolated(IsolatedWorker<'s>),
}

/// The scratch of a stage that is open in this process, on one thread.
#[derive(Debug)]
struct Scratch<'s> {
    instance: &'s Instance,
    plan: &'s StagePlan,
    worker: *mut abi::Worker,
    columns: Vec<*const Str>,
    /// What it did wrong in the last batch.
    breaches: Vec<Breach>,
}

// SAFETY: a worker is used by one thread at a time, and the contract lets that thread change between calls.
unsafe impl Send for Scratch<'_> {}

impl OpenedStage {
    /// Opens the stage `name` with `options`, which have passed its schema, and the files that they name.
    ///
    /// # Errors
    /// If the stage refuses the options, or does not keep the contract.
    pub fn open(
        registry: &Registry,
        name: &str,
        options: &serde_json::Value,
        files: Vec<StageFile>,
    ) -> Result<Self, OpenError> {
        let kind = registry.kind(name).ok_or_else(|| unknown(name))?;
        let Some(table) = kind.table else {
            return Self::open_isolated(registry, name, options, &files, OwnProcess::default());
        };
        let instance = Instance::open(table, &options.to_string(), files)?;
        let plan = instance.describe()?;
        plan.check(kind.may)?;
        Ok(Self { plan, way: Way::Here(instance) })
    }

    /// As [`OpenedStage::open`], in a process of its own with these limits.
    ///
    /// # Errors
    /// As [`OpenedStage::open`]; and if no process can be started, or the stage ends it.
    pub fn open_isolated(
        registry: &Registry,
        name: &str,
        options: &serde_json::Value,
        files: &[StageFile],
        limits: OwnProcess,
    ) -> Result<Self, OpenError> {
        let kind = registry.kind(name).ok_or_else(|| unknown(name))?;
        let command = registry.worker().ok_or_else(no_workers)?;
        let library = match &kind.origin {
            Origin::BuiltIn => None,
            Origin::Library { path, .. } => registry.library(path),
        };
        let options = options.to_string();
        let opening = Opening {
            version: env!("CARGO_PKG_VERSION"),
            log_level: shown_level(),
            library,
            stage: name,
            options: &options,
            files: files.iter().map(|file| (&*file.pointer, &*file.path, file.file.bytes())).collect(),
        };
        let (stage, plan) = IsolatedStage::open(command.clone(), &opening, limits)?;
        plan.check(kind.may)?;
        Ok(Self { plan, way: Way::Isolated(stage) })
    }

    /// What it reads, writes and may do.
    pub fn plan(&self) -> &StagePlan {
        &self.plan
    }

    /// A worker for the calling thread.
    pub(crate) fn worker(&self) -> Result<StageWorker<'_>, StageError> {
        Ok(StageWorker(match &self.way {
            Way::Here(instance) => WorkerWay::Here(Scratch::new(instance, &self.plan)?),
            Way::Isolated(stage) => WorkerWay::Isolated(stage.worker(&self.plan)),
        }))
    }
}

fn unknown(name: &str) -> OpenError {
    OpenError::Plugin(format!("there is no stage `{name}`"))
}

fn no_workers() -> OpenError {
    let (message, hint) = isolated::NO_WORKERS;
    OpenError::Process { message: message.to_owned(), hint }
}

impl StageWorker<'_> {
    /// Hands a batch to the stage and collects its answers. `columns[0]` are the texts, `columns[1 + r]` the fields that
    /// it reads; all of the same length, and of the documents that `segments` was told are handed out.
    pub(crate) fn process(
        &mut self,
        columns: &[Vec<Str>],
        segments: &mut Segments,
        answers: &mut Answers,
    ) -> Result<(), StageError> {
        let n_docs = columns.first().map_or(0, Vec::len);
        assert!(columns.iter().all(|column| column.len() == n_docs), "columns of a batch are equally long");
        let answers = answers.begin(n_docs);
        match &mut self.0 {
            WorkerWay::Here(scratch) => scratch.process(columns, segments, answers),
            // The segments of its documents are found in the process of the stage.
            WorkerWay::Isolated(worker) => worker.process(columns, answers),
        }
    }

    /// The calls of the last batch that did not keep the contract. Of a stage in a process of its own none is known.
    pub(super) fn breaches(&self) -> &[Breach] {
        match &self.0 {
            WorkerWay::Here(scratch) => &scratch.breaches,
            WorkerWay::Isolated(_) => &[],
        }
    }
}

impl Instance {
    fn open(table: abi::Stage, options: &str, files: Vec<StageFile>) -> Result<Self, OpenError> {
        let resources = Resources::new(files);
        let mut opened = ptr::null_mut();
        let (status, said) = listen(table.name, || {
            // SAFETY: the host is [static], all else outlives the call, and `opened` is a place for the result.
            unsafe {
                (table.open)(
                    &raw const HOST,
                    options.into(),
                    resources.table.as_ptr(),
                    resources.table.len(),
                    &raw mut opened,
                )
            }
        });
        if !said.config.is_empty() && status != abi::OK {
            return Err(OpenError::Options(said.config));
        }
        if status != abi::OK || opened.is_null() {
            return Err(OpenError::Plugin(said.reason("the stage could not be opened", status)));
        }
        Ok(Self { table, opened, _resources: resources })
    }

    fn describe(&self) -> Result<StagePlan, OpenError> {
        let mut plan = abi::Plan {
            size: size_of::<abi::Plan>(),
            may: 0,
            reads: ptr::null(),
            n_reads: 0,
            writes: ptr::null(),
            n_writes: 0,
            rules: ptr::null(),
            n_rules: 0,
        };
        let (status, said) = listen(self.table.name, || {
            // SAFETY: an open instance, and a plan whose size is set.
            unsafe { (self.table.describe)(self.opened, &raw mut plan) }
        });
        if status != abi::OK {
            return Err(OpenError::Plugin(said.reason("the stage could not describe itself", status)));
        }
        for (n, is_null) in [
            (plan.n_reads, plan.reads.is_null()),
            (plan.n_writes, plan.writes.is_null()),
            (plan.n_rules, plan.rules.is_null()),
        ] {
            if n > MOST_DECLARED || is_null && n > 0 {
                let place = if is_null { " at a null pointer" } else { "" };
                return wrong(&format!("{n} fields or rules{place}"));
            }
        }
        // SAFETY: what the plugin filled in is valid until close.
        let (reads, writes, rules) = unsafe {
            (
                abi::slice(plan.reads, plan.n_reads),
                abi::slice(plan.writes, plan.n_writes),
                abi::slice(plan.rules, plan.n_rules),
            )
        };
        Ok(StagePlan {
            reads: reads.iter().map(column).collect::<Result<_, _>>()?,
            writes: writes.iter().map(column).collect::<Result<_, _>>()?,
            rules: rules.iter().map(rule).collect::<Result<_, _>>()?,
            may: plan.may & (abi::MUST_KNOW | KNOWN),
        })
    }
}

impl StagePlan {
    /// Whether it may emit documents.
    #[cfg(feature = "parquet")]
    pub(crate) fn emits(&self) -> bool {
        self.may & abi::EXPAND != 0
    }

    /// It keeps within what the kind of stage said of itself: `may`.
    fn check(&self, may: u64) -> Result<(), OpenError> {
        let plan = self;
        let refuse = |message: &str| Err(OpenError::Plugin(message.to_owned()));
        if plan.may & !KNOWN != 0 {
            return refuse("the stage asks for permissions that this textmill does not know");
        }
        if plan.may & abi::PERMISSIONS & !may != 0 {
            return refuse("the opened stage asks for more than its description allows");
        }
        if may & abi::CLAIMS & !plan.may != 0 {
            return refuse("the opened stage takes back a claim of its description");
        }
        let has = |kind| plan.rules.iter().any(|rule| rule.kind == kind);
        let edits = has(RuleKind::Deletes) || has(RuleKind::Rewrites);
        if (edits || !plan.writes.is_empty()) && plan.may & abi::MAP == 0 {
            return refuse("the stage declares edits or fields without the permission to map");
        }
        if has(RuleKind::Drops) && plan.may & abi::FILTER == 0 {
            return refuse("the stage declares a rule that drops without the permission to filter");
        }
        if has(RuleKind::Rewrites) && plan.may & abi::ONLY_DELETES != 0 {
            return refuse("the stage claims that it only deletes, and declares a rule that rewrites");
        }
        let is_named_twice =
            |(number, rule): &(usize, &Rule)| plan.rules[..*number].iter().any(|it| it.name == rule.name);
        if let Some((_, rule)) = plan.rules.iter().enumerate().find(is_named_twice) {
            return refuse(&format!("the stage declares two rules named `{}`", rule.name));
        }
        if plan.writes.iter().any(|(name, _)| name == "text" || name == "id") {
            return refuse(
                "a stage changes the text by edits, and never the id; it declares `text` or `id` as a field it sets",
            );
        }
        Ok(())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once, and its workers borrow it, so none is left.
        calling("stage", self.table.name, || unsafe { (self.table.close)(self.opened) });
    }
}

impl<'s> Scratch<'s> {
    fn new(instance: &'s Instance, plan: &'s StagePlan) -> Result<Self, StageError> {
        let mut worker = ptr::null_mut();
        let (status, said) = listen(instance.table.name, || {
            // SAFETY: an open instance, and a place for the result.
            unsafe { (instance.table.worker_new)(instance.opened, &raw mut worker) }
        });
        if status != abi::OK || worker.is_null() {
            return Err(StageError::Fatal(said.reason("the stage could not make a worker", status)));
        }
        Ok(Self { instance, plan, worker, columns: Vec::new(), breaches: Vec::new() })
    }

    fn process(
        &mut self,
        columns: &[Vec<Str>],
        segments: &mut Segments,
        answers: &mut [Answer],
    ) -> Result<(), StageError> {
        let n_docs = answers.len();
        self.columns.clear();
        self.columns.extend(columns.iter().map(Vec::as_ptr));
        let texts = columns.first().map(Vec::as_slice).unwrap_or_default();
        let mut finder = segments.finder(texts);
        let batch = abi::Batch {
            size: size_of::<abi::Batch>(),
            n_docs,
            n_cols: columns.len(),
            cols: self.columns.as_ptr(),
            ctx: (&raw mut finder).cast(),
        };
        let mut collector = Collector::new(self.plan, texts, answers);
        let sink = collector.sink();
        let (status, said) = listen(self.instance.table.name, || {
            // SAFETY: a live worker on this thread alone; batch, sink and what they lead to outlive the call.
            unsafe { (self.instance.table.process)(self.worker, &raw const batch, &raw const sink) }
        });
        let stray = collector.stray();
        self.breaches = collector.breaches;
        if let Some(message) = stray {
            return Err(StageError::Fatal(message));
        }
        match status {
            abi::OK => Ok(()),
            abi::E_CANCELLED if is_cancelled() => Err(StageError::Cancelled),
            _ => Err(StageError::Fatal(said.reason("the stage gave up", status))),
        }
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // SAFETY: made once, freed once.
        calling("stage", self.instance.table.name, || unsafe {
            (self.instance.table.worker_free)(self.worker);
        });
    }
}

impl OpenError {
    /// What happened, without the places of wrong options.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Options(mistakes) => {
                mistakes.first().map_or("its options are wrong", |(_, message)| message)
            }
            Self::Plugin(message) | Self::Process { message, .. } => message,
        }
    }
}

impl StageError {
    /// What happened.
    pub(super) fn into_message(self) -> String {
        match self {
            Self::Cancelled => "the run is being cancelled".to_owned(),
            Self::Fatal(message) => message,
        }
    }
}

impl Said {
    fn reason(self, what: &str, status: abi::Status) -> String {
        self.error.unwrap_or_else(|| format!("{what}, and did not say why (status {status})"))
    }
}

impl Resources {
    fn new(files: Vec<StageFile>) -> Self {
        let resource = |file: &StageFile| abi::Resource {
            json_pointer: file.pointer.as_str().into(),
            path: file.path.as_str().into(),
            bytes: Str::new(file.file.bytes()),
        };
        // The buffers of a file stay where they are when the `Vec` of files moves.
        Self { table: files.iter().map(resource).collect(), _files: files }
    }
}

/// More fields or rules than this are no description but a mistake.
const MOST_DECLARED: usize = 100_000;

fn column(column: &abi::Column) -> Result<(String, FieldKind), OpenError> {
    let kind = match column.kind {
        abi::TEXT => FieldKind::Text,
        abi::BOOL => FieldKind::Bool,
        abi::INT => FieldKind::Int,
        abi::FLOAT => FieldKind::Float,
        abi::TEXTS => FieldKind::Texts,
        abi::JSON => FieldKind::Json,
        other => return wrong(&format!("a field of unknown type {other}")),
    };
    let name = text(column.name)?;
    if name.is_empty() || column.reserved != 0 {
        return wrong("a field without a name, or with a reserved field that is not 0");
    }
    Ok((name, kind))
}

fn rule(rule: &abi::Rule) -> Result<Rule, OpenError> {
    let kind = match rule.kind {
        abi::RULE_DELETES => RuleKind::Deletes,
        abi::RULE_REWRITES => RuleKind::Rewrites,
        abi::RULE_DROPS => RuleKind::Drops,
        other => return wrong(&format!("a rule of unknown kind {other}")),
    };
    let name = text(rule.name)?;
    if !is_name(&name) {
        return wrong(&format!("a rule named `{}`; {NAMES}", name.escape_debug()));
    }
    if rule.reserved != 0 {
        return wrong(&format!("the rule `{name}` with a reserved field that is not 0"));
    }
    Ok(Rule { name: name.into(), summary: text(rule.summary)?, kind })
}

fn wrong<T>(what: &str) -> Result<T, OpenError> {
    Err(OpenError::Plugin(format!("the stage declares {what}")))
}

fn text(text: Str) -> Result<String, OpenError> {
    // SAFETY: what a plan points to is valid until close.
    let bytes = unsafe { text.bytes() }.unwrap_or_default();
    str::from_utf8(bytes).map(ToOwned::to_owned).or_else(|_| wrong("a name or a summary that is not UTF-8"))
}
