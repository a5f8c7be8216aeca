//! The boundary called as no planner of today calls it: each guard holds by itself, not because another stands before.

use std::{any::Any, sync::Arc};

use arrow::datatypes::DataType;
use chrono::Utc;
use datafusion::{
    catalog::TableProvider,
    common::{ScalarValue, Statistics, stats::Precision},
    config::ConfigOptions,
    datasource::provider_as_source,
    execution::{SessionStateBuilder, context::SessionContext},
    logical_expr::{Expr, LogicalPlanBuilder, TableType, dml::InsertOp, expr_fn::cast},
    physical_expr::{PhysicalSortExpr, expressions},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan, SortOrderPushdownResult, collect,
        filter_pushdown::{FilterPushdownPhase, PushedDown},
        statistics::StatisticsArgs,
    },
    prelude::{col, lit, when},
};
use lake::{
    govern::{BarrierExec, GovernedScanExec, GovernedTable},
    policy::TableAccess,
};

use super::world::*;

/// The partner's 600 rows of 2,000, `amount` masked.
async fn table(source: Source) -> GovernedTable {
    let policy = "[[grant]]\nto = [\"group:partners\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\n\
                  mask = { amount = \"null\" }\n";
    let raw = source.table(30).await;
    let access = policies(policy).await.access(&partner(), &name("ops.t"), &raw.schema(), Utc::now()).await;
    GovernedTable::try_new(&name("ops.t"), raw, &access.unwrap().unwrap()).unwrap()
}

async fn count(plan: Arc<dyn ExecutionPlan>, context: &SessionContext) -> usize {
    collect(plan, context.task_ctx()).await.unwrap().iter().map(arrow::array::RecordBatch::num_rows).sum()
}

fn case_of_a_cast() -> Expr {
    when(cast(col("secret"), DataType::Int32).gt(lit(1_000)), lit(true)).otherwise(lit(false)).unwrap()
}

#[test]
fn a_02_a_scan_takes_neither_limit_nor_condition_that_could_tell_of_hidden_rows() {
    deep(|| async {
        let context = SessionContext::new();
        for source in SOURCES {
            let table = table(source).await;
            for (what, filter, wanted) in [
                ("a cast", cast(col("secret"), DataType::Int32).gt(lit(1_000)), 600),
                ("a cast in a case", case_of_a_cast(), 600),
                ("a division", (lit(1) / (col("id") - lit(499))).gt(lit(1_000)), 600),
                ("a masked column", col("amount").gt(lit(1_000_000_000)), 600),
                ("a condition that cannot fail", col("id").lt(lit(100)), 30),
            ] {
                let plan = table.scan(&context.state(), None, std::slice::from_ref(&filter), None).await.unwrap();
                assert_eq!(count(plan, &context).await, wanted, "{source:?}: {what}");
            }
            // The first rows are taken before it is known which of them are visible.
            let plan = table.scan(&context.state(), None, &[], Some(1)).await.unwrap();
            assert_eq!(count(plan, &context).await, 600, "{source:?}");
        }
    });
}

#[test]
fn s_01_a_governed_table_is_not_written_to() {
    deep(|| async {
        let (table, context) = (table(Source::Memory).await, SessionContext::new());
        assert_eq!(table.table_type(), TableType::View);
        let rows = table.scan(&context.state(), None, &[], None).await.unwrap();
        assert!(table.insert_into(&context.state(), rows, InsertOp::Append).await.is_err());
        assert!(table.statistics().is_none() && table.constraints().is_none());
        assert!(table.get_logical_plan().is_none() && table.get_table_definition().is_none());
    });
}

#[test]
fn a_07_what_does_not_fit_the_table_gives_no_table() {
    deep(|| async {
        let raw = Source::Memory.table(30).await;
        let access = |columns: &[&str], mask: &str, filter| TableAccess {
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            filter,
            masks: [(mask.to_owned(), lit(ScalarValue::Null))].into(),
            note: model::AccessNote::default(),
            rows_in_truth: None,
            fingerprint: [0; 32],
        };
        let open = |access: &TableAccess| GovernedTable::try_new(&name("ops.t"), Arc::clone(&raw), access).is_ok();
        assert!(open(&access(&["id", "secret"], "secret", None)), "control");
        assert!(!open(&access(&["id", "secret"], "secrte", None)), "a mask on no column");
        assert!(!open(&access(&["id", "nothing"], "secret", None)), "a column that is none");
        assert!(!open(&access(&["id"], "secret", Some(col("nothing").eq(lit(1))))), "a filter over no column");
    });
}

/// Takes every barrier away, as a rule of another engine might.
#[derive(Debug)]
struct Opener;

impl PhysicalOptimizerRule for Opener {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let open = (plan.as_ref() as &dyn Any).is::<BarrierExec>();
        Ok(if open { Arc::clone(plan.children()[0]) } else { plan })
    }

    fn name(&self) -> &str {
        "opener"
    }

    fn schema_check(&self) -> bool {
        false
    }
}

