//! What was published as the policy: who, when, why, and the lines in which each version differs from the one before.

use leptos::prelude::*;
use model::{PolicyText, PolicyVersion, PolicyVersionDetail, PolicyVersionState, PolicyVersions};

use super::{Page, head, lines};
use crate::{
    address::Href,
    components::{Head, Icon, Tone, badge, empty, icon, instant, snippet, table, visible},
    shell::{Content, Place, page},
};

const HEADS: [Head; 5] = [
    Head::Words("Version"),
    Head::Words("When"),
    Head::Words("Who"),
    Head::Words("Note"),
    Head::Unseen("Publish again"),
];

#[component]
pub fn PolicyHistoryPage() -> impl IntoView {
    page(Place::Policy, async |viewer| {
        super::stewards_alone(&viewer)?;
        let number = |name: &str| viewer.address.get(name).and_then(|n| n.parse::<u64>().ok());
        let now = viewer.lake().policy_text(&viewer.who).await?;
        if let Some(wanted) = number("version") {
            let detail = viewer.lake().policy_version(&viewer.who, wanted).await?;
            return Ok(Content::new(format!("Version {wanted} of the policy"), one(&detail, &now)));
        }
        let found = viewer.lake().policy_versions(&viewer.who, number("before")).await?;
        let published = number("published").filter(|n| now.version == Some(*n)).map(|n| {
            view! {
                <p class="banner banner--good" role="status">
                    "Version "{n}" is the policy now, on every replica within seconds."
                </p>
            }
        });
        let body = view! {
            {head("History of the policy", Page::History)}
            {published}
            {list(&found, &now)}
        };
        Ok(Content::new("History of the policy", body))
    })
}

fn list(found: &PolicyVersions, now: &PolicyText) -> AnyView {
    if found.items.is_empty() {
        let body = view! {
            <p>
                "The policy of now was not published here. With the first version that is, it is kept too. "
                <a href="/policy/edit">"Edit the policy"</a>
            </p>
        };
        return empty(Icon::Eye, "No versions yet", body).into_any();
    }
    let by_hand = now.is_changed_by_hand().then(|| {
        view! {
            <p class="banner banner--careful">{icon(Icon::Alert)}
                <span>
                    "policy.toml was changed since the newest version, and not here. "
                    <a href="/policy/edit">"See what was changed"</a>
                </span>
            </p>
        }
    });
    let lines: Vec<_> = found.items.iter().map(|v| line(v, now)).collect();
    let older = found.before.map(|before| {
        let href = Href::to("/policy/history").with("before", before.to_string()).build();
        view! { <p><a class="button" href=href>"Older versions"</a></p> }
    });
    view! {
        {by_hand}
        {table("Versions", "table--links policy-history", &HEADS, lines)}
        {older}
    }
    .into_any()
}

fn line(v: &PolicyVersion, now: &PolicyText) -> AnyView {
    let holds = now.version == Some(v.version);
    let href = Href::to("/policy/history").with("version", v.version.to_string()).build();
    view! {
        <tr>
            <th scope="row"><a href=href>"Version "{v.version}</a> " " {state(v, now)}</th>
            <td data-label="When">{instant(v.published_at)}</td>
            <td data-label="Who">{who(v)}</td>
            <td data-label="Note" class="policy-history__note"><bdi>{note(v)}</bdi></td>
            <td>{(!holds).then(|| again(v))}</td>
        </tr>
    }
    .into_any()
}

fn state(v: &PolicyVersion, now: &PolicyText) -> Option<AnyView> {
    match v.state {
        _ if now.version == Some(v.version) => Some(badge(Tone::Good, "holds now").into_any()),
        PolicyVersionState::Begun => Some(badge(Tone::Careful, "did not come about").into_any()),
        PolicyVersionState::GivenUp => Some(badge(Tone::Careful, "given up").into_any()),
        PolicyVersionState::Published => None,
    }
}

fn who(v: &PolicyVersion) -> AnyView {
    match &v.by {
        Some(by) => view! { <bdi>{visible(by).into_owned()}</bdi> }.into_any(),
        None => view! { <span class="quiet">"found in policy.toml"</span> }.into_any(),
    }
}

fn note(v: &PolicyVersion) -> String {
    match v.restores {
        Some(n) if v.note.is_empty() => format!("As version {n} was"),
        _ => visible(&v.note).into_owned(),
    }
}

fn again(v: &PolicyVersion) -> AnyView {
    let href = Href::to("/policy/edit").with("version", v.version.to_string()).build();
    let label = format!("Publish version {} again", v.version);
    view! { <a class="button button--small" href=href aria-label=label>"Publish again…"</a> }.into_any()
}

fn one(detail: &PolicyVersionDetail, now: &PolicyText) -> AnyView {
    let v = &detail.version;
    let holds = now.version == Some(v.version);
    view! {
        {head(&format!("Version {} of the policy", v.version), Page::History)}
        <div class="review">
        <section class="card">
            <dl class="facts">
                <dt>"Published"</dt> <dd>{instant(v.published_at)} " " {state(v, now)}</dd>
                <dt>"By"</dt> <dd>{who(v)}</dd>
                {(!note(v).is_empty()).then(|| view! { <dt>"Note"</dt> <dd><bdi>{note(v)}</bdi></dd> })}
                <dt>"SHA-256"</dt> <dd><code>{v.sha256.clone()}</code></dd>
            </dl>
            {(!holds).then(|| view! { <p class="card__end">{again(v)}</p> })}
        </section>
        <section class="card">
            <h2 class="card__title">"Against the version before"</h2>
            {lines::view(&detail.difference, "Against the version before")}
        </section>
        </div>
        <details>
            <summary class="policy-history__whole">"The whole text"</summary>
            {snippet(format!("policy.toml, version {}", v.version), detail.text.clone())}
        </details>
    }
    .into_any()
}
