//! The barrier: evaluates the masks over rows that the policy's filter let pass, and lets nothing of the query through.
//!
//! Below it stand the policy's `FilterExec` and the raw scan. A projection in its place would be swapped below that
//! filter by the optimizer, and the masks would see hidden rows; a node that passed filters, sorts, limits or
//! statistics on would let the query count, order or trip over hidden rows.

use std::{any::Any, fmt, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    compute::cast,
    datatypes::SchemaRef,
};
use datafusion::{
    common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion},
    config::ConfigOptions,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, PhysicalSortExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SortOrderPushdownResult, Statistics,
        execution_plan::CardinalityEffect,
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

type Plan = Arc<dyn ExecutionPlan>;

/// One expression a visible column, evaluated over the rows of `input`.
#[derive(Debug, Clone)]
pub struct BarrierExec {
    input: Plan,
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl BarrierExec {
    /// # Errors
    /// When there is not one expression a field.
    pub fn try_new(input: Plan, expressions: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef) -> Result<Self> {
        if expressions.len() != schema.fields().len() {
            return internal_err!("a barrier needs one expression a column");
        }
        let below = input.properties();
        let properties = PlanProperties::new(
            // Fresh: no order, constant or constraint of the raw rows.
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(below.partitioning.partition_count()),
            below.emission_type,
            below.boundedness,
        )
        .with_evaluation_type(below.evaluation_type)
        .with_scheduling_type(below.scheduling_type);
        Ok(Self { input, expressions, schema, properties: Arc::new(properties) })
    }
}

impl DisplayAs for BarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BarrierExec")
    }
}

/// All methods that could open the barrier are pinned, also where today's default is closed: an upgrade may change it.
/// `benefits_from_input_partitioning` keeps its default (true), or a file would never be split between cores.
impl ExecutionPlan for BarrierExec {
    fn name(&self) -> &str {
        "BarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Plan> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for e in &self.expressions {
            if f(e)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Plan>) -> Result<Plan> {
        match (children.pop(), children.is_empty()) {
            (Some(child), true) => {
                Ok(Arc::new(Self::try_new(child, self.expressions.clone(), Arc::clone(&self.schema))?))
            }
            _ => internal_err!("a barrier has one child"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (schema, expressions) = (Arc::clone(&self.schema), self.expressions.clone());
        let masked = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let rows = batch.num_rows();
            let columns = expressions.iter().zip(schema.fields()).map(|(e, field)| {
                let column = e.evaluate(&batch)?.into_array(rows)?;
                let same = column.data_type() == field.data_type();
                Ok(if same { column } else { cast(&column, field.data_type())? })
            });
            // COUNT(*) reads no column, so that the rows must be counted apart.
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options).map_err(DataFusionError::from)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), masked)))
    }

    fn downcast_delegate(&self) -> Option<&dyn ExecutionPlan> {
        None
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        // True would move a sort below by the column's index, onto the raw column.
        vec![false]
    }

    fn repartitioned(&self, _: usize, _: &ConfigOptions) -> Result<Option<Plan>> {
        Ok(None)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        None
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::Skip]
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema)))
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
