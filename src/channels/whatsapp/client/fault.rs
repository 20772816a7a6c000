//! Why a call that sends no message did not work, and what to do about it.

use std::{fmt, io};

use crate::channels::whatsapp::errors::{Action, ApiError};
use crate::domain::labels::Locale;

use super::wire::NoReply;
use super::{Doubt, Misfit, Unreached};

/// Most characters of the API's own words that are shown.
const DETAILS_MAX: usize = 300;

/// Why a call that sends no message did not work. None of them has an effect, so each may be made again.
#[derive(Debug)]
pub enum Fault {
    /// It breaks a limit; nothing was asked.
    Misfit(Misfit),
    /// No connection was made.
    Unreached(Unreached),
    /// No answer came, or only a part of one.
    Lost(Doubt),
    /// The API refused.
    Refused {
        /// Status of the answer.
        status: u16,
        /// What the API says.
        error: ApiError,
        /// What to do.
        action: Action,
    },
    /// The answer says success, but not what was asked for.
    Unreadable,
    /// The file lies with a host that is none of WhatsApp's. Nobody went there.
    ForeignHost(String),
    /// The file is larger than allowed, in bytes.
    TooLarge {
        /// Most bytes.
        max: u64,
    },
    /// The file that came is not the one that was announced.
    Damaged,
    /// The file could not be written here.
    Local(io::Error),
}

impl Fault {
    /// Says what went wrong and what to do.
    pub fn told(&self, locale: Locale) -> String {
        let (en, pt) = match self {
            Self::Misfit(misfit) => return misfit.told(locale),
            Self::Unreached(why) => return why.told(locale).to_owned(),
            Self::Lost(doubt) => {
                let what = doubt.told(locale);
                return match locale {
                    Locale::En => format!("{what}; try again"),
                    Locale::PtBr => format!("{what}; tente de novo"),
                };
            }
            Self::Refused { status, error, action } => {
                return refusal(*status, error, action, locale);
            }
            Self::Unreadable => (
                "the answer says nothing that was asked for; check the address and the version of the API".to_owned(),
                "a resposta não traz o que foi pedido; confira o endereço e a versão da API".to_owned(),
            ),
            Self::ForeignHost(host) => (
                format!("the file lies at {host}, which is none of WhatsApp's hosts; ask for the file another way"),
                format!("o arquivo está em {host}, que não é um servidor do WhatsApp; peça o arquivo por outro meio"),
            ),
            Self::TooLarge { max } => (
                format!("the file has more than {max} bytes; ask for a smaller one or raise the limit"),
                format!("o arquivo tem mais de {max} bytes; peça um menor ou aumente o limite"),
            ),
            Self::Damaged => (
                "the file that came is not the one that was announced; fetch it again".to_owned(),
                "o arquivo recebido não é o que foi anunciado; baixe-o de novo".to_owned(),
            ),
            Self::Local(_) => (
                "the file could not be written here; check the free space and the permissions".to_owned(),
                "não foi possível gravar o arquivo aqui; confira o espaço livre e as permissões".to_owned(),
            ),
        };
        match locale {
            Locale::En => en,
            Locale::PtBr => pt,
        }
    }
}

/// Tells a refusal with the API's own words, because they name what is missing, and what follows from it.
fn refusal(status: u16, error: &ApiError, action: &Action, locale: Locale) -> String {
    let code = error.code.map_or_else(|| format!("HTTP {status}"), |code| code.to_string());
    let words = error.details.as_deref().or(error.title.as_deref()).unwrap_or_default();
    let words: String =
        words.chars().filter(|letter| !letter.is_control()).take(DETAILS_MAX).collect();
    let advice = action.advice(locale).unwrap_or(match (action, locale) {
        (Action::RetryLater { .. } | Action::Unsure, Locale::En) => "Try again in some minutes.",
        (Action::RetryLater { .. } | Action::Unsure, Locale::PtBr) => {
            "Tente de novo em alguns minutos."
        }
        (_, Locale::En) => {
            "Check the id, and that the system user of the token was given this account."
        }
        (_, Locale::PtBr) => {
            "Confira o id e se o usuário do sistema dono do token tem acesso a esta conta."
        }
    });
    let refused = match locale {
        Locale::En => "WhatsApp refused the call",
        Locale::PtBr => "o WhatsApp recusou a chamada",
    };
    if words.is_empty() {
        format!("{refused} ({code}). {advice}")
    } else {
        format!("{refused} ({code}: {words}). {advice}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(Locale::En))
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Local(error) => Some(error),
            _ => None,
        }
    }
}

impl From<NoReply> for Fault {
    fn from(none: NoReply) -> Self {
        match none {
            NoReply::Unreached(why) => Self::Unreached(why),
            NoReply::Lost(doubt) => Self::Lost(doubt),
        }
    }
}

impl From<Misfit> for Fault {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}
