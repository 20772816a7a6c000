//! Tries an account's settings step by step and says what works. Never sends a mail.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::classify::Phase;
use super::reason::{Cause, Reason, megabytes};
use super::talk::{Trouble, connect, resolve};
use super::{LoginMeans, Sender};
use crate::channels::mail::MailSecurity;
use crate::domain::labels::Locale;

/// Bytes of a mail that is asked about: a usual answer without files.
const ASKED_BYTES: usize = 20_000;

/// A step on the way to a sent mail, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Finding the server's name.
    Name,
    /// Connecting, and the server's greeting.
    Connection,
    /// TLS and the certificate.
    Tls,
    /// The login.
    Login,
    /// Whether the account may send as its address.
    From,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 5] = [Self::Name, Self::Connection, Self::Tls, Self::Login, Self::From];
}

/// What was found at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It works.
    Works,
    /// It works, and mails may have so many bytes.
    WorksUpTo(u64),
    /// It is not set, on purpose.
    NotSet,
    /// It does not work.
    Fails(Reason),
    /// A step before it did not work.
    NotTried,
}

/// A step and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// What was found.
    pub found: Found,
}

impl Finding {
    /// Returns the words of a locale: what works, or what was wrong and what to do.
    pub fn in_locale(&self, locale: Locale) -> String {
        let name = match (locale, self.step) {
            (Locale::En, Step::Name) => "Server name",
            (Locale::En, Step::Connection) => "Connection",
            (Locale::En, Step::Tls) => "Encryption",
            (Locale::En | Locale::PtBr, Step::Login) => "Login",
            (Locale::En, Step::From) => "Sender address",
            (Locale::PtBr, Step::Name) => "Nome do servidor",
            (Locale::PtBr, Step::Connection) => "Conexão",
            (Locale::PtBr, Step::Tls) => "Criptografia",
            (Locale::PtBr, Step::From) => "Endereço de remetente",
        };
        let words = match (locale, self.found) {
            (_, Found::Fails(reason)) => uncapitalized(&reason.in_locale(locale)),
            (Locale::En, Found::Works) => self.works_in_english().to_owned(),
            (Locale::PtBr, Found::Works) => self.works_in_portuguese().to_owned(),
            (Locale::En, Found::WorksUpTo(bytes)) => {
                let most = megabytes(bytes, '.');
                format!(
                    "{}; mails may have up to {most}, files count a third more",
                    self.works_in_english()
                )
            }
            (Locale::PtBr, Found::WorksUpTo(bytes)) => {
                let most = megabytes(bytes, ',');
                let works = self.works_in_portuguese().trim_end_matches('.');
                format!(
                    "{works}; cada mensagem pode ter até {most}, e arquivos contam um terço a mais."
                )
            }
            (Locale::En, Found::NotSet) => match self.step {
                Step::Tls => "not used, as the server is on this machine",
                _ => "not set, and the server was not asked for one",
            }
            .to_owned(),
            (Locale::PtBr, Found::NotSet) => match self.step {
                Step::Tls => "não é usada, pois o servidor está nesta máquina.",
                _ => "nenhum configurado.",
            }
            .to_owned(),
            (Locale::En, Found::NotTried) => "not tried; mend the step above first".to_owned(),
            (Locale::PtBr, Found::NotTried) => {
                "não foi testado; resolva primeiro o passo acima.".to_owned()
            }
        };
        format!("{name}: {words}")
    }

    const fn works_in_english(&self) -> &'static str {
        match self.step {
            Step::Name => "found",
            Step::Connection => "the server answers",
            Step::Tls => "works, and the certificate is valid",
            Step::Login => "accepted",
            Step::From => "the server takes mail from it",
        }
    }

    const fn works_in_portuguese(&self) -> &'static str {
        match self.step {
            Step::Name => "encontrado.",
            Step::Connection => "o servidor responde.",
            Step::Tls => "funciona, e o certificado é válido.",
            Step::Login => "aceito.",
            Step::From => "o servidor aceita mensagens com ele.",
        }
    }
}

impl Sender {
    /// Connects once and says for each step what works. A mail is begun and forgotten again (MAIL FROM, RSET), none is sent.
    /// It does not wait for the account's rate or for a pause after a refused login.
    pub async fn check(&self, now: DateTime<Utc>) -> Vec<Finding> {
        let until = Instant::now() + self.timeout.min(Duration::from_mins(2));
        let mut findings = Vec::new();
        let end = self.check_steps(now, until, &mut findings).await;
        if let Err((step, trouble)) = end {
            findings.push(Finding { step, found: Found::Fails(trouble.reason) });
        } else {
            // What was refused before works now.
            self.release();
        }
        let done = findings.len();
        let rest = Step::ALL.into_iter().skip(done);
        findings.extend(rest.map(|step| Finding { step, found: Found::NotTried }));
        findings
    }

    async fn check_steps(
        &self,
        now: DateTime<Utc>,
        until: Instant,
        findings: &mut Vec<Finding>,
    ) -> Result<(), (Step, Trouble)> {
        let mut found = |step, found| findings.push(Finding { step, found });
        let at = |step| move |trouble| (step, trouble);
        let addresses = resolve(&self.place, until).await.map_err(at(Step::Name))?;
        found(Step::Name, Found::Works);
        let connected = connect(&self.place, &addresses, until).await;
        let mut line = match connected {
            Ok(line) => line,
            // With TLS from the first byte both are one, and the cause tells them apart.
            Err(trouble) if is_about_tls(&trouble) => {
                found(Step::Connection, Found::Works);
                return Err((Step::Tls, trouble));
            }
            Err(trouble) => return Err((Step::Connection, trouble)),
        };
        found(Step::Connection, Found::Works);
        line.start_tls(&self.place, until).await.map_err(at(Step::Tls))?;
        line.hello(&self.place, until).await.map_err(at(Step::Tls))?;
        let plain = self.place.security == MailSecurity::Plain;
        found(Step::Tls, if plain { Found::NotSet } else { Found::Works });
        // A token that was kept may be an old one: the check asks as a first attempt would.
        let (end, _) = self.log_in(&mut line, now, until, None).await;
        end.map_err(at(Step::Login))?;
        let no_login = matches!(self.login, LoginMeans::None);
        found(Step::Login, if no_login { Found::NotSet } else { Found::Works });
        let end = line.from(&self.from, ASKED_BYTES, until).await;
        let size = line.offer.size.filter(|size| *size > 0);
        if end.is_ok() && !line.reset().await {
            return Err((Step::From, Trouble::new(Phase::From, Cause::Broken)));
        }
        line.quit().await;
        end.map_err(at(Step::From))?;
        found(Step::From, size.map_or(Found::Works, Found::WorksUpTo));
        Ok(())
    }
}

/// A sentence as it reads behind a colon; none of ours begins with a name.
fn uncapitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

fn is_about_tls(trouble: &Trouble) -> bool {
    matches!(
        trouble.reason.cause,
        Cause::OtherName | Cause::Expired | Cause::Untrusted | Cause::Tls
    )
}
