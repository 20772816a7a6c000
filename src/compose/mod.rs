//! Writes replies from approved words alone: templates, and the passage's own text.
//!
//! Every sentence is accounted for in the draft's ledger. Without a passage that answers there is no answer:
//! nothing here invents one.

mod context;
mod evidence;
mod format;
mod front;
mod ledger;
mod markup;
mod name;
mod preview;
mod register;
mod templates;
mod verify;
mod words;

use chrono::NaiveDate;
pub use evidence::{
    Evidence, ExamineInput, Finding, FindingKind, PassageReader, contacts_not_in, examine,
};
pub use format::{date, length, moment, money, time_of_day};
pub use markup::for_channel;
pub use preview::{House, SampleCase, Sampled, sample_passage};
pub use register::Register;
pub use templates::{Family, Templates, shipped};
pub use verify::{Verification, VerifyInput, likely_locale, verify};

use crate::domain::channel::Channel;
use crate::domain::draft::{DraftKind, DraftText, Flaw, LedgerEntry, Passage, Support};
use crate::domain::labels::{Locale, Sentiment};
use crate::domain::signal::Signal;
use context::AnswerText;

/// Characters that read well in one WhatsApp or chat message.
const SHORT_REPLY: usize = 900;
/// Steps are worth a longer message, up to here; beyond it the opening paragraph answers alone.
const LONGEST_STEPS: usize = 1_600;
/// Characters that read well in a mail.
const LONG_REPLY: usize = 3_000;

/// What a reply is written from.
#[derive(Clone, Debug)]
pub struct ComposeInput<'a> {
    /// The language of the reply.
    pub locale: Locale,
    /// Where it goes.
    pub channel: Channel,
    /// The name customers know the business by.
    pub brand: &'a str,
    /// The sentence that says a machine writes.
    pub ai_disclosure: &'a str,
    /// The sentence that tells how to reach a person.
    pub way_to_person: &'a str,
    /// The customer's name as given; used only when it is plainly a person's.
    pub customer_name: Option<&'a str>,
    /// What it is about, as words that fit after "about"; `None` takes the category's name.
    pub topic: Option<&'a str>,
    /// The category's display name.
    pub category_name: &'a str,
    /// The customer's mood.
    pub sentiment: Sentiment,
    /// How the customer writes.
    pub register: Register,
    /// The number the customer can quote.
    pub ticket_number: Option<&'a str>,
    /// What the search found, best first.
    pub passages: &'a [Passage],
}

/// What notices know beyond [`ComposeInput`]; all optional.
#[derive(Clone, Debug, Default)]
pub struct NoticeFacts<'a> {
    /// The team that takes over, as customers may read it.
    pub team: Option<&'a str>,
    /// Until when the team answers by the policy, in the customer's words for a moment; never a guess.
    pub answer_by: Option<&'a str>,
    /// The satisfaction question rides along.
    pub csat: bool,
    /// The rating was a low one.
    pub low: bool,
    /// For how long the customer has been waited for, e.g. "3 dias".
    pub waited: Option<&'a str>,
    /// After how long the ticket closes, e.g. "24 horas".
    pub closes_within: Option<&'a str>,
    /// What an operator says of a known problem, as a full sentence.
    pub incident_text: Option<&'a str>,
    /// After how long there is more to hear, e.g. "30 minutos".
    pub next_update: Option<&'a str>,
    /// Between which moments the customer will be called.
    pub callback: Option<(&'a str, &'a str)>,
    /// The customer's plan.
    pub plan: Option<&'a str>,
    /// An amount in hundredths of the currency.
    pub amount_hundredths: Option<i64>,
    /// ISO 4217 code of the amount.
    pub currency: &'a str,
    /// The day of the next charge.
    pub next_charge: Option<NaiveDate>,
    /// Why something cannot be done, as a full sentence.
    pub reason: Option<&'a str>,
    /// What can be done instead.
    pub options: &'a [&'a str],
    /// The customer writes Spanish.
    pub spanish: bool,
}

/// A line to call in an emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmergencyLine<'a> {
    /// The line's name.
    pub name: &'a str,
    /// The number as people dial it.
    pub number: &'a str,
    /// When to call it.
    pub when: &'a str,
}

/// Writes the answer that the best passage gives; `None` when no passage in the reply's language is above the floor.
pub fn compose(templates: &Templates, input: &ComposeInput<'_>) -> Option<DraftText> {
    answering(input)?;
    write(templates, Family::Answer, input, &NoticeFacts::default())
}

