//! Columns of a file into the columns of its dataset: names, types, and the rows that do not fit.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, new_null_array},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use model::{ColumnReport, ColumnType, RefusedBecause};

use super::{
    Refusal,
    check::Checks,
    columnar,
    convert::{Style, column_type, convert, data_type},
    infer::{Clues, Decision, Evidence},
    name::{column_name, column_names},
    raw::{Cells, RawColumn, RawTable},
    value::{
        date::{DateShape, Stamp},
        number::{Mark, Shape},
    },
    words,
};
use crate::{
    contract::{Contract, Source},
    table::WriteMode,
};

/// What a file must fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub contract: &'a Contract,
    pub source: &'a Source,
    /// The dataset's schema, when there is one already.
    pub existing: Option<&'a Schema>,
}

/// A file's rows in the dataset's columns. Rows with a misfit are still among them.
#[derive(Debug)]
pub(super) struct Fitted {
    pub schema: SchemaRef,
    pub arrays: Vec<ArrayRef>,
    /// The file's own columns, in its order, and which array each became.
    pub columns: Vec<(ColumnReport, usize)>,
    /// At most one a row, ascending.
    pub misfits: Vec<Misfit>,
    /// Sentences for the report.
    pub warnings: Vec<String>,
    /// Set when the contract refuses the file for what its rows hold.
    pub refused: Option<Refusal>,
}

#[derive(Debug)]
pub(super) struct Misfit {
    pub row: usize,
    /// The column at fault, when it is one.
    pub column: Option<String>,
    pub value: Option<String>,
    pub reason: String,
}

/// How the columns of a file become those of its dataset.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The dataset's columns, then those that the file or the contract adds.
    pub schema: SchemaRef,
    /// One a column of the file, in its order.
    pub columns: Vec<Planned>,
}

#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub name: String,
    pub label: String,
    pub found: Decision,
    /// The type that the dataset or its contract gives.
    pub given: Option<ColumnType>,
    pub target: ColumnType,
    pub style: Style,
    /// Its place in the schema.
    pub at: usize,
}

impl Plan {
    /// By the header's `labels` and what the columns were found to be. `learned` tells what the values of a column prove
    /// whose type is another than the one found.
    ///
    /// # Errors
    /// `schema_conflict` when the file's columns are not the dataset's, `contract` when two columns get one name.
    pub fn of(
        labels: &[&str],
        found: &[Decision],
        clues: Clues,
        learned: impl Fn(usize) -> Clues,
        rules: Rules<'_>,
    ) -> Result<Self, Refusal> {
        let names = names(labels, rules)?;
        check_names(&names, rules)?;
        let mut fields: Vec<Field> =
            rules.existing.map(|s| s.fields().iter().map(|f| f.as_ref().clone()).collect()).unwrap_or_default();
        let mut places: HashMap<String, usize> =
            fields.iter().enumerate().map(|(at, field)| (field.name().clone(), at)).collect();
        let mut columns = Vec::with_capacity(labels.len());
        for (at, (name, label)) in names.into_iter().zip(labels).enumerate() {
            let found = found[at];
            let place = places.get(&name).copied();
            let given = match place {
                Some(at) => Some(known_type(&fields[at])?),
                None => rules.contract.columns.get(&name).and_then(|c| c.column_type),
            };
            let target = given.unwrap_or(found.column_type);
            let style = Style {
                mark: found.mark,
                day_first: found.day_first,
                clues: if target == found.column_type { clues } else { clues.and(&learned(at)) },
                zone: rules.source.time_zone,
                format: rules.contract.columns.get(&name).and_then(|rule| rule.format.clone()),
                given: given.is_some(),
            };
            let place = place.unwrap_or_else(|| {
                let labelled = HashMap::from([("label".to_owned(), (*label).to_owned())]);
                fields.push(Field::new(&name, data_type(target), true).with_metadata(labelled));
                places.insert(name.clone(), fields.len() - 1);
                fields.len() - 1
            });
            columns.push(Planned { name, label: (*label).to_owned(), found, given, target, style, at: place });
        }
        for (name, rule) in &rules.contract.columns {
            if let Some(column_type) = rule.column_type
                && !places.contains_key(name)
            {
                fields.push(Field::new(name, data_type(column_type), true));
            }
        }
        for field in &mut fields {
            // Engines read texts back in other layouts; tables are written in one.
            if let Some(known) = column_type(field.data_type()) {
                field.set_data_type(data_type(known));
            }
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), columns })
    }

    /// The schema's arrays from those of the file's columns: what the file does not have is null.
    pub fn arranged(&self, arrays: Vec<ArrayRef>, rows: usize) -> Vec<ArrayRef> {
        let mut arranged: Vec<Option<ArrayRef>> = vec![None; self.schema.fields().len()];
        for (column, array) in self.columns.iter().zip(arrays) {
            arranged[column.at] = Some(array);
        }
        let null = |field: &Field| new_null_array(field.data_type(), rows);
        self.schema.fields().iter().zip(arranged).map(|(field, array)| array.unwrap_or_else(|| null(field))).collect()
    }
}

