//! A column's type: a sign for headers, a chip with words for lists.

use leptos::prelude::*;
use model::ColumnType;

/// Two or three signs that say what a column holds.
pub fn type_sign(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Boolean => "t/f",
        ColumnType::Int64 => "12",
        ColumnType::Float64 => "1.2",
        ColumnType::Decimal(..) => ".00",
        ColumnType::Date => "day",
        ColumnType::Timestamp | ColumnType::TimestampUtc => "time",
        ColumnType::Text => "Aa",
    }
}

/// The type in a person's words.
pub fn type_words(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Boolean => "true or false".into(),
        ColumnType::Int64 => "whole number".into(),
        ColumnType::Float64 => "number".into(),
        ColumnType::Decimal(p, s) => format!("exact number, {p} digits, {s} after the point"),
        ColumnType::Date => "calendar day".into(),
        ColumnType::Timestamp => "local time, no zone".into(),
        ColumnType::TimestampUtc => "instant, in UTC".into(),
        ColumnType::Text => "text".into(),
    }
}

pub fn type_chip(column_type: ColumnType) -> impl IntoView {
    view! {
        <span class="type-chip" title=type_words(column_type)>
            <span class="type-chip__sign" aria-hidden="true">{type_sign(column_type)}</span>
            {column_type.to_string()}
        </span>
    }
}
