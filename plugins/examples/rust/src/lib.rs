//! The stage `strip-word` in Rust, in a crate of its own.

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Deletes, Doc, Drops, Error, Outcome, Plan, Result, Span, Stage, Write};

textmill_stage::export!(StripWord);

/// Removes a word wherever it stands.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("examples" = [{ "word": "very" }]))]
pub struct Config {
    /// The word.
    #[schemars(length(min = 1))]
    word: String,
    /// Texts that have it more often are dropped.
    #[schemars(range(max = 1_000_000_000))]
    at_most: Option<u32>,
}

pub struct StripWord {
    config: Config,
    removed: Write<i64>,
    cut: Deletes,
    too_many: Drops,
}

impl Stage for StripWord {
    const NAME: &'static str = "strip-word";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        if config.word.contains(' ') {
            return Err(Error::config("/word", "one word has no space in it"));
        }
        Ok(Self {
            config,
            removed: plan.writes("removed"),
            cut: plan.deletes("word", "It is the word that the options name."),
            too_many: plan.drops("too-many", "The text has the word more often than `at-most`."),
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        if doc.text().contains('\0') {
            return Err(Error::document("the text has a NUL"));
        }
        let mut removed = 0;
        for (start, word) in doc.text().match_indices(&self.config.word) {
            doc.remove(Span::new(start, start + word.len()), self.cut);
            removed += 1;
        }
        doc.set(self.removed, &removed);
        let at_most = self.config.at_most.map_or(i64::MAX, i64::from);
        Ok(if removed > at_most { Outcome::Drop(self.too_many) } else { Outcome::Keep })
    }
}
