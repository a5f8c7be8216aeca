//! What a file would become, on a card.

use leptos::prelude::*;
use model::{Cell, Column, ColumnType, Inspection, Lands, Page, QuarantinedRow, Refused};

use super::{
    difference::compared,
    words::{because, warning, warnings},
};
use crate::{
    components::{
        Icon, Tone, badge, bytes, count, grid, grouped, icon, percent, sentence, snippet, type_chip, visible,
    },
    context::{Looked, LookedAt},
};

/// Rejected rows on a card.
const REJECTED: usize = 20;

/// The place that looking fills; empty before.
pub fn inspections(looked: Option<&Looked>) -> AnyView {
    let files = looked.map(|l| l.files.as_slice()).unwrap_or_default();
    let said: Vec<String> = files.iter().map(said).collect();
    let cards: Vec<_> = files.iter().map(card).collect();
    view! {
        <div class="inspections" id="inspections" data-said=said.join(" ")>
            {cards}
        </div>
    }
    .into_any()
}

/// The same in a sentence, for those who do not see the card appear.
fn said(file: &LookedAt) -> String {
    match &file.found {
        Err(message) => format!("{}: {message}", file.name),
        Ok(found) => match &found.inspection {
            Inspection::Refused(refused) if refused.waits => format!("{}: {}", file.name, refused.message),
            Inspection::Refused(refused) => format!("{} would not be taken: {}", file.name, refused.message),
            Inspection::Lands(lands) if lands.rows.quarantined > 0 => format!(
                "{}: {} would land, {} would not.",
                file.name,
                count(lands.rows.landed, "row"),
                grouped(lands.rows.quarantined)
            ),
            Inspection::Lands(lands) if lands.rows.landed == 1 => format!("{}: 1 row would land.", file.name),
            Inspection::Lands(lands) => format!("{}: all {} would land.", file.name, count(lands.rows.landed, "row")),
        },
    }
}

fn card(file: &LookedAt) -> AnyView {
    let (state, body) = match &file.found {
        Err(message) => (badge(Tone::Bad, "not looked at").into_any(), trouble(message)),
        Ok(found) => match &found.inspection {
            Inspection::Lands(lands) => {
                let state = match lands.rows.quarantined {
                    0 => badge(Tone::Good, "would land"),
                    _ => badge(Tone::Careful, "would land in part"),
                };
                let body = view! {
                    {lands_body(lands)}
                    <details class="draft">
                        <summary>"A contract drafted from it"</summary>
                        <div data-draft="">{snippet("contract", found.draft.clone())}</div>
                    </details>
                };
                (state.into_any(), body.into_any())
            }
            Inspection::Refused(refused) if refused.waits => {
                (badge(Tone::Careful, "would wait").into_any(), waiting_body(refused))
            }
            Inspection::Refused(refused) => (badge(Tone::Bad, "would not be taken").into_any(), refused_body(refused)),
        },
    };
    let part = (file.of > file.bytes).then(|| {
        view! {
            <p class="banner">
                {icon(Icon::Eye)}
                {format!("Seen: the first {} of {}. The whole file decides when it lands.", bytes(file.bytes), bytes(file.of))}
            </p>
        }
    });
    view! {
        <article class="card inspection">
            <header class="inspection__head">
                <h2 class="card__title"><bdi>{visible(&file.name).into_owned()}</bdi></h2>
                {state}
                <span class="quiet">{bytes(file.of)}</span>
            </header>
            {part}
            {body}
        </article>
    }
    .into_any()
}

fn trouble(message: &str) -> AnyView {
    view! { <p class="banner banner--bad">{icon(Icon::Alert)} {sentence(message)}</p> }.into_any()
}

fn refused_body(refused: &Refused) -> AnyView {
    let what = because(refused.refused_because);
    view! {
        {trouble(&refused.message)}
        <p class="quiet">"Nothing of it would land, because "{what}"."</p>
        {rejects(&refused.quarantined, refused.quarantined.len() as u64)}
    }
    .into_any()
}

fn waiting_body(refused: &Refused) -> AnyView {
    view! {
        <p class="banner banner--careful">
            {icon(Icon::Alert)} {sentence(&refused.message)}
        </p>
        {refused.difference.as_deref().map(compared)}
        {rejects(&refused.quarantined, refused.quarantined.len() as u64)}
    }
    .into_any()
}

