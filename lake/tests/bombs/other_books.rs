//! Workbooks of the other kinds, made to take memory or time: repeated cells, claims, sheets within each other, circles.

use model::RefusedBecause::{Binary, Empty, TooLarge, Unreadable};

use super::{LIMIT, archive, read, refused};

#[path = "../fuzz/compound.rs"]
mod compound;

use compound::compound;

fn ods(sheet: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"S\">{sheet}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    archive::zip([
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
        ("content.xml", content.into_bytes()),
    ])
}

const CELL: &str = "<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>";

fn record(id: u16, data: &[u8]) -> Vec<u8> {
    let mut record = id.to_le_bytes().to_vec();
    record.extend((data.len() as u16).to_le_bytes());
    record.extend(data);
    record
}

fn begin(kind: u8) -> Vec<u8> {
    record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A workbook whose sheets all begin with these records, after records that hold for all of it.
fn xls(globals: &[u8], sheets: usize, cells: &[u8]) -> Vec<u8> {
    let end = record(0x000a, &[]);
    let of_sheet = |at: usize| {
        let mut data = (at as u32).to_le_bytes().to_vec();
        data.extend([0, 0, 1, 0, b'S']);
        record(0x0085, &data)
    };
    let mut stream = begin(5);
    stream.extend(globals);
    let at = stream.len() + of_sheet(0).len() * sheets + end.len();
    for _ in 0..sheets {
        stream.extend(of_sheet(at));
    }
    stream.extend(&end);
    stream.extend(begin(0x10));
    stream.extend(cells);
    stream.extend(&end);
    compound("Workbook", &stream)
}

fn label(row: u16, column: u8, text: &str) -> Vec<u8> {
    let mut data = row.to_le_bytes().to_vec();
    data.extend([column, 0, 0, 0, text.len() as u8, 0, 0]);
    data.extend(text.bytes());
    record(0x0204, &data)
}

fn number(row: u16, column: u8, n: f64) -> Vec<u8> {
    let mut data = row.to_le_bytes().to_vec();
    data.extend([column, 0, 0, 0]);
    data.extend(n.to_le_bytes());
    record(0x0203, &data)
}

fn small() -> Vec<u8> {
    let mut cells = [label(0, 0, "name"), label(0, 1, "n")].concat();
    for row in 1..11 {
        cells.extend([label(row, 0, "x"), number(row, 1, f64::from(row))].concat());
    }
    cells
}

pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let rows = format!("<table:table-row table:number-rows-repeated=\"16777216\">{CELL}</table:table-row>");
    let columns = CELL.replace("<table:table-cell", "<table:table-cell table:number-columns-repeated=\"4294967295\"");
    vec![("rows.ods", ods(&rows)), ("columns.ods", ods(&format!("<table:table-row>{columns}</table:table-row>")))]
}

#[test]
fn repeated_cells_are_taken_as_far_as_the_limit_allows() {
    for (name, bytes) in bombs() {
        refused(name, &bytes, &[TooLarge]);
    }
    // Empty ones cost nothing, however many.
    let table = format!(
        "<table:table-row>{CELL}{CELL}</table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048574\">\
         <table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         <table:table-row>{CELL}{CELL}</table:table-row>"
    );
    let reading = read("empty", &ods(&table));
    assert_eq!(reading.rows.read, 2, "{:?}", reading.outcome.err());
    let spaces = format!(
        "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>\
         </table:table-row>",
        "<text:s text:c=\"4000000000\"/>".repeat(10_000)
    );
    let reading = read("spaces", &ods(&spaces.repeat(10)));
    assert_eq!(reading.rows.landed, 10, "{:?}", reading.outcome.err());
    read("far", &ods(&format!("<table:table-row table:number-rows-repeated=\"99999999999\"/>{table}")));
}

