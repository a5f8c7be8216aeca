//! The bucket: an object store from config, behind one type that the rooms share.
//!
//! Knows nothing of what the objects mean; [`path`] names where each kind of thing lives.

use std::{fmt, io::ErrorKind, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use object_store::{
    CopyMode, CopyOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    local::LocalFileSystem, memory::InMemory, path::Path, prefix::PrefixStore,
};

use crate::{LakeError, Result, StoreConfig};

pub mod path;

mod ordered;
mod walk;

use ordered::Ordered;
pub(crate) use walk::{LeftOut, Walked};

/// The URL under which query plans name the bucket; never a real address, so that no plan can show one.
pub const STORE_URL: &str = "lake://bucket/";

/// One bucket, or a prefix of one. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    folder: Option<std::path::PathBuf>,
}

impl Store {
    /// Opens the store that `config` names, without a request to it.
    ///
    /// # Errors
    /// [`LakeError::Config`] for an address or option that no store understands or a folder that cannot be made.
    pub fn open(config: &StoreConfig) -> Result<Self> {
        let objects: Arc<dyn ObjectStore> = match config {
            StoreConfig::Memory => Arc::new(InMemory::new()),
            StoreConfig::Folder(folder) => {
                let cannot = |e: &dyn fmt::Display| LakeError::Config {
                    message: format!("the lake's folder {} cannot be used: {e}", folder.display()),
                };
                std::fs::create_dir_all(folder).map_err(|e| cannot(&e))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|e| cannot(&e))?;
                Arc::new(Ordered(store.with_automatic_cleanup(true)))
            }
            StoreConfig::Url { url, options } => remote(url, options)?,
        };
        let folder = match config {
            StoreConfig::Folder(f) => Some(f.canonicalize().unwrap_or_else(|_| f.clone())),
            _ => None,
        };
        Ok(Self { objects, folder })
    }

    /// The store itself, for engines that want the trait.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// The local folder, when the bucket is one.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// All objects below a prefix in order of their paths; in a folder, what cannot be listed is left out and told.
    pub(crate) async fn list_each(&self, prefix: &str) -> Result<Walked> {
        let Some(folder) = self.folder.clone() else {
            let objects = self.objects.list(Some(&Path::from(prefix))).try_collect().await?;
            return Ok(Walked { objects, left_out: Vec::new() });
        };
        let prefix = prefix.to_owned();
        let walked = tokio::task::spawn_blocking(move || walk::walk(&folder, &prefix)).await;
        let walked = walked.map_err(|e| LakeError::internal(format!("listing a folder failed: {e}")))?;
        let mut walked = walked.map_err(|e| LakeError::Store { source: e.into() })?;
        walked.objects.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(walked)
    }

    /// Whether the bucket is a local folder that has one of its own for this prefix.
    pub(crate) fn has_folder(&self, prefix: &Path) -> bool {
        self.folder.as_ref().is_some_and(|folder| folder.join(prefix.as_ref()).is_dir())
    }

    /// The whole object, or `None` when there is none.
    pub async fn read(&self, path: &Path) -> Result<Option<bytes::Bytes>> {
        match self.objects.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes or replaces an object.
    pub async fn write(&self, path: &Path, content: impl Into<PutPayload>) -> Result<()> {
        self.objects.put(path, content.into()).await?;
        Ok(())
    }

    /// Writes an object that must not exist yet. `false` when it does: someone else was first.
    pub async fn create(&self, path: &Path, content: impl Into<PutPayload>) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(path, content.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Copies an object to a path where there must be none yet. `false` when there is one: someone else was first.
    ///
    /// # Errors
    /// [`LakeError::Store`], also from S3 servers that cannot do it.
    pub async fn create_from(&self, from: &Path, to: &Path) -> Result<bool> {
        let options = CopyOptions { mode: CopyMode::Create, ..CopyOptions::default() };
        match self.objects.copy_opts(from, to, options).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Copies an object over whatever is at `to`.
    pub async fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        Ok(self.objects.copy(from, to).await?)
    }

    /// The time by the store's clock, or by ours when that is behind: what is removed for its age must not go by a clock
    /// that runs ahead. Writes a small object.
    pub(crate) async fn now(&self) -> Result<DateTime<Utc>> {
        let mark = path::clock();
        self.write(&mark, bytes::Bytes::new()).await?;
        Ok(self.objects.head(&mark).await?.last_modified.min(Utc::now()))
    }

    /// Removes an object; absent is fine.
    pub async fn remove(&self, path: &Path) -> Result<()> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Removes objects; with `look` it only says what they are.
    pub(crate) async fn remove_all(&self, objects: &[ObjectMeta], look: bool) -> Result<Removed> {
        let mut removed = Removed::default();
        for object in objects {
            if !look {
                self.remove(&object.location).await?;
            }
            removed.files += 1;
            removed.bytes += object.size;
        }
        Ok(removed)
    }

    /// A tag that changes whenever the object does, or `None` when there is none. One cheap request, which
    /// takes five seconds at most.
    pub async fn tag(&self, path: &Path) -> Result<Option<String>> {
        match soon(async { Ok(self.objects.head(path).await) }).await? {
            Ok(m) => Ok(Some(m.e_tag.unwrap_or_else(|| format!("{}-{}", m.last_modified.timestamp_micros(), m.size)))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// What was removed from the store, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    pub files: u64,
    pub bytes: u64,
}

/// Whether the store refuses to give out one object and no other try would help. Folders tell it as the system does.
pub(crate) fn is_denied(e: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(e) = cause {
        let of_system = e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::PermissionDenied);
        if of_system || matches!(e.downcast_ref(), Some(object_store::Error::PermissionDenied { .. })) {
            return true;
        }
        cause = e.source();
    }
    false
}

/// The longest that somebody waits for a small thing from the store.
const SOON: Duration = Duration::from_secs(5);

/// A small read that someone waits for. A store that takes requests and never answers counts as one that is down:
/// retries end by themselves, and a request that hangs does not.
///
/// # Errors
/// What `read` fails with, and [`LakeError::Store`] after five seconds.
pub(crate) async fn soon<T>(read: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| LakeError::Store { source: "the store did not answer within five seconds".into() };
    tokio::time::timeout(SOON, read).await.map_err(late)?
}

/// Interactive reads give up after two retries or five seconds, whichever is first.
fn interactive() -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: SOON, ..RetryConfig::default() }
}

fn remote(url: &url::Url, options: &[(String, String)]) -> Result<Arc<dyn ObjectStore>> {
    let cannot = |e: &dyn fmt::Display| LakeError::Config { message: format!("the store {url} cannot be used: {e}") };
    let prefix = Path::from_url_path(url.path()).map_err(|e| cannot(&e))?;
    let bucket: Arc<dyn ObjectStore> = match url.scheme() {
        #[cfg(feature = "s3")]
        "s3" | "s3a" => {
            use object_store::aws::S3CopyIfNotExists;

            let mut builder = object_store::aws::AmazonS3Builder::from_env()
                .with_url(format!("s3://{}", url.host_str().unwrap_or_default()))
                .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
                .with_retry(interactive());
            for (key, value) in options {
                builder = builder.with_config(key.parse().map_err(|e| cannot(&e))?, value);
            }
            Arc::new(builder.build().map_err(|e| cannot(&e))?)
        }
        #[cfg(feature = "gcs")]
        "gs" => {
            let mut builder = object_store::gcp::GoogleCloudStorageBuilder::from_env()
                .with_url(format!("gs://{}", url.host_str().unwrap_or_default()))
                .with_retry(interactive());
            for (key, value) in options {
                builder = builder.with_config(key.parse().map_err(|e| cannot(&e))?, value);
            }
            Arc::new(builder.build().map_err(|e| cannot(&e))?)
        }
        #[cfg(feature = "azure")]
        "az" | "abfs" | "abfss" => {
            let mut builder = object_store::azure::MicrosoftAzureBuilder::from_env()
                .with_url(format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()))
                .with_retry(interactive());
            for (key, value) in options {
                builder = builder.with_config(key.parse().map_err(|e| cannot(&e))?, value);
            }
            Arc::new(builder.build().map_err(|e| cannot(&e))?)
        }
        other => {
            return Err(LakeError::Config {
                message: format!("this build has no store for {other}:// addresses; use a folder or s3://"),
            });
        }
    };
    Ok(if prefix.as_ref().is_empty() { bucket } else { Arc::new(PrefixStore::new(bucket, prefix)) })
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.objects)
    }
}
