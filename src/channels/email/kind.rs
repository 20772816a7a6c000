//! What a mail is: a person's message, or one of the kinds that must never be answered.
//!
//! The headers decide wherever a standard gives them a meaning; words decide only for the bounces
//! of servers that follow none. Identical bodies and caps per sender and thread need memory and are
//! the caller's; [`body_hash`] is what it remembers.

mod automatic;
mod bounce;
mod delivery;
mod trust;

#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};

pub use self::bounce::{Action, Report};
pub use self::trust::Suspicion;

use super::parse::{Address, Mail, ReturnPath};
use crate::text::fold::fold;

/// What is ours, by which our own mail is known.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Our mailboxes, in lower case and without tags.
    pub mailboxes: Vec<String>,
    /// The header field that every mail of ours carries, in lower case.
    pub loop_header: Option<String>,
    /// Mailing lists (`List-Id`, in lower case) that only hand mail on to us, such as a group that
    /// stands for a support address.
    pub lists: Vec<String>,
    /// Servers whose `Authentication-Results` are believed, in lower case (RFC 8601 §5). If none
    /// is named, no sender is vouched for.
    pub authserv_ids: Vec<String>,
}

impl Own {
    /// True for one of our mailboxes, with a tag (`name+tag@`) or without.
    pub fn is_mailbox(&self, email: &str) -> bool {
        let Some((local, domain)) = email.rsplit_once('@') else { return false };
        let bare = local.split('+').next().unwrap_or_default();
        self.mailboxes.iter().any(|own| {
            own.rsplit_once('@').is_some_and(|(own_local, own_domain)| {
                own_local.eq_ignore_ascii_case(bare) && own_domain.eq_ignore_ascii_case(domain)
            })
        })
    }
}

/// What a mail is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A person wrote it.
    Message,
    /// A mail of ours, or one in our name, did not arrive or came late.
    Bounce(Box<Report>),
    /// A reader or a provider complains of a mail of ours (ARF, RFC 5965) or wants no more.
    Feedback,
    /// A machine answered: a vacation notice, a receipt, a notification.
    AutoReply,
    /// Sent to many.
    List,
    /// We sent it.
    Own,
    /// An invitation or an answer to one, without words beside it.
    Calendar,
}

impl Kind {
    /// Returns the word for it in answers and reports.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Bounce(_) => "bounce",
            Self::Feedback => "feedback",
            Self::AutoReply => "auto_reply",
            Self::List => "list",
            Self::Own => "own",
            Self::Calendar => "calendar",
        }
    }
}

/// Why a mail must not be answered by a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is a bounce.
    Bounce,
    /// It is a complaint report.
    Feedback,
    /// A machine wrote it.
    AutoReply,
    /// It went to many.
    List,
    /// It is ours.
    Own,
    /// It is an invitation.
    Calendar,
    /// Its envelope sender is empty (RFC 5321 §4.5.5).
    NullReturnPath,
    /// Its sender asks machines not to answer (`X-Auto-Response-Suppress`).
    Suppressed,
    /// It comes from an address that nobody reads.
    NoReplyAddress,
    /// It states no address that mail could go to.
    NoAddress,
    /// It was not addressed to us, so we have it by a blind copy or a forward.
    NotAddressed,
    /// Its sender is very likely not who it says.
    Spoofed,
}

impl Reason {
    /// Returns the word for it in answers and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Feedback => "feedback",
            Self::AutoReply => "auto_reply",
            Self::List => "list",
            Self::Own => "own",
            Self::Calendar => "calendar",
            Self::NullReturnPath => "null_return_path",
            Self::Suppressed => "suppressed",
            Self::NoReplyAddress => "no_reply_address",
            Self::NoAddress => "no_address",
            Self::NotAddressed => "not_addressed",
            Self::Spoofed => "spoofed",
        }
    }
}

