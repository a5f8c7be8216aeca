//! How a column's values are spread: a small histogram, the most frequent values, and the figures beside them.

use leptos::prelude::*;
use model::{Bin, Cell, Column, ColumnProfile, ColumnType, TopValue};

use crate::components::{count, grouped, percent, visible};

/// Of the histogram, in its own units; the page gives it its size.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 36.0;
/// Frequent values that stand open; the rest unfolds.
const OPEN: usize = 3;

/// Nothing, when nothing is known beyond the other cells.
pub(super) fn picture(column: &Column, profile: &ColumnProfile) -> AnyView {
    let histogram = (profile.histogram.len() > 1).then(|| histogram(column.column_type, &profile.histogram));
    let drawn = histogram.is_some();
    let words = words(column.column_type, profile);
    let words = (!words.is_empty()).then(|| view! { <p class="profile__words">{words}</p> });
    view! {
        {histogram}
        {words}
        {top(column.column_type, profile, drawn)}
    }
    .into_any()
}

fn histogram(of: ColumnType, bins: &[Bin]) -> AnyView {
    let most = bins.iter().map(|b| b.count).max().unwrap_or_default().max(1);
    let step = WIDTH / bins.len() as f64;
    let bars: Vec<_> = bins
        .iter()
        .enumerate()
        .filter(|(_, bin)| bin.count > 0)
        .map(|(at, bin)| {
            // What is there is seen, however little.
            let height = (bin.count as f64 / most as f64 * HEIGHT).max(1.0);
            let rows = format!("{} from {} to {}", count(bin.count, "row"), plain(&bin.from, of), plain(&bin.to, of));
            view! {
                <rect
                    class="histogram__bar"
                    x=format!("{:.2}", at as f64 * step + 0.5)
                    y=format!("{:.2}", HEIGHT - height)
                    width=format!("{:.2}", step - 1.0)
                    height=format!("{height:.2}")
                >
                    <title>{rows}</title>
                </rect>
            }
        })
        .collect();
    view! {
        <svg
            class="histogram"
            role="img"
            aria-label=alternative(of, bins)
            viewBox=format!("0 0 {WIDTH} {}", HEIGHT + 1.0)
            preserveAspectRatio="none"
        >
            {bars}
            <rect class="histogram__base" x="0" y=HEIGHT.to_string() width=WIDTH.to_string() height="1"></rect>
        </svg>
    }
    .into_any()
}

/// The picture for who does not see it.
fn alternative(of: ColumnType, bins: &[Bin]) -> String {
    let (Some(first), Some(last)) = (bins.first(), bins.last()) else { return String::new() };
    let mut words = format!("Histogram from {} to {}", plain(&first.from, of), plain(&last.to, of));
    if let Some(top) = bins.iter().max_by_key(|b| b.count) {
        let (from, to) = (plain(&top.from, of), plain(&top.to, of));
        words.push_str(&format!("; most values, {}, lie between {from} and {to}", grouped(top.count)));
    }
    words
}

fn words(of: ColumnType, profile: &ColumnProfile) -> String {
    let mut words = Vec::new();
    if let Some(mean) = profile.mean {
        words.push(match profile.deviation {
            Some(deviation) => format!("mean {}, deviation {}", figure(mean), figure(deviation)),
            None => format!("mean {}", figure(mean)),
        });
    }
    if let Some(lengths) = profile.lengths.filter(|_| of == ColumnType::Text) {
        words.push(if lengths.min == lengths.max {
            format!("always {}", count(lengths.min, "character"))
        } else {
            format!("{} to {}, mean {}", grouped(lengths.min), count(lengths.max, "character"), figure(lengths.mean))
        });
    }
    words.join("; ")
}

/// Folded away when a histogram shows the values already.
fn top(of: ColumnType, profile: &ColumnProfile, drawn: bool) -> AnyView {
    let open = if drawn { 0 } else { OPEN };
    let (first, rest) = profile.top.split_at(open.min(profile.top.len()));
    let line = |t: &TopValue| bar(of, t, profile);
    let rest = (!rest.is_empty()).then(|| {
        let summary = match (first.len(), profile.top_missed) {
            (0, _) => count(rest.len() as u64, "frequent value"),
            (_, _) => format!("{} more", rest.len()),
        };
        let missed = (profile.top_missed > 0).then(|| {
            let words = format!("Each count may be low by {}.", grouped(profile.top_missed));
            view! { <p class="profile__words">{words}</p> }
        });
        view! {
            <details class="profile__more">
                <summary>{summary}</summary>
                <ol class="profile__top">{rest.iter().map(line).collect_view()}</ol>
                {missed}
            </details>
        }
    });
    view! {
        {(!first.is_empty()).then(|| view! { <ol class="profile__top">{first.iter().map(line).collect_view()}</ol> })}
        {rest}
    }
    .into_any()
}

