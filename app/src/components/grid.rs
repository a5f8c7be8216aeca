//! The data grid: a real table with sticky head and first column, sorted by links.

use leptos::prelude::*;
use model::{Column, Page};

use super::{
    Icon, cell, icon,
    type_chip::{type_sign, type_words},
};

/// How a grid's header links sort: the current `sort` value and the link for another.
pub struct Sorting<'a> {
    pub current: Option<&'a str>,
    pub link: &'a dyn Fn(Option<&str>) -> String,
}

/// `label` tells readers what the table holds.
pub fn grid(page: &Page, label: &str, sorting: Option<&Sorting<'_>>) -> AnyView {
    let heads: Vec<AnyView> = page.columns.iter().map(|c| head(c, sorting)).collect();
    let rows: Vec<AnyView> = page
        .rows
        .iter()
        .map(|row| {
            let cells: Vec<AnyView> =
                row.iter().zip(&page.columns).map(|(v, c)| cell(v, c.column_type, c.masked.is_some())).collect();
            view! { <tr class="grid__row">{cells}</tr> }.into_any()
        })
        .collect();
    view! {
        <div class="grid" role="region" aria-label=label.to_owned() tabindex="0">
            <table class="grid__table">
                <thead>
                    <tr>{heads}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn head(column: &Column, sorting: Option<&Sorting<'_>>) -> AnyView {
    let name = column.name.clone();
    let class = if column.column_type.is_number() { "grid__head grid__head--number" } else { "grid__head" };
    let mut title = format!("{} · {}", column.column_type, type_words(column.column_type));
    if !column.label.is_empty() && column.label != name {
        title.push_str(&format!(" · “{}” in the file", super::visible(&column.label)));
    }
    if !column.description.is_empty() {
        title.push_str(&format!("\n{}", column.description));
    }
    let mark = column.masked.clone().map(|how| {
        view! {
            <span class="mask-mark" title=format!("Your access shows this column {how}.")>
                {icon(Icon::Lock)}
                <span class="visually-hidden">{how.clone()}</span>
            </span>
        }
    });
    let sign = view! { <span class="grid__sign" aria-hidden="true">{type_sign(column.column_type)}</span> };
    let Some(sorting) = sorting else {
        return view! {
            <th class=class scope="col" title=title>
                <span class="grid__label"><bdi>{name}</bdi>{mark}{sign}</span>
            </th>
        }
        .into_any();
    };
    let descending = format!("-{name}");
    let (state, arrow, next) = match sorting.current {
        Some(s) if s == name => ("ascending", Some(Icon::SortUp), Some(descending.as_str())),
        Some(s) if s == descending => ("descending", Some(Icon::SortDown), None),
        _ => ("none", None, Some(name.as_str())),
    };
    let href = (sorting.link)(next);
    view! {
        <th class=class scope="col" title=title aria-sort=state>
            <a class="grid__label grid__label--link" href=href>
                <bdi>{name.clone()}</bdi>
                {mark}
                {arrow.map(icon)}
                {sign}
            </a>
        </th>
    }
    .into_any()
}
