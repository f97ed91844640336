//! `--output-format`: what `check`, `test` and `run` found, for machines.

use serde_json::{Value, json};
use textmill_testkit::{Project, Ran};

use crate::project;

/// A test that fails in a line of its own, one that passes, a condition that does not hold.
const PIPELINE: &str = "\
input.uri = 'in'
output.uri = 'out.jsonl'
[[stage]]
id = 'links'
uses = 'strip-links'
[[check]]
that = 'docs.kept > 5'
message = 'Too few.'
[[test]]
name = 'it <stays> | whole'
input.text = 'One.'
expect.text = 'Öne.'
[[test]]
name = 'nothing'
input.text = 'One.'
expect.unchanged = true
";

fn with_results() -> Project {
    let text = "The bridge is open to all who walk.\n\nREAD MORE: Two\n\nIt is a long one, and high above the river.\n";
    project().file("a b/p.toml", PIPELINE).file("a b/in/x.txt", text)
}

fn results(project: &Project, args: &[&str], format: &str, code: i32) -> Ran {
    project.run(args.iter().copied().chain(["--output-format", format])).code(code)
}

fn json(project: &Project, args: &[&str], code: i32) -> Value {
    serde_json::from_str(&results(project, args, "json", code).stdout).unwrap()
}

#[test]
fn json_has_every_key_and_no_type_that_varies() {
    let project = with_results().file("bad.toml", "[[stage]]\nuses = 'clena'\n");
    let reports = [
        json(&project, &["test", "a b/p.toml"], 1),
        json(&project, &["run", "a b/p.toml"], 1),
        json(&project, &["check", "a b/p.toml", "bad.toml"], 2),
    ];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for report in &reports {
        assert_eq!(keys(report), keys(&reports[0]));
        for finding in report["findings"].as_array().unwrap() {
            assert_eq!(keys(finding), ["kind", "group", "name", "verdict", "seconds", "problems"]);
            for problem in finding["problems"].as_array().unwrap() {
                assert_eq!(keys(problem), ["message", "hint", "details", "place"]);
                assert_eq!(keys(&problem["place"]), ["file", "line", "column", "end-column"]);
            }
        }
    }
    let [test, run, check] = reports;
    assert_eq!((&test["passed"], &test["failed"]), (&json!(1), &json!(1)));
    let problem = &test["findings"][0]["problems"][0];
    assert_eq!(problem["place"], json!({ "file": "a b/p.toml", "line": 12, "column": 15, "end-column": 21 }));
    assert!(problem["details"].as_str().unwrap().starts_with("- Öne.\n+ One."), "{problem}");
    assert_eq!(run["run"]["docs"]["kept"], 1);
    assert_eq!(run["findings"][1]["problems"][0]["hint"], "Too few.");
    assert_eq!(check["findings"][0]["verdict"], "passed");
    let mistake = &check["findings"][1];
    assert_eq!((&mistake["verdict"], &mistake["problems"][0]["place"]["line"]), (&json!("error"), &json!(2)));
    assert!(mistake["problems"][0]["hint"].as_str().unwrap().contains("`clean`"), "{mistake}");
}

#[test]
fn json_lines_are_the_findings() {
    let project = with_results();
    let lines = results(&project, &["test", "a b"], "jsonl", 1).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut findings = json(&project, &["test", "a b"], 1)["findings"].as_array().unwrap().clone();
    for (line, finding) in lines.iter().zip(&mut findings) {
        finding["seconds"] = line["seconds"].clone();
    }
    assert_eq!(lines, findings);
}

#[test]
fn junit_has_a_case_for_each_finding() {
    let xml = results(&with_results(), &["test", "a b/p.toml"], "junit", 1).stdout;
    let head = "<testsuites name=\"textmill test\" tests=\"2\" skipped=\"0\" failures=\"1\" errors=\"0\"";
    assert!(xml.contains(head), "{xml}");
    assert!(xml.contains("<testcase name=\"it &lt;stays&gt; | whole\" classname=\"a b/p.toml\""), "{xml}");
    assert!(xml.contains("a b/p.toml:12:15: the text is another"), "{xml}");
    let broken = project().file("p.toml", "x = 1\n");
    let xml = results(&broken, &["test", "p.toml"], "junit", 2).stdout;
    assert!(xml.contains("errors=\"1\""), "{xml}");
}

