//! What masks compute, as functions over the raw value. The hash is keyed; its key shows nowhere.
//!
//! These functions are not registered in any session: only the barrier evaluates them. None of them fails for a value: a
//! query that fails where it shows a row would tell of the value that is masked there.

use std::{
    fmt,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder, new_null_array},
    compute::{cast, concat},
    datatypes::{
        DataType, Date32Type, Decimal128Type, DecimalType, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit,
    },
};
use chrono::{Datelike, NaiveDate};
use datafusion::{
    common::{DataFusionError, Result, exec_err},
    logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    physical_expr::PhysicalExpr,
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{REDACTED, Width};

/// Hex digits of a hashed value: 64 bits tell a billion values apart and still fit a grid's cell.
const HASH_DIGITS: usize = 16;

/// One way to compute a masked value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Hash(Key),
    Last4,
    /// The first day of the run of so many months in which the value lies.
    Begin(u32),
    /// The bucket's lower bound.
    Bucket(Width),
    Compute(Computed),
}

/// The lake's secret inside an expression; prints as nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(Arc<[u8]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// An author's expression over the one column. What it is compiled to follows from its text and the column.
#[derive(Clone)]
pub(super) struct Computed {
    sql: String,
    schema: SchemaRef,
    physical: Arc<dyn PhysicalExpr>,
}

impl Computed {
    pub fn new(sql: &str, schema: Schema, physical: Arc<dyn PhysicalExpr>) -> Self {
        Self { sql: sql.to_owned(), schema: Arc::new(schema), physical }
    }

    /// The values, null where the expression fails; and of how many it fails.
    fn of(&self, values: &ArrayRef, to: &DataType) -> Result<(ArrayRef, usize)> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![Arc::clone(values)])?;
        let rows = values.len();
        // Some of the engine's functions panic where they should fail.
        let evaluated = catch_unwind(AssertUnwindSafe(|| self.physical.evaluate(&batch)?.into_array(rows)));
        match evaluated {
            Ok(Ok(computed)) => Ok((cast(&computed, to)?, 0)),
            _ if rows <= 1 => Ok((new_null_array(to, rows), rows)),
            _ => {
                let (left, right) = (values.slice(0, rows / 2), values.slice(rows / 2, rows - rows / 2));
                let ((left, a), (right, b)) = (self.of(&left, to)?, self.of(&right, to)?);
                Ok((concat(&[&left, &right])?, a + b))
            }
        }
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.schema.fields().first();
        f.debug_struct("Computed").field("sql", &self.sql).field("column", &column).finish()
    }
}

impl PartialEq for Computed {
    fn eq(&self, other: &Self) -> bool {
        self.sql == other.sql && self.schema == other.schema
    }
}

impl Eq for Computed {}

impl Hash for Computed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sql.hash(state);
        self.schema.hash(state);
    }
}

impl Work {
    pub fn hash(secret: &Arc<[u8]>) -> Self {
        Self::Hash(Key(Arc::clone(secret)))
    }

    /// This work done to `raw`, giving values of type `to`.
    pub fn over(self, raw: Expr, to: DataType) -> Expr {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::new_from_impl(Masked { work: self, to, signature }).call(vec![raw])
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Masked {
    work: Work,
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Masked {
    fn name(&self) -> &str {
        match self.work {
            Work::Hash(_) => "mask_hash",
            Work::Last4 => "mask_last4",
            Work::Begin(_) => "mask_begin",
            Work::Bucket(_) => "mask_bucket",
            Work::Compute(_) => "mask_sql",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("a mask takes one value") };
        let values = value.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(match &self.work {
            Work::Hash(key) => hash(&values, key)?,
            Work::Last4 => each_text(&values, |v, out| out.append_value(last4(v)))?,
            Work::Begin(months) => begin(&values, *months)?,
            Work::Bucket(width) => bucket(&values, *width)?,
            Work::Compute(computed) => {
                let (computed, failed) = computed.of(&values, &self.to)?;
                if failed > 0 {
                    tracing::warn!(failed, "a mask's expression fails for some values, which show as null");
                }
                computed
            }
        }))
    }
}

fn hash(values: &ArrayRef, Key(secret): &Key) -> Result<ArrayRef> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| DataFusionError::External(Box::new(e)))?;
    // The lake's secret keys other things too; the prefix keeps their hashes apart.
    mac.update(b"mask\0");
    each_text(values, |v, out| {
        let mut mac = mac.clone();
        mac.update(v.as_bytes());
        let bytes = mac.finalize().into_bytes();
        out.append_value(bytes.iter().take(HASH_DIGITS / 2).map(|b| format!("{b:02x}")).collect::<String>());
    })
}

