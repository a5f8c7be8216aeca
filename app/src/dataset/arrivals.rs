//! Files that were sent to a dataset, and the form that sends one.

use lake::Result;
use leptos::prelude::*;
use model::{DatasetDetail, IngestFilter};

use crate::{
    address::Href,
    components::{Icon, icon},
    ingest::arrivals_table,
    islands::upload::Uploader,
    shell::Viewer,
};

pub async fn tab(viewer: &Viewer, detail: &DatasetDetail) -> Result<AnyView> {
    let name = &detail.dataset.name;
    let filter =
        IngestFilter { unit: Some(name.unit().to_string()), dataset: Some(name.name().to_owned()), state: None };
    let reports = viewer.lake().ingests(&viewer.who, filter).await?;
    let access = &detail.dataset.access;
    let form = (access.may_upload || access.may_own).then(|| {
        let look = Href::to("/send").with("dataset", name.to_string()).build();
        let action = format!("/api/v1/uploads/{}/{}", name.unit(), name.name());
        view! {
            <form class="upload" id="upload" action=action method="post" enctype="multipart/form-data">
                <span class="upload__sign">{icon(Icon::Upload)}</span>
                <div class="upload__words">
                    <label class="upload__label" for="upload-file">"Send a file to " {name.to_string()}</label>
                    <p class="field__hint" id="upload-hint">
                        "CSV, TSV, Excel, OpenDocument, JSON, NDJSON or Parquet; gzip and zstd too. "
                        <span class="scripted">"Drop it here or choose it."</span>
                    </p>
                </div>
                <input
                    class="upload__file"
                    id="upload-file"
                    type="file"
                    name="file"
                    required
                    aria-describedby="upload-hint"
                />
                <a class="button" href=look>{icon(Icon::Eye)} "Look first"</a>
                <button class="button button--primary" type="submit">"Send"</button>
                <div class="upload__state">
                    <progress class="upload__progress" id="upload-progress" value="0" max="1" hidden>"Sending"</progress>
                    <p class="upload__message" id="upload-message" role="status"></p>
                </div>
                <Uploader />
            </form>
        }
    });
    Ok(view! {
        {form}
        {arrivals_table(&reports, false)}
    }
    .into_any())
}
