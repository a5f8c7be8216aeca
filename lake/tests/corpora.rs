//! Files of others, as they are in the world: csv-spectrum with what each must give, and every CSV and TSV of
//! vega-datasets, of which no row may be lost and every value must come back as its author wrote it.
//!
//! `scripts/corpora` fetches them; `TEST_CORPORA` says where they are. Without it these tests say so and pass.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray},
    csv::ReaderBuilder,
    datatypes::{DataType, Field, Schema},
};
use lake::{
    Limits,
    ingest::{read_file, told},
};
use model::{ColumnType, Inspection, Lands, RowNumber};
use serde_json::{Map, Value};

fn folder(package: &str) -> Option<PathBuf> {
    let Some(corpora) = std::env::var_os("TEST_CORPORA") else {
        eprintln!("TEST_CORPORA is not set: {package} is not read; `make test` sets it");
        return None;
    };
    Some(Path::new(&corpora).join(package))
}

fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}; run scripts/corpora", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|f| endings.iter().any(|e| f.extension().is_some_and(|x| x == *e)));
    files.sort();
    assert!(files.len() > 10, "{} files in {}", files.len(), folder.display());
    files
}

fn land(file: &Path) -> Box<Lands> {
    let name = file.file_name().unwrap().to_str().unwrap();
    let bytes = std::fs::read(file).unwrap().into();
    let reading = read_file(&bytes, &format!("landing/a/b/{name}"), None, None, &Limits::default());
    match told(&reading, u64::MAX) {
        Inspection::Lands(lands) => lands,
        Inspection::Refused(refused) => panic!("{name}: {}", refused.message),
    }
}

/// Whether what landed is what was written: the same text, the same number, or an empty field as no value.
fn same(landed: Option<&str>, written: &str, of: ColumnType) -> bool {
    match (landed, of) {
        (None, ColumnType::Text) => written.is_empty(),
        (None, _) => ["", "NA", "N/A", "n/a", "null", "NULL", "None", "-", "."].contains(&written.trim()),
        (Some(landed), ColumnType::Text | ColumnType::Int64) => {
            landed == if of == ColumnType::Text { written } else { written.trim() }
        }
        (Some(landed), ColumnType::Float64 | ColumnType::Decimal(..)) => {
            landed.parse::<f64>().is_ok_and(|l| written.trim().parse::<f64>() == Ok(l))
        }
        (Some(landed), ColumnType::Boolean) => landed == written.trim().to_lowercase(),
        // Dates are compared by their digits: however they were written, these are the same.
        (Some(landed), _) => {
            let digits = |s: &str| {
                let mut digits: Vec<u32> =
                    s.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).filter(|n| *n != 0).collect();
                digits.sort_unstable();
                digits
            };
            let (l, w) = (digits(landed), digits(written));
            l == w || written.chars().any(char::is_alphabetic)
        }
    }
}

#[test]
fn csv_spectrum_gives_what_it_expects() {
    let Some(folder) = folder("csv-spectrum") else { return };
    for file in files(&folder.join("csvs"), &["csv"]) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        if name == "location_coordinates" {
            // Its JSON is of another file than its CSV: the telephone numbers differ.
            assert_eq!(land(&file).rows.landed, 1);
            continue;
        }
        let json = std::fs::read_to_string(folder.join("json").join(format!("{name}.json"))).unwrap();
        let expected: Vec<Map<String, Value>> = serde_json::from_str(&json).unwrap();
        let lands = land(&file);
        assert_eq!(lands.rows.landed, expected.len() as u64, "{name}");
        for (at, row) in expected.iter().enumerate() {
            assert_eq!(lands.columns.iter().map(|c| &c.label).collect::<Vec<_>>(), row.keys().collect::<Vec<_>>());
            for ((column, value), (key, written)) in
                lands.columns.iter().zip(&lands.values[&RowNumber(at as u64)]).zip(row)
            {
                let written = written.as_str().unwrap();
                // The corpus expects line ends as they stand in the file.
                assert!(
                    same(value.as_deref(), written, column.column_type),
                    "{name} row {at} {key}: {value:?} {written:?}"
                );
            }
        }
    }
}

