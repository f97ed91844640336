//! Joins phrase, shape and place into a verdict for each line.

use std::borrow::Cow;

use textmill_stage::{Line, Span};

use crate::phrases::{Form, Hit, MAX_CHARS, Phrases};
use crate::rule::{Permissions, Rule};
use crate::shape;

/// A line that is longer (bytes) is the article's own.
const MAX_LINE: usize = 480;
/// Bylines and bare dates are looked for in so many lines that stay, from the top.
const TOP: usize = 6;
/// A line of prose that was broken has at least so many bytes.
const SHORTEST_BROKEN: usize = 40;
/// A block of links has at most so many lines below its heading.
const MAX_BLOCK: usize = 12;
/// A line of a block of links is at most so long (characters).
const MAX_ITEM: usize = 130;

/// Says of each line whether it goes, and why.
#[derive(Debug)]
pub(crate) struct Judge {
    phrases: Phrases,
    on: Vec<Rule>,
}

/// What is known of a line by itself.
#[derive(Clone, Copy, Debug, Default)]
struct Finding {
    /// Why it goes.
    rule: Option<Rule>,
    /// It is a heading of links: the short lines below it go too.
    heads: bool,
}

/// A line that is not blank, and what is thought of it.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) line: Line<'a>,
    /// As it reads without the marks of inline links.
    pub(crate) view: Cow<'a, str>,
    /// Why it goes.
    pub(crate) verdict: Option<Rule>,
}

/// A line in its text, or in nothing but itself where it is not as it stands there.
#[derive(Clone, Copy)]
struct Look<'a> {
    text: &'a str,
    line: &'a str,
    /// Where the line begins in the text (bytes).
    start: usize,
}

/// A short line and its parts.
struct Parts<'a> {
    line: &'a str,
    /// Its own words: see [`shape::core`].
    core: Span,
    words: &'a str,
}

impl Judge {
    pub(crate) fn new(own: &[String], languages: &[String], permissions: &Permissions) -> Self {
        let on = [Rule::Credit, Rule::Caption, Rule::Date, Rule::BareUrl, Rule::RelatedBlock, Rule::NewsTail];
        let on = on.into_iter().filter(|rule| permissions.allows(*rule)).collect();
        Self { phrases: Phrases::new(own, languages, permissions), on }
    }

    /// Gives the lines of `text` their verdicts.
    pub(crate) fn lines(&self, text: &str, lines: &mut [Seen<'_>], title: Option<&str>) {
        let first = lines.first().map(|line| line.view.clone());
        let titles = [first.as_deref().map(str::trim), title.map(str::trim)];
        let mut stays = 0;
        let mut last_stay = None;
        let mut fenced = false;
        let mut at = 0;
        while let Some(seen) = lines.get(at) {
            let above = last_stay.and_then(|last: usize| lines.get(last));
            fenced ^= is_fence(&seen.view);
            let look = Look::at(seen, text);
            let finding =
                if fenced { Finding::default() } else { self.look(look, stays < TOP, &titles, above) };
            let finding = finding.unless(|| above.is_some_and(|above| runs_on(above, seen)));
            if finding.rule.is_none() {
                stays += 1;
                last_stay = Some(at);
            }
            lines[at].verdict = finding.rule;
            at += 1;
            if finding.heads && self.on.contains(&Rule::RelatedBlock) {
                at += block(&mut lines[at..], &titles);
            }
        }
        if self.on.contains(&Rule::NewsTail) {
            news_tail(lines, &titles);
        }
    }

    /// What a line says among others, `above` being the last one that stays. Most lines say nothing by themselves, so what
    /// the title and the line above make of one is asked last.
    fn look(&self, look: Look<'_>, top: bool, titles: &[Option<&str>], above: Option<&Seen<'_>>) -> Finding {
        let finding = self.line(look, top);
        let is_address = self.on.contains(&Rule::BareUrl) && shape::is_address(look.line);
        if finding.rule.is_none() && !is_address {
            return finding;
        }
        if titles.contains(&Some(look.line.trim())) {
            return self.title(look);
        }
        let is_announced = above.is_some_and(|above| above.view.trim_end().ends_with([':', '：']));
        let bare_url = (is_address && !is_announced).then_some(Rule::BareUrl);
        Finding { rule: finding.rule.or(bare_url), ..finding }
    }

    /// Of what could be the title, only the mark of an advertisement goes.
    fn title(&self, look: Look<'_>) -> Finding {
        let finding = self.line(look, false);
        Finding { rule: finding.rule.filter(|rule| *rule == Rule::Advertisement), heads: false }
    }

    /// What a line by itself says, `top`: near the top of what stays.
    fn line(&self, look: Look<'_>, top: bool) -> Finding {
        let mut finding = Finding::default();
        let Some(parts) = Parts::of(look.line) else { return finding };
        if let Some(rule) = self.shape(&parts, top) {
            finding.add(rule);
        }
        let words = Span::new(look.start + parts.core.start, look.start + parts.core.end);
        self.phrases.hits(look.text, words, |hit| {
            let hit = hit.counted_from(look.start);
            let rule = parts.weigh(hit, top).filter(|rule| *rule != Rule::Caption || self.on.contains(rule));
            if let Some(rule) = rule {
                finding.add(rule);
                finding.heads |=
                    matches!(hit.form, Form::Mark if parts.is_alone(hit)) || hit.form == Form::Head;
            }
        });
        finding
    }

    /// What the shape alone says.
    fn shape(&self, parts: &Parts<'_>, top: bool) -> Option<Rule> {
        if top && self.on.contains(&Rule::Date) && shape::is_date(parts.words) && !is_stated(parts.words) {
            return Some(Rule::Date);
        }
        let (before, name) = (!parts.line.is_ascii()).then(|| parts.line.rsplit_once('©')).flatten()?;
        let rule = if before.trim().is_empty() { Rule::Credit } else { Rule::Caption };
        (self.on.contains(&rule) && parts.ends_with_credit(before, name)).then_some(rule)
    }
}

impl<'a> Look<'a> {
    fn at(seen: &'a Seen<'_>, text: &'a str) -> Self {
        match &seen.view {
            Cow::Borrowed(line) => Self { text, line, start: seen.line.span.start },
            Cow::Owned(view) => Self { text: view, line: view, start: 0 },
        }
    }
}

impl Finding {
    /// Nothing, if this is so. A byline may open small, right below the title.
    fn unless(self, runs_on: impl FnOnce() -> bool) -> Self {
        let is_void = self.rule.is_some_and(|rule| rule != Rule::Byline) && runs_on();
        if is_void { Self::default() } else { self }
    }

