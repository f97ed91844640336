//! `textmill try`: one document, and what each stage does with it.

use std::io::Write as _;

use textmill::{Edit, Fate, Stage, Trace, TracedStage};
use textmill_report::plural;

use super::open;
use crate::args::TryArgs;
use crate::diff::visible;
use crate::exit::{Done, Outcome};
use crate::step::{self, Change, Step};
use crate::terminal::{FAINT, STRONG, styled};

pub(crate) fn run(args: &TryArgs) -> Outcome {
    let instead = open::Instead { inputs: std::slice::from_ref(&args.file), ..open::Instead::default() };
    let engine = open::pipeline(&args.pipeline, &instead)?;
    let trace = engine.trace_first().map_err(|error| super::run::explain(&engine, error))?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        styled(STRONG, &visible(&trace.id)),
        styled(FAINT, &plural(trace.original.chars().count() as u64, "character"))
    )?;
    for traced in &trace.stages {
        let stage = &engine.stages()[traced.stage];
        write!(out, "\n{}", describe(stage, traced))?;
    }
    writeln!(out, "\n{}", verdict(&trace, engine.stages()))?;
    Ok(if matches!(trace.fate, Fate::Failed { .. }) { Done::Failed } else { Done::Well })
}

fn describe(stage: &Stage, traced: &TracedStage) -> String {
    let change = |edit: &Edit| Change {
        span: edit.span.start..edit.span.end,
        rule: &stage.plan().rules[edit.rule].name,
    };
    step::describe(&Step {
        stage: &stage.id,
        before: &traced.before,
        after: &traced.after,
        edits: traced.edits.iter().map(change).collect(),
        fields: traced.fields.clone(),
        emitted: traced.emitted.len(),
        error: None,
        time: Some(traced.time),
    })
}

fn verdict(trace: &Trace, stages: &[Stage]) -> String {
    match &trace.fate {
        Fate::Kept => styled(STRONG, "kept"),
        Fate::Dropped { stage, rule } => {
            format!("{} by `{}`: {rule}", styled(STRONG, "dropped"), stages[*stage].id)
        }
        Fate::Failed { stage, message } => {
            format!("{} in `{}`: {message}", styled(STRONG, "failed"), stages[*stage].id)
        }
    }
}
