//! From the claims of a verified ID token to a principal.

use std::collections::{BTreeMap, BTreeSet};

use model::Principal;
use serde_json::{Map, Value};

use super::cognito;

/// Claims of the protocol, which say nothing about the person.
const PROTOCOL: [&str; 17] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "azp",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
    "auth_time",
    "token_use",
    "event_id",
];

/// The principal that verified claims describe.
///
/// Groups are `None` when the claim is absent, which denies and is logged: it is not the empty set. An e-mail counts
/// when the provider says that it is verified, since grants can be given to e-mails.
#[must_use]
pub fn principal(issuer: &str, subject: &str, claims: &Map<String, Value>, groups_claim: &str) -> Principal {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
    let verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)))
        || claims.get("email_verified").and_then(Value::as_str) == Some("true");
    let address = text("email");
    let name = text("preferred_username")
        .or_else(|| address.as_deref().and_then(|a| a.split('@').next()).map(str::to_owned))
        .or_else(|| text(cognito::USER_NAME))
        .or_else(|| text("name"))
        .unwrap_or_else(|| subject.to_owned());
    let groups = claims.get(groups_claim).and_then(words).map(BTreeSet::from_iter);
    if groups.is_none() {
        tracing::warn!(%issuer, %subject, %groups_claim, "the ID token has no groups claim: this person sees nothing");
    }
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in claims {
        if PROTOCOL.contains(&name.as_str()) || name == groups_claim {
            continue;
        }
        if let Some(values) = words(value) {
            others.insert(name.clone(), values);
        }
    }
    cognito::add_short_names(&mut others, |name| claims.contains_key(name));
    Principal {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        name,
        email: address.filter(|_| verified),
        groups,
        claims: others,
        scope: None,
        origin: Default::default(),
    }
}

/// The values of a claim, or `None` when it holds something else than words, numbers or truth values.
fn words(value: &Value) -> Option<Vec<String>> {
    let word = |value: &Value| match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    match value {
        Value::Array(all) => all.iter().map(word).collect(),
        one => word(one).map(|w| vec![w]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn of(claims: Value) -> Principal {
        principal("https://id", "s1", claims.as_object().unwrap(), "cognito:groups")
    }

    #[test]
    fn a_missing_groups_claim_is_not_the_empty_set() {
        assert_eq!(of(json!({})).groups, None);
        assert_eq!(of(json!({"cognito:groups": []})).groups, Some(BTreeSet::new()));
        assert_eq!(of(json!({"cognito:groups": "staff"})).groups, Some(BTreeSet::from(["staff".to_owned()])));
        assert_eq!(of(json!({"cognito:groups": {"staff": true}})).groups, None);
    }

    #[test]
    fn custom_claims_have_a_short_name_that_never_hides_a_real_one() {
        assert_eq!(of(json!({"custom:carrier": "UA"})).claim("carrier"), Some(["UA".to_owned()].as_slice()));
        let both = of(json!({"custom:carrier": "UA", "carrier": "DL"}));
        assert_eq!(both.claim("carrier"), Some(["DL".to_owned()].as_slice()));
        let unreadable = of(json!({"custom:carrier": "UA", "carrier": {}}));
        assert_eq!(unreadable.claim("carrier"), None);
    }

    #[test]
    fn w_08_only_a_verified_email_is_an_identity() {
        assert_eq!(of(json!({"email": "a@x.org"})).email, None);
        assert_eq!(of(json!({"email": "a@x.org", "email_verified": false})).email, None);
        assert_eq!(of(json!({"email": "a@x.org", "email_verified": true})).email.as_deref(), Some("a@x.org"));
        assert_eq!(of(json!({"email": "a@x.org", "email_verified": "true"})).email.as_deref(), Some("a@x.org"));
        assert_eq!(of(json!({"email": "a@x.org"})).name, "a");
    }
}
