//! The typing rules beside the corpus: small texts, what their columns become, and into what existing columns they fit.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "workbooks/tests.rs"]
mod workbooks;

use std::sync::Arc;

use arrow::{
    array::{
        Array as _, ArrayRef, AsArray as _, Date64Array, DictionaryArray, Float32Array, Int8Array, ListArray,
        RecordBatch, TimestampNanosecondArray, UInt64Array,
    },
    datatypes::{DataType, Field, Int32Type, Schema, TimestampMicrosecondType},
};
use lake::{
    Limits,
    contract::Contract,
    ingest::{Reading, read_file},
};
use parquet::{
    arrow::ArrowWriter,
    data_type::{Int96, Int96Type},
    file::writer::SerializedFileWriter,
    schema::parser::parse_message_type,
};

fn read(input: &[u8], contract: Option<&str>, existing: Option<&Schema>) -> Reading {
    let contract = contract.map(|c| Contract::parse(c.as_bytes(), "contract").unwrap());
    read_file(&input.to_vec().into(), "landing/a/b/x.csv", contract.as_ref(), existing, &Limits::default())
}

/// `name:type` for each column, `!` after a warning, then landed/quarantined/skipped; or why it was refused.
fn shown(reading: &Reading) -> String {
    if let Err(refusal) = &reading.outcome {
        return format!("{:?}", refusal.because);
    }
    let column = |c: &model::ColumnReport| {
        format!("{}:{}{} ", c.name, c.column_type, if c.warning.is_some() { "!" } else { "" })
    };
    let columns: String = reading.columns.iter().map(column).collect();
    format!("{columns}{}/{}/{}", reading.rows.landed, reading.rows.quarantined, reading.rows.skipped)
}

fn check(cases: &[(&str, &str)]) {
    for (input, expected) in cases {
        assert_eq!(shown(&read(input.as_bytes(), None, None)), *expected, "{input}");
    }
}

fn check_contract(cases: &[(&str, &str, &str)]) {
    for (input, contract, expected) in cases {
        assert_eq!(shown(&read(input.as_bytes(), Some(contract), None)), *expected, "{input}\n{contract}");
    }
}

#[test]
fn a_value_that_stands_against_the_type_of_all_others_is_named() {
    let column = |name: &str, values: &[&str]| {
        format!("{name},n\n{}\n", values.iter().map(|v| format!("{v},1")).collect::<Vec<_>>().join("\n"))
    };
    let warned = |input: &str, contract| read(input.as_bytes(), contract, None).warnings.join(" ");
    let prices = ["1", "2.5", "3", "4", "abc", "6", "7", "8", "9", "10"];
    let said = warned(&column("price", &prices), None);
    assert!(said.starts_with("`price` is text because 1 of its 10 values is no number: `abc` at line 6."), "{said}");
    // Wherever it stands, and however the rows are turned.
    for at in 0..10 {
        let mut turned = prices;
        turned.rotate_left(at);
        let line = 2 + (14 - at) % 10;
        let said = warned(&column("price", &turned), None);
        assert!(said.contains(&format!("no number: `abc` at line {line}.")), "{at}: {said}");
    }
    let days = ["2026-01-01"; 29].iter().chain(&["x", "5"]).copied().collect::<Vec<_>>();
    let said = warned(&column("day", &days), None);
    assert!(said.contains("2 of its 31 values are no dates, first `x` at line 31."), "{said}");
    let json: String =
        (0..20).map(|n| format!("{{\"a\": {}}}\n", if n == 7 { "\"x\"".into() } else { n.to_string() })).collect();
    assert!(warned(&json, None).contains("1 of its 20 values is no number: `x` at line 8."), "{}", warned(&json, None));
    // With the type given, the row waits in quarantine.
    assert_eq!(warned(&column("price", &prices), Some("[column.price]\ntype = \"float64\"\n")), "");
    // Text that is meant.
    for values in [
        &["1", "2", "3", "4", "abc", "6", "7", "8", "9"][..],
        &["00501", "10001", "10002", "10003", "10004", "10005", "10006", "10007", "10008", "10009", "10010"],
        &["a", "b", "c"],
        &["1", "2", "3"],
    ] {
        assert_eq!(warned(&column("code", values), None), "", "{values:?}");
    }
}

#[test]
fn a_header_that_comes_again_is_named() {
    let said = read(b"id,name\n1,a\n2,b\nid,name\n3,c\n", None, None).warnings.join(" ");
    assert!(said.starts_with("The first row comes again at line 4, so it is taken for data"), "{said}");
    for other in [&b"id,name\n1,a\n2,b\n"[..], b"1,a\n2,b\n1,a\n", b"red,\nblue,x\nred,\n"] {
        assert_eq!(read(other, None, None).warnings, Vec::<String>::new());
    }
}

