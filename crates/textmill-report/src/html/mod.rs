//! `report.html`: what a run did, for people, in one file.
//!
//! It shows texts that somebody else wrote, some of them to do harm. So the page may do nothing but show itself: its
//! content-security policy allows one style sheet and one script, both ours and both by their hash, and nothing from
//! elsewhere. All that is put into it is escaped by the template engine, and no character in it is hidden or moves others
//! ([`visible`](crate::visible)). The script finds examples; everything is there without it.
//!
//! Its size is bounded whatever is in the run: lists are cut after a number of entries, texts after a number of
//! characters, and examples after a number of bytes as they are written. What is left out is said.

mod axis;
mod bars;
mod changes;
mod charts;
mod comparison;
mod examples;
mod flow;
mod judged;
mod origin;
mod summary;
mod text;
mod time;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

pub use self::comparison::{Comparison, Differing, Kind, other_parts};
use self::text::short;
use crate::Run;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// How many entries a list has at most.
const LISTED: usize = 100;
/// How many bytes a list has at most, as it is written. There are thirteen.
const ROOM: usize = 64_000;

/// By which a file is known as a report.
const GENERATOR: &str = "<meta name=\"generator\" content=\"textmill report\">";

/// Whether a file is a report that [`Run::to_html`] has made.
pub fn is_report(file: &[u8]) -> bool {
    let head = file.get(..200).unwrap_or(file);
    head.windows(GENERATOR.len()).any(|part| part == GENERATOR.as_bytes())
}

impl Run {
    /// The run as a page that a browser shows.
    pub fn to_html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (head(&format!("{} – textmill report", short(&self.pipeline.name)), &policy(true)))
                body {
                    a.skip href="#report" { "Skip to the report" }
                    (summary::header(self))
                    (contents())
                    main #report tabindex="-1" {
                        (summary::section(self))
                        (flow::section(self))
                        (changes::section(self))
                        (charts::section(self))
                        (time::section(self))
                        (examples::section(self))
                        (judged::failures(self))
                        (judged::section(self))
                        (origin::section(self))
                    }
                    footer { p { "Made by textmill " (short(&self.textmill)) " from run.json, which has all numbers." } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }
}

