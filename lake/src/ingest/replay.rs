//! Rows in quarantine that are corrected and sent again: only they land, and the report of the first arrival says so.
//!
//! A claim is written before the file: how many rows it brings and where it will lie. So a crash leaves at worst a claim
//! whose file never came, and two replicas never take the same rows twice.

use bytes::Bytes;
use futures::stream::BoxStream;
use model::{AuditAction, ColumnReport, Correction, DatasetName, IngestReport, IngestState, Principal, QuarantinedRow};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::{
    arrival::{Arrivals, key},
    incoming::Incoming,
    landing::sha256,
    read_file,
    turn::in_turn,
};
use crate::{Lake, LakeError, Result, audit::Entry, contract::Contract, store::path, table::WriteMode};

const CLAIMS: &str = "corrections";
/// Stands in the name of a file that corrects an arrival, before that arrival's id.
const MARK: &str = ".corrects-";

/// Files that were sent to correct one arrival's rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Claims {
    files: Vec<Claim>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claim {
    path: String,
    rows: u64,
}

/// Whether a name says that its file corrects another's rows. Only Penstock gives such names.
pub(super) fn is_marked(name: &str) -> bool {
    name.contains(MARK)
}

/// The arrival that the file at `place` says it corrects.
fn marked(place: &Path) -> Option<&str> {
    let (_, rest) = place.filename()?.split_once(MARK)?;
    rest.get(..36).filter(|id| uuid::Uuid::parse_str(id).is_ok())
}

impl Lake {
    /// Rejected rows as they stood in the file, under its header, to be corrected in an editor and sent back. With a
    /// name for it.
    ///
    /// # Errors
    /// As [`Lake::quarantine`].
    pub async fn rows_to_correct(&self, who: &Principal, id: &str) -> Result<(String, String)> {
        let rows = self.quarantine(who, id).await?;
        let report = self.ingest(who, id).await?;
        let mut text = String::new();
        if report.header_line.is_some() || report.sheet.is_some() {
            let delimiter = report.delimiter.as_deref().unwrap_or("\t");
            text.push_str(&head(&report.columns, delimiter));
            text.push('\n');
        }
        for row in rows {
            text.push_str(row.raw.trim_end_matches(['\r', '\n']));
            text.push('\n');
        }
        let stem = report.file.split('.').next().unwrap_or("rows").to_owned();
        Ok((format!("{stem}-to-correct.txt"), text))
    }

