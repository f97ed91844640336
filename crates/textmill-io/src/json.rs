//! Where the fields of a JSON line are, and whether a value is what a stage asked for.
//!
//! Values are found, not decoded: a field that no stage reads is carried through as bytes, so what it says (a number of
//! forty digits, a lone surrogate) is nobody's business but the reader's of our output.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The depth that `serde_json` makes a tree of, less one.
const MAX_DEPTH: usize = 126;

/// A key, and the bytes of its value in the line.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) value: Range<usize>,
}

/// Finds the fields of a line that must be one JSON object. The error is a sentence for people.
pub(crate) fn scan(line: &str) -> Result<Vec<Entry<'_>>, String> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let entries = deserializer.deserialize_map(Fields(line));
    let entries = entries.and_then(|entries| deserializer.end().map(|()| entries));
    entries.map_err(|error| explain(line, &error))
}

/// Decodes a JSON string of a line that was scanned. Without escapes, it is borrowed.
pub(crate) fn decode_text(json: &str) -> Result<Cow<'_, str>, String> {
    let inside = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inside {
        None => Err(describe(json).to_owned()),
        Some(inside) if memchr::memchr(b'\\', inside.as_bytes()).is_none() => Ok(Cow::Borrowed(inside)),
        Some(inside) if is_decodable_text(json) => Ok(Cow::Owned(unescape(inside))),
        Some(_) => serde_json::from_str(json)
            .map(Cow::Owned)
            .map_err(|error| format!("text that is not valid Unicode ({})", without_place(&error))),
    }
}

/// The text between the quotes of a JSON string in which all escapes are valid and none is half of a surrogate pair.
///
/// `serde_json` gathers it in a buffer that grows, and copies it out: a dozen allocations for a text of some kilobytes.
fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((plain, escape)) =
        memchr::memchr(b'\\', rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        text.push_str(plain);
        let (character, written) = read_escape(escape.as_bytes());
        text.push(character);
        rest = escape.get(written..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The character that a valid escape stands for, and how many bytes it is written in.
fn read_escape(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'u') => (read_hex(escape.get(2..6).unwrap_or_default()), 6),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(other) => (char::from(*other), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn read_hex(digits: &[u8]) -> char {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default();
    let code = digits.iter().fold(0, |code, byte| code * 16 + digit(byte));
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether [`decode_text`] is sure to decode this value of a line that was scanned: it is text, and has no escape that could
/// be half of a surrogate pair, which is the one thing wrong with texts that [`scan`] lets pass.
pub(crate) fn is_decodable_text(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut escapes = memchr::memmem::find_iter(bytes, b"\\u");
    json.starts_with('"') && !escapes.any(|at| matches!(bytes.get(at + 2), Some(b'd' | b'D')))
}

/// How many characters and bytes a text has that is surely one ([`is_decodable_text`]), without decoding it.
pub(crate) fn text_size(json: &str) -> (u64, usize) {
    let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    let (mut chars, mut bytes) = (inside.chars().count(), inside.len());
    let mut rest = inside.as_bytes();
    while let Some(escape) = memchr::memchr(b'\\', rest).and_then(|at| rest.get(at..)) {
        let (character, written) = read_escape(escape);
        chars -= written - 1;
        bytes -= written - character.len_utf8();
        rest = escape.get(written..).unwrap_or_default();
    }
    (chars as u64, bytes)
}

/// The JSON string for `text`.
pub(crate) fn encode_text(text: &str) -> String {
    let mut json = Vec::with_capacity(text.len() + text.len() / 16 + 2);
    write_text(text, &mut json);
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Appends the JSON string for `text`.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a vector takes every byte");
}

/// What kind of JSON this is, for "found a list".
pub(crate) fn describe(json: &str) -> &'static str {
    match json.trim_start().bytes().next() {
        Some(b'"') => "text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a bool",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9') => "a number",
        _ => "no JSON",
    }
}

/// Whether this is one JSON value that a stage can make a tree of: its texts are valid Unicode, and it is not deeper than
/// what `serde_json` reads.
pub(crate) fn check_any(json: &str) -> Result<(), String> {
    let bytes = json.as_bytes();
    let may_have_surrogates = memchr::memmem::find(bytes, b"\\u").is_some();
    let may_be_deep = memchr::memchr2_iter(b'[', b'{', bytes).nth(MAX_DEPTH).is_some();
    let checked = if may_have_surrogates || may_be_deep {
        serde_json::from_str::<serde_json::Value>(json).map(|_| ())
    } else {
        serde_json::from_str::<IgnoredAny>(json).map(|_| ())
    };
    checked.map_err(|error| without_place(&error))
}

/// Whether a valid value has lists and objects within each other to more than so many levels. Most values are no list, and
/// most lists have fewer brackets than that.
pub(crate) fn is_deeper_than(json: &str, levels: usize) -> bool {
    let bytes = json.as_bytes();
    matches!(bytes.first(), Some(b'[' | b'{'))
        && memchr::memchr2_iter(b'[', b'{', bytes).nth(levels).is_some()
        && depth(bytes) > levels
}

/// How many levels of lists and objects a valid value has.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut most, mut in_text) = (0_usize, 0, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => _ = bytes.next(),
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => (),
        }
        most = most.max(depth);
    }
    most
}

