//! The composition root: the only place that puts store, inbox, clock, policies, worker and API
//! together. A directory has one worker; every other command opens the store beside it.

mod access;
mod homes;
mod mailboxes;
mod models;
mod receivers;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::adapters::embed::{EmbedderSettings, FastEmbedder};
use crate::adapters::files::Files;
use crate::adapters::inbox::Inbox;
use crate::adapters::model_cache::ModelCache;
use crate::adapters::store::{Retention, Store, StoreLocation};
use crate::channels::email::account::MailAccounts;
use crate::channels::whatsapp::accounts::Accounts;
use crate::compose::Templates;
use crate::config::{CallbackSettings, Config, EmbeddingSettings, PolicySource, TenantView};
use crate::domain::ids::TenantId;
use crate::domain::labels::Locale;
use crate::knowledge::{Library, Source};
use crate::pipeline::Pipeline;
use crate::policy::Pack;
use crate::ports::{Clock, Embedder};
use crate::prompts::Prompts;
use crate::worker::{Helpers, Places, Tenant, Tenants, Worker, WorkerSettings};

pub use access::{NewPerson, add_person, mint_login_link, mint_token};
pub use mailboxes::{mailbox, sender};
pub use models::{endpoints, ladder};
pub use receivers::{Receivers, mailer, webhooks};

/// The lock that the one worker of a directory holds.
const LOCK_FILE: &str = "worker.lock";

/// The folder of the indexes in a data directory.
pub const INDEX_FOLDER: &str = "index";

/// Store, inbox and files of a data directory, opened beside whoever else uses them.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The store.
    pub store: Store,
    /// The inbox.
    pub inbox: Inbox,
    /// The files of messages.
    pub files: Files,
}

impl Stores {
    /// Opens them, creating the directory if needed.
    pub async fn open(data: &Path, config: &Config, tasks: &TaskTracker) -> anyhow::Result<Self> {
        create_data_dir(data)?;
        let location = match &config.store.url {
            Some(url) => StoreLocation {
                url: url.expose().to_owned(),
                connections: config.store.max_connections,
            },
            None => StoreLocation {
                connections: config.store.max_connections,
                ..StoreLocation::embedded(data)
            },
        };
        let store = Store::open(&location, tasks).await?;
        let inbox = Inbox::open(&data.join("inbox.db"), config.inbox.max_backlog, tasks).await?;
        Ok(Self { store, inbox, files: Files::of(data) })
    }
}

/// Creates the data directory, readable by its owner only: it holds customers' words.
fn create_data_dir(data: &Path) -> anyhow::Result<()> {
    if data.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).with_context(|| {
        format!("cannot create the data directory {}; check its permissions or choose another with --data", data.display())
    })
}

