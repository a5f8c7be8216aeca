//! Browsers in which somebody is signed in, each with a way to end it.

use leptos::prelude::*;
use model::SessionSummary;

use crate::components::{Tone, ago, badge, instant, visible};

/// The viewer's own.
pub fn sessions(all: &[SessionSummary]) -> AnyView {
    let end = |s: &SessionSummary| (!s.current).then(|| format!("/account/sessions/{}/revoke", s.id));
    let items: Vec<_> = all.iter().map(|s| item(s, end(s))).collect();
    view! {
        <section class="card" aria-labelledby="sessions">
            <h2 class="card__title" id="sessions">"Where you are signed in"</h2>
            <ul class="lines">{items}</ul>
        </section>
    }
    .into_any()
}

/// Those of the account with this address.
pub fn of_others(all: &[SessionSummary], at: &str, may_end: bool) -> AnyView {
    let end = |s: &SessionSummary| may_end.then(|| format!("{at}/sessions/{}/end", s.id));
    let items: Vec<_> = all.iter().map(|s| item(s, end(s))).collect();
    let none = all.is_empty().then(|| view! { <p class="quiet">"Nowhere at the moment."</p> });
    view! {
        <section class="card account__wide" aria-labelledby="sessions">
            <h2 class="card__title" id="sessions">"Where they are signed in"</h2>
            {none}
            <ul class="lines">{items}</ul>
        </section>
    }
    .into_any()
}

/// `end` is where its button sends to.
fn item(s: &SessionSummary, end: Option<String>) -> AnyView {
    let agent = visible(&s.agent).into_owned();
    let end = end.map(|to| {
        view! {
            <form action=to method="post">
                <button class="button button--small" type="submit" aria-label=format!("End the session in {agent}")>
                    "End"
                </button>
            </form>
        }
    });
    view! {
        <li class="lines__item">
            <div class="lines__words">
                <p class="lines__title">
                    <bdi>{agent.clone()}</bdi> {s.current.then(|| badge(Tone::Accent, "this browser"))}
                </p>
                <p class="lines__facts">
                    "seen "{ago(s.last_seen_at)}" · since "{instant(s.created_at)}" · ends "{instant(s.expires_at)}
                </p>
            </div>
            {end}
        </li>
    }
    .into_any()
}
