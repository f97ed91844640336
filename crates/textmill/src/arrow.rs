//! Batches of Arrow through a pipeline: for whoever embeds textmill in a program that has data frames.
//!
//! A batch comes out with the columns that it came in with, and those that stages add behind them. Columns that say what
//! became of each document are there for whoever asks; then every row that went in comes out, because a document that was
//! dropped or that failed is told of by its row as it was.

use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use textmill_engine::{Counts, Engine, Error, Fate, Imbalance, Passed, Session, StageEdit};
use textmill_io::{Misfit, Rows, RowsBuilder, RowsPlan};

/// The columns that say what became of a document: `kept`, `dropped` or `failed`; the rule or the error; the stage.
pub const OUTCOME_COLUMNS: [&str; 3] = ["_outcome", "_reason", "_stage"];

/// The column that lists the edits of a document.
const EDITS: &str = "_edits";

/// How many documents pass the stages at once, as in a run.
const AT_ONCE: usize = 256;

/// A batch of more text (bytes) comes out as several, because an array of strings holds 2 GiB at most.
const MOST_BYTES: usize = 1 << 30;

/// The columns that are asked for beside those of the documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// [`OUTCOME_COLUMNS`], and a row for each document that did not come through.
    pub outcome: bool,
    /// `_edits`: what the stages did to the text of each document, in order.
    pub edits: bool,
}

/// Passes batches of Arrow through a pipeline, on one thread at a time.
#[derive(Debug)]
pub struct ArrowMill {
    session: Session,
    /// That of the schema that was seen last.
    plan: Option<Arc<RowsPlan>>,
}

/// What a batch became.
#[derive(Clone, Debug)]
pub struct Milled {
    /// The rows: one batch, unless there is more text than one can hold.
    pub batches: Vec<RecordBatch>,
    /// What happened to the documents.
    pub counts: Counts,
}

/// Why a batch could not be processed. That a document cannot is no such error.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArrowError {
    /// The pipeline cannot work with these columns.
    Columns(Misfit),
    /// Arrow cannot lay out the rows.
    Layout(std::io::Error),
    /// A stage cannot be used.
    Engine(Error),
    /// The documents do not add up.
    Imbalance(Imbalance),
    /// The caller asked to stop.
    Stopped,
}

/// The columns that batches of this schema come out with.
///
/// # Errors
/// There is no text, or a stage sets what a column cannot hold.
pub fn columns(engine: &Engine, input: &SchemaRef, wanted: Wanted) -> Result<SchemaRef, Misfit> {
    let plan = engine.rows_plan(input)?;
    check_names(input, wanted)?;
    Ok(with_wanted(plan.output(), wanted))
}

impl ArrowMill {
    /// Makes a worker of each stage.
    ///
    /// # Errors
    /// A stage makes none.
    pub fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        Ok(Self { session: Session::new(engine)?, plan: None })
    }

    /// The same stages for documents that are no rows.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Passes a batch through all stages. Now and then `go_on` is asked whether to.
    ///
    /// # Errors
    /// The columns are none that the pipeline can work with, or the machinery around the documents breaks. A document with
    /// which anything is wrong is a row of the result.
    pub fn process(
        &mut self,
        batch: RecordBatch,
        wanted: Wanted,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Milled, ArrowError> {
        check_names(batch.schema_ref(), wanted).map_err(ArrowError::Columns)?;
        let plan = self.plan_of(batch.schema_ref())?;
        let rows = Rows::new(Arc::clone(&plan), batch, "batch").map_err(ArrowError::Layout)?;
        // A batch that broke off before has left its counts.
        self.session.take_counts();
        let engine = Arc::clone(self.session.engine());
        let mut gathered = Gathered::new(&engine, &plan, rows.builder(), wanted);
        for start in (0..rows.len()).step_by(AT_ONCE) {
            if !go_on() {
                return Err(ArrowError::Stopped);
            }
            let documents = rows.documents(start..rows.len().min(start + AT_ONCE));
            let passed = self.session.process(documents, wanted.edits).map_err(ArrowError::Engine)?;
            passed
                .into_iter()
                .try_for_each(|passed| gathered.take(start, passed))
                .map_err(ArrowError::Layout)?;
        }
        let (batches, ends) = gathered.finish().map_err(ArrowError::Layout)?;
        let mut counts = self.session.take_counts();
        counts.read = rows.len() as u64;
        counts += &ends;
        counts.check().map_err(ArrowError::Imbalance)?;
        Ok(Milled { batches, counts })
    }

    fn plan_of(&mut self, schema: &SchemaRef) -> Result<Arc<RowsPlan>, ArrowError> {
        if let Some(plan) = self.plan.as_ref().filter(|plan| plan.input() == schema) {
            return Ok(Arc::clone(plan));
        }
        let plan = self.session.engine().rows_plan(schema).map_err(ArrowError::Columns)?;
        Ok(Arc::clone(self.plan.insert(Arc::new(plan))))
    }
}

/// The documents that have passed the stages, as rows.
struct Gathered<'r> {
    engine: &'r Engine,
    rows: RowsBuilder<'r>,
    schema: SchemaRef,
    wanted: Wanted,
    outcomes: [StringBuilder; 3],
    edits: ListBuilder<StructBuilder>,
    batches: Vec<RecordBatch>,
    /// What became of the documents, counted where they are laid out.
    ends: Counts,
}

