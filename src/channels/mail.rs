//! Mail to the people of a business, by SMTP.
//!
//! One call is one attempt. Every attempt of a mail has the same bytes, its Message-ID and date included, so one that
//! arrives twice is known for what it is; whatever nobody knows for sure is therefore tried again. Reasons name a code
//! and a setting, never an address or the server's own words, which often repeat one.

use std::error::Error as _;
use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::adapters::store::DeliveryEnd;
use crate::domain::host::is_this_machine;

/// First pause before another attempt; it doubles up to `BACKOFF_MAX`.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);
/// Longest pause between attempts.
const BACKOFF_MAX: Duration = Duration::from_mins(10);
/// How long a mail is tried before it is given up.
const GIVE_UP_AFTER: chrono::Duration = chrono::Duration::hours(72);

/// What Exchange is asked not to answer a machine's mail with (MS-OXCMAIL §2.1.3.2.20): all but NDR, the report that a mail was
/// not delivered. `All` would take that one away too, and with it the only news of a bad address.
pub const SUPPRESSED: &str = "DR, RN, NRN, OOF, AutoReply";

crate::domain::words! {
    /// How a connection to a mail server is protected.
    MailSecurity {
        /// Encrypted from the first byte, usually on port 465.
        Tls = "tls",
        /// Encrypted after a first word in the clear, usually on port 587; refused where the server does not offer it.
        StartTls = "starttls",
        /// Not at all: only to this machine.
        Plain = "none",
    }
}

/// Where mail leaves.
#[derive(Clone)]
pub struct MailSettings {
    /// The server's name or IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// Who logs in; `None` where the server asks nobody.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<String>,
    /// Who the mail is from: `name@example.com` or `Name <name@example.com>`.
    pub from: String,
    /// How long one attempt may take, from the first byte to the last.
    pub timeout: Duration,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Why mail cannot leave with these settings, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// The host is none.
    #[error("`host` is not a host name or IP address; write it alone, as in smtp.example.com")]
    Host,
    /// No server listens on port 0.
    #[error("`port` is 0; take the provider's, usually 465 for tls and 587 for starttls")]
    Port,
    /// The sender is no address.
    #[error(
        "`from` is not one mail address in ASCII; write name@example.com or Name <name@example.com>"
    )]
    From,
    /// A user without a password or the other way round.
    #[error("`user` and `password` belong together; give both or neither")]
    HalfLogin,
    /// Words in the clear would leave this machine.
    #[error(
        "`security` is none, which is for a mail server on this machine only; set it to tls or starttls"
    )]
    PlainToElsewhere,
    /// No attempt could end in time.
    #[error("`timeout` is zero; give an attempt some seconds")]
    Timeout,
    /// The machine's certificates or the host's name do not serve.
    #[error("TLS could not be set up; check `host` and the certificates of this machine")]
    Tls(#[source] smtp::Error),
}

/// A mail to one recipient.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// The id under which it waits to leave; each attempt has the same, and so the same Message-ID.
    pub id: &'a str,
    /// Whom it is for: `name@example.com` or `Name <name@example.com>`.
    pub to: &'a str,
    /// The subject; line breaks in it become spaces.
    pub subject: &'a str,
    /// The words.
    pub text: &'a str,
    /// This attempt, from 1.
    pub attempt: u32,
    /// When it was written: its date.
    pub first: DateTime<Utc>,
}

