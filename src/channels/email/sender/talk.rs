//! One conversation with a server, step by step, so that it is known at each moment how far it came.
//!
//! The library's own `send` hides the step at which a connection broke, and only the one after the final dot may not be
//! repeated. Its commands are therefore given one by one, and its reading of the mail tells when the dot is next.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::time::{Instant, timeout, timeout_at};

use super::classify::{Phase, Status};
use super::reason::{Cause, Reason};
use crate::channels::email::reply::Address;
use crate::channels::mail::MailSecurity;

/// Longest wait for one of several addresses of a server, so that the others have their turn.
const CONNECT_EACH: Duration = Duration::from_secs(15);
/// How long a kept connection may take to show that it lives.
const PROBE: Duration = Duration::from_secs(5);
/// How long the answer to a goodbye is waited for.
const LAST_WORD: Duration = Duration::from_secs(2);
/// Bytes of a mail that are written at once.
const PIECE: usize = 64 * 1024;
/// Longest time for the content of a mail that moves, however slowly.
const MAX_CONTENT: Duration = Duration::from_mins(20);

/// What stood in the way, and whether the connection is of further use.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) reason: Reason,
    pub(super) phase: Phase,
    /// True if the conversation is in order and can go on with another mail.
    pub(super) usable: bool,
}

impl Trouble {
    pub(super) fn new(phase: Phase, cause: Cause) -> Self {
        Self { reason: Reason::of(cause), phase, usable: false }
    }

    /// Reads an error of the library. Its words are looked at for a status and nothing else.
    fn of(phase: Phase, error: &smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let code = u16::from(code);
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            let reason = Reason::answer(phase, code, Status::find(&said));
            // RFC 5321 §3.8: who answers 421 hangs up.
            return Self { reason, phase, usable: code != 421 };
        }
        if phase == Phase::Answer {
            return Self::new(phase, Cause::BrokenAtEnd);
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<std::io::Error>() {
                return Self::new(phase, of_network(error));
            }
            source = cause.source();
        }
        Self::new(phase, Cause::Broken)
    }

    /// An answer that is a yes but to another question.
    fn odd(phase: Phase, response: &Response) -> Self {
        let reason = Reason::answer(phase, u16::from(response.code()), None);
        Self { reason, phase, usable: false }
    }
}

fn of_network(error: &std::io::Error) -> Cause {
    use rustls::CertificateError as Bad;
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match tls {
            rustls::Error::InvalidCertificate(bad) => match bad {
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Cause::OtherName,
                Bad::Expired
                | Bad::ExpiredContext { .. }
                | Bad::NotValidYet
                | Bad::NotValidYetContext { .. } => Cause::Expired,
                _ => Cause::Untrusted,
            },
            _ => Cause::Tls,
        };
    }
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Cause::NobodyListens,
        std::io::ErrorKind::TimedOut => Cause::Silence,
        _ => Cause::Broken,
    }
}

/// Where a server is and how it is spoken to.
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: MailSecurity,
    /// `None` where the connection is not protected.
    pub(super) tls: Option<TlsParameters>,
    /// How we introduce ourselves.
    pub(super) hello: ClientId,
}

/// How long the parts of an attempt may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// When all up to the final dot has to be done, but for mails that are large and still move.
    pub(super) until: Instant,
    /// How long a piece of such a mail may take.
    pub(super) piece: Duration,
    /// How long the answer to the final dot may take after that.
    pub(super) answer: Duration,
}

/// What a server offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// Most bytes of a mail; `Some(0)` where it has no fixed limit.
    pub(super) size: Option<u64>,
    pub(super) plain: bool,
    pub(super) xoauth2: bool,
}

/// A connection.
pub(super) struct Line {
    wire: AsyncSmtpConnection,
    pub(super) offer: Offer,
    /// Mails that it carried.
    pub(super) mails: u32,
}

/// Finds the addresses of a server.
pub(super) async fn resolve(place: &Place, until: Instant) -> Result<Vec<SocketAddr>, Trouble> {
    let found = timeout_at(until, tokio::net::lookup_host((place.host.as_str(), place.port))).await;
    let addresses: Vec<SocketAddr> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) => Vec::new(),
        Err(_) => return Err(Trouble::new(Phase::Connect, Cause::Silence)),
    };
    if addresses.is_empty() {
        return Err(Trouble::new(Phase::Connect, Cause::Name));
    }
    Ok(addresses)
}

