//! A mailbox that is watched by IMAP: every mail that arrives is handed over, and none is lost.
//!
//! The order that keeps the promise: fetch, let the caller store mails and place in one transaction, go on. A crash, a
//! broken connection or a store that fails in between means the same mails again, never a mail less. What the server
//! says is believed only when its answer is complete, and a mail that it cannot give is handed over as such.
//!
//! Two connections are held, one per folder, each with IDLE where the server has it. The folder of sent mail gets its
//! own rather than a look in between, because what a person answered from the webmail must stop a reply of ours
//! within a second, and because a large mail on one side must not hold up the other. Two are far below what providers
//! allow (Gmail 15, Dovecot 10 per address by default). Folders are opened for reading only: no flag ever changes.
//!
//! New mail is what has a higher number than the last one taken: RFC 3501 promises that numbers grow in the order in
//! which mails become visible. When the numbering changes, or goes back after a restore, the last days are handed over
//! again and marked so.
//!
//! A mail that a person moves out of the folder and back gets a new number and is handed over again; the caller knows
//! it by its Message-ID. Junk folders are not looked at.
//!
//! Callers that set up logging keep `async_imap` and `imap_proto` above the level `trace`, where they write whole mails.
//!
//! Tried against Dovecot 2.3 and against servers that misbehave on purpose. Never tried against the real Gmail,
//! Microsoft 365, Locaweb, UOL, Zoho or Courier. So these rest on documents and reports alone: the words by which
//! their refusals are told apart, XOAUTH2 with a real token, Microsoft's mails that cannot be converted, whether UOL
//! and Locaweb have IDLE and mark the folder of sent mail, how long each keeps a silent connection, and their limits.

pub mod check;
mod connect;
mod conversation;
mod folders;
mod follow;
mod settings;
mod trouble;
mod utf7;
mod watch;
mod wire;
mod words;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ports::{PortError, PortErrorKind};

pub use check::{Checked, Finding};
pub use connect::Failure;
pub use folders::FoundBy;
pub use settings::{Login, SentFolder, Settings, SettingsError};
pub use trouble::{Provider, Step, Trouble};
pub use watch::{Health, HealthBoard, Watcher};

crate::domain::words! {
    /// What a folder is for.
    FolderRole {
        /// Mail arrives here.
        Inbox = "inbox",
        /// Mail that was sent from this mailbox, by whomever.
        Sent = "sent",
    }
}

/// Where the watcher stands in a folder. It is the caller's to keep, as JSON for example, and nobody's to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The folder's name; a place in one folder means nothing in another.
    pub folder: String,
    /// The numbering that `last_uid` belongs to.
    pub uid_validity: u32,
    /// The number of the last mail taken.
    pub last_uid: u32,
    /// When the latest mail taken arrived; the first start counts as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DateTime<Utc>>,
    /// Present while mails are looked at again after the numbering changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescan: Option<Rescan>,
}

/// A look at mails under a new numbering that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescan {
    /// Only mails that arrived on this day or later are handed over.
    pub since: NaiveDate,
    /// Mails from this number on are new ones again.
    pub below: u32,
}

/// A mail as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its number in the folder.
    pub uid: u32,
    /// The numbering.
    pub uid_validity: u32,
    /// The mail; only its headers where it is too large or unreadable, and then possibly nothing.
    pub bytes: Vec<u8>,
    /// When it arrived, by the server's clock; `None` where the server gives no date that can be read.
    pub internal_date: Option<DateTime<Utc>>,
    /// True when it is larger than the settings allow.
    pub too_large: bool,
    /// True when the server could not give it, several times over the time that the settings name.
    pub unreadable: bool,
    /// True when the folder was numbered anew, so that this may be a double or older than the first start. The
    /// caller then tells by Message-ID.
    pub rescanned: bool,
}

impl Fetched {
    /// Names this mail among all of an account: the mailbox, the numbering and the number.
    pub fn external_id(&self, mailbox: &str) -> String {
        external_id(mailbox, self.uid_validity, self.uid)
    }
}

