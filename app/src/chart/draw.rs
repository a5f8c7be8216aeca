//! A chart as SVG.

use super::{
    Data, Kind, Role, Spec,
    figures::{full, short},
    scale::{Bands, Linear},
    series::{Plotted, Series, along, banded, bins},
    svg::{Anchor, Svg, cut, width},
};
use crate::components::{count, grouped};

/// For which of two widths it is drawn; letters have their size in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Wide,
    Narrow,
}

#[derive(Debug)]
pub struct Drawing {
    pub svg: String,
    /// Names of the series, when they do not stand in the picture.
    pub legend: Vec<String>,
    /// What is not drawn; a sentence each.
    pub notes: Vec<String>,
}

/// The part of the picture that values have, in pixels.
#[derive(Debug, Clone, Copy)]
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Series that are named at their lines' ends.
const NAMED: usize = 6;
const LINE: f64 = 14.0;

impl Size {
    fn width(self) -> f64 {
        if self == Self::Wide { 920.0 } else { 360.0 }
    }
}

/// `None` when the columns do not give such a chart.
pub fn draw(data: &Data, spec: &Spec, size: Size) -> Option<Drawing> {
    let needs_x = !matches!(spec.kind, Kind::Number | Kind::Histogram);
    if data.rows == 0 || spec.y.is_empty() || (needs_x && spec.x.is_none()) {
        return None;
    }
    Some(match spec.kind {
        Kind::Line | Kind::Area | Kind::Scatter => {
            let x = &data.fields[spec.x?];
            if x.role == Role::Category {
                return None;
            }
            let plotted = along(data, spec, spec.kind != Kind::Scatter);
            continuous(data, spec, plotted, size, x.role == Role::Time)
        }
        Kind::Bar | Kind::Stacked => bars(data, spec, banded(data, spec), size),
        Kind::Histogram => histogram(data, spec, size),
        Kind::Heat => heat(data, spec, size)?,
        Kind::Number => number(data, spec, size),
    })
}

/// What the picture shows, in a sentence.
fn label(data: &Data, spec: &Spec, series: &[Series]) -> String {
    let names =
        |places: &[usize]| places.iter().map(|at| data.fields[*at].name.as_str()).collect::<Vec<_>>().join(", ");
    let mut label = format!("{}: {}", spec.kind.name(), names(&spec.y));
    if let Some(x) = spec.x {
        label += &format!(" by {}", data.fields[x].name);
    }
    if let Some(by) = spec.by {
        label += &format!(", for each {}", data.fields[by].name);
    }
    let points = series.iter().flat_map(|s| s.points.iter().map(move |p| (s, p)));
    let name = |s: &Series| (series.len() > 1).then(|| s.name.clone());
    if let Some((s, top)) = points.clone().max_by(|a, b| a.1.y.total_cmp(&b.1.y)) {
        label += &format!("; {}, highest {}", count(points.count() as u64, "point"), top.said(name(s).as_deref()));
    }
    label
}