/// Text as it is, everything else by its canonical text, so that equal values stay equal.
fn each_text(values: &ArrayRef, work: impl Fn(&str, &mut StringBuilder)) -> Result<ArrayRef> {
    let values = cast(values, &DataType::Utf8)?;
    let values = values.as_string::<i32>();
    let mut out = StringBuilder::with_capacity(values.len(), values.len() * HASH_DIGITS);
    for value in values {
        match value {
            None => out.append_null(),
            Some(v) => work(v, &mut out),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The last four characters after `•••`; a value of four or fewer shows nothing of itself.
fn last4(v: &str) -> String {
    let from = v.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
    if from == 0 { REDACTED.to_owned() } else { format!("{REDACTED}{}", &v[from..]) }
}

/// The first instant of the months in UTC; null beyond the calendar.
fn begin(values: &ArrayRef, months: u32) -> Result<ArrayRef> {
    let data_type = values.data_type();
    if *data_type == DataType::Date32 {
        let days = values.as_primitive::<Date32Type>();
        let begin = |d: i32| first_day(d.into(), months).and_then(|d| i32::try_from(d).ok());
        return Ok(Arc::new(days.unary_opt::<_, Date32Type>(begin)));
    }
    let a_day: i64 = match data_type {
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 86_400_000,
        DataType::Timestamp(TimeUnit::Second, _) => 86_400,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 86_400_000_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 86_400_000_000_000,
        other => return exec_err!("{other} has no months"),
    };
    let times = cast(values, &DataType::Int64)?;
    let begin = |t: i64| first_day(t.div_euclid(a_day), months).and_then(|d| d.checked_mul(a_day));
    let begin = times.as_primitive::<Int64Type>().unary_opt::<_, Int64Type>(begin);
    Ok(cast(&begin, data_type)?)
}

/// Days from 1970 to the first day of the run of months; the runs begin in January.
fn first_day(day: i64, months: u32) -> Option<i64> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let date = epoch.checked_add_signed(chrono::TimeDelta::try_days(day)?)?;
    let first = NaiveDate::from_ymd_opt(date.year(), date.month0() / months * months + 1, 1)?;
    Some(first.signed_duration_since(epoch).num_days())
}

/// The lower bound of the bucket in which a number lies, below zero too; null where there is no such number.
fn bucket(values: &ArrayRef, width: Width) -> Result<ArrayRef> {
    let data_type = values.data_type();
    let unfit = || DataFusionError::Execution("the width does not fit the column".to_owned());
    Ok(match data_type {
        t if t.is_integer() => {
            let width = width.whole().ok_or_else(unfit)?;
            let bound = |v: i64| v.div_euclid(width).checked_mul(width);
            let bounds = cast(values, &DataType::Int64)?.as_primitive::<Int64Type>().unary_opt::<_, Int64Type>(bound);
            cast(&bounds, data_type)?
        }
        DataType::Decimal128(precision, scale) => {
            let width = width.scaled(*scale).ok_or_else(unfit)?;
            let bound = |v: i128| v.div_euclid(width).checked_mul(width);
            let fits = |v: &i128| Decimal128Type::is_valid_decimal_precision(*v, *precision);
            let bounds = values.as_primitive::<Decimal128Type>();
            let bounds = bounds.unary_opt::<_, Decimal128Type>(|v| bound(v).filter(fits));
            Arc::new(bounds.with_precision_and_scale(*precision, *scale)?)
        }
        DataType::Float32 | DataType::Float64 => {
            let width = width.float();
            let bound = |v: f64| Some((v / width).floor() * width).filter(|b| b.is_finite());
            let floats = cast(values, &DataType::Float64)?;
            cast(&floats.as_primitive::<Float64Type>().unary_opt::<_, Float64Type>(bound), data_type)?
        }
        _ => return Err(unfit()),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int8Array, Int64Array};

    use super::*;

    #[test]
    fn last4_never_shows_a_whole_value() {
        for (given, wanted) in [("", "•••"), ("1234", "•••"), ("12345", "•••2345"), ("äöüßé", "•••öüßé")]
        {
            assert_eq!(last4(given), wanted);
        }
    }

    fn width(s: &str) -> Width {
        Width::parse(s).expect(s)
    }

    #[test]
    fn buckets_begin_below_also_below_zero() {
        let ints: ArrayRef =
            Arc::new(Int64Array::from(vec![Some(0), Some(999), Some(1000), Some(-1), None, Some(i64::MIN)]));
        let wanted = Int64Array::from(vec![Some(0), Some(0), Some(1000), Some(-1000), None, None]);
        assert_eq!(bucket(&ints, width("1000")).expect("fits").as_primitive::<Int64Type>(), &wanted);
        let bytes: ArrayRef = Arc::new(Int8Array::from(vec![99, -128]));
        assert_eq!(bucket(&bytes, width("100")).expect("fits").null_count(), 1, "-200 is no Int8");
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.3, -0.1, f64::NAN, f64::INFINITY]));
        let wanted = Float64Array::from(vec![Some(1.25), Some(-0.25), None, None]);
        assert_eq!(bucket(&floats, width("0.25")).expect("fits").as_primitive::<Float64Type>(), &wanted);
        let decimals = Decimal128Array::from(vec![149, 150, -1, -999]).with_precision_and_scale(3, 2).expect("type");
        let wanted = Decimal128Array::from(vec![Some(100), Some(150), Some(-50), None]);
        let wanted = wanted.with_precision_and_scale(3, 2).expect("type");
        let has = bucket(&(Arc::new(decimals) as ArrayRef), width("0.5")).expect("fits");
        assert_eq!(has.as_primitive::<Decimal128Type>(), &wanted);
    }

    #[test]
    fn months_begin_on_their_first_day_in_every_century() {
        let day = |s: &str| s.parse::<NaiveDate>().expect(s).signed_duration_since(NaiveDate::default()).num_days();
        for (given, months, wanted) in [
            ("2013-05-17", 1, "2013-05-01"),
            ("2013-05-17", 3, "2013-04-01"),
            ("2013-12-31", 3, "2013-10-01"),
            ("2013-05-17", 12, "2013-01-01"),
            ("1969-12-31", 1, "1969-12-01"),
            ("0001-01-01", 12, "0001-01-01"),
            ("9999-12-31", 3, "9999-10-01"),
        ] {
            assert_eq!(first_day(day(given), months), Some(day(wanted)), "{given} {months}");
        }
        assert_eq!(first_day(i64::MAX, 1), None);
        let far: ArrayRef = Arc::new(Date32Array::from(vec![i32::MAX, 0]));
        assert_eq!(begin(&far, 1).expect("works").null_count(), 1);
    }
}
