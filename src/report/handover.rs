//! The package that an escalated ticket carries to the person who takes it (E8), and what of it goes to a department
//! (E6).
//!
//! Pure. Nothing is invented: content is quoted from the ticket or is a rule's own text, and what the ticket does not
//! tell is absent. It is for people who may read the ticket, so nothing is masked; it must not be logged.

mod cues;
mod departments;
mod parts;
mod sentences;
mod text;
mod tried;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::adapters::store::{AttachmentRow, AuditRow, MessageRow, TicketView};
use crate::domain::channel::Channel;
use crate::domain::customer::CustomerProfile;
use crate::domain::decision::{Action, Decision, Reason};
use crate::domain::draft::{LedgerEntry, Support};
use crate::domain::labels::{Language, Sentiment, Urgency};
use crate::domain::message::Author;
use crate::policy::Pack;
use crate::policy::clocks::{self, Clock};
pub use departments::{DepartmentPayload, TicketName, department};
pub use parts::{
    Amount, CustomerPart, EvidencePart, Expectation, FileSeen, IssuePart, Need, Package,
    PassageSeen, Pressure, Spoken, TicketPart,
};
use sentences::{Sentence, shortened};
pub use text::to_text;
pub use tried::{Attempt, AttemptKind, AttemptResult};

/// Most characters of one quoted sentence; a longer one is cut before a word.
const QUOTE_CHARS: usize = 300;
/// Most open questions, expectations and technical sentences, the latest; the conversation has them all.
const QUOTES_MAX: usize = 6;
/// Most steps, the latest.
const STEPS_MAX: usize = 12;

/// Puts the package of a ticket together. `clocks` are the ticket's as judged at `now`; without a pack, what only the
/// rules know (whom they notify, by when) is absent.
pub fn package(
    view: &TicketView,
    pack: Option<&Pack>,
    clocks: &[Clock],
    now: DateTime<Utc>,
) -> Package {
    let decision =
        view.decision.get("decision").and_then(|found| Decision::deserialize(found).ok());
    let decision = decision.as_ref();
    let stated = view.row.urgency.as_deref().and_then(Urgency::parse);
    let priority = stated.or_else(|| decision.map(|decision| decision.priority));
    let heard = heard(view);
    Package {
        made_at: now,
        ticket: ticket(view),
        customer: customer(view),
        issue: issue(view, priority, &heard),
        tried: tried::of(view),
        needed: needed(decision, pack),
        expects: Expectation {
            said: quotes(&heard, Sentence::expects, QUOTES_MAX),
            deadline: clocks::tightest(clocks).cloned(),
        },
        urgent_because: Pressure {
            priority,
            rules: pressing(decision, pack),
            deadlines: clocks::state(clocks),
        },
        conversation: view.messages.iter().map(spoken).collect(),
        evidence: evidence(view, decision),
        deadlines: clocks.to_vec(),
    }
}

fn ticket(view: &TicketView) -> TicketPart {
    let row = &view.row;
    TicketPart {
        id: row.id.clone(),
        number: row.number.clone(),
        subject: row.subject.clone(),
        channel: row.channel.clone(),
        queue: row.queue.clone(),
        level: row.level.clone(),
        status: row.status.clone(),
        tags: row.tags.clone(),
        opened_at: row.created_at,
        linked: view.linked.clone(),
    }
}

fn customer(view: &TicketView) -> CustomerPart {
    let profile = CustomerProfile::deserialize(&view.customer).unwrap_or_default();
    let reference = view.contact.get("reference").and_then(Value::as_str);
    CustomerPart {
        name: view.row.customer_name.clone(),
        reference: reference.map(str::to_owned),
        tier: profile.plan,
        annual_revenue: profile.annual_revenue,
        customer_since: profile.customer_since,
        language: view.row.language.as_deref().and_then(Language::parse),
        sentiment: view.row.sentiment.as_deref().and_then(Sentiment::parse),
        earlier_escalations: earlier_escalations(&view.audit),
    }
}

/// Counts the hand-overs that are over. A further message to people who have the ticket is no new one; an agent who
/// passes it up ends one and begins another.
fn earlier_escalations(audit: &[AuditRow]) -> u32 {
    let (mut over, mut stands, mut with_people) = (0, false, false);
    for entry in audit {
        let word = |key: &str| after(entry, key).unwrap_or_default();
        match (entry.action.as_str(), word("action"), word("status")) {
            ("turn.decided", "escalate", _) | ("reply.failed" | "reply.unknown", ..) => {
                stands |= !with_people;
                with_people = true;
            }
            ("ticket.status", _, "escalated") => {
                over += u32::from(stands);
                (stands, with_people) = (true, true);
            }
            ("ticket.claimed" | "reply.written", ..) => with_people = true,
            ("turn.decided", "send" | "review", _) | ("ticket.status", _, "solved" | "closed") => {
                over += u32::from(stands);
                (stands, with_people) = (false, false);
            }
            ("ticket.released", ..) if word("owner") == "ai" => {
                over += u32::from(stands);
                (stands, with_people) = (false, false);
            }
            _ => {}
        }
    }
    over
}

