//! JSON arrays of objects and newline-delimited JSON to rows. Numbers and nested values keep their author's text.

use std::collections::HashMap;

use arrow::array::StringBuilder;
use model::{QuarantinedRow, RefusedBecause};

use self::scan::{Scanner, Value};
use super::{
    Refusal,
    encoding::{Offsets, Text},
    raw::{Cells, Kind, MOST_COLUMNS, Places, RawColumn, RawTable},
};

mod scan;

/// Whether the text is JSON, and of which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One array of objects, or one object.
    Array,
    /// One object a line.
    Lines,
}

impl Form {
    /// `None` when the text is no JSON.
    pub fn of(text: &str) -> Option<Self> {
        let start = text.trim_start();
        if let Some(rest) = start.strip_prefix('[') {
            let first = rest.trim_start();
            let whole = || Scanner::new(start).skip_value().is_ok();
            // A broken array of objects is still one; any other begin must be JSON to its end.
            return (first.starts_with(['{', ']']) || whole()).then_some(Self::Array);
        }
        if !start.starts_with('{') {
            return None;
        }
        let line = start.split(['\n', '\r']).next().unwrap_or(start);
        if is_object(line) {
            return Some(Self::Lines);
        }
        is_object(start).then_some(Self::Array).or_else(|| {
            // The first line may be the broken one of many.
            text.lines().filter(|l| !l.trim().is_empty()).take(10).any(is_object).then_some(Self::Lines)
        })
    }
}

fn is_object(text: &str) -> bool {
    let mut scanner = Scanner::new(text.trim());
    scanner.object(|_, _| Ok(())).is_ok() && scanner.at_end()
}

/// # Errors
/// `empty` without any object, `unreadable` when an array is broken, `too_large` when the objects have so many keys, and
/// so few in common, that the empty cells between them could not be kept: `limit` is what the file may expand to.
pub(super) fn read(text: &Text, form: Form, limit: u64) -> Result<RawTable, Refusal> {
    // An empty cell takes some bytes in memory, and a filled one took more than that in the file.
    let mut rows = Rows { most: limit / 4, ..Rows::default() };
    let mut skipped = 0;
    match form {
        Form::Lines => {
            let mut line = 0;
            for (start, end) in lines(&text.text) {
                line += 1;
                let content = text.text[start..end].trim();
                if content.is_empty() {
                    skipped += 1;
                    continue;
                }
                let mut scanner = Scanner::new(&text.text[start..end]);
                rows.object(&mut scanner, true, (start, end, line))?;
            }
        }
        Form::Array => array(&text.text, &mut rows)?,
    }
    if rows.places.is_empty() && rows.faults.is_empty() && rows.columns.is_empty() {
        return Err(Refusal::new(RefusedBecause::Empty, "There is no object in this JSON."));
    }
    Ok(rows.finish(text, skipped))
}

fn array<'a>(text: &'a str, rows: &mut Rows<'a>) -> Result<(), Refusal> {
    let broken = |at: usize, why: &str| {
        let message = format!("The JSON is broken at line {} ({why}); nothing of it landed.", line_at(text, at));
        Refusal::new(RefusedBecause::Unreadable, message)
    };
    let mut scanner = Scanner::new(text);
    scanner.space();
    if scanner.peek() == Some(b'{') {
        let start = scanner.place();
        return rows.object(&mut scanner, false, (start, text.trim_end().len(), line_at(text, start)));
    }
    scanner.expect(b'[').map_err(|e| broken(e.at, e.why))?;
    let (mut line, mut counted) = (1, 0);
    loop {
        scanner.space();
        if scanner.take(b']') {
            break;
        }
        let start = scanner.place();
        line += newlines(&text[counted..start]);
        counted = start;
        // A first pass finds the end, so that a row that is no good row can still be shown whole.
        scanner.skip_value().map_err(|e| broken(e.at, e.why))?;
        let end = scanner.place();
        rows.object(&mut Scanner::new(&text[start..end]), true, (start, end, line))?;
        scanner.space();
        if !scanner.take(b',') {
            scanner.expect(b']').map_err(|e| broken(e.at, e.why))?;
            break;
        }
    }
    scanner.space();
    if scanner.at_end() { Ok(()) } else { Err(broken(scanner.place(), "something follows the array")) }
}

