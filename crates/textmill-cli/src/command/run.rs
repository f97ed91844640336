//! `textmill run`

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use textmill::{
    Cancel, Circumstances, Container, Diagnostics, Engine, Error, Failure, Finished, MaxErrors, Past,
    Progress, RunOptions, Suite, TestSpec, io,
};
use textmill_report::{self as report, Run, Severity, Test, TestResult, bytes, count, plural};

use super::compare::Side;
use super::open;
use crate::args::{ResultFormat, RunArgs};
use crate::exit::{Advised, DataError, Done, Interrupted, Outcome};
use crate::findings::{self, Finding, Findings, Kind, Place, Problem, Verdict};
use crate::past;
use crate::progress::Bar;
use crate::record;
use crate::terminal::{self, STRONG, say, styled};
use crate::trace::{self, Tracer};

/// How many failed documents are named.
const NAMED: usize = 5;

pub(crate) fn run(args: &RunArgs, bar: &Bar) -> Outcome {
    let mut findings = Findings::new("run");
    let result = run_and_tell(args, bar, &mut findings);
    bar.clear();
    findings.finish(findings::format(args.results.format), &args.pipeline.pipeline, result)
}

fn run_and_tell(args: &RunArgs, bar: &Bar, findings: &mut Findings) -> Outcome {
    if let Err(error) = io::claim_stdout() {
        tracing::debug!("what plugins print may get among the documents on standard output: {error}");
    }
    let instead = open::Instead {
        inputs: &args.inputs,
        output: args.output.as_deref(),
        ledger: args.ledger.as_deref(),
        frozen: args.freezing.frozen,
    };
    let engine = open::pipeline(&args.pipeline, &instead)?;
    spare_stdout(args, &engine)?;
    spare_files(args, &engine)?;
    check_comparable(args, &engine)?;
    let report = report_folder(args, &engine);
    report.as_deref().map_or(Ok(()), |folder| record::check_free(folder, args.overwrite))?;
    // Before the run, which may replace it.
    let baseline = args.baseline.as_deref().map(Side::find).transpose()?;
    baseline.as_ref().map_or(Ok(()), Side::check_texts)?;
    let (run, done) = match done_before(args, &engine, report.as_deref())? {
        Some(mut run) => {
            let left = run.failures.total.saturating_sub(run.docs.failed);
            run.failures.allowed = allows(args, &engine, run.failures.total, run.docs.read + left);
            let done = tell_again(&run, bar);
            (run, done)
        }
        None => run_now(args, bar, &engine, report.as_deref())?,
    };
    findings.add_run(&engine, &run);
    let differs = match baseline {
        Some(baseline) => compare_with(&baseline, args, &run, findings)?,
        None => false,
    };
    findings.set_run(run);
    Ok(if differs { Done::Failed } else { done })
}

/// Documents and results cannot both go to standard output.
fn spare_stdout(args: &RunArgs, engine: &Engine) -> Result<(), Advised> {
    let format = findings::format(args.results.format);
    let is_free = matches!(format, ResultFormat::Human | ResultFormat::Github);
    let pipeline = engine.pipeline();
    let mut outputs = [&pipeline.output, &pipeline.dropped, &pipeline.failed].into_iter().flatten();
    if is_free || args.dry_run || outputs.all(|output| output.uri != "-") {
        return Ok(());
    }
    Err(Advised {
        message: "documents and `--output-format` would both go to standard output".to_owned(),
        hint: Some("write the documents to a file".to_owned()),
    })
}

