//! `cargo xtask soak`: whether a run that goes on for long takes no more than one that does not.
//!
//! One run reads from its standard input what is made here as fast as it takes it: documents from nothing to 100 MB, some of
//! which are broken in all the ways that a line can be, and writes to its standard output, which is counted here. Once a second
//! `/proc` is asked for its memory, its open files and its threads. After a quarter of the time, in which it may warm up, the
//! most of each quarter must not grow; and in the end what was read, kept and failed must be what was made.

use std::fmt;
use std::fs;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::faults::Random;
use crate::files;
use crate::program::{Profile, Textmill};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For so long
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// The seed of the documents
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The program; built for release unless given
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What a run takes at one time.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Kilobytes that are resident.
    memory: u64,
    files: u64,
    threads: u64,
}

/// What was made, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    read: u64,
    kept: u64,
    failed: u64,
}

/// Makes documents.
struct Maker {
    random: Random,
    /// Lines of a text, as JSON has them.
    lines: Vec<u8>,
    made: Tally,
    bytes: u64,
}

const PIPELINE: &str = "version = 1\n[input]\nuri = '-'\nformat = 'jsonl'\ninvalid-utf8 = 'fail'\n\
    [output]\nuri = '-'\nformat = 'jsonl'\n[failed]\nuri = '/dev/null'\nformat = 'jsonl'\n\
    [run]\nmax-errors = '100%'\nmemory-limit = '256MiB'\n\
    [[stage]]\nuses = 'clean'\n[[stage]]\nuses = 'dedup-title'\n[[stage]]\nuses = 'strip-links'\n";

/// One line of a text.
const LINE: &[u8] = b"This line says nothing, and says it in as many words as others.\\n";
/// One that a stage removes.
const LINK: &[u8] = b"READ MORE: Nothing that would make anyone want to read further.\\n";

/// The largest document, in bytes.
const LARGEST: usize = 100_000_000;

/// How much more the last quarter may take than the second: what an allocator does with pieces of different sizes.
const MORE: f64 = 1.25;
/// And so many kilobytes.
const MORE_MEMORY: u64 = 64 << 10;

