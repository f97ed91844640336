//! `textmill compare`: what another run of a pipeline made of the same documents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};
use textmill::io;
use textmill_report::{Comparison, Differing, Kind, Rule, Run, count, other_parts, plural};

use crate::args::CompareArgs;
use crate::diff::{self, visible};
use crate::exit::{Advised, Done, Outcome};
use crate::past::{self, Document, Documents};
use crate::record;
use crate::terminal::{ADDED, FAINT, REMOVED, STRONG, say, styled, warning};

/// What is another in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Verdict,
    OnlyInFirst,
    OnlyInSecond,
    Text,
    Fields,
}

/// The documents in which two runs differ, and how many there are.
#[derive(Debug, Default)]
struct Differences {
    all: u64,
    by_kind: BTreeMap<Change, u64>,
    /// The first of each kind.
    shown: Vec<Shown>,
}

/// A document that is named.
#[derive(Debug)]
struct Shown {
    change: Change,
    id: String,
    /// What became of it; `None` in a run that did not have it.
    verdicts: [Option<String>; 2],
}

/// A run that is over, with its documents: as they are, even if another run replaces them.
#[derive(Debug)]
pub(crate) struct Side {
    run: Run,
    documents: Documents,
    /// Whether its texts are there to be compared.
    texts: Result<(), Advised>,
}

/// In what two runs differ.
#[derive(Debug)]
pub(crate) struct Compared {
    /// For a terminal.
    pub(crate) text: String,
    /// How many documents there are, and how many of them differ.
    pub(crate) all: u64,
    pub(crate) differing: u64,
}

pub(crate) fn run(args: &CompareArgs) -> Outcome {
    let (first, second) = (Side::find(&args.first)?, Side::find(&args.second)?);
    for side in [&first, &second] {
        // A limit that holds for want of texts would hold for nothing.
        args.fail_on_change.map_or(Ok(()), |_| side.check_texts())?;
        side.warn_of_texts();
    }
    let compared = first.compare(&second, args.number);
    if let Some(path) = &args.html {
        write_page(args, &first, &second, path)?;
    }
    anstream::stdout().lock().write_all(compared.text.as_bytes())?;
    if let Some(limit) = args.fail_on_change.filter(|limit| compared.share() > *limit) {
        say(&format!("more than {} % of the documents differ", 100.0 * limit));
        return Ok(Done::Failed);
    }
    Ok(Done::Well)
}

fn write_page(args: &CompareArgs, first: &Side, second: &Side, path: &Path) -> anyhow::Result<()> {
    if !args.overwrite {
        record::check_ours(path)?;
    }
    let page = first.page(second, args.number)?;
    io::replace_file(path, page.as_bytes()).map_err(|error| Advised::from(&error))?;
    Ok(())
}

impl Side {
    /// The run that a person names.
    pub(crate) fn find(named: &Path) -> anyhow::Result<Self> {
        Self::of(past::find(named)?.1)
    }

    pub(crate) fn of(run: Run) -> anyhow::Result<Self> {
        past::check_there(&run)?;
        let texts = past::check_texts(&run);
        let documents = past::documents(&run, texts.is_ok())?;
        Ok(Self { run, documents, texts })
    }

    /// Refuses a run whose output is gone, or another than it has written.
    pub(crate) fn check_texts(&self) -> Result<(), Advised> {
        let refused = |error: &Advised| Advised {
            message: format!("{}, so what has changed cannot be told", error.message),
            hint: error.hint.clone(),
        };
        self.texts.as_ref().map(|&()| ()).map_err(refused)
    }

    fn warn_of_texts(&self) {
        if let Err(error) = &self.texts {
            say(&format!("{}: {}; its texts are not compared", warning(), error.message));
        }
    }

    /// `most`: how many documents of each kind of difference are named.
    pub(crate) fn compare(&self, other: &Self, most: usize) -> Compared {
        let differences = self.differences(other, most);
        Compared {
            text: pipeline(&self.run, &other.run)
                + &table(&counts(&self.run, &other.run))
                + &differences.tell(self.has_texts(other)),
            all: differences.all,
            differing: differences.differing(),
        }
    }

    fn differences(&self, other: &Self, most: usize) -> Differences {
        let has_ledger = |side: &Self| side.run.output("ledger").is_some();
        if has_ledger(self) == has_ledger(other) {
            return Differences::between(&self.documents, &other.documents, most);
        }
        let [first, second] = [self, other].map(|side| past::without_ledger(&side.documents));
        Differences::between(&first, &second, most)
    }

