//! The stage `dedup-title`: a document has its title once.
//!
//! A scraped page gives its title more than once, from its `<title>`, its metadata and its heading, and rarely letter
//! for letter: a site's name is added, quotes are curled, words are left out. The stage compares the first lines with
//! each other and with the field `title`, removes the repeats, and takes the title from the first line where the
//! document has none. How two lines are compared is in `repeat`, what a line needs to become a title in `shape`.

mod headline;
mod repeat;
mod shape;
#[cfg(test)]
mod tests;
mod window;

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Deletes, Doc, Error, Outcome, Plan, Read, Result, Stage, Write};

use crate::repeat::{Kind, Repeat};
use crate::window::{Top, Window};

/// Keeps the title once: removes lines at the top that repeat it, and sets `title` where there is none.
///
/// The first lines are compared with the very first one and, if the document has one, with the field `title`. A line is a
/// repeat if it is the same but for case, quotes, dashes and white space; if it is the same beside a site's name or a
/// topic (`Title - Site`, `Title | Section | Site`, `Site: Title`); or if it nearly is. Numbers must be equal. A line
/// that ends with a full stop is a sentence of the article and repeats only a line that is the same.
///
/// Of two lines that follow each other, the one without the site's name stays; else the first. A blank line beside the
/// removed one goes with it. A first line becomes the `title` if it was repeated, or if it looks like a headline above
/// an article: three words or more, no full stop, a sentence below it. A document of one line gets none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// How many lines at the top are looked at; blank lines and removed ones do not count.
    #[schemars(range(min = 1, max = 100))]
    lines: usize,
    /// How alike two lines must be to be nearly the same: the share of letters, 0.5 to 1; 1 is no difference but added
    /// words.
    #[schemars(range(min = 0.5, max = 1.0))]
    similarity: f64,
    /// Whether lines that are nearly the same are removed.
    near: bool,
    /// Whether `title` is set where there is none, and loses a site's name that the first line does not have.
    set_title: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { lines: 5, similarity: 0.8, near: true, set_title: true }
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        if !(1..=100).contains(&self.lines) {
            return Err(Error::config("/lines", "`lines` is a number from 1 to 100"));
        }
        if !(0.5..=1.0).contains(&self.similarity) {
            return Err(Error::config("/similarity", "`similarity` is a number from 0.5 to 1"));
        }
        Ok(())
    }
}

/// The stage `dedup-title`.
#[derive(Debug)]
pub struct DedupTitle {
    config: Config,
    known: Read<String>,
    title: Option<Write<String>>,
    rules: Rules,
}

#[derive(Debug)]
struct Rules {
    repeat: Deletes,
    site_name: Deletes,
    near_repeat: Deletes,
}

impl Stage for DedupTitle {
    const NAME: &'static str = "dedup-title";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        config.check()?;
        let known = plan.reads("title");
        let title = config.set_title.then(|| plan.writes("title"));
        let rules = Rules {
            repeat: plan
                .deletes("repeat", "The line is the title but for case, quotes, dashes and white space."),
            site_name: plan
                .deletes("site-name", "The line is the title but for a site's name or a topic beside it."),
            near_repeat: plan.deletes(
                "near-repeat",
                "The line is nearly the title: few letters differ, or words are added.",
            ),
        };
        plan.claim_idempotent();
        Ok(Self { config, known, title, rules })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let known = doc.get(self.known).map(str::trim).filter(|title| !title.is_empty()).map(Top::of_title);
        let mut window = Window::new(doc.lines(), self.config.lines);
        let mut repeated = false;
        while let Some(Found { index, repeat }) = self.find(&window, known.as_ref()) {
            repeated = true;
            doc.score("similarity", repeat.similarity, Some(self.config.similarity));
            for span in window.remove(index) {
                doc.remove(span, self.rules.of(repeat.kind));
            }
        }
        if let (Some(field), Some(first)) = (self.title, window.tops().first())
            && self.is_better_title(first, known.as_ref(), repeated, doc.text())
        {
            doc.set(field, &first.line.text.trim().to_owned());
        }
        Ok(Outcome::Keep)
    }
}

impl Rules {
    fn of(&self, kind: Kind) -> Deletes {
        match kind {
            Kind::Same => self.repeat,
            Kind::Site => self.site_name,
            Kind::Near => self.near_repeat,
        }
    }
}

/// Which line at the top goes, and why.
struct Found {
    index: usize,
    repeat: Repeat,
}

impl DedupTitle {
    /// A line at the top that repeats the first one, or one that repeats the known title a second time.
    fn find(&self, window: &Window<'_>, known: Option<&Top<'_>>) -> Option<Found> {
        let first = window.tops().first()?;
        let among_lines = self.find_repeat(first, window, 1);
        among_lines.map(|(at, repeat)| Found::of(0, at, repeat)).or_else(|| {
            let known = known?;
            let (kept, _) = self.find_repeat(known, window, 0)?;
            let (index, repeat) = self.find_repeat(known, window, kept + 1)?;
            Some(Found { index, repeat })
        })
    }

    /// The first line from `start` on that repeats the title. Once the article has begun, only the very same counts: a
    /// heading inside it may share words with the title.
    fn find_repeat(&self, title: &Top<'_>, window: &Window<'_>, start: usize) -> Option<(usize, Repeat)> {
        let mut in_article = false;
        let lines = window.tops().iter().enumerate().skip(start);
        let can_repeat = |at: usize| !window.is_wrapped(at) && !window.is_listed(at);
        lines.filter(|(at, _)| can_repeat(*at)).find_map(|(at, top)| {
            in_article |= top.is_statement || top.headline.is_none();
            let near = self.config.near && window.stands_alone(at);
            self.compare(title, top, in_article, near).map(|repeat| (at, repeat))
        })
    }

    fn compare(&self, title: &Top<'_>, top: &Top<'_>, in_article: bool, near: bool) -> Option<Repeat> {
        let (one, other) = (title.headline.as_ref()?, top.headline.as_ref()?);
        if in_article || title.is_statement {
            return repeat::same(one, other);
        }
        repeat::compare(one, other, self.config.similarity).filter(|repeat| near || repeat.kind != Kind::Near)
    }

    /// Whether the first line should be the title: there is none and it looks like one, or it is the known one without
    /// the site's name.
    fn is_better_title(&self, first: &Top<'_>, known: Option<&Top<'_>>, repeated: bool, text: &str) -> bool {
        let is_cleaner = |repeat: Repeat| repeat.kind == Kind::Site && repeat.cut > repeat.other_cut;
        shape::can_be_title(first.line.text)
            && match known {
                None => repeated || shape::is_title(&first.line, text),
                Some(known) => self.compare(known, first, false, false).is_some_and(is_cleaner),
            }
    }
}

impl Found {
    /// Of two lines that follow each other the one with less beside the title stays; else the first.
    fn of(first: usize, second: usize, repeat: Repeat) -> Self {
        let first_goes = second == first + 1 && repeat.cut > repeat.other_cut;
        Self { index: if first_goes { first } else { second }, repeat }
    }
}
