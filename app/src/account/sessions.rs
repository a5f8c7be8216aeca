//! Browsers in which the viewer is signed in, each with a way to end it.

use leptos::prelude::*;
use model::SessionSummary;

use crate::components::{Tone, ago, badge, instant, visible};

pub fn sessions(all: &[SessionSummary]) -> AnyView {
    let items: Vec<_> = all.iter().map(item).collect();
    view! {
        <section class="card" aria-labelledby="sessions">
            <h2 class="card__title" id="sessions">"Where you are signed in"</h2>
            <ul class="lines">{items}</ul>
        </section>
    }
    .into_any()
}

fn item(s: &SessionSummary) -> AnyView {
    let agent = visible(&s.agent).into_owned();
    let end = (!s.current).then(|| {
        view! {
            <form action=format!("/account/sessions/{}/revoke", s.id) method="post">
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
