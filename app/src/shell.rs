//! The document around every page: head, styles, scripts, theme.

use http::request::Parts;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

mod error_page;
mod frame;
mod logo;
mod page;

pub use error_page::NotFoundPage;
pub use frame::{Place, bare};
pub use logo::logo;
pub use page::{Content, Viewer, not_shown, page, redirect, set_status};

use crate::routes::App;

/// The HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=chosen_theme()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options=options.clone() id="style" />
                <HydrationScripts options=options islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The theme that the viewer chose; `None` follows the system. A cookie, so that the first paint is right.
fn chosen_theme() -> Option<&'static str> {
    let parts = use_context::<Parts>()?;
    let cookies = parts.headers.get_all(http::header::COOKIE);
    let value = cookies.iter().filter_map(|c| c.to_str().ok()).flat_map(|c| c.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == crate::islands::theme::COOKIE).then_some(value)
    })?;
    ["light", "dark"].into_iter().find(|t| *t == value)
}
