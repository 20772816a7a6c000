//! The index by which tickets are found, written behind the messages: nobody who hands one in waits for it.
//!
//! New messages are found by their place, everything else that changes a ticket's words leaves a line in `search_due`. A
//! ticket is always read whole and compared with what the index holds of it, so that doing it again changes nothing;
//! where its conversation moved on meanwhile, as an erasure makes it, nothing is written and it is read anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::handling::own_thread;
use super::many::{ROWS_MAX, places};
use super::writer::Lasting;
use super::{Dialect, Store, StoreError, from_json, to_json};
use crate::domain::customer::CustomerProfile;
use crate::domain::message::Contact;
use crate::text::search::{Bag, Field};

/// How many messages, and how many changed tickets, one step takes at the most.
const STEP: usize = 64;
/// How long a message may be on its way: where several write at once, a lower place can appear after a higher one.
const SETTLED_AFTER: Duration = Duration::seconds(60);
/// The widest gap between two places that anything is expected in.
const GAP_MAX: i64 = 256;

/// What was written in a ticket of a conversation, the newest first.
pub(super) const MESSAGES: &str = "SELECT subject, text FROM messages WHERE conversation_id = $1 AND ticket_id = $2 \
     AND author <> 'system' ORDER BY seq DESC LIMIT 200";
/// The notes of a ticket, the newest first.
pub(super) const NOTES: &str =
    "SELECT text FROM notes WHERE ticket_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100";
/// The names of a ticket's files.
const FILES: &str = "SELECT a.name FROM messages m JOIN attachments a ON a.message_id = m.id WHERE m.conversation_id = $1 \
     AND m.ticket_id = $2 AND a.name IS NOT NULL ORDER BY m.seq DESC LIMIT 50";
/// The words that the index has of the tickets in `{ids}`.
pub(super) const KEPT: &str = "SELECT t.id, w.word, w.fields FROM tickets t JOIN search_words w ON w.tenant = t.tenant \
     AND w.number = t.number WHERE t.id IN {ids}";
/// Removes the words of the tickets in `{ids}`.
pub(super) const FORGET_TICKETS: &str = "DELETE FROM search_words WHERE (tenant, number) IN \
     (SELECT tenant, number FROM tickets WHERE id IN {ids})";
/// Removes the words of the tickets of the conversations in `{ids}`.
pub(super) const FORGET_CONVERSATIONS: &str = "DELETE FROM search_words WHERE (tenant, number) IN \
     (SELECT tenant, number FROM tickets WHERE conversation_id IN {ids})";
/// Removes the words of the tickets of the customers in `{ids}`.
pub(super) const FORGET_CUSTOMERS: &str = "DELETE FROM search_words WHERE (tenant, number) IN \
     (SELECT tenant, number FROM tickets WHERE customer_id IN {ids})";
/// Has the tickets in `{ids}` read anew.
pub(super) const READ_ANEW: &str =
    "INSERT INTO search_due (ticket_id) SELECT id FROM tickets WHERE id IN {ids}";
/// Has the tickets of the customers in `{ids}` read anew.
pub(super) const READ_CUSTOMERS_ANEW: &str =
    "INSERT INTO search_due (ticket_id) SELECT id FROM tickets WHERE customer_id IN {ids}";

/// How far a worker has come with the messages.
#[derive(Clone, Debug, Default)]
pub struct IndexProgress {
    /// The place of the last message that it has seen; `None` before the first step.
    head: Option<i64>,
    /// Places below that where no message was to be seen yet, and since when. On PostgreSQL only.
    missing: BTreeMap<i64, DateTime<Utc>>,
}

/// A ticket as it was read, and what its words in the index lack.
struct Change {
    id: String,
    tenant: String,
    number: i64,
    version: i64,
    kept: i64,
    put: Vec<(String, i64)>,
    gone: Vec<String>,
}

/// What one step takes.
struct Due {
    tickets: BTreeSet<String>,
    marks: Vec<i64>,
    progress: IndexProgress,
}

