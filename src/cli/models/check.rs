//! `atende models check`: one harmless question to each model, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{is_priced, usd};
use crate::adapters::openai::{OpenAi, OutputMode, Profile, Unsent, WhyUnsent};
use crate::app::endpoints;
use crate::cli::{CliCx, ExitCode};
use crate::config::RungSettings;
use crate::domain::labels::Locale;
use crate::ports::chat::{
    ChatAnswer, ChatError, ChatErrorKind, ChatMessage, ChatModel as _, ChatRequest, OutputSchema,
    Purpose, Role,
};

/// How long one check may take.
const CHECK: Duration = Duration::from_mins(1);
/// How long the list of models is waited for.
const LIST: Duration = Duration::from_secs(10);

/// Ask each configured model once and say what it supports
///
/// Costs one short question per model. Ends with 1 when a model does not answer; what else is worth knowing is marked with "!".
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a check found of one endpoint.
struct Checked {
    section: &'static str,
    asked: String,
    url: String,
    profile: Profile,
    has_own_fields: bool,
    output: OutputMode,
    unsent: Vec<Unsent>,
    priced: bool,
    answer: Result<ChatAnswer, ChatError>,
    shutdown: Option<String>,
}

/// Who answered, held against who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answerer {
    Same,
    /// A version of the same model by its date, which providers answer with where only the name was asked for.
    Dated,
    Other,
    Untold,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if cx.cassette.is_some() {
        writeln!(
            cx.err,
            "{}",
            cx.say(
                "models check pergunta aos modelos de verdade: rode-o sem --record e sem --replay",
                "models check asks the real models: run it without --record and --replay"
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
                "nenhum modelo de linguagem está configurado: preencha [models.primary]",
                "no language model is configured: fill in [models.primary]"
            )
        )?;
        return Ok(ExitCode::Problems);
    }
    let mut found = Vec::new();
    for (section, rung, model) in &rungs {
        found.push(runtime.block_on(checked(section, rung, model)));
    }
    let fine = found.iter().all(|one| one.answer.is_ok());
    if args.json {
        let all: Vec<Value> = found.iter().map(|one| as_json(one, cx.lang)).collect();
        writeln!(cx.out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        for one in &found {
            tell(cx, one)?;
        }
    }
    Ok(if fine { ExitCode::Ok } else { ExitCode::Problems })
}

async fn checked(section: &'static str, rung: &RungSettings, model: &OpenAi) -> Checked {
    let settings = model.settings();
    let request = question();
    let answer = model.ask(&request).await;
    let shutdown = match &answer {
        Ok(_) => model.shutdown_date(LIST).await,
        Err(_) => None,
    };
    let unsent = model.unsent(&request);
    let told = unsent.iter().any(|one| one.setting == "output");
    Checked {
        section,
        asked: settings.model.clone(),
        url: settings.base_url.clone(),
        profile: settings.profile,
        has_own_fields: settings.fields.is_some(),
        output: if told { OutputMode::Prompt } else { settings.output_mode() },
        unsent,
        priced: is_priced(rung),
        answer,
        shutdown,
    }
}

fn question() -> ChatRequest {
    let word = |role: Role, text: &str| ChatMessage { role, text: text.to_owned() };
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["language", "greeting"],
        "properties": {
            "language": {"type": "string", "enum": ["pt-BR", "en"]},
            "greeting": {"type": "boolean"},
        },
    });
    ChatRequest {
        purpose: Purpose::Check,
        prompt: "check@1".to_owned(),
        messages: vec![
            word(
                Role::System,
                "Say in JSON which language the message is in, and whether it is a greeting.",
            ),
            word(Role::User, "bom dia, tudo bem?"),
        ],
        output: Some(Arc::new(OutputSchema { name: "check".to_owned(), schema })),
        max_output: None,
        repeat: 0,
        deadline: CHECK,
    }
}

impl Checked {
    fn answerer(&self, answered_by: &str) -> Answerer {
        // Gemini keeps its models in a folder.
        let answered_by = answered_by.strip_prefix("models/").unwrap_or(answered_by);
        let asked = self.asked.strip_prefix("models/").unwrap_or(&self.asked);
        let newest = asked.strip_suffix("-latest").unwrap_or(asked);
        if answered_by.is_empty() {
            Answerer::Untold
        } else if answered_by == asked || answered_by == newest {
            Answerer::Same
        } else if answered_by
            .strip_prefix(newest)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(is_date)
        {
            Answerer::Dated
        } else {
            Answerer::Other
        }
    }
}

