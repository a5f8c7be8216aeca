//! What was published as the policy, kept whole, and publishing.
//!
//! `policy.toml` is what every replica reads, and not every store can swap an object. So a version is a document of its
//! own, which only one can create: who creates it puts `policy.toml`, and then says so in the document. Where that broke
//! off, or somebody changes `policy.toml` by other means, text and documents differ; that is shown, never mended unseen.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use model::{
    AuditAction, Doubt, PolicyText, PolicyVersion, PolicyVersionDetail, PolicyVersionState as State, PolicyVersions,
    Principal, PublishPolicy, TextLine,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CompiledPolicy, Policies, given, lines::difference};
use crate::{
    Lake, LakeError, Result,
    govern::Reader,
    store::{path, soon},
};

const KIND: &str = "policy";
/// Versions of one page of the history.
const PAGE: usize = 50;
/// How long it may take from the version's document to `policy.toml`.
const SWAP: Duration = Duration::from_secs(20);
/// How long a publication that has not said how it ended may still be under way: well past [`SWAP`].
const UNDER_WAY: TimeDelta = TimeDelta::seconds(60);

/// A version as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    version: PolicyVersion,
    text: String,
}

/// `policy.toml` with what the versions say of it.
struct Standing {
    now: PolicyText,
    /// Whether there is a `policy.toml`.
    there: bool,
    /// The highest number that a version has, whatever became of it.
    last: u64,
}

impl Lake {
    /// The policy as it stands. For stewards.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] for others, [`LakeError::Store`] when it cannot be read.
    pub async fn policy_text(&self, who: &Principal) -> Result<PolicyText> {
        let told = async {
            self.stewards_alone(who).await?;
            Ok(self.standing().await?.now)
        };
        let told = told.await;
        self.denials(who, AuditAction::Policy, None, Some("the policy's text"), told)
    }

    /// The versions before one, or all, newest first. For stewards.
    ///
    /// # Errors
    /// As [`Lake::policy_text`].
    pub async fn policy_versions(&self, who: &Principal, before: Option<u64>) -> Result<PolicyVersions> {
        let told = async {
            self.stewards_alone(who).await?;
            let mut numbers = self.version_numbers().await?;
            numbers.retain(|n| before.is_none_or(|before| *n < before));
            let more = numbers.len() > PAGE;
            let mut items = Vec::new();
            for number in numbers.into_iter().rev().take(PAGE) {
                items.extend(self.kept(number).await?.map(|kept| kept.version));
            }
            let before = items.last().map(|v| v.version).filter(|_| more);
            Ok(PolicyVersions { items, before })
        };
        let told = told.await;
        self.denials(who, AuditAction::Policy, None, Some("the policy's history"), told)
    }

    /// One version with its text, and how it differs from the one before. For stewards.
    ///
    /// # Errors
    /// As [`Lake::policy_text`], and [`LakeError::NotFound`] when there is no such version.
    pub async fn policy_version(&self, who: &Principal, number: u64) -> Result<PolicyVersionDetail> {
        let told = async {
            self.stewards_alone(who).await?;
            self.version_detail(number).await
        };
        let told = told.await;
        self.denials(who, AuditAction::Policy, None, Some(&format!("version {number} of the policy")), told)
    }

    /// How the policy differs from the one whose hash is `base`: what somebody changed meanwhile. `None` when that one is
    /// not among the newest versions. For stewards.
    ///
    /// # Errors
    /// As [`Lake::policy_text`].
    pub async fn policy_since(&self, who: &Principal, base: &str) -> Result<Option<Vec<TextLine>>> {
        let told = async {
            self.stewards_alone(who).await?;
            let now = self.standing().await?.now;
            for number in self.version_numbers().await?.into_iter().rev().take(PAGE) {
                if let Some(kept) = self.kept(number).await?.filter(|k| k.version.sha256 == base) {
                    return Ok(Some(difference(&kept.text, &now.text)));
                }
            }
            Ok(None)
        };
        let told = told.await;
        self.denials(who, AuditAction::Policy, None, Some("what changed in the policy"), told)
    }

    async fn version_detail(&self, number: u64) -> Result<PolicyVersionDetail> {
        let absent = || LakeError::NotFound { what: "version of the policy", name: number.to_string() };
        let kept = self.kept(number).await?.ok_or_else(absent)?;
        let mut before = String::new();
        for earlier in (1..number).rev() {
            if let Some(found) = self.kept(earlier).await?.filter(|k| k.version.state == State::Published) {
                before = found.text;
                break;
            }
        }
        let difference = difference(&before, &kept.text);
        Ok(PolicyVersionDetail { version: kept.version, text: kept.text, difference })
    }

