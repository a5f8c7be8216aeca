//! What is done leaves its row in `system.audit`, once, with the true reason; without a place in the audit nothing is
//! done; and each sees of it what is theirs.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use futures::{StreamExt as _, stream::BoxStream};
use lake::{Lake, LakeConfig, LakeError, StoreConfig};
use model::{
    AuditAction, AuditEvent, AuditFilter, AuditOutcome, Cell, DatasetFilter, DatasetName, Decision, ExportFormat,
    Formulas, IngestFilter, IngestState, Origin, Principal, QueryRequest, RollBack, RowsRequest,
};

mod audit {
    mod faults;
    mod guard;
    mod rows;
}

const POLICY: &str = "stewards = [\"group:stewards\"]\n[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nmay = [\"read\", \
                      \"upload\", \"own\"]\n[[grant]]\nto = [\"group:partners\"]\non = [\"ops.shops\"]\nrows = \"id = \
                      claim('id')\"\nexcept = [\"secret\"]\n";
const FIRST: &str = "id,secret\na,1\nb,2\nc,3\n";
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    lake: Lake,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let bench = Self { lake: open(folder.path()).await, folder };
        let report = bench.lake.upload(&ann(), &shops(), "first.csv", body(FIRST)).await.unwrap();
        assert_eq!(report.state, IngestState::Landed);
        bench
    }

    /// All events, in the order of time, as a steward sees them.
    async fn events(&self) -> Vec<AuditEvent> {
        self.lake.flush_audit(PATIENCE).await.unwrap();
        let mut found = Vec::new();
        let mut filter = AuditFilter::default();
        loop {
            let page = self.lake.audit(&steward(), &filter).await.unwrap();
            found.extend(page.events);
            match page.before {
                Some(before) => filter.before = Some(before),
                None => break,
            }
        }
        found.reverse();
        found.retain(|e| e.action != AuditAction::Audit);
        found
    }

    /// The one event of an action since `before` events.
    async fn one(&self, action: AuditAction) -> AuditEvent {
        let mut found = self.events().await;
        found.retain(|e| e.action == action);
        assert_eq!(found.len(), 1, "{action}: {found:#?}");
        found.remove(0)
    }

    async fn last(&self, action: AuditAction) -> AuditEvent {
        let found = self.events().await;
        found.into_iter().rfind(|e| e.action == action).unwrap_or_else(|| panic!("no {action}"))
    }

    async fn ask(&self, who: &Principal, sql: &str) -> Result<Vec<Vec<Cell>>, LakeError> {
        let request = QueryRequest { wait_ms: 30_000, ..QueryRequest::new(sql) };
        let status = self.lake.query(who, request).await?;
        Ok(self.lake.result_page(who, &status.id, 0, 1_000).await?.rows)
    }
}

async fn open(folder: &Path) -> Lake {
    open_with(folder, |_| {}).await
}

async fn open_with(folder: &Path, change: impl FnOnce(&mut LakeConfig)) -> Lake {
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    config.freshness = Duration::ZERO;
    change(&mut config);
    Lake::open(config).await.unwrap()
}

fn body(text: &str) -> BoxStream<'static, std::io::Result<bytes::Bytes>> {
    futures::stream::iter([Ok(text.to_owned().into())]).boxed()
}

fn shops() -> DatasetName {
    "ops.shops".parse().unwrap()
}

fn person(subject: &str, group: &str, claims: &[(&str, &str)]) -> Principal {
    Principal {
        issuer: "test".into(),
        subject: subject.into(),
        name: subject.into(),
        email: Some(format!("{subject}@example.com")),
        groups: Some(BTreeSet::from([group.to_owned()])),
        claims: claims.iter().map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()])).collect::<BTreeMap<_, _>>(),
        scope: None,
        origin: Origin {
            via: format!("session of-{subject}"),
            request: Some("4711".into()),
            address: Some("192.0.2.7".into()),
            viewing: None,
        },
    }
}

fn ann() -> Principal {
    person("ann", "staff", &[])
}

fn steward() -> Principal {
    person("stew", "stewards", &[])
}

fn partner(id: &str) -> Principal {
    person(&format!("partner-{id}"), "partners", &[("id", id)])
}
