//! Slices on a stream.
//!
//! A frame is a head of sixteen bytes (a mark, a tag, a length) and its content; in it numbers are eight bytes,
//! little-endian, and a slice is its length and its bytes. A crate for serialization would bring nothing: nearly all of
//! what crosses is text, which is written by one copy and read as a slice of the frame.

use std::io::{self, Read, Write};

/// The first bytes of every frame, so that a stream which somebody else wrote into is found out.
const MARK: [u8; 4] = *b"tmw1";

/// The bytes of a head.
const HEAD: usize = 16;

/// The length of a slice that is absent.
const ABSENT: u64 = u64::MAX;

/// How much room is made at once for a content whose head promises more.
const STEP: usize = 1 << 20;

/// Bytes that are no frame, or not the frame that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbled;

/// A frame in the making. The buffer is used again.
#[derive(Debug, Default)]
pub(super) struct Pack(Vec<u8>);

/// The content of a frame, read from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unpack<'f>(&'f [u8]);

/// A frame that is arriving.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    filled: usize,
}

impl Pack {
    /// Begins a frame.
    pub(super) fn begin(&mut self, tag: u32) -> &mut Self {
        self.0.clear();
        self.0.extend(MARK);
        self.0.extend(tag.to_le_bytes());
        self.0.extend([0; 8]);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn size(&mut self, size: usize) -> &mut Self {
        self.number(size as u64)
    }

    pub(super) fn float(&mut self, float: f64) -> &mut Self {
        self.number(float.to_bits())
    }

    pub(super) fn slice(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        self.size(bytes.len()).0.extend(bytes);
        self
    }

    pub(super) fn optional(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.slice(bytes),
            None => self.number(ABSENT),
        }
    }

    /// The frame as it goes onto the stream.
    pub(super) fn bytes(&mut self) -> &[u8] {
        let length = (self.0.len() - HEAD) as u64;
        self.0[8..HEAD].copy_from_slice(&length.to_le_bytes());
        &self.0
    }
}

impl<'f> Unpack<'f> {
    pub(super) fn number(&mut self) -> Result<u64, Garbled> {
        let (number, rest) = self.0.split_first_chunk().ok_or(Garbled)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    pub(super) fn size(&mut self) -> Result<usize, Garbled> {
        usize::try_from(self.number()?).map_err(|_| Garbled)
    }

    pub(super) fn small(&mut self) -> Result<u32, Garbled> {
        u32::try_from(self.number()?).map_err(|_| Garbled)
    }

    pub(super) fn float(&mut self) -> Result<f64, Garbled> {
        self.number().map(f64::from_bits)
    }

    pub(super) fn optional(&mut self) -> Result<Option<&'f [u8]>, Garbled> {
        let length = self.number()?;
        if length == ABSENT {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| Garbled)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Garbled)?;
        self.0 = rest;
        Ok(Some(bytes))
    }

    pub(super) fn slice(&mut self) -> Result<&'f [u8], Garbled> {
        self.optional()?.ok_or(Garbled)
    }

    pub(super) fn text(&mut self) -> Result<&'f str, Garbled> {
        str::from_utf8(self.slice()?).map_err(|_| Garbled)
    }

    /// A number, and that many items.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Garbled>,
    ) -> Result<Vec<T>, Garbled> {
        let number = self.number()?;
        (0..number).map(|_| item(self)).collect()
    }

    /// Whether all of it was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Inbox {
    /// Takes one gulp of a frame from the stream: `true` once all of it is here. The end of the stream is the error
    /// `UnexpectedEof`, and bytes that begin no frame are `InvalidData`.
    pub(super) fn read(&mut self, stream: &mut impl Read) -> io::Result<bool> {
        let wanted = self.wanted()?;
        let room = wanted.min(self.filled + STEP);
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        match stream.read(&mut self.bytes[self.filled..room])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            number => {
                self.filled += number;
                Ok(self.filled >= HEAD && self.filled == self.wanted()?)
            }
        }
    }

    /// Waits for a whole frame; `None` if the stream ends before one begins.
    pub(super) fn wait(&mut self, stream: &mut impl Read) -> io::Result<Option<(u32, Unpack<'_>)>> {
        self.clear();
        loop {
            match self.read(stream) {
                Ok(true) => return Ok(Some(self.frame())),
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && self.filled == 0 => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes room for the next frame.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// The frame, which is here: its tag and its content.
    pub(super) fn frame(&self) -> (u32, Unpack<'_>) {
        let (head, content) = self.bytes[..self.filled].split_at(HEAD);
        (u32::from_le_bytes([head[4], head[5], head[6], head[7]]), Unpack(content))
    }

    /// How many bytes the frame has, as far as that is known.
    fn wanted(&self) -> io::Result<usize> {
        let Some(head) = self.bytes[..self.filled].first_chunk::<HEAD>() else { return Ok(HEAD) };
        let mut length = Unpack(&head[8..]).number().ok().filter(|_| head.starts_with(&MARK));
        length = length.filter(|length| *length <= isize::MAX as u64 - HEAD as u64);
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.map(|length| HEAD + length).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Puts a frame onto a stream that waits.
pub(super) fn write(stream: &mut impl Write, frame: &mut Pack) -> io::Result<()> {
    stream.write_all(frame.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let mut pack = Pack::default();
        pack.begin(7).number(1).slice("text").optional(None).optional(Some(b"")).float(f64::NEG_INFINITY);
        let mut inbox = Inbox::default();
        let frames = pack.bytes().repeat(2);
        let mut stream = frames.as_slice();
        for _ in 0..2 {
            let (tag, mut content) = inbox.wait(&mut stream).unwrap().unwrap();
            assert_eq!((tag, content.number(), content.text()), (7, Ok(1), Ok("text")));
            assert_eq!((content.optional(), content.optional()), (Ok(None), Ok(Some(&b""[..]))));
            assert_eq!((content.float(), content.is_empty()), (Ok(f64::NEG_INFINITY), true));
            assert_eq!(content.number(), Err(Garbled));
        }
        assert!(inbox.wait(&mut stream).unwrap().is_none());
    }

    #[test]
    fn bytes_that_are_no_frame_are_found_out() {
        let check = |bytes: &[u8], expect: io::ErrorKind| {
            let found = Inbox::default().wait(&mut &*bytes).map(|frame| frame.is_some());
            assert_eq!(found.unwrap_err().kind(), expect);
        };
        check(b"tm", io::ErrorKind::UnexpectedEof);
        check(b"what a plugin printed", io::ErrorKind::InvalidData);
        check(&[&b"tmw1"[..], &[0; 4], &[255; 8]].concat(), io::ErrorKind::InvalidData);
        // A length that nothing follows makes no room for it.
        check(&[&b"tmw1"[..], &[0; 4], &(1_u64 << 60).to_le_bytes()].concat(), io::ErrorKind::UnexpectedEof);
        let mut lying = Unpack(&[255, 255, 255, 255, 255, 255, 0, 0, 1]);
        assert_eq!(lying.list(Unpack::number), Err(Garbled));
        assert_eq!(Unpack(&[9, 0, 0, 0, 0, 0, 0, 0, 1]).slice(), Err(Garbled));
    }
}
