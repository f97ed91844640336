//! A pipeline that is open, for any number of threads.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatchReader;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use textmill::io::{Document, FieldNames, PluginPath, ReadAs, ReadFailure};
use textmill::{
    ArrowError, ArrowMill, Counts, Engine, Error, Fate, Locking, Options, Override, Passed, PluginPlace,
    Plugins, Source, Wanted, WorkerCommand,
};

use crate::arrow::{self, Schema, Table};
use crate::errors;
use crate::record::{self, Failed};

/// Somebody who presses Ctrl-C waits no longer than this and a batch of 256 documents.
const SIGNALS: Duration = Duration::from_millis(100);

/// A pipeline file, with its stages open.
#[pyclass(frozen, module = "textmill._native")]
pub(crate) struct Pipeline {
    engine: Arc<Engine>,
    /// Workers that no thread is using.
    mills: Mutex<Vec<ArrowMill>>,
}

/// What became of a document that is JSON: the number of the one it was made of, if a stage did not emit it; the document as
/// it is then; what became of it, why, and in which stage; its edits.
type Outcome = (Option<usize>, Option<String>, &'static str, Option<String>, Option<String>, Vec<Edit>);

/// An edit: the stage, the rule, the bytes of the text that came to the stage, what was there, what is.
type Edit = (String, String, usize, usize, String, String);

#[pymethods]
impl Pipeline {
    #[new]
    #[pyo3(signature = (path, overrides, locked, plugin_dirs, python))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        overrides: Vec<String>,
        locked: bool,
        plugin_dirs: Vec<PathBuf>,
        python: Option<OsString>,
    ) -> PyResult<Self> {
        let overrides = overrides.into_iter().map(|text| Override::from_str(&text));
        let overrides =
            overrides.collect::<Result<_, _>>().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let locking = if locked { Locking::Require } else { Locking::Warn };
        let options = Options {
            overrides,
            plugins: Plugins { path: PluginPath::from_environment(plugin_dirs), locking },
            worker: python.map(|python| WorkerCommand::new(python, ["-m", "textmill.worker"])),
            ..Options::default()
        };
        let engine = py.detach(move || textmill::open(&path, &options));
        let engine = engine.map_err(|mistakes| errors::mistakes(py, &mistakes))?;
        Ok(Self { engine: Arc::new(engine), mills: Mutex::default() })
    }

    /// What the pipeline file calls it.
    #[getter]
    fn name(&self) -> &str {
        &self.engine.pipeline().name
    }

    /// The ids of its stages, in order.
    #[getter]
    fn stages(&self) -> Vec<&str> {
        self.engine.stages().iter().map(|stage| &*stage.id).collect()
    }

    /// What the input calls the text of a document.
    #[getter]
    fn text_field(&self) -> String {
        self.engine.field_names().in_input("text").to_owned()
    }

    /// What the input calls the id of a document.
    #[getter]
    fn id_field(&self) -> String {
        self.engine.field_names().in_input("id").to_owned()
    }

    /// The ids of the stages that must see more than one document.
    fn comparing(&self) -> Vec<&str> {
        self.engine.stages().iter().filter(|stage| stage.compares()).map(|stage| &*stage.id).collect()
    }

    /// All that it is made of, each with its hash.
    fn identity(&self) -> Vec<(&str, &str)> {
        let made_of = self.engine.provenance();
        let plugins = made_of.plugins.iter().map(|one| (&*one.name, &*one.sha256));
        let resources = made_of.resources.iter().map(|one| (&*one.path, &*one.sha256));
        std::iter::once(("the pipeline file", &*made_of.pipeline)).chain(plugins).chain(resources).collect()
    }

    /// The files that it names: as they are written, where they are, whether it is by a name without a path.
    fn files(&self, py: Python<'_>) -> PyResult<Vec<(String, PathBuf, bool)>> {
        let pipeline = self.engine.pipeline();
        let source = Source { path: pipeline.path.clone(), text: pipeline.text().to_owned() };
        let draft = textmill::parse(source).map_err(|mistakes| errors::mistakes(py, &mistakes))?;
        let loaded = &self.engine.provenance().plugins;
        let plugins = draft.plugins().into_iter().zip(loaded).map(|(spec, loaded)| {
            let is_name = matches!(spec.place, PluginPlace::Name);
            (spec.path, loaded.path.clone(), is_name)
        });
        let resources = pipeline.stages.iter().flat_map(|stage| &stage.resources);
        let resources = resources.map(|one| (one.path.clone(), one.absolute.clone(), false));
        Ok(plugins.chain(resources).collect())
    }

    /// `run.json` of a run that somebody else has driven, who has found so many documents in what was written.
    fn record(
        &self,
        py: Python<'_>,
        counts: &[u8],
        kept: u64,
        dropped: u64,
        failed: u64,
        failures: Vec<Failed>,
    ) -> PyResult<String> {
        let mut counts = if counts.is_empty() { self.engine.no_counts() } else { record::read(py, counts)? };
        (counts.kept, counts.dropped, counts.failed) = (kept, dropped, failed);
        counts.check().map_err(|imbalance| errors::batch(py, &ArrowError::Imbalance(imbalance)))?;
        Ok(record::record(&self.engine, counts, failures).to_json())
    }

    fn process_batch(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        outcome: bool,
        edits: bool,
    ) -> PyResult<Table> {
        let wanted = Wanted { outcome, edits };
        let reader = arrow::rows(data)?.into_reader()?;
        py.detach(|| self.with_mill(|mill| self.process_all(mill, reader, wanted)))
    }

    fn process_json(&self, py: Python<'_>, documents: Vec<String>, edits: bool) -> PyResult<Vec<Outcome>> {
        py.detach(move || self.with_mill(|mill| self.process_documents(mill, &documents, edits)))
    }

    fn schema_for(
        &self,
        py: Python<'_>,
        schema: &Bound<'_, PyAny>,
        outcome: bool,
        edits: bool,
    ) -> PyResult<Schema> {
        let columns = textmill::columns(&self.engine, &arrow::schema(schema)?, Wanted { outcome, edits });
        columns.map(Schema::new).map_err(|misfit| errors::batch(py, &ArrowError::Columns(misfit)))
    }
}

