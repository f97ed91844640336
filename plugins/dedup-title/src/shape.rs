//! Whether a line looks like a title: what a document's first line must be to become its `title`.
//!
//! A wrong title is worse than none, so every doubt says no: a sentence, a label of one or two words, a date, a byline,
//! a link, a line of a verse or of a letter, the first line of a wrapped paragraph.

use textmill_text::{Line, lines};

use crate::headline::is_unspaced;

/// Titles are shorter (characters): of 1,900 headlines of 41 countries the longest has 187.
const LONGEST: usize = 200;
/// A title that nothing else bears out has so many words; in scripts without spaces, characters.
const FEWEST_WORDS: usize = 3;
const FEWEST_CHARACTERS: usize = 6;

/// A byline has at most so many words.
const BYLINE_WORDS: usize = 5;
/// Words that begin a byline.
const BYLINES: [&str; 12] =
    ["by", "von", "par", "por", "di", "door", "av", "af", "przez", "oleh", "author:", "autor:"];

/// Whether the line ends as a sentence does that states something. A question or a call can be a title.
pub(crate) fn is_statement(line: &str) -> bool {
    let bare =
        line.trim_end().trim_end_matches(['"', '\'', '”', '’', '»', '“', '」', '』', ')', '）', '*', '_']);
    bare.ends_with(['.', '。', '．', '｡', '।', '۔', '።', '။', '។', '…'])
}

/// Whether the line can be a title at all.
pub(crate) fn can_be_title(line: &str) -> bool {
    let line = line.trim();
    // A text of one line is not read to its end for what its first two hundred characters tell.
    if line.chars().nth(LONGEST).is_some() {
        return false;
    }
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    let digits = line.chars().filter(|c| c.is_numeric()).count();
    letters > 0
        && letters >= 2 * digits
        && !is_statement(line)
        && !line.ends_with([',', ';', ':', '，', '、', '：'])
        && !line.starts_with(['#', '[', '*', '-', '–', '•', '>', '<', '|', '=', '{'])
        && !line.contains("://")
        && !line.contains('@')
}

/// Whether the first line of `text`, which stands alone there, is its title: it has the words of one, and an article
/// follows.
pub(crate) fn is_title(line: &Line<'_>, text: &str) -> bool {
    has_words_of_title(line.text) && is_followed_by_body(line, text.get(line.span.end..).unwrap_or_default())
}

fn has_words_of_title(line: &str) -> bool {
    let enough = line.split_whitespace().nth(FEWEST_WORDS - 1).is_some()
        || line.chars().filter(|c| is_unspaced(*c)).nth(FEWEST_CHARACTERS - 1).is_some();
    enough && !is_byline(line)
}

/// A short line that begins with `By`; a long one (`Von Hamburg bis Wien: ...`) is something else.
fn is_byline(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default().to_lowercase();
    BYLINES.contains(&first.as_str()) && line.split_whitespace().nth(BYLINE_WORDS).is_none()
}

/// Whether a blank line and, anywhere below it, a sentence follow; or, without a blank line, a paragraph that is twice
/// as long.
fn is_followed_by_body(title: &Line<'_>, rest: &str) -> bool {
    let Some(next) = lines(rest).next() else { return false };
    if next.is_blank() {
        return lines(rest).any(|line| is_sentence(line.text));
    }
    is_sentence(next.text) && next.text.chars().count() >= 2 * title.text.chars().count()
}

/// Whether the line is text: it ends as a sentence does, or is long and has the end of one inside.
fn is_sentence(line: &str) -> bool {
    is_statement(line)
        || line.trim_end().ends_with(['!', '?', '！', '？', '؟'])
        || line.len() > LONGEST && (line.contains(". ") || line.contains('。'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: bool) {
        let first = lines(text).next().unwrap();
        assert_eq!(can_be_title(first.text) && is_title(&first, text), expect, "{text:?}");
    }

    #[test]
    fn headlines_are_titles() {
        check("Harbour Town Opens Its New Bridge\n\nThe bridge opened on Monday.\n", true);
        check(
            "Harbour Town Opens Its New Bridge\nThe bridge that the town has waited for opened on Monday, to cheers.",
            true,
        );
        check("Von Hamburg bis Wien: Wo die Brücken fehlen\n\nEs fehlen viele.", true);
        check("Who pays for the bridge?\n\nThe town does.", true);
        check("港町の新しい橋が開通\n\n橋は月曜日に開通した。", true);
        check("بلدة الميناء تفتتح جسرها الجديد\n\nافتتح الجسر يوم الاثنين.", true);
    }

    #[test]
    fn other_first_lines_are_not() {
        check("The bridge opened on Monday.\n\nThe town cheered.", false);
        check("Politics\n\nThe bridge opened on Monday.", false);
        check("By Mara Lindqvist Okoye\n\nThe bridge opened on Monday.", false);
        check("12 May 2024 10:45\n\nThe bridge opened on Monday.", false);
        check("Dear readers of this page,\n\nThe bridge opened on Monday.", false);
        check("https://example.org/a-b c d\n\nThe bridge opened.", false);
        check("[#]: subject: a b\n\nThe bridge opened.", false);
        check("Only one line of words", false);
        check("One line and\nanother line and\nno sentence", false);
        check("A paragraph that is wrapped where\nthe page ends, as mail is.\n", false);
    }
}
