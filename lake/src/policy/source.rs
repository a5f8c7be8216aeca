//! The text of a policy, and which line and column each of its bytes stands in.

use std::ops::Deref;

/// 1-based line and column.
pub(super) type Place = (u64, u64);

/// Bytes between two marks: a place is never further than that from where it is counted.
const STEP: usize = 256;

/// A text with a mark at every few bytes, so that a place costs the same wherever it is, also in one long line.
pub(super) struct Source<'a> {
    text: &'a str,
    marks: Vec<(usize, Place)>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut marks = Vec::with_capacity(text.len() / STEP + 1);
        let mut here = (1, 1);
        for (at, c) in text.char_indices() {
            if at >= marks.len() * STEP {
                marks.push((at, here));
            }
            here = after(here, c);
        }
        Self { text, marks }
    }

    /// Of a byte offset.
    pub fn place(&self, offset: usize) -> Place {
        let marks = self.marks.partition_point(|(at, _)| *at <= offset);
        let Some((from, here)) = marks.checked_sub(1).and_then(|i| self.marks.get(i)) else { return (1, 1) };
        let between = self.text.get(*from..offset.min(self.text.len())).unwrap_or_default();
        between.chars().fold(*here, after)
    }
}

fn after((line, column): Place, c: char) -> Place {
    if c == '\n' { (line + 1, 1) } else { (line, column + 1) }
}

impl Deref for Source<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_wherever_they_are() {
        let text: String = (0..300).map(|i| if i % 70 == 69 { "\n" } else { ["ä", "x", "€", "𝄞"][i % 4] }).collect();
        let source = Source::new(&text);
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = &text[..at];
            let line = before.matches('\n').count() as u64 + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() as u64 + 1;
            assert_eq!(source.place(at), (line, column), "byte {at}");
        }
        assert_eq!(Source::new("").place(0), (1, 1));
        assert_eq!(Source::new("ab").place(9), (1, 3));
    }
}
