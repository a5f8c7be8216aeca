//! The one frame of all pages: skip link, bar, navigation, search, account menu.

use leptos::prelude::*;
use model::Viewing;

use super::{logo::logo, page::Viewer};
use crate::{
    components::{Icon, icon, instant},
    islands::{copy::CopyButtons, menus::Menus, palette::Palette, theme::ThemeToggle, times::LocalTimes},
};

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Datasets,
    Sql,
    Arrivals,
    /// Who sees what; for stewards.
    Policy,
    /// Home, account, errors: in no entry.
    Elsewhere,
}

pub fn frame(viewer: &Viewer, place: Place, arrivals: bool, body: AnyView) -> AnyView {
    let q = viewer.address.get("q").unwrap_or_default().to_owned();
    view! {
        <a class="skip-link" href="#content">"Skip to content"</a>
        {(viewer.context.demo.is_some() && viewer.viewing().is_none()).then(demo_banner)}
        <header class="bar">
            {viewer.viewing().map(|viewing| view_banner(&viewer.who.name, viewing))}
            <div class="bar__inner">
                <a class="bar__home" href="/" aria-label="Penstock, home">
                    {logo()}
                    <span class="bar__name">"penstock"</span>
                </a>
                <nav class="bar__nav" aria-label="Main">{links(place, arrivals, viewer.context.steward)}</nav>
                <form class="bar__search" action="/datasets" method="get" role="search" aria-label="Everywhere">
                    {icon(Icon::Search)}
                    <input
                        class="bar__search-field"
                        type="search"
                        name="q"
                        value=q
                        placeholder="Search datasets"
                        aria-label="Search datasets"
                        autocomplete="off"
                    />
                    <Palette steward=viewer.context.steward />
                </form>
                {account_menu(viewer)}
                <details class="bar__sheet">
                    <summary class="bar__sheet-button" aria-label="Menu">{icon(Icon::Menu)}</summary>
                    <div class="bar__sheet-panel">
                        <form class="bar__sheet-search" action="/datasets" method="get">
                            <input
                                class="field__input"
                                type="search"
                                name="q"
                                placeholder="Search datasets"
                                aria-label="Search datasets"
                            />
                        </form>
                        <nav class="bar__sheet-nav" aria-label="Main, small screen">
                            {links(place, arrivals, viewer.context.steward)}
                            <a class="bar__link" href="/account">"Account"</a>
                            {viewer.context.administrator.then(|| view! { <a class="bar__link" href="/accounts">"Accounts"</a> })}
                            <a class="bar__link" href="/access">"Access requests"</a>
                            <a class="bar__link" href="/audit">{audit(viewer)}</a>
                        </nav>
                        <div class="bar__sheet-end">
                            <ThemeToggle />
                            {sign_out()}
                        </div>
                    </div>
                </details>
            </div>
        </header>
        <main id="content" class="main" tabindex="-1">
            {body}
        </main>
        <LocalTimes />
        <CopyButtons />
        <Menus />
    }
    .into_any()
}

/// A page outside the frame, for those who are not signed in.
pub fn bare(body: impl IntoView) -> impl IntoView {
    view! {
        <main id="content" class="bare">
            {body}
        </main>
    }
}

fn links(place: Place, arrivals: bool, steward: bool) -> AnyView {
    let link = move |to: &'static str, words: &'static str, at: Place| {
        let current = (at == place).then_some("page");
        view! { <a class="bar__link" href=to aria-current=current>{words}</a> }
    };
    view! {
        {link("/datasets", "Datasets", Place::Datasets)}
        {link("/sql", "SQL", Place::Sql)}
        {arrivals.then(|| link("/arrivals", "Arrivals", Place::Arrivals))}
        {steward.then(|| link("/policy", "Policy", Place::Policy))}
    }
    .into_any()
}

fn account_menu(viewer: &Viewer) -> AnyView {
    let name = viewer.who.name.clone();
    let role = match viewer.viewing() {
        Some(_) => "Viewed by you",
        None if viewer.context.steward => "Steward",
        None => "Signed in",
    };
    let email = viewer.who.email.clone();
    let initial: String = name.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    view! {
        <details class="menu bar__account">
            <summary class="menu__button">
                <span class="visually-hidden">"Account of "</span>
                <span class="avatar" aria-hidden="true">{initial}</span>
                <span class="bar__account-name"><bdi>{name.clone()}</bdi></span>
                {icon(Icon::Down)}
            </summary>
            <div class="menu__panel">
                <p class="menu__head">
                    <strong><bdi>{name}</bdi></strong>
                    <span class="quiet">{email.unwrap_or_else(|| role.to_owned())}</span>
                </p>
                <a class="menu__item" href="/account">"Account and tokens"</a>
                {viewer.context.administrator.then(|| view! { <a class="menu__item" href="/accounts">"Accounts of others"</a> })}
                <a class="menu__item" href="/access">"Access requests"</a>
                <a class="menu__item" href="/audit">{audit(viewer)}</a>
                <a class="menu__item" href="/api/docs">"API reference"</a>
                <div class="menu__row"><ThemeToggle /></div>
                {sign_out()}
            </div>
        </details>
    }
    .into_any()
}

/// What the audit is to the viewer.
fn audit(viewer: &Viewer) -> &'static str {
    if viewer.context.steward { "Audit" } else { "My activity" }
}

fn sign_out() -> AnyView {
    view! {
        <form method="post" action="/auth/sign-out">
            <button class="menu__item menu__item--button" type="submit">"Sign out"</button>
        </form>
    }
    .into_any()
}

/// As whom a steward looks, on every page, above everything.
fn view_banner(name: &str, viewing: &Viewing) -> AnyView {
    view! {
        <div class="view-banner" role="status" aria-label="View as">
            <p>
                {icon(Icon::Eye)}
                <span>
                    "You see what "<strong><bdi>{name.to_owned()}</bdi></strong>" sees, until "{instant(viewing.until)}
                    ". Nothing can be changed."
                </span>
            </p>
            <form method="post" action="/view-as/stop">
                <button class="view-banner__stop" type="submit">"Stop"</button>
            </form>
        </div>
    }
    .into_any()
}

fn demo_banner() -> AnyView {
    view! {
        <aside class="demo-banner" aria-label="Demo">
            <p>
            <strong>"Demo."</strong>
            " Anyone on this machine can be anyone here. "
            <a href="/sign-in?switch=1">"Be someone else"</a>
            </p>
        </aside>
    }
    .into_any()
}
