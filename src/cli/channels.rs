//! `atende channels check`: whether the networks that the settings name take what we send and reach us.

use clap::Subcommand;
use tokio::runtime::Runtime;

use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::app::{mailbox, sender};
use crate::channels::email::sender::Found;
use crate::channels::whatsapp::client::{CloudClient, NumberState, Quality};
use crate::config::{MailboxSettings, WhatsappSettings};
use crate::domain::ids::TenantId;
use crate::ports::Clock as _;

/// Look at networks
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
}

/// Ask each network of the settings whether it works, and say what to mend
///
/// For each number on WhatsApp: the token, the number's state and quality, how much it may send, and where its webhook
/// leads. For each mailbox: names, certificates, logins, folders, and whether its address may send. Nothing is sent to
/// anybody. Ends with 1 if something keeps messages from coming or leaving.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Only one business (default: all)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Check(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let config = loaded.config;
    let asked = args.tenant.as_deref();
    let mut looked = Look { found: false, fine: true, runtime: cx.runtime()? };
    for tenant in config.tenant_ids() {
        if asked.is_some_and(|asked| asked != tenant.as_str()) {
            continue;
        }
        let Some(view) = config.tenant(&tenant) else { continue };
        if let Some(settings) = view.whatsapp {
            looked.whatsapp(cx, &tenant, settings)?;
        }
        for settings in view.mailboxes.into_iter().flatten() {
            looked.mailbox(cx, &tenant, settings)?;
        }
    }
    if !looked.found {
        let what = cx.say(
            "nenhuma rede está configurada aqui; comece por [whatsapp] (docs/whatsapp.pt-BR.md) ou [mailbox] (docs/email.pt-BR.md)",
            "no network is set here; begin with [whatsapp] (docs/whatsapp.md) or [mailbox] (docs/email.md)",
        );
        writeln!(cx.err, "{what}")?;
        return Ok(ExitCode::Problems);
    }
    Ok(if looked.fine { ExitCode::Ok } else { ExitCode::Problems })
}

/// What was found so far.
struct Look {
    found: bool,
    fine: bool,
    runtime: Runtime,
}

impl Look {
    /// Something that keeps messages from coming or leaving.
    fn wrong(&mut self, cx: &mut CliCx<'_>, words: &str) -> std::io::Result<()> {
        self.fine = false;
        writeln!(cx.out, "! {words}")
    }

    fn whatsapp(
        &mut self,
        cx: &mut CliCx<'_>,
        tenant: &TenantId,
        settings: &WhatsappSettings,
    ) -> anyhow::Result<()> {
        self.found = true;
        if settings.verify_token.is_none() {
            let words = cx.say(
                "falta verify_token: a Meta não consegue cadastrar o webhook",
                "verify_token is missing: Meta cannot subscribe the webhook",
            );
            self.wrong(cx, words)?;
        }
        let client = match settings.client().map(CloudClient::new) {
            Some(Ok(client)) => Some(client),
            Some(Err(wrong)) => {
                self.wrong(cx, wrong.told(cx.lang))?;
                None
            }
            None => None,
        };
        for number in settings.number_ids() {
            if let Some(client) = &client {
                self.number(cx, tenant, client, number)?;
            } else {
                let words = cx.say(
                    "sem access_token: as respostas não saem daqui, e sim por [callbacks] ou pela caixa de saída",
                    "no access_token: replies do not leave from here, but through [callbacks] or the outbox",
                );
                writeln!(cx.out, "WhatsApp · {tenant} · {number}\n  {words}")?;
            }
        }
        Ok(())
    }

