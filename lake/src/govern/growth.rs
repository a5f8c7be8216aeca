//! Functions whose result can be far larger than what they are given, bounded before they work.
//!
//! Memory of expressions is not in any pool: `x || x` in forty nested sub-queries, or `replace(x, 'a', …)` in itself a
//! few times, would be terabytes, and the allocator ends the process. Each such call is replaced by one that looks at
//! the sizes of its arguments first.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::{cast, kernels::concat_elements::concat_elements_utf8_many, max},
    datatypes::{DataType, FieldRef, Int64Type},
};
use datafusion::{
    common::{
        DFSchema, ExprSchema, Result, exec_err,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility,
    },
};

/// Bytes that one call may make for one batch of rows. Estimates are upper bounds, so that the true size is mostly far
/// below.
const BATCH: u64 = 256 << 20;
/// Bytes that one call may in truth have made for one batch.
const MADE: usize = 64 << 20;
/// Bytes that all such calls of a query together may hold at one time: each gets its share of this.
const ALL: usize = 256 << 20;
/// Bytes of one value. A constant is one value, made while planning.
const VALUE: u64 = 256 << 10;

/// How the size of a result follows from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// All arguments, one after the other.
    Sum,
    /// The first argument between all the others.
    Between,
    /// Every occurrence of the second argument in the first becomes the third.
    Replace,
    /// As `Replace`, and the third may name what was found.
    Regex,
    /// As many characters as the second argument says.
    Pad,
    /// The first as many times as the second says.
    Times,
    /// The second between all elements of the first.
    Elements,
    /// A format that is written out in every row.
    Format,
    /// Steps rather than bytes: every character of the first with every one of the second.
    Product,
    /// A part, with its own header, for each character.
    Split,
}

fn growth(name: &str) -> Option<Growth> {
    Some(match name {
        "concat" | "overlay" | "array_concat" | "array_append" | "array_prepend" | "array_union" | "make_array" => {
            Growth::Sum
        }
        "concat_ws" => Growth::Between,
        "replace" => Growth::Replace,
        "regexp_replace" => Growth::Regex,
        "lpad" | "rpad" => Growth::Pad,
        "repeat" => Growth::Times,
        "array_to_string" => Growth::Elements,
        "to_char" => Growth::Format,
        "levenshtein" | "ltrim" | "rtrim" | "btrim" => Growth::Product,
        "string_to_array" => Growth::Split,
        _ => return None,
    })
}

/// Puts a bound on every call in `e` that can grow.
///
/// `calls` is how many such calls the whole query has: they share what may be made.
pub(super) fn bound(e: Expr, schema: &DFSchema, calls: usize) -> Result<Transformed<Expr>> {
    let made = MADE.min(ALL / calls.max(1));
    e.transform_up(|e| match e {
        Expr::ScalarFunction(mut f) => match growth(f.name()) {
            Some(growth) if !(f.func.inner().as_ref() as &dyn std::any::Any).is::<Bounded>() => {
                f.func = Arc::new(ScalarUDF::new_from_impl(Bounded { inner: Arc::clone(&f.func), growth, made }));
                Ok(Transformed::yes(Expr::ScalarFunction(f)))
            }
            _ => Ok(Transformed::no(Expr::ScalarFunction(f))),
        },
        Expr::BinaryExpr(BinaryExpr { op: Operator::StringConcat, .. }) => {
            let to = e.get_type(schema as &dyn ExprSchema)?;
            match e {
                Expr::BinaryExpr(BinaryExpr { left, right, .. }) if to.is_string() => {
                    // A chain becomes one call: its depth would cost time in every later step.
                    let mut args = match *left {
                        Expr::ScalarFunction(f) if is_joined(&f.func, &to) => f.args,
                        left => vec![left],
                    };
                    args.push(*right);
                    let signature = Signature::variadic_any(Volatility::Immutable);
                    let joined = ScalarUDF::new_from_impl(Joined { to, signature, made });
                    Ok(Transformed::yes(joined.call(args)))
                }
                e => Ok(Transformed::no(e)),
            }
        }
        e => Ok(Transformed::no(e)),
    })
}

/// Calls in `e` that [`bound`] would bound.
pub(super) fn calls(e: &Expr) -> Result<usize> {
    let mut calls = 0;
    e.apply(|e| {
        calls += usize::from(match e {
            Expr::ScalarFunction(f) => growth(f.name()).is_some(),
            Expr::BinaryExpr(b) => b.op == Operator::StringConcat,
            _ => false,
        });
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(calls)
}

fn is_joined(f: &ScalarUDF, to: &DataType) -> bool {
    (f.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Joined>().is_some_and(|j| j.to == *to)
}

/// A function with a bound.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    /// Bytes that it may make for one batch.
    made: usize,
}

/// `simplify` is not passed on: it would put the function without its bound in place of this one.
impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let most = estimate(self.growth, &args.args, args.number_rows)?;
        let room = match self.growth {
            Growth::Product => BATCH,
            _ => BATCH.min((args.number_rows.max(1) as u64).saturating_mul(VALUE)),
        };
        if most > room {
            return exec_err!("{} would make too large a value; shorten its arguments", self.name());
        }
        let made = self.inner.invoke_with_args(args)?;
        if let ColumnarValue::Array(made) = &made
            && made.get_array_memory_size() > self.made
        {
            return exec_err!("{} made too large a value; shorten its arguments", self.name());
        }
        Ok(made)
    }
}

