//! Where plugins are found that a pipeline file names without a path, and what `textmill plugin list` says of them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use textmill_testkit::{Project, Ran, file_of_library};

use crate::plugins::{library, plugins_line};
use crate::project;

const NAME: &str = "textmill-unruly-plugin";

/// A pipeline with a stage of the plugin, which it names so.
fn named(plugin: &str) -> Project {
    let text = format!(
        "plugins = [{plugin}]\ninput.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n[[stage]]\nuses = 'shout'\n"
    );
    project().file("p.toml", text).file("in.jsonl", "{\"text\":\"quiet\"}\n").file("home/x", "")
}

/// Puts the library into a folder of the project, under its own name or another.
fn install(project: &Project, folder: &str, file: &str) -> PathBuf {
    project.write(&format!("{folder}/{file}"), fs::read(library("unruly")).unwrap());
    project.path(folder).join(file).canonicalize().unwrap()
}

/// Runs with a home folder of its own, so that the plugins of whoever runs the tests are not found.
fn run(project: &Project, args: &[&str], environment: &[(&str, String)]) -> Ran {
    let mut command = project.command(args);
    command.env_remove("XDG_DATA_HOME").env_remove("TEXTMILL_PLUGIN_PATH").env("HOME", project.path("home"));
    command.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap().into()
}

fn folder(project: &Project, name: &str) -> String {
    project.path(name).canonicalize().unwrap().display().to_string()
}

#[test]
fn a_name_is_looked_for_in_the_folders_of_plugins() {
    let file = file_of_library(NAME);
    for written in [format!("'{NAME}'"), format!("{{ path = '{NAME}' }}"), format!("'{file}'")] {
        let project = named(&written);
        install(&project, "mine", &file);
        let (mine, list) = (folder(&project, "mine"), format!("/no/such:{}", folder(&project, "mine")));
        fs::create_dir_all(project.path("home/.local/share/textmill")).unwrap();
        for (args, environment) in [
            (&["--plugin-dir", "mine"][..], vec![]),
            (&["--plugin-dir", "nothing", "--plugin-dir", &mine], vec![]),
            (&[], vec![("TEXTMILL_PLUGIN_PATH", list)]),
        ] {
            let args: Vec<_> = ["run", "p.toml", "-q", "-o", "-"].iter().chain(args).copied().collect();
            let ran = run(&project, &args, &environment).code(0);
            assert!(ran.stdout.contains("QUIET"), "{}", ran.stdout);
        }
        let _ = run(&project, &["run", "p.toml"], &[]).code(2);
        fs::rename(project.path("mine"), project.path("home/.local/share/textmill/plugins")).unwrap();
        let _ = run(&project, &["run", "p.toml"], &[]).code(0);
        let data = ("XDG_DATA_HOME", folder(&project, "home/.local/share"));
        let _ = run(&project, &["run", "p.toml"], &[("HOME", "/".to_owned()), data]).code(0);
    }
}

#[test]
fn the_current_folder_is_not_searched() {
    let file = file_of_library(NAME);
    the_current_folder_is_not_searched_for(NAME, &file);
    the_current_folder_is_not_searched_for(&file, &file);
}

fn the_current_folder_is_not_searched_for(name: &str, file: &str) {
    let project = named(&format!("'{name}'"));
    install(&project, ".", file);
    for list in [".", "", "::", "./"] {
        let environment = [("TEXTMILL_PLUGIN_PATH", list.to_owned()), ("XDG_DATA_HOME", ".".to_owned())];
        let ran = run(&project, &["run", "p.toml"], &environment).code(2);
        let _ = ran.says(&["there is no plugin", "p.toml:1:12", "hint", &format!("`./{file}`")]);
    }
    let _ = run(&project, &["run", "p.toml", "--plugin-dir", "."], &[]).code(0);
}

#[test]
fn what_is_not_found_says_where_it_was_looked_for() {
    let project = named("'no-such-plugin'");
    let list = "/one:/two".to_owned();
    let ran = run(&project, &["check", "p.toml", "--plugin-dir", "zero"], &[("TEXTMILL_PLUGIN_PATH", list)]);
    let home = project.path("home/.local/share/textmill/plugins").display().to_string();
    let looked = format!("looked for `{}`, `", file_of_library("no-such-plugin"));
    let folders = format!("in `zero`, `/one`, `/two`, `{home}`, in this order");
    let _ = ran.code(2).says(&["there is no plugin `no-such-plugin`", &looked, &folders, "--plugin-dir"]);
}

