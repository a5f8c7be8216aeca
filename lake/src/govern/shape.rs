//! What a plan may consist of: the second look, after the statement's own, at logical and physical plans.

use std::{any::Any, sync::Arc};

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    datasource::{memory::MemorySourceConfig, source::DataSourceExec, source_as_provider},
    logical_expr::{Distinct, Expr, LogicalPlan, Operator, Projection},
    physical_plan::{ExecutionPlan, empty::EmptyExec, placeholder_row::PlaceholderRowExec},
};

use super::{GovernedTable, functions, scan::GovernedScanExec};
use crate::{LakeError, Result};

/// Columns of a result, or of any step towards it.
const COLUMNS: usize = 2_000;

/// # Errors
/// [`LakeError::InvalidSql`] for a node or function that is not listed, [`LakeError::Internal`] for a table that is not
/// governed.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    let mut refused = None;
    let walked = plan.apply_with_subqueries(|node| {
        refused = node_refused(node);
        if refused.is_some() {
            return Ok(TreeNodeRecursion::Stop);
        }
        node.apply_expressions(|e| {
            e.apply(|e| {
                refused = expression_refused(e);
                Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    });
    walked.map_err(|e| LakeError::internal(e.strip_backtrace()))?;
    refused.map_or(Ok(()), Err)
}

fn node_refused(node: &LogicalPlan) -> Option<LakeError> {
    if node.schema().fields().len() > COLUMNS {
        return Some(LakeError::sql(format!("too many columns: at most {COLUMNS} are possible")));
    }
    match node {
        LogicalPlan::TableScan(scan) => {
            let governed =
                source_as_provider(&scan.source).is_ok_and(|p| (p.as_ref() as &dyn Any).is::<GovernedTable>());
            (!governed).then(|| LakeError::internal(format!("{} is not governed", scan.table_name)))
        }
        LogicalPlan::Projection(p) if collapses(p) => Some(LakeError::sql(
            "a sub-query and the one inside it compute the same from the same names: give the inner one an alias, \
             as in FROM (SELECT …) AS a",
        )),
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => None,
        // Named rather than `_`, so that an upgrade that adds a node asks here.
        LogicalPlan::Repartition(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::RecursiveQuery(_) => Some(LakeError::sql("only queries are possible")),
    }
}

/// DataFusion 55.2 takes two equal projections in a row for one, also when they compute: the innermost of three
/// `SELECT x + 1 AS x FROM (…)` would be lost without a word.
fn collapses(outer: &Projection) -> bool {
    if outer.expr.iter().all(is_plain) {
        return false;
    }
    let mut below = outer.input.as_ref();
    loop {
        below = match below {
            LogicalPlan::Projection(p) if p.expr == outer.expr => return true,
            LogicalPlan::Projection(p) if p.expr.iter().all(is_plain) => p.input.as_ref(),
            LogicalPlan::Filter(f) => f.input.as_ref(),
            LogicalPlan::Sort(s) => s.input.as_ref(),
            LogicalPlan::Limit(l) => l.input.as_ref(),
            LogicalPlan::Distinct(Distinct::All(d)) => d.as_ref(),
            _ => return false,
        }
    }
}

fn is_plain(e: &Expr) -> bool {
    match e {
        Expr::Alias(a) => is_plain(&a.expr),
        e => matches!(e, Expr::Column(_) | Expr::Literal(..)),
    }
}

fn expression_refused(e: &Expr) -> Option<LakeError> {
    if let Some(why) = costly(e) {
        return Some(LakeError::sql(why));
    }
    let name = match e {
        Expr::ScalarFunction(f) => f.name().to_owned(),
        Expr::AggregateFunction(f) => f.func.name().to_owned(),
        Expr::WindowFunction(f) => f.fun.name().to_owned(),
        Expr::HigherOrderFunction(f) => f.name().to_owned(),
        _ => return None,
    };
    (!functions::is_allowed(&name)).then(|| LakeError::sql(format!("the function `{name}` cannot be used here")))
}

/// What is cheap to write and not to run: a size in the hands of the query that is taken before a single row is seen,
/// or a pattern a row, each of which is compiled and kept.
fn costly(e: &Expr) -> Option<&'static str> {
    let sized = |name: &str, args: usize| match name {
        // The value of `WITHIN GROUP` is an argument too; the one after the share is the size of the digest.
        "approx_percentile_cont" => args > 2,
        "approx_percentile_cont_with_weight" => args > 3,
        _ => false,
    };
    let varies = |pattern: Option<&Expr>| pattern.is_some_and(|p| !is_constant(p));
    match e {
        Expr::AggregateFunction(f) if sized(f.func.name(), f.params.args.len()) => {
            Some("the number of centroids cannot be chosen here; leave the last argument out")
        }
        Expr::WindowFunction(f) if sized(f.fun.name(), f.params.args.len()) => {
            Some("the number of centroids cannot be chosen here; leave the last argument out")
        }
        Expr::ScalarFunction(f) if f.name().starts_with("regexp_") && varies(f.args.get(1)) => Some(PATTERN),
        Expr::BinaryExpr(b) if is_regex(b.op) && varies(Some(&b.right)) => Some(PATTERN),
        Expr::SimilarTo(l) if varies(Some(&l.pattern)) => Some(PATTERN),
        _ => None,
    }
}

const PATTERN: &str = "a regular expression must be a text, not a column or a computed value";

fn is_regex(op: Operator) -> bool {
    use Operator::{RegexIMatch, RegexMatch, RegexNotIMatch, RegexNotMatch};
    matches!(op, RegexMatch | RegexIMatch | RegexNotMatch | RegexNotIMatch)
}

fn is_constant(e: &Expr) -> bool {
    match e {
        Expr::Cast(c) => is_constant(&c.expr),
        e => matches!(e, Expr::Literal(..)),
    }
}

/// # Errors
/// [`LakeError::Internal`] when a leaf could read what is not governed.
pub(super) fn check_physical(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    let mut stray = None;
    let walked = plan.apply(|node| {
        if node.children().is_empty() && !is_governed_leaf(node.as_ref()) {
            stray = Some(node.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|e| LakeError::internal(e.strip_backtrace()))?;
    stray.map_or(Ok(()), |name| Err(LakeError::internal(format!("{name} stands outside of a governed scan"))))
}

fn is_governed_leaf(node: &dyn ExecutionPlan) -> bool {
    let any = node as &dyn Any;
    // VALUES are literals of the query itself.
    let values = any
        .downcast_ref::<DataSourceExec>()
        .is_some_and(|s| (s.data_source().as_ref() as &dyn Any).is::<MemorySourceConfig>());
    any.is::<GovernedScanExec>() || any.is::<EmptyExec>() || any.is::<PlaceholderRowExec>() || values
}
