//! What owners gave on request: one document of grants that stand beside those of `policy.toml`, each for one identity,
//! one dataset and a time.
//!
//! One request in each freshness time asks for its newest version. While the store does not answer, nothing of the
//! policy holds; a document that cannot be read gives nothing, and `policy.toml` holds alone: a grant takes nothing
//! away, so that nobody sees more.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use datafusion::logical_expr::Expr;
use model::{AccessNote, Action, ColumnExplanation, DatasetName, Giving, Principal};
use serde::{Deserialize, Serialize};

use super::{
    condition,
    document::{Places, Written},
    grantee::{Grantee, Pattern},
    mask::Mask,
    predicate::{Predicate, Unusable},
    source::Source,
};
use crate::{LakeError, Result, document::Documents, govern::always_answers, store::soon};

const KIND: &str = "grants";
const ID: &str = "all";
/// Bytes of one row filter.
const ROWS_BYTES: usize = 4 << 10;
/// What may be given by who does not write the policy: nothing that fails for a row, which would fail what the policy
/// gives beside it, and nothing that costs more than looking at the row.
pub(super) const SIMPLE: &str = "it is made of columns and fixed values by comparisons, `in`, `between`, `like`, \
                                 `is null`, `and`, `or`, `not`, `lower`, `upper`, `length`, `starts_with`, \
                                 `coalesce` and `nullif` alone, so that it has an answer for every row";
/// Times that a write is tried while others write.
const ATTEMPTS: usize = 20;

/// One grant, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The request that it answers.
    pub request: String,
    /// Key of the identity that it is for.
    pub to: String,
    /// For people.
    pub name: String,
    pub dataset: DatasetName,
    pub give: Giving,
    pub purpose: String,
    /// Name of who gave it.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// What a grant gives by itself.
pub(crate) struct Gives {
    /// `None` for all rows.
    pub filter: Option<Expr>,
    pub columns: Vec<ColumnExplanation>,
}

/// The newest version's number, or `None` when nothing was ever given.
pub(super) async fn newest(documents: &Documents) -> Result<Option<u64>> {
    soon(documents.newest(KIND, ID)).await
}

/// The grants that hold, or held lately.
pub(super) async fn read(documents: &Documents) -> Result<Vec<Written>> {
    match all(documents).await {
        Ok(given) => Ok(given.iter().map(Given::written).collect()),
        Err(e @ LakeError::Internal { .. }) => {
            tracing::error!(error = ?e, "what was given on request cannot be read; nothing of it holds");
            Ok(Vec::new())
        }
        Err(e) => Err(e),
    }
}

/// # Errors
/// [`LakeError::Store`]; [`LakeError::Internal`] when the document cannot be read.
pub(crate) async fn all(documents: &Documents) -> Result<Vec<Given>> {
    Ok(documents.get::<Vec<Given>>(KIND, ID).await?.map(|d| d.value).unwrap_or_default())
}

/// Writes the grants anew, without those whose time is over.
///
/// # Errors
/// [`LakeError::Conflict`] when others kept writing first; as [`all`].
pub(crate) async fn change(documents: &Documents, with: impl Fn(&mut Vec<Given>)) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let found = documents.get::<Vec<Given>>(KIND, ID).await?;
        let (version, before) = found.map_or((None, Vec::new()), |d| (Some(d.version), d.value));
        let mut given = before.clone();
        with(&mut given);
        given.retain(|g| Utc::now() < g.give.until);
        if given == before {
            return Ok(());
        }
        let written = match version {
            None => documents.create(KIND, ID, &given).await,
            Some(version) => documents.update(KIND, ID, version, &given).await,
        };
        match written {
            Err(LakeError::Conflict { .. }) => {}
            done => return done,
        }
    }
    Err(LakeError::Conflict { what: "what is given on request" })
}

impl Given {
    fn written(&self) -> Written {
        let masks = self.give.mask.iter().map(|(c, m)| Ok((c.clone(), Mask::parse(m)?)));
        let masks = masks.collect::<Result<BTreeMap<_, _>, String>>();
        let rows = self.give.rows.as_deref().map(Predicate::plain);
        // What is wrong anywhere makes the whole grant give nothing.
        let (mask, rows) = match masks {
            Ok(mask) => (mask, rows),
            Err(why) => (BTreeMap::new(), Some(Err(why))),
        };
        let note = format!("given by {} on {}, asked for: {}", self.by, self.at.format("%Y-%m-%d"), self.purpose);
        let Giving { until, rows: text, columns, except, mask: masks } = self.give.clone();
        let grant = model::Grant {
            to: vec![format!("{} alone", self.name)],
            on: vec![self.dataset.to_string()],
            may: vec![Action::Read],
            rows: text,
            columns,
            except,
            mask: masks,
            from: None,
            until: Some(until),
            note,
        };
        let (to, on) = (vec![Grantee::Key(self.to.clone())], vec![Pattern::One(self.dataset.clone())]);
        Written { grant, to, on, mask, rows, line: 0, places: Places::default(), purpose: Some(self.purpose.clone()) }
    }
}

