//! Who sits at the desk: an account of the team, and how they like their pages.

use serde::{Deserialize, Serialize};

use crate::adapters::store::{Entered, SignedIn, Standing};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::labels::Locale;
use crate::domain::role::{Right, Role};

crate::domain::words! {
    /// Light or dark.
    Theme {
        /// As the person's system says.
        System = "system",
        /// Dark ink on light paper.
        Light = "light",
        /// Light ink on dark paper.
        Dark = "dark",
    }
}

/// How a person likes their pages. Whatever is absent is as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the page")]
pub struct Settings {
    /// The language of the pages; tickets keep the customer's.
    pub locale: Locale,
    /// Light or dark.
    pub theme: Theme,
    /// Whether single letters act.
    pub keys: bool,
    /// Whether the page's title counts what waits.
    pub badge: bool,
    /// Whether a new message makes a sound.
    pub sound: bool,
    /// Whether the browser shows a notification.
    pub notify: bool,
    /// How long a reply can be called back, in seconds: 10, 20 or 30.
    pub undo_secs: u8,
}

impl Settings {
    /// What a reply can be called back for, in seconds.
    pub const UNDO_SECS: &'static [u8] = &[10, 20, 30];
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            locale: Locale::PtBr,
            theme: Theme::System,
            keys: true,
            badge: true,
            sound: false,
            notify: false,
            undo_secs: 10,
        }
    }
}

/// The person whose request it is.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their account.
    pub id: UserId,
    /// The business that they work for; every query of theirs is confined to it.
    pub tenant: TenantId,
    /// What they sign in with.
    pub login: String,
    /// What colleagues and customers call them; also the actor of what they do.
    pub name: String,
    /// Their part in the team.
    pub role: Role,
    /// How they like their pages.
    pub settings: Settings,
    /// What every form of theirs must carry.
    pub csrf: String,
    /// The session that the request came with.
    pub session: SessionId,
    /// How that session began.
    pub entered: Entered,
    /// True while their password is one that somebody else knows: they replace it before anything else.
    pub must_change: bool,
    /// What holds for their whole business now.
    pub standing: Standing,
}

impl From<SignedIn> for Person {
    fn from(SignedIn { user, session, csrf }: SignedIn) -> Self {
        Self {
            // Settings that cannot be read, such as those of a later version, are as they come.
            settings: serde_json::from_str(&user.settings).unwrap_or_default(),
            id: user.id,
            tenant: user.tenant,
            login: user.login,
            name: user.name,
            role: user.role,
            must_change: user.must_change,
            session: session.id,
            entered: session.entered,
            csrf,
            standing: Standing::default(),
        }
    }
}

impl Person {
    /// Returns true where they have the right.
    pub const fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// What the trail calls them.
    pub fn actor(&self) -> String {
        format!("agent:{}", self.name)
    }

    /// The language of their pages.
    pub const fn locale(&self) -> Locale {
        self.settings.locale
    }
}

/// The first letters of the first and the last name: `Rafa Lima` is `RL`.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_the_last_name() {
        for (name, expected) in [
            ("Rafa Lima", "RL"),
            ("ana", "A"),
            ("  José da  Silva ", "JS"),
            ("", ""),
            ("Élio ávila", "ÉÁ"),
        ] {
            assert_eq!(initials(name), expected, "{name:?}");
        }
    }
}
