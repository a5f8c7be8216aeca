//! `/api/v1/events/storage`: a store's notifications of new objects. They hint where to look, and are believed in nothing
//! else.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problems;
use crate::{auth::SignedIn, problem::ApiProblem, state::AppState};

/// Keys that one notification may name; the watcher's listing finds the rest.
const MAX_KEYS: usize = 1000;

/// What became of a notification.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Noted {
    /// Keys that are places of landing files. Whether files are there is not told.
    pub noted: usize,
}

/// The shapes that stores and their messengers send; what is not needed is not read.
#[derive(Debug, Default, Deserialize)]
struct Event {
    /// S3 itself, and MinIO's webhooks.
    #[serde(default, rename = "Records")]
    records: Vec<Record>,
    /// EventBridge: one object, its key as it is.
    #[serde(default)]
    detail: Option<Entity>,
    /// SNS: the event as text.
    #[serde(default, rename = "Message")]
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Debug, Deserialize)]
struct Entity {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
}

/// Announce new objects below `landing/`: the body is an S3 event notification, as S3, MinIO, EventBridge or SNS send it.
/// Needs a token that allows `notify`. The named places are looked at at once instead of at the next look.
#[utoipa::path(post, path = "/api/v1/events/storage", tag = "ingests", operation_id = "notify",
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 202, body = Noted, description = "Noted; the arrivals show what comes of it"),
        (status = 413, body = model::Problem, content_type = "application/problem+json", description = "Too large"),
        Problems))]
pub async fn storage(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    body: Bytes,
) -> Result<(StatusCode, Json<Noted>), ApiProblem> {
    let who = caller.require("notify")?;
    let keys = keys(&body)?;
    let noted = state.lake.hint(who, &keys);
    Ok((StatusCode::ACCEPTED, Json(Noted { noted })))
}

/// The object keys that an event names, decoded.
fn keys(body: &[u8]) -> Result<Vec<String>, ApiProblem> {
    let wrong = |e: serde_json::Error| ApiProblem::invalid(format!("the body is no event of a store: {e}"));
    let mut event: Event = serde_json::from_slice(body).map_err(wrong)?;
    if let Some(message) = event.message.take() {
        // SNS also sends words for people, which name nothing.
        event = serde_json::from_str(&message).unwrap_or_default();
    }
    if event.records.len() > MAX_KEYS {
        return Err(ApiProblem::invalid(format!("one notification names at most {MAX_KEYS} objects")));
    }
    let decoded = event.records.into_iter().map(|r| decode(&r.s3.object.key));
    Ok(decoded.chain(event.detail.map(|d| d.object.key)).collect())
}

/// Keys in S3's own events are written as in a form: `+` for a space, `%2B` for a plus.
fn decode(key: &str) -> String {
    let pair = format!("k={}", key.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, key)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_every_sender_name_their_keys() {
        // As the four send them, shortened where it does not matter.
        let s3 = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1",
            "eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","bucket":{"name":"data"},
            "object":{"key":"landing/ops/flights/M%C3%A4rz+2026%2Ba.csv","size":1024,"eTag":"d41d","sequencer":"0A"}}}]}"#;
        let minio = r#"{"EventName":"s3:ObjectCreated:Put","Key":"data/landing/ops/flights/a.csv","Records":[
            {"eventVersion":"2.0","eventSource":"minio:s3","s3":{"bucket":{"name":"data"},
            "object":{"key":"landing%2Fops%2Fflights%2Fa.csv","size":3,"contentType":"text/csv"}}}]}"#;
        let bridge = r#"{"version":"0","detail-type":"Object Created","source":"aws.s3","resources":["arn:aws:s3:::data"],
            "detail":{"version":"0","bucket":{"name":"data"},"object":{"key":"landing/ops/flights/a b+c.csv","size":5}}}"#;
        let sns = serde_json::json!({"Type": "Notification", "MessageId": "1", "Message": s3}).to_string();
        let first = "landing/ops/flights/März 2026+a.csv";
        for (body, expected) in [
            (s3, first),
            (minio, "landing/ops/flights/a.csv"),
            (bridge, "landing/ops/flights/a b+c.csv"),
            (&sns, first),
        ] {
            assert_eq!(keys(body.as_bytes()).unwrap(), [expected], "{body}");
        }
    }

    #[test]
    fn other_bodies_name_nothing_or_are_refused() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"data"}"#;
        let words = r#"{"Type":"SubscriptionConfirmation","Message":"You have chosen to subscribe."}"#;
        for body in [test, words, "{}"] {
            assert!(keys(body.as_bytes()).unwrap().is_empty(), "{body}");
        }
        let many = serde_json::json!({"Records": vec![serde_json::json!({"s3": {"object": {"key": "k"}}}); 1001]});
        for body in ["", "[]x", r#"{"Records":[{"s3":{}}]}"#, &many.to_string()] {
            assert!(keys(body.as_bytes()).is_err(), "{body}");
        }
    }
}
