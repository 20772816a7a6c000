//! Replies by mail leave mailbox by mailbox, each as fast as its server takes them. As many are marked as leaving as the
//! mailbox has connections: whatever is marked when the process is killed is in doubt.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::deliver::{BATCH, Left, by_conversation};
use crate::adapters::store::{Lane, StoreError};
use crate::channels::email::account::{MailAccount, MailAccounts};
use crate::channels::email::sender::Sender;
use crate::ports::PortError;

/// A mailbox that replies leave by.
pub(super) struct Post {
    account: Arc<MailAccount>,
    lane: Lane,
    /// Something may be due.
    pub(super) due: Notify,
}

impl Post {
    /// Returns every mailbox that replies leave by, and the lane of all that leaves otherwise.
    pub(super) fn all(accounts: &MailAccounts) -> (Vec<Self>, Lane) {
        let sending = || accounts.all().filter(|account| account.sender.is_some());
        let places = sending().map(|account| (&account.tenant, account.address.as_str()));
        let others = Lane::besides(places);
        let posts = sending().map(|account| Self {
            lane: Lane::of(&account.tenant, &account.address),
            account: Arc::clone(account),
            due: Notify::new(),
        });
        (posts.collect(), others)
    }

    fn sender(&self) -> Option<&Sender> {
        self.account.sender.as_ref()
    }
}

impl Worker {
    /// Says to whoever delivers that something may be due.
    pub(super) fn replies_are_due(&self) {
        self.outbox_due.notify_one();
        for post in &self.posts {
            post.due.notify_one();
        }
    }

    /// Delivers what is due by a mailbox, a batch of it at the most. Returns how many rows were tried.
    pub(super) async fn deliver_post(
        &self,
        post: &Post,
        stop: &CancellationToken,
    ) -> Result<usize, PortError> {
        let Some(sender) = post.sender() else { return Ok(0) };
        let (mut leaving, mut copying) = (FuturesUnordered::new(), FuturesUnordered::new());
        let (mut count, mut on_its_way, mut failed) = (0, 0, None);
        // False once nothing more is due, until that may have changed.
        let mut is_due = true;
        loop {
            let room = sender.connections().saturating_sub(on_its_way);
            let more = count < BATCH && failed.is_none() && !stop.is_cancelled();
            if is_due && more && room > 0 && sender.full_until(self.clock.now()).is_none() {
                let room = u32::try_from(room).unwrap_or(u32::MAX).min(BATCH - count);
                match self.store.claim_lane(self.clock.now(), post.lane.clone(), room).await {
                    Ok(rows) => {
                        let claimed = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                        is_due = claimed == room;
                        count = count.saturating_add(claimed);
                        on_its_way += rows.len();
                        leaving.extend(by_conversation(rows).into_iter().map(|group| {
                            let size = group.len();
                            async move { (size, self.deliver_group(group).await) }
                        }));
                    }
                    Err(error) => failed = Some(error.into()),
                }
            }
            let stays = on_its_way > 0 || !copying.is_empty();
            tokio::select! {
                Some((size, end)) = leaving.next() => {
                    on_its_way -= size;
                    is_due = true;
                    match end {
                        Ok(left) => copying.push(self.keep_copies(left)),
                        Err(error) => failed = Some(error),
                    }
                }
                Some(()) = copying.next() => {}
                () = self.maybe_due(post), if !is_due && stays => is_due = true,
                else => break,
            }
        }
        if count > 0 {
            self.turns_due.notify_one();
        }
        failed.map_or(Ok(count as usize), Err)
    }

    /// Waits until something may be due that was not.
    async fn maybe_due(&self, post: &Post) {
        tokio::select! {
            () = post.due.notified() => {}
            () = tokio::time::sleep(self.settings.poll) => {}
        }
    }

    /// Puts copies of what left among the sent.
    async fn keep_copies(&self, left: Vec<Left>) {
        for Left { mailbox, mail } in left {
            Box::pin(self.keep_sent(&mailbox, &mail)).await;
        }
    }

    /// Returns when a mailbox may have something to send.
    pub(super) async fn next_post(&self, post: &Post) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(due) = self.store.next_due_in(&post.lane).await? else { return Ok(None) };
        let full = post.sender().and_then(|sender| sender.full_until(self.clock.now()));
        Ok(Some(full.map_or(due, |until| until.max(due))))
    }

    /// Returns when something may be due that leaves by no mailbox, or a network was to have spoken.
    pub(super) async fn next_other(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let due = self.store.next_due_in(&self.other_replies).await?;
        let overdue = self.store.next_overdue().await?;
        Ok(due.into_iter().chain(overdue).min())
    }
}
