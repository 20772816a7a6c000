//! The settings, section by section. `impl Default` is the only source of defaults; units are in the
//! names; what a key means for people is in `keys`, and a test holds that both name the same keys.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::channels::{MailboxSettings, WhatsappSettings};
use super::files::{FileSettings, TranscriberSettings};
use super::models::ModelSettings;
use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;
use crate::telemetry::LogSettings;

/// Everything an installation can set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The HTTP API.
    pub server: ServerSettings,
    /// Where tickets live.
    pub store: StoreSettings,
    /// Messages accepted and not yet in the store.
    pub inbox: InboxSettings,
    /// The pipeline's workers.
    pub worker: WorkerSettings,
    /// The policy of tenants that name none.
    pub policy: PolicySettings,
    /// The articles of tenants that name none.
    pub knowledge: KnowledgeSettings,
    /// The model that compares texts by meaning, for every tenant.
    pub embeddings: EmbeddingSettings,
    /// The language models, for every tenant.
    pub models: ModelSettings,
    /// What models are told for tenants that name nothing else.
    pub prompts: PromptSettings,
    /// The reply templates of tenants that name none.
    pub templates: TemplateSettings,
    /// Where replies of the tenant `main` leave to.
    pub callbacks: CallbackSettings,
    /// Where events and notifications of the tenant `main` go to.
    pub webhooks: CallbackSettings,
    /// The numbers of the tenant `main` on WhatsApp.
    pub whatsapp: WhatsappSettings,
    /// The mailbox of the tenant `main`.
    pub mailbox: MailboxSettings,
    /// One more.
    pub mailbox2: MailboxSettings,
    /// One more.
    pub mailbox3: MailboxSettings,
    /// Files that come with messages.
    pub files: FileSettings,
    /// Whoever writes voice notes down.
    pub transcriber: TranscriberSettings,
    /// The server that mail to the business's own people leaves by.
    pub mail: MailSettings,
    /// For how long people's data is kept.
    pub privacy: PrivacySettings,
    /// What the process says on stderr.
    pub log: LogSettings,
    /// Businesses besides `main`, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<TenantId, TenantSettings>,
}

/// What holds for one business, after the top-level sections filled what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TenantView<'a> {
    /// Its policy.
    pub policy: &'a PolicySettings,
    /// Its articles.
    pub knowledge: &'a KnowledgeSettings,
    /// What models are told.
    pub prompts: &'a PromptSettings,
    /// Its reply templates.
    pub templates: &'a TemplateSettings,
    /// Where its replies leave to; `None` when they are only read from the outbox.
    pub callbacks: Option<&'a CallbackSettings>,
    /// Where its events and notifications go to; `None` when nowhere.
    pub webhooks: Option<&'a CallbackSettings>,
    /// Its numbers on WhatsApp; `None` when it has none.
    pub whatsapp: Option<&'a WhatsappSettings>,
    /// Its mailboxes.
    pub mailboxes: [Option<&'a MailboxSettings>; 3],
}

impl Config {
    /// Returns every business of this installation, `main` among them, in order of name.
    pub fn tenant_ids(&self) -> Vec<TenantId> {
        let mut ids: Vec<TenantId> = self.tenants.keys().cloned().collect();
        ids.push(TenantId::main());
        ids.sort();
        ids
    }