#[test]
fn depth_and_attributes_cost_no_memory() {
    let document = |content: String| {
        archive::zip([
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
            // Not so even that the ratio of the zip gives it away.
            ("noise", (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect()),
            ("content.xml", content.into_bytes()),
        ])
    };
    for (name, content) in [
        ("deep", "<a>".repeat(2_000_000)),
        (
            "deep in a cell",
            format!("<office:spreadsheet><table:table><table:table-row><table:table-cell>{}", "<a>".repeat(2_000_000)),
        ),
        ("deep beside the rows", format!("<office:spreadsheet><table:table>{}", "<a>".repeat(2_000_000))),
        ("attributes", format!("<a{}/>", " a=\"\"".repeat(1_200_000))),
    ] {
        refused(name, &document(content), &[Unreadable, Empty]);
    }
}

#[test]
fn a_copy_of_another_documents_cells_is_no_sheet() {
    let content = format!(
        "<office:spreadsheet><table:table table:name=\"S\"><table:table-row>{CELL}</table:table-row></table:table>\
         <table:table table:name=\"'file:///prices.ods'#S\"><table:table-source/>\
         <table:table-row>{CELL}{CELL}</table:table-row></table:table></office:spreadsheet>"
    );
    let reading = read(
        "a copy",
        &archive::zip([
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
            ("content.xml", content.into_bytes()),
        ]),
    );
    assert_eq!((reading.sheet.as_deref(), reading.columns.len()), (Some("S"), 1), "{:?}", reading.outcome.err());
}

#[test]
fn a_document_that_is_none_is_refused() {
    let whole = ods(&format!("<table:table-row>{CELL}</table:table-row>"));
    for end in 4..whole.len() {
        refused(&format!("cut at {end}"), &whole[..end], &[Unreadable, Binary]);
    }
    let unfinished = archive::zip([
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
        ("content.xml", b"<office:spreadsheet><table:table><table:table-row>".to_vec()),
    ]);
    refused("unfinished", &unfinished, &[Unreadable]);
    let text = archive::zip([
        ("mimetype", b"application/vnd.oasis.opendocument.text".to_vec()),
        ("content.xml", b"<office:text/>".to_vec()),
    ]);
    refused("a text", &text, &[Binary]);
    let locked = archive::zip([
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
        ("content.xml", b"\x01\x02".to_vec()),
        ("META-INF/manifest.xml", b"<manifest:encryption-data/>".to_vec()),
    ]);
    assert!(read("locked", &locked).outcome.unwrap_err().message.contains("password"));
}

#[test]
fn an_old_book_is_read() {
    let reading = read("small", &xls(&[], 1, &small()));
    assert_eq!((reading.rows.landed, reading.format), (10, Some("xls")), "{:?}", reading.outcome.err());
}

#[test]
fn claims_of_an_old_book_are_not_believed() {
    // Four billion shared texts, of which one is there.
    let mut texts = u32::MAX.to_le_bytes().repeat(2);
    texts.extend([1, 0, 0, b'x']);
    refused("texts", &xls(&record(0x00fc, &texts), 1, &small()), &[Unreadable]);
    // One text of four gigabytes of layout.
    let long = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0xff, 0xff, 0xff, 0xff, b'x'];
    refused("layout", &xls(&record(0x00fc, &long), 1, &small()), &[Unreadable]);
    // A cell whose text is not there.
    let cell = record(0x00fd, &[0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
    refused("no text", &xls(&[], 1, &cell), &[Unreadable]);
    // All cells of a sheet in as few bytes as there are.
    let numbers = |row: u16| {
        let mut data = row.to_le_bytes().to_vec();
        data.extend([0, 0]);
        data.extend([0, 0, 6, 0, 0, 0].repeat(256));
        data.extend([255, 0]);
        record(0x00bd, &data)
    };
    let full: Vec<u8> = (0..u16::MAX).step_by(16).flat_map(numbers).collect();
    refused("full", &xls(&[], 1, &full), &[TooLarge]);
    // One long text in each cell.
    let mut texts = [1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0x1f, 0].to_vec();
    texts.extend([b'y'; 0x1fff]);
    let cells: Vec<u8> = (0..60_000_u16)
        .flat_map(|row| {
            let row = row.to_le_bytes();
            record(0x00fd, &[row[0], row[1], 0, 0, 0, 0, 0, 0, 0, 0])
        })
        .collect();
    refused("shared", &xls(&record(0x00fc, &texts), 1, &cells), &[TooLarge]);
}

#[test]
fn sheets_within_each_other_are_not_read_again_and_again() {
    let idle = record(0x0001, &[0; 8000]).repeat(100);
    refused("sheets", &xls(&[], 5_000, &idle), &[Unreadable]);
    let far = record(0x0085, &[0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0, b'T']);
    refused("a sheet past the end", &xls(&far, 1, &small()), &[Unreadable]);
    let elsewhere = record(0x0085, &[40, 0, 0, 0, 0, 0, 1, 0, b'T']);
    refused("a sheet that does not begin", &xls(&elsewhere, 1, &small()), &[Unreadable]);
    // A sheet that begins and never ends.
    let begins = begin(0x20).repeat(1_000);
    refused("begins", &xls(&[], 1, &begins), &[Unreadable]);
}

#[test]
fn an_old_book_cut_or_damaged_anywhere_is_refused_or_read() {
    let whole = xls(&record(0x041e, &[164, 0, 4, 0, 0, b'y', b'y', b'y', b'y']), 1, &small());
    for end in (8..whole.len()).step_by(7) {
        let reading = read(&format!("cut at {end}"), &whole[..end]);
        assert!(reading.rows.read <= 11, "cut at {end}: {:?}", reading.rows);
    }
    for at in 0..2048 {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            let reading = read(&format!("damaged at {at}"), &bytes);
            assert!(reading.rows.read <= 11, "damaged at {at}: {:?}", reading.rows);
        }
    }
}

#[test]
fn sectors_that_go_in_circles_end() {
    let whole = xls(&[], 1, &small());
    // The chains lie after the header: each sector is made the next one of each.
    for at in 0..8 {
        for next in 0..8_u32 {
            let mut bytes = whole.clone();
            bytes[512 + at * 4..516 + at * 4].copy_from_slice(&next.to_le_bytes());
            let reading = read(&format!("{next} after {at}"), &bytes);
            assert!(reading.rows.read <= 11, "{next} after {at}: {:?}", reading.rows);
        }
    }
    let mut bytes = whole.clone();
    bytes[0x44..0x48].copy_from_slice(&0_u32.to_le_bytes());
    read("names of sectors", &bytes);
    // A folder whose entries are each other's neighbours.
    let mut bytes = whole;
    for entry in [1024, 1024 + 128] {
        for place in [0x44, 0x48, 0x4c] {
            bytes[entry + place..entry + place + 4].copy_from_slice(&1_u32.to_le_bytes());
        }
    }
    bytes[1024 + 128] = b'V';
    refused("a folder", &bytes, &[Binary]);
}

#[test]
fn other_old_documents_are_said_to_be_what_they_are() {
    for (stream, said) in [
        ("WordDocument", "Word"),
        ("EncryptedPackage", "password"),
        ("PowerPoint Document", "PowerPoint"),
        ("Other", "old Office"),
    ] {
        let reading = read(stream, &compound(stream, b"something"));
        let refusal = reading.outcome.unwrap_err();
        assert!(refusal.because == Binary && refusal.message.contains(said), "{stream}: {refusal:?}");
    }
    let locked = xls(&record(0x002f, &[0; 6]), 1, &small());
    assert!(read("locked", &locked).outcome.unwrap_err().message.contains("password"));
    assert!(LIMIT > locked.len() as u64);
}
