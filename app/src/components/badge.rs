//! A state in one word, with a sign: never by colour alone.

use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Quiet,
    Good,
    Careful,
    Bad,
    Accent,
}

pub fn badge(tone: Tone, words: impl Into<String>) -> impl IntoView {
    let class = match tone {
        Tone::Quiet => "badge",
        Tone::Good => "badge badge--good",
        Tone::Careful => "badge badge--careful",
        Tone::Bad => "badge badge--bad",
        Tone::Accent => "badge badge--accent",
    };
    view! { <span class=class>{words.into()}</span> }
}