impl Plan {
    /// What the file changes in the dataset's columns, a sentence each.
    pub fn changes(&self, rules: Rules<'_>) -> Vec<String> {
        let Some(existing) = rules.existing else { return Vec::new() };
        let new = self.columns.iter().map(|c| &c.name).filter(|name| existing.field_with_name(name).is_err());
        let brought: HashSet<&String> = self.columns.iter().map(|c| &c.name).collect();
        let missing = existing.fields().iter().map(|f| f.name()).filter(|name| !brought.contains(name));
        let kept = rules.contract.mode == WriteMode::Upsert;
        let what = if kept { "rows that are there keep their values" } else { "null in its rows" };
        let told = |names: Vec<&String>, said: &str| (!names.is_empty()).then(|| format!("{} {said}", listed(&names)));
        told(new.collect(), "new in the dataset, and null in the rows before.")
            .into_iter()
            .chain(told(missing.collect(), &format!("not in the file: {what}.")))
            .collect()
    }
}

/// The first names, as the begin of a sentence.
fn listed(names: &[&String]) -> String {
    const SHOWN: usize = 5;
    let mut shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        shown.push_str(&format!(" and {} more columns", names.len() - SHOWN));
    }
    format!("{shown} {}", if names.len() == 1 { "is" } else { "are" })
}

impl Planned {
    /// What is told of a value that does not fit.
    pub fn misfit(&self, row: usize, value: &str) -> Misfit {
        let value = value.trim();
        Misfit {
            row,
            column: Some(self.name.clone()),
            value: Some(value.to_owned()),
            reason: reason(&self.name, value, self.target, &self.style),
        }
    }

    pub fn report(&self, evidence: String, nulls: u64) -> ColumnReport {
        ColumnReport {
            name: self.name.clone(),
            label: self.label.clone(),
            column_type: self.target,
            nulls,
            evidence,
            warning: if self.given.is_some() { None } else { self.found.warning },
        }
    }
}

