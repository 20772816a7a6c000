//! `atende models stats`: what models were asked, how long they took and what it cost.

use serde::Serialize;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::{is_priced, usd};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{ModelStats, ModelTotals, Spent};
use crate::app::Stores;
use crate::cli::language::DAYS;
use crate::cli::store::{ensure_stored, stored_tenant};
use crate::cli::{CliCx, ExitCode};
use crate::config::{BudgetSettings, Config, ModelSettings};
use crate::ports::Clock as _;

/// The furthest day that a report goes back to.
const DAYS_MAX: u32 = 366;

/// Show what models were asked, how long they took and what it cost
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StatsArgs {
    /// How many days back
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = days)]
    days: u32,

    /// Whose (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn days(text: &str) -> Result<u32, &'static str> {
    let days = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    days.ok_or(DAYS.en)
}

/// A line of the table.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    stats: ModelStats,
    /// False where answers came and nobody said what they cost.
    cost_known: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &StatsArgs) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    ensure_stored(cx, &loaded.config)?;
    cx.runtime()?.block_on(show(cx, args, &loaded.config))
}

async fn show(cx: &mut CliCx<'_>, args: &StatsArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let store = Stores::open(&cx.data, config, &TaskTracker::new()).await?.store;
    let Some(tenant) = stored_tenant(cx, config, &store, args.tenant.as_deref()).await? else {
        return Ok(ExitCode::Problems);
    };
    let since = SystemClock::default().now() - chrono::Duration::days(i64::from(args.days));
    let (models, totals) = store.model_stats(&tenant, since).await?;
    let rows: Vec<Row> = models
        .into_iter()
        .map(|stats| Row { cost_known: is_cost_known(&stats, &config.models), stats })
        .collect();
    let spent = store.model_spending(&tenant, SystemClock::default().now().date_naive()).await?;
    if args.json {
        let mut totals = json!(totals);
        if let Some(totals) = totals.as_object_mut() {
            let known = rows.iter().all(|row| row.cost_known);
            totals.insert("cost_known".to_owned(), known.into());
        }
        let spent = json!({"day_micros": spent.day, "month_micros": spent.month});
        let all = json!({"since": since, "models": rows, "totals": totals, "spent": spent});
        writeln!(cx.out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::Ok);
    }
    if rows.is_empty() {
        writeln!(
            cx.out,
            "{}",
            cx.say(
                "Nenhum modelo foi consultado nesse período.",
                "No model was asked in that time."
            )
        )?;
    } else {
        table(cx, &rows)?;
        tell_totals(cx, &rows, &totals)?;
        tell_not_asked(cx, &rows)?;
    }
    tell_budget(cx, &config.models.budget, spent)?;
    Ok(ExitCode::Ok)
}

/// Says how much of the budget is spent, by UTC's day and month.
fn tell_budget(cx: &mut CliCx<'_>, budget: &BudgetSettings, spent: Spent) -> anyhow::Result<()> {
    let periods = [
        (cx.say("hoje", "today"), budget.daily_usd, spent.day),
        (cx.say("neste mês", "this month"), budget.monthly_usd, spent.month),
    ];
    let (label, of) = (cx.say("Orçamento", "Budget"), cx.say("de", "of"));
    for (period, limit, micros) in periods {
        let Some(limit) = limit else { continue };
        writeln!(cx.out, "{label} ({period}, UTC): US$ {} {of} {limit}", usd(micros))?;
    }
    Ok(())
}

/// A rung without a price is not free. What it cost is known where it cost something, where nothing was answered, and
/// where the settings say that it costs nothing.
fn is_cost_known(stats: &ModelStats, models: &ModelSettings) -> bool {
    let rungs = [("primary", &models.primary), ("escalation", &models.escalation)];
    let is_free = || {
        rungs.iter().any(|(name, rung)| {
            *name == stats.rung && rung.model.as_ref() == Some(&stats.model) && is_priced(rung)
        })
    };
    let spent = stats.ok > 0 || stats.tokens_input + stats.tokens_output > 0;
    stats.cost_micros > 0 || !spent || is_free()
}

