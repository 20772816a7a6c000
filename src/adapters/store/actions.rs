//! What people do with a ticket: claim, release, reply, change its stage, correct, note, tag.
//!
//! Every one of them locks the conversation, checks who holds it, raises its version and leaves a
//! line in the audit trail, in one transaction.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;

use super::handling::{self, Split, TransferTo};
use super::{
    Dialect, Store, StoreError, audit, from_json, indexing, jobs, millis, moment, no_nul, replies,
    to_json, uploads,
};
use crate::domain::channel::Channel;
use crate::domain::ids::{AttachmentId, OutboxId, TenantId, TicketId};
use crate::domain::labels::Locale;
use crate::domain::message::Contact;
use crate::domain::ticket::{OwnerKind, TicketStatus};

/// Who acts: an agent by name, through a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The agent's name, as the caller states it or as the token is called.
    pub name: String,
}

impl Actor {
    pub(super) fn audit_name(&self) -> String {
        format!("agent:{}", self.name)
    }
}

/// A reply in a person's own words.
#[derive(Clone, Debug)]
pub struct ReplyRequest {
    /// The id it gets, which is also its idempotency key towards the receiver.
    pub id: OutboxId,
    /// The words.
    pub text: String,
    /// The locale of the words.
    pub locale: Locale,
    /// The files that go with it.
    pub attachments: Vec<AttachmentId>,
    /// The agent keeps the conversation until then.
    pub hold_until: DateTime<Utc>,
    /// Until when it can be called back; `None` where it leaves at once.
    pub leaves_at: Option<DateTime<Utc>>,
    /// The caller's own key, so that a repeated call replies once: (token, key, hash of the body).
    pub once: Option<(String, String, String)>,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Change {
    /// The agent takes the conversation until then.
    Claim(DateTime<Utc>),
    /// The agent gives it back: to the assistant (`true`) or to people.
    Release(bool),
    /// The agent answers.
    Reply(ReplyRequest),
    /// The ticket moves along its life cycle.
    Status(TicketStatus),
    /// A person corrects an understood field.
    Override(&'static str, serde_json::Value),
    /// A note among agents.
    Note(String, String),
    /// Tags added and removed.
    Tag(Vec<String>, Vec<String>),
    /// Somebody else gets it.
    Transfer(TransferTo),
    /// It is put aside until then; `None` takes it up again.
    Snooze(Option<DateTime<Utc>>),
    /// A call is promised between two moments; `None` ends the promise.
    Callback(Option<(DateTime<Utc>, DateTime<Utc>)>),
    /// It goes on as part of another one.
    Merge(TicketId),
    /// Some of its messages become a ticket of their own.
    Split(Split),
}

impl Change {
    const fn name(&self) -> &'static str {
        match self {
            Self::Claim(_) => "ticket.claimed",
            Self::Release(_) => "ticket.released",
            Self::Reply(_) => "reply.written",
            Self::Status(_) | Self::Merge(_) => "ticket.status",
            Self::Override(..) => "field.overridden",
            Self::Note(..) => "note.added",
            Self::Tag(..) => "ticket.tagged",
            Self::Transfer(_) => "ticket.transferred",
            Self::Snooze(Some(_)) => "ticket.snoozed",
            Self::Snooze(None) => "ticket.woke",
            Self::Callback(Some(_)) => "callback.planned",
            Self::Callback(None) => "callback.done",
            Self::Split(_) => "ticket.split",
        }
    }
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another agent holds the conversation until then.
    HeldBy(String, DateTime<Utc>),
    /// Only its holder can give it back.
    NotHeld,
    /// The life cycle has no such step.
    Status(TicketStatus, TicketStatus),
    /// The ticket is over; its conversation may have another one by now.
    Closed,
    /// The contact asked to receive nothing more.
    OptedOut,
    /// The same key came with another body.
    KeyReused,
    /// More tags than a ticket may have.
    TooManyTags,
    /// It cannot be joined to that ticket: `itself`, `closed` or `missing`.
    MergeInto(&'static str),
    /// The messages are not the customer's in this ticket, or none would be left in it.
    Messages,
    /// A file is not here any more, or is another reply's.
    Attachments,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk; the conversation has this version now.
    Done(i64),
    /// A repeated call: the reply of the first one stands.
    Repeated(OutboxId),
    /// No such ticket for this tenant.
    NotFound,
    /// It was not made.
    Refused(Refused),
}

/// The queue of a ticket that no decision routed.
pub(super) const FALLBACK_QUEUE: &str = "human";

/// Most tags of one ticket.
const TAGS_MAX: usize = 50;

/// A locked ticket with its conversation.
pub(super) struct TicketRef {
    pub(super) id: String,
    pub(super) tenant: String,
    pub(super) conversation: String,
    pub(super) number: i64,
    pub(super) status: TicketStatus,
    pub(super) queue: Option<String>,
    pub(super) tags: Vec<String>,
    overrides: serde_json::Map<String, serde_json::Value>,
    pub(super) owner: OwnerKind,
    owner_ref: Option<String>,
    owner_until: Option<DateTime<Utc>>,
    pub(super) opted_out: bool,
    pub(super) contact: Contact,
    pub(super) thread: String,
    pub(super) channel: Channel,
    pub(super) subject: Option<String>,
}

impl TicketRef {
    /// Returns the other agent whose lease has not lapsed.
    pub(super) fn held_by_another(
        &self,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Option<(String, DateTime<Utc>)> {
        let until = self.owner_until.filter(|until| *until > now)?;
        let holder = self.owner_ref.as_ref().filter(|name| **name != actor.name)?;
        (self.owner == OwnerKind::Agent).then(|| (holder.clone(), until))
    }
}

impl Store {
    /// Makes a person's change, or says why not.
    pub async fn change_ticket(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        ticket: &TicketId,
        actor: Actor,
        change: Change,
    ) -> Result<Outcome, StoreError> {
        let (dialect, tenant, ticket) = (self.dialect, tenant.clone(), ticket.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let Some(ticket) = lock_ticket(connection, dialect, &tenant, &ticket).await? else {
                    return Ok(Outcome::NotFound);
                };
                // Asked under the lock: of two calls with one key at the same time, one waits here.
                if let Change::Reply(reply) = &change
                    && let Some(earlier) = replies::repeated(connection, &tenant, reply).await?
                {
                    return Ok(earlier);
                }
                apply(connection, now, &ticket, &actor, &change).await
            })
        })
        .await
    }
}

