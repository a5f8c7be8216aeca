//! What a principal finds: units, datasets, their columns and profiles, versions.
//!
//! Everything about rows comes through the governed path; a dataset that is hidden and one that is absent give the same
//! answer.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use chrono::Utc;
use model::{
    Action, AuditAction, Column, ColumnType, Dataset, DatasetDetail, DatasetFilter, DatasetName, Principal,
    RowsRequest, UnitSummary,
};

use crate::{
    Lake, LakeError, Result,
    audit::Trace,
    contract::Contract,
    policy::TableAccess,
    query::{MAX_WAIT, rows_of},
    table::Snapshot,
};

mod discover;
mod profile;
mod search;
mod versions;

pub(crate) use discover::Discovery;

/// Versions that a dataset's page lists.
const VERSIONS_LISTED: usize = 50;

/// A dataset together with what the asker may see of it.
pub(crate) struct Visible {
    snapshot: Arc<Snapshot>,
    contract: Option<Arc<Contract>>,
    access: TableAccess,
}

impl Lake {
    /// Datasets that the principal may see, by name; `filter` narrows by unit and words.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the catalog or the policy cannot be read.
    pub async fn datasets(&self, who: &Principal, filter: DatasetFilter) -> Result<Vec<Dataset>> {
        let mut found = Vec::new();
        for name in self.rooms().tables.list().await?.iter() {
            // What Penstock keeps itself is found by its name, not beside the data of units.
            if name.is_reserved() || filter.unit.as_deref().is_some_and(|unit| unit != name.unit().as_str()) {
                continue;
            }
            let visible = match self.visible(who, name).await {
                // One table that cannot be read must not take the whole catalog away.
                Err(e @ LakeError::Internal { .. }) => {
                    tracing::error!(%name, error = ?e, "a dataset cannot be read");
                    continue;
                }
                visible => visible?,
            };
            let Some(visible) = visible else { continue };
            let dataset = self.describe(who, name, &visible).await?;
            let columns = visible.columns();
            if search::matches(filter.q.as_deref().unwrap_or_default(), &dataset, &columns) {
                found.push(dataset);
            }
        }
        if let Some(q) = filter.q.as_deref() {
            search::rank(q, &mut found);
        }
        Ok(found)
    }

    /// Units that hold at least one dataset that the principal may see.
    ///
    /// # Errors
    /// As [`Lake::datasets`].
    pub async fn units(&self, who: &Principal) -> Result<Vec<UnitSummary>> {
        let mut units: Vec<UnitSummary> = Vec::new();
        // Names are sorted, so a unit's datasets stand together.
        for dataset in self.datasets(who, DatasetFilter::default()).await? {
            match units.last_mut() {
                Some(last) if last.unit == dataset.name.unit().as_str() => last.datasets += 1,
                _ => units.push(UnitSummary { unit: dataset.name.unit().to_string(), datasets: 1 }),
            }
        }
        Ok(units)
    }

