//! Input that nobody would write, and outputs that cannot be: nothing panics, and nothing is lost without a word.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};
use textmill_testkit::{Project, Ran, Tree};

use crate::{piped, project};

/// A pipeline that copies `in/` to `out.jsonl`, with these lines more in its `[input]`.
fn folder(more: &str) -> Project {
    project().file("p.toml", format!("output.uri = 'out.jsonl'\n[input]\nuri = 'in/'\n{more}"))
}

fn run(project: &Project) -> Ran {
    project.run(["run", "p.toml"])
}

/// The text of the one document of the output.
fn text_of(project: &Project) -> String {
    let documents = project.read_jsonl("out.jsonl");
    assert_eq!(documents.len(), 1);
    documents[0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn an_empty_file_is_an_empty_document_or_none() {
    let project = folder("").file("in/a.txt", "");
    let _ = run(&project).code(0).says(&["1 document read = 1 kept"]);
    assert_eq!(text_of(&project), "");
    let project = folder("").file("in/a.jsonl", "");
    let _ = run(&project).code(0).says(&["0 documents read = 0 kept"]);
    assert_eq!(project.read("out.jsonl"), "");
}

#[test]
fn blanks_are_a_text_but_no_line_of_jsonl() {
    let blanks = " \n\t\r\n\u{a0}\n";
    let project = folder("").file("in/a.txt", blanks);
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), blanks);
    let project = folder("").file("in/a.jsonl", " \n\t\r\n\n{\"text\":\"x\"}\n \n");
    let _ = run(&project).code(0).says(&["1 document read = 1 kept"]);
    assert_eq!(project.read_jsonl("out.jsonl")[0]["text"], "x");
}

#[test]
fn an_empty_folder_is_refused() {
    let project = folder("");
    fs::create_dir(project.path("in")).unwrap();
    let _ = run(&project).code(2).says(&["p.toml:3:7", "the folder has no file to read"]);
    project.write("in/a.pdf", "%PDF");
    let _ =
        run(&project).code(2).says(&["p.toml:3:7", "extension that says nothing", "a.pdf", "hint", "jsonl"]);
    project.write("in/b.txt", "b");
    let _ = run(&project).code(0).says(&["skipped", "a.pdf"]);
    let _ = project.run(["run", "p.toml", "-i", "no/such.txt"]).code(2).says(&["no/such.txt"]);
    assert!(!project.path("no").exists());
}

#[test]
fn bytes_that_are_no_utf8_are_replaced_or_fail() {
    let broken = b"a\xff\xfeb\xc3";
    let project = folder("").file("in/a.txt", broken).file("in/b.txt", "right");
    let _ = run(&project).code(0).says(&["not UTF-8 were replaced in 1 document"]);
    assert_eq!(project.read_jsonl("out.jsonl")[0]["text"], "a\u{fffd}\u{fffd}b\u{fffd}");

    let project = folder("invalid-utf8 = 'fail'").file("in/a.txt", broken).file("in/b.txt", "right");
    let _ =
        run(&project).code(1).says(&["a.txt", "UTF-8", "2 documents read = 1 kept + 0 dropped + 1 failed"]);
    assert_eq!(text_of(&project), "right");
    let failed = &project.read_jsonl("out.failed.jsonl")[0];
    assert_eq!((&failed["id"], &failed["original-base64"]), (&json!("a.txt"), &json!("Yf/+YsM=")));

    let line = b"{\"id\":\"1\",\"text\":\"a\xffb\",\"n\":\"\xc3\"}\n{\"text\":\"right\"}\n";
    let project = folder("").file("in/a.jsonl", line);
    let _ = run(&project).code(0).says(&["replaced in 1 document"]);
    assert_eq!(project.read_jsonl("out.jsonl")[0], json!({"id": "1", "text": "a\u{fffd}b", "n": "\u{fffd}"}));
    let project = folder("invalid-utf8 = 'fail'").file("in/a.jsonl", line);
    let _ = run(&project).code(1).says(&["a.jsonl:1", "UTF-8"]);
    assert_eq!(text_of(&project), "right");
}

#[test]
fn a_bom_is_no_part_of_the_text() {
    let project = folder("").file("in/a.txt", "\u{feff}one");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "one");
    let project = folder("").file("in/a.jsonl", "\u{feff}{\"text\":\"one\"}\n");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "one");
}

