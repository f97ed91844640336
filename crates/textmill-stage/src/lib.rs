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
//! [`Stage::new`] is called once for each use of the stage in a pipeline, [`Stage::process`] for each document, by many threads at
//! once. What a stage may do it declares in `new`, and gets a handle for it that it must show in `process`: code without the
//! handle cannot do it, and the host knows what to expect.
//!
//! # The concepts
//!
//! | what you want | declared in `new` | done in `process` |
//! |---|---|---|
//! | [options](Stage::Config), checked before your code runs | | |
//! | [a file](Resource) that an option names | [`Plan::resource`] | |
//! | delete parts of the text | [`Plan::deletes`] | [`Doc::remove`] |
//! | [replace parts of the text](Doc::replace) | [`Plan::rewrites`] | [`Doc::replace`] |
//! | [a whole new text](Doc::rewrite) | [`Plan::rewrites`] | [`Doc::rewrite`] |
//! | [drop the document](Outcome) | [`Plan::drops`] | [`Outcome::Drop`] |
//! | [fields](Value): read, set and remove them | [`Plan::reads`], [`Plan::writes`] | [`Doc::get`], [`Doc::set`], [`Doc::unset`] |
//! | [more documents](Doc::emit) | [`Plan::emits`] | [`Doc::emit`] |
//! | [a number that decided](Doc::score), for reports | | [`Doc::score`] |
//! | [lines, sentences and words](Doc::words) | | [`Doc::lines`], [`Doc::sentences`], [`Doc::words`] |
//! | [say that an option or a document is wrong](Error) | [`Error::config`] | [`Error::document`] |
//! | [buffers](StageWithScratch) that are used again | | [`StageWithScratch::process`] |
//! | [tests](testing) without a host | | |
//! | [a library](export) that `textmill` loads | | |
//!
//! # What happened to a document
//!
//! Whatever a stage asks for takes effect after it has answered: the text in its hands does not change, and all edits speak
//! of that text. An [`Error`] or a panic discards what was asked for: a panic is caught inside the plugin and costs the
//! document in hand, which goes to the `failed` output, and the run goes on.
//!
//! # The log
//!
//! Events of [`tracing`](https://docs.rs/tracing) appear in the log of the host, with their level, their fields and the name of the
//! plugin: warnings unless it runs with `-q`, `info` with `-v`, `debug` with `-vv`. Nothing else is needed, nor a subscriber of your own.
//!
//! ```
//! # use textmill_stage::{Doc, Outcome, Plan, Result, Stage};
//! # /// What it is for.
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # #[serde(deny_unknown_fields)]
//! # struct Config {}
//! # struct Watch;
//! # impl Stage for Watch {
//! #     const NAME: &'static str = "watch";
//! #     type Config = Config;
//! #     fn new(_: Config, _: &mut Plan) -> Result<Self> { Ok(Self) }
//! fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
//!     let lines = doc.lines().count();
//!     if lines > 10_000 {
//!         tracing::warn!(lines, "this is rather a table than a text");
//!     }
//!     Ok(Outcome::Keep)
//! }
//! # }
//! # assert_eq!(textmill_stage::testing::open::<Watch>("{}")?.run(&"1\n".repeat(10_001)).failed, None);
//! # Ok::<(), textmill_stage::Error>(())
//! ```
//!
//! # What a stage may not do
//!
//! Input and output, threads, clocks, random numbers, the environment: equal documents and options give equal answers, on any
//! machine, in any order. Nor does it keep anything from one document to the next, or let the order of a `HashMap` reach an
//! answer. `textmill plugin test` holds a library to all that.

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
    ///
    /// ```
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    /// use textmill_stage::testing::open;
    /// # use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Stage};
    ///
    /// /// Cuts a text after a number of lines.
    /// #[derive(Deserialize, JsonSchema)]
    /// #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
    /// struct Config {
    ///     /// The most lines that stay.
    ///     #[schemars(range(min = 1))]
    ///     max_lines: usize,
    ///     /// Lines without a letter count, too.
    ///     all: bool,
    /// }
    ///
    /// impl Default for Config {
    ///     fn default() -> Self {
    ///         Self { max_lines: 2, all: true }
    ///     }
    /// }
    ///
    /// # struct Cut { config: Config, rest: Deletes }
    /// # impl Stage for Cut {
    /// #     const NAME: &'static str = "cut";
    /// #     type Config = Config;
    /// #     fn new(config: Config, plan: &mut Plan) -> Result<Self> {
    /// #         Ok(Self { config, rest: plan.deletes("rest", "The text has the lines that it may have.") })
    /// #     }
    /// #     fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    /// #         let counts = |text: &str| self.config.all || text.contains(char::is_alphabetic);
    /// #         let lines = doc.lines().filter(|line| counts(line.text)).skip(self.config.max_lines);
    /// #         lines.for_each(|line| doc.remove(line.span, self.rest));
    /// #         Ok(Outcome::Keep)
    /// #     }
    /// # }
    /// assert_eq!(open::<Cut>("{}")?.run("1\n2\n3\n").text, "1\n2\n");
    /// assert_eq!(open::<Cut>(r#"{"max-lines": 1}"#)?.run("1\n2\n3\n").text, "1\n");
    /// assert!(open::<Cut>(r#"{"max_lines": 1}"#).is_err(), "the name has no `_` in a pipeline file");
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    ///
    /// In a pipeline file that is `with = { max-lines = 1 }`. Types other than these, bounds, defaults and doc comments are in the
    /// schema that is made of the type: [`schemars`] says how.
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
///
/// ```
/// use textmill_stage::StageWithScratch;
/// # use textmill_stage::{Doc, Drops, Outcome, Plan, Result};
/// # /// What it is for.
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)]
/// # struct Config {}
///
/// /// Drops texts that say one line twice.
/// struct Repeats(Drops);
///
/// impl StageWithScratch for Repeats {
///     type Scratch = Vec<u64>;
/// #     const NAME: &'static str = "drop-repeats";
/// #     type Config = Config;
/// #     fn new(_: Config, plan: &mut Plan) -> Result<Self> {
/// #         Ok(Self(plan.drops("repeats", "A line stands twice.")))
/// #     }
///
///     fn process(&self, seen: &mut Vec<u64>, doc: &mut Doc<'_>) -> Result<Outcome> {
///         seen.clear();
///         seen.extend(doc.lines().map(|line| hash(line.text)));
///         seen.sort_unstable();
///         let repeats = seen.windows(2).any(|pair| pair[0] == pair[1]);
///         Ok(if repeats { Outcome::Drop(self.0) } else { Outcome::Keep })
///     }
/// }
/// # fn hash(line: &str) -> u64 {
/// #     line.bytes().fold(5381, |hash, byte| hash.wrapping_mul(33) ^ u64::from(byte))
/// # }
///
/// let stage = textmill_stage::testing::open::<Repeats>("{}")?;
/// assert_eq!(stage.run("yes\nno\nyes\n").dropped, Some("repeats"));
/// assert_eq!(stage.run("yes\nno\n").dropped, None);
/// # Ok::<(), textmill_stage::Error>(())
/// ```
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
///
/// ```
/// use textmill_stage::Resource;
/// use textmill_stage::testing::open_with_resources;
/// # use textmill_stage::{Deletes, Doc, Error, Outcome, Plan, Result, Stage};
/// # /// Removes lines that are in a file.
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields, rename_all = "kebab-case")]
/// struct Config {
///     /// A file with the lines to remove.
///     lines: Resource,
/// }
/// # struct StripKnown { known: String, line: Deletes }
/// # impl Stage for StripKnown {
/// #     const NAME: &'static str = "strip-known";
/// #     type Config = Config;
///
/// fn new(config: Config, plan: &mut Plan) -> Result<Self> {
///     let bytes = plan.resource(&config.lines)?.to_owned();
///     let known = String::from_utf8(bytes).map_err(|error| Error::config("/lines", error.to_string()))?;
///     Ok(Self { known, line: plan.deletes("known", "The line is in the file.") })
/// }
/// #     fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
/// #         let known = doc.lines().filter(|line| self.known.lines().any(|known| known == line.text));
/// #         known.for_each(|line| doc.remove(line.span, self.line));
/// #         Ok(Outcome::Keep)
/// #     }
/// # }
///
/// let files: &[(&str, &[u8])] = &[("known.txt", b"Advertisement\n")];
/// let stage = open_with_resources::<StripKnown>(r#"{"lines": "known.txt"}"#, files)?;
/// assert_eq!(stage.run("It rains.\nAdvertisement\n").text, "It rains.\n");
/// # Ok::<(), textmill_stage::Error>(())
/// ```
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
/// ```
/// # mod my_stages {
/// #     use textmill_stage::{Doc, Outcome, Plan, Result, Stage};
/// #     /// Leaves every text alone.
/// #     #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #     #[serde(deny_unknown_fields)]
/// #     pub struct Config {}
/// #     macro_rules! stage {
/// #         ($type:ident, $name:literal) => {
/// #             pub struct $type;
/// #             impl Stage for $type {
/// #                 const NAME: &'static str = $name;
/// #                 type Config = Config;
/// #                 fn new(_: Config, _: &mut Plan) -> Result<Self> { Ok(Self) }
/// #                 fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> { Ok(Outcome::Keep) }
/// #             }
/// #         };
/// #     }
/// #     stage!(StripPrefixed, "strip-prefixed");
/// #     stage!(Shout, "shout");
/// # }
/// textmill_stage::export!(my_stages::StripPrefixed, my_stages::Shout);
/// ```
///
/// The manifest says `[lib] crate-type = ["cdylib"]`; `textmill plugin new` writes all of it, and `textmill plugin build` says where the
/// library is. The stages themselves may be in another crate, from which more than one library takes them: two libraries
/// with an entry cannot be linked into one program.
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
