//! A zoo of broken plugins: each is a C file in `zoo/` that is wrong in one way. A run refuses it by name or fails
//! the documents that it spoils; `plugin test` finds it out, crashes and endless loops too; and nothing is lost.
//!
//! The text that sets most of them off has the word `grass`.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use textmill_testkit::{Project, workspace};

use crate::{names_in, piped, project};

/// Refused when it is loaded: by `check` and `run` with this message, by `plugin test` in the check `loads`.
const REFUSED: &[(&str, &str)] = &[
    ("no-symbol", "does not export `textmill_plugin_v1`"),
    ("null-description", "was made for another version of the plugin contract"),
    ("wrong-magic", "something that is no plugin description"),
    ("wrong-major", "was made for plugin contract 2.0 draft "),
    ("short-description", "describes itself in 8 bytes, which are too few"),
    ("short-stage", "describes a stage in 24 bytes, which are too few"),
    ("many-stages", "says that it has 1152921504606846976 stages"),
    ("null-stages", "has 1 stages at a null pointer"),
    ("null-stage", "describes a stage by a null pointer"),
    ("null-function", "without the function `process`"),
    ("long-name", "of 1152921504606846976 bytes"),
    ("invalid-name", "the name of a stage that is not UTF-8"),
    ("odd-name", r"names a stage `\u{1b}[2Jgraze`"),
    ("twice", "offers two stages named `graze`"),
    ("unknown-permission", "permissions that this textmill does not know"),
    ("bad-schema", "the schema of the options of `graze` is no JSON"),
];

/// Refused when the stage is opened: by `check` and `run`, and by `plugin test` in this check.
const UNOPENED: &[(&str, &str, &str)] = &[
    ("wrong-schema", "schema", "schema"),
    ("refuses-to-open", "options", "did not say why (status 3)"),
    ("panic-in-open", "options", "panicked: no grass"),
    ("null-instance", "options", "could not be opened"),
    ("many-rules", "options", "declares 1152921504606846976"),
    ("null-rules", "options", "at a null pointer"),
    ("writes-text", "options", "declares `text` or `id` as a field it sets"),
];

/// Spoils documents: a run fails those with this message and goes on, `plugin test` finds it in this check.
const SPOILS: &[(&str, &str, &str)] = &[
    ("panic-in-process", "hostile-texts", "the stage gave up"),
    ("gives-up", "hostile-texts", "did not say why (status 3)"),
    ("out-of-range", "hostile-texts", "lies outside of the text"),
    ("overlaps", "hostile-texts", "overlaps the edit before it"),
    ("many-edits", "hostile-texts", "1152921504606846976 values"),
    ("undeclared-field", "hostile-texts", "set field number 0, which it did not declare"),
    ("undeclared-rule", "hostile-texts", "rule number 7, which it did not declare"),
    ("undeclared-rule", "never-drops", "has no permission to filter"),
    ("invalid-text", "hostile-texts", "a text that is not UTF-8"),
    ("stray-document", "hostile-texts", "answered for document"),
    ("not-only-deletes", "only-deletes", "for what it was not declared for"),
];

/// What only `plugin test` can find out: in this check, with this verdict and message.
const FOUND: &[(&str, &str, &str, &str)] = &[
    ("no-stages", "loads", "failed", "offers no stage"),
    ("abort-in-constructor", "loads", "crashed", "the plugin crashed: SIGABRT"),
    ("abort-in-entry", "loads", "crashed", "the plugin crashed: SIGABRT"),
    ("exit-in-entry", "loads", "crashed", "ended its process: exit code 0"),
    ("no-symbol", "exports", "failed", "does not export `textmill_plugin_v1`"),
    ("open-schema", "wrong-options", "failed", "an unknown key is not refused"),
    ("abort", "hostile-texts", "crashed", "the plugin crashed: SIGABRT"),
    ("exit", "hostile-texts", "crashed", "ended its process: exit code 0"),
    ("exit-in-thread", "hostile-texts", "crashed", "ended its process: exit code 0"),
    ("segfault", "hostile-texts", "crashed", "the plugin crashed: SIGSEGV"),
    ("silent-failure", "hostile-texts", "failed", "without a message"),
    ("silent-failure", "panics", "failed", "without a message"),
    ("writes-input", "guarded-input", "crashed", "SIGSEGV"),
    ("reads-beyond", "guarded-input", "crashed", "SIGSEGV"),
    ("looks-beyond", "longer-structs", "failed", "answers otherwise"),
    ("not-pure", "pure", "failed", "depends on what came before"),
    ("not-idempotent", "idempotent", "failed", "a second time the text becomes"),
    ("leaks", "leaks", "failed", "memory grows by 4"),
    ("leaks-files", "leaks", "failed", "open files"),
];

