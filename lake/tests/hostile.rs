//! Files made to break the reader: each is refused or read, none panics, and none takes memory past the limits.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{Cursor, Write},
    path::Path,
};

use lake::{
    Limits,
    contract::Contract,
    ingest::{Reading, read_file},
};
use model::RefusedBecause;
use rand::{Rng, SeedableRng, rngs::StdRng};

fn read(bytes: Vec<u8>) -> Reading {
    read_file(&bytes.into(), "landing/a/b/x.csv", None, None, &Limits::default())
}

fn because(bytes: Vec<u8>) -> Option<RefusedBecause> {
    read(bytes).outcome.err().map(|r| r.because)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messy"));
    let mut files = Vec::new();
    for case in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        let input = std::fs::read_dir(&case).unwrap().map(|e| e.unwrap().path());
        let input = input.into_iter().find(|p| p.file_stem().unwrap() == "input").unwrap();
        let bytes = std::fs::read(input).unwrap();
        if bytes.len() < 20_000 {
            files.push((case.file_name().unwrap().to_str().unwrap().to_owned(), bytes));
        }
    }
    files.sort();
    files
}

#[test]
fn damaged_files_are_refused_or_read_and_never_panic() {
    let mut rng = StdRng::seed_from_u64(1);
    for (_, bytes) in corpus() {
        for _ in 0..40 {
            let mut bytes = bytes.clone();
            for _ in 0..rng.random_range(1..4) {
                if bytes.is_empty() {
                    break;
                }
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..4) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes[at] ^= 1 << rng.random_range(0..8),
                    2 => bytes.truncate(at),
                    _ => drop(bytes.splice(at..at, *b"\"\r\n")),
                }
            }
            let reading = read(bytes);
            assert_eq!(reading.rows.read, reading.rows.landed + reading.rows.quarantined);
        }
    }
}

#[test]
fn parquet_cut_anywhere_is_unreadable() {
    let (_, whole) = corpus().into_iter().find(|(name, _)| name == "parquet-named-csv").unwrap();
    for end in 4..whole.len() {
        assert_eq!(because(whole[..end].to_vec()), Some(RefusedBecause::Unreadable), "cut at {end}");
    }
}

#[test]
fn w_24_deep_json_is_rejected_without_recursion() {
    let deep = format!("{{\"a\":{}}}\n", "[".repeat(100_000));
    assert_eq!(because(format!("{{\"a\":1}}\n{deep}").into_bytes()), Some(RefusedBecause::TooManyRejects));
    assert_eq!(because(format!("[{{\"a\":{}", "[".repeat(100_000)).into_bytes()), Some(RefusedBecause::Unreadable));
}

#[test]
fn w_24_a_bomb_is_refused_while_it_expands_and_a_contract_can_allow_more() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(b"a,b\n").unwrap();
    for _ in 0..300_000 {
        gzip.write_all(b"1,2\n3,4\n").unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() * 200 < 2_400_000);
    assert_eq!(because(bomb.clone()), Some(RefusedBecause::TooLarge));
    let contract = Contract::parse(b"max_expanded_bytes = 3000000", "contract").unwrap();
    let reading = read_file(&bomb.into(), "landing/a/b/x", Some(&contract), None, &Limits::default());
    assert_eq!(reading.rows.landed, 600_000, "{:?}", reading.outcome.err());
}

fn workbook(sheet: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let types = format!(
        "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
    );
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let root = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{relations}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{sheet}</sheetData></worksheet>");
    for (name, content) in [
        ("[Content_Types].xml", types),
        ("_rels/.rels", root),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn w_24_a_far_cell_costs_nothing_and_many_are_refused() {
    let text = |at: &str, t: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{t}</t></is></c>");
    let row = |n: u32, cells: &str| format!("<row r=\"{n}\">{cells}</row>");
    let table =
        row(1, &(text("A1", "name") + &text("B1", "n"))) + &row(2, &(text("A2", "x") + "<c r=\"B2\"><v>5</v></c>"));
    let reading = read(workbook(&table));
    assert_eq!((reading.rows.landed, reading.header_line), (1, Some(1)), "{:?}", reading.outcome.err());
    let far = format!("{table}{}", row(1_048_576, &text("XFD1048576", "!")));
    let reading = read(workbook(&far));
    assert!(reading.rows.landed <= 3, "{:?}", reading.rows);
    let many: String = (3..10_000).map(|n| row(n, &text(&format!("A{n}"), "y"))).collect();
    assert_eq!(because(workbook(&format!("{far}{many}"))), Some(RefusedBecause::TooLarge));
}

#[tokio::test(flavor = "multi_thread")]
async fn w_25_a_partners_parquet_is_written_anew_and_never_asked_in_place() {
    use parquet::{
        arrow::ArrowWriter,
        file::{metadata::KeyValue, properties::WriterProperties},
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.toml"), "[[grant]]\nto = [\"*\"]\non = [\"*\"]\n").unwrap();
    let landing = folder.path().join("landing/ops/things");
    std::fs::create_dir_all(&landing).unwrap();
    let ids = arrow::array::Int64Array::from(vec![1, 2, 3]);
    let batch = arrow::array::RecordBatch::try_from_iter([("id", std::sync::Arc::new(ids) as _)]).unwrap();
    let theirs = WriterProperties::builder()
        .set_created_by("their-writer".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new("note".to_owned(), "their-note".to_owned())]))
        .build();
    let file = landing.join("a.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), batch.schema(), Some(theirs)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let lake =
        lake::Lake::open(lake::LakeConfig::new(lake::StoreConfig::Folder(folder.path().to_owned()))).await.unwrap();
    assert_eq!(lake.ingest_landing().await.unwrap()[0].rows.landed, 3);
    let holds =
        |path: &Path, word: &str| std::fs::read(path).unwrap().windows(word.len()).any(|w| w == word.as_bytes());
    assert!(holds(&file, "their-writer") && holds(&file, "their-note"), "control");
    std::fs::remove_file(&file).unwrap();
    let data: Vec<_> =
        std::fs::read_dir(folder.path().join("tables/ops/things")).unwrap().map(|e| e.unwrap().path()).collect();
    let data: Vec<_> = data.iter().filter(|p| p.extension().is_some_and(|e| e == "parquet")).collect();
    assert!(!data.is_empty() && !data.iter().any(|p| holds(p, "their-")), "{data:?}");
    let who = model::Principal {
        issuer: "test".into(),
        subject: "ann".into(),
        name: "ann".into(),
        email: None,
        groups: Some([].into()),
        claims: [].into(),
        scope: None,
        origin: Default::default(),
    };
    let status = lake.query(&who, model::QueryRequest::new("select sum(id) from ops.things")).await.unwrap();
    let page = lake.result_page(&who, &status.id, 0, 1).await.unwrap();
    assert_eq!(page.rows, [[serde_json::json!(6)]]);
}