/// Sends mail through one server.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The transport knows the password.
        f.debug_struct("Mailer")
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// Checks the settings; connects to nobody.
    pub fn new(settings: MailSettings) -> Result<Self, MailSettingsError> {
        let MailSettings { host, port, security, user, password, from, timeout } = settings;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(MailSettingsError::Host);
        }
        if port == 0 {
            return Err(MailSettingsError::Port);
        }
        if timeout.is_zero() {
            return Err(MailSettingsError::Timeout);
        }
        let from = mailbox(&from).ok_or(MailSettingsError::From)?;
        let builder = match security {
            MailSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&host)
                .map_err(MailSettingsError::Tls)?,
            MailSecurity::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&host)
                .map_err(MailSettingsError::Tls)?,
            MailSecurity::Plain if is_this_machine(&host) => {
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
            }
            MailSecurity::Plain => return Err(MailSettingsError::PlainToElsewhere),
        };
        let builder = builder.port(port).timeout(Some(timeout));
        let builder = match (user, password) {
            (Some(user), Some(password)) => builder.credentials(Credentials::new(user, password)),
            (None, None) => builder,
            (Some(_), None) | (None, Some(_)) => return Err(MailSettingsError::HalfLogin),
        };
        Ok(Self { transport: builder.build(), from, timeout })
    }

    /// Makes one attempt.
    pub async fn send(&self, now: DateTime<Utc>, mail: &Mail<'_>) -> DeliveryEnd {
        let message = match self.message(mail) {
            Ok(message) => message,
            Err(why) => return DeliveryEnd::Failed(why.to_owned()),
        };
        // The transport's own time-out is for connecting alone; a server may fall silent later.
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => DeliveryEnd::Sent,
            Ok(Err(error)) => judge(now, mail, &Trouble::of(&error)),
            Err(_) => judge(now, mail, &Trouble::Silence),
        }
    }

    /// Writes the mail; it depends on the mail and the sender alone.
    fn message(&self, mail: &Mail<'_>) -> Result<Message, &'static str> {
        let to = mailbox(mail.to).ok_or(
            "recipient is not one mail address in ASCII; correct it where this person is named",
        )?;
        // Dates before 1970 have no spelling in the library.
        let date = SystemTime::from(mail.first.max(DateTime::UNIX_EPOCH));
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(one_line(mail.subject))
            .message_id(Some(self.message_id(mail.id)))
            .date(date)
            .header(AutoSubmitted)
            .header(AutoResponseSuppress)
            .singlepart(SinglePart::plain(plain(mail.text)))
            .map_err(|_| "mail could not be written; its sender or recipient is missing")
    }

    /// The id of the mail at our domain. Only what may stand in a Message-ID bare is kept.
    fn message_id(&self, id: &str) -> String {
        let local: String = id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' })
            .collect();
        format!("<{local}@{}>", self.from.email.domain())
    }
}

/// RFC 3834: nobody's absence note answers what a machine wrote.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The same for Exchange, which does not look at RFC 3834.
#[derive(Clone)]
struct AutoResponseSuppress;

impl Header for AutoResponseSuppress {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Auto-Response-Suppress")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), SUPPRESSED.to_owned())
    }
}

/// Reads one address. What is not ASCII needs an extension that few servers have; a domain has an ASCII form.
fn mailbox(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let mailbox: Mailbox = text.trim().parse().ok()?;
    mailbox.email.to_string().is_ascii().then_some(mailbox)
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Drops what is no text: control characters other than line breaks and tabs.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// What stood in the way of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    /// The server said no, with this code.
    Answer(u16),
    /// The server offers no way to log in that we know.
    NoLogin,
    /// The server does not speak TLS where it was asked to.
    NoTls,
    /// The two sides did not agree on TLS, mostly about a certificate.
    Handshake(String),
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    Silence,
    /// Anything else between us and the server.
    Broken,
}

impl Trouble {
    fn of(error: &smtp::Error) -> Self {
        if let Some(code) = error.status() {
            return Self::Answer(u16::from(code));
        }
        if error.is_client() {
            // The library tells its own refusals apart by their words alone.
            let words = error.to_string();
            return if words.contains("authentication") {
                Self::NoLogin
            } else if words.contains("STARTTLS") {
                Self::NoTls
            } else {
                Self::Broken
            };
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<std::io::Error>() {
                return Self::of_network(error);
            }
            source = cause.source();
        }
        Self::Broken
    }

    fn of_network(error: &std::io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Handshake(tls.to_string());
        }
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Self::Refused,
            std::io::ErrorKind::TimedOut => Self::Silence,
            _ => Self::Broken,
        }
    }
}

