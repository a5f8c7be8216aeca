//! The engine over plain tables: keys, sharing, cancellation, limits, bombs.
#![allow(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the engine is tried over tables without a policy")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arrow::{
    array::{Int64Array, StringArray},
    datatypes::{DataType, Field, Schema},
    record_batch::RecordBatch,
};
use datafusion::{
    datasource::MemTable,
    logical_expr::{ColumnarValue, ScalarFunctionImplementation, Volatility, create_udf},
    prelude::{SessionConfig, SessionContext},
};
use model::{CacheOutcome, CacheTier, Cell, DatasetName, QueryState, QueryStatus};
use serde_json::json;

use super::{
    Begun,
    engine::{Ask, Engine, Prepared},
};
use crate::{
    LakeError, Limits, Result, StoreConfig,
    govern::GovernedPlan,
    result::{Results, Seen},
    store::Store,
};

/// An engine over two tables of 50,000 rows, `a(x, k, s)` and `b(y, k)`, and `far(y, k)`, which is long enough that no
/// machine joins it to `a` without a key before a deadline.
struct Bench {
    engine: Arc<Engine>,
    results: Results,
    session: SessionContext,
    /// Calls of the function `counted`.
    calls: Arc<AtomicUsize>,
}

/// How a query is asked, where it differs from the usual.
#[derive(Clone)]
struct How {
    who: &'static str,
    version: u64,
    access: u8,
    volatile: bool,
    wait: Duration,
    params: serde_json::Map<String, Cell>,
}

impl Default for How {
    fn default() -> Self {
        let wait = Duration::from_secs(60);
        Self { who: "ann", version: 1, access: 1, volatile: false, wait, params: serde_json::Map::new() }
    }
}

impl Bench {
    fn new(limits: &Limits) -> Self {
        Self::over(limits, Store::open(&StoreConfig::Memory).unwrap())
    }

    fn over(limits: &Limits, store: Store) -> Self {
        let config = SessionConfig::new().with_target_partitions(2);
        let session = SessionContext::new_with_config(config);
        session.register_table("a", table("x", true, 50_000)).unwrap();
        session.register_table("b", table("y", false, 50_000)).unwrap();
        session.register_table("far", table("y", false, 3_000_000)).unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let counted = move |args: &[ColumnarValue]| {
            counter.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            Ok(args[0].clone())
        };
        let boom = |_: &[ColumnarValue]| panic!("boom");
        let functions: [(&str, ScalarFunctionImplementation); 2] =
            [("counted", Arc::new(counted)), ("boom", Arc::new(boom))];
        for (name, function) in functions {
            let int = DataType::Int64;
            session.register_udf(create_udf(name, vec![int.clone()], int, Volatility::Immutable, function));
        }
        let results = Results::new(store, limits, vec![7; 32]);
        Self { engine: Arc::new(Engine::new(limits).unwrap()), results, session, calls }
    }

    async fn prepare(&self, sql: &str, how: &How) -> Result<Prepared> {
        let frame = self.session.sql(sql).await.map_err(|e| LakeError::sql(e.to_string()))?;
        let logical = frame.into_optimized_plan().map_err(|e| LakeError::sql(e.to_string()))?;
        let datasets = vec![(DatasetName::new("ops", "a").unwrap(), how.version, [how.access; 32])];
        let seen = datasets.iter().map(|(name, version, access)| Seen {
            name: name.clone(),
            version: *version,
            access: crate::result::hex(access),
            schema: None,
        });
        let seen = seen.collect();
        let plan = GovernedPlan { logical, session: self.session.clone(), datasets, volatile: how.volatile };
        Prepared::new(plan, &how.params, seen)
    }

    async fn ask(&self, sql: &str, how: &How) -> Result<QueryStatus> {
        let begun = Begun::now();
        let prepared = self.prepare(sql, how).await?;
        let ask = Ask { who: how.who.into(), prepared, begun, wait: how.wait };
        self.engine.answer(&self.results, ask).await
    }

