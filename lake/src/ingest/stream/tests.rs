//! In parts or as a whole, the outcome is the same. The parts are tiny here, so that everything comes after the first.

use std::{
    cell::Cell,
    io::{self, Cursor, Read},
};

use arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};
use bytes::Bytes;
use model::QuarantinedRow;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::TestRunner,
};

use super::{Sink, Source, Stop, Streamed, parts};
use crate::{
    LakeError, Limits,
    contract::Contract,
    ingest::{Reading, fit::Rules, read::expansion, read_file},
};

struct InMemory(Bytes);

impl Source for InMemory {
    fn open(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }
}

#[derive(Default)]
struct Kept {
    schema: Option<SchemaRef>,
    batches: Vec<RecordBatch>,
    quarantined: Vec<QuarantinedRow>,
    begun: usize,
}

impl Sink for Kept {
    fn begin(&mut self, schema: &SchemaRef) -> Result<(), LakeError> {
        *self = Self { schema: Some(schema.clone()), begun: self.begun + 1, ..Self::default() };
        Ok(())
    }

    fn rows(&mut self, batch: RecordBatch) -> Result<(), LakeError> {
        self.batches.push(batch);
        Ok(())
    }

    fn quarantined(&mut self, rows: Vec<QuarantinedRow>) -> Result<(), LakeError> {
        self.quarantined.extend(rows);
        Ok(())
    }
}

/// What became of a file in parts.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    /// In one reading, or in more.
    InParts(usize),
    Whole(&'static str),
}

fn same(bytes: &[u8], part: usize, contract: Option<&Contract>) -> Became {
    let bytes = Bytes::copy_from_slice(bytes);
    let limits = Limits::default();
    let mut kept = Kept::default();
    let absent = Contract::absent();
    let rules_of = contract.unwrap_or(&absent);
    let source = rules_of.source("landing/a/b/c.csv");
    let rules = Rules { contract: rules_of, source: &source, existing: None };
    let limit = expansion(contract, &limits);
    let streamed = match parts(&mut InMemory(bytes.clone()), limit, rules, &mut kept, part) {
        Err(Stop::Whole(why)) => return Became::Whole(why),
        Err(Stop::Failed(e)) => panic!("{e:?}"),
        Ok(streamed) => streamed,
    };
    let Streamed { reading, sha256 } = streamed;
    assert_eq!(sha256, crate::ingest::landing::sha256(&bytes));
    let whole = read_file(&bytes, "landing/a/b/c.csv", contract, None, &limits);
    let text = String::from_utf8_lossy(&bytes);
    let told = |r: &Reading| {
        (
            (r.encoding, r.compression, r.format, r.delimiter, r.quote, r.header_line),
            (r.rows, r.columns.clone(), r.warnings.clone()),
            r.outcome.as_ref().map(|l| l.schema.clone()).map_err(Clone::clone),
        )
    };
    assert_eq!(told(&reading), told(&whole), "{text}");
    assert_eq!(kept.quarantined, whole.quarantined, "{text}");
    if let Ok(landing) = &whole.outcome {
        let all = |batches: &[RecordBatch]| concat_batches(&landing.schema, batches).unwrap();
        assert_eq!(kept.schema.as_ref(), Some(&landing.schema));
        assert_eq!(all(&kept.batches), all(&landing.batches), "{text}");
    }
    Became::InParts(kept.begun)
}

#[test]
fn one_reading_is_enough_when_the_begin_says_what_the_rest_is() {
    let mut text = "id,price,day,carrier,note\n".to_owned();
    for n in 0..2_000 {
        text += &format!("{n},{}.{:02},2026-01-{:02},UA,\"some, {n}\"\n", n % 90, n % 100, 1 + n % 28);
    }
    assert_eq!(same(text.as_bytes(), 4_096, None), Became::InParts(1));
    let zipped = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(same(&zipped, 4_096, None), Became::InParts(1));
}

#[test]
fn types_that_turn_out_wider_cost_a_second_reading() {
    let rows = |last: &str| {
        let mut text = "id,code\n".to_owned();
        (0..500).for_each(|n| text += &format!("{n},{}\n", n * 7));
        text + last
    };
    assert_eq!(same(rows("500,7.25\n").as_bytes(), 512, None), Became::InParts(2));
    assert_eq!(same(rows("500,007\n").as_bytes(), 512, None), Became::InParts(2));
    assert_eq!(same(rows("500,NA\n500,\n\n#end\n").as_bytes(), 512, None), Became::InParts(1));
    assert_eq!(same(rows("500,1,2\n501\n").as_bytes(), 512, None), Became::InParts(1));
}

#[test]
fn encodings_that_only_the_end_tells() {
    let mut text = b"name;town\n".to_vec();
    (0..300).for_each(|n| text.extend(format!("n{n};plain\n").bytes()));
    let mut latin = text.clone();
    latin.extend(b"x;K\xf6ln\ny;D\xfcren\n");
    assert_eq!(same(&latin, 256, None), Became::InParts(2));
    let mut spoilt = text.clone();
    spoilt.extend("x;Köln Düren\n".bytes());
    spoilt.extend(b"y;bad\xff\n");
    assert_eq!(same(&spoilt, 256, None), Became::InParts(1));
}

#[test]
fn a_header_that_is_none_after_all() {
    // Over text alone, a header's words come nowhere below.
    let mut text = "red,round\n".to_owned();
    (0..400).for_each(|n| text += &format!("blue {n},square\n"));
    assert_eq!(same(text.as_bytes(), 256, None), Became::InParts(1));
    text += "red,oval\n";
    assert_eq!(same(text.as_bytes(), 256, None), Became::InParts(2));
}