/// A trace takes the place of nothing that the run reads or writes.
fn spare_files(args: &RunArgs, engine: &Engine) -> anyhow::Result<()> {
    let Some(trace) = &args.trace else { return Ok(()) };
    let pipeline = engine.pipeline();
    let failed = pipeline.failed_output();
    let outputs = [
        ("output", pipeline.output.as_ref().map(|output| &output.uri)),
        ("dropped", pipeline.dropped.as_ref().map(|output| &output.uri)),
        ("failed", failed.as_ref().map(|output| &output.uri)),
        ("ledger", pipeline.ledger.as_ref()),
    ];
    let is_it = |path: &Path| place(path) == place(trace);
    let output = outputs.into_iter().find(|(_, uri)| uri.is_some_and(|uri| is_it(Path::new(uri))));
    let what = match output {
        Some((key, _)) => format!("the {key} of this run"),
        None if is_it(&pipeline.path) => "the pipeline file".to_owned(),
        None if trace.exists() && engine.reads(trace).map_err(|error| explain(engine, error))? => {
            "an input of this run".to_owned()
        }
        None => return Ok(trace::check_free(trace, args.overwrite)?),
    };
    let message = format!("the trace `{}` is {what}", trace.display());
    Err(advised(message, Some("write the trace to a file of its own")))
}

/// A file by one name, whether it is there or not yet.
fn place(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let beside = || Some(whole.parent()?.canonicalize().ok()?.join(whole.file_name()?));
    whole.canonicalize().ok().or_else(beside).unwrap_or(whole)
}

/// A baseline is there to compare documents, which have to be where they can be read again.
fn check_comparable(args: &RunArgs, engine: &Engine) -> Result<(), Advised> {
    let Some(output) = engine.pipeline().output.as_ref().filter(|_| args.baseline.is_some()) else {
        return Ok(());
    };
    let is_markdown = match output.format {
        Some(format) => format.container == Container::Markdown,
        None => past::is_markdown(Path::new(&output.uri)),
    };
    let what = match &*output.uri {
        "-" => "standard output, where nothing is read again",
        _ if is_markdown => "Markdown, which is not read back into documents",
        _ => return Ok(()),
    };
    Err(Advised {
        message: format!("the output is {what}, so that `--baseline` has nothing to compare"),
        hint: Some("write a file of documents, as `-o out.jsonl`".to_owned()),
    })
}

/// Tells in what the run differs from the baseline; whether that is more than is allowed.
fn compare_with(baseline: &Side, args: &RunArgs, run: &Run, findings: &mut Findings) -> anyhow::Result<bool> {
    let side = Side::of(run.clone())?;
    side.check_texts()?;
    let compared = baseline.compare(&side, NAMED);
    let limit = args.fail_on_change.unwrap_or(0.0);
    let differs = compared.share() > limit;
    let named = args.baseline.as_deref().unwrap_or(Path::new("")).display();
    let message = format!(
        "{} of {} differ from `{named}` ({:.2} %); at most {} % may",
        count(compared.differing),
        plural(compared.all, "document"),
        100.0 * compared.share(),
        figure(100.0 * limit)
    );
    if differs {
        say(&format!("{}: {message}", terminal::error()));
        say(compared.text.trim_end());
    }
    let details = Some(anstream::adapter::strip_str(&compared.text).to_string());
    let place = Some(Place::of(&args.pipeline.pipeline));
    // Within what is allowed a difference is worth a look, too.
    let problem = (compared.differing > 0).then_some(Problem { message, details, place, hint: None });
    let verdict = if differs { Verdict::Failed } else { Verdict::Passed };
    let (kind, name) = (Kind::Baseline, format!("as in {named}"));
    findings.add(Finding::new(kind, &args.pipeline.pipeline, name, verdict, problem.into_iter().collect()));
    Ok(differs)
}

