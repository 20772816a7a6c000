//! Hands replies to the mail server of an account.
//!
//! One call is one attempt, and its end says what to do: whatever surely did not arrive is tried again; what broke or
//! fell silent between the final dot and the server's answer may have arrived and is never sent again from here: the
//! caller looks for its Message-ID (sent folder, bounce, answer). Reasons hold codes and settings, never an address,
//! a secret or the server's own words.
//!
//! Never tried against a real provider: Gmail, Google Workspace, Microsoft 365, Outlook.com, Locaweb, UOL, Zoho,
//! Amazon SES and their like. What is said of them follows their published answers: refusals of passwords and of tokens,
//! XOAUTH2 itself, limits, the wish for app passwords, and whether they refuse a foreign `address` at MAIL FROM at all (Gmail is
//! said to rewrite it in silence). IPv6, and a server behind a router that drops idle connections, were not tried either.

mod check;
mod classify;
mod pool;
mod rate;
mod reason;
mod talk;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub use self::check::{Finding, Found, Step};
pub use self::classify::{Phase, Refusal, Status, classify};
pub use self::rate::Rate;
pub use self::reason::{Cause, Fault, Reason};

use self::pool::Pool;
use self::rate::Rates;
use self::reason::{Then, pauses};
use self::talk::{Limits, Line, Place, Trouble, connect, resolve};
use super::reply::{Address, Written};
use super::token::{TokenSource, TokenTrouble, Tokens};
use crate::channels::mail::MailSecurity;
use crate::domain::host::is_this_machine;
use crate::domain::secret::Secret;

/// How long a mail is tried before it is given up.
const GIVE_UP_AFTER: chrono::Duration = chrono::Duration::hours(72);
/// Longest time that nothing of an account leaves after its login was refused or it sent too fast.
const MAX_HOLD: Duration = Duration::from_mins(30);
/// When a mail that found no free connection asks again.
const CONNECTIONS_BUSY: chrono::Duration = chrono::Duration::seconds(10);

/// How an account logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    None,
    /// With a password.
    Password {
        /// Who.
        user: String,
        /// The password, often one made for programs.
        password: Secret,
    },
    /// With an access token (XOAUTH2).
    Token {
        /// The mailbox's address.
        user: String,
        /// Where the token comes from.
        source: TokenSource,
    },
}

/// An account that replies leave by.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// The server's name or IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// How the account logs in.
    pub login: Login,
    /// The address that replies are from.
    pub from: String,
    /// A PEM file of authorities that are trusted beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// How long an attempt may take up to its final dot; of a large mail each 64 KiB may take as long again.
    pub timeout: Duration,
    /// How long the answer to the final dot is waited for after that. RFC 5321 §4.5.3.2.6 asks for ten minutes: who gives up
    /// sooner does not know what became of the mail.
    pub answer_timeout: Duration,
    /// Most connections at once; Microsoft allows three for a mailbox.
    pub connections: usize,
    /// How long a connection is kept for the next mail; zero keeps none.
    pub keep: Duration,
    /// How fast the account sends; Microsoft allows 30 a minute.
    pub account_rate: Rate,
    /// How fast it sends to addresses of one domain.
    pub domain_rate: Rate,
}

impl SenderSettings {
    /// The settings of an account with the limits that suit the usual providers.
    pub fn new(host: impl Into<String>, port: u16, security: MailSecurity, from: &str) -> Self {
        Self {
            host: host.into(),
            port,
            security,
            login: Login::None,
            from: from.to_owned(),
            ca_file: None,
            timeout: Duration::from_mins(1),
            answer_timeout: Duration::from_mins(10),
            connections: 2,
            keep: Duration::from_secs(30),
            account_rate: Rate { per_minute: 30, burst: 10 },
            domain_rate: Rate { per_minute: 20, burst: 5 },
        }
    }
}

