//! Asking for access: what may be found, who asks for what and why, and what an owner gives.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ColumnExplanation, DatasetName, VisibleRows};

/// A dataset that somebody may know of and see nothing of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Discovered {
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ops.flights"))]
    pub name: DatasetName,
    pub title: String,
    pub description: String,
    pub owner: Option<String>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What the data is for: a sentence.
    pub purpose: String,
    /// For how many days, 1 to 366.
    pub days: u16,
    /// Which rows and columns, in words.
    #[serde(default)]
    pub wish: String,
}

impl Ask {
    /// Letters of a text, at most.
    pub const TEXT: usize = 500;
    /// Days for which access can be asked for and given.
    pub const MOST_DAYS: u16 = 366;
}

/// Who asks, as the provider described that person then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asker {
    /// Issuer and subject; the access is given to these, whatever the name.
    pub key: String,
    pub name: String,
    pub email: Option<String>,
    pub groups: Vec<String>,
}

/// One request for access, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessRequest {
    pub id: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ops.flights"))]
    pub dataset: DatasetName,
    pub asker: Asker,
    pub ask: Ask,
    pub asked_at: DateTime<Utc>,
    pub state: AccessState,
    /// Who answered last, and when; the asker's own withdrawal is none.
    pub answered: Option<Answered>,
    /// What was given, when it was.
    pub given: Option<Giving>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AccessState {
    Waiting,
    Withdrawn,
    Granted,
    Refused,
    /// Taken away before its time.
    Ended,
    /// Its time is over.
    Expired,
}

/// Who answered a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answered {
    pub by: String,
    pub at: DateTime<Utc>,
    /// For the asker; empty where access was given.
    pub reason: String,
}

/// What an owner gives: to read, these rows and columns, until then. As in `policy.toml`, but for values of whoever
/// asks and look-ups, which `rows` cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Giving {
    /// First instant at which it no longer holds.
    pub until: DateTime<Utc>,
    /// A condition in SQL; all rows when absent.
    #[serde(default)]
    pub rows: Option<String>,
    /// All columns when absent.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    #[serde(default)]
    pub except: Vec<String>,
    /// Column → mask.
    #[serde(default)]
    pub mask: BTreeMap<String, String>,
}

impl Giving {
    /// From the fields of a form: `until` a date, whose midnight in UTC is meant; names with commas or new lines
    /// between; masks as `column = mask`, one a line. What is empty is absent.
    ///
    /// # Errors
    /// What is wrong with a field.
    pub fn of_form(field: impl Fn(&str) -> String) -> Result<Self, String> {
        let text = |name: &str| field(name).trim().to_owned();
        let names = |name: &str| -> Vec<String> {
            let all = text(name);
            all.split([',', '\n']).map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
        };
        let day = text("until").parse::<NaiveDate>().map_err(|_| "choose the day on which it ends".to_owned())?;
        let mut mask = BTreeMap::new();
        for line in text("mask").lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (column, how) = line
                .split_once('=')
                .ok_or_else(|| format!("`{line}` is no mask of a column: write for example `tailnum = hash`"))?;
            mask.insert(column.trim().to_owned(), how.trim().to_owned());
        }
        let (rows, columns) = (text("rows"), names("columns"));
        Ok(Self {
            until: day.and_time(NaiveTime::MIN).and_utc(),
            rows: (!rows.is_empty()).then_some(rows),
            columns: (!columns.is_empty()).then_some(columns),
            except: names("except"),
            mask,
        })
    }
}

/// How a request is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccessAnswer {
    pub verdict: AccessVerdict,
    /// For the asker; needed to refuse and to end.
    #[serde(default)]
    pub reason: String,
    /// Needed to grant.
    #[serde(default)]
    pub give: Option<Giving>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AccessVerdict {
    Grant,
    Refuse,
    /// Takes away what was granted.
    End,
    /// By the asker, while it waits.
    Withdraw,
}

/// Requests as one person sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessRequests {
    /// The viewer's own, the latest first.
    pub mine: Vec<AccessRequest>,
    /// Of others, on datasets that the viewer decides about; those that wait come first, the longest waiting foremost.
    pub to_answer: Vec<AccessRequest>,
}

/// What a grant would give by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessPreview {
    pub rows: VisibleRows,
    pub columns: Vec<ColumnExplanation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_what_its_fields_say() {
        let form = |fields: &'static [(&str, &str)]| {
            Giving::of_form(move |name| {
                fields.iter().find(|(n, _)| *n == name).map_or_else(String::new, |(_, v)| (*v).into())
            })
        };
        let read =
            form(&[("until", "2027-01-31"), ("rows", " a = 1 "), ("except", "b, c\nd"), ("mask", "e = constant('=')")]);
        let mask = [("e".to_owned(), "constant('=')".to_owned())].into();
        let except = vec!["b".to_owned(), "c".into(), "d".into()];
        let until = "2027-01-31T00:00:00Z".parse().expect("an instant");
        assert_eq!(read, Ok(Giving { until, rows: Some("a = 1".into()), columns: None, except, mask }));
        for wrong in [&[("until", "")] as &[_], &[("until", "soon")], &[("until", "2027-01-31"), ("mask", "hash")]] {
            assert!(form(wrong).is_err(), "{wrong:?}");
        }
    }
}
