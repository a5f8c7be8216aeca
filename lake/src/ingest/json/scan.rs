//! A JSON scanner (RFC 8259) that keeps the author's text of numbers and nested values.
//!
//! Depth is bounded; a string with half a surrogate pair is an error, since no text can hold it.

use std::borrow::Cow;

/// How deep values may nest.
const DEPTH: usize = 128;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    /// An object or array as written.
    Nested(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScanError {
    pub at: usize,
    pub why: &'static str,
}

type Scanned<T> = Result<T, ScanError>;

#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub fn place(&self) -> usize {
        self.at
    }

    pub fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub fn take(&mut self, b: u8) -> bool {
        let found = self.peek() == Some(b);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, b: u8) -> Scanned<()> {
        if self.take(b) {
            return Ok(());
        }
        self.wrong(match b {
            b':' => "a colon is missing",
            b']' => "a comma or ] is missing",
            b'}' => "a comma or } is missing",
            b'"' => "a key in quotes is missing",
            _ => "a value is missing",
        })
    }

    /// Reads one object, giving each key and value to `member`.
    pub fn object(
        &mut self,
        mut member: impl FnMut(Cow<'a, str>, Value<'a>) -> Result<(), &'static str>,
    ) -> Scanned<()> {
        self.expect(b'{')?;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let at = self.at;
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            let value = self.value()?;
            member(key, value).map_err(|why| ScanError { at, why })?;
            self.space();
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Steps over one value, checking it.
    pub fn skip_value(&mut self) -> Scanned<()> {
        self.value().map(|_| ())
    }

    fn value(&mut self) -> Scanned<Value<'a>> {
        self.space();
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{' | b'[') => self.nested().map(Value::Nested),
            Some(b't') => self.word("true", Value::Boolean(true)),
            Some(b'f') => self.word("false", Value::Boolean(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            _ => self.wrong("a value is missing"),
        }
    }

    fn nested(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        // What closes each open bracket; a stack of our own, so that depth costs no recursion.
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(b @ (b'{' | b'[')) => {
                    self.at += 1;
                    if open.len() == DEPTH {
                        return self.wrong("values nest too deep");
                    }
                    open.push(if b == b'{' { b'}' } else { b']' });
                    self.space();
                    if self.peek() != open.last().copied() {
                        if b == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'}' | b']') => return self.wrong("a value is missing"),
                _ => self.skip_value()?,
            }
            // After a value: close what ends here, then go on behind a comma.
            loop {
                self.space();
                let Some(&close) = open.last() else { return Ok(&self.text[start..self.at]) };
                if self.take(close) {
                    open.pop();
                    continue;
                }
                if !self.take(b',') {
                    return self.expect(close).map(|()| "");
                }
                if close == b'}' {
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Scanned<()> {
        self.space();
        self.string()?;
        self.space();
        self.expect(b':')
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Scanned<Value<'a>> {
        if !self.text[self.at..].starts_with(word) {
            return self.wrong("a value is missing");
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Scanned<&'a str> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return self.wrong("a number has no digits");
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.wrong("a number has no digits after the point");
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if !self.take(b'-') {
                self.take(b'+');
            }
            if self.digits() == 0 {
                return self.wrong("a number has no exponent");
            }
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.wrong("a number begins with 0");
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Scanned<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut from = start;
        loop {
            match self.peek() {
                None => return self.wrong("a string does not end"),
                Some(b'"') => {
                    let rest = &self.text[from..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        Some(mut s) => {
                            s.push_str(rest);
                            Cow::Owned(s)
                        }
                        None => Cow::Borrowed(rest),
                    });
                }
                Some(b'\\') => {
                    let s = owned.get_or_insert_default();
                    s.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    let c = self.escape()?;
                    owned.get_or_insert_default().push(c);
                    from = self.at;
                }
                Some(0..=0x1f) => return self.wrong("a string holds a raw control character"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Scanned<char> {
        let b = self.peek();
        self.at += 1;
        Ok(match b {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&high) {
                    if !(self.take(b'\\') && self.take(b'u')) {
                        return self.wrong("a string holds half a surrogate pair");
                    }
                    let low = self.hex()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return self.wrong("a string holds half a surrogate pair");
                    }
                    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                };
                match char::from_u32(code) {
                    Some(c) => c,
                    None => return self.wrong("a string holds half a surrogate pair"),
                }
            }
            _ => return self.wrong("a string holds an unknown escape"),
        })
    }

    fn hex(&mut self) -> Scanned<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).and_then(|d| std::str::from_utf8(d).ok());
        match digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())).and_then(|d| u32::from_str_radix(d, 16).ok())
        {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.wrong("a string holds a broken \\u escape"),
        }
    }

    fn wrong<T>(&self, why: &'static str) -> Scanned<T> {
        Err(ScanError { at: self.at, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_scanned_by_the_standard_and_no_further() {
        for (text, good) in [
            (r#"{"a":[1,{"b":[]},{}],"c":{}}"#, true),
            (r#"{"a":[[[]]]}"#, true),
            (r#"{"a":01}"#, false),
            (r#"{"a":[1,]}"#, false),
            (r#"{"a":[1 2]}"#, false),
            (r#"{"a":{"b"}}"#, false),
            (r#"{"a":{"b":1,}}"#, false),
            (r#"{"a":[}]}"#, false),
            (r#"{"a":[1}}"#, false),
            (r#"{"a":"\ud800"}"#, false),
            (r#"{"a":"\ud83d\ude00"}"#, true),
            ("{\"a\":\"x\ny\"}", false),
            (r#"{"a":-}"#, false),
            (r#"{"a":1.e5}"#, false),
            (r#"{"a":1e5}"#, true),
            (r#"{"a":nul}"#, false),
            (r#"{"a":1"#, false),
            (r#"{}"#, true),
        ] {
            let mut scanner = Scanner::new(text);
            assert_eq!(scanner.object(|_, _| Ok(())).is_ok() && scanner.at_end(), good, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Scanner::new(&deep).skip_value().map_err(|e| e.why), Err("values nest too deep"));
    }
}
