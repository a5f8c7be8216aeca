//! Stored results: Arrow IPC files under a content key, an in-process tier before them, pages and encoders.

use bytes::Bytes;
use futures::stream::BoxStream;
use model::{ExportFormat, Page, Principal};

use crate::{Lake, LakeError, Limits, Result, store::Store};

/// Stored results of a lake.
#[derive(Debug)]
pub struct Results {
    _store: Store,
}

/// A result being encoded: its name without extension and its bytes.
pub struct Download {
    pub rows: u64,
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Download({} rows)", self.rows)
    }
}

impl Results {
    #[must_use]
    pub fn new(store: Store, _limits: &Limits, _secret: Vec<u8>) -> Self {
        Self { _store: store }
    }
}

impl Lake {
    /// A window of a result: rows `offset` to `offset + limit`, `limit` at most 10,000.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when there is no such result or it is not this principal's to see.
    pub async fn result_page(&self, _who: &Principal, _id: &str, _offset: u64, _limit: u64) -> Result<Page> {
        Err(LakeError::internal("not built"))
    }

    /// The whole result, encoded as a stream.
    pub async fn download(&self, _who: &Principal, _id: &str, _format: ExportFormat) -> Result<Download> {
        Err(LakeError::internal("not built"))
    }
}
