//! One request: who asks, what for; and for who answers it, what a grant would give before it is given.

use chrono::{TimeDelta, Utc};
use lake::LakeError;
use leptos::prelude::*;
use model::{AccessPreview, AccessRequest, AccessState, Ask, Giving};

use super::state;
use crate::{
    address::Href,
    components::{Icon, empty, escaped, field, grouped, instant, visible},
    shell::{Content, Place, Viewer, page},
};

/// The fields of a grant, as address and form name them.
const FIELDS: [&str; 5] = ["until", "rows", "columns", "except", "mask"];

#[component]
pub fn RequestPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        let request = viewer.lake().access_request(&viewer.who, viewer.address.segment(1)).await?;
        let own = request.asker.key == viewer.who.key();
        let answer = match (request.state, own) {
            (AccessState::Waiting, true) => withdraw(&request),
            (AccessState::Waiting, false) => decide(&viewer, &request).await?,
            (AccessState::Granted, false) => end(&request),
            _ => ().into_any(),
        };
        let title = format!("Access to {}", request.dataset);
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <nav class="crumbs" aria-label="Where you are">
                        <a href="/access">"Access requests"</a>
                    </nav>
                    <h1 class="page-head__title">{title.clone()}</h1>
                    <p class="page-head__facts"><span>{state(&request)}</span></p>
                </div>
            </header>
            <div class="split">{facts(&request, own)} {answer}</div>
        };
        Ok(Content::new(title, body))
    })
}

fn facts(r: &AccessRequest, own: bool) -> AnyView {
    let text = |text: &str| view! { <bdi>{visible(text).into_owned()}</bdi> };
    let code = |text: &str| view! { <code><bdi>{visible(text).into_owned()}</bdi></code> };
    let groups: Vec<_> = r.asker.groups.iter().map(|g| view! { <span class="tag">{text(g)}</span> }).collect();
    let given = r.given.as_ref().map(|g| {
        let mask: Vec<String> = g.mask.iter().map(|(column, mask)| format!("{column} = {mask}")).collect();
        view! {
            <dt>"Until"</dt> <dd>{instant(g.until)}</dd>
            <dt>"Rows"</dt> <dd>{g.rows.as_deref().map_or_else(|| "All".into_any(), |rows| code(rows).into_any())}</dd>
            {g.columns.as_ref().map(|c| view! { <dt>"Columns"</dt> <dd>{code(&c.join(", "))}</dd> })}
            {(!g.except.is_empty()).then(|| view! { <dt>"Left out"</dt> <dd>{code(&g.except.join(", "))}</dd> })}
            {(!mask.is_empty()).then(|| view! { <dt>"Masks"</dt> <dd>{code(&mask.join(", "))}</dd> })}
        }
    });
    let answered = r.answered.as_ref().map(|a| {
        let reason = (!a.reason.is_empty()).then(|| view! { <dt>"Reason"</dt> <dd>{text(&a.reason)}</dd> });
        view! { <dt>"Answered by"</dt> <dd>{text(&a.by)} ", " {instant(a.at)}</dd> {reason} }
    });
    view! {
        <section class="card" aria-labelledby="request">
            <h2 class="card__title" id="request">"The request"</h2>
            <dl class="facts">
                {(!own).then(|| view! {
                    <dt>"Who"</dt> <dd>{text(&r.asker.name)}</dd>
                    {r.asker.email.as_deref().map(|e| view! { <dt>"E-mail"</dt> <dd>{text(e)}</dd> })}
                    <dt>"Groups"</dt> <dd class="chips">{groups}</dd>
                })}
                <dt>"Dataset"</dt>
                <dd><a href=Href::dataset(&r.dataset).build()>{r.dataset.to_string()}</a></dd>
                <dt>"What for"</dt> <dd>{text(&r.ask.purpose)}</dd>
                {(!r.ask.wish.is_empty()).then(|| view! { <dt>"Which part"</dt> <dd>{text(&r.ask.wish)}</dd> })}
                <dt>"For"</dt> <dd>{format!("{} days", r.ask.days)}</dd>
                <dt>"Asked"</dt> <dd>{instant(r.asked_at)}</dd>
                {answered}
                {given}
            </dl>
        </section>
    }
    .into_any()
}

fn action(r: &AccessRequest) -> String {
    format!("/access/{}/answer", r.id)
}

fn withdraw(r: &AccessRequest) -> AnyView {
    view! {
        <section class="card" aria-labelledby="waits">
            <h2 class="card__title" id="waits">"It waits for an answer"</h2>
            <p>"The dataset's owners and the stewards see it."</p>
            <form class="card__end" action=action(r) method="post">
                <input type="hidden" name="verdict" value="withdraw" />
                <button class="button" type="submit">"Take it back"</button>
            </form>
        </section>
    }
    .into_any()
}