pub(super) async fn lock_ticket(
    connection: &mut AnyConnection,
    dialect: Dialect,
    tenant: &TenantId,
    ticket: &TicketId,
) -> Result<Option<TicketRef>, StoreError> {
    let sql = format!(
        "SELECT t.id, t.tenant, t.conversation_id, t.number, t.status, t.queue, t.tags, t.overrides, t.subject, \
         c.owner, c.owner_ref, c.owner_until, c.opted_out, c.contact, c.thread, c.channel \
         FROM tickets t JOIN conversations c ON c.id = t.conversation_id WHERE t.tenant = $1 AND t.id = $2{}",
        dialect.lock("c, t")
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .bind(no_nul(ticket.as_str()))
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(TicketRef {
            id: row.try_get("id")?,
            tenant: row.try_get("tenant")?,
            conversation: row.try_get("conversation_id")?,
            number: row.try_get("number")?,
            status: super::turns::word(&row, "status", TicketStatus::parse)?,
            queue: row.try_get("queue")?,
            tags: from_json("tags", &row.try_get::<String, _>("tags")?)?,
            overrides: from_json("overrides", &row.try_get::<String, _>("overrides")?)?,
            owner: super::turns::word(&row, "owner", OwnerKind::parse)?,
            owner_ref: row.try_get("owner_ref")?,
            owner_until: row.try_get::<Option<i64>, _>("owner_until")?.map(moment),
            opted_out: row.try_get::<i64, _>("opted_out")? != 0,
            contact: from_json("contact", &row.try_get::<String, _>("contact")?)?,
            thread: row.try_get("thread")?,
            channel: super::turns::word(&row, "channel", Channel::parse)?,
            subject: row.try_get("subject")?,
        })
    })
    .transpose()
}

