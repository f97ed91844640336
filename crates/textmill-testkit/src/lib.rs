//! Helpers of the black-box tests.
//!
//! The tests drive the real binary in a temporary folder: [`Project`]. What it wrote is compared as a whole: [`Tree`].

mod places;
mod project;
mod tree;

pub use places::{built_library, file_of_library, shared, workspace};
pub use project::{Project, Ran};
pub use tree::Tree;
