//! `textmill lock` and `--locked`: nothing runs but what was locked, as the bytes that were hashed.

use std::fs;
use std::path::{Path, PathBuf};

use textmill::{Engine, Fate, Refusal, Registry, WorkerCommand};
use textmill_testkit::{Project, Ran, built_library};
use toml::{Table, Value};

use crate::plugin_path::sha256sum;
use crate::plugins::library;
use crate::project;

/// A pipeline with a plugin, a file that an option names, and a built-in stage; locked.
fn locked() -> Project {
    let pipeline = "\
plugins = ['./plugin.so']
input.uri = 'in.jsonl'
output.uri = 'out.jsonl'
dropped.uri = 'dropped.jsonl'
[[stage]]
uses = 'obey'
with = { words = 'words.txt' }
[[stage]]
uses = 'clean'
";
    let project = project().file("p.toml", pipeline).file("words.txt", "SLEEPY\n");
    let project = project.file("in.jsonl", "{\"text\":\"SLEEPY\"}\n{\"text\":\"awake\"}\n");
    put(&project, "unruly");
    let _ = project.run(["lock", "p.toml"]).code(0).says(&["wrote textmill.lock (1 plugin, 1 file, "]);
    project
}

/// Puts a library into the place of the plugin. A new file, because the old one may be mapped.
fn put(project: &Project, name: &str) {
    let place = project.path("plugin.so");
    _ = fs::remove_file(&place);
    fs::copy(library(name), place).unwrap();
}

fn run_locked(project: &Project) -> Ran {
    project.run(["run", "p.toml", "--locked"])
}

fn table(project: &Project) -> Table {
    project.read("textmill.lock").parse().unwrap()
}

fn entry(project: &Project) -> Value {
    table(project)["pipeline"][0].clone()
}

fn edit(project: &Project, from: &str, to: &str) {
    let text = project.read("textmill.lock");
    assert!(text.contains(from), "{text}");
    project.write("textmill.lock", text.replace(from, to));
}