/// Puts a reply that a model wrote into the business's own frame: greeting, the line that says an AI writes, the way to a
/// person. `body` is what [`examine`] examined, in the channel's formatting; its sentences keep their evidence.
pub fn written(
    templates: &Templates,
    input: &ComposeInput<'_>,
    body: &str,
    evidence: &Evidence,
) -> Option<DraftText> {
    let answer = AnswerText { has_steps: false, text: body.to_owned() };
    let variables = context::of(input, &NoticeFacts::default(), &[], Some(&answer));
    let rendered = templates.render(Family::Written, input.channel, input.locale, variables)?;
    let (text, mut ledger) = ledger::account(&rendered.text, 0);
    let mut left: Vec<&LedgerEntry> = evidence.ledger.iter().collect();
    for entry in ledger.iter_mut().filter(|entry| entry.support == Support::Passage) {
        // Framing may join a line differently; a sentence that is not found again has no support.
        let found = left.iter().position(|own| own.sentence.trim() == entry.sentence.trim());
        let own = found.map(|at| left.remove(at));
        entry.support = own.map_or(Support::None, |own| own.support);
        entry.passages = own.map(|own| own.passages.clone()).unwrap_or_default();
        entry.doubt = own.and_then(|own| own.doubt);
        entry.flaws = evidence
            .findings
            .iter()
            .filter(|finding| finding.sentence.trim() == entry.sentence.trim())
            .map(|finding| Flaw {
                kind: finding.kind.as_str().to_owned(),
                found: finding.found.clone(),
                expected: finding.expected.clone(),
            })
            .collect();
    }
    let (locale, choices) = (input.locale, rendered.choices);
    Some(DraftText { text, locale, kind: DraftKind::Model, ledger, choices })
}

/// Writes a notice of a family, with the best passage where the family has room for one.
///
/// `None` when there is nothing to say: an answer without a passage above the floor, billing without a fact.
pub fn notice(
    templates: &Templates,
    family: Family,
    input: &ComposeInput<'_>,
    facts: &NoticeFacts<'_>,
) -> Option<DraftText> {
    let billed =
        facts.plan.is_some() || facts.amount_hundredths.is_some() || facts.next_charge.is_some();
    match family {
        Family::Answer => drop(answering(input)?),
        Family::BillingAnswer if !billed => return None,
        _ => {}
    }
    write(templates, family, input, facts)
}

/// Writes the approved text for a safety signal; `None` for a signal that is no danger to a person.
///
/// `lines` are the policy's emergency lines for this signal, in the order they are shown.
pub fn safety_text(
    templates: &Templates,
    signal: Signal,
    input: &ComposeInput<'_>,
    lines: &[EmergencyLine<'_>],
) -> Option<DraftText> {
    let family = match signal {
        Signal::SelfHarm => Family::SafetySelfHarm,
        Signal::ChildSafety => Family::SafetyChild,
        Signal::Violence => Family::SafetyViolence,
        _ => return None,
    };
    let variables = context::of(input, &NoticeFacts::default(), lines, None);
    let rendered = templates.render(family, input.channel, input.locale, variables)?;
    let (text, ledger) = ledger::account(&rendered.text, 0);
    let (locale, choices) = (input.locale, rendered.choices);
    Some(DraftText { text, locale, kind: DraftKind::Safety, ledger, choices })
}

/// Returns the first blank of a text that nobody filled: `[NOME]`, `{{name}}`, `____`.
pub fn blank(text: &str) -> Option<&str> {
    verify::blank(text)
}

/// Returns the name to greet somebody with; `None` where what is given is no plain personal name.
pub fn first_name(given: &str) -> Option<String> {
    name::first_name(given)
}

/// The passage to answer with, and its place in the list.
fn answering<'a>(input: &ComposeInput<'a>) -> Option<(usize, &'a Passage)> {
    (0..).zip(input.passages).find(|(_, p)| p.above_floor && p.locale == input.locale)
}

fn write(
    templates: &Templates,
    family: Family,
    input: &ComposeInput<'_>,
    facts: &NoticeFacts<'_>,
) -> Option<DraftText> {
    let Some((place, passage)) = answering(input) else {
        let variables = context::of(input, facts, &[], None);
        let rendered = templates.render(family, input.channel, input.locale, variables)?;
        let (text, ledger) = ledger::account(&rendered.text, 0);
        let (locale, choices) = (input.locale, rendered.choices);
        return Some(DraftText { text, locale, kind: DraftKind::Template, ledger, choices });
    };
    let room = match input.channel {
        Channel::Email | Channel::WebForm => LONG_REPLY,
        Channel::Whatsapp | Channel::Chat | Channel::Phone | Channel::Api => SHORT_REPLY,
    };
    let has_list = |text: &str| text.split("\n\n").any(markup::is_list);
    let complete = has_list(&passage.text);
    let mut chosen: Option<DraftText> = None;
    for form in markup::shorter_forms(&passage.text) {
        let answer = AnswerText {
            // A list of prices has no step to get stuck at.
            has_steps: form.split("\n\n").any(markup::is_numbered),
            text: markup::for_channel(&form, input.channel),
        };
        let whole = has_list(&form) || !complete;
        // A longer message is better than an answer without its steps.
        if !whole
            && chosen.as_ref().is_some_and(|d| d.text.chars().count() <= room.max(LONGEST_STEPS))
        {
            break;
        }
        let variables = context::of(input, facts, &[], Some(&answer));
        let rendered = templates.render(family, input.channel, input.locale, variables)?;
        let (text, ledger) = ledger::account(&rendered.text, place);
        let length = text.chars().count();
        let (locale, choices) = (input.locale, rendered.choices);
        let kind = DraftKind::Extractive;
        chosen = Some(DraftText { text, locale, kind, ledger, choices });
        if length <= room {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
