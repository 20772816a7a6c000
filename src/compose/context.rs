//! The variables that reply templates can use, made from what is known about a case.

use serde_json::{Value, json};

use super::ledger::{from_passage, from_ticket, unmarked};
use super::name::first_name;
use super::register::Register;
use super::{ComposeInput, EmergencyLine, NoticeFacts, format};
use crate::domain::channel::Channel;
use crate::domain::labels::{Locale, Sentiment};

/// Every variable; all are always there, and null, false or empty when not known.
pub(super) const VARIABLES: &[&str] = &[
    "brand",
    "ai_disclosure",
    "way_to_person",
    "name",
    "topic",
    "category",
    "ticket_number",
    "answer",
    "has_steps",
    "casual",
    "formal",
    "angry",
    "unhappy",
    "whatsapp",
    "spanish",
    "team",
    "answer_by",
    "csat",
    "low",
    "waited",
    "closes_within",
    "incident_text",
    "next_update",
    "callback_from",
    "callback_until",
    "plan",
    "amount",
    "next_charge",
    "reason",
    "options",
    "lines",
    "label",
    "number",
    "when",
    "this",
];

/// What the passage contributes: its words for the channel, and whether they hold steps.
pub(super) struct AnswerText {
    pub(super) text: String,
    pub(super) has_steps: bool,
}

/// Makes the variables of one reply.
pub(super) fn of(
    input: &ComposeInput<'_>,
    facts: &NoticeFacts<'_>,
    lines: &[EmergencyLine<'_>],
    answer: Option<&AnswerText>,
) -> Value {
    let angry = input.sentiment == Sentiment::Angry;
    let ticket = |text: Option<&str>| {
        text.map(one_line).filter(|text| !text.is_empty()).map(|text| from_ticket(&text))
    };
    let amount = facts
        .amount_hundredths
        .map(|amount| from_ticket(&format::money(amount, facts.currency, input.locale)));
    let next_charge = facts.next_charge.map(|day| from_ticket(&format::date(day, input.locale)));
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| json!({"label": line.name, "number": line.number, "when": inside(line.when)}))
        .collect();
    json!({
        "brand": unmarked(input.brand),
        "ai_disclosure": sentence(input.ai_disclosure),
        "way_to_person": sentence(input.way_to_person),
        "name": input.customer_name.and_then(first_name).map(|name| from_ticket(&name)),
        "topic": inside(input.topic.unwrap_or(input.category_name)),
        "category": inside(input.category_name),
        "ticket_number": ticket(input.ticket_number),
        "answer": answer.map(|answer| from_passage(&answer.text)),
        "has_steps": answer.is_some_and(|answer| answer.has_steps),
        "casual": !angry && input.register == Register::Casual,
        "formal": !angry && input.register == Register::Formal,
        "angry": angry,
        "unhappy": angry || input.sentiment == Sentiment::Negative,
        "whatsapp": input.channel == Channel::Whatsapp,
        "spanish": facts.spanish,
        "team": facts.team.map(one_line),
        "answer_by": facts.answer_by.map(one_line),
        "csat": facts.csat,
        "low": facts.low,
        "waited": facts.waited.map(one_line),
        "closes_within": facts.closes_within.map(one_line),
        "incident_text": facts.incident_text.map(sentence).filter(|text| !text.is_empty()),
        "next_update": facts.next_update.map(one_line),
        "callback_from": facts.callback.map(|(from, _)| one_line(from)),
        "callback_until": facts.callback.map(|(_, until)| one_line(until)),
        "plan": ticket(facts.plan),
        "amount": amount,
        "next_charge": next_charge,
        "reason": facts.reason.map(sentence),
        "options": facts.options.iter().map(|option| sentence(option)).collect::<Vec<_>>(),
        "lines": lines,
    })
}

/// Values that every template must render with: each tone, with everything known and with nothing known.
pub(super) fn samples(locale: Locale) -> Vec<Value> {
    let texts = match locale {
        Locale::PtBr => [
            "Sou a assistente de IA da Prisma",
            "Para falar com uma pessoa, responda ATENDENTE",
            "cobrança",
            "Cobrança",
            "financeiro",
            "1 hora",
            "Profissional",
        ],
        Locale::En => [
            "I'm the AI assistant at Prisma",
            "To talk to a person, reply AGENT",
            "your bill",
            "Billing",
            "billing team",
            "1 hour",
            "Professional",
        ],
    };
    let [ai_disclosure, way_to_person, topic, category_name, team, within, plan] = texts;
    let mut samples = Vec::new();
    for (register, sentiment) in [
        (Register::Casual, Sentiment::Neutral),
        (Register::Neutral, Sentiment::Neutral),
        (Register::Formal, Sentiment::Neutral),
        (Register::Neutral, Sentiment::Negative),
        (Register::Neutral, Sentiment::Angry),
    ] {
        for known in [true, false] {
            let input = ComposeInput {
                locale,
                channel: if known { Channel::Whatsapp } else { Channel::Email },
                brand: "Prisma",
                ai_disclosure,
                way_to_person,
                customer_name: known.then_some("Maria Souza"),
                topic: known.then_some(topic),
                category_name: if known { category_name } else { "" },
                sentiment,
                register,
                ticket_number: known.then_some("2026-000123"),
                passages: &[],
            };
            let facts = NoticeFacts {
                team: known.then_some(team),
                plan: known.then_some(plan),
                amount_hundredths: known.then_some(9_900),
                currency: "BRL",
                next_charge: chrono::NaiveDate::from_ymd_opt(2026, 12, 10).filter(|_| known),
                reason: known.then_some(category_name),
                options: if known { &["A", "B"] } else { &[] },
                spanish: known,
                answer_by: known.then_some(within),
                csat: known,
                low: known,
                waited: known.then_some(within),
                closes_within: known.then_some(within),
                incident_text: known.then_some(topic),
                next_update: known.then_some(within),
                callback: known.then_some((within, within)),
            };
            let line = EmergencyLine { name: "CVV", number: "188", when: "24 h" };
            let answer =
                AnswerText { text: "Texto.\n\n1. Um.\n2. Dois.".to_owned(), has_steps: true };
            samples.push(of(
                &input,
                &facts,
                if known { std::slice::from_ref(&line) } else { &[] },
                known.then_some(&answer),
            ));
        }
    }
    samples
}

/// One line without private characters, for short values.
fn one_line(text: &str) -> String {
    unmarked(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that stands by itself: ends in punctuation.
fn sentence(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() || text.ends_with(['.', '!', '?', '…']) {
        text
    } else {
        format!("{text}.")
    }
}

/// Text that goes inside a sentence: begins in lower case unless it is an acronym, without a final stop.
fn inside(text: &str) -> String {
    let text = one_line(text);
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(std::iter::once(second)).chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
