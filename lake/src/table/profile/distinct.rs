//! How many different values: a HyperLogLog of 2,048 registers, standard error 2.3 %.
//!
//! Registers as by Flajolet et al. (2007), the estimate as by Ertl, "New cardinality estimation algorithms for
//! HyperLogLog sketches" (2017), which needs no correction tables. Two of them merge into exactly the one of the union.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

const BITS: u32 = 11;
const REGISTERS: usize = 1 << BITS;
/// Bits of a hash that are counted, not used as the register's number.
const RANKED: u32 = 64 - BITS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Distinct(Vec<u8>);

impl Distinct {
    pub fn new() -> Self {
        Self(vec![0; REGISTERS])
    }

    /// Counts a value by a hash whose bits are well mixed.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        let register = (hash >> RANKED) as usize;
        // The bit below the ranked ones bounds the rank.
        let rank = ((hash << BITS) | (1 << (BITS - 1))).leading_zeros() + 1;
        let rank = rank as u8;
        if self.0[register] < rank {
            self.0[register] = rank;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Different values, rounded.
    pub fn estimate(&self) -> u64 {
        let mut ranks = [0_u32; RANKED as usize + 2];
        for &rank in &self.0 {
            ranks[usize::from(rank).min(RANKED as usize + 1)] += 1;
        }
        let all = REGISTERS as f64;
        let mut sum = all * tau(1.0 - f64::from(ranks[RANKED as usize + 1]) / all);
        for rank in (1..=RANKED as usize).rev() {
            sum = 0.5 * (sum + f64::from(ranks[rank]));
        }
        sum += all * sigma(f64::from(ranks[0]) / all);
        (all * all / (2.0 * std::f64::consts::LN_2 * sum)).round() as u64
    }
}

/// Corrects for registers that saw nothing.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

/// Corrects for registers that are full.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x).powi(2) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

impl From<Distinct> for String {
    fn from(distinct: Distinct) -> Self {
        STANDARD_NO_PAD.encode(distinct.0)
    }
}

impl TryFrom<String> for Distinct {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let registers = STANDARD_NO_PAD.decode(text).map_err(|e| e.to_string())?;
        if registers.len() == REGISTERS {
            Ok(Self(registers))
        } else {
            Err(format!("{} registers, not {REGISTERS}", registers.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::value::hash, *};

    fn of(values: std::ops::Range<u64>) -> Distinct {
        let mut distinct = Distinct::new();
        values.for_each(|v| distinct.add(hash(&v.to_le_bytes())));
        distinct
    }

    #[test]
    fn estimates_stay_within_four_standard_errors() {
        for n in [0_u64, 1, 10, 600, 2_000, 5_000, 6_000, 10_000, 100_000, 1_000_000] {
            let found = of(0..n).estimate();
            assert!(found.abs_diff(n) as f64 <= 0.092 * n as f64, "{n} values counted as {found}");
        }
    }

    #[test]
    fn a_merge_is_the_sketch_of_the_union_and_text_keeps_it() {
        let mut left = of(0..30_000);
        left.merge(&of(20_000..70_000));
        assert_eq!(left, of(0..70_000));
        assert_eq!(Distinct::try_from(String::from(left.clone())), Ok(left));
        assert!(Distinct::try_from("AAAA".to_owned()).is_err());
    }
}
