//! One arrival in three parts: what landed, what did not, why each column has its type.

use leptos::prelude::*;
use model::{ColumnReport, IngestReport, IngestState, QuarantinedRow, RefusedBecause};

use super::{
    difference::difference,
    list::state_badge,
    quarantine::quarantine,
    words::{because, warning, warnings},
};
use crate::{
    address::Href,
    components::{Icon, bytes, count, duration, grouped, icon, instant, percent, sentence, type_chip, visible},
};

/// `rows` is `None` when the viewer may not see raw rows.
pub fn report(r: &IngestReport, rows: Option<&[QuarantinedRow]>) -> AnyView {
    let message = (!r.message.is_empty()).then(|| {
        let class = match r.state {
            IngestState::Refused => "banner banner--bad",
            IngestState::Waiting => "banner banner--careful",
            _ => "banner",
        };
        view! { <p class=class>{icon(Icon::Alert)} {sentence(&r.message)}</p> }
    });
    let query = (r.rows.landed > 0 || r.state == IngestState::Duplicate).then(|| {
        view! { <a class="button button--primary" href=Href::dataset(&r.dataset).build()>"See the data"</a> }
    });
    let corrects = r.corrects.as_ref().map(|id| {
        let href = format!("/arrivals/{id}");
        view! { <p class="banner">{icon(Icon::Arrival)} <span>"These rows correct those of "<a href=href>"an earlier arrival"</a>"."</span></p> }
    });
    let ahead = r.ahead.as_ref().map(|ahead| {
        let (href, file) = (format!("/arrivals/{}", ahead.ingest), visible(&ahead.file).into_owned());
        view! { <p class="banner">{icon(Icon::Arrival)} <span>"Before it waits "<a href=href><bdi>{file}</bdi></a>"."</span></p> }
    });
    view! {
        <header class="page-head">
            <div class="page-head__words">
                <nav class="crumbs" aria-label="Where you are">
                    <a href="/arrivals">"Arrivals"</a>
                    <span aria-hidden="true">"/"</span>
                    <a href=Href::dataset(&r.dataset).with("tab", "arrivals").build()>{r.dataset.to_string()}</a>
                </nav>
                <h1 class="page-head__title page-head__title--file">
                    <bdi>{visible(&r.file).into_owned()}</bdi> {state_badge(r)}
                </h1>
                <p class="page-head__facts">
                    <span>{bytes(r.bytes)}</span>
                    <span>{instant(r.started_at)}</span>
                    <span>"from "<bdi>{r.by.clone()}</bdi></span>
                    // With a decision, the time is that of people.
                    {r.finished_at.filter(|_| r.decided_by.is_none()).map(|end| {
                        let took = u64::try_from((end - r.started_at).num_milliseconds()).unwrap_or(0);
                        view! { <span>"took "{duration(took)}</span> }
                    })}
                </p>
            </div>
            <div class="page-head__actions">{query}</div>
        </header>
        {message}
        {corrects}
        {ahead}
        {decision(r, rows.is_some())}
        {difference(r)}
        {warnings(&r.warnings)}
        <div class="arrival">
            {landed(r)}
            {quarantine(r, rows)}
            {columns(r)}
        </div>
    }
    .into_any()
}

/// What an owner decided, or can decide of a file that was refused.
fn decision(r: &IngestReport, owner: bool) -> Option<AnyView> {
    if let Some(by) = r.decided_by.as_ref().filter(|_| r.state == IngestState::Landed) {
        let by = by.clone();
        return Some(view! { <p class="banner">{icon(Icon::Key)} <span>"Landed by the decision of "<bdi>{by}</bdi>"."</span></p> }.into_any());
    }
    let what = match r.refused_because {
        _ if !owner => return None,
        Some(RefusedBecause::TooManyRejects) => "The rows that fit then land, and the others wait in quarantine.",
        Some(RefusedBecause::SchemaConflict) => {
            "The new columns are then added; rows that do not fit wait in quarantine."
        }
        Some(RefusedBecause::Empty) if r.rows.read == 0 && !r.columns.is_empty() => {
            "The dataset is then empty; its older versions stay."
        }
        Some(RefusedBecause::TakenBack) => "It then lands once more, after the roll back that took it back.",
        _ => return None,
    };
    let action = format!("/api/v1/ingests/{}/decision", r.id);
    Some(
        view! {
            <form class="decision" action=action method="post">
                <p>"You own the dataset and can land this one file all the same. " {what}</p>
                <input type="hidden" name="verdict" value="land" />
                <button class="button" type="submit">"Land it anyway"</button>
            </form>
        }
        .into_any(),
    )
}

