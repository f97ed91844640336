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
    let odd = piped("[[stage]]\nuses = 'clean'\non-error = 'drop'\n", "")
        .file("q.toml", "name = 'say \"a\\\\b\"'\ninput.uri = 'in \"x\".jsonl'\n");
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
    let hostile = "name = '</title><script>x'\n[input]\nuri = 'a&<b>\"'\n[output]\nuri = 'o.jsonl'\n";
    let project = project.file("p.toml", hostile);
    let svg = project.run(["graph", "p.toml", "--format", "svg"]).code(0).stdout;
    assert!(svg.contains("a&amp;&lt;b&gt;&quot;") && !svg.contains("<script"), "{svg}");
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
