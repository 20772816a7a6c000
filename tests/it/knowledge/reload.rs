//! A running worker takes over changed articles, and keeps the last good ones when they break.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atende::adapters::clock::SystemClock;
use atende::app::App;
use atende::config::{Config, KnowledgeSettings};
use atende::domain::ids::TenantId;
use atende::domain::labels::Locale;
use atende::ports::Clock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a worker may take to notice a changed file.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

fn write(path: &std::path::Path, text: &str) {
    let front = "---\ntitle: Qual é o horário\ncategory: shop\nupdated: 2026-01-01\n---\n";
    std::fs::write(path, format!("{front}{text}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_articles_are_searched_within_seconds_and_broken_ones_never() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("articles");
    std::fs::create_dir_all(folder.join("pt-BR/shop")).unwrap();
    let file = folder.join("pt-BR/shop/hours.md");
    write(&file, "A loja abre às 9h.");
    let knowledge = KnowledgeSettings { dir: Some(folder) };
    let config = Config { knowledge, ..Config::default() };
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let data = dir.path().join("data");
    let app = Arc::new(App::open(&data, &config, clock, &tasks).await.unwrap());
    app.adopt_all(&config, Locale::En).await.unwrap();
    let every = Duration::from_secs(config.worker.reload_secs);
    tasks.spawn(Arc::clone(&app).watch(config, Locale::En, every, stop.clone()));

    let said = || {
        let tenant = app.tenants.get(&TenantId::main()).unwrap();
        let found = tenant.pipeline.library().search("qual o horário da loja", Locale::PtBr, 1);
        found.first().map(|passage| passage.text.clone()).unwrap_or_default()
    };
    assert_eq!(said(), "A loja abre às 9h.");
    // The watch notes the files when it first runs.
    tokio::time::sleep(Duration::from_millis(200)).await;
    write(&file, "A loja abre às 10h.");
    let started = Instant::now();
    while said() != "A loja abre às 10h." {
        assert!(started.elapsed() < NOTICED_WITHIN, "{}", said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let generations = || {
        let entries = std::fs::read_dir(data.join("index")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    assert!(generations() <= 2, "the generation before may still be open");

    std::fs::write(&file, "---\ntitle: [\n---\n").unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(said(), "A loja abre às 10h.", "the last good version stays");
    stop.cancel();
    tasks.close();
}
