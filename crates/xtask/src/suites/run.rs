//! Passing files of the suites through the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result};
use serde_json::{Value as Json, json};

use super::{Judged, Through, Took, Verdict};
use crate::files::{read_documents, text_of, write_documents};
use crate::program::Textmill;

/// The processor time (s), and the addresses (kB), that the system lets a process have.
const LIMITS: &str = "ulimit -t 60; ulimit -v 4000000; exec \"$@\"";

/// A run may take so many bytes of memory.
const MOST_MEMORY: u64 = 500_000_000;

/// One file whose line end is the mistake: in a line of its own, there would be no mistake.
const KEEPS_LINE_END: &str = "json/n_string_unescaped_newline.json";

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Runner<'a> {
    pub(super) textmill: &'a Textmill,
    /// Where the suites are.
    pub(super) folder: &'a Path,
    pub(super) scratch: PathBuf,
}

/// How a process ended.
struct Ended {
    code: Option<i32>,
    said: String,
    took: Took,
}

impl Runner<'_> {
    pub(super) fn run(&self, through: Through, names: &[String]) -> Result<Vec<Judged>> {
        match through {
            Through::Lines => self.lines(names),
            Through::Check => in_parallel(names, |name| self.check(name)),
            Through::Format(format) => in_parallel(names, |name| self.read(name, format)),
            Through::Strings => names.iter().try_fold(Vec::new(), |mut judged, name| {
                judged.extend(self.strings(name)?);
                Ok(judged)
            }),
        }
    }

    /// One run over a folder with a file for each value; the value is a field that no stage reads.
    fn lines(&self, names: &[String]) -> Result<Vec<Judged>> {
        let folder = self.scratch.join("lines");
        for name in names {
            let mut value = fs::read(self.folder.join(name))?;
            if name != KEEPS_LINE_END {
                value.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
            }
            let line = [beginning(name).as_bytes(), &value, b"}"].concat();
            let path = folder.join("in").join(name).with_extension("jsonl");
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, line)?;
        }
        let ended = self.pipeline(&folder, "uri = 'in/'\ninvalid-utf8 = 'fail'", "")?;
        // Not every value is one that others read.
        let kept = fs::read_to_string(folder.join("out.jsonl")).unwrap_or_default();
        let kept: Vec<_> = kept.lines().collect();
        let failed = failed(&folder)?;
        let file = |name: &str| Path::new(name).with_extension("jsonl").to_string_lossy().into_owned();
        let judge = |name: &String| {
            let file = file(name);
            let is_kept = kept.iter().any(|line| line.starts_with(&beginning(name)));
            let is_refused = failed.iter().any(|one| text_of(one, "file") == file);
            let verdict = ended.broken().unwrap_or(match (is_kept, is_refused) {
                (true, false) => Verdict::Read,
                (_, true) => Verdict::Refused,
                (false, false) => Verdict::Broken("it is in no output".to_owned()),
            });
            Judged { name: name.clone(), verdict, took: ended.took }
        };
        Ok(names.iter().map(judge).collect())
    }

    fn check(&self, name: &str) -> Result<Judged> {
        let path = self.folder.join(name);
        let ended = self.call(&self.scratch, &["check", &path.to_string_lossy()])?;
        let has_place = ended.said.lines().any(|line| has_place(line, &path.to_string_lossy()));
        let verdict = match ended.code {
            Some(0 | 1) => Verdict::Read,
            Some(2) if has_place => Verdict::Refused,
            _ => ended.broken().unwrap_or(Verdict::Broken("it is refused without a place".to_owned())),
        };
        Ok(Judged { name: name.to_owned(), verdict, took: ended.took })
    }

    fn read(&self, name: &str, format: &str) -> Result<Judged> {
        let folder = self.scratch.join(name.replace('/', "-"));
        let uri = json!(self.folder.join(name));
        let ended = self.pipeline(&folder, &format!("uri = {uri}\nformat = '{format}'"), "")?;
        let verdict = match ended.broken() {
            Some(broken) => broken,
            None if failed(&folder)?.iter().any(is_refusal) => Verdict::Refused,
            None => Verdict::Read,
        };
        Ok(Judged { name: name.to_owned(), verdict, took: ended.took })
    }

    /// Each string is judged like a file.
    fn strings(&self, name: &str) -> Result<Vec<Judged>> {
        let folder = self.scratch.join("strings");
        fs::create_dir_all(&folder)?;
        let strings: Vec<String> = serde_json::from_slice(&fs::read(self.folder.join(name))?)?;
        let document = |text: &String| json!({"id": text, "title": text, "url": text, "text": format!("{text}\n\n{text}\n")});
        write_documents(&folder.join("in.jsonl"), &strings.iter().map(document).collect::<Vec<_>>())?;
        let stages = ["clean", "dedup-title", "strip-links", "summarize"];
        let stages = stages.map(|stage| format!("[[stage]]\nuses = '{stage}'\n")).concat();
        let ended = self.pipeline(&folder, "uri = 'in.jsonl'", &stages)?;
        let mut kept = read_documents(&folder.join("out.jsonl"))?;
        kept.reverse();
        let judge = |string: &String| {
            let is_kept = kept.last().is_some_and(|one| text_of(one, "id") == string);
            if is_kept {
                kept.pop();
            }
            let verdict = ended.broken().unwrap_or(if is_kept { Verdict::Read } else { Verdict::Refused });
            Judged { name: name.to_owned(), verdict, took: ended.took }
        };
        Ok(strings.iter().map(judge).collect())
    }

    /// Runs a pipeline in a folder, with these lines in its `[input]`.
    fn pipeline(&self, folder: &Path, input: &str, stages: &str) -> Result<Ended> {
        fs::create_dir_all(folder)?;
        let text = format!("output.uri = 'out.jsonl'\n[input]\n{input}\n{stages}");
        fs::write(folder.join("p.toml"), text)?;
        self.call(folder, &["run", "p.toml", "--quiet"])
    }

    fn call(&self, folder: &Path, arguments: &[&str]) -> Result<Ended> {
        let mut command = Command::new("sh");
        command.args(["-c", LIMITS, "sh"]).arg(self.textmill.binary()).args(arguments).current_dir(folder);
        // Into a file, because a pipe that nobody empties would stop the process.
        let said = file_in(folder)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&said)?);
        let used = command.spawn().and_then(wait4::Wait4::wait4).context("cannot run `sh`")?;
        let text = fs::read(&said).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())?;
        fs::remove_file(said)?;
        let took = Took { cpu: used.rusage.utime + used.rusage.stime, memory: used.rusage.maxrss };
        Ok(Ended { code: used.status.code(), said: text, took })
    }
}

