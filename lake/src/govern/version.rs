//! `VERSION AS OF 3` and `TIMESTAMP AS OF '…'` behind a dataset's name.
//!
//! The generic dialect, in which queries are written, does not know them. Neither clause can stand in any other text
//! that it knows, so they are found among the tokens and put where it takes a list of partitions, which no query may
//! have. A clause is recognised again by its place, so that a list of partitions that someone writes is none.

use std::{collections::BTreeMap, ops::ControlFlow};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use datafusion::{
    common::TableReference,
    sql::{
        parser::Statement as DfStatement,
        planner::object_name_to_table_reference,
        sqlparser::{
            ast::{Ident, ObjectName, ObjectNamePart, TableAlias, TableFactor, Visit, VisitMut, Visitor, VisitorMut},
            keywords::Keyword,
            tokenizer::{Span, Token, TokenWithSpan, Word},
        },
    },
};
use model::DatasetName;

use crate::{LakeError, Result, table::At};

/// A clause of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clause {
    pub span: Span,
    pub at: At,
}

/// Takes the clauses out of a text's tokens, and puts for each what the parser takes at its place.
///
/// # Errors
/// [`LakeError::InvalidSql`] for a clause that does not follow a dataset's name, or whose version or time is none.
pub(super) fn lift(tokens: Vec<TokenWithSpan>) -> Result<(Vec<TokenWithSpan>, Vec<Clause>)> {
    let words: Vec<(usize, &TokenWithSpan)> =
        tokens.iter().enumerate().filter(|(_, t)| !matches!(t.token, Token::Whitespace(_))).collect();
    // Of each clause its first and last token, and what it says.
    let mut clauses: Vec<(usize, usize, Clause)> = Vec::new();
    let mut at = 0;
    while let Some(here) = words.get(at..).filter(|rest| !rest.is_empty()) {
        at += 1;
        let Some(found) = Found::at(here) else { continue };
        let (first, span) = (here[0].0, here[0].1.span);
        let before = words.get(..at - 1).unwrap_or_default();
        let named = matches!(before, [.., (_, dot), (_, name)] if dot.token == Token::Period && is_word(name));
        match found.value(here) {
            Ok((value, length)) if named => {
                let last = here.get(length - 1).map_or(first, |(i, _)| *i);
                clauses.push((first, last, Clause { span, at: value }));
                at += length - 1;
            }
            Err(e) if named => return Err(e),
            Ok(_) => return Err(misplaced(span)),
            // Words that only look like a clause.
            Err(_) => {}
        }
    }
    let mut kept = Vec::with_capacity(tokens.len());
    let mut next = clauses.iter().peekable();
    for (i, token) in tokens.iter().enumerate() {
        let Some((first, last, clause)) = next.peek() else {
            kept.push(token.clone());
            continue;
        };
        if i == *first {
            kept.extend(stand_in(clause.span));
        } else if i < *first {
            kept.push(token.clone());
        }
        if i == *last {
            next.next();
        }
    }
    Ok((kept, clauses.into_iter().map(|(_, _, clause)| clause).collect()))
}

/// The words that begin a clause.
struct Found {
    by_version: bool,
    /// How many tokens the words are.
    words: usize,
}

