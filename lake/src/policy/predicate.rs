//! Row predicates: SQL over a dataset's columns and `claim('name')`, turned into an expression with claims filled in.
//!
//! Only allow-listed, immutable scalar functions; no sub-queries. A claim becomes literals of the type that it is
//! compared with, never text that is parsed again.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{
        DFSchema, DataFusionError, ScalarValue, exec_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    execution::{SessionState, SessionStateBuilder, SessionStateDefaults},
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, expr::InList, simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::PhysicalExpr,
    sql::sqlparser::{dialect::GenericDialect, parser::Parser, tokenizer::Token},
};
use model::Principal;

use crate::govern::{exact, functions, guard};

/// Why a predicate gives no filter. Either way the grant does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The predicate is wrong for this dataset; the message is for stewards only.
    Wrong(String),
    /// The principal lacks a claim, or its values do not fit.
    Claim(String),
}

/// The filter that `sql` means for `who`.
pub(super) fn bind(sql: &str, schema: &Schema, who: &Principal) -> Result<Expr, Unusable> {
    let (expr, schema) = parse(sql, schema)?;
    let filled = fill(expr, &schema, &|name: &str| {
        let values = who.claim(name).filter(|v| !v.is_empty());
        values.map(<[String]>::to_vec).ok_or_else(|| format!("no claim `{name}`"))
    })?;
    // A claim may stand where the type of its text decides, so that the type is known only now.
    typed(&filled, &schema)?;
    Ok(filled)
}

/// Whether `sql` is a predicate over `schema`, whatever the claims are.
pub(super) fn check(sql: &str, schema: &Schema) -> Result<(), String> {
    let words = |u| match u {
        Unusable::Wrong(m) | Unusable::Claim(m) => m,
    };
    let (expr, schema) = parse(sql, schema).map_err(words)?;
    let nothing = expr.clone().transform_up(|e| {
        Ok(if claim_name(&e).is_some() {
            Transformed::yes(Expr::Literal(ScalarValue::Null, None))
        } else {
            Transformed::no(e)
        })
    });
    let nothing = nothing.map_err(|e| e.strip_backtrace())?.data;
    typed(&nothing, &schema).map_err(words)
}

