//! Runs that are over: their record, their ledger, and the documents that they left.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use textmill::io::{self, Chunk, FieldNames, Input, InputOptions, LedgerEntry, Limits};
use textmill::{Draft, Life, Source};
use textmill_report::{Output, ReadError, Run};

use crate::exit::Advised;

/// What to name as a run.
const NAMES: &str = "name the output of a run, its pipeline file, its ledger or its `run.json`";

/// The record of a run, and where it lies: found by whatever a person would name, which is the output, the pipeline file,
/// the ledger, the folder of the report, `run.json` itself.
pub(crate) fn find(named: &Path) -> Result<(PathBuf, Run), Advised> {
    let place = places(named)?.into_iter().find(|place| place.is_file());
    let place = place.ok_or_else(|| Advised {
        message: if named.exists() {
            format!("`{}` has no record of a run beside it", named.display())
        } else {
            format!("`{}` does not exist", named.display())
        },
        hint: Some(NAMES.to_owned()),
    })?;
    let unreadable = |error: &dyn std::fmt::Display, hint: &str| Advised {
        message: format!("`{}` cannot be read: {error}", place.display()),
        hint: Some(hint.to_owned()),
    };
    let json = std::fs::read(&place).map_err(|error| unreadable(&error, NAMES))?;
    let mut run = Run::from_json(&json).map_err(|error| match error {
        ReadError::Version(_) => unreadable(&error, "run the pipeline again"),
        ReadError::Other(_) => unreadable(&error, NAMES),
    })?;
    follow(&mut run, &place);
    Ok((place, run))
}

/// The outputs of a run whose folder was moved or copied, as from one machine of a CI to another: those beside the record
/// are meant, wherever they lay when it was written.
fn follow(run: &mut Run, place: &Path) {
    let Some((state, folder)) = place.parent().and_then(|state| Some((state, state.parent()?))) else {
        return;
    };
    let Some(before) = run.outputs.iter().find_map(|output| base(Path::new(&output.path), state)) else {
        return;
    };
    for output in &mut run.outputs {
        let Ok(name) = Path::new(&output.path).strip_prefix(&before) else { continue };
        let here = if name.as_os_str().is_empty() { folder.to_owned() } else { folder.join(name) };
        if here.exists() {
            output.path = std::path::absolute(&here).unwrap_or(here).display().to_string();
        }
    }
}

/// The folder in which the hidden folder of an output lay, if that is called like this one. An output that is a folder has
/// it inside.
fn base(output: &Path, state: &Path) -> Option<PathBuf> {
    if state.file_name()? == io::FOLDER {
        return Some(output.to_owned());
    }
    let beside = io::state_folder(output)?;
    (beside.file_name() == state.file_name()).then(|| beside.parent().map(Path::to_owned))?
}

/// Where the record can be, most likely first.
fn places(named: &Path) -> Result<Vec<PathBuf>, Advised> {
    if named.extension().is_some_and(|extension| extension == "toml") && named.is_file() {
        let draft = Source::read(named).and_then(textmill::parse);
        let draft = draft.map_err(|mistakes| Advised { message: mistakes.to_string(), hint: None })?;
        return match draft.output() {
            Some(output) => Ok(beside(output.as_ref()).into_iter().collect()),
            None => Err(Advised {
                message: format!("the pipeline `{}` does not say where its output is", named.display()),
                hint: Some(NAMES.to_owned()),
            }),
        };
    }
    let itself = named.extension().is_some_and(|extension| extension == "json").then(|| named.to_owned());
    Ok(itself.into_iter().chain([named.join(io::RUN_FILE)]).chain(beside(named)).collect())
}

fn beside(output: &Path) -> Option<PathBuf> {
    io::state_folder(output).map(|folder| folder.join(io::RUN_FILE))
}

/// The ledger of a run.
pub(crate) fn ledger(run: &Run) -> Result<&Path, Advised> {
    let ledger = run.output("ledger").ok_or_else(|| Advised {
        message: "this run has kept no ledger".to_owned(),
        hint: Some(format!("run it again: textmill run {} --ledger ledger.jsonl.zst", run.pipeline.path)),
    })?;
    let path = Path::new(&ledger.path);
    if path.exists() {
        return Ok(path);
    }
    Err(Advised {
        message: format!("the ledger of this run is gone: there is no `{}`", path.display()),
        hint: Some("put it back, or run it again".to_owned()),
    })
}