impl Pipeline {
    /// Lends a mill that no other thread has.
    fn with_mill<T>(&self, work: impl FnOnce(&mut ArrowMill) -> PyResult<T>) -> PyResult<T> {
        let idle = self.idle().pop();
        let mut mill = match idle {
            Some(mill) => mill,
            None => ArrowMill::new(Arc::clone(&self.engine)).map_err(|error| failed(&error))?,
        };
        let result = work(&mut mill);
        self.idle().push(mill);
        result
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<ArrowMill>> {
        self.mills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process_all(
        &self,
        mill: &mut ArrowMill,
        reader: Box<dyn RecordBatchReader + Send>,
        wanted: Wanted,
    ) -> PyResult<Table> {
        let columns = textmill::columns(&self.engine, &reader.schema(), wanted);
        let columns = columns.map_err(|misfit| refused(&ArrowError::Columns(misfit)))?;
        let (mut batches, mut counts) = (Vec::new(), Vec::new());
        let mut interrupted = None;
        let mut looked = Instant::now();
        for batch in reader {
            let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
            let mut go_on = || {
                if looked.elapsed() > SIGNALS {
                    interrupted = Python::attach(|py| py.check_signals().err());
                    looked = Instant::now();
                }
                interrupted.is_none()
            };
            let milled = mill.process(batch, wanted, &mut go_on);
            if let Some(interrupt) = interrupted {
                return Err(interrupt);
            }
            let milled = milled.map_err(|error| refused(&error))?;
            batches.extend(milled.batches);
            counts.push(milled.counts);
        }
        Ok(Table::new(columns, batches, counts))
    }

    fn process_documents(
        &self,
        mill: &mut ArrowMill,
        documents: &[String],
        edits: bool,
    ) -> PyResult<Vec<Outcome>> {
        let names = self.engine.field_names();
        let read = documents.iter().enumerate().map(|(number, json)| read(json, number, &names));
        let session = mill.session();
        session.take_counts();
        let passed = session.process(read, edits).map_err(|error| failed(&error))?;
        let mut counts = session.take_counts();
        counts.read = documents.len() as u64;
        let outcomes = passed.into_iter().map(|passed| self.outcome(passed, &mut counts)).collect();
        counts.check().map_err(|imbalance| refused(&ArrowError::Imbalance(imbalance)))?;
        Ok(outcomes)
    }

    fn outcome(&self, passed: Passed<'_>, counts: &mut Counts) -> Outcome {
        let stages = self.engine.stages();
        let id = |stage: usize| Some(stages[stage].id.to_string());
        let edits = passed.edits.into_iter().map(|one| {
            let stage = &stages[one.stage];
            let (rule, span) = (&stage.plan().rules[one.edit.rule].name, one.edit.span);
            (stage.id.to_string(), rule.to_string(), span.start, span.end, one.removed, one.edit.replacement)
        });
        let (outcome, reason, stage) = match (&passed.document, passed.fate) {
            (Err(failure), _) => ("failed", Some(failure.message.clone()), None),
            (Ok(_), Fate::Kept) => ("kept", None, None),
            (Ok(_), Fate::Dropped { stage, rule }) => ("dropped", Some(rule), id(stage)),
            (Ok(_), Fate::Failed { stage, message }) => ("failed", Some(message), id(stage)),
        };
        match outcome {
            "kept" => counts.kept += 1,
            "dropped" => counts.dropped += 1,
            _ => counts.failed += 1,
        }
        let json =
            passed.document.ok().map(|document| String::from_utf8_lossy(&document.to_json()).into_owned());
        (passed.number, json, outcome, reason, stage, edits.collect())
    }
}

/// The document of an object of JSON; where the place of it is asked for, it is its number.
fn read<'c>(json: &'c str, number: usize, names: &'c FieldNames) -> Result<Document<'c>, ReadFailure<'c>> {
    let name = format!("document {number}");
    Document::of_json(json, &name, names).map_err(|message| ReadFailure {
        origin: textmill::io::Origin { file: name.into(), line: None, offset: 0 },
        message,
        original: Cow::Borrowed(json.as_bytes()),
        is_start: false,
        limit: None,
        read_as: ReadAs::default(),
    })
}

fn refused(error: &ArrowError) -> PyErr {
    Python::attach(|py| errors::batch(py, error))
}

fn failed(error: &Error) -> PyErr {
    Python::attach(|py| errors::plain(py, &error.to_string(), None))
}
