//! What a principal finds: datasets, their columns and statistics, versions.

use model::{Dataset, DatasetDetail, DatasetFilter, DatasetName, Principal, UnitSummary};

use crate::{Lake, LakeError, Result};

impl Lake {
    /// Datasets that the principal may see, by name; `filter.q` narrows by words.
    pub async fn datasets(&self, _who: &Principal, _filter: DatasetFilter) -> Result<Vec<Dataset>> {
        Err(LakeError::internal("not built"))
    }

    /// Units that hold at least one visible dataset.
    pub async fn units(&self, _who: &Principal) -> Result<Vec<UnitSummary>> {
        Err(LakeError::internal("not built"))
    }

    /// One dataset with schema, statistics over visible rows, versions.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn dataset(&self, _who: &Principal, _name: &DatasetName) -> Result<DatasetDetail> {
        Err(LakeError::internal("not built"))
    }

    /// Whether the principal administers the lake.
    pub async fn is_steward(&self, _who: &Principal) -> Result<bool> {
        Err(LakeError::internal("not built"))
    }
}
