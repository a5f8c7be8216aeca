//! Where a request came from: the connection's address, or what a trusted proxy says of it. Headers alone count for
//! nothing, since anyone can send them.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap},
};
use model::Network;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// RFC 7239.
const FORWARDED: &str = "forwarded";

/// The address that a request came from; `None` when it cannot be told.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// Of a request that has passed [`find`].
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get::<Self>().and_then(|address| address.0)
    }
}

/// The address that a request came from, by the proxies that are trusted.
#[must_use]
pub fn find(request: &Request, trusted: &[Network]) -> ClientAddress {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|at| at.0.ip());
    ClientAddress(connection.and_then(|at| client(at, request.headers(), trusted)))
}

/// The rightmost address that is no trusted proxy's. What is unreadable before that is reached, or said in two ways that
/// differ, names nobody.
fn client(connection: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let connection = connection.to_canonical();
    let is_proxy = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    if !is_proxy(connection) {
        return Some(connection);
    }
    // A proxy sets one of the two and may pass the other on as the client wrote it.
    let x_forwarded = last(headers, X_FORWARDED_FOR, hop, is_proxy);
    let forwarded = last(headers, FORWARDED, forwarded_for, is_proxy);
    match (x_forwarded, forwarded) {
        (None, None) => Some(connection),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) => one.filter(|_| one == other),
    }
}

/// The client by one header: absent without the header, `Some(None)` when it cannot be told.
fn last(
    headers: &HeaderMap,
    name: &str,
    read: impl Fn(&str) -> Option<IpAddr>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Option<Option<IpAddr>> {
    let mut first = None;
    for line in headers.get_all(name).iter().rev() {
        let Ok(line) = line.to_str() else { return Some(None) };
        for part in line.rsplit(',') {
            let Some(address) = read(part.trim()) else { return Some(None) };
            if !is_proxy(address) {
                return Some(Some(address));
            }
            first = Some(Some(address));
        }
    }
    first
}

/// An address with or without a port, IPv6 in brackets or bare.
fn hop(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare().or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

/// The address behind `for=` of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let named = |part: &str| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"').to_owned())
    };
    let mut found = element.split(';').filter_map(named);
    let one = found.next()?;
    if found.next().is_some() {
        return None;
    }
    hop(&one)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn check(connection: &str, headers: &[(&str, &str)], expected: Option<&str>) {
        let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8::/32"].map(|n| n.parse().unwrap()).into();
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let found = client(connection.parse().unwrap(), &all, &trusted);
        assert_eq!(found, expected.map(|e| e.parse().unwrap()), "{connection} {headers:?}");
        // Whoever trusts no proxy believes no header.
        assert_eq!(
            client(connection.parse().unwrap(), &all, &[]),
            Some(connection.parse::<IpAddr>().unwrap().to_canonical())
        );
    }

    #[test]
    fn w_18_headers_of_whoever_is_no_trusted_proxy_count_for_nothing() {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            check("192.0.2.1", &[(header, "for=198.51.100.1")], Some("192.0.2.1"));
            check("192.0.2.1", &[(header, "198.51.100.1")], Some("192.0.2.1"));
        }
        check("10.1.1.1", &[("x-real-ip", "198.51.100.1")], Some("10.1.1.1"));
    }

    #[test]
    fn w_18_behind_trusted_proxies_the_rightmost_address_of_none_of_them_counts() {
        let x = |value| [("x-forwarded-for", value)];
        let f = |value| [("forwarded", value)];
        check("10.1.1.1", &[], Some("10.1.1.1"));
        check("10.1.1.1", &x("198.51.100.1"), Some("198.51.100.1"));
        check("::ffff:10.1.1.1", &x("::ffff:198.51.100.1"), Some("198.51.100.1"));
        check("2001:db8::1", &x("2001:db9::7"), Some("2001:db9::7"));
        check("10.1.1.1", &x("10.9.9.9, 198.51.100.1, 10.2.2.2"), Some("198.51.100.1"));
        check("10.1.1.1", &x("203.0.113.9,198.51.100.1:4711 , [2001:db8::2]:80"), Some("198.51.100.1"));
        check("10.1.1.1", &x("10.2.2.2, 10.3.3.3"), Some("10.2.2.2"));
        let two = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1")];
        check("10.1.1.1", &two, Some("198.51.100.1"));
        check("10.1.1.1", &f("for=10.9.9.9, For=\"198.51.100.1:80\";proto=https"), Some("198.51.100.1"));
        check("10.1.1.1", &f("proto=https;for=\"[2001:db9::7]:80\""), Some("2001:db9::7"));
        check("10.1.1.1", &f("for=\"10.9.9.9, for=198.51.100.1"), Some("198.51.100.1"));
    }

    #[test]
    fn w_18_what_cannot_be_read_or_differs_names_nobody() {
        for value in ["", "unknown", "_hidden", "198.51.100.1, x", "198.51.100.1,", "198.51.100", "[::1"] {
            check("10.1.1.1", &[("x-forwarded-for", value)], None);
        }
        for value in ["", "for=unknown", "by=198.51.100.1", "for=198.51.100.1;for=203.0.113.9", "198.51.100.1"] {
            check("10.1.1.1", &[("forwarded", value)], None);
        }
        let both = |x, f| [("x-forwarded-for", x), ("forwarded", f)];
        check("10.1.1.1", &both("198.51.100.1", "for=203.0.113.9"), None);
        check("10.1.1.1", &both("198.51.100.1", "for=unknown"), None);
        check("10.1.1.1", &both("198.51.100.1", "for=198.51.100.1"), Some("198.51.100.1"));
    }
}
