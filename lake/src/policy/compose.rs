//! Several grants on one dataset become one access: a cell is visible when one single grant gives its row and column.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::datatypes::{DataType, Schema};
use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{Case, Cast, Expr},
    sql::unparser::{Unparser, dialect::Dialect},
};
use sha2::{Digest, Sha256};

use super::{
    TableAccess,
    filters::{Filters, Number},
    lookup::SHOWN,
    mask::Mask,
};

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
/// A sentence for stewards when a mask does not fit its column, or the grants are more than can be planned.
pub(super) fn compose(parts: &[Part], schema: &Schema, secret: &Arc<[u8]>) -> Result<Option<TableAccess>, String> {
    let parts: Vec<&Part> = parts.iter().filter(|p| !p.columns.is_empty()).collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let (mut filters, numbers) = Filters::of(&parts.iter().map(|p| p.filter.as_ref()).collect::<Vec<_>>());
    let distinct: BTreeSet<Number> = numbers.iter().copied().collect();
    let mut access = TableAccess {
        columns: Vec::new(),
        filter: filters.any(numbers.iter().copied())?,
        masks: BTreeMap::new(),
        note: model::AccessNote::default(),
        rows_in_truth: None,
        fingerprint: [0; 32],
    };
    for field in schema.fields() {
        let giving = parts.iter().zip(&numbers).filter_map(|(p, n)| Some((p.columns.get(field.name())?.as_ref(), *n)));
        let giving: BTreeSet<(Option<&Mask>, Number)> = giving.collect();
        if giving.is_empty() {
            continue;
        }
        access.columns.push(field.name().clone());
        let column = Visible::of(&mut filters, &distinct, &giving)?;
        if let Some(words) = column.words() {
            access.note.masks.push((field.name().clone(), words));
        }
        if let Some(mask) = column.expression(field.name(), field.data_type(), secret)? {
            access.masks.insert(field.name().clone(), mask);
        }
    }
    access.note.columns_hidden = access.columns.len() < schema.fields().len();
    if let Some(filter) = &access.filter {
        access.rows_in_truth = in_words(&parts, |_| true)?;
        access.note.rows = Some(note(filter, &parts, &access)?);
    }
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
    fn of(
        filters: &mut Filters<'_>,
        all: &BTreeSet<Number>,
        giving: &BTreeSet<(Option<&Mask>, Number)>,
    ) -> Result<Self, String> {
        let masks: BTreeSet<Option<&Mask>> = giving.iter().map(|(mask, _)| *mask).collect();
        let covered: BTreeSet<Number> = giving.iter().map(|(_, number)| *number).collect();
        let total = all.is_subset(&covered);
        if let (Some(mask), 1, true) = (masks.first(), masks.len(), total) {
            return Ok(Self { cases: vec![(None, mask.cloned())], total });
        }
        let mut cases = Vec::new();
        for mask in masks {
            let these = giving.iter().filter(|(m, _)| *m == mask);
            let filter = filters.any(these.map(|(_, number)| *number))?;
            let last = filter.is_none();
            cases.push((filter, mask.cloned()));
            if last {
                return Ok(Self { cases, total: true });
            }
        }
        Ok(Self { cases, total })
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

/// A filter for the person that it narrows: its text may name a column or a value that it hides, and values from
/// elsewhere are never in it.
fn note(filter: &Expr, parts: &[&Part], access: &TableAccess) -> Result<String, String> {
    let shows = |c: &&Column| access.columns.contains(&c.name) && !access.masks.contains_key(&c.name);
    if !filter.column_refs().iter().all(shows) {
        return Ok(model::AccessNote::ON_HIDDEN.into());
    }
    Ok(in_words(parts, |said| said.told)?.unwrap_or_else(|| model::AccessNote::LOOKED_UP.into()))
}

/// The filters of all parts as they are told; `None` when one of them may not be.
fn in_words(parts: &[&Part], may: impl Fn(&Said) -> bool) -> Result<Option<String>, String> {
    let said = parts.iter().map(|part| part.said.as_ref().filter(|said| may(said)).map(|said| &said.words));
    let said: Vec<Option<&Expr>> = said.collect();
    let (mut filters, numbers) = Filters::of(&said);
    Ok(filters.any(numbers.into_iter())?.as_ref().map(text))
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
