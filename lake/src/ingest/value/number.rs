//! Numbers as people write them: which readings a text allows, and which type holds all of them exactly.

use model::ColumnType;

/// The character before the fraction. The other one then groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Point,
    Comma,
}

impl Mark {
    fn decimal(self) -> u8 {
        match self {
            Self::Point => b'.',
            Self::Comma => b',',
        }
    }

    fn group(self) -> u8 {
        match self {
            Self::Point => b',',
            Self::Comma => b'.',
        }
    }
}

/// Under which marks a text is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct Shape {
    pub point: bool,
    pub comma: bool,
    /// Has a mark at all; without one both readings are the same.
    pub marked: bool,
}

impl Shape {
    /// `None` when no mark makes `s` a number.
    pub fn of(s: &str) -> Option<Self> {
        let bytes = s.as_bytes();
        if !matches!(bytes.first(), Some(b'0'..=b'9' | b'-' | b'.' | b',')) {
            return None;
        }
        let marked = bytes.iter().any(|b| matches!(b, b'.' | b','));
        let point = reads(bytes, Mark::Point);
        let comma = if marked { reads(bytes, Mark::Comma) } else { point };
        (point || comma).then_some(Self { point, comma, marked })
    }

    /// The mark that this value proves, if it is a number under one alone.
    pub fn proof(self) -> Option<Mark> {
        match (self.point, self.comma) {
            (true, false) => Some(Mark::Point),
            (false, true) => Some(Mark::Comma),
            _ => None,
        }
    }

    pub fn under(self, mark: Mark) -> bool {
        match mark {
            Mark::Point => self.point,
            Mark::Comma => self.comma,
        }
    }
}

