//! A chart as a file that stands alone: title, legend and notes in the picture, on white, the light theme's colours
//! written out. Not every program that shows pictures knows variables, themes or OKLCH.

use std::fmt::Write as _;

use super::{
    Drawing,
    svg::{cut, escaped, width},
};

/// Where the colours are.
const TOKENS: &str = include_str!("../../../style/tokens.css");
/// Per cent of the deepest colour in each of a heat map's steps, as `style/chart.css` has them.
const DEPTHS: [u8; 10] = [6, 14, 23, 32, 42, 52, 64, 76, 88, 100];
const SERIES: usize = 8;
/// Pixels around the picture.
const EDGE: f64 = 16.0;
/// Pixels from one line of words to the next.
const LINE: f64 = 20.0;

/// `None` when a colour cannot be read, which a test rules out.
pub fn file(drawing: &Drawing, title: &str) -> Option<String> {
    let (across, down) = size(&drawing.svg)?;
    let mut words = String::new();
    let mut y = EDGE + LINE;
    let fits = cut(title, across * 0.8);
    let _ = write!(words, r#"<text class="chart__head" x="{EDGE}" y="{}">{}</text>"#, y - 4.0, escaped(&fits));
    if !drawing.legend.is_empty() {
        y += LINE;
    }
    let mut x = EDGE;
    for (n, name) in drawing.legend.iter().enumerate() {
        let name = cut(name, across - 2.0 * EDGE);
        if x > EDGE && x + width(&name) > across {
            (x, y) = (EDGE, y + LINE);
        }
        let (class, name_at, name_words) = (n + 1, x + 16.0, escaped(&name));
        let _ = write!(
            words,
            r#"<rect class="chart__bar chart__s{class}" x="{x:.1}" y="{:.1}" width="10" height="10"/>"#,
            y - 13.0
        );
        let _ = write!(words, r#"<text x="{name_at:.1}" y="{:.1}">{name_words}</text>"#, y - 4.0);
        x = name_at + width(&name) + EDGE;
    }
    let place = format!(r#"<svg x="{EDGE}" y="{y}" width="{across}" height="{down}" overflow="visible" "#);
    let picture = drawing.svg.replacen("<svg ", &place, 1);
    y += down;
    for note in &drawing.notes {
        y += LINE;
        let _ = write!(words, r#"<text x="{EDGE}" y="{y}">{}</text>"#, escaped(note));
    }
    let (across, down) = (across + 2.0 * EDGE, y + EDGE);
    let (style, ground, title) = (style()?, hex(light("surface")?), escaped(title));
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}"><title>{title}</title><style>{style}</style><rect width="{across}" height="{down}" fill="{ground}"/>{words}{picture}</svg>
"#
    ))
}

/// Width and height of a drawing of ours.
fn size(svg: &str) -> Option<(f64, f64)> {
    let (_, rest) = svg.split_once(r#"viewBox="0 0 "#)?;
    let (across, down) = rest.split_once('"')?.0.split_once(' ')?;
    Some((across.parse().ok()?, down.parse().ok()?))
}

/// What `style/chart.css` says, without variables.
fn style() -> Option<String> {
    let color = |token: &str| light(token).map(hex);
    let (ink, quiet, surface) = (color("ink")?, color("ink-2")?, color("surface")?);
    let mut css = format!(
        "text{{font-family:system-ui,sans-serif;font-size:12px;fill:{quiet}}}\
         .chart__head{{fill:{ink};font-size:16px;font-weight:600}}\
         .chart__title{{fill:{ink};font-weight:600}}\
         .chart__figure{{fill:{ink};font-size:40px;font-weight:600}}\
         .chart__name{{font-weight:600}}\
         .chart__value{{fill:{ink}}}.chart__value--deep{{fill:{}}}\
         .chart__rule{{stroke:{}}}.chart__rule--zero{{stroke:{}}}\
         .chart__line{{fill:none;stroke-width:2;stroke-linejoin:round}}\
         .chart__area{{fill-opacity:0.18}}.chart__dot{{fill-opacity:0.6}}\
         .chart__point{{fill:{surface};stroke-width:1.5}}.chart__point--quiet{{opacity:0}}",
        color("on-accent")?,
        color("hairline")?,
        color("edge-field")?,
    );
    for n in 1..=SERIES {
        let series = color(&format!("series-{n}"))?;
        for part in ["line", "point", "dot"] {
            let _ = write!(css, ".chart__{part}.chart__s{n}{{stroke:{series}}}");
        }
        for part in ["area", "bar", "dot", "name"] {
            let _ = write!(css, ".chart__{part}.chart__s{n}{{fill:{series}}}");
        }
    }
    let (deep, ground) = (light("series-1")?, light("sunken")?);
    for (n, depth) in DEPTHS.into_iter().enumerate() {
        let share = f64::from(depth) / 100.0;
        let mixed = [0, 1, 2].map(|at| deep[at] * share + ground[at] * (1.0 - share));
        let _ = write!(css, ".chart__h{n}{{fill:{}}}", hex(mixed));
    }
    Some(css)
}

/// A token's colour in the light theme, in Oklab.
fn light(token: &str) -> Option<[f64; 3]> {
    let (_, rest) = TOKENS.split_once(&format!(" --{token}: light-dark(oklch("))?;
    let mut parts = rest.split_once(')')?.0.split(' ').map(|part| part.parse::<f64>().ok());
    let (lightness, chroma, hue) = (parts.next()??, parts.next()??, parts.next()??.to_radians());
    Some([lightness, chroma * hue.cos(), chroma * hue.sin()])
}

/// From Oklab to sRGB (Björn Ottosson, <https://bottosson.github.io/posts/oklab/>).
fn hex([lightness, a, b]: [f64; 3]) -> String {
    let cone = |of_a: f64, of_b: f64| (lightness + of_a * a + of_b * b).powi(3);
    let long = cone(0.3963377774, 0.2158037573);
    let middle = cone(-0.1055613458, -0.0638541728);
    let short = cone(-0.0894841775, -1.291485548);
    let linear = [
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
    ];
    let byte = |linear: f64| {
        let shown = if linear <= 0.0031308 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        (shown.clamp(0.0, 1.0) * 255.0).round() as u8
    };
    let [red, green, blue] = linear.map(byte);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_style() {
        assert_eq!(light("surface").map(hex).as_deref(), Some("#ffffff"));
        // The primaries of sRGB.
        assert_eq!(hex([0.6279553606, 0.2248630611, 0.1258462986]), "#ff0000");
        assert_eq!(hex([0.4520137184, -0.0324569842, -0.3115281477]), "#0000ff");
        let style = include_str!("../../../style/chart.css");
        for (n, depth) in DEPTHS.into_iter().enumerate() {
            assert!(style.contains(&format!(".chart__h{n} {{ --depth: {depth}%; }}")), "step {n}");
        }
    }
}