fn judge(now: DateTime<Utc>, mail: &Mail<'_>, trouble: &Trouble) -> DeliveryEnd {
    const LOGIN: &str = "check the mail settings `user` and `password`";
    const PLACE: &str = "check the mail settings `host`, `port` and `security`";
    let why = match trouble {
        // Login wanted, too weak or wrong (RFC 4954): an operator can mend that, and the mail can wait.
        Trouble::Answer(code @ (530 | 534 | 535 | 538)) => {
            format!("mail server refused the login ({code}); {LOGIN}")
        }
        Trouble::Answer(code @ 500..) => {
            return DeliveryEnd::Failed(format!("mail server refused the mail ({code})"));
        }
        Trouble::Answer(code) => format!("mail server put the mail off ({code})"),
        Trouble::NoLogin => format!("mail server offers no login that we know; {LOGIN}"),
        Trouble::NoTls => format!("mail server offers no STARTTLS; {PLACE}"),
        Trouble::Handshake(what) => format!("no TLS with the mail server ({what}); {PLACE}"),
        Trouble::Refused => format!("mail server takes no connections; {PLACE}"),
        Trouble::Silence => format!("mail server did not answer in time; {PLACE}"),
        Trouble::Broken => format!("no conversation with the mail server; {PLACE}"),
    };
    if now - mail.first > GIVE_UP_AFTER {
        return DeliveryEnd::Failed(format!("{why}; given up after 72 hours"));
    }
    let pause = chrono::Duration::from_std(backoff(mail.attempt));
    DeliveryEnd::RetryAt(now + pause.unwrap_or(chrono::Duration::minutes(10)), why)
}

