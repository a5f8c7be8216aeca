//! A query that is still running: how long, and a way to stop it. Loads itself again until the answer is there.

use leptos::prelude::*;
use model::{QueryState, QueryStatus};

use crate::{
    components::{count, duration},
    islands::progress::RunningQuery,
};

pub fn running(status: &QueryStatus, sql: &str) -> AnyView {
    let words = if status.state == QueryState::Queued { "Waiting for its turn" } else { "Running" };
    let cancel = format!("/queries/{}/cancel", status.id);
    view! {
        <section class="running" id="running" data-query=status.id.clone() aria-label="Running query">
            <span class="running__sign" aria-hidden="true"></span>
            <p class="running__words" role="status">
                <strong>{words}</strong>
                <span id="running-time">{duration(status.elapsed_ms)}</span>
                {(status.rows_total > 0).then(|| count(status.rows_total, "row"))}
            </p>
            <form action=cancel method="post">
                <input type="hidden" name="sql" value=sql.to_owned() />
                <button class="button" type="submit">"Stop"</button>
            </form>
            <noscript>
                <meta http-equiv="refresh" content="2" />
            </noscript>
            <RunningQuery />
        </section>
    }
    .into_any()
}
