//! A bound for what a file unpacks to.
//!
//! It counts the bytes that come out, and is told beforehand how many there may be: how many went in when so many had come
//! out depends on who unpacked, and where a file ends must not.

use std::io::{self, Read};

use crate::limits::Most;

/// How much of a file is left until it is too much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cap {
    left: u64,
    most: Most,
}

/// A reader that fails where there is more than there may be.
pub(super) struct Capped<R> {
    inner: R,
    cap: Cap,
}

impl Cap {
    pub(super) fn new(most: Most) -> Self {
        Self { left: most.bytes, most }
    }

    /// So many bytes came out; how many of them count.
    ///
    /// # Errors
    /// None of them: there were as many as there may be.
    pub(super) fn take(&mut self, bytes: u64) -> io::Result<u64> {
        let taken = bytes.min(self.left);
        if taken == 0 && bytes > 0 {
            return Err(self.most.unpacked_error());
        }
        self.left -= taken;
        Ok(taken)
    }

    /// What is said of more.
    #[cfg(feature = "parquet")]
    pub(super) fn error(self) -> io::Error {
        self.most.unpacked_error()
    }

    pub(super) fn over<R>(self, inner: R) -> Capped<R> {
        Capped { inner, cap: self }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than is left tells whether there is more.
        let room = usize::try_from(self.cap.left.max(1)).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..room])?;
        self.cap.take(count as u64)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn what_is_left_can_be_read_and_no_more() {
        let read = |bytes: u64, input: &[u8]| {
            let limits = Limits { unpacked_bytes: bytes, ..Limits::default() };
            let (mut read, mut reader) = (Vec::new(), Cap::new(limits.unpacked(None)).over(input));
            let result = reader.read_to_end(&mut read).map_err(|error| error.to_string());
            (read.len(), result)
        };
        assert_eq!(read(5, b"12345"), (5, Ok(5)));
        assert_eq!(read(6, b"12345"), (5, Ok(5)));
        assert_eq!(read(1, b""), (0, Ok(0)));
        let message = "it unpacks to more than 4 bytes; `unpacked-bytes` in `[input.limits]` can be raised";
        assert_eq!(read(4, b"12345"), (4, Err(message.to_owned())));
    }
}
