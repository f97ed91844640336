//! Joins phrase, shape and place into a verdict for each line.

use std::borrow::Cow;

use textmill_stage::{Result, Span};

use crate::phrases::{Form, Hit, Phrases};
use crate::rule::{Permissions, Rule};
use crate::shape;

/// A line that is longer (bytes) is the article's own.
const MAX_LINE: usize = 480;
/// Bylines and bare dates are looked for in so many lines that stay, from the top.
const TOP: usize = 6;
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

/// A short line and its parts.
struct Parts<'a> {
    line: &'a str,
    /// Its own words: see [`shape::core`].
    core: Span,
    words: &'a str,
    chars: usize,
}

impl Judge {
    pub(crate) fn new(own: &[String], languages: &[String], permissions: &Permissions) -> Result<Self> {
        let on = [Rule::Credit, Rule::Caption, Rule::Date, Rule::BareUrl, Rule::RelatedBlock, Rule::NewsTail];
        let on = on.into_iter().filter(|rule| permissions.allows(*rule)).collect();
        Ok(Self { phrases: Phrases::new(own, languages, permissions)?, on })
    }

    /// The verdicts for the lines of a document that are not blank.
    pub(crate) fn lines(&self, lines: &[Cow<'_, str>], title: Option<&str>) -> Vec<Option<Rule>> {
        let first = lines.first().map(|line| line.trim());
        let titles = [first, title.map(str::trim)];
        let mut verdicts = vec![None; lines.len()];
        let mut stays = 0;
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let is_title = titles.contains(&Some(line.trim()));
            let finding = if is_title { self.title(line) } else { self.line(line, stays < TOP) };
            verdicts[at] = finding.rule;
            stays += usize::from(finding.rule.is_none());
            at += 1;
            if finding.heads && self.on.contains(&Rule::RelatedBlock) {
                at += block(&lines[at..], &mut verdicts[at..], &titles);
            }
        }
        if self.on.contains(&Rule::BareUrl) {
            bare_urls(lines, &mut verdicts, &titles);
        }
        if self.on.contains(&Rule::NewsTail) {
            news_tail(lines, &mut verdicts, &titles);
        }
        verdicts
    }

    /// Of what could be the title, only the mark of an advertisement goes.
    fn title(&self, line: &str) -> Finding {
        let finding = self.line(line, false);
        Finding { rule: finding.rule.filter(|rule| *rule == Rule::Advertisement), heads: false }
    }

    /// What a line by itself says, `top`: near the top of what stays.
    fn line(&self, line: &str, top: bool) -> Finding {
        let Some(parts) = Parts::of(line) else { return Finding::default() };
        let mut finding = Finding::default();
        if let Some(rule) = self.shape(&parts, top) {
            finding.add(rule);
        }
        for hit in self.phrases.hits(line, parts.core) {
            if let Some(rule) =
                parts.weigh(hit, top).filter(|rule| *rule != Rule::Caption || self.on.contains(rule))
            {
                finding.add(rule);
                finding.heads |=
                    matches!(hit.form, Form::Mark if parts.is_alone(hit)) || hit.form == Form::Head;
            }
        }
        finding
    }

    /// What the shape alone says.
    fn shape(&self, parts: &Parts<'_>, top: bool) -> Option<Rule> {
        if top && self.on.contains(&Rule::Date) && shape::is_date(parts.words) {
            return Some(Rule::Date);
        }
        let (before, name) = (!parts.line.is_ascii()).then(|| parts.line.rsplit_once('©')).flatten()?;
        let rule = if before.trim().is_empty() { Rule::Credit } else { Rule::Caption };
        (self.on.contains(&rule) && parts.ends_with_credit(before, name)).then_some(rule)
    }
}

impl Finding {
    /// Of several rules the first of the list names the reason.
    fn add(&mut self, rule: Rule) {
        self.rule = Some(self.rule.map_or(rule, |known| known.min(rule)));
    }
}