/// Names a mail: the mailbox (account and folder, as the caller names them), the numbering and the number.
pub fn external_id(mailbox: &str, uid_validity: u32, uid: u32) -> String {
    // The numbers stand last, so a name with colons stays unambiguous.
    format!("{mailbox}:{uid_validity}:{uid}")
}

/// Where fetched mails go.
#[async_trait]
pub trait Arrivals: Send + Sync {
    /// Returns where the watcher stands; `None` before the first start.
    async fn cursor(&self, role: FolderRole) -> Result<Option<Cursor>, PortError>;

    /// Stores the mails and the new place, all or nothing; there may be no mail. The future may be dropped at any await.
    async fn take(
        &self,
        role: FolderRole,
        batch: Vec<Fetched>,
        cursor: Cursor,
    ) -> Result<(), PortError>;
}

/// A mailbox whose settings can work.
#[derive(Clone, Debug)]
pub struct Mailbox {
    settings: Arc<Settings>,
}

impl Mailbox {
    /// Checks the settings; connects to nobody.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { settings: Arc::new(settings) })
    }

    /// Connects once and says step by step what works. It fetches nothing and changes nothing.
    pub async fn check(&self) -> Vec<Checked> {
        Box::pin(check::check(&self.settings)).await
    }

    /// Puts a mail that was sent into the folder of sent mail, marked as read, with the bytes that were sent. Does
    /// nothing where that folder is switched off. Not for providers that do so themselves, as Gmail and Microsoft do.
    ///
    /// `PortErrorKind::Unknown` means that the mail may be there: trying again may make a second copy.
    pub async fn append_sent(&self, mail: &[u8]) -> Result<(), PortError> {
        const OPERATION: &str = "append sent mail";
        let settings = &self.settings;
        if settings.sent == SentFolder::Off {
            return Ok(());
        }
        let surely_not = |trouble| PortError::new(OPERATION, kind_of(&trouble, settings), trouble);
        let mut conversation = Box::pin(connect::connect(settings, &mut |_, _| {}))
            .await
            .map_err(|failure| surely_not(failure.trouble))?;
        let sent = folders::find_sent(&mut conversation, &settings.sent).await;
        let Some((name, _)) = sent.map_err(surely_not)? else {
            return Ok(());
        };
        let appended = folders::append(&mut conversation, &name, mail, settings.timeout).await;
        match appended {
            Ok(()) => {
                conversation.leave().await;
                Ok(())
            }
            Err((trouble, true)) => Err(PortError::new(OPERATION, PortErrorKind::Unknown, trouble)),
            Err((trouble, false)) => Err(surely_not(trouble)),
        }
    }
}

fn kind_of(trouble: &Trouble, settings: &Settings) -> PortErrorKind {
    match trouble {
        Trouble::Throttled => PortErrorKind::Throttled { after: settings.pause_max },
        trouble if trouble.needs_person() => PortErrorKind::Permanent,
        _ => PortErrorKind::Transient,
    }
}

/// Longest time that a mail is looked back for, however the settings say: a century.
const RESCAN_MAX: Duration = Duration::from_hours(24 * 365 * 100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept_as_json_and_old_ones_are_read() {
        let old = r#"{"folder":"INBOX","uid_validity":7,"last_uid":41}"#;
        let cursor: Cursor = serde_json::from_str(old).unwrap();
        assert_eq!((cursor.last_uid, cursor.seen, cursor.rescan), (41, None, None));
        assert_eq!(serde_json::to_string(&cursor).unwrap(), old);
    }

    #[test]
    fn ids_differ_where_mailbox_numbering_or_number_differ() {
        let id = external_id("suporte@loja.example/INBOX", 7, 41);
        assert_eq!(id, "suporte@loja.example/INBOX:7:41");
        assert_ne!(external_id("a:1", 2, 3), external_id("a", 1, 23));
    }

    #[test]
    fn the_port_is_object_safe() {
        fn takes(_: Option<&dyn Arrivals>) {}
        takes(None);
    }
}
