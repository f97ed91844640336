//! Before and after, by example.

use std::cmp::Reverse;

use maud::{Markup, PreEscaped, html};
use similar::{ChangeTag, TextDiff};

use super::changes::{self, Change};
use super::text;
use super::text::{clipped, inline, percent, shown};
use crate::{Chosen, Excerpt, Rule, RuleKind, Run, Sample, Stage, count, plural};

/// How many bytes all examples have together at most, as they are written.
const BUDGET: usize = 600_000;
/// How many lists of examples there are at most.
const LISTS: usize = 300;
/// How many characters of a part are shown. The engine keeps fewer; a file that somebody edited may have more.
const PART: usize = 2_000;
/// How many lists are open from the beginning.
const OPEN: usize = 3;
/// Of two texts that have less in common, a diff would be more confusing than both.
const ALIKE: f64 = 0.35;

/// Examples of one thing that a stage does.
struct List<'a> {
    anchor: String,
    stage: &'a Stage,
    /// `None`: it sets fields.
    rule: Option<&'a Rule>,
    samples: &'a [Sample],
    is_open: bool,
}

/// The name by which a link finds the examples of a rule, or of the fields that a stage sets.
pub(super) fn anchor(stage: usize, rule: Option<usize>) -> String {
    rule.map_or_else(|| format!("examples-{stage}"), |rule| format!("examples-{stage}-{rule}"))
}

pub(super) fn section(run: &Run) -> Markup {
    let lists = lists(run);
    html! {
        section aria-labelledby="examples" {
            h2 #examples { "Examples" }
            @if lists.is_empty() {
                p { "No stage changed or dropped a document." }
            } @else {
                p { "For each rule, documents in which it did most, as much as mostly, and some that chance chose. "
                    del { "Struck through" } " is what was removed, " ins { "underlined" } " what was put in." }
                (tools())
                @for of_stage in lists.chunk_by(|one, other| std::ptr::eq(one.stage, other.stage)) {
                    div.stage {
                        h3 { (inline(&of_stage[0].stage.id)) }
                        @for list in of_stage { (list.draw(BUDGET / lists.len())) }
                    }
                }
            }
        }
    }
}

/// What only the script can do; without it, it is not there.
fn tools() -> Markup {
    html! {
        div.tools #tools role="search" hidden {
            label for="find" { "Find in examples" }
            input #find type="search" autocomplete="off" spellcheck="false";
            label for="kind" { "chosen" }
            select #kind {
                option value="" { "all" }
                option value="extreme" { "most" }
                option value="typical" { "typical" }
                option value="random" { "by chance" }
            }
            button #open type="button" { "Open all" }
            button #close type="button" { "Close all" }
            output #found for="find kind" {}
        }
    }
}

fn lists(run: &Run) -> Vec<List<'_>> {
    let open = opened(run);
    let mut lists = Vec::new();
    for (index, stage) in run.stages.iter().enumerate() {
        for (rule_index, rule) in stage.rules.iter().enumerate() {
            let is_open = open.contains(&(index, rule_index));
            let anchor = anchor(index, Some(rule_index));
            lists.push(List { anchor, stage, rule: Some(rule), samples: &rule.samples, is_open });
        }
        let anchor = anchor(index, None);
        lists.push(List { anchor, stage, rule: None, samples: &stage.field_samples, is_open: false });
    }
    lists.retain(|list| !list.samples.is_empty());
    lists.truncate(LISTS);
    lists
}

/// The rules that changed most and those that dropped most.
fn opened(run: &Run) -> Vec<(usize, usize)> {
    let dropping = |change: &Change<'_>| change.rule.kind == RuleKind::Drops && change.rule.docs > 0;
    let mut drops: Vec<_> = changes::rules(run).filter(dropping).collect();
    drops.sort_by_key(|change| Reverse(change.rule.docs));
    let most = changes::largest_first(run).into_iter().take(OPEN).chain(drops.into_iter().take(OPEN));
    most.map(|change| (change.stage_index, change.rule_index)).collect()
}

