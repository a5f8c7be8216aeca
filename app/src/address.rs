//! Addresses of pages: what the request asked for, and links that say it again with a change.

use leptos::prelude::*;
use leptos_router::hooks::use_url;

/// The address that was asked for.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// Path and query, always relative to this site.
    pub here: String,
    path: String,
    query: Vec<(String, String)>,
}

impl Address {
    /// Of the request being answered.
    pub fn of_request() -> Self {
        let url = use_url().get_untracked();
        let here = match url.search() {
            "" => url.path().to_owned(),
            search => format!("{}?{search}", url.path()),
        };
        // The router's own map decodes twice: `like '%25A'` would lose its wildcard, a `return_to` its escapes.
        let raw = use_context::<http::request::Parts>().and_then(|p| p.uri.query().map(str::to_owned));
        Self { here, path: url.path().to_owned(), query: raw.map(|q| pairs(&q)).unwrap_or_default() }
    }

    /// Of a request that is no page's, by what stands after its `?`.
    pub fn of_query(query: &str) -> Self {
        Self { query: pairs(query), ..Self::default() }
    }

    /// A part of the path by its place, empty when there is none: 1 is `ops` in `/datasets/ops/flights`.
    pub fn segment(&self, place: usize) -> &str {
        self.path.trim_matches('/').split('/').nth(place).unwrap_or_default()
    }

    /// A value after the `?`, without white space around it; empty is `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// A whole number after the `?`; anything else is 0.
    pub fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(|v| v.parse().ok()).unwrap_or(0)
    }
}

/// The names and values of a query, decoded once (WHATWG URL, `application/x-www-form-urlencoded`).
fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex =
            |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                rest = &after[2..];
            }
            _ => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A link being put together.
#[derive(Debug, Clone)]
pub struct Href(String);

impl Href {
    pub fn to(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The page of a dataset.
    pub fn dataset(name: &model::DatasetName) -> Self {
        Self(format!("/datasets/{}/{}", name.unit(), name.name()))
    }

    /// Adds `name=value`.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.as_ref().bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => self.0.push(char::from(byte)),
                b' ' => self.0.push('+'),
                _ => self.0.push_str(&format!("%{byte:02X}")),
            }
        }
        self
    }

    /// Adds `name=value` when there is a value.
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub fn build(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_decoded_once() {
        fn check(query: &str, expected: &[(&str, &str)]) {
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(pairs(query), expected, "{query}");
        }
        check("sql=like+%27%25A%25%27", &[("sql", "like '%A%'")]);
        check("return_to=%2Fsql%3Fsql%3Da%2520b", &[("return_to", "/sql?sql=a%20b")]);
        check("x&a=1%&b=%zz", &[("x", ""), ("a", "1%"), ("b", "%zz")]);
    }

    #[test]
    fn links_carry_any_text() {
        fn check(value: &str, expected: &str) {
            assert_eq!(Href::to("/sql").with("sql", value).build(), format!("/sql?sql={expected}"));
        }
        check("select 1", "select+1");
        check("a&b=c+d", "a%26b%3Dc%2Bd");
        check("é\"<", "%C3%A9%22%3C");
        assert_eq!(Href::to("/x").with("a", "1").with_some("b", None).with("c", "2").build(), "/x?a=1&c=2");
    }
}
