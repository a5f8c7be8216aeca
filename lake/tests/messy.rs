//! The corpus of messy files: each folder of `messy/` is a file and what must become of it, each a test of its name.
//! `messy/README.md` says what the keys of `expected.json` mean.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, path::Path};

use lake::{
    Limits,
    contract::{Contract, Source, draft},
    ingest::{Reading, read_file, told},
};
use model::Inspection;
use serde_json::Value;

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

fn lands_as_well_under_the_contract_drafted_from_it(bytes: &bytes::Bytes, path: &str, reading: &Reading) {
    let text = draft(reading, path.rsplit('/').next().unwrap(), &Source::default());
    let contract = Contract::parse(text.as_bytes(), "draft").unwrap_or_else(|e| panic!("{e}\n{text}"));
    let again = read_file(bytes, path, Some(&contract), None, &Limits::default());
    let (Inspection::Lands(free), Inspection::Lands(bound)) = (told(reading, u64::MAX), told(&again, u64::MAX)) else {
        panic!("{:?}\n{text}", again.outcome.err());
    };
    assert_eq!((free.rows, free.values), (bound.rows, bound.values), "{text}");
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
    assert_eq!(reading.rows.read, reading.rows.landed + reading.rows.quarantined);
    let found = serde_json::to_value(told(&reading, u64::MAX)).unwrap();
    for (key, value) in expected.as_object().unwrap() {
        if key == "values" {
            for (row, values) in value.as_object().unwrap() {
                assert_eq!(found[key][row], *values, "{case}: row {row}\n{}", expected["about"]);
            }
        } else if key != "about" {
            assert_eq!(found[key], *value, "{case}: {key}\n{}\n{}", expected["about"], found["message"]);
        }
    }
    if found["outcome"] == "lands" {
        lands_as_well_under_the_contract_drafted_from_it(&bytes, &path, &reading);
    }
}
