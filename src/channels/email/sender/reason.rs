//! Why a mail did not leave, in words that hold no address, no secret and nothing that a server said but its codes.

use std::fmt;
use std::time::Duration;

use super::classify::{Phase, Refusal, Status, classify};
use crate::channels::email::token::TokenTrouble;
use crate::domain::labels::Locale;

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The server said no.
    Refused(Refusal),
    /// The server's name is not known.
    Name,
    /// Nobody listens at the server's port.
    NobodyListens,
    /// No answer in time, before the final dot.
    Silence,
    /// The connection broke before the final dot.
    Broken,
    /// The server does not offer STARTTLS.
    NoStartTls,
    /// The certificate is of another name.
    OtherName,
    /// The certificate is not valid any more, or not yet.
    Expired,
    /// Nobody whom this machine trusts vouches for the certificate.
    Untrusted,
    /// TLS did not come about for another reason.
    Tls,
    /// The server offers no login that we know.
    NoLogin,
    /// There is no access token to log in with.
    NoToken(TokenTrouble),
    /// The server refused the access token, with this status where it gave one.
    TokenRefused(Option<u16>),
    /// The mail is larger than the server takes, in bytes.
    LargerThan(u64),
    /// We do not send more in this time, over all.
    OwnRate,
    /// We do not send more to this provider in this time.
    OwnDomainRate,
    /// All connections are at work.
    OwnConnections,
    /// The mail was given up after 72 hours.
    GivenUp,
    /// The connection broke after the final dot.
    BrokenAtEnd,
    /// No answer in time after the final dot.
    SilenceAtEnd,
}

/// What has to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Try again soon.
    Soon,
    /// Try again after some minutes.
    Later,
    /// Try again after some minutes, and nothing of the account before.
    Hold,
    /// A person of the business must act; nothing of the account leaves for some minutes, lest it be locked.
    HoldAndTell,
    /// A person of the business must act; it is tried again meanwhile.
    Tell,
    /// Never again.
    Fail(Fault),
    /// Nobody knows.
    Unknown,
}

/// Why a mail will never be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The address is bad: the contact can be marked.
    Address,
    /// The recipient's mailbox is full: a bounce, but no bad address.
    MailboxFull,
    /// The mail itself was refused, or this recipient for a reason that is not known: a person must look.
    Refused,
    /// The mail is too large.
    TooLarge,
    /// It was tried for 72 hours.
    GivenUp,
}

/// Why a mail did not leave. Prints in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What stood in the way.
    pub cause: Cause,
    /// The code of the server's answer.
    pub code: Option<u16>,
    /// Its enhanced status.
    pub status: Option<Status>,
}

impl Reason {
    pub(super) const fn of(cause: Cause) -> Self {
        Self { cause, code: None, status: None }
    }

    pub(super) fn answer(phase: Phase, code: u16, status: Option<Status>) -> Self {
        let cause = Cause::Refused(classify(phase, code, status));
        Self { cause, code: Some(code), status }
    }

    pub(super) const fn then(&self) -> Then {
        match self.cause {
            Cause::Name
            | Cause::NobodyListens
            | Cause::Silence
            | Cause::Broken
            | Cause::OwnRate
            | Cause::OwnDomainRate
            | Cause::OwnConnections
            | Cause::Refused(Refusal::Busy) => Then::Soon,
            // A yes out of place may be a slip; a no to a plain command comes again until somebody looks.
            Cause::Refused(Refusal::Odd) => match self.code {
                Some(500..) => Then::Tell,
                _ => Then::Soon,
            },
            Cause::Refused(Refusal::Greylisted | Refusal::FullForNow) => Then::Later,
            Cause::Refused(Refusal::TooFast) => Then::Hold,
            Cause::NoLogin
            | Cause::NoToken(_)
            | Cause::TokenRefused(_)
            | Cause::Refused(
                Refusal::Login
                | Refusal::AppPassword
                | Refusal::NoPasswords
                | Refusal::LoginWanted
                | Refusal::DailyLimit
                | Refusal::TurnedAway,
            ) => Then::HoldAndTell,
            Cause::NoStartTls
            | Cause::OtherName
            | Cause::Expired
            | Cause::Untrusted
            | Cause::Tls
            | Cause::Refused(
                Refusal::TlsWanted | Refusal::Sender | Refusal::Unproven | Refusal::Policy,
            ) => Then::Tell,
            Cause::Refused(Refusal::NoSuchAddress) => Then::Fail(Fault::Address),
            Cause::Refused(Refusal::Full) => Then::Fail(Fault::MailboxFull),
            Cause::Refused(Refusal::Recipient | Refusal::Content | Refusal::Verdict) => {
                Then::Fail(Fault::Refused)
            }
            Cause::LargerThan(_) | Cause::Refused(Refusal::TooLarge) => Then::Fail(Fault::TooLarge),
            Cause::GivenUp => Then::Fail(Fault::GivenUp),
            Cause::BrokenAtEnd | Cause::SilenceAtEnd => Then::Unknown,
        }
    }