    /// Makes a text the policy, in the place of the one whose hash is `base`. For stewards.
    ///
    /// What `policy.toml` held and no version has is kept as a version first.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when the policy is another than `base`, or is being published at this moment,
    /// [`LakeError::Invalid`] for a text that cannot be read and for doubts that are not accepted,
    /// [`LakeError::Forbidden`] for others than stewards, [`LakeError::Store`] when it is not known to have come about.
    pub async fn publish_policy(&self, who: &Principal, base: &str, publish: PublishPolicy) -> Result<PolicyVersion> {
        let said = format!("published {}, note: {}", hash(publish.text.as_bytes()), publish.note);
        let mut entry = self.audited(who, AuditAction::Policy)?.text(said.clone());
        let done = self.published(who, base, publish).await;
        if let Ok(made) = &done {
            entry.fill(|event| event.text = Some(format!("{said}, version {}", made.version)));
        }
        self.conclude(who, entry, &done, |_, _| {});
        done
    }

    async fn published(&self, who: &Principal, base: &str, publish: PublishPolicy) -> Result<PolicyVersion> {
        // Who was a steward a moment ago may be none any more.
        self.rooms().policies.look_again().await;
        self.stewards_alone(who).await?;
        sized(&publish.text)?;
        if publish.note.len() > PublishPolicy::NOTE_BYTES {
            return Err(LakeError::invalid(format!("the note is longer than {} bytes", PublishPolicy::NOTE_BYTES)));
        }
        let now = self.standing().await?.now;
        if now.sha256 != base {
            return Err(changed());
        }
        let sha256 = hash(publish.text.as_bytes());
        if sha256 == now.sha256 && now.version.is_some() {
            return Err(LakeError::invalid("this is the policy that holds: nothing was changed"));
        }
        let candidate = self.beside(publish.text.as_bytes()).await.map_err(unreadable)?;
        let checked = self.checked(&publish.text).await?;
        let doubts = checked.doubts(candidate.is_steward(who).await?);
        if let Some(doubt) = doubts.into_iter().find(|doubt| !publish.accept.contains(doubt)) {
            let message = format!("{} To publish it all the same, accept `{}`", doubt.sentence(), doubt.word());
            return Err(LakeError::invalid(message));
        }
        let restores = match publish.restores {
            Some(n) => self.kept(n).await?.filter(|k| k.version.sha256 == sha256).map(|k| k.version.version),
            None => None,
        };
        let version = PolicyVersion {
            version: 0,
            published_at: Utc::now(),
            by: Some(who.email.clone().unwrap_or_else(|| who.name.clone())),
            note: publish.note.trim().to_owned(),
            sha256,
            replaced: now.sha256,
            restores,
            state: State::Begun,
        };
        // Goes on when whoever waits for it goes away: half of it would be neither.
        let lake = self.clone();
        let swap = async move { tokio::time::timeout(SWAP, lake.swap(Kept { version, text: publish.text })).await };
        let swapped = tokio::spawn(swap).await.map_err(|e| LakeError::internal(format!("publishing: {e}")))?;
        self.rooms().policies.look_again().await;
        swapped.map_err(|_| late())?
    }

    /// From the version's document to `policy.toml`, when that is still what this version replaces.
    async fn swap(&self, mut kept: Kept) -> Result<PolicyVersion> {
        let (rooms, began) = (self.rooms(), Instant::now());
        let standing = self.standing().await?;
        if standing.now.sha256 != kept.version.replaced {
            return Err(changed());
        }
        if let Some(unfinished) = standing.now.unfinished
            && rooms.documents.age(KIND, &id(unfinished)).await? < UNDER_WAY
        {
            return Err(LakeError::Conflict { what: "the policy is being published at this moment: it" });
        }
        let mut number = standing.last + 1;
        if standing.there && standing.now.version.is_none() {
            let found = found(number, &standing.now);
            self.create(&found).await?;
            if found.version.sha256 == kept.version.sha256 {
                return Ok(found.version);
            }
            number += 1;
        }
        kept.version.version = number;
        self.create(&kept).await?;
        // Between the look at it and the document somebody may have put another one by hand.
        if hash(&self.policy_bytes().await?.unwrap_or_default()) != kept.version.replaced {
            kept.version.state = State::GivenUp;
            rooms.documents.update(KIND, &id(number), 1, &kept).await?;
            return Err(changed());
        }
        // A process that stood still must not come back and put what others have replaced since.
        if began.elapsed() > SWAP {
            return Err(late());
        }
        rooms.store.write(&path::policy(), kept.text.clone()).await?;
        kept.version.state = State::Published;
        rooms.documents.update(KIND, &id(number), 1, &kept).await?;
        tracing::info!(version = number, sha256 = kept.version.sha256, by = kept.version.by, "policy published");
        Ok(kept.version)
    }

