//! What a text may ask: one query of listed parts and functions.

use super::world::*;

fn check(sql: &'static str, code: &str, part: &str) {
    let e = deep(move || async move {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        // Staff see everything, so that nothing but the statement itself can be at fault.
        match world.plan(&analyst(), sql).await {
            Ok(plan) => panic!("{sql} was planned: {}", plan.logical.display_indent()),
            Err(e) => e,
        }
    });
    assert_eq!(e.code(), code, "{sql}: {e:?}");
    assert!(e.to_string().to_lowercase().contains(&part.to_lowercase()), "{sql}: {e}");
}

#[test]
fn s_01_only_one_query_is_possible() {
    for (sql, part) in [
        ("", "no query"),
        (";", "no query"),
        ("SELECT 1; SELECT 2", "one query"),
        ("SELECT 1; DROP TABLE ops.t", "one query"),
        ("INSERT INTO ops.t VALUES (1,'a','x',1)", "insert"),
        ("UPDATE ops.t SET amount = 1", "update"),
        ("DELETE FROM ops.t", "delete"),
        ("TRUNCATE TABLE ops.t", "truncate"),
        ("MERGE INTO ops.t USING ref.o ON t.id = o.x WHEN MATCHED THEN DELETE", "merge"),
        ("CREATE TABLE x AS SELECT 1", "create"),
        ("CREATE VIEW x AS SELECT 1", "create"),
        ("CREATE EXTERNAL TABLE e STORED AS CSV LOCATION '/etc/passwd'", "create"),
        ("CREATE FUNCTION f(int) RETURNS int RETURN $1", "create"),
        ("CREATE SCHEMA x", "create"),
        ("DROP TABLE ops.t", "drop"),
        ("ALTER TABLE ops.t ADD COLUMN x INT", "alter"),
        ("COPY (SELECT 1) TO 'x.csv'", "copy"),
        ("COPY ops.t TO '/tmp/x.parquet'", "copy"),
        ("SET datafusion.execution.parquet.pushdown_filters = false", "set"),
        ("RESET datafusion.execution.batch_size", "reset"),
        ("SHOW TABLES", "show"),
        ("SHOW COLUMNS FROM ops.t", "show"),
        ("SHOW CREATE TABLE ops.t", "show"),
        ("SHOW ALL", "show"),
        ("DESCRIBE ops.t", "explain"),
        ("PREPARE p AS SELECT 1", "prepare"),
        ("EXECUTE p(1)", "execute"),
        ("DEALLOCATE p", "deallocate"),
        ("BEGIN", "begin"),
        ("START TRANSACTION", "start"),
        ("COMMIT", "commit"),
        ("ROLLBACK", "rollback"),
        ("USE ops", "use"),
        ("CALL f()", "call"),
        ("GRANT SELECT ON ops.t TO x", "grant"),
        ("ANALYZE TABLE ops.t", "analyze"),
        ("KILL 1", "kill"),
        ("WITH x AS (INSERT INTO ops.t VALUES (1,'a','x',1) RETURNING id) SELECT * FROM x", "insert"),
        ("WITH x AS (DELETE FROM ops.t RETURNING id) SELECT * FROM x", "delete"),
        ("WITH x AS (UPDATE ops.t SET amount = 1 RETURNING id) SELECT * FROM x", "update"),
        ("SELECT 1 INTO x", "into"),
        ("SELECT * INTO TEMPORARY x FROM ops.t", "into"),
        ("SELECT * FROM ops.t FOR UPDATE", "for update"),
        ("SELECT * FROM ops.t FOR SHARE", "for"),
        ("WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n+1 FROM r) SELECT * FROM r", "recursive"),
        ("SELECT * FROM ops.t TABLESAMPLE BERNOULLI (10)", "sample"),
        ("SELECT * FROM ops.t |> WHERE id = 1", "pipe"),
        ("TABLE ops.t", ""),
    ] {
        check(sql, "invalid_sql", part);
    }
}

#[test]
fn s_02_functions_that_are_not_listed_cannot_be_called() {
    for sql in [
        "SELECT version()",
        "SELECT input_file_name() FROM ops.t",
        "SELECT file_row_index() FROM ops.t",
        "SELECT arrow_metadata(id) FROM ops.t",
        "SELECT arrow_cast(id, 'Utf8') FROM ops.t",
        "SELECT generate_series(1, 1000000000)",
        "SELECT range(1, 1000000000)",
        "SELECT array_repeat(1, 1000000000)",
        "SELECT array_resize([1], 1000000000)",
        "SELECT map(['a'], [1])",
        "SELECT named_struct('a', 1)",
        "SELECT {'a': 1}",
        "SELECT struct(1, 2)",
        "SELECT read_text('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT mask_hash(secret) FROM ops.t",
        "SELECT exact_cast(id) FROM ops.t",
        "SELECT claim('region')",
        "SELECT array_transform([1,2], x -> x + 1)",
    ] {
        check(sql, "invalid_sql", "");
    }
    check("SELECT uppr('a')", "invalid_sql", "there is no function `uppr`");
}

