//! What people answer with: drafts written anew, replies that they keep, articles that they miss, passages that helped.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::actions::{self, Actor};
use super::{Store, StoreError, audit, drafts, millis, moment, no_nul, to_json};
use crate::domain::draft::{DraftText, Passage};
use crate::domain::ids::{ConversationId, TenantId, TicketId, TicketNumber, UserId};
use crate::domain::labels::Locale;

/// Most replies that one person keeps, and most that a team shares.
pub const SAVED_MAX: i64 = 200;
/// Wishes that a page lists.
const WISHES_MAX: i64 = 500;

/// A reply that somebody keeps to use again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedReply {
    /// Its id.
    pub id: String,
    /// The account of whoever keeps it.
    pub owner: String,
    /// Their name, where the account still is.
    pub owner_name: Option<String>,
    /// The whole team has it.
    pub shared: bool,
    /// What lists call it.
    pub name: String,
    /// The language of its words.
    pub locale: Locale,
    /// Its words, with fields such as `{nome}`.
    pub text: String,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What became of keeping a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptReply {
    /// It is kept.
    Done,
    /// There is no such reply that this person may change.
    NotFound,
    /// There are [`SAVED_MAX`] of them already.
    TooMany,
}

/// An article that somebody missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentWish {
    /// Its id.
    pub id: String,
    /// The ticket where it was missed.
    pub ticket: String,
    /// That ticket's number.
    pub number: String,
    /// The ticket's category then.
    pub category: Option<String>,
    /// The language of the customer.
    pub locale: Locale,
    /// The agent's sentence, personal data masked.
    pub text: String,
    /// The name of whoever missed it.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether a passage helped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassageVote {
    /// The article.
    pub article: String,
    /// Its language.
    pub locale: String,
    /// The heading of the passage.
    pub heading: String,
    /// It did.
    pub helpful: bool,
}

/// How often the passages of an article helped, and by whose word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleVotes {
    /// The article.
    pub article: String,
    /// Its language.
    pub locale: String,
    /// The name of whoever said so; nothing where their account is gone.
    pub by: Option<String>,
    /// Times that it helped.
    pub helpful: i64,
    /// Times that it did not.
    pub unhelpful: i64,
}

fn saved(row: &AnyRow) -> Result<SavedReply, StoreError> {
    let locale: String = row.try_get("locale")?;
    Ok(SavedReply {
        id: row.try_get("id")?,
        owner: row.try_get("owner_id")?,
        owner_name: row.try_get("owner_name")?,
        shared: row.try_get::<i64, _>("shared")? != 0,
        name: row.try_get("name")?,
        locale: Locale::parse(&locale).ok_or(StoreError::Unreadable("locale"))?,
        text: row.try_get("text")?,
        updated_at: moment(row.try_get("updated_at")?),
    })
}

fn wishes_where(condition: &str) -> String {
    format!(
        "SELECT w.id, w.ticket_id, t.number, w.category, w.locale, w.text, u.name AS wisher, w.created_at \
         FROM content_wishes w JOIN tickets t ON t.id = w.ticket_id LEFT JOIN users u ON u.id = w.wished_by \
         WHERE w.tenant = $1 AND {condition} ORDER BY w.created_at DESC, w.id LIMIT $3"
    )
}

fn wish_row(row: &AnyRow) -> Result<ContentWish, StoreError> {
    let locale: String = row.try_get("locale")?;
    let running = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default();
    Ok(ContentWish {
        id: row.try_get("id")?,
        ticket: row.try_get("ticket_id")?,
        number: TicketNumber::new(running).to_string(),
        category: row.try_get("category")?,
        locale: Locale::parse(&locale).ok_or(StoreError::Unreadable("locale"))?,
        text: row.try_get("text")?,
        by: row.try_get("wisher")?,
        at: moment(row.try_get("created_at")?),
    })
}