    /// One dataset with its schema and versions; its profile is asked for apart, since it may need a scan.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn dataset(&self, who: &Principal, name: &DatasetName) -> Result<DatasetDetail> {
        let visible = self.seen_by(who, name).await?;
        let mut dataset = self.describe(who, name, &visible).await?;
        if dataset.rows.is_none() {
            let request = RowsRequest { limit: Some(1), ..RowsRequest::default() };
            dataset.rows = Some(rows_of(self, who, name, request, &Trace::default()).await?.1.rows_total);
        }
        let sees_all_rows = visible.access.shows_all_rows();
        let versions = self.versions_of(who, name, &visible, VERSIONS_LISTED).await?;
        Ok(DatasetDetail {
            dataset,
            schema: visible.columns(),
            versions,
            files: sees_all_rows.then_some(visible.snapshot.files),
            bytes: sees_all_rows.then_some(visible.snapshot.bytes),
        })
    }

    /// Columns of one dataset as the principal sees them, without reading any data.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn columns(&self, who: &Principal, name: &DatasetName) -> Result<Vec<Column>> {
        Ok(self.seen_by(who, name).await?.columns())
    }

    /// Whether the principal administers the lake.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the policy cannot be read.
    pub async fn is_steward(&self, who: &Principal) -> Result<bool> {
        self.rooms().policies.is_steward(who).await
    }

    /// The first rows of a query that Penstock itself asks on the principal's behalf.
    async fn ask(&self, who: &Principal, sql: &str, rows: u64) -> Result<model::Page> {
        let status = self.answer(who, model::QueryRequest::new(sql), MAX_WAIT).await?;
        self.page_of(who, &status.id, 0, rows).await
    }

    /// The dataset as the principal sees it; that it may not is audited.
    async fn seen_by(&self, who: &Principal, name: &DatasetName) -> Result<Visible> {
        let visible = self.visible(who, name).await?.ok_or_else(|| LakeError::no_dataset(name));
        self.denials(who, AuditAction::Look, Some(name), None, visible)
    }

    pub(crate) async fn visible(&self, who: &Principal, name: &DatasetName) -> Result<Option<Visible>> {
        // Asked before the table is looked at: a hidden one that is broken or slow is as absent as any other.
        if !self.rooms().policies.may(who, name, Action::Read, Utc::now()).await? {
            return Ok(None);
        }
        let Some(snapshot) = self.rooms().tables.snapshot(name).await? else { return Ok(None) };
        let Some(access) = self.rooms().policies.access(who, name, &snapshot.schema, Utc::now()).await? else {
            return Ok(None);
        };
        // A broken contract must not hide the data that landed under an earlier one.
        let contract = self.rooms().contracts.get(name).await.unwrap_or_default();
        Ok(Some(Visible { snapshot, contract, access }))
    }

    async fn describe(&self, who: &Principal, name: &DatasetName, visible: &Visible) -> Result<Dataset> {
        let Visible { snapshot, contract, access } = visible;
        let contract = contract.as_deref();
        let now = Utc::now();
        let mut note = access.note.clone();
        note.may_own = self.rooms().policies.may(who, name, Action::Own, now).await?;
        note.may_upload = note.may_own || self.rooms().policies.may(who, name, Action::Upload, now).await?;
        Ok(Dataset {
            name: name.clone(),
            title: contract.and_then(|c| c.title.clone()).unwrap_or_else(|| readable(name.name())),
            description: contract.map(|c| c.description.clone()).unwrap_or_default(),
            owner: contract.and_then(|c| c.owner.clone()),
            tags: contract.map(|c| c.tags.clone()).unwrap_or_default(),
            rows: access.shows_all_rows().then_some(snapshot.rows),
            columns: access.columns.len(),
            version: snapshot.version,
            updated_at: self.rooms().tables.changed_at(snapshot).await?,
            access: note,
        })
    }
}

impl Visible {
    /// The visible columns in table order.
    fn columns(&self) -> Vec<Column> {
        let masks = &self.access.note.masks;
        let fields = self.access.columns.iter().filter_map(|name| self.snapshot.schema.field_with_name(name).ok());
        let column = |field: &Field| {
            let promised = self.contract.as_deref().and_then(|c| c.columns.get(field.name()));
            let masked = masks.iter().find(|(name, _)| name == field.name()).map(|(_, how)| how.clone());
            Column {
                name: field.name().clone(),
                label: field.metadata().get("label").cloned().unwrap_or_default(),
                column_type: column_type(&self.access.shown_type(field, &self.snapshot.schema)),
                description: promised.map(|p| p.description.clone()).unwrap_or_default(),
                tags: promised.map(|p| p.tags.clone()).unwrap_or_default(),
                masked,
            }
        };
        fields.map(column).collect()
    }
}

/// The shared word for a table's type.
#[must_use]
pub fn column_type(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ColumnType::Int64,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Float64,
        DataType::Decimal128(precision, scale) => ColumnType::Decimal(*precision, *scale),
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(TimeUnit::Microsecond, None) => ColumnType::Timestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => ColumnType::TimestampUtc,
        _ => ColumnType::Text,
    }
}

/// `us_employment` → `Us employment`
fn readable(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
