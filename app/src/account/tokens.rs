//! Tokens: what there are, and a form for a new one.

use leptos::prelude::*;
use model::TokenSummary;

use crate::components::{Icon, Tone, ago, badge, empty, field, instant};

/// The viewer's own.
pub fn tokens(all: &[TokenSummary]) -> AnyView {
    card(
        "Tokens for the API",
        all,
        "/account",
        true,
        true,
        "A token lets a script or a notebook read what you may read.",
    )
}

/// Those of the account with this address; with a form where the viewer may make one.
pub fn of_others(all: &[TokenSummary], at: &str, may_revoke: bool, may_make: bool) -> AnyView {
    card("Tokens", all, at, may_revoke, may_make, "With a token a program acts as this account.")
}

fn card(
    title: &'static str,
    all: &[TokenSummary],
    at: &str,
    may_revoke: bool,
    may_make: bool,
    none: &'static str,
) -> AnyView {
    let list = if all.is_empty() {
        empty(Icon::Key, "No tokens", view! { <p>{none}</p> }).into_any()
    } else {
        let revoke = |t: &TokenSummary| may_revoke.then(|| format!("{at}/tokens/{}/revoke", t.id));
        view! { <ul class="lines">{all.iter().map(|t| item(t, revoke(t))).collect::<Vec<_>>()}</ul> }.into_any()
    };
    view! {
        <section class="card account__wide" aria-labelledby="tokens">
            <h2 class="card__title" id="tokens">{title}</h2>
            {list}
            {may_make.then(|| form(format!("{at}/tokens")))}
        </section>
    }
    .into_any()
}

/// `revoke` is where its button sends to.
fn item(t: &TokenSummary, revoke: Option<String>) -> AnyView {
    let actions: Vec<_> = t.scope.actions.iter().map(|a| badge(Tone::Quiet, a.clone())).collect();
    let datasets =
        if t.scope.datasets.is_empty() { "all that its owner may".to_owned() } else { t.scope.datasets.join(", ") };
    let networks: Vec<String> = t.scope.networks.iter().map(ToString::to_string).collect();
    let networks = (!networks.is_empty()).then(|| view! { " · from "<bdi>{networks.join(", ")}</bdi> });
    let revoke = revoke.map(|to| {
        view! {
            <form action=to method="post">
                <button class="button button--small" type="submit" aria-label=format!("Revoke the token {}", t.name)>
                    "Revoke"
                </button>
            </form>
        }
    });
    let used = match t.last_used_at {
        Some(at) => {
            let from = t.last_used_from.clone().map(|from| view! { " from "<bdi>{from}</bdi> });
            view! { "used "{ago(at)} {from} }.into_any()
        }
        None => "never used".into_any(),
    };
    view! {
        <li class="lines__item">
            <div class="lines__words">
                <p class="lines__title"><bdi>{t.name.clone()}</bdi> {actions}</p>
                <p class="lines__facts">
                    <bdi>{datasets}</bdi>{networks}" · "{used}" · ends "{instant(t.expires_at)}
                </p>
            </div>
            {revoke}
        </li>
    }
    .into_any()
}

fn form(to: String) -> AnyView {
    view! {
        <form class="token-form" action=to method="post">
            <h3 class="card__subtitle">"New token"</h3>
            {field(
                "token-name",
                "What it is for",
                None,
                view! { <input class="field__input" id="token-name" name="name" required maxlength="100" autocomplete="off" /> },
            )}
            {field(
                "token-days",
                "Ends after",
                None,
                view! {
                    <select class="field__input" id="token-days" name="days">
                        <option value="7">"7 days"</option>
                        <option value="30" selected>"30 days"</option>
                        <option value="90">"90 days"</option>
                        <option value="365">"365 days"</option>
                    </select>
                },
            )}
            {field(
                "token-datasets",
                "Datasets",
                Some("Names or patterns such as ops.*, with commas; empty for all that you may."),
                view! {
                    <input
                        class="field__input"
                        id="token-datasets"
                        name="datasets"
                        autocomplete="off"
                        aria-describedby="token-datasets-hint"
                    />
                },
            )}
            {field(
                "token-networks",
                "Networks",
                Some("Where it may be used from, such as 192.0.2.0/24, with commas; empty for anywhere."),
                view! {
                    <input
                        class="field__input"
                        id="token-networks"
                        name="networks"
                        autocomplete="off"
                        aria-describedby="token-networks-hint"
                    />
                },
            )}
            <fieldset class="field">
                <legend class="field__label">"It may"</legend>
                <label class="check"><input type="checkbox" name="actions" value="read" checked /> "read"</label>
                <label class="check"><input type="checkbox" name="actions" value="upload" /> "send files"</label>
                <label class="check">
                    <input type="checkbox" name="actions" value="notify" />
                    "announce files, for a store’s notifications"
                </label>
            </fieldset>
            <p><button class="button button--primary" type="submit">"Make the token"</button></p>
        </form>
    }
    .into_any()
}
