//! Single values of a text file: null words and blanks. Numbers and the calendar have their own rooms.

pub(super) mod date;
pub(super) mod number;

/// Words that mean null in a column whose other values are all of one type that is not text.
const NULL_WORDS: [&str; 8] = ["NA", "N/A", "n/a", "null", "NULL", "None", "-", "."];

/// Whether `trimmed` is one of the words that may mean null.
pub(super) fn is_null_word(trimmed: &str) -> bool {
    trimmed.len() <= 4 && NULL_WORDS.contains(&trimmed)
}

/// Whether such a word may begin with this byte.
pub(super) fn may_be_null_word(first: u8) -> bool {
    matches!(first, b'N' | b'n' | b'-' | b'.')
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
