//! `textmill compare`, `textmill graph` and `--trace`.

use serde_json::{Value, json};
use textmill_testkit::Project;

use crate::plugins::plugins_line;
use crate::{piped, project, with_pipelines};

/// The news with all stages as `a.jsonl`, and with other options as `b.jsonl`.
fn two_runs(ledger: bool) -> Project {
    let project = with_pipelines();
    for (name, set) in
        [("a", "links.max-removed=0.3"), ("b", "links.bare-urls=false"), ("c", "summarize.sentences=2")]
    {
        let (output, ledger_name) = (format!("{name}.jsonl"), format!("{name}.ledger.jsonl.zst"));
        let mut args = vec!["run", "pipelines/news.toml", "-q", "-o", &output, "--set", set];
        if ledger {
            args.extend(["--ledger", &ledger_name]);
        }
        let _ = project.run(args).code(0);
    }
    project
}

#[test]
fn a_run_is_like_itself() {
    let project = two_runs(true);
    let told = project.run(["compare", "a.jsonl", "a.jsonl", "--fail-on-change", "0%"]).code(0).stdout;
    assert!(
        told.contains("the pipeline file is the same") && told.contains("all counts are the same"),
        "{told}"
    );
    assert!(told.contains("0 of 13 documents differ"), "{told}");
}

#[test]
fn texts_and_fields_that_differ_are_named() {
    for ledger in [true, false] {
        let project = two_runs(ledger);
        let told = project.run(["compare", "a.jsonl", "b.jsonl"]).code(0).stdout;
        assert!(told.contains("links.bare-urls  true -> false\n"), "{told}");
        assert!(told.contains("links.bare-url documents") && told.contains("with another text"), "{told}");
        assert!(told.contains("\n  harbour-bridge-opens.txt\n"), "{told}");
        let told = project.run(["compare", "a.jsonl", "c.jsonl"]).code(0).stdout;
        assert!(told.contains("with the same text and other fields"), "{told}");
        let _ = project
            .run(["compare", "a.jsonl", "c.jsonl", "--fail-on-change", "1%"])
            .code(1)
            .says(&["more than 1 %"]);
        let _ = project.run(["compare", "a.jsonl", "c.jsonl", "--fail-on-change", "100%"]).code(0);
        let _ = project.run(["compare", "a.jsonl", "c.jsonl", "--fail-on-change", "many"]).code(2);
    }
}

#[test]
fn verdicts_that_flip_are_told_with_their_reasons() {
    let pipeline = |drop: &str| {
        plugins_line(&["unruly"])
            + "input.uri = 'in.jsonl'\ndropped.uri = 'dropped.jsonl'\n"
            + &format!("[[stage]]\nuses = 'obey'\nwith = {{ drop = '{drop}' }}\n")
    };
    let documents: String = ["so TIRED", "so SLEEPY", "so so"]
        .iter()
        .enumerate()
        .map(|(id, text)| json!({"id": id.to_string(), "text": text}).to_string() + "\n")
        .collect();
    let project = project()
        .file("a.toml", pipeline("TIRED"))
        .file("b.toml", pipeline("SLEEPY"))
        .file("in.jsonl", documents);
    for more in [&[][..], &["--ledger", "l.jsonl"]] {
        for name in ["a", "b"] {
            let (toml, output) = (format!("{name}.toml"), format!("{name}{}.jsonl", more.len()));
            let ledger = more.last().map(|ledger| format!("{name}.{ledger}"));
            let more = ledger.iter().flat_map(|ledger| ["--ledger", ledger]);
            let _ = project.run(["run", &toml, "-q", "-o", &output].into_iter().chain(more)).code(0);
        }
        let (a, b) = (format!("a{}.jsonl", more.len()), format!("b{}.jsonl", more.len()));
        let told = project.run(["compare", &a, &b]).code(0).stdout;
        assert!(told.contains("2 documents with another verdict"), "{told}");
        assert!(told.contains("0  dropped by `obey`: word -> kept"), "{told}");
        assert!(told.contains("1  kept -> dropped by `obey`: word"), "{told}");
        assert!(
            told.contains("- with = { drop = 'TIRED' }") && told.contains("2 of 3 documents differ"),
            "{told}"
        );
    }
}