impl Store {
    /// Puts a draft that was written anew in the place of one, with its own passages. `false`, with nothing changed, where
    /// that one is not to be decided any more.
    pub async fn replace_draft(
        &self,
        now: DateTime<Utc>,
        (tenant, ticket): (&TenantId, &TicketId),
        actor: Actor,
        (version, draft, passages): (i64, DraftText, Vec<Passage>),
    ) -> Result<bool, StoreError> {
        let (dialect, tenant, ticket) = (self.dialect, tenant.clone(), ticket.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let locked = actions::lock_ticket(connection, dialect, &tenant, &ticket).await?;
                let Some(ticket) = locked else { return Ok(false) };
                if ticket.held_by_another(&actor, now).is_some() {
                    return Ok(false);
                }
                let anew = (version, &draft, Some(passages.as_slice()));
                drafts::revise(connection, now, &ticket, &actor, anew).await
            })
        })
        .await
    }

    /// Returns the conversation of a ticket.
    pub async fn conversation_of(
        &self,
        tenant: &TenantId,
        ticket: &TicketId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT conversation_id FROM tickets WHERE tenant = $1 AND id = $2")
                .bind(tenant.as_str())
                .bind(no_nul(ticket.as_str()))
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|(id,)| ConversationId::from_stored(id)))
    }

    /// Returns the replies that a person has: their own and the team's, by name.
    pub async fn saved_replies(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<SavedReply>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.id, s.owner_id, u.name AS owner_name, s.shared, s.name, s.locale, s.text, s.updated_at \
             FROM saved_replies s LEFT JOIN users u ON u.id = s.owner_id \
             WHERE s.tenant = $1 AND (s.owner_id = $2 OR s.shared = 1) ORDER BY s.name, s.id LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(user.as_str())
        .bind(2 * SAVED_MAX)
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(saved).collect()
    }

    /// Keeps a reply, or changes one: its owner may, and for those of the team whoever looks after them (`all`).
    pub async fn keep_reply(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        (actor, all): (Actor, bool),
        reply: SavedReply,
    ) -> Result<KeptReply, StoreError> {
        let tenant = tenant.clone();
        self.write(move |connection| {
            Box::pin(async move { keep(connection, now, &tenant, (&actor, all), &reply).await })
        })
        .await
    }

    /// Forgets a reply. False where there is none that this person may change.
    pub async fn forget_reply(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        (actor, user, all): (Actor, &UserId, bool),
        id: &str,
    ) -> Result<bool, StoreError> {
        let (tenant, user, id) = (tenant.clone(), user.clone(), no_nul(id));
        self.write(move |connection| {
            Box::pin(async move {
                let gone = sqlx::query(
                    "DELETE FROM saved_replies WHERE tenant = $1 AND id = $2 AND (owner_id = $3 OR (shared = 1 AND $4 = 1))",
                )
                .bind(tenant.as_str())
                .bind(&id)
                .bind(user.as_str())
                .bind(i64::from(all))
                .execute(&mut *connection)
                .await?;
                if gone.rows_affected() == 0 {
                    return Ok(false);
                }
                let after = json!({"saved": id});
                note(connection, now, (&tenant, None), &actor, ("saved.forgotten", after)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Files an article that somebody missed at a ticket. False where the ticket is not there.
    pub async fn wish(
        &self,
        now: DateTime<Utc>,
        (tenant, ticket): (&TenantId, &TicketId),
        (actor, user): (Actor, &UserId),
        (id, locale, text): (String, Locale, String),
    ) -> Result<bool, StoreError> {
        let (tenant, ticket, user) = (tenant.clone(), ticket.clone(), user.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let filed = sqlx::query(
                    "INSERT INTO content_wishes (id, tenant, ticket_id, category, locale, text, wished_by, created_at) \
                     SELECT $1, tenant, id, category, $2, $3, $4, $5 FROM tickets WHERE tenant = $6 AND id = $7",
                )
                .bind(&id)
                .bind(locale.as_str())
                .bind(no_nul(&text))
                .bind(user.as_str())
                .bind(millis(now))
                .bind(tenant.as_str())
                .bind(ticket.as_str())
                .execute(&mut *connection)
                .await?;
                if filed.rows_affected() == 0 {
                    return Ok(false);
                }
                let after = json!({"wish": id});
                note(connection, now, (&tenant, Some(&ticket)), &actor, ("content.wished", after))
                    .await?;
                Ok(true)
            })
        })
        .await
    }

    /// Returns the articles that people miss and nobody has seen to, the latest first.
    pub async fn wishes(&self, tenant: &TenantId) -> Result<Vec<ContentWish>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(wishes_where(
            "w.done_at IS NULL AND w.ticket_id <> $2",
        )))
        .bind(tenant.as_str())
        .bind("")
        .bind(WISHES_MAX)
        .fetch_all(&self.reads)
        .await?;
        rows.iter().map(wish_row).collect()
    }

    /// Returns the articles that people missed at a ticket, the latest first.
    pub async fn wishes_at(
        &self,
        tenant: &TenantId,
        ticket: &TicketId,
    ) -> Result<Vec<ContentWish>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(wishes_where("w.ticket_id = $2")))
            .bind(tenant.as_str())
            .bind(no_nul(ticket.as_str()))
            .bind(WISHES_MAX)
            .fetch_all(&self.reads)
            .await?;
        rows.iter().map(wish_row).collect()
    }

    /// Notes that a wish was seen to. False where it is not there, or was before.
    pub async fn fulfil_wish(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        (actor, user): (Actor, &UserId),
        id: &str,
    ) -> Result<bool, StoreError> {
        let (tenant, user, id) = (tenant.clone(), user.clone(), no_nul(id));
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE content_wishes SET done_at = $1, done_by = $2 WHERE tenant = $3 AND id = $4 AND done_at IS NULL",
                )
                .bind(millis(now))
                .bind(user.as_str())
                .bind(tenant.as_str())
                .bind(&id)
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                let after = json!({"wish": id});
                note(connection, now, (&tenant, None), &actor, ("content.wish_done", after)).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Notes whether a passage helped somebody with a ticket; their last word counts. False where the ticket is not there.
    pub async fn vote(
        &self,
        now: DateTime<Utc>,
        (tenant, ticket): (&TenantId, &TicketId),
        user: &UserId,
        vote: PassageVote,
    ) -> Result<bool, StoreError> {
        let (tenant, ticket, user) = (tenant.clone(), ticket.clone(), user.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query(
                    "INSERT INTO passage_votes (tenant, ticket_id, article, locale, heading, user_id, helpful, voted_at) \
                     SELECT tenant, id, $1, $2, $3, $4, $5, $6 FROM tickets WHERE tenant = $7 AND id = $8 \
                     ON CONFLICT (tenant, ticket_id, article, locale, heading, user_id) \
                     DO UPDATE SET helpful = excluded.helpful, voted_at = excluded.voted_at",
                )
                .bind(no_nul(&vote.article))
                .bind(no_nul(&vote.locale))
                .bind(no_nul(&vote.heading))
                .bind(user.as_str())
                .bind(i64::from(vote.helpful))
                .bind(millis(now))
                .bind(tenant.as_str())
                .bind(ticket.as_str())
                .execute(&mut *connection)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// Returns what a person said of the passages of a ticket.
    pub async fn votes_of(
        &self,
        tenant: &TenantId,
        ticket: &TicketId,
        user: &UserId,
    ) -> Result<Vec<PassageVote>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT article, locale, heading, helpful FROM passage_votes WHERE tenant = $1 AND ticket_id = $2 AND user_id = $3",
        )
        .bind(tenant.as_str())
        .bind(no_nul(ticket.as_str()))
        .bind(user.as_str())
        .fetch_all(&self.reads)
        .await?;
        let vote = |(article, locale, heading, helpful): (String, String, String, i64)| {
            PassageVote { article, locale, heading, helpful: helpful != 0 }
        };
        Ok(rows.into_iter().map(vote).collect())
    }

    /// Counts what people said of articles, those that helped least first.
    pub async fn article_votes(&self, tenant: &TenantId) -> Result<Vec<ArticleVotes>, StoreError> {
        let rows: Vec<(String, String, Option<String>, i64, i64)> = sqlx::query_as(
            "SELECT v.article, v.locale, u.name, CAST(SUM(v.helpful) AS BIGINT), CAST(SUM(1 - v.helpful) AS BIGINT) \
             FROM passage_votes v LEFT JOIN users u ON u.id = v.user_id WHERE v.tenant = $1 \
             GROUP BY v.article, v.locale, u.name ORDER BY 5 DESC, 1, 2, 3 LIMIT $2",
        )
        .bind(tenant.as_str())
        .bind(WISHES_MAX)
        .fetch_all(&self.reads)
        .await?;
        let votes = |(article, locale, by, helpful, unhelpful)| ArticleVotes {
            article,
            locale,
            by,
            helpful,
            unhelpful,
        };
        Ok(rows.into_iter().map(votes).collect())
    }
}