impl<'a> Parts<'a> {
    /// The parts of a line that is short enough to go.
    fn of(line: &'a str) -> Option<Self> {
        let core = shape::core(line);
        let words = core.of(line).filter(|_| line.len() <= MAX_LINE)?;
        Some(Self { line, core, words, chars: words.chars().count() })
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
            Form::Open => opens && self.chars <= 160 && !self.is_listed() && !shape::has_inner_stop(rest),
            Form::Part => self.chars <= 280,
            Form::Count => self.counts(hit, rest),
            Form::Minutes => self.chars <= 40 && self.before(hit).trim().chars().all(|c| c.is_ascii_digit()),
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
        let few = self.chars <= 60 && rest.split_whitespace().count() <= 5;
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
        self.ends_with_credit(before, name).then_some(rule)
    }

    /// Whether `name` can be that of a photographer or an agency, and `before` a caption.
    fn ends_with_credit(&self, before: &str, name: &str) -> bool {
        let name = name.trim_matches(|c: char| c.is_whitespace() || ".()[]".contains(c));
        let fits = !name.is_empty() && name.chars().count() <= 70 && shape::is_name(name, 9);
        fits && self.chars <= 240 && before.trim_end_matches(['(', '[', ' ']).chars().count() != 1
    }

    /// A name and an agency, joined as credits are; or the agency alone.
    fn is_agency(&self, hit: Hit, rest: &str) -> bool {
        let before = self.before(hit).trim_end();
        let ends = !rest.chars().any(char::is_alphanumeric);
        let joined = before.is_empty() || before.ends_with(['/', '|', '—']) || before.ends_with(" via");
        ends && joined && self.chars <= 90 && (before.is_empty() || shape::is_name(before, 9))
    }

    fn is_byline(&self, rest: &str) -> bool {
        let name = shape::after_separator(rest).unwrap_or(rest);
        self.chars <= 80 && !name.contains(':') && !shape::ends_sentence(name) && shape::is_name(name, 8)
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

/// Condemns the lines below a heading of links, and says how many there are.
fn block(lines: &[Cow<'_, str>], verdicts: &mut [Option<Rule>], titles: &[Option<&str>]) -> usize {
    let is_item = |line: &&Cow<'_, str>| !titles.contains(&Some(line.trim())) && is_item(line);
    let run = lines.iter().take(MAX_BLOCK + 1).take_while(is_item).count();
    let ends = run == lines.len();
    if run == 0 || run > MAX_BLOCK || !(ends || run >= 3) {
        return 0;
    }
    verdicts[..run].fill(Some(Rule::RelatedBlock));
    run
}

fn is_item(line: &str) -> bool {
    let short = line.len() <= MAX_LINE && line.trim().chars().count() <= MAX_ITEM;
    short && !shape::is_figures(line) && !shape::ends_with_stop(line) && !shape::has_inner_stop(line)
}

/// Condemns the addresses that are alone on their lines, but for those that the line before announces.
fn bare_urls(lines: &[Cow<'_, str>], verdicts: &mut [Option<Rule>], titles: &[Option<&str>]) {
    let mut announced = false;
    for (line, verdict) in lines.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_none()) {
        if shape::is_address(line.trim()) && !announced && !titles.contains(&Some(line.trim())) {
            *verdict = Some(Rule::BareUrl);
        } else {
            announced = line.trim_end().ends_with([':', '：']);
        }
    }
}

/// Condemns what follows the last sentence.
fn news_tail(lines: &[Cow<'_, str>], verdicts: &mut [Option<Rule>], titles: &[Option<&str>]) {
    let is_sentence = |line: &str| line.chars().count() >= 40 && shape::ends_sentence(line);
    let sentence = |at: &usize| verdicts[*at].is_none() && is_sentence(&lines[*at]);
    let Some(last) = (0..lines.len()).rev().find(sentence) else { return };
    for at in last + 1..lines.len() {
        if verdicts[at].is_none() && !titles.contains(&Some(lines[at].trim())) {
            verdicts[at] = Some(Rule::NewsTail);
        }
    }
}
