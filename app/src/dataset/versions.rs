//! Versions: every commit, newest first, each to be asked in SQL, and for owners and stewards to go back to.

use leptos::prelude::*;
use model::{DatasetDetail, DatasetVersion};

use crate::{
    address::Href,
    components::{Head, Icon, Tone, badge, empty, grouped, instant, table, visible},
    shell::Viewer,
};

pub fn tab(viewer: &Viewer, detail: &DatasetDetail) -> AnyView {
    if detail.versions.is_empty() {
        let body = view! { <p>"Each file that lands makes a version; the older ones stay readable."</p> };
        return empty(Icon::Dataset, "No versions yet", body).into_any();
    }
    let may_roll_back = detail.dataset.access.may_own || viewer.context.steward;
    // The version before the newest, when there is one.
    let example = &detail.versions[detail.versions.len().min(2) - 1];
    // Versions are told apart by less than a second.
    let then = example.committed_at + chrono::TimeDelta::seconds(1);
    let lines: Vec<_> = detail.versions.iter().map(|v| line(v, detail, may_roll_back)).collect();
    let mut heads = vec![Head::Number("Version"), Head::Words("When")];
    heads.extend(may_roll_back.then_some(Head::Words("Who")));
    heads.extend([Head::Words("What"), Head::Number("Rows added")]);
    // Whoever may not know the files gets no column of dashes.
    heads.extend(names_files(detail).then_some(Head::Words("File")));
    heads.push(Head::Unseen("Query or roll back"));
    view! {
        <p class="note">
            "Every version can be asked: "
            <code>{format!("select … from {} version as of {}", detail.dataset.name, example.version)}</code> ", or "
            <code>{format!("timestamp as of '{}'", then.format("%Y-%m-%dT%H:%M:%SZ"))}</code>
            ". What you may see of it is decided by the policy of now."
        </p>
        {table("Versions", "versions", &heads, lines)}
    }
    .into_any()
}

fn names_files(detail: &DatasetDetail) -> bool {
    detail.versions.iter().any(|v| v.file.is_some())
}

fn line(v: &DatasetVersion, detail: &DatasetDetail, may_roll_back: bool) -> AnyView {
    let current = v.version == detail.dataset.version;
    let file = v.file.clone().map(|file| {
        let file = visible(&file).into_owned();
        match &v.ingest {
            Some(id) => view! { <a href=format!("/arrivals/{id}")><bdi>{file}</bdi></a> }.into_any(),
            None => view! { <bdi>{file}</bdi> }.into_any(),
        }
    });
    let who = may_roll_back.then(|| {
        let by = v.by.as_deref().map_or_else(|| "–".into(), |by| visible(by).into_owned());
        view! { <td><bdi>{by}</bdi></td> }
    });
    let what = match (v.restores, v.compacted) {
        (Some(to), _) => format!("{} to version {}", v.operation, grouped(to)),
        (None, Some(compacted)) => format!("upkeep: {compacted}"),
        (None, None) => v.operation.clone(),
    };
    let taken_back = v.taken_back.map(|by| badge(Tone::Careful, format!("taken back by version {}", grouped(by))));
    view! {
        <tr>
            <th scope="row" class="table__number">
                {grouped(v.version)} " " {current.then(|| badge(Tone::Accent, "current"))}
            </th>
            <td>{instant(v.committed_at)}</td>
            {who}
            <td>{what} " " {taken_back}</td>
            <td class="table__number">{v.rows_added.map_or_else(|| "–".into(), |n| format!("+{}", grouped(n)))}</td>
            {names_files(detail).then(|| view! { <td>{file.unwrap_or_else(|| "–".into_any())}</td> })}
            <td>
                <div class="versions__ways">
                    {query(v, detail)}
                    {(may_roll_back && !current).then(|| roll_back(v, detail))}
                </div>
            </td>
        </tr>
    }
    .into_any()
}

fn query(v: &DatasetVersion, detail: &DatasetDetail) -> AnyView {
    let sql = format!("select *\nfrom {} version as of {}\nlimit 100", detail.dataset.name, v.version);
    let label = format!("Query version {}", v.version);
    let href = Href::to("/sql").with("sql", sql).build();
    view! { <a class="button button--small" href=href aria-label=label>"Query"</a> }.into_any()
}

/// Two steps, so that no slip of the hand changes what everybody sees.
fn roll_back(v: &DatasetVersion, detail: &DatasetDetail) -> AnyView {
    let name = &detail.dataset.name;
    let action = Href::dataset(name).build() + "/rollback";
    let label = format!("Roll back to version {}", v.version);
    view! {
        <details class="versions__back">
            <summary class="button button--small" aria-label=label.clone()>"Roll back…"</summary>
            <form action=action method="post">
                <input type="hidden" name="to" value=v.version.to_string() />
                <input type="hidden" name="newest" value=detail.dataset.version.to_string() />
                <p class="note">
                    "The dataset becomes as it was at version "{grouped(v.version)}
                    ", as a new version. Nothing is deleted."
                </p>
                <button class="button button--small button--primary" type="submit">{label}</button>
            </form>
        </details>
    }
    .into_any()
}
