//! Look-ups in row predicates: `column in (select column from unit.dataset where …)`, strictly of this form.
//!
//! They are taken out of the predicate, made when access is made, and their values put in as literals: what filters
//! rows stays a predicate on one row, and who sees the same still has the same fingerprint.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use arrow::datatypes::{DataType, Schema};
use chrono::{DateTime, Utc};
use datafusion::{
    common::ScalarValue,
    logical_expr::Expr as Filter,
    sql::sqlparser::{
        ast::{Distinct, Expr, Ident, ObjectName, Query, SelectItem, SetExpr, TableFactor, VisitMut, VisitorMut},
        dialect::GenericDialect,
        parser::Parser,
    },
};
use model::{DatasetName, Principal};
use moka::sync::Cache;

use super::predicate::{Predicate, Unusable};
use crate::{
    Result,
    govern::{Found, Reader},
    table::Snapshot,
};

/// Look-ups of one predicate.
pub(super) const MOST: usize = 4;
/// The function that stands in the predicate for what a look-up gives. No author can write it.
pub(super) const STAND_IN: &str = "looked up";
/// Values that are kept in memory, of all look-ups together.
const KEPT: u64 = 200_000;
/// How long they are kept. What they depend on is in their key; so this bounds memory alone.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How long one that failed is not tried again: whoever waits for it would else try it in turn.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// One look-up as it was written.
#[derive(Debug, Clone)]
pub(super) struct LookUp {
    pub dataset: DatasetName,
    pub column: String,
    filter: Option<Predicate>,
}

/// What a look-up gave: at least one value, none of them null.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub data_type: DataType,
    /// In one order, whatever the order in the dataset.
    pub all: Arc<[ScalarValue]>,
}

/// Takes the look-ups out of a predicate; a stand-in with a look-up's number stays in its place.
pub(super) fn taken_out(predicate: &mut Expr) -> Result<Vec<LookUp>, String> {
    let mut found = Vec::new();
    match VisitMut::visit(predicate, &mut TakeOut(&mut found)) {
        ControlFlow::Continue(()) => Ok(found),
        ControlFlow::Break(why) => Err(*why),
    }
}

struct TakeOut<'a>(&'a mut Vec<LookUp>);