fn run_now(args: &RunArgs, bar: &Bar, engine: &Engine, report: Option<&Path>) -> anyhow::Result<(Run, Done)> {
    let started = SystemTime::now();
    let cancel = Cancel::default();
    stop_on_signal(&cancel);
    bar.watch(engine);
    let tracer = Tracer::new(bar, engine, args.trace.as_deref());
    let options = RunOptions {
        threads: threads(args, engine),
        memory_limit: args.memory_limit,
        limit: args.limit,
        dry_run: args.dry_run,
        overwrite: args.overwrite,
        past: past_of(args),
        max_errors: max_errors(args, engine),
        cancel,
        progress: tracer.as_ref().map_or(bar as &dyn Progress, |tracer| tracer),
    };
    tracing::info!("running with {} threads", options.threads);
    let result = engine.run(&options);
    bar.clear();
    let finished = result.map_err(|error| explain(engine, error))?;
    tracing::info!("at most {} were on their way at one time", bytes(finished.peak_bytes as u64));
    let counts = &finished.counts;
    let allowed = allows(args, engine, counts.failed + finished.left, counts.read + finished.left);
    let known = Circumstances {
        started,
        threads: options.threads.get(),
        limit: args.limit,
        dry_run: args.dry_run,
        failures_allowed: allowed,
        tests: tests(args, engine, report.is_some())?,
    };
    let run = textmill::record(engine, &finished, known);
    let records = record_places(&finished, report);
    record::write(&run, &records)?;
    let trace = tracer.map(Tracer::finish).transpose()?.flatten();
    if !bar.is_quiet() {
        // Of more than one, the one that was asked for; or that beside the output.
        let told = report.map_or(records.first(), |_| records.last());
        tell(args, &run, &finished, told);
        if let Some(path) = trace {
            say(&format!("trace    {}", shown(&path)));
        }
    }
    if finished.counts.failed > 0 {
        tell_failures(&finished, allowed);
    }
    let checked = tell_broken(&run);
    Ok((run, if allowed && checked { Done::Well } else { Done::Failed }))
}

impl Findings {
    /// The documents of the run, and the conditions over it.
    fn add_run(&mut self, engine: &Engine, run: &Run) {
        let pipeline = engine.pipeline();
        let failures = &run.failures;
        let verdict = match (failures.total, failures.allowed) {
            (0, _) => Verdict::Passed,
            (_, true) => Verdict::Warning,
            _ => Verdict::Failed,
        };
        let problem = |failure: &report::Failure| Problem {
            message: failed(&failure.place, failure.stage.as_deref(), &failure.message),
            place: Some(Place::of(&pipeline.path)),
            ..Problem::default()
        };
        let problems = failures.shown.iter().map(problem).collect();
        let read = plural(run.docs.read, "document");
        self.add(Finding::new(Kind::Documents, &pipeline.path, read, verdict, problems));
        for (number, check) in run.checks.iter().enumerate() {
            self.add(self::finding(engine, number, check));
        }
    }
}

fn finding(engine: &Engine, number: usize, check: &report::Check) -> Finding {
    let pipeline = engine.pipeline();
    let message = format!("`{}` does not hold: it is {}", check.that, figure(check.found));
    let mistakes = pipeline.check_diagnostic(number, &message);
    let problem = mistakes.iter().next().map(Problem::from).unwrap_or_default();
    let problem = Problem { hint: check.message.clone(), ..problem };
    let verdict = match (check.holds, check.severity) {
        (true, _) => Verdict::Passed,
        (_, Severity::Warning) => Verdict::Warning,
        _ => Verdict::Failed,
    };
    let problems = if check.holds { Vec::new() } else { vec![problem] };
    Finding::new(Kind::Check, &pipeline.path, &check.that, verdict, problems)
}

/// Tells of the conditions that do not hold; whether that is no more than a warning.
fn tell_broken(run: &Run) -> bool {
    let broken: Vec<_> = run.checks.iter().filter(|check| !check.holds).collect();
    for check in &broken {
        let label = if check.severity == Severity::Error { terminal::error() } else { terminal::warning() };
        say(&format!("{label}: `{}` does not hold: it is {}", check.that, figure(check.found)));
        if let Some(message) = &check.message {
            say(&format!("  {message}"));
        }
    }
    let failed = broken.iter().any(|check| check.severity == Severity::Error);
    if failed && !run.outputs.is_empty() {
        say(&format!("{}: the output was published all the same", terminal::hint()));
    }
    !failed
}

