//! A table in a region of its own, which scrolls sideways where the page is too narrow for it.

use leptos::prelude::*;

/// The head of one column.
#[derive(Debug, Clone, Copy)]
pub enum Head {
    Words(&'static str),
    /// Of a column of numbers.
    Number(&'static str),
    /// Read aloud alone, where the lines say it by themselves.
    Unseen(&'static str),
}

/// `label` says what it is of; `class` stands beside `table`.
pub fn table(label: &'static str, class: &'static str, heads: &[Head], lines: Vec<AnyView>) -> AnyView {
    let heads: Vec<_> = heads
        .iter()
        .map(|head| match *head {
            Head::Words(words) => view! { <th scope="col">{words}</th> }.into_any(),
            Head::Number(words) => view! { <th scope="col" class="table__number">{words}</th> }.into_any(),
            Head::Unseen(words) => {
                view! { <th scope="col"><span class="visually-hidden">{words}</span></th> }.into_any()
            }
        })
        .collect();
    view! {
        <div class="table-scroll" role="region" aria-label=label tabindex="0">
            <table class=format!("table {class}")>
                <thead>
                    <tr>{heads}</tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}
