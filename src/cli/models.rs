//! `atende models`: whether the configured language models work, and what they did.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::openai::{OpenAi, OutputMode};
use crate::adapters::store::{ModelStats, ModelTotals};
use crate::app::{Stores, endpoints};
use crate::domain::ids::TenantId;
use crate::ports::Clock as _;
use crate::ports::chat::{
    ChatAnswer, ChatError, ChatErrorKind, ChatMessage, ChatModel as _, ChatRequest, OutputSchema,
    Purpose, Role,
};

/// How long one check may take.
const CHECK: Duration = Duration::from_mins(1);
/// How long the list of models is waited for.
const LIST: Duration = Duration::from_secs(10);

/// Look at the language models
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(CheckArgs),
    Stats(StatsArgs),
}

/// Ask each configured model once and say what it supports
///
/// Costs one short question a model. Ends with 1 when a model does not answer as it should.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show what models were asked, how long they took and what it cost
#[derive(Debug, clap::Args)]
pub(super) struct StatsArgs {
    /// How many days back
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,

    /// Whose (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(args) => check(cx, args),
        Command::Stats(args) => stats(cx, args),
    }
}

/// What a check found of one endpoint.
struct Checked {
    section: &'static str,
    asked: String,
    url: String,
    output: OutputMode,
    answer: Result<ChatAnswer, ChatError>,
    shutdown: Option<String>,
}

fn check(cx: &mut CliCx<'_>, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if cx.cassette.is_some() {
        writeln!(
            cx.err,
            "{}",
            cx.say(
                "models check pergunta aos modelos de verdade: não aceita --record nem --replay",
                "models check asks the real models: it takes neither --record nor --replay"
            )
        )?;
        return Ok(ExitCode::Usage);
    }
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let runtime = cx.runtime()?;
    let rungs = {
        let _inside = runtime.enter();
        endpoints(&loaded.config)?
    };
    if rungs.is_empty() {
        writeln!(
            cx.err,
            "{}",
            cx.say(
                "nenhum modelo de linguagem está configurado: veja [models.primary]",
                "no language model is set: see [models.primary]"
            )
        )?;
        return Ok(ExitCode::Problems);
    }
    let mut found = Vec::new();
    for (section, model) in &rungs {
        found.push(runtime.block_on(checked(section, model)));
    }
    let fine = found.iter().all(|one| one.answer.is_ok());
    if args.json {
        let all: Vec<Value> = found.iter().map(as_json).collect();
        writeln!(cx.out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        for one in &found {
            tell(cx, one)?;
        }
    }
    Ok(if fine { ExitCode::Ok } else { ExitCode::Problems })
}

async fn checked(section: &'static str, model: &OpenAi) -> Checked {
    let settings = model.settings();
    let word = |role: Role, text: &str| ChatMessage { role, text: text.to_owned() };
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["language", "greeting"],
        "properties": {
            "language": {"type": "string", "enum": ["pt-BR", "en"]},
            "greeting": {"type": "boolean"},
        },
    });
    let request = ChatRequest {
        purpose: Purpose::Check,
        prompt: "check@1".to_owned(),
        messages: vec![
            word(
                Role::System,
                "Say in JSON which language the message is in, and whether it is a greeting.",
            ),
            word(Role::User, "bom dia, tudo bem?"),
        ],
        output: Some(OutputSchema { name: "check".to_owned(), schema }),
        max_output: None,
        repeat: 0,
        deadline: CHECK,
    };
    let answer = model.ask(&request).await;
    let shutdown = match &answer {
        Ok(_) => model.shutdown_date(LIST).await,
        Err(_) => None,
    };
    Checked {
        section,
        asked: settings.model.clone(),
        url: settings.base_url.clone(),
        output: settings.output_mode(),
        answer,
        shutdown,
    }
}

