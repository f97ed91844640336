//! `textmill schema PIPELINE`: editors complete and check the options of stages that are loaded at run time.

use std::process::Command;

use serde_json::{Value, json};
use textmill_testkit::Project;

use crate::plugins::plugins_line;
use crate::project;

/// A pipeline with a stage of a plugin, and the schema beside it.
fn with_schema(with: &str) -> Project {
    let pipeline = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\nwith = { drop = 'TIRED' }\n";
    let project = project().file("p.toml", pipeline);
    let schema = project.run(["schema", "p.toml"]).code(0).stdout;
    project.write("schema.json", schema);
    let text = project.read("p.toml").replace("drop = 'TIRED'", with);
    project.write("p.toml", format!("#:schema ./schema.json\n{text}"));
    project
}

#[test]
fn a_schema_has_the_options_of_stages_of_plugins() {
    let project = with_schema("");
    let schema: Value = serde_json::from_str(&project.read("schema.json")).unwrap();
    let checker = jsonschema::validator_for(&schema).unwrap();
    let stage = |with: Value| json!({ "stage": [{ "uses": "obey", "with": with }] });
    assert!(checker.is_valid(&stage(json!({ "drop": "TIRED" }))));
    assert!(!checker.is_valid(&stage(json!({ "dorp": "TIRED" }))));
    assert!(!checker.is_valid(&stage(json!({ "drop": 1 }))));
    // What an editor shows over a key, and completes after `uses`.
    let options = &schema["$defs"]["options of obey"];
    assert!(options["properties"]["drop"]["description"].is_string(), "{options:#}");
    assert!(schema["$defs"]["Stage"]["properties"]["uses"].to_string().contains("\"obey\""));
    // Without the pipeline its stages are not known, and nobody is told off for them.
    let plain: Value = serde_json::from_str(&project.run(["schema"]).code(0).stdout).unwrap();
    assert!(jsonschema::validator_for(&plain).unwrap().is_valid(&stage(json!({ "dorp": "TIRED" }))));
}

/// Those that are installed; `.ci/run` installs both.
#[test]
fn taplo_and_tombi_find_the_mistakes_in_options_of_plugins() {
    let project = with_schema("drop = 'TIRED'");
    let bad = with_schema("dorp = 'TIRED'");
    for editor in [&["taplo", "lint"][..], &["tombi", "lint", "--offline"]] {
        let lint = |project: &Project| {
            let mut command = Command::new(editor[0]);
            command.args(&editor[1..]).arg("p.toml").current_dir(project.path("")).output()
        };
        let Ok(good) = lint(&project) else {
            println!("skipped: {editor:?} is not installed");
            continue;
        };
        assert!(good.status.success(), "{editor:?}: {}", String::from_utf8_lossy(&good.stderr));
        let found = lint(&bad).unwrap();
        let said = String::from_utf8([found.stdout, found.stderr].concat()).unwrap();
        assert!(!found.status.success() && said.contains("dorp"), "{editor:?}: {said}");
    }
}
