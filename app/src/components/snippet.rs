//! Text to copy: code, addresses, secrets.

use leptos::prelude::*;

pub fn snippet(title: impl Into<String>, text: String) -> AnyView {
    view! {
        <figure class="snippet">
            <figcaption class="snippet__head">
                <span>{title.into()}</span>
                <button class="snippet__copy" type="button" data-copy=text.clone()>"Copy"</button>
            </figcaption>
            <pre class="snippet__text" tabindex="0"><code>{text}</code></pre>
        </figure>
    }
    .into_any()
}
