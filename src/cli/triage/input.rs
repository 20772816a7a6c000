//! One input line into one turn; every mistake names its field.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::super::lines::{self, BadLine, kind};
use crate::domain::channel::Channel;
use crate::domain::customer::{CustomerProfile, Money};
use crate::domain::labels::Urgency;
use crate::domain::message::{Author, Contact, Given, MessageFlags, PastMessage};
use crate::pipeline::TurnInput;
use crate::policy::Pack;

/// Longest text of one message, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// Most messages of a history.
const MAX_HISTORY: usize = 1000;

/// Reads fields of one object and remembers which were asked for.
struct Reader<'a> {
    object: &'a Map<String, Value>,
    path: &'static str,
}

type Read<T> = Result<T, (String, String)>;

impl<'a> Reader<'a> {
    fn name(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    fn wrong<T>(&self, field: &str, message: impl Into<String>) -> Read<T> {
        Err((self.name(field), message.into()))
    }

    /// A text; absent and null are the same.
    fn text(&self, field: &str) -> Read<Option<&'a str>> {
        match self.object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(Some(text)),
            Some(Value::String(_)) => self.wrong(field, "the text is longer than 1 MiB"),
            Some(other) => self.wrong(field, format!("must be a text, not {}", kind(other))),
        }
    }

    fn owned(&self, field: &str) -> Read<Option<String>> {
        Ok(self.text(field)?.map(str::to_owned))
    }

    fn object(&self, field: &str, path: &'static str) -> Read<Option<Reader<'a>>> {
        match self.object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Reader { object, path })),
            Some(other) => self.wrong(field, format!("must be an object, not {}", kind(other))),
        }
    }

    fn count_unknown(&self, known: &[&str], unknown: &mut BTreeMap<String, u64>) {
        for field in self.object.keys().filter(|field| !known.contains(&field.as_str())) {
            *unknown.entry(self.name(field)).or_default() += 1;
        }
    }
}

/// Reads a line. Unknown fields are passed over and counted.
pub(super) fn read(
    line: &[u8],
    pack: &Pack,
    now: DateTime<Utc>,
    unknown: &mut BTreeMap<String, u64>,
) -> Result<(Value, TurnInput), BadLine> {
    let (object, id) = lines::object(line)?;
    let reader = Reader { object: &object, path: "" };
    match turn(&reader, pack, now, unknown) {
        Ok(turn) => match &id {
            Some(id) => Ok((id.clone(), turn)),
            None => Err(BadLine::new(None, "id", "must be a text or a number")),
        },
        Err((field, message)) => Err(BadLine::new(id, field, message)),
    }
}

fn turn(
    reader: &Reader<'_>,
    pack: &Pack,
    now: DateTime<Utc>,
    unknown: &mut BTreeMap<String, u64>,
) -> Read<TurnInput> {
    reader.count_unknown(
        &[
            "id",
            "channel",
            "text",
            "subject",
            "from",
            "customer",
            "history",
            "category",
            "urgency",
            "media",
            "automatic",
        ],
        unknown,
    );
    let known = || one_of(Channel::ALL.iter().map(|channel| channel.as_str()));
    let Some(word) = reader.text("channel")? else {
        return reader.wrong("channel", format!("is missing; {}", known()));
    };
    let Some(channel) = Channel::parse(word) else { return reader.wrong("channel", known()) };
    let Some(text) = reader.owned("text")? else { return reader.wrong("text", "is missing") };
    let subject = reader.owned("subject")?;
    if text.trim().is_empty() && subject.as_ref().is_none_or(|subject| subject.trim().is_empty()) {
        return reader.wrong("text", "is empty; there is nothing to decide");
    }
    let history = history(reader)?;
    let (contact, profile) = people(reader, unknown)?;
    let ai_turns = history
        .iter()
        .rev()
        .take_while(|past| past.author != Author::Agent)
        .filter(|past| past.author == Author::Ai);
    Ok(TurnInput {
        subject,
        ai_turns: u32::try_from(ai_turns.count()).unwrap_or(u32::MAX),
        history,
        contact,
        profile,
        given: given(reader, pack)?,
        flags: flags(reader)?,
        ..TurnInput::fresh(channel, text, now)
    })
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("must be one of {}", words.collect::<Vec<_>>().join(", "))
}

fn given(reader: &Reader<'_>, pack: &Pack) -> Read<Given> {
    let category = reader.owned("category")?;
    if let Some(word) = &category
        && pack.category(word).is_none()
    {
        let known = one_of(pack.taxonomy.iter().map(|category| category.id.as_str()));
        return reader.wrong("category", known);
    }
    let word = reader.text("urgency")?;
    let urgency = word.and_then(Urgency::parse);
    if word.is_some() && urgency.is_none() {
        let known = Urgency::ALL.iter().map(|urgency| urgency.as_str());
        return reader.wrong("urgency", one_of(known));
    }
    Ok(Given { category, urgency, language: None })
}

