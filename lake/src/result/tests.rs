//! Stored results: what is not whole is absent, and each type in each format.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
        Int64Array, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
        TimestampSecondArray, UInt64Array,
    },
    datatypes::{DataType, Field, Int32Type, Schema},
};
use chrono::Utc;
use futures::TryStreamExt;
use model::{Cell, ColumnType, ExportFormat, Formulas};
use proptest::prelude::*;
use serde_json::json;

use super::{BATCH_ROWS, ResultMeta, Results, Seen, Shape, StoredResult, encode, frame, object};
use crate::{Limits, StoreConfig, store::Store};

const KEY: [u8; 32] = [3; 32];

fn result(columns: Vec<(&str, ArrayRef)>) -> StoredResult {
    let fields: Vec<_> = columns.iter().map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, a)| a).collect()).unwrap();
    let shape = Shape::of(&schema);
    let batch = shape.cast(&batch).unwrap();
    let table = Arc::new(Schema::new(vec![Field::new("hidden", DataType::Utf8View, true)]));
    let name = "ops.flights".parse().unwrap();
    let seen = vec![Seen { name, version: 4, access: "ab".into(), schema: Some(table) }];
    let rows = batch.num_rows();
    let mut batches = Vec::new();
    for first in (0..rows).step_by(BATCH_ROWS) {
        batches.push(batch.slice(first, BATCH_ROWS.min(rows - first)));
    }
    let (rows, bytes) = (rows as u64, batch.get_array_memory_size() as u64);
    let meta = ResultMeta { owner: None, seen, rows, bytes, started_at: Utc::now(), elapsed_ms: 5 };
    StoredResult { meta, columns: shape.columns, schema: shape.schema, batches }
}

fn numbers(n: i64) -> StoredResult {
    result(vec![("n", Arc::new(Int64Array::from_iter_values(0..n)))])
}

fn every_type() -> StoredResult {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let dictionary: DictionaryArray<Int32Type> = [Some("a,b"), None].into_iter().collect();
    result(vec![
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("int", Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None]))),
        ("count", Arc::new(UInt64Array::from(vec![Some(7), None]))),
        ("float", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN)]))),
        ("float32", Arc::new(Float32Array::from(vec![Some(0.5), Some(f32::NEG_INFINITY)]))),
        ("money", Arc::new(Decimal128Array::from(vec![Some(-1250), None]).with_precision_and_scale(12, 2).unwrap())),
        ("day", Arc::new(Date32Array::from(vec![Some(20_782), None]))),
        ("local", Arc::new(TimestampSecondArray::from(vec![Some(0), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), None]).with_timezone("+02:00"))),
        ("text", Arc::new(StringViewArray::from(vec![Some("a \"b\"\n"), Some("")]))),
        ("kind", Arc::new(dictionary)),
        ("list", Arc::new(list)),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(b"\x01\xff".as_slice()), None]))),
        ("nothing", Arc::new(NullArray::new(2))),
        ("text", Arc::new(StringArray::from(vec![Some("=1+1"), Some("é")]))),
    ])
}

#[test]
fn every_type_becomes_one_of_the_model() {
    let result = every_type();
    let types: Vec<_> = result.columns.iter().map(|c| (c.name.as_str(), c.column_type.to_string())).collect();
    let expected = [
        ("flag", "boolean"),
        ("int", "int64"),
        ("count", "int64"),
        ("float", "float64"),
        ("float32", "float64"),
        ("money", "decimal(12,2)"),
        ("day", "date"),
        ("local", "timestamp"),
        ("at", "timestamp_utc"),
        ("text", "text"),
        ("kind", "text"),
        ("list", "text"),
        ("bytes", "text"),
        ("nothing", "text"),
        ("text_2", "text"),
    ];
    assert_eq!(types, expected.map(|(n, t)| (n, t.to_owned())));
    assert_eq!(result.columns[5].column_type, ColumnType::Decimal(12, 2));
}

fn first_row() -> Vec<Cell> {
    vec![
        json!(true),
        json!(9_007_199_254_740_993_i64),
        json!(7),
        json!(0.1),
        json!(0.5),
        json!("-12.50"),
        json!("2026-11-25"),
        json!("1970-01-01T00:00:00"),
        json!("1970-01-01T00:00:01.500Z"),
        json!("a \"b\"\n"),
        json!("a,b"),
        json!("[1, ]"),
        json!("01ff"),
        json!(null),
        json!("=1+1"),
    ]
}

