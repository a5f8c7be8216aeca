//! Columns: what each holds, in types, words and figures.

use lake::Result;
use leptos::prelude::*;
use model::{Cell, Column, ColumnStatistics, DatasetDetail};

use crate::{
    components::{Icon, cell, grouped, icon, percent, type_chip, type_words, visible},
    shell::Viewer,
};

pub async fn tab(viewer: &Viewer, detail: &DatasetDetail) -> Result<AnyView> {
    let rows = detail.dataset.rows;
    let statistics = viewer.lake().statistics(&viewer.who, &detail.dataset.name).await?;
    let lines: Vec<_> =
        detail.schema.iter().map(|c| line(c, statistics.iter().find(|s| s.name == c.name), rows)).collect();
    Ok(view! {
        <div class="table-scroll" role="region" aria-label="Columns" tabindex="0">
            <table class="table columns">
                <thead>
                    <tr>
                        <th scope="col">"Column"</th>
                        <th scope="col">"Type"</th>
                        <th scope="col" class="table__number">"Empty"</th>
                        <th scope="col" class="table__number">"Distinct"</th>
                        <th scope="col">"Smallest"</th>
                        <th scope="col">"Largest"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
        <p class="note">
            "Figures are over the rows that you see. Distinct values are estimated."
        </p>
    }
    .into_any())
}

fn line(column: &Column, statistics: Option<&ColumnStatistics>, rows: Option<u64>) -> AnyView {
    let label = (!column.label.is_empty() && column.label != column.name).then(|| visible(&column.label).into_owned());
    let about = (!column.description.is_empty()).then(|| column.description.clone());
    let tags: Vec<_> = column.tags.iter().map(|t| view! { <span class="tag"><bdi>{t.clone()}</bdi></span> }).collect();
    let masked = column.masked.clone().map(|how| {
        view! { <span class="badge badge--accent badge--icon">{icon(Icon::Lock)} {how}</span> }
    });
    let hidden = column.masked.is_some();
    let bound = |value: Option<&Cell>| cell(value.unwrap_or(&Cell::Null), column.column_type, hidden);
    // "text" needs no second word for it.
    let words = Some(type_words(column.column_type)).filter(|w| *w != column.column_type.to_string());
    let nulls = match (statistics, rows) {
        (Some(s), Some(rows)) => percent(s.nulls, rows),
        (Some(s), None) => grouped(s.nulls),
        (None, _) => "–".into(),
    };
    view! {
        <tr>
            <th scope="row" class="entry">
                <span class="entry__code"><bdi>{column.name.clone()}</bdi></span>
                {masked}
                {tags}
                {label.map(|l| view! { <span class="entry__about">"“"<bdi>{l}</bdi>"” in the file"</span> })}
                {about.map(|a| view! { <span class="entry__about"><bdi>{a}</bdi></span> })}
            </th>
            <td>
                {type_chip(column.column_type)}
                {words.map(|w| view! { <span class="entry__about">{w}</span> })}
            </td>
            <td class="table__number">{nulls}</td>
            <td class="table__number">{statistics.map_or_else(|| "–".into(), |s| grouped(s.distinct))}</td>
            {bound(statistics.map(|s| &s.min))}
            {bound(statistics.map(|s| &s.max))}
        </tr>
    }
    .into_any()
}
