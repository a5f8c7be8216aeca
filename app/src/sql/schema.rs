//! The viewer's tables beside the editor. Columns stand under the tables that the query names.

use lake::Result;
use leptos::prelude::*;
use model::{Column, Dataset};

use crate::{
    address::Href,
    components::{Icon, empty, icon, type_sign, type_words},
    shell::Viewer,
};

pub async fn schema(viewer: &Viewer, sql: &str) -> Result<AnyView> {
    let datasets = viewer.datasets().await?;
    if datasets.is_empty() {
        let body = view! { <p>"Nothing has been shared with you so far."</p> };
        return Ok(empty(Icon::Dataset, "No tables", body).into_any());
    }
    let mut tables = Vec::with_capacity(datasets.len());
    for dataset in &datasets {
        let named = sql.contains(&dataset.name.to_string());
        let columns = viewer.lake().columns(&viewer.who, &dataset.name).await?;
        tables.push(table(dataset, &columns, named));
    }
    Ok(view! {
        <section class="schema" aria-labelledby="tables">
            <h2 class="side-section__title" id="tables">"Tables"</h2>
            {tables}
        </section>
    }
    .into_any())
}

fn table(dataset: &Dataset, columns: &[Column], open: bool) -> AnyView {
    let items: Vec<_> = columns
        .iter()
        .map(|c| {
            let mark =
                c.masked.clone().map(|how| view! { <span class="mask-mark" title=how>{icon(Icon::Lock)}</span> });
            view! {
                <li class="schema__column" title=format!("{} · {}", c.column_type, type_words(c.column_type))>
                    <span class="schema__name"><bdi>{c.name.clone()}</bdi>{mark}</span>
                    <span class="schema__type">{type_sign(c.column_type)}</span>
                </li>
            }
        })
        .collect();
    let sample = format!("select *\nfrom {}\nlimit 100", dataset.name);
    view! {
        <details class="schema__table" open=open>
            <summary class="schema__head" title=dataset.title.clone()>
                {icon(Icon::Down)}
                <span class="schema__table-name">{dataset.name.to_string()}</span>
            </summary>
            <ul class="schema__columns">{items}</ul>
            <p class="schema__ways">
                <a href=Href::to("/sql").with("sql", sample).build()>"Sample"</a>
                <a href=Href::dataset(&dataset.name).build()>"About"</a>
            </p>
        </details>
    }
    .into_any()
}
