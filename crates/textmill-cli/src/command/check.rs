//! `textmill check`

use textmill::{Engine, LoadedPlugin};

use super::open;
use crate::args::CheckArgs;
use crate::exit::{Done, Outcome};
use crate::terminal::say;

pub(crate) fn run(args: &CheckArgs) -> Outcome {
    let engine = open::pipeline(&args.pipeline, &[], None, None)?;
    engine.check_input().map_err(|error| super::run::explain(&engine, error))?;
    let pipeline = engine.pipeline();
    let stages: Vec<_> = engine.stages().iter().map(|stage| &*stage.id).collect();
    let stages = if stages.is_empty() { "no stage: it copies".to_owned() } else { stages.join(" -> ") };
    say(&format!("{}: ok ({stages})", pipeline.path.display()));
    for (name, plugin) in replaced(&engine) {
        let library = plugin.path.display();
        say(&format!("note: the stage `{name}` is that of `{library}`, in the place of the built-in one"));
    }
    Ok(Done::Well)
}

/// The stages of libraries that are used in the place of built-in ones.
fn replaced(engine: &Engine) -> impl Iterator<Item = (&str, &LoadedPlugin)> {
    let is_used = |name: &str| engine.pipeline().stages.iter().any(|stage| stage.uses == name);
    let offered = engine.provenance().plugins.iter();
    let offered = offered.flat_map(|plugin| plugin.stages.iter().map(move |name| (name.as_str(), plugin)));
    offered.filter(move |(name, _)| textmill::is_built_in(name) && is_used(name))
}
