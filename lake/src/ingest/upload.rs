//! Uploads that can be gone on with: a file comes in pieces, and what has come stays when the connection breaks.
//!
//! Each piece is an object that is created if absent under the offset where it begins, so any replica knows how far an
//! upload is, and of two that send the same piece one is told. When the last one is there the file is put together and
//! taken as any other.

use std::io;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use model::{DatasetName, Principal, Upload};
use object_store::{ObjectMeta, ObjectStore as _, path::Path};
use serde::{Deserialize, Serialize};

use super::landing::{Sender, file_name};
use crate::{Lake, LakeError, Result, document::Versioned, store::path};

const UPLOADS: &str = "uploads";
/// Bytes of a piece, the last one of a request aside.
const PIECE: usize = 8 << 20;
/// Unfinished uploads of one person.
const OPEN: usize = 20;
/// How long an upload may take.
const LIFE: TimeDelta = TimeDelta::days(3);

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    dataset: DatasetName,
    file: String,
    bytes: u64,
    /// Key of whoever began it: nobody else learns that it exists.
    sender: String,
    begun_at: DateTime<Utc>,
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
        self.check_may_upload(who, dataset).await?;
        let file = file_name(file)?;
        self.check_size(bytes)?;
        if self.forget_uploads(who, Utc::now()).await? >= OPEN {
            let message = format!("you have {OPEN} unfinished uploads; finish or end one of them first");
            return Err(LakeError::Limit { message });
        }
        let id = uuid::Uuid::new_v4().to_string();
        let (dataset, sender) = (dataset.clone(), who.key());
        let kept = Kept { dataset, file, bytes, sender, begun_at: Utc::now(), ingest: None };
        self.documents().create(UPLOADS, &id, &kept).await?;
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
        self.finish_upload(who, id, kept.value, offset).await
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
        let kept = self.own_upload(who, id).await?.value;
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
        self.remove_upload(id).await
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
        let turn = self.rooms().arrivals.turn(&self.own_upload(who, id).await?.value.dataset);
        let _turn = turn.lock().await;
        // Whoever had the turn before may have taken it.
        let Versioned { version, value: mut kept } = self.own_upload(who, id).await?;
        if kept.ingest.is_none() {
            let pieces = self.pieces(id).await?;
            let objects = self.rooms().store.objects();
            let body = futures::stream::iter(pieces)
                .then(move |piece| {
                    let objects = objects.clone();
                    async move { objects.get_opts(&piece.location, Default::default()).await?.bytes().await }
                })
                .map_err(io::Error::other)
                .boxed();
            let incoming = self.take_in(&kept.file, body).await?;
            let report = self.send_in_turn(&kept.dataset, &kept.file, incoming, &Sender::Person(who)).await?;
            kept.ingest = Some(report.id);
            self.documents().update(UPLOADS, id, version, &kept).await?;
            self.remove_pieces(id).await?;
        }
        Ok(kept.shown(id, kept.bytes))
    }

    async fn own_upload(&self, who: &Principal, id: &str) -> Result<Versioned<Kept>> {
        let known = self.documents().get::<Kept>(UPLOADS, id).await?;
        let own = known.filter(|k| k.value.sender == who.key() && k.value.expires_at() > Utc::now());
        let own = own.ok_or_else(|| LakeError::NotFound { what: "upload", name: id.to_owned() })?;
        self.check_may_upload(who, &own.value.dataset).await?;
        Ok(own)
    }

    /// What has come of an upload, in order.
    async fn pieces(&self, id: &str) -> Result<Vec<ObjectMeta>> {
        let objects = self.rooms().store.objects();
        let mut pieces: Vec<ObjectMeta> = objects.list(Some(&path::upload(id))).try_collect().await?;
        pieces.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(pieces)
    }

    /// Removes what is over, of everybody's. Returns how many unfinished uploads the person has.
    async fn forget_uploads(&self, who: &Principal, now: DateTime<Utc>) -> Result<usize> {
        let mut open = 0;
        for id in self.documents().ids(UPLOADS).await? {
            let Some(known) = self.documents().get::<Kept>(UPLOADS, &id).await? else { continue };
            if known.value.expires_at() <= now {
                self.remove_upload(&id).await?;
            } else if known.value.ingest.is_none() && known.value.sender == who.key() {
                open += 1;
            }
        }
        // Files that were being put together when a process was killed belong to no upload.
        let objects = self.rooms().store.objects();
        let left: Vec<Path> = objects
            .list(Some(&Path::from(path::UPLOADS)))
            .try_filter(|o| std::future::ready(o.last_modified + LIFE + LIFE <= now))
            .map_ok(|o| o.location)
            .try_collect()
            .await?;
        for place in left {
            self.rooms().store.remove(&place).await?;
        }
        Ok(open)
    }

    async fn remove_upload(&self, id: &str) -> Result<()> {
        self.remove_pieces(id).await?;
        self.documents().remove(UPLOADS, id).await
    }

    async fn remove_pieces(&self, id: &str) -> Result<()> {
        for piece in self.pieces(id).await? {
            self.rooms().store.remove(&piece.location).await?;
        }
        Ok(())
    }
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
