//! Workbooks made to take memory or time: bombs of entries, of shared texts, of entities, of addresses.

use model::RefusedBecause::{Binary, Contract, Empty, TooLarge, Unreadable};

use super::{LIMIT, archive, read, refused};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// Parts that a test wants otherwise than usual.
#[derive(Default)]
struct Parts {
    /// Before the root element of the sheet.
    prolog: String,
    dimension: String,
    rows: String,
    /// Shared texts.
    texts: Option<String>,
    more: Vec<(&'static str, Vec<u8>)>,
}

impl Parts {
    fn zip(self) -> Vec<u8> {
        let types = format!(
            "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
        );
        let root = format!(
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        );
        let book = format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
        );
        let links = format!(
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"r1\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{RELATIONS}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
        );
        let sheet = format!(
            "{}<worksheet xmlns=\"{MAIN}\">{}<sheetData>{}</sheetData></worksheet>",
            self.prolog, self.dimension, self.rows
        );
        let mut entries = vec![
            ("[Content_Types].xml", types.into_bytes()),
            ("_rels/.rels", root.into_bytes()),
            ("xl/workbook.xml", book.into_bytes()),
            ("xl/_rels/workbook.xml.rels", links.into_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.into_bytes()),
        ];
        if let Some(texts) = self.texts {
            entries.push(("xl/sharedStrings.xml", format!("<sst xmlns=\"{MAIN}\">{texts}</sst>").into_bytes()));
        }
        entries.extend(self.more);
        archive::zip(entries)
    }
}

fn row(n: usize, cells: &str) -> String {
    format!("<row r=\"{n}\">{cells}</row>")
}

fn text(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn small() -> String {
    let head = row(1, &(text("A1", "name") + &text("B1", "n")));
    (2..12)
        .fold(head, |rows, n| rows + &row(n, &(text(&format!("A{n}"), "x") + &format!("<c r=\"B{n}\"><v>{n}</v></c>"))))
}

/// One text of a megabyte that many cells share.
fn shared() -> Vec<u8> {
    let rows = (1..4_000).fold(String::new(), |rows, n| rows + &row(n, &format!("<c r=\"A{n}\" t=\"s\"><v>0</v></c>")));
    // Not so even that the ratio of the zip gives it away.
    let long: String = (0..200_000).map(|n| format!("{:05} ", n * 7_919 % 100_000)).collect();
    Parts { rows, texts: Some(format!("<si><t>{}</t></si>", &long[..1_000_000])), ..Parts::default() }.zip()
}

/// A part that nothing refers to and that expands past the limit.
fn idle() -> Vec<u8> {
    let more = vec![("xl/media/image1.bin", vec![b' '; 4 * LIMIT as usize])];
    Parts { rows: small(), more, ..Parts::default() }.zip()
}

pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    vec![("shared.xlsx", shared()), ("idle.xlsx", idle())]
}

#[test]
fn a_small_book_is_read() {
    let reading = read("small", &Parts { rows: small(), ..Parts::default() }.zip());
    assert_eq!(reading.rows.landed, 10, "{:?}", reading.outcome.err());
}

#[test]
fn bombs_are_refused() {
    for (name, bytes) in bombs() {
        refused(name, &bytes, &[TooLarge]);
    }
}

#[test]
fn entities_are_never_expanded() {
    let levels: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let prolog = format!("<?xml version=\"1.0\"?><!DOCTYPE worksheet [<!ENTITY l0 \"ha\">{levels}]>");
    for entity in ["&l9;", "&l0;", "&unknown;"] {
        let rows = small() + &row(20, &(text("A20", entity) + "<c r=\"B20\"><v>1</v></c>"));
        let reading = read(entity, &Parts { prolog: prolog.clone(), rows, ..Parts::default() }.zip());
        assert!(reading.rows.landed <= 11, "{entity}: {:?}", reading.rows);
    }
    // What lies outside of the file is not looked at.
    let prolog = "<?xml version=\"1.0\"?><!DOCTYPE worksheet [<!ENTITY l0 SYSTEM \"file:///etc/passwd\">]>".to_owned();
    let rows = small() + &row(20, &text("A20", "&l0;"));
    let reading = read("outside", &Parts { prolog, rows, ..Parts::default() }.zip());
    assert!(!format!("{reading:?}").contains("root:"));
}

#[test]
fn a_stated_dimension_is_not_believed() {
    for dimension in ["A1:XFD1048576", "A1:A1", "XFD1048576:A1", "A0:B0", "nonsense", "A1:ZZZZZZZ99999999999"] {
        let dimension = format!("<dimension ref=\"{dimension}\"/>");
        let reading =
            read(&dimension, &Parts { dimension: dimension.clone(), rows: small(), ..Parts::default() }.zip());
        match reading.outcome {
            Ok(_) => assert_eq!(reading.rows.landed, 10, "{dimension}"),
            Err(refusal) => assert_eq!(refusal.because, Unreadable, "{dimension}: {refusal:?}"),
        }
    }
}

