//! The settings of networks that we are a client of.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channels::whatsapp::client::ClientSettings;
use crate::domain::secret::Secret;

/// A mailbox that customers write to. Nothing of it is inherited: a mailbox belongs to one business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxSettings {
    /// Its address. `None` (the default): the section is not used.
    pub address: Option<String>,
    /// The name that customers see beside it. `None` (the default): the brand of the policy.
    pub name: Option<String>,
    /// Who logs in. `None` (the default): the address.
    pub user: Option<String>,
    /// The password, often one that the provider makes for programs.
    pub password: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A program that prints an access token (XOAUTH2), with its arguments, in the place of a password.
    pub token_command: Option<String>,
    /// A file that another program keeps a fresh token in.
    pub token_file: Option<PathBuf>,
    /// The IMAP server. `None` (the default): mail is only sent.
    pub imap_host: Option<String>,
    /// Its port. Default 993.
    pub imap_port: u16,
    /// tls (default), starttls, or none for a server on this machine.
    pub imap_security: String,
    /// The folder where mail arrives. Default INBOX.
    pub folder: String,
    /// The folder of sent mail: auto (default), off, or its name.
    pub sent_folder: String,
    /// Replies are put into the folder of sent mail; off where the provider does so itself, as Gmail and Microsoft do.
    /// Default true.
    pub save_sent: bool,
    /// The SMTP server. `None` (the default): replies leave by callbacks or are read from the outbox.
    pub smtp_host: Option<String>,
    /// Its port. Default 587.
    pub smtp_port: u16,
    /// tls, starttls (default), or none for a server on this machine.
    pub smtp_security: String,
    /// Mails that leave in a minute, at most. Default 30.
    pub per_minute: u32,
    /// Mails that nobody looked at which one address gets in an hour, at most, over all conversations. Default 10.
    pub auto_per_hour: u32,
    /// The same in a day. Default 30.
    pub auto_per_day: u32,
    /// A PEM file of authorities that are trusted beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// The name of the receiving server in `Authentication-Results`, whose word about senders counts.
    pub trusted_server: Option<String>,
    /// Largest mail that is fetched whole, in MB. Default 40.
    pub max_mb: u32,
}

impl Default for MailboxSettings {
    fn default() -> Self {
        Self {
            address: None,
            name: None,
            user: None,
            password: None,
            password_file: None,
            token_command: None,
            token_file: None,
            imap_host: None,
            imap_port: 993,
            imap_security: "tls".to_owned(),
            folder: "INBOX".to_owned(),
            sent_folder: "auto".to_owned(),
            save_sent: true,
            smtp_host: None,
            smtp_port: 587,
            smtp_security: "starttls".to_owned(),
            per_minute: 30,
            auto_per_hour: 10,
            auto_per_day: 30,
            ca_file: None,
            trusted_server: None,
            max_mb: 40,
        }
    }
}

/// WhatsApp Cloud API. Nothing of it is inherited: a number belongs to one business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WhatsappSettings {
    /// Ids of the phone numbers, separated by commas. `None` (the default): the network is not used.
    pub numbers: Option<String>,
    /// The key that Meta signs webhook calls with; during a rotation the new and the old one, separated by a comma.
    pub app_secret: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_secret_file: Option<PathBuf>,
    /// The word that a subscription of the webhook must name.
    pub verify_token: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_token_file: Option<PathBuf>,
    /// The token of a system user, under which replies leave. `None` (the default): somebody else sends them.
    pub access_token: Option<Secret>,
    /// A file that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_file: Option<PathBuf>,
    /// The approved template that carries a reply more than 24 hours after the customer's last message. `None` (the
    /// default): people get such a reply.
    pub template: Option<String>,
    /// Customers see that a message was read, and "typing…" while a reply is made. Default true.
    pub read_receipts: bool,
    /// Where the API is. `None` (the default): at Meta.
    pub base_url: Option<String>,
    /// The API's version. `None` (the default): v25.0.
    pub version: Option<String>,
    /// How long one call may take. 1 to 120 s, default 20.
    pub timeout_secs: u64,
}

impl Default for WhatsappSettings {
    fn default() -> Self {
        Self {
            numbers: None,
            app_secret: None,
            app_secret_file: None,
            verify_token: None,
            verify_token_file: None,
            access_token: None,
            access_token_file: None,
            template: None,
            read_receipts: true,
            base_url: None,
            version: None,
            timeout_secs: 20,
        }
    }
}

impl WhatsappSettings {
    /// Returns the ids of the numbers.
    pub fn number_ids(&self) -> impl Iterator<Item = &str> {
        self.numbers.as_deref().into_iter().flat_map(parts)
    }

    /// Returns how the API is reached; `None` where no token is set.
    pub fn client(&self) -> Option<ClientSettings> {
        let usual = ClientSettings::new(self.access_token.clone()?);
        Some(ClientSettings {
            base_url: self.base_url.clone().unwrap_or_else(|| usual.base_url.clone()),
            version: self.version.clone().unwrap_or_else(|| usual.version.clone()),
            timeout: Duration::from_secs(self.timeout_secs),
            ..usual
        })
    }

    /// Returns the keys that calls may be signed with.
    pub fn app_secrets(&self) -> impl Iterator<Item = &str> {
        self.app_secret.as_ref().map(Secret::expose).into_iter().flat_map(parts)
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}
