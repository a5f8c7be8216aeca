//! An answer as a chart: chosen from its columns, changed by a form, so that any chart is an address.

use leptos::prelude::*;
use model::{Page, QueryStatus};

use crate::{
    address::{Address, Href},
    chart::{self, Data, Drawing, Kind, Role, Size, Spec, choose, draw},
    components::{Icon, count, empty, grouped, icon, visible},
};

/// Rows that a chart is drawn of; more than an eye tells apart.
pub const ROWS: u64 = 5_000;

/// What the address asks for, else what suits the columns.
fn spec(address: &Address, data: &Data) -> Option<Spec> {
    let chosen = choose(data);
    let Some(kind) = address.get("chart").and_then(|word| word.parse::<Kind>().ok()) else { return chosen };
    let place = |name: &str| address.get(name).and_then(|name| data.fields.iter().position(|f| f.name == name));
    let numbers = || data.of_role(Role::Number);
    let y: Vec<usize> =
        ["y", "y2", "y3"].into_iter().filter_map(place).filter(|at| numbers().any(|n| n == *at)).collect();
    let y = match (y.is_empty(), kind, &chosen) {
        (false, ..) => y,
        (true, Kind::Number, _) => numbers().collect(),
        (true, _, Some(chosen)) => chosen.y.clone(),
        (true, _, None) => numbers().take(1).collect(),
    };
    let axis = |at: &usize| match kind {
        Kind::Line | Kind::Area | Kind::Scatter => data.fields[*at].role != Role::Category,
        _ => true,
    };
    let others = || (0..data.fields.len()).filter(|at| !y.contains(at)).find(axis);
    let x = place("x").or_else(|| chosen.as_ref().and_then(|c| c.x).filter(axis)).or_else(others);
    // Two that are the same tell nothing twice.
    let by =
        place("by").or_else(|| (kind == Kind::Heat).then(|| chosen.as_ref()?.by).flatten()).filter(|at| Some(*at) != x);
    Some(Spec { kind, x, y, by, apart: address.get("apart").is_some() })
}

/// The chart of the first rows, and the form that changes it. `here` is the address of the answer.
pub fn chart(status: &QueryStatus, page: &Page, address: &Address) -> AnyView {
    let data = Data::of(page);
    let Some(spec) = spec(address, &data) else {
        let body = view! { <p>"A chart needs a row and a column of numbers: count, add up or average something in the query."</p> };
        return empty(Icon::Search, "Nothing to draw", body).into_any();
    };
    let picture = match (draw(&data, &spec, Size::Wide), draw(&data, &spec, Size::Narrow)) {
        (Some(wide), Some(narrow)) => view! { {picture(wide, narrow)} {download(status, &data, &spec)} }.into_any(),
        _ => {
            let body = view! { <p>{cannot(&spec)}</p> };
            empty(Icon::Search, "Not with these columns", body).into_any()
        }
    };
    let part = (data.total > data.rows as u64).then(|| {
        let (drawn, all) = (grouped(data.rows as u64), count(data.total, "row"));
        view! { <p class="chart__note">{format!("Drawn from the first {drawn} of {all}; group them in the query to see all.")}</p> }
    });
    view! {
        {form(status, &data, &spec, address)}
        {part}
        {picture}
    }
    .into_any()
}

/// The same chart as a file, by the address that its page has; `None` when nothing can be drawn.
pub fn file(page: &Page, query: &str) -> Option<String> {
    let (data, address) = (Data::of(page), Address::of_query(query));
    let spec = spec(&address, &data)?;
    chart::file(&draw(&data, &spec, Size::Wide)?, &title(&data, &spec))
}

fn title(data: &Data, spec: &Spec) -> String {
    let name = |at: usize| data.fields[at].name.clone();
    let y = spec.y.iter().map(|at| name(*at)).collect::<Vec<_>>().join(", ");
    if matches!(spec.kind, Kind::Number | Kind::Histogram) {
        return y;
    }
    let x = spec.x.map(|at| format!(" by {}", name(at))).unwrap_or_default();
    let by = spec.by.map(|at| format!(", for each {}", name(at))).unwrap_or_default();
    y + &x + &by
}

/// A link to the file of this very chart, whatever it was chosen by.
fn download(status: &QueryStatus, data: &Data, spec: &Spec) -> AnyView {
    let name = |at: usize| data.fields[at].name.as_str();
    let mut href = Href::to("/sql/chart").with("id", &status.id).with("chart", spec.kind.word());
    href = href.with_some("x", spec.x.map(name)).with_some("by", spec.by.map(name));
    // More than an address names are all that there are.
    let named: &[usize] = if spec.y.len() > 3 { &[] } else { &spec.y };
    for (key, at) in ["y", "y2", "y3"].into_iter().zip(named) {
        href = href.with(key, name(*at));
    }
    let href = href.with_some("apart", spec.apart.then_some("yes")).build();
    view! {
        <p class="chart__file">
            <a class="button button--small" href=href download="">{icon(Icon::Download)} "Download as SVG"</a>
        </p>
    }
    .into_any()
}

