//! The crate from outside: files in a temporary folder, read and written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod ahead;
mod read;
#[cfg(feature = "parquet")]
mod round;
mod shards;
mod splice;
mod suites;
mod util;
mod write;