/// Rows as they are collected: a column begins when its key first appears.
#[derive(Default)]
struct Rows<'a> {
    names: HashMap<String, usize>,
    columns: Vec<(String, StringBuilder, Vec<Kind>)>,
    places: Vec<(usize, usize, u64)>,
    faults: Vec<((usize, usize, u64), String)>,
    cells: Vec<(usize, Value<'a>)>,
    /// Cells that there may be.
    most: u64,
}

impl<'a> Rows<'a> {
    fn object(&mut self, scanner: &mut Scanner<'a>, whole: bool, place: (usize, usize, u64)) -> Result<(), Refusal> {
        self.cells.clear();
        scanner.space();
        if scanner.peek() != Some(b'{') {
            self.faults.push((place, "this is no JSON object".into()));
            return Ok(());
        }
        let (mut wide, most) = (false, self.most);
        let (names, columns, cells, rows) = (&mut self.names, &mut self.columns, &mut self.cells, self.places.len());
        let read = scanner.object(|key, value| {
            let at = match names.get(key.as_ref()) {
                Some(at) => *at,
                None => {
                    wide = columns.len() >= MOST_COLUMNS || (columns.len() as u64 + 1) * (rows as u64 + 1) > most;
                    if wide {
                        return Err("its keys are too many");
                    }
                    let mut builder = StringBuilder::with_capacity(rows, 0);
                    builder.append_nulls(rows);
                    columns.push((key.to_string(), builder, vec![Kind::Null; rows]));
                    names.insert(key.into_owned(), columns.len() - 1);
                    columns.len() - 1
                }
            };
            if cells.iter().any(|(other, _)| *other == at) {
                return Err("a key comes twice");
            }
            cells.push((at, value));
            Ok(())
        });
        // Later rows make more cells of the keys that are known.
        if wide || self.columns.len() as u64 * (self.places.len() as u64 + 1) > most {
            let message = "The objects have too many keys that few of them share; send it in parts, each of one kind.";
            return Err(Refusal::new(RefusedBecause::TooLarge, message));
        }
        scanner.space();
        let read = read
            .map_err(|e| e.why)
            .and_then(|()| if whole && !scanner.at_end() { Err("something follows the object") } else { Ok(()) });
        if let Err(why) = read {
            self.faults.push((place, format!("this is no good JSON object: {why}")));
            return Ok(());
        }
        for (at, value) in self.cells.drain(..) {
            let (_, texts, kinds) = &mut self.columns[at];
            let (kind, text) = match &value {
                Value::Null => (Kind::Null, None),
                Value::Boolean(b) => (Kind::Boolean, Some(if *b { "true" } else { "false" })),
                Value::Number(n) => (Kind::Number, Some(*n)),
                Value::String(s) if s.is_empty() => (Kind::Null, None),
                Value::String(s) => (Kind::String, Some(s.as_ref())),
                Value::Nested(n) => (Kind::Nested, Some(*n)),
            };
            texts.append_option(text);
            kinds.push(kind);
        }
        self.places.push(place);
        let rows = self.places.len();
        for (_, texts, kinds) in &mut self.columns {
            if kinds.len() < rows {
                texts.append_null();
                kinds.push(Kind::Null);
            }
        }
        Ok(())
    }

    fn finish(self, text: &Text, skipped: u64) -> RawTable {
        let mut offsets = Offsets::new(text);
        let rejected: Vec<QuarantinedRow> = self
            .faults
            .into_iter()
            .map(|(place, reason)| super::csv::quarantined(text, &mut offsets, place, reason))
            .collect();
        let columns = self
            .columns
            .into_iter()
            .map(|(label, mut texts, kinds)| RawColumn { label, cells: Cells::Kinds(texts.finish(), kinds) })
            .collect();
        RawTable { columns, places: Places::Text(self.places), rejected, skipped, ..RawTable::default() }
    }
}

/// Start and end of each physical line.
fn lines(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let start = at;
        let end = bytes[start..].iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |n| start + n);
        at = if bytes.get(end) == Some(&b'\r') && bytes.get(end + 1) == Some(&b'\n') { end + 2 } else { end + 1 };
        Some((start, end))
    })
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|b| *b == b'\n').count() as u64
}

fn line_at(text: &str, at: usize) -> u64 {
    1 + newlines(text.get(..at).unwrap_or(text))
}