/// Has a ticket read anew, in the transaction that changes its words.
pub(super) async fn mark(connection: &mut AnyConnection, ticket: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO search_due (ticket_id) VALUES ($1)")
        .bind(ticket)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Takes one step behind the messages. Returns how many tickets it read; 0 when there is nothing to do.
    pub async fn index_tickets(
        &self,
        now: DateTime<Utc>,
        progress: &mut IndexProgress,
    ) -> Result<usize, StoreError> {
        let due = self.due_for_index(now, progress).await?;
        let count = due.tickets.len();
        if count > 0 {
            let ids: Vec<&String> = due.tickets.iter().collect();
            let changes = self.index_changes(&to_json(&ids)).await?;
            let (marks, place) = (due.marks, due.progress.place());
            self.writer
                .run(Lasting::No, move |connection| {
                    Box::pin(
                        async move { write_changes(connection, &changes, &marks, place).await },
                    )
                })
                .await?;
        }
        *progress = due.progress;
        Ok(count)
    }

    async fn due_for_index(
        &self,
        now: DateTime<Utc>,
        progress: &IndexProgress,
    ) -> Result<Due, StoreError> {
        let head = match progress.head {
            Some(head) => head,
            None => self.index_place().await?,
        };
        let marked: Vec<(i64, String)> =
            sqlx::query_as("SELECT seq, ticket_id FROM search_due ORDER BY seq LIMIT $1")
                .bind(i64::try_from(STEP).unwrap_or(i64::MAX))
                .fetch_all(&self.reads)
                .await?;
        let mut messages: Vec<(i64, String)> = sqlx::query_as(
            "SELECT seq, ticket_id FROM messages WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(head)
        .bind(i64::try_from(STEP).unwrap_or(i64::MAX))
        .fetch_all(&self.reads)
        .await?;
        let mut next = IndexProgress { head: Some(head), missing: progress.missing.clone() };
        if !next.missing.is_empty() {
            let places: Vec<i64> = next.missing.keys().copied().collect();
            let sql =
                format!("SELECT seq, ticket_id FROM messages WHERE seq IN ({})", list(&places));
            let late: Vec<(i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .persistent(false)
                .fetch_all(&self.reads)
                .await?;
            messages.extend(late);
        }
        let places: Vec<i64> = messages.iter().map(|(place, _)| *place).collect();
        next.pass(now, &places, self.dialect == Dialect::Postgres);
        let (marks, tickets): (Vec<i64>, BTreeSet<String>) = marked.into_iter().unzip();
        let tickets = messages.into_iter().map(|(_, ticket)| ticket).chain(tickets).collect();
        Ok(Due { tickets, marks, progress: next })
    }

    /// Returns the place up to which every message is in the index.
    async fn index_place(&self) -> Result<i64, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT value FROM counters WHERE tenant = '' AND name = 'search'")
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map_or(0, |(value,)| value))
    }

    /// Reads tickets and compares their words with those in the index.
    async fn index_changes(&self, ids: &str) -> Result<Vec<Change>, StoreError> {
        let listed = self.dialect.json_strings("$1");
        let known = KEPT.replace("{ids}", &listed);
        let known: Vec<(String, String, i64)> =
            sqlx::query_as(sqlx::AssertSqlSafe(known)).bind(ids).fetch_all(&self.reads).await?;
        let mut kept: HashMap<String, BTreeMap<String, i64>> = HashMap::new();
        for (ticket, word, fields) in known {
            kept.entry(ticket).or_default().insert(word, fields);
        }
        let tickets = format!(
            "SELECT t.id, t.tenant, t.number, t.conversation_id, t.subject, t.tags, t.texts_kept, c.version, c.contact, \
             c.thread, k.reference, k.profile FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
             LEFT JOIN customers k ON k.id = t.customer_id AND k.seen_at IS NOT NULL WHERE t.id IN {listed}"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(tickets)).bind(ids).fetch_all(&self.reads).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in &rows {
            let words = self.words_of(row).await?;
            let id: String = row.try_get("id")?;
            let kept = kept.remove(&id).unwrap_or_default();
            let gone = kept.keys().filter(|word| !words.contains_key(*word)).cloned().collect();
            changes.push(Change {
                id,
                tenant: row.try_get("tenant")?,
                number: row.try_get("number")?,
                version: row.try_get("version")?,
                kept: row.try_get("texts_kept")?,
                put: words
                    .into_iter()
                    .filter(|(word, fields)| kept.get(word) != Some(fields))
                    .collect(),
                gone,
            });
        }
        Ok(changes)
    }

    /// Returns the words by which a ticket is to be found: whose it is first, then what was said, the beginning and the
    /// latest of it before the rest.
    async fn words_of(&self, row: &AnyRow) -> Result<BTreeMap<String, i64>, StoreError> {
        let text = |column: &str| row.try_get::<Option<String>, _>(column);
        let (id, conversation) = (text("id")?, text("conversation_id")?);
        let mut bag = Bag::default();
        // What cannot be read is not found; it must not keep everything after it from being found.
        let contact = text("contact")?.and_then(|text| from_json::<Contact>("contact", &text).ok());
        let profile =
            text("profile")?.and_then(|text| from_json::<CustomerProfile>("customer", &text).ok());
        add_person(&mut bag, contact.unwrap_or_default(), profile.unwrap_or_default());
        let thread = text("thread")?.unwrap_or_default();
        add_thread(&mut bag, own_thread(&thread));
        bag.text(Field::Customer, &text("reference")?.unwrap_or_default());
        bag.text(Field::Subject, &text("subject")?.unwrap_or_default());
        let tags: Vec<String> =
            text("tags")?.and_then(|text| from_json("tags", &text).ok()).unwrap_or_default();
        for tag in &tags {
            bag.text(Field::Tag, tag);
        }
        let files: Vec<(String,)> =
            sqlx::query_as(FILES).bind(&conversation).bind(&id).fetch_all(&self.reads).await?;
        for (name,) in &files {
            bag.text(Field::File, name);
        }
        let notes: Vec<(String,)> = sqlx::query_as(NOTES).bind(&id).fetch_all(&self.reads).await?;
        let mut messages: Vec<(Option<String>, String)> =
            sqlx::query_as(MESSAGES).bind(&conversation).bind(&id).fetch_all(&self.reads).await?;
        let oldest = usize::from(!messages.is_empty());
        messages.rotate_right(oldest);
        for (subject, text) in &messages {
            if bag.is_full() {
                break;
            }
            bag.text(Field::Subject, subject.as_deref().unwrap_or_default());
            bag.text(Field::Message, text);
        }
        for (text,) in &notes {
            bag.text(Field::Note, text);
        }
        Ok(bag.into_words())
    }
}