fn lands_body(lands: &Lands) -> AnyView {
    let facts = [
        lands.format.clone(),
        lands.compression.clone(),
        lands.encoding.clone(),
        lands.delimiter.as_deref().map(|d| if d == "\t" { "tabs".into() } else { format!("fields end with {d}") }),
        lands.header_line.map(|line| format!("header on line {}", grouped(line))),
        lands.sheet.clone().map(|sheet| format!("sheet {sheet}")),
        (lands.rows.skipped > 0).then(|| format!("{} passed over", count(lands.rows.skipped, "line"))),
    ];
    let facts: Vec<_> =
        facts.into_iter().flatten().map(|fact| view! { <li><bdi>{visible(&fact).into_owned()}</bdi></li> }).collect();
    view! {
        <ul class="inspection__facts">{facts}</ul>
        {warnings(&lands.warnings)}
        <p class="figure">
            <span class="figure__number">{grouped(lands.rows.landed)}</span>
            <span class="figure__words">{if lands.rows.landed == 1 { "row" } else { "rows" }}" would land"</span>
            {(lands.rows.quarantined > 0).then(|| view! {
                <span class="figure__words figure--bad">
                    {count(lands.rows.quarantined, "row")}" would wait in quarantine"
                </span>
            })}
        </p>
        <h3 class="card__subtitle">"Columns"</h3>
        {columns(lands)}
        {rejects(&lands.quarantined, lands.rows.quarantined)}
        <h3 class="card__subtitle">"Rows as they would land"</h3>
        {grid(&preview(lands), "Rows as they would land", None)}
    }
    .into_any()
}

fn columns(lands: &Lands) -> AnyView {
    let lines: Vec<_> = lands
        .columns
        .iter()
        .zip(&lands.evidence)
        .map(|(c, why)| {
            let label = (!c.label.is_empty() && c.label != c.name).then(|| {
                view! { <span class="entry__about">"“"<bdi>{visible(&c.label).into_owned()}</bdi>"” in the file"</span> }
            });
            let nulls = if c.nulls > 0 { percent(c.nulls, lands.rows.landed.max(c.nulls)) } else { "none".into() };
            let careful = c.warning.map(|w| {
                view! { <span class="badge badge--careful badge--icon">{icon(Icon::Alert)} {warning(w)}</span> }
            });
            view! {
                <tr>
                    <th scope="row" class="entry">
                        <span class="entry__code"><bdi>{c.name.clone()}</bdi></span>
                        {label}
                    </th>
                    <td data-label="Type">{type_chip(c.column_type)}</td>
                    <td data-label="Empty" class="table__number quiet">{nulls}</td>
                    <td data-label="Why">{careful} " " {sentence(why)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <table class="table table--links inspection__columns">
            <thead>
                <tr>
                    <th scope="col">"Column"</th>
                    <th scope="col">"Type"</th>
                    <th scope="col" class="table__number">"Empty"</th>
                    <th scope="col">"Why"</th>
                </tr>
            </thead>
            <tbody>{lines}</tbody>
        </table>
    }
    .into_any()
}

fn rejects(rows: &[QuarantinedRow], all: u64) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let items: Vec<_> = rows.iter().take(REJECTED).map(super::quarantine::item).collect();
    let more = all.saturating_sub(items.len() as u64);
    view! {
        <h3 class="card__subtitle">"What would not land"</h3>
        <ul class="rejects">{items}</ul>
        {(more > 0).then(|| view! { <p class="quiet">"and "{count(more, "more row")}</p> })}
    }
    .into_any()
}

/// The first rows in the shape of the grid.
fn preview(lands: &Lands) -> Page {
    let columns: Vec<Column> = lands
        .columns
        .iter()
        .map(|c| Column {
            name: c.name.clone(),
            label: c.label.clone(),
            column_type: c.column_type,
            description: String::new(),
            tags: Vec::new(),
            masked: None,
        })
        .collect();
    let value = |value: &Option<String>, of: &Column| match (value, of.column_type) {
        (None, _) => Cell::Null,
        (Some(text), ColumnType::Int64) => text.parse::<i64>().map_or(Cell::Null, Cell::from),
        (Some(text), ColumnType::Boolean) => Cell::Bool(text == "true"),
        (Some(text), _) => Cell::String(text.clone()),
    };
    let rows = lands.values.values().map(|row| row.iter().zip(&columns).map(|(v, c)| value(v, c)).collect()).collect();
    Page { columns, offset: 0, rows, rows_total: lands.rows.landed }
}
