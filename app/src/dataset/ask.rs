//! Asking for access: the page of a dataset that the viewer sees nothing of, and the form of one that it sees.

use leptos::prelude::*;
use model::{AccessState, Ask, Dataset, DatasetName, Discovered};

use crate::{
    address::Href,
    components::{Icon, field, icon},
    shell::{Content, Viewer},
};

/// For how many days, and in words.
const CHOICES: [(u16, &str); 5] =
    [(7, "a week"), (30, "30 days"), (90, "90 days"), (180, "half a year"), (Ask::MOST_DAYS, "a year")];

/// All that may be known.
pub async fn page(viewer: &Viewer, found: &Discovered) -> lake::Result<Content> {
    let name = &found.name;
    let about = (!found.description.is_empty()).then(|| found.description.clone());
    let body = view! {
        <header class="page-head">
            <div class="page-head__words">
                <nav class="crumbs" aria-label="Where you are">
                    <a href="/datasets">"Datasets"</a>
                    <span aria-hidden="true">"/"</span>
                    <span>{name.unit().to_string()}</span>
                    <span aria-hidden="true">"/"</span>
                    <span class="crumbs__here">{name.name().to_owned()}</span>
                </nav>
                <h1 class="page-head__title"><bdi>{found.title.clone()}</bdi></h1>
                {about.map(|text| view! { <p class="page-head__about"><bdi>{text}</bdi></p> })}
                {found.owner.clone().map(|o| view! { <p class="page-head__facts"><span>"owner "<bdi>{o}</bdi></span></p> })}
            </div>
            <p class="access-line">{icon(Icon::Lock)} <span>"You cannot see its data. Ask for access."</span></p>
        </header>
        <div class="split">{form(viewer, name, "Ask for access").await?}</div>
    };
    Ok(Content::new(format!("{} · {name}", found.title), body))
}

/// The form for who sees a part, or for a time.
pub async fn more(viewer: &Viewer, dataset: &Dataset) -> lake::Result<Option<AnyView>> {
    let note = &dataset.access;
    let limited = note.rows.is_some() || note.columns_hidden || !note.masks.is_empty();
    let ends = note.until.is_some() || note.ends.is_some();
    if dataset.name.is_reserved() || !(limited || ends) {
        return Ok(None);
    }
    let title = if ends { "Ask again, or for more" } else { "Ask for more" };
    Ok(Some(form(viewer, &dataset.name, title).await?))
}

async fn form(viewer: &Viewer, name: &DatasetName, title: &'static str) -> lake::Result<AnyView> {
    let requests = viewer.lake().access_requests(&viewer.who).await?.mine;
    let waiting = requests.iter().find(|r| r.dataset == *name && r.state == AccessState::Waiting);
    if let Some(waiting) = waiting {
        let view = view! {
            <section class="card" id="ask" aria-labelledby="ask-title">
                <h2 class="card__title" id="ask-title">"Your request waits"</h2>
                <p><a href=format!("/access/{}", waiting.id)>"See it, or take it back"</a></p>
            </section>
        };
        return Ok(view.into_any());
    }
    let most = Ask::TEXT.to_string();
    let purpose = view! {
        <input class="field__input" id="purpose" name="purpose" required maxlength=most.clone() autocomplete="off" aria-describedby="purpose-hint" />
    };
    let choices: Vec<_> = CHOICES
        .iter()
        .map(|(days, words)| view! { <option value=days.to_string() selected=*days == 30>{*words}</option> })
        .collect();
    let days = view! { <select class="field__input" id="days" name="days">{choices}</select> };
    let wish = view! {
        <input class="field__input" id="wish" name="wish" maxlength=most autocomplete="off" aria-describedby="wish-hint" />
    };
    let view = view! {
        <section class="card" id="ask" aria-labelledby="ask-title">
            <h2 class="card__title" id="ask-title">{title}</h2>
            <form class="requests__form" action=Href::dataset(name).build() + "/access" method="post">
                {field("purpose", "What for?", Some("A sentence. Its owners read it, and it stands beside your queries in the audit."), purpose)}
                {field("days", "For how long?", None, days)}
                {field("wish", "Which rows and columns?", Some("In your own words, if a part is enough."), wish)}
                <div><button class="button button--primary" type="submit">"Ask for access"</button></div>
            </form>
        </section>
    };
    Ok(view.into_any())
}
