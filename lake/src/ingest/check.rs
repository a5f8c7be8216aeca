//! A contract's checks: conditions on each row, beside the types of its columns.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, BooleanArray, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
    error::ArrowError,
};
use datafusion::physical_expr::PhysicalExpr;
use model::RefusedBecause;

use super::{
    Refusal,
    fit::{Fitted, Misfit},
};
use crate::{
    contract::{Check, Contract, OnFailure},
    policy::condition,
};

/// Applies the checks to rows that fit their types. A check that cannot be said of a row, for lack of a value, holds, as
/// SQL's own checks do.
///
/// # Errors
/// `contract` when a check does not fit the columns.
pub(super) fn apply(contract: &Contract, fitted: &mut Fitted, rows: usize) -> Result<(), Refusal> {
    if contract.checks.is_empty() {
        return Ok(());
    }
    let unfit: std::collections::HashSet<usize> = fitted.misfits.iter().map(|m| m.row).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&fitted.schema), fitted.arrays.clone(), &options)
        .map_err(|e| Refusal::new(RefusedBecause::Unreadable, format!("The rows cannot be put together: {e}")))?;
    let mut failing = Vec::new();
    for check in &contract.checks {
        let condition = compiled(check, &fitted.schema)?;
        let failed = failures(condition.as_ref(), &batch).ok_or_else(|| uncomputable(check))?;
        let failed: Vec<usize> = failed.into_iter().filter(|row| !unfit.contains(row)).collect();
        if failed.is_empty() {
            continue;
        }
        let count = failed.len();
        let (rows, do_not) = if count == 1 { ("row", "does not") } else { ("rows", "do not") };
        match check.on_failure {
            OnFailure::Warn => {
                fitted.warnings.push(format!("{count} {rows} {do_not} meet the check {}; they landed.", check.shown()));
            }
            OnFailure::Quarantine => failing.push((check, failed)),
            OnFailure::Refuse => {
                let message = format!(
                    "{count} {rows} {do_not} meet the check {}, and the contract refuses the whole file then; nothing \
                     landed. Mend the rows in quarantine and send the file again.",
                    check.shown()
                );
                fitted.refused.get_or_insert(Refusal::new(RefusedBecause::CheckFailed, message));
                failing.push((check, failed));
            }
        }
    }
    let mut told = unfit;
    for (check, rows) in failing {
        for row in rows {
            if told.insert(row) {
                let reason = format!("the row does not meet the check {}", check.shown());
                fitted.misfits.push(Misfit { row, column: None, value: None, reason });
            }
        }
    }
    fitted.misfits.sort_unstable_by_key(|m| m.row);
    Ok(())
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
/// Rows that are computed one by one, because one of those beside them could not be.
const ALONE: usize = 200_000;

fn uncomputable(check: &Check) -> Refusal {
    let message = format!(
        "The contract's check {} cannot be computed for too many rows: a division by zero, an overflow or a text that \
         grows too large. Mend it and send the file again.",
        check.shown()
    );
    Refusal::new(RefusedBecause::Contract, message)
}

/// Rows of which the condition is false, or cannot be computed. `None` when that took too long.
fn failures(condition: &dyn PhysicalExpr, batch: &RecordBatch) -> Option<Vec<usize>> {
    let is_false = |values: &BooleanArray, row: usize| values.is_valid(row) && !values.value(row);
    let mut failed = Vec::new();
    let mut alone = 0;
    for first in (0..batch.num_rows()).step_by(TOGETHER) {
        let part = batch.slice(first, TOGETHER.min(batch.num_rows() - first));
        let rows = 0..part.num_rows();
        match evaluated(condition, &part) {
            Ok(values) => failed.extend(rows.filter(|row| is_false(&values, *row)).map(|row| first + row)),
            // One value that divides by zero fails all: then each row is asked alone.
            Err(_) => {
                alone += part.num_rows();
                if alone > ALONE {
                    return None;
                }
                let fails = |row: &usize| evaluated(condition, &part.slice(*row, 1)).map_or(true, |v| is_false(&v, 0));
                failed.extend(rows.filter(fails).map(|row| first + row));
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
