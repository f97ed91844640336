//! The shapes of an output: one file, parts of a given size, files by input, by shard and by value.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use textmill_testkit::{Project, Tree};

use crate::project;

/// Documents in three languages, some without.
fn documents(count: usize) -> String {
    let languages = [json!("de"), json!("en"), json!("fr/ca"), json!(null)];
    let line = |id: usize| {
        let words: String = (0..=id % 40).map(|word| random_word(id * 64 + word)).collect();
        json!({"id": id.to_string(), "language": languages[id % 4], "text": words}).to_string() + "\n"
    };
    (0..count).map(line).collect()
}

/// What hardly compresses.
fn random_word(seed: usize) -> String {
    let hash = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x} ", hash >> 32)
}

/// A run over `input` with this output; the project.
fn written(output: &str, input: &str, args: &[&str]) -> Project {
    let text = format!("input.uri = 'in.jsonl'\n[output]\n{output}\n");
    let project = project().file("p.toml", text).file("in.jsonl", input);
    let _ = project.run([&["run", "p.toml"], args].concat()).code(0);
    project
}

/// The files of the output that are no state of ours.
fn files(project: &Project) -> Vec<String> {
    project.list("out").into_iter().filter(|name| !name.starts_with('.')).collect()
}

/// The output read by another run, so that every compression is the reader's part.
fn read(project: &Project, files: &[&str]) -> String {
    project.write("copy.toml", "");
    let inputs = files.iter().flat_map(|file| ["-i".to_owned(), format!("out/{file}")]);
    let args = ["run", "copy.toml", "-o", "-", "-q"].map(str::to_owned).into_iter().chain(inputs);
    project.run(args).code(0).stdout
}

#[test]
fn parts_of_a_given_size() {
    let input = documents(9000);
    for (format, least) in [("jsonl", 5), ("jsonl.gz", 2), ("jsonl.zst", 2)] {
        let output = format!("uri = 'out/'\nformat = '{format}'\nmax-bytes = '200KB'");
        let one = written(&output, &input, &["-j", "1"]);
        let names = files(&one);
        let parts: Vec<_> = names.iter().map(String::as_str).filter(|name| *name != "_SUCCESS").collect();
        assert!(parts.len() >= least, "{parts:?}");
        assert_eq!(
            (parts[0], parts[1]),
            (&*format!("part-00000.{format}"), &*format!("part-00001.{format}"))
        );
        for part in &parts[..parts.len() - 1] {
            let bytes = std::fs::metadata(one.path(format!("out/{part}"))).unwrap().len();
            // As much as it should have, and less than a batch more.
            assert!((200_000..1_200_000).contains(&bytes), "{part}: {bytes}");
        }
        assert_eq!(read(&one, &parts), input);
        let other = written(&output, &input, &["-j", "4", "--memory-limit", "1MB"]);
        Tree::of(&other.path("out")).check_same(&Tree::of(&one.path("out")), "-j 1");
    }
}

#[test]
fn files_by_the_value_of_a_field() {
    let input = documents(2000);
    let project = written("uri = 'out/{language}/{shard}.jsonl'\n[run]\nshard-bytes = '100KB'", &input, &[]);
    let names = files(&project);
    assert!(names.contains(&"de/00000.jsonl".to_owned()), "{names:?}");
    assert!(names.contains(&"fr%2Fca/00001.jsonl".to_owned()), "{names:?}");
    assert!(names.contains(&"__missing__/00001.jsonl".to_owned()), "{names:?}");
    let of = |language: &str| -> String {
        let names = names.iter().filter(|name| name.starts_with(&format!("{language}/")));
        names.map(|name| project.read(&format!("out/{name}"))).collect()
    };
    for (index, language) in ["de", "en", "fr%2Fca", "__missing__"].into_iter().enumerate() {
        let expected: String = input.split_inclusive('\n').skip(index).step_by(4).collect();
        assert_eq!(of(language), expected, "{language}");
    }
}