/// `NaN`, `inf`, `-inf`: they fit beside numbers and are none by themselves.
pub(in crate::ingest) fn special(s: &str) -> Option<f64> {
    match s {
        "NaN" => Some(f64::NAN),
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Powers of ten that floats hold exactly.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
/// Digits of which every number is exactly a float, and less than 2^63.
const PLAIN: usize = 15;

/// A whole number of at most 15 digits as it is mostly written: its value and its digits. `None` for any other text.
#[inline]
pub(in crate::ingest) fn plain_whole(s: &[u8]) -> Option<(i64, usize)> {
    let digits = s.strip_prefix(b"-").unwrap_or(s);
    let plain = (1..=PLAIN).contains(&digits.len()) && (digits[0] != b'0' || s.len() == 1);
    if !plain {
        return None;
    }
    let value = all_of(digits, 0)?;
    Some((if s.len() == digits.len() { value } else { -value }, digits.len()))
}

/// A number of at most 15 digits with a point that can be nothing but its decimal mark: its value and the digits that a
/// decimal needs before and after the mark. `None` for any other text.
#[inline]
pub(in crate::ingest) fn plain_decimal(s: &[u8]) -> Option<(f64, usize, usize)> {
    let number = s.strip_prefix(b"-").unwrap_or(s);
    let mark = number.iter().position(|b| *b == b'.')?;
    let (whole, fraction) = (&number[..mark], &number[mark + 1..]);
    let zero = whole == b"0";
    // `1.234` may be a thousand and more.
    let grouped = fraction.len() == 3 && whole.len() <= 3 && !zero;
    let plain = !whole.is_empty()
        && !fraction.is_empty()
        && whole.len() + fraction.len() <= PLAIN
        && (zero || whole[0] != b'0')
        && !grouped;
    if !plain {
        return None;
    }
    let digits = all_of(fraction, all_of(whole, 0)?)?;
    let negative = s.len() != number.len();
    // A negative zero is no decimal.
    if digits == 0 && negative {
        return None;
    }
    // Both are exact, so their quotient is the float nearest to the number.
    let value = digits as f64 / TENS[fraction.len()];
    Some((if negative { -value } else { value }, if zero { 0 } else { whole.len() }, fraction.len()))
}

#[inline]
fn all_of(digits: &[u8], before: i64) -> Option<i64> {
    let mut value = before;
    for b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(value)
}

/// Writes `s` into `out` without group marks and with a point. `s` must be a number under `mark`.
pub(in crate::ingest) fn canonical(s: &str, mark: Mark, out: &mut String) {
    out.clear();
    for c in s.bytes().filter(|b| *b != mark.group()) {
        out.push(if c == mark.decimal() { '.' } else { char::from(c) });
    }
}

fn reads(s: &[u8], mark: Mark) -> bool {
    let s = s.strip_prefix(b"-").unwrap_or(s);
    let (mantissa, exponent) = match s.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => (&s[..at], Some(&s[at + 1..])),
        None => (s, None),
    };
    if let Some(e) = exponent {
        let digits = e.strip_prefix(b"-").or_else(|| e.strip_prefix(b"+")).unwrap_or(e);
        if digits.len() > 4 || !all_digits(digits) {
            return false;
        }
    }
    let (whole, fraction) = match mantissa.iter().position(|b| *b == mark.decimal()) {
        Some(at) => (&mantissa[..at], Some(&mantissa[at + 1..])),
        None => (mantissa, None),
    };
    if fraction.is_some_and(|f| !all_digits(f)) {
        return false;
    }
    if whole.contains(&mark.group()) {
        return exponent.is_none() && grouped(whole, mark.group());
    }
    // `.5` is a number; `5.` is an ordinal in some languages, and text.
    (whole.is_empty() && fraction.is_some()) || (all_digits(whole) && (whole.len() == 1 || whole[0] != b'0'))
}

fn all_digits(s: &[u8]) -> bool {
    !s.is_empty() && s.iter().all(u8::is_ascii_digit)
}

fn grouped(whole: &[u8], group: u8) -> bool {
    let mut parts = whole.split(|b| *b == group);
    let first = parts.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && all_digits(first)
        && first[0] != b'0'
        && parts.all(|p| p.len() == 3 && all_digits(p))
}

/// Which numeric type holds every value added so far, exactly.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Fit {
    /// Numbers added, `NaN` and infinities not counted.
    pub values: u64,
    pub integers: bool,
    int64: bool,
    float64: bool,
    /// Decimals cannot hold exponents past their digits, a negative zero, `NaN` or infinities.
    decimal: bool,
    whole_digits: usize,
    fraction_digits: usize,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            values: 0,
            integers: true,
            int64: true,
            float64: true,
            decimal: true,
            whole_digits: 0,
            fraction_digits: 0,
        }
    }
}

impl Fit {
    /// Adds a number in its canonical form.
    pub fn add(&mut self, s: &str) {
        self.values += 1;
        let digits = s.strip_prefix('-').unwrap_or(s);
        if digits.bytes().all(|b| b.is_ascii_digit()) && s != "-0" {
            self.whole_digits = self.whole_digits.max(digits.len());
            self.int64 &= digits.len() < 19 || s.parse::<i64>().is_ok();
            self.float64 = self.float64 && (digits.len() <= 15 || exact_float(s).is_some());
            return;
        }
        self.integers = false;
        self.float64 = self.float64 && exact_float(s).is_some();
        if self.decimal {
            match decimal_digits(s) {
                Some((whole, fraction)) => {
                    self.whole_digits = self.whole_digits.max(whole);
                    self.fraction_digits = self.fraction_digits.max(fraction);
                }
                None => self.decimal = false,
            }
        }
    }

    /// Adds a whole number of 1 to 15 digits, which is not `-0`.
    #[inline]
    pub fn add_whole(&mut self, digits: usize) {
        self.values += 1;
        self.whole_digits = self.whole_digits.max(digits);
    }

    /// Adds a number of at most 15 digits with a point, in its canonical form, which is not a negative zero.
    #[inline]
    pub fn add_decimal(&mut self, whole_digits: usize, fraction_digits: usize) {
        self.values += 1;
        self.integers = false;
        self.whole_digits = self.whole_digits.max(whole_digits);
        self.fraction_digits = self.fraction_digits.max(fraction_digits);
    }

