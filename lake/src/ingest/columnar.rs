//! Parquet to columns: decoded, never trusted. Types pass as they are where a table can hold them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, StringBuilder, make_array},
    compute::{CastOptions, cast_with_options, concat},
    datatypes::{DataType, FieldRef, Fields, Schema, TimeUnit, TimestampNanosecondType},
    util::display::{ArrayFormatter, FormatOptions},
};
use bytes::Bytes;
use model::RefusedBecause;
use parquet::{
    arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    file::metadata::RowGroupMetaData,
};

use super::{
    Refusal,
    raw::{Cells, Places, RawColumn, RawTable},
};

mod pages;

/// # Errors
/// `unreadable` when the file is damaged, `too_large` when it says that it holds more than `limit` bytes.
pub(super) fn read(bytes: &Bytes, limit: u64) -> Result<RawTable, Refusal> {
    // The decoder may panic on a file made to break it; that file is refused and the process goes on.
    catch_unwind(AssertUnwindSafe(|| decode(bytes, limit))).unwrap_or_else(|_| Err(damaged(&"its pages contradict it")))
}

fn decode(bytes: &Bytes, limit: u64) -> Result<RawTable, Refusal> {
    pages::check_footer(bytes)?;
    let stored = ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new()).map_err(|e| damaged(&e))?;
    let options = ArrowReaderOptions::new().with_schema(Arc::new(shared(stored.schema())));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(stored.metadata()), options).map_err(|e| damaged(&e))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata);
    pages::weigh(bytes, builder.metadata(), limit)?;
    let groups = builder.metadata().row_groups().iter();
    // The groups and the file each say how many rows there are; all three must agree.
    let stated = groups.map(RowGroupMetaData::num_rows).try_fold(0, i64::checked_add);
    let stated = stated.filter(|rows| *rows == builder.metadata().file_metadata().num_rows());
    let schema = builder.schema().clone();
    // Before the rows: of no columns there may be any number.
    if schema.fields().is_empty() {
        return Err(Refusal::new(RefusedBecause::Empty, "The Parquet file has no columns."));
    }
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); schema.fields().len()];
    let mut rows = 0;
    let mut size = 0;
    for batch in builder.build().map_err(|e| damaged(&e))? {
        let batch = batch.map_err(|e| damaged(&e))?;
        rows += batch.num_rows();
        size += batch.columns().iter().map(|array| expanded(array)).sum::<u64>();
        if size > limit.saturating_mul(2) {
            return Err(too_large());
        }
        for (part, array) in parts.iter_mut().zip(batch.columns()) {
            part.push(if is_nanos(array) { array.clone() } else { plain(array, false).map_err(|e| damaged(&e))? });
        }
    }
    if stated != Some(rows as i64) {
        return Err(damaged(&format!("it holds {rows} rows and says otherwise")));
    }
    let columns = schema
        .fields()
        .iter()
        .zip(parts)
        .map(|(field, mut part)| {
            if part.is_empty() {
                part.push(arrow::array::new_empty_array(field.data_type()));
            }
            // One value decides what all others become.
            let in_micros = part.iter().all(is_in_micros);
            if !in_micros && (rows as u64).saturating_mul(NANOS_IN_WORDS) > limit.saturating_mul(2) {
                return Err(too_large());
            }
            for array in &mut part {
                *array = plain(array, in_micros).map_err(|e| damaged(&e))?;
            }
            let refs: Vec<&dyn Array> = part.iter().map(AsRef::as_ref).collect();
            let array = concat(&refs).map_err(|e| damaged(&e))?;
            Ok(RawColumn { label: field.name().clone(), cells: Cells::Typed(array) })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    Ok(RawTable { columns, places: Places::Count(rows), ..RawTable::default() })
}

/// The schema with texts read as views: a value that a page says once and repeats a thousand times is then held once,
/// and what it would expand to is known before it is.
fn shared(schema: &Schema) -> Schema {
    let fields: Fields = schema.fields().iter().map(shared_field).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn shared_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(shared_type(field.data_type())))
}

fn shared_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) => shared_type(values),
        DataType::List(item) => DataType::List(shared_field(item)),
        DataType::LargeList(item) => DataType::LargeList(shared_field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(shared_field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(shared_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(shared_field(entries), *sorted),
        other => other.clone(),
    }
}

/// Bytes that the array takes once each value is written out.
fn expanded(array: &dyn Array) -> u64 {
    // The lower half of a view is its value's length.
    let of = |views: &[u128]| views.iter().map(|v| 16 + u64::from(*v as u32)).sum();
    match array.data_type() {
        DataType::Utf8View => of(array.as_string_view().views()),
        DataType::BinaryView => of(array.as_binary_view().views()),
        _ => {
            let data = array.to_data();
            let own: u64 = data.buffers().iter().map(|b| b.len() as u64).sum();
            own + data.child_data().iter().map(|child| expanded(&make_array(child.clone()))).sum::<u64>()
        }
    }
}

/// Bytes of a timestamp as text, at most.
const NANOS_IN_WORDS: u64 = 36;

fn is_nanos(array: &dyn Array) -> bool {
    matches!(array.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _))
}

/// Whether an array of nanoseconds holds whole microseconds alone. Others are not looked at.
fn is_in_micros(array: &ArrayRef) -> bool {
    let nanos = array.as_primitive_opt::<TimestampNanosecondType>();
    nanos.is_none_or(|nanos| nanos.iter().flatten().all(|n| n % 1_000 == 0))
}

/// The array in the nearest type that a table has and that loses nothing; text when there is none. `in_micros` when no
/// timestamp of the column is finer than that.
fn plain(array: &ArrayRef, in_micros: bool) -> Result<ArrayRef, arrow::error::ArrowError> {
    let micros =
        |zone: &Option<_>| DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_: &Arc<str>| "UTC".into()));
    let target = match array.data_type() {
        DataType::Dictionary(_, values) => return plain(&strict(array, values)?, in_micros),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        // Tables have no unsigned type: past 63 bits these need a decimal.
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Nanosecond, _) if !in_micros => DataType::Utf8,
        DataType::Timestamp(_, zone) => micros(zone),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) if *s >= 0 => {
            DataType::Decimal128(*p, *s)
        }
        _ => DataType::Utf8,
    };
    if *array.data_type() == target {
        return Ok(array.clone());
    }
    match (array.data_type(), &target) {
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8) => strict(array, &target),
        (_, DataType::Utf8) => in_words(array),
        _ => strict(array, &target),
    }
}

fn strict(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() })
}

/// Any array as text, in arrow's own words: the way for what no column type holds.
pub(super) fn in_words(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    let options = FormatOptions::new().with_null("null");
    let words = ArrayFormatter::try_new(array, &options)?;
    let mut text = StringBuilder::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            text.append_null();
        } else {
            text.append_value(words.value(row).to_string());
        }
    }
    Ok(Arc::new(text.finish()))
}

fn too_large() -> Refusal {
    let message = "The Parquet file holds more than the limit; send it in parts, or set `max_expanded_bytes` in the \
                   dataset's contract.";
    Refusal::new(RefusedBecause::TooLarge, message)
}

fn damaged(e: &dyn std::fmt::Display) -> Refusal {
    let message = format!("The Parquet file is damaged ({e}); nothing of it landed. Write it again.");
    Refusal::new(RefusedBecause::Unreadable, message)
}
