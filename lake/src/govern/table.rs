//! A dataset as one principal sees it: the raw table, the policy's filter, then the barrier with the masks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{Column, DFSchema, Result},
    config::ConfigOptions,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Operator, TableProviderFilterPushDown as Push, TableType,
        simplify::SimplifyContext,
        utils::{conjunction, split_conjunction_owned},
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_plan::{ExecutionPlan, filter::FilterExec},
};
use model::DatasetName;

use super::{barrier::BarrierExec, exact, scan::GovernedScanExec};
use crate::policy::TableAccess;

/// The only form in which a session holds a table.
pub struct GovernedTable {
    name: Arc<str>,
    raw: Arc<dyn TableProvider>,
    /// Over the raw table, coerced and simplified.
    filter: Option<Expr>,
    /// Whether the filter cannot fail on any row. If it can, a condition of the query below the barrier would decide
    /// which hidden rows it meets, and a failure would tell of them.
    sure: bool,
    /// Column → its masked value over the raw table.
    masks: BTreeMap<String, Expr>,
    /// Visible columns as they show.
    schema: SchemaRef,
}

impl GovernedTable {
    /// Puts `access` over a raw table.
    ///
    /// # Errors
    /// When filter, mask or column list do not fit the table: nothing is visible then.
    pub fn try_new(name: &DatasetName, raw: Arc<dyn TableProvider>, access: &TableAccess) -> Result<Self> {
        let raw_schema = raw.schema();
        let over = Over::new(&raw_schema, &ConfigOptions::default())?;
        let masks = access.masks.iter().map(|(column, mask)| {
            // A mask on an unknown column is an error, never a mask that is left out.
            raw_schema.index_of(column)?;
            Ok((column.clone(), over.simplify(mask)?))
        });
        let masks = masks.collect::<Result<BTreeMap<String, Expr>>>()?;
        let fields = access.columns.iter().map(|column| {
            let field = raw_schema.field_with_name(column)?;
            let label = field.metadata().get(LABEL).map(|l| (LABEL.to_owned(), l.clone()));
            let shown = match masks.get(column) {
                Some(mask) => Field::new(column, mask.get_type(&over.schema)?, true),
                None => Field::new(column, field.data_type().clone(), field.is_nullable()),
            };
            let masked = access.note.masks.iter().find(|(name, _)| name == column);
            let masked = masked.map(|(_, how)| (MASKED.to_owned(), how.clone()));
            Ok(shown.with_metadata(label.into_iter().chain(masked).collect()))
        });
        let schema = Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?));
        let filter = access.filter.as_ref().map(|f| over.simplify(f)).transpose()?;
        let sure = filter.as_ref().is_none_or(|f| cannot_fail(f, &over.schema));
        Ok(Self { name: name.to_string().into(), raw, filter, sure, masks, schema })
    }

    /// Whether a predicate of the query may go below the barrier.
    fn takes(&self, e: &Expr) -> bool {
        self.sure && self.leakproof(e)
    }

    /// Whether a predicate of the query can be evaluated on hidden rows without any trace: an unmasked, visible column
    /// against literals of its own type, without cast or function, so that it cannot fail.
    fn leakproof(&self, e: &Expr) -> bool {
        let column = |e: &Expr| match e {
            Expr::Column(c) if !self.masks.contains_key(&c.name) => {
                self.schema.field_with_name(&c.name).ok().map(|f| f.data_type().clone())
            }
            _ => None,
        };
        let literal = |e: &Expr, t: &DataType| matches!(e, Expr::Literal(v, _) if v.data_type() == *t);
        match e {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
                self.leakproof(left) && self.leakproof(right)
            }
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq,
                right,
            }) => column(left).is_some_and(|t| literal(right, &t)) || column(right).is_some_and(|t| literal(left, &t)),
            Expr::Not(e) => self.leakproof(e),
            Expr::IsNull(e) | Expr::IsNotNull(e) => column(e).is_some(),
            Expr::InList(l) => column(&l.expr).is_some_and(|t| l.list.iter().all(|e| literal(e, &t))),
            Expr::Between(b) => column(&b.expr).is_some_and(|t| literal(&b.low, &t) && literal(&b.high, &t)),
            _ => false,
        }
    }
}

/// Whether a condition over a table has an answer for every row, found by little work: comparisons and a few functions.
pub(crate) fn always_answers(condition: &Expr, schema: &Schema) -> bool {
    let simple = Over::new(schema, &ConfigOptions::default()).and_then(|over| {
        let simple = over.simplify(condition)?;
        Ok(cannot_fail(&simple, &over.schema))
    });
    simple.unwrap_or(false)
}

