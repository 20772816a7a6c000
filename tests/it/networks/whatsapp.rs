//! The webhook of WhatsApp, called as Meta calls it.

use axum::body::Body;
use axum::http::Request;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tower::ServiceExt as _;

use crate::world::{APP_SECRET, NUMBER, QUESTION, World};

fn signature(body: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Calls the webhook; returns status and body.
async fn called(world: &World, request: Request<Body>) -> (u16, String) {
    let response = world.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn posted(world: &World, body: &str, signature: Option<&str>) -> u16 {
    let mut request = Request::builder().method("POST").uri("/webhooks/whatsapp");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    called(world, request.body(Body::from(body.to_owned())).unwrap()).await.0
}

/// Posts a change as Meta does.
pub(crate) async fn brings(world: &World, field: &str, value: Value) {
    let mut value = value;
    value["messaging_product"] = json!("whatsapp");
    if value.get("metadata").is_none() {
        value["metadata"] =
            json!({"display_phone_number": "551133334444", "phone_number_id": NUMBER});
    }
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": "1", "changes": [{"field": field, "value": value}]},
    ]})
    .to_string();
    let signature = signature(body.as_bytes(), APP_SECRET);
    assert_eq!(posted(world, &body, Some(&signature)).await, 200);
}

pub(crate) fn text(world: &World, from: &str, id: &str, words: &str) -> Value {
    let now = world.app().clock.now().timestamp();
    json!({"from": from, "id": id, "timestamp": now.to_string(), "type": "text", "text": {"body": words}})
}

pub(crate) fn ana(messages: &[Value]) -> Value {
    json!({
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "5511987654321", "user_id": "BR.1"}],
        "messages": messages,
    })
}

