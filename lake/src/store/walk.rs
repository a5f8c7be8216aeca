//! A folder's files one by one, as the store itself lists them: what cannot be named or opened is left out and told, where
//! the store's own listing would end.

use std::{
    ffi::OsStr,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    rc::Rc,
    time::UNIX_EPOCH,
};

use chrono::{DateTime, Utc};
use object_store::{ObjectMeta, path::Path as Place};

/// Something that is in a folder and cannot be listed.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// About: what is no text in it is told as `�`.
    pub path: String,
    pub bytes: u64,
    pub changed_at: DateTime<Utc>,
    /// Why, and what to do.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub objects: Vec<ObjectMeta>,
    pub left_out: Vec<LeftOut>,
}

struct Folder {
    /// In the file system, with no link in it.
    real: PathBuf,
    place: String,
    above: Option<Rc<Folder>>,
}

impl Folder {
    fn is_in_itself(&self) -> bool {
        std::iter::successors(self.above.as_ref(), |folder| folder.above.as_ref()).any(|f| f.real == self.real)
    }
}

/// All files below `prefix`, in no order. A prefix that is not there has none.
///
/// # Errors
/// When the prefix itself cannot be opened.
pub(super) fn walk(root: &Path, prefix: &str) -> io::Result<Walked> {
    let mut walked = Walked::default();
    let Some(real) = there(fs::canonicalize(root.join(prefix)))? else { return Ok(walked) };
    let top = Folder { real, place: prefix.to_owned(), above: None };
    let Some(entries) = there(fs::read_dir(&top.real))? else { return Ok(walked) };
    let mut open = vec![(Rc::new(top), entries)];
    while let Some((folder, mut entries)) = open.pop() {
        let Some(entry) = entries.next() else { continue };
        open.push((Rc::clone(&folder), entries));
        // The folder may go away while it is read.
        let Ok(entry) = entry else { continue };
        if let Some(below) = walked.add(&folder, &entry.file_name()) {
            open.push(below);
        }
    }
    Ok(walked)
}

impl Walked {
    /// Takes in what has that name in the folder; gives it back when it is a folder to go on with.
    fn add(&mut self, above: &Rc<Folder>, name: &OsStr) -> Option<(Rc<Folder>, fs::ReadDir)> {
        let real = above.real.join(name);
        let place = format!("{}/{}", above.place, name.to_string_lossy());
        let found = match there(fs::metadata(&real)) {
            Ok(Some(found)) => found,
            // A link that leads nowhere, or what was just removed.
            Ok(None) => return None,
            Err(e) => {
                self.leave_out(place, fs::symlink_metadata(&real).ok(), unopened(&e));
                return None;
            }
        };
        if name.to_str().is_none() {
            self.leave_out(place, Some(found), "its name is no UTF-8; rename it".into());
            return None;
        }
        let Ok(location) = Place::parse(&place) else {
            self.leave_out(place, Some(found), "its name holds what no name of an object can; rename it".into());
            return None;
        };
        if found.is_file() {
            if !is_staged(name) {
                self.objects.push(object(location, &found));
            }
            return None;
        }
        if !found.is_dir() {
            return None;
        }
        let is_link = fs::symlink_metadata(&real).is_ok_and(|found| found.is_symlink());
        let real = if is_link { fs::canonicalize(&real).unwrap_or(real) } else { real };
        let below = Folder { real, place, above: Some(Rc::clone(above)) };
        if below.is_in_itself() {
            self.leave_out(below.place, Some(found), "it is a link to a folder that it lies in; remove it".into());
            return None;
        }
        match there(fs::read_dir(&below.real)) {
            Ok(entries) => entries.map(|entries| (Rc::new(below), entries)),
            Err(e) => {
                self.leave_out(below.place, Some(found), unopened(&e));
                None
            }
        }
    }

    fn leave_out(&mut self, path: String, found: Option<Metadata>, reason: String) {
        let bytes = found.as_ref().filter(|found| found.is_file()).map_or(0, Metadata::len);
        let changed_at = found.as_ref().map(changed).unwrap_or_default();
        self.left_out.push(LeftOut { path, bytes, changed_at, reason });
    }
}