/// # Errors
/// `schema_conflict` when the file's columns are not the dataset's, `contract` when two columns get one name.
pub(super) fn fit(
    table: &RawTable,
    evidence: &[Evidence],
    comma_delimited: bool,
    rules: Rules<'_>,
) -> Result<Fitted, Refusal> {
    let clues = Clues::of(evidence.iter(), comma_delimited, rules.source);
    let found = |(column, evidence): (&RawColumn, &Evidence)| match &column.cells {
        Cells::Typed(array) => Decision {
            column_type: column_type(array.data_type()).unwrap_or(ColumnType::Text),
            mark: Some(Mark::Point),
            day_first: None,
            warning: None,
        },
        _ => Decision::of(evidence, &clues),
    };
    let found: Vec<Decision> = table.columns.iter().zip(evidence).map(found).collect();
    let labels: Vec<&str> = table.columns.iter().map(|c| c.label.as_str()).collect();
    let plan = Plan::of(&labels, &found, clues, |at| Clues::default().with(&table.columns[at].cells), rules)?;
    let mut arrays = Vec::with_capacity(plan.columns.len());
    let mut misfits: HashMap<usize, Misfit> = HashMap::new();
    let mut columns = Vec::new();
    let mut nearly = Vec::new();
    for ((column, evidence), planned) in table.columns.iter().zip(evidence).zip(&plan.columns) {
        let cells = as_cells(&column.cells, planned.found.column_type, planned.target)?;
        let (array, rows) = convert(&cells, planned.target, &planned.style);
        for row in rows {
            misfits.entry(row).or_insert_with(|| planned.misfit(row, cells.text(row).unwrap_or_default()));
        }
        let why = match &column.cells {
            Cells::Typed(array) => words::typed(array.len(), planned.found.column_type, planned.given),
            cells => {
                let told = words::InTable(table, cells);
                nearly.extend(words::nearly(&told, evidence, planned));
                words::evidence(&told, evidence, planned.found, planned.given)
            }
        };
        columns.push((planned.report(why, 0), planned.at));
        arrays.push(array);
    }
    let arrays = plan.arranged(arrays, table.rows());
    required(rules.contract, &plan.schema, &arrays, &mut misfits);
    let mut checks = Checks::new(rules.contract, &plan.schema)?;
    checks.look(&arrays, table.rows(), &mut misfits)?;
    let (more, refused) = checks.end();
    let warnings = [plan.changes(rules), nearly, more].concat();
    let mut misfits: Vec<Misfit> = misfits.into_values().collect();
    misfits.sort_unstable_by_key(|m| m.row);
    Ok(Fitted { schema: plan.schema, arrays, columns, misfits, warnings, refused })
}

