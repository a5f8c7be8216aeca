//! From rows to series of points.

use std::collections::HashMap;

use super::{
    Data, Role, Spec,
    choose::MOST_SERIES,
    data::{Field, NONE},
};
use crate::components::grouped;

/// Categories along one axis.
const MOST_BANDS: usize = 60;

#[derive(Debug)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The value, or the band's place.
    pub x: f64,
    pub y: f64,
    /// What x is in words.
    pub word: String,
}

#[derive(Debug, Default)]
pub struct Plotted {
    pub series: Vec<Series>,
    /// Along the axis, when it is one of categories.
    pub bands: Vec<String>,
    /// What is not drawn, or not as it stands; a sentence each.
    pub notes: Vec<String>,
}

/// Points along an axis of numbers or instants, in the order of x.
pub fn along(data: &Data, spec: &Spec, joined: bool) -> Plotted {
    let mut plotted = Plotted::default();
    let Some(x) = spec.x.map(|at| &data.fields[at]) else { return plotted };
    let mut left = 0;
    for (name, rows, y) in split(data, spec, &mut plotted.notes) {
        let mut points: Vec<Point> = Vec::with_capacity(rows.len());
        for row in rows {
            match (x.numbers[row], y.numbers[row]) {
                (Some(at), Some(value)) => points.push(Point { x: at, y: value, word: x.words[row].clone() }),
                _ => left += 1,
            }
        }
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        if joined && points.windows(2).any(|pair| pair[0].x == pair[1].x) {
            let told =
                format!("Several rows have the same `{}`; group them in the query to see one value for each.", x.name);
            if !plotted.notes.contains(&told) {
                plotted.notes.push(told);
            }
        }
        plotted.series.push(Series { name, points });
    }
    if left > 0 {
        let (rows, have) = if left == 1 { ("row", "has") } else { ("rows", "have") };
        plotted.notes.push(format!("{} {rows} {have} no value to draw.", grouped(left)));
    }
    plotted
}

/// A point for each category and series; values of equal ones are added.
pub fn banded(data: &Data, spec: &Spec) -> Plotted {
    let mut plotted = Plotted::default();
    let Some(x) = spec.x.map(|at| &data.fields[at]) else { return plotted };
    let all = x.distinct();
    if all.len() > MOST_BANDS {
        let names = grouped(all.len() as u64);
        plotted.notes.push(format!("The first {MOST_BANDS} of {names} values of `{}` are drawn.", x.name));
    }
    let bands: HashMap<&str, usize> = all.iter().take(MOST_BANDS).enumerate().map(|(at, word)| (*word, at)).collect();
    let mut added = false;
    for (name, rows, y) in split(data, spec, &mut plotted.notes) {
        let mut values: Vec<Option<f64>> = vec![None; bands.len()];
        for row in rows {
            if let (Some(band), Some(value)) = (bands.get(x.words[row].as_str()), y.numbers[row]) {
                added |= values[*band].is_some();
                *values[*band].get_or_insert(0.0) += value;
            }
        }
        let point =
            |(at, value): (usize, &Option<f64>)| value.map(|y| Point { x: at as f64, y, word: all[at].to_owned() });
        plotted.series.push(Series { name, points: values.iter().enumerate().filter_map(point).collect() });
    }
    if added {
        plotted.notes.push(format!("Values of rows with the same `{}` are added up.", x.name));
    }
    plotted.bands = all.into_iter().take(MOST_BANDS).map(str::to_owned).collect();
    plotted
}

/// The rows of each series with its name and its numbers.
fn split<'a>(data: &'a Data, spec: &Spec, notes: &mut Vec<String>) -> Vec<(String, Vec<usize>, &'a Field)> {
    let numbers: Vec<&Field> = spec.y.iter().map(|at| &data.fields[*at]).filter(|f| f.role == Role::Number).collect();
    let Some(by) = spec.by.map(|at| &data.fields[at]) else {
        if numbers.len() > MOST_SERIES {
            notes.push(format!("The first {MOST_SERIES} of {} columns are drawn.", numbers.len()));
        }
        return numbers.into_iter().take(MOST_SERIES).map(|y| (y.name.clone(), (0..data.rows).collect(), y)).collect();
    };
    let Some(y) = numbers.first() else { return Vec::new() };
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for (row, word) in by.words.iter().enumerate() {
        rows.entry(word).or_default().push(row);
    }
    let names = by.distinct();
    if names.len() > MOST_SERIES {
        let all = grouped(names.len() as u64);
        notes.push(format!("The first {MOST_SERIES} of {all} values of `{}` are drawn.", by.name));
    }
    names
        .into_iter()
        .take(MOST_SERIES)
        .map(|name| (name.to_owned(), rows.remove(name).unwrap_or_default(), *y))
        .collect()
}

/// Values of one column in equal steps: where each begins, its width, and how many.
pub fn bins(values: &[f64]) -> (f64, f64, Vec<u64>) {
    if values.is_empty() {
        return (0.0, 1.0, vec![0]);
    }
    let (from, to) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    if from == to {
        return (from, 1.0, vec![values.len() as u64]);
    }
    let wanted = ((values.len() as f64).sqrt().ceil() as usize).clamp(5, 40);
    let step = super::scale::step(from, to, wanted);
    let begin = (from / step).floor() * step;
    let count = (((to - begin) / step).floor() as usize + 1).min(200);
    let mut counts = vec![0; count];
    for value in values {
        counts[(((value - begin) / step) as usize).min(count - 1)] += 1;
    }
    (begin, step, counts)
}

impl Point {
    pub fn said(&self, series: Option<&str>) -> String {
        let word = if self.word.is_empty() { NONE } else { &self.word };
        let value = super::figures::full(self.y);
        series.map_or_else(|| format!("{word}: {value}"), |name| format!("{word}, {name}: {value}"))
    }
}
