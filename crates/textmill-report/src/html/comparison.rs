//! Two runs beside each other, as a page of the same manners as the report: one file, no request, no script at all.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use similar::{ChangeTag, DiffOp, TextDiff};

use super::examples::change;
use super::text::{clipped, inline, instant, percent, short, shown};
use super::{Head, fitting, head, left_out, policy, table};
use crate::{Plugin, Run, count, plural};

/// The columns of the tables.
const COUNTS: &[Head] = &[("count", ""), ("before", "n"), ("after", "n"), ("change", "n")];
const PARTS: &[Head] = &[("what", ""), ("before", ""), ("after", "")];
const DOCUMENTS: &[Head] = &[("document", ""), ("before", ""), ("after", "")];

/// How many characters are shown of the differences of a file, of those of a text, and of one place in it.
const FILE: usize = 24_000;
const TEXT: usize = 6_000;
const PLACE: usize = 1_500;

/// Two runs, and in what they differ.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The run before.
    pub first: &'a Run,
    /// The run after.
    pub second: &'a Run,
    /// Options of stages that differ: the option, and what it was and is.
    pub options: Vec<(String, [String; 2])>,
    /// Counts that differ.
    pub counts: Vec<(String, [u64; 2])>,
    /// How many documents there are, in one run or in both.
    pub all: u64,
    /// Whether texts were compared, and not only what became of each document.
    pub has_texts: bool,
    /// Those that differ, by what is another.
    pub kinds: Vec<Kind>,
}

/// Documents that differ in the same respect.
#[derive(Debug)]
pub struct Kind {
    /// What it is, in a sentence: `3 documents with another text`.
    pub title: String,
    /// How many there are.
    pub number: u64,
    /// The first of them.
    pub documents: Vec<Differing>,
}

/// A document that differs.
#[derive(Debug)]
pub struct Differing {
    /// Its id.
    pub id: String,
    /// What became of it; `None` in a run that did not have it.
    pub verdicts: [Option<String>; 2],
    /// Its texts, where both are known and differ.
    pub texts: Option<[String; 2]>,
}

/// What two runs are made of that differs beside their files and options: the version of textmill, plugins, files that options
/// name, and the input. What it is, and what it was and is.
pub fn other_parts(first: &Run, second: &Run) -> Vec<(String, [String; 2])> {
    let input = |run: &Run| format!("{} ({} bytes)", run.input.uris.join(", "), count(run.input.bytes));
    let mut parts = vec![
        ("textmill".to_owned(), [first.textmill.clone(), second.textmill.clone()]),
        ("input".to_owned(), [input(first), input(second)]),
    ];
    let plugins = |run: &Run| -> Vec<(String, String)> {
        let about = |plugin: &Plugin| format!("{} ({})", plugin.version, clipped(&plugin.sha256, 12));
        run.plugins.iter().map(|plugin| (format!("plugin {}", plugin.name), about(plugin))).collect()
    };
    let files = |run: &Run| -> Vec<(String, String)> {
        let files = run.resources.iter();
        files.map(|file| (format!("file {}", file.path), clipped(&file.sha256, 12))).collect()
    };
    parts.extend(beside(&plugins(first), &plugins(second)));
    parts.extend(beside(&files(first), &files(second)));
    parts.retain(|(_, [before, after])| before != after);
    parts
}

/// Two lists of names and values as one.
fn beside(first: &[(String, String)], second: &[(String, String)]) -> Vec<(String, [String; 2])> {
    let of = |list: &[(String, String)], name: &str| {
        let found = list.iter().find(|(known, _)| known == name);
        found.map_or_else(|| "(none)".to_owned(), |(_, value)| value.clone())
    };
    let only_second = second.iter().filter(|(name, _)| first.iter().all(|(known, _)| known != name));
    let names = first.iter().chain(only_second).map(|(name, _)| name.clone());
    names.map(|name| (name.clone(), [of(first, &name), of(second, &name)])).collect()
}

