//! The small parts that pages are made of. Each draws one thing and knows no engine.

mod access;
mod badge;
mod cell;
mod empty;
mod escaped;
mod field;
mod grid;
mod icon;
mod number;
mod pager;
mod problem;
mod sentence;
mod snippet;
mod table;
mod tabs;
mod time;
mod type_chip;

pub use access::{access_chips, access_line};
pub use badge::{Tone, badge};
pub use cell::{cell, visible};
pub use empty::empty;
pub use escaped::escaped;
pub use field::field;
pub use grid::{Sorting, grid};
pub use icon::{Icon, icon};
pub use number::{bytes, count, duration, grouped, percent};
pub use pager::{Window, pager};
pub use problem::{is_about_request, problem};
pub use sentence::sentence;
pub use snippet::snippet;
pub use table::{Head, table};
pub use tabs::{Tab, tabs};
pub use time::{ago, instant};
pub use type_chip::{type_chip, type_sign, type_words};
