//! The stage `dedup-title`.

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Doc, Outcome, Plan, Result, Stage};

/// To be written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {}

/// The stage `dedup-title`.
#[derive(Debug)]
pub struct DedupTitle;

impl Stage for DedupTitle {
    const NAME: &'static str = "dedup-title";
    type Config = Config;

    fn new(_: Config, _: &mut Plan) -> Result<Self> {
        Ok(Self)
    }

    fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> {
        Ok(Outcome::Keep)
    }
}
