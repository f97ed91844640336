//! Where documents come from and where they go: files, folders, globs and pipes; text and JSON lines; gzip and
//! Zstandard.
//!
//! A [`Reader`] cuts the input into [`Chunk`]s, which is a matter of finding line ends; a worker makes [`Document`]s of a
//! chunk, which is where the parsing is. A document borrows from its chunk, remembers the bytes it was read from, and is
//! written as those very bytes if nobody changed it; if somebody did, only the changed values are written anew, in their
//! place. An [`Encoder`] turns documents into bytes in the worker too, so that all that is left for the one thread that
//! owns the [`Output`] is to hash them and to write them in order.
//!
//! The output appears under its final name when it is whole: it is built in a hidden folder beside that name, which also
//! says whose it is, and [`Output::publish`] renames it. What is not ours is refused.
//!
//! | input | output |
//! |---|---|
//! | [`Input`] finds the files | [`Encoder`] makes bytes, in parallel |
//! | [`Reader`] cuts them into [`Chunk`]s, in order | [`Output`] stages the bytes, in order |
//! | [`Chunk::documents`] parses, in parallel | [`Output::publish`] makes them appear |
//!
//! Nothing here prints, starts a thread, or knows what a stage is.

mod budget;
mod cell;
mod columns;
mod csv;
mod document;
mod error;
mod format;
mod input;
mod journal;
mod json;
mod ledger;
mod limits;
pub mod markdown;
mod names;
mod output;
mod plugin_path;
mod snapshot;
mod stdout;
mod step;
#[cfg(not(feature = "parquet"))]
#[path = "no_table.rs"]
mod table;
#[cfg(feature = "parquet")]
mod table;

mod warc;

pub use crate::budget::{Budget, Permit, machine_memory};
pub use crate::columns::{Column, InputColumns};
pub use crate::document::{Document, FieldError, FieldKind, Origin};
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::format::{Compression, InputFormat, InvalidUtf8, OutputFormat};
pub use crate::input::{
    Ahead, Chunk, Counts, Documents, FailedDocument, FailedDocuments, Input, InputDigest, InputFile,
    InputOptions, ReadAs, ReadFailure, Reader, Sameness, Seen, Shard, Stamps,
};
pub use crate::journal::{Journal, Key, KeyMaker, Packed};
pub use crate::ledger::{LedgerEntry, ledger_value_as_json, read_ledger};
pub use crate::limits::{Limit, Limits};
pub use crate::names::FieldNames;
pub use crate::output::{
    Body, EncodedBatch, Encoder, FOLDER, HashedFile, Join, MadeFrom, NamePart, Output, OutputOptions,
    Published, PublishedFile, REPORT_FILE, RUN_FILE, Refused, Rejected, Stays, Why, are_of_one_run, files_of,
    is_there, retried, state_folder,
};
pub use crate::plugin_path::PluginPath;
pub use crate::snapshot::{Snapshot, replace_file, sha256, sha256_of_file};
pub use crate::stdout::{claim_stdout, stdout};
#[cfg(feature = "parquet")]
pub use arrow_schema::SchemaRef;

#[cfg(feature = "parquet")]
pub use crate::table::{Misfit, Rows, RowsBuilder, RowsPlan};