pub(super) async fn apply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    actor: &Actor,
    change: &Change,
) -> Result<Outcome, StoreError> {
    let needs_hold = !matches!(change, Change::Note(..) | Change::Tag(..));
    if needs_hold && let Some((agent, until)) = ticket.held_by_another(actor, now) {
        return Ok(Outcome::Refused(Refused::HeldBy(agent, until)));
    }
    // The conversation of a closed ticket may belong to its successor by now.
    if handling::takes_conversation(change) && ticket.status == TicketStatus::Closed {
        return Ok(Outcome::Refused(Refused::Closed));
    }
    let made = match make(connection, now, ticket, actor, change).await? {
        Ok(made) => made,
        Err(refused) => return Ok(Outcome::Refused(refused)),
    };
    // Notes and tags are remarks beside the conversation: they must not retire a draft.
    let version = if needs_hold {
        let owner = made.owner.as_ref().map(|(kind, name, until)| (*kind, name.as_deref(), *until));
        raise_version(connection, now, ticket, owner).await?
    } else {
        current_version(connection, ticket).await?
    };
    if let Change::Release(true) = change {
        jobs::requeue_open_turn(connection, now, &ticket.tenant, &ticket.conversation).await?;
    }
    if let Change::Reply(reply) = change {
        replies::write_reply(connection, now, ticket, actor, reply, version).await?;
    }
    audit::append(
        connection,
        audit::Entry {
            tenant: &ticket.tenant,
            at: now,
            ticket: Some(&ticket.id),
            conversation: Some(&ticket.conversation),
            actor: &actor.audit_name(),
            action: change.name(),
            before: Some(to_json(&made.before)),
            after: Some(to_json(&made.after)),
            cause: None,
        },
    )
    .await?;
    Ok(Outcome::Done(version))
}

/// What a change did, for the trail, and who has the conversation after it.
pub(super) struct Made {
    pub(super) before: serde_json::Value,
    pub(super) after: serde_json::Value,
    pub(super) owner: Option<NewOwner>,
}

/// Makes the part of a change that is its own.
async fn make(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    actor: &Actor,
    change: &Change,
) -> Result<Result<Made, Refused>, StoreError> {
    let mut before = serde_json::json!({"status": ticket.status, "owner": ticket.owner});
    let mut owner = None;
    let after = match change {
        Change::Claim(until) => {
            assign(connection, now, ticket, Some(&actor.name)).await?;
            owner = Some(("agent", Some(actor.name.clone()), Some(*until)));
            serde_json::json!({"owner": "agent", "until": until})
        }
        Change::Release(to_ai) => {
            if ticket.owner != OwnerKind::Agent {
                return Ok(Err(Refused::NotHeld));
            }
            assign(connection, now, ticket, None).await?;
            let next =
                if *to_ai { ("ai", None, None) } else { give_back(connection, ticket).await? };
            let after = serde_json::json!({"owner": next.0, "queue": next.1});
            owner = Some(next);
            after
        }
        Change::Reply(reply) => {
            if ticket.opted_out {
                return Ok(Err(Refused::OptedOut));
            }
            if !uploads::are_free(connection, ticket, &reply.attachments).await? {
                return Ok(Err(Refused::Attachments));
            }
            owner = Some(("agent", Some(actor.name.clone()), Some(reply.hold_until)));
            serde_json::json!({"outbox": reply.id})
        }
        Change::Status(next) => {
            if !ticket.status.may_become(*next) {
                return Ok(Err(Refused::Status(ticket.status, *next)));
            }
            set_status(connection, now, ticket, next.as_str()).await?;
            if !next.is_open() {
                super::drafts::retire_proposed(connection, &[&ticket.id]).await?;
            }
            // Who opens again what the assistant was done with wants a person to go on.
            let again = *next == TicketStatus::Escalated
                || *next == TicketStatus::Open
                    && matches!(ticket.status, TicketStatus::Pending | TicketStatus::Solved);
            if again && ticket.owner == OwnerKind::Ai {
                owner = Some(("queue", Some(people_queue(connection, ticket).await?), None));
            }
            serde_json::json!({"status": next})
        }
        Change::Override(field, value) => {
            override_field(connection, now, ticket, field, value).await?;
            before = serde_json::json!({*field: ticket.overrides.get(*field)});
            serde_json::json!({*field: value})
        }
        Change::Note(id, text) => {
            write_note(connection, now, ticket, (id, &actor.name, text)).await?;
            indexing::mark(connection, &ticket.id).await?;
            serde_json::json!({"note": id})
        }
        Change::Tag(add, remove) => {
            let Some(tags) = change_tags(connection, now, ticket, add, remove).await? else {
                return Ok(Err(Refused::TooManyTags));
            };
            indexing::mark(connection, &ticket.id).await?;
            before = serde_json::json!({"tags": ticket.tags});
            let added: Vec<&String> =
                tags.iter().filter(|tag| !ticket.tags.contains(tag)).collect();
            serde_json::json!({"tags": tags, "added": added})
        }
        Change::Transfer(to) => return handling::transfer(connection, now, ticket, to).await,
        Change::Snooze(until) => return handling::snooze(connection, now, ticket, *until).await,
        Change::Callback(span) => return handling::callback(connection, now, ticket, *span).await,
        Change::Merge(into) => return handling::merge(connection, now, ticket, actor, into).await,
        Change::Split(split) => return handling::split(connection, now, ticket, split).await,
    };
    Ok(Ok(Made { before, after, owner }))
}

