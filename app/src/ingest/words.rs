//! What codes of reports mean, in a few words.

use leptos::prelude::*;
use model::{ColumnWarning, RefusedBecause};

use crate::components::{Icon, icon, sentence};

/// What landed and deserves a look.
pub fn warnings(said: &[String]) -> Vec<AnyView> {
    let line =
        |text: &String| view! { <p class="banner banner--careful">{icon(Icon::Alert)} {sentence(text)}</p> }.into_any();
    said.iter().map(line).collect()
}

pub fn warning(w: ColumnWarning) -> &'static str {
    match w {
        ColumnWarning::AmbiguousDayMonth => "day or month first?",
        ColumnWarning::AmbiguousDecimal => "decimal or thousands?",
        ColumnWarning::MixedZones => "several time zones",
        ColumnWarning::Nanoseconds => "finer than microseconds",
    }
}

pub fn because(b: RefusedBecause) -> &'static str {
    match b {
        RefusedBecause::Empty => "the file is empty",
        RefusedBecause::Binary => "it is not a table in any format that we read",
        RefusedBecause::TooLarge => "it is too large",
        RefusedBecause::TooManyRejects => "too many rows could not be read",
        RefusedBecause::Unreadable => "it could not be read",
        RefusedBecause::SchemaConflict => "its columns do not fit the dataset",
        RefusedBecause::Contract => "the contract does not say how to read it",
        RefusedBecause::CheckFailed => "rows do not meet a check of the contract",
        RefusedBecause::TakenBack => "it landed before and was taken back",
        RefusedBecause::Declined => "an owner decided so",
        RefusedBecause::Withdrawn => "it was removed or replaced while it waited",
    }
}
