//! `textmill plugin test`

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::Value;
use textmill_conformance::{Checked, Error, Limits, Options, Report, Subject, Tester, Verdict, checks};

use crate::args::{PluginTestArgs, TestFormat};
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, say, styled, wrapped};

pub(crate) fn run(args: &PluginTestArgs) -> Outcome {
    if args.list {
        return list();
    }
    let tester = tester(args)?;
    let mut human = Human::default();
    let mut shown = Ok(());
    let report = tester.run(|checked| {
        if args.format == TestFormat::Human && shown.is_ok() {
            shown = human.show(checked);
        }
    });
    let report = report.map_err(|error| Advised { message: error.to_string(), hint: error.hint() })?;
    shown?;
    let mut out = std::io::stdout().lock();
    match args.format {
        TestFormat::Human => say(&total(&report)),
        TestFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        TestFormat::Junit => writeln!(out, "{}", junit(&report).to_string()?)?,
    }
    Ok(if report.passed() { Done::Well } else { Done::Failed })
}

/// What the process of one check does.
pub(crate) fn perform() -> Outcome {
    textmill_conformance::perform(std::io::stdin().lock(), textmill::BUILT_IN)
        .context("`plugin perform` is for `plugin test` to call")?;
    Ok(Done::Well)
}

fn list() -> Outcome {
    let mut out = anstream::stdout().lock();
    for check in checks() {
        writeln!(out, "{}\n{}", styled(STRONG, check.name), wrapped(check.summary, 4).trim_end())?;
    }
    Ok(Done::Well)
}

fn tester(args: &PluginTestArgs) -> anyhow::Result<Tester> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let subject = match &args.library {
        // A name without a folder would be looked for where the system has its libraries.
        Some(path) => Subject::Library(path.canonicalize().map_err(|_| {
            let error = Error::NoLibrary(path.clone());
            Advised { message: error.to_string(), hint: error.hint() }
        })?),
        None => Subject::BuiltIn,
    };
    Ok(Tester {
        program: (program, ["plugin", "perform"].map(Into::into).to_vec()),
        subject,
        stage: args.stage.clone(),
        checks: args.checks.clone(),
        options: args.options.as_deref().map(options).transpose()?,
        corpus: args.corpus.clone(),
        quick: args.quick,
        limits: Limits { time: Duration::from_secs(args.timeout), memory: args.memory << 20 },
    })
}

/// Options as JSON, or those of a file, whose folder paths in them are relative to.
fn options(written: &str) -> anyhow::Result<Options> {
    let is_json = || serde_json::from_str::<Value>(written).is_ok() && !Path::new(written).exists();
    let (text, folder) = if written.trim_start().starts_with('{') || is_json() {
        (written.to_owned(), std::env::current_dir().context("cannot tell the current folder")?)
    } else {
        let path = Path::new(written).canonicalize();
        let path = path.with_context(|| format!("cannot read the options `{written}`"))?;
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read the options `{written}`"))?;
        (text, path.parent().map(Path::to_owned).unwrap_or_default())
    };
    let value: Value = serde_json::from_str(&text).context("the options are no JSON")?;
    anyhow::ensure!(value.is_object(), "the options `{value}` are no JSON object, as `{{\"key\": 1}}` is");
    Ok(Options { value, folder })
}

/// Shows checks line by line, below the name of their stage.
#[derive(Default)]
struct Human {
    /// What the last line was about.
    heading: Option<String>,
}

impl Human {
    fn show(&mut self, checked: &Checked) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        let heading = checked.stage.as_deref().unwrap_or("the library");
        if self.heading.as_deref() != Some(heading) {
            let separator = if self.heading.is_some() { "\n" } else { "" };
            writeln!(out, "{separator}{}", styled(STRONG, heading))?;
            self.heading = Some(heading.to_owned());
        }
        write!(out, "{}", line(checked))
    }
}

fn line(checked: &Checked) -> String {
    let style = match checked.verdict {
        Verdict::Passed => ADDED,
        verdict if verdict.is_well() => FAINT,
        _ => REMOVED,
    };
    let verdict = styled(style, &format!("{:13}", words(checked.verdict)));
    let message = checked.message.as_deref().unwrap_or_default();
    if checked.verdict.is_well() {
        let line = format!("  {verdict} {:15} {}", checked.check, styled(FAINT, message));
        return format!("{}\n", line.trim_end());
    }
    let mut lines = format!("  {verdict} {}\n{}", styled(STRONG, checked.check), wrapped(message, 6));
    if let Some(input) = &checked.input {
        lines += &wrapped(&shown(input), 6);
    }
    lines
}

/// A document in one line; what a terminal would not show as it is is written as an escape.
fn shown(input: &textmill_conformance::Input) -> String {
    let how = if input.minimized { "made as short as still shows it, " } else { "" };
    let end = if input.text.len() < input.bytes { "..." } else { "" };
    format!("document `{}` ({how}{} bytes): {:?}{end}", input.document, input.bytes, input.text)
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::NotClaimed => "not claimed",
        Verdict::NotRun => "not run",
        Verdict::Crashed => "CRASHED",
        Verdict::TimedOut => "TIMED OUT",
        Verdict::OutOfMemory => "OUT OF MEMORY",
        _ => "FAILED",
    }
}

fn total(report: &Report) -> String {
    let count =
        |which: fn(Verdict) -> bool| report.checks.iter().filter(|checked| which(checked.verdict)).count();
    let passed = count(|verdict| verdict == Verdict::Passed);
    let failed = count(|verdict| !verdict.is_well());
    let others = report.checks.len() - passed - failed;
    format!("\n{}: {passed} checks passed, {failed} failed, {others} did not apply", report.subject)
}

/// A suite for each stage, one for the library.
fn junit(report: &Report) -> quick_junit::Report {
    let mut junit = quick_junit::Report::new(report.subject.clone());
    let mut suite: Option<TestSuite> = None;
    for checked in &report.checks {
        let name = checked.stage.as_deref().unwrap_or("library");
        if suite.as_ref().is_some_and(|suite| suite.name.as_str() != name) {
            junit.add_test_suites(suite.take());
        }
        let suite = suite.get_or_insert_with(|| TestSuite::new(name));
        suite.add_test_case(test_case(checked, name));
    }
    junit.add_test_suites(suite);
    junit
}

fn test_case(checked: &Checked, class: &str) -> TestCase {
    let mut status = match checked.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::NotClaimed | Verdict::NotRun => TestCaseStatus::skipped(),
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        _ => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let message = checked.message.as_deref().unwrap_or(words(checked.verdict));
    if checked.verdict != Verdict::Passed {
        status.set_message(message).set_type(words(checked.verdict));
    }
    if let Some(input) = &checked.input {
        status.set_description(shown(input));
    }
    let mut case = TestCase::new(checked.check, status);
    case.set_classname(class).set_time(checked.time);
    if checked.verdict == Verdict::Passed && checked.message.is_some() {
        case.set_system_out(message);
    }
    case
}
