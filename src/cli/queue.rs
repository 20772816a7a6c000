//! `atende queue`: what waits for people, and how late it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{Presence, QueueCount, Store, TicketFilter, TicketOrder, TicketRow};
use crate::app::{Stores, load_pack};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::ports::Clock as _;

/// Look at the queues
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Status(StatusArgs),
}

/// Show what waits in each queue, who is online, and which tickets to take first
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Whose queues (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Tickets to take first that are shown.
const FIRST: u32 = 5;

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Status(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, args.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let pack = load_pack(&loaded.config, &tenant, cx.lang)?;
    let now = SystemClock::default().now();
    let runtime = cx.runtime()?;
    let status = runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        Status::read(&store, &tenant, now).await
    })?;
    if args.json {
        serde_json::to_writer_pretty(&mut *cx.out, &status)?;
        writeln!(cx.out)?;
    } else {
        status.show(cx, pack.business.time_zone, now)?;
    }
    Ok(ExitCode::Ok)
}

/// What waits, as it stands now.
#[derive(Serialize)]
struct Status {
    queues: Vec<QueueCount>,
    sla: BTreeMap<String, i64>,
    online: Vec<String>,
    incidents: Vec<String>,
    first: Vec<TicketRow>,
}

impl Status {
    async fn read(store: &Store, tenant: &TenantId, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let is_online = |agent: &Presence| agent.online_until.is_some_and(|until| until > now);
        let online = store.presence(tenant).await?.into_iter().filter(is_online);
        let open =
            store.incidents(tenant, now).await?.into_iter().filter(|one| one.ended_at.is_none());
        let filter = TicketFilter { order: TicketOrder::Rank, ..TicketFilter::default() };
        // Some of the first may be with the assistant or wait for the customer.
        let mut first = store.list_tickets(tenant, &filter, None, FIRST * 20).await?;
        first.retain(|row| {
            row.owner != "ai" && !matches!(row.status.as_str(), "pending" | "solved" | "closed")
        });
        first.truncate(usize::try_from(FIRST).unwrap_or_default());
        Ok(Self {
            queues: store.queue_counts(tenant).await?,
            sla: store.sla_counts(tenant).await?.into_iter().collect(),
            online: online.map(|agent| agent.name).collect(),
            incidents: open.map(|one| one.name).collect(),
            first,
        })
    }

    fn show(
        &self,
        cx: &mut CliCx<'_>,
        zone: chrono_tz::Tz,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        for name in &self.incidents {
            writeln!(cx.out, "{}: {name}", cx.say("Incidente aberto", "Open incident"))?;
        }
        if self.queues.is_empty() {
            let nothing = cx.say("Ninguém espera por pessoas.", "Nothing waits for people.");
            writeln!(cx.out, "{nothing}")?;
        } else {
            table(cx, &self.queues, now)?;
        }
        let count = |state: &str| self.sla.get(state).copied().unwrap_or(0);
        let (track, risk, late) = (count("on_track"), count("at_risk"), count("breached"));
        let deadlines = match cx.lang {
            Locale::PtBr => format!(
                "Prazos dos tickets abertos: {track} em dia, {risk} em risco, {late} vencidos"
            ),
            Locale::En => {
                format!(
                    "Deadlines of open tickets: {track} on track, {risk} at risk, {late} breached"
                )
            }
        };
        let nobody = cx.say("ninguém", "nobody");
        let online =
            if self.online.is_empty() { nobody.to_owned() } else { self.online.join(", ") };
        writeln!(cx.out, "\n{deadlines}\n{}: {online}", cx.say("Agentes no ar", "Agents online"))?;
        if !self.first.is_empty() {
            writeln!(cx.out, "\n{}:", cx.say("Os primeiros a atender", "Take these first"))?;
        }
        for row in &self.first {
            let due = row.sla_due_at.map_or_else(
                || "-".to_owned(),
                |due| due.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            );
            let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
            let (queue, urgency) = (word(&row.queue), word(&row.urgency));
            let line = format!(
                "  {:<10} {queue:<16} {urgency:<9} {:<9} {due}  {}",
                row.number,
                row.sla_state,
                row.assignee.as_deref().unwrap_or_default()
            );
            writeln!(cx.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn table(cx: &mut CliCx<'_>, queues: &[QueueCount], now: DateTime<Utc>) -> anyhow::Result<()> {
    let heads = match cx.lang {
        Locale::PtBr => ["fila", "nível", "com", "tickets", "em risco", "vencidos", "mais antigo"],
        Locale::En => ["queue", "level", "with", "tickets", "at risk", "breached", "oldest"],
    };
    let [queue, level, with, tickets, risk, late, oldest] = heads;
    writeln!(
        cx.out,
        "{queue:<18} {level:<6} {with:<8} {tickets:>8} {risk:>9} {late:>9}  {oldest}"
    )?;
    for row in queues {
        let age = row.oldest.map_or_else(String::new, |at| age(now - at));
        let level = row.level.as_deref().unwrap_or("-");
        writeln!(
            cx.out,
            "{:<18} {level:<6} {:<8} {:>8} {:>9} {:>9}  {age}",
            row.queue, row.owner, row.tickets, row.at_risk, row.breached
        )?;
    }
    Ok(())
}

/// Days, hours and minutes, the two largest of them.
fn age(time: chrono::Duration) -> String {
    let (days, hours, minutes) = (time.num_days(), time.num_hours() % 24, time.num_minutes() % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
