//! The server: command line, config, sign-in, sessions, REST, OpenAPI, middleware, telemetry.
//!
//! Everything about data is asked of [`lake::Lake`]; everything about pages of `app`. No SQL and no Parquet here.

#[expect(unused_qualifications, reason = "the macro that documents a handler repeats its parameters' types")]
pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod intake;
pub mod middleware;
pub mod openapi;
pub mod pace;
pub mod problem;
pub mod router;
pub mod serve;
pub mod site;
pub mod state;
pub mod telemetry;
