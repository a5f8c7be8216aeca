//! An error that the viewer can mend, beside what it is about.

use lake::LakeError;
use leptos::prelude::*;

use super::{Icon, icon, sentence};

/// Whether an error is about what was typed, so that it stands there instead of in place of the page.
pub fn is_about_request(error: &LakeError) -> bool {
    matches!(
        error,
        LakeError::Invalid { .. }
            | LakeError::InvalidSql { .. }
            | LakeError::Limit { .. }
            | LakeError::Busy { .. }
            | LakeError::Cancelled
    )
}

/// With the line of `text` that it is about, when the engine knows it.
pub fn problem(error: &LakeError, text: &str) -> AnyView {
    let (line, column, hint) = match error {
        LakeError::InvalidSql { line, column, hint, .. } => (*line, *column, hint.clone()),
        _ => (None, None, None),
    };
    let place = line.map(|l| match column {
        Some(c) => format!("Line {l}, column {c}"),
        None => format!("Line {l}"),
    });
    let excerpt = line.and_then(|l| excerpt(text, l, column));
    view! {
        <div class="problem" role="alert">
            <p class="problem__message">
                {icon(Icon::Alert)}
                <span>
                    {place.map(|p| view! { <strong class="problem__place">{p}". "</strong> })}
                    {sentence(&error.to_string())}
                </span>
            </p>
            {excerpt.map(|e| view! { <pre class="problem__excerpt" aria-hidden="true">{e}</pre> })}
            {hint.map(|h| view! { <p class="problem__hint">{sentence(&h)}</p> })}
        </div>
    }
    .into_any()
}

/// The line with a caret under the column.
fn excerpt(text: &str, line: u64, column: Option<u64>) -> Option<String> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let line = super::visible(text.lines().nth(index)?).into_owned();
    let Some(column) = column.and_then(|c| usize::try_from(c).ok()).filter(|c| (1..400).contains(c)) else {
        return Some(line);
    };
    Some(format!("{line}\n{}^", " ".repeat(column - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_column() {
        assert_eq!(excerpt("select a\nfrm t", 2, Some(1)).as_deref(), Some("frm t\n^"));
        assert_eq!(excerpt("select a", 1, Some(8)).as_deref(), Some("select a\n       ^"));
        assert_eq!(excerpt("select a", 3, None), None);
    }
}
