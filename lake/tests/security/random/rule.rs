//! The rule in plain Rust: tables, what two partners see of each row and cell, and the lakes that follow from it.
//!
//! Nothing here uses the product's policy code, so that it can disagree with it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arrow::{
    array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use chrono::{Datelike, NaiveDate};
use hmac::{Hmac, Mac};
use lake::{
    Lake, LakeConfig, StoreConfig,
    store::{Store, path},
    table::{Commit, Tables},
};
use model::Principal;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sha2::Sha256;

use super::super::world::person;

/// What kind of values a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Whole,
    Text,
    Day,
    Money,
    Truth,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Whole(i64),
    Text(String),
    /// Days since 1970.
    Day(i32),
    /// Hundredths.
    Money(i128),
    Truth(bool),
}

pub type Row = Vec<Value>;

/// A dataset; the rows of each of its versions are those of all batches up to it.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<(&'static str, Kind)>,
    pub batches: Vec<Vec<Row>>,
}

/// What someone sees of a dataset: its columns, and of a row its cells, or nothing.
pub struct View {
    pub name: &'static str,
    pub columns: Vec<(&'static str, Kind)>,
    shows: fn(&Row) -> Option<Row>,
    /// Another row that looks the same to them: everything that they do not see is different.
    twin: fn(&Row) -> Row,
}

pub struct Partner {
    pub who: Principal,
    pub views: Vec<View>,
}

pub const POLICY: &str = r#"
[[grant]]
to = ["*"]
on = ["ref.r"]

[[grant]]
to = ["group:one"]
on = ["ops.t"]
rows = "region = claim('region')"
mask = { name = "hash", amount = "null" }
[[grant]]
to = ["group:one"]
on = ["ops.u"]
rows = "place in ('p', 'q')"
except = ["note"]
[[grant]]
to = ["group:one"]
on = ["ops.u"]
rows = "qty < 40"
columns = ["k", "note"]
mask = { note = "redact" }

[[grant]]
to = ["group:two"]
on = ["ops.t"]
rows = "region like 'c%' or amount % 3 = 0"
except = ["code"]
mask = { day = "year" }
[[grant]]
to = ["group:two"]
on = ["ops.u"]
rows = "not (place = 'r')"
mask = { note = "last4" }
[[grant]]
to = ["group:two"]
on = ["fin.x"]
columns = ["id", "total"]
"#;

const EVERYTHING: &str = "[[grant]]\nto = [\"*\"]\non = [\"*\"]\n";
const SECRET: [u8; 32] = [7; 32];
/// Numbers from here on stand in data alone.
pub const MARKED: i64 = 7_351_400;

const T: [(&str, Kind); 8] = [
    ("id", Kind::Whole),
    ("region", Kind::Text),
    ("name", Kind::Text),
    ("amount", Kind::Whole),
    ("price", Kind::Money),
    ("day", Kind::Day),
    ("code", Kind::Text),
    ("flag", Kind::Truth),
];
const U: [(&str, Kind); 5] =
    [("k", Kind::Whole), ("t_id", Kind::Whole), ("place", Kind::Text), ("qty", Kind::Whole), ("note", Kind::Text)];
const R: [(&str, Kind); 2] = [("region", Kind::Text), ("label", Kind::Text)];
const X: [(&str, Kind); 3] = [("id", Kind::Whole), ("total", Kind::Whole), ("secret", Kind::Text)];

/// A text that stands in one row alone, so that it tells where it comes from.
fn mark(at: usize, batch: usize, letter: char) -> String {
    format!("zq{}{letter}", batch * 1_000 + at)
}

fn or_null(rng: &mut StdRng, value: Value) -> Value {
    if rng.random_bool(0.12) { Value::Null } else { value }
}

fn pick(rng: &mut StdRng, of: &[&str]) -> Value {
    Value::Text(of[rng.random_range(0..of.len())].to_owned())
}

fn days(y: i32, ordinal: u32) -> i32 {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
    i32::try_from((NaiveDate::from_yo_opt(y, ordinal).unwrap() - epoch).num_days()).unwrap()
}

fn date(days: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::TimeDelta::days(days.into())
}

/// The datasets of one world, all from its number.
pub fn tables(world: u64) -> Vec<Table> {
    let rng = &mut StdRng::seed_from_u64(world);
    let t = (0..3).map(|b| (0..rng.random_range(12..30)).map(|i| t_row(rng, b, i)).collect()).collect();
    let u = (0..2).map(|b| (0..rng.random_range(12..40)).map(|i| u_row(rng, b, i)).collect()).collect();
    let r = ["a", "b", "ca", "cb"].map(|region| vec![Value::Text(region.into()), pick(rng, &["north", "south"])]);
    let x = (0..12).map(|i| {
        let total = Value::Whole(MARKED + rng.random_range(0..9_000));
        vec![Value::Whole(i), total, Value::Text(mark(usize::try_from(i).unwrap(), 0, 's'))]
    });
    vec![
        Table { name: "ops.t", columns: T.to_vec(), batches: t },
        Table { name: "ops.u", columns: U.to_vec(), batches: u },
        Table { name: "ref.r", columns: R.to_vec(), batches: vec![r.to_vec()] },
        Table { name: "fin.x", columns: X.to_vec(), batches: vec![x.collect()] },
    ]
}

/// The first rows of each batch are such that everyone sees one: no version of anyone is without its file.
fn t_row(rng: &mut StdRng, batch: usize, at: usize) -> Row {
    let region = match at {
        0 => Value::Text("a".into()),
        1 => Value::Text("ca".into()),
        _ => {
            let region = pick(rng, &["a", "b", "ca", "cb"]);
            or_null(rng, region)
        }
    };
    let (price, flag) = (rng.random_range(-500..5_000), rng.random());
    let amount = if rng.random_bool(0.3) { MARKED } else { 0 } + rng.random_range(-5..90);
    // Most can be cast, and the others only where a query should not reach.
    let code = if rng.random_bool(0.6) { rng.random_range(0..60).to_string() } else { mark(at, batch, 'c') };
    let (year, ordinal) = (rng.random_range(2019..2023), rng.random_range(1..360));
    vec![
        Value::Whole(i64::try_from(batch * 100 + at).unwrap()),
        region,
        or_null(rng, Value::Text(mark(at, batch, 'n'))),
        or_null(rng, Value::Whole(amount)),
        or_null(rng, Value::Money(price)),
        or_null(rng, Value::Day(days(year, ordinal))),
        or_null(rng, Value::Text(code)),
        or_null(rng, Value::Truth(flag)),
    ]
}

fn u_row(rng: &mut StdRng, batch: usize, at: usize) -> Row {
    let place = match at {
        0 => Value::Text("p".into()),
        _ => {
            let place = pick(rng, &["p", "q", "r", "s"]);
            or_null(rng, place)
        }
    };
    let note = if rng.random_bool(0.4) { rng.random_range(0..99_999).to_string() } else { mark(at, batch, 'o') };
    let (t_id, qty) = (rng.random_range(0..230), rng.random_range(0..80));
    vec![
        Value::Whole(i64::try_from(batch * 100 + at).unwrap()),
        or_null(rng, Value::Whole(t_id)),
        place,
        or_null(rng, Value::Whole(qty)),
        or_null(rng, Value::Text(note)),
    ]
}

fn text(v: &Value) -> Option<&str> {
    match v {
        Value::Text(t) => Some(t),
        _ => None,
    }
}

fn whole(v: &Value) -> Option<i64> {
    match v {
        Value::Whole(n) => Some(*n),
        _ => None,
    }
}

/// The keyed hash as it is documented: of the value's text, cut to 64 bits.
fn hashed(v: &Value) -> Value {
    let Value::Text(t) = v else { return Value::Null };
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(b"mask\0");
    mac.update(t.as_bytes());
    Value::Text(mac.finalize().into_bytes().iter().take(8).map(|b| format!("{b:02x}")).collect())
}

fn year(v: &Value) -> Value {
    match v {
        Value::Day(d) => Value::Day(days(date(*d).year(), 1)),
        _ => Value::Null,
    }
}

fn last4(v: &Value) -> Value {
    let Value::Text(t) = v else { return Value::Null };
    let letters: Vec<char> = t.chars().collect();
    let end: String = letters.iter().skip(letters.len().saturating_sub(4)).collect();
    Value::Text(if letters.len() > 4 { format!("•••{end}") } else { "•••".to_owned() })
}

fn redacted() -> Value {
    Value::Text("•••".into())
}

/// The two grants of the first partner on `ops.u`: whether each gives the row.
fn gives(row: &Row) -> (bool, bool) {
    (matches!(text(&row[2]), Some("p" | "q")), whole(&row[3]).is_some_and(|q| q < 40))
}

pub fn partners() -> [Partner; 2] {
    let r = || View { name: "ref.r", columns: R.to_vec(), shows: |r| Some(r.clone()), twin: Clone::clone };
    let one = vec![
        View {
            name: "ops.t",
            columns: T.to_vec(),
            shows: |r| {
                let hidden = text(&r[1]) != Some("a");
                let mut cells = r.clone();
                cells[2] = hashed(&r[2]);
                cells[3] = Value::Null;
                (!hidden).then_some(cells)
            },
            twin: |r| {
                let mut other = r.clone();
                other[3] = Value::Whole(5);
                other
            },
        },
        View {
            name: "ops.u",
            columns: U.to_vec(),
            shows: |r| {
                let (first, second) = gives(r);
                let cell = |at: usize| if first { r[at].clone() } else { Value::Null };
                let note = if second { redacted() } else { Value::Null };
                (first || second).then(|| vec![r[0].clone(), cell(1), cell(2), cell(3), note])
            },
            twin: |r| {
                let mut other = r.clone();
                if !gives(r).0 {
                    other[1] = Value::Whole(1);
                    // Still of the second grant alone.
                    other[2] = Value::Text("s".into());
                    other[3] = Value::Whole(7);
                }
                other[4] = Value::Text("1".into());
                other
            },
        },
        r(),
    ];
    let two = vec![
        View {
            name: "ops.t",
            columns: T.iter().filter(|c| c.0 != "code").copied().collect(),
            shows: |r| {
                let given = text(&r[1]).is_some_and(|t| t.starts_with('c')) || whole(&r[3]).is_some_and(|a| a % 3 == 0);
                let mut cells = r.clone();
                cells[5] = year(&r[5]);
                cells.remove(6);
                given.then_some(cells)
            },
            twin: |r| {
                let mut other = r.clone();
                other[5] = match &r[5] {
                    Value::Day(d) => Value::Day(days(date(*d).year(), 361)),
                    v => v.clone(),
                };
                other[6] = Value::Text("1".into());
                other
            },
        },
        View {
            name: "ops.u",
            columns: U.to_vec(),
            shows: |r| {
                let mut cells = r.clone();
                cells[4] = last4(&r[4]);
                text(&r[2]).is_some_and(|p| p != "r").then_some(cells)
            },
            twin: |r| {
                let mut other = r.clone();
                other[4] = match last4(&r[4]) {
                    Value::Text(t) if t == "•••" => Value::Text("0".into()),
                    Value::Text(t) => Value::Text(t.replace("•••", "12345")),
                    v => v,
                };
                other
            },
        },
        View {
            name: "fin.x",
            columns: X[..2].to_vec(),
            shows: |r| Some(r[..2].to_vec()),
            twin: |r| vec![r[0].clone(), r[1].clone(), Value::Text("1".into())],
        },
        r(),
    ];
    [
        Partner { who: person("one", &["one"], &[("region", &["a"])]), views: one },
        Partner { who: person("two", &["two"], &[]), views: two },
    ]
}

impl View {
    /// The dataset as it would lie there if nothing were hidden.
    fn honest(&self, table: &Table) -> Table {
        let batches = table.batches.iter().map(|rows| rows.iter().filter_map(self.shows).collect());
        Table { name: self.name, columns: self.columns.clone(), batches: batches.collect() }
    }

