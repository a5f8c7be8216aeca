//! Masks that compute: buckets, constants, expressions; which of several decides, and what a failing one tells.

use arrow::{
    array::{Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
};
use datafusion::{datasource::MemTable, execution::context::SessionConfig};
use std::sync::Arc;

use super::world::*;

const SECRET: &str = "4711-secret";

async fn world(policy: &str) -> World {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8View, true),
        Field::new("pay", DataType::Int64, true),
        Field::new("rate", DataType::Float64, true),
        Field::new("born", DataType::Date32, true),
        Field::new("seen", time, true),
    ]));
    let names = StringArray::from(vec![Some("ada"), Some(SECRET), None, Some("zoë")]);
    let names = arrow::compute::cast(&names, &DataType::Utf8View).unwrap();
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from(vec![1, 2, 3, 4])),
            names,
            Arc::new(Int64Array::from(vec![Some(1999), Some(-1), None, Some(0)])),
            Arc::new(Float64Array::from(vec![0.3, -0.3, f64::NAN, 2.0])),
            Arc::new(Date32Array::from(vec![15_842, -1, 2_932_896, 0])),
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_368_785_045_000_001), Some(-1), None, Some(0)])),
        ],
    )
    .unwrap();
    let table = Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap());
    World::over(policy, SessionConfig::new(), [(name("ops.t"), table as _)].into()).await
}

fn masked(mask: &str) -> String {
    format!("[[grant]]\nto = [\"*\"]\non = [\"ops.t\"]\nmask = {{ {mask} }}\n")
}

