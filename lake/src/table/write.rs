//! Data files on their way into the store. Nothing of them is seen until a commit names them.

use std::{fmt, sync::Arc};

use arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};
use chrono::{DateTime, Utc};
use delta_kernel::table_properties::DataSkippingNumIndexedCols;
use deltalake::{
    datafile::writer::{DeltaWriter, WriterConfig},
    kernel::Add,
    parquet::{
        basic::{Compression, Encoding, ZstdLevel},
        file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder},
        schema::types::ColumnPath,
    },
};
use model::{ColumnType, DatasetName};
use object_store::ObjectStore;

use super::{FileProfile, ProfileBuilder, Tables, lookup::is_identifier, sort::Sorting};
use crate::{LakeError, Result, batch::bytes};

/// Rows of one row group: small enough to prune, large enough to compress.
const ROW_GROUP_ROWS: usize = 128 << 10;
/// Rows of one data page, the unit that the page index skips.
const PAGE_ROWS: usize = 16 << 10;
/// Rows and bytes in memory that a file's writing is decided by, at most; more only when one batch brings them.
const BEGIN_ROWS: usize = 16 << 10;
const BEGIN_BYTES: usize = 8 << 20;
/// Bytes in memory of the rows of one file, about; in the file they are a fifth of that or less.
pub(super) const FILE_BYTES: usize = 1 << 30;
/// What the log says of a file that has as many rows as one file gets, however few bytes they became.
pub(super) const FULL: &str = "penstock.full";
/// The next one makes files 3 % smaller and compresses for twice as long.
const ZSTD_LEVEL: i32 = 2;
/// Share of the values that are not in a row group and that its bloom filter takes for its own.
const BLOOM_ERRORS: f64 = 0.01;
/// Leading columns whose least and greatest values the log keeps.
const INDEXED_COLUMNS: u64 = 32;

/// A data file that is in the store and in no version yet.
#[derive(Debug, Clone)]
pub struct DataFile {
    pub(super) add: Add,
    pub(super) profile: FileProfile,
    pub(super) written_at: DateTime<Utc>,
}

/// Writes rows into data files of a table, in order, one file after the other. What it wrote without a commit is never
/// seen, and removed with other leftovers.
pub struct TableWriter {
    objects: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    file_bytes: usize,
    sorting: Option<Sorting>,
    begin: Begin,
    open: Option<Open>,
    files: Vec<DataFile>,
    rows: u64,
}

/// A file's first rows: by them it is decided how it is written.
#[derive(Default)]
struct Begin {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

struct Open {
    writer: DeltaWriter,
    profile: ProfileBuilder,
    bytes: usize,
}

impl Open {
    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).await?;
        self.bytes += bytes(batch);
        Ok(())
    }
}

impl Tables {
    /// A writer of rows with this schema. No request to the store.
    ///
    /// # Errors
    /// [`LakeError::Internal`] for a name that makes no address.
    pub fn writer(&self, dataset: &DatasetName, schema: SchemaRef) -> Result<TableWriter> {
        let table = self.builder(dataset)?.build()?;
        let objects = table.log_store().object_store(None);
        let (begin, file_bytes) = (Begin::default(), self.file_bytes);
        Ok(TableWriter { objects, schema, file_bytes, sorting: None, begin, open: None, files: Vec::new(), rows: 0 })
    }
}

impl TableWriter {
    /// Writes runs of rows in the order of these columns.
    #[must_use]
    pub fn sorted_by(self, columns: &[String]) -> Self {
        Self { sorting: (!columns.is_empty()).then(|| Sorting::by(columns)), ..self }
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a batch of the writer's schema. Work for a processor, with requests to the store between.
    ///
    /// # Errors
    /// [`LakeError::Store`]; the writer is of no more use then.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.rows += batch.num_rows() as u64;
        if self.sorting.is_none() {
            return self.put(batch).await;
        }
        let mut rest = Some(batch.clone());
        while let (Some(batch), Some(sorting)) = (rest, &mut self.sorting) {
            rest = sorting.add(&batch);
            if sorting.is_full()
                && let Some(run) = sorting.take()?
            {
                self.put(&run).await?;
            }
        }
        Ok(())
    }

