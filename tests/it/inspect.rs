//! `atende inspect` as a person runs it: one line per update or mail, and no store.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::world::process::{command, put, run};

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

/// A reply as Gmail writes it, with a file whose name lies about what it is.
const REPLY: &str = "Message-ID: <1@x>\r\nIn-Reply-To: <0@loja>\r\nFrom: =?utf-8?Q?Jo=C3=A3o?= <joao@x.com>\r\nTo: sac@loja.com.br\r\nDate: Wed, 3 Apr 2024 10:15:00 -0300\r\nSubject: Re: Pedido\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nAinda n=E3o chegou.\r\n\r\n-- =20\r\nJo=E3o Lima\r\n\r\nEm ter., 2 de abr. de 2024 =E0s 09:00, Loja <sac@loja.com.br> escreveu:\r\n\r\n> Chegou?\r\n--b\r\nContent-Type: application/pdf; name=nota.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQAA==\r\n--b--\r\n";
const BOUNCE: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: sac@loja.com.br\nSubject: Undelivered Mail\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nFailed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ana@x.com\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <ours@loja>\n--b--\n";

#[test]
fn a_folder_of_mails_is_shown_and_what_is_no_mail_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("mails/older")).unwrap();
    put(dir.path(), "mails/a.eml", REPLY);
    put(dir.path(), "mails/b.eml", BOUNCE);
    put(
        dir.path(),
        "mails/c.eml",
        "From: ana@x.com\nAuto-Submitted: auto-replied\n\nVolto segunda",
    );
    put(dir.path(), "mails/older/call.json", BATCH);
    let ended = run(dir.path(), &["inspect", "email", "mails"]);
    let shown = lines(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{shown:?}");
    let facts: Vec<(&str, &str, &str, bool)> = shown
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            (text("file"), text("kind"), text("type"), line["reply_allowed"] == true)
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("a.eml", "message", "message", true),
            ("b.eml", "status", "bounce", false),
            ("c.eml", "ignored", "auto_reply", false),
            ("older/call.json", "error", "", false),
        ]
    );
    let reply = &shown[0];
    assert_eq!((&reply["text"], &reply["name"]), (&json!("Ainda não chegou."), &json!("João")));
    assert_eq!(
        (&reply["quoted_removed"], &reply["signature_removed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(reply["in_reply_to"], json!(["0@loja"]));
    assert_eq!(reply["attachments"][0]["filename"], "nota.pdf");
    assert_eq!(reply["attachments"][0]["sniffed"], "application/vnd.microsoft.portable-executable");
    let bounce = &shown[1];
    assert_eq!(
        (&bounce["recipients"], &bounce["status"]),
        (&json!(["ana@x.com"]), &json!("5.1.1"))
    );
    assert_eq!(
        (&bounce["original_message_id"], &bounce["reason"]),
        (&json!("ours@loja"), &json!("bounce"))
    );
    assert!(shown[3]["reason"].as_str().unwrap().starts_with("this is no mail"), "{shown:?}");
    // Nothing is stored.
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(left, [dir.path().join("mails")]);
}

#[test]
fn a_mail_comes_from_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let read = |mail: &str| {
        put(dir.path(), "mail", mail);
        let input = std::fs::File::open(dir.path().join("mail")).unwrap();
        command(dir.path()).args(["inspect", "email", "-"]).stdin(input).output().unwrap()
    };
    let ended = read(REPLY);
    let shown = lines(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{shown:?}");
    assert_eq!((shown.len(), &shown[0]["external_id"]), (1, &json!("1@x")));
    assert_eq!(shown[0].get("file"), None);
    let ended = read("");
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(lines(&ended.stdout)[0]["kind"], "error");
}

/// The folder of real payloads that a variable names; `None`, after one loud line, where it names none.
fn corpus(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        let line = format!("\n!!! SKIPPED: {variable} names no folder of real payloads\n\n");
        // Past the test runner's capture, so that nobody takes what is skipped for passed.
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    folder
}

fn count_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count_files(&path) } else { 1 }).sum()
}

#[test]
fn every_real_mail_gives_one_line_of_the_kind_that_its_manifest_names() {
    let Some(folder) = corpus("ATENDE_TEST_MAILS") else { return };
    let dir = tempfile::tempdir().unwrap();
    let ended = run(dir.path(), &["inspect", "email", folder.to_str().unwrap()]);
    let shown = lines(&ended.stdout);
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{:?}", ended.status);
    assert_eq!(shown.len(), count_files(&folder), "one line a file");
    let kinds: BTreeMap<&str, &Value> =
        shown.iter().map(|line| (line["file"].as_str().unwrap(), line)).collect();
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let (mut known, mut odd) = (0, Vec::new());
    for row in manifest.lines().skip(1) {
        let (file, kind) = row.split_once(',').unwrap();
        let kind = kind.split(',').next().unwrap();
        let line = kinds[file];
        let expected = match kind {
            "bounce" => "bounce",
            "feedback-report(arf)" => "feedback",
            "auto-reply" => "auto_reply",
            // The other files are parts of mails, pages and programs.
            _ if Path::new(file).extension().is_some_and(|ending| ending == "eml") => {
                assert_ne!(line["kind"], "error", "{file}");
                continue;
            }
            _ => continue,
        };
        known += 1;
        if line["type"] != expected {
            odd.push(format!(
                "{file}: {} for {kind}, answered: {}",
                line["type"], line["reply_allowed"]
            ));
        }
    }
    // One is no bounce but a person who hands one on, whatever its manifest calls it.
    assert!(known > 0 && odd.len() * 100 <= known, "{odd:#?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is stored");
}

#[test]
fn every_real_call_of_whatsapp_is_understood_and_every_other_file_is_told() {
    let Some(folder) = corpus("ATENDE_TEST_WHATSAPP") else { return };
    let dir = tempfile::tempdir().unwrap();
    let shown = |folder: &Path| {
        let ended = run(dir.path(), &["inspect", "whatsapp", folder.to_str().unwrap()]);
        (ended.status.code(), lines(&ended.stdout))
    };
    let inbound = folder.join("inbound");
    let (code, calls) = shown(&inbound);
    assert_eq!((code, calls.len()), (Some(0), count_files(&inbound)), "{calls:#?}");
    assert!(calls.iter().all(|line| line["kind"] != "error"), "{calls:#?}");
    // What we would send, answers of the API, and a licence: no calls, and no crash.
    let (code, all) = shown(&folder);
    let errors = all.iter().filter(|line| line["kind"] == "error").count();
    assert_eq!((code, all.len() - errors), (Some(1), calls.len()));
    assert_eq!(all.len(), count_files(&folder));
}
