//! Changes of a policy's text that leave its comments, its order and everything else as it stands.
//!
//! What was changed is read again and compared with what was meant, so that no way of writing TOML can turn a change
//! into another one.

use std::ops::Range;

use chrono::{NaiveDate, SecondsFormat, Utc};
use model::{Action, Grant};
use toml_edit::{Document, Item, Table};

use super::document;
use crate::{LakeError, Result};

/// A grant as a form has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantText {
    /// `group:NAME`, `user:NAME`, `claim:NAME=VALUE`, `*`.
    pub to: Vec<String>,
    /// Names and patterns of datasets.
    pub on: Vec<String>,
    /// A condition in SQL; empty for all rows.
    pub rows: String,
    /// Empty for all.
    pub columns: Vec<String>,
    pub except: Vec<String>,
    /// Columns with their masks.
    pub mask: Vec<(String, String)>,
    /// A date, `2027-01-01`; empty for no end.
    pub until: String,
    pub note: String,
}

/// The grants of a text in its order, each with the line on which it begins.
///
/// # Errors
/// [`LakeError::Invalid`] with the first thing that is wrong.
pub fn written(text: &str) -> Result<Vec<(u64, Grant)>> {
    let document = document::parse(text)
        .map_err(|found| LakeError::invalid(found.first().map(ToString::to_string).unwrap_or_default()))?;
    Ok(document.grants.into_iter().map(|written| (written.line, written.grant)).collect())
}

/// The text with one grant more, behind the last one. With the line on which it begins.
///
/// # Errors
/// [`LakeError::Invalid`] when the text cannot be read, and when the grant would make it so.
pub fn add_grant(text: &str, grant: &GrantText) -> Result<(String, u64)> {
    let before = written(text)?;
    let at = match table_of(&parsed(text)?, before.len().checked_sub(1)) {
        Some(last) => after_line(text, end_of(last)),
        None => text.len(),
    };
    let (head, tail) = text.split_at(at);
    let gap = match head {
        "" => "",
        head if head.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let changed = format!("{head}{gap}{}{tail}", grant.lines());
    let after = written(&changed)?;
    let (line, _) = after.last().filter(|(_, last)| *last == grant.meant(last)).ok_or_else(unforeseen)?;
    if after.len() != before.len() + 1 || after.iter().zip(&before).any(|(a, b)| a != b) {
        return Err(unforeseen());
    }
    Ok((changed, *line))
}

/// The text in which the grant that begins on `line` ends: at midnight in UTC of a date, or now when `until` is empty.
///
/// # Errors
/// [`LakeError::Invalid`] when there is no such grant, or it would never have held.
pub fn end_grant(text: &str, line: u64, until: &str) -> Result<String> {
    let before = written(text)?;
    let number = before.iter().position(|(l, _)| *l == line);
    let number = number.ok_or_else(|| LakeError::invalid(format!("no grant begins on line {line}")))?;
    let until = match until.trim() {
        "" => Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        day => date(day)?,
    };
    let document = parsed(text)?;
    let table = table_of(&document, Some(number)).ok_or_else(unforeseen)?;
    let changed = match table.get("until").and_then(Item::span) {
        Some(Range { start, end }) => format!("{}{until}{}", &text[..start], &text[end..]),
        None => {
            let own = table.iter().filter(|(_, item)| item.is_value()).filter_map(|(_, item)| item.span());
            let at = after_line(text, own.map(|span| span.end).max().ok_or_else(unforeseen)?);
            let gap = if text[..at].ends_with('\n') { "" } else { "\n" };
            format!("{}{gap}until = {until}\n{}", &text[..at], &text[at..])
        }
    };
    let after = written(&changed)?;
    let mut meant: Vec<Grant> = before.into_iter().map(|(_, grant)| grant).collect();
    let ended = after.get(number).and_then(|(_, grant)| grant.until).ok_or_else(unforeseen)?;
    meant[number].until = Some(ended);
    if !after.iter().map(|(_, grant)| grant).eq(&meant) {
        return Err(unforeseen());
    }
    Ok(changed)
}

impl GrantText {
    fn lines(&self) -> String {
        let list = |names: &[String]| format!("[{}]", names.iter().map(quoted).collect::<Vec<_>>().join(", "));
        let mut lines = format!("[[grant]]\nto = {}\non = {}\n", list(&self.to), list(&self.on));
        let mut add = |key: &str, value: String| lines.push_str(&format!("{key} = {value}\n"));
        if !self.rows.is_empty() {
            add("rows", quoted(&self.rows));
        }
        if !self.columns.is_empty() {
            add("columns", list(&self.columns));
        }
        if !self.except.is_empty() {
            add("except", list(&self.except));
        }
        if !self.mask.is_empty() {
            let masks = self.mask.iter().map(|(column, mask)| format!("{} = {}", quoted(column), quoted(mask)));
            add("mask", format!("{{ {} }}", masks.collect::<Vec<_>>().join(", ")));
        }
        if !self.until.is_empty() {
            add("until", self.until.clone());
        }
        if !self.note.is_empty() {
            add("note", quoted(&self.note));
        }
        lines
    }

    /// What must be read back; the instant of `until` is as it was read.
    fn meant(&self, read: &Grant) -> Grant {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Grant {
            to: self.to.clone(),
            on: self.on.clone(),
            may: vec![Action::Read],
            rows: some(&self.rows),
            columns: (!self.columns.is_empty()).then(|| self.columns.clone()),
            except: self.except.clone(),
            mask: self.mask.iter().cloned().collect(),
            from: None,
            until: read.until.filter(|_| date(&self.until).is_ok()),
            note: self.note.clone(),
        }
    }
}

fn parsed(text: &str) -> Result<Document<&str>> {
    Document::parse(text).map_err(|e| LakeError::invalid(format!("policy.toml: {}", e.message())))
}

/// The `[[grant]]` of this number; `None` where grants are written otherwise, or there is none.
fn table_of<'a>(document: &'a Document<&str>, number: Option<usize>) -> Option<&'a Table> {
    document.as_table().get("grant")?.as_array_of_tables()?.get(number?)
}