/// Reads a word of the state after an entry of the trail.
fn after<'v>(entry: &'v AuditRow, key: &str) -> Option<&'v str> {
    entry.after.get(key)?.as_str()
}

/// What was understood of the latest turn.
fn understood(view: &TicketView) -> &Value {
    view.decision.get("understood").unwrap_or(&view.fields)
}

/// Reads those entries of a list that can be read.
fn list<T: DeserializeOwned>(value: &Value) -> Vec<T> {
    let entries = value.as_array().into_iter().flatten();
    entries.filter_map(|entry| T::deserialize(entry).ok()).collect()
}

/// A message of the customer that belongs to the ticket.
struct Heard {
    at: DateTime<Utc>,
    /// How many answers had left before it, or all of them for what is not answered yet.
    turn: usize,
    is_open: bool,
    sentences: Vec<Sentence>,
    amounts: Vec<Amount>,
}

/// Reads what the customer wrote on this ticket, oldest first. The conversation may hold other tickets' messages, and
/// turns that wanted no answer; where the trail does not tell, everything counts.
fn heard(view: &TicketView) -> Vec<Heard> {
    let turns = view.audit.iter().filter(|entry| entry.action == "turn.decided");
    let actions: BTreeMap<&str, &str> = turns
        .filter_map(|entry| Some((after(entry, "decision")?, after(entry, "action")?)))
        .collect();
    let is_own = |message: &MessageRow| match message.decision_id.as_deref() {
        Some(id) => actions.get(id).is_some_and(|action| *action != Action::None.as_str()),
        None => view.closed_at.is_none_or(|closed| message.sent_at < closed),
    };
    let author = |message: &MessageRow| Author::parse(&message.author);
    let is_customer = |message: &MessageRow| author(message) == Some(Author::Customer);
    let is_answer =
        |message: &MessageRow| matches!(author(message), Some(Author::Ai | Author::Agent));
    let is_told = view.messages.iter().any(|message| is_customer(message) && is_own(message));
    let answers = view.messages.iter().filter(|message| is_answer(message)).count();
    let chat = Channel::parse(&view.row.channel).is_some_and(Channel::is_conversational);
    let mut heard = Vec::new();
    let mut answered = 0;
    for message in &view.messages {
        if is_answer(message) {
            answered += 1;
        } else if is_customer(message) && (is_own(message) || !is_told) {
            // A message may come while the answer to an earlier one is on its way.
            let is_open = answered == answers || message.decision_id.is_none();
            heard.push(Heard {
                at: message.sent_at,
                turn: if is_open { answers } else { answered },
                is_open,
                sentences: sentences::read(&message.text, chat),
                amounts: sentences::amounts(&message.text),
            });
        }
    }
    heard
}

fn issue(view: &TicketView, priority: Option<Urgency>, heard: &[Heard]) -> IssuePart {
    let asks = |one: &&Heard| one.sentences.iter().any(Sentence::carries_case);
    let first = heard.iter().find(asks).or(heard.first());
    let affected = understood(view).get("extra").and_then(|extra| extra.get("affected")?.as_u64());
    let open: Vec<&Heard> = heard.iter().filter(|one| one.is_open).collect();
    let mut amounts: Vec<Amount> = Vec::new();
    for amount in heard.iter().flat_map(|one| &one.amounts) {
        if !amounts.contains(amount) {
            amounts.push(amount.clone());
        }
    }
    IssuePart {
        summary: summary(heard),
        category: view.row.category.clone(),
        subcategory: view.row.subcategory.clone(),
        priority,
        since: first.map_or(view.row.created_at, |one| one.at),
        questions: quotes(open, Sentence::is_question, QUOTES_MAX),
        affected: affected.and_then(|number| u32::try_from(number).ok()),
        technical: quotes(heard, Sentence::is_technical, QUOTES_MAX),
        steps: quotes(heard, Sentence::tells_steps, STEPS_MAX),
        amounts,
    }
}

