//! One governed session: which functions, rules and datasets there are, and a query planned in it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    execution::{
        SessionState, SessionStateBuilder, SessionStateDefaults,
        context::{SQLOptions, SessionConfig, SessionContext},
        object_store::ObjectStoreUrl,
        runtime_env::RuntimeEnv,
    },
    logical_expr::{Expr, LogicalPlan, ScalarUDF, Volatility, registry::FunctionRegistry},
    physical_optimizer::optimizer::PhysicalOptimizer,
    physical_plan::ExecutionPlan,
};
use model::{Cell, DatasetName};

use super::{
    GovernedPlan, GovernedTable, Sessions,
    catalog::{CATALOG, Granted, Tables},
    exact::ExactCasts,
    functions, guard, message, params, shape, statement, version,
};
use crate::{LakeError, Result, store::STORE_URL, table::At};

/// What a session may find: the datasets behind names, as one principal sees them.
#[async_trait]
pub trait Datasets: Send + Sync {
    /// The dataset, or `None` when it is absent or hidden: its newest version, or the one that is meant.
    ///
    /// # Errors
    /// [`LakeError::Invalid`] when a dataset that may be read has no such version.
    async fn open(&self, name: &DatasetName, at: Option<At>) -> Result<Option<Opened>>;
}

/// A dataset that a query may read.
#[derive(Debug)]
pub struct Opened {
    pub table: GovernedTable,
    pub version: u64,
    /// Of the access that is in the table.
    pub fingerprint: [u8; 32],
}

impl Sessions {
    /// Sessions that find the bucket's objects under [`STORE_URL`].
    ///
    /// # Errors
    /// [`LakeError::Internal`] when that address is no address.
    pub fn new(objects: Arc<dyn object_store::ObjectStore>, config: SessionConfig) -> Result<Self> {
        let runtime = Arc::new(RuntimeEnv::default());
        let url = ObjectStoreUrl::parse(STORE_URL).map_err(message::execution)?;
        runtime.register_object_store(url.as_ref(), objects);
        let config = config
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(CATALOG, NO_UNIT)
            .with_information_schema(false)
            .set_bool("datafusion.sql_parser.collect_spans", true)
            // It makes room for as many rows as the LIMIT says before it sees one.
            .set_bool("datafusion.optimizer.enable_topk_aggregation", false);
        // Statistics answer aggregates wrongly when these have a FILTER (55.2), and must not answer at all for rows
        // that a policy hides.
        let mut physical = PhysicalOptimizer::new().rules;
        physical.retain(|r| r.name() != "aggregate_statistics");
        let base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_catalog_list(Arc::new(Granted::new(BTreeMap::new())))
            .with_expr_planners(SessionStateDefaults::default_expr_planners())
            .with_scalar_functions(functions::scalar())
            .with_aggregate_functions(functions::aggregate())
            .with_window_functions(functions::window())
            .with_analyzer_rule(Arc::new(ExactCasts))
            .with_physical_optimizer_rules(physical)
            .build();
        Ok(Self { base })
    }

    /// Puts a function in the place of an allowed one of the same name; lets a test watch what is evaluated.
    ///
    /// # Errors
    /// When there is no such function.
    #[doc(hidden)]
    pub fn replace_function(&mut self, function: ScalarUDF) -> Result<()> {
        if !functions::is_allowed(function.name()) {
            return Err(LakeError::internal(format!("{} is not an allowed function", function.name())));
        }
        self.base.register_udf(Arc::new(function)).map_err(message::execution)?;
        Ok(())
    }

    /// Guards and plans one query over what `datasets` gives.
    ///
    /// # Errors
    /// [`LakeError::InvalidSql`], [`LakeError::NotFound`] for a dataset that `datasets` does not give,
    /// [`LakeError::Invalid`] for parameters, or what `datasets` fails with.
    pub async fn plan(
        &self,
        datasets: &dyn Datasets,
        sql: &str,
        params: &serde_json::Map<String, Cell>,
        sql_bytes: usize,
    ) -> Result<GovernedPlan> {
        guard::check(sql, &guard::Bounds { bytes: sql_bytes, ..guard::Bounds::QUERY })?;
        let (mut statement, clauses) = statement::parse(sql)?;
        let params = params::values(params)?;
        let planning = |e| message::planning(e, sql);
        let mut tables = Tables::new();
        let mut read = Vec::new();
        let mut versions = BTreeMap::new();
        // As the text says them, before versions get names of their own: so that no text can say these.
        for reference in self.base.resolve_table_references(&statement).map_err(planning)? {
            version::referred(&reference)?;
        }
        for (name, clause) in version::datasets(&statement, &clauses)? {
            let opened = datasets.open(&name, Some(clause.at)).await.map_err(|e| version::placed(e, &clause))?;
            let Opened { table, version, fingerprint } = opened.ok_or_else(|| LakeError::no_dataset(&name))?;
            versions.insert(clause.span, version);
            read.push((name.clone(), version, fingerprint));
            let spelled = version::spelled(name.name(), version);
            tables.insert((name.unit().clone(), spelled), Arc::new(table));
        }
        version::name(&mut statement, &versions);
        for reference in self.base.resolve_table_references(&statement).map_err(planning)? {
            // What is no name by now is a version, and open.
            let Ok(name) = version::referred(&reference) else { continue };
            let absent = || LakeError::no_dataset(statement::written(&reference));
            let Opened { table, version, fingerprint } = datasets.open(&name, None).await?.ok_or_else(absent)?;
            read.push((name.clone(), version, fingerprint));
            tables.insert((name.unit().clone(), name.name().to_owned()), Arc::new(table));
        }
        read.sort();
        read.dedup();
        let mut state = self.base.clone();
        state.register_catalog_list(Arc::new(Granted::new(tables)));
        state.mark_start_execution();
        let raw = state.statement_to_plan(statement).await.map_err(planning)?;
        let raw = raw.with_param_values(params).map_err(planning)?;
        let none = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        none.verify_plan(&raw).map_err(planning)?;
        shape::check(&raw)?;
        let volatile = is_volatile(&raw).map_err(planning)?;
        let logical = state.optimize(&raw).map_err(planning)?;
        #[expect(clippy::disallowed_methods, reason = "the one session that a policy made")]
        let session = SessionContext::new_with_state(state);
        Ok(GovernedPlan { logical, session, datasets: read, volatile })
    }
}

/// The unit of a name without one; no dataset can be in it.
const NO_UNIT: &str = "-";

impl GovernedPlan {
    /// The physical plan: every table in it is a governed scan, or there is none.
    ///
    /// # Errors
    /// [`LakeError::InvalidSql`] for what cannot be run, [`LakeError::Store`] when files cannot be listed.
    pub async fn physical(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let state: SessionState = self.session.state();
        // Planned as it is: optimising a second time could give another plan than the one that is keyed.
        let plan = state.query_planner().create_physical_plan(&self.logical, &state).await;
        let plan = plan.map_err(|e| message::planning(e, ""))?;
        shape::check_physical(&plan)?;
        Ok(plan)
    }
}

/// Whether the same text may answer otherwise at another time. Looked for before optimising, which folds `now()`.
fn is_volatile(plan: &LogicalPlan) -> datafusion::error::Result<bool> {
    let mut volatile = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|e| {
            e.apply(|e| {
                if let Expr::ScalarFunction(f) = e {
                    volatile |= f.func.signature().volatility != Volatility::Immutable;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(volatile)
}
