//! Figures for people: grouped counts, sizes, shares, durations. Values in cells are `cell`'s.

/// `336,776`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `336,776 rows`.
pub fn count(n: u64, one: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(n))
}

/// `12.4 MB`; decimal units, as disks and bills count.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = n as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `0 %`, `< 0.1 %`, `2.5 %`, `100 %`.
pub fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".into();
    }
    if part == whole {
        return "100 %".into();
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let share = part as f64 / whole as f64 * 100.0;
    if share < 0.1 {
        "< 0.1 %".into()
    } else if share > 99.9 {
        "> 99.9 %".into()
    } else {
        format!("{share:.1} %")
    }
}

/// `12 ms`, `1.4 s`, `2 min 5 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1000, 336_776, 350_217_607].map(grouped), ["0", "999", "1,000", "336,776", "350,217,607"]);
        assert_eq!([0, 999, 1000, 12_400_000, 999_999].map(bytes), ["0 B", "999 B", "1.0 kB", "12 MB", "1.0 MB"]);
        assert_eq!(
            [(0, 9), (1, 100_000), (1, 40), (99_999, 100_000), (9, 9)].map(|(a, b)| percent(a, b)),
            ["0 %", "< 0.1 %", "2.5 %", "> 99.9 %", "100 %"]
        );
        assert_eq!([12, 1420, 125_000].map(duration), ["12 ms", "1.4 s", "2 min 5 s"]);
        assert_eq!([1, 2].map(|n| count(n, "row")), ["1 row", "2 rows"]);
    }
}