async fn ask(world: &World, sql: &str) -> Vec<String> {
    rows(&world.run(&stranger(), sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")))
}

#[test]
fn a_07_each_mask_shows_what_it_says_everywhere() {
    deep(|| async {
        for (mask, sql, wanted) in [
            ("pay = \"bucket(1000)\"", "SELECT pay FROM ops.t", &["-1000", "0", "1000", "∅"] as &[&str]),
            ("pay = \"bucket(1000)\"", "SELECT count(*) FROM ops.t WHERE pay = 1999", &["0"]),
            ("pay = \"bucket(1000)\"", "SELECT sum(pay), max(pay) FROM ops.t", &["0|1000"]),
            ("rate = \"bucket(0.25)\"", "SELECT rate FROM ops.t", &["-0.5", "0.25", "2.0", "∅"]),
            (
                "born = \"bucket(month)\"",
                "SELECT born FROM ops.t",
                &["1969-12-01", "1970-01-01", "2013-05-01", "9999-12-01"],
            ),
            (
                "born = \"bucket(quarter)\"",
                "SELECT born FROM ops.t",
                &["1969-10-01", "1970-01-01", "2013-04-01", "9999-10-01"],
            ),
            ("born = \"year\"", "SELECT born FROM ops.t", &["1969-01-01", "1970-01-01", "2013-01-01", "9999-01-01"]),
            (
                "seen = \"bucket(month)\"",
                "SELECT seen FROM ops.t",
                &["1969-12-01T00:00:00", "1970-01-01T00:00:00", "2013-05-01T00:00:00", "∅"],
            ),
            ("name = \"constant('n/a')\"", "SELECT DISTINCT name FROM ops.t", &["n/a"]),
            ("pay = \"constant('-7')\"", "SELECT sum(pay) FROM ops.t", &["-28"]),
            ("name = \"sql(left(upper(name), 1) || '…')\"", "SELECT name FROM ops.t", &["4…", "A…", "Z…", "∅"]),
            ("name = \"sql(left(upper(name), 1) || '…')\"", "SELECT id FROM ops.t WHERE name = 'A…'", &["1"]),
            ("name = \"sql(left(upper(name), 1) || '…')\"", "SELECT id FROM ops.t WHERE name = 'ada'", &[]),
            ("name = \"sql(length(name))\"", "SELECT max(name) FROM ops.t", &["11"]),
            (
                "pay = \"sql(case when pay > 1000 then 'high' else 'low' end)\"",
                "SELECT count(*) FROM ops.t WHERE pay = 'high'",
                &["1"],
            ),
        ] {
            let world = world(&masked(mask)).await;
            assert_eq!(ask(&world, sql).await, wanted, "{mask}: {sql}");
        }
    });
}

#[test]
fn a_02_an_expression_that_fails_for_a_value_shows_null_and_fails_no_query() {
    deep(|| async {
        for (mask, sql, wanted) in [
            (
                "name = \"sql(cast(name as int))\"",
                "SELECT id, name FROM ops.t",
                &["1|∅", "2|∅", "3|∅", "4|∅"] as &[&str],
            ),
            ("pay = \"sql(10 / pay)\"", "SELECT id, pay FROM ops.t", &["1|0", "2|-10", "3|∅", "4|∅"]),
            ("name = \"sql(repeat(name, 100000000))\"", "SELECT count(name) FROM ops.t", &["0"]),
            ("pay = \"sql(lpad('x', pay * 1000000, 'y'))\"", "SELECT count(pay) FROM ops.t", &["1"]),
        ] {
            let world = world(&masked(mask)).await;
            assert_eq!(ask(&world, sql).await, wanted, "{mask}");
            // The person's own mistakes are told; never what is masked.
            let e = world.run(&stranger(), "SELECT 1 / (id - 1), pay FROM ops.t").await.unwrap_err();
            assert!(!e.to_string().contains(SECRET) && e.to_string().contains("ivide"), "{e}");
            if mask.starts_with("name") {
                for sql in ["SELECT name FROM ops.t", "SELECT max(name) FROM ops.t WHERE name IS NOT NULL"] {
                    let shown = format!("{:?}", world.run(&stranger(), sql).await);
                    assert!(!shown.contains(SECRET), "{mask} {sql}: {shown}");
                }
            }
        }
        // Control: the same expression over the value itself fails and names it.
        let world = world("[[grant]]\nto = [\"*\"]\non = [\"*\"]").await;
        let e = world.run(&stranger(), "SELECT cast(name as int) FROM ops.t WHERE id = 2").await.unwrap_err();
        assert!(e.to_string().contains(SECRET), "{e}");
    });
}

#[test]
fn of_several_masks_the_one_that_shows_more_decides_row_by_row() {
    deep(|| async {
        let grant = |rows: &str, mask: &str| {
            format!("[[grant]]\nto = [\"*\"]\non = [\"ops.t\"]\nrows = {rows:?}\nmask = {{ {mask} }}\n")
        };
        for (grants, sql, wanted) in [
            (
                [("id < 4", "pay = \"bucket(1000)\""), ("id = 1", "pay = \"bucket(10)\"")],
                "SELECT id, pay FROM ops.t",
                &["1|1990", "2|-1000", "3|∅"] as &[&str],
            ),
            (
                [("id < 3", "pay = \"null\""), ("id = 2", "pay = \"constant('5')\"")],
                "SELECT id, pay FROM ops.t",
                &["1|∅", "2|5"],
            ),
            (
                [("id < 3", "name = \"hash\""), ("id = 1", "name = \"sql(left(name, 1))\"")],
                "SELECT id, length(name) FROM ops.t",
                &["1|1", "2|16"],
            ),
            // Of two types text is made.
            (
                [("id < 3", "pay = \"redact\""), ("id = 1", "pay = \"bucket(1000)\"")],
                "SELECT id, pay FROM ops.t",
                &["1|1000", "2|•••"],
            ),
            (
                [("id = 1", "name = \"sql(character_length(name))\""), ("id = 2", "name = \"last4\"")],
                "SELECT id, name FROM ops.t",
                &["1|3", "2|•••cret"],
            ),
        ] {
            for turn in [false, true] {
                let mut texts: Vec<String> = grants.iter().map(|(rows, mask)| grant(rows, mask)).collect();
                if turn {
                    texts.reverse();
                }
                let world = world(&texts.concat()).await;
                assert_eq!(ask(&world, sql).await, wanted, "{grants:?} {turn}");
            }
        }
    });
}

#[test]
fn c_03_masks_that_differ_by_a_parameter_have_other_fingerprints() {
    deep(|| async {
        let mut prints = std::collections::BTreeSet::new();
        let masks = [
            "amount = \"bucket(10)\"",
            "amount = \"bucket(20)\"",
            "amount = \"constant('1')\"",
            "amount = \"constant('2')\"",
            "amount = \"sql(amount + 1)\"",
            "amount = \"sql(amount + 2)\"",
            "secret = \"sql(upper(secret))\"",
            "region = \"sql(upper(region))\"",
        ];
        for mask in masks {
            let access = policies(&masked(mask)).await;
            let access = access.access(&stranger(), &name("ops.t"), &schema(), chrono::Utc::now()).await.unwrap();
            prints.insert(access.unwrap().fingerprint);
        }
        assert_eq!(prints.len(), masks.len());
    });
}
