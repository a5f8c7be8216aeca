//! One value of a grid, always as text: markup, control and direction characters show what they are.

use std::borrow::Cow;

use leptos::prelude::*;
use model::{Cell, ColumnType, text};

/// A table cell. `first` heads its row.
pub fn cell(value: &Cell, column_type: ColumnType, masked: bool) -> AnyView {
    let class = match (column_type.is_number(), masked) {
        (true, false) => "grid__cell grid__cell--number",
        (true, true) => "grid__cell grid__cell--number grid__cell--masked",
        (false, false) => "grid__cell",
        (false, true) => "grid__cell grid__cell--masked",
    };
    match value {
        Cell::Null => view! {
            <td class=class>
                <span class="null" title="no value">"∅"</span>
            </td>
        }
        .into_any(),
        Cell::Number(n) if column_type == ColumnType::Int64 => {
            view! { <td class=class>{digits(&n.to_string())}</td> }.into_any()
        }
        Cell::Bool(b) => view! { <td class=class>{b.to_string()}</td> }.into_any(),
        Cell::Number(n) => view! { <td class=class>{n.to_string()}</td> }.into_any(),
        Cell::String(s) => text(s, column_type, class),
        other => view! { <td class=class><bdi>{other.to_string()}</bdi></td> }.into_any(),
    }
}

fn text(s: &str, column_type: ColumnType, class: &'static str) -> AnyView {
    match column_type {
        ColumnType::TimestampUtc => {
            let shown = s.strip_suffix('Z').unwrap_or(s);
            view! { <td class=class>{moment(shown)}<span class="zone">" UTC"</span></td> }.into_any()
        }
        ColumnType::Timestamp => view! { <td class=class>{moment(s)}</td> }.into_any(),
        _ if s.is_empty() => view! {
            <td class=class>
                <span class="null" title="text of no characters">"“”"</span>
            </td>
        }
        .into_any(),
        _ => {
            let shown = visible(s).into_owned();
            let title = (shown.chars().count() > 48).then(|| shown.clone());
            view! { <td class=class title=title><bdi>{shown}</bdi></td> }.into_any()
        }
    }
}

/// `2013-01-01T10:00:00` as `2013-01-01 10:00`: seconds only when there are some.
fn moment(iso: &str) -> String {
    let spaced = iso.replacen('T', " ", 1);
    spaced.strip_suffix(":00").filter(|s| s.len() >= 16).map_or_else(|| spaced.clone(), str::to_owned)
}

/// Digits in groups that the eye sees and copying does not.
fn digits(n: &str) -> AnyView {
    let start = usize::from(n.starts_with('-'));
    if n.len() - start < 5 {
        return n.to_owned().into_any();
    }
    let first = start + (n.len() - start - 1) % 3 + 1;
    let rest: Vec<_> = (first..n.len()).step_by(3).map(|i| n[i..i + 3].to_owned()).collect();
    view! {
        {n[..first].to_owned()}
        {rest.into_iter().map(|group| view! { <span class="digits">{group}</span> }).collect_view()}
    }
    .into_any()
}

/// Text in which nothing hides: controls as their pictures, invisible and direction characters by number.
pub fn visible(s: &str) -> Cow<'_, str> {
    if !s.chars().any(text::hides) {
        return Cow::Borrowed(s);
    }
    let mut out = String::with_capacity(s.len() + 16);
    for c in s.chars() {
        match c {
            '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => out.push('␡'),
            c if text::hides(c) => out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown() {
        fn check(given: &str, expected: &str) {
            assert_eq!(visible(given), expected);
        }
        check("plain ünïcode 数", "plain ünïcode 数");
        check("a\tb\nc\0", "a␉b␊c␀");
        check("\u{202e}gpj.exe", "⟨U+202E⟩gpj.exe");
        check("zero\u{200b}width\u{feff}", "zero⟨U+200B⟩width⟨U+FEFF⟩");
    }

    #[test]
    fn moments_drop_empty_seconds() {
        for (given, expected) in [
            ("2013-01-01T10:00:00", "2013-01-01 10:00"),
            ("2013-01-01T10:00:05", "2013-01-01 10:00:05"),
            ("2013-01-01T10:00:00.250", "2013-01-01 10:00:00.250"),
        ] {
            assert_eq!(moment(given), expected);
        }
    }

    #[test]
    fn a_cell_never_becomes_markup() {
        let html = cell(&Cell::String("<img src=x onerror=alert(1)>".into()), ColumnType::Text, false).to_html();
        assert!(html.contains("&lt;img") && !html.contains("<img"), "{html}");
    }

    #[test]
    fn digits_copy_without_separators() {
        let html = digits("-1234567").to_html();
        let text: String = html.replace("<span class=\"digits\">", "").replace("</span>", "").replace("<!>", "");
        assert!(text.contains("-1") && text.contains("234567"), "{html}");
    }
}
