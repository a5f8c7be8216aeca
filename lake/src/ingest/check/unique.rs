//! Values that occur once in a file.

use std::{collections::HashSet, hash::RandomState};

use arrow::{
    array::{Array as _, ArrayRef, RecordBatch},
    datatypes::SchemaRef,
    row::{RowConverter, SortField},
};
use model::RefusedBecause;

use crate::{contract::Check, ingest::Refusal};

/// Which values of some columns have come, in all parts of a file: 16 bytes for each.
pub(super) struct Unique {
    columns: Vec<usize>,
    rows: RowConverter,
    /// Two hashes with keys of this run, so that no file can be made whose different values are taken for the same.
    keys: [RandomState; 2],
    seen: HashSet<[u64; 2]>,
}

impl Unique {
    /// # Errors
    /// `contract` when the file has not all of the columns.
    pub fn new(check: &Check, schema: &SchemaRef) -> Result<Self, Refusal> {
        let wrong = |why: String| {
            let message = format!(
                "The contract's check {} cannot be used: {why}. Mend it and send the file again.",
                check.shown()
            );
            Refusal::new(RefusedBecause::Contract, message)
        };
        let column = |name: &String| schema.index_of(name).map_err(|_| wrong(format!("there is no column `{name}`")));
        let columns: Vec<usize> = check.unique.iter().map(column).collect::<Result<_, _>>()?;
        let fields = columns.iter().map(|at| SortField::new(schema.field(*at).data_type().clone())).collect();
        let rows = RowConverter::new(fields).map_err(|e| wrong(e.to_string()))?;
        Ok(Self { columns, rows, keys: [RandomState::new(), RandomState::new()], seen: HashSet::new() })
    }

    /// Rows whose values have come before, in this part or an earlier one. `None` when they cannot be compared.
    pub fn again(&mut self, batch: &RecordBatch, waits: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|at| batch.column(*at).clone()).collect();
        let rows = self.rows.convert_columns(&columns).ok()?;
        let mut again = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            if waits(at) || columns.iter().any(|c| c.is_null(at)) {
                continue;
            }
            let hash = self.keys.each_ref().map(|key| std::hash::BuildHasher::hash_one(key, row.data()));
            if !self.seen.insert(hash) {
                again.push(at);
            }
        }
        Some(again)
    }
}
