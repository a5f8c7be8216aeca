//! Ending a query for real. Dropping the stream of some joins, or aborting their task, does not: they compute for
//! minutes within one poll. So these yield after every batch, and a join's filter asks a flag; such a join also computes
//! [aside](super::aside).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow::datatypes::{DataType, Field};
use datafusion::{
    common::tree_node::{Transformed, TransformedResult, TreeNode},
    error::{DataFusionError, Result},
    logical_expr::{ColumnarValue, Operator, Volatility, create_udf},
    physical_expr::{PhysicalExpr, ScalarFunctionExpr, expressions::BinaryExpr},
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec, utils::JoinFilter},
        unnest::UnnestExec,
    },
    scalar::ScalarValue,
};
use tokio_util::sync::CancellationToken;

use super::aside::AsideExec;

/// Ends one query: work that awaits sees the token, work that computes sees the flag.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Stop {
    pub(super) fn now(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.token.cancel();
    }

    pub(super) async fn asked(&self) {
        self.token.cancelled().await;
    }

    fn guard(&self) -> Arc<dyn PhysicalExpr> {
        let flag = Arc::clone(&self.flag);
        let check = move |_: &[ColumnarValue]| {
            if flag.load(Ordering::Relaxed) {
                return Err(DataFusionError::Execution("the query was stopped".into()));
            }
            Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
        };
        let name = "not_stopped";
        let function = create_udf(name, vec![], DataType::Boolean, Volatility::Volatile, Arc::new(check));
        let field = Arc::new(Field::new(name, DataType::Boolean, false));
        Arc::new(ScalarFunctionExpr::new(name, Arc::new(function), vec![], field, Arc::default()))
    }
}

/// The same plan, ended by `stop` within a batch.
pub(super) fn stoppable(plan: Arc<dyn ExecutionPlan>, stop: &Stop) -> Result<Arc<dyn ExecutionPlan>> {
    let guarded = |filter: &JoinFilter| {
        let expression = BinaryExpr::new(stop.guard(), Operator::And, Arc::clone(filter.expression()));
        JoinFilter::new(Arc::new(expression), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
    };
    plan.transform_up(|node| {
        let node: Arc<dyn ExecutionPlan> = if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            // Without a filter there is nothing to guard: it gives a batch a step.
            match join.filter() {
                Some(filter) => Arc::new(AsideExec::new(Arc::new(NestedLoopJoinExec::try_new(
                    Arc::clone(join.left()),
                    Arc::clone(join.right()),
                    Some(guarded(filter)),
                    join.join_type(),
                    join.projection().as_ref().map(|p| p.to_vec()),
                )?))),
                None => node,
            }
        } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            match join.filter() {
                Some(filter) => {
                    Arc::new(AsideExec::new(join.builder().with_filter(Some(guarded(filter))).build_exec()?))
                }
                None => node,
            }
        } else if node.is::<CrossJoinExec>() || node.is::<SortMergeJoinExec>() || node.is::<UnnestExec>() {
            node
        } else {
            return Ok(Transformed::no(node));
        };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _))
    })
    .data()
}
