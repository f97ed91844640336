//! The stage `clean`: damage that copying and scraping do to characters, undone.
//!
//! Repairs lean on each other: an entity may decode to a control character, a removed control may leave two spaces at
//! the end of a line, `&amp;lt;` is an entity in an entity. A host applies all edits of a stage at once, so the steps are
//! composed here: each one looks at the text that the one before it left, its edits are folded into edits of the text
//! that came in (`edit::compose`), and the whole list is run again until no step finds anything. That is why the stage
//! is idempotent: what it returns is a text in which no step finds anything. A text that does not settle is no prose, and
//! is left as it came, which keeps that promise and bounds the time.
//!
//! Every step begins with a scan for the bytes that it acts on, so a clean text is read and not copied.

mod controls;
mod edit;
mod entities;
mod folds;
mod invisible;
mod line_ends;
mod mojibake;
mod nfc;
mod scan;
mod spaces;
mod tags;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Doc, Outcome, Plan, Result, Rewrites, Stage};

use crate::edit::{Edit, apply, compose, tidy};

/// How often the steps may change a text before it is left as it came. Real damage needs five: three layers of
/// mojibake, an entity, a space.
const MAX_CHANGES: usize = 64;

/// The steps, by their rules, that have nothing to do in a text of ASCII.
const SKIP_ASCII: [&str; 7] =
    ["mojibake", "invisible", "quote", "ligature", "full-width", "no-break-space", "nfc"];

/// Repairs characters: wrong encodings, HTML entities and tags, Unicode form, characters that cannot be seen, white space.
///
/// With the options as they are, nothing is touched that a writer may have meant: quotes, ligatures, full-width forms,
/// no-break spaces, indentation and blank lines stay, and a clean text comes out byte for byte as it went in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own in the pipeline file")]
pub struct Config {
    /// Text that was UTF-8 and was read as windows-1252, 1251, 1250, 1253, 1254, 1257, ISO-8859-1, ISO-8859-2, `MacRoman`
    /// or code page 437, any number of times: `voilÃ ` is `voilà`. Rule `mojibake`.
    mojibake: bool,
    /// HTML entities that end with a semicolon, names and numbers: `caf&eacute;` is `café`. Rule `entity`.
    entities: bool,
    /// HTML tags that are left of formatting: pairs like `<b>...</b>` in one line, and `<br>`. A text that shows any other
    /// tag is taken to be about markup, and is left alone. Rule `tag`.
    tags: bool,
    /// Unicode normalization form C. Rule `nfc`.
    nfc: bool,
    /// Characters that cannot be seen and mean nothing: byte order marks, zero-width spaces (but between letters of
    /// scripts that need them), soft hyphens inside words. Joiners and direction marks stay. Rule `invisible`.
    invisible: bool,
    /// Control characters but tab, line ends, form feed, and U+001A, which like U+FFFD marks a lost character. Terminal
    /// escape sequences go as a whole. Rule `control`.
    controls: bool,
    /// Line ends become `\n`: `\r\n`, `\r`, U+000B, U+2028, U+2029. Rule `line-end`.
    line_ends: bool,
    /// Spaces and tabs at the end of lines. Rule `space`.
    spaces: bool,
    /// How many blank lines may follow each other; what is more is removed if `spaces` is on.
    max_blank_lines: usize,
    /// Curly quotes become straight ones. Rule `quote`.
    quotes: bool,
    /// Ligatures of Latin letters become letters. Rule `ligature`.
    ligatures: bool,
    /// Full-width and half-width forms become ordinary ones. Rule `full-width`.
    full_width: bool,
    /// No-break spaces become spaces. Rule `no-break-space`.
    no_break_spaces: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mojibake: true,
            entities: true,
            tags: true,
            nfc: true,
            invisible: true,
            controls: true,
            line_ends: true,
            spaces: true,
            max_blank_lines: 2,
            quotes: false,
            ligatures: false,
            full_width: false,
            no_break_spaces: false,
        }
    }
}

/// The stage `clean`; see [`Config`].
#[derive(Debug)]
pub struct Clean {
    steps: Vec<Step>,
}

