//! The gate: a file that changes the dataset's columns in a way that its contract does not foresee is held back. An owner
//! sees both schemas and the first rows, and decides; nothing of it lands meanwhile.
//!
//! What no decision could cure is refused as before: a file without any of the dataset's columns, one that lacks a
//! required column and brings nothing that it could be, one whose rows are broken whatever their types.

use std::collections::BTreeMap;

use arrow::datatypes::Schema;
use bytes::Bytes;
use model::{
    ColumnChange, ColumnDifference, DatasetName, Difference, IngestReport, IngestState, RefusedBecause, RowCounts,
};

use super::{
    arrival::Arrival,
    convert::column_type,
    inspect::in_words,
    landing::{LandingFile, sha256},
    read::{Landing, Reading, Refusal, read_file},
    turn::in_turn,
};
use crate::{
    Lake, LakeError, Limits, Result,
    contract::{ColumnRule, Contract, OnFailure},
    table::WriteMode,
};

/// First rows that are shown.
const FIRST_ROWS: usize = 10;
/// Characters of a value that are shown.
const SHOWN: usize = 200;

impl Lake {
    /// The file's difference from its dataset, when it is the reason of a refusal and a decision could cure it.
    pub(super) async fn difference(
        &self,
        file: &LandingFile,
        report: &IngestReport,
        refusal: &Refusal,
    ) -> Result<Option<Difference>> {
        let rooms = self.rooms();
        let because = refusal.because;
        if !is_curable(because) {
            return Ok(None);
        }
        let Some(snapshot) = rooms.tables.snapshot(&file.dataset).await? else { return Ok(None) };
        // A file that was changed since is looked at anew.
        let Some(bytes) = rooms.store.read(&file.path).await?.filter(|bytes| sha256(bytes) == report.sha256) else {
            return Ok(None);
        };
        let contract = rooms.contracts.get(&file.dataset).await?;
        let (place, rows, limits) = (file.path.to_string(), report.rows, rooms.config.limits.clone());
        let work = move || {
            let held = Refusing { because, rows, place: &place, contract: contract.as_deref() };
            held.difference(&bytes, &snapshot.schema, &limits)
        };
        match in_turn(&rooms.arrivals.readers, work).await {
            Ok(difference) => Ok(difference),
            // The refusal stands; the reader's own fault must not keep the file from getting its report.
            Err(e) => {
                tracing::error!(path = %file.path, error = %e, "comparing a file with its dataset failed");
                Ok(None)
            }
        }
    }

    /// Holds a file back until an owner decides.
    pub(super) async fn hold(
        &self,
        mut arrival: Arrival,
        file: &LandingFile,
        difference: Difference,
    ) -> Result<Arrival> {
        // The queue first: from here on no later file passes.
        self.join(file, &arrival.report.id, false).await?;
        let whom = self.whom(&file.dataset).await?;
        let report = &mut arrival.report;
        report.state = IngestState::Waiting;
        report.message = format!(
            "Its columns differ from the dataset's. Nothing of it lands until {whom} decides, and later files wait \
             behind it."
        );
        report.rows.landed = 0;
        report.difference = Some(difference);
        self.rooms().arrivals.write(&arrival).await
    }

    /// Whether the contract or the dataset's columns are others than those that the file was held back for.
    pub(super) async fn has_other_terms(&self, arrival: &Arrival) -> Result<bool> {
        let (rooms, dataset) = (self.rooms(), &arrival.report.dataset);
        let Some(then) = &arrival.terms else { return Ok(false) };
        let contract = match rooms.contracts.get(dataset).await {
            Ok(contract) => contract,
            // It is being written; what waits does not fail for that.
            Err(LakeError::Config { .. }) => return Ok(false),
            Err(e) => return Err(e),
        };
        let existing = rooms.tables.snapshot(dataset).await?;
        Ok(*then != terms(contract.as_deref(), existing.as_ref().map(|s| s.schema.as_ref())))
    }

    /// Who decides about files of the dataset, in words.
    pub(super) async fn whom(&self, dataset: &DatasetName) -> Result<String> {
        let contract = match self.rooms().contracts.get(dataset).await {
            Ok(contract) => contract,
            Err(LakeError::Config { .. }) => None,
            Err(e) => return Err(e),
        };
        Ok(decider(contract.as_deref(), dataset))
    }
}

/// Stands for a contract and a dataset's columns. Another build may tell the same in other words, and then looks at what
/// waits once more.
pub(super) fn terms(contract: Option<&Contract>, existing: Option<&Schema>) -> String {
    let columns: Option<Vec<_>> = existing.map(|s| s.fields().iter().map(|f| (f.name(), f.data_type())).collect());
    sha256(format!("{contract:?} {columns:?}").as_bytes())
}

