//! A sentence of the engine: what stands between backticks is code, and nothing hides in it.

use leptos::prelude::*;

use super::visible;

/// `` `carrier` is new `` with `carrier` as code; a backtick without its fellow stays as it is.
pub fn sentence(text: &str) -> AnyView {
    let parts: Vec<AnyView> = parts(text)
        .into_iter()
        .map(|(code, part)| {
            let part = visible(part).into_owned();
            if code {
                view! { <code><bdi>{part}</bdi></code> }.into_any()
            } else {
                view! { <span>{part}</span> }.into_any()
            }
        })
        .collect();
    view! { <bdi>{parts}</bdi> }.into_any()
}

/// Pieces of the text, each with whether it is code.
fn parts(text: &str) -> Vec<(bool, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`')
        && let Some((code, next)) = after.split_once('`')
    {
        found.extend([(false, before), (true, code)]);
        rest = next;
    }
    found.push((false, rest));
    found.retain(|(_, part)| !part.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_come_in_pairs() {
        fn check(text: &str, expected: &[(bool, &str)]) {
            assert_eq!(parts(text), expected);
        }
        check("", &[]);
        check("plain", &[(false, "plain")]);
        check("`a` is new", &[(true, "a"), (false, " is new")]);
        check(
            "say `sheet = \"*\"`, or `b`",
            &[(false, "say "), (true, "sheet = \"*\""), (false, ", or "), (true, "b")],
        );
        check("one ` alone", &[(false, "one ` alone")]);
        check("`a` and ` alone", &[(true, "a"), (false, " and ` alone")]);
    }

    #[test]
    fn a_sentence_never_becomes_markup() {
        let html = sentence("`<b>` <i>").to_html();
        assert!(html.contains("<code>") && html.contains("&lt;b") && !html.contains("<i>"), "{html}");
    }
}