pub(crate) async fn settled(world: &World) {
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

pub(crate) async fn tickets(world: &World) -> Vec<Value> {
    world.get("/v1/tickets").await["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_subscription_is_answered_with_its_challenge_alone() {
    let world = World::auto().await;
    let ask = |query: &str| {
        Request::builder().uri(format!("/webhooks/whatsapp?{query}")).body(Body::empty()).unwrap()
    };
    let right = "hub.mode=subscribe&hub.verify_token=a-palavra&hub.challenge=1158201444";
    assert_eq!(called(&world, ask(right)).await, (200, "1158201444".to_owned()));
    for wrong in [
        "hub.mode=subscribe&hub.verify_token=outra&hub.challenge=1158201444",
        "hub.mode=unsubscribe&hub.verify_token=a-palavra&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=a-palavra&hub.challenge=%3Cb%3E",
        "hub.mode=subscribe&hub.verify_token=a-palavra",
        "",
    ] {
        assert_eq!(called(&world, ask(wrong)).await.0, 403, "{wrong}");
    }
}

#[tokio::test]
async fn only_what_is_signed_is_kept_and_within_three_megabytes() {
    let world = World::auto().await;
    let body = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    let good = signature(body.as_bytes(), APP_SECRET);
    let upper = format!("{good} ");
    for (signature, status) in [
        (Some(good.as_str()), 200),
        (Some(upper.as_str()), 200),
        (Some("sha256=00"), 403),
        (Some("md5=00"), 403),
        (None, 403),
    ] {
        assert_eq!(posted(&world, body, signature).await, status, "{signature:?}");
    }
    let other = signature(body.as_bytes(), "outro-segredo-qualquer");
    assert_eq!(posted(&world, body, Some(&other)).await, 403);
    let changed = signature(b"{}", APP_SECRET);
    assert_eq!(posted(&world, body, Some(&changed)).await, 403);
    let most = format!("{}{}", body, " ".repeat(3 * 1024 * 1024 - body.len()));
    let signed = signature(most.as_bytes(), APP_SECRET);
    assert_eq!(posted(&world, &most, Some(&signed)).await, 200);
    let more = format!("{most} ");
    let signed = signature(more.as_bytes(), APP_SECRET);
    assert_eq!(posted(&world, &more, Some(&signed)).await, 413);
    assert_eq!(world.app().stores.inbox.backlog(), 3, "what was refused is not kept");
    world.drain().await;
    assert_eq!(world.app().stores.inbox.backlog(), 0);
}

#[tokio::test]
async fn a_message_is_answered_once_however_often_it_comes() {
    let world = World::auto().await;
    for _ in 0..3 {
        brings(&world, "messages", ana(&[text(&world, "5511987654321", "wamid.1", QUESTION)]))
            .await;
    }
    settled(&world).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["channel"], "whatsapp");
    assert_eq!(sent[0].body["account"], NUMBER);
    assert_eq!(sent[0].body["to"]["phone"], "+5511987654321");
    assert_eq!(sent[0].body["in_reply_to"], "wamid.1");
    assert_eq!(tickets(&world).await.len(), 1);
}

#[tokio::test]
async fn whichever_id_a_person_writes_under_it_is_one_conversation() {
    let world = World::draft().await;
    brings(&world, "messages", ana(&[text(&world, "5511987654321", "wamid.1", "oi, tudo bem?")]))
        .await;
    world.drain().await;
    // Without the ninth digit; then with the user id alone; then a new number that WhatsApp told of.
    let short =
        json!({"messages": [text(&world, "551187654321", "wamid.2", "esqueci minha senha")]});
    brings(&world, "messages", short).await;
    let mut by_user = text(&world, "", "wamid.3", "como recupero?");
    by_user.as_object_mut().unwrap().remove("from");
    by_user["from_user_id"] = json!("BR.1");
    brings(&world, "messages", json!({"messages": [by_user]})).await;
    let moved = json!({"from": "5511987654321", "id": "wamid.4", "timestamp": "1795166400", "type": "system",
        "system": {"type": "user_changed_number", "wa_id": "5521999998888", "body": "mudou"}});
    brings(&world, "messages", json!({"messages": [moved]})).await;
    let new = json!({"messages": [text(&world, "5521999998888", "wamid.5", "ainda sou eu")]});
    brings(&world, "messages", new).await;
    settled(&world).await;
    let all = tickets(&world).await;
    assert_eq!(all.len(), 1, "{all:?}");
    let path = format!("/v1/tickets/{}", all[0]["id"].as_str().unwrap());
    let messages = world.get(&path).await["messages"].as_array().unwrap().len();
    assert_eq!(messages, 4);
}

#[tokio::test]
async fn one_bad_item_and_an_unknown_number_keep_nothing_else_away() {
    let world = World::draft().await;
    let bad = json!({"from": "5511987654321", "type": "text"});
    let good = text(&world, "5511987654321", "wamid.1", QUESTION);
    brings(&world, "messages", ana(&[bad, json!(7), good])).await;
    let elsewhere = json!({
        "metadata": {"display_phone_number": "1", "phone_number_id": "999"},
        "messages": [text(&world, "5511987654321", "wamid.2", "oi")],
    });
    brings(&world, "messages", elsewhere).await;
    brings(&world, "account_update", json!({"event": "VERIFIED_ACCOUNT"})).await;
    settled(&world).await;
    assert_eq!(tickets(&world).await.len(), 1);
    let left = world.app().stores.inbox.left_of_calls(10).await.unwrap();
    let why: Vec<&str> = left.iter().map(|(_, left)| left.why.as_str()).collect();
    assert_eq!(
        why,
        ["message without an id; item is no object", "number 999 is not among the configured ones"]
    );
    assert!(String::from_utf8_lossy(&left[1].1.items).contains("wamid.2"), "kept as it came");
    let told = world.app().stores.inbox.check().await.unwrap();
    assert_eq!(told, ["2 messages were set aside and need a person"]);
}

#[tokio::test]
async fn who_answers_from_the_business_s_phone_takes_over_and_the_worker_is_silent() {
    let world = World::draft().await;
    brings(&world, "messages", ana(&[text(&world, "5511987654321", "wamid.1", QUESTION)])).await;
    settled(&world).await;
    let id = tickets(&world).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tickets/{id}");
    assert_eq!(world.get(&path).await["drafts"][0]["state"], "proposed");
    let now = world.app().clock.now().timestamp().to_string();
    let echo = json!({"message_echoes": [{
        "from": "551133334444", "to": "5511987654321", "id": "wamid.E1", "timestamp": now,
        "type": "text", "text": {"body": "Oi Ana, já te ajudo por aqui."},
    }]});
    for _ in 0..2 {
        brings(&world, "smb_message_echoes", echo.clone()).await;
    }
    settled(&world).await;
    let ticket = world.get(&path).await;
    assert_eq!(ticket["drafts"][0]["state"], "retired");
    assert_eq!(ticket["owner"], "agent");
    let last = ticket["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["author"], &last["text"]),
        (&json!("agent"), &json!("Oi Ana, já te ajudo por aqui."))
    );
    brings(
        &world,
        "messages",
        json!({"messages": [text(&world, "5511987654321", "wamid.3", "obrigada, e a senha?")]}),
    )
    .await;
    settled(&world).await;
    assert!(world.sent().is_empty(), "the worker is silent while a person has it");
}

#[tokio::test]
async fn states_only_rise_and_a_failure_ends_at_a_person() {
    let world = World::auto().await;
    brings(&world, "messages", ana(&[text(&world, "5511987654321", "wamid.1", QUESTION)])).await;
    settled(&world).await;
    let sent = world.sent().remove(0);
    let own = sent.body["id"].as_str().unwrap();
    let status = |state: &str, errors: Value| {
        json!({"statuses": [{"id": "wamid.out", "status": state, "timestamp": "1795166400",
            "recipient_id": "5511987654321", "biz_opaque_callback_data": own, "errors": errors}]})
    };
    for state in ["read", "delivered", "sent"] {
        brings(&world, "messages", status(state, json!([]))).await;
    }
    world.drain().await;
    let id = tickets(&world).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tickets/{id}");
    assert_eq!(world.get(&path).await["status"], "pending");
    let why = json!([{"code": 131_026, "title": "Message undeliverable"}]);
    brings(&world, "messages", status("failed", why)).await;
    brings(&world, "messages", status("delivered", json!([]))).await;
    world.drain().await;
    let ticket = world.get(&path).await;
    assert_eq!(ticket["status"], "escalated", "{ticket}");
    let rows = world.get("/v1/outbox").await;
    let row = &rows["items"][0];
    assert_eq!(
        (&row["state"], &row["error"]),
        (&json!("failed"), &json!("Message undeliverable (131026)"))
    );
}

#[tokio::test]
async fn calls_that_wait_together_keep_their_order_and_none_holds_back_another() {
    let world = World::draft().await;
    let (bia, foreign) = ("5521999998888", "5531977776666");
    let mut posted = Vec::new();
    for n in 0..60 {
        let from = if n % 3 == 0 { bia } else { "5511987654321" };
        let said = text(&world, from, &format!("wamid.{n}"), &format!("linha {n:02}"));
        brings(&world, "messages", json!({"messages": [said.clone()]})).await;
        posted.push(said);
        match n {
            // Of a number that nobody configured.
            20 => {
                let lost = text(&world, foreign, "wamid.lost", "oi");
                let metadata = json!({"display_phone_number": "1", "phone_number_id": "1"});
                brings(&world, "messages", json!({"messages": [lost], "metadata": metadata})).await;
            }
            // It goes by what came before it.
            40 => {
                let revoke = json!({"from": "5511987654321", "id": "wamid.R", "type": "revoke",
                    "timestamp": posted[1]["timestamp"], "revoke": {"original_message_id": "wamid.38"}});
                brings(&world, "messages", json!({"messages": [revoke]})).await;
            }
            // Meta repeats what it thinks was not heard.
            50 => brings(&world, "messages", json!({"messages": [posted[2].clone()]})).await,
            _ => {}
        }
    }
    settled(&world).await;
    let mut told = Vec::new();
    for ticket in tickets(&world).await {
        let ticket = world.get(&format!("/v1/tickets/{}", ticket["id"].as_str().unwrap())).await;
        let texts = ticket["messages"].as_array().unwrap().iter();
        let texts = texts.filter(|one| one["author"] == "customer");
        told.push(texts.map(|one| one["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
    }
    told.sort_by_key(Vec::len);
    let of = |third: bool| {
        let numbers = (0..60).filter(move |n| (n % 3 == 0) == third);
        let line = |n: i32| if n == 38 { String::new() } else { format!("linha {n:02}") };
        numbers.map(line).collect::<Vec<_>>()
    };
    assert_eq!(told, [of(true), of(false)]);
    let left = world.app().stores.inbox.left_of_calls(10).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].1.why.contains("number 1 is not among"), "{left:?}");
}
