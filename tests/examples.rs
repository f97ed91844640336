//! The stage `strip-word` in every language of `plugins/examples`, each built with the command that the page there gives,
//! does the same.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use textmill_testkit::{Project, Ran, workspace};

use crate::readme::{commands, keep_target, shell};
use crate::{copy_into, project};

/// A word with characters of every length, and some that JSON escapes.
const WORD: &str = "é\n\"\\ä😀€";

#[test]
fn a_stage_in_rust() {
    check("Rust", "rust", "target/debug/libstrip_word.so");
}

#[test]
fn a_stage_in_c() {
    check("C", "c", "strip_word.so");
}

#[test]
fn a_stage_in_cpp() {
    check("C++", "cpp", "strip_word.so");
}

#[test]
fn a_stage_in_zig() {
    if Command::new("zig").arg("version").output().is_ok() {
        check("Zig", "zig", "strip_word.so");
        return;
    }
    // Past what the test runner holds back of a test that passes.
    let text = b"SKIPPED a_stage_in_zig: there is no `zig` on the path; .ci/run installs one\n";
    std::io::stderr().write_all(text).unwrap();
    let needed = std::env::var_os("TEXTMILL_NEEDS_ZIG").is_some();
    assert!(!needed, "TEXTMILL_NEEDS_ZIG is set, and there is no `zig`");
}

/// What the example does not need of the wrapper for C++: `wrapper/everything.cpp`, and golden cases of it. Without
/// optimization, which makes symbols of what is inlined otherwise.
#[test]
fn the_wrapper_for_cpp_does_all_that_it_says() {
    let (project, here) = (project(), workspace().join("tests/wrapper"));
    let mut compiler = Command::new("c++");
    compiler.args([
        "-std=c++17",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-I",
    ]);
    compiler.arg(workspace().join("crates/textmill-abi/include")).arg(here.join("everything.cpp"));
    compiler.args(["-o", "everything.so"]).current_dir(project.path(""));
    let _ = Ran::from(compiler.output().unwrap()).code(0);
    let cases = ["plugin", "cases", "everything.so", "--cases"];
    let _ = project.run(cases.iter().chain(&[here.join("cases").to_str().unwrap()])).code(0);
    let _ = project.run(["plugin", "test", "everything.so", "--quick"]).code(0).says(&["0 failed"]);
    project.write("cases/a.in.txt", "");
    project.write("cases/a.options.json", r#"{ "with": "broken" }"#);
    let _ = project.run(cases.iter().chain(&["cases"])).code(1).says(&["it was told not to open"]);
}

/// Builds the example in `folder` as the page says under `language`, and runs it.
fn check(language: &str, folder: &str, library: &str) {
    let project = project();
    copy_into(&project, &workspace().join("plugins/examples"), "plugins/examples");
    #[cfg(unix)]
    std::os::unix::fs::symlink(workspace().join("crates"), project.path("crates")).unwrap();
    leave_the_workspace(&project);
    let page = project.read("plugins/examples/README.md");
    let folder = project.path("plugins/examples").join(folder);
    if language == "Rust" {
        keep_target(&folder);
    }
    for command in commands(section(&page, language)) {
        let _ = shell(&folder, &command).code(0);
    }
    let library = folder.join(library);
    exports_one_symbol(&library);
    project.write("p.toml", pipeline(&library, &format!("word = {}, at-most = 2", json!(WORD))));
    documents_are_edited_counted_dropped_and_failed(&project);
    options_are_checked(&project, &library);
    the_stage_describes_itself(&project);
    let tested = project.run(["plugin", "test", library.to_str().unwrap(), "--quick"]).code(0);
    let _ = tested.says(&["0 failed"]);
}

/// A path in a manifest leads to a folder of the repository, whose workspace is there.
fn leave_the_workspace(project: &Project) {
    let manifest = "plugins/examples/rust/Cargo.toml";
    let crates = workspace().join("crates");
    let text = project.read(manifest).replace("../../../crates", crates.to_str().unwrap());
    project.write(manifest, text);
}

/// What a page says under a heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    page.split("\n## ").find(|section| section.lines().next() == Some(heading)).unwrap()
}

