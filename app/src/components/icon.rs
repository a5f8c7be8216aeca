//! Line icons on a 16-unit grid; always beside a word or a label, so hidden from readers.

use leptos::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Alert,
    Arrival,
    Dataset,
    Down,
    Download,
    Eye,
    Key,
    Lock,
    Menu,
    Play,
    Search,
    SortDown,
    SortUp,
    Terminal,
    Upload,
}

pub fn icon(which: Icon) -> impl IntoView {
    let path = match which {
        Icon::Alert => "M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.3v.2",
        Icon::Arrival => "M8 2v7M5 6.5 8 9.5l3-3M2.5 10v3.5h11V10",
        Icon::Dataset => "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6",
        Icon::Down => "m4.5 6.5 3.5 3.5 3.5-3.5",
        Icon::Download => "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
        Icon::Eye => {
            "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6"
        }
        Icon::Key => "M10.3 2.5a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4M8 8l-5.5 5.5M4.5 11.5 6 13",
        Icon::Lock => "M3.5 7.2h9v6.3h-9zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
        Icon::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
        Icon::Play => "M5 3.2v9.6L12.5 8z",
        Icon::Search => "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9M10.3 10.3l3.4 3.4",
        Icon::SortDown => "M8 3v10M4.5 9.5 8 13l3.5-3.5",
        Icon::SortUp => "M8 13V3M4.5 6.5 8 3l3.5 3.5",
        Icon::Terminal => "M2 3h12v10H2zM4.5 6l2 2-2 2M8.5 10h3",
        Icon::Upload => "M8 10.5V3M4.8 6 8 2.8 11.2 6M3 13.5h10",
    };
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            <path d=path />
        </svg>
    }
}
