//! What of a description says nothing: pairs that are no claims, and groups that nobody knows. Said, so that nobody reads
//! the answer to another question.

use std::collections::BTreeSet;

use lake::closest;
use leptos::prelude::*;

use super::listed;
use crate::{
    components::{Icon, icon, visible},
    context::Known,
};

/// Each as a sentence. `policy` is its text.
pub(super) fn slips(groups: Option<&str>, claims: Option<&str>, people: &[Known], policy: &str) -> Vec<String> {
    let no_claims = listed(claims).filter(|part| pair(part).is_none()).map(|part| {
        format!("“{part}” is no claim and was left out: write its name, = and one value, for example carrier=UA.")
    });
    let known: BTreeSet<&str> = people
        .iter()
        .flat_map(|p| p.principal.groups.iter().flatten())
        .map(String::as_str)
        .chain(named(policy))
        .collect();
    let strangers = listed(groups).filter(|group| !known.contains(group)).map(|group| {
        let meant = closest(group, known.iter().copied()).map(|hint| format!(": {hint}")).unwrap_or_default();
        format!("No grant names the group “{group}”, and nobody who has signed in is in it{meant}")
    });
    no_claims.chain(strangers).collect()
}

/// Name and value of one claim.
pub(super) fn pair(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty() && !value.is_empty()).then_some((name, value))
}

/// Groups that the policy's text names; of what else it holds some may be among them, which only leaves a slip unsaid.
fn named(policy: &str) -> impl Iterator<Item = &str> {
    policy.split("group:").skip(1).filter_map(|rest| rest.split(['"', '\'']).next())
}

pub(super) fn view(slips: Vec<String>) -> Option<AnyView> {
    let lines: Vec<_> = slips.iter().map(|slip| view! { <li><bdi>{visible(slip).into_owned()}</bdi></li> }).collect();
    (!slips.is_empty()).then(|| {
        view! {
            <section class="banner banner--careful banner--block" aria-labelledby="slips">
                <h2 class="banner__title" id="slips">{icon(Icon::Alert)} "Not all of that was understood"</h2>
                <ul class="waits">{lines}</ul>
            </section>
        }
        .into_any()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_said() {
        let policy = "stewards = [\"group:stewards\"]\n[[grant]]\nto = ['group:partners', \"claim:a=b\"]\n";
        let said = |groups, claims| slips(Some(groups), Some(claims), &[], policy);
        assert_eq!(said("partners, stewards", "carrier=UA, x=a=b"), [""; 0]);
        assert_eq!(said("", ""), [""; 0]);
        let wrong = said("", "carrier, =UA, carrier=");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
        assert!(wrong[0].starts_with("“carrier” is no claim"), "{wrong:?}");
        let wrong = said("partnres, partners, elsewhere", "");
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].ends_with("did you mean `partners`?") && wrong[1].contains("“elsewhere”"), "{wrong:?}");
    }
}
