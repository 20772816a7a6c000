//! `atende models`: whether the configured language models work, and what they did.

mod check;
mod stats;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::{CliCx, ExitCode};
use crate::config::RungSettings;
use crate::domain::labels::Locale;
use crate::ports::chat::ChatErrorKind;

/// Test the language models and show what they did
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(check::CheckArgs),
    Stats(stats::StatsArgs),
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => check::run(cx, args),
        Command::Stats(args) => stats::run(cx, args),
    }
}

/// Whether the settings say what a question costs; a price of 0 is one too.
fn is_priced(rung: &RungSettings) -> bool {
    rung.missing_prices().is_empty()
}

/// Shows millionths of a dollar as dollars.
pub(super) fn usd(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Returns why there was no answer, for people; what is not known stays as it is written.
pub(super) fn in_words(outcome: &str, lang: Locale) -> &str {
    let Some(kind) = ChatErrorKind::parse(outcome) else { return outcome };
    let (pt, en) = match kind {
        ChatErrorKind::Quota => ("conta sem saldo", "account without money"),
        ChatErrorKind::RateLimited => {
            ("perguntas demais por minuto", "too many questions a minute")
        }
        ChatErrorKind::Overloaded => {
            ("servidor sobrecarregado ou com erro", "server overloaded or failing")
        }
        ChatErrorKind::TooLong => ("pergunta longa demais", "question too long"),
        ChatErrorKind::Filtered => {
            ("barrada pelo filtro do provedor", "stopped by the provider's filter")
        }
        ChatErrorKind::Refused => ("recusada pelo modelo", "refused by the model"),
        ChatErrorKind::CutOff => ("resposta cortada", "answer cut off"),
        ChatErrorKind::Empty => ("resposta vazia", "empty answer"),
        ChatErrorKind::BadShape => ("resposta fora do formato", "answer out of shape"),
        ChatErrorKind::BadReply => ("não é um servidor de modelos", "no server of models"),
        ChatErrorKind::Key => ("chave recusada", "key refused"),
        ChatErrorKind::Forbidden => ("acesso negado", "access denied"),
        ChatErrorKind::Rejected => ("pedido não aceito", "request not taken"),
        ChatErrorKind::Connection => ("sem conexão", "no connection"),
        ChatErrorKind::Broken => ("conexão interrompida", "connection broken off"),
        ChatErrorKind::Tls => ("sem conexão segura", "no secure connection"),
        ChatErrorKind::TimedOut => ("tempo esgotado", "out of time"),
        ChatErrorKind::Resting => {
            ("o modelo descansava de falhas", "the model rested after failures")
        }
        ChatErrorKind::NoRoom => ("os limites não deixaram vez", "the limits left no room"),
        ChatErrorKind::NoMoney => {
            ("o resto do orçamento não cobria", "the rest of the budget did not cover it")
        }
        ChatErrorKind::NotRecorded => ("sem gravação", "not recorded"),
        ChatErrorKind::BadRecording => ("gravação danificada", "recording damaged"),
    };
    if lang == Locale::PtBr { pt } else { en }
}
