//! From whatever a plan gives to the types of the model: the one cast, made once, before a result is kept.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, StringBuilder},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
    record_batch::{RecordBatch, RecordBatchOptions},
    util::display::{ArrayFormatter, FormatOptions},
};
use model::{Column, ColumnType};

/// The columns of a result and how a plan's batches become it.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub columns: Vec<Column>,
    pub schema: SchemaRef,
}

impl Shape {
    /// Label, description, tags and mask are taken from the fields' metadata, where the governed session leaves them.
    pub(crate) fn of(plan: &Schema) -> Self {
        let mut taken = HashSet::new();
        let mut columns = Vec::with_capacity(plan.fields().len());
        let mut fields = Vec::with_capacity(plan.fields().len());
        for field in plan.fields() {
            let name = unique(field.name(), &mut taken);
            let column_type = column_type(field.data_type());
            let note = |key: &str| field.metadata().get(key).cloned();
            fields.push(Field::new(&name, arrow_type(column_type), true));
            columns.push(Column {
                name,
                label: note("label").unwrap_or_default(),
                column_type,
                description: note("description").unwrap_or_default(),
                tags: note("tags").map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default(),
                masked: note("masked"),
            });
        }
        Self { columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// # Errors
    /// When a value does not fit its type, such as an unsigned integer over 2⁶³: never a silent null.
    pub(crate) fn cast(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let cast = |(array, field): (&ArrayRef, &Arc<Field>)| as_type(array, field.data_type());
        let arrays = batch.columns().iter().zip(self.schema.fields()).map(cast).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}

fn as_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    match array.data_type() {
        from if from == to => Ok(Arc::clone(array)),
        DataType::Dictionary(_, value) => as_type(&cast_with_options(array, value, &strict)?, to),
        DataType::RunEndEncoded(_, value) => as_type(&cast_with_options(array, value.data_type(), &strict)?, to),
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => cast_with_options(array, to, &strict),
        _ if *to == DataType::Utf8 => as_text(array),
        _ => cast_with_options(array, to, &strict),
    }
}

/// Lists, structs, times, intervals and bytes as people read them.
fn as_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default().with_display_error(false);
    let format = ArrayFormatter::try_new(array, &options)?;
    let mut text = StringBuilder::with_capacity(array.len(), array.len() * 16);
    for row in 0..array.len() {
        if array.is_null(row) { text.append_null() } else { text.append_value(format.value(row).try_to_string()?) }
    }
    Ok(Arc::new(text.finish()))
}

fn column_type(of: &DataType) -> ColumnType {
    match of {
        DataType::Boolean => ColumnType::Boolean,
        t if t.is_integer() => ColumnType::Int64,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Float64,
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s)
            if *s >= 0 && s.unsigned_abs() <= *p && *p <= 38 =>
        {
            ColumnType::Decimal(*p, *s)
        }
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(_, None) | DataType::Date64 => ColumnType::Timestamp,
        DataType::Timestamp(_, Some(_)) => ColumnType::TimestampUtc,
        DataType::Dictionary(_, value) => column_type(value),
        DataType::RunEndEncoded(_, value) => column_type(value.data_type()),
        _ => ColumnType::Text,
    }
}

fn arrow_type(of: ColumnType) -> DataType {
    match of {
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal(p, s) => DataType::Decimal128(p, s),
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::TimestampUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Text => DataType::Utf8,
    }
}

/// SQL may give two columns one name (`a.x, b.x`); objects and files cannot.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut n = 1;
    while !taken.insert(candidate.clone()) {
        n += 1;
        candidate = format!("{name}_{n}");
    }
    candidate
}
