//! Shows how one mail is understood, as one JSON object, for `atende inspect email`.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::kind::{self, Kind, Own, Report};
use super::parse::{self, Address, Attachment, Mail};
use super::{quote, thread};
use crate::domain::labels::Locale;

/// Returns how a mail is understood. Bytes that are none give an object of kind `error`, whose reason is in this language.
pub fn inspected(raw: &[u8], locale: Locale) -> Value {
    inspected_by(raw, &Own::default(), locale)
}

/// Returns how a mail is understood by those who own the mailboxes and lists of `own`.
pub fn inspected_by(raw: &[u8], own: &Own, locale: Locale) -> Value {
    match parse::read(raw) {
        Ok(mail) => of_mail(&mail, own),
        Err(error) => json!({
            "kind": "error",
            "type": null,
            "from": null,
            "external_id": null,
            "timestamp": null,
            "text": null,
            "quoted_removed": false,
            "attachments": [],
            "reply_allowed": false,
            "reason": error.text(locale),
        }),
    }
}

fn of_mail(mail: &Mail, own: &Own) -> Value {
    let kind = kind::classify(mail, own);
    let allowed = kind::reply_allowed(mail, &kind, own);
    let stripped = quote::strip(&mail.text);
    let mut line = json!({
        "kind": word(&kind),
        "type": kind.as_str(),
        "from": said(&mail.from.email),
        "external_id": mail.message_id,
        "timestamp": mail.date.map(|date| date.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "text": stripped.text,
        "quoted_removed": stripped.quoted_removed,
        "attachments": mail.attachments.iter().map(attachment).collect::<Vec<_>>(),
        "reply_allowed": allowed.is_ok(),
        "reason": allowed.err().map(kind::Reason::as_str),
    });
    let flag = |set: bool| set.then_some(true);
    let numbers: Vec<String> =
        thread::subject_numbers(&mail.subject).iter().map(ToString::to_string).collect();
    let mut more = vec![
        ("name", json!(mail.from.name)),
        ("subject", json!(said(&mail.subject))),
        ("to", list(&addresses(&mail.to))),
        ("cc", list(&addresses(&mail.cc))),
        ("reply_to", list(&addresses(&mail.reply_to))),
        ("in_reply_to", list(&mail.in_reply_to)),
        ("references", list(&mail.references)),
        ("ticket_numbers", list(&numbers)),
        ("sender", json!(kind::suspicion(mail, own).as_str())),
        ("signature_removed", json!(flag(stripped.signature_removed))),
        ("inline_answers", json!(flag(stripped.inline_answers))),
        ("html_only", json!(flag(mail.html_only))),
        ("external_id_derived", json!(flag(mail.message_id_derived))),
        ("truncated", json!(flag(mail.truncated))),
    ];
    if let Kind::Bounce(report) = &kind {
        more.extend(bounced(report));
    }
    if let Some(object) = line.as_object_mut() {
        let told = more.into_iter().filter(|(_, value)| !value.is_null());
        object.extend(told.map(|(name, value)| (name.to_owned(), value)));
    }
    line
}

const fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Bounce(_) => "status",
        Kind::Feedback | Kind::AutoReply | Kind::List | Kind::Own | Kind::Calendar => "ignored",
    }
}

fn attachment(one: &Attachment) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(one.kind.as_str()));
    object.insert("mime".to_owned(), json!(one.mime));
    object.insert("filename".to_owned(), json!(one.filename));
    object.insert("size".to_owned(), json!(one.size));
    object.insert("inline".to_owned(), json!(one.inline));
    if let Some(sniffed) = one.sniffed {
        object.insert("sniffed".to_owned(), json!(sniffed));
    }
    if let Some(id) = &one.content_id {
        object.insert("content_id".to_owned(), json!(id));
    }
    Value::Object(object)
}

fn bounced(report: &Report) -> [(&'static str, Value); 6] {
    [
        ("recipients", json!(report.recipients)),
        ("status", json!(report.status)),
        ("action", json!(report.action.as_str())),
        ("permanent", json!(report.permanent)),
        ("diagnostic", json!(report.diagnostic)),
        ("original_message_id", json!(report.original_message_id)),
    ]
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn addresses(list: &[Address]) -> Vec<String> {
    list.iter().map(|one| one.email.clone()).filter(|email| !email.is_empty()).collect()
}

fn list(values: &[String]) -> Value {
    if values.is_empty() { Value::Null } else { json!(values) }
}