    /// Returns what holds for a business; `None` when this installation does not know it.
    ///
    /// Callbacks are never inherited: one company's replies must not leave to another's address.
    pub fn tenant(&self, id: &TenantId) -> Option<TenantView<'_>> {
        let callbacks = |settings: &'_ CallbackSettings| settings.url.is_some();
        if *id == TenantId::main() {
            return Some(TenantView {
                policy: &self.policy,
                knowledge: &self.knowledge,
                prompts: &self.prompts,
                templates: &self.templates,
                callbacks: Some(&self.callbacks).filter(|found| callbacks(found)),
                webhooks: Some(&self.webhooks).filter(|found| callbacks(found)),
                whatsapp: Some(&self.whatsapp).filter(|found| found.numbers.is_some()),
                mailboxes: [&self.mailbox, &self.mailbox2, &self.mailbox3]
                    .map(|one| Some(one).filter(|one| one.address.is_some())),
            });
        }
        let own = self.tenants.get(id)?;
        Some(TenantView {
            policy: own.policy.as_ref().unwrap_or(&self.policy),
            knowledge: own.knowledge.as_ref().unwrap_or(&self.knowledge),
            prompts: own.prompts.as_ref().unwrap_or(&self.prompts),
            templates: own.templates.as_ref().unwrap_or(&self.templates),
            callbacks: own.callbacks.as_ref().filter(|found| callbacks(found)),
            webhooks: own.webhooks.as_ref().filter(|found| callbacks(found)),
            whatsapp: own.whatsapp.as_ref().filter(|found| found.numbers.is_some()),
            mailboxes: [&own.mailbox, &own.mailbox2, &own.mailbox3]
                .map(|one| one.as_ref().filter(|one| one.address.is_some())),
        })
    }
}

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 lets the system choose. Default `127.0.0.1:8080`.
    pub bind: SocketAddr,
    /// Largest request body, in bytes. Default 2 MiB: a message of 1 MB with its JSON around it.
    pub max_body_bytes: u64,
    /// How long one request may take, in seconds. Default 30.
    pub request_timeout_secs: u64,
    /// How long a shutdown waits for work in progress, in seconds. Default 30.
    pub shutdown_grace_secs: u64,
    /// Requests worked on at once; those beyond are refused with 503. Default 1024.
    pub max_in_flight: u32,
    /// The address at which people open the desk, without a path; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// How many proxies of one's own stand in front, each of which says who connected to it. Default 0.
    pub proxies: u8,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            max_body_bytes: 2_097_152,
            request_timeout_secs: 30,
            shutdown_grace_secs: 30,
            max_in_flight: 1024,
            public_url: None,
            proxies: 0,
        }
    }
}

/// Where tickets live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// `postgres://..` or `sqlite:..`; a secret. `None` (the default): SQLite in the data folder.
    pub url: Option<Secret>,
    /// File that holds the URL, instead of `url`. After loading, `url` holds what it says.
    pub url_file: Option<PathBuf>,
    /// Connections for reading (SQLite) or for everything (PostgreSQL). Default 4.
    pub max_connections: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { url: None, url_file: None, max_connections: 4 }
    }
}

/// Messages accepted and not yet in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InboxSettings {
    /// Messages that may wait; those beyond are refused with 503. Default 100 000.
    pub max_backlog: u32,
}

impl Default for InboxSettings {
    fn default() -> Self {
        Self { max_backlog: 100_000 }
    }
}

/// The pipeline's workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerSettings {
    /// Conversations worked on at once. Default 128.
    pub concurrency: u32,
    /// How long a job stays with its worker without renewal, in seconds. Default 60.
    pub lease_secs: u64,
    /// How often a lease is renewed, in seconds; less than half of `lease_secs`. Default 20.
    pub renew_secs: u64,
    /// Attempts before a job becomes a dead letter. Default 8.
    pub max_attempts: u32,
    /// How often an idle worker looks for due work, in milliseconds. Default 500.
    pub poll_ms: u64,
    /// How often changed policies, templates and articles are looked for, in seconds. Default 2.
    pub reload_secs: u64,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            concurrency: 128,
            lease_secs: 60,
            renew_secs: 20,
            max_attempts: 8,
            poll_ms: 500,
            reload_secs: 2,
        }
    }
}

/// Which policy decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// A pack that is part of the program. Default `saas-br`.
    pub pack: String,
    /// A policy file of one's own, instead of `pack`. Default `None`.
    pub file: Option<PathBuf>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self { pack: "saas-br".to_owned(), file: None }
    }
}

/// Where a policy is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicySource<'a> {
    /// A pack that is part of the program.
    Pack(&'a str),
    /// A file.
    File(&'a Path),
}

impl PolicySettings {
    /// Returns where to read the policy from: the file where one is named, else the pack.
    pub fn source(&self) -> PolicySource<'_> {
        match &self.file {
            Some(file) => PolicySource::File(file),
            None => PolicySource::Pack(&self.pack),
        }
    }
}

/// Where articles are read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnowledgeSettings {
    /// Folder of articles. `None` (the default): the sample articles in the program.
    pub dir: Option<PathBuf>,
}

/// The model that compares texts by meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingSettings {
    /// Folder that holds the model, or that a named one is downloaded into. `None` (the default): articles are
    /// searched by their words alone.
    pub dir: Option<PathBuf>,
    /// A model to download when it is first needed. `None` (the default): the folder holds one.
    pub model: Option<String>,
    /// The library of the ONNX Runtime. `None` (the default): where the system's loader finds it.
    pub runtime: Option<PathBuf>,
    /// Threads that one text is worked on with. Default 2.
    pub threads: u32,
}

impl Default for EmbeddingSettings {
    fn default() -> Self {
        Self { dir: None, model: None, runtime: None, threads: 2 }
    }
}