/// Proof that this process is the directory's one worker; released when dropped.
#[derive(Debug)]
pub struct WorkerLock(#[expect(dead_code, reason = "held, not read: the lock is the file's")] File);

impl WorkerLock {
    /// Takes the lock of a data directory, or says who has it.
    pub fn take(data: &Path) -> anyhow::Result<Self> {
        create_data_dir(data)?;
        let path = data.join(LOCK_FILE);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| {
                format!("cannot write to {}; check its permissions", path.display())
            })?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())?;
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The number is only a hint for the message.
                drop(file.read_to_string(&mut pid));
                anyhow::bail!(
                    "another atende worker (process {}) already works on {}; stop it first, or use \
                     another directory with --data",
                    pid.trim(),
                    data.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

/// What a business is made of, and the files it came from.
#[derive(Clone)]
struct Sources {
    policy: PolicyFrom,
    knowledge: Option<PathBuf>,
    templates: Option<PathBuf>,
    prompts: Option<PathBuf>,
    callbacks: Option<CallbackSettings>,
    webhooks: Option<CallbackSettings>,
    embeddings: EmbeddingSettings,
}

#[derive(Clone)]
enum PolicyFrom {
    Pack(String),
    File(PathBuf),
}

impl Sources {
    fn of(view: &TenantView<'_>, embeddings: &EmbeddingSettings) -> Self {
        Self {
            policy: match view.policy.source() {
                PolicySource::Pack(name) => PolicyFrom::Pack(name.to_owned()),
                PolicySource::File(file) => PolicyFrom::File(file.to_owned()),
            },
            knowledge: view.knowledge.dir.clone(),
            templates: view.templates.dir.clone(),
            prompts: view.prompts.dir.clone(),
            callbacks: view.callbacks.cloned(),
            webhooks: view.webhooks.cloned(),
            embeddings: embeddings.clone(),
        }
    }

    fn articles(&self) -> Source {
        self.knowledge.clone().map_or(Source::Samples, Source::Company)
    }

    /// Loads policy, articles and templates; every problem as one line. The index of the articles lies below a
    /// folder, where the pointer of a business that is named is swapped to it, or in a temporary place.
    fn pipeline(
        &self,
        lang: Locale,
        root: Option<&Path>,
        pointer: Option<&TenantId>,
    ) -> Result<Pipeline, Vec<String>> {
        let library = self.indexed(lang, root, pointer);
        self.assemble(lang, library).map(|(pack, library, templates, prompts)| {
            Pipeline::new(Arc::new(pack), Arc::new(library), Arc::new(templates), Arc::new(prompts))
        })
    }

    fn indexed(
        &self,
        lang: Locale,
        root: Option<&Path>,
        pointer: Option<&TenantId>,
    ) -> Result<Library, Vec<String>> {
        let embedder = embedder(&self.embeddings, lang).map_err(|problem| vec![problem])?;
        let lines = |problems: Vec<crate::text::Problem>| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let source = self.articles();
        let library = Library::read(&source, root, embedder.as_ref()).map_err(lines)?;
        let unknown = library.fits().filter(|(_, _, fit)| fit.meaning.is_none());
        for (locale, model) in unknown.filter_map(|(locale, ..)| Some((locale, embedder.as_ref()?)))
        {
            tracing::warn!(
                "The embedding model \"{}\" knows English only: articles in {locale} are searched by their words alone",
                model.name()
            );
        }
        if let (Some(root), Some(tenant)) = (root, pointer) {
            let name = match &source {
                Source::Company(folder) => folder.display().to_string(),
                _ => "samples".to_owned(),
            };
            library
                .point(root, &index_pointer(tenant), &name)
                .map_err(|error| vec![format!("index: {error:#}")])?;
        }
        Ok(library)
    }

    /// Says everything that is wrong, without building an index.
    fn problems(&self, lang: Locale) -> Vec<String> {
        let articles = self.articles().read();
        let articles =
            articles.map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.assemble(lang, articles).err().unwrap_or_default()
    }

    fn assemble<T>(
        &self,
        lang: Locale,
        library: Result<T, Vec<String>>,
    ) -> Result<(Pack, T, Templates, Prompts), Vec<String>> {
        let pack = self.pack();
        let templates = Templates::load(self.templates.as_deref());
        let prompts = Prompts::load(self.prompts.as_deref());
        let mut problems = Vec::new();
        if let Err(found) = &pack {
            problems.extend(found.iter().map(|problem| problem.render(lang)));
        }
        if let Err(found) = &library {
            problems.extend(found.iter().cloned());
        }
        if let Err(found) = &templates {
            problems.extend(found.iter().map(ToString::to_string));
        }
        if let Err(found) = &prompts {
            problems.extend(found.iter().map(|problem| problem.render(lang)));
        }
        match (pack, library, templates, prompts) {
            (Ok(pack), Ok(library), Ok(templates), Ok(prompts)) => {
                Ok((pack, library, templates, prompts))
            }
            _ => Err(problems),
        }
    }

    fn pack(&self) -> Result<Pack, Vec<crate::policy::Problem>> {
        match &self.policy {
            PolicyFrom::Pack(name) => Pack::embedded(name),
            PolicyFrom::File(file) => Pack::load_file(file),
        }
    }

    fn receivers(&self) -> anyhow::Result<Receivers> {
        Ok(Receivers {
            callbacks: receivers::client(self.callbacks.as_ref())?,
            webhooks: receivers::client(self.webhooks.as_ref())?,
        })
    }

    /// Everything that tells whether a file of this business changed: path, size and time.
    fn fingerprint(&self) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
        let mut files = Vec::new();
        if let PolicyFrom::File(file) = &self.policy {
            // A policy may extend a file beside it, and names its examples.
            let beside = file.parent().map(Path::to_path_buf).unwrap_or_default();
            list(&beside, 0, &mut files, &|path| {
                path.extension()
                    .is_some_and(|ending| ["yaml", "yml", "jsonl"].iter().any(|one| ending == *one))
            });
        }
        for dir in [&self.knowledge, &self.templates, &self.prompts].into_iter().flatten() {
            list(dir, DEEPEST, &mut files, &|_| true);
        }
        files.sort();
        files
    }
}

/// How deep folders of articles are walked.
const DEEPEST: u32 = 6;

fn list(
    dir: &Path,
    depth: u32,
    files: &mut Vec<(PathBuf, u64, Option<SystemTime>)>,
    wanted: &dyn Fn(&Path) -> bool,
) {
    // A folder that cannot be read now is a change of its own: its files are missing from the list.
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(meta) if meta.is_dir() && depth > 0 => list(&path, depth - 1, files, wanted),
            Ok(meta) if meta.is_file() && wanted(&path) => {
                files.push((path, meta.len(), meta.modified().ok()));
            }
            _ => {}
        }
    }
}

