//! View as: for half an hour a steward's session is answered with the policy of somebody else, and changes nothing.
//!
//! Whoever is viewed has here an identity of its own, which no document and no row of the audit is of: their groups,
//! claims and what they were given decide what is seen, and what is somebody's own (tokens, sessions, recent queries, activity, sent files) is not.

use axum::{
    extract::{Form, State, rejection::FormRejection},
    response::Response,
};
use axum_extra::extract::CookieJar;
use chrono::{DateTime, TimeDelta, Utc};
use http::Method;
use lake::{LakeError, Result};
use model::{AuditAction, Origin, Principal, Viewing};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Via, account,
    cookie::{self, Name},
    oidc, return_to,
    sessions::Session,
};
use crate::{
    problem::{Page, see_other},
    state::AppState,
};

/// After so long it ends by itself.
const LASTS: TimeDelta = TimeDelta::minutes(30);
/// Characters of a name, a subject or an e-mail.
const NAME: usize = 200;
const STOP: &str = "/view-as/stop";

/// Somebody as whom a session looks at the portal, as its document keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewed {
    pub who: Principal,
    pub until: DateTime<Utc>,
}

/// Whether a request changes nothing but the view itself. What is not known to be so is refused.
#[must_use]
pub fn allows(method: &Method, path: &str) -> bool {
    match path {
        // A sign-in would begin beside the view; tokens are somebody's own.
        "/auth/login" | oidc::CALLBACK | "/api/v1/tokens" => false,
        STOP | "/auth/sign-out" | "/api/v1/query" | "/api/v1/policy/explain" => true,
        "/api/v1/policy/view-as" => method == Method::DELETE,
        _ if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) => true,
        _ => cancels(method, path),
    }
}

/// Whether it stops a query, which is one of this view.
fn cancels(method: &Method, path: &str) -> bool {
    let id = match *method {
        Method::DELETE => path.strip_prefix("/api/v1/queries/"),
        Method::POST => path.strip_prefix("/queries/").and_then(|rest| rest.strip_suffix("/cancel")),
        _ => None,
    };
    id.is_some_and(|id| !id.contains('/'))
}

/// What is said of everything else.
#[must_use]
pub fn refusal(who: &Principal) -> String {
    format!("You see what {} sees, and nothing can be changed meanwhile: stop viewing first.", who.name)
}

/// Who asks by a session: its own person, or whom that person views.
///
/// # Errors
/// [`LakeError::Store`] when it is not known whether the person is still a steward; [`LakeError::Unaudited`].
pub async fn asks(state: &AppState, session: &Session, secret: &str) -> Result<Principal> {
    let own = &session.principal;
    let Some(viewed) = session.viewed.as_ref().filter(|v| v.until > Utc::now()) else { return Ok(own.clone()) };
    let principal = identity(session, viewed);
    if state.lake.is_steward(own).await? {
        return Ok(principal);
    }
    let entry = state.lake.audited(&principal, AuditAction::ViewAs)?.text("ends: no steward any more");
    let ended = state.sessions.view_as(secret, None).await;
    state.lake.conclude(&principal, entry, &ended, |_, ()| {});
    if let Err(e) = ended {
        tracing::warn!(error = %e, "a view that has ended could not be taken from its session");
    }
    Ok(own.clone())
}

fn identity(session: &Session, viewed: &Viewed) -> Principal {
    let steward = &session.principal;
    let viewing = Viewing {
        key: steward.key(),
        name: steward.name.clone(),
        email: steward.email.clone(),
        issuer: viewed.who.issuer.clone(),
        until: viewed.until,
    };
    let via = format!("session {}", session.id);
    let origin = Origin { via, viewing: Some(viewing), ..Origin::default() };
    Principal { issuer: format!("view-as:{}", session.id), scope: None, origin, ..viewed.who.clone() }
}

impl AppState {
    /// From now on the caller's session is answered as `who` would be.
    ///
    /// # Errors
    /// [`LakeError::Forbidden`] unless the caller is a steward in a session of their own, [`LakeError::Invalid`] for
    /// names that are empty or long; [`LakeError::Store`], [`LakeError::Unaudited`].
    pub async fn view_as(&self, caller: &Caller, jar: &CookieJar, who: Principal) -> Result<Viewed> {
        let viewed = Viewed { who, until: Utc::now() + LASTS };
        let entry = self.lake.audited(&caller.principal, AuditAction::ViewAs)?.text(begins(&viewed));
        let begun = self.begin(caller, jar, &viewed).await;
        self.lake.conclude(&caller.principal, entry, &begun, |_, ()| {});
        begun.map(|()| viewed)
    }

