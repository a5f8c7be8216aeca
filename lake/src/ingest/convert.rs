//! A column of texts into a column of one type, cell by cell, with the rows whose cell does not fit.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringArray,
        TimestampMicrosecondBuilder,
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
    let reading = Reading { text, kinds, style, target };
    match target {
        ColumnType::Text => (Arc::new(text.clone()), Vec::new()),
        ColumnType::Boolean => {
            let mut built = BooleanBuilder::with_capacity(text.len());
            let misfits = reading.each(|_, s| value::boolean(s), |v| built.append_option(v));
            (Arc::new(built.finish()), misfits)
        }
        ColumnType::Int64 => {
            let mut built = Int64Builder::with_capacity(text.len());
            let misfits = reading.numbers(
                |s| (s != "-0").then(|| s.parse().ok()).flatten(),
                |_| None,
                |v| built.append_option(v),
            );
            (Arc::new(built.finish()), misfits)
        }
        ColumnType::Float64 => {
            let mut built = Float64Builder::with_capacity(text.len());
            let read = if style.given { number::rendered_float } else { number::exact_float };
            let misfits = reading.numbers(read, number::special, |v| built.append_option(v));
            (Arc::new(built.finish()), misfits)
        }
        ColumnType::Decimal(p, s) => {
            let mut built = Decimal128Builder::with_capacity(text.len()).with_data_type(DataType::Decimal128(p, s));
            let misfits = reading.numbers(|n| number::decimal(n, p, s), |_| None, |v| built.append_option(v));
            (Arc::new(built.finish()), misfits)
        }
        ColumnType::Date => {
            let order = style.day_first.or_else(|| style.clues.day_first());
            let mut built = Date32Builder::with_capacity(text.len());
            let read = |_, s: &str| match DateShape::of(s) {
                _ if let Some(format) = &style.format => date::formatted(s, format),
                Some(shape) => shape.days(order),
                None if style.given => date::basic(s),
                None => None,
            };
            let misfits = reading.each(read, |v| built.append_option(v));
            (Arc::new(built.finish()), misfits)
        }
        ColumnType::Timestamp | ColumnType::TimestampUtc => {
            let mut built = TimestampMicrosecondBuilder::with_capacity(text.len()).with_data_type(data_type(target));
            let misfits = reading.each(|row, s| reading.stamp(row, s), |v| built.append_option(v));
            (Arc::new(built.finish()), misfits)
        }
    }
}

struct Reading<'a> {
    text: &'a StringArray,
    kinds: Option<&'a [Kind]>,
    style: &'a Style,
    target: ColumnType,
}

impl Reading<'_> {
    /// Reads each cell: white space dropped, blanks and null words null.
    fn each<T>(&self, read: impl Fn(usize, &str) -> Option<T>, mut add: impl FnMut(Option<T>)) -> Vec<usize> {
        let mut misfits = Vec::new();
        for (row, value) in self.text.iter().enumerate() {
            let value = value.map(str::trim).filter(|v| !v.is_empty() && !value::is_null_word(v));
            let read = value.and_then(|v| {
                let read = read(row, v);
                if read.is_none() {
                    misfits.push(row);
                }
                read
            });
            add(read);
        }
        misfits
    }

    fn numbers<T>(
        &self,
        read: impl Fn(&str) -> Option<T>,
        special: impl Fn(&str) -> Option<T>,
        add: impl FnMut(Option<T>),
    ) -> Vec<usize> {
        let plain = std::cell::RefCell::new(String::new());
        self.each(
            |row, s| {
                let Some(shape) = Shape::of(s) else { return special(s) };
                if !shape.marked {
                    return read(s);
                }
                let mark = match self.style.mark {
                    Some(mark) => mark,
                    None if self.is_kind(row, Kind::Number) => Mark::Point,
                    None => shape.proof().or_else(|| self.style.clues.mark(!s.contains(',')))?,
                };
                if !shape.under(mark) {
                    return None;
                }
                let mut plain = plain.borrow_mut();
                number::canonical(s, mark, &mut plain);
                read(&plain)
            },
            add,
        )
    }

    fn stamp(&self, row: usize, s: &str) -> Option<i64> {
        const DAY: i64 = 86_400_000_000;
        let style = self.style;
        // A workbook writes midnight as a whole day.
        let day = || match DateShape::of(s) {
            Some(DateShape::Fixed(days)) if self.is_kind(row, Kind::Date) => {
                Some(Stamp { micros: i64::from(days) * DAY, zoned: false, finer: false })
            }
            _ => None,
        };
        if let Some(format) = &style.format {
            let stamp = Stamp::formatted(s, format)?;
            return self.settled(stamp);
        }
        let order = style.day_first.or_else(|| style.clues.day_first());
        let stamp = if style.given { Stamp::loose(s, order) } else { Stamp::of(s) };
        self.settled(stamp.or_else(day)?)
    }

    /// The stamp as the column keeps it: microseconds, local or of an instant.
    fn settled(&self, stamp: Stamp) -> Option<i64> {
        if stamp.finer {
            return None;
        }
        match (self.target, stamp.zoned) {
            (ColumnType::TimestampUtc, true) | (ColumnType::Timestamp, false) => Some(stamp.micros),
            (ColumnType::TimestampUtc, false) => self.style.zone.and_then(|zone| zone.instant(stamp.micros)),
            _ => None,
        }
    }

    fn is_kind(&self, row: usize, kind: Kind) -> bool {
        self.kinds.is_some_and(|k| k[row] == kind)
    }
}
