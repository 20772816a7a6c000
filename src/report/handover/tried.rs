//! What was tried on a ticket, and with what result: drafts, and what left or was to leave.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{after, list};
use crate::adapters::store::{AuditRow, DraftRow, TicketView};
use crate::domain::draft::{DraftKind, LedgerEntry};
use crate::domain::message::Author;

crate::domain::words! {
    /// What was tried.
    AttemptKind {
        /// Words that left, or were to leave.
        Reply = "reply",
        /// Words that the assistant proposed and nobody sent.
        Draft = "draft",
        /// The fixed text for somebody in danger.
        Safety = "safety",
    }
}

crate::domain::words! {
    /// What came of it.
    AttemptResult {
        /// The customer's network has it.
        Sent = "sent",
        /// The same, after a person changed the words.
        Edited = "edited",
        /// It is on its way.
        Leaving = "leaving",
        /// A person approved it; what came of it is not known here.
        Approved = "approved",
        /// It waits for review.
        Waiting = "waiting",
        /// A person rejected it.
        Rejected = "rejected",
        /// It could not be delivered.
        Failed = "failed",
        /// It may have arrived.
        Unknown = "unknown",
        /// The conversation moved on before it left.
        Retired = "retired",
    }
}

/// Something that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HandoverAttempt)]
pub struct Attempt {
    /// When it came to its result; while it has none, when it was made.
    pub at: DateTime<Utc>,
    /// Whose words they are: the assistant's, an agent's, or those of a fixed text.
    pub who: Author,
    /// The agent who wrote, approved, changed or rejected them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was tried.
    pub what: AttemptKind,
    /// What came of it.
    pub result: AttemptResult,
    /// Why it was rejected, failed or did not leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The words, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Articles that the words pass on: what was suggested.
    pub articles: Vec<String>,
    /// The draft's version within the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<i64>,
}

/// Returns what was tried on a ticket, oldest first. A draft that left is one attempt with the row it left as; a notice
/// answers nothing and is none.
pub(super) fn of(view: &TicketView) -> Vec<Attempt> {
    let rows = view.outbox.as_array().into_iter().flatten().rev();
    let mut rows: Vec<Row<'_>> = rows.filter_map(|row| Row::read(row, &view.audit)).collect();
    let mut attempts: Vec<Attempt> = Vec::new();
    for draft in view.drafts.iter().rev() {
        let place = rows.iter().position(|row| row.carries(draft));
        let row = place.map(|place| rows.remove(place));
        attempts.push(of_draft(draft, row.as_ref()));
    }
    attempts.extend(rows.iter().map(|row| of_row(row, view)));
    attempts.sort_by_key(|attempt| attempt.at);
    attempts
}

/// A row of the outbox, with the entry of the trail that ended it.
struct Row<'v> {
    id: &'v str,
    state: &'v str,
    author: Author,
    error: Option<&'v str>,
    queued: DateTime<Utc>,
    end: Option<&'v AuditRow>,
}

impl<'v> Row<'v> {
    fn read(row: &'v Value, audit: &'v [AuditRow]) -> Option<Self> {
        let word = |key: &str| row.get(key).and_then(Value::as_str);
        let id = word("id")?;
        let author = Author::parse(word("author")?)?;
        let mut entries = audit.iter().rev().filter(|entry| after(entry, "outbox") == Some(id));
        let end = entries.find(|entry| entry.action != "reply.written");
        // Of fixed texts only the one for somebody in danger is a reply.
        if author == Author::System && end.is_none_or(|end| !end.action.starts_with("reply.")) {
            return None;
        }
        Some(Self {
            id,
            state: word("state")?,
            author,
            error: word("error"),
            queued: word("at")?.parse().ok()?,
            end,
        })
    }

    /// True where the row is what a draft left as: both were written in one transaction, at one moment.
    fn carries(&self, draft: &DraftRow) -> bool {
        let author = if draft.decided_by.is_some() { Author::Agent } else { Author::Ai };
        is_for_sending(draft)
            && self.author == author
            && self.queued == draft.decided_at.unwrap_or(draft.created_at)
    }

    fn at(&self) -> DateTime<Utc> {
        self.end.map_or(self.queued, |entry| entry.at)
    }

    fn result(&self) -> AttemptResult {
        match self.state {
            "sent" => AttemptResult::Sent,
            "failed" => AttemptResult::Failed,
            "unknown" => AttemptResult::Unknown,
            "retired" => AttemptResult::Retired,
            _ => AttemptResult::Leaving,
        }
    }

    /// Why it did not leave; a row that waits for another try keeps the error of the last one.
    fn reason(&self) -> Option<String> {
        let ended = !matches!(self.result(), AttemptResult::Sent | AttemptResult::Leaving);
        self.error.filter(|_| ended).map(str::to_owned)
    }
}

fn is_for_sending(draft: &DraftRow) -> bool {
    matches!(draft.state.as_str(), "approved" | "edited" | "sent")
}

fn of_draft(draft: &DraftRow, row: Option<&Row<'_>>) -> Attempt {
    let edited = draft.state == "edited";
    let result = match (row.map(Row::result), draft.state.as_str()) {
        (Some(AttemptResult::Sent), _) if edited => AttemptResult::Edited,
        (Some(result), _) => result,
        (None, "proposed") => AttemptResult::Waiting,
        (None, "rejected") => AttemptResult::Rejected,
        (None, "retired") => AttemptResult::Retired,
        (None, _) => AttemptResult::Approved,
    };
    let by_person = edited || draft.kind == DraftKind::Human.as_str();
    Attempt {
        at: row.map(Row::at).or(draft.decided_at).unwrap_or(draft.created_at),
        who: if by_person { Author::Agent } else { Author::Ai },
        name: draft.decided_by.clone(),
        what: if is_for_sending(draft) { AttemptKind::Reply } else { AttemptKind::Draft },
        result,
        reason: draft.reason.clone().or_else(|| row.and_then(Row::reason)),
        text: Some(draft.final_text.as_ref().unwrap_or(&draft.text).clone()),
        articles: articles(draft),
        draft: Some(draft.version),
    }
}

/// Articles that at least one sentence of the draft rests on, each once.
fn articles(draft: &DraftRow) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for place in list::<LedgerEntry>(&draft.ledger).into_iter().flat_map(|entry| entry.passages) {
        let passage = draft.passages.get(place);
        let article = passage.and_then(|passage| passage.get("article")?.as_str());
        if let Some(article) = article.filter(|article| found.iter().all(|had| had != article)) {
            found.push(article.to_owned());
        }
    }
    found
}

/// What left without a draft: a person's own words, or the fixed text.
fn of_row(row: &Row<'_>, view: &TicketView) -> Attempt {
    let written = view
        .audit
        .iter()
        .find(|entry| entry.action == "reply.written" && after(entry, "outbox") == Some(row.id));
    // What was sent became a message at the moment that the trail tells.
    let message = view.messages.iter().find(|message| {
        row.result() == AttemptResult::Sent
            && message.author == row.author.as_str()
            && message.sent_at == row.at()
    });
    Attempt {
        at: row.at(),
        who: row.author,
        name: written.and_then(|entry| entry.actor.strip_prefix("agent:")).map(str::to_owned),
        what: if row.author == Author::System { AttemptKind::Safety } else { AttemptKind::Reply },
        result: row.result(),
        reason: row.reason(),
        text: message.map(|message| message.text.clone()),
        articles: Vec::new(),
        draft: None,
    }
}
