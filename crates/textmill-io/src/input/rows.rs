//! Files in which each row of fields is a document: CSV and TSV.

use std::io;
use std::sync::Arc;

use super::chunk::Form;
use super::cut::{Cutter, Filling, Found, without_bom};
use super::lines::{Piece, read_piece};
use super::source::Source;
use crate::columns::{InputColumns, TableColumn};
use crate::csv::{Header, RowEnd, Separator};
use crate::limits::{Limits, Most};

/// Cuts at the line ends that are not in quotes.
pub(super) struct Rows {
    source: Source,
    separator: Separator,
    end: RowEnd,
    header: Option<Arc<Header>>,
    /// Where the names of the columns are told.
    columns: InputColumns,
    line: u64,
    offset: u64,
    most: Most,
    /// Bytes of the row in hand that were not kept, because it is too long, and the line ends among them.
    forgotten: u64,
    forgotten_lines: u64,
}

impl Rows {
    pub(super) fn new(source: Source, separator: Separator, columns: InputColumns, limits: &Limits) -> Self {
        Self {
            source,
            separator,
            end: RowEnd::new(separator),
            header: None,
            columns,
            line: 1,
            offset: 0,
            most: limits.line(),
            forgotten: 0,
            forgotten_lines: 0,
        }
    }

    /// False: the file ends.
    fn cut_piece(&mut self, filling: &mut Filling<'_>) -> io::Result<bool> {
        match read_piece(&mut self.source, filling.data(), |block| self.end.find(block))? {
            Piece::Line => self.end_row(filling)?,
            Piece::Part => {
                self.forget_overlong(filling);
                // The names of the columns are no document.
                if self.header.is_some() {
                    filling.carry_if_overfull();
                }
            }
            Piece::End => {
                if !filling.pending().is_empty() {
                    self.end_row(filling)?;
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What follows the last document is a row: a document, the names of the columns, or nothing. White space may be a field.
    fn end_row(&mut self, filling: &mut Filling<'_>) -> io::Result<()> {
        let row = filling.pending();
        let length = row.len() as u64 + self.forgotten;
        let inside = lines_in(row) + self.forgotten_lines;
        let content = without_bom(row, self.offset);
        if length > self.most.bytes {
            self.take_start(filling, length)?;
        } else if matches!(content, b"" | b"\r") {
            filling.skip_blank();
        } else if self.header.is_none() {
            self.header = Some(Arc::new(self.read_header(content)?));
            filling.skip();
        } else {
            filling.take(self.found());
        }
        self.line += inside + 1;
        self.offset += length + 1;
        Ok(())
    }

    fn read_header(&self, row: &[u8]) -> io::Result<Header> {
        let row = str::from_utf8(row).map_err(|_| invalid("the first row is not valid UTF-8"))?;
        let row = row.strip_suffix('\r').unwrap_or(row);
        let header = Header::parse(row, self.separator).map_err(invalid)?;
        self.columns.found(|| header.names().iter().map(TableColumn::text).collect());
        Ok(header)
    }

    /// A row of so many bytes is a document that fails. A quote without an end takes all that follows for its field.
    fn take_start(&mut self, filling: &mut Filling<'_>, length: u64) -> io::Result<()> {
        let quotes = if self.end.is_in_quotes() { ", whose quotes have no end," } else { "" };
        let what = format!("the row{quotes} has {length} bytes,");
        if self.header.is_none() {
            return Err(self.most.error(&what));
        }
        filling.keep_start();
        filling.take(Found { failure: Some(self.most.failure(&what).of_start()), ..self.found() });
        (self.forgotten, self.forgotten_lines) = (0, 0);
        Ok(())
    }

    fn forget_overlong(&mut self, filling: &mut Filling<'_>) {
        let row = filling.pending();
        if self.forgotten > 0 || row.len() as u64 > self.most.bytes {
            let lines = lines_in(row);
            self.forgotten += filling.keep_start();
            self.forgotten_lines += lines - lines_in(filling.pending());
        }
    }

    fn found(&self) -> Found {
        let form = self.header.clone().map_or(Form::Line, Form::Row);
        Found { form, line: Some(self.line), offset: self.offset, failure: None }
    }
}

impl Cutter for Rows {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        while !filling.is_done() {
            match self.cut_piece(filling) {
                Ok(true) => (),
                Ok(false) => return false,
                Err(error) => {
                    filling.take_broken_behind(self.forgotten, &error, self.found());
                    return false;
                }
            }
        }
        true
    }
}

fn lines_in(row: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', row).count() as u64
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}