/// The column's name in the dataset: by the source's renames, the contract's aliases, or the header itself.
fn names(labels: &[&str], rules: Rules<'_>) -> Result<Vec<String>, Refusal> {
    let mut names = column_names(labels.iter().copied());
    for (label, name) in labels.iter().zip(&mut names) {
        let label = label.trim();
        if let Some(renamed) = rules.source.rename.get(label) {
            renamed.clone_into(name);
        } else if !rules.contract.columns.contains_key(name)
            && let Some((alias, _)) = rules
                .contract
                .columns
                .iter()
                .find(|(_, rule)| rule.aliases.iter().any(|a| a == label || column_name(a) == *name))
        {
            alias.clone_into(name);
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|n| !seen.insert(n.as_str())) {
        let message = format!("Two columns of the file become `{twice}`; mend `rename` or `aliases` in the contract.");
        return Err(Refusal::new(RefusedBecause::Contract, message));
    }
    Ok(names)
}

fn check_names(names: &[String], rules: Rules<'_>) -> Result<(), Refusal> {
    let conflict = |why: String| {
        // Not the dataset's columns: whoever may only send files may not know them all.
        let message = format!("{why} The file has: {}.", names.join(", "));
        Refusal::new(RefusedBecause::SchemaConflict, message)
    };
    if let Some((missing, _)) =
        rules.contract.columns.iter().find(|(name, rule)| rule.required && !names.contains(name))
    {
        return Err(conflict(format!("The column `{missing}` is required and not in the file.")));
    }
    let Some(schema) = rules.existing else { return Ok(()) };
    let is_known = |name: &String| schema.index_of(name).is_ok();
    if !rules.contract.strangers && !names.iter().any(is_known) {
        return Err(conflict("None of the file's columns is in the dataset.".into()));
    }
    let new: Vec<&String> = names.iter().filter(|n| !is_known(n) && !rules.contract.columns.contains_key(*n)).collect();
    if !rules.contract.growth && !new.is_empty() {
        let new: Vec<String> = new.iter().map(|n| format!("`{n}`")).collect();
        let why = format!(
            "The file brings new columns ({}), and the dataset's contract does not allow that; set `growth = true`, \
             add them to the contract, or rename them.",
            new.join(", ")
        );
        return Err(conflict(why));
    }
    Ok(())
}

fn known_type(field: &Field) -> Result<ColumnType, Refusal> {
    column_type(field.data_type()).ok_or_else(|| {
        let message = format!("The dataset's column `{}` has a type that no file can be read into.", field.name());
        Refusal::new(RefusedBecause::SchemaConflict, message)
    })
}

/// Typed values as they are when the type is right; else in words, to be read like any text.
fn as_cells(cells: &Cells, found: ColumnType, target: ColumnType) -> Result<Cells, Refusal> {
    let unreadable =
        |e: arrow::error::ArrowError| Refusal::new(RefusedBecause::Unreadable, format!("A column cannot be read: {e}"));
    Ok(match cells {
        Cells::Text(text) => Cells::Text(text.clone()),
        Cells::Kinds(text, kinds) => Cells::Kinds(text.clone(), kinds.clone()),
        Cells::Typed(array) if found == target => Cells::Typed(array.clone()),
        Cells::Typed(array) => {
            let words = columnar::in_words(array).map_err(unreadable)?;
            let words = arrow::array::AsArray::as_string::<i32>(&words);
            // A whole float is an integer, exactly.
            let whole = target == ColumnType::Int64 && *array.data_type() == DataType::Float64;
            Cells::Text(if whole {
                words.iter().map(|v| v.map(|v| v.strip_suffix(".0").unwrap_or(v))).collect()
            } else {
                words.clone()
            })
        }
    })
}

pub(super) fn required(
    contract: &Contract,
    schema: &Schema,
    arrays: &[ArrayRef],
    misfits: &mut HashMap<usize, Misfit>,
) {
    for (field, array) in schema.fields().iter().zip(arrays) {
        let is_key = contract.mode == WriteMode::Upsert && contract.key.contains(field.name());
        let needed = is_key || contract.columns.get(field.name()).is_some_and(|rule| rule.required);
        if !needed || array.null_count() == 0 {
            continue;
        }
        for row in (0..array.len()).filter(|row| array.is_null(*row)) {
            misfits.entry(row).or_insert_with(|| Misfit {
                row,
                column: Some(field.name().clone()),
                value: None,
                reason: format!("`{}` is required and has no value here", field.name()),
            });
        }
    }
}

fn reason(name: &str, value: &str, target: ColumnType, style: &Style) -> String {
    let shown: String = value.chars().take(80).collect();
    let open = style.mark.is_none() && Shape::of(value).is_some_and(|s| s.marked && s.point && s.comma);
    let stamp = Stamp::of(value);
    match target {
        t if t.is_number() && open => {
            format!("`{shown}` in `{name}` can be read in two ways; set `decimal` in the dataset's contract")
        }
        ColumnType::Date if matches!(DateShape::of(value), Some(DateShape::Slashed { .. })) => {
            format!("`{shown}` in `{name}` can be day-first or month-first; set `day_first` in the dataset's contract")
        }
        t if style.format.is_some() => {
            format!("`{shown}` in `{name}` is no {t} as `{}` writes it", style.format.as_deref().unwrap_or_default())
        }
        ColumnType::TimestampUtc if let Some(zone) = style.zone.filter(|_| stamp.is_some_and(|s| !s.zoned)) => {
            format!("clocks in {zone} never showed `{shown}` in `{name}`, or showed it twice")
        }
        ColumnType::TimestampUtc if stamp.is_some_and(|s| !s.zoned) => {
            format!("`{shown}` in `{name}` names no time zone; set `time_zone` in the dataset's contract")
        }
        ColumnType::Timestamp | ColumnType::TimestampUtc if stamp.is_some_and(|s| s.finer) => {
            format!("`{shown}` in `{name}` is finer than microseconds")
        }
        _ => format!("`{shown}` in `{name}` is no {target}"),
    }
}