/// Connects, with TLS from the first byte where it is set so, and hears the greeting.
pub(super) async fn connect(
    place: &Place,
    addresses: &[SocketAddr],
    until: Instant,
) -> Result<Line, Trouble> {
    let tls = place.tls.clone().filter(|_| place.security == MailSecurity::Tls);
    let connecting =
        AsyncSmtpConnection::connect_tokio1(addresses, Some(CONNECT_EACH), &place.hello, tls, None);
    match timeout_at(until, Box::pin(connecting)).await {
        Ok(Ok(wire)) => Ok(Line { wire, offer: Offer::default(), mails: 0 }),
        // The library greets at once; an answer can only be one to that.
        Ok(Err(error)) if error.status().is_some() => Err(Trouble::of(Phase::Hello, &error)),
        Ok(Err(error)) => Err(Trouble::of(Phase::Connect, &error)),
        Err(_) => Err(Trouble::new(Phase::Connect, Cause::Silence)),
    }
}

impl Line {
    /// Turns to TLS.
    pub(super) async fn start_tls(&mut self, place: &Place, until: Instant) -> Result<(), Trouble> {
        let Some(tls) = place.tls.clone().filter(|_| place.security == MailSecurity::StartTls)
        else {
            return Ok(());
        };
        if !self.wire.can_starttls() {
            return Err(Trouble::new(Phase::StartTls, Cause::NoStartTls));
        }
        let turning = Box::pin(self.wire.starttls(tls, &place.hello));
        match timeout_at(until, turning).await {
            Ok(done) => done.map_err(|error| Trouble::of(Phase::StartTls, &error)),
            Err(_) => Err(Trouble::new(Phase::StartTls, Cause::Silence)),
        }
    }

    /// Asks what the server offers. The library asked already, but drops the size and keeps the answer to itself.
    pub(super) async fn hello(&mut self, place: &Place, until: Instant) -> Result<(), Trouble> {
        let hello = Ehlo::new(place.hello.clone());
        let answer = self.ask(Phase::Hello, hello, until).await?;
        self.offer = offer(answer.message());
        Ok(())
    }

    /// Logs in with a password.
    pub(super) async fn password(
        &mut self,
        credentials: Credentials,
        until: Instant,
    ) -> Result<(), Trouble> {
        if !self.offer.plain {
            return Err(Trouble::new(Phase::Login, Cause::NoLogin));
        }
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        let login = Box::pin(self.wire.auth(&mechanisms, &credentials));
        match timeout_at(until, login).await {
            Ok(Ok(answer)) if answer.code().severity == Severity::PositiveCompletion => Ok(()),
            Ok(Ok(answer)) => Err(Trouble::odd(Phase::Login, &answer)),
            Ok(Err(error)) => Err(Trouble::of(Phase::Login, &error)),
            Err(_) => Err(Trouble::new(Phase::Login, Cause::Silence)),
        }
    }

    /// Logs in with an access token. A refusal comes as a question that holds the reason, and the real answer only
    /// after an empty line (Google's description of XOAUTH2); the library gives up at the question and hides the reason.
    pub(super) async fn token(
        &mut self,
        credentials: Credentials,
        until: Instant,
    ) -> Result<(), Trouble> {
        let phase = Phase::Login;
        if !self.offer.xoauth2 {
            return Err(Trouble::new(phase, Cause::NoLogin));
        }
        let login = Auth::new(Mechanism::Xoauth2, credentials, None);
        let login = login.map_err(|_| Trouble::new(phase, Cause::NoLogin))?;
        let answer = match self.ask(phase, login, until).await {
            Ok(answer) => answer,
            // Microsoft refuses without a question: "535 5.7.3 Authentication unsuccessful".
            Err(trouble) => return Err(of_token(trouble, None)),
        };
        if answer.has_code(235) {
            return Ok(());
        }
        if !answer.has_code(334) {
            return Err(Trouble::odd(phase, &answer));
        }
        let status = answer.first_line().and_then(challenge_status);
        match self.ask(phase, "\r\n", until).await {
            Ok(answer) => Err(Trouble::odd(phase, &answer)),
            Err(trouble) => Err(of_token(trouble, status)),
        }
    }

