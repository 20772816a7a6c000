use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_util::task::TaskTracker;

use super::{Live, play};
use crate::adapters::store::{Place, QueueAsk, QueueRow, TicketFilter};
use crate::app::Stores;
use crate::cli::CliCx;
use crate::cli::tests::Call;
use crate::config::Config;
use crate::domain::labels::Locale;

fn demo(dir: &std::path::Path) -> Vec<Value> {
    let call = Call { dir, env: &[], typed: None };
    let called = call.run(&["demo", "--json"]);
    assert_eq!(called.err, "");
    called.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_shows_every_action_and_a_second_run_doubles_nothing() {
    let here = tempfile::tempdir().unwrap();
    let first = demo(here.path());
    let (summary, turns) = first.split_last().unwrap();
    let summary = &summary["summary"];
    assert!(turns.len() >= 60, "{}", turns.len());
    for action in ["send", "review", "escalate", "none"] {
        assert!(summary["actions"][action].as_u64().unwrap() >= 5, "{action}: {summary}");
    }
    assert_eq!(summary["turns"], turns.len());
    assert!(turns.iter().any(|turn| turn["messages"].as_u64().unwrap() >= 3), "bursts join");

    let second = demo(here.path());
    let again = &second.last().unwrap()["summary"];
    assert_eq!(again["duplicates"], again["messages"]);
    assert_eq!(again["actions"], summary["actions"]);
    assert_eq!(again["outbox"], summary["outbox"]);
}

#[test]
fn the_day_that_is_opened_in_the_browser_ends_now_and_leaves_work_for_people() {
    let here = tempfile::tempdir().unwrap();
    let (mut out, mut err, mut typed) = (Vec::new(), Vec::new(), std::io::empty());
    let cx = CliCx {
        out: &mut out,
        err: &mut err,
        stdin: &mut typed,
        stdin_is_terminal: false,
        lang: Locale::En,
        data: here.path().to_owned(),
        config_file: None,
        current_dir: here.path().to_owned(),
        env: BTreeMap::new(),
        cassette: None,
    };
    let runtime = cx.runtime().unwrap();
    let config = Config::default();
    // A working afternoon of the demo's company.
    let now: DateTime<Utc> = "2026-11-20T17:00:00Z".parse().unwrap();
    let live = Live::today(now).unwrap();
    assert_eq!(live.tenant.as_str(), "demo-2026-11-20");
    let played = runtime.block_on(play(&cx, &config, Some(&live))).unwrap();
    assert_eq!(played.tenant, live.tenant);
    runtime.block_on(async {
        let store = Stores::open(here.path(), &config, &TaskTracker::new()).await.unwrap().store;
        let review = store.desk_count(now, &live.tenant, &Place::Review, 500).await.unwrap();
        assert!(review >= 3, "{review} drafts wait");
        let ask = QueueAsk {
            place: Place::Anywhere,
            filter: TicketFilter::default(),
            after: None,
            limit: 500,
        };
        let rows = store.desk_queue(now, &live.tenant, &ask).await.unwrap();
        let due = |late: bool| {
            let of = |row: &&QueueRow| row.ticket.sla_due_at.is_some_and(|at| (at <= now) == late);
            rows.iter().filter(of).count()
        };
        assert!(due(true) > 0 && due(false) > 0, "{} late, {} not", due(true), due(false));
        let today = now - chrono::Duration::hours(8)..=now;
        assert!(rows.iter().all(|row| today.contains(&row.ticket.created_at)));
    });
    let again = runtime.block_on(play(&cx, &config, Some(&live))).unwrap();
    assert_eq!(again.duplicates, again.events, "a second run doubles nothing");
}
