//! `policy.toml`: from text to [`model::Policy`], with line, column and cure for whatever is wrong.
//!
//! Knows nothing of tables: whether a predicate fits a dataset is checked where the dataset's schema is known.

use std::{collections::BTreeMap, ops::Range};

use chrono::{DateTime, NaiveDate, Utc};
use model::{Action, DatasetName, Grant, Policy};
use serde::Deserialize;
use toml::{Spanned, value::Datetime};

use super::{
    Finding,
    cure::cured,
    expected::{RawTest, Test},
    grantee::{Grantee, Pattern},
    mask::Mask,
    partner::{Administered, RawPartner},
    predicate::Predicate,
    source::{Place, Source},
};

/// A policy as it was written: what it grants and where each grant stands.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub policy: Policy,
    pub stewards: Vec<Grantee>,
    pub grants: Vec<Written>,
    pub partners: Vec<Administered>,
    /// What its author says that it does; nothing of it decides anything.
    pub tests: Vec<Test>,
}

impl Document {
    /// Whether what some grant covers depends on the tags of a contract.
    pub fn asks_for_tags(&self) -> bool {
        self.grants.iter().flat_map(|g| &g.on).any(|p| matches!(p, Pattern::Tag(_)))
    }
}

/// One grant with its names parsed and its places in the text.
#[derive(Debug)]
pub(super) struct Written {
    pub grant: Grant,
    pub to: Vec<Grantee>,
    pub on: Vec<Pattern>,
    pub mask: BTreeMap<String, Mask>,
    /// The row predicate, or what is wrong with its words: then the grant alone gives nothing.
    pub rows: Option<Result<Predicate, String>>,
    /// 1-based line of `[[grant]]`.
    pub line: u64,
    pub places: Places,
    /// What it was asked for, when it was given on request.
    pub purpose: Option<String>,
}

/// Where in the text the parts of a grant stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Of each of `on`, in its order.
    pub on: Vec<Place>,
    pub rows: Option<Place>,
    pub until: Option<Place>,
    /// Of each column that `mask`, `except` or `columns` names; of what is masked, where the mask is.
    pub named: BTreeMap<String, Place>,
}

impl Written {
    /// Whether it names this dataset itself.
    pub fn is_by_name(&self, dataset: &DatasetName) -> bool {
        self.on.iter().any(|p| matches!(p, Pattern::One(one) if one == dataset))
    }

    /// Whether it was given on request, not written by a steward.
    pub fn is_on_request(&self) -> bool {
        self.purpose.is_some()
    }

