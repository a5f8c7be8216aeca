//! Column masks: expressions that stand in for a value. The hash is keyed; its key shows nowhere.
//!
//! These functions are not registered in any session: only the barrier evaluates them.

use std::{fmt, sync::Arc};

use arrow::{
    array::{Array, AsArray, StringBuilder},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    common::{Column, DataFusionError, Result, ScalarValue, exec_err},
    functions::datetime::date_trunc,
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How a value is changed before anything else sees it. In order of what is left: where two grants give a cell, the one
/// that shows more decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mask {
    Year,
    Last4,
    Hash,
    Redact,
    Null,
}

/// What every redacted value reads as.
const REDACTED: &str = "•••";
/// Hex digits of a hashed value: 64 bits tell a billion values apart and still fit a grid's cell.
const HASH_DIGITS: usize = 16;

impl Mask {
    pub fn parse(s: &str) -> Result<Self, String> {
        Ok(match s {
            "null" => Self::Null,
            "hash" => Self::Hash,
            "redact" => Self::Redact,
            "last4" => Self::Last4,
            "year" => Self::Year,
            _ => return Err(format!("`{s}` is not a mask: use null, hash, redact, last4 or year")),
        })
    }

    /// For a person, after the column's name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Null => "hidden",
            Self::Hash => "hashed",
            Self::Redact => "redacted",
            Self::Last4 => "last four characters",
            Self::Year => "year only",
        }
    }

    /// The masked value of a column, over the raw one.
    ///
    /// # Errors
    /// A sentence when the mask does not fit the column's type.
    pub fn over(self, column: &str, data_type: &DataType, secret: &Arc<[u8]>) -> Result<Expr, String> {
        let raw = Expr::Column(Column::new_unqualified(column));
        let text = |work: Work| {
            let f = ScalarUDF::new_from_impl(MaskText { work, signature: Signature::any(1, Volatility::Immutable) });
            f.call(vec![raw.clone()])
        };
        Ok(match self {
            Self::Null => {
                let null = ScalarValue::try_from(data_type).map_err(|e| e.strip_backtrace())?;
                Expr::Literal(null, None)
            }
            Self::Hash => text(Work::Hash(Key(Arc::clone(secret)))),
            Self::Redact => lit(REDACTED),
            Self::Last4 => text(Work::Last4),
            Self::Year => match data_type {
                DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
                    let start = date_trunc().call(vec![lit("year"), raw]);
                    Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(start), data_type.clone()))
                }
                other => return Err(format!("the mask `year` needs a date or timestamp; `{column}` is {other}")),
            },
        })
    }

    /// Whether the masked value is text whatever the column is.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Hash | Self::Redact | Self::Last4)
    }
}

/// The lake's secret inside an expression; prints as nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(Arc<[u8]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Work {
    Hash(Key),
    Last4,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MaskText {
    work: Work,
    signature: Signature,
}

impl ScalarUDFImpl for MaskText {
    fn name(&self) -> &str {
        match self.work {
            Work::Hash(_) => "mask_hash",
            Work::Last4 => "mask_last4",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("a mask takes one value") };
        let values = value.to_array(args.number_rows)?;
        // Text is hashed as it is; everything else by its canonical text, so that equal values stay equal.
        let values = cast(&values, &DataType::Utf8)?;
        let values = values.as_string::<i32>();
        let mut out = StringBuilder::with_capacity(values.len(), values.len() * HASH_DIGITS);
        let mac = match &self.work {
            Work::Hash(Key(secret)) => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(secret).map_err(|e| DataFusionError::External(Box::new(e)))?;
                // The lake's secret keys other things too; the prefix keeps their hashes apart.
                mac.update(b"mask\0");
                Some(mac)
            }
            Work::Last4 => None,
        };
        for value in values {
            match (value, &mac) {
                (None, _) => out.append_null(),
                (Some(v), Some(mac)) => {
                    let mut mac = mac.clone();
                    mac.update(v.as_bytes());
                    let bytes = mac.finalize().into_bytes();
                    let hex: String = bytes.iter().take(HASH_DIGITS / 2).map(|b| format!("{b:02x}")).collect();
                    out.append_value(hex);
                }
                (Some(v), None) => out.append_value(last4(v)),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

/// The last four characters after `•••`; a value of four or fewer shows nothing of itself.
fn last4(v: &str) -> String {
    let from = v.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
    if from == 0 { REDACTED.to_owned() } else { format!("{REDACTED}{}", &v[from..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last4_never_shows_a_whole_value() {
        for (given, wanted) in [("", "•••"), ("1234", "•••"), ("12345", "•••2345"), ("äöüßé", "•••öüßé")]
        {
            assert_eq!(last4(given), wanted);
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let secret: Arc<[u8]> = Arc::from(&b"correct horse battery staple 1234"[..]);
        let e = Mask::Hash.over("a", &DataType::Utf8, &secret).expect("fits");
        for shown in [format!("{e:?}"), e.to_string(), format!("{e:#?}")] {
            assert!(!shown.contains("horse") && !shown.contains("99, 111, 114"), "{shown}");
        }
    }
}
