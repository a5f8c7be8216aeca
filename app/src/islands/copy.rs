//! Copies the text of `data-copy` when its button is pressed.

use leptos::prelude::*;

/// One for all copy buttons of a page.
#[island]
pub fn CopyButtons() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use std::time::Duration;

    use super::browser;

    let Some(document) = browser::document() else { return };
    browser::listen(&document, "click", move |event: web_sys::Event| {
        let Some(button) = browser::closest(&event, "[data-copy]") else { return };
        let Some(window) = web_sys::window() else { return };
        let text = button.get_attribute("data-copy").unwrap_or_default();
        drop(window.navigator().clipboard().write_text(&text));
        let before = button.text_content();
        if before.as_deref() == Some("Copied") {
            return;
        }
        button.set_text_content(Some("Copied"));
        set_timeout(move || button.set_text_content(before.as_deref()), Duration::from_secs(2));
    });
}