    /// Whether it gives all that there is of its datasets.
    pub fn is_without_limit(&self) -> bool {
        self.rows.is_none() && self.grant.columns.is_none() && self.grant.except.is_empty() && self.mask.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    #[serde(default)]
    stewards: Vec<Spanned<String>>,
    #[serde(default, rename = "grant")]
    grants: Vec<Spanned<RawGrant>>,
    #[serde(default, rename = "partner")]
    partners: Vec<RawPartner>,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<RawTest>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrant {
    to: Vec<Spanned<String>>,
    on: Vec<Spanned<String>>,
    may: Option<Vec<Action>>,
    rows: Option<Spanned<String>>,
    columns: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    #[serde(default)]
    mask: BTreeMap<String, Spanned<String>>,
    from: Option<Spanned<Datetime>>,
    until: Option<Spanned<Datetime>>,
    #[serde(default)]
    note: String,
}

/// Parses a policy, or says everything that is wrong with it.
pub(super) fn parse(text: &str) -> Result<Document, Vec<Finding>> {
    let text = &Source::new(text);
    let raw: RawPolicy = toml::from_str(text).map_err(|e| {
        let span = e.span().unwrap_or(0..0);
        vec![Finding::error(text, &span, &cured(text, &span, e.message()))]
    })?;
    let mut wrong = Vec::new();
    let mut document = Document::default();
    for steward in raw.stewards {
        keep(text, &mut wrong, &steward, |s| Grantee::parse(s)).into_iter().for_each(|g| document.stewards.push(g));
        document.policy.stewards.push(steward.into_inner());
    }
    for raw in raw.grants {
        let span = raw.span();
        let written = grant(text, &span, raw.into_inner(), &mut wrong);
        document.policy.grants.push(written.grant.clone());
        document.grants.push(written);
    }
    for raw in raw.partners {
        let partner = Administered::read(text, raw, &document.partners, &mut wrong);
        document.policy.partners.push(partner.partner.clone());
        document.partners.push(partner);
    }
    for raw in raw.tests {
        let span = raw.span();
        match Test::parse(raw.into_inner(), text.place(span.start)) {
            Ok(test) => document.tests.push(test),
            Err(why) => wrong.push(Finding::error(text, &span, &why)),
        }
    }
    if wrong.is_empty() { Ok(document) } else { Err(wrong) }
}

fn grant(text: &Source<'_>, span: &Range<usize>, raw: RawGrant, wrong: &mut Vec<Finding>) -> Written {
    let to: Vec<Grantee> = raw.to.iter().filter_map(|s| keep(text, wrong, s, |s| Grantee::parse(s))).collect();
    let on: Vec<Pattern> = raw.on.iter().filter_map(|s| keep(text, wrong, s, |s| Pattern::parse(s))).collect();
    let mask = raw.mask.iter().filter_map(|(c, m)| Some((c.clone(), keep(text, wrong, m, |s| Mask::parse(s))?)));
    let mask: BTreeMap<String, Mask> = mask.collect();
    let from = raw.from.as_ref().and_then(|d| keep(text, wrong, d, instant));
    let until = raw.until.as_ref().and_then(|d| keep(text, wrong, d, instant));
    let mut say = |message: &str| wrong.push(Finding::error(text, span, message));
    if raw.to.is_empty() {
        say("`to` is empty: name at least one `group:NAME`, `user:NAME`, `claim:NAME=VALUE` or `*`");
    }
    if raw.on.is_empty() {
        say("`on` is empty: name at least one dataset, `unit.begin*`, `unit.*`, `tag:NAME` or `*`");
    }
    if raw.columns.as_ref().is_some_and(Vec::is_empty) {
        say("`columns` is empty, so that nothing would be visible: leave it out for all columns");
    }
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        say("`from` is not before `until`, so that the grant never holds");
    }
    if raw.rows.as_ref().is_some_and(|r| r.get_ref().trim().is_empty()) {
        say("`rows` is empty: leave it out for all rows");
    }
    let at = |span: Range<usize>| text.place(span.start);
    let named = raw.columns.iter().flatten().chain(&raw.except).map(|c| (c.get_ref().clone(), at(c.span())));
    let masked = raw.mask.iter().map(|(c, m)| (c.clone(), at(m.span())));
    let places = Places {
        on: raw.on.iter().map(|p| at(p.span())).collect(),
        rows: raw.rows.as_ref().map(|r| at(r.span())),
        until: raw.until.as_ref().map(|d| at(d.span())),
        named: named.chain(masked).collect(),
    };
    let rows = raw.rows.as_ref().map(|r| Predicate::read(r.get_ref()));
    let plain = |list: Vec<Spanned<String>>| list.into_iter().map(Spanned::into_inner).collect::<Vec<String>>();
    let grant = Grant {
        to: plain(raw.to),
        on: plain(raw.on),
        may: raw.may.unwrap_or_else(|| vec![Action::Read]),
        rows: raw.rows.map(Spanned::into_inner),
        columns: raw.columns.map(plain),
        except: plain(raw.except),
        mask: raw.mask.into_iter().map(|(c, m)| (c, m.into_inner())).collect(),
        from,
        until,
        note: raw.note,
    };
    Written { grant, to, on, mask, rows, line: text.place(span.start).0, places, purpose: None }
}

/// The parsed value, or a finding at its place.
pub(super) fn keep<T, V>(
    text: &Source<'_>,
    wrong: &mut Vec<Finding>,
    raw: &Spanned<V>,
    parse: impl Fn(&V) -> Result<T, String>,
) -> Option<T> {
    match parse(raw.get_ref()) {
        Ok(value) => Some(value),
        Err(message) => {
            wrong.push(Finding::error(text, &raw.span(), &message));
            None
        }
    }
}

/// A TOML date is its midnight in UTC, a date-time without zone is UTC.
fn instant(d: &Datetime) -> Result<DateTime<Utc>, String> {
    let rule = || format!("`{d}` is not an instant: write a date (2027-01-01) or a date-time (2027-01-01T08:00:00Z)");
    let date = d.date.ok_or_else(rule)?;
    let day = NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()).ok_or_else(rule)?;
    let (h, m, s, n) = d.time.map_or((0, 0, 0, 0), |t| {
        (t.hour.into(), t.minute.into(), t.second.unwrap_or(0).into(), t.nanosecond.unwrap_or(0))
    });
    let local = day.and_hms_nano_opt(h, m, s, n).ok_or_else(rule)?;
    let minutes = match d.offset {
        Some(toml::value::Offset::Custom { minutes }) => minutes.into(),
        Some(toml::value::Offset::Z) | None => 0,
    };
    Ok((local - chrono::TimeDelta::minutes(minutes)).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, place: (u64, u64), part: &str) {
        let found = parse(text).expect_err(text);
        let hit = found.iter().any(|f| (f.line, f.column) == place && f.message.contains(part));
        assert!(hit, "{text}\nwants {place:?} {part}, has {found:?}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_a_cure() {
        check("stewards = [\"stewards\"]", (1, 13), "group:stewards");
        check("[[grant]]\nto = [\"group:a\"]\non = [\"ops.*\"]\nrow = \"x\"", (4, 1), "unknown field `row`");
        check("[[grant]]\nto = [\"group:a\"]\non = [\"Ops.x\"]", (3, 7), "lower-case");
        check("[[grant]]\nto = [\"group:a\"]\non = [\"*\"]\nmask = { a = \"hide\" }", (4, 14), "redact");
        check("[[grant]]\nto = []\non = [\"*\"]", (1, 1), "`to` is empty");
        check("[[grant]]\nto = [\"*\"]\non = [\"*\"]\nuntil = 08:00:00", (4, 9), "2027-01-01");
        check("[[grant]]\nto = [\"*\"]\non = [\"*\"]\nuntil = \"2027-01-01\"", (4, 9), "without quotes: 2027-01-01");
        check("[[grant]]\nto = [\"*\"]\non = [\"*\"]\nnotes = \"x\"", (4, 1), "did you mean `note`?");
        check("[[grant]]\nto = [\"*\"]\non = [\"*\"]\nmay = [\"write\"]", (4, 8), "read");
        check("[[partner]]\ngroup = \"a\"\nname = \"A\"\nadmin = []", (4, 1), "unknown field `admin`");
        check("[[partner]]\ngroup = \" \"\nname = \"A\"", (2, 9), "a group's name");
        check("[[partner]]\ngroup = \"a\"\nname = \"\"", (3, 8), "1 to 100");
        check("[[partner]]\ngroup = \"a\"\nname = \"A\"\nadmins = [\"group:a\"]", (4, 11), "user:NAME");
        check(
            "[[partner]]\ngroup = \"a\"\nname = \"A\"\n[[partner]]\ngroup = \"a\"\nname = \"B\"",
            (5, 9),
            "two partners",
        );
        check("[[grant]\n", (1, 9), "");
        check("[[test]]\nas = { user = \"a\" }\nsql = \"select 1\"", (1, 1), "`expect`");
        check("[[test]]\nas = { user = \"a\" }\nsql = \"select 1\"\nexpect = \"allowed\"", (1, 1), "\"denied\"");
        check("[[test]]\nas = { usr = \"a\" }\nsql = \"select 1\"\nrows = 1", (2, 8), "unknown field `usr`");
    }

    #[test]
    fn dates_are_midnight_utc_and_offsets_count() {
        let text = "[[grant]]\nto = [\"*\"]\non = [\"*\"]\nfrom = 2026-01-01\nuntil = 2027-01-01T02:00:00+02:00";
        let document = parse(text).expect("parses");
        let grant = &document.policy.grants[0];
        assert_eq!(grant.from.map(|d| d.to_rfc3339()).as_deref(), Some("2026-01-01T00:00:00+00:00"));
        assert_eq!(grant.until.map(|d| d.to_rfc3339()).as_deref(), Some("2027-01-01T00:00:00+00:00"));
        assert_eq!(grant.may, [Action::Read]);
    }
}