/// Why replies cannot leave with these settings, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SenderSettingsError {
    /// The host is none.
    #[error("`smtp_host` is not a host name or IP address; write it alone, as in smtp.example.com")]
    Host,
    /// No server listens on port 0.
    #[error("`smtp_port` is 0; take the provider's, usually 465 for tls and 587 for starttls")]
    Port,
    /// The sender is no address.
    #[error("`address` is not one mail address; write it as support@example.com")]
    From,
    /// A login without a user or secret.
    #[error("`user` or `password` is empty; give both or neither")]
    EmptyLogin,
    /// Words in the clear would leave this machine.
    #[error(
        "`smtp_security` is none, which is for a mail server on this machine only; set it to tls or starttls"
    )]
    PlainToElsewhere,
    /// No attempt could end in time.
    #[error("a time-out is zero; give an attempt some seconds and its answer some minutes")]
    Timeout,
    /// Nothing could ever leave.
    #[error("no connection, or no mail at a time, is allowed; set `per_minute` to 1 or more")]
    Nothing,
    /// The file of authorities cannot be read.
    #[error("`ca_file` could not be read; check its path and rights")]
    CaFile(#[source] std::io::Error),
    /// The file of authorities holds none.
    #[error("`ca_file` holds no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The machine's certificates or the host's name do not serve.
    #[error(
        "TLS could not be set up; check `smtp_host`, `ca_file` and the certificates of this machine"
    )]
    Tls(#[source] smtp::Error),
}

/// A reply on its way.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The mail.
    pub mail: &'a Written,
    /// This attempt, from 1.
    pub attempt: u32,
    /// When it was first tried.
    pub first: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has it.
    Accepted {
        /// Its Message-ID, by which bounces and answers name it.
        id: String,
    },
    /// It surely did not arrive: try again at this moment.
    RetryAt(DateTime<Utc>, Reason),
    /// It will never be taken.
    Failed(Fault, Reason),
    /// A person of the business must act; meanwhile it is tried again at this moment.
    Operator(Reason, DateTime<Utc>),
    /// It may have arrived: nobody sends it again before it is known.
    Unknown(Reason),
}

/// Sends the replies of one account.
pub struct Sender {
    place: Place,
    from: Address,
    login: LoginMeans,
    timeout: Duration,
    answer_timeout: Duration,
    width: usize,
    connections: Semaphore,
    pool: Pool,
    rates: Rates,
    hold: Mutex<Hold>,
}

enum LoginMeans {
    None,
    Password(Credentials),
    Token { user: String, tokens: Tokens },
}