#[test]
fn sarif_has_the_shape_of_sarif() {
    let project = with_results().file("bad.toml", "x = 1\n");
    for (args, code, line) in [
        (vec!["test", "a b/p.toml"], 1, 12),
        (vec!["run", "a b/p.toml"], 1, 7),
        (vec!["check", "bad.toml"], 2, 1),
    ] {
        let sarif: Value = serde_json::from_str(&results(&project, &args, "sarif", code).stdout).unwrap();
        let errors: Vec<_> = jsonschema::validator_for(&sarif_schema())
            .unwrap()
            .iter_errors(&sarif)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{sarif:#}");
        let places = sarif["runs"][0]["results"].as_array().unwrap();
        let region = &places[0]["locations"][0]["physicalLocation"];
        assert_eq!(region["region"]["startLine"], line, "{region}");
        assert_eq!(region["artifactLocation"]["uri"], args[1].replace(' ', "%20"));
    }
}

/// What of SARIF 2.1.0 we write, and no more: section numbers are those of the standard.
fn sarif_schema() -> Value {
    let text = json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } }, "additionalProperties": false });
    let number = json!({ "type": "integer", "minimum": 1 });
    // 3.30: there is no column without a line.
    let region = json!({
        "type": "object", "required": ["startLine"], "additionalProperties": false,
        "properties": { "startLine": number, "startColumn": number, "endColumn": number },
    });
    // 3.4: a relative reference to a file, below a base.
    let artifact = json!({
        "type": "object", "required": ["uri", "uriBaseId"], "additionalProperties": false,
        "properties": { "uri": { "type": "string", "pattern": "^[A-Za-z0-9/._~%-]+$" }, "uriBaseId": { "const": "%SRCROOT%" } },
    });
    let location = json!({
        "type": "object", "required": ["physicalLocation"], "additionalProperties": false,
        "properties": { "physicalLocation": {
            "type": "object", "required": ["artifactLocation"], "additionalProperties": false,
            "properties": { "artifactLocation": artifact, "region": region },
        } },
    });
    // 3.27
    let result = json!({
        "type": "object", "required": ["ruleId", "ruleIndex", "level", "message", "locations"], "additionalProperties": false,
        "properties": {
            "ruleId": { "enum": ["pipeline", "test", "documents", "check", "baseline"] },
            "ruleIndex": { "type": "integer", "minimum": 0 },
            "level": { "enum": ["none", "note", "warning", "error"] },
            "message": text,
            "locations": { "type": "array", "items": location },
        },
    });
    let rule = json!({
        "type": "object", "required": ["id", "shortDescription"], "additionalProperties": false,
        "properties": { "id": { "type": "string" }, "shortDescription": text },
    });
    // 3.14
    let run = json!({
        "type": "object", "required": ["tool", "results", "columnKind", "invocations"], "additionalProperties": false,
        "properties": {
            "tool": { "type": "object", "required": ["driver"], "additionalProperties": false, "properties": {
                "driver": { "type": "object", "required": ["name", "version", "rules"], "additionalProperties": false, "properties": {
                    "name": { "const": "textmill" }, "version": { "type": "string" },
                    "rules": { "type": "array", "items": rule },
                } },
            } },
            "columnKind": { "const": "unicodeCodePoints" },
            "invocations": { "type": "array", "items": {
                "type": "object", "required": ["executionSuccessful"], "additionalProperties": false,
                "properties": { "executionSuccessful": { "type": "boolean" } },
            } },
            "results": { "type": "array", "minItems": 1, "items": result },
        },
    });
    json!({
        "type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": false,
        "properties": {
            "$schema": { "type": "string" }, "version": { "const": "2.1.0" },
            "runs": { "type": "array", "minItems": 1, "items": run },
        },
    })
}

