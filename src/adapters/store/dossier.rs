//! Everything that is kept of a person, for whoever may ask for it (LGPD, article 18).

use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::person::{Person, TICKETS};
use super::{Store, StoreError, from_json, moment, to_json};
use crate::domain::ids::TicketNumber;

impl Store {
    /// Returns everything that is kept of a person, table by table. Of other people it names nobody.
    pub async fn dossier(&self, person: &Person) -> Result<Value, StoreError> {
        let (customers, conversations) =
            (to_json(&person.customers), to_json(&person.conversation_ids()));
        let mut dossier = serde_json::Map::new();
        for table in TABLES {
            let ids = if table.of_customers { &customers } else { &conversations };
            let sql = format!("SELECT {} FROM {}", columns(table), table.from)
                .replace("{tickets}", TICKETS)
                .replace("{ids}", &self.dialect.json_strings("$1"));
            let rows =
                sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&self.reads).await?;
            let rows: Result<Vec<Value>, _> = rows.iter().map(|row| exported(table, row)).collect();
            dossier.insert(table.name.to_owned(), Value::Array(rows?));
        }
        Ok(Value::Object(dossier))
    }
}

/// How a column is shown.
enum As {
    Text,
    Json,
    Number,
    Time,
    /// A ticket's number, with its check digit.
    Ticket,
}

/// What a table gives to an export. `{ids}` are conversations, or customers.
struct Table {
    name: &'static str,
    of_customers: bool,
    from: &'static str,
    columns: &'static [(&'static str, As)],
}

fn columns(table: &Table) -> String {
    table.columns.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ")
}

fn exported(table: &Table, row: &AnyRow) -> Result<Value, StoreError> {
    let mut values = serde_json::Map::new();
    for (column, shown) in table.columns {
        let name = column.rsplit(" AS ").next().unwrap_or(column);
        let value = match shown {
            As::Text => Value::from(row.try_get::<Option<String>, _>(name)?),
            As::Json => from_json(name, &row.try_get::<String, _>(name)?)?,
            As::Number => Value::from(row.try_get::<Option<i64>, _>(name)?),
            As::Time => serde_json::json!(row.try_get::<Option<i64>, _>(name)?.map(moment)),
            As::Ticket => {
                let running = u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0);
                Value::from(TicketNumber::new(running).to_string())
            }
        };
        values.insert(name.to_owned(), value);
    }
    Ok(Value::Object(values))
}

