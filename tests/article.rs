//! One real article through the news pipeline: what it is all for.

use std::fs;

use textmill_testkit::{Tree, shared, workspace};

use crate::with_pipelines;

#[test]
fn a_real_article_comes_out_clean() {
    let Some(path) = shared("data/article.txt") else { return };
    let original = fs::read_to_string(&path).unwrap();
    let project = with_pipelines();
    let uri = path.canonicalize().unwrap().display().to_string();
    let ran = project.run(["run", "pipelines/news.toml", "-i", &uri, "-o", "-"]).code(0);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let field = |name: &str| document[name].as_str().unwrap().to_owned();
    let (title, text, summary) = (field("title"), field("text"), field("summary"));

    let first = original.lines().next().unwrap();
    assert_eq!(title, first);
    assert_eq!(text.matches(first).count(), 1, "the title once");
    assert_eq!(text.lines().next(), Some(first));

    assert!(!text.contains("READ MORE"));
    let repeats = |line: &&str| line.starts_with("READ MORE:") || *line == first;
    assert_eq!(original.lines().filter(repeats).count(), 6, "the title twice and four teasers");
    let paragraphs = |text: &str| -> Vec<String> {
        let lines = text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line));
        lines.filter(|line| !line.is_empty() && !repeats(line)).map(ToOwned::to_owned).collect()
    };
    assert_eq!(paragraphs(&text), paragraphs(&original), "every other line byte for byte");
    assert_eq!(text, [&[first.to_owned()], &*paragraphs(&original)].concat().join("\n\n"));

    check_summary(&summary, &paragraphs(&original));
}

/// Three sentences, all from the body.
fn check_summary(summary: &str, paragraphs: &[String]) {
    let mut rest = summary;
    let mut sentences = 0;
    while !rest.is_empty() {
        let ends = rest.match_indices(". ").map(|(at, _)| at + 1).chain([rest.len()]);
        let parts = ends.filter_map(|end| rest.get(..end));
        let longest = parts.filter(|part| paragraphs.iter().any(|body| body.contains(part))).last();
        let part = longest.unwrap_or_else(|| panic!("not of the body: {rest}"));
        // A run of sentences that follow each other in the body counts by its full stops.
        sentences += part.matches(". ").count() + 1;
        rest = rest.get(part.len()..).unwrap().trim_start();
    }
    assert_eq!(sentences, 3, "{summary}");
}

#[test]
fn a_clean_sample_comes_out_as_it_went_in() {
    let project = with_pipelines();
    let _ = project.run(["run", "pipelines/news.toml"]).code(0);
    let samples = Tree::of(&workspace().join("pipelines/samples/news"));
    let documents = project.read_jsonl("pipelines/out/news.jsonl");
    assert_eq!(documents.len(), samples.names().len());
    let clean = documents.iter().filter(|document| document["id"].as_str().unwrap().contains("-clean"));
    let mut seen = 0;
    for document in clean {
        let id = document["id"].as_str().unwrap();
        assert_eq!(document["text"].as_str().unwrap().as_bytes(), samples.get(id).unwrap(), "{id}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen} clean samples");
}
