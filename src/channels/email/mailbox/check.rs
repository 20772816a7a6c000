//! Connects once and says step by step what works, for whoever sets a mailbox up.

use super::connect::{Failure, connect};
use super::folders::{self, FoundBy};
use super::settings::Settings;
use super::trouble::{Step, Trouble};

/// What a step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The host has this many addresses.
    Resolved {
        /// How many.
        addresses: usize,
    },
    /// The server took the connection.
    Connected,
    /// The connection is encrypted and the certificate good.
    Encrypted,
    /// The connection stays on this machine and is not encrypted.
    InTheClear,
    /// The server took the login.
    LoggedIn,
    /// The folder where mail arrives is there.
    Inbox {
        /// Its name.
        name: String,
        /// The mails in it.
        mails: u32,
    },
    /// Whether the server tells of new mail by itself.
    Idle {
        /// True when it does.
        offered: bool,
    },
    /// The folder of sent mail is there.
    Sent {
        /// Its name.
        name: String,
        /// How it was found.
        by: FoundBy,
    },
    /// The folder of sent mail is not wanted.
    SentOff,
}

/// One step of a look at a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The step.
    pub step: Step,
    /// What it found, or what was in the way; steps that need a failed one are left out.
    pub result: Result<Finding, Trouble>,
}

/// Looks at a mailbox. It fetches nothing and changes nothing.
pub(super) async fn check(settings: &Settings) -> Vec<Checked> {
    let mut checked = Vec::new();
    let mut found = |step, finding| checked.push(Checked { step, result: Ok(finding) });
    let mut conversation = match connect(settings, &mut found).await {
        Ok(conversation) => conversation,
        Err(Failure { step, trouble }) => {
            checked.push(Checked { step, result: Err(trouble) });
            return checked;
        }
    };
    let inbox = folders::open(&mut conversation, Step::Inbox, &settings.inbox).await;
    let connection_is_over =
        matches!(inbox, Err(Trouble::Lost | Trouble::Garbled | Trouble::TimedOut { .. }));
    checked.push(Checked {
        step: Step::Inbox,
        result: inbox
            .map(|opened| Finding::Inbox { name: settings.inbox.clone(), mails: opened.mails }),
    });
    if connection_is_over {
        return checked;
    }
    let offered = conversation.can("IDLE");
    checked.push(Checked { step: Step::Idle, result: Ok(Finding::Idle { offered }) });

    let sent = match folders::find_sent(&mut conversation, &settings.sent).await {
        Ok(None) => Ok(Finding::SentOff),
        Ok(Some((name, by))) => folders::open(&mut conversation, Step::Sent, &name)
            .await
            .map(|_| Finding::Sent { name, by }),
        Err(trouble) => Err(trouble),
    };
    checked.push(Checked { step: Step::Sent, result: sent });
    conversation.leave().await;
    checked
}