#[test]
fn what_is_used_is_locked() {
    let project = locked();
    let entry = entry(&project);
    let plugin = &entry["plugin"][0];
    assert_eq!(plugin["name"].as_str(), Some("textmill-unruly-plugin"));
    assert_eq!(plugin["path"].as_str(), Some("./plugin.so"));
    assert_eq!(plugin["stages"].as_array().map(Vec::len), Some(2));
    let hash = sha256sum(&fs::read(project.path("plugin.so")).unwrap());
    let hashes: Vec<_> = plugin["sha256"].as_table().unwrap().iter().collect();
    assert_eq!(hashes, [(&textmill::TARGET.to_owned(), &Value::from(hash))]);
    assert_eq!(entry["resource"][0]["path"].as_str(), Some("words.txt"));
    assert_eq!(entry["resource"][0]["sha256"].as_str(), Some(sha256sum(b"SLEEPY\n").as_str()));
    assert_eq!(entry["built-in"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(entry["built-in"]["stages"][0].as_str(), Some("clean"));

    let ran = run_locked(&project).code(0).says(&["2 documents read = 1 kept + 1 dropped + 0 failed"]);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
    let again = project.read("textmill.lock");
    let _ = project.run(["lock", "p.toml"]).code(0).says(&["unchanged textmill.lock"]);
    assert_eq!(project.read("textmill.lock"), again);
    assert!(project.list(".").iter().all(|name| !name.contains(".textmill.lock")), "nothing is left behind");
}

#[test]
fn the_manifest_of_the_output_says_what_it_was_made_with() {
    let project = locked();
    let _ = run_locked(&project).code(0);
    let manifest: serde_json::Value =
        serde_json::from_str(&project.read(".out.jsonl.textmill/manifest.json")).unwrap();
    let hash = |name: &str| sha256sum(&fs::read(project.path(name)).unwrap());
    let made = &manifest["made_from"];
    assert_eq!(made["pipeline"], hash("p.toml").as_str());
    assert_eq!(made["plugins"][0]["sha256"], hash("plugin.so").as_str());
    assert_eq!(made["resources"][0]["sha256"], hash("words.txt").as_str());
}

#[test]
fn another_library_is_refused_by_every_command() {
    let project = locked();
    let before = sha256sum(&fs::read(project.path("plugin.so")).unwrap());
    put(&project, "clean");
    let found = sha256sum(&fs::read(project.path("plugin.so")).unwrap());
    for args in [
        &["run", "p.toml"][..],
        &["check", "p.toml"],
        &["try", "p.toml", "in.jsonl"],
        &["list", "p.toml"],
        &["plugin", "list", "p.toml"],
        &["doc", "clean", "--pipeline", "p.toml"],
        &["test", "p.toml"],
    ] {
        let ran = project.run(args.iter().copied().chain(["--locked"])).code(2);
        let expected = format!("expected SHA-256 {before}, found {found}");
        let _ = ran.says(&["plugin.so", "textmill.lock", &expected, "p.toml:1:12", "`textmill lock p.toml`"]);
    }
    assert!(!project.path("out.jsonl").exists());
    put(&project, "unruly");
    let _ = run_locked(&project).code(0);
}

/// While a plugin is written it changes all the time.
#[test]
fn without_locked_a_difference_is_a_warning() {
    let project = locked();
    let mut library = fs::read(project.path("plugin.so")).unwrap();
    library.push(0);
    fs::remove_file(project.path("plugin.so")).unwrap();
    project.write("plugin.so", library);
    project.write("words.txt", "DULL\n");
    let ran =
        project.run(["run", "p.toml"]).code(0).says(&["WARN", "./plugin.so", "words.txt", "textmill lock"]);
    assert_eq!(ran.stderr.matches("is not the one of `textmill.lock`").count(), 2, "{}", ran.stderr);
    let _ = run_locked(&project).code(2);
    let _ = project.run(["lock", "p.toml"]).code(0).says(&["wrote textmill.lock"]);
    let _ = run_locked(&project).code(0);
}

#[test]
fn another_file_of_an_option_is_refused_at_its_place() {
    let project = locked().file("others.txt", "DULL\n");
    let set = ["run", "p.toml", "--locked", "--set", "obey.words=others.txt"];
    let _ = project.run(set).code(2).says(&["the file `others.txt` is not in `textmill.lock`", "--set"]);
    project.write("words.txt", "DULL\n");
    let expected = format!("expected SHA-256 {}, found {}", sha256sum(b"SLEEPY\n"), sha256sum(b"DULL\n"));
    let _ = run_locked(&project).code(2).says(&["the file `words.txt`", &expected, "p.toml:7:18", "hint"]);
}

#[test]
fn what_is_not_in_the_lock_is_refused() {
    let project = project().file("p.toml", "input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n");
    let project = project.file("in.jsonl", "");
    let _ = run_locked(&project).code(2).says(&["there is no `textmill.lock`", "`textmill lock p.toml`"]);
    let _ = project.run(["lock", "p.toml"]).code(0);
    let _ = run_locked(&project).code(0);
    project.write("q.toml", project.read("p.toml") + "[[stage]]\nuses = 'clean'\n");
    let _ = project.run(["run", "q.toml", "--locked"]).code(2).says(&["says nothing of this pipeline"]);
    let _ = project.run(["lock", "q.toml"]).code(0);
    let _ = run_locked(&project).code(0);
    let files: Vec<_> = table(&project)["pipeline"].as_array().unwrap().clone();
    assert_eq!(
        files.iter().map(|one| one["file"].as_str().unwrap()).collect::<Vec<_>>(),
        ["p.toml", "q.toml"]
    );
    project.write("q.toml", project.read("q.toml") + "[[stage]]\nuses = 'summarize'\n");
    let ran = project.run(["run", "q.toml", "--locked"]).code(2);
    let _ = ran.says(&["the stage `summarize` is not in `textmill.lock`", "q.toml:6:8"]);

    edit(&project, &format!("version = \"{}\"", env!("CARGO_PKG_VERSION")), "version = \"0.0.1\"");
    let ran = project.run(["run", "q.toml", "--locked"]).code(2);
    let _ = ran.says(&["was locked with textmill 0.0.1, and this is"]);
}

#[test]
fn a_lock_that_is_none_is_not_overwritten() {
    let project = locked();
    for (text, place) in [
        ("version = 2\n", "format 2"),
        ("version = 1\nmore = 1\n", "textmill: line 2, column 1: unknown field `more`"),
        ("<<<<<<< ours\n", "textmill: line 1, column 9: "),
        ("version = 1\n[[pipeline]]\n", "textmill: line 2, column "),
    ] {
        project.write("textmill.lock", text);
        let _ = run_locked(&project).code(2).says(&["textmill.lock` is no lock", place, "hint"]);
        let _ = project.run(["lock", "p.toml"]).code(2).says(&["textmill.lock` is no lock", place, "hint"]);
        assert_eq!(project.read("textmill.lock"), text);
        let _ = project.run(["run", "p.toml"]).code(0).says(&["WARN"]);
    }
}

#[test]
fn each_target_has_a_hash_of_its_own() {
    let project = locked();
    edit(&project, textmill::TARGET, "riscv64gc-unknown-none");
    let ran = run_locked(&project).code(2);
    let _ = ran.says(&[&format!("is not locked for {}", textmill::TARGET), "riscv64gc-unknown-none"]);
    let _ = project.run(["lock", "p.toml"]).code(0);
    let _ = run_locked(&project).code(0);
    let targets = |project: &Project| {
        let entry = entry(project);
        entry["plugin"][0]["sha256"].as_table().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(targets(&project), ["riscv64gc-unknown-none", textmill::TARGET]);
    // The hash of an older version is that of another plugin.
    edit(&project, "name = \"textmill-unruly-plugin\"", "name = \"before\"");
    let ran = project.run(["lock", "p.toml"]).code(0);
    let _ = ran.says(&["`./plugin.so` is another version", "riscv64gc-unknown-none are gone"]);
    assert_eq!(targets(&project), [textmill::TARGET]);
}

/// Between the hash and the load somebody puts another library there.
#[test]
fn a_library_is_loaded_as_the_bytes_that_were_hashed() {
    let project = locked();
    let place = project.path("plugin.so");
    let mut registry = textmill::registry();
    let swap = |_: &textmill::io::Snapshot| {
        put(&project, "clean");
        Ok(())
    };
    let loaded = registry.load_approved(&place, &swap).unwrap();
    assert_eq!(loaded.stages, ["obey", "shout"]);
    assert_ne!(loaded.sha256, sha256sum(&fs::read(&place).unwrap()));
    // A second library must not be taken for the first, whose path was the same.
    assert_eq!(registry.load_approved(&place, &|_| Ok(())).unwrap().stages, ["clean"]);
    if cfg!(target_os = "linux") {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(maps.contains("memfd:plugin") && !maps.contains(place.to_str().unwrap()), "{maps}");
    }
}

/// The same of a library that is loaded in other processes, of which each is started later than the one before.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_its_own_loads_a_library_as_the_bytes_that_were_hashed() {
    let project = locked();
    let place = project.path("plugin.so");
    let worker = || Some(WorkerCommand::new(env!("CARGO_BIN_EXE_textmill"), ["worker"]));
    let swap = |_: &textmill::io::Snapshot| {
        put(&project, "clean");
        Ok(())
    };
    let text = project.read("p.toml");
    let trace = |registry: &Registry, text: String| {
        let draft = textmill::parse(textmill::Source { path: project.path("p.toml"), text }).unwrap();
        let engine = Engine::open(draft.resolve(registry, &[]).unwrap(), registry).unwrap();
        // The second document, and the third in a second process.
        let fates = ["SLEEPY", "ABORT", "awake"].map(|text| {
            engine.trace_json(&serde_json::json!({ "text": text }).to_string(), "x").unwrap().fate
        });
        assert!(matches!(fates[0], Fate::Dropped { .. }), "{fates:?}");
        assert!(
            matches!(&fates[1], Fate::Failed { message, .. } if message.contains("SIGABRT")),
            "{fates:?}"
        );
        assert_eq!(fates[2], Fate::Kept);
    };
    let mut registry = textmill::registry().with_worker(worker());
    let loaded = registry.load_isolated(&place, Some(&swap)).unwrap();
    assert_eq!(loaded.stages, ["obey", "shout"]);
    trace(&registry, text.clone());
    put(&project, "unruly");
    let mut registry = textmill::registry().with_worker(worker());
    let _ = registry.load_approved(&place, &swap).unwrap();
    trace(&registry, text.replacen("uses = 'obey'", "uses = 'obey'\nisolation = 'process'", 1));
}

/// Without `--locked` too nothing runs in such a process but what was hashed.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_its_own_loads_no_other_library_than_the_one_that_was_hashed() {
    let project = locked();
    let mut registry = textmill::registry()
        .with_worker(Some(WorkerCommand::new(env!("CARGO_BIN_EXE_textmill"), ["worker"])));
    let _ = registry.load_isolated(&project.path("plugin.so"), None).unwrap();
    put(&project, "clean");
    let text = project.read("p.toml");
    let draft = textmill::parse(textmill::Source { path: project.path("p.toml"), text }).unwrap();
    let mistakes = Engine::open(draft.resolve(&registry, &[]).unwrap(), &registry).unwrap_err();
    assert!(mistakes.to_string().contains("has changed since it was checked"), "{mistakes}");
}

#[test]
fn a_library_that_is_not_approved_does_not_run() {
    let binary = Path::new(env!("CARGO_BIN_EXE_textmill"));
    let path: PathBuf = built_library(binary, "textmill-split-sentences-plugin");
    let refusal = || Refusal { message: "is not wanted".to_owned(), hint: "go away".to_owned() };
    let mut registry = textmill::registry();
    let error = registry.load_approved(&path, &|_| Err(refusal())).unwrap_err();
    assert!(error.to_string().ends_with("split_sentences_plugin.so` is not wanted"), "{error}");
    assert_eq!(error.hint(), "go away");
    if cfg!(target_os = "linux") {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(path.to_str().unwrap()));
    }
}