#[test]
fn an_output_that_is_another_is_not_compared() {
    let project = two_runs(true);
    project.write("b.jsonl", "{\"text\": \"\"}\n");
    let ran = project
        .run(["compare", "a.jsonl", "b.jsonl"])
        .code(0)
        .says(&["b.jsonl` is not what this run has written"]);
    assert!(!ran.stdout.contains("another text"), "{}", ran.stdout);
    let _ = project.run(["compare", "a.jsonl", "nothing"]).code(2).says(&["`nothing` does not exist"]);
}

/// Of what is not there nothing differs, and a limit held that nobody had looked at.
#[test]
fn a_limit_does_not_hold_for_want_of_texts() {
    let project = two_runs(true);
    let compare = ["compare", "a.jsonl", "b.jsonl"];
    let limited = || compare.into_iter().chain(["--fail-on-change", "0%"]);
    let b = project.read("b.jsonl");
    project.write("b.jsonl", b.clone() + "\n");
    let _ = project.run(limited()).code(2).says(&["is not what this run has written", "put the output back"]);
    let told = project.run(compare).code(0).stdout;
    assert!(told.contains("0 of 13 documents came to another end; texts were not compared"), "{told}");
    std::fs::remove_file(project.path("b.jsonl")).unwrap();
    let _ = project.run(limited()).code(2).says(&["the output of this run is gone"]);
    let _ = project.run(compare).code(0).says(&["is gone", "its texts are not compared"]);
    let _ = project.run(compare.into_iter().chain(["--html", "c.html"])).code(0);
    let page = project.read("c.html");
    assert!(page.contains("texts were not compared") && !page.contains("No document differs"), "{page}");
    let streamed = ["run", "pipelines/news.toml", "-q", "-o", "-", "--ledger", "s.jsonl"];
    let _ = project.run(streamed).code(0);
    let _ = project
        .run(["compare", "a.jsonl", "s.jsonl", "--fail-on-change", "0%"])
        .code(2)
        .says(&["this run has left no output"]);
    project.write("b.jsonl", b);
    let _ = project.run(limited()).code(1);
}

/// What is read back of lines without ids was known by other names than the ledger has for them.
#[test]
fn documents_without_ids_are_known_by_their_order() {
    let stages = "dropped.uri = 'dropped.jsonl'\n[[stage]]\nuses = 'clean'\n[[stage]]\nuses = 'obey'\nwith = { drop = 'TIRED' }\n";
    for ids in [["", ""], ["\"id\": null, ", "\"id\": \"x\", "]] {
        let document = |number: usize| {
            let words = if number == 2 { "TIRED" } else { "&amp; so" };
            format!("{{{}\"text\": \"{words} {number}\"}}\n", ids[number % 2])
        };
        let project = piped(&format!("{stages}id = 'it'\n"), (0..10).map(document).collect::<String>());
        project.write("p.toml", plugins_line(&["unruly"]) + &project.read("p.toml"));
        let run = |output: &str, more: &[&str]| {
            let args = ["run", "p.toml", "-q", "-o", output].into_iter().chain(more.iter().copied());
            let _ = project.run(args).code(0);
        };
        run("a.jsonl", &["--ledger", "a.ledger.jsonl"]);
        run("b.jsonl", &["--ledger", "b.ledger.jsonl"]);
        run("c.jsonl", &[]);
        run("d.jsonl", &["--baseline", "a.jsonl", "--ledger", "d.ledger.jsonl"]);
        let same = |one: &str, other: &str| {
            let told = project.run(["compare", one, other]).code(0).stdout;
            assert!(told.contains("0 of 10 documents differ"), "{one} {other}: {told}");
        };
        same("a.jsonl", "b.jsonl");
        same("c.jsonl", "c.jsonl");
        let lines = project.read_jsonl("b.ledger.jsonl");
        let kept: Vec<_> = lines.iter().filter(|line| line["event"] == "kept").collect();
        assert_eq!(kept.len(), 9);
        let id = kept[3]["doc"].as_str().unwrap();
        assert_eq!(project.run(["undo", "b.jsonl", id]).code(0).stdout, "&amp; so 4");
        let input = project.read("in.jsonl");
        project.write("in.jsonl", input.replace("so 5", "so what"));
        run("e.jsonl", &["--ledger", "e.ledger.jsonl"]);
        let told = project.run(["compare", "a.jsonl", "e.jsonl", "--html", "e.html"]).code(0).stdout;
        assert!(told.contains("1 document with another text"), "{told}");
        assert!(project.read("e.html").contains("what"), "{told}");
    }
}

