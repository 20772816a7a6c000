//! Each finding and each trouble in plain words: what is so, what was wrong, and what to do.

mod english;
mod portuguese;

use super::check::Finding;
use super::folders::FoundBy;
use super::trouble::{Step, Trouble};
use crate::domain::labels::Locale;

impl Step {
    /// Names the step for people.
    pub const fn in_locale(self, locale: Locale) -> &'static str {
        let (portuguese, english) = match self {
            Self::Resolve => ("endereço do servidor", "the server's address"),
            Self::Connect => ("conexão", "the connection"),
            Self::Tls => ("TLS e certificado", "TLS and certificate"),
            Self::Greeting => ("saudação do servidor", "the server's greeting"),
            Self::Login => ("login", "the login"),
            Self::Inbox => ("caixa de entrada", "the inbox"),
            Self::Idle => ("aviso imediato (IDLE)", "immediate notice (IDLE)"),
            Self::Sent => ("pasta de enviados", "the folder of sent mail"),
            Self::Fetch => ("leitura de mensagens", "fetching mail"),
            Self::Append => ("cópia em enviados", "the copy in sent mail"),
        };
        match locale {
            Locale::PtBr => portuguese,
            Locale::En => english,
        }
    }
}

impl Trouble {
    /// Says what was wrong and what to do.
    pub fn in_locale(&self, locale: Locale) -> String {
        match locale {
            Locale::PtBr => portuguese::of_trouble(self),
            Locale::En => english::of_trouble(self),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&english::of_trouble(self))
    }
}

impl std::error::Error for Trouble {}

impl Finding {
    /// Says what was found.
    pub fn in_locale(&self, locale: Locale) -> String {
        let (portuguese, english) = match self {
            Self::Resolved { addresses } => (
                format!("encontrado, endereços: {addresses}"),
                format!("found, addresses: {addresses}"),
            ),
            Self::Connected => ("feita".to_owned(), "made".to_owned()),
            Self::Encrypted => (
                "conexão criptografada, certificado válido".to_owned(),
                "encrypted, the certificate is good".to_owned(),
            ),
            Self::InTheClear => (
                "sem criptografia, dentro desta máquina".to_owned(),
                "not encrypted, within this machine".to_owned(),
            ),
            Self::LoggedIn => ("aceito".to_owned(), "taken".to_owned()),
            Self::Inbox { name, mails } => (
                format!("\"{name}\" aberta, mensagens: {mails}"),
                format!("\"{name}\" opened, mails: {mails}"),
            ),
            Self::Idle { offered: true } => (
                "oferecido: mensagens novas chegam na hora".to_owned(),
                "offered: new mail is seen at once".to_owned(),
            ),
            Self::Idle { offered: false } => (
                "não oferecido: a caixa é consultada de tempos em tempos".to_owned(),
                "not offered: the mailbox is looked at now and then".to_owned(),
            ),
            Self::Sent { name, by } => {
                let (how, so) = match by {
                    FoundBy::Mark => ("marcada pelo servidor", "marked by the server"),
                    FoundBy::UsualName => (
                        "reconhecida pelo nome; se não for ela, informe `sent`",
                        "known by its name; if it is another, give `sent`",
                    ),
                    FoundBy::Settings => ("dada na configuração", "given in the settings"),
                };
                (format!("\"{name}\", {how}"), format!("\"{name}\", {so}"))
            }
            Self::SentOff => ("desligada".to_owned(), "switched off".to_owned()),
        };
        match locale {
            Locale::PtBr => portuguese,
            Locale::En => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::mailbox::Provider;
    use crate::channels::email::token::TokenTrouble;
    use crate::ports::PortErrorKind;

    fn all() -> Vec<Trouble> {
        let host = || "mail.loja.example".to_owned();
        let mut all = vec![
            Trouble::UnknownHost { host: host() },
            Trouble::Refused { host: host(), port: 993 },
            Trouble::Unreachable { host: host() },
            Trouble::NoTlsThere { port: 143 },
            Trouble::StartTlsNotOffered { port: 143 },
            Trouble::CertificateNotTrusted,
            Trouble::CertificateWrongName { host: host() },
            Trouble::CertificateExpired,
            Trouble::CertificateNotYetValid,
            Trouble::TlsFailed,
            Trouble::CaFile { path: "/etc/ca.pem".into() },
            Trouble::NoTrustedRoots,
            Trouble::NotImap { port: 995 },
            Trouble::LoginRefused,
            Trouble::LoginNotOffered { mechanism: "XOAUTH2" },
            Trouble::TokenRefused { status: None },
            Trouble::TokenRefused { status: Some("400".to_owned()) },
            Trouble::ImapOff,
            Trouble::NotConnected,
            Trouble::Throttled,
            Trouble::Busy,
            Trouble::NoSuchFolder { name: "Suporte".to_owned() },
            Trouble::SentNotFound,
            Trouble::NoStableIds,
            Trouble::Lost,
            Trouble::Garbled,
            Trouble::TooMuch,
            Trouble::NotStored(PortErrorKind::Permanent),
            Trouble::NotStored(PortErrorKind::Transient),
        ];
        let providers = Provider::ALL.iter().copied();
        all.extend(providers.map(|provider| Trouble::BasicLoginOff { provider }));
        for why in [
            TokenTrouble::Start,
            TokenTrouble::Exit(Some(1)),
            TokenTrouble::Exit(None),
            TokenTrouble::Slow,
            TokenTrouble::File,
            TokenTrouble::NoToken,
        ] {
            all.push(Trouble::NoToken(why));
        }
        for step in Step::ALL {
            all.extend([
                Trouble::TimedOut { step: *step },
                Trouble::CommandRefused { step: *step },
            ]);
        }
        all
    }

    #[test]
    fn every_trouble_says_what_was_wrong_and_what_to_do_in_both_languages() {
        for trouble in all() {
            let (portuguese, english) =
                (trouble.in_locale(Locale::PtBr), trouble.in_locale(Locale::En));
            for words in [&portuguese, &english] {
                assert!(words.len() > 40 && words.ends_with('.'), "{trouble:?}: {words}");
            }
            assert_ne!(portuguese, english);
        }
    }

    #[test]
    fn what_is_known_is_named() {
        let refused = Trouble::TokenRefused { status: Some("400".to_owned()) };
        assert!(refused.in_locale(Locale::En).contains("(status 400)"));
        let folder = Trouble::NoSuchFolder { name: "Suporte".to_owned() };
        assert!(folder.in_locale(Locale::PtBr).contains("\"Suporte\""));
    }
}
