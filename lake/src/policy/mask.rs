//! Column masks: how they are written, what they show, and the expressions that stand in for a value.

use std::{fmt, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{Expr, lit},
};

use super::predicate::{self, Predicate};

mod work;

use work::{Computed, Work};

/// How a value is changed before anything else sees it. In order of what is left: where two grants give a cell, the one
/// that shows more decides. What an expression shows nobody can tell; it stands where a part of the value may still show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mask {
    Month,
    Quarter,
    Year,
    /// Narrower buckets first.
    Bucket(Width),
    /// An expression over the column; of several, the one whose text comes first.
    Sql(String),
    Last4,
    Hash,
    Redact,
    Constant(String),
    Null,
}

/// The width of a bucket, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Width(i128);

/// What every redacted value reads as.
const REDACTED: &str = "•••";
/// Bytes of a constant.
const CONSTANT: usize = 1_000;
/// Digits of a width, before and after the point.
const DIGITS: (usize, usize) = (18, 9);
const UNITS: i128 = 1_000_000_000;

impl Mask {
    pub fn parse(s: &str) -> Result<Self, String> {
        let call = s.trim().strip_suffix(')').and_then(|s| s.split_once('('));
        let mask = match (s, call.map(|(name, inside)| (name.trim(), inside.trim()))) {
            ("null", _) => Self::Null,
            ("hash", _) => Self::Hash,
            ("redact", _) => Self::Redact,
            ("last4", _) => Self::Last4,
            ("year", _) => Self::Year,
            (_, Some(("bucket", "month"))) => Self::Month,
            (_, Some(("bucket", "quarter"))) => Self::Quarter,
            (_, Some(("bucket", width))) => Self::Bucket(Width::parse(width).ok_or_else(|| {
                format!(
                    "`{s}` has no width: write for example bucket(1000), bucket(0.5), bucket(month) or bucket(quarter)"
                )
            })?),
            (_, Some(("constant", text))) => Self::Constant(quoted(text).ok_or_else(|| {
                format!("`{s}` is no constant: write it in single quotes, at most {CONSTANT} bytes: constant('n/a')")
            })?),
            (_, Some(("sql", expression))) => {
                Predicate::plain(expression).map_err(|why| format!("`{s}`: {why}"))?;
                Self::Sql(expression.to_owned())
            }
            _ => {
                return Err(format!(
                    "`{s}` is not a mask: use null, hash, redact, last4, year, bucket(1000), bucket(month), \
                     bucket(quarter), constant('n/a') or sql(upper(name))"
                ));
            }
        };
        Ok(mask)
    }

    /// For a person, after the column's name.
    pub fn words(&self) -> String {
        match self {
            Self::Null => "hidden".to_owned(),
            Self::Hash => "hashed".to_owned(),
            Self::Redact => "redacted".to_owned(),
            Self::Last4 => "last four characters".to_owned(),
            Self::Year => "year only".to_owned(),
            Self::Quarter => "quarter only".to_owned(),
            Self::Month => "month only".to_owned(),
            Self::Bucket(width) => format!("in steps of {width}"),
            Self::Constant(_) => "replaced".to_owned(),
            Self::Sql(_) => "changed".to_owned(),
        }
    }

