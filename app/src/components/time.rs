//! Instants: in words for reading, in UTC on hover. An island turns them into the viewer's zone where there is one.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

/// `2 h ago`, with the instant behind it.
pub fn ago(at: DateTime<Utc>) -> impl IntoView {
    view! {
        <time class="time" datetime=at.to_rfc3339() title=in_utc(at)>
            {since(at, Utc::now())}
        </time>
    }
}

/// `25 Nov 2026, 17:11 UTC`.
pub fn instant(at: DateTime<Utc>) -> impl IntoView {
    view! {
        <time class="time" datetime=at.to_rfc3339() data-local="">
            {in_utc(at)}
        </time>
    }
}

fn in_utc(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

fn since(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    match seconds {
        ..45 => "just now".into(),
        45..5400 => format!("{} min ago", (seconds + 30) / 60),
        5400..129_600 => format!("{} h ago", (seconds + 1800) / 3600),
        129_600..2_592_000 => format!("{} days ago", (seconds + 43_200) / 86_400),
        _ => at.format("%-d %b %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_rounded() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a valid instant");
        let aged = |s: i64| since(now - chrono::TimeDelta::seconds(s), now);
        assert_eq!(
            [-5, 44, 60, 5399, 7200, 86_400, 172_800].map(aged),
            ["just now", "just now", "1 min ago", "90 min ago", "2 h ago", "24 h ago", "2 days ago"]
        );
    }
}
