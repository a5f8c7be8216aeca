//! Characters of text that a reader does not see as they are.

/// Whether `c` shows nothing, or changes how what follows is shown: control characters, white space without width, line
/// and paragraph separators, and marks of direction (Unicode's `Bidi_Control`).
#[must_use]
pub fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}