fn bar(of: ColumnType, top: &TopValue, profile: &ColumnProfile) -> AnyView {
    let share = top.count as f64 / profile.rows.max(1) as f64 * WIDTH;
    let about = if profile.top_missed > 0 { "≥ " } else { "" };
    let value = match &top.value {
        Cell::String(s) if s.is_empty() => "“”".to_owned(),
        value => plain(value, of),
    };
    view! {
        <li class="profile__value">
            <bdi class="profile__name" title=value.clone()>{value.clone()}</bdi>
            <span class="profile__count" title=percent(top.count, profile.rows)>{about}{grouped(top.count)}</span>
            <svg class="profile__bar" aria-hidden="true" viewBox=format!("0 0 {WIDTH} 4") preserveAspectRatio="none">
                <rect class="histogram__bar" x="0" y="0" width=format!("{:.2}", share.max(1.0)) height="4"></rect>
            </svg>
        </li>
    }
    .into_any()
}

/// A value in running words: nothing in it hides.
fn plain(value: &Cell, of: ColumnType) -> String {
    match value {
        Cell::Number(n) => match (n.as_u64(), n.as_f64()) {
            // Years and ids are not grouped below five digits.
            (Some(n), _) if n >= 10_000 => grouped(n),
            (Some(n), _) => n.to_string(),
            (None, Some(f)) if !n.is_i64() => figure(f),
            _ => n.to_string(),
        },
        Cell::String(s) if matches!(of, ColumnType::Timestamp | ColumnType::TimestampUtc) => {
            let spaced = s.trim_end_matches('Z').replacen('T', " ", 1);
            let short = spaced.get(..16).unwrap_or(&spaced);
            if of == ColumnType::TimestampUtc { format!("{short} UTC") } else { short.to_owned() }
        }
        Cell::String(s) => visible(s).into_owned(),
        Cell::Null => "∅".into(),
        other => other.to_string(),
    }
}

/// Four digits that count: `1,040`, `12.64`, `0.00325`.
fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}");
    }
    if size >= 1000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    let digits = if size >= 100.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        5
    };
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replacen('-', "−", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_count() {
        for (value, expected) in [
            (0.0, "0"),
            (12.639, "12.64"),
            (1039.9, "1,040"),
            (-1039.9, "−1,040"),
            (-0.5, "−0.5"),
            (0.00325, "0.00325"),
            (336_776.0, "336,776"),
            (250.04, "250"),
            (1.5e300, "1.500e300"),
        ] {
            assert_eq!(figure(value), expected, "{value}");
        }
    }

    #[test]
    fn a_histogram_says_in_words_what_it_shows() {
        let bin = |from: i64, count| Bin { from: from.into(), to: (from + 1).into(), count };
        let bins = [bin(2013, 4), bin(2014, 12_000), bin(2015, 0)];
        let expected = "Histogram from 2013 to 2016; most values, 12,000, lie between 2014 and 2015";
        assert_eq!(alternative(ColumnType::Int64, &bins), expected);
        let html = histogram(ColumnType::Int64, &bins).to_html();
        assert!(html.contains("role=\"img\"") && html.contains(expected), "{html}");
        assert_eq!(html.matches("histogram__bar").count(), 2, "an empty stretch has no bar: {html}");
    }

    #[test]
    fn a_frequent_value_never_becomes_markup_and_hides_nothing() {
        let top = TopValue { value: "<b>\u{202e}x".into(), count: 1 };
        let profile = ColumnProfile { rows: 4, top: vec![top.clone()], ..ColumnProfile::default() };
        let html = bar(ColumnType::Text, &top, &profile).to_html();
        assert!(html.contains("&lt;b>⟨U+202E⟩x") || html.contains("&lt;b&gt;⟨U+202E⟩x"), "{html}");
    }
}
