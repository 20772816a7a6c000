//! Mailboxes of businesses, made from the settings.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::load_pack;
use crate::adapters::store::Pace;
use crate::channels::email::account::{LOOP_HEADER, MailAccount, MailAccounts};
use crate::channels::email::kind::Own;
use crate::channels::email::mailbox::{self, Mailbox, SentFolder};
use crate::channels::email::sender::{self, Rate, Sender, SenderSettings};
use crate::channels::email::token::TokenSource;
use crate::channels::mail::MailSecurity;
use crate::config::{Config, MailboxSettings};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::domain::secret::Secret;

/// The file in the data folder that holds the key of signed addresses.
const KEY_FILE: &str = "mail.key";
/// How long a program may take to print a token.
const TOKEN_LIMIT: Duration = Duration::from_secs(30);

/// Returns the mailboxes of every business. The key that signs addresses is made where there is none yet.
pub(super) fn accounts(config: &Config, data: &Path) -> anyhow::Result<MailAccounts> {
    let mut named: Vec<(TenantId, &MailboxSettings, String)> = Vec::new();
    for tenant in config.tenant_ids() {
        let Some(view) = config.tenant(&tenant) else { continue };
        for settings in view.mailboxes.into_iter().flatten() {
            if let Some(address) = &settings.address {
                named.push((tenant.clone(), settings, address.to_lowercase()));
            }
        }
    }
    if named.is_empty() {
        return Ok(MailAccounts::default());
    }
    let key = key(data)?;
    let mut accounts = Vec::new();
    for (tenant, settings, address) in &named {
        let mine = |other: &&(TenantId, &MailboxSettings, String)| other.0 == *tenant;
        let mailboxes: BTreeSet<String> =
            named.iter().filter(mine).map(|(_, _, address)| address.clone()).collect();
        let own = Own {
            mailboxes: mailboxes.into_iter().collect(),
            loop_header: Some(LOOP_HEADER.to_owned()),
            lists: Vec::new(),
            authserv_ids: settings.trusted_server.iter().map(|id| id.to_lowercase()).collect(),
        };
        let brand = || load_pack(config, tenant, Locale::En).map(|pack| pack.business.brand);
        let name = settings.name.clone().map_or_else(brand, Ok)?;
        let account = account(tenant, settings, address, own, (name, key.clone()));
        accounts.push(account.with_context(|| format!("the mailbox {address} cannot be used"))?);
    }
    Ok(MailAccounts::new(accounts))
}

fn account(
    tenant: &TenantId,
    settings: &MailboxSettings,
    address: &str,
    own: Own,
    (name, key): (String, Secret),
) -> anyhow::Result<MailAccount> {
    Ok(MailAccount {
        tenant: tenant.clone(),
        address: address.to_owned(),
        name,
        own,
        mailbox: mailbox(settings, address)?,
        sender: sender(settings, address)?,
        keeps_sent: settings.save_sent,
        pace: Pace { per_hour: settings.auto_per_hour, per_day: settings.auto_per_day },
        loop_mark: crate::channels::email::account::loop_mark(&key, address),
        key,
    })
}

/// Returns the mailbox that is watched; `None` where no IMAP server is set.
pub fn mailbox(settings: &MailboxSettings, address: &str) -> anyhow::Result<Option<Mailbox>> {
    let Some(host) = &settings.imap_host else { return Ok(None) };
    let user = settings.user.clone().unwrap_or_else(|| address.to_owned());
    let login = match (&settings.password, token(settings)) {
        (Some(password), _) => {
            mailbox::Login::Password { user, password: password.expose().to_owned() }
        }
        (None, Some(token)) => mailbox::Login::Xoauth2 { user, token },
        (None, None) => anyhow::bail!("there is no password and no token"),
    };
    let settings = mailbox::Settings {
        port: settings.imap_port,
        security: security(&settings.imap_security),
        inbox: settings.folder.clone(),
        sent: match settings.sent_folder.as_str() {
            "auto" => SentFolder::Found,
            "off" => SentFolder::Off,
            name => SentFolder::Named(name.to_owned()),
        },
        ca_file: settings.ca_file.clone(),
        max_mail_bytes: settings.max_mb.saturating_mul(1_000_000),
        ..mailbox::Settings::new(host.clone(), login)
    };
    Ok(Some(Mailbox::new(settings)?))
}

/// Returns how replies leave; `None` where no SMTP server is set.
pub fn sender(settings: &MailboxSettings, address: &str) -> anyhow::Result<Option<Sender>> {
    let Some(host) = &settings.smtp_host else { return Ok(None) };
    let user = settings.user.clone().unwrap_or_else(|| address.to_owned());
    let login = match (&settings.password, token(settings)) {
        (Some(password), _) => sender::Login::Password { user, password: password.clone() },
        (None, Some(source)) => sender::Login::Token { user, source },
        (None, None) => sender::Login::None,
    };
    let rate = Rate { per_minute: settings.per_minute, burst: settings.per_minute.clamp(1, 10) };
    let settings = SenderSettings {
        login,
        ca_file: settings.ca_file.clone(),
        account_rate: rate,
        ..SenderSettings::new(
            host.clone(),
            settings.smtp_port,
            security(&settings.smtp_security),
            address,
        )
    };
    Ok(Some(Sender::new(settings)?))
}

/// Where a token comes from.
fn token(settings: &MailboxSettings) -> Option<TokenSource> {
    if let Some(command) = &settings.token_command {
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next()?.into();
        return Some(TokenSource::Program { program, args: words.collect(), limit: TOKEN_LIMIT });
    }
    settings.token_file.clone().map(TokenSource::File)
}

fn security(word: &str) -> MailSecurity {
    match word {
        "tls" => MailSecurity::Tls,
        "none" => MailSecurity::Plain,
        _ => MailSecurity::StartTls,
    }
}

/// Reads the key, or makes it: 32 bytes that the owner alone may read.
fn key(data: &Path) -> anyhow::Result<Secret> {
    let path = data.join(KEY_FILE);
    if let Ok(text) = std::fs::read_to_string(&path)
        && text.trim().len() >= 32
    {
        return Ok(Secret::new(text.trim()));
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let text = hex::encode(bytes);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(&path).with_context(|| format!("cannot write {}", path.display()))?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Secret::new(text))
}
