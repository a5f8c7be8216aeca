//! Row predicates: SQL over a dataset's columns, in which `claim('name')`, `user()`, `groups()` and look-ups stand for
//! values that are filled in when access is made.
//!
//! Only allow-listed, immutable scalar functions. A claim becomes literals of the type that it is compared with, never
//! text that is parsed again.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{
        Column, DFSchema, DataFusionError, ScalarValue, exec_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    execution::{SessionState, SessionStateBuilder, SessionStateDefaults},
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, expr::InList, simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::PhysicalExpr,
    sql::{
        parser::DFParserBuilder,
        sqlparser::{
            ast::ExprWithAlias,
            dialect::GenericDialect,
            keywords::Keyword,
            parser::Parser,
            tokenizer::{Token, TokenWithSpan, Tokenizer, Word},
        },
    },
};
use model::Principal;

use super::lookup::{self, LookUp, Values};
use crate::govern::{exact, functions, guard};

/// Why a predicate gives no filter. Either way the grant does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The predicate is wrong for this dataset; the message is for stewards only.
    Wrong(String),
    /// The principal lacks a claim, or its values do not fit.
    Claim(String),
    /// A look-up gives no values.
    LookUp(String),
}

impl Unusable {
    pub fn words(self) -> String {
        match self {
            Self::Wrong(m) | Self::Claim(m) | Self::LookUp(m) => m,
        }
    }
}

/// A predicate as its author wrote it, with its look-ups taken out.
#[derive(Debug, Clone)]
pub(super) struct Predicate {
    sql: ExprWithAlias,
    pub look_ups: Vec<LookUp>,
}

/// A predicate with all values filled in.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub filter: Expr,
    /// The same, with the names of look-ups in the place of what they gave.
    pub said: Expr,
}

/// What stands for values that are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Claim(String),
    User,
    Groups,
    LookUp(usize),
}

impl Predicate {
    /// Reads a predicate that may look values up in other datasets.
    ///
    /// # Errors
    /// What is wrong with its words, for its author.
    pub fn read(sql: &str) -> Result<Self, String> {
        guard::check(sql, &guard::Bounds { selects: lookup::MOST, ..guard::Bounds::PREDICATE })
            .map_err(|e| e.to_string())?;
        let mut sql = parsed(sql)?;
        let look_ups = lookup::taken_out(&mut sql.expr)?;
        Ok(Self { sql, look_ups })
    }

    /// Reads a predicate that stands alone.
    ///
    /// # Errors
    /// As [`Predicate::read`].
    pub fn plain(sql: &str) -> Result<Self, String> {
        guard::check(sql, &guard::Bounds::PREDICATE).map_err(|e| e.to_string())?;
        Ok(Self { sql: parsed(sql)?, look_ups: Vec::new() })
    }

    /// The filter that it means for `who`; `values` are those of its look-ups, in order.
    pub fn bind(&self, schema: &Schema, who: &Principal, values: &[Values]) -> Result<Bound, Unusable> {
        let (expr, schema) = self.over(schema)?;
        let filled = |named: bool| {
            fill(expr.clone(), &schema, &|asked, wanted| match asked {
                Asked::Claim(name) => claim(who, name, wanted).map_err(Unusable::Claim),
                Asked::User => user(who, wanted).map_err(Unusable::Claim),
                Asked::Groups => groups(who, wanted).map_err(Unusable::Claim),
                Asked::LookUp(i) => {
                    let (look_up, values) = self
                        .look_ups
                        .get(*i)
                        .zip(values.get(*i))
                        .ok_or_else(|| Unusable::LookUp("a look-up was not made".to_owned()))?;
                    look_up.fits(&values.data_type, wanted).map_err(Unusable::Wrong)?;
                    let all = || values.all.iter().map(|v| Expr::Literal(v.clone(), None)).collect();
                    let name = || vec![Expr::Column(Column::new_unqualified(look_up.shown()))];
                    Ok(if named { name() } else { all() })
                }
            })
        };
        let filter = filled(false)?;
        // A claim may stand where the type of its text decides, so that the type is known only now.
        typed(&filter, &schema)?;
        let said = if self.look_ups.is_empty() { filter.clone() } else { filled(true)? };
        Ok(Bound { filter, said })
    }