/// Names the pointer to the index of a business's articles.
pub fn index_pointer(tenant: &TenantId) -> String {
    format!("tenant-{tenant}")
}

/// Loads one business outside a worker, as `triage` does. Its index is looked for, and kept, below `root`, where there
/// is one; no pointer is moved.
pub fn load_pipeline(
    config: &Config,
    tenant: &TenantId,
    lang: Locale,
    root: Option<&Path>,
) -> anyhow::Result<Pipeline> {
    one_business(config, tenant)?
        .pipeline(lang, root, None)
        .map_err(|problems| anyhow::anyhow!("{}", problems.join("\n")))
}

/// Loads the policy of one business outside a worker.
pub fn load_pack(config: &Config, tenant: &TenantId, lang: Locale) -> anyhow::Result<Pack> {
    one_business(config, tenant)?.pack().map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| problem.render(lang)).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

fn one_business(config: &Config, tenant: &TenantId) -> anyhow::Result<Sources> {
    let view = config.tenant(tenant).with_context(|| {
        format!("the settings know no business {tenant}; add [tenants.{tenant}]")
    })?;
    Ok(Sources::of(&view, &config.embeddings))
}

/// Makes a pipeline's models ready: from the cache, or by learning them and keeping them there. What
/// the cache cannot do is left undone, for it only saves time.
pub fn make_ready(pipeline: &Pipeline, cache: Option<&ModelCache>) {
    let learned = pipeline.warm(|key| cache?.read(key));
    if let (Some((key, models)), Some(cache)) = (learned, cache)
        && let Err(error) = cache.write(&key, &models)
    {
        tracing::debug!(error = %error, "Cannot keep the trained models; they are trained again next time");
    }
}

/// Says everything that is wrong with the policies, articles and templates that the settings name,
/// one line each.
pub fn problems_of(config: &Config, lang: Locale) -> Vec<String> {
    let model =
        embedder_settings(&config.embeddings).map(|settings| FastEmbedder::check(&settings));
    let model = model.and_then(Result::err).map(|problem| embeddings_line(&problem.describe(lang)));
    let businesses = sources_of(config)
        .into_iter()
        .map(|(id, sources)| (id, sources.problems(lang)))
        .flat_map(|(id, problems)| problems.into_iter().map(move |line| format!("{id}: {line}")));
    model.into_iter().chain(businesses).collect()
}

/// Returns the model that the settings name, loading it if this process has not; `None` where they name none. Blocks.
pub fn embedder(
    settings: &EmbeddingSettings,
    lang: Locale,
) -> Result<Option<Arc<dyn Embedder>>, String> {
    let Some(settings) = embedder_settings(settings) else { return Ok(None) };
    match FastEmbedder::load(&settings) {
        Ok(model) => Ok(Some(model)),
        Err(problem) => Err(embeddings_line(&problem.describe(lang))),
    }
}

fn embeddings_line(problem: &str) -> String {
    format!("embeddings: {problem}")
}

fn embedder_settings(settings: &EmbeddingSettings) -> Option<EmbedderSettings> {
    Some(EmbedderSettings {
        dir: settings.dir.clone()?,
        name: settings.model.clone(),
        runtime: settings.runtime.clone(),
        threads: usize::try_from(settings.threads).unwrap_or(usize::MAX),
    })
}

/// A directory's worker with everything it needs.
pub struct App {
    /// Store and inbox.
    pub stores: Stores,
    /// The clock that everything goes by.
    pub clock: Arc<dyn Clock>,
    /// The businesses.
    pub tenants: Tenants,
    /// The worker.
    pub worker: Arc<Worker>,
    /// The numbers on WhatsApp.
    pub whatsapp: Accounts,
    /// The mailboxes.
    pub mail: MailAccounts,
    /// The folder of the indexes.
    index: PathBuf,
    _lock: WorkerLock,
}

