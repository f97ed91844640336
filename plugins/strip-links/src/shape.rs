//! What the shape of a line says: where its words begin, whether it is a sentence, a headline, a name, an address.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use textmill_stage::Span;

/// What may stand around a line without being part of it: bullets, arrows, brackets, marks of Markdown.
const DECORATION: &[char] = &[
    '*', '#', '>', '<', '-', '–', '—', '•', '·', '●', '■', '◆', '▶', '►', '▸', '»', '«', '›', '‹', '→', '←',
    '↓', '↑', '|', '[', ']', '(', ')', '{', '}', '※', '【', '】', '▼', '▲', '➤', '➡', '👉', '📢', '🔴', '_',
    '=', '+', '~', '✓', '☞', '■', '\u{fe0f}', '（', '）', '「', '」', '『', '』', '…', '\u{200b}',
    '\u{feff}', '\u{200e}', '\u{200f}', '①', '②', '③',
];

/// Which bytes are white space or decoration: nearly every line begins and ends with a look at one.
const OUTSIDE: [bool; 256] = {
    let mut outside = [false; 256];
    let mut at = 0;
    while at < DECORATION.len() {
        if DECORATION[at].is_ascii() {
            outside[DECORATION[at] as usize] = true;
        }
        at += 1;
    }
    let white = b" \t\n\x0B\x0C\r";
    let mut at = 0;
    while at < white.len() {
        outside[white[at] as usize] = true;
        at += 1;
    }
    outside
};

/// What separates a phrase from what it announces.
const SEPARATORS: &[char] =
    &[':', '：', '|', '｜', '/', '–', '—', '-', '>', '→', '»', '•', '·', '►', '▶', '＞', '﹕', '…', '='];

const DATE_WORDS: &str = include_str!("data/dates.tsv");

/// Where the line's own words stand (bytes), without white space and decoration.
pub(crate) fn core(line: &str) -> Span {
    let outside = |c: char| match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => OUTSIDE[usize::from(byte)],
        _ => c.is_whitespace() || DECORATION.contains(&c),
    };
    // Most lines begin or end with a letter, and a look at a byte says so.
    let bare = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii() && !OUTSIDE[usize::from(*byte)]);
    let bytes = line.as_bytes();
    let start = if bare(bytes.first()) { 0 } else { line.len() - line.trim_start_matches(outside).len() };
    let end = if bare(bytes.last()) { line.len() } else { line.trim_end_matches(outside).len() };
    Span::new(start.min(end), end)
}

/// Whether words of this script are written without spaces between them.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether the text is a full sentence's end: a full stop, behind it perhaps a quote or a bracket.
pub(crate) fn ends_with_stop(text: &str) -> bool {
    let bare = text.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’»)]）」』".contains(c));
    bare.ends_with(['.', '。', '．', '।', '۔', '።', '։']) && !bare.ends_with("..")
}

/// Whether the text ends as a sentence does: as [`ends_with_stop`], or with a mark of question or exclamation.
pub(crate) fn ends_sentence(text: &str) -> bool {
    let bare = text.trim_end_matches(|c: char| c.is_whitespace() || "\"'”’»)]）」』".contains(c));
    ends_with_stop(text) || bare.ends_with(['!', '?', '！', '？', '؟', ';', '…', '.'])
}

/// Whether the text is a sentence, or opens what follows it: a headline ends with neither.
pub(crate) fn is_open_ended(text: &str) -> bool {
    ends_sentence(text) || text.trim_end().ends_with([':', '：', ','])
}

/// Whether the line is a row of a table: as many figures as words, and three at least.
pub(crate) fn is_figures(text: &str) -> bool {
    let is_figure = |word: &&str| word.trim_end_matches('%').ends_with(|c: char| c.is_ascii_digit());
    let figures = text.split_whitespace().filter(is_figure).count();
    figures >= 3 && figures * 3 >= text.split_whitespace().count()
}

/// Whether there are at least two sentences: a full stop with a space and a capital after it.
pub(crate) fn has_inner_stop(text: &str) -> bool {
    let mut before = ('a', 'a', 'a');
    text.chars().any(|c| {
        let (word, stop, space) = before;
        before = (stop, space, c);
        let stopped =
            matches!(stop, '.' | '!' | '?') && space == ' ' && c.is_uppercase() && word.is_lowercase();
        stopped || (matches!(space, '。' | '।' | '۔') && c.is_alphanumeric())
    })
}

