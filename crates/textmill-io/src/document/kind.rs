//! What a field is declared to be.

use std::fmt;

use crate::json;

/// The type of a field, as stages declare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A string.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number that fits `i64`.
    Int,
    /// Any number.
    Float,
    /// A list of strings.
    Texts,
    /// Anything.
    Json,
}

/// A field is not what a stage declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, by the name that the stage uses.
    pub field: String,
    /// What it should be.
    pub expected: FieldKind,
    /// What it is.
    pub found: String,
}

impl FieldKind {
    /// Whether JSON is of this kind, as [`Document::set`](crate::Document::set) asks.
    ///
    /// # Errors
    /// What it is instead.
    pub fn check(self, json: &str) -> Result<(), String> {
        let is_right = match self {
            Self::Text => json::check_any(json).and_then(|()| json::decode_text(json)).map(|_| true)?,
            Self::Bool => matches!(json, "true" | "false"),
            Self::Int => json.parse::<i64>().is_ok() && json::check_any(json).is_ok(),
            Self::Float => json::describe(json) == "a number" && json::check_any(json).is_ok(),
            Self::Texts => serde_json::from_str::<Vec<String>>(json).is_ok(),
            Self::Json => json::check_any(json).map(|()| true)?,
        };
        if is_right { Ok(()) } else { Err(json::describe(json).to_owned()) }
    }

    pub(super) fn check_text(self) -> Result<(), String> {
        if self == Self::Text { Ok(()) } else { Err("text".to_owned()) }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Bool => "a bool",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Texts => "a list of texts",
            Self::Json => "JSON",
        })
    }
}

impl FieldError {
    pub(super) fn new(field: &str, expected: FieldKind, found: String) -> Self {
        Self { field: field.to_owned(), expected, found }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field `{}` should be {}, found {}", self.field, self.expected, self.found)
    }
}

impl std::error::Error for FieldError {}
