//! Where to go after signing in: a path of this server and nothing else.

/// `to` when it is a path here, else `/`.
///
/// Browsers read `\` as `/`, drop tabs and line breaks, and take `//host` as another site.
#[must_use]
pub fn safe(to: Option<&str>) -> &str {
    const MAX: usize = 2_000;
    let Some(to) = to else { return "/" };
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let path = to.split(['?', '#']).next().unwrap_or_default();
    let here = to.starts_with('/') && !path.contains("//") && to.len() <= MAX;
    // Signing in leads back to signing in, signing out would undo it.
    let elsewhere = path != "/sign-in" && !path.starts_with("/auth/") && !path.starts_with("/api/");
    if plain && here && elsewhere { to } else { "/" }
}

/// The sign-in page that leads back to `to`.
#[must_use]
pub fn sign_in(to: &str) -> String {
    match safe(Some(to)) {
        "/" => "/sign-in".to_owned(),
        to => format!(
            "/sign-in?{}",
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", to).finish()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_15_only_paths_of_this_server_are_followed() {
        for good in ["/", "/datasets", "/datasets/ops/flights?tab=data&filter=a%20%3D%201", "/sql?sql=select+1"] {
            assert_eq!(safe(Some(good)), good);
        }
        for bad in [
            "",
            "datasets",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/ /evil",
            "/a//b",
            "/sign-in",
            "/sign-in?return_to=/",
            "/auth/sign-out",
            "/api/v1/me",
            "/é",
        ] {
            assert_eq!(safe(Some(bad)), "/", "{bad}");
        }
        assert_eq!(safe(None), "/");
        assert_eq!(safe(Some(&format!("/{}", "a".repeat(3_000)))), "/");
    }
}
