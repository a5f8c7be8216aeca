//! A governed scan as the rest of a plan sees it: a leaf that shows nothing of what is below.
//!
//! No optimizer rule, no plan display and no metric reaches the barrier, the policy's filter or the files.
//! Errors from below are logged and leave as one of three, without their text: it may hold hidden values.

use std::{any::Any, fmt, sync::Arc};

use datafusion::{
    common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion},
    config::ConfigOptions,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{PhysicalExpr, PhysicalSortExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SortOrderPushdownResult, Statistics,
        execution_plan::{CardinalityEffect, reset_plan_states},
        filter_pushdown::{
            ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
        },
        metrics::MetricsSet,
        projection::ProjectionExec,
        statistics::{ChildStats, StatisticsArgs},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::StreamExt;

use super::{barrier::BarrierExec, message::root};
use crate::LakeError;

type Plan = Arc<dyn ExecutionPlan>;

/// An optimised [`BarrierExec`] with all that is below it, as a leaf.
pub struct GovernedScanExec {
    /// For the log.
    dataset: Arc<str>,
    below: Plan,
}

impl GovernedScanExec {
    /// # Errors
    /// When the root of `below` is not a barrier: then an optimizer rule took it away, and nothing may run.
    pub(crate) fn try_new(dataset: Arc<str>, below: Plan) -> Result<Self> {
        if (below.as_ref() as &dyn Any).is::<BarrierExec>() {
            return Ok(Self { dataset, below });
        }
        internal_err!("the barrier over {dataset} is gone")
    }

    /// The barrier and what is below it, for tests of what stands where. Holds raw scans.
    #[doc(hidden)]
    #[must_use]
    pub fn below(&self) -> &Plan {
        &self.below
    }
}

impl fmt::Debug for GovernedScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GovernedScanExec")
    }
}

impl DisplayAs for GovernedScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GovernedScan")
    }
}

impl ExecutionPlan for GovernedScanExec {
    fn name(&self) -> &str {
        "GovernedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.below.properties()
    }

    fn children(&self) -> Vec<&Plan> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Plan>) -> Result<Plan> {
        if children.is_empty() { Ok(self) } else { internal_err!("a governed scan is a leaf") }
    }

    fn reset_state(self: Arc<Self>) -> Result<Plan> {
        let below = reset_plan_states(Arc::clone(&self.below))?;
        Ok(Arc::new(Self { dataset: Arc::clone(&self.dataset), below }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let dataset = Arc::clone(&self.dataset);
        let stream = self.below.execute(partition, context).map_err(|e| ScanFault::of(&dataset, e))?;
        let schema = stream.schema();
        let stream = stream.map(move |batch| batch.map_err(|e| ScanFault::of(&dataset, e)));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }

    fn downcast_delegate(&self) -> Option<&dyn ExecutionPlan> {
        None
    }

    fn repartitioned(&self, _: usize, _: &ConfigOptions) -> Result<Option<Plan>> {
        Ok(None)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        None
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![]
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }

    fn supports_limit_pushdown(&self) -> bool {
        false
    }

    fn with_fetch(&self, _: Option<usize>) -> Option<Plan> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Unknown
    }

    fn try_swapping_with_projection(&self, _: &ProjectionExec) -> Result<Option<Plan>> {
        Ok(None)
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parents: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        Ok(FilterDescription::all_unsupported(&parents, &self.children()))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Plan>> {
        let none = vec![PushedDown::No; result.parent_filters.len()];
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(none))
    }

    fn with_new_state(&self, _: Arc<dyn Any + Send + Sync>) -> Option<Plan> {
        None
    }

    fn try_pushdown_sort(&self, _: &[PhysicalSortExpr]) -> Result<SortOrderPushdownResult<Plan>> {
        Ok(SortOrderPushdownResult::Unsupported)
    }

    fn with_preserve_order(&self, _: bool) -> Option<Plan> {
        None
    }
}

/// What may be said of an error below a governed scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScanFault {
    #[error("the store failed under a governed scan")]
    Store,
    #[error("a governed scan met its memory limit")]
    Memory,
    #[error("a governed scan failed")]
    Other,
}

impl ScanFault {
    /// Logs the error and keeps its kind alone.
    fn of(dataset: &str, error: DataFusionError) -> DataFusionError {
        let fault = match root(&error) {
            DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
            | DataFusionError::ParquetError(_)
            | DataFusionError::External(_)
            | DataFusionError::ArrowError(..)
                if is_store(&error) =>
            {
                Self::Store
            }
            DataFusionError::ResourcesExhausted(_) => Self::Memory,
            _ => Self::Other,
        };
        tracing::error!(dataset, error = %error.strip_backtrace(), "{fault}");
        DataFusionError::External(Box::new(fault))
    }

    /// The fault that an error carries, if it came from below a governed scan.
    pub(crate) fn within(error: &DataFusionError) -> Option<Self> {
        match root(error) {
            DataFusionError::External(e) => e.downcast_ref::<Self>().copied(),
            _ => None,
        }
    }

    pub(crate) fn outside(self) -> LakeError {
        match self {
            Self::Store => LakeError::Store { source: Box::new(self) },
            Self::Memory => LakeError::Limit {
                message: "the query needs more memory than it may use; narrow it with WHERE or group less finely"
                    .into(),
            },
            Self::Other => LakeError::Internal { detail: self.to_string(), source: Some(Box::new(self)) },
        }
    }
}

/// Whether reading, rather than the policy's own expressions, is at fault.
fn is_store(error: &DataFusionError) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(root(error));
    while let Some(e) = source {
        let reading =
            e.is::<object_store::Error>() || e.is::<std::io::Error>() || e.is::<parquet::errors::ParquetError>();
        if reading {
            return true;
        }
        source = e.source();
    }
    matches!(
        root(error),
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_)
    )
}
