//! `atende labels`: what people said of the worker's judgement, for whoever measures or trains it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::store::{ensure_stored, stored_tenant};
use super::{CliCx, ExitCode};
use crate::adapters::store::{DraftLabel, FieldLabel, LabelCase, LabelCursor, PassageLabel, Store};
use crate::app::Stores;
use crate::domain::ids::TenantId;
use crate::privacy::{Masker, Vault};
use crate::text::diff;

/// Labels that are read at once.
const PAGE: u32 = 200;

/// What people corrected, for measuring and training
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Export(ExportArgs),
}

/// Write what people decided of drafts, fields and passages as JSON Lines
///
/// One line a label: drafts that were approved, edited or rejected, fields that were corrected, passages that helped or did
/// not. Personal data is masked; --plain leaves it in. Nobody is named: "by" is the id of an account. What was erased is
/// not there any more.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// Only what happened since this day, UTC (2026-11-01)
    #[arg(long, value_name = "DATE")]
    since: Option<NaiveDate>,

    /// File to write, which must not be there yet (default: standard output)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Leave personal data in the texts
    #[arg(long)]
    plain: bool,

    /// Whose (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Export(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    ensure_stored(cx, &loaded.config)?;
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let store = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?.store;
        let tenant = stored_tenant(cx, &loaded.config, &store, args.tenant.as_deref()).await?;
        let Some(tenant) = tenant else { return Ok(ExitCode::Problems) };
        export(cx, args, (&store, &tenant)).await
    })
}

async fn export(
    cx: &mut CliCx<'_>,
    args: &ExportArgs,
    (store, tenant): (&Store, &TenantId),
) -> anyhow::Result<ExitCode> {
    if args.plain {
        let warning = cx.say(
            "Atenção: com --plain os textos saem com dados pessoais de clientes. Guarde o arquivo como guarda as conversas.",
            "Warning: with --plain the texts hold customers' personal data. Keep the file as you keep the conversations.",
        );
        writeln!(cx.err, "{warning}")?;
    }
    let since = args.since.map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let labels = Labels { store, tenant, since, masker: (!args.plain).then(Masker::new) };
    let count = match &args.out {
        None => labels.write(&mut cx.out).await?,
        Some(file) => {
            let path = cx.current_dir.join(file);
            let made = create(&path).with_context(|| {
                let said = cx.say(
                    "não dá para criar o arquivo (se ele já existe, escolha outro nome)",
                    "cannot create the file (if it is there already, choose another name)",
                );
                format!("{said}: {}", path.display())
            })?;
            let mut out = BufWriter::new(made);
            let count = labels.write(&mut out).await?;
            out.flush()?;
            count
        }
    };
    let said = cx.say("registros exportados", "labels exported");
    writeln!(cx.err, "{count} {said}")?;
    Ok(ExitCode::Ok)
}

/// Creates a file that only its owner reads: even masked, it holds what customers wrote.
fn create(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

struct Labels<'a> {
    store: &'a Store,
    tenant: &'a TenantId,
    since: Option<DateTime<Utc>>,
    /// Takes personal data out; nothing where it is to stay.
    masker: Option<Masker>,
}

impl Labels<'_> {
    /// Writes every label, page by page.
    async fn write(&self, out: &mut dyn Write) -> anyhow::Result<u64> {
        let mut count = 0;
        let mut line = |label: Value| -> anyhow::Result<()> {
            count += 1;
            Ok(writeln!(out, "{label}")?)
        };
        let (store, tenant) = (self.store, self.tenant);
        let mut place = LabelCursor::since(self.since);
        while let Some((labels, next)) = store.draft_labels(tenant, &place, PAGE).await? {
            place = next;
            labels.iter().try_for_each(|label| line(self.of_draft(label)))?;
        }
        let mut seq = 0;
        while let Some((labels, next)) = store.field_labels(tenant, self.since, seq, PAGE).await? {
            seq = next;
            labels.iter().try_for_each(|label| line(self.of_field(label)))?;
        }
        let mut place = LabelCursor::since(self.since);
        while let Some((labels, next)) = store.passage_labels(tenant, &place, PAGE).await? {
            place = next;
            labels.iter().try_for_each(|label| line(of_passage(label)))?;
        }
        Ok(count)
    }

    /// Masks the texts of one label alike: a value has the same mark in all of them.
    fn masked(&self, case: &LabelCase, texts: &[Option<&str>]) -> Vec<Option<String>> {
        let mut vault = Vault::new();
        let names: Vec<&str> = case.names.iter().map(String::as_str).collect();
        let mut one = |text: &str| match &self.masker {
            Some(masker) => masker.mask(text, &mut vault, &names).text,
            None => text.to_owned(),
        };
        texts.iter().map(|text| text.map(&mut one)).collect()
    }

    fn of_draft(&self, label: &DraftLabel) -> Value {
        let case = &label.case;
        let (code, words) = &label.reason;
        let masked = self.masked(
            case,
            &[
                case.text.as_deref(),
                label.draft.as_deref(),
                label.sent.as_deref(),
                words.as_deref().filter(|words| !words.is_empty()),
            ],
        );
        let text = |at: usize| masked.get(at).and_then(Option::as_deref);
        let edit = text(1)
            .zip(text(2))
            .filter(|_| label.state == "edited")
            .map(|(draft, sent)| diff::words(draft, sent));
        let mut all = common("draft", case);
        let own = json!({
            "message": text(0), "category": predicted(case, "category"), "urgency": predicted(case, "urgency"),
            "sentiment": predicted(case, "sentiment"), "decision": label.state, "draft_kind": label.kind,
            "draft_locale": label.locale, "draft_version": label.version, "draft": text(1), "sent": text(2),
            "edit": edit, "reason": code, "reason_words": text(3),
        });
        join(&mut all, own);
        all
    }

    fn of_field(&self, label: &FieldLabel) -> Value {
        let masked = self.masked(&label.case, &[label.case.text.as_deref()]);
        let mut all = common("field", &label.case);
        let own = json!({
            "message": masked.first().and_then(Option::as_deref), "field": label.field,
            "predicted": predicted(&label.case, &label.field), "corrected": label.value,
        });
        join(&mut all, own);
        all
    }
}

fn of_passage(label: &PassageLabel) -> Value {
    let mut all = common("passage", &label.case);
    let own = json!({
        "article": label.article, "article_locale": label.locale, "heading": label.heading,
        "helpful": label.helpful,
    });
    join(&mut all, own);
    all
}

/// What every label says.
fn common(kind: &str, case: &LabelCase) -> Value {
    json!({
        "label": kind, "at": case.at, "ticket": case.ticket, "number": case.number, "channel": case.channel,
        "language": case.language, "by": case.by, "role": case.role,
    })
}

/// What the worker took a field for, how sure it was, and by which engine.
fn predicted(case: &LabelCase, field: &str) -> Value {
    let Some(known) = case.understood.get(field) else { return Value::Null };
    json!({
        "value": known.get("value"), "confidence": known.get("confidence"), "engine": known.get("engine"),
    })
}

fn join(all: &mut Value, own: Value) {
    if let (Some(all), Value::Object(own)) = (all.as_object_mut(), own) {
        all.extend(own);
    }
}
