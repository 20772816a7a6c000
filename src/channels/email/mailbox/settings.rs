//! Where mail is fetched and how; what cannot work is refused before anybody connects.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::channels::email::token::TokenSource;
use crate::channels::mail::MailSecurity;
use crate::domain::host::is_this_machine;

/// A mailbox and how it is watched.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's name or IP address.
    pub host: String,
    /// Its port, usually 993 for tls and 143 for starttls.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who logs in.
    pub login: Login,
    /// The folder where mail arrives.
    pub inbox: String,
    /// The folder of sent mail.
    pub sent: SentFolder,
    /// A PEM file with further certificates to trust, for a server with a certificate of its own making.
    pub ca_file: Option<PathBuf>,
    /// How often to look where the server does not tell of new mail by itself.
    pub poll: Duration,
    /// How long to let the server tell of new mail before looking all the same.
    pub idle: Duration,
    /// How long the server may be silent in any one step.
    pub timeout: Duration,
    /// Bytes of the largest mail that is fetched whole; of a larger one only the headers are.
    pub max_mail_bytes: u32,
    /// How far back to look, from the last mail seen, when the server numbers its mails anew.
    pub rescan: Duration,
    /// How long a mail that the server does not hand over may hold up those behind it.
    pub unreadable_after: Duration,
    /// The first pause before another connection; it doubles up to `pause_max`.
    pub pause_first: Duration,
    /// The longest pause before another connection.
    pub pause_max: Duration,
}

impl Settings {
    /// Returns the usual settings for a server: TLS on port 993, `INBOX`, and the folder that the server marks as sent.
    pub fn new(host: impl Into<String>, login: Login) -> Self {
        Self {
            host: host.into(),
            port: 993,
            security: MailSecurity::Tls,
            login,
            inbox: "INBOX".to_owned(),
            sent: SentFolder::Found,
            ca_file: None,
            poll: Duration::from_mins(1),
            // Delta Chat, with every provider there is, settled on this: longer, and routers forget the connection.
            idle: Duration::from_mins(5),
            timeout: Duration::from_mins(1),
            max_mail_bytes: 40_000_000,
            rescan: Duration::from_hours(72),
            unreadable_after: Duration::from_mins(10),
            pause_first: Duration::from_secs(1),
            pause_max: Duration::from_mins(5),
        }
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if self.host.is_empty() || !self.host.chars().all(is_host) {
            return Err(SettingsError::Host);
        }
        if self.port == 0 {
            return Err(SettingsError::Port);
        }
        if self.security == MailSecurity::Plain && !is_this_machine(&self.host) {
            return Err(SettingsError::PlainToElsewhere);
        }
        let is_line = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if !is_line(self.login.user()) {
            return Err(SettingsError::User);
        }
        if let Login::Password { password, .. } = &self.login
            && !is_line(password)
        {
            return Err(SettingsError::Password);
        }
        if !is_line(&self.inbox) {
            return Err(SettingsError::Inbox);
        }
        if let SentFolder::Named(name) = &self.sent
            && !is_line(name)
        {
            return Err(SettingsError::Sent);
        }
        let spans = [self.poll, self.idle, self.timeout, self.pause_first, self.pause_max];
        if spans.iter().any(Duration::is_zero) {
            return Err(SettingsError::Zero);
        }
        if self.max_mail_bytes == 0 || self.max_mail_bytes > MAX_MAIL_BYTES {
            return Err(SettingsError::MaxMail);
        }
        Ok(())
    }
}

/// Who logs in, and how.
#[derive(Clone)]
pub enum Login {
    /// With a password, or what a provider calls an app password.
    Password {
        /// Usually the whole address.
        user: String,
        /// The password.
        password: String,
    },
    /// With an OAuth 2 access token, as Google and Microsoft want it (SASL XOAUTH2).
    Xoauth2 {
        /// The address of the mailbox.
        user: String,
        /// Where a fresh token comes from; it is asked for one for each connection.
        token: TokenSource,
    },
}

