//! The server from outside: the whole router over a lake of its own, asked as browsers and programs ask.
//! The tree below mirrors the URL tree.
#![allow(clippy::unwrap_used, reason = "tests")]

mod account;
mod accounts;
mod api;
mod audit;
mod auth;
mod headers;
mod lake_of_two_units;
mod markup;
mod operations;
mod pages;
mod paths;
mod policy;
mod provider;
mod server;
mod view_as;
