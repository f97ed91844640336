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
    for _ in ["into an empty folder", "over our own output"] {
        let _ = project.run(["run", &pipeline, "-j", jobs]).code(0);
        let expected = workspace().join("tests/pipelines").join(name);
        Tree::of(&project.path("pipelines/out")).check(&expected);
    }
}
