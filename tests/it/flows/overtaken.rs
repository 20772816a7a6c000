//! Whatever comes between the look at a conversation and the sending of an answer prevents the sending,
//! and the customer is not left waiting for it.

use std::future::Future;
use std::task::{Context, Waker};

use atende::adapters::store::DeliveryEnd;
use atende::domain::ids::TenantId;
use atende::ports::Clock as _;
use serde_json::{Value, json};

use crate::world::{AUTO, DRAFT, OTHER_QUESTION, QUESTION, World};

/// A world with one automatic answer that is decided and not yet sent.
async fn decided(channel: &str) -> World {
    let mut world = World::auto().await;
    world.writes(channel, "ana", QUESTION).await;
    world.decide_only().await;
    world.advance(60);
    world.decide_only().await;
    assert_eq!(states(&world).await, ["queued"]);
    world
}

/// The states of all replies, in the order they were queued.
async fn states(world: &World) -> Vec<String> {
    world.column("SELECT state FROM outbox ORDER BY seq").await
}

async fn why_retired(world: &World) -> Vec<String> {
    world.column("SELECT error FROM outbox WHERE state = 'retired' ORDER BY seq").await
}

#[tokio::test]
async fn undisturbed_the_answer_leaves() {
    let world = decided("whatsapp").await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(states(&world).await, ["sent"]);
    let ticket = world.ticket("ana").await;
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("pending"), &json!("ai")));
    assert_eq!(ticket["messages"][1]["author"], "ai");
}

/// How many moments between the start and the end of a step the second message is tried at.
const MOMENTS: usize = 40;

