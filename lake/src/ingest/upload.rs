//! Uploads that can be gone on with: a file comes in pieces, and what has come stays when the connection breaks.
//!
//! Each piece is an object that is created if absent under the offset where it begins, so any replica knows how far an
//! upload is, and of two that send the same piece one is told. When the last one is there the file is put together and
//! taken as any other. A person's uploads are one small document, so that no one else's cost it anything.

use std::{collections::BTreeMap, io};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use model::{AuditAction, DatasetName, IngestReport, IngestState, Principal, Upload};
use object_store::{ObjectMeta, ObjectStore as _, path::Path};
use serde::{Deserialize, Serialize};

use super::{
    arrival::new_id,
    landing::{Sender, file_name, sha256},
};
use crate::{Lake, LakeError, Result, document::Versioned, store::path};

const UPLOADS: &str = "uploads";
/// Bytes of a piece, the last one of a request aside.
const PIECE: usize = 8 << 20;
/// Unfinished uploads of one person.
const OPEN: usize = 20;
/// Uploads of one person that are remembered; finished ones give way to new ones.
const REMEMBERED: usize = 100;
/// How long an upload may take.
const LIFE: TimeDelta = TimeDelta::days(3);

/// One person's uploads, by id.
type Uploads = BTreeMap<String, Kept>;

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    dataset: DatasetName,
    file: String,
    bytes: u64,
    begun_at: DateTime<Utc>,
    /// As which arrival the file is taken. Known before anything is done, so that it is taken once.
    #[serde(default)]
    takes: Option<String>,
    /// The same, once it was taken.
    #[serde(default)]
    ingest: Option<String>,
}

impl Kept {
    fn expires_at(&self) -> DateTime<Utc> {
        self.begun_at + LIFE
    }

    fn shown(&self, id: &str, offset: u64) -> Upload {
        Upload {
            id: id.to_owned(),
            dataset: self.dataset.clone(),
            file: self.file.clone(),
            bytes: self.bytes,
            offset,
            expires_at: self.expires_at(),
            ingest: self.ingest.clone(),
        }
    }
}

impl Lake {
    /// Begins an upload of a file with so many bytes. Needs what [`Lake::upload`] needs.
    ///
    /// # Errors
    /// As [`Lake::upload`]; [`LakeError::Limit`] when the person has too many unfinished ones.
    pub async fn begin_upload(&self, who: &Principal, dataset: &DatasetName, file: &str, bytes: u64) -> Result<Upload> {
        let may = self.check_may_upload(who, dataset).await;
        self.denials(who, AuditAction::Upload, Some(dataset), Some(file), may)?;
        let file = file_name(file)?;
        self.check_size(bytes)?;
        self.sweep_uploads().await?;
        let id = uuid::Uuid::new_v4().to_string();
        let kept = Kept { dataset: dataset.clone(), file, bytes, begun_at: Utc::now(), takes: None, ingest: None };
        let gone = self.remember_upload(who, &id, &kept).await?;
        for id in gone {
            self.remove_pieces(&id).await?;
        }
        if bytes == 0 {
            return self.upload_state(who, &id).await;
        }
        Ok(kept.shown(&id, 0))
    }

    /// How far an upload of the person's own is. One that is whole and was not taken, because the connection or the
    /// server broke off at the very end, is taken now.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] for an upload that is absent, over or someone else's; as [`Lake::upload`].
    pub async fn upload_state(&self, who: &Principal, id: &str) -> Result<Upload> {
        let kept = self.own_upload(who, id).await?;
        let offset = offset(&self.pieces(id).await?);
        self.finish_upload(who, id, kept, offset).await
    }

