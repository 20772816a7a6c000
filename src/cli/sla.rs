//! `atende sla`: the deadlines of a ticket, each explained in words.

use chrono::{DateTime, Utc};
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{Store, TicketView};
use crate::app::{Stores, load_pack};
use crate::domain::ids::{TenantId, TicketId, TicketNumber};
use crate::domain::labels::Locale;
use crate::policy::Pack;
use crate::policy::clocks::{self, Clock, ClockKind, SlaState};
use crate::ports::Clock as _;
use crate::report::words::{self, distance};

/// Look at deadlines
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Show(ShowArgs),
}

/// Explain each deadline of a ticket
///
/// Shows since when each clock runs, when it is late, and which row of the policy gave the deadline: of all that the
/// policy has for the ticket's priority, plan, issue, channel and level, the tightest counts. Times are those of the
/// business.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The ticket's number or id
    #[arg(value_name = "TICKET")]
    ticket: String,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Show(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, args.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let pack = load_pack(&loaded.config, &tenant, cx.lang)?;
    let runtime = cx.runtime()?;
    let (found, incidents) = runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let now = SystemClock::default().now();
        anyhow::Ok((
            find(&store, &tenant, &args.ticket).await?,
            store.incidents(&tenant, now).await?,
        ))
    })?;
    let Some(ticket) = found else {
        let problem = cx.say(
            "não há ticket com este número ou id",
            "there is no ticket with this number or id",
        );
        writeln!(cx.err, "{problem}: {}", args.ticket)?;
        return Ok(ExitCode::Problems);
    };
    let now = SystemClock::default().now();
    let facts = ticket.facts().under(&incidents);
    let clocks = clocks::clocks(&pack.sla, &facts.as_facts(), &ticket.history(), now);
    if args.json {
        let whole = serde_json::json!({"ticket": ticket.row.number, "state": clocks::state(&clocks), "clocks": clocks});
        serde_json::to_writer_pretty(&mut *cx.out, &whole)?;
        writeln!(cx.out)?;
        return Ok(ExitCode::Ok);
    }
    show(cx, &pack, &ticket, &clocks, now)?;
    Ok(ExitCode::Ok)
}

pub(super) async fn find(
    store: &Store,
    tenant: &TenantId,
    asked: &str,
) -> anyhow::Result<Option<TicketView>> {
    let id = match TicketNumber::parse(asked) {
        Some(number) => store.ticket_by_number(tenant, number).await?,
        None => Some(TicketId::from_stored(asked.to_owned())),
    };
    Ok(match id {
        Some(id) => store.ticket(tenant, &id).await?,
        None => None,
    })
}

fn show(
    cx: &mut CliCx<'_>,
    pack: &Pack,
    ticket: &TicketView,
    clocks: &[Clock],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let row = &ticket.row;
    let stands = words::state(clocks::state(clocks), cx.lang);
    let priority = row.urgency.as_deref().unwrap_or("normal");
    writeln!(
        cx.out,
        "Ticket {} · {priority} · {} · {} · {stands}",
        row.number, row.channel, row.status
    )?;
    let zone = pack.business.time_zone;
    let at =
        |moment: DateTime<Utc>| moment.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string();
    let say = |pt: &'static str, en: &'static str| if cx.lang == Locale::PtBr { pt } else { en };
    for clock in clocks {
        let name = kind_words(clock.kind, cx.lang);
        let calendar = match &clock.calendar {
            Some(name) => format!("{} {name}", say("no calendário", "in calendar")),
            None => "24×7".to_owned(),
        };
        let started = format!("{} {}", say("desde", "since"), at(clock.started));
        let end = match (clock.stopped, clock.paused, clock.due) {
            (Some(stopped), _, due) => {
                let late = due.filter(|due| stopped > *due);
                let how = late.map_or_else(
                    || say("no prazo", "on time").to_owned(),
                    |due| format!("{} {}", say("com atraso: o prazo era", "late: due"), at(due)),
                );
                format!("{} {}, {how}", say("terminou", "ended"), at(stopped))
            }
            (None, Some(pause), _) => words::pause(pause, cx.lang).to_owned(),
            (None, None, Some(due)) => {
                let until =
                    if due < now { say("venceu em", "was due") } else { say("até", "until") };
                format!("{until} {} ({})", at(due), distance(due - now, cx.lang))
            }
            (None, None, None) => String::new(),
        };
        let mark = match clock.state {
            SlaState::OnTrack => "  ",
            SlaState::AtRisk => "! ",
            SlaState::Breached => "!!",
        };
        writeln!(cx.out, "{mark} {name:<21} {end}")?;
        writeln!(cx.out, "   {:<21} {} → {}, {calendar}; {started}", "", clock.rule, clock.target)?;
    }
    Ok(())
}

fn kind_words(kind: ClockKind, lang: Locale) -> &'static str {
    let (pt, en) = match kind {
        ClockKind::Acknowledge => ("aviso de recebimento", "acknowledgement"),
        ClockKind::FirstResponse => ("primeira resposta", "first response"),
        ClockKind::NextResponse => ("próxima resposta", "next response"),
        ClockKind::HandOver => ("início por pessoa", "pick-up"),
        ClockKind::Resolution => ("solução", "resolution"),
        ClockKind::Window => ("janela do canal", "channel window"),
        ClockKind::Legal => ("prazo legal", "legal deadline"),
    };
    if lang == Locale::PtBr { pt } else { en }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    #[test]
    fn distances_are_told_in_words() {
        for (minutes, pt, en) in [
            (0, "em 0 min", "in 0 min"),
            (35, "em 35 min", "in 35 min"),
            (-35, "há 35 min", "35 min ago"),
            (125, "em 2 h 05 min", "in 2 h 05 min"),
            (3_000, "em 2 d 2 h", "in 2 d 2 h"),
            (-1_500, "há 1 d 1 h", "1 d 1 h ago"),
        ] {
            let length = Duration::minutes(minutes);
            assert_eq!(
                (distance(length, Locale::PtBr), distance(length, Locale::En)),
                (pt.to_owned(), en.to_owned())
            );
        }
    }
}
