//! What the process counts, in Prometheus' text format. Labels come from fixed lists only: never a
//! tenant, an address or anything that a caller writes.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::AppState;
use super::problem::Problem;

/// Upper bounds in seconds: the goal of 50 ms lies between two of them.
const LATENCY_BOUNDS: [f64; 11] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    queue: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PeriodLabels {
    period: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

/// The counters of the API and the registry they are in.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    intake: Family<OutcomeLabels, Counter>,
    backlog: Gauge,
    jobs: Family<JobLabels, Gauge>,
    outbox: Family<StateLabels, Gauge>,
    tickets: Family<StateLabels, Gauge>,
    model_cost: Family<PeriodLabels, Gauge<f64, AtomicU64>>,
    ignored_changes: Gauge,
}

impl Metrics {
    /// Adds the API's metrics to a registry that others may have filled.
    pub(super) fn new(mut registry: Registry) -> Self {
        let requests = Family::default();
        let latency: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(LATENCY_BOUNDS));
        let intake = Family::default();
        let (jobs, outbox, tickets) = (Family::default(), Family::default(), Family::default());
        let backlog = Gauge::default();
        registry.register(
            "atende_http_requests",
            "HTTP requests by method, route and class of status",
            requests.clone(),
        );
        registry.register(
            "atende_http_request_seconds",
            "Time to answer an HTTP request",
            latency.clone(),
        );
        registry.register(
            "atende_messages_received",
            "Messages handed in, by what became of them",
            intake.clone(),
        );
        registry.register("atende_inbox_backlog", "Messages waiting to be filed", backlog.clone());
        registry.register(
            "atende_jobs",
            "Jobs by queue and state, dead letters included",
            jobs.clone(),
        );
        registry.register("atende_outbox", "Replies that are not over, by state", outbox.clone());
        registry.register("atende_tickets", "Tickets that are not over, by stage", tickets.clone());
        let model_cost = Family::default();
        registry.register(
            "atende_model_cost_usd",
            "What language models cost this day and this month (UTC), in US dollars by the configured prices",
            model_cost.clone(),
        );
        let ignored_changes = Gauge::default();
        registry.register(
            "atende_changes_ignored",
            "Edits and deletions of messages that concerned no message here, since the store was made",
            ignored_changes.clone(),
        );
        Self {
            registry,
            requests,
            latency,
            intake,
            backlog,
            jobs,
            outbox,
            tickets,
            model_cost,
            ignored_changes,
        }
    }

    pub(super) fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let class = match status {
            ..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        let route = route.to_owned();
        let labels = RequestLabels { method, route: route.clone(), status: class };
        self.requests.get_or_create(&labels).inc();
        self.latency.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Counts a message that was handed in: accepted, duplicate or refused.
    pub(super) fn message(&self, outcome: &'static str) {
        self.intake.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    async fn refresh(&self, state: &AppState) -> Result<(), Problem> {
        let store = state.store();
        let jobs = store.job_counts().await?;
        let [outbox, tickets] = store.living_counts().await?;
        let spent = store.whole_model_spending(state.clock().now().date_naive()).await?;
        for (period, micros) in [("day", spent.day), ("month", spent.month)] {
            self.model_cost.get_or_create(&PeriodLabels { period }).set(dollars(micros));
        }
        self.backlog.set(state.inbox().backlog());
        self.ignored_changes.set(store.ignored_changes().await?);
        self.jobs.clear();
        for (queue, state, count) in jobs {
            self.jobs.get_or_create(&JobLabels { queue, state }).set(count);
        }
        for (family, counts) in [(&self.outbox, outbox), (&self.tickets, tickets)] {
            family.clear();
            for (state, count) in counts {
                family.get_or_create(&StateLabels { state }).set(count);
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, far below 2^52")]
fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Returns the metrics.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", security(()),
    responses((status = 200, description = "Counters and gauges in Prometheus' text format; no personal data", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let metrics = state.metrics();
    metrics.refresh(&state).await?;
    let mut text = String::with_capacity(4096);
    if encode(&mut text, &metrics.registry).is_err() {
        // Writing into a string fails only if a metric encodes itself wrongly; the scrape says so.
        text.clear();
        text.push_str("# the metrics could not be encoded\n# EOF\n");
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}
