//! The editor of the policy: its text, a grant to add or to end, and the review of what it would change.

use lake::policy::written;
use leptos::prelude::*;
use model::{Grant, PolicyText};

use super::{Page, head, lines, review};
use crate::{
    components::{Icon, escaped, field, icon, visible},
    context::Draft,
    shell::{Content, Place, page, set_status},
};

#[component]
pub fn PolicyEditPage() -> impl IntoView {
    page(Place::Policy, async |viewer| {
        super::stewards_alone(&viewer)?;
        let now = viewer.lake().policy_text(&viewer.who).await?;
        let since = match now.newest.filter(|_| now.is_changed_by_hand()) {
            Some(newest) => {
                let version = viewer.lake().policy_version(&viewer.who, newest).await?;
                viewer.lake().policy_since(&viewer.who, &version.version.sha256).await?
            }
            None => None,
        };
        let draft = match viewer.context.draft.clone() {
            Some(draft) => draft.as_ref().clone(),
            None => begun(&viewer, &now).await?,
        };
        if draft.failed.is_some() {
            set_status(http::StatusCode::UNPROCESSABLE_ENTITY);
        }
        let body = view! {
            {head("Edit the policy", Page::Edit)}
            {draft.done.clone().map(|done| view! {
                <p class="banner banner--good" role="status">{done}</p>
            })}
            {draft.failed.clone().map(|failed| view! {
                <div class="banner banner--bad banner--block" role="alert">
                    <p class="banner__title">{icon(Icon::Alert)} <bdi>{visible(&failed).into_owned()}</bdi></p>
                    {draft.since.as_deref().map(|since| lines::view(since, "What changed since you began"))}
                </div>
            })}
            {stands(&now, since)}
            {draft.review.as_ref().map(|found| review::view(found, &draft))}
            {editor(&draft, viewer.address.get("line").and_then(|line| line.parse().ok()))}
        };
        Ok(Content::new("Edit the policy", body))
    })
}

/// What the editor begins with: the policy of now, or an earlier version that is to be published again.
async fn begun(viewer: &crate::shell::Viewer, now: &PolicyText) -> lake::Result<Draft> {
    let mut draft = Draft { text: now.text.clone(), base: now.sha256.clone(), ..Draft::default() };
    if let Some(number) = viewer.address.get("version").and_then(|n| n.parse().ok()) {
        let version = viewer.lake().policy_version(&viewer.who, number).await?;
        draft.text = version.text;
        draft.restores = Some(number);
        draft.note = format!("As version {number} was");
        draft.done = Some(format!("This is the text of version {number}. Review it to publish it again."));
    }
    Ok(draft)
}

/// What is unusual about the policy of now.
fn stands(now: &PolicyText, since: Option<Vec<model::TextLine>>) -> AnyView {
    let by_hand = now.is_changed_by_hand().then(|| {
        view! {
            <div class="banner banner--careful banner--block">
                <p class="banner__title">{icon(Icon::Alert)}
                    "policy.toml was changed since version "{now.newest}" was published, and not here."
                </p>
                <p>"What stands there now is below. Publishing replaces it; it is kept in the history as it was found."</p>
                {since.map(|since| lines::view(&since, "What was changed"))}
            </div>
        }
    });
    let unfinished = now.unfinished.map(|number| {
        view! {
            <div class="banner banner--careful banner--block">
                <p class="banner__title">{icon(Icon::Alert)} "Version "{number}" has not come about."</p>
                <p>
                    "It is being published at this moment, or that broke off. What holds is below. "
                    <a href=format!("/policy/edit?version={number}")>"Begin with the text of version "{number}</a>
                </p>
            </div>
        }
    });
    view! { {by_hand} {unfinished} }.into_any()
}