    async fn begin(&self, caller: &Caller, jar: &CookieJar, viewed: &Viewed) -> Result<()> {
        let forbidden = |message: &str| Err(LakeError::Forbidden { message: message.to_owned() });
        // The middleware refuses both before; it must hold here too.
        let (Via::Session(_), Some(secret)) = (&caller.via, cookie::value(jar, Name::Session, self.https)) else {
            return forbidden("a token acts as its owner alone; view as others in a browser where you are signed in");
        };
        if caller.principal.origin.viewing.is_some() {
            return forbidden("you view as somebody already; stop that first");
        }
        if !self.lake.is_steward(&caller.principal).await? {
            return forbidden("only stewards view as others");
        }
        let who = &viewed.who;
        for (what, name) in [("name", Some(&who.name)), ("subject", Some(&who.subject)), ("email", who.email.as_ref())]
        {
            if name.is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME) {
                return Err(LakeError::invalid(format!("`{what}` must have 1 to {NAME} characters")));
            }
        }
        self.sessions.view_as(&secret, Some(viewed)).await
    }

    /// The caller's session is answered as its own person again.
    ///
    /// # Errors
    /// [`LakeError::NotFound`] when it has ended; [`LakeError::Store`], [`LakeError::Unaudited`].
    pub async fn stop_viewing(&self, caller: &Caller, jar: &CookieJar) -> Result<()> {
        let secret = cookie::value(jar, Name::Session, self.https);
        let Some(secret) = secret.filter(|_| caller.principal.origin.viewing.is_some()) else { return Ok(()) };
        let entry = self.lake.audited(&caller.principal, AuditAction::ViewAs)?.text("ends");
        let ended = self.sessions.view_as(&secret, None).await;
        self.lake.conclude(&caller.principal, entry, &ended, |_, ()| {});
        ended
    }
}

/// Whom, and by which groups and claims, for the audit.
fn begins(viewed: &Viewed) -> String {
    let who = &viewed.who;
    let groups = who.groups.as_ref().map_or("no groups sent".to_owned(), |groups| {
        format!("groups {}", groups.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    });
    let claims: Vec<_> = who.claims.iter().map(|(name, values)| format!("{name} = {}", values.join(", "))).collect();
    let until = viewed.until.format("%H:%M UTC");
    format!("begins: {} until {until}; {groups}; claims {}", who.known_as(), claims.join("; "))
}

/// Somebody who has signed in, by the id of their account, or described as on the page *Policy*.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    who: Option<String>,
    user: Option<String>,
    groups: Option<String>,
    claims: Option<String>,
}

/// `POST /view-as`
pub async fn begin(
    State(state): State<AppState>,
    caller: Option<Caller>,
    jar: CookieJar,
    form: std::result::Result<Form<Chosen>, FormRejection>,
) -> std::result::Result<Response, Page> {
    let Some(caller) = caller else { return Ok(see_other(&return_to::sign_in("/policy"))) };
    let nobody = || Page::bad_request("Choose somebody on the page Policy first.");
    let Form(chosen) = form.map_err(|_| nobody())?;
    // Only stewards are told whether there is somebody of this id.
    let known = match &chosen.who {
        Some(id) if state.lake.is_steward(&caller.principal).await? => account::get(state.lake.documents(), id).await?,
        _ => None,
    };
    let described = || {
        let said = (chosen.user.as_deref(), chosen.groups.as_deref(), chosen.claims.as_deref());
        app::described(said.0, said.1, said.2)
    };
    let who = known.map(|a| a.principal).or_else(described).ok_or_else(nobody)?;
    state.view_as(&caller, &jar, who).await?;
    Ok(see_other("/"))
}

/// `POST /view-as/stop`
pub async fn stop(
    State(state): State<AppState>,
    caller: Option<Caller>,
    jar: CookieJar,
) -> std::result::Result<Response, Page> {
    let Some(caller) = caller else { return Ok(see_other(&return_to::sign_in("/policy"))) };
    state.stop_viewing(&caller, &jar).await?;
    Ok(see_other("/policy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_change_nothing_is_refused() {
        let cases = [
            ("GET", "/datasets/ops/flights", true),
            ("POST", "/api/v1/query", true),
            ("DELETE", "/api/v1/queries/abc", true),
            ("POST", "/queries/abc/cancel", true),
            ("POST", STOP, true),
            ("DELETE", "/api/v1/policy/view-as", true),
            ("POST", "/api/v1/policy/view-as", false),
            ("POST", "/view-as", false),
            ("GET", "/auth/login", false),
            ("GET", "/auth/callback", false),
            ("GET", "/api/v1/tokens", false),
            ("DELETE", "/api/v1/queries/abc/def", false),
            ("PUT", "/api/v1/queries/abc", false),
            ("POST", "/something/new", false),
            ("PATCH", "/api/v1/uploads/abc", false),
        ];
        for (method, path, allowed) in cases {
            assert_eq!(allows(&method.parse().expect("a method"), path), allowed, "{method} {path}");
        }
    }
}
