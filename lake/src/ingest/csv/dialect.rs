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
            if score.is_table() && best.as_ref().is_none_or(|(_, b)| score.rank() > b.rank()) {
                best = Some((dialect, score));
            }
        }
    }
    match best {
        Some((dialect, score)) if score.width > 1 => (dialect, score.width),
        _ => (best_of_one_column(text), 1),
    }
}

/// How surely a dialect that was found in the begin of a text is that of the whole text.
///
/// A row of the whole is at most one line, so no other dialect can make more rows than it made of the begin and lines
/// are in the rest. As long as the found one loses fewer lines in the rest than it is ahead after the begin, it wins.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Margin {
    dialect: Dialect,
    /// Rows that it is ahead of every other dialect which the begin could be in.
    ahead: u64,
    /// And of every dialect with another delimiter, whatever quotes come.
    ahead_of_any: u64,
    /// Quotings that the begin does not use came later.
    late: bool,
    quotes: Quotes,
}

/// What a text has that only some quotings look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quotes {
    /// A single quote where a field may begin.
    single: bool,
    escaped: bool,
}

impl Quotes {
    fn of(text: &[u8]) -> Self {
        let before = |b: u8| DELIMITERS.contains(&b) || matches!(b, b'\n' | b'\r');
        let single = memchr::memchr_iter(b'\'', text).any(|at| at == 0 || before(text[at - 1]));
        let escaped = memchr::memchr_iter(b'\\', text).any(|at| matches!(text.get(at + 1), Some(b'"' | b'\'')));
        Self { single, escaped }
    }
}

impl Margin {
    /// Of the dialect that [`find`] gives for this begin of a text. `None` when that finds another, or no delimiter.
    pub fn of(begin: &str, dialect: Dialect, width: usize) -> Option<Self> {
        if width < 2 || find(begin) != (dialect, width) {
            return None;
        }
        let bytes = begin.as_bytes();
        let own = Score::of(begin, dialect);
        let (mut ahead, mut ahead_of_any) = (own.rows, own.rows);
        for delimiter in DELIMITERS {
            for (quote, backslash) in quotings(bytes, delimiter) {
                let other = Dialect { delimiter, quote, backslash };
                if other != dialect {
                    let score = Score::of(begin, other);
                    // The rest may make a table of it.
                    if !score.is_table() && score.rank() >= own.rank() {
                        return None;
                    }
                    ahead = ahead.min(own.rows - score.rows);
                }
            }
            if delimiter != dialect.delimiter {
                let lines = begin.lines().filter(|l| memchr::memchr(delimiter, l.as_bytes()).is_some()).count();
                ahead_of_any = ahead_of_any.min(own.rows.saturating_sub(lines as u64));
            }
        }
        Some(Self { dialect, ahead, ahead_of_any, late: false, quotes: Quotes::of(bytes) })
    }

    /// Looks at a part of the rest. Parts begin and end between records.
    pub fn look(&mut self, part: &str) {
        let found = Quotes::of(part.as_bytes());
        self.late |= (found.single && !self.quotes.single) || (found.escaped && !self.quotes.escaped);
    }

    /// Whether it is the dialect of the whole, when the rest made that many `rows`, and that many lines made none.
    pub fn holds(&self, rows: u64, lost: u64) -> bool {
        if lost == 0 {
            // Every line is a row: others may make as many at most, and those with the same delimiter none wider.
            let usual = self.dialect.quote == b'"' && !self.dialect.backslash;
            return !self.late || (usual && self.ahead_of_any > 0);
        }
        !self.late && lost < self.ahead && lost <= rows
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
                ones += u64::from(width == 1);
            }
            // Comments speak only when there is nothing else.
            if !widths.is_empty() {
                break;
            }
        }
        let most = widths.iter().filter(|(w, _)| **w > 1).max_by_key(|(w, n)| (**n, **w));
        let (width, rows) = most.map_or((1, 0), |(w, n)| (*w, *n));
        Self { rows, width, ones }
    }

    /// Lines of one field may be titles, or faults; more of them than there are rows say that it is no table. Wherever
    /// they stand: text of one column may well have its few delimiters in the last lines.
    fn is_table(&self) -> bool {
        self.ones <= self.rows
    }

    fn rank(&self) -> (u64, usize) {
        (self.rows, self.width)
    }
}
