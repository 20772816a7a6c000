//! What is queued leaves: compared and marked in one transaction, handed to its network, recorded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::adapters::store::{Claimed, DeliveryEnd, StoreError};
use crate::channels::email::account::MailAccount;
use crate::channels::whatsapp::outlet::{Attempt, DOUBT};
use crate::domain::mark::MarkNews;
use crate::ports::{PortError, PortErrorKind};

/// How many rows are claimed at once: no more than are handed over at once, because on a network without
/// keys every row claimed when the process is killed becomes *unknown*.
pub(super) const BATCH: u32 = 32;
/// How many conversations are delivered to at once.
const PARALLEL: usize = 32;
/// First pause before the end of an attempt is written again; it doubles up to `RECORD_AGAIN_MAX`.
const RECORD_AGAIN_FIRST: Duration = Duration::from_millis(100);
/// Longest pause before the end of an attempt is written again.
const RECORD_AGAIN_MAX: Duration = Duration::from_secs(5);

/// A mail that left, of which a copy goes among the sent.
pub(super) struct Left {
    pub(super) mailbox: Arc<MailAccount>,
    pub(super) mail: Vec<u8>,
}

/// What became of an attempt.
struct Attempted {
    /// Until when the conversation's later rows wait, where this one does.
    wait: Option<DateTime<Utc>>,
    left: Option<Left>,
}

