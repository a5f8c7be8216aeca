//! The mark: a gate in a pipe, with the water that it lets through.

use leptos::prelude::*;

pub fn logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
            <rect class="logo__body" x="1" y="1" width="22" height="22" rx="6" />
            <path class="logo__gate" d="M12 4.5v7.5M8.5 4.5h7" />
            <path class="logo__water" d="M5 13.5c1.75-1.7 3.5-1.7 5.25 0s3.5 1.7 5.25 0 2.6-1.4 3.5-.7" />
            <path class="logo__water" d="M5 18c1.75-1.7 3.5-1.7 5.25 0s3.5 1.7 5.25 0 2.6-1.4 3.5-.7" />
        </svg>
    }
}
