//! `atende tokens`: the bearer tokens of the API. A secret is shown once and never stored.

use std::sync::Arc;

use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{Scope, Store, TokenRow};
use crate::app::{Stores, mint_token};
use crate::domain::ids::TenantId;
use crate::ports::Clock;

/// Longest name of a token, in characters; it stands in the audit trail.
const NAME_MAX: usize = 80;

/// Make, list or revoke the API's tokens
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add(AddArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a token and print it, once
///
/// Scopes: ingest (hand in messages and tickets), read (tickets, queues, outbox), agent (review drafts and act
/// on tickets), customers (write customers), admin (declare incidents). The token goes to standard output, the
/// rest to standard error.
#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// What it is called, e.g. the system or the person that uses it
    #[arg(long, value_name = "NAME")]
    name: String,

    /// What it may do, separated by commas
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
    scopes: Vec<String>,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// List tokens, revoked ones too
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {}

/// Revoke a token; a running server refuses it within seconds
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// Its name or its id
    #[arg(value_name = "NAME")]
    token: String,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let asked = match command {
        Command::Add(args) => args.tenant.as_deref(),
        Command::Revoke(args) => args.tenant.as_deref(),
        Command::List(_) => None,
    };
    let Some(tenant) = tenant_of(cx, &loaded.config, asked)? else {
        return Ok(ExitCode::Problems);
    };
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        match command {
            Command::Add(args) => add(cx, &store, &tenant, args).await,
            Command::List(_) => list(cx, &store).await,
            Command::Revoke(args) => revoke(cx, &store, &tenant, &args.token).await,
        }
    })
}

/// Reads the name of a business and makes sure that the settings know it; `None` once it has said
/// what is wrong.
pub(super) fn tenant_of(
    cx: &mut CliCx<'_>,
    config: &crate::config::Config,
    asked: Option<&str>,
) -> anyhow::Result<Option<TenantId>> {
    let Some(asked) = asked else { return Ok(Some(TenantId::main())) };
    if let Some(tenant) = TenantId::parse(asked)
        && config.tenant(&tenant).is_some()
    {
        return Ok(Some(tenant));
    }
    let known: Vec<&str> =
        std::iter::once("main").chain(config.tenants.keys().map(TenantId::as_str)).collect();
    let (unknown, words) = (
        cx.say("a configuração não conhece esta empresa", "the settings know no such business"),
        cx.say("existem", "there are"),
    );
    writeln!(cx.err, "{unknown}: {asked}\n    {words}: {}", known.join(", "))?;
    Ok(None)
}

async fn add(
    cx: &mut CliCx<'_>,
    store: &Store,
    tenant: &TenantId,
    args: &AddArgs,
) -> anyhow::Result<ExitCode> {
    let name = args.name.trim();
    let usable = (1..=NAME_MAX).contains(&name.chars().count());
    if !usable || name.chars().any(char::is_control) {
        let problem = cx.say(
            "o nome precisa ter de 1 a 80 caracteres, em uma linha",
            "the name must have 1 to 80 characters, on one line",
        );
        writeln!(cx.err, "{problem}")?;
        return Ok(ExitCode::Problems);
    }
    let Some(scopes) = scopes_of(cx, &args.scopes)? else { return Ok(ExitCode::Problems) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let Some(bearer) = mint_token(store, &clock, tenant, name, &scopes).await? else {
        let taken = cx.say(
            "já existe um token com este nome; revogue-o antes ou escolha outro",
            "a token of this name exists; revoke it first or choose another",
        );
        writeln!(cx.err, "{name}: {taken}")?;
        return Ok(ExitCode::Problems);
    };
    writeln!(cx.out, "{bearer}")?;
    let once = cx.say(
        "Guarde o token: ele não será mostrado de novo.",
        "Keep the token: it is not shown again.",
    );
    writeln!(cx.err, "{once}")?;
    Ok(ExitCode::Ok)
}

fn scopes_of(cx: &mut CliCx<'_>, words: &[String]) -> std::io::Result<Option<Vec<Scope>>> {
    let mut scopes = Vec::new();
    let mut wrong = false;
    for word in words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        match Scope::parse(word) {
            Some(scope) if scopes.contains(&scope) => {}
            Some(scope) => scopes.push(scope),
            None => {
                wrong = true;
                writeln!(cx.err, "{}: {word}", cx.say("escopo desconhecido", "unknown scope"))?;
            }
        }
    }
    if wrong || scopes.is_empty() {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        writeln!(cx.err, "    {}: {}", cx.say("escopos", "scopes"), all.join(", "))?;
        return Ok(None);
    }
    Ok(Some(scopes))
}

