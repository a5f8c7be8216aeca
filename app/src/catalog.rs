//! The catalog: datasets that the viewer may see, by unit, narrowed by words.

use std::collections::BTreeMap;

use leptos::prelude::*;
use model::{Dataset, DatasetFilter};

use crate::{
    address::Href,
    components::{Icon, access_chips, ago, count, empty, grouped, icon},
    shell::{Content, Place, page},
};

#[component]
pub fn CatalogPage() -> impl IntoView {
    page(Place::Datasets, async |viewer| {
        let q = viewer.address.get("q").map(str::to_owned);
        let unit = viewer.address.get("unit").map(str::to_owned);
        let filter = DatasetFilter { q: q.clone(), unit: None };
        let found = viewer.lake().datasets(&viewer.who, filter).await?;
        let others = DatasetFilter { q: q.clone(), unit: unit.clone() };
        let others = viewer.lake().discoverable(&viewer.who, &others).await?;
        let facets = units(&found, q.as_deref(), unit.as_deref());
        let shown: Vec<Dataset> =
            found.into_iter().filter(|d| unit.as_deref().is_none_or(|u| d.name.unit().as_str() == u)).collect();
        let clear = Href::to("/datasets").with_some("unit", unit.as_deref()).build();
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">"Datasets"</h1>
                    <p class="page-head__facts">
                        <span>
                            {count(shown.len() as u64, "dataset")}
                            {q.clone().map(|q| view! { " with “"<bdi>{q}</bdi>"”" })}
                            {unit.clone().map(|u| view! { " in "<bdi>{u}</bdi> })}
                        </span>
                    </p>
                </div>
                <form class="search-form" action="/datasets" method="get" role="search" aria-label="Within the datasets">
                    {unit.clone().map(|u| view! { <input type="hidden" name="unit" value=u /> })}
                    <input
                        class="field__input"
                        type="search"
                        name="q"
                        value=q.clone()
                        placeholder="Name, title, column, tag"
                        aria-label="Narrow by words"
                    />
                    <button class="button" type="submit">{icon(Icon::Search)} "Search"</button>
                    {q.is_some().then(|| view! { <a class="button button--plain" href=clear>"Clear"</a> })}
                </form>
            </header>
            <div class="catalog">
                {facets}
                <div class="catalog__list">
                    {list(&shown, q.as_deref())} {crate::access::discovered(&others)}
                </div>
            </div>
        };
        Ok(Content::new("Datasets", body))
    })
}

/// Counts are over what the words found, whichever unit is chosen.
fn units(found: &[Dataset], q: Option<&str>, chosen: Option<&str>) -> AnyView {
    let mut counts = BTreeMap::<String, u64>::new();
    for d in found {
        *counts.entry(d.name.unit().to_string()).or_default() += 1;
    }
    let entry = |words: String, unit: Option<&str>, n: u64| {
        let href = Href::to("/datasets").with_some("q", q).with_some("unit", unit).build();
        let current = (chosen == unit).then_some("true");
        view! {
            <a class="facet__value" href=href aria-current=current>
                <span>{words}</span>
                <span class="facet__count">{grouped(n)}</span>
            </a>
        }
    };
    let all = entry("All units".into(), None, found.len() as u64);
    let each: Vec<_> = counts.iter().map(|(u, n)| entry(u.clone(), Some(u), *n)).collect();
    view! {
        <nav class="facet" aria-label="Business units">
            <h2 class="facet__title">"Unit"</h2>
            {all}
            {each}
        </nav>
    }
    .into_any()
}

fn list(shown: &[Dataset], q: Option<&str>) -> AnyView {
    if shown.is_empty() {
        return match q {
            Some(_) => empty(
                Icon::Search,
                "No dataset has all of these words",
                view! {
                    <p>"Words are looked for in names, titles, descriptions, tags and columns. Try fewer."</p>
                    <p><a class="button" href="/datasets">"See all datasets"</a></p>
                },
            )
            .into_any(),
            None => empty(
                Icon::Dataset,
                "No datasets yet",
                view! {
                    <p>"A dataset appears here once a file has landed and a grant lets you read it."</p>
                    <p>"A steward, or the owner of a dataset, can give you access."</p>
                },
            )
            .into_any(),
        };
    }
    let rows: Vec<_> = shown.iter().map(row).collect();
    view! {
        <table class="table table--links">
            <thead>
                <tr>
                    <th scope="col">"Dataset"</th>
                    <th scope="col" class="table__number">"Rows"</th>
                    <th scope="col" class="table__number">"Columns"</th>
                    <th scope="col">"Changed"</th>
                    <th scope="col">"Owner"</th>
                    <th scope="col">"You see"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(d: &Dataset) -> AnyView {
    let tags: Vec<_> = d.tags.iter().map(|t| view! { <span class="tag"><bdi>{t.clone()}</bdi></span> }).collect();
    let description = (!d.description.is_empty()).then(|| d.description.clone());
    view! {
        <tr>
            <th scope="row" class="entry">
                <a class="entry__title" href=Href::dataset(&d.name).build()><bdi>{d.title.clone()}</bdi></a>
                <span class="entry__name">{d.name.to_string()} {tags}</span>
                {description.map(|text| view! { <span class="entry__about"><bdi>{text}</bdi></span> })}
            </th>
            <td class="table__number" data-label="Rows">{d.rows.map_or_else(|| "–".to_owned(), grouped)}</td>
            <td class="table__number" data-label="Columns">{grouped(d.columns as u64)}</td>
            <td data-label="Changed">{ago(d.updated_at)}</td>
            <td data-label="Owner" class="quiet"><bdi>{d.owner.clone().unwrap_or_else(|| "–".into())}</bdi></td>
            <td data-label="You see">{access_chips(&d.access)}</td>
        </tr>
    }
    .into_any()
}
