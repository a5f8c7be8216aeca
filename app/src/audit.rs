//! The audit: who did what, searched by links and one form. Stewards see everyone, others their own activity.

use chrono::{DateTime, Days, NaiveDate, Utc};
use leptos::prelude::*;
use model::{AuditAction, AuditFilter, AuditOutcome, AuditPage as Found};

use crate::{
    address::{Address, Href},
    components::{Icon, Tab, empty, icon, is_about_request, problem, tabs},
    shell::{Content, Place, not_shown, page},
};

mod list;
mod words;

/// Which filters there are, as the address names them.
const FILTERS: [&str; 7] = ["action", "outcome", "dataset", "person", "text", "from", "until"];

#[component]
pub fn AuditPage() -> impl IntoView {
    page(Place::Elsewhere, async |viewer| {
        if viewer.viewing().is_some() {
            return Ok(not_shown("Activity", &viewer.who.name));
        }
        let (address, steward) = (&viewer.address, viewer.context.steward);
        let mine = !steward || address.get("mine").is_some();
        let asked = filter(address);
        let found = match &asked {
            Ok(filter) => {
                let who = mine.then(|| viewer.who.key());
                viewer.lake().audit(&viewer.who, &AuditFilter { who, ..filter.clone() }).await
            }
            Err(message) => Err(lake::LakeError::invalid(message.clone())),
        };
        let (found, wrong) = match found {
            Ok(found) => (found, None),
            Err(e) if is_about_request(&e) => (Found::default(), Some(problem(&e, ""))),
            Err(e) => return Err(e),
        };
        let title = if steward { "Audit" } else { "My activity" };
        let about = match steward {
            true => "What everyone did, what became of it, and why something was denied.",
            false => "What you did here, and what became of it. Stewards see it too.",
        };
        let narrowed = FILTERS.iter().any(|name| address.get(name).is_some());
        let list = match &wrong {
            Some(_) => ().into_any(),
            None if found.events.is_empty() => nothing(narrowed || address.get("before").is_some(), mine && steward),
            None => list::events(&found.events, !mine),
        };
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title">{title}</h1>
                    <p class="page-head__facts">{about}</p>
                </div>
                <div class="page-head__actions">
                    <a class="button" href=in_sql(&asked.clone().unwrap_or_default())>{icon(Icon::Terminal)} "Ask in SQL"</a>
                </div>
            </header>
            {steward.then(|| whose(address, mine))}
            {form(address, !mine, narrowed)}
            {wrong}
            {list}
            {pager(address, &found)}
        };
        Ok(Content::new(title, body))
    })
}

/// What the address asks for.
fn filter(address: &Address) -> Result<AuditFilter, String> {
    let text = |name: &str| address.get(name).map(str::to_owned);
    let until = day(address, "until")?.map(|day| day.checked_add_days(Days::new(1)).unwrap_or(day));
    Ok(AuditFilter {
        action: address.get("action").map(str::parse).transpose()?,
        outcome: address.get("outcome").map(str::parse).transpose()?,
        dataset: text("dataset"),
        person: text("person"),
        who: None,
        text: text("text"),
        from: day(address, "from")?.map(midnight),
        until: until.map(midnight),
        before: text("before"),
    })
}

fn day(address: &Address, name: &str) -> Result<Option<NaiveDate>, String> {
    let given = address.get(name).map(|day| day.parse::<NaiveDate>().map_err(|_| day));
    given.transpose().map_err(|day| format!("`{day}` is not a day: write it as 2026-11-30"))
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// The same search, from its first page.
fn same(address: &Address) -> Href {
    let kept = FILTERS.iter().chain(&["mine"]);
    kept.fold(Href::to("/audit"), |href, name| href.with_some(name, address.get(name)))
}

/// The search as a query to go on from.
fn in_sql(filter: &AuditFilter) -> String {
    let wanted = conditions(filter);
    let wanted = if wanted.is_empty() { String::new() } else { format!("where {}\n", wanted.join("\n  and ")) };
    let sql = format!(
        "select \"at\", name, action, outcome, datasets, text, message\nfrom system.audit\n{wanted}order by event desc\nlimit 100"
    );
    Href::to("/sql").with("sql", sql).build()
}

fn conditions(filter: &AuditFilter) -> Vec<String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let holds = |column: &str, part: &str| format!("strpos(lower({column}), {}) > 0", quoted(&part.to_lowercase()));
    let any = |columns: [&str; 2], part: &str| format!("({})", columns.map(|c| holds(c, part)).join(" or "));
    let mut wanted = Vec::new();
    wanted.extend(filter.action.map(|a| format!("action = {}", quoted(a.word()))));
    wanted.extend(filter.outcome.map(|o| format!("outcome = {}", quoted(o.word()))));
    wanted.extend(filter.dataset.as_deref().map(|d| holds("datasets", d)));
    wanted.extend(filter.person.as_deref().map(|p| any(["name", "email"], p)));
    wanted.extend(filter.text.as_deref().map(|t| any(["text", "message"], t)));
    wanted.extend(filter.from.map(|at| format!("\"at\" >= '{}'", at.format("%Y-%m-%dT%H:%M:%SZ"))));
    wanted.extend(filter.until.map(|at| format!("\"at\" < '{}'", at.format("%Y-%m-%dT%H:%M:%SZ"))));
    wanted
}

