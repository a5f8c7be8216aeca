//! `/api/docs`: the document as one page for people. Rendered here once; loads nothing from elsewhere, runs no script.

use std::fmt::Write as _;

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::{middleware::headers, problem::escape};

const STYLE: &str = include_str!("docs.css");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page, without its nonce.
#[must_use]
pub fn page(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut out = String::new();
    let _ = render(&mut out, &document);
    out
}

/// `GET /api/docs`
pub async fn show(page: String) -> Response {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let head = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>API · Penstock</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <style nonce=\"{nonce}\">{STYLE}</style></head><body>"
    );
    let body = format!("{head}{page}</body></html>");
    ([(header::CONTENT_SECURITY_POLICY, headers::policy(&nonce))], Html(body)).into_response()
}

fn render(out: &mut String, document: &Value) -> std::fmt::Result {
    let text = |value: &Value, key: &str| escape(value[key].as_str().unwrap_or_default());
    let operations = operations(document);
    writeln!(
        out,
        "<header><p><a href=\"/\">Penstock</a></p><h1>API</h1><p>{}</p>",
        text(&document["info"], "description")
    )?;
    writeln!(
        out,
        "<p>Send a personal token with each request; make one on your <a href=\"/account\">account page</a>.</p>\
         <pre>curl -H \"Authorization: Bearer $TOKEN\" …/api/v1/datasets</pre>\
         <p>For tools: <a href=\"/api/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p></header><nav><ul>"
    )?;
    let tags: Vec<&Value> = document["tags"].as_array().map(|t| t.iter().collect()).unwrap_or_default();
    for tag in &tags {
        writeln!(out, "<li><a href=\"#{0}\">{0}</a> {1}</li>", text(tag, "name"), text(tag, "description"))?;
    }
    writeln!(out, "<li><a href=\"#schemas\">schemas</a> What goes in and out</li></ul></nav><main>")?;
    for tag in &tags {
        let name = tag["name"].as_str().unwrap_or_default();
        writeln!(out, "<section id=\"{0}\"><h2>{0}</h2>", escape(name))?;
        for (path, method, operation) in &operations {
            if operation["tags"][0].as_str() == Some(name) {
                render_operation(out, path, method, operation)?;
            }
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "<section id=\"schemas\"><h2>schemas</h2>")?;
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        writeln!(out, "<article id=\"{0}\"><h3>{0}</h3><p>{1}</p>", schema_id(name), text(schema, "description"))?;
        render_fields(out, schema)?;
        writeln!(out, "</article>")?;
    }
    writeln!(out, "</section></main>")
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                all.push((path.as_str(), method, operation));
            }
        }
    }
    all
}

fn render_operation(out: &mut String, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
    let text = |value: &Value, key: &str| escape(value[key].as_str().unwrap_or_default());
    let id = text(operation, "operationId");
    writeln!(out, "<article id=\"{id}\"><h3><b>{}</b> <code>{}</code></h3>", method.to_uppercase(), escape(path))?;
    writeln!(out, "<p>{}</p>", text(operation, "summary"))?;
    let more = text(operation, "description");
    if !more.is_empty() {
        writeln!(out, "<p>{more}</p>")?;
    }
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        writeln!(out, "<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>")?;
        for parameter in parameters {
            writeln!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                text(parameter, "name"),
                text(parameter, "in"),
                type_of(&parameter["schema"]),
                text(parameter, "description")
            )?;
        }
        writeln!(out, "</table>")?;
    }
    for (kind, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        writeln!(out, "<p>Body: <code>{}</code> {}</p>", escape(kind), type_of(&media["schema"]))?;
    }
    writeln!(out, "<table><tr><th>answer</th><th></th><th></th></tr>")?;
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let content = answer["content"].as_object();
        let types: Vec<String> = content.into_iter().flatten().map(|(_, media)| type_of(&media["schema"])).collect();
        let kind = types.first().map(String::as_str).unwrap_or_default();
        writeln!(out, "<tr><td>{}</td><td>{kind}</td><td>{}</td></tr>", escape(status), text(answer, "description"))?;
    }
    writeln!(out, "</table></article>")
}

fn render_fields(out: &mut String, schema: &Value) -> std::fmt::Result {
    let text = |value: &Value, key: &str| escape(value[key].as_str().unwrap_or_default());
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().filter_map(Value::as_str).map(|v| format!("<code>{}</code>", escape(v))).collect();
        return writeln!(out, "<p>One of {}</p>", values.join(", "));
    }
    let parts = schema["allOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    for part in parts.iter().filter(|p| p.get("$ref").is_some()) {
        writeln!(out, "<p>All of {}, and:</p>", type_of(part))?;
    }
    let own = std::iter::once(schema).chain(parts);
    let fields: Vec<(&String, &Value)> = own.filter_map(|s| s["properties"].as_object()).flatten().collect();
    if fields.is_empty() {
        return Ok(());
    }
    writeln!(out, "<table><tr><th>field</th><th>type</th><th></th></tr>")?;
    for (name, field) in fields {
        writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escape(name),
            type_of(field),
            text(field, "description")
        )?;
    }
    writeln!(out, "</table>")
}

/// A type in a few words, with a link where it has a name.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return format!("<a href=\"#{}\">{}</a>", schema_id(name), escape(name));
    }
    if let Some(any) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        return any.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    let one = |kind: &str| match kind {
        "array" => format!("list of {}", type_of(&schema["items"])),
        kind => escape(kind),
    };
    match &schema["type"] {
        Value::String(kind) => one(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

fn schema_id(name: &str) -> String {
    format!("schema-{}", escape(name))
}