    async fn key(&self, sql: &str, how: &How) -> [u8; 32] {
        self.prepare(sql, how).await.unwrap().key
    }
}

fn table(column: &str, text: bool, rows: i64) -> Arc<MemTable> {
    const BATCH: i64 = 5_000;
    let mut fields = vec![Field::new(column, DataType::Int64, false), Field::new("k", DataType::Int64, false)];
    if text {
        fields.push(Field::new("s", DataType::Utf8, false));
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = |i: i64| {
        let range = i * BATCH..(i + 1) * BATCH;
        let mut columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(range.clone())),
            Arc::new(Int64Array::from_iter_values(range.clone().map(|_| 1))),
        ];
        if text {
            columns.push(Arc::new(StringArray::from_iter_values(range.map(|n| format!("s{n}")))));
        }
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    Arc::new(MemTable::try_new(Arc::clone(&schema), vec![(0..rows / BATCH).map(batch).collect()]).unwrap())
}

fn quick(query_time: Duration) -> Limits {
    Limits { query_time, ..Limits::default() }
}

const BOMB: &str = "SELECT count(*) FROM a JOIN far ON a.x + far.y < 0";

#[tokio::test(flavor = "multi_thread")]
async fn c_01_the_same_question_has_the_same_key_however_it_is_written() {
    let bench = Bench::new(&Limits::default());
    let how = How::default();
    let key = bench.key("select x, s from a where x > 5", &how).await;
    for same in ["SELECT  x , s\nFROM a -- why\nWHERE (x > 5)", "select a.x, a.s from a where 5 < x"] {
        assert_eq!(bench.key(same, &how).await, key, "{same}");
    }
    let other_session = Bench::new(&Limits::default());
    assert_eq!(other_session.key("select x, s from a where x > 5", &how).await, key);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_01_whatever_differs_in_a_plan_differs_in_its_key() {
    let bench = Bench::new(&Limits::default());
    let how = How::default();
    let texts = [
        "select x from a",
        "select x as z from a",
        "select k from a",
        "select x, k from a",
        "select k, x from a",
        "select x from a where x > 5",
        "select x from a where x >= 5",
        "select x from a where x > 6",
        "select x from a where x > 5 limit 5",
        "select x from a where x > 5 limit 6",
        "select x from a where x > 5 limit 5 offset 1",
        "select x from a order by x",
        "select x from a order by x desc",
        "select x from a order by x nulls first",
        "select distinct x from a",
        "select y from b",
        "select x from a where s = 'a'",
        "select x from a where s = 'a ' ",
        "select x from a where s = 'A'",
        "select x from a where s in ('a', 'b')",
        "select x from a where s in ('a'', ''b')",
        "select x from a where s in ('a\", Utf8(\"b')",
        "select 1 as v",
        "select '1' as v",
        "select 1.0 as v",
        "select cast(1 as int) as v",
        "select cast(1 as decimal(9, 2)) as v",
        "select cast(1 as decimal(9, 3)) as v",
        "select arrow_cast('1', 'Utf8View') as v",
        "select arrow_cast('1', 'LargeUtf8') as v",
        "select arrow_cast(1, 'Timestamp(Second, None)') as v",
        "select arrow_cast(1, 'Timestamp(Second, Some(\"UTC\"))') as v",
        "select arrow_cast(1, 'Timestamp(Second, Some(\"+01:00\"))') as v",
        "select arrow_cast(1, 'Timestamp(Millisecond, None)') as v",
        "select null as v",
        "select cast(null as int) as v",
        "select true as v",
        "select sum(x) as v from a",
        "select sum(distinct x) as v from a",
        "select sum(x) filter (where k = 1) as v from a",
        "select min(x) as v from a",
        "select x from a where x in (select y from b)",
        "select x from a where x in (select y from b where y > 1)",
        "select x from a where x not in (select y from b)",
        "select a.x from a join b on a.x = b.y",
        "select a.x from a left join b on a.x = b.y",
        "select x from a union all select y from b",
        "select x from a union select y from b",
        "select row_number() over (order by x) as v from a",
        "select row_number() over (order by x desc) as v from a",
        "select x from a group by x having count(*) > 1",
    ];
    let mut keys = std::collections::HashMap::new();
    for text in texts {
        if let Some(other) = keys.insert(bench.key(text, &how).await, text) {
            panic!("one key for\n{other}\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c_01_version_policy_parameters_and_settings_are_in_the_key() {
    let bench = Bench::new(&Limits::default());
    let sql = "select x from a";
    let mut keys = std::collections::HashSet::new();
    let params = |v: Cell| serde_json::Map::from_iter([("p".to_owned(), v)]);
    for how in [
        How::default(),
        How { version: 2, ..How::default() },
        How { access: 2, ..How::default() },
        How { params: params(json!(1)), ..How::default() },
        How { params: params(json!("1")), ..How::default() },
        How { params: params(json!(null)), ..How::default() },
    ] {
        assert!(keys.insert(bench.key(sql, &how).await));
    }
    assert!(!keys.insert(bench.key(sql, &How { who: "bob", ..How::default() }).await), "who asks is not in the key");
    bench.session.state_ref().write().config_mut().options_mut().execution.time_zone = Some("+05:00".into());
    assert!(keys.insert(bench.key(sql, &How::default()).await), "session settings are in the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn c_03_the_same_access_shares_one_entry_and_another_does_not() {
    let bench = Bench::new(&Limits::default());
    let sql = "select count(*) as n, sum(x) from a";
    let miss = bench.ask(sql, &How::default()).await.unwrap();
    assert_eq!((miss.state, miss.cache, miss.rows_total), (QueryState::Done, CacheOutcome::Miss, 1));
    let hit = bench.ask(sql, &How { who: "bob", ..How::default() }).await.unwrap();
    assert_eq!((hit.cache, &hit.id), (CacheOutcome::Hit(CacheTier::Memory), &miss.id));
    let other = bench.ask(sql, &How { access: 9, ..How::default() }).await.unwrap();
    assert_eq!(other.cache, CacheOutcome::Miss);
    assert_ne!(other.id, miss.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_answer_is_found_again_by_another_engine() {
    let store = Store::open(&StoreConfig::Memory).unwrap();
    let first = Bench::over(&Limits::default(), store.clone());
    let miss = first.ask("select x from a where x < 3", &How::default()).await.unwrap();
    drop(first);
    let second = Bench::over(&Limits::default(), store);
    let hit = second.ask("select x from a where x < 3", &How::default()).await.unwrap();
    assert_eq!((hit.cache, hit.rows_total, hit.id), (CacheOutcome::Hit(CacheTier::Store), 3, miss.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_are_answered_by_one_run() {
    let bench = Bench::new(&Limits::default());
    let ask = |who| {
        let how = How { who, ..How::default() };
        let bench = &bench;
        async move { bench.ask("select sum(counted(x)) from a", &how).await.unwrap() }
    };
    let (a, b, c, d) = tokio::join!(ask("ann"), ask("bob"), ask("cem"), ask("dan"));
    let outcomes = [a.cache, b.cache, c.cache, d.cache];
    assert_eq!(outcomes.iter().filter(|c| **c == CacheOutcome::Miss).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|c| **c == CacheOutcome::Shared).count(), 3, "{outcomes:?}");
    let one_run = bench.calls.load(Ordering::SeqCst);
    bench.ask("select sum(counted(x + 0 * k)) from a", &How::default()).await.unwrap();
    assert_eq!(bench.calls.load(Ordering::SeqCst), 2 * one_run);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_04_volatile_answers_are_neither_kept_nor_shared() {
    let bench = Bench::new(&Limits::default());
    for sql in ["select random() as r", "select uuid() as u", "select x, random() from a limit 1"] {
        let first = bench.ask(sql, &How::default()).await.unwrap();
        let second = bench.ask(sql, &How::default()).await.unwrap();
        assert_eq!((first.cache, second.cache), (CacheOutcome::Bypass, CacheOutcome::Bypass));
        assert_ne!(first.id, second.id);
    }
    // `now()` is a literal once planned: whoever planned it says so.
    let how = How { volatile: true, ..How::default() };
    let first = bench.ask("select now()", &how).await.unwrap();
    assert_eq!(first.cache, CacheOutcome::Bypass);
    assert_ne!(bench.ask("select now()", &how).await.unwrap().id, first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_04_errors_are_not_kept() {
    let bench = Bench::new(&Limits { result_rows: 1_000, ..Limits::default() });
    for sql in ["select x / (x - x) from a", "select x from a", "select boom(x) from a"] {
        for _ in 0..2 {
            assert!(bench.ask(sql, &How::default()).await.is_err());
        }
    }
    assert_eq!(object_count(&bench.results).await, 0);
    assert_eq!(bench.ask("select x from a limit 1000", &How::default()).await.unwrap().rows_total, 1_000);
    assert_eq!(object_count(&bench.results).await, 1);
}

async fn object_count(results: &Results) -> usize {
    use futures::TryStreamExt;
    results.store().objects().list(None).try_collect::<Vec<_>>().await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_rows_bytes_and_memory_are_said_clearly() {
    let roomy = Limits::default();
    for (limits, sql, says) in [
        (Limits { result_rows: 10, ..roomy.clone() }, "select x from a", "more than 10 rows"),
        (Limits { result_bytes: 1 << 10, ..roomy.clone() }, "select x from a", "larger than"),
        (Limits { query_memory: 1 << 20, ..roomy.clone() }, "select s, count(*) from a group by s", "more memory"),
        (
            Limits { spill: 1 << 10, query_memory: 4 << 20, ..roomy },
            "select a.s, b.y from a cross join b order by a.s",
            "more memory",
        ),
    ] {
        let bench = Bench::new(&limits);
        match bench.ask(sql, &How::default()).await {
            Err(LakeError::Limit { message }) => assert!(message.contains(says), "{message}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d_05_a_sort_larger_than_memory_spills_within_its_disk_or_says_so() {
    // Three million rows, about 150 MB, in 64 MB.
    let sort = "select max(n) from (select row_number() over (order by a.s desc, l.y) as n \
                from a cross join (select y from b where y < 60) l)";
    let tight = Limits { query_memory: 64 << 20, ..Limits::default() };
    let bench = Bench::new(&tight);
    assert_eq!(bench.ask(sort, &How::default()).await.unwrap().rows_total, 1);
    let bench = Bench::new(&Limits { spill: 1 << 20, ..tight });
    assert!(matches!(bench.ask(sort, &How::default()).await, Err(LakeError::Limit { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn d_04_joins_without_keys_end_at_the_deadline_and_the_rest_is_served() {
    for bomb in [
        BOMB,
        "SELECT count(*) FROM a CROSS JOIN far WHERE a.x * far.y % 7 = 3",
        "SELECT sum(a.x + far.y) FROM a CROSS JOIN far",
        "SELECT sum(a.x + far.y) FROM a JOIN far ON a.k = far.k",
        "SELECT count(*) FROM a JOIN far ON a.k = far.k AND a.x * far.y % 7 > 9",
        "SELECT a.x FROM a CROSS JOIN far ORDER BY a.x + far.y DESC LIMIT 3",
        "SELECT count(*) FROM a LEFT JOIN far ON a.x * far.y % 7 > 9",
    ] {
        let bench = Bench::new(&quick(Duration::from_millis(2000)));
        let begun = Instant::now();
        let neighbour = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let asked = Instant::now();
            bench.ask("select max(x) from a", &How { who: "bob", ..How::default() }).await.unwrap();
            asked.elapsed()
        };
        let how = How::default();
        let (bombed, served) = tokio::join!(bench.ask(bomb, &how), neighbour);
        assert!(matches!(bombed, Err(LakeError::Limit { .. })), "{bomb}: {bombed:?}");
        assert!(begun.elapsed() < Duration::from_millis(3000), "{bomb}: {:?}", begun.elapsed());
        assert!(served < Duration::from_millis(1000), "{bomb}: the neighbour waited {served:?}");
        bench.idle_within(Duration::from_secs(1), bomb).await;
    }
}

impl Bench {
    /// Whether what was stopped has really ended: its place is free again.
    async fn idle_within(&self, time: Duration, what: &str) {
        let begun = Instant::now();
        while self.engine.running() > 0 {
            assert!(begun.elapsed() < time, "{what} still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_can_be_stopped_give_the_same_rows() {
    let bench = Bench::new(&Limits::default());
    for (sql, expected) in [
        ("select count(*) from a join b on a.x = b.y", 50_000),
        ("select count(*) from a join b on a.x = b.y and a.x + b.y < 100", 50),
        ("select count(*) from a left join b on a.x = b.y and b.y < 7", 50_000),
        ("select count(*) from (select * from a limit 100) a, (select * from b limit 30) b", 3_000),
        ("select count(*) from (select * from a where x < 100) a join b on a.x > b.y", 4_950),
        ("select count(*) from a where x in (select y from b where y % 10 = 0)", 5_000),
        ("select count(*) from a where not exists (select 1 from b where b.y > a.x)", 1),
        ("select sum(v) from (select unnest([x, x]) as v from a where x < 10)", 90),
    ] {
        let status = bench.ask(sql, &How::default()).await.unwrap();
        let result = bench.results.in_memory(&bench.results.key(&status.id).unwrap()).unwrap();
        let column: &Int64Array = arrow::array::AsArray::as_primitive(result.batches[0].column(0));
        assert_eq!(column.value(0), expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d_06_a_panic_in_a_query_is_an_error_of_that_query_alone() {
    let bench = Bench::new(&Limits::default());
    for sql in ["select boom(x) from a", "select sum(boom(x)) from a group by k", "select boom(x) from a order by 1"] {
        let failed = bench.ask(sql, &How::default()).await;
        assert!(matches!(failed, Err(LakeError::Internal { .. })), "{sql}: {failed:?}");
        assert!(!failed.unwrap_err().to_string().contains("boom"));
    }
    assert_eq!(bench.ask("select count(*) from a", &How::default()).await.unwrap().rows_total, 1);
    bench.idle_within(Duration::from_secs(1), "a panicked query").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d_07_of_200_parallel_queries_some_run_some_wait_the_rest_are_refused_at_once() {
    let bench = Bench::new(&Limits { running: 4, waiting: 16, ..quick(Duration::from_secs(5)) });
    let mut asked = tokio::task::JoinSet::new();
    let bench = Arc::new(bench);
    for i in 0..200 {
        let bench = Arc::clone(&bench);
        asked.spawn(async move {
            let begun = Instant::now();
            let sql = format!("select count(*) from a join b on a.x + b.y < {}", -i - 1);
            (bench.ask(&sql, &How::default()).await, begun.elapsed())
        });
    }
    let (mut refused, mut late) = (0, 0);
    while let Some(ended) = asked.join_next().await {
        match ended.unwrap() {
            (Err(LakeError::Busy { .. }), time) => {
                assert!(time < Duration::from_secs(3), "refused after {time:?}");
                refused += 1;
            }
            (Err(LakeError::Limit { .. }) | Ok(_), _) => late += 1,
            (other, _) => panic!("{other:?}"),
        }
    }
    assert_eq!((refused, late), (180, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn d_08_a_client_that_goes_away_ends_its_query_within_a_second() {
    let bench = Bench::new(&Limits::default());
    let how = How { wait: Duration::from_secs(30), ..How::default() };
    let gone = tokio::time::timeout(Duration::from_millis(500), bench.ask(BOMB, &how)).await;
    assert!(gone.is_err());
    bench.idle_within(Duration::from_secs(1), "the query of a client that has gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d_08_a_query_goes_on_for_who_else_waits_and_for_who_comes_back() {
    let bench = Bench::new(&quick(Duration::from_secs(20)));
    let (ann, bob) = (How::default(), How { who: "bob", ..How::default() });
    let sql = "select sum(counted(x)) from a";
    let leaving = tokio::time::timeout(Duration::from_millis(30), bench.ask(sql, &ann));
    let (left, stayed) = tokio::join!(leaving, bench.ask(sql, &bob));
    assert!(left.is_err());
    assert_eq!(stayed.unwrap().state, QueryState::Done);

    let soon = How { wait: Duration::from_millis(10), ..How::default() };
    let status = bench.ask("select sum(counted(x + 1)) from a", &soon).await.unwrap();
    assert!(matches!(status.state, QueryState::Running | QueryState::Queued));
    let flight = bench.engine.find(&status.id).unwrap();
    let begun = Instant::now();
    while flight.status(CacheOutcome::Miss).unwrap().state != QueryState::Done {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_query_says_so_and_goes_on_for_others() {
    let bench = Bench::new(&Limits::default());
    let soon = How { wait: Duration::from_millis(100), ..How::default() };
    let status = bench.ask(BOMB, &soon).await.unwrap();
    bench.ask(BOMB, &How { who: "bob", ..soon }).await.unwrap();
    let flight = bench.engine.find(&status.id).unwrap();
    flight.give_up("ann");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(flight.status(CacheOutcome::Miss).unwrap().state, QueryState::Running);
    flight.give_up("bob");
    bench.idle_within(Duration::from_secs(1), "a cancelled query").await;
    assert_eq!(bench.engine.find(&status.id).unwrap().status(CacheOutcome::Miss).unwrap().state, QueryState::Cancelled);
}

#[test]
fn an_engine_may_be_dropped_from_within_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let bench = Bench::new(&Limits::default());
        let how = How { wait: Duration::from_millis(50), ..How::default() };
        bench.ask(BOMB, &how).await.unwrap();
        drop(bench);
    });
}

/// 2,000 requests by five principals of five policies, half of them given up at some moment: whoever gets an answer
/// gets the answer of its own policy.
#[tokio::test(flavor = "multi_thread")]
async fn c_06_among_many_cancelled_requests_none_is_answered_with_anothers_rows() {
    let bench = Arc::new(Bench::new(&Limits { running: 4, waiting: 10_000, ..Limits::default() }));
    let mut asked = tokio::task::JoinSet::new();
    for i in 0..2_000u64 {
        let bench = Arc::clone(&bench);
        asked.spawn(async move {
            let mine = i % 5;
            let how = How { access: u8::try_from(mine).unwrap(), ..How::default() };
            // What a policy would put into the plan: each principal's own rows.
            let sql = format!("select x from a where x = {mine} and k = {}", 1 - (i / 5) % 2);
            let asking = bench.ask(&sql, &how);
            let patience = Duration::from_micros(if i % 2 == 0 { i * 7 % 5_000 } else { 60_000_000 });
            let Ok(status) = tokio::time::timeout(patience, asking).await else { return };
            let status = status.unwrap();
            let result = bench.results.in_memory(&bench.results.key(&status.id).unwrap()).unwrap();
            assert_eq!(result.meta.seen[0].access, crate::result::hex(&[how.access; 32]));
            for batch in &result.batches {
                let column: &Int64Array = arrow::array::AsArray::as_primitive(batch.column(0));
                assert!(column.values().iter().all(|v| *v == i64::try_from(mine).unwrap()));
            }
        });
    }
    while let Some(done) = asked.join_next().await {
        done.unwrap();
    }
}
