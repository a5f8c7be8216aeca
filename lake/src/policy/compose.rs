//! Several grants on one dataset become one access: a cell is visible when one single grant gives its row and column.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{Case, Cast, Expr, Operator, binary_expr},
    sql::unparser::{Unparser, dialect::Dialect},
};
use sha2::{Digest, Sha256};

use super::{TableAccess, lookup::SHOWN, mask::Mask};

/// What one grant gives of one dataset.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// `None` for all rows.
    pub filter: Option<Expr>,
    /// The filter as it is told to whom it narrows; `None` for all rows.
    pub said: Option<Said>,
    /// Visible columns, each with its mask.
    pub columns: BTreeMap<String, Option<Mask>>,
}

/// A filter for a person.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub words: Expr,
    /// Whether the person may know of the datasets that it looks values up in.
    pub told: bool,
}

/// Composes parts; `None` when no column is visible.
///
/// # Errors
/// A sentence for stewards when a mask does not fit its column.
pub(super) fn compose(parts: &[Part], schema: &Schema, secret: &Arc<[u8]>) -> Result<Option<TableAccess>, String> {
    let parts: Vec<&Part> = parts.iter().filter(|p| !p.columns.is_empty()).collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let mut access = TableAccess {
        columns: Vec::new(),
        filter: any(parts.iter().map(|p| p.filter.as_ref())),
        masks: BTreeMap::new(),
        note: model::AccessNote::default(),
        rows_in_truth: None,
        fingerprint: [0; 32],
    };
    for field in schema.fields() {
        let giving: Vec<(&Part, Option<Mask>)> =
            parts.iter().filter_map(|p| Some((*p, p.columns.get(field.name())?.clone()))).collect();
        if giving.is_empty() {
            continue;
        }
        access.columns.push(field.name().clone());
        let column = Visible::of(&parts, &giving);
        if let Some(words) = column.words() {
            access.note.masks.push((field.name().clone(), words));
        }
        if let Some(mask) = column.expression(field.name(), field.data_type(), secret)? {
            access.masks.insert(field.name().clone(), mask);
        }
    }
    access.note.columns_hidden = access.columns.len() < schema.fields().len();
    if access.filter.is_some() {
        let said: Option<Vec<Expr>> = parts.iter().map(|p| Some(p.said.as_ref()?.words.clone())).collect();
        access.rows_in_truth = said.and_then(|said| any(said.iter().map(Some)).as_ref().map(text));
    }
    access.note.rows = access.filter.as_ref().map(|filter| note(filter, &parts, &access));
    access.fingerprint = fingerprint(&access, secret);
    Ok(Some(access))
}

/// How one column shows, row by row: the first case whose filter holds decides; no case, no value.
struct Visible {
    /// Unmasked first, then by mask. A filter of `None` holds for every row that is left.
    cases: Vec<(Option<Expr>, Option<Mask>)>,
    /// Whether every visible row meets a case.
    total: bool,
}

impl Visible {
    fn of(all: &[&Part], giving: &[(&Part, Option<Mask>)]) -> Self {
        let mut cases: Vec<(Option<Expr>, Option<Mask>)> = Vec::new();
        let mut masks: Vec<Option<Mask>> = giving.iter().map(|(_, m)| m.clone()).collect();
        masks.sort_unstable();
        masks.dedup();
        for mask in masks {
            let these = giving.iter().filter(|(_, m)| *m == mask);
            let filter = any(these.map(|(p, _)| p.filter.as_ref()));
            let last = filter.is_none();
            cases.push((filter, mask));
            if last {
                return Self { cases, total: true };
            }
        }
        let covered = |p: &&Part| giving.iter().any(|(g, _)| g.filter == p.filter);
        Self { cases, total: all.iter().all(covered) }
    }

    fn words(&self) -> Option<String> {
        match (self.cases.as_slice(), self.total) {
            ([(_, None)], true) => None,
            ([(_, Some(mask))], true) => Some(mask.words()),
            (cases, _) => {
                let mut words: Vec<String> = cases.iter().filter_map(|(_, m)| m.as_ref().map(Mask::words)).collect();
                if !self.total {
                    words.push("hidden".to_owned());
                }
                words.dedup();
                Some(format!("{} in some rows", words.join(" or ")))
            }
        }
    }

