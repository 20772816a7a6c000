//! `atende webhooks`: how far the receiver of events has come, and sending events again.

use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::store::WEBHOOK_CURSOR;
use crate::app::Stores;

/// Look at the webhook of a business
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(StatusArgs),
    Replay(ReplayArgs),
}

/// Show which event the receiver acknowledged last
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Whose webhook (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Send every event after one of them again, in order
///
/// Events keep their Idempotency-Key, so a receiver that honours it takes each once. A running worker begins at once.
#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// Begin after this event; 0 begins with the first
    #[arg(long, value_name = "EVENT")]
    after: u32,

    /// Whose webhook (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let asked = match command {
        Command::Status(args) => args.tenant.as_deref(),
        Command::Replay(args) => args.tenant.as_deref(),
    };
    let Some(tenant) = tenant_of(cx, &loaded.config, asked)? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let runtime = cx.runtime()?;
    let (cursor, latest) = runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let latest = store.latest_event(&tenant).await?;
        if let Command::Replay(args) = command {
            let after = i64::from(args.after).min(latest);
            store.set_cursor(&tenant, WEBHOOK_CURSOR, after).await?;
        }
        anyhow::Ok((store.cursor(&tenant, WEBHOOK_CURSOR).await?, latest))
    })?;
    let acknowledged = cx.say("Último evento confirmado", "Last event acknowledged");
    let none = cx.say("nenhum ainda", "none yet");
    let cursor = cursor.map_or_else(|| none.to_owned(), |cursor| cursor.to_string());
    writeln!(
        cx.out,
        "{acknowledged}: {cursor}\n{}: {latest}",
        cx.say("Último evento", "Latest event")
    )?;
    if loaded.config.tenant(&tenant).and_then(|view| view.webhooks).is_none() {
        writeln!(
            cx.err,
            "{}",
            cx.say(
                "nenhum webhook está configurado: veja [webhooks]",
                "no webhook is set: see [webhooks]"
            )
        )?;
        return Ok(ExitCode::Problems);
    }
    Ok(ExitCode::Ok)
}
