//! Opens what a command names.

use std::path::Path;

use anyhow::Context as _;
use textmill::io::PluginPath;
use textmill::{Diagnostics, Engine, Locking, Options, Plugins, Registry};

use super::worker;
use crate::args::{PipelineArgs, PluginArgs};

/// What a command puts in the place of what a pipeline file says, and what it asks of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instead<'a> {
    pub(crate) inputs: &'a [String],
    pub(crate) output: Option<&'a str>,
    pub(crate) ledger: Option<&'a str>,
    /// Whether all must be as it is locked, the input too.
    pub(crate) frozen: bool,
}

/// Opens the pipeline.
pub(crate) fn pipeline(args: &PipelineArgs, instead: &Instead<'_>) -> anyhow::Result<Engine> {
    let options = Options {
        overrides: args.overrides.clone(),
        inputs: instead.inputs.iter().map(|uri| absolute(uri)).collect::<Result<_, _>>()?,
        output: instead.output.map(absolute_output).transpose()?,
        ledger: instead.ledger.map(absolute).transpose()?,
        frozen: instead.frozen,
        plugins: plugins(&PluginArgs {
            locked: args.plugins.locked || instead.frozen,
            ..args.plugins.clone()
        }),
        worker: worker::command(),
    };
    let engine = textmill::open(&args.pipeline, &options)?;
    let pipeline = engine.pipeline();
    for stage in &pipeline.stages {
        tracing::info!(uses = stage.uses, options = %stage.options, "opened the stage `{}`", stage.id);
    }
    tracing::info!("input is {}", pipeline.input.uris.join(", "));
    Ok(engine)
}

/// The built-in stages, and those of the plugins that a pipeline names.
pub(crate) fn registry(pipeline: Option<&Path>, plugins: &PluginArgs) -> Result<Registry, Diagnostics> {
    match pipeline {
        Some(path) => textmill::registry_of(path, &self::plugins(plugins), worker::command()),
        None => Ok(textmill::registry()),
    }
}

/// Where plugins come from, and what they are held to.
pub(crate) fn plugins(args: &PluginArgs) -> Plugins {
    let locking = if args.locked { Locking::Require } else { Locking::Warn };
    Plugins { path: PluginPath::from_environment(args.folders.clone()), locking }
}

/// As [`absolute`]; a brace in the path of the current folder is no placeholder.
fn absolute_output(uri: &str) -> anyhow::Result<String> {
    let absolute = absolute(uri)?;
    let folder = absolute.strip_suffix(uri).filter(|_| uri.contains(['{', '}'])).unwrap_or_default();
    let doubled = folder.replace('{', "{{").replace('}', "}}");
    Ok(absolute.replacen(folder, &doubled, 1))
}

/// A URI of the command line is relative to the current folder; that of a pipeline file to the file.
pub(crate) fn absolute(uri: &str) -> anyhow::Result<String> {
    anyhow::ensure!(!uri.is_empty(), "an empty path was given for the input or the output");
    if uri == "-" || Path::new(uri).is_absolute() {
        return Ok(uri.to_owned());
    }
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let folder = here.to_str().context("the path of the current folder is not UTF-8")?;
    Ok(format!("{folder}/{uri}"))
}