/// Whether a part of a name is a date as providers write them: 2025-08-07, 20250807, 0613 (June 13th), 2503 (March 2025).
fn is_date(text: &str) -> bool {
    let is = |text: &str, form: &str| NaiveDate::parse_from_str(text, form).is_ok();
    let only_digits = text.chars().all(|letter| letter.is_ascii_digit());
    match text.len() {
        10 => is(text, "%Y-%m-%d"),
        8 => only_digits && is(text, "%Y%m%d"),
        // A leap year, for the 29th of February.
        4 => {
            only_digits
                && (is(&format!("2024{text}"), "%Y%m%d") || is(&format!("20{text}01"), "%Y%m%d"))
        }
        _ => false,
    }
}

fn as_json(one: &Checked, lang: Locale) -> Value {
    let mut value = json!({
        "section": one.section, "base_url": one.url, "model": one.asked, "output": one.output,
        "unsent": one.unsent, "ok": one.answer.is_ok(), "shutdown_date": one.shutdown,
    });
    let more = match &one.answer {
        Ok(answer) => json!({
            "answered_by": Some(&answer.model).filter(|model| !model.is_empty()),
            "same_model": match one.answerer(&answer.model) {
                Answerer::Same | Answerer::Dated => Some(true),
                Answerer::Other => Some(false),
                Answerer::Untold => None,
            },
            "tokens": answer.tokens, "cost_micros": answer.cost_micros,
            "cost_known": one.priced && is_counted(answer),
            "took_ms": millis(answer.took), "attempts": answer.attempts, "logprobs": answer.probability.is_some(),
        }),
        Err(error) => json!({
            "error": error.kind, "status": error.status, "code": error.code,
            "detail": error.detail.in_locale(lang), "said": error.said,
            "took_ms": millis(error.took), "attempts": error.attempts,
        }),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

fn is_counted(answer: &ChatAnswer) -> bool {
    answer.tokens.input + answer.tokens.output > 0
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn tell(cx: &mut CliCx<'_>, one: &Checked) -> anyhow::Result<()> {
    writeln!(cx.out, "[{}] {} · {}", one.section, one.asked, one.url)?;
    match &one.answer {
        Ok(answer) => tell_answer(cx, one, answer)?,
        Err(error) => tell_error(cx, error)?,
    }
    tell_unsent(cx, one)?;
    if let Some(date) = &one.shutdown {
        writeln!(
            cx.out,
            "! {}: {date}",
            cx.say("o provedor desliga este modelo em", "the provider shuts this model down on")
        )?;
    }
    Ok(())
}

fn tell_answer(cx: &mut CliCx<'_>, one: &Checked, answer: &ChatAnswer) -> anyhow::Result<()> {
    let output = one.output;
    let shape = cx.say("responde na forma pedida", "answers in the shape asked for");
    writeln!(cx.out, "  {shape}: {output}")?;
    let again = if answer.attempts > 1 {
        format!(" ({} {})", answer.attempts, cx.say("tentativas", "attempts"))
    } else {
        String::new()
    };
    writeln!(cx.out, "  {}: {} ms{again}", cx.say("demorou", "took"), millis(answer.took))?;
    tell_cost(cx, one, answer)?;
    let logprobs =
        if answer.probability.is_some() { cx.say("sim", "yes") } else { cx.say("não", "no") };
    writeln!(
        cx.out,
        "  {}: {logprobs}",
        cx.say("informa a probabilidade dos tokens", "gives token probabilities")
    )?;
    tell_answerer(cx, one, &answer.model)
}

fn tell_cost(cx: &mut CliCx<'_>, one: &Checked, answer: &ChatAnswer) -> anyhow::Result<()> {
    if !is_counted(answer) {
        writeln!(
            cx.out,
            "! {}",
            cx.say(
                "não informa os tokens: cada pergunta conta como o máximo que pode ter custado",
                "reports no tokens: each question counts as the most that it may have cost"
            )
        )?;
        return Ok(());
    }
    let tokens = answer.tokens;
    writeln!(
        cx.out,
        "  {}: {} {} ({} {}), {} {}",
        cx.say("tokens", "tokens"),
        tokens.input,
        cx.say("na pergunta", "in the question"),
        tokens.cached,
        cx.say("em cache", "cached"),
        tokens.output,
        cx.say("na resposta", "in the answer"),
    )?;
    if one.priced {
        writeln!(cx.out, "  {}: US$ {}", cx.say("custou", "cost"), usd(answer.cost_micros))?;
        return Ok(());
    }
    writeln!(
        cx.out,
        "  {} [{}]; {}",
        cx.say(
            "custo desconhecido: defina price_input e price_output em",
            "cost unknown: set price_input and price_output in"
        ),
        one.section,
        cx.say("escreva 0 se nada é cobrado", "write 0 where nothing is charged"),
    )?;
    Ok(())
}

fn tell_answerer(cx: &mut CliCx<'_>, one: &Checked, answered_by: &str) -> anyhow::Result<()> {
    let (asked, who) = (&one.asked, cx.say("respondeu", "answered by"));
    match one.answerer(answered_by) {
        Answerer::Same => writeln!(cx.out, "  {who}: {answered_by}")?,
        Answerer::Dated => {
            let dated = cx.say("a versão datada de", "the dated version of");
            writeln!(cx.out, "  {who}: {answered_by}, {dated} {asked}")?;
        }
        Answerer::Other => {
            let (not, other) = (cx.say("e não", "not"), cx.say("outro modelo", "another model"));
            writeln!(cx.out, "! {who}: {answered_by}, {not} {asked}: {other}")?;
        }
        Answerer::Untold => writeln!(
            cx.out,
            "! {}",
            cx.say(
                "o endereço não diz qual modelo respondeu: uma troca não seria notada",
                "the endpoint does not tell which model answered: a change would go unnoticed"
            )
        )?,
    }
    Ok(())
}

fn tell_error(cx: &mut CliCx<'_>, error: &ChatError) -> anyhow::Result<()> {
    let mut facts = error.kind.to_string();
    if let Some(status) = error.status {
        facts.push_str(", HTTP ");
        facts.push_str(&status.to_string());
    }
    if let Some(code) = &error.code {
        facts.push_str(", ");
        facts.push_str(code);
    }
    let none = cx.say("não respondeu", "did not answer");
    writeln!(cx.out, "! {none}: {} ({facts})", error.detail.in_locale(cx.lang))?;
    if let Some(said) = &error.said {
        writeln!(cx.out, "  {}: {said}", cx.say("o endereço diz", "the endpoint says"))?;
    }
    let advice = if is_unknown_model(error) {
        cx.say(
            "confira o nome em `model`: este endereço não tem um modelo assim",
            "check the name in `model`: this endpoint has no such model",
        )
    } else {
        advice(cx, error.kind)
    };
    writeln!(cx.out, "  {advice}")?;
    Ok(())
}

/// A server that knows the address and not the model says so in its code or in its words.
fn is_unknown_model(error: &ChatError) -> bool {
    let says_model = |text: &Option<String>| {
        text.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("model"))
    };
    error.status == Some(404) && (says_model(&error.code) || says_model(&error.said))
}

/// Names the settings that do not reach the endpoint, and why.
fn tell_unsent(cx: &mut CliCx<'_>, one: &Checked) -> anyhow::Result<()> {
    let head = cx.say("configurado, mas não enviado", "set, but not sent");
    for why in [WhyUnsent::NotListed, WhyUnsent::Thinks] {
        let of_it = one.unsent.iter().filter(|unsent| unsent.why == why);
        let names: Vec<String> = of_it
            .map(|Unsent { setting, field, .. }| {
                if setting == field {
                    (*setting).to_owned()
                } else {
                    format!("{setting} ({field})")
                }
            })
            .collect();
        if names.is_empty() {
            continue;
        }
        let names = names.join(", ");
        let (own, profile) = (one.has_own_fields, one.profile);
        let because = match (why, cx.lang) {
            (WhyUnsent::Thinks, Locale::PtBr) => {
                "modelos da OpenAI não o aceitam enquanto raciocinam (effort)".to_owned()
            }
            (WhyUnsent::Thinks, Locale::En) => {
                "models of OpenAI do not take it while they think (effort)".to_owned()
            }
            (WhyUnsent::NotListed, Locale::PtBr) if own => "fora de `fields`".to_owned(),
            (WhyUnsent::NotListed, Locale::En) if own => "not among `fields`".to_owned(),
            (WhyUnsent::NotListed, Locale::PtBr) => {
                format!(
                    "o perfil {profile} não envia isso; se este endereço aceita, defina `fields`"
                )
            }
            (WhyUnsent::NotListed, Locale::En) => {
                format!(
                    "the profile {profile} does not send that; if this endpoint takes it, set `fields`"
                )
            }
        };
        writeln!(cx.out, "! {head}: {names}; {because}")?;
    }
    Ok(())
}

/// Says what to do about a failure.
fn advice(cx: &CliCx<'_>, kind: ChatErrorKind) -> &'static str {
    match kind {
        ChatErrorKind::Quota => cx.say(
            "recarregue a conta no provedor, ou aumente o limite lá",
            "top the account up at the provider, or raise the limit there",
        ),
        ChatErrorKind::RateLimited | ChatErrorKind::NoRoom => cx.say(
            "baixe requests_per_minute, ou peça ao provedor um limite maior",
            "lower requests_per_minute, or ask the provider for a higher limit",
        ),
        ChatErrorKind::Overloaded | ChatErrorKind::Resting => cx.say(
            "tente daqui a pouco; se continuar, veja o log do servidor",
            "try again in a while; if it stays so, look at the server's log",
        ),
        ChatErrorKind::TooLong => cx.say(
            "aumente o contexto no servidor e em `context`",
            "raise the context on the server and in `context`",
        ),
        ChatErrorKind::Filtered | ChatErrorKind::Refused => cx.say(
            "a pergunta era inofensiva: este modelo não serve",
            "the question was harmless: this model will not do",
        ),
        ChatErrorKind::CutOff | ChatErrorKind::Empty => cx.say(
            "aumente max_output, ou use effort = \"none\" ou \"low\" em modelos de raciocínio",
            "raise max_output, or set effort = \"none\" or \"low\" for a reasoning model",
        ),
        ChatErrorKind::BadShape => cx.say(
            "tente outro `output` (json_schema, json_object, prompt) ou outro modelo",
            "try another `output` (json_schema, json_object, prompt) or another model",
        ),
        ChatErrorKind::BadReply => cx.say(
            "confira base_url: ali não responde um servidor compatível com a OpenAI",
            "check base_url: no OpenAI-compatible server answers there",
        ),
        ChatErrorKind::Key => cx.say(
            "confira key_file, e se a chave é a deste endereço e ainda vale",
            "check key_file, and that the key is the one of this endpoint and still valid",
        ),
        ChatErrorKind::Forbidden => cx.say(
            "veja no provedor se a conta e o projeto podem usar este modelo, e se ele atende o país de onde se pergunta",
            "see at the provider whether account and project may use this model, and whether it serves the country \
             that you ask from",
        ),
        ChatErrorKind::Rejected => cx.say(
            "confira base_url, o nome em `model`, o `profile` e os campos em `fields`",
            "check base_url, the name in `model`, the `profile` and `fields`",
        ),
        ChatErrorKind::Connection => cx.say(
            "confira base_url e se o servidor está no ar",
            "check base_url and whether the server runs",
        ),
        ChatErrorKind::Broken => cx.say(
            "o servidor, ou um proxy no caminho, fechou a conexão: veja o log deles",
            "the server, or a proxy on the way, closed the connection: look at their logs",
        ),
        ChatErrorKind::Tls => cx.say(
            "confira se o endereço é mesmo https e se o certificado vale",
            "check that the address really is https and its certificate valid",
        ),
        ChatErrorKind::TimedOut => cx.say(
            "aumente timeout_secs ou use um modelo mais rápido",
            "raise timeout_secs or use a faster model",
        ),
        ChatErrorKind::NoMoney => {
            cx.say("aumente o orçamento em [models.budget]", "raise the budget in [models.budget]")
        }
        ChatErrorKind::NotRecorded | ChatErrorKind::BadRecording => {
            cx.say("grave a pergunta com --record", "record the question with --record")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::LocalText;

    #[test]
    fn a_dated_version_is_told_from_another_model() {
        for (asked, answered_by, expected) in [
            ("gpt-5-mini", "gpt-5-mini", Answerer::Same),
            ("gpt-5-mini", "gpt-5-mini-2025-08-07", Answerer::Dated),
            ("claude-sonnet-4", "claude-sonnet-4-20250514", Answerer::Dated),
            ("gpt-4", "gpt-4-0613", Answerer::Dated),
            ("mistral-small", "mistral-small-2503", Answerer::Dated),
            ("mistral-small-latest", "mistral-small-2503", Answerer::Dated),
            ("gemini-2.5-flash", "models/gemini-2.5-flash", Answerer::Same),
            ("gpt-5-mini", "gpt-5-mini-2025-13-07", Answerer::Other),
            ("gpt-5-mini", "gpt-5-mini-2025-8-7", Answerer::Other),
            ("gpt-5-mini", "gpt-5-mini-high", Answerer::Other),
            ("gpt-5", "gpt-5-mini", Answerer::Other),
            ("gpt-5", "gpt-5-mini-2025-08-07", Answerer::Other),
            ("gpt-5-mini-2025-08-07", "gpt-5-mini", Answerer::Other),
            ("qwen-7", "qwen-7-9999", Answerer::Other),
            ("gpt-5-mini", "", Answerer::Untold),
        ] {
            let one = Checked {
                section: "models.primary",
                asked: asked.to_owned(),
                url: String::new(),
                profile: Profile::Other,
                has_own_fields: false,
                output: OutputMode::Prompt,
                unsent: Vec::new(),
                priced: false,
                answer: Err(ChatError::new(ChatErrorKind::Empty, LocalText::default())),
                shutdown: None,
            };
            assert_eq!(one.answerer(answered_by), expected, "{asked} {answered_by}");
        }
    }
}
