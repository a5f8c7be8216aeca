//! Cells of one sheet on their way to rows, whatever order the sheet lists them in.

use std::borrow::Cow;

use calamine::DataRef;
use model::RefusedBecause;

use crate::ingest::{Refusal, raw::Kind};

/// A row's number, 0-based, and its cells from left to right.
pub type Row = (u32, Vec<(u32, Kind, String)>);

/// The cells of a sheet that hold something. Their texts are taken off what the whole workbook may expand to.
pub struct Rows<'a> {
    rows: Vec<Row>,
    left: &'a mut u64,
}

impl<'a> Rows<'a> {
    pub fn new(left: &'a mut u64) -> Self {
        Self { rows: Vec::new(), left }
    }

    /// Takes what stands in a cell. `left` has bytes for it.
    ///
    /// # Errors
    /// `too_large` when nothing is left.
    pub fn put(&mut self, row: u32, column: u32, kind: Kind, text: String) -> Result<(), Refusal> {
        self.charge(text.len() as u64)?;
        match self.rows.last_mut() {
            Some((at, cells)) if *at == row => cells.push((column, kind, text)),
            _ => self.rows.push((row, vec![(column, kind, text)])),
        }
        Ok(())
    }

    /// As [`put`](Self::put), for a value as Excel has it; an empty one is not there.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_value(&mut self, row: u32, column: u32, value: &DataRef<'_>) -> Result<(), Refusal> {
        match content(value) {
            Some((kind, text)) => self.put(row, column, kind, text.into_owned()),
            None => Ok(()),
        }
    }

    /// As [`charge`].
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn charge(&mut self, bytes: u64) -> Result<(), Refusal> {
        charge(self.left, bytes)
    }

    /// The rows in order. One that the sheet lists in parts, or twice, is one row.
    pub fn finish(self) -> Vec<Row> {
        let mut rows = self.rows;
        rows.sort_by_key(|(row, _)| *row);
        rows.dedup_by(|(row, cells), (before, all)| {
            let same = row == before;
            if same {
                all.append(cells);
            }
            same
        });
        rows
    }
}

/// Takes bytes off what a workbook may expand to.
///
/// # Errors
/// `too_large` when nothing is left.
pub fn charge(left: &mut u64, bytes: u64) -> Result<(), Refusal> {
    *left = left.checked_sub(bytes).ok_or_else(|| {
        let message = "The workbook's texts expand past the limit; send it as CSV, or in parts.";
        Refusal::new(RefusedBecause::TooLarge, message)
    })?;
    Ok(())
}

fn content<'a>(value: &'a DataRef<'_>) -> Option<(Kind, Cow<'a, str>)> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::String(s) if s.is_empty() => return None,
        DataRef::SharedString("") => return None,
        DataRef::String(s) | DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => (Kind::Label, s.as_str().into()),
        DataRef::SharedString(s) => (Kind::Label, (*s).into()),
        DataRef::Int(n) => (Kind::Number, n.to_string().into()),
        DataRef::Float(n) => (Kind::Number, number(*n).into()),
        DataRef::Bool(b) => (Kind::Boolean, boolean(*b).into()),
        DataRef::Error(e) => (Kind::Label, e.to_string().into()),
        DataRef::DateTime(t) => {
            let days = t.as_f64();
            let (y, m, d, hour, minute, second, milli) = t.to_ymd_hms_milli();
            let clock = format!("{hour:02}:{minute:02}:{second:02}");
            match () {
                // Excel's 29 February 1900 does not exist, and past the year 9999 it has no dates.
                () if t.is_duration() || !(0.0..2_958_466.0).contains(&days) || (y, m, d) == (1900, 2, 29) => {
                    (Kind::Number, number(days).into())
                }
                () if days < 1.0 && days > 0.0 => (Kind::Label, clock.into()),
                () if days.fract() == 0.0 => (Kind::Date, format!("{y:04}-{m:02}-{d:02}").into()),
                () if milli == 0 => (Kind::Date, format!("{y:04}-{m:02}-{d:02}T{clock}").into()),
                () => (Kind::Date, format!("{y:04}-{m:02}-{d:02}T{clock}.{milli:03}").into()),
            }
        }
    })
}

/// A part of a day as a time, to the millisecond.
pub fn clock(day: f64) -> String {
    const DAY: u32 = 86_400_000;
    let millis = ((day * f64::from(DAY)).round() as u32).min(DAY - 1);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if millis == 0 { time } else { format!("{time}.{millis:03}") }
}

pub fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// A spreadsheet's number in its shortest form; whole ones without a point.
pub fn number(n: f64) -> String {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() <= WHOLE && !(n == 0.0 && n.is_sign_negative()) {
        format!("{n:.0}")
    } else {
        format!("{n:?}")
    }
}
