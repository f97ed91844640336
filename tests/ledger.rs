//! The ledger of a run, and what can be made of it: `explain` and `undo`.

use std::io::Read as _;

use serde_json::{Map, Value, json};
use textmill_testkit::{Project, workspace};

use crate::plugins::plugins_line;
use crate::{piped, project, with_pipelines};

type Document = Map<String, Value>;

fn text<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry[key].as_str().unwrap_or_default()
}

fn byte(entry: &Value, key: &str) -> usize {
    usize::try_from(entry[key].as_u64().unwrap()).unwrap()
}

/// The entries of a ledger, document by document; the last of each is what became of it.
fn lives(ledger: &[Value]) -> Vec<&[Value]> {
    ledger.split_inclusive(|entry| ["kept", "dropped", "failed"].contains(&text(entry, "event"))).collect()
}

/// What the ledger makes of documents: those that are kept.
fn replay(input: &[Document], ledger: &[Value]) -> Vec<Document> {
    let mut input = input.iter();
    let mut output = Vec::new();
    for life in lives(ledger) {
        let mut document = if text(&life[0], "event") == "emitted" {
            let pair = |key: &str, from: &str| (key.to_owned(), life[0][from].clone());
            Map::from_iter([pair("id", "doc"), pair("text", "added")])
        } else {
            input.next().unwrap().clone()
        };
        assert_eq!(document["id"], life[0]["doc"]);
        replay_one(&mut document, life);
        if text(&life[life.len() - 1], "event") == "kept" {
            output.push(document);
        }
    }
    assert!(input.next().is_none(), "the ledger has an end for every document");
    output
}

fn replay_one(document: &mut Document, life: &[Value]) {
    let original = document["text"].as_str().unwrap().to_owned();
    for entries in life.chunk_by(|one, other| one["stage"] == other["stage"]) {
        let mut new = document["text"].as_str().unwrap().to_owned();
        for edit in entries.iter().rev().filter(|entry| text(entry, "event") == "edit") {
            let span = byte(edit, "start")..byte(edit, "end");
            assert_eq!(new.get(span.clone()), Some(text(edit, "removed")), "{edit}");
            new.replace_range(span, text(edit, "added"));
            check_origin(&original, edit);
        }
        document["text"] = new.into();
        for entry in entries {
            set(document, entry);
        }
    }
}

fn set(document: &mut Document, entry: &Value) {
    let name = || text(entry, "name").to_owned();
    match (text(entry, "event"), text(entry, "kind")) {
        ("set", "text") => drop(document.insert(name(), entry["value"].clone())),
        ("set", _) => drop(document.insert(name(), serde_json::from_str(text(entry, "value")).unwrap())),
        ("unset", _) => drop(document.shift_remove(&name())),
        _ => (),
    }
}

/// What is said to be exact stands there; what is said to be covered lies within the text; nothing is guessed.
fn check_origin(original: &str, edit: &Value) {
    let span = || byte(edit, "original-start")..byte(edit, "original-end");
    match text(edit, "origin") {
        "exact" => assert_eq!(original.get(span()), Some(text(edit, "removed")), "{edit}"),
        "covering" => assert!(original.get(span()).is_some(), "{edit}"),
        origin => assert_eq!((origin, &edit["original-start"]), ("unknown", &Value::Null), "{edit}"),
    }
}

