//! `cargo xtask faults`: whether what a run promises holds when it is killed, or when the system refuses.
//!
//! Each trial is a folder with a pipeline. Its run is interrupted: at a random moment, or at a step of those by which the
//! output comes to be (`textmill-io/src/step.rs`), which a run lists itself. After each interruption no visible file may be
//! anything but one of a whole run, and where `_SUCCESS` is, all that it lists has to be there. Then the same command with
//! another number of threads has to end with the same bytes, and the same record, as a run that nobody interrupted.
//! So it has to after a run on a disk that misbehaves ([`disks`]).
//! Half of the trials begin without an output; the others change one that is there.

mod disks;
mod expected;
mod input;
mod random;
mod shapes;
mod steps;
mod trial;

use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};

use self::disks::Disks;
use self::expected::Expected;
use self::input::Inputs;
pub(crate) use self::random::Random;
use self::shapes::{SHAPES, Shape};
use self::trial::{End, Trial};
use crate::files;
use crate::program::{Profile, Textmill};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seeds of the input and of all that is random: `7`, or a range such as `0..4`
    #[arg(long, value_name = "A..B", default_value = "0..2")]
    seeds: Seeds,
    /// Interrupted runs at random moments, for each seed, output and beginning
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Only the first and the last of steps of the same name
    #[arg(long)]
    few_steps: bool,
    /// Runs on disks that are full or fail at random places, for each seed, output and beginning; 0: on none that misbehave
    #[arg(long, default_value_t = 3)]
    disks: u32,
    /// Only these outputs
    #[arg(value_name = "OUTPUT", value_parser = shapes::NAMES)]
    outputs: Vec<String>,
    /// An empty folder to work in; one in memory makes it faster
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
    /// The program, with debug assertions; built unless given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Seeds(Range<u64>);

/// What is there when the interrupted run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    Nothing,
    /// The output of another version of the pipeline over other files.
    Old,
}

/// A shape with a beginning, and what runs of it come to that nobody interrupts.
struct Case<'a> {
    textmill: &'a Textmill,
    inputs: &'a Inputs,
    shape: &'a Shape,
    beginning: Beginning,
    /// Where its trials are.
    folder: PathBuf,
    old: Expected,
    new: Expected,
}

