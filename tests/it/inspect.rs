//! `atende inspect` as a person runs it: one line per update or mail, and no store.

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