impl List<'_> {
    /// With as many examples as there is room for; nothing where there is none for the head.
    fn draw(&self, budget: usize) -> Markup {
        let head = self.head().into_string();
        let Some(budget) = budget.checked_sub(head.len()) else { return html! {} };
        let (samples, shown) = self.samples(budget);
        html! {
            details.rule open[self.is_open] {
                (PreEscaped(head))
                (samples)
                (super::left_out(self.samples.len() as u64, shown, "example"))
            }
        }
    }

    fn head(&self) -> Markup {
        html! {
            summary {
                h4 {
                    @match self.rule {
                        Some(rule) => {
                            (inline(&rule.name)) " "
                            span.of { (plural(rule.docs, "document")) ", " (percent(rule.docs, self.stage.docs.entered)) }
                        }
                        None => { "fields that it sets" }
                    }
                }
            }
            div.anchor #(self.anchor) { @if let Some(rule) = self.rule { p.what { (text::prose(&rule.summary, changes::SUMMARY)) } } }
        }
    }

    fn samples(&self, budget: usize) -> (Markup, usize) {
        let mut written = String::new();
        for (index, sample) in self.samples.iter().enumerate() {
            let article = self.sample(sample).into_string();
            if written.len() + article.len() > budget {
                return (PreEscaped(written), index);
            }
            written += &article;
        }
        (PreEscaped(written), self.samples.len())
    }

    fn sample(&self, sample: &Sample) -> Markup {
        let is_dropped = self.rule.is_some_and(|rule| rule.kind == RuleKind::Drops);
        let (chosen, why) = match sample.chosen {
            Chosen::Extreme => ("extreme", "most"),
            Chosen::Typical => ("typical", "typical"),
            Chosen::Random => ("random", "by chance"),
        };
        html! {
            article data-chosen=(chosen) {
                p.head {
                    span.badge { (why) } " " b { (inline(&sample.id)) }
                    @if self.rule.is_some() { " " span.of { (plural(sample.chars, "character")) @if is_dropped { " dropped" } } }
                }
                @for excerpt in sample.excerpts.iter().take(10) { (self::excerpt(excerpt, is_dropped)) }
                @if sample.more > 0 { p.note { "and " (plural(sample.more, "change")) " more in this document" } }
            }
        }
    }
}

fn excerpt(excerpt: &Excerpt, is_dropped: bool) -> Markup {
    if is_dropped {
        return html! { div.gone { (text::block(&excerpt.removed, PART)) } };
    }
    html! {
        div.diff {
            @match &excerpt.field {
                Some(field) => p.where { (inline(field)) " =" },
                None => p.where { "at byte " (count(excerpt.start)) },
            }
            div.text dir="auto" {
                span.around { (shown(&clipped(&excerpt.lead, PART))) }
                (change(&clipped(&excerpt.removed, PART), &clipped(&excerpt.added, PART)))
                span.around { (shown(&clipped(&excerpt.trail, PART))) }
            }
        }
    }
}

/// What was removed and what was put in, word by word where the two have words in common.
pub(super) fn change(removed: &str, added: &str) -> Markup {
    let diff = TextDiff::from_words(removed, added);
    if removed.is_empty() || added.is_empty() || f64::from(diff.ratio()) < ALIKE {
        return html! { (part(ChangeTag::Delete, removed)) (part(ChangeTag::Insert, added)) };
    }
    let mut parts: Vec<(ChangeTag, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        match parts.last_mut().filter(|(tag, _)| *tag == change.tag()) {
            Some((_, text)) => text.push_str(change.value()),
            None => parts.push((change.tag(), change.value().to_owned())),
        }
    }
    html! { @for (tag, text) in &parts { (part(*tag, text)) } }
}

fn part(tag: ChangeTag, text: &str) -> Markup {
    html! {
        @match tag {
            _ if text.is_empty() => {},
            ChangeTag::Equal => (shown(text)),
            ChangeTag::Delete => del { (touched(text)) },
            ChangeTag::Insert => ins { (touched(text)) },
        }
    }
}

/// A text that came or went: line ends are part of it, and where it is nothing but spaces, those too.
fn touched(text: &str) -> Markup {
    let is_blank = text.chars().all(char::is_whitespace);
    html! {
        @for line in text.split_inclusive('\n') {
            @let (line, is_ended) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
            @if is_blank { (blanks(line)) } @else { (shown(line)) }
            @if is_ended { i { "↵" } "\n" }
        }
    }
}

fn blanks(spaces: &str) -> Markup {
    let mark = |space| match space {
        ' ' => "·".to_owned(),
        '\t' => "→".to_owned(),
        _ => crate::visible::name(space),
    };
    html! { @if !spaces.is_empty() { i { (spaces.chars().map(mark).collect::<String>()) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_what_came_and_what_went() {
        for (removed, added, expect) in [
            ("READ MORE: x\n", "", "<del>READ MORE: x<i>↵</i>\n</del>"),
            ("", "<b>", "<ins>&lt;b&gt;</ins>"),
            ("  \t", "", "<del><i>··→</i></del>"),
            ("\r\n", "\n", "<del><i>CR</i><i>↵</i>\n</del><ins><i>↵</i>\n</ins>"),
            ("&amp;", "&", "<del>&amp;amp;</del><ins>&amp;</ins>"),
            ("one two three", "one 2 three", "one <del>two</del><ins>2</ins> three"),
            ("\u{a0}", " ", "<del><i>U+00A0</i></del><ins><i>·</i></ins>"),
        ] {
            assert_eq!(change(removed, added).into_string(), expect, "{removed:?}");
        }
    }
}
