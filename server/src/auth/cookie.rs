//! The cookies and their attributes. The one place that spells their names.
//!
//! Over https each has the `__Host-` prefix, `Secure` and no domain; over http, on loopback alone, browsers would
//! refuse these, so it has neither.

use axum_extra::extract::cookie::CookieJar;
use chrono::TimeDelta;
use http::HeaderValue;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The session's secret id.
    Session,
    /// State of a sign-in under way.
    SignIn,
    /// A new token's secret, shown once.
    Flash,
}

impl Name {
    #[must_use]
    pub fn text(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-penstock",
            (Self::Session, false) => "penstock",
            (Self::SignIn, true) => "__Host-penstock-sign-in",
            (Self::SignIn, false) => "penstock-sign-in",
            (Self::Flash, true) => "__Host-penstock-flash",
            (Self::Flash, false) => "penstock-flash",
        }
    }
}

/// The cookie's value in a request.
#[must_use]
pub fn value(jar: &CookieJar, name: Name, https: bool) -> Option<String> {
    jar.get(name.text(https)).map(|c| c.value().to_owned())
}

/// The `Set-Cookie` header of a cookie that lives for `age`. `value` is URL-safe base64.
#[must_use]
pub fn set(name: Name, https: bool, value: &str, age: TimeDelta) -> HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let (name, age) = (name.text(https), age.num_seconds());
    let text = format!("{name}={value}; Path=/; HttpOnly{secure}; SameSite=Lax; Max-Age={age}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The header that removes one.
#[must_use]
pub fn remove(name: Name, https: bool) -> HeaderValue {
    set(name, https, "", TimeDelta::zero())
}
