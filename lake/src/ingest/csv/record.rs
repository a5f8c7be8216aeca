//! Records of delimited text, one after the other, with lines and places. It allocates nothing per record.

use std::borrow::Cow;

use super::Dialect;

/// One record; its fields are in [`Records::fields`] until the next is read.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Record {
    /// Where it begins in the text.
    pub start: usize,
    /// Where it ends, the line end not counted.
    pub end: usize,
    /// 1-based physical line of its start.
    pub line: u64,
    /// Physical lines that it spans.
    pub lines: u64,
    pub fault: Option<Fault>,
}

/// Why a record cannot be read without a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Fault {
    /// Something other than a delimiter or a line end follows a closing quote.
    AfterQuote,
    /// A quote never closes.
    Unclosed,
}

/// A field's place in the text, quotes not counted.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Field {
    start: usize,
    end: usize,
    /// Holds doubled or escaped quotes.
    escaped: bool,
}

impl Field {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Begins with white space: the only field that a blank line of one column has.
    pub fn is_spaced(&self, text: &str) -> bool {
        text[self.start..self.end].starts_with(char::is_whitespace)
    }

    /// What the field says, when that stands in the text.
    #[inline]
    pub fn plain<'a>(&self, text: &'a str) -> Option<&'a str> {
        if self.escaped { None } else { Some(&text[self.start..self.end]) }
    }

    /// What the field says.
    #[inline]
    pub fn value<'a>(&self, text: &'a str, dialect: Dialect) -> Cow<'a, str> {
        if let Some(plain) = self.plain(text) {
            return Cow::Borrowed(plain);
        }
        let raw = &text[self.start..self.end];
        let quote = char::from(dialect.quote);
        let mut value = String::with_capacity(raw.len());
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            let escapes = c == quote || (dialect.backslash && c == '\\');
            match chars.next_if(|next| escapes && *next == quote) {
                Some(next) => value.push(next),
                None => value.push(c),
            }
        }
        Cow::Owned(value)
    }
}

/// Reads records from the start of a text to its end.
#[derive(Debug)]
pub(super) struct Records<'a> {
    text: &'a [u8],
    dialect: Dialect,
    at: usize,
    line: u64,
    fields: Vec<Field>,
    /// Bytes that end a run of plain text in an unquoted field.
    stops: [bool; 256],
}

impl<'a> Records<'a> {
    pub fn new(text: &'a str, dialect: Dialect) -> Self {
        Self::at(text, dialect, 1)
    }

    /// Of a text that begins at a later line of the file.
    pub fn at(text: &'a str, dialect: Dialect, line: u64) -> Self {
        let mut stops = [false; 256];
        for stop in [dialect.delimiter, b'\n', b'\r'] {
            stops[usize::from(stop)] = true;
        }
        Self { text: text.as_bytes(), dialect, at: 0, line, fields: Vec::new(), stops }
    }

    #[inline]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How far the text was read.
    #[inline]
    pub fn place(&self) -> usize {
        self.at
    }

    /// Whether a text that goes on after its end could change the record just read.
    #[inline]
    pub fn may_go_on(&self, record: &Record) -> bool {
        self.at >= self.text.len() && (record.end == self.at || self.text.last() == Some(&b'\r'))
    }

    #[inline]
    pub fn read(&mut self) -> Option<Record> {
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        let line = self.line;
        self.fields.clear();
        let fault = loop {
            if self.peek() == Some(self.dialect.quote) {
                if let Err(fault) = self.quoted() {
                    break Some(fault);
                }
            } else {
                self.plain();
            }
            match self.peek() {
                Some(b) if b == self.dialect.delimiter => self.at += 1,
                _ => break None,
            }
        };
        if fault == Some(Fault::AfterQuote) {
            while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                self.at += 1;
            }
        }
        let end = self.at;
        let inner = self.line - line;
        let ended = self.line_end();
        // The last line of the file counts even when nothing ends it.
        let lines = inner + u64::from(ended || end > start);
        Some(Record { start, end, line, lines, fault })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn plain(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let len = rest.iter().position(|b| self.stops[usize::from(*b)]).unwrap_or(rest.len());
        self.at += len;
        self.fields.push(Field { start, end: self.at, escaped: false });
    }

    fn quoted(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            if !self.dialect.backslash {
                let rest = &self.text[self.at..];
                self.at += memchr::memchr3(self.dialect.quote, b'\n', b'\r', rest).unwrap_or(rest.len());
            }
            let Some(b) = self.peek() else { return Err(Fault::Unclosed) };
            let next = self.text.get(self.at + 1).copied();
            if b == b'\\' && self.dialect.backslash && next == Some(self.dialect.quote) {
                escaped = true;
                self.at += 2;
            } else if b == self.dialect.quote {
                match next {
                    Some(n) if n == self.dialect.quote => {
                        escaped = true;
                        self.at += 2;
                    }
                    None => break,
                    Some(n) if self.stops[usize::from(n)] => break,
                    Some(_) => return Err(Fault::AfterQuote),
                }
            } else if !self.line_end() {
                self.at += 1;
            }
        }
        self.fields.push(Field { start, end: self.at, escaped });
        self.at += 1;
        Ok(())
    }

    /// Steps over LF, CRLF or CR when one is next.
    #[inline]
    fn line_end(&mut self) -> bool {
        let len = match self.peek() {
            Some(b'\n') => 1,
            Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => 2,
            Some(b'\r') => 1,
            _ => return false,
        };
        self.at += len;
        self.line += 1;
        true
    }
}
