//! A page of rows as numbers, instants and words.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use model::{Cell, ColumnType, Page};

/// What a column can be in a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Number,
    Time,
    Category,
}

#[derive(Debug)]
pub struct Data {
    pub fields: Vec<Field>,
    pub rows: usize,
    /// Of the whole result; the first are drawn.
    pub total: u64,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub role: Role,
    /// Numbers, and instants in milliseconds since 1970.
    pub numbers: Vec<Option<f64>>,
    /// What the cell says.
    pub words: Vec<String>,
}

/// How a cell without a value is called.
pub const NONE: &str = "∅";

impl Data {
    pub fn of(page: &Page) -> Self {
        let field = |(at, column): (usize, &model::Column)| {
            let role = match column.column_type {
                t if t.is_number() => Role::Number,
                ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampUtc => Role::Time,
                _ => Role::Category,
            };
            let cells = || page.rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
            Field {
                name: column.name.clone(),
                role,
                numbers: cells().map(|cell| number(cell, role)).collect(),
                words: cells().map(words).collect(),
            }
        };
        Self {
            fields: page.columns.iter().enumerate().map(field).collect(),
            rows: page.rows.len(),
            total: page.rows_total,
        }
    }

    pub fn of_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        self.fields.iter().enumerate().filter(move |(_, field)| field.role == role).map(|(at, _)| at)
    }
}

impl Field {
    /// Its words, each once, in the order in which they come.
    pub fn distinct(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.words.iter().map(String::as_str).filter(|word| seen.insert(*word)).collect()
    }

    /// Whether each value is greater than the one before, and there are several.
    pub fn rises(&self) -> bool {
        let rises = |pair: &[Option<f64>]| matches!(pair, [Some(a), Some(b)] if a < b);
        self.numbers.len() > 2 && self.numbers.windows(2).all(rises)
    }

    /// Whether it counts on in each of several series, as months and years do: whole numbers, each once in a series and
    /// in more than one of them.
    pub fn counts_on_in(&self, series: &Self) -> bool {
        let whole = self.numbers.iter().all(|n| n.is_some_and(|n| n.fract() == 0.0));
        let pairs: std::collections::HashSet<_> = self.words.iter().zip(&series.words).collect();
        whole && pairs.len() == self.words.len() && self.distinct().len() < pairs.len()
    }
}

/// `None` for what has no place on an axis: no value, and the floats that are no numbers.
fn number(cell: &Cell, role: Role) -> Option<f64> {
    let value = match (role, cell) {
        (Role::Number, Cell::Number(n)) => n.as_f64()?,
        // Decimals come as text, so that no digit is lost on the way.
        (Role::Number, Cell::String(s)) => s.parse().ok()?,
        (Role::Time, Cell::String(s)) => milliseconds(s)?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}

#[expect(clippy::cast_precision_loss, reason = "a chart's axis is no finer")]
fn milliseconds(iso: &str) -> Option<f64> {
    let at = if let Ok(day) = iso.parse::<NaiveDate>() {
        day.and_hms_opt(0, 0, 0)?.and_utc()
    } else if let Ok(local) = iso.parse::<NaiveDateTime>() {
        local.and_utc()
    } else {
        DateTime::parse_from_rfc3339(iso).ok()?.to_utc()
    };
    Some(at.timestamp_millis() as f64)
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Null => NONE.to_owned(),
        Cell::String(s) => s.strip_suffix("T00:00:00").or_else(|| s.strip_suffix("T00:00:00Z")).unwrap_or(s).to_owned(),
        other => other.to_string(),
    }
}
