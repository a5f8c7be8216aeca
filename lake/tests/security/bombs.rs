//! Texts that would overflow a stack or plan for minutes. Each must be answered within a second, by a clear error or by
//! running.

use std::time::{Duration, Instant};

use super::world::*;

fn repeat(piece: &str, separator: &str, n: usize) -> String {
    vec![piece; n].join(separator)
}

fn numbers(n: usize, each: impl Fn(usize) -> String, separator: &str) -> String {
    (0..n).map(each).collect::<Vec<_>>().join(separator)
}

fn shape(name: &str, n: usize) -> String {
    match name {
        "plus" => format!("SELECT {}", repeat("1", "+", n)),
        "column plus" => format!("SELECT {} FROM ref.o", repeat("x", "+", n)),
        "or" => format!("SELECT count(*) FROM ref.o WHERE {}", numbers(n, |i| format!("x={i}"), " OR ")),
        "and" => format!("SELECT count(*) FROM ref.o WHERE {}", numbers(n, |i| format!("x<>{i}"), " AND ")),
        "concat" => format!("SELECT {}", repeat("'a'", "||", n)),
        "parentheses" => format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
        "minus" => format!("SELECT {}1", "- ".repeat(n)),
        "not" => format!("SELECT count(*) FROM ref.o WHERE {} x=1", "NOT ".repeat(n)),
        "function" => format!("SELECT {}x{} FROM ref.o", "abs(".repeat(n), ")".repeat(n)),
        "case" => format!("SELECT {}0{} FROM ref.o", "CASE WHEN x=1 THEN 1 ELSE ".repeat(n), " END".repeat(n)),
        "when" => format!("SELECT CASE {} END FROM ref.o", repeat("WHEN x=1 THEN 1", " ", n)),
        "cast" => format!("SELECT x{} FROM ref.o", "::bigint::int".repeat(n)),
        "is null" => format!("SELECT x{} FROM ref.o", " IS NULL".repeat(n)),
        "at" => format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(n)),
        "subquery" => format!("SELECT count(*) FROM {}ref.o{}", "(SELECT * FROM ".repeat(n), ")".repeat(n)),
        "union all" => repeat("SELECT 1", " UNION ALL ", n),
        "union" => repeat("SELECT 1", " UNION ", n),
        "except" => repeat("SELECT 1", " EXCEPT ", n),
        "in" => format!("SELECT count(*) FROM ref.o WHERE x IN ({})", numbers(n, |i| i.to_string(), ",")),
        "cte" => format!(
            "WITH a0 AS (SELECT * FROM ref.o){} SELECT count(*) FROM a{n}",
            (1..=n).map(|i| format!(", a{i} AS (SELECT * FROM a{})", i - 1)).collect::<String>()
        ),
        "doubling" => format!(
            "WITH a0 AS (SELECT * FROM ref.o){} SELECT count(*) FROM a{n}",
            (1..=n).map(|i| format!(", a{i} AS (SELECT l.x FROM a{0} l, a{0} r)", i - 1)).collect::<String>()
        ),
        "join" => format!(
            "SELECT count(*) FROM ref.o a0 {}",
            (1..=n).map(|i| format!(" JOIN ref.o a{i} ON a{i}.x=a{}.x", i - 1)).collect::<String>()
        ),
        "comma join" => format!("SELECT count(*) FROM {}", numbers(n, |i| format!("ref.o a{i}"), ",")),
        "values" => format!("SELECT count(*) FROM (VALUES {})", repeat("(1)", ",", n)),
        "columns" => format!("SELECT {} FROM ref.o", numbers(n, |i| format!("x+{i}"), ",")),
        "array" => format!("SELECT {}1{}", "[".repeat(n), "]".repeat(n)),
        "index" => format!("SELECT [1]{}", "[1]".repeat(n)),
        "dots" => format!("SELECT a{}", ".a".repeat(n)),
        "cube" => format!("SELECT count(*) FROM ref.o GROUP BY CUBE({})", numbers(n, |i| format!("x+{i}"), ",")),
        "interval" => format!("SELECT {} '1 day'", "INTERVAL ".repeat(n)),
        "exists" => format!("SELECT 1 WHERE {}1=1{}", "EXISTS (SELECT 1 WHERE ".repeat(n), ")".repeat(n)),
        "comment" => format!("SELECT {}{} 1", "/*".repeat(n), "*/".repeat(n)),
        "backslash" => format!("SELECT '{}'", "\\".repeat(n)),
        "when as column" => format!("SELECT {}1", "1+when+".repeat(n)),
        "from as column" => format!("SELECT {}1", "1+\"from\"+".repeat(n)),
        other => panic!("{other}"),
    }
}

const SHAPES: &[&str] = &[
    "plus",
    "column plus",
    "or",
    "and",
    "concat",
    "parentheses",
    "minus",
    "not",
    "function",
    "case",
    "when",
    "cast",
    "is null",
    "at",
    "subquery",
    "union all",
    "union",
    "except",
    "in",
    "cte",
    "doubling",
    "join",
    "comma join",
    "values",
    "columns",
    "array",
    "index",
    "dots",
    "cube",
    "interval",
    "exists",
    "comment",
    "backslash",
    "when as column",
    "from as column",
];

