//! Drafts under review: approved, edited or rejected once, retired when anybody writes.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::actions::{self, Actor, TicketRef};
use super::many::{places, with_rows};
use super::outbox::{NewRow, OutboxBody, insert_rows};
use super::settle::{NewDraft, Settlement};
use super::{
    Dialect, Store, StoreError, audit, from_json, millis, moment, no_nul, replies, to_json, uploads,
};
use crate::domain::decision::Action;
use crate::domain::draft::{DraftText, Passage};
use crate::domain::ids::{AttachmentId, OutboxId, TenantId, TicketId};
use crate::domain::ticket::OwnerKind;

/// What an agent does with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftAction {
    /// Sends it as it is.
    Approve,
    /// Sends these words instead.
    Edit(String),
    /// Does not send it.
    Reject {
        /// The reason as one of the desk's words, where one was chosen.
        code: Option<String>,
        /// The reason in the agent's words; may be empty where there is a code.
        words: String,
    },
}

impl DraftAction {
    /// Why nothing is sent: the desk's word for it, and the agent's.
    fn reason(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Reject { code, words } => (code.as_deref().map(no_nul), Some(no_nul(words))),
            Self::Approve | Self::Edit(_) => (None, None),
        }
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftOutcome {
    /// The reply is on its way.
    Queued(OutboxId),
    /// Nothing is sent; the ticket waits in its human queue.
    Rejected,
    /// No such ticket, or it has no draft.
    NotFound,
    /// Somebody or something was first.
    Conflict {
        /// The draft's state now.
        state: String,
        /// The latest draft's version.
        latest: i64,
        /// Who decided it, if a person did.
        by: Option<String>,
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// Another agent holds the conversation until then.
    HeldBy(String, DateTime<Utc>),
    /// The contact asked to receive nothing more; the draft can only be rejected.
    OptedOut,
    /// A file is not here any more, or is another reply's.
    Attachments,
}

/// Retires drafts that nobody has decided, because their conversations moved on. At most `ROWS_MAX`
/// tickets.
pub(super) async fn retire_proposed(
    connection: &mut AnyConnection,
    tickets: &[&str],
) -> Result<(), StoreError> {
    if tickets.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE drafts SET state = 'retired' WHERE state = 'proposed' AND ticket_id IN {}",
        places(Dialect::of(connection), 1, tickets.len())
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(tickets.len() == 1);
    tickets.iter().fold(query, |query, ticket| query.bind(*ticket)).execute(connection).await?;
    Ok(())
}

/// Writes the drafts that turns made.
pub(super) async fn write(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    let dialect = Dialect::of(connection);
    let new: Vec<(&Settlement, &NewDraft)> =
        turns.iter().filter_map(|turn| Some((*turn, turn.draft.as_ref()?))).collect();
    if new.is_empty() {
        return Ok(());
    }
    let tickets: Vec<&str> = new.iter().map(|(turn, _)| turn.ticket.as_str()).collect();
    retire_proposed(connection, &tickets).await?;
    let columns = [
        "id",
        "tenant",
        "ticket",
        "conversation",
        "decision",
        "state",
        "words",
        "locale",
        "kind",
        "ledger",
        "passages",
        "choices",
        "version",
        "now",
    ];
    let sql = format!(
        "{}INSERT INTO drafts (id, tenant, ticket_id, conversation_id, decision_id, version, state, text, locale, \
         kind, ledger, passages, choices, conversation_version, created_at) \
         SELECT r.id, r.tenant, r.ticket, r.conversation, r.decision, \
         (SELECT COALESCE(MAX(d.version), 0) + 1 FROM drafts d WHERE d.ticket_id = r.ticket), \
         r.state, r.words, r.locale, r.kind, r.ledger, r.passages, r.choices, r.version, r.now FROM r",
        with_rows(dialect, &columns, new.len())
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(new.len() == 1);
    for (turn, new) in new {
        query = query
            .bind(new.id.as_str())
            .bind(turn.job.tenant.as_str())
            .bind(turn.ticket.as_str())
            .bind(turn.conversation.as_str())
            .bind(turn.decision.as_str())
            .bind(if turn.action == Action::Send { "approved" } else { "proposed" })
            .bind(no_nul(&new.draft.text))
            .bind(new.draft.locale.as_str())
            .bind(new.draft.kind.as_str())
            .bind(to_json(&new.draft.ledger))
            .bind(&new.passages)
            .bind(kept_choices(&new.draft))
            .bind(turn.version)
            .bind(millis(now));
    }
    query.execute(connection).await?;
    Ok(())
}

/// Lets the drafts of turns that changed nothing wait on. What came meanwhile had retired them.
pub(super) async fn stand_again(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    turns: &[&Settlement],
) -> Result<(), StoreError> {
    for turn in turns {
        sqlx::query(
            "UPDATE drafts SET state = 'proposed', conversation_version = $1 WHERE ticket_id = $2 AND state = 'retired' \
             AND decided_by IS NULL AND version = (SELECT MAX(version) FROM drafts WHERE ticket_id = $2)",
        )
        .bind(turn.version)
        .bind(turn.ticket.as_str())
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "UPDATE tickets SET updated_at = $1, clock_rev = clock_rev + 1, \
             clock_at = CASE WHEN clock_at <= $1 THEN clock_at ELSE $1 END WHERE id = $2",
        )
        .bind(millis(now))
        .bind(turn.ticket.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Reads what a draft offers to tap.
pub(super) fn choices_of(kept: Option<String>) -> Result<Vec<String>, StoreError> {
    kept.map_or(Ok(Vec::new()), |kept| from_json("choices", &kept))
}

/// Writes down what a draft offers to tap; nothing for none.
pub(super) fn kept_choices(draft: &DraftText) -> Option<String> {
    (!draft.choices.is_empty()).then(|| to_json(&draft.choices))
}

/// True where a draft of a ticket waits for somebody's decision.
pub(super) async fn are_proposed(
    connection: &mut AnyConnection,
    ticket: &str,
) -> Result<bool, StoreError> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM drafts WHERE ticket_id = $1 AND state = 'proposed'")
            .bind(ticket)
            .fetch_one(connection)
            .await?;
    Ok(count > 0)
}

/// A decision of an agent on one draft.
#[derive(Clone, Debug)]
pub struct DraftDecision {
    /// Whose ticket.
    pub tenant: TenantId,
    /// The ticket.
    pub ticket: TicketId,
    /// The version of the draft that the agent saw.
    pub version: i64,
    /// What they do.
    pub action: DraftAction,
    /// The files that go with it, where it is sent.
    pub attachments: Vec<AttachmentId>,
    /// Who.
    pub actor: Actor,
    /// The id a reply gets.
    pub outbox: OutboxId,
    /// Until when the reply can be called back; `None` where it leaves at once.
    pub leaves_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Decides a draft, once: of two agents the second is told who was first.
    pub async fn decide_draft(
        &self,
        now: DateTime<Utc>,
        decision: DraftDecision,
    ) -> Result<DraftOutcome, StoreError> {
        let dialect = self.dialect;
        self.write(move |connection| {
            Box::pin(async move {
                let Some(ticket) =
                    actions::lock_ticket(connection, dialect, &decision.tenant, &decision.ticket)
                        .await?
                else {
                    return Ok(DraftOutcome::NotFound);
                };
                decide(connection, now, &ticket, &decision).await
            })
        })
        .await
    }
}

async fn decide(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    decision: &DraftDecision,
) -> Result<DraftOutcome, StoreError> {
    let row = sqlx::query(
        "SELECT id, state, decided_by, decided_at, text, locale, choices, \
         (SELECT MAX(version) FROM drafts WHERE ticket_id = $1) AS latest FROM drafts WHERE ticket_id = $1 AND version = $2",
    )
    .bind(&ticket.id)
    .bind(decision.version)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(DraftOutcome::NotFound) };
    let state: String = row.try_get("state")?;
    if state != "proposed" {
        return Ok(DraftOutcome::Conflict {
            state,
            latest: row.try_get("latest")?,
            by: row.try_get("decided_by")?,
            at: row.try_get::<Option<i64>, _>("decided_at")?.map(moment),
        });
    }
    if let Some((agent, until)) = ticket.held_by_another(&decision.actor, now) {
        return Ok(DraftOutcome::HeldBy(agent, until));
    }
    if ticket.opted_out && !matches!(decision.action, DraftAction::Reject { .. }) {
        return Ok(DraftOutcome::OptedOut);
    }
    if !uploads::are_free(connection, ticket, &decision.attachments).await? {
        return Ok(DraftOutcome::Attachments);
    }
    let id: String = row.try_get("id")?;
    let draft_text: String = row.try_get("text")?;
    let (new_state, text) = match &decision.action {
        DraftAction::Approve => ("approved", Some(draft_text)),
        DraftAction::Edit(text) => ("edited", Some(no_nul(text))),
        DraftAction::Reject { .. } => ("rejected", None),
    };
    let (code, reason) = decision.action.reason();
    sqlx::query(
        "UPDATE drafts SET state = $1, decided_by = $2, decided_at = $3, reason = $4, final_text = $5, reason_code = $7 WHERE id = $6",
    )
    .bind(new_state)
    .bind(&decision.actor.name)
    .bind(millis(now))
    .bind(&reason)
    .bind(&text)
    .bind(&id)
    .bind(&code)
    .execute(&mut *connection)
    .await?;
    let outcome = if let Some(text) = text {
        let body = reviewed(connection, ticket, decision, (text, &row)).await?;
        queue_reply(connection, now, ticket, decision, (&id, body)).await?;
        DraftOutcome::Queued(decision.outbox.clone())
    } else {
        let queue = actions::people_queue(connection, ticket).await?;
        let people = Some(("queue", Some(queue.as_str()), None));
        actions::raise_version(connection, now, ticket, people).await?;
        DraftOutcome::Rejected
    };
    note_decision(connection, now, ticket, decision, (&id, new_state)).await?;
    Ok(outcome)
}

async fn note_decision(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    decision: &DraftDecision,
    (draft, state): (&str, &str),
) -> Result<(), StoreError> {
    let after = serde_json::json!({"draft": draft, "version": decision.version, "state": state});
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &decision.actor.audit_name(),
            action: "draft.decided",
            before: Some(to_json(
                &serde_json::json!({"state": "proposed", "status": ticket.status}),
            )),
            after: Some(to_json(&after)),
            cause: None,
        },
    )
    .await
}

/// Writes the reviewed words as what leaves.
async fn reviewed(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
    decision: &DraftDecision,
    (text, draft): (String, &AnyRow),
) -> Result<OutboxBody, StoreError> {
    let locale: String = draft.try_get("locale")?;
    let mut body = replies::reply_body(connection, ticket, text, &locale).await?;
    body.attachments.clone_from(&decision.attachments);
    // Other words may not go with what the draft offered to answer.
    if decision.action == DraftAction::Approve {
        body.choices = choices_of(draft.try_get("choices")?)?;
    }
    Ok(body)
}

/// Queues the reviewed words, which leave only while the conversation stands as the agent saw it.
async fn queue_reply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    decision: &DraftDecision,
    (draft, body): (&str, OutboxBody),
) -> Result<(), StoreError> {
    // Reviewed is done: the assistant has the conversation again, unless an agent keeps it.
    let owner = (ticket.owner == OwnerKind::Review).then_some(("ai", None, None));
    let version = actions::raise_version(connection, now, ticket, owner).await?;
    let parts = uploads::parts(connection, ticket.channel, &decision.outbox, body).await?;
    let rows: Vec<NewRow<'_>> = parts
        .iter()
        .map(|(id, body)| NewRow {
            id: id.as_str(),
            tenant: &ticket.tenant,
            conversation: &ticket.conversation,
            ticket: &ticket.id,
            author: "agent",
            author_ref: Some(&decision.actor.name),
            kind: "reply",
            automatic: false,
            compare_version: true,
            body,
            version,
            epoch: 0,
            draft: Some(draft),
            leaves_at: decision.leaves_at,
        })
        .collect();
    insert_rows(connection, now, &rows).await?;
    for (id, body) in &parts {
        uploads::enclose(connection, id, &body.attachments).await?;
    }
    actions::set_status(connection, now, ticket, "pending").await
}

