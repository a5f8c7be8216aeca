//! One dataset: its head, and a tab for each question about it.

use leptos::prelude::*;
use model::{DatasetDetail, DatasetName};

use crate::{
    address::Href,
    components::{Icon, Tab, access_line, ago, bytes, count, grouped, icon, tabs},
    shell::{Content, Place, page},
};

mod access;
mod api;
mod arrivals;
mod ask;
mod columns;
mod data;
mod versions;

#[component]
pub fn DatasetPage() -> impl IntoView {
    page(Place::Datasets, async |viewer| {
        let (unit, name) = (viewer.address.segment(1), viewer.address.segment(2));
        // A name that cannot exist gets the answer of one that does not.
        let name =
            DatasetName::to_read(unit, name).map_err(|_| lake::LakeError::no_dataset(format!("{unit}.{name}")))?;
        if let Some(found) = viewer.lake().discovered(&viewer.who, &name).await? {
            return ask::page(&viewer, &found).await;
        }
        let detail = viewer.lake().dataset(&viewer.who, &name).await?;
        let tab = Section::of(viewer.address.get("tab"), &detail);
        let title = format!("{} · {name}", detail.dataset.title);
        let head = view! { {crate::access::ends(&detail.dataset)} {head(&detail)} };
        let links = links(&detail, tab);
        let body = match tab {
            Section::Data => data::tab(&viewer, &detail).await?,
            Section::Columns => columns::tab(&viewer, &detail).await?,
            Section::Versions => versions::tab(&viewer, &detail),
            Section::Arrivals => arrivals::tab(&viewer, &detail).await?,
            Section::Access => access::tab(&viewer, &detail).await?,
            Section::Api => api::tab(&viewer, &detail),
        };
        Ok(Content::new(title, view! { {head} {links} {body} }))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Data,
    Columns,
    Versions,
    Arrivals,
    Access,
    Api,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Data, "Data", "data"),
        (Self::Columns, "Columns", "columns"),
        (Self::Versions, "Versions", "versions"),
        (Self::Arrivals, "Arrivals", "arrivals"),
        (Self::Access, "Access", "access"),
        (Self::Api, "API", "api"),
    ];

    /// Unknown tabs, and those that the viewer may not see, are the data.
    fn of(asked: Option<&str>, detail: &DatasetDetail) -> Self {
        let tab = Self::ALL.into_iter().find(|(_, _, key)| Some(*key) == asked).map_or(Self::Data, |(tab, ..)| tab);
        if tab.is_for(detail) { tab } else { Self::Data }
    }

    fn is_for(self, detail: &DatasetDetail) -> bool {
        let access = &detail.dataset.access;
        self != Self::Arrivals || access.may_own || access.may_upload
    }
}

fn head(detail: &DatasetDetail) -> AnyView {
    let d = &detail.dataset;
    let sql = select(detail);
    let why = Href::dataset(&d.name).with("tab", "access").build();
    let description = (!d.description.is_empty()).then(|| d.description.clone());
    let tags: Vec<_> = d.tags.iter().map(|t| view! { <span class="tag"><bdi>{t.clone()}</bdi></span> }).collect();
    view! {
        <header class="page-head">
            <div class="page-head__words">
                <nav class="crumbs" aria-label="Where you are">
                    <a href="/datasets">"Datasets"</a>
                    <span aria-hidden="true">"/"</span>
                    <a href=Href::to("/datasets").with("unit", d.name.unit().as_str()).build()>
                        {d.name.unit().to_string()}
                    </a>
                    <span aria-hidden="true">"/"</span>
                    <span class="crumbs__here">{d.name.name().to_owned()}</span>
                    {tags}
                </nav>
                <h1 class="page-head__title"><bdi>{d.title.clone()}</bdi></h1>
                {description.map(|text| view! { <p class="page-head__about"><bdi>{text}</bdi></p> })}
                <p class="page-head__facts">
                    {d.rows.map(|n| view! { <span>{count(n, "row")}</span> })}
                    <span>{count(d.columns as u64, "column")}</span>
                    {detail.files.map(|n| view! { <span>{count(n, "file")}</span> })}
                    {detail.bytes.map(|n| view! { <span>{bytes(n)}</span> })}
                    <span>"changed "{ago(d.updated_at)}</span>
                    {d.owner.clone().map(|o| view! { <span>"owner "<bdi>{o}</bdi></span> })}
                </p>
            </div>
            <div class="page-head__actions">
                <a class="button button--primary" href=Href::to("/sql").with("sql", sql).build()>
                    {icon(Icon::Terminal)}
                    "Query"
                </a>
            </div>
            {access_line(&d.access, why)}
        </header>
    }
    .into_any()
}

fn links(detail: &DatasetDetail, current: Section) -> impl IntoView + use<> {
    let all = Section::ALL
        .into_iter()
        .filter(|(tab, ..)| tab.is_for(detail))
        .map(|(tab, words, key)| Tab {
            words,
            href: match tab {
                Section::Data => Href::dataset(&detail.dataset.name).build(),
                _ => Href::dataset(&detail.dataset.name).with("tab", key).build(),
            },
            current: tab == current,
            count: match tab {
                Section::Columns => Some(grouped(detail.schema.len() as u64)),
                Section::Versions => Some(grouped(detail.versions.len() as u64)),
                _ => None,
            },
        })
        .collect();
    tabs("About this dataset", all)
}

/// A query to start from: the first columns by name, so that it reads well and can be changed.
fn select(detail: &DatasetDetail) -> String {
    const FEW: usize = 8;
    let columns = if detail.schema.len() > FEW {
        "*".to_owned()
    } else {
        detail.schema.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(", ")
    };
    format!("select {columns}\nfrom {}\nlimit 100", detail.dataset.name)
}

/// A column's name as SQL wants it.
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
