//! A file that waits: both schemas side by side, the first rows, and what its owner can do.

use leptos::prelude::*;
use model::{ColumnChange, ColumnDifference, ColumnType, Difference, IngestReport, IngestState};

use crate::components::{Head, Tone, badge, count, grouped, table, type_chip, visible};

/// For owners, of a file about which they decide or decided.
pub fn difference(r: &IngestReport) -> Option<AnyView> {
    let found = r.difference.as_ref()?;
    let title = if r.state == IngestState::Waiting { "How the file differs" } else { "How the file differed" };
    Some(
        view! {
            <section class="card difference" aria-labelledby="difference">
                <h2 class="card__title" id="difference">{title}</h2>
                {compared(found)}
                {(r.state == IngestState::Waiting).then(|| verdict(r, found))}
            </section>
        }
        .into_any(),
    )
}

/// Both schemas and the file's first rows.
pub(super) fn compared(found: &Difference) -> AnyView {
    view! {
        {schemas(found)}
        {first_rows(found)}
    }
    .into_any()
}

fn schemas(found: &Difference) -> AnyView {
    let lines: Vec<_> = found.columns.iter().map(line).collect();
    let heads = ["Column", "In the dataset", "In the file", "What changes"].map(Head::Words);
    table("Columns of the dataset and of the file", "difference__schemas", &heads, lines)
}

fn line(c: &ColumnDifference) -> AnyView {
    let class = if c.change == ColumnChange::Same { "difference__same" } else { "difference__changed" };
    let label = c.label.as_deref().filter(|label| *label != c.name).map(|label| {
        let label = visible(label).into_owned();
        view! { <span class="entry__about">"“"<bdi>{label}</bdi>"” in the file"</span> }
    });
    view! {
        <tr class=class>
            <th scope="row" class="entry">
                <span class="entry__code"><bdi>{visible(&c.name).into_owned()}</bdi></span>
                {label}
            </th>
            <td>{kind(c.in_dataset)}</td>
            <td>{kind(c.in_file)}</td>
            <td>{change(c)}</td>
        </tr>
    }
    .into_any()
}

fn kind(column_type: Option<ColumnType>) -> AnyView {
    match column_type {
        Some(t) => type_chip(t).into_any(),
        None => view! { <span class="quiet">"not there"</span> }.into_any(),
    }
}

/// In a word with a sign, never by colour alone.
fn change(c: &ColumnDifference) -> AnyView {
    match c.change {
        ColumnChange::Same => view! { <span class="quiet">"nothing"</span> }.into_any(),
        ColumnChange::New => badge(Tone::Careful, "new column").into_any(),
        ColumnChange::Missing if c.required => badge(Tone::Bad, "missing, and required").into_any(),
        ColumnChange::Missing => badge(Tone::Careful, "missing; stays empty").into_any(),
        ColumnChange::OtherType => view! {
            {badge(Tone::Bad, "other type")}
            <span class="entry__about">
                {count(c.misfits, "row")} {if c.misfits == 1 { " does" } else { " do" }} " not fit"
            </span>
        }
        .into_any(),
    }
}

fn first_rows(found: &Difference) -> Option<AnyView> {
    if found.first_rows.is_empty() {
        return None;
    }
    let is_new = |name: &String| found.new_columns().any(|c| c.name == *name);
    let heads: Vec<_> = found
        .heads
        .iter()
        .map(|name| {
            let new = is_new(name).then(|| badge(Tone::Careful, "new"));
            view! { <th scope="col"><bdi>{visible(name).into_owned()}</bdi> " " {new}</th> }
        })
        .collect();
    let rows: Vec<_> = found
        .first_rows
        .iter()
        .map(|row| {
            let cells: Vec<_> = row
                .iter()
                .map(|value| match value {
                    Some(value) => view! { <td><bdi>{visible(value).into_owned()}</bdi></td> }.into_any(),
                    None => view! { <td class="quiet">"∅"</td> }.into_any(),
                })
                .collect();
            view! { <tr>{cells}</tr> }
        })
        .collect();
    Some(
        view! {
            <h3 class="card__subtitle">"The file's first rows"</h3>
            <div class="table-scroll" tabindex="0" role="region" aria-label="The file's first rows">
                <table class="table difference__rows">
                    <thead>
                        <tr>{heads}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any(),
    )
}

/// Two plain forms: it lands, or it does not.
fn verdict(r: &IngestReport, found: &Difference) -> AnyView {
    let action = format!("/api/v1/ingests/{}/decision", r.id);
    let added = found.new_columns().count() as u64;
    let lands = format!("{} of {} land", grouped(found.would_land), count(found.would_land + found.would_wait, "row"));
    view! {
        <div class="difference__verdict">
            <form class="difference__form" action=action.clone() method="post">
                <h3 class="card__subtitle">"Land it"</h3>
                <ul class="difference__outcome">
                    <li>{lands}</li>
                    {(found.would_wait > 0)
                        .then(|| view! { <li>
                                {count(found.would_wait, "row")}
                                {if found.would_wait == 1 { " does not fit and waits" } else { " do not fit and wait" }}
                                " in quarantine"
                            </li> })}
                    {(added > 0).then(|| view! { <li>{count(added, "new column")}" added to the dataset"</li> })}
                </ul>
                {mapping(found)}
                <input type="hidden" name="verdict" value="land" />
                <p><button class="button button--primary" type="submit">"Land this file"</button></p>
            </form>
            <form class="difference__form" action=action method="post">
                <h3 class="card__subtitle">"Refuse it"</h3>
                <div class="field">
                    <label class="field__label" for="note">"Why, for whoever sent it"</label>
                    <p class="field__hint" id="note-hint">"Optional. Nothing of the file lands."</p>
                    <textarea
                        class="field__input difference__note"
                        id="note"
                        name="note"
                        rows="3"
                        maxlength="1000"
                        aria-describedby="note-hint"
                    ></textarea>
                </div>
                <input type="hidden" name="verdict" value="refuse" />
                <p><button class="button" type="submit">"Refuse this file"</button></p>
            </form>
        </div>
    }
    .into_any()
}

/// A new column may be a missing one under another name.
fn mapping(found: &Difference) -> Option<AnyView> {
    found.missing().next()?;
    let fields: Vec<_> = found
        .new_columns()
        .enumerate()
        .map(|(n, c)| {
            let label = c.label.clone().unwrap_or_else(|| c.name.clone());
            let id = format!("column-{n}");
            let options: Vec<_> =
                found.missing().map(|m| view! { <option value=m.name.clone()>{m.name.clone()}</option> }).collect();
            view! {
                <div class="field">
                    <label class="field__label" for=id.clone()>"“"<bdi>{visible(&label).into_owned()}</bdi>"” is"</label>
                    <input type="hidden" name="label" value=label.trim().to_owned() />
                    <select class="field__input" id=id name="column">
                        <option value="">"a new column"</option>
                        {options}
                    </select>
                </div>
            }
        })
        .collect();
    (!fields.is_empty()).then(|| view! { <div class="difference__mapping">{fields}</div> }.into_any())
}
