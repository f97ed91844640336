//! What can be written on the command line.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use textmill::{MaxErrors, Override};

const AFTER_HELP: &str = "\
First steps:  textmill init demo
              textmill run demo/news.toml

Exit codes: 0 done; 1 documents, a check or a test failed; 2 it could not run; 130 interrupted";

/// Run documents through a pipeline of text-processing stages.
#[derive(Debug, Parser)]
#[command(name = "textmill", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Say more: `-v` what is done, `-vv` why, `-vvv` everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but errors: no progress, no summary
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// How log lines are written to stderr: for people, or as a JSON object per line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a pipeline
    Run(RunArgs),
    /// Check a pipeline file, and that its stages open and its input is there
    Check(CheckArgs),
    /// List the stages that a pipeline can use
    List(ListArgs),
    /// Show the manual page of a stage: what it does, its options, its rules
    Doc(DocArgs),
    /// Run one document through a pipeline and show what each stage changes
    Try(TryArgs),
    /// Make, build and list plugins: libraries with stages
    #[command(subcommand)]
    Plugin(Plugin),
    /// Write `textmill.lock`: the hashes of the plugins and files that a pipeline uses
    Lock(LockArgs),
    /// Run the golden tests of pipeline files: their `[[test]]` tables
    Test(TestArgs),
    /// Make the report of a run again, from its `run.json`: a page that a browser shows
    Report(ReportArgs),
    /// Show what is in files: format, fields, the first documents, and what cannot be read
    Inspect(InspectArgs),
    /// Show in what two runs differ: the pipeline, counts, verdicts, texts
    Compare(CompareArgs),
    /// Print a pipeline as a picture: SVG, or for Mermaid or Graphviz
    Graph(GraphArgs),
    /// Show what each stage did to a document of a run that kept a ledger
    Explain(LifeArgs),
    /// Print the original text of a document, out of the output and the ledger of a run
    Undo(LifeArgs),
    /// Write a first pipeline and two articles to run it on
    Init(InitArgs),
    /// Print the JSON Schema of pipeline files, for editors
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Run a stage for the process that started this one
    #[command(hide = true)]
    Worker,
}

/// What can be done with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Make a plugin: a folder with a stage, its tests, and a pipeline to try it
    New(PluginNewArgs),
    /// Build the plugin of a folder, and say where the library is
    Build(PluginBuildArgs),
    /// Run the golden cases of a plugin on its library
    Cases(PluginCasesArgs),
    /// Show where each stage comes from: the plugin, its version, the library and its hash
    List(PluginListArgs),
    /// Test whether a plugin keeps the contract, each check in a process of its own
    Test(PluginTestArgs),
    /// Perform one check; `plugin test` starts it
    #[command(hide = true)]
    Perform,
}

/// A pipeline file and what is said beside it.
#[derive(Debug, clap::Args)]
pub(crate) struct PipelineArgs {
    /// The pipeline file
    #[arg(value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) pipeline: PathBuf,
    /// Set an option of a stage, as in `--set links.max-removed=0.5`; may be given again
    #[arg(long = "set", value_name = "STAGE.KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
}

/// What is said about the plugins of a pipeline.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PluginArgs {
    /// Look here first for plugins that the pipeline names without a path; may be given again
    #[arg(long = "plugin-dir", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
    /// Use nothing but the plugins, files and built-in stages that `textmill.lock` names
    #[arg(long)]
    pub(crate) locked: bool,
}

