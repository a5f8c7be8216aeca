//! Rows on their way into data files in the order that the contract wants: what is asked by these columns is then read
//! from few pages. Runs of rows are sorted, not the table: memory stays bounded, and what arrives is written once.

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch},
    error::ArrowError,
};

use crate::{LakeError, Result, batch::bytes};

/// Rows of a run, unless its bytes come first: a row group, so that each page holds few values.
const RUN_ROWS: usize = 128 << 10;
const RUN_BYTES: usize = 64 << 20;

/// Collects rows until they make a run.
pub(super) struct Sorting {
    columns: Vec<String>,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Sorting {
    /// By these columns, the first one first. Those that rows do not have are passed over.
    pub fn by(columns: &[String]) -> Self {
        Self { columns: columns.to_vec(), batches: Vec::new(), rows: 0, bytes: 0 }
    }

    /// The column that decides the order first.
    pub fn first(&self) -> Option<&str> {
        self.columns.first().map(String::as_str)
    }

    /// Takes the first rows of a batch in, as far as they belong to this run, and gives the rest back.
    pub fn add(&mut self, batch: &RecordBatch) -> Option<RecordBatch> {
        let rows = batch.num_rows();
        let heavy = bytes(batch) / rows.max(1);
        let fits = (RUN_BYTES.saturating_sub(self.bytes) / heavy.max(1)).clamp(1, RUN_ROWS - self.rows);
        let taken = batch.slice(0, rows.min(fits));
        self.rows += taken.num_rows();
        self.bytes += heavy * taken.num_rows();
        self.batches.push(taken);
        (rows > fits).then(|| batch.slice(fits, rows - fits))
    }

    /// Whether the run has as many rows as a run gets.
    pub fn is_full(&self) -> bool {
        self.rows >= RUN_ROWS || self.bytes >= RUN_BYTES
    }

    /// The rows so far, sorted.
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        let batches = std::mem::take(&mut self.batches);
        (self.rows, self.bytes) = (0, 0);
        let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(None) };
        let run = concat_batches(&schema, &batches);
        // Their rows are in the run.
        drop(batches);
        let run = run.and_then(|run| self.sorted(&run));
        run.map(Some).map_err(|e| LakeError::internal(format!("rows cannot be sorted: {e}")))
    }

    /// Rows with equal values stay in the order in which they came.
    fn sorted(&self, run: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut order: Vec<ArrayRef> = self.columns.iter().filter_map(|c| run.column_by_name(c).cloned()).collect();
        if order.is_empty() {
            return Ok(run.clone());
        }
        order.push(std::sync::Arc::new(UInt32Array::from_iter_values(0..run.num_rows() as u32)));
        let order: Vec<SortColumn> = order.into_iter().map(|values| SortColumn { values, options: None }).collect();
        take_record_batch(run, &lexsort_to_indices(&order, None)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{AsArray as _, Int64Array, StringArray},
        datatypes::Int64Type,
    };

    use super::*;

    fn batch(from: i64, rows: i64) -> RecordBatch {
        let carriers: StringArray = (from..from + rows).map(|n| (n % 5 != 4).then(|| format!("c{}", n % 5))).collect();
        let ids = Int64Array::from_iter_values(from..from + rows);
        let columns: [(&str, ArrayRef); 2] = [("carrier", Arc::new(carriers)), ("id", Arc::new(ids))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn ids(batch: &RecordBatch) -> Vec<i64> {
        batch.column(1).as_primitive::<Int64Type>().values().to_vec()
    }

    fn runs(sorting: &mut Sorting, batch: RecordBatch) -> Vec<RecordBatch> {
        let mut runs = Vec::new();
        let mut rest = Some(batch);
        while let Some(batch) = rest {
            rest = sorting.add(&batch);
            if sorting.is_full() {
                runs.extend(sorting.take().unwrap());
            }
        }
        runs
    }

    #[test]
    fn runs_are_sorted_and_no_row_is_lost_or_twice() {
        let mut sorting = Sorting::by(&["carrier".to_owned(), "absent".to_owned()]);
        let mut runs: Vec<_> = (0..7).flat_map(|part| runs(&mut sorting, batch(part * 40_000, 40_000))).collect();
        runs.extend(sorting.take().unwrap());
        assert!(sorting.take().unwrap().is_none());
        assert_eq!(runs.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [RUN_ROWS, RUN_ROWS, 17_856]);
        let mut seen = Vec::new();
        for run in &runs {
            let carriers = run.column(0).as_string::<i32>();
            let keys: Vec<_> = carriers.iter().zip(ids(run)).collect();
            assert!(keys.is_sorted(), "nulls first, then by value, then as they came");
            seen.extend(ids(run));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..280_000).collect::<Vec<i64>>());
    }

    #[test]
    fn without_its_columns_rows_stay_as_they_came() {
        let mut sorting = Sorting::by(&["absent".to_owned()]);
        assert!(sorting.add(&batch(0, 10)).is_none() && !sorting.is_full());
        assert_eq!(ids(&sorting.take().unwrap().unwrap()), (0..10).collect::<Vec<i64>>());
    }

    #[test]
    fn heavy_rows_make_short_runs() {
        let text = StringArray::from_iter_values(std::iter::repeat_n("x".repeat(1 << 20), 100));
        let columns: [(&str, ArrayRef); 1] = [("text", Arc::new(text))];
        let mut sorting = Sorting::by(&["text".to_owned()]);
        let runs = runs(&mut sorting, RecordBatch::try_from_iter(columns).unwrap());
        assert_eq!(runs.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [64]);
        assert_eq!(sorting.take().unwrap().unwrap().num_rows(), 36);
    }
}