#[test]
fn what_stands_against_a_type_is_told_wherever_it_stands() {
    let rows = |last: &str| {
        let mut text = "id,price,day,name\n".to_owned();
        for n in 0..600 {
            let price = if n == 400 { "call us".to_owned() } else { format!("{n}.5") };
            let day = if n == 0 { "5".to_owned() } else { format!("2026-01-{:02}", 1 + n % 28) };
            text += &format!("{n},{price},{day},{}\n", ["12 Main St", "Nov 25 2026x", "-", "UA"][n % 4]);
        }
        text + last
    };
    assert_eq!(same(rows("").as_bytes(), 512, None), Became::InParts(2));
    assert_eq!(same(rows("id,price,day,name\n601,2.5,2026-01-01,b\n").as_bytes(), 512, None), Became::InParts(2));
}

#[test]
fn rows_that_do_not_fit_the_contract_are_told_in_the_order_of_the_file() {
    let contract = "max_rejected = 1.0\n[column.id]\ntype = \"int64\"\nrequired = true\n[column.at]\n\
                    type = \"date\"\n[[check]]\nname = \"small\"\nsql = \"id < 900\"\non_failure = \"quarantine\"\n";
    let contract = Contract::parse(contract.as_bytes(), "contract").unwrap_or_else(|e| panic!("{e}"));
    let mut text = "id,at,name\n".to_owned();
    for n in 0..1_000 {
        let id = if n % 50 == 3 {
            "?".to_owned()
        } else if n % 70 == 1 {
            String::new()
        } else {
            n.to_string()
        };
        text += &format!("{id},{}/02/2026,{}\n", 1 + n % 31, if n % 90 == 7 { "a,b" } else { "c" });
    }
    assert!(matches!(same(text.as_bytes(), 700, Some(&contract)), Became::InParts(_)));
}

#[test]
fn the_messy_files_come_out_the_same() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messy");
    let mut in_parts = 0;
    let mut stack = vec![folder];
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
            } else if path.file_stem().is_some_and(|s| s == "input" || s != "expected") {
                let bytes = std::fs::read(&path).unwrap();
                for part in [40, 200, 3_000] {
                    in_parts += usize::from(matches!(same(&bytes, part, None), Became::InParts(_)));
                }
            }
        }
    }
    assert!(in_parts > 50, "{in_parts}");
}

fn field() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "NA",
        "-",
        ".",
        "007",
        "1e5",
        "-0",
        "-0.0",
        "0.5",
        "5.",
        "1,5",
        "1.234",
        "1,234",
        "NaN",
        "inf",
        "true",
        "99999999999999999999",
        "123456789012345678",
        "0.30000000000000004",
        "2026-02-30",
        "25/11/2026",
        "03/04/2026",
        "2026-01-01T10:00",
        "2026-01-01T10:00Z",
        "it's",
        "'s",
        "a\"b",
        "a;b",
        "a|b",
        "ä",
        "#",
        "\\\"",
        "x\ny",
    ];
    prop_oneof![
        6 => (-999_i32..9_999).prop_map(|n| n.to_string()),
        6 => (0_i32..9_999_999).prop_map(|n| format!("{}.{:02}", n / 100, n % 100)),
        4 => (1_u32..28).prop_map(|d| format!("2026-01-{d:02}")),
        4 => "[a-z]{1,6}",
        1 => select(odd.map(str::to_owned).to_vec()),
    ]
}

/// A table, the places and kinds of what is odd in it, whether it has a header, its delimiter, and the size of parts.
type Case = (Vec<usize>, Vec<Vec<String>>, Vec<(Index, usize)>, bool, char, usize);

fn cases() -> impl Strategy<Value = Case> {
    (
        vec(0_usize..5, 2..5),
        vec(vec(field(), 5), 5..60),
        vec((any::<Index>(), 0_usize..8), 0..4),
        any::<bool>(),
        select(vec![',', ';', '\t']),
        30_usize..400,
    )
}

fn text_of((kinds, rows, odd, header, delimiter, _): &Case) -> String {
    let plain = |kind: usize, n: usize| match kind {
        0 => n.to_string(),
        1 => format!("{n}.{:02}", n % 100),
        2 => format!("2026-03-{:02}", 1 + n % 28),
        3 => ["AA", "UA", "DL", "NK"][n % 4].to_owned(),
        _ => format!("word {n}"),
    };
    let mut table: Vec<Vec<String>> = (0..rows.len()).map(|n| kinds.iter().map(|k| plain(*k, n)).collect()).collect();
    for (at, how) in odd {
        let at = at.index(rows.len());
        let row = &mut table[at];
        match how {
            0 => row.push("more".into()),
            1 => drop(row.pop()),
            2 => *row = vec![String::new()],
            3 => *row = vec!["# comment".into()],
            how => {
                if let Some(cell) = row.get_mut(how % kinds.len()) {
                    cell.clone_from(&rows[at][how % 5]);
                }
            }
        }
    }
    if *header {
        table.insert(0, (0..kinds.len()).map(|c| format!("column {c}")).collect());
    }
    let quoted = |f: &String| {
        if f.contains(['"', '\n', *delimiter]) { format!("\"{}\"", f.replace('"', "\"\"")) } else { f.clone() }
    };
    let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string());
    table.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn tables_with_odd_rows_come_out_the_same() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() });
    let (once, again, whole) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let ran = runner.run(&cases(), |case| {
        let became = same(text_of(&case).as_bytes(), case.5, None);
        let count = match became {
            Became::InParts(1) => &once,
            Became::InParts(_) => &again,
            Became::Whole(_) => &whole,
        };
        count.set(count.get() + 1);
        Ok(())
    });
    ran.unwrap_or_else(|e| panic!("{e}"));
    // Each way was gone often enough to be tried.
    assert!(once.get() > 150 && again.get() > 30, "{once:?} {again:?} {whole:?}");
}
