//! Who asks: sign-in, sessions, personal tokens. Decides identity alone; what an identity may see is the lake's policy.

pub mod account;
pub mod administration;
pub mod audited;
pub mod caller;
pub mod claims;
pub mod cognito;
pub mod cookie;
pub mod demo;
pub mod flow;
pub mod forms;
pub mod keys;
pub mod oidc;
pub mod refusals;
pub mod return_to;
pub mod seal;
pub mod sessions;
pub mod tokens;
pub mod view_as;

pub use caller::{Caller, SignedIn, Via};
