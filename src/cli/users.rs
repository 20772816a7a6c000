//! `atende users`: the people of the team who sign in at the desk. A password that is made here is shown once.

use std::io::BufRead as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::passwords::{Passwords, temporary_password};
use crate::adapters::store::{Store, UserAdded, UserChange, UserChanged, UserRow};
use crate::app::{NewPerson, Stores, add_person, mint_login_link};
use crate::config::ServerSettings;
use crate::domain::account::{Login, person_name, weakness};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::domain::role::Role;
use crate::ports::Clock;

/// What the trail calls whoever runs this command.
const OPERATOR: &str = "operator";
/// Most bytes of a password that is read.
const TYPED_MAX: u64 = 4096;

/// Add people to the team, list them, let them in or keep them out
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add(AddArgs),
    List(ListArgs),
    /// Keep somebody out; their sessions end at once
    Disable(NamedArgs),
    /// Let somebody in again
    Enable(NamedArgs),
    ResetPassword(ResetArgs),
    /// Print a link that signs somebody in once, without a password, within 15 minutes
    Link(NamedArgs),
}

/// Make an account and print a password for the first sign-in, once
///
/// Roles: agent (answers customers), supervisor (also the team's board, modes and the stop of the assistant), content
/// (articles, templates, prompts), admin (everything, accounts too). The pages are in the language of this output. The
/// password goes to standard output, the rest to standard error.
#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// What they sign in with: an e-mail address or a short name
    #[arg(value_name = "LOGIN")]
    login: String,

    /// What colleagues call them; it stands in the trail of what they do
    #[arg(long, value_name = "NAME")]
    name: String,

    /// Their part in the team: agent, supervisor, content or admin
    #[arg(
        long,
        value_name = "ROLE",
        value_parser = ["agent", "supervisor", "content", "admin"],
        hide_possible_values = true
    )]
    role: String,

    /// The business they work for (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// Read the password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// List the people of every business
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {}

#[derive(Debug, clap::Args)]
pub(super) struct NamedArgs {
    /// What they sign in with
    #[arg(value_name = "LOGIN")]
    login: String,
}

/// Give somebody a new password and print it, once; their sessions end
#[derive(Debug, clap::Args)]
pub(super) struct ResetArgs {
    /// What they sign in with
    #[arg(value_name = "LOGIN")]
    login: String,

    /// Read the password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let asked = match command {
        Command::Add(args) => args.tenant.as_deref(),
        _ => None,
    };
    let Some(tenant) = tenant_of(cx, &loaded.config, asked)? else {
        return Ok(ExitCode::Problems);
    };
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        match command {
            Command::Add(args) => add(cx, &store, tenant, args).await,
            Command::List(_) => list(cx, &store).await,
            Command::Disable(args) => change(cx, &store, &args.login, UserChange::Disable).await,
            Command::Enable(args) => change(cx, &store, &args.login, UserChange::Enable).await,
            Command::ResetPassword(args) => reset(cx, &store, args).await,
            Command::Link(args) => link(cx, &store, &loaded.config.server, &args.login).await,
        }
    })
}

