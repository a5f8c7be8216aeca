//! Look-ups into other datasets: what they give, what they never give, and that nobody learns from them.

use std::{sync::Arc, time::Duration};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use lake::{
    Lake, LakeConfig, LakeError, StoreConfig,
    store::{Store, path},
    table::{Commit, Tables, WriteMode},
};
use model::{CacheOutcome, Principal, QueryRequest};
use serde_json::json;

use super::world::{name, person};

/// A value of the look-up that stands in no flight: whoever reads it read the look-up.
const CANARY: &str = "ZZ-never-told";

struct Room {
    lake: Lake,
    store: Store,
}

impl Room {
    /// `ops.flights(carrier, flight)` and `ref.alliances(alliance, carrier)`, under a policy for partners.
    async fn new(rows: &str) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut config = LakeConfig::new(StoreConfig::Folder(folder));
        config.freshness = Duration::ZERO;
        let store = Store::open(&config.store).unwrap();
        store.write(&path::policy(), policy(rows)).await.unwrap();
        let room = Self { lake: Lake::open(config).await.unwrap(), store };
        let flights = [("UA", 1), ("UA", 2), ("LH", 3), ("DL", 4), ("AF", 5), ("WN", 6)];
        let carriers: ArrayRef = Arc::new(StringArray::from_iter_values(flights.iter().map(|f| f.0)));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(flights.iter().map(|f| f.1)));
        room.put("ops.flights", &[("carrier", carriers), ("flight", numbers)]).await;
        room.alliances(&ALLIANCES).await;
        room
    }

    async fn alliances(&self, rows: &[(&str, Option<&str>)]) {
        let alliances: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.0)));
        let carriers: ArrayRef = Arc::new(rows.iter().map(|r| r.1).collect::<StringArray>());
        self.put("ref.alliances", &[("alliance", alliances), ("carrier", carriers)]).await;
    }

    async fn put(&self, dataset: &str, columns: &[(&str, ArrayRef)]) {
        let fields = columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect::<Vec<_>>();
        let columns = columns.iter().map(|(_, a)| Arc::clone(a)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let commit = Commit {
            sha256: format!("{batch:?}"),
            ingest: format!("{batch:?}"),
            file: "x.csv".into(),
            by: "watcher".into(),
            mode: WriteMode::Replace,
            ..Commit::default()
        };
        let tables = Tables::new(self.store.clone(), Duration::ZERO);
        tables.commit(&name(dataset), batch.schema(), vec![batch], commit).await.unwrap();
    }

    async fn policy(&self, rows: &str) {
        self.store.write(&path::policy(), policy(rows)).await.unwrap();
    }

    async fn flights(&self, who: &Principal) -> Result<(String, CacheOutcome, Vec<i64>), LakeError> {
        let sql = "select flight from ops.flights order by flight";
        let status = self.lake.query(who, QueryRequest::new(sql)).await?;
        let page = self.lake.result_page(who, &status.id, 0, 100).await?;
        let numbers = page.rows.iter().map(|r| r[0].as_i64().unwrap()).collect();
        Ok((status.id, status.cache, numbers))
    }

    /// The flights, or an empty list when the dataset is as absent.
    async fn seen(&self, who: &Principal) -> Vec<i64> {
        match self.flights(who).await {
            Ok((_, _, numbers)) => numbers,
            Err(LakeError::NotFound { .. }) => Vec::new(),
            Err(e) => panic!("{e:?}"),
        }
    }

    async fn note(&self, who: &Principal) -> String {
        let detail = self.lake.dataset(who, &name("ops.flights")).await.unwrap();
        detail.dataset.access.rows.unwrap()
    }
}

const ALLIANCES: [(&str, Option<&str>); 7] = [
    ("star", Some("UA")),
    ("star", Some("LH")),
    ("star", Some("UA")),
    ("star", None),
    ("star", Some(CANARY)),
    ("sky", Some("DL")),
    ("sky", Some("AF")),
];

fn policy(rows: &str) -> String {
    format!(
        "[[grant]]\nto = [\"group:partners\"]\non = [\"ops.flights\"]\nrows = {rows:?}\n\
         [[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\n\
         [[grant]]\nto = [\"group:readers\"]\non = [\"ref.alliances\"]\n"
    )
}

const BY_ALLIANCE: &str = "carrier in (select carrier from ref.alliances where alliance = claim('alliance'))";