fn end(r: &AccessRequest) -> AnyView {
    view! {
        <section class="card" aria-labelledby="end">
            <h2 class="card__title" id="end">"End this access"</h2>
            <form class="requests__form" action=action(r) method="post">
                <input type="hidden" name="verdict" value="end" />
                {reason("Why? The asker reads this.")}
                <div><button class="button" type="submit">"End it now"</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn reason(label: &'static str) -> AnyView {
    let most = Ask::TEXT.to_string();
    let input =
        view! { <input class="field__input" id="reason" name="reason" required maxlength=most autocomplete="off" /> };
    field("reason", label, None, input)
}

/// Grant in two steps, the first of which is an address and gives nothing; or refuse.
async fn decide(viewer: &Viewer, r: &AccessRequest) -> lake::Result<AnyView> {
    let asked = viewer.address.get("until").is_some();
    let given = |name: &str| viewer.address.get(name).unwrap_or_default().to_owned();
    let tried = match asked.then(|| Giving::of_form(given)) {
        None => None,
        Some(Err(why)) => Some(Err(LakeError::invalid(why))),
        Some(Ok(give)) => Some(viewer.lake().access_preview(&viewer.who, &r.id, &give).await),
    };
    let outcome = match tried {
        None => ().into_any(),
        Some(Ok(preview)) => would_give(r, &preview, given),
        Some(Err(e @ (LakeError::Store { .. } | LakeError::Internal { .. } | LakeError::Unaudited))) => return Err(e),
        Some(Err(e)) => {
            let place = match &e {
                LakeError::InvalidSql { line: Some(line), column: Some(column), .. } => {
                    format!(" (line {line}, column {column})")
                }
                _ => String::new(),
            };
            view! { <p class="banner banner--bad" role="alert">{visible(&format!("{e}{place}")).into_owned()}</p> }
                .into_any()
        }
    };
    let view = view! {
        <section class="card" aria-labelledby="grant">
            <h2 class="card__title" id="grant">"Give access"</h2>
            {outcome}
            {fields(r, given)}
            <details class="requests__refuse">
                <summary class="button">"Refuse…"</summary>
                <form class="requests__form" action=action(r) method="post">
                    <input type="hidden" name="verdict" value="refuse" />
                    {reason("Why not? The asker reads this.")}
                    <div><button class="button" type="submit">"Refuse"</button></div>
                </form>
            </details>
        </section>
    };
    Ok(view.into_any())
}

fn fields(r: &AccessRequest, given: impl Fn(&str) -> String) -> AnyView {
    let wished = (Utc::now() + TimeDelta::days(i64::from(r.ask.days))).format("%Y-%m-%d").to_string();
    let until = Some(given("until")).filter(|u| !u.is_empty()).unwrap_or(wished);
    let until = view! { <input class="field__input" type="date" id="until" name="until" value=until required aria-describedby="until-hint" /> };
    let rows = view! {
        <textarea class="field__input requests__area" id="rows" name="rows" rows="2" spellcheck="false" aria-describedby="rows-hint">
            {escaped(&given("rows"))}
        </textarea>
    };
    let line = |id: &'static str, value: String| {
        view! { <input class="field__input" id=id name=id value=value spellcheck="false" autocomplete="off" aria-describedby=format!("{id}-hint") /> }
    };
    let mask = view! {
        <textarea class="field__input requests__area" id="mask" name="mask" rows="2" spellcheck="false" aria-describedby="mask-hint">
            {escaped(&given("mask"))}
        </textarea>
    };
    view! {
        <form class="requests__form" action=format!("/access/{}", r.id) method="get">
            {field("until", "Until", Some("It ends as this day begins, in UTC."), until)}
            {field("rows", "Rows", Some("A condition in SQL, for example carrier = 'UA'. Empty for all rows."), rows)}
            {field("columns", "Only these columns", Some("With commas between. Empty for all columns."), line("columns", given("columns")))}
            {field("except", "Columns left out", Some("With commas between."), line("except", given("except")))}
            {field("mask", "Masks", Some("One a line, for example tailnum = hash."), mask)}
            <div><button class="button button--primary" type="submit">"See what this gives"</button></div>
        </form>
    }
    .into_any()
}

fn would_give(r: &AccessRequest, preview: &AccessPreview, given: impl Fn(&str) -> String) -> AnyView {
    let rows: Vec<_> = preview
        .columns
        .iter()
        .map(|c| view! { <tr><th scope="row"><code>{c.name.clone()}</code></th> <td>{c.shows.clone()}</td></tr> })
        .collect();
    let hidden: Vec<_> =
        FIELDS.iter().map(|name| view! { <input type="hidden" name=*name value=given(name) /> }).collect();
    let table = if rows.is_empty() {
        empty(Icon::Dataset, "It has no columns", ()).into_any()
    } else {
        view! {
            <div class="requests__columns" tabindex="0" role="region" aria-label="Columns">
                <table class="table"><tbody>{rows}</tbody></table>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="requests__gives">
            <p class="figure">
                <span class="figure__number">{grouped(preview.rows.visible)}</span>
                <span class="figure__words">{format!("of {} rows, now", grouped(preview.rows.total))}</span>
            </p>
            {table}
            <form class="card__end" action=action(r) method="post">
                <input type="hidden" name="verdict" value="grant" />
                {hidden}
                <button class="button button--primary" type="submit">"Give this access"</button>
            </form>
        </div>
    }
    .into_any()
}