#[test]
fn markdown_shows_what_came_out() {
    let project = with_results();
    let text = results(&project, &["test", "a b/p.toml"], "markdown", 1).stdout;
    assert!(text.starts_with("### ❌ `textmill test`: 1 passed, 1 failed\n"), "{text}");
    assert!(text.contains("| failed | it \\<stays\\> \\| whole | a b/p.toml |\n"), "{text}");
    assert!(text.contains("  ```diff\n  - Öne.\n  + One.\n  ```\n"), "{text}");
    let text = results(&project, &["run", "a b/p.toml"], "markdown", 1).stdout;
    assert!(text.contains("| links | 1 | 1 | 0 | 0 | -16 |"), "{text}");
    assert!(text.contains("1 document read = 1 kept"), "{text}");
}

#[test]
fn in_a_workflow_of_github_annotations_and_a_summary_come_by_themselves() {
    let project = with_results();
    let summary = project.path("summary.md");
    for (args, code, annotation) in [
        (
            ["test", "a b/p.toml"],
            1,
            "::error title=textmill%3A it <stays> | whole,file=a b/p.toml,line=12,col=15,endColumn=21::the text is another",
        ),
        (
            ["run", "a b/p.toml"],
            1,
            "::error title=textmill%3A docs.kept > 5,file=a b/p.toml,line=7,col=8,endColumn=23::`docs.kept > 5` does not hold: it is 1%0Ahint: Too few.",
        ),
        (["check", "a b/p.toml"], 0, ""),
    ] {
        let mut command = project.command(args);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", project.path(""));
        let ran = Ran::from(command.env("GITHUB_STEP_SUMMARY", &summary).output().unwrap());
        assert_eq!(ran.stdout, "");
        let _ = ran.code(code).says(&[annotation]);
    }
    let summary = project.read("summary.md");
    let headings: Vec<_> = summary.lines().filter(|line| line.starts_with("### ")).collect();
    assert_eq!(headings.len(), 3, "{summary}");
    assert!(headings[2].contains("✅ `textmill check`: 1 passed"), "{summary}");
}

#[test]
fn documents_and_results_do_not_mix() {
    let project = with_results();
    let ran = results(&project, &["run", "a b/p.toml", "-o", "-"], "jsonl", 2);
    let finding: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(finding["verdict"], "error");
    let _ = ran.says(&["documents and `--output-format` would both go to standard output"]);
    let ran = results(&project, &["run", "a b/p.toml", "-o", "-"], "github", 1).says(&["::error"]);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
}

#[test]
fn quiet_is_quiet_about_what_is_well() {
    let project = with_results();
    let ran = project.run(["test", "-q", "a b/p.toml"]).code(1).says(&["FAIL  it <stays>"]);
    assert!(!ran.stderr.contains("nothing"), "{}", ran.stderr);
    assert_eq!(project.run(["check", "-q", "a b"]).code(0).stderr, "");
}

#[test]
fn several_pipelines_are_checked_whatever_is_wrong_with_the_first() {
    let project = with_results().file("a b/a.toml", "[[stage]]\nuses = 'clena'\n").file("empty/x.txt", "");
    let _ = project.run(["check", "a b"]).code(2).says(&["unknown stage `clena`", "a b/p.toml: ok (links)"]);
    let _ = project.run(["check", "empty"]).code(2).says(&["found no pipeline file in `empty`"]);
}

mod baseline {
    use super::*;

    fn with_baseline() -> Project {
        let project = with_results();
        let pipeline = PIPELINE.replace("docs.kept > 5", "docs.kept > 0");
        project.write("a b/p.toml", pipeline);
        let _ = project.run(["run", "a b/p.toml", "-o", "base/base.jsonl"]).code(0);
        project
    }

    #[test]
    fn a_run_that_comes_to_the_same_passes() {
        let project = with_baseline();
        let _ = project.run(["run", "a b/p.toml", "--baseline", "base/base.jsonl"]).code(0);
        // Nothing is done, and it is compared all the same.
        let again = json(&project, &["run", "a b/p.toml", "--baseline", "base/base.jsonl"], 0);
        assert_eq!(again["findings"][2]["name"], "as in base/base.jsonl");
        assert_eq!(again["findings"][2]["verdict"], "passed");
    }