#[test]
fn every_value_of_vega_datasets_comes_back() {
    let Some(folder) = folder("vega-datasets") else { return };
    for file in files(&folder.join("data"), &["csv", "tsv"]) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let lands = land(&file);
        assert_eq!(lands.rows.quarantined, 0, "{name}: {:?}", lands.quarantined.first());
        let delimiter = lands.delimiter.as_deref().unwrap().as_bytes()[0];
        let fields: Vec<Field> = lands.columns.iter().map(|c| Field::new(&c.label, DataType::Utf8, true)).collect();
        let reader = ReaderBuilder::new(Arc::new(Schema::new(fields)))
            .with_header(lands.header_line.is_some())
            .with_delimiter(delimiter)
            .build(std::fs::File::open(&file).unwrap())
            .unwrap();
        let mut at = 0;
        for batch in reader {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                for ((column, value), array) in
                    lands.columns.iter().zip(&lands.values[&RowNumber(at)]).zip(batch.columns())
                {
                    let array = array.as_string::<i32>();
                    let written = if array.is_null(row) { "" } else { array.value(row) };
                    let good = same(value.as_deref(), written, column.column_type);
                    assert!(good, "{name} row {at} {}: {value:?} for {written:?}", column.name);
                }
                at += 1;
            }
        }
        assert_eq!(at, lands.rows.landed, "{name}");
    }
}

/// The objects of every JSON file that is an array of them.
#[test]
fn every_value_of_vega_datasets_in_json_comes_back() {
    let Some(folder) = folder("vega-datasets") else { return };
    let mut tables = 0;
    for file in files(&folder.join("data"), &["json"]) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let Value::Array(objects) = serde_json::from_str(&text).unwrap() else { continue };
        tables += 1;
        let lands = land(&file);
        assert_eq!((lands.rows.landed, lands.rows.quarantined), (objects.len() as u64, 0), "{name}");
        let mut labels: Vec<&String> = Vec::new();
        for key in objects.iter().flat_map(|o| o.as_object().unwrap().keys()) {
            if !labels.contains(&key) {
                labels.push(key);
            }
        }
        assert_eq!(lands.columns.iter().map(|c| &c.label).collect::<Vec<_>>(), labels, "{name}");
        for (at, object) in objects.iter().enumerate() {
            for (column, value) in lands.columns.iter().zip(&lands.values[&RowNumber(at as u64)]) {
                let (value, written) = (value.as_deref(), object.get(&column.label).unwrap_or(&Value::Null));
                let good = match written {
                    Value::Null => value.is_none(),
                    Value::String(text) => same(value, text, column.column_type),
                    Value::Bool(b) => value == Some(b.to_string().as_str()),
                    // The test's own parser may be off by the last bit.
                    Value::Number(n) => value.is_some_and(|v| {
                        let (v, n) = (v.parse::<f64>().unwrap(), n.as_f64().unwrap());
                        (v - n).abs() <= f64::EPSILON * n.abs()
                    }),
                    nested => value.is_some_and(|v| serde_json::from_str::<Value>(v).ok().as_ref() == Some(nested)),
                };
                assert!(good, "{name} row {at} {}: {value:?} for {written}", column.name);
            }
        }
    }
    assert!(tables > 30, "{tables} tables");
}

/// The types of every column, as they were read once and looked at by a person.
#[test]
fn types_of_vega_datasets_are_the_known_ones() {
    let Some(folder) = folder("vega-datasets") else { return };
    let known = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/vega-datasets.txt"));
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for file in files(&folder.join("data"), &["csv", "tsv"]) {
        let lands = land(&file);
        let mut line = String::new();
        for column in &lands.columns {
            let warning = column.warning.map(|w| format!("!{w:?}")).unwrap_or_default();
            let _ = write!(line, " {}:{}{warning}", column.name, column.column_type);
        }
        found.insert(file.file_name().unwrap().to_str().unwrap().to_owned(), line);
    }
    let text: String = found.iter().map(|(file, columns)| format!("{file}{columns}\n")).collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(known, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(known).unwrap());
}
