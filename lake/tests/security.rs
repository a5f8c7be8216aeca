//! What governed sessions must survive: people who type SQL and try to see, count or trip over hidden rows.
//!
//! Each "sees nothing" stands beside a control that shows that the rows are there and that the test can fail.
#![allow(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "controls and honest copies are sessions without a policy")]

#[path = "cache/bench.rs"]
mod bench;

mod security {
    mod bombs;
    mod boundary;
    mod checked;
    mod composition;
    mod computed;
    mod freshness;
    mod grants;
    mod leaks;
    mod lookups;
    mod many;
    mod masks;
    mod matrix;
    mod names;
    mod profile;
    mod published;
    mod random;
    mod right;
    mod statements;
    mod world;
}