/// Returns the address under which people open the desk, given the one that is listened on.
pub(super) fn desk_address(server: &ServerSettings, listening: SocketAddr) -> String {
    if let Some(url) = &server.public_url {
        return url.clone();
    }
    let mut address = listening;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

async fn add(
    cx: &mut CliCx<'_>,
    store: &Store,
    tenant: TenantId,
    args: &AddArgs,
) -> anyhow::Result<ExitCode> {
    let Some(login) = Login::parse(&args.login) else {
        let wrong = cx.say(
            "o login é um e-mail ou um nome curto, de 3 a 120 caracteres, sem espaços",
            "a login is an e-mail address or a short name, 3 to 120 characters without spaces",
        );
        writeln!(cx.err, "{}: {wrong}", args.login)?;
        return Ok(ExitCode::Problems);
    };
    let Some(name) = person_name(&args.name) else {
        let wrong = cx.say(
            "o nome precisa ter de 1 a 80 caracteres, em uma linha, com pelo menos uma letra",
            "a name must have 1 to 80 characters, on one line, at least one of them a letter",
        );
        writeln!(cx.err, "{}: {wrong}", args.name)?;
        return Ok(ExitCode::Problems);
    };
    let role = Role::parse(&args.role).context("a role that is none")?;
    let Some((password, made)) = password(cx, args.password_stdin, login.as_str(), &name)? else {
        return Ok(ExitCode::Problems);
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let person = NewPerson {
        tenant,
        login: login.clone(),
        name: name.clone(),
        role,
        locale: cx.lang,
        password: password.clone(),
        must_change: made,
    };
    let taken = match add_person(store, &clock, OPERATOR, person).await? {
        UserAdded::Done => {
            show(cx, &password, made)?;
            let added = cx.say("pode entrar como", "may sign in as");
            writeln!(cx.err, "{name} {added} {login} ({role})")?;
            return Ok(ExitCode::Ok);
        }
        UserAdded::LoginTaken => cx.say(
            "este login já está em uso, nesta empresa ou em outra; escolha outro",
            "this login is taken, in this business or another; choose another",
        ),
        UserAdded::NameTaken => cx.say(
            "já existe uma pessoa com este nome; acrescente um sobrenome",
            "somebody has this name already; add a surname",
        ),
    };
    writeln!(cx.err, "{login}, {name}: {taken}")?;
    Ok(ExitCode::Problems)
}

/// Returns a password and whether it was made here; `None` once it has said why the one that was given is not taken.
fn password(
    cx: &mut CliCx<'_>,
    given: bool,
    login: &str,
    name: &str,
) -> anyhow::Result<Option<(String, bool)>> {
    if !given {
        return Ok(Some((temporary_password()?, true)));
    }
    let mut line = String::new();
    let mut stdin = std::io::Read::take(&mut *cx.stdin, TYPED_MAX);
    stdin.read_line(&mut line).context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if let Some(weak) = weakness(&password, login, name) {
        writeln!(cx.err, "{}", weak.in_locale(cx.lang))?;
        return Ok(None);
    }
    Ok(Some((password, false)))
}

/// Prints a password that was made here, this once.
fn show(cx: &mut CliCx<'_>, password: &str, made: bool) -> anyhow::Result<()> {
    if !made {
        return Ok(());
    }
    writeln!(cx.out, "{password}")?;
    let once = cx.say(
        "A senha não será mostrada de novo; no primeiro acesso, a pessoa escolhe outra.",
        "The password is not shown again; at the first sign-in they choose another.",
    );
    writeln!(cx.err, "{once}")?;
    Ok(())
}

async fn list(cx: &mut CliCx<'_>, store: &Store) -> anyhow::Result<ExitCode> {
    let users = store.list_users(None).await?;
    if users.is_empty() {
        let none = cx.say(
            "Ninguém ainda. Comece por quem administra: atende users add LOGIN --name NOME --role admin",
            "Nobody yet. Begin with an admin: atende users add LOGIN --name NAME --role admin",
        );
        writeln!(cx.err, "{none}")?;
    }
    let wide = |length: fn(&UserRow) -> usize| users.iter().map(length).max().unwrap_or(0);
    let login = wide(|user| user.login.chars().count());
    let name = wide(|user| user.name.chars().count());
    let tenant = wide(|user| user.tenant.as_str().len());
    for user in &users {
        let seen = match user.seen_at {
            Some(at) => at.format("%Y-%m-%d").to_string(),
            None => "-".to_owned(),
        };
        let state = match user.disabled_at {
            Some(at) => {
                format!("{} {}", cx.say("desativada", "disabled"), at.format("%Y-%m-%d"))
            }
            None if user.must_change => cx.say("senha provisória", "temporary password").to_owned(),
            None => cx.say("ativa", "works").to_owned(),
        };
        writeln!(
            cx.out,
            "{:<login$}  {:<name$}  {:<tenant$}  {:<10}  {seen:<10}  {state}",
            user.login,
            user.name,
            user.tenant.as_str(),
            user.role.as_str(),
        )?;
    }
    Ok(ExitCode::Ok)
}

/// Finds somebody, or says that there is nobody of that login.
async fn find(cx: &mut CliCx<'_>, store: &Store, login: &str) -> anyhow::Result<Option<UserRow>> {
    let found = match Login::parse(login) {
        Some(login) => store.user_by_login(&login).await?,
        None => None,
    };
    if found.is_none() {
        let none = cx.say(
            "não há ninguém com este login; veja `atende users list`",
            "nobody has this login; see `atende users list`",
        );
        writeln!(cx.err, "{login}: {none}")?;
    }
    Ok(found)
}

async fn change(
    cx: &mut CliCx<'_>,
    store: &Store,
    login: &str,
    change: UserChange,
) -> anyhow::Result<ExitCode> {
    let Some(user) = find(cx, store, login).await? else { return Ok(ExitCode::Problems) };
    let now = SystemClock::default().now();
    let done = match change {
        UserChange::Disable => cx.say(
            "não entra mais; as sessões terminaram agora",
            "may not sign in any more; their sessions have ended",
        ),
        _ => cx.say("pode entrar de novo", "may sign in again"),
    };
    match store.change_user(now, OPERATOR, &user.tenant, &user.id, change).await? {
        UserChanged::Done | UserChanged::Same => {
            writeln!(cx.out, "{}: {done}", user.login)?;
            Ok(ExitCode::Ok)
        }
        UserChanged::LastAdmin => {
            let last = cx.say(
                "não sobraria ninguém na administração; antes, dê essa função a outra pessoa",
                "no admin would be left; give somebody else that role first",
            );
            writeln!(cx.err, "{}: {last}", user.login)?;
            Ok(ExitCode::Problems)
        }
        UserChanged::Unknown => anyhow::bail!("the account was removed meanwhile"),
    }
}

async fn reset(cx: &mut CliCx<'_>, store: &Store, args: &ResetArgs) -> anyhow::Result<ExitCode> {
    let Some(user) = find(cx, store, &args.login).await? else { return Ok(ExitCode::Problems) };
    let given = password(cx, args.password_stdin, &user.login, &user.name)?;
    let Some((password, _)) = given else { return Ok(ExitCode::Problems) };
    let hash = Passwords::default().hash(&password).await?;
    let now = SystemClock::default().now();
    let change = UserChange::ResetPassword(hash);
    store.change_user(now, OPERATOR, &user.tenant, &user.id, change).await?;
    show(cx, &password, !args.password_stdin)?;
    let done = cx.say(
        "a senha foi trocada; as sessões terminaram agora",
        "the password is changed; their sessions have ended",
    );
    writeln!(cx.err, "{}: {done}", user.login)?;
    Ok(ExitCode::Ok)
}

async fn link(
    cx: &mut CliCx<'_>,
    store: &Store,
    server: &ServerSettings,
    login: &str,
) -> anyhow::Result<ExitCode> {
    let Some(user) = find(cx, store, login).await? else { return Ok(ExitCode::Problems) };
    if user.disabled_at.is_some() {
        let disabled = cx.say(
            "a conta está desativada; ative-a antes com `atende users enable`",
            "the account is disabled; enable it first with `atende users enable`",
        );
        writeln!(cx.err, "{}: {disabled}", user.login)?;
        return Ok(ExitCode::Problems);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let path = mint_login_link(store, &clock, &user.id).await?;
    writeln!(cx.out, "{}{path}", desk_address(server, server.bind))?;
    let once = cx.say(
        "O link entra uma vez só, nos próximos 15 minutos, sem senha: entregue-o só a quem ele é.",
        "The link signs in once, within 15 minutes, without a password: give it to nobody but its owner.",
    );
    writeln!(cx.err, "{once}")?;
    Ok(ExitCode::Ok)
}

/// Makes sure that the demo has somebody who may do everything, and returns the path of a link that signs them in.
pub(super) async fn demo_link(
    store: &Store,
    clock: &Arc<dyn Clock>,
    tenant: &TenantId,
    lang: Locale,
) -> anyhow::Result<String> {
    // Each demo's business is called by a name that is a login too.
    let login = Login::parse(tenant.as_str()).context("the demo's login is none")?;
    if store.user_by_login(&login).await?.is_none() {
        let person = NewPerson {
            tenant: tenant.clone(),
            login: login.clone(),
            name: "Demo".to_owned(),
            role: Role::Admin,
            locale: lang,
            // Nobody knows it: the demo is entered by links.
            password: crate::adapters::passwords::fresh_secret()?,
            must_change: false,
        };
        add_person(store, clock, OPERATOR, person).await?;
    }
    let user = store.user_by_login(&login).await?.filter(|user| user.tenant == *tenant);
    let user = user.with_context(|| format!("the login {login} belongs to another business"))?;
    mint_login_link(store, clock, &user.id).await
}

#[cfg(test)]
mod tests {
    use super::super::ExitCode;
    use super::super::tests::Call;
    use super::*;

    #[test]
    fn a_person_is_added_listed_kept_out_and_let_in_again() {
        let here = tempfile::tempdir().unwrap();
        let call = Call { dir: here.path(), env: &[], typed: None };
        let added = call.run(&[
            "users",
            "add",
            "Ana@Acme.example",
            "--name",
            "Ana  Souza",
            "--role",
            "admin",
        ]);
        assert_eq!(added.code, ExitCode::Ok, "{}", added.err);
        let password = added.out.trim();
        assert_eq!(password.split('-').count(), 4, "{password}");
        assert!(
            added.err.contains("Ana Souza may sign in as ana@acme.example (admin)"),
            "{}",
            added.err
        );
        assert!(!added.err.contains(password), "what is said is not what is kept");

        for (args, expected) in [
            (["users", "add", "ana@acme.example", "--name", "Bia", "--role", "agent"], "is taken"),
            (
                ["users", "add", "bia@acme.example", "--name", "ANA souza", "--role", "agent"],
                "has this name",
            ),
            (["users", "add", "a b", "--name", "Bia", "--role", "agent"], "without spaces"),
            (["users", "add", "bia", "--name", "12", "--role", "agent"], "a letter"),
        ] {
            let refused = call.run(&args);
            assert_eq!((refused.code, refused.out.as_str()), (ExitCode::Problems, ""), "{args:?}");
            assert!(refused.err.contains(expected), "{args:?}: {}", refused.err);
        }
        let wrong = call.run(&["users", "add", "bia", "--name", "Bia", "--role", "boss"]);
        assert_eq!(wrong.code, ExitCode::Usage, "{}", wrong.err);

        let last = call.run(&["users", "disable", "ana@acme.example"]);
        assert_eq!(last.code, ExitCode::Problems);
        assert!(last.err.contains("no admin would be left"), "{}", last.err);

        let typed = Call { typed: Some("uma frase bem comprida\r\n"), ..call };
        let bia =
            ["users", "add", "bia", "--name", "Bia Reis", "--role", "admin", "--password-stdin"];
        let added = typed.run(&bia);
        assert_eq!((added.code, added.out.as_str()), (ExitCode::Ok, ""), "{}", added.err);

        let disabled = call.run(&["users", "disable", "ANA@acme.example"]);
        assert_eq!(disabled.code, ExitCode::Ok, "{}", disabled.err);
        let listed = call.run(&["users", "list"]).out;
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines.len(), 2, "{listed}");
        assert!(lines[0].starts_with("bia") && lines[0].ends_with("works"), "{listed}");
        assert!(lines[1].contains("Ana Souza") && lines[1].contains("disabled 20"), "{listed}");
        assert_eq!(call.run(&["users", "link", "ana@acme.example"]).code, ExitCode::Problems);
        assert_eq!(call.run(&["users", "enable", "ana@acme.example"]).code, ExitCode::Ok);
        assert_eq!(call.run(&["users", "disable", "nobody"]).code, ExitCode::Problems);
    }

    #[test]
    fn a_password_is_reset_and_a_link_is_made_for_who_forgot_theirs() {
        let here = tempfile::tempdir().unwrap();
        let env = [("ATENDE__SERVER__PUBLIC_URL", "https://desk.example/")];
        let call = Call { dir: here.path(), env: &env, typed: None };
        let add =
            ["--lang", "pt-BR", "users", "add", "rafa", "--name", "Rafa Lima", "--role", "agent"];
        assert_eq!(call.run(&add).code, ExitCode::Ok);
        let reset = call.run(&["users", "reset-password", "rafa"]);
        assert_eq!((reset.code, reset.out.trim().len()), (ExitCode::Ok, 19), "{}", reset.err);
        let weak = Call { typed: Some("rafa lima\n"), ..call };
        let refused = weak.run(&["users", "reset-password", "rafa", "--password-stdin"]);
        assert_eq!((refused.code, refused.out.as_str()), (ExitCode::Problems, ""));
        assert!(refused.err.contains("at least 12"), "{}", refused.err);
        let link = call.run(&["users", "link", "rafa"]);
        let secret = link.out.trim().strip_prefix("https://desk.example/desk/enter/").unwrap();
        assert_eq!(secret.len(), 64, "{}", link.out);
        assert!(!link.err.contains(secret));
    }

    #[tokio::test]
    async fn each_run_of_the_demo_has_a_link_of_its_own_for_the_same_admin() {
        let here = tempfile::tempdir().unwrap();
        let config = crate::config::Config::default();
        let store = Stores::open(here.path(), &config, &TaskTracker::new()).await.unwrap().store;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let demo = TenantId::parse("demo").unwrap();
        let link = || demo_link(&store, &clock, &demo, Locale::PtBr);
        let (one, two) = (link().await.unwrap(), link().await.unwrap());
        assert_ne!(one, two);
        for path in [one, two] {
            let secret = path.strip_prefix("/desk/enter/").unwrap();
            let admin = store.login_link(clock.now(), secret).await.unwrap().unwrap();
            assert_eq!((admin.tenant, admin.role), (demo.clone(), Role::Admin));
        }
        assert_eq!(store.list_users(None).await.unwrap().len(), 1);
    }

    #[test]
    fn the_desk_is_opened_where_people_reach_it() {
        let server = |url: Option<&str>| ServerSettings {
            public_url: url.map(str::to_owned),
            ..ServerSettings::default()
        };
        for (url, listening, expected) in [
            (None, "127.0.0.1:8080", "http://127.0.0.1:8080"),
            (None, "0.0.0.0:80", "http://127.0.0.1:80"),
            (None, "[::]:8080", "http://127.0.0.1:8080"),
            (Some("https://desk.example"), "0.0.0.0:80", "https://desk.example"),
        ] {
            assert_eq!(desk_address(&server(url), listening.parse().unwrap()), expected);
        }
    }
}