/// What was tried, and how it ended.
#[derive(Debug, Default)]
struct Tally {
    killed: u32,
    refused: u32,
    /// Interruptions that came too late.
    ended: u32,
    resumed: u32,
    wrong: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let textmill = Textmill::new(args.binary.as_deref(), Profile::Debug)?;
    let shapes = || {
        SHAPES
            .iter()
            .filter(|shape| args.outputs.is_empty() || args.outputs.iter().any(|name| name == shape.name))
    };
    say(&format!(
        "{:<24} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "", "killed", "refused", "ended", "resumed", "wrong"
    ))?;
    let scratch = match &args.scratch {
        Some(folder) => folder.clone(),
        None => files::scratch("faults")?,
    };
    let disks = if args.disks > 0 { Some(Disks::new(&scratch)?) } else { None };
    let mut wrong = 0;
    for seed in args.seeds.0.clone() {
        let folder = scratch.join(seed.to_string());
        let inputs = Inputs::write(&folder, seed)?;
        for shape in shapes() {
            for beginning in [Beginning::Nothing, Beginning::Old] {
                let case = Case::new(&textmill, &inputs, shape, beginning, &folder)?;
                let tally = case.run(seed, args, disks.as_ref())?;
                say(&tally.line(&format!("{seed} {} {}", shape.name, beginning.name())))?;
                wrong += tally.wrong;
            }
        }
        if wrong == 0 {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    ensure!(wrong == 0, "{wrong} trials went wrong; their folders are kept");
    Ok(())
}

impl<'a> Case<'a> {
    fn new(
        textmill: &'a Textmill,
        inputs: &'a Inputs,
        shape: &'a Shape,
        beginning: Beginning,
        folder: &Path,
    ) -> Result<Self> {
        let folder = folder.join(format!("{}-{}", shape.name, beginning.name()));
        let whole = |name: &str, is_new: bool| {
            let trial = Trial::create(textmill, folder.join(name), &shape.pipeline(inputs, is_new))?;
            Expected::of(&trial, 3)
        };
        let (old, new) = (whole("old", false)?, whole("new", true)?);
        Ok(Self { textmill, inputs, shape, beginning, folder, old, new })
    }

    fn run(&self, seed: u64, args: &Args, disks: Option<&Disks>) -> Result<Tally> {
        let mut tally = Tally::default();
        let steps = self.steps()?;
        for round in 0..args.rounds {
            let random =
                Random::new(&format!("{seed}/{}/{}/{round}", self.shape.name, self.beginning.name()));
            self.attempt(&format!("round-{round}"), &mut tally, |trial, tally| {
                self.interrupt_often(trial, steps.len(), random, tally)
            })?;
        }
        for number in steps::chosen(&steps, args.few_steps) {
            let name = &steps[number - 1];
            for error in [None, Some(steps::error_of(name))] {
                let place = format!("step-{number}{}", error.map_or("", |_| "-refused"));
                self.attempt(&place, &mut tally, |trial, tally| {
                    self.interrupt_at(trial, number, error, tally).with_context(|| format!("at `{name}`"))
                })?;
            }
        }
        disks.map_or(Ok(()), |disks| self.try_disks(disks, seed, args.disks, &mut tally))?;
        Ok(tally)
    }

    /// A trial in a folder of its own, which stays if it goes wrong.
    fn attempt(
        &self,
        name: &str,
        tally: &mut Tally,
        interrupt: impl FnOnce(&Trial<'_>, &mut Tally) -> Result<()>,
    ) -> Result<()> {
        let trial = self.begin(name)?;
        let tried = interrupt(&trial, tally).and_then(|()| {
            let said = trial.finish(2)?;
            tally.resumed += u32::from(said.contains("were done when"));
            self.new.check(&trial)
        });
        match tried {
            Ok(()) => trial.remove(),
            Err(error) => {
                say(&format!("{}: {error:#}", trial.folder().display()))?;
                tally.wrong += 1;
                Ok(())
            }
        }
    }

    fn begin(&self, name: &str) -> Result<Trial<'a>> {
        let trial =
            Trial::create(self.textmill, self.folder.join(name), &self.shape.pipeline(self.inputs, true))?;
        if self.beginning == Beginning::Old {
            trial.take_over(&self.folder.join("old"))?;
        }
        Ok(trial)
    }

    /// The names of the steps of a run with one thread.
    fn steps(&self) -> Result<Vec<String>> {
        let trial = self.begin("steps")?;
        let steps = trial.steps()?;
        trial.remove()?;
        Ok(steps)
    }

    fn interrupt_at(
        &self,
        trial: &Trial<'_>,
        number: usize,
        error: Option<i32>,
        tally: &mut Tally,
    ) -> Result<()> {
        let fault = error.map_or_else(|| number.to_string(), |error| format!("{number}:{error}"));
        self.count(trial.run_until_step(&fault, 1)?, trial, tally)
    }

    /// A few interruptions, one after the other, each at a random moment or at a random step.
    fn interrupt_often(
        &self,
        trial: &Trial<'_>,
        steps: usize,
        mut random: Random,
        tally: &mut Tally,
    ) -> Result<()> {
        for _ in 0..=random.below(4) {
            let jobs = 1 + random.below(4);
            let end = if random.below(3) == 0 {
                trial.run_until_step(&(1 + random.below(steps)).to_string(), jobs)?
            } else {
                trial.run_until(self.new.time.mul_f64(random.share()), jobs)?
            };
            self.count(end, trial, tally)?;
        }
        Ok(())
    }

    fn count(&self, end: End, trial: &Trial<'_>, tally: &mut Tally) -> Result<()> {
        match end {
            End::Killed => tally.killed += 1,
            End::Refused => tally.refused += 1,
            End::Well => tally.ended += 1,
        }
        let before = (self.beginning == Beginning::Old).then_some(&self.old);
        trial.check_between(before, &self.new)
    }
}

impl Beginning {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "fresh",
            Self::Old => "changed",
        }
    }
}

impl Tally {
    fn line(&self, name: &str) -> String {
        let Self { killed, refused, ended, resumed, wrong } = self;
        format!("{name:<24} {killed:>7} {refused:>7} {ended:>7} {resumed:>7} {wrong:>7}")
    }
}

/// Prints a line as soon as it is known.
fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<u64>().with_context(|| format!("`{text}` is no number"));
        match text.split_once("..") {
            Some((first, end)) => Ok(Self(number(first)?..number(end)?)),
            None => Ok(Self(number(text)?..number(text)? + 1)),
        }
    }
}
