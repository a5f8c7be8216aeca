//! Why the viewer sees what it sees.

use leptos::prelude::*;
use model::DatasetDetail;

use super::ask;
use crate::{
    address::Href,
    components::{Tone, badge, instant, visible},
    shell::Viewer,
};

pub async fn tab(viewer: &Viewer, detail: &DatasetDetail) -> lake::Result<AnyView> {
    let more = ask::more(viewer, &detail.dataset).await?;
    let note = &detail.dataset.access;
    let rows = match &note.rows {
        Some(untold) if !note.tells_rows() => format!("Some, by {untold}").into_any(),
        Some(rows) => view! { "Those where "<code><bdi>{rows.clone()}</bdi></code> }.into_any(),
        None => "All".into_any(),
    };
    let columns = if note.columns_hidden { "Some are left out" } else { "All" };
    let masks: Vec<_> = note
        .masks
        .iter()
        .map(|(column, how)| view! { <li><code>{column.clone()}</code>" is "{how.clone()}</li> })
        .collect();
    let masks = if masks.is_empty() { "None".into_any() } else { view! { <ul>{masks}</ul> }.into_any() };
    let may = [("read", true), ("send files", note.may_upload), ("see arrivals and quarantine", note.may_own)];
    let may: Vec<_> = may.into_iter().filter(|(_, yes)| *yes).map(|(what, _)| badge(Tone::Quiet, what)).collect();
    let groups = viewer.who.groups.clone().unwrap_or_default();
    let groups: Vec<_> = groups.into_iter().map(|g| view! { <span class="tag"><bdi>{g}</bdi></span> }).collect();
    let claims: Vec<_> = viewer
        .who
        .claims
        .iter()
        .map(|(name, values)| {
            let text = format!("{name} = {}", values.join(", "));
            view! { <span class="tag"><bdi>{visible(&text).into_owned()}</bdi></span> }
        })
        .collect();
    let until = note.until.map(|at| instant(at).into_any()).unwrap_or_else(|| "No end".into_any());
    let name = &detail.dataset.name;
    let others = (viewer.context.steward && !name.is_reserved()).then(|| {
        let href = Href::to("/policy").with("dataset", name.to_string()).build();
        view! { <p><a href=href>"All grants on this dataset"</a></p> }
    });
    let view = view! {
        <div class="split">
            <section class="card" aria-labelledby="you-see">
                <h2 class="card__title" id="you-see">"What you see"</h2>
                <dl class="facts">
                    <dt>"Rows"</dt> <dd>{rows}</dd>
                    <dt>"Columns"</dt> <dd>{columns}</dd>
                    <dt>"Masks"</dt> <dd>{masks}</dd>
                    <dt>"You may"</dt> <dd class="chips">{may}</dd>
                    <dt>"Until"</dt> <dd>{until}</dd>
                </dl>
                {others}
            </section>
            <section class="card" aria-labelledby="because">
                <h2 class="card__title" id="because">"Because you are"</h2>
                <dl class="facts">
                    <dt>"Name"</dt> <dd><bdi>{viewer.who.name.clone()}</bdi></dd>
                    <dt>"Groups"</dt> <dd class="chips">{groups}</dd>
                    <dt>"Claims"</dt> <dd class="chips">{claims}</dd>
                </dl>
                <p class="note">
                    "The same limits hold on every path: this page, SQL, search, exports and the API. "
                    {match &detail.dataset.owner {
                        Some(owner) => view! { "To see more, ask "<bdi>{owner.clone()}</bdi>"." }.into_any(),
                        None => "To see more, ask a steward.".into_any(),
                    }}
                </p>
            </section>
            {more}
        </div>
    };
    Ok(view.into_any())
}
