//! Which chart suits which columns, where values lie, and that nothing in the data becomes markup.

use model::{Column, ColumnType, Page};
use serde_json::{Value, json};

use super::{Data, Kind, Size, Spec, choose, draw, file, scale::Linear, series};

fn data(columns: &[(&str, ColumnType)], rows: Vec<Value>) -> Data {
    let columns = columns
        .iter()
        .map(|(name, column_type)| Column {
            name: (*name).to_owned(),
            column_type: *column_type,
            label: String::new(),
            description: String::new(),
            tags: Vec::new(),
            masked: None,
        })
        .collect();
    let rows: Vec<Vec<Value>> = rows.into_iter().map(|row| row.as_array().cloned().unwrap_or_default()).collect();
    let rows_total = rows.len() as u64;
    Data::of(&Page { columns, offset: 0, rows, rows_total })
}

use ColumnType::{Date, Float64, Int64, Text};

fn chosen(columns: &[(&str, ColumnType)], rows: Vec<Value>) -> String {
    let data = data(columns, rows);
    let Some(spec) = choose(&data) else { return "nothing".to_owned() };
    let name = |at: usize| data.fields[at].name.clone();
    let y: Vec<String> = spec.y.iter().map(|at| name(*at)).collect();
    let x = spec.x.map(|at| format!(" by {}", name(at))).unwrap_or_default();
    let by = spec.by.map(|at| format!(" each {}", name(at))).unwrap_or_default();
    format!("{} {}{x}{by}", spec.kind.word(), y.join("+"))
}

#[test]
fn a_chart_suits_the_columns() {
    let days = |n: usize| format!("2026-01-{n:02}");
    assert_eq!(chosen(&[("n", Int64)], vec![json!([3])]), "number n");
    assert_eq!(chosen(&[("name", Text)], vec![json!(["a"]), json!(["b"])]), "nothing");
    assert_eq!(chosen(&[("n", Int64)], vec![]), "nothing");
    let rows = (1..9).map(|n| json!([days(n), n, 2 * n])).collect();
    assert_eq!(chosen(&[("day", Date), ("a", Int64), ("b", Int64)], rows), "line a+b by day");
    let rows = (1..9).flat_map(|n| [json!([days(n), "UA", n]), json!([days(n), "DL", n])]).collect();
    assert_eq!(chosen(&[("day", Date), ("carrier", Text), ("n", Int64)], rows), "line n by day each carrier");
    let rows = ["UA", "DL", "AA"].map(|c| json!([c, 1.5])).to_vec();
    assert_eq!(chosen(&[("carrier", Text), ("delay", Float64)], rows), "bar delay by carrier");
    let rows = ["UA", "DL", "AA"].iter().flat_map(|c| [json!([c, "EWR", 1]), json!([c, "JFK", 2])]).collect();
    assert_eq!(chosen(&[("carrier", Text), ("origin", Text), ("n", Int64)], rows), "stacked n by carrier each origin");
    let rows = (1..13).map(|n| json!([n, n * n])).collect();
    assert_eq!(chosen(&[("month", Int64), ("n", Int64)], rows), "line n by month");
    let months = |twice: i64| (1..13).flat_map(|n| [json!([n, "UA", n]), json!([n / twice, "DL", 2 * n])]).collect();
    let columns = [("month", Int64), ("carrier", Text), ("n", Int64)];
    assert_eq!(chosen(&columns, months(1)), "line n by month each carrier");
    assert_eq!(chosen(&columns, months(2)), "scatter n by month each carrier");
    let rows = [3, 1, 2].map(|n| json!([n, n * n])).to_vec();
    assert_eq!(chosen(&[("a", Int64), ("b", Int64)], rows), "scatter b by a");
    assert_eq!(chosen(&[("a", Int64)], vec![json!([1]), json!([5])]), "histogram a");
}

