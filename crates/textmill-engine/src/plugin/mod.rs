//! The host's side of the plugin ABI: finds kinds of stages, opens them, and hands them batches.
//!
//! Everything that a library says is checked here before the rest of the engine sees it; beyond this module a stage is
//! a safe object. Built-in stages come through the same door, only without a file.

#![expect(
    unsafe_code,
    reason = "the boundary: pointers and functions of a library are used here, and only here"
)]

mod crash;
mod exit;
mod host;
mod isolated;
mod library;
mod segments;
mod sink;
mod stage;
mod trial;

pub use crash::tell_of_crashes;
pub use exit::{NoExit, exit, forbid_exit};
pub use host::Cancel;
pub(crate) use host::enter_run;
pub use isolated::{WorkError, WorkerCommand, private_memory, work};
pub use library::{Approve, BuiltIn, LoadError, LoadedPlugin, Origin, Refusal, Registry, abi_version, entry};
pub(crate) use segments::{DocumentKey, Segments};
pub(crate) use sink::Answers;
pub use sink::{Answer, Breach, Edit, Emitted, Verdict};
pub(crate) use stage::StageWorker;
pub use stage::{OpenError, OpenedStage, Rule, RuleKind, StageError, StageFile, StagePlan};
pub use trial::Trial;