/// Who decides by this contract, in words.
pub(super) fn decider(contract: Option<&Contract>, dataset: &DatasetName) -> String {
    contract.and_then(|c| c.owner.clone()).unwrap_or_else(|| format!("an owner of {dataset}"))
}

/// Why and whence a file was refused.
pub(super) struct Refusing<'a> {
    pub because: RefusedBecause,
    pub rows: RowCounts,
    /// The file's path in the landing area.
    pub place: &'a str,
    pub contract: Option<&'a Contract>,
}

impl Refusing<'_> {
    /// The file's difference from its dataset, when a decision could cure it. No IO.
    pub fn difference(&self, bytes: &Bytes, schema: &Schema, limits: &Limits) -> Option<Difference> {
        if !is_curable(self.because) {
            return None;
        }
        let absent = Contract::absent();
        let contract = self.contract.unwrap_or(&absent);
        let difference = compare(bytes, self.place, contract, schema, limits)?;
        let waits = match self.because {
            RefusedBecause::SchemaConflict => is_unforeseen(&difference, contract),
            _ => would_land_but_for_types(&difference, contract, self.rows.quarantined, self.rows.read),
        };
        waits.then_some(difference)
    }
}

fn is_curable(because: RefusedBecause) -> bool {
    matches!(because, RefusedBecause::SchemaConflict | RefusedBecause::TooManyRejects)
}

/// A conflict of columns can be cured when the file brings columns of its own: they are added, or they are the missing
/// ones under other names.
fn is_unforeseen(difference: &Difference, contract: &Contract) -> bool {
    difference.new_columns().any(|c| !contract.columns.contains_key(&c.name))
}

/// Rows whose values have another type are all that is too much.
fn would_land_but_for_types(difference: &Difference, contract: &Contract, rejected: u64, read: u64) -> bool {
    let changed = difference.columns.iter().filter(|c| c.change == ColumnChange::OtherType);
    let misfits: u64 = changed.map(|c| c.misfits).sum();
    misfits > 0 && rejected.saturating_sub(misfits) as f64 <= contract.max_rejected * read as f64 + 1e-9
}

/// Reads the file twice: by itself, and into the dataset with all that a decision allows. `None` when one of them fails.
fn compare(bytes: &Bytes, place: &str, contract: &Contract, schema: &Schema, limits: &Limits) -> Option<Difference> {
    let own = read_file(bytes, place, Some(&by_itself(contract)), None, limits);
    let heads: Vec<String> = own.columns.iter().map(|c| c.name.clone()).collect();
    let first_rows = first_rows(own.outcome.as_ref().ok()?, &heads);
    let own = Reading { outcome: Err(Refusal::new(RefusedBecause::Empty, "")), ..own };
    let into = read_file(bytes, place, Some(&as_allowed(contract, &heads)), Some(schema), limits);
    into.outcome.as_ref().ok()?;
    let mut misfits: BTreeMap<&str, u64> = BTreeMap::new();
    for row in into.quarantined.iter().filter(|row| row.value.is_some()) {
        *misfits.entry(row.column.as_deref().unwrap_or_default()).or_default() += 1;
    }
    Some(Difference {
        columns: columns(&own, contract, schema, &misfits),
        would_land: into.rows.landed,
        would_wait: into.rows.quarantined,
        heads,
        first_rows,
    })
}

/// The contract without what it says of columns but their names: the types are then those of the file.
fn by_itself(contract: &Contract) -> Contract {
    let name_only = |rule: &ColumnRule| ColumnRule { aliases: rule.aliases.clone(), ..ColumnRule::default() };
    Contract {
        columns: contract.columns.iter().map(|(name, rule)| (name.clone(), name_only(rule))).collect(),
        checks: Vec::new(),
        ..open(contract)
    }
}

/// The contract as a decision widens it; a required column that the file lacks is a matter of the decision too.
fn as_allowed(contract: &Contract, heads: &[String]) -> Contract {
    let mut contract = open(contract);
    for (name, rule) in &mut contract.columns {
        rule.required &= heads.contains(name);
    }
    for check in &mut contract.checks {
        if check.on_failure == OnFailure::Refuse {
            check.on_failure = OnFailure::Quarantine;
        }
    }
    contract
}

fn open(contract: &Contract) -> Contract {
    Contract { growth: true, max_rejected: 1.0, mode: WriteMode::Append, key: Vec::new(), ..contract.clone() }
}

