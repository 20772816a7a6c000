//! Relations between settings that no single key can hold.

mod mailbox;
mod models;
mod whatsapp;

use std::collections::BTreeMap;

use super::problem::{Complaint, ConfigProblem, Origin};
use super::settings::{CallbackSettings, Config, EmbeddingSettings, MailSettings, PolicySettings};
use super::value::{host_ip, is_this_machine};

struct Check<'a> {
    origins: &'a BTreeMap<String, Origin>,
    problems: &'a mut Vec<ConfigProblem>,
}

/// Adds a problem for every relation that does not hold.
pub(super) fn check(
    config: &Config,
    origins: &BTreeMap<String, Origin>,
    problems: &mut Vec<ConfigProblem>,
) {
    let mut check = Check { origins, problems };
    check.numbers(config);
    check.policy("policy", &config.policy);
    check.embeddings(&config.embeddings);
    check.callbacks("callbacks", &config.callbacks);
    check.callbacks("webhooks", &config.webhooks);
    check.mail(&config.mail);
    check.models(&config.models);
    check.transcriber(&config.transcriber);
    let mut numbers = BTreeMap::new();
    check.whatsapp("whatsapp", &config.whatsapp, &mut numbers);
    let mut addresses = BTreeMap::new();
    check.mailbox("mailbox", &config.mailbox, &mut addresses);
    check.mailbox("mailbox2", &config.mailbox2, &mut addresses);
    check.mailbox("mailbox3", &config.mailbox3, &mut addresses);
    for (name, tenant) in &config.tenants {
        if let Some(policy) = &tenant.policy {
            check.policy(&format!("tenants.{name}.policy"), policy);
        }
        if let Some(callbacks) = &tenant.callbacks {
            check.callbacks(&format!("tenants.{name}.callbacks"), callbacks);
        }
        if let Some(webhooks) = &tenant.webhooks {
            check.callbacks(&format!("tenants.{name}.webhooks"), webhooks);
        }
        if let Some(whatsapp) = &tenant.whatsapp {
            check.whatsapp(&format!("tenants.{name}.whatsapp"), whatsapp, &mut numbers);
        }
        let mailboxes = [
            ("mailbox", &tenant.mailbox),
            ("mailbox2", &tenant.mailbox2),
            ("mailbox3", &tenant.mailbox3),
        ];
        for (section, own) in mailboxes {
            if let Some(own) = own {
                check.mailbox(&format!("tenants.{name}.{section}"), own, &mut addresses);
            }
        }
    }
}

