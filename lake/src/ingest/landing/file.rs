//! Files before they are taken: those in the landing area, and those on this machine that are to go there.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use model::DatasetName;
use object_store::{ObjectMeta, path::Path};

use crate::{LakeError, Result, ingest::replay::is_marked};

/// A file in the landing area.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct LandingFile {
    pub path: Path,
    pub dataset: DatasetName,
    pub bytes: u64,
    /// Changes whenever the file does.
    pub mark: String,
    pub changed: DateTime<Utc>,
}

impl LandingFile {
    /// `None` for what is no file of a dataset: a wrong folder, a hidden or unfinished file.
    pub fn of(object: ObjectMeta) -> Option<Self> {
        let parts: Vec<String> = object.location.parts().map(|p| p.as_ref().to_owned()).collect();
        let [_, unit, name, .., file] = parts.as_slice() else { return None };
        if is_unfinished(file) {
            return None;
        }
        let dataset = match DatasetName::new(unit, name) {
            Ok(dataset) => dataset,
            Err(e) => {
                tracing::debug!(path = %object.location, error = %e, "a landing folder names no dataset");
                return None;
            }
        };
        let tag = object.e_tag.unwrap_or_else(|| object.last_modified.timestamp_micros().to_string());
        Some(Self {
            path: object.location,
            dataset,
            bytes: object.size,
            mark: format!("{}-{tag}", object.size),
            changed: object.last_modified,
        })
    }

    pub fn name(&self) -> &str {
        self.path.filename().unwrap_or_default()
    }
}

/// Hidden, or with a name that programs give a file while they write it.
fn is_unfinished(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    lower.starts_with(['.', '~', '#'])
        || lower.ends_with('~')
        || [".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp"].iter().any(|e| lower.ends_with(e))
}

/// The name under which a sent file is kept: its last part, when that can be a name.
pub(in crate::ingest) fn file_name(given: &str) -> Result<String> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let bad = name.is_empty() || name.len() > 200 || name.chars().any(char::is_control);
    if bad || is_unfinished(name) || is_marked(name) {
        let message = "the file needs a name of at most 200 bytes that does not begin with a dot, end like an \
                       unfinished download or hold `.corrects-`";
        return Err(LakeError::invalid(message));
    }
    Ok(name.to_owned())
}

/// A file on this machine and the dataset it is for.
#[derive(Debug)]
pub(in crate::ingest) struct LocalFile {
    pub path: PathBuf,
    pub dataset: DatasetName,
    pub name: String,
}

/// The file at `path`, or all files below it, by name.
pub(in crate::ingest) fn local_files(path: &std::path::Path, dataset: Option<&DatasetName>) -> Result<Vec<LocalFile>> {
    let cannot =
        |p: &std::path::Path, e: std::io::Error| LakeError::invalid(format!("{} cannot be read: {e}", p.display()));
    let root = path.canonicalize().map_err(|e| cannot(path, e))?;
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(at) = open.pop() {
        if !at.is_dir() {
            found.push(at);
            continue;
        }
        for entry in std::fs::read_dir(&at).map_err(|e| cannot(&at, e))? {
            let entry = entry.map_err(|e| cannot(&at, e))?.path();
            if !entry.file_name().is_some_and(|n| is_unfinished(&n.to_string_lossy())) {
                open.push(entry);
            }
        }
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let part = |p: Option<&std::path::Path>| {
                p.and_then(std::path::Path::file_name).map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
            };
            let name = file_name(&part(Some(&path)))?;
            let dataset = match dataset {
                Some(dataset) => dataset.clone(),
                None => {
                    let folder = path.parent();
                    let (unit, dataset) = (part(folder.and_then(std::path::Path::parent)), part(folder));
                    DatasetName::new(&unit, &dataset).map_err(|e| {
                        let path = path.display();
                        LakeError::invalid(format!(
                            "nothing says which dataset {path} is for ({e}); name it, or put the file into \
                             <unit>/<dataset>/"
                        ))
                    })?
                }
            };
            Ok(LocalFile { path, dataset, name })
        })
        .collect()
}