/// Whether an expression has a value on every row, whatever the row holds.
fn cannot_fail(e: &Expr, schema: &DFSchema) -> bool {
    let all = |of: &[&Expr]| of.iter().all(|e| cannot_fail(e, schema));
    match e {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            use Operator::{And, Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq, Or};
            matches!(op, And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
                && all(&[left, right])
        }
        Expr::Not(e) | Expr::IsNull(e) | Expr::IsNotNull(e) | Expr::IsTrue(e) | Expr::IsNotTrue(e) => all(&[e]),
        Expr::Between(b) => all(&[&b.expr, &b.low, &b.high]),
        Expr::InList(l) => all(&[&l.expr]) && l.list.iter().all(|e| all(&[e])),
        Expr::Like(l) => all(&[&l.expr]) && matches!(l.pattern.as_ref(), Expr::Literal(..)),
        // Everything has a text but bytes that are none.
        Expr::Cast(c) => {
            let from = c.expr.get_type(schema).is_ok_and(|t| t.is_string() || t.is_numeric() || t.is_temporal());
            from && c.field.data_type().is_string() && all(&[&c.expr])
        }
        Expr::ScalarFunction(f) => {
            let sure = ["lower", "upper", "character_length", "starts_with", "ends_with", "coalesce", "nullif"];
            sure.contains(&f.name()) && f.args.iter().all(|e| all(&[e]))
        }
        _ => false,
    }
}

/// The field metadata that a visible column keeps: the header as its author wrote it.
const LABEL: &str = "label";

/// The field metadata that says in words how a column is masked, for whoever reads a result.
const MASKED: &str = "masked";

/// Not forwarded, so that nothing of the raw table shows: constraints, definition, logical plan, defaults, statistics,
/// and all writes.
#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        // The planner refuses writes to a view.
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<Push>> {
        let push = |f: &&Expr| if self.takes(f) { Push::Inexact } else { Push::Unsupported };
        Ok(filters.iter().map(push).collect())
    }

    /// `limit` is not passed on: below the filter it would count hidden rows.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let raw = self.raw.schema();
        let over = Over::new(&raw, state.config_options())?;
        let mut wanted = self.filter.clone().map(split_conjunction_owned).unwrap_or_default();
        // Checked again: this is the boundary, whoever calls.
        for f in filters.iter().filter(|f| self.takes(f)) {
            wanted.push(over.simplify(&unqualified(f)?)?);
        }
        let all = || (0..self.schema.fields().len()).collect();
        let shown: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let values: Vec<Expr> = shown
            .iter()
            .map(|i| {
                let name = self.schema.field(*i).name();
                let plain = || Expr::Column(Column::new_unqualified(name));
                self.masks.get(name).cloned().unwrap_or_else(plain)
            })
            .collect();
        let mut needed = BTreeSet::new();
        for e in wanted.iter().chain(&values) {
            for c in e.column_refs() {
                needed.insert(raw.index_of(&c.name)?);
            }
        }
        let needed: Vec<usize> = needed.into_iter().collect();
        let support = self.raw.supports_filters_pushdown(&wanted.iter().collect::<Vec<_>>())?;
        let passed = wanted.iter().zip(support).filter(|(_, s)| *s != Push::Unsupported);
        let passed: Vec<Expr> = passed.map(|(f, _)| f.clone()).collect();
        let mut plan = self.raw.scan(state, Some(&needed), &passed, None).await?;
        let schema = DFSchema::try_from(plan.schema().as_ref().clone())?;
        // Always, also where the raw table says that it filters exactly; also what brings the policy to Parquet.
        if let Some(filter) = conjunction(wanted) {
            plan = Arc::new(FilterExec::try_new(state.create_physical_expr(filter, &schema)?, plan)?);
        }
        let values = values.into_iter().map(|e| state.create_physical_expr(e, &schema));
        let values = values.collect::<Result<Vec<_>>>()?;
        let mut plan: Arc<dyn ExecutionPlan> =
            Arc::new(BarrierExec::try_new(plan, values, Arc::new(self.schema.project(&shown)?))?);
        // The rules that run over the whole query do not see below the leaf, so they run here.
        for rule in state.physical_optimizers() {
            plan = rule.optimize(plan, state.config_options())?;
        }
        Ok(Arc::new(GovernedScanExec::try_new(Arc::clone(&self.name), plan)?))
    }
}

impl fmt::Debug for GovernedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GovernedTable({})", self.name)
    }
}

/// Expressions over the raw table. Turning a logical into a physical expression coerces but does not fold:
/// `region = CAST('a' AS Utf8View)` would cost the pruning of files and row groups.
struct Over {
    schema: Arc<DFSchema>,
    simplifier: ExprSimplifier,
}

impl Over {
    fn new(schema: &Schema, options: &ConfigOptions) -> Result<Self> {
        let schema = Arc::new(DFSchema::try_from(schema.clone())?);
        let context = SimplifyContext::builder()
            .with_schema(Arc::clone(&schema))
            .with_config_options(Arc::new(options.clone()))
            .build();
        Ok(Self { schema, simplifier: ExprSimplifier::new(context) })
    }

    fn simplify(&self, e: &Expr) -> Result<Expr> {
        let coerced = self.simplifier.coerce(e.clone(), &self.schema)?;
        self.simplifier.simplify(exact::keep(coerced, &self.schema)?.data)
    }
}

/// The query's columns carry the name under which it reads the dataset; the raw table's do not.
fn unqualified(e: &Expr) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let plain = e.clone().transform(|e| {
        Ok(match e {
            Expr::Column(c) => Transformed::yes(Expr::Column(Column::new_unqualified(c.name))),
            e => Transformed::no(e),
        })
    })?;
    Ok(plain.data)
}