fn picture(wide: Drawing, narrow: Drawing) -> AnyView {
    let notes: Vec<_> =
        wide.notes.into_iter().map(|note| view! { <p class="chart__note">{visible(&note).into_owned()}</p> }).collect();
    let legend = |names: Vec<String>, class: &'static str| {
        let items: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| view! { <li class=format!("legend__item chart__s{}", n + 1)><bdi>{visible(name).into_owned()}</bdi></li> })
            .collect();
        (!items.is_empty()).then(|| view! { <ul class=class aria-label="Series">{items}</ul> })
    };
    view! {
        <figure class="chart">
            <div class="chart__wide">{legend(wide.legend, "legend")} <div inner_html=wide.svg></div></div>
            <div class="chart__narrow">{legend(narrow.legend, "legend")} <div inner_html=narrow.svg></div></div>
            {notes}
        </figure>
    }
    .into_any()
}

/// What a kind needs that these columns do not give.
fn cannot(spec: &Spec) -> &'static str {
    match spec.kind {
        Kind::Line | Kind::Area | Kind::Scatter => {
            "Along its axis this chart needs a column of numbers, dates or times."
        }
        Kind::Heat => "A heat map needs two columns to set against each other: choose one for each series too.",
        _ => "Choose a column for the axis, and one of numbers.",
    }
}

fn form(status: &QueryStatus, data: &Data, spec: &Spec, address: &Address) -> AnyView {
    let option = |at: usize, chosen: Option<usize>| {
        let name = data.fields[at].name.clone();
        view! { <option value=name.clone() selected=chosen == Some(at)>{visible(&name).into_owned()}</option> }
    };
    let all = |chosen: Option<usize>| (0..data.fields.len()).map(|at| option(at, chosen)).collect_view();
    let numbers = |chosen: Option<usize>| data.of_role(Role::Number).map(|at| option(at, chosen)).collect_view();
    let kinds: Vec<_> = Kind::ALL
        .into_iter()
        .map(|kind| view! { <option value=kind.word() selected=kind == spec.kind>{kind.name()}</option> })
        .collect();
    let select = |id: &'static str, label: &'static str, options: AnyView| {
        view! {
            <div class="chart-form__field">
                <label class="field__label" for=format!("chart-{id}")>{label}</label>
                <select class="field__input" id=format!("chart-{id}") name=id>{options}</select>
            </div>
        }
    };
    let none = |words: &'static str| view! { <option value="">{words}</option> };
    let axis = !matches!(spec.kind, Kind::Number | Kind::Histogram);
    let several = axis && spec.kind != Kind::Heat;
    let lines = matches!(spec.kind, Kind::Line | Kind::Area | Kind::Scatter);
    let at = |n: usize| spec.y.get(n).copied();
    view! {
        <form class="chart-form" action="/sql" method="get">
            <input type="hidden" name="sql" value=address.get("sql").unwrap_or_default().to_owned() />
            <input type="hidden" name="id" value=status.id.clone() />
            <input type="hidden" name="view" value="chart" />
            {select("chart", "Chart", kinds.into_any())}
            {axis.then(|| select("x", "Along", all(spec.x).into_any()))}
            {(spec.kind != Kind::Number).then(|| select("y", "Values", numbers(at(0)).into_any()))}
            {(several && spec.by.is_none()).then(|| select("y2", "And", view! { {none("nothing more")} {numbers(at(1))} }.into_any()))}
            {axis.then(|| select("by", "For each", view! { {none("all together")} {all(spec.by)} }.into_any()))}
            {(lines && (spec.by.is_some() || spec.y.len() > 1)).then(|| {
                view! {
                    <label class="check">
                        <input type="checkbox" name="apart" value="yes" checked=spec.apart />
                        "Each in its own panel"
                    </label>
                }
            })}
            <button class="button" type="submit">"Draw"</button>
        </form>
    }
    .into_any()
}

/// The answer's two forms, as links.
pub fn switch(here: &Href, charted: bool) -> AnyView {
    let link = |words: &'static str, href: Href, current: bool| {
        view! { <a class="switch__side" href=href.build() aria-current=current.then_some("true")>{words}</a> }
    };
    view! {
        <nav class="switch" aria-label="How the answer is shown">
            {link("Table", here.clone(), !charted)}
            {link("Chart", here.clone().with("view", "chart"), charted)}
        </nav>
    }
    .into_any()
}