/// Where reply templates are read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateSettings {
    /// Folder whose files replace those in the program, one by one. Default `None`.
    pub dir: Option<PathBuf>,
}

/// Where prompts are read from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PromptSettings {
    /// Folder whose files replace those in the program, one by one. Default `None`.
    pub dir: Option<PathBuf>,
}

/// How replies leave on channels without a network of their own: signed HTTP requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackSettings {
    /// Address of the receiver. `None` (the default): replies are only read from the outbox.
    pub url: Option<String>,
    /// Key of the signature; a secret of at least 16 characters.
    pub secret: Option<Secret>,
    /// File that holds the key, instead of `secret`. After loading, `secret` holds what it says.
    pub secret_file: Option<PathBuf>,
    /// How long one request may take, in seconds. Default 10.
    pub timeout_secs: u64,
    /// True when the receiver honours `Idempotency-Key`: retried until acknowledged. False: each
    /// reply is sent at most once. Default true.
    pub idempotent: bool,
    /// Whether `url` may name an IP address of the internal network. Default false; this machine is
    /// always fine.
    pub allow_private: bool,
}

impl Default for CallbackSettings {
    fn default() -> Self {
        Self {
            url: None,
            secret: None,
            secret_file: None,
            timeout_secs: 10,
            idempotent: true,
            allow_private: false,
        }
    }
}

/// The server that mail to the business's own people leaves by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// Name of the server. `None` (the default): no mail leaves.
    pub host: Option<String>,
    /// Its port. Default 587.
    pub port: u16,
    /// How the connection is protected: `starttls` (the default), `tls`, or `none`, on this machine only.
    pub security: String,
    /// Name to log in with. `None` (the default): no log-in.
    pub user: Option<String>,
    /// Password to log in with; a secret.
    pub password: Option<Secret>,
    /// File that holds the password, instead of `password`. After loading, `password` holds what it says.
    pub password_file: Option<PathBuf>,
    /// The address that mails come from.
    pub from: Option<String>,
    /// How long one delivery may take, in seconds. Default 30.
    pub timeout_secs: u64,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            security: "starttls".to_owned(),
            user: None,
            password: None,
            password_file: None,
            from: None,
            timeout_secs: 30,
        }
    }
}

/// For how long people's data is kept, in days; 0 (the default) keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacySettings {
    /// Words of a ticket, after it was closed.
    pub retention_messages_days: u32,
    /// Drafts of a ticket, after it was closed.
    pub retention_drafts_days: u32,
    /// Customers, after their last ticket was closed and their record last changed.
    pub retention_customers_days: u32,
}

/// What one business sets for itself. A section it names replaces the top-level one as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Its policy; `None` takes the top-level section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySettings>,
    /// Its articles; `None` takes the top-level section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<KnowledgeSettings>,
    /// Its reply templates; `None` takes the top-level section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<TemplateSettings>,
    /// What models are told; `None` takes the top-level section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<PromptSettings>,
    /// Where its replies leave to; `None` means that they are only read from the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callbacks: Option<CallbackSettings>,
    /// Where its events and notifications go to; `None` means nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<CallbackSettings>,
    /// Its numbers on WhatsApp; `None` means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<WhatsappSettings>,
    /// A mailbox; `None` means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<MailboxSettings>,
    /// One more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox2: Option<MailboxSettings>,
    /// One more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox3: Option<MailboxSettings>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_inherits_everything_but_the_address_its_replies_leave_to() {
        let acme = TenantId::parse("acme").unwrap();
        let mut config = Config::default();
        config.callbacks.url = Some("https://main.example/".to_owned());
        config.templates.dir = Some("templates".into());
        let own = PolicySettings { file: Some("acme.yaml".into()), ..PolicySettings::default() };
        config.tenants.insert(
            acme.clone(),
            TenantSettings { policy: Some(own), ..TenantSettings::default() },
        );

        let view = config.tenant(&acme).unwrap();
        assert_eq!(view.policy.source(), PolicySource::File(Path::new("acme.yaml")));
        assert_eq!(view.templates, &config.templates);
        assert_eq!(view.callbacks, None);

        let main = config.tenant(&TenantId::main()).unwrap();
        assert_eq!(main.policy.source(), PolicySource::Pack("saas-br"));
        assert_eq!(main.callbacks, Some(&config.callbacks));
        assert_eq!(config.tenant(&TenantId::parse("nobody").unwrap()), None);
        assert_eq!(config.tenant_ids(), [acme, TenantId::main()]);
    }
}
