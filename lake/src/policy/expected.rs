//! `[[test]]` of a policy: what its author expects somebody to see, and whether that came true.
//!
//! Only the check before a policy is used looks at them; a policy that breaks its own tests holds all the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime};
use datafusion::sql::sqlparser::{ast::Statement, dialect::GenericDialect, parser::Parser};
use model::{Cell, Principal};
use serde::Deserialize;
use toml::Value;

use super::source::Place;

/// One test.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub who: Principal,
    pub sql: String,
    pub expect: Expect,
    pub place: Place,
}

/// What is expected of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expect {
    /// These rows; in this order where the query orders.
    Rows(Vec<Vec<Value>>),
    /// So many rows.
    Count(u64),
    /// As if there were no such dataset or column.
    Denied,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTest {
    #[serde(rename = "as")]
    who: RawPerson,
    sql: String,
    expect: Option<Value>,
    rows: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    user: String,
    email: Option<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    claims: BTreeMap<String, OneOrMore>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Test {
    pub fn parse(raw: RawTest, place: Place) -> Result<Self, String> {
        let cure = "write expect = [[\"UA\", 1]] for rows, expect = \"denied\", or rows = 3 for their number";
        let expect = match (raw.expect, raw.rows) {
            (None, Some(rows)) => Expect::Count(rows),
            (Some(Value::String(s)), None) if s == "denied" => Expect::Denied,
            (Some(Value::Array(rows)), None) => {
                let rows = rows.into_iter().map(|r| match r {
                    Value::Array(cells) => Ok(cells),
                    other => Err(format!("`{other}` is no row: {cure}")),
                });
                Expect::Rows(rows.collect::<Result<_, _>>()?)
            }
            (Some(_), Some(_)) => return Err(format!("`expect` and `rows` stand together: {cure}")),
            (None, None) => return Err(format!("the test has no `expect`: {cure}")),
            (Some(other), None) => return Err(format!("`{other}` cannot be expected: {cure}")),
        };
        let RawPerson { user, email, groups, claims } = raw.who;
        let values = |v| match v {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        };
        let who = Principal {
            issuer: "policy-test".to_owned(),
            name: user.clone(),
            email: email.or_else(|| user.contains('@').then(|| user.clone())),
            subject: user,
            groups: Some(groups),
            claims: claims.into_iter().map(|(name, v)| (name, values(v))).collect(),
            scope: None,
            origin: Default::default(),
        };
        Ok(Self { who, sql: raw.sql, expect, place })
    }
}

/// Whether these are the expected rows, in this order if the query orders.
pub(super) fn meets(got: &[Vec<Cell>], wanted: &[Vec<Value>], sql: &str) -> bool {
    let row = |got: &Vec<Cell>, wanted: &Vec<Value>| {
        got.len() == wanted.len() && got.iter().zip(wanted).all(|(cell, value)| alike(cell, value))
    };
    if got.len() != wanted.len() {
        return false;
    }
    if orders(sql) {
        return got.iter().zip(wanted).all(|(got, wanted)| row(got, wanted));
    }
    let mut left: Vec<&Vec<Value>> = wanted.iter().collect();
    got.iter().all(|got| {
        let found = left.iter().position(|wanted| row(got, wanted));
        found.map(|i| left.swap_remove(i)).is_some()
    })
}

/// Whether the whole answer comes in an order of the query's.
fn orders(sql: &str) -> bool {
    match Parser::parse_sql(&GenericDialect {}, sql).as_deref() {
        Ok([Statement::Query(query)]) => query.order_by.is_some(),
        _ => false,
    }
}

/// Whether a cell is the value, as far as the types of JSON and TOML can say; `[]` stands for no value.
fn alike(cell: &Cell, value: &Value) -> bool {
    match value {
        Value::Array(none) => none.is_empty() && cell.is_null(),
        Value::Boolean(b) => cell.as_bool() == Some(*b),
        Value::Integer(i) => match cell {
            Cell::String(decimal) => same_number(decimal, &i.to_string()),
            cell => {
                cell.as_i64() == Some(*i) || cell.as_f64().is_some_and(|f| same_number(&f.to_string(), &i.to_string()))
            }
        },
        Value::Float(f) => {
            let has = cell.as_f64().or_else(|| cell.as_str().and_then(|s| s.parse().ok()));
            has.is_some_and(|has| {
                has == *f || (has.is_nan() && f.is_nan()) || (has - f).abs() <= 1e-9 * has.abs().max(f.abs())
            })
        }
        Value::Datetime(d) => {
            let wanted = d.to_string();
            let same = |s: &str| s == wanted || instant(s).is_some_and(|i| Some(i) == instant(&wanted));
            cell.as_str().is_some_and(same)
        }
        Value::String(s) => match cell {
            Cell::String(has) => has == s,
            Cell::Null => false,
            Cell::Bool(_) | Cell::Number(_) | Cell::Array(_) | Cell::Object(_) => {
                let text = cell.to_string();
                text == *s
            }
        },
        Value::Table(_) => false,
    }
}

/// Digits alike but for zeros behind the point.
fn same_number(a: &str, b: &str) -> bool {
    let plain = |s: &str| match s.split_once('.') {
        Some((whole, part)) if part.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => s.to_owned(),
    };
    plain(a) == plain(b)
}

fn instant(s: &str) -> Option<NaiveDateTime> {
    let zoned = DateTime::parse_from_rfc3339(s).map(|d| d.naive_utc());
    zoned.or_else(|_| NaiveDateTime::parse_from_str(s, "%Y-%m-%dT%H:%M:%S%.f")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Vec<Value> {
        match toml::from_str::<toml::Table>(&format!("v = {text}")).expect(text).remove("v") {
            Some(Value::Array(values)) => values,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cells_are_compared_as_their_types_mean() {
        for (cell, value, wanted) in [
            (json!("UA"), "['UA']", true),
            (json!("UA"), "['ua']", false),
            (json!(3), "[3]", true),
            (json!(3), "['3']", true),
            (json!(3.0), "[3]", true),
            (json!(3.5), "[3]", false),
            (json!("3.50"), "[3.5]", true),
            (json!("3.00"), "[3]", true),
            (json!("3.01"), "[3]", false),
            (json!("12345678901234567890.00"), "[3]", false),
            (json!(0.1 + 0.2), "[0.3]", true),
            (json!(0.31), "[0.3]", false),
            (json!("NaN"), "[nan]", true),
            (json!(null), "[[]]", true),
            (json!(""), "[[]]", false),
            (json!(null), "['']", false),
            (json!(null), "['null']", false),
            (json!(0), "[[]]", false),
            (json!(true), "[true]", true),
            (json!(1), "[true]", false),
            (json!("2013-01-01"), "[2013-01-01]", true),
            (json!("2013-01-01"), "['2013-01-01']", true),
            (json!("2013-01-02"), "[2013-01-01]", false),
            (json!("2013-01-01T05:00:00"), "[2013-01-01T05:00:00]", true),
            (json!("2013-01-01T05:00:00.000001"), "[2013-01-01T05:00:00]", false),
            (json!("2013-01-01T05:00:00Z"), "[2013-01-01T07:00:00+02:00]", true),
        ] {
            assert_eq!(alike(&cell, &values(value)[0]), wanted, "{cell} {value}");
        }
    }

    #[test]
    fn order_counts_where_the_query_orders() {
        let got = [vec![json!(1), json!("a")], vec![json!(2), json!("b")], vec![json!(1), json!("a")]];
        let rows = |text: &str| -> Vec<Vec<Value>> {
            values(text).into_iter().map(|r| r.as_array().expect("row").clone()).collect()
        };
        for (sql, wanted, meets_it) in [
            ("select x, y from t", "[[2, 'b'], [1, 'a'], [1, 'a']]", true),
            ("select x, y from t", "[[2, 'b'], [2, 'b'], [1, 'a']]", false),
            ("select x, y from t", "[[2, 'b'], [1, 'a']]", false),
            ("select x, y from t", "[[2], [1], [1]]", false),
            ("select x, y from t order by x", "[[2, 'b'], [1, 'a'], [1, 'a']]", false),
            ("select x, y from t order by z", "[[1, 'a'], [2, 'b'], [1, 'a']]", true),
            ("select x, y from (select * from t order by x)", "[[2, 'b'], [1, 'a'], [1, 'a']]", true),
        ] {
            assert_eq!(meets(&got, &rows(wanted), sql), meets_it, "{sql} {wanted}");
        }
    }
}