fn second_row() -> Vec<Cell> {
    let mut row = vec![Cell::Null; 15];
    (row[3], row[4], row[9], row[14]) = (json!("NaN"), json!("-inf"), json!(""), json!("é"));
    row
}

#[test]
fn a_page_holds_the_cells_that_the_model_promises() {
    let page = every_type().page(0, 10).unwrap();
    assert_eq!((page.rows_total, page.offset), (2, 0));
    assert_eq!(page.rows, [first_row(), second_row()]);
}

#[test]
fn an_unsigned_number_that_does_not_fit_is_an_error() {
    let array: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::UInt64, true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).unwrap();
    assert!(Shape::of(&schema).cast(&batch).is_err());
}

#[test]
fn pages_are_windows_over_all_batches() {
    let result = numbers(20_000);
    for (offset, limit, first, len) in [
        (0, 3, 0, 3),
        (8_190, 5, 8_190, 5),
        (8_000, 10_000, 8_000, 10_000),
        (19_999, 10, 19_999, 1),
        (20_000, 10, 0, 0),
    ] {
        let page = result.page(offset, limit).unwrap();
        assert_eq!((page.rows.len(), page.rows_total), (len, 20_000));
        if let Some(row) = page.rows.first() {
            assert_eq!(row[0], json!(first));
            assert_eq!(page.rows.last().unwrap()[0], json!(first + len - 1));
        }
    }
    assert_eq!(result.page(0, u64::MAX).unwrap().rows.len(), 10_000);
    assert!(result.page(u64::MAX, u64::MAX).unwrap().rows.is_empty());
}

#[test]
fn a_stored_result_is_read_back_as_it_was() {
    for result in [every_type(), numbers(20_000), numbers(0)] {
        let back = frame::decode(&KEY, &frame::encode(&KEY, &result).unwrap()).unwrap();
        assert_eq!((&back.meta, &back.columns, &back.schema), (&result.meta, &result.columns, &result.schema));
        assert_eq!(back.batches, result.batches);
    }
}

#[test]
fn c_05_an_object_that_is_cut_swapped_or_of_another_format_is_no_result() {
    let whole = frame::encode(&KEY, &every_type()).unwrap();
    let why = |bytes: &[u8]| frame::decode(&KEY, bytes).unwrap_err();
    for length in [0, 1, 8, 15, 16, 47, whole.len() / 2, whole.len() - 1] {
        why(&whole[..length]);
    }
    assert!(frame::decode(&[4; 32], &whole).unwrap_err().contains("the result of 0303"));
    let mut older = whole.clone();
    older[8] = 0;
    assert!(why(&older).contains("format 0"));
    let mut longer = whole;
    longer.push(0);
    why(&longer);
}

proptest! {
    #[test]
    fn c_05_an_object_with_a_flipped_bit_is_no_result(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut object = frame::encode(&KEY, &numbers(10)).unwrap();
        let at = at.index(object.len());
        object[at] ^= 1 << bit;
        prop_assert!(frame::decode(&KEY, &object).is_err());
    }

    #[test]
    fn an_id_leads_to_its_key_and_no_other_text_does(key in any::<[u8; 32]>(), at in 0..64usize) {
        let results = results();
        let id = results.id(&key);
        prop_assert_eq!(results.key(&id), Some(key));
        let mut forged = id.into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        prop_assert_eq!(results.key(std::str::from_utf8(&forged).unwrap()), None);
    }
}

fn results() -> Results {
    Results::new(Store::open(&StoreConfig::Memory).unwrap(), &Limits::default(), vec![1; 32])
}

#[tokio::test]
async fn c_05_a_spoilt_object_is_a_miss() {
    let results = results();
    let result = Arc::new(numbers(10));
    results.keep(&KEY, &result).await.unwrap();
    results.memory.invalidate_all();
    assert_eq!(results.in_store(&KEY).await.unwrap().unwrap().batches, result.batches);
    results.memory.invalidate_all();
    let mut bytes = results.store.read(&object(&KEY)).await.unwrap().unwrap().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    results.store.write(&object(&KEY), bytes).await.unwrap();
    assert!(results.in_store(&KEY).await.unwrap().is_none());
    assert!(results.in_store(&[9; 32]).await.unwrap().is_none());
}

async fn encoded(result: StoredResult, format: ExportFormat) -> Vec<u8> {
    encoded_with(result, format, Formulas::Kept).await
}

async fn encoded_with(result: StoredResult, format: ExportFormat, formulas: Formulas) -> Vec<u8> {
    let handle = tokio::runtime::Handle::current();
    let pieces: Vec<_> = encode::stream(&handle, Arc::new(result), format, formulas).try_collect().await.unwrap();
    pieces.concat()
}