/// A number with three digits behind the point at most.
fn figure(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The record of the run that wrote what is there, if this one would write the same once more.
fn done_before(args: &RunArgs, engine: &Engine, report: Option<&Path>) -> anyhow::Result<Option<Run>> {
    if args.fresh || args.retry_failed || args.dry_run || args.overwrite || args.trace.is_some() {
        return Ok(None);
    }
    if !engine.is_done(args.limit, args.verify).map_err(|error| explain(engine, error))? {
        return Ok(None);
    }
    let output =
        engine.pipeline().output.as_ref().and_then(|output| io::state_folder(Path::new(&output.uri)));
    let read = |folder: &Path| Run::from_json(&std::fs::read(folder.join(io::RUN_FILE)).ok()?).ok();
    let Some(run) = output.as_deref().and_then(read) else { return Ok(None) };
    let is_reported = report.is_none_or(|folder| read(folder).as_ref() == Some(&run));
    let are_there = run.outputs.iter().all(|output| Path::new(&output.path).exists());
    // What timed out may pass when it is tried again.
    let may_pass = engine.pipeline().stages.iter().any(|stage| stage.process.is_some());
    let is_over = run.failures.total == 0 || !may_pass;
    Ok(Some(run).filter(|_| is_reported && are_there && is_over))
}

/// Says once more what a run came to.
fn tell_again(run: &Run, bar: &Bar) -> Done {
    let since = UNIX_EPOCH + Duration::from_secs(run.times.started);
    if !bar.is_quiet() {
        say(run.funnel().trim_end());
        say("");
        let since = humantime::format_rfc3339_seconds(since);
        say(&format!("nothing has changed since {since}, and nothing was done; `--fresh` does it all again"));
    }
    let report::Failures { total, allowed, .. } = run.failures;
    if total > 0 {
        let label = if allowed { terminal::warning() } else { terminal::error() };
        say(&format!("{label}: {} failed", plural(total, "document")));
    }
    let checked = tell_broken(run);
    if allowed && checked { Done::Well } else { Done::Failed }
}

fn threads(args: &RunArgs, engine: &Engine) -> NonZeroUsize {
    let all = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    args.jobs.or(engine.pipeline().run.threads).unwrap_or_else(all)
}

fn past_of(args: &RunArgs) -> Past {
    match args {
        RunArgs { fresh: true, .. } => Past::Fresh,
        RunArgs { verify: true, .. } => Past::Verify,
        RunArgs { retry_failed: true, .. } => Past::RetryFailed,
        _ => Past::GoOn,
    }
}

fn max_errors(args: &RunArgs, engine: &Engine) -> Option<MaxErrors> {
    args.max_errors.or(engine.pipeline().run.max_errors)
}

/// Whether so many of so many documents may fail: none, unless somebody says otherwise.
fn allows(args: &RunArgs, engine: &Engine, failed: u64, documents: u64) -> bool {
    max_errors(args, engine).unwrap_or(MaxErrors::Count(0)).allows(failed, documents)
}

/// The folder for the report, absolute.
fn report_folder(args: &RunArgs, engine: &Engine) -> Option<PathBuf> {
    args.report.clone().or_else(|| engine.pipeline().report.as_ref().map(PathBuf::from))
}

/// Where the record of the run goes: beside the output and the ledger, so that it is found by either; and into the folder of
/// the report.
fn record_places(finished: &Finished, report: Option<&Path>) -> Vec<PathBuf> {
    let outputs = finished.published.iter().filter(|(key, _)| matches!(*key, "output" | "ledger"));
    let beside = outputs.filter_map(|(_, output)| record::place_beside(output));
    beside.chain(report.map(|folder| folder.join(textmill::io::RUN_FILE))).collect()
}

/// The tests of the pipeline file, and, if a report is asked for, what they come to. With other options than the file's they
/// would say nothing of this run.
fn tests(args: &RunArgs, engine: &Engine, is_asked: bool) -> anyhow::Result<Vec<Test>> {
    let specs = &engine.pipeline().tests;
    if specs.is_empty() || !is_asked || !args.pipeline.overrides.is_empty() {
        let test = |spec: &TestSpec| Test { name: spec.name.clone(), ..Test::default() };
        return Ok(specs.iter().map(test).collect());
    }
    let plugins = open::plugins(&args.pipeline.plugins);
    let suite = Suite::open(&args.pipeline.pipeline, &plugins, super::worker::command())?;
    let test = |spec: &TestSpec| {
        let mismatches: Vec<_> =
            suite.run(spec, false)?.mismatches.into_iter().map(|mismatch| mismatch.message).collect();
        let result = if mismatches.is_empty() { TestResult::Passed } else { TestResult::Failed };
        Ok(Test { name: spec.name.clone(), result, mismatches })
    };
    suite.tests().iter().map(test).collect()
}

/// The first Ctrl-C stops the run after the batches in hand; the second stops the program.
fn stop_on_signal(cancel: &Cancel) {
    let cancel = cancel.clone();
    let asked = AtomicBool::new(false);
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            textmill::exit(130);
        }
        cancel.cancel();
        say("stopping after the batches in hand; once more to stop at once");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will stop at once: {error}");
    }
}

