//! A person's messages found in the inbox, and removed from it, filed or not.

use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::{Command, Inbox, closed, failed, failed_shared};
use crate::adapters::{Rewritten, rewrite};
use crate::domain::ids::TenantId;
use crate::domain::message::{InboundMessage, MessageOrigin};
use crate::ports::PortError;

/// How many rows are read at once.
const PAGE: u32 = 1_000;

/// What is to go, as a table; `$1` is the business, `$2` the messages. One that a network sent again after it was
/// forgotten here has another id.
const GONE: &str = "WITH gone AS (SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.channel') AS channel, \
     json_extract(value, '$.account') AS account, json_extract(value, '$.external_id') AS external_id \
     FROM json_each($2)), \
     found AS (SELECT i.message_id FROM inbox i JOIN gone g ON i.message_id = g.id WHERE i.tenant = $1 \
     UNION SELECT i.message_id FROM gone g JOIN inbox i ON i.tenant = $1 AND i.channel = g.channel \
     AND i.account = g.account AND i.external_id = g.external_id) ";

impl Inbox {
    /// Returns a business's messages that the inbox still holds the words of, because they wait or were set aside, as
    /// far as `wanted` picks them.
    pub async fn held(
        &self,
        tenant: &TenantId,
        wanted: impl Fn(&InboundMessage) -> bool,
    ) -> Result<Vec<InboundMessage>, PortError> {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let rows: Vec<(i64, String)> = sqlx::query_as(
                "SELECT seq, payload FROM inbox WHERE tenant = $1 AND payload IS NOT NULL AND seq > $2 ORDER BY seq LIMIT $3",
            )
            .bind(tenant.as_str())
            .bind(after)
            .bind(PAGE)
            .fetch_all(&self.reads)
            .await
            .map_err(|error| failed("read inbox", error))?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            after = *last;
            let read = rows.iter().filter_map(|(_, text)| serde_json::from_str(text).ok());
            found.extend(read.filter(|message| wanted(message)));
        }
    }

    /// Removes messages of a business, filed or not, with the callers' keys that stood for them. A worker that has one
    /// in hand already may still file it.
    pub async fn erase(
        &self,
        tenant: &TenantId,
        messages: Vec<MessageOrigin>,
    ) -> Result<(), PortError> {
        if messages.is_empty() {
            return Ok(());
        }
        let (answer, heard) = oneshot::channel();
        let command = Command::Erase { tenant: tenant.clone(), messages, answer };
        self.commands.send(command).await.map_err(|_| closed())?;
        heard.await.map_err(|_| closed())?.map_err(|error| failed_shared(&error))
    }

    /// Rewrites the file, so that it holds nothing of what was removed; others may use it meanwhile.
    pub async fn rewrite(&self) -> Result<Rewritten, PortError> {
        rewrite(&self.file).await.map_err(|error| failed("rewrite inbox", error))
    }
}

pub(super) async fn remove(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    messages: &[MessageOrigin],
) -> Result<(), sqlx::Error> {
    let listed = serde_json::to_string(messages).unwrap_or_else(|_| "[]".to_owned());
    // The keys first: the rows tell which they are.
    for sql in [
        "DELETE FROM idempotency WHERE tenant = $1 AND message_id IN (SELECT id FROM gone UNION SELECT message_id FROM found)",
        "DELETE FROM inbox WHERE message_id IN (SELECT message_id FROM found)",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(format!("{GONE}{sql}")))
            .persistent(false)
            .bind(tenant.as_str())
            .bind(&listed)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
