//! Dates and timestamps as people write them. Nothing is moved to a neighbouring day, and no century is guessed.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// How a text is a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum DateShape {
    /// One reading: days since 1970.
    Fixed(i32),
    /// Two numbers before the year: the date if the day comes first, and if the month does.
    Slashed { day_first: Option<i32>, month_first: Option<i32> },
}

impl DateShape {
    pub fn of(s: &str) -> Option<Self> {
        if !(8..=18).contains(&s.len()) || !s.is_ascii() {
            return None;
        }
        let b = s.as_bytes();
        if b[0].is_ascii_digit() && b.len() == 10 && b[4] == b'-' {
            return iso(b).map(Self::Fixed);
        }
        if b[0].is_ascii_digit() && b[b.len() - 1].is_ascii_digit() && b[1..3].iter().any(|c| b"/-.".contains(c)) {
            return slashed(s).or_else(|| named(s));
        }
        named(s)
    }

    /// Days since 1970, when the reading is settled.
    pub fn days(self, day_first: Option<bool>) -> Option<i32> {
        match (self, day_first) {
            (Self::Fixed(days), _) => Some(days),
            (Self::Slashed { day_first, .. }, Some(true)) => day_first,
            (Self::Slashed { month_first, .. }, Some(false)) => month_first,
            (Self::Slashed { .. }, None) => None,
        }
    }
}

/// `20261125`, which only a contract makes a date.
pub(in crate::ingest) fn basic(s: &str) -> Option<i32> {
    let b = s.as_bytes();
    if b.len() != 8 { None } else { days(digits(&b[..4])?, digits(&b[4..6])?, digits(&b[6..])?) }
}

/// `2026-11-25` in days since 1970; `None` for any other text.
#[inline]
pub(in crate::ingest) fn plain_iso(s: &[u8]) -> Option<i32> {
    if s.len() == 10 { iso(s) } else { None }
}

/// An instant, or a local time when `offset` is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Stamp {
    /// Microseconds since 1970, in UTC when there is an offset.
    pub micros: i64,
    pub zoned: bool,
    /// There is a digit other than 0 past the microseconds; it is not in `micros`.
    pub finer: bool,
}

impl Stamp {
    /// ISO 8601 with `T` or a space, seconds and a fraction optional.
    pub fn of(s: &str) -> Option<Self> {
        let b = s.as_bytes();
        if b.len() < 16 || b[4] != b'-' || !matches!(b[10], b'T' | b' ') {
            return None;
        }
        Self::at(iso(&b[..10])?, &b[11..])
    }

    /// As a contract's format writes it; a date alone is its midnight.
    pub fn formatted(s: &str, format: &str) -> Option<Self> {
        let (at, zoned) = match DateTime::parse_from_str(s, format) {
            Ok(at) => (at.naive_utc(), true),
            Err(_) => {
                let local = NaiveDateTime::parse_from_str(s, format);
                (local.or_else(|_| NaiveDate::parse_from_str(s, format).map(NaiveDateTime::from)).ok()?, false)
            }
        };
        let finer = !at.nanosecond().is_multiple_of(1_000);
        (1..=9999).contains(&at.year()).then(|| Self { micros: at.and_utc().timestamp_micros(), zoned, finer })
    }

    /// As [`Stamp::of`], and also with a date in one of the other forms before a space: what a contract allows.
    pub fn loose(s: &str, day_first: Option<bool>) -> Option<Self> {
        if let Some(stamp) = Self::of(s) {
            return Some(stamp);
        }
        let (date, time) = s.rsplit_once(' ')?;
        Self::at(DateShape::of(date)?.days(day_first)?, time.as_bytes())
    }

