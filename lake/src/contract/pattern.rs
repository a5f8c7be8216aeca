//! File patterns of contracts: `*` and `?` within a folder's name, `**` across folders.

/// Whether `text` is what `pattern` describes, whole.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // `reach[j]`: the pattern so far matches the first `j` characters. Linear in both, whatever the stars.
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    let mut i = 0;
    while i < pattern.len() {
        let star = pattern[i] == '*';
        let deep = star && pattern.get(i + 1) == Some(&'*');
        let mut next = vec![false; text.len() + 1];
        if star {
            for j in 0..=text.len() {
                next[j] = reach[j] || (j > 0 && next[j - 1] && (deep || text[j - 1] != '/'));
            }
        } else {
            for j in 0..text.len() {
                let same = if pattern[i] == '?' { text[j] != '/' } else { pattern[i] == text[j] };
                next[j + 1] = reach[j] && same;
            }
        }
        reach = next;
        i += if deep { 2 } else { 1 };
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_its_folder_and_two_cross_them() {
        for (pattern, text, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "x/a.csv", false),
            ("**.csv", "x/a.csv", true),
            ("landing/ops/*/*.csv*", "landing/ops/flights/2013-01.csv.gz", true),
            ("2013-0?.csv", "2013-07.csv", true),
            ("2013-0?.csv", "2013-10.csv", false),
            ("landing/**/a.csv", "landing/x/y/a.csv", true),
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} over {text}");
        }
    }
}