/// Nothing leaves until then: repeated logins lock an account, and whoever sends on after "too fast" waits longer.
#[derive(Default)]
struct Hold {
    until: DateTime<Utc>,
    reason: Option<Reason>,
    times: u32,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("host", &self.place.host)
            .field("port", &self.place.port)
            .field("security", &self.place.security)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// Checks the settings; connects to nobody.
    pub fn new(settings: SenderSettings) -> Result<Self, SenderSettingsError> {
        use SenderSettingsError as Bad;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if settings.host.is_empty() || !settings.host.chars().all(is_host) {
            return Err(Bad::Host);
        }
        if settings.port == 0 {
            return Err(Bad::Port);
        }
        let from = Address::parse(&settings.from).ok_or(Bad::From)?;
        if settings.timeout.is_zero() || settings.answer_timeout.is_zero() {
            return Err(Bad::Timeout);
        }
        let bursts = [settings.account_rate.burst, settings.domain_rate.burst];
        if settings.connections == 0 || bursts.contains(&0) {
            return Err(Bad::Nothing);
        }
        let tls = tls(&settings)?;
        let login = match settings.login {
            Login::None => LoginMeans::None,
            Login::Password { user, password }
                if !user.is_empty() && !password.expose().is_empty() =>
            {
                LoginMeans::Password(Credentials::new(user, password.expose().to_owned()))
            }
            // The separator of the parts of XOAUTH2.
            Login::Token { user, source } if !user.is_empty() && !user.contains('\u{1}') => {
                LoginMeans::Token { user, tokens: Tokens::new(source) }
            }
            Login::Password { .. } | Login::Token { .. } => return Err(Bad::EmptyLogin),
        };
        // The machine's own name is nobody's business, and a server wants a full one.
        let hello = ClientId::Domain(from.domain().to_owned());
        let SenderSettings { host, port, security, timeout, answer_timeout, .. } = settings;
        Ok(Self {
            place: Place { host, port, security, tls, hello },
            from,
            login,
            timeout,
            answer_timeout,
            width: settings.connections.min(Semaphore::MAX_PERMITS),
            connections: Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)),
            pool: Pool::new(settings.keep),
            rates: Rates::new(settings.account_rate, settings.domain_rate),
            hold: Mutex::default(),
        })
    }

    /// Makes one attempt. `now` is also when the connection begins to rest afterwards. Whoever drops the call before its end
    /// does not know what became of the mail.
    pub async fn send(&self, now: DateTime<Utc>, going: &Outgoing<'_>) -> Outcome {
        let until = Instant::now() + self.timeout;
        if let Some((reason, at)) = self.held(now) {
            return ended(now, going, reason, Some(at));
        }
        let Ok(Ok(_permit)) = timeout_at(until, self.connections.acquire()).await else {
            let reason = Reason::of(Cause::OwnConnections);
            return Outcome::RetryAt(now + CONNECTIONS_BUSY, reason);
        };
        if let Err((at, cause)) = self.rates.take(now, going.mail.to.domain()) {
            return Outcome::RetryAt(at, Reason::of(cause));
        }
        match self.attempt(now, going.mail, until).await {
            Ok(()) => {
                self.release();
                Outcome::Accepted { id: going.mail.message_id.clone() }
            }
            Err(trouble) => {
                let at = self.hold_after(now, trouble.reason);
                ended(now, going, trouble.reason, at)
            }
        }
    }

    /// Returns how many mails it hands over at once.
    pub const fn connections(&self) -> usize {
        self.width
    }

    /// Returns until when nothing may leave because as much left as the account may send; `None` where something may.
    pub fn full_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rates.full_until(now)
    }

    /// Says goodbye on connections that rested too long; to be called now and then.
    pub async fn close_idle(&self, now: DateTime<Utc>) {
        self.pool.close_idle(now).await;
    }

    /// Says goodbye on all connections at rest.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn attempt(
        &self,
        now: DateTime<Utc>,
        mail: &Written,
        until: Instant,
    ) -> Result<(), Trouble> {
        let parties = (&mail.from, &mail.to);
        let limits = Limits { until, piece: self.timeout, answer: self.answer_timeout };
        if let Some(mut line) = self.pool.take(now).await {
            let end = line.deliver(parties, &mail.bytes, limits).await;
            match end {
                // The server hung up on a connection that rested, before anything of the mail was sent: that is no end of
                // this attempt.
                Err(trouble) if trouble.phase < Phase::Content && hung_up(&trouble) => {}
                end => return self.keep(line, end, now).await,
            }
        }
        let mut line = self.open(now, until).await?;
        let end = line.deliver(parties, &mail.bytes, limits).await;
        self.keep(line, end, now).await
    }

    async fn keep(
        &self,
        line: Line,
        end: Result<(), Trouble>,
        now: DateTime<Utc>,
    ) -> Result<(), Trouble> {
        if end.as_ref().map_or_else(|trouble| trouble.usable, |()| true) {
            self.pool.put(line, now).await;
        }
        end
    }

    /// Connects and logs in. A refused token is asked for anew and tried once more.
    async fn open(&self, now: DateTime<Utc>, until: Instant) -> Result<Line, Trouble> {
        let addresses = resolve(&self.place, until).await?;
        let mut refused: Option<Secret> = None;
        loop {
            let mut line = connect(&self.place, &addresses, until).await?;
            line.start_tls(&self.place, until).await?;
            line.hello(&self.place, until).await?;
            let (end, token) = self.log_in(&mut line, now, until, refused.as_ref()).await;
            let Err(trouble) = end else { return Ok(line) };
            let is_token = matches!(trouble.reason.cause, Cause::TokenRefused(_));
            line.quit().await;
            // The same token again would be refused again.
            if !is_token || refused.is_some() {
                return Err(trouble);
            }
            refused = token;
        }
    }

    /// Logs in; returns the token that was used too.
    async fn log_in(
        &self,
        line: &mut Line,
        now: DateTime<Utc>,
        until: Instant,
        refused: Option<&Secret>,
    ) -> (Result<(), Trouble>, Option<Secret>) {
        match &self.login {
            LoginMeans::None => (Ok(()), None),
            LoginMeans::Password(login) => (line.password(login.clone(), until).await, None),
            LoginMeans::Token { user, tokens } => {
                let token = match timeout_at(until, tokens.get(now, refused)).await {
                    Ok(Ok(token)) => token,
                    Ok(Err(trouble)) => {
                        return (Err(Trouble::new(Phase::Login, Cause::NoToken(trouble))), None);
                    }
                    Err(_) => {
                        let cause = Cause::NoToken(TokenTrouble::Slow);
                        return (Err(Trouble::new(Phase::Login, cause)), None);
                    }
                };
                if refused == Some(&token) {
                    let cause = Cause::TokenRefused(None);
                    return (Err(Trouble::new(Phase::Login, cause)), None);
                }
                let login = Credentials::new(user.clone(), token.expose().to_owned());
                (line.token(login, until).await, Some(token))
            }
        }
    }

    fn held(&self, now: DateTime<Utc>) -> Option<(Reason, DateTime<Utc>)> {
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        hold.reason.filter(|_| now < hold.until).map(|reason| (reason, hold.until))
    }

    fn release(&self) {
        *self.hold.lock().unwrap_or_else(PoisonError::into_inner) = Hold::default();
    }

    /// Holds the account where the reason asks for it; returns until when.
    fn hold_after(&self, now: DateTime<Utc>, reason: Reason) -> Option<DateTime<Utc>> {
        if !matches!(reason.then(), Then::Hold | Then::HoldAndTell) {
            return None;
        }
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        hold.times = hold.times.saturating_add(1);
        let (first, _) = pauses(reason.cause);
        hold.until = now + pause(first, first.max(MAX_HOLD), hold.times);
        hold.reason = Some(reason);
        Some(hold.until)
    }
}

