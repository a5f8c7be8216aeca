//! One reading of a file by a hypothesis.

use std::collections::HashMap;

use arrow::{
    array::{Array as _, BooleanArray, RecordBatch, RecordBatchOptions},
    compute::filter,
};
use model::{ColumnType, QuarantinedRow, RowCounts};

use super::{
    Sink, Stop,
    column::{At, Column},
    hypothesis::{Hypothesis, plan},
    text::Texts,
};
use crate::{
    LakeError,
    ingest::{
        Landing,
        check::Checks,
        csv::{self, Field, Margin, Place, Row, Rows},
        encoding::Offsets,
        fit::{self, Misfit, Plan, Planned, Rules},
        header::{First, told_again},
        infer::{Clues, Decision, Evidence},
        read::{Reading, too_many},
        words,
    },
};

pub(super) struct Pass<'a> {
    hypothesis: Hypothesis,
    rules: Rules<'a>,
    columns: Vec<Column>,
    rows: Rows,
    checks: Checks<'a>,
    /// Rows of the table so far, those above the data counted.
    table_rows: usize,
    header_line: Option<u64>,
    /// Line at which the first row comes again as a whole.
    again: Option<u64>,
    margin: Option<Margin>,
    /// What the first part came to: rows and lost lines.
    begin: (u64, u64),
    /// The evidence has said nothing against the hypothesis so far: values are built.
    live: bool,
    landed: u64,
    rejected: u64,
    /// Of each of the schema's columns, in landed rows.
    nulls: Vec<u64>,
}

/// What the evidence of a whole reading says.
pub(super) enum Settled {
    /// The same as the hypothesis.
    Done(Box<Reading>),
    Again(Box<Hypothesis>),
}

impl<'a> Pass<'a> {
    /// # Errors
    /// [`Stop::Whole`] when the contract's checks do not fit the columns.
    pub fn new(hypothesis: Hypothesis, rules: Rules<'a>) -> Result<Self, Stop> {
        let Hypothesis { plan, first, header, .. } = &hypothesis;
        let column = |(at, planned): (usize, &Planned)| {
            Column::new(planned.clone(), first.values[at].clone(), first.typed[at], !header, rules.source.null.clone())
        };
        let columns = plan.columns.iter().enumerate().map(column).collect();
        let checks = Checks::new(rules.contract, &plan.schema).map_err(|_| Stop::Whole("a check does not fit"))?;
        Ok(Self {
            columns,
            rows: Rows::new(hypothesis.dialect, hypothesis.width),
            checks,
            table_rows: 0,
            header_line: None,
            again: None,
            margin: None,
            begin: (0, 0),
            live: true,
            landed: 0,
            rejected: 0,
            nulls: vec![0; plan.schema.fields().len()],
            hypothesis,
            rules,
        })
    }

