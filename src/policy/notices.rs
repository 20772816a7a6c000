//! What customers are told besides answers: which notices leave, per channel.

use std::collections::BTreeMap;

use crate::domain::channel::Channel;

crate::domain::words! {
    /// What a notice tells the customer.
    NoticeKind {
        /// The message arrived, with the ticket's number and an honest time.
        Acknowledgement = "acknowledgement",
        /// A person takes over.
        Escalation = "escalation",
        /// It is solved.
        Resolution = "resolution",
        /// We still wait for an answer.
        Reminder = "reminder",
        /// It was closed, because no answer came.
        Closed = "closed",
        /// The satisfaction question, which rides on the notice that ends a ticket.
        Csat = "csat",
        /// Thanks for the answer to the satisfaction question.
        CsatThanks = "csat_thanks",
        /// A known problem, its updates and its end.
        Outage = "outage",
        /// When the customer will be called.
        Callback = "callback",
    }
}

crate::domain::words! {
    /// When a notice leaves.
    NoticeMode {
        /// Always.
        Auto = "auto",
        /// Only when no answer is expected within the channel's own target for a first response.
        Slow = "slow",
        /// Never; the trail says so.
        Off = "off",
    }
}

/// The notices of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    pub(super) by: BTreeMap<NoticeKind, NoticeRow>,
}

/// How one notice leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoticeRow {
    pub(super) default: Option<NoticeMode>,
    pub(super) by_channel: BTreeMap<Channel, NoticeMode>,
    pub(super) templates: BTreeMap<Channel, String>,
}

impl Notices {
    /// Returns when a notice leaves on a channel; a kind that the pack does not name never does.
    pub fn mode(&self, kind: NoticeKind, channel: Channel) -> NoticeMode {
        let row = self.by.get(&kind);
        let own = row.and_then(|row| row.by_channel.get(&channel).copied());
        own.or_else(|| row.and_then(|row| row.default)).unwrap_or(NoticeMode::Off)
    }

    /// Names the network's approved template for a notice that leaves outside the channel's window; `None` where the
    /// notice then passes in silence.
    pub fn template(&self, kind: NoticeKind, channel: Channel) -> Option<&str> {
        self.by.get(&kind)?.templates.get(&channel).map(String::as_str)
    }
}
