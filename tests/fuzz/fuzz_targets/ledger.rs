//! Ledgers, and the records of runs, which anybody can have edited.

#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = textmill_fuzz::file("a.ledger.jsonl", bytes);
    _ = textmill::io::read_ledger(&path, &mut |entry| {
        _ = format!("{entry:?}");
        ControlFlow::Continue(())
    });
});
