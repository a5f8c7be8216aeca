//! `/api/v1`

pub mod access;
mod datasets;
mod decision;
mod events;
mod policy;
mod query;
mod requests;
mod resumable;
mod tokens;
mod uploads;
mod versions;
