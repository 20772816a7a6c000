//! Tickets found by words: the index gives their numbers, newest first, and the texts what is shown of them.
//!
//! However often a word is used, a search looks at a bounded number of tickets: it goes through those of the rarest word,
//! or through the newest ones where every word is frequent, and stops where a page is full.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row;

use super::indexing::{MESSAGES, NOTES, list};
use super::read::{TICKET_COLUMNS, TICKET_TABLES};
use super::rows::{TicketRow, ticket_row};
use super::search_sql::{RARE, STEP, Sql};
use super::{Store, StoreError};
use crate::domain::ids::{TenantId, TicketNumber};
use crate::text::search::{Field, Part, Query, Term, snippet};

/// How many tickets one search looks at where every word is frequent.
const LOOKED_AT_MAX: usize = 10_000;
/// How many tickets' texts one search reads to find a phrase.
const READ_MAX: usize = 300;

/// Along what candidates are found, newest first.
enum Path {
    /// These and no others.
    Rare(Vec<i64>),
    /// The tickets of a word.
    Word(String),
    /// All tickets.
    All,
}

/// A ticket that was found.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SearchHit {
    /// The ticket.
    pub ticket: TicketRow,
    /// Where the words stand.
    pub matched: Vec<Field>,
    /// A line of its messages or notes around them; `None` where they stand elsewhere.
    pub snippet: Option<Vec<Part>>,
}

/// Tickets that were found: those whose number was asked for first, then the newest first.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// The tickets.
    pub hits: Vec<SearchHit>,
    /// Where to go on; `None` at the end. The next page may be empty.
    pub next: Option<i64>,
}

/// A ticket on its way to becoming a hit.
struct Found {
    row: TicketRow,
    number: i64,
    conversation: String,
}

