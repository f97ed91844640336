//! What cleaning is worth: the same articles with what scraped pages have, summarized with and without the stages before.
//!
//! Each article is laid out in paragraphs. To make it dirty, a title stands twice above it (the beginning of its first
//! sentence, as headlines restate the lead), and after the first, third and fifth paragraph stands a teaser: one of three
//! well-known phrases and a headline (the first line of what somebody wrote about another article). Headlines mostly end
//! without a full stop, and a summarizer can see that they are no sentences; some sites use whole sentences, which it
//! takes for the article's. So there are two sets, which differ in that full stop alone. Nothing is drawn by chance. The
//! phrases are easy to find: this says what cleaning is worth to a summary, and not how much the stages find.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value as Json, json};

use super::bootstrap;
use super::rouge::{self, Scores};
use super::scored::Scored;
use crate::files;
use crate::program::{Step, Textmill};
use crate::table::{Figure, Report};

/// The two kinds of teasers, and what they end with.
const KINDS: [(&str, &str); 2] = [("cleaning, headlines", ""), ("cleaning, sentences", ".")];

/// The methods that are tried.
const METHODS: [&str; 3] = ["news", "lead", "lexrank"];

/// The words of a title, and the sentences of a paragraph.
const TITLE_WORDS: usize = 9;
const PARAGRAPH: usize = 3;

const STAGES: [Step<'static>; 3] = [
    Step { uses: "clean", with: "" },
    Step { uses: "dedup-title", with: "" },
    Step { uses: "strip-links", with: "" },
];

/// Runs every method on the articles as they were, on dirty ones, and on dirty ones that went through the stages.
pub(crate) fn run(textmill: &Textmill, report: &mut Report) -> Result<()> {
    let set = Scored::open("summaries", "summaries/dev.jsonl.gz")?;
    let python = rouge::environment()?;
    let split = Step { uses: "split-sentences", with: "language = \"en\"" };
    let sentences = files::read_documents(&textmill.run(&set.documents, "sentences", &[split])?)?;
    let answers = files::read_documents(&set.set)?;
    for (name, end) in KINDS {
        let articles = articles(&sentences, &answers, end);
        for method in METHODS {
            let outputs = summarize(textmill, &set, &articles, method)?;
            let scores = rouge::scores(&python, &set.set, &outputs)?;
            add(report, name, method, &scores);
            for (state, output) in ["dirty", "cleaned"].iter().zip(&outputs[1..]) {
                let bitten = with_teaser(&articles, &files::read_documents(output)?);
                let value = format!("{bitten}/{}", articles.len());
                report.figures.push(Figure::new(
                    name,
                    format!("{method}, {state}: summaries with a teaser"),
                    value,
                ));
            }
        }
    }
    Ok(())
}

/// The summaries of the articles as they were, dirty, and cleaned.
fn summarize(textmill: &Textmill, set: &Scored, articles: &[Article], method: &str) -> Result<[PathBuf; 3]> {
    let (published, dirty) =
        (set.documents.with_file_name("published.jsonl"), set.documents.with_file_name("dirty.jsonl"));
    files::write_documents(&published, &articles.iter().map(Article::published).collect::<Vec<_>>())?;
    files::write_documents(&dirty, &articles.iter().map(Article::dirty).collect::<Vec<_>>())?;
    let with = format!("language = \"en\", sentences = 3, method = \"{method}\"");
    let summarize = [Step { uses: "summarize", with: &with }];
    Ok([
        textmill.run(&published, &format!("{method}-published"), &summarize)?,
        textmill.run(&dirty, &format!("{method}-dirty"), &summarize)?,
        textmill.run(&dirty, &format!("{method}-cleaned"), &[&STAGES[..], &summarize].concat())?,
    ])
}

