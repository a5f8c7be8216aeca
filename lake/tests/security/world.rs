//! A small governed world: tables with hidden rows, a policy, people, and a function that records what it is shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use arrow::{
    array::{Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    util::display::array_value_to_string,
};
use async_trait::async_trait;
use chrono::Utc;
use datafusion::{
    catalog::TableProvider,
    datasource::MemTable,
    execution::context::{SessionConfig, SessionContext},
    logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf},
    prelude::ParquetReadOptions,
};
use lake::{
    LakeError, StoreConfig,
    govern::{Datasets, GovernedPlan, GovernedTable, Opened, Sessions},
    policy::Policies,
    store::{Store, path},
};
use model::{DatasetName, Principal};

/// Rows of one batch.
pub const ROWS: usize = 500;
/// The `id` of a row that is hidden at 10 and 30 % visible.
pub const HIDDEN_ID: usize = 499;
/// What no answer, error or plan may ever hold.
pub const CANARY: &str = "top-secret-b";

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("region", DataType::Utf8, true),
        Field::new("secret", DataType::Utf8, true),
        Field::new("amount", DataType::Int32, false),
    ]))
}

/// Batches of which `percent` are in region `a`; at 100 they are wholly `a` and wholly not in turn. Of the rows that
/// are not in `a` every third has no region at all.
pub fn batches(percent: usize) -> Vec<RecordBatch> {
    (0..4)
        .map(|b| {
            let visible = |i: usize| if percent == 100 { b % 2 == 1 } else { i % 100 < percent };
            let ids: Int32Array = (0..ROWS).map(|i| i32::try_from(b * ROWS + i).ok()).collect();
            let regions: StringArray =
                (0..ROWS).map(|i| if visible(i) { Some("a") } else { (i % 3 != 0).then_some("b") }).collect();
            let secrets: StringArray = (0..ROWS).map(|i| Some(if visible(i) { "123" } else { CANARY })).collect();
            let amounts: Int32Array =
                (0..ROWS).map(|i| i32::try_from(if visible(i) { i } else { 1_000_000 + i }).ok()).collect();
            let columns: Vec<Arc<dyn arrow::array::Array>> =
                vec![Arc::new(ids), Arc::new(regions), Arc::new(secrets), Arc::new(amounts)];
            RecordBatch::try_new(schema(), columns).unwrap()
        })
        .collect()
}

/// Where rows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Memory,
    FourPartitions,
    Parquet,
    ParquetPushdown,
    /// As before, without filters that joins and sorts make while they run.
    ParquetPushdownOnly,
}

pub const SOURCES: [Source; 4] = [Source::Memory, Source::FourPartitions, Source::Parquet, Source::ParquetPushdown];

impl Source {
    pub fn config(self) -> SessionConfig {
        let mut config = SessionConfig::new().with_target_partitions(2);
        let options = config.options_mut();
        let pushdown = matches!(self, Self::ParquetPushdown | Self::ParquetPushdownOnly);
        options.execution.parquet.pushdown_filters = pushdown;
        options.execution.parquet.reorder_filters = pushdown;
        options.optimizer.enable_dynamic_filter_pushdown = self != Self::ParquetPushdownOnly;
        config
    }

    pub async fn table(self, percent: usize) -> Arc<dyn TableProvider> {
        let batches = batches(percent);
        match self {
            Self::Memory => Arc::new(MemTable::try_new(schema(), vec![batches]).unwrap()),
            Self::FourPartitions => {
                Arc::new(MemTable::try_new(schema(), batches.into_iter().map(|b| vec![b]).collect()).unwrap())
            }
            Self::Parquet | Self::ParquetPushdown | Self::ParquetPushdownOnly => parquet(&batches, self.config()).await,
        }
    }
}

/// The batches as one Parquet file with a row group each.
pub async fn parquet(batches: &[RecordBatch], config: SessionConfig) -> Arc<dyn TableProvider> {
    use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
    let folder = tempfile::tempdir().unwrap().keep();
    let file = std::fs::File::create(folder.join("part.parquet")).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS)).build();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
    let context = SessionContext::new_with_config(config);
    context.register_parquet("t", folder.to_str().unwrap(), ParquetReadOptions::default()).await.unwrap();
    context.table_provider("t").await.unwrap()
}

/// Two small tables that everyone sees whole.
pub fn others() -> BTreeMap<DatasetName, Arc<dyn TableProvider>> {
    let ints = Arc::new(Schema::new(vec![Field::new("x", DataType::Int32, false)]));
    let values = Int32Array::from(vec![1, 3, 5, 12, HIDDEN_ID as i32, 1000]);
    let o = RecordBatch::try_new(Arc::clone(&ints), vec![Arc::new(values)]).unwrap();
    let texts = Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, false)]));
    let s = RecordBatch::try_new(Arc::clone(&texts), vec![Arc::new(StringArray::from(vec!["123", "zzz"]))]).unwrap();
    let table =
        |schema, batch| Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap()) as Arc<dyn TableProvider>;
    [(name("ref.o"), table(ints, o)), (name("ref.s"), table(texts, s))].into()
}

pub fn name(s: &str) -> DatasetName {
    s.parse().unwrap()
}

pub fn person(subject: &str, groups: &[&str], claims: &[(&str, &[&str])]) -> Principal {
    let owned = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    Principal {
        issuer: "demo".into(),
        subject: subject.into(),
        name: subject.into(),
        email: None,
        groups: Some(owned(groups).into_iter().collect()),
        claims: claims.iter().map(|(n, v)| ((*n).to_owned(), owned(v))).collect(),
        scope: None,
        origin: Default::default(),
    }
}

