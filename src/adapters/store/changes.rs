//! Messages that their senders changed or took back, after they were filed or before.
//!
//! Every change that a network tells of is kept once, under the network's own id of it, and what a message says follows
//! from all of them together: nothing, once it was taken back, else the youngest words. So it does not matter in which
//! order they come, and how often. Words that changed while nobody has answered take the place of the earlier ones, which
//! stay beside them, and the turn is decided anew. Words that changed after an answer are a message of their own: what was
//! sent stays sent.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::AnyConnection;

use super::changed::{self, Answered, Carrier, Version};
use super::handling::own_thread;
use super::intake::{Intake, record};
use super::{Dialect, Store, StoreError, audit, drafts, jobs, millis, no_nul, to_json};
use crate::domain::channel::Channel;
use crate::domain::ids::TenantId;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It says this now.
    Edit(String),
    /// It says something else now, and the network did not hand over what.
    Unread,
    /// Its sender took it back.
    Revoke,
}

/// A change that a network tells of.
#[derive(Clone, Debug)]
pub struct MessageChange {
    /// Whose.
    pub tenant: TenantId,
    /// The way it came.
    pub channel: Channel,
    /// The business's account.
    pub account: String,
    /// The network's id of the change.
    pub external_id: String,
    /// The network's id of the message.
    pub target: String,
    /// The thread of whoever made it: nobody changes another's words.
    pub thread: String,
    /// True for a message of the business itself.
    pub by_business: bool,
    /// What became of the message.
    pub kind: ChangeKind,
    /// When, as the network says.
    pub changed_at: DateTime<Utc>,
    /// When we heard of it.
    pub received_at: DateTime<Utc>,
    /// What is noted on the ticket where somebody has answered already: id and words.
    pub note: (String, String),
    /// The new words as a message of their own, should they need one. A message that was taken back has none.
    pub anew: Option<Intake>,
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The message says something else now.
    Applied,
    /// It had been answered: the new words are a message of their own.
    Anew,
    /// A younger change stands already, or nothing is different.
    Overtaken,
    /// It was known.
    Repeated,
    /// Its message is not known; it is kept for when that comes.
    Early,
    /// It is of nothing that its sender wrote.
    Foreign,
}

/// The counter of changes that concern no message of ours.
const IGNORED: &str = "changes_ignored";

impl Store {
    /// Notes changes in their order, all in one transaction. Says what each came to.
    pub async fn note_changes(
        &self,
        now: DateTime<Utc>,
        changes: Vec<MessageChange>,
    ) -> Result<Vec<Changed>, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let mut ends = Vec::with_capacity(changes.len());
                for change in &changes {
                    let end = note(connection, now, change).await?;
                    if end == Changed::Foreign {
                        count_ignored(connection, change.tenant.as_str(), 1).await?;
                    }
                    ends.push(end);
                }
                Ok(ends)
            })
        })
        .await
    }

    /// Forgets changes from before then whose message never came. Returns how many.
    pub async fn forget_changes(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write(move |connection| {
            Box::pin(async move {
                let gone: Vec<(String,)> = sqlx::query_as(
                    "DELETE FROM message_changes WHERE message_id IS NULL AND received_at < $1 RETURNING tenant",
                )
                .bind(millis(before))
                .fetch_all(&mut *connection)
                .await?;
                for (tenant,) in &gone {
                    count_ignored(connection, tenant, 1).await?;
                }
                Ok(gone.len())
            })
        })
        .await
    }

    /// Counts the changes that concerned no message, over all tenants.
    pub async fn ignored_changes(&self) -> Result<i64, StoreError> {
        let (count,): (i64,) = sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counters WHERE name = $1",
        )
        .bind(IGNORED)
        .fetch_one(&self.reads)
        .await?;
        Ok(count)
    }
}

async fn count_ignored(
    connection: &mut AnyConnection,
    tenant: &str,
    more: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO counters (tenant, name, value) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = counters.value + excluded.value",
    )
    .bind(tenant)
    .bind(IGNORED)
    .bind(more)
    .execute(connection)
    .await?;
    Ok(())
}

