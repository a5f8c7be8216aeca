//! One version of one table: its schema, its files and what their statistics say.

use std::{collections::HashSet, fmt, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use deltalake::{DeltaTable, kernel::EagerSnapshot};
use model::DatasetName;
use object_store::{ObjectStore, path::Path};

use super::scan::TableFiles;
use crate::Result;

/// An immutable version of a table. Cheap to share; holds the file list in memory.
pub struct Snapshot {
    pub dataset: DatasetName,
    pub version: u64,
    pub committed_at: DateTime<Utc>,
    /// As queries see it: text is `Utf8View`. Field metadata `label` holds the header as written.
    pub schema: SchemaRef,
    pub rows: u64,
    pub files: u64,
    /// Size of the data files in the store.
    pub bytes: u64,
    table: DeltaTable,
    objects: Arc<dyn ObjectStore>,
}

impl Snapshot {
    pub(super) fn new(dataset: DatasetName, table: DeltaTable, objects: Arc<dyn ObjectStore>) -> Result<Self> {
        let state = table.snapshot()?.snapshot();
        let version = state.version();
        let (mut rows, mut files, mut bytes) = (0, 0, 0);
        let mut newest = 0;
        for file in state.try_log_data()?.iter() {
            rows += file.num_records().unwrap_or_default() as u64;
            bytes += u64::try_from(file.size()).unwrap_or_default();
            newest = newest.max(file.modification_time());
            files += 1;
        }
        // A checkpoint leaves older log entries out; then the newest file dates the version.
        let committed = state.version_timestamp(version).unwrap_or(newest);
        Ok(Self {
            dataset,
            version,
            committed_at: DateTime::from_timestamp_millis(committed).unwrap_or_default(),
            schema: as_queried(&state.arrow_schema()),
            rows,
            files,
            bytes,
            table,
            objects,
        })
    }

    /// The raw table. Only [`govern`](crate::govern) may ask for it: what it gives is not governed.
    pub(crate) fn provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(TableFiles::new(Arc::clone(self)))
    }

    pub(super) fn table(&self) -> &DeltaTable {
        &self.table
    }

    pub(super) fn state(&self) -> Result<&EagerSnapshot> {
        Ok(self.table.snapshot()?.snapshot())
    }

    pub(super) fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// Where the version's data files lie in the bucket.
    pub(super) fn locations(&self) -> Result<HashSet<Path>> {
        let place = |file: Path| Path::from(self.location(&file));
        Ok(self.state()?.try_log_data()?.iter().map(|file| place(file.object_store_path())).collect())
    }

    /// Where a file of the log lies in the bucket.
    pub(super) fn location(&self, file: &Path) -> String {
        format!("{}/{file}", crate::store::path::table(&self.dataset))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} v{}, {} rows in {} files)", self.dataset, self.version, self.rows, self.files)
    }
}

/// Text as views: what the Parquet reader gives fastest, and one type for every query.
fn as_queried(schema: &Schema) -> SchemaRef {
    let field = |f: &Arc<Field>| match f.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => Arc::new(f.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(f),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