#[test]
fn a_05_without_its_barrier_no_scan_runs() {
    deep(|| async {
        let table = table(Source::Parquet).await;
        let state = SessionStateBuilder::new_with_default_features().with_physical_optimizer_rule(Arc::new(Opener));
        let opened = table.scan(&state.build(), None, &[], None).await;
        assert!(opened.is_err_and(|e| e.to_string().contains("barrier")));
    });
}

#[test]
fn a_05_a_plan_with_another_scan_does_not_run() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Parquet, 30).await;
        let mut plan = world.plan(&partner(), "SELECT id FROM ops.t").await.unwrap();
        assert!(plan.physical().await.is_ok(), "control");
        let raw = provider_as_source(Source::Parquet.table(30).await);
        plan.logical = LogicalPlanBuilder::scan("raw", raw, None).unwrap().build().unwrap();
        assert_eq!(plan.physical().await.unwrap_err().code(), "internal");
    });
}

#[test]
fn a_05_the_barrier_lets_nothing_through() {
    deep(|| async {
        let context = SessionContext::new();
        context.register_batch("t", batches(30).remove(0)).unwrap();
        let below = context.sql("SELECT id, secret FROM t ORDER BY id LIMIT 20").await.unwrap();
        let below = below.create_physical_plan().await.unwrap();
        assert!(below.properties().output_ordering().is_some(), "control: there is an order to be kept");
        let column = |at: usize, name: &str| Arc::new(expressions::Column::new(name, at)) as _;
        let expressions = vec![column(0, "id"), column(1, "secret")];
        let barrier = Arc::new(BarrierExec::try_new(Arc::clone(&below), expressions, below.schema()).unwrap());
        closed(barrier.as_ref());
        assert_eq!(barrier.maintains_input_order(), [false]);
        let known = Arc::new(Statistics { num_rows: Precision::Exact(7), ..Statistics::new_unknown(&below.schema()) });
        let known = barrier.statistics_from_inputs(&[known], &StatisticsArgs::new()).unwrap();
        assert_eq!(known.num_rows, Precision::Absent);

        let scan = table(Source::Parquet).await.scan(&context.state(), None, &[], None).await.unwrap();
        assert_eq!(count(Arc::clone(&scan), &context).await, 600);
        assert!((scan.as_ref() as &dyn Any).is::<GovernedScanExec>() && scan.children().is_empty());
        closed(scan.as_ref());
        let known = scan.statistics_from_inputs(&[], &StatisticsArgs::new()).unwrap();
        assert_eq!(known.num_rows, Precision::Absent);
    });
}

/// What a plan could ask of a node in order to get below it.
fn closed(node: &dyn ExecutionPlan) {
    let options = ConfigOptions::default();
    let id: Arc<dyn datafusion::physical_expr::PhysicalExpr> = Arc::new(expressions::Column::new("id", 0));
    assert!(node.properties().output_ordering().is_none(), "{}", node.name());
    assert!(!node.supports_limit_pushdown() && node.with_fetch(Some(1)).is_none() && node.fetch().is_none());
    assert!(node.metrics().is_none() && node.repartitioned(8, &options).unwrap().is_none());
    assert!(node.with_preserve_order(true).is_none() && node.downcast_delegate().is_none());
    let sorted = node.try_pushdown_sort(&[PhysicalSortExpr::new_default(Arc::clone(&id))]).unwrap();
    assert!(matches!(sorted, SortOrderPushdownResult::Unsupported));
    for phase in [FilterPushdownPhase::Pre, FilterPushdownPhase::Post] {
        let taken = node.gather_filters_for_pushdown(phase, vec![Arc::clone(&id)], &options).unwrap();
        let taken = taken.parent_filters();
        assert!(taken.iter().flatten().all(|f| matches!(f.discriminant, PushedDown::No)), "{}", node.name());
    }
}

#[test]
fn a_04_a_policy_that_cannot_be_told_gives_nothing() {
    deep(|| async {
        let none: &[(&str, &[&str])] = &[];
        for (filter, claims) in [
            ("region = claim('region')", none),
            ("region = claim('region')", &[("region", &[])]),
            ("region <> claim('region')", none),
            ("not (region = claim('region'))", &[("region", &[])]),
            ("region = 'a' or region = claim('region')", none),
            ("id < claim('region')", &[("region", &["1", "2"])]),
            ("id = claim('region')", &[("region", &["one"])]),
            ("random() < 2", none),
            ("now() > '2000-01-01'", none),
            ("amount", none),
            ("nothing = 1", none),
            ("id in (select 1)", none),
        ] {
            let world = World::new(&by_rows(filter), Source::Memory, 30).await;
            let who = person("partner", &["partners"], claims);
            let e = world.run(&who, "SELECT count(*) FROM ops.t").await.unwrap_err();
            assert_eq!(e.to_string(), "no such dataset: ops.t", "{filter}");
            let all = world.run(&analyst(), "SELECT count(*) FROM ops.t").await.unwrap();
            assert_eq!(rows(&all), ["2000"], "control: the other grant goes on");
        }
    });
}
