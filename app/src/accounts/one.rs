//! One account of others: what it acts with, its sessions and its tokens, each with a way to end it.

use leptos::prelude::*;
use model::{AccountDetail, Service};

use crate::{
    account::{claims, new_token, sessions, tokens},
    components::{Tone, badge, instant},
    shell::{Content, Place, page},
};

#[component]
pub fn AccountOfOthersPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        let id = viewer.address.segment(1).to_owned();
        let found = viewer.context.accounts.one(&viewer.who, &id).await?;
        let name = found.account.who.name.clone();
        let at = format!("/accounts/{id}");
        let acts_by = if found.account.service.is_some() {
            tokens::of_others(&found.tokens, &at, found.may_change, found.may_change)
        } else {
            view! {
                {sessions::of_others(&found.sessions, &at, found.may_change)}
                {tokens::of_others(&found.tokens, &at, found.may_change, false)}
            }
            .into_any()
        };
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <p class="page-head__facts"><a href="/accounts">"Accounts"</a></p>
                    <h1 class="page-head__title"><bdi>{name.clone()}</bdi></h1>
                </div>
                <div class="page-head__actions">{buttons(&found, &at)}</div>
            </header>
            <div class="account">
                {new_token(viewer.context.flash.as_deref(), "Here is its token.")}
                {facts(&found, viewer.context.steward)}
                {acts_by}
            </div>
        };
        Ok(Content::new(name, body))
    })
}

/// What changes a whole service account.
fn buttons(found: &AccountDetail, at: &str) -> Option<AnyView> {
    let service = found.account.service.as_ref().filter(|_| found.may_change)?;
    let (to, words) = if service.disabled { ("enable", "Let it work again") } else { ("disable", "Disable") };
    let remove = service.disabled.then(|| {
        view! {
            <form action=format!("{at}/remove") method="post">
                <button class="button" type="submit">"Remove for good"</button>
            </form>
        }
    });
    let buttons = view! {
        <form action=format!("{at}/{to}") method="post">
            <button class="button" type="submit">{words}</button>
        </form>
        {remove}
    };
    Some(buttons.into_any())
}

fn facts(found: &AccountDetail, steward: bool) -> AnyView {
    let who = &found.account.who;
    let groups = who.groups.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let groups = if groups.is_empty() { "None".to_owned() } else { groups };
    let sees = steward.then(|| {
        view! { <p><a href=format!("/policy?who={}", found.account.id)>"What it sees, and why"</a></p> }
    });
    view! {
        <section class="card account__wide" aria-labelledby="acts-as">
            <h2 class="card__title" id="acts-as">"What it acts as"</h2>
            <dl class="facts">
                {found.account.service.as_ref().map(of_service)}
                {who.email.clone().map(|e| view! { <dt>"E-mail"</dt> <dd><bdi>{e}</bdi></dd> })}
                <dt>"Groups"</dt> <dd><bdi>{groups}</bdi></dd>
                <dt>"In the policy"</dt> <dd><code><bdi>{grantee(found)}</bdi></code></dd>
            </dl>
            {claims(who)}
            {sees}
        </section>
    }
    .into_any()
}

fn grantee(found: &AccountDetail) -> String {
    let subject = &found.account.who.subject;
    if found.account.service.is_some() { subject.clone() } else { format!("user:{subject}") }
}

fn of_service(s: &Service) -> AnyView {
    let state =
        if s.disabled { badge(Tone::Bad, "disabled").into_any() } else { badge(Tone::Good, "works").into_any() };
    let about = (!s.description.is_empty()).then(|| s.description.clone());
    view! {
        <dt>"State"</dt> <dd>{state}</dd>
        {about.map(|about| view! { <dt>"For"</dt> <dd><bdi>{about}</bdi></dd> })}
        {s.partner.clone().map(|p| view! { <dt>"Partner"</dt> <dd><bdi>{p}</bdi></dd> })}
        <dt>"Owners"</dt> <dd><bdi>{s.owners.join(", ")}</bdi></dd>
        <dt>"Made"</dt> <dd>{instant(s.made_at)}" by "<bdi>{s.made_by.clone()}</bdi></dd>
    }
    .into_any()
}