fn landed(r: &IngestReport) -> AnyView {
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <dt>{name}</dt> <dd><bdi>{visible(&value).into_owned()}</bdi></dd> })
    };
    let delimiter = r.delimiter.as_deref().map(|d| match d {
        "\t" => "tab".to_owned(),
        "," => ", comma".to_owned(),
        ";" => "; semicolon".to_owned(),
        "|" => "| bar".to_owned(),
        d => d.to_owned(),
    });
    let version = r.version.map(|v| format!("{} of {}", grouped(v), r.dataset));
    view! {
        <section class="card arrival__landed" aria-labelledby="landed">
            <h2 class="card__title" id="landed">"What landed"</h2>
            <p class="figure">
                <span class="figure__number">{grouped(r.rows.landed)}</span>
                <span class="figure__words">
                    {if r.rows.landed == 1 { "row" } else { "rows" }} " of " {grouped(r.rows.read)} " read"
                </span>
            </p>
            <dl class="facts facts--close">
                {fact("Format", r.format.clone())}
                {fact("Packed", r.compression.clone())}
                {fact("Encoding", r.encoding.clone())}
                {fact("Delimiter", delimiter)}
                {fact("Quote", r.quote.clone())}
                {fact("Sheet", r.sheet.clone())}
                {fact("Header", r.header_line.map(|n| format!("line {}", grouped(n))))}
                {fact("Passed over", (r.rows.skipped > 0).then(|| count(r.rows.skipped, "line")))}
                {fact("Version", version)}
                {fact("Not taken because", r.refused_because.map(|b| because(b).to_owned()))}
            </dl>
            <details class="fingerprint">
                <summary>"Fingerprint"</summary>
                <code class="fingerprint__text">{r.sha256.clone()}</code>
                <code class="fingerprint__text"><bdi>{visible(&r.path).into_owned()}</bdi></code>
            </details>
        </section>
    }
    .into_any()
}

fn columns(r: &IngestReport) -> AnyView {
    let lines: Vec<_> = r.columns.iter().map(|c| column(c, r.rows.landed)).collect();
    let why = match r.state {
        IngestState::Waiting => "Told once the file has landed.",
        _ => "The file was not read that far.",
    };
    let none = lines.is_empty().then(|| view! { <p class="quiet">{why}</p> });
    view! {
        <section class="card arrival__columns" aria-labelledby="types">
            <h2 class="card__title" id="types">"Why each column has its type"</h2>
            {none}
            <ul class="reasons">{lines}</ul>
        </section>
    }
    .into_any()
}

fn column(c: &ColumnReport, rows: u64) -> AnyView {
    let label = (!c.label.is_empty() && c.label != c.name).then(|| visible(&c.label).into_owned());
    let warning = c.warning.map(|w| {
        view! { <span class="badge badge--careful badge--icon">{icon(Icon::Alert)} {warning(w)}</span> }
    });
    let empty = (c.nulls > 0).then(|| format!("{} empty", percent(c.nulls, rows.max(c.nulls))));
    view! {
        <li class="reason">
            <p class="reason__head">
                <span class="entry__code"><bdi>{c.name.clone()}</bdi></span>
                {type_chip(c.column_type)}
                {warning}
                {empty.map(|e| view! { <span class="quiet">{e}</span> })}
            </p>
            {label.map(|l| view! { <p class="reason__label">"“"<bdi>{l}</bdi>"” in the file"</p> })}
            <p class="reason__evidence">{sentence(&c.evidence)}</p>
        </li>
    }
    .into_any()
}
