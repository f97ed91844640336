//! Textmill as a library: the list of built-in stages, and how to open a pipeline file.
//!
//! The command line stands on this crate, and so does whoever embeds textmill.
//!
//! ```no_run
//! let engine = textmill::open("pipelines/news.toml".as_ref(), &textmill::Options::default())?;
//! for stage in engine.stages() {
//!     println!("{}", stage.id);
//! }
//! # Ok::<(), textmill::Diagnostics>(())
//! ```

#[cfg(feature = "parquet")]
mod arrow;
mod cases;
mod golden;
mod life;
mod lock;
#[cfg(feature = "report")]
mod record;

use std::path::{Path, PathBuf};

pub use textmill_engine::{
    BuiltIn, Cancel, CheckResult, Chosen, Counts, Edit, Engine, Error, Excerpt, Failure, Fate, Finished,
    Histogram, LoadError, LoadedPlugin, NoExit, OpenedStage, Origin, Passed, Past, Progress, Provenance,
    Refusal, Registry, Rule, RuleCounts, RuleKind, RunOptions, Sample, Samples, ScoreCounts, Session, Sizes,
    Span, Stage, StageCounts, StageEdit, StagePlan, Trace, TracedStage, WorkError, WorkerCommand,
    abi_version, exit, forbid_exit, tell_of_crashes,
};
pub use textmill_io as io;
pub use textmill_pipeline::{
    Catalog, CheckSpec, Checker, Container, Diagnostic, Diagnostics, Draft, InputFormat, MaxErrors, OnError,
    Output, OutputFormat, Override, OverrideError, Pipeline, PluginPlace, PluginSpec, Severity, Source,
    StageKind, StageSpec, TestInput, TestSpec, parse, parse_bytes, parse_max_errors, schema, suggestion,
};
use textmill_stage::vtable;

#[cfg(feature = "parquet")]
pub use crate::arrow::{ArrowError, ArrowMill, Milled, OUTCOME_COLUMNS, Wanted, columns};
pub use crate::cases::{CasesError, run_cases};
pub use crate::golden::{Mismatch, Suite, Tested};
pub use crate::life::{Found, Life, Misfit, Step, each_life, find_life};
use crate::lock::Guard;
pub use crate::lock::{LOCK_FILE, LockError, Locked, Locking, TARGET, lock};
#[cfg(feature = "report")]
pub use crate::record::{Circumstances, record};

/// The stages that are linked into this program, by name.
pub const BUILT_IN: &[BuiltIn] = &[
    vtable::<textmill_clean::Clean>,
    vtable::<textmill_dedup_title::DedupTitle>,
    #[cfg(feature = "extract-html")]
    vtable::<textmill_extract_html::ExtractHtml>,
    vtable::<textmill_split_sentences::SplitSentences>,
    vtable::<textmill_strip_links::StripLinks>,
    vtable::<textmill_summarize::Summarize>,
];

/// What can be said about a pipeline beside its file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Options of stages, in the place of those in the file.
    pub overrides: Vec<Override>,
    /// What to read, in the place of `[input] uri`: absolute paths or `-`.
    pub inputs: Vec<String>,
    /// Where to write, in the place of `[output] uri`: an absolute path, with placeholders or without, or `-`.
    pub output: Option<String>,
    /// Where the ledger goes, in the place of `[ledger] uri`: an absolute path.
    pub ledger: Option<String>,
    /// Whether the input must be the one that is locked; it is read once more for that.
    pub frozen: bool,
    /// Where plugins come from, and what they are held to.
    pub plugins: Plugins,
    /// How a process is started that runs a stage with `isolation`: a program that calls [`work`]. Without it, there is none
    /// for such stages.
    pub worker: Option<WorkerCommand>,
}

/// Where plugins come from, and what they are held to.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// Where those are looked for that a pipeline file names without a path. By default nowhere.
    pub path: io::PluginPath,
    /// What is made of the lock file.
    pub locking: Locking,
}

/// The version of textmill, and of its built-in stages.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The kinds of stages that are linked into this program.
pub fn registry() -> Registry {
    Registry::new(BUILT_IN)
}

/// The kinds of stages that a pipeline file can use: the built-in ones, and those of the plugins that it names.
///
/// # Errors
/// The file cannot be read, or a plugin cannot be loaded; at its place in the file.
pub fn registry_of(
    path: &Path,
    plugins: &Plugins,
    worker: Option<WorkerCommand>,
) -> Result<Registry, Diagnostics> {
    let draft = textmill_pipeline::parse(Source::read(path)?)?;
    let guard = Guard::new(&draft, path, plugins.locking, false)?;
    load(&draft, plugins, &guard, worker)
}

