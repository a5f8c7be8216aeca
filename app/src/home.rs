//! Home: what can I look at, what changed, what did I do last, how do I bring my own file.

use leptos::prelude::*;
use model::{Dataset, RecentQuery, UnitSummary, Waiting};

use crate::{
    address::Href,
    components::{Icon, access_chips, ago, count, duration, empty, grouped, icon, visible},
    shell::{Content, Place, Viewer, page},
};

const CHANGED: usize = 8;
const RECENT: usize = 8;

#[component]
pub fn HomePage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        let units = viewer.lake().units(&viewer.who).await?;
        let mut datasets = viewer.datasets().await?;
        let recent = viewer.lake().recent_queries(&viewer.who, RECENT).await?;
        let owns = viewer.context.steward || datasets.iter().any(|d| d.access.may_own);
        let waiting = if owns { viewer.lake().waiting(&viewer.who).await? } else { Vec::new() };
        let may_send = datasets.iter().any(|d| d.access.may_upload || d.access.may_own);
        let asked = if owns { viewer.lake().access_waiting(&viewer.who).await? } else { 0 };
        let ending: Vec<_> = datasets.iter().filter_map(crate::access::ends).collect();
        let total = datasets.len() as u64;
        datasets.sort_by_key(|d| std::cmp::Reverse(d.updated_at));
        datasets.truncate(CHANGED);
        let body = view! {
            <section class="hero">
                <h1 class="hero__title">"What do you want to look at?"</h1>
                <form class="hero__search" action="/datasets" method="get" role="search" aria-label="Datasets and columns">
                    {icon(Icon::Search)}
                    <input
                        class="hero__field"
                        type="search"
                        name="q"
                        placeholder="A dataset, a column, a word"
                        aria-label="Search datasets and columns"
                        autocomplete="off"
                    />
                    <button class="button button--primary" type="submit">"Search"</button>
                </form>
                {unit_links(&units, total)}
            </section>
            {waits(&waiting)}
            {crate::access::waits(asked)}
            {ending}
            <div class="home">
                <section class="home__main" aria-labelledby="changed">
                    <h2 class="section-title" id="changed">"Recently changed"</h2>
                    {changed(&datasets)}
                </section>
                <div class="home__side">
                    <section aria-labelledby="recent">
                        <h2 class="section-title" id="recent">"Your recent queries"</h2>
                        {queries(&viewer, &recent)}
                    </section>
                    <section aria-labelledby="bring">
                        <h2 class="section-title" id="bring">"Bring your own file"</h2>
                        {bring(may_send)}
                    </section>
                </div>
            </div>
        };
        Ok(Content::new("Home", body))
    })
}

/// What waits for the viewer's decision; nothing when nothing does.
fn waits(waiting: &[Waiting]) -> Option<AnyView> {
    let links: Vec<_> = waiting
        .iter()
        .take(CHANGED)
        .map(|w| {
            let href = Href::to("/arrivals")
                .with("unit", w.dataset.unit().as_str())
                .with("dataset", w.dataset.name())
                .with("state", "waiting");
            view! { <li><a href=href.build()>{w.dataset.to_string()}</a>" · "{count(w.files, "file")}</li> }
        })
        .collect();
    let more = waiting.len().saturating_sub(CHANGED);
    (!waiting.is_empty()).then(|| {
        view! {
            <section class="banner banner--careful banner--block home__waits" aria-labelledby="waiting">
                <h2 class="banner__title" id="waiting">{icon(Icon::Arrival)} "Files wait for your decision"</h2>
                <ul class="waits">{links}</ul>
                {(more > 0).then(|| view! { <a href="/arrivals?state=waiting">{format!("and in {more} more")}</a> })}
            </section>
        }
        .into_any()
    })
}

fn unit_links(units: &[UnitSummary], total: u64) -> impl IntoView + use<> {
    let links: Vec<_> = units
        .iter()
        .map(|u| {
            view! {
                <a class="chip" href=Href::to("/datasets").with("unit", &u.unit).build()>
                    {u.unit.clone()}
                    <span class="chip__count">{grouped(u.datasets as u64)}</span>
                </a>
            }
        })
        .collect();
    (total > 0).then(|| {
        view! {
            <nav class="hero__units" aria-label="Business units">
                {links}
                <a class="hero__all" href="/datasets">{format!("All {}", count(total, "dataset"))}</a>
            </nav>
        }
    })
}

fn changed(datasets: &[Dataset]) -> AnyView {
    if datasets.is_empty() {
        let body = view! {
            <p>"Nothing has been shared with you so far. A steward can, or the owner of a dataset."</p>
            <p><a href="/account">"See who you are here"</a></p>
        };
        return empty(Icon::Dataset, "No datasets yet", body).into_any();
    }
    let rows: Vec<_> = datasets
        .iter()
        .map(|d| {
            view! {
                <li class="changed__item">
                    <a class="changed__link" href=Href::dataset(&d.name).build()>
                        <span class="changed__title"><bdi>{d.title.clone()}</bdi></span>
                        <span class="changed__name">{d.name.to_string()}</span>
                    </a>
                    <span class="changed__access">{access_chips(&d.access)}</span>
                    <span class="changed__rows">{d.rows.map(|n| count(n, "row"))}</span>
                    <span class="changed__time">{ago(d.updated_at)}</span>
                </li>
            }
        })
        .collect();
    view! { <ul class="changed">{rows}</ul> }.into_any()
}

/// The viewer's latest queries; the SQL page shows them too.
pub fn queries(viewer: &Viewer, recent: &[RecentQuery]) -> AnyView {
    if viewer.viewing().is_some() {
        return view! { <p class="quiet">"Somebody's own, and not shown in a view."</p> }.into_any();
    }
    if recent.is_empty() {
        let body = view! {
            <p>"Questions that you ask appear here, to ask again or to change."</p>
            <p><a class="button" href="/sql">"Ask one in SQL"</a></p>
        };
        return empty(Icon::Terminal, "No queries yet", body).into_any();
    }
    let items: Vec<_> = recent
        .iter()
        .map(|q| {
            let one_line: String = q.sql.split_whitespace().collect::<Vec<_>>().join(" ");
            view! {
                <li>
                    <a class="recent__link" href=Href::to("/sql").with("sql", &q.sql).build()>
                        <code class="recent__sql"><bdi>{visible(&one_line).into_owned()}</bdi></code>
                        <span class="recent__facts">
                            {count(q.rows, "row")} " · " {duration(q.elapsed_ms)} " · " {ago(q.at)}
                        </span>
                    </a>
                </li>
            }
        })
        .collect();
    view! { <ul class="recent">{items}</ul> }.into_any()
}

fn bring(may_send: bool) -> AnyView {
    if !may_send {
        return view! {
            <div class="card">
                <p>
                    "Files that are dropped into the lake become datasets: CSV, Excel, JSON, Parquet, packed or not. "
                    "Ask the owner of a dataset or a steward to let you send some."
                </p>
                <p class="card__end"><a class="button" href="/send">{icon(Icon::Eye)} "See what a file would become"</a></p>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="card">
            <ol class="steps">
                <li>"Drop a CSV, Excel, JSON or Parquet file and see what each column becomes, and why."</li>
                <li>"Send it: each row lands, or waits in quarantine with the reason."</li>
                <li>"Query it."</li>
            </ol>
            <p class="card__end">
                <a class="button" href="/send">{icon(Icon::Upload)} "Send files"</a>
            </p>
        </div>
    }
    .into_any()
}
