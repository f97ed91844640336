//! `textmill inspect`: what is in files, as a pipeline would read them.

use std::io::Write as _;

use textmill::io::{
    Chunk, Document, FieldNames, Input, InputFile, InputFormat, InputOptions, ReadFailure, Reader,
};
use textmill_report::{bytes, plural};

use super::open;
use crate::args::InspectArgs;
use crate::diff::visible;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{FAINT, STRONG, styled};

/// How many files, row groups and failures are told one by one.
const MOST: usize = 10;

/// How many characters of a value are shown.
const SHOWN: usize = 200;

pub(crate) fn run(args: &InspectArgs) -> Outcome {
    let options = InputOptions {
        uris: args.uris.iter().map(|uri| open::absolute(uri)).collect::<Result<_, _>>()?,
        fields: FieldNames::same().with_optional_text(),
        ..InputOptions::default()
    };
    let input = Input::open(options).map_err(|error| Advised::from(&error))?;
    let mut reader = input.reader();
    let mut chunk = Chunk::default();
    let mut seen = Seen::default();
    let mut is_there = reader.next(&mut chunk)?;
    show(&head(&input, &reader))?;
    while is_there {
        for read in chunk.documents() {
            show(&seen.take(&read, args.number))?;
        }
        is_there = reader.next(&mut chunk)?;
    }
    show(&seen.tail(&reader))?;
    Ok(if seen.failed > 0 { Done::Failed } else { Done::Well })
}

fn show(lines: &[String]) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// What was read so far.
#[derive(Default)]
struct Seen {
    documents: u64,
    failed: u64,
    failures: Vec<String>,
}

impl Seen {
    /// Counts a document; what to show of it, if it is one of the first.
    fn take(&mut self, read: &Result<Document<'_>, ReadFailure<'_>>, most: u64) -> Vec<String> {
        match read {
            Ok(document) => {
                self.documents += 1;
                if self.documents <= most { shown(document) } else { Vec::new() }
            }
            Err(failure) => {
                self.failed += 1;
                if self.failures.len() < MOST {
                    self.failures.push(format!("{}: {}", failure.origin, failure.message));
                }
                Vec::new()
            }
        }
    }

    /// The counts, and what could not be read.
    fn tail(&self, reader: &Reader) -> Vec<String> {
        let mut lines = vec![styled(STRONG, &plural(self.documents, "document"))];
        let records = reader.counts().records.iter().map(|(kind, count)| format!("{count} {kind}"));
        let records: Vec<_> = records.collect();
        if !records.is_empty() {
            lines.push(format!("records  {}", records.join(", ")));
        }
        if self.failed > 0 {
            lines.push(format!("{} cannot be read", self.failed));
            lines.extend(self.failures.iter().map(|failure| format!("  {}", visible(failure))));
            lines.extend(more(self.failed, self.failures.len()));
        }
        lines
    }
}

/// The files, and what is known before their documents are.
fn head(input: &Input, reader: &Reader) -> Vec<String> {
    let files = input.files();
    let mut lines: Vec<_> = files.iter().take(MOST).map(|file| about(input, file, reader)).collect();
    lines.extend(more(files.len() as u64, MOST));
    let columns = input.columns().described();
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    if !columns.is_empty() {
        lines.push("columns".to_owned());
    }
    let column =
        |(name, kind): &(String, String)| format!("  {:<width$}  {}", visible(name), styled(FAINT, kind));
    lines.extend(columns.iter().map(column));
    lines.push(String::new());
    lines
}

/// A file: its name, format, compression, size, and row groups.
fn about(input: &Input, file: &InputFile, reader: &Reader) -> String {
    let format = file.format().or_else(|| reader.format().filter(|_| input.files().len() == 1));
    let compression = input.compression(file).filter(|compression| !compression.extension().is_empty());
    let groups = if format == Some(InputFormat::Parquet) { input.row_groups(file) } else { Vec::new() };
    let parts = [
        format.map(|format| format.to_string()),
        compression.map(|compression| compression.name().to_owned()),
        file.bytes.map(bytes),
        (!groups.is_empty()).then(|| row_groups(&groups)),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("{}  {}", styled(STRONG, &visible(&file.name)), styled(FAINT, &parts.join(", ")))
}

fn row_groups(groups: &[(u64, u64)]) -> String {
    let group = |(rows, size): &(u64, u64)| format!("{rows} in {}", bytes(*size));
    let shown: Vec<_> = groups.iter().take(MOST).map(group).collect();
    let others = if groups.len() > MOST { ", ..." } else { "" };
    format!("{} (rows: {}{others})", plural(groups.len() as u64, "row group"), shown.join(", "))
}

fn more(all: u64, shown: usize) -> Option<String> {
    let more = all.saturating_sub(shown as u64);
    (more > 0).then(|| format!("  and {more} more"))
}

/// A document: its place, and its fields with their kinds.
fn shown(document: &Document<'_>) -> Vec<String> {
    let mut lines = vec![styled(STRONG, &visible(&document.origin().to_string()))];
    lines.extend(document.fields().map(|(name, kind, value)| field(name, kind, &value)));
    // A file that is the document has no fields.
    if lines.len() == 1 {
        lines.push(field("text", "text", document.text()));
    }
    lines.push(String::new());
    lines
}

fn field(name: &str, kind: &str, value: &str) -> String {
    let length = value.chars().count();
    let (about, rest) = match length {
        0..=SHOWN => (kind.to_owned(), ""),
        _ => (format!("{kind}, {length} characters"), "…"),
    };
    let start: String = value.chars().take(SHOWN).collect();
    let start = visible(&start.replace('\n', "⏎"));
    format!("  {} {} = {start}{rest}", styled(STRONG, &visible(name)), styled(FAINT, &format!("({about})")))
}
