//! Answers that the engine gives wrongly (DataFusion 55.2) and a governed session must not; plans that read equal.

use std::sync::Arc;

use arrow::{
    array::{Decimal128Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{datasource::MemTable, execution::context::SessionConfig};

use super::world::*;

const ALL: &str = "[[grant]]\nto = [\"*\"]\non = [\"*\"]\n";

async fn decimals(policy: &str) -> World {
    let schema = Arc::new(Schema::new(vec![Field::new("d", DataType::Decimal128(10, 4), true)]));
    let values = [15_000, 10_000, 20_000, 9_999].map(Some);
    let values = Decimal128Array::from_iter(values).with_precision_and_scale(10, 4).unwrap();
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(values)]).unwrap();
    let table = Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap());
    World::over(policy, SessionConfig::new(), [(name("ops.d"), table as _)].into()).await
}

#[test]
fn casts_of_decimals_in_comparisons_cut_before_they_compare() {
    deep(|| async {
        let world = decimals(ALL).await;
        for (sql, wanted) in [
            // 1.5, 1.0 and 2.0 and 0.9999 are 1, 1, 2 and 0 as integers (arrow truncates or rounds; ask it).
            (
                "SELECT count(*) FROM ops.d WHERE CAST(d AS BIGINT) > 1",
                "SELECT count(*) FILTER (WHERE i > 1) FROM (SELECT CAST(d AS BIGINT) i FROM ops.d LIMIT 100)",
            ),
            (
                "SELECT count(*) FROM ops.d WHERE CAST(d AS BIGINT) = 1",
                "SELECT count(*) FILTER (WHERE i = 1) FROM (SELECT CAST(d AS BIGINT) i FROM ops.d LIMIT 100)",
            ),
            (
                "SELECT count(*) FROM ops.d WHERE CAST(d AS BIGINT) IN (1, 7)",
                "SELECT count(*) FILTER (WHERE i IN (1, 7)) FROM (SELECT CAST(d AS BIGINT) i FROM ops.d LIMIT 100)",
            ),
            (
                "SELECT count(*) FROM ops.d WHERE TRY_CAST(d AS INT) >= 2",
                "SELECT count(*) FILTER (WHERE i >= 2) FROM (SELECT TRY_CAST(d AS INT) i FROM ops.d LIMIT 100)",
            ),
            (
                "SELECT count(*) FROM ops.d WHERE CAST(d AS DECIMAL(10,1)) = 1.5",
                "SELECT count(*) FILTER (WHERE i = 1.5) FROM (SELECT CAST(d AS DECIMAL(10,1)) i FROM ops.d LIMIT 100)",
            ),
        ] {
            let has = rows(&world.run(&stranger(), sql).await.unwrap());
            let wants = rows(&world.run(&stranger(), wanted).await.unwrap());
            assert_eq!(has, wants, "{sql}");
        }
        let cut = rows(
            &world
                .run(&stranger(), "SELECT CAST(d AS BIGINT), arrow_typeof(CAST(d AS BIGINT)) FROM ops.d")
                .await
                .unwrap(),
        );
        let equal =
            rows(&world.run(&stranger(), "SELECT count(*) FROM ops.d WHERE CAST(d AS BIGINT) = 1").await.unwrap());
        let ones = cut.iter().filter(|c| c.starts_with("1|")).count();
        assert_eq!(equal, [ones.to_string()], "{cut:?}");
    });
}

#[test]
fn casts_of_decimals_in_a_policy_cut_before_they_compare() {
    deep(|| async {
        let world = decimals("[[grant]]\nto = [\"*\"]\non = [\"ops.d\"]\nrows = \"cast(d as bigint) = 1\"").await;
        let seen = rows(&world.run(&stranger(), "SELECT d FROM ops.d").await.unwrap());
        let all = decimals(ALL).await;
        let whole = rows(&all.run(&stranger(), "SELECT d, CAST(d AS BIGINT) i FROM ops.d").await.unwrap());
        let wanted: Vec<String> = whole.iter().filter_map(|r| r.strip_suffix("|1")).map(str::to_owned).collect();
        assert!(wanted.len() > 1 && seen == wanted, "{seen:?} {wanted:?}");
    });
}

#[test]
fn a_06_filters_of_aggregates_count_over_statistics() {
    deep(|| async {
        let world = World::new(ALL, Source::Memory, 30).await;
        for (sql, wanted) in [
            ("SELECT sum(c) FILTER (WHERE c < 100) FROM (SELECT count(*) c FROM ops.t)", "∅"),
            ("SELECT count(*) FILTER (WHERE c > 100) FROM (SELECT count(*) c FROM ops.t)", "1"),
            ("SELECT count(*) FILTER (WHERE c < 100) FROM (SELECT count(*) c FROM ops.t)", "0"),
            ("SELECT sum(c) FILTER (WHERE c < 2) FROM (SELECT count(*) c FROM (VALUES (1), (2), (3)) v(x))", "∅"),
            ("SELECT count(*) FILTER (WHERE x > 1) FROM (VALUES (1), (2), (3)) v(x)", "2"),
            ("SELECT max(x) FILTER (WHERE x < 3) FROM (VALUES (1), (2), (3)) v(x)", "2"),
            ("SELECT count(*) FROM ops.t", "2000"),
        ] {
            assert_eq!(rows(&world.run(&stranger(), sql).await.unwrap()), [wanted], "{sql}");
        }
    });
}