fn table(cx: &mut CliCx<'_>, rows: &[Row]) -> anyhow::Result<()> {
    writeln!(
        cx.out,
        "{:<11} {:<24} {:<9} {:>9} {:>6} {:>7} {:>9} {:>9} {:>12}",
        cx.say("nível", "rung"),
        cx.say("modelo", "model"),
        cx.say("para", "for"),
        cx.say("perguntas", "questions"),
        "%",
        "ok %",
        cx.say("média ms", "mean ms"),
        "p95 ms",
        "US$",
    )?;
    for Row { stats: one, cost_known } in rows {
        let ok = percent(one.ok, one.calls);
        let cost = if *cost_known { usd(micros(one.cost_micros)) } else { "?".to_owned() };
        writeln!(
            cx.out,
            "{:<11} {:<24} {:<9} {:>9} {:>6.1} {ok:>7.1} {:>9.0} {:>9} {cost:>12}",
            one.rung,
            one.model,
            one.purpose,
            one.calls,
            one.share * 100.0,
            one.mean_ms,
            one.p95_ms,
        )?;
    }
    Ok(())
}

fn tell_totals(cx: &mut CliCx<'_>, rows: &[Row], totals: &ModelTotals) -> anyhow::Result<()> {
    let cost = micros(totals.cost_micros);
    let unknown: Vec<&Row> = rows.iter().filter(|row| !row.cost_known).collect();
    let total = if unknown.is_empty() {
        let tickets = u64::try_from(totals.tickets.max(1)).unwrap_or(1);
        let each = cx.say("por ticket", "per ticket");
        format!("Total: US$ {} · {each}: US$ {}", usd(cost), usd(cost / tickets))
    } else if cost == 0 {
        format!("Total: {}", cx.say("custo desconhecido (?)", "cost unknown (?)"))
    } else {
        format!(
            "Total: US$ {}, {}",
            usd(cost),
            cx.say("sem as linhas com ?", "without the lines with a ?")
        )
    };
    writeln!(
        cx.out,
        "\n{total} · {}: {} {} {} ({:.1} %)",
        cx.say("foram ao modelo mais capaz", "went to the more capable model"),
        totals.escalated_turns,
        cx.say("de", "of"),
        totals.turns,
        percent(totals.escalated_turns, totals.turns),
    )?;
    let mut sections: Vec<String> =
        unknown.iter().map(|row| format!("[models.{}]", row.stats.rung)).collect();
    sections.sort();
    sections.dedup();
    if !sections.is_empty() {
        writeln!(
            cx.out,
            "? {} {}",
            cx.say(
                "não havia preço; para as próximas perguntas, defina price_input e price_output em",
                "there was no price; for the questions to come, set price_input and price_output in"
            ),
            sections.join(", "),
        )?;
    }
    Ok(())
}

fn tell_not_asked(cx: &mut CliCx<'_>, rows: &[Row]) -> anyhow::Result<()> {
    let sum = |count: fn(&ModelStats) -> i64| rows.iter().map(|row| count(&row.stats)).sum::<i64>();
    let reasons = [
        (
            sum(|one| one.resting),
            cx.say(
                "não perguntado enquanto o endereço descansava de falhas",
                "not asked while resting after failures",
            ),
        ),
        (
            sum(|one| one.no_money),
            cx.say(
                "não perguntado porque o resto do orçamento não cobria a pergunta",
                "not asked because what was left of the budget did not cover the question",
            ),
        ),
        (
            sum(|one| one.no_room),
            cx.say(
                "não perguntado por falta de vez nos limites configurados",
                "not asked for lack of room in the limits that are set",
            ),
        ),
    ];
    for (count, what) in reasons.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(cx.out, "{what}: {count}")?;
    }
    Ok(())
}

fn micros(cost: i64) -> u64 {
    u64::try_from(cost).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions")]
fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
