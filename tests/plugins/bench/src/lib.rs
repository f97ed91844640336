//! Stages that cost next to nothing, so that what remains is what it costs to hand documents to a stage: `cargo bench`
//! links them, and loads them as a library.

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Rewrites, Stage};

/// `idle` has no options.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdleConfig {}

/// The stage `idle`: does nothing with a document.
#[derive(Debug)]
pub struct Idle;

impl Stage for Idle {
    const NAME: &'static str = "idle";
    type Config = IdleConfig;

    fn new(_: IdleConfig, _: &mut Plan) -> Result<Self> {
        Ok(Self)
    }

    fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> {
        Ok(Outcome::Keep)
    }
}

/// Deletes every fourth line.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CutConfig {
    /// Whether the answer is a whole new text, and not edits.
    rewrite: bool,
}

/// The stage `cut`.
#[derive(Debug)]
pub struct Cut {
    fourth: Way,
}

/// How it says so.
#[derive(Debug)]
enum Way {
    Edits(Deletes),
    Rewrite(Rewrites),
}

impl Stage for Cut {
    const NAME: &'static str = "cut";
    type Config = CutConfig;

    fn new(config: CutConfig, plan: &mut Plan) -> Result<Self> {
        let summary = "It is the fourth line of four.";
        let fourth = if config.rewrite {
            Way::Rewrite(plan.rewrites("fourth", summary))
        } else {
            Way::Edits(plan.deletes("fourth", summary))
        };
        Ok(Self { fourth })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let lines = doc.lines().enumerate();
        match self.fourth {
            Way::Edits(rule) => {
                let cut = lines.filter(|(number, _)| number % 4 == 3);
                cut.for_each(|(_, line)| doc.remove(line.span, rule));
            }
            Way::Rewrite(rule) => {
                let mut rest = String::with_capacity(doc.text().len());
                let kept = lines.filter(|(number, _)| number % 4 != 3);
                kept.for_each(|(_, line)| rest.push_str(line.span.of(doc.text()).unwrap_or_default()));
                doc.rewrite(rest, rule);
            }
        }
        Ok(Outcome::Keep)
    }
}

textmill_stage::export!(Idle, Cut);
