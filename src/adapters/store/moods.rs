//! How a customer's mood went from turn to turn.

use serde_json::Value;

use super::{Store, StoreError, from_json, to_json};
use crate::domain::ids::TenantId;
use crate::domain::labels::Sentiment;

/// How many turns a course goes back.
const TURNS: u32 = 12;

impl Store {
    /// Returns the moods of the latest turns of some tickets of one customer, oldest first.
    pub async fn moods(
        &self,
        tenant: &TenantId,
        tickets: &[&str],
    ) -> Result<Vec<Sentiment>, StoreError> {
        // By ticket alone, so that neither database goes through a business's decisions by time; whose they are is
        // compared afterwards.
        let sql = format!(
            "SELECT tenant, record FROM decisions WHERE ticket_id IN {} ORDER BY decided_at DESC, id DESC LIMIT {TURNS}",
            self.dialect.json_strings("$1")
        );
        let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(to_json(&tickets))
            .fetch_all(&self.reads)
            .await?;
        let mut moods = Vec::with_capacity(rows.len());
        for (_, record) in rows.iter().rev().filter(|(of, _)| of == tenant.as_str()) {
            let record: Value = from_json("decision", record)?;
            let mood = record.pointer("/understood/sentiment/value").and_then(Value::as_str);
            moods.extend(mood.and_then(Sentiment::parse));
        }
        Ok(moods)
    }
}
