//! What people do with a ticket.

use serde_json::json;

use super::*;

async fn opened() -> (Api, TicketId) {
    let api = Api::new().await;
    let id = api.drafted(&TenantId::main(), "t-1").await;
    (api, id)
}

#[tokio::test]
async fn one_agent_at_a_time_has_a_conversation() {
    let (api, id) = opened().await;
    let path = |action: &str| format!("/v1/tickets/{id}/{action}");
    let claimed = api.post(&path("claim"), json!({"agent": "ana"})).await.is(200);
    assert_eq!(claimed["until"], "2026-11-20T12:30:00Z");
    assert_eq!(claimed["agent"], "ana");
    let ticket = api.get(&path("")).await;
    assert_eq!(ticket.status, 404, "a trailing slash is another address");

    for (action, body) in [
        ("claim", json!({"agent": "rui"})),
        ("release", json!({"agent": "rui"})),
        ("reply", json!({"agent": "rui", "text": "a"})),
        ("status", json!({"agent": "rui", "status": "solved"})),
        ("override", json!({"agent": "rui", "field": "urgency", "value": "low"})),
    ] {
        let refused = api.post(&path(action), body).await.is(409);
        assert_eq!(refused["held_by"], "ana", "{action}");
        assert_eq!(refused["held_until"], "2026-11-20T12:30:00Z", "{action}");
    }
    api.post(&path("note"), json!({"agent": "rui", "text": "olhar"})).await.is(200);
    api.post(&path("tag"), json!({"agent": "rui", "add": ["nota"]})).await.is(200);

    api.post(&path("release"), json!({"agent": "ana"})).await.is(200);
    insta::assert_json_snapshot!(api.post(&path("release"), json!({})).await.is(409), @r#"
    {
      "type": "urn:atende:problem:conflict",
      "title": "Not possible in the present state",
      "status": 409,
      "detail": "No agent has this conversation; there is nothing to give back."
    }
    "#);
    let view = api.get(&format!("/v1/tickets/{id}")).await.is(200);
    assert_eq!((&view["owner"], &view["assignee"]), (&json!("review"), &Value::Null));
    assert_eq!(view["tags"], json!(["nota"]));
    assert_eq!(view["notes"][0]["author"], "rui");
    let done: Vec<&str> = view["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    let expected = [
        "ticket.opened",
        "turn.decided",
        "ticket.claimed",
        "note.added",
        "ticket.tagged",
        "ticket.released",
    ];
    assert_eq!(done, expected);
}

#[tokio::test]
async fn a_conversation_can_be_given_to_the_assistant() {
    let (api, id) = opened().await;
    api.post(&format!("/v1/tickets/{id}/claim"), json!({})).await.is(200);
    api.post(&format!("/v1/tickets/{id}/release"), json!({"to": "assistant"})).await.is(200);
    assert_eq!(api.get(&format!("/v1/tickets/{id}")).await.is(200)["owner"], "ai");
}

#[tokio::test]
async fn a_repeated_reply_leaves_once() {
    let (api, id) = opened().await;
    let path = format!("/v1/tickets/{id}/reply");
    let reply = |text: &str| {
        let call = api.call("POST", &path).header("idempotency-key", "r-1");
        call.json(json!({"text": text}))
    };
    let first = reply("Segue.").await.is(200);
    let again = reply("Segue.").await.is(200);
    assert_eq!(first["outbox_id"], again["outbox_id"]);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    reply("Outra.").await.is(422);
    let rows = api.store.claim_outbox(api.clock.now(), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].body.text.as_str(), rows[0].body.locale), ("Segue.", Locale::PtBr));
}

