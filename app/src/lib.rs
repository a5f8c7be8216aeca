//! Penstock's web app: pages rendered on the server, islands that move in the browser.
//!
//! Pages exist on the server only and call [`lake::Lake`] directly; islands exist on both sides and speak the REST API.
//! There are no server functions.

#[cfg(feature = "ssr")]
pub mod context;