#[test]
fn ticks_are_round() {
    let ticks = |from, to, wanted| {
        let scale = Linear { from, to, start: 0.0, end: 1.0 };
        scale.ticks(wanted).into_iter().map(|t| t.1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ticks(0.0, 100.0, 5), "0 20 40 60 80 100");
    assert_eq!(ticks(-0.3, 0.3, 5), "−0.2 0 0.2");
    assert_eq!(ticks(0.0, 2_400_000.0, 5), "0 0.5M 1.0M 1.5M 2.0M");
    assert_eq!(ticks(12_000.0, 61_000.0, 5), "20k 30k 40k 50k 60k");
    let instants = |from: &str, to: &str, wanted| {
        let at = |s: &str| s.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis() as f64;
        let scale = Linear { from: at(from), to: at(to), start: 0.0, end: 1.0 };
        scale.instants(wanted).into_iter().map(|t| t.1).collect::<Vec<_>>().join(" | ")
    };
    assert_eq!(
        instants("2013-01-01T00:00:00Z", "2013-12-31T00:00:00Z", 4),
        "Jan 2013 | Apr 2013 | Jul 2013 | Oct 2013"
    );
    assert_eq!(instants("1999-06-01T00:00:00Z", "2026-06-01T00:00:00Z", 6), "2000 | 2005 | 2010 | 2015 | 2020 | 2025");
    assert_eq!(instants("2013-01-01T05:00:00Z", "2013-01-01T09:00:00Z", 4), "05:00 | 06:00 | 07:00 | 08:00 | 09:00");
}

#[test]
fn values_lie_where_they_belong() {
    let data = data(
        &[("c", Text), ("n", Int64)],
        vec![json!(["a", 2]), json!(["b", -1]), json!(["a", 3]), json!([null, null])],
    );
    let spec = Spec { kind: Kind::Bar, x: Some(0), y: vec![1], by: None, apart: false };
    let plotted = series::banded(&data, &spec);
    assert_eq!(plotted.bands, ["a", "b", "∅"]);
    let points: Vec<_> = plotted.series[0].points.iter().map(|p| (p.x, p.y)).collect();
    assert_eq!(points, [(0.0, 5.0), (1.0, -1.0)]);
    assert_eq!(plotted.notes, ["Values of rows with the same `c` are added up."]);
    assert_eq!(series::bins(&[0.0, 0.1, 0.9, 10.0]).2.iter().sum::<u64>(), 4);
    assert_eq!(series::bins(&[7.0, 7.0]), (7.0, 1.0, vec![2]));
}

#[test]
fn nothing_in_the_data_becomes_markup() {
    let evil = "\"><script>alert(1)</script>'&\u{202e}";
    let rows = vec![json!([evil, evil, 1.5, 2]), json!(["b", "x", 2.5, 3]), json!(["b", evil, 0, 1])];
    let data = data(&[(evil, Text), ("by", Text), ("<y>", Float64), ("z", Int64)], rows);
    for kind in Kind::ALL {
        for (x, by) in [(Some(0), None), (Some(3), Some(1)), (Some(0), Some(1))] {
            for size in [Size::Wide, Size::Narrow] {
                let spec = Spec { kind, x, y: vec![2], by, apart: by.is_some() };
                let Some(drawing) = draw(&data, &spec, size) else { continue };
                assert!(!drawing.svg.contains("<script") && !drawing.svg.contains("<y>"), "{}", drawing.svg);
                assert!(!drawing.svg.contains('\u{202e}') && !drawing.svg.contains("NaN"), "{}", drawing.svg);
                assert_eq!(drawing.svg.matches('"').count() % 2, 0, "{}", drawing.svg);
            }
        }
    }
}

#[test]
fn a_file_stands_alone() {
    let rows: Vec<Value> = (1..4).flat_map(|n| [json!([n, "UA<&", 2 * n]), json!([n, "DL", n])]).collect();
    let data = data(&[("month", Int64), ("carrier", Text), ("n", Int64)], rows);
    for kind in Kind::ALL {
        let spec = Spec { kind, x: Some(0), y: vec![2], by: Some(1), apart: false };
        let drawing = draw(&data, &spec, Size::Wide).unwrap();
        let file = file(&drawing, "n <by> month").unwrap();
        assert!(file.starts_with("<svg xmlns=") && file.contains("<title>n &lt;by&gt; month</title>"), "{file}");
        assert!(file.contains("fill=\"#ffffff\"") && file.contains(&drawing.svg[5..]), "{kind:?}: {file}");
        assert!(!file.contains("var(") && !file.contains("oklch") && !file.contains("UA<"), "{kind:?}: {file}");
        assert_eq!(file.matches("<svg").count(), file.matches("</svg>").count(), "{kind:?}");
        for name in &drawing.legend {
            let name = name.replace('&', "&amp;").replace('<', "&lt;");
            assert!(file.contains(&format!(">{name}</text>")), "{kind:?}: {file}");
        }
        // Whatever the picture has is coloured.
        for class in drawing.svg.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let styled =
                class.split(' ').any(|c| file.contains(&format!(".{c}{{")) || file.contains(&format!(".{c}.")));
            assert!(styled || ["chart__svg", "chart__tick"].contains(&class), "{kind:?}: {class}");
        }
    }
}

#[test]
fn odd_values_are_drawn_too() {
    for numbers in [&[0.0, 0.0][..], &[1e300, -1e300], &[5.0], &[1e-9, 2e-9], &[-3.0, -2.0, -1.0]] {
        let rows = numbers.iter().enumerate().map(|(n, v)| json!([format!("2026-01-0{}", n + 1), v, "NaN"])).collect();
        let data = data(&[("day", Date), ("v", Float64), ("w", Float64)], rows);
        for kind in Kind::ALL {
            for y in [1, 2] {
                let spec = Spec { kind, x: Some(0), y: vec![y], by: None, apart: false };
                let drawn = draw(&data, &spec, Size::Wide).map(|d| d.svg).unwrap_or_default();
                let bare = drawn.replace("NaN</text>", "").replace(": NaN", "");
                assert!(!bare.contains("NaN") && !bare.contains("inf"), "{kind:?} {numbers:?}: {drawn}");
            }
        }
    }
}
