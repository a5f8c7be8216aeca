//! A column of texts into a column of one type, cell by cell, with the rows whose cell does not fit.

use std::sync::Arc;

use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
        Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, TimeUnit},
};
use model::ColumnType;

use crate::contract::Zone;

use super::{
    infer::Clues,
    raw::{Cells, Kind},
    value::{
        self,
        date::{self, DateShape, Stamp},
        number::{self, Mark, Shape},
    },
};

/// How texts are read, beside their type.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// The mark of the column, when it is settled.
    pub mark: Option<Mark>,
    pub day_first: Option<bool>,
    /// For values that settle nothing themselves.
    pub clues: Clues,
    /// The zone of timestamps that name none.
    pub zone: Option<Zone>,
    /// How dates and times are written, when the contract says it.
    pub format: Option<String>,
    /// The type was given, not found: dates may then have the basic form and timestamps the forms of dates.
    pub given: bool,
}

/// The arrow type of a column.
#[must_use]
pub(super) fn data_type(column_type: ColumnType) -> DataType {
    match column_type {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal(p, s) => DataType::Decimal128(p, s),
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::TimestampUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Text => DataType::Utf8,
    }
}

/// The column type of an arrow type, or `None` for one that no table of ours has.
#[must_use]
pub(super) fn column_type(data_type: &DataType) -> Option<ColumnType> {
    Some(match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int64 => ColumnType::Int64,
        DataType::Float64 => ColumnType::Float64,
        DataType::Decimal128(p, s) => ColumnType::Decimal(*p, *s),
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(TimeUnit::Microsecond, None) => ColumnType::Timestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => ColumnType::TimestampUtc,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::Text,
        DataType::Dictionary(_, values) => return column_type(values),
        _ => return None,
    })
}

/// The column, null where a cell is null or does not fit, and the rows of those that do not fit, ascending.
pub(super) fn convert(cells: &Cells, target: ColumnType, style: &Style) -> (ArrayRef, Vec<usize>) {
    let (text, kinds) = match cells {
        Cells::Text(text) => (text, None),
        Cells::Kinds(text, kinds) => (text, Some(kinds.as_slice())),
        Cells::Typed(array) => return (array.clone(), Vec::new()),
    };
    if target == ColumnType::Text {
        return (Arc::new(text.clone()), Vec::new());
    }
    let mut built = Builder::new(target, text.len());
    let mut misfits = Vec::new();
    for (row, value) in text.iter().enumerate() {
        let kind = kinds.map_or(Kind::Label, |k| k[row]);
        if !built.add(value.unwrap_or_default(), kind, style) {
            misfits.push(row);
        }
    }
    (built.finish(), misfits)
}

/// A column that is being built from texts.
#[derive(Debug)]
pub(super) struct Builder {
    target: ColumnType,
    pub values: Values,
    plain: String,
}

