//! Values against a JSON Schema, every violation at its place.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::sentence::{self, Scope};
use crate::simplify::simplify;

/// A JSON Schema, ready to check values against: that of a pipeline file, or of the options of a stage.
#[derive(Debug)]
pub struct Checker {
    schema: Value,
    validator: Validator,
}

impl Checker {
    /// # Errors
    /// If the schema is none, or refers to another file or address.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let schema = simplify(schema);
        let validator = jsonschema::options()
            .offline()
            // Without a check of its own the format would not be told by `resources`.
            .with_format(RESOURCE, |_: &str| true)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        Ok(Self { schema, validator })
    }

    /// All violations, in the words of the library that finds them, with pointers to where they are; none if the value fits.
    pub fn violations(&self, value: &Value) -> Vec<String> {
        let told = |error: ValidationError<'_>| match (error.instance_path().as_str(), error.kind()) {
            // Of a schema without any key the place of the value is not told.
            (_, ValidationErrorKind::FalseSchema) => {
                format!("there is no key for the value {}", error.instance())
            }
            ("", _) => error.to_string(),
            (pointer, _) => format!("{error}, at `{pointer}`"),
        };
        self.validator.iter_errors(value).map(told).collect()
    }

    /// Options to try a stage with: `{}`, or the first example of the schema, that fit it and name no file. `None` if there
    /// are no such.
    pub fn sample(&self) -> Option<Value> {
        let examples = self.schema.get("examples").and_then(Value::as_array).into_iter().flatten().cloned();
        std::iter::once(serde_json::json!({}))
            .chain(examples)
            .find(|value| self.validator.is_valid(value) && self.resources(value).is_empty())
    }

    /// All violations, as sentences.
    pub(crate) fn check(&self, value: &Value, scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
        let errors: Vec<ValidationError<'_>> = self.validator.iter_errors(value).collect();
        for error in telling(&errors) {
            sentence::tell(error, &self.schema, scope, found);
        }
    }

    /// Pointers to the strings whose schema says `"format": "resource"`, in order, and the strings.
    pub fn resources(&self, value: &Value) -> Vec<(String, String)> {
        let evaluation = self.validator.evaluate(value);
        let mut found: Vec<(String, String)> = evaluation
            .iter_annotations()
            .filter(|entry| {
                entry.schema_location.ends_with("/format") && entry.annotations.value() == RESOURCE
            })
            .map(|entry| entry.instance_location.as_str().to_owned())
            .filter_map(|pointer| Some((value.pointer(&pointer)?.as_str()?.to_owned(), pointer)))
            .map(|(path, pointer)| (pointer, path))
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

/// The format of an option that names a file for the host to open.
const RESOURCE: &str = "resource";

/// The errors that say something: a value of the wrong type breaks other rules too, and those are no news.
pub(crate) fn telling<'a, 'v>(errors: &'a [ValidationError<'v>]) -> Vec<&'a ValidationError<'v>> {
    let mistyped: Vec<&str> =
        errors.iter().filter(|error| is_type(error)).map(|error| error.instance_path().as_str()).collect();
    errors
        .iter()
        .filter(|error| is_type(error) || !mistyped.contains(&error.instance_path().as_str()))
        .collect()
}

pub(crate) fn is_type(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(_) | TypeKind::Multiple(_) })
}