fn flags(reader: &Reader<'_>) -> Read<MessageFlags> {
    let flag = |field: &str| match reader.object.get(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => reader.wrong(field, format!("must be true or false, not {}", kind(other))),
    };
    Ok(MessageFlags { automatic: flag("automatic")?, media: flag("media")?, held: false })
}

fn history(reader: &Reader<'_>) -> Read<Vec<PastMessage>> {
    let items = match reader.object.get("history") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => {
            return reader.wrong("history", format!("must be a list, not {}", kind(other)));
        }
    };
    if items.len() > MAX_HISTORY {
        return reader.wrong("history", format!("has more than {MAX_HISTORY} messages"));
    }
    items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let Value::Object(object) = item else {
                let message = format!("must be an object, not {}", kind(item));
                return reader.wrong(&format!("history[{at}]"), message);
            };
            let past = Reader { object, path: "" };
            past_message(&past)
                .map_err(|(field, message)| (format!("history[{at}].{field}"), message))
        })
        .collect()
}

fn past_message(past: &Reader<'_>) -> Read<PastMessage> {
    let Some(author) = past.text("from")?.and_then(Author::parse) else {
        return past.wrong("from", "must be one of customer, ai, agent");
    };
    let Some(text) = past.owned("text")? else { return past.wrong("text", "is missing") };
    let at = match past.text("at")? {
        None => None,
        Some(at) => match DateTime::parse_from_rfc3339(at) {
            Ok(at) => Some(at.with_timezone(&Utc)),
            Err(_) => return past.wrong("at", "must be a time such as 2026-03-02T09:15:00-03:00"),
        },
    };
    Ok(PastMessage { author, text, at })
}

/// `from` is the channel's view of the person, `customer` the business's.
fn people(
    reader: &Reader<'_>,
    unknown: &mut BTreeMap<String, u64>,
) -> Read<(Contact, Option<CustomerProfile>)> {
    let contact = match reader.object.get("from") {
        Some(Value::String(name)) => Contact { name: Some(name.clone()), ..Contact::default() },
        _ => match reader.object("from", "from")? {
            None => Contact::default(),
            Some(from) => {
                from.count_unknown(&["name", "email", "phone", "reference"], unknown);
                Contact {
                    reference: from.owned("reference")?,
                    name: from.owned("name")?,
                    email: from.owned("email")?,
                    phone: from.owned("phone")?,
                }
            }
        },
    };
    let profile =
        reader.object("customer", "customer")?.map(|r| profile(&r, unknown)).transpose()?;
    Ok((contact, profile))
}

fn profile(customer: &Reader<'_>, unknown: &mut BTreeMap<String, u64>) -> Read<CustomerProfile> {
    customer.count_unknown(
        &["name", "email", "phone", "reference", "plan", "annual_revenue", "customer_since"],
        unknown,
    );
    let since = match customer.text("customer_since")? {
        None => None,
        Some(day) => match day.parse::<NaiveDate>() {
            Ok(day) => Some(day),
            Err(_) => return customer.wrong("customer_since", "must be a date such as 2024-05-31"),
        },
    };
    Ok(CustomerProfile {
        name: customer.owned("name")?,
        emails: customer.owned("email")?.into_iter().collect(),
        phones: customer.owned("phone")?.into_iter().collect(),
        plan: customer.owned("plan")?,
        annual_revenue: revenue(customer)?,
        customer_since: since,
        ..CustomerProfile::default()
    })
}

/// Accepts `{"minor": 1250000, "currency": "BRL"}` and `{"amount": 12500, "currency": "BRL"}`.
fn revenue(customer: &Reader<'_>) -> Read<Option<Money>> {
    let Some(money) = customer.object("annual_revenue", "customer.annual_revenue")? else {
        return Ok(None);
    };
    let Some(currency) = money.owned("currency")? else {
        return money.wrong("currency", "is missing; use an ISO 4217 code such as BRL");
    };
    let minor = match (money.object.get("minor"), money.object.get("amount")) {
        (Some(minor), _) => minor.as_i64(),
        (None, Some(amount)) => amount.as_f64().and_then(hundredths),
        (None, None) => None,
    };
    match minor {
        Some(minor) => Ok(Some(Money { minor, currency })),
        None => money.wrong("amount", "must be a number, or \"minor\" a whole number of cents"),
    }
}

/// An amount as typed, to the nearest cent; `None` beyond what a revenue can be.
fn hundredths(amount: f64) -> Option<i64> {
    let cents = (amount * 100.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    (cents.abs() < 1e15).then_some(cents as i64)
}