/// Tells what a mail is. Reports come first, because a bounce of a bounce and a complaint about a
/// newsletter carry marks of the other kinds too.
pub fn classify(mail: &Mail, own: &Own) -> Kind {
    if automatic::is_feedback(mail) {
        return Kind::Feedback;
    }
    if let Some(report) = delivery::read(mail) {
        return Kind::Bounce(Box::new(report));
    }
    if is_own(mail, own) {
        return Kind::Own;
    }
    if let Some(report) = bounce::recognise(mail) {
        return Kind::Bounce(Box::new(report));
    }
    if automatic::is_calendar(mail) {
        return Kind::Calendar;
    }
    if automatic::is_auto_reply(mail) {
        return Kind::AutoReply;
    }
    if automatic::is_list(mail, own) {
        return Kind::List;
    }
    Kind::Message
}

/// A form on the business's own site writes in its name and puts the customer into `Reply-To`.
fn is_own(mail: &Mail, own: &Own) -> bool {
    let marked = own.loop_header.as_ref().is_some_and(|name| mail.headers.has(name));
    let from_us = own.is_mailbox(&mail.from.email);
    let for_customer =
        mail.reply_to.iter().any(|one| one.is_usable() && !own.is_mailbox(&one.email));
    marked || (from_us && !for_customer)
}

/// Tells how far the sender's address can be believed. Account data goes to nobody whose mail
/// failed the checks of the server that took it.
pub fn suspicion(mail: &Mail, own: &Own) -> Suspicion {
    trust::suspicion(mail, own)
}

/// Returns the address that an answer would go to.
pub fn reply_address(mail: &Mail) -> &Address {
    mail.reply_to.iter().find(|one| one.is_usable()).unwrap_or(&mail.from)
}

/// True for addresses that nobody reads or that belong to machines.
fn is_no_reply(address: &Address) -> bool {
    let bare: String =
        address.local().chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    [
        "noreply",
        "donotreply",
        "dontreply",
        "naoresponda",
        "naoresponder",
        "noresponder",
        "nepasrepondre",
    ]
    .iter()
    .any(|word| bare.starts_with(word) || bare.ends_with(word))
        || bounce::is_daemon(address)
        || is_return_address(address)
}

/// True for addresses that only take bounces, which often name the recipient (`bounces+123-ana=x.com@`).
fn is_return_address(address: &Address) -> bool {
    let local = address.local();
    let rest = local.strip_prefix("bounces").or_else(|| local.strip_prefix("bounce"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '-', '_', '.', '=']))
}

/// Says whether a machine may answer (RFC 3834 §2). A person always may.
pub fn reply_allowed(mail: &Mail, kind: &Kind, own: &Own) -> Result<(), Reason> {
    match kind {
        Kind::Message => {}
        Kind::Bounce(_) => return Err(Reason::Bounce),
        Kind::Feedback => return Err(Reason::Feedback),
        Kind::AutoReply => return Err(Reason::AutoReply),
        Kind::List => return Err(Reason::List),
        Kind::Own => return Err(Reason::Own),
        Kind::Calendar => return Err(Reason::Calendar),
    }
    let address = reply_address(mail);
    if mail.return_path == ReturnPath::Null {
        Err(Reason::NullReturnPath)
    } else if automatic::suppresses_replies(mail) {
        Err(Reason::Suppressed)
    } else if !address.is_usable() {
        Err(Reason::NoAddress)
    } else if own.is_mailbox(&address.email) {
        Err(Reason::Own)
    } else if is_no_reply(address) {
        Err(Reason::NoReplyAddress)
    } else if suspicion(mail, own) == Suspicion::Failed {
        Err(Reason::Spoofed)
    } else if !own.mailboxes.is_empty() && !is_addressed(mail, own) {
        Err(Reason::NotAddressed)
    } else {
        Ok(())
    }
}

fn is_addressed(mail: &Mail, own: &Own) -> bool {
    mail.to.iter().chain(&mail.cc).any(|one| own.is_mailbox(&one.email))
}

/// Returns the same value for bodies that say the same, however they are spaced and cased: give it
/// the stripped text, so that a machine that quotes us is known by its own words.
pub fn body_hash(text: &str) -> String {
    let folded = fold(text);
    let words: Vec<&str> = folded.split_whitespace().collect();
    hex::encode(Sha256::digest(words.join(" ").as_bytes()))
}