async fn write_note(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    (id, author, text): (&str, &str, &str),
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO notes (id, tenant, ticket_id, author, text, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(&ticket.tenant)
        .bind(&ticket.id)
        .bind(author)
        .bind(no_nul(text))
        .bind(millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the tags after the change; `None`, with nothing changed, if they were too many.
async fn change_tags(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    add: &[String],
    remove: &[String],
) -> Result<Option<Vec<String>>, StoreError> {
    let mut tags = ticket.tags.clone();
    tags.retain(|tag| !remove.contains(tag));
    tags.extend(add.iter().cloned());
    tags.sort();
    tags.dedup();
    if tags.len() > TAGS_MAX {
        return Ok(None);
    }
    sqlx::query("UPDATE tickets SET tags = $1, updated_at = $2 WHERE id = $3")
        .bind(to_json(&tags))
        .bind(millis(now))
        .bind(&ticket.id)
        .execute(connection)
        .await?;
    Ok(Some(tags))
}

/// Kind, name and end of the lease of an owner.
type OwnerWords<'a> = (&'a str, Option<&'a str>, Option<DateTime<Utc>>);
pub(super) type NewOwner = (&'static str, Option<String>, Option<DateTime<Utc>>);

/// Finds where a released conversation belongs: to its waiting draft, else to its human queue.
async fn give_back(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
) -> Result<NewOwner, StoreError> {
    let draft: Option<(i64,)> = sqlx::query_as(
        "SELECT d.version FROM drafts d JOIN tickets t ON t.id = d.ticket_id \
             WHERE t.id = $1 AND t.action = 'review' AND d.state = 'proposed'",
    )
    .bind(&ticket.id)
    .fetch_optional(&mut *connection)
    .await?;
    let queue = people_queue(connection, ticket).await?;
    Ok((if draft.is_some() { "review" } else { "queue" }, Some(queue), None))
}

/// Returns the ticket's queue after making sure that it has one: what waits for people without a queue
/// is seen by nobody.
pub(super) async fn people_queue(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
) -> Result<String, StoreError> {
    if let Some(queue) = &ticket.queue {
        return Ok(queue.clone());
    }
    sqlx::query("UPDATE tickets SET queue = $1 WHERE id = $2")
        .bind(FALLBACK_QUEUE)
        .bind(&ticket.id)
        .execute(connection)
        .await?;
    Ok(FALLBACK_QUEUE.to_owned())
}

pub(super) async fn assign(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    agent: Option<&str>,
) -> Result<(), StoreError> {
    // Claiming acknowledges an escalation: the ticket returns to open (T2).
    sqlx::query(
        "UPDATE tickets SET assignee = $1, assigned_at = CASE WHEN $1 IS NULL THEN NULL ELSE $2 END, updated_at = $2, \
         status = CASE WHEN $1 IS NOT NULL AND status IN ('new', 'escalated') THEN 'open' ELSE status END WHERE id = $3",
    )
    .bind(agent)
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    status: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tickets SET status = $1, updated_at = $2, \
         solved_at = CASE WHEN $1 = 'solved' THEN $2 WHEN $1 = 'closed' THEN solved_at ELSE NULL END, \
         closed_at = CASE WHEN $1 = 'closed' THEN $2 ELSE NULL END WHERE id = $3",
    )
    .bind(status)
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn override_field(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    field: &str,
    value: &serde_json::Value,
) -> Result<(), StoreError> {
    let mut overrides = ticket.overrides.clone();
    overrides.insert(field.to_owned(), value.clone());
    if field == "category" {
        // A subcategory belongs to its category; one of the old category says nothing any more.
        overrides.remove("subcategory");
    }
    let text = |name: &str| (field == name).then(|| value.as_str().map(str::to_owned)).flatten();
    sqlx::query(
        "UPDATE tickets SET overrides = $1, category = COALESCE($2, category), \
         subcategory = CASE WHEN $2 IS NOT NULL AND $2 <> COALESCE(category, '') THEN NULL ELSE COALESCE($3, subcategory) END, \
         urgency = COALESCE($4, urgency), sentiment = COALESCE($5, sentiment), language = COALESCE($6, language), \
         updated_at = $7 WHERE id = $8",
    )
    .bind(to_json(&overrides))
    .bind(text("category"))
    .bind(text("subcategory"))
    .bind(text("urgency"))
    .bind(text("sentiment"))
    .bind(text("language"))
    .bind(millis(now))
    .bind(&ticket.id)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn current_version(
    connection: &mut AnyConnection,
    ticket: &TicketRef,
) -> Result<i64, StoreError> {
    let (version,): (i64,) = sqlx::query_as("SELECT version FROM conversations WHERE id = $1")
        .bind(&ticket.conversation)
        .fetch_one(connection)
        .await?;
    Ok(version)
}

/// Raises the conversation's version and, with a new owner, its fence.
pub(super) async fn raise_version(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    ticket: &TicketRef,
    owner: Option<OwnerWords<'_>>,
) -> Result<i64, StoreError> {
    let (kind, name, until) = match owner {
        Some((kind, name, until)) => (Some(kind), name, until),
        None => (None, None, None),
    };
    let (version,): (i64,) = sqlx::query_as(
        "UPDATE conversations SET version = version + 1, updated_at = $1, \
         fence = CASE WHEN $2 IS NULL THEN fence ELSE fence + 1 END, \
         owner_ref = CASE WHEN $2 IS NULL THEN owner_ref ELSE $3 END, \
         owner_until = CASE WHEN $2 IS NULL THEN owner_until ELSE $4 END, \
         owner = COALESCE($2, owner) WHERE id = $5 RETURNING version",
    )
    .bind(millis(now))
    .bind(kind)
    .bind(name)
    .bind(until.map(millis))
    .bind(&ticket.conversation)
    .fetch_one(&mut *connection)
    .await?;
    // What people do retires what the worker decided, not the words that a person approved before.
    sqlx::query(
        "UPDATE outbox SET conversation_version = $1 WHERE conversation_id = $2 AND automatic = 0 \
         AND state IN ('queued', 'sending') AND conversation_version = $1 - 1",
    )
    .bind(version)
    .bind(&ticket.conversation)
    .execute(connection)
    .await?;
    Ok(version)
}
