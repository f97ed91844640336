//! Rows of CSV and TSV.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textmill::io::InputFormat;

fuzz_target!(|bytes: &[u8]| {
    let format =
        if bytes.first().is_some_and(|how| how & 16 != 0) { InputFormat::Tsv } else { InputFormat::Csv };
    textmill_fuzz::read(format, "a.csv", bytes);
});
