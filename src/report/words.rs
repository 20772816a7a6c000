//! Fixed words of tickets and deadlines in both languages. A word that is none of ours is shown as it came.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use super::handover::{Attempt, AttemptKind, AttemptResult};
use crate::domain::attachment::{AttachmentKind, AttachmentState};
use crate::domain::channel::Channel;
use crate::domain::customer::Money;
use crate::domain::labels::{Language, Locale, Sentiment, Urgency};
use crate::domain::message::Author;
use crate::domain::signal::Signal;
use crate::domain::ticket::TicketStatus;
use crate::policy::clocks::{ClockKind, Pause, SlaState};

/// Currencies without cents (ISO 4217 list one, minor unit 0).
const WITHOUT_CENTS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
/// Currencies with three decimals (ISO 4217 list one, minor unit 3).
const WITH_MILLS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Chooses between the two languages.
pub(super) const fn of(locale: Locale, pt: &'static str, en: &'static str) -> &'static str {
    match locale {
        Locale::PtBr => pt,
        Locale::En => en,
    }
}

/// Names a channel.
pub fn channel(word: &str, locale: Locale) -> &str {
    let Some(channel) = Channel::parse(word) else { return word };
    let (pt, en) = match channel {
        Channel::Whatsapp => ("WhatsApp", "WhatsApp"),
        Channel::Email => ("e-mail", "e-mail"),
        Channel::WebForm => ("formulário do site", "web form"),
        Channel::Chat => ("chat", "chat"),
        Channel::Phone => ("telefone", "phone"),
        Channel::Api => ("API", "API"),
    };
    of(locale, pt, en)
}

/// Names a stage of a ticket.
pub fn status(word: &str, locale: Locale) -> &str {
    let Some(status) = TicketStatus::parse(word) else { return word };
    let (pt, en) = match status {
        TicketStatus::New => ("novo", "new"),
        TicketStatus::Open => ("em atendimento", "open"),
        TicketStatus::Pending => ("aguardando o cliente", "waiting for the customer"),
        TicketStatus::Escalated => ("escalado", "handed to people"),
        TicketStatus::Solved => ("resolvido", "solved"),
        TicketStatus::Closed => ("encerrado", "closed"),
    };
    of(locale, pt, en)
}

/// Names an urgency.
pub const fn priority(priority: Urgency, locale: Locale) -> &'static str {
    let (pt, en) = match priority {
        Urgency::Low => ("baixa", "low"),
        Urgency::Normal => ("normal", "normal"),
        Urgency::High => ("alta", "high"),
        Urgency::Critical => ("crítica", "critical"),
    };
    of(locale, pt, en)
}

/// Names a language.
pub const fn language(language: Language, locale: Locale) -> &'static str {
    let (pt, en) = match language {
        Language::PtBr => ("português", "Portuguese"),
        Language::En => ("inglês", "English"),
        Language::Es => ("espanhol", "Spanish"),
        Language::Und => ("não identificado", "not identified"),
    };
    of(locale, pt, en)
}

/// Names a sentiment.
pub const fn sentiment(sentiment: Sentiment, locale: Locale) -> &'static str {
    let (pt, en) = match sentiment {
        Sentiment::Positive => ("satisfeito", "pleased"),
        Sentiment::Neutral => ("neutro", "neutral"),
        Sentiment::Negative => ("insatisfeito", "unhappy"),
        Sentiment::Angry => ("furioso", "furious"),
    };
    of(locale, pt, en)
}

/// Names who wrote a message.
pub const fn author(author: Author, locale: Locale) -> &'static str {
    let (pt, en) = match author {
        Author::Customer => ("cliente", "customer"),
        Author::Ai => ("assistente", "assistant"),
        Author::Agent => ("atendente", "agent"),
        Author::System => ("aviso automático", "automatic notice"),
    };
    of(locale, pt, en)
}

pub(super) fn file_kind(word: &str, locale: Locale) -> &str {
    let Some(kind) = AttachmentKind::parse(word) else { return word };
    let (pt, en) = match kind {
        AttachmentKind::Image => ("imagem", "picture"),
        AttachmentKind::Voice => ("mensagem de voz", "voice note"),
        AttachmentKind::Audio => ("áudio", "audio"),
        AttachmentKind::Video => ("vídeo", "video"),
        AttachmentKind::Document => ("documento", "document"),
        AttachmentKind::Sticker => ("figurinha", "sticker"),
        AttachmentKind::File => ("arquivo", "file"),
        AttachmentKind::MailHtml => ("e-mail completo", "whole mail"),
    };
    of(locale, pt, en)
}

