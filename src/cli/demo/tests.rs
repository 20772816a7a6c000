use serde_json::Value;

use crate::cli::tests::Call;

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
