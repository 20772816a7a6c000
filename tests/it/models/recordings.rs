//! The shipped recordings: the demonstration runs on them, with model-style drafts and no key.

use std::path::Path;

use crate::world::process::{put, run};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/eval/recordings/demo");

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_demonstration_finds_every_answer_in_the_shipped_recordings() {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(dir.path(), &["demo", "--replay", DEMO]);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        ended.status.success(),
        "{told}\nA prompt, an article, a template or a message of the demonstration changed: run scripts/cassettes"
    );
    assert!(told.contains("an example, not a measurement"), "{told}");
    let stats = ["models", "stats", "--tenant", "demo", "--days", "366", "--json"];
    let stats = run(dir.path(), &stats);
    assert!(String::from_utf8_lossy(&stats.stdout).contains("\"draft\""), "{stats:?}");
}

#[test]
fn a_missing_recording_is_told_and_fails_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let tapes = dir.path().join("tapes");
    copy(Path::new(DEMO), &tapes);
    std::fs::remove_dir_all(tapes.join("triage")).unwrap();
    put(
        dir.path(),
        "turn.jsonl",
        r#"{"id":1,"channel":"chat","text":"meu site ficou torto ontem"}"#,
    );
    let ended = run(dir.path(), &["--replay", "tapes", "triage", "turn.jsonl"]);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    // These are written examples: there is no model behind them to ask again.
    assert!(told.contains("no recording in") && told.contains("scripts/cassettes"), "{told}");
    assert!(!told.contains("models check"), "{told}");
    // The turn is decided all the same, without a model.
    assert!(String::from_utf8_lossy(&ended.stdout).contains("\"decision\""), "{ended:?}");
}
