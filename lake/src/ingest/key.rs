//! Rows of one file that share a key: the last one counts.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, BooleanArray},
    compute::filter,
    error::ArrowError,
    row::{RowConverter, SortField},
};

/// Which rows are the last of their key, or `None` when all are.
///
/// # Errors
/// For a column whose values cannot be compared.
pub(super) fn last_of_each(keys: &[ArrayRef]) -> Result<Option<BooleanArray>, ArrowError> {
    let fields = keys.iter().map(|k| SortField::new(k.data_type().clone())).collect();
    let rows = RowConverter::new(fields)?.convert_columns(keys)?;
    let mut last: HashMap<&[u8], usize> = HashMap::with_capacity(rows.num_rows());
    for (at, row) in rows.iter().enumerate() {
        last.insert(row.data(), at);
    }
    if last.len() == rows.num_rows() {
        return Ok(None);
    }
    let mut keep = vec![false; rows.num_rows()];
    for at in last.into_values() {
        keep[at] = true;
    }
    Ok(Some(keep.into()))
}

/// The columns with only these rows.
pub(super) fn kept(arrays: &[ArrayRef], keep: &BooleanArray) -> Result<Vec<ArrayRef>, ArrowError> {
    arrays.iter().map(|a| filter(a, keep)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn the_last_row_of_a_key_counts() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "a"]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1, 2]));
        let keep = last_of_each(&[text.clone(), number.clone()]).expect("compares").expect("some repeat");
        assert_eq!(keep, BooleanArray::from(vec![false, true, true, true]));
        assert_eq!(kept(std::slice::from_ref(&text), &keep).expect("filters")[0].len(), 3);
        assert!(last_of_each(&[Arc::new(Int64Array::from(vec![1, 2]))]).expect("compares").is_none());
    }
}
