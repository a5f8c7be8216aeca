//! Small changes to small files: bits, bytes, slices, words that mean something to the reader, and parts of other files.

use rand::{Rng, rngs::StdRng};

/// Longer files are cut: many short cases find more than few long ones.
const LONGEST: usize = 16 << 10;

pub struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    words: &'static [&'static [u8]],
}

impl<'a> Mutator<'a> {
    pub fn new(corpus: &'a [Vec<u8>], words: &'static [&'static [u8]]) -> Self {
        Self { corpus, words }
    }

    /// A case, all from the state of `rng`.
    pub fn mutate(&self, rng: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.pick(rng).to_vec();
        for _ in 0..1 << rng.random_range(0..4) {
            self.change(rng, &mut bytes);
            bytes.truncate(LONGEST);
        }
        bytes
    }

    fn pick(&self, rng: &mut StdRng) -> &'a [u8] {
        &self.corpus[rng.random_range(0..self.corpus.len())]
    }

    fn change(&self, rng: &mut StdRng, bytes: &mut Vec<u8>) {
        let at = rng.random_range(0..=bytes.len());
        let slice = |rng: &mut StdRng, of: &[u8], most: usize| {
            let from = rng.random_range(0..=of.len());
            of[from..(from + rng.random_range(0..most)).min(of.len())].to_vec()
        };
        match rng.random_range(0..11) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 if at < bytes.len() => {
                const EDGES: [u8; 8] = [0, 1, 0x0f, 0x10, 0x7f, 0x80, 0xfe, 0xff];
                bytes[at] = EDGES[rng.random_range(0..EDGES.len())];
            }
            3 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(if rng.random() { 1 } else { 255 }),
            4 => {
                let end = (at + rng.random_range(0..32)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let part = slice(rng, bytes, 64);
                bytes.splice(at..at, part);
            }
            6 => {
                let other = self.pick(rng);
                let part = slice(rng, other, 256);
                bytes.splice(at..at, part);
            }
            7 => {
                // The front of one and the back of another.
                let other = self.pick(rng);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[rng.random_range(0..=other.len())..]);
            }
            8 => {
                let part = slice(rng, bytes, 16).repeat(rng.random_range(0..64));
                bytes.splice(at..at, part);
            }
            9 => bytes.truncate(at),
            _ => {
                let word = self.words[rng.random_range(0..self.words.len())];
                let over = if rng.random() { (at + word.len()).min(bytes.len()) } else { at };
                bytes.splice(at..over, word.iter().copied());
            }
        }
    }
}
