use serde_json::json;

use super::*;

fn lines(field: &str, lists: Value) -> Vec<Value> {
    let mut value = lists;
    value["metadata"] = json!({"display_phone_number": "551133334444", "phone_number_id": "10"});
    inspected(json!({"field": field, "value": value}).to_string().as_bytes(), Locale::PtBr)
}

#[test]
fn a_line_has_its_names_in_order() {
    let found = lines(
        "messages",
        json!({"messages": [{"from": "5511987654321", "id": "wamid.1", "timestamp": "1795166400", "type": "document",
            "document": {"id": "77", "mime_type": "application/pdf", "filename": "nota.pdf", "caption": "a nota"}}]}),
    );
    assert_eq!(
        found[0].to_string(),
        r#"{"kind":"message","type":"document","from":"+5511987654321","external_id":"wamid.1","timestamp":"2026-11-20T09:20:00Z","text":"a nota","quoted_removed":false,"attachments":[{"type":"document","mime":"application/pdf","filename":"nota.pdf","id":"77"}],"reply_allowed":true,"reason":null,"account":"10","media":true}"#
    );
}

/// Returns kind, type, sender, whether a reply is allowed, and the reason of the only line.
fn told(field: &str, lists: Value) -> [Value; 5] {
    let found = lines(field, lists);
    assert_eq!(found.len(), 1, "{found:?}");
    ["kind", "type", "from", "reply_allowed", "reason"].map(|name| found[0][name].clone())
}

#[test]
fn a_message_says_whether_a_reply_is_allowed_and_why_not() {
    let phone = json!("+5511987654321");
    for (more, kind, from, reason) in [
        (json!({}), "text", phone.clone(), json!(null)),
        (json!({"from": null, "from_user_id": "BR.1"}), "text", json!("BR.1"), json!(null)),
        (json!({"group_id": "g"}), "text", phone.clone(), json!("group")),
        (
            json!({"type": "reaction", "reaction": {"message_id": "w"}}),
            "reaction",
            phone.clone(),
            json!("reaction"),
        ),
        (
            json!({"type": "system", "system": {"type": "x"}}),
            "system",
            phone.clone(),
            json!("system"),
        ),
        (
            json!({"type": "revoke", "revoke": {"original_message_id": "w"}}),
            "revoke",
            phone.clone(),
            json!("revoke"),
        ),
        (json!({"type": "poll"}), "unsupported", phone, json!(null)),
    ] {
        let mut raw = json!({"from": "5511987654321", "id": "w", "timestamp": "1795166400", "type": "text", "text": {"body": "x"}});
        raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let expected = [json!("message"), json!(kind), from, json!(reason.is_null()), reason];
        assert_eq!(told("messages", json!({"messages": [raw]})), expected, "{more}");
    }
    let echo = json!({"from": "551133334444", "to": "5511987654321", "id": "w", "timestamp": "1", "type": "text", "text": {"body": "x"}});
    let expected =
        [json!("message"), json!("text"), json!("551133334444"), json!(false), json!("echo")];
    assert_eq!(told("smb_message_echoes", json!({"message_echoes": [echo]})), expected);
}

#[test]
fn nothing_else_allows_a_reply() {
    let state = json!({"id": "w", "status": "delivered", "timestamp": "1", "recipient_id": "1"});
    let ids = json!({"user_id": {"previous": "BR.1", "current": "BR.2"}});
    for (field, lists, expected) in [
        ("messages", json!({"statuses": [state]}), ["status", "delivered", "", "status"]),
        (
            "messages",
            json!({"errors": [{"code": 1}]}),
            ["error", "account", "", "WhatsApp reports a fault of the account"],
        ),
        (
            "messages",
            json!({"messages": [{"id": "w"}]}),
            ["error", "", "", "message without a readable timestamp"],
        ),
        ("history", json!({}), ["ignored", "history", "", "field is not acted upon"]),
        (
            "user_preferences",
            json!({"user_preferences": [{"wa_id": "16505551234", "value": "stop"}]}),
            ["ignored", "user_preferences", "+16505551234", "a customer chose what to receive"],
        ),
        (
            "user_id_update",
            json!({"user_id_update": [ids]}),
            ["ignored", "user_id_update", "user:BR.1", "a customer's id changed"],
        ),
    ] {
        let [kind, r#type, from, allowed, reason] = told(field, lists);
        let words = [&kind, &r#type, &from, &reason].map(|word| word.as_str().unwrap_or_default());
        assert_eq!((words, allowed), (expected, json!(false)), "{field}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_one_line_of_error() {
    for (body, reason) in [
        (&b""[..], "the body is empty"),
        (b"hello", "the body is not JSON: error in line 1, column 1"),
        (b"{}", "the body has no list `entry`"),
    ] {
        let found = inspected(body, Locale::En);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0]["kind"].as_str(), found[0]["reason"].as_str()),
            (Some("error"), Some(reason))
        );
        assert_eq!(found[0]["reply_allowed"], json!(false));
    }
    assert!(inspected(br#"{"entry":[]}"#, Locale::En).is_empty());
}
