//! Events as lines of a table. Whatever they hold was typed or sent by someone: it is shown as text.

use leptos::prelude::*;
use model::{AuditEvent, AuditOutcome, DatasetName};

use super::words;
use crate::{
    address::Href,
    components::{Tone, badge, bytes, duration, grouped, instant, sentence, visible},
};

/// With or without the person.
pub fn events(all: &[AuditEvent], with_person: bool) -> AnyView {
    let lines: Vec<_> = all.iter().map(|event| line(event, with_person)).collect();
    view! {
        <table class="table table--links audit">
            <thead>
                <tr>
                    <th scope="col">"What"</th>
                    <th scope="col">"Outcome"</th>
                    {with_person.then(|| view! { <th scope="col">"Person"</th> })}
                    <th scope="col" class="table__number">"Rows"</th>
                    <th scope="col" class="table__number">"Took"</th>
                    <th scope="col">"When"</th>
                </tr>
            </thead>
            <tbody>{lines}</tbody>
        </table>
    }
    .into_any()
}

fn line(event: &AuditEvent, with_person: bool) -> AnyView {
    let shown = |text: &str| visible(text).into_owned();
    let text = event.text.as_deref().filter(|t| !t.is_empty()).map(|text| {
        let lines: Vec<String> = text.lines().map(shown).collect();
        view! { <code class="audit__text"><bdi>{lines.join("\n")}</bdi></code> }
    });
    // Stewards see why, others what they were told.
    let reason = event.reason.as_deref().or(event.message.as_deref()).map(|reason| {
        view! { <span class="audit__reason">{sentence(reason)}</span> }
    });
    let person = with_person.then(|| {
        let name = if event.name.is_empty() { "–".to_owned() } else { shown(&event.name) };
        view! { <td data-label="Person"><bdi>{name}</bdi></td> }
    });
    let took = event.milliseconds.map_or_else(|| "–".to_owned(), duration);
    view! {
        <tr>
            <th scope="row" class="entry audit__what">
                <span class="audit__head">
                    <span class="audit__action">{words::action(event.action)}</span>
                    {datasets(event)}
                </span>
                {text}
                {reason}
                {details(event)}
            </th>
            <td data-label="Outcome">{outcome(event)}</td>
            {person}
            <td class="table__number" data-label="Rows">{event.rows.map_or_else(|| "–".to_owned(), grouped)}</td>
            <td class="table__number quiet" data-label="Took">{took}</td>
            <td class="audit__when" data-label="When">{instant(event.at)}</td>
        </tr>
    }
    .into_any()
}

/// The datasets, as links unless they were denied.
fn datasets(event: &AuditEvent) -> Vec<AnyView> {
    let names = event.datasets.as_deref().unwrap_or_default().split(", ").filter(|n| !n.is_empty());
    let link = |name: &str| -> AnyView {
        let known = name.split_once('.').and_then(|(unit, name)| DatasetName::to_read(unit, name).ok());
        match known.filter(|_| event.outcome == AuditOutcome::Ok) {
            Some(known) => {
                view! { <a class="audit__dataset" href=Href::dataset(&known).build()>{name.to_owned()}</a> }.into_any()
            }
            None => view! { <span class="audit__dataset"><bdi>{visible(name).into_owned()}</bdi></span> }.into_any(),
        }
    };
    names.map(link).collect()
}

fn outcome(event: &AuditEvent) -> AnyView {
    let words = words::outcome(event.outcome);
    let tone = match event.outcome {
        AuditOutcome::Ok => Tone::Good,
        AuditOutcome::Denied => Tone::Bad,
        AuditOutcome::Failed => Tone::Careful,
    };
    badge(tone, words).into_any()
}

/// All that is known and does not stand in the line.
fn details(event: &AuditEvent) -> AnyView {
    let size = event.bytes.map(bytes);
    let cached = event.cached.map(|cached| if cached { "was there already" } else { "computed now" }.to_owned());
    let facts = [
        ("At", Some(event.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))),
        ("Was told", event.message.clone().filter(|_| event.reason.is_some())),
        ("Columns", event.columns.clone()),
        ("Size", size),
        ("Answer", cached),
        ("E-mail", event.email.clone()),
        ("Identity", event.who.clone()),
        ("Came by", Some(event.via.clone()).filter(|v| !v.is_empty())),
        ("Address", event.address.clone()),
        ("Request", event.request.clone()),
        ("Policy", event.policy.clone()),
        ("Event", Some(event.event.clone())),
    ];
    let facts: Vec<_> = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| view! { <dt>{name}</dt> <dd><bdi>{visible(&value).into_owned()}</bdi></dd> })
        .collect();
    view! {
        <details class="audit__more">
            <summary>"Details"</summary>
            <dl class="facts audit__facts">{facts}</dl>
        </details>
    }
    .into_any()
}
