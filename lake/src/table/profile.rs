//! The profile of a table: what each column holds, computed while its files are written.
//!
//! Beside each data file lies a small document of mergeable sketches; the profile of a version is the merge over exactly
//! its files, so appending, replacing, rolling back and rewriting need no care. It holds values of all rows and columns:
//! like the table itself, only what [`govern`](crate::govern)'s rules leave whole may be shown of it, and
//! [`catalog`](crate::catalog) sees to that.

use std::{collections::HashSet, io::Read as _, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema},
};
use futures::{StreamExt as _, TryStreamExt as _};
use model::{ColumnProfile, ColumnType, DatasetName};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{Snapshot, Tables};
use crate::{LakeError, Result, catalog::column_type, store::path};

mod bins;
mod column;
mod distinct;
mod frequent;
#[cfg(test)]
mod tests;
mod value;

use column::ColumnSketch;

/// Changes when older documents can no longer be merged with newer ones; those count as absent.
const FORMAT: u32 = 1;
/// Files whose profiles one look reads; a table of more unread ones has no profile until it is compacted.
const MOST_FILES: usize = 4096;
const READ_AT_ONCE: usize = 16;
/// Bytes of one document, unpacked.
const MOST_BYTES: u64 = 64 << 20;
const LEVEL: i32 = 3;
/// Bytes of merged profiles that are kept in memory, about.
const KEPT: u64 = 64 << 20;

/// What one data file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileProfile {
    format: u32,
    rows: u64,
    columns: Vec<ColumnSketch>,
    /// Columns of types that are not looked at: they are in the file, and nothing is known of them.
    #[serde(default)]
    unknown: Vec<String>,
}

/// Looks at the batches of one data file on their way into it.
#[derive(Debug)]
pub struct ProfileBuilder {
    rows: u64,
    /// One entry a column, or its name when its type is not looked at.
    columns: Vec<std::result::Result<ColumnSketch, String>>,
}

impl ProfileBuilder {
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let column = |f: &Arc<Field>| ColumnSketch::new(f.name(), f.data_type()).ok_or_else(|| f.name().clone());
        let columns = schema.fields().iter().map(column).collect();
        Self { rows: 0, columns }
    }

    /// Takes a batch of the schema in. Work for a processor: tens of nanoseconds a value.
    ///
    /// # Errors
    /// [`LakeError::Internal`] when the batch has other types than the schema.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            if let Ok(column) = column {
                column.add(array)?;
            }
        }
        Ok(())
    }

    /// Columns of which a dictionary would hold too many of the values so far, with their types.
    pub(super) fn varied(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        let known = self.columns.iter().filter_map(|c| c.as_ref().ok());
        known.filter(|c| c.is_varied()).map(|c| (c.name.as_str(), c.column_type))
    }

    #[must_use]
    pub fn finish(self) -> FileProfile {
        let (mut columns, mut unknown) = (Vec::new(), Vec::new());
        for column in self.columns {
            match column {
                Ok(column) => columns.push(column),
                Err(name) => unknown.push(name),
            }
        }
        FileProfile { format: FORMAT, rows: self.rows, columns, unknown }
    }
}

impl FileProfile {
    /// Rows of the file.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// As it is stored.
    fn packed(&self) -> Result<Vec<u8>> {
        let packed = zstd::encode_all(serde_json::to_vec(self)?.as_slice(), LEVEL);
        packed.map_err(|e| LakeError::internal(format!("a profile cannot be packed: {e}")))
    }

    /// `None` for what is no profile, or one of another format.
    fn unpacked(bytes: &[u8]) -> Option<Self> {
        let mut json = Vec::new();
        zstd::Decoder::new(bytes).ok()?.take(MOST_BYTES).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok().filter(|p: &Self| p.format == FORMAT)
    }
}

/// The profile of one version of a table.
#[derive(Debug, Clone)]
pub struct TableProfile {
    files: HashSet<String>,
    rows: u64,
    /// In no particular order.
    columns: Vec<ColumnSketch>,
    /// Columns that some file says nothing of, or whose files disagree about their type.
    unknown: HashSet<String>,
}

impl TableProfile {
    /// Rows of the version.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// One column over all rows of the version: to be shown only to who sees all of them and the column as it is.
    /// `None` when its files were written without a profile of it.
    ///
    /// # Errors
    /// [`LakeError::Internal`] when the stored profile contradicts itself.
    pub fn column(&self, name: &str) -> Result<Option<ColumnProfile>> {
        self.columns.iter().find(|c| c.name == name).map(ColumnSketch::shown).transpose()
    }

