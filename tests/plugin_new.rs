//! `textmill plugin new` and `plugin build`: what they make works at once, without a network.

use std::path::PathBuf;
use std::process::Command;

use textmill_testkit::{Project, Ran, file_of_library, workspace};

use crate::project;
use crate::readme::{commands, shell};

/// What cargo builds here is kept between runs, so that only the first one takes long.
fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plugin-new")
}

fn offline(command: &mut Command) -> Ran {
    let command = command.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", target());
    command.output().unwrap().into()
}

fn tried(project: &Project, folder: &str, name: &str) {
    let (pipeline, sample) = (format!("{folder}/{name}.toml"), format!("{folder}/sample.txt"));
    let shown = project.run(["try", &pipeline, &sample]).code(0).stdout;
    for part in [name, "2 edits", "- SIGN UP NOW!", "- READ ALL ABOUT IT", "all-capitals", "kept"] {
        assert!(shown.contains(part), "`{part}` is not in\n{shown}");
    }
    let _ = project.run(["run", &pipeline]).code(0);
    assert!(project.read(&format!("{folder}/out.jsonl")).contains("the BBC says"));
    let page = project.run(["doc", name, "--pipeline", &pipeline]).code(0).stdout;
    assert!(page.contains("min-capitals") && page.contains("default 6"), "{page}");
    let mistake = project.run(["check", &pipeline, "--set", &format!("{name}.min-capitals=0")]);
    let _ = mistake.code(2).says(&["min-capitals"]);
}

#[test]
fn a_new_stage_in_rust_builds_and_passes_its_tests() {
    let project = project();
    let sdk = workspace().to_str().unwrap();
    let made = project.run(["plugin", "new", "strip-noise", "--sdk-path", sdk]);
    let _ = made.code(0).says(&["wrote strip-noise", "textmill plugin build strip-noise"]);
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(project.path("strip-noise"));
        offline(&mut command).code(0)
    };
    let tested = cargo(&["test"]);
    assert!(tested.stdout.contains("golden_cases ... ok"), "{}", tested.stdout);
    let library = target().join("release").join(file_of_library("strip-noise"));
    let built = offline(&mut project.command(["plugin", "build", "strip-noise"])).code(0);
    let _ = built.says(&[&format!("built {}", library.display())]);
    // Here alone the library is not where the pipeline expects it.
    let pipeline = project.read("strip-noise/strip-noise.toml");
    let place = format!("./target/release/{}", file_of_library("strip-noise"));
    assert!(pipeline.contains(&place), "{pipeline}");
    project.write("strip-noise/strip-noise.toml", pipeline.replace(&place, library.to_str().unwrap()));
    tried(&project, "strip-noise", "strip-noise");
    let cases = ["plugin", "cases", library.to_str().unwrap(), "--cases", "strip-noise/tests/cases"];
    let _ = project.run(cases).code(0).says(&["2 cases passed"]);
    project.write("strip-noise/src/lib.rs", "!");
    let broken = offline(&mut project.command(["plugin", "build", "strip-noise"]));
    let _ = broken.code(2).says(&["error", "src/lib.rs", "the messages above say why"]);
}

#[test]
fn a_new_stage_in_c_builds_and_passes_its_tests() {
    let project = project();
    let _ = project.run(["plugin", "new", "plugins/mute", "--lang", "c"]).code(0);
    for command in commands(&project.read("plugins/mute/README.md")) {
        let _ = shell(&project.path("plugins/mute"), &command).code(0);
    }
    let library = format!("plugins/mute/build/{}", file_of_library("mute"));
    let _ = project.run(["plugin", "build", "plugins/mute"]).code(0).says(&[&format!("built {library}")]);
    tried(&project, "plugins/mute", "mute");
    golden_cases(&project, &library);
    let header = workspace().join("crates/textmill-abi/include/textmill_plugin.h");
    assert_eq!(project.read("plugins/mute/textmill_plugin.h"), std::fs::read_to_string(header).unwrap());
    project.write("plugins/mute/mute.c", "!");
    let _ = project.run(["plugin", "build", "plugins/mute"]).code(2).says(&["mute.c", "hint"]);
}

