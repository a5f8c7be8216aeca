//! Random tables, written as CSV in random dialects and encodings, give every value back.

#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::{
    array::{Array, AsArray},
    datatypes::{Float64Type, Int64Type},
};
use lake::{Limits, contract::Contract, ingest::read_file};
use rand::{Rng, SeedableRng, rngs::StdRng};

const SEEDS: u64 = 400;

#[derive(Debug, Clone, Copy)]
struct Dialect {
    delimiter: char,
    quote: char,
    line_end: &'static str,
    encoding: Encoding,
    /// Whether the last line has a line end.
    ended: bool,
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

#[derive(Debug)]
struct Row {
    text: Option<String>,
    id: i64,
    number: Option<f64>,
    note: Option<String>,
}

fn pick<T: Copy>(rng: &mut StdRng, of: &[T]) -> T {
    of[rng.random_range(0..of.len())]
}

fn dialect(rng: &mut StdRng) -> Dialect {
    Dialect {
        delimiter: pick(rng, &[',', ';', '\t', '|']),
        quote: pick(rng, &['"', '"', '\'']),
        line_end: pick(rng, &["\n", "\r\n", "\r"]),
        encoding: pick(
            rng,
            &[Encoding::Utf8, Encoding::Utf8Bom, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1252],
        ),
        ended: rng.random(),
    }
}

fn text(rng: &mut StdRng, narrow: bool) -> Option<String> {
    const NARROW: &[&str] =
        &["a", "Zoë", "ü", "1", " ", ",", ";", "|", "\t", "\"", "\"\"", "'", "''", "\n", "\r\n", "#", "€", "007"];
    const WIDE: &[&str] = &["日本", "👩\u{200d}👧", "ש", "e\u{301}", "\u{feff}", "𝄞"];
    let parts = rng.random_range(0..6);
    let text: String = (0..parts)
        .map(|_| if narrow || rng.random_range(0..3) > 0 { pick(rng, NARROW) } else { pick(rng, WIDE) })
        .collect();
    (!text.is_empty()).then_some(text)
}

fn rows(rng: &mut StdRng, dialect: Dialect) -> Vec<Row> {
    let narrow = matches!(dialect.encoding, Encoding::Windows1252);
    let count = rng.random_range(2..30);
    let mut rows: Vec<Row> = (0..count)
        .map(|_| Row {
            // Something of the encoding in each row: a file of ASCII alone is rightly called UTF-8.
            text: text(rng, narrow).map(|t| if narrow { format!("ÿ{t}") } else { t }),
            id: rng.random(),
            number: rng.random_bool(0.8).then(|| f64::from(rng.random::<i32>()) / 64.0),
            note: text(rng, narrow),
        })
        .collect();
    if dialect.quote == '\'' {
        // Single quotes are quotes when the file shows it: here they hold a delimiter.
        rows[0].text = Some(format!("ÿ{}", dialect.delimiter));
    }
    rows
}

fn write(rows: &[Row], dialect: Dialect) -> Vec<u8> {
    let Dialect { delimiter, quote, line_end, encoding, ended } = dialect;
    let quoted = |t: &Option<String>| match t {
        Some(t) => format!("{quote}{}{quote}", t.replace(quote, &format!("{quote}{quote}"))),
        None => String::new(),
    };
    let mut lines = vec![["text", "id", "number", "note"].join(&delimiter.to_string())];
    for row in rows {
        let number = row.number.map(|n| n.to_string()).unwrap_or_default();
        lines.push([quoted(&row.text), row.id.to_string(), number, quoted(&row.note)].join(&delimiter.to_string()));
    }
    let mut out = lines.join(line_end);
    if ended {
        out.push_str(line_end);
    }
    match encoding {
        Encoding::Utf8 => out.into_bytes(),
        Encoding::Utf8Bom => format!("\u{feff}{out}").into_bytes(),
        Encoding::Utf16Le => format!("\u{feff}{out}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => format!("\u{feff}{out}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(&out).0.into_owned(),
    }
}

#[test]
fn every_value_of_a_random_table_comes_back() {
    let types = "[column.text]\ntype='text'\n[column.id]\ntype='int64'\n[column.number]\ntype='float64'\n[column.note]\ntype='text'\n[[source]]\nmatch='*'\ndecimal='.'\n";
    let contract = Contract::parse(types.as_bytes(), "contract").unwrap();
    for seed in 0..SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let dialect = dialect(&mut rng);
        let rows = rows(&mut rng, dialect);
        let bytes = write(&rows, dialect);
        let shown = format!("seed {seed} {dialect:?}\n{}", String::from_utf8_lossy(&bytes));
        let reading = read_file(&bytes.into(), "landing/a/b/x.csv", Some(&contract), None, &Limits::default());
        assert!(reading.quarantined.is_empty(), "{shown}\n{:?}", reading.quarantined);
        let landing = reading.outcome.unwrap_or_else(|e| panic!("{shown}\n{e:?}"));
        let batch = &landing.batches[0];
        assert_eq!(batch.num_rows(), rows.len(), "{shown}");
        let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no {name}: {shown}")).clone();
        let (text, id, number, note) = (column("text"), column("id"), column("number"), column("note"));
        let string = |a: &dyn Array, at: usize| a.is_valid(at).then(|| a.as_string::<i32>().value(at).to_owned());
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(string(&text, at), row.text, "row {at} {shown}");
            assert_eq!(string(&note, at), row.note, "row {at} {shown}");
            assert_eq!(id.as_primitive::<Int64Type>().value(at), row.id, "row {at} {shown}");
            let found = number.is_valid(at).then(|| number.as_primitive::<Float64Type>().value(at));
            assert_eq!(found, row.number, "row {at} {shown}");
        }
    }
}