impl Store {
    /// Puts a repaired version in the place of a draft. `false`, with nothing changed, where that draft is not to be
    /// decided any more.
    pub async fn revise_draft(
        &self,
        now: DateTime<Utc>,
        (tenant, ticket): (&TenantId, &TicketId),
        actor: Actor,
        (version, revised): (i64, DraftText),
    ) -> Result<bool, StoreError> {
        let (dialect, tenant, ticket) = (self.dialect, tenant.clone(), ticket.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let Some(ticket) =
                    actions::lock_ticket(connection, dialect, &tenant, &ticket).await?
                else {
                    return Ok(false);
                };
                if ticket.held_by_another(&actor, now).is_some() {
                    return Ok(false);
                }
                revise(connection, now, &ticket, &actor, (version, &revised, None)).await
            })
        })
        .await
    }
}

/// Puts another version in the place of a draft: a repair of it, or, with passages of its own, one that was written anew.
pub(super) async fn revise(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    actor: &Actor,
    (version, revised, passages): (i64, &DraftText, Option<&[Passage]>),
) -> Result<bool, StoreError> {
    let retired = sqlx::query(
        "UPDATE drafts SET state = 'retired' WHERE ticket_id = $1 AND version = $2 AND state = 'proposed' \
         AND version = (SELECT MAX(version) FROM drafts WHERE ticket_id = $1)",
    )
    .bind(&ticket.id)
    .bind(version)
    .execute(&mut *connection)
    .await?;
    if retired.rows_affected() == 0 {
        return Ok(false);
    }
    // The old id with its version makes an id that nobody else can make.
    sqlx::query(
        "INSERT INTO drafts (id, tenant, ticket_id, conversation_id, decision_id, version, state, text, locale, kind, ledger, \
         passages, choices, conversation_version, created_at) \
         SELECT id || '_' || CAST(version + 1 AS TEXT), tenant, ticket_id, conversation_id, decision_id, version + 1, 'proposed', \
         $3, $6, $7, $4, COALESCE($8, passages), CAST($9 AS TEXT), conversation_version, $5 FROM drafts WHERE ticket_id = $1 AND version = $2",
    )
    .bind(&ticket.id)
    .bind(version)
    .bind(no_nul(&revised.text))
    .bind(to_json(&revised.ledger))
    .bind(millis(now))
    .bind(revised.locale.as_str())
    .bind(revised.kind.as_str())
    .bind(passages.map(|passages| to_json(&passages)))
    .bind(kept_choices(revised))
    .execute(&mut *connection)
    .await?;
    let after =
        serde_json::json!({"version": version + 1, "state": "proposed", "kind": revised.kind});
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &actor.audit_name(),
            action: if passages.is_some() { "draft.redrafted" } else { "draft.revised" },
            before: Some(to_json(&serde_json::json!({"version": version}))),
            after: Some(to_json(&after)),
            cause: None,
        },
    )
    .await?;
    Ok(true)
}