/// Says where a file is that is not here; nothing of one that is.
pub(super) fn file_state(word: &str, locale: Locale) -> Option<&'static str> {
    let (pt, en) = match AttachmentState::parse(word)? {
        AttachmentState::Kept => return None,
        AttachmentState::Waiting => ("ainda não chegou", "not here yet"),
        AttachmentState::Refused => ("não aceito", "not taken"),
        AttachmentState::Lost => ("perdido", "lost"),
        AttachmentState::Erased => ("apagado", "erased"),
    };
    Some(of(locale, pt, en))
}

/// Writes a size: `820 bytes`, `24 KB`, `1,2 MB`.
pub(super) fn bytes(size: i64, locale: Locale) -> String {
    match size {
        ..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} KB", (size + 500) / 1_000),
        _ => {
            let tenths = (size + 50_000) / 100_000;
            let point = of(locale, ",", ".");
            format!("{}{point}{} MB", tenths / 10, tenths % 10)
        }
    }
}

/// What was tried and what came of it.
pub(super) const fn attempt(attempt: &Attempt, locale: Locale) -> &'static str {
    let (pt, en) = match (attempt.result, attempt.what) {
        (AttemptResult::Sent, AttemptKind::Safety) => {
            ("texto de segurança enviado", "safety text sent")
        }
        (AttemptResult::Sent, _) => ("resposta enviada", "reply sent"),
        (AttemptResult::Edited, _) => {
            ("resposta enviada com alterações", "reply sent after changes")
        }
        (AttemptResult::Leaving, _) => ("resposta a caminho", "reply on its way"),
        (AttemptResult::Approved, _) => ("resposta aprovada", "reply approved"),
        (AttemptResult::Waiting, _) => ("rascunho à espera de revisão", "draft waiting for review"),
        (AttemptResult::Rejected, _) => ("rascunho rejeitado", "draft rejected"),
        (AttemptResult::Failed, _) => ("resposta não entregue", "reply not delivered"),
        (AttemptResult::Unknown, _) => {
            ("resposta enviada, entrega incerta", "reply sent, delivery uncertain")
        }
        (AttemptResult::Retired, AttemptKind::Draft) => {
            ("rascunho não usado: a conversa seguiu", "draft not used: the conversation moved on")
        }
        (AttemptResult::Retired, _) => {
            ("resposta retirada antes de sair", "reply withdrawn before it left")
        }
    };
    of(locale, pt, en)
}

/// Says what a deadline stands still for.
pub const fn pause(pause: Pause, locale: Locale) -> &'static str {
    match pause {
        Pause::Customer => {
            of(locale, "pausado: aguardando o cliente", "paused: waiting for the customer")
        }
        Pause::Incident => {
            of(locale, "pausado: há um incidente declarado", "paused: an incident is declared")
        }
    }
}

/// Names a deadline.
pub const fn clock(kind: ClockKind, locale: Locale) -> &'static str {
    let (pt, en) = match kind {
        ClockKind::Acknowledge => ("aviso de recebimento", "acknowledgement"),
        ClockKind::FirstResponse => ("primeira resposta", "first response"),
        ClockKind::NextResponse => ("próxima resposta", "next response"),
        ClockKind::HandOver => ("início por uma pessoa", "pick-up by a person"),
        ClockKind::Resolution => ("solução", "resolution"),
        ClockKind::Window => ("janela do canal", "channel window"),
        ClockKind::Legal => ("prazo legal", "legal deadline"),
    };
    of(locale, pt, en)
}

/// Says how a deadline stands.
pub const fn state(state: SlaState, locale: Locale) -> &'static str {
    let (pt, en) = match state {
        SlaState::OnTrack => ("em dia", "on track"),
        SlaState::AtRisk => ("em risco", "at risk"),
        SlaState::Breached => ("atrasado", "breached"),
    };
    of(locale, pt, en)
}

