//! The cache over a whole lake with a policy: never stale, never another's, shared by all who see the same.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "cache/bench.rs"]
mod bench;

use bench::{Bench, person};
use lake::LakeError;
use model::{CacheOutcome, CacheTier, QueryRequest};
use serde_json::json;

const HIT: CacheOutcome = CacheOutcome::Hit(CacheTier::Memory);

#[tokio::test(flavor = "multi_thread")]
async fn c_02_two_partners_who_swap_every_request_each_see_their_own_rows() {
    let bench = Bench::new().await;
    let (ua, dl) = (person("ua", "partners", Some("UA")), person("dl", "partners", Some("DL")));
    for sql in [
        "select count(*) as n, min(carrier) as a, max(carrier) as b from ops.flights",
        "select distinct carrier from ops.flights",
        "select carrier, sum(delay) as s from ops.flights group by carrier",
        "select * from ops.flights order by flight limit 3",
    ] {
        let rows = async |who| {
            let status = bench.lake.query(who, QueryRequest::new(sql)).await.unwrap();
            let page = bench.lake.result_page(who, &status.id, 0, 100).await.unwrap();
            (status.cache, status.id, page.rows)
        };
        let first = rows(&ua).await;
        let second = rows(&dl).await;
        assert_eq!((first.0, second.0), (CacheOutcome::Miss, CacheOutcome::Miss), "{sql}");
        assert_ne!(first.1, second.1);
        assert_ne!(first.2, second.2);
        let text = |rows: &Vec<Vec<model::Cell>>| serde_json::to_string(rows).unwrap();
        assert!(!text(&first.2).contains("DL") && !text(&second.2).contains("UA"), "{sql}");
        // The other way round, from the cache now.
        let (again_dl, again_ua) = (rows(&dl).await, rows(&ua).await);
        assert_eq!((again_dl.0, again_ua.0), (HIT, HIT));
        assert_eq!((again_ua.2, again_dl.2), (first.2, second.2));
        // And by id.
        for (who, id) in [(&ua, &second.1), (&dl, &first.1)] {
            let stolen = bench.lake.result_page(who, id, 0, 10).await;
            assert!(matches!(stolen, Err(LakeError::NotFound { .. })), "{stolen:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c_03_who_sees_the_same_shares_one_entry() {
    let bench = Bench::new().await;
    let sql = "select carrier, count(*) from ops.flights group by carrier";
    let ann = bench.ask(&person("ann", "staff", None), sql).await;
    let bob =
        bench.ask(&person("bob", "staff", Some("UA")), "SELECT carrier , COUNT(*) FROM ops.flights GROUP BY 1").await;
    assert_eq!((ann.cache, bob.cache, &ann.id), (CacheOutcome::Miss, HIT, &bob.id));
    let one = bench.ask(&person("one", "partners", Some("UA")), sql).await;
    let two = bench.ask(&person("two", "partners", Some("UA")), sql).await;
    assert_eq!((one.cache, two.cache, &one.id), (CacheOutcome::Miss, HIT, &two.id));
    assert_ne!(one.id, ann.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_survives_a_restart_and_ends_with_a_new_version() {
    let mut bench = Bench::new().await;
    let ann = person("ann", "staff", None);
    let sql = "select count(*) from ops.flights";
    let first = bench.ask(&ann, sql).await;
    bench.restart().await;
    let page = bench.lake.result_page(&ann, &first.id, 0, 10).await.unwrap();
    assert_eq!(page.rows, [[json!(6)]]);
    bench.restart().await;
    let stored = bench.ask(&ann, sql).await;
    assert_eq!((stored.cache, &stored.id), (CacheOutcome::Hit(CacheTier::Store), &first.id));

    bench.land(&[("UA", 9, 9)], true).await;
    let fresh = bench.ask(&ann, sql).await;
    assert_eq!(fresh.cache, CacheOutcome::Miss);
    assert_eq!(bench.lake.result_page(&ann, &fresh.id, 0, 10).await.unwrap().rows, [[json!(7)]]);
    // The old answer can still be read by its id: a new version, even with a new column, takes nothing away.
    assert_eq!(bench.lake.result_page(&ann, &first.id, 0, 10).await.unwrap().rows, [[json!(6)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_04_what_changes_by_itself_and_what_failed_is_never_kept() {
    let bench = Bench::new().await;
    let ann = person("ann", "staff", None);
    for sql in [
        "select now()",
        "select random() from ops.flights",
        "select count(*) from ops.flights where now() > '2000-01-01'",
    ] {
        let (a, b) = (bench.ask(&ann, sql).await, bench.ask(&ann, sql).await);
        assert_eq!((a.cache, b.cache), (CacheOutcome::Bypass, CacheOutcome::Bypass), "{sql}");
        assert_ne!(a.id, b.id);
        // Nobody else's, not even of someone who sees the same.
        let other = bench.lake.result_page(&person("bob", "staff", None), &a.id, 0, 1).await;
        assert!(matches!(other, Err(LakeError::NotFound { .. })));
        assert_eq!(bench.lake.result_page(&ann, &a.id, 0, 1).await.unwrap().rows.len(), 1);
    }
    for _ in 0..2 {
        let failed = bench.lake.query(&ann, QueryRequest::new("select 1 / (delay - delay) from ops.flights")).await;
        assert!(failed.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c_07_a_result_id_is_bound_to_the_policy_of_its_makers() {
    let mut bench = Bench::new().await;
    let (ann, bob) = (person("ann", "staff", None), person("bob", "staff", None));
    let (ua, nobody) = (person("ua", "partners", Some("UA")), person("nobody", "strangers", None));
    let status = bench.ask(&ann, "select * from ops.flights").await;
    let answer = async |bench: &Bench, who| {
        let page = bench.lake.result_page(who, &status.id, 0, 1).await;
        let download = bench.lake.download(who, &status.id, model::ExportFormat::Csv, model::Formulas::Kept).await;
        let standing = bench.lake.query_status(who, &status.id).await;
        assert_eq!((page.is_ok(), page.is_ok()), (download.is_ok(), standing.is_ok()));
        match page {
            Ok(_) => true,
            Err(LakeError::NotFound { .. }) => false,
            Err(e) => panic!("{e}"),
        }
    };
    for _ in 0..2 {
        assert!(answer(&bench, &ann).await && answer(&bench, &bob).await);
        assert!(!answer(&bench, &ua).await && !answer(&bench, &nobody).await);
        let forged = format!("{}A", &status.id[..status.id.len() - 1]);
        for wrong in ["", "x", "../../policy.toml", &forged] {
            let page = bench.lake.result_page(&ann, wrong, 0, 1).await;
            assert!(wrong == status.id || matches!(page, Err(LakeError::NotFound { .. })), "{wrong}: {page:?}");
        }
        bench.restart().await;
    }
    // Taken away: within the freshness of the policy, old results too.
    bench.policy("[[grant]]\nto = [\"group:staff\"]\non = [\"*\"]\nexcept = [\"delay\"]\n").await;
    assert!(!answer(&bench, &ann).await && !answer(&bench, &bob).await);
    bench.policy(bench::POLICY).await;
    assert!(answer(&bench, &ann).await);
}
