//! A message as a channel hands it over, before anything is understood.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::channel::Channel;
use super::ids::{MessageId, TenantId, TicketId};

/// What a channel writes into the inbox. Ids are minted here, at acceptance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboundMessage {
    /// Our id, told to the sender.
    pub id: MessageId,
    /// The id its ticket gets should it open one.
    pub ticket_id: TicketId,
    /// Whose message it is.
    pub tenant: TenantId,
    /// The way it came.
    pub channel: Channel,
    /// Which of the business's own accounts received it (a number, a mailbox, an API client).
    pub account: String,
    /// The sender's own id; with tenant and account it makes a message unique.
    pub external_id: String,
    /// What joins messages to one conversation: the contact, or for e-mail the thread.
    pub thread: String,
    /// Who wrote.
    pub contact: Contact,
    /// Subject line, where the channel has one.
    pub subject: Option<String>,
    /// The words, as received; of a mail, without those that repeat or only sign.
    pub text: String,
    /// What of a mail's own form the text does not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// What the channel itself knows of the message.
    #[serde(default)]
    pub flags: MessageFlags,
    /// Category or urgency that a form or phone agent stated.
    #[serde(default)]
    pub given: Given,
    /// The files that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// When the customer sent it, as the channel says.
    pub sent_at: DateTime<Utc>,
    /// When we accepted it.
    pub received_at: DateTime<Utc>,
}

/// The person behind a message, as far as the channel tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Contact {
    /// The business's own key for the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Name, as the channel shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

super::words! {
    /// Which form of a mail's words was read.
    TextPart {
        /// Its plain text.
        Plain = "plain",
        /// Its HTML.
        Html = "html",
    }
}

/// The words of a mail before anything was taken off, for people; engines never read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// The form that they were read in.
    pub part: TextPart,
    /// All of them, bounded; `None` where the message's text leaves nothing out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Marks that a channel sets from headers and types, not from the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageFlags {
    /// A machine wrote it (Auto-Submitted, Precedence, an empty return path).
    pub automatic: bool,
    /// Its meaning lies in an image, a recording or a file.
    pub media: bool,
    /// No machine may answer it: its sender is likely forged, wants no answer of machines, or did not write to us.
    pub held: bool,
}

/// What a form or a phone agent stated about the case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Given {
    /// A category of the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// An urgency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<super::labels::Urgency>,
    /// A language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<super::labels::Language>,
}

super::words! {
    /// Who wrote a message of a conversation.
    Author {
        /// The customer.
        Customer = "customer",
        /// The assistant.
        Ai = "ai",
        /// A person of the business.
        Agent = "agent",
        /// A notice that no one wrote, such as a safety text or an acknowledgement.
        System = "system",
    }
}

/// What finds a message again wherever it was kept: our id, and whence it came under which id of its sender's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageOrigin {
    /// Our id.
    pub id: String,
    /// The way it came.
    pub channel: String,
    /// The business's account that received it.
    pub account: String,
    /// The sender's own id.
    pub external_id: String,
}

impl From<&InboundMessage> for MessageOrigin {
    fn from(message: &InboundMessage) -> Self {
        Self {
            id: message.id.as_str().to_owned(),
            channel: message.channel.as_str().to_owned(),
            account: message.account.clone(),
            external_id: message.external_id.clone(),
        }
    }
}

/// A message of the conversation so far, as the pipeline and the desk read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastMessage {
    /// Who wrote it.
    pub author: Author,
    /// The words.
    pub text: String,
    /// When, if known.
    pub at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attachment::Source;

    /// As it was written before messages had attachments.
    const OLD: &str = r#"{"id":"msg_1","ticket_id":"tck_1","tenant":"main","channel":"whatsapp","account":"1",
        "external_id":"wamid.1","thread":"wac_1","contact":{},"subject":null,"text":"oi",
        "sent_at":"2026-11-20T12:00:00Z","received_at":"2026-11-20T12:00:00Z"}"#;

    #[test]
    fn a_message_from_before_attachments_reads_and_one_without_any_writes_none() {
        let message: InboundMessage = serde_json::from_str(OLD).unwrap();
        assert!(message.attachments.is_empty());
        assert!(!serde_json::to_string(&message).unwrap().contains("attachments"));
    }

    #[test]
    fn attachments_come_back_as_they_were_written() {
        let attachment = r#"{"id":"att_1","kind":"voice","source":{"from":"whatsapp","media":"7","number":"1"}}"#;
        let read: Attachment = serde_json::from_str(attachment).unwrap();
        let Source::Whatsapp { media, sha256, .. } = &read.source else { panic!("{read:?}") };
        assert_eq!((media.as_str(), sha256.as_deref()), ("7", None));
        assert_eq!(serde_json::to_string(&read).unwrap(), attachment);
    }
}