    /// Returns the words of a locale: what was wrong and what to do.
    pub fn in_locale(&self, locale: Locale) -> String {
        let mut words = match locale {
            Locale::En => english(self.cause),
            Locale::PtBr => portuguese(self.cause),
        };
        let codes = match (self.code, self.status) {
            (Some(code), Some(status)) => format!(" ({code} {status})"),
            (Some(code), None) => format!(" ({code})"),
            _ => return words,
        };
        // The code belongs to what was wrong, which the first sentence says.
        match words.find([';', '.']) {
            Some(at) => words.insert_str(at, &codes),
            None => words.push_str(&codes),
        }
        words
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_locale(Locale::En))
    }
}

fn english(cause: Cause) -> String {
    let words = match cause {
        Cause::Refused(refusal) => refused_in_english(refusal),
        Cause::Name => {
            "the mail server's name was not found; check `smtp_host` and this machine's network"
        }
        Cause::NobodyListens => {
            "the mail server takes no connections; check `smtp_host` and `smtp_port`, and whether a firewall blocks the port"
        }
        Cause::Silence => {
            "the mail server did not answer in time; check `smtp_host`, `smtp_port` and `smtp_security`, it is tried again"
        }
        Cause::Broken => {
            "the conversation with the mail server broke off before the mail was handed over; it is tried again, check `smtp_port` and `smtp_security` if it stays so"
        }
        Cause::NoStartTls => {
            "the mail server offers no STARTTLS; set `smtp_security` to tls, usually with port 465, or ask the provider"
        }
        Cause::OtherName => {
            "the mail server's certificate is of another name; set `smtp_host` to the name that the provider gives for its mail server"
        }
        Cause::Expired => {
            "the mail server's certificate is out of date; check this machine's clock, then ask whoever runs the server to renew it"
        }
        Cause::Untrusted => {
            "nobody whom this machine trusts vouches for the mail server's certificate; install the system's certificates or set `ca_file` to the file of your own authority"
        }
        Cause::Tls => {
            "no encrypted connection with the mail server came about; check that `smtp_security` fits the port: tls with 465, starttls with 587"
        }
        Cause::NoLogin => {
            "the mail server offers no login that we know; check `smtp_port` and `smtp_security`, and whether the provider wants OAuth instead of a password"
        }
        Cause::NoToken(trouble) => return trouble.in_locale(Locale::En),
        Cause::TokenRefused(status) => {
            let status = status.map_or(String::new(), |status| format!(" with status {status}"));
            return format!(
                "the mail server refused the access token{status}; check that it is of this very mailbox, not revoked, and allows SMTP (Google: scope https://mail.google.com/, Microsoft: SMTP.Send), then consent again"
            );
        }
        Cause::LargerThan(limit) => {
            return format!(
                "the mail is larger than the {} that the mail server takes; send fewer or smaller files, or a link",
                megabytes(limit, '.')
            );
        }
        Cause::OwnRate => {
            "the account has sent as many mails as it may for now; this one waits its turn"
        }
        Cause::OwnDomainRate => {
            "as many mails as allowed went to this provider for now; this one waits its turn"
        }
        Cause::OwnConnections => {
            "all connections of the account are at work; this mail waits its turn"
        }
        Cause::GivenUp => {
            "the mail was given up after 72 hours; see why it waited, then send it again or call the customer"
        }
        Cause::BrokenAtEnd => {
            "the connection broke after the whole mail was sent and before the mail server confirmed it; it may have arrived: look into the sent folder before sending it again"
        }
        Cause::SilenceAtEnd => {
            "the mail server did not confirm the mail in time after it got the whole of it; it may have arrived: look into the sent folder before sending it again"
        }
    };
    words.to_owned()
}

