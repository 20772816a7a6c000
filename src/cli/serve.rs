//! `atende serve`: the worker and the HTTP API in one process, until a signal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{CliCx, ExitCode};
use crate::adapters::clock::SystemClock;
use crate::adapters::store::Scope;
use crate::app::{App, Receivers, mint_token};
use crate::config::{Config, ServerSettings};
use crate::desk::{self, Desk, DeskSettings};
use crate::domain::ids::TenantId;
use crate::ports::Clock;
use crate::shutdown::{Ended, Shutdown};
use crate::telemetry;
use crate::web::{self, AppState, Readiness, TenantVocabulary, WebParts, WebSettings};

/// A worker that gave no sign of life for this long is not ready.
const SILENCE: Duration = Duration::from_mins(1);
/// How long the stores may take for their last writes.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Run the worker, the team's pages and the HTTP API until stopped
///
/// Listens on 127.0.0.1 unless the settings say otherwise. People sign in under /desk: make accounts with "atende
/// users add". Every call of the API needs a token: make one with "atende tokens add". A first Ctrl+C or SIGTERM finishes what is in hand, a second one stops at once;
/// nothing that was accepted is lost either way.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on, e.g. 127.0.0.1:8080 (default: that of the settings)
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<SocketAddr>,
}

/// Runs the command.
pub(super) fn run(cx: &mut CliCx<'_>, args: &Args) -> anyhow::Result<ExitCode> {
    let Some(loaded) = cx.settings()? else { return Ok(ExitCode::Problems) };
    let mut config = loaded.config;
    if let Some(bind) = args.bind {
        config.server.bind = bind;
    }
    telemetry::start(&config.log)?;
    cx.runtime()?.block_on(serve(cx, config, None))
}

/// Serves the demo's business, with a link and a token that are shown once.
pub(super) fn demo(
    cx: &mut CliCx<'_>,
    config: Config,
    tenant: TenantId,
) -> anyhow::Result<ExitCode> {
    telemetry::start(&config.log)?;
    let config = Config { store: crate::config::StoreSettings::default(), ..config };
    cx.runtime()?.block_on(serve(cx, config, Some(tenant)))
}

async fn serve(
    cx: &mut CliCx<'_>,
    config: Config,
    demo: Option<TenantId>,
) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    shutdown.listen().context("listen for signals")?;
    let writers = TaskTracker::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let app = Arc::new(App::open(&cx.data, &config, clock, &writers).await?);
    match &demo {
        Some(tenant) => {
            app.adopt(tenant, super::demo::pipeline(cx.lang)?, Receivers::default()).await?;
        }
        None => app.adopt_all(&config, cx.lang).await?,
    }
    app.make_ready(cx.model_cache().as_ref());
    app.worker.recover().await?;
    let listener = TcpListener::bind(config.server.bind).await.with_context(|| {
        format!("cannot listen on {}; choose another address with --bind", config.server.bind)
    })?;
    let address = listener.local_addr()?;
    let state = AppState::new(parts(&app, &config, &shutdown));
    let pages_at = super::users::desk_address(&config.server, address);
    let (tenants, homes) = (app.tenants.clone(), app.homes(&config, cx.lang));
    let pages = Desk::with_homes(state.clone(), tenants, desk_settings(&config.server), homes)?
        .with_worker(Arc::clone(&app.worker));
    let router = desk::router(pages).merge(web::router(state));
    let grace = Duration::from_secs(config.server.shutdown_grace_secs);
    app.worker.run(shutdown.tasks(), &shutdown.token());
    if demo.is_none() {
        let every = Duration::from_secs(config.worker.reload_secs);
        shutdown.spawn(Arc::clone(&app).watch(config, cx.lang, every, shutdown.token()));
    }
    shutdown.spawn(web::serve(listener, router, shutdown.token(), grace));
    announce(cx, address, &pages_at, demo.as_ref(), &app).await?;

    let ended = shutdown.wait(grace).await;
    drop(app);
    writers.close();
    // What was accepted is on disk already; this only lets the databases close tidily.
    drop(tokio::time::timeout(LAST_WRITES, writers.wait()).await);
    let said = match ended {
        Ended::Clean => {
            cx.say("Parado; nada ficou pela metade.", "Stopped; nothing was left halfway.")
        }
        Ended::OutOfTime | Ended::AtOnce => cx.say(
            "Parado antes de terminar; o que faltou continua na próxima vez.",
            "Stopped before everything was finished; the rest goes on next time.",
        ),
    };
    writeln!(cx.err, "{said}")?;
    Ok(ExitCode::Ok)
}

