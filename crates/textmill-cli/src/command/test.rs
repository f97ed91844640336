//! `textmill test`: the golden tests of pipeline files.

use std::path::{Path, PathBuf};

use textmill::{Mismatch, Suite, TestSpec};
use textmill_report::plural;

use super::{open, worker};
use crate::args::TestArgs;
use crate::diff;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{ADDED, REMOVED, STRONG, color, say, styled};

/// How many tests came to what.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    written: u64,
}

pub(crate) fn run(args: &TestArgs) -> Outcome {
    // All files are opened before a test runs: a mistake in the last one should not come after a page of results.
    let mut suites = Vec::new();
    let plugins = open::plugins(&args.plugins);
    for path in files(&args.paths)? {
        suites.push((Suite::open(&path, &plugins, worker::command())?, path));
    }
    let mut tally = Tally::default();
    for (suite, path) in &suites {
        run_suite(args, suite, path, &mut tally)?;
    }
    if tally.passed + tally.failed == 0 {
        return Err(none_found(args).into());
    }
    say(&format!("\n{}", tally.summary()));
    Ok(if tally.failed == 0 { Done::Well } else { Done::Failed })
}

fn run_suite(args: &TestArgs, suite: &Suite, path: &Path, tally: &mut Tally) -> anyhow::Result<()> {
    let is_wanted = |test: &TestSpec| args.name.as_ref().is_none_or(|part| test.name.contains(part));
    let tests: Vec<_> = suite.tests().iter().enumerate().filter(|(_, test)| is_wanted(test)).collect();
    if !tests.is_empty() {
        say(&styled(STRONG, &path.display().to_string()));
    }
    for (number, test) in tests {
        let tested = suite.run(test, args.update)?;
        let passed = tested.mismatches.is_empty();
        say(&format!(
            "  {}  {}",
            if passed { styled(ADDED, "ok  ") } else { styled(REMOVED, "FAIL") },
            test.name
        ));
        if let Some(snapshot) = &tested.written {
            say(&format!("        wrote {}", snapshot.display()));
            tally.written += 1;
        }
        tested.mismatches.iter().for_each(|mismatch| show(suite, number, mismatch));
        tally.passed += u64::from(passed);
        tally.failed += u64::from(!passed);
    }
    Ok(())
}

/// Where it was expected, and how what was found differs.
fn show(suite: &Suite, test: usize, mismatch: &Mismatch) {
    say(suite.diagnostic(test, mismatch).render(color()).trim_end());
    if let Some((expected, found)) = &mismatch.texts {
        say(&format!("  {} expected, {} found:", styled(REMOVED, "-"), styled(ADDED, "+")));
        say(diff::lines(expected, found).trim_end());
    }
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

/// The files that are named, and in folders those that have tests.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(files_with_tests(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The pipeline files below a folder that have tests, by name; hidden folders are none of ours. Cargo has tables of the same
/// name in files of its own.
fn files_with_tests(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| Advised {
            message: format!("cannot list the folder `{}`: {error}", folder.display()),
            hint: None,
        })?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && !name.starts_with('.') {
            found.extend(files_with_tests(&path)?);
        } else if path.extension().is_some_and(|it| it == "toml") && name != "Cargo.toml" && has_tests(&path)
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn has_tests(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.trim_start().starts_with("[[test]]"))
}

fn none_found(args: &TestArgs) -> Advised {
    let paths: Vec<_> = args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
    let place = paths.join(", ");
    match &args.name {
        Some(part) => Advised {
            message: format!("no test in {place} has `{part}` in its name"),
            hint: Some("leave out `-k` to run all".to_owned()),
        },
        None => Advised {
            message: format!("found no test in {place}"),
            hint: Some(
                "write a table `[[test]]` into a pipeline file; pipelines/README.md shows one".to_owned(),
            ),
        },
    }
}