/// Values of the column's type.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(BooleanBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Builder {
    pub fn new(target: ColumnType, rows: usize) -> Self {
        let values = match target {
            ColumnType::Boolean => Values::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int64 => Values::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::Float64 => Values::Float64(Float64Builder::with_capacity(rows)),
            ColumnType::Decimal(..) => {
                Values::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(data_type(target)))
            }
            ColumnType::Date => Values::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp | ColumnType::TimestampUtc => {
                Values::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(data_type(target)))
            }
            ColumnType::Text => Values::Text(StringBuilder::with_capacity(rows, 8 * rows)),
        };
        Self { target, values, plain: String::new() }
    }

    /// Adds what a cell says: white space dropped, blanks and null words null. `false` when it does not fit; it is null
    /// then. Texts stay as they are.
    pub fn add(&mut self, cell: &str, kind: Kind, style: &Style) -> bool {
        if let Values::Text(texts) = &mut self.values {
            if cell.is_empty() {
                texts.append_null()
            } else {
                texts.append_value(cell)
            }
            return true;
        }
        let value = cell.trim();
        if value.is_empty() || value::is_null_word(value) {
            self.add_null();
            return true;
        }
        let plain = &mut self.plain;
        match (&mut self.values, self.target) {
            (Values::Boolean(built), _) => put(value::boolean(value), |v| built.append_option(v)),
            (Values::Int64(built), _) => {
                let read = |s: &str| (s != "-0").then(|| s.parse().ok()).flatten();
                put(style.number(value, kind, plain, read, |_| None), |v| built.append_option(v))
            }
            (Values::Float64(built), _) => {
                let read = if style.given { number::rendered_float } else { number::exact_float };
                put(style.number(value, kind, plain, read, number::special), |v| built.append_option(v))
            }
            (Values::Decimal(built), ColumnType::Decimal(p, s)) => {
                put(style.number(value, kind, plain, |n| number::decimal(n, p, s), |_| None), |v| {
                    built.append_option(v)
                })
            }
            (Values::Date(built), _) => put(style.day(value), |v| built.append_option(v)),
            (Values::Timestamp(built), target) => put(style.stamp(value, kind, target), |v| built.append_option(v)),
            (Values::Decimal(_) | Values::Text(_), _) => false,
        }
    }

    pub fn add_null(&mut self) {
        match &mut self.values {
            Values::Boolean(built) => built.append_null(),
            Values::Int64(built) => built.append_null(),
            Values::Float64(built) => built.append_null(),
            Values::Decimal(built) => built.append_null(),
            Values::Date(built) => built.append_null(),
            Values::Timestamp(built) => built.append_null(),
            Values::Text(built) => built.append_null(),
        }
    }

    /// The column so far. The builder is empty then, and of the same type.
    pub fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Boolean(built) => Arc::new(built.finish()),
            Values::Int64(built) => Arc::new(built.finish()),
            Values::Float64(built) => Arc::new(built.finish()),
            Values::Decimal(built) => Arc::new(built.finish()),
            Values::Date(built) => Arc::new(built.finish()),
            Values::Timestamp(built) => Arc::new(built.finish()),
            Values::Text(built) => Arc::new(built.finish()),
        }
    }

    /// As [`finish`](Self::finish), with room for as much again.
    pub fn part(&mut self) -> ArrayRef {
        let array = self.finish();
        self.values = match array.as_string_opt::<i32>() {
            Some(texts) => Values::Text(StringBuilder::with_capacity(texts.len(), texts.value_data().len())),
            None => Self::new(self.target, array.len()).values,
        };
        array
    }
}

fn put<T>(value: Option<T>, add: impl FnOnce(Option<T>)) -> bool {
    let fits = value.is_some();
    add(value);
    fits
}

impl Style {
    fn number<T>(
        &self,
        s: &str,
        kind: Kind,
        plain: &mut String,
        read: impl Fn(&str) -> Option<T>,
        special: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(shape) = Shape::of(s) else { return special(s) };
        if !shape.marked {
            return read(s);
        }
        let mark = match self.mark {
            Some(mark) => mark,
            None if kind == Kind::Number => Mark::Point,
            None => shape.proof().or_else(|| self.clues.mark(!s.contains(',')))?,
        };
        if !shape.under(mark) {
            return None;
        }
        number::canonical(s, mark, plain);
        read(plain)
    }

    /// Days since 1970.
    fn day(&self, s: &str) -> Option<i32> {
        let order = self.day_first.or_else(|| self.clues.day_first());
        match DateShape::of(s) {
            _ if let Some(format) = &self.format => date::formatted(s, format),
            Some(shape) => shape.days(order),
            None if self.given => date::basic(s),
            None => None,
        }
    }

    /// Microseconds since 1970, local or of an instant as the column keeps them.
    fn stamp(&self, s: &str, kind: Kind, target: ColumnType) -> Option<i64> {
        const DAY: i64 = 86_400_000_000;
        // A workbook writes midnight as a whole day.
        let day = || match DateShape::of(s) {
            Some(DateShape::Fixed(days)) if kind == Kind::Date => {
                Some(Stamp { micros: i64::from(days) * DAY, zoned: false, finer: false })
            }
            _ => None,
        };
        let stamp = if let Some(format) = &self.format {
            Stamp::formatted(s, format)?
        } else {
            let order = self.day_first.or_else(|| self.clues.day_first());
            let stamp = if self.given { Stamp::loose(s, order) } else { Stamp::of(s) };
            stamp.or_else(day)?
        };
        if stamp.finer {
            return None;
        }
        match (target, stamp.zoned) {
            (ColumnType::TimestampUtc, true) | (ColumnType::Timestamp, false) => Some(stamp.micros),
            (ColumnType::TimestampUtc, false) => self.zone.and_then(|zone| zone.instant(stamp.micros)),
            _ => None,
        }
    }
}