    async fn put(&mut self, batch: &RecordBatch) -> Result<()> {
        if let Some(open) = &mut self.open {
            open.profile.add(batch)?;
            open.write(batch).await?;
        } else {
            self.begin.batches.push(batch.clone());
            self.begin.rows += batch.num_rows();
            self.begin.bytes += bytes(batch);
            if self.begin.rows >= BEGIN_ROWS || self.begin.bytes >= BEGIN_BYTES {
                self.begin().await?;
            }
        }
        if self.open.as_ref().is_some_and(|open| open.bytes >= self.file_bytes) {
            let mut full = self.close().await?;
            if let Some(file) = &mut full {
                file.add.tags = Some([(FULL.to_owned(), Some("true".to_owned()))].into());
            }
            self.files.extend(full);
        }
        Ok(())
    }

    /// Begins a file with the rows that wait for it, when there are some.
    async fn begin(&mut self) -> Result<()> {
        let begin = std::mem::take(&mut self.begin);
        if begin.batches.is_empty() {
            return Ok(());
        }
        let begin = concat_batches(&self.schema, &begin.batches)
            .map_err(|e| LakeError::internal(format!("rows are of another schema than their writer: {e}")))?;
        let mut profile = ProfileBuilder::new(&self.schema);
        profile.add(&begin)?;
        let first = self.sorting.as_ref().and_then(Sorting::first);
        let config = config(&self.schema, properties_for(&begin, &profile, first)?);
        let writer = DeltaWriter::new(Arc::clone(&self.objects), config);
        self.open.insert(Open { writer, profile, bytes: 0 }).write(&begin).await
    }

    /// Ends the last file.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn finish(mut self) -> Result<Vec<DataFile>> {
        if let Err(e) = self.rest().await {
            self.abort().await;
            return Err(e);
        }
        let last = self.close().await?;
        self.files.extend(last);
        Ok(self.files)
    }

    /// Writes what waited for more rows.
    async fn rest(&mut self) -> Result<()> {
        if let Some(run) = self.sorting.as_mut().map_or(Ok(None), Sorting::take)? {
            self.put(&run).await?;
        }
        self.begin().await
    }

    /// Gives up: unfinished uploads are ended. Whole files stay behind, and no version names them.
    pub async fn abort(mut self) {
        if let Some(open) = self.open.take()
            && let Err(e) = open.writer.abort().await
        {
            tracing::warn!(error = %e, "an unfinished data file was left behind");
        }
    }

    /// Ends the open file, if there is one.
    async fn close(&mut self) -> Result<Option<DataFile>> {
        let Some(open) = self.open.take() else { return Ok(None) };
        let mut adds = open.writer.close().await?;
        // Without a target size and partitions, the writer makes one file.
        match (adds.pop(), adds.pop()) {
            (Some(add), None) => Ok(Some(DataFile { add, profile: open.profile.finish(), written_at: Utc::now() })),
            _ => Err(LakeError::internal("a data file was written in other than one piece")),
        }
    }
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter")
            .field("rows", &self.rows)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

fn config(schema: &SchemaRef, properties: WriterProperties) -> WriterConfig {
    let indexed = DataSkippingNumIndexedCols::NumColumns(INDEXED_COLUMNS);
    WriterConfig::new(Arc::clone(schema), Vec::new(), Some(properties), None, None, indexed, None)
}

/// How files are written whose values are not known beforehand.
pub(super) fn properties() -> Result<WriterProperties> {
    Ok(builder()?.build())
}

/// How a file is written that begins with this batch and its profile. A dictionary of values that hardly come again costs
/// time and is larger than the values themselves. `sorted` is the column that the rows are in the order of, by run.
fn properties_for(begin: &RecordBatch, profile: &ProfileBuilder, sorted: Option<&str>) -> Result<WriterProperties> {
    let mut builder = builder()?;
    for (column, column_type) in profile.varied() {
        let path = ColumnPath::from(column);
        let whole = matches!(
            column_type,
            ColumnType::Int64 | ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampUtc
        );
        if whole {
            builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        // Beside a column that decides the order, no other one's values lead to their row.
        let in_order = sorted.is_none_or(|sorted| sorted == column);
        if begin.column_by_name(column).is_some_and(|values| is_identifier(values, in_order)) {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_ERRORS)
                // At most; a filter of fewer values is folded until it fits them.
                .set_column_bloom_filter_max_ndv(path.clone(), ROW_GROUP_ROWS as u64);
        }
        builder = builder.set_column_dictionary_enabled(path, false);
    }
    Ok(builder.build())
}

fn builder() -> Result<WriterPropertiesBuilder> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|e| LakeError::internal(e.to_string()))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS))
}