fn add(report: &mut Report, set: &str, method: &str, scores: &[Scores]) {
    for (state, scores) in ["published", "dirty", "cleaned"].iter().zip(scores) {
        let value = format!("{:.2}", rouge::mean(scores));
        report.figures.push(Figure::new(set, format!("{method}, {state}: mean"), value));
    }
    let worth = bootstrap::shown(&rouge::differences(&scores[2], &scores[1]));
    report.figures.push(Figure::new(set, format!("{method}: cleaned - dirty"), worth));
    let lost = bootstrap::shown(&rouge::differences(&scores[2], &scores[0]));
    report.figures.push(Figure::new(set, format!("{method}: cleaned - published"), lost));
}

/// In how many summaries a teaser stands.
fn with_teaser(articles: &[Article], summarized: &[Json]) -> usize {
    let bitten = |(article, document): &(&Article, &Json)| {
        let summary = files::text_of(document, "summary");
        article.teasers.iter().any(|teaser| summary.contains(teaser.as_str()))
    };
    articles.iter().zip(summarized).filter(bitten).count()
}

/// An article, and what is put into it.
#[derive(Debug)]
struct Article {
    id: String,
    title: String,
    paragraphs: Vec<String>,
    teasers: [String; 3],
}

fn articles(split: &[Json], answers: &[Json], end: &str) -> Vec<Article> {
    let headlines: Vec<&str> = answers.iter().map(headline).collect();
    let article = |(number, document): (usize, &Json)| {
        let sentences: Vec<&str> =
            document["sentences"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let headline = |offset: usize| headlines[(number + offset) % headlines.len()];
        Article {
            id: files::text_of(document, "id").to_owned(),
            title: title(sentences.first().unwrap_or(&"")),
            paragraphs: sentences.chunks(PARAGRAPH).map(|sentences| sentences.join(" ")).collect(),
            teasers: [
                format!("READ MORE: {}{end}", headline(7)),
                format!("ALSO READ | {}{end}", headline(77)),
                format!("Related: {}{end}", headline(177)),
            ],
        }
    };
    split.iter().enumerate().map(article).collect()
}

/// The first line of what somebody wrote about an article, as a headline: without a full stop.
fn headline(answer: &Json) -> &str {
    let summary = files::text_of(answer, "summary");
    summary.lines().next().unwrap_or_default().trim().trim_end_matches('.').trim_end()
}

fn title(sentence: &str) -> String {
    let words: Vec<_> = sentence.split_whitespace().take(TITLE_WORDS).collect();
    words.join(" ").trim_end_matches(['.', ',', ';', ':']).to_owned()
}

impl Article {
    fn published(&self) -> Json {
        json!({ "id": self.id, "text": self.paragraphs.join("\n\n") })
    }

    fn dirty(&self) -> Json {
        let mut blocks = vec![self.title.as_str(), &self.title];
        for (number, paragraph) in self.paragraphs.iter().enumerate() {
            blocks.push(paragraph);
            if number % 2 == 0 {
                blocks.extend(self.teasers.get(number / 2).map(String::as_str));
            }
        }
        json!({ "id": self.id, "text": blocks.join("\n\n") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_get_a_title_and_teasers() {
        let teasers = ["READ MORE: A", "ALSO READ | B", "Related: C"].map(ToOwned::to_owned);
        let paragraphs = ["One.", "Two.", "Three."].map(ToOwned::to_owned).to_vec();
        let article = Article { id: "1".to_owned(), title: "One".to_owned(), paragraphs, teasers };
        let dirty = "One\n\nOne\n\nOne.\n\nREAD MORE: A\n\nTwo.\n\nThree.\n\nALSO READ | B";
        assert_eq!(article.dirty()["text"], dirty);
        assert_eq!(article.published()["text"], "One.\n\nTwo.\n\nThree.");
    }

    #[test]
    fn titles_are_the_beginning_of_the_first_sentence() {
        assert_eq!(
            title("The old bridge over the river, closed since March, opens today."),
            "The old bridge over the river, closed since March"
        );
        assert_eq!(title("It rains."), "It rains");
    }
}
