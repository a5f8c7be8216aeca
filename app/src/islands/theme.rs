//! Light, dark or the system's: kept in a cookie, so that the server draws the first paint right.

use leptos::prelude::*;

/// The cookie that holds `light` or `dark`; absent follows the system.
pub const COOKIE: &str = "penstock_theme";

const CHOICES: [(&str, &str); 3] = [("light", "Light"), ("dark", "Dark"), ("", "System")];

#[island]
pub fn ThemeToggle() -> impl IntoView {
    let chosen = RwSignal::new(String::new());
    // After waking: what differs from the server's markup while waking is not drawn.
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| chosen.set(current()));
    let button = move |(value, words): (&'static str, &'static str)| {
        view! {
            <button
                class="theme__choice"
                type="button"
                aria-pressed=move || (chosen.get() == value).to_string()
                on:click=move |_| {
                    chosen.set(value.to_owned());
                    #[cfg(feature = "hydrate")]
                    choose(value);
                }
            >
                {words}
            </button>
        }
    };
    view! {
        <div class="theme" role="group" aria-label="Theme">
            {CHOICES.map(button).to_vec()}
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn current() -> String {
    let root = super::browser::document().and_then(|d| d.document_element());
    root.and_then(|root| root.get_attribute("data-theme")).unwrap_or_default()
}

#[cfg(feature = "hydrate")]
fn choose(theme: &str) {
    use wasm_bindgen::JsCast;

    let Some(document) = super::browser::document() else { return };
    if let Some(root) = document.document_element() {
        drop(if theme.is_empty() {
            root.remove_attribute("data-theme")
        } else {
            root.set_attribute("data-theme", theme)
        });
    }
    let days = if theme.is_empty() { 0 } else { 365 };
    if let Ok(document) = document.dyn_into::<web_sys::HtmlDocument>() {
        let cookie = format!("{COOKIE}={theme}; Path=/; Max-Age={}; SameSite=Lax", days * 86_400);
        drop(document.set_cookie(&cookie));
    }
}
