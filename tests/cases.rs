//! What a pipeline makes of an input: `cases/<name>/` has `pipeline.toml`, the input in `in/`, and in `expected/` all that
//! is written below `out/`, byte for byte. A file `args` has further words for the command line, `code` the exit code if
//! it is not 0, and each line of `stderr` must be said.

use std::fs;
use std::path::Path;

use textmill_testkit::{Tree, workspace};

use crate::{copy_into, names_in, project};

#[test]
fn every_case_is_as_expected() {
    let folder = workspace().join("tests/cases");
    for name in names_in(&folder) {
        // The name of the case at hand, shown if it fails.
        println!("case {name}");
        for jobs in ["1", "2", "4"] {
            check(&folder.join(&name), jobs);
        }
    }
}

fn check(case: &Path, jobs: &str) {
    let file = |name: &str| fs::read_to_string(case.join(name)).unwrap_or_default();
    let (args, code, stderr) = (file("args"), file("code"), file("stderr"));
    let project = project();
    copy_into(&project, &case.join("in"), "in");
    project.write("pipeline.toml", file("pipeline.toml"));
    let words = ["run", "pipeline.toml", "-j", jobs].into_iter().chain(args.split_whitespace());
    let ran = project.run(words).code(code.trim().parse().unwrap_or(0));
    let _ = ran.says(&stderr.lines().collect::<Vec<_>>());
    Tree::of(&project.path("out")).check(&case.join("expected"));
    Tree::of(&project.path("in"))
        .check_same(&Tree::of(&case.join("in")), "the input, which must stay as it is");
}
