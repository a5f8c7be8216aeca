//! Rows that did not land: line, raw text, reason.

use leptos::prelude::*;
use model::{IngestReport, IngestState, QuarantinedRow};

use crate::{
    address::Href,
    components::{Icon, ago, count, grouped, icon, sentence, visible},
};

/// Rows drawn on the page; the download has more.
const SHOWN: usize = 100;
/// Rows of the download, the most that the API gives at once.
const MOST: usize = 1000;

pub fn quarantine(r: &IngestReport, rows: Option<&[QuarantinedRow]>) -> AnyView {
    let total = r.rows.quarantined;
    let class = if total > 0 { "figure figure--bad" } else { "figure figure--quiet" };
    let download = Href::to(format!("/api/v1/ingests/{}/quarantine", r.id)).with("limit", MOST.to_string()).build();
    let name = format!("quarantine-{}.json", r.id);
    let list = match rows {
        _ if total == 0 => {
            let words = match r.state {
                IngestState::Duplicate => "The file landed before, so it was not read again.",
                _ if r.rows.read == 0 && r.state != IngestState::Landed => "The file was not read that far.",
                _ => "Every row could be read.",
            };
            view! { <p class="quiet">{words}</p> }.into_any()
        }
        None => view! { <p class="quiet">"The rows themselves are shown to the owners of the dataset."</p> }.into_any(),
        Some(rows) => {
            let items: Vec<_> = rows.iter().take(SHOWN).map(item).collect();
            let more = rows.len().saturating_sub(SHOWN) as u64;
            view! {
                <ul class="rejects">{items}</ul>
                {(more > 0).then(|| view! { <p class="quiet">"and "{count(more, "more row")}" in the download"</p> })}
                <p class="card__end">
                    <a class="button" href=download download=name>{icon(Icon::Download)} "Download as JSON"</a>
                </p>
                {replay(r)}
            }
            .into_any()
        }
    };
    view! {
        <section class="card arrival__rejects" aria-labelledby="rejects">
            <h2 class="card__title" id="rejects">"What did not"</h2>
            <p class=class>
                <span class="figure__number">{grouped(total)}</span>
                <span class="figure__words">{if total == 1 { "row" } else { "rows" }} " in quarantine"</span>
            </p>
            {list}
        </section>
    }
    .into_any()
}

/// How rows that wait are corrected, and which were.
fn replay(r: &IngestReport) -> AnyView {
    let done: Vec<_> = r
        .corrections
        .iter()
        .map(|c| {
            view! {
                <li>
                    {count(c.rows, "row")} " corrected by " <bdi>{c.by.clone()}</bdi> ", " {ago(c.at)} ": "
                    <a href=format!("/arrivals/{}", c.ingest)>"how they landed"</a>
                </li>
            }
        })
        .collect();
    let done = (!done.is_empty()).then(|| view! { <ul class="replay__done">{done}</ul> });
    let open = r.open();
    let form = (open > 0 && r.state == IngestState::Landed && r.taken_back.is_none()).then(|| {
        let rows = format!("/api/v1/ingests/{}/quarantine/rows", r.id);
        let action = format!("/api/v1/ingests/{}/corrections", r.id);
        view! {
            <p>
                {count(open, "row")}
                {if open == 1 { " waits." } else { " wait." }}
                " Download them as they stood in the file, correct them in an editor, and send them back; only they land."
            </p>
            <p><a class="button" href=rows download="">{icon(Icon::Download)} "Download the rows"</a></p>
            <form class="replay__form" action=action method="post" enctype="multipart/form-data">
                <label class="field__label" for="corrected">"Corrected rows"</label>
                <input class="upload__file" id="corrected" type="file" name="file" required />
                <button class="button button--primary" type="submit">{icon(Icon::Upload)} "Send them"</button>
            </form>
        }
    });
    if done.is_none() && form.is_none() {
        return ().into_any();
    }
    view! {
        <div class="replay">
            <h3 class="card__subtitle">"Correct them"</h3>
            {done}
            {form}
        </div>
    }
    .into_any()
}

pub fn item(row: &QuarantinedRow) -> AnyView {
    let at = row.column.clone().map(|column| {
        let value = row.value.as_deref().map(|v| format!(" = “{}”", visible(v))).unwrap_or_default();
        view! { <code class="reject__value"><bdi>{format!("{column}{value}")}</bdi></code> }
    });
    view! {
        <li class="reject">
            <p class="reject__head">
                <span class="reject__line">"Line "{grouped(row.line)}</span>
                {at}
            </p>
            <p class="reject__reason">{sentence(&row.reason)}</p>
            <pre class="reject__raw" tabindex="0"><bdi>{visible(&row.raw).into_owned()}</bdi></pre>
        </li>
    }
    .into_any()
}
