//! Column names from headers: snake_case letters of any script.

use std::collections::{HashMap, HashSet};

/// The column name for a header: letters, combining marks and digits lowercased and kept, every other run becomes one
/// `_`, none at either end, a leading digit gets `_` before it. Empty when nothing is left.
#[must_use]
pub fn column_name(header: &str) -> String {
    let mut name = String::with_capacity(header.len());
    let mut gap = false;
    for c in header.chars() {
        if !(c.is_alphabetic() || is_digit(c) || is_mark(c)) {
            gap = true;
            continue;
        }
        if gap && !name.is_empty() {
            name.push('_');
        }
        gap = false;
        name.extend(c.to_lowercase());
    }
    if name.starts_with(is_digit) {
        name.insert(0, '_');
    }
    name
}

/// Names for all headers of a file: empty ones by position, repeated ones numbered.
pub(super) fn column_names<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    // Where counting goes on: of many equal headers each would begin again.
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::new();
    for (at, header) in headers.enumerate() {
        let mut base = column_name(header);
        if base.is_empty() {
            base = format!("column_{}", at + 1);
        }
        let mut name = base.clone();
        while !taken.insert(name.clone()) {
            let n = next.entry(base.clone()).or_insert(2);
            name = format!("{base}_{n}");
            *n += 1;
        }
        names.push(name);
    }
    names
}

/// Decimal digits of any script: what is numeric without superscripts, fractions and numbers in circles.
fn is_digit(c: char) -> bool {
    let other = matches!(u32::from(c),
        0xb2 | 0xb3 | 0xb9 | 0xbc..=0xbe | 0x2070..=0x2089 | 0x2150..=0x218b | 0x2460..=0x24ff | 0x2776..=0x2793
        | 0x3192..=0x3195 | 0x3220..=0x32cf);
    c.is_numeric() && !other
}

/// Combining marks: in the blocks that hold nothing else, and the vowel signs and viramas of the scripts of India and
/// South-East Asia, which `char::is_alphabetic` counts only in part.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x05bf | 0x05c1..=0x05c2 | 0x05c4..=0x05c5 | 0x05c7
        | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670 | 0x06d6..=0x06dc | 0x06df..=0x06e4 | 0x06e7..=0x06e8
        | 0x06ea..=0x06ed | 0x0711 | 0x0730..=0x074a | 0x08d3..=0x08e1 | 0x08e3..=0x0903 | 0x093a..=0x093c
        | 0x093e..=0x094f | 0x0951..=0x0957 | 0x09bc | 0x09be..=0x09cd | 0x0a3c | 0x0a3e..=0x0a4d | 0x0abc
        | 0x0abe..=0x0acd | 0x0b3c | 0x0b3e..=0x0b4d | 0x0bbe..=0x0bcd | 0x0c3e..=0x0c4d | 0x0cbc | 0x0cbe..=0x0ccd
        | 0x0d3b..=0x0d3c | 0x0d3e..=0x0d4d | 0x0dca..=0x0ddf | 0x0e31 | 0x0e34..=0x0e3a | 0x0e47..=0x0e4e | 0x0eb1
        | 0x0eb4..=0x0ebc | 0x0ec8..=0x0ece | 0x0f18..=0x0f19 | 0x0f35 | 0x0f37 | 0x0f39 | 0x0f3e..=0x0f3f
        | 0x0f71..=0x0f84 | 0x102b..=0x103e | 0x1056..=0x1059 | 0x135d..=0x135f | 0x17b4..=0x17d3 | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff | 0x20d0..=0x20f0 | 0x302a..=0x302f | 0x3099..=0x309a | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_snake_case_in_any_script() {
        for (header, name) in [
            ("Order No.", "order_no"),
            ("2024 sales (USD)", "_2024_sales_usd"),
            ("Temp [°C]", "temp_c"),
            (" weight/kg ", "weight_kg"),
            ("camelCase", "camelcase"),
            ("Größe (cm)", "größe_cm"),
            ("年龄", "年龄"),
            ("cafe\u{301}", "cafe\u{301}"),
            ("हिन्दी नाम", "हिन्दी_नाम"),
            ("%", ""),
            ("__a__b__", "a_b"),
        ] {
            assert_eq!(column_name(header), name, "{header}");
        }
    }

    #[test]
    fn repeated_names_count_on_when_taken() {
        let names = column_names(["a", "A", "a_2", "", "column_4"].into_iter());
        assert_eq!(names, ["a", "a_2", "a_2_2", "column_4", "column_4_2"]);
        let many = column_names(std::iter::repeat_n("a", 20_000));
        assert_eq!((many.len(), many[19_999].as_str()), (20_000, "a_20000"));
    }
}
