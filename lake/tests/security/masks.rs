//! Masked columns: every part of a query sees the mask, and nothing the value.

use super::world::*;

const POLICY: &str = r#"
[[grant]]
to = ["*"]
on = ["ref.*"]
[[grant]]
to = ["group:partners"]
on = ["ops.t"]
rows = "region = 'a'"
mask = { secret = "hash", amount = "null" }
[[grant]]
to = ["group:staff"]
on = ["*"]
"#;

async fn one(world: &World, sql: &str) -> String {
    let batches = world.run(&partner(), sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows(&batches).join(" ")
}

fn check(sql: &'static str, wanted: &'static str) {
    for source in SOURCES {
        let has = deep(move || async move { one(&World::new(POLICY, source, 30).await, sql).await });
        assert_eq!(has, wanted, "{source:?}: {sql}");
    }
}

#[test]
fn a_07_predicates_joins_groups_and_orders_see_the_mask() {
    check("SELECT count(*) FROM ops.t WHERE secret = '123'", "0");
    check("SELECT count(*) FROM ops.t WHERE secret LIKE '1%' AND length(secret) = 3", "0");
    check("SELECT count(*) FROM ops.t JOIN ref.s ON t.secret = s.k", "0");
    check("SELECT count(*) FROM ops.t WHERE secret IN (SELECT k FROM ref.s)", "0");
    check("SELECT count(*) FROM ops.t WHERE amount > 0", "0");
    check("SELECT min(amount), max(amount), sum(amount), count(amount) FROM ops.t", "∅|∅|∅|0");
    check("SELECT count(distinct secret), max(length(secret)) FROM ops.t", "1|16");
    check("SELECT amount, count(*) FROM ops.t GROUP BY amount", "∅|600");
    check("SELECT count(*) FROM ops.t WHERE amount IS NULL", "600");
    check("SELECT id FROM ops.t ORDER BY amount, id DESC LIMIT 1", "1929");
    check("SELECT count(*) FROM ops.t a JOIN ops.t b ON a.secret = b.secret WHERE a.id = 0 AND b.id < 10", "10");
    check("SELECT CASE WHEN secret = '123' THEN 'shown' ELSE 'masked' END FROM ops.t WHERE id = 1", "masked");
    check("SELECT count(*) FROM ops.t WHERE CAST(amount AS VARCHAR) = '1'", "0");
}

#[test]
fn a_07_control_staff_see_the_values() {
    deep(|| async {
        let world = World::new(POLICY, Source::Memory, 30).await;
        let batches = world.run(&analyst(), "SELECT count(*), max(amount) FROM ops.t WHERE secret = '123'").await;
        assert_eq!(rows(&batches.unwrap()), ["600|429"]);
    });
}

#[test]
fn a_07_the_mask_is_not_evaluated_on_hidden_rows() {
    deep(|| async {
        for source in SOURCES {
            for percent in [10, 30, 100] {
                let world = World::new(POLICY, source, percent).await;
                let hashed = one(&world, "SELECT DISTINCT secret FROM ops.t").await;
                assert_eq!(hashed.len(), 16, "{source:?} {percent}: {hashed}");
                assert!(hashed.bytes().all(|b| b.is_ascii_hexdigit()), "{hashed}");
            }
        }
    });
}

#[test]
fn hashes_are_keyed_by_the_lake_and_keep_null() {
    deep(|| async {
        let policy = POLICY.replace("secret = \"hash\"", "region = \"hash\"");
        let hashed = one(&World::new(&policy, Source::Memory, 30).await, "SELECT DISTINCT region FROM ops.t").await;
        // SHA-256 of `a` without a key begins so.
        assert!(hashed.len() == 16 && hashed != "ca978112ca1bbdca", "{hashed}");
        let all = "[[grant]]\nto = [\"*\"]\non = [\"*\"]\nmask = { region = \"hash\" }";
        let world = World::new(all, Source::Memory, 30).await;
        assert_ne!(one(&world, "SELECT count(*) FROM ops.t WHERE region IS NULL").await, "0");
    });
}

#[test]
fn each_mask_shows_what_it_says() {
    deep(|| async {
        for (mask, sql, wanted) in [
            ("secret = \"redact\"", "SELECT DISTINCT secret FROM ops.t", "•••"),
            ("secret = \"last4\"", "SELECT DISTINCT secret FROM ops.t", "••• •••et-b"),
            ("secret = \"null\"", "SELECT DISTINCT secret FROM ops.t", "∅"),
            ("id = \"last4\"", "SELECT max(id) FROM ops.t", "•••"),
            ("id = \"redact\"", "SELECT DISTINCT id FROM ops.t", "•••"),
        ] {
            let policy = format!("[[grant]]\nto = [\"*\"]\non = [\"*\"]\nmask = {{ {mask} }}");
            let world = World::new(&policy, Source::Parquet, 30).await;
            assert_eq!(one(&world, sql).await, wanted, "{mask}");
        }
    });
}
