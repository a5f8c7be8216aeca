//! Which row names the columns, if one does.

use model::ColumnType;

use super::{
    infer::{Clues, Decision, Evidence},
    raw::{Cells, Kind, RawTable},
    value,
};
use crate::contract::Source;

/// Finds titles of the table's width and the header, takes them off the table and labels the columns.
/// Returns what the remaining rows show.
pub(super) fn settle(table: &mut RawTable, comma_delimited: bool, source: &Source) -> (Vec<Evidence>, Above) {
    let titles = titles(table);
    table.skipped += titles as u64;
    table.skip(titles);
    let below: Vec<Evidence> = below_first(table);
    let clues = Clues::of(below.iter(), comma_delimited, source);
    let types: Vec<ColumnType> = below.iter().map(|e| Decision::of(e, &clues).column_type).collect();
    let comes_again = |at: usize| comes_again(table, at);
    let only_years = |at: usize| only_years(table, at);
    let first = First::of(table);
    if !first.is_header(&types, comes_again, only_years) {
        let all = table.columns.iter().map(|c| Evidence::of(&c.cells)).collect();
        let again = (1..table.rows()).find(|row| first.is(|at| table.columns[at].cells.text(*row)));
        let again = again.map(|row| table.places.line(row));
        return (all, Above { titles, first, header: false, again });
    }
    table.header_line = Some(table.places.line(0));
    for column in &mut table.columns {
        column.label = column.cells.text(0).unwrap_or_default().to_owned();
    }
    table.skip(1);
    (below, Above { titles, first, header: true, again: None })
}

/// What was found above the data.
#[derive(Debug)]
pub(super) struct Above {
    /// Rows with titles.
    pub titles: usize,
    pub first: First,
    /// Whether the first row below them is the header.
    pub header: bool,
    /// Line at which that row comes again, when it is data that could be a header.
    pub again: Option<u64>,
}

/// What is told of a first row that comes again.
pub(super) fn told_again(line: u64) -> String {
    format!(
        "The first row comes again at line {line}, so it is taken for data and names no columns. If several files were put \
         together here, take the headers between them out, or send each by itself."
    )
}

/// Rows with one value, of three columns or more, before a row that names every column.
fn titles(table: &RawTable) -> usize {
    let filled = |row: usize| table.columns.iter().filter(|c| c.cells.text(row).is_some()).count();
    let width = table.columns.len();
    if width < 3 {
        return 0;
    }
    let titles = (0..table.rows()).take_while(|row| filled(*row) == 1).count();
    if titles < table.rows() && filled(titles) == width { titles } else { 0 }
}

fn below_first(table: &RawTable) -> Vec<Evidence> {
    let rows = table.rows();
    let rest = |cells: &Cells| match cells {
        Cells::Text(text) => Evidence::of(&Cells::Text(text.slice(1, rows - 1))),
        Cells::Kinds(text, kinds) => Evidence::of(&Cells::Kinds(text.slice(1, rows - 1), kinds[1..].to_vec())),
        Cells::Typed(_) => Evidence::default(),
    };
    table.columns.iter().map(|c| rest(&c.cells)).collect()
}

/// The first row: a header, or data.
#[derive(Debug, Clone)]
pub(super) struct First {
    pub values: Vec<Option<String>>,
    /// Values that would themselves be typed.
    pub typed: Vec<bool>,
}

impl First {
    /// Whether another row is the same, when this one could name columns: each has a word of its own.
    pub fn is<'a>(&self, row: impl Fn(usize) -> Option<&'a str>) -> bool {
        let same = |(at, first): (usize, &Option<String>)| first.is_some() && first.as_deref() == row(at);
        self.values.iter().enumerate().all(same) && self.names_columns()
    }

    fn names_columns(&self) -> bool {
        self.values.len() > 1 && !self.typed.contains(&true) && are_unique(&self.values)
    }

    pub fn of(table: &RawTable) -> Self {
        Self {
            values: table.columns.iter().map(|c| c.cells.text(0).map(str::to_owned)).collect(),
            typed: table.columns.iter().map(|c| is_typed(&c.cells)).collect(),
        }
    }

    /// Whether it names the columns, by what stands below it: the types, whether a column's first value comes again, and
    /// whether a column is plausible years alone.
    pub fn is_header(
        &self,
        below: &[ColumnType],
        comes_again: impl Fn(usize) -> bool,
        only_years: impl Fn(usize) -> bool,
    ) -> bool {
        let Self { values: first, typed } = self;
        let text = |at: usize| first[at].as_ref().is_some_and(|v| !typed[at] && !value::is_null_word(v.trim()));
        let columns = || 0..first.len();
        if first.iter().all(Option::is_none) {
            return false;
        }
        if !typed.contains(&true) {
            if columns().any(|at| text(at) && below[at] != ColumnType::Text) {
                return true;
            }
            let over_text_alone = below.iter().all(|t| *t == ColumnType::Text);
            return over_text_alone && are_unique(first) && columns().all(|at| !comes_again(at));
        }
        // Years over numbers: `country,2019,2020`.
        let years = columns()
            .filter(|at| typed[*at])
            .all(|at| first[at].as_ref().is_some_and(|v| is_year(v)) && below[at].is_number() && !only_years(at));
        let many = typed.iter().filter(|t| **t).count() > 1;
        years && (many || columns().any(text)) && are_unique(first) && columns().all(|at| !comes_again(at))
    }
}

/// A plausible one.
pub(super) fn is_year(value: &str) -> bool {
    value.trim().parse::<u32>().is_ok_and(|y| (1800..=2200).contains(&y))
}

/// Whether the first value would itself be typed.
fn is_typed(cells: &Cells) -> bool {
    match cells {
        Cells::Text(_) => cells.text(0).is_some_and(|value| {
            // An open mark or order is still a number or a date, no name.
            let decision = Decision::of(&Evidence::of_value(value), &Clues::default());
            decision.column_type != ColumnType::Text || decision.warning.is_some()
        }),
        Cells::Kinds(_, kinds) => matches!(kinds[0], Kind::Number | Kind::Boolean | Kind::Date),
        Cells::Typed(_) => false,
    }
}

fn are_unique(values: &[Option<String>]) -> bool {
    let mut seen = std::collections::HashSet::new();
    values.iter().flatten().all(|v| seen.insert(v.as_str()))
}

fn comes_again(table: &RawTable, column: usize) -> bool {
    let cells = &table.columns[column].cells;
    let Some(first) = cells.text(0) else { return false };
    (1..table.rows()).any(|row| cells.text(row) == Some(first))
}

/// Whether all that stands below is itself plausible years: then the first row is one of them.
fn only_years(table: &RawTable, column: usize) -> bool {
    let cells = &table.columns[column].cells;
    (1..table.rows()).filter_map(|row| cells.text(row)).all(is_year)
}
