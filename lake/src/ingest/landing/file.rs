//! Files before they are taken: those in the landing area, and those on this machine that are to go there.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use model::{Astray, DatasetName};
use object_store::{ObjectMeta, path::Path};

use crate::{
    LakeError, Result,
    ingest::{
        astray::{MOST, astray},
        replay::is_marked,
    },
    store::{LeftOut, path},
};

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

/// What lies in the landing area.
#[derive(Debug, Default)]
pub(in crate::ingest) struct LandingArea {
    /// By dataset, then name, then time.
    pub files: Vec<LandingFile>,
    /// The first of those that nobody takes: they cannot be listed, or belong to no dataset.
    pub astray: Vec<Astray>,
}

impl LandingArea {
    pub fn leave_out(&mut self, LeftOut { path, bytes, changed_at, reason }: LeftOut) {
        let is_hidden = is_unfinished(path.rsplit('/').next().unwrap_or_default());
        if !is_hidden && self.astray.len() < MOST {
            self.astray.push(Astray { path, bytes, changed_at, reason });
        }
    }

    pub fn add(&mut self, object: ObjectMeta) {
        match astray(&object) {
            Some(astray) if self.astray.len() < MOST => self.astray.push(astray),
            _ => self.files.extend(LandingFile::of(object)),
        }
    }
}

impl LandingFile {
    /// `None` for what is no file of a dataset: a wrong folder, a hidden or unfinished file.
    pub fn of(object: ObjectMeta) -> Option<Self> {
        let parts: Vec<String> = object.location.parts().map(|p| p.as_ref().to_owned()).collect();
        let [_, unit, name, .., file] = parts.as_slice() else { return None };
        if is_unfinished(file) {
            return None;
        }
        let dataset = DatasetName::new(unit, name).ok()?;
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
pub(in crate::ingest) fn is_unfinished(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    lower.starts_with(['.', '~', '#'])
        || lower.ends_with('~')
        || [".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp"].iter().any(|e| lower.ends_with(e))
}

/// The name under which a sent file is kept: its last part, when that can be a name.
pub(in crate::ingest) fn file_name(given: &str) -> Result<String> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    // As stores write it: what is no plain character takes three bytes and more.
    let bad = name.is_empty() || Path::from(name).as_ref().len() > 200 || name.chars().any(char::is_control);
    if bad || is_unfinished(name) || is_marked(name) {
        let message = "the file needs a name of at most 200 bytes (three for each one that is no plain letter, digit or mark) that does not begin with a dot, end like an \
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
                None => dataset_of(&path, &root)?,
            };
            Ok(LocalFile { path, dataset, name })
        })
        .collect()
}

/// The dataset that a local file's folders name: `<unit>/<dataset>` below `landing`, or around it at the end of the way
/// from `root`. Where a file was named, or lies in `root` itself, nobody said that the folders around are a dataset's.
fn dataset_of(path: &std::path::Path, root: &std::path::Path) -> Result<DatasetName> {
    let mut names: Vec<_> = path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    names.pop();
    let landing = names.iter().rposition(|name| name == path::LANDING).map(|at| &names[at + 1..]);
    let below = path.parent().is_some_and(|folder| folder != root && path != root);
    let (unit, name) = match (landing, names.as_slice()) {
        (Some([unit, name, ..]), _) => (unit, name),
        (_, [.., unit, name]) if below => (unit, name),
        _ => {
            let message = "say it with --dataset UNIT.DATASET, or put the file into <unit>/<dataset>/";
            return Err(LakeError::invalid(format!("nothing says which dataset {} is for; {message}", path.display())));
        }
    };
    DatasetName::new(unit, name).map_err(|e| {
        LakeError::invalid(format!(
            "the folders of {} name no dataset ({e}); say it with --dataset UNIT.DATASET, or put the file into \
             <unit>/<dataset>/",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_dataset_is_never_guessed_from_where_one_happens_to_be() {
        for (path, root, expected) in [
            ("/lake/landing/ops/flights/a.csv", "/lake/landing/ops/flights/a.csv", Some("ops.flights")),
            ("/lake/landing/ops/flights/2026/a.csv", "/lake/landing", Some("ops.flights")),
            ("/home/ann/files/a.csv", "/home/ann/files/a.csv", None),
            ("/home/ann/files/a.csv", "/home/ann/files", None),
            ("/home/ann/files/ops/flights/a.csv", "/home/ann/files", Some("ops.flights")),
            ("/home/ann/ops/flights/a.csv", "/home/ann/ops", Some("ops.flights")),
            ("/a.csv", "/a.csv", None),
            ("/lake/landing/a.csv", "/lake/landing", None),
            ("/lake/landing/Ops !/flights/a.csv", "/lake", None),
        ] {
            let found = dataset_of(Path::new(path), Path::new(root));
            assert_eq!(found.map(|d| d.to_string()).ok().as_deref(), expected, "{path} of {root}");
        }
    }
}