/// Sums up the latest turn that carries a case: who now only asks for a person asked for something before.
fn summary(heard: &[Heard]) -> Option<String> {
    let last = heard.iter().map(|one| one.turn).max()?;
    let of_turn = |turn: usize| -> Vec<&Sentence> {
        heard.iter().filter(|one| one.turn == turn).flat_map(|one| &one.sentences).collect()
    };
    let carries = |sentences: &Vec<&Sentence>| sentences.iter().any(|one| one.carries_case());
    let told = (0..=last).rev().map(of_turn).find(carries);
    let all = || heard.iter().flat_map(|one| &one.sentences).collect();
    sentences::summary(&told.unwrap_or_else(all))
}

/// Quotes the latest sentences of a kind, each once, in the customer's order.
fn quotes<'h>(
    heard: impl IntoIterator<Item = &'h Heard>,
    wanted: impl Fn(&Sentence) -> bool,
    most: usize,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for sentence in heard.into_iter().flat_map(|one| &one.sentences) {
        let quote = shortened(&sentence.text, QUOTE_CHARS);
        if wanted(sentence) && !found.contains(&quote) {
            found.push(quote);
        }
    }
    found.drain(..found.len().saturating_sub(most));
    found
}

fn needed(decision: Option<&Decision>, pack: Option<&Pack>) -> Vec<Need> {
    let for_people = |decision: &&Decision| match decision.action {
        Action::Escalate | Action::Review => true,
        Action::Send | Action::None => false,
    };
    let reasons = decision.filter(for_people).into_iter().flat_map(|decision| &decision.reasons);
    reasons
        .map(|reason| {
            let then = pack.and_then(|pack| pack.rule(&reason.rule)).map(|rule| &rule.then);
            Need {
                rule: reason.rule.clone(),
                text: reason.text.clone(),
                notify: then.map(|then| then.notify.clone()).unwrap_or_default(),
                within_mins: then.and_then(|then| then.within_mins),
            }
        })
        .collect()
}

/// The decision's rules that set a priority or a time limit.
fn pressing(decision: Option<&Decision>, pack: Option<&Pack>) -> Vec<Reason> {
    let presses = |reason: &&Reason| {
        pack.and_then(|pack| pack.rule(&reason.rule))
            .is_some_and(|rule| rule.then.priority.is_some() || rule.then.within_mins.is_some())
    };
    let reasons = decision.into_iter().flat_map(|decision| &decision.reasons);
    reasons.filter(presses).cloned().collect()
}

fn spoken(message: &MessageRow) -> Spoken {
    Spoken {
        at: message.sent_at,
        // The store writes no other word; what no one of ours would have written is a notice.
        author: Author::parse(&message.author).unwrap_or(Author::System),
        text: message.text.clone(),
        edited_at: message.edited_at,
        deleted_at: message.deleted_at,
        attachments: message.attachments.iter().map(file_seen).collect(),
    }
}

fn file_seen(file: &AttachmentRow) -> FileSeen {
    FileSeen {
        id: file.id.clone(),
        kind: file.kind.clone(),
        name: file.name.clone(),
        size: file.size,
        state: file.state.clone(),
        transcribed: file.transcribed,
    }
}

fn evidence(view: &TicketView, decision: Option<&Decision>) -> EvidencePart {
    let latest = view.drafts.first();
    let ledger = latest.map(|draft| list::<LedgerEntry>(&draft.ledger)).unwrap_or_default();
    let bare = ledger.into_iter().filter(|entry| entry.support == Support::None);
    EvidencePart {
        passages: passages(view),
        unsupported: bare.map(|entry| entry.sentence).collect(),
        signals: understood(view).get("signals").map(list).unwrap_or_default(),
        confidence: decision.map(|decision| decision.confidence),
        reasons: decision.map(|decision| decision.reasons.clone()).unwrap_or_default(),
    }
}

/// The decision's passages; their words are those that the latest draft kept.
fn passages(view: &TicketView) -> Vec<PassageSeen> {
    let read = |value: &Value| -> Vec<PassageSeen> {
        let mut passages: Vec<PassageSeen> = list(value);
        for passage in &mut passages {
            passage.heading = passage.heading.take().filter(|heading| !heading.is_empty());
        }
        passages
    };
    let kept = view.drafts.first().map(|draft| read(&draft.passages)).unwrap_or_default();
    let mut recorded = view.decision.get("passages").map(read).unwrap_or_default();
    if recorded.is_empty() {
        return kept;
    }
    for passage in &mut recorded {
        let same = kept.iter().find(|known| {
            (&known.article, known.locale, &known.heading)
                == (&passage.article, passage.locale, &passage.heading)
        });
        passage.text = same.and_then(|known| known.text.clone());
    }
    recorded
}
