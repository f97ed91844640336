//! `cargo bench -p textmill --bench boundary`: what it costs to hand a document to a stage, beside what stages cost.
//!
//! The texts are those of `pipelines/samples/news`, again and again. A batch is handed over as in a run: columns are laid out,
//! the stage is called through the C ABI, its answers are checked and copied. Everything is measured in each round, and a
//! ratio is the median of the ratios of the rounds, so that what disturbs a round disturbs both of its sides. This program
//! is also the process of the isolated stages.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and has nobody to tell of an error"
)]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::{Value, json};
use textmill::{BuiltIn, Cancel, OpenedStage, Registry, WorkerCommand};
use textmill_bench_plugin::{Cut, Idle};
use textmill_engine::Trial;
use textmill_stage::vtable;
use textmill_strip_links::StripLinks;
use textmill_summarize::Summarize;

const STAGES: &[BuiltIn] = &[vtable::<Idle>, vtable::<Cut>, vtable::<StripLinks>, vtable::<Summarize>];

/// The argument with which this program is started as a process of a stage.
const WORKER: &str = "--worker";

/// What a subject takes in a round, at least: passes are repeated until they do.
const ROUND: Duration = Duration::from_millis(4);

/// Where a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BuiltIn,
    Library,
    Process,
}

/// A stage that is measured, with batches of some size.
struct Subject<'s> {
    key: Key,
    trial: Trial<'s>,
    n_reads: usize,
    passes: u32,
    /// Nanoseconds for each document, round by round.
    rounds: Vec<f64>,
}

/// What tells subjects apart: the stage, a word about its options, its place, the size of its batches.
type Key = (&'static str, &'static str, Place, usize);

const SUBJECTS: &[Key] = &[
    ("idle", "", Place::BuiltIn, 1),
    ("idle", "", Place::BuiltIn, 64),
    ("idle", "", Place::BuiltIn, 256),
    ("idle", "", Place::Library, 1),
    ("idle", "", Place::Library, 64),
    ("idle", "", Place::Library, 256),
    ("idle", "", Place::Process, 1),
    ("idle", "", Place::Process, 64),
    ("idle", "", Place::Process, 256),
    ("cut", "edits", Place::BuiltIn, 256),
    ("cut", "rewrite", Place::BuiltIn, 256),
    ("cut", "edits", Place::Process, 256),
    ("cut", "rewrite", Place::Process, 256),
    ("strip-links", "", Place::BuiltIn, 256),
    ("strip-links", "", Place::Library, 256),
    ("strip-links", "", Place::Process, 256),
    ("summarize", "", Place::BuiltIn, 256),
    ("summarize", "", Place::Process, 256),
];

/// What is held against what, and where there is one, the bar: at most so much of it.
const RATIOS: &[(&str, Key, Key, Option<f64>)] = &[
    ("the boundary in the cost of strip-links", IDLE, STRIP_LINKS, Some(0.01)),
    ("a batch of 64 beside one of 256", ("idle", "", Place::BuiltIn, 64), IDLE, None),
    ("a batch of 1 beside one of 256", ("idle", "", Place::BuiltIn, 1), IDLE, None),
    ("library beside built in, idle", ("idle", "", Place::Library, 256), IDLE, None),
    ("library beside built in, strip-links", ("strip-links", "", Place::Library, 256), STRIP_LINKS, None),
    ("edits beside a rewrite", CUT, ("cut", "rewrite", Place::BuiltIn, 256), None),
    (
        "edits beside a rewrite, in a process",
        ("cut", "edits", Place::Process, 256),
        ("cut", "rewrite", Place::Process, 256),
        None,
    ),
    ("process beside built in, strip-links", ("strip-links", "", Place::Process, 256), STRIP_LINKS, None),
    (
        "process beside built in, summarize",
        ("summarize", "", Place::Process, 256),
        ("summarize", "", Place::BuiltIn, 256),
        None,
    ),
];

const IDLE: Key = ("idle", "", Place::BuiltIn, 256);
const CUT: Key = ("cut", "edits", Place::BuiltIn, 256);
const STRIP_LINKS: Key = ("strip-links", "", Place::BuiltIn, 256);

