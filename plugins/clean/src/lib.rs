//! The stage `clean`.

use schemars::JsonSchema;
use serde::Deserialize;
use textmill_stage::{Doc, Outcome, Plan, Result, Stage};

/// To be written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {}

/// The stage `clean`.
#[derive(Debug)]
pub struct Clean;

impl Stage for Clean {
    const NAME: &'static str = "clean";
    type Config = Config;

    fn new(_: Config, _: &mut Plan) -> Result<Self> {
        Ok(Self)
    }

    fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> {
        Ok(Outcome::Keep)
    }
}
