//! The word that was meant, when a word is none of those that there are.
//!
//! Whoever asks gives only words that the reader may know.

/// `did you mean …?`, with the candidate that a slip of the keyboard may have meant.
#[must_use]
pub fn closest<'a>(given: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let given = given.to_lowercase();
    let (wrong, word) = candidates.map(|word| (strsim::damerau_levenshtein(&given, word), word)).min()?;
    // A third of the letters may be wrong, and never all of them.
    let near = wrong <= given.chars().count().div_ceil(3) && wrong < word.chars().count();
    near.then(|| format!("did you mean `{word}`?"))
}

/// Adds to serde's "unknown field `x`, expected one of `y`, `z`" which of them is nearly the same.
pub(crate) fn with_hint(message: &str) -> String {
    match hint(message) {
        Some(hint) => format!("{message}; {hint}"),
        None => message.to_owned(),
    }
}

fn hint(message: &str) -> Option<String> {
    let (given, allowed) = message.strip_prefix("unknown ")?.split_once(", expected ")?;
    closest(given.split('`').nth(1)?, allowed.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let names = ["carrier", "origin", "dep_delay"];
        for (given, wanted) in [
            ("carier", Some("did you mean `carrier`?")),
            ("Carrier", Some("did you mean `carrier`?")),
            ("dep_dealy", Some("did you mean `dep_delay`?")),
            ("salary", None),
        ] {
            assert_eq!(closest(given, names.into_iter()).as_deref(), wanted, "{given}");
        }
        assert_eq!(closest("x", ["y"].into_iter()), None);
    }

    #[test]
    fn a_message_of_serde_is_given_the_word_that_was_meant() {
        for (message, meant) in [
            ("unknown field `desciption`, expected one of `title`, `description`", Some("description")),
            ("unknown variant `wran`, expected `quarantine` or `warn`", Some("warn")),
            ("unknown field `notes`, expected one of `to`, `on`, `note`", Some("note")),
            ("unknown field `colour`, expected one of `title`, `description`", None),
            ("invalid type: integer `3`, expected a string", None),
            ("unknown field `x`, there are no fields", None),
        ] {
            let hint = meant.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
            assert_eq!(with_hint(message), format!("{message}{hint}"));
        }
    }
}