#[test]
fn files_by_input_file() {
    let project = project()
        .file("p.toml", "input.uri = 'in/'\noutput.uri = 'out/{dir}/{stem}.jsonl'\n")
        .file("in/a.jsonl", "{\"text\":\"a\"}\n")
        .file("in/b/c.d.ndjson", "{\"text\":\"c\"}\n{\"text\":\"d\"}\n")
        .file("in/b/e.txt", "e");
    let _ = project.run(["run", "p.toml"]).code(0);
    assert_eq!(files(&project), ["_SUCCESS", "a.jsonl", "b/c.d.jsonl", "b/e.jsonl"]);
    assert_eq!(project.read("out/b/c.d.jsonl"), "{\"text\":\"c\"}\n{\"text\":\"d\"}\n");
    // What is no more goes with the next run.
    std::fs::remove_dir_all(project.path("in/b")).unwrap();
    let _ = project.run(["run", "p.toml"]).code(0);
    assert_eq!(files(&project), ["_SUCCESS", "a.jsonl"]);
    let _ = project.run(["run", "p.toml", "-o", "out2/{file}.jsonl"]).code(0);
    assert_eq!(project.read("out2/a.jsonl.jsonl"), "{\"text\":\"a\"}\n");
}

#[test]
fn more_values_than_files_can_be_open() {
    // Each value comes again when its file has long been closed, or has never been open.
    let line = |number: usize| {
        json!({"id": number.to_string(), "text": "x", "site": number % 150}).to_string() + "\n"
    };
    let input: String = (0..600).map(line).collect();
    for format in ["jsonl", "jsonl.gz", "jsonl.zst", "csv", "parquet", "arrow"] {
        let output = format!("uri = 'out/{{site}}.{format}'");
        let project = written(&output, &input, &["-j", "4"]);
        assert_eq!(files(&project).len(), 151);
        let read = read(&project, &[&format!("127.{format}")]);
        let ids: Vec<Value> =
            read.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].take()).collect();
        assert_eq!(ids, ["127", "277", "427", "577"], "{format}");
        let one = written(&output, &input, &["-j", "1", "--memory-limit", "1MB"]);
        Tree::of(&project.path("out")).check_same(&Tree::of(&one.path("out")), "-j 1");
    }
}

#[test]
fn a_file_does_not_show_what_was_written_beside_it() {
    let line =
        |number: usize| json!({"text": format!("text {number}"), "site": number % 40}).to_string() + "\n";
    let lines: Vec<String> = (0..4000).map(line).collect();
    let alone: String = lines.iter().skip(39).step_by(40).map(String::as_str).collect();
    for format in ["jsonl.zst", "jsonl.gz", "jsonl.bz2"] {
        let output = format!("uri = 'out/{{site}}.{format}'");
        let (many, one) = (written(&output, &lines.concat(), &[]), written(&output, &alone, &[]));
        let bytes = |project: &Project| std::fs::read(project.path(format!("out/39.{format}"))).unwrap();
        // The last of forty values had to wait for its file.
        assert!(bytes(&many) == bytes(&one), "{format}");
    }
}

#[test]
fn parts_of_tables() {
    let input = documents(3000);
    for (format, max_bytes) in
        [("parquet", "50KB"), ("arrow", "300KB"), ("csv", "300KB"), ("tsv.zst", "50KB")]
    {
        let output = format!("uri = 'out/news-{{part}}.{format}'\nmax-bytes = '{max_bytes}'");
        let project = written(&output, &input, &["-j", "3"]);
        let names = files(&project);
        let parts: Vec<_> = names.iter().map(String::as_str).filter(|name| *name != "_SUCCESS").collect();
        assert!(parts.len() >= 2 && parts[1] == format!("news-00001.{format}"), "{names:?}");
        let read = read(&project, &parts);
        let documents = |text: &str| -> Vec<(Value, Value)> {
            let values = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            values.map(|mut value| (value["id"].take(), value["text"].take())).collect()
        };
        assert!(documents(&read) == documents(&input), "{format}");
        let other = written(&output, &input, &["-j", "1"]);
        Tree::of(&other.path("out")).check_same(&Tree::of(&project.path("out")), "-j 3");
    }
}

