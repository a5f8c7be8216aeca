//! What holds for every file, whatever is in it. Used by the mutations beside this file and by `fuzz/`.

use std::{
    io::{Cursor, Write},
    time::{Duration, Instant},
};

#[path = "compound.rs"]
mod compound;

use bytes::Bytes;
use compound::compound;
use lake::{
    Limits,
    ingest::{Reading, read_file},
};

/// A way into the reader.
#[allow(dead_code, reason = "each fuzzer of libFuzzer is for one of them")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Bytes of any kind.
    Sniff,
    Csv,
    Json,
    /// The parts of a workbook, each after a line `=== name`; they are zipped, so that no checksum is in the way.
    Xlsx,
    /// The stream of records of an old workbook; it is put into a file of its own.
    Xls,
    /// The document with all sheets of an OpenDocument spreadsheet; it is zipped.
    Ods,
    Parquet,
}

impl Target {
    /// # Panics
    /// When the bytes break a rule.
    pub fn check(self, bytes: &[u8]) {
        let bytes = match self {
            Self::Xlsx => Bytes::from(workbook(bytes)),
            Self::Xls => Bytes::from(compound("Workbook", bytes)),
            Self::Ods => Bytes::from(open_document(bytes)),
            _ => Bytes::copy_from_slice(bytes),
        };
        let reading = read(&bytes);
        rows_add_up(&reading);
        if reading.compression.is_none() {
            places_are_in_the_file(&reading, bytes.len() as u64);
        }
        if bytes.first().is_some_and(|b| b % 4 == bytes.len() as u8 % 4) {
            assert_eq!(summary(&read(&bytes)), summary(&reading), "the same file, read twice");
            if let Some(turned) = turned(&reading, &bytes) {
                let (found, expected) = (kinds(&read(&turned)), kinds(&reading));
                assert_eq!(found, expected, "the order of the rows decided");
            }
        }
    }
}

fn read(bytes: &Bytes) -> Reading {
    const LIMIT: Duration = Duration::from_secs(10);
    let limits = Limits { expanded_bytes: 4_000_000, ..Limits::default() };
    let begun = Instant::now();
    let reading = read_file(bytes, "landing/a/b/x", None, None, &limits);
    assert!(begun.elapsed() < LIMIT, "{} bytes took {:?}", bytes.len(), begun.elapsed());
    reading
}

fn rows_add_up(reading: &Reading) {
    let rows = reading.rows;
    assert_eq!(rows.read, rows.landed + rows.quarantined);
    match &reading.outcome {
        Ok(landing) => {
            let landed: usize = landing.batches.iter().map(|b| b.num_rows()).sum();
            assert_eq!(landed as u64, rows.landed);
            assert_eq!(reading.quarantined.len() as u64, rows.quarantined);
            assert!(landing.schema.fields().len() >= reading.columns.len());
        }
        Err(refusal) => assert!(!refusal.message.is_empty()),
    }
}

fn places_are_in_the_file(reading: &Reading, size: u64) {
    let rows = &reading.quarantined;
    assert!(rows.iter().all(|r| r.line > 0), "{rows:?}");
    assert!(rows.is_sorted_by_key(|r| r.line), "{rows:?}");
    let places: Vec<u64> = rows.iter().filter_map(|r| r.byte_offset).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    assert!(places.last().is_none_or(|last| *last < size), "{places:?} in {size} bytes");
    assert!(rows.iter().all(|r| !r.reason.is_empty()), "{rows:?}");
}

/// Everything of a reading in words, its values included.
fn summary(reading: &Reading) -> String {
    format!("{reading:?}")
}

/// What must not follow from the order of the rows.
fn kinds(reading: &Reading) -> String {
    let columns: Vec<_> =
        reading.columns.iter().map(|c| (&c.name, &c.label, c.column_type, c.nulls, c.warning)).collect();
    format!("{:?} {:?} {columns:?} {:?}", reading.delimiter, reading.rows, reading.outcome.as_ref().err())
}