async fn check_text(result: StoredResult, format: ExportFormat, expected: &str) {
    assert_eq!(String::from_utf8(encoded(result, format).await).unwrap(), expected);
}

#[tokio::test]
async fn text_formats_say_each_value() {
    check_text(
        every_type(),
        ExportFormat::Csv,
        "flag,int,count,float,float32,money,day,local,at,text,kind,list,bytes,nothing,text_2\r\n\
         true,9007199254740993,7,0.1,0.5,-12.50,2026-11-25,1970-01-01T00:00:00,1970-01-01T00:00:01.500Z,\
         \"a \"\"b\"\"\n\",\"a,b\",\"[1, ]\",01ff,,=1+1\r\n\
         ,,,NaN,-inf,,,,,\"\",,,,,é\r\n",
    )
    .await;
    let small = || {
        let text = StringArray::from(vec![Some("a\"\u{1}"), None]);
        result(vec![("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef), ("t\"", Arc::new(text))])
    };
    check_text(small(), ExportFormat::Json, "[\n{\"n\":1,\"t\\\"\":\"a\\\"\\u0001\"},\n{\"n\":2,\"t\\\"\":null}\n]\n")
        .await;
    check_text(small(), ExportFormat::Ndjson, "{\"n\":1,\"t\\\"\":\"a\\\"\\u0001\"}\n{\"n\":2,\"t\\\"\":null}\n").await;
    for (format, empty) in [(ExportFormat::Csv, "n\r\n"), (ExportFormat::Json, "[]\n"), (ExportFormat::Ndjson, "")] {
        check_text(numbers(0), format, empty).await;
    }
}

#[tokio::test]
async fn w_23_formulas_are_guarded_in_cells_and_headers_and_numbers_are_left_alone() {
    let texts = ["=1+1", "+49 40", "-x", "@sum", "\tx", "\rx", "=a,b", "a=b", "'=", ""];
    let numbers = Int64Array::from(vec![-1; texts.len()]);
    let made = || {
        let text = Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        result(vec![("=cmd()", text), ("n", Arc::new(numbers.clone()))])
    };
    let guarded = String::from_utf8(encoded_with(made(), ExportFormat::Csv, Formulas::Guarded).await).unwrap();
    let expected = "'=cmd(),n\r\n'=1+1,-1\r\n'+49 40,-1\r\n'-x,-1\r\n'@sum,-1\r\n'\tx,-1\r\n\"'\rx\",-1\r\n\"'=a,b\",-1\r\n\
                    a=b,-1\r\n'=,-1\r\n\"\",-1\r\n";
    assert_eq!(guarded, expected);
    let kept = String::from_utf8(encoded(made(), ExportFormat::Csv).await).unwrap();
    assert!(kept.starts_with("=cmd(),n\r\n=1+1,-1\r\n"), "{kept}");
    let json = encoded_with(made(), ExportFormat::Json, Formulas::Guarded).await;
    assert!(String::from_utf8(json).unwrap().contains("\"=1+1\""));
}

#[tokio::test]
async fn json_is_what_a_page_shows() {
    let json: Vec<serde_json::Map<String, Cell>> =
        serde_json::from_slice(&encoded(every_type(), ExportFormat::Json).await).unwrap();
    let rows: Vec<Vec<Cell>> = json.into_iter().map(|row| row.into_iter().map(|(_, v)| v).collect()).collect();
    assert_eq!(rows, [first_row(), second_row()]);
}

#[tokio::test]
async fn binary_formats_are_read_back_as_they_were() {
    for rows in [0, 20_000, 600_000] {
        let expected = numbers(rows);
        let arrow = encoded(numbers(rows), ExportFormat::Arrow).await;
        let read = arrow::ipc::reader::StreamReader::try_new(arrow.as_slice(), None).unwrap();
        let batches: Vec<_> = read.map(|b| b.unwrap()).collect();
        assert_eq!(batches, expected.batches);

        let parquet = bytes::Bytes::from(encoded(numbers(rows), ExportFormat::Parquet).await);
        let read = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
        let read: Vec<_> = read.with_batch_size(BATCH_ROWS).build().unwrap().map(|b| b.unwrap()).collect();
        assert_eq!(read.iter().map(|b| b.num_rows()).sum::<usize>(), usize::try_from(rows).unwrap());
        assert_eq!(read.first().map(|b| b.column(0)), expected.batches.first().map(|b| b.column(0)));
    }
}