/// Costs document `b` with this reason in a run with `isolation` and these limits; without, most would cost the run.
const CONTAINED: &[(&str, &str, &str)] = &[
    ("abort", "", "the plugin's process was killed by SIGABRT"),
    ("segfault", "", "the plugin's process was killed by SIGSEGV"),
    ("exit", "", "the plugin's process exited with code 0"),
    ("exit-in-thread", "", "the plugin's process exited with code 0"),
    ("endless-loop", "timeout = '500ms'\n", "took longer than 500ms"),
    ("allocates", "memory-limit = '128MiB'\n", "needed more than 128 MiB"),
    ("gives-up", "", "the stage gave up, and did not say why (status 3)"),
    ("silent-failure", "", "the stage did not say why"),
];

/// Ends the process that loads it: with `isolation` it is refused for that.
const ENDS_LOADING: &[(&str, &str)] = &[
    (
        "abort-in-constructor",
        "cannot be loaded: the plugin's process was killed by SIGABRT while it loaded it",
    ),
    ("abort-in-entry", "cannot be loaded: the plugin's process was killed by SIGABRT while it loaded it"),
    ("exit-in-entry", "cannot be loaded: the plugin's process exited with code 0 while it loaded it"),
];

/// The libraries, compiled once for all tests.
fn zoo() -> &'static Path {
    static ZOO: OnceLock<PathBuf> = OnceLock::new();
    ZOO.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zoo");
        fs::create_dir_all(&folder).unwrap();
        let cages = workspace().join("tests/zoo");
        let files: Vec<_> = animals().iter().map(|name| cages.join(name).with_extension("c")).collect();
        std::thread::scope(|scope| {
            for half in files.chunks(files.len().div_ceil(2)) {
                let folder = &folder;
                scope.spawn(move || half.iter().for_each(|file| compile(file, folder)));
            }
        });
        folder
    })
}

fn animals() -> Vec<String> {
    let files = names_in(&workspace().join("tests/zoo"));
    files.iter().filter_map(|name| name.strip_suffix(".c")).map(str::to_owned).collect()
}

fn compile(file: &Path, folder: &Path) {
    let library = folder.join(file.file_stem().unwrap()).with_extension("so");
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c11",
        "-shared",
        "-fPIC",
        "-O1",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-I",
    ]);
    cc.arg(workspace().join("crates/textmill-abi/include")).arg(file).arg("-o").arg(library);
    let output = cc.output().expect("there is a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn library(name: &str) -> PathBuf {
    zoo().join(name).with_extension("so")
}

const INPUT: &str = "{\"id\":\"a\",\"text\":\"hay\"}\n{\"id\":\"b\",\"text\":\"grass on grass\"}\n{\"id\":\"c\",\"text\":\"hay\"}\n";

/// A pipeline with the plugin, and `out.jsonl` as an earlier run has left it.
fn pipeline(name: &str) -> Project {
    let project = piped("[[stage]]\nuses = 'clean'\n", "{\"id\":\"old\",\"text\":\"old\"}\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    let library = library(name);
    let plugins = format!("plugins = [{:?}]\n", library.to_str().unwrap());
    let files = "output.uri = 'out.jsonl'\ninput.uri = 'in.jsonl'\n";
    project.write("p.toml", plugins + files + "[[stage]]\nuses = 'graze'\n");
    project.write("in.jsonl", INPUT);
    project
}

/// [`pipeline`] with the plugin isolated as a whole.
#[cfg(target_os = "linux")]
fn isolated(name: &str, limits: &str) -> Project {
    let project = pipeline(name);
    let text =
        project.read("p.toml").replacen("plugins = [", "plugins = [{ isolation = 'process', path = ", 1);
    project.write("p.toml", text.replacen(']', " }]", 1) + limits);
    project
}

fn ids(project: &Project, file: &str) -> Vec<String> {
    let documents = project.read_jsonl(file);
    documents.iter().map(|document| document["id"].as_str().unwrap().to_owned()).collect()
}

/// What `plugin test` finds with one check.
fn test(name: &str, check: &str, more: &[&str]) -> Value {
    let project = project().file("grass.jsonl", INPUT);
    let library = library(name);
    let args = ["plugin", "test", library.to_str().unwrap(), "--check", check, "--corpus", "grass.jsonl"];
    let ran = project.run(args.iter().chain(&["--quick", "--format", "json"]).chain(more));
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{name}: {}", ran.stderr));
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["check"] == check);
    let found = found.unwrap_or_else(|| panic!("{name}: {report:#}")).clone();
    let well = ["passed", "not-claimed", "not-run"].contains(&found["verdict"].as_str().unwrap());
    assert_eq!(ran.code, Some(i32::from(!well)), "{name}: {report:#}");
    found
}

