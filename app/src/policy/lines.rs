//! The lines in which two texts differ, each with a sign and a word, never by colour alone.

use leptos::prelude::*;
use model::TextLine;

use crate::components::visible;

pub(super) fn view(lines: &[TextLine], label: &'static str) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="note">"No line differs."</p> }.into_any();
    }
    let mut shown = Vec::new();
    let mut last: Option<&TextLine> = None;
    for line in lines {
        let follows = |a: Option<u64>, b: Option<u64>| matches!((a, b), (Some(a), Some(b)) if b > a + 1);
        if last.is_some_and(|last| follows(last.before, line.before) && follows(last.after, line.after)) {
            shown.push(view! { <tr class="lines__gap"><td colspan="4">"⋯"</td></tr> }.into_any());
        }
        shown.push(one(line));
        last = Some(line);
    }
    view! {
        <div class="lines" role="region" aria-label=label tabindex="0">
            <table class="lines__table">
                <caption class="visually-hidden">{label}</caption>
                <tbody>{shown}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn one(line: &TextLine) -> AnyView {
    let (class, sign, word) = match (line.before, line.after) {
        (Some(_), None) => ("lines__line lines__line--gone", "−", "gone: "),
        (None, Some(_)) => ("lines__line lines__line--new", "+", "new: "),
        _ => ("lines__line", "", ""),
    };
    let text = visible(&line.text).into_owned();
    view! {
        <tr class=class>
            <td class="lines__number">{line.before}</td>
            <td class="lines__number">{line.after}</td>
            <td class="lines__sign"><span aria-hidden="true">{sign}</span><span class="visually-hidden">{word}</span></td>
            <td class="lines__text"><bdi>{text}</bdi></td>
        </tr>
    }
    .into_any()
}
