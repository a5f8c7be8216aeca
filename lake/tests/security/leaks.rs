//! Error oracles: what an expression that fails on a hidden value tells, and the control that shows it telling.

use std::sync::Arc;

use datafusion::{
    catalog::view::ViewTable,
    datasource::provider_as_source,
    execution::context::SessionContext,
    logical_expr::LogicalPlanBuilder,
    prelude::{col, lit},
};

use super::world::*;

/// Queries that fail as soon as one hidden row is evaluated, and run when none is.
fn oracles(percent: usize) -> Vec<String> {
    let hidden = if percent == 100 { 5 } else { HIDDEN_ID };
    vec![
        "SELECT count(*) FROM ops.t WHERE CAST(secret AS INT) > 0".into(),
        "SELECT max(CAST(secret AS INT)) FROM ops.t".into(),
        "SELECT CAST(secret AS INT) FROM ops.t ORDER BY 1 LIMIT 3".into(),
        format!("SELECT count(*) FROM ops.t WHERE 1/(id-{hidden}) = 1"),
        format!("SELECT sum(1/(id-{hidden})) FROM ops.t"),
        format!("SELECT count(*) FROM ops.t WHERE id = 3 OR 10/(id-{hidden}) = 1"),
        "SELECT count(*) FROM ops.t WHERE CAST(amount * 4000 AS INT) > 0".into(),
        "SELECT count(*) FROM ops.t WHERE to_date(concat('2020-01-1', CAST(length(secret) AS VARCHAR))) > DATE '2000-01-01'".into(),
        "SELECT count(*) FROM ops.t WHERE ([1,2,3])[length(secret)] > 0".into(),
        "SELECT count(*) FROM ops.t JOIN ref.o ON CAST(ops.t.secret AS INT) = ref.o.x".into(),
        "SELECT CAST(secret AS INT) k, count(*) FROM ops.t GROUP BY 1 HAVING CAST(secret AS INT) > 1".into(),
        "SELECT sum(CASE WHEN region = 'b' OR region IS NULL THEN CAST(secret AS INT) ELSE 1 END) FROM ops.t".into(),
        "SELECT row_number() OVER (ORDER BY CAST(secret AS INT)) FROM ops.t LIMIT 1".into(),
        "SELECT count(*) FILTER (WHERE CAST(secret AS INT) > 0) FROM ops.t".into(),
    ]
}

#[test]
fn a_02_control_a_plain_filter_leaks() {
    let leaks = deep(|| async {
        let mut leaks = 0;
        for source in SOURCES {
            for percent in [10, 30, 100] {
                let context = SessionContext::new_with_config(source.config());
                let raw = source.table(percent).await;
                let lower = datafusion::functions::string::lower().call(vec![col("region")]);
                let plan = LogicalPlanBuilder::scan("t", provider_as_source(raw), None).unwrap();
                let plan = plan.filter(lower.eq(lit("a"))).unwrap().build().unwrap();
                context.register_table("v", Arc::new(ViewTable::new(plan, None))).unwrap();
                for sql in oracles(percent).iter().filter(|s| !s.contains("ref.o")) {
                    let sql = sql.replace("ops.t", "v");
                    let Ok(query) = context.sql(&sql).await else { continue };
                    if let Err(e) = query.collect().await {
                        leaks += usize::from(e.to_string().contains(CANARY) || e.to_string().contains("ivide"));
                    }
                }
            }
        }
        leaks
    });
    assert!(leaks > 20, "only {leaks} leaks: either the engine changed or this test cannot fail");
}

#[test]
fn a_02_error_oracles_say_nothing_of_hidden_rows() {
    let wrong = deep(|| async {
        let mut wrong = Vec::new();
        for source in SOURCES {
            for percent in [0, 10, 30, 100] {
                for filter in FILTERS {
                    let world = World::new(&by_rows(filter), source, percent).await;
                    for sql in oracles(percent) {
                        match world.run(&partner(), &sql).await {
                            Ok(_) => {}
                            Err(e) => wrong.push(format!("{source:?} {percent}% {filter}: {sql}: {e:?}")),
                        }
                    }
                }
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{} of them, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
fn a_02_control_the_same_errors_come_from_visible_rows() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Parquet, 30).await;
        let e = world.run(&analyst(), "SELECT count(*) FROM ops.t WHERE CAST(secret AS INT) > 0").await.unwrap_err();
        assert_eq!(e.code(), "invalid_sql", "{e:?}");
        assert!(e.to_string().contains(CANARY), "staff see all rows, so that the value may be named: {e}");
    });
}

#[test]
fn a_03_a_policy_that_fails_shows_neither_value_nor_text() {
    deep(|| async {
        // The policy itself trips over hidden rows.
        let world = World::new(&by_rows("cast(secret as int) = 123"), Source::Memory, 30).await;
        let e = world.run(&partner(), "SELECT count(*) FROM ops.t").await.unwrap_err();
        assert_eq!(e.code(), "internal");
        for shown in [e.to_string(), format!("{e:?}")] {
            assert!(!shown.contains(CANARY) && !shown.contains("cast"), "{shown}");
        }
    });
}

#[test]
fn a_02_where_a_policy_can_fail_no_condition_of_the_query_decides_on_which_rows() {
    deep(|| async {
        // Of the four row groups two hold nothing but hidden rows, on which the policy fails.
        for source in [Source::Parquet, Source::ParquetPushdown] {
            let world = World::new(&by_rows("cast(secret as int) = 123"), source, 100).await;
            for sql in ["SELECT count(*) FROM ops.t WHERE id = 100", "SELECT count(*) FROM ops.t WHERE id = 700"] {
                let e = world.run(&partner(), sql).await.expect_err(sql);
                // Where Parquet's reader evaluates it, reading is what fails.
                assert!(["internal", "store_unavailable"].contains(&e.code()), "{source:?}: {sql}: {e:?}");
            }
            let control = World::new(&by_rows("region = 'a'"), source, 100).await;
            let seen = control.run(&partner(), "SELECT count(*) FROM ops.t WHERE id = 700").await.unwrap();
            assert_eq!(rows(&seen), ["1"]);
        }
    });
}