fn check_found(found: &Value, verdict: &str, part: &str) {
    let message = found["message"].as_str().unwrap_or_default();
    assert!(found["verdict"] == verdict && message.contains(part), "`{part}` is not in\n{found:#}");
}

#[test]
fn a_whole_plugin_is_well() {
    let library = library("whole");
    let ran = project().run([Path::new("plugin"), Path::new("test"), &library, Path::new("--quick")]);
    let ran = ran.code(0).says(&["0 failed"]);
    assert!(ran.stdout.contains("not claimed   idempotent"), "{}", ran.stdout);
    let project = pipeline("whole");
    let _ = project.run(["run", "p.toml"]).code(0);
    assert_eq!(project.read_jsonl("out.jsonl")[1]["text"], " on grass");
}

#[test]
fn every_animal_has_a_place() {
    let mut all: Vec<_> = REFUSED.iter().map(|(name, _)| *name).collect();
    all.extend(UNOPENED.iter().chain(SPOILS).map(|(name, _, _)| *name));
    all.extend(FOUND.iter().map(|(name, ..)| *name));
    all.extend(["whole", "allocates", "endless-loop", "loops-in-open"]);
    for name in animals() {
        assert!(all.contains(&name.as_str()), "`{name}` is tried nowhere");
    }
}

#[test]
fn a_plugin_that_is_refused_is_refused_by_name() {
    for (name, part) in REFUSED {
        let project = pipeline(name);
        for command in ["check", "run"] {
            let file = format!("{name}.so");
            let _ = project.run([command, "p.toml"]).code(2).says(&[part, &file, "p.toml:1:12", "hint: "]);
        }
        assert_eq!(project.read_jsonl("out.jsonl")[0]["id"], "old");
        check_found(&test(name, "loads", &[]), "failed", part);
    }
}

#[test]
fn a_stage_that_does_not_open_is_refused_by_name() {
    for (name, check, part) in UNOPENED {
        let project = pipeline(name);
        for command in ["check", "run"] {
            let _ = project.run([command, "p.toml"]).code(2).says(&[part, "graze", "p.toml:"]);
        }
        assert_eq!(project.read_jsonl("out.jsonl")[0]["id"], "old");
        check_found(&test(name, check, &[]), "failed", part);
    }
}

#[test]
fn a_document_that_is_spoiled_fails_and_is_kept() {
    for (name, check, part) in SPOILS {
        let project = pipeline(name);
        let ran = project.run(["run", "p.toml"]).code(1).says(&["3 documents read = ", "out.failed.jsonl"]);
        let mut all = [ids(&project, "out.jsonl"), ids(&project, "out.failed.jsonl")].concat();
        all.sort();
        assert_eq!(all, ["a", "b", "c"], "{name}: {}", ran.stderr);
        for failed in project.read_jsonl("out.failed.jsonl") {
            let error = failed["error"].as_str().unwrap();
            let expected = if *check == "hostile-texts" { part } else { "rule" };
            assert!(error.contains(expected) && failed["stage"] == "graze", "{name}: {failed}");
            assert!(INPUT.contains(failed["original"].as_str().unwrap()));
        }
        check_found(&test(name, check, &[]), "failed", part);
    }
}

#[test]
fn what_a_run_cannot_see_is_found_by_a_test() {
    for (name, check, verdict, part) in FOUND {
        check_found(&test(name, check, &[]), verdict, part);
    }
}