    /// Reads the records of a part; returns how far.
    pub fn part(&mut self, texts: &Texts<'_>, sink: &mut dyn Sink) -> Result<usize, Stop> {
        let text = texts.text();
        let dialect = self.hypothesis.dialect;
        let above = self.hypothesis.above();
        let is_data = !self.hypothesis.header;
        let titles = self.hypothesis.titles;
        let mut places: Vec<Place> = Vec::new();
        let mut faults: Vec<(Place, String)> = Vec::new();
        let mut misfits: HashMap<usize, Misfit> = HashMap::new();
        let Self { columns, rows, table_rows, header_line, live, again, hypothesis, .. } = self;
        let live = *live;
        let read = rows.read(text, texts.is_last(), |row| {
            let (fields, place) = match row {
                Row::Fault(reason, place) => return faults.push((place, reason)),
                Row::Fields(fields, place) => (fields, place),
            };
            let at = *table_rows;
            *table_rows += 1;
            if at < above {
                if at == titles {
                    *header_line = Some(place.2);
                }
                return;
            }
            let where_ = At { row: at - above, line: place.2 };
            let is_first = is_data && at == titles;
            for (field, column) in fields.iter().zip(columns.iter_mut()) {
                let escaped;
                let value = match field.plain(&text.text) {
                    Some(plain) => plain,
                    None => {
                        escaped = field.value(&text.text, dialect);
                        &escaped
                    }
                };
                if !live && !is_first {
                    column.look(value, where_);
                    continue;
                }
                let fits = if is_first { column.add_first(value, where_) } else { column.add(value, where_) };
                if !fits {
                    let row = places.len();
                    misfits.entry(row).or_insert_with(|| column.planned.misfit(row, value));
                }
            }
            if is_data && !is_first && again.is_none() && comes_again(&hypothesis.first, fields, &text.text) {
                *again = Some(place.2);
            }
            places.push(place);
        });
        self.follow(&text.text[..read])?;
        if self.live {
            let mut offsets = Offsets::new(text);
            let quarantined = |place, reason, offsets: &mut Offsets<'_>| csv::quarantined(text, offsets, place, reason);
            let batch = self.batch(places.len(), &mut misfits)?;
            let mut rejected: Vec<(Place, String, Option<Misfit>)> =
                faults.into_iter().map(|(place, reason)| (place, reason, None)).collect();
            rejected.extend(misfits.into_values().map(|m| (places[m.row], m.reason.clone(), Some(m))));
            rejected.sort_unstable_by_key(|(place, ..)| *place);
            self.rejected += rejected.len() as u64;
            let rejected: Vec<QuarantinedRow> = rejected
                .into_iter()
                .map(|(place, reason, misfit)| {
                    let row = quarantined(place, reason, &mut offsets);
                    let (column, value) = misfit.map(|m| (m.column, m.value)).unwrap_or_default();
                    QuarantinedRow { column, value, ..row }
                })
                .collect();
            if !rejected.is_empty() {
                sink.quarantined(rejected)?;
            }
            if let Some(batch) = batch {
                sink.rows(batch)?;
            }
            self.live = !self.hypothesis.guessed || self.holds();
        }
        Ok(read)
    }

    /// Whether it is sure so far that this is the dialect.
    fn follow(&mut self, read: &str) -> Result<(), Stop> {
        let Hypothesis { dialect, width, .. } = self.hypothesis;
        match &mut self.margin {
            Some(margin) => margin.look(read),
            None if read.is_empty() => {}
            None => {
                self.margin = Some(Margin::of(read, dialect, width).ok_or(DIALECT)?);
                self.begin = (self.table_rows as u64, self.rows.lost);
            }
        }
        Ok(())
    }

    /// The part's rows in the dataset's columns, without those that do not fit, which are added to `misfits`.
    fn batch(&mut self, rows: usize, misfits: &mut HashMap<usize, Misfit>) -> Result<Option<RecordBatch>, Stop> {
        let plan = &self.hypothesis.plan;
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let arrays = plan.arranged(arrays, rows);
        fit::required(self.rules.contract, &plan.schema, &arrays, misfits);
        self.checks.look(&arrays, rows, misfits).map_err(|_| Stop::Whole("a check cannot be computed"))?;
        let arrays = if misfits.is_empty() {
            arrays
        } else {
            let stays: BooleanArray = (0..rows).map(|row| Some(!misfits.contains_key(&row))).collect();
            arrays.iter().map(|a| filter(a, &stays)).collect::<Result<_, _>>().map_err(together)?
        };
        let landed = rows - misfits.len();
        self.landed += landed as u64;
        for (nulls, array) in self.nulls.iter_mut().zip(&arrays) {
            *nulls += array.null_count() as u64;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(landed));
        let batch = RecordBatch::try_new_with_options(plan.schema.clone(), arrays, &options).map_err(together)?;
        Ok((landed > 0).then_some(batch))
    }

    /// Whether the types that were found are still those of the hypothesis.
    fn holds(&self) -> bool {
        let evidence: Vec<&Evidence> = self.columns.iter().map(Column::evidence).collect();
        let clues = Clues::of(evidence.iter().copied(), self.hypothesis.comma(), self.rules.source);
        self.columns.iter().zip(evidence).filter(|(c, _)| c.planned.given.is_none()).all(|(column, evidence)| {
            let found = Decision::of(evidence, &clues);
            // A column without a value so far may still become anything.
            evidence.values == 0 || alike(&column.planned.found, &found)
        })
    }