/// Pushes its edits of a text, in order.
type Find = Box<dyn Fn(&str, &mut Vec<Edit>) + Send + Sync>;

/// One kind of repair.
struct Step {
    rule: Rewrites,
    find: Find,
    /// Whether it has nothing to do in a text of ASCII.
    skips_ascii: bool,
    /// Whether it is repeated until it finds nothing, before the steps behind it may look: they could not know that half
    /// of what they see is to be read as something else.
    repeat: bool,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Stage for Clean {
    const NAME: &'static str = "clean";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        plan.claim_idempotent();
        let mut steps = Vec::new();
        let mut add = |on, name, summary, find: Find| {
            if on {
                let rule = plan.rewrites(name, summary);
                let skips_ascii = SKIP_ASCII.contains(&name);
                steps.push(Step { rule, find, skips_ascii, repeat: name == "mojibake" });
            }
        };
        let max_blank_lines = config.max_blank_lines;
        let spaces = move |text: &str, edits: &mut Vec<Edit>| spaces::find(text, max_blank_lines, edits);
        let fold = |fold: folds::Fold| -> Find { Box::new(move |text, edits| fold.find(text, edits)) };

        add(config.mojibake, "mojibake", mojibake::SUMMARY, Box::new(mojibake::find));
        add(config.entities, "entity", entities::SUMMARY, Box::new(entities::find));
        add(config.tags, "tag", tags::SUMMARY, Box::new(tags::find));
        add(config.controls, "control", controls::SUMMARY, Box::new(controls::find));
        add(config.invisible, "invisible", invisible::SUMMARY, Box::new(invisible::find));
        add(config.line_ends, "line-end", line_ends::SUMMARY, Box::new(line_ends::find));
        add(config.quotes, "quote", "A curly quote.", fold(folds::QUOTES));
        add(config.ligatures, "ligature", "A ligature of Latin letters.", fold(folds::LIGATURES));
        add(config.full_width, "full-width", "A full-width or half-width form.", fold(folds::FULL_WIDTH));
        add(config.no_break_spaces, "no-break-space", "A no-break space.", fold(folds::NO_BREAK_SPACES));
        add(config.nfc, "nfc", nfc::SUMMARY, Box::new(nfc::find));
        add(config.spaces, "space", spaces::SUMMARY, Box::new(spaces));
        Ok(Self { steps })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        for edit in self.repair(doc.text()) {
            if let Some(rule) = edit.rule {
                doc.replace(edit.span, &edit.text, rule);
            }
        }
        Ok(Outcome::Keep)
    }
}

impl Clean {
    /// The edits after which no step finds anything in `text`; none if it does not settle.
    fn repair(&self, text: &str) -> Vec<Edit> {
        let is_ascii = text.is_ascii();
        let mut draft = Draft { text: Cow::Borrowed(text), is_ascii, edits: Vec::new(), changes: 0 };
        loop {
            let before = draft.changes;
            for step in &self.steps {
                while draft.pass(step) && step.repeat && draft.changes < MAX_CHANGES {}
            }
            if draft.changes == before {
                return tidy(text, draft.edits);
            }
            if draft.changes >= MAX_CHANGES {
                return Vec::new();
            }
        }
    }
}

/// A text as the steps so far left it, and the edits that lead there from the one that came in.
struct Draft<'a> {
    text: Cow<'a, str>,
    is_ascii: bool,
    edits: Vec<Edit>,
    changes: usize,
}

impl Draft<'_> {
    /// Whether the step changed anything.
    fn pass(&mut self, step: &Step) -> bool {
        if self.is_ascii && step.skips_ascii {
            return false;
        }
        let mut found = Vec::new();
        (step.find)(&self.text, &mut found);
        if found.is_empty() {
            return false;
        }
        for edit in &mut found {
            edit.rule = Some(step.rule);
        }
        let next = apply(&self.text, &found);
        self.edits = compose(std::mem::take(&mut self.edits), found, &self.text);
        self.is_ascii = next.is_ascii();
        self.text = Cow::Owned(next);
        self.changes += 1;
        true
    }
}

#[cfg(test)]
mod tests;
