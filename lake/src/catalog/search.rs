//! Finding datasets by words: every word must occur somewhere that the asker may see.

use model::{Column, Dataset};

/// Whether all words of `q` occur in the dataset's name, title, description, owner, tags or visible columns.
pub(super) fn matches(q: &str, dataset: &Dataset, columns: &[Column]) -> bool {
    let mut text = format!(
        "{} {} {} {} {}",
        dataset.name,
        dataset.title,
        dataset.description,
        dataset.owner.as_deref().unwrap_or_default(),
        dataset.tags.join(" ")
    );
    for column in columns {
        text.extend([" ", &column.name, " ", &column.label, " ", &column.description]);
    }
    let text = text.to_lowercase();
    q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// Those whose name or title has the words come first; names stay in order within.
pub(super) fn rank(q: &str, datasets: &mut [Dataset]) {
    let q = q.to_lowercase();
    let distance = |d: &Dataset| {
        let (name, title) = (d.name.to_string(), d.title.to_lowercase());
        let words = || q.split_whitespace();
        match () {
            () if d.name.name() == q || name == q => 0,
            () if words().all(|w| name.contains(w)) => 1,
            () if words().all(|w| title.contains(w)) => 2,
            () => 3,
        }
    };
    datasets.sort_by_key(distance);
}
