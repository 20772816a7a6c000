//! Declared incidents of a business (P6): their scope, what they do to deadlines, and whom their notices reached.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::looks::notice_row;
use super::outbox::insert_rows;
use super::people::{NewNotification, insert_notifications};
use super::{
    DueTicket, NewNotice, Store, StoreError, audit, from_json, millis, moment, no_nul, to_json,
};
use crate::domain::channel::Channel;
use crate::domain::decision::LocalText;
use crate::domain::ids::TenantId;
use crate::policy::clocks::IncidentSpan;
use crate::policy::{IncidentKind, SlaTime};

/// Which tickets an incident concerns; empty lists mean all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentScope {
    /// Categories.
    pub categories: Vec<String>,
    /// Channels.
    pub channels: Vec<Channel>,
}

impl IncidentScope {
    /// True where it concerns a category on a channel; one that is not known yet is concerned.
    pub fn covers(&self, category: Option<&str>, channel: Channel) -> bool {
        let of_category = |category: &str| self.categories.iter().any(|own| own == category);
        (self.categories.is_empty() || category.is_none_or(of_category))
            && (self.channels.is_empty() || self.channels.contains(&channel))
    }

    /// True where it concerns everything.
    pub fn is_all(&self) -> bool {
        self.categories.is_empty() && self.channels.is_empty()
    }
}

/// What the policy says of a kind of incident, as it said when this one was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentTerms {
    /// Whether automatic answers stop.
    pub stop_auto: bool,
    /// Whether clocks stand still.
    pub suspend_sla: bool,
    /// The time until a response, as the policy writes it.
    pub first_response: Option<String>,
    /// The time until the resolution.
    pub resolution: Option<String>,
    /// Minutes between updates to customers.
    pub update_every_mins: Option<u32>,
    /// Roles that are told.
    pub notify: Vec<String>,
}

impl From<&IncidentKind> for IncidentTerms {
    fn from(kind: &IncidentKind) -> Self {
        Self {
            stop_auto: kind.stop_auto,
            suspend_sla: kind.suspend_sla,
            first_response: kind.first_response.map(|time| time.to_string()),
            resolution: kind.resolution.map(|time| time.to_string()),
            update_every_mins: kind.update_every_mins,
            notify: kind.notify.clone(),
        }
    }
}

/// An incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// Its kind, as the policy calls it.
    pub kind: String,
    /// What operators call it.
    pub name: String,
    /// Which tickets it concerns.
    pub scope: IncidentScope,
    /// What customers are told; empty texts where nothing is.
    pub words: LocalText,
    /// What it does.
    pub terms: IncidentTerms,
    /// Who declared it.
    pub declared_by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When customers expect to hear more.
    pub next_update_at: Option<DateTime<Utc>>,
    /// How often customers were to hear more of it, its end included.
    pub updates: i64,
    /// When it ended; `None` while it stands.
    pub ended_at: Option<DateTime<Utc>>,
    /// What its end was told with.
    pub summary: Option<String>,
}

impl Incident {
    /// True where it concerns a category on a channel.
    pub fn concerns(&self, category: Option<&str>, channel: Channel) -> bool {
        self.scope.covers(category, channel)
    }

    /// Returns what it does to deadlines.
    pub fn span(&self) -> IncidentSpan {
        let time = |text: &Option<String>| text.as_deref().and_then(SlaTime::parse);
        IncidentSpan {
            id: self.name.clone(),
            from: self.started_at,
            until: self.ended_at,
            suspends: self.terms.suspend_sla,
            response: time(&self.terms.first_response),
            resolution: time(&self.terms.resolution),
        }
    }
}

/// How far back ended incidents still matter for deadlines.
const REMEMBERED: chrono::Duration = chrono::Duration::days(90);
/// The most incidents that are remembered at once.
const REMEMBERED_MAX: i64 = 500;

const COLUMNS: &str = "id, kind, name, scope, words, terms, declared_by, started_at, next_update_at, updates, ended_at, \
     summary";

fn incident(row: &AnyRow) -> Result<Incident, StoreError> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let when = |column: &str| -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(moment))
    };
    Ok(Incident {
        id: text("id")?,
        kind: text("kind")?,
        name: text("name")?,
        scope: from_json("incident scope", &text("scope")?)?,
        words: from_json("incident words", &text("words")?)?,
        terms: from_json("incident terms", &text("terms")?)?,
        declared_by: text("declared_by")?,
        started_at: moment(row.try_get("started_at")?),
        next_update_at: when("next_update_at")?,
        updates: row.try_get("updates")?,
        ended_at: when("ended_at")?,
        summary: row.try_get("summary")?,
    })
}

