//! What a batch of rows weighs.

use arrow::array::{Array as _, RecordBatch};

/// Bytes in memory of the batch's own rows: of a slice of a larger batch, those of the slice.
pub(crate) fn bytes(batch: &RecordBatch) -> usize {
    let column =
        |c: &arrow::array::ArrayRef| c.to_data().get_slice_memory_size().unwrap_or_else(|_| c.get_array_memory_size());
    batch.columns().iter().map(column).sum()
}
