//! Characters that are not seen, or that change how others are seen, as something that is.
//!
//! What is shown is text of somebody else: an escape sequence must not reach a terminal, and a right-to-left override must
//! not turn around what stands beside it.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that can be shown as it is; tabs and line feeds are.
    Plain(&'a str),
    /// A character that cannot.
    Hidden(char),
}

/// The parts of a text, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_hidden = is_hidden(first);
        let length =
            if is_hidden { first.len_utf8() } else { rest.find(self::is_hidden).unwrap_or(rest.len()) };
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        Some(if is_hidden { Piece::Hidden(first) } else { Piece::Plain(piece) })
    })
}

/// What stands for a hidden character: `ESC`, `U+202E`.
pub fn name(hidden: char) -> String {
    /// The abbreviations of ISO 6429.
    const CONTROLS: [&str; 32] = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO",
        "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS",
        "RS", "US",
    ];
    let code = u32::from(hidden);
    match CONTROLS.get(code as usize) {
        Some(name) => (*name).to_owned(),
        None if hidden == '\u{7f}' => "DEL".to_owned(),
        None => format!("U+{code:04X}"),
    }
}

/// Controls, and what Unicode calls formats and default ignorables. The joiners U+200C and U+200D and the variation
/// selectors are not among them: scripts and emoji need them, and they move nothing.
fn is_hidden(c: char) -> bool {
    if c.is_control() {
        return !matches!(c, '\t' | '\n');
    }
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_has_a_name() {
        let shown = |text: &str| {
            let piece = |piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Hidden(c) => format!("[{}]", name(c)),
            };
            pieces(text).map(piece).collect::<String>()
        };
        for (text, expect) in [
            ("", ""),
            ("plain\ttext\n", "plain\ttext\n"),
            ("a\0b\u{1b}[31m", "a[NUL]b[ESC][31m"),
            ("\u{7f}\u{85}\r\n", "[DEL][U+0085][CR]\n"),
            ("safe\u{202e}gpj.exe\u{202c}", "safe[U+202E]gpj.exe[U+202C]"),
            ("\u{feff}\u{200b}soft\u{ad}hyphen", "[U+FEFF][U+200B]soft[U+00AD]hyphen"),
            ("👩\u{200d}🚀 می\u{200c}خواهم ❤\u{fe0f}", "👩\u{200d}🚀 می\u{200c}خواهم ❤\u{fe0f}"),
        ] {
            assert_eq!(shown(text), expect);
        }
    }
}