fn bomb(sizes: &'static [usize], most: Duration) {
    let slow = deep(move || async move {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        let mut slow = Vec::new();
        for name in SHAPES {
            for n in sizes {
                let sql = shape(name, *n);
                let start = Instant::now();
                // Planned and, when it is planned, made physical: that recurses as well.
                let answer = match world.plan(&analyst(), &sql).await {
                    Ok(plan) => plan.physical().await.map(drop),
                    Err(e) => Err(e),
                };
                if start.elapsed() > most {
                    slow.push(format!("{name} × {n}: {:?} ({answer:?})", start.elapsed()));
                }
                match answer {
                    Ok(()) => {}
                    Err(e) => assert!(["invalid_sql", "not_found"].contains(&e.code()), "{name} × {n}: {e:?}"),
                }
            }
        }
        slow
    });
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn d_01_bombs_are_refused_at_once() {
    bomb(&[1_000, 10_000, 100_000], Duration::from_secs(1));
}

#[test]
fn d_01_what_just_passes_the_guard_is_planned_soon() {
    bomb(&[3, 6, 30, 47, 60, 250], Duration::from_secs(4));
}

#[test]
fn d_01_ordinary_large_queries_pass() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        for (name, n) in [
            ("plus", 100),
            ("or", 100),
            ("in", 3_000),
            ("columns", 300),
            ("values", 500),
            ("union all", 30),
            ("cte", 30),
        ] {
            let answer = world.run(&analyst(), &shape(name, n)).await;
            assert!(answer.is_ok(), "{name} × {n}: {answer:?}");
        }
    });
}

#[test]
fn d_03_sizes_in_the_hands_of_the_query_are_bounded() {
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        let refused = [
            "SELECT approx_percentile_cont(amount, 0.5, 1000000000000) FROM ops.t",
            "SELECT approx_percentile_cont(0.5, 1000000000000) WITHIN GROUP (ORDER BY amount) FROM ops.t",
            "SELECT approx_percentile_cont(amount, 0.5, 1000000000000) OVER () FROM ops.t",
            "SELECT levenshtein(repeat('a', 200001), repeat('b', 200000))",
            "SELECT btrim(repeat('a', 200001), repeat('b', 200000))",
            "SELECT repeat('a', 250000000), repeat('a', 250000001)",
            "SELECT regexp_count('a', '\\w{60}' || cast(id as varchar)) FROM ops.t",
            "SELECT count(*) FROM ops.t WHERE region ~ (region || '\\w{60}')",
        ];
        for sql in refused {
            let start = Instant::now();
            let answer = world.run(&analyst(), sql).await;
            let e = answer.err().unwrap_or_else(|| panic!("{sql} was answered"));
            assert_ne!(e.code(), "internal", "{sql}: {e:?}");
            assert!(start.elapsed() < Duration::from_secs(2), "{sql}: {:?}", start.elapsed());
        }
        let answered = [
            "SELECT approx_percentile_cont(amount, 0.5) FROM ops.t",
            "SELECT region, max(amount) m FROM ops.t GROUP BY region ORDER BY m DESC NULLS LAST LIMIT 100000000000",
            "SELECT levenshtein(region, 'abc'), btrim(region, ' ') FROM ops.t",
            "SELECT regexp_replace(region, '^.', 'x') FROM ops.t WHERE region ~ '^[a-z]$'",
            "SELECT repeat(region, 1000) FROM ops.t",
        ];
        for sql in answered {
            let answer = world.run(&analyst(), sql).await;
            assert!(answer.is_ok(), "{sql}: {answer:?}");
        }
    });
}

/// What SQL is made of, and what it is not.
const TOKENS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "WITH",
    "AS",
    "JOIN",
    "LEFT",
    "ON",
    "UNION ALL",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "IN",
    "NOT",
    "AND",
    "OR",
    "IS NULL",
    "BETWEEN",
    "LIKE",
    "EXISTS",
    "OVER",
    "PARTITION BY",
    "FILTER",
    "LATERAL",
    "UNNEST",
    "CAST",
    "ops.t",
    "ref.o",
    "t",
    "id",
    "secret",
    "region",
    "count",
    "max",
    "lower",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ".",
    "*",
    "+",
    "-",
    "=",
    "<",
    "'x'",
    "\"q\"",
    "1",
    "1e400",
    "$1",
    "--",
    "/*",
    "*/",
    "VERSION AS OF",
    "\u{202e}",
    "{",
];

#[test]
fn d_02_random_tokens_are_refused_or_answered_and_never_end_the_process() {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    deep(|| async {
        let world = World::new(&by_rows("region = 'a'"), Source::Memory, 30).await;
        let mut planned = 0;
        for case in 0..400 {
            let rng = &mut StdRng::seed_from_u64(case);
            // Every tenth is as long as a text may be; the short ones get further.
            let most = if case % 10 == 0 { 64 << 10 } else { 1 << rng.random_range(3..10) };
            let mut sql = String::from(if rng.random() { "SELECT " } else { "" });
            loop {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                if sql.len() + token.len() + 1 > most {
                    break;
                }
                sql.push_str(token);
                sql.push(' ');
            }
            let start = Instant::now();
            match world.plan(&partner(), &sql).await {
                Ok(_) => planned += 1,
                Err(e) => assert!(matches!(e.code(), "invalid_sql" | "not_found"), "case {case}: {e:?}\n{sql}"),
            }
            assert!(start.elapsed() < Duration::from_secs(5), "case {case}: {:?}\n{sql}", start.elapsed());
        }
        assert!(planned < 400, "{planned}");
    });
}
