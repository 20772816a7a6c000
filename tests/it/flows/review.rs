//! Drafts from the worker to the customer, through a person.

use atende::domain::ids::TenantId;
use serde_json::{Value, json};

use crate::world::{QUESTION, World};

/// A world with one draft that waits for review, and the address of its ticket.
async fn drafted() -> (World, String) {
    let mut world = World::draft().await;
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    assert_eq!(world.sent(), [], "a person sends");
    let review = world.get("/v1/review").await;
    assert_eq!(review["items"].as_array().unwrap().len(), 1, "{review}");
    let id = review["items"][0]["ticket"]["id"].as_str().unwrap();
    let path = format!("/v1/tickets/{id}");
    (world, path)
}

fn draft(ticket: &Value) -> &Value {
    &ticket["drafts"][0]
}

#[tokio::test]
async fn an_approved_draft_is_repeated_under_its_key_until_it_is_taken() {
    let (world, path) = drafted().await;
    let text = draft(&world.get(&path).await)["text"].clone();
    let approve = json!({"action": "approve", "version": 1, "agent": "rui"});
    world.act("POST", &format!("{path}/draft"), approve).await;
    world.receiver.then_answers(&[500, 503, 429]);
    world.drain().await;
    assert_eq!(world.receiver.seen().len(), 1, "the second try has its time");
    for seconds in [2, 4, 8] {
        world.advance(seconds);
        world.drain().await;
    }
    let seen = world.receiver.seen();
    assert_eq!(seen.iter().map(|one| one.status).collect::<Vec<_>>(), [500, 503, 429, 200]);
    assert!(seen.iter().all(|one| one.key == seen[0].key && one.raw == seen[0].raw));
    assert_eq!(seen[0].body["text"], text);
    let ticket = world.get(&path).await;
    assert_eq!(ticket["status"], "pending");
    assert_eq!(ticket["messages"][1]["text"], text);
    let outbox = world.get("/v1/outbox").await;
    assert_eq!(outbox["items"].as_array().unwrap().len(), 1, "read once, too");
    assert_eq!(outbox["items"][0]["id"], seen[0].key);
}

#[tokio::test]
async fn without_keys_a_doubtful_delivery_is_never_repeated_and_a_person_is_told() {
    let mut world = World::with(crate::world::AUTO, false).await;
    world.receiver.then_answers(&[500]);
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    for _ in 0..5 {
        world.advance(3600);
        world.drain().await;
    }
    assert_eq!(world.receiver.seen().len(), 1);
    let outbox = world.get("/v1/outbox").await;
    assert_eq!(outbox["items"][0]["state"], "unknown");
    let ticket = world.ticket("ana").await;
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
    assert!(!ticket["queue"].is_null());
    assert_eq!(ticket["messages"].as_array().unwrap().len(), 1, "nobody says that it arrived");
}

#[tokio::test]
async fn an_edited_draft_leaves_in_the_agents_words() {
    let (world, path) = drafted().await;
    let edit = json!({"action": "edit", "version": 1, "text": "Vou cuidar disso."});
    world.act("POST", &format!("{path}/draft"), edit).await;
    world.drain().await;
    assert_eq!(world.sent()[0].text(), "Vou cuidar disso.");
}

#[tokio::test]
async fn a_rejected_draft_never_leaves_and_people_have_the_case() {
    let (world, path) = drafted().await;
    let reject = json!({"action": "reject", "version": 1, "reason": "tom errado"});
    world.act("POST", &format!("{path}/draft"), reject).await;
    world.advance(3600);
    world.drain().await;
    assert_eq!(world.sent(), []);
    let ticket = world.get(&path).await;
    assert_eq!(
        (&ticket["owner"], &draft(&ticket)["reason"]),
        (&json!("queue"), &json!("tom errado"))
    );
}

#[tokio::test]
async fn of_two_approvals_one_reply_leaves() {
    let (world, path) = drafted().await;
    let path = format!("{path}/draft");
    let approve = |who: &str| Some(json!({"action": "approve", "version": 1, "agent": who}));
    let main = TenantId::main();
    let (first, second) = tokio::join!(
        world.call(&main, "POST", &path, approve("ana")),
        world.call(&main, "POST", &path, approve("rui"))
    );
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    world.drain().await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn a_message_after_the_approval_brings_the_case_back_to_review() {
    let (mut world, path) = drafted().await;
    world.act("POST", &format!("{path}/draft"), json!({"action": "approve", "version": 1})).await;
    world
        .writes(
            "api",
            "ana",
            "não precisa mais, já consegui entrar com a senha antiga. Mas onde pego o boleto?",
        )
        .await;
    world.drain().await;
    assert_eq!(world.sent(), [], "what was approved answered another conversation");
    let ticket = world.get(&path).await;
    assert_ne!(ticket["decision"]["decision"]["action"], "none");
    assert_ne!(ticket["owner"], "ai", "{ticket}");
}

#[tokio::test]
async fn what_agents_do_after_an_approval_does_not_take_it_back() {
    let (world, path) = drafted().await;
    world.receiver.then_answers(&[500]);
    world.act("POST", &format!("{path}/draft"), json!({"action": "approve", "version": 1})).await;
    world.drain().await;
    world.act("POST", &format!("{path}/status"), json!({"status": "solved"})).await;
    world.act("POST", &format!("{path}/tag"), json!({"add": ["senha"]})).await;
    world.advance(10);
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "the approved words leave");
    assert_eq!(world.get(&path).await["status"], "solved");
}