    /// Compares what the whole file shows with what was taken for granted.
    ///
    /// # Errors
    /// [`Stop::Whole`] when it may be another dialect.
    pub fn settle(mut self) -> Result<Settled, Stop> {
        let rows = self.table_rows as u64 - self.begin.0;
        let lost = self.rows.lost - self.begin.1;
        if !self.margin.as_ref().is_some_and(|m| m.holds(rows, lost)) {
            return Err(DIALECT);
        }
        let header = self.is_header();
        let evidence: Vec<Evidence> = self.columns.iter().map(|c| evidence_for(c, header, &self.hypothesis)).collect();
        let learned = |at: usize| self.columns[at].learned;
        let Hypothesis { first, header: taken, .. } = &self.hypothesis;
        let next = plan(first, header, &evidence, self.hypothesis.comma(), learned, self.rules)?;
        if header != *taken || !self.live || !same(&next, &self.hypothesis.plan) {
            let next = Hypothesis { header, plan: next, guessed: false, ..self.hypothesis };
            return Ok(Settled::Again(Box::new(next)));
        }
        for (column, planned) in self.columns.iter_mut().zip(next.columns) {
            column.planned = planned;
        }
        Ok(Settled::Done(Box::new(self.reading())))
    }

    fn is_header(&self) -> bool {
        let comma = self.hypothesis.comma();
        let clues = Clues::of(self.columns.iter().map(|c| &c.below), comma, self.rules.source);
        let below: Vec<ColumnType> = self.columns.iter().map(|c| Decision::of(&c.below, &clues).column_type).collect();
        self.hypothesis.first.is_header(&below, |at| self.columns[at].again, |at| self.columns[at].years)
    }

    fn reading(self) -> Reading {
        let dialect = self.hypothesis.dialect;
        let mut reading = Reading::empty();
        reading.format = Some("csv");
        reading.delimiter = Some(char::from(dialect.delimiter));
        reading.quote = Some(char::from(dialect.quote));
        reading.header_line = self.header_line.filter(|_| self.hypothesis.header);
        let read = self.landed + self.rejected;
        let skipped = self.rows.skipped + self.hypothesis.titles as u64;
        reading.rows = RowCounts { read, landed: self.landed, quarantined: self.rejected, skipped };
        let report = |column: &Column| {
            let why = words::evidence(column, column.evidence(), column.planned.found, column.planned.given);
            column.planned.report(why, self.nulls[column.planned.at])
        };
        reading.columns = self.columns.iter().map(report).collect();
        let (warnings, refused) = self.checks.end();
        let nearly = self.columns.iter().filter_map(|c| words::nearly(c, c.evidence(), &c.planned)).collect();
        let again = self.again.map(told_again).into_iter().collect();
        reading.warnings = [again, self.hypothesis.plan.changes(self.rules), nearly, warnings].concat();
        let refused = refused.or_else(|| too_many(&reading.rows, self.rules.contract.max_rejected));
        reading.outcome = match refused {
            Some(refusal) => Err(refusal),
            None => Ok(Landing { schema: self.hypothesis.plan.schema, batches: Vec::new() }),
        };
        reading
    }
}

const DIALECT: Stop = Stop::Whole("its begin does not say which dialect it is");

/// Whether a row says the same as the first. Headers are hardly ever written with quotes in them.
fn comes_again(first: &First, fields: &[Field], text: &str) -> bool {
    first.is(|at| fields.get(at).and_then(|field| field.plain(text)).filter(|value| !value.is_empty()))
}

/// The evidence of the column's data, when the first row is or is not part of it.
fn evidence_for(column: &Column, header: bool, hypothesis: &Hypothesis) -> Evidence {
    if header {
        return column.below.clone();
    }
    if !hypothesis.header {
        return column.evidence().clone();
    }
    // It was taken for a header and is none: the next reading says where it stands.
    let mut evidence = column.below.clone();
    if let Some(first) = column.first() {
        evidence.add_field(0, first);
    }
    evidence
}

/// Whether values are read in the same way, whatever is told of them.
fn same(a: &Plan, b: &Plan) -> bool {
    a.columns.iter().zip(&b.columns).all(|(a, b)| {
        let found = a.found.column_type == a.target && b.found.column_type == b.target;
        a.target == b.target
            && (a.target == ColumnType::Text
                || (alike(&a.found, &b.found) && (found || a.style.clues == b.style.clues)))
    })
}

fn alike(a: &Decision, b: &Decision) -> bool {
    let text = a.column_type == ColumnType::Text && b.column_type == ColumnType::Text;
    text || (a.column_type, a.mark, a.day_first) == (b.column_type, b.mark, b.day_first)
}

fn together(e: arrow::error::ArrowError) -> Stop {
    Stop::Failed(LakeError::internal(format!("rows cannot be put together: {e}")))
}