fn refused_in_english(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Busy => "the mail server put the mail off; it is tried again",
        Refusal::Greylisted => {
            "the mail server wants to see the mail again in some minutes; it is tried again"
        }
        Refusal::TooFast => {
            "the mail server says that we send too much or too fast; all mail of the account waits some minutes, lower the rate if it stays so"
        }
        Refusal::DailyLimit => {
            "the account has used up its number of mails for the day; mail waits, ask the provider for a higher limit if you need one"
        }
        Refusal::FullForNow => "the customer's mailbox is full for now; it is tried again",
        Refusal::NoSuchAddress => {
            "the customer's address does not exist; ask them for another one on another channel"
        }
        Refusal::Full => "the customer's mailbox is full; answer on another channel",
        Refusal::Recipient => {
            "the mail server refused the recipient without saying why; check the address and whether the account may send to other domains"
        }
        Refusal::TooLarge => {
            "the mail is larger than the mail server takes; send fewer or smaller files, or a link"
        }
        Refusal::Content => {
            "the content of the mail was refused; look at its files and links, then answer in another way"
        }
        Refusal::Verdict => {
            "the mail server took this mail for spam, or a rule of its forbids it; answer the customer on another channel, and check SPF, DKIM and DMARC and whether the domain or the server is on a block list"
        }
        Refusal::Login => {
            "the mail server refused the login; check `user` and `password`. Google wants an app password (with 2-step verification) or OAuth; at Microsoft an administrator must allow SMTP AUTH for the mailbox, or use OAuth"
        }
        Refusal::AppPassword => {
            "the provider does not take the account's own password; make an app password (with 2-step verification) and set it as `password`, or use OAuth"
        }
        Refusal::NoPasswords => {
            "the provider takes no password for sending; use OAuth, or ask an administrator to allow SMTP AUTH for this mailbox while Microsoft still permits it"
        }
        Refusal::LoginWanted => {
            "the mail server takes mail only after a login, over TLS; set `user` and `password` or OAuth, and `smtp_security`"
        }
        Refusal::TlsWanted => {
            "the mail server wants an encrypted connection; set `smtp_security` to tls or starttls"
        }
        Refusal::Sender => {
            "the mail server does not let this account send as `address`; use the account's own address there or give the account the right to send as it"
        }
        Refusal::Unproven => {
            "the sender's domain is not proven; set SPF, DKIM and DMARC of the domain of `address` as the provider says"
        }
        Refusal::Policy => {
            "the mail server refused by its rules; check that the account may send as `address` and to other domains, and whether it or its domain is blocked"
        }
        Refusal::TurnedAway => {
            "the mail server turned us away; check `smtp_host` and `smtp_port` (submission is 465 or 587, not 25), and whether this machine's address is on a block list"
        }
        Refusal::Odd => {
            "the mail server gave an answer that does not fit; check `smtp_host` and `smtp_port`, it is tried again"
        }
    }
}

