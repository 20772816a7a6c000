//! What can stand between us and a mailbox, told apart as far as somebody can act on the difference.
//!
//! A trouble holds names from the settings and codes. The server's own words are looked at and dropped: they often
//! repeat an address, and the library's errors repeat whole mails.

use std::io;
use std::path::PathBuf;

use tokio_rustls::rustls;

use super::wire::TooMuch;
use crate::channels::email::token::TokenTrouble;
use crate::ports::PortErrorKind;

crate::domain::words! {
    /// A step on the way to a mail.
    Step {
        /// The host name becomes addresses.
        Resolve = "resolve",
        /// A connection is made.
        Connect = "connect",
        /// The connection is encrypted, and the server proves who it is.
        Tls = "tls",
        /// The server says what it is.
        Greeting = "greeting",
        /// The login, a token included.
        Login = "login",
        /// The folder where mail arrives is opened.
        Inbox = "inbox",
        /// The server is asked to tell of new mail.
        Idle = "idle",
        /// The folder of sent mail is found.
        Sent = "sent",
        /// Mails are listed and fetched.
        Fetch = "fetch",
        /// A mail is put into the folder of sent mail.
        Append = "append",
    }
}

crate::domain::words! {
    /// A provider that logs in otherwise than with the mailbox's password.
    Provider {
        /// Microsoft 365 and Outlook.com.
        Microsoft = "microsoft",
        /// Google Workspace and Gmail.
        Google = "google",
    }
}

/// What stands between us and a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The name of the host has no address, or nobody could be asked.
    UnknownHost {
        /// The host of the settings.
        host: String,
    },
    /// Nobody listens there.
    Refused {
        /// The host of the settings.
        host: String,
        /// The port of the settings.
        port: u16,
    },
    /// No way to the host.
    Unreachable {
        /// The host of the settings.
        host: String,
    },
    /// The server does not speak TLS on this port.
    NoTlsThere {
        /// The port of the settings.
        port: u16,
    },
    /// The server offers no STARTTLS.
    StartTlsNotOffered {
        /// The port of the settings.
        port: u16,
    },
    /// Nobody vouches for the server's certificate.
    CertificateNotTrusted,
    /// The certificate is for other names.
    CertificateWrongName {
        /// The host of the settings.
        host: String,
    },
    /// The certificate's time is over.
    CertificateExpired,
    /// The certificate's time has not come, or this machine's clock is wrong.
    CertificateNotYetValid,
    /// The two sides found no TLS that both speak.
    TlsFailed,
    /// The file of further certificates is not readable or holds none.
    CaFile {
        /// The file of the settings.
        path: PathBuf,
    },
    /// This machine trusts no certificates at all.
    NoTrustedRoots,
    /// What listens there is no IMAP server.
    NotImap {
        /// The port of the settings.
        port: u16,
    },
    /// User or password are wrong.
    LoginRefused,
    /// The provider takes no passwords, or only app passwords.
    BasicLoginOff {
        /// Who that is.
        provider: Provider,
    },
    /// The server does not offer this way of logging in.
    LoginNotOffered {
        /// The way, as SASL names it.
        mechanism: &'static str,
    },
    /// The token was not taken.
    TokenRefused {
        /// The status in the server's challenge, if it sent one.
        status: Option<String>,
    },
    /// There is no access token to log in with.
    NoToken(TokenTrouble),
    /// The account may not use IMAP.
    ImapOff,
    /// Microsoft took the login but opens no mailbox for it.
    NotConnected,
    /// Too many connections of this account at once, or too much fetched today.
    Throttled,
    /// The server says that it cannot now.
    Busy,
    /// The folder of the settings does not exist.
    NoSuchFolder {
        /// Its name.
        name: String,
    },
    /// No folder is marked as the one of sent mail, and none has a usual name.
    SentNotFound,
    /// The server numbers its mails anew for each connection.
    NoStableIds,
    /// The server said no to something that it should be able to do.
    CommandRefused {
        /// In which step.
        step: Step,
    },
    /// No answer in time.
    TimedOut {
        /// In which step.
        step: Step,
    },
    /// The connection ended.
    Lost,
    /// The server answered what nobody understands.
    Garbled,
    /// The server sent far more than it had said it would.
    TooMuch,
    /// What arrived could not be stored here.
    NotStored(PortErrorKind),
}

