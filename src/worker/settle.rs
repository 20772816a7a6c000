//! What a decision changes: ticket, owner, draft, replies and the decision record.

use super::turns::{self, Case};
use super::{Worker, notices};
use crate::adapters::store::{
    NewDraft, NewReply, OutboxBody, Owner, ReplyKind, Settlement, TicketLabels, TurnSnapshot,
};
use crate::domain::confidence::Confidence;
use crate::domain::decision::Action;
use crate::domain::draft::DraftText;
use crate::domain::labels::Urgency;
use crate::domain::message::Author;
use crate::domain::ticket::{OwnerKind, TicketStatus};
use crate::pipeline::record::{self, FailureRecord};
use crate::pipeline::{Outcome, fallback_route};

impl Worker {
    /// Turns an outcome into what the store writes.
    pub(super) fn settlement(&self, case: &Case, outcome: Outcome, took_us: u64) -> Settlement {
        let Case { turn, job, tenant, epoch, .. } = case;
        let pack = tenant.pipeline.pack();
        let record = record::of(&outcome, pack, took_us);
        let Outcome {
            understood, passages, draft, safety, decision, vault, opts_out, rating, ..
        } = outcome;
        let queue = decision.queue.clone();
        let fallback = queue.clone().unwrap_or_else(|| fallback_route(pack).0);
        let reply = |draft: &DraftText, kind: ReplyKind| NewReply {
            id: self.clock.outbox_id(),
            body: body_of(turn, draft, &fallback),
            kind,
        };
        let mut replies: Vec<NewReply> =
            safety.iter().map(|text| reply(text, ReplyKind::Safety)).collect();
        if decision.action == Action::Send {
            replies.extend(draft.iter().map(|draft| reply(draft, ReplyKind::Answer)));
        } else if safety.is_none()
            && let Some((kind, text)) =
                notices::at_decision(case, &understood, &decision, self.clock.now())
        {
            replies.push(reply(&text, kind));
        }
        let stays = outcome.leaves_ticket_alone;
        let over = is_over(turn, decision.action);
        let stands = decision.action == Action::None && turn.owner == OwnerKind::Review && !over;
        Settlement {
            conversation: turn.conversation.clone(),
            version: turn.version,
            epoch: *epoch,
            ticket: turn.ticket.clone(),
            decision: self.clock.decision_id(),
            action: decision.action,
            would: decision.would,
            status: if over {
                TicketStatus::Solved
            } else {
                next_status(turn.status, decision.action, stays)
            },
            owner: if over {
                Some(Owner { kind: OwnerKind::Ai, name: None })
            } else {
                next_owner(turn, decision.action, queue.as_deref(), stays)
            },
            queue: if stays { turn.queue.clone() } else { queue },
            level: if stays { turn.level.clone() } else { decision.level.clone() },
            priority: decision.priority,
            confidence: decision.confidence,
            rules: decision.reasons.iter().map(|reason| reason.rule.clone()).collect(),
            record,
            covered: newly_covered(turn),
            fields: serde_json::to_string(&understood).unwrap_or_else(|_| "{}".to_owned()),
            labels: TicketLabels {
                category: Some(understood.category.value.clone()),
                subcategory: understood.subcategory.value.clone(),
                sentiment: Some(understood.sentiment.value.as_str().to_owned()),
                language: Some(understood.language.value.as_str().to_owned()),
            },
            vault,
            // Whoever writes again of their own accord has taken the opt-out back.
            opted_out: opts_out || (turn.opted_out && stays),
            opts_out: match (opts_out, turn.opted_out && !stays) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            draft: draft.filter(|_| decision.action != Action::None).map(|draft| NewDraft {
                id: self.clock.draft_id(),
                draft,
                passages: serde_json::to_string(&passages).unwrap_or_else(|_| "[]".to_owned()),
            }),
            stands,
            replies,
            rating: rating.and_then(|rating| Some((turn.rates.clone()?, rating))),
            notify: decision.notify,
            within_mins: decision.within_mins,
            bury: None,
            job: job.clone(),
        }
    }