    /// The masked value of a column over the raw one, and its type.
    ///
    /// # Errors
    /// A sentence when the mask does not fit the column's type.
    pub fn over(&self, column: &str, data_type: &DataType, secret: &Arc<[u8]>) -> Result<(Expr, DataType), String> {
        let raw = || Expr::Column(Column::new_unqualified(column));
        let misfit = |needs: &str| format!("the mask `{self}` needs {needs}; `{column}` is {data_type}");
        let same = |work: Work| (work.over(raw(), data_type.clone()), data_type.clone());
        let text = |work: Work| (work.over(raw(), DataType::Utf8), DataType::Utf8);
        Ok(match self {
            Self::Null => {
                let null = ScalarValue::try_from(data_type).map_err(|e| e.strip_backtrace())?;
                (Expr::Literal(null, None), data_type.clone())
            }
            Self::Hash => text(Work::hash(secret)),
            Self::Redact => (lit(REDACTED), DataType::Utf8),
            Self::Last4 => text(Work::Last4),
            Self::Year | Self::Quarter | Self::Month => match data_type {
                DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => same(Work::Begin(match self {
                    Self::Year => 12,
                    Self::Quarter => 3,
                    _ => 1,
                })),
                _ => return Err(misfit("a date or timestamp")),
            },
            Self::Bucket(width) => match data_type {
                t if t.is_integer() && width.whole().is_none() => return Err(misfit("fractions")),
                DataType::Decimal128(_, scale) if width.scaled(*scale).is_none() => {
                    return Err(misfit("more digits behind the point"));
                }
                t if t.is_integer() => same(Work::Bucket(*width)),
                DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => same(Work::Bucket(*width)),
                _ => return Err(misfit("a number")),
            },
            Self::Constant(text) => {
                let value = ScalarValue::try_from_string(text.clone(), data_type);
                let value = value.ok().filter(|v| !v.is_null());
                (Expr::Literal(value.ok_or_else(|| misfit("a column of its type"))?, None), data_type.clone())
            }
            Self::Sql(sql) => {
                // The column alone: an expression over others would show of them what no grant says.
                let field = Field::new(column, data_type.clone(), true);
                let schema = Schema::new(vec![field]);
                let wrong = |why: String| format!("the mask `{self}` on `{column}`: {why}");
                let (physical, to) = predicate::value(sql, &schema).map_err(wrong)?;
                if !is_plain(&to) {
                    return Err(wrong(format!("it gives {to}, which is no column's type")));
                }
                (Work::Compute(Computed::new(sql, schema, physical)).over(raw(), to.clone()), to)
            }
        })
    }
}

fn is_plain(t: &DataType) -> bool {
    t.is_string()
        || t.is_signed_integer()
        || matches!(t, DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..))
        || matches!(t, DataType::Date32 | DataType::Timestamp(..))
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Hash => f.write_str("hash"),
            Self::Redact => f.write_str("redact"),
            Self::Last4 => f.write_str("last4"),
            Self::Year => f.write_str("year"),
            Self::Quarter => f.write_str("bucket(quarter)"),
            Self::Month => f.write_str("bucket(month)"),
            Self::Bucket(width) => write!(f, "bucket({width})"),
            Self::Constant(text) => write!(f, "constant('{}')", text.replace('\'', "''")),
            Self::Sql(sql) => write!(f, "sql({sql})"),
        }
    }
}

impl Width {
    fn parse(s: &str) -> Option<Self> {
        let (whole, part) = s.split_once('.').unwrap_or((s, "0"));
        let digits = |s: &str, most| !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, DIGITS.0) || !digits(part, DIGITS.1) {
            return None;
        }
        let width = whole.parse::<i128>().ok()? * UNITS + format!("{part:0<9}").parse::<i128>().ok()?;
        (width > 0).then_some(Self(width))
    }

    /// As a whole number, if it is one.
    fn whole(self) -> Option<i64> {
        (self.0 % UNITS == 0).then(|| i64::try_from(self.0 / UNITS).ok())?
    }

    /// In units of a decimal's last digit, if it is a whole number of them.
    fn scaled(self, scale: i8) -> Option<i128> {
        let scaled = self.0.checked_mul(10i128.checked_pow(u32::try_from(scale).ok()?)?)?;
        (scaled % UNITS == 0).then_some(scaled / UNITS)
    }

    #[expect(clippy::cast_precision_loss, reason = "a width has few digits; floats have no more")]
    fn float(self) -> f64 {
        self.0 as f64 / UNITS as f64
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:09}", self.0 % UNITS);
        let part = part.trim_end_matches('0');
        write!(f, "{}{}{part}", self.0 / UNITS, if part.is_empty() { "" } else { "." })
    }
}

