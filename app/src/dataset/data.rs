//! Rows of a dataset: filtered by a field, sorted by links, page by page.

use lake::Result;
use leptos::prelude::*;
use model::{Cell, Column, ColumnType, DatasetDetail, Page, QueryStatus, RowsRequest};

use crate::{
    address::Href,
    components::{Icon, Sorting, Window, count, duration, empty, grid, is_about_request, pager, problem},
    shell::Viewer,
    sql::export_menu,
};

pub async fn tab(viewer: &Viewer, detail: &DatasetDetail) -> Result<AnyView> {
    let name = &detail.dataset.name;
    let filter = viewer.address.get("filter").map(str::to_owned);
    let sort = viewer.address.get("sort").map(str::to_owned);
    let offset = viewer.address.number("offset") / Window::ROWS * Window::ROWS;
    let request = RowsRequest {
        columns: Vec::new(),
        filter: filter.clone(),
        sort: sort.iter().cloned().collect(),
        limit: Some(Window::ROWS),
        offset,
    };
    let link = {
        let (name, filter) = (name.clone(), filter.clone());
        move |sort: Option<&str>| Href::dataset(&name).with_some("filter", filter.as_deref()).with_some("sort", sort)
    };
    let answer = viewer.lake().rows(&viewer.who, name, request).await;
    let mut example = String::new();
    let (below, foot) = match answer {
        Ok((status, page)) => {
            example = self::example(&page);
            let window = Window { offset, shown: page.rows.len() as u64, total: page.rows_total };
            let sorting = Sorting { current: sort.as_deref(), link: &|sort| link(sort).build() };
            let rows = if page.rows.is_empty() {
                no_rows(filter.is_some(), &Href::dataset(name).build())
            } else {
                grid(&page, &format!("Rows of {name}"), Some(&sorting))
            };
            let here = link(sort.as_deref());
            let pages = pager(window, move |offset| here.clone().with("offset", offset.to_string()).build());
            (rows, Some(foot(&status, &page, pages.into_any())))
        }
        Err(e) if is_about_request(&e) => (problem(&e, filter.as_deref().unwrap_or_default()), None),
        Err(e) => return Err(e),
    };
    let action = Href::dataset(name).build();
    let all = action.clone();
    Ok(view! {
        <section class="rows" aria-label="Rows">
            <form class="filter" action=action method="get">
                <label class="filter__label" for="filter">"Rows where"</label>
                <input
                    class="filter__field"
                    id="filter"
                    name="filter"
                    value=filter.clone()
                    placeholder=example
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                />
                {sort.map(|sort| view! { <input type="hidden" name="sort" value=sort /> })}
                <button class="button" type="submit">"Filter"</button>
                {filter.is_some().then(|| view! { <a class="button button--plain" href=all>"Clear"</a> })}
            </form>
            {below}
            {foot}
        </section>
    }
    .into_any())
}

fn foot(status: &QueryStatus, page: &Page, pages: AnyView) -> AnyView {
    view! {
        <div class="rows__foot">
            {pages}
            <span class="quiet">{count(page.rows_total, "row")} " · " {duration(status.elapsed_ms)}</span>
            {export_menu(&status.id)}
        </div>
    }
    .into_any()
}

fn no_rows(filtered: bool, all: &str) -> AnyView {
    if filtered {
        let body = view! { <p><a class="button" href=all.to_owned()>"Show all rows"</a></p> };
        return empty(Icon::Search, "No row is like that", body).into_any();
    }
    let body = view! { <p>"There are no rows, or none that your access lets you see."</p> };
    empty(Icon::Dataset, "No rows", body).into_any()
}

/// A predicate that finds the first row, to show how one is written.
fn example(page: &Page) -> String {
    let Some(row) = page.rows.first() else { return String::new() };
    let plain = |(column, value): (&Column, &Cell)| {
        let name = super::quoted(&column.name);
        match value {
            _ if column.masked.is_some() => None,
            Cell::String(text) if column.column_type == ColumnType::Text => {
                let short = (1..24).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\'');
                short.then(|| format!("{name} = '{text}'"))
            }
            Cell::Number(n) => Some(format!("{name} >= {n}")),
            _ => None,
        }
    };
    let all: Vec<_> = page.columns.iter().zip(row).filter_map(plain).collect();
    let text = all.iter().find(|p| p.contains('\''));
    let number = all.iter().rev().find(|p| !p.contains('\''));
    text.into_iter().chain(number).cloned().collect::<Vec<_>>().join(" and ")
}