#[test]
fn cells_with_addresses_that_cannot_be_are_refused_or_left_out() {
    for at in ["A0", "XFE1", "A1048577", "ZZZZZZZZ1", "1A", "", "A-1", "A99999999999999999999", "a5", "Ä5", "$A$5"] {
        let rows = small() + &row(30, &text(at, "far"));
        let reading = read(at, &Parts { rows, ..Parts::default() }.zip());
        assert!(reading.rows.read <= 11, "{at}: {:?}", reading.rows);
    }
    let corner = small() + &row(1_048_576, &text("XFD1048576", "far"));
    read("the last cell", &Parts { rows: corner, ..Parts::default() }.zip());
    // As few rows as go into a small file, and as many cells as would fill the memory.
    let many = (2..1_500).fold(small(), |rows, n| rows + &row(n + 20, &text(&format!("XFD{}", n + 20), "y")));
    refused("a far column in each row", &Parts { rows: many, ..Parts::default() }.zip(), &[TooLarge]);
}

#[test]
fn formulas_give_their_kept_value_and_are_never_run() {
    let cell = |at: &str, formula: &str, value: &str| format!("<c r=\"{at}\"><f>{formula}</f><v>{value}</v></c>");
    let rows = row(1, &(text("A1", "n") + &text("B1", "m")))
        + &row(2, &(cell("A2", "1+1", "2") + &cell("B2", "WEBSERVICE(&quot;http://127.0.0.1:1/&quot;)", "5")))
        + &row(3, &(cell("A3", &"A2+".repeat(100_000), "3") + "<c r=\"B3\"><f>1/0</f></c>"));
    let reading = read("formulas", &Parts { rows, ..Parts::default() }.zip());
    assert_eq!(reading.rows.landed, 2, "{:?}", reading.outcome.err());
    assert_eq!(reading.columns[0].column_type.to_string(), "int64");
}

#[test]
fn values_that_cannot_be_are_refused_or_text() {
    for (kind, value) in [
        ("s", "0"),
        ("s", "-1"),
        ("s", "99999999999999999999"),
        ("n", "1e999"),
        ("n", "NaN"),
        ("n", "one"),
        ("b", "7"),
        ("d", "yesterday"),
        ("e", "#WHAT!"),
        ("zzz", "1"),
        ("", ""),
    ] {
        let rows =
            small() + &row(20, &format!("<c r=\"A20\" t=\"{kind}\"><v>{value}</v></c><c r=\"B20\"><v>1</v></c>"));
        let reading = read(&format!("{kind} {value}"), &Parts { rows, ..Parts::default() }.zip());
        assert!(reading.rows.read <= 11);
    }
}

#[test]
fn a_book_cut_or_damaged_anywhere_is_refused_or_read() {
    let whole = Parts { rows: small(), texts: Some("<si><t>a</t></si>".into()), ..Parts::default() }.zip();
    for end in 4..whole.len() {
        refused(&format!("cut at {end}"), &whole[..end], &[Unreadable, Binary]);
    }
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            let reading = read(&format!("damaged at {at}"), &bytes);
            assert!(reading.rows.read <= 11, "damaged at {at}: {:?}", reading.rows);
        }
    }
}

#[test]
fn a_book_without_what_a_book_needs_is_refused() {
    for missing in ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"] {
        let whole = Parts { rows: small(), ..Parts::default() }.zip();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
        let names: Vec<String> = archive.file_names().map(|n| n.unwrap().into_owned()).collect();
        let mut entries = Vec::new();
        for name in names.iter().filter(|n| *n != missing) {
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut content).unwrap();
            entries.push((name.as_str(), content));
        }
        refused(missing, &archive::zip(entries), &[Unreadable, Empty, Binary, Contract]);
    }
}

#[test]
fn texts_that_are_claimed_and_not_there_take_no_room() {
    for claim in
        ["uniqueCount=\"34294967295\"", "uniqueCount = '34294967295'", "count=\"1\" uniqueCount=\"+034294967295\""]
    {
        let texts = format!("<sst xmlns=\"{MAIN}\" {claim}><si><t>a</t></si></sst>").into_bytes();
        let rows = row(1, "<c r=\"A1\" t=\"s\"><v>0</v></c>");
        let bomb = Parts { rows, more: vec![("xl/sharedStrings.xml", texts)], ..Parts::default() }.zip();
        refused(claim, &bomb, &[Unreadable]);
    }
}
