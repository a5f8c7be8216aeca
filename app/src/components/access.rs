//! What the policy lets the viewer see of a dataset, as a line or as chips.

use leptos::prelude::*;
use model::AccessNote;

use super::{Icon, Tone, badge, icon, instant};

/// "You see rows where carrier = 'UA' · tailnum is hashed". Nothing when the viewer sees all.
pub fn access_line(note: &AccessNote, why: String) -> Option<impl IntoView + use<>> {
    let parts = parts(note);
    let until = note.until.map(|at| view! { <span class="access-line__part">"until "{instant(at)}</span> });
    (!parts.is_empty() || until.is_some()).then(|| {
        view! {
            <p class="access-line">
                {icon(Icon::Eye)}
                {parts
                    .into_iter()
                    .map(|part| view! { <span class="access-line__part"><bdi>{part}</bdi></span> })
                    .collect_view()}
                {until}
                <a class="access-line__why" href=why>"Why?"</a>
            </p>
        }
    })
}

/// The same, short, for lists.
pub fn access_chips(note: &AccessNote) -> impl IntoView + use<> {
    let title = parts(note).join(" · ");
    let rows = note.rows.is_some().then(|| badge(Tone::Accent, "some rows"));
    let masks = (!note.masks.is_empty()).then(|| {
        let n = note.masks.len();
        badge(Tone::Accent, if n == 1 { "1 column masked".to_owned() } else { format!("{n} columns masked") })
    });
    let hidden = note.columns_hidden.then(|| badge(Tone::Accent, "some columns"));
    let own = note.may_own.then(|| badge(Tone::Quiet, "yours"));
    let whole = (rows.is_none() && masks.is_none() && hidden.is_none())
        .then(|| view! { <span class="quiet">"all rows"</span> });
    view! { <span class="chips" title=title>{whole}{rows}{masks}{hidden}{own}</span> }
}

fn parts(note: &AccessNote) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(rows) = &note.rows {
        parts.push(if note.tells_rows() {
            format!("You see rows where {rows}")
        } else {
            format!("You see some rows, by {rows}")
        });
    }
    parts.extend(note.masks.iter().map(|(column, how)| format!("{column} is {how}")));
    if note.columns_hidden {
        parts.push("some columns are left out".into());
    }
    parts
}
