//! A file that came with a message, or goes with one: what its sender says of it, and where it is to be had.

use serde::{Deserialize, Serialize};

use super::ids::AttachmentId;

super::words! {
    /// What a file is to whoever sent it.
    AttachmentKind {
        /// A picture.
        Image = "image",
        /// A recording made in the app: its words are what the person says.
        Voice = "voice",
        /// Any other sound.
        Audio = "audio",
        /// A film.
        Video = "video",
        /// A document.
        Document = "document",
        /// A sticker.
        Sticker = "sticker",
        /// Anything else.
        File = "file",
        /// The HTML of a mail: no file of its own, but the message as its sender laid it out.
        MailHtml = "mail_html",
    }
}

super::words! {
    /// How far a file came.
    AttachmentState {
        /// It is to be fetched.
        Waiting = "waiting",
        /// It is here, whole.
        Kept = "kept",
        /// It was to be had and is not taken: too large, or not what was announced.
        Refused = "refused",
        /// It is not to be had any more.
        Lost = "lost",
        /// It was removed with the data of whoever sent it.
        Erased = "erased",
    }
}

/// A file of a message. Its id is minted when the message is accepted, and is the only name that it is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Our id.
    pub id: AttachmentId,
    /// What it is.
    pub kind: AttachmentKind,
    /// The sender's name for it: something to show, nothing to make a path of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type that the sender's program claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Its size in bytes, where it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where it is to be had.
    pub source: Source,
}

/// For how many hours a file that was handed in waits for the reply that it goes with.
pub const UPLOAD_HOURS: i64 = 24;

/// Where a file is to be had. No bytes travel with a message: a channel that has them already writes them to where files
/// are kept, under the attachment's id, before it hands the message over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// WhatsApp keeps it for some days.
    Whatsapp {
        /// What it is asked for by.
        media: String,
        /// The id of the number that received it, whose token opens it.
        number: String,
        /// The SHA-256 that the message promises, as it came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// It came with a mail, whose bytes were here: it is in its place, or was not taken.
    Mail {
        /// What is known of the bytes; `None` where they are more than is taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept: Option<KeptBytes>,
        /// True where the mail shows it among its words.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        inline: bool,
        /// What the mail's HTML calls it, without angle brackets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_id: Option<String>,
    },
    /// A person of the business handed it in, to be sent.
    Upload,
}

/// What is known of bytes that were written to their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBytes {
    /// Their SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// The type that they show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sniffed: Option<String>,
}
