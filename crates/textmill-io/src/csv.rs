//! CSV and TSV: RFC 4180, with one byte between fields and a line feed at the end of a row.
//!
//! A row is found where bytes are cut, and split where they are parsed; both follow the same rules, so both are here. The
//! crate `csv` copies every field, and cannot tell an empty text from nothing: here a field without quotes is lent, and, as
//! in `PostgreSQL`, nothing between two separators is an absent field and `""` is an empty text. A test holds that rows are
//! split as that crate splits them.

use std::borrow::Cow;

use crate::cell::Cell;
use crate::journal::KeyMaker;

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Separator(u8);

/// The names of the columns, from the first row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    separator: Separator,
    names: Vec<String>,
}

/// Looks for the end of a row, block by block.
#[derive(Debug)]
pub(crate) struct RowEnd {
    separator: Separator,
    at: At,
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    FieldStart,
    Bare,
    Quoted,
    /// Behind a quote in a quoted field: its end, unless another quote follows.
    Quote,
}

impl Separator {
    pub(crate) const COMMA: Self = Self(b',');
    pub(crate) const TAB: Self = Self(b'\t');

    /// What the format is called that has it.
    fn format(self) -> &'static str {
        if self == Self::TAB { "tsv" } else { "csv" }
    }
}

impl RowEnd {
    /// To be asked for the end of a row from its beginning on.
    pub(crate) fn new(separator: Separator) -> Self {
        Self { separator, at: At::FieldStart }
    }

    /// The place of the line feed that ends the row, if it is in this block. Then the next block begins the next row.
    pub(crate) fn find(&mut self, block: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(rest) = block.get(from..).filter(|rest| !rest.is_empty()) {
            let (at, length) = self.step(rest);
            let is_end = rest.get(length - 1) == Some(&b'\n') && at == At::FieldStart;
            self.at = at;
            if is_end {
                return Some(from + length - 1);
            }
            from += length;
        }
        None
    }

    /// Whether what was seen so far ends within quotes.
    pub(crate) fn is_in_quotes(&self) -> bool {
        self.at == At::Quoted
    }

    /// Where the row stands after the next few bytes, and how many they are: at least one.
    fn step(&self, rest: &[u8]) -> (At, usize) {
        let Separator(separator) = self.separator;
        let after = |byte: u8| if byte == separator || byte == b'\n' { At::FieldStart } else { At::Bare };
        let bare = |rest: &[u8]| match memchr::memchr2(separator, b'\n', rest) {
            Some(place) => (At::FieldStart, place + 1),
            None => (At::Bare, rest.len()),
        };
        match (self.at, rest.first()) {
            (At::FieldStart | At::Quote, Some(b'"')) => (At::Quoted, 1),
            (At::FieldStart | At::Bare, _) => bare(rest),
            (At::Quote, byte) => (byte.map_or(At::Quote, |byte| after(*byte)), 1),
            (At::Quoted, _) => match memchr::memchr(b'"', rest) {
                Some(place) => (At::Quote, place + 1),
                None => (At::Quoted, rest.len()),
            },
        }
    }
}

impl Header {
    /// Adds what rows below it are read by.
    pub(crate) fn add_to(&self, key: KeyMaker) -> KeyMaker {
        self.names.iter().fold(key.and([self.separator.0]), KeyMaker::and)
    }

    /// Reads the first row. The error is a sentence for people.
    pub(crate) fn parse(row: &str, separator: Separator) -> Result<Self, String> {
        let fields = split(row, separator)?;
        let names: Vec<_> = fields.iter().map(|field| field.text().to_string()).collect();
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        match twice {
            Some((_, name)) => Err(format!("the first row names the column `{name}` twice")),
            None => Ok(Self { separator, names }),
        }
    }

    /// A header with these names; `None` unless `format` is that of a table of text.
    pub(crate) fn named(format: &str, names: Vec<String>) -> Option<Self> {
        let known = [Separator::COMMA, Separator::TAB];
        let separator = known.into_iter().find(|separator| separator.format() == format)?;
        Some(Self { separator, names })
    }

