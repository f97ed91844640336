//! Compression of a stream of documents, bit by bit.

use std::fmt;
use std::io::{self, Write};
use std::mem;

use bzip2::write::BzEncoder;
use lz4_flex::frame::{FrameEncoder, FrameInfo};
use lzma_rust2::{XzOptions, XzWriter};

use crate::format::Compression;

/// The level of `xz` unless told otherwise.
const XZ_PRESET: u32 = 6;

/// Takes bytes to pack, and gives packed ones.
pub(super) trait Pack: Write + Send {
    /// The bytes that are ready.
    fn ready(&mut self) -> Vec<u8>;

    /// The bytes that are left.
    fn finish(self: Box<Self>) -> io::Result<Vec<u8>>;
}

/// A packer that makes one stream of all it is given; `None` for what is not packed so.
pub(super) fn packer(compression: Compression) -> io::Result<Option<Box<dyn Pack>>> {
    Ok(Some(match compression {
        Compression::None | Compression::Gzip => return Ok(None),
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
            encoder.include_checksum(true)?;
            Box::new(encoder)
        }
        Compression::Bzip2 => Box::new(BzEncoder::new(Vec::new(), bzip2::Compression::default())),
        Compression::Xz => Box::new(XzWriter::new(Vec::new(), XzOptions::with_preset(XZ_PRESET))?),
        Compression::Lz4 => {
            let frame = FrameInfo::new().content_checksum(true);
            let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
            // An empty frame is written only by an encoder that was called.
            encoder.write_all(b"")?;
            Box::new(encoder)
        }
    }))
}

impl Pack for zstd::Encoder<'static, Vec<u8>> {
    fn ready(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<u8>> {
        (*self).finish()
    }
}

impl Pack for BzEncoder<Vec<u8>> {
    fn ready(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<u8>> {
        (*self).finish()
    }
}

impl Pack for XzWriter<Vec<u8>> {
    fn ready(&mut self) -> Vec<u8> {
        mem::take(self.inner_mut())
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<u8>> {
        (*self).finish()
    }
}

impl Pack for FrameEncoder<Vec<u8>> {
    fn ready(&mut self) -> Vec<u8> {
        mem::take(self.get_mut())
    }

    fn finish(self: Box<Self>) -> io::Result<Vec<u8>> {
        (*self).finish().map_err(io::Error::other)
    }
}

impl fmt::Debug for dyn Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pack")
    }
}
