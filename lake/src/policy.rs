//! From the policy document to what one principal may see of one dataset.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use datafusion::logical_expr::Expr;
use model::{AccessNote, Action, DatasetName, Principal};

use crate::{LakeError, Result, store::Store};

/// The policy of a lake, kept at most `freshness` old.
#[derive(Debug)]
pub struct Policies {
    store: Store,
    freshness: Duration,
    secret: Vec<u8>,
}

/// A policy document that parsed, ready to be asked.
#[derive(Debug)]
pub struct CompiledPolicy {
    pub policy: model::Policy,
    /// Hash of the document.
    pub version: String,
}

/// What one principal sees of one dataset: composed from all grants that hold now.
#[derive(Debug, Clone)]
pub struct TableAccess {
    /// Visible columns in table order.
    pub columns: Vec<String>,
    /// Row filter over the table's columns, claims filled in; `None` for all rows.
    pub filter: Option<Expr>,
    /// Column → expression over the table's columns that replaces it.
    pub masks: BTreeMap<String, Expr>,
    pub note: AccessNote,
    /// Hash over all of the above: equal means that the two see the same.
    pub fingerprint: [u8; 32],
}

impl Policies {
    /// # Errors
    /// [`LakeError::Config`] when there is a policy and it cannot be read. No policy at all denies everything.
    pub async fn open(store: Store, freshness: Duration, secret: Vec<u8>) -> Result<Self> {
        Ok(Self { store, freshness, secret })
    }

    /// The policy as it stands, checked within the freshness time.
    pub async fn current(&self) -> Result<Arc<CompiledPolicy>> {
        let _ = (&self.store, self.freshness, &self.secret);
        Err(LakeError::internal("not built"))
    }

    /// What `who` may see of a table with `schema`, or `None` when nothing.
    pub async fn access(
        &self,
        _who: &Principal,
        _dataset: &DatasetName,
        _schema: &Schema,
        _now: DateTime<Utc>,
    ) -> Result<Option<TableAccess>> {
        Err(LakeError::internal("not built"))
    }

    /// Whether some grant gives `who` this action on the dataset now. Never true for an absent policy.
    pub async fn may(
        &self,
        _who: &Principal,
        _dataset: &DatasetName,
        _action: Action,
        _now: DateTime<Utc>,
    ) -> Result<bool> {
        Err(LakeError::internal("not built"))
    }

    /// Whether `who` administers the lake. Tokens never do.
    pub async fn is_steward(&self, _who: &Principal) -> Result<bool> {
        Err(LakeError::internal("not built"))
    }
}
