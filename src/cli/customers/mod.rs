//! `atende customers`: a spreadsheet's customers into the store.
//!
//! Rows are streamed and written in batches, each batch one transaction. A bad row is reported with
//! its line, its column and the fix, and never stops the good ones.

mod file;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use tokio_util::task::TaskTracker;

use self::file::CsvFile;
use self::row::{Columns, RowProblem};
use super::tokens::tenant_of;
use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::{CustomerUpsert, Store};
use crate::app::Stores;
use crate::config::{Config, PolicySource};
use crate::domain::customer::CustomerProfile;
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::policy::Pack;
use crate::ports::Clock;

/// Customers of one transaction.
const BATCH: usize = 500;

/// Bring in customers
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Import(ImportArgs),
}

/// Create or replace customers from a CSV file
///
/// The first line names the columns, in English or Portuguese: reference (the only one needed), name, emails, phones,
/// plan, annual_revenue, currency, customer_since, consent_PURPOSE; any other column becomes a field of that name.
/// Separated by commas or semicolons, UTF-8 or Windows-1252, dates as 31/12/2024 or 2024-12-31. A customer who is
/// there already is replaced. Ends with 1 if a row was refused; the others are imported.
#[derive(Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "the text is the help of the command")]
pub(super) struct ImportArgs {
    /// File to read
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Whose customers they are (default: main)
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, command: &Command) -> anyhow::Result<ExitCode> {
    let Command::Import(args) = command;
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let Some(tenant) = tenant_of(cx, &loaded.config, args.tenant.as_deref())? else {
        return Ok(ExitCode::Problems);
    };
    let path = cx.current_dir.join(&args.file);
    let mut file = match CsvFile::open(&path)
        .with_context(|| format!("{} {}", cx.say("ler o arquivo", "read file"), path.display()))?
    {
        Ok(file) => file,
        Err(problem) => {
            writeln!(cx.err, "{}: {}", path.display(), problem.in_locale(cx.lang))?;
            return Ok(ExitCode::Problems);
        }
    };
    let currency = currency_of(&loaded.config, &tenant);
    let columns = match Columns::of(&file.headers, &currency) {
        Ok(columns) => columns,
        Err(problems) => {
            for problem in problems {
                writeln!(cx.err, "{}: {}", path.display(), problem.in_locale(cx.lang))?;
            }
            return Ok(ExitCode::Problems);
        }
    };
    let runtime = cx.runtime()?;
    runtime.block_on(async {
        let stores = Stores::open(&cx.data, &loaded.config, &TaskTracker::new()).await?;
        let mut import = Import {
            store: &stores.store,
            tenant,
            clock: SystemClock::default(),
            done: Done::default(),
        };
        import.all(cx, &mut file, &columns).await?;
        report(cx, &import.done)
    })
}

/// Reads a whole list that comes with the program; a bad row is an error.
pub(super) fn read_bundled(
    text: &str,
    currency: &str,
) -> anyhow::Result<Vec<(String, CustomerProfile)>> {
    let lang = Locale::En;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let columns = Columns::of(&headers, currency).map_err(|found| {
        anyhow::anyhow!("{:?}", found.iter().map(|p| p.in_locale(lang)).collect::<Vec<_>>())
    })?;
    reader
        .records()
        .map(|record| {
            let values: Vec<String> = record?.iter().map(str::to_owned).collect();
            columns.read(&values).map_err(|found| {
                anyhow::anyhow!(
                    "{}",
                    found.iter().map(|p| p.describe(lang)).collect::<Vec<_>>().join("; ")
                )
            })
        })
        .collect()
}

/// Returns the currency of amounts that name none: the one of the business's policy.
fn currency_of(config: &Config, tenant: &TenantId) -> String {
    let pack = config.tenant(tenant).and_then(|view| match view.policy.source() {
        PolicySource::Pack(name) => Pack::embedded(name).ok(),
        PolicySource::File(file) => Pack::load_file(file).ok(),
    });
    pack.map_or_else(|| "BRL".to_owned(), |pack| pack.business.currency.clone())
}

#[derive(Debug, Default)]
struct Done {
    created: usize,
    replaced: usize,
    refused: usize,
}

/// An import under way.
struct Import<'a> {
    store: &'a Store,
    tenant: TenantId,
    clock: SystemClock,
    done: Done,
}

impl Import<'_> {
    async fn all(
        &mut self,
        cx: &mut CliCx<'_>,
        file: &mut CsvFile,
        columns: &Columns,
    ) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let mut batch = Vec::with_capacity(BATCH);
        while let Some((line, values)) = file.next_row()? {
            let read = columns.read(&values).and_then(|(reference, profile)| {
                if seen.insert(reference.clone()) {
                    Ok((reference, profile))
                } else {
                    Err(vec![RowProblem::repeated(columns)])
                }
            });
            match read {
                Ok((reference, profile)) => {
                    let clock: &dyn Clock = &self.clock;
                    batch.push(CustomerUpsert { id: clock.customer_id(), reference, profile });
                }
                Err(problems) => {
                    self.done.refused += 1;
                    for problem in problems {
                        let word = cx.say("linha", "line");
                        writeln!(cx.err, "{word} {line}, {}", problem.describe(cx.lang))?;
                    }
                }
            }
            if batch.len() == BATCH {
                self.write(&mut batch).await?;
            }
        }
        self.write(&mut batch).await
    }

    async fn write(&mut self, batch: &mut Vec<CustomerUpsert>) -> anyhow::Result<()> {
        let count = batch.len();
        if count == 0 {
            return Ok(());
        }
        let customers = std::mem::take(batch);
        let created = self.store.put_customers(self.clock.now(), &self.tenant, customers).await?;
        self.done.created += created;
        self.done.replaced += count - created;
        Ok(())
    }
}

fn report(cx: &mut CliCx<'_>, done: &Done) -> anyhow::Result<ExitCode> {
    let Done { created, replaced, refused } = done;
    let (new, known, bad) = (
        cx.say("novos", "new"),
        cx.say("substituídos", "replaced"),
        cx.say("recusados", "refused"),
    );
    writeln!(cx.out, "{new}: {created}, {known}: {replaced}, {bad}: {refused}")?;
    if *refused > 0 {
        let hint = cx.say(
            "Corrija as linhas acima e importe o arquivo de novo; nada fica em dobro.",
            "Correct the lines above and import the file again; nothing is doubled.",
        );
        writeln!(cx.err, "{hint}")?;
        return Ok(ExitCode::Problems);
    }
    Ok(ExitCode::Ok)
}
