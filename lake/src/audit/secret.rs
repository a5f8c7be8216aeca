//! Personal tokens that stand in what is audited, such as in the text of a query: the secret part does not go in.

/// What a token begins with: `pk_<32 hexadecimal digits>_<secret>`.
const PREFIX: &str = "pk_";

/// The text with `…` in the place of each token's secret; the token's id stays.
pub(super) fn without_tokens(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        let (before, token) = rest.split_at(at + PREFIX.len());
        safe.push_str(before);
        let id = token.bytes().take_while(u8::is_ascii_hexdigit).count();
        rest = token;
        if id == 32 && token[id..].starts_with('_') {
            let secret = &token[id + 1..];
            let end =
                secret.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(secret.len());
            safe.push_str(&token[..=id]);
            safe.push('…');
            rest = &secret[end..];
        }
    }
    safe.push_str(rest);
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_id_and_loses_its_secret() {
        let (id, secret) = ("0123456789abcdef0123456789abcdef", "a-_".repeat(14));
        for (given, expected) in [
            (format!("pk_{id}_{secret}"), format!("pk_{id}_…")),
            (format!("select 'pk_{id}_{secret}', 1"), format!("select 'pk_{id}_…', 1")),
            (format!("é pk_pk_{id}_{secret}pk_{id}_{secret} é"), format!("é pk_pk_{id}_… é")),
            (format!("pk_{id}"), format!("pk_{id}")),
            ("select pk_id, 'pk_' from t".to_owned(), "select pk_id, 'pk_' from t".to_owned()),
        ] {
            assert_eq!(without_tokens(&given), expected, "{given}");
        }
    }
}
