//! From a pipeline file to what can run, with the place of every mistake.
//!
//! The JSON Schema is the one checker. What a user may write is a set of Rust types with a schema derived from them;
//! the TOML becomes JSON together with a map from each JSON pointer to its bytes in the file; every violation of the
//! schema is then a sentence at those bytes. The options of a stage pass through the same code with the schema of that
//! stage, so a stage that was loaded a moment ago is checked as closely as one that is built in, and an editor that
//! reads [`schema`] finds the same mistakes.
//!
//! There are two types for a pipeline. A [`Draft`] is what was written, and knows no stage yet but which libraries
//! offer them; a [`Pipeline`] is what can run.
//!
//! ```
//! # use std::collections::BTreeMap;
//! use textmill_pipeline::{Source, StageKind, parse};
//!
//! # let folder = std::env::temp_dir().join(format!("textmill-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("news.toml");
//! # std::fs::write(&path, "input.uri = 'articles/'\noutput.uri = 'out/'\n")?;
//! let draft = parse(Source::read(&path)?)?;
//! // The stages that its `draft.plugins()` offer, beside those that are built in.
//! let catalog: BTreeMap<String, StageKind> = BTreeMap::new();
//! let pipeline = draft.resolve(&catalog, &[])?;
//! assert_eq!(pipeline.name, "news");
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod catalog;
mod check;
mod condition;
mod diagnostic;
mod draft;
mod editor;
mod format;
mod golden;
mod isolation;
mod name;
mod overrides;
mod pipeline;
mod sentence;
mod simplify;
mod source;
mod suggest;
mod tree;
mod uri;
mod written;

pub use crate::bytes::parse_bytes;
pub use crate::catalog::{Catalog, StageKind};
pub use crate::check::Checker;
pub use crate::condition::{
    CheckSpec, Comparison, Condition, DocsMetric, Metric, RuleMetric, Severity, StageMetric,
};
pub use crate::diagnostic::{Diagnostic, Diagnostics};
pub use crate::draft::{Draft, parse, parse_max_errors};
pub use crate::editor::schema;
pub use crate::format::{Column, ColumnKind, Compression, Container, InputFormat, OutputFormat};
pub use crate::golden::{Cause, Expect, TestInput, TestSpec};
pub use crate::isolation::OwnProcess;
pub use crate::name::NamePart;
pub use crate::overrides::{Override, OverrideError};
pub use crate::pipeline::{
    FieldNames, Input, InvalidUtf8, Limits, MaxErrors, OnError, Output, Pipeline, PluginPlace, PluginSpec,
    ResourceSpec, Run, StageSpec,
};
pub use crate::source::Source;
pub use crate::suggest::suggestion;
