//! What happens, as it happens: the trail as server-sent events, for the desk and for anybody who listens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use tokio::sync::OwnedSemaphorePermit;

use super::AppState;
use super::auth::Caller;
use super::params::Params;
use super::problem::{Kind, Problem, say};
use crate::adapters::store::EventRow;
use crate::domain::ids::TenantId;

/// Streams that are open at the same time.
pub(super) const STREAMS_MAX: usize = 256;
/// How often the trail is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a silent stream says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How many events are read at once.
const BATCH: u32 = 200;
/// What a listener is told to wait before it connects again.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

/// Streams what happens: tickets, decisions, deadlines, incidents.
///
/// Each event carries its place in the stream as `id`; whoever connects again with `Last-Event-ID`, or `after`, misses
/// none. Without either, the stream begins now. Events hold ids, labels and rules, never a customer's words.
#[utoipa::path(
    get, path = "/v1/events", tag = "tickets",
    params(
        ("after" = Option<i64>, Query, description = "Begin after this event; 0 begins with the first"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as browsers send it")
    ),
    responses((status = 200, description = "A stream of events", body = EventRow, content_type = "text/event-stream"))
)]
pub(super) async fn stream(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    mut params: Params,
) -> Result<impl IntoResponse, Problem> {
    let asked = params.number("after", 0, i64::MAX);
    params.finish()?;
    let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let Ok(permit) = state.streams().clone().try_acquire_owned() else {
        return Err(Problem::new(
            Kind::Unavailable,
            say(
                "Há conexões de eventos demais abertas. Feche alguma ou tente de novo em alguns segundos.",
                "Too many streams of events are open. Close one, or try again in a few seconds.",
            ),
        )
        .retry_after(10));
    };
    let after = match resumed.or(asked) {
        Some(after) => after,
        None => state.store().latest_event(&caller.tenant).await?,
    };
    let listener = Listener {
        state,
        tenant: caller.tenant.clone(),
        after,
        read: VecDeque::new(),
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(ALIVE_EVERY).text("alive");
    Ok(Sse::new(listener.stream()).keep_alive(keep_alive))
}

/// Somebody who listens.
struct Listener {
    state: AppState,
    tenant: TenantId,
    after: i64,
    read: VecDeque<EventRow>,
    _permit: OwnedSemaphorePermit,
}

impl Listener {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut listener| async move {
            let event = listener.next().await?;
            listener.after = event.seq;
            Some((Ok(sent(&event)), listener))
        })
    }

    /// Waits for the next event; `None` when the server stops.
    async fn next(&mut self) -> Option<EventRow> {
        loop {
            if self.state.closing().is_cancelled() {
                return None;
            }
            if let Some(event) = self.read.pop_front() {
                return Some(event);
            }
            let now = self.state.clock().now();
            match self.state.store().events(&self.tenant, now, self.after, BATCH).await {
                Ok(read) => self.read = read.into(),
                Err(error) => {
                    tracing::warn!(error = %error, "Cannot read events now, will try again");
                }
            }
            if self.read.is_empty() {
                tokio::select! {
                    () = self.state.closing().cancelled() => return None,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        }
    }
}

fn sent(event: &EventRow) -> Event {
    let data = serde_json::to_string(event).unwrap_or_else(|_| "{}".to_owned());
    Event::default()
        .id(event.seq.to_string())
        .event(&event.action)
        .retry(RECONNECT_AFTER)
        .data(data)
}