impl Ended {
    /// Whether it came to what a run may not come to.
    fn broken(&self) -> Option<Verdict> {
        let how = match self.code {
            None => "it was ended by a signal".to_owned(),
            Some(code @ (2.. | ..0)) => format!("it ended with exit code {code}: {}", self.said.trim_end()),
            Some(_) if self.said.contains("panicked at") => "it panicked".to_owned(),
            Some(_) if self.took.memory > MOST_MEMORY => {
                format!("it took {} MB of memory", self.took.memory / 1_000_000)
            }
            Some(_) => return None,
        };
        Some(Verdict::Broken(how))
    }
}

/// The files, judged by as many threads as there are processors.
fn in_parallel(names: &[String], judge: impl Fn(&str) -> Result<Judged> + Sync) -> Result<Vec<Judged>> {
    let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = judge(name);
            judged.lock().expect("no judge panics").push(one);
        }
    };
    let workers = thread::available_parallelism()?.get();
    thread::scope(|scope| (0..workers).for_each(|_| _ = scope.spawn(work)));
    let judged: Result<Vec<_>> = judged.into_inner().expect("no judge panics").into_iter().collect();
    let mut judged = judged?;
    judged.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(judged)
}

/// A name for what a process says, of this thread alone.
fn file_in(folder: &Path) -> Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    fs::create_dir_all(folder)?;
    Ok(folder.join(format!("said-{}", NEXT.fetch_add(1, Ordering::Relaxed))))
}

/// What stands before a value in its line.
fn beginning(name: &str) -> String {
    format!("{{\"id\":\"{name}\",\"text\":\"x\",\"value\":")
}

/// A row that was read, and is no document because its table has no column of texts, is not refused.
fn is_refusal(failed: &Json) -> bool {
    !text_of(failed, "error").starts_with("the row has no field `text`")
}

/// The documents that failed.
fn failed(folder: &Path) -> Result<Vec<Json>> {
    let path = folder.join("out.failed.jsonl");
    if path.exists() { read_documents(&path) } else { Ok(Vec::new()) }
}

/// Whether a line of a message says a line and a column of the file.
fn has_place(line: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let place = line.split_once(&format!("{name}:")).map(|(_, place)| place);
    let numbers = place.and_then(|place| place.split_once(':'));
    numbers.is_some_and(|(line, column)| {
        line.parse::<u32>().is_ok() && column.starts_with(|digit: char| digit.is_ascii_digit())
    })
}