/// Where the desk stands in the network.
fn desk_settings(server: &ServerSettings) -> DeskSettings {
    DeskSettings { public_url: server.public_url.clone(), proxies: server.proxies }
}

/// What the API is built from, with the worker's sign of life passed on to its readiness.
fn parts(app: &Arc<App>, config: &Config, shutdown: &Shutdown) -> WebParts {
    let readiness = Readiness::default();
    readiness.expect("worker", SILENCE);
    let (beats, heartbeat) = (readiness.clone(), app.worker.heartbeat());
    let (clock, stop) = (Arc::clone(&app.clock), shutdown.token());
    shutdown.spawn(async move {
        let silence = chrono::Duration::from_std(SILENCE).unwrap_or_default();
        loop {
            if heartbeat.age(clock.now()).is_some_and(|age| age < silence) {
                beats.beat("worker");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        }
    });
    let tenants = app.tenants.clone();
    WebParts {
        store: app.stores.store.clone(),
        inbox: app.stores.inbox.clone(),
        files: app.stores.files.clone(),
        clock: Arc::clone(&app.clock),
        settings: WebSettings {
            max_body_bytes: usize::try_from(config.server.max_body_bytes).unwrap_or(usize::MAX),
            request_timeout: Duration::from_secs(config.server.request_timeout_secs),
            max_file_bytes: config.files.max_mb.saturating_mul(1_000_000),
            max_in_flight: usize::try_from(config.server.max_in_flight).unwrap_or(usize::MAX),
        },
        vocabulary: Arc::new(move |tenant| {
            tenants
                .get(tenant)
                .map(|known| Arc::new(TenantVocabulary::from(&known.pipeline.shared_pack())))
        }),
        readiness,
        whatsapp: app.whatsapp.clone(),
        registry: Registry::default(),
        closing: shutdown.token(),
    }
}

async fn announce(
    cx: &mut CliCx<'_>,
    address: SocketAddr,
    pages_at: &str,
    demo: Option<&TenantId>,
    app: &App,
) -> anyhow::Result<()> {
    let on = cx.say("No ar em", "Serving on");
    writeln!(cx.out, "{on} http://{address}")?;
    if let Some(tenant) = demo {
        let store = &app.stores.store;
        let path = super::users::demo_link(store, &app.clock, tenant, cx.lang).await?;
        let open = cx.say("Abra no navegador:", "Open in the browser:");
        writeln!(cx.out, "{open} {pages_at}{path}")?;
        let once = cx.say(
            "O link entra uma vez, nos próximos 15 minutos.",
            "The link signs in once, within 15 minutes.",
        );
        writeln!(cx.out, "{once}")?;
        let name = format!("demo-{}", app.clock.now().timestamp_millis());
        let bearer = mint_token(store, &app.clock, tenant, &name, Scope::ALL).await?;
        let bearer = bearer.context("a token of that name exists already")?;
        let hint = cx.say("Para experimentar a API:", "To try the API:");
        writeln!(
            cx.out,
            "{hint}\n  curl -H 'Authorization: Bearer {bearer}' http://{address}/v1/queues"
        )?;
        writeln!(
            cx.out,
            "  curl -H 'Authorization: Bearer {bearer}' 'http://{address}/v1/review?limit=1'"
        )?;
    }
    cx.out.flush()?;
    Ok(())
}