    /// Takes corrected rows of an arrival: they land by the same contract, and nothing else does. Needs what
    /// [`Lake::quarantine`] needs.
    ///
    /// # Errors
    /// As [`Lake::quarantine`]; [`LakeError::Invalid`] when nothing is left to correct, or when the file brings more
    /// rows than wait.
    pub async fn correct(
        &self,
        who: &Principal,
        id: &str,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<IngestReport> {
        let entry = self.audited(who, AuditAction::Correct)?.text(format!("rows of {id}"));
        let (on, owned) = self.raw_rows(who, id).await;
        let entry = on.iter().fold(entry, Entry::on);
        let done = match owned {
            Ok(rows) => self.correct_as_owner(who, id, rows.iter().map(lines).sum(), body).await,
            Err(e) => Err(e),
        };
        self.settle_arrival(who, entry, &done);
        done
    }

    async fn correct_as_owner(
        &self,
        who: &Principal,
        id: &str,
        most: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<IngestReport> {
        let bytes = self.whole("corrected rows", body).await?;
        let first = self.ingest(who, id).await?;
        if first.state != IngestState::Landed || first.rows.quarantined == 0 {
            let message = format!("nothing of `{}` waits in quarantine; send the whole file again", first.file);
            return Err(LakeError::invalid(message));
        }
        if let Some(by) = self.was_taken_back(&first).await? {
            let message = format!(
                "`{}` was taken back by the roll back in version {by}; correct the whole file and send it again",
                first.file
            );
            return Err(LakeError::invalid(message));
        }
        let tables = &self.rooms().tables;
        if let Some(newest) = tables.snapshot(&first.dataset).await? {
            let changed = match first.version {
                Some(landed) => tables.changed_since(&first.dataset, landed, newest.version).await?,
                None => true,
            };
            if changed {
                self.check_appends(&first.dataset).await?;
            }
        }
        let name = marked_name(&first, &bytes);
        let place = path::landing(&first.dataset).join(name.as_str());
        // The same rows once more: they have landed already.
        if let Some(landed) = self.arrival_of(place.as_ref()).await?.filter(|r| r.state == IngestState::Landed)
            && self.was_taken_back(&landed).await?.is_none()
        {
            return Ok(landed);
        }
        const REPLACEMENT: &str = "\u{fffd}";
        let holds = memchr::memmem::find(&bytes, REPLACEMENT.as_bytes()).is_some();
        if holds && self.quarantined_rows(&first).await?.iter().any(|row| row.raw.contains(REPLACEMENT)) {
            let message = "the rows still hold � where the file has bytes that are no text; put in what was meant there, \
                           and send them again";
            return Err(LakeError::invalid(message));
        }
        let rows = self.rows_of(&first, bytes.clone()).await?;
        self.claim(&first, most, Claim { path: place.to_string(), rows }).await?;
        let report = self.send_for(who, &first.dataset, name, Incoming::Held(bytes)).await?;
        self.shown(who, report).await
    }

    /// Where files take the place of rows, older rows must not come after newer ones.
    pub(super) async fn check_appends(&self, dataset: &DatasetName) -> Result<()> {
        let contract = self.rooms().contracts.get(dataset).await?;
        if contract.is_none_or(|c| c.mode == WriteMode::Append) {
            return Ok(());
        }
        let message =
            format!("newer rows of {dataset} have landed since, and these would take their place; send a whole file");
        Err(LakeError::invalid(message))
    }

    /// Rows that a file would bring to the arrival's dataset.
    async fn rows_of(&self, first: &IngestReport, bytes: Bytes) -> Result<u64> {
        let rooms = self.rooms();
        let contract = rooms.contracts.get(&first.dataset).await?;
        let existing = rooms.tables.snapshot(&first.dataset).await?.map(|s| s.schema.clone());
        let (place, limits) = (first.path.clone(), rooms.config.limits.clone());
        let contract = lenient(contract.as_deref());
        let work = move || read_file(&bytes, &place, Some(&contract), existing.as_deref(), &limits);
        let reading = in_turn(&rooms.arrivals.readers, work).await.map_err(|e| LakeError::internal(e.to_string()))?;
        match reading.outcome {
            Ok(_) => Ok(reading.rows.read),
            Err(refusal) => Err(LakeError::invalid(refusal.message)),
        }
    }

    /// Sets the claim's rows aside, so that no other file can correct them too; all claims together have `most` rows.
    async fn claim(&self, first: &IngestReport, most: u64, claim: Claim) -> Result<()> {
        let documents = self.documents();
        loop {
            let known = documents.get::<Claims>(CLAIMS, &first.id).await?;
            let mut claims = known.as_ref().map(|k| k.value.clone()).unwrap_or_default();
            if claims.files.iter().any(|c| c.path == claim.path) {
                return Ok(());
            }
            let open = most.saturating_sub(self.claimed(&claims).await?);
            if claim.rows > open {
                let message = match open {
                    0 => match self.waits_again(&claims).await? {
                        None => format!("all rows of `{}` that waited have been corrected", first.file),
                        Some((id, rows)) => format!(
                            "all rows of `{}` were sent back; {rows} of them did not fit again and wait in the arrival \
                             {id}: correct them there",
                            first.file
                        ),
                    },
                    _ => format!(
                        "the file has {} rows, and {open} of `{}` wait{}; send only these",
                        claim.rows,
                        first.file,
                        if most > first.rows.quarantined { ", counted by their lines" } else { "" }
                    ),
                };
                return Err(LakeError::invalid(message));
            }
            claims.files.push(claim.clone());
            let written = match known {
                Some(k) => documents.update(CLAIMS, &first.id, k.version, &claims).await,
                None => documents.create(CLAIMS, &first.id, &claims).await,
            };
            match written {
                Err(LakeError::Conflict { .. }) => {}
                done => return done,
            }
        }
    }

    /// The roll back that took an arrival's rows back, if one did.
    async fn was_taken_back(&self, report: &IngestReport) -> Result<Option<u64>> {
        match report.version {
            Some(version) => Ok(self.rooms().tables.taken_back(&report.dataset).await?.get(&version).copied()),
            None => Ok(None),
        }
    }

    /// Rows of all claims but those whose file was refused, or taken back by a roll back.
    async fn claimed(&self, claims: &Claims) -> Result<u64> {
        let mut rows = 0;
        for claim in &claims.files {
            let open = match self.arrival_of(&claim.path).await? {
                Some(r) => r.state == IngestState::Refused || self.was_taken_back(&r).await?.is_some(),
                None => false,
            };
            rows += if open { 0 } else { claim.rows };
        }
        Ok(rows)
    }

    /// The latest correction of which rows wait in turn, and how many.
    async fn waits_again(&self, claims: &Claims) -> Result<Option<(String, u64)>> {
        for claim in claims.files.iter().rev() {
            let Some(again) = self.arrival_of(&claim.path).await? else { continue };
            let theirs = self.documents().get::<Claims>(CLAIMS, &again.id).await?.map(|k| k.value).unwrap_or_default();
            let open = again.rows.quarantined.saturating_sub(self.claimed(&theirs).await?);
            if again.state == IngestState::Landed && open > 0 {
                return Ok(Some((again.id, open)));
            }
        }
        Ok(None)
    }

    async fn arrival_of(&self, place: &str) -> Result<Option<IngestReport>> {
        let arrivals: &Arrivals = &self.rooms().arrivals;
        // As it is written already: to escape it once more would name another file.
        let Ok(path) = Path::parse(place) else { return Ok(None) };
        let Some(id) = arrivals.seen(&key(&path)).await? else { return Ok(None) };
        Ok(arrivals.get(&id).await?.map(|a| a.report.clone()))
    }

    /// Ids of all arrivals of which rows were sent back. One listing.
    pub(super) async fn corrected(&self) -> Result<Vec<String>> {
        self.documents().ids(CLAIMS).await
    }

    /// What became of the arrival's rows since.
    pub(super) async fn corrections(&self, report: &IngestReport) -> Result<Vec<Correction>> {
        let Some(claims) = self.documents().get::<Claims>(CLAIMS, &report.id).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for claim in claims.value.files {
            if let Some(by) = self.arrival_of(&claim.path).await?
                && by.state == IngestState::Landed
                && self.was_taken_back(&by).await?.is_none()
            {
                let at = by.finished_at.unwrap_or(by.started_at);
                found.push(Correction { ingest: by.id, rows: by.rows.landed, by: by.by, at });
            }
        }
        Ok(found)
    }

    /// The arrival whose rows the file at `place` corrects: by its name, if a claim says so too.
    pub(super) async fn corrected_by(&self, place: &Path) -> Result<Option<IngestReport>> {
        let Some(id) = marked(place) else { return Ok(None) };
        let claims = self.documents().get::<Claims>(CLAIMS, id).await?;
        if !claims.is_some_and(|c| c.value.files.iter().any(|f| f.path == place.as_ref())) {
            return Ok(None);
        }
        Ok(self.rooms().arrivals.get(id).await?.map(|a| a.report.clone()))
    }
}

/// As how many rows a rejected one may come back: behind a quote that was never closed, each of its lines is one.
fn lines(row: &QuarantinedRow) -> u64 {
    let raw = row.raw.trim_end_matches(['\r', '\n']).replace("\r\n", "\n");
    1 + raw.matches(['\r', '\n']).count() as u64
}

/// The contract as it holds for corrections: a few rows, of which any share may be wrong again.
pub(super) fn lenient(contract: Option<&Contract>) -> Contract {
    Contract { max_rejected: 1.0, ..contract.cloned().unwrap_or_else(Contract::absent) }
}

fn marked_name(first: &IngestReport, bytes: &[u8]) -> String {
    let stem: String = first.file.split('.').next().unwrap_or("rows").chars().take(80).collect();
    format!("{stem}{MARK}{}-{}.txt", first.id, &sha256(bytes)[..12])
}

/// The header of rows that are sent back. Where only some columns have one, names stand for the others: a line with gaps
/// would be taken for a title.
fn head(columns: &[ColumnReport], delimiter: &str) -> String {
    let bare = columns.iter().all(|c| c.label.trim().is_empty());
    let label = |c: &ColumnReport| if bare || !c.label.trim().is_empty() { c.label.clone() } else { c.name.clone() };
    columns.iter().map(|c| quoted(&label(c), delimiter)).collect::<Vec<_>>().join(delimiter)
}

fn quoted(label: &str, delimiter: &str) -> String {
    if label.contains(['"', '\n', '\r']) || label.contains(delimiter) {
        format!("\"{}\"", label.replace('"', "\"\""))
    } else {
        label.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_no_gaps() {
        let column = |(name, label): &(&str, &str)| ColumnReport {
            name: (*name).to_owned(),
            label: (*label).to_owned(),
            column_type: model::ColumnType::Text,
            nulls: 0,
            evidence: String::new(),
            warning: None,
        };
        let head = |columns: &[(&str, &str)]| head(&columns.iter().map(column).collect::<Vec<_>>(), "\t");
        assert_eq!(head(&[("a", "A"), ("b", "B \"x\"")]), "A\t\"B \"\"x\"\"\"");
        assert_eq!(head(&[("column_1", ""), ("month", "month")]), "column_1\tmonth");
        assert_eq!(head(&[("column_1", ""), ("column_2", " ")]), "\t ", "none is said to have been there");
    }
}
