//! Which rows of how many are shown, with links to the others.

use leptos::prelude::*;

use super::grouped;

/// Rows on one page of a grid.
pub const ROWS: u64 = 100;

/// A window of rows.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub offset: u64,
    pub shown: u64,
    pub total: u64,
}

impl Window {
    pub const ROWS: u64 = ROWS;
}

pub fn pager(window: Window, link: impl Fn(u64) -> String) -> AnyView {
    let Window { offset, shown, total } = window;
    let here = match shown {
        0 => "no rows".to_owned(),
        _ => format!("{}–{} of {}", grouped(offset + 1), grouped(offset + shown), grouped(total)),
    };
    let last = total.saturating_sub(1) / ROWS * ROWS;
    let step = move |to: Option<u64>, words: &'static str, sign: &'static str| match to {
        Some(to) => view! { <a class="pager__step" href=link(to) aria-label=words title=words>{sign}</a> }.into_any(),
        None => view! { <span class="pager__step pager__step--off" aria-hidden="true">{sign}</span> }.into_any(),
    };
    let many = total > shown;
    view! {
        <nav class="pager" aria-label="Pages of rows">
            {many.then(|| step((offset > 0).then_some(0), "First rows", "«"))}
            {many.then(|| step((offset > 0).then(|| offset.saturating_sub(ROWS)), "Rows before", "‹"))}
            <span class="pager__here">{here}</span>
            {many.then(|| step((offset + shown < total).then_some(offset + ROWS), "Rows after", "›"))}
            {many.then(|| step((offset + shown < total).then_some(last), "Last rows", "»"))}
        </nav>
    }
    .into_any()
}
