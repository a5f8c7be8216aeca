//! Random queries as two partners, against the same queries over honest copies that hold only what each may see.
//!
//! `TEST_SQL_SECONDS` says how long, `TEST_SQL_FROM` where to begin: a case follows from its number alone. Where the two
//! disagree on whether a query fails, which row met an expression first may decide; then a third lake does: in the same
//! policy and plan, everything that is hidden is gone or different. What differs between these two came from there.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use lake::{Lake, LakeError};
use model::{Cell, Principal, QueryRequest};
use rand::{SeedableRng, rngs::StdRng};

mod grammar;
mod rule;

use grammar::{Grammar, Relation};
use rule::{MARKED, Open, POLICY, Partner, Table, open, partners, tables};

/// Cases of one world.
const CASES: u64 = 250;
/// Cases of a short run on a slow machine.
const FEWEST: u64 = 80;
/// Rows of an answer that are compared.
const ROWS: u64 = 10_000;

/// One world: the lake of all, and for each partner the honest copy and, when it is needed, the twin.
struct Trial {
    tables: Vec<Table>,
    partners: [Partner; 2],
    governed: Open,
    honest: Vec<Open>,
    twins: BTreeMap<usize, Open>,
    hidden: Vec<BTreeSet<String>>,
}

/// Names and types of the columns, and the rows.
type Answer = (Vec<(String, String)>, Vec<String>);

#[derive(Debug, Default)]
struct Counts {
    cases: u64,
    rows: u64,
    empty: u64,
    failed: u64,
    order_of_rows: u64,
}

impl Trial {
    async fn new(world: u64, policy: &str) -> Self {
        let tables = tables(world);
        let partners = partners();
        let governed = open(policy, &tables).await;
        let mut honest = Vec::new();
        for partner in &partners {
            honest.push(partner.honest(&tables).await);
        }
        let hidden = partners.iter().map(|p| p.hidden(&tables)).collect();
        Self { tables, partners, governed, honest, twins: BTreeMap::new(), hidden }
    }

    /// What a partner may know of, and now and then more.
    fn relations(&self, partner: usize, case: u64) -> Vec<Relation> {
        let views = self.partners[partner].views.iter().map(|v| Relation {
            name: v.name.to_owned(),
            columns: v.columns.iter().map(|(n, k)| ((*n).to_owned(), *k)).collect(),
            versions: self.tables.iter().find(|t| t.name == v.name).unwrap().batches.len() as u64,
        });
        let mut known: Vec<Relation> = views.collect();
        if case.is_multiple_of(4) {
            let all = self.tables.iter().map(|t| Relation {
                name: t.name.to_owned(),
                columns: t.columns.iter().map(|(n, k)| ((*n).to_owned(), *k)).collect(),
                versions: t.batches.len() as u64,
            });
            known = all.collect();
        }
        known
    }

    async fn case(&mut self, partner: usize, case: u64, counts: &mut Counts) -> Result<(), String> {
        let mut rng = StdRng::seed_from_u64(case);
        let (sql, ordered) = Grammar::new(&mut rng, self.relations(partner, case)).query();
        let who = &self.partners[partner].who;
        let governed = ask(&self.governed.lake, who, &sql, ordered).await;
        let honest = ask(&self.honest[partner].lake, who, &sql, ordered).await;
        counts.cases += 1;
        let wrong = |what: &str, other: &Result<Answer, LakeError>| {
            let cut = |r: &Result<Answer, LakeError>| format!("{r:?}").chars().take(1_500).collect::<String>();
            format!(
                "case {case} as {}: {what}\n{sql}\ngoverned: {}\nother: {}",
                who.subject,
                cut(&governed),
                cut(other)
            )
        };
        // Of answers the comparison tells; the text of an error is not compared.
        let said = governed.as_ref().err().map(|e| format!("{e} {e:?}")).unwrap_or_default();
        // What a query computes from a number like these is no number of theirs.
        let computed = sql.contains(&MARKED.to_string()[..5]);
        let stands_there = |word: &str| sql.contains(word) || (computed && word.bytes().all(|b| b.is_ascii_digit()));
        let mut words = said.split(|c: char| !(c.is_alphanumeric() || c == '.'));
        if let Some(leak) = words.find(|word| self.hidden[partner].contains(*word) && !stands_there(word)) {
            return Err(wrong(&format!("`{leak}` is hidden"), &honest));
        }
        match (&governed, &honest) {
            (Ok(a), Ok(b)) if a == b => {
                counts.rows += u64::from(!a.1.is_empty());
                counts.empty += u64::from(a.1.is_empty());
                Ok(())
            }
            (Ok(_), Ok(_)) => Err(wrong("the answers differ", &honest)),
            (Err(a), Err(b)) if a.code() == b.code() => {
                counts.failed += 1;
                match a.code() {
                    "internal" | "store" => Err(wrong("the engine is at fault", &honest)),
                    _ => Ok(()),
                }
            }
            _ => {
                if !self.twins.contains_key(&partner) {
                    let twin = self.partners[partner].twin(&self.tables).await;
                    self.twins.insert(partner, twin);
                }
                let twin = ask(&self.twins[&partner].lake, who, &sql, ordered).await;
                counts.order_of_rows += 1;
                match (&governed, &twin) {
                    (Ok(a), Ok(b)) if a == b => Ok(()),
                    (Err(a), Err(b)) if a.code() == b.code() => Ok(()),
                    _ => Err(wrong("what is hidden decides", &twin)),
                }
            }
        }
    }
}