fn documents(jsonl: &str) -> Vec<Document> {
    jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The input is what a pipeline without stages makes of it.
fn check_complete(project: &Project, pipeline: &str, args: &[&str]) {
    let source = project.read(pipeline);
    let table: toml::Table = source.parse().unwrap();
    let input = toml::Table::from_iter([("input".to_owned(), table["input"].clone())]);
    let copy = std::path::Path::new(pipeline).with_file_name("copy.toml");
    project.write(copy.to_str().unwrap(), input.to_string());
    let run = |pipeline: &str, more: &[&str]| {
        let ran = project
            .run(["run", pipeline, "-q"].into_iter().chain(args.iter().copied()).chain(more.iter().copied()));
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        ran.stdout
    };
    let ledger = pipeline.replace('/', "-") + ".jsonl";
    let input = documents(&run(copy.to_str().unwrap(), &["-o", "-"]));
    let output = documents(&run(pipeline, &["-o", "-", "--ledger", &ledger]));
    assert_eq!(replay(&input, &project.read_jsonl(&ledger)), output);
    assert!(!output.is_empty());
}

#[test]
fn the_ledger_makes_the_output_of_the_input() {
    let project = with_pipelines();
    check_complete(&project, "pipelines/news.toml", &[]);
    check_complete(&project, "pipelines/news-html.toml", &[]);
}

#[test]
fn emitted_documents_and_fields_of_every_kind_are_in_it() {
    let words =
        ["SET CUT it", "UNSET", "EMIT CUT", "DROP", "FAIL", "PANIC", "BOTH", "plain &amp; CUT", "EMIT SET"];
    let document = |(id, words): (usize, &&str)| {
        let fields =
            json!({"id": id.to_string(), "text": words, "text-field": "old", "json": [1, null], "count": 7});
        fields.to_string() + "\n"
    };
    let stage = |id: &str| format!("[[stage]]\nid = '{id}'\nuses = 'obey'\nwith = {{ children = 2 }}\n");
    let stages = plugins_line(&["unruly"])
        + "input.uri = 'in.jsonl'\n"
        + &stage("one")
        + "[[stage]]\nuses = 'clean'\n"
        + &stage("two");
    let project = project()
        .file("p.toml", stages)
        .file("in.jsonl", words.iter().enumerate().map(document).collect::<String>());
    check_complete(&project, "p.toml", &[]);
    let entries = project.read_jsonl("p.toml.jsonl");
    let events: std::collections::BTreeSet<_> = entries.iter().map(|entry| text(entry, "event")).collect();
    let expected = ["dropped", "edit", "emitted", "error", "failed", "kept", "set", "unset"];
    assert_eq!(events.into_iter().collect::<Vec<_>>(), expected);
}

/// The corpus of the benchmark, where it lies beside the checkout.
#[test]
fn the_ledger_of_real_articles_makes_the_output_of_the_input() {
    let corpus = workspace().join("../shared/data/news-10k.jsonl.gz");
    let Ok(packed) = std::fs::read(&corpus) else { return println!("no corpus, nothing to check") };
    let mut jsonl = String::new();
    let mut first = flate2::read::MultiGzDecoder::new(&*packed).take(1 << 20);
    _ = first.read_to_string(&mut jsonl);
    let whole = jsonl.rfind('\n').map_or(0, |end| end + 1);
    let project = with_pipelines().file("pipelines/in.jsonl", jsonl.get(..whole).unwrap());
    let pipeline = project.read("pipelines/news.toml").replace("samples/news/", "in.jsonl");
    project.write("pipelines/real.toml", pipeline);
    check_complete(&project, "pipelines/real.toml", &[]);
}

#[test]
fn it_does_not_depend_on_the_threads_nor_on_its_format() {
    let article = |id: usize| {
        json!({"id": id.to_string(), "text": format!("Number {id}\n\nREAD MORE: The Ferry Stops Today\n\nNumber &amp; {id} is all there is to say.\n")}).to_string() + "\n"
    };
    let stages =
        "[[stage]]\nuses = 'clean'\n[[stage]]\nuses = 'dedup-title'\n[[stage]]\nuses = 'strip-links'\n";
    let project = piped(stages, (0..2000).map(article).collect::<String>());
    let run = |ledger: &str, jobs: &str| {
        let _ = project.run(["run", "p.toml", "-j", jobs, "--ledger", ledger]).code(0).says(&["ledger "]);
    };
    run("one.jsonl", "1");
    run("four.jsonl.zst", "4");
    run("four.parquet", "4");
    let one = project.read("one.jsonl");
    let packed = std::fs::read(project.path("four.jsonl.zst")).unwrap();
    assert!(one.as_bytes() == zstd::decode_all(&*packed).unwrap());
    assert!(packed.len() * 8 < one.len(), "{} of {}", packed.len(), one.len());
    // A table has the same lines, and all columns in each.
    project.write("copy.toml", "input.fields = { id = 'doc', text = 'event' }\n");
    let copied = project.run(["run", "copy.toml", "-q", "-i", "four.parquet", "-o", "-"]).code(0).stdout;
    assert!(documents(&copied) == documents(&one));
}

#[test]
fn it_is_there_with_the_output_or_not_at_all() {
    let project = piped("ledger.uri = 'l.csv'\n", "{\"text\": \"a\"}\n");
    let _ =
        project.run(["run", "p.toml"]).code(2).says(&["p.toml:3", "a ledger is lines of JSON", ".jsonl.zst"]);
    let _ = project.run(["run", "p.toml", "--ledger", "-"]).code(2).says(&["cannot go to standard output"]);
    let _ = project.run(["run", "p.toml", "--ledger", "in.jsonl"]).code(2).says(&["is an input of this run"]);
    project.write("mine.jsonl", "{}");
    let _ =
        project.run(["run", "p.toml", "--ledger", "mine.jsonl"]).code(2).says(&["mine.jsonl", "--overwrite"]);
    assert_eq!(project.list(""), ["in.jsonl", "mine.jsonl", "p.toml"]);
    let _ = project.run(["run", "p.toml", "--dry-run", "--ledger", "l.jsonl"]).code(0);
    assert_eq!(project.list(""), ["in.jsonl", "mine.jsonl", "p.toml"]);
    let _ = project
        .run(["run", "p.toml", "--ledger", "x.jsonl", "-o", "x.jsonl"])
        .code(2)
        .says(&["x.jsonl", "another output of this run is the same file"]);
    project.write("p.toml", project.read("p.toml").replace("l.csv", "l.jsonl.zst"));
    let _ =
        project.run(["run", "p.toml", "-o", "other.jsonl"]).code(0).says(&["other.ledger.jsonl.zst (1 line"]);
}

#[test]
fn what_the_output_could_not_take_is_said_behind_the_rest() {
    let documents = "{\"id\": \"a\", \"text\": \"1\"}\n{\"id\": \"a\", \"text\": \"2\"}\n{\"id\": \"b\", \"text\": \"3\"}\n";
    let project = piped("output.format = 'txt'\n", documents)
        .file("copy.toml", "input.fields = { id = 'doc', text = 'event' }\n");
    for ledger in ["l.jsonl", "l.parquet"] {
        let _ = project.run(["run", "p.toml", "-o", "out/", "--ledger", ledger]).code(1);
        let lines = project.run(["run", "copy.toml", "-q", "-i", ledger, "-o", "-"]).code(0).stdout;
        let events: Vec<_> = documents_of(&lines)
            .iter()
            .map(|line| (text(line, "doc").to_owned(), text(line, "event").to_owned()))
            .collect();
        let expected = [("a", "kept"), ("a", "kept"), ("b", "kept"), ("a", "refused")];
        assert_eq!(events, expected.map(|(doc, event)| (doc.to_owned(), event.to_owned())), "{ledger}");
    }
}

fn documents_of(jsonl: &str) -> Vec<Value> {
    jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A run of `news.toml` with a ledger.
fn news() -> Project {
    let project = with_pipelines();
    let _ = project.run(["run", "pipelines/news.toml", "--ledger", "l.jsonl.zst"]).code(0);
    project
}

#[test]
fn a_life_is_told_stage_by_stage() {
    let project = news();
    let told =
        project.run(["explain", "pipelines/out/news.jsonl", "harbour-bridge-opens.txt"]).code(0).stdout;
    let tried = project
        .run(["try", "pipelines/news.toml", "pipelines/samples/news/harbour-bridge-opens.txt"])
        .code(0)
        .stdout;
    // The same changes as `try` shows, which has times in the place of the file.
    let changes = |text: &str| {
        // Options stand in the pipeline file, and not in the ledger.
        let is_change = |line: &&str| line.starts_with("  ") && !line.starts_with("  with ");
        text.lines().filter(is_change).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(changes(&told), changes(&tried));
    assert!(told.ends_with("\nkept\n"), "{told}");
    assert!(told.contains("links  4 edits\n  line 7: teaser"), "{told}");
    for run in ["pipelines/news.toml", "l.jsonl.zst", "pipelines/out/.news.jsonl.textmill/run.json"] {
        assert_eq!(project.run(["explain", run, "harbour-bridge-opens.txt"]).code(0).stdout, told, "{run}");
    }
}

/// It said "no change", and not why.
#[test]
fn a_text_that_a_threshold_has_spared_is_told_with_it() {
    let text = "The bridge is open.\n\nREAD MORE: The Ferry Stops Today\n\nIt is a long bridge to walk, and a high one too.\n";
    let stage = "[[stage]]\nid = 'links'\nuses = 'strip-links'\nwith = { max-removed = 0.01 }\n";
    let project = piped(stage, json!({"id": "a", "text": text}).to_string());
    let _ = project.run(["run", "p.toml", "--ledger", "l.jsonl"]).code(0);
    let says = "  removed 0.3269 is above its threshold 0.01\n";
    for args in [["explain", "out.jsonl", "a"], ["try", "p.toml", "in.jsonl"]] {
        let told = project.run(args).code(0).stdout;
        assert!(told.contains("links  no change") && told.contains(says), "{told}");
    }
}

#[test]
fn the_original_text_comes_back() {
    let project = news();
    for name in ["harbour-bridge-opens.txt", "port-strike-ends.txt", "otters-return-to-river-clean.txt"] {
        let text = project.run(["undo", "pipelines/news.toml", name]).code(0).stdout;
        assert_eq!(text, project.read(&format!("pipelines/samples/news/{name}")));
    }
    std::fs::remove_file(project.path("pipelines/out/news.jsonl")).unwrap();
    let _ = project
        .run(["undo", "l.jsonl.zst", "harbour-bridge-opens.txt"])
        .code(1)
        .says(&["does not have the document any more"]);
    // The ledger alone tells what was done, though not to what.
    let told = project.run(["explain", "l.jsonl.zst", "harbour-bridge-opens.txt"]).code(0).stdout;
    assert!(told.contains("bytes") && told.contains("- READ MORE: Ferry Captains"), "{told}");
}

#[test]
fn a_text_that_is_another_is_not_undone() {
    let project = piped("[[stage]]\nuses = 'clean'\n", "{\"id\": \"a\", \"text\": \"fish &amp; chips\"}\n");
    let _ = project.run(["run", "p.toml", "--ledger", "l.jsonl"]).code(0);
    assert_eq!(project.run(["undo", "out.jsonl", "a"]).code(0).stdout, "fish &amp; chips");
    project.write("out.jsonl", "{\"id\": \"a\", \"text\": \"fish + chips\"}\n");
    let ran = project
        .run(["undo", "out.jsonl", "a"])
        .code(1)
        .says(&["`", "out.jsonl` is not what this run has written"]);
    assert_eq!(ran.stdout, "");
}

#[test]
fn who_asks_wrongly_is_told_what_to_ask() {
    let project = news();
    let check = |args: &[&str], says: &[&str]| {
        for command in ["explain", "undo"] {
            let _ = project.run([command].into_iter().chain(args.iter().copied())).code(2).says(says);
        }
    };
    check(
        &["pipelines/news.toml", "harbour-bridge-open.txt"],
        &["no document", "did you mean `harbour-bridge-opens.txt`?"],
    );
    check(&["no/such", "a"], &["`no/such` does not exist", "run.json"]);
    check(&["pipelines/samples", "a"], &["has no record of a run"]);
    let _ = project.run(["run", "pipelines/news.toml"]).code(0);
    check(&["pipelines/news.toml", "harbour-bridge-opens.txt"], &["has kept no ledger", "--ledger"]);
    project.write("run.json", "{\"schema-version\": 7}");
    check(&["run.json", "a"], &["schema version 7"]);
}

#[test]
fn of_a_document_that_was_dropped_it_is_said_where_it_is() {
    let stage = "[dropped]\nuri = 'dropped.jsonl'\n[[stage]]\nuses = 'obey'\nwith = { drop = 'TIRED', words = 'words.txt' }\n";
    let text = plugins_line(&["unruly"]) + "input.uri = 'in.jsonl'\noutput.uri = 'out.jsonl'\n" + stage;
    let project = project()
        .file("p.toml", text)
        .file("words.txt", "SLEEPY\n")
        .file("in.jsonl", "{\"id\": \"a\", \"text\": \"so TIRED\"}\n");
    let _ = project.run(["run", "p.toml", "--ledger", "l.jsonl"]).code(0);
    let _ = project.run(["undo", "out.jsonl", "a"]).code(1).says(&["was dropped by `obey`", "dropped.jsonl"]);
    let told = project.run(["explain", "out.jsonl", "a"]).code(0).stdout;
    assert!(told.contains("dropped by `obey`: word"), "{told}");
}
