//! Which values come most often: exact while there are few, then the heavy ones with a bound.
//!
//! Misra and Gries (1982) in the mergeable form of Agarwal et al. (2013): when too many values are counted, the count of
//! a middle one is taken off all, and what is left with nothing is forgotten. Counts are then too low, by `missed` at
//! most, and a value that is not kept came at most `missed` times.
//!
//! Where values hardly come again, as ids do, or none of very many is frequent, counting them is given up: it would cost
//! more than all else a profile does, and find nothing.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use serde::{Deserialize, Serialize};

use super::{distinct::Distinct, value::Value};

/// Different values that are counted exactly.
pub(super) const EXACT: usize = 512;
/// Values that are kept when there are more.
const KEPT: usize = 256;
/// Values after which it is first asked whether counting goes on; then after twice as many, and so on.
const TRIED: u64 = 1 << 16;
/// Values after which counting ends when none is frequent so far.
const ENOUGH: u64 = 1 << 18;

/// Values are told apart by 64 bits of hash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(super) struct Frequent {
    counts: HashMap<u64, Counted, BuildHasherDefault<AsIs>>,
    /// Occurrences that a kept value may have more, and a forgotten one may have had. 0: all counts are exact.
    missed: u64,
    /// Only once counts are not exact: until then it is the number of counts.
    distinct: Option<Distinct>,
    /// Values that were added here.
    seen: u64,
    ask_at: u64,
    /// Values are no longer counted, only told apart.
    given_up: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    value: Value,
    count: u64,
}

impl Frequent {
    /// Counts one occurrence. `value` is made only when it may be new, and then the answer is `true`.
    #[inline]
    pub fn add(&mut self, hash: u64, value: impl FnOnce() -> Value) -> bool {
        self.seen += 1;
        if self.given_up
            && let Some(distinct) = &mut self.distinct
        {
            distinct.add(hash);
            self.missed += 1;
            return true;
        }
        if let Some(known) = self.counts.get_mut(&hash) {
            known.count += 1;
            return false;
        }
        self.counts.insert(hash, Counted { value: value(), count: 1 });
        if let Some(distinct) = &mut self.distinct {
            distinct.add(hash);
        }
        if self.counts.len() > EXACT {
            self.forget();
        }
        true
    }

    pub fn merge(&mut self, other: &Self) {
        if self.distinct.is_some() || other.distinct.is_some() {
            let mut both = self.sketch();
            both.merge(&other.sketch());
            self.distinct = Some(both);
        }
        for (hash, theirs) in &other.counts {
            self.counts.entry(*hash).and_modify(|mine| mine.count += theirs.count).or_insert_with(|| theirs.clone());
        }
        self.missed += other.missed;
        if self.counts.len() > EXACT {
            self.forget();
        }
    }

    /// Whether every count is right, and so is the number of different values.
    pub fn is_exact(&self) -> bool {
        self.distinct.is_none()
    }

    /// Occurrences by which a count may be too low.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Different values; estimated when not exact.
    pub fn distinct(&self) -> u64 {
        self.distinct.as_ref().map_or(self.counts.len() as u64, Distinct::estimate)
    }

    /// The most frequent values, most frequent first; those that come equally often by value. None that a forgotten
    /// value may outnumber.
    pub fn top(&self, most: usize) -> Vec<(&Value, u64)> {
        let sure = self.counts.values().filter(|c| c.count > self.missed);
        let mut top: Vec<(&Value, u64)> = sure.map(|c| (&c.value, c.count)).collect();
        top.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        top.truncate(most);
        top
    }

    /// How often the value with this hash came.
    pub fn count(&self, hash: u64) -> u64 {
        self.counts.get(&hash).map_or(0, |c| c.count)
    }

    /// In memory, about.
    pub fn bytes(&self) -> usize {
        let text = |c: &Counted| if let Value::Text(text) = &c.value { text.len() } else { 0 };
        let sketch = if self.is_exact() { 0 } else { 2048 };
        sketch + self.counts.values().map(|c| 64 + text(c)).sum::<usize>()
    }

    fn sketch(&self) -> Distinct {
        self.distinct.clone().unwrap_or_else(|| {
            let mut sketch = Distinct::new();
            self.counts.keys().for_each(|hash| sketch.add(*hash));
            sketch
        })
    }

    fn forget(&mut self) {
        if self.distinct.is_none() {
            self.distinct = Some(self.sketch());
        }
        let mut counts: Vec<u64> = self.counts.values().map(|c| c.count).collect();
        // The largest count that does not survive.
        let at = counts.len() - KEPT - 1;
        let (_, &mut cut, _) = counts.select_nth_unstable(at);
        self.counts.retain(|_, c| {
            c.count = c.count.saturating_sub(cut);
            c.count > 0
        });
        self.missed += cut;
        if self.seen >= self.ask_at.max(TRIED) {
            self.ask_at = self.seen * 2;
            let hopeless = self.seen >= ENOUGH || self.distinct() > self.seen / 2;
            self.given_up = hopeless && self.top(1).is_empty();
        }
    }
}

