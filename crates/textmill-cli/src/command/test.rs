//! `textmill test`: the golden tests of pipeline files.

use std::path::{Path, PathBuf};
use std::time::Instant;

use textmill::{Mismatch, Suite, TestInput, TestSpec, Tested};
use textmill_report::plural;

use super::{files, open, worker};
use crate::args::TestArgs;
use crate::diff;
use crate::exit::{Advised, Done, Outcome};
use crate::findings::{self, Finding, Findings, Kind, Problem, Verdict};
use crate::terminal::{ADDED, REMOVED, STRONG, color, say, styled};
use crate::watch;

/// How many tests came to what.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    written: u64,
}

pub(crate) fn run(args: &TestArgs, is_quiet: bool) -> Outcome {
    if args.watching.watch {
        return watch::watch(&args.paths);
    }
    let mut findings = Findings::new("test");
    let result = test_all(args, is_quiet, &mut findings);
    let subject = args.paths.first().map_or(Path::new(""), |path| path);
    findings.finish(findings::format(args.results.format), subject, result)
}

fn test_all(args: &TestArgs, is_quiet: bool, findings: &mut Findings) -> Outcome {
    // All files are opened before a test runs: a mistake in the last one should not come after a page of results.
    let mut suites = Vec::new();
    let plugins = open::plugins(&args.plugins);
    for path in files::find(&args.paths, "test")? {
        suites.push((Suite::open(&path, &plugins, worker::command())?, path));
    }
    note(args, &suites)?;
    let mut tally = Tally::default();
    for (suite, path) in &suites {
        run_suite(args, is_quiet, (suite, path), &mut tally, findings)?;
    }
    if tally.passed + tally.failed == 0 {
        return Err(none_found(args).into());
    }
    if !is_quiet {
        say(&format!("\n{}", tally.summary()));
    }
    Ok(if tally.failed == 0 { Done::Well } else { Done::Failed })
}

/// Notes what the tests read.
fn note(args: &TestArgs, suites: &[(Suite, PathBuf)]) -> anyhow::Result<()> {
    let files = |test: &TestSpec| match &test.input {
        TestInput::File(path) => vec![Some(path.clone()), test.expect.snapshot.clone()],
        _ => vec![test.expect.snapshot.clone()],
    };
    let tests = suites.iter().flat_map(|(suite, _)| suite.tests());
    let files = tests.flat_map(files).flatten();
    watch::note(&args.watching, suites.iter().map(|(suite, _)| suite.engine()), files)
}

fn run_suite(
    args: &TestArgs,
    is_quiet: bool,
    (suite, path): (&Suite, &Path),
    tally: &mut Tally,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let is_wanted = |test: &TestSpec| args.name.as_ref().is_none_or(|part| test.name.contains(part));
    let tests: Vec<_> = suite.tests().iter().enumerate().filter(|(_, test)| is_wanted(test)).collect();
    if !tests.is_empty() && !is_quiet {
        say(&styled(STRONG, &path.display().to_string()));
    }
    for (number, test) in tests {
        let begin = Instant::now();
        let tested = suite.run(test, args.update)?;
        let passed = tested.mismatches.is_empty();
        if !(passed && is_quiet) {
            tell(suite, (number, test), &tested);
        }
        tally.written += u64::from(tested.written.is_some());
        tally.passed += u64::from(passed);
        tally.failed += u64::from(!passed);
        findings
            .add(Finding { time: Some(begin.elapsed()), ..finding(suite, (number, test), path, &tested) });
    }
    Ok(())
}

fn tell(suite: &Suite, (number, test): (usize, &TestSpec), tested: &Tested) {
    let passed = tested.mismatches.is_empty();
    let verdict = if passed { styled(ADDED, "ok  ") } else { styled(REMOVED, "FAIL") };
    say(&format!("  {verdict}  {}", test.name));
    if let Some(snapshot) = &tested.written {
        say(&format!("        wrote {}", snapshot.display()));
    }
    tested.mismatches.iter().for_each(|mismatch| show(suite, number, mismatch));
}

/// Where it was expected, and how what was found differs.
fn show(suite: &Suite, test: usize, mismatch: &Mismatch) {
    say(suite.diagnostic(test, mismatch).render(color()).trim_end());
    if let Some((expected, found)) = &mismatch.texts {
        say(&format!("  {} expected, {} found:", styled(REMOVED, "-"), styled(ADDED, "+")));
        say(diff::lines(expected, found).trim_end());
    }
}

fn finding(suite: &Suite, (number, test): (usize, &TestSpec), path: &Path, tested: &Tested) -> Finding {
    let problem = |mismatch: &Mismatch| {
        let details = mismatch.texts.as_ref().map(|(expected, found)| diff::plain(expected, found));
        let mistakes = suite.diagnostic(number, mismatch);
        let problem = mistakes.iter().next().map(Problem::from).unwrap_or_default();
        Problem { details, ..problem }
    };
    let verdict = if tested.mismatches.is_empty() { Verdict::Passed } else { Verdict::Failed };
    Finding::new(Kind::Test, path, &test.name, verdict, tested.mismatches.iter().map(problem).collect())
}

impl Tally {
    fn summary(&self) -> String {
        let verdicts = format!("{} passed, {} failed", plural(self.passed, "test"), self.failed);
        match self.written {
            0 => verdicts,
            written => format!("{verdicts}, {} written", plural(written, "snapshot")),
        }
    }
}

fn none_found(args: &TestArgs) -> Advised {
    let place = files::listed(&args.paths);
    match &args.name {
        Some(part) => Advised {
            message: format!("no test in {place} has `{part}` in its name"),
            hint: Some("leave out `-k` to run all".to_owned()),
        },
        None => Advised {
            message: format!("found no test in {place}"),
            hint: Some(
                "write one into a pipeline file, as `[[test]]`, `name = \"...\"`, `input.text = \"...\"`, \
                 `expect.absent = [\"...\"]`"
                    .to_owned(),
            ),
        },
    }
}