#[test]
fn s_03_files_addresses_and_system_tables_are_unknown() {
    for sql in [
        "SELECT * FROM 's3://bucket/x.parquet'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'lake://bucket/tables/ops/t'",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.df_settings",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM lake.information_schema.tables",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x')",
        "SELECT * FROM generate_series(1, 10)",
        "SELECT * FROM LATERAL read_csv('x')",
        "SELECT * FROM parquet_metadata('x')",
    ] {
        check(sql, "not_found", "no such dataset: ");
    }
}

#[test]
fn s_04_explain_is_refused() {
    for sql in [
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT * FROM ops.t",
        "EXPLAIN VERBOSE SELECT 1",
        "EXPLAIN FORMAT TREE SELECT 1",
    ] {
        check(sql, "invalid_sql", "EXPLAIN is not possible");
    }
}

#[test]
fn mistakes_are_explained_with_place_and_hint() {
    type Place = Option<(u64, u64)>;
    let cases: &[(&str, &str, Place, Option<&str>)] = &[
        ("SELECT regoin FROM ops.t", "no column `regoin`", Some((1, 8)), Some("did you mean `region`?")),
        ("SELECT id,\n  secrt\nFROM ops.t", "no column `secrt`", Some((2, 3)), Some("did you mean `secret`?")),
        ("SELECT id FRM ops.t", "expected", Some((1, 15)), None),
        ("SELECT uppper('a')", "no function `uppper`", None, Some("did you mean `upper`?")),
        ("SELECT 'abc", "cannot be read", Some((1, 8)), None),
        ("SELECT 1/0", "ivide by zero", None, None),
        ("SELECT id FROM ops.t WHERE", "expected", None, None),
        ("SELECT * FROM ops.t a, ops.t b WHERE id = 1", "several tables", None, None),
        ("SELECT region, count(*) FROM ops.t", "", None, None),
        ("SELECT $1", "", None, None),
    ];
    for (sql, part, place, hint) in cases.iter().copied() {
        let e = deep(move || async move {
            let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
            match world.run(&analyst(), sql).await {
                Ok(_) => panic!("{sql} ran"),
                Err(e) => e,
            }
        });
        let lake::LakeError::InvalidSql { message, line, column, hint: has } = &e else { panic!("{sql}: {e:?}") };
        assert!(message.contains(part), "{sql}: {message}");
        if place.is_some() {
            assert_eq!(line.zip(*column), place, "{sql}: {e:?}");
        }
        assert!(hint.is_none() || has.as_deref() == hint, "{sql}: {has:?}");
        for internal in ["datafusion", "DataFusion", "sqlparser", "Utf8View", "backtrace", "lake."] {
            assert!(!message.contains(internal), "{sql}: {message}");
        }
    }
}

#[test]
fn d_03_no_function_makes_a_value_of_any_size() {
    let doubled = |n: usize| {
        let inner =
            (0..n).fold("SELECT 'abcdefgh' x".to_owned(), |q, i| format!("SELECT x || x AS x FROM ({q}) AS q{i}"));
        format!("SELECT length(x) FROM ({inner}) AS q")
    };
    let replaced = (0..6).fold("'aaaaaaaa'".to_owned(), |e, _| format!("replace({e}, 'a', '{}')", "a".repeat(200)));
    for sql in [
        "SELECT repeat('x', 1000000000)".to_owned(),
        "SELECT length(repeat('x', 1000000000))".to_owned(),
        "SELECT lpad('x', 2000000000, 'y')".to_owned(),
        "SELECT max(length(rpad(secret, id * 1000000, 'y'))) FROM ops.t".to_owned(),
        doubled(40),
        format!("SELECT length({replaced})"),
        format!(
            "SELECT length(array_to_string(make_array({}), '{}')) FROM ops.t",
            "id,".repeat(400) + "id",
            "s".repeat(9_000)
        ),
    ] {
        let e = deep(move || async move {
            let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
            match world.run(&analyst(), &sql).await {
                Ok(b) => panic!("{:?} for {sql}", rows(&b)),
                Err(e) => e,
            }
        });
        assert_eq!(e.code(), "invalid_sql", "{e:?}");
        assert!(e.to_string().contains("too large a value"), "{e}");
    }
}

#[test]
fn joins_of_text_answer_as_before() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Parquet, 30).await;
        for (sql, wanted) in [
            ("SELECT 'a' || 'b' || 1", "ab1"),
            ("SELECT 'a' || NULL", "∅"),
            ("SELECT max(region || '-' || secret) FROM ops.t", "b-top-secret-b"),
            ("SELECT count(*) FROM ops.t WHERE region || 'x' = 'ax'", "600"),
            ("SELECT concat('a', NULL, 'b')", "ab"),
            ("SELECT concat_ws('-', 'a', 'b')", "a-b"),
            ("SELECT repeat('ab', 3)", "ababab"),
            ("SELECT lpad('7', 3, '0')", "007"),
            ("SELECT replace('banana', 'an', 'x')", "bxxa"),
            ("SELECT regexp_replace('foobar', '(o+)', '[$1]')", "f[oo]bar"),
            ("SELECT array_to_string([1, 2] || [3], ',')", "1,2,3"),
            ("SELECT to_char(DATE '2013-05-17', '%Y')", "2013"),
        ] {
            assert_eq!(rows(&world.run(&analyst(), sql).await.unwrap()), [wanted], "{sql}");
        }
    });
}
