//! Running queries: keys, limits, cancellation, progress.

use model::{DatasetName, Page, Principal, QueryRequest, QueryStatus, RecentQuery, RowsRequest};

use crate::{Lake, LakeError, Limits, Result};

/// What runs queries: the CPU runtime, admission, what is in flight.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    pub fn new(_limits: &Limits) -> Result<Self> {
        Ok(Self {})
    }
}

impl Lake {
    /// Runs a query, or finds its stored answer. Returns when it is done or after `wait_ms`, whichever is first.
    pub async fn query(&self, _who: &Principal, _request: QueryRequest) -> Result<QueryStatus> {
        Err(LakeError::internal("not built"))
    }

    /// How a query of this principal stands. A failed query's error is returned as the error.
    pub async fn query_status(&self, _who: &Principal, _id: &str) -> Result<QueryStatus> {
        Err(LakeError::internal("not built"))
    }

    /// Stops a running query for real; done already is fine.
    pub async fn cancel_query(&self, _who: &Principal, _id: &str) -> Result<()> {
        Err(LakeError::internal("not built"))
    }

    /// Rows of one dataset without SQL, through the same governed path.
    pub async fn rows(
        &self,
        _who: &Principal,
        _dataset: &DatasetName,
        _request: RowsRequest,
    ) -> Result<(QueryStatus, Page)> {
        Err(LakeError::internal("not built"))
    }

    /// The principal's own latest queries, newest first.
    pub async fn recent_queries(&self, _who: &Principal, _limit: usize) -> Result<Vec<RecentQuery>> {
        Err(LakeError::internal("not built"))
    }
}