    /// Takes the next bytes of an upload of the person's own, beginning at `at`. The last ones make it an arrival.
    ///
    /// # Errors
    /// As [`Lake::upload_state`]; [`LakeError::Conflict`] when it is not as far or farther than `at`,
    /// [`LakeError::Invalid`] for more bytes than the file has. What had come before stays.
    pub async fn go_on_with_upload(
        &self,
        who: &Principal,
        id: &str,
        at: u64,
        body: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<Upload> {
        let kept = self.own_upload(who, id).await?;
        let so_far = if kept.ingest.is_some() { kept.bytes } else { offset(&self.pieces(id).await?) };
        if so_far != at {
            return Err(LakeError::Conflict { what: "the upload" });
        }
        let offset = self.take_pieces(id, &kept, at, body).await?;
        self.finish_upload(who, id, kept, offset).await
    }

    /// Ends an upload of the person's own; nothing of it is kept.
    ///
    /// # Errors
    /// As [`Lake::upload_state`].
    pub async fn end_upload(&self, who: &Principal, id: &str) -> Result<()> {
        self.own_upload(who, id).await?;
        self.change_uploads(who, |uploads| {
            uploads.remove(id);
            Ok(())
        })
        .await?;
        self.remove_pieces(id).await
    }

    /// Writes pieces until the body ends or breaks off; what came until then is kept.
    async fn take_pieces(
        &self,
        id: &str,
        kept: &Kept,
        mut at: u64,
        mut body: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<u64> {
        let mut piece = BytesMut::new();
        loop {
            let chunk = body.next().await;
            let over = !matches!(chunk, Some(Ok(_)));
            if let Some(Ok(chunk)) = chunk {
                if at + (piece.len() + chunk.len()) as u64 > kept.bytes {
                    let message =
                        format!("`{}` was to have {} bytes, and more have come; begin anew", kept.file, kept.bytes);
                    return Err(LakeError::invalid(message));
                }
                piece.extend_from_slice(&chunk);
            } else if let Some(Err(e)) = chunk {
                tracing::debug!(id, error = %e, "an upload broke off; it can be gone on with");
            }
            if piece.len() >= PIECE || (over && !piece.is_empty()) {
                let bytes = piece.split().freeze();
                let (place, size) = (path::upload(id).join(piece_name(at)), bytes.len() as u64);
                if !self.rooms().store.create(&place, bytes).await? {
                    return Err(LakeError::Conflict { what: "the upload" });
                }
                at += size;
            }
            if over {
                return Ok(at);
            }
        }
    }

    /// Takes the file when it is whole. Goes on to the end even when nobody waits for the answer any more.
    async fn finish_upload(&self, who: &Principal, id: &str, kept: Kept, offset: u64) -> Result<Upload> {
        if kept.ingest.is_some() {
            return Ok(kept.shown(id, kept.bytes));
        }
        if offset < kept.bytes {
            return Ok(kept.shown(id, offset));
        }
        let (lake, who, id) = (self.clone(), who.clone(), id.to_owned());
        let taken = tokio::spawn(async move { lake.take_upload(&who, &id).await });
        taken.await.map_err(|e| LakeError::internal(format!("an upload was not taken: {e}")))?
    }

    async fn take_upload(&self, who: &Principal, id: &str) -> Result<Upload> {
        let turn = self.rooms().arrivals.turn(&self.own_upload(who, id).await?.dataset);
        let _turn = turn.lock().await;
        // Whoever had the turn before may have taken it.
        let mut kept = self.own_upload(who, id).await?;
        if kept.ingest.is_none() {
            let report = self.taken_as(who, id, &kept).await?;
            kept.ingest = Some(report.id);
            self.change_uploads(who, |uploads| {
                if let Some(known) = uploads.get_mut(id) {
                    known.ingest.clone_from(&kept.ingest);
                }
                Ok(())
            })
            .await?;
            self.remove_pieces(id).await?;
        }
        Ok(kept.shown(id, kept.bytes))
    }

    /// Makes the file an arrival; the one that it was made before, when a process was killed between that and the note.
    async fn taken_as(&self, who: &Principal, id: &str, kept: &Kept) -> Result<IngestReport> {
        let new = new_id();
        let takes = self.change_uploads(who, |uploads| {
            let known = uploads.get_mut(id).ok_or(LakeError::Conflict { what: "the upload" })?;
            Ok(known.takes.get_or_insert_with(|| new.clone()).clone())
        });
        let arrival = takes.await?;
        if let Some(known) = self.rooms().arrivals.get(&arrival).await?
            && known.report.state != IngestState::Working
        {
            return Ok(known.report.clone());
        }
        let pieces = self.pieces(id).await?;
        // Whoever ends an upload takes its pieces away one by one.
        if offset(&pieces) != kept.bytes {
            return Err(LakeError::Conflict { what: "the upload" });
        }
        let objects = self.rooms().store.objects();
        let body = futures::stream::iter(pieces)
            .then(move |piece| {
                let objects = objects.clone();
                async move { objects.get_opts(&piece.location, Default::default()).await?.bytes().await }
            })
            .map_err(io::Error::other)
            .boxed();
        let entry = self.audited(who, AuditAction::Upload)?.on(&kept.dataset).text(&kept.file);
        let sent = async {
            let incoming = self.take_in(&kept.file, body).await?;
            self.send_in_turn(&kept.dataset, &kept.file, incoming, &Sender::Person(who), &arrival).await
        };
        let sent = sent.await;
        self.settle_arrival(who, entry, &sent);
        sent
    }

    async fn own_upload(&self, who: &Principal, id: &str) -> Result<Kept> {
        let known = self.documents().get::<Uploads>(UPLOADS, &document(who)).await?;
        let own = known.and_then(|mut k| k.value.remove(id)).filter(|k| k.expires_at() > Utc::now());
        let own = own.ok_or_else(|| LakeError::NotFound { what: "upload", name: id.to_owned() });
        let may = match own {
            Ok(own) => self.check_may_upload(who, &own.dataset).await.map(|()| own),
            Err(e) => Err(e),
        };
        self.denials(who, AuditAction::Upload, None, Some(id), may)
    }

    /// Adds an upload to the person's. Returns those that are forgotten for it: what is over, and the oldest finished
    /// ones past the most that are remembered.
    async fn remember_upload(&self, who: &Principal, id: &str, kept: &Kept) -> Result<Vec<String>> {
        self.change_uploads(who, |uploads| {
            let now = Utc::now();
            let over = |k: &Kept| k.expires_at() <= now;
            let mut gone: Vec<String> = uploads.iter().filter(|(_, k)| over(k)).map(|(id, _)| id.clone()).collect();
            uploads.retain(|_, k| !over(k));
            if uploads.values().filter(|k| k.ingest.is_none()).count() >= OPEN {
                let message = format!("you have {OPEN} unfinished uploads; finish or end one of them first");
                return Err(LakeError::Limit { message });
            }
            let mut finished: Vec<(DateTime<Utc>, String)> =
                uploads.iter().filter(|(_, k)| k.ingest.is_some()).map(|(id, k)| (k.begun_at, id.clone())).collect();
            finished.sort_unstable();
            let too_many = (uploads.len() + 1).saturating_sub(REMEMBERED);
            for (_, old) in finished.into_iter().take(too_many) {
                uploads.remove(&old);
                gone.push(old);
            }
            uploads.insert(id.to_owned(), kept.clone());
            Ok(gone)
        })
        .await
    }

    /// Changes the person's uploads, anew when someone else did meanwhile.
    async fn change_uploads<T>(&self, who: &Principal, change: impl Fn(&mut Uploads) -> Result<T>) -> Result<T> {
        let (documents, id) = (self.documents(), document(who));
        loop {
            let (version, mut uploads) = match documents.get::<Uploads>(UPLOADS, &id).await? {
                Some(Versioned { version, value }) => (Some(version), value),
                None => (None, Uploads::new()),
            };
            let changed = change(&mut uploads)?;
            let written = match version {
                Some(version) => documents.update(UPLOADS, &id, version, &uploads).await,
                None => documents.create(UPLOADS, &id, &uploads).await,
            };
            match written {
                Ok(()) => return Ok(changed),
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// What has come of an upload, in order.
    async fn pieces(&self, id: &str) -> Result<Vec<ObjectMeta>> {
        let objects = self.rooms().store.objects();
        let mut pieces: Vec<ObjectMeta> = objects.list(Some(&path::upload(id))).try_collect().await?;
        pieces.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(pieces)
    }

    /// Removes what has lain so long that no upload can need it: of people who never came back, and of files that were
    /// being put together when a process was killed.
    async fn sweep_uploads(&self) -> Result<()> {
        let (objects, now) = (self.rooms().store.objects(), Utc::now());
        let left: Vec<Path> = objects
            .list(Some(&Path::from(path::UPLOADS)))
            .try_filter(|o| std::future::ready(o.last_modified + LIFE + LIFE <= now))
            .map_ok(|o| o.location)
            .try_collect()
            .await?;
        for place in left {
            self.rooms().store.remove(&place).await?;
        }
        Ok(())
    }

    async fn remove_pieces(&self, id: &str) -> Result<()> {
        for piece in self.pieces(id).await? {
            self.rooms().store.remove(&piece.location).await?;
        }
        Ok(())
    }
}

/// Where the person's uploads are kept.
fn document(who: &Principal) -> String {
    sha256(who.key().as_bytes())
}

/// The name of the piece that begins at this byte; names are in the order of bytes.
fn piece_name(at: u64) -> String {
    format!("{at:020}")
}

/// Bytes up to the first gap.
fn offset(pieces: &[ObjectMeta]) -> u64 {
    pieces.iter().fold(0, |at, piece| match piece.location.filename() {
        Some(name) if name == piece_name(at) => at + piece.size,
        _ => at,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{
        LakeConfig, StoreConfig,
        ingest::{arrival::Arrival, incoming::Incoming},
    };

    async fn open(store: StoreConfig) -> Lake {
        let mut config = LakeConfig::new(store);
        config.freshness = std::time::Duration::ZERO;
        let lake = Lake::open(config).await.unwrap();
        let policy = "[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"own\"]\n";
        lake.rooms().store.write(&path::policy(), policy).await.unwrap();
        lake
    }

    fn ann() -> Principal {
        Principal {
            issuer: "test".into(),
            subject: "ann".into(),
            name: "ann".into(),
            email: None,
            groups: Some(["staff".to_owned()].into()),
            claims: BTreeMap::new(),
            scope: None,
            origin: Default::default(),
        }
    }

    #[tokio::test]
    async fn a_file_of_which_a_piece_is_gone_is_not_put_together() {
        let (lake, who) = (open(StoreConfig::Memory).await, ann());
        let store = &lake.rooms().store;
        let dataset = "ops.shops".parse().unwrap();
        let id = lake.begin_upload(&who, &dataset, "a.csv", 8).await.unwrap().id;
        for (at, text) in [(0, "id\n1"), (4, "\n2\n3")] {
            store.write(&path::upload(&id).join(piece_name(at)), text).await.unwrap();
        }
        // Someone ends the upload at the moment at which it is put together.
        store.remove(&path::upload(&id).join(piece_name(0))).await.unwrap();
        let taken = lake.take_upload(&who, &id).await;
        assert!(matches!(taken, Err(LakeError::Conflict { .. })), "{taken:?}");
        assert!(lake.landing_area().await.unwrap().files.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_was_taken_before_its_upload_says_so_is_not_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let (who, dataset) = (ann(), "ops.shops".parse::<DatasetName>().unwrap());
        let open = async || open(StoreConfig::Folder(folder.path().to_owned())).await;
        let mut lake = open().await;
        lake.rooms().store.write(&path::contract(&dataset), "mode = \"replace\"\n").await.unwrap();
        let id = lake.begin_upload(&who, &dataset, "a.csv", 8).await.unwrap().id;
        let piece = path::upload(&id).join(piece_name(0));
        lake.rooms().store.write(&piece, "id\n1\n2\n3").await.unwrap();
        let first = lake.take_upload(&who, &id).await.unwrap().ingest.unwrap();
        let report = lake.ingest(&who, &first).await.unwrap();
        assert_eq!((report.state, report.version), (IngestState::Landed, Some(0)), "{}", report.message);
        // As a process leaves it that is killed before the note, or before the arrival's end was written.
        for ended in [true, false] {
            lake.rooms().store.write(&piece, "id\n1\n2\n3").await.unwrap();
            let forget = |uploads: &mut Uploads| {
                uploads.get_mut(&id).unwrap().ingest = None;
                Ok(())
            };
            lake.change_uploads(&who, forget).await.unwrap();
            if !ended {
                let report = IngestReport { state: IngestState::Working, finished_at: None, ..report.clone() };
                let begun = Arrival { report, sender: Some(who.key()), terms: None };
                std::fs::remove_dir_all(folder.path().join("portal/ingest").join(&first)).unwrap();
                lake.documents().create("ingest", &first, &begun).await.unwrap();
                lake = open().await;
            }
            // Newer rows came meanwhile.
            let newer = Incoming::Held(if ended { "id\n4\n" } else { "id\n5\n" }.into());
            let newer = lake.send_for(&who, &dataset, format!("{ended}.csv"), newer).await.unwrap();
            assert_eq!(newer.state, IngestState::Landed, "{}", newer.message);
            let again = lake.take_upload(&who, &id).await.unwrap();
            assert_eq!(again.ingest.as_deref(), Some(first.as_str()));
            let report = lake.ingest(&who, &first).await.unwrap();
            assert_eq!((report.state, report.version), (IngestState::Landed, Some(0)), "{}", report.message);
            let newest = lake.rooms().tables.snapshot(&dataset).await.unwrap().unwrap();
            assert_eq!(Some(newest.version), newer.version, "{ended}: it landed over newer rows");
            assert!(lake.pieces(&id).await.unwrap().is_empty());
        }
    }
}
