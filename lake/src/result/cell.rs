//! Values as text and as JSON: one way to write each type, shared by pages and encoders.

use std::{fmt::Write as _, ops::Range};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
    record_batch::RecordBatch,
    temporal_conversions,
};
use model::Cell;

use crate::{LakeError, Result};

/// One column of a batch, by type.
pub(super) enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Decimal(&'a Decimal128Array),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
    TimestampUtc(&'a TimestampMicrosecondArray),
    Text(&'a StringArray),
}

/// Appends the rows of a range.
pub(super) fn rows(batch: &RecordBatch, range: Range<usize>, into: &mut Vec<Vec<Cell>>) -> Result<()> {
    let columns = Cells::all(batch)?;
    into.extend(range.map(|row| columns.iter().map(|c| c.json(row)).collect()));
    Ok(())
}

/// All rows of a batch.
pub(crate) fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Cell>>> {
    let mut all = Vec::with_capacity(batch.num_rows());
    rows(batch, 0..batch.num_rows(), &mut all)?;
    Ok(all)
}

impl<'a> Cells<'a> {
    pub(super) fn all(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        batch.columns().iter().map(Self::of).collect()
    }

    fn of(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let values = array.as_primitive::<TimestampMicrosecondType>();
                if zone.is_some() { Self::TimestampUtc(values) } else { Self::Timestamp(values) }
            }
            DataType::Utf8 => Self::Text(array.as_string()),
            other => return Err(LakeError::internal(format!("a result holds a column of {other}"))),
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(a) => a.is_null(row),
            Self::Int64(a) => a.is_null(row),
            Self::Float64(a) => a.is_null(row),
            Self::Decimal(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Timestamp(a) | Self::TimestampUtc(a) => a.is_null(row),
            Self::Text(a) => a.is_null(row),
        }
    }

    /// The value for a page.
    fn json(&self, row: usize) -> Cell {
        if self.is_null(row) {
            return Cell::Null;
        }
        match self {
            Self::Boolean(a) => a.value(row).into(),
            Self::Int64(a) => a.value(row).into(),
            Self::Float64(a) if a.value(row).is_finite() => a.value(row).into(),
            Self::Text(a) => a.value(row).into(),
            _ => {
                let mut text = String::new();
                self.write(row, &mut text);
                text.into()
            }
        }
    }

    /// Writes a value that is not null as plain text.
    pub(super) fn write(&self, row: usize, into: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Text(a) => into.write_str(a.value(row)),
            Self::Boolean(a) => write!(into, "{}", a.value(row)),
            Self::Int64(a) => write!(into, "{}", a.value(row)),
            Self::Float64(a) => match a.value(row) {
                v if v.is_nan() => into.write_str("NaN"),
                v if v.is_infinite() => into.write_str(if v > 0.0 { "inf" } else { "-inf" }),
                v => write!(into, "{}", serde_json::Number::from_f64(v).unwrap_or_else(|| 0.into())),
            },
            Self::Decimal(a) => into.write_str(&a.value_as_string(row)),
            Self::Date(a) => match temporal_conversions::date32_to_datetime(a.value(row)) {
                Some(day) => write!(into, "{}", day.date()),
                None => write!(into, "{} days", a.value(row)),
            },
            Self::Timestamp(a) | Self::TimestampUtc(a) => {
                let zone = if matches!(self, Self::TimestampUtc(_)) { "Z" } else { "" };
                match temporal_conversions::timestamp_us_to_datetime(a.value(row)) {
                    Some(at) => write!(into, "{}{zone}", at.format("%Y-%m-%dT%H:%M:%S%.f")),
                    None => write!(into, "{} µs{zone}", a.value(row)),
                }
            }
        };
    }

    /// Writes a value as JSON.
    pub(super) fn write_json(&self, row: usize, into: &mut String) {
        if self.is_null(row) {
            into.push_str("null");
            return;
        }
        match self {
            Self::Boolean(_) | Self::Int64(_) => self.write(row, into),
            Self::Float64(a) if a.value(row).is_finite() => self.write(row, into),
            Self::Text(a) => json_text(a.value(row), into),
            // Nothing in these needs an escape.
            _ => {
                into.push('"');
                self.write(row, into);
                into.push('"');
            }
        }
    }
}

/// Writes a JSON string.
pub(super) fn json_text(text: &str, into: &mut String) {
    into.push_str(&serde_json::Value::from(text).to_string());
}