/// `sql` as a condition on one row of `schema`, ready to be computed; it knows no claims.
///
/// # Errors
/// What is wrong with it, for its author.
pub(crate) fn condition(sql: &str, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>, String> {
    let words = |u| match u {
        // The engine goes on with the columns that there are, which whoever sends a file may not all know.
        Unusable::Wrong(m) if m.starts_with("No field named ") => {
            m.split_once(". ").map_or(m.as_str(), |(field, _)| field).to_owned()
        }
        Unusable::Wrong(m) | Unusable::Claim(m) => m,
    };
    let (expr, schema) = parse(sql, schema).map_err(words)?;
    let filled = fill(expr, &schema, &|_| Err("`claim` is for policies".to_owned())).map_err(words)?;
    typed(&filled, &schema).map_err(words)?;
    let wrong = |e: DataFusionError| first_line(&e.strip_backtrace());
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
    let coerced = simplifier.coerce(filled, &schema).map_err(wrong)?;
    // Whoever sends a file may bring a contract: what its checks compute has the bounds that queries have.
    let bounded = exact::alone(coerced, &schema).map_err(wrong)?;
    PREDICATES.create_physical_expr(bounded, &schema).map_err(wrong)
}

/// Whether `sql` could be a condition over some columns: what is wrong with its words alone.
///
/// # Errors
/// What is wrong with it, for its author.
pub(crate) fn may_be_condition(sql: &str) -> Result<(), String> {
    guard::check(sql, &guard::Bounds::PREDICATE).map_err(|e| e.to_string())?;
    let cure = |why: &str| format!("`{sql}` is no condition on a row: {why}; write for example \"dep_delay > -120\"");
    let mut parser = Parser::new(&GenericDialect {}).try_with_sql(sql).map_err(|e| cure(&e.to_string()))?;
    let expr = parser.parse_expr().map_err(|e| cure(&e.to_string()))?;
    if parser.peek_token().token != Token::EOF {
        return Err(cure("it goes on after its end"));
    }
    let queries = expr.to_string().to_lowercase();
    if queries.contains("(select ") {
        return Err(cure("sub-queries are not possible here"));
    }
    Ok(())
}

fn parse(sql: &str, schema: &Schema) -> Result<(Expr, DFSchema), Unusable> {
    guard::check(sql, &guard::Bounds::PREDICATE).map_err(|e| Unusable::Wrong(e.to_string()))?;
    let wrong = |e: DataFusionError| Unusable::Wrong(first_line(&e.strip_backtrace()));
    let schema = DFSchema::try_from(schema.clone()).map_err(wrong)?;
    let expr = PREDICATES.create_logical_expr(sql, &schema).map_err(wrong)?;
    let mut refused = None;
    expr.apply(|e| {
        refused = match e {
            Expr::ScalarFunction(f) if f.name() == Claim::NAME && claim_name(e).is_none() => {
                Some("write claim('name') with the name as plain text".to_owned())
            }
            Expr::ScalarFunction(f) if f.func.signature().volatility != Volatility::Immutable => {
                Some(format!("`{}` changes from call to call", f.name()))
            }
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => {
                Some("sub-queries are not possible here".to_owned())
            }
            Expr::Alias(_) | Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Placeholder(_) => {
                Some("only a condition on one row is possible here".to_owned())
            }
            _ => None,
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })
    .map_err(wrong)?;
    match refused {
        Some(message) => Err(Unusable::Wrong(message)),
        None => Ok((expr, schema)),
    }
}

/// Replaces every `claim('name')` by its values.
fn fill(expr: Expr, schema: &DFSchema, claim: &dyn Fn(&str) -> Result<Vec<String>, String>) -> Result<Expr, Unusable> {
    let mut failed = None;
    let mut fail = |why: String| {
        failed.get_or_insert(why);
        Expr::Literal(ScalarValue::Boolean(Some(false)), None)
    };
    let literals = |name: &str, beside: &Expr| -> Result<Vec<Expr>, String> {
        let wanted = beside.get_type(schema).map_err(|e| e.strip_backtrace())?;
        claim(name)?.iter().map(|v| literal(name, v, &wanted)).collect()
    };
    let filled = expr.transform_down(|e| {
        Ok(match e {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (column, name, op) = match (claim_name(&left), claim_name(&right)) {
                    (None, Some(name)) => (left, name, op),
                    (Some(name), None) => match op.swap() {
                        Some(op) => (right, name, op),
                        None => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
                    },
                    _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
                };
                let several = matches!(op, Operator::Eq | Operator::NotEq);
                Transformed::yes(match literals(&name, &column) {
                    Err(why) => fail(why),
                    Ok(mut one) if one.len() == 1 => {
                        let value = one.remove(0);
                        Expr::BinaryExpr(BinaryExpr { left: column, op, right: Box::new(value) })
                    }
                    Ok(list) if several => {
                        Expr::InList(InList { expr: column, list: ordered(list), negated: op == Operator::NotEq })
                    }
                    Ok(_) => fail(format!("claim `{name}` has several values where one is needed")),
                })
            }
            Expr::InList(InList { expr, list, negated }) if list.iter().any(|e| claim_name(e).is_some()) => {
                let mut values = Vec::new();
                for item in list {
                    match claim_name(&item).map(|name| literals(&name, &expr)) {
                        None => values.push(item),
                        Some(Ok(more)) => values.extend(more),
                        Some(Err(why)) => return Ok(Transformed::yes(fail(why))),
                    }
                }
                Transformed::yes(Expr::InList(InList { expr, list: ordered(values), negated }))
            }
            e => match claim_name(&e) {
                None => Transformed::no(e),
                Some(name) => Transformed::yes(match claim(&name).as_deref() {
                    Ok([one]) => Expr::Literal(ScalarValue::Utf8(Some(one.clone())), None),
                    Ok(_) => fail(format!("claim `{name}` has several values where one is needed")),
                    Err(why) => fail(why.clone()),
                }),
            },
        })
    });
    let filled = filled.map_err(|e| Unusable::Wrong(e.strip_backtrace()))?.data;
    match failed {
        Some(why) => Err(Unusable::Claim(why)),
        None => Ok(filled),
    }
}

/// The same set of values gives the same expression, so that two people with it share what is cached.
fn ordered(mut list: Vec<Expr>) -> Vec<Expr> {
    list.sort_by_key(|e| format!("{e:?}"));
    list.dedup();
    list
}

fn literal(claim: &str, value: &str, wanted: &DataType) -> Result<Expr, String> {
    let misfit = |_| format!("a value of claim `{claim}` is not a {wanted}");
    Ok(Expr::Literal(ScalarValue::try_from_string(value.to_owned(), wanted).map_err(misfit)?, None))
}

fn typed(expr: &Expr, schema: &DFSchema) -> Result<(), Unusable> {
    let wrong = |e: DataFusionError| Unusable::Wrong(first_line(&e.strip_backtrace()));
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
    let expr = simplifier.coerce(expr.clone(), schema).map_err(wrong)?;
    match expr.get_type(schema).map_err(wrong)? {
        DataType::Boolean | DataType::Null => Ok(()),
        other => Err(Unusable::Wrong(format!("the predicate gives {other}, not true or false"))),
    }
}

fn claim_name(e: &Expr) -> Option<String> {
    let Expr::ScalarFunction(f) = e else { return None };
    match f.args.as_slice() {
        [Expr::Literal(name, _)] if f.name() == Claim::NAME => name.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

fn first_line(s: &str) -> String {
    let s = s.lines().next().unwrap_or_default();
    ["Error during planning: ", "Schema error: ", "SQL error: "]
        .iter()
        .fold(s, |s, p| s.trim_start_matches(p))
        .to_owned()
}

/// Parses predicates; knows no table.
static PREDICATES: LazyLock<SessionState> = LazyLock::new(|| {
    let mut scalar = functions::scalar();
    scalar.push(Arc::new(ScalarUDF::new_from_impl(Claim { signature: Signature::any(1, Volatility::Immutable) })));
    SessionStateBuilder::new()
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(scalar)
        .build()
});

/// Stands for the values of a claim until they are filled in; never evaluated.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Claim {
    signature: Signature,
}

impl Claim {
    const NAME: &'static str = "claim";
}

impl ScalarUDFImpl for Claim {
    fn name(&self) -> &str {
        Self::NAME
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Utf8)
    }
    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        exec_err!("write claim('name') with the name as plain text")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::datatypes::Field;

    use super::*;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("carrier", DataType::Utf8, true),
            Field::new("month", DataType::Int64, true),
            Field::new("day", DataType::Date32, true),
        ])
    }

    fn who(claims: &[(&str, &[&str])]) -> Principal {
        let owned = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect();
        let claims: BTreeMap<String, Vec<String>> = claims.iter().map(|(n, v)| ((*n).to_owned(), owned(v))).collect();
        Principal {
            issuer: "demo".into(),
            subject: "x".into(),
            name: "x".into(),
            email: None,
            groups: Some([].into()),
            claims,
            scope: None,
        }
    }

    fn bound(sql: &str, claims: &[(&str, &[&str])]) -> Result<String, Unusable> {
        bind(sql, &schema(), &who(claims)).map(|e| e.to_string())
    }

    #[test]
    fn claims_become_literals_of_the_columns_type() {
        let ua: &[(&str, &[&str])] = &[("carrier", &["UA"])];
        let two: &[(&str, &[&str])] = &[("carrier", &["UA", "DL", "UA"])];
        for (sql, claims, wanted) in [
            ("carrier = claim('carrier')", ua, r#"carrier = Utf8("UA")"#),
            ("claim('carrier') = carrier", ua, r#"carrier = Utf8("UA")"#),
            ("carrier = claim('carrier')", two, r#"carrier IN ([Utf8("DL"), Utf8("UA")])"#),
            ("carrier in (claim('carrier'))", two, r#"carrier IN ([Utf8("DL"), Utf8("UA")])"#),
            ("carrier <> claim('carrier')", two, r#"carrier NOT IN ([Utf8("DL"), Utf8("UA")])"#),
            ("month = claim('m')", &[("m", &["7"])], "month = Int64(7)"),
            ("day >= claim('d')", &[("d", &["2013-01-01"])], r#"day >= Date32("2013-01-01")"#),
            ("carrier = claim('c')", &[("c", &["x' OR '1'='1"])], r#"carrier = Utf8("x' OR '1'='1")"#),
        ] {
            assert_eq!(bound(sql, claims).as_deref(), Ok(wanted), "{sql}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_or_does_not_fit_gives_no_filter() {
        for (sql, claims) in [
            ("carrier = claim('carrier')", &[] as &[(&str, &[&str])]),
            ("carrier = claim('carrier')", &[("carrier", &[])]),
            ("month = claim('m')", &[("m", &["seven"])]),
            ("month < claim('m')", &[("m", &["7", "8"])]),
            ("carrier = 'a' or carrier = claim('carrier')", &[]),
            ("not (carrier = claim('carrier'))", &[]),
            ("lower(carrier) = lower(claim('carrier'))", &[("carrier", &["a", "b"])]),
        ] {
            assert!(matches!(bound(sql, claims), Err(Unusable::Claim(_))), "{sql}: {:?}", bound(sql, claims));
        }
    }

    #[test]
    fn what_is_no_predicate_on_one_row_is_refused() {
        for sql in [
            "carrier",
            "month + 1",
            "nothing = 1",
            "carrier = 'a' carrier",
            "carrier = 'a'; select 1",
            "month in (select 1)",
            "exists (select 1)",
            "random() < 0.5",
            "day < now()",
            "count(*) > 1",
            "nosuch(carrier)",
            "carrier = $1",
            "claim(carrier) = 'x'",
            "claim(lower('carrier')) = 'x'",
            "carrier = 'x' and",
        ] {
            assert!(matches!(bound(sql, &[]), Err(Unusable::Wrong(_))), "{sql}: {:?}", bound(sql, &[]));
        }
    }
}