#[test]
fn c_01_equal_questions_read_equal_and_others_do_not() {
    deep(|| async {
        let world = World::new(ALL, Source::Memory, 30).await;
        let plan = async |sql: &str| {
            let plan = world.plan(&stranger(), sql).await.unwrap();
            (plan.logical.display_indent_schema().to_string(), plan.volatile)
        };
        for (a, b) in [
            ("SELECT 1", "select  1"),
            ("SELECT id FROM ops.t WHERE id > 3", "select\n  ID\nfrom OPS.T\n-- a remark\nwhere id>3"),
            ("SELECT id FROM ops.t WHERE id > 1 + 2", "SELECT id FROM ops.t WHERE id > 3"),
        ] {
            assert_eq!(plan(a).await, plan(b).await, "{a} | {b}");
        }
        for (a, b) in [
            ("SELECT 1", "SELECT 2"),
            ("SELECT 1", "SELECT '1'"),
            ("SELECT CAST(amount AS DECIMAL(10,2)) x FROM ops.t", "SELECT CAST(amount AS DECIMAL(10,3)) x FROM ops.t"),
            ("SELECT id FROM ops.t LIMIT 1", "SELECT id FROM ops.t LIMIT 2"),
        ] {
            assert_ne!(plan(a).await, plan(b).await, "{a} | {b}");
        }
        for (sql, volatile) in [
            ("SELECT now()", true),
            ("SELECT current_date", true),
            ("SELECT random() FROM ops.t", true),
            ("SELECT uuid()", true),
            ("SELECT id FROM ops.t WHERE id IN (SELECT CAST(random() AS INT))", true),
            ("SELECT max(id) FROM ops.t", false),
            ("SELECT upper(region) FROM ops.t", false),
        ] {
            assert_eq!(plan(sql).await.1, volatile, "{sql}");
        }
    });
}

#[test]
fn parameters_enter_as_values_never_as_text() {
    deep(|| async {
        let world = World::new(ALL, Source::Memory, 30).await;
        let run = async |sql: &str, params: serde_json::Value| {
            let plan = world.plan_with(&stranger(), sql, params.as_object().unwrap()).await?;
            let physical = plan.physical().await?;
            let done = datafusion::physical_plan::collect(physical, plan.task_context()).await;
            done.map(|b| rows(&b).join(" ")).map_err(lake::govern::execution_error)
        };
        for (sql, params, wanted) in [
            ("SELECT count(*) FROM ops.t WHERE id < $n", serde_json::json!({"n": 10}), "10"),
            ("SELECT count(*) FROM ops.t WHERE id < $1 AND region = $2", serde_json::json!({"1": 200, "2": "a"}), "60"),
            ("SELECT count(*) FROM ops.t WHERE region = $r", serde_json::json!({"r": "a' OR '1'='1"}), "0"),
            ("SELECT $x", serde_json::json!({"x": "it's"}), "it's"),
            ("SELECT count(*) FROM ops.t WHERE region = $r", serde_json::json!({"r": null}), "0"),
            ("SELECT $f + 0.5", serde_json::json!({"f": 1.5}), "2.0"),
        ] {
            assert_eq!(run(sql, params).await.map_err(|e| format!("{e:?}")).as_deref(), Ok(wanted), "{sql}");
        }
        for params in [serde_json::json!({}), serde_json::json!({"y": 1}), serde_json::json!({"n": [1]})] {
            assert!(run("SELECT $n", params).await.is_err());
        }
    });
}

#[test]
fn equal_steps_in_a_row_are_all_taken_or_refused() {
    deep(|| async {
        let world = World::new(ALL, Source::Memory, 30).await;
        let steps = |alias: fn(usize) -> String| {
            (0..4).fold("SELECT 3 AS x".to_owned(), |q, i| format!("SELECT x * x % 1000 AS x FROM ({q}){}", alias(i)))
        };
        let named = steps(|i| format!(" AS q{i}"));
        // 3, 9, 81, 561, 721
        assert_eq!(rows(&world.run(&stranger(), &named).await.unwrap()), ["721"]);
        let e = world.plan(&stranger(), &steps(|_| String::new())).await.unwrap_err();
        assert!(e.to_string().contains("alias"), "{e}");
        let twice = "SELECT id + 1 AS id FROM (SELECT id + 1 AS id FROM ops.t WHERE id = 5)";
        assert_eq!(rows(&world.run(&stranger(), twice).await.unwrap()), ["7"]);
    });
}