async fn ask(lake: &Lake, who: &Principal, sql: &str, ordered: bool) -> Result<Answer, LakeError> {
    let status = lake.query(who, QueryRequest { wait_ms: 30_000, ..QueryRequest::new(sql) }).await?;
    let page = lake.result_page(who, &status.id, 0, ROWS).await?;
    let columns = page.columns.iter().map(|c| (c.name.to_string(), format!("{:?}", c.column_type))).collect();
    let line = |row: &Vec<Cell>| serde_json::to_string(row).unwrap();
    let mut rows: Vec<String> = page.rows.iter().map(line).collect();
    if !ordered {
        rows.sort();
    }
    assert!(page.rows_total <= ROWS || ordered, "{} rows of {sql} are not compared", page.rows_total);
    Ok((columns, rows))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

fn on_threads<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_04_random_queries_answer_as_over_an_honest_copy() {
    on_threads(async {
        let long = number("TEST_SQL_SECONDS").map(Duration::from_secs);
        let begun = Instant::now();
        let from = number("TEST_SQL_FROM").unwrap_or_default();
        let mut counts = Counts::default();
        let mut trial = Trial::new(from / CASES, POLICY).await;
        let mut told = begun;
        for case in from.. {
            if begun.elapsed() > long.unwrap_or(Duration::from_secs(6)) && case - from >= FEWEST {
                break;
            }
            if case > from && case.is_multiple_of(CASES) {
                trial = Trial::new(case / CASES, POLICY).await;
            }
            for partner in [0, 1] {
                if let Err(wrong) = trial.case(partner, case, &mut counts).await {
                    panic!("{wrong}");
                }
            }
            if long.is_some() && told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                println!("{} s, to case {case}: {counts:?}", begun.elapsed().as_secs());
            }
        }
        println!("{counts:?}");
        assert!(counts.rows * 4 > counts.cases, "hardly a query answers: {counts:?}");
        assert!(counts.failed * 50 > counts.cases, "hardly a query fails: {counts:?}");
    });
}

/// The same comparison with a policy that gives a little more than the model says.
#[test]
fn a_04_control_a_policy_that_gives_more_is_found_by_random_queries() {
    for (right, wrong) in [
        ("rows = \"region = claim('region')\"", "rows = \"region in (claim('region'), 'b')\""),
        ("mask = { name = \"hash\", amount = \"null\" }", "mask = { amount = \"null\" }"),
        ("except = [\"code\"]\n", ""),
        ("columns = [\"k\", \"note\"]", "columns = [\"k\", \"note\", \"place\"]"),
    ] {
        let policy = POLICY.replacen(right, wrong, 1);
        assert_ne!(policy, POLICY);
        let found = on_threads(async {
            let mut trial = Trial::new(0, &policy).await;
            let mut counts = Counts::default();
            for case in 0..2 * CASES {
                for partner in [0, 1] {
                    if trial.case(partner, case, &mut counts).await.is_err() {
                        return true;
                    }
                }
            }
            false
        });
        assert!(found, "{wrong} is not found");
    }
}
