//! Many grants on one dataset cost little or give nothing; they never hold the others up.

use std::time::{Duration, Instant};

use chrono::Utc;

use super::world::*;

/// Far more than any of this takes, far less than work that grows with the square.
const SOON: Duration = Duration::from_secs(5);

/// Grants to one person, each for a row of its own; every other one hides a column.
fn each_its_row(to: &str, n: usize) -> String {
    let grant = |i: usize| {
        let mask = if i % 2 == 1 { "mask = { secret = \"redact\", amount = \"null\" }\n" } else { "" };
        format!("[[grant]]\nto = [{to:?}]\non = [\"ops.t\"]\nrows = \"id = {i}\"\n{mask}")
    };
    (0..n).map(grant).collect()
}

#[test]
fn hundreds_of_grants_give_exactly_their_rows() {
    deep(|| async {
        let world = World::new(&each_its_row("user:many", 200), Source::Parquet, 30).await;
        let who = person("many", &[], &[]);
        let begun = Instant::now();
        let got = world.run(&who, "select id, secret from ops.t order by id").await.unwrap();
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        let whole = World::new("[[grant]]\nto = [\"*\"]\non = [\"*\"]\n", Source::Parquet, 30).await;
        let wanted = "select id, case when id % 2 = 1 then '•••' else secret end from ops.t where id < 200 order by id";
        assert_eq!(rows(&got), rows(&whole.run(&who, wanted).await.unwrap()));
        assert_eq!(rows(&got).len(), 200);
    });
}

#[test]
fn thousands_of_grants_for_one_person_give_nothing_and_soon() {
    deep(|| async {
        let begun = Instant::now();
        let policies = policies(&each_its_row("user:many", 20_000)).await;
        let access = policies.access(&person("many", &[], &[]), &name("ops.t"), &schema(), Utc::now()).await.unwrap();
        assert!(access.is_none());
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    });
}

#[test]
fn thousands_of_grants_for_others_cost_nobody_anything() {
    deep(|| async {
        let policy = (0..4_000).map(|i| each_its_row(&format!("user:u{i}"), 1)).collect::<String>();
        let policies = policies(&(policy + &each_its_row("user:few", 3))).await;
        let begun = Instant::now();
        for _ in 0..100 {
            let few = policies.access(&person("few", &[], &[]), &name("ops.t"), &schema(), Utc::now()).await.unwrap();
            assert_eq!(few.unwrap().note.rows.unwrap(), "id = 0 OR id = 1 OR id = 2");
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    });
}
