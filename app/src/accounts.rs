//! Accounts of others: service accounts and the people who have signed in, for those who look after them.

use leptos::prelude::*;
use model::{Account, Accounts};

use crate::{
    components::{Icon, Tone, badge, empty, field},
    shell::{Content, Place, page},
};

mod one;

pub use one::AccountOfOthersPage;

#[component]
pub fn AccountsPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        let found = viewer.context.accounts.looked_after(&viewer.who).await?;
        let (services, people): (Vec<_>, Vec<_>) = found.all.iter().partition(|a| a.service.is_some());
        let administers = found.steward || !found.partners.is_empty();
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">"Accounts"</h1>
                    <p class="page-head__facts"><span>{whose(&found)}</span></p>
                </div>
            </header>
            <div class="account">
                <section class="card account__wide" aria-labelledby="services">
                    <h2 class="card__title" id="services">"Service accounts"</h2>
                    {list(&services, no_services(administers))}
                    {administers.then(|| form(&found))}
                </section>
                {administers
                    .then(|| {
                        view! {
                            <section class="card account__wide" aria-labelledby="people">
                                <h2 class="card__title" id="people">"People who have signed in"</h2>
                                {list(&people, no_people())}
                            </section>
                        }
                    })}
            </div>
        };
        Ok(Content::new("Accounts", body))
    })
}

fn whose(found: &Accounts) -> String {
    match (found.steward, found.partners.as_slice()) {
        (true, _) => "Of everybody: you are a steward".to_owned(),
        (false, []) => "Those that you own".to_owned(),
        (false, partners) => format!("Of {}: you administer it", partners.join(", ")),
    }
}

fn no_services(administers: bool) -> AnyView {
    let words = if administers {
        "A service account lets a program work under its own name, with tokens that stay when a person leaves."
    } else {
        "You own none, and administer nothing: a steward or your partner’s administrator makes them."
    };
    empty(Icon::Key, "No service accounts", view! { <p>{words}</p> })
}

fn no_people() -> AnyView {
    empty(Icon::Eye, "Nobody yet", view! { <p>"Whoever signs in is listed here, with their sessions and tokens."</p> })
}

fn list(all: &[&Account], none: AnyView) -> AnyView {
    if all.is_empty() {
        return none;
    }
    view! { <ul class="lines">{all.iter().map(|a| item(a)).collect::<Vec<_>>()}</ul> }.into_any()
}

fn item(a: &Account) -> AnyView {
    let disabled = a.service.as_ref().is_some_and(|s| s.disabled).then(|| badge(Tone::Bad, "disabled"));
    let about = a.service.as_ref().map(|s| s.description.clone()).filter(|d| !d.is_empty()).or(a.who.email.clone());
    let about = about.map(|about| view! { <bdi>{about}</bdi>" · " });
    view! {
        <li class="lines__item">
            <div class="lines__words">
                <p class="lines__title">
                    <a class="entry__title" href=format!("/accounts/{}", a.id)><bdi>{a.who.name.clone()}</bdi></a>
                    {disabled}
                </p>
                <p class="lines__facts">{about}<bdi>{crate::policy::in_words(&a.who)}</bdi></p>
            </div>
        </li>
    }
    .into_any()
}

fn input(id: &'static str, name: &'static str, hint: bool, needed: bool) -> AnyView {
    let hint = hint.then(|| format!("{id}-hint"));
    view! { <input class="field__input" id=id name=name autocomplete="off" required=needed aria-describedby=hint /> }
        .into_any()
}

fn form(found: &Accounts) -> AnyView {
    let partner = (found.partners.len() > 1).then(|| {
        let options: Vec<_> =
            found.partners.iter().map(|p| view! { <option value=p.clone()>{p.clone()}</option> }).collect();
        let select = view! { <select class="field__input" id="of-partner" name="partner">{options}</select> };
        field("of-partner", "Partner", None, select)
    });
    let groups = found.steward.then(|| {
        field(
            "service-groups",
            "Groups",
            Some("With commas: partners, staff"),
            input("service-groups", "groups", true, false),
        )
    });
    let claims_hint = if found.steward {
        "With commas: carrier=UA, alliance=Star"
    } else {
        "Such as carrier=UA, with commas; only claims that you have yourself, with all their values."
    };
    view! {
        <form class="token-form" action="/accounts" method="post">
            <h3 class="card__subtitle">"New service account"</h3>
            {field(
                "service-name",
                "Name",
                Some("Of a–z, 0–9 and -, beginning with a letter; it is never given twice."),
                input("service-name", "name", true, true),
            )}
            {field("service-about", "What it is for", None, input("service-about", "description", false, false))}
            {partner}
            {groups}
            {field("service-claims", "Claims", Some(claims_hint), input("service-claims", "claims", true, false))}
            {field(
                "service-owners",
                "Owners",
                Some("Subjects or e-mails, with commas; they see it and its tokens. Empty for you."),
                input("service-owners", "owners", true, false),
            )}
            <p><button class="button button--primary" type="submit">"Make the account"</button></p>
        </form>
    }
    .into_any()
}
