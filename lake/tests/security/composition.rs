//! Several grants at once, against a model that applies them cell by cell in plain Rust; and what the notes say.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arrow::{
    array::{Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use chrono::Utc;
use datafusion::{datasource::MemTable, execution::context::SessionConfig};
use lake::policy::Policies;
use proptest::{prelude::*, test_runner::TestRunner};

use super::world::*;

/// A row: id, region, secret, amount.
type Row = (i32, Option<&'static str>, Option<&'static str>, i32);

/// A grant of the model.
#[derive(Debug, Clone)]
struct Given {
    filter: Option<usize>,
    except: Vec<&'static str>,
    mask: BTreeMap<&'static str, &'static str>,
}

const COLUMNS: [&str; 4] = ["id", "region", "secret", "amount"];

/// A filter in Rust; `None` is SQL's unknown.
type Holds = fn(&Row) -> Option<bool>;

/// Filters as SQL and as Rust.
const PREDICATES: [(&str, Holds); 5] = [
    ("region = 'a'", |r| r.1.map(|x| x == "a")),
    ("region in ('a', 'b')", |r| r.1.map(|x| x == "a" || x == "b")),
    ("amount < 3", |r| Some(r.3 < 3)),
    ("secret is null or amount = 4", |r| Some(r.2.is_none() || r.3 == 4)),
    ("not (region = 'b')", |r| r.1.map(|x| x != "b")),
];

fn holds(g: &Given, row: &Row) -> bool {
    g.filter.is_none_or(|f| PREDICATES[f].1(row) == Some(true))
}

fn cell(row: &Row, column: &str) -> String {
    let text = |s: Option<&str>| s.map_or_else(|| "∅".to_owned(), str::to_owned);
    match column {
        "id" => row.0.to_string(),
        "region" => text(row.1),
        "secret" => text(row.2),
        _ => row.3.to_string(),
    }
}

/// What the grants show, straight from the rule: a cell when one grant gives its row and its column.
fn model(grants: &[Given], rows: &[Row]) -> (Vec<&'static str>, Vec<String>) {
    let useful: Vec<&Given> = grants.iter().filter(|g| g.except.len() < COLUMNS.len()).collect();
    let columns: Vec<&str> = COLUMNS.into_iter().filter(|c| useful.iter().any(|g| !g.except.contains(c))).collect();
    let shown = rows.iter().filter(|r| useful.iter().any(|g| holds(g, r)));
    let mut lines: Vec<String> = shown
        .map(|r| {
            let cells = columns.iter().map(|c| {
                let giving = useful.iter().filter(|g| holds(g, r) && !g.except.contains(c));
                let masks: Vec<Option<&str>> = giving.map(|g| g.mask.get(c).copied()).collect();
                if masks.contains(&None) {
                    cell(r, c)
                } else if masks.contains(&Some("redact")) {
                    "•••".to_owned()
                } else {
                    "∅".to_owned()
                }
            });
            cells.collect::<Vec<_>>().join("|")
        })
        .collect();
    lines.sort();
    (columns, lines)
}

fn policy(grants: &[Given]) -> String {
    let quoted = |l: &[&str]| l.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(", ");
    let one = |g: &Given| {
        let rows = g.filter.map(|f| format!("rows = {:?}\n", PREDICATES[f].0)).unwrap_or_default();
        let masks: Vec<String> = g.mask.iter().map(|(c, m)| format!("{c} = {m:?}")).collect();
        format!(
            "[[grant]]\nto = [\"*\"]\non = [\"ops.t\"]\n{rows}except = [{}]\nmask = {{ {} }}\n",
            quoted(&g.except),
            masks.join(", ")
        )
    };
    grants.iter().map(one).collect()
}

fn table(rows: &[Row]) -> Arc<MemTable> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int32, false),
        Field::new("region", DataType::Utf8, true),
        Field::new("secret", DataType::Utf8, true),
        Field::new("amount", DataType::Int32, false),
    ]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(rows.iter().map(|r| Some(r.0)).collect::<Int32Array>()),
            Arc::new(rows.iter().map(|r| r.1).collect::<StringArray>()),
            Arc::new(rows.iter().map(|r| r.2).collect::<StringArray>()),
            Arc::new(rows.iter().map(|r| Some(r.3)).collect::<Int32Array>()),
        ],
    );
    Arc::new(MemTable::try_new(schema, vec![vec![batch.unwrap()]]).unwrap())
}