    /// The format of the rows below it.
    pub(crate) fn format(&self) -> &'static str {
        self.separator.format()
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The cells of a row with the names of their columns. The error is a sentence for people.
    pub(crate) fn cells<'c>(&'c self, row: &'c str) -> Result<Vec<(&'c str, Cell<'c>)>, String> {
        self.zip(split(row, self.separator)?.into_iter())
    }

    /// The same, of a row that cannot be lent.
    pub(crate) fn owned_cells<'c>(&'c self, row: &str) -> Result<Vec<(&'c str, Cell<'c>)>, String> {
        let owned: Vec<_> = split(row, self.separator)?.into_iter().map(Field::into_owned).collect();
        self.zip(owned.into_iter())
    }

    fn zip<'c>(
        &'c self,
        fields: impl ExactSizeIterator<Item = Field<'c>>,
    ) -> Result<Vec<(&'c str, Cell<'c>)>, String> {
        if fields.len() != self.names.len() {
            let (found, expected) = (fields.len(), self.names.len());
            return Err(format!("the row has {found} fields, and the first row names {expected}"));
        }
        let cells = self.names.iter().zip(fields);
        Ok(cells.filter_map(|(name, field)| Some((name.as_str(), Cell::Written(field.given()?)))).collect())
    }
}

/// A field as it stands in a row.
enum Field<'a> {
    Bare(Cow<'a, str>),
    Quoted(Cow<'a, str>),
}

impl<'a> Field<'a> {
    fn text(&self) -> &Cow<'a, str> {
        match self {
            Self::Bare(text) | Self::Quoted(text) => text,
        }
    }

    /// The text, unless nothing is there.
    fn given(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Bare(text) if text.is_empty() => None,
            Self::Bare(text) | Self::Quoted(text) => Some(text),
        }
    }

    fn into_owned(self) -> Field<'static> {
        match self {
            Self::Bare(text) => Field::Bare(Cow::Owned(text.into_owned())),
            Self::Quoted(text) => Field::Quoted(Cow::Owned(text.into_owned())),
        }
    }
}

/// The fields of a row that has no line end.
fn split(row: &str, separator: Separator) -> Result<Vec<Field<'_>>, String> {
    let mut fields = Vec::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (field, after) = if let Some(inside) = text.strip_prefix('"') {
            let number = fields.len() + 1;
            quoted(inside, separator).ok_or_else(|| format!("the quotes of field {number} have no end"))?
        } else {
            let (field, after) = until(text, separator);
            (Field::Bare(Cow::Borrowed(field)), after)
        };
        fields.push(field);
        rest = after;
    }
    Ok(fields)
}

/// What stands before the next separator, and what follows that, if there is one.
fn until(text: &str, separator: Separator) -> (&str, Option<&str>) {
    match text.split_once(char::from(separator.0)) {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    }
}

/// A field from behind its first quote on. `None` where it has no end. What follows the end belongs to the field, as
/// everywhere.
fn quoted(inside: &str, separator: Separator) -> Option<(Field<'_>, Option<&str>)> {
    let mut text = Cow::Borrowed("");
    let mut rest = inside;
    loop {
        let (part, after) = rest.split_once('"')?;
        push(&mut text, part);
        let Some(further) = after.strip_prefix('"') else {
            let (tail, rest) = until(after, separator);
            push(&mut text, tail);
            return Some((Field::Quoted(text), rest));
        };
        text.to_mut().push('"');
        rest = further;
    }
}

/// Appends to a text, which is lent as long as it has one part.
fn push<'a>(text: &mut Cow<'a, str>, part: &'a str) {
    match text {
        Cow::Borrowed("") => *text = Cow::Borrowed(part),
        _ if part.is_empty() => (),
        _ => text.to_mut().push_str(part),
    }
}

/// Appends a row, with its line end. `None` is an absent field.
pub(crate) fn write_row<'a>(
    fields: impl Iterator<Item = Option<&'a str>>,
    separator: Separator,
    out: &mut Vec<u8>,
) {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.push(separator.0);
        }
        if let Some(field) = field {
            write_field(field, separator, out);
        }
    }
    out.push(b'\n');
}

