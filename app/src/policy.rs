//! Who sees what: for stewards, one person's view of every dataset, and the grants behind it.

use std::collections::{BTreeMap, BTreeSet};

use lake::LakeError;
use leptos::prelude::*;
use model::{DatasetName, Principal};

use crate::{
    address::{Address, Href},
    components::{Icon, Tab, empty, field, icon, tabs},
    context::Known,
    shell::{Content, Place, Viewer, page},
};

mod dataset;
mod edit;
mod history;
mod lines;
mod overview;
mod review;
mod slips;

pub use edit::PolicyEditPage;
pub use history::PolicyHistoryPage;

/// The issuer of somebody who is only described.
const DESCRIBED: &str = "described";

#[component]
pub fn PolicyPage() -> impl IntoView {
    page(Place::Policy, async |viewer| {
        stewards_alone(&viewer)?;
        let people = viewer.context.accounts.people(&viewer.who).await?;
        let whose = Whose::of(&viewer.address, &people);
        let dataset = match viewer.address.get("dataset") {
            Some(name) => Some(name.parse::<DatasetName>().map_err(|e| LakeError::invalid(e.to_string()))?),
            None => None,
        };
        let mut slips = Vec::new();
        let (title, body) = match (&whose, &dataset) {
            (None, None) => ("Who sees what".to_owned(), nobody_chosen(&people)),
            (None, Some(name)) => {
                let grants = viewer.lake().grants_on(&viewer.who, name).await?;
                (format!("Who sees {name}"), dataset::who_sees(name, &grants))
            }
            (Some(whose), _) => {
                if whose.is_described() {
                    let policy = viewer.lake().policy_text(&viewer.who).await?.text;
                    let (groups, claims) = (viewer.address.get("groups"), viewer.address.get("claims"));
                    slips = slips::slips(groups, claims, &people, &policy);
                }
                let told = viewer.lake().explain(&viewer.who, &whose.who, dataset.as_ref()).await?;
                let title = format!("What {} sees", whose.who.name);
                match (&dataset, told.datasets.first()) {
                    (Some(_), Some(one)) => (title, dataset::view(one, whose)),
                    (Some(name), None) => return Err(LakeError::NotFound { what: "dataset", name: name.to_string() }),
                    (None, _) => (title, overview::view(&told, whose)),
                }
            }
        };
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <h1 class="page-head__title"><bdi>{title.clone()}</bdi></h1>
                    <p class="page-head__facts">
                        {whose.as_ref().map(|w| view! { <span><bdi>{in_words(&w.who)}</bdi></span> })}
                    </p>
                </div>
                <div class="page-head__actions">{whose.as_ref().map(Whose::view_as)}</div>
            </header>
            {sections(Page::People)}
            {chooser(&people, whose.as_ref(), viewer.address.get("dataset"))}
            {slips::view(slips)}
            {body}
        };
        Ok(Content::new(title, body))
    })
}

/// The pages about the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    People,
    Edit,
    History,
}

fn head(title: &str, current: Page) -> AnyView {
    view! {
        <header class="page-head">
            <div class="page-head__words"><h1 class="page-head__title">{title.to_owned()}</h1></div>
        </header>
        {sections(current)}
    }
    .into_any()
}

fn sections(current: Page) -> impl IntoView {
    let tab = |words, href: &str, page| Tab { words, href: href.to_owned(), current: page == current, count: None };
    let all = vec![
        tab("Who sees what", "/policy", Page::People),
        tab("Edit", "/policy/edit", Page::Edit),
        tab("History", "/policy/history", Page::History),
    ];
    tabs("Policy", all)
}

/// For others the pages do not exist.
fn stewards_alone(viewer: &Viewer) -> Result<(), LakeError> {
    match viewer.context.steward {
        true => Ok(()),
        false => Err(LakeError::NotFound { what: "page", name: viewer.address.here.clone() }),
    }
}

/// Somebody whose view is asked for, and the address that says so.
pub(crate) struct Whose {
    pub who: Principal,
    /// Names and values of the address.
    said: Vec<(&'static str, String)>,
}

impl Whose {
    /// A known person, or one described by groups and claims; `None` when nobody is named.
    fn of(address: &Address, people: &[Known]) -> Option<Self> {
        if let Some(id) = address.get("who")
            && let Some(known) = people.iter().find(|p| p.id == id)
        {
            return Some(Self { who: known.principal.clone(), said: vec![("who", id.to_owned())] });
        }
        let (user, groups, claims) = (address.get("user"), address.get("groups"), address.get("claims"));
        let who = described(user, groups, claims)?;
        let said = [("user", user), ("groups", groups), ("claims", claims)];
        let said = said.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        Some(Self { who, said })
    }

    /// The page about this person, and about one dataset or all.
    pub fn href(&self, dataset: Option<&DatasetName>) -> String {
        let whole = self.said.iter().fold(Href::to("/policy"), |href, (name, value)| href.with(name, value));
        whole.with_some("dataset", dataset.map(ToString::to_string).as_deref()).build()
    }

    fn is_described(&self) -> bool {
        self.said.iter().all(|(name, _)| *name != "who")
    }

