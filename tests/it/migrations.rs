//! Migrations applied one by one over sample data: nothing stored is lost, and today's code reads it.
//!
//! Each migration has a sample of the same name under `tests/samples`, in the SQL that both databases
//! speak, with a row of everything that the migration made possible.

use std::collections::BTreeMap;
use std::path::Path;

use atende::adapters::store::{Store, TicketFilter};
use atende::domain::ids::{ConversationId, TenantId, TicketId};
use chrono::DateTime;
use sqlx::AnyConnection;
use sqlx::migrate::Migrator;
use tokio_util::task::TaskTracker;

use crate::contract::world::Place;

async fn tables(connection: &mut AnyConnection, sqlite: bool) -> BTreeMap<String, i64> {
    let names = if sqlite {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_%' ESCAPE '\\'"
    } else {
        "SELECT CAST(table_name AS text) FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%'"
    };
    let names: Vec<(String,)> = sqlx::query_as(names).fetch_all(&mut *connection).await.unwrap();
    let mut counts = BTreeMap::new();
    for (name,) in names {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {name}"));
        let (count,): (i64,) = sqlx::query_as(sql).fetch_one(&mut *connection).await.unwrap();
        counts.insert(name, count);
    }
    counts
}

async fn apply_all_over_samples(place: &Place, folder: &str, sqlite: bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = Migrator::new(root.join("migrations").join(folder)).await.unwrap();
    let mut connection = place.raw().await;
    let mut before = BTreeMap::new();
    for count in 1..=all.iter().count() {
        let steps: Vec<_> = all.iter().take(count).cloned().collect();
        let name = format!("{:04}_{}.sql", steps[count - 1].version, steps[count - 1].description);
        Migrator::with_migrations(steps).run(&mut connection).await.unwrap();
        let after = tables(&mut connection, sqlite).await;
        for (table, rows) in &before {
            assert_eq!(after.get(table), Some(rows), "{name} changed the rows of {table}");
        }
        let sample = root.join("tests/samples").join(name.replace(' ', "_"));
        let sample = std::fs::read_to_string(&sample).unwrap_or_else(|error| {
            panic!("a migration needs its sample {}: {error}", sample.display())
        });
        sqlx::raw_sql(sqlx::AssertSqlSafe(sample)).execute(&mut connection).await.unwrap();
        before = tables(&mut connection, sqlite).await;
    }
    let empty: Vec<_> = before.iter().filter(|(_, rows)| **rows == 0).collect();
    assert!(empty.is_empty(), "no sample fills {empty:?}");
    drop(connection);
    today_reads_it(&Store::open(&place.location, &TaskTracker::new()).await.unwrap()).await;
}

async fn today_reads_it(store: &Store) {
    let main = TenantId::main();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    let tickets = store.list_tickets(&main, &TicketFilter::default(), None, 10).await.unwrap();
    assert_eq!(tickets.len(), 2);
    for row in &tickets {
        let id = TicketId::from_stored(row.id.clone());
        let view = store.ticket(&main, &id).await.unwrap().expect("the ticket is there");
        assert_eq!(view.messages.len(), 3);
    }
    assert_eq!(store.list_review(&main, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.queue_counts(&main).await.unwrap().len(), 1);
    assert_eq!(store.read_outbox(&main, 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.list_tokens().await.unwrap().len(), 1);
    assert!(store.customer(&main, "c1").await.unwrap().is_some());
    let conversation = ConversationId::from_stored("cnv_1");
    let turns = store.load_turns(DateTime::UNIX_EPOCH, &[conversation]).await.unwrap();
    assert_eq!(turns[0].messages.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sqlite_migration_keeps_what_was_stored() {
    apply_all_over_samples(&Place::sqlite(), "sqlite", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_postgres_migration_keeps_what_was_stored() {
    if let Some(place) = Place::postgres().await {
        apply_all_over_samples(&place, "postgres", false).await;
        place.remove_schema().await;
    }
}