#[test]
fn crlf_stays_crlf() {
    let project = folder("").file("in/a.txt", "one\r\ntwo\r\n");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "one\r\ntwo\r\n");
    let lines = "{\"id\":\"1\",\"text\":\"fish &amp; chips\"}\r\n{\"id\":\"2\",\"text\":\"two\"}\r\n";
    let project = piped("[[stage]]\nuses = 'clean'\n", lines);
    let _ = run(&project).code(0);
    assert_eq!(project.read("out.jsonl"), lines.replace("&amp;", "&"));
}

#[test]
fn nul_is_a_character() {
    let project = folder("").file("in/a.txt", "a\0b");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "a\0b");
    let project = folder("").file("in/a.jsonl", "{\"text\":\"a\\u0000b\"}\n");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "a\0b");
    let project = folder("").file("in/a.jsonl", "\0\0\0\n{\"text\":\"x\"}\n");
    let _ = run(&project).code(1).says(&["a.jsonl:1", "not JSON", "2 documents read = 1 kept"]);
}

#[test]
fn one_line_of_50_mb_passes() {
    let mut input = b"{\"id\":\"long\",\"text\":\"".to_vec();
    input.resize(50 << 20, b'x');
    input.extend_from_slice(b"\"}\n{\"id\":\"short\",\"text\":\"y\"}\n");
    let project = folder("").file("in/a.jsonl", &input);
    let _ = project.run(["run", "p.toml", "-j", "2"]).code(0).says(&["2 documents read = 2 kept"]);
    assert!(fs::read(project.path("out.jsonl")).unwrap() == input, "it is the same");
}

#[test]
fn a_line_that_is_no_document_fails_alone() {
    let lines = [
        ("{\"text\": \"first\"}", ""),
        ("this is not JSON", "not JSON"),
        ("{\"text\": \"cut", "not JSON"),
        ("[1, 2]", "object"),
        ("\"text\"", "object"),
        ("null", "object"),
        ("{}", "`text`"),
        ("{\"title\": \"no text\"}", "`text`"),
        ("{\"text\": null}", "`text`"),
        ("{\"text\": 7}", "`text`"),
        ("{\"text\": \"a\"} {\"text\": \"b\"}", "not JSON"),
        ("{\"text\": \"\\ud800\"}", "not valid Unicode"),
        ("{\"text\": \"last\"}", ""),
    ];
    let input = lines.map(|(line, _)| line).join("\n") + "\n";
    let project = folder("").file("in/a.jsonl", input);
    let _ = run(&project).code(1).says(&[
        "13 documents read = 2 kept + 0 dropped + 11 failed",
        "a.jsonl:2",
        "and 6 more",
    ]);
    let texts: Vec<_> =
        project.read_jsonl("out.jsonl").iter().map(|document| document["text"].clone()).collect();
    assert_eq!(texts, ["first", "last"]);
    let failed = project.read_jsonl("out.failed.jsonl");
    let bad = lines.iter().zip(1..).filter(|((_, message), _)| !message.is_empty());
    for (((line, message), number), document) in bad.zip(&failed) {
        assert_eq!((&document["file"], &document["line"]), (&json!("a.jsonl"), &json!(number)), "{document}");
        assert_eq!(document["original"], *line);
        assert!(document["error"].as_str().unwrap().contains(message), "{document}");
    }
    assert_eq!(failed.len(), 11);
}