/// An error of the engine as one for the command line.
pub(crate) fn explain(engine: &Engine, error: Error) -> anyhow::Error {
    let pipeline = engine.pipeline();
    match error {
        Error::Interrupted { done } => Interrupted { done }.into(),
        Error::Missing(key) => {
            let hint =
                format!("write `{key}.uri = ...` at the top of the pipeline file, or say `--{key} URI`");
            advised(error.to_string(), Some(&hint))
        }
        Error::OntoInput(key, _) => {
            let (message, hint) = (error.to_string(), Some("write somewhere else"));
            let shown = pipeline.output_diagnostic(key, &message, hint);
            shown.map_or_else(|| advised(message, hint), anyhow::Error::from)
        }
        Error::Input(error) => {
            let is_it = |uri: &String| error.path() == Some(Path::new(uri));
            let index = pipeline.input.uris.iter().position(is_it).unwrap_or(0);
            placed(&error, pipeline.input_diagnostic(index, &error.to_string(), error.hint()))
        }
        Error::Output(key, error) => {
            placed(&error, pipeline.output_diagnostic(key, &error.to_string(), error.hint()))
        }
        Error::Io(error) if error.kind() == textmill::io::ErrorKind::BrokenPipe => error.into(),
        Error::Io(error) => Advised::from(&error).into(),
        Error::Unreadable(failure) => {
            DataError(advised(format!("{}: {}", failure.place, failure.message), None)).into()
        }
        Error::NothingFailed(_) => advised(
            error.to_string(),
            Some("`--retry-failed` takes up what a run has left that came to its end"),
        ),
        Error::HalfRetried(..) | Error::OfOtherRun { .. } | Error::NotAllRetried { .. } => {
            advised(error.to_string(), Some("run the pipeline anew, with `--fresh`"))
        }
        Error::TooManyFailed { failed, documents, failures, done } => {
            tell_first(&failures, failed);
            DataError(too_many(failed, documents, done)).into()
        }
        Error::Imbalance(error) => {
            let hint =
                "nothing was published; this is a mistake in textmill or in a plugin: please report it";
            DataError(advised(error.to_string(), Some(hint))).into()
        }
        error => advised(error.to_string(), None),
    }
}

/// An error about a file: at its place in the pipeline file, unless the command line named the file.
fn placed(error: &textmill::io::Error, diagnostics: Option<Diagnostics>) -> anyhow::Error {
    diagnostics.map_or_else(|| Advised::from(error).into(), anyhow::Error::from)
}

fn advised(message: String, hint: Option<&str>) -> anyhow::Error {
    Advised { message, hint: hint.map(ToOwned::to_owned) }.into()
}

