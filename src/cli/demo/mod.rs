//! `atende demo`: a bundled day of support mail through the real inbox, worker and pipeline, on
//! recorded time. Bursts join as they would have, and nothing waits.

mod feed;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::{CliCx, ExitCode};
use crate::adapters::clock::{RecordedClock, SystemClock};
use crate::adapters::store::{CustomerUpsert, DecisionRow};
use crate::app::{App, make_ready};
use crate::compose::Templates;
use crate::config::Config;
use crate::domain::ids::TenantId;
use crate::knowledge::Library;
use crate::pipeline::Pipeline;
use crate::policy::{Pack, Source};
use crate::ports::Clock;
use crate::prompts::Prompts;

/// The business that the demo's tickets belong to; apart from `main`, so that they never mix.
const TENANT: &str = "demo";

/// How long the demo waits for its last writes when it ends.
const GRACE: Duration = Duration::from_secs(10);

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/demo/"]
struct Bundle;

/// Run a bundled day of support messages and show what happens with each
///
/// Feeds WhatsApp bursts, e-mails, forms, chats and calls of a made-up company through the real inbox,
/// worker and pipeline, on recorded time, and prints one line a turn. Everything is stored in the data
/// folder under the business "demo"; a second run doubles nothing. Ends by itself.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON Lines instead of a table
    #[arg(long)]
    json: bool,
    /// Play the day up to now instead, in a business of its own, and keep the pages and the API up afterwards, with a link to sign in and a token
    #[arg(long)]
    serve: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let started = Instant::now();
    let runtime = cx.runtime()?;
    let live = args.serve.then(|| Live::today(SystemClock::default().now())).transpose()?;
    let played = runtime.block_on(play(cx, &loaded.config, live.as_ref()))?;
    if args.json {
        table::write_json(cx.out, &played)?;
    } else {
        table::write(cx, &played, started.elapsed())?;
    }
    cx.out.flush()?;
    if let Some(live) = live {
        drop(runtime);
        return super::serve::demo(cx, loaded.config, live.tenant);
    }
    Ok(ExitCode::Ok)
}

/// A day that ends now, for people who open the desk afterwards.
struct Live {
    now: DateTime<Utc>,
    /// A business of this day's own: yesterday's open tickets would be overdue by a day in today's queues.
    tenant: TenantId,
}

impl Live {
    fn today(now: DateTime<Utc>) -> anyhow::Result<Self> {
        let tenant = TenantId::parse(&format!("{TENANT}-{}", now.format("%Y-%m-%d")));
        Ok(Self { now, tenant: tenant.context(NO_NAME)? })
    }
}

/// What a run of the demo did and what stands in the store after it.
struct Played {
    tenant: TenantId,
    events: usize,
    duplicates: usize,
    turns: Vec<DecisionRow>,
    outbox: BTreeMap<String, i64>,
}

fn bundled(name: &str) -> anyhow::Result<String> {
    let file = Bundle::get(name).with_context(|| format!("{name} is missing from this build"))?;
    String::from_utf8(file.data.into_owned()).with_context(|| format!("{name} is not UTF-8"))
}

/// Loads the made-up company: the shipped pack under the demo's overlay, sample articles, templates.
pub(super) fn pipeline(lang: crate::domain::labels::Locale) -> anyhow::Result<Pipeline> {
    let source = Source { name: "demo/policy.yaml".to_owned(), text: bundled("policy.yaml")? };
    let pack = Pack::load(source, Vec::new()).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| problem.render(lang)).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let lines = |problems: Vec<String>| anyhow::anyhow!("{}", problems.join("\n"));
    let library = Library::load(None)
        .map_err(|found| lines(found.iter().map(ToString::to_string).collect()))?;
    let templates = Templates::load(None)
        .map_err(|found| lines(found.iter().map(ToString::to_string).collect()))?;
    let prompts = Prompts::load(None)
        .map_err(|found| lines(found.iter().map(|problem| problem.render(lang)).collect()))?;
    Ok(Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts)))
}

const NO_NAME: &str = "the demo's business has a name that is not allowed";

async fn play(cx: &CliCx<'_>, config: &Config, live: Option<&Live>) -> anyhow::Result<Played> {
    let tasks = TaskTracker::new();
    let played = {
        let mut events = feed::events(&bundled("inbox.jsonl")?)?;
        if let Some(live) = live {
            events = feed::up_to(events, live.now);
        }
        let first = events.first().context("the bundled inbox is empty")?.at;
        let clock = Arc::new(RecordedClock::starting_at(first));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        // The demo's own store stands beside whatever store the settings name.
        let config = Config { store: crate::config::StoreSettings::default(), ..config.clone() };
        let app = App::open(&cx.data, &config, shared, &tasks).await?;
        let tenant = match live {
            Some(live) => live.tenant.clone(),
            None => TenantId::parse(TENANT).context(NO_NAME)?,
        };
        let pipeline = pipeline(cx.lang)?;
        make_ready(&pipeline, cx.model_cache().as_ref());
        app.adopt(&tenant, pipeline, crate::app::Receivers::default()).await?;
        app.worker.recover().await?;
        import_customers(&app, &tenant).await?;
        let total = events.len();
        let until = live.map(|live| live.now);
        let duplicates = feed::play(&app, &clock, &tenant, (events, until)).await?;
        Played {
            events: total,
            duplicates,
            turns: all_decisions(&app, &tenant).await?,
            outbox: app.stores.store.outbox_counts().await?.into_iter().collect(),
            tenant,
        }
    };
    tasks.close();
    // The writers end when their last handle is gone; what they were told is on disk already.
    drop(tokio::time::timeout(GRACE, tasks.wait()).await);
    Ok(played)
}

async fn import_customers(app: &App, tenant: &TenantId) -> anyhow::Result<()> {
    let file = bundled("customers.csv")?;
    let customers = super::customers::read_bundled(&file, "BRL")?
        .into_iter()
        .map(|(reference, profile)| CustomerUpsert {
            id: app.clock.customer_id(),
            reference,
            profile,
        })
        .collect();
    app.stores.store.put_customers(app.clock.now(), tenant, customers).await?;
    Ok(())
}

async fn all_decisions(app: &App, tenant: &TenantId) -> anyhow::Result<Vec<DecisionRow>> {
    let mut rows: Vec<DecisionRow> = Vec::new();
    loop {
        let after = rows.last().map(DecisionRow::cursor);
        let page = app.stores.store.list_decisions(tenant, after.as_ref(), 500).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// The counts that a summary shows, by action.
fn by_action(turns: &[DecisionRow]) -> BTreeMap<&str, usize> {
    let mut counts: BTreeMap<&str, usize> =
        ["send", "review", "escalate", "none"].into_iter().map(|action| (action, 0)).collect();
    for turn in turns {
        let action = turn.record.pointer("/decision/action").and_then(serde_json::Value::as_str);
        if let Some(count) = action.and_then(|action| counts.get_mut(action)) {
            *count += 1;
        }
    }
    counts
}

fn summary(played: &Played) -> serde_json::Value {
    json!({
        "messages": played.events,
        "duplicates": played.duplicates,
        "turns": played.turns.len(),
        "actions": by_action(&played.turns),
        "outbox": played.outbox,
    })
}
