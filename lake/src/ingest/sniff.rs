//! What a file is, by its first bytes and never by its name.

use model::RefusedBecause;

use super::Refusal;

/// How an expanded file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// CSV and its relatives, JSON, NDJSON: after decoding.
    Text,
    Workbook,
    Parquet,
}

/// Whose workbook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Book {
    Xlsx,
    Ods,
    Xls,
}

impl Book {
    pub fn name(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
            Self::Xls => "xls",
        }
    }
}

/// How a ZIP begins that holds something.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// How old Office documents begin.
pub(super) const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// # Errors
/// `binary`, with what the file looks like.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Refusal> {
    match bytes {
        [b'P', b'A', b'R', b'1', ..] => return Ok(Kind::Parquet),
        _ if bytes.starts_with(ZIP) || bytes.starts_with(COMPOUND) => return Ok(Kind::Workbook),
        _ => {}
    }
    if let Some((_, what)) = SIGNATURES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(looks_like(what));
    }
    if bytes.get(4..8) == Some(b"ftyp".as_slice()) {
        return Err(looks_like("a video"));
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let start = start[..start.len().min(16)].to_ascii_lowercase();
    if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        return Err(looks_like("an HTML page; a download may have answered with a sign-in page"));
    }
    if start.starts_with(b"<?xml") {
        return Err(looks_like("an XML document"));
    }
    Ok(Kind::Text)
}

/// # Errors
/// `binary` when the decoded text has more control characters than any text would.
pub(super) fn text(text: &str) -> Result<(), Refusal> {
    if is_binary(controls(text), text.len()) {
        return Err(looks_like("binary data"));
    }
    Ok(())
}

/// Control characters that stand in no text for people.
pub(super) fn controls(text: &str) -> usize {
    // In pieces whose count fits a byte, without branches and checks, so that many are compared at once.
    let is_control = |b: u8| u8::from(b < 32) & !u8::from(b.wrapping_sub(9) < 5) & !u8::from(b == 27);
    let in_piece = |piece: &[u8]| piece.iter().fold(0u8, |n, b| n.wrapping_add(is_control(*b)));
    text.as_bytes().chunks(128).map(|piece| usize::from(in_piece(piece))).sum()
}

/// Whether there are too many of them among that many bytes.
pub(super) fn is_binary(controls: usize, bytes: usize) -> bool {
    controls.saturating_mul(20) > bytes
}

/// The workbook that a zip with these entries is, or what other document; `None` for an archive of files. `mimetype` is
/// what the entry of that name says.
pub(super) fn zip_document(names: &[String], mimetype: &str) -> Option<Result<Book, &'static str>> {
    let has = |name: &str| names.iter().any(|n| n == name);
    let under = |folder: &str| names.iter().any(|n| n.starts_with(folder));
    if has("[Content_Types].xml") {
        return Some(match () {
            () if has("xl/workbook.bin") => Err("a binary Excel workbook (.xlsb); save it as .xlsx"),
            () if under("xl/") => Ok(Book::Xlsx),
            () if under("word/") => Err("a Word document"),
            () if under("ppt/") => Err("a PowerPoint presentation"),
            () => Err("an Office document"),
        });
    }
    let is_open = has("mimetype") && has("content.xml");
    is_open.then(|| match mimetype.contains("opendocument.spreadsheet") {
        true => Ok(Book::Ods),
        false => Err("an OpenDocument file that is no spreadsheet"),
    })
}

pub(super) fn looks_like(what: &str) -> Refusal {
    Refusal::new(RefusedBecause::Binary, format!("This is no table: it looks like {what}."))
}

const SIGNATURES: [(&[u8], &str); 22] = [
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a picture, sound or video"),
    (b"\x09\x00\x04\x00", "a workbook of before Excel 5; save it as .xlsx"),
    (b"\x09\x02\x06\x00", "a workbook of before Excel 5; save it as .xlsx"),
    (b"\x09\x04\x06\x00", "a workbook of before Excel 5; save it as .xlsx"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"Obj\x01", "an Avro file; send it as Parquet, CSV or JSON"),
    (b"ORC", "an ORC file; send it as Parquet, CSV or JSON"),
    (b"ARROW1", "an Arrow file; send it as Parquet, CSV or JSON"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a file that is compressed twice"),
    (b"\x28\xb5\x2f\xfd", "a file that is compressed twice"),
    (b"{\\rtf", "an RTF document"),
    (b"PK\x05\x06", "an empty ZIP"),
];
