//! Files on their way into the landing area. Small ones are held; larger ones go into the store part by part, so that
//! memory does not grow with them, and get their name there once they are whole.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream::BoxStream};
use model::DatasetName;
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _, buffered::BufWriter, path::Path};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::landing::{LandingFile, hex, sha256};
use crate::{Lake, LakeError, Result, store::path};

/// Bytes up to which a file is held.
const HELD: usize = 8 << 20;

/// A file that has come in whole.
pub(super) enum Incoming {
    Held(Bytes),
    /// In the store, at a place of its own.
    Staged {
        at: Path,
        bytes: u64,
        sha256: String,
    },
}

impl Incoming {
    fn bytes(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Staged { bytes, .. } => *bytes,
        }
    }

    fn sha256(&self) -> String {
        match self {
            Self::Held(bytes) => sha256(bytes),
            Self::Staged { sha256, .. } => sha256.clone(),
        }
    }
}

impl Lake {
    /// Takes a body in, within the limit of size.
    pub(super) async fn take_in(&self, name: &str, mut body: BoxStream<'_, io::Result<Bytes>>) -> Result<Incoming> {
        let mut held = BytesMut::new();
        while held.len() <= HELD {
            let Some(chunk) = body.next().await else { return Ok(Incoming::Held(held.freeze())) };
            held.extend_from_slice(&chunk.map_err(|e| broken(name, e))?);
            self.check_size(held.len() as u64)?;
        }
        let at = path::upload(&uuid::Uuid::new_v4().to_string()).join("whole");
        let mut writer = BufWriter::with_capacity(self.rooms().store.objects(), at.clone(), HELD);
        let written = self.write_all(&mut writer, name, held.freeze(), body).await;
        if written.is_err()
            && let Err(e) = writer.abort().await
        {
            tracing::debug!(%at, error = %e, "an upload that broke off was not ended");
        }
        let (bytes, sha256) = written?;
        Ok(Incoming::Staged { at, bytes, sha256 })
    }

    async fn write_all(
        &self,
        writer: &mut BufWriter,
        name: &str,
        begin: Bytes,
        body: BoxStream<'_, io::Result<Bytes>>,
    ) -> Result<(u64, String)> {
        let (mut bytes, mut hash) = (0, Sha256::new());
        let mut body = futures::stream::iter([Ok(begin)]).chain(body);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| broken(name, e))?;
            bytes += chunk.len() as u64;
            self.check_size(bytes)?;
            hash.update(&chunk);
            writer.write_all(&chunk).await.map_err(unwritten)?;
        }
        writer.shutdown().await.map_err(unwritten)?;
        Ok((bytes, hex(&hash.finalize())))
    }

    /// Gives a file its place in the landing area. The same name with other content gets a name of its own.
    pub(super) async fn place(&self, dataset: &DatasetName, name: &str, file: &Incoming) -> Result<LandingFile> {
        let folder = path::landing(dataset);
        let mut place = folder.clone().join(name);
        let put = self.put(&place, file).await;
        if !matches!(put, Ok(true)) && !self.is_at(&place, file).await? {
            let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
            let dot = if extension.is_empty() { "" } else { "." };
            place = folder.join(format!("{stem}.{}{dot}{extension}", &file.sha256()[..8]));
            match (put, file) {
                // Not every store can copy to where nothing is. This name is the content's: nothing else is ever there.
                (Err(e), Incoming::Staged { at, .. }) => {
                    tracing::debug!(%place, error = ?e, "a file is copied under a name of its own");
                    self.rooms().store.copy(at, &place).await?;
                }
                (Err(e), Incoming::Held(_)) => return Err(e),
                (Ok(_), _) => drop(self.put(&place, file).await?),
            }
        }
        let object = self.rooms().store.objects().head(&place).await?;
        LandingFile::of(object)
            .ok_or_else(|| LakeError::invalid(format!("`{name}` is no name for a file of {dataset}")))
    }

    async fn put(&self, place: &Path, file: &Incoming) -> Result<bool> {
        let store = &self.rooms().store;
        match file {
            Incoming::Held(bytes) => store.create(place, bytes.clone()).await,
            Incoming::Staged { at, .. } => store.create_from(at, place).await,
        }
    }

    async fn is_at(&self, place: &Path, file: &Incoming) -> Result<bool> {
        let objects = self.rooms().store.objects();
        let found = match objects.get_opts(place, GetOptions::default()).await {
            Ok(found) if found.meta.size == file.bytes() => found,
            Ok(_) | Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        let (mut hash, mut content) = (Sha256::new(), found.into_stream());
        while let Some(chunk) = content.next().await {
            hash.update(&chunk?);
        }
        Ok(hex(&hash.finalize()) == file.sha256())
    }

    /// Removes what a file left beside its place.
    pub(super) async fn tidy(&self, file: &Incoming) {
        if let Incoming::Staged { at, .. } = file
            && let Err(e) = self.rooms().store.remove(at).await
        {
            tracing::warn!(%at, error = %e, "an upload that has its place was not removed from where it was staged");
        }
    }
}

/// A file of this machine as a body.
pub(super) async fn local(path: &std::path::Path) -> io::Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
    let file = tokio::fs::File::open(path).await?;
    Ok(tokio_util::io::ReaderStream::with_capacity(file, 1 << 20))
}

fn broken(name: &str, e: io::Error) -> LakeError {
    match e.downcast::<object_store::Error>() {
        Ok(e) => e.into(),
        Err(e) => LakeError::invalid(format!("the upload of `{name}` broke off: {e}")),
    }
}

pub(super) fn unwritten(e: io::Error) -> LakeError {
    match e.downcast::<object_store::Error>() {
        Ok(e) => e.into(),
        Err(e) => LakeError::internal(format!("what came in could not be written: {e}")),
    }
}