async fn list(cx: &mut CliCx<'_>, store: &Store) -> anyhow::Result<ExitCode> {
    let tokens = store.list_tokens().await?;
    if tokens.is_empty() {
        let none = cx.say(
            "Nenhum token. Crie um: atende tokens add --name NOME --scopes ingest,read",
            "No tokens. Make one: atende tokens add --name NAME --scopes ingest,read",
        );
        writeln!(cx.err, "{none}")?;
    }
    let (working, revoked) = (cx.say("vale", "works"), cx.say("revogado", "revoked"));
    let wide = |length: fn(&TokenRow) -> usize| tokens.iter().map(length).max().unwrap_or(0);
    let name = wide(|token| token.name.chars().count());
    let tenant = wide(|token| token.tenant.as_str().len());
    for token in &tokens {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        let state = match token.revoked_at {
            None => working.to_owned(),
            Some(at) => format!("{revoked} {}", at.format("%Y-%m-%d")),
        };
        writeln!(
            cx.out,
            "{}  {:<name$}  {:<tenant$}  {}  {:<37}  {state}",
            token.id,
            token.name,
            token.tenant.as_str(),
            token.created_at.format("%Y-%m-%d"),
            scopes.join(","),
        )?;
    }
    Ok(ExitCode::Ok)
}

async fn revoke(
    cx: &mut CliCx<'_>,
    store: &Store,
    tenant: &TenantId,
    token: &str,
) -> anyhow::Result<ExitCode> {
    if store.revoke_token(SystemClock::default().now(), tenant, token).await? {
        let done = cx.say(
            "revogado; um servidor no ar o recusa em segundos",
            "revoked; a running server refuses it within seconds",
        );
        writeln!(cx.out, "{token}: {done}")?;
        return Ok(ExitCode::Ok);
    }
    let none = cx.say(
        "não há token válido com este nome ou id; veja `atende tokens list`",
        "there is no working token of this name or id; see `atende tokens list`",
    );
    writeln!(cx.err, "{token}: {none}")?;
    Ok(ExitCode::Problems)
}

#[cfg(test)]
mod tests {
    use super::super::ExitCode;
    use super::super::tests::Call;

    #[test]
    fn a_token_is_printed_once_listed_without_its_secret_and_revoked() {
        let here = tempfile::tempdir().unwrap();
        let call = Call { dir: here.path(), env: &[], typed: None };
        let made = call.run(&["tokens", "add", "--name", "loja", "--scopes", "ingest,read,read"]);
        assert_eq!(made.code, ExitCode::Ok, "{}", made.err);
        let bearer = made.out.trim();
        let (id, secret) = bearer.split_once('.').unwrap();
        assert!(id.starts_with("tok_") && secret.len() == 64, "{bearer}");

        let again = call.run(&["tokens", "add", "--name", "loja", "--scopes", "admin"]);
        assert_eq!((again.code, again.out.as_str()), (ExitCode::Problems, ""));

        let listed = call.run(&["tokens", "list"]).out;
        assert!(listed.contains(id) && listed.contains("ingest,read ") && listed.contains("works"));
        assert!(!listed.contains(secret));

        assert_eq!(call.run(&["tokens", "revoke", "loja"]).code, ExitCode::Ok);
        assert_eq!(call.run(&["tokens", "revoke", "loja"]).code, ExitCode::Problems);
        assert!(call.run(&["tokens", "list"]).out.contains("revoked"));
        assert_eq!(call.run(&["tokens", "revoke", id]).code, ExitCode::Problems);
    }

    #[test]
    fn wrong_calls_say_what_there_is() {
        let here = tempfile::tempdir().unwrap();
        let call = Call { dir: here.path(), env: &[], typed: None };
        for (args, said) in [
            (&["add", "--name", "a", "--scopes", "write"][..], "unknown scope: write"),
            (&["add", "--name", "a", "--scopes", ","], "scopes: ingest, read"),
            (&["add", "--name", " ", "--scopes", "read"], "1 to 80 characters"),
            (&["add", "--name", "a", "--scopes", "read", "--tenant", "x"], "there are: main"),
            (&["revoke", "nobody"], "see `atende tokens list`"),
        ] {
            let called = call.run(&[&["tokens"], args].concat());
            assert_eq!((called.code, called.out.as_str()), (ExitCode::Problems, ""), "{args:?}");
            assert!(called.err.contains(said), "{args:?}: {}", called.err);
        }
    }
}
