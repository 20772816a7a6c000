//! `atende store`: a consistent copy beside a running worker, and a check of what is stored.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use super::{CliCx, ExitCode};
use crate::adapters::store::{Dialect, Store};
use crate::app::Stores;
use crate::config::Config;
use crate::domain::ids::TenantId;

/// Copy or check what is stored
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Backup(BackupArgs),
    Check(CheckArgs),
}

/// Copy store, inbox and files of messages to a new folder, also while a worker runs
///
/// Writes store.db and inbox.db, each a consistent database, and the folder files. To go back to the copy, stop the
/// worker and put all of it into the data folder.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// Folder to write to; it must not hold a copy yet
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Check the databases and the promises they keep
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    ensure_stored(cx, &loaded.config)?;
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let stores = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?;
        match command {
            Command::Backup(args) => backup(cx, args, &stores).await,
            Command::Check(_) => check(cx, &stores).await,
        }
    })
}

/// Refuses a folder that holds no store, instead of creating one.
pub(super) fn ensure_stored(cx: &CliCx<'_>, config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.store.url.is_some() || cx.data.join("store.db").is_file(),
        "{} {}",
        cx.say("não há nada guardado em", "nothing is stored in"),
        cx.data.display()
    );
    Ok(())
}

/// Reads the name of a business that the settings name or of which anything is stored; `None` once it has said what is
/// wrong. What was stored, such as the demo's, is there whether or not the settings name its business.
pub(super) async fn stored_tenant(
    cx: &mut CliCx<'_>,
    config: &Config,
    store: &Store,
    asked: Option<&str>,
) -> anyhow::Result<Option<TenantId>> {
    let Some(asked) = asked else { return Ok(Some(TenantId::main())) };
    let mut known = store.stored_tenants().await?;
    known.extend(config.tenant_ids());
    known.sort();
    known.dedup();
    if let Some(tenant) = TenantId::parse(asked).filter(|tenant| known.contains(tenant)) {
        return Ok(Some(tenant));
    }
    let problem = cx.say(
        "a configuração não conhece esta empresa, e nada dela está guardado",
        "the settings know no such business, and nothing of one is stored",
    );
    let names: Vec<&str> = known.iter().map(TenantId::as_str).collect();
    let there_are = cx.say("existem", "there are");
    writeln!(cx.err, "{problem}: {asked}\n    {there_are}: {}", names.join(", "))?;
    Ok(None)
}

async fn backup(
    cx: &mut CliCx<'_>,
    args: &BackupArgs,
    stores: &Stores,
) -> anyhow::Result<ExitCode> {
    let dir = cx.current_dir.join(&args.dir);
    let (store, inbox) = (dir.join("store.db"), dir.join("inbox.db"));
    let files = dir.join("files");
    for file in [&store, &inbox, &files] {
        anyhow::ensure!(
            !file.exists(),
            "{} {}",
            file.display(),
            cx.say("já existe; escolha outra pasta", "exists already; choose another folder")
        );
    }
    std::fs::create_dir_all(&dir).with_context(|| format!("create folder {}", dir.display()))?;
    // The inbox first: a message that is filed in between is in both copies, and filed once.
    stores.inbox.backup_to(&inbox).await?;
    if stores.store.dialect() == Dialect::Sqlite {
        stores.store.backup_to(&store).await?;
        writeln!(cx.out, "{}\n{}", store.display(), inbox.display())?;
    } else {
        writeln!(cx.out, "{}", inbox.display())?;
        let note = cx.say(
            "A base está no PostgreSQL: copie-a com pg_dump.",
            "The store is on PostgreSQL: copy it with pg_dump.",
        );
        writeln!(cx.err, "{note}")?;
    }
    // After the store: whatever its copy relies on is there, unless it was erased since.
    if stores.files.copy_to(files.clone()).await? > 0 {
        writeln!(cx.out, "{}", files.display())?;
    }
    Ok(ExitCode::Ok)
}

/// Compares the files on the disk with what is known of them; returns what is wrong, one sentence each. A worker may be
/// at work, so only what was wrong before and after the look counts.
async fn check_files(stores: &Stores) -> anyhow::Result<Vec<String>> {
    let before = stores.store.known_files().await?;
    let found = stores.files.ids().await?;
    let after = stores.store.known_files().await?;
    let must = |known: &std::collections::BTreeMap<String, bool>, id: &str| {
        known.get(id).is_some_and(|must| *must)
    };
    let missing =
        before.keys().filter(|id| must(&before, id) && must(&after, id) && !found.contains(*id));
    let unknown = found.iter().filter(|id| !before.contains_key(*id) && !after.contains_key(*id));
    let counts = [
        (missing.count(), "attachments without their file"),
        (unknown.count(), "files that no attachment knows"),
    ];
    let wrong = counts.into_iter().filter(|(count, _)| *count > 0);
    Ok(wrong.map(|(count, what)| format!("{count} {what}")).collect())
}

async fn check(cx: &mut CliCx<'_>, stores: &Stores) -> anyhow::Result<ExitCode> {
    let mut problems = stores.store.check().await?;
    problems.extend(stores.inbox.check().await?);
    problems.extend(check_files(stores).await?);
    for (queue, state, count) in stores.store.job_counts().await? {
        writeln!(cx.out, "jobs   {queue:<10} {state:<10} {count:>8}")?;
    }
    for (state, count) in stores.store.outbox_counts().await? {
        writeln!(cx.out, "outbox {:<10} {state:<10} {count:>8}", "")?;
    }
    for (status, count) in stores.store.ticket_counts().await? {
        writeln!(cx.out, "ticket {:<10} {status:<10} {count:>8}", "")?;
    }
    for problem in &problems {
        writeln!(cx.out, "{}: {problem}", cx.say("problema", "problem"))?;
    }
    if problems.is_empty() {
        writeln!(cx.out, "{}", cx.say("Tudo em ordem.", "All in order."))?;
        return Ok(ExitCode::Ok);
    }
    Ok(ExitCode::Problems)
}