impl Trouble {
    /// True when only a person can mend it, so that asking again soon does harm at worst (accounts get locked) and
    /// nothing at best.
    pub fn needs_person(&self) -> bool {
        self.is_refused_login()
            || matches!(self, Self::NoSuchFolder { .. } | Self::SentNotFound | Self::NoStableIds)
            || matches!(self, Self::NotStored(PortErrorKind::Permanent))
    }

    /// True when the server refuses every login of this account.
    pub(super) fn is_refused_login(&self) -> bool {
        matches!(
            self,
            Self::LoginRefused
                | Self::BasicLoginOff { .. }
                | Self::LoginNotOffered { .. }
                | Self::TokenRefused { .. }
                | Self::ImapOff
                | Self::NotConnected
        )
    }

    /// Judges what reading or writing came to.
    pub(super) fn of_io(error: &io::Error, step: Step) -> Self {
        if let Some(inner) = error.get_ref()
            && inner.is::<TooMuch>()
        {
            return Self::TooMuch;
        }
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut { step },
            // The library has no kind for what its parser does not take, and the text repeats what came.
            io::ErrorKind::Other | io::ErrorKind::InvalidData => Self::Garbled,
            _ => Self::Lost,
        }
    }

    /// Judges why no connection was made.
    pub(super) fn of_connect(error: &io::Error, host: &str, port: u16) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { host: host.to_owned(), port },
            io::ErrorKind::TimedOut => Self::TimedOut { step: Step::Connect },
            _ => Self::Unreachable { host: host.to_owned() },
        }
    }

    /// Judges why there is no TLS.
    pub(super) fn of_tls(error: &io::Error, host: &str, port: u16) -> Self {
        use rustls::CertificateError as Bad;
        let tls = error.get_ref().and_then(|inner| {
            let direct = inner.downcast_ref::<rustls::Error>();
            direct.or_else(|| inner.source().and_then(|source| source.downcast_ref()))
        });
        match tls {
            Some(rustls::Error::InvalidCertificate(bad)) => match bad {
                Bad::Expired | Bad::ExpiredContext { .. } => Self::CertificateExpired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::CertificateNotYetValid,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                    Self::CertificateWrongName { host: host.to_owned() }
                }
                _ => Self::CertificateNotTrusted,
            },
            // A greeting in the clear, read as TLS.
            Some(rustls::Error::InvalidMessage(_)) => Self::NoTlsThere { port },
            Some(_) => Self::TlsFailed,
            None if error.kind() == io::ErrorKind::TimedOut => Self::TimedOut { step: Step::Tls },
            // Some servers hang up on what they do not understand.
            None => Self::NoTlsThere { port },
        }
    }

    /// Judges a refusal by the server's words, whatever was asked. `None` where they say nothing of use.
    pub(super) fn of_words(words: &str) -> Option<Self> {
        let words = words.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        // Microsoft, where the account behind a good token has no mailbox that it may open.
        if has(&["authenticated but not connected"]) {
            return Some(Self::NotConnected);
        }
        // Gmail, Dovecot, and RFC 5530.
        if has(&[
            "too many simultaneous",
            "too many connections",
            "maximum number of connections",
            "bandwidth limit",
            "throttl",
            "[limit]",
            "rate limit",
        ]) {
            return Some(Self::Throttled);
        }
        // RFC 5530: what these say passes.
        if has(&["[unavailable]", "[inuse]", "[serverbug]", "temporar", "try again", "server busy"])
        {
            return Some(Self::Busy);
        }
        None
    }

    /// Judges a login that was refused.
    pub(super) fn of_login(words: &str, host: &str, with_password: bool) -> Self {
        if let Some(trouble) = Self::of_words(words) {
            return trouble;
        }
        let words = words.to_ascii_lowercase();
        // Zoho and Gmail say so when the owner has not switched IMAP on.
        let about_imap = words.contains("imap access")
            || words.contains("enable imap")
            || words.contains("enabled for imap")
            || words.contains("imap is disabled");
        if about_imap {
            return Self::ImapOff;
        }
        if !with_password {
            return Self::TokenRefused { status: None };
        }
        if words.contains("basicauthblocked") || words.contains("basic authentication is") {
            return Self::BasicLoginOff { provider: Provider::Microsoft };
        }
        if words.contains("application-specific password") || words.contains("web login required") {
            return Self::BasicLoginOff { provider: Provider::Google };
        }
        // Neither says more than "failed", and with neither does the mailbox's own password ever work again.
        match provider_of(host) {
            Some(provider) => Self::BasicLoginOff { provider },
            None => Self::LoginRefused,
        }
    }
}

