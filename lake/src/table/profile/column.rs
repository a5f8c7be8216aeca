//! What a profile knows of one column of one file, or of several files together.

use std::borrow::Cow;

use arrow::{
    array::{Array, ArrayRef, AsArray, PrimitiveArray},
    compute::{cast, max, min},
    datatypes::{
        ArrowNumericType, DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
    },
};
use model::{Bin, ColumnProfile, ColumnType, Lengths, TopValue};
use serde::{Deserialize, Serialize};

use super::{
    bins::Bins,
    frequent::Frequent,
    value::{Value, cells, hash},
};
use crate::{LakeError, Result, catalog::column_type};

/// Most frequent values that are shown.
const TOP: usize = 10;
/// Bars that are shown.
const BARS: usize = 24;

/// Mergeable: the sketch of two parts merged is the one of the whole, but for the counts of frequent values once there
/// are more than 512 different ones, which stay within their stated bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ColumnSketch {
    pub name: String,
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    pub rows: u64,
    pub nulls: u64,
    /// Without `NaN`.
    min: Option<Value>,
    max: Option<Value>,
    frequent: Frequent,
    /// Of numbers, days and instants; finite ones.
    bins: Option<Bins>,
    /// Of numbers; finite ones. `None` too once a sum is larger than floats are.
    moments: Option<Moments>,
    /// Of texts, in characters.
    lengths: Option<TextLengths>,
}

/// Mean and spread, merged as by Chan, Golub and LeVeque (1983).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    spread: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct TextLengths {
    min: u64,
    max: u64,
    sum: u64,
}

impl ColumnSketch {
    /// `None` for types whose values a profile does not look at: lists, structs, bytes, times of day.
    pub fn new(name: &str, data_type: &DataType) -> Option<Self> {
        let column_type = column_type(data_type);
        let is_text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if column_type == ColumnType::Text && !is_text {
            return None;
        }
        let whole = matches!(
            column_type,
            ColumnType::Int64 | ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampUtc
        );
        let spread = whole || column_type.is_number();
        Some(Self {
            name: name.to_owned(),
            column_type,
            rows: 0,
            nulls: 0,
            min: None,
            max: None,
            frequent: Frequent::default(),
            bins: spread.then(|| Bins::new(whole)),
            moments: column_type.is_number().then(Moments::default),
            lengths: None,
        })
    }

    /// Takes the values of one batch in.
    ///
    /// # Errors
    /// When the array is not of the column's type.
    pub fn add(&mut self, array: &ArrayRef) -> Result<()> {
        self.rows += array.len() as u64;
        self.nulls += array.null_count() as u64;
        if array.null_count() == array.len() {
            return Ok(());
        }
        match self.column_type {
            ColumnType::Boolean => {
                for value in array.as_boolean().iter().flatten() {
                    self.frequent.add(hash(&[value.into()]), || Value::Boolean(value));
                    self.bound(&Value::Boolean(value));
                }
            }
            ColumnType::Int64 => {
                let array = as_type(array, &DataType::Int64)?;
                self.primitives::<Int64Type>(&array, Value::Whole, |v| v as f64);
            }
            ColumnType::Date => {
                self.primitives::<Date32Type>(array, |v| Value::Whole(v.into()), f64::from);
            }
            ColumnType::Timestamp | ColumnType::TimestampUtc => {
                self.primitives::<TimestampMicrosecondType>(array, Value::Whole, |v| v as f64);
            }
            ColumnType::Decimal(_, scale) => {
                let one = 10_f64.powi(scale.into());
                self.primitives::<Decimal128Type>(array, Value::Decimal, |v| v as f64 / one);
            }
            ColumnType::Float64 => {
                let array = as_type(array, &DataType::Float64)?;
                self.floats(&array);
            }
            ColumnType::Text => match array.data_type() {
                DataType::Utf8 => {
                    let texts = array.as_string::<i32>();
                    self.texts(texts.iter().flatten(), texts.value_data().is_ascii());
                }
                DataType::LargeUtf8 => {
                    let texts = array.as_string::<i64>();
                    self.texts(texts.iter().flatten(), texts.value_data().is_ascii());
                }
                _ => self.texts(array.as_string_view().iter().flatten(), false),
            },
        }
        Ok(())
    }

    /// Whether its values hardly come again: of those seen, more than one in eight is new. Few rows say nothing of it.
    pub fn is_varied(&self) -> bool {
        const ENOUGH: u64 = 1_000;
        let values = self.rows - self.nulls;
        values >= ENOUGH && self.frequent.distinct() * 8 > values
    }