/// Says what a signal means.
pub const fn signal(signal: Signal, locale: Locale) -> &'static str {
    let (pt, en) = match signal {
        Signal::RequestHuman => ("pede uma pessoa", "asks for a person"),
        Signal::RequestManager => ("pede um gerente", "asks for a manager"),
        Signal::LegalThreat => ("fala em processo ou advogado", "speaks of a lawsuit or a lawyer"),
        Signal::ConsumerAgency => {
            ("cita órgão de defesa do consumidor", "names a consumer-protection body")
        }
        Signal::DataProtection => ("invoca a proteção de dados", "invokes data protection"),
        Signal::Churn => ("quer sair ou cancelar", "wants to leave or cancel"),
        Signal::Security => ("segurança da conta ou dos dados", "security of account or data"),
        Signal::DataLoss => ("perda de dados", "data loss"),
        Signal::Refund => ("quer o dinheiro de volta", "wants money back"),
        Signal::BillingDispute => ("contesta uma cobrança", "disputes a charge"),
        Signal::Fraud => ("alega fraude", "claims fraud"),
        Signal::SelfHarm => ("risco de autolesão", "risk of self-harm"),
        Signal::ChildSafety => ("segurança de criança", "child safety"),
        Signal::Violence => ("violência ou emergência", "violence or an emergency"),
        Signal::Injection => ("tenta dar ordens à assistente", "tries to instruct the assistant"),
        Signal::Spam => ("spam", "spam"),
        Signal::ThankYou => ("só agradece", "only says thanks"),
        Signal::AutoReply => ("resposta automática", "automatic reply"),
        Signal::OptOut => ("não quer mais mensagens", "wants no more messages"),
        Signal::Abuse => ("insultos", "insults"),
        Signal::PublicPost => ("publicou ou ameaça publicar", "posted in public, or says so"),
        Signal::RightsHolder => ("reivindica direitos autorais", "claims rights over content"),
        Signal::Outage => ("muitos afetados", "many are affected"),
        Signal::Repeated => ("resposta anterior não ajudou", "an earlier answer did not help"),
        Signal::Greeting => ("só cumprimenta", "only a greeting so far"),
    };
    of(locale, pt, en)
}

/// Writes an amount as people of the locale write it.
pub fn money(money: &Money, locale: Locale) -> String {
    let code = money.currency.as_str();
    let places = if WITHOUT_CENTS.contains(&code) {
        0
    } else if WITH_MILLS.contains(&code) {
        3
    } else {
        2
    };
    let sign = match (code, locale) {
        ("BRL", _) => "R$ ",
        ("USD", Locale::PtBr) => "US$ ",
        ("USD", Locale::En) => "$",
        ("EUR", Locale::PtBr) => "€ ",
        ("EUR", Locale::En) => "€",
        ("GBP", Locale::PtBr) => "£ ",
        ("GBP", Locale::En) => "£",
        _ => "",
    };
    let (group, point) = match locale {
        Locale::PtBr => ('.', ','),
        Locale::En => (',', '.'),
    };
    let unit = 10_u64.pow(places);
    let (whole, rest) = (money.minor.unsigned_abs() / unit, money.minor.unsigned_abs() % unit);
    let digits = whole.to_string();
    let mut amount = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            amount.push(group);
        }
        amount.push(digit);
    }
    let fraction = match places {
        0 => String::new(),
        3 => format!("{point}{rest:03}"),
        _ => format!("{point}{rest:02}"),
    };
    let minus = if money.minor < 0 { "-" } else { "" };
    match sign {
        "" => format!("{minus}{code} {amount}{fraction}"),
        sign => format!("{minus}{sign}{amount}{fraction}"),
    }
}

/// Writes a date as people of the locale write it.
pub fn date(date: NaiveDate, locale: Locale) -> String {
    date.format(of(locale, "%d/%m/%Y", "%-d %B %Y")).to_string()
}

/// A moment where the reader is, without the zone, which the text names once.
pub fn moment(at: DateTime<Utc>, zone: Tz, locale: Locale) -> String {
    let pattern = of(locale, "%d/%m/%Y %H:%M", "%-d %B %Y, %H:%M");
    at.with_timezone(&zone).format(pattern).to_string()
}

/// How far away a moment is: "in 2 h 05 min", "35 min ago".
pub fn distance(from_now: Duration, locale: Locale) -> String {
    let minutes = from_now.num_minutes().abs();
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let length = match (days, hours) {
        (0, 0) => format!("{rest} min"),
        (0, _) => format!("{hours} h {rest:02} min"),
        _ => format!("{days} d {hours} h"),
    };
    match (from_now < Duration::zero(), locale) {
        (false, Locale::PtBr) => format!("em {length}"),
        (false, Locale::En) => format!("in {length}"),
        (true, Locale::PtBr) => format!("há {length}"),
        (true, Locale::En) => format!("{length} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_of_the_locale_write_it() {
        for (minor, code, pt, en) in [
            (1_200_000, "BRL", "R$ 12.000,00", "R$ 12,000.00"),
            (-9_905, "BRL", "-R$ 99,05", "-R$ 99.05"),
            (99_900, "USD", "US$ 999,00", "$999.00"),
            (1_500, "JPY", "JPY 1.500", "JPY 1,500"),
            (1_234_567, "KWD", "KWD 1.234,567", "KWD 1,234.567"),
        ] {
            let amount = Money { minor, currency: code.to_owned() };
            assert_eq!(money(&amount, Locale::PtBr), pt);
            assert_eq!(money(&amount, Locale::En), en);
        }
    }
}
