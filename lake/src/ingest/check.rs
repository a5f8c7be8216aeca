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
        let failed: Vec<usize> =
            failures(condition.as_ref(), &batch).into_iter().filter(|row| !unfit.contains(row)).collect();
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

/// Rows of which the condition is false, or cannot be computed.
fn failures(condition: &dyn PhysicalExpr, batch: &RecordBatch) -> Vec<usize> {
    let is_false = |values: &BooleanArray, row: usize| values.is_valid(row) && !values.value(row);
    match evaluated(condition, batch) {
        Ok(values) => (0..batch.num_rows()).filter(|row| is_false(&values, *row)).collect(),
        // One value that divides by zero fails all: then each row is asked alone.
        Err(_) => (0..batch.num_rows())
            .filter(|row| evaluated(condition, &batch.slice(*row, 1)).map_or(true, |v| is_false(&v, 0)))
            .collect(),
    }
}

fn evaluated(condition: &dyn PhysicalExpr, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
    let values = condition.evaluate(batch).and_then(|v| v.into_array(batch.num_rows()));
    let values = values.map_err(|e| ArrowError::ComputeError(e.to_string()))?;
    let values = arrow::compute::cast(&values, &arrow::datatypes::DataType::Boolean)?;
    Ok(values.as_boolean().clone())
}