    /// Of several rules the first of the list names the reason.
    fn add(&mut self, rule: Rule) {
        self.rule = Some(self.rule.map_or(rule, |known| known.min(rule)));
    }
}

impl<'a> Parts<'a> {
    /// The parts of a line that is short enough to go.
    fn of(line: &'a str) -> Option<Self> {
        if line.len() > MAX_LINE {
            return None;
        }
        let core = shape::core(line);
        Some(Self { line, core, words: core.of(line)? })
    }

    /// How many characters its own words have.
    fn chars(&self) -> usize {
        self.words.chars().count()
    }

    /// What a phrase in the line says.
    fn weigh(&self, hit: Hit, top: bool) -> Option<Rule> {
        let opens = hit.span.start == self.core.start;
        let rest = self.rest(hit);
        let alone = self.is_alone(hit);
        let goes = match hit.form {
            Form::Line => alone,
            Form::Mark => opens && (alone || announces(rest)),
            Form::Colon => opens && !alone && shape::after_separator(rest).is_some_and(shape::is_headline),
            Form::Head => alone || (opens && self.heads(hit, rest)),
            Form::Open => opens && self.chars() <= 160 && !self.is_listed() && !shape::has_inner_stop(rest),
            Form::Part => self.chars() <= MAX_CHARS,
            Form::Count => self.counts(hit, rest),
            Form::Minutes => {
                self.chars() <= 40 && self.before(hit).trim().chars().all(|c| c.is_ascii_digit())
            }
            Form::Caption => return self.credit(hit, rest),
            Form::Agency => self.is_agency(hit, rest),
            Form::Dated => opens && !alone && shape::is_dated(rest),
            Form::By => top && opens && self.is_byline(rest),
            Form::Own => opens,
        };
        goes.then_some(hit.rule)
    }

    fn rest(&self, hit: Hit) -> &'a str {
        self.line.get(hit.span.end..self.core.end).unwrap_or_default()
    }

    /// Whether the phrase is the line, but for signs.
    fn is_alone(&self, hit: Hit) -> bool {
        hit.span.start == self.core.start && !self.rest(hit).chars().any(char::is_alphanumeric)
    }

    /// Whether the line is an item of a list.
    fn is_listed(&self) -> bool {
        self.line.trim_start().starts_with(['-', '*', '•', '·', '–'])
    }

    fn before(&self, hit: Hit) -> &str {
        self.line.get(self.core.start..hit.span.start).unwrap_or_default()
    }

    /// Whether the line is a heading that goes on behind the phrase ("More from Politics"). One that ends with a colon
    /// announces what follows it.
    fn heads(&self, hit: Hit, rest: &str) -> bool {
        let phrase = hit.span.of(self.line).unwrap_or_default();
        let few = self.chars() <= 60 && rest.split_whitespace().count() <= 5;
        few && phrase.contains(' ') && shape::is_headline(rest) && !shape::is_open_ended(rest)
    }

