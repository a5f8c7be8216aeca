//! Files that come once more where files take the place of rows.

use model::{IngestState, RefusedBecause, RollBack};
use serde_json::json;

use super::{Bench, staff};

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_state_that_is_sent_again_lands_again() {
    let bench = Bench::new().await;
    let contracts = bench.folder.path().join("contracts/ops");
    bench.replace("shops");
    std::fs::write(contracts.join("hubs.toml"), "mode = \"upsert\"\nkey = [\"id\"]\n").unwrap();
    let (first, second) = ("id,n\n1,10\n2,20\n", "id,n\n1,11\n");
    for (dataset, both) in [("ops.shops", [[11]].as_slice()), ("ops.hubs", &[[11], [20]])] {
        let mut names = (0..).map(|n| format!("{n}.csv"));
        let mut send = async |text: &str| bench.send(dataset, &names.next().unwrap(), text).await;
        let n = async || {
            let rows = bench.rows(&staff(), &format!("select n from {dataset} order by id")).await;
            rows.into_iter().map(|row| [row[0].as_i64().unwrap()]).collect::<Vec<_>>()
        };
        assert_eq!(send(first).await.version, Some(0));
        assert_eq!(send(first).await.state, IngestState::Duplicate, "{dataset}: it is the state");
        assert_eq!(send(second).await.version, Some(1));
        assert_eq!(n().await, both, "{dataset}");
        let again = send(first).await;
        assert_eq!((again.state, again.version), (IngestState::Landed, Some(2)), "{dataset}: {}", again.message);
        assert_eq!(n().await, [[10], [20]], "{dataset}");
        assert_eq!(send(first).await.state, IngestState::Duplicate, "{dataset}");
        // What was taken back does not come again by chance.
        bench.lake.roll_back(&staff(), &dataset.parse().unwrap(), RollBack { to: 0, newest: None }).await.unwrap();
        let taken = send(second).await;
        assert_eq!(taken.refused_because, Some(RefusedBecause::TakenBack), "{dataset}: {}", taken.message);
        assert_eq!(send(first).await.state, IngestState::Duplicate, "{dataset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_took_out_lands_again_once_the_contract_appends() {
    let bench = Bench::new().await;
    bench.replace("shops");
    let (first, second) = ("id,n\n1,10\n", "id,n\n2,20\n");
    assert_eq!(bench.send("ops.shops", "first.csv", first).await.version, Some(0));
    assert_eq!(bench.send("ops.shops", "second.csv", second).await.version, Some(1));
    std::fs::write(bench.folder.path().join("contracts/ops/shops.toml"), "mode = \"append\"\n").unwrap();
    let n = async || bench.rows(&staff(), "select n from ops.shops order by n").await;
    let mut names = (0..).map(|n| format!("{n}.csv"));
    let mut send = async |text: &str| bench.send("ops.shops", &names.next().unwrap(), text).await;
    // Its rows are not there, whatever the log remembers.
    let again = send(first).await;
    assert_eq!((again.state, again.version), (IngestState::Landed, Some(2)), "{}", again.message);
    assert_eq!(n().await, [[json!(10)], [json!(20)]]);
    // Now both are, and a duplicate says since when, and from where.
    for (text, version, file) in [(first, 2, "0.csv"), (second, 1, "second.csv")] {
        let same = send(text).await;
        assert_eq!((same.state, same.version), (IngestState::Duplicate, Some(version)), "{}", same.message);
        assert!(same.message.contains(&format!("as version {version};")), "{}", same.message);
        assert_eq!(same.warnings, [format!("It landed from `{file}`.")]);
    }
    // What is taken out a second time lands a third time.
    bench.replace("shops");
    assert_eq!(send("id,n\n3,30\n").await.version, Some(3));
    std::fs::write(bench.folder.path().join("contracts/ops/shops.toml"), "mode = \"append\"\n").unwrap();
    assert_eq!(send(first).await.version, Some(4));
    assert_eq!(send(first).await.state, IngestState::Duplicate);
    assert_eq!(n().await, [[json!(10)], [json!(30)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_moved_does_not_land_its_files_anew() {
    let bench = Bench::new().await;
    bench.replace("shops");
    let landing = bench.folder.path().join("landing/ops/shops");
    std::fs::create_dir_all(&landing).unwrap();
    // Names sort otherwise than they came.
    for (name, n) in [("b.csv", 1), ("a.csv", 2)] {
        std::fs::write(landing.join(name), format!("id,n\n1,{n}\n")).unwrap();
        let landed = bench.lake.ingest_landing().await.unwrap();
        assert_eq!(landed.iter().map(|r| r.state).collect::<Vec<_>>(), [IngestState::Landed], "{landed:?}");
    }
    // To the store, each is another file now.
    for _ in 0..2 {
        for name in ["a.csv", "b.csv"] {
            let (old, new) = (landing.join(name), landing.join(format!("{name}.tmp")));
            std::fs::copy(&old, &new).unwrap();
            std::fs::rename(new, old).unwrap();
        }
        let again = bench.lake.ingest_landing().await.unwrap();
        assert_eq!(again.iter().map(|r| r.state).collect::<Vec<_>>(), [IngestState::Duplicate; 2], "{again:?}");
        assert!(again[1].message.contains("send it from the page"), "{}", again[1].message);
    }
    let n = "select n from ops.shops";
    assert_eq!(bench.rows(&staff(), n).await, [[json!(2)]]);
    // Who sends it means it, and so does who drops it in the place of another.
    assert_eq!(bench.send("ops.shops", "b.csv", "id,n\n1,1\n").await.state, IngestState::Landed);
    assert_eq!(bench.rows(&staff(), n).await, [[json!(1)]]);
    std::fs::write(landing.join("b.csv"), "id,n\n1,2\n").unwrap();
    assert_eq!(bench.lake.ingest_landing().await.unwrap()[0].state, IngestState::Landed);
    assert_eq!(bench.rows(&staff(), n).await, [[json!(2)]]);
}