#[test]
fn a_header_is_a_header_by_evidence() {
    check(&[
        ("a,b\n1,x\n", "a:int64 b:text 1/0/0"),
        ("x,1\ny,2\n", "column_1:text column_2:int64 2/0/0"),
        ("country,2019,2020\nDE,5,6\n", "country:text _2019:int64 _2020:int64 1/0/0"),
        ("DE,1952\nDE,1957\nFR,1952\n", "column_1:text column_2:int64 3/0/0"),
        ("a,b\nx,y\nz,w\n", "a:text b:text 2/0/0"),
        ("x,y\nx,z\nw,v\n", "column_1:text column_2:text 3/0/0"),
        ("1,2,3\n", "column_1:int64 column_2:int64 column_3:int64 1/0/0"),
        ("a,b,c\n", "a:text b:text c:text 0/0/0"),
        ("2026-01-01,a\n2026-01-02,b\n", "column_1:date column_2:text 2/0/0"),
        ("NA,1\n2,3\n", "column_1:int64 column_2:int64 2/0/0"),
        ("n\n1\n2\n", "n:int64 2/0/0"),
        ("Report,,\na,b,c\n1,2,3\n", "a:int64 b:int64 c:int64 1/0/1"),
        ("Report\n\na,b,c\n1,2,3\n4,5,6\n", "a:int64 b:int64 c:int64 2/0/2"),
        ("# x\n# y\na,b\n1,2\n3,4\n", "a:int64 b:int64 2/0/2"),
        ("a,b\n1,2\n# note\n3,4\n", "a:int64 b:int64 2/0/1"),
        ("c,n\n#f00,1\n#0f0,2\n", "c:text n:int64 2/0/0"),
    ]);
}

#[test]
fn dialects_are_found_by_evidence() {
    check(&[
        ("a;b\n1,5;2\n", "a:float64 b:int64 1/0/0"),
        ("a|b|c\n1|2|3\n", "a:int64 b:int64 c:int64 1/0/0"),
        ("a\tb\n1\t2\n", "a:int64 b:int64 1/0/0"),
        ("name\nMeyer\n'tHooft\n", "name:text 2/0/0"),
        ("a,b\n'x,1',2\n'y,2',3\n", "a:text b:int64 2/0/0"),
        ("a,b\n'x',2\n'y',3\n", "a:text b:int64 2/0/0"),
        ("a,b\n\"x\\\"y\",1\n\"C:\\z\",2\n", "a:text b:int64 2/0/0"),
        ("a,b\r\n1,2\r3,4\n", "a:int64 b:int64 2/0/0"),
        ("a,b\n1,\"x\ny\"\n2,z", "a:int64 b:text 2/0/0"),
        ("words alone\nin some lines\nof text\n", "words_alone:text 2/0/0"),
        ("note\nfine\nlate\nlate; cause unknown\n", "note:text 3/0/0"),
        ("a,b\n1,2\n   \n3,4\n", "a:int64 b:int64 2/0/1"),
    ]);
}

#[test]
fn numbers_are_numbers_only_when_nothing_is_lost() {
    check(&[
        ("a\n1\n-5\n0\n", "a:int64 3/0/0"),
        ("a\n007\n8\n", "a:text 2/0/0"),
        ("a\n-0\n8\n", "a:float64 2/0/0"),
        ("a\n+5\n8\n", "a:text 2/0/0"),
        ("a\n1.5\n2\n", "a:float64 2/0/0"),
        ("a\n1.50\n2.5e3\n", "a:float64 2/0/0"),
        ("a\n9007199254740993.5\n1\n", "a:decimal(38,1) 2/0/0"),
        ("a\nNaN\ninf\n", "a:text 2/0/0"),
        ("a\nNaN\n1\n", "a:float64 2/0/0"),
        ("a;b\n1.234;1\n12.5;2\n", "a:float64 b:int64 2/0/0"),
        ("a;b\n1.234;1\n5.678;2\n", "a:text! b:int64 2/0/0"),
        ("a,b\n1.234,1\n5.678,2\n", "a:float64 b:int64 2/0/0"),
        ("a;b\n1.234;12,5\n", "a:int64 b:float64 1/0/0"),
        ("a;b\n1.234;1.234,5\n", "a:int64 b:float64 1/0/0"),
        ("a;b;c\n1.234;12,5;12.5\n", "a:text! b:float64 c:float64 1/0/0"),
        ("a,b\n\"1,234\",x\n\"2,500\",y\n", "a:text! b:text 2/0/0"),
        ("a,b\n\"1,234,567\",x\n\"2,500\",y\n", "a:int64 b:text 2/0/0"),
        ("a;b\n12.5;12,5\n1,5;1\n", "a:text! b:float64 2/0/0"),
        ("a,b\n1.234,\"12,5\"\n", "a:text! b:float64 1/0/0"),
        ("a\n1 000\n2\n", "a:text 2/0/0"),
        ("a\n12%\n", "a:text 1/0/0"),
    ]);
}

