//! The bundled events, and how they are played: time moves to the next event or to the next thing
//! that is due, whichever comes first. Where people are to open the desk afterwards, the day ends just now.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

use crate::adapters::clock::RecordedClock;
use crate::adapters::inbox::Accepted;
use crate::app::App;
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;
use crate::domain::labels::Urgency;
use crate::domain::message::{Contact, Given, InboundMessage, MessageFlags};

/// One recorded message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    channel: Channel,
    account: String,
    external_id: String,
    thread: String,
    from: Contact,
    #[serde(default)]
    subject: Option<String>,
    text: String,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    urgency: Option<Urgency>,
    #[serde(rename = "note")]
    _note: String,
}

/// Reads the bundled inbox, in the order of time.
pub(super) fn events(file: &str) -> anyhow::Result<Vec<Event>> {
    let mut events = file
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| format!("demo/inbox.jsonl, line {}", at + 1))
        })
        .collect::<anyhow::Result<Vec<Event>>>()?;
    events.sort_by_key(|event| event.at);
    Ok(events)
}

/// How far into the recorded day the desk is opened where the day is played up to now. What began later was before: so
/// the drafts of the morning still wait, inside the half hour that the policy gives them.
const OPENED: Duration = Duration::minutes(165);
/// How much of the recorded pauses is kept before that, in percent: twelve hours become five.
const PACE_EARLIER: i32 = 40;
/// The same for the last part, which becomes less than half an hour.
const PACE_RECENT: i32 = 15;
/// Pauses up to this long are kept as they are: they are bursts.
const BURST: Duration = Duration::seconds(60);
/// Shortest that another pause becomes: longer than the end of a turn is waited for.
const PAUSE: Duration = Duration::seconds(20);
/// How long before now the last message comes: its turn is over by then.
const JUST: Duration = Duration::minutes(1);

/// Moves the events so that the day ends at a moment, with work for people. Conversations stay whole and in order; those
/// that began before the desk is opened come last, and what was said in them afterwards is not said yet.
pub(super) fn up_to(events: Vec<Event>, now: DateTime<Utc>) -> Vec<Event> {
    let Some(opened) = events.first().map(|first| first.at + OPENED) else { return events };
    let began: BTreeSet<(Channel, String)> = events
        .iter()
        .filter(|event| event.at < opened)
        .map(|event| (event.channel, event.thread.clone()))
        .collect();
    let (recent, mut day): (Vec<Event>, Vec<Event>) = events
        .into_iter()
        .partition(|event| began.contains(&(event.channel, event.thread.clone())));
    let earlier = day.len();
    day.extend(recent.into_iter().filter(|event| event.at < opened));
    let mut spent = Duration::zero();
    let mut before: Option<DateTime<Utc>> = None;
    let mut places = Vec::with_capacity(day.len());
    for (at, event) in day.iter().enumerate() {
        let pace = if at < earlier { PACE_EARLIER } else { PACE_RECENT };
        spent += match before.map(|before| event.at - before) {
            None => Duration::zero(),
            Some(pause) if (Duration::zero()..=BURST).contains(&pause) => pause,
            Some(pause) => (pause * pace / 100).max(PAUSE),
        };
        before = Some(event.at);
        places.push(spent);
    }
    for (event, place) in day.iter_mut().zip(places) {
        event.at = now - JUST - (spent - place);
    }
    day
}

/// Plays the events and everything that becomes due between and after them, up to a moment where there is one. Returns how
/// many were known already.
pub(super) async fn play(
    app: &App,
    clock: &Arc<RecordedClock>,
    tenant: &TenantId,
    (events, until): (Vec<Event>, Option<DateTime<Utc>>),
) -> anyhow::Result<usize> {
    let mut duplicates = 0;
    for event in events {
        work_until(app, clock, Some(event.at)).await?;
        clock.advance_to(event.at);
        let message = message(app, tenant, event);
        match app.stores.inbox.accept(message, None).await? {
            Accepted::New => {
                app.worker.file_messages().await?;
            }
            Accepted::Duplicate(..) => duplicates += 1,
            Accepted::Full => {
                anyhow::bail!("the inbox is full; let `atende serve` work it off first")
            }
            Accepted::KeyReused => anyhow::bail!("the inbox refused a message without a key"),
        }
    }
    work_until(app, clock, until).await?;
    Ok(duplicates)
}

/// Lets everything happen that is due before a moment, or at all.
async fn work_until(
    app: &App,
    clock: &Arc<RecordedClock>,
    until: Option<DateTime<Utc>>,
) -> anyhow::Result<()> {
    loop {
        let due = app.stores.store.next_due("message").await?;
        let Some(due) = due.filter(|due| until.is_none_or(|until| *due <= until)) else {
            return Ok(());
        };
        clock.advance_to(due);
        app.worker.drain().await?;
    }
}

fn message(app: &App, tenant: &TenantId, event: Event) -> InboundMessage {
    InboundMessage {
        id: app.clock.message_id(),
        ticket_id: app.clock.ticket_id(),
        tenant: tenant.clone(),
        channel: event.channel,
        account: event.account,
        external_id: event.external_id,
        thread: event.thread,
        contact: event.from,
        subject: event.subject,
        text: event.text,
        flags: MessageFlags::default(),
        original: None,
        attachments: Vec::new(),
        given: Given { category: event.category, urgency: event.urgency, language: None },
        sent_at: event.at,
        received_at: event.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_played_up_to_now_keeps_conversations_and_bursts_as_they_were() {
        let recorded = events(include_str!("../../../demo/inbox.jsonl")).unwrap();
        let now: DateTime<Utc> = "2026-11-20T02:30:00Z".parse().unwrap();
        let moved = up_to(recorded.clone(), now);
        assert_eq!(moved.last().unwrap().at, now - JUST);
        assert!(moved.is_sorted_by_key(|event| event.at));
        let hours = (now - moved[0].at).num_hours();
        assert!((4..8).contains(&hours), "{hours}");
        let ids = |events: &[Event], thread: &str| -> Vec<String> {
            let of = events.iter().filter(|event| event.thread == thread);
            of.map(|event| event.external_id.clone()).collect()
        };
        for event in &recorded {
            let (was, is) = (ids(&recorded, &event.thread), ids(&moved, &event.thread));
            assert!(!is.is_empty() && was.starts_with(&is), "{}: {was:?}, {is:?}", event.thread);
        }
        let first: Vec<DateTime<Utc>> = moved
            .iter()
            .filter(|event| {
                ["wamid.0001", "wamid.0002", "wamid.0003"].contains(&&*event.external_id)
            })
            .map(|event| event.at)
            .collect();
        assert_eq!((first.len(), first[2] - first[0]), (3, Duration::seconds(8)), "a burst");
        assert!(now - first[0] < Duration::minutes(40), "the morning is what waits");
        assert!(up_to(Vec::new(), now).is_empty());
    }
}