#[tokio::test]
async fn a_ticket_moves_along_its_life_cycle_only() {
    let (api, id) = opened().await;
    let path = format!("/v1/tickets/{id}/status");
    api.post(&path, json!({"status": "solved"})).await.is(200);
    insta::assert_json_snapshot!(api.post(&path, json!({"status": "pending"})).await.is(409), @r#"
    {
      "type": "urn:atende:problem:conflict",
      "title": "Not possible in the present state",
      "status": 409,
      "detail": "A ticket in `solved` cannot become `pending`; it can become: open, escalated, closed.",
      "status_now": "solved",
      "allowed": [
        "open",
        "escalated",
        "closed"
      ]
    }
    "#);
    api.post(&path, json!({"status": "closed"})).await.is(200);
    let refused = api.post(&path, json!({"status": "open"})).await.is(409);
    assert_eq!(refused["allowed"], json!([]));
    for (action, body) in [("claim", json!({})), ("reply", json!({"text": "a"}))] {
        api.post(&format!("/v1/tickets/{id}/{action}"), body).await.is(409);
    }
}

#[tokio::test]
async fn corrections_are_checked_against_the_policy() {
    let (api, id) = opened().await;
    let path = format!("/v1/tickets/{id}/override");
    for (field, value, status) in [
        ("subcategory", "refund", 200),
        ("subcategory", "nothing", 422),
        ("category", "biling", 422),
        ("category", "access", 200),
        ("subcategory", "refund", 422),
        ("urgency", "critical", 200),
        ("urgency", "crítica", 422),
        ("sentiment", "angry", 200),
        ("language", "en", 200),
        ("complexity", "complex", 200),
        ("complexity", "hard", 422),
        ("queue", "finance", 422),
    ] {
        let answer = api.post(&path, json!({"field": field, "value": value})).await;
        assert_eq!(answer.status.as_u16(), status, "{field} {value}: {}", answer.text);
    }
    let view = api.get(&format!("/v1/tickets/{id}")).await.is(200);
    for (field, value) in [
        ("category", json!("access")),
        ("subcategory", Value::Null),
        ("urgency", json!("critical")),
        ("language", json!("en")),
    ] {
        assert_eq!(view[field], value, "{field}");
    }
    assert_eq!(view["overrides"]["complexity"], "complex");
    assert!(view["overrides"].get("subcategory").is_none());
    let problem = api.post(&path, json!({"field": "category", "value": "biling"})).await.is(422);
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "field": "value",
        "problem": "unknown value",
        "hint": "did you mean `billing`? Known values: access, billing"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_ticket_has_at_most_fifty_tags() {
    let (api, id) = opened().await;
    let path = format!("/v1/tickets/{id}/tag");
    let fifty: Vec<String> = (0..50).map(|number| format!("t{number}")).collect();
    api.post(&path, json!({"add": fifty})).await.is(200);
    let answer = api.post(&path, json!({"add": ["one more"]})).await;
    assert_eq!(answer.fields(), ["add"]);
    answer.is(422);
    api.post(&path, json!({"add": ["one more"], "remove": ["t0"]})).await.is(200);
}

#[tokio::test]
async fn wrong_actions_are_refused() {
    let (api, id) = opened().await;
    for (action, body, expected) in [
        ("claim", json!({"minutes": 0}), &["minutes"][..]),
        ("claim", json!({"minutes": 481}), &["minutes"]),
        ("claim", json!({"minuts": 5}), &["minuts"]),
        ("release", json!({"to": "robot"}), &["to"]),
        ("reply", json!({}), &["text"]),
        ("reply", json!({"text": " "}), &["text"]),
        ("reply", json!({"text": "a", "locale": "es"}), &["locale"]),
        ("status", json!({}), &["status"]),
        ("status", json!({"status": "done"}), &["status"]),
        ("override", json!({}), &["field", "value"]),
        ("note", json!({"text": ["a"]}), &["text"]),
        ("tag", json!({}), &["add"]),
        ("tag", json!({"add": "a"}), &["add"]),
        ("tag", json!({"add": ["", 1, "x".repeat(51)]}), &["add[0]", "add[1]", "add[2]"]),
    ] {
        let answer = api.post(&format!("/v1/tickets/{id}/{action}"), body.clone()).await;
        assert_eq!(answer.status, 422, "{action} {body}: {}", answer.text);
        assert_eq!(answer.fields(), expected, "{action} {body}");
    }
}
