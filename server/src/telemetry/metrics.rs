//! `/metrics`: counts and durations in the OpenMetrics text form. Labels are bounded and name no people and no data.

use std::{fmt, time::Duration};

use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use lake::Lake;
use model::{CacheOutcome, CacheTier, IngestState, QueryState, QueryStatus};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::{problem::ApiProblem, state::AppState};

/// Upper bounds in seconds, from a cached answer to the longest query.
const BOUNDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    queries: Family<QueryLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    state: String,
    cache: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IngestLabels {
    state: String,
}

impl Metrics {
    /// Counts arrivals where the lake takes them, and all else as it is told.
    #[must_use]
    pub fn new(lake: &Lake) -> Self {
        let mut registry = Registry::with_prefix("penstock");
        let requests = Family::default();
        let durations = Family::<RouteLabels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        let queries = Family::default();
        registry.register("http_requests", "Answers, by route and status", Family::clone(&requests));
        let help = "Time to the head of an answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, durations.clone());
        registry.register("queries", "Queries, by state and where the answer came from", Family::clone(&queries));
        registry.register_collector(Box::new(Arrivals(lake.clone())));
        Self { registry, requests, durations, queries }
    }

    pub fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let standard = matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS");
        let method = if standard { method.as_str() } else { "other" }.to_owned();
        let labels = RequestLabels { method, route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    pub fn query(&self, status: &QueryStatus) {
        let state = match status.state {
            QueryState::Queued => "queued",
            QueryState::Running => "running",
            QueryState::Done => "done",
            QueryState::Failed => "failed",
            QueryState::Cancelled => "cancelled",
        };
        let cache = match status.cache {
            CacheOutcome::Miss => "miss",
            CacheOutcome::Hit(CacheTier::Memory) => "hit_memory",
            CacheOutcome::Hit(CacheTier::Store) => "hit_store",
            CacheOutcome::Shared => "shared",
            CacheOutcome::Bypass => "bypass",
        };
        self.queries.get_or_create(&QueryLabels { state: state.to_owned(), cache: cache.to_owned() }).inc();
    }
}

/// Files that arrived, however they did.
#[derive(Debug)]
struct Arrivals(Lake);

impl Collector for Arrivals {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Files that arrived, by what became of them";
        let mut family = encoder.encode_descriptor("ingests", help, None, MetricType::Counter)?;
        for (state, count) in self.0.arrivals_taken() {
            let state = match state {
                IngestState::Working => "working",
                IngestState::Waiting => "waiting",
                IngestState::Landed => "landed",
                IngestState::Duplicate => "duplicate",
                IngestState::Refused => "refused",
            };
            let labels = IngestLabels { state: state.to_owned() };
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// `GET /metrics`
pub async fn show(State(state): State<AppState>) -> Result<Response, ApiProblem> {
    let mut text = String::new();
    encode(&mut text, &state.metrics.registry).map_err(|e| lake::LakeError::internal(format!("metrics: {e}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