    /// The dataset without what is hidden, and with other values under every mask.
    fn twin(&self, table: &Table) -> Table {
        let visible = |rows: &Vec<Row>| rows.iter().filter(|r| (self.shows)(r).is_some()).map(self.twin).collect();
        Table { name: self.name, columns: table.columns.clone(), batches: table.batches.iter().map(visible).collect() }
    }
}

impl Partner {
    fn each(&self, tables: &[Table], of: fn(&View, &Table) -> Table) -> Vec<Table> {
        self.views.iter().map(|v| of(v, tables.iter().find(|t| t.name == v.name).unwrap())).collect()
    }

    pub async fn honest(&self, tables: &[Table]) -> Open {
        open(EVERYTHING, &self.each(tables, View::honest)).await
    }

    pub async fn twin(&self, tables: &[Table]) -> Open {
        let twins = self.each(tables, View::twin);
        for (view, (twin, table)) in self.views.iter().zip(twins.iter().zip(self.each(tables, View::honest))) {
            let same: Vec<Vec<Row>> =
                twin.batches.iter().map(|rows| rows.iter().filter_map(view.shows).collect()).collect();
            assert_eq!(same, table.batches, "the twin of {} shows something else", view.name);
        }
        open(POLICY, &twins).await
    }

    /// Every text and number by which a row of these tables can be told, unless this person sees it.
    pub fn hidden(&self, tables: &[Table]) -> BTreeSet<String> {
        let marks = |tables: &[Table]| -> BTreeSet<String> {
            let cells = tables.iter().flat_map(|t| t.batches.iter().flatten().flatten());
            cells
                .filter_map(|v| match v {
                    Value::Text(t) if t.starts_with("zq") => Some(t.clone()),
                    Value::Whole(n) if *n >= MARKED - 5 => Some(n.to_string()),
                    _ => None,
                })
                .collect()
        };
        marks(tables).difference(&marks(&self.each(tables, View::honest))).cloned().collect()
    }
}

/// A lake with its folder, since a store in memory cannot be opened twice.
pub struct Open {
    pub lake: Lake,
    _folder: tempfile::TempDir,
}

/// The lake that holds these tables under this policy.
pub async fn open(policy: &str, tables: &[Table]) -> Open {
    let folder = tempfile::tempdir().unwrap();
    let mut config = LakeConfig::new(StoreConfig::Folder(folder.path().to_owned()));
    config.secret = Some(SECRET.to_vec());
    config.freshness = Duration::from_secs(3_600);
    config.limits.result_rows = 20_000;
    config.limits.query_time = Duration::from_secs(20);
    let store = Store::open(&config.store).unwrap();
    store.write(&path::policy(), policy.as_bytes().to_vec()).await.unwrap();
    let committer = Tables::new(store, Duration::ZERO);
    for table in tables {
        for (i, rows) in table.batches.iter().enumerate() {
            let batch = batch(&table.columns, rows);
            let commit = Commit {
                sha256: format!("{}{i}", table.name),
                ingest: format!("{i}"),
                file: "x".into(),
                by: "test".into(),
                ..Commit::default()
            };
            committer.commit(&table.name.parse().unwrap(), batch.schema(), vec![batch], commit).await.unwrap();
        }
    }
    Open { lake: Lake::open(config).await.unwrap(), _folder: folder }
}

fn batch(columns: &[(&'static str, Kind)], rows: &[Row]) -> RecordBatch {
    let column = |at: usize, kind: Kind| -> ArrayRef {
        let cells = rows.iter().map(|r| &r[at]);
        match kind {
            Kind::Whole => Arc::new(cells.map(whole).collect::<Int64Array>()),
            Kind::Text => Arc::new(cells.map(text).collect::<StringArray>()),
            Kind::Day => {
                Arc::new(cells.map(|v| if let Value::Day(d) = v { Some(*d) } else { None }).collect::<Date32Array>())
            }
            Kind::Money => {
                let cents = cells.map(|v| if let Value::Money(c) = v { Some(*c) } else { None });
                Arc::new(cents.collect::<Decimal128Array>().with_precision_and_scale(10, 2).unwrap())
            }
            Kind::Truth => {
                Arc::new(cells.map(|v| if let Value::Truth(b) = v { Some(*b) } else { None }).collect::<BooleanArray>())
            }
        }
    };
    let of = |kind: Kind| match kind {
        Kind::Whole => DataType::Int64,
        Kind::Text => DataType::Utf8,
        Kind::Day => DataType::Date32,
        Kind::Money => DataType::Decimal128(10, 2),
        Kind::Truth => DataType::Boolean,
    };
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(*name, of(*kind), true)).collect();
    let arrays = columns.iter().enumerate().map(|(at, (_, kind))| column(at, *kind)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}
