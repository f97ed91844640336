//! `run.json`: the record of a run.

use serde_json::{Value, json};
use textmill_testkit::Project;

use crate::{piped, project, with_pipelines};

/// The record beside `out.jsonl`.
const BESIDE: &str = ".out.jsonl.textmill/run.json";

fn record(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

/// Two teasers in one document, one in the other, none in the third; a line that is no JSON.
fn articles() -> String {
    let article = |id: &str, teasers: &str| {
        let text = format!(
            "The bridge is open to all, and a long one to walk.\n\n{teasers}Those who walked it on the first day said that they would do it again.\n"
        );
        json!({"id": id, "text": text}).to_string()
    };
    let teaser = |headline: &str| format!("READ MORE: {headline}\n\n");
    let two = teaser("The Ferry Stops Today") + &teaser("Tram Line Delayed Again");
    [article("a", &two), article("b", &teaser("The Ferry Stops Today")), article("c", ""), "{".to_owned()]
        .join("\n")
}

const LINKS: &str =
    "run.max-errors = 1\n[[stage]]\nid = 'links'\nuses = 'strip-links'\nwith = { max-removed = 0.9 }\n";

#[test]
fn it_says_what_became_of_every_document() {
    let project = piped(LINKS, articles());
    let _ = project.run(["run", "p.toml"]).code(0);
    let run = record(&project, BESIDE);
    let docs = json!({"read": 4, "unreadable": 1, "over-limits": {}, "emitted": 0, "kept": 3, "dropped": 0, "failed": 1, "refused": 0,
        "replaced-utf8": 0, "kept-ratio": 0.75});
    assert_eq!((&run["schema-version"], &run["docs"]), (&json!(1), &docs));
    let stage = &run["stages"][0];
    assert_eq!(
        (&stage["id"], &stage["uses"], &stage["docs"]["changed"]),
        (&json!("links"), &json!("strip-links"), &json!(2))
    );
    assert_eq!(stage["options"], json!({"max-removed": 0.9}));
    let teaser = stage["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "teaser").unwrap();
    assert_eq!((&teaser["docs"], &teaser["edits"]), (&json!(2), &json!(3)));
    assert_eq!(
        run["before"]["chars"].as_u64().unwrap() - run["after"]["chars"].as_u64().unwrap(),
        stage["removed"]["chars"].as_u64().unwrap()
    );
    assert_eq!(run["before"]["lengths"]["count"], json!(3));
    assert_eq!(stage["removed-share"]["count"], json!(3));
    let failure = &run["failures"]["shown"][0];
    assert_eq!((&run["failures"]["total"], &failure["stage"]), (&json!(1), &Value::Null));
    assert!(failure["place"].as_str().unwrap().contains("in.jsonl"), "{failure}");
    assert_eq!(run["outputs"][0]["kind"], json!("output"));
    assert_eq!(run["outputs"][0]["docs"], json!(3));
}

#[test]
fn samples_show_what_a_rule_did() {
    let project = piped(LINKS, articles());
    let _ = project.run(["run", "p.toml"]).code(0);
    let run = record(&project, BESIDE);
    let rules = run["stages"][0]["rules"].as_array().unwrap();
    let samples = rules.iter().find(|rule| rule["name"] == "teaser").unwrap()["samples"].as_array().unwrap();
    assert_eq!((&samples[0]["id"], &samples[0]["chosen"]), (&json!("a"), &json!("extreme")));
    assert_eq!(samples.len(), 2, "each document once");
    let excerpt = &samples[0]["excerpts"][0];
    assert!(
        excerpt["removed"].as_str().unwrap().starts_with("READ MORE: The Ferry Stops Today"),
        "{excerpt}"
    );
    assert!(excerpt["lead"].as_str().unwrap().ends_with("to walk.\n\n"), "{excerpt}");
    assert_eq!(excerpt["added"], json!(""));
}

#[test]
fn it_does_not_depend_on_the_threads() {
    let project = with_pipelines();
    let run = |jobs: &str| {
        let _ = project.run(["run", "pipelines/news.toml", "-j", jobs, "--report", "r"]).code(0);
        let mut run = record(&project, "r/run.json");
        assert!(run["times"]["seconds"].as_f64().unwrap() > 0.0);
        run.as_object_mut().unwrap().remove("times");
        run
    };
    let one = run("1");
    assert_eq!(one, run("4"));
    assert!(one["stages"].as_array().unwrap().iter().all(|stage| stage["docs"]["entered"] == json!(13)));
    assert!(
        one["tests"].as_array().unwrap().iter().all(|test| test["result"] == json!("passed")),
        "{}",
        one["tests"]
    );
}

/// Which thread gets which batch differs from run to run; the histograms and the samples do not.
#[test]
fn many_batches_come_to_the_same_record() {
    let article = |number: usize| {
        let teasers = "READ MORE: The Ferry Stops Today\n".repeat(number % 7);
        let text = format!("{}\n{teasers}The end.\n", "The bridge is open to all. ".repeat(number % 40 + 3));
        json!({"id": number.to_string(), "text": text}).to_string() + "\n"
    };
    let project = piped(LINKS, (0..3000).map(article).collect::<String>());
    let run = |jobs: &str| {
        let _ = project.run(["run", "p.toml", "-j", jobs]).code(0);
        let mut run = record(&project, BESIDE);
        run.as_object_mut().unwrap().remove("times");
        run
    };
    let one = run("1");
    let teaser =
        &one["stages"][0]["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "teaser").unwrap();
    let chosen: Vec<_> =
        teaser["samples"].as_array().unwrap().iter().map(|sample| &sample["chosen"]).collect();
    assert_eq!(chosen, ["extreme", "extreme", "typical", "typical", "random", "random"]);
    assert_eq!(one, run("3"));
    assert_eq!(one, run("8"));
}

#[test]
fn it_is_found_beside_a_folder_too_and_where_it_is_asked_for() {
    let project = piped("report.uri = 'mine/'\n", articles());
    let _ = project
        .run(["run", "p.toml", "-o", "out/", "--report", "other"])
        .code(1)
        .says(&["report   other/report.html"]);
    assert_eq!(record(&project, "out/.textmill/run.json"), record(&project, "other/run.json"));
    let _ = project.run(["run", "p.toml"]).code(1).says(&["report   mine/report.html"]);
    assert_eq!(record(&project, BESIDE), record(&project, "mine/run.json"));
    let _ = project
        .run(["run", "p.toml", "-o", "else.jsonl"])
        .code(1)
        .says(&["report   else.report/report.html"]);
    assert_eq!(project.list("mine"), ["report.html", "run.json"]);
}

#[test]
fn what_somebody_else_wrote_is_not_replaced() {
    let project = piped("", articles()).file("r/run.json", "{\"mine\": 1}");
    let args = ["run", "p.toml", "--report", "r"];
    let _ = project.run(args).code(2).says(&["`r/run.json` was not written by textmill", "--overwrite"]);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml", "r/run.json"]);
    let _ = project.run(args.into_iter().chain(["--overwrite"])).code(1);
    let _ = project.run(args).code(1);
    assert_eq!(record(&project, "r/run.json")["docs"]["read"], json!(4));
}

#[test]
fn a_stream_has_none_and_a_dry_run_only_where_it_is_asked_for() {
    let project = piped("", articles());
    let _ = project.run(["run", "p.toml", "-o", "-"]).code(1);
    let _ = project.run(["run", "p.toml", "--dry-run", "--report", "r"]).code(1);
    assert_eq!(project.list(""), ["in.jsonl", "p.toml", "r/report.html", "r/run.json"]);
    let run = record(&project, "r/run.json");
    assert_eq!((&run["dry-run"], &run["outputs"]), (&json!(true), &json!([])));
}

/// Types never vary and every key is always there: what is written is what the schema says, which says so of every key.
#[test]
fn it_is_what_the_schema_says() {
    let schema: Value = serde_json::from_str(&project().run(["schema", "--run"]).code(0).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |run: &Value| {
        let errors: Vec<_> = validator.iter_errors(run).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    };
    let failing = piped(LINKS, articles());
    let _ = failing.run(["run", "p.toml"]).code(0);
    check(&record(&failing, BESIDE));
    let news = with_pipelines();
    let _ = news.run(["run", "pipelines/news.toml", "--report", "r"]).code(0);
    let run = record(&news, "r/run.json");
    check(&run);
    let mut without = run.clone();
    without["stages"][0].as_object_mut().unwrap().remove("removed-share");
    assert!(!validator.is_valid(&without), "the schema asks for every key");
}