/// What changes an incident.
#[derive(Clone, Debug)]
pub enum IncidentChange {
    /// It is declared.
    Declare(Box<Incident>),
    /// Customers and stakeholders hear more of it.
    Update {
        /// What customers are told from now on.
        words: LocalText,
        /// When they expect to hear more.
        next_update_at: Option<DateTime<Utc>>,
    },
    /// It is over.
    End {
        /// What customers are told; empty where nothing is.
        words: LocalText,
        /// What happened and was done, for the stakeholders.
        summary: Option<String>,
    },
}

impl Store {
    /// Returns the incidents that matter for today's deadlines, in the order in which they began.
    pub async fn incidents(
        &self,
        tenant: &TenantId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Incident>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM incidents WHERE tenant = $1 AND started_at >= $2 ORDER BY started_at DESC, id LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(millis(now - REMEMBERED))
            .bind(REMEMBERED_MAX)
            .fetch_all(&self.reads)
            .await?;
        let mut found: Vec<Incident> = rows.iter().map(incident).collect::<Result<_, _>>()?;
        found.reverse();
        Ok(found)
    }

    /// Changes an incident by its name, on behalf of an actor. Declaring one and ending one raise the tenant's epoch: what was decided before
    /// is decided anew, deadlines too. What `tell` makes of it is queued with it. `None` when there is no such open incident, or one of that name stands already.
    pub async fn change_incident(
        &self,
        now: DateTime<Utc>,
        tenant: &TenantId,
        (actor, name): (&str, &str),
        change: IncidentChange,
        tell: impl FnOnce(&Incident) -> Vec<NewNotification> + Send + 'static,
    ) -> Result<Option<Incident>, StoreError> {
        let (tenant, actor, name) = (tenant.clone(), actor.to_owned(), no_nul(name));
        self.write(move |connection| {
            Box::pin(async move {
                let changed = apply(connection, now, &tenant, (&actor, &name), change).await?;
                if let Some(changed) = &changed {
                    insert_notifications(connection, now, &tell(changed)).await?;
                }
                Ok(changed)
            })
        })
        .await
    }

    /// Loads tickets of conversations that have not heard an incident's latest update.
    pub async fn not_heard(
        &self,
        incident: &Incident,
        max: u32,
    ) -> Result<Vec<DueTicket>, StoreError> {
        let ids: Vec<(String,)> = sqlx::query_as(
            "SELECT ticket_id FROM incident_told WHERE incident_id = $1 AND heard < $2 ORDER BY heard LIMIT $3",
        )
        .bind(&incident.id)
        .bind(incident.updates)
        .bind(i64::from(max))
        .fetch_all(&self.reads)
        .await?;
        self.load_tickets(&ids.into_iter().map(|(id,)| id).collect::<Vec<_>>()).await
    }