    /// `None` when the raw column is what shows.
    fn expression(&self, name: &str, data_type: &DataType, secret: &Arc<[u8]>) -> Result<Option<Expr>, String> {
        let value = |mask: &Option<Mask>| match mask {
            None => Ok((Expr::Column(Column::new_unqualified(name)), data_type.clone())),
            Some(mask) => mask.over(name, data_type, secret),
        };
        let values = self.cases.iter().map(|(_, m)| value(m)).collect::<Result<Vec<_>, String>>()?;
        // All branches of a CASE have one type; where masks give several, it is text.
        let mixed = values.iter().any(|(_, t)| values.first().is_some_and(|(_, first)| first != t));
        let one_type = |e| if mixed { Expr::Cast(Cast::new(Box::new(e), DataType::Utf8)) } else { e };
        let mut values = values.into_iter().map(|(e, _)| one_type(e));
        if let ([(_, mask)], true) = (self.cases.as_slice(), self.total) {
            return Ok(mask.as_ref().and_then(|_| values.next()));
        }
        let mut when = Vec::new();
        let mut otherwise = None;
        for ((filter, _), value) in self.cases.iter().zip(values) {
            match filter {
                Some(filter) => when.push((Box::new(filter.clone()), Box::new(value))),
                None => otherwise = Some(Box::new(value)),
            }
        }
        if otherwise.is_none() {
            otherwise = Some(Box::new(Expr::Literal(ScalarValue::Null, None)));
        }
        Ok(Some(Expr::Case(Case { expr: None, when_then_expr: when, else_expr: otherwise })))
    }
}

/// The rows that any of these filters gives; `None` as soon as one gives all.
fn any<'a>(filters: impl Iterator<Item = Option<&'a Expr>>) -> Option<Expr> {
    let mut distinct: Vec<Expr> = Vec::new();
    for filter in filters {
        let filter = filter?;
        if !distinct.contains(filter) {
            distinct.push(filter.clone());
        }
    }
    // In one order whatever the order of the grants, so that equal accesses are equal.
    distinct.sort_by_cached_key(|e| format!("{e:?}"));
    distinct.into_iter().reduce(|a, b| binary_expr(a, Operator::Or, b))
}

/// A filter for the person that it narrows: its text may name a column or a value that it hides, and values from
/// elsewhere are never in it.
fn note(filter: &Expr, parts: &[&Part], access: &TableAccess) -> String {
    let shows = |c: &&Column| access.columns.contains(&c.name) && !access.masks.contains_key(&c.name);
    if !filter.column_refs().iter().all(shows) {
        return model::AccessNote::ON_HIDDEN.into();
    }
    let words = |part: &&Part| part.said.as_ref().filter(|said| said.told).map(|said| said.words.clone());
    match parts.iter().map(words).collect::<Option<Vec<Expr>>>() {
        Some(said) => any(said.iter().map(Some)).as_ref().map(text).unwrap_or_default(),
        None => model::AccessNote::LOOKED_UP.into(),
    }
}

/// A filter as a person reads it.
fn text(filter: &Expr) -> String {
    let unparser = Unparser::new(&Readable).with_pretty(true);
    unparser.expr_to_sql(filter).map_or_else(|_| filter.to_string(), |sql| sql.to_string())
}

/// SQL in which names that are plain letters stand without quotes, also where they are keywords somewhere, and so do
/// those of look-ups.
struct Readable;

impl Dialect for Readable {
    fn identifier_quote_style(&self, name: &str) -> Option<char> {
        let plain = |c: char| c.is_lowercase() || c.is_ascii_digit() || c == '_';
        let name = name.strip_prefix(SHOWN).map_or_else(|| name.to_owned(), |dataset| dataset.replacen('.', "", 1));
        (!name.chars().all(plain)).then_some('"')
    }
}

/// SHA-256 over columns, filter and masks, each length-prefixed, so that no two accesses read the same.
///
/// The secret is part of it where something is masked: after it changes, no hash under the old one is shown again.
fn fingerprint(access: &TableAccess, secret: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |s: &str| {
        hash.update((s.len() as u64).to_le_bytes());
        hash.update(s.as_bytes());
    };
    add("access 1");
    add(&access.columns.len().to_string());
    access.columns.iter().for_each(|c| add(c));
    match &access.filter {
        None => add("all rows"),
        Some(filter) => {
            add("filter");
            add(&format!("{filter:?}"));
        }
    }
    add(&access.masks.len().to_string());
    if !access.masks.is_empty() {
        add(&format!("{:x}", Sha256::digest(secret)));
    }
    for (column, mask) in &access.masks {
        add(column);
        add(&format!("{mask:?}"));
    }
    hash.finalize().into()
}
