//! The corpus of messy files: each folder of `messy/` is a file and what must become of it, each a test of its name.
//! `messy/README.md` says what the keys of `expected.json` mean.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, path::Path};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::concat_batches,
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType},
};
use lake::{
    Limits,
    ingest::{Landing, Reading, read_file},
};
use serde_json::{Map, Value, json};

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(&stringify!($name).replace('_', "-"));
            }
        )*

        #[test]
        fn every_folder_is_a_test() {
            let listed: BTreeSet<String> = [$(stringify!($name).replace('_', "-")),*].into();
            let entries = std::fs::read_dir(corpus()).unwrap().map(Result::unwrap);
            let folders = entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().into_string().unwrap());
            assert_eq!(listed, folders.collect());
        }
    };
}

cases! {
    ambiguous_comma_group
    ambiguous_day_month
    ambiguous_point_group
    backslash_escaped_quotes
    blank_lines_and_empty_rows
    bom_utf16be_semicolon
    bom_utf16le_tab
    bom_utf8
    booleans_and_lookalikes
    bzip2_named_csv
    case_only_duplicate_headers
    column_all_null
    cr_only
    currency_and_percent
    dates_that_do_not_exist
    day_first_decided_at_row_200
    decimal_marks_contradict
    duplicate_and_empty_headers
    emoji_rtl_combining
    empty_file
    english_thousands
    everything_quoted_crlf_no_final_newline
    excel_sep_line
    exponent_negative_zero_nan_inf
    float_digits
    footer_total_full_width
    footer_total_ragged
    formula_like_cells
    german_numbers_and_dates
    gzip_bomb
    gzip_cut_short
    gzip_named_csv
    hash_comments
    hash_header
    header_500_characters
    header_absent_all_numeric
    header_non_latin
    header_only
    header_units_punctuation
    integers_at_and_past_64_bits
    iso_dates
    json_array_named_csv
    leading_zeros
    mixed_line_ends
    month_names_and_two_digit_years
    na_is_null_or_namibia
    ndjson_mixed_types
    nul_in_text
    parquet_named_csv
    pdf_named_csv
    pipe_commas_in_text
    png_named_csv
    quote_closes_too_early
    quoted_newlines_doubled_quotes
    ragged_short_and_long
    semicolon_with_decimal_comma_in_each_row
    single_quote_dialect
    spaces_around_values
    stray_quote_mid_field
    tab_commas_in_text
    timestamps_local_nanoseconds
    timestamps_mixed_zones
    timestamps_with_offsets
    title_preamble_blank_line
    too_many_rejects
    type_changes_at_row_9000
    unclosed_quote_swallows_rest
    utf16le_no_bom
    very_long_field_200_kb
    very_wide_1000_columns
    whitespace_only_file
    windows_1252_umlauts_euro
    xlsx_named_csv
    zip_with_one_file
    zip_with_three_files
    zstd_named_csv
}

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messy"))
}

fn check(case: &str) {
    let folder = corpus().join(case);
    let input =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).find(|p| p.file_stem().unwrap() == "input");
    let input = input.unwrap();
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let bytes = std::fs::read(&input).unwrap().into();
    let path = format!("landing/a/b/{}", input.file_name().unwrap().to_str().unwrap());
    let reading = read_file(&bytes, &path, None, None, &Limits::default());
    let found = described(&reading, &expected);
    for (key, value) in expected.as_object().unwrap() {
        if key != "about" {
            assert_eq!(
                found[key],
                *value,
                "{case}: {key}\n{}\n{:?}",
                expected["about"],
                reading.outcome.as_ref().err()
            );
        }
    }
}

/// What was read, in the shape of `expected.json`; of the values, those rows that are expected.
fn described(reading: &Reading, expected: &Value) -> Value {
    let landing = match &reading.outcome {
        Ok(landing) => landing,
        Err(refusal) => return json!({ "outcome": "refused", "refused_because": refusal.because }),
    };
    let columns: Vec<Value> = reading
        .columns
        .iter()
        .map(|c| json!({ "name": c.name, "label": c.label, "type": c.column_type, "nulls": c.nulls, "warning": c.warning }))
        .collect();
    let rows = reading.rows;
    assert_eq!(rows.read, rows.landed + rows.quarantined);
    json!({
        "outcome": "lands",
        "encoding": reading.encoding,
        "compression": reading.compression,
        "format": reading.format,
        "delimiter": reading.delimiter,
        "columns": columns,
        "rows": { "landed": rows.landed, "quarantined": rows.quarantined, "skipped": rows.skipped },
        "quarantined_lines": reading.quarantined.iter().map(|q| q.line).collect::<Vec<_>>(),
        "values": values(landing, expected["values"].as_object().unwrap()),
    })
}

fn values(landing: &Landing, expected: &Map<String, Value>) -> Map<String, Value> {
    let batch = concat_batches(&landing.schema, &landing.batches).unwrap();
    let row = |n: usize| batch.columns().iter().map(|c| canonical(c, n)).collect::<Vec<_>>();
    expected.keys().map(|n| (n.clone(), json!(row(n.parse().unwrap())))).collect()
}

/// A value as `messy/README.md` writes it.
fn canonical(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => array.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string(),
        DataType::Timestamp(_, zone) => {
            let at = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
            let mut text = at.format("%Y-%m-%dT%H:%M:%S").to_string();
            let micros = at.and_utc().timestamp_subsec_micros();
            if micros > 0 {
                text += format!(".{micros:06}").trim_end_matches('0');
            }
            text + if zone.is_some() { "Z" } else { "" }
        }
        other => panic!("no column has the type {other}"),
    })
}

/// The shortest form that reads back the same, as Python's `repr` writes it.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