/// Whether the text may be a headline: short, opening with no small letter, without a full stop.
pub(crate) fn is_headline(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.chars().count() <= 160
        && !opens_small(text)
        && !ends_with_stop(text)
        && !has_inner_stop(text)
}

/// Whether the first letter is a small one.
pub(crate) fn opens_small(text: &str) -> bool {
    text.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_lowercase)
}

/// What follows a separator, if `rest` opens with one; a hyphen counts only with a space at its side.
pub(crate) fn after_separator(rest: &str) -> Option<&str> {
    let bare = rest.trim_start();
    let after = bare.strip_prefix(SEPARATORS)?;
    let hyphenated = bare.starts_with(['-', '/']) && bare.len() == rest.len() && !after.starts_with(' ');
    (!hyphenated).then(|| after.trim_start_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c)))
}

/// Whether the text may be names: up to `words` words, each with a capital, or joined by small ones of three letters.
pub(crate) fn is_name(text: &str, words: usize) -> bool {
    let mut count = 0;
    let named = text
        .split([' ', '\u{a0}', ',', '/', '|', '•', '·', '&'])
        .filter(|word| !word.is_empty())
        .all(|word| {
            count += 1;
            let first = word.chars().find(|c| c.is_alphanumeric());
            let small = word.chars().count() <= 3;
            first.is_none_or(|first| !first.is_numeric() && (!first.is_lowercase() || small))
        });
    named && (1..=words).contains(&count) && !text.trim().is_empty() && !opens_small(text)
}

/// Whether the line is one address of the web or of mail, and nothing else.
pub(crate) fn is_address(line: &str) -> bool {
    let text = line.trim_start();
    let begins = |scheme: &str| {
        text.as_bytes().get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    text.starts_with(['h', 'H', 'w', 'W'])
        && (begins("http://") || begins("https://") || begins("www."))
        && text.trim_end().len() > 7
        && !text.trim_end().contains(char::is_whitespace)
}

/// Whether the text is a date or a time and nothing else: numbers, one of them a year, or a clock, with words of dates.
pub(crate) fn is_date(text: &str) -> bool {
    // A year and one more number, or a clock and two more.
    if text.len() > 140 || text.bytes().filter(u8::is_ascii_digit).count() < 5 {
        return false;
    }
    let mut numbers = 0;
    let mut year = false;
    let mut clock = false;
    let apart = |c: char| c.is_whitespace() || ",./|()[]-–—•·\u{200e}".contains(c);
    let dated = text.split(apart).filter(|word| !word.is_empty()).all(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.trim_matches(|c: char| c.is_ascii_digit() || c == ':' || c == '+');
        numbers += usize::from(digits > 0);
        year |= digits >= 4 && (word.starts_with("19") || word.starts_with("20"));
        clock |= word.contains(':') && digits >= 3;
        letters.is_empty() || is_date_word(letters)
    });
    dated && ((year && numbers >= 2) || (clock && numbers >= 3)) && text.chars().count() <= 70
}

/// Whether the text has a year, a clock or an age ("2 hours ago") and few other words.
pub(crate) fn is_dated(text: &str) -> bool {
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    let mut when = false;
    let mut others = 0;
    for word in text.split([' ', '\u{a0}', ',', '|', '(', ')', '•', '·']).filter(|word| !word.is_empty()) {
        when |= digits(word) >= 4 || (digits(word) >= 3 && word.contains([':', '.', '/'])) || word == "ago";
        let letters = word.trim_matches(|c: char| !c.is_alphabetic());
        others += usize::from(!letters.is_empty() && digits(word) == 0 && !is_date_word(letters));
    }
    when && others <= 5 && text.chars().count() <= 90
}

fn is_date_word(word: &str) -> bool {
    static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let rows = DATE_WORDS.lines().skip(1).filter_map(|row| row.split_once('\t'));
        rows.flat_map(|(_, words)| words.split(' ')).collect()
    });
    let lower = word.to_lowercase();
    WORDS.contains(lower.as_str()) || WORDS.contains(lower.trim_end_matches('.'))
}
