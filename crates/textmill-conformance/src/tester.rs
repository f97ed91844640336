//! Starts a process for each check, and makes a report of what they came to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checks::{Check, Scope, checks};
use crate::corpus::{self, Document};
use crate::minimize::minimize;
use crate::process::{self, Ended, How, Limits};
use crate::report::{Answer, Checked, Input, Note, Offered, Report, Verdict};

/// Tests a plugin.
#[derive(Clone, Debug)]
pub struct Tester {
    /// The program that [`crate::perform`]s a check, and its arguments.
    pub program: (PathBuf, Vec<OsString>),
    /// What is tested.
    pub subject: Subject,
    /// Only this stage.
    pub stage: Option<String>,
    /// Only these checks, by name; all if there are none.
    pub checks: Vec<String>,
    /// The options to open the stage with; by default those of the schema: `{}`, or its first example.
    pub options: Option<Options>,
    /// Documents to try beside the built-in ones: a text file, or one of JSON lines.
    pub corpus: Option<PathBuf>,
    /// Shorter documents and fewer rounds.
    pub quick: bool,
    /// What each check may take.
    pub limits: Limits,
}

/// What is tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// The stages that are linked into this program.
    BuiltIn,
    /// A library.
    Library(PathBuf),
}

/// Options of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// The options, an object.
    pub value: Value,
    /// What paths in them are relative to.
    pub folder: PathBuf,
}

/// Why nothing could be tested.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    NoLibrary(PathBuf),
    /// There is no check of this name.
    NoCheck(String),
    /// There is no stage of this name, but these.
    NoStage(String, Vec<String>),
    /// The schema of this stage refuses the options: why.
    Options(String, String),
    /// The documents cannot be read: where, why.
    Corpus(PathBuf, String),
    /// A process cannot be started.
    Process(io::Error),
}

/// What the process of a check is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) subject: Subject,
    pub(crate) check: String,
    pub(crate) stage: Option<String>,
    pub(crate) options: Option<Options>,
    pub(crate) corpus: Option<PathBuf>,
    /// The one document to try, in the place of all others.
    pub(crate) alone: Option<Document>,
    pub(crate) quick: bool,
    pub(crate) notes: PathBuf,
}

/// How long a document that crashes is made shorter, and how long it may take meanwhile. Each attempt is a process, and
/// several checks may come upon the same crash.
const MINIMIZING: Duration = Duration::from_secs(3);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);

/// What a check came to, and the stages that it told of.
type Done = (Checked, Vec<Offered>);

impl Tester {
    /// Runs the checks; each is shown to `done` in the order of the report as soon as it is known.
    ///
    /// # Errors
    /// If nothing could be tested. What a plugin does wrong is in the report.
    pub fn run(&self, mut done: impl FnMut(&Checked)) -> Result<Report, Error> {
        self.look()?;
        let mut report = Report { subject: self.subject.to_string(), checks: Vec::new() };
        let mut add = |checked: Checked| {
            done(&checked);
            report.checks.push(checked);
        };
        let (loaded, stages) = self.load()?;
        let loads = loaded.verdict.is_well();
        if self.wants(loaded.check) || !loads {
            add(loaded);
        }
        let tasks = self.tasks(&stages);
        if loads {
            self.run_all(&tasks, &mut add)?;
        } else {
            for (check, stage) in tasks {
                // What is exported can be read without loading anything.
                let checked = match check.scope {
                    Scope::File => self.check(check, stage)?.0,
                    _ => not_run(check, stage, "the plugin does not load"),
                };
                add(checked);
            }
        }
        Ok(report)
    }

    /// What can be seen without a process.
    fn look(&self) -> Result<(), Error> {
        if let Some(name) = self.checks.iter().find(|name| checks().iter().all(|check| check.name != **name))
        {
            return Err(Error::NoCheck(name.clone()));
        }
        if let Some(path) = &self.corpus {
            corpus::read(path).map_err(|message| Error::Corpus(path.clone(), message))?;
        }
        match &self.subject {
            Subject::Library(path) if !path.is_file() => Err(Error::NoLibrary(path.clone())),
            _ => Ok(()),
        }
    }

