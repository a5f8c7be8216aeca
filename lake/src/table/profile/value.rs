//! One value inside a profile: ordered, hashed the same for ever, and shown as every other value is.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::DataType,
};
use model::{Cell, ColumnType};
use serde::{Deserialize, Serialize};

use crate::{LakeError, Result};

/// Characters of a text that a profile keeps; a longer one ends in `…`.
const TEXT_CHARS: usize = 200;

/// Values of one column are all of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Value {
    Boolean(bool),
    /// Integers, days and microseconds since 1970.
    Whole(i64),
    Float(Float),
    /// Without its scale.
    Decimal(i128),
    Text(String),
}

impl Value {
    pub fn float(value: f64) -> Self {
        Self::Float(Float(value))
    }

    /// Long texts are cut. Of two cut texts that begin alike the order is not told.
    pub fn text(text: &str) -> Self {
        match text.char_indices().nth(TEXT_CHARS) {
            Some((end, _)) => Self::Text(format!("{}…", &text[..end])),
            None => Self::Text(text.to_owned()),
        }
    }
}

/// A float in its total order, kept by its bits: JSON has no `NaN` and no infinity.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub(super) struct Float(f64);

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl From<u64> for Float {
    fn from(bits: u64) -> Self {
        Self(f64::from_bits(bits))
    }
}

impl From<Float> for u64 {
    fn from(float: Float) -> Self {
        float.0.to_bits()
    }
}

/// As pages and API write values of the type. A value of another kind is an internal error.
pub(super) fn cells(values: &[&Value], of: ColumnType) -> Result<Vec<Cell>> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || LakeError::internal(format!("a profile of a {of} column holds a value of another kind"));
    let whole = || values.iter().map(|v| if let Value::Whole(n) = v { Some(*n) } else { None });
    let array: ArrayRef = match of {
        ColumnType::Boolean => {
            let booleans = values.iter().map(|v| if let Value::Boolean(b) = v { Some(*b) } else { None });
            Arc::new(booleans.collect::<Option<Vec<bool>>>().map(BooleanArray::from).ok_or_else(wrong)?)
        }
        ColumnType::Int64 => Arc::new(whole().collect::<Option<Vec<i64>>>().map(Int64Array::from).ok_or_else(wrong)?),
        ColumnType::Float64 => {
            let floats = values.iter().map(|v| if let Value::Float(f) = v { Some(f.0) } else { None });
            Arc::new(floats.collect::<Option<Vec<f64>>>().map(Float64Array::from).ok_or_else(wrong)?)
        }
        ColumnType::Decimal(precision, scale) => {
            let decimals = values.iter().map(|v| if let Value::Decimal(d) = v { Some(*d) } else { None });
            let decimals = decimals.collect::<Option<Vec<i128>>>().map(Decimal128Array::from).ok_or_else(wrong)?;
            Arc::new(decimals.with_data_type(DataType::Decimal128(precision, scale)))
        }
        ColumnType::Date => {
            let days = whole().map(|n| n.and_then(|n| i32::try_from(n).ok()));
            Arc::new(days.collect::<Option<Vec<i32>>>().map(Date32Array::from).ok_or_else(wrong)?)
        }
        ColumnType::Timestamp | ColumnType::TimestampUtc => {
            let instants = whole().collect::<Option<Vec<i64>>>().map(TimestampMicrosecondArray::from);
            let zone = (of == ColumnType::TimestampUtc).then_some("UTC");
            Arc::new(instants.ok_or_else(wrong)?.with_timezone_opt(zone))
        }
        ColumnType::Text => {
            let texts = values.iter().map(|v| if let Value::Text(t) = v { Some(t.as_str()) } else { None });
            Arc::new(texts.collect::<Option<Vec<&str>>>().map(StringArray::from).ok_or_else(wrong)?)
        }
    };
    let batch = RecordBatch::try_from_iter([("value", array)])
        .map_err(|e| LakeError::internal(format!("a profile's values: {e}")))?;
    Ok(crate::result::cells(&batch)?.into_iter().flatten().collect())
}

/// 64 well-mixed bits of some bytes. Stored profiles hold these, so the function never changes; it is for counting,
/// not for secrets.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut state = fold(SEED ^ bytes.len() as u64, FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), FACTOR);
    }
    if !rest.is_empty() {
        state = fold(state ^ word(rest), FACTOR);
    }
    fold(state ^ SEED, SEED)
}

/// Up to seven bytes, little-endian, by reads of fixed sizes: a copy of any length would be a call.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let last = bytes.len() - bytes.len().min(4);
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(low), Some(high)) => {
            u64::from(u32::from_le_bytes(*low)) | (u64::from(u32::from_le_bytes(*high)) << (8 * last))
        }
        _ => bytes.iter().rev().fold(0, |word, b| (word << 8) | u64::from(*b)),
    }
}

// Odd constants with about half of their bits set: the fractions of π and of the golden ratio.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change_between_builds() {
        assert_eq!(hash(b"UA"), 0x1a26_a091_15d9_35f6);
        assert_eq!(hash(b"12345678"), 0x3890_44f5_06b1_0792);
        let different: std::collections::HashSet<u64> =
            [&b""[..], b"a", b"a\0", b"\0a", b"12345678", b"123456789", b"12345678\0"].into_iter().map(hash).collect();
        assert_eq!(different.len(), 7);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(Value::text("ä"), Value::Text("ä".into()));
        assert_eq!(Value::text(&"ä".repeat(300)), Value::Text("ä".repeat(200) + "…"));
    }

    #[test]
    fn values_are_kept_by_json() {
        for value in [
            Value::Boolean(true),
            Value::Whole(i64::MIN),
            Value::float(f64::NEG_INFINITY),
            Value::Decimal(i128::MIN),
            Value::Text("\u{0}\"".into()),
        ] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{json}");
        }
    }
}