    /// Takes another part's values in. `false` when it has another type, and then nothing is taken.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.column_type != other.column_type {
            return false;
        }
        self.rows += other.rows;
        self.nulls += other.nulls;
        other.min.iter().chain(&other.max).for_each(|v| self.bound(v));
        self.frequent.merge(&other.frequent);
        if let (Some(mine), Some(theirs)) = (&mut self.bins, &other.bins) {
            mine.merge(theirs);
        }
        self.moments = self.moments.zip(other.moments).and_then(|(mine, theirs)| mine.merged(theirs));
        self.lengths = match (self.lengths, other.lengths) {
            (Some(a), Some(b)) => {
                Some(TextLengths { min: a.min.min(b.min), max: a.max.max(b.max), sum: a.sum + b.sum })
            }
            (a, b) => a.or(b),
        };
        true
    }

    /// Rows of a file that does not have the column.
    pub fn absent(&mut self, rows: u64) {
        self.rows += rows;
        self.nulls += rows;
    }

    /// In memory, about.
    pub fn bytes(&self) -> usize {
        self.name.len() + 2048 + self.frequent.bytes()
    }

    /// As catalog, API and pages show it.
    pub fn shown(&self) -> Result<ColumnProfile> {
        let one = |value: &Option<Value>| -> Result<model::Cell> {
            let given: Vec<&Value> = value.iter().collect();
            Ok(cells(&given, self.column_type)?.pop().unwrap_or(model::Cell::Null))
        };
        let top = self.frequent.top(TOP);
        let values: Vec<&Value> = top.iter().map(|t| t.0).collect();
        let top = cells(&values, self.column_type)?.into_iter().zip(&top);
        let count = |b: bool| self.frequent.count(hash(&[b.into()]));
        let is_boolean = self.column_type == ColumnType::Boolean;
        let values = self.rows - self.nulls;
        Ok(ColumnProfile {
            name: self.name.clone(),
            rows: self.rows,
            nulls: self.nulls,
            distinct: self.frequent.distinct().min(values),
            distinct_exact: self.frequent.is_exact(),
            min: one(&self.min)?,
            max: one(&self.max)?,
            mean: self.moments.filter(|m| m.count > 0).map(|m| m.mean),
            deviation: self.moments.and_then(Moments::deviation),
            lengths: self.lengths.map(|l| Lengths { min: l.min, max: l.max, mean: l.sum as f64 / values as f64 }),
            trues: is_boolean.then(|| count(true)),
            falses: is_boolean.then(|| count(false)),
            top: top.map(|(value, (_, count))| TopValue { value, count: *count }).collect(),
            top_missed: self.frequent.missed(),
            histogram: self.histogram()?,
        })
    }

    fn histogram(&self) -> Result<Vec<Bin>> {
        let bins = self.bins.as_ref().map(|b| b.shown(BARS)).unwrap_or_default();
        let edge = |at: f64| match self.column_type {
            ColumnType::Float64 | ColumnType::Decimal(..) => Value::float(at),
            _ => Value::Whole(at as i64),
        };
        let written = match self.column_type {
            ColumnType::Decimal(..) => ColumnType::Float64,
            other => other,
        };
        let edges: Vec<Value> = bins.iter().flat_map(|b| [edge(b.from), edge(b.to)]).collect();
        let edges = cells(&edges.iter().collect::<Vec<_>>(), written)?;
        let bins = bins.iter().zip(edges.as_chunks::<2>().0);
        Ok(bins.map(|(b, [from, to])| Bin { from: from.clone(), to: to.clone(), count: b.count }).collect())
    }

    fn primitives<T: ArrowNumericType>(
        &mut self,
        array: &ArrayRef,
        value: impl Fn(T::Native) -> Value,
        number: impl Fn(T::Native) -> f64,
    ) where
        T::Native: AsBytes + PartialOrd,
    {
        let Some(array) = array.as_primitive_opt::<T>() else { return };
        let (Some(least), Some(most)) = (min(array), max(array)) else { return };
        self.bound(&value(least));
        self.bound(&value(most));
        let (least, most) = (number(least), number(most));
        let values = present(array);
        self.spread(least, most, values.iter().map(|v| number(*v)));
        for v in values.iter() {
            self.frequent.add(v.hashed(), || value(*v));
        }
    }

    fn floats(&mut self, array: &ArrayRef) {
        let values = present(array.as_primitive::<Float64Type>());
        // One zero and one NaN, so that equal values are counted as one.
        let plain = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.iter() {
            let v = plain(*v);
            self.frequent.add(hash(&v.to_bits().to_le_bytes()), || Value::float(v));
            if v.is_finite() {
                (least, most) = (least.min(v), most.max(v));
            } else if !v.is_nan() {
                self.bound(&Value::float(v));
            }
        }
        if least <= most {
            self.bound(&Value::float(least));
            self.bound(&Value::float(most));
            self.spread(least, most, values.iter().map(|v| plain(*v)).filter(|v| v.is_finite()));
        }
    }

    /// `ascii` when it is known that every character is one byte.
    fn texts<'a>(&mut self, values: impl Iterator<Item = &'a str>, ascii: bool) {
        let mut lengths = self.lengths.unwrap_or(TextLengths { min: u64::MAX, max: 0, sum: 0 });
        let (mut least, mut most): (Option<&str>, Option<&str>) = (None, None);
        // What lies strictly between the first eight bytes of both is neither less nor more.
        let mut between = (u64::MAX, 0);
        for text in values {
            let length = if ascii { text.len() } else { text.chars().count() } as u64;
            lengths.min = lengths.min.min(length);
            lengths.max = lengths.max.max(length);
            lengths.sum += length;
            // A value that is counted already has been compared already.
            let inside = begin(text).is_some_and(|b| between.0 < b && b < between.1);
            if self.frequent.add(hash(text.as_bytes()), || Value::text(text)) && !inside {
                least = Some(least.map_or(text, |l| l.min(text)));
                most = Some(most.map_or(text, |m| m.max(text)));
                between = least.and_then(begin).zip(most.and_then(begin)).unwrap_or((u64::MAX, 0));
            }
        }
        self.lengths = Some(lengths);
        least.iter().chain(&most).for_each(|t| self.bound(&Value::text(t)));
    }

    /// Bins and moments of some finite values between two.
    fn spread(&mut self, least: f64, most: f64, values: impl Iterator<Item = f64>) {
        let Some(bins) = &mut self.bins else { return };
        bins.widen(least, most);
        let scale = bins.scale();
        let (mut count, mut sum, mut squares) = (0_u64, 0.0, 0.0);
        for v in values {
            bins.add(v, scale);
            // Around a value of the batch: sums of squares of large numbers that are close would lose everything.
            let d = v - least;
            count += 1;
            sum += d;
            squares += d * d;
        }
        if count > 0 {
            let n = count as f64;
            let new = Moments { count, mean: least + sum / n, spread: (squares - sum * sum / n).max(0.0) };
            self.moments = self.moments.and_then(|moments| moments.merged(new));
        }
    }

    fn bound(&mut self, value: &Value) {
        if self.min.as_ref().is_none_or(|min| value < min) {
            self.min = Some(value.clone());
        }
        if self.max.as_ref().is_none_or(|max| value > max) {
            self.max = Some(value.clone());
        }
    }
}

