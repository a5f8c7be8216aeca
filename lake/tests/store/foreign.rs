//! Tables that another engine gave what Penstock does not write: nothing of ours is added, and files wait until that is
//! taken off.

use std::time::Duration;

use futures::TryStreamExt;
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    store::Store,
    table::{Tables, WriteMode},
};
use model::{DatasetName, IngestFilter, IngestState};
use object_store::path::Path;
use serde_json::{Value, json};

use super::{batch, commit, drop_file, steward};

/// A table with one file, whose log says more of it by and by.
struct Bench {
    store: Store,
    name: DatasetName,
    next: u64,
}

impl Bench {
    async fn new(store: Store) -> Self {
        let name: DatasetName = "ops.things".parse().unwrap();
        let tables = Tables::new(store.clone(), Duration::ZERO);
        tables.commit(&name, batch(0).schema(), vec![batch(0)], commit("a", WriteMode::Append)).await.unwrap();
        Self { store, name, next: 1 }
    }

    fn log(&self, version: u64) -> Path {
        Path::from(format!("tables/ops/things/_delta_log/{version:020}.json"))
    }

    /// As another engine writes it: a version that changes what the table is.
    async fn change(&mut self, protocol: Value, change: impl Fn(&mut Value)) {
        let first = self.store.read(&self.log(0)).await.unwrap().unwrap();
        let lines = first.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let mut lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        let mut metadata = lines.find(|line| line.get("metaData").is_some()).unwrap();
        change(&mut metadata["metaData"]);
        let text = format!("{}\n{metadata}\n", json!({ "protocol": protocol }));
        assert!(self.store.create(&self.log(self.next), text).await.unwrap());
        self.next += 1;
    }

    /// Takes off what was given.
    async fn plain(&mut self) {
        self.change(json!({"minReaderVersion": 1, "minWriterVersion": 2}), |_| {}).await;
    }

    async fn objects(&self) -> usize {
        let all: Vec<_> = self.store.objects().list(Some(&Path::from("tables"))).try_collect().await.unwrap();
        all.len()
    }
}

/// A protocol, what else changes, a commit's mode, and what is said then.
type Change<'a> = (Value, &'a dyn Fn(&mut Value), WriteMode, &'a str);

fn writer(version: u8) -> Value {
    json!({"minReaderVersion": 1, "minWriterVersion": version})
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_table_that_another_engine_must_write() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let mut bench = Bench::new(store.clone()).await;
    let tables = Tables::new(store, Duration::ZERO);
    let generated = |metadata: &mut Value| {
        let mut schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        schema["fields"][0]["metadata"]["delta.generationExpression"] = json!("1");
        metadata["schemaString"] = json!(schema.to_string());
    };
    let configured = |key: &'static str, value: &'static str| {
        move |metadata: &mut Value| metadata["configuration"][key] = json!(value)
    };
    let features = json!({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["identityColumns"]});
    let changes: [Change<'_>; 5] = [
        (features, &|_| {}, WriteMode::Append, "has the feature `identityColumns`"),
        (writer(3), &configured("delta.constraints.positive", "id > 0"), WriteMode::Append, "has constraints"),
        (writer(4), &generated, WriteMode::Append, "computed values"),
        (writer(2), &|m| m["partitionColumns"] = json!(["name"]), WriteMode::Append, "is partitioned"),
        (writer(2), &configured("delta.appendOnly", "true"), WriteMode::Replace, "for appending only"),
    ];
    for (at, (protocol, change, mode, said)) in changes.into_iter().enumerate() {
        bench.change(protocol, change).await;
        let before = bench.objects().await;
        let refused = tables.commit(&bench.name, batch(0).schema(), vec![batch(0)], commit("b", mode)).await;
        let Err(LakeError::Foreign { message }) = refused else { panic!("{said}: {refused:?}") };
        assert!(message.contains(said) && message.contains("ops.things"), "{message}");
        assert!(
            !message.contains("positive") && !message.contains("id > 0"),
            "it names what is in the table: {message}"
        );
        assert_eq!(bench.objects().await, before, "{said}: something was left behind");
        bench.plain().await;
        let content = format!("after {at}");
        tables
            .commit(&bench.name, batch(0).schema(), vec![batch(0)], commit(&content, WriteMode::Append))
            .await
            .unwrap();
        bench.next += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_for_such_a_table_wait_and_land_once_that_is_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::Folder(folder.path().to_owned());
    let store = Store::open(&config).unwrap();
    store.write(&Path::from("policy.toml"), "stewards = [\"group:stewards\"]\n").await.unwrap();
    let mut bench = Bench::new(store.clone()).await;
    let mut config = LakeConfig::new(config);
    config.freshness = Duration::ZERO;
    let lake = Lake::open(config).await.unwrap();
    bench.change(writer(3), |metadata| metadata["configuration"]["delta.constraints.c"] = json!("id > 0")).await;
    drop_file(&store, "ops/things/a.csv", "id,name\n7,seven\n").await;
    let before = bench.objects().await;
    for _ in 0..2 {
        let (taken, failed) = lake.take_landing().await.unwrap();
        assert!(taken.is_empty(), "{taken:?}");
        assert!(matches!(&failed[..], [(_, LakeError::Foreign { .. })]), "{failed:?}");
        assert_eq!(bench.objects().await, before);
    }
    let waits = lake.ingests(&steward(), IngestFilter::default()).await.unwrap().remove(0);
    assert_eq!(waits.state, IngestState::Working);
    assert!(waits.message.contains("The file waits: the table of ops.things has constraints"), "{}", waits.message);
    bench.plain().await;
    let landed = lake.ingest_landing().await.unwrap().remove(0);
    assert_eq!((&landed.id, landed.state), (&waits.id, IngestState::Landed), "{}", landed.message);
    assert_eq!(landed.message, "");
}