/// The cases of the folder `plugins/mute`, as the host runs them.
fn golden_cases(project: &Project, library: &str) {
    let run = |more: &[&str]| {
        let args = ["plugin", "cases", library, "--cases", "plugins/mute/tests/cases"];
        project.run(args.iter().chain(more))
    };
    let _ = run(&[]).code(0).says(&["2 cases passed"]);
    project.write("plugins/mute/tests/cases/new.in.txt", "fine\nHELP ME NOW\n");
    project.write("plugins/mute/tests/cases/new.out.txt", "fine\nhelp\n");
    let failed = run(&[]).code(1);
    let _ = failed.says(&["case `new`", "line 2: expected \"help\\n\"", "line 2: found    the end"]);
    let _ = run(&["--update"]).code(0).says(&["3 cases written"]);
    assert_eq!(project.read("plugins/mute/tests/cases/new.out.txt"), "fine\n");
    let _ = run(&["--stage", "mute"]).code(0).says(&["3 cases passed"]);
    let _ = run(&["--stage", "loud"]).code(2).says(&["the library has the stages `mute`", "--stage"]);
    project.write("plugins/mute/tests/cases/new.options.json", "{ \"min-capitals\": 0 }");
    let _ = run(&[]).code(1).says(&["case `new`", "new.options.json, as TOML:", "min-capitals = 0"]);
    let _ = project.run(["plugin", "cases", library]).code(1).says(&["cannot read `tests/cases`"]);
    let _ = project.run(["plugin", "cases", "no/such.so"]).code(2).says(&["no/such.so"]);
}

/// Cases with fields, files, drops and failures come out alike in the SDK's runner and in the host's.
#[test]
fn golden_cases_of_a_library_have_fields_and_verdicts() {
    let library = crate::plugins::library("unruly");
    let project = project();
    let case = |name: &str, text: &str, fields: &str, more: &str| {
        project.write(&format!("c/{name}.in.txt"), text);
        project.write(&format!("c/{name}.in.json"), fields);
        project.write(&format!("c/{name}.out.json"), more);
    };
    case("dropped", "TIRED", "{}", r#"{ "dropped": "word" }"#);
    project.write("c/dropped.options.json", r#"{ "words": "words.txt" }"#);
    project.write("c/words.txt", "TIRED\n");
    case("failed", "FAIL", r#"{ "count": 1 }"#, r#"{ "failed": "was told to fail" }"#);
    case("removed", "UNSET", "{}", r#"{ "fields": { "json": null, "text-field": null } }"#);
    project.write("c/removed.out.txt", "UNSET");
    let args = ["plugin", "cases", library.to_str().unwrap(), "--cases", "c", "--stage"];
    let ran = project.run(args.iter().chain(&["obey"]));
    let _ = ran.code(0).says(&["3 cases passed"]);
    project.write("c/removed.out.json", r#"{ "fields": { "json": 1, "text-field": null } }"#);
    let _ = project.run(args.iter().chain(&["obey"])).code(1).says(&["case `removed`", "expected", "found"]);
    let unnamed = project.run(&args[..5]).code(2);
    let _ = unnamed.says(&["the library has the stages `obey`, `shout`"]);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let project = project().file("there/x", "");
    for (name, part) in [
        ("Loud", "no name for a stage"),
        ("strip_noise", "no name for a stage"),
        ("strip--noise", "no name for a stage"),
        ("-x", "unexpected argument"),
        ("9lives", "no name for a stage"),
        ("ä", "no name for a stage"),
        ("..", "no name for a stage"),
        ("", "value"),
        (&"x".repeat(65), "no name for a stage"),
        ("match", "means something else"),
        ("serde", "means something else"),
        ("config", "means something else"),
        ("clean", "is the name of a stage that textmill has"),
        ("there", "exists already; nothing was written"),
        ("there/x/y", "cannot write"),
    ] {
        let _ = project.run(["plugin", "new", name]).code(2).says(&[part]);
    }
    let _ = project.run(["plugin", "new", "match", "--lang", "c"]).code(0);
    let _ = project.run(["plugin", "new", "x", "--sdk-path", "there"]).code(2).says(&["neither the SDK"]);
    let _ = project.run(["plugin", "new", "loud"]).code(0).says(&["not published yet", "--sdk-path"]);
    assert!(project.read("loud/Cargo.toml").contains("textmill-stage = \""));
    assert_eq!(project.list(".").iter().filter(|file| file.starts_with("x/")).count(), 0);
}

#[test]
fn a_folder_without_a_plugin_is_not_built() {
    let project = project().file("empty/readme", "");
    let _ = project.run(["plugin", "build", "empty"]).code(2).says(&["nothing to build", "plugin new"]);
    let _ = project.run(["plugin", "build", "no-such"]).code(2).says(&["no-such"]);
    let manifest = "[package]\nname = 'a'\nedition = '2024'\n[workspace]\n";
    let project = project.file("a/Cargo.toml", manifest).file("a/src/lib.rs", "");
    let built = offline(&mut project.command(["plugin", "build", "a"])).code(2);
    let _ = built.says(&["makes no library that can be loaded", "cdylib"]);
}
