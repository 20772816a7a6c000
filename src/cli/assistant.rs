//! `atende assistant`: the switch of the assistant from the command line, also while the API is away.

use chrono_tz::Tz;
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::Store;
use crate::app::{Stores, load_pack};
use crate::domain::ids::TenantId;
use crate::ports::Clock as _;

/// Who the trail says it was.
const ACTOR: &str = "agent:cli";

/// Stop whatever leaves by itself, or let it leave again
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Stop it: replies that have not left go to people, new conversations are drafted
    Off(OffArgs),
    /// Let replies leave by themselves again, as far as the policy lets them
    On(TenantArgs),
    /// Say how it stands
    Show(TenantArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct OffArgs {
    /// Why, for the team
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct TenantArgs {
    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let asked = match command {
        Command::Off(args) => args.tenant.as_deref(),
        Command::On(args) | Command::Show(args) => args.tenant.as_deref(),
    };
    let Some(tenant) = tenant_of(cx, &loaded.config, asked)? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let zone = load_pack(&loaded.config, &tenant, cx.lang)?.business.time_zone;
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let now = SystemClock::default().now();
        match command {
            Command::Off(args) => {
                let reason = args.reason.clone();
                store.stop_assistant(now, &tenant, ACTOR, "cli", reason).await?;
            }
            Command::On(_) => {
                store.resume_assistant(now, &tenant, ACTOR).await?;
            }
            Command::Show(_) => {}
        }
        show(cx, &store, &tenant, zone).await
    })
}

async fn show(
    cx: &mut CliCx<'_>,
    store: &Store,
    tenant: &TenantId,
    zone: Tz,
) -> anyhow::Result<ExitCode> {
    let state = store.tenant_state(tenant).await?;
    let Some(stopped) = state.and_then(|state| state.stopped) else {
        let on = cx.say(
            "A assistente está ligada: envia onde a política deixa.",
            "The assistant is on: it sends where the policy lets it.",
        );
        writeln!(cx.out, "{on}")?;
        return Ok(ExitCode::Ok);
    };
    let since = stopped.at.with_timezone(&zone).format("%Y-%m-%d %H:%M");
    let off = cx.say(
        "A assistente está parada: nada sai sem uma pessoa",
        "The assistant is stopped: nothing leaves without a person",
    );
    let by = cx.say("por", "by");
    writeln!(cx.out, "{off} ({since}, {by} {})", stopped.by)?;
    let back = cx.say("respostas que voltaram para as pessoas", "replies that went back to people");
    writeln!(cx.out, "  {back}: {}", stopped.replies)?;
    if let Some(reason) = &stopped.reason {
        writeln!(cx.out, "  {reason}")?;
    }
    Ok(ExitCode::Ok)
}