/// Collects the fields of the object; values are located by where they lie in the line.
struct Fields<'a>(&'a str);

impl<'a> Visitor<'a> for Fields<'a> {
    type Value = Vec<Entry<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::with_capacity(8);
        while let Some(Key(key)) = map.next_key()? {
            let raw: &'a RawValue = map.next_value()?;
            let start = raw.get().as_ptr() as usize - self.0.as_ptr() as usize;
            entries.push(Entry { key, value: start..start + raw.get().len() });
        }
        Ok(entries)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

/// Says what is wrong with a line, and at which byte of it.
fn explain(line: &str, error: &serde_json::Error) -> String {
    let is_object = line.trim_start().starts_with('{');
    if !is_object && serde_json::from_str::<IgnoredAny>(line).is_ok() {
        return format!("the line is {}, not a JSON object", describe(line));
    }
    format!("the line is not JSON: {} at byte {}", without_place(error), error.column())
}

/// The parser's own words, without "at line 1 column 7": there is only one line.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, &str)]) {
        let entries = scan(line).unwrap();
        let found: Vec<_> =
            entries.iter().map(|entry| (&*entry.key, line.get(entry.value.clone()).unwrap())).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn fields_are_found_where_they_are() {
        check("{}", &[]);
        check(r#"{"a":1}"#, &[("a", "1")]);
        check(
            r#" { "a" : [1, {"b": "}"}] , "\u0062":"x\"y" } "#,
            &[("a", r#"[1, {"b": "}"}]"#), ("b", r#""x\"y""#)],
        );
        check(r#"{"a":null,"a":1e400,"é":"\ud800"}"#, &[("a", "null"), ("a", "1e400"), ("é", r#""\ud800""#)]);
    }

    #[test]
    fn levels_are_counted_outside_of_texts() {
        let check = |json: &str, levels: usize| {
            assert!(!is_deeper_than(json, levels), "{json}");
            assert!(levels == 0 || is_deeper_than(json, levels - 1), "{json}");
        };
        check("\"[[[[\"", 0);
        check("17", 0);
        check("[]", 1);
        check("[[],[],{}]", 2);
        check(r#"{"a[[":"[[\"[[","b":[{"c":1}]}"#, 3);
    }

    fn check_refused(line: &str, message: &str) {
        let found = scan(line).unwrap_err();
        assert!(found.contains(message), "{line}: {found}");
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        check_refused("[1]", "the line is a list, not a JSON object");
        check_refused("\"x\"", "the line is text, not a JSON object");
        check_refused("{\"a\":1", "not JSON: EOF while parsing an object at byte 6");
        check_refused("{\"a\":1} x", "trailing characters at byte 9");
        check_refused("{\"a\" 1}", "expected `:` at byte 6");
        check_refused("hello", "not JSON");
        check_refused("{\"a\":\"tab\there\"}", "control character");
        check_refused("{\"\\ud800\":1}", "hex escape");
    }

    #[test]
    fn what_is_surely_text_can_be_decoded() {
        let sure = [r#""""#, r#""a\n\u00e9\\""#, r#""\\\u2019""#];
        let unsure =
            [r#""\ud83d\ude00""#, r#""\\\uD800""#, r#""\ud800""#, r#""\\ud""#, "1", "null", r#"["a"]"#];
        for json in sure {
            assert!(is_decodable_text(json) && decode_text(json).is_ok(), "{json}");
        }
        for json in unsure {
            assert!(!is_decodable_text(json), "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_are_decoded_as_by_others(
            text in r#"([a-zé€😀 ]|\\\\|\\"|\\[bfnrt/]|\\u00e9|\\u0041|\\u20AC|\\uffff|\\ud83d\\ude00|\\u0000){0,40}"#
        ) {
            let json = format!("\"{text}\"");
            let expected: String = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(decode_text(&json).unwrap(), &*expected);
            if is_decodable_text(&json) {
                proptest::prop_assert_eq!(text_size(&json), (expected.chars().count() as u64, expected.len()));
            }
        }
    }

    #[test]
    fn a_very_deep_value_is_no_recursion() {
        let depth = 1_000_000;
        let line = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(scan(&line).unwrap().len(), 1);
        for (depth, is_fine) in [(1, true), (126, true), (127, true), (128, false), (10_000, false)] {
            let value = "[".repeat(depth) + &"]".repeat(depth);
            assert_eq!(check_any(&value).is_ok(), is_fine, "{depth}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&value).is_ok(), is_fine, "{depth}");
        }
    }
}