/// A store that holds this policy.
pub async fn store(policy: &str) -> Store {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    store.write(&path::policy(), policy.as_bytes().to_vec()).await.unwrap();
    store
}

pub async fn policies(policy: &str) -> Policies {
    Policies::open(store(policy).await, Duration::ZERO, vec![7; 32]).await.unwrap()
}

pub struct World {
    pub sessions: Sessions,
    pub policies: Policies,
    pub tables: BTreeMap<DatasetName, Arc<dyn TableProvider>>,
}

impl World {
    pub async fn new(policy: &str, source: Source, percent: usize) -> Self {
        let mut tables = others();
        tables.insert(name("ops.t"), source.table(percent).await);
        Self::over(policy, source.config(), tables).await
    }

    pub async fn over(
        policy: &str,
        config: SessionConfig,
        tables: BTreeMap<DatasetName, Arc<dyn TableProvider>>,
    ) -> Self {
        let mut sessions = Sessions::new(Arc::new(object_store::memory::InMemory::new()), config).unwrap();
        sessions.replace_function(recorder()).unwrap();
        Self { sessions, policies: policies(policy).await, tables }
    }

    pub async fn plan(&self, who: &Principal, sql: &str) -> Result<GovernedPlan, LakeError> {
        self.plan_with(who, sql, &serde_json::Map::new()).await
    }

    pub async fn plan_with(
        &self,
        who: &Principal,
        sql: &str,
        params: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<GovernedPlan, LakeError> {
        self.sessions.plan(&Seen { world: self, who }, sql, params, 64 << 10).await
    }

    pub async fn run(&self, who: &Principal, sql: &str) -> Result<Vec<RecordBatch>, LakeError> {
        let plan = self.plan(who, sql).await?;
        let physical = plan.physical().await?;
        datafusion::physical_plan::collect(physical, plan.task_context()).await.map_err(lake::govern::execution_error)
    }
}

struct Seen<'a> {
    world: &'a World,
    who: &'a Principal,
}

#[async_trait]
impl Datasets for Seen<'_> {
    async fn open(&self, name: &DatasetName, _: Option<lake::table::At>) -> Result<Option<Opened>, LakeError> {
        let Some(raw) = self.world.tables.get(name) else { return Ok(None) };
        let access = self.world.policies.access(self.who, name, &raw.schema(), Utc::now()).await?;
        let Some(access) = access else { return Ok(None) };
        let table = GovernedTable::try_new(name, Arc::clone(raw), &access).unwrap();
        Ok(Some(Opened { table, version: 1, fingerprint: access.fingerprint }))
    }
}

/// Every text that the recording function was evaluated on, in this thread's world.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// One recording at a time: tests of one binary run side by side.
static RECORDING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Forgets what was seen and holds off other recordings.
pub async fn record() -> tokio::sync::MutexGuard<'static, ()> {
    let guard = RECORDING.lock().await;
    SEEN.lock().unwrap().clear();
    guard
}

pub fn forget() {
    SEEN.lock().unwrap().clear();
}

pub fn seen() -> BTreeSet<String> {
    SEEN.lock().unwrap().clone()
}

/// Stands in for `ascii`, which is allowed and cheap: gives the length of a text and records it.
pub fn recorder() -> ScalarUDF {
    let work = |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let texts = arrays[0].as_any().downcast_ref::<StringArray>().unwrap();
        let mut seen = SEEN.lock().unwrap();
        for text in texts {
            seen.insert(text.unwrap_or("NULL").to_owned());
        }
        let lengths: Int32Array = texts.iter().map(|t| t.map(|t| t.len() as i32)).collect();
        Ok(ColumnarValue::Array(Arc::new(lengths)))
    };
    create_udf("ascii", vec![DataType::Utf8], DataType::Int32, Volatility::Immutable, Arc::new(work))
}

/// Rows as text, in order of the text.
pub fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let row = |b: &RecordBatch, r: usize| {
        let cells = (0..b.num_columns()).map(|c| {
            if b.column(c).is_null(r) { "∅".to_owned() } else { array_value_to_string(b.column(c), r).unwrap() }
        });
        cells.collect::<Vec<_>>().join("|")
    };
    let mut rows: Vec<String> = batches.iter().flat_map(|b| (0..b.num_rows()).map(|r| row(b, r))).collect();
    rows.sort();
    rows
}

/// Runs on a stack as big as queries have in the product.
pub fn deep<T: Send + 'static, F: Future<Output = T>>(work: impl FnOnce() -> F + Send + 'static) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work())
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap()
}

/// A policy that gives everyone the two small tables whole and the big one by a row filter.
pub fn by_rows(filter: &str) -> String {
    format!(
        "[[grant]]\nto = [\"*\"]\non = [\"ref.*\"]\n[[grant]]\nto = [\"group:partners\"]\non = [\"ops.t\"]\nrows = {filter:?}\n\
         [[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\n"
    )
}

pub fn partner() -> Principal {
    person("partner", &["partners"], &[("region", &["a"])])
}

pub fn analyst() -> Principal {
    person("analyst", &["staff"], &[])
}

pub fn stranger() -> Principal {
    person("stranger", &[], &[])
}

/// Ways to write the same policy; the plans differ, and so do the ways to leak.
pub const FILTERS: [&str; 6] = [
    "region = 'a'",
    "region like 'a%'",
    "lower(region) = 'a'",
    "region in ('a', 'z')",
    "region = claim('region')",
    "secret = '123' and region = 'a'",
];
