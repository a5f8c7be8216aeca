//! Files of the landing area that nobody takes, because their folders name no dataset: one folder too high, or named as
//! no unit or dataset can be.

use std::collections::{BTreeSet, HashMap};

use chrono::Utc;
use futures::TryStreamExt;
use model::{Action, Astray, DatasetName, Principal};
use object_store::{ObjectMeta, ObjectStore, path::Path};

use super::landing::is_unfinished;
use crate::{Lake, Result, store::path};

/// As many are named; whoever has more has one reason for all of them.
pub(super) const MOST: usize = 100;
/// A name as good as any other, for whoever owns whatever there is in a unit.
const ANY: &str = "x";

impl Lake {
    /// The first files of the landing area that belong to no dataset, by path: for stewards all, for others those in the
    /// folder of a unit in which they own a dataset, since these are nobody else's to move. Costs one listing for whoever
    /// owns anything.
    ///
    /// # Errors
    /// [`LakeError::Store`](crate::LakeError::Store) when the landing area or the policy cannot be read.
    pub async fn astray(&self, who: &Principal) -> Result<Vec<Astray>> {
        if self.is_steward(who).await? {
            return self.all_astray().await;
        }
        let owned = self.owned_anywhere(who).await?;
        if owned.is_empty() {
            return Ok(Vec::new());
        }
        let mut units: HashMap<String, bool> = HashMap::new();
        let mut found = Vec::new();
        let objects = self.rooms().store.objects();
        let mut listing = objects.list(Some(&Path::from(path::LANDING)));
        while let Some(object) = listing.try_next().await? {
            let parts: Vec<String> = object.location.parts().map(|p| p.as_ref().to_owned()).collect();
            // What lies above all units is in none.
            let [_, unit, _, ..] = parts.as_slice() else { continue };
            let Some(file) = astray(&object) else { continue };
            let owns = match units.get(unit) {
                Some(owns) => *owns,
                None => {
                    let owns = owned.iter().any(|d| d.unit().as_str() == unit)
                        || self.owns_any(who, DatasetName::new(unit, ANY).ok()).await?;
                    units.insert(unit.clone(), owns);
                    owns
                }
            };
            if owns {
                found.push(file);
            }
            if found.len() == MOST {
                break;
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Datasets that somebody owns, those included that are only named by the policy so far.
    async fn owned_anywhere(&self, who: &Principal) -> Result<Vec<DatasetName>> {
        let mut names: BTreeSet<DatasetName> = self.rooms().tables.list().await?.iter().cloned().collect();
        let policy = self.rooms().policies.current().await?;
        for on in policy.policy.grants.iter().flat_map(|grant| &grant.on) {
            // The begin of a name is a name that it covers.
            let name = match on.strip_suffix('*') {
                None => on.clone(),
                Some("") => format!("{ANY}.{ANY}"),
                Some(unit) if unit.ends_with('.') => format!("{unit}{ANY}"),
                Some(begin) => begin.to_owned(),
            };
            names.extend(name.parse::<DatasetName>().ok());
        }
        let mut owned = Vec::new();
        for name in names.into_iter().filter(|name| !name.is_reserved()) {
            if self.owns_any(who, Some(name.clone())).await? {
                owned.push(name);
            }
        }
        Ok(owned)
    }

    async fn owns_any(&self, who: &Principal, dataset: Option<DatasetName>) -> Result<bool> {
        let Some(dataset) = dataset else { return Ok(false) };
        self.rooms().policies.may(who, &dataset, Action::Own, Utc::now()).await
    }

    /// All of them, for the command line, whose user has the bucket anyway.
    ///
    /// # Errors
    /// [`LakeError::Store`](crate::LakeError::Store) when the landing area cannot be listed.
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
    use super::*;

    #[test]
    fn only_what_no_dataset_takes_is_astray() {
        let reason = |path: &str| {
            let location = Path::from(path);
            let meta = ObjectMeta { location, last_modified: Utc::now(), size: 1, e_tag: None, version: None };
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
