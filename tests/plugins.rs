//! Stages of libraries that are loaded at run time: the shipped ones do the same as when they are built in, and one that
//! misbehaves costs documents, never the run.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use textmill_testkit::{Project, Ran, built_library, shared};

use crate::{piped, with_pipelines};

pub(crate) fn library(name: &str) -> PathBuf {
    built_library(Path::new(env!("CARGO_BIN_EXE_textmill")), &format!("textmill-{name}-plugin"))
}

/// The line of a pipeline file that loads libraries.
pub(crate) fn plugins_line(names: &[&str]) -> String {
    let paths = names.iter().map(|name| format!("{:?}", library(name).to_str().unwrap()));
    format!("plugins = [{}]\n", paths.collect::<Vec<_>>().join(", "))
}

pub(crate) const SHIPPED: [&str; 5] = ["clean", "dedup-title", "split-sentences", "strip-links", "summarize"];

#[test]
fn a_loaded_stage_does_what_the_built_in_one_does() {
    let mut inputs = vec!["pipelines/samples/news".to_owned()];
    if let Some(path) = shared("data/news-10k.jsonl.gz") {
        inputs.push(path.canonicalize().unwrap().display().to_string());
    }
    let project = with_pipelines();
    let news = project.read("pipelines/news.toml");
    project.write("pipelines/loaded.toml", plugins_line(&SHIPPED) + &news);
    for input in &inputs {
        let output = |pipeline| {
            let ran = project.run(["run", pipeline, "-q", "-i", input, "-o", "-", "--limit", "500"]);
            ran.code(0).stdout
        };
        let (built_in, loaded) = (output("pipelines/news.toml"), output("pipelines/loaded.toml"));
        assert!(built_in.len() > 10_000);
        assert!(built_in == loaded, "{input}");
    }
}

#[test]
fn every_shipped_stage_is_the_same_alone() {
    let project = with_pipelines();
    for name in SHIPPED {
        let output = |plugins: &str| {
            let text = format!("{plugins}[input]\nuri = 'samples/news'\n[[stage]]\nuses = '{name}'\n");
            project.write("pipelines/one.toml", text);
            project.run(["run", "pipelines/one.toml", "-q", "-o", "-"]).code(0).stdout
        };
        assert!(output("") == output(&plugins_line(&[name])), "{name}");
    }
}

#[test]
fn list_and_doc_show_where_a_stage_comes_from() {
    let project = piped(&plugins_line(&["clean", "unruly"]), "");
    let listed = project.run(["list", "p.toml"]).code(0).stdout;
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for (name, plugin) in [
        ("clean", "textmill-clean-plugin"),
        ("obey", "textmill-unruly-plugin"),
        ("shout", "textmill-unruly-plugin"),
    ] {
        assert!(line(name).contains(plugin) && line(name).contains(env!("CARGO_PKG_VERSION")), "{listed}");
    }
    assert!(!line("summarize").contains("plugin"), "{listed}");

    let _ = project.run(["doc", "obey"]).code(2).says(&["there is no stage `obey`"]);
    let page = project.run(["doc", "obey", "--pipeline", "p.toml"]).code(0).stdout;
    for part in
        ["Obeys the words", "children", "to 100", "path of a file", "cut", "deletes", "drops the document"]
    {
        assert!(page.contains(part), "`{part}` is not in\n{page}");
    }
}

