//! `atende privacy export` and `atende privacy erase`: what is kept of one person, and its end (LGPD, article 18).

use std::time::Duration;

use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::adapters::Rewritten;
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{Erased, Kept, Person};
use crate::app::Stores;
use crate::cli::store::{ensure_stored, stored_tenant};
use crate::cli::{CliCx, ExitCode};
use crate::config::Config;
use crate::domain::ids::TenantId;
use crate::domain::message::{InboundMessage, MessageOrigin};
use crate::ports::Clock as _;

/// Who erases, in the audit trail.
const ACTOR: &str = "agent:cli";
/// How long a worker may take to file a message that it had in hand when the message was removed from the inbox.
const IN_HAND: Duration = Duration::from_secs(1);

/// Print everything that is kept of one person, as JSON
///
/// Record, contacts, conversations, tickets, messages, drafts, replies, notes, notifications about the tickets and what
/// still waits in the inbox; of other people, nothing. Whoever is no customer is known by the given contact alone; what
/// else stands in their conversations comes as `also_seen`. Ends with 1 if nothing is kept.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// Phone, e-mail or customer reference, or the id of a customer or a conversation
    #[arg(long, value_name = "CONTACT")]
    contact: String,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Erase everything that a person wrote, was sent and is known by
///
/// Says how much it is and asks, unless --yes answers already. Open tickets are closed, and what has not left yet does
/// not leave. Ids, labels, times, decisions and the audit trail stay; they hold nobody's words. The files are rewritten
/// so that nothing is left in them, also while a worker runs. Whoever writes afterwards is a new contact. Ends with 1
/// if nothing is kept, or if a file could not be rewritten.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EraseArgs {
    /// Phone, e-mail or customer reference, or the id of a customer or a conversation
    #[arg(long, value_name = "CONTACT")]
    contact: String,

    /// Ask nothing
    #[arg(long)]
    yes: bool,

    /// Whose it is (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// A person with what is not filed yet, where it is kept.
struct Files {
    stores: Stores,
    tenant: TenantId,
    person: Person,
    waiting: Vec<InboundMessage>,
}

/// Runs `export`.
pub(super) fn export(cx: &mut CliCx<'_>, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let Some(config) = place(cx)? else { return Ok(ExitCode::Problems) };
    cx.runtime()?.block_on(async {
        let found = Files::find(cx, &config, args.tenant.as_deref(), &args.contact).await?;
        let Some(files) = found else { return Ok(ExitCode::Problems) };
        if files.is_empty() {
            return files.say_so(cx, &args.contact);
        }
        files.print(cx, &args.contact).await
    })
}

/// Runs `erase`.
pub(super) fn erase(cx: &mut CliCx<'_>, args: &EraseArgs) -> anyhow::Result<ExitCode> {
    let Some(config) = place(cx)? else { return Ok(ExitCode::Problems) };
    cx.runtime()?.block_on(async {
        let found = Files::find(cx, &config, args.tenant.as_deref(), &args.contact).await?;
        let Some(files) = found else { return Ok(ExitCode::Problems) };
        if files.is_empty() {
            // An erasure that was interrupted has left nothing to find, but perhaps copies in free space.
            files.rewritten().await?;
            return files.say_so(cx, &args.contact);
        }
        files.confirm_and_erase(cx, args.yes).await
    })
}

fn place(cx: &mut CliCx<'_>) -> anyhow::Result<Option<Config>> {
    let Some(loaded) = cx.settings()? else { return Ok(None) };
    ensure_stored(cx, &loaded.config)?;
    Ok(Some(loaded.config))
}

