//! Arrivals as lines of a table.

use leptos::prelude::*;
use model::{IngestReport, IngestState};

use crate::{
    address::Href,
    components::{Icon, Tone, ago, badge, bytes, empty, grouped, sentence, visible},
};

/// With or without the column that names the dataset.
pub fn arrivals_table(reports: &[IngestReport], with_dataset: bool) -> AnyView {
    if reports.is_empty() {
        let body = view! { <p>"Each file that arrives gets a report: what landed, what did not, and why."</p> };
        return empty(Icon::Arrival, "Nothing has arrived", body).into_any();
    }
    let lines: Vec<_> = reports.iter().map(|r| line(r, with_dataset)).collect();
    view! {
        <table class="table table--links">
            <thead>
                <tr>
                    <th scope="col">"File"</th>
                    <th scope="col">"State"</th>
                    {with_dataset.then(|| view! { <th scope="col">"Dataset"</th> })}
                    <th scope="col" class="table__number">"Landed"</th>
                    <th scope="col" class="table__number">"Quarantine"</th>
                    <th scope="col" class="table__number">"Size"</th>
                    <th scope="col">"From"</th>
                    <th scope="col">"When"</th>
                </tr>
            </thead>
            <tbody>{lines}</tbody>
        </table>
    }
    .into_any()
}

fn line(r: &IngestReport, with_dataset: bool) -> AnyView {
    let dataset = with_dataset.then(|| {
        view! { <td data-label="Dataset"><a href=Href::dataset(&r.dataset).build()>{r.dataset.to_string()}</a></td> }
    });
    let told = matches!(r.state, IngestState::Refused | IngestState::Waiting | IngestState::Working);
    let message = (told && !r.message.is_empty()).then(|| sentence(&r.message));
    let quarantined = r.open();
    let class = if quarantined > 0 { "table__number figure--bad" } else { "table__number quiet" };
    view! {
        <tr>
            <th scope="row" class="entry">
                <a class="entry__title" href=format!("/arrivals/{}", r.id)><bdi>{visible(&r.file).into_owned()}</bdi></a>
                {message.map(|m| view! { <span class="entry__about">{m}</span> })}
            </th>
            <td data-label="State">{state_badge(r)}</td>
            {dataset}
            <td class="table__number" data-label="Landed">{grouped(r.rows.landed)}</td>
            <td class=class data-label="Quarantine">{grouped(quarantined)}</td>
            <td class="table__number quiet" data-label="Size">{bytes(r.bytes)}</td>
            <td data-label="From"><bdi>{r.by.clone()}</bdi></td>
            <td data-label="When">{ago(r.finished_at.unwrap_or(r.started_at))}</td>
        </tr>
    }
    .into_any()
}

/// What became of the file, in a word.
pub fn state_badge(r: &IngestReport) -> AnyView {
    if let Some(by) = r.taken_back {
        return badge(Tone::Careful, format!("taken back by version {}", grouped(by))).into_any();
    }
    let (tone, words) = match r.state {
        IngestState::Working => (Tone::Accent, "working"),
        IngestState::Waiting if r.ahead.is_some() => (Tone::Careful, "waits in line"),
        IngestState::Waiting if r.difference.is_some() => (Tone::Careful, "waits for a decision"),
        IngestState::Waiting => (Tone::Careful, "waits"),
        IngestState::Landed if r.open() > 0 => (Tone::Careful, "landed in part"),
        IngestState::Landed => (Tone::Good, "landed"),
        IngestState::Duplicate => (Tone::Quiet, "seen before"),
        IngestState::Refused => (Tone::Bad, "not taken"),
    };
    badge(tone, words).into_any()
}
