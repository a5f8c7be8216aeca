//! DataFusion's errors in words for the person who asked, with the place in the text and a hint.
//!
//! A hint only ever names what the session holds, which is what the person may see. Internals go to the log.

use arrow::error::ArrowError;
use datafusion::{
    common::{Column, SchemaError},
    error::DataFusionError,
    sql::sqlparser::parser::ParserError,
};

use super::scan::ScanFault;
use crate::{LakeError, nearest::closest};

/// An error of parsing or planning.
pub(crate) fn planning(error: DataFusionError, sql: &str) -> LakeError {
    let span = error.diagnostic().and_then(|d| d.span).map(|s| s.start);
    let (mut line, mut column) = (span.map(|s| s.line), span.map(|s| s.column));
    let mut hint = None;
    let message = match root(&error) {
        DataFusionError::SQL(e, _) => {
            let (message, place) = syntax(e);
            if let Some((l, c)) = place {
                (line, column) = (Some(l), Some(c));
            }
            message
        }
        DataFusionError::SchemaError(e, _) => match e.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                hint = closest(&field.name, valid_fields.iter().map(|c| c.name.as_str()));
                format!("there is no column `{}`", name(field))
            }
            SchemaError::AmbiguousReference { field } => {
                format!("`{}` could be a column of several tables: write the table before it", name(field))
            }
            SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
                format!("two columns would be called `{name}`: give one another name with AS")
            }
        },
        DataFusionError::Plan(m) => {
            let m = first_line(m);
            if let Some(table) = m.strip_prefix("table '").and_then(|t| t.strip_suffix("' not found")) {
                return LakeError::no_dataset(table.trim_start_matches("lake.").trim_start_matches('.'));
            }
            match m.strip_prefix("Invalid function '").and_then(|r| r.split_once('\'')) {
                Some((function, _)) => {
                    hint = closest(function, super::functions::ALLOWED.iter().copied());
                    format!("there is no function `{function}`")
                }
                None => unfitting(m).unwrap_or_else(|| lower_first(m)),
            }
        }
        DataFusionError::NotImplemented(m) => format!("not supported: {}", lower_first(first_line(m))),
        DataFusionError::Configuration(_) | DataFusionError::Internal(_) => {
            tracing::warn!(%error, sql, "a query cannot be planned");
            "this query cannot be planned; writing it another way may help".to_owned()
        }
        _ => return execution(error),
    };
    if column.is_none_or(|c| c == 0) {
        (line, column) = (None, None);
    }
    LakeError::InvalidSql { message, line, column, hint }
}

/// An error while a governed plan runs.
pub(crate) fn execution(error: DataFusionError) -> LakeError {
    if let Some(fault) = ScanFault::within(&error) {
        return fault.outside();
    }
    let message = match root(&error) {
        DataFusionError::ArrowError(e, _) => lower_first(first_line(&e.to_string())),
        DataFusionError::Execution(m) | DataFusionError::Plan(m) => lower_first(first_line(m)),
        DataFusionError::NotImplemented(m) => format!("not supported: {}", lower_first(first_line(m))),
        DataFusionError::ResourcesExhausted(_) => {
            tracing::info!(%error, "a query met its memory limit");
            return LakeError::Limit {
                message: "the query needs more memory than it may use; narrow it with WHERE or group less finely"
                    .into(),
            };
        }
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_) => {
            tracing::error!(%error, "the store failed under a query");
            return LakeError::Store { source: Box::new(error) };
        }
        _ => return LakeError::Internal { detail: error.strip_backtrace(), source: Some(Box::new(error)) },
    };
    let message = message
        .trim_start_matches("cast error: ")
        .trim_start_matches("compute error: ")
        .trim_start_matches("parser error: ")
        .trim_start_matches("invalid argument error: ");
    LakeError::sql(format!("the query failed on its data: {}", lower_first(message)))
}

/// The error at the bottom of contexts, shares and collections.
pub(super) fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::ArrowError(e, _) => match e.as_ref() {
            ArrowError::ExternalError(e) => e.downcast_ref::<DataFusionError>().map_or(error, root),
            _ => error,
        },
        DataFusionError::External(e) => e.downcast_ref::<DataFusionError>().map_or(error, root),
        DataFusionError::Context(_, e) | DataFusionError::Diagnostic(_, e) => root(e),
        DataFusionError::Shared(e) => root(e),
        DataFusionError::Collection(all) => all.first().map_or(error, root),
        e => e,
    }
}

/// A function that does not take what it is given; the engine lists all its signatures.
fn unfitting(message: &str) -> Option<String> {
    const OF_NUMBERS: [&str; 14] = [
        "sum",
        "avg",
        "mean",
        "median",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "var",
        "var_pop",
        "var_samp",
        "corr",
        "covar_samp",
        "covar_pop",
        "approx_percentile_cont",
    ];
    let function = message.split_once("Function '")?.1.split_once("' failed to match any signature")?.0;
    Some(match OF_NUMBERS.contains(&function) {
        true => format!(
            "`{function}` takes numbers, and what it is given here is none: `cast(… as double)` makes one of a text"
        ),
        false => format!(
            "`{function}` does not take what it is given here: look at how many values it has and at their types"
        ),
    })
}

fn syntax(e: &ParserError) -> (String, Option<(u64, u64)>) {
    let text = match e {
        ParserError::TokenizerError(m) | ParserError::ParserError(m) => m.as_str(),
        ParserError::RecursionLimitExceeded => return ("the query is nested too deeply".to_owned(), None),
    };
    let (words, place) = match text.rsplit_once(" at Line: ") {
        Some((words, place)) => (words, place.split_once(", Column: ")),
        None => (text, None),
    };
    let place = place.and_then(|(l, c)| Some((l.trim().parse().ok()?, c.trim().parse().ok()?)));
    let words = first_line(words).replace("Expected: ", "expected ");
    (lower_first(&words.replace(", found: EOF", ", and the text ends there").replace(", found: ", ", found ")), place)
}

fn name(c: &Column) -> String {
    c.relation.as_ref().map_or_else(|| c.name.clone(), |r| format!("{r}.{}", c.name))
}

fn first_line(s: &str) -> &str {
    s.split(DataFusionError::BACK_TRACE_SEP).next().and_then(|s| s.lines().next()).unwrap_or_default().trim()
}

/// Begins with a small letter unless the word is an abbreviation.
fn lower_first(s: &str) -> String {
    let mut letters = s.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => s.to_owned(),
    }
}
