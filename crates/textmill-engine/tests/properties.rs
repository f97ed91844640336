//! What a run promises, for any pipeline of stages that keep, drop, fail, panic, emit and edit: the accounts hold, the output
//! is what a model says that is written down here in a few lines, and it is the same bytes for any number of threads, any
//! bound of memory and any size of shards, which is what decides where batches end.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its files should fail")]

use std::fmt::Write as _;
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use textmill_engine::{Cancel, Counts, Engine, Past, Progress, Registry, RunOptions};
use textmill_pipeline::{OnError, Source};
use textmill_stage::{
    Deletes, Doc, Drops, Emits, Error, NewDocument, Outcome, Plan, Result, Rewrites, Span, Stage, Write,
};

/// Does with each document what a hash of its text says.
struct Puppet {
    seed: u32,
    cut: Deletes,
    put: Rewrites,
    end: Drops,
    note: Write<i64>,
    emits: Emits,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Strings {
    seed: u32,
}

/// What it does.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    Keep,
    Drop,
    Fail,
    Panic,
    /// Documents with these numbers; and whether the parent goes on.
    Emit(u64, bool),
    Delete(Span),
    Replace(Span, &'static str),
    Rewrite(&'static str),
    /// An edit of half a character.
    Split(Span),
    /// Two edits of the same bytes.
    Overlap(Span),
}

const REPLACEMENTS: [&str; 4] = ["", "é", "longer than what was there", "漢字"];

impl Act {
    fn of(seed: u32, text: &str) -> Self {
        let hash = text.bytes().fold(u64::from(seed) | 1 << 40, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3).rotate_left(23)
        });
        let (choice, rest) = (hash % 13, hash / 13);
        let span = Self::span(rest, text);
        let replacement = REPLACEMENTS[usize::try_from(rest % 4).unwrap()];
        match choice {
            0 => Self::Drop,
            1 => Self::Fail,
            2 => Self::Panic,
            3 => Self::Emit(rest % 3, true),
            4 => Self::Emit(1, false),
            5 | 6 if !span.is_empty() => Self::Delete(span),
            7 | 8 => Self::Replace(span, replacement),
            9 => Self::Rewrite(replacement),
            10 => text
                .char_indices()
                .find(|(_, c)| c.len_utf8() > 1)
                .map_or(Self::Keep, |(start, _)| Self::Split(Span::new(start, start + 1))),
            11 if !span.is_empty() => Self::Overlap(span),
            _ => Self::Keep,
        }
    }

    /// A part of the text, on boundaries of characters.
    fn span(hash: u64, text: &str) -> Span {
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let pick = |hash: u64| places[usize::try_from(hash % places.len() as u64).unwrap()];
        let (one, other) = (pick(hash), pick(hash >> 20));
        Span::new(one.min(other), one.max(other))
    }
}

impl Stage for Puppet {
    const NAME: &'static str = "puppet";
    type Config = Strings;

    fn new(Strings { seed }: Strings, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            seed,
            cut: plan.deletes("cut", "The hash says so."),
            put: plan.rewrites("put", "The hash says so."),
            end: plan.drops("end", "The hash says so."),
            note: plan.writes("note"),
            emits: plan.emits(),
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        doc.set(self.note, &i64::from(self.seed));
        match Act::of(self.seed, doc.text()) {
            Act::Keep => (),
            Act::Drop => return Ok(Outcome::Drop(self.end)),
            Act::Fail => return Err(Error::document("was told to fail")),
            Act::Panic => panic!("was told to panic"),
            Act::Emit(children, goes_on) => {
                for number in 0..children {
                    doc.emit(NewDocument::new(child(number, self.seed)), &self.emits);
                }
                if !goes_on {
                    return Ok(Outcome::Drop(self.end));
                }
            }
            Act::Delete(span) | Act::Split(span) => doc.remove(span, self.cut),
            Act::Replace(span, with) => doc.replace(span, with, self.put),
            Act::Rewrite(text) => doc.rewrite(text.to_owned(), self.put),
            Act::Overlap(span) => {
                doc.remove(span, self.cut);
                doc.replace(span, "again", self.put);
            }
        }
        Ok(Outcome::Keep)
    }
}

fn child(number: u64, seed: u32) -> String {
    format!("child {number} of stage {seed} – é")
}

/// What should come of a run.
#[derive(Debug, Default, PartialEq)]
struct Model {
    emitted: u64,
    dropped: u64,
    failed: u64,
    kept: Vec<String>,
}

impl Model {
    fn of(texts: Vec<String>, stages: &[(u32, OnError)]) -> Self {
        let mut model = Self { kept: texts, ..Self::default() };
        for (seed, on_error) in stages {
            for text in std::mem::take(&mut model.kept) {
                model.pass(text, *seed, *on_error);
            }
        }
        model
    }

    fn pass(&mut self, text: String, seed: u32, on_error: OnError) {
        let edit = |span: Span, with: &str| {
            let (before, after) = (text.get(..span.start).unwrap(), text.get(span.end..).unwrap());
            [before, with, after].concat()
        };
        match Act::of(seed, &text) {
            Act::Keep => self.kept.push(text),
            Act::Drop => self.dropped += 1,
            Act::Delete(span) => self.kept.push(edit(span, "")),
            Act::Replace(span, with) => self.kept.push(edit(span, with)),
            Act::Rewrite(whole) => self.kept.push(whole.to_owned()),
            Act::Emit(children, goes_on) => {
                self.emitted += children;
                if goes_on {
                    self.kept.push(text);
                } else {
                    self.dropped += 1;
                }
                self.kept.extend((0..children).map(|number| child(number, seed)));
            }
            Act::Fail | Act::Panic | Act::Split(_) | Act::Overlap(_) => match on_error {
                OnError::Keep => self.kept.push(text),
                OnError::Drop => self.dropped += 1,
                _ => self.failed += 1,
            },
        }
    }
}