    fn has_texts(&self, other: &Self) -> bool {
        self.texts.is_ok() && other.texts.is_ok()
    }
}

impl Side {
    /// The comparison for a browser: with the texts of the documents that are named.
    fn page(&self, other: &Self, most: usize) -> anyhow::Result<String> {
        let differences = self.differences(other, most);
        let named = differences.shown.iter().filter(|shown| shown.change == Change::Text);
        let ids: BTreeSet<&str> = named.map(|shown| shown.id.as_str()).collect();
        let texts = [past::kept_texts(&self.run, &ids)?, past::kept_texts(&other.run, &ids)?];
        let text_of = |id: &str| Some([texts[0].get(id)?.clone(), texts[1].get(id)?.clone()]);
        let document = |shown: &Shown| Differing {
            id: shown.id.clone(),
            verdicts: shown.verdicts.clone(),
            texts: text_of(&shown.id).filter(|_| shown.change == Change::Text),
        };
        let kind = |(change, number): (&Change, &u64)| Kind {
            title: change.what(*number),
            number: *number,
            documents: differences.of(*change).map(document).collect(),
        };
        let comparison = Comparison {
            first: &self.run,
            second: &other.run,
            options: options(&self.run, &other.run),
            counts: counts(&self.run, &other.run),
            all: differences.all,
            has_texts: self.has_texts(other),
            kinds: differences.by_kind.iter().map(kind).collect(),
        };
        Ok(comparison.to_html())
    }
}

