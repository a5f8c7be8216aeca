//! `/api`

mod document;
pub mod v1;