impl Found {
    /// `[FOR] {VERSION | SYSTEM_VERSION | TIMESTAMP | SYSTEM_TIME} AS OF`, as Delta, Spark and SQL:2011 say it.
    fn at(words: &[(usize, &TokenWithSpan)]) -> Option<Self> {
        let opening = usize::from(is_keyword(words.first()?.1, Keyword::FOR));
        let [(_, kind), (_, r#as), (_, of), ..] = words.get(opening..)? else { return None };
        if !is_keyword(r#as, Keyword::AS) || !is_keyword(of, Keyword::OF) {
            return None;
        }
        let Token::Word(Word { value, quote_style: None, .. }) = &kind.token else { return None };
        let by_version = match value.to_ascii_lowercase().as_str() {
            "version" | "system_version" => true,
            "timestamp" | "system_time" => false,
            _ => return None,
        };
        Some(Self { by_version, words: opening + 3 })
    }

    /// What follows the words, and how many tokens the clause is in all.
    fn value(&self, words: &[(usize, &TokenWithSpan)]) -> Result<(At, usize)> {
        let word = |at: usize| words.get(at).map(|(_, token)| *token);
        let value = word(self.words);
        let place = value.or(word(0)).map_or(Span::empty(), |t| t.span);
        if self.by_version {
            let number = match value.map(|t| &t.token) {
                Some(Token::Number(digits, _)) => digits.parse().ok(),
                _ => None,
            };
            let message = "a version is a whole number, as in VERSION AS OF 3";
            return Ok((At::Version(number.ok_or_else(|| refused(message.to_owned(), place))?), self.words + 1));
        }
        // `TIMESTAMP '…'` is how SQL writes a time.
        let typed = usize::from(value.is_some_and(|t| is_keyword(t, Keyword::TIMESTAMP)));
        let text = match word(self.words + typed).map(|t| &t.token) {
            Some(Token::SingleQuotedString(text)) => Some(text),
            _ => None,
        };
        let time = text.and_then(|t| time(t.trim()));
        let message = "a time is a text, as in TIMESTAMP AS OF '2026-11-25T10:00:00Z'; without a zone it is UTC";
        Ok((At::Time(time.ok_or_else(|| refused(message.to_owned(), place))?), self.words + typed + 1))
    }
}

/// RFC 3339, or without a zone, or a date alone, which is its midnight; both in UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(time.to_utc());
    }
    // As a page shows it: to the minute.
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let midnight = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN));
    Some(local.or_else(midnight)?.and_utc())
}

/// `PARTITION ("as of")`, which the parser takes behind a name and before an alias.
fn stand_in(span: Span) -> [TokenWithSpan; 4] {
    let word = |value: &str, quote_style: Option<char>| {
        let keyword = if quote_style.is_none() { Keyword::PARTITION } else { Keyword::NoKeyword };
        Token::Word(Word { value: value.to_owned(), quote_style, keyword })
    };
    let tokens = [word("PARTITION", None), Token::LParen, word("as of", Some('"')), Token::RParen];
    tokens.map(|token| TokenWithSpan { token, span })
}

/// The clause behind a table's name, by what stands in for it.
pub(super) fn clause<'a>(partitions: &[Ident], clauses: &'a [Clause]) -> Option<&'a Clause> {
    let [one] = partitions else { return None };
    clauses.iter().find(|c| c.span == one.span)
}

/// The parser's complaint about what stands in for a clause, in words about the clause.
pub(super) fn explained(error: LakeError, clauses: &[Clause]) -> LakeError {
    let LakeError::InvalidSql { line: Some(line), column: Some(column), .. } = error else { return error };
    let here = |c: &&Clause| (c.span.start.line, c.span.start.column) == (line, column);
    clauses.iter().find(here).map_or(error, |c| misplaced(c.span))
}

/// Each dataset that is named with a clause, with the clause.
///
/// # Errors
/// [`LakeError::NotFound`] for a name that cannot be a dataset's.
pub(super) fn datasets(statement: &DfStatement, clauses: &[Clause]) -> Result<Vec<(DatasetName, Clause)>> {
    struct Find<'a>(&'a [Clause], Vec<(DatasetName, Clause)>);
    impl Visitor for Find<'_> {
        type Break = LakeError;

        fn pre_visit_table_factor(&mut self, t: &TableFactor) -> ControlFlow<LakeError> {
            if let TableFactor::Table { name, partitions, .. } = t
                && let Some(clause) = clause(partitions, self.0)
            {
                match dataset(name) {
                    Ok(name) => self.1.push((name, *clause)),
                    Err(e) => return ControlFlow::Break(e),
                }
            }
            ControlFlow::Continue(())
        }
    }
    let DfStatement::Statement(query) = statement else { return Ok(Vec::new()) };
    let mut find = Find(clauses, Vec::new());
    match query.visit(&mut find) {
        ControlFlow::Continue(()) => Ok(find.1),
        ControlFlow::Break(e) => Err(e),
    }
}

