//! From a host name to a mailbox that is logged in, each step by itself so that a failure has a place.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::check::Finding;
use super::conversation::{Answer, Conversation, Heard, Outcome, quoted};
use super::settings::{Login, Settings};
use super::trouble::{Step, Trouble};
use super::wire::{Guarded, Limits, Wire};
use crate::channels::email::token;
use crate::channels::mail::MailSecurity;

/// How long one of several addresses may take: a machine with broken IPv6 must still reach the IPv4 address.
const ADDRESS_LIMIT: Duration = Duration::from_secs(10);
/// Longest file of certificates.
const CA_FILE_MAX: u64 = 1024 * 1024;
/// Longest server challenge that is looked at.
const CHALLENGE_MAX: usize = 4096;

/// A trouble and where it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// What was in the way.
    pub trouble: Trouble,
}

pub(super) trait At<T> {
    /// Names the step of a trouble.
    fn at(self, step: Step) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, Trouble> {
    fn at(self, step: Step) -> Result<T, Failure> {
        self.map_err(|trouble| Failure { step, trouble })
    }
}

/// Connects and logs in; `found` is told of each step that worked.
pub(super) async fn connect(
    settings: &Settings,
    found: &mut (dyn FnMut(Step, Finding) + Send),
) -> Result<Conversation, Failure> {
    let addresses = resolve(settings).await.at(Step::Resolve)?;
    found(Step::Resolve, Finding::Resolved { addresses: addresses.len() });
    let tcp = open(settings, &addresses).await.at(Step::Connect)?;
    found(Step::Connect, Finding::Connected);
    let limits = Limits::new(settings.timeout);
    let bare = Wire::Plain(Guarded::new(tcp, Arc::clone(&limits)));

    let mut conversation = match settings.security {
        MailSecurity::Tls => {
            let wire = encrypt(settings, bare).await.at(Step::Tls)?;
            found(Step::Tls, Finding::Encrypted);
            greeted(settings, Conversation::new(wire, limits, settings.timeout)).await?
        }
        MailSecurity::Plain => {
            found(Step::Tls, Finding::InTheClear);
            greeted(settings, Conversation::new(bare, limits, settings.timeout)).await?
        }
        MailSecurity::StartTls => {
            let bare = Conversation::new(bare, limits, settings.timeout);
            let encrypted = start_tls(settings, bare).await?;
            found(Step::Tls, Finding::Encrypted);
            encrypted
        }
    };
    log_in(settings, &mut conversation).await.at(Step::Login)?;
    found(Step::Login, Finding::LoggedIn);
    Ok(conversation)
}

async fn resolve(settings: &Settings) -> Result<Vec<SocketAddr>, Trouble> {
    let look_up = tokio::net::lookup_host((settings.host.as_str(), settings.port));
    let unknown = || Trouble::UnknownHost { host: settings.host.clone() };
    let addresses: Vec<SocketAddr> = timeout(settings.timeout, look_up)
        .await
        .map_err(|_| Trouble::TimedOut { step: Step::Resolve })?
        .map_err(|_| unknown())?
        .collect();
    if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
}

async fn open(settings: &Settings, addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let limit =
        if addresses.len() > 1 { settings.timeout.min(ADDRESS_LIMIT) } else { settings.timeout };
    let mut trouble = Trouble::Unreachable { host: settings.host.clone() };
    for address in addresses {
        let error = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Commands are short and each waits for its answer; a connection works without this, only slower.
                if tcp.set_nodelay(true).is_err() {
                    tracing::debug!("a connection keeps its small packets back");
                }
                return Ok(tcp);
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        trouble = Trouble::of_connect(&error, &settings.host, settings.port);
    }
    Err(trouble)
}

async fn encrypt(settings: &Settings, wire: Wire) -> Result<Wire, Trouble> {
    let Wire::Plain(bare) = wire else {
        return Ok(wire);
    };
    let config = tls_config(settings).await?;
    let name = ServerName::try_from(settings.host.clone())
        .map_err(|_| Trouble::UnknownHost { host: settings.host.clone() })?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, bare);
    match timeout(settings.timeout, handshake).await {
        Ok(Ok(stream)) => Ok(Wire::Tls(Box::new(stream))),
        Ok(Err(error)) => Err(Trouble::of_tls(&error, &settings.host, settings.port)),
        Err(_) => Err(Trouble::TimedOut { step: Step::Tls }),
    }
}

/// Reads the certificates anew for each connection, so that a renewed file needs no restart.
async fn tls_config(settings: &Settings) -> Result<ClientConfig, Trouble> {
    let load = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
    let mut roots = RootCertStore::empty();
    if let Ok(Ok(native)) = timeout(settings.timeout, load).await {
        roots.add_parsable_certificates(native.certs);
    }
    if let Some(path) = &settings.ca_file {
        let unusable = || Trouble::CaFile { path: path.clone() };
        let read = async {
            let size = tokio::fs::metadata(path).await?.len();
            if size > CA_FILE_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            tokio::fs::read(path).await
        };
        let pem = timeout(settings.timeout, read)
            .await
            .map_err(|_| unusable())?
            .map_err(|_| unusable())?;
        let mut added = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| unusable())?;
            roots.add(certificate).map_err(|_| unusable())?;
            added += 1;
        }
        if added == 0 {
            return Err(unusable());
        }
    }
    if roots.is_empty() {
        return Err(Trouble::NoTrustedRoots);
    }
    // The provider is named: a process may hold several, and the default one is then nobody's.
    let provider = Arc::new(crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Trouble::TlsFailed)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Reads the greeting and asks what the server can do.