impl Compared {
    pub(crate) fn share(&self) -> f64 {
        share(self.differing, self.all)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// What changed in the pipeline: in the file, in options that the command line set, in versions and files.
fn pipeline(first: &Run, second: &Run) -> String {
    let mut text = if first.pipeline.text == second.pipeline.text {
        format!("{}\n", styled(FAINT, "the pipeline file is the same"))
    } else {
        let lines = diff::lines(&first.pipeline.text, &second.pipeline.text);
        format!("{}\n{lines}", styled(STRONG, "the pipeline file"))
    };
    for (name, [old, new]) in options(first, second).into_iter().chain(other_parts(first, second)) {
        text.extend([visible(&format!("{name}  {old} -> {new}")).as_str(), "\n"]);
    }
    text
}

/// The options of stages that differ.
fn options(first: &Run, second: &Run) -> Vec<(String, [String; 2])> {
    let mut differing = Vec::new();
    for (before, after) in first.stages.iter().zip(&second.stages) {
        let keys = before
            .options
            .keys()
            .chain(after.options.keys().filter(|key| !before.options.contains_key(*key)));
        for key in keys.filter(|key| before.options.get(*key) != after.options.get(*key)) {
            let shown = |options: &Map<String, Value>| {
                options.get(key).map_or("(unset)".to_owned(), Value::to_string)
            };
            differing.push((format!("{}.{key}", after.id), [shown(&before.options), shown(&after.options)]));
        }
    }
    differing
}

/// What is counted and differs.
fn counts(first: &Run, second: &Run) -> Vec<(String, [u64; 2])> {
    let docs = |run: &Run| {
        let docs = &run.docs;
        [
            ("read", docs.read),
            ("emitted", docs.emitted),
            ("kept", docs.kept),
            ("dropped", docs.dropped),
            ("failed", docs.failed),
        ]
        .map(|(name, number)| (format!("documents {name}"), number))
    };
    let mut rows: BTreeMap<String, [u64; 2]> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (side, run) in [first, second].into_iter().enumerate() {
        for (name, number) in docs(run).into_iter().chain(of_rules(run)) {
            if !rows.contains_key(&name) {
                order.push(name.clone());
            }
            rows.entry(name).or_default()[side] = number;
        }
    }
    let rows = order.into_iter().filter_map(|name| rows.remove_entry(&name));
    rows.filter(|(_, [before, after])| before != after).collect()
}

/// How many documents each rule has changed or dropped, and how many characters it took away.
fn of_rules(run: &Run) -> impl Iterator<Item = (String, u64)> {
    let rules = run.stages.iter().flat_map(|stage| stage.rules.iter().map(move |rule| (stage, rule)));
    rules.flat_map(|(stage, rule): (_, &Rule)| {
        let name = format!("{}.{}", stage.id, rule.name);
        [(format!("{name} documents"), rule.docs), (format!("{name} characters removed"), rule.removed.chars)]
    })
}

fn table(rows: &[(String, [u64; 2])]) -> String {
    if rows.is_empty() {
        return format!("{}\n", styled(FAINT, "all counts are the same"));
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|(name, [before, after])| (name, count(*before), count(*after), change(*before, *after)))
        .collect();
    let width =
        |cell: fn(&(&String, String, String, String)) -> usize| cells.iter().map(cell).max().unwrap_or(0);
    let (names, befores, afters) =
        (width(|row| row.0.chars().count()), width(|row| row.1.len()), width(|row| row.2.len()));
    let line = |(name, before, after, change): &(&String, String, String, String)| {
        format!("{name:<names$}  {before:>befores$} -> {after:>afters$}  {change}\n")
    };
    cells.iter().map(line).collect::<Vec<_>>().concat()
}

/// `+2`, `-13`.
fn change(before: u64, after: u64) -> String {
    if after > before {
        styled(ADDED, &format!("+{}", count(after - before)))
    } else {
        styled(REMOVED, &format!("-{}", count(before - after)))
    }
}

impl Differences {
    fn between(first: &Documents, second: &Documents, most: usize) -> Self {
        let mut differences = Self::default();
        let only = |key: &(String, u64)| !first.contains_key(key);
        for (key, before) in first {
            let after = second.get(key);
            let change = after.map_or(Some(Change::OnlyInFirst), |after| Change::of(before, after));
            differences.add(change, most, (&key.0, Some(before), after));
        }
        for (key, after) in second.iter().filter(|(key, _)| only(key)) {
            differences.add(Some(Change::OnlyInSecond), most, (&key.0, None, Some(after)));
        }
        differences
    }

    /// Counts a document, and keeps it if it is one of the first of its kind.
    fn add(
        &mut self,
        change: Option<Change>,
        most: usize,
        (id, before, after): (&str, Option<&Document>, Option<&Document>),
    ) {
        self.all += 1;
        let Some(change) = change else { return };
        let number = self.by_kind.entry(change).or_default();
        *number += 1;
        if *number <= most as u64 {
            let verdicts = [before, after].map(|document| Some(document?.verdict.clone()));
            self.shown.push(Shown { change, id: id.to_owned(), verdicts });
        }
    }

    /// Those of a kind that are named.
    fn of(&self, change: Change) -> impl Iterator<Item = &Shown> {
        self.shown.iter().filter(move |shown| shown.change == change)
    }

    fn differing(&self) -> u64 {
        self.by_kind.values().sum()
    }

    /// `has_texts`: whether texts were compared, too.
    fn tell(&self, has_texts: bool) -> String {
        let differ = if has_texts { "differ" } else { "came to another end; texts were not compared" };
        let mut text = format!(
            "{} of {} {differ} ({:.2} %)\n",
            count(self.differing()),
            plural(self.all, "document"),
            100.0 * share(self.differing(), self.all)
        );
        for (change, number) in &self.by_kind {
            text.extend(["\n", &styled(STRONG, &change.what(*number)), "\n"]);
            let lines: Vec<_> = self.of(*change).map(Shown::line).collect();
            text.extend(lines.iter().flat_map(|line| ["  ", line.as_str(), "\n"]));
            if *number > lines.len() as u64 {
                let more = format!("  and {} more", count(number - lines.len() as u64));
                text.extend([styled(FAINT, &more).as_str(), "\n"]);
            }
        }
        text
    }
}

impl Change {
    fn of(before: &Document, after: &Document) -> Option<Self> {
        let differs = |one: Option<u64>, other: Option<u64>| one.is_some() && other.is_some() && one != other;
        match (before, after) {
            _ if before.verdict != after.verdict => Some(Self::Verdict),
            _ if differs(before.text, after.text) => Some(Self::Text),
            _ if differs(before.whole, after.whole) => Some(Self::Fields),
            _ => None,
        }
    }

    fn what(self, number: u64) -> String {
        match self {
            Self::Verdict => format!("{} with another verdict", plural(number, "document")),
            Self::OnlyInFirst => format!("{} only in the first run", plural(number, "document")),
            Self::OnlyInSecond => format!("{} only in the second run", plural(number, "document")),
            Self::Text => format!("{} with another text", plural(number, "document")),
            Self::Fields => format!("{} with the same text and other fields", plural(number, "document")),
        }
    }
}

impl Shown {
    /// The id, and where verdicts differ, both.
    fn line(&self) -> String {
        let id = visible(&self.id);
        match &self.verdicts {
            [Some(before), Some(after)] if before != after => {
                format!("{id}  {} -> {}", visible(before), visible(after))
            }
            [Some(one), None] | [None, Some(one)] => format!("{id}  {}", visible(one)),
            _ => id,
        }
    }
}