/// Doubles from two seconds up to ten minutes.
fn backoff(attempt: u32) -> Duration {
    BACKOFF_FIRST
        .saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1).min(16)))
        .min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_000_000, 0).unwrap()
    }

    fn settings() -> MailSettings {
        MailSettings {
            host: "127.0.0.1".to_owned(),
            port: 25,
            security: MailSecurity::Plain,
            user: None,
            password: None,
            from: "Atende <suporte@loja.example>".to_owned(),
            timeout: Duration::from_secs(5),
        }
    }

    fn mail(attempt: u32) -> Mail<'static> {
        Mail {
            id: "out_01",
            to: "ana@loja.example",
            subject: "[atende] 1042-7: prazo em risco",
            text: "Olá, à noite também.\nAté já.\n",
            attempt,
            first: now(),
        }
    }

    fn written(mail: &Mail<'_>) -> String {
        let message = Mailer::new(settings()).unwrap().message(mail).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn every_attempt_has_the_same_bytes_and_says_that_a_machine_wrote_them() {
        let first = written(&mail(1));
        assert_eq!(first, written(&mail(7)));
        assert!(first.is_ascii(), "{first}");
        for line in [
            "From: Atende <suporte@loja.example>",
            "To: ana@loja.example",
            "Subject: [atende] 1042-7: prazo em risco",
            "Message-ID: <out_01@loja.example>",
            "Date: Wed, 18 Nov 2026 11:06:40 +0000",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(first.lines().any(|found| found == line), "{line} in {first}");
        }
        assert!(first.contains("Content-Transfer-Encoding: "), "{first}");
    }

    #[test]
    fn nothing_in_a_subject_an_id_or_a_recipient_becomes_another_header() {
        let text = written(&Mail {
            id: "out_1>\r\nBcc: eve@example.com",
            subject: "prazo\r\nBcc: eve@example.com\r\n\r\nolá",
            to: "Ana Souza <ana@loja.example>",
            ..mail(1)
        });
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        assert!(text.contains("<out_1---Bcc--eve-example-com@loja.example>"), "{text}");
        let mailer = Mailer::new(settings()).unwrap();
        for to in [
            "",
            "ana",
            "ana@",
            "@loja.example",
            "ana@loja.example\r\nBcc: eve@example.com",
            "ana@loja.example\nDATA",
            "ana@loja.example, eve@example.com",
            "ana@loja.example eve@example.com",
            "ana@lojão.example",
            "joão@loja.example",
        ] {
            let why = mailer.message(&Mail { to, ..mail(1) }).unwrap_err();
            assert!(why.contains("not one mail address"), "{to}");
        }
    }

    #[test]
    fn control_characters_of_a_text_do_not_leave() {
        assert_eq!(plain("a\r\nb\u{0}\u{7}\tc\u{1b}[31m"), "a\nb\tc[31m");
        assert_eq!(one_line(" a\r\n\tb  c\u{0}"), "a b c");
    }

    #[test]
    fn an_answer_decides_whether_a_mail_is_tried_again() {
        let handshake = Trouble::Handshake("UnknownIssuer".to_owned());
        for (trouble, again, part) in [
            (Trouble::Answer(421), true, "(421)"),
            (Trouble::Answer(450), true, "(450)"),
            (Trouble::Answer(454), true, "(454)"),
            (Trouble::Answer(500), false, "(500)"),
            (Trouble::Answer(530), true, "`user` and `password`"),
            (Trouble::Answer(535), true, "`user` and `password`"),
            (Trouble::Answer(550), false, "(550)"),
            (Trouble::Answer(554), false, "(554)"),
            (Trouble::NoLogin, true, "`user` and `password`"),
            (Trouble::NoTls, true, "`security`"),
            (handshake, true, "UnknownIssuer"),
            (Trouble::Refused, true, "`port`"),
            (Trouble::Silence, true, "in time"),
            (Trouble::Broken, true, "`host`"),
        ] {
            let (retried, why) = match judge(now(), &mail(1), &trouble) {
                DeliveryEnd::RetryAt(at, why) => (at == now() + chrono::Duration::seconds(2), why),
                DeliveryEnd::Failed(why) => (false, why),
                other => panic!("{trouble:?}: {other:?}"),
            };
            assert_eq!(retried, again, "{trouble:?}");
            assert!(why.contains(part), "{trouble:?}: {why}");
        }
    }

    #[test]
    fn pauses_grow_up_to_ten_minutes_and_three_days_are_the_end() {
        let pauses: Vec<u64> = [0, 1, 2, 3, 9, 10, 99].map(|n| backoff(n).as_secs()).to_vec();
        assert_eq!(pauses, [2, 2, 4, 8, 512, 600, 600]);
        let old = Mail { first: now() - chrono::Duration::hours(73), ..mail(99) };
        let DeliveryEnd::Failed(why) = judge(now(), &old, &Trouble::Answer(451)) else { panic!() };
        assert_eq!(why, "mail server put the mail off (451); given up after 72 hours");
    }

    #[test]
    fn what_the_network_says_is_told_apart() {
        use std::io::{Error, ErrorKind};
        let tls = Error::new(
            ErrorKind::InvalidData,
            rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer),
        );
        assert!(matches!(Trouble::of_network(&tls), Trouble::Handshake(_)));
        for (kind, expected) in [
            (ErrorKind::ConnectionRefused, Trouble::Refused),
            (ErrorKind::TimedOut, Trouble::Silence),
            (ErrorKind::ConnectionReset, Trouble::Broken),
        ] {
            assert_eq!(Trouble::of_network(&Error::from(kind)), expected);
        }
    }

    #[test]
    fn settings_that_cannot_work_say_what_to_do() {
        let refused = |change: fn(&mut MailSettings)| {
            let mut changed = settings();
            change(&mut changed);
            Mailer::new(changed).unwrap_err().to_string()
        };
        for (why, part) in [
            (refused(|s| s.host = "smtp://mail.example.com".to_owned()), "`host`"),
            (refused(|s| s.host = String::new()), "`host`"),
            (refused(|s| s.port = 0), "`port`"),
            (refused(|s| s.from = "Atende".to_owned()), "`from`"),
            (refused(|s| s.from = "a@b.example\r\nBcc: c@d.example".to_owned()), "`from`"),
            (refused(|s| s.user = Some("u".to_owned())), "`password`"),
            (refused(|s| s.password = Some("p".to_owned())), "`user`"),
            (refused(|s| s.host = "mail.example.com".to_owned()), "starttls"),
            (refused(|s| s.host = "10.0.0.1".to_owned()), "starttls"),
            (refused(|s| s.timeout = Duration::ZERO), "`timeout`"),
        ] {
            assert!(why.contains(part), "{part}: {why}");
        }
    }

    #[test]
    fn a_server_with_tls_needs_no_network_to_be_named() {
        for security in [MailSecurity::Tls, MailSecurity::StartTls] {
            let host = "smtp.example.com".to_owned();
            let settings = MailSettings { host, port: 465, security, ..settings() };
            assert!(Mailer::new(settings).is_ok(), "{security}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let secret = "hunter2 of the house";
        let settings = MailSettings {
            user: Some("loja".to_owned()),
            password: Some(secret.to_owned()),
            ..settings()
        };
        let printed = format!("{settings:?}");
        assert!(printed.contains("***") && !printed.contains(secret), "{printed}");
        assert!(!format!("{:?}", Mailer::new(settings).unwrap()).contains(secret));
    }
}
