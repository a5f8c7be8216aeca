//! Access on request: what waits and what became of it, for who asks and for who answers; the notices of it elsewhere.

use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;
use model::{AccessRequest, AccessState, Dataset, Discovered};

use crate::{
    address::Href,
    components::{Icon, Tone, ago, badge, count, empty, icon, instant, visible},
    shell::{Content, Place, page},
};

mod request;

pub use request::RequestPage;

/// How long before its end access is spoken of.
const SOON: TimeDelta = TimeDelta::days(14);

#[component]
pub fn AccessPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        let requests = viewer.lake().access_requests(&viewer.who).await?;
        let answers = viewer.context.steward || viewer.datasets().await?.iter().any(|d| d.access.may_own);
        let theirs = (answers || !requests.to_answer.is_empty()).then(|| {
            let list = match requests.to_answer.is_empty() {
                true => view! { <p class="quiet">"Nobody has asked for access to your datasets."</p> }.into_any(),
                false => list(&requests.to_answer, true),
            };
            view! {
                <section class="requests" aria-labelledby="to-answer">
                    <h2 class="section-title" id="to-answer">"Others ask for access"</h2>
                    {list}
                </section>
            }
        });
        let mine = match requests.mine.is_empty() {
            true => {
                let body = view! {
                    <p>"Where a dataset's page says that you cannot see its data, you can ask for access there."</p>
                    <p><a class="button" href="/datasets">"See datasets"</a></p>
                };
                empty(Icon::Key, "You have not asked for access", body)
            }
            false => list(&requests.mine, false),
        };
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">"Access requests"</h1>
                </div>
            </header>
            {theirs}
            <section class="requests" aria-labelledby="mine">
                <h2 class="section-title" id="mine">"Your requests"</h2>
                {mine}
            </section>
        };
        Ok(Content::new("Access requests", body))
    })
}

fn list(requests: &[AccessRequest], who: bool) -> AnyView {
    let rows: Vec<_> = requests.iter().map(|r| row(r, who)).collect();
    view! {
        <table class="table table--links">
            <thead>
                <tr>
                    <th scope="col">"Dataset"</th>
                    {who.then(|| view! { <th scope="col">"Who"</th> })}
                    <th scope="col">"What for"</th>
                    <th scope="col">"Asked"</th>
                    <th scope="col">"State"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(r: &AccessRequest, who: bool) -> AnyView {
    let asker = who.then(|| {
        let email = r
            .asker
            .email
            .clone()
            .map(|e| view! { <span class="entry__about"><bdi>{visible(&e).into_owned()}</bdi></span> });
        let groups = visible(&r.asker.groups.join(", ")).into_owned();
        view! {
            <td data-label="Who">
                <bdi>{visible(&r.asker.name).into_owned()}</bdi>
                {email}
                <span class="entry__about"><bdi>{groups}</bdi></span>
            </td>
        }
    });
    let reason = r.answered.as_ref().filter(|a| !a.reason.is_empty()).map(|a| visible(&a.reason).into_owned());
    view! {
        <tr>
            <th scope="row" class="entry">
                <a class="entry__title" href=format!("/access/{}", r.id)>{r.dataset.to_string()}</a>
            </th>
            {asker}
            <td data-label="What for" class="requests__words"><bdi>{visible(&r.ask.purpose).into_owned()}</bdi></td>
            <td data-label="Asked">{ago(r.asked_at)}</td>
            <td data-label="State">
                {state(r)}
                {reason.map(|why| view! { <span class="entry__about"><bdi>{why}</bdi></span> })}
            </td>
        </tr>
    }
    .into_any()
}

/// What became of a request, with the time that matters.
fn state(r: &AccessRequest) -> AnyView {
    let until = || r.given.as_ref().map(|g| instant(g.until));
    match r.state {
        AccessState::Waiting => badge(Tone::Careful, "waits").into_any(),
        AccessState::Withdrawn => badge(Tone::Quiet, "taken back").into_any(),
        AccessState::Granted => view! { {badge(Tone::Good, "granted")} " until " {until()} }.into_any(),
        AccessState::Refused => badge(Tone::Bad, "refused").into_any(),
        AccessState::Ended => badge(Tone::Bad, "ended").into_any(),
        AccessState::Expired => view! { {badge(Tone::Quiet, "expired")} " " {until()} }.into_any(),
    }
}

/// That requests wait for the viewer's answer; nothing when none does.
pub fn waits(waiting: usize) -> Option<AnyView> {
    (waiting > 0).then(|| {
        let words = if waiting == 1 { " waits for your answer." } else { " wait for your answer." };
        view! {
            <p class="banner banner--careful home__waits">
                {icon(Icon::Key)}
                <span><a href="/access">{count(waiting as u64, "access request")}</a> {words}</span>
            </p>
        }
        .into_any()
    })
}

/// That the viewer's access to a dataset ends soon; nothing when it does not.
pub fn ends(dataset: &Dataset) -> Option<AnyView> {
    let (at, all) = match (dataset.access.until, dataset.access.ends) {
        (Some(until), None) => (until, true),
        (Some(until), Some(ends)) => (ends, ends == until),
        (None, ends) => (ends?, false),
    };
    let now = Utc::now();
    (at - now < SOON).then(|| {
        let what = if all { "Your access to " } else { "A part of your access to " };
        let again = Href::dataset(&dataset.name).with("tab", "access").build() + "#ask";
        view! {
            <p class="banner banner--careful home__waits">
                {icon(Icon::Alert)}
                <span>
                    {what} <a href=Href::dataset(&dataset.name).build()>{dataset.name.to_string()}</a>
                    " ends " {left(at, now)} ". " <a href=again>"Ask again"</a>
                </span>
            </p>
        }
        .into_any()
    })
}

fn left(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (at - now).num_hours() {
        ..1 => "within the hour".to_owned(),
        hours @ 1..48 => format!("in {}", count(hours.unsigned_abs(), "hour")),
        hours => format!("in {} days", (hours + 12) / 24),
    }
}

/// Datasets that the viewer may ask for; nothing when there are none.
pub fn discovered(found: &[Discovered]) -> Option<AnyView> {
    let rows: Vec<_> = found
        .iter()
        .map(|d| {
            let about = (!d.description.is_empty()).then(|| d.description.clone());
            view! {
                <tr>
                    <th scope="row" class="entry">
                        <a class="entry__title" href=Href::dataset(&d.name).build()><bdi>{d.title.clone()}</bdi></a>
                        <span class="entry__name">{d.name.to_string()}</span>
                        {about.map(|text| view! { <span class="entry__about"><bdi>{text}</bdi></span> })}
                    </th>
                    <td data-label="Owner" class="quiet"><bdi>{d.owner.clone().unwrap_or_else(|| "–".into())}</bdi></td>
                </tr>
            }
        })
        .collect();
    (!found.is_empty()).then(|| {
        view! {
            <section class="requests" aria-labelledby="discovered">
                <h2 class="section-title" id="discovered">"You cannot see their data, and may ask for access"</h2>
                <table class="table table--links">
                    <thead><tr><th scope="col">"Dataset"</th> <th scope="col">"Owner"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
        .into_any()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_days_or_hours() {
        let now = Utc::now();
        for (minutes, said) in
            [(30, "within the hour"), (90, "in 1 hour"), (26 * 60, "in 26 hours"), (6 * 1440, "in 6 days")]
        {
            assert_eq!(left(now + TimeDelta::minutes(minutes), now), said);
        }
    }
}