/// Gives every table with a clause the name of its version, by the clauses' places. Without an alias it is called as
/// the dataset is, so that `flights.carrier` means what it says.
pub(super) fn name(statement: &mut DfStatement, versions: &BTreeMap<Span, u64>) {
    struct Name<'a>(&'a BTreeMap<Span, u64>);
    impl VisitorMut for Name<'_> {
        type Break = ();

        fn pre_visit_table_factor(&mut self, t: &mut TableFactor) -> ControlFlow<()> {
            let TableFactor::Table { name, partitions, alias, .. } = t else { return ControlFlow::Continue(()) };
            let version = partitions.first().and_then(|p| self.0.get(&p.span));
            if let Some(version) = version
                && let Some(ObjectNamePart::Identifier(last)) = name.0.last_mut()
            {
                let called = last.clone();
                *last = Ident { value: spelled(&called.value, *version), quote_style: Some('"'), span: called.span };
                let plain = || TableAlias { explicit: false, name: called, columns: Vec::new(), at: None };
                alias.get_or_insert_with(plain);
                partitions.clear();
            }
            ControlFlow::Continue(())
        }
    }
    if let DfStatement::Statement(query) = statement {
        let _never_breaks: ControlFlow<()> = query.visit(&mut Name(versions));
    }
}

/// What a version of a dataset is called within one session. No dataset's name has such a letter.
pub(super) fn spelled(name: &str, version: u64) -> String {
    format!("{}@{version}", name.to_ascii_lowercase())
}

fn dataset(name: &ObjectName) -> Result<DatasetName> {
    let reference =
        object_name_to_table_reference(name.clone(), true).map_err(|_| LakeError::no_dataset(name.to_string()))?;
    referred(&reference)
}

/// Only `unit.dataset` in plain letters is a name. What is none can not be looked up, so that no other spelling reaches
/// a dataset past the policy on its name.
///
/// # Errors
/// [`LakeError::NotFound`], as for a dataset that is absent.
pub(super) fn referred(reference: &TableReference) -> Result<DatasetName> {
    let absent = || LakeError::no_dataset(super::statement::written(reference));
    match (reference.catalog(), reference.schema()) {
        (None, Some(unit)) => DatasetName::to_read(unit, reference.table()).map_err(|_| absent()),
        _ => Err(absent()),
    }
}

/// What `datasets` says of a version, with the clause's place in the text.
pub(super) fn placed(error: LakeError, clause: &Clause) -> LakeError {
    match error {
        LakeError::Invalid { message } => refused(message, clause.span),
        e => e,
    }
}

fn misplaced(span: Span) -> LakeError {
    let message = "a version stands right behind a dataset's name and before its alias, as in \
                   ops.flights VERSION AS OF 3 AS f";
    refused(message.to_owned(), span)
}

fn refused(message: String, span: Span) -> LakeError {
    let known = |n: u64| (n > 0).then_some(n);
    let (line, column) = (known(span.start.line), known(span.start.column));
    LakeError::InvalidSql { message, line, column, hint: None }
}

fn is_keyword(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(w) if w.keyword == keyword && w.quote_style.is_none())
}

fn is_word(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Word(_))
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2026-11-25T10:00:00Z", Some("2026-11-25T10:00:00Z")),
            ("2026-11-25 10:00:00+01:00", Some("2026-11-25T09:00:00Z")),
            ("2026-11-25T10:00:00.123Z", Some("2026-11-25T10:00:00.123Z")),
            ("2026-11-25 10:00:00", Some("2026-11-25T10:00:00Z")),
            ("2026-11-25 10:00", Some("2026-11-25T10:00:00Z")),
            ("2026-11-25T10:00Z", Some("2026-11-25T10:00:00Z")),
            ("2026-11-25", Some("2026-11-25T00:00:00Z")),
            ("25.11.2026", None),
            ("yesterday", None),
            ("", None),
        ] {
            let read = time(text).map(|t| t.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
