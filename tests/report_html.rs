//! `report.html`: the record of a run as a page.

use serde_json::{Value, json};
use textmill_testkit::Project;

use crate::{piped, with_pipelines};

/// The report beside `out.jsonl`.
const BESIDE: &str = ".out.jsonl.textmill/report.html";

/// What no browser may get to see of a text.
const HOSTILE: &str = "</script><script>alert(1)</script></style><img src=x onerror=alert(1)>\"><svg onload=alert(1)> \
    'javascript:alert(1)' <!-- {{7*7}} ]]> &lt;b&gt;\0\u{1b}]0;title\u{7} \u{202e}txt.exe\u{202c} \u{2066}x\u{feff}";

const LINKS: &str = "run.max-errors = 1\nname = '</title><script>alert(1)</script>'\n\
    [[stage]]\nid = 'links'\nuses = 'strip-links'\nwith = { max-removed = 1.0, phrases = ['</script>', 'HOSTILE'] }\n";

fn hostile() -> String {
    let line = |id: String, text: String| json!({"id": id, "text": text}).to_string() + "\n";
    let article = "The bridge is open to all, and a long one to walk.\n\n";
    let mut lines = String::new();
    for number in 0..4 {
        lines += &line(format!("{number}{HOSTILE}"), format!("{HOSTILE}\n{article}READ MORE: {HOSTILE}\n"));
    }
    lines += &line("long".to_owned(), format!("{article}READ MORE: {}\n", "<b>&\"\0".repeat(200_000)));
    lines += &line("wide".to_owned(), format!("{article}HOSTILE {}\n", "\u{202e}".repeat(400_000)));
    lines + "{\"" + HOSTILE.replace(['\n', '\\'], " ").as_str()
}

fn report(project: &Project) -> String {
    project.read(BESIDE)
}

#[test]
fn a_report_shows_what_a_run_did() {
    let project = with_pipelines();
    let _ = project
        .run(["run", "pipelines/news.toml", "--report", "r"])
        .code(0)
        .says(&["report   r/report.html"]);
    let page = project.read("r/report.html");
    for shown in [
        "<html lang=\"en\">",
        "<title>news – textmill report</title>",
        "13 read = 13 kept + 0 dropped + 0 failed",
        "A line that opens with a teaser phrase",
        "<del>READ MORE: ",
        "teasers go, the article stays",
        "threshold 0.8",
        "uses = &quot;strip-links&quot;",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("http-equiv=\"refresh\"") && !page.contains("<link") && !page.contains(" src="));
}

#[test]
fn no_text_gets_out_of_its_place() {
    let project = piped(LINKS, hostile());
    let _ = project.run(["run", "p.toml"]).code(0);
    let page = report(&project);
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert_eq!(page.matches("<script").count(), 1, "ours");
    assert_eq!((page.matches("<style").count(), page.matches("<title>").count() > 0), (1, true));
    for tag in ["<img", "<svg onload", "<!--", "alert(1)</script>", "<b>&\""] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)") && page.contains("<i>NUL</i>"));
    let hidden = |c: &char| {
        (c.is_control() && *c != '\n' && *c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert_eq!(page.chars().find(hidden), None);
}

#[test]
fn a_policy_allows_nothing_but_our_own_style_and_script() {
    let project = piped("", "{\"text\": \"x\"}\n");
    let _ = project.run(["run", "p.toml"]).code(0);
    let page = report(&project);
    let policy =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-";
    let place = page.find(policy).unwrap();
    assert!(place < page.find("<style").unwrap() && !page.contains("unsafe-inline"), "it comes first");
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="), "the policy would not allow it");
}

#[test]
fn a_report_is_made_again_from_the_record() {
    let project = with_pipelines();
    let run = |jobs: &str| {
        let _ = project.run(["run", "pipelines/news.toml", "-j", jobs, "--report", "r"]).code(0);
        let page = project.read("r/report.html");
        let again = project.run(["report", "r", "-o", "-"]).code(0).stdout;
        assert!(again == page, "another page is made of the same record");
        let mut record: Value = serde_json::from_str(&project.read("r/run.json")).unwrap();
        for (key, value) in [
            ("started", json!(0)),
            ("seconds", json!(1.5)),
            ("stages", json!([])),
            ("peak-bytes", json!(7)),
            ("threads", json!(1)),
        ] {
            record["times"][key] = value;
        }
        std::fs::write(project.path("timeless.json"), record.to_string()).unwrap();
        project.run(["report", "timeless.json", "-o", "-"]).code(0).stdout
    };
    assert!(run("1") == run("4"), "all but times is the same with any number of threads");
    let _ = project
        .run(["report", "pipelines/out/news.jsonl"])
        .code(0)
        .says(&["report   pipelines/out/.news.jsonl.textmill/report.html"]);
}

#[test]
fn a_report_takes_the_place_of_a_report_and_of_nothing_else() {
    let project =
        piped("", "{\"text\": \"x\"}\n").file("mine.html", "<p>mine</p>").file("r/report.html", "mine");
    let _ = project
        .run(["run", "p.toml", "--report", "r"])
        .code(2)
        .says(&["`r/report.html` was not written by textmill"]);
    let _ = project.run(["run", "p.toml"]).code(0);
    let args = ["report", "out.jsonl", "-o", "mine.html"];
    let _ = project.run(args).code(2).says(&["`mine.html` was not written by textmill", "--overwrite"]);
    assert_eq!(project.read("mine.html"), "<p>mine</p>");
    let _ = project.run(args.into_iter().chain(["--overwrite"])).code(0);
    let _ = project.run(args).code(0);
    assert_eq!(project.read("mine.html"), report(&project));
}

#[test]
fn a_report_that_cannot_be_is_refused_before_the_run() {
    let project = piped("", "{\"text\": \"x\"}\n").file("file", "mine");
    let _ = project.run(["run", "p.toml", "--report", "file"]).code(2).says(&["`file` is a file", "hint:"]);
    assert_eq!(project.list(""), ["file", "in.jsonl", "p.toml"]);
}

#[test]
fn a_run_that_is_none_is_told() {
    let project = piped("", "{\"text\": \"x\"}\n")
        .file("other.json", "{}")
        .file("newer.json", "{\"schema-version\": 99}");
    for (run, says) in [
        ("nothing", "`nothing` does not exist"),
        ("p.toml", "`p.toml` has no record of a run beside it"),
        ("other.json", "`other.json` cannot be read"),
        ("newer.json", "schema version 99"),
    ] {
        let _ = project.run(["report", run]).code(2).says(&[says, "hint:"]);
    }
}
