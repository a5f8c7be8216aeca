//! A contract's checks: conditions on each row, beside the types of its columns.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
    error::ArrowError,
};
use datafusion::physical_expr::PhysicalExpr;
use model::RefusedBecause;

mod unique;

use super::{Refusal, fit::Misfit};
use crate::{
    contract::{Check, Contract, OnFailure},
    policy::condition,
};
use unique::Unique;

/// The checks of a contract on the rows of one file, part by part. A check that cannot be said of a row, for lack of a
/// value, holds, as SQL's own checks do.
pub(super) struct Checks<'a> {
    checks: Vec<Running<'a>>,
    schema: SchemaRef,
    alone: Alone,
    /// Columns of the contract's order that there are none of.
    unsorted: Vec<&'a str>,
}

struct Running<'a> {
    check: &'a Check,
    condition: Condition,
    /// Rows that do not meet it.
    failed: usize,
}

enum Condition {
    Sql(Arc<dyn PhysicalExpr>),
    Unique(Unique),
}

impl<'a> Checks<'a> {
    /// # Errors
    /// `contract` when a check does not fit the columns.
    pub fn new(contract: &'a Contract, schema: &SchemaRef) -> Result<Self, Refusal> {
        let running = |check: &'a Check| {
            let condition = match check.unique.is_empty() {
                true => Condition::Sql(compiled(check, schema)?),
                false => Condition::Unique(Unique::new(check, schema)?),
            };
            Ok(Running { check, condition, failed: 0 })
        };
        let checks = contract.checks.iter().map(running).collect::<Result<_, _>>()?;
        let absent = |name: &&str| schema.field_with_name(name).is_err();
        let unsorted = contract.sort.iter().map(String::as_str).filter(absent).collect();
        Ok(Self { checks, schema: Arc::clone(schema), alone: Alone::default(), unsorted })
    }

    /// Looks at rows in the schema's columns, and adds those that stay in quarantine to `misfits`, by row.
    ///
    /// # Errors
    /// `contract` when a check cannot be computed for too many rows.
    pub fn look(
        &mut self,
        arrays: &[ArrayRef],
        rows: usize,
        misfits: &mut HashMap<usize, Misfit>,
    ) -> Result<(), Refusal> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays.to_vec(), &options)
            .map_err(|e| Refusal::new(RefusedBecause::Unreadable, format!("The rows cannot be put together: {e}")))?;
        let unfit: HashSet<usize> = misfits.keys().copied().collect();
        for running in &mut self.checks {
            let failed = match &mut running.condition {
                Condition::Sql(condition) => failures(condition.as_ref(), &batch, &mut self.alone),
                // What waits already is no earlier row.
                Condition::Unique(unique) => unique.again(&batch, |row| misfits.contains_key(&row)),
            };
            let failed = failed.ok_or_else(|| uncomputable(running.check))?;
            for row in failed.into_iter().filter(|row| !unfit.contains(row)) {
                running.failed += 1;
                if running.check.on_failure == OnFailure::Warn {
                    continue;
                }
                let reason = || format!("the row does not meet the check {}", running.check.shown());
                misfits.entry(row).or_insert_with(|| Misfit { row, column: None, value: None, reason: reason() });
            }
        }
        Ok(())
    }

    /// What the whole file's rows came to: sentences for the report, and why it is refused, if it is.
    pub fn end(self) -> (Vec<String>, Option<Refusal>) {
        let (mut warnings, mut refused) = (Vec::new(), None);
        if !self.unsorted.is_empty() {
            let names = self.unsorted.join("`, `");
            warnings.push(format!("The contract orders rows by `{names}`, and there is no such column."));
        }
        for Running { check, failed: count, .. } in self.checks.into_iter().filter(|c| c.failed > 0) {
            let (rows, do_not) = if count == 1 { ("row", "does not") } else { ("rows", "do not") };
            match check.on_failure {
                OnFailure::Warn => {
                    warnings.push(format!("{count} {rows} {do_not} meet the check {}; they landed.", check.shown()));
                }
                OnFailure::Quarantine => {}
                OnFailure::Refuse => {
                    let message = format!(
                        "{count} {rows} {do_not} meet the check {}, and the contract refuses the whole file then; \
                         nothing landed. Mend the rows in quarantine and send the file again.",
                        check.shown()
                    );
                    refused.get_or_insert(Refusal::new(RefusedBecause::CheckFailed, message));
                }
            }
        }
        (warnings, refused)
    }
}

fn compiled(check: &Check, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>, Refusal> {
    condition(&check.sql, schema).map_err(|why| {
        let message =
            format!("The contract's check {} cannot be used: {why}. Mend it and send the file again.", check.shown());
        Refusal::new(RefusedBecause::Contract, message)
    })
}

/// Rows that are computed together: what a condition may make is bounded for each of these.
const TOGETHER: usize = 8 << 10;
/// Rows of a file that are computed one by one, because one of those beside them could not be, and the time that goes
/// into it, of all checks.
const ALONE: usize = 200_000;
const ALONE_TIME: Duration = Duration::from_secs(5);

/// What was computed one by one so far.
#[derive(Default)]
struct Alone {
    rows: usize,
    time: Duration,
}

fn uncomputable(check: &Check) -> Refusal {
    let message = format!(
        "The contract's check {} cannot be computed for too many rows: a division by zero, an overflow or a text that \
         grows too large. Mend it and send the file again.",
        check.shown()
    );
    Refusal::new(RefusedBecause::Contract, message)
}

/// Rows of which the condition is false, or cannot be computed. `None` when that took too long.
fn failures(condition: &dyn PhysicalExpr, batch: &RecordBatch, alone: &mut Alone) -> Option<Vec<usize>> {
    let is_false = |values: &BooleanArray, row: usize| values.is_valid(row) && !values.value(row);
    let mut failed = Vec::new();
    for first in (0..batch.num_rows()).step_by(TOGETHER) {
        let part = batch.slice(first, TOGETHER.min(batch.num_rows() - first));
        let rows = 0..part.num_rows();
        let begun = Instant::now();
        match evaluated(condition, &part) {
            Ok(values) => failed.extend(rows.filter(|row| is_false(&values, *row)).map(|row| first + row)),
            // One value that divides by zero fails all: then each row is asked alone.
            Err(_) => {
                for row in rows {
                    alone.rows += 1;
                    if alone.rows > ALONE || alone.time + begun.elapsed() > ALONE_TIME {
                        return None;
                    }
                    if evaluated(condition, &part.slice(row, 1)).map_or(true, |v| is_false(&v, 0)) {
                        failed.push(first + row);
                    }
                }
                alone.time += begun.elapsed();
            }
        }
    }
    Some(failed)
}

fn evaluated(condition: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let values = condition.evaluate(batch).and_then(|v| v.into_array(batch.num_rows()));
    let values = values.map_err(|e| ArrowError::ComputeError(e.to_string()))?;
    let values = arrow::compute::cast(&values, &arrow::datatypes::DataType::Boolean)?;
    Ok(values.as_boolean().clone())
}