    /// Adds `NaN` or an infinity.
    pub fn add_special(&mut self) {
        self.integers = false;
        self.decimal = false;
    }

    pub fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.integers &= other.integers;
        self.int64 &= other.int64;
        self.float64 &= other.float64;
        self.decimal &= other.decimal;
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        self.fraction_digits = self.fraction_digits.max(other.fraction_digits);
    }

    /// `None` when no type holds them all: text.
    pub fn column_type(&self) -> Option<ColumnType> {
        const DIGITS: usize = 38;
        if self.values == 0 {
            return None;
        }
        if self.integers {
            return match () {
                () if self.int64 => Some(ColumnType::Int64),
                () if self.whole_digits <= DIGITS => Some(ColumnType::Decimal(38, 0)),
                () => None,
            };
        }
        if self.float64 {
            return Some(ColumnType::Float64);
        }
        let scale = i8::try_from(self.fraction_digits).ok()?;
        (self.decimal && self.whole_digits + self.fraction_digits <= DIGITS).then_some(ColumnType::Decimal(38, scale))
    }
}

/// The float64 whose shortest form is exactly the canonical number `s`, trailing zeros not counted.
pub(in crate::ingest) fn exact_float(s: &str) -> Option<f64> {
    let value: f64 = s.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let mantissa = s.split(['e', 'E']).next().unwrap_or(s);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    // Up to 15 digits every decimal survives, unless it is so small that float64 loses digits there.
    if digits <= 15 && (value.abs() > 1e-290 || mantissa.bytes().all(|b| !(b'1'..=b'9').contains(&b))) {
        return Some(value);
    }
    (significant(s)? == significant(&format!("{value:e}"))?).then_some(value)
}

/// The float64 of which the canonical number `s` is one rendering, with up to 17 digits: enough to find it again.
/// For columns that are float64 already; a column becomes one only by [`exact_float`].
pub(in crate::ingest) fn rendered_float(s: &str) -> Option<f64> {
    exact_float(s).or_else(|| {
        let value: f64 = s.parse().ok()?;
        let (digits, _) = significant(s)?;
        let rendered = format!("{value:.*e}", digits.len().checked_sub(1).filter(|n| *n < 17)?);
        (value.is_finite() && significant(s)? == significant(&rendered)?).then_some(value)
    })
}

/// Digits without zeros at either end, and the power of ten of the first: equal for equal numbers.
fn significant(s: &str) -> Option<(Vec<u8>, i64)> {
    let (digits, point) = unscaled(s)?;
    let lead = digits.iter().take_while(|d| **d == b'0').count();
    if lead == digits.len() {
        return Some((Vec::new(), 0));
    }
    let tail = digits.iter().rev().take_while(|d| **d == b'0').count();
    Some((digits[lead..digits.len() - tail].to_vec(), point - i64::try_from(lead).ok()?))
}

/// All digits of a canonical number, and how many of them stand before the point (negative: zeros after it).
fn unscaled(s: &str) -> Option<(Vec<u8>, i64)> {
    let s = s.strip_prefix('-').unwrap_or(s);
    let (mantissa, exponent) = match s.find(['e', 'E']) {
        Some(at) => (&s[..at], s[at + 1..].parse::<i64>().ok()?),
        None => (s, 0),
    };
    let whole = mantissa.find('.').unwrap_or(mantissa.len());
    let digits = mantissa.bytes().filter(|b| *b != b'.').collect();
    Some((digits, i64::try_from(whole).ok()? + exponent))
}

