//! Bytes to text: which encoding, and where in the file each character came from.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A file's text.
#[derive(Debug)]
pub(super) struct Text {
    /// Without the byte order mark.
    pub text: String,
    pub encoding: Encoding,
    /// Places in `text` of the replacement characters that stand for bytes which are no UTF-8.
    pub bad: Vec<usize>,
    /// Length of the byte order mark.
    pub bom: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// Decodes by the rules: a mark wins, then UTF-16 by its NULs, then UTF-8, then Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> Text {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3, true),
        [0xff, 0xfe, rest @ ..] => utf16(rest, Encoding::Utf16Le, 2),
        [0xfe, 0xff, rest @ ..] => utf16(rest, Encoding::Utf16Be, 2),
        _ => match utf16_by_nuls(bytes) {
            Some(encoding) => utf16(bytes, encoding, 0),
            None => utf8(bytes, 0, false),
        },
    }
}

/// Nearly every odd or nearly every even byte is NUL, and hardly any of the others.
fn utf16_by_nuls(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < 4 {
        return None;
    }
    let nuls = |start: usize| bytes.iter().skip(start).step_by(2).filter(|b| **b == 0).count();
    let half = bytes.len() / 2;
    let (even, odd) = (nuls(0), nuls(1));
    let (nearly, hardly) = (half * 17 / 20, half / 10);
    match () {
        () if odd > 0 && odd >= nearly && even <= hardly => Some(Encoding::Utf16Le),
        () if even > 0 && even >= nearly && odd <= hardly => Some(Encoding::Utf16Be),
        () => None,
    }
}

fn utf16(bytes: &[u8], encoding: Encoding, bom: usize) -> Text {
    let codec = if encoding == Encoding::Utf16Le { UTF_16LE } else { UTF_16BE };
    let (text, _) = codec.decode_without_bom_handling(bytes);
    let bad = text.match_indices('\u{fffd}').map(|(at, _)| at).collect();
    Text { text: text.into_owned(), encoding, bad, bom }
}

fn utf8(bytes: &[u8], bom: usize, marked: bool) -> Text {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Text { text: text.to_owned(), encoding: Encoding::Utf8, bad: Vec::new(), bom };
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut bad = Vec::new();
    let mut sequences = 0_usize;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        for _ in chunk.invalid() {
            bad.push(text.len());
            text.push('\u{fffd}');
        }
    }
    if marked || sequences > bad.len() {
        return Text { text, encoding: Encoding::Utf8, bad, bom };
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    Text { text: text.into_owned(), encoding: Encoding::Windows1252, bad: Vec::new(), bom: 0 }
}

/// Turns places in the text into byte offsets in the file. Ask in ascending order: it walks once.
#[derive(Debug)]
pub(super) struct Offsets<'a> {
    text: &'a Text,
    at: usize,
    bytes: u64,
}

impl<'a> Offsets<'a> {
    pub fn new(text: &'a Text) -> Self {
        Self { text, at: 0, bytes: text.bom as u64 }
    }

    pub fn of(&mut self, place: usize) -> u64 {
        let Some(between) = self.text.text.get(self.at..place) else { return self.bytes };
        self.bytes += match self.text.encoding {
            // A bad byte is one in the file and three in the text.
            Encoding::Utf8 => {
                let bad =
                    self.text.bad.partition_point(|b| *b < place) - self.text.bad.partition_point(|b| *b < self.at);
                (between.len() - 2 * bad) as u64
            }
            Encoding::Windows1252 => between.chars().count() as u64,
            Encoding::Utf16Le | Encoding::Utf16Be => 2 * between.encode_utf16().count() as u64,
        };
        self.at = place;
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bad_bytes_among_many_sequences_are_utf_8_with_bad_places() {
        let mut bytes = "Köln,Düren,Münster\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"Bad\xff,x,y\n");
        let text = decode(&bytes);
        assert_eq!((text.encoding, text.bad.len()), (Encoding::Utf8, 1));
        let mut offsets = Offsets::new(&text);
        assert_eq!(offsets.of(text.text.find("Bad").expect("there")), 22);
        assert_eq!(offsets.of(text.text.find(",x").expect("there")), 26);
    }

    #[test]
    fn offsets_count_the_bytes_of_the_file_and_not_of_the_text() {
        let text = decode(b"\xff\xfea\0\xe4\0b\0");
        assert_eq!(text.text, "aäb");
        assert_eq!(Offsets::new(&text).of(3), 6);
    }
}