    /// Loads the plugin in a process, and the stages to be tested.
    fn load(&self) -> Result<(Checked, Vec<String>), Error> {
        let load = checks().iter().find(|check| check.scope == Scope::Load).expect("one check loads");
        let (checked, mut stages) = self.check(load, None)?;
        if let Some(name) = self.stage.as_ref().filter(|_| checked.verdict.is_well()) {
            if stages.iter().all(|stage| stage.name != *name) {
                return Err(Error::NoStage(
                    name.clone(),
                    stages.into_iter().map(|stage| stage.name).collect(),
                ));
            }
            stages.retain(|stage| stage.name == *name);
        }
        let names = stages.into_iter().map(|stage| match stage.violation {
            Some(violation) => Err(Error::Options(stage.name, violation)),
            None => Ok(stage.name),
        });
        Ok((checked, names.collect::<Result<_, _>>()?))
    }

    fn wants(&self, check: &str) -> bool {
        self.checks.is_empty() || self.checks.iter().any(|name| name == check)
    }

    /// All checks but the one that loads.
    fn tasks(&self, stages: &[String]) -> Vec<(&'static Check, Option<String>)> {
        let built_in = self.subject == Subject::BuiltIn;
        let wanted = || checks().iter().filter(|check| self.wants(check.name));
        let library =
            wanted().filter(|check| matches!(check.scope, Scope::File | Scope::Library) && !built_in);
        let mut tasks: Vec<_> = library.map(|check| (check, None)).collect();
        for stage in stages {
            let of_stage = wanted().filter(|check| check.scope == Scope::Stage);
            tasks.extend(of_stage.map(|check| (check, Some(stage.clone()))));
        }
        tasks
    }

