//! From values to places, with ticks at round values.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};

/// A straight scale: `from` lies at `start`, `to` at `end`.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    pub from: f64,
    pub to: f64,
    pub start: f64,
    pub end: f64,
}

impl Linear {
    /// Over all values, widened to round ones when `round`.
    pub fn over(values: impl Iterator<Item = f64>, zero: bool, round: bool) -> Self {
        let (mut from, mut to) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        // A base far from the values would leave them a stripe; one near is what people expect.
        if zero || (from > 0.0 && from < to / 2.0) {
            from = from.min(0.0);
        }
        if zero {
            to = to.max(0.0);
        }
        if from == to {
            let around = if from == 0.0 { 1.0 } else { from.abs() / 10.0 };
            (from, to) = if zero { (from.min(0.0), to.max(around)) } else { (from - around, to + around) };
        }
        if round {
            let step = step(from, to, 5);
            (from, to) = ((from / step).floor() * step, (to / step).ceil() * step);
        }
        Self { from, to, start: 0.0, end: 1.0 }
    }

    pub fn between(self, start: f64, end: f64) -> Self {
        Self { start, end, ..self }
    }

    pub fn at(&self, value: f64) -> f64 {
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }

    /// Round values, about `wanted` of them, and what stands at each.
    pub fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let step = step(self.from, self.to, wanted);
        let most = self.from.abs().max(self.to.abs());
        let (first, last) = ((self.from / step).ceil() as i64, (self.to / step).floor() as i64);
        (first..=last)
            .take(2 * wanted + 2)
            .map(|n| n as f64 * step)
            .map(|v| (v, super::figures::tick(v, step, most)))
            .collect()
    }

    /// The same for instants in milliseconds.
    pub fn instants(&self, wanted: usize) -> Vec<(f64, String)> {
        instants(self.from, self.to, wanted)
    }
}

/// 1, 2 or 5 times a power of ten.
pub fn step(from: f64, to: f64, wanted: usize) -> f64 {
    let rough = (to - from) / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|t| t * power >= rough * 0.999).unwrap_or(10.0);
    times * power
}

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

fn instants(from: f64, to: f64, wanted: usize) -> Vec<(f64, String)> {
    let rough = (to - from) / wanted.max(1) as f64;
    let even = [
        (SECOND, "%H:%M:%S"),
        (5.0 * SECOND, "%H:%M:%S"),
        (15.0 * SECOND, "%H:%M:%S"),
        (MINUTE, "%H:%M"),
        (5.0 * MINUTE, "%H:%M"),
        (15.0 * MINUTE, "%H:%M"),
        (HOUR, "%H:%M"),
        (3.0 * HOUR, "%H:%M"),
        (6.0 * HOUR, "%-d %b %H:%M"),
        (12.0 * HOUR, "%-d %b %H:%M"),
        (DAY, "%-d %b"),
        (2.0 * DAY, "%-d %b"),
        (7.0 * DAY, "%-d %b"),
    ];
    if let Some((step, form)) = even.into_iter().find(|(step, _)| *step >= rough) {
        let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
        let told = |v: f64| Some((v, DateTime::<Utc>::from_timestamp_millis(v as i64)?.format(form).to_string()));
        return (first..=last).filter_map(|n| told(n as f64 * step)).collect();
    }
    let months = rough / (30.4 * DAY);
    let step =
        [1, 3, 6, 12, 24, 60, 120, 240, 600, 1_200].into_iter().find(|m| f64::from(*m) >= months).unwrap_or(1_200);
    calendar(from, to, step)
}

/// First days of months, every `step` of them.
fn calendar(from: f64, to: f64, step: u32) -> Vec<(f64, String)> {
    let Some(first) = DateTime::<Utc>::from_timestamp_millis(from as i64) else { return Vec::new() };
    let years = i32::try_from(step / 12).unwrap_or(1).max(1);
    let (year, month) = match step {
        0..12 => (first.year(), first.month0() / step * step + 1),
        _ => (first.year().div_euclid(years) * years, 1),
    };
    let mut day = NaiveDate::from_ymd_opt(year, month, 1);
    let mut ticks = Vec::new();
    while let Some(at) = day {
        let value = at.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() as f64;
        if value > to || ticks.len() > 40 {
            break;
        }
        if value >= from {
            let form = if step < 12 { "%b %Y" } else { "%Y" };
            ticks.push((value, at.format(form).to_string()));
        }
        day = at.checked_add_months(Months::new(step));
    }
    ticks
}

/// Equal bands, one a category.
#[derive(Debug, Clone, Copy)]
pub struct Bands {
    pub start: f64,
    pub width: f64,
}

impl Bands {
    pub fn of(count: usize, start: f64, end: f64) -> Self {
        Self { start, width: (end - start) / count.max(1) as f64 }
    }

    pub fn begin(&self, band: usize) -> f64 {
        self.start + band as f64 * self.width
    }

    pub fn middle(&self, band: usize) -> f64 {
        self.begin(band) + self.width / 2.0
    }
}
