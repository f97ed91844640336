//! The checks that every stage must pass, whatever it does.
//!
//! Each is a promise of the contract: answers do not depend on what a batch holds beside a document, nor on the number of
//! workers; a claim that a stage makes is true on hostile texts too. That edits are ascending, disjoint and on character
//! boundaries is checked by the engine for every document; here such an edit shows as a failed document.

use textmill_engine::{Engine, Fate, Processed};
use textmill_stage::abi;

/// Texts that have broken programs: empty, blank, control characters, line ends of all kinds, combining marks, text from
/// right to left, invisible characters, long lines, many lines, and lines that look like what stages look for.
pub fn hostile_texts() -> Vec<String> {
    let mut texts: Vec<String> = include_str!("hostile.txt").split("\n%%\n").map(unescape).collect();
    texts.push("a".repeat(1 << 20));
    texts.push("word ".repeat(20_000));
    texts.push("line\n".repeat(100_000));
    texts.push("READ MORE: Something Else Happened Today\n\n".repeat(2_000));
    texts
}

/// `\u{...}`, `\r`, `\n`, `\t` and `\0` stand for what they do in Rust.
fn unescape(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        result.push_str(before);
        let mut chars = after.chars();
        let code = match chars.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('0') => '\0',
            Some('u') => {
                let (hex, tail) = after[2..].split_once('}').expect("a closing brace");
                chars = tail.chars();
                u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).expect("a character")
            }
            other => panic!("unknown escape {other:?}"),
        };
        result.push(code);
        rest = chars.as_str();
    }
    result + rest
}