    /// Whether it is a predicate over `schema`, whatever the claims are; `types` are those of its look-ups where known.
    pub fn check(&self, schema: &Schema, types: &[Option<DataType>]) -> Result<(), String> {
        let (expr, schema) = self.over(schema).map_err(Unusable::words)?;
        let nothing = fill(expr, &schema, &|asked, wanted| {
            if let Asked::LookUp(i) = asked
                && let Some((look_up, Some(has))) = self.look_ups.get(*i).zip(types.get(*i))
            {
                look_up.fits(has, wanted).map_err(Unusable::Wrong)?;
            }
            Ok(vec![Expr::Literal(ScalarValue::Null, None)])
        });
        typed(&nothing.map_err(Unusable::words)?, &schema).map_err(Unusable::words)
    }

    fn over(&self, schema: &Schema) -> Result<(Expr, DFSchema), Unusable> {
        logical(&self.sql, schema)
    }
}

/// The values of a claim that there is.
fn claim(who: &Principal, name: &str, wanted: &DataType) -> Result<Vec<Expr>, String> {
    let values = who.claim(name).filter(|v| !v.is_empty()).ok_or_else(|| format!("no claim `{name}`"))?;
    values.iter().map(|v| literal(&format!("claim `{name}`"), v, wanted)).collect()
}

/// The e-mail as the provider wrote it, else the subject.
fn user(who: &Principal, wanted: &DataType) -> Result<Vec<Expr>, String> {
    person(who)?;
    Ok(vec![literal("user()", who.email.as_deref().unwrap_or(&who.subject), wanted)?])
}

/// Under `not`, another name or fewer groups show more: a service account's are chosen by whoever makes it.
fn person(who: &Principal) -> Result<(), String> {
    if who.is_service() { Err("a service account is no person".to_owned()) } else { Ok(()) }
}

/// Of nobody's groups nothing follows: neither that all rows are theirs nor, under `not`, that none is anybody else's.
fn groups(who: &Principal, wanted: &DataType) -> Result<Vec<Expr>, String> {
    person(who)?;
    let groups = who.groups.as_ref().filter(|g| !g.is_empty()).ok_or("in no group")?;
    groups.iter().map(|g| literal("groups()", g, wanted)).collect()
}