/// Tells the provider by its host alone: an Exchange server of one's own has Microsoft's greeting but takes passwords.
fn provider_of(host: &str) -> Option<Provider> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_at = |domain: &str| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if ["office365.com", "outlook.com", "office.com", "hotmail.com"].iter().any(|d| is_at(d)) {
        return Some(Provider::Microsoft);
    }
    ["gmail.com", "googlemail.com", "google.com"]
        .iter()
        .any(|d| is_at(d))
        .then_some(Provider::Google)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_told_apart_by_what_providers_say() {
        let microsoft = Trouble::BasicLoginOff { provider: Provider::Microsoft };
        let google = Trouble::BasicLoginOff { provider: Provider::Google };
        for (host, words, expected) in [
            (
                "mail.loja.example",
                "[AUTHENTICATIONFAILED] Authentication failed.",
                Trouble::LoginRefused,
            ),
            ("mail.loja.example", "LOGIN failed.", Trouble::LoginRefused),
            ("outlook.office365.com", "LOGIN failed.", microsoft.clone()),
            ("mail.loja.example", "LogonDenied-BasicAuthBlocked", microsoft),
            (
                "imap.gmail.com",
                "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
                google.clone(),
            ),
            ("imap.gmail.com", "Application-specific password required: https://x", google),
            ("imap.gmail.com", "Too many simultaneous connections. (Failure)", Trouble::Throttled),
            ("imap.zoho.com", "You are yet to enable IMAP for your account.", Trouble::ImapOff),
            ("mail.loja.example", "[UNAVAILABLE] Temporary authentication failure.", Trouble::Busy),
            ("notgmail.com", "no", Trouble::LoginRefused),
        ] {
            assert_eq!(Trouble::of_login(words, host, true), expected, "{host}: {words}");
        }
        assert_eq!(
            Trouble::of_login("AUTHENTICATE failed.", "outlook.office365.com", false),
            Trouble::TokenRefused { status: None }
        );
        assert_eq!(
            Trouble::of_words("User is authenticated but not connected."),
            Some(Trouble::NotConnected)
        );
    }

    #[test]
    fn certificates_are_told_apart() {
        use rustls::{CertificateError, Error};
        let judged = |error: Error| {
            Trouble::of_tls(&io::Error::new(io::ErrorKind::InvalidData, error), "h", 993)
        };
        let bad = |bad| judged(Error::InvalidCertificate(bad));
        assert_eq!(bad(CertificateError::Expired), Trouble::CertificateExpired);
        assert_eq!(bad(CertificateError::NotValidYet), Trouble::CertificateNotYetValid);
        assert_eq!(bad(CertificateError::UnknownIssuer), Trouble::CertificateNotTrusted);
        assert_eq!(
            bad(CertificateError::NotValidForName),
            Trouble::CertificateWrongName { host: "h".to_owned() }
        );
        assert_eq!(judged(Error::HandshakeNotComplete), Trouble::TlsFailed);
    }
}