impl Comparison<'_> {
    /// The page.
    pub fn to_html(&self) -> String {
        let title = format!("{} – two runs compared by textmill", short(&self.second.pipeline.name));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (head(&title, &policy(false)))
                body {
                    a.skip href="#comparison" { "Skip to the comparison" }
                    (self.header())
                    main #comparison tabindex="-1" {
                        (self.pipeline())
                        (self.counts())
                        (self.documents())
                    }
                    footer { p { "Made by textmill " (env!("CARGO_PKG_VERSION")) " from the records of both runs and what they left." } }
                }
            }
        };
        page.into_string()
    }

    fn differing(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.number).sum()
    }

    fn header(&self) -> Markup {
        let differing = self.differing();
        let run = |name: &str, run: &Run| {
            let output = run.output("output").map_or("-", |output| output.path.as_str());
            html! { dt { (name) } dd { (inline(output)) " " span.of { (instant(run.times.started)) } } }
        };
        html! {
            header {
                p.kind { "textmill compare" }
                h1 { (inline(&self.second.pipeline.name)) }
                @if !self.has_texts {
                    p.verdict.bad {
                        (count(differing)) " of " (plural(self.all, "document")) " came to another end; texts were not compared"
                    }
                } @else if differing == 0 {
                    p.verdict.good { "No document differs" }
                } @else {
                    p.verdict.bad {
                        (count(differing)) " of " (plural(self.all, "document")) " differ (" (percent(differing, self.all)) ")"
                    }
                }
                dl { (run("before", self.first)) (run("after", self.second)) }
            }
        }
    }

    fn pipeline(&self) -> Markup {
        let (first, second) = (&self.first.pipeline, &self.second.pipeline);
        let parts = other_parts(self.first, self.second);
        let (parts, is_same) =
            (self.options.iter().chain(&parts).collect::<Vec<_>>(), first.text == second.text);
        let (rows, listed) = fitting(&parts, |(name, [before, after])| {
            html! { tr { th scope="row" { (inline(name)) } td { (inline(before)) } td { (inline(after)) } } }
        });
        html! {
            section aria-labelledby="pipeline" {
                h2 #pipeline { "What is another in the pipeline" }
                @if is_same { p { "The pipeline file is the same." } } @else { (lines(&first.text, &second.text)) }
                @if !parts.is_empty() {
                    (table("Options, versions and files that differ", PARTS, &rows))
                    (left_out(parts.len() as u64, listed, "difference"))
                }
            }
        }
    }

    fn counts(&self) -> Markup {
        let (rows, listed) = fitting(&self.counts, |(name, [before, after])| {
            let sign = if after > before { "+" } else { "−" };
            html! {
                tr {
                    th scope="row" { (inline(name)) }
                    td.n { (count(*before)) } td.n { (count(*after)) } td.n { (sign) (count(after.abs_diff(*before))) }
                }
            }
        });
        html! {
            section aria-labelledby="counts" {
                h2 #counts { "What was counted" }
                @if self.counts.is_empty() {
                    p { "All counts are the same." }
                } @else {
                    (table("Counts that differ", COUNTS, &rows))
                    (left_out(self.counts.len() as u64, listed, "count"))
                }
            }
        }
    }

    fn documents(&self) -> Markup {
        html! {
            section aria-labelledby="documents" {
                h2 #documents { "Documents" }
                @if self.kinds.is_empty() { p { "Every document came to the same." } }
                @for kind in &self.kinds {
                    h3 { (kind.title) }
                    @let has_texts = kind.documents.iter().any(|document| document.texts.is_some());
                    @let (drawn, listed) = fitting(&kind.documents, |one| if has_texts { one.texts() } else { one.row() });
                    @if has_texts { div.rule { (drawn) } } @else { (table(&kind.title, DOCUMENTS, &drawn)) }
                    (left_out(kind.number, listed, "document"))
                }
            }
        }
    }
}

impl Differing {
    fn row(&self) -> Markup {
        let verdict =
            |verdict: &Option<String>| html! { td { (inline(verdict.as_deref().unwrap_or("not there"))) } };
        let [before, after] = &self.verdicts;
        html! { tr { th scope="row" { (inline(&self.id)) } (verdict(before)) (verdict(after)) } }
    }

    fn texts(&self) -> Markup {
        html! {
            article {
                p.head { b { (inline(&self.id)) } }
                @if let Some([before, after]) = &self.texts { (places(before, after)) }
            }
        }
    }
}

/// How many bytes of two texts are compared from shortly before the first difference on, and how many are before it: to
/// compare texts takes time that grows with the square of their lines.
const COMPARED: usize = 64 << 10;
const BEFORE: usize = 4 << 10;

/// The places at which a text differs, with a line around each.
fn places(before: &str, after: &str) -> Markup {
    let start = start_of_differences(before, after);
    let ((same, before), (_, after)) = (before.split_at(start), after.split_at(start));
    let skipped = same.matches('\n').count();
    let is_cut = before.len().max(after.len()) > COMPARED;
    let [before, after] = [before, after].map(|text| text.split_at(boundary(text, COMPARED)).0);
    let places = compared_places(before, after, skipped);
    html! {
        (places)
        @if is_cut { p.note { "… and no more than " (count(COMPARED as u64)) " bytes are compared here" } }
    }
}

/// A little before the first byte that differs, at the beginning of a line where there is one.
fn start_of_differences(before: &str, after: &str) -> usize {
    let same = before.bytes().zip(after.bytes()).take_while(|(old, new)| old == new).count();
    let start = boundary(before, same.saturating_sub(BEFORE));
    let line = before.as_bytes()[start..same].iter().position(|byte| *byte == b'\n');
    line.filter(|_| start > 0).map_or(start, |line| start + line + 1)
}

