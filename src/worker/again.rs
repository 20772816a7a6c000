//! Drafts that somebody of the team wants otherwise: the turn is loaded as it stands and its draft written once more. Nothing
//! is sent, and nothing in the store changes but what the models cost.

use std::sync::Arc;
use std::time::Duration;

use super::turns::input_from;
use super::{Tenant, Worker};
use crate::adapters::store::StoreError;
use crate::domain::draft::Passage;
use crate::domain::ids::{ConversationId, TenantId, TicketId};
use crate::pipeline::{Alternative, Ladder, NoRedraft, Redrafted, TurnInput, Wish};

/// A draft that somebody wants otherwise.
#[derive(Clone, Debug)]
pub struct Reread {
    /// Whose.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The passages behind the draft.
    pub passages: Vec<Passage>,
}

impl Worker {
    /// True where a language model is configured.
    pub fn asks_models(&self) -> bool {
        self.ladder.is_some()
    }

    /// Writes a draft once more to a wish, in no more time than `most`. `None` where the ticket is gone.
    pub async fn redraft(
        &self,
        of: &Reread,
        (present, instruction): (&str, &str),
        most: Duration,
    ) -> Result<Option<Redrafted>, StoreError> {
        let Some((tenant, turn)) = self.reread(of).await? else { return Ok(None) };
        let Some(ladder) = &self.ladder else {
            return Ok(Some(Redrafted { draft: Err(NoRedraft::NoModel), calls: Vec::new() }));
        };
        let ladder = Ladder { turn: ladder.turn.min(most), ..ladder.clone() };
        let wish = Wish { instruction, present, passages: &of.passages };
        let purse = self.purse(&of.tenant).await;
        let redrafted = Box::pin(tenant.pipeline.redraft(&turn, &wish, &ladder, &purse)).await;
        if !redrafted.calls.is_empty() {
            let id = format!("again_{:032x}", self.clock.fresh_bits());
            self.note_calls(&of.tenant, Some(&of.ticket), &id, &redrafted.calls).await;
        }
        Ok(Some(redrafted))
    }

    /// Other drafts of a ticket that need no model.
    pub async fn alternatives(&self, of: &Reread) -> Result<Vec<Alternative>, StoreError> {
        let Some((tenant, turn)) = self.reread(of).await? else { return Ok(Vec::new()) };
        let passages = of.passages.clone();
        let work = move || tenant.pipeline.alternatives(&turn, &passages);
        // One that panics offers nothing.
        Ok(tokio::task::spawn_blocking(work).await.unwrap_or_default())
    }

    /// Loads the turn of a ticket, with its business's models made ready.
    async fn reread(&self, of: &Reread) -> Result<Option<(Tenant, TurnInput)>, StoreError> {
        let now = self.clock.now();
        let turns = self.store.load_turns(now, std::slice::from_ref(&of.conversation)).await?;
        let turn = turns.into_iter().find(|turn| turn.ticket == of.ticket);
        let (Some(turn), Some(tenant)) = (turn, self.tenants.get(&of.tenant)) else {
            return Ok(None);
        };
        if !tenant.pipeline.is_ready() {
            let pipeline = Arc::clone(&tenant.pipeline);
            let trained = tokio::task::spawn_blocking(move || drop(pipeline.warm(|_| None)));
            // One that panics fails again where it is used.
            trained.await.unwrap_or_default();
        }
        Ok(Some((tenant, input_from(&turn, now))))
    }
}
