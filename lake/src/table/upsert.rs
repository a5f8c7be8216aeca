//! Upserts: rows of a file in the place of those with the same key. Delta's own merge, which rewrites the files that hold
//! such rows and no other.

use arrow::array::RecordBatch;
use datafusion::{common::Column, logical_expr::Expr, prelude::SessionContext};

use deltalake::{
    DeltaTable, DeltaTableError, kernel::transaction::CommitProperties, parquet::file::properties::WriterProperties,
};

use super::Commit;

const HERE: &str = "table";
const FILE: &str = "file";

/// Merges `batches`, in which no key comes twice, by the key of `what`. Columns that the file does not bring keep their
/// values in rows that are there, and are null in new ones.
pub(super) async fn merge(
    table: DeltaTable,
    batches: Vec<RecordBatch>,
    what: &Commit,
    growth: bool,
    commit: CommitProperties,
    writer: WriterProperties,
) -> Result<DeltaTable, DeltaTableError> {
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(table) };
    #[expect(clippy::disallowed_methods, reason = "it knows the file's own rows and nothing else")]
    let session = SessionContext::new();
    let rows = session.read_batches(batches)?;
    let column = |of: &str, name: &str| Expr::Column(Column::new(Some(of), name));
    let same = what.key.iter().map(|k| column(HERE, k).eq(column(FILE, k)));
    let Some(same) = same.reduce(Expr::and) else {
        return Err(DeltaTableError::generic("an upsert needs a key"));
    };
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let (table, metrics) = table
        .merge(rows, same)
        .with_target_alias(HERE)
        .with_source_alias(FILE)
        .with_merge_schema(growth)
        .with_commit_properties(commit)
        .with_writer_properties(writer)
        .when_matched_update(|update| {
            what.own.iter().fold(update, |u, n| u.update(Column::new_unqualified(n), column(FILE, n)))
        })?
        .when_not_matched_insert(|insert| {
            names.iter().fold(insert, |i, n| i.set(Column::new_unqualified(n), column(FILE, n)))
        })?
        .await?;
    tracing::debug!(?metrics, "merged");
    Ok(table)
}
