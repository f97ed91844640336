//! Checks whether a plugin keeps the contract of `textmill_plugin.h`, and what its stages claim.
//!
//! A plugin that is tested may crash, hang or eat the memory of the machine, and that has to be a result with a name. So
//! nothing of it is ever loaded into the process that tests: each check is a process of its own ([`Tester`] starts it,
//! [`perform`] is what it does), with a limit on its time and its memory. What a check finds is written to a file as it
//! goes, so that the document in hand is known even of one that crashed.
//!
//! Documents are handed over by the engine's own workers, which check every answer, so that a check sees what a run would
//! see. Only what no run does (a table of the host that is too short, an input that cannot be written to) is done here by
//! hand: the modules `guard` and `hosts` have the unsafe code of this crate.

mod bench;
mod checks;
mod corpus;
#[cfg(unix)]
mod guard;
mod hosts;
mod minimize;
mod perform;
mod process;
mod report;
mod symbols;
mod tester;

pub use crate::checks::{Check, checks};
pub use crate::perform::perform;
pub use crate::process::Limits;
pub use crate::report::{Checked, Input, Report, Verdict};
pub use crate::tester::{Error, Options, Subject, Tester};
