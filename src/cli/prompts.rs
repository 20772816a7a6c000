//! `atende prompts`: what language models are told.

use clap::Subcommand;
use serde_json::json;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::prompts::{Prompt, Prompts, sample_context, sample_schema, variables};

/// Show and check what language models are told
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

/// Show a prompt: what it is for, its variables, its samples, the shape of its answer
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The prompt's name, such as draft.en
    #[arg(value_name = "PROMPT")]
    prompt: String,

    #[command(flatten)]
    whose: Whose,
}

/// Show a prompt as a model reads it, filled with one of its samples
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

/// Check every prompt and tell everything that is wrong, line by line
///
/// Every variable exists, customers' and articles' words are inserted once, as data, the answer asked for has what the program
/// reads, and each sample fills its prompt. Also says which files of the folder are not read. Ends with 1 if there are
/// problems.
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
                writeln!(cx.err, "{}", problem.render(cx.lang))?;
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
        Command::Check(_) => check(cx, &prompts),
    }
}

fn check(cx: &mut CliCx<'_>, prompts: &Prompts) -> anyhow::Result<ExitCode> {
    for note in prompts.notes() {
        writeln!(cx.err, "{}: {}", cx.say("aviso", "warning"), note.render(cx.lang))?;
    }
    let (own, pieces) = (prompts.own_files(), prompts.pieces());
    let of_the_business = match own.len() {
        0 => cx.say("nenhum arquivo é da empresa", "no file is the business's own").to_owned(),
        1 => {
            format!("{}: {}", cx.say("1 é da empresa", "1 is the business's own"), own.join(", "))
        }
        count => format!(
            "{count} {}: {}",
            cx.say("são da empresa", "are the business's own"),
            own.join(", ")
        ),
    };
    writeln!(
        cx.out,
        "{} {} {pieces} {}; {of_the_business}",
        prompts.all().count(),
        cx.say("prompts e", "prompts and"),
        match pieces {
            1 => cx.say("peça em ordem", "piece in order"),
            _ => cx.say("peças em ordem", "pieces in order"),
        },
    )?;
    Ok(ExitCode::Ok)
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
                "overridden": prompt.overridden, "own_files": prompt.own_files, "purpose": prompt.purpose,
                "samples": samples,
            });
            writeln!(cx.out, "{line}")?;
        } else {
            let own = match prompt.own_files.as_slice() {
                [] => String::new(),
                files => format!(" ({}: {})", cx.say("da empresa", "own"), files.join(", ")),
            };
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
    variables_of(cx, prompt)?;
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

/// Lists what a prompt can show, the words of others apart: they go in through `data`.
fn variables_of(cx: &mut CliCx<'_>, prompt: &Prompt) -> anyhow::Result<()> {
    let (own, data) = (
        cx.say("Variáveis", "Variables"),
        cx.say(
            "Variáveis com palavras de outras pessoas: entram uma vez, por {{data \"nome\" variável}}",
            "Variables with somebody else's words: inserted once, through {{data \"name\" variable}}",
        ),
    );
    for (title, is_data) in [(own, false), (data, true)] {
        writeln!(cx.out, "{title}:")?;
        for one in variables(&prompt.id) {
            let paths = one.paths().into_iter().filter(|(_, of_others)| *of_others == is_data);
            let paths = paths.map(|(path, _)| path).collect::<Vec<_>>().join(", ");
            if !paths.is_empty() {
                writeln!(cx.out, "  {paths}: {}", one.meaning().in_locale(cx.lang))?;
            }
        }
    }
    Ok(())
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
        .render(prompt, sample_context(prompt, chosen))
        .map_err(|why| anyhow::anyhow!("{why}"))?;
    for message in messages {
        writeln!(cx.out, "=== {}\n{}\n", message.role, message.text)?;
    }
    Ok(ExitCode::Ok)
}