/// `a || b || …`: null when one is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    to: DataType,
    signature: Signature,
    /// Bytes that it may make for one batch.
    made: usize,
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let room = (self.made as u64).min((args.number_rows.max(1) as u64).saturating_mul(VALUE));
        if estimate(Growth::Sum, &args.args, args.number_rows)? > room {
            return exec_err!("|| would make too large a value; shorten what it joins");
        }
        let texts = args.args.iter().map(|a| Ok(cast(&a.to_array(args.number_rows)?, &DataType::Utf8)?));
        let texts = texts.collect::<Result<Vec<ArrayRef>>>()?;
        let texts: Vec<_> = texts.iter().map(|t| t.as_string::<i32>()).collect();
        Ok(ColumnarValue::Array(cast(&concat_elements_utf8_many(&texts)?, &self.to)?))
    }
}

/// Bytes of one part of a split text, beside its characters.
const PART: u64 = 20;

/// An upper bound of the bytes that a call makes.
fn estimate(growth: Growth, args: &[ColumnarValue], rows: usize) -> Result<u64> {
    let rows_ = rows as u64;
    let size = |i: usize| args.get(i).map_or(Size::default(), |a| Size::of(a, rows));
    let total: u64 = (0..args.len()).map(|i| size(i).total).fold(0, u64::saturating_add);
    Ok(match growth {
        Growth::Sum => total,
        Growth::Between => total.saturating_add(size(0).total.saturating_mul(args.len() as u64)),
        Growth::Replace => {
            let found = (size(0).total / size(1).least.max(1)).saturating_add(rows_);
            size(0).total.saturating_add(found.saturating_mul(size(2).most))
        }
        Growth::Regex => {
            let names = names(args.get(2), rows)?;
            let found = size(0).total.saturating_add(rows_);
            // Every name of a group may stand for the whole text once.
            let literal =
                if names == 0 { found.saturating_mul(size(2).most) / 4 } else { found.saturating_mul(size(2).most) };
            size(0).total.saturating_mul(1 + names).saturating_add(literal)
        }
        Growth::Pad => rows_.saturating_mul(largest(args.get(1), rows)?).saturating_mul(4),
        Growth::Times => size(0).total.saturating_mul(largest(args.get(1), rows)?),
        Growth::Elements => total.saturating_add((size(0).total / 2).saturating_mul(size(1).most)),
        Growth::Format => rows_.saturating_mul(size(1).most).saturating_mul(4),
        Growth::Product => size(0).total.saturating_mul(size(1).most.max(1)),
        Growth::Split => size(0).total.saturating_mul(PART),
    })
}

/// Bytes of an argument: of all rows together, and of the shortest and longest row.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    total: u64,
    least: u64,
    most: u64,
}

impl Size {
    fn of(value: &ColumnarValue, rows: usize) -> Self {
        let array = match value {
            ColumnarValue::Array(array) => array,
            ColumnarValue::Scalar(scalar) => {
                let bytes = scalar.try_as_str().map_or_else(|| scalar.size(), |s| s.map_or(0, str::len)) as u64;
                return Self { total: bytes.saturating_mul(rows as u64), least: bytes, most: bytes };
            }
        };
        let lengths = |l: &mut dyn Iterator<Item = usize>| {
            l.fold(None, |size: Option<Self>, n| {
                let n = n as u64;
                let s = size.unwrap_or(Self { total: 0, least: n, most: n });
                Some(Self { total: s.total.saturating_add(n), least: s.least.min(n), most: s.most.max(n) })
            })
        };
        let size = match array.data_type() {
            DataType::Utf8 => lengths(&mut array.as_string::<i32>().iter().map(|s| s.map_or(0, str::len))),
            DataType::LargeUtf8 => lengths(&mut array.as_string::<i64>().iter().map(|s| s.map_or(0, str::len))),
            DataType::Utf8View => lengths(&mut array.as_string_view().iter().map(|s| s.map_or(0, str::len))),
            _ => {
                let bytes = array.get_array_memory_size() as u64;
                Some(Self { total: bytes, least: 0, most: bytes })
            }
        };
        size.unwrap_or_default()
    }
}

/// The largest of a number argument; 0 when it is null or negative.
fn largest(value: Option<&ColumnarValue>, rows: usize) -> Result<u64> {
    let Some(value) = value else { return Ok(0) };
    let numbers = cast(&value.to_array(rows.max(1))?, &DataType::Int64)?;
    Ok(max(numbers.as_primitive::<Int64Type>()).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
}

/// How many groups a replacement names at most (`\1`, `$1`).
fn names(value: Option<&ColumnarValue>, rows: usize) -> Result<u64> {
    let count = |s: &str| s.matches(['\\', '$']).count() as u64;
    Ok(match value {
        Some(ColumnarValue::Scalar(s)) => s.try_as_str().flatten().map_or(0, count),
        Some(value) => {
            let texts = cast(&value.to_array(rows)?, &DataType::Utf8)?;
            texts.as_string::<i32>().iter().flatten().map(count).max().unwrap_or(0)
        }
        None => 0,
    })
}
