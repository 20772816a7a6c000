//! Shows what a webhook body says, one JSON object per update, for `atende inspect whatsapp`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::errors::ApiError;
use super::payload::{self, Incoming, Kind, StatusChange, Update};
use crate::domain::labels::Locale;

/// Reads a body and returns one object per update in its order; a body that cannot be read gives one of kind `error`.
///
/// The locale is of the few words that a text gets from us, such as the one before a place.
pub fn inspected(body: &[u8], locale: Locale) -> Vec<Value> {
    match payload::read(body) {
        Ok(batch) => batch.updates.iter().map(|update| of_update(update, locale)).collect(),
        Err(error) => {
            vec![Line { kind: "error", reason: Some(&error.to_string()), ..Line::default() }.json()]
        }
    }
}

/// What every line has. The rest is put behind it.
#[derive(Default)]
struct Line<'a> {
    kind: &'static str,
    r#type: Option<&'a str>,
    from: Option<&'a str>,
    external_id: Option<&'a str>,
    timestamp: Option<DateTime<Utc>>,
    text: Option<&'a str>,
    attachments: Vec<Value>,
    reply_allowed: bool,
    reason: Option<&'a str>,
    more: Vec<(&'static str, Value)>,
}

impl Line<'_> {
    fn json(self) -> Value {
        let mut line = json!({
            "kind": self.kind,
            "type": self.r#type,
            "from": self.from,
            "external_id": self.external_id,
            "timestamp": self.timestamp.map(rfc3339),
            "text": self.text,
            // The API hands quoted words over as an id, never inside the text.
            "quoted_removed": false,
            "attachments": self.attachments,
            "reply_allowed": self.reply_allowed,
            "reason": self.reason,
        });
        if let Some(object) = line.as_object_mut() {
            let told = self.more.into_iter().filter(|(_, value)| !value.is_null());
            object.extend(told.map(|(name, value)| (name.to_owned(), value)));
        }
        line
    }
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn of_update(update: &Update, locale: Locale) -> Value {
    match update {
        Update::Message(message) => of_message(message, locale),
        Update::Status(change) => of_status(change),
        Update::Alias(alias) => Line {
            kind: "ignored",
            r#type: Some("user_id_update"),
            from: Some(&alias.previous),
            timestamp: alias.at,
            reason: Some("a customer's id changed"),
            more: vec![("account", json!(alias.account)), ("current", json!(alias.current))],
            ..Line::default()
        }
        .json(),
        Update::Preference(preference) => Line {
            kind: "ignored",
            r#type: Some("user_preferences"),
            from: preference.sender.address(),
            timestamp: preference.at,
            reason: Some("a customer chose what to receive"),
            more: vec![
                ("account", json!(preference.account)),
                ("category", json!(preference.category)),
                ("value", json!(preference.value)),
            ],
            ..Line::default()
        }
        .json(),
        Update::Fault(fault) => Line {
            kind: "error",
            r#type: Some("account"),
            reason: Some("WhatsApp reports a fault of the account"),
            more: vec![
                ("account", json!(fault.account)),
                ("errors", errors(std::slice::from_ref(&fault.error))),
            ],
            ..Line::default()
        }
        .json(),
        Update::Ignored { account, field, raw, why } => Line {
            kind: "ignored",
            r#type: Some(field),
            reason: Some(why),
            more: vec![("account", json!(account)), ("raw", raw.clone())],
            ..Line::default()
        }
        .json(),
        Update::Bad { account, raw, why } => Line {
            kind: "error",
            external_id: raw.get("id").and_then(Value::as_str),
            reason: Some(why),
            more: vec![("account", json!(account)), ("raw", raw.clone())],
            ..Line::default()
        }
        .json(),
    }
}

fn of_message(message: &Incoming, locale: Locale) -> Value {
    let customer = message.sender.address();
    let silence = message.silence();
    let text = message.text(locale);
    let context = message.context.clone().unwrap_or_default();
    let mut more = vec![
        ("account", json!(message.account)),
        ("name", json!(message.sender.name)),
        ("user_id", json!(message.sender.user_id)),
        ("to", json!(customer.filter(|_| message.from_business))),
        ("group_id", json!(message.group_id)),
        ("in_reply_to", json!(context.quoted)),
        ("forwarded", json!(context.forwarded.then_some(true))),
        ("product", json!(context.product.map(|product| product.product))),
        ("media", json!(message.flags().media.then_some(true))),
        ("raw", json!(message.raw)),
    ];
    more.extend(particulars(&message.kind));
    if !message.errors.is_empty() {
        more.push(("errors", errors(&message.errors)));
    }
    Line {
        kind: "message",
        r#type: Some(message.kind.name()),
        from: if message.from_business { message.display_phone.as_deref() } else { customer },
        external_id: Some(&message.id),
        timestamp: Some(message.timestamp),
        text: text.as_deref(),
        attachments: attachments(&message.kind),
        reply_allowed: silence.is_none(),
        reason: silence.map(super::payload::Silence::as_str),
        more,
    }
    .json()
}

/// Returns what only messages of this kind have.
fn particulars(kind: &Kind) -> Vec<(&'static str, Value)> {
    match kind {
        Kind::Audio { voice, .. } => vec![("voice", json!(voice))],
        Kind::ButtonReply { payload, .. } | Kind::ListReply { payload, .. } => {
            vec![("payload", json!(payload))]
        }
        Kind::TemplateButton { payload, .. } => vec![("payload", json!(payload))],
        Kind::FlowReply { name, .. } => vec![("flow", json!(name))],
        Kind::Order { catalog, .. } => vec![("catalog", json!(catalog))],
        Kind::Reaction { to, emoji } => vec![("to_message", json!(to)), ("emoji", json!(emoji))],
        Kind::System(event) => {
            vec![("previous", json!(event.previous)), ("current", json!(event.current))]
        }
        Kind::Edit { of, .. } | Kind::Revoke { of } => vec![("of", json!(of))],
        Kind::Unsupported { kind, code } => {
            vec![("unsupported", json!(kind)), ("code", json!(code))]
        }
        _ => Vec::new(),
    }
}

fn attachments(kind: &Kind) -> Vec<Value> {
    let one = |media: &payload::Media| {
        json!({
            "type": kind.name(),
            "mime": media.mime,
            "filename": media.filename,
            "id": media.id,
        })
    };
    kind.media().map(one).into_iter().collect()
}

fn of_status(change: &StatusChange) -> Value {
    let mut more = vec![
        ("account", json!(change.account)),
        ("to", json!(change.recipient())),
        ("category", json!(change.pricing.as_ref().and_then(|pricing| pricing.category.clone()))),
        ("opaque", json!(change.opaque)),
    ];
    if !change.errors.is_empty() {
        more.push(("errors", errors(&change.errors)));
    }
    Line {
        kind: "status",
        r#type: Some(change.status.as_str()),
        external_id: Some(&change.id),
        timestamp: Some(change.at),
        reason: Some("status"),
        more,
        ..Line::default()
    }
    .json()
}

fn errors(errors: &[ApiError]) -> Value {
    let one = |error: &ApiError| json!({ "code": error.code, "title": error.title, "details": error.details });
    errors.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
