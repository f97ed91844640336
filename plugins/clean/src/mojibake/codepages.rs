//! The single-byte encodings that UTF-8 is misread as, the other way round: which byte a character was read from.

use std::sync::LazyLock;

/// In this order they are tried: the first that reads a whole line as UTF-8 is taken to be the one.
pub(super) static CODE_PAGES: LazyLock<[CodePage; 10]> = LazyLock::new(|| {
    [
        CodePage::new(char::from, Quirks::None),
        CodePage::new(by(encoding_rs::WINDOWS_1252), Quirks::Windows),
        CodePage::new(by(encoding_rs::WINDOWS_1251), Quirks::Windows),
        CodePage::new(by(encoding_rs::WINDOWS_1250), Quirks::Windows),
        CodePage::new(by(encoding_rs::WINDOWS_1253), Quirks::Windows),
        CodePage::new(by(encoding_rs::WINDOWS_1254), Quirks::Windows),
        CodePage::new(by(encoding_rs::WINDOWS_1257), Quirks::Windows),
        CodePage::new(by(encoding_rs::ISO_8859_2), Quirks::None),
        CodePage::new(by(encoding_rs::MACINTOSH), Quirks::Mac),
        CodePage::new(code_page_437, Quirks::None),
    ]
});

/// How many of them, from the first, are common enough to look for inside a line that is otherwise right.
pub(super) const LOCAL: usize = 7;

/// Characters beyond this one are few, and are kept in a list.
const TABLE_LEN: usize = 0x2600;

/// What happens to text besides being misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirks {
    /// No-break spaces may have become spaces.
    None,
    /// And characters without a meaning in the code page may have become U+FFFD or `?`.
    Windows,
    /// Neither: `–` is a byte that would be completed by a space.
    Mac,
}

/// One of the encodings.
#[derive(Debug)]
pub(super) struct CodePage {
    /// By character; 0 where there is no byte, for only U+0000 is read from that.
    bytes: Box<[u8; TABLE_LEN]>,
    rare: Vec<(char, u8)>,
    pub(super) quirks: Quirks,
}

/// The byte that stands for U+FFFD, as the control character SUBSTITUTE was meant to.
pub(super) const LOST: u8 = 0x1A;

impl CodePage {
    fn new(decode: impl Fn(u8) -> char, quirks: Quirks) -> Self {
        let mut page = Self { bytes: Box::new([0; TABLE_LEN]), rare: Vec::new(), quirks };
        for byte in 0..=u8::MAX {
            let c = if byte.is_ascii() { char::from(byte) } else { decode(byte) };
            // Bytes without a meaning are passed on as controls, as browsers and many tools do.
            let c = if c == '\u{FFFD}' { char::from(byte) } else { c };
            page.set(c, byte);
        }
        if quirks == Quirks::Windows {
            page.set('\u{1A}', 0);
            page.set('\u{FFFD}', LOST);
        }
        page
    }

    /// The byte that is read as `c`.
    pub(super) fn byte(&self, c: char) -> Option<u8> {
        match self.bytes.get(c as usize) {
            Some(0) => (c == '\0').then_some(0),
            Some(byte) => Some(*byte),
            None => self.rare.iter().find(|(other, _)| *other == c).map(|(_, byte)| *byte),
        }
    }

    /// The bytes that are read as `text`; `None` if it has a character that no byte is read as.
    pub(super) fn encode(&self, text: &str) -> Option<Vec<u8>> {
        text.chars().map(|c| self.byte(c)).collect()
    }

    /// All characters that are not ASCII.
    pub(super) fn high(&self) -> impl Iterator<Item = (char, u8)> {
        let table = (0..).zip(self.bytes.iter()).filter_map(|(c, byte)| Some((char::from_u32(c)?, *byte)));
        table.chain(self.rare.iter().copied()).filter(|(_, byte)| !byte.is_ascii())
    }

    fn set(&mut self, c: char, byte: u8) {
        match self.bytes.get_mut(c as usize) {
            Some(place) => *place = byte,
            None => self.rare.push((c, byte)),
        }
    }
}

fn by(encoding: &'static encoding_rs::Encoding) -> impl Fn(u8) -> char {
    move |byte| {
        let bytes = [byte];
        let (text, _) = encoding.decode_without_bom_handling(&bytes);
        text.chars().next().unwrap_or('\u{FFFD}')
    }
}

/// What windows-1252 has in the place of a C1 control character; five places are empty.
pub(super) fn windows_1252(control: char) -> Option<char> {
    let byte = u8::try_from(control).ok()?;
    Some(by(encoding_rs::WINDOWS_1252)(byte)).filter(|meant| *meant != control)
}

/// Code page 437 is not of the web, so `encoding_rs` has it not.
fn code_page_437(byte: u8) -> char {
    const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
        └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";
    HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{FFFD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_all_bytes() {
        for page in CODE_PAGES.iter() {
            assert_eq!(page.high().count(), 128, "{:?}", page.quirks);
        }
        assert_eq!(CODE_PAGES[1].encode("€a\u{81}\u{fffd}"), Some(vec![0x80, b'a', 0x81, LOST]));
        assert_eq!(CODE_PAGES[1].encode("\u{1a}"), None);
        assert_eq!(CODE_PAGES[0].encode("Ā"), None);
        assert_eq!(CODE_PAGES[8].encode("ﬁ\u{f8ff}"), Some(vec![0xDE, 0xF0]));
        assert_eq!(CODE_PAGES[9].encode("\0ß"), Some(vec![0, 0xE1]));
    }
}
