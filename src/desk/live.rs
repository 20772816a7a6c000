//! What changes while somebody looks, as server-sent events: counts, tickets, who else is there.
//!
//! An event says that something is new, never what: the page asks for it like any other page, with the same rights.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::posted::Posted;
use super::session::{Visit, person_of};
use super::{Desk, Person, head};
use crate::adapters::store::StoreError;
use crate::domain::ids::TicketId;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks between two counts: they stand for a second anyway.
const COUNT_EVERY: u32 = 4;
/// Looks between two checks that the session still holds.
const SESSION_EVERY: u32 = 60;
/// How often a silent stream says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How many lines are read at once.
const BATCH: u32 = 200;

/// Somebody who looks.
struct Looker {
    desk: Desk,
    person: Person,
    visit: Visit,
    after: i64,
    heard: i64,
    looks: u32,
    counts: Value,
    /// Whether the assistant was stopped when it was looked at last.
    stopped: bool,
    ready: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

/// `GET /desk/events`.
pub(super) async fn stream(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(visit): Extension<Visit>,
) -> Response {
    let Ok(permit) = desk.web().streams().clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "10")], "").into_response();
    };
    let store = desk.web().store();
    let begun = async {
        Ok::<_, StoreError>((
            store.latest_event(&person.tenant).await?,
            store.latest_message().await?,
        ))
    };
    let (after, heard) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, "The desk's events cannot be read now");
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "5")], "").into_response();
        }
    };
    let looker = Looker {
        stopped: person.standing.stopped.is_some(),
        desk,
        person,
        visit,
        after,
        heard,
        looks: 0,
        counts: Value::Null,
        ready: VecDeque::new(),
        _permit: permit,
    };
    let keep_alive = KeepAlive::new().interval(ALIVE_EVERY).text("alive");
    Sse::new(looker.stream()).keep_alive(keep_alive).into_response()
}

impl Looker {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, |mut looker| async move {
            let event = Box::pin(looker.next()).await?;
            Some((Ok(event), looker))
        })
    }

    /// Waits for the next event; `None` when the server stops or the session is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.desk.web().closing().is_cancelled() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.looks.is_multiple_of(SESSION_EVERY) && !self.still_here().await {
                return None;
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "The desk's events cannot be read now, will try again");
            }
            self.looks = self.looks.wrapping_add(1);
            if self.ready.is_empty() {
                tokio::select! {
                    () = self.desk.web().closing().cancelled() => return None,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        }
    }

    /// False once the session was ended; a store that does not answer ends nothing.
    async fn still_here(&self) -> bool {
        match person_of(&self.desk, &self.visit).await {
            Ok(person) => person.is_some_and(|person| person.id == self.person.id),
            Err(_) => true,
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let (store, now) = (self.desk.web().store(), self.desk.now());
        let tenant = &self.person.tenant;
        let mut tickets: Vec<(String, String)> = Vec::new();
        for event in store.events(tenant, now, self.after, BATCH).await? {
            self.after = event.seq;
            tickets.extend(event.ticket_id.map(|ticket| (ticket, event.action)));
        }
        for (seq, ticket) in store.messages_after(tenant, now, self.heard, BATCH).await? {
            self.heard = seq;
            tickets.push((ticket, "message".to_owned()));
        }
        tickets.dedup();
        for (ticket, what) in tickets {
            self.ready.push_back(event("ticket", &json!({"id": ticket, "what": what})));
        }
        if self.looks.is_multiple_of(COUNT_EVERY) {
            let stopped = store.standing(tenant).await?.stopped.is_some();
            if stopped != self.stopped {
                self.stopped = stopped;
                self.ready.push_back(event("killed", &json!({"stopped": stopped})));
            }
        }
        if self.looks.is_multiple_of(COUNT_EVERY)
            && let Ok(nav) = head::waiting(&self.desk, &self.person).await
        {
            let watchers = self.desk.presence().all(now, &self.person);
            let counts = json!({
                "review": nav.pointer("/review/count"), "late": nav.pointer("/queues/late"), "watchers": watchers,
            });
            if counts != self.counts {
                self.ready.push_back(event("counts", &counts));
                self.counts = counts;
            }
        }
        Ok(())
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

/// `POST /desk/presence`: which ticket somebody looks at, and whether they write.
pub(super) async fn presence(
    State(desk): State<Desk>,
    Extension(person): Extension<Person>,
    Extension(posted): Extension<Posted>,
) -> StatusCode {
    let ticket = posted.get("ticket").unwrap_or_default();
    if !ticket.starts_with(TicketId::PREFIX) || ticket.len() > 80 {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    desk.presence().note(desk.now(), &person, ticket, posted.is_ticked("editing"));
    StatusCode::NO_CONTENT
}