/// Where the last value of a table ends, in tables below it too.
fn end_of(table: &Table) -> usize {
    let item = |item: &Item| match item {
        Item::Table(table) => end_of(table),
        item => item.span().map_or(0, |span| span.end),
    };
    let own = table.span().map_or(0, |span| span.end);
    table.iter().map(|(_, i)| item(i)).fold(own, usize::max)
}

/// Behind the line in which `at` stands.
fn after_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |rest| at + rest + 1)
}

fn quoted(text: impl AsRef<str>) -> String {
    toml::Value::String(text.as_ref().to_owned()).to_string()
}

fn date(text: &str) -> Result<String> {
    let read = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let wrong = |_| LakeError::invalid(format!("`{text}` is no date: write it as 2027-01-01"));
    Ok(read.map_err(wrong)?.format("%Y-%m-%d").to_string())
}

fn unforeseen() -> LakeError {
    LakeError::invalid("the policy is written in a way that this change does not fit: make it in the text")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\nstewards = [\"group:s\"] # who\n\n[[grant]]\nto = [\"*\"] # all\non = [\"ops.a\"]\n\
                        until = 2027-01-01 # soon\n\n# b\n[[grant]]\nto = [\n  \"group:b\", # one\n]\non = [\"ops.b\"]\n\
                        [grant.mask]\nx = \"hash\" # why\n\n# tests\n[[test]]\nas = { user = \"a\" }\n\
                        sql = \"select 1\"\nrows = 1\n";

    fn grant() -> GrantText {
        GrantText { to: vec!["group:c".into()], on: vec!["ops.c".into()], ..GrantText::default() }
    }

    #[test]
    fn a_grant_is_added_behind_the_last_one_and_nothing_else_changes() {
        let (changed, line) = add_grant(TEXT, &grant()).expect("adds");
        let new = "\n[[grant]]\nto = [\"group:c\"]\non = [\"ops.c\"]\n";
        assert_eq!(changed, TEXT.replace("# why\n", &format!("# why\n{new}")));
        assert_eq!(line, 18);
        assert_eq!(add_grant("", &grant()).expect("adds"), (new.trim_start().to_owned(), 1));
        let open = "stewards = []";
        assert_eq!(add_grant(open, &grant()).expect("adds").0, format!("{open}\n{new}"));
    }

    #[test]
    fn every_field_comes_back_as_it_was_meant() {
        let full = GrantText {
            rows: "name = 'o\"\\ é' and\nx > 1".into(),
            columns: vec!["a b".into(), "x".into()],
            except: vec!["\"".into()],
            mask: vec![("a b".into(), "constant('n/a')".into())],
            until: "2031-02-03".into(),
            note: "# no comment".into(),
            ..grant()
        };
        let (changed, _) = add_grant(TEXT, &full).expect("adds");
        let (_, read) = written(&changed).expect("reads").pop().expect("is there");
        assert_eq!((read.rows, read.note), (Some(full.rows.clone()), full.note.clone()));
        assert_eq!(read.mask.get("a b").map(String::as_str), Some("constant('n/a')"));
        assert_eq!(read.until.map(|d| d.to_rfc3339()).as_deref(), Some("2031-02-03T00:00:00+00:00"));
        for (wrong, says) in [
            (GrantText { to: vec!["partners".into()], ..grant() }, "group:partners"),
            (GrantText { on: Vec::new(), ..grant() }, "`on` is empty"),
            (GrantText { until: "soon".into(), ..grant() }, "policy.toml"),
            (GrantText { until: "2030-01-01\nmay = [\"own\"]".into(), ..grant() }, "does not fit"),
            (GrantText { mask: vec![("x".into(), "hide".into())], ..grant() }, "redact"),
        ] {
            let said = add_grant(TEXT, &wrong).expect_err("is wrong").to_string();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn a_grant_ends_where_it_stands() {
        assert_eq!(end_grant(TEXT, 4, "2026-05-01").expect("ends"), TEXT.replace("2027-01-01", "2026-05-01"));
        let changed = end_grant(TEXT, 10, "2026-05-01").expect("ends");
        assert_eq!(changed, TEXT.replace("[\"ops.b\"]\n", "[\"ops.b\"]\nuntil = 2026-05-01\n"));
        let now = end_grant(TEXT, 10, "").expect("ends");
        let ended = written(&now).expect("reads")[1].1.until.expect("has an end");
        assert!(ended <= Utc::now(), "{ended}");
        for (line, until) in [(5, "2026-05-01"), (4, "May"), (0, "")] {
            end_grant(TEXT, line, until).expect_err("cannot be");
        }
        let listed = "grant = [{ to = [\"*\"], on = [\"*\"] }]";
        assert!(end_grant(listed, 1, "").expect_err("is written otherwise").to_string().contains("in the text"));
        let never = "[[grant]]\nto = [\"*\"]\non = [\"*\"]\nfrom = 2030-01-01";
        assert!(end_grant(never, 1, "2029-01-01").expect_err("never holds").to_string().contains("never holds"));
    }
}
