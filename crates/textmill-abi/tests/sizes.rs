//! A struct of another minor version is taken for what it has: longer ones are cut, shorter ones filled up with zeros,
//! and none is read beyond the size that it says.

#![expect(unsafe_code, reason = "`copy` reads what the other side points to")]

use std::mem::offset_of;

use textmill_abi::{Growing, Malformed, Sink, copy};

/// A struct as a later minor version may have it: one field more than in 1.0.
#[repr(C)]
#[derive(Debug, PartialEq)]
struct Later {
    size: usize,
    old: u32,
    older: u32,
    new: usize,
}

// SAFETY: `repr(C)`, all zeros are valid, and version 1.0 ended with `older`.
unsafe impl Growing for Later {
    const SIZE_AT: usize = offset_of!(Later, size);
    const SIZE_1_0: usize = offset_of!(Later, new);
    const FUNCTIONS: &[(&'static str, usize)] = &[];
}

/// Memory of exactly `words` words, so that tools which watch memory see a read behind it.
fn words(words: &[usize]) -> Box<[usize]> {
    words.into()
}

fn check(memory: &[usize], expect: &Result<Later, Malformed>) {
    let memory = words(memory);
    // SAFETY: as many bytes as the first word says.
    let copied = unsafe { copy(memory.as_ptr().cast::<Later>()) };
    assert_eq!(&copied, expect);
}

const PAIR: usize = 7 | (8 << 32);

#[test]
#[cfg(target_pointer_width = "64")]
fn a_struct_of_any_minor_is_taken_for_what_it_has() {
    check(&[24, PAIR, 9], &Ok(Later { size: 24, old: 7, older: 8, new: 9 }));
    check(&[16, PAIR], &Ok(Later { size: 16, old: 7, older: 8, new: 0 }));
    check(&[40, PAIR, 9, 10, 11], &Ok(Later { size: 24, old: 7, older: 8, new: 9 }));
    for size in [0, 1, 8, 15] {
        check(&[size, PAIR], &Err(Malformed::TooSmall(size)));
    }
}

#[test]
fn a_missing_function_is_named() {
    let mut memory = vec![1_usize; Sink::SIZE_1_0 / size_of::<usize>()];
    memory[0] = Sink::SIZE_1_0;
    memory[offset_of!(Sink, rewrite) / size_of::<usize>()] = 0;
    // SAFETY: as many bytes as the first word says; the copy is not made, so nothing takes a 1 for a function.
    let copied = unsafe { copy(memory.as_ptr().cast::<Sink>()) };
    assert_eq!(copied.unwrap_err().to_string(), "without the function `rewrite`");
    memory.truncate(2);
    memory[0] = 2 * size_of::<usize>();
    // SAFETY: as above.
    let copied = unsafe { copy(memory.as_ptr().cast::<Sink>()) };
    assert_eq!(copied.unwrap_err(), Malformed::TooSmall(2 * size_of::<usize>()));
}