fn columns(
    own: &Reading,
    contract: &Contract,
    schema: &Schema,
    misfits: &BTreeMap<&str, u64>,
) -> Vec<ColumnDifference> {
    let one = |name: &str, in_dataset: Option<model::ColumnType>, is_known: bool| {
        let found = own.columns.iter().find(|c| c.name == name);
        let in_file = found.map(|c| c.column_type);
        let misfits = misfits.get(name).copied().unwrap_or_default();
        ColumnDifference {
            name: name.to_owned(),
            label: found.map(|c| c.label.clone()),
            in_dataset,
            in_file,
            change: match in_file {
                None => ColumnChange::Missing,
                Some(_) if !is_known => ColumnChange::New,
                Some(_) if misfits > 0 && in_file != in_dataset => ColumnChange::OtherType,
                Some(_) => ColumnChange::Same,
            },
            misfits,
            required: contract.columns.get(name).is_some_and(|rule| rule.required),
        }
    };
    let is_known = |name: &str| schema.index_of(name).is_ok();
    let is_in_file = |name: &str| own.columns.iter().any(|c| c.name == name);
    let known = schema.fields().iter().map(|field| one(field.name(), column_type(field.data_type()), true));
    // A promised column that has not arrived with any file yet.
    let promised = contract
        .columns
        .iter()
        .filter(|(name, rule)| rule.required && !is_known(name) && !is_in_file(name))
        .map(|(name, rule)| one(name, rule.column_type, true));
    let new = own.columns.iter().filter(|c| !is_known(&c.name)).map(|c| one(&c.name, None, false));
    known.chain(promised).chain(new).collect()
}

fn first_rows(landing: &Landing, heads: &[String]) -> Vec<Vec<Option<String>>> {
    let places: Vec<usize> = heads.iter().filter_map(|name| landing.schema.index_of(name).ok()).collect();
    let rows = landing.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.take(FIRST_ROWS)
        .map(|(batch, row)| places.iter().map(|at| in_words(batch, *at, row).map(cut)).collect())
        .collect()
}

fn cut(value: String) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn difference(file: &str, contract: &str) -> Difference {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("plz", DataType::Utf8, true),
            Field::new("n", DataType::Float64, true),
        ]);
        let contract = Contract::parse(contract.as_bytes(), "contract").unwrap();
        let bytes = Bytes::from(file.to_owned());
        compare(&bytes, "landing/ops/shops/a.csv", &contract, &schema, &Limits::default()).unwrap()
    }

    fn changes(difference: &Difference) -> Vec<(&str, ColumnChange)> {
        difference.columns.iter().map(|c| (c.name.as_str(), c.change)).collect()
    }

    #[test]
    fn each_column_stands_once_with_what_changes() {
        use ColumnChange::{Missing, New, OtherType, Same};
        for (file, expected) in [
            // Whole numbers fit where numbers are, and numbers where texts are.
            ("id,plz,n\n1,80331,5\n", vec![("id", Same), ("plz", Same), ("n", Same)]),
            ("id,n\n1,5\n", vec![("id", Same), ("plz", Missing), ("n", Same)]),
            ("n,id,Note\n5,1,x\n", vec![("id", Same), ("plz", Missing), ("n", Same), ("note", New)]),
            ("id,plz,n\nA1,80331,5\nA2,80331,6\n", vec![("id", OtherType), ("plz", Same), ("n", Same)]),
            // No value, no type that could differ.
            ("id,plz,n\n,80331,5\n", vec![("id", Same), ("plz", Same), ("n", Same)]),
        ] {
            assert_eq!(changes(&difference(file, "")), expected, "{file}");
        }
    }

    #[test]
    fn both_types_the_rows_that_do_not_fit_and_the_first_rows_are_told() {
        let found = difference("ID,plz,n\nA1,01067,5\n2,80331,6\n", "[column.id]\nrequired = true\ntype = 'int64'\n");
        let id = &found.columns[0];
        assert_eq!((id.label.as_deref(), id.misfits, id.required), (Some("ID"), 1, true));
        assert_eq!((id.in_dataset, id.in_file), (Some(model::ColumnType::Int64), Some(model::ColumnType::Text)));
        assert_eq!((found.would_land, found.would_wait), (1, 1));
        assert_eq!(found.heads, ["id", "plz", "n"]);
        assert_eq!(found.first_rows[0], ["A1", "01067", "5"].map(|v| Some(v.to_owned())));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = "ü".repeat(SHOWN + 1);
        assert_eq!(cut(long), "ü".repeat(SHOWN) + "…");
        assert_eq!(cut("ü".repeat(SHOWN)), "ü".repeat(SHOWN));
    }
}
