//! Sending files: what each would become, seen before it lands.

use leptos::prelude::*;
use model::{Dataset, DatasetName};

use super::inspection::inspections;
use crate::{
    address::Href,
    components::{Icon, escaped, icon},
    context::Looked,
    islands::upload::Uploader,
    shell::{Content, Place, page},
};

#[component]
pub fn SendPage() -> impl IntoView {
    page(Place::Arrivals, async |viewer| {
        let looked = viewer.context.looked.clone();
        let asked = viewer.address.get("dataset").map(str::to_owned);
        let dataset = asked.as_deref().and_then(|d| d.parse::<DatasetName>().ok());
        let targets: Vec<Dataset> =
            viewer.datasets().await?.into_iter().filter(|d| d.access.may_upload || d.access.may_own).collect();
        let body = view! {
            <header class="page-head">
                <div class="page-head__words">
                    <nav class="crumbs" aria-label="Where you are">
                        <a href="/arrivals">"Arrivals"</a>
                        <span aria-hidden="true">"/"</span>
                    </nav>
                    <h1 class="page-head__title">"Send files"</h1>
                    <p class="page-head__facts">
                        "Look first: what each column becomes and why, and which rows would not land. Nothing is kept until you send."
                    </p>
                </div>
            </header>
            {chooser(asked.as_deref(), &targets)}
            {form(dataset.as_ref(), looked.as_deref())}
            {inspections(looked.as_deref())}
        };
        Ok(Content::new("Send files", body))
    })
}

/// Which dataset the files are for; none is needed to look.
fn chooser(asked: Option<&str>, targets: &[Dataset]) -> AnyView {
    let options: Vec<_> =
        targets.iter().map(|d| view! { <option value=d.name.to_string()>{d.title.clone()}</option> }).collect();
    let wrong = asked.filter(|d| d.parse::<DatasetName>().is_err()).map(|d| {
        view! {
            <p class="field__error" id="dataset-error">
                "“"<bdi>{d.to_owned()}</bdi>"” is not a dataset's name; write unit.dataset in small letters, for example ops.flights."
            </p>
        }
    });
    let described = if wrong.is_some() { "dataset-hint dataset-error" } else { "dataset-hint" };
    view! {
        <form class="send-to" action="/send" method="get">
            <div class="field">
                <label class="field__label" for="dataset">"For the dataset"</label>
                <p class="field__hint" id="dataset-hint">
                    "An existing name, whose contract and columns then hold, or a new one in a unit of yours. Empty: the file is looked at by itself."
                </p>
                <div class="send-to__line">
                    <input
                        class="field__input"
                        id="dataset"
                        name="dataset"
                        list="targets"
                        value=asked.unwrap_or_default().to_owned()
                        placeholder="unit.dataset"
                        autocomplete="off"
                        spellcheck="false"
                        aria-describedby=described
                        aria-invalid=wrong.is_some().then_some("true")
                    />
                    <button class="button" type="submit">"Use"</button>
                </div>
                <datalist id="targets">{options}</datalist>
                {wrong}
            </div>
        </form>
    }
    .into_any()
}

fn form(dataset: Option<&DatasetName>, looked: Option<&Looked>) -> AnyView {
    let action = Href::to("/send").with_some("dataset", dataset.map(ToString::to_string).as_deref()).build();
    let contract = looked.map(|l| l.contract.clone()).unwrap_or_default();
    let open = !contract.trim().is_empty();
    // Files land by the dataset's own contract: what was seen by another one must not be sent.
    let send = dataset.map(|name| {
        let to = format!("/api/v1/uploads/{}/{}", name.unit(), name.name());
        view! {
            <button
                class="button button--primary"
                type="submit"
                formaction=to
                data-send=""
                disabled=open
                aria-describedby="send-why"
            >
                {icon(Icon::Upload)} "Send to " {name.to_string()}
            </button>
        }
    });
    let why = dataset.map(|name| {
        let place = format!("contracts/{}/{}.toml", name.unit(), name.name());
        view! {
            <p class="note upload__why" id="send-why" hidden=!open>
                "Files that are sent are read by the dataset's own contract, not by the one that is written here. Have this one saved in the lake first, as "
                <code>{place}</code> "; then take it out here and look again."
            </p>
        }
    });
    view! {
        <form class="upload upload--look" id="upload" action=action method="post" enctype="multipart/form-data">
            // Before the files, so that a server that is sent both can refuse them unread.
            <details class="upload__contract" open=open>
                <summary>"Read them by a contract that you are writing"</summary>
                <label class="field__label" for="contract">"Contract"</label>
                <p class="field__hint" id="contract-hint">
                    "TOML; in place of the dataset's own while you look. "
                    <a href="/api/docs">"The API"</a> " drafts one too."
                </p>
                <textarea
                    class="field__input upload__toml"
                    id="contract"
                    name="contract"
                    rows="12"
                    spellcheck="false"
                    aria-describedby="contract-hint"
                >
                    {escaped(&contract)}
                </textarea>
                <button class="button scripted" type="button" id="use-draft">"Begin with the draft from the file"</button>
            </details>
            <span class="upload__sign">{icon(Icon::Upload)}</span>
            <div class="upload__words">
                <label class="upload__label" for="upload-file">"Files"</label>
                <p class="field__hint" id="upload-hint">
                    "CSV, TSV, Excel, OpenDocument, JSON, NDJSON or Parquet; gzip, zstd, bzip2, xz and zip too. "
                    <span class="scripted">"Drop them here or choose them."</span>
                </p>
            </div>
            <input
                class="upload__file"
                id="upload-file"
                type="file"
                name="file"
                required
                multiple
                aria-describedby="upload-hint"
            />
            <button class="button" type="submit">{icon(Icon::Eye)} "Look"</button>
            {send}
            {why}
            <div class="upload__state">
                <progress class="upload__progress" id="upload-progress" value="0" max="1" hidden>"Sending"</progress>
                <p class="upload__message" id="upload-message" role="status"></p>
            </div>
            <Uploader />
        </form>
    }
    .into_any()
}
