//! The client of WhatsApp's Cloud API: sends messages, marks them as read, carries files and looks at a number.
//!
//! A call is made once. Nothing here repeats it, because the API knows no key that would make a second one
//! harmless: the end of a call says whether one more is safe. The access token goes to the API and to the hosts
//! that serve its files, and never into an error, a log or a debug print.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::errors::{Action, ApiError};
use crate::domain::host::is_this_machine;
use crate::domain::labels::Locale;
use crate::domain::secret::Secret;

mod address;
mod end;
mod fault;
mod limits;
mod media;
mod number;
mod outgoing;
mod pace;
#[cfg(test)]
mod tests;
mod wire;

pub use address::Address;
pub use end::{Doubt, NotSent, Sent, Unreached};
pub use fault::Fault;
pub use limits::{Misfit, Part, shown};
pub use media::{Downloaded, Fetched, MediaInfo};
pub use number::{Concern, NumberState, Quality, Throughput};
pub use outgoing::{
    BodyValue, Buttons, Choice, Content, File, FileKind, List, Outgoing, Row, Section, Source,
    Template, TemplateButton, TemplateHeader,
};
pub use pace::{Pace, PaceLimits};
use wire::{NoReply, Reply};

/// Where the API is.
const BASE_URL: &str = "https://graph.facebook.com";
/// The version of the API that calls name unless told otherwise.
const VERSION: &str = "v25.0";
/// How long a call may take unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long the way of a file may take unless told otherwise.
const TRANSFER_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a connection may take to be made, at most.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is not used again: the server may be about to close it, and a message
/// that is written into a closing connection ends as one of which nobody knows whether it left.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How the API is reached.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Where it is. Only an address of this machine may do without encryption.
    pub base_url: String,
    /// The version, such as `v25.0`.
    pub version: String,
    /// The access token of a system user.
    pub token: Secret,
    /// How long a call may take, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// How long the way of a file may take.
    pub transfer_timeout: Duration,
}

impl ClientSettings {
    /// Returns the usual settings with a token.
    pub fn new(token: Secret) -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            version: VERSION.to_owned(),
            token,
            timeout: TIMEOUT,
            transfer_timeout: TRANSFER_TIMEOUT,
        }
    }

    /// Says whether a client can be made with them; connects to nobody.
    pub fn check(&self) -> Result<(), SettingsError> {
        base(&self.base_url)?;
        if !is_version(&self.version) {
            return Err(SettingsError::Version);
        }
        let token = self.token.expose();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SettingsError::Token);
        }
        Ok(())
    }
}

/// What is wrong with the settings.
#[derive(Debug)]
pub enum SettingsError {
    /// The address is none, or has more than a host, a port and a path.
    Address,
    /// The token would leave this machine without encryption.
    Unencrypted,
    /// The version has another form than `v25.0`.
    Version,
    /// The token is empty or has signs that no header takes.
    Token,
    /// The machine does not give what a client needs, such as certificates.
    Client(reqwest::Error),
}

impl SettingsError {
    /// Says what is wrong and what to do.
    pub fn told(&self, locale: Locale) -> &'static str {
        let (en, pt) = match self {
            Self::Address => (
                "the address of the API is not valid; leave it out or write it like https://graph.facebook.com",
                "o endereço da API não é válido; remova-o ou escreva-o como https://graph.facebook.com",
            ),
            Self::Unencrypted => (
                "the access token would travel in the clear; the address of the API begins with https://",
                "o token de acesso trafegaria em texto aberto; o endereço da API precisa começar com https://",
            ),
            Self::Version => (
                "the version of the API is not valid; write it like v25.0",
                "a versão da API não é válida; escreva-a como v25.0",
            ),
            Self::Token => (
                "the access token is empty or has signs that do not belong there; copy it again",
                "o token de acesso está vazio ou tem caracteres estranhos; copie-o de novo",
            ),
            Self::Client(_) => (
                "no client could be made; check the certificates of this machine",
                "não foi possível criar o cliente; confira os certificados desta máquina",
            ),
        };
        match locale {
            Locale::En => en,
            Locale::PtBr => pt,
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told(Locale::En))
    }
}

impl std::error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => Some(error),
            _ => None,
        }
    }
}

/// Calls the API with one token. A clone shares the connections.
#[derive(Clone, Debug)]
pub struct CloudClient {
    http: reqwest::Client,
    base: Url,
    bearer: HeaderValue,
    settings: ClientSettings,
}

impl CloudClient {
    /// Makes a client.
    pub fn new(settings: ClientSettings) -> Result<Self, SettingsError> {
        Self::with(settings, reqwest::Client::builder())
    }

