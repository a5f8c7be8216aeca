//! Which chart suits a result, by its columns and rows.

use super::{Data, Kind, Role, Spec};

/// Series that a reader can tell apart.
pub const MOST_SERIES: usize = 8;
/// Categories that bars are still read at.
const FEW: usize = 40;

/// `None` when nothing in it can be drawn.
pub fn choose(data: &Data) -> Option<Spec> {
    let numbers: Vec<usize> = data.of_role(Role::Number).collect();
    let spec = |kind, x, y, by| Some(Spec { kind, x, y, by, apart: false });
    if data.rows == 0 || numbers.is_empty() {
        return None;
    }
    if data.rows == 1 {
        return spec(Kind::Number, None, numbers, None);
    }
    let words: Vec<usize> = data.of_role(Role::Category).collect();
    let distinct = |at: usize| data.fields[at].distinct().len();
    if let Some(time) = data.of_role(Role::Time).next() {
        let by =
            words.iter().copied().find(|at| (2..=MOST_SERIES).contains(&distinct(*at)) && distinct(time) < data.rows);
        let y = if by.is_some() { numbers[..1].to_vec() } else { first(&numbers) };
        return spec(Kind::Line, Some(time), y, by);
    }
    match words[..] {
        [only] if distinct(only) == data.rows && data.rows <= FEW => {
            let y = first(&numbers);
            return spec(Kind::Bar, Some(only), y, None);
        }
        [x, by, ..] if distinct(x).max(distinct(by)) <= FEW && distinct(x) * distinct(by) <= 4 * data.rows => {
            // The shorter list is the one that is told apart by colour.
            let (x, by) = if distinct(by) <= distinct(x) { (x, by) } else { (by, x) };
            let kind = if distinct(by) <= MOST_SERIES { Kind::Stacked } else { Kind::Heat };
            return spec(kind, Some(x), numbers[..1].to_vec(), Some(by));
        }
        _ => {}
    }
    match numbers[..] {
        [x, ref y @ ..] if !y.is_empty() && data.fields[x].rises() => spec(Kind::Line, Some(x), first(y), None),
        [x, y, ..] => {
            let by = words.iter().copied().find(|at| (2..=MOST_SERIES).contains(&distinct(*at)));
            let counts = by.is_some_and(|by| distinct(x) > 2 && data.fields[x].counts_on_in(&data.fields[by]));
            spec(if counts { Kind::Line } else { Kind::Scatter }, Some(x), vec![y], by)
        }
        [only] if words.iter().any(|at| distinct(*at) <= FEW) => {
            spec(Kind::Bar, words.into_iter().find(|at| distinct(*at) <= FEW), vec![only], None)
        }
        _ => spec(Kind::Histogram, None, numbers[..1].to_vec(), None),
    }
}

/// Several on one axis are only read when they are few.
fn first(numbers: &[usize]) -> Vec<usize> {
    numbers.iter().copied().take(3).collect()
}
