//! `textmill plugin test`

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use textmill_conformance::{Checked, Error, Limits, Options, Report, Subject, Tester, Verdict, checks};

use crate::args::{PluginTestArgs, ResultFormat};
use crate::exit::{Advised, Done, Outcome};
use crate::findings::{self, Finding, Findings, Kind, Problem};
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, harmless, say, styled, wrapped};

pub(crate) fn run(args: &PluginTestArgs) -> Outcome {
    if args.list {
        return list();
    }
    let tester = tester(args)?;
    let is_for_people = matches!(args.format, ResultFormat::Human | ResultFormat::Github);
    let mut human = Human::default();
    let mut shown = Ok(());
    let report = tester.run(|checked| {
        if is_for_people && shown.is_ok() {
            shown = human.show(checked);
        }
    });
    let report = report.map_err(|error| Advised { message: error.to_string(), hint: error.hint() })?;
    shown?;
    if is_for_people {
        say(&total(&report));
    }
    let result = Ok(if report.passed() { Done::Well } else { Done::Failed });
    if args.format == ResultFormat::Json {
        // All that is known of the checks, as the crate publishes it.
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(&report)?)?;
        return result;
    }
    findings(&report).finish(args.format, Path::new(&report.subject), result)
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
        let color = out.current_choice() != anstream::ColorChoice::Never;
        write!(out, "{}", harmless(&line(checked), color))
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

/// The same in parts: a group for each stage, one for the library.
fn findings(report: &Report) -> Findings {
    let mut findings = Findings::new("plugin test");
    report.checks.iter().for_each(|checked| findings.add(finding(report, checked)));
    findings
}

fn finding(report: &Report, checked: &Checked) -> Finding {
    let verdict = match checked.verdict {
        Verdict::Passed => findings::Verdict::Passed,
        Verdict::NotClaimed | Verdict::NotRun => findings::Verdict::Skipped,
        Verdict::Failed => findings::Verdict::Failed,
        _ => findings::Verdict::Error,
    };
    let message = match &checked.message {
        Some(message) => Some(message.clone()),
        None => (checked.verdict != Verdict::Passed).then(|| words(checked.verdict).to_owned()),
    };
    let problem = message.map(|message| Problem {
        message,
        details: checked.input.as_ref().map(shown),
        ..Problem::default()
    });
    Finding {
        kind: Kind::Conformance,
        group: checked.stage.clone().unwrap_or_else(|| report.subject.clone()),
        name: checked.check.to_owned(),
        verdict,
        time: Some(checked.time),
        problems: problem.into_iter().collect(),
    }
}
