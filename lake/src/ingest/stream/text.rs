//! Bytes to parts of text: decoded, cut where records may end, with what the whole file shows of its encoding.

use std::io::{self, Read};

use encoding_rs::WINDOWS_1252;
use sha2::{Digest as _, Sha256};

use super::{LONGEST, Stop};
use crate::ingest::{
    encoding::{self, Encoding, Offsets, Text},
    sniff,
};

/// Decodes part after part. The current text goes on where the one before was left.
pub(super) struct Texts<'a> {
    raw: Box<dyn Read + 'a>,
    /// Bytes that are read and not decoded: the begin of a line.
    pending: Vec<u8>,
    /// The part, with the place of its begin in the file as the length of its mark.
    text: Text,
    /// The encoding is known from an earlier reading.
    given: Option<Encoding>,
    begun: bool,
    ended: bool,
    part: usize,
    seen: Seen,
}

/// What the encoding of the whole is told by.
#[derive(Debug, Default)]
struct Seen {
    marked: bool,
    /// Bytes that are no UTF-8, and characters of several bytes.
    bad: usize,
    sequences: usize,
    controls: usize,
    length: usize,
}

impl<'a> Texts<'a> {
    pub fn new(raw: Box<dyn Read + 'a>, given: Option<Encoding>, part: usize) -> Self {
        let text = Text { text: String::new(), encoding: Encoding::Utf8, bad: Vec::new(), bom: 0 };
        let (pending, seen) = (Vec::new(), Seen::default());
        Self { raw, pending, text, given, begun: false, ended: false, part, seen }
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    pub fn encoding(&self) -> Encoding {
        self.text.encoding
    }

    /// Whether nothing follows the current text.
    pub fn is_last(&self) -> bool {
        self.ended
    }

    /// Decodes on: the text grows by about a part, to the end of a line.
    ///
    /// # Errors
    /// As the source. A line that is too long ends the text: what follows it is then missing, and
    /// [`whole`](Self::whole) says so.
    pub fn more(&mut self) -> io::Result<()> {
        let end = loop {
            let before = self.pending.len();
            let wanted = self.part.max(before);
            (&mut self.raw).take(wanted as u64).read_to_end(&mut self.pending)?;
            if self.pending.len() - before < wanted {
                self.ended = true;
                break self.pending.len();
            }
            if let Some(at) = memchr::memrchr2(b'\n', b'\r', &self.pending) {
                break at + 1;
            }
            if self.pending.len() > LONGEST {
                self.ended = true;
                self.seen.length = usize::MAX;
                break 0;
            }
        };
        let mut start = 0;
        if !self.begun {
            self.begun = true;
            self.text.encoding = self.given.unwrap_or_else(|| encoding::decode(&self.pending[..end]).encoding);
            if self.pending[..end].starts_with(b"\xef\xbb\xbf") {
                (self.seen.marked, self.text.bom, start) = (true, 3, 3);
            }
        }
        self.decode(start, end);
        self.pending.drain(..end);
        Ok(())
    }

    fn decode(&mut self, start: usize, end: usize) {
        let bytes = &self.pending[start..end];
        let from = self.text.text.len();
        match std::str::from_utf8(bytes) {
            Ok(valid) => {
                if !valid.is_ascii() {
                    self.seen.sequences += valid.chars().filter(|c| !c.is_ascii()).count();
                }
                match self.text.encoding {
                    Encoding::Windows1252 => {
                        self.text.text.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0)
                    }
                    _ => self.text.text.push_str(valid),
                }
            }
            Err(_) => {
                for chunk in bytes.utf8_chunks() {
                    self.seen.sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
                    self.seen.bad += chunk.invalid().len();
                    if self.text.encoding == Encoding::Utf8 {
                        self.text.text.push_str(chunk.valid());
                        for _ in chunk.invalid() {
                            self.text.bad.push(self.text.text.len());
                            self.text.text.push('\u{fffd}');
                        }
                    }
                }
                if self.text.encoding == Encoding::Windows1252 {
                    self.text.text.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
                }
            }
        }
        let new = &self.text.text[from..];
        self.seen.controls += sniff::controls(new);
        self.seen.length = self.seen.length.saturating_add(new.len());
    }

    /// Forgets the first bytes of the text: they are read.
    pub fn take(&mut self, read: usize) {
        let start = Offsets::new(&self.text).of(read);
        self.text.bom = usize::try_from(start).unwrap_or(usize::MAX);
        self.text.text.drain(..read);
        self.text.bad.retain(|at| *at >= read);
        self.text.bad.iter_mut().for_each(|at| *at -= read);
    }

    /// The encoding of the whole file, once all of it was read.
    ///
    /// # Errors
    /// [`Stop::Whole`] for what is no text in parts.
    pub fn whole(&self) -> Result<Encoding, Stop> {
        let Seen { marked, bad, sequences, controls, length } = self.seen;
        if length == usize::MAX {
            return Err(Stop::Whole("it has a line that is too long"));
        }
        if sniff::is_binary(controls, length) {
            return Err(Stop::Whole("it is no text"));
        }
        let utf8 = bad == 0 || marked || sequences > bad;
        Ok(if utf8 { Encoding::Utf8 } else { Encoding::Windows1252 })
    }
}

/// Bytes as they arrived, and their hash when it is wanted.
pub(super) struct Hashed<'a> {
    raw: Box<dyn Read + 'a>,
    hash: Option<Sha256>,
}

impl<'a> Hashed<'a> {
    pub fn new(raw: Box<dyn Read + 'a>, wanted: bool) -> Self {
        Self { raw, hash: wanted.then(Sha256::new) }
    }

    /// Reads to the end. Lower-case hex.
    pub fn end(mut self) -> io::Result<Option<String>> {
        if self.hash.is_none() {
            return Ok(None);
        }
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hash.map(|hash| crate::ingest::landing::hex(&hash.finalize())))
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.raw.read(into)?;
        if let Some(hash) = &mut self.hash {
            hash.update(&into[..n]);
        }
        Ok(n)
    }
}