/// Puts rows of one conversation together, in their order.
pub(super) fn by_conversation(rows: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut groups: Vec<Vec<Claimed>> = Vec::new();
    let mut places = HashMap::new();
    for row in rows {
        let place = *places.entry(row.conversation.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

impl Worker {
    /// Delivers what is due by every way. Returns how many rows were handed to a network or published.
    pub async fn deliver_replies(&self) -> Result<usize, PortError> {
        let stop = CancellationToken::new();
        let mut count = self.deliver_others().await?;
        for post in &self.posts {
            count += Box::pin(self.deliver_post(post, &stop)).await?;
        }
        Ok(count)
    }

    /// Delivers what is due and leaves by no mailbox. Rows of one conversation leave in their order.
    pub(super) async fn deliver_others(&self) -> Result<usize, PortError> {
        let silent = self.store.overdue_outbox(self.clock.now(), BATCH).await?;
        for row in &silent {
            let why = "the network has not said what became of it".to_owned();
            self.ended(row, DeliveryEnd::Unknown(why)).await?;
        }
        let now = self.clock.now();
        let rows = self.store.claim_lane(now, self.other_replies.clone(), BATCH).await?;
        let count = rows.len() + silent.len();
        let results: Vec<Result<(), PortError>> = stream::iter(by_conversation(rows))
            .map(|group| async move { self.deliver_group(group).await.map(drop) })
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        if count > 0 {
            self.turns_due.notify_one();
        }
        results.into_iter().collect::<Result<(), PortError>>().map(|()| count)
    }

    /// Makes one attempt with each row of a conversation. Returns the mails that left.
    pub(super) async fn deliver_group(&self, group: Vec<Claimed>) -> Result<Vec<Left>, PortError> {
        let mut rows = group.into_iter();
        let mut all = Vec::new();
        for row in rows.by_ref() {
            let Attempted { wait, left } = self.deliver(&row).await?;
            all.extend(left);
            if let Some(wait) = wait {
                // What was said later arrives later.
                for row in rows {
                    self.record_end(&row, DeliveryEnd::NotTried(wait)).await?;
                }
                break;
            }
        }
        Ok(all)
    }

    /// Makes one attempt.
    async fn deliver(&self, row: &Claimed) -> Result<Attempted, PortError> {
        let mut left = None;
        let end = match (self.outlet(row), self.mailbox_of(row)) {
            (Some(outlet), _) => {
                let Attempt { end, mark } = self.send_by_whatsapp(&outlet, row).await?;
                self.marked(row, mark).await?;
                end
            }
            (None, Some(mailbox)) => {
                let (end, mail) = self.send_by_mail(&mailbox, row).await;
                left = mail.map(|mail| Left { mailbox, mail });
                end
            }
            (None, None) => {
                match self.tenants.get(&row.tenant).and_then(|tenant| tenant.callbacks) {
                    Some(client) => client.deliver(self.clock.now(), row).await,
                    // Nobody to call: from now on the row can be read from the outbox.
                    None => DeliveryEnd::Sent,
                }
            }
        };
        let wait = match &end {
            DeliveryEnd::RetryAt(at, _) | DeliveryEnd::NotTried(at) => Some(*at),
            _ => None,
        };
        self.ended(row, end).await?;
        Ok(Attempted { wait, left })
    }

    /// Writes down what an attempt says of where it went.
    pub(super) async fn marked(
        &self,
        row: &Claimed,
        news: Option<MarkNews>,
    ) -> Result<(), PortError> {
        if let Some(news) = news {
            self.store.note_mark(row, news).await?;
        }
        Ok(())
    }

    /// Says in the log how an attempt ended, and writes it down.
    async fn ended(&self, row: &Claimed, end: DeliveryEnd) -> Result<(), PortError> {
        match &end {
            DeliveryEnd::Sent | DeliveryEnd::Accepted(_) | DeliveryEnd::NotTried(_) => {}
            DeliveryEnd::Awaiting(_, why) => {
                tracing::warn!(
                    ticket.id = %row.ticket, outbox.id = %row.id, attempt = row.attempt, why,
                    "Waiting for news of {}: {why}", row.id
                );
            }
            DeliveryEnd::RetryAt(..) => {
                tracing::warn!(
                    ticket.id = %row.ticket, outbox.id = %row.id, attempt = row.attempt,
                    "Delivery of {} will be tried again", row.id
                );
            }
            DeliveryEnd::Failed(why) | DeliveryEnd::Unknown(why) => {
                tracing::error!(
                    ticket.id = %row.ticket, outbox.id = %row.id, attempt = row.attempt, why,
                    "Delivery of {} needs a person: {why}", row.id
                );
            }
        }
        self.record_end(row, end).await
    }

    /// Writes down how an attempt ended. Only this process knows it, so a store that is away for a
    /// while is waited for; if the process ends first, the next start settles the row.
    async fn record_end(&self, row: &Claimed, end: DeliveryEnd) -> Result<(), PortError> {
        let mut pause = RECORD_AGAIN_FIRST;
        loop {
            let id = self.clock.message_id();
            match self.store.finish_outbox(self.clock.now(), row, end.clone(), id).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Closed) => return Err(StoreError::Closed.into()),
                Err(error) if error.kind() == PortErrorKind::Transient => {
                    tracing::warn!(
                        outbox.id = %row.id, error = %error,
                        "Cannot record the delivery of {} now, will try again", row.id
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RECORD_AGAIN_MAX);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Settles a row that a crash left in *sending*.
    pub(super) async fn settle_stranded(&self, row: &Claimed) -> Result<(), PortError> {
        let tenant = self.tenants.get(&row.tenant);
        let callbacks = tenant.as_ref().and_then(|tenant| tenant.callbacks.as_ref());
        let now = self.clock.now();
        let end = match callbacks {
            // Its states tell.
            _ if self.outlet(row).is_some() || self.mailbox_of(row).is_some() => {
                DeliveryEnd::Awaiting(now + DOUBT, "interrupted while it was being sent".to_owned())
            }
            // Repeated under the same key.
            Some(client) if client.is_idempotent() => DeliveryEnd::NotTried(now),
            // Publishing has no outside effect that could happen twice.
            None => DeliveryEnd::NotTried(now),
            Some(_) => {
                tracing::error!(
                    ticket.id = %row.ticket, outbox.id = %row.id,
                    "Nobody knows whether {} arrived; a person must look", row.id
                );
                DeliveryEnd::Unknown("interrupted while it was being sent".to_owned())
            }
        };
        self.record_end(row, end).await
    }
}
