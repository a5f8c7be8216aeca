//! Arrivals: what came in, what landed, what did not and why.

use leptos::prelude::*;
use model::{Dataset, IngestFilter, IngestReport};

use crate::{
    address::Href,
    components::{Icon, count, empty, icon},
    shell::{Content, Place, page},
};

mod list;
mod quarantine;
mod report;

pub use list::arrivals_table;

#[component]
pub fn ArrivalsPage() -> impl IntoView {
    page(Place::Arrivals, async |viewer| {
        let unit = viewer.address.get("unit").map(str::to_owned);
        let dataset = viewer.address.get("dataset").map(str::to_owned);
        let filter = IngestFilter { unit: unit.clone(), dataset: dataset.clone() };
        let reports = viewer.lake().ingests(&viewer.who, filter).await?;
        let mine: Vec<Dataset> = viewer.datasets().await?;
        let targets: Vec<_> = mine.iter().filter(|d| d.access.may_upload || d.access.may_own).map(target).collect();
        let narrowed = unit.is_some() || dataset.is_some();
        let quarantined: u64 = reports.iter().map(|r| r.rows.quarantined).sum();
        let send = (!targets.is_empty()).then(|| {
            view! {
                <details class="menu menu--end">
                    <summary class="button button--primary">{icon(Icon::Upload)} "Send a file" {icon(Icon::Down)}</summary>
                    <div class="menu__panel">{targets}</div>
                </details>
            }
        });
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
                <div class="page-head__actions">{send}</div>
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
        let rows = match report.rows.quarantined {
            0 => Some(Vec::new()),
            _ => match viewer.lake().quarantine(&viewer.who, &id).await {
                Ok(rows) => Some(rows),
                Err(lake::LakeError::Forbidden { .. } | lake::LakeError::NotFound { .. }) => None,
                Err(e) => return Err(e),
            },
        };
        let title = format!("{} · {}", report.file, report.dataset);
        Ok(Content::new(title, report::report(&report, rows.as_deref())))
    })
}

fn target(dataset: &Dataset) -> impl IntoView + use<> {
    let href = Href::dataset(&dataset.name).with("tab", "arrivals").build();
    view! { <a class="menu__item" href=href>"to "{dataset.name.to_string()}</a> }
}

fn landed(reports: &[IngestReport]) -> u64 {
    reports.iter().map(|r| r.rows.landed).sum()
}
