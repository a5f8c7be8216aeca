//! Penstock's web app: pages rendered on the server, islands that move in the browser.
//!
//! Pages exist on the server only and call [`lake::Lake`] directly; islands exist on both sides and speak the REST API.
//! There are no server functions.

// Views are nested types; a page's markup is deeper than the compiler's default.
#![recursion_limit = "512"]

pub mod islands;

#[cfg(feature = "ssr")]
mod access;
#[cfg(feature = "ssr")]
mod account;
#[cfg(feature = "ssr")]
mod accounts;
#[cfg(feature = "ssr")]
mod address;
#[cfg(feature = "ssr")]
mod audit;
#[cfg(feature = "ssr")]
mod catalog;
#[cfg(feature = "ssr")]
mod chart;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod dataset;
#[cfg(feature = "ssr")]
mod home;
#[cfg(feature = "ssr")]
mod ingest;
#[cfg(feature = "ssr")]
mod policy;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
mod session;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod sql;

#[cfg(feature = "ssr")]
pub use policy::described;
#[cfg(feature = "ssr")]
pub use routes::{App, route_list};
#[cfg(feature = "ssr")]
pub use shell::shell;
#[cfg(feature = "ssr")]
pub use sql::{CHART_ROWS, chart_file};