fn write_field(field: &str, separator: Separator, out: &mut Vec<u8>) {
    let bytes = field.as_bytes();
    let has_special = memchr::memchr3(separator.0, b'"', b'\n', bytes).is_some()
        || memchr::memchr(b'\r', bytes).is_some()
        || field.starts_with('\u{feff}');
    if !field.is_empty() && !has_special {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    let mut start = 0;
    for quote in memchr::memchr_iter(b'"', bytes) {
        out.extend_from_slice(&bytes[start..=quote]);
        out.push(b'"');
        start = quote + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(row: &str, expected: &[Option<&str>]) {
        let fields: Vec<_> = split(row, Separator::COMMA).unwrap().into_iter().map(Field::given).collect();
        let expected: Vec<_> = expected.iter().map(|field| field.map(Cow::Borrowed)).collect();
        assert_eq!(fields, expected, "{row}");
    }

    #[test]
    fn a_row_is_split_where_no_quotes_are() {
        check("a,b", &[Some("a"), Some("b")]);
        check("", &[None]);
        check(",", &[None, None]);
        check(r#""",a"#, &[Some(""), Some("a")]);
        check(r#""a,b","c""d","#, &[Some("a,b"), Some("c\"d"), None]);
        check("\"a\nb\",c", &[Some("a\nb"), Some("c")]);
        check(r#"a"b"c,d"#, &[Some("a\"b\"c"), Some("d")]);
        check(r#""a"b,"""""#, &[Some("ab"), Some("\"")]);
        check("é,日", &[Some("é"), Some("日")]);
    }

    #[test]
    fn quotes_without_an_end_are_refused() {
        let refused = split("a,\"b", Separator::COMMA).err();
        assert_eq!(refused.unwrap(), "the quotes of field 2 have no end");
    }

    #[test]
    fn a_header_is_checked() {
        let refused = Header::parse("a,b,a", Separator::COMMA).unwrap_err();
        assert_eq!(refused, "the first row names the column `a` twice");
        let header = Header::parse("a\tb,c", Separator::TAB).unwrap();
        assert_eq!(header.names(), ["a", "b,c"]);
        assert_eq!(header.cells("1").unwrap_err(), "the row has 1 fields, and the first row names 2");
        assert_eq!(header.cells("1\t").unwrap().len(), 1);
    }

    fn rows(bytes: &[u8], block: usize) -> Vec<Vec<u8>> {
        let mut rows = vec![Vec::new()];
        let mut end = RowEnd::new(Separator::COMMA);
        for mut block in bytes.chunks(block) {
            while let Some(place) = end.find(block) {
                rows.last_mut().unwrap().extend_from_slice(&block[..place]);
                rows.push(Vec::new());
                block = &block[place + 1..];
            }
            rows.last_mut().unwrap().extend_from_slice(block);
        }
        rows
    }

    /// What the crate `csv` makes of the bytes.
    fn as_csv(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
        let records = reader.from_reader(bytes).into_records();
        records.map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn any_csv() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![",", "\"", "\n", "a", "é", "\r", " ", "\"\"", ",\""]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_are_those_of_the_crate_csv(text in any_csv(), block in 1_usize..9) {
            let mut found = Vec::new();
            for row in rows(text.as_bytes(), block).iter().filter(|row| !row.is_empty()) {
                let row = std::str::from_utf8(row).unwrap();
                // That crate takes what follows quotes without an end for their text.
                let Ok(fields) = split(row, Separator::COMMA) else { return Ok(()) };
                found.push(fields.iter().map(|field| field.text().to_string()).collect::<Vec<_>>());
            }
            prop_assert_eq!(found, as_csv(text.as_bytes()));
        }

        #[test]
        fn what_is_written_is_read_again(
            fields in prop::collection::vec(prop::option::of(".{0,5}|[,\"\r\n]{0,3}"), 2..5),
            is_tab in any::<bool>(),
        ) {
            let separator = if is_tab { Separator::TAB } else { Separator::COMMA };
            let mut out = Vec::new();
            write_row(fields.iter().map(Option::as_deref), separator, &mut out);
            prop_assert_eq!(RowEnd::new(separator).find(&out), Some(out.len() - 1));
            let row = std::str::from_utf8(&out[..out.len() - 1]).unwrap();
            let read: Vec<_> =
                split(row, separator).unwrap().into_iter().map(|field| field.given().map(Cow::into_owned)).collect();
            prop_assert_eq!(read, fields);
        }
    }
}