    async fn create(&self, kept: &Kept) -> Result<()> {
        let created = self.rooms().documents.create(KIND, &id(kept.version.version), kept).await;
        created.map_err(|e| if matches!(e, LakeError::Conflict { .. }) { changed() } else { e })
    }

    /// The versions are looked at before the text: what is published in between is then seen as another text, and not
    /// as one that was changed by hand.
    async fn standing(&self) -> Result<Standing> {
        let numbers = self.version_numbers().await?;
        let mut newest = Vec::new();
        for number in numbers.iter().rev() {
            let Some(kept) = self.kept(*number).await? else { continue };
            let ended = kept.version.state == State::Published;
            newest.push(kept.version);
            if ended {
                break;
            }
        }
        let bytes = self.policy_bytes().await?;
        let (there, bytes) = (bytes.is_some(), bytes.unwrap_or_default());
        let mut now = PolicyText {
            sha256: hash(&bytes),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            version: None,
            newest: None,
            unfinished: None,
        };
        for version in newest {
            let holds = version.sha256 == now.sha256;
            match version.state {
                State::GivenUp => {}
                // It was put, and that was not said any more.
                State::Begun if !holds => now.unfinished = now.unfinished.or(Some(version.version)),
                State::Begun | State::Published => {
                    now.newest = Some(version.version);
                    now.version = holds.then_some(version.version);
                    break;
                }
            }
        }
        Ok(Standing { now, there, last: numbers.last().copied().unwrap_or(0) })
    }

    async fn policy_bytes(&self) -> Result<Option<bytes::Bytes>> {
        soon(self.rooms().store.read(&path::policy())).await
    }

    async fn kept(&self, number: u64) -> Result<Option<Kept>> {
        Ok(self.rooms().documents.get::<Kept>(KIND, &id(number)).await?.map(|found| found.value))
    }

    /// In order.
    async fn version_numbers(&self) -> Result<Vec<u64>> {
        let ids = soon(self.rooms().documents.ids(KIND)).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    pub(super) async fn stewards_alone(&self, who: &Principal) -> Result<()> {
        match self.is_steward(who).await? {
            true => Ok(()),
            false => Err(LakeError::Forbidden { message: "the policy is shown to stewards, who change it".to_owned() }),
        }
    }

    /// The text that holds, whoever asks.
    pub(super) async fn policy_now(&self) -> Result<PolicyText> {
        Ok(self.standing().await?.now)
    }
}

impl Policies {
    /// Another policy over the same datasets, beside which what is given on request goes on to hold.
    pub(crate) async fn beside(&self, reader: Reader, text: &[u8]) -> Result<Self> {
        let mut policy = CompiledPolicy::parse(text)?;
        policy.document.grants.extend(given::read(&self.documents).await?);
        let other = Self::always(self.store.clone(), self.secret.to_vec(), policy);
        Ok(other.knowing(self.contracts.clone(), reader))
    }
}

impl super::Checked {
    /// What speaks against publishing it. `right` is whether its publisher would still be a steward.
    pub(super) fn doubts(&self, right: bool) -> Vec<Doubt> {
        let holds = |doubt: &Doubt| match doubt {
            Doubt::Errors => self.findings.iter().any(|f| f.error),
            Doubt::Tests => self.tests.iter().any(|t| t.failed.is_some()),
            Doubt::OwnRight => !right,
        };
        Doubt::ALL.into_iter().filter(holds).collect()
    }
}

/// What stood in `policy.toml` and was never published.
fn found(number: u64, now: &PolicyText) -> Kept {
    let version = PolicyVersion {
        version: number,
        published_at: Utc::now(),
        by: None,
        note: String::new(),
        sha256: now.sha256.clone(),
        replaced: String::new(),
        restores: None,
        state: State::Published,
    };
    Kept { version, text: now.text.clone() }
}

/// # Errors
/// [`LakeError::Invalid`] when the text is too long to be published.
pub(super) fn sized(text: &str) -> Result<()> {
    if text.len() <= PolicyText::MOST_BYTES {
        return Ok(());
    }
    let most = PolicyText::MOST_BYTES >> 10;
    Err(LakeError::invalid(format!("the policy has {} KiB; at most {most} KiB are published", text.len() >> 10)))
}

/// A text that cannot be read is what was sent, and no fault of the lake's.
fn unreadable(error: LakeError) -> LakeError {
    match error {
        LakeError::Config { message } => LakeError::invalid(message),
        e => e,
    }
}

fn late() -> LakeError {
    LakeError::Store { source: "the policy could not be published in time".into() }
}

fn changed() -> LakeError {
    LakeError::Conflict { what: "the policy" }
}

pub(super) fn hash(text: &[u8]) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// As many digits for each, so that names are in the order of numbers.
fn id(number: u64) -> String {
    format!("{number:08}")
}
