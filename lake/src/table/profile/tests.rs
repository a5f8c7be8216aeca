//! Parts against the whole: whatever the types, the values and where the files are cut.

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringViewArray,
        TimestampMicrosecondArray, UInt8Array,
    },
    datatypes::DataType,
};
use proptest::prelude::*;

use super::*;

type Row = (Option<i64>, Option<u8>, Option<String>);

/// One column of each type, from integers, bytes and texts.
fn batch(rows: &[Row]) -> RecordBatch {
    let whole = || rows.iter().map(|r| r.0);
    let small = || rows.iter().map(|r| r.1);
    let columns: [(&str, ArrayRef); 8] = [
        ("whole", Arc::new(whole().collect::<Int64Array>())),
        ("narrow", Arc::new(small().map(|n| n.map(i32::from)).collect::<Int32Array>())),
        ("float", Arc::new(whole().map(|n| n.map(|n| f64::from_bits(n as u64))).collect::<Float64Array>())),
        (
            "decimal",
            Arc::new(
                whole()
                    .map(|n| n.map(i128::from))
                    .collect::<Decimal128Array>()
                    .with_data_type(DataType::Decimal128(38, 2)),
            ),
        ),
        ("day", Arc::new(small().map(|n| n.map(|n| i32::from(n) * 40 - 3000)).collect::<Date32Array>())),
        (
            "instant",
            Arc::new(
                small()
                    .map(|n| n.map(|n| i64::from(n) << 40))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        ("flag", Arc::new(small().map(|n| n.map(|n| n > 99)).collect::<BooleanArray>())),
        ("text", Arc::new(rows.iter().map(|r| r.2.as_deref()).collect::<StringViewArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn of(batches: &[RecordBatch], schema: &Schema) -> FileProfile {
    let mut builder = ProfileBuilder::new(schema);
    batches.iter().for_each(|b| builder.add(b).unwrap());
    builder.finish()
}

fn merged(files: &[FileProfile]) -> TableProfile {
    let mut all = TableProfile::empty();
    for (n, file) in files.iter().enumerate() {
        all.merge(n.to_string(), &FileProfile::unpacked(&file.packed().unwrap()).unwrap());
    }
    all
}

/// All but mean and deviation to the bit; these to what sums of floats can.
fn check_same(mut a: ColumnProfile, mut b: ColumnProfile) {
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()) || !a.is_finite() || !b.is_finite(),
        (a, b) => a.is_none() == b.is_none(),
    };
    // Floats from random bits span all magnitudes: their sums overflow, and what overflows is left out.
    let wild = a.name == "float";
    assert!(wild || near(a.mean, b.mean) && near(a.deviation, b.deviation), "{a:?} {b:?}");
    (a.mean, a.deviation, b.mean, b.deviation) = (None, None, None, None);
    assert_eq!(a, b);
}

fn row() -> impl Strategy<Value = Row> {
    let whole = prop_oneof![any::<i64>(), -50_i64..50];
    (
        prop::option::weighted(0.9, whole),
        prop::option::weighted(0.9, any::<u8>()),
        prop::option::weighted(0.9, ".{0,5}"),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn profiles_of_parts_merge_into_the_profile_of_the_whole(rows in prop::collection::vec(row(), 0..400), cut in 0_usize..400) {
        let cut = cut.min(rows.len());
        let (whole, schema) = (batch(&rows), batch(&[]).schema());
        let left = whole.slice(0, cut);
        let right = [whole.slice(cut, (rows.len() - cut) / 2), whole.slice(cut + (rows.len() - cut) / 2, (rows.len() - cut).div_ceil(2))];
        let parts = merged(&[of(&[left], &schema), of(&right, &schema)]);
        let whole = merged(&[of(&[whole], &schema)]);
        prop_assert_eq!(parts.rows(), rows.len() as u64);
        for field in schema.fields() {
            let (a, b) = (parts.column(field.name()).unwrap().unwrap(), whole.column(field.name()).unwrap().unwrap());
            prop_assert!(b.distinct_exact && b.top_missed == 0);
            prop_assert_eq!(b.rows, rows.len() as u64);
            check_same(a, b);
        }
    }
}

#[test]
fn a_column_that_one_file_says_nothing_of_has_no_profile() {
    let known = batch(&[(Some(1), Some(2), Some("a".into()))]);
    let bytes: ArrayRef = Arc::new(UInt8Array::from(vec![1]));
    let list: ArrayRef = arrow::array::new_null_array(&DataType::Binary, 1);
    let other = RecordBatch::try_from_iter_with_nullable([("whole", bytes, true), ("text", list, true)]).unwrap();
    let other = of(std::slice::from_ref(&other), &other.schema());
    let known = of(std::slice::from_ref(&known), &known.schema());
    for files in [[known.clone(), other.clone()], [other, known]] {
        let all = merged(&files);
        assert_eq!(all.column("text").unwrap(), None);
        assert_eq!(all.column("whole").unwrap(), None);
        assert_eq!(all.column("day").unwrap().map(|c| (c.rows, c.nulls)), Some((2, 1)), "absent is empty");
    }
}

#[test]
fn floats_leave_out_what_is_no_number() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN, f64::INFINITY, -0.0, 0.0, -2.5]));
    let batch = RecordBatch::try_from_iter([("f", floats)]).unwrap();
    let found = merged(&[of(std::slice::from_ref(&batch), &batch.schema())]).column("f").unwrap().unwrap();
    assert_eq!((found.distinct, found.min, found.max), (5, (-2.5).into(), "inf".into()));
    assert_eq!(found.mean, Some(-0.25));
    assert_eq!(found.histogram.iter().map(|b| b.count).sum::<u64>(), 4);
}

#[test]
fn sums_that_overflow_leave_the_rest_of_the_profile_whole() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::MAX, f64::MIN, 1.0]));
    let batch = RecordBatch::try_from_iter([("f", floats)]).unwrap();
    let file = of(std::slice::from_ref(&batch), &batch.schema());
    let found = merged(&[file.clone(), file]).column("f").unwrap().unwrap();
    assert_eq!((found.mean, found.deviation, found.distinct), (None, None, 3));
    assert_eq!(found.histogram.iter().map(|b| b.count).sum::<u64>(), 6);
}

#[test]
fn what_is_no_profile_or_of_another_format_is_none() {
    assert!(FileProfile::unpacked(b"").is_none());
    assert!(FileProfile::unpacked(b"{}").is_none());
    let other = FileProfile { format: FORMAT + 1, rows: 0, columns: Vec::new(), unknown: Vec::new() };
    assert!(FileProfile::unpacked(&other.packed().unwrap()).is_none());
}
