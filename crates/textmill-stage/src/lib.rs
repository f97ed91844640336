//! Write a stage for textmill.
//!
//! A stage looks at one document at a time and answers with edits, field values, more documents, or a verdict. It has
//! a name, options that say what they are for, and rules: the names of the reasons why it changes anything.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Stage};
//!
//! /// Removes lines that begin with one of the given prefixes.
//! #[derive(Deserialize, JsonSchema, Default)]
//! #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
//! pub struct Config {
//!     /// The prefixes, compared byte for byte.
//!     prefixes: Vec<String>,
//! }
//!
//! pub struct StripPrefixed {
//!     prefixes: Vec<String>,
//!     prefix: Deletes,
//! }
//!
//! impl Stage for StripPrefixed {
//!     const NAME: &'static str = "strip-prefixed";
//!     type Config = Config;
//!
//!     fn new(config: Config, plan: &mut Plan) -> Result<Self> {
//!         let prefix = plan.deletes("prefix", "The line begins with one of the prefixes.");
//!         Ok(Self { prefixes: config.prefixes, prefix })
//!     }
//!
//!     fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
//!         for line in doc.lines() {
//!             if self.prefixes.iter().any(|prefix| line.text.starts_with(prefix)) {
//!                 doc.remove(line.span, self.prefix);
//!             }
//!         }
//!         Ok(Outcome::Keep)
//!     }
//! }
//!
//! let stage = textmill_stage::testing::open::<StripPrefixed>(r#"{"prefixes": ["AD"]}"#)?;
//! assert_eq!(stage.run("one\nAD two\nthree\n").text, "one\nthree\n");
//! # Ok::<(), textmill_stage::Error>(())
//! ```
//!
//! To make a library that `textmill` loads at run time, put this one line into a crate of its own (`crate-type =
//! ["cdylib"]`): `textmill_stage::export!(my_crate::StripPrefixed);`.
//!
//! A panic in `process` costs the document in hand: it is caught inside the plugin, and the run goes on. Events of
//! `tracing` appear in the host's log.

mod doc;
mod error;
mod glue;
mod log;
mod panic;
mod plan;
mod segments;
pub mod testing;
mod value;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
pub use textmill_abi as abi;
pub use textmill_text::{Line, Lines, Span, Word};

pub use crate::doc::{Doc, NewDocument, Outcome};
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::glue::vtable;
#[doc(hidden)]
pub use crate::glue::{PluginInfo, enter};
#[doc(hidden)]
pub use crate::log::forward_events;
pub use crate::plan::{Deletes, Drops, Emits, Plan, Read, Rewrites, Write};
pub use crate::segments::{Sentences, Words};
pub use crate::value::Value;

/// One step of a pipeline.
///
/// A stage is shared by all workers, does no input or output, starts no threads, and keeps no state between documents.
/// One that wants buffers to use again implements [`StageWithScratch`] instead.
pub trait Stage: Send + Sync + Sized + 'static {
    /// The name that a pipeline file uses: kebab-case, a verb.
    const NAME: &'static str;

    /// The options. The doc comment of the type is the stage's manual page, those of its fields explain the options;
    /// `#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]` is how they are refused, spelled and optional.
    type Config: DeserializeOwned + JsonSchema;

    /// Opens the stage: checks what the schema could not, and declares in `plan` what it reads, writes and may do.
    ///
    /// # Errors
    /// [`Error::config`] with the place of the wrong option.
    fn new(config: Self::Config, plan: &mut Plan) -> Result<Self>;

    /// Looks at one document and says what should become of it.
    ///
    /// # Errors
    /// [`Error::document`]: the document goes to the `failed` output, and what was asked for is discarded.
    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome>;
}

/// A [`Stage`] with a scratch value for each worker: buffers that are used again from document to document. Results must
/// not depend on what it holds.
pub trait StageWithScratch: Send + Sync + Sized + 'static {
    /// As [`Stage::NAME`].
    const NAME: &'static str;
    /// As [`Stage::Config`].
    type Config: DeserializeOwned + JsonSchema;
    /// The scratch value; made anew after a panic.
    type Scratch: Default + Send;

    /// As [`Stage::new`].
    ///
    /// # Errors
    /// As [`Stage::new`].
    fn new(config: Self::Config, plan: &mut Plan) -> Result<Self>;

    /// As [`Stage::process`].
    ///
    /// # Errors
    /// As [`Stage::process`].
    fn process(&self, scratch: &mut Self::Scratch, doc: &mut Doc<'_>) -> Result<Outcome>;
}

impl<S: Stage> StageWithScratch for S {
    const NAME: &'static str = S::NAME;
    type Config = S::Config;
    type Scratch = ();

    fn new(config: S::Config, plan: &mut Plan) -> Result<Self> {
        <S as Stage>::new(config, plan)
    }

    fn process(&self, (): &mut (), doc: &mut Doc<'_>) -> Result<Outcome> {
        <S as Stage>::process(self, doc)
    }
}

/// An option that names a file. The host opens it, relative to the pipeline file, and hands over its bytes, so that they
/// can be locked, hashed and shipped; see [`Plan::resource`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Resource(String);

impl JsonSchema for Resource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Resource".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "resource" })
    }
}

/// Exports stages as a plugin: the one line of a `cdylib` crate.
///
/// ```ignore
/// textmill_stage::export!(my_stages::StripPrefixed, my_stages::Shout);
/// ```
///
/// It defines the one symbol that a host looks for. Panics must unwind to be caught, so a crate that is built with
/// `panic = "abort"` does not compile.
#[macro_export]
macro_rules! export {
    ($($stage:ty),+ $(,)?) => {
        #[cfg(panic = "abort")]
        compile_error!("a plugin must be built with `panic = \"unwind\"`, so that a panic costs one document and not the run");

        /// The entry of the plugin.
        ///
        /// # Safety
        /// Called by a textmill host, as `textmill_plugin.h` says.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn textmill_plugin_v1(
            host: *const $crate::abi::Host,
        ) -> *const $crate::abi::Plugin {
            const INFO: $crate::PluginInfo = $crate::PluginInfo {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                license: env!("CARGO_PKG_LICENSE"),
            };
            // SAFETY: the host keeps the contract for the pointer that it passes.
            unsafe { $crate::enter(host, &INFO, &[$($crate::vtable::<$stage>),+]) }
        }
    };
}
