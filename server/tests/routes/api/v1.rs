//! `/api/v1`

mod access;
mod datasets;
mod query;
mod tokens;
mod uploads;
