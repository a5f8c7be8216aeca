//! One person's view of every dataset.

use leptos::prelude::*;
use model::{DatasetExplanation, Explanation};

use super::Whose;
use crate::components::{Head, Icon, count, empty, instant, table};

pub(super) fn view(told: &Explanation, whose: &Whose) -> AnyView {
    if told.datasets.is_empty() {
        let body = view! { <p>"The lake holds no dataset so far."</p> };
        return empty(Icon::Dataset, "No datasets yet", body).into_any();
    }
    let seen = told.datasets.iter().filter(|d| d.access.is_some()).count() as u64;
    let of = count(told.datasets.len() as u64, "dataset");
    let steward = told.steward.then_some(" A steward: sees all arrivals and the policy.");
    // What is seen comes first; of the rest there is only the name to read.
    let (seen_first, nothing): (Vec<_>, Vec<_>) = told.datasets.iter().partition(|d| d.access.is_some());
    let lines: Vec<_> = seen_first.into_iter().chain(nothing).map(|d| line(d, whose)).collect();
    view! {
        <p class="note">
            {seen.to_string()}" of "{of}"; where it says nothing, the dataset does not exist for this person."{steward}
        </p>
        {table("Datasets", "table--links", &["Dataset", "Rows", "Columns", "Until"].map(Head::Words), lines)}
    }
    .into_any()
}

fn line(d: &DatasetExplanation, whose: &Whose) -> AnyView {
    let name = view! {
        <th scope="row"><a class="entry__title" href=whose.href(Some(&d.dataset))>{d.dataset.to_string()}</a></th>
    };
    let Some(access) = &d.access else {
        return view! { <tr>{name}<td class="quiet" data-label="Rows" colspan="3">"Nothing"</td></tr> }.into_any();
    };
    let rows = match &access.rows {
        None => "All".into_any(),
        Some(filter) => view! { "Where "<code><bdi>{filter.clone()}</bdi></code> }.into_any(),
    };
    let until = access.until.map_or_else(|| "No end".into_any(), |at| instant(at).into_any());
    view! {
        <tr>
            {name}
            <td data-label="Rows">{rows}</td>
            <td data-label="Columns"><bdi>{columns(d)}</bdi></td>
            <td data-label="Until">{until}</td>
        </tr>
    }
    .into_any()
}

/// "All", or which are not seen as they are.
fn columns(d: &DatasetExplanation) -> String {
    let not: Vec<String> =
        d.columns.iter().filter(|c| !c.whole).map(|c| format!("{} is {}", c.name, c.shows)).collect();
    if not.is_empty() { "All".to_owned() } else { not.join(", ") }
}
