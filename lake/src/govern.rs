//! Governed sessions: the only place where a query meets a table, and only through what a policy grants.
//!
//! A text passes the guard (sizes, before the parser), the statement's allow-list, planning in a session that holds
//! nothing but the granted datasets it names, and the plan's allow-list. Every table in the plan is a
//! [`GovernedTable`]; every scan in the physical plan a barrier over the policy's filter.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::{
    error::DataFusionError,
    execution::{
        SessionState,
        context::{SessionConfig, SessionContext},
    },
    logical_expr::LogicalPlan,
};
use model::{Action, Cell, DatasetName, Principal};

use crate::{Lake, LakeError, Result, audit::Trace, table::At};

pub(crate) mod exact;
pub(crate) mod functions;
pub(crate) mod guard;

mod barrier;
mod catalog;
mod growth;
mod lookup;
mod message;
mod params;
mod scan;
mod session;
mod shape;
mod statement;
mod table;
mod version;

pub use barrier::BarrierExec;
pub(crate) use lookup::{Found, Reader};
pub use scan::GovernedScanExec;
pub use session::{Datasets, Opened};
pub use table::GovernedTable;
pub(crate) use table::always_answers;

/// A planned, guarded query with all that its cache key needs.
pub struct GovernedPlan {
    /// Analysed and optimised, parameters filled in; equal questions read equal. The policy is inside its table scans.
    pub logical: LogicalPlan,
    /// For physical planning and execution of this plan, and of no other.
    pub(crate) session: SessionContext,
    /// Each dataset read, in order, once for each of its versions: the version and the fingerprint of the access to it.
    pub datasets: Vec<(DatasetName, u64, [u8; 32])>,
    /// Uses `now()`, `random()` or the like: never cached.
    pub volatile: bool,
}

/// What all governed sessions of a lake share: functions, rules, the bucket, caches of file footers.
#[derive(Clone)]
pub struct Sessions {
    base: SessionState,
}

impl Lake {
    /// Guards and plans a SQL text in a fresh session that holds only what `who` may see.
    ///
    /// Planning recurses: call it on a thread with a 64 MiB stack.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] in the same words for a dataset that is absent and one that is hidden,
    /// [`LakeError::InvalidSql`] with place and hint.
    pub(crate) async fn plan(
        &self,
        who: &Principal,
        sql: &str,
        params: &serde_json::Map<String, Cell>,
        trace: &Trace,
    ) -> Result<GovernedPlan> {
        let rooms = self.rooms();
        let granted = Grants { lake: self, who, now: Utc::now(), trace };
        let plan = rooms.sessions.plan(&granted, sql, params, rooms.config.limits.sql_bytes).await?;
        trace.plan(&plan.logical);
        Ok(plan)
    }
}

impl GovernedPlan {
    /// What a task of this plan runs with: its functions, options and the bucket.
    #[must_use]
    pub fn task_context(&self) -> std::sync::Arc<datafusion::execution::TaskContext> {
        self.session.task_ctx()
    }
}

impl Sessions {
    /// Sessions over a lake's bucket.
    pub(crate) fn over(store: &crate::store::Store) -> Result<Self> {
        Self::new(store.objects(), SessionConfig::new())
    }
}

/// The datasets of a lake as one principal sees them now.
struct Grants<'a> {
    lake: &'a Lake,
    who: &'a Principal,
    now: DateTime<Utc>,
    trace: &'a Trace,
}

#[async_trait]
impl Datasets for Grants<'_> {
    async fn open(&self, name: &DatasetName, at: Option<At>) -> Result<Option<Opened>> {
        let rooms = self.lake.rooms();
        self.trace.dataset(name);
        // Asked first: a hidden dataset costs as much time as an absent one.
        if !rooms.policies.may(self.who, name, Action::Read, self.now).await? {
            return Ok(None);
        }
        let Some(newest) = rooms.tables.snapshot(name).await? else { return Ok(None) };
        let Some(access) = rooms.policies.access(self.who, name, &newest.schema, self.now).await? else {
            return Ok(None);
        };
        // Only who sees something of the newest version is told which older ones there are.
        let (snapshot, access) = match at {
            None => (newest, access),
            Some(at) => {
                let then = rooms.tables.at(&newest, at).await?;
                let access = rooms.policies.access_then(self.who, name, &then.schema, &newest.schema, self.now).await?;
                let version = then.version;
                (then, access.ok_or_else(|| unlike(name, version))?)
            }
        };
        self.trace.purposes(&access.note.purposes);
        let table = GovernedTable::try_new(name, snapshot.provider(), &access)
            .map_err(|e| LakeError::internal(format!("policy on {name}: {}", e.strip_backtrace())))?;
        Ok(Some(Opened { table, version: snapshot.version, fingerprint: access.fingerprint }))
    }
}

/// A version whose columns are such that the policy gives nothing of it.
fn unlike(name: &DatasetName, version: u64) -> LakeError {
    LakeError::invalid(format!(
        "version {version} of {name} had other columns, and what you may see of it cannot be told by these; ask its owner"
    ))
}

/// A run-time error of a governed plan as its asker may read it: visible data at most, no internals.
#[must_use]
pub fn execution_error(error: DataFusionError) -> LakeError {
    message::execution(error)
}

impl std::fmt::Debug for GovernedPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GovernedPlan").field("datasets", &self.datasets).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}