    /// A number and the phrase, in either order.
    fn counts(&self, hit: Hit, rest: &str) -> bool {
        let number = |text: &str| {
            let text = text.trim_matches(|c: char| !c.is_alphanumeric());
            text.chars().any(|c| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_digit() || ".,kKM ".contains(c))
        };
        let blank = |text: &str| !text.chars().any(char::is_alphanumeric);
        let before = self.before(hit);
        (number(before) && blank(rest)) || (blank(before) && number(rest))
    }

    fn credit(&self, hit: Hit, rest: &str) -> Option<Rule> {
        let before = self.before(hit);
        let phrase = hit.span.of(self.line).unwrap_or_default();
        let by = phrase.ends_with(" by") || phrase.ends_with("courtesy of");
        let name = shape::after_separator(rest).or(by.then_some(rest.trim_start()))?;
        let rule = if before.trim().is_empty() { Rule::Credit } else { Rule::Caption };
        let in_table = before.matches('|').nth(1).is_some();
        (!in_table && self.ends_with_credit(before, name)).then_some(rule)
    }

    /// Whether `name` can be that of a photographer or an agency, and `before` a caption.
    fn ends_with_credit(&self, before: &str, name: &str) -> bool {
        let name = name.trim_matches(|c: char| c.is_whitespace() || ".()[]".contains(c));
        let fits = !name.is_empty() && name.chars().count() <= 70 && shape::is_name(name, 9);
        fits && self.chars() <= 240 && before.trim_end_matches(['(', '[', ' ']).chars().count() != 1
    }

    /// A name and an agency, joined as credits are; or the agency alone.
    fn is_agency(&self, hit: Hit, rest: &str) -> bool {
        let before = self.before(hit).trim_end();
        let ends = !rest.chars().any(char::is_alphanumeric);
        let joined = before.is_empty() || before.ends_with(['/', '|', '—']) || before.ends_with(" via");
        ends && joined && self.chars() <= 90 && (before.is_empty() || shape::is_name(before, 9))
    }

    fn is_byline(&self, rest: &str) -> bool {
        let name = shape::after_separator(rest).unwrap_or(rest);
        self.chars() <= 80 && !name.contains(':') && !shape::ends_sentence(name) && shape::is_name(name, 8)
    }
}

/// Whether a teaser's phrase is followed by what it announces: anything short behind a separator, or a headline.
fn announces(rest: &str) -> bool {
    match shape::after_separator(rest) {
        Some(announced) => announced.chars().count() <= 200 && !shape::has_inner_stop(announced),
        None => {
            rest.starts_with(char::is_whitespace) && shape::is_headline(rest) && !shape::is_open_ended(rest)
        }
    }
}

/// Whether the line opens or closes a block of code, which says nothing to a reader of prose: `OK` is a result there, and
/// `or` an alternative.
fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// Whether the line goes on with the sentence that the one right above it began: the text is broken at a width, so that
/// what looks like a line of its own is none.
fn runs_on(above: &Seen<'_>, line: &Seen<'_>) -> bool {
    above.line.span.end == line.line.span.start
        && above.view.len() >= SHORTEST_BROKEN
        && shape::opens_small(&line.view)
        && !shape::ends_sentence(&above.view)
}

/// Whether a date in words has a full stop, as the end of a sentence has.
fn is_stated(date: &str) -> bool {
    shape::ends_with_stop(date) && date.contains(char::is_alphabetic)
}

/// Condemns the lines below a heading of links, and says how many there are.
fn block(lines: &mut [Seen<'_>], titles: &[Option<&str>]) -> usize {
    let is_item = |line: &&Seen<'_>| !titles.contains(&Some(line.view.trim())) && is_item(&line.view);
    let run = lines.iter().take(MAX_BLOCK + 1).take_while(is_item).count();
    let ends = run == lines.len();
    if run == 0 || run > MAX_BLOCK || !(ends || run >= 3) {
        return 0;
    }
    lines.iter_mut().take(run).for_each(|line| line.verdict = Some(Rule::RelatedBlock));
    run
}

fn is_item(line: &str) -> bool {
    let heading = line.starts_with('#') || is_fence(line);
    let short = !heading && line.len() <= MAX_LINE && line.trim().chars().count() <= MAX_ITEM;
    short && !shape::is_figures(line) && !shape::ends_with_stop(line) && !shape::has_inner_stop(line)
}

/// Condemns what follows the last sentence.
fn news_tail(lines: &mut [Seen<'_>], titles: &[Option<&str>]) {
    let is_sentence = |line: &str| line.chars().count() >= 40 && shape::ends_sentence(line);
    let Some(last) = lines.iter().rposition(|line| line.verdict.is_none() && is_sentence(&line.view)) else {
        return;
    };
    let stays = |line: &&mut Seen<'_>| line.verdict.is_none() && !titles.contains(&Some(line.view.trim()));
    for line in lines.iter_mut().skip(last + 1).filter(stays) {
        line.verdict = Some(Rule::NewsTail);
    }
}