/// What the ledger of a run says of a document, and how many others have the same id.
pub(crate) fn life(run: &Run, id: &str) -> Result<(Life, u64), Advised> {
    let found = textmill::find_life(ledger(run)?, id).map_err(|error| Advised::from(&error))?;
    let unknown = || {
        let known: Vec<_> = found.others.iter().map(String::as_str).collect();
        Advised {
            message: format!("no document of this run has the id `{id}`"),
            hint: textmill::suggestion(id, "id", &known)
                .or_else(|| known.first().map(|first| format!("ids look like `{first}`"))),
        }
    };
    let life = found.life.ok_or_else(unknown)?;
    Ok((life, found.more))
}

/// Whether the output is what the run has written, as far as that is known.
pub(crate) fn check_output(run: &Run) -> Result<(), Advised> {
    let Some(output) = run.output("output") else { return Ok(()) };
    let (path, Some(sha256)) = (Path::new(&output.path), &output.sha256) else { return Ok(()) };
    if !path.is_file() || io::sha256_of_file(path).map_err(|error| Advised::from(&error))? == *sha256 {
        return Ok(());
    }
    Err(Advised {
        message: format!("`{}` is not what this run has written", path.display()),
        hint: Some("put the output back, or run it again".to_owned()),
    })
}

/// Whether there is anything to tell what became of each document: the output or, without it, the ledger.
pub(crate) fn check_there(run: &Run) -> Result<(), Advised> {
    let is_there = |kind| run.output(kind).is_some_and(|output| Path::new(&output.path).exists());
    if is_there("ledger") || is_there("output") && !is_markdown(run) {
        return Ok(());
    }
    Err(Advised {
        message: match run.output("output") {
            Some(_) if is_markdown(run) => {
                "the output of this run is Markdown, which is not read back into documents".to_owned()
            }
            Some(output) if output.path != "-" => {
                format!("the output of this run is gone: there is no `{}`", output.path)
            }
            _ => "this run has left no output".to_owned(),
        },
        hint: Some("run it again, into a file of documents as `.jsonl`, or with `--ledger FILE`".to_owned()),
    })
}

fn is_markdown(run: &Run) -> bool {
    let output = run.output("output").map(|output| Path::new(&output.path).extension());
    output.flatten().is_some_and(|extension| extension == "md" || extension == "markdown")
}

/// The last text of a document that was kept; `None` if the output does not have it.
pub(crate) fn kept_text(run: &Run, id: &str) -> Result<Option<String>, Advised> {
    let Some(output) = run.output("output").filter(|output| Path::new(&output.path).exists()) else {
        return Ok(None);
    };
    let options = written(output, field_names(run));
    let failed = |error: &io::Error| Advised::from(error);
    let mut reader = Input::open(options).map_err(|error| failed(&error))?.reader();
    let mut chunk = Chunk::default();
    // A file of text is called after its document.
    let file_name = format!("{id}.txt");
    while reader.next(&mut chunk).map_err(|error| failed(&error))? {
        for document in chunk.documents().flatten() {
            let is_named_so = document.origin().line.is_none() && document.id() == file_name;
            if document.id() == id || is_named_so {
                return Ok(Some(document.text().to_owned()));
            }
        }
    }
    Ok(None)
}

/// The texts of these documents in the output, by id; of several with the same id the first. Without those that are not there.
pub(crate) fn kept_texts(run: &Run, ids: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, Advised> {
    let mut texts = BTreeMap::new();
    if ids.is_empty() {
        return Ok(texts);
    }
    each_document(run, "output", &mut |document| {
        if ids.contains(document.id()) {
            texts.entry(document.id().to_owned()).or_insert_with(|| document.text().to_owned());
        }
    })?;
    Ok(texts)
}

/// What the fields are called in what the run has read and written.
fn field_names(run: &Run) -> FieldNames {
    let source = Source { path: PathBuf::from(&run.pipeline.path), text: run.pipeline.text.clone() };
    let names = textmill::parse(source).ok().as_ref().map(Draft::field_names).unwrap_or_default();
    let pairs = [
        ("id", names.id),
        ("text", names.text),
        ("title", names.title),
        ("url", names.url),
        ("summary", names.summary),
    ];
    FieldNames::new(pairs.into_iter().filter_map(|(name, input)| Some((name, input?))))
}

/// What became of a document of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// `kept`, ``dropped by `links`: rule``.
    pub(crate) verdict: String,
    /// A hash of the text, and one of all that the output has of it, where that is known.
    pub(crate) text: Option<u64>,
    pub(crate) whole: Option<u64>,
}