#[tokio::test]
async fn at_whatever_moment_a_message_comes_no_answer_leaves_that_has_not_read_it() {
    let mut world = World::auto().await;
    let mut stale = 0;
    for moment in 0..MOMENTS {
        let who = format!("customer-{moment}");
        let first = world.writes("api", &who, QUESTION).await;
        world.app().worker.file_messages().await.unwrap();
        let second =
            world.writes("api", &who, "Na verdade era outra coisa: o boleto não abre").await;

        let worker = std::sync::Arc::clone(&world.app().worker);
        let mut work = Box::pin(async move { worker.decide_turns().await });
        let mut context = Context::from_waker(Waker::noop());
        // The step goes on only while it is polled, and then it is left alone at this moment.
        let mut done = false;
        for _ in 0..moment {
            done = work.as_mut().poll(&mut context).is_ready();
            if done {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        world.app().worker.file_messages().await.unwrap();
        if !done {
            work.await.unwrap();
        }
        stale += usize::from(state(&world, &first).await == "filed");
        world.drain().await;
        for message in [&first, &second] {
            assert_eq!(state(&world, message).await, "decided", "moment {moment}");
        }
        let sent = world.sent();
        let blind = sent.iter().find(|reply| {
            reply.thread() == who && reply.body["in_reply_to"] == format!("ext-{}", 2 * moment + 1)
        });
        assert_eq!(blind, None, "moment {moment}");
    }
    assert!(stale > 0, "no moment was between the look and the settling");
}

async fn state(world: &World, message: &str) -> String {
    world.get(&format!("/v1/messages/{message}")).await["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_before_the_sending_retires_the_answer_and_one_answer_to_both_leaves() {
    let mut world = decided("whatsapp").await;
    world.writes("whatsapp", "ana", "o link de redefinir a senha também não chegou").await;
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(why_retired(&world).await, ["conversation moved on"]);
    world.advance(60);
    world.drain().await;
    let ticket = world.ticket("ana").await;
    let text = ticket["decision"]["decision"]["action"].as_str().unwrap();
    assert_ne!(text, "none", "the first question is still open");
    assert!(world.sent().len() <= 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM jobs").await, 0);
}

#[tokio::test]
async fn whoever_takes_the_conversation_keeps_it_and_nothing_leaves() {
    let world = decided("whatsapp").await;
    let id = world.ticket_id("ana").await;
    world.act("POST", &format!("/v1/tickets/{id}/claim"), json!({"agent": "rui"})).await;
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(why_retired(&world).await, ["conversation moved on"]);
    let ticket = world.ticket("ana").await;
    assert_eq!((&ticket["owner"], &ticket["assignee"]), (&json!("agent"), &json!("rui")));
    assert!(World::rules(&ticket).contains(&"T2.held_by_people".to_owned()), "{ticket}");
    assert!(!ticket["queue"].is_null());
}

#[tokio::test]
async fn an_incident_holds_the_answer_back_and_its_end_lets_the_assistant_answer_again() {
    let mut world = decided("whatsapp").await;
    world.declare(json!({"kind": "outage", "name": "outage"})).await;
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(why_retired(&world).await, ["incident declared"]);
    let ticket = world.ticket("ana").await;
    assert_eq!(ticket["owner"], "review", "a person decides what leaves during an incident");
    assert_eq!(ticket["drafts"][0]["state"], "proposed");
    assert!(World::rules(&ticket).contains(&"P6.incident".to_owned()), "{ticket}");

    // Another customer, while it stands: decided once, and not for ever again.
    world.writes("api", "rui", QUESTION).await;
    world.drain().await;
    assert_eq!(world.ticket("rui").await["owner"], "review");

    world.act("POST", "/v1/incidents/outage/end", json!({})).await;
    world.writes("api", "eva", QUESTION).await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.sent()[0].thread(), "eva");
}

#[tokio::test]
async fn an_incident_holds_back_even_where_the_policy_has_no_rule_for_it() {
    let policy = format!("{AUTO}rules:\n  - {{id: P6.incident, when: 'false'}}\n");
    let mut world = World::with(&policy, true).await;
    world.declare(json!({"kind": "outage"})).await;
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(world.ticket("ana").await["owner"], "review");
}

#[tokio::test]
async fn a_change_of_mode_retires_what_was_decided_under_the_old_one() {
    let world = decided("whatsapp").await;
    world.adopt(&TenantId::main(), DRAFT).await;
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(why_retired(&world).await, ["policy changed"]);
    let ticket = world.ticket("ana").await;
    assert_eq!(ticket["owner"], "review");
    assert_eq!(World::rules(&ticket)[0], "mode.draft");
    assert_eq!(
        world.count("SELECT COUNT(*) FROM jobs").await,
        0,
        "decided anew once, not for ever"
    );
}

#[tokio::test]
async fn a_contact_that_opts_out_before_the_sending_gets_nothing() {
    let mut world = decided("whatsapp").await;
    world.writes("whatsapp", "ana", "Não quero receber mais mensagens").await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    assert_eq!(world.sent(), []);
    assert_eq!(world.count("SELECT opted_out FROM conversations").await, 1);
    let id = world.ticket_id("ana").await;
    let reply = json!({"text": "Só mais uma coisa"});
    let path = format!("/v1/tickets/{id}/reply");
    let (status, _) = world.call(&TenantId::main(), "POST", &path, Some(reply)).await;
    assert_eq!(status, 409, "not even by a person");

    world.writes("whatsapp", "ana", OTHER_QUESTION).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    assert_eq!(world.sent(), [], "whoever writes again is answered by a person");
    assert_eq!(world.ticket("ana").await["owner"], "queue");
}

#[tokio::test]
async fn a_crash_between_decision_and_sending_loses_and_doubles_nothing() {
    let mut world = decided("whatsapp").await;
    world.crash().await;
    world.drain().await;
    world.crash().await;
    world.drain().await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn a_message_that_comes_while_an_answer_is_on_the_wire_is_not_taken_for_answered() {
    let mut world = decided("api").await;
    let store = world.app().stores.store.clone();
    let rows = store.claim_outbox(world.clock.now(), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    world.writes("api", "ana", OTHER_QUESTION).await;
    world.drain().await;
    assert_eq!(
        world.count("SELECT COUNT(*) FROM decisions").await,
        1,
        "waits for the first answer"
    );

    let id = world.app().clock.message_id();
    store.finish_outbox(world.clock.now(), &rows[0], DeliveryEnd::Sent, id).await.unwrap();
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "the second question has an answer of its own");
    assert!(world.sent()[0].text().contains("boleto"), "{}", world.sent()[0].text());
    let ticket = world.ticket("ana").await;
    let authors: Vec<&Value> =
        ticket["messages"].as_array().unwrap().iter().map(|m| &m["author"]).collect();
    assert_eq!(authors, ["customer", "customer", "ai", "ai"]);
}
