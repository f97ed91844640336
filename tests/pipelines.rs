//! Every pipeline that users run as it is, with the output that is expected of it: `pipelines/<name>/`.

use textmill_testkit::{Tree, workspace};

use crate::{names_in, with_pipelines};

#[test]
fn every_pipeline_runs() {
    let folder = workspace().join("pipelines");
    let names =
        names_in(&folder).into_iter().filter_map(|name| name.strip_suffix(".toml").map(ToOwned::to_owned));
    let names: Vec<_> = names.collect();
    assert!(names.contains(&"news".to_owned()), "{names:?}");
    for name in names {
        for jobs in ["1", "2", "4"] {
            check(&name, jobs);
        }
    }
}

fn check(name: &str, jobs: &str) {
    let project = with_pipelines();
    let pipeline = format!("pipelines/{name}.toml");
    let _ = project.run(["check", &pipeline]).code(0);
    // Into an empty folder, over our own output, and where nothing is to be done.
    for more in [&[][..], &["--fresh"], &[]] {
        let _ = project.run(["run", &pipeline, "-j", jobs].iter().chain(more)).code(0);
        let expected = workspace().join("tests/pipelines").join(name);
        Tree::of(&project.path("pipelines/out")).check(&expected);
    }
}

#[test]
fn every_pipeline_has_tests_and_a_section() {
    let folder = workspace().join("pipelines");
    let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for name in names_in(&folder) {
        let Some(stem) = name.strip_suffix(".toml") else { continue };
        let text = std::fs::read_to_string(folder.join(&name)).unwrap();
        assert!(text.contains("\n[[test]]\n"), "{name} has no test");
        assert!(page.contains(&format!("\n## {stem}.toml\n")), "{name} has no section in README.md");
    }
}

/// Editors find it by the `#:schema` line of the pipelines. After a change of an option:
/// `cargo run -- schema > pipelines/.textmill/schema.json`.
#[test]
fn the_schema_beside_the_pipelines_is_the_one_that_is_printed() {
    let printed = crate::project().run(["schema"]).code(0).stdout;
    let beside = std::fs::read_to_string(workspace().join("pipelines/.textmill/schema.json")).unwrap();
    assert!(printed == beside, "`textmill schema` prints another one: see above this test");
}
