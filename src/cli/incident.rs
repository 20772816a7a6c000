//! `atende incident`: declares, updates and ends incidents from the command line, also while the API is away.

use std::sync::Arc;

use chrono::Duration;
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{Incident, IncidentChange, IncidentScope, IncidentTerms, Store};
use crate::app::{Stores, load_pack};
use crate::domain::channel::Channel;
use crate::domain::decision::LocalText;
use crate::domain::ids::TenantId;
use crate::domain::notification::NotifyEvent;
use crate::policy::{IncidentKind, Pack};
use crate::ports::Clock;
use crate::report::telling;

/// Declare, update and end incidents
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Declare(DeclareArgs),
    Update(UpdateArgs),
    End(EndArgs),
    List(ListArgs),
}

/// Declare an incident: automatic answers stop, stakeholders are told, customers who write hear of it
#[derive(Debug, clap::Args)]
pub(super) struct DeclareArgs {
    /// Its kind, as the policy's `incidents` call it, e.g. outage
    #[arg(value_name = "KIND")]
    kind: String,

    /// What it is called (default: kind and moment)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Only this category; may be given more than once
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,

    /// Only this channel; may be given more than once
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<String>,

    #[command(flatten)]
    words: Words,

    /// Minutes until customers hear more (default: the policy's)
    #[arg(long, value_name = "MINUTES")]
    next_update: Option<u32>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// What customers are told, in both languages.
#[derive(Debug, clap::Args)]
pub(super) struct Words {
    /// What customers are told in Portuguese
    #[arg(long, value_name = "TEXT", requires = "en")]
    pt: Option<String>,

    /// What customers are told in English
    #[arg(long, value_name = "TEXT", requires = "pt")]
    en: Option<String>,
}

impl Words {
    fn text(&self) -> LocalText {
        let word = |text: &Option<String>| text.clone().unwrap_or_default().trim().to_owned();
        LocalText::new(word(&self.pt), word(&self.en))
    }
}

/// Tell everybody who heard of an incident more about it
#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// What it is called
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    words: Words,

    /// Minutes until customers hear more (default: the policy's)
    #[arg(long, value_name = "MINUTES")]
    next_update: Option<u32>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// End an incident: what it held goes on, and everybody who heard of it hears so
#[derive(Debug, clap::Args)]
pub(super) struct EndArgs {
    /// What it is called
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    words: Words,

    /// What happened and was done, for the stakeholders
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// List the incidents of the last 90 days
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Whose they are (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Somebody at the switch.
struct Switch {
    store: Store,
    clock: Arc<dyn Clock>,
    pack: Arc<Pack>,
    tenant: TenantId,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let asked = match command {
        Command::Declare(args) => args.tenant.as_deref(),
        Command::Update(args) => args.tenant.as_deref(),
        Command::End(args) => args.tenant.as_deref(),
        Command::List(args) => args.tenant.as_deref(),
    };
    let Some(tenant) = tenant_of(cx, &loaded.config, asked)? else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let pack = Arc::new(load_pack(&loaded.config, &tenant, cx.lang)?);
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let switch = Switch { store, clock: Arc::new(SystemClock::default()), pack, tenant };
        match command {
            Command::Declare(args) => switch.declare(cx, args).await,
            Command::Update(args) => switch.update(cx, args).await,
            Command::End(args) => switch.end(cx, args).await,
            Command::List(_) => switch.list(cx).await,
        }
    })
}

impl Switch {
    async fn apply(
        &self,
        name: &str,
        change: IncidentChange,
        event: NotifyEvent,
    ) -> anyhow::Result<Option<Incident>> {
        let now = self.clock.now();
        let tell = telling::of_incident(&self.clock, &self.pack, &self.tenant, event, now);
        Ok(self.store.change_incident(now, &self.tenant, ("agent:cli", name), change, tell).await?)
    }

    async fn declare(&self, cx: &mut CliCx<'_>, args: &DeclareArgs) -> anyhow::Result<ExitCode> {
        let now = self.clock.now();
        let Some(kind) = self.checked(cx, args)? else { return Ok(ExitCode::Problems) };
        let terms = IncidentTerms::from(kind);
        let words = args.words.text();
        let minutes = args.next_update.or(terms.update_every_mins);
        let next = minutes.filter(|_| !words.en.is_empty());
        let name = args
            .name
            .clone()
            .unwrap_or_else(|| format!("{}-{}", kind.id, now.format("%Y%m%dT%H%M%SZ")));
        let declared = Incident {
            id: format!("inc_{:032x}", self.clock.fresh_bits()),
            kind: kind.id.clone(),
            name: name.clone(),
            scope: IncidentScope {
                categories: args.category.clone(),
                channels: args.channel.iter().filter_map(|word| Channel::parse(word)).collect(),
            },
            words,
            terms,
            declared_by: "agent:cli".to_owned(),
            started_at: now,
            next_update_at: next.map(|minutes| now + Duration::minutes(i64::from(minutes))),
            updates: 0,
            ended_at: None,
            summary: None,
        };
        let change = IncidentChange::Declare(Box::new(declared));
        let Some(stands) = self.apply(&name, change, NotifyEvent::IncidentDeclared).await? else {
            let problem = cx.say(
                "já há um incidente aberto com este nome",
                "an incident of this name stands already",
            );
            writeln!(cx.err, "{name}: {problem}")?;
            return Ok(ExitCode::Problems);
        };
        writeln!(
            cx.out,
            "{}: {}",
            cx.say("Incidente declarado", "Incident declared"),
            stands.name
        )?;
        if stands.terms.stop_auto {
            writeln!(
                cx.out,
                "  {}",
                cx.say(
                    "nada sai sozinho enquanto durar",
                    "nothing leaves by itself while it lasts"
                )
            )?;
        }
        if stands.terms.suspend_sla {
            writeln!(
                cx.out,
                "  {}",
                cx.say("os prazos param enquanto durar", "clocks stand still while it lasts")
            )?;
        }
        if stands.words.en.is_empty() {
            writeln!(
                cx.out,
                "  {}",
                cx.say(
                    "os clientes não são avisados: faltam --pt e --en",
                    "customers are not told: --pt and --en are missing"
                )
            )?;
        }
        Ok(ExitCode::Ok)
    }

