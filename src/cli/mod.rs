//! The command line: one file per command, each with its `Args` and its `run`.
//!
//! A command writes to the streams it is handed, never to those of the process, so tests read what
//! people would. To add one: its file, a variant of `Command`, its line in `dispatch`, and its
//! Portuguese texts in `language`; tests name what is missing.

mod assistant;
mod channels;
mod classifier;
mod config;
mod customers;
mod demo;
mod incident;
mod init;
mod inspect;
mod knowledge;
mod labels;
mod language;
mod lines;
mod models;
mod notify;
mod policy;
mod privacy;
mod prompts;
mod queue;
mod serve;
mod sla;
mod store;
mod tickets;
mod tokens;
mod triage;
mod users;
mod verify;
mod webhooks;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{FromArgMatches as _, Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::adapters::cassette::{Cassette, EXAMPLE, MANIFEST, Manifest, Shelf, Unread};
use crate::adapters::model_cache::ModelCache;
use crate::config::{Config, Loaded, Severity, Sources, Words};
use crate::domain::labels::Locale;
use crate::policy::Pack;

/// Triage and answers for customer support
#[derive(Debug, Parser)]
#[command(
    name = "atende",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    subcommand_required = true
)]
struct Cli {
    /// Folder of everything that is stored (default: data)
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "data",
        hide_default_value = true
    )]
    data: PathBuf,

    /// Settings file (default: atende.toml in the data folder or here)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Language of the output: pt-BR or en (default: the system's)
    #[arg(
        long,
        global = true,
        value_name = "LANG",
        value_parser = ["pt-BR", "en"],
        ignore_case = true,
        hide_possible_values = true
    )]
    lang: Option<String>,

    /// Folder to record the language models' answers in, without personal data
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "replay")]
    record: Option<PathBuf>,

    /// Folder to take the language models' answers from; a question without a recording fails
    #[arg(long, global = true, value_name = "DIR")]
    replay: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Triage(triage::Args),
    Verify(verify::Args),
    Inspect(inspect::Args),
    Init(init::Args),
    #[command(subcommand, arg_required_else_help = true)]
    Classifier(classifier::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Config(config::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Policy(policy::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Knowledge(knowledge::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Privacy(privacy::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Models(models::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Labels(labels::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Prompts(prompts::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Store(store::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Queue(queue::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Sla(sla::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Tickets(tickets::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Assistant(assistant::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Incident(incident::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Notify(notify::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Channels(channels::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Webhooks(webhooks::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Tokens(tokens::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Users(users::Command),
    #[command(subcommand, arg_required_else_help = true)]
    Customers(customers::Command),
}

fn dispatch(cx: &mut CliCx<'_>, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(cx, &args),
        Command::Serve(args) => serve::run(cx, &args),
        Command::Triage(args) => triage::run(cx, &args),
        Command::Verify(args) => verify::run(cx, &args),
        Command::Inspect(args) => inspect::run(cx, &args),
        Command::Init(args) => init::run(cx, &args),
        Command::Classifier(command) => classifier::run(cx, &command),
        Command::Policy(policy::Command::Check(args)) => policy::run(cx, &args),
        Command::Knowledge(command) => knowledge::run(cx, &command),
        Command::Privacy(command) => privacy::run(cx, &command),
        Command::Models(command) => models::run(cx, &command),
        Command::Labels(command) => labels::run(cx, &command),
        Command::Prompts(command) => prompts::run(cx, &command),
        Command::Store(command) => store::run(cx, &command),
        Command::Queue(command) => queue::run(cx, &command),
        Command::Sla(command) => sla::run(cx, &command),
        Command::Tickets(command) => tickets::run(cx, &command),
        Command::Assistant(command) => assistant::run(cx, &command),
        Command::Incident(command) => incident::run(cx, &command),
        Command::Notify(command) => notify::run(cx, &command),
        Command::Channels(command) => channels::run(cx, &command),
        Command::Webhooks(command) => webhooks::run(cx, &command),
        Command::Tokens(command) => tokens::run(cx, &command),
        Command::Users(command) => users::run(cx, &command),
        Command::Customers(command) => customers::run(cx, &command),
        Command::Config(config::Command::Check(args)) => config::check(cx, &args),
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// It did what was asked: 0.
    Ok,
    /// It found problems, or could not do it: 1.
    Problems,
    /// It was not called the right way: 2.
    Usage,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(match code {
            ExitCode::Ok => 0,
            ExitCode::Problems => 1,
            ExitCode::Usage => 2,
        })
    }
}

/// What the process is handed by the system.
pub struct World<'a> {
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where messages go.
    pub err: &'a mut dyn Write,
    /// Where input comes from.
    pub stdin: &'a mut (dyn BufRead + Send),
    /// Whether a person is at the other end of `stdin`.
    pub stdin_is_terminal: bool,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The folder the command was called in.
    pub current_dir: PathBuf,
}

/// What every command works with.
pub struct CliCx<'a> {
    /// Where results go.
    pub out: &'a mut dyn Write,
    /// Where messages go.
    pub err: &'a mut dyn Write,
    /// Where input comes from.
    pub stdin: &'a mut (dyn BufRead + Send),
    /// Whether a person is at the other end of `stdin`.
    pub stdin_is_terminal: bool,
    /// The language of the output.
    pub lang: Locale,
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The settings file, when one was named.
    pub config_file: Option<PathBuf>,
    /// The folder the command was called in.
    pub current_dir: PathBuf,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Where answers of models are recorded, or come from.
    pub cassette: Option<Cassette>,
}

impl CliCx<'_> {
    /// Returns a fixed text in the language of the output.
    pub fn say(&self, pt: &'static str, en: &'static str) -> &'static str {
        Words { pt, en }.in_locale(self.lang)
    }

    /// Returns where trained models are kept: the user's cache, shared by all data folders. `None` where
    /// the environment names no home.
    pub fn model_cache(&self) -> Option<ModelCache> {
        let named = |name: &str| self.env.get(name).filter(|path| !path.is_empty());
        let cache = match named("XDG_CACHE_HOME") {
            Some(cache) => PathBuf::from(cache),
            None => Path::new(named("HOME")?).join(".cache"),
        };
        Some(ModelCache::new(&cache.join("atende").join("models")))
    }

    /// Calls `read` with the places settings come from.
    pub fn with_sources<T>(&self, read: impl FnOnce(&Sources<'_>) -> T) -> T {
        read(&Sources {
            file: self.config_file.clone(),
            data: self.data.clone(),
            current_dir: self.current_dir.clone(),
            env: self.env.clone(),
            packs: Pack::shipped(),
        })
    }

    /// Reads the settings and tells about every problem; `None` when the command cannot go on.
    pub fn settings(&mut self) -> io::Result<Option<Loaded>> {
        let mut loaded = self.with_sources(Config::load);
        if let Ok(loaded) = &mut loaded {
            loaded.config.models.cassette.clone_from(&self.cassette);
        }
        let problems = match &loaded {
            Ok(loaded) => &loaded.problems,
            Err(problems) => problems,
        };
        for problem in problems {
            writeln!(self.err, "{}", problem.describe(self.lang))?;
        }
        let loaded = loaded.ok();
        let records = matches!(self.cassette, Some(Cassette::Record(_)));
        let asks = loaded.as_ref().is_some_and(|it| it.config.models.primary.base_url.is_some());
        if records && loaded.is_some() && !asks {
            let what = self.say(
                "não há o que gravar: nenhum modelo está configurado; defina [models.primary] ou rode sem --record",
                "there is nothing to record: no model is configured; set [models.primary] or run without --record",
            );
            writeln!(self.err, "{}: {what}", self.say("erro", "error"))?;
            return Ok(None);
        }
        Ok(loaded)
    }

    /// Starts the threads that asynchronous commands run on.
    pub fn runtime(&self) -> anyhow::Result<Runtime> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start runtime")
    }
}

/// Reads the arguments and runs the command they name.
pub fn run(args: impl IntoIterator<Item = OsString>, world: World<'_>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let lang = language::choose(&args, &world.env);
    let World { out, err, stdin, stdin_is_terminal, env, current_dir } = world;
    let cli = language::command(lang)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => return language::explain(&error, lang, out, err),
    };
    let data = current_dir.join(&cli.data);
    let config_file = cli.config.map(|file| current_dir.join(file));
    let cassette = match (cli.record, cli.replay) {
        (Some(dir), _) => Some(Cassette::Record(current_dir.join(dir))),
        (None, Some(dir)) => Some(Cassette::Replay(Arc::new(Shelf::new(current_dir.join(dir))))),
        (None, None) => None,
    };
    let mut cx = CliCx {
        out,
        err,
        stdin,
        stdin_is_terminal,
        lang,
        data,
        config_file,
        current_dir,
        env,
        cassette,
    };
    let ended = playable(&cx).and_then(|()| dispatch(&mut cx, cli.command)).and_then(|code| {
        cx.out.flush()?;
        replayed(&mut cx, code)
    });
    ended.unwrap_or_else(|error| {
        // Whoever read our output has seen enough, as in `atende .. | head`.
        if is_broken_pipe(&error) {
            return ExitCode::Ok;
        }
        let label = cx.say("erro", "error");
        // With stderr gone there is nobody left to tell; the exit code still speaks.
        drop(writeln!(cx.err, "{label}: {error:#}"));
        ExitCode::Problems
    })
}

/// Refuses a folder without recordings before a command begins.
fn playable(cx: &CliCx<'_>) -> anyhow::Result<()> {
    let Some(Cassette::Replay(shelf)) = &cx.cassette else { return Ok(()) };
    let Err(unread) = Manifest::read(shelf.dir()) else { return Ok(()) };
    let dir = shelf.dir().display();
    let again = cx.say(
        "grave de novo com --record, ou traga o arquivo de volta",
        "record again with --record, or bring the file back",
    );
    match unread {
        Unread::Damaged(why) => anyhow::bail!(
            "{dir}/{MANIFEST} {} ({why}); {again}",
            cx.say("está danificado", "is damaged")
        ),
        Unread::Missing if shelf.has_recordings() => anyhow::bail!(
            "{} {dir}/{MANIFEST}, {}; {again}",
            cx.say("falta", "there is no"),
            cx.say(
                "que diz de quais modelos são as gravações",
                "which says which models the recordings are of"
            )
        ),
        Unread::Missing => anyhow::bail!(
            "{} {dir}; {}",
            cx.say("não há gravações em", "there are no recordings in"),
            cx.say(
                "indique em --replay uma pasta escrita com --record",
                "name in --replay a folder that --record wrote"
            )
        ),
    }
}

/// Says what recordings the answers came from, and fails where some were missing.
fn replayed(cx: &mut CliCx<'_>, code: ExitCode) -> anyhow::Result<ExitCode> {
    let Some(Cassette::Replay(shelf)) = cx.cassette.clone() else { return Ok(code) };
    let example = Manifest::read(shelf.dir()).is_ok_and(|manifest| manifest.note == EXAMPLE);
    if example && code == ExitCode::Ok {
        let note = cx.say(
            "As respostas dos modelos são exemplos escritos, gravados em",
            "The models' answers are written examples, recorded in",
        );
        let meaning = cx.say(
            "os números são um exemplo, não uma medição.",
            "the figures are an example, not a measurement.",
        );
        writeln!(cx.err, "{note} {}: {meaning}", shelf.dir().display())?;
    }
    let dir = shelf.dir().display();
    // Behind written examples there is no model to ask again.
    let again = if example {
        cx.say(
            "para os exemplos da demonstração, rode scripts/cassettes; para mensagens suas, grave com --record",
            "for the demonstration's examples run scripts/cassettes; for messages of your own record with --record",
        )
    } else {
        cx.say("grave de novo com --record", "record again with --record")
    };
    let missed = match (shelf.missed(), cx.lang) {
        (0, _) => None,
        (1, Locale::PtBr) => {
            Some(format!("1 pergunta aos modelos não tem gravação em {dir}; {again}"))
        }
        (many, Locale::PtBr) => {
            Some(format!("{many} perguntas aos modelos não têm gravação em {dir}; {again}"))
        }
        (1, Locale::En) => Some(format!("1 question to models has no recording in {dir}; {again}")),
        (many, Locale::En) => {
            Some(format!("{many} questions to models have no recording in {dir}; {again}"))
        }
    };
    let todo = cx.say("está danificado: apague o arquivo", "is damaged: delete the file");
    let damaged =
        shelf.damaged().into_iter().map(|file| format!("{} {todo}; {again}", file.display()));
    let told: Vec<String> = missed.into_iter().chain(damaged).collect();
    for line in &told {
        writeln!(cx.err, "{line}")?;
    }
    Ok(if told.is_empty() { code } else { ExitCode::Problems })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether there is a command of that name, e.g. `["config", "check"]`.
fn exists(path: &[&str]) -> bool {
    let root = <Cli as clap::CommandFactory>::command();
    let mut at = Some(&root);
    for name in path {
        at = at.and_then(|command| command.find_subcommand(name));
    }
    at.is_some()
}

/// Whether the settings can be used.
fn usable(loaded: &Loaded) -> bool {
    loaded.problems.iter().all(|problem| problem.severity == Severity::Warning)
}

#[cfg(test)]
mod tests;
