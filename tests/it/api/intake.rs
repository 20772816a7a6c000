//! Messages and tickets handed in: on disk before they are acknowledged, filed once.

use atende::web::WebSettings;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_message_is_on_disk_when_it_is_accepted_and_can_be_followed() {
    let api = Api::new().await;
    let body = json!({"channel": "chat", "from": {"name": "Ana", "phone": "+55 11 91234-5678"}, "text": "Oi\u{0}!"});
    let answer = api.post("/v1/messages", body).await;
    let location = answer.header("location").to_owned();
    let body = answer.is(202);
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(body, json!({"id": id, "status": "accepted", "duplicate": false}));
    assert_eq!(location, format!("/v1/messages/{id}"));

    let waiting = api.inbox.waiting(10).await.unwrap();
    let message = waiting[0].message.as_ref().unwrap();
    assert_eq!(message.text, "Oi\u{fffd}!");
    assert_eq!(message.thread, "5511912345678");
    assert_eq!(message.external_id, id);
    assert_eq!(message.tenant, TenantId::main());

    assert_eq!(api.get(&location).await.is(200), json!({"id": id, "state": "waiting"}));
    api.file_waiting().await;
    let filed = api.get(&location).await.is(200);
    assert_eq!(filed["state"], "filed");
    api.decide().await;
    let decided = api.get(&location).await.is(200);
    assert_eq!(decided["state"], "decided");
    let ticket = api.get(decided["ticket"].as_str().unwrap()).await.is(200);
    assert_eq!(ticket["messages"][0]["id"], id);

    let stranger = api.token("stranger", Scope::ALL, &other()).await;
    api.call_as(&stranger, "GET", &location).send().await.is(404);
    api.get("/v1/messages/msg_0").await.is(404);
    api.get("/v1/messages/%00").await.is(404);
}

