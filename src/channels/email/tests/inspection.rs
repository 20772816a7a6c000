use serde_json::{Value, json};

use crate::channels::email::inspect::{inspected, inspected_by};
use crate::channels::email::kind::Own;
use crate::domain::labels::Locale;

#[test]
fn a_message_is_one_object() {
    let raw = "Message-ID: <1@x>\nFrom: Ana <ana@x.com>\nTo: sac@loja.com.br\nDate: Wed, 3 Apr 2024 10:15:00 -0300\nSubject: Pedido [#572-4]\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nChegou?\n\n> antes\n--b\nContent-Type: image/png; name=a.png\nContent-ID: <i1>\n\n\u{89}PNG\n--b--";
    assert_eq!(
        inspected(raw.as_bytes(), Locale::En),
        json!({
            "kind": "message",
            "type": "message",
            "from": "ana@x.com",
            "external_id": "1@x",
            "timestamp": "2024-04-03T13:15:00Z",
            "text": "Chegou?",
            "quoted_removed": true,
            "attachments": [{
                "type": "file",
                "mime": "image/png",
                "filename": "a.png",
                "size": 5,
                "inline": false,
                "content_id": "i1",
            }],
            "reply_allowed": true,
            "reason": null,
            "name": "Ana",
            "subject": "Pedido [#572-4]",
            "to": ["sac@loja.com.br"],
            "ticket_numbers": ["572-4"],
            "sender": "unverified",
        })
    );
}

#[test]
fn a_bounce_is_a_status_and_the_rest_is_ignored_or_an_error() {
    let bounce = inspected(
        b"From: MAILER-DAEMON@mx\nTo: sac@loja.com.br\nSubject: failure notice\n\n<ana@x.com>:\n550 5.1.1 user unknown\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <ours@loja>\n",
        Locale::En,
    );
    for (key, expected) in [
        ("kind", json!("status")),
        ("type", json!("bounce")),
        ("recipients", json!(["ana@x.com"])),
        ("status", json!("5.1.1")),
        ("action", json!("failed")),
        ("permanent", json!(true)),
        ("original_message_id", json!("ours@loja")),
        ("reply_allowed", json!(false)),
        ("reason", json!("bounce")),
    ] {
        assert_eq!(bounce[key], expected, "{key}");
    }
    let away =
        inspected(b"From: a@x.com\nAuto-Submitted: auto-replied\n\nVolto segunda", Locale::En);
    assert_eq!((&away["kind"], &away["type"]), (&json!("ignored"), &json!("auto_reply")));
    let none = inspected(b"", Locale::En);
    assert_eq!((&none["kind"], &none["type"]), (&json!("error"), &Value::Null));
    assert_eq!(none["reason"], json!("the mail is empty"));
    assert_eq!(inspected(b"", Locale::PtBr)["reason"], json!("o e-mail está vazio"));
    let keys =
        |line: &Value| line.as_object().unwrap().keys().take(10).cloned().collect::<Vec<_>>();
    assert_eq!(keys(&none), keys(&bounce), "every line has the same ten keys");

    let own = Own { mailboxes: vec!["sac@loja.com.br".to_owned()], ..Own::default() };
    let ours = inspected_by(b"From: sac@loja.com.br\n\noi", &own, Locale::En);
    assert_eq!((&ours["kind"], &ours["type"]), (&json!("ignored"), &json!("own")));
}
