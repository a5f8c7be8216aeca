//! One person's view of one dataset: how much, which columns, and each grant with whether it applies.

use leptos::prelude::*;
use model::{DatasetExplanation, GrantExplanation};

use super::Whose;
use crate::{
    address::Href,
    components::{Tone, badge, grouped, instant, sentence, visible},
};

pub(super) fn view(d: &DatasetExplanation, whose: &Whose) -> AnyView {
    let rows = d.rows.map(|rows| {
        view! {
            <p class="figure">
                <span class="figure__number">{grouped(rows.visible)}</span>
                <span class="figure__words">"of "{grouped(rows.total)}" rows"</span>
            </p>
        }
    });
    let filter = d.access.as_ref().map(|access| match &access.rows {
        None => view! { <p>"Every row."</p> }.into_any(),
        Some(filter) => view! { <p>"Rows where "<code><bdi>{filter.clone()}</bdi></code></p> }.into_any(),
    });
    let nothing = d.access.is_none().then(|| {
        view! { <p>"Nothing: for this person the dataset does not exist. No grant below gives any of it."</p> }
    });
    let columns: Vec<_> = d
        .columns
        .iter()
        .map(|c| {
            let class = if c.whole { "" } else { "difference__changed" };
            view! { <tr class=class><th scope="row"><code><bdi>{c.name.clone()}</bdi></code></th><td>{c.shows.clone()}</td></tr> }
        })
        .collect();
    // What gives something comes before what does not.
    let (giving, others): (Vec<_>, Vec<_>) = d.grants.iter().partition(|g| g.because.is_none());
    let grants: Vec<_> = giving.into_iter().chain(others).map(grant).collect();
    let none = d.grants.is_empty().then(|| {
        view! { <p>"No grant of the policy is on this dataset, so nobody sees it."</p> }
    });
    view! {
        <p class="whose__all"><a href=whose.href(None)>"All datasets of this person"</a></p>
        <div class="split">
            <section class="card" aria-labelledby="sees">
                <h2 class="card__title" id="sees">
                    <a href=Href::dataset(&d.dataset).build()>{d.dataset.to_string()}</a>
                </h2>
                {rows} {filter} {nothing}
                <table class="table">
                    <caption class="visually-hidden">"Columns"</caption>
                    <thead><tr><th scope="col">"Column"</th><th scope="col">"Shows as"</th></tr></thead>
                    <tbody>{columns}</tbody>
                </table>
            </section>
            <section class="card" aria-labelledby="because">
                <h2 class="card__title" id="because">"Because of these grants"</h2>
                {none}
                <ul class="grants">{grants}</ul>
            </section>
        </div>
    }
    .into_any()
}

fn grant(g: &GrantExplanation) -> AnyView {
    let state = match &g.because {
        None => view! { {badge(Tone::Good, "applies")} }.into_any(),
        Some(why) => {
            view! { {badge(Tone::Quiet, "does not apply")} <span class="grants__why">{sentence(why)}</span> }.into_any()
        }
    };
    let code = |text: String| view! { <code><bdi>{visible(&text).into_owned()}</bdi></code> };
    let list = |names: &[String]| names.join(", ");
    let may: Vec<&str> = g.may.iter().map(|a| a.word()).collect();
    let mask: Vec<String> = g.mask.iter().map(|(column, mask)| format!("{column}: {mask}")).collect();
    view! {
        <li class="grants__item">
            <p class="grants__head">
                <strong>{if g.line == 0 { "On request".to_owned() } else { format!("policy.toml, line {}", g.line) }}</strong>
                {(!g.note.is_empty()).then(|| view! { <bdi>{visible(&g.note).into_owned()}</bdi> })}
                {state}
            </p>
            <dl class="facts facts--close">
                <dt>"To"</dt> <dd>{code(list(&g.to))}</dd>
                <dt>"May"</dt> <dd>{may.join(", ")}</dd>
                {g.rows.clone().map(|rows| view! { <dt>"Rows"</dt> <dd>{code(rows)}</dd> })}
                {g.columns.as_deref().map(|c| view! { <dt>"Columns"</dt> <dd>{code(list(c))}</dd> })}
                {(!g.except.is_empty()).then(|| view! { <dt>"Except"</dt> <dd>{code(list(&g.except))}</dd> })}
                {(!mask.is_empty()).then(|| view! { <dt>"Masks"</dt> <dd>{code(list(&mask))}</dd> })}
                {g.until.map(|at| view! { <dt>"Until"</dt> <dd>{instant(at)}</dd> })}
            </dl>
        </li>
    }
    .into_any()
}
