//! From the inbox into the store. A message leaves the inbox only after the store has it.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::Worker;
use crate::adapters::inbox::Waiting;
use crate::adapters::store::{Intake, TurnWindow, address_of};
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;
use crate::domain::mark::MarkKey;
use crate::domain::message::InboundMessage;
use crate::policy::TurnWindow as PolicyWindow;
use crate::ports::{PortError, PortErrorKind};
use crate::understand::turn_end::{Ending, ending};

/// How many messages are filed in one transaction.
const BATCH: u32 = 256;

impl Worker {
    /// Files the longest-waiting calls of networks and messages. Returns how many left the inbox.
    pub async fn file_messages(&self) -> Result<usize, PortError> {
        let calls = self.read_calls().await?;
        let waiting = self.inbox.waiting(BATCH).await?;
        if waiting.is_empty() {
            return Ok(calls);
        }
        let now = self.clock.now();
        let mut batch: Vec<Intake> = Vec::with_capacity(waiting.len());
        let mut seqs = Vec::with_capacity(waiting.len());
        for Waiting { seq, message } in waiting {
            match message.map(|message| self.prepare(message)) {
                Some(Ok(intake)) => {
                    batch.push(intake);
                    seqs.push(seq);
                }
                Some(Err(why)) => self.set_aside(seq, why).await?,
                None => self.set_aside(seq, "the stored message cannot be read").await?,
            }
        }
        self.heard_from(&batch).await?;
        match self.store.record_inbound(now, batch.clone()).await {
            Ok(_) => self.inbox.mark_taken(now, seqs.clone(), None).await?,
            // One message that the store cannot take must not hold back the others.
            Err(error) if error.kind() == PortErrorKind::Permanent && seqs.len() > 1 => {
                for (seq, intake) in seqs.iter().zip(batch) {
                    match self.store.record_inbound(now, vec![intake]).await {
                        Ok(_) => self.inbox.mark_taken(now, vec![*seq], None).await?,
                        Err(error) if error.kind() == PortErrorKind::Permanent => {
                            self.set_aside(*seq, "the store refused the message").await?;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) if error.kind() == PortErrorKind::Permanent => {
                for seq in &seqs {
                    self.set_aside(*seq, "the store refused the message").await?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.turns_due.notify_one();
        Ok(calls + seqs.len())
    }

    pub(super) fn prepare(&self, message: InboundMessage) -> Result<Intake, &'static str> {
        let tenant = self.tenants.get(&message.tenant).ok_or("no such tenant is configured")?;
        let window = tenant.pipeline.pack().turn_window(message.channel);
        Ok(Intake {
            window: turn_window(window, &message.text),
            conversation_id: self.clock.conversation_id(),
            job_id: self.clock.job_id(),
            message,
        })
    }

    /// Notes that whoever wrote can be reached again where they wrote from.
    pub(super) async fn heard_from(&self, batch: &[Intake]) -> Result<(), PortError> {
        let mut by_tenant: BTreeMap<&TenantId, BTreeMap<MarkKey, DateTime<Utc>>> = BTreeMap::new();
        for Intake { message, .. } in batch {
            if let Some(key) = address_of(message) {
                let heard = by_tenant.entry(&message.tenant).or_default();
                // What comes late or again was not written after the mark; what a mail says of its time is its sender's word.
                let written = match message.channel {
                    Channel::Email => message.received_at,
                    _ => message.sent_at,
                };
                let at = heard.entry(key).or_insert(written);
                *at = written.max(*at);
            }
        }
        for (tenant, heard) in by_tenant {
            self.store.heard_from(tenant, heard.into_iter().collect()).await?;
        }
        Ok(())
    }

    async fn set_aside(&self, seq: i64, why: &str) -> Result<(), PortError> {
        tracing::error!(inbox.seq = seq, why, "Set message {seq} of the inbox aside: {why}");
        self.inbox.mark_taken(self.clock.now(), vec![seq], Some(why.to_owned())).await
    }
}

/// Chooses how long to wait for more: less after a complete question, more after a bare greeting or
/// an unfinished line.
fn turn_window(policy: PolicyWindow, text: &str) -> TurnWindow {
    let seconds = match ending(text) {
        Ending::Question => policy.after_question_secs,
        Ending::Unfinished => policy.after_greeting_secs,
        Ending::Plain => policy.after_last_secs,
    };
    TurnWindow {
        after_last: Duration::seconds(i64::from(seconds)),
        at_most: Duration::seconds(i64::from(policy.max_secs)),
    }
}
