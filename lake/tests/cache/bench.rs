//! A lake in a folder with one small dataset and a policy, for the tests of queries and cache.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow::{
    array::{ArrayRef, Int64Array, StringArray},
    record_batch::RecordBatch,
};
use lake::{
    Lake, LakeConfig, StoreConfig,
    store::Store,
    table::{Commit, Tables},
};
use model::{Principal, QueryRequest, QueryStatus};

pub const POLICY: &str = r#"
[[grant]]
to = ["group:staff"]
on = ["*"]
[[grant]]
to = ["group:partners"]
on = ["ops.flights"]
rows = "carrier = claim('carrier')"
"#;

pub struct Bench {
    pub lake: Lake,
    config: LakeConfig,
    folder: tempfile::TempDir,
}

#[allow(dead_code, reason = "not every suite uses all of it")]
impl Bench {
    /// `ops.flights(carrier, flight, delay)` with three rows of UA, two of DL, one of AA.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
        config.freshness = Duration::ZERO;
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let lake = Lake::open(config.clone()).await.unwrap();
        let bench = Self { lake, config, folder };
        let rows = [("UA", 1, 10), ("UA", 2, -5), ("UA", 3, 0), ("DL", 4, 20), ("DL", 5, 7), ("AA", 6, 1)];
        bench.land(&rows, false).await;
        bench
    }

    /// Opens the lake anew: what was in memory is gone.
    pub async fn restart(&mut self) {
        self.lake = Lake::open(self.config.clone()).await.unwrap();
    }

    pub async fn policy(&self, text: &str) {
        self.store().write(&lake::store::path::policy(), text.to_owned()).await.unwrap();
    }

    /// Commits rows of carrier, flight and delay; with one more column when `wider`.
    pub async fn land(&self, rows: &[(&str, i64, i64)], wider: bool) {
        let text = |f: fn(&(&str, i64, i64)) -> String| Arc::new(StringArray::from_iter_values(rows.iter().map(f)));
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("carrier", text(|r| r.0.to_owned())),
            ("flight", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1)))),
            ("delay", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.2)))),
        ];
        if wider {
            columns.push(("gate", text(|_| "A1".to_owned())));
        }
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
        let commit = Commit {
            sha256: format!("{rows:?}"),
            ingest: "one".into(),
            file: "flights.csv".into(),
            by: "watcher".into(),
            ..Commit::default()
        };
        let tables = Tables::new(self.store(), Duration::ZERO);
        tables.commit(&"ops.flights".parse().unwrap(), batch.schema(), vec![batch], commit).await.unwrap();
    }

    pub async fn ask(&self, who: &Principal, sql: &str) -> QueryStatus {
        self.lake.query(who, QueryRequest::new(sql)).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"))
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn store(&self) -> Store {
        Store::open(&self.config.store).unwrap()
    }
}

pub fn person(name: &str, group: &str, carrier: Option<&str>) -> Principal {
    let claims = carrier.map(|c| ("carrier".to_owned(), vec![c.to_owned()]));
    Principal {
        issuer: "test".into(),
        subject: name.into(),
        name: name.into(),
        email: None,
        groups: Some([group.to_owned()].into()),
        claims: BTreeMap::from_iter(claims),
        scope: None,
        origin: Default::default(),
    }
}
