//! Columns: what each holds, in types, words, figures and a picture of its values.

use lake::Result;
use leptos::prelude::*;
use model::{Column, ColumnProfile, DatasetDetail};

use crate::{
    components::{Head, Icon, cell, grouped, icon, percent, table, type_chip, type_words, visible},
    shell::Viewer,
};

mod values;

const HEADS: [Head; 7] = [
    Head::Words("Column"),
    Head::Words("Type"),
    Head::Number("Empty"),
    Head::Number("Distinct"),
    Head::Words("Smallest"),
    Head::Words("Largest"),
    Head::Words("Values"),
];

pub async fn tab(viewer: &Viewer, detail: &DatasetDetail) -> Result<AnyView> {
    let profile = viewer.lake().profile(&viewer.who, &detail.dataset.name).await?;
    let of = |c: &Column| profile.columns.iter().find(|p| p.name == c.name);
    let lines: Vec<_> = detail.schema.iter().map(|c| line(c, of(c))).collect();
    let estimated = profile.columns.iter().any(|p| !p.distinct_exact);
    Ok(view! {
        {table("Columns", "columns profile", &HEADS, lines)}
        <p class="note">
            "Figures are over the rows that you see."
            {estimated.then_some(" Distinct values with ≈ are estimated, to about 2 %.")}
        </p>
    }
    .into_any())
}

fn line(column: &Column, profile: Option<&ColumnProfile>) -> AnyView {
    let label = (!column.label.is_empty() && column.label != column.name).then(|| visible(&column.label).into_owned());
    let about = (!column.description.is_empty()).then(|| column.description.clone());
    let tags: Vec<_> = column.tags.iter().map(|t| view! { <span class="tag"><bdi>{t.clone()}</bdi></span> }).collect();
    let masked = column.masked.clone().map(|how| {
        view! { <span class="badge badge--accent badge--icon">{icon(Icon::Lock)} {how}</span> }
    });
    // "text" needs no second word for it.
    let words = Some(type_words(column.column_type)).filter(|w| *w != column.column_type.to_string());
    let figures = profile.map(|profile| {
        let hidden = column.masked.is_some();
        let about = if profile.distinct_exact { "" } else { "≈ " };
        view! {
            <td class="table__number" data-label="Empty">{percent(profile.nulls, profile.rows)}</td>
            <td class="table__number" data-label="Distinct">{about}{grouped(profile.distinct)}</td>
            {cell(&profile.min, column.column_type, hidden)}
            {cell(&profile.max, column.column_type, hidden)}
            <td class="profile__values">{values::picture(column, profile)}</td>
        }
    });
    view! {
        <tr>
            <th scope="row" class="entry">
                <span class="entry__code"><bdi>{column.name.clone()}</bdi></span>
                {masked}
                {tags}
                {label.map(|l| view! { <span class="entry__about">"“"<bdi>{l}</bdi>"” in the file"</span> })}
                {about.map(|a| view! { <span class="entry__about"><bdi>{a}</bdi></span> })}
            </th>
            <td data-label="Type">
                {type_chip(column.column_type)}
                {words.map(|w| view! { <span class="entry__about">{w}</span> })}
            </td>
            {figures}
        </tr>
    }
    .into_any()
}