impl Check<'_> {
    fn origin(&self, path: &str) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// Returns the first of the keys that somebody set, which is the one to point at.
    fn set_among<'p>(&self, paths: &[&'p str]) -> (&'p str, Origin) {
        let first = paths.iter().find_map(|path| Some((*path, self.origin(path)?.clone())));
        let fallback = paths.first().copied().unwrap_or_default();
        first.unwrap_or((fallback, Origin::Default))
    }

    fn numbers(&mut self, config: &Config) {
        let worker = &config.worker;
        if worker.renew_secs.saturating_mul(2) >= worker.lease_secs {
            self.pair(
                ["worker.renew_secs", "worker.lease_secs"],
                &Complaint::new(
                    (
                        format!(
                            "renew_secs ({}) não é menos da metade de lease_secs ({}): um atraso já perderia a reserva",
                            worker.renew_secs, worker.lease_secs
                        ),
                        format!(
                            "renew_secs ({}) is not less than half of lease_secs ({}): one delay would lose the lease",
                            worker.renew_secs, worker.lease_secs
                        ),
                    ),
                    (
                        "diminua renew_secs ou aumente lease_secs; 20 e 60 funcionam bem",
                        "lower renew_secs or raise lease_secs; 20 and 60 work well",
                    ),
                ),
            );
        }
    }

    fn pair(&mut self, paths: [&str; 2], complaint: &Complaint) {
        let (path, origin) = self.set_among(&paths);
        self.problems.push(complaint.clone().error(path, origin));
    }

    fn policy(&mut self, section: &str, policy: &PolicySettings) {
        let (pack, file) = (format!("{section}.pack"), format!("{section}.file"));
        if policy.file.is_some()
            && let (Some(_), Some(origin)) = (self.origin(&pack), self.origin(&file))
        {
            let complaint = Complaint::new(
                ("pack e file estão definidas", "pack and file are both set"),
                (
                    "deixe só uma; um arquivo próprio parte de um pacote com `extends:` dentro dele",
                    "keep only one; a file of one's own starts from a pack with `extends:` inside it",
                ),
            );
            let problem = complaint.error(file, origin.clone());
            self.problems.push(problem);
        }
    }

    fn embeddings(&mut self, embeddings: &EmbeddingSettings) {
        let reported = self.problems.iter().any(|problem| problem.path == "embeddings.dir");
        if embeddings.dir.is_some() || reported {
            return;
        }
        let named = [("embeddings.model", embeddings.model.is_some())];
        let alone = [("embeddings.runtime", embeddings.runtime.is_some())];
        for (path, _) in named.into_iter().chain(alone).filter(|(_, set)| *set) {
            let complaint = Complaint::new(
                (
                    "falta dizer em que pasta o modelo fica, então nenhum é usado",
                    "it is not said which folder holds the model, so none is used",
                ),
                (
                    "defina embeddings.dir ou tire a seção [embeddings]",
                    "set embeddings.dir or remove the section [embeddings]",
                ),
            );
            let origin = self.origin(path).cloned().unwrap_or(Origin::Default);
            self.problems.push(complaint.error(path, origin));
        }
    }

    fn mail(&mut self, mail: &MailSettings) {
        let reported = |check: &Self, path: &str| check.problems.iter().any(|it| it.path == path);
        if mail.host.is_some() && mail.from.is_none() && !reported(self, "mail.from") {
            let complaint = Complaint::new(
                ("falta o endereço de quem envia", "the address that mails come from is missing"),
                (
                    "defina mail.from, como \"atende@suaempresa.com.br\"",
                    "set mail.from, such as \"atende@yourcompany.com\"",
                ),
            );
            let origin = self.origin("mail.host").cloned().unwrap_or(Origin::Default);
            self.problems.push(complaint.error("mail.host", origin));
        }
        if mail.user.is_some() != mail.password.is_some()
            && !["mail.password", "mail.password_file", "mail.user"]
                .iter()
                .any(|it| reported(self, it))
        {
            let complaint = Complaint::new(
                ("user e password só valem juntos", "user and password only work together"),
                (
                    "defina os dois, ou nenhum se o servidor não pede login",
                    "set both, or neither if the server asks for no log-in",
                ),
            );
            let (path, origin) =
                self.set_among(&["mail.user", "mail.password", "mail.password_file"]);
            let problem = complaint.error(path, origin);
            self.problems.push(problem);
        }
    }

    fn callbacks(&mut self, section: &str, callbacks: &CallbackSettings) {
        let path = |key: &str| format!("{section}.{key}");
        let (url_key, secret_key) = (path("url"), path("secret"));
        let secret_file_key = path("secret_file");
        let origin =
            |check: &Self, key: &str| check.origin(key).cloned().unwrap_or(Origin::Default);
        // A secret that was refused has been reported already.
        let signed = callbacks.secret.is_some()
            || callbacks.secret_file.is_some()
            || self.problems.iter().any(|it| it.path == secret_key || it.path == secret_file_key);

        let Some(url) = &callbacks.url else {
            let reported = self.problems.iter().any(|problem| problem.path == url_key);
            if callbacks.secret.is_some() && !reported {
                let complaint = Complaint::new(
                    (
                        "há uma chave de assinatura, mas nenhum endereço",
                        "there is a key to sign with but no address",
                    ),
                    (
                        format!("defina {url_key} ou tire a chave"),
                        format!("set {url_key} or remove the key"),
                    ),
                );
                let (found, _) = self.set_among(&[&secret_key, &secret_file_key]);
                let problem = complaint.warning(found, origin(self, found));
                self.problems.push(problem);
            }
            return;
        };
        if !signed {
            let complaint = Complaint::new(
                (
                    "falta a chave que assina as requisições",
                    "the key that signs the requests is missing",
                ),
                (
                    format!(
                        "defina {secret_key} ou {secret_file_key}; gere uma com: openssl rand -hex 32"
                    ),
                    format!(
                        "set {secret_key} or {secret_file_key}; make one with: openssl rand -hex 32"
                    ),
                ),
            );
            let problem = complaint.error(&url_key, origin(self, &url_key));
            self.problems.push(problem);
        }
        if !callbacks.allow_private && is_private(url) {
            let complaint = Complaint::new(
                ("o endereço é da rede interna", "the address is of the internal network"),
                (
                    format!("se for isso mesmo, defina {} = true", path("allow_private")),
                    format!("if that is what you want, set {} = true", path("allow_private")),
                ),
            );
            let problem = complaint.error(&url_key, origin(self, &url_key));
            self.problems.push(problem);
        }
    }
}

/// Whether a URL's host is written as an address that the internet does not reach, other than this
/// machine. Names pass: what they stand for may change at any time.
fn is_private(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    if is_this_machine(&url) {
        return false;
    }
    match host_ip(&url) {
        Some(std::net::IpAddr::V4(ip)) => {
            ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast()
        }
        Some(std::net::IpAddr::V6(ip)) => {
            ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
        None => false,
    }
}
