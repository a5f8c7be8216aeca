//! Parquet to columns: decoded, never trusted. Types pass as they are where a table can hold them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, StringBuilder},
    compute::{CastOptions, cast_with_options, concat},
    datatypes::{DataType, FieldRef, Schema, TimeUnit},
    error::ArrowError,
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
    pages::check_depth(bytes)?;
    let file = ArrowReaderMetadata::load(bytes, ArrowReaderOptions::default()).map_err(|e| damaged(&e))?;
    pages::weigh(bytes, file.metadata(), limit)?;
    let schema = file.schema().clone();
    if schema.fields().is_empty() {
        return Err(Refusal::new(RefusedBecause::Empty, "The Parquet file has no columns."));
    }
    let stated = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).try_fold(0, i64::checked_add);
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new_with_metadata(
        schema.fields().iter().map(viewed).collect::<Vec<_>>(),
        schema.metadata().clone(),
    )));
    let file = ArrowReaderMetadata::try_new(Arc::clone(file.metadata()), options).map_err(|e| damaged(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), file);
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); schema.fields().len()];
    let mut rows = 0;
    let mut left = limit.saturating_mul(2);
    for batch in reader.build().map_err(|e| damaged(&e))? {
        let batch = batch.map_err(|e| damaged(&e))?;
        rows += batch.num_rows();
        for (part, array) in parts.iter_mut().zip(batch.columns()) {
            let array = plain(array, left)?;
            left = left.checked_sub(array.get_array_memory_size() as u64).ok_or_else(too_large)?;
            part.push(array);
        }
    }
    if stated != Some(rows as i64) {
        return Err(damaged(&format!("it holds {rows} rows and says otherwise")));
    }
    let columns = schema
        .fields()
        .iter()
        .zip(parts)
        .map(|(field, part)| {
            let refs: Vec<&dyn Array> = part.iter().map(AsRef::as_ref).collect();
            let array = match refs.is_empty() {
                true => plain(&arrow::array::new_empty_array(field.data_type()), left)?,
                false => concat(&refs).map_err(|e| damaged(&e))?,
            };
            Ok(RawColumn { label: field.name().clone(), cells: Cells::Typed(array) })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    Ok(RawTable { columns, places: Places::Count(rows), ..RawTable::default() })
}

/// The field with its texts as views: a text that stands once in a dictionary then stands once in memory, too, however
/// many rows refer to it.
fn viewed(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, values) if matches!(**values, DataType::Utf8 | DataType::LargeUtf8) => {
            DataType::Utf8View
        }
        DataType::Dictionary(_, values) if matches!(**values, DataType::Binary | DataType::LargeBinary) => {
            DataType::BinaryView
        }
        DataType::List(inner) => DataType::List(viewed(inner)),
        DataType::LargeList(inner) => DataType::LargeList(viewed(inner)),
        DataType::FixedSizeList(inner, n) => DataType::FixedSizeList(viewed(inner), *n),
        DataType::Map(inner, sorted) => DataType::Map(viewed(inner), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(viewed).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// The array in the nearest type that a table has and that loses nothing; text when there is none.
///
/// # Errors
/// `too_large` when its texts are longer than `left` bytes.
fn plain(array: &ArrayRef, left: u64) -> Result<ArrayRef, Refusal> {
    if let Some(views) = array.as_string_view_opt() {
        let bytes: u64 = views.lengths().map(u64::from).sum();
        if bytes > left {
            return Err(too_large());
        }
    }
    match nearest(array, left) {
        Err(ArrowError::MemoryError(_)) => Err(too_large()),
        other => other.map_err(|e| damaged(&e)),
    }
}

fn nearest(array: &ArrayRef, left: u64) -> Result<ArrayRef, ArrowError> {
    let micros =
        |zone: &Option<_>| DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_: &Arc<str>| "UTC".into()));
    let target = match array.data_type() {
        DataType::Dictionary(_, values) => return nearest(&strict(array, values)?, left),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        // Tables have no unsigned type: past 63 bits these need a decimal.
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => match strict_nanos(array, &micros(zone))? {
            Some(exact) => return Ok(exact),
            None => DataType::Utf8,
        },
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
        (_, DataType::Utf8) => words(array, left),
        _ => strict(array, &target),
    }
}

fn strict(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() })
}

/// Microseconds, or `None` when a nanosecond would be lost.
fn strict_nanos(array: &ArrayRef, target: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    let micros = strict(array, target)?;
    let back = strict(&micros, array.data_type())?;
    Ok((back.to_data() == array.to_data()).then_some(micros))
}

/// Any array as text, in arrow's own words: the way for what no column type holds.
pub(super) fn in_words(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    words(array, u64::MAX)
}

/// # Errors
/// [`ArrowError::MemoryError`] when the words take more than `left` bytes.
fn words(array: &ArrayRef, left: u64) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::new();
    let words = ArrayFormatter::try_new(array, &options)?;
    let mut text = StringBuilder::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            text.append_null();
        } else {
            text.append_value(words.value(row).to_string());
            if text.values_slice().len() as u64 > left {
                return Err(ArrowError::MemoryError("the words of a column".into()));
            }
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