impl Store {
    /// Finds tickets by a query. `before` is where the page before said to go on.
    pub async fn search(
        &self,
        tenant: &TenantId,
        query: &Query,
        before: Option<i64>,
        limit: u32,
    ) -> Result<SearchPage, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let named: Vec<i64> =
            query.numbers.iter().filter_map(|number| i64::try_from(*number).ok()).collect();
        let mut page = SearchPage::default();
        if before.is_none() {
            let mut found = self.found(tenant, &named).await?;
            found.sort_by_key(|found| named.iter().position(|number| *number == found.number));
            page.hits = self.hits(tenant, query, found, true).await?;
            page.hits.truncate(limit);
        }
        let Some(path) = self.path(tenant, query).await? else { return Ok(page) };
        let (mut at, mut looked_at, mut read) = (before.unwrap_or(i64::MAX), 0, 0);
        loop {
            let step = self.step(tenant, &path, at).await?;
            let mut matching = self.matching(tenant, query, &step).await?;
            matching.retain(|number| !named.contains(number));
            // One more than fits tells that there is another page.
            while !matching.is_empty() {
                let room = (limit + 1).saturating_sub(page.hits.len()).min(matching.len());
                let numbers: Vec<i64> = matching.drain(..room).collect();
                let found = self.found(tenant, &numbers).await?;
                read += if query.has_phrases() { found.len() } else { 0 };
                let last = numbers.last().copied();
                page.hits.extend(self.hits(tenant, query, found, false).await?);
                if page.hits.len() > limit {
                    page.hits.truncate(limit);
                    let last = page.hits.last().and_then(|hit| number_of(&hit.ticket));
                    page.next = last.filter(|last| !named.contains(last)).or(Some(at));
                    return Ok(page);
                }
                if read >= READ_MAX {
                    page.next = last;
                    return Ok(page);
                }
            }
            looked_at += step.len();
            match step.last() {
                Some(last) if step.len() == STEP => at = *last,
                _ => return Ok(page),
            }
            if looked_at >= LOOKED_AT_MAX {
                page.next = Some(at);
                return Ok(page);
            }
        }
    }

    /// Chooses how candidates are found; `None` where there cannot be any.
    async fn path(&self, tenant: &TenantId, query: &Query) -> Result<Option<Path>, StoreError> {
        let mut rarest: Option<(i64, &Term)> = None;
        for term in &query.terms {
            let count = self.count_term(tenant, term).await?;
            if count == 0 {
                return Ok(None);
            }
            if rarest.is_none_or(|(least, _)| count < least) {
                rarest = Some((count, term));
            }
        }
        let Some((count, rarest)) = rarest else { return Ok(None) };
        if count <= RARE {
            return Ok(Some(Path::Rare(self.numbers_of(tenant, rarest).await?)));
        }
        let word = query.terms.iter().find_map(|term| match term.words.as_slice() {
            [word] if term.prefix.is_none() => Some(word.clone()),
            _ => None,
        });
        Ok(Some(word.map_or(Path::All, Path::Word)))
    }

    /// Counts a term's rows in the index, up to one more than is rare.
    async fn count_term(&self, tenant: &TenantId, term: &Term) -> Result<i64, StoreError> {
        let sql = Sql::count(tenant, term);
        let counts: Vec<(i64,)> = sql.fetch(&self.reads).await?;
        Ok(counts.into_iter().map(|(count,)| count).sum())
    }

    /// Returns the numbers of a rare term's tickets, newest first.
    async fn numbers_of(&self, tenant: &TenantId, term: &Term) -> Result<Vec<i64>, StoreError> {
        let sql = Sql::numbers(tenant, term);
        let rows: Vec<(i64,)> = sql.fetch(&self.reads).await?;
        let mut numbers: Vec<i64> = rows.into_iter().map(|(number,)| number).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.dedup();
        Ok(numbers)
    }

    /// Returns the next candidates.
    async fn step(
        &self,
        tenant: &TenantId,
        path: &Path,
        before: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let sql = match path {
            Path::Rare(numbers) => {
                let from = numbers.partition_point(|number| *number >= before);
                return Ok(numbers.iter().skip(from).take(STEP).copied().collect());
            }
            Path::Word(word) => Sql::tickets_of(tenant, word, before),
            Path::All => Sql::tickets(tenant, before),
        };
        let rows: Vec<(i64,)> = sql.fetch(&self.reads).await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }

    /// Returns those of the candidates that have every term, in their order.
    async fn matching(
        &self,
        tenant: &TenantId,
        query: &Query,
        candidates: &[i64],
    ) -> Result<Vec<i64>, StoreError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let sql = Sql::matching(tenant, query, candidates);
        let rows: Vec<(i64,)> = sql.fetch(&self.reads).await?;
        let mut numbers: Vec<i64> = rows.into_iter().map(|(number,)| number).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// Reads tickets by their numbers, newest first.
    async fn found(&self, tenant: &TenantId, numbers: &[i64]) -> Result<Vec<Found>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {TICKET_COLUMNS}, t.conversation_id FROM {TICKET_TABLES} WHERE t.tenant = $1 AND t.number IN ({}) \
             ORDER BY t.number DESC",
            list(numbers)
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .persistent(false)
            .bind(tenant.as_str())
            .fetch_all(&self.reads)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Found {
                    row: ticket_row(row)?,
                    number: row.try_get("number")?,
                    conversation: row.try_get("conversation_id")?,
                })
            })
            .collect()
    }

    /// Makes hits of tickets; whoever lacks a phrase is left out, unless its number was asked for.
    async fn hits(
        &self,
        tenant: &TenantId,
        query: &Query,
        found: Vec<Found>,
        named: bool,
    ) -> Result<Vec<SearchHit>, StoreError> {
        let fields = self.fields_of(tenant, query, &found).await?;
        let mut hits = Vec::with_capacity(found.len());
        for Found { row, number, conversation } in found {
            let bits = fields.get(&number).copied().unwrap_or(0);
            let mut matched = Query::fields(bits);
            if named {
                matched.insert(0, Field::Number);
            }
            let in_texts = bits & (Field::Message.bit() | Field::Note.bit()) != 0;
            let texts = if in_texts || query.has_phrases() {
                self.texts_of(&row.id, &conversation).await?
            } else {
                Vec::new()
            };
            if query.has_phrases() && !named {
                let others = [row.subject.as_deref(), row.customer_name.as_deref()];
                let others =
                    others.into_iter().flatten().chain(row.tags.iter().map(String::as_str));
                if !query.phrases_are_in(texts.iter().map(String::as_str).chain(others)) {
                    continue;
                }
            }
            let snippet = snippet(query, texts.iter().map(String::as_str));
            hits.push(SearchHit { ticket: row, matched, snippet });
        }
        Ok(hits)
    }

    /// Returns in which fields the words of a query stand, by the ticket's number.
    async fn fields_of(
        &self,
        tenant: &TenantId,
        query: &Query,
        found: &[Found],
    ) -> Result<HashMap<i64, i64>, StoreError> {
        if found.is_empty() || query.terms.is_empty() {
            return Ok(HashMap::new());
        }
        let numbers: Vec<i64> = found.iter().map(|found| found.number).collect();
        let sql = Sql::fields(tenant, query, &numbers);
        let rows: Vec<(i64, i64)> = sql.fetch(&self.reads).await?;
        let mut fields: HashMap<i64, i64> = HashMap::with_capacity(found.len());
        for (number, bits) in rows {
            *fields.entry(number).or_default() |= bits;
        }
        Ok(fields)
    }

    /// Reads what was written in a ticket, the newest first.
    async fn texts_of(&self, ticket: &str, conversation: &str) -> Result<Vec<String>, StoreError> {
        let messages: Vec<(Option<String>, String)> =
            sqlx::query_as(MESSAGES).bind(conversation).bind(ticket).fetch_all(&self.reads).await?;
        let notes: Vec<(String,)> =
            sqlx::query_as(NOTES).bind(ticket).fetch_all(&self.reads).await?;
        let messages = messages.into_iter().flat_map(|(subject, text)| [Some(text), subject]);
        Ok(messages.flatten().chain(notes.into_iter().map(|(text,)| text)).collect())
    }
}

/// The running number of a row's ticket.
fn number_of(row: &TicketRow) -> Option<i64> {
    let number = TicketNumber::parse(&row.number)?;
    i64::try_from(number.running()).ok()
}
