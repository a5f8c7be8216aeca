//! Ctrl K: go anywhere by typing. Datasets come from the API, pages are built in. The search form works without.

use leptos::{html, prelude::*};

/// Something that one can go to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    title: String,
    name: String,
    href: String,
}

const PAGES: [(&str, &str, &str); 7] = [
    ("Datasets", "everything that you may see", "/datasets"),
    ("SQL", "ask a question", "/sql"),
    ("Arrivals", "files that came in", "/arrivals"),
    ("Send files", "see what a file would become", "/send"),
    ("Activity", "what was done: the audit", "/audit"),
    ("Account", "who you are, sessions, tokens", "/account"),
    ("Home", "recently changed, recent queries", "/"),
];

/// For others it does not exist.
const POLICY: (&str, &str, &str) = ("Policy", "who sees what", "/policy");

#[island]
pub fn Palette(steward: bool) -> impl IntoView {
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    let typed = RwSignal::new(String::new());
    let found = RwSignal::new(Vec::<Hit>::new());
    // The words that `found` is the answer to.
    let answered = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    #[cfg(feature = "hydrate")]
    browser_side(dialog, typed, found, answered, chosen);

    let hits = move || {
        let words = typed.get().to_lowercase();
        let pages = PAGES
            .iter()
            .chain(steward.then_some(&POLICY))
            .filter(|(title, ..)| title.to_lowercase().contains(words.trim()))
            .map(|&(title, name, href)| Hit { title: title.into(), name: name.into(), href: href.into() });
        // A page whose name begins so comes before datasets that only hold the word.
        let typed_first = |hit: &Hit| !words.trim().is_empty() && hit.title.to_lowercase().starts_with(words.trim());
        let (first, rest): (Vec<Hit>, Vec<Hit>) = pages.partition(typed_first);
        first.into_iter().chain(found.get()).chain(rest).collect::<Vec<_>>()
    };
    let nothing = move || hits().is_empty() && answered.get() == typed.get();
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let all = hits();
        let last = all.len().saturating_sub(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|i| *i = (*i + 1).min(last)),
            "ArrowUp" => chosen.update(|i| *i = i.saturating_sub(1)),
            "Enter" =>
            {
                #[cfg(feature = "hydrate")]
                if let Some(hit) = all.get(chosen.get_untracked()) {
                    super::browser::go(&hit.href);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let item = move |(i, hit): (usize, Hit)| {
        let id = format!("palette-{i}");
        view! {
            <li id=id role="option" class="palette__hit" aria-selected=move || (chosen.get() == i).to_string()>
                <a class="palette__link" href=hit.href tabindex="-1">
                    <span class="palette__title">{hit.title}</span>
                    <span class="palette__name">{hit.name}</span>
                </a>
            </li>
        }
    };
    view! {
        <button
            class="palette__open"
            type="button"
            aria-label="Open the command palette, Ctrl K"
            on:click=move |_| {
                if let Some(dialog) = dialog.get_untracked() {
                    drop(dialog.show_modal());
                }
            }
        >
            <kbd>"Ctrl K"</kbd>
        </button>
        <dialog class="palette" node_ref=dialog aria-label="Go to">
            <input
                class="palette__field"
                type="text"
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-hits"
                aria-activedescendant=move || format!("palette-{}", chosen.get())
                aria-label="Go to a dataset or page"
                placeholder="Go to a dataset or page"
                autocomplete="off"
                prop:value=typed
                on:input=move |event| typed.set(event_target_value(&event))
                on:keydown=on_key
            />
            <ul class="palette__hits" id="palette-hits" role="listbox" aria-label="Places">
                {move || hits().into_iter().enumerate().map(item).collect_view()}
            </ul>
            <p class="palette__nothing" role="status">{move || nothing().then_some("Nothing found")}</p>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
fn browser_side(
    dialog: NodeRef<html::Dialog>,
    typed: RwSignal<String>,
    found: RwSignal<Vec<Hit>>,
    answered: RwSignal<String>,
    chosen: RwSignal<usize>,
) {
    use web_sys::KeyboardEvent;

    use super::browser;

    let Some(window) = web_sys::window() else { return };
    browser::listen(&window, "keydown", move |event: KeyboardEvent| {
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            if let Some(dialog) = dialog.get_untracked() {
                if dialog.open() { dialog.close() } else { drop(dialog.show_modal()) }
            }
        }
    });
    Effect::new(move |_| {
        let words = typed.get();
        chosen.set(0);
        let asked = words.clone();
        let q = String::from(js_sys::encode_uri_component(words.trim()));
        browser::get_json(&format!("/api/v1/datasets?q={q}"), move |answer| {
            // A slow answer to an earlier word must not replace the answer to the present one.
            if typed.get_untracked() == asked {
                found.set(hits_of(&answer));
                answered.set(asked);
            }
        });
    });
}

#[cfg(feature = "hydrate")]
fn hits_of(answer: &wasm_bindgen::JsValue) -> Vec<Hit> {
    use super::browser::{member, text_member};

    const MOST: usize = 8;
    let datasets = js_sys::Array::from(&member(answer, "items"));
    let hit = |dataset: wasm_bindgen::JsValue| {
        let name = text_member(&dataset, "name");
        let href = format!("/datasets/{}", name.replacen('.', "/", 1));
        Hit { title: text_member(&dataset, "title"), name, href }
    };
    datasets.iter().take(MOST).map(hit).collect()
}
