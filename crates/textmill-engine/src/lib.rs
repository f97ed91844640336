//! Runs a pipeline: opens its stages, moves batches of documents through them on all threads, and accounts for each.
//!
//! Data flows one way: a reader cuts the input into batches, a batch passes all stages on one thread while it is warm,
//! and a writer takes the batches in input order. There is no thread for the reader or the writer: whichever worker is
//! free takes the next step, so that with one thread everything happens on one. The engine knows nothing about what a
//! stage does, nor about terminals.

mod account;
mod batch;
mod convert;
mod error;
mod observe;
mod plugin;
mod ring;
mod run;
mod trace;
mod write;

use std::sync::Arc;

use textmill_io::Snapshot;
use textmill_pipeline::{Diagnostics, OnError, Pipeline, StageSpec};

pub use crate::account::{Counts, Imbalance, RuleCounts, ScoreCounts, StageCounts};
pub use crate::batch::Fate;
pub use crate::error::{Error, Failure};
pub use crate::plugin::{
    BuiltIn, Cancel, Edit, LoadError, LoadedPlugin, OpenError, OpenedStage, Origin, Refusal, Registry, Rule,
    RuleKind, StageFile, StagePlan, WorkError, WorkerCommand, abi_version, work,
};
pub use crate::run::{Finished, Progress, RunOptions};
pub use crate::trace::{Trace, TracedStage};

/// A pipeline whose stages are open.
#[derive(Debug)]
pub struct Engine {
    pipeline: Pipeline,
    stages: Vec<Stage>,
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
        let mut stages = Vec::new();
        let mut mistakes: Option<Diagnostics> = None;
        for (number, spec) in pipeline.stages.iter().enumerate() {
            match open_stage(&pipeline, registry, number, spec) {
                Ok(opened) => {
                    stages.push(Stage { id: spec.id.as_str().into(), opened, on_error: spec.on_error });
                }
                Err(found) => mistakes = Some(join(mistakes, found)),
            }
        }
        mistakes.map_or(Ok(Self { pipeline, stages }), Err)
    }

    /// The pipeline as it was resolved.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The open stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(crate) fn no_counts(&self) -> Counts {
        Counts::with_stages(self.stages.iter().map(|stage| stage.opened.plan().rules.len()))
    }
}

impl Stage {
    /// What it reads, writes and may do.
    pub fn plan(&self) -> &StagePlan {
        self.opened.plan()
    }
}

fn open_stage(
    pipeline: &Pipeline,
    registry: &Registry,
    number: usize,
    spec: &StageSpec,
) -> Result<OpenedStage, Diagnostics> {
    let mut resources = Vec::new();
    for resource in &spec.resources {
        let file = Snapshot::read(&resource.absolute)
            .map_err(|error| pipeline.option_diagnostic(number, &resource.pointer, &error.to_string()))?;
        let (pointer, path) = (resource.pointer.clone(), resource.path.clone());
        resources.push(StageFile { pointer, path, file });
    }
    let opened = match spec.process {
        None => OpenedStage::open(registry, &spec.uses, &spec.options, resources),
        Some(limits) => OpenedStage::open_isolated(registry, &spec.uses, &spec.options, &resources, limits),
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