/// C++ has weak symbols of its own library in every library; what counts is that nothing of the plugin can meet a symbol of
/// the same name elsewhere.
fn exports_one_symbol(library: &Path) {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().unwrap();
    let strong = Ran::from(output).code(0).stdout;
    let strong: Vec<_> = strong
        .lines()
        .map(|line| line.split_whitespace().rev().take(2).collect::<Vec<_>>())
        .filter(|parts| !"WVu".contains(parts[1]))
        .map(|parts| parts[0].to_owned())
        .collect();
    assert_eq!(strong, ["textmill_plugin_v1"]);
}

fn pipeline(library: &Path, with: &str) -> String {
    let mut text = format!("plugins = ['{}']\n", library.display());
    text += "input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n";
    text += "dropped.uri = 'dropped.jsonl'\n[[stage]]\nuses = 'strip-word'\n";
    writeln!(text, "with = {{ {with} }}").unwrap();
    text
}

fn documents_are_edited_counted_dropped_and_failed(project: &Project) {
    let texts = [
        ("one", format!("a{WORD}b{WORD}c")),
        ("none", "nothing".to_owned()),
        ("empty", String::new()),
        ("thrice", WORD.repeat(3)),
        ("nul", format!("{WORD}\0")),
        ("bare", WORD.to_owned()),
    ];
    let line = |(id, text): &(&str, String)| json!({"id": id, "text": text}).to_string() + "\n";
    project.write("in.jsonl", texts.iter().map(line).collect::<String>());
    let ran = project.run(["run", "p.toml", "--overwrite"]).code(1);
    let _ = ran.says(&["6 documents read = 4 kept + 1 dropped + 1 failed", "the text has a NUL"]);
    let kept = [("one", "abc", 2), ("none", "nothing", 0), ("empty", "", 0), ("bare", "", 1)];
    let kept = kept.map(|(id, text, removed)| json!({"id": id, "text": text, "removed": removed}));
    assert_eq!(project.read_jsonl("out.jsonl"), kept);
    let part = |file: &str, names: [&str; 2]| {
        let document = project.read_jsonl(file).remove(0);
        names.map(|name| document[name].as_str().unwrap().to_owned())
    };
    assert_eq!(part("dropped.jsonl", ["id", "rule"]), ["thrice", "too-many"]);
    assert_eq!(part("out.failed.jsonl", ["id", "error"]), ["nul", "the text has a NUL"]);
    let tried = project.run(["try", "p.toml", "in.jsonl"]).code(0).stdout;
    assert!(tried.contains("2 edits") && tried.contains("word"), "{tried}");
}

fn options_are_checked(project: &Project, library: &Path) {
    for (with, parts) in [
        ("word = 'two words'", ["one word has no space in it", "wrong.toml:7:17"]),
        ("word = ''", ["must not be empty", "wrong.toml:7:17"]),
        ("word = 7", ["string", "wrong.toml:7:17"]),
        ("word = 'a', at-most = -1", ["at-most", "wrong.toml:7:32"]),
        ("word = 'a', at-most = 1e30", ["at-most", "wrong.toml:7:32"]),
        ("word = 'a', at-mots = 1", ["unknown key `at-mots`", "at-most"]),
        ("at-most = 1", ["word", "wrong.toml:7"]),
    ] {
        project.write("wrong.toml", pipeline(library, with));
        let _ = project.run(["check", "wrong.toml"]).code(2).says(&parts);
    }
}

fn the_stage_describes_itself(project: &Project) {
    let page = project.run(["doc", "strip-word", "--pipeline", "p.toml"]).code(0).stdout;
    for part in [
        "Removes a word wherever it stands",
        "word  string, required",
        "at-most  integer",
        "Texts that have it more often are dropped.",
        "too-many  drops the document",
    ] {
        assert!(page.contains(part), "`{part}` is not in\n{page}");
    }
    let plan = project.run(["list", "p.toml"]).code(0).stdout;
    assert!(plan.lines().any(|line| line.starts_with("strip-word")), "{plan}");
}
