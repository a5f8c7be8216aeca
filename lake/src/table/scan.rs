//! The scan of one table version: a plain Parquet source over the snapshot's own file list.
//!
//! Files are pruned at planning by the log's statistics, so a file without a match is never opened.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray},
    datatypes::{DataType, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{
        Column, DFSchema, DataFusionError, Result, ScalarValue, Statistics, pruning::PruningStatistics,
        stats::Precision,
    },
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType, utils::conjunction},
    physical_optimizer::pruning::PruningPredicateBuilder,
    physical_plan::ExecutionPlan,
};
use deltalake::kernel::LogDataHandler;

use super::Snapshot;
use crate::store::STORE_URL;

/// A version's files as a table. Gives raw rows: never register it for anyone but `govern`.
#[derive(Debug)]
pub(super) struct TableFiles {
    snapshot: Arc<Snapshot>,
}

impl TableFiles {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }

    /// Files that may hold a matching row.
    fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let log = self.snapshot.state().map_err(|e| DataFusionError::External(e.into()))?.log_data();
        let keep = match conjunction(filters.iter().cloned()) {
            Some(filter) => {
                let schema = DFSchema::try_from(Arc::clone(&self.snapshot.schema))?;
                let predicate = state.create_physical_expr(filter, &schema)?;
                PruningPredicateBuilder::new()
                    .with_file_schema(Arc::clone(&self.snapshot.schema))
                    .try_build(predicate)?
                    .prune(&LogStatistics { log: &log, schema: &self.snapshot.schema })?
            }
            None => vec![true; log.num_files()],
        };
        let mut files = Vec::new();
        for (file, keep) in log.iter().zip(keep) {
            if file.deletion_vector_descriptor().is_some() {
                // Ours never have any; a table that another engine rewrote so must not show deleted rows.
                return Err(DataFusionError::NotImplemented("tables with deletion vectors".into()));
            }
            if keep {
                let size = u64::try_from(file.size()).unwrap_or_default();
                let mut statistics = Statistics::new_unknown(&self.snapshot.schema);
                statistics.num_rows = file.num_records().map_or(Precision::Absent, Precision::Exact);
                let location = self.snapshot.location(&file.object_store_path());
                files.push(PartitionedFile::new(location, size).with_statistics(Arc::new(statistics)));
            }
        }
        Ok(files)
    }
}

#[async_trait]
impl TableProvider for TableFiles {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.snapshot.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // They prune files; every row is still checked above.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        state.runtime_env().register_object_store(url.as_ref(), self.snapshot.objects());
        let files = self.files(state, filters)?;
        let mut statistics = Statistics::new_unknown(&self.snapshot.schema);
        statistics.num_rows =
            files.iter().filter_map(|f| f.statistics.as_ref()).fold(Precision::Exact(0), |sum, f| sum.add(&f.num_rows));
        let mut groups = FileGroup::new(files).split_files(state.config().target_partitions());
        if groups.is_empty() {
            // Of no partitions nothing can be sorted or joined: no file is one partition without rows.
            groups.push(FileGroup::default());
        }
        let source = ParquetSource::new(TableSchema::from(Arc::clone(&self.snapshot.schema)));
        let scan = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

/// The log's statistics, without those that are cut: Delta keeps timestamps to the millisecond only, so a maximum may
/// lie below the true one.
struct LogStatistics<'a> {
    log: &'a LogDataHandler<'a>,
    schema: &'a SchemaRef,
}

impl LogStatistics<'_> {
    fn is_exact(&self, column: &Column) -> bool {
        self.schema.field_with_name(&column.name).is_ok_and(|f| !matches!(f.data_type(), DataType::Timestamp(..)))
    }
}

impl PruningStatistics for LogStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.is_exact(column).then(|| self.log.min_values(column))?
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.is_exact(column).then(|| self.log.max_values(column))?
    }

    fn num_containers(&self) -> usize {
        self.log.num_containers()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.log.null_counts(column)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.log.row_counts()
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
