//! What the assistant leaves to people, and what it leaves alone.

use serde_json::json;

use crate::world::{QUESTION, World};

async fn after_turn(world: &World) {
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

#[tokio::test]
async fn a_thank_you_on_a_solved_ticket_does_not_reopen_it() {
    let mut world = World::auto().await;
    world.writes("whatsapp", "ana", QUESTION).await;
    after_turn(&world).await;
    let id = world.ticket_id("ana").await;
    world.act("POST", &format!("/v1/tickets/{id}/status"), json!({"status": "solved"})).await;
    world.writes("whatsapp", "ana", "muito obrigada, deu certo!").await;
    after_turn(&world).await;
    let ticket = world.ticket("ana").await;
    assert_eq!((&ticket["id"], &ticket["status"]), (&json!(id), &json!("solved")));
    assert_eq!(world.sent().len(), 1);

    world.writes("whatsapp", "ana", "ih, a senha nova não entra, o que eu faço?").await;
    after_turn(&world).await;
    let ticket = world.ticket("ana").await;
    assert_eq!(ticket["id"], json!(id));
    assert_ne!(ticket["status"], "solved", "a question opens it again");
}

#[tokio::test]
async fn thanks_while_a_draft_waits_leave_it_waiting() {
    let mut world = World::draft().await;
    world.writes("whatsapp", "ana", QUESTION).await;
    after_turn(&world).await;
    let before = world.ticket("ana").await;
    world.writes("whatsapp", "ana", "tá bom, obrigada!").await;
    after_turn(&world).await;
    let ticket = world.ticket("ana").await;
    for name in ["status", "owner", "action", "queue", "category", "urgency"] {
        assert_eq!(ticket[name], before[name], "{name}");
    }
    let drafts = ticket["drafts"].as_array().unwrap();
    assert_eq!((drafts.len(), &drafts[0]["state"]), (1, &json!("proposed")), "{drafts:?}");
    let path = format!("/v1/tickets/{}/draft", ticket["id"].as_str().unwrap());
    let approve = json!({"action": "approve", "version": 1, "agent": "Rafa"});
    world.act("POST", &path, approve).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "and it can be sent");
}

#[tokio::test]
async fn a_message_on_a_closed_ticket_opens_a_linked_one() {
    let mut world = World::draft().await;
    world.writes("whatsapp", "ana", QUESTION).await;
    after_turn(&world).await;
    let first = world.ticket_id("ana").await;
    world.act("POST", &format!("/v1/tickets/{first}/status"), json!({"status": "closed"})).await;
    world.writes("whatsapp", "ana", "voltou a acontecer: esqueci a senha").await;
    after_turn(&world).await;
    let ticket = world.ticket("ana").await;
    assert_ne!(ticket["id"], json!(first));
    assert_eq!(ticket["parent_id"], json!(first));
    assert_ne!(ticket["status"], "closed");
    assert_eq!(world.get(&format!("/v1/tickets/{first}")).await["status"], "closed");
}

#[tokio::test]
async fn a_person_in_danger_gets_the_fixed_text_at_once_even_in_draft_mode_and_not_twice() {
    let mut world = World::draft().await;
    world.writes("whatsapp", "ana", "não quero mais viver").await;
    after_turn(&world).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].text().contains("188"), "{}", sent[0].text());
    assert_eq!(sent[0].body["author"], "system");
    let ticket = world.ticket("ana").await;
    assert_eq!(
        (&ticket["queue"], &ticket["urgency"], &ticket["status"], &ticket["owner"]),
        (&json!("safety"), &json!("critical"), &json!("escalated"), &json!("queue"))
    );
    assert_eq!(World::rules(&ticket)[0], "P3.safety");

    world.writes("whatsapp", "ana", "eu quero morrer").await;
    after_turn(&world).await;
    assert_eq!(world.sent().len(), 1, "the same text again would be cold");
    world.advance(12 * 3600 + 1);
    world.writes("whatsapp", "ana", "ainda não quero mais viver").await;
    after_turn(&world).await;
    assert_eq!(world.sent().len(), 2, "half a day later it is said again");
    assert_eq!(world.ticket("ana").await["queue"], "safety");
}

#[tokio::test]
async fn the_safety_text_leaves_during_an_incident_too() {
    let mut world = World::auto().await;
    world.declare(json!({"kind": "outage"})).await;
    world.writes("whatsapp", "ana", "não quero mais viver").await;
    after_turn(&world).await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn whoever_asks_for_a_person_gets_one_in_automatic_mode() {
    let mut world = World::auto().await;
    world.writes("whatsapp", "ana", "quero falar com uma pessoa").await;
    after_turn(&world).await;
    let ticket = world.ticket("ana").await;
    assert_eq!(world.sent(), []);
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
    assert_eq!(World::rules(&ticket)[0], "E3.request_human");
    let queues = world.get("/v1/queues").await;
    let waiting = queues["items"].as_array().unwrap().iter().any(|queue| {
        queue["queue"] == ticket["queue"] && queue["tickets"] == 1 && queue["owner"] == "queue"
    });
    assert!(waiting, "{queues}");

    world.writes("whatsapp", "ana", QUESTION).await;
    after_turn(&world).await;
    assert_eq!(world.sent(), [], "people have the conversation and keep it");
}

#[tokio::test]
async fn an_agents_reply_leaves_as_a_callback_and_stands_although_the_customer_writes() {
    let mut world = World::draft().await;
    world.writes("api", "ana", "Vocês atendem em Marte?").await;
    world.drain().await;
    let id = world.ticket_id("ana").await;
    let path = format!("/v1/tickets/{id}/reply");
    world.act("POST", &path, json!({"text": "Ainda não.", "agent": "rui"})).await;
    world.writes("api", "ana", "e na Lua?").await;
    world.drain().await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].text(), &sent[0].body["author"]), ("Ainda não.", &json!("agent")));
    let ticket = world.ticket("ana").await;
    assert_eq!((&ticket["owner"], &ticket["assignee"]), (&json!("agent"), &json!("rui")));
    assert_eq!(ticket["action"], "escalate", "the second question waits for the agent");
}

#[tokio::test]
async fn a_conversation_given_back_to_the_assistant_is_not_left_waiting() {
    let mut world = World::draft().await;
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    let id = world.ticket_id("ana").await;
    world.act("POST", &format!("/v1/tickets/{id}/claim"), json!({})).await;
    world.adopt(&atende::domain::ids::TenantId::main(), crate::world::AUTO).await;
    let path = format!("/v1/tickets/{id}/release");
    world.act("POST", &path, json!({"to": "assistant"})).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "the question that still waits is answered");

    world.act("POST", &format!("/v1/tickets/{id}/claim"), json!({})).await;
    world.act("POST", &path, json!({"to": "assistant"})).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "nothing waits, so nothing is said");
}
