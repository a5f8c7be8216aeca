//! What governing costs: a question as someone whom a row filter narrows, against the same question with the filter
//! written by hand as someone who sees everything. In turns, medians.
//!
//! `make bench-governed` runs it over many rows; here over few, where only the answers are compared.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::SchemaRef,
};
use async_trait::async_trait;
use chrono::Utc;
use datafusion::{catalog::TableProvider, datasource::MemTable, execution::context::SessionConfig};
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    govern::{Datasets, GovernedTable, Opened, Sessions},
    policy::Policies,
    store::{Store, path},
    table::{At, Commit, Tables},
};
use model::{DatasetName, Principal, QueryRequest};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::bench::{POLICY, person};

/// Questions over what one may see; `{and}` and `{where}` are where the filter by hand stands.
const QUESTIONS: [(&str, &str); 6] = [
    ("rows counted", "select count(*) as n{round} from ops.flights{where}"),
    (
        "grouped by 3",
        "select origin, count(*) as n{round}, avg(delay), max(distance) from ops.flights{where} group by origin",
    ),
    (
        "grouped by 4,000, the 10 largest",
        "select tail, sum(distance) as d{round} from ops.flights{where} group by tail order by 2 desc, 1 limit 10",
    ),
    ("narrowed further", "select count(*) as n{round} from ops.flights where delay > 60 and dest like 'L%'{and}"),
    (
        "one value looked up",
        "select flight as f{round}, delay, distance from ops.flights where flight = 77{and} order by 1, 2, 3 limit 100",
    ),
    (
        "the 100 largest, whole rows",
        "select *, 1 as n{round} from ops.flights{where} order by delay desc, flight, distance, tail, dest, origin limit 100",
    ),
];
/// Carriers with their share of the rows, in percent; the last one has what is left.
const CARRIERS: [(&str, u32); 6] = [("AA", 10), ("B6", 16), ("DL", 15), ("EV", 17), ("UA", 18), ("WN", 100)];
const BATCH: usize = 8_192;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

fn rows(rng: &mut StdRng, rows: usize) -> RecordBatch {
    let mut carriers = Vec::with_capacity(rows);
    for _ in 0..rows {
        let mut at = rng.random_range(0..100);
        let carrier = CARRIERS.iter().find(|(_, share)| {
            let here = at < *share;
            at = at.saturating_sub(*share);
            here
        });
        carriers.push(carrier.unwrap().0);
    }
    let mut texts = |of: &dyn Fn(u32) -> String, n: u32| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..rows).map(|_| of(rng.random_range(0..n)))))
    };
    let (tail, origin) =
        (texts(&|n| format!("N{n:05}"), 4_000), texts(&|n| ["EWR", "JFK", "LGA"][n as usize].into(), 3));
    let dest = texts(&|n| format!("{}{n:02}", ["L", "S", "B", "O"][n as usize % 4]), 100);
    let mut numbers = |from: i64, to: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..rows).map(|_| rng.random_range(from..to))))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("carrier", Arc::new(StringArray::from(carriers)) as ArrayRef, true),
        ("flight", numbers(1, 6_000), true),
        ("tail", tail, true),
        ("origin", origin, true),
        ("dest", dest, true),
        ("delay", numbers(-30, 600), true),
        ("distance", numbers(80, 5_000), true),
    ])
    .unwrap()
}

/// `ops.flights`, ordered by the column of the row filter.
async fn open(folder: &std::path::Path, total: usize) -> (Lake, SchemaRef) {
    std::fs::write(folder.join("policy.toml"), POLICY).unwrap();
    let config = LakeConfig::new(StoreConfig::Folder(folder.to_owned()));
    let mut rng = StdRng::seed_from_u64(1);
    let batches: Vec<RecordBatch> = (0..total.div_ceil(BATCH)).map(|_| rows(&mut rng, BATCH)).collect();
    let schema = batches[0].schema();
    let commit = Commit { sort: vec!["carrier".into()], ingest: "one".into(), ..Commit::default() };
    let tables = Tables::new(Store::open(&config.store).unwrap(), Duration::ZERO);
    tables.commit(&"ops.flights".parse().unwrap(), Arc::clone(&schema), batches, commit).await.unwrap();
    (Lake::open(config).await.unwrap(), schema)
}

async fn timed(lake: &Lake, who: &Principal, sql: String) -> (f64, Vec<Vec<model::Cell>>) {
    let begun = Instant::now();
    let status = lake.query(who, QueryRequest { wait_ms: 30_000, ..QueryRequest::new(&sql) }).await;
    let status = status.unwrap_or_else(|e| panic!("{sql}: {e}"));
    let took = begun.elapsed().as_secs_f64() * 1_000.0;
    assert_eq!(status.cache, model::CacheOutcome::Miss, "{sql}");
    (took, lake.result_page(who, &status.id, 0, 1_000).await.unwrap().rows)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Plans alone: nothing is read.
struct Planning {
    sessions: Sessions,
    policies: Policies,
    table: Arc<dyn TableProvider>,
}

struct As<'a>(&'a Planning, &'a Principal);

#[async_trait]
impl Datasets for As<'_> {
    async fn open(&self, name: &DatasetName, _: Option<At>) -> Result<Option<Opened>, LakeError> {
        let Self(planning, who) = self;
        let access = planning.policies.access(who, name, &planning.table.schema(), Utc::now()).await?;
        let Some(access) = access else { return Ok(None) };
        let table = GovernedTable::try_new(name, Arc::clone(&planning.table), &access).unwrap();
        Ok(Some(Opened { table, version: 1, fingerprint: access.fingerprint }))
    }
}

