//! What TOML's reader finds wrong with a policy, with the cure where it is known.

use std::ops::Range;

use crate::nearest::with_hint;

/// The message about the part of the text at `span`.
pub(super) fn cured(text: &str, span: &Range<usize>, message: &str) -> String {
    let written = text.get(span.clone()).unwrap_or_default().trim();
    let bare = written.trim_matches(['"', '\'']);
    if message.contains("expected a TOML datetime") && bare != written {
        return format!("a date is no text: write it without quotes: {bare}");
    }
    with_hint(message)
}
