//! Bytes as they arrived to bytes as they were meant: compression by content, never by name, and never past a limit.

use std::io::{self, BufRead, Cursor, Read};

use bytes::Bytes;
use model::RefusedBecause;

use super::{
    Refusal,
    sniff::{self, Book},
};

/// How far a compressed file may expand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expansion {
    /// Bytes of output.
    pub bytes: u64,
    /// Whether the output may be at most 200 times its input once past 1 MB.
    pub ratio: bool,
}

/// The file without its compression.
#[derive(Debug)]
pub(super) struct Expanded {
    pub bytes: Bytes,
    /// `gzip`, `zstd`, `bzip2`, `xz`, `zip`.
    pub compression: Option<&'static str>,
    /// The workbook that it is, within the limit.
    pub book: Option<Book>,
}

/// Expands `bytes` when they are compressed. A workbook, itself a zip, is left as it is.
///
/// # Errors
/// `too_large` past the limit, `unreadable` when the stream is damaged or ends early, `binary` for an archive of
/// several files, and for a document that is no workbook.
pub(super) fn expand(bytes: &Bytes, limit: Expansion) -> Result<Expanded, Refusal> {
    let expanded = |bytes, compression, book| Ok(Expanded { bytes, compression, book });
    if let Some(book) = workbook(bytes, limit)? {
        return expanded(bytes.clone(), None, Some(book));
    }
    let (output, compression) = match compression(bytes) {
        Some(kind) => {
            let reader = reader(kind, bytes.as_ref()).map_err(|e| damaged(kind, &e))?;
            (read_all(reader, kind, bytes.len(), limit)?, kind)
        }
        None if bytes.starts_with(sniff::ZIP) => (unzip(bytes, limit)?, "zip"),
        None => return expanded(bytes.clone(), None, None),
    };
    let book = workbook(&output, limit)?;
    expanded(output.into(), Some(compression), book)
}

/// The workbook that these bytes are, if they are one. Of one that is a zip it is counted here what it expands to.
fn workbook(bytes: &[u8], limit: Expansion) -> Result<Option<Book>, Refusal> {
    if bytes.starts_with(sniff::COMPOUND) {
        return Ok(Some(Book::Xls));
    }
    if !bytes.starts_with(sniff::ZIP) {
        return Ok(None);
    }
    let (mut archive, names) = open_zip(bytes)?;
    let mut mimetype = String::new();
    if let Ok(part) = archive.by_name("mimetype") {
        part.take(200).read_to_string(&mut mimetype).map_err(|e| damaged("zip", &e))?;
    }
    let book = match sniff::zip_document(&names, &mimetype) {
        Some(Ok(book)) => book,
        Some(Err(what)) => return Err(sniff::looks_like(what)),
        None => return Ok(None),
    };
    // What a workbook's parts expand to is found by expanding them: the sizes that it states may lie.
    let mut left = limit;
    for (at, name) in names.iter().enumerate() {
        let part = archive.by_index(at).map_err(|e| damaged(book.name(), &e))?;
        left.bytes -= match name.as_str() {
            name if name.to_ascii_lowercase().ends_with("sharedstrings.xml") => {
                let texts = read_all(part, book.name(), bytes.len(), left)?;
                check_claims(&texts)?;
                texts.len() as u64
            }
            "META-INF/manifest.xml" => {
                let manifest = read_all(part, book.name(), bytes.len(), left)?;
                if memmem(&manifest, b"encryption-data").next().is_some() {
                    return Err(sniff::looks_like("a spreadsheet with a password; save it without one"));
                }
                manifest.len() as u64
            }
            _ => count(part, book.name(), bytes.len(), left)?,
        };
    }
    Ok(Some(book))
}

type Archive<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// A zip, and the names of what is in it.
fn open_zip(bytes: &[u8]) -> Result<(Archive<'_>, Vec<String>), Refusal> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged("zip", &e))?;
    let names = archive.file_names_raw().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    Ok((archive, names))
}

/// How a stream that begins so is compressed: `gzip`, `zstd`, `bzip2`, `xz`.
pub(super) fn compression(begin: &[u8]) -> Option<&'static str> {
    match begin {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        _ => None,
    }
}

/// Expands a stream of this compression: all its members or frames.
///
/// # Errors
/// When there is no such compression, or no memory for it.
pub(super) fn reader<'a>(compression: &str, input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        "gzip" => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        "zstd" => Box::new(zstd::stream::read::Decoder::with_buffer(input)?),
        "bzip2" => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        "xz" => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(input)),
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// Reads on until there is more than a file of this size may expand to; then it fails.
pub(super) struct Limited<R> {
    reader: R,
    read: u64,
    input: u64,
    limit: Expansion,
}

