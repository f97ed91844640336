//! The sink of the contract, called by a stage that passes any numbers and any bytes: what is collected can be carried out.

#![no_main]

use std::cell::RefCell;
use std::ptr;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use textmill::{Cancel, OpenedStage, Registry};
use textmill_engine::{RuleKind, Verdict};
use textmill_stage::abi::{self, Str};

const TEXTS: [&str; 3] = ["plain text", "é漢🦀 e\u{301}\r\n", ""];

/// What a stage does with a batch. Numbers are of documents, rules and columns; most are of none.
#[derive(Debug, Arbitrary)]
enum Call<'a> {
    Drop(u8, u32),
    Edit(u8, Vec<(u8, u8, Bytes<'a>, u8, bool)>),
    Rewrite(u8, Bytes<'a>, u8),
    Set(u8, u8, Bytes<'a>),
    Emit(u8, Vec<Bytes<'a>>),
    Score(u8, Bytes<'a>, f64, f64),
    Fail(u8, Bytes<'a>),
    NoEdits(u8, usize),
    NoEmit(u8, usize),
    Far(usize, usize, u32),
}

type Bytes<'a> = Option<&'a [u8]>;

thread_local! {
    static SCRIPT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(&[table]));
static STAGE: LazyLock<OpenedStage> =
    LazyLock::new(|| OpenedStage::open(&REGISTRY, "play", &json!({}), Vec::new()).expect("it opens"));

fuzz_target!(|bytes: &[u8]| {
    SCRIPT.with(|script| *script.borrow_mut() = bytes.to_vec());
    let mut trial = STAGE.trial().expect("a worker");
    let Ok(answers) = trial.process(&TEXTS, &[], &Cancel::default()) else { return };
    let plan = STAGE.plan();
    for (answer, text) in answers.iter_mut().zip(TEXTS) {
        let mut after = 0;
        for edit in &answer.edits {
            assert!(after <= edit.span.start && text.get(edit.span.start..edit.span.end).is_some());
            after = edit.span.end;
        }
        match &answer.verdict {
            Verdict::Fail(_) => {
                assert!(answer.edits.is_empty() && answer.sets.is_empty() && answer.emits.is_empty())
            }
            Verdict::Drop(rule) => assert_eq!(plan.rules[*rule].kind, RuleKind::Drops),
            Verdict::Keep => (),
        }
        for (column, value) in &answer.sets {
            let (_, kind) = &plan.writes[*column];
            assert!(
                value.as_ref().is_none_or(|value| format!("{kind}") == "text" || kind.check(value).is_ok())
            );
        }
        _ = answer.apply(text);
    }
});

fn table() -> &'static abi::Stage {
    static TABLE: LazyLock<abi::Stage> = LazyLock::new(|| abi::Stage {
        size: size_of::<abi::Stage>(),
        name: "play".into(),
        summary: "Plays a script".into(),
        manual: "Plays a script.".into(),
        may: MAY,
        config_schema: r#"{"type":"object"}"#.into(),
        open,
        describe,
        close,
        worker_new,
        worker_free,
        process,
    });
    &TABLE
}

unsafe extern "C" fn open(
    _: *const abi::Host,
    _: Str,
    _: *const abi::Resource,
    _: usize,
    out: *mut *mut abi::Instance,
) -> abi::Status {
    // SAFETY: a place for the result.
    unsafe { *out = ptr::dangling_mut() };
    abi::OK
}

unsafe extern "C" fn describe(_: *const abi::Instance, plan: *mut abi::Plan) -> abi::Status {
    static WRITES: LazyLock<[abi::Column; 3]> = LazyLock::new(|| {
        let column = |name: &'static str, kind| abi::Column { name: name.into(), kind, reserved: 0 };
        [column("note", abi::TEXT), column("count", abi::INT), column("more", abi::JSON)]
    });
    static RULES: LazyLock<[abi::Rule; 3]> = LazyLock::new(|| {
        let rule = |name: &'static str, kind| abi::Rule {
            name: name.into(),
            summary: "A rule.".into(),
            kind,
            reserved: 0,
        };
        [rule("cut", abi::RULE_DELETES), rule("put", abi::RULE_REWRITES), rule("end", abi::RULE_DROPS)]
    });
    // SAFETY: the host's own plan.
    let plan = unsafe { &mut *plan };
    plan.may = MAY;
    (plan.writes, plan.n_writes) = (WRITES.as_ptr(), WRITES.len());
    (plan.rules, plan.n_rules) = (RULES.as_ptr(), RULES.len());
    abi::OK
}

const MAY: u64 = abi::MAP | abi::FILTER | abi::EXPAND;

unsafe extern "C" fn close(_: *mut abi::Instance) {}

unsafe extern "C" fn worker_new(_: *const abi::Instance, out: *mut *mut abi::Worker) -> abi::Status {
    // SAFETY: a place for the result.
    unsafe { *out = ptr::dangling_mut() };
    abi::OK
}

unsafe extern "C" fn worker_free(_: *mut abi::Worker) {}

unsafe extern "C" fn process(
    _: *mut abi::Worker,
    _: *const abi::Batch,
    sink: *const abi::Sink,
) -> abi::Status {
    // SAFETY: the host's own sink, for this call.
    let sink = unsafe { &*sink };
    SCRIPT.with(|script| {
        let script = script.borrow();
        let mut left = Unstructured::new(&script);
        for _ in 0..64 {
            match Call::arbitrary(&mut left) {
                Ok(call) if !left.is_empty() => play(&call, sink),
                _ => break,
            }
        }
    });
    abi::OK
}

fn play(call: &Call<'_>, sink: &abi::Sink) {
    let text = |bytes: &Bytes<'_>| Str::optional(*bytes);
    // SAFETY: all that is passed lives until the call returns; what has no memory behind it has a null pointer.
    _ = unsafe {
        match call {
            Call::Drop(document, rule) => (sink.drop)(sink.ctx, usize::from(document % 4), *rule),
            Call::Edit(document, edits) => {
                let edit =
                    |(start, length, with, rule, reserved): &(u8, u8, Bytes<'_>, u8, bool)| abi::Edit {
                        start: u64::from(*start),
                        end: u64::from(*start) + u64::from(*length),
                        replacement: text(with),
                        rule: u32::from(rule % 4),
                        reserved: u32::from(*reserved),
                    };
                let edits: Vec<_> = edits.iter().map(edit).collect();
                (sink.edit)(sink.ctx, usize::from(document % 4), edits.as_ptr(), edits.len())
            }
            Call::Rewrite(document, whole, rule) => {
                (sink.rewrite)(sink.ctx, usize::from(document % 4), text(whole), u32::from(rule % 4))
            }
            Call::Set(document, column, value) => {
                (sink.set)(sink.ctx, usize::from(document % 4), usize::from(column % 4), text(value))
            }
            Call::Emit(document, columns) => {
                let columns: Vec<_> = columns.iter().map(text).collect();
                (sink.emit)(sink.ctx, usize::from(document % 4), columns.as_ptr(), columns.len())
            }
            Call::Score(document, name, value, threshold) => {
                (sink.score)(sink.ctx, usize::from(document % 4), text(name), *value, *threshold)
            }
            Call::Fail(document, message) => (sink.fail)(sink.ctx, usize::from(document % 4), text(message)),
            Call::NoEdits(document, count) => {
                (sink.edit)(sink.ctx, usize::from(document % 4), ptr::null(), *count)
            }
            Call::NoEmit(document, count) => {
                (sink.emit)(sink.ctx, usize::from(document % 4), ptr::null(), *count)
            }
            Call::Far(document, column, rule) => {
                (sink.set)(sink.ctx, *document, *column, Str::ABSENT);
                (sink.drop)(sink.ctx, *document, *rule)
            }
        }
    };
}
