//! Penstock's engine: one handle, [`Lake`], over one bucket.
//!
//! Its methods take a [`Principal`](model::Principal) and return only what that principal may see.
//! Knows no HTTP and no Leptos.

mod access;
pub mod audit;
mod batch;
pub mod catalog;
pub mod config;
pub mod contract;
pub mod document;
pub mod error;
pub mod govern;
pub mod ingest;
mod lake;
mod nearest;
pub mod policy;
pub mod query;
pub mod result;
pub mod store;
pub mod table;
mod upkeep;

pub use config::{LakeConfig, Limits, StoreConfig};
pub use error::{LakeError, Result};
pub use lake::Lake;
pub use nearest::closest;
