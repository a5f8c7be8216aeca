//! Single values of a text file: null words and blanks. Numbers and the calendar have their own rooms.

pub(super) mod date;
pub(super) mod number;

/// Whether `trimmed` is one of the words that mean null in a column whose other values are all of one type that is not
/// text.
#[inline]
pub(super) fn is_null_word(trimmed: &str) -> bool {
    matches!(trimmed, "NA" | "N/A" | "n/a" | "null" | "NULL" | "None" | "-" | ".")
}

/// `true` and `false` in any case; nothing else is a boolean.
pub(super) fn boolean(trimmed: &str) -> Option<bool> {
    if trimmed.eq_ignore_ascii_case("true") {
        Some(true)
    } else if trimmed.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