/// Everything that holds a person's words or names them. Agents stand in none of it.
const TABLES: &[Table] = &[
    Table {
        name: "customers",
        of_customers: true,
        from: "customers WHERE id IN {ids} ORDER BY id",
        columns: &[
            ("id", As::Text),
            ("reference", As::Text),
            ("profile", As::Json),
            ("created_at", As::Time),
            ("updated_at", As::Time),
        ],
    },
    Table {
        name: "contacts",
        of_customers: true,
        from: "contacts WHERE customer_id IN {ids} ORDER BY kind, value",
        columns: &[("kind", As::Text), ("value", As::Text), ("customer_id", As::Text)],
    },
    Table {
        name: "marks_of_customers",
        of_customers: true,
        from: "contact_marks WHERE (kind = 'customer' AND value IN {ids}) OR (tenant, kind, value) IN \
             (SELECT tenant, kind, value FROM contacts WHERE customer_id IN {ids}) ORDER BY kind, value, mark",
        columns: &[
            ("kind", As::Text),
            ("value", As::Text),
            ("mark", As::Text),
            ("standing", As::Number),
            ("reason", As::Text),
            ("at", As::Time),
        ],
    },
    Table {
        name: "marks",
        of_customers: false,
        from: "contact_marks WHERE kind = 'network' AND value IN (SELECT thread FROM conversations WHERE id IN {ids}) \
             ORDER BY value, mark",
        columns: &[
            ("kind", As::Text),
            ("value", As::Text),
            ("mark", As::Text),
            ("standing", As::Number),
            ("reason", As::Text),
            ("at", As::Time),
        ],
    },
    Table {
        name: "conversations",
        of_customers: false,
        from: "conversations WHERE id IN {ids} ORDER BY id",
        columns: &[
            ("id", As::Text),
            ("customer_id", As::Text),
            ("channel", As::Text),
            ("account", As::Text),
            ("thread", As::Text),
            ("contact", As::Json),
            ("language", As::Text),
            ("opted_out", As::Number),
            ("vault AS masked", As::Json),
            ("created_at", As::Time),
            ("last_inbound_at", As::Time),
            ("last_outbound_at", As::Time),
        ],
    },
    Table {
        name: "tickets",
        of_customers: false,
        from: "tickets WHERE conversation_id IN {ids} ORDER BY created_at, id",
        columns: &[
            ("id", As::Text),
            ("number", As::Ticket),
            ("conversation_id", As::Text),
            ("channel", As::Text),
            ("source_ref", As::Text),
            ("status", As::Text),
            ("subject", As::Text),
            ("language", As::Text),
            ("category", As::Text),
            ("subcategory", As::Text),
            ("urgency", As::Text),
            ("sentiment", As::Text),
            ("overrides", As::Json),
            ("tags", As::Json),
            ("csat AS rating", As::Number),
            ("callback_from", As::Time),
            ("callback_until", As::Time),
            ("created_at", As::Time),
            ("first_response_at", As::Time),
            ("solved_at", As::Time),
            ("closed_at", As::Time),
        ],
    },
    Table {
        name: "messages",
        of_customers: false,
        from: "messages WHERE conversation_id IN {ids} ORDER BY seq",
        columns: &[
            ("id", As::Text),
            ("ticket_id", As::Text),
            ("CASE WHEN author = 'customer' THEN 'in' ELSE 'out' END AS direction", As::Text),
            ("author", As::Text),
            ("sent_at", As::Time),
            ("external_id", As::Text),
            ("subject", As::Text),
            ("text", As::Text),
            ("whole", As::Text),
            ("original", As::Text),
            ("edited_at", As::Time),
            ("deleted_at", As::Time),
        ],
    },
    Table {
        name: "message_changes",
        of_customers: false,
        from: "message_changes WHERE message_id IN (SELECT id FROM messages WHERE conversation_id IN {ids}) \
             OR thread IN (SELECT thread FROM conversations WHERE id IN {ids}) ORDER BY changed_at, external_id",
        columns: &[
            ("message_id", As::Text),
            ("target", As::Text),
            ("kind", As::Text),
            ("text", As::Text),
            ("changed_at", As::Time),
        ],
    },
    Table {
        name: "attachments",
        of_customers: false,
        from: "attachments WHERE message_id IN (SELECT id FROM messages WHERE conversation_id IN {ids}) \
             OR outbox_id IN (SELECT id FROM outbox WHERE conversation_id IN {ids}) ORDER BY id",
        columns: &[
            ("id", As::Text),
            ("message_id", As::Text),
            ("kind", As::Text),
            ("name", As::Text),
            ("COALESCE(sniffed, claimed) AS type", As::Text),
            ("size", As::Number),
            ("sha256", As::Text),
            ("state", As::Text),
            ("created_at", As::Time),
        ],
    },
    Table {
        name: "drafts",
        of_customers: false,
        from: "drafts WHERE ticket_id IN {tickets} ORDER BY created_at, id",
        columns: &[
            ("id", As::Text),
            ("ticket_id", As::Text),
            ("version", As::Number),
            ("state", As::Text),
            ("created_at", As::Time),
            ("text", As::Text),
            ("final_text", As::Text),
            ("reason", As::Text),
        ],
    },
    Table {
        name: "replies",
        of_customers: false,
        from: "outbox WHERE conversation_id IN {ids} ORDER BY seq",
        columns: &[
            ("id", As::Text),
            ("ticket_id", As::Text),
            ("kind", As::Text),
            ("state", As::Text),
            ("created_at", As::Time),
            ("finished_at", As::Time),
            ("body", As::Json),
        ],
    },
    Table {
        name: "notes",
        of_customers: false,
        from: "notes WHERE ticket_id IN {tickets} ORDER BY created_at, id",
        columns: &[
            ("id", As::Text),
            ("ticket_id", As::Text),
            ("created_at", As::Time),
            ("text", As::Text),
        ],
    },
    Table {
        name: "notifications",
        of_customers: false,
        from: "outbox WHERE audience = 'people' AND ticket_id IN {tickets} ORDER BY seq",
        columns: &[
            ("ticket_id", As::Text),
            ("kind AS event", As::Text),
            ("channel AS way", As::Text),
            ("state", As::Text),
            ("created_at", As::Time),
        ],
    },
];