#[test]
fn a_last_line_without_an_end_is_a_line() {
    let project = folder("").file("in/a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}");
    let _ = run(&project).code(0).says(&["2 documents read = 2 kept"]);
    assert!(project.read("out.jsonl").ends_with("\"b\"}\n"));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_file_that_ends_early_says_so() {
    let lines: String =
        (0..2000).map(|n| json!({"text": n.to_string().repeat(20)}).to_string() + "\n").collect();
    for (name, whole) in [
        ("a.jsonl.gz", gzip(lines.as_bytes())),
        ("a.jsonl.zst", zstd::encode_all(lines.as_bytes(), 3).unwrap()),
    ] {
        let project = folder("").file(&format!("in/{name}"), &whole).file("in/b.txt", "and on");
        let _ = run(&project).code(0).says(&["2,001 documents read = 2,001 kept"]);
        for cut in [whole.len() / 2, whole.len() - 1, 3] {
            project.write(&format!("in/{name}"), &whole[..cut]);
            let _ = run(&project).code(1).says(&[name, "1 document failed"]);
            let kept = project.read_jsonl("out.jsonl");
            assert_eq!(kept.last().unwrap()["text"], "and on", "the rest goes on");
            let same = kept.iter().zip(lines.lines());
            let same = same
                .take(kept.len() - 1)
                .all(|(kept, line)| kept["text"] == serde_json::from_str::<Value>(line).unwrap()["text"]);
            assert!(same, "what can be read is right");
        }
    }
    let project = folder("").file("in/a.jsonl.gz", "no gzip at all");
    let _ = run(&project).code(1).says(&["a.jsonl.gz"]);
}

#[test]
fn an_output_that_cannot_be_is_refused_before_anything_is_read() {
    let project = folder("").file("in/a.txt", "a").file("file", "x");
    let before = Tree::of(&project.path(""));
    for output in ["file/out.jsonl", "file/", "/proc/out.jsonl", "/proc/out/", "/dev/null/out/"] {
        let _ = project
            .run(["run", "p.toml", "-o", output])
            .code(2)
            .says(&["error: `", output.split('/').next().unwrap()]);
        project.write("q.toml", format!("input.uri = 'in/'\n[output]\nuri = '{output}'\n"));
        let _ = project.run(["run", "q.toml"]).code(2).says(&["q.toml:3:7"]);
        fs::remove_file(project.path("q.toml")).unwrap();
    }
    Tree::of(&project.path("")).check_same(&before, "before");
}

#[test]
fn an_output_that_is_not_ours_is_left_alone() {
    let project = folder("").file("in/a.txt", "a").file("out.jsonl", "precious");
    let ran = run(&project).code(2).says(&["out.jsonl", "hint", "--overwrite", "p.toml:1:14"]);
    assert!(ran.stdout.is_empty());
    assert_eq!(project.read("out.jsonl"), "precious");
    assert_eq!(project.list(""), ["in/a.txt", "out.jsonl", "p.toml"], "no trace");
    let _ = project.run(["run", "p.toml", "--overwrite"]).code(0);
    assert_eq!(text_of(&project), "a");
    // It bears our mark, and is replaced without a word.
    project.write("in/a.txt", "b");
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "b");
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let project = folder("").file("in/a.txt", "a").file("out/mine.txt", "precious");
    let run = |more: &[&str]| project.run(["run", "p.toml", "-o", "out/"].iter().chain(more));
    let _ = run(&[]).code(2).says(&["hint", "--overwrite"]);
    assert_eq!(project.list("out"), ["mine.txt"], "no trace");
    let _ = run(&["--overwrite"]).code(0);
    assert_eq!(project.read("out/mine.txt"), "precious", "what is not in the way stays");
}

#[test]
fn the_output_of_another_pipeline_is_not_ours() {
    let project = folder("").file("in/a.txt", "a");
    let _ = run(&project).code(0);
    project.write("q.toml", project.read("p.toml"));
    let _ = project.run(["run", "q.toml"]).code(2).says(&["out.jsonl", "hint"]);
    let _ = project.run(["run", "q.toml", "--overwrite"]).code(0);
}

#[test]
fn files_of_an_earlier_run_do_not_stay() {
    let project = folder("").file("in/a.txt", "a").file("in/deep/b.txt", "b");
    project.write("p.toml", "input.uri = 'in/'\n[output]\nuri = 'out/'\nformat = 'txt'\n");
    let _ = run(&project).code(0);
    assert_eq!(Tree::of(&project.path("out")).names(), ["_SUCCESS", "a.txt", "deep/b.txt"]);
    project.write("out/of-somebody.txt", "else");
    fs::remove_dir_all(project.path("in/deep")).unwrap();
    project.write("in/c.txt", "c");
    let _ = run(&project).code(0);
    assert_eq!(Tree::of(&project.path("out")).names(), ["_SUCCESS", "a.txt", "c.txt", "of-somebody.txt"]);
    assert!(!project.path("out/deep").exists());
}

#[test]
fn failed_documents_of_an_earlier_run_do_not_stay() {
    let project = piped("", "no JSON\n");
    let _ = run(&project).code(1);
    assert!(project.path("out.failed.jsonl").exists());
    project.write("in.jsonl", "{\"text\":\"a\"}\n");
    let _ = run(&project).code(0);
    assert!(!project.path("out.failed.jsonl").exists());
    assert_eq!(project.list("").iter().filter(|name| name.contains("failed")).count(), 0);
}