#[test]
fn dates_need_a_decision_and_a_calendar() {
    check(&[
        ("a,b\n2026-11-25,1\n", "a:date b:int64 1/0/0"),
        ("a,b\n25/11/2026,1\n", "a:date b:int64 1/0/0"),
        ("a,b\n03/04/2026,1\n", "a:text! b:int64 1/0/0"),
        ("a,b\n03/04/2026,25/11/2026\n", "a:date b:date 1/0/0"),
        ("a,b\n11/25/2026,25/11/2026\n", "a:text! b:text! 1/0/0"),
        ("a,b\n25.11.2026,1\n3.4.2026,2\n", "a:date b:int64 2/0/0"),
        ("a,b\n2026-11-25,1\n25 Nov 2026,2\n", "a:date b:int64 2/0/0"),
        ("a,b\n2026-11-25,1\n2026-11-25T10:00:00,2\n", "a:text b:int64 2/0/0"),
        ("a,b\n2026-11-25 10:00,1\n", "a:timestamp b:int64 1/0/0"),
        ("a,b\n2026-11-25T10:00:00.1234567Z,1\n", "a:text! b:int64 1/0/0"),
        ("a,b\n2026-11-25T10:00:00.1234560Z,1\n", "a:timestamp_utc b:int64 1/0/0"),
        ("a,b\n2026-11-25T10:00:00Z,1\n2026-11-25T10:00:00,2\n", "a:text! b:int64 2/0/0"),
        ("a,b\n10:30,1\n", "a:text b:int64 1/0/0"),
        ("a,b\nNA,1\n2026-11-25,2\n", "a:date b:int64 2/0/0"),
    ]);
}

