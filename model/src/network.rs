//! Networks as people write them: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// A range of addresses that begin alike (RFC 4632). An IPv4 address that is written as IPv6 (`::ffff:10.1.2.3`) is the
/// IPv4 address, on both sides of every comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    /// Bits that count.
    prefix: u8,
}

/// What is no network, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidNetwork(String);

/// Bits of an IPv6 address that say it is an IPv4 address.
const MAPPED: u8 = 96;

impl Network {
    /// The network of the first `prefix` bits of an address; all of them when there are fewer.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = prefix.min(bits(address));
        Self { address: begin(address, prefix), prefix }
    }

    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.address.is_ipv4() == address.is_ipv4() && begin(address, self.prefix) == self.address
    }

    /// Whether every address of `inner` is one of this network.
    #[must_use]
    pub fn covers(&self, inner: &Self) -> bool {
        inner.prefix >= self.prefix && self.holds(inner.address)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all bits after the prefix cleared.
fn begin(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & kept).into())
        }
        IpAddr::V6(v6) => {
            let kept = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & kept).into())
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let wrong = || {
            let how = "write for example 10.0.0.0/8, 2001:db8::/32 or one address";
            InvalidNetwork(format!("`{text}` is not a network: {how}"))
        };
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => {
                let plain = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
                (address, Some(prefix.parse::<u8>().ok().filter(|_| plain).ok_or_else(wrong)?))
            }
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix = prefix.unwrap_or(bits(address));
        if prefix > bits(address) {
            return Err(wrong());
        }
        let canonical = address.to_canonical();
        let prefix = if canonical.is_ipv4() && address.is_ipv6() {
            prefix.checked_sub(MAPPED).ok_or_else(wrong)?
        } else {
            prefix
        };
        let network = Self::around(canonical, prefix);
        if network.address != canonical {
            return Err(InvalidNetwork(format!("`{text}` names one address of a network: write {network}")));
        }
        Ok(network)
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;
    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.address) {
            return write!(f, "{}", self.address);
        }
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, address, wanted) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "a00::", false),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "10.0.0.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.128/25", "192.0.2.255", true),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false),
        ] {
            let parsed: Network = network.parse().expect(network);
            assert_eq!(parsed.holds(address.parse().expect(address)), wanted, "{network} {address}");
        }
    }

    #[test]
    fn a_network_covers_narrower_ones_alone() {
        for (outer, inner, wanted) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.0.0.0/8", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "2001:db8::/32", false),
            ("::/0", "0.0.0.0/0", false),
        ] {
            let (outer, inner): (Network, Network) = (outer.parse().expect(outer), inner.parse().expect(inner));
            assert_eq!(outer.covers(&inner), wanted, "{outer} {inner}");
        }
    }

    #[test]
    fn networks_read_back_and_what_is_none_says_what_to_write() {
        for text in ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "::1", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Network>().expect(text).to_string(), text);
        }
        assert_eq!("::ffff:10.0.0.0/104".parse::<Network>().map(|n| n.to_string()), Ok("10.0.0.0/8".to_owned()));
        for (text, says) in [
            ("10.1.2.3/8", "write 10.0.0.0/8"),
            ("2001:db8::1/32", "write 2001:db8::/32"),
            ("10.0.0.0/33", "not a network"),
            ("10.0.0.0/", "not a network"),
            ("10.0.0.0/+8", "not a network"),
            ("10.0.0/8", "not a network"),
            ("010.0.0.0/8", "not a network"),
            ("::ffff:0.0.0.0/8", "not a network"),
            ("fe80::1%eth0", "not a network"),
            ("example.org", "not a network"),
            ("", "not a network"),
        ] {
            let why = text.parse::<Network>().expect_err(text).to_string();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
