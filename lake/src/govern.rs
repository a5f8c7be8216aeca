//! Governed sessions: the only place where a query meets a table, and only through what a policy grants.

use model::{DatasetName, Principal};

use crate::{Lake, LakeError, Result};

/// A planned, guarded query with all that its cache key needs.
#[derive(Debug)]
pub struct GovernedPlan {
    /// Analysed and simplified; policy is inside its table scans.
    pub logical: datafusion::logical_expr::LogicalPlan,
    /// For physical planning and execution of this plan, and of no other.
    pub(crate) session: datafusion::execution::context::SessionContext,
    /// Each dataset read: its version and the fingerprint of the access to it.
    pub datasets: Vec<(DatasetName, u64, [u8; 32])>,
    /// Uses `now()`, `random()` or the like: never cached.
    pub volatile: bool,
}

impl Lake {
    /// Guards and plans a SQL text in a fresh session that holds only what `who` may see.
    pub(crate) async fn plan(
        &self,
        _who: &Principal,
        _sql: &str,
        _params: &serde_json::Map<String, model::Cell>,
    ) -> Result<GovernedPlan> {
        Err(LakeError::internal("not built"))
    }
}

/// A run-time error of a governed plan as its asker may read it: visible data at most, no internals.
#[must_use]
pub(crate) fn execution_error(error: datafusion::error::DataFusionError) -> LakeError {
    LakeError::internal(error.to_string())
}
