//! Texts of somebody else, and numbers, as parts of a page.

use maud::{Markup, html};

use crate::visible::{self, Piece};
use crate::{count, duration};

/// How many characters of a name are shown.
const NAME: usize = 120;

/// A text: escaped, and with marks in the place of what is hidden.
pub(super) fn shown(text: &str) -> Markup {
    html! {
        @for piece in visible::pieces(text) {
            @match piece {
                Piece::Plain(plain) => (plain),
                Piece::Hidden(hidden) => i { (visible::name(hidden)) },
            }
        }
    }
}

/// A name or a message within a sentence of ours, which it cannot turn around.
pub(super) fn inline(text: &str) -> Markup {
    html! { bdi { (shown(&clipped(text, NAME))) } }
}

/// A name of ours or of the pipeline as text alone, for a title.
pub(super) fn short(text: &str) -> String {
    let piece = |piece| match piece {
        Piece::Plain(plain) => plain.to_owned(),
        Piece::Hidden(hidden) => visible::name(hidden),
    };
    visible::pieces(&clipped(text, NAME)).map(piece).collect()
}

/// A text on lines of its own.
pub(super) fn block(text: &str, chars: usize) -> Markup {
    html! { div.text dir="auto" { (shown(&clipped(text, chars))) } }
}

/// A sentence: what stands between backticks is code.
pub(super) fn prose(text: &str, chars: usize) -> Markup {
    let text = clipped(text, chars);
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (shown(part)) } } @else { (shown(part)) }
        }
    }
}

/// The first characters of a text, and `…` where there are more.
pub(super) fn clipped(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.split_at(end).0),
    }
}

/// `97.6 %`, with a space at which no line breaks. What is not all is not `100 %`, and what is not nothing not `0 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = share(part, whole) * 100.0;
    match () {
        () if part == whole => "100\u{a0}%".to_owned(),
        () if part == 0 => "0\u{a0}%".to_owned(),
        () if share < 0.1 => "<0.1\u{a0}%".to_owned(),
        () if share > 99.9 && part < whole => ">99.9\u{a0}%".to_owned(),
        () => format!("{share:.1}\u{a0}%"),
    }
}

/// A part of a whole, 0 where there is none.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A count with a sign; nothing where it is 0.
pub(super) fn signed(sign: &str, number: u64) -> String {
    if number == 0 { String::new() } else { format!("{sign}{}", count(number)) }
}

/// A count, or nothing where it is 0.
pub(super) fn unless_zero(number: u64) -> String {
    signed("", number)
}

/// A number of `run.json` that is no count.
pub(super) fn number(number: f64) -> String {
    let size = number.abs();
    let text = match () {
        () if number.fract() == 0.0 && size < 1e15 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is whole, and small"
            )]
            let whole = count(size as u64);
            return if number < 0.0 { format!("−{whole}") } else { whole };
        }
        () if !(1e-4..1e15).contains(&size) => return format!("{number:e}"),
        () if size < 10.0 => format!("{number:.3}"),
        () => format!("{number:.1}"),
    };
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

/// Seconds of `run.json`: anybody can edit the file.
pub(super) fn seconds(seconds: f64) -> String {
    duration(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Seconds since 1970 as `2026-11-25 14:05:06 UTC`.
pub(super) fn instant(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March.
    let days = days.min(2_932_896) + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_do_not_round_to_what_they_are_not() {
        for (part, whole, expect) in [
            (0, 0, "–"),
            (0, 10, "0\u{a0}%"),
            (10, 10, "100\u{a0}%"),
            (9_999_999, 10_000_000, ">99.9\u{a0}%"),
            (1, 10_000_000, "<0.1\u{a0}%"),
            (976, 1000, "97.6\u{a0}%"),
        ] {
            assert_eq!(percent(part, whole), expect, "{part} of {whole}");
        }
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_need() {
        for (value, expect) in [
            (0.0, "0"),
            (-2.0, "−2"),
            (0.3, "0.3"),
            (0.123_456, "0.123"),
            (-0.25, "−0.25"),
            (1_599.0, "1,599"),
            (1234.56, "1234.6"),
            (1e-9, "1e-9"),
        ] {
            assert_eq!(number(value), expect);
        }
    }

    #[test]
    fn instants_are_dates() {
        for (seconds, expect) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_826_154, "2000-02-29 12:09:14 UTC"),
            (1_795_616_287, "2026-11-25 14:18:07 UTC"),
            (u64::MAX, "9999-12-31 07:00:15 UTC"),
        ] {
            assert_eq!(instant(seconds), expect);
        }
    }

    #[test]
    fn texts_cannot_leave_their_place() {
        let markup = inline("</script><img src=x onerror=alert(1)>\0\u{202e}").into_string();
        assert_eq!(
            markup,
            "<bdi>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;<i>NUL</i><i>U+202E</i></bdi>"
        );
    }
}