impl Login {
    pub(super) fn user(&self) -> &str {
        match self {
            Self::Password { user, .. } | Self::Xoauth2 { user, .. } => user,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => {
                f.debug_struct("Password").field("user", user).field("password", &"***").finish()
            }
            Self::Xoauth2 { user, token } => {
                f.debug_struct("Xoauth2").field("user", user).field("token", token).finish()
            }
        }
    }
}

/// Which folder holds the mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentFolder {
    /// The one that the server marks as such, else one with a usual name.
    Found,
    /// The one with this name.
    Named(String),
    /// None: sent mail is neither watched nor kept.
    Off,
}

/// Why a mailbox cannot be watched with these settings, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The host is none.
    #[error("`imap_host` is not a host name or IP address; write it alone, as in imap.example.com")]
    Host,
    /// No server listens on port 0.
    #[error("`imap_port` is 0; take the provider's, usually 993 for tls and 143 for starttls")]
    Port,
    /// Words in the clear would leave this machine.
    #[error(
        "`imap_security` is none, which is for a mail server on this machine only; set it to tls or starttls"
    )]
    PlainToElsewhere,
    /// Nobody to log in, or a line break in the name.
    #[error(
        "`user` is empty or has control characters; give the name to log in with, usually the whole address"
    )]
    User,
    /// No password, or a line break in it.
    #[error(
        "`password` is empty or has control characters; a line break at its end often comes from a file"
    )]
    Password,
    /// No folder.
    #[error("`folder` is empty or has control characters; give the folder's name, usually INBOX")]
    Inbox,
    /// No folder.
    #[error(
        "`sent_folder` is empty or has control characters; give the folder's name, or let it be found"
    )]
    Sent,
    /// A time span of nothing.
    #[error("a time span is zero; every wait and pause needs some seconds")]
    Zero,
    /// No mail could be fetched, or one could take all memory.
    #[error("`max_mb` is 0 or above 256; providers take mails of 25 to 150 MB, and 40 MB is usual")]
    MaxMail,
}

/// A mail stands in memory several times while it is read.
const MAX_MAIL_BYTES: u32 = 256_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let login = Login::Password { user: "loja".to_owned(), password: "x".to_owned() };
        Settings::new("imap.example.com", login)
    }

    #[test]
    fn settings_that_cannot_work_say_what_to_do() {
        settings().validate().unwrap();
        let refused = |change: fn(&mut Settings)| {
            let mut changed = settings();
            change(&mut changed);
            changed.validate().unwrap_err().to_string()
        };
        let password = |password: &str| Login::Password {
            user: "loja".to_owned(),
            password: password.to_owned(),
        };
        let mut broken_password = settings();
        broken_password.login = password("secret\r\na2 LOGOUT");
        for (why, part) in [
            (refused(|s| s.host = "imaps://imap.example.com".to_owned()), "`imap_host`"),
            (refused(|s| s.host = String::new()), "`imap_host`"),
            (refused(|s| s.port = 0), "`imap_port`"),
            (refused(|s| s.security = MailSecurity::Plain), "starttls"),
            (refused(|s| s.inbox = "INBOX\r\nx".to_owned()), "`folder`"),
            (refused(|s| s.sent = SentFolder::Named(String::new())), "`sent_folder`"),
            (refused(|s| s.idle = Duration::ZERO), "time span"),
            (refused(|s| s.max_mail_bytes = 0), "`max_mb`"),
            (broken_password.validate().unwrap_err().to_string(), "`password`"),
        ] {
            assert!(why.contains(part), "{part}: {why}");
        }
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for (host, allowed) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("localhost.example.com", false),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
        ] {
            let settings =
                Settings { host: host.to_owned(), security: MailSecurity::Plain, ..settings() };
            assert_eq!(settings.validate().is_ok(), allowed, "{host}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let secret = "hunter2 of the house";
        let login = Login::Password { user: "loja".to_owned(), password: secret.to_owned() };
        let printed = format!("{:?}", Settings::new("imap.example.com", login));
        assert!(printed.contains("***") && !printed.contains(secret), "{printed}");
    }
}