/// True where the server ended the conversation by itself.
fn hung_up(trouble: &Trouble) -> bool {
    trouble.reason.code == Some(421) || trouble.reason.cause == Cause::Broken
}

/// Says what follows; `not_before` is the end of a hold.
fn ended(
    now: DateTime<Utc>,
    going: &Outgoing<'_>,
    reason: Reason,
    not_before: Option<DateTime<Utc>>,
) -> Outcome {
    let then = reason.then();
    match then {
        Then::Unknown => return Outcome::Unknown(reason),
        Then::Fail(fault) => return Outcome::Failed(fault, reason),
        _ if now - going.first > GIVE_UP_AFTER => {
            let reason = Reason { cause: Cause::GivenUp, ..reason };
            return Outcome::Failed(Fault::GivenUp, reason);
        }
        _ => {}
    }
    let (first, longest) = pauses(reason.cause);
    let at = now + pause(first, longest, going.attempt);
    let at = not_before.map_or(at, |not_before| at.max(not_before));
    match then {
        Then::Tell | Then::HoldAndTell => Outcome::Operator(reason, at),
        _ => Outcome::RetryAt(at, reason),
    }
}

/// Doubles from the first pause up to the longest.
fn pause(first: Duration, longest: Duration, attempt: u32) -> chrono::Duration {
    let pause =
        first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1).min(16))).min(longest);
    chrono::Duration::from_std(pause).unwrap_or(chrono::Duration::minutes(10))
}

fn tls(settings: &SenderSettings) -> Result<Option<TlsParameters>, SenderSettingsError> {
    if settings.security == MailSecurity::Plain {
        if is_this_machine(&settings.host) {
            return Ok(None);
        }
        return Err(SenderSettingsError::PlainToElsewhere);
    }
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(SenderSettingsError::CaFile)?;
        // The library takes a file without any certificate for a good one.
        if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
            return Err(SenderSettingsError::NoCertificate);
        }
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| SenderSettingsError::NoCertificate)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map(Some).map_err(SenderSettingsError::Tls)
}

/// What a certificate in PEM begins with (RFC 7468 §5).
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests;