#[tokio::test]
async fn the_same_external_id_is_filed_once() {
    let api = Api::new().await;
    let body =
        json!({"channel": "api", "external_id": "m-1", "from": {"reference": "c-1"}, "text": "a"});
    let first = api.post("/v1/messages", body.clone()).await.is(202);
    let again = api.post("/v1/messages", body).await.is(202);
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    assert_eq!(api.inbox.backlog(), 1);
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_body_of_one_token() {
    let api = Api::new().await;
    let body = json!({"channel": "api", "text": "a"});
    let send = |bearer: String, path: &'static str, body: Value| {
        let api = &api;
        async move {
            api.call_as(&bearer, "POST", path).header("idempotency-key", "k-1").json(body).await
        }
    };
    let mine = api.bearer.clone();
    let first = send(mine.clone(), "/v1/messages", body.clone()).await;
    let again = send(mine.clone(), "/v1/messages", body.clone()).await;
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(
        (first.body["duplicate"].clone(), again.is(202)["duplicate"].clone()),
        (json!(false), json!(true))
    );

    let other_body = json!({"channel": "api", "text": "b"});
    let refused = send(mine.clone(), "/v1/messages", other_body).await.is(422);
    insta::assert_json_snapshot!(refused, @r#"
    {
      "type": "urn:atende:problem:idempotency-key-reused",
      "title": "Idempotency key already used",
      "status": 422,
      "detail": "This `Idempotency-Key` was used with another body or address. Use a new key for a new request."
    }
    "#);
    let summary = json!({"channel": "api", "summary": "a"});
    send(mine, "/v1/tickets", summary).await.is(422);

    let theirs = api.token("second", &[Scope::Ingest], &TenantId::main()).await;
    assert_eq!(send(theirs, "/v1/messages", body).await.is(202)["duplicate"], false);
    assert_eq!(api.inbox.backlog(), 2);
}

#[tokio::test]
async fn a_phone_hand_over_opens_a_ticket_of_its_own() {
    let api = Api::new().await;
    let body = json!({
        "channel": "phone", "caller": {"name": "Rui", "phone": "+351 912 345 678"}, "summary": "Cobrança em dobro",
        "notes": "Ligou duas vezes.", "category": "billing", "urgency": "high", "language": "pt-BR", "external_id": "call-9"
    });
    let answer = api.post("/v1/tickets", body.clone()).await;
    let location = answer.header("location").to_owned();
    let first = answer.is(202);
    assert_eq!(location, format!("/v1/tickets/{}", first["ticket_id"].as_str().unwrap()));

    let early = api.get(&location).await;
    assert_eq!(early.header("retry-after"), "1");
    assert_eq!(early.is(202)["status"], "accepted");
    api.file_waiting().await;
    let ticket = api.get(&location).await.is(200);
    assert_eq!(ticket["status"], "new");
    assert_eq!(ticket["category"], "billing");
    assert_eq!(ticket["urgency"], "high");
    assert_eq!(ticket["messages"][0]["text"], "Cobrança em dobro\n\n---\n\nLigou duas vezes.");

    let again = api.post("/v1/tickets", body).await.is(202);
    assert_eq!((&again["ticket_id"], &again["duplicate"]), (&first["ticket_id"], &json!(true)));

    let second = json!({"channel": "phone", "caller": {"phone": "+351 912 345 678"}, "summary": "Outra coisa"});
    let second = api.post("/v1/tickets", second).await.is(202);
    assert_ne!(second["ticket_id"], first["ticket_id"]);

    let follow_up =
        json!({"channel": "phone", "thread": first["ticket_id"], "text": "e mais isto"});
    let follow_up = api.post("/v1/messages", follow_up).await;
    let message = follow_up.header("location").to_owned();
    api.file_waiting().await;
    assert_eq!(api.get(&message).await.is(200)["ticket"], location);
}

#[tokio::test]
async fn a_ticket_of_a_known_thread_is_followed_by_its_message() {
    let api = Api::new().await;
    let body = json!({"channel": "web_form", "thread": "t-1", "summary": "a"});
    let answer = api.post("/v1/tickets", body).await;
    let location = answer.header("location").to_owned();
    let body = answer.is(202);
    assert_eq!(location, format!("/v1/messages/{}", body["id"].as_str().unwrap()));
    assert!(body.get("ticket_id").is_none());
}

#[tokio::test]
async fn a_full_inbox_says_so_and_keeps_nothing() {
    let api = Api::with(WebSettings::default(), 1).await;
    let body = json!({"channel": "api", "text": "a"});
    api.post("/v1/messages", body.clone()).await.is(202);
    let full = api.post("/v1/messages", body).await;
    assert_eq!(full.header("retry-after"), "10");
    insta::assert_json_snapshot!(full.is(503), @r#"
    {
      "type": "urn:atende:problem:unavailable",
      "title": "Unavailable for now",
      "status": 503,
      "detail": "Too many messages wait already. This one was not kept; send it again shortly."
    }
    "#);
    assert_eq!(api.inbox.backlog(), 1);
}

#[tokio::test]
async fn media_needs_no_words_and_a_machine_may_be_named() {
    let api = Api::new().await;
    let body = json!({"channel": "whatsapp", "media": true, "automatic": true, "text": ""});
    api.post("/v1/messages", body).await.is(202);
    let waiting = api.inbox.waiting(1).await.unwrap();
    let flags = waiting[0].message.as_ref().unwrap().flags;
    assert_eq!(flags, MessageFlags { automatic: true, media: true, held: false });
}

#[tokio::test]
async fn bad_messages_are_refused_with_every_field_named() {
    let api = Api::new().await;
    let long = "x".repeat(1024 * 1024 + 1);
    for (body, expected) in [
        (json!({}), &["channel", "text"][..]),
        (json!([]), &[""]),
        (json!("text"), &[""]),
        (json!({"channel": "fax", "text": "a"}), &["channel"]),
        (json!({"channel": 1, "text": 2}), &["channel", "text"]),
        (json!({"channel": "api", "text": " \n\u{200b}"}), &["text"]),
        (json!({"channel": "api", "text": null}), &["text"]),
        (json!({"channel": "api", "text": long}), &["text"]),
        (json!({"channel": "api", "text": "a", "txet": "b"}), &["txet"]),
        (json!({"channel": "api", "text": "a", "from": "Ana"}), &["from"]),
        (json!({"channel": "api", "text": "a", "from": {"email": "ana"}}), &["from.email"]),
        (json!({"channel": "api", "text": "a", "from": {"phone": "12"}}), &["from.phone"]),
        (json!({"channel": "api", "text": "a", "from": {"nome": "Ana"}}), &["from.nome"]),
        (json!({"channel": "api", "text": "a", "category": "biling"}), &["category"]),
        (json!({"channel": "api", "text": "a", "urgency": "urgent"}), &["urgency"]),
        (json!({"channel": "api", "text": "a", "language": "pt"}), &["language"]),
        (json!({"channel": "api", "text": "a", "sent_at": "20/11/2026"}), &["sent_at"]),
        (json!({"channel": "api", "text": "a", "sent_at": "2030-01-01T00:00:00Z"}), &["sent_at"]),
        (json!({"channel": "api", "text": "a", "media": "yes"}), &["media"]),
        (json!({"channel": "api", "text": "a", "external_id": "a\u{0}b"}), &["external_id"]),
        (json!({"channel": "api", "text": "a", "thread": "x".repeat(256)}), &["thread"]),
        (json!({"channel": "api", "text": "a", "external_id": 12}), &["external_id"]),
    ] {
        let answer = api.post("/v1/messages", body.clone()).await;
        let shown: String = body.to_string().chars().take(100).collect();
        assert_eq!(answer.status, 422, "{shown}: {}", answer.text);
        assert_eq!(answer.fields(), expected, "{shown}");
    }
    for body in
        [json!({"channel": "email", "summary": "a"}), json!({"channel": "phone", "summary": ""})]
    {
        api.post("/v1/tickets", body).await.is(422);
    }
    assert_eq!(api.inbox.backlog(), 0);
}
