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

use self::text::short;
use crate::Run;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// How many entries a list has at most.
const LISTED: usize = 100;

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
                (head(self))
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

fn head(run: &Run) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            (PreEscaped(GENERATOR))
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (short(&run.pipeline.name)) " – textmill report" }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// What the page may do: nothing but have our style and our script.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(&Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
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

/// How many entries of a list are left out, where some are.
fn left_out(total: u64, shown: usize, noun: &str) -> Markup {
    let more = total.saturating_sub(shown as u64);
    html! { @if more > 0 { p.note { "… and " (crate::plural(more, noun)) " more" } } }
}