#[test]
fn mistakes_in_the_options_of_a_loaded_stage_are_shown_in_the_file() {
    let check = |with: &str, parts: &[&str]| {
        let project = piped(&(plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\nwith = " + with), "");
        let ran = project.run(["run", "p.toml"]).code(2).says(parts).says(&["p.toml:6:"]);
        assert!(ran.stderr.contains('^'), "{}", ran.stderr);
    };
    check("{ childs = 1 }", &["childs", "children"]);
    check("{ children = 'two' }", &["children", "integer"]);
    check("{ children = 101 }", &["100"]);
    check("{ children = 13 }", &["thirteen brings bad luck", "p.toml:6:21"]);
    check("{ words = 'no/such.txt' }", &["no/such.txt"]);
}

#[test]
fn a_library_that_is_none_is_refused_by_name() {
    let project = piped("", "").file("text.so", "no library at all");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let no_plugin = a_library_that_is_no_plugin();
    for (plugin, parts) in [
        ("no/such.so".to_owned(), &["no/such.so", "cannot open", "relative to the pipeline file"][..]),
        ("./text.so".to_owned(), &["text.so", "cannot load"]),
        (".".to_owned(), &["cannot load"]),
        (path(&no_plugin), &["textmill_plugin_v1", "is this the right library?"]),
    ] {
        project.write(
            "p.toml",
            format!("name = 'p'\nplugins = [{plugin:?}]\ninput.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n"),
        );
        for args in [["run", "p.toml"], ["check", "p.toml"], ["list", "p.toml"]] {
            let ran = project.run(args).code(2).says(parts).says(&["p.toml:2:12", "hint"]);
            assert!(ran.stdout.is_empty());
        }
    }
}

/// Cargo has built libraries for its own use: the macros of dependencies.
fn a_library_that_is_no_plugin() -> PathBuf {
    let folder = library("unruly").parent().unwrap().to_owned();
    let deps = if folder.ends_with("deps") { folder } else { folder.join("deps") };
    let entries = std::fs::read_dir(deps).unwrap().map(|entry| entry.unwrap().path());
    let suffix = std::env::consts::DLL_SUFFIX;
    let is_macro = |path: &PathBuf| {
        path.to_str().is_some_and(|path| path.contains("serde_derive") && path.ends_with(suffix))
    };
    entries.filter(is_macro).max().expect("the library of serde's macros")
}

#[test]
fn a_library_that_breaks_the_contract_is_refused_by_name() {
    let project = piped(&plugins_line(&["broken"]), "");
    for (how, part) in [
        ("null", "another version of the plugin contract"),
        ("magic", "no plugin description"),
        ("size", "8 bytes, which are too few"),
        ("draft", "was made for plugin contract 1.0 draft 3, and this textmill has 1.0 draft 2"),
        ("minor", "was made for plugin contract 1.1 draft 2"),
        ("reserved", "a reserved field that is not 0"),
        ("many", "says that it has 18446744073709551615 stages"),
        ("stage", "null pointer"),
        ("function", "describes a stage without the function `worker_new`"),
    ] {
        let output = project.command(["check", "p.toml"]).env("TEXTMILL_TEST_BROKEN", how).output().unwrap();
        let _ = Ran::from(output).code(2).says(&["textmill_broken_plugin", part, "p.toml:3:12", "hint"]);
    }
}

/// Runs documents with these texts, called `a`, `b`, ..., through the stage `obey`.
fn obey(texts: &[&str], more: &str, args: &[&str]) -> (Project, Ran) {
    let line = |(text, id): (&&str, char)| json!({"id": id, "text": text, "count": 6}).to_string() + "\n";
    let input: String = texts.iter().zip('a'..).map(line).collect();
    let stages =
        plugins_line(&["unruly"]) + "dropped.uri = 'dropped.jsonl'\n[[stage]]\nuses = 'obey'\n" + more;
    let project = piped(&stages, input);
    let ran = project.run(["run", "p.toml"].iter().chain(args));
    (project, ran)
}

/// Field `name` of each document in a file.
fn fields(project: &Project, file: &str, name: &str) -> Vec<Value> {
    project.read_jsonl(file).iter().map(|document| document[name].clone()).collect()
}

#[test]
fn a_panic_costs_the_document() {
    let texts = ["one", "PANIC é", "two", "FAIL and SET", "three"];
    let (project, ran) = obey(&texts, "", &[]);
    let ran = ran.code(1).says(&[
        "5 documents read = 3 kept + 0 dropped + 2 failed",
        "2 documents failed",
        "out.failed.jsonl",
    ]);
    let ran = ran.says(&["in.jsonl:2 in stage `obey`: panicked: was told to panic at ", "lib.rs:"]);
    let _ = ran.says(&["in.jsonl:4 in stage `obey`: was told to fail"]);
    assert_eq!(fields(&project, "out.jsonl", "id"), ["a", "c", "e"]);
    let failed = project.read_jsonl("out.failed.jsonl");
    assert_eq!(failed.len(), 2);
    let original = project.read("in.jsonl");
    for (document, (id, line)) in failed.iter().zip([("b", 2), ("d", 4)]) {
        assert_eq!((&document["id"], &document["line"]), (&json!(id), &json!(line)));
        assert_eq!((&document["stage"], &document["file"]), (&json!("obey"), &json!("in.jsonl")));
        assert_eq!(document["original"], original.lines().nth(line - 1).unwrap());
    }
    let error = failed[0]["error"].as_str().unwrap();
    assert!(error.starts_with("panicked: was told to panic at ") && error.contains("lib.rs:"), "{error}");
    assert_eq!(failed[1]["error"], "was told to fail");
}

#[test]
fn edits_that_are_none_cost_the_document() {
    let (project, ran) = obey(&["é SPLIT", "OVERLAP", "BOTH", "fine"], "", &[]);
    let _ = ran.code(1).says(&[
        "cuts a character",
        "overlaps",
        "edits and a whole new text",
        "4 documents read = 1 kept",
    ]);
    assert_eq!(fields(&project, "out.jsonl", "text"), ["fine"]);
}

#[test]
fn on_error_says_what_becomes_of_a_document() {
    let texts = ["one", "CUT SET PANIC", "FAIL", "two"];
    let (project, ran) = obey(&texts, "on-error = 'keep'\n", &[]);
    let _ = ran.code(0).says(&["4 documents read = 4 kept + 0 dropped + 0 failed"]);
    assert_eq!(project.read("out.jsonl"), project.read("in.jsonl"), "what it asked for is discarded");
    assert!(!project.path("out.failed.jsonl").exists());

    let (project, ran) = obey(&texts, "on-error = 'drop'\n", &[]);
    let _ = ran.code(0).says(&["4 documents read = 2 kept + 2 dropped + 0 failed"]);
    assert_eq!(fields(&project, "dropped.jsonl", "id"), ["b", "c"]);
    assert_eq!(fields(&project, "dropped.jsonl", "rule"), ["error", "error"]);

    let max_errors = "[run]\nmax-errors = ";
    let _ = obey(&texts, &format!("{max_errors}2\n"), &[]).1.code(0).says(&["which `max-errors` allows"]);
    let _ = obey(&texts, &format!("{max_errors}1\n"), &[]).1.code(1);
    let _ = obey(&texts, &format!("{max_errors}'50%'\n"), &[]).1.code(0);
    let _ = obey(&texts, &format!("{max_errors}'49.9%'\n"), &[]).1.code(1);
}

#[test]
fn a_dropped_document_is_named_with_its_rule() {
    let more = "with = { drop = 'TIRED', words = 'words.txt' }\n";
    let line = |id: &str, text: &str| json!({"id": id, "text": text}).to_string() + "\n";
    let input = line("a", "so TIRED") + &line("b", "DROP") + &line("c", "stop words: SLEEPY");
    let stages =
        plugins_line(&["unruly"]) + "dropped.uri = 'dropped.jsonl'\n[[stage]]\nuses = 'obey'\n" + more;
    let project = piped(&stages, input).file("words.txt", "SLEEPY\nDULL\n");
    let _ =
        project.run(["run", "p.toml"]).code(0).says(&["3 documents read = 1 kept + 2 dropped + 0 failed"]);
    assert_eq!(fields(&project, "out.jsonl", "id"), ["b"]);
    let dropped = project.read_jsonl("dropped.jsonl");
    let part = |document: &Value| ["id", "stage", "rule", "line"].map(|name| document[name].clone());
    let parts: Vec<_> = dropped.iter().map(part).collect();
    assert_eq!(
        parts,
        [
            [json!("a"), json!("obey"), json!("word"), json!(1)],
            [json!("c"), json!("obey"), json!("word"), json!(3)]
        ]
    );
}

#[test]
fn emitted_documents_follow_their_parent() {
    let more = "with = { children = 2 }\n[[stage]]\nuses = 'shout'\n";
    let texts = ["one", "EMIT", "EMIT DROP", "EMIT FAIL", "last"];
    for jobs in ["1", "3"] {
        let (project, ran) = obey(&texts, more, &["-j", jobs]);
        let _ = ran.code(1).says(&["5 documents read + 4 emitted = 7 kept + 1 dropped + 1 failed"]);
        assert_eq!(fields(&project, "out.jsonl", "id"), ["a", "b", "b#1", "b#2", "c#1", "c#2", "e"]);
        let texts = ["ONE", "EMIT", "CHILD 1", "CHILD 2", "CHILD 1", "CHILD 2", "LAST"];
        assert_eq!(fields(&project, "out.jsonl", "text"), texts, "they go on to the next stage");
        let integers = [json!(null), json!(null), json!(1), json!(2), json!(1), json!(2), json!(null)];
        assert_eq!(fields(&project, "out.jsonl", "integer"), integers);
    }
}

#[test]
fn fields_of_every_type_are_set() {
    let (project, ran) = obey(&["SET the fields", "CUTSET too", "nothing"], "", &[]);
    let _ = ran.code(0);
    let set = r#""count":6,"text-field":"a \"text\"\n","boolean":true,"integer":7,"float":0.5,"texts":["one","two"],"json":{"z":[1,null],"a":{}}}"#;
    let lines = project.read("out.jsonl");
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines[0], format!(r#"{{"id":"a","text":"SET the fields",{set}"#));
    assert_eq!(lines[1], format!(r#"{{"id":"b","text":"SET too",{set}"#));
    assert_eq!(lines[2], project.read("in.jsonl").lines().nth(2).unwrap());
}

#[test]
fn a_field_that_is_unset_is_gone() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let input = r#"{"json": 1, "text": "UNSET", "text-field": "x" , "other":  1e2}"#;
    let project = piped(&stages, input.to_owned() + "\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    let document = &project.read_jsonl("out.jsonl")[0];
    let keys: Vec<_> = document.as_object().unwrap().keys().filter(|key| *key != "id").collect();
    assert_eq!(keys, ["text", "other"]);
    assert!(project.read("out.jsonl").contains("1e2"));
}

#[test]
fn a_field_of_another_type_costs_the_document() {
    let stages = plugins_line(&["unruly"]) + "[[stage]]\nuses = 'obey'\n";
    let project = piped(&stages, "{\"text\":\"a\",\"count\":\"many\"}\n{\"text\":\"b\",\"count\":null}\n");
    let _ = project.run(["run", "p.toml"]).code(1).says(&[
        "in.jsonl:1 in stage `obey`",
        "count",
        "2 documents read = 1 kept",
    ]);
}

#[test]
fn events_of_a_plugin_are_in_the_log() {
    let levels = [
        ("ERROR", "an error to tell of"),
        ("WARN", "a warning to tell of"),
        ("INFO", "news to tell of"),
        ("DEBUG", "a detail to tell of"),
        ("TRACE", "a trifle to tell of"),
    ];
    for (flags, shown) in [(&["-q"][..], 1), (&[], 2), (&["-v"], 3), (&["-vv"], 4), (&["-vvv"], 5)] {
        let stderr = obey(&["LOG"], "", flags).1.code(0).stderr;
        for (number, (level, message)) in levels.iter().enumerate() {
            let line = stderr.lines().find(|line| line.contains(message));
            assert_eq!(line.is_some(), number < shown, "{flags:?}:\n{stderr}");
            assert!(line.is_none_or(|line| line.contains(level) && line.contains("unruly")), "{stderr}");
        }
    }
    let json = obey(&["LOG"], "", &["-vv", "--log-format", "json"]).1.code(0).stderr;
    let events = json.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let detail =
        events.into_iter().find(|event| event.to_string().contains("a detail to tell of")).expect(&json);
    assert_eq!(detail["level"], "DEBUG");
    assert!(detail.to_string().contains("bytes"), "{detail}");
}