/// The same table with its rows from the last to the first, when it is so plain that lines are rows.
fn turned(reading: &Reading, bytes: &[u8]) -> Option<Bytes> {
    let plain = reading.format == Some("csv")
        && reading.compression.is_none()
        && reading.outcome.is_ok()
        && reading.header_line == Some(1)
        && (reading.rows.quarantined, reading.rows.skipped) == (0, 0)
        && bytes.is_ascii()
        && !bytes.iter().any(|b| matches!(b, b'"' | b'\'' | b'\\' | b'#' | b'\r' | 0));
    if !plain {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (header, rows) = text.trim_end_matches('\n').split_once('\n')?;
    // A lone name over a full row is a title, and a bracket above an object is JSON: there the next row does say something.
    let names = header.split(reading.delimiter?).all(|name| !name.trim().is_empty());
    if !names || header.starts_with(['[', '{']) {
        return None;
    }
    let rows: Vec<&str> = rows.split('\n').rev().collect();
    Some(format!("{header}\n{}\n", rows.join("\n")).into_bytes().into())
}

/// Zips parts without compressing them. What stands before the first name is the sheet's rows.
fn workbook(bytes: &[u8]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let link = |n: u8, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{n}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let links = |inner: String| format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{inner}</Relationships>");
    let mut parts: Vec<(String, Vec<u8>)> = vec![
        (
            "[Content_Types].xml".into(),
            format!("<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>").into(),
        ),
        ("_rels/.rels".into(), links(link(1, "officeDocument", "xl/workbook.xml")).into()),
        (
            "xl/workbook.xml".into(),
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>").into(),
        ),
        (
            "xl/_rels/workbook.xml.rels".into(),
            links(
                link(1, "worksheet", "worksheets/sheet1.xml")
                    + &link(2, "sharedStrings", "sharedStrings.xml")
                    + &link(3, "styles", "styles.xml"),
            )
            .into(),
        ),
    ];
    let mut name = "xl/worksheets/sheet1.xml".to_owned();
    let mut content = Vec::new();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.strip_prefix(b"=== ") {
            Some(next) => {
                parts.push((name, std::mem::take(&mut content)));
                name = String::from_utf8_lossy(next.trim_ascii()).into_owned();
            }
            None => content.extend_from_slice(line),
        }
    }
    parts.push((name, content));
    zipped(&parts)
}

fn open_document(content: &[u8]) -> Vec<u8> {
    let mimetype = "application/vnd.oasis.opendocument.spreadsheet";
    zipped(&[("mimetype".into(), mimetype.into()), ("content.xml".into(), content.to_vec())])
}

