//! Articles from whole pages, beside the Python package trafilatura on the same pages.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::Value as Json;

use super::scored::Scored;
use crate::files;
use crate::program::{Step, Textmill};
use crate::python::Python;
use crate::table::{Figure, Report};

/// The stage's name.
pub(crate) const STAGE: &str = "extract-html";

/// Runs both modes of the stage.
pub(crate) fn run(textmill: &Textmill, report: &mut Report) -> Result<()> {
    ensure!(textmill.stages()?.iter().any(|stage| stage == STAGE), "there is no stage `{STAGE}`");
    let set = Scored::open("html", "html/dev.jsonl.gz")?;
    let theirs = trafilatura(&set);
    if let Err(error) = &theirs {
        report.skip("trafilatura", error);
    }
    let pages = pages(&set)?;
    for (mode, with) in modes(textmill)? {
        let name = format!("html, {mode}");
        let output = textmill.run(&pages, mode, &[Step { uses: STAGE, with }])?;
        for (figure, value) in set.score(&output)? {
            let other = theirs.iter().flatten().find(|(name, _)| *name == figure).map(|(_, value)| value);
            report.figures.push(beside(Figure::new(&name, figure, value), other));
        }
    }
    Ok(())
}

fn modes(textmill: &Textmill) -> Result<Vec<(&'static str, &'static str)>> {
    let both = vec![("precise", "mode = \"precise\""), ("fast", "mode = \"fast\"")];
    Ok(if textmill.documents(STAGE, "precise")? { both } else { vec![("default", "")] })
}

/// The pages, with the HTML where a text is expected.
pub(crate) fn pages(set: &Scored) -> Result<PathBuf> {
    let mut documents = files::read_documents(&set.documents)?;
    for document in documents.iter_mut().filter_map(Json::as_object_mut) {
        let html = document.remove("html").unwrap_or_default();
        document.insert("text".to_owned(), html);
    }
    let path = set.documents.with_file_name("pages.jsonl");
    files::write_documents(&path, &documents)?;
    Ok(path)
}

fn trafilatura(set: &Scored) -> Result<Vec<(String, String)>> {
    let output = set.documents.with_file_name("trafilatura.jsonl");
    let python = Python::with_packages("python-html", &["trafilatura", "lxml_html_clean"])?;
    python.script("trafilatura_pages.py", &[Path::new(&set.documents), &output])?;
    set.score(&output)
}

/// A figure with trafilatura's beside it; its F1 is the bar.
fn beside(figure: Figure, other: Option<&String>) -> Figure {
    let Some(other) = other else { return figure };
    let figure = if figure.name == "f1" { figure.bar(format!(">= {other}")) } else { figure };
    figure.others(format!("Python trafilatura {other}"))
}
