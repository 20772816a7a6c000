//! What operators see: jobs that kill, businesses side by side, directories that are not what they should.

use std::path::Path;
use std::sync::Arc;

use atende::adapters::clock::SystemClock;
use atende::app::App;
use atende::config::Config;
use atende::domain::ids::TenantId;
use atende::ports::Clock;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::world::{AUTO, DRAFT, MAX_ATTEMPTS, QUESTION, World};

async fn open(data: &Path) -> anyhow::Result<App> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    App::open(data, &Config::default(), clock, &TaskTracker::new()).await
}

async fn refusal(data: &Path) -> String {
    match open(data).await {
        Ok(_) => panic!("{} was opened", data.display()),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_job_that_kills_the_process_ends_as_a_dead_letter_with_a_person() {
    let mut world = World::auto().await;
    world.writes("api", "ana", QUESTION).await;
    world.writes("api", "rui", QUESTION).await;
    world.app().worker.file_messages().await.unwrap();
    for _ in 0..MAX_ATTEMPTS {
        world.die_over_due_jobs().await;
    }
    world.drain().await;
    world.expected_dead = 2;
    assert_eq!(world.sent(), []);
    let ticket = world.ticket("ana").await;
    assert_eq!(World::rules(&ticket), ["E2.engine_failure"]);
    assert_eq!((&ticket["owner"], &ticket["status"]), (&json!("queue"), &json!("escalated")));
    let counts = world.app().stores.store.job_counts().await.unwrap();
    assert_eq!(counts, [("message".to_owned(), "dead".to_owned(), 2)]);

    world.writes("api", "ana", "quero falar com uma pessoa").await;
    world.drain().await;
    world.expected_dead = 1;
    assert_eq!(world.ticket("ana").await["owner"], "queue", "a new message is a new try");
}

#[tokio::test]
async fn fewer_deaths_than_allowed_change_nothing_for_the_customer() {
    let mut world = World::auto().await;
    world.writes("api", "ana", QUESTION).await;
    world.app().worker.file_messages().await.unwrap();
    for _ in 0..MAX_ATTEMPTS - 1 {
        world.die_over_due_jobs().await;
    }
    world.drain().await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn businesses_do_not_see_each_other() {
    let mut world = World::auto().await;
    let main = TenantId::main();
    let other = world.add_tenant("other", DRAFT).await;
    let body = json!({"channel": "api", "external_id": "same", "thread": "same", "from": {"reference": "c-1"}, "text": QUESTION});
    world.hands_in(&main, "ana", body.clone()).await;
    world.hands_in(&other, "bia", body).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "each under its own policy, to its own receiver");
    assert_eq!(world.sent()[0].body["tenant"], "main");

    let list = |body: &Value| body["items"].as_array().unwrap().len();
    let ticket = world.ticket_id("ana").await;
    for (tenant, review, outbox) in [(&main, 0, 1), (&other, 1, 0)] {
        let mut found = Vec::new();
        for path in ["/v1/tickets", "/v1/review", "/v1/outbox"] {
            found.push(list(&world.call(tenant, "GET", path, None).await.1));
        }
        assert_eq!(found, [1, review, outbox], "{tenant}");
    }
    for (method, path, body) in [
        ("GET", "", None),
        ("POST", "/claim", Some(json!({}))),
        ("POST", "/reply", Some(json!({"text": "a"}))),
        ("POST", "/note", Some(json!({"text": "a"}))),
        ("POST", "/draft", Some(json!({"action": "approve", "version": 1}))),
    ] {
        let path = format!("/v1/tickets/{ticket}{path}");
        let (status, answer) = world.call(&other, method, &path, body).await;
        assert_eq!(status, 404, "{method} {path}: {answer}");
    }
    world.call(&other, "POST", "/v1/incidents", Some(json!({"kind": "outage"}))).await;
    world.writes("api", "eva", QUESTION).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 2, "another's incident holds nothing back here");
    world.adopt(&other, AUTO).await;
}

#[tokio::test]
async fn a_directory_has_one_worker() {
    let world = World::auto().await;
    let said = refusal(world.data()).await;
    assert!(said.contains("another atende worker"), "{said}");
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    assert!(said.contains("--data"), "what to do: {said}");
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    for (file, table) in [("store.db", "store"), ("inbox.db", "inbox")] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).await.unwrap());
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join(file));
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (99999999999999, 'from the future', 1, x'00', 0)",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        let said = refusal(dir.path()).await;
        assert!(said.contains("newer version of atende"), "{table}: {said}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let said = refusal(&file).await;
    assert!(said.contains("a-file"), "{said}");

    let closed = dir.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(closed.join("probe"), "x").is_ok() {
        // Permissions do not bind the superuser; the file above stands for every refusal then.
        return;
    }
    let said = refusal(&closed).await;
    assert!(said.contains("closed") && said.contains("permissions"), "{said}");
}