fn continuous(data: &Data, spec: &Spec, plotted: Plotted, size: Size, time: bool) -> Drawing {
    let Plotted { series, notes, .. } = plotted;
    let all = || series.iter().flat_map(|s| &s.points);
    let ys = Linear::over(all().map(|p| p.y), spec.kind == Kind::Area, true);
    let xs = Linear::over(all().map(|p| p.x), false, false);
    let xs = if time { xs_of_time(all().map(|p| p.x)) } else { xs };
    let apart = spec.apart && series.len() > 1;
    let columns = if size == Size::Wide { 3 } else { 1 };
    let across = if apart { columns.min(series.len()) } else { 1 };
    let down = if apart { series.len().div_ceil(across) } else { 1 };
    let named = !apart && spec.kind == Kind::Line && size == Size::Wide && (2..=NAMED).contains(&series.len());
    let margin = if named { series.iter().map(|s| width(&s.name)).fold(0.0, f64::max).min(150.0) + 14.0 } else { 14.0 };
    let panel = (
        size.width() / across as f64,
        if apart {
            170.0
        } else if size == Size::Wide {
            360.0
        } else {
            260.0
        },
    );
    let mut svg = Svg::new("chart__svg", size.width(), panel.1 * down as f64, &label(data, spec, &series));
    for at in 0..if apart { series.len() } else { 1 } {
        let (column, row) = ((at % across) as f64, (at / across) as f64);
        let left = ys.ticks(5).iter().map(|(_, word)| width(word)).fold(0.0, f64::max) + 10.0;
        let frame = Frame {
            left: column * panel.0 + left,
            right: (column + 1.0) * panel.0 - margin,
            top: row * panel.1 + 24.0,
            bottom: (row + 1.0) * panel.1 - 26.0,
        };
        let (x, y) = (xs.between(frame.left, frame.right), ys.between(frame.bottom, frame.top));
        upright(&mut svg, frame, &y);
        let wanted = ((frame.right - frame.left) / 90.0).max(2.0) as usize;
        let ticks = if time { x.instants(wanted) } else { x.ticks(wanted) };
        lying(&mut svg, frame, ticks.iter().map(|(value, word)| (x.at(*value), word.as_str())));
        let title = if apart { series[at].name.clone() } else { titles(data, spec) };
        svg.text(
            "chart__title",
            (frame.left - left + 2.0, frame.top - 10.0),
            Anchor::Start,
            &cut(&title, panel.0 - 8.0),
        );
        for (n, one) in series.iter().enumerate().filter(|(n, _)| !apart || *n == at) {
            let name = (series.len() > 1).then_some(one.name.as_str());
            marks(&mut svg, spec.kind, one, if apart { 0 } else { n }, (&x, &y), name);
        }
        if named {
            let ends: Vec<_> =
                series.iter().filter_map(|s| Some((y.at(s.points.last()?.y), s.name.as_str()))).collect();
            name_ends(&mut svg, ends, frame, margin);
        }
    }
    let legend =
        if apart || named || series.len() < 2 { Vec::new() } else { series.into_iter().map(|s| s.name).collect() };
    Drawing { svg: svg.finish(), legend, notes }
}

/// From the first to the last instant, whatever they are.
fn xs_of_time(values: impl Iterator<Item = f64>) -> Linear {
    let (from, to) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    let day = 86_400_000.0;
    match from.total_cmp(&to) {
        std::cmp::Ordering::Less => Linear { from, to, start: 0.0, end: 1.0 },
        std::cmp::Ordering::Equal => Linear { from: from - day, to: to + day, start: 0.0, end: 1.0 },
        std::cmp::Ordering::Greater => Linear { from: 0.0, to: day, start: 0.0, end: 1.0 },
    }
}

fn titles(data: &Data, spec: &Spec) -> String {
    match spec.y[..] {
        [only] => data.fields[only].name.clone(),
        _ => String::new(),
    }
}

fn marks(svg: &mut Svg, kind: Kind, series: &Series, color: usize, (x, y): (&Linear, &Linear), name: Option<&str>) {
    let places: Vec<(f64, f64)> = series.points.iter().map(|p| (x.at(p.x), y.at(p.y))).collect();
    let class = |part: &str| format!("chart__{part} chart__s{}", color + 1);
    if kind != Kind::Scatter && places.len() > 1 {
        let mut d = String::new();
        for (n, (x, y)) in places.iter().enumerate() {
            d += &format!("{}{x:.1} {y:.1}", if n == 0 { 'M' } else { 'L' });
        }
        if kind == Kind::Area
            && let (Some(first), Some(last)) = (places.first(), places.last())
        {
            let base = y.at(0.0);
            svg.path(&class("area"), &format!("{d}L{:.1} {base:.1}L{:.1} {base:.1}Z", last.0, first.0));
        }
        svg.path(&class("line"), &d);
    }
    // Points of a line are seen where they are few, and tell their value everywhere.
    let few = places.len() <= 40;
    for (place, point) in places.iter().zip(&series.points) {
        let (part, radius) = match (kind, few) {
            (Kind::Scatter, _) => ("dot", 3.5),
            (_, true) => ("point", 3.0),
            (_, false) => ("point chart__point--quiet", 4.0),
        };
        svg.circle(&class(part), *place, radius, Some(&point.said(name)));
    }
}

