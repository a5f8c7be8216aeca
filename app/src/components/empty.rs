//! Where there is nothing: why, and what to do about it.

use leptos::prelude::*;

use super::{Icon, icon};

pub fn empty(sign: Icon, title: impl Into<String>, body: impl IntoView) -> AnyView {
    view! {
        <div class="empty">
            <span class="empty__sign">{icon(sign)}</span>
            <p class="empty__title">{title.into()}</p>
            <div class="empty__body">{body}</div>
        </div>
    }
    .into_any()
}