    fn empty() -> Self {
        Self { files: HashSet::new(), rows: 0, columns: Vec::new(), unknown: HashSet::new() }
    }

    /// In memory, about.
    fn bytes(&self) -> u32 {
        let files: usize = self.files.iter().map(|f| f.len() + 48).sum();
        let columns: usize = self.columns.iter().map(ColumnSketch::bytes).sum();
        u32::try_from(files + columns).unwrap_or(u32::MAX)
    }

    fn merge(&mut self, file: String, profile: &FileProfile) {
        self.unknown.extend(profile.unknown.iter().cloned());
        self.columns.retain(|c| !profile.unknown.contains(&c.name));
        let absent: Vec<usize> = (0..self.columns.len())
            .filter(|&at| !profile.columns.iter().any(|c| c.name == self.columns[at].name))
            .collect();
        for at in absent {
            self.columns[at].absent(profile.rows);
        }
        for theirs in &profile.columns {
            if self.unknown.contains(&theirs.name) {
                continue;
            }
            match self.columns.iter().position(|c| c.name == theirs.name) {
                Some(at) => {
                    if !self.columns[at].merge(theirs) {
                        self.unknown.insert(self.columns.swap_remove(at).name);
                    }
                }
                None => {
                    let mut new = theirs.clone();
                    new.absent(self.rows);
                    self.columns.push(new);
                }
            }
        }
        self.rows += profile.rows;
        self.files.insert(file);
    }
}

/// Merged profiles that were asked for lately, by dataset.
#[derive(Debug)]
pub(super) struct Profiles {
    kept: Cache<DatasetName, Arc<TableProfile>>,
}

impl Profiles {
    pub fn new() -> Self {
        let bytes = |_: &DatasetName, profile: &Arc<TableProfile>| profile.bytes();
        Self { kept: Cache::builder().max_capacity(KEPT).weigher(bytes).build() }
    }
}

impl Tables {
    /// Stores the profile of a data file, named as in the table's log. To be written before the commit that names the
    /// file; a file without one is no harm, its dataset's figures are then asked for by queries.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn write_profile(&self, dataset: &DatasetName, file: &str, profile: &FileProfile) -> Result<()> {
        self.store.write(&path::profile(dataset, file), profile.packed()?).await
    }

    /// The profile of a snapshot's version, or `None` when one of its files was written without.
    ///
    /// # Errors
    /// [`LakeError::Store`].
    pub async fn profile(&self, snapshot: &Snapshot) -> Result<Option<Arc<TableProfile>>> {
        let files = snapshot.file_names()?;
        let known = self.profiles.kept.get(&snapshot.dataset).filter(|p| p.files.is_subset(&files));
        if let Some(known) = &known
            && known.files.len() == files.len()
        {
            return Ok(Some(Arc::clone(known)));
        }
        // What was merged stays merged: after an append only the new files are read.
        let mut profile = known.map_or_else(TableProfile::empty, |known| known.as_ref().clone());
        let unread: Vec<String> = files.difference(&profile.files).cloned().collect();
        if unread.len() > MOST_FILES {
            return Ok(None);
        }
        let mut read = futures::stream::iter(unread)
            .map(async |file| {
                let Some(bytes) = self.store.read(&path::profile(&snapshot.dataset, &file)).await? else {
                    return Ok((file, None));
                };
                let unpacked = tokio::task::spawn_blocking(move || FileProfile::unpacked(&bytes)).await;
                Ok::<_, LakeError>((file, unpacked.unwrap_or_default()))
            })
            .buffer_unordered(READ_AT_ONCE);
        while let Some((file, found)) = read.try_next().await? {
            let Some(found) = found else { return Ok(None) };
            profile.merge(file, &found);
        }
        if profile.rows != snapshot.rows {
            tracing::warn!(
                ?snapshot,
                rows = profile.rows,
                "the profiles of a table's files count other rows than it has"
            );
            return Ok(None);
        }
        let (columns, other): (Vec<_>, Vec<_>) = profile.columns.into_iter().partition(|c| {
            let field = snapshot.schema.field_with_name(&c.name);
            field.is_ok_and(|f| column_type(f.data_type()) == c.column_type)
        });
        profile.columns = columns;
        profile.unknown.extend(other.into_iter().map(|c| c.name));
        let profile = Arc::new(profile);
        self.profiles.kept.insert(snapshot.dataset.clone(), Arc::clone(&profile));
        Ok(Some(profile))
    }
}

impl Snapshot {
    /// The version's data files, as the log names them.
    fn file_names(&self) -> Result<HashSet<String>> {
        Ok(self.state()?.try_log_data()?.iter().map(|file| file.path().into_owned()).collect())
    }
}
