//! Summaries beside what people wrote, with every method, and sumy's on the same documents.

use std::path::PathBuf;

use anyhow::Result;

use super::bootstrap;
use super::rouge::{self, Scores};
use super::scored::Scored;
use crate::files;
use crate::program::{Step, Textmill};
use crate::python::Python;
use crate::table::{Figure, Report};

/// All methods; `lead` is what the others are held against.
pub(crate) const METHODS: [&str; 4] = ["lead", "news", "lexrank", "textrank"];

/// Those that sumy has too, and what it calls them.
const SUMY: [(&str, &str); 2] = [("lexrank", "sumy LexRank"), ("textrank", "sumy TextRank")];

/// The two lengths.
const LENGTHS: [(&str, &str); 2] = [("3 sentences", "sentences = 3"), ("60 words", "words = 60")];

/// Runs every method at every length.
pub(crate) fn run(textmill: &Textmill, report: &mut Report) -> Result<()> {
    let set = Scored::open("summaries", "summaries/dev.jsonl.gz")?;
    let python = rouge::environment()?;
    let sumy = sumy(textmill, &python, &set);
    if let Err(error) = &sumy {
        report.skip("sumy", error);
    }
    for (length, with) in LENGTHS {
        let mut outputs = ours(textmill, &set, length, with)?;
        if let Ok(folder) = &sumy {
            let file = |method| folder.join(format!("{method}-{}.jsonl", length.replace(' ', "-")));
            outputs.extend(SUMY.iter().map(|(method, _)| file(method)));
        }
        let scores = rouge::scores(&python, &set.set, &outputs)?;
        add(report, &format!("summaries, {length}"), &scores);
    }
    Ok(())
}

fn ours(textmill: &Textmill, set: &Scored, length: &str, with: &str) -> Result<Vec<PathBuf>> {
    let one = |method: &&str| {
        let with = format!("language = \"en\", method = \"{method}\", {with}");
        let name = format!("{method}-{}", length.replace(' ', "-"));
        textmill.run(&set.documents, &name, &[Step { uses: "summarize", with: &with }])
    };
    METHODS.iter().map(one).collect()
}

/// The folder with what sumy wrote.
fn sumy(textmill: &Textmill, python: &Python, set: &Scored) -> Result<PathBuf> {
    let folder = files::scratch("eval/sumy")?;
    let split = Step { uses: "split-sentences", with: "language = \"en\"" };
    let sentences = textmill.run(&set.documents, "sentences", &[split])?;
    python.script("sumy_summaries.py", &[&sentences, &folder])?;
    Ok(folder)
}

fn add(report: &mut Report, set: &str, scores: &[Scores]) {
    let (ours, theirs) = scores.split_at(METHODS.len());
    for (method, scores) in METHODS.iter().zip(ours) {
        for (column, name) in ["rouge1", "rouge2", "rougeL"].into_iter().enumerate() {
            let figure = Figure::new(set, format!("{method}.{name}"), shown(rouge::column(scores, column)));
            report.figures.push(beside(figure, theirs, |scores| shown(rouge::column(scores, column))));
        }
        let figure = Figure::new(set, format!("{method}.mean"), shown(rouge::mean(scores)));
        report.figures.push(beside(figure, theirs, |scores| shown(rouge::mean(scores))));
        report.figures.push(Figure::new(
            set,
            format!("{method}.words"),
            format!("{:.1}", rouge::column(scores, 3)),
        ));
        if *method != "lead" {
            let value = bootstrap::shown(&rouge::differences(scores, &ours[0]));
            let figure = Figure::new(set, format!("{method}.mean - lead"), value);
            let against_lead = |theirs: &Scores| bootstrap::shown(&rouge::differences(theirs, &ours[0]));
            report.figures.push(beside(figure, theirs, against_lead));
        }
    }
}

/// A figure with sumy's beside it.
fn beside(figure: Figure, theirs: &[Scores], value: impl Fn(&Scores) -> String) -> Figure {
    if theirs.is_empty() {
        return figure;
    }
    let each = SUMY.iter().zip(theirs).map(|((_, name), scores)| format!("{name} {}", value(scores)));
    figure.others(each.collect::<Vec<_>>().join(", "))
}

fn shown(value: f64) -> String {
    format!("{value:.2}")
}
