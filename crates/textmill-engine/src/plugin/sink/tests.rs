//! Any calls of the sink, right and wrong: what is collected is always something that can be done, and edits lie on boundaries
//! of characters.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::stage::Rule;
use super::*;

/// A call that a plugin could make. Numbers are of documents, rules and columns; all can be of none.
#[derive(Clone, Debug)]
enum Call {
    Drop(usize, u32),
    Edit(usize, Vec<Change>),
    /// So many edits at no place.
    NoEdits(usize, usize),
    Rewrite(usize, Value, u32),
    Set(usize, usize, Value),
    Emit(usize, Vec<Value>),
    NoEmit(usize, usize),
    Score(usize, Value, f64, f64),
    Fail(usize, Value),
}

type Value = Option<Vec<u8>>;

#[derive(Clone, Debug)]
struct Change {
    start: u64,
    length: u64,
    replacement: Value,
    rule: u32,
    reserved: u32,
}

const TEXTS: [&str; 4] = ["", "plain text", "é漢🦀 e\u{301}", "zwei\nZeilen\r\n"];

const KINDS: [FieldKind; 6] =
    [FieldKind::Text, FieldKind::Bool, FieldKind::Int, FieldKind::Float, FieldKind::Texts, FieldKind::Json];

/// Values of some of these kinds, and what is none.
const JSON: &[&str] =
    &["true", "17", "0.5", "[\"a\",\"é\"]", "{\"a\":[[]]}", "null", "1e999", "[1", "\"\\ud800\"", "score"];

fn document() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..TEXTS.len(), 1 => Just(TEXTS.len()), 1 => Just(usize::MAX)]
}

fn rule() -> impl Strategy<Value = u32> {
    prop_oneof![20 => 0..3_u32, 1 => Just(3), 1 => Just(u32::MAX)]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(None),
        4 => ".{0,6}".prop_map(|text| Some(text.into_bytes())),
        6 => proptest::sample::select(JSON).prop_map(|json| Some(json.as_bytes().to_vec())),
        1 => vec(any::<u8>(), 0..6).prop_map(Some),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let place = prop_oneof![20 => 0..24_u64, 1 => Just(u64::MAX)];
    let reserved = prop_oneof![20 => Just(0_u32), 1 => Just(1)];
    (place, 0..6_u64, value(), rule(), reserved).prop_map(|(start, length, replacement, rule, reserved)| {
        Change { start, length, replacement, rule, reserved }
    })
}

fn call() -> impl Strategy<Value = Call> {
    let count = || prop_oneof![Just(0_usize), Just(1), Just(usize::MAX)];
    prop_oneof![
        1 => (document(), rule()).prop_map(|(document, rule)| Call::Drop(document, rule)),
        8 => (document(), vec(change(), 0..3)).prop_map(|(document, edits)| Call::Edit(document, edits)),
        1 => (document(), count()).prop_map(|(document, count)| Call::NoEdits(document, count)),
        2 => (document(), value(), rule()).prop_map(|(document, text, rule)| Call::Rewrite(document, text, rule)),
        4 => (document(), 0..8_usize, value()).prop_map(|(document, column, value)| Call::Set(document, column, value)),
        3 => (document(), vec(value(), 0..8)).prop_map(|(document, values)| Call::Emit(document, values)),
        1 => (document(), count()).prop_map(|(document, count)| Call::NoEmit(document, count)),
        2 => (document(), value(), any::<f64>(), any::<f64>()).prop_map(|(document, name, value, threshold)| {
            Call::Score(document, name, value, threshold)
        }),
        1 => (document(), value()).prop_map(|(document, message)| Call::Fail(document, message)),
    ]
}

fn plan(may_emit: bool) -> StagePlan {
    let rule = |(name, kind): (&str, RuleKind)| Rule { name: name.into(), summary: String::new(), kind };
    let rules = [("cut", RuleKind::Deletes), ("put", RuleKind::Rewrites), ("end", RuleKind::Drops)];
    let write = |kind: &FieldKind| (format!("{kind:?}").to_lowercase(), *kind);
    StagePlan {
        writes: KINDS.iter().map(write).collect(),
        rules: rules.map(rule).to_vec(),
        may: if may_emit { abi::EXPAND } else { 0 },
        ..StagePlan::default()
    }
}

fn lent(value: &Value) -> Str {
    Str::optional(value.as_deref())
}

