//! Runs a pipeline: opens its stages, moves batches of documents through them on all threads, and accounts for each.
//!
//! Data flows one way: a reader cuts the input into batches, a batch passes all stages on one thread while it is warm,
//! and a writer takes the batches in input order. There is no thread for the reader or the writer: whichever worker is
//! free takes the next step, so that with one thread everything happens on one. The engine knows nothing about what a
//! stage does, nor about terminals.

mod account;
mod batch;
mod checks;
mod convert;
mod error;
mod histogram;
mod ledger;
mod observe;
mod plugin;
mod provenance;
mod resume;
mod retry;
mod ring;
mod run;
mod samples;
mod session;
mod trace;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use textmill_abi as abi;
use textmill_io::{FieldNames, Snapshot};
#[cfg(feature = "parquet")]
use textmill_io::{Misfit, RowsPlan, SchemaRef};
use textmill_pipeline::{Diagnostics, OnError, Pipeline, ResourceSpec, StageSpec};

pub use crate::account::{Counts, Imbalance, RuleCounts, ScoreCounts, Sizes, StageCounts};
pub use crate::batch::Fate;
pub use crate::checks::CheckResult;
pub use crate::error::{Error, Failure};
pub use crate::histogram::{Bin, Histogram, Scale};
pub use crate::plugin::{
    Answer, Approve, Breach, BuiltIn, Cancel, Edit, Emitted, LoadError, LoadedPlugin, NoExit, OpenError,
    OpenedStage, Origin, Refusal, Registry, Rule, RuleKind, StageError, StageFile, StagePlan, Trial, Verdict,
    WorkError, WorkerCommand, abi_version, entry, exit, forbid_exit, private_memory, tell_of_crashes, work,
};
pub use crate::provenance::{Provenance, UsedResource};
pub use crate::run::{Finished, Past, Progress, RunOptions, Span};
pub use crate::samples::{Chosen, Excerpt, Sample, Samples};
pub use crate::session::{Passed, Session, StageEdit};
pub use crate::trace::{Trace, TracedStage};

/// A pipeline whose stages are open.
#[derive(Debug)]
pub struct Engine {
    pipeline: Pipeline,
    stages: Vec<Stage>,
    provenance: Provenance,
}

/// An open stage of a pipeline.
#[derive(Debug)]
pub struct Stage {
    /// What the pipeline file calls it.
    pub id: Arc<str>,
    pub(crate) opened: OpenedStage,
    pub(crate) on_error: OnError,
}

impl Engine {
    /// Opens all stages of a pipeline.
    ///
    /// # Errors
    /// The stages that refuse their options, and the files that options name and cannot be read; each at its place in
    /// the pipeline file.
    pub fn open(pipeline: Pipeline, registry: &Registry) -> Result<Self, Diagnostics> {
        Self::open_approved(pipeline, registry, &|_, _| Ok(()))
    }

    /// [`Engine::open`], if `approve` has nothing against the files that options name. The stages get the very bytes that
    /// were approved.
    ///
    /// # Errors
    /// As [`Engine::open`]; and the files that were not approved.
    pub fn open_approved(
        pipeline: Pipeline,
        registry: &Registry,
        approve: &dyn Fn(&ResourceSpec, &Snapshot) -> Result<(), Refusal>,
    ) -> Result<Self, Diagnostics> {
        let mut stages = Vec::new();
        let mut mistakes: Option<Diagnostics> = None;
        let mut resources = BTreeSet::new();
        for (number, spec) in pipeline.stages.iter().enumerate() {
            let files = read_files(&pipeline, number, spec, approve);
            resources.extend(files.iter().flatten().map(UsedResource::from));
            match files.and_then(|files| open_stage(&pipeline, registry, number, spec, files)) {
                Ok(opened) => {
                    stages.push(Stage { id: spec.id.as_str().into(), opened, on_error: spec.on_error });
                }
                Err(found) => mistakes = Some(join(mistakes, found)),
            }
        }
        // Rules are known only where all stages are open.
        if let Some(mistakes) = mistakes.or_else(|| checks::check_rules(&pipeline, &stages)) {
            return Err(mistakes);
        }
        let provenance = Provenance::new(&pipeline, registry, resources);
        Ok(Self { pipeline, stages, provenance })
    }

    /// What it is made of, by hash.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The pipeline as it was resolved.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The open stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// What the input calls the fields that stages know by other names.
    pub fn field_names(&self) -> FieldNames {
        convert::field_names(&self.pipeline.input.fields)
    }