/// `None` for what is not there.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn unopened(e: &io::Error) -> String {
    match e.kind() {
        ErrorKind::PermissionDenied => "Penstock may not open it; give it the right to".to_owned(),
        _ => format!("it cannot be opened ({e})"),
    }
}

/// Whether the store gives the name to what it is still writing.
fn is_staged(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let number = name.split_once('#').map(|(_, number)| number).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// As the store tells it: its marks are compared with those of the store's own requests.
fn object(location: Place, found: &Metadata) -> ObjectMeta {
    let since = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let (size, micros) = (found.len(), since.as_micros());
    let e_tag = Some(format!("{:x}-{micros:x}-{size:x}", inode(found)));
    ObjectMeta { location, last_modified: changed(found), size, e_tag, version: None }
}

fn changed(found: &Metadata) -> DateTime<Utc> {
    found.modified().map(DateTime::from).unwrap_or_default()
}

#[cfg(unix)]
fn inode(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};

    use futures::TryStreamExt as _;
    use object_store::ObjectStoreExt as _;

    use super::*;
    use crate::{StoreConfig, store::Store};

    fn lake() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let landing = folder.path().join("landing");
        for place in ["ops/flights/a.csv", "ops/flights/2026/ä b%20.csv", "ops/shops/b.csv#7", "top.csv"] {
            let at = landing.join(place);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, place).unwrap();
        }
        (folder, landing)
    }

    #[tokio::test]
    async fn it_finds_what_the_store_finds_and_tells_it_alike() {
        let (folder, landing) = lake();
        symlink(landing.join("ops/flights"), landing.join("ops/linked")).unwrap();
        symlink(landing.join("nowhere"), landing.join("ops/broken.csv")).unwrap();
        let store = Store::open(&StoreConfig::Folder(folder.path().to_owned())).unwrap();
        let prefix = Place::from("landing");
        let listed: Vec<ObjectMeta> = store.objects().list(Some(&prefix)).try_collect().await.unwrap();
        let walked = store.list_each("landing").await.unwrap();
        assert_eq!(walked.objects, listed);
        assert_eq!(walked.objects.len(), 5, "{:?}", walked.objects);
        assert!(walked.left_out.is_empty(), "{:?}", walked.left_out);
        for object in walked.objects {
            assert_eq!(store.objects().head(&object.location).await.unwrap(), object);
        }
        assert!(store.list_each("absent").await.unwrap().objects.is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_listed_is_left_out_alone_and_told() {
        let (folder, landing) = lake();
        let store = Store::open(&StoreConfig::Folder(folder.path().to_owned())).unwrap();
        let whole = store.list_each("landing").await.unwrap().objects;
        let latin = OsStr::from_bytes(b"M\xfcnchen.csv");
        fs::write(landing.join("ops/flights").join(latin), "x").unwrap();
        fs::create_dir_all(landing.join(OsStr::from_bytes(b"\xff")).join("flights")).unwrap();
        fs::write(landing.join("ops/shops/line\nbreak.csv"), "xy").unwrap();
        symlink(landing.join("ops"), landing.join("ops/flights/up")).unwrap();
        symlink("round", landing.join("ops/round")).unwrap();
        let prefix = Place::from("landing");
        let listed = store.objects().list(Some(&prefix)).try_collect::<Vec<_>>().await;
        assert!(listed.is_err(), "control: the store's own listing ends");
        let walked = store.list_each("landing").await.unwrap();
        assert_eq!(walked.objects, whole);
        let mut told: Vec<_> = walked.left_out.iter().map(|l| (l.path.as_str(), l.bytes, l.reason.as_str())).collect();
        told.sort_unstable();
        let paths: Vec<_> = told.iter().map(|t| (t.0, t.1)).collect();
        assert_eq!(
            paths,
            [
                ("landing/ops/flights/M\u{fffd}nchen.csv", 1),
                ("landing/ops/flights/up", 0),
                ("landing/ops/round", 0),
                ("landing/ops/shops/line\nbreak.csv", 2),
                ("landing/\u{fffd}", 0),
            ]
        );
        let said =
            ["no UTF-8", "link to a folder that it lies in", "cannot be opened", "no name of an object", "no UTF-8"];
        for ((path, _, reason), said) in told.iter().zip(said) {
            assert!(reason.contains(said), "{path}: {reason}");
        }
    }
}
