//! Time zones of contracts: UTC, fixed offsets and places of the IANA database, whose clocks change.

use std::{fmt, str::FromStr};

use chrono::{DateTime, FixedOffset, MappedLocalTime, Offset as _, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de::Error as _};

/// The zone of times that name none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Fixed(FixedOffset),
    Named(Tz),
}

impl Zone {
    /// A local time as an instant, both in microseconds since 1970. `None` when clocks never showed it or showed it
    /// twice: nobody can say which instant is meant.
    #[must_use]
    pub fn instant(self, local: i64) -> Option<i64> {
        let naive = DateTime::from_timestamp_micros(local)?.naive_utc();
        let at = match self {
            Self::Fixed(offset) => offset.from_local_datetime(&naive).map(|t| t.to_utc()),
            Self::Named(zone) => zone.from_local_datetime(&naive).map(|t| t.to_utc()),
        };
        match at {
            MappedLocalTime::Single(at) => Some(at.timestamp_micros()),
            MappedLocalTime::Ambiguous(..) | MappedLocalTime::None => None,
        }
    }
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        if s == "UTC" {
            return Ok(Self::Fixed(Utc.fix()));
        }
        if let Ok(offset) = s.parse() {
            return Ok(Self::Fixed(offset));
        }
        s.parse().map(Self::Named).map_err(|_| {
            format!(
                "`{s}` is not a time zone here; use \"UTC\", an offset like \"+01:00\", or a place like \"Europe/Berlin\""
            )
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(offset) => write!(f, "{offset}"),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(zone: &str, local: &str) -> Option<String> {
        let local = local.parse::<chrono::NaiveDateTime>().expect("a time").and_utc().timestamp_micros();
        let at = zone.parse::<Zone>().expect("a zone").instant(local)?;
        Some(DateTime::from_timestamp_micros(at).expect("in range").format("%Y-%m-%dT%H:%M").to_string())
    }

    #[test]
    fn clocks_that_change_make_some_times_nobodys() {
        for (zone, local, expected) in [
            ("UTC", "2026-07-01T12:00:00", Some("2026-07-01T12:00")),
            ("+05:30", "2026-07-01T12:00:00", Some("2026-07-01T06:30")),
            ("Europe/Berlin", "2026-07-01T12:00:00", Some("2026-07-01T10:00")),
            ("Europe/Berlin", "2026-01-01T12:00:00", Some("2026-01-01T11:00")),
            // The hour that is left out in March, and the one that comes twice in October.
            ("Europe/Berlin", "2026-03-29T02:30:00", None),
            ("Europe/Berlin", "2026-10-25T02:30:00", None),
            ("Europe/Berlin", "2026-10-25T03:00:00", Some("2026-10-25T02:00")),
        ] {
            assert_eq!(instant(zone, local).as_deref(), expected, "{local} in {zone}");
        }
        assert!("Europe/Berlim".parse::<Zone>().is_err());
    }
}