impl App {
    /// Takes the directory's lock, opens its stores and takes back what a crash left behind. It has
    /// no businesses yet.
    pub async fn open(
        data: &Path,
        config: &Config,
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Self> {
        let lock = WorkerLock::take(data)?;
        let stores = Stores::open(data, config, tasks).await?;
        let tenants = Tenants::default();
        let settings = WorkerSettings {
            concurrency: config.worker.concurrency,
            lease: Duration::from_secs(config.worker.lease_secs),
            renew: Duration::from_secs(config.worker.renew_secs),
            max_attempts: config.worker.max_attempts,
            poll: Duration::from_millis(config.worker.poll_ms),
            retention: Retention {
                messages_days: config.privacy.retention_messages_days,
                drafts_days: config.privacy.retention_drafts_days,
                customers_days: config.privacy.retention_customers_days,
            },
            file_max: config.files.max_mb.saturating_mul(1_000_000),
        };
        let whatsapp = receivers::whatsapp(config)?;
        let mail = mailboxes::accounts(config, data)?;
        let worker = Arc::new(Worker::new(
            Places {
                store: stores.store.clone(),
                inbox: stores.inbox.clone(),
                files: stores.files.clone(),
            },
            Arc::clone(&clock),
            tenants.clone(),
            settings,
            Helpers {
                mailer: mailer(config)?,
                ladder: ladder(config)?,
                limits: models::limits(&config.models),
                whatsapp: whatsapp.clone(),
                mail: mail.clone(),
                transcriber: models::transcriber(&config.transcriber)?,
            },
        ));
        let index = data.join(INDEX_FOLDER);
        Ok(Self { stores, clock, tenants, worker, whatsapp, mail, index, _lock: lock })
    }

    /// Puts a business to work.
    pub async fn adopt(
        &self,
        id: &TenantId,
        pipeline: Pipeline,
        receivers: Receivers,
    ) -> anyhow::Result<()> {
        let Receivers { callbacks, webhooks } = receivers;
        let state = self.stores.store.adopt_policy(id, &pipeline.pack().digest).await?;
        let tenant =
            Tenant { pipeline: Arc::new(pipeline), epoch: state.epoch, callbacks, webhooks };
        self.tenants.put(id.clone(), tenant);
        Ok(())
    }

    /// Loads every business of the settings, or says everything that is wrong with any of them.
    pub async fn adopt_all(&self, config: &Config, lang: Locale) -> anyhow::Result<()> {
        let mut problems = Vec::new();
        for (id, sources) in sources_of(config) {
            match self.load(&id, &sources, lang).await? {
                Ok(pipeline) => self.adopt(&id, pipeline, sources.receivers()?).await?,
                Err(found) => {
                    problems.extend(found.into_iter().map(|line| format!("{id}: {line}")));
                }
            }
        }
        anyhow::ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(())
    }

    /// Makes the models of every business ready while messages are taken in already. On threads that
    /// nobody waits for: whoever stops the process need not wait for what only saves time.
    pub fn make_ready(&self, cache: Option<&ModelCache>) {
        for id in self.tenants.ids() {
            let Some(tenant) = self.tenants.get(&id) else { continue };
            let cache = cache.cloned();
            let thread = std::thread::Builder::new().name("models".to_owned());
            // Where no thread can be had, the first turn makes them ready.
            drop(thread.spawn(move || make_ready(&tenant.pipeline, cache.as_ref())));
        }
    }

    /// Loads a business on a thread that may block: articles are read and indexed.
    async fn load(
        &self,
        id: &TenantId,
        sources: &Sources,
        lang: Locale,
    ) -> anyhow::Result<Result<Pipeline, Vec<String>>> {
        let (id, sources, index) = (id.clone(), sources.clone(), self.index.clone());
        let loaded =
            tokio::task::spawn_blocking(move || sources.pipeline(lang, Some(&index), Some(&id)));
        loaded.await.context("load the files of a business")
    }

    /// Watches the files of every business and takes over what changed after it was checked. A broken
    /// file keeps the last good version and says so, once.
    pub async fn watch(
        self: Arc<Self>,
        config: Config,
        lang: Locale,
        every: Duration,
        stop: CancellationToken,
    ) {
        let mut watched: BTreeMap<TenantId, (Sources, _)> = sources_of(&config)
            .into_iter()
            .map(|(id, sources)| {
                let seen = sources.fingerprint();
                (id, (sources, seen))
            })
            .collect();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            for (id, (sources, seen)) in &mut watched {
                let now = sources.fingerprint();
                if now == *seen {
                    continue;
                }
                *seen = now;
                self.reload(id, sources, lang).await;
            }
        }
    }

    async fn reload(&self, id: &TenantId, sources: &Sources, lang: Locale) {
        let reloaded = match self.load(id, sources, lang).await {
            Err(error) => Err(error),
            Ok(Ok(pipeline)) => match sources.receivers() {
                Ok(receivers) => self.adopt(id, pipeline, receivers).await,
                Err(error) => Err(error),
            },
            Ok(Err(problems)) => Err(anyhow::anyhow!("{}", problems.join("\n"))),
        };
        match reloaded {
            Ok(()) => tracing::info!(tenant = %id, "Took over the changed files of {id}"),
            Err(error) => tracing::error!(
                tenant = %id,
                "Kept the last good version of {id}, its changed files have problems:\n{error:#}"
            ),
        }
    }
}

fn sources_of(config: &Config) -> Vec<(TenantId, Sources)> {
    config
        .tenant_ids()
        .into_iter()
        .filter_map(|id| {
            config.tenant(&id).map(|view| (id.clone(), Sources::of(&view, &config.embeddings)))
        })
        .collect()
}