    fn with(
        settings: ClientSettings,
        builder: reqwest::ClientBuilder,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let base = base(&settings.base_url)?;
        let token = settings.token.expose();
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| SettingsError::Token)?;
        bearer.set_sensitive(true);
        let http = builder
            .timeout(settings.timeout)
            // Less than the whole, so that a connection that is never made is told from an answer that never came.
            .connect_timeout(CONNECT_MAX.min(settings.timeout / 2))
            .pool_idle_timeout(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("atende/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SettingsError::Client)?;
        Ok(Self { http, base, bearer, settings })
    }

    /// Makes one attempt to send a message from a number, by the number's id.
    ///
    /// `own_id` comes back with every state of the message, also where this call ends without its id.
    pub async fn send(&self, number: &str, to: &Address, message: &Outgoing, own_id: &str) -> Sent {
        let fits = limits::id(number, Part::Number)
            .and_then(|()| limits::own_id(own_id))
            .and_then(|()| message.fits());
        if let Err(misfit) = fits {
            return Sent::NotSent(NotSent::Misfit(misfit));
        }
        match self.post(number, &message.body(to, own_id)).await {
            Ok(reply) => self.judged(&reply),
            Err(NoReply::Unreached(why)) => Sent::NotSent(NotSent::Unreached(why)),
            Err(NoReply::Lost(doubt)) => Sent::Unknown(doubt),
        }
    }

    /// Marks a message and those before it as read, on wish with "typing…" until the answer or for 25 seconds.
    ///
    /// Returns why that did not work. It is a courtesy: no message is worse for it, and none should wait for it.
    pub async fn mark_read(&self, number: &str, message_id: &str, typing: bool) -> Option<Fault> {
        let fits = limits::id(number, Part::Number)
            .and_then(|()| limits::message_id(message_id, Part::MessageId));
        if let Err(misfit) = fits {
            return Some(Fault::Misfit(misfit));
        }
        let mut body =
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": message_id});
        if let (true, Some(body)) = (typing, body.as_object_mut()) {
            body.insert("typing_indicator".to_owned(), json!({"type": "text"}));
        }
        let reply = match self.post(number, &body).await {
            Ok(reply) => reply,
            Err(none) => return Some(none.into()),
        };
        self.success(&reply).err()
    }

    async fn post(&self, number: &str, body: &Value) -> Result<Reply, NoReply> {
        let request = self
            .http
            .post(self.address(&[number, "messages"]))
            .header(AUTHORIZATION, self.bearer.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(body).unwrap_or_default());
        wire::exchange(request).await
    }

    fn judged(&self, reply: &Reply) -> Sent {
        match answer::read(reply.status, &reply.body) {
            Answer::Accepted(_) if !reply.whole => Sent::Unknown(Doubt::CutOff),
            // Something that is not the API may answer 200 in its place, and nothing would ever tell of this message.
            Answer::Accepted(receipt) if receipt.id.is_none() => Sent::Unknown(Doubt::NoId),
            Answer::Accepted(receipt) => Sent::Accepted(receipt),
            Answer::Refused { error, action: Action::Unsure } => {
                Sent::Unknown(Doubt::Server { status: reply.status, code: error.code })
            }
            Answer::Refused { error, action } => Sent::Refused {
                error: self.presentable(error, reply.status),
                action: wire::with_told_pause(action, &reply.headers),
            },
        }
    }

    /// Returns the refusal, where the answer is one.
    fn success(&self, reply: &Reply) -> Result<(), Fault> {
        match answer::read(reply.status, &reply.body) {
            Answer::Accepted(_) => Ok(()),
            Answer::Refused { error, action } => Err(Fault::Refused {
                status: reply.status,
                error: self.presentable(error, reply.status),
                action: wire::with_told_pause(action, &reply.headers),
            }),
        }
    }

    /// Takes the token out of an error, because the API quotes a token that it cannot read, and gives an answer that
    /// says nothing its status for a title.
    fn presentable(&self, error: ApiError, status: u16) -> ApiError {
        let hidden =
            |text: Option<String>| text.map(|text| without(self.settings.token.expose(), &text));
        let nothing = error == ApiError::default();
        ApiError {
            code: error.code,
            title: hidden(error.title).or_else(|| nothing.then(|| format!("HTTP {status}"))),
            details: hidden(error.details),
        }
    }

    /// Returns the address of a thing by the parts of its path.
    fn address(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&self.settings.version).extend(path);
        }
        url
    }
}

/// Reads where the API is.
fn base(written: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(written.trim()).map_err(|_| SettingsError::Address)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.host_str().is_some();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && is_local(&url) => Ok(url),
        "http" if plain => Err(SettingsError::Unencrypted),
        _ => Err(SettingsError::Address),
    }
}

/// True for an address of this very machine.
fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(is_this_machine)
}

fn is_version(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = version.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    version.len() <= 12 && parts.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// Takes a token out of a text, also where only a piece of it is quoted.
fn without(token: &str, text: &str) -> String {
    /// Shorter pieces are words like any other.
    const PIECE: usize = 8;
    const MASK: &str = "********";
    let whole = text.replace(token, MASK);
    let is_sign =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '|');
    let mut out = String::with_capacity(whole.len());
    let mut rest = whole.as_str();
    while !rest.is_empty() {
        let signs = rest.find(|letter| !is_sign(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(signs).unwrap_or((rest, ""));
        let quoted = word.len() >= PIECE && token.contains(word);
        out.push_str(if quoted { MASK } else { word });
        let others = after.find(is_sign).unwrap_or(after.len());
        let (between, next) = after.split_at_checked(others).unwrap_or((after, ""));
        out.push_str(between);
        rest = next;
    }
    out
}
