//! What a file becomes: every value, default and path.

use std::fmt::Write as _;

use textmill_pipeline::{Input, OnError, Output, Pipeline, PluginPlace, Run};

use crate::{differs, files, resolve, resolve_as};

#[test]
#[cfg(unix)]
fn files_become_what_can_run() {
    let check = |path: &std::path::PathBuf| {
        let name = format!("/pipelines/{}", path.file_name().unwrap().to_str().unwrap());
        let text = std::fs::read_to_string(path).unwrap();
        let pipeline = resolve_as(&name, &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        differs(&path.with_extension("txt"), &shown(&pipeline))
    };
    let wrong: Vec<String> = files("good").iter().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All but the places.
fn shown(pipeline: &Pipeline) -> String {
    let Pipeline {
        path, dir, name, input, output, output_format, dropped, failed, run, stages, tests, ..
    } = pipeline;
    let mut out = format!("{} in {}: {name}\n", path.display(), dir.display());
    writeln!(
        out,
        "{input:#?}\noutput {output:?} {output_format:?}\ndropped {dropped:?}\nfailed {failed:?}\n{run:?}"
    )
    .unwrap();
    for stage in stages {
        writeln!(out, "{} = {} {:?} {}", stage.id, stage.uses, stage.on_error, stage.options).unwrap();
        if let Some(process) = stage.process {
            writeln!(out, "    {process:?}").unwrap();
        }
        for resource in &stage.resources {
            writeln!(out, "    {} {} {}", resource.pointer, resource.path, resource.absolute.display())
                .unwrap();
        }
    }
    for test in tests {
        writeln!(out, "{test:?}").unwrap();
    }
    out
}

#[test]
#[cfg(unix)]
fn plugins_are_paths_or_names() {
    let text =
        "plugins = ['./a.so', 'shout', '../b.so', { path = 'x/c.so' }, 3, '', { path = 'libd.so' }, '.']";
    let source = textmill_pipeline::Source { path: "/p/a.toml".into(), text: text.to_owned() };
    let plugins = textmill_pipeline::parse(source).unwrap().plugins();
    let found: Vec<_> = plugins.iter().map(|one| (one.index, one.path.as_str(), one.place.clone())).collect();
    let path = |path: &str| PluginPlace::Path(path.into());
    assert_eq!(
        found,
        [
            (0, "./a.so", path("/p/a.so")),
            (1, "shout", PluginPlace::Name),
            (2, "../b.so", path("/b.so")),
            (3, "x/c.so", path("/p/x/c.so")),
            (6, "libd.so", PluginPlace::Name),
            (7, ".", path("/p")),
        ]
    );
}

#[test]
fn nothing_written_is_a_pipeline_that_leaves_all_to_the_command_line() {
    let pipeline = resolve("").unwrap();
    assert_eq!(pipeline.name, "news");
    assert_eq!((pipeline.input, pipeline.output), (Input::default(), None::<Output>));
    assert_eq!((pipeline.run, pipeline.stages.len()), (Run::default(), 0));
    let stage = &resolve("[[stage]]\nuses = \"clean\"").unwrap().stages[0];
    assert_eq!((stage.id.as_str(), stage.on_error), ("clean", OnError::Fail));
    assert_eq!(stage.options, serde_json::json!({}));
}

/// The options of a stage that is written with the SDK.
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
struct Config {
    words: textmill_stage::Resource,
    more: Option<textmill_stage::Resource>,
    lists: Vec<textmill_stage::Resource>,
    count: Option<u32>,
}

#[test]
fn resources_of_the_sdk_are_found() {
    let mut catalog = crate::catalog();
    catalog.get_mut("clean").unwrap().schema = schemars::schema_for!(Config).to_value();
    let check = |with: &str| {
        let text = format!("[[stage]]\nuses = \"clean\"\nwith = {{ {with} }}\n");
        let source = textmill_pipeline::Source { path: "/p/a.toml".into(), text };
        let pipeline = textmill_pipeline::parse(source).unwrap().resolve(&catalog, &[]);
        let found =
            |pipeline: Pipeline| pipeline.stages[0].resources.iter().map(|one| one.pointer.clone()).collect();
        pipeline.map(found).map_err(|mistakes| mistakes.iter().next().unwrap().message.clone())
    };
    let found: Vec<String> = check(r#"words = "a", more = "b", lists = ["c", "d"]"#).unwrap();
    assert_eq!(found, ["/lists/0", "/lists/1", "/more", "/words"]);
    let refused = check(r#"words = "a", lists = [], count = 5000000000"#).unwrap_err();
    assert_eq!(refused, "`count` must be from 0 to 4294967295, not `5000000000`");
}
