//! The black-box suite: the real binary in temporary folders.
//!
//! What a pipeline makes of an input is data: `cases/<name>/`. Everything else is a module by subject.

mod arrows;

use textmill_testkit::Project;

/// A temporary folder, and the binary to run in it.
fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_textmill"))
}
