//! Files in which each line is a document.

use std::io;

use super::chunk::Form;
use super::cut::{Cutter, Filling, Found, without_bom};
use super::source::Source;
use crate::limits::{Limits, Most};

/// Cuts at line ends.
pub(super) struct Lines {
    source: Source,
    line: u64,
    offset: u64,
    most: Most,
    /// Bytes of the line in hand that were not kept, because it is too long.
    forgotten: u64,
}

/// What [`read_piece`] read.
pub(super) enum Piece {
    /// The rest of a line.
    Line,
    /// A part of a line, without its end.
    Part,
    /// Nothing: the file ends.
    End,
}

impl Lines {
    pub(super) fn new(source: Source, limits: &Limits) -> Self {
        Self { source, line: 1, offset: 0, most: limits.line(), forgotten: 0 }
    }

    /// What follows the last document is a line: a document, or blank.
    fn end_line(&mut self, filling: &mut Filling<'_>) {
        let line = filling.pending();
        let length = line.len() as u64 + self.forgotten;
        if length > self.most.bytes {
            self.take_start(filling, length);
        } else if without_bom(line, self.offset).trim_ascii().is_empty() {
            filling.skip_blank();
        } else {
            filling.take(self.found());
        }
        self.line += 1;
        self.offset += length + 1;
    }

    /// A line of so many bytes is a document that fails.
    fn take_start(&mut self, filling: &mut Filling<'_>, length: u64) {
        filling.keep_start();
        let failure = self.most.failure(&format!("the line has {length} bytes,")).of_start();
        filling.take(Found { failure: Some(failure), ..self.found() });
        self.forgotten = 0;
    }

    fn end_part(&mut self, filling: &mut Filling<'_>) {
        if self.forgotten > 0 || filling.pending().len() as u64 > self.most.bytes {
            self.forgotten += filling.keep_start();
        }
        filling.carry_if_overfull();
    }

    fn found(&self) -> Found {
        Found { form: Form::Line, line: Some(self.line), offset: self.offset, failure: None }
    }
}

/// Reads up to the end of a line, or of what was read of the file; `find` finds the line's last byte, which is left out.
pub(super) fn read_piece(
    source: &mut Source,
    data: &mut Vec<u8>,
    mut find: impl FnMut(&[u8]) -> Option<usize>,
) -> io::Result<Piece> {
    let block = match source.fill_buf() {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Piece::Part),
        block => block?,
    };
    if block.is_empty() {
        return Ok(Piece::End);
    }
    let end = find(block);
    let piece = &block[..end.unwrap_or(block.len())];
    data.extend_from_slice(piece);
    let consumed = piece.len() + usize::from(end.is_some());
    source.consume(consumed);
    Ok(if end.is_some() { Piece::Line } else { Piece::Part })
}

impl Cutter for Lines {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        while !filling.is_done() {
            match read_piece(&mut self.source, filling.data(), |block| memchr::memchr(b'\n', block)) {
                Ok(Piece::Line) => self.end_line(filling),
                Ok(Piece::Part) => self.end_part(filling),
                Ok(Piece::End) => {
                    if !filling.pending().is_empty() {
                        self.end_line(filling);
                    }
                    return false;
                }
                Err(error) => {
                    filling.take_broken_behind(self.forgotten, &error, self.found());
                    return false;
                }
            }
        }
        true
    }
}
