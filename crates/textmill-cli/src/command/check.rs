//! `textmill check`

use std::path::Path;

use textmill::{Engine, LoadedPlugin};

use super::{files, open};
use crate::args::{CheckArgs, PipelineArgs};
use crate::exit::{self, Advised, Done, Outcome};
use crate::findings::{self, Finding, Findings, Kind, Verdict};
use crate::terminal::say;

pub(crate) fn run(args: &CheckArgs, is_quiet: bool) -> Outcome {
    let mut findings = Findings::new("check");
    let result = check_all(args, is_quiet, &mut findings);
    let subject = args.paths.first().map_or(Path::new(""), |path| path);
    findings.finish(findings::format(args.results.format), subject, result)
}

/// Checks every file, whatever is wrong with the ones before it.
fn check_all(args: &CheckArgs, is_quiet: bool, findings: &mut Findings) -> Outcome {
    let files = files::find(&args.paths, "stage")?;
    if files.is_empty() {
        return Err(none_found(args).into());
    }
    let mut all = Done::Well;
    for path in files {
        match check(args, &path) {
            Ok(engine) => {
                if !is_quiet {
                    tell(&engine);
                }
                let name = engine.pipeline().name.clone();
                findings.add(Finding::new(Kind::Pipeline, &path, name, Verdict::Passed, Vec::new()));
            }
            Err(error) => {
                findings.add(Finding::ended(&path, &error));
                all = exit::tell(&error);
            }
        }
    }
    Ok(all)
}

fn check(args: &CheckArgs, path: &Path) -> anyhow::Result<Engine> {
    let instead = open::Instead { frozen: args.freezing.frozen, ..open::Instead::default() };
    let (overrides, plugins) = (args.overrides.clone(), args.plugins.clone());
    let args = PipelineArgs { pipeline: path.to_owned(), overrides, plugins };
    let engine = open::pipeline(&args, &instead)?;
    engine.check_input().map_err(|error| super::run::explain(&engine, error))?;
    Ok(engine)
}

fn tell(engine: &Engine) {
    let stages: Vec<_> = engine.stages().iter().map(|stage| &*stage.id).collect();
    let stages = if stages.is_empty() { "no stage: it copies".to_owned() } else { stages.join(" -> ") };
    say(&format!("{}: ok ({stages})", engine.pipeline().path.display()));
    for (name, plugin) in replaced(engine) {
        let library = plugin.path.display();
        say(&format!("note: the stage `{name}` is that of `{library}`, in the place of the built-in one"));
    }
}

/// The stages of libraries that are used in the place of built-in ones.
fn replaced(engine: &Engine) -> impl Iterator<Item = (&str, &LoadedPlugin)> {
    let is_used = |name: &str| engine.pipeline().stages.iter().any(|stage| stage.uses == name);
    let offered = engine.provenance().plugins.iter();
    let offered = offered.flat_map(|plugin| plugin.stages.iter().map(move |name| (name.as_str(), plugin)));
    offered.filter(move |(name, _)| textmill::is_built_in(name) && is_used(name))
}

fn none_found(args: &CheckArgs) -> Advised {
    Advised {
        message: format!("found no pipeline file in {}", files::listed(&args.paths)),
        hint: Some("of a folder, those files are taken that have a `[[stage]]`".to_owned()),
    }
}