/// `sql` as a condition on one row of `schema`, ready to be computed; it knows no claims.
///
/// # Errors
/// What is wrong with it, for its author.
pub(crate) fn condition(sql: &str, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>, String> {
    let (filled, schema) = alone(sql, schema).map_err(|why| match why {
        // The engine goes on with the columns that there are, which whoever sends a file may not all know.
        m if m.starts_with("No field named ") => m.split_once(". ").map_or(m.as_str(), |(field, _)| field).to_owned(),
        m => m,
    })?;
    typed(&filled, &schema).map_err(Unusable::words)?;
    Ok(physical(filled, &schema)?.0)
}

/// `sql` as a value computed from one row of `schema`, and its type; it knows no claims.
///
/// # Errors
/// What is wrong with it, for its author.
pub(super) fn value(sql: &str, schema: &Schema) -> Result<(Arc<dyn PhysicalExpr>, DataType), String> {
    let (filled, schema) = alone(sql, schema)?;
    physical(filled, &schema)
}

fn alone(sql: &str, schema: &Schema) -> Result<(Expr, DFSchema), String> {
    let (expr, schema) = Predicate::plain(sql)?.over(schema).map_err(Unusable::words)?;
    let filled = fill(expr, &schema, &|asked, _| {
        Err(Unusable::Wrong(match asked {
            Asked::Claim(_) => "`claim` is for the rows of policies".to_owned(),
            _ => "`user()` and `groups()` are for the rows of policies".to_owned(),
        }))
    });
    Ok((filled.map_err(Unusable::words)?, schema))
}

/// Whoever sends a file may bring a contract: what its checks compute has the bounds that queries have, and so have
/// masks.
fn physical(e: Expr, schema: &DFSchema) -> Result<(Arc<dyn PhysicalExpr>, DataType), String> {
    let wrong = |e: DataFusionError| first_line(&e.strip_backtrace());
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build());
    let coerced = simplifier.coerce(e, schema).map_err(wrong)?;
    let bounded = exact::alone(coerced, schema).map_err(wrong)?;
    let data_type = bounded.get_type(schema).map_err(wrong)?;
    Ok((PREDICATES.create_physical_expr(bounded, schema).map_err(wrong)?, data_type))
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

/// The text as a tree.
///
/// `user` is a word of the parser's own, a function without parentheses. In quotes it is a name like any other: the
/// function's before a parenthesis, else a column's. Otherwise `user = user()` would hold for every row.
fn parsed(sql: &str) -> Result<ExprWithAlias, String> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|e| e.to_string())?;
    let mut tokens: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    for token in tokens.iter_mut().map(|t| &mut t.token) {
        if let Token::Word(word) = token
            && word.keyword == Keyword::USER
            && word.quote_style.is_none()
        {
            *word = Word { value: USER.to_owned(), quote_style: Some('"'), keyword: Keyword::NoKeyword };
        }
    }
    if tokens.iter().any(|t| matches!(&t.token, Token::Word(w) if w.value == lookup::STAND_IN)) {
        return Err(format!("there is no function `{}`", lookup::STAND_IN));
    }
    let parser = DFParserBuilder::new(tokens).with_dialect(&GenericDialect {});
    parser.build().and_then(|mut p| p.parse_into_expr()).map_err(|e| first_line(&e.strip_backtrace()))
}

