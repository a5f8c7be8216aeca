//! Tables that another engine gave what Penstock does not write: rules that our rows could break, columns or files under
//! other names, features that we do not know. They are read as far as they can be, and nothing is added to them.

use deltalake::{
    DeltaTableError,
    kernel::{
        EagerSnapshot, StructField,
        transaction::{PROTOCOL, TransactionError},
    },
};
use model::DatasetName;

use super::{Tables, WriteMode};
use crate::{LakeError, Result};

impl Tables {
    /// Whether files can land in the dataset in this mode, as far as its table decides it. For before anything is
    /// written: each commit looks again.
    ///
    /// # Errors
    /// [`LakeError::Foreign`] when another engine's table is one that we do not write; [`LakeError::Store`].
    pub async fn check_writable(&self, dataset: &DatasetName, mode: WriteMode) -> Result<()> {
        match self.snapshot(dataset).await? {
            Some(snapshot) => check(dataset, snapshot.state()?, mode),
            None => Ok(()),
        }
    }
}

/// # Errors
/// As [`Tables::check_writable`].
pub(super) fn check(dataset: &DatasetName, state: &EagerSnapshot, mode: WriteMode) -> Result<()> {
    let appends_only = || is_set(state, "delta.appendOnly").then(|| "is for appending only".to_owned());
    let found = match obstacle(state)? {
        None if mode != WriteMode::Append => appends_only(),
        found => found,
    };
    found.map_or(Ok(()), |what| Err(foreign(dataset, &what)))
}

/// # Errors
/// As [`Tables::check_writable`], for features alone: of rows that were there, nothing else can be wrong.
pub(super) fn check_features(dataset: &DatasetName, state: &EagerSnapshot) -> Result<()> {
    features(state)?.map_or(Ok(()), |what| Err(foreign(dataset, &what)))
}

/// What keeps us from writing files of the table, in words that name nothing of what it holds.
pub(super) fn obstacle(state: &EagerSnapshot) -> Result<Option<String>> {
    if let Some(features) = features(state)? {
        return Ok(Some(features));
    }
    let metadata = state.metadata();
    let has_key = |begin: &str| metadata.configuration().keys().any(|key| key.starts_with(begin));
    let schema = metadata.parse_schema().map_err(DeltaTableError::from)?;
    let is_ruled = |field: &StructField| {
        let ruled = ["delta.invariants", "delta.generationExpression", "delta.identity.", "CURRENT_DEFAULT"];
        field.metadata.keys().any(|key| ruled.iter().any(|begin| key.starts_with(begin)))
    };
    let what = if !metadata.partition_columns().is_empty() {
        "is partitioned"
    } else if metadata.configuration().get("delta.columnMapping.mode").is_some_and(|mode| mode != "none") {
        "has its columns under other names"
    } else if has_key("delta.constraints.") {
        "has constraints"
    } else if schema.fields().any(is_ruled) {
        "has columns with rules or computed values"
    } else {
        return Ok(None);
    };
    Ok(Some(what.to_owned()))
}

fn features(state: &EagerSnapshot) -> Result<Option<String>> {
    match PROTOCOL.can_write_to(state) {
        Ok(()) => Ok(None),
        Err(TransactionError::UnsupportedTableFeatures(features)) => {
            let mut names: Vec<String> = features.iter().map(|feature| format!("`{feature}`")).collect();
            names.sort_unstable();
            Ok(Some(format!("has the feature {}", names.join(", "))))
        }
        Err(e) => Err(DeltaTableError::from(e).into()),
    }
}

fn is_set(state: &EagerSnapshot, key: &str) -> bool {
    state.metadata().configuration().get(key).is_some_and(|value| value == "true")
}

fn foreign(dataset: &DatasetName, what: &str) -> LakeError {
    LakeError::Foreign {
        message: format!(
            "the table of {dataset} {what}, by another engine, and Penstock does not write such a table; nothing is added \
             to it. Take that off with the other engine, and what has come lands then"
        ),
    }
}
