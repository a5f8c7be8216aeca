//! The account page: who am I here, where am I signed in, which tokens are there.

use leptos::prelude::*;
use model::{Account, DatasetFilter, Principal};

use crate::{
    components::{count, snippet, visible},
    shell::{Content, Place, not_shown, page},
};

pub(crate) mod sessions;
pub(crate) mod tokens;

#[component]
pub fn AccountPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        if viewer.viewing().is_some() {
            return Ok(not_shown("Account", &viewer.who.name));
        }
        let accounts = &viewer.context.accounts;
        let sessions = accounts.sessions(&viewer.who, viewer.context.session.as_deref()).await?;
        let tokens = accounts.tokens(&viewer.who).await?;
        let services = accounts.owned(&viewer.who).await?;
        let datasets = viewer.lake().datasets(&viewer.who, DatasetFilter::default()).await?;
        let owned = datasets.iter().filter(|d| d.access.may_own).count();
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">"Account"</h1>
                </div>
                <div class="page-head__actions">
                    <form action="/auth/sign-out" method="post">
                        <button class="button" type="submit">"Sign out"</button>
                    </form>
                </div>
            </header>
            <div class="account">
                {new_token(viewer.context.flash.as_deref(), "Here is your token.")}
                {identity(&viewer.who, viewer.context.steward, owned)}
                {sessions::sessions(&sessions)}
                {tokens::tokens(&tokens)}
                {services_of(&services)}
            </div>
        };
        Ok(Content::new("Account", body))
    })
}

/// A token's secret, this one time.
pub(crate) fn new_token(secret: Option<&str>, here: &'static str) -> Option<AnyView> {
    let secret = secret?.to_owned();
    let banner = view! {
        <section class="banner banner--good banner--block account__wide" aria-label="New token" role="status">
            <p><strong>{here}</strong>" Copy it now: it is shown this one time and not kept."</p>
            {snippet("Token", secret)}
        </section>
    };
    Some(banner.into_any())
}

/// What grants may ask of somebody beside the groups.
pub(crate) fn claims(who: &Principal) -> Option<AnyView> {
    let claims: Vec<_> = who
        .claims
        .iter()
        .map(|(name, values)| {
            let values = visible(&values.join(", ")).into_owned();
            view! { <dt><bdi>{name.clone()}</bdi></dt> <dd><bdi>{values}</bdi></dd> }
        })
        .collect();
    let list = view! {
        <h3 class="card__subtitle">"Claims that grants may use"</h3>
        <dl class="facts">{claims}</dl>
    };
    (!who.claims.is_empty()).then(|| list.into_any())
}

/// Service accounts that the viewer looks after or owns: for most there are none.
fn services_of(all: &[Account]) -> Option<AnyView> {
    let item =
        |a: &Account| view! { <li><a href=format!("/accounts/{}", a.id)><bdi>{a.who.name.clone()}</bdi></a></li> };
    let list = view! {
        <section class="card account__wide" aria-labelledby="services">
            <h2 class="card__title" id="services">"Service accounts"</h2>
            <ul class="account__services">{all.iter().map(item).collect::<Vec<_>>()}</ul>
        </section>
    };
    (!all.is_empty()).then(|| list.into_any())
}

fn role(steward: bool, owned: usize) -> String {
    match (steward, owned) {
        (true, _) => "Steward: sees all arrivals and the policy".to_owned(),
        (false, 0) => "Reader".to_owned(),
        (false, owned) => {
            format!("Owner of {}: sends files and sees what did not land", count(owned as u64, "dataset"))
        }
    }
}

fn identity(who: &Principal, steward: bool, owned: usize) -> AnyView {
    let groups = match &who.groups {
        None => view! {
            <span class="figure--bad">
                "Your sign-in service sent no groups at all, so every grant to a group is refused."
            </span>
        }
        .into_any(),
        Some(groups) if groups.is_empty() => "None".into_any(),
        Some(groups) => groups
            .iter()
            .map(|g| view! { <span class="tag"><bdi>{g.clone()}</bdi></span> })
            .collect::<Vec<_>>()
            .into_any(),
    };
    view! {
        <section class="card" aria-labelledby="identity">
            <h2 class="card__title" id="identity">"Who you are here"</h2>
            <dl class="facts">
                <dt>"Name"</dt> <dd><bdi>{who.name.clone()}</bdi></dd>
                {who.email.clone().map(|e| view! { <dt>"E-mail"</dt> <dd><bdi>{e}</bdi></dd> })}
                <dt>"Role"</dt> <dd>{role(steward, owned)}</dd>
                <dt>"Groups"</dt> <dd class="chips">{groups}</dd>
                <dt>"Subject"</dt> <dd><code><bdi>{who.subject.clone()}</bdi></code></dd>
                <dt>"Known from"</dt> <dd><code><bdi>{who.issuer.clone()}</bdi></code></dd>
            </dl>
            {claims(who)}
        </section>
    }
    .into_any()
}