/// Names at the ends of lines, moved apart where they would lie on each other.
fn name_ends(svg: &mut Svg, ends: Vec<(f64, &str)>, frame: Frame, room: f64) {
    let mut ends: Vec<(f64, usize, &str)> = ends.into_iter().enumerate().map(|(n, (y, name))| (y, n, name)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut last = f64::NEG_INFINITY;
    for end in &mut ends {
        end.0 = end.0.max(last + LINE);
        last = end.0;
    }
    let over = (last - frame.bottom).max(0.0);
    for (y, n, name) in ends {
        let class = format!("chart__name chart__s{}", n + 1);
        svg.text(&class, (frame.right + 8.0, y - over + 4.0), Anchor::Start, &cut(name, room - 10.0));
    }
}

/// Lines and figures of an upright axis.
fn upright(svg: &mut Svg, frame: Frame, y: &Linear) {
    for (value, word) in y.ticks(5) {
        let at = y.at(value);
        let class = if value == 0.0 { "chart__rule chart__rule--zero" } else { "chart__rule" };
        svg.line(class, (frame.left, at), (frame.right, at));
        svg.text("chart__tick", (frame.left - 6.0, at + 4.0), Anchor::End, &word);
    }
}

/// Words along a lying axis; those that would lie on each other are left out.
fn lying<'a>(svg: &mut Svg, frame: Frame, ticks: impl Iterator<Item = (f64, &'a str)>) {
    let mut free = f64::NEG_INFINITY;
    for (at, word) in ticks {
        let half = width(word) / 2.0;
        let middle = at.clamp(frame.left + half - 8.0, (frame.right - half + 10.0).max(frame.left + half - 8.0));
        if middle - half < free {
            continue;
        }
        free = middle + half + 8.0;
        svg.line("chart__rule", (at, frame.bottom), (at, frame.bottom + 4.0));
        svg.text("chart__tick", (middle, frame.bottom + 17.0), Anchor::Middle, word);
    }
}

/// Bars lie where categories have long names, and stand in a line of instants or numbers.
fn bars(data: &Data, spec: &Spec, plotted: Plotted, size: Size) -> Drawing {
    let Plotted { series, bands, notes } = plotted;
    let stacked = spec.kind == Kind::Stacked;
    let (low, high) = if stacked { stacks(&series, bands.len()) } else { (Vec::new(), Vec::new()) };
    let values = series.iter().flat_map(|s| s.points.iter().map(|p| p.y)).filter(|_| !stacked);
    let scale = Linear::over(values.chain(low).chain(high), true, true);
    let words = spec.x.is_none_or(|x| data.fields[x].role == Role::Category);
    let longest = bands.iter().map(|b| width(b)).fold(0.0, f64::max);
    let lies = words && (size == Size::Narrow || longest * bands.len() as f64 > size.width() * 0.8);
    let label = label(data, spec, &series);
    let legend: Vec<String> =
        if series.len() > 1 { series.iter().map(|s| s.name.clone()).collect() } else { Vec::new() };
    let each = if stacked { 1 } else { series.len().max(1) };
    let thick = if lies { (LINE + 8.0).max(10.0 * each as f64 + 8.0) } else { 0.0 };
    let height = if lies {
        thick * bands.len() as f64 + 50.0
    } else if size == Size::Wide {
        360.0
    } else {
        260.0
    };
    let room = if lies {
        longest.min(size.width() * 0.35)
    } else {
        scale.ticks(5).iter().map(|t| width(&t.1)).fold(0.0, f64::max)
    };
    let frame = Frame {
        left: room + 12.0,
        right: size.width() - if lies { 56.0 } else { 14.0 },
        top: 24.0,
        bottom: height - 26.0,
    };
    let mut svg = Svg::new("chart__svg", size.width(), height, &label);
    svg.text("chart__title", (2.0, 14.0), Anchor::Start, &titles(data, spec));
    let values = if lies { scale.between(frame.left, frame.right) } else { scale.between(frame.bottom, frame.top) };
    let along = if lies {
        Bands::of(bands.len(), frame.top, frame.bottom)
    } else {
        Bands::of(bands.len(), frame.left, frame.right)
    };
    if lies {
        for (value, word) in values.ticks(if size == Size::Wide { 6 } else { 3 }) {
            let at = values.at(value);
            svg.line("chart__rule", (at, frame.top), (at, frame.bottom));
            svg.text("chart__tick", (at, frame.bottom + 17.0), Anchor::Middle, &word);
        }
        for (band, word) in bands.iter().enumerate() {
            svg.text("chart__tick", (frame.left - 6.0, along.middle(band) + 4.0), Anchor::End, &cut(word, room));
        }
    } else {
        upright(&mut svg, frame, &values);
        lying(&mut svg, frame, bands.iter().enumerate().map(|(band, word)| (along.middle(band), word.as_str())));
    }
    let mut base = vec![(0.0, 0.0); bands.len()];
    let gap = (along.width * 0.2).min(12.0);
    let bar = (along.width - gap) / each as f64;
    for (n, one) in series.iter().enumerate() {
        let name = (series.len() > 1).then_some(one.name.as_str());
        let class = format!("chart__bar chart__s{}", n + 1);
        for point in &one.points {
            let band = point.x as usize;
            // Each side of a stack grows by itself.
            let (below, above) = &mut base[band];
            let side = if point.y < 0.0 { below } else { above };
            let from = if stacked { std::mem::replace(side, *side + point.y) } else { 0.0 };
            let (a, b) = (values.at(from), values.at(from + point.y));
            let start = along.begin(band) + gap / 2.0 + if stacked { 0.0 } else { bar * n as f64 };
            // What is there is seen, however little.
            let length = (a - b).abs().max(0.8);
            let (place, extent) =
                if lies { ((a.min(b), start), (length, bar)) } else { ((start, a.min(b)), (bar, length)) };
            svg.rect(&class, place, extent, Some(&point.said(name)));
            if lies && each == 1 && series.len() == 1 {
                let (at, anchor) =
                    if point.y < 0.0 { (a.max(b) + 6.0, Anchor::Start) } else { (b + 6.0, Anchor::Start) };
                svg.text("chart__tick", (at, along.middle(band) + 4.0), anchor, &short(point.y));
            }
        }
    }
    Drawing { svg: svg.finish(), legend, notes }
}