#[test]
fn the_document_that_shows_it_is_named_and_short() {
    for (name, check, text) in [
        ("not-idempotent", "idempotent", "grassgrass"),
        ("not-pure", "pure", "grass"),
        ("overlaps", "hostile-texts", " "),
    ] {
        let more =
            "{\"id\":\"meadow\",\"text\":\"On the hill\\nis grass and\\nmore grass, and grass.\\n\"}\n";
        let project = project().file("meadow.jsonl", more);
        let library = library(name);
        let args =
            ["plugin", "test", library.to_str().unwrap(), "--check", check, "--corpus", "meadow.jsonl"];
        let ran = project.run(args.iter().chain(&["--quick", "--format", "json"])).code(1);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let input = &report["checks"][0]["input"];
        assert_eq!((&input["text"], &input["minimized"]), (&text.into(), &true.into()), "{report:#}");
        assert!(check == "hostile-texts" || input["document"] == "meadow", "{report:#}");
    }
    let found = test("segfault", "hostile-texts", &[]);
    assert_eq!(found["input"]["document"], "b", "{found:#}");
    assert_eq!(found["input"]["text"], "grass on grass");
}

/// Each attempt is a process, and on a slow machine there is time for few.
#[test]
fn the_document_that_crashes_is_made_shorter() {
    for name in ["segfault", "exit"] {
        let project = project().file("grass.txt", "hay\n".repeat(500) + "grass\n" + &"hay\n".repeat(500));
        let library = library(name);
        let args = ["plugin", "test", library.to_str().unwrap(), "--check", "hostile-texts"];
        let ran = project.run(args.iter().chain(&["--corpus", "grass.txt", "--format", "json"])).code(1);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        let found = &report["checks"][0];
        let (input, text) = (&found["input"], found["input"]["text"].as_str().unwrap());
        assert!(found["verdict"] == "crashed" && input["minimized"] == true, "{report:#}");
        assert!(input["document"] == "grass.txt" && text.len() < 400 && text.contains("grass"), "{report:#}");
    }
}

#[test]
fn an_endless_loop_ends_with_the_time_limit() {
    let found = test("endless-loop", "hostile-texts", &["--timeout", "5"]);
    check_found(&found, "timed-out", "was not done within 5s");
    assert_eq!(found["input"]["document"], "b");
}

#[cfg(target_os = "linux")]
#[test]
fn a_plugin_that_takes_all_memory_is_stopped() {
    let found = test("allocates", "hostile-texts", &["--memory", "200"]);
    check_found(&found, "out-of-memory", "more than 200 MiB");
    assert_eq!(found["input"]["document"], "b");
}

#[test]
fn a_crash_leaves_the_output_of_before() {
    for name in ["abort", "segfault", "exit"] {
        let project = pipeline(name);
        let before = project.read("out.jsonl");
        let _ = project.run(["run", "p.toml"]);
        assert_eq!(project.read("out.jsonl"), before, "{name}");
        fs::remove_file(project.path("out.jsonl")).unwrap();
        let _ = project.run(["run", "p.toml"]);
        assert!(!project.path("out.jsonl").exists(), "{name}");
    }
}

