//! Columns by whose values single rows are looked up: those get bloom filters, so that a row group without the value is
//! not read.

use std::{collections::HashSet, hash::Hash};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Int64Type},
};

/// Values that are looked at, from the column's beginning.
const SEEN: usize = 16_000;
/// Fewer say nothing, and a file with fewer rows is read at once.
const ENOUGH: usize = 8_000;
/// Of so many values, one may have come before.
const ONE_AGAIN_IN: usize = 100;

/// Whether a file's first values are those of an identifier: whole numbers or words without spaces, hardly one of them
/// twice, and in no order. By ordered ones the least and greatest values of row groups and pages lead to the row already;
/// whether an order that is seen holds for the whole file, `in_order` says.
pub(super) fn is_identifier(values: &ArrayRef, in_order: bool) -> bool {
    match values.data_type() {
        DataType::Int64 => are_identifiers(values.as_primitive::<Int64Type>().iter().flatten(), in_order),
        DataType::Utf8 => are_words(values.as_string::<i32>().iter().flatten(), in_order),
        DataType::LargeUtf8 => are_words(values.as_string::<i64>().iter().flatten(), in_order),
        DataType::Utf8View => are_words(values.as_string_view().iter().flatten(), in_order),
        _ => false,
    }
}

fn are_words<'a>(values: impl Iterator<Item = &'a str> + Clone, in_order: bool) -> bool {
    !values.clone().take(SEEN).any(|v| v.contains(' ')) && are_identifiers(values, in_order)
}

fn are_identifiers<T: Hash + Ord>(values: impl Iterator<Item = T> + Clone, in_order: bool) -> bool {
    let values = values.take(SEEN);
    let mut seen = HashSet::new();
    let (mut all, mut again) = (0, 0);
    for value in values.clone() {
        all += 1;
        again += usize::from(!seen.insert(value));
        // Columns of few values are known soon.
        if again > SEEN / ONE_AGAIN_IN {
            return false;
        }
    }
    all >= ENOUGH && again * ONE_AGAIN_IN <= all && !(in_order && values.is_sorted())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
    use datafusion::{
        physical_plan::{ExecutionPlan, collect, metrics::MetricValue},
        prelude::SessionContext,
    };

    use super::*;
    use crate::{
        StoreConfig,
        store::Store,
        table::{Commit, Tables},
    };

    /// The same numbers in an order that no sorting gives.
    fn shuffled(n: i64) -> impl Iterator<Item = i64> {
        (0..n).map(move |i| i * 7919 % n)
    }

    fn texts(form: impl Fn(i64) -> String) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(shuffled(20_000).map(form)))
    }

    fn whole(values: impl IntoIterator<Item = i64>) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(values))
    }

    #[test]
    fn identifiers_are_told_from_other_values() {
        for (what, values, expected) in [
            ("numbers", whole(shuffled(20_000)), true),
            ("codes", texts(|i| format!("ORD-{i:08}")), true),
            ("one in a hundred twice", whole(shuffled(20_000).map(|i| if i % 200 == 0 { 1 } else { i })), true),
            ("one in ten twice", whole(shuffled(20_000).map(|i| if i % 10 == 0 { 1 } else { i })), false),
            ("ordered numbers", whole(0..20_000), false),
            ("sentences", texts(|i| format!("the order {i}")), false),
            ("few rows", whole(shuffled(1_000)), false),
            ("amounts", Arc::new(Float64Array::from_iter_values(shuffled(20_000).map(|i| i as f64))), false),
        ] {
            assert_eq!(is_identifier(&values, true), expected, "{what}");
        }
        // An order that a run has by chance says nothing of the file.
        assert!(is_identifier(&whole(0..20_000), false));
    }

    /// Row groups that bloom filters kept from being read.
    fn spared(plan: &Arc<dyn ExecutionPlan>) -> usize {
        let metrics = plan.metrics().into_iter().flat_map(|set| set.iter().cloned().collect::<Vec<_>>());
        let own = metrics.filter_map(|metric| match metric.value() {
            MetricValue::PruningMetrics { name, pruning_metrics } if name == "row_groups_pruned_bloom_filter" => {
                Some(pruning_metrics.pruned())
            }
            _ => None,
        });
        own.sum::<usize>() + plan.children().into_iter().map(spared).sum::<usize>()
    }

    #[tokio::test(flavor = "multi_thread")]
    #[expect(clippy::disallowed_methods, reason = "it is the raw table that is looked at")]
    async fn row_groups_without_the_identifier_are_not_read() {
        const ROWS: i64 = 300_000;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::Folder(folder.path().to_owned())).unwrap();
        let tables = Tables::new(store, std::time::Duration::ZERO);
        let dataset = "ops.orders".parse().unwrap();
        let codes: ArrayRef = Arc::new(StringArray::from_iter_values(shuffled(ROWS).map(|i| format!("ORD-{i:08}"))));
        let kinds: ArrayRef = Arc::new(Int64Array::from_iter_values(shuffled(ROWS).map(|i| i % 10)));
        let batch = RecordBatch::try_from_iter([("code", codes), ("kind", kinds), ("n", whole(0..ROWS))]).unwrap();
        // Each of them alone would say too little.
        let batches = (0..ROWS as usize).step_by(5_000).map(|at| batch.slice(at, 5_000)).collect();
        let commit = Commit { sha256: "a".into(), ..Commit::default() };
        tables.commit(&dataset, batch.schema(), batches, commit).await.unwrap();
        let context = SessionContext::new();
        context.register_table("t", tables.snapshot(&dataset).await.unwrap().unwrap().provider()).unwrap();
        let ask = async |sql: &str| {
            let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let batches = collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
            (batches.iter().map(RecordBatch::num_rows).sum::<usize>(), spared(&plan))
        };
        // Three row groups; the others may look like the right one, one time in a hundred.
        let (rows, spared) = ask("select n from t where code = 'ORD-00123456'").await;
        assert_eq!((rows, spared), (1, 2));
        let (rows, spared) = ask("select n from t where code = 'ORD-00123456x'").await;
        assert_eq!((rows, spared), (0, 3));
        assert_eq!(ask("select n from t where kind = 3").await, (30_000, 0));
    }
}