#[test]
fn a_pipeline_is_drawn() {
    let project = with_pipelines();
    let mermaid = project.run(["graph", "pipelines/news.toml"]).code(0).stdout;
    let expected = "flowchart TD
    input([\"samples/news/\"])
    stage1[\"clean\"]
    stage2[\"dedup-title\"]
    stage3[\"links<br>strip-links\"]
    stage4[\"summarize\"]
    output([\"out/news.jsonl\"])
    failed([\"out/failed.jsonl\"])
    input --> stage1
    stage1 --> stage2
    stage2 --> stage3
    stage3 --> stage4
    stage4 --> output
    stage1 -. failed .-> failed
    stage2 -. failed .-> failed
    stage3 -. failed .-> failed
    stage4 -. failed .-> failed
";
    assert_eq!(mermaid, expected);
    let odd = piped("[[stage]]\nuses = 'clean'\non-error = 'drop'\n", "").file(
        "q.toml",
        "name = 'say \"a\\b\"'\ninput.uri = 'in \"x\" <b>#1.jsonl'\noutput.uri = 'o.jsonl'\n",
    );
    let mermaid = odd.run(["graph", "q.toml"]).code(0).stdout;
    assert!(mermaid.contains("input([\"in #quot;x#quot; #lt;b#gt;#35;1.jsonl\"])"), "{mermaid}");
    let dot = odd.run(["graph", "q.toml", "--format", "dot"]).code(0).stdout;
    assert!(dot.starts_with("digraph \"say \\\"a\\\\b\\\"\" {\n"), "{dot}");
    assert!(dot.contains("label = \"in \\\"x\\\" <b>#1.jsonl\""), "{dot}");
    let dot = odd.run(["graph", "p.toml", "--format", "dot"]).code(0).stdout;
    assert!(dot.starts_with("digraph \"p\" {\n") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains("stage1 -> dropped [style = dashed, label = \"dropped\"]"), "{dot}");
    let _ = odd.run(["graph", "none.toml"]).code(2);
}

#[test]
fn a_trace_has_a_span_for_each_batch_and_stage() {
    let documents: String = (0..1000)
        .map(|id| json!({"id": id.to_string(), "text": "Fish &amp; chips"}).to_string() + "\n")
        .collect();
    let project = piped("[[stage]]\nuses = 'clean'\n[[stage]]\nuses = 'strip-links'\n", documents);
    let _ = project.run(["run", "p.toml", "-j", "2", "--trace", "t.json"]).code(0).says(&["trace    t.json"]);
    let trace: Value = serde_json::from_str(&project.read("t.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |name: &str| events.iter().filter(|event| event["name"] == name).collect::<Vec<_>>();
    let documents =
        |name: &str| of(name).iter().map(|event| event["args"]["documents"].as_u64().unwrap()).sum::<u64>();
    for name in ["batch", "clean", "strip-links"] {
        assert_eq!((of(name).len(), documents(name)), (4, 1000), "{name}");
    }
    let within = |event: &Value, batch: &Value| {
        let end = |event: &Value| event["ts"].as_f64().unwrap() + event["dur"].as_f64().unwrap();
        event["tid"] == batch["tid"]
            && event["ts"].as_f64() >= batch["ts"].as_f64()
            && end(event) <= end(batch) + 1.0
    };
    for event in events {
        let batch =
            of("batch").into_iter().find(|batch| batch["args"]["batch"] == event["args"]["batch"]).unwrap();
        assert!(within(event, batch), "{event} in {batch}");
        assert_eq!(event["ph"], "X");
    }
}

/// It replaced whatever was there, the pipeline file and the output as well.
#[test]
fn a_trace_takes_the_place_of_nothing_else() {
    let project = piped("ledger.uri = 'l.jsonl'\n", "{\"text\": \"a\"}\n").file("mine.json", "{}");
    let trace = |file: &str, more: &[&str]| {
        project.run(["run", "p.toml", "--trace", file].into_iter().chain(more.iter().copied()))
    };
    for (file, says) in [
        ("p.toml", "is the pipeline file"),
        ("in.jsonl", "is an input of this run"),
        ("./out.jsonl", "is the output of this run"),
        ("l.jsonl", "is the ledger of this run"),
    ] {
        let _ = trace(file, &["--overwrite"]).code(2).says(&[says, "a file of its own"]);
    }
    let _ = trace("mine.json", &[]).code(2).says(&["was not written by textmill", "--overwrite"]);
    let _ = trace("none/t.json", &[]).code(2).says(&["cannot write the trace into `none`"]);
    let _ = trace(".", &[]).code(2).says(&["is a folder"]);
    assert_eq!(project.list(""), ["in.jsonl", "mine.json", "p.toml"]);
    assert_eq!(project.read("mine.json"), "{}");
    for file in ["mine.json", "t.json", "t.json"] {
        let more: &[&str] = if file == "mine.json" { &["--overwrite"] } else { &[] };
        let _ = trace(file, more).code(0);
        let trace: Value = serde_json::from_str(&project.read(file)).unwrap();
        assert_eq!(trace["displayTimeUnit"], "ms");
    }
}

#[test]
fn a_picture_is_drawn_without_anything_from_elsewhere() {
    let project = with_pipelines();
    let svg = project.run(["graph", "pipelines/news.toml", "--format", "svg"]).code(0).stdout;
    for part in [
        "<title>news</title>",
        ">links</text>",
        ">strip-links</text>",
        ">samples/news/</text>",
        ">failed</text>",
    ] {
        assert!(svg.contains(part), "`{part}` is not in {svg}");
    }
    assert_eq!(svg.matches("<rect ").count(), 7);
    // The name of the language of the picture is the one address in it.
    assert_eq!(svg.matches("://").count(), 1);
    assert!(!svg.contains("<script"));
    let hostile =
        "name = \"</title><script>x\\u202e\"\n[input]\nuri = 'a&<b>\"'\n[output]\nuri = 'o.jsonl'\n";
    let project = project.file("p.toml", hostile);
    let svg = project.run(["graph", "p.toml", "--format", "svg"]).code(0).stdout;
    assert!(svg.contains("a&amp;&lt;b&gt;&quot;") && !svg.contains("<script"), "{svg}");
    assert!(!svg.contains('\u{202e}'), "{svg}");
}

#[test]
fn a_comparison_is_a_page_too() {
    let project = two_runs(false).file("mine.html", "<p>hello</p>");
    let _ = project.run(["compare", "a.jsonl", "b.jsonl", "--html", "changed.html"]).code(0);
    let page = project.read("changed.html");
    for part in [
        "links.bare-urls",
        "<td><bdi>true</bdi></td><td><bdi>false</bdi></td>",
        "harbour-bridge-opens.txt",
        "<ins>",
        "default-src 'none'",
    ] {
        assert!(page.contains(part), "`{part}` is not in {page}");
    }
    for loads in ["<script", " src=", "<link", "url(", "<img"] {
        assert!(!page.contains(loads), "`{loads}` is in {page}");
    }
    // Over a page of ours, and not over another one.
    let _ = project.run(["compare", "a.jsonl", "a.jsonl", "--html", "changed.html"]).code(0);
    assert!(project.read("changed.html").contains("No document differs"));
    let _ = project
        .run(["compare", "a.jsonl", "b.jsonl", "--html", "mine.html"])
        .code(2)
        .says(&["was not written by textmill"]);
    assert_eq!(project.read("mine.html"), "<p>hello</p>");
}

/// `.ci/full` runs it: the feature is off by default.
#[cfg(feature = "opentelemetry")]
#[test]
fn opentelemetry_gets_the_spans_of_a_run() {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/base/", listener.local_addr().unwrap());
    let collector = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
                    return (head.to_owned(), body.to_owned());
                }
            }
            let count = stream.read(&mut buffer).unwrap();
            got.extend(&buffer[..count]);
        }
    });
    let project = with_pipelines();
    let mut run = project.command(["run", "pipelines/news.toml"]);
    let ran = textmill_testkit::Ran::from(run.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).output().unwrap());
    let ran = ran.code(0);
    assert!(!ran.stderr.contains("not sent"), "{}", ran.stderr);
    let (head, body) = collector.join().unwrap();
    assert!(head.starts_with("POST /base/v1/traces HTTP/1.1\r\n"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
    let of = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    assert_eq!(of("run")["parentSpanId"], json!(""));
    assert_eq!(of("batch")["parentSpanId"], of("run")["spanId"]);
    assert_eq!(of("links")["parentSpanId"], of("batch")["spanId"]);
    assert_eq!(of("links")["traceId"].as_str().unwrap().len(), 32);
    // Nobody there is no reason to fail.
    let mut run = project.command(["run", "pipelines/news.toml", "--fresh"]);
    let ran = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").output().unwrap();
    let _ = textmill_testkit::Ran::from(ran).code(0).says(&["were not sent"]);
}
