//! Casts of decimals to fewer digits, kept as they are written.
//!
//! DataFusion 55.2 moves a cast in a comparison to the literal: `CAST(d AS BIGINT) > 1` becomes `d > 1.00`, which is
//! wrong for 1.50 (it truncates to 1). A cast that is a function is not moved. In a query that would be a wrong answer,
//! in a policy a hidden row.

use arrow::{compute::CastOptions, datatypes::DataType};
use datafusion::{
    common::{
        DFSchema, ExprSchema, Result, exec_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    config::ConfigOptions,
    logical_expr::{
        Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        TryCast, Volatility, expr_rewriter::NamePreserver, utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};

use super::growth::{bound, calls};

/// Runs after type coercion, when all casts and calls are there; puts bounds on calls that grow as well.
#[derive(Debug)]
pub(super) struct ExactCasts;

impl AnalyzerRule for ExactCasts {
    fn name(&self) -> &str {
        "exact_casts"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut growing = 0;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|e| {
                growing += calls(e)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        let exact = plan.transform_up_with_subqueries(|plan| {
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|e| {
                let name = names.save(&e);
                let exact = keep(e, &schema)?;
                let bounded = exact.transform_data(|e| bound(e, &schema, growing))?;
                Ok(bounded.update_data(|e| name.restore(e)))
            })
        });
        Ok(exact?.data)
    }
}

/// What the rule does to a plan, for an expression that stands alone; its types must be coerced.
pub(crate) fn alone(e: Expr, schema: &DFSchema) -> Result<Expr> {
    let growing = calls(&e)?;
    let exact = keep(e, schema)?;
    Ok(exact.transform_data(|e| bound(e, schema, growing))?.data)
}

/// Replaces every cast of a decimal to an integer or to fewer fractional digits.
pub(super) fn keep(e: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    e.transform_up(|e| {
        let (inner, to, safe) = match &e {
            Expr::Cast(Cast { expr, field }) => (expr, field.data_type(), false),
            Expr::TryCast(TryCast { expr, field }) => (expr, field.data_type(), true),
            _ => return Ok(Transformed::no(e)),
        };
        if !loses(&inner.get_type(schema as &dyn ExprSchema)?, to) {
            return Ok(Transformed::no(e));
        }
        let signature = Signature::any(1, Volatility::Immutable);
        let cast = ScalarUDF::new_from_impl(ExactCast { to: to.clone(), safe, signature });
        Ok(Transformed::yes(cast.call(vec![inner.as_ref().clone()])))
    })
}

fn loses(from: &DataType, to: &DataType) -> bool {
    let scale = |t: &DataType| match t {
        DataType::Decimal32(_, s)
        | DataType::Decimal64(_, s)
        | DataType::Decimal128(_, s)
        | DataType::Decimal256(_, s) => Some(*s),
        t if t.is_integer() => Some(0),
        _ => None,
    };
    from.is_decimal() && scale(from).zip(scale(to)).is_some_and(|(from, to)| to < from)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactCast {
    to: DataType,
    safe: bool,
    signature: Signature,
}

impl ScalarUDFImpl for ExactCast {
    fn name(&self) -> &str {
        if self.safe { "try_exact_cast" } else { "exact_cast" }
    }

    /// With the type, so that casts to two types are two columns and two cache keys.
    fn display_name(&self, args: &[Expr]) -> Result<String> {
        self.schema_name(args)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!("{}({} AS {})", self.name(), args.join(", "), self.to))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("a cast takes one value") };
        value.cast_to(&self.to, Some(&CastOptions { safe: self.safe, ..CastOptions::default() }))
    }
}