/// Why a run ended early, and what can be done.
fn too_many(failed: u64, documents: u64, done: u64) -> anyhow::Error {
    let of = plural(documents, "document");
    let message =
        format!("{failed} of the first {of} failed, more than `max-errors` allows; nothing was published");
    let goes_on = if done > 0 {
        format!("; it goes on from there, {} are done", plural(done, "document"))
    } else {
        String::new()
    };
    advised(message, Some(&format!("mend what fails, or allow more with `--max-errors`{goes_on}")))
}

fn tell(args: &RunArgs, run: &Run, finished: &Finished, record: Option<&PathBuf>) {
    let funnel = run.funnel();
    let (head, rows) = funnel.split_once('\n').unwrap_or_default();
    say(&styled(STRONG, head));
    say(rows.trim_end());
    say("");
    for (key, published) in
        finished.published.iter().filter(|(key, published)| *key == "output" || published.documents > 0)
    {
        let what = plural(published.documents, if *key == "ledger" { "line" } else { "document" });
        say(&format!("{key:<8} {} ({what}, {})", shown(&published.path), bytes(published.bytes)));
    }
    if args.retry_failed {
        let documents = plural(finished.counts.read, "document");
        say(&format!("retried  {documents} that had failed; what was kept is behind what was there"));
    }
    if finished.left > 0 {
        let documents = plural(finished.left, "document");
        say(&format!(
            "left     {documents} that cannot be taken up by themselves; `--fresh` does it all again"
        ));
    }
    if finished.resumed > 0 {
        let documents = plural(finished.resumed, "document");
        say(&format!("resumed  {documents} were done when the run before this one was interrupted"));
    }
    if let [first, others @ ..] = finished.skipped_files.as_slice() {
        let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        say(&format!("skipped  {first}{others}, whose names say no format that is read"));
    }
    if finished.skipped_records > 0 {
        let records = plural(finished.skipped_records, "record");
        say(&format!("skipped  {records} of web archives that are no pages"));
    }
    if let Some(record) = record {
        say(&format!("report   {}", shown(&record.with_file_name(textmill::io::REPORT_FILE))));
    }
    if args.dry_run {
        say("dry run: nothing was written");
    }
    if let Some(file) = finished.example.as_deref().filter(|file| *file != Path::new("-")) {
        say(&format!("next     textmill try {} {}", args.pipeline.pipeline.display(), shown(file)));
    }
}

/// A path as short as it can be said from here.
pub(super) fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        return "stdout".to_owned();
    }
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    short.display().to_string()
}

fn tell_failures(finished: &Finished, allowed: bool) {
    let Finished { counts, failures, .. } = finished;
    let (label, remark) =
        if allowed { (terminal::warning(), ", which `max-errors` allows") } else { (terminal::error(), "") };
    say(&format!("{label}: {} failed{remark}", plural(counts.failed, "document")));
    tell_first(failures, counts.failed);
    if let Some((_, failed)) = finished.published.iter().find(|(key, _)| *key == "failed") {
        let what = if counts.failed == 1 { "it" } else { "each" };
        say(&format!("{}: {what} is in `{}`, with its original", terminal::hint(), shown(&failed.path)));
    }
}

/// Names the first of so many documents that failed.
fn tell_first(failures: &[Failure], count: u64) {
    for Failure { place, stage, message, .. } in failures.iter().take(NAMED) {
        say(&format!("  {}", failed(place, stage.as_deref(), message)));
    }
    let named = failures.len().min(NAMED) as u64;
    if count > named {
        say(&format!("  and {} more", count - named));
    }
}

/// Where a document was read, in which stage it failed, and why.
fn failed(place: &str, stage: Option<&str>, message: &str) -> String {
    let stage = stage.map_or_else(String::new, |stage| format!(" in stage `{stage}`"));
    format!("{place}{stage}: {message}")
}