#[test]
fn json_keeps_its_kinds() {
    check(&[
        ("{\"a\":1,\"b\":\"1\"}\n{\"a\":2}\n", "a:int64 b:text 2/0/0"),
        ("{\"a\":\"2026-01-01\"}\n", "a:date 1/0/0"),
        ("{\"a\":true}\n{\"a\":false}\n", "a:boolean 2/0/0"),
        ("{\"a\":true}\n{\"a\":1}\n", "a:text 2/0/0"),
        ("{\"a\":1.234}\n", "a:float64 1/0/0"),
        ("[{\"a\":1},{\"b\":{\"x\":[1,2]}}]", "a:int64 b:text 2/0/0"),
        ("[{\"a\":1},{\"a\":]", "Unreadable"),
        ("[{\"a\":1}] x", "Unreadable"),
        ("{\"a\":1,\"a\":2}\n", "TooManyRejects"),
        ("[]", "Empty"),
        ("[1,2]", "TooManyRejects"),
        ("{\n \"a\": 1\n}\n", "a:int64 1/0/0"),
        ("[a],b\n[c],1\n", "a:text b:int64 1/0/0"),
    ]);
    let lines = format!("{}[1]\n", "{\"a\":1}\n".repeat(9));
    assert_eq!(shown(&read(lines.as_bytes(), None, None)), "a:int64 9/1/0");
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_passes_as_it_is_or_in_words_where_no_column_holds_it() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None]);
    let words: DictionaryArray<Int32Type> = [Some("a"), None].into_iter().collect();
    let file = parquet(vec![
        ("Small Number", Arc::new(Int8Array::from(vec![Some(-1), None]))),
        ("half", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("large", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("word", Arc::new(words)),
        ("list", Arc::new(list)),
        ("at", Arc::new(TimestampNanosecondArray::from(vec![Some(1_500), None]))),
        ("whole", Arc::new(TimestampNanosecondArray::from(vec![Some(1_000), None]).with_timezone("Europe/Berlin"))),
    ]);
    let reading = read(&file, None, None);
    let expected = "small_number:int64 half:float64 large:decimal(20,0) word:text list:text at:text \
                    whole:timestamp_utc 2/0/0";
    assert_eq!(shown(&reading), expected);
    let batch = &reading.outcome.unwrap().batches[0];
    assert_eq!(batch.column(4).as_string::<i32>().value(0), "[1, null]");
    assert_eq!(batch.column(5).as_string::<i32>().value(0), "1970-01-01T00:00:00.000001500");
}

/// One column of INT96: Julian day and nanoseconds of the day, or null.
fn int96(times: &[Option<(u32, u64)>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { optional int96 at; }").unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = |day: u32, nanos: u64| {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        time
    };
    let values: Vec<Int96> = times.iter().flatten().map(|(day, nanos)| value(*day, *nanos)).collect();
    let levels: Vec<i16> = times.iter().map(|t| i16::from(t.is_some())).collect();
    column.typed::<Int96Type>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn spark_s_old_timestamps_are_read_past_the_end_of_nanoseconds() {
    const EPOCH: u32 = 2_440_588;
    let (far, before) = (EPOCH + 2_932_896, EPOCH - 719_162);
    let times = [Some((EPOCH, 1_000)), None, Some((far, 86_399_999_999_000)), Some((before, 0))];
    let reading = read(&int96(&times), None, None);
    assert_eq!(shown(&reading), "at:timestamp 4/0/0");
    let batch = &reading.outcome.unwrap().batches[0];
    let micros = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    let expected = [Some(1), None, Some(253_402_300_799_999_999), Some(-62_135_596_800_000_000)];
    assert_eq!(micros.iter().collect::<Vec<_>>(), expected, "9999-12-31T23:59:59.999999 and 0001-01-01");
    let reading = read(&int96(&[Some((far, 1)), Some((EPOCH, 0))]), None, None);
    assert_eq!(shown(&reading), "at:text 2/0/0");
    let batch = &reading.outcome.unwrap().batches[0];
    let texts: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["9999-12-31T00:00:00.000000001", "1970-01-01T00:00:00"]);
    // A day that no calendar has, and more nanoseconds than a day has: read as the sum, or refused, and never as another.
    let refusal = read(&int96(&[Some((u32::MAX / 2, 0))]), None, None).outcome.unwrap_err();
    assert_eq!(refusal.because, model::RefusedBecause::Unreadable);
    assert_eq!(shown(&read(&int96(&[Some((EPOCH, 2 * 86_400_000_000_000))]), None, None)), "at:timestamp 1/0/0");
}

#[test]
fn days_that_are_none_are_instants() {
    let days = |extra: i64| Arc::new(Date64Array::from(vec![Some(86_400_000), None, Some(extra)]));
    assert_eq!(shown(&read(&parquet(vec![("day", days(0))]), None, None)), "day:date 3/0/0");
    let reading = read(&parquet(vec![("day", days(1))]), None, None);
    assert_eq!(shown(&reading), "day:timestamp 3/0/0");
    let batch = &reading.outcome.unwrap().batches[0];
    assert_eq!(batch.column(0).as_primitive::<TimestampMicrosecondType>().value(2), 1_000);
}

#[test]
fn one_nanosecond_anywhere_in_a_parquet_file_decides_its_column() {
    // The decoder gives out its rows in several parts.
    for (at, expected) in
        [(None, "at:timestamp 5000/0/0"), (Some(0), "at:text 5000/0/0"), (Some(4_999), "at:text 5000/0/0")]
    {
        let nanos: TimestampNanosecondArray =
            (0..5_000).map(|n| (n % 7 != 3).then_some(n * 1_000 + i64::from(at == Some(n)))).collect();
        let reading = read(&parquet(vec![("at", Arc::new(nanos))]), None, None);
        assert_eq!(shown(&reading), expected, "{at:?}");
        assert_eq!(reading.outcome.unwrap().batches[0].column(0).null_count(), 714);
    }
}

#[test]
fn a_contract_settles_what_the_file_leaves_open() {
    check_contract(&[
        ("a;b\n1.234;1\n", "[[source]]\nmatch='*'\ndecimal=','", "a:int64 b:int64 1/0/0"),
        ("a,b\n03/04/2026,1\n", "[[source]]\nmatch='*'\nday_first=true", "a:date b:int64 1/0/0"),
        ("a,b\nmissing,1\n5,2\n", "[[source]]\nmatch='*'\nnull=['missing']", "a:int64 b:int64 2/0/0"),
        ("a,b\n20261125,1\n", "[column.a]\ntype='date'", "a:date b:int64 1/0/0"),
        ("a,b\n7,1\n", "[column.a]\ntype='text'", "a:text b:int64 1/0/0"),
        (
            "at,b\n02/03/2026 10:00,1\n",
            "[[source]]\nmatch='*'\nday_first=true\ntime_zone='+01:00'\n[column.at]\ntype='timestamp_utc'",
            "at:timestamp_utc b:int64 1/0/0",
        ),
        ("Kunde,b\nx,1\n", "[[source]]\nmatch='*'\nrename={Kunde='customer'}", "customer:text b:int64 1/0/0"),
        ("Kunde,b\nx,1\n", "[column.customer]\naliases=['kunde']", "customer:text b:int64 1/0/0"),
        ("a,b\nx,1\n", "[column.c]\nrequired=true", "SchemaConflict"),
        ("a,b\nx,1\n,2\n", "max_rejected='50%'\n[column.a]\nrequired=true", "a:text b:int64 1/1/0"),
        ("a,b\nx,1\ny,2\n", "max_rejected='50%'\n[column.a]\ntype='int64'", "TooManyRejects"),
    ]);
}

#[test]
fn a_file_fits_the_dataset_that_is_there_or_says_why_not() {
    let schema = Schema::new(vec![
        Field::new("n", DataType::Float64, true),
        Field::new("t", DataType::Utf8View, true),
        Field::new("i", DataType::Int64, true),
    ]);
    let ten = |cell: &str| format!("i,n,t\n{}{cell}\n", "1,2,3\n".repeat(9));
    for (input, contract, expected) in [
        ("i,n,t\n1,2,007\n".into(), None, "i:int64 n:float64 t:text 1/0/0"),
        ("t,n\nx,1.5\n".into(), None, "t:text n:float64 1/0/0"),
        ("i,n,t,new\n1,2,x,9\n".into(), None, "i:int64 n:float64 t:text new:int64 1/0/0"),
        ("i,n,t,new\n1,2,x,9\n".into(), Some(""), "SchemaConflict"),
        ("i,n,t,new\n1,2,x,9\n".into(), Some("growth=true"), "i:int64 n:float64 t:text new:int64 1/0/0"),
        ("i,n,t,new\n1,2,x,9\n".into(), Some("[column.new]\ntype='text'"), "i:int64 n:float64 t:text new:text 1/0/0"),
        ("p,q\n1,2\n".into(), None, "SchemaConflict"),
        (ten("1.5,2,3"), None, "i:int64 n:float64 t:text 9/1/0"),
        (ten("1,9007199254740993,3"), None, "i:int64 n:float64 t:text 9/1/0"),
        (ten("1,48.053808600000004,3"), None, "i:int64 n:float64 t:text 10/0/0"),
        (ten("x,2,3"), None, "i:int64 n:float64 t:text 9/1/0"),
        (ten("NA,NA,NA"), None, "i:int64 n:float64 t:text 10/0/0"),
    ] {
        let reading = read(input.as_bytes(), contract, Some(&schema));
        assert_eq!(shown(&reading), expected, "{input} {:?}", reading.outcome.as_ref().err());
        if let Ok(landing) = reading.outcome {
            let names: Vec<&str> = landing.schema.fields().iter().take(3).map(|f| f.name().as_str()).collect();
            assert_eq!(names, ["n", "t", "i"], "the dataset's order stays");
        }
    }
    let reading = read(ten("x,2,3").as_bytes(), None, Some(&schema));
    let row = &reading.quarantined[0];
    assert_eq!((row.line, row.byte_offset, row.raw.as_str()), (11, Some(60), "x,2,3"));
    assert_eq!((row.column.as_deref(), row.value.as_deref()), (Some("i"), Some("x")));
    assert_eq!(row.reason, "`x` in `i` is no int64");
}

#[test]
fn the_order_of_rows_changes_no_decision() {
    for rows in [
        ["1", "2.5", "NaN", "9007199254740993"],
        ["NA", "1,234", "12,5", "3"],
        ["2026-01-01", "25/11/2026", "03/04/2026", "-"],
        ["true", "FALSE", "null", "x"],
        ["2026-01-01T10:00", "2026-01-01T10:00Z", "2026-01-01T10:00:00.1234567", "NA"],
    ] {
        check_order("a;b", &rows.map(|value| format!("{value};\"z\"")));
    }
    // One column, and what could be two at its end.
    check_order("a", &["x", "y", "z", "v;w"].map(String::from));
    check_order("a", &["x", "y, z", "v;w", "u;w", "t"].map(String::from));
}

fn check_order(header: &str, rows: &[String]) {
    let mut seen = std::collections::BTreeSet::new();
    for turn in 0..rows.len() {
        for flip in [false, true] {
            let mut rows = rows.to_vec();
            rows.rotate_left(turn);
            if flip {
                rows.reverse();
            }
            seen.insert(shown(&read(format!("{header}\n{}\n", rows.join("\n")).as_bytes(), None, None)));
        }
    }
    assert_eq!(seen.len(), 1, "{rows:?} {seen:?}");
}