fn portuguese(cause: Cause) -> String {
    let words = match cause {
        Cause::Refused(refusal) => refused_in_portuguese(refusal),
        Cause::Name => {
            "O nome do servidor de e-mail não foi encontrado; confira `smtp_host` e a rede desta máquina."
        }
        Cause::NobodyListens => {
            "O servidor de e-mail não aceita conexões; confira `smtp_host` e `smtp_port` e veja se algum firewall bloqueia a porta."
        }
        Cause::Silence => {
            "O servidor de e-mail não respondeu a tempo; confira `smtp_host`, `smtp_port` e `smtp_security`. Haverá nova tentativa."
        }
        Cause::Broken => {
            "A conversa com o servidor de e-mail caiu antes da entrega da mensagem; haverá nova tentativa. Se continuar, confira `smtp_port` e `smtp_security`."
        }
        Cause::NoStartTls => {
            "O servidor de e-mail não oferece STARTTLS; use `smtp_security` = tls, em geral com a porta 465, ou pergunte ao provedor."
        }
        Cause::OtherName => {
            "O certificado do servidor de e-mail é de outro nome; coloque em `smtp_host` o nome que o provedor informa para o servidor de saída."
        }
        Cause::Expired => {
            "O certificado do servidor de e-mail está fora da validade; confira o relógio desta máquina e peça a quem cuida do servidor que o renove."
        }
        Cause::Untrusted => {
            "Ninguém em quem esta máquina confia responde pelo certificado do servidor de e-mail; instale os certificados do sistema ou indique em `ca_file` o arquivo da sua autoridade certificadora."
        }
        Cause::Tls => {
            "Não foi possível criptografar a conexão com o servidor de e-mail; veja se `smtp_security` combina com a porta: tls com 465, starttls com 587."
        }
        Cause::NoLogin => {
            "O servidor de e-mail não oferece nenhum login que conhecemos; confira `smtp_port` e `smtp_security` e veja se o provedor exige OAuth em vez de senha."
        }
        Cause::NoToken(trouble) => return trouble.in_locale(Locale::PtBr),
        Cause::TokenRefused(status) => {
            let status = status.map_or(String::new(), |status| format!(" com o status {status}"));
            return format!(
                "O servidor de e-mail recusou o token de acesso{status}; veja se ele é desta mesma caixa postal, não foi revogado e permite SMTP (Google: escopo https://mail.google.com/, Microsoft: SMTP.Send), e autorize de novo."
            );
        }
        Cause::LargerThan(limit) => {
            return format!(
                "A mensagem passa dos {} que o servidor de e-mail aceita; mande menos arquivos, arquivos menores ou um link.",
                megabytes(limit, ',')
            );
        }
        Cause::OwnRate => {
            "A conta já enviou quantas mensagens podia por enquanto; esta espera a sua vez."
        }
        Cause::OwnDomainRate => {
            "Já foram para este provedor quantas mensagens podiam ir por enquanto; esta espera a sua vez."
        }
        Cause::OwnConnections => {
            "Todas as conexões da conta estão ocupadas; esta mensagem espera a sua vez."
        }
        Cause::GivenUp => {
            "Desistimos da mensagem depois de 72 horas; veja por que ela esperou e envie de novo ou ligue para o cliente."
        }
        Cause::BrokenAtEnd => {
            "A conexão caiu depois que a mensagem inteira foi enviada e antes de o servidor de e-mail confirmar; ela pode ter chegado: olhe a pasta de enviados antes de enviar de novo."
        }
        Cause::SilenceAtEnd => {
            "O servidor de e-mail recebeu a mensagem inteira e não confirmou a tempo; ela pode ter chegado: olhe a pasta de enviados antes de enviar de novo."
        }
    };
    words.to_owned()
}