    /// What documents are made of that lie in batches of Arrow of this schema, and what columns they become.
    ///
    /// # Errors
    /// There is no text, or a stage sets what a column cannot hold.
    #[cfg(feature = "parquet")]
    pub fn rows_plan(&self, schema: &SchemaRef) -> Result<RowsPlan, Misfit> {
        let plans = || self.stages.iter().map(Stage::plan);
        let reads: Vec<_> = plans().flat_map(|plan| &plan.reads).map(|(name, _)| name.as_str()).collect();
        let writes = plans().flat_map(|plan| &plan.writes);
        let writes: Vec<_> = writes.map(|(name, kind)| (name.as_str(), *kind)).collect();
        let emits = plans().any(StagePlan::emits);
        let options = convert::input_options(&self.pipeline);
        RowsPlan::new(schema, options.fields, options.invalid_utf8, &reads, &writes, emits)
    }

    /// The counts of nothing, with a place for each stage.
    pub fn no_counts(&self) -> Counts {
        let plans = self.stages.iter().map(|stage| stage.opened.plan());
        Counts::with_stages(plans.map(|plan| (plan.rules.len(), plan.writes.len())))
    }
}

impl Stage {
    /// What becomes of a document that it cannot process.
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// What it reads, writes and may do.
    pub fn plan(&self) -> &StagePlan {
        self.opened.plan()
    }

    /// Whether it must see more than one document to judge one, so that batches cannot be processed apart. No permission and
    /// no claim of this version of the contract is of that kind; whatever else a stage may do is taken to be.
    pub fn compares(&self) -> bool {
        self.plan().may & abi::MUST_KNOW & !(abi::PERMISSIONS | abi::CLAIMS) != 0
    }
}

fn open_stage(
    pipeline: &Pipeline,
    registry: &Registry,
    number: usize,
    spec: &StageSpec,
    files: Vec<StageFile>,
) -> Result<OpenedStage, Diagnostics> {
    let opened = match spec.process {
        None => OpenedStage::open(registry, &spec.uses, &spec.options, files),
        Some(limits) => OpenedStage::open_isolated(registry, &spec.uses, &spec.options, &files, limits),
    };
    let opened = opened.map_err(|error| match error {
        OpenError::Options(mistakes) => mistakes
            .iter()
            .map(|(pointer, message)| pipeline.option_diagnostic(number, pointer, message))
            .fold(None, |all, one| Some(join(all, one)))
            .expect("a stage that refuses its options says at least one thing"),
        OpenError::Plugin(message) => pipeline.stage_diagnostic(number, &message),
        OpenError::Process { message, hint } => pipeline.stage_diagnostic(number, &message).with_hint(hint),
    })?;
    match overwritten(pipeline, &opened) {
        Some(message) => Err(pipeline.stage_diagnostic(number, &message)),
        None => Ok(opened),
    }
}

/// The files that the options of a stage name.
fn read_files(
    pipeline: &Pipeline,
    number: usize,
    spec: &StageSpec,
    approve: &dyn Fn(&ResourceSpec, &Snapshot) -> Result<(), Refusal>,
) -> Result<Vec<StageFile>, Diagnostics> {
    let read = |resource: &ResourceSpec| {
        let at = |message: &str| pipeline.option_diagnostic(number, &resource.pointer, message);
        let file = Snapshot::read(&resource.absolute).map_err(|error| at(&error.to_string()))?;
        approve(resource, &file).map_err(|refusal| {
            at(&format!("the file `{}` {}", resource.path, refusal.message)).with_hint(&refusal.hint)
        })?;
        Ok(StageFile { pointer: resource.pointer.clone(), path: resource.path.clone(), file })
    };
    spec.resources.iter().map(read).collect()
}

/// A field that the stage sets and that the input calls what it calls the id or the text of a document.
fn overwritten(pipeline: &Pipeline, stage: &OpenedStage) -> Option<String> {
    let names = convert::field_names(&pipeline.input.fields);
    let taken =
        |name: &str| ["id", "text"].into_iter().find(|own| names.in_input(own) == names.in_input(name));
    stage.plan().writes.iter().find_map(|(name, _)| {
        let own = taken(name)?;
        Some(format!(
            "the stage sets the field `{name}`, which `input.fields` says is the {own} of a document"
        ))
    })
}

fn join(mistakes: Option<Diagnostics>, more: Diagnostics) -> Diagnostics {
    match mistakes {
        Some(mistakes) => mistakes.and(more),
        None => more,
    }
}