/// Digits before and after the point as a decimal would need them, or `None` when no decimal of 38 digits can.
fn decimal_digits(s: &str) -> Option<(usize, usize)> {
    let (digits, point) = unscaled(s)?;
    let zero = digits.iter().all(|d| *d == b'0');
    if (zero && s.starts_with('-')) || !(-38..=38).contains(&point) {
        return None;
    }
    let all = i64::try_from(digits.len()).ok()?;
    let lead = i64::try_from(digits.iter().take_while(|d| **d == b'0').count()).ok()?;
    let whole = usize::try_from((point - lead).max(0)).ok()?;
    let fraction = usize::try_from((all - point).max(0)).ok()?;
    Some((whole, fraction))
}

/// A canonical number as the unscaled value of a decimal, or `None` when it needs more digits than there are.
pub(in crate::ingest) fn decimal(s: &str, precision: u8, scale: i8) -> Option<i128> {
    let (digits, point) = unscaled(s)?;
    let scale = i64::from(scale);
    let lead = digits.iter().take_while(|d| **d == b'0').count();
    if lead == digits.len() {
        return (!s.starts_with('-')).then_some(0);
    }
    let tail = digits.iter().rev().take_while(|d| **d == b'0').count();
    let digits = &digits[lead..digits.len() - tail];
    let point = point - i64::try_from(lead).ok()?;
    // The power of ten by which the digits, read as an integer, are too small.
    let shift = point + scale - i64::try_from(digits.len()).ok()?;
    let whole = point + scale;
    if shift < 0 || whole > i64::from(precision) {
        return None;
    }
    let mut value: i128 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    value = value.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    Some(if s.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_number_under_the_marks_that_it_allows() {
        for (s, point, comma) in [
            ("12", true, true),
            ("0", true, true),
            ("-0", true, true),
            ("007", false, false),
            ("+5", false, false),
            ("12.5", true, false),
            ("12,5", false, true),
            ("0.125", true, false),
            ("0,125", false, true),
            ("1.234", true, true),
            ("1,234", true, true),
            ("1,234.50", true, false),
            ("1.234,50", false, true),
            ("1,234,567", true, false),
            ("1234,5", false, true),
            ("1234,567", false, true),
            ("1e5", true, true),
            ("1.5e-3", true, false),
            ("1.6E-19", true, false),
            (".5", true, false),
            ("5.", false, false),
            ("1.2.3", false, false),
            ("-1,000", true, true),
            ("1,00", false, true),
            ("12,34,567", false, false),
            ("-", false, false),
            ("1e", false, false),
            ("1 234", false, false),
            ("0x1f", false, false),
        ] {
            let shape = Shape::of(s).map(|x| (x.point, x.comma)).unwrap_or_default();
            assert_eq!(shape, (point, comma), "{s}");
        }
    }

    #[test]
    fn floats_that_lose_a_digit_are_no_floats() {
        for (s, exact) in [
            ("0.30000000000000004", true),
            ("9007199254740993", false),
            ("9007199254740992", true),
            ("3.14159265358979323846", false),
            ("1e400", false),
            ("6.022e23", true),
            ("1e-320", true),
            ("1.2345678901e-320", false),
            ("0.000", true),
            ("100000000000000000000", true),
            ("0.10000000000000000000000", true),
        ] {
            assert_eq!(exact_float(s).is_some(), exact, "{s}");
        }
        for (s, good) in [("48.053808600000004", true), ("-72.886806000000007", true), ("9007199254740993", false)] {
            assert_eq!(rendered_float(s).is_some(), good, "{s}");
        }
    }

    #[test]
    fn decimals_keep_every_digit_or_refuse() {
        for (s, p, scale, expected) in [
            ("12.50", 10, 2, Some(1250)),
            ("-3", 10, 2, Some(-300)),
            ("0.005", 10, 2, None),
            ("123", 4, 2, None),
            ("1.5e2", 10, 0, Some(150)),
            ("1.500", 10, 1, Some(15)),
            ("0", 3, 1, Some(0)),
            ("-0", 3, 1, None),
        ] {
            assert_eq!(decimal(s, p, scale), expected, "{s}");
        }
    }
}