impl Files {
    /// A person's right to what is kept of them does not depend on what the settings name today, so the business may be
    /// any that the store knows. `None` once it is said that there is none such.
    async fn find(
        cx: &mut CliCx<'_>,
        config: &Config,
        tenant: Option<&str>,
        contact: &str,
    ) -> anyhow::Result<Option<Self>> {
        if contact.trim().is_empty() {
            let what = cx.say(
                "--contact está vazio: informe o telefone com DDD, o e-mail ou a referência do cliente",
                "--contact is empty: give the phone with its area code, the e-mail or the customer's reference",
            );
            writeln!(cx.err, "{what}")?;
            return Ok(None);
        }
        let stores = Stores::open(&cx.data, config, &TaskTracker::new()).await?;
        let Some(tenant) = stored_tenant(cx, config, &stores.store, tenant).await? else {
            return Ok(None);
        };
        let person = stores.store.find_person(&tenant, contact).await?;
        let mut waiting = Vec::new();
        for message in stores.inbox.held(&tenant, |one| person.may_have_written(one)).await? {
            if stores.store.is_theirs(&person, &message).await? {
                waiting.push(message);
            }
        }
        Ok(Some(Self { stores, tenant, person, waiting }))
    }

    fn is_empty(&self) -> bool {
        self.person.is_unknown() && self.waiting.is_empty()
    }

    /// Says that nothing is kept, or that it cannot be told of whom it is.
    fn say_so(&self, cx: &mut CliCx<'_>, contact: &str) -> anyhow::Result<ExitCode> {
        let (problem, hint) = if self.person.also_seen().next().is_some() {
            (
                cx.say(
                    "mais de um cliente usa este contato",
                    "more than one customer uses this contact",
                ),
                cx.say("repita com o de quem se trata:", "repeat with whom you mean:"),
            )
        } else {
            (
                cx.say("nada está guardado sobre este contato", "nothing is kept of this contact"),
                cx.say(
                    "informe o telefone com DDD, o e-mail, a referência do cliente, ou um id que começa com cus_ ou cnv_",
                    "give the phone with its area code, the e-mail, the customer's reference, or an id that starts with cus_ or cnv_",
                ),
            )
        };
        writeln!(cx.err, "{problem}: {contact}\n    {hint}")?;
        self.list_also_seen(cx)?;
        Ok(ExitCode::Problems)
    }

    async fn print(&self, cx: &mut CliCx<'_>, contact: &str) -> anyhow::Result<ExitCode> {
        let mut export = json!({
            "tenant": self.tenant, "contact": contact, "exported_at": SystemClock::default().now(),
            "also_seen": self.person.also_seen()
                .map(|(kind, value)| json!({"kind": kind, "value": value}))
                .collect::<Vec<_>>(),
        });
        let dossier = self.stores.store.dossier(&self.person).await?;
        if let (Some(export), serde_json::Value::Object(dossier)) =
            (export.as_object_mut(), dossier)
        {
            export.extend(dossier);
            export.insert("waiting".to_owned(), json!(self.waiting));
        }
        serde_json::to_writer_pretty(&mut *cx.out, &export).map_err(std::io::Error::from)?;
        writeln!(cx.out)?;
        Ok(ExitCode::Ok)
    }

    async fn confirm_and_erase(
        &self,
        cx: &mut CliCx<'_>,
        confirmed: bool,
    ) -> anyhow::Result<ExitCode> {
        let mut kept = self.stores.store.kept_of(&self.person).await?;
        kept.waiting = i64::try_from(self.waiting.len()).unwrap_or(i64::MAX);
        let head =
            cx.say("O que está guardado sobre este contato:", "What is kept of this contact:");
        writeln!(cx.out, "{head}")?;
        list(cx, &kept)?;
        self.tell_also_seen(cx)?;
        if !confirmed && !cx.stdin_is_terminal {
            let text = cx.say(
                "não há um terminal para perguntar; repita com --yes. Nada foi apagado.",
                "there is no terminal to ask at; repeat with --yes. Nothing was erased.",
            );
            writeln!(cx.err, "{text}")?;
            return Ok(ExitCode::Usage);
        }
        if !confirmed && !agreed(cx)? {
            let text = cx.say("Nada foi apagado.", "Nothing was erased.");
            writeln!(cx.err, "{text}")?;
            return Ok(ExitCode::Problems);
        }
        // Both before a word is said: whoever stops reading must not stop the work.
        let erased = self.erase().await?;
        let rewritten = self.rewritten().await?;
        let text = cx.say(
            "Apagado. Ficam ids, rótulos, horários, decisões e a trilha, sem texto de ninguém.",
            "Erased. Ids, labels, times, decisions and the audit trail stay, without anybody's words.",
        );
        writeln!(cx.out, "{text}")?;
        list(cx, &erased.kept)?;
        Self::tell_rewritten(cx, rewritten)
    }

