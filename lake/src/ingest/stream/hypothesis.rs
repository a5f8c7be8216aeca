//! What the begin of a file says of all of it.

use super::{Stop, text::Texts};
use crate::ingest::{
    csv::{self, Dialect},
    encoding::Encoding,
    fit::{Plan, Rules},
    header::{self, First},
    infer::{Clues, Decision, Evidence},
};

/// How the rest of a file is read, until its evidence says otherwise.
#[derive(Debug, Clone)]
pub(super) struct Hypothesis {
    pub dialect: Dialect,
    pub width: usize,
    /// Rows before the header or the data.
    pub titles: usize,
    /// The row after the titles, and whether it names the columns.
    pub first: First,
    pub header: bool,
    pub plan: Plan,
    /// By the begin alone: what comes may contradict it.
    pub guessed: bool,
}

impl Hypothesis {
    /// By the first part of a file.
    ///
    /// # Errors
    /// [`Stop::Whole`] when it is no delimited text with rows, or the dataset cannot have such columns: then the whole
    /// file is looked at for the reason.
    pub fn of(texts: &Texts<'_>, rules: Rules<'_>) -> Result<Self, Stop> {
        let text = texts.text();
        if matches!(text.encoding, Encoding::Utf16Be | Encoding::Utf16Le) {
            return Err(Stop::Whole("it is UTF-16"));
        }
        if text.text.trim_start().starts_with(['[', '{']) {
            return Err(Stop::Whole("it may be JSON"));
        }
        let (dialect, mut table) = csv::read(text).map_err(|_| NO_TABLE)?;
        let width = table.columns.len();
        if width < 2 {
            return Err(NO_TABLE);
        }
        table.nullify(&rules.source.null);
        let filled = |row: usize| table.columns.iter().filter(|c| c.cells.text(row).is_some()).count();
        if (0..table.rows()).all(|row| filled(row) <= 1) {
            return Err(NO_TABLE);
        }
        let comma = dialect.delimiter == b',';
        let (evidence, above) = header::settle(&mut table, comma, rules.source);
        let header::Above { titles, first, header, .. } = above;
        let plan = plan(&first, header, &evidence, comma, |_| Clues::default(), rules)?;
        Ok(Self { dialect, width, titles, first, header, plan, guessed: true })
    }

    /// Whether the delimiter is a comma.
    pub fn comma(&self) -> bool {
        self.dialect.delimiter == b','
    }

    /// Rows of the table that are no data.
    pub fn above(&self) -> usize {
        self.titles + usize::from(self.header)
    }
}

const NO_TABLE: Stop = Stop::Whole("it does not begin as a table");

/// The columns by all that is known of them.
pub(super) fn plan(
    first: &First,
    header: bool,
    evidence: &[Evidence],
    comma: bool,
    learned: impl Fn(usize) -> Clues,
    rules: Rules<'_>,
) -> Result<Plan, Stop> {
    let labels: Vec<&str> =
        first.values.iter().map(|v| if header { v.as_deref().unwrap_or_default() } else { "" }).collect();
    let clues = Clues::of(evidence.iter(), comma, rules.source);
    let found: Vec<Decision> = evidence.iter().map(|e| Decision::of(e, &clues)).collect();
    Plan::of(&labels, &found, clues, learned, rules).map_err(|_| Stop::Whole("its columns are not the dataset's"))
}
