//! A labelled field of a form with its hint.

use leptos::prelude::*;

/// `input` must have the id `id`, and `aria-describedby` of `{id}-hint` when there is a hint.
pub fn field(id: &'static str, label: &'static str, hint: Option<&'static str>, input: impl IntoView) -> AnyView {
    view! {
        <div class="field">
            <label class="field__label" for=id>{label}</label>
            {hint.map(|hint| view! { <p class="field__hint" id=format!("{id}-hint")>{hint}</p> })}
            {input}
        </div>
    }
    .into_any()
}