    /// Says whom a mail is from and how large it is.
    pub(super) async fn from(
        &mut self,
        from: &Address,
        bytes: usize,
        until: Instant,
    ) -> Result<(), Trouble> {
        let size = self.offer.size.map(|_| MailParameter::Size(bytes));
        let mail = Mail::new(Some(from.to_lettre()), size.into_iter().collect());
        self.ask_yes(Phase::From, mail, Severity::PositiveCompletion, until).await
    }

    /// Hands over a mail, from MAIL FROM to the answer behind the final dot, in these limits.
    pub(super) async fn deliver(
        &mut self,
        (from, to): (&Address, &Address),
        bytes: &[u8],
        limits: Limits,
    ) -> Result<(), Trouble> {
        let until = limits.until;
        if let Some(limit @ 1..) = self.offer.size
            && u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit
        {
            let trouble = Trouble::new(Phase::From, Cause::LargerThan(limit));
            return Err(Trouble { usable: true, ..trouble });
        }
        self.from(from, bytes.len(), until).await?;
        self.ask_yes(
            Phase::To,
            Rcpt::new(to.to_lettre(), Vec::new()),
            Severity::PositiveCompletion,
            until,
        )
        .await?;
        self.ask_yes(Phase::Data, Data, Severity::PositiveIntermediate, until).await?;
        let answer = self.content(bytes, limits).await?;
        if answer.code().severity != Severity::PositiveCompletion {
            // Neither yes nor no, and the mail is there.
            return Err(Trouble::new(Phase::Answer, Cause::BrokenAtEnd));
        }
        self.mails += 1;
        Ok(())
    }

    async fn content(&mut self, bytes: &[u8], limits: Limits) -> Result<Response, Trouble> {
        // The library ends the last line itself; ours would become an empty one.
        let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        // The library asks for a piece when the one before it is written, and once more behind the last one, before the
        // first byte of the dot: whoever was asked for no more pieces than there are knows that the mail was not delivered.
        let asked = AtomicUsize::new(0);
        let (asked, count) = (&asked, bytes.len().div_ceil(PIECE));
        let dot_is_next = || asked.load(Ordering::SeqCst) > count;
        let mut pieces = bytes.chunks(PIECE);
        let pieces = std::iter::from_fn(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            pieces.next()
        });
        let last = Instant::now() + MAX_CONTENT;
        let (mut until, mut before) = (limits.until, 1);
        let mut writing = Box::pin(self.wire.message_iter(pieces));
        let result = loop {
            match timeout_at(until, &mut writing).await {
                Ok(result) => break result,
                Err(_) if dot_is_next() => match timeout(limits.answer, &mut writing).await {
                    Ok(result) => break result,
                    Err(_) => return Err(Trouble::new(Phase::Answer, Cause::SilenceAtEnd)),
                },
                // A large mail on a slow line goes on as long as it moves.
                Err(_) if asked.load(Ordering::SeqCst) > before && Instant::now() < last => {
                    before = asked.load(Ordering::SeqCst);
                    until = Instant::now() + limits.piece;
                }
                Err(_) => return Err(Trouble::new(Phase::Content, Cause::Silence)),
            }
        };
        let phase = if dot_is_next() { Phase::Answer } else { Phase::Content };
        result.map_err(|error| Trouble::of(phase, &error))
    }

    /// Forgets a mail that was begun, and so shows that a kept connection lives.
    pub(super) async fn reset(&mut self) -> bool {
        timeout(PROBE, self.wire.command(Rset)).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Says goodbye; nobody waits long for the answer.
    pub(super) async fn quit(mut self) {
        // Whatever comes back, the connection is closed.
        drop(timeout(LAST_WORD, self.wire.command(Quit)).await);
    }

    async fn ask(
        &mut self,
        phase: Phase,
        command: impl std::fmt::Display,
        until: Instant,
    ) -> Result<Response, Trouble> {
        match timeout_at(until, self.wire.command(command)).await {
            Ok(answer) => answer.map_err(|error| Trouble::of(phase, &error)),
            Err(_) => Err(Trouble::new(phase, Cause::Silence)),
        }
    }

    /// Asks a question whose answer must be of a class, which shows too that both sides are at the same question.
    async fn ask_yes(
        &mut self,
        phase: Phase,
        command: impl std::fmt::Display,
        class: Severity,
        until: Instant,
    ) -> Result<(), Trouble> {
        let answer = self.ask(phase, command, until).await?;
        if answer.code().severity == class {
            return Ok(());
        }
        Err(Trouble::odd(phase, &answer))
    }
}