impl IndexProgress {
    /// The place up to which nothing is missing.
    fn place(&self) -> i64 {
        let missing = self.missing.first_key_value().map(|(place, _)| place - 1);
        missing.or(self.head).unwrap_or(0)
    }

    /// Notes which places were seen. What was not seen below the last of them may still come, where several write.
    fn pass(&mut self, now: DateTime<Utc>, seen: &[i64], several: bool) {
        let head = self.head.unwrap_or(0);
        let mut last = head;
        for place in seen.iter().filter(|place| **place > head) {
            if several && place - last <= GAP_MAX {
                self.missing.extend((last + 1..*place).map(|place| (place, now)));
            }
            last = *place;
        }
        self.head = Some(last);
        let waits = |place: &i64, since: DateTime<Utc>| {
            !seen.contains(place) && now - since < SETTLED_AFTER
        };
        self.missing.retain(|place, since| waits(place, *since));
    }
}

/// Adds what a person is called and known by.
fn add_person(bag: &mut Bag, contact: Contact, profile: CustomerProfile) {
    let names = profile.name.into_iter().chain(contact.name).chain(contact.reference);
    names.for_each(|name| bag.text(Field::Customer, &name));
    let emails = profile.emails.into_iter().chain(contact.email);
    emails.for_each(|email| bag.text(Field::Email, &email));
    let phones = profile.phones.into_iter().chain(contact.phone);
    phones.for_each(|phone| bag.phone(&phone));
    profile.fields.into_values().for_each(|value| bag.text(Field::Customer, &value));
}

/// Adds the key of a conversation where it is somebody's number or address.
fn add_thread(bag: &mut Bag, thread: &str) {
    if thread.contains('@') {
        bag.text(Field::Email, thread);
    } else if !thread.is_empty()
        && thread.chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c))
    {
        bag.phone(thread);
    }
}

/// Writes what changed, and how far that is. A ticket that changed since it was read is left for the next step.
async fn write_changes(
    connection: &mut AnyConnection,
    changes: &[Change],
    marks: &[i64],
    place: i64,
) -> Result<(), StoreError> {
    let current = current_versions(connection, changes).await?;
    let mut rows: Vec<(&str, &str, i64, i64)> = Vec::new();
    for change in changes.iter().filter(|change| !change.put.is_empty() || !change.gone.is_empty())
    {
        if current.get(&change.id) != Some(&(change.version, change.kept)) {
            mark(connection, &change.id).await?;
            continue;
        }
        let words = change.put.iter();
        rows.extend(
            words.map(|(word, fields)| {
                (change.tenant.as_str(), word.as_str(), change.number, *fields)
            }),
        );
        if !change.gone.is_empty() {
            remove_words(connection, change).await?;
        }
    }
    // In the order of the index, so that neighbours share a page.
    rows.sort_unstable();
    for rows in rows.chunks(ROWS_MAX) {
        insert_words(connection, rows).await?;
    }
    if !marks.is_empty() {
        let sql = format!("DELETE FROM search_due WHERE seq IN ({})", list(marks));
        sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false).execute(&mut *connection).await?;
    }
    sqlx::query(
        "INSERT INTO counters (tenant, name, value) VALUES ('', 'search', $1) \
         ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
    )
    .bind(place)
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns how tickets stand now, and keeps them so until the end of the transaction.
async fn current_versions(
    connection: &mut AnyConnection,
    changes: &[Change],
) -> Result<HashMap<String, (i64, i64)>, StoreError> {
    let real = changes.iter().filter(|change| !change.put.is_empty() || !change.gone.is_empty());
    let ids: Vec<&str> = real.map(|change| change.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let dialect = Dialect::of(connection);
    let sql = format!(
        "SELECT t.id, c.version, t.texts_kept FROM tickets t JOIN conversations c ON c.id = t.conversation_id \
         WHERE t.id IN {} ORDER BY c.id, t.id{}",
        dialect.json_strings("$1"),
        dialect.lock("c, t")
    );
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(to_json(&ids)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(id, version, kept)| (id, (version, kept))).collect())
}

