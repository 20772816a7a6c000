//! `atende prompts`: what language models are told.

use clap::Subcommand;
use serde_json::json;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::prompts::{Prompt, Prompts, sample_context, sample_schema};

/// Look at what language models are told
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(ListArgs),
    Show(ShowArgs),
    Render(RenderArgs),
    Check(CheckArgs),
}

/// List the prompts with their purpose and hash
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    whose: Whose,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show a prompt: what it is for, the shape of its answer, its samples
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The prompt's name, such as draft.en
    #[arg(value_name = "PROMPT")]
    prompt: String,

    #[command(flatten)]
    whose: Whose,
}

/// Show a prompt as a model would read it, with one of its samples
#[derive(Debug, clap::Args)]
pub(super) struct RenderArgs {
    /// The prompt's name, such as draft.en
    #[arg(value_name = "PROMPT")]
    prompt: String,

    /// The sample to fill it with (default: its first)
    #[arg(long, value_name = "SAMPLE")]
    sample: Option<String>,

    #[command(flatten)]
    whose: Whose,
}

/// Check every prompt: it can be rendered with its samples, and customers' words stay data
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// Whose prompts (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let whose = match command {
        Command::List(args) => &args.whose,
        Command::Show(args) => &args.whose,
        Command::Render(args) => &args.whose,
        Command::Check(args) => &args.whose,
    };
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, whose.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    let folder = loaded.config.tenant(&tenant).and_then(|view| view.prompts.dir.clone());
    let prompts = match Prompts::load(folder.as_deref()) {
        Ok(prompts) => prompts,
        Err(problems) => {
            for problem in &problems {
                writeln!(cx.err, "{problem}")?;
            }
            return Ok(ExitCode::Problems);
        }
    };
    match command {
        Command::List(args) => list(cx, &prompts, args.json),
        Command::Show(args) => match named(cx, &prompts, &args.prompt)? {
            Some(prompt) => show(cx, prompt),
            None => Ok(ExitCode::Problems),
        },
        Command::Render(args) => match named(cx, &prompts, &args.prompt)? {
            Some(prompt) => render(cx, &prompts, prompt, args.sample.as_deref()),
            None => Ok(ExitCode::Problems),
        },
        Command::Check(_) => {
            let count = prompts.all().count();
            let own = prompts.all().filter(|prompt| prompt.overridden).count();
            writeln!(
                cx.out,
                "{count} {}, {own} {}",
                cx.say("prompts em ordem", "prompts in order"),
                cx.say("da própria empresa", "of the business's own")
            )?;
            Ok(ExitCode::Ok)
        }
    }
}

fn named<'p>(
    cx: &mut CliCx<'_>,
    prompts: &'p Prompts,
    name: &str,
) -> anyhow::Result<Option<&'p Prompt>> {
    let found = prompts.named(name.trim_end_matches(".hbs"));
    if found.is_none() {
        let known: Vec<String> = prompts.all().map(Prompt::name).collect();
        writeln!(
            cx.err,
            "{}: {name}\n    {}: {}",
            cx.say("não há esse prompt", "there is no such prompt"),
            cx.say("há", "there are"),
            known.join(", ")
        )?;
    }
    Ok(found)
}

fn list(cx: &mut CliCx<'_>, prompts: &Prompts, as_json: bool) -> anyhow::Result<ExitCode> {
    for prompt in prompts.all() {
        let samples: Vec<&str> = prompt.samples.iter().map(|sample| sample.id.as_str()).collect();
        if as_json {
            let line = json!({
                "name": prompt.name(), "id": prompt.id, "locale": prompt.locale, "hash": prompt.hash,
                "overridden": prompt.overridden, "purpose": prompt.purpose, "samples": samples,
            });
            writeln!(cx.out, "{line}")?;
        } else {
            let own = if prompt.overridden { cx.say(" (da empresa)", " (own)") } else { "" };
            writeln!(
                cx.out,
                "{:<14} {}  {}{own}",
                prompt.name(),
                prompt.hash,
                prompt.purpose.in_locale(cx.lang)
            )?;
        }
    }
    Ok(ExitCode::Ok)
}

fn show(cx: &mut CliCx<'_>, prompt: &Prompt) -> anyhow::Result<ExitCode> {
    writeln!(cx.out, "{}\n{}", prompt.reference(), prompt.purpose.in_locale(cx.lang))?;
    if let Some(longest) = prompt.max_output {
        writeln!(cx.out, "{}: {longest} tokens", cx.say("Resposta mais longa", "Longest answer"))?;
    }
    let samples: Vec<&str> = prompt.samples.iter().map(|sample| sample.id.as_str()).collect();
    writeln!(cx.out, "{}: {}", cx.say("Exemplos", "Samples"), samples.join(", "))?;
    if let Some(schema) = sample_schema(prompt) {
        writeln!(
            cx.out,
            "{}:\n{}",
            cx.say(
                "Forma da resposta (com listas de exemplo)",
                "Shape of the answer (with sample lists)"
            ),
            serde_json::to_string_pretty(&schema)?
        )?;
    }
    Ok(ExitCode::Ok)
}

fn render(
    cx: &mut CliCx<'_>,
    prompts: &Prompts,
    prompt: &Prompt,
    sample: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let chosen = match sample {
        None => prompt.samples.first(),
        Some(id) => prompt.samples.iter().find(|one| one.id == id),
    };
    let Some(chosen) = chosen else {
        let known: Vec<&str> = prompt.samples.iter().map(|one| one.id.as_str()).collect();
        writeln!(
            cx.err,
            "{}: {}\n    {}: {}",
            cx.say("o prompt não tem esse exemplo", "the prompt has no such sample"),
            sample.unwrap_or_default(),
            cx.say("há", "there are"),
            known.join(", ")
        )?;
        return Ok(ExitCode::Problems);
    };
    let messages = prompts
        .render(prompt, &sample_context(prompt, chosen))
        .map_err(|why| anyhow::anyhow!("{why}"))?;
    for message in messages {
        writeln!(cx.out, "=== {}\n{}\n", message.role, message.text)?;
    }
    Ok(ExitCode::Ok)
}
