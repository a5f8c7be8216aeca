//! Arrivals: what came in, what landed, what did not and why.

use leptos::prelude::*;
use model::{IngestFilter, IngestReport};

use crate::{
    address::Href,
    components::{Icon, count, empty, icon},
    shell::{Content, Place, page},
};

mod difference;
mod inspection;
mod list;
mod quarantine;
mod report;
mod send;
mod words;

pub use list::arrivals_table;
pub use send::SendPage;

#[component]
pub fn ArrivalsPage() -> impl IntoView {
    page(Place::Arrivals, async |viewer| {
        let unit = viewer.address.get("unit").map(str::to_owned);
        let dataset = viewer.address.get("dataset").map(str::to_owned);
        let filter = IngestFilter { unit: unit.clone(), dataset: dataset.clone() };
        let reports = viewer.lake().ingests(&viewer.who, filter).await?;
        let narrowed = unit.is_some() || dataset.is_some();
        let quarantined: u64 = reports.iter().map(|r| r.rows.quarantined).sum();
        let send =
            Href::to("/send").with_some("dataset", chosen(unit.as_deref(), dataset.as_deref()).as_deref()).build();
        let list = if reports.is_empty() {
            let body = view! {
                <p>"Files that are dropped into "<code>"landing/unit/dataset/"</code>" or sent on a dataset's page appear here, each with what became of it."</p>
                {narrowed.then(|| view! { <p><a class="button" href="/arrivals">"Show all arrivals"</a></p> })}
            };
            empty(Icon::Arrival, "Nothing has arrived", body).into_any()
        } else {
            arrivals_table(&reports, true)
        };
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">"Arrivals"</h1>
                    <p class="page-head__facts">
                        <span>{count(reports.len() as u64, "file")}</span>
                        <span>{count(landed(&reports), "row")}" landed"</span>
                        {(quarantined > 0).then(|| view! { <span>{count(quarantined, "row")}" in quarantine"</span> })}
                        {narrowed.then(|| view! { <a href="/arrivals">"Show all"</a> })}
                    </p>
                </div>
                <div class="page-head__actions">
                    <a class="button button--primary" href=send>{icon(Icon::Upload)} "Send files"</a>
                </div>
            </header>
            {list}
        };
        Ok(Content::new("Arrivals", body))
    })
}

#[component]
pub fn ArrivalPage() -> impl IntoView {
    page(Place::Arrivals, async |viewer| {
        let id = viewer.address.segment(1).to_owned();
        let report = viewer.lake().ingest(&viewer.who, &id).await?;
        // Raw rows are the owner's: others see the counts.
        let rows = match viewer.lake().quarantine(&viewer.who, &id).await {
            Ok(rows) => Some(rows),
            Err(lake::LakeError::Forbidden { .. } | lake::LakeError::NotFound { .. }) => None,
            Err(e) => return Err(e),
        };
        let title = format!("{} · {}", report.file, report.dataset);
        Ok(Content::new(title, report::report(&report, rows.as_deref())))
    })
}

/// The one dataset that the list is narrowed to.
fn chosen(unit: Option<&str>, dataset: Option<&str>) -> Option<String> {
    Some(format!("{}.{}", unit?, dataset?))
}

fn landed(reports: &[IngestReport]) -> u64 {
    reports.iter().map(|r| r.rows.landed).sum()
}
