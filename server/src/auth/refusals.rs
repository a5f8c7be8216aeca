//! How many refusals of people who are not known get a row of the audit: a bounded number a minute from each address, and
//! from all together. What is refused stays refused; only the telling is bounded.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use model::Network;
use moka::sync::Cache;

/// Rows a minute about one address, the last of which says that more are not told.
const EACH: u32 = 20;
/// Rows a minute about all addresses.
const ALL: u32 = 600;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; beyond them the bound over all holds.
const REMEMBERED: u64 = 10_000;
/// Whoever has one IPv6 address has the whole of this many bits.
const ONE_HOLDER: u8 = 64;

/// What becomes of one refusal in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    Told,
    /// Told, and the last for now.
    Last,
    Untold,
}

/// Counts by address. Each replica counts for itself.
#[derive(Debug)]
pub struct Refusals {
    each: Cache<Option<Network>, std::sync::Arc<Mutex<Count>>>,
    all: Mutex<Count>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    seen: u32,
}

impl Default for Refusals {
    fn default() -> Self {
        let each = Cache::builder().max_capacity(REMEMBERED).time_to_live(WINDOW * 2).build();
        Self { each, all: Mutex::new(Count::new(Instant::now())) }
    }
}

impl Refusals {
    /// Counts a refusal of somebody at this address.
    #[must_use]
    pub fn count(&self, address: Option<IpAddr>, now: Instant) -> Telling {
        let holder =
            address.map(|a| a.to_canonical()).map(|a| Network::around(a, if a.is_ipv4() { 32 } else { ONE_HOLDER }));
        let count = self.each.get_with(holder, || std::sync::Arc::new(Mutex::new(Count::new(now))));
        let telling = Count::add(&count, EACH, now);
        if telling == Telling::Untold {
            return telling;
        }
        // Only what its address leaves to be told takes from what all have.
        match Count::add(&self.all, ALL, now) {
            Telling::Told => telling,
            other => other,
        }
    }
}

impl Count {
    fn new(since: Instant) -> Self {
        Self { since, seen: 0 }
    }

    fn add(count: &Mutex<Self>, most: u32, now: Instant) -> Telling {
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(count.since) >= WINDOW {
            *count = Self::new(now);
        }
        count.seen = count.seen.saturating_add(1);
        match count.seen.cmp(&most) {
            std::cmp::Ordering::Less => Telling::Told,
            std::cmp::Ordering::Equal => Telling::Last,
            std::cmp::Ordering::Greater => Telling::Untold,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn told(refusals: &Refusals, address: &str, times: u32, now: Instant) -> u32 {
        let address = address.parse().ok();
        (0..times).map(|_| u32::from(refusals.count(address, now) != Telling::Untold)).sum()
    }

    #[test]
    fn refusals_from_one_address_are_told_so_often_a_minute() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert_eq!(told(&refusals, "192.0.2.1", 1_000, now), EACH);
        assert_eq!(told(&refusals, "::ffff:192.0.2.1", 10, now), 0, "the same address");
        assert_eq!(told(&refusals, "192.0.2.2", 5, now), 5, "a neighbour");
        assert_eq!(told(&refusals, "2001:db8::1", 1_000, now), EACH);
        assert_eq!(told(&refusals, "2001:db8::ffff:1", 10, now), 0, "of the same holder");
        assert_eq!(told(&refusals, "unknown", 1_000, now), EACH, "all that cannot be told");
        assert_eq!(told(&refusals, "192.0.2.1", 1_000, now + WINDOW), EACH, "a minute later");
    }

    #[test]
    fn refusals_from_many_addresses_are_told_so_often_a_minute_and_remembered_within_bounds() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let all: u32 = (0..50_000_u32)
            .map(|i| u32::from(refusals.count(Some(IpAddr::V4(i.into())), now) != Telling::Untold))
            .sum();
        assert_eq!(all, ALL);
        refusals.each.run_pending_tasks();
        assert!(refusals.each.entry_count() <= REMEMBERED);
    }
}
