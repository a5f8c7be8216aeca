//! Versions: every commit, newest first.

use leptos::prelude::*;
use model::{DatasetDetail, DatasetVersion};

use crate::components::{Icon, Tone, badge, empty, grouped, instant, visible};

pub fn tab(detail: &DatasetDetail) -> AnyView {
    if detail.versions.is_empty() {
        let body = view! { <p>"Each file that lands makes a version; the older ones stay readable."</p> };
        return empty(Icon::Dataset, "No versions yet", body).into_any();
    }
    let current = detail.dataset.version;
    let lines: Vec<_> = detail.versions.iter().map(|v| line(v, v.version == current)).collect();
    view! {
        <div class="table-scroll" role="region" aria-label="Versions" tabindex="0">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col" class="table__number">"Version"</th>
                        <th scope="col">"When"</th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="table__number">"Rows added"</th>
                        <th scope="col">"File"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(v: &DatasetVersion, current: bool) -> AnyView {
    let file = v.file.clone().map(|file| {
        let file = visible(&file).into_owned();
        match &v.ingest {
            Some(id) => view! { <a href=format!("/arrivals/{id}")><bdi>{file}</bdi></a> }.into_any(),
            None => view! { <bdi>{file}</bdi> }.into_any(),
        }
    });
    view! {
        <tr>
            <th scope="row" class="table__number">
                {grouped(v.version)} {current.then(|| badge(Tone::Accent, "current"))}
            </th>
            <td>{instant(v.committed_at)}</td>
            <td>{v.operation.clone()}</td>
            <td class="table__number">{v.rows_added.map_or_else(|| "–".into(), |n| format!("+{}", grouped(n)))}</td>
            <td>{file.unwrap_or_else(|| "–".into_any())}</td>
        </tr>
    }
    .into_any()
}
