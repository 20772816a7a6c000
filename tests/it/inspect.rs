//! `atende inspect` as a person runs it: one line per update, and no store.

use serde_json::Value;

use crate::world::process::{put, run};

const BATCH: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"551133334444","phone_number_id":"10"},"contacts":[{"profile":{"name":"Jo\u00e3o"},"wa_id":"5511987654321"}],"messages":[{"from":"5511987654321","id":"wamid.1","timestamp":"1795166400","type":"text","text":{"body":"cad\u00ea meu pedido?"}},{"from":"5511987654321","id":"wamid.2","timestamp":"1795166401","type":"reaction","reaction":{"message_id":"wamid.0","emoji":"\ud83d\udc4d"}}]}}]}]}"#;

fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_of_payloads_is_shown_and_a_broken_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("calls/more")).unwrap();
    put(dir.path(), "calls/b.json", BATCH);
    put(dir.path(), "calls/more/a.json", "{\"entry\":");
    let ended = run(dir.path(), &["inspect", "whatsapp", "calls"]);
    let shown = lines(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{shown:?}");
    let facts: Vec<(&str, &str, bool)> = shown
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            (text("file"), text("kind"), line["reply_allowed"] == true)
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("b.json", "message", true),
            ("b.json", "message", false),
            ("more/a.json", "error", false)
        ]
    );
    assert_eq!(shown[0]["text"], "cadê meu pedido?");
    assert_eq!(shown[0]["timestamp"], "2026-11-20T09:20:00Z");
    assert_eq!(shown[1]["reason"], "reaction");
    // Nothing is stored.
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(left, [dir.path().join("calls")]);
}

#[test]
fn what_is_not_there_or_no_network_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(dir.path(), &["inspect", "whatsapp", "nothing.json"]);
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(1) && told.contains("nothing.json"), "{told}");
    let ended = run(dir.path(), &["inspect", "telegram", "x"]);
    assert_eq!(ended.status.code(), Some(2));
}