fn whose(address: &Address, mine: bool) -> AnyView {
    let kept = || {
        let kept = FILTERS.iter().filter(|name| **name != "person");
        kept.fold(Href::to("/audit"), |href, name| href.with_some(name, address.get(name)))
    };
    let everyone = Tab { words: "Everyone", href: kept().build(), current: !mine, count: None };
    let own = Tab { words: "My activity", href: kept().with("mine", "1").build(), current: mine, count: None };
    tabs("Whose activity", vec![everyone, own]).into_any()
}

fn form(address: &Address, with_person: bool, narrowed: bool) -> AnyView {
    let field = |name: &'static str, label: &'static str, kind: &'static str, example: &'static str| {
        view! {
            <label class="audit-form__field">
                <span class="field__label">{label}</span>
                <input
                    class="field__input"
                    type=kind
                    name=name
                    value=address.get(name).unwrap_or_default().to_owned()
                    placeholder=example
                    maxlength="500"
                    autocomplete="off"
                />
            </label>
        }
    };
    let actions = AuditAction::ALL.iter().map(|a| (a.word(), words::action(*a)));
    let outcomes = AuditOutcome::ALL.iter().map(|o| (o.word(), words::outcome(*o)));
    let clear = match address.get("mine") {
        Some(_) => "/audit?mine=1",
        None => "/audit",
    };
    view! {
        <form class="audit-form" action="/audit" method="get" role="search" aria-label="Within the audit">
            {address.get("mine").map(|_| view! { <input type="hidden" name="mine" value="1" /> })}
            {choice("action", "What", "Anything", address, actions)}
            {choice("outcome", "Outcome", "Any", address, outcomes)}
            {field("dataset", "Dataset", "text", "unit.dataset")}
            {with_person.then(|| field("person", "Person", "text", "Name or e-mail"))}
            {field("text", "Text", "search", "Part of it")}
            {field("from", "From (UTC)", "date", "")}
            {field("until", "Until (UTC)", "date", "")}
            <div class="audit-form__end">
                <button class="button button--primary" type="submit">{icon(Icon::Search)} "Search"</button>
                {narrowed.then(|| view! { <a class="button button--plain" href=clear>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

fn choice(
    name: &'static str,
    label: &'static str,
    any: &'static str,
    address: &Address,
    all: impl Iterator<Item = (&'static str, &'static str)>,
) -> AnyView {
    let options: Vec<_> = all
        .map(|(word, shown)| view! { <option value=word selected=address.get(name) == Some(word)>{shown}</option> })
        .collect();
    view! {
        <label class="audit-form__field">
            <span class="field__label">{label}</span>
            <select class="field__input" name=name>
                <option value="">{any}</option>
                {options}
            </select>
        </label>
    }
    .into_any()
}

fn nothing(narrowed: bool, mine: bool) -> AnyView {
    if narrowed {
        let all = if mine { "/audit?mine=1" } else { "/audit" };
        let body = view! {
            <p>"Every filter must hold at once. Try fewer, or a longer time."</p>
            <p><a class="button" href=all>"Show all"</a></p>
        };
        return empty(Icon::Search, "Nothing like that has happened", body);
    }
    let body = view! { <p>"Sign-ins, queries, downloads and files appear here within a second or two."</p> };
    empty(Icon::Eye, "Nothing has happened yet", body)
}

fn pager(address: &Address, found: &Found) -> Option<AnyView> {
    let newest = address.get("before").map(|_| same(address).build());
    let older = found.before.as_ref().map(|before| same(address).with("before", before).build());
    let step =
        |href: Option<String>, words: &'static str| href.map(|href| view! { <a class="button" href=href>{words}</a> });
    (newest.is_some() || older.is_some()).then(|| {
        view! {
            <nav class="audit-pager" aria-label="Pages of events">
                {step(newest, "Newest")}
                {step(older, "Older")}
            </nav>
        }
        .into_any()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_becomes_conditions_that_no_quote_ends() {
        let filter = AuditFilter {
            outcome: Some(AuditOutcome::Denied),
            dataset: Some("Ops.O'Hare".into()),
            ..AuditFilter::default()
        };
        assert_eq!(conditions(&filter), ["outcome = 'denied'", "strpos(lower(datasets), 'ops.o''hare') > 0"]);
        assert!(conditions(&AuditFilter::default()).is_empty());
    }
}
