//! `textmill try`: one document, and what each stage does with it.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};
use textmill::{Edit, Fate, Stage, Trace, TracedStage};
use textmill_report::plural;

use super::open;
use crate::args::TryArgs;
use crate::diff::visible;
use crate::exit::{Done, Outcome};
use crate::step::{self, Change, Step};
use crate::terminal::{FAINT, STRONG, styled};
use crate::watch;

pub(crate) fn run(args: &TryArgs) -> Outcome {
    if args.watching.watch {
        anyhow::ensure!(args.file != "-", "standard input cannot be watched");
        return watch::watch(&[args.pipeline.pipeline.clone(), PathBuf::from(&args.file)]);
    }
    let instead = open::Instead { inputs: std::slice::from_ref(&args.file), ..open::Instead::default() };
    let engine = open::pipeline(&args.pipeline, &instead)?;
    watch::note(&args.watching, [&engine], [])?;
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
        let options = engine.pipeline().stages[traced.stage].options.as_object();
        write!(out, "\n{}", describe(stage, options, traced))?;
    }
    writeln!(out, "\n{}", verdict(&trace, engine.stages()))?;
    Ok(if matches!(trace.fate, Fate::Failed { .. }) { Done::Failed } else { Done::Well })
}

fn describe(stage: &Stage, options: Option<&Map<String, Value>>, traced: &TracedStage) -> String {
    let change = |edit: &Edit| Change {
        span: edit.span.start..edit.span.end,
        rule: &stage.plan().rules[edit.rule].name,
    };
    let scores = traced.scores.iter().filter(|_| traced.edits.is_empty());
    step::describe(&Step {
        stage: &stage.id,
        options,
        before: &traced.before,
        after: &traced.after,
        edits: traced.edits.iter().map(change).collect(),
        fields: traced.fields.clone(),
        scores: scores.map(|(name, value, threshold)| (name.as_str(), *value, *threshold)).collect(),
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