fn offer<'a>(lines: impl Iterator<Item = &'a str>) -> Offer {
    let mut offer = Offer::default();
    for line in lines {
        // Old servers write `AUTH=LOGIN PLAIN`.
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            // Without a number it says nothing about the limit (RFC 1870 §3).
            "SIZE" => offer.size = words.next().map_or(Some(0), |size| size.parse().ok()),
            "AUTH" => {
                for word in words.map(str::to_ascii_uppercase) {
                    offer.plain |= matches!(word.as_str(), "PLAIN" | "LOGIN");
                    offer.xoauth2 |= word == "XOAUTH2";
                }
            }
            _ => {}
        }
    }
    offer
}

/// A refused login is a refused token here, whatever the code; other answers keep their meaning.
fn of_token(trouble: Trouble, status: Option<u16>) -> Trouble {
    use super::classify::Refusal;
    let refused = matches!(
        trouble.reason.cause,
        Cause::Refused(Refusal::Login | Refusal::AppPassword | Refusal::LoginWanted)
    );
    if !refused && (status.is_none() || trouble.reason.code.is_none()) {
        return trouble;
    }
    let reason = Reason { cause: Cause::TokenRefused(status), ..trouble.reason };
    Trouble { reason, ..trouble }
}

/// Finds the status in the question that refuses a token: base64 of `{"status":"401",...}`.
fn challenge_status(line: &str) -> Option<u16> {
    use base64::Engine as _;
    #[derive(serde::Deserialize)]
    struct Challenge {
        status: String,
    }
    let json = base64::engine::general_purpose::STANDARD.decode(line.trim()).ok()?;
    let challenge: Challenge = serde_json::from_slice(&json).ok()?;
    challenge.status.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_offers_is_read_from_its_lines() {
        let of = |lines: &[&str]| offer(lines.iter().copied());
        let gmail =
            of(&["smtp.example", "SIZE 35882577", "AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN"]);
        assert_eq!(gmail, Offer { size: Some(35_882_577), plain: true, xoauth2: true });
        assert_eq!(of(&["x", "size 0", "auth=login"]).size, Some(0));
        assert!(of(&["x", "auth=login"]).plain);
        assert_eq!(
            of(&["x", "SIZE", "AUTH XOAUTH2"]),
            Offer { size: Some(0), plain: false, xoauth2: true }
        );
        assert_eq!(of(&["x", "SIZE many"]).size, None);
        assert_eq!(of(&["SIZELESS"]), Offer::default());
    }

    #[test]
    fn the_status_of_a_refused_token_is_found() {
        // {"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}
        let line = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==";
        assert_eq!(challenge_status(line), Some(401));
        for line in ["", "not base64!", "e30="] {
            assert_eq!(challenge_status(line), None, "{line}");
        }
    }

    #[test]
    fn what_the_network_says_is_told_apart() {
        use std::io::{Error, ErrorKind};
        let tls = |error| Error::new(ErrorKind::InvalidData, error);
        let bad = |bad| tls(rustls::Error::InvalidCertificate(bad));
        for (error, expected) in [
            (bad(rustls::CertificateError::NotValidForName), Cause::OtherName),
            (bad(rustls::CertificateError::Expired), Cause::Expired),
            (bad(rustls::CertificateError::UnknownIssuer), Cause::Untrusted),
            (tls(rustls::Error::HandshakeNotComplete), Cause::Tls),
            (Error::from(ErrorKind::ConnectionRefused), Cause::NobodyListens),
            (Error::from(ErrorKind::TimedOut), Cause::Silence),
            (Error::from(ErrorKind::ConnectionReset), Cause::Broken),
        ] {
            assert_eq!(of_network(&error), expected, "{error}");
        }
    }
}
