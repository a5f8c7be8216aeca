//! The text area with its button, and what stands below it before anything was asked.

use leptos::prelude::*;
use model::Dataset;

use crate::{
    address::Href,
    components::{Icon, escaped, icon},
};

pub fn editor(text: &str) -> AnyView {
    let lines = text.lines().count().clamp(7, 24);
    view! {
        <form class="editor" action="/sql" method="get">
            <label class="visually-hidden" for="sql-text">"SQL"</label>
            <textarea
                class="editor__text"
                id="sql-text"
                name="sql"
                rows=lines.to_string()
                placeholder="select … from unit.dataset"
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                aria-describedby="editor-keys"
                required
            >
                {escaped(text)}
            </textarea>
            <div class="editor__bar">
                <button class="button button--primary" type="submit">{icon(Icon::Play)} "Run"</button>
                <p class="editor__keys scripted" id="editor-keys">
                    <kbd>"Ctrl"</kbd> " " <kbd>"Enter"</kbd> " runs · " <kbd>"Tab"</kbd> " indents, after "
                    <kbd>"Esc"</kbd> " it moves on"
                </p>
            </div>
        </form>
    }
    .into_any()
}

pub fn examples(datasets: &[Dataset]) -> AnyView {
    let first = datasets.iter().max_by_key(|d| d.rows).map(|d| d.name.to_string());
    let asked = |words: &'static str, sql: String| {
        let href = Href::to("/sql").with("sql", &sql).build();
        view! {
            <li>
                <a class="example" href=href>
                    <span class="example__words">{words}</span>
                    <code class="example__sql">{sql}</code>
                </a>
            </li>
        }
    };
    let list = first.map(|name| {
        view! {
            <ul class="examples">
                {asked("Look at some rows", format!("select * from {name} limit 100"))}
                {asked("Count them", format!("select count(*) from {name}"))}
            </ul>
        }
    });
    view! {
        <section class="welcome">
            <h2 class="section-title">"Ask in SQL"</h2>
            <p class="welcome__text">
                "One "<code>"select"</code>" over the datasets on the side, joined as you like. "
                "You get the rows and columns that you may see, and nothing else. "
                "The address of this page is the query: send it to a colleague, who gets their own answer."
            </p>
            {list}
        </section>
    }
    .into_any()
}