/// What is said about the input of a pipeline.
#[derive(Debug, clap::Args)]
pub(crate) struct FreezeArgs {
    /// As `--locked`, and refuse an input that is not the one of `textmill.lock`, to which `textmill lock --input` writes it
    #[arg(long)]
    pub(crate) frozen: bool,
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
    /// Read this file, folder or glob, or `-` for stdin, in the place of `[input] uri`; may be given again
    #[arg(short, long = "input", value_name = "URI", value_hint = clap::ValueHint::AnyPath, conflicts_with = "frozen")]
    pub(crate) inputs: Vec<String>,
    /// Write to this file or folder, or `-` for stdout, in the place of `[output] uri`
    #[arg(short, long, value_name = "URI", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) output: Option<String>,
    /// How many threads work [default: `[run] threads`, or one for each processor]
    #[arg(short = 'j', long, value_name = "N", value_parser = some_threads)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// How much memory documents on their way may use, as `2GiB` [default: `[run] memory-limit`, or a quarter of the
    /// machine's]
    #[arg(long, value_name = "SIZE", value_parser = some_bytes)]
    pub(crate) memory_limit: Option<NonZeroU64>,
    /// Read no more than this many documents
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Do everything but write
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace an output that was not made by textmill
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) freezing: FreezeArgs,
    /// Do everything anew, in the place of going on where an interrupted run stopped
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Take up again what failed in the last run, in the place of reading the input; what is kept joins the output
    #[arg(long, conflicts_with_all = ["fresh", "verify", "inputs", "limit"])]
    pub(crate) retry_failed: bool,
    /// Read what the input holds, and do it all again if that has changed, even where sizes and times of files have not
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) verify: bool,
    /// End the run when more documents fail, a number or a share such as `1%`, in the place of `[run] max-errors`
    #[arg(long, value_name = "N|SHARE", value_parser = some_errors)]
    pub(crate) max_errors: Option<MaxErrors>,
    /// Write the ledger, every edit and verdict of the run, to this file, in the place of `[ledger] uri`
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) ledger: Option<String>,
    /// Write `report.html` and `run.json`, the record of the run, into this folder, in the place of `[report] uri`
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) report: Option<PathBuf>,
    /// Write where the time went, batch by batch, to this file: a trace for `chrome://tracing` or Perfetto
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) trace: Option<PathBuf>,
    /// Compare with this run, named by its output, its ledger or its `run.json`, and exit with 1 if more differs than
    /// `--fail-on-change` says
    #[arg(long, value_name = "RUN", value_hint = clap::ValueHint::AnyPath, conflicts_with = "dry_run")]
    pub(crate) baseline: Option<PathBuf>,
    /// The share of the documents that may differ from the baseline [default: `0%`]
    #[arg(long, value_name = "SHARE", value_parser = some_share, requires = "baseline")]
    pub(crate) fail_on_change: Option<f64>,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// With the options of the stages of the plugins that this pipeline names, which are loaded
    #[arg(value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath, conflicts_with = "run")]
    pub(crate) pipeline: Option<PathBuf>,
    /// That of `run.json`, the record of a run
    #[arg(long)]
    pub(crate) run: bool,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LockArgs {
    /// The pipeline file; its plugins are loaded
    #[arg(value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) pipeline: PathBuf,
    /// Lock also the input, all of which is read: `--frozen` refuses any other
    #[arg(long)]
    pub(crate) input: bool,
    /// Look here first for plugins that the pipeline names without a path; may be given again
    #[arg(long = "plugin-dir", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folders: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Pipeline files, or folders of them
    #[arg(value_name = "PIPELINE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Set an option of a stage, as in `--set links.max-removed=0.5`; may be given again
    #[arg(long = "set", value_name = "STAGE.KEY=VALUE")]
    pub(crate) overrides: Vec<Override>,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
    #[command(flatten)]
    pub(crate) freezing: FreezeArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// List also the stages of the plugins that this pipeline names
    #[arg(value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DocArgs {
    /// The name of the stage
    #[arg(value_name = "STAGE")]
    pub(crate) stage: String,
    /// Look also into the plugins that this pipeline names
    #[arg(long, value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TryArgs {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
    /// The document: a text file, or a file of which the first document is taken; `-` for stdin
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) watching: WatchArgs,
}

/// Whether a command is run again and again.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// Run again whenever the pipeline, a plugin or another file that was read changes
    #[arg(long)]
    pub(crate) watch: bool,
    /// Note there which files were read; the process that watches them starts this one so
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) note_files: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Pipeline files, or folders of them
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only the tests whose name contains this
    #[arg(short = 'k', long = "name", value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Write the snapshots that are missing or differ
    #[arg(long, conflicts_with = "watch")]
    pub(crate) update: bool,
    #[command(flatten)]
    pub(crate) watching: WatchArgs,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// The run: its output, its pipeline file, the folder of its report, or its `run.json`
    #[arg(value_name = "RUN", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) run: PathBuf,
    /// Write to this file, or `-` for stdout [default: `report.html` beside `run.json`]
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace a file that textmill has not written
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// Files, folders or globs, or `-` for stdin
    #[arg(value_name = "URI", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) uris: Vec<String>,
    /// Show the first N documents; all are read and counted
    #[arg(short, long, value_name = "N", default_value = "3")]
    pub(crate) number: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// The run to compare with: its output, its pipeline file, its ledger or its `run.json`
    #[arg(value_name = "RUN-A", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) first: PathBuf,
    /// The other run
    #[arg(value_name = "RUN-B", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) second: PathBuf,
    /// Name the first N documents of each kind of difference
    #[arg(short, long, value_name = "N", default_value = "10")]
    pub(crate) number: usize,
    /// Write the comparison to this file, too, as a page that a browser shows
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
    /// Replace a file that textmill has not written
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Exit with 1 if a larger share of the documents differs, as `1%` or `0%`
    #[arg(long, value_name = "SHARE", value_parser = some_share)]
    pub(crate) fail_on_change: Option<f64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
    /// The language of the picture
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
}

