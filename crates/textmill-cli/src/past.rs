//! Runs that are over: their record, their ledger, and the documents that they left.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use textmill::io::{self, Chunk, FieldNames, Input, InputOptions, LedgerEntry, Limits};
use textmill::{Draft, Life, Source};
use textmill_report::{Output, ReadError, Run, plural};

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

/// `1 other document of this run has`, `2 other documents of this run have`.
pub(crate) fn others_have(number: u64) -> String {
    format!("{} of this run {}", plural(number, "other document"), if number == 1 { "has" } else { "have" })
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

/// Whether there is anything to tell what became of each document: the ledger or, without it, the output.
pub(crate) fn check_there(run: &Run) -> Result<(), Advised> {
    let has_ledger = run.output("ledger").is_some_and(|ledger| Path::new(&ledger.path).exists());
    if has_ledger { Ok(()) } else { check_texts(run) }
}

/// Whether the texts of the documents that were kept are there to be read, as the run has written them.
pub(crate) fn check_texts(run: &Run) -> Result<(), Advised> {
    check_output(run)?;
    let output = run.output("output").map(|output| Path::new(&output.path));
    let message = match output {
        Some(path) if is_markdown(path) => {
            "the output of this run is Markdown, which is not read back into documents".to_owned()
        }
        Some(path) if path.exists() => return Ok(()),
        Some(path) if path != Path::new("-") => {
            format!("the output of this run is gone: there is no `{}`", path.display())
        }
        _ => "this run has left no output".to_owned(),
    };
    let hint = "put the output back, or run it again, into a file of documents as `.jsonl`".to_owned();
    Err(Advised { message, hint: Some(hint) })
}

/// Whether an output of this name holds no documents that can be read again.
pub(crate) fn is_markdown(output: &Path) -> bool {
    output.extension().is_some_and(|extension| extension == "md" || extension == "markdown")
}

/// The last text of a document that was kept; `None` if the output does not have it.
pub(crate) fn kept_text(run: &Run, id: &str) -> Result<Option<String>, Advised> {
    // A file of text is called after its document.
    let file_name = format!("{id}.txt");
    let mut text = None;
    each_named(run, "output", &mut |known, document| {
        let is_named_so = document.origin().line.is_none() && known.id == file_name;
        if known.id != id && !is_named_so {
            return ControlFlow::Continue(());
        }
        text = Some(document.text().to_owned());
        ControlFlow::Break(())
    })?;
    Ok(text)
}

/// The texts of these documents in the output, by id; of several with the same id the first. Without those that are not there.
pub(crate) fn kept_texts(run: &Run, ids: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, Advised> {
    let mut texts = BTreeMap::new();
    if ids.is_empty() {
        return Ok(texts);
    }
    each_named(run, "output", &mut |known, document| {
        // A comparison may know it by its place alone.
        let place = by_place("output", known.place);
        for id in [known.id.as_str(), &place] {
            if ids.contains(id) {
                texts.entry(id.to_owned()).or_insert_with(|| document.text().to_owned());
            }
        }
        ControlFlow::Continue(())
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
    /// Its place in the output, from 0, if it carries no id there.
    pub(crate) place: Option<u64>,
}

/// By what a document of an output is known.
struct Known {
    /// The id of a document that carries none where it was written is the one that the ledger has for it.
    id: String,
    place: u64,
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
            each_named(run, kind, &mut |known, document| {
                let field = |name: &str| {
                    document
                        .fields()
                        .find(|(known, ..)| *known == name)
                        .map(|(_, _, value)| value.into_owned())
                };
                let why = field("rule").or_else(|| field("error"));
                let verdict = verdict_of(kind, field("stage").as_deref(), why.as_deref());
                insert(&mut documents, &known.id, Document { verdict, ..Document::default() });
                ControlFlow::Continue(())
            })?;
        }
    }
    if with_texts {
        let has_ledger = run.output("ledger").is_some();
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        each_named(run, "output", &mut |known, document| {
            let (text, whole) = (Some(hash(document.text().as_bytes())), Some(hash(&document.to_json())));
            let place = (!document.has_id()).then_some(known.place);
            let kept = Document { verdict: "kept".to_owned(), text, whole, place };
            if !has_ledger {
                insert(&mut documents, &known.id, kept);
                return ControlFlow::Continue(());
            }
            let number = numbers.entry(known.id.clone()).or_default();
            // Of several with one id, those that were not kept are passed over.
            while documents
                .get(&(known.id.clone(), *number))
                .is_some_and(|document| document.verdict != "kept")
            {
                *number += 1;
            }
            documents.insert((known.id.clone(), *number), kept);
            *number += 1;
            ControlFlow::Continue(())
        })?;
    }
    Ok(documents)
}

/// The same documents, those that carry no id by their place alone: as a run without a ledger knows them.
pub(crate) fn without_ledger(documents: &Documents) -> Documents {
    let known = |((id, number), document): (&(String, u64), &Document)| {
        let key = document.place.map(|place| (by_place("output", place), 0));
        (key.unwrap_or_else(|| (id.clone(), *number)), document.clone())
    };
    documents.iter().map(known).collect()
}

/// What a document is called of which only its place in an output is known, from 0.
fn by_place(kind: &str, place: u64) -> String {
    format!("document {} of the {kind}, which has no id", place + 1)
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

/// Passes the documents of an output of the run to `take`, if it is there, with what each is known by, until it breaks.
fn each_named(
    run: &Run,
    kind: &str,
    take: &mut dyn FnMut(Known, &io::Document<'_>) -> ControlFlow<()>,
) -> Result<(), Advised> {
    let Some(output) = run.output(kind).filter(|output| Path::new(&output.path).exists()) else {
        return Ok(());
    };
    let is_output = kind == "output";
    let fields = if is_output { field_names(run) } else { FieldNames::same().with_optional_text() };
    let failed = |error: io::Error| Advised::from(&error);
    let mut reader = Input::open(written(output, fields)).map_err(failed)?.reader();
    // They are looked for once a document carries none.
    let mut kept: Option<Vec<String>> = None;
    let (mut chunk, mut place) = (Chunk::default(), 0);
    while reader.next(&mut chunk).map_err(failed)? {
        for document in chunk.documents().flatten() {
            let id = if document.has_id() {
                document.id().to_owned()
            } else {
                if is_output && kept.is_none() {
                    kept = Some(kept_ids(run)?);
                }
                let index = usize::try_from(place).unwrap_or(usize::MAX);
                let id = kept.as_ref().and_then(|kept| kept.get(index).cloned());
                id.unwrap_or_else(|| by_place(kind, place))
            };
            if take(Known { id, place }, &document).is_break() {
                return Ok(());
            }
            place += 1;
        }
    }
    Ok(())
}

/// The ids that the ledger has of documents that were kept, in its order, which is that of the output.
fn kept_ids(run: &Run) -> Result<Vec<String>, Advised> {
    let mut ids = Vec::new();
    if run.output("ledger").is_some() {
        let mut add = |life: Life| {
            if life.end.event == "kept" {
                ids.push(life.end.doc.into_owned());
            }
        };
        textmill::each_life(ledger(run)?, &mut add).map_err(|error| Advised::from(&error))?;
    }
    Ok(ids)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
