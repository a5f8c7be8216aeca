//! Rows as aligned text: numbers to the right, everything on its own line, no control characters.

use std::io::{self, Write};

use model::{Cell, Column};

/// Widest column, in characters; longer values are cut and end with `…`.
const WIDEST: usize = 60;

/// Writes a heading and rows.
///
/// # Errors
/// When `out` is closed.
pub fn write(out: &mut impl Write, columns: &[Column], rows: &[Vec<Cell>]) -> io::Result<()> {
    let heads: Vec<String> = columns.iter().map(|c| plain(&c.name)).collect();
    let right: Vec<bool> = columns.iter().map(|c| c.column_type.is_number()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(show).collect()).collect();
    lines(out, &heads, &right, &cells)
}

/// The same for text that is no query's.
///
/// # Errors
/// When `out` is closed.
pub fn lines(out: &mut impl Write, heads: &[String], right: &[bool], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|r| r.get(at));
        cells.chain(heads.get(at)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut line = |cells: &[String]| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                text.push_str("  ");
            }
            let width = widths.get(at).copied().unwrap_or(0);
            if right.get(at).copied().unwrap_or(false) {
                text.push_str(&format!("{cell:>width$}"));
            } else {
                text.push_str(&format!("{cell:<width$}"));
            }
        }
        writeln!(out, "{}", text.trim_end())
    };
    line(heads)?;
    line(&widths.iter().map(|w| "─".repeat((*w).min(WIDEST))).collect::<Vec<_>>())?;
    rows.iter().try_for_each(|row| line(row))
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// A terminal obeys control characters; a value of a partner's file must not command it.
pub fn sentence(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same for a cell: cut where it would be too wide.
pub fn plain(text: &str) -> String {
    let mut shown: String = sentence(text).chars().take(WIDEST + 1).collect();
    if shown.chars().count() > WIDEST {
        shown = shown.chars().take(WIDEST - 1).chain(['…']).collect();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_values_command_no_terminal() {
        let heads = ["name".to_owned(), "n".to_owned()];
        let rows = [vec![plain("a\u{1b}[31m"), "7".to_owned()], vec![plain(&"x".repeat(70)), "1234".to_owned()]];
        let mut out = Vec::new();
        lines(&mut out, &heads, &[false, true], &rows).expect("writes");
        let text = String::from_utf8(out).expect("text");
        assert!(!text.contains('\u{1b}'));
        let ends: Vec<usize> = text.lines().map(|l| l.chars().count()).collect();
        assert_eq!(ends, [66, 66, 66, 66], "{text}");
    }
}