fn head(title: &str, policy: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            (PreEscaped(GENERATOR))
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// What a page may do: nothing but have our style, and our script if it has one.
fn policy(has_script: bool) -> String {
    let hash = |text: &str| BASE64.encode(&Sha256::digest(text));
    let script = if has_script { format!(" script-src 'sha256-{}';", hash(SCRIPT)) } else { String::new() };
    let style = hash(STYLE);
    format!("default-src 'none'; style-src 'sha256-{style}';{script} base-uri 'none'; form-action 'none'")
}

fn contents() -> Markup {
    let sections = [
        ("documents", "Documents"),
        ("changes", "Changes"),
        ("distributions", "Lengths and scores"),
        ("time", "Time"),
        ("examples", "Examples"),
        ("failures", "Failures"),
        ("checks", "Checks and tests"),
        ("origin", "How it was made"),
    ];
    html! {
        nav aria-label="Sections of the report" {
            ul { @for (id, name) in sections { li { a href={ "#" (id) } { (name) } } } }
        }
    }
}

/// The head of a column, and the classes that the style sheet has for it.
type Head = (&'static str, &'static str);

/// A table that scrolls where it is too wide, by key too.
fn table(caption: &str, heads: &[Head], rows: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (head, class) in heads {
                            th class=[(!class.is_empty()).then_some(class)] scope="col" { (head) }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// The first entries of a list as they are written, and how many those are: as many as may be listed and there is room for.
fn fitting<T>(entries: impl IntoIterator<Item = T>, draw: impl Fn(T) -> Markup) -> (Markup, usize) {
    let mut written = String::new();
    let mut number = 0;
    for entry in entries.into_iter().take(LISTED) {
        let entry = draw(entry).into_string();
        if written.len() + entry.len() > ROOM {
            break;
        }
        written += &entry;
        number += 1;
    }
    (PreEscaped(written), number)
}

/// How many entries of a list are left out, where some are.
fn left_out(total: u64, shown: usize, noun: &str) -> Markup {
    let more = total.saturating_sub(shown as u64);
    html! { @if more > 0 { p.note { "… and " (crate::plural(more, noun)) " more" } } }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        Check, Excerpt, Failure, Failures, Output, Pipeline, Plugin, Resource, Rule, Sample, Score, Stage,
        StageTime, Test, Times,
    };

    /// A run that somebody has made up to make the report large: many of all, each text long and of characters that take
    /// most room.
    fn large(text: &str, number: usize) -> Run {
        let text = || text.repeat(5_000);
        let list = |number: usize| (0..number).map(|_| text()).collect::<Vec<_>>();
        let excerpt =
            Excerpt { lead: text(), removed: text(), added: text(), trail: text(), ..Excerpt::default() };
        let sample = Sample { id: text(), excerpts: vec![excerpt; 3], ..Sample::default() };
        let rule = Rule {
            name: text(),
            summary: text(),
            docs: 1,
            edits: 1,
            samples: vec![sample; 3],
            ..Rule::default()
        };
        let drops = Rule { kind: crate::RuleKind::Drops, ..rule.clone() };
        let idle = Rule { edits: 0, ..rule.clone() };
        let score = Score { name: text(), threshold: Some(0.5), ..Score::default() };
        let options = (0..number).map(|index| (format!("{index}{}", text()), Value::from(text()))).collect();
        let stage = Stage {
            id: text(),
            uses: text(),
            options,
            rules: vec![rule, drops, idle],
            scores: vec![score; 2],
            ..Stage::default()
        };
        Run {
            pipeline: Pipeline { name: text(), path: text(), sha256: text(), text: text().repeat(10) },
            stages: vec![stage; number],
            built_in: list(number),
            plugins: vec![Plugin { name: text(), path: text(), sha256: text(), ..Plugin::default() }; number],
            resources: vec![Resource { path: text(), sha256: text() }; number],
            outputs: vec![
                Output { kind: text(), path: text(), sha256: Some(text()), ..Output::default() };
                number
            ],
            input: crate::Input {
                uris: list(number),
                skipped_files: list(number),
                ..crate::Input::default()
            },
            failures: Failures {
                total: 1,
                allowed: false,
                shown: vec![
                    Failure { id: text(), place: text(), stage: Some(text()), message: text() };
                    number
                ],
            },
            checks: vec![Check { that: text(), message: Some(text()), ..Check::default() }; number],
            tests: vec![Test { name: text(), mismatches: list(number), ..Test::default() }; number],
            times: Times { stages: vec![StageTime { id: text(), seconds: 1.0 }; number], ..Times::default() },
            ..Run::default()
        }
    }

    #[test]
    fn no_run_makes_a_report_of_two_megabytes() {
        for (text, number) in [("\"", 60), ("\u{e0001}", 60), ("a\0", 12), ("<", 3)] {
            let page = large(text, number).to_html();
            assert!(page.len() < 2_000_000, "{text:?}: {}", page.len());
        }
    }

    /// Anybody can edit `run.json`; what they get may be wrong, and is a page.
    #[test]
    fn numbers_that_cannot_be_have_a_report() {
        let run = Run { schema_version: crate::SCHEMA_VERSION, ..large("x", 2) };
        let json = run.to_json().replace(": 0.0", ": -1e300").replace(": 0", ": 18446744073709551615");
        let page = Run::from_json(json.as_bytes()).unwrap().to_html();
        assert!(page.contains("18,446,744,073,709,551,615") && !page.contains("NaN"));
    }

    #[test]
    fn an_empty_run_has_a_report() {
        let page = Run::default().to_html();
        assert!(is_report(page.as_bytes()) && page.ends_with("</html>"));
        assert!(!page.contains("NaN"), "{page}");
    }
}
