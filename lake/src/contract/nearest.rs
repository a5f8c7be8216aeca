//! The word that was meant, when a word is none of those that are allowed.

/// Adds to serde's "unknown field `x`, expected one of `y`, `z`" which of them is nearly the same.
pub(super) fn with_hint(message: &str) -> String {
    match hint(message) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message.to_owned(),
    }
}

fn hint(message: &str) -> Option<&str> {
    /// Letters that may be wrong.
    const WRONG: usize = 2;
    let (given, allowed) = message.strip_prefix("unknown ")?.split_once(", expected ")?;
    let given = given.split('`').nth(1)?;
    let near = allowed.split('`').skip(1).step_by(2).map(|word| (strsim::damerau_levenshtein(given, word), word));
    near.filter(|(wrong, word)| *wrong <= WRONG && *wrong < word.len()).min().map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_nearly_the_same_is_proposed() {
        for (message, meant) in [
            ("unknown field `desciption`, expected one of `title`, `description`", Some("description")),
            ("unknown variant `wran`, expected `quarantine` or `warn`", Some("warn")),
            ("unknown field `colour`, expected one of `title`, `description`", None),
            ("invalid type: integer `3`, expected a string", None),
            ("unknown field `x`, there are no fields", None),
        ] {
            assert_eq!(hint(message), meant, "{message}");
        }
    }
}