/// The values that are not null.
fn present<T: ArrowNumericType>(array: &PrimitiveArray<T>) -> Cow<'_, [T::Native]> {
    if array.null_count() == 0 { Cow::Borrowed(array.values()) } else { Cow::Owned(array.iter().flatten().collect()) }
}

/// The first eight bytes, in the order of texts.
#[inline]
fn begin(text: &str) -> Option<u64> {
    text.as_bytes().first_chunk::<8>().map(|b| u64::from_be_bytes(*b))
}

/// Narrower numbers as the wide ones.
fn as_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    cast(array, to).map_err(|e| LakeError::internal(format!("a profile's column: {e}")))
}

impl Moments {
    /// `None` when the sums overflow: JSON could not keep them.
    fn merged(self, other: Self) -> Option<Self> {
        if other.count == 0 {
            return Some(self);
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let apart = other.mean - self.mean;
        let spread = self.spread + other.spread + apart * apart * a * b / (a + b);
        let mean = self.mean + apart * b / (a + b);
        (mean.is_finite() && spread.is_finite()).then_some(Self { count: self.count + other.count, mean, spread })
    }

    /// Of a sample; there is none of one value.
    fn deviation(self) -> Option<f64> {
        (self.count > 1).then(|| (self.spread / (self.count - 1) as f64).sqrt())
    }
}

/// Numbers by their bytes, the same on every machine.
trait AsBytes: Copy {
    fn hashed(self) -> u64;
}

impl AsBytes for i32 {
    fn hashed(self) -> u64 {
        hash(&self.to_le_bytes())
    }
}

impl AsBytes for i64 {
    fn hashed(self) -> u64 {
        hash(&self.to_le_bytes())
    }
}

impl AsBytes for i128 {
    fn hashed(self) -> u64 {
        hash(&self.to_le_bytes())
    }
}
