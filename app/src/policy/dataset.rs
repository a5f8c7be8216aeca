//! One dataset: one person's view of it (how much, which columns, and each grant with whether it applies), or all grants
//! on it.

use leptos::prelude::*;
use model::{DatasetExplanation, DatasetName, GrantExplanation};

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
                {list(&d.grants, ("applies", "does not apply"))}
            </section>
        </div>
    }
    .into_any()
}

/// All grants on a dataset, for whomever they are.
pub(super) fn who_sees(name: &DatasetName, grants: &[GrantExplanation]) -> AnyView {
    view! {
        <section class="card" aria-labelledby="grants">
            <h2 class="card__title" id="grants">
                "Grants on "<a href=Href::dataset(name).build()>{name.to_string()}</a>
            </h2>
            <p class="note">
                "Each gives its rows with its columns, to whoever it is for. Choose somebody to see what that person's give together."
            </p>
            {list(grants, ("holds", "gives nothing now"))}
        </section>
    }
    .into_any()
}

/// Grants, each with one of the two words: what gives something comes before what does not.
fn list(grants: &[GrantExplanation], words: (&'static str, &'static str)) -> AnyView {
    if grants.is_empty() {
        return view! { <p>"No grant of the policy is on this dataset, so nobody sees it."</p> }.into_any();
    }
    let (giving, others): (Vec<_>, Vec<_>) = grants.iter().partition(|g| g.because.is_none());
    let grants: Vec<_> = giving.into_iter().chain(others).map(|g| grant(g, words)).collect();
    view! { <ul class="grants">{grants}</ul> }.into_any()
}

fn grant(g: &GrantExplanation, (gives, gives_not): (&'static str, &'static str)) -> AnyView {
    let state = match &g.because {
        None => view! { {badge(Tone::Good, gives)} }.into_any(),
        Some(why) => {
            view! { {badge(Tone::Quiet, gives_not)} <span class="grants__why">{sentence(why)}</span> }.into_any()
        }
    };
    let code = |text: String| view! { <code><bdi>{visible(&text).into_owned()}</bdi></code> };
    let list = |names: &[String]| names.join(", ");
    let place = match g.line {
        0 => "On request".into_any(),
        line => {
            let href = Href::to("/policy/edit").with("line", line.to_string()).build() + "#end-grant";
            view! { <a href=href>{format!("policy.toml, line {line}")}</a> }.into_any()
        }
    };
    let may: Vec<&str> = g.may.iter().map(|a| a.word()).collect();
    let mask: Vec<String> = g.mask.iter().map(|(column, mask)| format!("{column}: {mask}")).collect();
    view! {
        <li class="grants__item">
            <p class="grants__head">
                <strong>{place}</strong>
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