    /// Says every word that the policy does not know; `None` when there was one.
    fn checked(
        &self,
        cx: &mut CliCx<'_>,
        args: &DeclareArgs,
    ) -> anyhow::Result<Option<&IncidentKind>> {
        let kinds: Vec<&str> = self.pack.incidents.iter().map(|kind| kind.id.as_str()).collect();
        let categories: Vec<&str> = self.pack.taxonomy.iter().map(|one| one.id.as_str()).collect();
        let channels: Vec<&str> = Channel::ALL.iter().map(|one| one.as_str()).collect();
        let mut all = known(cx, &args.kind, &kinds)?;
        for word in &args.category {
            all &= known(cx, word, &categories)?;
        }
        for word in &args.channel {
            all &= known(cx, word, &channels)?;
        }
        Ok(self.pack.incidents.iter().find(|kind| kind.id == args.kind).filter(|_| all))
    }

    async fn update(&self, cx: &mut CliCx<'_>, args: &UpdateArgs) -> anyhow::Result<ExitCode> {
        let words = args.words.text();
        if words.en.is_empty() {
            writeln!(
                cx.err,
                "{}",
                cx.say(
                    "diga o que os clientes ouvem, com --pt e --en",
                    "say what customers hear, with --pt and --en"
                )
            )?;
            return Ok(ExitCode::Problems);
        }
        let Some(open) = self.open(cx, &args.name).await? else { return Ok(ExitCode::Problems) };
        let minutes = args.next_update.or(open.terms.update_every_mins);
        let next_update_at =
            minutes.map(|minutes| self.clock.now() + Duration::minutes(i64::from(minutes)));
        let change = IncidentChange::Update { words, next_update_at };
        self.apply(&args.name, change, NotifyEvent::IncidentUpdated).await?;
        let told = self.store.count_told(&open.id).await?;
        writeln!(
            cx.out,
            "{}: {told}",
            cx.say("Clientes que recebem a atualização", "Customers who get the update")
        )?;
        Ok(ExitCode::Ok)
    }

    async fn end(&self, cx: &mut CliCx<'_>, args: &EndArgs) -> anyhow::Result<ExitCode> {
        let Some(open) = self.open(cx, &args.name).await? else { return Ok(ExitCode::Problems) };
        let told = self.store.count_told(&open.id).await?;
        let locale = self.pack.business.default_locale();
        let summary = args
            .summary
            .clone()
            .unwrap_or_else(|| telling::summary(&open, told, self.clock.now(), locale));
        let change =
            IncidentChange::End { words: args.words.text(), summary: Some(summary.clone()) };
        self.apply(&args.name, change, NotifyEvent::IncidentEnded).await?;
        writeln!(
            cx.out,
            "{}: {}\n  {summary}",
            cx.say("Incidente encerrado", "Incident ended"),
            args.name
        )?;
        Ok(ExitCode::Ok)
    }

    async fn open(&self, cx: &mut CliCx<'_>, name: &str) -> anyhow::Result<Option<Incident>> {
        let found = self.store.incidents(&self.tenant, self.clock.now()).await?;
        let open = found.into_iter().find(|one| one.name == name && one.ended_at.is_none());
        if open.is_none() {
            let problem = cx.say(
                "não há incidente aberto com este nome; veja: atende incident list",
                "no incident of this name stands; see: atende incident list",
            );
            writeln!(cx.err, "{name}: {problem}")?;
        }
        Ok(open)
    }

    async fn list(&self, cx: &mut CliCx<'_>) -> anyhow::Result<ExitCode> {
        let found = self.store.incidents(&self.tenant, self.clock.now()).await?;
        if found.is_empty() {
            writeln!(
                cx.out,
                "{}",
                cx.say("Nenhum incidente nos últimos 90 dias.", "No incident in the last 90 days.")
            )?;
        }
        let zone = self.pack.business.time_zone;
        for incident in found.iter().rev() {
            let at = |at: chrono::DateTime<chrono::Utc>| {
                at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
            };
            let until = incident.ended_at.map_or_else(|| cx.say("aberto", "open").to_owned(), at);
            let told = self.store.count_told(&incident.id).await?;
            writeln!(
                cx.out,
                "{}  {} – {until}  {}  {}: {told}",
                incident.name,
                at(incident.started_at),
                incident.kind,
                cx.say("clientes avisados", "customers told")
            )?;
            if let Some(summary) = &incident.summary {
                writeln!(cx.out, "    {summary}")?;
            }
        }
        Ok(ExitCode::Ok)
    }
}

/// Says what is wrong with a word that the policy does not know.
fn known(cx: &mut CliCx<'_>, word: &str, known: &[&str]) -> anyhow::Result<bool> {
    if known.contains(&word) {
        return Ok(true);
    }
    let (unknown, are) = (
        cx.say("a política não conhece", "the policy does not know"),
        cx.say("existem", "there are"),
    );
    writeln!(cx.err, "{unknown}: {word}\n    {are}: {}", known.join(", "))?;
    Ok(false)
}