/// Each plugin of the zoo, isolated as a whole: those that are broken when they are loaded or opened are refused for the
/// same reasons as in this process, those that spoil documents or end their process cost the documents that make them do
/// so, and with all others all documents are kept.
#[cfg(target_os = "linux")]
#[test]
fn every_animal_is_contained_by_a_process_of_its_own() {
    let animals = animals();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(name) = animals.get(next.fetch_add(1, Ordering::Relaxed)) {
            check_contained(name);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
}

#[cfg(target_os = "linux")]
fn check_contained(name: &str) {
    if name == "loops-in-open" {
        return check_opens_in_time();
    }
    let refused = REFUSED.iter().chain(ENDS_LOADING).map(|(name, part)| (*name, *part, ".so"));
    let unopened = UNOPENED.iter().map(|(name, _, part)| (*name, *part, "graze"));
    let without_stages = ("no-stages", "unknown stage `graze`", "p.toml");
    let mut never_run = refused.chain(unopened).chain([without_stages]);
    if let Some((_, part, place)) = never_run.find(|(known, ..)| *known == name) {
        let project = isolated(name, "");
        let _ = project.run(["run", "p.toml"]).code(2).says(&[part, place, "p.toml:"]);
        return assert_eq!(project.read_jsonl("out.jsonl")[0]["id"], "old");
    }
    let contained = CONTAINED.iter().find(|(known, ..)| *known == name);
    let spoils = SPOILS.iter().find(|(known, ..)| *known == name);
    let project = isolated(name, contained.map_or("", |(_, limits, _)| limits));
    let code = i32::from(contained.or(spoils).is_some());
    let ran = project.run(["run", "p.toml"]).code(code).says(&["3 documents read = "]);
    let kept = ids(&project, "out.jsonl");
    let failed = if ran.code == Some(1) { project.read_jsonl("out.failed.jsonl") } else { Vec::new() };
    let all = kept.iter().map(String::as_str).chain(failed.iter().map(|it| it["id"].as_str().unwrap()));
    assert_eq!(all.collect::<BTreeSet<_>>(), BTreeSet::from(["a", "b", "c"]), "{name}: {}", ran.stderr);
    assert_eq!(kept.len() + failed.len(), 3, "{name}");
    assert!(contained.is_none() || kept == ["a", "c"], "{name}: {kept:?}");
    let reason = contained.or(spoils).map_or("", |(_, _, reason)| reason);
    for document in &failed {
        let error = document["error"].as_str().unwrap();
        assert!(error.contains(reason) && document["stage"] == "graze", "{name}: {document}");
        assert!(INPUT.contains(document["original"].as_str().unwrap()), "{name}: {document}");
    }
}

#[cfg(target_os = "linux")]
fn check_opens_in_time() {
    let project = isolated("loops-in-open", "timeout = '2s'\n");
    for command in ["check", "run"] {
        let ran = project.run([command, "p.toml"]).code(2);
        let _ = ran.says(&["the stage took longer than 2s to open", "raise `timeout`", "p.toml:"]);
    }
}

/// Among documents that crash and documents with which the stage gives up, each fails for its own reason, and no other.
#[cfg(target_os = "linux")]
#[test]
fn a_stage_that_gives_up_costs_the_document() {
    let project = isolated("gives-up", "");
    let (crashes, gives_up) = ("was killed by SIGABRT", "did not say why (status 3)");
    for (texts, reasons) in [
        (["hay", "straw", "hay", "grass", "hay"], [(1, crashes), (3, gives_up)]),
        (["grass", "hay", "hay", "straw", "hay"], [(0, gives_up), (3, crashes)]),
        (["hay", "hay", "hay", "grass", "grass"], [(3, gives_up), (4, gives_up)]),
    ] {
        let line = |(id, text)| serde_json::json!({"id": id, "text": text}).to_string() + "\n";
        project.write(
            "in.jsonl",
            ["0", "1", "2", "3", "4"].into_iter().zip(texts).map(line).collect::<String>(),
        );
        let ran = project.run(["run", "p.toml", "--fresh"]).code(1);
        let _ = ran.says(&["5 documents read = 3 kept + 0 dropped + 2 failed"]);
        let failed = project.read_jsonl("out.failed.jsonl");
        for (document, (id, reason)) in failed.iter().zip(reasons) {
            assert_eq!(document["id"], id.to_string(), "{texts:?}");
            assert!(document["error"].as_str().unwrap().contains(reason), "{texts:?}: {document}");
        }
    }
}

/// Not even the initialisers of its library run in the process of textmill, which would end with it.
#[cfg(target_os = "linux")]
#[test]
fn no_command_loads_a_plugin_that_is_isolated() {
    for (name, part) in ENDS_LOADING {
        let project = isolated(name, "[[test]]\nname = 'one'\ninput.text = 'grass'\n");
        for args in [
            &["check", "p.toml"][..],
            &["list", "p.toml"],
            &["plugin", "list", "p.toml"],
            &["doc", "graze", "--pipeline", "p.toml"],
            &["test", "p.toml"],
            &["try", "p.toml", "in.jsonl"],
            &["lock", "p.toml"],
        ] {
            let _ = project.run(args).code(2).says(&[part, name, "p.toml:1:12", "hint: "]);
        }
    }
    let project = isolated("whole", "[[test]]\nname = 'one'\ninput.text = 'grass'\nexpect.text = ''\n");
    for args in [&["test", "p.toml"][..], &["try", "p.toml", "in.jsonl"], &["lock", "p.toml"]] {
        let _ = project.run(args).code(0);
    }
    let _ = project.run(["run", "p.toml", "--locked"]).code(0);
}

#[test]
fn a_library_without_a_stage_has_no_cases() {
    let library = library("no-stages");
    let ran = project().run(["plugin", "cases", library.to_str().unwrap()]).code(2);
    let _ = ran.says(&["error: the library has no stage", "hint: is this the right library?"]);
}

#[test]
fn a_plugin_that_ends_the_process_is_no_success() {
    let project = pipeline("exit");
    let before = project.read("out.jsonl");
    for args in [&["run", "p.toml"][..], &["run", "p.toml", "-j", "1", "-q"], &["try", "p.toml", "grass.txt"]]
    {
        project.write("grass.txt", "grass");
        let ran = project.run(args).code(2).says(&["error: the stage `graze` ended the process", "hint: "]);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(project.read("out.jsonl"), before);
    let _ = pipeline("exit-in-thread").run(["run", "p.toml"]).code(2).says(&["error: a plugin ended"]);
    for command in ["run", "check", "list", "lock"] {
        let ran = pipeline("exit-in-entry").run([command, "p.toml"]).code(2);
        let _ = ran.says(&["error: the plugin `", "exit-in-entry.so` ended the process"]);
    }
}

/// The process still ends by the signal, and where no plugin is at work nothing is said.
#[test]
fn a_crash_says_which_plugin_it_was() {
    use std::os::unix::process::ExitStatusExt;
    for (name, signal, number, who) in [
        ("abort", "SIGABRT", 6, "the stage `graze`"),
        ("segfault", "SIGSEGV", 11, "the stage `graze`"),
        ("abort-in-entry", "SIGABRT", 6, "abort-in-entry.so`"),
        ("abort-in-constructor", "SIGABRT", 6, "abort-in-constructor.so`"),
    ] {
        let output = pipeline(name).command(["run", "p.toml", "-q"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(number), "{name}: {said}");
        let crashed = format!("{who} crashed ({signal}); textmill ends with it\nhint: ");
        assert!(said.contains("error: the ") && said.contains(&crashed), "{name}: {said}");
        assert!(said.contains("isolation = \"process\"") && !said.contains('\x1b'), "{name}: {said}");
    }
}

#[test]
fn a_file_that_is_no_library_for_this_machine_is_refused() {
    let mut elf = fs::read(library("whole")).unwrap();
    // `e_machine` of the header: a processor of another kind, and one that has no name here.
    for (machine, part) in [([243, 0], "riscv64"), ([0xfe, 0xca], "another processor")] {
        elf[18..20].copy_from_slice(&machine);
        check_no_library(&elf, &["built for ", part]);
    }
    check_no_library(b"no library at all", &["cannot load"]);
    check_no_library(b"", &["cannot load"]);
    check_no_library(&elf[..200], &["cannot load"]);
}

/// What to do depends on why the system cannot load it.
#[cfg(target_os = "linux")]
#[test]
fn a_library_that_lacks_something_says_what() {
    let build = |project: &Project, args: &[&str]| {
        let mut cc = Command::new("cc");
        let built = cc.current_dir(project.path(".")).args(["-shared", "-fPIC"]).args(args).status();
        assert!(built.unwrap().success(), "{args:?}");
    };
    let code = "int nowhere(void);\nint here(void) { return nowhere(); }\n";
    for (linked, parts) in [
        (&[][..], ["undefined symbol: nowhere", "`ldd -r` shows which"]),
        (
            &["-L.", "-lgone"],
            ["libgone.so: cannot open shared object file", "install the library that it needs"],
        ),
        (&["-L.", "-lc.musl"], ["libc.musl.so: cannot open", "built for musl"]),
    ] {
        let project =
            pipeline("whole").file("here.c", code).file("nowhere.c", "int nowhere(void) { return 1; }\n");
        if let [_, name] = linked {
            build(&project, &["nowhere.c", "-o", &(name.replace("-l", "lib") + ".so")]);
        }
        build(&project, &[&["here.c", "-o", "none.so"], linked].concat());
        if let [_, name] = linked {
            fs::remove_file(project.path(name.replace("-l", "lib") + ".so")).unwrap();
        }
        project
            .write("p.toml", project.read("p.toml").replace(library("whole").to_str().unwrap(), "./none.so"));
        let _ = project.run(["check", "p.toml"]).code(2).says(&parts).says(&["p.toml:1:12", "hint: "]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_plugin_that_has_no_end_is_refused() {
    let project = pipeline("whole");
    let pipe = project.path("pipe.so");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in ["/dev/zero", "./pipe.so"] {
        for plugin in [format!("'{path}'"), format!("{{ path = '{path}', isolation = 'process' }}")] {
            let rest = "input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n[[stage]]\nuses = 'graze'\n";
            project.write("p.toml", format!("plugins = [{plugin}]\n{rest}"));
            for command in ["check", "run", "lock"] {
                let ran = project.run([command, "p.toml"]).code(2);
                let _ = ran.says(&["cannot load: it is no regular file", "p.toml:1:12", "hint: "]);
            }
        }
    }
}

fn check_no_library(bytes: &[u8], parts: &[&str]) {
    let project = pipeline("whole").file("none.so", bytes);
    project.write("p.toml", project.read("p.toml").replace(library("whole").to_str().unwrap(), "./none.so"));
    for command in ["check", "run"] {
        let _ =
            project.run([command, "p.toml"]).code(2).says(parts).says(&["none.so", "p.toml:1:12", "hint: "]);
    }
    assert_eq!(project.read_jsonl("out.jsonl")[0]["id"], "old");
    let ran = project.run(["plugin", "test", "none.so"]).code(1);
    assert!(
        ran.stdout.contains("FAILED") && parts.iter().all(|part| ran.stdout.contains(part)),
        "{}",
        ran.stdout
    );
}

#[test]
fn reports_are_for_people_and_programs() {
    let project = project().file("grass.jsonl", INPUT);
    let segfault = library("segfault");
    let run = |more: &[&str]| {
        let args = ["plugin", "test", segfault.to_str().unwrap(), "--quick", "--corpus", "grass.jsonl"];
        project.run(args.iter().chain(more)).code(1)
    };
    let human = run(&["--check", "hostile-texts", "--check", "loads"])
        .says(&["segfault.so: 1 checks passed, 1 failed"]);
    for part in [
        "the library\n  passed        loads",
        "graze\n  CRASHED       hostile-texts",
        "SIGSEGV",
        "document `b`",
    ] {
        assert!(human.stdout.contains(part), "`{part}` is not in\n{}", human.stdout);
    }
    let junit = run(&["--check", "hostile-texts", "--check", "schema", "--format", "junit"]).stdout;
    for part in [
        r#"<testsuite name="graze" tests="2" skipped="0" errors="1" failures="0">"#,
        r#"<testcase name="hostile-texts" classname="graze""#,
        r#"<error message="the plugin crashed: SIGSEGV" type="error">"#,
    ] {
        assert!(junit.contains(part), "`{part}` is not in\n{junit}");
    }
}

#[test]
fn what_cannot_be_tested_is_said() {
    let project = project().file("bad.jsonl", "{}\n");
    let whole = library("whole");
    let check = |more: &[&str], parts: &[&str]| {
        let _ = project.run(["plugin", "test"].iter().chain(more)).code(2).says(parts);
    };
    let whole = whole.to_str().unwrap();
    check(&["no-such.so"], &["there is no file `no-such.so`", "hint: "]);
    check(&[whole, "--check", "well"], &["there is no check `well`", "hostile-texts"]);
    check(&[whole, "--stage", "chew"], &["the plugin has no stage `chew`", "graze"]);
    check(&[whole, "--options", "[]"], &["the options `[]` are no JSON object"]);
    check(&[whole, "--options", "no/such.json"], &["cannot read the options `no/such.json`"]);
    check(
        &[whole, "--options", "{\"chews\": 1}"],
        &["the stage `graze` refuses the options: ", "there is no key for the value 1", "hint: "],
    );
    check(&[whole, "--options", "{"], &["the options are no JSON"]);
    check(&[whole, "--corpus", "bad.jsonl"], &["bad.jsonl", "line 1"]);
    check(&[], &["LIBRARY"]);
    let _ = project.run(["plugin", "test", "--list"]).code(0);
}
