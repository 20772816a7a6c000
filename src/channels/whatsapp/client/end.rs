//! What became of an attempt to send.

use crate::channels::whatsapp::answer::Receipt;
use crate::channels::whatsapp::errors::{Action, ApiError};
use crate::domain::labels::Locale;

use super::Misfit;

/// What became of an attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// WhatsApp took it and named its id. Whether it arrives is told later, by webhook.
    Accepted(Receipt),
    /// It surely did not leave.
    Refused {
        /// What the API says.
        error: ApiError,
        /// What to do. A pause is the one that the answer asks for, where it asks for one.
        action: Action,
    },
    /// It may have left. Never send it again blindly: its states, which carry our own id, tell.
    Unknown(Doubt),
    /// Not a byte of it left.
    NotSent(NotSent),
}

/// Why not a byte left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The message breaks a limit and will break it every time.
    Misfit(Misfit),
    /// The connection was never made: one more attempt is safe.
    Unreached(Unreached),
}

/// Why a connection was never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// The name of the server leads nowhere.
    Name,
    /// It took too long.
    Late,
    /// It was refused, or its encryption failed.
    Connection,
    /// The call could not even be written.
    Call,
}

/// Why nobody knows what became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The answer did not come in time.
    Late,
    /// The connection broke before the answer.
    Broken,
    /// The answer says success and breaks off, or goes on beyond all measure.
    CutOff,
    /// The answer says success, but not what was taken.
    NoId,
    /// The server failed, perhaps after it took the call.
    Server {
        /// The status of the answer.
        status: u16,
        /// The code of its error, where it has one.
        code: Option<i64>,
    },
}

impl Unreached {
    /// Says what happened and what to do.
    pub const fn told(self, locale: Locale) -> &'static str {
        let (en, pt) = match self {
            Self::Name => (
                "the name of the server could not be resolved; check the network and its DNS",
                "não foi possível resolver o nome do servidor; confira a rede e o DNS",
            ),
            Self::Late => (
                "no connection was made in time; check the network and the firewall",
                "a conexão não foi feita a tempo; confira a rede e o firewall",
            ),
            Self::Connection => (
                "the connection was refused or could not be encrypted; check the address, the proxy and the certificates",
                "a conexão foi recusada ou não pôde ser criptografada; confira o endereço, o proxy e os certificados",
            ),
            Self::Call => (
                "the call could not be written; check the address of the API",
                "não foi possível montar a chamada; confira o endereço da API",
            ),
        };
        match locale {
            Locale::En => en,
            Locale::PtBr => pt,
        }
    }
}

impl Doubt {
    /// Says what happened.
    pub fn told(self, locale: Locale) -> String {
        let (en, pt) = match self {
            Self::Late => ("the server did not answer in time", "o servidor não respondeu a tempo"),
            Self::Broken => {
                ("the connection broke before the answer", "a conexão caiu antes da resposta")
            }
            Self::CutOff => ("the answer was cut off", "a resposta veio cortada"),
            Self::NoId => (
                "the server answered with success but named no id",
                "o servidor respondeu com sucesso, mas sem informar o id",
            ),
            Self::Server { status, .. } => {
                return match locale {
                    Locale::En => format!("the server answered with error {status}"),
                    Locale::PtBr => format!("o servidor respondeu com o erro {status}"),
                };
            }
        };
        match locale {
            Locale::En => en.to_owned(),
            Locale::PtBr => pt.to_owned(),
        }
    }
}
