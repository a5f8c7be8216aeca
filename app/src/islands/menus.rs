//! Closes menus as people expect: by a click elsewhere and by Escape.

use leptos::prelude::*;

/// One for all `<details class="menu">` of a page.
#[island]
pub fn Menus() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use wasm_bindgen::JsCast;
    use web_sys::{Element, Event, HtmlElement, KeyboardEvent, Node};

    use super::browser;

    const OPEN: &str = "details.menu[open]";
    let Some(document) = browser::document() else { return };
    browser::listen(&document, "click", |event: Event| {
        let target = event.target().and_then(|t| t.dyn_into::<Node>().ok());
        let others = browser::all(OPEN).into_iter().filter(|menu| !menu.contains(target.as_ref()));
        others.for_each(|menu: Element| drop(menu.remove_attribute("open")));
    });
    browser::listen(&document, "keydown", |event: KeyboardEvent| {
        if event.key() != "Escape" {
            return;
        }
        for menu in browser::all(OPEN) {
            drop(menu.remove_attribute("open"));
            let button = menu.query_selector("summary").ok().flatten().and_then(|b| b.dyn_into::<HtmlElement>().ok());
            if let Some(button) = button {
                drop(button.focus());
            }
        }
    });
}