pub(crate) fn run(args: &Args) -> Result<()> {
    let textmill = Textmill::new(args.binary.as_deref(), Profile::Release)?;
    let folder = files::scratch("soak")?;
    fs::write(folder.join("p.toml"), PIPELINE)?;
    let said = folder.join("stderr");
    let mut child = Command::new(textmill.binary())
        .args(["run", "p.toml"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A pipe that nobody reads until the end would stop the run as soon as it is full.
        .stderr(fs::File::create(&said)?)
        .spawn()?;
    let stdin = child.stdin.take().context("its input is a pipe")?;
    let stdout = child.stdout.take().context("its output is a pipe")?;
    let time = Duration::from_secs_f64(60.0 * args.minutes);
    let is_over = AtomicBool::new(false);
    let (samples, made, lines) = thread::scope(|scope| {
        let maker = scope.spawn(|| Maker::new(args.seed).make(stdin, &is_over));
        let reader = scope.spawn(|| count_lines(stdout));
        let samples = watch(&mut child, time);
        is_over.store(true, Ordering::Relaxed);
        let panicked = "a thread of this program does not panic";
        (samples, maker.join().expect(panicked), reader.join().expect(panicked))
    });
    let (samples, (made, bytes)) = (samples?, made?);
    let status = child.wait()?;
    let said = String::from_utf8_lossy(&fs::read(said)?).into_owned();
    ensure!(status.success(), "the run ended with {status}:\n{said}");
    check_counts(&said, made, lines?)?;
    say(&format!("{} documents, {} MB in {:.1} minutes", made.read, bytes / 1_000_000, args.minutes))?;
    check_flat(&samples)
}

/// Looks at a run once a second.
fn watch(child: &mut Child, time: Duration) -> Result<Vec<Taken>> {
    let begin = Instant::now();
    let mut samples = Vec::new();
    while begin.elapsed() < time {
        thread::sleep(Duration::from_secs(1));
        ensure!(child.try_wait()?.is_none(), "the run has ended before its time");
        samples.push(Taken::of(child.id())?);
    }
    Ok(samples)
}

/// Whether the last quarter takes no more than the second.
fn check_flat(samples: &[Taken]) -> Result<()> {
    ensure!(samples.len() >= 8, "too short a time to say anything: {} seconds", samples.len());
    let quarters: Vec<_> = samples.chunks(samples.len().div_ceil(4)).map(Taken::most).collect();
    for (number, most) in (1..).zip(&quarters) {
        say(&format!("quarter {number}: {most}"))?;
    }
    let (Some(warm), Some(last)) = (quarters.get(1), quarters.last()) else { return Ok(()) };
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of memory are few")]
    let allowed = warm.memory as f64 * MORE + MORE_MEMORY as f64;
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of memory are few")]
    let is_flat = last.memory as f64 <= allowed;
    ensure!(is_flat, "memory grows: {warm} in the second quarter, {last} in the last");
    ensure!(last.files <= warm.files, "open files grow: {warm} in the second quarter, {last} in the last");
    ensure!(last.threads <= warm.threads, "threads grow: {warm} in the second quarter, {last} in the last");
    Ok(())
}

/// Whether the run has counted what was made.
fn check_counts(said: &str, made: Tally, lines: u64) -> Result<()> {
    let line =
        said.lines().find(|line| line.contains("read =")).context("the run does not say what it read")?;
    let mut numbers = line.split_whitespace().filter_map(|word| word.replace(',', "").parse::<u64>().ok());
    let mut next = || numbers.next().context("a number is missing");
    let (read, kept, _, failed) = (next()?, next()?, next()?, next()?);
    let counted = Tally { read, kept, failed };
    ensure!(counted == made && kept == lines, "made {made:?}, and it says `{line}` and wrote {lines}");
    Ok(())
}

impl Taken {
    fn of(process: u32) -> Result<Self> {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let status = fs::read_to_string(folder.join("status")).context("there is no `/proc`")?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        };
        Ok(Self {
            memory: number("VmRSS").unwrap_or(0),
            files: fs::read_dir(folder.join("fd"))?.count() as u64,
            threads: number("Threads").context("the system counts no threads")?,
        })
    }

    fn most(samples: &[Self]) -> Self {
        samples.iter().fold(Self::default(), |most, one| Self {
            memory: most.memory.max(one.memory),
            files: most.files.max(one.files),
            threads: most.threads.max(one.threads),
        })
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB, {} open files, {} threads", self.memory / 1000, self.files, self.threads)
    }
}

impl Maker {
    fn new(seed: u64) -> Self {
        let pair: Vec<u8> = [LINE, LINE, LINE, LINK].concat();
        let lines = pair.repeat(LARGEST / pair.len());
        Self { random: Random::new(&format!("{seed}/soak")), lines, made: Tally::default(), bytes: 0 }
    }

    /// Makes documents until it is over; what was made, and how many bytes.
    fn make(mut self, stdin: ChildStdin, is_over: &AtomicBool) -> Result<(Tally, u64)> {
        let mut out = BufWriter::with_capacity(1 << 20, stdin);
        while !is_over.load(Ordering::Relaxed) {
            self.document(&mut out)?;
        }
        out.flush()?;
        Ok((self.made, self.bytes))
    }

    fn document(&mut self, out: &mut impl Write) -> io::Result<()> {
        let (number, text) = (self.made.read, self.size());
        self.made.read += 1;
        self.bytes += text as u64;
        let broken: &[u8] = match self.random.below(200) {
            0 => b"{\"id\":\"no text\"}\n",
            1 => b"{\"id\": \n",
            2 => b"{\"text\":\"\xff\"}\n",
            3 => b"\0\0\0\n",
            4 => b"{\"text\":\"\\ud800\"}\n",
            _ => b"",
        };
        if !broken.is_empty() {
            self.made.failed += 1;
            return out.write_all(broken);
        }
        self.made.kept += 1;
        write!(out, "{{\"id\":\"{number}\",\"title\":\"A title\",\"text\":\"")?;
        out.write_all(self.lines.get(..text).unwrap_or_default())?;
        out.write_all(b"\"}\n")
    }

    /// How long a text is, in bytes: whole lines.
    fn size(&mut self) -> usize {
        let most = match self.random.below(20_000) {
            0 => return self.lines.len(),
            1..20 => 10_000_000,
            20..200 => 1_000_000,
            200..2_000 => 100_000,
            _ => 4_000,
        };
        self.random.below(most) / LINE.len() * LINE.len()
    }
}

/// How many lines come out.
fn count_lines(mut stdout: ChildStdout) -> Result<u64> {
    let (mut block, mut lines) = (vec![0; 1 << 20], 0);
    loop {
        match stdout.read(&mut block)? {
            0 => return Ok(lines),
            count => {
                lines += memchr::memchr_iter(b'\n', block.get(..count).unwrap_or_default()).count() as u64;
            }
        }
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
