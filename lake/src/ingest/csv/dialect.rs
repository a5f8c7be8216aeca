//! Which characters delimit and quote: every dialect that the text could be in is tried on every row.

use std::collections::HashMap;

use super::record::Records;

/// How fields and records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
    /// A backslash before a quote keeps it from closing.
    pub backslash: bool,
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The dialect by evidence, and the table's width: more rows of one width first, then more fields.
pub(super) fn find(text: &str) -> (Dialect, usize) {
    let bytes = text.as_bytes();
    let present: Vec<u8> = DELIMITERS.into_iter().filter(|d| bytes.contains(d)).collect();
    let mut best: Option<(Dialect, Score)> = None;
    for &delimiter in if present.is_empty() { &DELIMITERS[..1] } else { &present[..] } {
        for (quote, backslash) in quotings(bytes, delimiter) {
            let dialect = Dialect { delimiter, quote, backslash };
            let score = Score::of(text, dialect);
            // Earlier candidates are the usual ones: a later one must be better, not as good.
            if best.as_ref().is_none_or(|(_, b)| score.rank() > b.rank()) {
                best = Some((dialect, score));
            }
        }
    }
    match best {
        Some((dialect, score)) if score.width > 1 => (dialect, score.width),
        _ => (best_of_one_column(text), 1),
    }
}

/// A table of one column: `,`, with the quoting that leaves most rows whole.
fn best_of_one_column(text: &str) -> Dialect {
    let mut best: Option<(Dialect, u64)> = None;
    for (quote, backslash) in quotings(text.as_bytes(), b',') {
        let dialect = Dialect { delimiter: b',', quote, backslash };
        let rows = Score::of(text, dialect).ones;
        if best.is_none_or(|(_, most)| rows > most) {
            best = Some((dialect, rows));
        }
    }
    best.map_or(Dialect { delimiter: b',', quote: b'"', backslash: false }, |(dialect, _)| dialect)
}

/// Quotings that the text could use, the usual one first.
fn quotings(text: &[u8], delimiter: u8) -> Vec<(u8, bool)> {
    let escapes = |quote: u8| text.windows(2).any(|w| w == [b'\\', quote]);
    let mut found = vec![(b'"', false)];
    if escapes(b'"') {
        found.push((b'"', true));
    }
    let opens = |w: &[u8]| w[1] == b'\'' && (w[0] == delimiter || w[0] == b'\n' || w[0] == b'\r');
    if text.first() == Some(&b'\'') || text.windows(2).any(opens) {
        found.push((b'\'', false));
        if escapes(b'\'') {
            found.push((b'\'', true));
        }
    }
    found
}

#[derive(Debug)]
struct Score {
    /// Rows of the commonest width above one.
    rows: u64,
    width: usize,
    /// Rows of one field.
    ones: u64,
}

impl Score {
    fn of(text: &str, dialect: Dialect) -> Self {
        let mut widths: HashMap<usize, u64> = HashMap::new();
        let mut ones_after = HashMap::new();
        let mut ones = 0;
        for comments in [false, true] {
            let mut records = Records::new(text, dialect);
            while let Some(record) = records.read() {
                let comment = text.as_bytes()[record.start] == b'#';
                let width = records.fields().len();
                if record.fault.is_some() || (comment && !comments) || records.fields().iter().all(|f| f.is_empty()) {
                    continue;
                }
                *widths.entry(width).or_default() += 1;
                if width == 1 {
                    ones += 1;
                } else {
                    ones_after.entry(width).or_insert(ones);
                }
            }
            // Comments speak only when there is nothing else.
            if !widths.is_empty() {
                break;
            }
        }
        let most = widths.iter().filter(|(w, _)| **w > 1).max_by_key(|(w, n)| (**n, **w));
        let (width, rows) = most.map_or((1, 0), |(w, n)| (*w, *n));
        // Lines of one field before the table are a preamble; among its rows they say that it is no table.
        let among = ones - ones_after.get(&width).copied().unwrap_or(0);
        if among > rows { Self { rows: 0, width: 1, ones } } else { Self { rows, width, ones } }
    }

    fn rank(&self) -> (u64, usize) {
        (self.rows, self.width)
    }
}