    #[test]
    fn a_run_that_differs_more_than_it_may_fails() {
        let project = with_baseline();
        let run = ["run", "a b/p.toml", "--set", "links.off=['teaser']", "--baseline", "base/base.jsonl"];
        let ran = project.run(run).code(1);
        let _ = ran.says(&[
            "1 of 1 document differ from `base/base.jsonl` (100.00 %); at most 0 % may",
            "1 document with another text",
        ]);
        let _ = project.run(run.into_iter().chain(["--fail-on-change", "100%"])).code(0);
    }

    #[test]
    fn a_baseline_that_the_run_replaces_is_the_one_before() {
        let project = with_baseline();
        let run = ["run", "a b/p.toml", "-o", "base/base.jsonl", "--baseline", "base/base.jsonl"];
        let _ = project.run(run.into_iter().chain(["--set", "links.off=['teaser']"])).code(1);
    }

    #[test]
    fn a_baseline_may_have_been_moved() {
        let project = with_baseline();
        std::fs::rename(project.path("base"), project.path("moved")).unwrap();
        let _ = project.run(["run", "a b/p.toml", "--baseline", "moved/base.jsonl"]).code(0);
    }

    #[test]
    fn what_cannot_be_compared_is_refused_before_the_run() {
        let project = with_baseline();
        let run = |output: &str| {
            project.run(["run", "a b/p.toml", "-o", output, "--baseline", "base/base.jsonl"]).code(2)
        };
        let _ = run("-").says(&["the output is standard output", "-o out.jsonl"]);
        let _ = run("x.md").says(&["the output is Markdown"]);
        let base = project.read("base/base.jsonl");
        project.write("base/base.jsonl", base + "\n");
        let _ = run("x.jsonl").says(&["is not what this run has written", "put the output back"]);
        assert!(!project.path("x.md").exists() && !project.path("x.jsonl").exists());
    }

    #[test]
    fn a_baseline_without_documents_is_refused() {
        let project = with_baseline();
        std::fs::remove_file(project.path("base/base.jsonl")).unwrap();
        let run = ["run", "a b/p.toml", "--baseline", "base/.base.jsonl.textmill/run.json"];
        let _ = project.run(run).code(2).says(&["the output of this run is gone"]);
        let _ = project
            .run(["run", "a b/p.toml", "--baseline", "nowhere"])
            .code(2)
            .says(&["`nowhere` does not exist"]);
        assert!(!project.path("a b/out.jsonl").exists());
    }
}

/// The composite action of this repository, less GitHub.
#[cfg(unix)]
mod action {
    use std::process::Command;

    use textmill_testkit::{Project, Ran, workspace};

    use crate::with_pipelines;

    /// Runs the script of a step, with the built binary as `textmill`.
    fn step(project: &Project, name: &str, inputs: &[(&str, &str)]) -> Ran {
        let action =
            std::fs::read_to_string(workspace().join(".github/actions/textmill/action.yml")).unwrap();
        let (_, step) = action.split_once(&format!("    - name: {name}\n")).unwrap();
        let (_, script) = step.split_once("      run: |\n").unwrap();
        let script: Vec<_> = script.lines().map_while(|line| line.strip_prefix("        ")).collect();
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_textmill")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let mut bash = Command::new("bash");
        bash.args(["-e", "-o", "pipefail", "-c", &script.join("\n")]).current_dir(project.path(""));
        bash.env("PATH", path).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "summary.md");
        bash.env("GITHUB_WORKSPACE", project.path("")).envs(inputs.iter().copied()).output().unwrap().into()
    }

    #[test]
    fn it_checks_tests_and_runs() {
        let project = with_pipelines();
        let pipelines = ("PIPELINES", "pipelines/news.toml\n\npipelines/corpus.toml\n");
        let _ = step(&project, "Check", &[pipelines, ("SARIF", "")]).code(0);
        let _ = step(&project, "Test", &[pipelines]).code(0);
        let run = ("PIPELINE", "pipelines/news.toml");
        let _ = step(&project, "Run", &[run, ("OPTIONS", "--frozen\n--report=report\n")]).code(0);
        let _ = step(&project, "Run", &[run, ("OPTIONS", "")]).code(0);
        let summary = project.read("summary.md");
        assert_eq!(summary.matches("### ✅").count(), 4, "{summary}");
        assert!(project.path("report/report.html").exists());
    }

    #[test]
    fn it_fails_where_a_command_fails() {
        let project = with_pipelines().file("pipelines/bad.toml", "[[stage]]\nuses = 'clena'\n");
        let check = step(&project, "Check", &[("PIPELINES", "pipelines"), ("SARIF", "found.sarif")]).code(2);
        let _ = check.says(&["::error title=textmill%3A bad.toml,file=pipelines/bad.toml,line=2,col=8"]);
        let sarif: serde_json::Value = serde_json::from_str(&project.read("found.sarif")).unwrap();
        assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 1);
        assert_eq!(project.read("summary.md").matches("###").count(), 1);
    }
}

