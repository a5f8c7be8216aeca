//! SQL: an editor over its results, the viewer's own tables beside it. A query is an address, so any state is a link.

use lake::{LakeError, closest};
use leptos::prelude::*;
use model::{QueryRequest, QueryState, QueryStatus};

use crate::{
    address::Href,
    components::{Icon, Window, icon, is_about_request, problem},
    home::queries,
    islands::editor_keys::EditorKeys,
    shell::{Content, Place, Viewer, page, redirect, set_status},
};

mod chart;
mod editor;
mod result;
mod running;
mod schema;

pub use chart::{ROWS as CHART_ROWS, file as chart_file};
pub use result::export_menu;

/// How long a page waits for an answer before it shows the running query instead.
const WAIT_MS: u64 = 3_000;
const RECENT: usize = 6;

#[component]
pub fn SqlPage() -> impl IntoView {
    page(Place::Sql, async |viewer| {
        let sql = viewer.address.get("sql").map(str::to_owned);
        let text = sql.clone().unwrap_or_default();
        let outcome = match &sql {
            Some(sql) => ask(&viewer, sql).await?,
            None => Outcome::Nothing,
        };
        let below = match outcome {
            Outcome::Nothing => editor::examples(&viewer.datasets().await?).into_any(),
            Outcome::Done(status) => {
                let charted = viewer.address.get("view") == Some("chart");
                let offset = viewer.address.number("offset") / Window::ROWS * Window::ROWS;
                let (offset, rows) = if charted { (0, chart::ROWS) } else { (offset, Window::ROWS) };
                let page = viewer.lake().result_page(&viewer.who, &status.id, offset, rows).await?;
                let here = Href::to("/sql").with("sql", &text).with("id", &status.id);
                let drawn = charted.then(|| chart::chart(&status, &page, &viewer.address));
                result::result(&status, &page, &here, drawn)
            }
            Outcome::Running(status) => running::running(&status, &text).into_any(),
            Outcome::Refused(error) => {
                set_status(http::StatusCode::BAD_REQUEST);
                problem(&error, &text)
            }
        };
        let schema = schema::schema(&viewer, &text).await?;
        let recent = viewer.lake().recent_queries(&viewer.who, RECENT).await?;
        let body = view! {
            <div class="workbench">
                <aside class="workbench__side" aria-label="Tables and recent queries">
                    {schema}
                    <details class="side-section" open=sql.is_none()>
                        <summary class="side-section__title side-section__title--opens">"Recent queries" {icon(Icon::Down)}</summary>
                        {queries(&viewer, &recent)}
                    </details>
                </aside>
                <div class="workbench__main">
                    <h1 class="visually-hidden">"SQL"</h1>
                    {editor::editor(&text)}
                    {below}
                </div>
            </div>
            <EditorKeys />
        };
        Ok(Content::new("SQL", body))
    })
}

enum Outcome {
    Nothing,
    Running(QueryStatus),
    Done(QueryStatus),
    /// The query is at fault, or was stopped: shown under the editor.
    Refused(LakeError),
}

/// Runs the query, or looks at the run that the address names: paging and waiting must not run it again.
async fn ask(viewer: &Viewer, sql: &str) -> lake::Result<Outcome> {
    let named = match viewer.address.get("id") {
        Some(id) => match viewer.lake().query_status(&viewer.who, id).await {
            // Forgotten since, or of another session: asking again is right.
            Err(LakeError::NotFound { .. }) => None,
            answer => Some(answer),
        },
        None => None,
    };
    let (answer, fresh) = match named {
        Some(answer) => (answer, false),
        None => {
            let request = QueryRequest { wait_ms: WAIT_MS, ..QueryRequest::new(sql) };
            (viewer.lake().query(&viewer.who, request).await, true)
        }
    };
    Ok(match answer {
        Ok(status) => match status.state {
            QueryState::Done => Outcome::Done(status),
            QueryState::Cancelled => Outcome::Refused(LakeError::Cancelled),
            QueryState::Failed => Outcome::Refused(LakeError::internal("a failed query has no error")),
            QueryState::Queued | QueryState::Running => {
                if fresh {
                    redirect(&Href::to("/sql").with("sql", sql).with("id", &status.id).build());
                }
                Outcome::Running(status)
            }
        },
        Err(e) if is_about_request(&e) => Outcome::Refused(e),
        Err(LakeError::NotFound { what, name }) => {
            let seen: Vec<String> = viewer.datasets().await?.iter().map(|d| d.name.to_string()).collect();
            Outcome::Refused(LakeError::InvalidSql {
                message: format!("no such {what}: {name}"),
                line: None,
                column: None,
                hint: meant(&name, &seen),
            })
        }
        Err(e) => return Err(e),
    })
}

/// Which of the datasets that the viewer sees was meant.
fn meant(name: &str, seen: &[String]) -> Option<String> {
    let without_unit = || seen.iter().find(|s| s.split_once('.').is_some_and(|(_, last)| last == name));
    match without_unit() {
        Some(whole) => Some(format!("did you mean `{whole}`?")),
        None => closest(name, seen.iter().map(String::as_str)),
    }
}