/// How far the stacks of all bands reach, below and above.
fn stacks(series: &[Series], bands: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut low, mut high) = (vec![0.0; bands], vec![0.0; bands]);
    for point in series.iter().flat_map(|s| &s.points) {
        let side = if point.y < 0.0 { &mut low } else { &mut high };
        side[point.x as usize] += point.y;
    }
    (low, high)
}

fn histogram(data: &Data, spec: &Spec, size: Size) -> Drawing {
    let field = &data.fields[spec.y[0]];
    let values: Vec<f64> = field.numbers.iter().flatten().copied().collect();
    let (begin, step, counts) = bins(&values);
    let most = counts.iter().copied().max().unwrap_or_default();
    let label = format!(
        "Histogram of {}: {}, at most {} in one step of {}",
        field.name,
        count(values.len() as u64, "value"),
        grouped(most),
        full(step)
    );
    let height = if size == Size::Wide { 360.0 } else { 260.0 };
    let ys = Linear::over(counts.iter().map(|n| *n as f64), true, true);
    let left = ys.ticks(5).iter().map(|t| width(&t.1)).fold(0.0, f64::max) + 12.0;
    let frame = Frame { left, right: size.width() - 14.0, top: 24.0, bottom: height - 26.0 };
    let y = ys.between(frame.bottom, frame.top);
    let x = Linear { from: begin, to: begin + step * counts.len() as f64, start: frame.left, end: frame.right };
    let mut svg = Svg::new("chart__svg", size.width(), height, &label);
    svg.text("chart__title", (2.0, 14.0), Anchor::Start, &format!("rows by {}", field.name));
    upright(&mut svg, frame, &y);
    lying(
        &mut svg,
        frame,
        x.ticks(if size == Size::Wide { 9 } else { 4 }).iter().map(|(v, word)| (x.at(*v), word.as_str())),
    );
    for (n, found) in counts.iter().enumerate().filter(|(_, found)| **found > 0) {
        let (from, to) = (begin + step * n as f64, begin + step * (n + 1) as f64);
        let (a, b) = (x.at(from), x.at(to));
        let top = y.at(*found as f64).min(frame.bottom - 0.8);
        let said = format!("{} from {} to {}", count(*found, "row"), full(from), full(to));
        svg.rect("chart__bar chart__s1", (a + 0.5, top), (b - a - 1.0, frame.bottom - top), Some(&said));
    }
    let left = data.rows - values.len();
    let notes = if left > 0 { vec![format!("{} without a value.", count(left as u64, "row"))] } else { Vec::new() };
    Drawing { svg: svg.finish(), legend: Vec::new(), notes }
}

