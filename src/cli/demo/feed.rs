//! The bundled events, and how they are played: time moves to the next event or to the next thing
//! that is due, whichever comes first.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
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

/// Plays the events and everything that becomes due between and after them. Returns how many were
/// known already.
pub(super) async fn play(
    app: &App,
    clock: &Arc<RecordedClock>,
    tenant: &TenantId,
    events: Vec<Event>,
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
    work_until(app, clock, None).await?;
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
