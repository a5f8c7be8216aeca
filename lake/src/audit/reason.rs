//! Why something was denied, in truth. Whoever asks is told the same of what is hidden and what is absent; the audit is
//! told which of the two it was.

use arrow::datatypes::SchemaRef;
use chrono::Utc;
use model::{Action, DatasetName, Principal};

use super::Entry;
use crate::{Lake, LakeError, Result};

/// What is to be found out.
pub(super) enum Asked {
    Dataset(String),
    Result(String),
    Arrival(String),
    Column { datasets: Vec<DatasetName>, text: String, told: String },
}

impl Asked {
    /// `None` when the error itself says all.
    pub fn of(error: &LakeError, entry: &Entry) -> Option<Self> {
        match error {
            LakeError::NotFound { what: "dataset", name } => Some(Self::Dataset(name.clone())),
            LakeError::NotFound { what: "result" | "query", name } => Some(Self::Result(name.clone())),
            LakeError::NotFound { what: "arrival", name } => Some(Self::Arrival(name.clone())),
            LakeError::InvalidSql { .. } | LakeError::Invalid { .. } => {
                let told = told(error);
                let event = entry.event();
                let named = event.datasets.as_deref()?.split(", ").filter_map(read).collect();
                told.contains("column").then(|| Self::Column {
                    datasets: named,
                    text: event.text.clone().unwrap_or_default(),
                    told,
                })
            }
            _ => None,
        }
    }

    /// The reason, in words.
    pub async fn answer(self, lake: &Lake, who: &Principal) -> String {
        let found = match &self {
            Self::Dataset(name) => lake.why_no_dataset(who, name).await,
            Self::Result(id) => lake.why_no_result(id).await,
            Self::Arrival(id) => match lake.knows_arrival(id).await {
                Ok(true) => {
                    Ok(format!("arrival {id} is hidden: neither its sender's, an owner's nor a steward's to see"))
                }
                Ok(false) => Ok(format!("arrival {id} is absent")),
                Err(e) => Err(e),
            },
            Self::Column { datasets, text, told } => match lake.hidden_columns(who, datasets, text).await {
                Ok(hidden) if hidden.is_empty() => Ok(told.clone()),
                // The outcome stays what it is for a column that is absent: whose row it is sees that.
                Ok(hidden) => Ok(format!("column hidden: {}", hidden.join(", "))),
                Err(e) => Err(e),
            },
        };
        let unknown = |e: LakeError| format!("denied; the reason could not be found out: {}", told(&e));
        found.unwrap_or_else(unknown)
    }
}

/// An error as the audit has it: with what only the log tells.
pub(super) fn told(error: &LakeError) -> String {
    match error {
        LakeError::Internal { detail, .. } => detail.clone(),
        LakeError::Store { source } => format!("the store failed: {source}"),
        other => other.to_string(),
    }
}

fn read(name: &str) -> Option<DatasetName> {
    let (unit, name) = name.split_once('.')?;
    DatasetName::to_read(unit, name).ok()
}

impl Lake {
    async fn why_no_dataset(&self, who: &Principal, name: &str) -> Result<String> {
        let rooms = self.rooms();
        let Some(dataset) = read(name) else { return Ok(format!("{name} is no dataset's name")) };
        // By the listing, which is kept for a moment: asking for names at random costs no request each.
        if !rooms.tables.list().await?.contains(&dataset) {
            return Ok(format!("{dataset} is absent"));
        }
        if let Some(why) = rooms.policies.why_not(who, &dataset).await? {
            return Ok(format!("{dataset} is hidden: {why}"));
        }
        let Some(snapshot) = rooms.tables.snapshot(&dataset).await? else { return Ok(format!("{dataset} is absent")) };
        let access = rooms.policies.access(who, &dataset, &snapshot.schema, Utc::now()).await?;
        Ok(match access {
            Some(_) => format!("{dataset} was granted only after it was asked for"),
            None => format!("{dataset} is hidden: no grant applies, for want of a claim or of columns that it names"),
        })
    }

    async fn why_no_result(&self, id: &str) -> Result<String> {
        let results = &self.rooms().results;
        let Some(key) = results.key(id) else { return Ok(format!("{id} is no result's id")) };
        let there =
            self.rooms().engine.knows(id) || results.in_memory(&key).is_some() || results.is_stored(&key).await?;
        Ok(match there {
            true => format!("result {id} is hidden: its datasets are not seen as its asker saw them"),
            false => format!("result {id} is absent"),
        })
    }

    /// Columns that the text names and the policy hides.
    async fn hidden_columns(&self, who: &Principal, datasets: &[DatasetName], text: &str) -> Result<Vec<String>> {
        let (rooms, now) = (self.rooms(), Utc::now());
        let words: Vec<String> =
            text.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase).collect();
        let mut hidden = Vec::new();
        for dataset in datasets {
            if !rooms.policies.may(who, dataset, Action::Read, now).await? {
                continue;
            }
            let Some(snapshot) = rooms.tables.snapshot(dataset).await? else { continue };
            let schema: &SchemaRef = &snapshot.schema;
            let Some(access) = rooms.policies.access(who, dataset, schema, now).await? else { continue };
            let named = schema.fields().iter().map(|f| f.name()).filter(|c| words.contains(c));
            hidden.extend(named.filter(|c| !access.columns.contains(c)).map(|c| format!("{dataset}.{c}")));
        }
        Ok(hidden)
    }
}
