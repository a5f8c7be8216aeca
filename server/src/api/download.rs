//! In which form a download goes out: by name, else by what the client accepts.

use axum::http::{HeaderMap, header};
use model::ExportFormat;

use crate::problem::ApiProblem;

/// Media types that ask for a format, beside its own.
const ALSO: [(&str, ExportFormat); 7] = [
    ("application/csv", ExportFormat::Csv),
    ("application/parquet", ExportFormat::Parquet),
    ("application/x-parquet", ExportFormat::Parquet),
    ("application/vnd.apache.arrow.file", ExportFormat::Arrow),
    ("application/jsonl", ExportFormat::Ndjson),
    ("application/jsonlines", ExportFormat::Ndjson),
    ("application/x-jsonlines", ExportFormat::Ndjson),
];

/// The format that the client wants; CSV when it does not care.
///
/// # Errors
/// 400 for an unknown name, 406 when nothing that the client accepts is made here.
pub fn wanted(name: Option<&str>, headers: &HeaderMap) -> Result<ExportFormat, ApiProblem> {
    if let Some(name) = name {
        return name.parse().map_err(ApiProblem::invalid);
    }
    let accept: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
    if accept.is_empty() {
        return Ok(ExportFormat::Csv);
    }
    let mut ranges: Vec<(f32, String)> = accept
        .join(",")
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next()?.to_ascii_lowercase();
            let quality = parts.find_map(|p| p.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
            (quality > 0.0).then_some((quality, kind))
        })
        .collect();
    // Stable: of two equal ones the first stands first.
    ranges.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranges.iter().find_map(|(_, kind)| of_kind(kind)).ok_or_else(|| {
        ApiProblem::not_acceptable("results come as CSV, Parquet, Arrow, JSON or NDJSON; name one as format=")
    })
}

fn of_kind(kind: &str) -> Option<ExportFormat> {
    if ["*/*", "text/*", "text/html"].contains(&kind) {
        return Some(ExportFormat::Csv);
    }
    let own = |f: &ExportFormat| f.media_type().split(';').next() == Some(kind);
    ExportFormat::ALL.into_iter().find(own).or_else(|| ALSO.into_iter().find(|(k, _)| *k == kind).map(|(_, f)| f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_gets_what_it_likes_best() {
        let check = |accept: &str, expected: Option<ExportFormat>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            assert_eq!(wanted(None, &headers).ok(), expected, "{accept}");
        };
        check("text/csv", Some(ExportFormat::Csv));
        check("*/*", Some(ExportFormat::Csv));
        check("application/json", Some(ExportFormat::Json));
        check("application/x-ndjson", Some(ExportFormat::Ndjson));
        check("application/vnd.apache.parquet", Some(ExportFormat::Parquet));
        check("application/vnd.apache.arrow.stream", Some(ExportFormat::Arrow));
        check("text/csv;q=0.5, application/json", Some(ExportFormat::Json));
        check("image/png, text/csv;q=0.1", Some(ExportFormat::Csv));
        check("image/png", None);
        check("text/csv;q=0", None);
        assert_eq!(wanted(None, &HeaderMap::new()).ok(), Some(ExportFormat::Csv));
        assert_eq!(wanted(Some("parquet"), &HeaderMap::new()).ok(), Some(ExportFormat::Parquet));
        assert!(wanted(Some("xml"), &HeaderMap::new()).is_err());
    }
}