/// By what is written; how it came about is no difference.
impl PartialEq for Frequent {
    fn eq(&self, other: &Self) -> bool {
        (&self.counts, self.missed, &self.distinct) == (&other.counts, other.missed, &other.distinct)
    }
}

/// What is written: a list, since JSON's keys are text.
#[derive(Serialize, Deserialize)]
struct Stored {
    counts: Vec<(u64, Value, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distinct: Option<Distinct>,
    #[serde(default)]
    missed: u64,
}

impl From<Frequent> for Stored {
    fn from(frequent: Frequent) -> Self {
        let mut counts: Vec<_> = frequent.counts.into_iter().map(|(hash, c)| (hash, c.value, c.count)).collect();
        counts.sort_unstable_by_key(|(hash, ..)| *hash);
        Self { counts, distinct: frequent.distinct, missed: frequent.missed }
    }
}

impl From<Stored> for Frequent {
    fn from(stored: Stored) -> Self {
        let counts = stored.counts.into_iter().map(|(hash, value, count)| (hash, Counted { value, count })).collect();
        Self { counts, missed: stored.missed, distinct: stored.distinct, ..Self::default() }
    }
}

/// The keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = super::value::hash(bytes);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::value::hash, *};

    fn of(values: impl IntoIterator<Item = i64>) -> Frequent {
        let mut frequent = Frequent::default();
        for v in values {
            frequent.add(hash(&v.to_le_bytes()), || Value::Whole(v));
        }
        frequent
    }

    #[test]
    fn few_values_are_counted_exactly_and_merge_as_the_whole() {
        let values: Vec<i64> = (0..10_000).map(|n| n * n % 400).collect();
        let whole = of(values.iter().copied());
        let mut merged = of(values[..3_000].iter().copied());
        merged.merge(&of(values[3_000..].iter().copied()));
        assert!(whole.is_exact() && whole.missed() == 0);
        assert_eq!(merged, whole);
        let different: std::collections::HashSet<_> = values.iter().collect();
        assert_eq!(whole.distinct(), different.len() as u64);
    }

    /// Value 7 makes a fifth of the rows, 8 a tenth, all others come once.
    fn skewed(rows: i64) -> Vec<i64> {
        (0..rows)
            .map(|n| {
                if n % 5 == 0 {
                    7
                } else if n % 10 == 1 {
                    8
                } else {
                    1_000 + n
                }
            })
            .collect()
    }

    #[test]
    fn many_values_keep_the_heavy_ones_within_the_bound() {
        let values = skewed(100_000);
        let whole = of(values.iter().copied());
        let mut merged = Frequent::default();
        for part in values.chunks(9_000) {
            merged.merge(&of(part.iter().copied()));
        }
        for found in [&whole, &merged] {
            assert!(!found.is_exact());
            assert!(found.missed() <= 100_000 / KEPT as u64, "{}", found.missed());
            let top = found.top(3);
            assert_eq!(top.iter().map(|t| t.0.clone()).collect::<Vec<_>>(), [Value::Whole(7), Value::Whole(8)]);
            for ((_, count), truth) in top.iter().zip([20_000, 10_000]) {
                assert!(*count <= truth && truth <= count + found.missed(), "{count} of {truth}");
            }
            let truth = 70_002;
            assert!(found.distinct().abs_diff(truth) as f64 <= 0.092 * truth as f64, "{}", found.distinct());
        }
    }

    #[test]
    fn unique_values_have_no_top_and_are_not_counted_for_long() {
        assert!(of(0..50_000).top(10).is_empty());
        let ids = of(0..200_000);
        assert!(ids.given_up && ids.top(10).is_empty());
        assert!(ids.distinct().abs_diff(200_000) <= 18_400, "{}", ids.distinct());
        // What comes often later on is within the bound, and so is not shown as if it were sure.
        let turned = of((0..200_000).chain(std::iter::repeat_n(-1, 5_000)));
        assert!(turned.missed() >= 5_000 && turned.top(10).is_empty());
        assert!(!of(skewed(200_000)).given_up, "heavy values among unique ones go on being counted");
    }

    #[test]
    fn json_keeps_it() {
        for frequent in [of(0..10), of(skewed(5_000))] {
            let json = serde_json::to_vec(&frequent).unwrap();
            assert_eq!(serde_json::from_slice::<Frequent>(&json).unwrap(), frequent);
        }
    }
}
