//! Rows become the bytes of a file.

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, FieldRef, Schema, SchemaRef};
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
    /// An Arrow IPC file, with this schema.
    Arrow(Box<FileWriter<Vec<u8>>>, SchemaRef),
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
        let schema = without_dictionaries(schema);
        let writer = FileWriter::try_new(Vec::new(), &schema).map_err(io::Error::other)?;
        Ok(Self::Arrow(Box::new(writer), schema))
    }

    /// The bytes that are ready after some more rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> io::Result<Vec<u8>> {
        match self {
            Self::Parquet(writer) => {
                writer.write(rows).map_err(io::Error::other)?;
                Ok(mem::take(writer.inner_mut()))
            }
            Self::Arrow(writer, schema) => {
                let rows = as_in(schema, rows).map_err(io::Error::other)?;
                writer.write(&rows).map_err(io::Error::other)?;
                Ok(mem::take(writer.get_mut()))
            }
        }
    }

    /// About how many bytes are held back until their row group is full.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Parquet(writer) => writer.in_progress_size(),
            Self::Arrow(..) => 0,
        }
    }

    /// The bytes that are left.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Parquet(writer) => writer.into_inner().map_err(io::Error::other),
            Self::Arrow(writer, _) => writer.into_inner().map_err(io::Error::other),
        }
    }
}

/// The schema with the values themselves in the place of numbers into a dictionary. An Arrow file has one dictionary for a
/// column, once and for all; Parquet has another in each row group.
fn without_dictionaries(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(field_without_dictionary).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn field_without_dictionary(field: &FieldRef) -> FieldRef {
    let of = field_without_dictionary;
    let data_type = match field.data_type() {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        DataType::List(item) => DataType::List(of(item)),
        DataType::LargeList(item) => DataType::LargeList(of(item)),
        DataType::Map(entries, sorted) => DataType::Map(of(entries), *sorted),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// The rows in columns of the types of this schema.
fn as_in(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let of_type = |(array, field): (&ArrayRef, &FieldRef)| match field.data_type() {
        same if array.data_type() == same => Ok(Arc::clone(array)),
        other => arrow_cast::cast(array, other),
    };
    let columns = rows.columns().iter().zip(schema.fields()).map(of_type).collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
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
            Self::Arrow(..) => "Arrow",
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::DictionaryArray;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int32Type;
    use arrow_ipc::reader::FileReader;
    use arrow_schema::Field;

    use super::*;

    fn rows(values: &[&str]) -> RecordBatch {
        let dictionary: DictionaryArray<Int32Type> = values.iter().copied().collect();
        let field = Field::new("language", dictionary.data_type().clone(), true);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(dictionary)]).unwrap()
    }

    #[test]
    fn each_row_group_of_a_parquet_file_has_its_own_dictionary() {
        let (one, other) = (rows(&["de", "en", "de"]), rows(&["fr"]));
        let mut writer = TableWriter::arrow(&one.schema()).unwrap();
        let mut file = writer.write(&one).unwrap();
        file.extend(writer.write(&other).unwrap());
        file.extend(writer.finish().unwrap());
        let batches = FileReader::try_new(io::Cursor::new(file), None).unwrap();
        let columns: Vec<_> = batches.map(|batch| Arc::clone(batch.unwrap().column(0))).collect();
        let texts: Vec<_> =
            columns.iter().flat_map(|column| column.as_string::<i32>().iter().flatten()).collect();
        assert_eq!(texts, ["de", "en", "de", "fr"]);
    }
}