fn refused_in_portuguese(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Busy => "O servidor de e-mail adiou a mensagem; haverá nova tentativa.",
        Refusal::Greylisted => {
            "O servidor de e-mail quer ver a mensagem de novo em alguns minutos; haverá nova tentativa."
        }
        Refusal::TooFast => {
            "O servidor de e-mail diz que enviamos demais ou rápido demais; tudo desta conta espera alguns minutos. Se continuar, diminua o ritmo de envio."
        }
        Refusal::DailyLimit => {
            "A conta atingiu o limite diário de mensagens; o envio espera. Se precisar de um limite maior, fale com o provedor."
        }
        Refusal::FullForNow => {
            "A caixa postal do cliente está cheia no momento; haverá nova tentativa."
        }
        Refusal::NoSuchAddress => {
            "O endereço do cliente não existe; peça outro a ele por outro canal."
        }
        Refusal::Full => "A caixa postal do cliente está cheia; responda por outro canal.",
        Refusal::Recipient => {
            "O servidor de e-mail recusou o destinatário sem dizer por quê; confira o endereço e se a conta pode enviar para outros domínios."
        }
        Refusal::TooLarge => {
            "A mensagem é maior do que o servidor de e-mail aceita; mande menos arquivos, arquivos menores ou um link."
        }
        Refusal::Content => {
            "O conteúdo da mensagem foi recusado; veja os arquivos e links dela e responda de outra forma."
        }
        Refusal::Verdict => {
            "O servidor de e-mail tomou esta mensagem por spam, ou uma regra dele a proíbe; responda ao cliente por outro canal e confira SPF, DKIM e DMARC, e se o domínio ou o servidor estão em alguma lista de bloqueio."
        }
        Refusal::Login => {
            "O servidor de e-mail recusou o login; confira `user` e `password`. O Google exige uma senha de app (com a verificação em duas etapas) ou OAuth; na Microsoft, um administrador precisa liberar o SMTP AUTH para a caixa postal, ou use OAuth."
        }
        Refusal::AppPassword => {
            "O provedor não aceita a senha normal da conta; crie uma senha de app (com a verificação em duas etapas) e coloque-a em `password`, ou use OAuth."
        }
        Refusal::NoPasswords => {
            "O provedor não aceita senha para envio; use OAuth ou peça a um administrador que libere o SMTP AUTH para esta caixa postal enquanto a Microsoft ainda permitir."
        }
        Refusal::LoginWanted => {
            "O servidor de e-mail só aceita mensagens depois do login, com TLS; preencha `user` e `password` ou OAuth, e `smtp_security`."
        }
        Refusal::TlsWanted => {
            "O servidor de e-mail exige conexão criptografada; use `smtp_security` = tls ou starttls."
        }
        Refusal::Sender => {
            "O servidor de e-mail não deixa esta conta enviar como `address`; use ali o endereço da própria conta ou dê a ela permissão para enviar como ele."
        }
        Refusal::Unproven => {
            "O domínio do remetente não está comprovado; configure SPF, DKIM e DMARC do domínio de `address` como o provedor orienta."
        }
        Refusal::Policy => {
            "O servidor de e-mail recusou pelas regras dele; veja se a conta pode enviar como `address` e para outros domínios, e se ela ou o domínio estão bloqueados."
        }
        Refusal::TurnedAway => {
            "O servidor de e-mail não quis nos atender; confira `smtp_host` e `smtp_port` (o envio usa 465 ou 587, não 25) e veja se o endereço desta máquina está em alguma lista de bloqueio."
        }
        Refusal::Odd => {
            "O servidor de e-mail deu uma resposta que não faz sentido; confira `smtp_host` e `smtp_port`. Haverá nova tentativa."
        }
    }
}

/// A size as people say it, in megabytes with one digit behind the point.
pub(super) fn megabytes(bytes: u64, point: char) -> String {
    let tenths = bytes / 100_000;
    format!("{}{point}{} MB", tenths / 10, tenths % 10)
}

/// First and longest pause before another attempt.
pub(super) const fn pauses(cause: Cause) -> (Duration, Duration) {
    match cause {
        // A day's limit ends hours later, and each attempt before it may prolong it.
        Cause::Refused(Refusal::DailyLimit) => (Duration::from_hours(1), Duration::from_hours(4)),
        cause => match Reason::of(cause).then() {
            Then::Soon | Then::Fail(_) | Then::Unknown => {
                (Duration::from_secs(2), Duration::from_mins(10))
            }
            // Greylisting lets a mail in after one to fifteen minutes (RFC 6647 §5).
            Then::Later | Then::Hold => (Duration::from_mins(1), Duration::from_mins(30)),
            Then::HoldAndTell | Then::Tell => (Duration::from_mins(2), Duration::from_mins(30)),
        },
    }
}
