//! Keys of the SQL editor: Ctrl+Enter runs, Tab indents; after Escape, Tab moves on as everywhere.

use leptos::prelude::*;

/// Looks for the text area `sql-text`.
#[island]
pub fn EditorKeys() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser_side();
}

#[cfg(feature = "hydrate")]
fn browser_side() {
    use web_sys::{HtmlTextAreaElement, KeyboardEvent};

    use super::browser;

    const INDENT: &str = "  ";
    let Some(editor) = browser::by_id::<HtmlTextAreaElement>("sql-text") else { return };
    let area = editor.clone();
    let mut leaving = false;
    browser::listen(&editor, "keydown", move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" if event.ctrl_key() || event.meta_key() => {
            event.prevent_default();
            if let Some(form) = area.form() {
                drop(form.request_submit());
            }
        }
        "Tab" if !leaving && !event.shift_key() && !event.ctrl_key() && !event.alt_key() => {
            event.prevent_default();
            let at = area.selection_start().ok().flatten().unwrap_or_default();
            if area.set_range_text(INDENT).is_ok() {
                let end = at + INDENT.len() as u32;
                drop(area.set_selection_range(end, end));
            }
        }
        "Escape" => leaving = true,
        "Tab" | "Shift" => {}
        _ => leaving = false,
    });
}