#[test]
fn a_run_that_cannot_end_leaves_the_old_output() {
    let project = folder("").file("in/a.txt", "old");
    let _ = run(&project).code(0);
    let before = project.list("");
    let old = project.read("out.jsonl");
    project.write("in/a.txt", "new");
    // A folder stands where the failed documents go.
    project.write(
        "bad.toml",
        "name = 'p'\ninput.uri = 'in/'\noutput.uri = 'out.jsonl'\nfailed.uri = 'in/a.txt/f.jsonl'\n",
    );
    let _ = project.run(["run", "bad.toml"]).code(2).says(&["bad.toml:4:14"]);
    fs::remove_file(project.path("bad.toml")).unwrap();
    let _ = project.run(["run", "p.toml", "-i", "nowhere/"]).code(2);
    assert_eq!(project.read("out.jsonl"), old);
    assert_eq!(project.list(""), before);
    let _ = run(&project).code(0);
    assert_eq!(text_of(&project), "new");
}

#[test]
fn two_documents_of_one_id_do_not_share_a_file() {
    let project = piped(
        "",
        "{\"id\":\"a\",\"text\":\"1\"}\n{\"id\":\"a\",\"text\":\"2\"}\n{\"id\":\"A\",\"text\":\"3\"}\n",
    );
    project.write(
        "p.toml",
        "input.uri = 'in.jsonl'\n[output]\nuri = 'out/'\nformat = 'txt'\n[failed]\nuri = 'failed.jsonl'\n",
    );
    let _ = run(&project).code(1).says(&["in.jsonl:2", "3 documents read = 2 kept + 0 dropped + 1 failed"]);
    assert_eq!(project.read("out/a.txt"), "1");
    assert_eq!(project.read_jsonl("failed.jsonl")[0]["line"], 2);
}

#[test]
fn an_id_cannot_leave_the_output() {
    let ids = [
        "../../escape",
        "/etc/escape",
        "a/../../b",
        ".textmill/manifest.json",
        "C:\\x",
        "con",
        "",
        "\u{0}",
        "a\nb",
    ];
    let input: String = ids.iter().map(|id| json!({"id": id, "text": id}).to_string() + "\n").collect();
    let project = project().file("deep/er/in.jsonl", input);
    project.write("deep/er/p.toml", "input.uri = 'in.jsonl'\n[output]\nuri = 'out/'\nformat = 'txt'\n");
    let _ = project.run(["run", "deep/er/p.toml"]).code(0);
    let files = Tree::of(&project.path("deep/er/out"));
    assert_eq!(files.names().len(), ids.len() + 1, "`_SUCCESS` is one more");
    let outside: Vec<_> = project.list("").into_iter().filter(|name| !name.starts_with("deep/er/")).collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[cfg(unix)]
#[test]
fn files_that_could_not_be_opened_for_want_of_handles_were_lost() {
    let project = folder("").file("in/a.jsonl", "{\"text\":\"a\"}\n").file("in/b.txt", "b");
    let script = |handles: usize| format!("ulimit -n {handles}; exec \"$0\" run p.toml --fresh -j 1");
    let run = |handles: usize| -> Ran {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script(handles), env!("CARGO_BIN_EXE_textmill")]).current_dir(project.path(""));
        shell.output().unwrap().into()
    };
    for handles in 8..16 {
        let ran = run(handles);
        if ran.code == Some(2) {
            let _ = ran.says(&["Too many open files", "ulimit -n"]);
        } else {
            let _ = ran.code(0).says(&["2 documents read = 2 kept"]);
        }
    }
    let _ = run(64).code(0).says(&["2 documents read = 2 kept"]);
}

#[cfg(unix)]
#[test]
fn links_within_an_output_are_not_followed() {
    let project = piped("", "{\"id\":\"sub/a\",\"text\":\"1\"}\n");
    project.write("p.toml", "input.uri = 'in.jsonl'\n[output]\nuri = 'out/'\nformat = 'txt'\n");
    let _ = run(&project).code(0);
    fs::create_dir(project.path("elsewhere")).unwrap();
    fs::remove_dir_all(project.path("out/sub")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", project.path("out/sub")).unwrap();
    let _ =
        project.run(["run", "p.toml", "--fresh"]).code(2).says(&["symbolic link", "hint: remove the link"]);
    assert_eq!(project.list("elsewhere"), [""; 0]);
    // Nor is one in the place of a file.
    let file = piped("", "{\"text\":\"1\"}\n").file("precious", "precious");
    let _ = run(&file).code(0);
    fs::remove_file(file.path("out.jsonl")).unwrap();
    std::os::unix::fs::symlink("precious", file.path("out.jsonl")).unwrap();
    let _ = file.run(["run", "p.toml", "--fresh"]);
    assert_eq!(file.read("precious"), "precious");
}
