//! The versions of a dataset as one principal may see them, and going back to one of them.

use chrono::Utc;
use model::{Action, AuditAction, DatasetName, DatasetVersion, Principal, RollBack};

use super::Visible;
use crate::{
    Lake, LakeError, Result,
    table::{At, HistoryEntry, taken_back},
};

/// Versions that can be listed.
const MOST: usize = 10_000;

impl Lake {
    /// The versions of a dataset, newest first, as far back as its log goes.
    ///
    /// # Errors
    /// [`LakeError::NotFound`], the same for absent and hidden.
    pub async fn versions(&self, who: &Principal, name: &DatasetName) -> Result<Vec<DatasetVersion>> {
        let visible = self.seen_by(who, name).await?;
        self.versions_of(who, name, &visible, MOST).await
    }

    /// The newest `limit` of them. Who sent which file is for owners and stewards, who see the arrivals too; how many
    /// rows, for who sees all rows.
    pub(super) async fn versions_of(
        &self,
        who: &Principal,
        name: &DatasetName,
        visible: &Visible,
        limit: usize,
    ) -> Result<Vec<DatasetVersion>> {
        let owns = self.may_roll_back(who, name).await?;
        let counts = visible.access.shows_all_rows();
        if name.is_reserved() && !counts {
            // Each version of the audit is something that somebody did.
            return Ok(Vec::new());
        }
        let history = self.rooms().tables.history(name, limit).await?;
        let taken = taken_back(&history);
        let shown = |entry: HistoryEntry| {
            let taken_back = taken.get(&entry.version).copied();
            shown(entry, owns, counts, taken_back)
        };
        Ok(history.into_iter().map(shown).collect())
    }

    /// Makes the rows and columns of an older version the newest ones, as a version of its own; gives that. Nothing is
    /// deleted: the versions in between can be read, and gone back to. For owners of the dataset, and stewards.
    ///
    /// The content of files that are taken back so does not land again by itself, only by a decision
    /// ([`Lake::decide`]); a corrected file is another content.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] for a dataset that is absent or hidden, [`LakeError::Forbidden`] when it may only be
    /// read, [`LakeError::Invalid`] with the versions that there are, [`LakeError::Conflict`] when something has landed
    /// since the version that the principal saw as the newest.
    pub async fn roll_back(&self, who: &Principal, dataset: &DatasetName, to: RollBack) -> Result<DatasetVersion> {
        let text = format!("to version {}", to.to);
        let entry = self.audited(who, AuditAction::RollBack)?.on(dataset).text(&text);
        let done = self.rolled_back(who, dataset, to).await;
        self.conclude(who, entry, &done, |event, made| {
            event.text = Some(format!("{text}, made version {}", made.version));
        });
        done
    }

    async fn rolled_back(&self, who: &Principal, dataset: &DatasetName, to: RollBack) -> Result<DatasetVersion> {
        let rooms = self.rooms();
        if dataset.is_reserved() {
            return match rooms.policies.may(who, dataset, Action::Read, Utc::now()).await? {
                true => Err(LakeError::Forbidden { message: format!("{dataset} is written by Penstock alone") }),
                false => Err(LakeError::no_dataset(dataset)),
            };
        }
        if !self.may_roll_back(who, dataset).await? {
            return Err(match rooms.policies.may(who, dataset, Action::Read, Utc::now()).await? {
                true if rooms.tables.snapshot(dataset).await?.is_some() => {
                    let message =
                        format!("only the owners of {dataset} and stewards may roll it back; ask one of them");
                    LakeError::Forbidden { message }
                }
                _ => LakeError::no_dataset(dataset),
            });
        }
        // Not while a file of this dataset lands.
        let turn = rooms.arrivals.turn(dataset);
        let _turn = turn.lock().await;
        let newest = rooms.tables.snapshot(dataset).await?.ok_or_else(|| LakeError::no_dataset(dataset))?;
        rooms.tables.at(&newest, At::Version(to.to)).await?;
        let version = rooms.tables.restore(dataset, to.to, to.newest, &who.name).await?;
        tracing::info!(%dataset, version, to = to.to, who = who.key(), "rolled back");
        let entry = rooms.tables.entry(dataset.clone(), version).await?;
        let entry = entry.ok_or_else(|| LakeError::internal(format!("version {version} of {dataset} has no entry")))?;
        Ok(shown(entry.as_ref().clone(), true, true, None))
    }

    /// Whether the principal owns the dataset or is a steward.
    async fn may_roll_back(&self, who: &Principal, dataset: &DatasetName) -> Result<bool> {
        let policies = &self.rooms().policies;
        if dataset.is_reserved() {
            return Ok(false);
        }
        Ok(policies.is_steward(who).await? || policies.may(who, dataset, Action::Own, Utc::now()).await?)
    }
}

fn shown(entry: HistoryEntry, owns: bool, counts: bool, taken_back: Option<u64>) -> DatasetVersion {
    DatasetVersion {
        version: entry.version,
        committed_at: entry.committed_at,
        operation: entry.operation,
        by: entry.by.filter(|_| owns),
        file: entry.file.filter(|_| owns),
        ingest: entry.ingest.filter(|_| owns),
        rows_added: entry.rows_added.filter(|_| counts),
        restores: entry.restores,
        compacted: entry.compacted.filter(|_| counts),
        taken_back,
    }
}
