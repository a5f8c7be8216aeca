//! How nearly the values of a text column are numbers or dates. Who sends 20,000 prices and one `abc` meant numbers,
//! and is told which value stands against it. It decides nothing.

use super::Seen;
use crate::ingest::{
    raw::Kind,
    value::{
        date::{DateShape, Stamp},
        number::Shape,
    },
};

const NUMBER: usize = 0;
const DATE: usize = 1;
const TIMESTAMP: usize = 2;

#[derive(Debug, Clone, Default)]
pub(in crate::ingest) struct Near([Share; 3]);

/// Of one kind of values.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    fits: u64,
    /// Row of the first value of another kind.
    other: Option<usize>,
}

/// What nearly all values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Nearly {
    pub kind: &'static str,
    /// Values that are not.
    pub others: u64,
    /// Row of the first of them.
    pub row: usize,
}

impl Near {
    /// Takes over from what `fits` values had in common, the first of them in row `first`.
    pub fn begin(&mut self, seen: &Seen, fits: u64, first: usize) {
        let kind = match seen {
            Seen::Numbers(_) => Some(NUMBER),
            Seen::Dates(_) => Some(DATE),
            Seen::Stamps(_) => Some(TIMESTAMP),
            _ => None,
        };
        self.take(first, kind, fits);
    }

    /// Takes in one more value of a text column, without white space around it.
    pub fn add(&mut self, row: usize, value: &str) {
        self.take(row, kind(value), 1);
    }

    /// Takes in one more value that is of a kind already.
    pub fn add_kind(&mut self, row: usize, kind: Kind) {
        let kind = match kind {
            Kind::Number => Some(NUMBER),
            Kind::Date => Some(DATE),
            _ => None,
        };
        self.take(row, kind, 1);
    }

    fn take(&mut self, row: usize, kind: Option<usize>, values: u64) {
        for (at, share) in self.0.iter_mut().enumerate() {
            if kind == Some(at) {
                share.fits += values;
            } else {
                share.other.get_or_insert(row);
            }
        }
    }

    /// Whether one more value that cannot be a number or a date changes nothing.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.0.iter().all(|share| share.other.is_some())
    }

    pub fn names(&self, row: usize) -> bool {
        self.0.iter().any(|share| share.other == Some(row))
    }

    /// What all but one in ten of the values are, or more: as many rows as a contract lets a file leave in quarantine by
    /// default.
    pub fn nearly(&self, values: u64) -> Option<Nearly> {
        let (at, share) = self.0.iter().enumerate().max_by_key(|(_, share)| share.fits)?;
        let others = values.checked_sub(share.fits).filter(|others| *others > 0 && others * 10 <= values)?;
        Some(Nearly { kind: ["number", "date", "timestamp"][at], others, row: share.other? })
    }
}

/// What begins otherwise is a word, without a closer look.
#[inline]
pub(in crate::ingest) fn may_count(first: u8) -> bool {
    first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')
}

fn kind(value: &str) -> Option<usize> {
    if !value.bytes().next().is_some_and(may_count) {
        None
    } else if Shape::of(value).is_some() {
        Some(NUMBER)
    } else if DateShape::of(value).is_some() {
        Some(DATE)
    } else {
        Stamp::of(value).map(|_| TIMESTAMP)
    }
}
