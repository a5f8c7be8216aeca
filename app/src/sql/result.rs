//! An answer: how much, how fast, from where; the rows; ways to take them along.

use leptos::prelude::*;
use model::{CacheOutcome, CacheTier, ExportFormat, Page, QueryStatus};

use super::chart::switch;
use crate::{
    address::Href,
    components::{Icon, Tone, Window, badge, count, duration, empty, grid, icon, pager},
};

/// `drawn` stands in the place of the rows.
pub fn result(status: &QueryStatus, page: &Page, here: &Href, drawn: Option<AnyView>) -> AnyView {
    let window = Window { offset: page.offset, shown: page.rows.len() as u64, total: page.rows_total };
    let (words, title) = origin(status.cache);
    let charted = drawn.is_some();
    let rows = if let Some(drawn) = drawn {
        drawn
    } else if page.columns.is_empty() || page.rows.is_empty() && page.rows_total == 0 {
        let body = view! { <p>"The query is fine; no row answers it."</p> };
        empty(Icon::Search, "No rows", body).into_any()
    } else {
        grid(page, "Rows of the result", None)
    };
    let read: Vec<_> = status
        .datasets
        .iter()
        .map(|(name, version)| {
            view! { <a class="quiet" href=Href::dataset(name).build()>{format!("{name} v{version}")}</a> }
        })
        .collect();
    let link = {
        let here = here.clone();
        move |offset: u64| here.clone().with("offset", offset.to_string()).build()
    };
    view! {
        <section class="result" aria-label="Result">
            <header class="result__head">
                <h2 class="result__count">{count(page.rows_total, "row")}</h2>
                <span class="result__fact">{duration(status.elapsed_ms)}</span>
                <span title=title>{badge(if words == "ran now" { Tone::Quiet } else { Tone::Good }, words)}</span>
                <span class="result__read">{read}</span>
                {switch(here, charted)}
                {export_menu(&status.id)}
            </header>
            {rows}
            {(!charted).then(|| view! { <div class="rows__foot">{pager(window, link)}</div> })}
        </section>
    }
    .into_any()
}

/// Links that download the whole stored result.
pub fn export_menu(id: &str) -> AnyView {
    let items: Vec<_> = ExportFormat::ALL
        .into_iter()
        .map(|format| {
            let mut href = Href::to(format!("/api/v1/results/{id}/download")).with("format", format.extension());
            if format == ExportFormat::Csv {
                // For people's spreadsheets; the API's own default keeps values as they are.
                href = href.with("guard", "true");
            }
            let href = href.build();
            view! {
                <a class="menu__item" href=href download="">
                    <span>{name(format)}</span>
                    <span class="quiet">{about(format)}</span>
                </a>
            }
        })
        .collect();
    view! {
        <details class="menu menu--end export">
            <summary class="button">{icon(Icon::Download)} "Export" {icon(Icon::Down)}</summary>
            <div class="menu__panel">{items}</div>
        </details>
    }
    .into_any()
}

fn name(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "CSV",
        ExportFormat::Parquet => "Parquet",
        ExportFormat::Arrow => "Arrow",
        ExportFormat::Json => "JSON",
        ExportFormat::Ndjson => "NDJSON",
    }
}

fn about(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "for spreadsheets",
        ExportFormat::Parquet => "types kept, small",
        ExportFormat::Arrow => "types kept, fast",
        ExportFormat::Json => "one array",
        ExportFormat::Ndjson => "one row a line",
    }
}

fn origin(cache: CacheOutcome) -> (&'static str, &'static str) {
    match cache {
        CacheOutcome::Miss => ("ran now", "Nobody with your rights had asked this of these versions."),
        CacheOutcome::Bypass => ("ran now", "Its answer differs each time, so it is never kept."),
        CacheOutcome::Shared => ("shared", "Someone with the same rights was asking the same; you got that answer."),
        CacheOutcome::Hit(CacheTier::Memory) => ("from memory", "Asked before, and no data has changed since."),
        CacheOutcome::Hit(CacheTier::Store) => ("from the store", "Asked before, and no data has changed since."),
    }
}
