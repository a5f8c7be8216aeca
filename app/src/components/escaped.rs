//! Text for the two elements whose content Leptos writes as it is: `<textarea>` and `<title>`.

/// `&` and `<` as entities, so that no `</textarea>` in a query and no `</title>` in a name ends the element.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
