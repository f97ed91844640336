//! The textmill stage `{{name}}`.

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Stage};

textmill_stage::export!({{Type}});

/// Removes lines that shout: every letter in them is a capital.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Lines with fewer capitals than this stay: `BBC` is no shouting.
    #[schemars(range(min = 1))]
    min_capitals: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { min_capitals: 6 }
    }
}

/// The stage `{{name}}`.
pub struct {{Type}} {
    min_capitals: usize,
    all_capitals: Deletes,
}

impl Stage for {{Type}} {
    const NAME: &'static str = "{{name}}";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        let all_capitals = plan.deletes("all-capitals", "Every letter of the line is a capital.");
        plan.claim_idempotent();
        Ok(Self { min_capitals: config.min_capitals, all_capitals })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        for line in doc.lines() {
            if self.shouts(line.text) {
                doc.remove(line.span, self.all_capitals);
            }
        }
        Ok(Outcome::Keep)
    }
}

impl {{Type}} {
    fn shouts(&self, line: &str) -> bool {
        let capitals = line.chars().filter(|c| c.is_uppercase()).count();
        capitals >= self.min_capitals && !line.chars().any(char::is_lowercase)
    }
}

#[cfg(test)]
mod tests;
