//! Records of a workbook's stream and the fields in them. A record holds at most 8,224 bytes; what is longer goes on in
//! records that continue it.

use crate::ingest::{Refusal, workbook::damaged};

/// Kinds of records that are looked at.
pub mod id {
    pub const FORMULA: u16 = 0x0006;
    pub const EOF: u16 = 0x000a;
    pub const DATE_MODE: u16 = 0x0022;
    pub const FILE_PASS: u16 = 0x002f;
    pub const CONTINUE: u16 = 0x003c;
    pub const CODE_PAGE: u16 = 0x0042;
    pub const BOUND_SHEET: u16 = 0x0085;
    pub const MUL_RK: u16 = 0x00bd;
    pub const RSTRING: u16 = 0x00d6;
    pub const XF: u16 = 0x00e0;
    pub const SST: u16 = 0x00fc;
    pub const LABEL_SST: u16 = 0x00fd;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const BOOL_ERR: u16 = 0x0205;
    pub const STRING: u16 = 0x0207;
    pub const RK: u16 = 0x027e;
    pub const FORMAT: u16 = 0x041e;
    pub const BOF: u16 = 0x0809;
}

pub struct Record<'a> {
    pub id: u16,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    pub fn fields(&self) -> Fields<'a> {
        Fields { now: self.data, later: Vec::new() }
    }
}

/// The records from some byte of a stream on.
pub struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub fn new(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at }
    }

    /// The byte at which the next record begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next record, or `None` at the stream's end.
    ///
    /// # Errors
    /// `unreadable` when the stream ends within one.
    pub fn next(&mut self) -> Result<Option<Record<'a>>, Refusal> {
        let rest = self.stream.get(self.at..).unwrap_or_default();
        let [a, b, c, d, data @ ..] = rest else { return Ok(None) };
        let size = usize::from(u16::from_le_bytes([*c, *d]));
        let data = data.get(..size).ok_or_else(early)?;
        self.at += 4 + size;
        Ok(Some(Record { id: u16::from_le_bytes([*a, *b]), data }))
    }

    /// The fields of a record that was just read, and of those that continue it.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn with_continuation(&mut self, record: &Record<'a>) -> Result<Fields<'a>, Refusal> {
        let mut later = Vec::new();
        loop {
            let before = self.at;
            match self.next()? {
                Some(more) if more.id == id::CONTINUE => later.push(more.data),
                _ => {
                    self.at = before;
                    break;
                }
            }
        }
        later.reverse();
        Ok(Fields { now: record.data, later })
    }
}

/// What is left of a record, and of those that continue it, the next one last.
pub struct Fields<'a> {
    now: &'a [u8],
    later: Vec<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Bytes that are left of this record alone.
    pub fn left(&self) -> usize {
        self.now.len()
    }

    pub fn u8(&mut self) -> Result<u8, Refusal> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Result<u16, Refusal> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Refusal> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn f64(&mut self) -> Result<f64, Refusal> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub fn bytes(&mut self, n: usize) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        while bytes.len() < n {
            let piece = self.piece(n - bytes.len())?;
            bytes.extend_from_slice(piece);
        }
        Ok(bytes)
    }

    /// A Unicode text after its length in two bytes.
    pub fn text(&mut self) -> Result<String, Refusal> {
        let chars = usize::from(self.u16()?);
        self.chars(chars)
    }

    /// A Unicode text after its length in one byte.
    pub fn short_text(&mut self) -> Result<String, Refusal> {
        let chars = usize::from(self.u8()?);
        self.chars(chars)
    }

    fn chars(&mut self, chars: usize) -> Result<String, Refusal> {
        const WIDE: u8 = 1;
        const EXTENDED: u8 = 4;
        const RICH: u8 = 8;
        let mut flags = self.u8()?;
        let formats = if flags & RICH == 0 { 0 } else { usize::from(self.u16()?) * 4 };
        let extension = if flags & EXTENDED == 0 { 0 } else { self.u32()? as usize };
        let mut units = Vec::new();
        while units.len() < chars {
            if self.now.is_empty() {
                // Each record that goes on with a text says anew how wide its characters are.
                flags = self.u8()?;
                continue;
            }
            let left = chars - units.len();
            if flags & WIDE == 0 {
                units.extend(self.piece(left)?.iter().map(|b| u16::from(*b)));
            } else {
                let whole = self.now.len().min(left * 2) & !1;
                if whole == 0 {
                    return Err(early());
                }
                let piece = self.piece(whole)?;
                units.extend(piece.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
            }
        }
        let mut layout = formats.saturating_add(extension);
        while layout > 0 {
            layout -= self.piece(layout)?.len();
        }
        Ok(String::from_utf16_lossy(&units))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        let mut filled = 0;
        while filled < N {
            let piece = self.piece(N - filled)?;
            array[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        }
        Ok(array)
    }

    /// At most `n` bytes, and at least one.
    fn piece(&mut self, n: usize) -> Result<&'a [u8], Refusal> {
        while self.now.is_empty() {
            self.now = self.later.pop().ok_or_else(early)?;
        }
        let (piece, rest) = self.now.split_at(n.min(self.now.len()));
        self.now = rest;
        Ok(piece)
    }
}

fn early() -> Refusal {
    damaged(&"it ends early")
}
