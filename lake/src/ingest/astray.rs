//! Files of the landing area that nobody takes, because their folders name no dataset (one folder too high, or named as
//! no unit or dataset can be), or because they cannot even be listed.

use model::{Astray, DatasetName, Principal};
use object_store::ObjectMeta;

use super::landing::is_unfinished;
use crate::{Lake, LakeError, Result};

/// As many are named; whoever has more has one reason for all of them.
pub(super) const MOST: usize = 100;

impl Lake {
    /// The first files of the landing area that nobody takes: those that cannot be listed, then by path those that belong
    /// to no dataset. For stewards: they are nobody's. Costs one
    /// listing.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] for others, [`LakeError::Store`] when the landing area cannot be listed.
    pub async fn astray(&self, who: &Principal) -> Result<Vec<Astray>> {
        if !self.is_steward(who).await? {
            let message = "files that belong to no dataset are shown to stewards".to_owned();
            return Err(LakeError::Forbidden { message });
        }
        self.all_astray().await
    }

    /// The same for the command line, whose user has the bucket anyway.
    ///
    /// # Errors
    /// [`LakeError::Store`] when the landing area cannot be listed.
    pub async fn all_astray(&self) -> Result<Vec<Astray>> {
        Ok(self.landing_area().await?.astray)
    }
}

pub(super) fn astray(object: &ObjectMeta) -> Option<Astray> {
    let parts: Vec<String> = object.location.parts().map(|p| p.as_ref().to_owned()).collect();
    let reason = match parts.as_slice() {
        [.., file] if is_unfinished(file) => return None,
        [_, unit, name, _, ..] => DatasetName::new(unit, name).err()?.to_string(),
        [_, unit, _] => format!("move it one folder down, into landing/{unit}/<dataset>/"),
        _ => "move it into landing/<unit>/<dataset>/".to_owned(),
    };
    Some(Astray { path: object.location.to_string(), bytes: object.size, changed_at: object.last_modified, reason })
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    #[test]
    fn only_what_no_dataset_takes_is_astray() {
        let reason = |path: &str| {
            let location = Path::from(path);
            let meta = ObjectMeta { location, last_modified: chrono::Utc::now(), size: 1, e_tag: None, version: None };
            astray(&meta).map(|a| a.reason)
        };
        assert_eq!(reason("landing/ops/flights/a.csv"), None);
        assert_eq!(reason("landing/ops/flights/2013/a.csv"), None);
        assert_eq!(reason("landing/ops/.keep"), None);
        assert_eq!(reason("landing/ops/a.csv.part"), None);
        assert_eq!(reason("landing/a.csv").as_deref(), Some("move it into landing/<unit>/<dataset>/"));
        let down = "move it one folder down, into landing/ops/<dataset>/";
        assert_eq!(reason("landing/ops/a.csv").as_deref(), Some(down));
        assert!(reason("landing/Ops/flights/a.csv").is_some_and(|r| r.contains("lower-case")));
    }
}
