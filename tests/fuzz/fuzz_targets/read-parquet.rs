//! Parquet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textmill::io::InputFormat;

fuzz_target!(|bytes: &[u8]| textmill_fuzz::read(InputFormat::Parquet, "a.parquet", bytes));