/// Makes the call, as a plugin would; which document it was about.
fn make(call: &Call, sink: &abi::Sink) -> (usize, Status) {
    // SAFETY: the sink is that of a collector which is alive, and is called on one thread; all that is passed lives until the
    // call returns. What has no memory behind it has a null pointer.
    unsafe {
        match call {
            Call::Drop(document, rule) => (*document, (sink.drop)(sink.ctx, *document, *rule)),
            Call::Edit(document, changes) => {
                let edit = |change: &Change| abi::Edit {
                    start: change.start,
                    end: change.start.wrapping_add(change.length),
                    replacement: lent(&change.replacement),
                    rule: change.rule,
                    reserved: change.reserved,
                };
                let edits: Vec<_> = changes.iter().map(edit).collect();
                (*document, (sink.edit)(sink.ctx, *document, edits.as_ptr(), edits.len()))
            }
            Call::NoEdits(document, count) => {
                (*document, (sink.edit)(sink.ctx, *document, ptr::null(), *count))
            }
            Call::Rewrite(document, text, rule) => {
                (*document, (sink.rewrite)(sink.ctx, *document, lent(text), *rule))
            }
            Call::Set(document, column, value) => {
                (*document, (sink.set)(sink.ctx, *document, *column, lent(value)))
            }
            Call::Emit(document, values) => {
                let columns: Vec<_> = values.iter().map(lent).collect();
                (*document, (sink.emit)(sink.ctx, *document, columns.as_ptr(), columns.len()))
            }
            Call::NoEmit(document, count) => {
                (*document, (sink.emit)(sink.ctx, *document, ptr::null(), *count))
            }
            Call::Score(document, name, value, threshold) => {
                (*document, (sink.score)(sink.ctx, *document, lent(name), *value, *threshold))
            }
            Call::Fail(document, message) => (*document, (sink.fail)(sink.ctx, *document, lent(message))),
        }
    }
}

/// Whether an answer is one that the engine can carry out without looking.
fn check(plan: &StagePlan, text: &str, answer: &mut Answer) -> Result<(), TestCaseError> {
    let kind = |rule: usize| plan.rules.get(rule).map(|rule| rule.kind);
    if let Verdict::Fail(_) = answer.verdict {
        prop_assert!(!answer.edits_text() && answer.sets.is_empty() && answer.emits.is_empty());
        prop_assert!(answer.scores.is_empty());
    }
    if let Verdict::Drop(rule) = answer.verdict {
        prop_assert_eq!(kind(rule), Some(RuleKind::Drops));
    }
    let mut after = 0;
    let mut expected = String::new();
    for Edit { span, replacement, rule } in &answer.edits {
        prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        prop_assert!(after <= span.start && span.start <= span.end, "{:?}", answer.edits);
        prop_assert!(kind(*rule) == Some(RuleKind::Rewrites) || replacement.is_empty());
        expected += text.get(after..span.start).unwrap_or_default();
        expected += replacement;
        after = span.end;
    }
    expected += text.get(after..).unwrap_or_default();
    prop_assert!(answer.rewrite.is_none() || answer.edits.is_empty());
    prop_assert!(answer.rewrite.as_ref().is_none_or(|(_, rule)| kind(*rule) == Some(RuleKind::Rewrites)));
    let fields =
        answer.emits.iter().flat_map(|emitted| &emitted.fields).map(|(column, value)| (*column, Some(value)));
    for (column, value) in answer.sets.iter().map(|(column, value)| (*column, value.as_ref())).chain(fields) {
        let kind = plan.writes[column].1;
        prop_assert!(kind == FieldKind::Text || value.is_none_or(|value| kind.check(value).is_ok()));
    }
    prop_assert!(answer.emits.is_empty() || plan.may & abi::EXPAND != 0);
    prop_assert!(answer.scores.iter().all(|(name, ..)| is_name(name)));
    let whole = answer.rewrite.as_ref().map(|(whole, _)| whole.clone());
    let changed = answer.edits_text();
    prop_assert_eq!(answer.apply(text), changed.then(|| whole.unwrap_or(expected)));
    Ok(())
}

proptest! {
    // They are short: so many more than what is asked for, which is 256 unless `PROPTEST_CASES` says otherwise.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.saturating_mul(4)))]

    #[test]
    fn whatever_a_stage_says_can_be_done(calls in vec(call(), 0..40), may_emit: bool) {
        let plan = plan(may_emit);
        let texts = TEXTS.map(Str::from);
        // What was collected before is forgotten.
        let mut answers = TEXTS.map(|_| Answer { verdict: Verdict::Drop(2), ..Answer::default() });
        let mut collector = Collector::new(&plan, &texts, &mut answers);
        let sink = collector.sink();
        let mut failed = [false; TEXTS.len()];
        for call in &calls {
            let (document, status) = make(call, &sink);
            match failed.get_mut(document) {
                None => prop_assert_eq!(status, abi::E_DOCUMENT),
                Some(failed) => {
                    // Once a document has failed, nothing more is taken.
                    prop_assert!(!*failed || status == abi::E_DOCUMENT);
                    *failed |= status != abi::OK || matches!(call, Call::Fail(..));
                }
            }
        }
        let strays = calls.iter().any(|call| place(call) >= TEXTS.len());
        prop_assert_eq!(collector.stray().is_some(), strays);
        for ((text, answer), failed) in TEXTS.iter().zip(&mut answers).zip(failed) {
            prop_assert_eq!(matches!(answer.verdict, Verdict::Fail(_)), failed);
            check(&plan, text, answer)?;
        }
    }
}

fn place(call: &Call) -> usize {
    match call {
        Call::Drop(document, _)
        | Call::Edit(document, _)
        | Call::NoEdits(document, _)
        | Call::Rewrite(document, ..)
        | Call::Set(document, ..)
        | Call::Emit(document, _)
        | Call::NoEmit(document, _)
        | Call::Score(document, ..)
        | Call::Fail(document, _) => *document,
    }
}
