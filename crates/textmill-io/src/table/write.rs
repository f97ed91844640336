//! Rows become the bytes of a file.

use std::fmt;
use std::io;
use std::mem;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// The size of a row group (bytes, packed): large enough to be read in one go, small enough to be held in memory.
const ROW_GROUP: usize = 64 << 20;

/// The level that `zstd` itself takes unless told otherwise.
const ZSTD_LEVEL: i32 = 3;

/// Writes a file, whose bytes are to be taken from it bit by bit.
pub(crate) enum TableWriter {
    /// A Parquet file, packed with Zstandard inside.
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    /// An Arrow IPC file.
    Arrow(Box<FileWriter<Vec<u8>>>),
}

impl TableWriter {
    pub(crate) fn parquet(schema: SchemaRef) -> io::Result<Self> {
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_bytes(Some(ROW_GROUP))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(io::Error::other)?;
        Ok(Self::Parquet(Box::new(writer)))
    }

    pub(crate) fn arrow(schema: &SchemaRef) -> io::Result<Self> {
        let writer = FileWriter::try_new(Vec::new(), schema).map_err(io::Error::other)?;
        Ok(Self::Arrow(Box::new(writer)))
    }

    /// The bytes that are ready after some more rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        match self {
            Self::Parquet(writer) => {
                writer.write(rows).map_err(io::Error::other)?;
                Ok(mem::take(writer.inner_mut()))
            }
            Self::Arrow(writer) => {
                writer.write(rows).map_err(io::Error::other)?;
                Ok(mem::take(writer.get_mut()))
            }
        }
    }

    /// About how many bytes are held back until their row group is full.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Parquet(writer) => writer.in_progress_size(),
            Self::Arrow(_) => 0,
        }
    }

    /// The bytes that are left.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Parquet(writer) => writer.into_inner().map_err(io::Error::other),
            Self::Arrow(writer) => writer.into_inner().map_err(io::Error::other),
        }
    }
}

/// Rows as bytes that [`unpack`] understands: a stream of Arrow.
pub(crate) fn pack(rows: &RecordBatch) -> io::Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema()).map_err(io::Error::other)?;
    writer.write(rows).and_then(|()| writer.into_inner()).map_err(io::Error::other)
}

/// See [`pack`].
pub(crate) fn unpack(bytes: &[u8]) -> io::Result<RecordBatch> {
    let mut batches = StreamReader::try_new(bytes, None).map_err(io::Error::other)?;
    let rows = batches.next().ok_or(io::ErrorKind::UnexpectedEof)?;
    rows.map_err(io::Error::other)
}

/// Rows as [`pack`] makes bytes of them, for serde.
pub(crate) mod packed {
    use arrow_array::RecordBatch;
    use serde::{Deserializer, Serializer, de, ser};

    #[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(rows: &Option<RecordBatch>, to: S) -> Result<S::Ok, S::Error> {
        let packed = rows.as_ref().map(super::pack).transpose().map_err(ser::Error::custom)?;
        serde_bytes::serialize(&packed.unwrap_or_default(), to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RecordBatch>, D::Error> {
        let packed: Vec<u8> = serde_bytes::deserialize(from)?;
        let rows = (!packed.is_empty()).then(|| super::unpack(&packed));
        rows.transpose().map_err(de::Error::custom)
    }
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet(_) => "Parquet",
            Self::Arrow(_) => "Arrow",
        })
    }
}
