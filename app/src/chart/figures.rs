//! Numbers as axes and labels write them.

/// At a tick of an axis that reaches to `most`: no more digits than the step has, all in one unit, `1.5M` where it is long.
pub fn tick(value: f64, step: f64, most: f64) -> String {
    // Sums of steps end a hair beside zero.
    if value.abs() < step / 1e6 {
        return "0".to_owned();
    }
    let (unit, sign) = unit(most);
    let digits = digits(step / unit);
    signed(&format!("{:.digits$}{sign}", value / unit))
}

/// Beside a mark: four digits that count.
pub fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let (unit, sign) = unit(value.abs());
    let scaled = value / unit;
    let digits = (3 - scaled.abs().log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    signed(&format!("{text}{sign}"))
}

/// In full, grouped: `1,234,567.25`.
pub fn full(value: f64) -> String {
    let text = if value.abs() < 1e15 { format!("{value}") } else { format!("{value:e}") };
    let (whole, rest) = text.split_at(text.find(['.', 'e']).unwrap_or(text.len()));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    let whole: u64 = whole.parse().unwrap_or_default();
    signed(&format!("{sign}{}{rest}", crate::components::grouped(whole)))
}

/// A minus is a minus.
fn signed(text: &str) -> String {
    text.replacen('-', "−", 1)
}

fn unit(size: f64) -> (f64, &'static str) {
    match size {
        s if s >= 1e12 => (1e12, "T"),
        s if s >= 1e9 => (1e9, "G"),
        s if s >= 1e6 => (1e6, "M"),
        s if s >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

fn digits(step: f64) -> usize {
    (0..9)
        .find(|d| {
            let s = step * 10f64.powi(*d);
            (s - s.round()).abs() < 1e-6
        })
        .unwrap_or(9) as usize
}