    fn mailbox(
        &mut self,
        cx: &mut CliCx<'_>,
        tenant: &TenantId,
        settings: &MailboxSettings,
    ) -> anyhow::Result<()> {
        self.found = true;
        let address = settings.address.clone().unwrap_or_default();
        writeln!(cx.out, "{} · {tenant} · {address}", cx.say("E-mail", "Mail"))?;
        match mailbox(settings, &address) {
            Ok(Some(mailbox)) => {
                for checked in self.runtime.block_on(mailbox.check()) {
                    match checked.result {
                        Ok(found) => writeln!(cx.out, "  IMAP: {}", found.in_locale(cx.lang))?,
                        Err(trouble) => {
                            let words = format!("IMAP: {}", trouble.in_locale(cx.lang));
                            self.wrong(cx, &words)?;
                        }
                    }
                }
            }
            Ok(None) => {
                let words =
                    cx.say("sem imap_host: a caixa só envia", "no imap_host: mail is only sent");
                writeln!(cx.out, "  {words}")?;
            }
            Err(error) => self.wrong(cx, &format!("IMAP: {error:#}"))?,
        }
        let now = SystemClock::default().now();
        match sender(settings, &address) {
            Ok(Some(sender)) => {
                for finding in self.runtime.block_on(sender.check(now)) {
                    let words = format!("SMTP: {}", finding.in_locale(cx.lang));
                    match finding.found {
                        Found::Fails(_) => self.wrong(cx, &words)?,
                        _ => writeln!(cx.out, "  {words}")?,
                    }
                }
            }
            Ok(None) => {
                let words = cx.say(
                    "sem smtp_host: as respostas saem por [callbacks] ou pela caixa de saída",
                    "no smtp_host: replies leave through [callbacks] or the outbox",
                );
                writeln!(cx.out, "  {words}")?;
            }
            Err(error) => self.wrong(cx, &format!("SMTP: {error:#}"))?,
        }
        Ok(())
    }

    fn number(
        &mut self,
        cx: &mut CliCx<'_>,
        tenant: &TenantId,
        client: &CloudClient,
        number: &str,
    ) -> anyhow::Result<()> {
        let (state, webhook) = self
            .runtime
            .block_on(async { (client.check(number).await, client.webhook(number).await) });
        let state = match state {
            Ok(state) => state,
            Err(fault) => {
                writeln!(cx.out, "WhatsApp · {tenant} · {number}")?;
                return Ok(self.wrong(cx, &fault.told(cx.lang))?);
            }
        };
        let names = [state.display_number.as_deref(), state.verified_name.as_deref()];
        let names: Vec<&str> =
            [tenant.as_str(), number].into_iter().chain(names.into_iter().flatten()).collect();
        writeln!(cx.out, "WhatsApp · {}", names.join(" · "))?;
        writeln!(cx.out, "  {}", told(cx, &state))?;
        for concern in state.concerns() {
            self.wrong(cx, &concern.told(cx.lang))?;
        }
        match webhook {
            Ok(Some(url)) => {
                writeln!(cx.out, "  webhook: {url}")?;
                if !url.ends_with("/webhooks/whatsapp") {
                    let words = cx.say(
                        "as mensagens vão para esse endereço, que não termina em /webhooks/whatsapp: confira se ele chega até aqui",
                        "messages go to that address, which does not end in /webhooks/whatsapp: see that it leads here",
                    );
                    self.wrong(cx, words)?;
                }
            }
            Ok(None) => {
                let words = cx.say(
                    "nenhum webhook está cadastrado: cadastre https://…/webhooks/whatsapp no aplicativo, em WhatsApp > Configuração, e assine o campo messages",
                    "no webhook is subscribed: enter https://…/webhooks/whatsapp in the app, under WhatsApp > Configuration, and subscribe to the field messages",
                );
                self.wrong(cx, words)?;
            }
            Err(fault) => {
                let label = cx.say("webhook não informado", "webhook not told");
                writeln!(cx.out, "  {label}: {}", fault.told(cx.lang))?;
            }
        }
        Ok(())
    }
}

fn told(cx: &CliCx<'_>, state: &NumberState) -> String {
    let quality = match state.quality {
        Quality::Green => cx.say("boa", "good"),
        Quality::Yellow => cx.say("média", "medium"),
        Quality::Red => cx.say("baixa", "low"),
        Quality::Unknown => cx.say("ainda desconhecida", "not known yet"),
    };
    let many = state.per_second();
    let token = cx.say("o token vale", "the token is good");
    let (label, rate) =
        (cx.say("qualidade", "quality"), cx.say("mensagens por segundo", "messages a second"));
    let app = match state.on_business_app {
        Some(true) => cx
            .say("; também no aplicativo WhatsApp Business", "; also in the WhatsApp Business app"),
        _ => "",
    };
    format!("{token}; {label}: {quality}; {many} {rate}{app}")
}