async fn greeted(
    settings: &Settings,
    mut conversation: Conversation,
) -> Result<Conversation, Failure> {
    conversation.greeting(settings.port).await.at(Step::Greeting)?;
    conversation.ask_capabilities(Step::Greeting).await.at(Step::Greeting)?;
    Ok(conversation)
}

/// Encrypts a conversation that began in the clear. What was said before counts for nothing afterwards.
async fn start_tls(settings: &Settings, mut bare: Conversation) -> Result<Conversation, Failure> {
    let not_offered = || Trouble::StartTlsNotOffered { port: settings.port };
    // Logged in before TLS began: somebody in between wants the rest in the clear.
    if bare.greeting(settings.port).await.at(Step::Greeting)? {
        return Err(not_offered()).at(Step::Tls);
    }
    bare.ask_capabilities(Step::Greeting).await.at(Step::Greeting)?;
    if !bare.can("STARTTLS") {
        return Err(not_offered()).at(Step::Tls);
    }
    let answer = bare.command(Step::Tls, "STARTTLS", |_| {}).await.at(Step::Tls)?;
    if answer.outcome != Outcome::Done {
        return Err(not_offered()).at(Step::Tls);
    }
    let (wire, limits) = bare.into_wire();
    let wire = encrypt(settings, wire).await.at(Step::Tls)?;
    let mut conversation = Conversation::new(wire, limits, settings.timeout);
    conversation.ask_capabilities(Step::Greeting).await.at(Step::Greeting)?;
    Ok(conversation)
}

async fn log_in(settings: &Settings, conversation: &mut Conversation) -> Result<(), Trouble> {
    match &settings.login {
        Login::Password { user, password } => {
            let no_login = conversation.can("LOGINDISABLED");
            let sasl = conversation.can("AUTH=PLAIN");
            if no_login && !sasl {
                return Err(Trouble::LoginNotOffered { mechanism: "PLAIN" });
            }
            // A quoted string is ASCII; SASL's is UTF-8. Passwords with ç and ã exist.
            let answer = if sasl && (no_login || !user.is_ascii() || !password.is_ascii()) {
                let secret = format!("\0{user}\0{password}");
                authenticate(conversation, "PLAIN", &secret).await?.0
            } else {
                let line = format!("LOGIN {} {}", quoted(user), quoted(password));
                conversation.command(Step::Login, &line, |_| {}).await?
            };
            if answer.outcome != Outcome::Done {
                return Err(Trouble::of_login(&answer.words, &settings.host, true));
            }
        }
        Login::Xoauth2 { user, token } => {
            if !conversation.can("AUTH=XOAUTH2") {
                return Err(Trouble::LoginNotOffered { mechanism: "XOAUTH2" });
            }
            let token = token::fetch(token).await.map_err(Trouble::NoToken)?.secret;
            let secret = format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose());
            let (answer, challenge) = authenticate(conversation, "XOAUTH2", &secret).await?;
            if answer.outcome != Outcome::Done {
                let trouble = Trouble::of_login(&answer.words, &settings.host, false);
                return Err(match (trouble, challenge) {
                    (Trouble::TokenRefused { .. }, Some(challenge)) => {
                        Trouble::TokenRefused { status: status_in(&challenge) }
                    }
                    (trouble, _) => trouble,
                });
            }
        }
    }
    // What a server can do often changes with the login.
    conversation.ask_capabilities(Step::Login).await
}

/// Logs in by SASL. Returns the server's challenge too: XOAUTH2 says there why it will refuse.
async fn authenticate(
    conversation: &mut Conversation,
    mechanism: &str,
    secret: &str,
) -> Result<(Answer, Option<String>), Trouble> {
    let talk = async {
        conversation.start(Step::Login, &format!("AUTHENTICATE {mechanism}")).await?;
        let mut sent = false;
        let mut challenge = None;
        loop {
            match conversation.hear(Step::Login).await? {
                Heard::Answer(answer) => return Ok((answer, challenge)),
                Heard::Said => {}
                Heard::GoOn(_) if !sent => {
                    sent = true;
                    let line = format!("{}\r\n", STANDARD.encode(secret));
                    conversation.write(Step::Login, line.as_bytes()).await?;
                }
                // The refusal comes only after an answer to the challenge, and that is an empty line.
                Heard::GoOn(words) => {
                    challenge = Some(words);
                    conversation.write(Step::Login, b"\r\n").await?;
                }
            }
        }
    };
    Box::pin(timeout(LOGIN_LIMIT, talk))
        .await
        .unwrap_or(Err(Trouble::TimedOut { step: Step::Login }))
}

/// How long a login by SASL may take; servers slow down those who failed before.
const LOGIN_LIMIT: Duration = Duration::from_mins(2);

/// Takes the status out of a challenge, if it is a word or number that can be shown.
fn status_in(challenge: &str) -> Option<String> {
    if challenge.len() > CHALLENGE_MAX {
        return None;
    }
    let json = STANDARD.decode(challenge.trim()).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&json).ok()?;
    let status = match json.get("status")? {
        serde_json::Value::String(status) => status.clone(),
        serde_json::Value::Number(status) => status.to_string(),
        _ => return None,
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!status.is_empty() && status.len() <= 40 && status.chars().all(is_word)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_status_is_taken_from_a_challenge() {
        for (json, status) in [
            (
                r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#,
                Some("400"),
            ),
            (r#"{"status":"invalid_request"}"#, Some("invalid_request")),
            (r#"{"status":401}"#, Some("401")),
            (r#"{"status":"ana@loja.example says no"}"#, None),
            (r#"{"schemes":"Bearer"}"#, None),
            ("no json", None),
        ] {
            assert_eq!(status_in(&STANDARD.encode(json)).as_deref(), status, "{json}");
        }
        assert_eq!(status_in("%%%"), None);
    }
}