/// Reads a pipeline file, loads the plugins that it names, checks everything, and opens its stages.
///
/// # Errors
/// All mistakes of the file that can be found at once, each with its place.
pub fn open(path: &Path, options: &Options) -> Result<Engine, Diagnostics> {
    let draft = textmill_pipeline::parse(Source::read(path)?)?;
    let guard = Guard::new(&draft, path, options.plugins.locking, options.frozen)?;
    let registry = load(&draft, &options.plugins, &guard, options.worker.clone())?;
    let mut pipeline = draft.resolve(&registry, &options.overrides)?;
    if !options.inputs.is_empty() {
        pipeline.replace_input(options.inputs.clone());
    }
    if let Some(uri) = &options.output {
        pipeline.replace_output(uri)?;
    }
    if let Some(uri) = &options.ledger {
        pipeline.replace_ledger(uri.clone());
    }
    let engine = guard.open(pipeline, &registry)?;
    if options.frozen {
        guard.check_input(&engine).map_err(|refusal| {
            let (pipeline, Refusal { message, hint }) = (engine.pipeline(), refusal);
            let shown = pipeline.input_diagnostic(0, &message, Some(&hint));
            shown.unwrap_or_else(|| pipeline.diagnostic(&message, &hint))
        })?;
    }
    Ok(engine)
}

/// What the program does that [`Options::worker`] names, and all that it does: runs a stage for the process that started it.
///
/// # Errors
/// If it was not started for that, or the connection breaks.
pub fn work() -> Result<(), WorkError> {
    textmill_engine::work(BUILT_IN)
}

/// Whether a stage of this name is linked into this program. A library that has one too offers it in its place.
pub fn is_built_in(stage: &str) -> bool {
    registry().find(stage).is_some()
}

/// The rules that a stage names with its default options, or with those of an example in its schema where some are
/// required; `None` if it opens with neither.
pub fn rules(registry: &Registry, stage: &str) -> Option<Vec<Rule>> {
    let options = Checker::new(&registry.find(stage)?.schema).ok()?.sample()?;
    let opened = OpenedStage::open(registry, stage, &options, Vec::new()).ok()?;
    Some(opened.plan().rules.clone())
}

fn load(
    draft: &Draft,
    plugins: &Plugins,
    guard: &Guard,
    worker: Option<WorkerCommand>,
) -> Result<Registry, Diagnostics> {
    let mut registry = registry().with_worker(worker);
    let mut refused: Option<Diagnostics> = None;
    for plugin in draft.plugins() {
        if let Err((message, hint)) = load_one(&mut registry, &plugin, &plugins.path, guard) {
            let one = draft.plugin_diagnostic(plugin.index, &message);
            let one = hint.map_or(one.clone(), |hint| one.with_hint(&hint));
            refused = Some(match refused {
                Some(others) => others.and(one),
                None => one,
            });
        }
    }
    refused.map_or(Ok(registry), Err)
}

/// Finds and loads a library. An error is a message with what to do about it.
fn load_one(
    registry: &mut Registry,
    plugin: &PluginSpec,
    plugin_path: &io::PluginPath,
    guard: &Guard,
) -> Result<(), (String, Option<String>)> {
    let path = match &plugin.place {
        PluginPlace::Path(path) => path.clone(),
        PluginPlace::Name => plugin_path
            .find(&plugin.path)
            .map_err(|error| (error.to_string(), error.hint().map(ToOwned::to_owned)))?,
    };
    let is_it = |absolute: PathBuf| registry.plugins().iter().any(|known| known.path == absolute);
    if path.canonicalize().is_ok_and(is_it) {
        let hint = "leave one of the two out".to_owned();
        return Err((format!("the plugin `{}` is named twice", plugin.path), Some(hint)));
    }
    guard.load(registry, plugin, &path).map_err(|error| (error.to_string(), Some(error.hint().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_stages_are_sorted_and_unlike() {
        let registry = registry();
        let names: Vec<_> = BUILT_IN.iter().map(|table| registry_name(*table)).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(registry.names(), names);
    }

    fn registry_name(table: BuiltIn) -> String {
        let one = Registry::new(&[table]);
        one.names()[0].to_owned()
    }
}
