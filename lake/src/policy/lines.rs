//! The difference between two texts, by lines. Knows nothing of what they say.

use model::TextLine;

/// Lines around a change that are shown with it.
const AROUND: usize = 3;
/// Pairs of lines that are compared; past that, what stands between the equal ends counts as changed whole.
const MOST_PAIRS: usize = 4_000_000;

/// The lines that are gone and new, each with some that both texts have around it. Empty when the texts say the same.
pub(super) fn difference(before: &str, after: &str) -> Vec<TextLine> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let all = compared(&a, &b);
    let changed = |line: &TextLine| line.before.is_none() || line.after.is_none();
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        all[from..all.len().min(at + AROUND + 1)].iter().any(changed)
    };
    all.iter().enumerate().filter(|(at, _)| near(*at)).map(|(_, line)| line.clone()).collect()
}

fn compared(a: &[&str], b: &[&str]) -> Vec<TextLine> {
    let begin = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let end = a[begin..].iter().rev().zip(b[begin..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (mid_a, mid_b) = (&a[begin..a.len() - end], &b[begin..b.len() - end]);
    let longest = longest_common(mid_a, mid_b);
    let line = |before: Option<usize>, after: Option<usize>, text: &str| TextLine {
        before: before.map(|n| n as u64 + 1),
        after: after.map(|n| n as u64 + 1),
        text: text.to_owned(),
    };
    let mut all: Vec<TextLine> = (0..begin).map(|n| line(Some(n), Some(n), a[n])).collect();
    let (mut i, mut j) = (0, 0);
    while i < mid_a.len() || j < mid_b.len() {
        let same = i < mid_a.len() && j < mid_b.len() && mid_a[i] == mid_b[j] && !longest.is_empty();
        let left = |i: usize, j: usize| longest.get(i * (mid_b.len() + 1) + j).copied().unwrap_or(0);
        if same {
            all.push(line(Some(begin + i), Some(begin + j), mid_a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < mid_a.len() && (j == mid_b.len() || left(i + 1, j) >= left(i, j + 1)) {
            all.push(line(Some(begin + i), None, mid_a[i]));
            i += 1;
        } else {
            all.push(line(None, Some(begin + j), mid_b[j]));
            j += 1;
        }
    }
    let (from_a, from_b) = (a.len() - end, b.len() - end);
    all.extend((0..end).map(|n| line(Some(from_a + n), Some(from_b + n), a[from_a + n])));
    all
}

/// For each pair of places, how many lines the rests from there have in common; empty when there are too many pairs.
fn longest_common(a: &[&str], b: &[&str]) -> Vec<u32> {
    let wide = b.len() + 1;
    if (a.len() + 1).saturating_mul(wide) > MOST_PAIRS {
        return Vec::new();
    }
    let mut longest = vec![0; (a.len() + 1) * wide];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * wide + j] = match a[i] == b[j] {
                true => longest[(i + 1) * wide + j + 1] + 1,
                false => longest[(i + 1) * wide + j].max(longest[i * wide + j + 1]),
            };
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, wanted: &str) {
        let shown = difference(before, after).into_iter().map(|line| match (line.before, line.after) {
            (Some(_), Some(_)) => format!(" {}", line.text),
            (Some(n), None) => format!("-{n}{}", line.text),
            (None, n) => format!("+{}{}", n.unwrap_or_default(), line.text),
        });
        assert_eq!(shown.collect::<Vec<_>>().join("|"), wanted, "{before:?} {after:?}");
    }

    #[test]
    fn what_differs_is_shown_with_what_is_around_it() {
        check("a\nb", "a\nb", "");
        check("", "a", "+1a");
        check("a", "", "-1a");
        check("a\nb\nc", "a\nx\nc", " a|-2b|+2x| c");
        check("a\nb", "b\na", "-1a| b|+2a");
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9",
            "1\n2\n3\n4\n5\n6\n7\n8\nx",
            " 6| 7| 8|-9 9|+9x".replace("9 9", "99").as_str(),
        );
        check("[[g]]\nto\n[[g]]\nto", "[[g]]\nto\nnote\n[[g]]\nto", " [[g]]| to|+3note| [[g]]| to");
    }

    #[test]
    fn long_texts_are_compared_at_their_ends_alone() {
        let long = |mark: &str| (0..3000).map(|n| format!("{mark}{n}\n")).collect::<String>();
        let found = difference(&format!("same\n{}end", long("a")), &format!("same\n{}end", long("b")));
        assert_eq!(found.len(), 6002);
        assert_eq!(found[0].text, "same");
    }
}
