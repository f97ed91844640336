//! Files of records, of which some are documents: web archives.

use std::io::{self, BufRead as _, Read as _};

use super::chunk::Form;
use super::cut::{Cutter, Filling, Found};
use super::source::Source;
use crate::limits::{Limits, Most};
use crate::warc::{Head, LOOK, MAGIC};

/// A head that is longer (in bytes) is none.
const MAX_HEAD: usize = 1 << 20;

/// Cuts between records.
pub(super) struct Records {
    source: Source,
    /// The number of the record, from 1.
    number: u64,
    offset: u64,
    most: Most,
}

impl Records {
    pub(super) fn new(source: Source, limits: &Limits) -> Self {
        Self { source, number: 0, offset: 0, most: limits.record() }
    }

    /// Reads a record. False: the file ends.
    fn cut_record(&mut self, filling: &mut Filling<'_>) -> io::Result<bool> {
        self.number += 1;
        let begin = self.skip_line_ends()?;
        if !self.read_head(filling.data())? {
            return Ok(false);
        }
        let (head, _) = Head::split(filling.pending()).ok_or_else(|| invalid("the record has no head"))?;
        let (kind, may_be_page) = (head.known_kind(), head.may_be_page());
        let (head_length, length) = (filling.pending().len(), head.length().map_err(invalid)?);
        *filling.counts.records.entry(kind).or_default() += 1;
        let end = begin.saturating_add(head_length as u64).saturating_add(length);
        let is_page = may_be_page && self.is_page(filling, head_length, length)?;
        if is_page && length > self.most.bytes {
            let failure = self.most.failure(&format!("the record has {length} bytes,")).of_start();
            filling.keep_start();
            filling.take(Found { failure: Some(failure), ..self.found(begin) });
        } else if is_page {
            self.read_block(filling, end)?;
            filling.take(self.found(begin));
        } else {
            filling.counts.skipped_records += 1;
            filling.skip();
        }
        self.pass(end - self.offset)?;
        Ok(true)
    }

    /// Reads as much of a block as tells what it is.
    fn is_page(&mut self, filling: &mut Filling<'_>, head_length: usize, length: u64) -> io::Result<bool> {
        let wanted = length.min(LOOK as u64);
        self.read(filling.data(), wanted)?;
        let record = filling.pending();
        let head = Head::split(record).map(|(head, _)| head);
        Ok(head.is_some_and(|head| head.is_page(&record[head_length..])))
    }

    /// Reads the rest of a block, up to this place in the file.
    fn read_block(&mut self, filling: &mut Filling<'_>, end: u64) -> io::Result<()> {
        self.read(filling.data(), end - self.offset)
    }

    /// Reads a head with its empty line. False: the file ends before it.
    fn read_head(&mut self, data: &mut Vec<u8>) -> io::Result<bool> {
        let start = data.len();
        loop {
            let line_start = data.len();
            let room = (MAX_HEAD + 1 - (line_start - start)) as u64;
            let count = self.source.by_ref().take(room).read_until(b'\n', data)? as u64;
            self.offset += count;
            let line = &data[line_start..];
            match line {
                [] if line_start == start => return Ok(false),
                _ if line_start == start && !line.starts_with(MAGIC) => {
                    return Err(invalid("what follows is no WARC record"));
                }
                b"\n" | b"\r\n" => return Ok(true),
                _ if data.len() - start > MAX_HEAD => {
                    return Err(invalid("the head of the record has no end within 1 MiB"));
                }
                _ if line.ends_with(b"\n") => (),
                _ => return Err(cut_off()),
            }
        }
    }

    /// Between records there are two line ends, more or less. Where the next record begins.
    fn skip_line_ends(&mut self) -> io::Result<u64> {
        loop {
            let block = self.source.fill_buf()?;
            let count = block.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let is_all = count == block.len();
            self.source.consume(count);
            self.offset += count as u64;
            if !is_all || count == 0 {
                return Ok(self.offset);
            }
        }
    }

    fn read(&mut self, data: &mut Vec<u8>, count: u64) -> io::Result<()> {
        let read = self.source.by_ref().take(count).read_to_end(data)? as u64;
        self.offset += read;
        if read < count { Err(cut_off()) } else { Ok(()) }
    }

    fn pass(&mut self, count: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.source.by_ref().take(count), &mut io::sink())?;
        self.offset += passed;
        if passed < count { Err(cut_off()) } else { Ok(()) }
    }

    fn found(&self, offset: u64) -> Found {
        Found { form: Form::Record, line: Some(self.number), offset, failure: None }
    }
}

impl Cutter for Records {
    fn cut(&mut self, filling: &mut Filling<'_>) -> bool {
        while !filling.is_done() {
            match self.cut_record(filling) {
                Ok(true) => (),
                Ok(false) => return false,
                Err(error) => {
                    filling.take_broken(&error, self.found(self.offset));
                    return false;
                }
            }
        }
        true
    }
}

fn cut_off() -> io::Error {
    invalid("the record is cut off")
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}
