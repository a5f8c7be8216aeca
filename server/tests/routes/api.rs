//! `/api`

mod document;
mod v1;
