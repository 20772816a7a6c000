//! Decisions in the order they were made, for reports and replays.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row;

use super::{Cursor, Store, StoreError, from_json, millis, moment, no_nul};
use crate::domain::ids::{TenantId, TicketNumber};

/// A decision with the ticket it belongs to.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionRow {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub decided_at: DateTime<Utc>,
    /// The ticket.
    pub ticket_id: String,
    /// The ticket's number, with check digit.
    pub number: String,
    /// The way the turn came.
    pub channel: String,
    /// The customer's name, as far as known.
    pub customer_name: Option<String>,
    /// How many messages the turn joined.
    pub messages: i64,
    /// The decision record.
    pub record: Value,
}

impl DecisionRow {
    /// Returns the place of this row in its list.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: millis(self.decided_at), id: self.id.clone() }
    }
}

impl Store {
    /// Lists decisions, oldest first.
    pub async fn list_decisions(
        &self,
        tenant: &TenantId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let after = after.cloned().unwrap_or(Cursor { at: i64::MIN, id: String::new() });
        let rows = sqlx::query(
            "SELECT d.id, d.decided_at, d.ticket_id, d.record, t.number, t.channel, c.contact, \
             (SELECT COUNT(*) FROM messages m WHERE m.conversation_id = d.conversation_id AND m.decision_id = d.id) AS messages \
             FROM decisions d JOIN tickets t ON t.id = d.ticket_id JOIN conversations c ON c.id = d.conversation_id \
             WHERE d.tenant = $1 AND (d.decided_at > $2 OR (d.decided_at = $2 AND d.id > $3)) \
             ORDER BY d.decided_at, d.id LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(after.at)
        .bind(no_nul(&after.id))
        .bind(i64::from(limit))
        .fetch_all(&self.reads)
        .await?;
        rows.iter()
            .map(|row| {
                let contact: Value = from_json("contact", &row.try_get::<String, _>("contact")?)?;
                let number = u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0);
                Ok(DecisionRow {
                    id: row.try_get("id")?,
                    decided_at: moment(row.try_get("decided_at")?),
                    ticket_id: row.try_get("ticket_id")?,
                    number: TicketNumber::new(number).to_string(),
                    channel: row.try_get("channel")?,
                    customer_name: contact.get("name").and_then(Value::as_str).map(str::to_owned),
                    messages: row.try_get("messages")?,
                    record: from_json("decision", &row.try_get::<String, _>("record")?)?,
                })
            })
            .collect()
    }
}
