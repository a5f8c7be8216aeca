//! What Amazon Cognito does differently from other OpenID Connect providers; nothing of it stands elsewhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

/// The claim that lists groups.
pub const GROUPS: &str = "cognito:groups";
/// The claim that holds the user name.
pub const USER_NAME: &str = "cognito:username";
/// Attributes of a pool's own are claims with this prefix.
const CUSTOM: &str = "custom:";

/// Lets `custom:carrier` be found as `carrier`, unless the provider sent a claim of that name.
pub fn add_short_names(claims: &mut BTreeMap<String, Vec<String>>, sent: impl Fn(&str) -> bool) {
    let short: Vec<_> = claims
        .iter()
        .filter_map(|(name, values)| Some((name.strip_prefix(CUSTOM)?.to_owned(), values.clone())))
        .filter(|(name, _)| !sent(name))
        .collect();
    claims.extend(short);
}

/// Access tokens are signed with the same keys as ID tokens; only `token_use` tells them apart.
#[must_use]
pub fn is_id_token(claims: &Map<String, Value>) -> bool {
    claims.get("token_use").and_then(Value::as_str) == Some("id")
}

/// Cognito's own sign-out: `/logout?client_id=…&logout_uri=…` on the host of the hosted pages. Its discovery document
/// does not name it. `logout_uri` must be registered.
#[must_use]
pub fn logout(authorization_endpoint: &Url, configured: Option<&Url>, client_id: &str, back_to: &str) -> Url {
    let mut url = configured.cloned().unwrap_or_else(|| {
        let mut url = authorization_endpoint.clone();
        url.set_path("/logout");
        url
    });
    url.set_fragment(None);
    url.query_pairs_mut().clear().append_pair("client_id", client_id).append_pair("logout_uri", back_to);
    url
}

/// The hosted pages serve revocation beside the token endpoint.
#[must_use]
pub fn revocation(token_endpoint: &Url) -> Option<Url> {
    token_endpoint.join("revoke").ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn w_14_sign_out_goes_to_the_hosted_pages() {
        let pages: Url = "https://x.auth.eu-west-1.amazoncognito.com/oauth2/authorize".parse().unwrap();
        assert_eq!(
            logout(&pages, None, "id1", "https://data.example.com/sign-in").as_str(),
            "https://x.auth.eu-west-1.amazoncognito.com/logout?client_id=id1&logout_uri=https%3A%2F%2Fdata.example.com%2Fsign-in"
        );
        let token: Url = "https://x.auth.eu-west-1.amazoncognito.com/oauth2/token".parse().unwrap();
        assert_eq!(revocation(&token).unwrap().path(), "/oauth2/revoke");
    }
}