/// A text in single quotes, in which two stand for one.
fn quoted(s: &str) -> Option<String> {
    let inside = s.strip_prefix('\'')?.strip_suffix('\'')?;
    let plain = inside.replace("''", "");
    (!plain.contains('\'') && inside.len() <= CONSTANT).then(|| inside.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_read_and_written_alike() {
        for mask in [
            "null",
            "hash",
            "redact",
            "last4",
            "year",
            "bucket(1000)",
            "bucket(0.25)",
            "bucket(month)",
            "bucket(quarter)",
            "constant('n/a')",
            "constant('it''s')",
            "constant('')",
            "sql(left(upper(name), 1) || '…')",
        ] {
            assert_eq!(Mask::parse(mask).map(|m| m.to_string()).as_deref(), Ok(mask));
        }
        assert_eq!(Mask::parse("bucket( 5.50 )"), Mask::parse("bucket(5.5)"));
        for bad in [
            "",
            "Hash",
            "hide",
            "bucket",
            "bucket()",
            "bucket(0)",
            "bucket(0.0)",
            "bucket(-5)",
            "bucket(1e3)",
            "bucket(week)",
            "bucket(1.0000000001)",
            "constant(n/a)",
            "constant('a'b')",
            "constant(''')",
            "sql()",
            "sql(upper(name)",
            "sql(select 1)",
            "sql(name) name)",
            "sql(user()",
        ] {
            assert!(Mask::parse(bad).is_err(), "{bad}: {:?}", Mask::parse(bad));
        }
    }

    #[test]
    fn what_shows_more_comes_first() {
        let order = [
            "bucket(month)",
            "bucket(quarter)",
            "year",
            "bucket(0.5)",
            "bucket(10)",
            "bucket(1000)",
            "sql(left(a, 1))",
            "sql(left(a, 2))",
            "last4",
            "hash",
            "redact",
            "constant('a')",
            "constant('b')",
            "null",
        ];
        let mut masks: Vec<Mask> = order.iter().rev().map(|m| Mask::parse(m).expect(m)).collect();
        masks.sort();
        assert_eq!(masks.iter().map(ToString::to_string).collect::<Vec<_>>(), order);
    }

    #[test]
    fn a_mask_fits_some_types_only() {
        let secret: Arc<[u8]> = Arc::from(&[][..]);
        for (mask, data_type, fits) in [
            ("bucket(10)", DataType::Int64, true),
            ("bucket(0.5)", DataType::Int64, false),
            ("bucket(0.5)", DataType::Float64, true),
            ("bucket(0.5)", DataType::Decimal128(10, 1), true),
            ("bucket(0.05)", DataType::Decimal128(10, 1), false),
            ("bucket(10)", DataType::Utf8View, false),
            ("bucket(10)", DataType::Date32, false),
            ("bucket(month)", DataType::Date32, true),
            ("bucket(month)", DataType::Int64, false),
            ("constant('n/a')", DataType::Utf8View, true),
            ("constant('n/a')", DataType::Int64, false),
            ("constant('-1')", DataType::Int64, true),
            ("constant('2013-01-01')", DataType::Date32, true),
            ("constant('soon')", DataType::Date32, false),
            ("sql(upper(a))", DataType::Utf8View, true),
            ("sql(a + 1)", DataType::Int64, true),
            ("sql(upper(b))", DataType::Utf8View, false),
            ("sql(now())", DataType::Utf8View, false),
            ("sql(md5(a))", DataType::Utf8View, false),
            ("sql(make_array(a))", DataType::Utf8View, false),
            ("sql(max(a))", DataType::Int64, false),
            ("sql(claim('a'))", DataType::Utf8View, false),
            ("sql(user())", DataType::Utf8View, false),
            ("sql(null)", DataType::Utf8View, false),
        ] {
            let over = Mask::parse(mask).expect(mask).over("a", &data_type, &secret);
            assert_eq!(over.is_ok(), fits, "{mask} {data_type}: {over:?}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let secret: Arc<[u8]> = Arc::from(&b"correct horse battery staple 1234"[..]);
        let (e, _) = Mask::Hash.over("a", &DataType::Utf8, &secret).expect("fits");
        for shown in [format!("{e:?}"), e.to_string(), format!("{e:#?}")] {
            assert!(!shown.contains("horse") && !shown.contains("99, 111, 114"), "{shown}");
        }
    }
}
