//! Opaque cursors: where the next page begins. Clients send them back as they are.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::problem::ApiProblem;

/// Items of a list that are returned when the client names no number.
pub const DEFAULT_LIMIT: usize = 100;
/// Items of a list that can be had at once.
pub const MAX_LIMIT: usize = 1_000;

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Items<T> {
    pub items: Vec<T>,
    /// Send as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The page of `all` that begins after the item that the cursor names.
///
/// `key` orders the list; items that come and go between two pages are neither repeated nor the cause of a gap.
///
/// # Errors
/// 400 for a cursor that is not one of ours and a limit out of bounds.
pub fn page<T>(
    all: Vec<T>,
    key: impl Fn(&T) -> String,
    descending: bool,
    cursor: Option<&str>,
    limit: Option<usize>,
) -> Result<Items<T>, ApiProblem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiProblem::invalid(format!("limit = {limit} must be between 1 and {MAX_LIMIT}")));
    }
    let after: Option<String> = cursor.map(decode).transpose()?;
    let follows = |item: &T| match &after {
        None => true,
        Some(after) if descending => key(item) < *after,
        Some(after) => key(item) > *after,
    };
    let mut rest = all.into_iter().filter(follows);
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let next_cursor = items.last().filter(|_| more).map(|last| encode(&key(last)));
    Ok(Items { items, next_cursor })
}

/// As text that URLs take.
#[must_use]
pub fn encode<T: Serialize>(place: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
}

/// # Errors
/// 400 when it is not one of ours.
pub fn decode<T: DeserializeOwned>(cursor: &str) -> Result<T, ApiProblem> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| ApiProblem::invalid("this cursor is not one that the API gave; begin without one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(limit: usize, descending: bool) -> Vec<u32> {
        let mut all: Vec<u32> = (10..30).collect();
        if descending {
            all.reverse();
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(all.clone(), u32::to_string, descending, cursor.as_deref(), Some(limit)).expect("a page");
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn pages_give_every_item_once() {
        for limit in [1, 3, 7, 10, 19, 20, 21, 1_000] {
            assert_eq!(walk(limit, false), (10..30).collect::<Vec<_>>(), "{limit}");
            assert_eq!(walk(limit, true), (10..30).rev().collect::<Vec<_>>(), "{limit}");
        }
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused() {
        for (cursor, limit) in
            [(Some("x"), None), (Some("%%"), None), (Some(""), None), (None, Some(0)), (None, Some(1_001))]
        {
            assert!(page(vec![1], i32::to_string, false, cursor, limit).is_err(), "{cursor:?} {limit:?}");
        }
    }
}
