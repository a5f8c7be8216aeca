//! The same cells in the formats and from the programs that people have: `lake/tests/workbooks/`.

use std::collections::BTreeMap;

use lake::{
    Limits,
    contract::Contract,
    ingest::{Reading, read_file, told},
};
use model::{Inspection, RefusedBecause, RowNumber};

fn read(name: &str, contract: Option<&str>) -> Reading {
    let bytes = std::fs::read(format!("{}/tests/workbooks/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let contract = contract.map(|c| Contract::parse(c.as_bytes(), "contract").unwrap());
    read_file(&bytes.into(), "landing/a/b/x", contract.as_ref(), None, &Limits::default())
}

/// Columns with their types, and the values of all rows.
fn values(reading: &Reading) -> (Vec<String>, BTreeMap<RowNumber, Vec<Option<String>>>) {
    match told(reading, 100) {
        Inspection::Lands(lands) => {
            let columns = reading.columns.iter().map(|c| format!("{}:{}", c.name, c.column_type)).collect();
            (columns, lands.values.clone())
        }
        Inspection::Refused(refused) => panic!("{}", refused.message),
    }
}

#[test]
fn every_kind_of_cell_reads_the_same_from_every_program() {
    let (columns, rows) = values(&read("kinds.xlsx", None));
    assert_eq!(
        columns,
        [
            "id:int64",
            "name:text",
            "when:date",
            "at:timestamp",
            "price:float64",
            "open:boolean",
            "share:float64",
            "note:text",
            "clock:text",
            "total:text",
        ]
    );
    let first: Vec<_> = rows[&RowNumber(0)].iter().map(|v| v.as_deref().unwrap_or("-")).collect();
    assert_eq!(
        first,
        [
            "1",
            "Köln & <Süd>",
            "2026-01-31",
            "2026-01-31T13:45:30",
            "12.5",
            "true",
            "0.25",
            "line one\nline two",
            "08:30:00",
            "25",
        ]
    );
    let second = &rows[&RowNumber(1)];
    assert_eq!((second[1].as_deref(), second[7].as_deref()), (Some("  two spaces"), None));
    assert_eq!(rows[&RowNumber(2)][1].as_deref(), Some("日本語 😀"));
    assert_eq!(rows[&RowNumber(3)][0].as_deref(), Some("123456789012345"));
    for (name, format) in [("kinds.xls", "xls"), ("kinds.ods", "ods"), ("kinds-sheetjs.xls", "xls")] {
        let reading = read(name, None);
        assert_eq!((reading.format, reading.sheet.as_deref()), (Some(format), Some("Umsätze")), "{name}");
        let mut expected = (columns.clone(), rows.clone());
        if format == "ods" {
            // LibreOffice writes the outcome of TRUE() as a number.
            expected.0[5] = "open:int64".into();
            for row in expected.1.values_mut() {
                row[5] = row[5].as_ref().map(|v| if v == "true" { "1" } else { "0" }.into());
            }
        }
        assert_eq!(values(&reading), expected, "{name}");
    }
    // Without the formulas, and without the row that they make.
    let (columns, rows_of_xlwt) = values(&read("kinds-xlwt.xls", None));
    assert_eq!(columns.len(), 10);
    for row in 0..3 {
        assert_eq!(rows_of_xlwt[&RowNumber(row)][..9], rows[&RowNumber(row)][..9]);
    }
    // Excel 5 has one byte for a character; what is past it was lost when the file was written.
    let (columns, rows_of_old) = values(&read("kinds-sheetjs5.xls", None));
    assert_eq!((columns[2].as_str(), columns[3].as_str()), ("when:date", "at:timestamp"));
    let (old, new) = (&rows_of_old[&RowNumber(0)], &rows[&RowNumber(0)]);
    assert_eq!((&old[0], &old[2..9]), (&new[0], &new[2..9]));
    assert_eq!(old[1].as_deref(), Some("K_ln & <S_d>"));
}

#[test]
fn an_open_document_tells_each_kind_of_value() {
    use std::io::Write as _;
    let cell = |attributes: &str, text: &str| {
        format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>")
    };
    let typed = |kind: &str, value: &str| cell(&format!("office:value-type=\"{kind}\" office:{value}"), "shown");
    let cells = [
        typed("boolean", "boolean-value=\"true\""),
        typed("percentage", "value=\"0.5\""),
        typed("currency", "value=\"12.30\" office:currency=\"EUR\""),
        typed("time", "time-value=\"PT25H30M00S\""),
        typed("time", "time-value=\"PT08H29M59.9999999S\""),
        typed("time", "time-value=\"PT12H30M05.5S\""),
        typed("date", "date-value=\"2026-11-30T10:00:00.5\""),
        typed("date", "date-value=\"2026-11-31\""),
        cell(
            "office:value-type=\"string\"",
            "a<text:s text:c=\"2\"/>b<text:line-break/>&#228;&lt;<text:span>c</text:span>",
        ),
        cell("office:value-type=\"string\" office:string-value=\"given\"", "shown"),
    ];
    let header: String = (0..cells.len()).map(|n| cell("office:value-type=\"string\"", &format!("c{n}"))).collect();
    let content = format!(
        "<office:body><office:spreadsheet><table:table table:name=\"S\"><table:table-row>{header}</table:table-row>\
         <table:table-row>{}</table:table-row></table:table></office:spreadsheet></office:body>",
        cells.concat()
    );
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let (columns, rows) = values(&read_file(&bytes.into(), "landing/a/b/x", None, None, &Limits::default()));
    let kinds: Vec<_> = columns.iter().map(|c| c.split_once(':').unwrap().1).collect();
    assert_eq!(
        kinds,
        ["boolean", "float64", "float64", "float64", "text", "text", "timestamp", "text", "text", "text"]
    );
    let row: Vec<_> = rows[&RowNumber(0)].iter().flatten().map(String::as_str).collect();
    assert_eq!(
        row,
        [
            "true",
            "0.5",
            "12.3",
            "1.0625",
            "08:30:00",
            "12:30:05.500",
            "2026-11-30T10:00:00.5",
            "2026-11-31",
            "a  b\nä<c",
            "given"
        ]
    );
}

#[test]
fn several_sheets_become_one_table_when_the_contract_says_so() {
    for name in ["months.xlsx", "months.xls", "months.ods", "months-sheetjs.xls", "months-sheetjs.ods"] {
        let refusal = read(name, None).outcome.unwrap_err();
        assert_eq!(refusal.because, RefusedBecause::Contract, "{name}");
        for part in ["3 sheets", "2026-01", "2026-02", "Notes", "sheet = \"*\""] {
            assert!(refusal.message.contains(part), "{name}: {}", refusal.message);
        }
        let of = |sheet: &str| read(name, Some(&format!("[[source]]\nmatch = \"*\"\nsheet = \"{sheet}\"\n")));
        let one = of("2026-02");
        assert_eq!((one.sheet.as_deref(), one.rows.landed), (Some("2026-02"), 1), "{name}");
        let months = of("2026-*");
        let (columns, rows) = values(&months);
        assert_eq!(months.sheet.as_deref(), Some("2026-01, 2026-02"), "{name}");
        assert_eq!(columns, ["shop:text", "n:int64", "extra:text"], "{name}");
        let row = |n| rows[&RowNumber(n)].iter().map(|v| v.as_deref().unwrap_or("-")).collect::<Vec<_>>();
        assert_eq!([row(0), row(1), row(2)], [["a", "1", "-"], ["b", "2", "-"], ["c", "3", "x"]], "{name}");
        let none = of("2027-*").outcome.unwrap_err();
        assert!(none.message.contains("no sheet `2027-*`; its sheets are 2026-01"), "{name}: {}", none.message);
    }
}

#[test]
fn each_row_says_which_sheet_it_stood_in_when_the_contract_wants_it() {
    for name in ["months.xlsx", "months.xls", "months.ods"] {
        let of = |sheet: &str, column: &str| {
            let contract = format!("[[source]]\nmatch = \"*\"\nsheet = \"{sheet}\"\nsheet_column = \"{column}\"\n");
            read(name, Some(&contract))
        };
        let (columns, rows) = values(&of("2026-*", "month"));
        assert_eq!(columns, ["shop:text", "n:int64", "month:text", "extra:text"], "{name}");
        let row = |n| rows[&RowNumber(n)].iter().map(|v| v.as_deref().unwrap_or("-")).collect::<Vec<_>>();
        assert_eq!([row(0), row(2)], [["a", "1", "2026-01", "-"], ["c", "3", "2026-02", "x"]], "{name}");
        let (columns, rows) = values(&of("2026-02", "month"));
        assert_eq!(columns.last().map(String::as_str), Some("month:text"), "{name}");
        assert_eq!(rows[&RowNumber(0)].last().unwrap().as_deref(), Some("2026-02"), "{name}");
        let refusal = of("2026-*", "shop").outcome.unwrap_err();
        assert!(refusal.message.contains("`2026-01` has a column `shop` itself"), "{name}: {}", refusal.message);
    }
}

#[test]
fn a_contract_drafted_from_several_sheets_takes_them_all() {
    let given = "[[source]]\nmatch = \"*\"\nsheet = \"2026-*\"\nsheet_column = \"month\"\n";
    let reading = read("months.ods", Some(given));
    let source = Contract::parse(given.as_bytes(), "contract").unwrap().source("landing/a/b/x");
    let draft = lake::contract::draft(&reading, "x", &source);
    let again = read("months.ods", Some(&draft));
    assert_eq!(values(&again), values(&reading), "{draft}");
    assert_eq!(again.rows, reading.rows, "{draft}");
}

#[test]
fn a_rejected_row_of_several_sheets_says_which() {
    let contract =
        "max_rejected = 1.0\n[[source]]\nmatch = \"*\"\nsheet = \"2026-*\"\n[column.extra]\nrequired = true\n";
    let reading = read("months.ods", Some(contract));
    let told: Vec<_> = reading.quarantined.iter().map(|r| (r.line, r.reason.as_str())).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].1.starts_with("sheet `2026-01`: "), "{told:?}");
    assert_eq!((told[0].0, told[1].0, reading.rows.landed), (2, 3, 1));
}

#[test]
fn a_workbook_may_be_compressed_once() {
    use std::io::Write as _;
    for name in ["kinds.xlsx", "kinds.xls", "kinds.ods"] {
        let bytes = std::fs::read(format!("{}/tests/workbooks/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
        let zipped = zip.finish().unwrap().into_inner();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bytes).unwrap();
        for (packed, how) in [(zipped.clone(), "zip"), (gzip.finish().unwrap(), "gzip")] {
            let reading = read_file(&packed.into(), "landing/a/b/x", None, None, &Limits::default());
            assert_eq!(
                (reading.compression, reading.rows.landed),
                (Some(how), 4),
                "{name}: {:?}",
                reading.outcome.err()
            );
        }
        let mut twice = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        twice.write_all(&zipped).unwrap();
        let twice = read_file(&twice.finish().unwrap().into(), "landing/a/b/x", None, None, &Limits::default());
        assert!(twice.outcome.unwrap_err().message.contains("compressed twice"), "{name}");
    }
}
