//! Names: hidden and absent read the same, and no spelling reaches a dataset past the policy on its name.

use super::world::*;

/// The error of reading a name, as staff of another world and as a stranger.
fn message(sql: &'static str) -> String {
    deep(move || async move {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        match world.plan(&stranger(), sql).await {
            Ok(_) => panic!("{sql} was planned"),
            Err(e) => format!("{} {e}", e.code()),
        }
    })
}

#[test]
fn a_11_hidden_and_absent_read_the_same() {
    // `ops.t` is there and hidden from the stranger, `ops.u` is nowhere.
    for (hidden, absent) in [
        ("SELECT count(*) FROM ops.t", "SELECT count(*) FROM ops.u"),
        ("SELECT count(*) FROM OPS.T", "SELECT count(*) FROM OPS.U"),
        (
            "SELECT x FROM ref.o WHERE x IN (SELECT id FROM ops.t)",
            "SELECT x FROM ref.o WHERE x IN (SELECT id FROM ops.u)",
        ),
        ("SELECT secret FROM ops.t t", "SELECT secret FROM ops.u t"),
        ("WITH ops AS (SELECT 1) SELECT * FROM ops.t", "WITH ops AS (SELECT 1) SELECT * FROM ops.u"),
    ] {
        assert_eq!(message(hidden), message(absent).replace("ops.u", "ops.t"), "{hidden}");
        assert_eq!(message(hidden), "not_found no such dataset: ops.t");
    }
}

#[test]
fn a_11_other_spellings_reach_nothing() {
    for (sql, shown) in [
        ("SELECT * FROM \"ops.t\"", "\"ops.t\""),
        ("SELECT * FROM \"OPS\".\"T\"", "\"OPS\".\"T\""),
        ("SELECT * FROM \"ops\".\"t \"", "ops.\"t \""),
        ("SELECT * FROM \"ops\".\"t\u{200b}\"", "ops.\"t\u{200b}\""),
        ("SELECT * FROM \"ops\".\"ｔ\"", "ops.\"ｔ\""),
        ("SELECT * FROM lake.ops.t", "lake.ops.t"),
        ("SELECT * FROM \"lake\".\"-\".t", "lake.\"-\".t"),
        ("SELECT * FROM t", "t"),
        ("SELECT * FROM ops.\"t.id\"", "ops.\"t.id\""),
        ("SELECT * FROM ops.\"../ref/o\"", "ops.\"../ref/o\""),
    ] {
        let e = deep(move || async move {
            let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
            // Staff may read `ops.t` itself.
            world.plan(&analyst(), sql).await.unwrap_err()
        });
        assert_eq!(e.to_string(), format!("no such dataset: {shown}"), "{sql}");
    }
}

#[test]
fn a_11_case_and_quotes_of_a_granted_name_do_not_matter() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        for sql in
            ["SELECT count(*) FROM OPS.T", "select count(*) from \"ops\".\"t\"", "SELECT count(*) FROM Ops.t AS x"]
        {
            assert_eq!(rows(&world.run(&partner(), sql).await.unwrap()), ["600"], "{sql}");
        }
    });
}

#[test]
fn a_03_errors_name_no_hidden_column() {
    deep(|| async {
        let policy = "[[grant]]\nto = [\"group:partners\"]\non = [\"ops.t\"]\nexcept = [\"secret\"]\n";
        let world = World::new(policy, Source::Memory, 30).await;
        let columns = world.run(&partner(), "SELECT * FROM ops.t LIMIT 1").await.unwrap();
        assert_eq!(columns[0].schema().fields().len(), 3);
        for (sql, asked) in [
            ("SELECT secret FROM ops.t", "secret"),
            ("SELECT secre FROM ops.t", "secre"),
            ("SELECT nothing FROM ops.t", "nothing"),
            ("SELECT t.secret FROM ops.t", "t.secret"),
            ("SELECT id FROM ops.t WHERE secret = 'x'", "secret"),
            ("SELECT id FROM ops.t ORDER BY secret", "secret"),
        ] {
            let e = world.plan(&partner(), sql).await.unwrap_err();
            assert_eq!(e.to_string(), format!("there is no column `{asked}`"), "{sql}");
            let lake::LakeError::InvalidSql { hint, .. } = e else { panic!() };
            assert!(hint.is_none_or(|h| !h.contains("secret")), "{sql}");
        }
    });
}
