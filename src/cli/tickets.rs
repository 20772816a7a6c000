//! `atende tickets`: what a ticket is handed over with.

use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::app::{Stores, load_pack};
use crate::policy::clocks;
use crate::ports::Clock as _;
use crate::report::handover;

/// Look at tickets
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Handover(HandoverArgs),
}

/// Write the package that a ticket is handed over with
///
/// Customer, issue, what was tried, what is needed, deadlines, the whole conversation and the evidence, as they stand
/// now, in the language of the output.
#[derive(Debug, clap::Args)]
pub(super) struct HandoverArgs {
    /// The ticket's number or id
    #[arg(value_name = "TICKET")]
    ticket: String,

    /// What this department of the policy gets, as JSON
    #[arg(long, value_name = "DEPARTMENT")]
    department: Option<String>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Handover(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, args.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let pack = load_pack(&loaded.config, &tenant, cx.lang)?;
    let now = SystemClock::default().now();
    let runtime = cx.runtime()?;
    let (found, incidents) = runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let found = super::sla::find(&store, &tenant, &args.ticket).await?;
        anyhow::Ok((found, store.incidents(&tenant, now).await?))
    })?;
    let Some(ticket) = found else {
        let problem = cx.say(
            "não há ticket com este número ou id",
            "there is no ticket with this number or id",
        );
        writeln!(cx.err, "{problem}: {}", args.ticket)?;
        return Ok(ExitCode::Problems);
    };
    let facts = ticket.facts().under(&incidents);
    let clocks = clocks::clocks(&pack.sla, &facts.as_facts(), &ticket.history(), now);
    let package = handover::package(&ticket, Some(&pack), &clocks, now);
    if let Some(id) = &args.department {
        let Some(payload) = handover::department(&package, Some(&pack), id, cx.lang) else {
            let known: Vec<&str> = pack.departments.iter().map(|one| one.id.as_str()).collect();
            let (unknown, are) = (
                cx.say(
                    "a política não conhece este departamento",
                    "the policy knows no such department",
                ),
                cx.say("existem", "there are"),
            );
            writeln!(cx.err, "{unknown}: {id}\n    {are}: {}", known.join(", "))?;
            return Ok(ExitCode::Problems);
        };
        serde_json::to_writer_pretty(&mut *cx.out, &payload)?;
        writeln!(cx.out)?;
    } else if args.json {
        serde_json::to_writer_pretty(&mut *cx.out, &package)?;
        writeln!(cx.out)?;
    } else {
        let text = handover::to_text(&package, Some(&pack), cx.lang, pack.business.time_zone);
        writeln!(cx.out, "{}", text.trim_end())?;
    }
    Ok(ExitCode::Ok)
}