    /// A way to look at the portal as this person.
    fn view_as(&self) -> AnyView {
        let said = self.said.iter().map(|(name, value)| {
            view! { <input type="hidden" name=*name value=value.clone() /> }
        });
        view! {
            <form action="/view-as" method="post">
                {said.collect_view()}
                <button class="button" type="submit">{icon(Icon::Eye)} "View as "<bdi>{self.who.name.clone()}</bdi></button>
            </form>
        }
        .into_any()
    }

    fn said(&self, name: &str) -> String {
        self.said.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()).unwrap_or_default()
    }
}

/// Somebody of whom this was said: name, subject or e-mail; groups, and claims as `name=value`, with commas between
/// several. `None` when nothing was.
#[must_use]
pub fn described(user: Option<&str>, groups: Option<&str>, claims: Option<&str>) -> Option<Principal> {
    if user.is_none() && groups.is_none() && claims.is_none() {
        return None;
    }
    let name = user.filter(|user| !user.trim().is_empty()).unwrap_or("somebody").to_owned();
    Some(Principal {
        issuer: DESCRIBED.to_owned(),
        subject: name.clone(),
        email: user.filter(|u| u.contains('@')).map(str::to_owned),
        name,
        groups: Some(listed(groups).map(str::to_owned).collect::<BTreeSet<_>>()),
        claims: claims_of(claims),
        scope: None,
        origin: Default::default(),
    })
}

fn listed(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// `carrier=UA, carrier=DL, alliance=Star` as each claim with its values.
fn claims_of(text: Option<&str>) -> BTreeMap<String, Vec<String>> {
    let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in listed(text).filter_map(slips::pair) {
        claims.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    claims
}

/// Groups and claims of somebody, as a line.
pub(crate) fn in_words(who: &Principal) -> String {
    let groups = match &who.groups {
        None => "no groups were sent".to_owned(),
        Some(groups) if groups.is_empty() => "in no group".to_owned(),
        Some(groups) => format!("in {}", groups.iter().cloned().collect::<Vec<_>>().join(", ")),
    };
    let claims = who.claims.iter().map(|(name, values)| format!("{name} = {}", values.join(", ")));
    std::iter::once(groups).chain(claims).collect::<Vec<_>>().join(" · ")
}

fn chooser(people: &[Known], whose: Option<&Whose>, dataset: Option<&str>) -> AnyView {
    let said = |name: &str| whose.map(|w| w.said(name)).unwrap_or_default();
    let chosen = said("who");
    let options: Vec<_> = people
        .iter()
        .map(|p| {
            let words = match &p.principal.email {
                Some(email) => format!("{} ({email})", p.principal.name),
                None => p.principal.name.clone(),
            };
            view! { <option value=p.id.clone() selected=p.id == chosen>{words}</option> }
        })
        .collect();
    let keep = |dataset: &str| view! { <input type="hidden" name="dataset" value=dataset.to_owned() /> };
    let user = view! { <input class="field__input" id="user" name="user" value=said("user") autocomplete="off" /> };
    let groups = view! {
        <input class="field__input" id="groups" name="groups" value=said("groups") aria-describedby="groups-hint" autocomplete="off" />
    };
    let claims = view! {
        <input class="field__input" id="claims" name="claims" value=said("claims") aria-describedby="claims-hint" autocomplete="off" />
    };
    view! {
        <div class="whose">
            <form class="whose__known" action="/policy" method="get">
                {dataset.map(keep)}
                <label class="field__label" for="who">"Somebody who has signed in"</label>
                <select class="field__input" id="who" name="who">
                    <option value="">"Choose a person"</option>
                    {options}
                </select>
                <button class="button button--primary" type="submit">"Show"</button>
            </form>
            <form class="whose__known" action="/policy" method="get">
                <label class="field__label" for="dataset">"A dataset: which grants are on it"</label>
                <input
                    class="field__input"
                    id="dataset"
                    name="dataset"
                    value=dataset.unwrap_or_default().to_owned()
                    placeholder="unit.dataset"
                    required
                    autocomplete="off"
                    spellcheck="false"
                />
                <button class="button" type="submit">"Show"</button>
            </form>
            <details class="whose__described" open=whose.is_some_and(Whose::is_described)>
                <summary>"Or describe somebody"</summary>
                <form class="whose__form" action="/policy" method="get">
                    {dataset.map(keep)}
                    {field("user", "Name, subject or e-mail", None, user)}
                    {field("groups", "Groups", Some("With commas: partners, staff"), groups)}
                    {field("claims", "Claims", Some("With commas: carrier=UA, alliance=Star"), claims)}
                    <button class="button" type="submit">"Show"</button>
                </form>
            </details>
        </div>
    }
    .into_any()
}

fn nobody_chosen(people: &[Known]) -> AnyView {
    let body = view! {
        <p>
            {if people.is_empty() { "Nobody has signed in so far: describe somebody by groups and claims. " } else { "" }}
            "You then see every dataset as that person does, the grants behind it, and why others do not apply."
        </p>
    };
    empty(Icon::Eye, "Choose a person", body).into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_with_all_their_values() {
        let claims = claims_of(Some("carrier=UA, carrier = DL,alliance=Star=s,,x"));
        let claims: Vec<_> = claims.iter().map(|(n, v)| (n.as_str(), v.join("|"))).collect();
        assert_eq!(claims, [("alliance", "Star=s".to_owned()), ("carrier", "UA|DL".to_owned())]);
    }
}