impl Planning {
    async fn new(schema: SchemaRef) -> Self {
        let store = Store::open(&StoreConfig::Memory).unwrap();
        store.write(&path::policy(), POLICY.as_bytes().to_vec()).await.unwrap();
        let objects = Arc::new(object_store::memory::InMemory::new());
        Self {
            sessions: Sessions::new(objects, SessionConfig::new()).unwrap(),
            policies: Policies::open(store, Duration::from_secs(3_600), vec![7; 32]).await.unwrap(),
            table: Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap()),
        }
    }

    async fn time(&self, who: &Principal, sql: &str) -> f64 {
        let begun = Instant::now();
        let plan = self.sessions.plan(&As(self, who), sql, &serde_json::Map::new(), 64 << 10).await.unwrap();
        plan.physical().await.unwrap();
        begun.elapsed().as_secs_f64() * 1_000.0
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().map_or_else(|| "unknown".to_owned(), str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_governed_question_has_the_answer_of_one_with_the_filter_by_hand() {
    let total = number("TEST_GOVERNED_ROWS", 20_000);
    let rounds = number("TEST_GOVERNED_ROUNDS", 1);
    let folder = tempfile::tempdir().unwrap();
    let before = load();
    let (lake, schema) = open(folder.path(), total).await;
    let planning = Planning::new(schema).await;
    let (narrowed, all) = (person("ua", "partners", Some("UA")), person("ann", "staff", None));
    let mut lines =
        String::from("| question | by hand ms | governed ms | | planned by hand ms | governed ms | more |\n");
    lines += "| --- | --: | --: | --: | --: | --: | --: |\n";
    for (name, question) in QUESTIONS {
        let mut found: [Vec<f64>; 4] = Default::default();
        // The first round is for the caches.
        for round in 0..=rounds {
            let said = |filter: &str, and: &str| {
                let text = question.replace("{round}", &round.to_string());
                text.replace("{where}", filter).replace("{and}", and)
            };
            let (free, by_hand) = (said("", ""), said(" where carrier = 'UA'", " and carrier = 'UA'"));
            // In turns, since the first of two may pay for both.
            let mut asked = if round % 2 == 0 {
                [timed(&lake, &all, by_hand.clone()).await, timed(&lake, &narrowed, free.clone()).await]
            } else {
                let first = timed(&lake, &narrowed, free.clone()).await;
                [timed(&lake, &all, by_hand.clone()).await, first]
            };
            asked.iter_mut().for_each(|a| a.1.sort_by_key(|row| format!("{row:?}")));
            assert_eq!(asked[0].1, asked[1].1, "{name}");
            assert!(!asked[0].1.is_empty(), "{name}");
            let plans = [planning.time(&all, &by_hand).await, planning.time(&narrowed, &free).await];
            if round > 0 {
                for (all, one) in found.iter_mut().zip([asked[0].0, asked[1].0, plans[0], plans[1]]) {
                    all.push(one);
                }
            }
        }
        let [by_hand, governed, plan_by_hand, plan_governed] = found.map(median);
        let (ratio, more) = (governed / by_hand, plan_governed - plan_by_hand);
        let row = format!(
            "| {name} | {by_hand:.1} | {governed:.1} | {ratio:.2} × | {plan_by_hand:.2} | {plan_governed:.2} | {more:+.2} |"
        );
        writeln!(lines, "{row}").unwrap();
    }
    let (mut whole, mut own) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        whole.push(timed(&lake, &all, format!("select count(*) as all{round} from ops.flights")).await.0);
        own.push(timed(&lake, &narrowed, format!("select count(*) as own{round} from ops.flights")).await.0);
    }
    let (whole, own) = (median(whole.split_off(1)), median(own.split_off(1)));
    let count = format!(
        "`count(*)` of all rows, as someone whom nothing narrows, takes {whole:.1} ms; governed, {own:.1} ms: {:.2} ×.",
        own / whole
    );
    println!("{lines}\n{count}");
    // Only there is time taken for what it is.
    if let Ok(file) = std::env::var("TEST_GOVERNED_WRITE") {
        let head = format!(
            "# What governing costs, measured\n\n\
             `make bench-governed` wrote this on {}: medians of {rounds} rounds in turns, over {total} rows in the order of the \
             column that the row filter is on, on a machine whose load was {before} before and {} after. \
             Above 1 is slower than the filter by hand.\n\
             The person is narrowed to `carrier = claim('carrier')`, 18 in 100 rows; by hand, someone who sees everything \
             writes `carrier = 'UA'`.\n\
             Planning is measured apart, without reading anything.\n\n{lines}\n{count}\n",
            Utc::now().format("%Y-%m-%d"),
            load()
        );
        std::fs::write(file, head).unwrap();
    }
}
