//! Arrivals: what came in, what landed, what did not and why.

use leptos::prelude::*;
use model::{Astray, IngestFilter, IngestReport, IngestState};

use crate::{
    address::Href,
    components::{Icon, Tab, bytes, count, empty, grouped, icon, sentence, tabs, visible},
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
        let state = STATES.into_iter().find(|(.., key)| viewer.address.get("state") == Some(key));
        let filter = IngestFilter { unit: unit.clone(), dataset: dataset.clone(), state: None };
        let all = viewer.lake().ingests(&viewer.who, filter.clone()).await?;
        let tabs = states(&all, state.map(|(state, ..)| state), unit.as_deref(), dataset.as_deref());
        let reports = match state {
            Some((state, ..)) => {
                viewer.lake().ingests(&viewer.who, IngestFilter { state: Some(state), ..filter }).await?
            }
            None => all,
        };
        let astray = if viewer.context.steward { viewer.lake().astray(&viewer.who).await? } else { Vec::new() };
        let narrowed = unit.is_some() || dataset.is_some();
        // What a refused file holds back is nobody's to correct, nor what was taken back.
        let held = |r: &&IngestReport| r.state == IngestState::Landed && r.taken_back.is_none();
        let quarantined: u64 = reports.iter().filter(held).map(IngestReport::open).sum();
        let send =
            Href::to("/send").with_some("dataset", chosen(unit.as_deref(), dataset.as_deref()).as_deref()).build();
        let list = if let (true, Some((_, words, _))) = (reports.is_empty(), state) {
            let href =
                Href::to("/arrivals").with_some("unit", unit.as_deref()).with_some("dataset", dataset.as_deref());
            let body = view! { <p><a class="button" href=href.build()>"Show all arrivals"</a></p> };
            empty(Icon::Arrival, nothing(words), body).into_any()
        } else if reports.is_empty() {
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
            {stray(&astray)}
            {tabs}
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
        let rows = match viewer.lake().owns(&viewer.who, &report.dataset).await? {
            true => Some(viewer.lake().quarantine(&viewer.who, &id).await?),
            false => None,
        };
        let title = format!("{} · {}", report.file, report.dataset);
        Ok(Content::new(title, report::report(&report, rows.as_deref())))
    })
}

/// Files that nobody takes, for the steward who can move them or ask who put them there.
fn stray(astray: &[Astray]) -> Option<AnyView> {
    let lines: Vec<_> = astray
        .iter()
        .map(|file| {
            let (path, reason) = (visible(&file.path).into_owned(), sentence(&file.reason));
            view! { <li><code><bdi>{path}</bdi></code>" · "{bytes(file.bytes)}": "{reason}</li> }
        })
        .collect();
    (!astray.is_empty()).then(|| {
        view! {
            <section class="banner banner--careful banner--block" aria-labelledby="astray">
                <h2 class="banner__title" id="astray">{icon(Icon::Arrival)} "Files that belong to no dataset"</h2>
                <p>"They lie in the landing area where no dataset takes them."</p>
                <ul class="waits">{lines}</ul>
            </section>
        }
        .into_any()
    })
}

/// What a list of arrivals can be narrowed to: the state, its words, its key in the address.
const STATES: [(IngestState, &str, &str); 4] = [
    (IngestState::Waiting, "Waiting", "waiting"),
    (IngestState::Refused, "Not taken", "refused"),
    (IngestState::Landed, "Landed", "landed"),
    (IngestState::Duplicate, "Seen before", "duplicate"),
];

fn nothing(state: &str) -> &'static str {
    match state {
        "Waiting" => "Nothing waits for a decision",
        "Not taken" => "Every file was taken",
        "Landed" => "Nothing has landed",
        _ => "No file came twice",
    }
}

/// Links that narrow the list; none while there is nothing to narrow.
fn states(
    all: &[IngestReport],
    now: Option<IngestState>,
    unit: Option<&str>,
    dataset: Option<&str>,
) -> Option<AnyView> {
    let href = || Href::to("/arrivals").with_some("unit", unit).with_some("dataset", dataset);
    let first =
        Tab { words: "All", href: href().build(), current: now.is_none(), count: Some(grouped(all.len() as u64)) };
    let others = STATES.into_iter().map(|(state, words, key)| Tab {
        words,
        href: href().with("state", key).build(),
        current: now == Some(state),
        count: Some(grouped(all.iter().filter(|r| r.state == state).count() as u64)),
    });
    (!all.is_empty())
        .then(|| tabs("What became of the files", std::iter::once(first).chain(others).collect()).into_any())
}

/// The one dataset that the list is narrowed to.
fn chosen(unit: Option<&str>, dataset: Option<&str>) -> Option<String> {
    Some(format!("{}.{}", unit?, dataset?))
}

fn landed(reports: &[IngestReport]) -> u64 {
    reports.iter().filter(|r| r.taken_back.is_none()).map(|r| r.rows.landed).sum()
}