/// The last end of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// `skipped`: how many lines are not among these.
fn compared_places(before: &str, after: &str, skipped: usize) -> Markup {
    let diff = TextDiff::from_lines(before, after);
    let (old, new): (Vec<&str>, Vec<&str>) =
        (diff.iter_old_slices().collect(), diff.iter_new_slices().collect());
    let join = |lines: &[&str], range: std::ops::Range<usize>| {
        clipped(&lines.get(range).unwrap_or_default().concat(), PLACE)
    };
    let part = |op: &DiffOp| match op {
        DiffOp::Equal { .. } => html! { span.around { (shown(&join(&old, op.old_range()))) } },
        _ => change(&join(&old, op.old_range()), &join(&new, op.new_range())),
    };
    let mut written = String::new();
    for group in diff.grouped_ops(1) {
        let line = group.first().map_or(0, |op| op.old_range().start) + skipped + 1;
        let place = html! {
            div.diff {
                p.where { "line " (line) }
                div.text dir="auto" { @for op in &group { (part(op)) } }
            }
        };
        written += &place.into_string();
        if written.len() > TEXT {
            return html! { (PreEscaped(written)) p.note { "… and more in this document" } };
        }
    }
    PreEscaped(written)
}

/// The lines of a file that differ, each with its sign.
fn lines(before: &str, after: &str) -> Markup {
    let (before, after) = (clipped(before, FILE), clipped(after, FILE));
    let diff = TextDiff::from_lines(&before, &after);
    let groups = diff.grouped_ops(1);
    html! {
        pre tabindex="0" {
            code dir="ltr" {
                @for op in groups.iter().flatten() {
                    @for change in diff.iter_changes(op) {
                        @match change.tag() {
                            ChangeTag::Equal => { "  " (shown(change.value())) },
                            ChangeTag::Delete => del { "- " (shown(change.value())) },
                            ChangeTag::Insert => ins { "+ " (shown(change.value())) },
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pipeline;

    #[test]
    fn a_comparison_shows_texts_and_runs_nothing() {
        let run = |text: &str| Run {
            pipeline: Pipeline { text: text.to_owned(), ..Pipeline::default() },
            ..Run::default()
        };
        let (first, second) = (run("a = 1\nb = 2\n"), run("a = 1\nb = 3\n"));
        let hostile = "<script>alert(1)</script>\u{202e}";
        let document = Differing {
            id: hostile.to_owned(),
            verdicts: [Some("kept".to_owned()), Some("kept".to_owned())],
            texts: Some(["one\ntwo\n".to_owned(), format!("one\n{hostile}\n")]),
        };
        let comparison = Comparison {
            first: &first,
            second: &second,
            options: vec![("links.off".to_owned(), ["(unset)".to_owned(), hostile.to_owned()])],
            counts: vec![("documents kept".to_owned(), [2, 1])],
            all: 3,
            has_texts: true,
            kinds: vec![Kind {
                title: "1 document with another text".to_owned(),
                number: 1,
                documents: vec![document],
            }],
        };
        let page = comparison.to_html();
        assert!(super::super::is_report(page.as_bytes()));
        for part in [
            "<del>- b = 2\n</del>",
            "<ins>+ b = 3\n</ins>",
            "1 of 3 documents differ",
            "<td class=\"n\">−1</td>",
            "U+202E",
        ] {
            assert!(page.contains(part), "`{part}` is not in {page}");
        }
        assert!(!page.contains("<script") && !page.contains("script-src"), "{page}");
    }

    #[test]
    fn of_long_texts_what_surrounds_the_first_difference_is_compared() {
        let same = "eñe\n".repeat(100_000);
        let [before, after] = ["one", "two"].map(|word| format!("{same}{word}\n{}", same.replace('e', word)));
        let shown = places(&before, &after).into_string();
        assert!(shown.contains("line 100000<") && shown.contains("<del>"), "{shown}");
        assert!(shown.contains("no more than 65,536 bytes are compared"), "{shown}");
        for (text, at, end) in [("ñ", 1, 0), ("añ", 2, 1), ("a", 9, 1), ("", 0, 0)] {
            assert_eq!(boundary(text, at), end);
        }
    }

    #[test]
    fn what_two_runs_are_made_of_is_told_where_it_differs() {
        let run = |textmill: &str, plugins: &[(&str, &str)]| Run {
            textmill: textmill.to_owned(),
            plugins: plugins
                .iter()
                .map(|(name, sha256)| Plugin {
                    name: (*name).into(),
                    version: "1".into(),
                    sha256: (*sha256).into(),
                    ..Plugin::default()
                })
                .collect(),
            ..Run::default()
        };
        let parts = other_parts(
            &run("1", &[("a", "x"), ("b", "y")]),
            &run("2", &[("a", "z"), ("b", "y"), ("c", "w")]),
        );
        let names: Vec<_> =
            parts.iter().map(|(name, values)| format!("{name}: {} -> {}", values[0], values[1])).collect();
        assert_eq!(names, ["textmill: 1 -> 2", "plugin a: 1 (x) -> 1 (z)", "plugin c: (none) -> 1 (w)"]);
    }
}