async fn keep(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    (actor, all): (&Actor, bool),
    reply: &SavedReply,
) -> Result<KeptReply, StoreError> {
    let changed = sqlx::query(
        "UPDATE saved_replies SET shared = $1, name = $2, locale = $3, text = $4, updated_at = $5 \
         WHERE tenant = $6 AND id = $7 AND (owner_id = $8 OR (shared = 1 AND $9 = 1))",
    )
    .bind(i64::from(reply.shared))
    .bind(no_nul(&reply.name))
    .bind(reply.locale.as_str())
    .bind(no_nul(&reply.text))
    .bind(millis(now))
    .bind(tenant.as_str())
    .bind(no_nul(&reply.id))
    .bind(&reply.owner)
    .bind(i64::from(all))
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() == 0 {
        let (taken, many): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM saved_replies WHERE id = $1), \
             (SELECT COUNT(*) FROM saved_replies WHERE tenant = $2 AND shared = $3 AND ($3 = 1 OR owner_id = $4))",
        )
        .bind(no_nul(&reply.id))
        .bind(tenant.as_str())
        .bind(i64::from(reply.shared))
        .bind(&reply.owner)
        .fetch_one(&mut *connection)
        .await?;
        if taken > 0 {
            return Ok(KeptReply::NotFound);
        }
        if many >= SAVED_MAX {
            return Ok(KeptReply::TooMany);
        }
        sqlx::query(
            "INSERT INTO saved_replies (id, tenant, owner_id, shared, name, locale, text, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        )
        .bind(no_nul(&reply.id))
        .bind(tenant.as_str())
        .bind(&reply.owner)
        .bind(i64::from(reply.shared))
        .bind(no_nul(&reply.name))
        .bind(reply.locale.as_str())
        .bind(no_nul(&reply.text))
        .bind(millis(now))
        .execute(&mut *connection)
        .await?;
    }
    let after = json!({"saved": reply.id, "shared": reply.shared});
    note(connection, now, (tenant, None), actor, ("saved.kept", after)).await?;
    Ok(KeptReply::Done)
}

async fn note(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    (tenant, ticket): (&TenantId, Option<&TicketId>),
    actor: &Actor,
    (action, after): (&str, Value),
) -> Result<(), StoreError> {
    audit::append(
        connection,
        audit::Entry {
            tenant: tenant.as_str(),
            at: now,
            ticket: ticket.map(TicketId::as_str),
            conversation: None,
            actor: &actor.audit_name(),
            action,
            before: None,
            after: Some(to_json(&after)),
            cause: None,
        },
    )
    .await
}