async fn note(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    change: &MessageChange,
) -> Result<Changed, StoreError> {
    let (kind, text) = match &change.kind {
        ChangeKind::Edit(text) => ("edit", no_nul(text)),
        ChangeKind::Unread => ("unread", String::new()),
        ChangeKind::Revoke => ("revoke", String::new()),
    };
    let account = no_nul(&change.account);
    let told = no_nul(&change.target);
    let place = Place {
        tenant: change.tenant.as_str(),
        channel: change.channel.as_str(),
        account: &account,
        target: &told,
    };
    let target = changed::target_of(connection, &place).await?.unwrap_or_else(|| told.clone());
    let place = Place { target: &target, ..place };
    let new = sqlx::query(
        "INSERT INTO message_changes (tenant, channel, account, external_id, target, thread, kind, text, changed_at, \
         received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (tenant, channel, account, external_id) DO NOTHING",
    )
    .bind(change.tenant.as_str())
    .bind(change.channel.as_str())
    .bind(&account)
    .bind(no_nul(&change.external_id))
    .bind(&target)
    .bind(no_nul(&change.thread))
    .bind(kind)
    .bind(text)
    .bind(millis(change.changed_at))
    .bind(millis(change.received_at))
    .execute(&mut *connection)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(Changed::Repeated);
    }
    let carriers = changed::carriers(connection, &place).await?;
    let author = if change.by_business { "agent" } else { "customer" };
    let theirs = |one: &Carrier| own_thread(&one.thread) == change.thread && one.author == author;
    if carriers.is_empty() && !change.by_business {
        return Ok(Changed::Early);
    }
    if carriers.is_empty() || !carriers.iter().all(theirs) {
        changed::drop_change(connection, &place, &change.external_id).await?;
        return Ok(Changed::Foreign);
    }
    apply(connection, now, &place, &carriers, Some(change)).await
}

/// Where a message is known, by its sender's id.
pub(super) struct Place<'a> {
    pub(super) tenant: &'a str,
    pub(super) channel: &'a str,
    pub(super) account: &'a str,
    pub(super) target: &'a str,
}

/// Makes a message say what all its changes together make of it. `change` is the one that came now; without one they came
/// before their message.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    place: &Place<'_>,
    carriers: &[Carrier],
    change: Option<&MessageChange>,
) -> Result<Changed, StoreError> {
    let Some(newest) = carriers.last() else { return Ok(Changed::Early) };
    let versions = changed::versions(connection, place).await?;
    changed::link(connection, place, &newest.id).await?;
    let revoked = versions.iter().find(|version| version.kind == "revoke");
    if let Some(revoke) = revoked {
        let standing: Vec<&Carrier> = carriers.iter().filter(|one| !one.deleted).collect();
        if standing.is_empty() {
            return Ok(Changed::Overtaken);
        }
        for one in &standing {
            changed::take_back(connection, now, one, revoke.changed_at).await?;
        }
        return settle(connection, now, newest, change, "message.deleted").await;
    }
    let edits = versions.iter().filter(|version| version.kind != "revoke");
    let Some(youngest) = edits.max_by_key(|version| (version.changed_at, version.place)) else {
        return Ok(Changed::Overtaken);
    };
    // One that is older than what stands is kept for people to see, and changes nothing.
    let is_now = change.is_none_or(|change| no_nul(&change.external_id) == youngest.external_id);
    let says_so = youngest.kind == "edit" && youngest.text == newest.text;
    if !is_now || says_so {
        return Ok(Changed::Overtaken);
    }
    if changed::answered(connection, newest).await? == Answered::Yes
        && let Some(change) = change
        && let Some(intake) = &change.anew
    {
        return stands_alone(connection, now, place, (newest, youngest), (change, intake)).await;
    }
    changed::replace(connection, newest, youngest).await?;
    settle(connection, now, newest, change, "message.edited").await
}