    /// The inbox first: what is found in it is known from the store, and whoever tries again needs that. Afterwards once
    /// more, for what was filed in between.
    async fn erase(&self) -> anyhow::Result<Erased> {
        let Self { stores, tenant, person, waiting } = self;
        let waiting: Vec<MessageOrigin> = waiting.iter().map(MessageOrigin::from).collect();
        let mut origins = stores.store.origins_of(person).await?;
        origins.extend(waiting.iter().cloned());
        stores.inbox.erase(tenant, origins).await?;
        stores.inbox.erase_calls(stores.store.network_names(person).await?).await?;
        let now = SystemClock::default().now();
        let erased = stores.store.erase_person(now, person, waiting.len(), ACTOR).await?;
        stores.inbox.erase(tenant, erased.origins.clone()).await?;
        if !waiting.is_empty() {
            tokio::time::sleep(IN_HAND).await;
            let mut filed = person.clone();
            filed.add_filed(&waiting);
            let late = stores.store.erase_person(now, &filed, 0, ACTOR).await?;
            stores.inbox.erase(tenant, late.origins).await?;
        }
        // A worker that is just fetching one removes it itself, and looks again later.
        for id in stores.store.files_to_remove().await? {
            stores.files.remove(&id).await?;
        }
        Ok(erased)
    }

