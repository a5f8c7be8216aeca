//! `/api/v1`

mod access;
mod datasets;
mod decision;
mod events;
mod query;
mod resumable;
mod tokens;
mod uploads;
mod versions;
