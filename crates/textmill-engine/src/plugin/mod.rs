//! The host's side of the plugin ABI: finds kinds of stages, opens them, and hands them batches.
//!
//! Everything that a library says is checked here before the rest of the engine sees it; beyond this module a stage is
//! a safe object. Built-in stages come through the same door, only without a file.

#![expect(
    unsafe_code,
    reason = "the boundary: pointers and functions of a library are used here, and only here"
)]

mod host;
mod isolated;
mod library;
mod sink;
mod stage;

pub use host::Cancel;
pub(crate) use host::enter_run;
pub use isolated::{WorkError, WorkerCommand, work};
pub use library::{BuiltIn, LoadError, LoadedPlugin, Origin, Refusal, Registry, abi_version};
pub use sink::Edit;
pub(crate) use sink::{Answer, Answers, Verdict};
pub use stage::{OpenError, OpenedStage, Rule, RuleKind, StageFile, StagePlan};
pub(crate) use stage::{StageError, StageWorker};