impl VisitorMut for TakeOut<'_> {
    type Break = Box<String>;

    fn pre_visit_expr(&mut self, e: &mut Expr) -> ControlFlow<Self::Break> {
        let refused = |why: String| ControlFlow::Break(Box::new(why));
        match e {
            Expr::InSubquery { expr, subquery, negated } => {
                let look_up = match LookUp::read(subquery) {
                    Ok(look_up) => look_up,
                    Err(why) => return refused(why),
                };
                let Some(stand_in) = stand_in(self.0.len()) else { return refused(FORM.to_owned()) };
                self.0.push(look_up);
                *e = Expr::InList { expr: expr.clone(), list: vec![stand_in], negated: *negated };
                ControlFlow::Continue(())
            }
            Expr::Exists { .. } | Expr::Subquery(_) | Expr::AnyOp { .. } | Expr::AllOp { .. } => {
                refused(FORM.to_owned())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

const FORM: &str = "a look-up is written `column in (select column from unit.dataset where …)`; other sub-queries are \
                    not possible here";

fn stand_in(number: usize) -> Option<Expr> {
    let call = format!("\"{STAND_IN}\"({number})");
    Parser::new(&GenericDialect {}).try_with_sql(&call).and_then(|mut p| p.parse_expr()).ok()
}

impl LookUp {
    fn read(query: &Query) -> Result<Self, String> {
        let other = || format!("{FORM}: `{query}` is something else");
        let SetExpr::Select(select) = query.body.as_ref() else { return Err(other()) };
        let [SelectItem::UnnamedExpr(Expr::Identifier(column))] = select.projection.as_slice() else {
            return Err(other());
        };
        let [from] = select.from.as_slice() else { return Err(other()) };
        let TableFactor::Table { name, .. } = &from.relation else { return Err(other()) };
        let distinct = match &select.distinct {
            None => "",
            Some(Distinct::Distinct) => "DISTINCT ",
            Some(_) => return Err(other()),
        };
        let condition = select.selection.as_ref().map(|c| format!(" WHERE {c}")).unwrap_or_default();
        // Whatever else a query can have would show in its text.
        if query.to_string() != format!("SELECT {distinct}{column} FROM {name}{condition}") {
            return Err(other());
        }
        let filter = select.selection.as_ref().map(|c| Predicate::plain(&c.to_string())).transpose();
        let filter = filter.map_err(|why| format!("in the look-up `{query}`: {why}"))?;
        Ok(Self { dataset: dataset(name).ok_or_else(other)?, column: plain(column), filter })
    }

    /// Whether its values can be compared with a column of that type as they are.
    pub fn fits(&self, has: &DataType, wanted: &DataType) -> Result<(), String> {
        let alike = |a: &DataType, b: &DataType| {
            a == b
                || (a.is_string() && b.is_string())
                // Between whole numbers and floats two that differ can be found equal.
                || (a.is_numeric() && b.is_numeric() && a.is_floating() == b.is_floating())
                || (matches!(a, DataType::Timestamp(..)) && matches!(b, DataType::Timestamp(..)))
        };
        if alike(has, wanted) || wanted.is_null() {
            return Ok(());
        }
        Err(format!("the look-up gives {}.{}, which is {has} and is compared with {wanted}", self.dataset, self.column))
    }

    /// Whether its condition is one over its dataset's columns.
    pub fn check(&self, schema: &Schema) -> Result<(), String> {
        let checked = self.filter.as_ref().map_or(Ok(()), |f| f.check(schema, &[]));
        checked.map_err(|why| format!("in the look-up of {}.{}: {why}", self.dataset, self.column))
    }

    /// As a person reads it in the place of the values.
    pub fn shown(&self) -> String {
        format!("{SHOWN}{}", self.dataset)
    }
}

/// How a look-up's name begins where it stands for the values.
pub(super) const SHOWN: &str = "values of ";

fn plain(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn dataset(name: &ObjectName) -> Option<DatasetName> {
    let [unit, dataset] = name.0.as_slice() else { return None };
    DatasetName::new(&plain(unit.as_ident()?), &plain(dataset.as_ident()?)).ok()
}

/// Everything that the values of a look-up depend on: what is read, and the filter with all claims filled in.
type Key = (DatasetName, u64, DateTime<Utc>, String, String);

/// What look-ups gave, for all who access datasets by them.
pub(super) struct LookUps {
    reader: Reader,
    kept: Cache<Key, Found>,
    /// Who looks the same up at the same time waits for the first.
    turns: Cache<Key, Arc<tokio::sync::Mutex<()>>>,
    failed: Cache<Key, ()>,
}

impl LookUps {
    pub fn new(reader: Reader) -> Self {
        let weight = |_: &Key, found: &Found| match found {
            Found::Values(all) => u32::try_from(all.len()).unwrap_or(u32::MAX).saturating_add(10),
            Found::TooMany => 10,
        };
        let kept = Cache::builder().max_capacity(KEPT).weigher(weight).time_to_live(KEPT_FOR).build();
        let turns = Cache::builder().max_capacity(1_000).time_to_live(KEPT_FOR).build();
        Self { reader, kept, turns, failed: Cache::builder().max_capacity(1_000).time_to_live(FAILED_FOR).build() }
    }

    /// The number of rows that a filter leaves.
    pub async fn count(&self, snapshot: &Arc<Snapshot>, filter: Filter) -> Result<u64> {
        self.reader.count(snapshot, filter).await
    }

    /// The values of one look-up for `who`, in the newest version of its dataset.
    pub async fn values(&self, look_up: &LookUp, who: &Principal) -> Result<Values, Unusable> {
        let LookUp { dataset, column, filter } = look_up;
        let failed = |why: &str| Unusable::LookUp(format!("the look-up of {dataset}.{column}: {why}"));
        let snapshot = self.reader.newest(dataset).await.map_err(|e| {
            tracing::warn!(%dataset, error = ?e, "a look-up cannot be read");
            failed("the dataset cannot be read")
        })?;
        let snapshot = snapshot.ok_or_else(|| failed("there is no such dataset"))?;
        let field = snapshot.schema.field_with_name(column).map_err(|_| failed("there is no such column"))?;
        let filter = filter.as_ref().map(|f| f.bind(&snapshot.schema, who, &[])).transpose()?.map(|b| b.filter);
        let key: Key = (
            dataset.clone(),
            snapshot.version,
            snapshot.committed_at,
            column.clone(),
            filter.as_ref().map(|f| format!("{f:?}")).unwrap_or_default(),
        );
        let found = match self.kept.get(&key) {
            Some(found) => found,
            None => {
                let turn = self.turns.get_with(key.clone(), Arc::default);
                let _turn = turn.lock().await;
                self.make(look_up, &snapshot, filter, key).await.ok_or_else(|| failed("it cannot be made"))?
            }
        };
        match found {
            Found::Values(all) if all.is_empty() => Err(failed("it gives no value")),
            Found::Values(all) => Ok(Values { data_type: field.data_type().clone(), all }),
            Found::TooMany => Err(failed("it gives more values than a look-up may")),
        }
    }

    /// Makes it, unless somebody just has.
    async fn make(&self, of: &LookUp, snapshot: &Arc<Snapshot>, filter: Option<Filter>, key: Key) -> Option<Found> {
        if let Some(found) = self.kept.get(&key) {
            return Some(found);
        }
        if self.failed.contains_key(&key) {
            return None;
        }
        match self.reader.distinct(snapshot, &of.column, filter).await {
            Ok(found) => {
                self.kept.insert(key, found.clone());
                Some(found)
            }
            Err(e) => {
                tracing::warn!(dataset = %of.dataset, error = ?e, "a look-up cannot be made");
                self.failed.insert(key, ());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_has_one_column_of_one_dataset_and_a_condition() {
        for sql in [
            "a in (select b from ref.x)",
            "a not in (select distinct B from Ref.X where c = 1)",
            "not (a in (select \"b\" from ref.x where c = claim('c') and d in ('e', user())))",
        ] {
            let predicate = Predicate::read(sql).expect(sql);
            let [look_up] = predicate.look_ups.as_slice() else { panic!("{sql}") };
            assert_eq!((look_up.dataset.to_string().as_str(), look_up.column.as_str()), ("ref.x", "b"), "{sql}");
        }
        let two = Predicate::read("a in (select b from ref.x) or c in (select d from ref.y)").expect("two");
        assert_eq!(two.look_ups.iter().map(|l| l.dataset.to_string()).collect::<Vec<_>>(), ["ref.x", "ref.y"]);
    }

    #[test]
    fn everything_else_is_refused_with_the_form() {
        for sql in [
            "a in (select 1)",
            "a in (select b, c from ref.x)",
            "a in (select * from ref.x)",
            "a in (select b as c from ref.x)",
            "a in (select lower(b) from ref.x)",
            "a in (select max(b) from ref.x)",
            "a in (select x.b from ref.x)",
            "a in (select b from ref.x y)",
            "a in (select b from x)",
            "a in (select b from lake.ref.x)",
            "a in (select b from ref.x, ref.y)",
            "a in (select b from ref.x join ref.y on true)",
            "a in (select b from ref.x limit 1)",
            "a in (select b from ref.x order by b)",
            "a in (select b from ref.x group by b)",
            "a in (select b from ref.x having true)",
            "a in (select top 1 b from ref.x)",
            "a in (select b from ref.x offset 1)",
            "a in (select b from ref.x for update)",
            "a in (select b from (select b from ref.x))",
            "a in (select b from ref.x union select b from ref.y)",
            "a in (with y as (select 1) select b from ref.x)",
            "a in (select distinct on (b) b from ref.x)",
            "a in (select b from ref.x where c in (select d from ref.y))",
            "a in (select b from ref.x version as of 1)",
            "a in (select b from ref.x tablesample bernoulli (10))",
            "a in (values (1))",
            "a in (table x)",
            "(a, b) in (select b from ref.x) and exists (select b from ref.x)",
            "a = (select b from ref.x)",
            "a = any (select b from ref.x)",
            "a in (select b from ref.a) or a in (select b from ref.b) or a in (select b from ref.c) or a in (select b \
             from ref.d) or a in (select b from ref.e)",
        ] {
            assert!(Predicate::read(sql).is_err(), "{sql}");
        }
    }
}
