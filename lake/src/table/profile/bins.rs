//! How numbers, days and instants are spread: counts in bins of equal width.
//!
//! A bin is 2^`power` wide and begins at a multiple of that. When values come that would need too many bins, the width
//! doubles and neighbours add up, so counts are always exact, and parts merge into exactly the whole: the only error
//! is that a place within a bin is not told.

use serde::{Deserialize, Serialize};

/// Bins that are kept.
const BINS: i64 = 256;
/// Bins are numbered well within what a float counts exactly.
const NUMBERS: f64 = 4_503_599_627_370_496.0;
const LEAST_POWER: i32 = -1000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bins {
    power: i32,
    /// Number of the first bin: it begins at `first` × 2^`power`.
    first: i64,
    counts: Vec<u64>,
}

/// Counts of one stretch, `from` inclusive to `to` exclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub from: f64,
    pub to: f64,
    pub count: u64,
}

impl Bins {
    /// No values yet. `whole` numbers need no bins narrower than one.
    pub fn new(whole: bool) -> Self {
        Self { power: if whole { 0 } else { LEAST_POWER }, first: 0, counts: Vec::new() }
    }

    /// Makes room for values from `least` to `most`, both finite.
    pub fn widen(&mut self, least: f64, most: f64) {
        loop {
            let scale = self.scale();
            let fits = (least * scale).abs() <= NUMBERS && (most * scale).abs() <= NUMBERS;
            if fits {
                let (mut low, mut high) = (number(least, scale), number(most, scale));
                if !self.counts.is_empty() {
                    (low, high) = (low.min(self.first), high.max(self.first + self.counts.len() as i64 - 1));
                }
                if high - low < BINS {
                    self.reach(low, high);
                    return;
                }
            }
            self.double();
        }
    }

    /// Counts a value within what was made room for.
    #[inline]
    pub fn add(&mut self, value: f64, scale: f64) {
        let at = number(value, scale) - self.first;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
    }

    /// What `add` wants beside each value: one over the width.
    pub fn scale(&self) -> f64 {
        2_f64.powi(-self.power)
    }

    pub fn merge(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        let mut other = other.clone();
        loop {
            while other.power < self.power {
                other.double();
            }
            while self.power < other.power {
                self.double();
            }
            let (mut low, mut high) = (other.first, other.first + other.counts.len() as i64 - 1);
            if !self.counts.is_empty() {
                low = low.min(self.first);
                high = high.max(self.first + self.counts.len() as i64 - 1);
            }
            if high - low < BINS {
                self.reach(low, high);
                break;
            }
            self.double();
        }
        for (at, count) in (other.first..).zip(&other.counts) {
            if let Some(mine) = usize::try_from(at - self.first).ok().and_then(|at| self.counts.get_mut(at)) {
                *mine += count;
            }
        }
    }

    /// At most `most` bins, doubled until they are; empty when nothing was counted.
    pub fn shown(&self, most: usize) -> Vec<Bin> {
        let mut shown = self.clone();
        while shown.counts.len() > most {
            shown.double();
        }
        let width = 2_f64.powi(shown.power);
        let bin = |(at, &count): (i64, &u64)| Bin { from: at as f64 * width, to: (at + 1) as f64 * width, count };
        (shown.first..).zip(&shown.counts).map(bin).collect()
    }

    fn double(&mut self) {
        self.power += 1;
        let first = self.first.div_euclid(2);
        let mut counts = Vec::with_capacity(self.counts.len() / 2 + 1);
        for (at, count) in (self.first..).zip(&self.counts) {
            let to = usize::try_from(at.div_euclid(2) - first).unwrap_or_default();
            if counts.len() <= to {
                counts.push(0);
            }
            counts[to] += count;
        }
        (self.first, self.counts) = (first, counts);
    }

    fn reach(&mut self, low: i64, high: i64) {
        if self.counts.is_empty() {
            self.first = low;
        }
        let before = usize::try_from(self.first - low).unwrap_or_default();
        self.counts.splice(0..0, std::iter::repeat_n(0, before));
        self.first = self.first.min(low);
        let all = usize::try_from(high - self.first + 1).unwrap_or_default();
        if self.counts.len() < all {
            self.counts.resize(all, 0);
        }
    }
}

/// The bin of a value. Products that are too small for a float keep their side of zero.
#[inline]
fn number(value: f64, scale: f64) -> i64 {
    let product = value * scale;
    // Towards zero, then down: rounding down at once would be a call.
    let at = product as i64;
    at - i64::from(product < at as f64 || (product == 0.0 && value < 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], whole: bool) -> Bins {
        let mut bins = Bins::new(whole);
        for part in values.chunks(7) {
            bins.widen(part.iter().copied().fold(f64::MAX, f64::min), part.iter().copied().fold(f64::MIN, f64::max));
            let scale = bins.scale();
            part.iter().for_each(|v| bins.add(*v, scale));
        }
        bins
    }

    #[test]
    fn parts_merge_into_exactly_the_whole() {
        let near: Vec<f64> = (0..1_000).map(|n| f64::from(n * 37 % 211)).collect();
        let far: Vec<f64> = (0..1_000).map(|n| f64::from(n) * 1.5e9 - 7e8).collect();
        let tiny: Vec<f64> = (0..1_000).map(|n| 1.0 + f64::from(n) * 1e-12).collect();
        let one = vec![-3.25; 40];
        let edges = vec![0.0, f64::MAX / 4.0, f64::MIN / 4.0, f64::MIN_POSITIVE, 1e-300, -1e-300, -5e-324];
        for values in [near, far, tiny, one, edges] {
            let whole = of(&values, false);
            for at in [0, 1, values.len() / 3, values.len()] {
                let mut merged = of(&values[..at], false);
                merged.merge(&of(&values[at..], false));
                assert_eq!(merged, whole);
            }
            for bins in [whole.shown(256), whole.shown(24)] {
                assert_eq!(bins.iter().map(|b| b.count).sum::<u64>(), values.len() as u64);
                for bin in &bins {
                    let truth = values.iter().filter(|v| (bin.from..bin.to).contains(v)).count() as u64;
                    assert_eq!(bin.count, truth, "{bin:?}");
                }
            }
        }
    }

    #[test]
    fn whole_numbers_have_bins_of_one() {
        let bins = of(&[2013.0, 2014.0, 2014.0, 2016.0], true);
        let shown: Vec<(f64, u64)> = bins.shown(24).iter().map(|b| (b.from, b.count)).collect();
        assert_eq!(shown, [(2013.0, 1), (2014.0, 2), (2015.0, 0), (2016.0, 1)]);
        assert!(Bins::new(true).shown(24).is_empty());
    }
}