#[test]
fn a_file_is_handed_over_as_the_bytes_that_were_hashed() {
    let project = locked();
    let path = project.path("p.toml");
    let mut registry = textmill::registry();
    registry.load(&project.path("plugin.so")).unwrap();
    let text = project.read("p.toml");
    let draft = textmill::parse(textmill::Source { path, text }).unwrap();
    let pipeline = draft.resolve(&registry, &[]).unwrap();
    let engine = Engine::open_approved(pipeline, &registry, &|spec, _| {
        fs::write(&spec.absolute, "DULL\n").unwrap();
        Ok(())
    });
    let engine = engine.unwrap();
    let fate = |text: &str| {
        let document = serde_json::json!({ "text": text }).to_string();
        engine.trace_json(&document, "x").unwrap().fate
    };
    assert!(matches!(fate("SLEEPY"), textmill::Fate::Dropped { .. }));
    assert_eq!(fate("DULL"), textmill::Fate::Kept);
    assert_eq!(engine.provenance().resources[0].sha256, sha256sum(b"SLEEPY\n"));
}

mod frozen {
    use super::*;

    fn frozen(project: &Project) -> Ran {
        project.run(["run", "p.toml", "--frozen"])
    }

    #[test]
    fn the_input_that_is_locked_is_read() {
        let project = locked();
        let lock = project.read("textmill.lock");
        std::fs::remove_file(project.path("textmill.lock")).unwrap();
        let _ = frozen(&project).code(2).says(&["there is no", "textmill lock p.toml --input"]);
        project.write("textmill.lock", lock);
        let _ = frozen(&project).code(2).says(&[
            "says nothing of the input",
            "p.toml:2:",
            "textmill lock p.toml --input",
        ]);
        let _ = project.run(["lock", "p.toml", "--input"]).code(0).says(&["1 input file"]);
        let input = entry(&project)["input"].clone();
        let line = format!("{}  in.jsonl\n", sha256sum(project.read("in.jsonl").as_bytes()));
        assert_eq!(input["sha256"].as_str().unwrap(), sha256sum(line.as_bytes()));
        assert_eq!(input["bytes"].as_integer(), Some(35));
        let _ = frozen(&project).code(0);
        let _ = project.run(["check", "p.toml", "--frozen"]).code(0);
        // To lock the plugins once more leaves it as it is.
        let _ = project.run(["lock", "p.toml"]).code(0).says(&["unchanged", "1 input file"]);
    }

    #[test]
    fn any_other_is_refused() {
        let project = locked();
        let _ = project.run(["lock", "p.toml", "--input"]).code(0);
        let before = project.read("in.jsonl");
        project.write("in.jsonl", before.replace("awake", "alive"));
        let _ = frozen(&project)
            .code(2)
            .says(&["the input is not the one of `textmill.lock`: it is of the same size"]);
        project.write("in.jsonl", "");
        let _ = frozen(&project).code(2).says(&["it is 1 file of 0 bytes, not 1 file of 35 bytes"]);
        assert!(!project.path("out.jsonl").exists());
        project.write("in.jsonl", before);
        let _ = frozen(&project).code(0);
        let _ = project.run(["run", "p.toml", "--frozen", "-i", "in.jsonl"]).code(2);
    }

    #[test]
    fn another_plugin_is_refused_too() {
        let project = locked();
        let _ = project.run(["lock", "p.toml", "--input"]).code(0);
        project.write("words.txt", "OTHER\n");
        let _ = frozen(&project).code(2).says(&["the file `words.txt` is not the one of `textmill.lock`"]);
    }
}