fn grants() -> impl Strategy<Value = Vec<Given>> {
    let columns = || proptest::sample::subsequence(COLUMNS.to_vec(), 0..=4);
    let masks = || {
        (proptest::sample::subsequence(COLUMNS.to_vec(), 0..=2), proptest::bool::ANY)
            .prop_map(|(c, redact)| c.into_iter().map(|c| (c, if redact { "redact" } else { "null" })).collect())
    };
    let one = (proptest::option::of(0..PREDICATES.len()), columns(), masks())
        .prop_map(|(filter, except, mask)| Given { filter, except, mask });
    proptest::collection::vec(one, 1..=4)
}

fn data() -> impl Strategy<Value = Vec<Row>> {
    let text = |values: &'static [&'static str]| proptest::option::of(proptest::sample::select(values));
    let row = (text(&["a", "b", "c"]), text(&["s1", "s2"]), 0..6i32);
    proptest::collection::vec(row, 0..12)
        .prop_map(|rows| rows.into_iter().enumerate().map(|(i, (r, s, a))| (i as i32, r, s, a)).collect())
}

#[test]
fn a_04_a_cell_shows_exactly_when_one_grant_gives_its_row_and_column() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() });
    let result = runner.run(&(grants(), data()), |(grants, rows_)| {
        let (columns, wanted) = model(&grants, &rows_);
        let text = policy(&grants);
        let has = deep(move || async move {
            let world = World::over(&text, SessionConfig::new(), [(name("ops.t"), table(&rows_) as _)].into()).await;
            world.run(&stranger(), "SELECT * FROM ops.t").await.map(|b| {
                let columns: Vec<String> = b
                    .first()
                    .map(|b| b.schema().fields().iter().map(|f| f.name().clone()).collect())
                    .unwrap_or_default();
                (columns, rows(&b))
            })
        });
        match has {
            Ok((names, has)) => {
                prop_assert!(names.is_empty() || names == columns, "{:?} {:?}", names, columns);
                prop_assert_eq!(has, wanted, "{}", policy(&grants));
            }
            Err(e) => prop_assert!(columns.is_empty() && e.code() == "not_found", "{:?}\n{}", e, policy(&grants)),
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

#[test]
fn notes_say_in_words_what_a_person_sees() {
    deep(|| async {
        let policies = policies(
            r#"
[[grant]]
to = ["group:one"]
on = ["ops.t"]
rows = "region = claim('region')"
except = ["amount"]
mask = { secret = "hash" }
[[grant]]
to = ["group:two"]
on = ["ops.t"]
may = ["read", "upload"]
rows = "amount < 10"
"#,
        )
        .await;
        let note = async |groups: &[&str], regions: &[&str]| {
            let who = person("x", groups, &[("region", regions)]);
            policies.access(&who, &name("ops.t"), &schema(), Utc::now()).await.unwrap().unwrap().note
        };
        let one = note(&["one"], &["a"]).await;
        assert_eq!(one.rows.as_deref(), Some("region = 'a'"));
        assert_eq!(one.masks, [("secret".to_owned(), "hashed".to_owned())]);
        assert!(one.columns_hidden && !one.may_upload && !one.may_own);
        assert_eq!(note(&["one"], &["b", "a"]).await.rows.as_deref(), Some("region IN ('a', 'b')"));
        let two = note(&["two"], &[]).await;
        assert_eq!((two.rows.as_deref(), two.masks.len(), two.columns_hidden), (Some("amount < 10"), 0, false));
        assert!(two.may_upload);
        let both = note(&["one", "two"], &["a"]).await;
        // `amount` is hidden in some rows, so the words do not say what is asked of it.
        assert_eq!(both.rows.as_deref(), Some("a condition on columns that are hidden from you"), "{both:?}");
        assert_eq!(both.masks[0], ("secret".to_owned(), "hashed in some rows".to_owned()));
    });
}

#[test]
fn c_03_the_same_effective_policy_has_one_fingerprint_and_any_change_another() {
    deep(|| async {
        let policies = policies(
            "[[grant]]\nto = [\"group:p\"]\non = [\"ops.t\"]\nrows = \"region = claim('region')\"\n\
             [[grant]]\nto = [\"group:q\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\n\
             [[grant]]\nto = [\"group:m\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\nmask = { secret = \"null\" }\n\
             [[grant]]\nto = [\"group:m2\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\nmask = { secret = \"redact\" }\n\
             [[grant]]\nto = [\"group:m3\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\nmask = { amount = \"null\" }\n\
             [[grant]]\nto = [\"group:c\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\nexcept = [\"secret\"]\n\
             [[grant]]\nto = [\"group:c2\"]\non = [\"ops.t\"]\nrows = \"region = 'a'\"\nexcept = [\"amount\"]\n\
             [[grant]]\nto = [\"group:all\"]\non = [\"*\"]\n",
        )
        .await;
        let print = async |subject: &str, group: &str, regions: &[&str]| {
            let who = person(subject, &[group], &[("region", regions)]);
            policies.access(&who, &name("ops.t"), &schema(), Utc::now()).await.unwrap().unwrap().fingerprint
        };
        let a = print("kim", "p", &["a"]).await;
        assert_eq!(a, print("lee", "p", &["a"]).await);
        assert_eq!(a, print("lee", "q", &["zz"]).await);
        assert_eq!(print("lee", "p", &["a", "b"]).await, print("lee", "p", &["b", "a", "b"]).await);
        let others = [
            a,
            print("kim", "p", &["b"]).await,
            print("kim", "p", &["a", "b"]).await,
            print("kim", "m", &[]).await,
            print("kim", "m2", &[]).await,
            print("kim", "m3", &[]).await,
            print("kim", "c", &[]).await,
            print("kim", "c2", &[]).await,
            print("kim", "all", &[]).await,
        ];
        for (i, x) in others.iter().enumerate() {
            assert!(others.iter().skip(i + 1).all(|y| x != y), "{i}");
        }
        // Hashes under an old secret are not shown again; without a mask the secret has no part in what one sees.
        let text = "[[grant]]\nto = [\"group:h\"]\non = [\"ops.t\"]\nmask = { secret = \"hash\" }\n\
                    [[grant]]\nto = [\"group:all\"]\non = [\"*\"]\n";
        let under = async |secret: u8, group: &str| {
            let policies = Policies::open(store(text).await, Duration::ZERO, vec![secret; 32]).await.unwrap();
            let who = person("kim", &[group], &[]);
            policies.access(&who, &name("ops.t"), &schema(), Utc::now()).await.unwrap().unwrap().fingerprint
        };
        assert_ne!(under(1, "h").await, under(2, "h").await);
        assert_eq!(under(1, "h").await, under(1, "h").await);
        assert_eq!(under(1, "all").await, under(2, "all").await);
    });
}

#[test]
fn a_misspelt_column_denies_and_is_found() {
    deep(|| async {
        let text = "stewards = [\"group:s\"]\n[[grant]]\nto = [\"*\"]\non = [\"ops.t\"]\nmask = { secrte = \"hash\" }\n\
                    [[grant]]\nto = [\"*\"]\non = [\"ops.t\"]\nrows = \"\"\"\nregoin = 'a'\"\"\"\n\
                    [[grant]]\nto = [\"*\"]\non = [\"ops.gone\"]\n";
        let policies = policies(text).await;
        assert!(policies.access(&stranger(), &name("ops.t"), &schema(), Utc::now()).await.unwrap().is_none());
        let found = lake::policy::check(text, &[(name("ops.t"), schema())]);
        let lines: Vec<(u64, bool)> = found.iter().map(|f| (f.line, f.error)).collect();
        assert_eq!(lines, [(5, true), (9, true), (13, false)], "{found:#?}");
        assert!(found[0].to_string().starts_with("policy.toml:5:19: "), "{}", found[0]);
    });
}