fn partner(alliance: &str) -> Principal {
    person(alliance, &["partners"], &[("alliance", &[alliance])])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_04_a_look_up_gives_the_rows_that_a_sub_query_of_staff_gives() {
    let room = Room::new(BY_ALLIANCE).await;
    let staff = person("ann", &["staff"], &[]);
    for (rows, honest) in [
        (BY_ALLIANCE, "carrier in (select carrier from ref.alliances where alliance = 'star')"),
        (
            "carrier not in (select carrier from ref.alliances where alliance = claim('alliance'))",
            "carrier not in (select carrier from ref.alliances where alliance = 'star' and carrier is not null)",
        ),
        (
            "not (carrier in (select distinct carrier from ref.alliances)) or flight = 1",
            "carrier not in (select carrier from ref.alliances where carrier is not null) or flight = 1",
        ),
        (
            "carrier in (select carrier from ref.alliances where alliance like 'st%') and flight > 1",
            "carrier in (select carrier from ref.alliances where alliance = 'star') and flight > 1",
        ),
        (
            "lower(carrier) in (select lower from ref.words) or carrier in (select carrier from ref.alliances \
             where alliance <> claim('alliance'))",
            "carrier in ('WN', 'DL', 'AF')",
        ),
    ] {
        let words: ArrayRef = Arc::new(StringArray::from(vec!["wn", "xx"]));
        room.put("ref.words", &[("lower", words)]).await;
        room.policy(rows).await;
        let sql = format!("select flight from ops.flights where {honest} order by flight");
        let status = room.lake.query(&staff, QueryRequest::new(sql)).await.unwrap();
        let page = room.lake.result_page(&staff, &status.id, 0, 100).await.unwrap();
        let wanted: Vec<i64> = page.rows.iter().map(|r| r[0].as_i64().unwrap()).collect();
        assert!(!wanted.is_empty() && wanted.len() < 6, "control: the test can fail: {wanted:?}");
        assert_eq!(room.seen(&partner("star")).await, wanted, "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_cannot_be_made_gives_nothing_also_under_not() {
    let room = Room::new(BY_ALLIANCE).await;
    let many: ArrayRef = Arc::new(StringArray::from_iter_values((0..10_001).map(|i| format!("c{i}"))));
    room.put("ref.many", &[("carrier", many)]).await;
    let most: ArrayRef = Arc::new(StringArray::from_iter_values((0..10_000).map(|i| format!("c{i}"))));
    room.put("ref.most", &[("carrier", most)]).await;
    assert_eq!(room.seen(&partner("star")).await, [1, 2, 3], "control");
    room.policy("carrier not in (select carrier from ref.most)").await;
    assert_eq!(room.seen(&partner("star")).await, [1, 2, 3, 4, 5, 6], "control: as many values as may be");
    // 2^53 and the whole number after it are one float: whoever sends the file would decide about the other too.
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 0.5, 9_007_199_254_740_992.0]));
    room.put("ref.floats", &[("flight", floats)]).await;
    for rows in ["flight in (select flight from ref.floats)", "flight not in (select flight from ref.floats)"] {
        room.policy(rows).await;
        assert!(room.flights(&partner("star")).await.is_err(), "{rows}");
    }
    for inside in [
        "select carrier from ref.nothing",
        "select nothing from ref.alliances",
        "select carrier from ref.alliances where nothing = 1",
        "select carrier from ref.alliances where alliance = claim('absent')",
        "select carrier from ref.alliances where alliance = groups() and carrier = claim('absent')",
        "select carrier from ref.alliances where alliance = 'nobody'",
        "select carrier from ref.alliances where carrier is null",
        "select carrier from ref.alliances where cast(carrier as int) = 1",
        "select carrier from ref.many",
        "select flight from ops.flights",
        "select carrier from ref.alliances limit 1",
        "select carrier from ref.alliances where carrier in (select carrier from ref.most)",
    ] {
        for rows in [
            format!("carrier in ({inside})"),
            format!("carrier not in ({inside})"),
            format!("not (carrier in ({inside}))"),
            format!("carrier = 'UA' or carrier in ({inside})"),
        ] {
            room.policy(&rows).await;
            let e = room.flights(&partner("star")).await.unwrap_err();
            assert!(matches!(e, LakeError::NotFound { .. }), "{rows}: {e:?}");
            assert!(!e.to_string().contains("ref.") && !format!("{e:?}").contains(CANARY), "{rows}: {e:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_10_a_changed_look_up_changes_what_is_seen_and_takes_old_results_away() {
    let room = Room::new(BY_ALLIANCE).await;
    let (star, sky) = (partner("star"), partner("sky"));
    let (old, _, rows) = room.flights(&star).await.unwrap();
    assert_eq!(rows, [1, 2, 3]);
    assert_eq!(room.seen(&sky).await, [4, 5]);
    assert!(room.lake.result_page(&sky, &old, 0, 1).await.is_err(), "c_07: bound to what its maker sees");
    room.alliances(&[("star", Some("LH")), ("sky", Some("LH")), ("sky", Some("DL"))]).await;
    assert_eq!(room.seen(&star).await, [3]);
    assert_eq!(room.seen(&sky).await, [3, 4]);
    let e = room.lake.result_page(&star, &old, 0, 1).await.unwrap_err();
    assert!(matches!(e, LakeError::NotFound { .. }), "{e:?}");
    // An old version of the flights is seen by the look-up of now.
    room.put(
        "ops.flights",
        &[("carrier", Arc::new(StringArray::from(vec!["LH"]))), ("flight", Arc::new(Int64Array::from(vec![7])))],
    )
    .await;
    let sql = "select flight from ops.flights version as of 0";
    let status = room.lake.query(&star, QueryRequest::new(sql)).await.unwrap();
    assert_eq!(room.lake.result_page(&star, &status.id, 0, 10).await.unwrap().rows, [[json!(3)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_03_look_ups_that_give_the_same_share_answers_and_others_do_not() {
    let room = Room::new(BY_ALLIANCE).await;
    room.alliances(&[("a", Some("UA")), ("a", Some("LH")), ("b", Some("LH")), ("b", Some("UA")), ("c", Some("UA"))])
        .await;
    let a = room.flights(&partner("a")).await.unwrap();
    let b = room.flights(&partner("b")).await.unwrap();
    let c = room.flights(&partner("c")).await.unwrap();
    assert_eq!((&a.0, &a.2), (&b.0, &b.2));
    assert!(matches!(b.1, CacheOutcome::Hit(_)), "{:?}", b.1);
    assert_ne!(a.0, c.0);
    assert_eq!(c.2, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_03_what_is_looked_up_is_told_to_nobody() {
    let room = Room::new(BY_ALLIANCE).await;
    let star = partner("star");
    assert_eq!(room.note(&star).await, "a condition on values that are looked up elsewhere");
    let reader = person("star", &["partners", "readers"], &[("alliance", &["star"])]);
    assert_eq!(room.note(&reader).await, "carrier IN (values of ref.alliances)");
    for rows in ["carrier in (select carrier from ref.alliances)", "carrier not in (select carrier from ref.alliances)"]
    {
        room.policy(rows).await;
        for who in [&star, &reader] {
            let detail = room.lake.dataset(who, &name("ops.flights")).await.unwrap();
            let profile = room.lake.profile(who, &name("ops.flights")).await.unwrap();
            let datasets = room.lake.datasets(who, model::DatasetFilter::default()).await.unwrap();
            let told = [
                serde_json::to_string(&detail).unwrap(),
                serde_json::to_string(&profile).unwrap(),
                serde_json::to_string(&datasets).unwrap(),
            ];
            assert!(told.iter().all(|t| !t.contains(CANARY)), "{told:?}");
            assert!(who == &reader || told.iter().all(|t| !t.contains("alliances")), "{told:?}");
        }
        for sql in [
            "select cast(carrier as int) from ops.flights",
            "select 1/(flight - 3) from ops.flights",
            "select nothing from ops.flights",
        ] {
            let e = room.lake.query(&star, QueryRequest::new(sql)).await;
            let said = format!("{e:?}");
            assert!(!said.contains(CANARY) && !said.contains("alliances"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_is_compared_as_its_type_says() {
    let room = Room::new(BY_ALLIANCE).await;
    let numbers: ArrayRef = Arc::new(arrow::array::Int32Array::from(vec![2, 3]));
    let wide: ArrayRef = Arc::new(Float64Array::from(vec![3.0, 3.5]));
    assert_eq!(numbers.data_type(), &DataType::Int32);
    room.put("ref.numbers", &[("small", numbers), ("wide", wide)]).await;
    for (rows, wanted) in [
        ("flight in (select small from ref.numbers)", &[2i64, 3] as &[i64]),
        ("flight in (select wide from ref.numbers)", &[]),
        ("flight not in (select small from ref.numbers)", &[1, 4, 5, 6]),
        ("carrier not in (select small from ref.numbers)", &[]),
        ("flight not in (select carrier from ref.alliances)", &[]),
    ] {
        room.policy(rows).await;
        assert_eq!(room.seen(&partner("star")).await, wanted, "{rows}");
    }
}