/// The next folder may hold one that works, but it is not the one that the first folder means.
#[test]
fn a_file_that_is_no_plugin_ends_the_search() {
    let project = named(&format!("'{NAME}'")).file(&format!("first/{}", file_of_library(NAME)), "no library");
    install(&project, "second", &file_of_library(NAME));
    let args = ["run", "p.toml", "--plugin-dir", "first", "--plugin-dir", "second"];
    let _ = run(&project, &args, &[]).code(2).says(&["first", "cannot load", "p.toml:1:12"]);
    fs::remove_file(project.path("first").join(file_of_library(NAME))).unwrap();
    fs::create_dir(project.path("first").join(file_of_library(NAME))).unwrap();
    let _ = run(&project, &args, &[]).code(0);
}

#[test]
fn every_command_that_opens_a_pipeline_looks_there() {
    let project = named(&format!("'{NAME}'"));
    install(&project, "mine", &file_of_library(NAME));
    for args in [
        &["run", "p.toml", "--dry-run"][..],
        &["check", "p.toml"],
        &["list", "p.toml"],
        &["doc", "shout", "--pipeline", "p.toml"],
        &["try", "p.toml", "in.jsonl"],
        &["plugin", "list", "p.toml"],
    ] {
        let _ = run(&project, args, &[]).code(2).says(&["there is no plugin"]);
        let args: Vec<_> = args.iter().copied().chain(["--plugin-dir", "mine"]).collect();
        let _ = run(&project, &args, &[]).code(0);
    }
}

#[test]
fn plugins_are_listed_with_their_hashes() {
    let project = named(&format!("'{NAME}'"));
    let loaded = install(&project, "mine", &file_of_library(NAME));
    let other = file_of_library("other");
    // To list it must not be to load it.
    project.write(&format!("mine/{other}"), "no library at all");
    let args = ["plugin", "list", "p.toml", "--plugin-dir", "mine"];
    let shown = run(&project, &args, &[]).code(0).stdout;
    let hash = sha256sum(&fs::read(&loaded).unwrap());
    let parts =
        [NAME, env!("CARGO_PKG_VERSION"), &loaded.display().to_string(), &hash, "obey, shout", &other];
    for part in parts.into_iter().chain(["stages: clean", "built in", "not loaded"]) {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    let json = run(&project, &[&args[..], &["--json"]].concat(), &[]).code(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["plugins"][0]["name"], "textmill");
    assert_eq!(json["plugins"][1]["sha256"], hash.as_str());
    assert_eq!(json["plugins"][1]["stages"], serde_json::json!(["obey", "shout"]));
    assert_eq!(json["not-loaded"][0]["sha256"], sha256sum(b"no library at all").as_str());
    let alone = run(&project, &["plugin", "list"], &[]).code(0).stdout;
    assert!(alone.contains("stages: clean") && !alone.contains("not loaded"), "{alone}");
}

#[test]
fn a_stage_in_the_place_of_a_built_in_one_is_told_of() {
    let text = plugins_line(&["clean", "unruly"]) + "input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n";
    let project = project().file("in.jsonl", "").file("p.toml", text.clone() + "[[stage]]\nuses = 'clean'\n");
    let note = "note: the stage `clean` is that of `";
    let ran = project.run(["check", "p.toml"]).code(0).says(&[note, "in the place of the built-in one"]);
    assert!(!ran.stderr.contains("obey"), "{}", ran.stderr);
    let shown = project.run(["plugin", "list", "p.toml"]).code(0).stdout;
    assert!(shown.contains("stages: clean (in the place of the built-in one)\n"), "{shown}");
    assert!(shown.contains("stages: obey, shout\n"), "{shown}");
    project.write("p.toml", text + "[[stage]]\nuses = 'shout'\n");
    let ran = project.run(["check", "p.toml"]).code(0);
    assert!(!ran.stderr.contains("note"), "{}", ran.stderr);
}

/// By other code than that under test.
pub(crate) fn sha256sum(bytes: &[u8]) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new("sha256sum");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}