/// By id, and by its number among those of the same id.
pub(crate) type Documents = BTreeMap<(String, u64), Document>;

/// What became of the documents of a run: from its ledger, or else from the outputs for those that were dropped or failed;
/// and, `with_texts`, what the output has of those that were kept.
pub(crate) fn documents(run: &Run, with_texts: bool) -> Result<Documents, Advised> {
    let mut documents = Documents::new();
    if run.output("ledger").is_some() {
        let mut add = |life: Life| {
            let verdict = verdict(&life.end);
            insert(&mut documents, &life.end.doc, Document { verdict, ..Document::default() });
        };
        textmill::each_life(ledger(run)?, &mut add).map_err(|error| Advised::from(&error))?;
    } else {
        for kind in ["dropped", "failed"] {
            each_document(run, kind, &mut |document| {
                let field = |name: &str| {
                    document
                        .fields()
                        .find(|(known, ..)| *known == name)
                        .map(|(_, _, value)| value.into_owned())
                };
                let why = field("rule").or_else(|| field("error"));
                let verdict = verdict_of(kind, field("stage").as_deref(), why.as_deref());
                insert(&mut documents, document.id(), Document { verdict, ..Document::default() });
            })?;
        }
    }
    if with_texts && !is_markdown(run) {
        let has_ledger = run.output("ledger").is_some();
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        each_document(run, "output", &mut |document| {
            let (text, whole) = (Some(hash(document.text().as_bytes())), Some(hash(&document.to_json())));
            let kept = Document { verdict: "kept".to_owned(), text, whole };
            if !has_ledger {
                return insert(&mut documents, document.id(), kept);
            }
            let number = numbers.entry(document.id().to_owned()).or_default();
            // Of several with one id, those that were not kept are passed over.
            while documents
                .get(&(document.id().to_owned(), *number))
                .is_some_and(|known| known.verdict != "kept")
            {
                *number += 1;
            }
            documents.insert((document.id().to_owned(), *number), kept);
            *number += 1;
        })?;
    }
    Ok(documents)
}

fn insert(documents: &mut Documents, id: &str, document: Document) {
    let same = (id.to_owned(), 0)..=(id.to_owned(), u64::MAX);
    let number = documents.range(same).next_back().map_or(0, |((_, last), _)| last + 1);
    documents.insert((id.to_owned(), number), document);
}

fn verdict(end: &LedgerEntry<'_>) -> String {
    verdict_of(&end.event, end.stage.as_deref(), end.rule.as_deref().or(end.message.as_deref()))
}

fn verdict_of(kind: &str, stage: Option<&str>, why: Option<&str>) -> String {
    let stage = stage.map_or_else(String::new, |stage| format!(" by `{stage}`"));
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    format!("{kind}{stage}{why}")
}

/// How to read what a run has written, which no limit is meant for.
fn written(output: &Output, fields: FieldNames) -> InputOptions {
    InputOptions {
        uris: vec![output.path.clone()],
        fields,
        limits: Limits::none(),
        ..InputOptions::default()
    }
}

/// Passes the documents of an output of the run to `take`, if it is there.
fn each_document(run: &Run, kind: &str, take: &mut dyn FnMut(&io::Document<'_>)) -> Result<(), Advised> {
    let Some(output) = run.output(kind).filter(|output| Path::new(&output.path).exists()) else {
        return Ok(());
    };
    let fields = if kind == "output" { field_names(run) } else { FieldNames::same().with_optional_text() };
    let options = written(output, fields);
    let failed = |error: io::Error| Advised::from(&error);
    let mut reader = Input::open(options).map_err(failed)?.reader();
    let mut chunk = Chunk::default();
    while reader.next(&mut chunk).map_err(failed)? {
        chunk.documents().flatten().for_each(|document| take(&document));
    }
    Ok(())
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
