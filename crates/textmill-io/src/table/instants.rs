//! Times that know their zone, in JSON.
//!
//! `arrow-json` writes them in the local time of the zone and needs a table of all zones for that. The instant is what
//! counts, and that has a form without one: the same time in UTC.

use std::io::Write as _;

use arrow_array::Array;
use arrow_array::cast::AsArray as _;
use arrow_array::temporal_conversions::{
    timestamp_ms_to_datetime, timestamp_ns_to_datetime, timestamp_s_to_datetime, timestamp_us_to_datetime,
};
use arrow_array::types::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder};
use arrow_schema::{ArrowError, DataType, FieldRef, TimeUnit};

/// Writes them in UTC.
#[derive(Debug)]
pub(super) struct InUtc;

impl EncoderFactory for InUtc {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let DataType::Timestamp(unit, Some(_)) = array.data_type() else { return Ok(None) };
        let instants = Instants { unit: *unit, values: values(array, *unit) };
        Ok(Some(NullableEncoder::new(Box::new(instants), array.nulls().cloned())))
    }
}

struct Instants<'a> {
    unit: TimeUnit,
    values: &'a [i64],
}

impl Encoder for Instants<'_> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        let value = self.values[index];
        let time = match self.unit {
            TimeUnit::Second => timestamp_s_to_datetime(value),
            TimeUnit::Millisecond => timestamp_ms_to_datetime(value),
            TimeUnit::Microsecond => timestamp_us_to_datetime(value),
            TimeUnit::Nanosecond => timestamp_ns_to_datetime(value),
        };
        let written = match time {
            Some(time) => write!(out, "\"{time:?}Z\""),
            None => write!(out, "{value}"),
        };
        written.expect("a vector takes every byte");
    }
}

fn values(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}