/// What follows for the conversation whose words are others now: nothing drafted before leaves, and where somebody still
/// waits the turn is decided anew.
async fn settle(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    one: &Carrier,
    change: Option<&MessageChange>,
    action: &'static str,
) -> Result<Changed, StoreError> {
    tell(connection, now, one, action).await?;
    if one.author != "customer" {
        return Ok(Changed::Applied);
    }
    let answered = changed::answered(connection, one).await? == Answered::Yes;
    sqlx::query("UPDATE conversations SET version = version + 1, updated_at = $1 WHERE id = $2")
        .bind(millis(now))
        .bind(&one.conversation)
        .execute(&mut *connection)
        .await?;
    let drafted = drafts::are_proposed(connection, &one.current_ticket).await?;
    drafts::retire_proposed(connection, &[&one.current_ticket]).await?;
    if drafted || !answered {
        jobs::revive_turn(connection, now, &one.tenant, &one.conversation).await?;
    }
    if let Some(change) = change
        && (answered || change.kind == ChangeKind::Unread)
    {
        note_down(connection, now, one, &one.ticket, &change.note).await?;
    }
    Ok(Changed::Applied)
}

/// Files words that changed after an answer as a message of their own.
async fn stands_alone(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    place: &Place<'_>,
    (one, youngest): (&Carrier, &Version),
    (change, intake): (&MessageChange, &Intake),
) -> Result<Changed, StoreError> {
    let mut intake = intake.clone();
    super::intake::make_storable(&mut intake.message);
    // The conversation that the message is in by now, which a person may have split off.
    intake.message.thread.clone_from(&one.thread);
    let id = intake.message.id.as_str().to_owned();
    let recorded = Box::pin(record(connection, now, &[intake])).await?;
    let Some(super::Recorded::New(ticket)) = recorded.into_iter().next() else {
        return Ok(Changed::Repeated);
    };
    changed::move_to(connection, place, &youngest.external_id, &id).await?;
    sqlx::query("UPDATE messages SET edited_at = $1 WHERE id = $2")
        .bind(millis(youngest.changed_at))
        .bind(&one.id)
        .execute(&mut *connection)
        .await?;
    note_down(connection, now, one, ticket.as_str(), &change.note).await?;
    tell(connection, now, one, "message.edited").await?;
    Ok(Changed::Anew)
}

async fn note_down(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    one: &Carrier,
    ticket: &str,
    (id, words): &(String, String),
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO notes (id, tenant, ticket_id, author, text, created_at) VALUES ($1, $2, $3, 'atende', $4, $5)")
        .bind(id)
        .bind(&one.tenant)
        .bind(ticket)
        .bind(words)
        .bind(millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

async fn tell(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    one: &Carrier,
    action: &'static str,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        tenant: &one.tenant,
        at: now,
        ticket: Some(&one.ticket),
        conversation: Some(&one.conversation),
        actor: "worker",
        action,
        before: None,
        after: Some(to_json(&json!({"message": one.id}))),
        cause: Some(one.author.clone()),
    };
    audit::append(connection, entry).await
}

/// Makes messages that were filed just now say what changes that came before them make of them.
pub(super) async fn apply_early(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    filed: &[&Intake],
) -> Result<(), StoreError> {
    // Only one network tells of changes, and only its messages are looked up.
    let filed = filed.iter().filter(|intake| intake.message.channel == Channel::Whatsapp);
    let targets: Vec<&str> = filed.clone().map(|one| one.message.external_id.as_str()).collect();
    if targets.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT DISTINCT tenant, channel, account, target FROM message_changes WHERE channel = $2 AND message_id IS NULL \
         AND target IN {}",
        Dialect::of(connection).json_strings("$1")
    );
    let early: Vec<(String, String, String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(to_json(&targets))
        .bind(Channel::Whatsapp.as_str())
        .fetch_all(&mut *connection)
        .await?;
    for (tenant, channel, account, target) in &early {
        let place = Place { tenant, channel, account, target };
        let carriers = changed::carriers(connection, &place).await?;
        let Some(one) = carriers.last() else { continue };
        // What somebody else said of it was never theirs to say.
        changed::drop_foreign(connection, &place, own_thread(&one.thread)).await?;
        apply(connection, now, &place, &carriers, None).await?;
    }
    Ok(())
}
