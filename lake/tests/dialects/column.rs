//! Columns of one type: what is written for each value, and what must come back.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType},
};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use rand::{Rng, rngs::StdRng};

use super::{dialect::Dialect, pick};

#[derive(Debug)]
pub struct Column {
    pub label: String,
    pub column_type: String,
    pub cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
pub struct Cell {
    /// The field, without quotes.
    pub written: String,
    /// Its value in plain words; `None` for null.
    pub value: Option<String>,
}

impl Cell {
    fn new(written: impl Into<String>, value: impl Into<String>) -> Self {
        Self { written: written.into(), value: Some(value.into()) }
    }
}

type Make = fn(&mut StdRng, &Dialect, usize) -> Cell;

/// Name, type, and a value by its row. Row 0 proves what the type needs to have proven.
const KINDS: [(&str, &str, Make); 14] = [
    ("Whole", "int64", |rng, _, _| {
        let n: i64 = if rng.random() { rng.random() } else { rng.random_range(-99..99) };
        Cell::new(n.to_string(), n.to_string())
    }),
    ("Part", "float64", part),
    ("Part again", "float64", part),
    ("Exponent", "float64", |rng, _, _| {
        let n = f64::from(rng.random_range(1..1_000)) * 10_f64.powi(rng.random_range(-30..30));
        Cell::new(format!("{n:e}"), n.to_string())
    }),
    ("Money", "decimal(38,5)", |rng, dialect, row| {
        let whole: u64 = rng.random_range(1..9_999);
        let whole = if row == 0 { "98765432109876543210".to_owned() } else { whole.to_string() };
        let fraction = format!("{:04}1", rng.random_range(0..10_000));
        Cell::new(format!("{whole}{}{fraction}", dialect.mark()), format!("{whole}.{fraction}"))
    }),
    ("Yes?", "boolean", |rng, _, _| {
        let b: bool = rng.random();
        let upper = |s: &str| s.to_uppercase();
        Cell::new(if rng.random() { upper(&b.to_string()) } else { b.to_string() }, b.to_string())
    }),
    ("Day", "date", |rng, _, _| {
        let day = day(rng);
        Cell::new(day.to_string(), day.to_string())
    }),
    ("Day as people write it", "date", |rng, dialect, row| {
        let day = if row == 0 { NaiveDate::from_ymd_opt(2024, 2, 29).unwrap() } else { day(rng) };
        Cell::new(day.format(dialect.day_format()).to_string(), day.to_string())
    }),
    ("Day by name", "date", |rng, _, _| {
        let day = day(rng);
        Cell::new(day.format("%-d %b %Y").to_string(), day.to_string())
    }),
    ("At", "timestamp", |rng, dialect, _| {
        let at = time(rng);
        let written = if dialect.with_t { at.format("%Y-%m-%dT%H:%M:%S") } else { at.format("%Y-%m-%d %H:%M:%S") };
        Cell::new(written.to_string(), at.to_string())
    }),
    ("At, in the world", "timestamp_utc", |rng, _, _| {
        let at = time(rng);
        let hours = pick(rng, &[0_i64, 1, 2, -5]);
        let zone = if hours == 0 {
            "Z".to_owned()
        } else {
            format!("{}{:02}:00", if hours < 0 { '-' } else { '+' }, hours.abs())
        };
        let local = at + TimeDelta::hours(hours);
        Cell::new(format!("{}{zone}", local.format("%Y-%m-%dT%H:%M:%S")), at.to_string())
    }),
    ("Postcode", "text", |rng, _, row| {
        let code = format!("{:05}", if row == 0 { 501 } else { rng.random_range(1..100_000) });
        Cell::new(code.clone(), code)
    }),
    ("Words", "text", words),
    ("Überschrift, lang", "text", words),
];

fn part(rng: &mut StdRng, dialect: &Dialect, row: usize) -> Cell {
    // One and two digits after the mark prove it; three would prove nothing.
    let hundredths: i32 = if row == 0 { 1_225 } else { rng.random_range(-9_999_999..9_999_999) };
    let n = f64::from(hundredths) / 100.0;
    Cell::new(format!("{n:.2}").replace('.', dialect.mark()), n.to_string())
}

fn words(rng: &mut StdRng, dialect: &Dialect, row: usize) -> Cell {
    const PARTS: &[&str] = &["alpha", "beta", "Gamma", " ", "-", "7", ",", ";", "|", "NA", "#", "%", ".", ":", "x y"];
    const NARROW: &[&str] = &["Zoë", "Müller", "naïve", "€ 5"];
    const WIDE: &[&str] = &["日本", "👩\u{200d}👧", "שלום", "e\u{301}"];
    // A letter first: nothing here may be taken for a value of another type, or for a comment.
    let mut text = pick(rng, &["w", "W", "wo"]).to_owned();
    for _ in 0..rng.random_range(0..5) {
        text += match rng.random_range(0..10) {
            0..6 => pick(rng, PARTS),
            6 => pick(rng, if dialect.is_narrow() { NARROW } else { WIDE }),
            7 => pick(rng, NARROW),
            8 if dialect.quotes_inside() => "\"",
            9 if dialect.breaks_inside => "\n",
            _ => "z",
        };
    }
    if row == 0 && dialect.is_narrow() {
        text += "Zoë";
    }
    Cell::new(text.clone(), text)
}

fn day(rng: &mut StdRng) -> NaiveDate {
    NaiveDate::from_ymd_opt(1980, 1, 1).unwrap() + TimeDelta::days(rng.random_range(0..20_000))
}

fn time(rng: &mut StdRng) -> NaiveDateTime {
    day(rng).and_hms_opt(rng.random_range(0..24), rng.random_range(0..60), rng.random_range(0..60)).unwrap()
}

impl Column {
    /// Numbers without a null.
    pub fn numbers(rng: &mut StdRng, rows: usize) -> Self {
        let first: u32 = rng.random_range(1..1_000_000);
        let cells = (0..rows as u32).map(|row| Cell::new((first + row).to_string(), (first + row).to_string()));
        Self { label: "Number".into(), column_type: "int64".into(), cells: cells.collect() }
    }

    pub fn random(rng: &mut StdRng, rows: usize, dialect: &Dialect, at: usize) -> Self {
        let (label, column_type, make) = loop {
            let kind = pick(rng, &KINDS);
            if dialect.allows(kind.0, at) {
                break kind;
            }
        };
        let mut cells: Vec<Cell> = (0..rows).map(|row| make(rng, dialect, row)).collect();
        // Words for nothing are words in a column of text.
        let null = if column_type == "text" { "" } else { pick(rng, &["", "", "NA", "N/A", "null", "None", "-"]) };
        for cell in cells.iter_mut().skip(3) {
            if rng.random_range(0..10) == 0 {
                *cell = Cell { written: null.into(), value: None };
            }
        }
        Self { label: format!("{label} {at}"), column_type: column_type.into(), cells }
    }
}

/// A value in plain words.
pub fn plain(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => column.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string(),
        DataType::Timestamp(..) => {
            column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap().to_string()
        }
        other => panic!("no column has the type {other}"),
    })
}