/// How a picture of a pipeline is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Dot,
    /// A picture, for a browser or a page
    Svg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LifeArgs {
    /// The run: its output, its pipeline file, its ledger or its `run.json`
    #[arg(value_name = "RUN", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) run: PathBuf,
    /// The id of the document
    #[arg(value_name = "DOC-ID")]
    pub(crate) id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Run it at once
    #[arg(long)]
    pub(crate) run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PluginNewArgs {
    /// The folder to make; the stage gets its name
    #[arg(value_name = "NAME", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// The language to write it in
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub(crate) lang: Language,
    /// The SDK `textmill-stage`, or a checkout of textmill that has it, in the place of the published one
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) sdk_path: Option<PathBuf>,
}

/// What a plugin can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PluginBuildArgs {
    /// The folder of the plugin
    #[arg(value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PluginCasesArgs {
    /// The library
    #[arg(value_name = "LIBRARY", value_hint = clap::ValueHint::FilePath)]
    pub(crate) library: PathBuf,
    /// The folder with the cases: `NAME.in.txt`, `NAME.out.txt` and, where needed, `NAME.options.json`
    #[arg(long = "cases", value_name = "DIR", default_value = "tests/cases", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// The stage, where the library has several
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// Write the expected files anew; so does `TEXTMILL_UPDATE=1`
    #[arg(long)]
    pub(crate) update: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PluginListArgs {
    /// List also the plugins that this pipeline names
    #[arg(value_name = "PIPELINE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PluginTestArgs {
    /// The library
    #[arg(value_name = "LIBRARY", value_hint = clap::ValueHint::FilePath)]
    #[arg(required_unless_present_any = ["built_in", "list"], conflicts_with = "built_in")]
    pub(crate) library: Option<PathBuf>,
    /// Test the stages that textmill itself has, in the place of a library
    #[arg(long)]
    pub(crate) built_in: bool,
    /// Only this stage
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// The options of the stage, as JSON or as a file of JSON [default: `{}`, or an example of its schema]
    #[arg(long, value_name = "JSON|FILE")]
    pub(crate) options: Option<String>,
    /// Only this check; may be given again
    #[arg(long = "check", value_name = "NAME")]
    pub(crate) checks: Vec<String>,
    /// List the checks
    #[arg(long)]
    pub(crate) list: bool,
    /// Try also the documents of this file: a text, or `.jsonl`
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) corpus: Option<PathBuf>,
    /// How the report is written
    #[arg(long = "output-format", visible_alias = "format", value_name = "FORMAT", default_value = "human")]
    pub(crate) format: ResultFormat,
    /// Shorter documents and fewer rounds: for builds without optimization
    #[arg(long)]
    pub(crate) quick: bool,
    /// How many seconds each check may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// How many mebibytes of memory each check may have in use
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(16..))]
    pub(crate) memory: u64,
}

/// How what a command found is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// For people, on stderr
    Human,
    /// One JSON object
    Json,
    /// A JSON object per line, one for each thing that was looked at
    Jsonl,
    /// Annotations of a workflow of GitHub, on stderr
    Github,
    /// XML as of `JUnit`
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Markdown
    Markdown,
}

/// How a command tells machines what it found.
#[derive(Debug, clap::Args)]
pub(crate) struct ResultArgs {
    /// How what was found is written, to stdout unless said otherwise [default: `human`; `github`
    /// where `GITHUB_ACTIONS` is `true`]
    #[arg(long = "output-format", value_name = "FORMAT")]
    pub(crate) format: Option<ResultFormat>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// More threads than any machine has processors are a slip of the finger.
const MOST_THREADS: usize = 1024;

fn some_threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok().filter(|threads: &NonZeroUsize| threads.get() <= MOST_THREADS);
    threads.ok_or_else(|| format!("expected a number from 1 to {MOST_THREADS}"))
}

fn some_errors(text: &str) -> Result<MaxErrors, String> {
    textmill::parse_max_errors(text)
        .ok_or_else(|| "expected a number of documents, or a share such as `1%`".to_owned())
}

fn some_share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected a share such as `1%`".to_owned())
}

fn some_bytes(text: &str) -> Result<NonZeroU64, String> {
    textmill::parse_bytes(text).ok_or_else(|| "expected a size such as `512MiB` or `2GiB`".to_owned())
}