#[test]
fn a_value_cannot_leave_the_output() {
    let long = "x".repeat(300);
    let values = [
        "../../escape",
        "/etc/escape",
        "..",
        ".",
        "",
        "\u{0}",
        "a\nb",
        "con",
        ".textmill",
        "_SUCCESS",
        "failed",
        "a/b",
        "a%2Fb",
        "C:\\x",
        "CASE",
        "case",
        "Case",
        &long,
        &(long.clone() + "y"),
        "__missing__",
        "~",
        "{part}",
    ];
    let input: String =
        values.iter().map(|value| json!({"text": value, "v": value}).to_string() + "\n").collect();
    for name in ["{v}", "{v}.jsonl", "{v}/{v}-{part}.jsonl", "x{v}/{shard}.jsonl", "{v}{v}{v}{v}{v}.jsonl"] {
        let project = project().file("deep/er/in.jsonl", &input);
        let text = format!("input.uri = 'in.jsonl'\n[output]\nformat = 'jsonl'\nuri = 'out/{name}'\n");
        project.write("deep/er/p.toml", text);
        let _ = project.run(["run", "deep/er/p.toml"]).code(0);
        let files = Tree::of(&project.path("deep/er/out"));
        let lower: std::collections::BTreeSet<_> =
            files.names().iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower.len(), values.len() + 1, "{name}: {lower:?}");
        let outside: Vec<_> =
            project.list("").into_iter().filter(|name| !name.starts_with("deep/er/")).collect();
        assert!(outside.is_empty(), "{outside:?}");
        // All of it is ours, so that it goes when its documents go.
        project.write("deep/er/in.jsonl", "{\"text\":\"a\",\"v\":\"a\"}\n");
        let _ = project.run(["run", "deep/er/p.toml"]).code(0);
        assert_eq!(Tree::of(&project.path("deep/er/out")).names().len(), 2, "{name}");
    }
}

#[test]
fn a_value_does_not_take_the_place_of_another_output() {
    let input = "{\"text\":\"a\",\"v\":\"failed\"}\n{\"text\":7}\n{\"text\":\"b\",\"v\":\"failed\"}\n";
    let project = project()
        .file("p.toml", "input.uri = 'in.jsonl'\noutput.uri = 'out/{v}.jsonl'\n")
        .file("in.jsonl", input);
    for _ in 0..2 {
        let _ = project.run(["run", "p.toml", "--overwrite"]).code(1).says(&["2 kept", "1 failed"]);
        let names = files(&project);
        assert!(names.len() == 3 && names[2].starts_with("failed~"), "{names:?}");
        assert_eq!(project.read_jsonl("out/failed.jsonl").len(), 1);
        assert_eq!(project.read_jsonl(&format!("out/{}", names[2])).len(), 2);
    }
}