async fn remove_words(connection: &mut AnyConnection, change: &Change) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM search_words WHERE tenant = $1 AND number = $2 AND word IN {}",
        Dialect::of(connection).json_strings("$3")
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&change.tenant)
        .bind(change.number)
        .bind(to_json(&change.gone))
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_words(
    connection: &mut AnyConnection,
    rows: &[(&str, &str, i64, i64)],
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO search_words (tenant, word, number, fields) VALUES {} \
         ON CONFLICT (tenant, word, number) DO UPDATE SET fields = excluded.fields",
        places(Dialect::of(connection), rows.len(), 4)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == ROWS_MAX);
    for (tenant, word, number, fields) in rows {
        query = query.bind(*tenant).bind(*word).bind(*number).bind(*fields);
    }
    query.execute(connection).await?;
    Ok(())
}

/// Writes numbers of ours as a list for a statement.
pub(super) fn list(numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::super::StoreLocation;
    use super::*;

    const TICKET: &str = "INSERT INTO conversations (id, tenant, channel, account, thread, contact, version, fence, owner, \
         ai_turns, opted_out, ticket_id, vault, created_at, updated_at) \
         VALUES ('cnv_1', 'main', 'chat', 'loja', 'ana', '{\"name\":\"Ana\"}', 1, 1, 'ai', 0, 0, 'tck_1', '{}', 0, 0); \
         INSERT INTO tickets (id, tenant, number, conversation_id, channel, source_ref, status, fields, overrides, tags, \
         escalations, created_at, updated_at) VALUES ('tck_1', 'main', 1, 'cnv_1', 'chat', '', 'new', '{}', '{}', '[]', 0, 0, 0); \
         INSERT INTO messages (id, tenant, channel, account, conversation_id, ticket_id, author, text, meta, sent_at, received_at) \
         VALUES ('msg_1', 'main', 'chat', 'loja', 'cnv_1', 'tck_1', 'customer', 'segredo dela', '{}', 0, 0)";

    #[tokio::test]
    async fn what_is_erased_while_it_is_read_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let location = StoreLocation::embedded(folder.path());
        let store = Store::open(&location, &TaskTracker::new()).await.unwrap();
        let run = |sql: &'static str| {
            store.write(move |connection| {
                Box::pin(async move {
                    sqlx::raw_sql(sql).execute(connection).await?;
                    Ok(())
                })
            })
        };
        let count = async |sql: &'static str| {
            let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&store.reads).await.unwrap();
            count
        };
        run(TICKET).await.unwrap();
        for change in
            ["UPDATE conversations SET version = version + 1", "UPDATE tickets SET texts_kept = 0"]
        {
            let read = store.index_changes("[\"tck_1\"]").await.unwrap();
            assert!(read[0].put.iter().any(|(word, _)| word == "segredo"));
            run(change).await.unwrap();
            store
                .write(move |connection| {
                    Box::pin(async move { write_changes(connection, &read, &[], 1).await })
                })
                .await
                .unwrap();
            assert_eq!(count("SELECT COUNT(*) FROM search_words").await, 0, "{change}");
        }
        assert_eq!(count("SELECT COUNT(*) FROM search_due").await, 2, "it is read anew");
        let mut progress = IndexProgress::default();
        assert_eq!(store.index_tickets(at(0), &mut progress).await.unwrap(), 1);
        assert_eq!(count("SELECT COUNT(*) FROM search_words WHERE word = 'segredo'").await, 1);
        assert_eq!(store.index_tickets(at(0), &mut progress).await.unwrap(), 0);
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::seconds(seconds)
    }

    #[test]
    fn a_message_that_appears_behind_a_later_one_is_waited_for() {
        let mut progress = IndexProgress { head: Some(10), ..IndexProgress::default() };
        progress.pass(at(0), &[11, 14, 1_000], true);
        assert_eq!((progress.head, progress.place()), (Some(1_000), 11), "12 and 13 may come");
        progress.pass(at(1), &[13], true);
        assert_eq!(progress.place(), 11);
        progress.pass(at(59), &[1_001], true);
        assert_eq!(progress.place(), 11);
        progress.pass(at(60), &[], true);
        assert_eq!(progress.place(), 1_001, "12 was taken back");
        progress.pass(at(61), &[1_005], false);
        assert_eq!(progress.place(), 1_005, "one writer leaves no gaps behind");
    }
}
