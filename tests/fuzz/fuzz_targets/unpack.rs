//! Compressed files: what is packed here is read as it was, with damage in it or without; and what only looks packed is no harm.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textmill::io::InputFormat;

/// What files of each kind begin with.
const MAGIC: [&[u8]; 5] =
    [b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18"];

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else { return };
    let magic = MAGIC[usize::from(how >> 4) % MAGIC.len()];
    let packed = if how & 128 == 0 { [&[*how], magic, rest].concat() } else { bytes.to_vec() };
    textmill_fuzz::read(InputFormat::Jsonl, "a", &packed);
});