/// `line` is that of the grant which the page was opened for.
fn editor(draft: &Draft, line: Option<u64>) -> AnyView {
    let rows = draft.text.lines().count().clamp(14, 40).to_string();
    let grants = written(&draft.text).unwrap_or_default();
    view! {
        <form class="policy-edit" action="/policy/edit" method="post">
            <input type="hidden" name="base" value=draft.base.clone() />
            <input type="hidden" name="restores" value=draft.restores.map(|n| n.to_string()) />
            <input type="hidden" name="note" value=draft.note.clone() />
            <div class="card policy-edit__text">
                <label class="card__title" for="policy-text">"policy.toml"</label>
                <textarea
                    class="field__input policy-edit__area"
                    id="policy-text"
                    name="text"
                    rows=rows
                    spellcheck="false"
                    autocapitalize="off"
                    autocomplete="off"
                >
                    {format!("\n{}", escaped(&draft.text))}
                </textarea>
                <div class="policy-edit__bar">
                    <button class="button button--primary" type="submit" name="do" value="review">"Review"</button>
                    <p class="note">"Nothing is published yet: the review says who gains and who loses by this text."</p>
                </div>
            </div>
            <div class="policy-edit__forms">{add(draft)} {end(&grants, line)}</div>
        </form>
    }
    .into_any()
}

fn add(draft: &Draft) -> AnyView {
    let given = &draft.grant;
    let input = |id: &'static str, value: &str, hint: bool| {
        let hint = hint.then(|| format!("{id}-hint"));
        view! {
            <input
                class="field__input"
                id=id
                name=id.trim_start_matches("grant-")
                value=value.to_owned()
                aria-describedby=hint
                autocomplete="off"
            />
        }
    };
    let until = view! { <input class="field__input" id="grant-until" name="until" type="date" value=given.until.clone() aria-describedby="grant-until-hint" /> };
    let mask = view! {
        <textarea class="field__input policy-edit__masks" id="grant-mask" name="mask" rows="2" aria-describedby="grant-mask-hint" spellcheck="false">
            {format!("\n{}", escaped(&given.mask))}
        </textarea>
    };
    view! {
        <details class="card" open=!given.is_empty()>
            <summary class="card__title">"Add a grant"</summary>
            <div class="policy-edit__fields">
                {field("grant-to", "To", Some("With commas: group:partners, user:kim, claim:carrier=UA, or *"), input("grant-to", &given.to, true))}
                {field("grant-on", "On", Some("With commas: ops.flights, ops.*, tag:aviation"), input("grant-on", &given.on, true))}
                {field("grant-rows", "Rows", Some("A condition in SQL: carrier = claim('carrier'). Empty for all"), input("grant-rows", &given.rows, true))}
                {field("grant-columns", "Columns", Some("With commas. Empty for all"), input("grant-columns", &given.columns, true))}
                {field("grant-except", "Except columns", Some("With commas"), input("grant-except", &given.except, true))}
                {field("grant-mask", "Masks", Some("One a line: tailnum = hash"), mask)}
                {field("grant-until", "Until", Some("It ends at midnight in UTC before this day. Empty for no end"), until)}
                {field("grant-why", "Note", Some("Why it is given, for people"), input("grant-why", &given.why, true))}
            </div>
            <p><button class="button" type="submit" name="do" value="add">"Add it to the text"</button></p>
        </details>
    }
    .into_any()
}

fn end(grants: &[(u64, Grant)], chosen: Option<u64>) -> AnyView {
    if grants.is_empty() {
        return ().into_any();
    }
    let options: Vec<_> = grants
        .iter()
        .map(|(line, grant)| {
            let until = grant.until.map(|at| format!(", until {}", at.format("%Y-%m-%d"))).unwrap_or_default();
            let words = format!("Line {line}: {} on {}{until}", grant.to.join(", "), grant.on.join(", "));
            view! { <option value=line.to_string() selected=chosen == Some(*line)>{visible(&words).into_owned()}</option> }
        })
        .collect();
    let which = view! { <select class="field__input" id="end-line" name="line">{options}</select> };
    let when =
        view! { <input class="field__input" id="end-day" name="end" type="date" aria-describedby="end-day-hint" /> };
    view! {
        <details class="card" id="end-grant" open=grants.iter().any(|(line, _)| chosen == Some(*line))>
            <summary class="card__title">"End a grant"</summary>
            <div class="policy-edit__fields">
                {field("end-line", "Grant", None, which)}
                {field("end-day", "Ends", Some("At midnight in UTC before this day. Empty for now"), when)}
            </div>
            <p><button class="button" type="submit" name="do" value="end">"End it in the text"</button></p>
        </details>
    }
    .into_any()
}
