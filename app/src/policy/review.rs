//! What a text would change, before it is published: what is wrong with it, who gains, who loses, and the lines.

use leptos::prelude::*;
use model::{AccessChange, AccessNote, Action, Doubt, PolicyEffect, PolicyReview, Turn};

use super::lines;
use crate::{
    components::{Head, Icon, Tone, badge, count, grouped, icon, instant, table, visible},
    context::Draft,
};

const HEADS: [Head; 5] = [
    Head::Words("Who"),
    Head::Words("Dataset"),
    Head::Words("Change"),
    Head::Number("Rows"),
    Head::Words("What differs"),
];

pub(super) fn view(found: &PolicyReview, draft: &Draft) -> AnyView {
    view! {
        <section class="review" aria-labelledby="review">
            <h2 class="section-title" id="review">"What would change"</h2>
            {check(found)}
            {match &found.effect {
                Some(effect) => changes(effect),
                None => view! {
                    <p class="banner banner--bad">{icon(Icon::Alert)}
                        <span>"The text cannot be read, so that it cannot be published. Mend it below and review it again."</span>
                    </p>
                }.into_any(),
            }}
            {(!found.difference.is_empty()).then(|| view! {
                <details class="card">
                    <summary class="card__title">"The lines that differ from the policy of now"</summary>
                    {lines::view(&found.difference, "The lines that differ")}
                </details>
            })}
            {found.effect.is_some().then(|| publish(found, draft))}
        </section>
    }
    .into_any()
}

/// Findings and tests.
fn check(found: &PolicyReview) -> AnyView {
    let findings: Vec<_> = found
        .findings
        .iter()
        .map(|f| {
            let kind =
                if f.error { badge(Tone::Bad, "error").into_any() } else { badge(Tone::Careful, "warning").into_any() };
            let place = format!("Line {}, column {}", f.line, f.column);
            view! { <li>{kind} " " <strong>{place}</strong> " " <bdi>{visible(&f.message).into_owned()}</bdi></li> }
        })
        .collect();
    let failed: Vec<_> = found
        .tests
        .iter()
        .filter_map(|test| {
            let why = test.failed.clone()?;
            Some(view! {
                <li>
                    {badge(Tone::Bad, "does not hold")} " " <strong>"Line "{test.line}</strong> " "
                    <code><bdi>{visible(&test.what).into_owned()}</bdi></code> <span class="review__why"><bdi>{visible(&why).into_owned()}</bdi></span>
                </li>
            })
        })
        .collect();
    let held = found.tests.len() - failed.len();
    let tests =
        (!found.tests.is_empty()).then(|| format!("{held} of {} hold.", count(found.tests.len() as u64, "test")));
    let nothing = (findings.is_empty() && failed.is_empty()).then_some("The check found nothing wrong. ");
    view! {
        <div class="card">
            <h3 class="card__title">"The check"</h3>
            <p>{nothing}{tests}</p>
            <ul class="review__list">{findings} {failed}</ul>
        </div>
    }
    .into_any()
}

fn changes(effect: &PolicyEffect) -> AnyView {
    let looked_at = format!(
        "{} and {} were compared, as they are now: everyone who has signed in, and whomever a grant names.",
        count(effect.people, "person or name").replace("person or names", "people and names"),
        count(effect.datasets, "dataset")
    );
    let stewards: Vec<_> = effect
        .stewards
        .iter()
        .map(|s| {
            let (tone, words) =
                if s.becomes { (Tone::Careful, "becomes a steward") } else { (Tone::Bad, "is no steward any more") };
            view! { <li><strong><bdi>{visible(&s.who).into_owned()}</bdi></strong> " " {badge(tone, words)}</li> }
        })
        .collect();
    let rows: Vec<_> = effect.changes.iter().map(line).collect();
    let table = if rows.is_empty() {
        view! { <p>"Nobody sees more or less than now."</p> }.into_any()
    } else {
        table("Who gains and who loses", "table--links review__effect", &HEADS, rows)
    };
    let left_out: Vec<_> = effect.left_out.iter().map(|l| view! { <li>{l.clone()}</li> }).collect();
    view! {
        <div class="card">
            <h3 class="card__title">"Who gains and who loses"</h3>
            <ul class="review__list">{stewards}</ul>
            {table}
            <p class="note">{looked_at}</p>
            {(!left_out.is_empty()).then(|| view! { <ul class="review__list note">{left_out}</ul> })}
        </div>
    }
    .into_any()
}

