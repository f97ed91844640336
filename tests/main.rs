//! The black-box suite: the real binary in temporary folders.
//!
//! What a pipeline makes of an input is data: `cases/<name>/`, and `pipelines/<name>/` for those that users run as they
//! are. Everything else is a module by subject. Expected files are written anew with `TEXTMILL_UPDATE=1`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

mod arrows;
mod article;
mod bad_input;
mod cases;
mod checks;
mod cli;
mod compare;
mod conformance;
mod determinism;
mod editors;
mod examples;
mod failing;
mod formats;
mod golden;
mod inspect;
mod interrupt;
mod isolation;
mod ledger;
mod limits;
mod lock;
mod memory;
mod outputs;
mod pipelines;
mod plugin_new;
mod plugin_path;
mod plugins;
mod readme;
mod regressions;
mod report_html;
mod results;
mod resume;
mod run_json;
mod toml_mistakes;
mod traps;
mod watch;
mod zoo;

use std::fs;
use std::path::Path;

use textmill_testkit::{Project, Tree, workspace};

/// A temporary folder, and the binary to run in it.
fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_textmill"))
}

/// A project with `text` as `p.toml`, which reads `in.jsonl` and writes `out.jsonl`, and these stages.
fn piped(stages: &str, input: impl AsRef<[u8]>) -> Project {
    let text = format!("input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n{stages}");
    project().file("p.toml", text).file("in.jsonl", input)
}

/// A project with `pipelines/` as it is in the repository, less the output of whoever ran them there.
fn with_pipelines() -> Project {
    let project = project();
    copy_into(&project, &workspace().join("pipelines"), "pipelines");
    // There is none in a fresh checkout.
    _ = fs::remove_dir_all(project.path("pipelines/out"));
    project
}

/// Copies the files below a folder, hidden ones excepted, to the same names below a folder of the project.
fn copy_into(project: &Project, from: &Path, to: &str) {
    let tree = Tree::of(from);
    assert!(!tree.names().is_empty(), "`{}` has no files", from.display());
    tree.replace(&project.path(to));
}

/// The names of what is in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
