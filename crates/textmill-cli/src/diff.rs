//! How a change of a text looks on a terminal.

use similar::{ChangeTag, TextDiff};
use textmill_report::visible::{Piece, pieces};

use crate::terminal::{ADDED, FAINT, REMOVED, styled, width};

/// How many lines are shown around a change.
const CONTEXT: usize = 1;

/// What has to change in `before` to make it `after`, with a little around each change.
pub(crate) fn lines(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT);
    let changes = groups.iter().flatten().flat_map(|op| diff.iter_inline_changes(op));
    changes.map(|change| line(change.tag(), change.iter_strings_lossy())).collect()
}

/// The same without colours, each line with its sign in front.
pub(crate) fn plain(before: &str, after: &str) -> String {
    let coloured = lines(before, after);
    let plain = anstream::adapter::strip_str(&coloured).to_string();
    plain.lines().flat_map(|line| [line.strip_prefix("  ").unwrap_or(line), "\n"]).collect()
}

/// One line of the diff; what changed within it is bold.
pub(crate) fn line<'a>(
    tag: ChangeTag,
    parts: impl Iterator<Item = (bool, std::borrow::Cow<'a, str>)>,
) -> String {
    let (sign, style) = match tag {
        ChangeTag::Equal => (' ', FAINT),
        ChangeTag::Delete => ('-', REMOVED),
        ChangeTag::Insert => ('+', ADDED),
    };
    let parts = parts.map(|(emphasised, part)| (emphasised, visible(part.trim_end_matches(['\n', '\r']))));
    let parts: Vec<_> = parts.filter(|(_, part)| !part.is_empty()).collect();
    if parts.is_empty() && tag == ChangeTag::Equal {
        return "\n".to_owned();
    }
    let whole = tag != ChangeTag::Equal && !parts.iter().any(|(emphasised, _)| *emphasised);
    let mut text = styled(style, &sign.to_string());
    for (index, (emphasised, part)) in parts.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == parts.len());
        text += if first { " " } else { "" };
        text += &match emphasised {
            true => styled(style.bold(), part),
            // A line that goes or comes as a whole is shown as a whole; of what stays, a glimpse is enough.
            false if whole => styled(style, part),
            false => styled(style, &glimpse(part, first, last)),
        };
    }
    format!("  {text}\n")
}

/// What stands still, as far as it tells where in the text we are: its end where a change follows, its start where one
/// came before.
fn glimpse(text: &str, first: bool, last: bool) -> String {
    const AROUND: usize = 40;
    let number = text.chars().count();
    let (start, end) = match (first, last) {
        (true, true) => (width().saturating_sub(5), 0),
        (true, false) => (0, AROUND),
        (false, true) => (AROUND, 0),
        (false, false) => (AROUND, AROUND),
    };
    if number <= start + end + 1 {
        return text.to_owned();
    }
    let head: String = text.chars().take(start).collect();
    let tail: String = text.chars().skip(number - end).collect();
    format!("{head}…{tail}")
}

/// Text of somebody else on a terminal: control characters, and those that hide or turn around others, are shown, never
/// sent.
pub(crate) fn visible(text: &str) -> String {
    const SHOWN: &str = "\u{fffd}";
    let shown = |piece| match piece {
        Piece::Plain(plain) => plain.replace('\n', SHOWN),
        Piece::Hidden(_) => SHOWN.to_owned(),
    };
    pieces(text).map(shown).collect()
}