    /// Runs checks beside each other, as many as there are processors.
    fn run_all(
        &self,
        tasks: &[(&'static Check, Option<String>)],
        add: &mut dyn FnMut(Checked),
    ) -> Result<(), Error> {
        let queue = Mutex::new(tasks.iter().enumerate());
        let (sender, results) = mpsc::channel();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(tasks.len());
        thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || {
                    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
                    while let Some((number, (check, stage))) = next() {
                        // Nobody listens any more after an error.
                        if sender.send((number, self.check(check, stage.clone()))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            in_order(&results, add)
        })
    }

    fn check(&self, check: &'static Check, stage: Option<String>) -> Result<Done, Error> {
        let begin = Instant::now();
        let notes = tempfile::NamedTempFile::new().map_err(Error::Process)?;
        let task = Task {
            subject: self.subject.clone(),
            check: check.name.to_owned(),
            stage,
            options: self.options.clone(),
            corpus: self.corpus.clone(),
            alone: None,
            quick: self.quick,
            notes: notes.path().to_owned(),
        };
        let Answer { verdict, message, mut input, stages } = self.attempt(&task, self.limits)?;
        if verdict == Verdict::Crashed && !self.quick {
            input = input.map(|input| self.minimized(&task, input));
        }
        let (stage, time) = (task.stage, begin.elapsed());
        Ok((Checked { check: check.name, stage, verdict, message, input, time }, stages))
    }

    /// Performs a task in a process.
    fn attempt(&self, task: &Task, limits: Limits) -> Result<Answer, Error> {
        // What an earlier attempt has said is no word of this one.
        std::fs::write(&task.notes, "").map_err(Error::Process)?;
        let input = serde_json::to_vec(task).expect("a task is JSON");
        let mut command = Command::new(&self.program.0);
        command.args(&self.program.1);
        let ended = process::run(&mut command, &input, limits).map_err(Error::Process)?;
        Ok(self.answer(&ended, read(&task.notes)))
    }

    /// The document that was in hand when the process crashed, as short as it still makes one crash that sees nothing else.
    fn minimized(&self, task: &Task, input: Input) -> Input {
        let documents = corpus::all(usize::MAX, self.corpus.as_deref()).unwrap_or_default();
        let in_hand = |document: &Document| Input::new(&document.name, &document.text) == input;
        let Some(document) = documents.into_iter().find(in_hand) else { return input };
        let limits = Limits { time: self.limits.time.min(LONGEST_ATTEMPT), ..self.limits };
        let crashes = |text: &str| {
            let alone = Some(Document { text: text.to_owned(), ..document.clone() });
            let answer = self.attempt(&Task { alone, ..task.clone() }, limits);
            answer.is_ok_and(|answer| answer.verdict == Verdict::Crashed)
        };
        if !crashes(&document.text) {
            return input;
        }
        Input::minimized(&document.name, &minimize(&document.text, MINIMIZING, crashes))
    }

    /// What a process said, or how it ended without a word.
    fn answer(&self, ended: &Ended, (doing, done): (Option<Input>, Option<Answer>)) -> Answer {
        if let (How::Exited(_), Some(answer)) = (&ended.how, done) {
            return answer;
        }
        let (verdict, message) = match ended.how {
            How::Exited(status) => {
                let what = match status.code() {
                    Some(_) => "the plugin ended its process",
                    None => "the plugin crashed",
                };
                (Verdict::Crashed, format!("{what}: {}", process::cause(status)))
            }
            How::TimedOut => (Verdict::TimedOut, format!("was not done within {:?}", self.limits.time)),
            How::OutOfMemory => {
                (Verdict::OutOfMemory, format!("took more than {} MiB of memory", self.limits.memory >> 20))
            }
        };
        let said =
            if ended.stderr.is_empty() { String::new() } else { format!("; it said: {}", ended.stderr) };
        Answer { verdict, message: Some(message + &said), input: doing, stages: Vec::new() }
    }
}

fn not_run(check: &'static Check, stage: Option<String>, why: &str) -> Checked {
    let (verdict, message) = (Verdict::NotRun, Some(why.to_owned()));
    Checked { check: check.name, stage, verdict, message, input: None, time: Duration::ZERO }
}

/// Hands results over in the order of their numbers.
fn in_order(
    results: &mpsc::Receiver<(usize, Result<Done, Error>)>,
    add: &mut dyn FnMut(Checked),
) -> Result<(), Error> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, result) in results {
        early.insert(number, result?.0);
        while let Some(checked) = early.remove(&next) {
            add(checked);
            next += 1;
        }
    }
    Ok(())
}

/// The document in hand, and the answer, by the notes of a process. A line that was cut short is no note.
fn read(notes: &Path) -> (Option<Input>, Option<Answer>) {
    let text = std::fs::read_to_string(notes).unwrap_or_default();
    let (mut doing, mut done) = (None, None);
    for note in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match note {
            Note::Doing(input) => doing = Some(input),
            Note::Done(answer) => done = Some(answer),
        }
    }
    (doing, done)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Library(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Error {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoLibrary(_) => Some("give the path of a shared library".to_owned()),
            Self::NoCheck(_) => {
                let names: Vec<_> = checks().iter().map(|check| check.name).collect();
                Some(format!("the checks are {}", names.join(", ")))
            }
            Self::NoStage(_, stages) => Some(format!("it has {}", stages.join(", "))),
            Self::Options(stage, _) => Some(format!(
                "the schema is in the manual page of `{stage}`; of several stages pick one with `--stage`"
            )),
            Self::Corpus(..) => Some("give a text file, or a file `.jsonl` of documents".to_owned()),
            Self::Process(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary(path) => write!(f, "there is no file `{}`", path.display()),
            Self::NoCheck(name) => write!(f, "there is no check `{name}`"),
            Self::Options(stage, violation) => {
                write!(f, "the stage `{stage}` refuses the options: {violation}")
            }
            Self::NoStage(name, _) => write!(f, "the plugin has no stage `{name}`"),
            Self::Corpus(path, message) => {
                write!(f, "cannot read the documents of `{}`: {message}", path.display())
            }
            Self::Process(error) => write!(f, "cannot start the process of a check: {error}"),
        }
    }
}

impl std::error::Error for Error {}
