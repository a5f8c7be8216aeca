//! Queries over a whole lake: rows without SQL, downloads, recent queries, cancellation.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "cache/bench.rs"]
mod bench;
#[path = "query/governed.rs"]
mod governed;

use std::time::Duration;

use bench::{Bench, person};
use futures::TryStreamExt;
use lake::LakeError;
use model::{ExportFormat, Formulas, QueryRequest, QueryState, RowsRequest};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_as_the_policy_gives_them() {
    let bench = Bench::new().await;
    let flights = "ops.flights".parse().unwrap();
    let rows = async |who: &str, group, claim, request: RowsRequest| {
        let (_, page) = bench.lake.rows(&person(who, group, claim), &flights, request).await.unwrap();
        (page.rows_total, page.rows)
    };
    let request = RowsRequest {
        columns: vec!["flight".into(), "carrier".into()],
        sort: vec!["-flight".into()],
        limit: Some(2),
        ..RowsRequest::default()
    };
    let all = rows("ann", "staff", None, request.clone()).await;
    assert_eq!(all, (6, vec![vec![json!(6), json!("AA")], vec![json!(5), json!("DL")]]));
    let next = rows("ann", "staff", None, RowsRequest { offset: 4, ..request.clone() }).await;
    assert_eq!(next.1, [[json!(2), json!("UA")], [json!(1), json!("UA")]]);
    let own = rows("ua", "partners", Some("UA"), request.clone()).await;
    assert_eq!(own, (3, vec![vec![json!(3), json!("UA")], vec![json!(2), json!("UA")]]));
    let escape = RowsRequest { filter: Some("flight = 1 or carrier = 'DL'".into()), ..request };
    assert_eq!(rows("ua", "partners", Some("UA"), escape).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_hidden_and_of_an_absent_dataset_get_the_same_answer() {
    let bench = Bench::new().await;
    let nobody = person("nobody", "strangers", None);
    let refusal = async |name: &str| {
        let e = bench.lake.rows(&nobody, &name.parse().unwrap(), RowsRequest::default()).await.unwrap_err();
        assert!(matches!(e, LakeError::NotFound { .. }), "{e:?}");
        e.to_string().replace(name, "…")
    };
    assert_eq!(refusal("ops.flights").await, refusal("ops.flightz").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_for_rows_says_what_is_wrong() {
    let bench = Bench::new().await;
    let (ann, flights) = (person("ann", "staff", None), "ops.flights".parse().unwrap());
    let filter = |f: &str| RowsRequest { filter: Some(f.into()), ..RowsRequest::default() };
    for request in [
        filter("carrier = 'UA') or (1 = 1"),
        filter("carrier = 'UA' union select * from ops.flights"),
        filter("1 = 1; drop table x"),
        filter("nothing = 1"),
        RowsRequest { columns: vec!["nothing".into()], ..RowsRequest::default() },
        RowsRequest { sort: vec!["-nothing".into()], ..RowsRequest::default() },
    ] {
        let e = bench.lake.rows(&ann, &flights, request.clone()).await.unwrap_err();
        assert!(matches!(e, LakeError::Invalid { .. } | LakeError::InvalidSql { .. }), "{request:?}: {e:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_downloaded_whole_in_every_format() {
    let bench = Bench::new().await;
    let ua = person("ua", "partners", Some("UA"));
    let status = bench.ask(&ua, "select flight, carrier from ops.flights order by flight").await;
    for format in ExportFormat::ALL {
        let download = bench.lake.download(&ua, &status.id, format, Formulas::Kept).await.unwrap();
        assert_eq!(download.rows, 3);
        let body = download.body.try_collect::<Vec<_>>().await.unwrap().concat();
        if format == ExportFormat::Csv {
            assert_eq!(body, b"flight,carrier\r\n1,UA\r\n2,UA\r\n3,UA\r\n");
        }
        assert!(!body.is_empty(), "{format:?}");
    }
}

/// No file is left to read: that is one partition without rows, and not none.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_file_can_hold_a_row_everything_is_still_answered() {
    let bench = Bench::new().await;
    for who in [person("ann", "staff", None), person("ua", "partners", Some("UA"))] {
        for (sql, rows) in [
            ("select flight from ops.flights where flight > 100000 order by flight", 0),
            ("select flight, row_number() over (order by flight) from ops.flights where flight > 100000", 0),
            ("select a.flight from ops.flights a join ops.flights b using (flight) where b.flight > 100000", 0),
            ("select carrier, count(*) from ops.flights where flight > 100000 group by carrier order by 1 limit 5", 0),
            ("select count(*) from ops.flights where flight > 100000", 1),
        ] {
            let status = bench.ask(&who, sql).await;
            assert_eq!((status.state, status.rows_total), (QueryState::Done, rows), "{sql}: {status:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_queries_are_a_persons_own_newest_first_and_each_once() {
    let bench = Bench::new().await;
    let (ann, bob) = (person("ann", "staff", None), person("bob", "staff", None));
    for sql in ["select 1", "select 2", "select 1"] {
        bench.ask(&ann, sql).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let recent = bench.lake.recent_queries(&ann, 10).await.unwrap();
    assert_eq!(recent.iter().map(|q| q.sql.as_str()).collect::<Vec<_>>(), ["select 1", "select 2"]);
    assert_eq!(bench.lake.recent_queries(&ann, 1).await.unwrap().len(), 1);
    assert!(bench.lake.recent_queries(&bob, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn d_04_a_query_that_is_cancelled_ends_for_real() {
    let bench = Bench::new().await;
    let ann = person("ann", "staff", None);
    let bomb = "select count(*) from ops.flights a, ops.flights b, ops.flights c, ops.flights d, ops.flights e, \
                ops.flights f, ops.flights g, ops.flights h, ops.flights i, ops.flights j, ops.flights k, \
                ops.flights l where a.delay + b.delay + c.delay + d.delay + l.delay < -100000";
    let request = QueryRequest { wait_ms: 300, ..QueryRequest::new(bomb) };
    let status = bench.lake.query(&ann, request).await.unwrap();
    assert_eq!(status.state, QueryState::Running);
    let stranger = person("nobody", "strangers", None);
    assert!(matches!(bench.lake.cancel_query(&stranger, &status.id).await, Err(LakeError::NotFound { .. })));
    assert_eq!(bench.lake.query_status(&ann, &status.id).await.unwrap().state, QueryState::Running);
    bench.lake.cancel_query(&ann, &status.id).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bench.lake.query_status(&ann, &status.id).await.unwrap().state, QueryState::Cancelled);
    assert!(matches!(bench.lake.query_status(&stranger, &status.id).await, Err(LakeError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_not_pruned_by_statistics_that_are_cut() {
    // The log keeps 64 characters of a text's minimum and maximum; these differ behind them.
    let bench = Bench::new().await;
    let ann = person("ann", "staff", None);
    let texts = ["x".repeat(80) + "a", "x".repeat(80) + "z", "\u{10FFFF}".repeat(80), "\u{e4}".repeat(80) + "y"];
    for (n, text) in (100..).zip(&texts) {
        bench.land(&[(text, n, 0)], false).await;
    }
    for (n, text) in (100..).zip(&texts) {
        for operator in ["=", ">=", "<="] {
            let sql = format!("select flight from ops.flights where carrier {operator} '{text}' and flight = {n}");
            assert_eq!(bench.ask(&ann, &sql).await.rows_total, 1, "{operator} {n}");
        }
    }
}