/// Series are rows, categories columns; the value is written where it has room.
fn heat(data: &Data, spec: &Spec, size: Size) -> Option<Drawing> {
    let by = spec.by?;
    const MOST: usize = 40;
    let rows = data.fields[by].distinct();
    let columns = data.fields[spec.x?].distinct();
    let mut notes = Vec::new();
    for (all, name) in [(&rows, by), (&columns, spec.x?)] {
        if all.len() > MOST {
            notes.push(format!("The first {MOST} of {} values of `{}` are drawn.", all.len(), data.fields[name].name));
        }
    }
    let (rows, columns) = (&rows[..rows.len().min(MOST)], &columns[..columns.len().min(MOST)]);
    let mut cells = vec![vec![None; columns.len()]; rows.len()];
    let y = &data.fields[spec.y[0]];
    for row in 0..data.rows {
        let place = |all: &[&str], at: usize| all.iter().position(|word| *word == data.fields[at].words[row]);
        if let (Some(r), Some(c), Some(value)) = (place(rows, by), place(columns, spec.x?), y.numbers[row]) {
            *cells[r][c].get_or_insert(0.0) += value;
        }
    }
    let found = || cells.iter().flatten().flatten().copied();
    found().next()?;
    let (least, most) = found().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    let left = rows.iter().map(|w| width(w)).fold(0.0, f64::max).min(size.width() * 0.3) + 12.0;
    let height = 44.0 + 26.0 * rows.len() as f64;
    let frame = Frame { left, right: size.width() - 4.0, top: 24.0, bottom: height - 22.0 };
    let (x, down) = (Bands::of(columns.len(), frame.left, frame.right), Bands::of(rows.len(), frame.top, frame.bottom));
    let label = format!(
        "Heat map of {} by {} and {}: {} to {}",
        y.name,
        data.fields[spec.x?].name,
        data.fields[by].name,
        full(least),
        full(most)
    );
    let mut svg = Svg::new("chart__svg", size.width(), height, &label);
    svg.text("chart__title", (2.0, 14.0), Anchor::Start, &y.name);
    for (r, name) in rows.iter().enumerate() {
        svg.text("chart__tick", (frame.left - 6.0, down.middle(r) + 4.0), Anchor::End, &cut(name, left - 12.0));
        for (c, column) in columns.iter().enumerate() {
            let Some(value) = cells[r][c] else { continue };
            // Ten steps, so that the style decides their colours.
            let depth = if most > least { ((value - least) / (most - least) * 9.0).round() as usize } else { 5 };
            let said = format!("{name}, {column}: {}", full(value));
            let place = (x.begin(c) + 1.0, down.begin(r) + 1.0);
            svg.rect(&format!("chart__cell chart__h{depth}"), place, (x.width - 2.0, down.width - 2.0), Some(&said));
            let word = short(value);
            if width(&word) + 6.0 < x.width {
                let class = if depth > 5 { "chart__value chart__value--deep" } else { "chart__value" };
                svg.text(class, (x.middle(c), down.middle(r) + 4.0), Anchor::Middle, &word);
            }
        }
    }
    lying(&mut svg, frame, columns.iter().enumerate().map(|(c, word)| (x.middle(c), *word)));
    Some(Drawing { svg: svg.finish(), legend: Vec::new(), notes })
}

fn number(data: &Data, spec: &Spec, size: Size) -> Drawing {
    let across = if size == Size::Wide { 3 } else { 1 };
    let down = spec.y.len().div_ceil(across);
    let panel = (size.width() / across as f64, 110.0);
    let said = |at: &usize| {
        let field = &data.fields[*at];
        (field.name.clone(), field.numbers[0].map_or_else(|| field.words[0].clone(), full))
    };
    let figures: Vec<(String, String)> = spec.y.iter().map(said).collect();
    let label = figures.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    let mut svg = Svg::new("chart__svg", size.width(), panel.1 * down as f64, &label);
    for (n, (name, value)) in figures.iter().enumerate() {
        let place = (panel.0 * (n % across) as f64 + 8.0, panel.1 * (n / across) as f64);
        svg.text("chart__figure", (place.0, place.1 + 58.0), Anchor::Start, value);
        svg.text("chart__title", (place.0, place.1 + 84.0), Anchor::Start, &cut(name, panel.0 - 16.0));
    }
    let rest = data.total.saturating_sub(1);
    let notes = if rest > 0 {
        vec![format!("Of the first row; {} more in the table.", count(rest, "row"))]
    } else {
        Vec::new()
    };
    Drawing { svg: svg.finish(), legend: Vec::new(), notes }
}