impl<R> Limited<R> {
    pub fn new(reader: R, input: u64, limit: Expansion) -> Self {
        Self { reader, read: 0, input, limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(into)?;
        self.read += n as u64;
        if self.read > self.limit.bytes || self.limit.is_bomb(self.read, self.input) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(n)
    }
}

impl Expansion {
    fn is_bomb(&self, output: u64, input: u64) -> bool {
        const MB: u64 = 1_000_000;
        const RATIO: u64 = 200;
        self.ratio && output > MB && output > RATIO * input
    }
}

/// The one file that a zip holds.
fn unzip(bytes: &[u8], limit: Expansion) -> Result<Vec<u8>, Refusal> {
    let (mut archive, names) = open_zip(bytes)?;
    let files: Vec<usize> = (0..names.len()).filter(|at| !names[*at].ends_with(['/', '\\'])).collect();
    match files[..] {
        [only] => {
            let file = archive.by_index(only).map_err(|e| damaged("zip", &e))?;
            read_all(file, "zip", bytes.len(), limit)
        }
        [] => Err(Refusal::new(RefusedBecause::Empty, "The ZIP holds no file.")),
        _ => Err(sniff::looks_like(&format!("a ZIP with {} files; send each by itself", files.len()))),
    }
}

/// The reader of workbooks makes room for as many shared texts as their part claims: no more may be claimed than could
/// stand in it.
fn check_claims(part: &[u8]) -> Result<(), Refusal> {
    const CLAIM: &[u8] = b"uniqueCount";
    /// Bytes of `<si/>`, the least that a text takes.
    const LEAST: usize = 5;
    // UTF-16 has a NUL beside each of these characters.
    let plain: Vec<u8> = part.iter().copied().filter(|b| *b != 0).collect();
    let is_space = |b: &u8| b.is_ascii_whitespace();
    for at in memmem(&plain, CLAIM) {
        let rest = plain[at + CLAIM.len()..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b"=") else { continue };
        let digits = rest.iter().skip_while(|b| is_space(b) || matches!(b, b'"' | b'\'' | b'+'));
        let claimed = digits
            .take_while(|b| b.is_ascii_digit())
            .fold(0_usize, |n, b| n.saturating_mul(10).saturating_add(usize::from(b - b'0')));
        if claimed > part.len() / LEAST {
            return Err(damaged("xlsx", &"it claims more texts than it holds"));
        }
    }
    Ok(())
}

fn memmem<'a>(text: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    text.windows(word.len()).enumerate().filter(move |(_, w)| *w == word).map(|(at, _)| at)
}

fn read_all(reader: impl Read, kind: &str, input: usize, limit: Expansion) -> Result<Vec<u8>, Refusal> {
    let mut output = Vec::new();
    copy(reader, kind, input, limit, |chunk| output.extend_from_slice(chunk))?;
    Ok(output)
}

fn count(reader: impl Read, kind: &str, input: usize, limit: Expansion) -> Result<u64, Refusal> {
    copy(reader, kind, input, limit, |_| ())
}

fn copy(
    mut reader: impl Read,
    kind: &str,
    input: usize,
    limit: Expansion,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, Refusal> {
    let mut chunk = vec![0; 128 << 10];
    let mut total = 0;
    loop {
        let n = reader.read(&mut chunk).map_err(|e| damaged(kind, &e))?;
        if n == 0 {
            return Ok(total);
        }
        total += n as u64;
        let bomb = limit.is_bomb(total, input as u64);
        if total > limit.bytes || bomb {
            let why = if bomb { "more than 200 times its own size".into() } else { megabytes(limit.bytes) };
            let message = format!(
                "The {kind} file expands to {why}, past the limit; send it in parts, or set `max_expanded_bytes` in the \
                 dataset's contract."
            );
            return Err(Refusal::new(RefusedBecause::TooLarge, message));
        }
        take(&chunk[..n]);
    }
}

fn megabytes(bytes: u64) -> String {
    format!("more than {} MB", bytes / 1_000_000)
}

fn damaged(kind: &str, e: &dyn std::fmt::Display) -> Refusal {
    let message = format!("The {kind} file is damaged or ends early ({e}); nothing of it landed. Send it again.");
    Refusal::new(RefusedBecause::Unreadable, message)
}
