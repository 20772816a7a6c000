//! The bundled events, and how they are played: time moves to the next event or to the next thing
//! that is due, whichever comes first. Where people are to open the desk afterwards, the day ends just now.

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

/// How much of the recorded pauses is kept where the day is played up to now, in percent: fifteen hours become six, so that
/// a desk that is opened afterwards has fresh messages, deadlines that run and some that were missed.
const PACE: i32 = 40;
/// Pauses up to this long are kept as they are: they are bursts.
const BURST: Duration = Duration::seconds(60);
/// How long before now the last message comes: its turn is over by then.
const JUST: Duration = Duration::minutes(3);

/// Moves the events so that the last of them comes just before a moment, at a quicker pace than the recorded one.
pub(super) fn up_to(events: &mut [Event], now: DateTime<Utc>) {
    let mut spent = Duration::zero();
    let mut earlier = events.first().map(|event| event.at);
    let mut places = Vec::with_capacity(events.len());
    for event in events.iter() {
        let pause = earlier.map_or_else(Duration::zero, |earlier| event.at - earlier);
        spent += if pause > BURST { (pause * PACE / 100).max(BURST) } else { pause };
        earlier = Some(event.at);
        places.push(spent);
    }
    for (event, place) in events.iter_mut().zip(places) {
        event.at = now - JUST - (spent - place);
    }
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
    fn a_day_that_is_played_up_to_now_keeps_its_order_and_its_bursts() {
        let recorded = events(include_str!("../../../demo/inbox.jsonl")).unwrap();
        let now: DateTime<Utc> = "2026-11-20T02:30:00Z".parse().unwrap();
        let mut moved = recorded.clone();
        up_to(&mut moved, now);
        assert_eq!(moved.last().unwrap().at, now - JUST);
        assert!(moved.is_sorted_by_key(|event| event.at));
        let hours = (now - moved[0].at).num_hours();
        assert!((5..8).contains(&hours), "{hours}");
        for (before, after) in recorded.windows(2).zip(moved.windows(2)) {
            let [was, is] = [before, after].map(|pair| pair[1].at - pair[0].at);
            assert!(is == was || (was > BURST && is >= BURST), "{was} became {is}");
        }
        up_to(&mut [], now);
    }
}
