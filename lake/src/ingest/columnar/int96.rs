//! INT96, the timestamps of older Spark, Hive and Impala: a day and its nanoseconds. The decoder makes 64 bits of
//! nanoseconds of them, which end in the year 2262 and begin again without a word; so they are decoded once more as whole
//! seconds, and both together are the time that was written.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Fields, Schema, TimeUnit, TimestampNanosecondType, TimestampSecondType},
};
use bytes::Bytes;
use chrono::DateTime;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    basic::Type,
    errors::ParquetError,
};

const NANOS: i64 = 1_000_000_000;

/// The columns that are INT96 themselves, by their place. Those within lists and structs are not.
pub(super) fn columns(metadata: &ArrowReaderMetadata) -> Vec<usize> {
    let parquet = metadata.parquet_schema();
    let is_time = |root: usize| matches!(metadata.schema().field(root).data_type(), DataType::Timestamp(..));
    (0..parquet.num_columns())
        .filter(|leaf| parquet.column(*leaf).physical_type() == Type::INT96)
        .map(|leaf| parquet.get_column_root_idx(leaf))
        .filter(|root| is_time(*root))
        .collect()
}

/// The seconds since 1970 of these columns, each in parts.
pub(super) fn seconds(
    bytes: &Bytes,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
) -> Result<Vec<Vec<ArrayRef>>, ParquetError> {
    let field = |(at, field): (usize, &Arc<Field>)| match columns.contains(&at) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(TimeUnit::Second, None))),
        false => Arc::clone(field),
    };
    let fields: Fields = metadata.schema().fields().iter().enumerate().map(field).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
    let wanted = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata).with_projection(wanted);
    let mut parts = vec![Vec::new(); columns.len()];
    for batch in builder.build()? {
        for (part, array) in parts.iter_mut().zip(batch?.columns()) {
            part.push(Arc::clone(array));
        }
    }
    Ok(parts)
}

/// A column's times as microseconds, or as text when one of them is finer. `None` for a time that no calendar has.
pub(super) fn times(nanos: &[ArrayRef], seconds: &[ArrayRef]) -> Option<Vec<ArrayRef>> {
    let parts: Vec<Vec<Option<(i64, u32)>>> =
        nanos.iter().zip(seconds).map(|(nanos, seconds)| both(nanos, seconds)).collect::<Option<_>>()?;
    let finer = parts.iter().flatten().flatten().any(|(_, nanos)| nanos % 1_000 != 0);
    let part = |part: Vec<Option<(i64, u32)>>| -> Option<ArrayRef> {
        if finer {
            let text =
                |(seconds, nanos)| Some(DateTime::from_timestamp(seconds, nanos)?.naive_utc().format(ISO).to_string());
            let texts: Vec<Option<String>> = part
                .into_iter()
                .map(|time| time.map(|t| text(t).ok_or(())).transpose())
                .collect::<Result<_, _>>()
                .ok()?;
            return Some(Arc::new(StringArray::from(texts)));
        }
        let micros =
            |(seconds, nanos): (i64, u32)| seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000));
        let micros: Vec<Option<i64>> = part
            .into_iter()
            .map(|time| time.map(|t| micros(t).ok_or(())).transpose())
            .collect::<Result<_, _>>()
            .ok()?;
        Some(Arc::new(TimestampMicrosecondArray::from(micros)))
    };
    parts.into_iter().map(part).collect()
}

const ISO: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// Seconds since 1970 and nanoseconds of the second.
fn both(nanos: &ArrayRef, seconds: &ArrayRef) -> Option<Vec<Option<(i64, u32)>>> {
    let nanos = nanos.as_primitive_opt::<TimestampNanosecondType>()?;
    let seconds = seconds.as_primitive_opt::<TimestampSecondType>()?;
    let time = |(nanos, seconds): (Option<i64>, Option<i64>)| match (nanos, seconds) {
        (None, None) => Some(None),
        // Both wrap around alike: the difference is right whatever they lost.
        (Some(nanos), Some(seconds)) => {
            let rest = nanos.wrapping_sub(seconds.wrapping_mul(NANOS));
            (0..NANOS).contains(&rest).then_some(Some((seconds, rest as u32)))
        }
        _ => None,
    };
    (nanos.len() == seconds.len()).then(|| nanos.iter().zip(seconds).map(time).collect())?
}