/// A line of a text, shown beside a change, began with `::` after its indent, which the runner of GitHub skips.
#[test]
fn no_line_of_a_text_is_a_command_of_a_workflow() {
    let hostile = |word: &str| format!(r#""::stop-commands::x\n{word}.\nz ##[error]y\r::z\n""#);
    let (before, after) = (hostile("One"), hostile("Two"));
    let golden = format!("[[test]]\nname = 'it'\ninput.text = {before}\nexpect.text = {after}\n");
    let project = project().file("p.toml", format!("[[stage]]\nuses = 'strip-links'\n{golden}"));
    let mut command = project.command(["test", "p.toml"]);
    let ran = Ran::from(command.env("GITHUB_ACTIONS", "true").output().unwrap()).code(1);
    let commands: Vec<_> = ran
        .stderr
        .split(['\n', '\r'])
        .map(str::trim_start)
        .filter(|line| line.starts_with("::") || line.contains("##["))
        .collect();
    assert_eq!(commands.len(), 1, "{}", ran.stderr);
    assert!(commands[0].starts_with("::error title=textmill%3A it,file=p.toml"), "{commands:?}");
    let _ = ran.says(&["| ::stop-commands::x", "z # #[error]y"]);
}

/// Who has read enough of the documents is no mistake of the pipeline.
#[cfg(unix)]
#[test]
fn a_pipe_that_is_closed_is_no_finding() {
    use std::io::Read as _;

    let text = "x".repeat(1000);
    let documents: String = (0..20_000).map(|_| json!({"text": text}).to_string() + "\n").collect();
    let project = crate::piped("", documents);
    let mut command = project.command(["run", "p.toml", "-o", "-"]);
    command.env("GITHUB_ACTIONS", "true").stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.contains("::error")), (Some(0), false), "{stderr}");
}

#[test]
fn a_run_of_which_too_much_failed_is_about_its_documents() {
    let documents = "{\"text\": 1}\n".repeat(100);
    let project = crate::piped("", documents);
    let found = json(&project, &["run", "p.toml", "--max-errors", "3"], 1);
    let finding = &found["findings"][0];
    assert_eq!((&finding["kind"], &finding["verdict"]), (&json!("documents"), &json!("failed")), "{found}");
    assert!(finding["problems"][0]["hint"].as_str().unwrap().contains("--max-errors"), "{found}");
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning() {
    let project = with_results();
    let mut command = project.command(["check", "a b/p.toml"]);
    let ran = Ran::from(command.env("GITHUB_STEP_SUMMARY", "none/summary.md").output().unwrap());
    let _ = ran.code(0).says(&["warning: cannot write the summary of the step", "none/summary.md"]);
}

/// What plugins log is whatever they have read.
#[test]
fn no_line_of_a_log_is_a_command_of_a_workflow() {
    let text = json!({"text": "LOG ALOUD\n::error::x\r  ::error::y\nz ##[error]z"}).to_string();
    let project = crate::piped("[[stage]]\nuses = 'obey'\n", text);
    project.write("p.toml", crate::plugins::plugins_line(&["unruly"]) + &project.read("p.toml"));
    let mut command = project.command(["run", "p.toml"]);
    let ran = Ran::from(command.env("GITHUB_ACTIONS", "true").output().unwrap()).code(0);
    let ran = ran.says(&["LOG ALOUD", "z # #[error]z"]);
    let mut lines = ran.stderr.split(['\n', '\r']).map(str::trim_start);
    assert!(lines.all(|line| !line.starts_with("::") && !line.contains("##[")), "{}", ran.stderr);
}