    /// `time` is `14:30`, `14:30:05`, `14:30:05.25`, with or without `Z` or an offset.
    fn at(days: i32, time: &[u8]) -> Option<Self> {
        let clock = time.iter().position(|c| matches!(c, b'Z' | b'+' | b'-')).unwrap_or(time.len());
        let (clock, zone) = time.split_at(clock);
        let (clock, fraction) = match clock.iter().position(|c| *c == b'.') {
            Some(at) => (&clock[..at], Some(&clock[at + 1..])),
            None => (clock, None),
        };
        let second = match clock {
            [_, _, b':', _, _] if fraction.is_none() => 0,
            [_, _, b':', _, _, b':', s @ ..] if s.len() == 2 => digits(s)?,
            _ => return None,
        };
        let (hour, minute) = (digits(&clock[..2])?, digits(&clock[3..5])?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (mut micros, mut finer) = (0_i64, false);
        if let Some(fraction) = fraction {
            if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            for i in 0..6 {
                micros = micros * 10 + i64::from(fraction.get(i).map_or(0, |c| c - b'0'));
            }
            finer = fraction.iter().skip(6).any(|c| *c != b'0');
        }
        let offset = match zone {
            [] => None,
            b"Z" => Some(0),
            [sign, rest @ ..] => {
                let (h, m) = match rest {
                    [_, _] => (digits(rest)?, 0),
                    [h @ .., b':', m1, m2] if h.len() == 2 => (digits(h)?, digits(&[*m1, *m2])?),
                    [_, _, _, _] => (digits(&rest[..2])?, digits(&rest[2..])?),
                    _ => return None,
                };
                if h > 23 || m > 59 {
                    return None;
                }
                let seconds = i64::from(h * 3600 + m * 60);
                Some(if *sign == b'-' { -seconds } else { seconds })
            }
        };
        let seconds =
            i64::from(days) * DAY + i64::from(hour * 3600 + minute * 60 + second) - offset.unwrap_or_default();
        let years = i64::from(self::days(1, 1, 1)?)..=i64::from(self::days(9999, 12, 31)?);
        years.contains(&seconds.div_euclid(DAY)).then_some(Self {
            micros: seconds * MICROS + micros,
            zoned: offset.is_some(),
            finer,
        })
    }
}

#[inline]
fn iso(b: &[u8]) -> Option<i32> {
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    days(digits(&b[..4])?, digits(&b[5..7])?, digits(&b[8..])?)
}

fn slashed(s: &str) -> Option<DateShape> {
    let mark = s.bytes().find(|b| !b.is_ascii_digit())?;
    let mut parts = s.as_bytes().split(|b| *b == mark);
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || !(1..=2).contains(&a.len()) || !(1..=2).contains(&b.len()) {
        return None;
    }
    let (a, b, year) = (digits(a)?, digits(b)?, digits(year)?);
    let (day_first, month_first) = (days(year, b, a), days(year, a, b));
    (day_first.is_some() || month_first.is_some()).then_some(DateShape::Slashed { day_first, month_first })
}

/// A date as a contract's format writes it, in days since 1970. Years 0001 to 9999.
pub(in crate::ingest) fn formatted(s: &str, format: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(s, format).ok()?;
    days(u32::try_from(date.year()).ok()?, date.month(), date.day())
}

/// `25 Nov 2026`, `25-Nov-2026`, `Nov 25, 2026`, `Jan 1 2000`, and the same with full names.
fn named(s: &str) -> Option<DateShape> {
    let dashed = s.contains('-');
    let mut parts = s.split(if dashed { '-' } else { ' ' });
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let year = digits(year.as_bytes())?;
    let (day, month) = match month(b) {
        Some(m) => (a, m),
        None if !dashed => (b.strip_suffix(',').unwrap_or(b), month(a)?),
        None => return None,
    };
    if !(1..=2).contains(&day.len()) {
        return None;
    }
    days(year, month, digits(day.as_bytes())?).map(DateShape::Fixed)
}

fn month(s: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let found = NAMES.iter().position(|n| n.eq_ignore_ascii_case(s) || n[..3].eq_ignore_ascii_case(s))?;
    u32::try_from(found + 1).ok()
}

#[inline]
fn digits(s: &[u8]) -> Option<u32> {
    if s.is_empty() || s.len() > 4 || !s.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(s.iter().fold(0, |n, c| n * 10 + u32::from(c - b'0')))
}

/// Days since 1970 of a day of the Gregorian calendar, years 1 to 9999; `None` when there is no such day.
#[inline]
fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    const LENGTHS: [u32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    /// Of the months before, in a year that begins in March.
    const BEFORE: [u32; 13] = [0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
    /// From the first of March of the year 0 to 1970.
    const EPOCH: i32 = 719_468;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = *LENGTHS.get(month as usize)? + u32::from(leap && month == 2);
    if !(1..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let year = year - u32::from(month < 3);
    let days = year * 365 + year / 4 - year / 100 + year / 400 + BEFORE[month as usize] + day - 1;
    Some(days as i32 - EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_of_the_rules_and_in_no_other() {
        let fixed = |y, m, d| DateShape::Fixed(days(y, m, d).expect("exists"));
        for (s, expected) in [
            ("2026-11-25", Some(fixed(2026, 11, 25))),
            ("1970-01-01", Some(DateShape::Fixed(0))),
            ("25 Nov 2026", Some(fixed(2026, 11, 25))),
            ("25-Nov-2026", Some(fixed(2026, 11, 25))),
            ("Nov 25, 2026", Some(fixed(2026, 11, 25))),
            ("Jan 1 2000", Some(fixed(2000, 1, 1))),
            ("29 february 2000", Some(fixed(2000, 2, 29))),
            ("30 Feb 2000", None),
            ("2026-02-30", None),
            ("20261125", None),
            ("25/11/26", None),
            ("2026/11/25", None),
            ("0000-01-01", None),
            ("1.2.3456", Some(DateShape::Slashed { day_first: days(3456, 2, 1), month_first: days(3456, 1, 2) })),
            ("25/11/2026", Some(DateShape::Slashed { day_first: days(2026, 11, 25), month_first: None })),
            ("11-25-2026", Some(DateShape::Slashed { day_first: None, month_first: days(2026, 11, 25) })),
            ("31/04/2026", None),
            ("25/11-2026", None),
        ] {
            assert_eq!(DateShape::of(s), expected, "{s}");
        }
    }

    #[test]
    fn timestamps_are_instants_with_an_offset_and_local_without() {
        for (s, expected) in [
            ("1970-01-01T00:00", Some((0, false, false))),
            ("1970-01-01 00:00:01.5", Some((1_500_000, false, false))),
            ("1970-01-01T01:00:00+01:00", Some((0, true, false))),
            ("1970-01-01T01:00:00+0100", Some((0, true, false))),
            ("1970-01-01T00:00:00Z", Some((0, true, false))),
            ("1970-01-01T00:00:00.0000001", Some((0, false, true))),
            ("1970-01-01T00:00:00.0000000", Some((0, false, false))),
            ("1970-01-01T24:00:00", None),
            ("1970-01-01T00:00:60", None),
            ("1970-01-01", None),
            ("0001-01-01T00:00:00+01:00", None),
            ("01/01/1970 00:00", None),
        ] {
            assert_eq!(Stamp::of(s).map(|x| (x.micros, x.zoned, x.finer)), expected, "{s}");
        }
        assert_eq!(Stamp::loose("02/01/1970 00:00", Some(true)).map(|x| x.micros), Some(DAY * MICROS));
        assert_eq!(Stamp::loose("02/01/1970 00:00", None), None);
    }
}
