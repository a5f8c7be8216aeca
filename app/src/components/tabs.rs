//! Tabs that are links: each has its own address.

use leptos::prelude::*;

pub struct Tab {
    pub words: &'static str,
    pub href: String,
    pub current: bool,
    pub count: Option<String>,
}

pub fn tabs(label: &'static str, all: Vec<Tab>) -> impl IntoView {
    let links: Vec<_> = all
        .into_iter()
        .map(|tab| {
            view! {
                <a class="tabs__tab" href=tab.href aria-current=tab.current.then_some("page")>
                    {tab.words}
                    {tab.count.map(|n| view! { <span class="tabs__count">{n}</span> })}
                </a>
            }
        })
        .collect();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}
