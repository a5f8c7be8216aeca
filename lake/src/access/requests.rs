//! Where requests are kept: one small document for each person who asks, so that its bounds hold whoever writes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use model::{AccessRequest, AccessState, Principal};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{LakeError, Result, document::Documents};

const KIND: &str = "access";
/// Requests of one person that wait at once.
pub(super) const MOST_OPEN: usize = 20;
/// Requests of one person that are over and still shown.
const KEPT_OVER: usize = 50;
/// Times that a write is tried while others write.
const ATTEMPTS: usize = 20;
/// People whose requests are kept in memory.
const KEPT: u64 = 10_000;

/// The requests of all people.
#[derive(Debug)]
pub(crate) struct Requests {
    documents: Documents,
    /// Each person's, with the version that was read.
    kept: Cache<String, (u64, Arc<Asked>)>,
}

/// What one person asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Of the last request that was made.
    pub number: u64,
    /// In the order in which they were made.
    pub requests: Vec<AccessRequest>,
}

/// The document's id; tells nothing about the person.
pub(super) fn person(key: &str) -> String {
    let mut hash = format!("{:x}", Sha256::digest(key));
    hash.truncate(32);
    hash
}

impl Requests {
    pub fn new(documents: Documents) -> Self {
        Self { documents, kept: Cache::new(KEPT) }
    }

    /// As it is now.
    pub(super) async fn of(&self, who: &Principal) -> Result<Asked> {
        let found = self.documents.get::<Asked>(KIND, &person(&who.key())).await?;
        Ok(found.map(|d| d.value).unwrap_or_default())
    }

    /// One request by its id, as it is now.
    pub(super) async fn get(&self, id: &str) -> Result<AccessRequest> {
        let found = self.documents.get::<Asked>(KIND, of(id)?).await?;
        found.and_then(|d| d.value.requests.into_iter().find(|r| r.id == id)).ok_or_else(|| no_request(id))
    }

    /// Everyone's, at most as old as the store's listing.
    pub(super) async fn all(&self) -> Result<Vec<Arc<Asked>>> {
        let mut all = Vec::new();
        for (person, version) in self.documents.versions(KIND).await? {
            if let Some((_, asked)) = self.kept.get(&person).filter(|(kept, _)| *kept == version) {
                all.push(asked);
                continue;
            }
            let Some(found) = self.documents.get::<Asked>(KIND, &person).await? else { continue };
            let asked = Arc::new(found.value);
            self.kept.insert(person, (found.version, Arc::clone(&asked)));
            all.push(asked);
        }
        Ok(all)
    }

    /// Changes one person's requests; `with` is tried anew when somebody else wrote first.
    pub(super) async fn change<T>(&self, person: &str, with: impl Fn(&mut Asked) -> Result<T>) -> Result<T> {
        for _ in 0..ATTEMPTS {
            let found = self.documents.get::<Asked>(KIND, person).await?;
            let (version, mut asked) = found.map_or((None, Asked::default()), |d| (Some(d.version), d.value));
            let done = with(&mut asked)?;
            asked.forget(Utc::now());
            let written = match version {
                None => self.documents.create(KIND, person, &asked).await,
                Some(version) => self.documents.update(KIND, person, version, &asked).await,
            };
            match written {
                Ok(()) => return Ok(done),
                Err(LakeError::Conflict { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        Err(LakeError::Conflict { what: "the request" })
    }

    /// Changes one request that stands so; another answer that was first is a conflict.
    pub(super) async fn answer(
        &self,
        id: &str,
        stands: AccessState,
        with: impl Fn(&mut AccessRequest),
    ) -> Result<AccessRequest> {
        self.change(of(id)?, |asked| {
            let request = asked.requests.iter_mut().find(|r| r.id == id).ok_or_else(|| no_request(id))?;
            if request.state != stands {
                return Err(LakeError::Conflict { what: "the request" });
            }
            with(request);
            Ok(request.clone())
        })
        .await
    }
}

impl Asked {
    /// Leaves the latest of those that are over.
    fn forget(&mut self, now: DateTime<Utc>) {
        let over = |r: &AccessRequest| match r.state {
            AccessState::Waiting => false,
            AccessState::Granted => r.given.as_ref().is_none_or(|g| g.until <= now),
            _ => true,
        };
        let mut surplus = self.requests.iter().filter(|r| over(r)).count().saturating_sub(KEPT_OVER);
        self.requests.retain(|r| {
            let drop = surplus > 0 && over(r);
            surplus -= usize::from(drop);
            !drop
        });
    }
}

/// The document that holds a request.
fn of(id: &str) -> Result<&str> {
    let person = id.split_once('-').map(|(person, _)| person);
    person.filter(|p| p.len() == 32 && p.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(|| no_request(id))
}

/// The one answer for a request that is absent or hidden.
pub(super) fn no_request(id: &str) -> LakeError {
    LakeError::NotFound { what: "request", name: id.to_owned() }
}