impl<'r> Gathered<'r> {
    fn new(engine: &'r Engine, plan: &RowsPlan, rows: RowsBuilder<'r>, wanted: Wanted) -> Self {
        let (outcomes, edits) = (Default::default(), edits_builder());
        let schema = with_wanted(plan.output(), wanted);
        Self { engine, rows, schema, wanted, outcomes, edits, batches: Vec::new(), ends: Counts::default() }
    }

    /// Lays out a document of those from row `start` on.
    fn take(&mut self, start: usize, passed: Passed<'_>) -> std::io::Result<()> {
        let row = passed.number.map(|number| start + number);
        let id = |stage: usize| Some(self.engine.stages()[stage].id.to_string());
        let (outcome, reason, stage) = match (&passed.document, passed.fate) {
            (Err(failure), _) => ("failed", Some(failure.message.clone()), None),
            (Ok(_), Fate::Dropped { stage, rule }) => ("dropped", Some(rule), id(stage)),
            (Ok(_), Fate::Failed { stage, message }) => ("failed", Some(message), id(stage)),
            (Ok(document), Fate::Kept) => match self.rows.keep(document, row) {
                Ok(()) => ("kept", None, None),
                Err(message) => {
                    self.ends.refused += 1;
                    ("failed", Some(message), None)
                }
            },
        };
        match outcome {
            "kept" => self.ends.kept += 1,
            "dropped" => self.ends.dropped += 1,
            _ => self.ends.failed += 1,
        }
        if outcome != "kept" {
            if !self.wanted.outcome {
                return Ok(());
            }
            match (row, &passed.document) {
                (Some(row), _) => self.rows.restore(row),
                // What was read by nobody has no row to be told of by, but itself.
                (None, Ok(document)) => {
                    self.rows.keep(document, None).unwrap_or_else(|_| self.rows.leave_empty());
                }
                (None, Err(_)) => self.rows.leave_empty(),
            }
        }
        self.note([Some(outcome.to_owned()), reason, stage], &passed.edits);
        if self.rows.bytes() > MOST_BYTES { self.cut() } else { Ok(()) }
    }

    fn note(&mut self, outcome: [Option<String>; 3], edits: &[StageEdit]) {
        if self.wanted.outcome {
            self.outcomes.iter_mut().zip(outcome).for_each(|(column, value)| column.append_option(value));
        }
        if self.wanted.edits {
            for edit in edits {
                push_edit(self.edits.values(), self.engine, edit);
            }
            self.edits.append(true);
        }
    }

    /// Ends a batch.
    fn cut(&mut self) -> std::io::Result<()> {
        let mut columns = self.rows.finish()?.columns().to_vec();
        if self.wanted.outcome {
            columns.extend(self.outcomes.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        }
        if self.wanted.edits {
            columns.push(Arc::new(self.edits.finish()));
        }
        self.batches
            .push(RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(std::io::Error::other)?);
        Ok(())
    }

    /// All batches, and at least one.
    fn finish(mut self) -> std::io::Result<(Vec<RecordBatch>, Counts)> {
        if !self.rows.is_empty() || self.batches.is_empty() {
            self.cut()?;
        }
        Ok((self.batches, self.ends))
    }
}

fn check_names(input: &Schema, wanted: Wanted) -> Result<(), Misfit> {
    let added = with_wanted(&Arc::new(Schema::empty()), wanted);
    match added.fields().iter().find(|field| input.fields().find(field.name()).is_some()) {
        None => Ok(()),
        Some(taken) => Err(Misfit {
            message: format!("there is a column `{}` already", taken.name()),
            hint: Some("leave it out, or give it another name"),
        }),
    }
}

fn with_wanted(schema: &SchemaRef, wanted: Wanted) -> SchemaRef {
    let outcome = OUTCOME_COLUMNS.iter().filter(|_| wanted.outcome);
    let outcome = outcome.map(|name| Arc::new(Field::new(*name, DataType::Utf8, true)));
    let edits = wanted.edits.then(|| {
        let item = Field::new_list_field(DataType::Struct(edit_fields()), true);
        Arc::new(Field::new_list(EDITS, item, true))
    });
    let fields: Vec<FieldRef> = schema.fields().iter().cloned().chain(outcome).chain(edits).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// An edit: who made it under which rule; which bytes of the text that came to the stage; what was there, what is.
fn edit_fields() -> Fields {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Int64, true);
    [text("stage"), text("rule"), number("start"), number("end"), text("removed"), text("added")]
        .into_iter()
        .collect()
}

fn edits_builder() -> ListBuilder<StructBuilder> {
    ListBuilder::new(StructBuilder::from_fields(edit_fields(), 0))
}

fn push_edit(into: &mut StructBuilder, engine: &Engine, one: &StageEdit) {
    let stage = &engine.stages()[one.stage];
    let rule = &stage.plan().rules[one.edit.rule].name;
    let texts = [(0, &*stage.id), (1, &**rule), (4, &*one.removed), (5, &*one.edit.replacement)];
    for (column, text) in texts {
        into.field_builder::<StringBuilder>(column).expect("it was made so").append_value(text);
    }
    for (column, number) in [(2, one.edit.span.start), (3, one.edit.span.end)] {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        into.field_builder::<Int64Builder>(column).expect("it was made so").append_value(number);
    }
    into.append(true);
}

impl ArrowError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Columns(misfit) => misfit.hint,
            _ => None,
        }
    }
}

impl fmt::Display for ArrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns(misfit) => misfit.fmt(f),
            Self::Layout(error) => write!(f, "the documents cannot be laid out as columns: {error}"),
            Self::Engine(error) => error.fmt(f),
            Self::Imbalance(imbalance) => imbalance.fmt(f),
            Self::Stopped => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for ArrowError {}