fn logical(sql: &ExprWithAlias, schema: &Schema) -> Result<(Expr, DFSchema), Unusable> {
    let wrong = |e: DataFusionError| Unusable::Wrong(first_line(&e.strip_backtrace()));
    let schema = DFSchema::try_from(schema.clone()).map_err(wrong)?;
    let named = sql.alias.is_some();
    let expr = PREDICATES.create_logical_expr_from_sql_expr(sql.clone(), &schema).map_err(wrong)?;
    // The engine names what a function gives as its author called it: `length` for `character_length`.
    let expr = if named { expr } else { expr.unalias_nested().data };
    let mut refused = None;
    expr.apply(|e| {
        refused = match e {
            Expr::ScalarFunction(f) if f.name() == CLAIM && asked(e).is_none() => {
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

/// Gives the values of what is asked, as literals fit to stand beside that type.
type Give<'a> = &'a dyn Fn(&Asked, &DataType) -> Result<Vec<Expr>, Unusable>;

/// Replaces all that stands for values by the values.
fn fill(expr: Expr, schema: &DFSchema, give: Give<'_>) -> Result<Expr, Unusable> {
    let mut failed = None;
    let mut fail = |why: Unusable| {
        failed.get_or_insert(why);
        Expr::Literal(ScalarValue::Boolean(Some(false)), None)
    };
    let several = |asked: &Asked| {
        let what = match asked {
            Asked::Claim(name) => format!("claim `{name}` has"),
            Asked::Groups => "groups() has".to_owned(),
            Asked::User | Asked::LookUp(_) => "there are".to_owned(),
        };
        Unusable::Claim(format!("{what} several values where one is needed"))
    };
    let literals = |asked: &Asked, beside: &Expr| -> Result<Vec<Expr>, Unusable> {
        let wanted = beside.get_type(schema).map_err(|e| Unusable::Wrong(e.strip_backtrace()))?;
        give(asked, &wanted)
    };
    let filled = expr.transform_down(|e| {
        Ok(match e {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (column, what, op) = match (asked(&left), asked(&right)) {
                    (None, Some(what)) => (left, what, op),
                    (Some(what), None) => match op.swap() {
                        Some(op) => (right, what, op),
                        None => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
                    },
                    _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
                };
                let set = matches!(op, Operator::Eq | Operator::NotEq);
                Transformed::yes(match literals(&what, &column) {
                    Err(why) => fail(why),
                    Ok(mut one) if one.len() == 1 => {
                        let value = one.remove(0);
                        Expr::BinaryExpr(BinaryExpr { left: column, op, right: Box::new(value) })
                    }
                    Ok(list) if set => {
                        Expr::InList(InList { expr: column, list: ordered(list), negated: op == Operator::NotEq })
                    }
                    Ok(_) => fail(several(&what)),
                })
            }
            Expr::InList(InList { expr, list, negated }) if list.iter().any(|e| asked(e).is_some()) => {
                let mut values = Vec::new();
                for item in list {
                    match asked(&item).map(|what| literals(&what, &expr)) {
                        None => values.push(item),
                        Some(Ok(more)) => values.extend(more),
                        Some(Err(why)) => return Ok(Transformed::yes(fail(why))),
                    }
                }
                Transformed::yes(Expr::InList(InList { expr, list: ordered(values), negated }))
            }
            e => match asked(&e) {
                None => Transformed::no(e),
                Some(what) => Transformed::yes(match give(&what, &DataType::Utf8) {
                    Ok(mut one) if one.len() == 1 => one.remove(0),
                    Ok(_) => fail(several(&what)),
                    Err(why) => fail(why),
                }),
            },
        })
    });
    let filled = filled.map_err(|e| Unusable::Wrong(e.strip_backtrace()))?.data;
    match failed {
        Some(why) => Err(why),
        None => Ok(filled),
    }
}

/// The same set of values gives the same expression, so that two people with it share what is cached.
fn ordered(mut list: Vec<Expr>) -> Vec<Expr> {
    list.sort_by_cached_key(|e| format!("{e:?}"));
    list.dedup();
    list
}

fn literal(what: &str, value: &str, wanted: &DataType) -> Result<Expr, String> {
    let misfit = |_| format!("a value of {what} is not a {wanted}");
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

fn asked(e: &Expr) -> Option<Asked> {
    let Expr::ScalarFunction(f) = e else { return None };
    match (f.name(), f.args.as_slice()) {
        (CLAIM, [Expr::Literal(name, _)]) => name.try_as_str().flatten().map(|n| Asked::Claim(n.to_owned())),
        (USER, []) => Some(Asked::User),
        (GROUPS, []) => Some(Asked::Groups),
        (lookup::STAND_IN, [Expr::Literal(ScalarValue::Int64(Some(i)), _)]) => {
            usize::try_from(*i).ok().map(Asked::LookUp)
        }
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

const CLAIM: &str = "claim";
const USER: &str = "user";
const GROUPS: &str = "groups";

/// Parses predicates; knows no table.
static PREDICATES: LazyLock<SessionState> = LazyLock::new(|| {
    let mut scalar = functions::scalar();
    let one = || Signature::any(1, Volatility::Immutable);
    let none = || Signature::nullary(Volatility::Immutable);
    for (name, signature) in [(CLAIM, one()), (USER, none()), (GROUPS, none()), (lookup::STAND_IN, one())] {
        scalar.push(Arc::new(ScalarUDF::new_from_impl(StandIn { name, signature })));
    }
    SessionStateBuilder::new()
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(scalar)
        .build()
});

/// Stands for values until they are filled in; never evaluated.
#[derive(Debug, PartialEq, Eq, Hash)]
struct StandIn {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for StandIn {
    fn name(&self) -> &str {
        self.name
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Utf8)
    }
    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        exec_err!("`{}` has no value here", self.name)
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
            origin: Default::default(),
        }
    }

    fn bound(sql: &str, claims: &[(&str, &[&str])]) -> Result<String, Unusable> {
        bound_for(sql, &who(claims))
    }

    fn bound_for(sql: &str, who: &Principal) -> Result<String, Unusable> {
        let predicate = Predicate::read(sql).map_err(Unusable::Wrong)?;
        predicate.bind(&schema(), who, &[]).map(|b| b.filter.to_string())
    }

    #[test]
    fn the_user_is_the_e_mail_or_else_the_subject() {
        let lee = Principal { email: Some("Lee@example.com".into()), ..who(&[]) };
        for (sql, who, wanted) in [
            ("carrier = user()", &who(&[]), r#"carrier = Utf8("x")"#),
            ("user() = carrier", &lee, r#"carrier = Utf8("Lee@example.com")"#),
            ("carrier in (USER ( ), 'b')", &lee, r#"carrier IN ([Utf8("Lee@example.com"), Utf8("b")])"#),
            ("not (carrier <> user())", &lee, r#"NOT carrier != Utf8("Lee@example.com")"#),
            ("lower(carrier) = lower(user())", &lee, r#"lower(carrier) = lower(Utf8("Lee@example.com"))"#),
        ] {
            assert_eq!(bound_for(sql, who).as_deref(), Ok(wanted), "{sql}");
        }
        for sql in ["month = user()", "carrier = user", "carrier = user(1)", "carrier = user('a')"] {
            assert!(bound_for(sql, &lee).is_err(), "{sql}");
        }
        let named = Schema::new(vec![Field::new("user", DataType::Utf8, true)]);
        let bound = Predicate::read("user = USER()").expect("reads").bind(&named, &lee, &[]).expect("binds");
        assert_eq!(bound.filter.to_string(), r#"user = Utf8("Lee@example.com")"#, "the column beside the function");
    }

    #[test]
    fn groups_are_a_set_and_no_groups_give_nothing_also_under_not() {
        let of = |groups: &[&str]| Principal { groups: Some(groups.iter().map(|g| (*g).into()).collect()), ..who(&[]) };
        for (sql, groups, wanted) in [
            ("carrier in (groups())", &["b", "a"] as &[&str], r#"carrier IN ([Utf8("a"), Utf8("b")])"#),
            ("carrier = groups()", &["b", "a"], r#"carrier IN ([Utf8("a"), Utf8("b")])"#),
            ("carrier = groups()", &["b"], r#"carrier = Utf8("b")"#),
            ("carrier not in (groups(), 'z')", &["b"], r#"carrier NOT IN ([Utf8("b"), Utf8("z")])"#),
        ] {
            assert_eq!(bound_for(sql, &of(groups)).as_deref(), Ok(wanted), "{sql}");
        }
        let missing = Principal { groups: None, ..who(&[]) };
        for sql in [
            "carrier in (groups())",
            "carrier not in (groups())",
            "not (carrier = groups())",
            "carrier <> groups()",
            "carrier = 'a' or carrier in (groups())",
        ] {
            for who in [&of(&[]), &missing] {
                assert!(matches!(bound_for(sql, who), Err(Unusable::Claim(_))), "{sql} {:?}", who.groups);
            }
        }
        assert!(bound_for("carrier < groups()", &of(&["a", "b"])).is_err());
        assert!(bound_for("month = groups()", &of(&["a"])).is_err());
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
            "carrier = \"looked up\"(0)",
            "carrier in (\"looked up\"(0))",
            "carrier = (select max(carrier) from ref.a)",
            "carrier = any (select carrier from ref.a)",
            "exists (select carrier from ref.a)",
            "carrier = 'x' and",
        ] {
            assert!(matches!(bound(sql, &[]), Err(Unusable::Wrong(_))), "{sql}: {:?}", bound(sql, &[]));
        }
    }
}
