//! One message as it came in, and whether it waits for an answer.
//!
//! Whatever has an id, a time and a sender is a message, even if its content makes no sense: somebody wrote to the
//! business, and a person can still look at it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::content::{Context, Kind, Referral, SystemChange};
use super::{Alias, Place, Sender, kind, sender};
use crate::channels::whatsapp::errors::{self, ApiError};
use crate::channels::whatsapp::{identity, json};
use crate::domain::attachment::{Attachment, AttachmentKind, Source};
use crate::domain::file_name::{one_line, safe_name};
use crate::domain::ids::AttachmentId;
use crate::domain::message::MessageFlags;

/// Longest name of a type, in bytes.
const TYPE_MAX: usize = 100;

/// A message of a customer, or with `from_business` one that the business sent to them from its own phone.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// The phone number id of the business's number.
    pub account: String,
    /// That number, as WhatsApp shows it.
    pub display_phone: Option<String>,
    /// The business account.
    pub waba: String,
    /// WhatsApp's id of the message; a repeated delivery has the same.
    pub id: String,
    /// When it was sent. Order and the 24-hour window go by it, not by the arrival.
    pub timestamp: DateTime<Utc>,
    /// The customer: who wrote, or for an echo to whom the business wrote.
    pub sender: Sender,
    /// The group it was written in.
    pub group_id: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// What it refers to.
    pub context: Option<Context>,
    /// The advertisement that led to it.
    pub referral: Option<Referral>,
    /// True for an echo of a message that the business sent from its own phone.
    pub from_business: bool,
    /// What WhatsApp could not hand over.
    pub errors: Vec<ApiError>,
    /// The whole of it as it came, where `kind` does not hold it.
    pub raw: Option<Value>,
}

crate::domain::words! {
    /// Why a message is not to be answered.
    Silence {
        /// The business wrote it itself.
        Echo = "echo",
        /// It was written in a group.
        Group = "group",
        /// It is a sign put to a message.
        Reaction = "reaction",
        /// WhatsApp wrote it.
        System = "system",
        /// It rewrites a message that was already taken in.
        Edit = "edit",
        /// It takes a message back.
        Revoke = "revoke",
        /// The chat was opened and nothing written.
        Welcome = "request_welcome",
    }
}

impl Incoming {
    /// Returns why this is not to be answered; `None` if somebody waits for an answer.
    pub fn silence(&self) -> Option<Silence> {
        if self.from_business {
            return Some(Silence::Echo);
        }
        if self.group_id.is_some() {
            return Some(Silence::Group);
        }
        match &self.kind {
            Kind::Reaction { .. } => Some(Silence::Reaction),
            Kind::System(_) => Some(Silence::System),
            Kind::Edit { .. } => Some(Silence::Edit),
            Kind::Revoke { .. } => Some(Silence::Revoke),
            Kind::RequestWelcome => Some(Silence::Welcome),
            // Meta at times hands these over without their content.
            Kind::Unsupported { kind, .. } if kind == "edit" => Some(Silence::Edit),
            Kind::Unsupported { kind, .. } if kind == "revoke" => Some(Silence::Revoke),
            Kind::Unsupported { kind, .. } if kind == "reaction" => Some(Silence::Reaction),
            _ => None,
        }
    }

    /// True if somebody waits for an answer.
    pub fn wants_answer(&self) -> bool {
        self.silence().is_none()
    }

    /// Returns the marks for what follows. What we cannot see counts as media: its meaning is not in words.
    pub fn flags(&self) -> MessageFlags {
        let unseen = matches!(self.kind, Kind::Unsupported { .. }) && self.wants_answer();
        MessageFlags { media: unseen || self.kind.media().is_some(), ..MessageFlags::default() }
    }

    /// Returns its file under an id of ours; `None` where it has none, or none that can be asked for.
    pub fn attachment(&self, id: AttachmentId) -> Option<Attachment> {
        let kind = match &self.kind {
            Kind::Image(_) => AttachmentKind::Image,
            Kind::Video(_) => AttachmentKind::Video,
            Kind::Audio { voice: true, .. } => AttachmentKind::Voice,
            Kind::Audio { .. } => AttachmentKind::Audio,
            Kind::Sticker(_) => AttachmentKind::Sticker,
            Kind::Document(_) => AttachmentKind::Document,
            _ => return None,
        };
        let media = self.kind.media()?;
        Some(Attachment {
            id,
            kind,
            name: media.filename.as_deref().and_then(safe_name),
            mime: media.mime.as_deref().map(|mime| one_line(mime, TYPE_MAX)),
            size: None,
            source: Source::Whatsapp {
                media: media.id.clone()?,
                number: self.account.clone(),
                sha256: media.sha256.clone(),
            },
        })
    }

    /// Returns the change of identity that a system message tells of.
    pub fn alias(&self) -> Option<Alias> {
        let Kind::System(event) = &self.kind else { return None };
        let key = |id: &str| match event.change {
            SystemChange::Number => identity::e164(id).map(|number| identity::phone_key(&number)),
            SystemChange::UserId => Some(identity::user_key(id)),
            SystemChange::Other(_) => None,
        };
        let previous = key(event.previous.as_deref()?)?;
        let current = key(event.current.as_deref()?)?;
        (previous != current).then(|| Alias {
            account: self.account.clone(),
            waba: self.waba.clone(),
            previous,
            current,
            at: Some(self.timestamp),
        })
    }
}

pub(super) fn read(place: &Place<'_>, raw: &Value, echo: bool) -> Result<Incoming, &'static str> {
    let id = json::word(raw, "id").ok_or("message without an id")?;
    let timestamp = json::moment(raw, "timestamp").ok_or("message without a readable timestamp")?;
    let kind = kind::read(raw);
    let sender = customer(place, raw, &kind, echo);
    if !sender.is_known() {
        return Err("message of nobody: no number and no user id");
    }
    Ok(Incoming {
        account: place.account.clone(),
        display_phone: place.display_phone.clone(),
        waba: place.waba.to_owned(),
        id,
        timestamp,
        sender,
        group_id: json::word(raw, "group_id"),
        raw: matches!(kind, Kind::Unsupported { .. }).then(|| raw.clone()),
        kind,
        context: kind::context(raw),
        referral: kind::referral(raw),
        from_business: echo,
        errors: errors::read_all(raw),
    })
}

fn customer(place: &Place<'_>, raw: &Value, kind: &Kind, echo: bool) -> Sender {
    let mut sender = if echo {
        let user = ["to_user_id", "recipient_user_id"];
        let parent = ["to_parent_user_id", "recipient_parent_user_id"];
        sender::by_names(raw, &user, &parent, &["to", "recipient_id"])
    } else {
        sender::by_names(raw, &["from_user_id"], &["from_parent_user_id"], &["from"])
    };
    if let Kind::System(event) = kind
        && !sender.is_known()
    {
        let id = event.previous.clone().or_else(|| event.current.clone());
        match event.change {
            SystemChange::UserId => sender.user_id = id,
            SystemChange::Number | SystemChange::Other(_) => sender.set_wa_id(id),
        }
    }
    place.people.complete(&mut sender);
    sender
}
