//! Runs the golden cases of a plugin on its library: those that `textmill_stage::testing::cases` runs in a unit test, for
//! plugins in any language.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};
use textmill_engine::{Engine, Fate, LoadError, Registry, Trace};
use textmill_io::FieldKind;
use textmill_pipeline::Source;
use textmill_stage::testing::{Became, Case, More, check_cases};

/// Why the golden cases of a plugin could not be run, or did not pass.
#[derive(Debug)]
#[non_exhaustive]
pub enum CasesError {
    /// The library cannot be loaded.
    Load(LoadError),
    /// The library does not have the stage that was named, or has several and none was named: those that it has.
    Stage(Vec<String>),
    /// What came out otherwise, or the folder has no case.
    Failed(String),
}

/// Runs the golden cases of a folder on a stage of a library, which may be left unnamed where it is the only one; how many
/// there were. With `update` the expected files are written anew.
///
/// # Errors
/// If the library cannot be loaded or has no such stage, or a case comes out otherwise.
pub fn run_cases(
    library: &Path,
    stage: Option<&str>,
    folder: &Path,
    update: bool,
) -> Result<usize, CasesError> {
    let mut registry = crate::registry();
    let offered = registry.load(library).map_err(CasesError::Load)?.stages.clone();
    let stage = match (stage, offered.as_slice()) {
        (None, [only]) => only.clone(),
        (Some(name), offered) if offered.iter().any(|known| known == name) => name.to_owned(),
        _ => return Err(CasesError::Stage(offered)),
    };
    check_cases(folder, update, &|case| run_case(&registry, &stage, folder, case)).map_err(CasesError::Failed)
}

/// The case as a pipeline of one stage that lies in the folder, so that paths in the options are relative to it.
fn run_case(registry: &Registry, stage: &str, folder: &Path, case: &Case) -> Result<Became, String> {
    let pipeline = json!({ "stage": [{ "uses": stage, "with": case.options }] });
    let text =
        toml::to_string(&pipeline).map_err(|error| format!("TOML cannot hold the options: {error}"))?;
    // Mistakes are shown in these lines, which nobody has written.
    let source = Source { path: folder.join(format!("{}.options.json, as TOML", case.name)), text };
    let draft = textmill_pipeline::parse(source).map_err(|mistakes| mistakes.to_string())?;
    let pipeline = draft.resolve(registry, &[]).map_err(|mistakes| mistakes.to_string())?;
    let engine = Engine::open(pipeline, registry).map_err(|mistakes| mistakes.to_string())?;
    let mut document = case.fields.clone();
    document.insert("text".to_owned(), Value::from(case.text.as_str()));
    let document = Value::Object(document).to_string();
    let trace = engine.trace_json(&document, &case.name).map_err(|error| error.to_string())?;
    Ok(became(&engine, trace))
}

fn became(engine: &Engine, mut trace: Trace) -> Became {
    let writes = &engine.stages()[0].plan().writes;
    let value = |name: &str, text: String| match writes.iter().find(|(field, _)| field == name) {
        Some((_, FieldKind::Text)) | None => Value::from(text),
        Some(_) => serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text)),
    };
    let traced = trace.stages.pop().unwrap_or_default();
    let mut more = More { emitted: traced.emitted, ..More::default() };
    for (name, text) in traced.fields {
        let value = text.map_or(Value::Null, |text| value(&name, text));
        more.fields.insert(name, value);
    }
    let mut text = Some(traced.after);
    match trace.fate {
        Fate::Dropped { rule, .. } => (text, more.dropped) = (None, Some(rule.clone())),
        Fate::Failed { message, .. } => (text, more.failed) = (None, Some(message)),
        Fate::Kept => {}
    }
    Became { text, more }
}

impl fmt::Display for CasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Stage(offered) if offered.is_empty() => f.write_str("the library has no stage"),
            Self::Stage(offered) => {
                let names: Vec<_> = offered.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "the library has the stages {}", names.join(", "))
            }
            Self::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for CasesError {}
