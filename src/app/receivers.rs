//! Where replies, events and mail go to, made from the settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::channels::callback::{self, CallbackClient};
use crate::channels::mail::{self, MailSecurity, Mailer};
use crate::channels::whatsapp::accounts::{Account, Accounts};
use crate::channels::whatsapp::outlet::{Outlet, OutletSettings};
use crate::config::{CallbackSettings, Config, WhatsappSettings};
use crate::domain::ids::TenantId;
use crate::domain::secret::Secret;

/// Where a business's replies and events go to.
#[derive(Clone, Debug, Default)]
pub struct Receivers {
    /// Replies on channels without a network of their own.
    pub callbacks: Option<CallbackClient>,
    /// Events and notifications.
    pub webhooks: Option<CallbackClient>,
}

/// Returns the client for mail to the business's own people; `None` where no server is set.
pub fn mailer(config: &Config) -> anyhow::Result<Option<Mailer>> {
    let settings = &config.mail;
    let (Some(host), Some(from)) = (&settings.host, &settings.from) else { return Ok(None) };
    let security = match settings.security.as_str() {
        "tls" => MailSecurity::Tls,
        "none" => MailSecurity::Plain,
        _ => MailSecurity::StartTls,
    };
    let mailer = Mailer::new(mail::MailSettings {
        host: host.clone(),
        port: settings.port,
        security,
        user: settings.user.clone(),
        password: settings.password.as_ref().map(|password| password.expose().to_owned()),
        from: from.clone(),
        timeout: Duration::from_secs(settings.timeout_secs),
    });
    mailer.map(Some).context("the settings in [mail] cannot be used")
}

/// Returns the numbers of every business on WhatsApp.
pub(super) fn whatsapp(config: &Config) -> anyhow::Result<Accounts> {
    let mut accounts = Vec::new();
    for tenant in config.tenant_ids() {
        let Some(settings) = config.tenant(&tenant).and_then(|view| view.whatsapp) else {
            continue;
        };
        accounts.push(Account {
            numbers: settings.number_ids().map(str::to_owned).collect(),
            app_secrets: settings.app_secrets().map(Secret::new).collect(),
            verify_token: settings.verify_token.clone(),
            outlet: outlet(settings)?.map(Arc::new),
            tenant,
        });
    }
    Ok(Accounts::new(accounts))
}

fn outlet(settings: &WhatsappSettings) -> anyhow::Result<Option<Outlet>> {
    let Some(client) = settings.client() else { return Ok(None) };
    let settings = OutletSettings {
        client,
        template: settings.template.clone(),
        receipts: settings.read_receipts,
    };
    Outlet::new(settings).map(Some).context("the settings in [whatsapp] cannot be used")
}

/// Returns the client for a business's events and notifications; `None` where no webhook is set.
pub fn webhooks(config: &Config, tenant: &TenantId) -> anyhow::Result<Option<CallbackClient>> {
    let view = config.tenant(tenant);
    client(view.and_then(|view| view.webhooks))
}

pub(super) fn client(
    settings: Option<&CallbackSettings>,
) -> anyhow::Result<Option<CallbackClient>> {
    let Some(settings) = settings else { return Ok(None) };
    let (Some(url), Some(secret)) = (&settings.url, &settings.secret) else { return Ok(None) };
    let client = CallbackClient::new(callback::CallbackSettings {
        url: url.parse().context("the callback url is not a URL")?,
        secret: secret.expose().to_owned(),
        timeout: Duration::from_secs(settings.timeout_secs),
        idempotent: settings.idempotent,
    })?;
    Ok(Some(client))
}