/// A line of the input: a document, or what is none.
#[derive(Clone, Debug)]
enum Line {
    Text(String),
    Broken(&'static str),
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        12 => "[a-c é漢🦀\n]{0,12}".prop_map(Line::Text),
        1 => (1000..4000_usize).prop_map(|length| Line::Text("é".repeat(length))),
        1 => proptest::sample::select(&["no JSON", "[1]", "{\"id\":\"7\"}", "{\"text\":\"\\ud800\"}"])
            .prop_map(Line::Broken),
    ]
}

fn stage() -> impl Strategy<Value = (u32, OnError)> {
    (any::<u32>(), proptest::sample::select(&[OnError::Fail, OnError::Drop, OnError::Keep]))
}

#[derive(Debug)]
struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
}

/// How a run is done.
#[derive(Debug)]
struct Way {
    threads: usize,
    memory: u64,
    shard_bytes: u64,
}

/// What a run has counted and written: kept, dropped, failed.
fn run(folder: &Path, name: &str, stages: &[(u32, OnError)], way: &Way) -> (Counts, [String; 3]) {
    let out = folder.join(name);
    let mut text = format!("input.uri = 'in/'\nrun.shard-bytes = {}\n", way.shard_bytes);
    for (table, file) in [("output", "kept"), ("dropped", "dropped"), ("failed", "failed")] {
        writeln!(text, "{table}.uri = '{name}/{file}.jsonl'").unwrap();
    }
    for (number, (seed, on_error)) in stages.iter().enumerate() {
        let on_error = match on_error {
            OnError::Drop => "drop",
            OnError::Keep => "keep",
            _ => "fail",
        };
        writeln!(text, "[[stage]]\nid = 's{number}'\nuses = 'puppet'\nwith.seed = {seed}").unwrap();
        writeln!(text, "on-error = '{on_error}'").unwrap();
    }
    let registry = Registry::new(&[textmill_stage::vtable::<Puppet>]);
    let draft = textmill_pipeline::parse(Source { path: folder.join("p.toml"), text }).unwrap();
    let engine = Engine::open(draft.resolve(&registry, &[]).unwrap(), &registry).unwrap();
    let finished = engine.run(&RunOptions {
        threads: NonZeroUsize::new(way.threads).unwrap(),
        memory_limit: NonZeroU64::new(way.memory),
        limit: None,
        dry_run: false,
        overwrite: false,
        past: Past::Fresh,
        max_errors: None,
        cancel: Cancel::default(),
        progress: &Silent,
    });
    let read = |file: &str| fs::read_to_string(out.join(file)).unwrap();
    (finished.unwrap().counts, ["kept.jsonl", "dropped.jsonl", "failed.jsonl"].map(read))
}

fn write_input(folder: &Path, files: &[Vec<Line>]) {
    fs::create_dir(folder.join("in")).unwrap();
    for (number, lines) in files.iter().enumerate() {
        let mut text = String::new();
        for line in lines {
            match line {
                Line::Text(line) => text += &json!({ "text": line }).to_string(),
                Line::Broken(line) => text += line,
            }
            text.push('\n');
        }
        fs::write(folder.join(format!("in/{number}.jsonl")), text).unwrap();
    }
}

proptest! {
    // Each runs two pipelines: so many fewer than what is asked for, which is 256 unless `PROPTEST_CASES` says otherwise.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.div_ceil(10)))]

    #[test]
    fn accounts_hold_and_the_output_depends_on_documents_and_stages_alone(
        files in prop::collection::vec(prop::collection::vec(line(), 0..400), 1..4),
        stages in prop::collection::vec(stage(), 0..4),
        threads in 2..6_usize,
        memory in prop_oneof![Just(1_u64), 1_000..1_000_000_u64],
        shard_bytes in prop_oneof![1..40_u64, 40..20_000_u64],
    ) {
        let folder = tempfile::tempdir().unwrap();
        write_input(folder.path(), &files);
        let plain = Way { threads: 1, memory: 1 << 30, shard_bytes: 1 << 30 };
        let (counts, outputs) = run(folder.path(), "plain", &stages, &plain);
        let other = Way { threads, memory, shard_bytes };
        let (other_counts, other_outputs) = run(folder.path(), "other", &stages, &other);
        prop_assert!(outputs == other_outputs, "{other:?}: other bytes");

        let lines: Vec<_> = files.into_iter().flatten().collect();
        let texts = lines.iter().filter_map(|line| match line {
            Line::Text(text) => Some(text.clone()),
            Line::Broken(_) => None,
        });
        let texts: Vec<_> = texts.collect();
        let unreadable = (lines.len() - texts.len()) as u64;
        let model = Model::of(texts, &stages);
        for counts in [&counts, &other_counts] {
            prop_assert!(counts.check().is_ok());
            prop_assert_eq!(counts.read, lines.len() as u64);
            prop_assert_eq!(counts.unreadable, unreadable);
            let found = (counts.emitted, counts.dropped, counts.failed, counts.kept);
            let kept = model.kept.len() as u64;
            prop_assert_eq!(found, (model.emitted, model.dropped, model.failed + unreadable, kept));
        }
        let count = |output: &str| output.lines().count() as u64;
        prop_assert_eq!([count(&outputs[1]), count(&outputs[2])], [counts.dropped, counts.failed]);
        let text = |line: &str| serde_json::from_str::<Json>(line).unwrap()["text"].as_str().unwrap().to_owned();
        prop_assert_eq!(outputs[0].lines().map(text).collect::<Vec<_>>(), model.kept);
    }
}