#[test]
fn what_is_not_ours_stays() {
    let text = "input.uri = 'in.jsonl'\noutput.uri = 'out/{v}/{shard}.jsonl'\n";
    let project = project().file("p.toml", text).file("in.jsonl", "{\"text\":\"a\",\"v\":\"a\"}\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    project.write("out/a/mine.txt", "mine");
    project.write("in.jsonl", "{\"text\":\"b\",\"v\":\"b\"}\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    assert_eq!(files(&project), ["_SUCCESS", "a/mine.txt", "b/00000.jsonl"]);
    // What somebody put where a file of the next run would be is not replaced, and the run leaves all as it was.
    project.write("out/c/00000.jsonl", "mine");
    project.write("in.jsonl", "{\"text\":\"c\",\"v\":\"c\"}\n");
    let _ = project.run(["run", "p.toml"]).code(2).says(&["was not written by this pipeline", "--overwrite"]);
    assert_eq!(files(&project), ["_SUCCESS", "a/mine.txt", "b/00000.jsonl", "c/00000.jsonl"]);
    assert_eq!(project.read("out/c/00000.jsonl"), "mine");
}

#[test]
fn a_value_that_makes_no_name_costs_its_document() {
    let input = "{\"text\":\"a\",\"l\":[\"x\"]}\n{\"text\":\"b\",\"l\":{}}\n{\"text\":\"c\",\"l\":true}\n\
                 {\"text\":\"d\",\"l\":\"__missing__\"}\n{\"text\":\"e\",\"l\":\"A\"}\n{\"text\":\"f\",\"l\":\"a\"}\n";
    let text = "input.uri = 'in.jsonl'\noutput.uri = 'out/{l}.jsonl'\n";
    let project = project().file("p.toml", text).file("in.jsonl", input);
    let _ = project
        .run(["run", "p.toml"])
        .code(1)
        .says(&["= 4 kept + 0 dropped + 2 failed", "the field `l` is a list, which cannot name a file"]);
    let names = files(&project);
    assert_eq!(names[..4], ["%5F_missing__.jsonl", "A.jsonl", "_SUCCESS", "a~8d6a6f2da8cffa60.jsonl"]);
    assert!(
        names.contains(&"true.jsonl".to_owned()) && names.contains(&"failed.jsonl".to_owned()),
        "{names:?}"
    );
}

#[test]
fn success_lists_what_is_there() {
    let project = written("uri = 'out/{language}.jsonl.gz'", &documents(40), &[]);
    let success: Value = serde_json::from_str(&project.read("out/_SUCCESS")).unwrap();
    assert_eq!((&success["pipeline"], &success["documents"]), (&json!("p"), &json!(40)));
    let listed = success["files"].as_array().unwrap();
    let mut total = 0;
    for file in listed {
        let bytes = std::fs::read(project.path("out").join(file["path"].as_str().unwrap())).unwrap();
        assert_eq!(file["bytes"], bytes.len());
        assert_eq!(file["documents"], 10);
        assert_eq!(file["sha256"], data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)));
        total += bytes.len();
    }
    assert_eq!(success["bytes"], total);
    assert_eq!(listed.len() + 1, files(&project).len());
    // A run over the folder reads the documents and says nothing of the rest.
    let ran = project.run(["run", "p.toml", "-i", "out", "-o", "again.jsonl"]).code(0);
    assert!(ran.stderr.contains("40 documents read") && !ran.stderr.contains("skipped"), "{}", ran.stderr);
}

#[test]
fn records_are_the_same_however_the_input_is_cut() {
    let input = documents(3000);
    let by_language = |shard_bytes: &str| -> BTreeMap<String, String> {
        let output =
            format!("uri = 'out/{{language}}/{{shard}}.jsonl'\n[run]\nshard-bytes = '{shard_bytes}'");
        let project = written(&output, &input, &["-j", "3"]);
        let mut languages = BTreeMap::new();
        for name in files(&project).iter().filter(|name| name.contains('/')) {
            let language = name.split('/').next().unwrap().to_owned();
            *languages.entry(language).or_default() += project.read(&format!("out/{name}")).as_str();
        }
        languages
    };
    let whole = by_language("1GiB");
    for shard_bytes in ["1B", "777B", "50KB"] {
        assert_eq!(by_language(shard_bytes), whole, "{shard_bytes}");
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let check = |output: &str, parts: &[&str]| {
        let text = format!("input.uri = 'in.jsonl'\n{output}\n");
        let project = project().file("p.toml", text).file("in.jsonl", "");
        let _ = project.run(["check", "p.toml"]).code(2).says(parts);
    };
    check(
        "output.uri = 'out/{shrad}.jsonl'",
        &["p.toml:2:19", "`{shrad}`", "did you mean `{shard}`?", "`{stem}`"],
    );
    check("output.uri = 'out/{shard.jsonl'", &["p.toml:2:19", "a `{` without a `}`"]);
    check("output.uri = '{shard}.jsonl'", &["p.toml:2:", "a folder must stand before"]);
    check("output.uri = 'o.jsonl'\noutput.max-bytes = 7", &["p.toml:3:20", "one file", "`{part}`"]);
    check("output.uri = 'o/{dir}.jsonl'\noutput.max-bytes = '1MB'", &["p.toml:3:20", "`{part}`"]);
    check("output.uri = 'o/'\ndropped.uri = 'd/{part}.jsonl'", &["p.toml:3:", "placeholder", "`[output]`"]);
    let project = project().file("p.toml", "input.uri = 'in.jsonl'\n").file("in.jsonl", "");
    let _ =
        project.run(["run", "p.toml", "-o", "out/{shrad}.jsonl"]).code(2).says(&["`{shrad}`", "--output"]);
    let _ = project.run(["run", "p.toml", "-o", "out/{part}"]).code(2).says(&["does not say which format"]);
}
