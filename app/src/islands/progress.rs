//! Follows a running query and loads the page again once it has ended.

use leptos::prelude::*;

/// Looks for `running` with the query's id in `data-query`; writes the time into `running-time`.
#[island]
pub fn RunningQuery() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use std::time::Duration;

    use web_sys::Element;

    use super::browser;

    const EVERY: Duration = Duration::from_millis(700);
    let Some(panel) = browser::by_id::<Element>("running") else { return };
    let Some(id) = panel.get_attribute("data-query") else { return };
    let poll = move || {
        browser::get_json(&format!("/api/v1/queries/{id}"), |status| {
            if !matches!(browser::text_member(&status, "state").as_str(), "queued" | "running") {
                if let Some(window) = web_sys::window() {
                    drop(window.location().reload());
                }
                return;
            }
            let seconds = browser::member(&status, "elapsed_ms").as_f64().unwrap_or_default() / 1000.0;
            if let Some(time) = browser::by_id::<Element>("running-time") {
                time.set_text_content(Some(&format!("{seconds:.1} s")));
            }
        });
    };
    set_interval(poll, EVERY);
}
