//! Helpers of the black-box tests, and the checks that every stage must pass.
//!
//! The tests drive the real binary in a temporary folder: [`Project`]. What a stage promises is held against what it does
//! on hostile texts: [`conformance`].

pub mod conformance;
mod places;
mod project;

pub use places::{built_library, shared, workspace};
pub use project::{Project, Ran};
