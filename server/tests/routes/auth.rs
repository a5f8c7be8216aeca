//! `/auth`

mod demo;
mod login;
mod sign_out;