/// What `give` gives of a dataset with this schema, or what is wrong with it.
///
/// # Errors
/// [`LakeError::InvalidSql`] with the place in `rows`; [`LakeError::Invalid`] for the rest.
pub(crate) fn check(give: &Giving, dataset: &DatasetName, schema: &Schema) -> Result<Gives> {
    let filter = give.rows.as_deref().map(|rows| filter(rows, schema)).transpose()?;
    let named = give.columns.iter().flatten().chain(&give.except).chain(give.mask.keys());
    if let Some(unknown) = named.into_iter().find(|c| schema.field_with_name(c).is_err()) {
        return Err(LakeError::invalid(format!("{dataset} has no column `{unknown}`")));
    }
    let mut columns = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        let listed = give.columns.as_ref().is_none_or(|l| l.contains(name)) && !give.except.contains(name);
        let wrong = |why: String| LakeError::invalid(format!("the mask of `{name}`: {why}"));
        let mask = give.mask.get(name).map(|m| Mask::parse(m).map_err(wrong)).transpose()?;
        if let Some(mask) = &mask {
            mask.over(name, field.data_type(), &Arc::from([])).map_err(wrong)?;
        }
        let shows = match &mask {
            _ if !listed => "hidden".to_owned(),
            None => "seen".to_owned(),
            Some(mask) => mask.words(),
        };
        columns.push(ColumnExplanation { name: name.clone(), shows, whole: listed && mask.is_none() });
    }
    if columns.iter().all(|c| c.shows == "hidden") {
        return Err(LakeError::invalid("that leaves no column to see: name fewer to leave out, or refuse"));
    }
    Ok(Gives { filter, columns })
}

fn filter(rows: &str, schema: &Schema) -> Result<Expr> {
    if rows.len() > ROWS_BYTES {
        return Err(LakeError::invalid(format!("the condition on rows is longer than {ROWS_BYTES} bytes")));
    }
    let wrong = |why: String| wrong(rows, why);
    // Neither values of the asker, which would tell the owner of them, nor other datasets, which may not be the owner's.
    condition(rows, schema).map_err(wrong)?;
    let bound = Predicate::plain(rows).map_err(wrong)?.bind(schema, &nobody(), &[]);
    let filter = bound.map_err(Unusable::words).map_err(wrong)?.filter;
    if always_answers(&filter, schema) { Ok(filter) } else { Err(wrong(SIMPLE.to_owned())) }
}

/// What is given as its receiver may read it, who would learn from its text what is hidden from them: no column that is
/// left out, no condition on one that does not show as it is, and masks in words.
pub(crate) fn told(give: &Giving, schema: Option<&Schema>) -> Giving {
    let listed = |c: &String| give.columns.as_ref().is_none_or(|l| l.contains(c)) && !give.except.contains(c);
    let shows = |rows: &str| {
        let filter = schema.and_then(|schema| filter(rows, schema).ok());
        filter.is_some_and(|f| f.column_refs().iter().all(|c| listed(&c.name) && !give.mask.contains_key(&c.name)))
    };
    let rows = give.rows.as_ref();
    let masks = give.mask.iter().filter(|(column, _)| listed(column));
    let in_words = |mask: &str| Mask::parse(mask).map_or_else(|_| "masked".to_owned(), |mask| mask.words());
    Giving {
        until: give.until,
        rows: rows.map(|rows| if shows(rows) { rows.clone() } else { AccessNote::ON_HIDDEN.to_owned() }),
        columns: give.columns.as_ref().map(|all| all.iter().filter(|c| listed(c)).cloned().collect()),
        except: Vec::new(),
        mask: masks.map(|(column, mask)| (column.clone(), in_words(mask))).collect(),
    }
}

/// The error with its place, where it names one or a word that stands once.
fn wrong(rows: &str, why: String) -> LakeError {
    let inner = why.strip_prefix("ParserError(\"").and_then(|w| w.strip_suffix("\")"));
    let why = inner.map_or(why.clone(), str::to_owned);
    let number = |after: &str| {
        let digits = why.split_once(after)?.1.chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse::<u64>().ok()
    };
    let word = || {
        let word = why.strip_prefix("No field named ")?.trim_matches(|c| c == '"' || c == '.');
        Some(Source::new(rows).place(rows.find(word.split_whitespace().next()?)?))
    };
    let end = || why.ends_with("found: EOF").then(|| Source::new(rows).place(rows.len()));
    let place = number("Line: ").zip(number("Column: ")).or_else(word).or_else(end);
    let (line, column) = place.unzip();
    LakeError::InvalidSql { message: format!("the condition on rows: {why}"), line, column, hint: None }
}

/// Of whom nothing is known.
fn nobody() -> Principal {
    Principal {
        issuer: String::new(),
        subject: String::new(),
        name: String::new(),
        email: None,
        groups: None,
        claims: BTreeMap::new(),
        scope: None,
        origin: model::Origin::default(),
    }
}