    /// Rewrites the files; `None` for a store on PostgreSQL.
    async fn rewritten(&self) -> anyhow::Result<[(&'static str, Option<Rewritten>); 2]> {
        let store = self.stores.store.rewrite().await?;
        let inbox = self.stores.inbox.rewrite().await?;
        Ok([("store.db", store), ("inbox.db", Some(inbox))])
    }

    fn tell_rewritten(
        cx: &mut CliCx<'_>,
        files: [(&'static str, Option<Rewritten>); 2],
    ) -> anyhow::Result<ExitCode> {
        if files.iter().any(|(_, rewritten)| rewritten.is_none()) {
            let text = cx.say(
                "No PostgreSQL, as linhas apagadas deixam os arquivos quando o vacuum do próprio servidor passa.",
                "On PostgreSQL the removed rows leave its files when the server's own vacuum comes round.",
            );
            writeln!(cx.out, "{text}")?;
        }
        let mut code = ExitCode::Ok;
        for (file, rewritten) in files {
            let Some(rewritten) = rewritten else { continue };
            if rewritten == Rewritten::Whole {
                let text = cx.say(
                    "foi regravado: nada do que foi apagado resta nele",
                    "was rewritten: nothing of what was erased is left in it",
                );
                writeln!(cx.out, "{file} {text}")?;
                continue;
            }
            let text = cx.say(
                "está em uso e não pôde ser regravado. O que foi apagado já não se lê pelo programa, mas cópias podem \
                 restar no espaço livre do arquivo e no arquivo -wal ao lado dele; este some quando o worker parar, \
                 aquelas quando \"privacy erase\" for repetido com o worker parado.",
                "is in use and could not be rewritten. The program no longer reads what was erased, but copies may be \
                 left in the file's free space and in the -wal file beside it; the latter goes when the worker stops, \
                 the former when \"privacy erase\" is repeated with the worker stopped.",
            );
            writeln!(cx.err, "{file} {text}")?;
            code = ExitCode::Problems;
        }
        let text = cx.say(
            "Cópias feitas antes, por exemplo com \"store backup\", não mudam.",
            "Copies that were made before, for example with \"store backup\", do not change.",
        );
        writeln!(cx.out, "{text}")?;
        Ok(code)
    }

    fn tell_also_seen(&self, cx: &mut CliCx<'_>) -> anyhow::Result<()> {
        if self.person.also_seen().next().is_none() {
            return Ok(());
        }
        let text = cx.say(
            "Nestas conversas também aparece o que segue. Se for da mesma pessoa, repita com cada um:",
            "These conversations also name the following. If it is the same person's, repeat with each:",
        );
        writeln!(cx.err, "{text}")?;
        self.list_also_seen(cx)
    }

    fn list_also_seen(&self, cx: &mut CliCx<'_>) -> anyhow::Result<()> {
        for (_, value) in self.person.also_seen() {
            writeln!(cx.err, "    --contact \"{value}\"")?;
        }
        Ok(())
    }
}

/// Asks the person at the terminal.
fn agreed(cx: &mut CliCx<'_>) -> anyhow::Result<bool> {
    let question =
        cx.say("Apagar tudo isso para sempre? [sim/não] ", "Erase all of it for good? [yes/no] ");
    write!(cx.err, "{question}")?;
    cx.err.flush()?;
    let mut line = String::new();
    cx.stdin.read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "sim" | "s" | "yes" | "y"))
}

fn list(cx: &mut CliCx<'_>, kept: &Kept) -> anyhow::Result<()> {
    let lines = [
        (cx.say("cadastros", "records"), kept.customers, None),
        (cx.say("conversas", "conversations"), kept.conversations, None),
        (
            cx.say("tickets", "tickets"),
            kept.tickets,
            Some((cx.say("abertos; são encerrados", "open; they are closed"), kept.open_tickets)),
        ),
        (cx.say("mensagens", "messages"), kept.messages, None),
        (cx.say("arquivos", "files"), kept.files, None),
        (cx.say("rascunhos", "drafts"), kept.drafts, None),
        (
            cx.say("respostas e avisos", "replies and notices"),
            kept.replies,
            Some((cx.say("ainda não saíram; não saem", "have not left; they do not"), kept.unsent)),
        ),
        (cx.say("notas", "notes"), kept.notes, None),
        (cx.say("na caixa de entrada", "in the inbox"), kept.waiting, None),
    ];
    for (what, count, more) in lines.into_iter().filter(|(_, count, _)| *count > 0) {
        let more = more
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("  ({count} {what})"))
            .unwrap_or_default();
        writeln!(cx.out, "  {what:<22} {count:>6}{more}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::cli::ExitCode;
    use crate::cli::tests::Call;

    /// The settings name the business while its customers are imported, and no more when they ask for their data.
    #[test]
    fn a_person_of_a_business_that_the_settings_forgot_is_shown_and_erased() {
        let here = tempfile::tempdir().unwrap();
        let call = Call { dir: here.path(), env: &[], typed: None };
        let settings = here.path().join("atende.toml");
        fs::write(&settings, "[tenants.acme]\n").unwrap();
        let file = "reference;name;email\nc-1;Ana;ana@example.com\n";
        fs::write(here.path().join("people.csv"), file).unwrap();
        let imported = call.run(&["customers", "import", "people.csv", "--tenant", "acme"]);
        assert_eq!(imported.code, ExitCode::Ok, "{}", imported.err);
        fs::remove_file(settings).unwrap();

        let of = |tenant: &str, command: &[&str]| {
            let person = ["--contact", "ana@example.com", "--tenant", tenant, "--lang", "en"];
            call.run(&[&["privacy"], command, &person].concat())
        };
        let shown = of("acme", &["export"]);
        assert_eq!(shown.code, ExitCode::Ok, "{}", shown.err);
        assert!(shown.out.contains("c-1") && shown.out.contains("\"tenant\": \"acme\""));
        let elsewhere = of("main", &["export"]);
        assert_eq!(elsewhere.code, ExitCode::Problems);
        assert!(elsewhere.err.contains("nothing is kept"), "{}", elsewhere.err);
        for unknown in ["nope", "Acme Ltda"] {
            let refused = of(unknown, &["export"]);
            assert_eq!((refused.code, refused.out.as_str()), (ExitCode::Problems, ""));
            assert!(refused.err.contains("there are: acme, main"), "{}", refused.err);
        }

        let erased = of("acme", &["erase", "--yes"]);
        assert_eq!(erased.code, ExitCode::Ok, "{}", erased.err);
        let gone = of("acme", &["export"]);
        assert!(gone.code == ExitCode::Problems && !gone.out.contains("c-1"), "{}", gone.err);
    }
}
