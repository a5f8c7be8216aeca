//! One column on its way from fields to values, with the evidence of every field.
//!
//! Most fields of a column look alike: whole numbers, plain decimals, ISO dates, words. Those are read here in one look,
//! with the same evidence and the same value as the slow way gives, which takes all others.

use arrow::array::ArrayRef;
use model::ColumnType;

use crate::ingest::{
    convert::{Builder, Values},
    fit::Planned,
    header::is_year,
    infer::{Clues, Evidence, may_count},
    raw::Kind,
    value::{
        self, date,
        number::{self, Mark},
    },
    words::Told,
};

#[derive(Debug)]
pub(super) struct Column {
    pub planned: Planned,
    builder: Builder,
    /// Of the rows below the first.
    pub below: Evidence,
    /// Of all rows, when the first is one of them.
    pub all: Option<Evidence>,
    /// What single values prove, when the type is another than the one found.
    pub learned: Clues,
    learns: bool,
    /// The first row's field, and whether it comes again below.
    first: Option<String>,
    pub again: bool,
    pub years: bool,
    /// Every field is compared with the first, not only those that are no plain values.
    watches: bool,
    /// What the contract says means null.
    nulls: Vec<String>,
    /// Rows that the evidence names: their number, line and field.
    told: Vec<(usize, u64, String)>,
}

/// Where a field stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// Number of the row, from 0.
    pub row: usize,
    /// 1-based.
    pub line: u64,
}

impl Column {
    /// `first` is the first row's field when a header is in question; `is_data` when that row is data.
    pub fn new(planned: Planned, first: Option<String>, typed: bool, is_data: bool, nulls: Vec<String>) -> Self {
        Self {
            builder: Builder::new(planned.target, 0),
            below: Evidence::default(),
            all: is_data.then(Evidence::default),
            learned: Clues::default(),
            learns: planned.target != ColumnType::Text && planned.found.column_type != planned.target,
            first,
            again: false,
            years: true,
            watches: typed || is_data || !nulls.is_empty(),
            nulls,
            told: Vec::new(),
            planned,
        }
    }

    /// Takes the field of the first row when that is data: it says nothing of what is below a header.
    pub fn add_first(&mut self, field: &str, at: At) -> bool {
        let field = self.meant(field);
        if let Some(all) = &mut self.all {
            all.add_field(at.row, field);
            self.told.extend(told(all, field, at));
        }
        if self.learns {
            self.learned.learn(field);
        }
        self.builder.add(field, Kind::Label, &self.planned.style)
    }

    /// Takes a field in. `false` when it does not fit the column.
    #[inline]
    pub fn add(&mut self, field: &str, at: At) -> bool {
        if !self.watches && self.add_plain(field) {
            return true;
        }
        self.add_any(field, at, true)
    }

    /// Takes a field in as evidence alone.
    pub fn look(&mut self, field: &str, at: At) {
        self.add_any(field, at, false);
    }

    /// Takes a field in when it is what nearly all of such columns are. `false` when it is not, and then nothing is taken.
    #[inline]
    fn add_plain(&mut self, text: &str) -> bool {
        let field = text.as_bytes();
        match &mut self.builder.values {
            Values::Int64(built) => {
                let Some((value, digits)) = number::plain_whole(field) else { return false };
                if !self.below.add_whole(digits) {
                    return false;
                }
                built.append_value(value);
            }
            Values::Float64(built) => {
                if self.planned.style.mark == Some(Mark::Comma) {
                    return false;
                }
                let value = match number::plain_decimal(field) {
                    Some((value, whole, fraction)) if self.below.add_decimal(whole, fraction) => {
                        self.learned.has_point();
                        value
                    }
                    _ => match number::plain_whole(field) {
                        Some((value, digits)) if self.below.add_whole(digits) => value as f64,
                        _ => return false,
                    },
                };
                built.append_value(value);
            }
            Values::Date(built) if self.planned.style.format.is_none() => {
                let Some(days) = date::plain_iso(field) else { return false };
                if !self.below.add_day() {
                    return false;
                }
                built.append_value(days);
            }
            Values::Text(built) => {
                let (Some(first), Some(last)) = (field.first(), field.last()) else { return false };
                // What could be null, blank, a number or a date, or the header's word again, is looked at.
                let plain = (b'!'..0x80).contains(first)
                    && (b'!'..0x80).contains(last)
                    && !may_count(*first)
                    && !value::is_null_word(text)
                    && self.first.as_ref().is_none_or(|f| f.len() != field.len() || f.as_bytes() != field);
                if !plain || !self.below.add_text() {
                    return false;
                }
                built.append_value(text);
            }
            _ => return false,
        }
        true
    }

    fn add_any(&mut self, field: &str, at: At, build: bool) -> bool {
        let field = self.meant(field);
        if !field.is_empty() {
            self.again |= self.first.as_deref() == Some(field);
            self.years = self.years && is_year(field);
            self.below.add_field(at.row, field);
            self.told.extend(told(&self.below, field, at));
            if let Some(all) = &mut self.all {
                all.add_field(at.row, field);
                self.told.extend(told(all, field, at));
            }
            if self.learns {
                self.learned.learn(field);
            }
        }
        !build || self.builder.add(field, Kind::Label, &self.planned.style)
    }

    fn meant<'a>(&self, field: &'a str) -> &'a str {
        if self.nulls.is_empty() || !self.nulls.iter().any(|w| w == field.trim()) { field } else { "" }
    }

    /// The first row's field.
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// The values since the last time.
    pub fn finish(&mut self) -> ArrayRef {
        self.builder.part()
    }

    /// The evidence by which the column is decided.
    pub fn evidence(&self) -> &Evidence {
        self.all.as_ref().unwrap_or(&self.below)
    }
}

/// The row, when the evidence just came to name it.
fn told(evidence: &Evidence, field: &str, at: At) -> Option<(usize, u64, String)> {
    evidence.names(at.row).then(|| (at.row, at.line, field.to_owned()))
}

impl Told for Column {
    fn value(&self, row: usize) -> String {
        self.told.iter().find(|t| t.0 == row).map(|t| t.2.clone()).unwrap_or_default()
    }

    fn line(&self, row: usize) -> u64 {
        self.told.iter().find(|t| t.0 == row).map(|t| t.1).unwrap_or_default()
    }
}