    /// Hands a case to people because the pipeline itself failed on it: nothing waits in silence (E2).
    pub(super) fn hand_over(&self, Case { turn, job, tenant, epoch, .. }: &Case) -> Settlement {
        let poison = job.attempt > self.settings.max_attempts;
        tracing::error!(
            ticket.id = %turn.ticket, job.id = %job.id, job.attempt = job.attempt, poison,
            "The pipeline failed on a turn of {}; it goes to a person", turn.ticket
        );
        let (queue, level) = turn
            .queue
            .clone()
            .map_or_else(|| fallback_route(tenant.pipeline.pack()), |q| (q, turn.level.clone()));
        Settlement {
            conversation: turn.conversation.clone(),
            version: turn.version,
            epoch: *epoch,
            ticket: turn.ticket.clone(),
            decision: self.clock.decision_id(),
            action: Action::Escalate,
            would: Action::Escalate,
            status: TicketStatus::Escalated,
            owner: next_owner(turn, Action::Escalate, Some(&queue), false),
            record: record::of_failure(&FailureRecord {
                pack: tenant.pipeline.pack(),
                queue: &queue,
                attempt: job.attempt,
                poison,
            }),
            queue: Some(queue),
            level,
            priority: Urgency::High,
            confidence: Confidence::ZERO,
            rules: vec![record::ENGINE_FAILURE.to_owned()],
            covered: newly_covered(turn),
            fields: "{}".to_owned(),
            labels: TicketLabels {
                language: turn.language.map(|language| language.as_str().to_owned()),
                ..TicketLabels::default()
            },
            vault: turn.vault.clone(),
            opted_out: turn.opted_out,
            opts_out: None,
            draft: None,
            stands: false,
            replies: Vec::new(),
            rating: None,
            notify: Vec::new(),
            within_mins: None,
            bury: poison.then(|| "failed on every attempt; handed to a person".to_owned()),
            job: job.clone(),
        }
    }
}

fn newly_covered(turn: &TurnSnapshot) -> Vec<crate::domain::ids::MessageId> {
    turn.messages
        .iter()
        .filter(|message| message.author == Author::Customer && !message.decided)
        .map(|message| message.id.clone())
        .collect()
}

fn body_of(turn: &TurnSnapshot, draft: &DraftText, fallback: &str) -> OutboxBody {
    OutboxBody {
        thread: turn.thread.clone(),
        to: turn.contact.clone(),
        ticket_number: turn.number.to_string(),
        subject: turn.messages.iter().rev().find_map(|message| message.subject.clone()),
        text: draft.text.clone(),
        locale: draft.locale,
        in_reply_to: turn
            .messages
            .iter()
            .rev()
            .filter(|message| message.author == Author::Customer && !message.deleted)
            .find_map(|message| message.external_id.clone()),
        fallback_queue: fallback.to_owned(),
        template: None,
        choices: draft.choices.clone(),
        attachments: Vec::new(),
    }
}

/// True where a draft waited for review and what it answered was taken back, or says now that it wants no answer: nobody
/// needs to look at it any more.
fn is_over(turn: &TurnSnapshot, action: Action) -> bool {
    action == Action::None && turn.owner == OwnerKind::Review && !turns::is_owed(turn)
}

/// The ticket's stage after a turn (T2).
fn next_status(now: TicketStatus, action: Action, stays: bool) -> TicketStatus {
    match action {
        Action::Send => TicketStatus::Pending,
        Action::Escalate => TicketStatus::Escalated,
        // A first message that wants no answer needs nobody; on a live ticket nothing changes.
        Action::None if now == TicketStatus::New => TicketStatus::Solved,
        Action::None if stays => now,
        Action::Review | Action::None => TicketStatus::Open,
    }
}

/// The conversation's owner after a turn; `None` leaves it. A named agent keeps what they hold.
fn next_owner(
    turn: &TurnSnapshot,
    action: Action,
    queue: Option<&str>,
    stays: bool,
) -> Option<Owner> {
    if stays || turn.owner == OwnerKind::Agent {
        return None;
    }
    let kind = match action {
        Action::Send => OwnerKind::Ai,
        Action::Review => OwnerKind::Review,
        Action::Escalate => OwnerKind::Queue,
        Action::None => return None,
    };
    let name = if kind == OwnerKind::Ai { None } else { queue.map(str::to_owned) };
    Some(Owner { kind, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thank_you_leaves_a_ticket_where_it_is() {
        use Action::{Escalate, None, Review, Send};
        use TicketStatus::{Escalated, New, Open, Pending, Solved};
        for (now, action, stays, expected) in [
            (New, Send, false, Pending),
            (New, Review, false, Open),
            (New, Escalate, false, Escalated),
            (New, None, true, Solved),
            (Solved, None, true, Solved),
            (Pending, None, true, Pending),
            (Escalated, None, true, Escalated),
            (Solved, Review, false, Open),
            (Solved, Escalate, false, Escalated),
        ] {
            assert_eq!(next_status(now, action, stays), expected, "{now} {action}");
        }
    }
}
