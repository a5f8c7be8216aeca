//! Parquet to columns: decoded, never trusted. Types pass as they are where a table can hold them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, StringBuilder, make_array},
    compute::{CastOptions, cast_with_options, concat},
    datatypes::{DataType, Date64Type, FieldRef, Fields, Schema, TimeUnit, TimestampNanosecondType},
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

mod int96;
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
    let int96 = int96::columns(&metadata);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), metadata.clone());
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
            let array = if is_decided_by_all(array) { Ok(array.clone()) } else { plain(array, false) };
            part.push(array.map_err(|e| damaged(&e))?);
        }
    }
    if stated != Some(rows as i64) {
        return Err(damaged(&format!("it holds {rows} rows and says otherwise")));
    }
    if !int96.is_empty() {
        let seconds = int96::seconds(bytes, &metadata, &int96).map_err(|e| damaged(&e))?;
        for (at, seconds) in int96.iter().zip(&seconds) {
            check_words(rows, limit)?;
            parts[*at] = int96::times(&parts[*at], seconds).ok_or_else(|| damaged(&"a time is in no calendar"))?;
        }
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
            let is_plain = part.iter().all(is_plain_time);
            if !is_plain {
                check_words(rows, limit)?;
            }
            for array in &mut part {
                *array = plain(array, is_plain).map_err(|e| damaged(&e))?;
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

/// Timestamps as texts take less than the file may.
fn check_words(rows: usize, limit: u64) -> Result<(), Refusal> {
    const MOST: u64 = 36;
    if (rows as u64).saturating_mul(MOST) > limit.saturating_mul(2) { Err(too_large()) } else { Ok(()) }
}

fn is_decided_by_all(array: &dyn Array) -> bool {
    matches!(array.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Date64)
}

/// Whether an array of nanoseconds holds whole microseconds alone, and one of milliseconds that are said to be days whole
/// days. Others are not looked at.
fn is_plain_time(array: &ArrayRef) -> bool {
    let whole = |of: i64| move |n: i64| n % of == 0;
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().iter().flatten().all(whole(1_000))
        }
        DataType::Date64 => array.as_primitive::<Date64Type>().iter().flatten().all(whole(86_400_000)),
        _ => true,
    }
}

/// The array in the nearest type that a table has and that loses nothing; text when there is none. `is_plain` as
/// [`is_plain_time`] says it of all of the column.
fn plain(array: &ArrayRef, is_plain: bool) -> Result<ArrayRef, arrow::error::ArrowError> {
    let micros =
        |zone: &Option<_>| DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_: &Arc<str>| "UTC".into()));
    let target = match array.data_type() {
        DataType::Dictionary(_, values) => return plain(&strict(array, values)?, is_plain),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        // Tables have no unsigned type: past 63 bits these need a decimal.
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date64 if !is_plain => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Nanosecond, _) if !is_plain => DataType::Utf8,
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
