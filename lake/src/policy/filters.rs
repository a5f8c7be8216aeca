//! The row filters of several grants on one dataset: each kept once, known by its number, and bounded together.

use std::collections::HashMap;

use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{Expr, Operator, binary_expr},
};

/// Nodes of expressions that the grants of one principal on one dataset may come to together, each counted as often as
/// it is needed: once for the rows and once for each column that does not show alike in all of them. Planning reads
/// them all several times, before every query.
const MOST: usize = 100_000;

/// The number of a filter; `None` for all rows.
pub(super) type Number = Option<usize>;

/// Different filters, in one order whatever the order of the grants, so that equal accesses are equal.
pub(super) struct Filters<'a> {
    each: Vec<&'a Expr>,
    sizes: Vec<usize>,
    left: usize,
}

impl<'a> Filters<'a> {
    /// The filters of some grants, and which is whose.
    pub fn of(filters: &[Option<&'a Expr>]) -> (Self, Vec<Number>) {
        let mut numbers: HashMap<&Expr, usize> = HashMap::new();
        let mut each = Vec::new();
        for filter in filters.iter().copied().flatten() {
            numbers.entry(filter).or_insert_with(|| {
                each.push(filter);
                0
            });
        }
        each.sort_by_cached_key(|e| format!("{e:?}"));
        numbers.extend(each.iter().enumerate().map(|(i, e)| (*e, i)));
        let whose = filters.iter().map(|f| f.and_then(|f| numbers.get(f).copied())).collect();
        let sizes = each.iter().map(|e| size(e)).collect();
        (Self { each, sizes, left: MOST }, whose)
    }

    /// The rows that any of these gives; `None` as soon as one gives all.
    ///
    /// # Errors
    /// A sentence for stewards when the grants come to more than is planned.
    pub fn any(&mut self, which: impl Iterator<Item = Number>) -> Result<Option<Expr>, String> {
        let Some(mut which) = which.collect::<Option<Vec<usize>>>() else { return Ok(None) };
        which.sort_unstable();
        which.dedup();
        let needed: usize = which.iter().filter_map(|i| self.sizes.get(*i)).sum();
        self.left = self.left.checked_sub(needed).ok_or_else(too_many)?;
        let these = which.iter().filter_map(|i| self.each.get(*i)).map(|e| (*e).clone()).collect();
        Ok(balanced(these))
    }
}

fn too_many() -> String {
    "the filters of these grants come to more than can be planned, so that they give nothing; say in fewer grants what \
     is alike, with `in (…)`, a claim or a look-up"
        .to_owned()
}

fn size(e: &Expr) -> usize {
    let mut nodes = 0;
    let counted = e.apply(|_| {
        nodes += 1;
        Ok(TreeNodeRecursion::Continue)
    });
    // What cannot be counted is too large.
    counted.map_or(MOST + 1, |_| nodes + 1)
}

/// A tree as low as can be: whoever walks it goes no deeper than the filters themselves and a few steps.
fn balanced(mut filters: Vec<Expr>) -> Option<Expr> {
    while filters.len() > 1 {
        let mut rest = filters.into_iter();
        let mut pairs = Vec::with_capacity(rest.len().div_ceil(2));
        while let Some(a) = rest.next() {
            pairs.push(match rest.next() {
                Some(b) => binary_expr(a, Operator::Or, b),
                None => a,
            });
        }
        filters = pairs;
    }
    filters.pop()
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    #[test]
    fn each_is_kept_once_and_in_one_order() {
        let (a, b) = (col("x").eq(lit(1)), col("x").eq(lit(2)));
        let (mut one, whose) = Filters::of(&[Some(&b), None, Some(&a), Some(&b)]);
        assert_eq!(whose[0], whose[3]);
        assert_eq!(whose[1], None);
        let (mut other, _) = Filters::of(&[Some(&a), Some(&b)]);
        let both = one.any([whose[0], whose[2], whose[3]].into_iter()).expect("small");
        assert_eq!(both, other.any([Some(0), Some(1)].into_iter()).expect("small"));
        assert_eq!(both, Some(a.clone().or(b.clone())));
        assert_eq!(one.any([whose[0], None].into_iter()).expect("small"), None);
    }

    #[test]
    fn many_make_a_low_tree_and_too_many_are_refused() {
        let filters: Vec<Expr> = (0..1_000).map(|i| col("x").eq(lit(i))).collect();
        let (mut all, whose) = Filters::of(&filters.iter().map(Some).collect::<Vec<_>>());
        let any = all.any(whose.iter().copied()).expect("fits").expect("some");
        let mut depth = 0;
        let mut next = Some(&any);
        while let Some(Expr::BinaryExpr(b)) = next {
            (depth, next) = (depth + 1, Some(b.left.as_ref()));
        }
        assert!(depth <= 11, "{depth}");
        let again = (0..100).find_map(|_| all.any(whose.iter().copied()).err());
        assert!(again.is_some_and(|why| why.contains("fewer grants")));
    }
}
