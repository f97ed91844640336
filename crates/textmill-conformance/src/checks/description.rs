//! What a stage says of itself, and how it takes options.

use std::path::PathBuf;

use serde_json::{Value, json};
use textmill_engine::{OpenError, OpenedStage};

use crate::bench::{Case, told};
use crate::report::{Finding, Outcome, Pass};
use crate::tester::Options;

pub(super) fn description(case: &Case<'_>) -> Outcome {
    let summary = case.kind.summary.trim();
    if summary.is_empty() || summary.contains('\n') {
        return Err(Finding::new("the summary of the stage is not one line"));
    }
    let stage = case.open()?;
    if let Some(rule) = stage.plan().rules.iter().find(|rule| rule.summary.trim().is_empty()) {
        return Err(Finding::new(format!(
            "the rule `{}` does not say in a sentence what it changes",
            rule.name
        )));
    }
    let again = case.open()?;
    let plan = |stage: &OpenedStage| format!("{:?}", stage.plan());
    if plan(&stage) != plan(&again) {
        return Err(Finding::new(
            "opened twice with the same options, the stage describes itself in two ways",
        ));
    }
    let rules: Vec<_> = stage.plan().rules.iter().map(|rule| &*rule.name).collect();
    Ok(Pass::Holds((!rules.is_empty()).then(|| format!("rules: {}", rules.join(", ")))))
}

pub(super) fn schema(case: &Case<'_>) -> Outcome {
    let schema = &case.kind.schema;
    if !schema.is_object() {
        return Err(Finding::new("the schema of the options is not an object"));
    }
    if let Some(dialect) = schema.get("$schema").filter(|dialect| **dialect != json!(DIALECT)) {
        return Err(Finding::new(format!("the schema says `$schema` is {dialect}, and not `{DIALECT}`")));
    }
    jsonschema::draft202012::meta::validate(schema).map_err(|error| {
        Finding::new(format!(
            "the schema is no JSON Schema 2020-12: {error} (at `{}`)",
            error.instance_path()
        ))
    })?;
    let checker = case.checker()?;
    let others = [json!(null), json!([]), json!("text"), json!(1), json!(true)];
    if let Some(other) = others.iter().find(|other| checker.violations(other).is_empty()) {
        let hint = "it needs `\"type\": \"object\"`";
        return Err(Finding::new(format!(
            "the schema allows {other} for the options, which are an object: {hint}"
        )));
    }
    Ok(Pass::Holds(None))
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(super) fn options(case: &Case<'_>) -> Outcome {
    let checker = case.checker()?;
    let _opens = case.open()?;
    for (number, example) in case.examples().into_iter().enumerate() {
        let refuse =
            |why: String| Finding::new(format!("example {} of the schema, {example}, {why}", number + 1));
        if let Some(violation) = checker.violations(&example).first() {
            return Err(refuse(format!("does not keep the schema: {violation}")));
        }
        // Files of an example are the author's own.
        if checker.resources(&example).is_empty() {
            let opened = open(case, &example);
            opened.map_err(|error| refuse(format!("does not open the stage: {}", told(&error))))?;
        }
    }
    Ok(Pass::Holds(None))
}

pub(super) fn wrong_options(case: &Case<'_>) -> Outcome {
    let options = case.default_options()?.value;
    let mut wrong = vec![(with(&options, UNKNOWN, json!(1)), true)];
    let properties = case.kind.schema.get("properties").and_then(Value::as_object);
    for name in properties.into_iter().flat_map(|properties| properties.keys()) {
        wrong.extend(values().map(|value| (with(&options, name, value), false)));
    }
    let (mut by_schema, mut by_stage) = (0, 0);
    for (options, is_unknown) in &wrong {
        match refused(case, options)? {
            By::Schema => by_schema += 1,
            By::Stage => by_stage += 1,
            By::Nobody if *is_unknown => {
                return Err(Finding::new(format!(
                    "an unknown key is not refused: the stage opens with {options}; \
                     `\"additionalProperties\": false` in the schema refuses it"
                )));
            }
            // A value of this type may be meant.
            By::Nobody => (),
        }
    }
    Ok(Pass::Holds(Some(format!("{by_schema} refused by the schema, {by_stage} by the stage"))))
}

const UNKNOWN: &str = "no-such-option";

/// A value of each type, of which no option takes all.
fn values() -> impl Iterator<Item = Value> {
    [json!(true), json!(-1.5e300), json!("\0"), json!([[[]]]), json!({"no-such": [null]}), json!(null)]
        .into_iter()
}

fn with(options: &Value, name: &str, value: Value) -> Value {
    let mut options = options.clone();
    options[name] = value;
    options
}

/// Who refuses options.
enum By {
    Schema,
    Stage,
    Nobody,
}

fn refused(case: &Case<'_>, options: &Value) -> Result<By, Finding> {
    let checker = case.checker()?;
    if !checker.violations(options).is_empty() || !checker.resources(options).is_empty() {
        return Ok(By::Schema);
    }
    let Err(error) = open(case, options) else { return Ok(By::Nobody) };
    let message = told(&error);
    if message.starts_with("panicked") {
        return Err(Finding::new(format!(
            "with {options} the stage panics, and does not say what is wrong: {message}"
        )));
    }
    let is_silent = matches!(&error, OpenError::Plugin(message) if message.contains("did not say why"));
    if message.trim().is_empty() || is_silent {
        return Err(Finding::new(format!("the stage refuses {options} without a message")));
    }
    Ok(By::Stage)
}

fn open(case: &Case<'_>, options: &Value) -> Result<OpenedStage, OpenError> {
    case.open_with(&Options { value: options.clone(), folder: PathBuf::new() })
}