fn line(c: &AccessChange) -> AnyView {
    let (tone, words) = match c.turn {
        Turn::Gains => (Tone::Careful, "gains"),
        Turn::Loses => (Tone::Bad, "loses"),
        Turn::More => (Tone::Careful, "sees more"),
        Turn::Less => (Tone::Bad, "sees less"),
        Turn::Other => (Tone::Accent, "changes"),
    };
    let rows = match c.rows {
        Some(rows) => view! {
            <span class="review__rows">{grouped(rows.before)}" → "{grouped(rows.after)}</span>
            <span class="entry__about">"of "{grouped(rows.total)}</span>
        }
        .into_any(),
        None => view! { <span class="quiet">"–"</span> }.into_any(),
    };
    let differs: Vec<_> = differs(c).into_iter().map(|d| view! { <li>{d}</li> }).collect();
    view! {
        <tr>
            <th scope="row"><bdi>{visible(&c.who).into_owned()}</bdi></th>
            <td data-label="Dataset">{c.dataset.to_string()}</td>
            <td data-label="Change">{badge(tone, words)}</td>
            <td data-label="Rows" class="table__number">{rows}</td>
            <td data-label="Differs" class="review__differs"><ul>{differs}</ul></td>
        </tr>
    }
    .into_any()
}

/// Filter, columns, rights and end, where they differ.
fn differs(c: &AccessChange) -> Vec<AnyView> {
    let mut all = Vec::new();
    let filter = |note: Option<&AccessNote>| match note {
        None => "nothing".to_owned(),
        Some(note) => note.rows.clone().unwrap_or_else(|| "all rows".to_owned()),
    };
    let (before, after) = (filter(c.before.as_ref()), filter(c.after.as_ref()));
    if before != after {
        let code = |text: &str| view! { <code><bdi>{visible(text).into_owned()}</bdi></code> };
        all.push(view! { "Rows: " {code(&before)} " → " {code(&after)} }.into_any());
    }
    // Where there was nothing, or will be nothing, only what is left out of the whole is worth a word.
    let told = c.columns.iter().filter(|shown| match c.turn {
        Turn::Gains => shown.after != "seen",
        Turn::Loses => false,
        Turn::More | Turn::Less | Turn::Other => true,
    });
    for shown in told {
        let name = view! { <code><bdi>{visible(&shown.name).into_owned()}</bdi></code> };
        all.push(view! { {name} ": " {shown.before.clone()} " → " {shown.after.clone()} }.into_any());
    }
    if c.may_before != c.may_after {
        let words = |may: &[Action]| match may {
            [] => "nothing".to_owned(),
            may => may.iter().map(|a| a.word()).collect::<Vec<_>>().join(", "),
        };
        all.push(view! { "May: " {words(&c.may_before)} " → " {words(&c.may_after)} }.into_any());
    }
    let until = |note: Option<&AccessNote>| note.and_then(|n| n.until);
    let (before, after) = (until(c.before.as_ref()), until(c.after.as_ref()));
    if before != after && c.after.is_some() {
        let words = after.map_or_else(|| "no end".into_any(), |at| instant(at).into_any());
        all.push(view! { "Until: " {words} }.into_any());
    }
    all
}

/// A form of its own, so that no key pressed in the editor publishes.
fn publish(found: &PolicyReview, draft: &Draft) -> AnyView {
    let ticks: Vec<_> = found
        .doubts
        .iter()
        .map(|doubt| {
            let ticked = draft.accept.contains(doubt);
            view! {
                <label class="check">
                    <input type="checkbox" name="accept" value=doubt.word() checked=ticked required />
                    <span>{doubt.sentence()} " " {all_the_same(*doubt)}</span>
                </label>
            }
        })
        .collect();
    let class = if ticks.is_empty() { "card review__publish" } else { "card review__publish review__publish--careful" };
    view! {
        <form class=class action="/policy/edit" method="post">
            <h3 class="card__title">"Publish"</h3>
            <input type="hidden" name="base" value=draft.base.clone() />
            <input type="hidden" name="restores" value=draft.restores.map(|n| n.to_string()) />
            <input type="hidden" name="text" value=draft.text.clone() />
            {ticks}
            <div class="field">
                <label class="field__label" for="publish-note">"Note"</label>
                <p class="field__hint" id="publish-note-hint">"Why, for those who read the history"</p>
                <input
                    class="field__input"
                    id="publish-note"
                    name="note"
                    value=draft.note.clone()
                    maxlength="1000"
                    aria-describedby="publish-note-hint"
                    autocomplete="off"
                />
            </div>
            <div class="policy-edit__bar">
                <button class="button button--primary" type="submit" name="do" value="publish">"Publish this policy"</button>
                <p class="note">"It holds within seconds, for running sessions and kept answers too."</p>
            </div>
        </form>
    }
    .into_any()
}

fn all_the_same(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Errors | Doubt::Tests => "Publish it all the same.",
        Doubt::OwnRight => "Give the right up.",
    }
}