    /// Queues an incident's update for conversations and notes that they heard it, with or without a notice.
    pub async fn tell_more(
        &self,
        now: DateTime<Utc>,
        incident: &Incident,
        told: Vec<(DueTicket, Option<NewNotice>)>,
    ) -> Result<(), StoreError> {
        let incident = incident.clone();
        self.write(move |connection| {
            Box::pin(async move {
                for (ticket, notice) in &told {
                    let done = sqlx::query(
                        "UPDATE incident_told SET heard = $1 WHERE incident_id = $2 AND conversation_id = $3 AND heard < $1",
                    )
                    .bind(incident.updates)
                    .bind(&incident.id)
                    .bind(&ticket.conversation)
                    .execute(&mut *connection)
                    .await?;
                    if let (1.., Some(notice)) = (done.rows_affected(), notice) {
                        insert_rows(connection, now, &[notice_row(ticket, notice, 0)]).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Counts whom an incident's notice reached.
    pub async fn count_told(&self, incident: &str) -> Result<i64, StoreError> {
        let (count,): (i64,) =
            sqlx::query_as("SELECT COUNT(*) FROM incident_told WHERE incident_id = $1")
                .bind(incident)
                .fetch_one(&self.reads)
                .await?;
        Ok(count)
    }
}

async fn apply(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
    tenant: &TenantId,
    (actor, name): (&str, &str),
    change: IncidentChange,
) -> Result<Option<Incident>, StoreError> {
    let dialect = super::Dialect::of(connection);
    let sql = format!(
        "SELECT {COLUMNS} FROM incidents WHERE tenant = $1 AND name = $2 AND ended_at IS NULL{}",
        dialect.lock("incidents")
    );
    let open = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(tenant.as_str())
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    let open = open.as_ref().map(incident).transpose()?;
    let (action, changed) = match (open, change) {
        (None, IncidentChange::Declare(new)) => {
            insert(connection, tenant, &new).await?;
            ("incident.declared", *new)
        }
        (Some(open), IncidentChange::Update { words, next_update_at }) => {
            let updates = open.updates + 1;
            ("incident.updated", Incident { words, next_update_at, updates, ..open })
        }
        (Some(open), IncidentChange::End { words, summary }) => {
            let summary = summary.map(|text| no_nul(&text));
            let ended = Incident {
                words,
                summary,
                ended_at: Some(now),
                next_update_at: None,
                updates: open.updates + 1,
                ..open
            };
            ("incident.ended", ended)
        }
        (Some(_), IncidentChange::Declare(_)) | (None, _) => return Ok(None),
    };
    sqlx::query(
        "UPDATE incidents SET words = $1, next_update_at = $2, ended_at = $3, summary = $4, updates = $5 WHERE id = $6",
    )
    .bind(no_nul(&to_json(&changed.words)))
    .bind(changed.next_update_at.map(millis))
    .bind(changed.ended_at.map(millis))
    .bind(&changed.summary)
    .bind(changed.updates)
    .bind(&changed.id)
    .execute(&mut *connection)
    .await?;
    if action != "incident.updated" {
        raise_epoch(connection, tenant).await?;
    }
    audit::append(
        connection,
        audit::Entry {
            tenant: tenant.as_str(),
            at: now,
            ticket: None,
            conversation: None,
            actor,
            action,
            before: None,
            after: Some(to_json(&serde_json::json!({
                "incident": changed.name, "kind": changed.kind, "id": changed.id,
                "stop_auto": changed.terms.stop_auto, "suspend_sla": changed.terms.suspend_sla,
            }))),
            cause: None,
        },
    )
    .await?;
    Ok(Some(changed))
}

async fn insert(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    new: &Incident,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO incidents (id, tenant, kind, name, scope, words, terms, declared_by, started_at, next_update_at, \
         updates) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)",
    )
    .bind(&new.id)
    .bind(tenant.as_str())
    .bind(&new.kind)
    .bind(no_nul(&new.name))
    .bind(to_json(&new.scope))
    .bind(no_nul(&to_json(&new.words)))
    .bind(to_json(&new.terms))
    .bind(&new.declared_by)
    .bind(millis(new.started_at))
    .bind(new.next_update_at.map(millis))
    .execute(connection)
    .await?;
    Ok(())
}

/// Has everything decided anew, and notes which incident holds back what leaves by itself everywhere.
async fn raise_epoch(connection: &mut AnyConnection, tenant: &TenantId) -> Result<(), StoreError> {
    let open: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT name, scope, terms FROM incidents WHERE tenant = $1 AND ended_at IS NULL ORDER BY started_at",
    )
    .bind(tenant.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let mut holds = None;
    for (name, scope, terms) in open {
        let scope: IncidentScope = from_json("incident scope", &scope)?;
        let terms: IncidentTerms = from_json("incident terms", &terms)?;
        if terms.stop_auto && scope.is_all() {
            holds = Some(name);
        }
    }
    sqlx::query(
        "INSERT INTO tenants (tenant, epoch, policy_digest, incident) VALUES ($1, 1, '', $2) \
         ON CONFLICT (tenant) DO UPDATE SET epoch = tenants.epoch + 1, incident = excluded.incident",
    )
    .bind(tenant.as_str())
    .bind(holds)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that an incident's notice goes to a conversation. False where it went there before.
pub(super) async fn tell(
    connection: &mut AnyConnection,
    incident: &str,
    conversation: &str,
    ticket: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO incident_told (incident_id, conversation_id, ticket_id, heard) \
         SELECT i.id, $2, $3, i.updates FROM incidents i WHERE i.id = $1 ON CONFLICT DO NOTHING",
    )
    .bind(incident)
    .bind(conversation)
    .bind(ticket)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