fn main() {
    if env::args().nth(1).as_deref() == Some(WORKER) {
        return textmill_engine::work(STAGES).unwrap();
    }
    // Without `--bench` it is a test, and says only whether everything runs.
    let is_bench = env::args().any(|arg| arg == "--bench");
    let (rounds, documents) = if is_bench { (61, 1024) } else { (1, 256) };
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).cycle().take(documents).collect();
    let stages: Vec<_> = SUBJECTS.iter().map(open).collect();
    let mut subjects: Vec<_> =
        SUBJECTS.iter().zip(&stages).map(|(key, stage)| Subject::new(*key, stage)).collect();
    if is_bench {
        for subject in &mut subjects {
            subject.settle(&texts);
        }
    }
    for _ in 0..rounds {
        for subject in &mut subjects {
            subject.round(&texts);
        }
    }
    print(&subjects, &texts);
}

fn texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/samples/news");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = |file: &PathBuf| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    files.iter().map(text).collect()
}

fn open((stage, options, place, _): &Key) -> OpenedStage {
    let options =
        if *options == "rewrite" { json!({ "rewrite": true }) } else { Value::Object(<_>::default()) };
    match place {
        Place::BuiltIn => OpenedStage::open(&Registry::new(STAGES), stage, &options, Vec::new()).unwrap(),
        Place::Library => {
            let mut registry = Registry::default();
            let offers =
                if *stage == "strip-links" { "textmill_strip_links_plugin" } else { "textmill_bench_plugin" };
            let _ = registry.load(&library(offers)).unwrap();
            OpenedStage::open(&registry, stage, &options, Vec::new()).unwrap()
        }
        Place::Process => {
            let worker = WorkerCommand::this_program([WORKER]).unwrap();
            let registry = Registry::new(STAGES).with_worker(Some(worker));
            OpenedStage::open_isolated(&registry, stage, &options, &[], <_>::default()).unwrap()
        }
    }
}

/// The library that cargo has built of a dev-dependency.
fn library(name: &str) -> PathBuf {
    env::current_exe().unwrap().with_file_name(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))
}

impl<'s> Subject<'s> {
    fn new(key: Key, stage: &'s OpenedStage) -> Self {
        let (trial, n_reads) = (stage.trial().unwrap(), stage.plan().reads.len());
        Self { key, trial, n_reads, passes: 1, rounds: Vec::new() }
    }

    /// Two passes that are not measured tell how many make a round.
    fn settle(&mut self, texts: &[&str]) {
        self.round(texts);
        let pass = self.round(texts);
        self.passes = u32::try_from(ROUND.as_nanos() / pass.as_nanos().max(1)).unwrap().max(1);
        self.rounds.clear();
    }

    /// Goes over all texts as often as a round asks for, and says what that took.
    fn round(&mut self, texts: &[&str]) -> Duration {
        let cancel = Cancel::default();
        let batch = self.key.3;
        let fields = vec![vec![None; batch]; self.n_reads];
        let begin = Instant::now();
        for _ in 0..self.passes {
            for texts in texts.chunks_exact(batch) {
                let answers = self.trial.process(texts, &fields, &cancel).unwrap();
                for (answer, text) in answers.iter_mut().zip(texts) {
                    std::hint::black_box(answer.apply(text));
                }
            }
        }
        let took = begin.elapsed();
        let documents = self.passes * u32::try_from(texts.len()).unwrap();
        self.rounds.push(took.as_secs_f64() * 1e9 / f64::from(documents));
        took
    }
}

fn print(subjects: &[Subject<'_>], texts: &[&str]) {
    let find = |key: &Key| subjects.iter().find(|subject| subject.key == *key).unwrap();
    let bytes = texts.iter().map(|text| text.len()).sum::<usize>() / texts.len();
    println!("nanoseconds for each document, of {bytes} bytes on average");
    for Subject { key: (stage, options, place, batch), rounds, .. } in subjects {
        let name = format!("{stage} {options}");
        let place = match place {
            Place::BuiltIn => "built in",
            Place::Library => "library",
            Place::Process => "process",
        };
        println!("  {name:<12} {place:<9} batches of {batch:<4} {:>8.0}", median(rounds.iter().copied()));
    }
    println!("ratios");
    for (name, one, other, bar) in RATIOS {
        let ratios = find(one).rounds.iter().zip(&find(other).rounds).map(|(one, other)| one / other);
        let bar = bar.map_or(String::new(), |bar| format!("  (bar: {bar})"));
        println!("  {name:<40} {:>7.4}{bar}", median(ratios));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
