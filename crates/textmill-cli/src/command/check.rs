//! `textmill check`

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
    Ok(Done::Well)
}