fn zipped(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    // A part of the input takes the place of the usual one.
    for (at, (name, content)) in parts.iter().enumerate() {
        let replaced = parts[at + 1..].iter().any(|(later, _)| later == name);
        if !replaced && zip.start_file(name.as_str(), stored).is_ok() {
            zip.write_all(content).ok();
        }
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}

#[allow(dead_code, reason = "libFuzzer keeps its own corpora and finds its own words")]
impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sniff => "sniff",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Ods => "ods",
            Self::Parquet => "parquet",
        }
    }

    /// Whether whole files are its input.
    pub fn takes_files(self) -> bool {
        !matches!(self, Self::Xlsx | Self::Xls | Self::Ods)
    }

    /// Whether a file is one to begin with.
    pub fn begins_with(self, bytes: &[u8]) -> bool {
        let first = bytes.trim_ascii_start().first();
        let binary = bytes.starts_with(b"PAR1") || bytes.starts_with(b"PK") || bytes.contains(&0xfd) || first.is_none();
        match self {
            Self::Sniff | Self::Xlsx | Self::Xls | Self::Ods => true,
            Self::Csv => !binary,
            Self::Json => matches!(first, Some(b'[' | b'{')),
            Self::Parquet => bytes.starts_with(b"PAR1"),
        }
    }

    /// What means something to the reader.
    pub fn words(self) -> &'static [&'static [u8]] {
        match self {
            Self::Sniff => &[
                b"\x1f\x8b\x08",
                b"\x28\xb5\x2f\xfd",
                b"BZh91AY&SY",
                b"\xfd7zXZ\0",
                b"PK\x03\x04",
                b"PAR1",
                b"%PDF-",
                b"\xef\xbb\xbf",
                b"\xff\xfe",
                b"\xfe\xff",
                b"\0",
                b"\xff",
                b"{",
                b"[",
                b"<html",
                b"\x80\x81",
            ],
            Self::Csv => &[
                b"\"",
                b"\"\"",
                b"'",
                b"\\\"",
                b",",
                b";",
                b"\t",
                b"|",
                b"\n",
                b"\r\n",
                b"\r",
                b"#",
                b"sep=;\n",
                b"NA",
                b"null",
                b"-",
                b"true",
                b"1,5",
                b"1.234",
                b"1,234.50",
                b"0,125",
                b"25/11/2026",
                b"11/25/2026",
                b"2026-11-25",
                b"2026-11-25T14:30:00",
                b"2026-11-25T14:30:00.123456789Z",
                b"2026-11-25 14:30+01:00",
                b"25 Nov 2026",
                b"1e308",
                b"-0",
                b"007",
                b"9223372036854775808",
                b"NaN",
                b"inf",
                b"\xef\xbb\xbf",
                b"\xff\xfe",
                b"\xc3\xa9",
                b"\xe9",
                b"\0",
                b" ",
                b"\xc2\xa0",
                b"1e-400",
                b"0.1000000000000000055511151231257827",
            ],
            Self::Json => &[
                b"{",
                b"}",
                b"[",
                b"]",
                b"{\"a\":",
                b",",
                b":",
                b"\"",
                b"null",
                b"true",
                b"-",
                b"1e999",
                b"0.1",
                b"\\u0000",
                b"\\ud83d",
                b"\\ude00",
                b"\\",
                b"\n",
                b"\"a\"",
                b"\"2026-11-25\"",
                b"\"2026-11-25T14:30:00Z\"",
                b"\xff",
                b"18446744073709551616",
                b"[[[[[[[[",
                b"]]]]]]]]",
            ],
            Self::Xlsx => &[
                b"<row r=\"1\">",
                b"</row>",
                b"<c r=\"A1\">",
                b"<c r=\"XFD1048576\" t=\"s\">",
                b"</c>",
                b"<v>",
                b"</v>",
                b"<f>",
                b"<is><t>",
                b"</t></is>",
                b"t=\"s\"",
                b"t=\"b\"",
                b"t=\"d\"",
                b"t=\"e\"",
                b"t=\"inlineStr\"",
                b"s=\"1\"",
                b"=== xl/sharedStrings.xml\n",
                b"=== xl/styles.xml\n",
                b"=== xl/workbook.xml\n",
                b"&amp;",
                b"&#x0;",
                b"&#1114112;",
                b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
                b"<![CDATA[",
                b"]]>",
                b"1e308",
                b"-1",
                b"4294967296",
                b"2958466",
                b"0.5",
                b"<dimension ref=\"A1:XFD1048576\"/>",
                b"_x0000_",
            ],
            Self::Xls => &[
                b"\x09\x08\x10\x00\x00\x06\x10\x00",
                b"\x0a\x00\x00\x00",
                b"\x3c\x00\x05\x00\x01",
                b"\xfc\x00",
                b"\xfd\x00\x0a\x00",
                b"\x03\x02\x0e\x00",
                b"\x04\x02\x20\x00",
                b"\x05\x02\x08\x00",
                b"\x07\x02\x10\x00",
                b"\x7e\x02\x0a\x00",
                b"\xbd\x00\x12\x00",
                b"\x06\x00\x16\x00",
                b"\x1e\x04",
                b"\xe0\x00\x14\x00",
                b"\x85\x00\x0c\x00",
                b"\xff\xff",
                b"\xff\xff\xff\x7f",
                b"\0\0\0\0",
            ],
            Self::Ods => &[
                b"<table:table table:name=\"T\">",
                b"</table:table>",
                b"<table:table-row>",
                b"<table:table-row table:number-rows-repeated=\"100000\">",
                b"</table:table-row>",
                b"<table:table-cell office:value-type=\"float\" office:value=\"1e308\"/>",
                b"<table:table-cell table:number-columns-repeated=\"4294967295\" office:value-type=\"string\">",
                b"</table:table-cell>",
                b" office:value-type=\"date\" office:date-value=\"2026-02-30\"",
                b" office:value-type=\"time\" office:time-value=\"-PT1H\xc3\xa9\"",
                b" office:value-type=\"boolean\"",
                b"<text:p>",
                b"</text:p>",
                b"<text:s text:c=\"99999\"/>",
                b"&#x110000;",
                b"&nbsp;",
                b"<![CDATA[",
                b"]]>",
                b"<!--",
                b"<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
            ],
            Self::Parquet => &[
                b"PAR1",
                b"\x15",
                b"\x19",
                b"\x1c",
                b"\x00",
                b"\xff\xff\xff\xff\x0f",
                b"\xfe\xff\xff\xff\x0f",
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                b"\x80",
                b"\x7f",
                b"\x15\x00",
                b"\x15\x04",
                b"\x29\xfc",
            ],
        }
    }
}