fn as_json(one: &Checked) -> Value {
    let mut value = json!({
        "section": one.section, "base_url": one.url, "model": one.asked, "output": one.output,
        "ok": one.answer.is_ok(), "shutdown_date": one.shutdown,
    });
    let more = match &one.answer {
        Ok(answer) => json!({
            "answered_by": answer.model, "tokens": answer.tokens, "cost_micros": answer.cost_micros,
            "took_ms": millis(answer.took), "attempts": answer.attempts, "logprobs": answer.probability.is_some(),
        }),
        Err(error) => json!({
            "error": error.kind, "status": error.status, "code": error.code, "detail": error.detail,
            "took_ms": millis(error.took), "attempts": error.attempts,
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn tell(cx: &mut CliCx<'_>, one: &Checked) -> anyhow::Result<()> {
    writeln!(cx.out, "[{}] {} · {}", one.section, one.asked, one.url)?;
    match &one.answer {
        Ok(answer) => {
            let output = one.output;
            writeln!(
                cx.out,
                "  {}: {output}",
                cx.say("responde na forma pedida", "answers in the shape asked for")
            )?;
            let again = if answer.attempts > 1 {
                format!(" ({} {})", answer.attempts, cx.say("tentativas", "attempts"))
            } else {
                String::new()
            };
            writeln!(cx.out, "  {}: {} ms{again}", cx.say("demorou", "took"), millis(answer.took))?;
            let tokens = answer.tokens;
            let counted = tokens.input + tokens.output > 0;
            if counted {
                writeln!(
                    cx.out,
                    "  {}: {} {} ({} {}), {} {}",
                    cx.say("tokens", "tokens"),
                    tokens.input,
                    cx.say("da pergunta", "of the question"),
                    tokens.cached,
                    cx.say("já prontos", "cached"),
                    tokens.output,
                    cx.say("da resposta", "of the answer"),
                )?;
            } else {
                writeln!(
                    cx.out,
                    "! {}",
                    cx.say(
                        "não conta tokens: custo e orçamento ficam sem valor",
                        "counts no tokens: cost and budget stay without effect"
                    )
                )?;
            }
            writeln!(cx.out, "  {}: US$ {}", cx.say("custou", "cost"), usd(answer.cost_micros))?;
            let logprobs = if answer.probability.is_some() {
                cx.say("sim", "yes")
            } else {
                cx.say("não", "no")
            };
            writeln!(
                cx.out,
                "  {}: {logprobs}",
                cx.say("diz a probabilidade dos tokens", "tells the probability of tokens")
            )?;
            who_answered(cx, &answer.model, &one.asked)?;
        }
        Err(error) => {
            writeln!(cx.out, "! {}: {error}", cx.say("não respondeu", "did not answer"))?;
            writeln!(cx.out, "  {}", advice(cx, error.kind))?;
        }
    }
    if let Some(date) = &one.shutdown {
        writeln!(
            cx.out,
            "! {}: {date}",
            cx.say("o provedor desliga este modelo em", "the provider shuts this model down on")
        )?;
    }
    Ok(())
}

fn who_answered(cx: &mut CliCx<'_>, answered_by: &str, asked: &str) -> anyhow::Result<()> {
    if answered_by.is_empty() {
        writeln!(
            cx.out,
            "! {}",
            cx.say("não diz que modelo respondeu", "does not say which model answered")
        )?;
    } else if answered_by == asked {
        writeln!(cx.out, "  {}: {}", cx.say("respondeu", "answered by"), answered_by)?;
    } else {
        writeln!(
            cx.out,
            "! {}: {}, {} {}",
            cx.say("respondeu", "answered by"),
            answered_by,
            cx.say("e não", "not"),
            asked
        )?;
    }
    Ok(())
}

/// Says what to do about a failure.
fn advice(cx: &CliCx<'_>, kind: ChatErrorKind) -> &'static str {
    match kind {
        ChatErrorKind::Quota => cx.say(
            "a conta no provedor está sem crédito ou chegou ao limite de gasto: recarregue ou aumente o limite lá",
            "the account at the provider is out of credit or at its spending limit: top it up or raise the limit there",
        ),
        ChatErrorKind::RateLimited | ChatErrorKind::NoRoom => cx.say(
            "há requisições demais por minuto: baixe requests_per_minute ou peça um limite maior",
            "there are too many requests a minute: lower requests_per_minute or ask for a higher limit",
        ),
        ChatErrorKind::Overloaded | ChatErrorKind::Resting => cx.say(
            "o servidor está sobrecarregado ou ainda carregando o modelo: tente daqui a pouco",
            "the server is overloaded or still loads the model: try again in a while",
        ),
        ChatErrorKind::TooLong => cx.say(
            "a pergunta não cabe: aumente o contexto no servidor e em `context`",
            "the question does not fit: raise the context on the server and in `context`",
        ),
        ChatErrorKind::Filtered | ChatErrorKind::Refused => cx.say(
            "o provedor recusou uma pergunta inofensiva: este modelo não serve",
            "the provider declined a harmless question: this model will not do",
        ),
        ChatErrorKind::CutOff | ChatErrorKind::Empty => cx.say(
            "a resposta não coube: aumente max_output, ou use effort = \"none\" ou \"low\" em modelos de raciocínio",
            "the answer did not fit: raise max_output, or set effort = \"none\" or \"low\" for a reasoning model",
        ),
        ChatErrorKind::BadShape => cx.say(
            "a resposta não tem a forma pedida: tente outro `output` (json_schema, json_object, prompt) ou outro modelo",
            "the answer has not the shape asked for: try another `output` (json_schema, json_object, prompt) or model",
        ),
        ChatErrorKind::BadReply => cx.say(
            "isto não é um endereço compatível com a OpenAI: confira base_url",
            "this is no OpenAI-compatible address: check base_url",
        ),
        ChatErrorKind::Key => cx.say(
            "a chave falta, está errada ou não pode usar este modelo: confira key_file",
            "the key is missing, wrong, or may not use this model: check key_file",
        ),
        ChatErrorKind::Rejected => cx.say(
            "o servidor não aceita o pedido: confira o nome em `model`, o `profile` e os campos em `fields`",
            "the server does not take the request: check the name in `model`, the `profile` and `fields`",
        ),
        ChatErrorKind::Connection => cx.say(
            "não houve conexão: confira base_url e se o servidor está no ar",
            "no connection came about: check base_url and whether the server runs",
        ),
        ChatErrorKind::Tls => cx.say(
            "a conexão segura falhou: confira se o endereço é https e se o certificado vale",
            "the secure connection failed: check that the address is https and its certificate valid",
        ),
        ChatErrorKind::TimedOut => cx.say(
            "não respondeu a tempo: aumente timeout_secs ou use um modelo mais rápido",
            "no answer in time: raise timeout_secs or use a faster model",
        ),
        ChatErrorKind::NotRecorded => cx.say(
            "a gravação não tem esta pergunta: grave-a com --record",
            "the recording has no such question: record it with --record",
        ),
    }
}

fn stats(cx: &mut CliCx<'_>, args: &StatsArgs) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    // What was stored may be of a business that the settings do not name any more, such as the demo's.
    let stored = args.tenant.as_deref().and_then(TenantId::parse);
    let Some(tenant) = stored
        .map_or_else(|| tenant_of(cx, &loaded.config, args.tenant.as_deref()), |id| Ok(Some(id)))?
    else {
        return Ok(ExitCode::Problems);
    };
    super::store::ensure_stored(cx, &loaded.config)?;
    let since = SystemClock::default().now() - chrono::Duration::days(i64::from(args.days));
    let (models, totals) = cx.runtime()?.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        anyhow::Ok(store.model_stats(&tenant, since).await?)
    })?;
    if args.json {
        let all = json!({"since": since, "models": models, "totals": totals});
        writeln!(cx.out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::Ok);
    }
    if models.is_empty() {
        writeln!(
            cx.out,
            "{}",
            cx.say("Nenhum modelo foi consultado nesse tempo.", "No model was asked in that time.")
        )?;
        return Ok(ExitCode::Ok);
    }
    table(cx, &models, &totals)?;
    Ok(ExitCode::Ok)
}

fn table(cx: &mut CliCx<'_>, models: &[ModelStats], totals: &ModelTotals) -> anyhow::Result<()> {
    writeln!(
        cx.out,
        "{:<11} {:<24} {:<9} {:>9} {:>6} {:>7} {:>9} {:>9} {:>12}",
        cx.say("degrau", "rung"),
        cx.say("modelo", "model"),
        cx.say("para", "for"),
        cx.say("perguntas", "questions"),
        "%",
        "ok %",
        cx.say("média ms", "mean ms"),
        "p95 ms",
        "US$",
    )?;
    for one in models {
        let ok = percent(one.ok, one.calls);
        writeln!(
            cx.out,
            "{:<11} {:<24} {:<9} {:>9} {:>6.1} {ok:>7.1} {:>9.0} {:>9} {:>12}",
            one.rung,
            one.model,
            one.purpose,
            one.calls,
            one.share * 100.0,
            one.mean_ms,
            one.p95_ms,
            usd(u64::try_from(one.cost_micros).unwrap_or_default()),
        )?;
    }
    let cost = u64::try_from(totals.cost_micros).unwrap_or_default();
    let tickets = u64::try_from(totals.tickets.max(1)).unwrap_or(1);
    writeln!(
        cx.out,
        "\n{}: US$ {} · {}: US$ {} · {}: {} {} {} ({:.1} %)",
        cx.say("Total", "Total"),
        usd(cost),
        cx.say("por ticket", "per ticket"),
        usd(cost / tickets),
        cx.say("foram ao modelo mais capaz", "went to the more capable model"),
        totals.escalated_turns,
        cx.say("de", "of"),
        totals.turns,
        percent(totals.escalated_turns, totals.turns),
    )?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of questions")]
fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Shows millionths of a dollar as dollars.
pub(super) fn usd(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
