//! What holds between the settings of a mailbox.

use std::collections::BTreeMap;

use super::{Check, Origin};
use crate::config::MailboxSettings;
use crate::config::problem::Complaint;

impl Check<'_> {
    /// Looks at a mailbox. `taken` holds where each address was named before.
    pub(super) fn mailbox<'c>(
        &mut self,
        section: &str,
        settings: &'c MailboxSettings,
        taken: &mut BTreeMap<&'c str, String>,
    ) {
        let path = |key: &str| format!("{section}.{key}");
        let Some(address) = settings.address.as_deref() else { return };
        let wrong = |check: &mut Self, key: &str, complaint: Complaint| {
            let path = path(key);
            let at = check.origin(&path).cloned().unwrap_or(Origin::Default);
            check.problems.push(complaint.error(&path, at));
        };
        let is_address = address.is_ascii()
            && !address.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
            && address.rsplit_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && !local.contains('+') && domain.contains('.')
            });
        if !is_address {
            let complaint = Complaint::new(
                (
                    format!("{address:?} não é um endereço de caixa"),
                    format!("{address:?} is no mailbox's address"),
                ),
                (
                    "escreva só o endereço, sem +etiqueta: suporte@exemplo.com.br",
                    "write the address alone, without a +tag: support@example.com",
                ),
            );
            wrong(self, "address", complaint);
        }
        if let Some(other) = taken.insert(address, path("address")) {
            let complaint = Complaint::new(
                (
                    format!("a caixa {address} já está em {other}"),
                    format!("the mailbox {address} is in {other} already"),
                ),
                ("cada caixa pertence a uma empresa só", "a mailbox belongs to one business"),
            );
            wrong(self, "address", complaint);
        }
        if settings.imap_host.is_none() && settings.smtp_host.is_none() {
            let complaint = Complaint::new(
                ("falta por onde o e-mail chega e sai", "how mail comes and leaves is missing"),
                (
                    "defina imap_host e smtp_host, ou só um dos dois",
                    "set imap_host and smtp_host, or one of them",
                ),
            );
            wrong(self, "address", complaint);
        }
        let secret = path("password");
        let file = path("password_file");
        let reported = self.problems.iter().any(|one| one.path == secret || one.path == file);
        let has_password =
            settings.password.is_some() || settings.password_file.is_some() || reported;
        let tokens = [settings.token_command.is_some(), settings.token_file.is_some()];
        let ways = usize::from(has_password) + tokens.into_iter().filter(|set| *set).count();
        if ways != 1 {
            let complaint = Complaint::new(
                if ways == 0 {
                    ("falta como entrar na caixa", "how to log in is missing")
                } else {
                    (
                        "há mais de uma maneira de entrar na caixa",
                        "there is more than one way to log in",
                    )
                },
                (
                    "defina só uma: password_file, token_command ou token_file",
                    "set one of them: password_file, token_command or token_file",
                ),
            );
            wrong(self, "address", complaint);
        }
        self.open_way(section, settings);
    }

    /// Words in the clear stay on this machine.
    fn open_way(&mut self, section: &str, settings: &MailboxSettings) {
        for (key, host, security) in [
            ("imap_security", &settings.imap_host, &settings.imap_security),
            ("smtp_security", &settings.smtp_host, &settings.smtp_security),
        ] {
            let here =
                |host: &String| host == "localhost" || host.starts_with("127.") || host == "::1";
            if security == "none" && host.as_ref().is_some_and(|host| !here(host)) {
                let complaint = Complaint::new(
                    (
                        "a senha e os e-mails passariam abertos pela rede",
                        "password and mails would travel in the clear",
                    ),
                    (
                        "use tls ou starttls; none é só para um servidor nesta máquina",
                        "use tls or starttls; none is for a server on this machine alone",
                    ),
                );
                let path = format!("{section}.{key}");
                let at = self.origin(&path).cloned().unwrap_or(Origin::Default);
                self.problems.push(complaint.error(&path, at));
            }
        }
    }
}
