//! The built-in stages, over any text and any options that their schema lets through. What they answer is what can be carried
//! out.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use textmill::{Cancel, Catalog as _, Checker, OpenedStage, Registry};

static REGISTRY: LazyLock<Registry> = LazyLock::new(textmill::registry);

/// The stages, their checkers, and each of them open with its default options, if it has such.
static STAGES: LazyLock<Vec<(String, Checker, Option<OpenedStage>)>> = LazyLock::new(|| {
    let kind = |name: String| {
        let checker = Checker::new(&REGISTRY.find(&name)?.schema).expect("a built-in schema is valid");
        let opened = OpenedStage::open(&REGISTRY, &name, &json!({}), Vec::new()).ok();
        Some((name, checker, opened))
    };
    let mut names: Vec<String> = REGISTRY.names().into_iter().map(ToOwned::to_owned).collect();
    names.sort();
    names.into_iter().filter_map(kind).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Some((number, rest)) = bytes.split_first() else { return };
    let rest = String::from_utf8_lossy(rest);
    // The first line is options, if it is JSON; the rest, or all of it, is a text.
    let (first, below) = rest.split_once('\n').unwrap_or_default();
    let (name, checker, opened) = &STAGES[usize::from(*number) % STAGES.len()];
    let options = serde_json::from_str::<Value>(first).ok().filter(Value::is_object);
    let Some(options) = options else {
        return opened.iter().for_each(|opened| run(opened, &rest));
    };
    if checker.violations(&options).is_empty()
        && checker.resources(&options).is_empty()
        && let Ok(opened) = OpenedStage::open(&REGISTRY, name, &options, Vec::new())
    {
        run(&opened, below);
    }
});

fn run(opened: &OpenedStage, text: &str) {
    let plan = opened.plan();
    let fields: Vec<_> = plan.reads.iter().map(|_| vec![None; 2]).collect();
    let mut trial = opened.trial().expect("a worker");
    let texts = [text, "A second text.\n\nIt follows."];
    let answers = trial.process(&texts, &fields, &Cancel::default()).expect("no stage gives up");
    for (answer, text) in answers.iter_mut().zip(texts) {
        assert!(answer.edits.iter().all(|edit| text.get(edit.span.start..edit.span.end).is_some()));
        _ = answer.apply(text);
    }
    assert!(trial.breaches().is_empty(), "{:?}", trial.breaches());
}
