//! HTML entities, decoded.

use memchr::memchr;

use crate::edit::{Edit, part};
use crate::mojibake;

pub(crate) const SUMMARY: &str =
    "An HTML entity that ends with a semicolon, or entities in entities like `&amp;lt;`.";

/// The longest name, `&CounterClockwiseContourIntegral;`, has 33 bytes; numbers get the same room.
const MAX_LEN: usize = 33;

/// Finds entities. Only with the semicolon: without it `&copy=2` in an address would be one. An entity that decodes to
/// `&` is read on with what follows it, in the same pass, so that any depth of `&amp;amp;` costs one pass.
pub(crate) fn find(text: &str, edits: &mut Vec<Edit>) {
    let mut at = 0;
    let mut last_end = usize::MAX;
    while let Some(start) = memchr(b'&', part(text, at, text.len()).as_bytes()).map(|found| at + found) {
        at = start + 1;
        let Some((len, mut decoded)) = decode(part(text, start, text.len())) else { continue };
        let mut end = start + len;
        while decoded == "&" {
            let Some((more, inner)) = decode_behind_ampersand(part(text, end, text.len())) else { break };
            end += more;
            decoded = inner;
        }
        at = end;
        if start == last_end || !completes_mojibake(text, start, &decoded) {
            edits.push(Edit::new(start, end, decoded));
            last_end = end;
        }
    }
}

/// The length of the entity at the start of `text`, and what it stands for.
fn decode(text: &str) -> Option<(usize, String)> {
    let len = memchr(b';', text.as_bytes().get(..text.len().min(MAX_LEN))?)? + 1;
    let entity = text.get(..len)?;
    if !is_whole(entity) {
        return None;
    }
    let decoded = htmlize::unescape_attribute(entity);
    let known = decoded != entity && !decoded.contains('\u{fffd}');
    known.then(|| (len, decoded.into_owned()))
}

/// As [`decode`], for a text whose `&` was itself an entity: `lt;` of `&amp;lt;`.
fn decode_behind_ampersand(text: &str) -> Option<(usize, String)> {
    let len = memchr(b';', text.as_bytes().get(..text.len().min(MAX_LEN))?)? + 1;
    let (_, decoded) = decode(&format!("&{}", text.get(..len)?))?;
    Some((len, decoded))
}

/// Whether the semicolon belongs to the entity, as it does not in `&#12a;`.
fn is_whole(entity: &str) -> bool {
    let Some(name) = entity.strip_prefix('&').and_then(|rest| rest.strip_suffix(';')) else { return false };
    let all = |digits: &str, is: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|byte| is(&byte));
    match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => all(hex, u8::is_ascii_hexdigit),
            None => all(number, u8::is_ascii_digit),
        },
        None => all(name, u8::is_ascii_alphanumeric),
    }
}

/// Whether the decoded character and the literal one before it would look like mojibake. Then one half of the sequence was
/// escaped and the other was not, and which of them is wrong cannot be known: the entity is left.
fn completes_mojibake(text: &str, start: usize, decoded: &str) -> bool {
    let before = part(text, 0, start).chars().next_back().filter(|before| !before.is_ascii());
    let Some((before, after)) = before.zip(decoded.chars().next()) else { return false };
    !after.is_ascii() && mojibake::is_bad(&String::from_iter([before, after]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::check_step;

    fn check(text: &str, expect: &str) {
        check_step(find, text, expect);
    }

    #[test]
    fn names_and_numbers_are_decoded() {
        check("R&amp;D &lt;now&gt; caf&eacute;", "R&D <now> café");
        check("&#233;&#xE9;&#XE9;&#8217;", "ééé’");
        check("&CounterClockwiseContourIntegral;", "∳");
        check("&#150; &#x80;", "– €");
        check("&NotEqualTilde;", "≂̸");
        check("&semi;&#59;", ";;");
        check("&Atilde;&copy;", "Ã©");
    }

    #[test]
    fn any_depth_is_one_pass() {
        check("&amp;amp;amp;lt;", "<");
        check("&#38;#38;#x26;amp; &amp;", "& &");
        check("&amp;nothing;", "&nothing;");
        check("&amp;&amp;", "&&");
    }

    #[test]
    fn what_is_no_entity_stays() {
        for text in [
            "a & b",
            "&copy=2",
            "?a=1&lt=2;",
            "&notit;",
            "&foo;",
            "&;",
            "&#;",
            "&#x;",
            "&#12a;",
            "&#0;",
            "&#xD800;",
        ] {
            check(text, text);
        }
        check(&"&#0".repeat(99), &"&#0".repeat(99));
    }

    #[test]
    fn half_of_a_mojibake_stays() {
        check("5Î&frac14;m", "5Î&frac14;m");
        check("voilà&nbsp;! É&eacute;", "voilà\u{a0}! Éé");
    }
}
