//! What a policy looks up in another dataset: the distinct values of one column, read whole; and how many rows a
//! condition leaves, for who may give them.
//!
//! The policy's author is a steward, so no policy is over this read; nobody else is shown the values themselves.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use datafusion::{catalog::TableProvider as _, common::ScalarValue, logical_expr::Expr, physical_plan::execute_stream};
use futures::StreamExt as _;
use model::DatasetName;
use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::task::AbortOnDropHandle;

use super::{GovernedTable, Sessions, message};
use crate::{
    LakeError, Result,
    policy::TableAccess,
    table::{Snapshot, Tables},
};

/// Values of one look-up.
const MOST: usize = 10_000;
/// Bytes of them.
const BYTES: usize = 4 << 20;
/// How long one may take; whoever asks for the dataset waits for it.
const TIME: Duration = Duration::from_secs(5);
/// Counts at one time.
const COUNTS: usize = 1;

/// Reads what policies look up.
pub(crate) struct Reader {
    tables: Arc<Tables>,
    sessions: Sessions,
    /// Threads with big stacks.
    desk: Handle,
    /// Whoever counts holds it until the work has truly ended.
    counting: Arc<Semaphore>,
}

/// What a look-up gives. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// In one order, without null.
    Values(Arc<[ScalarValue]>),
    TooMany,
}

impl Reader {
    pub fn new(tables: Arc<Tables>, sessions: Sessions, desk: Handle) -> Self {
        Self { tables, sessions, desk, counting: Arc::new(Semaphore::new(COUNTS)) }
    }

    /// The dataset's newest version.
    pub async fn newest(&self, dataset: &DatasetName) -> Result<Option<Arc<Snapshot>>> {
        self.tables.snapshot(dataset).await
    }

    /// The distinct values of a column in the rows that `filter` lets pass.
    ///
    /// # Errors
    /// [`LakeError::Store`] when files cannot be read, [`LakeError::Limit`] when it takes too long.
    pub async fn distinct(&self, snapshot: &Arc<Snapshot>, column: &str, filter: Option<Expr>) -> Result<Found> {
        let table = one_column(snapshot, column, filter)?;
        let work = AbortOnDropHandle::new(self.desk.spawn(distinct(table, self.sessions.clone())));
        let too_long = |_| LakeError::Limit { message: "a look-up took too long".to_owned() };
        tokio::time::timeout(TIME, work)
            .await
            .map_err(too_long)?
            .map_err(|e| LakeError::internal(format!("a look-up ended: {e}")))?
    }
}

impl Reader {
    /// The number of rows that `filter` lets pass.
    ///
    /// # Errors
    /// As [`Reader::distinct`]; [`LakeError::Invalid`] when the filter fails for a row, without a word of that row.
    pub async fn count(&self, snapshot: &Arc<Snapshot>, filter: Expr) -> Result<u64> {
        let Some(column) = snapshot.schema.fields().first() else { return Ok(0) };
        let table = one_column(snapshot, column.name(), Some(filter))?;
        let turn = Arc::clone(&self.counting).acquire_owned();
        let (desk, sessions) = (self.desk.clone(), self.sessions.clone());
        let work = async {
            let turn = turn.await;
            let work = async move {
                let _turn = turn;
                count(table, sessions).await
            };
            AbortOnDropHandle::new(desk.spawn(work)).await
        };
        let too_long = |_| LakeError::Limit { message: "counting the rows took too long".to_owned() };
        let counted = tokio::time::timeout(TIME, work)
            .await
            .map_err(too_long)?
            .map_err(|e| LakeError::internal(format!("a count ended: {e}")))?;
        counted.map_err(|e| match e {
            e @ LakeError::Store { .. } => e,
            e => {
                tracing::info!(error = ?e, "a condition cannot be computed");
                LakeError::invalid("the condition on rows cannot be computed for every row")
            }
        })
    }
}

fn one_column(snapshot: &Arc<Snapshot>, column: &str, filter: Option<Expr>) -> Result<GovernedTable> {
    let access = TableAccess {
        columns: vec![column.to_owned()],
        filter,
        masks: BTreeMap::new(),
        note: model::AccessNote::default(),
        rows_in_truth: None,
        fingerprint: [0; 32],
    };
    GovernedTable::try_new(&snapshot.dataset, snapshot.provider(), &access).map_err(message::execution)
}

async fn count(table: GovernedTable, sessions: Sessions) -> Result<u64> {
    let state = &sessions.base;
    let plan = table.scan(state, None, &[], None).await.map_err(message::execution)?;
    let mut rows = execute_stream(plan, state.task_ctx()).map_err(message::execution)?;
    let mut counted = 0;
    while let Some(batch) = rows.next().await {
        counted += batch.map_err(message::execution)?.num_rows() as u64;
    }
    Ok(counted)
}

async fn distinct(table: GovernedTable, sessions: Sessions) -> Result<Found> {
    let state = &sessions.base;
    let plan = table.scan(state, None, &[], None).await.map_err(message::execution)?;
    let mut rows = execute_stream(plan, state.task_ctx()).map_err(message::execution)?;
    let (mut found, mut bytes) = (HashSet::new(), 0);
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(message::execution)?;
        let column = batch.column(0);
        for row in 0..batch.num_rows() {
            if column.is_null(row) {
                continue;
            }
            let value = ScalarValue::try_from_array(column, row).map_err(message::execution)?;
            let size = value.size();
            if found.insert(value) {
                bytes += size;
                if found.len() > MOST || bytes > BYTES {
                    return Ok(Found::TooMany);
                }
            }
        }
    }
    let mut values: Vec<ScalarValue> = found.into_iter().collect();
    values.sort_by_cached_key(|v| format!("{v:?}"));
    Ok(Found::Values(values.into()))
}
