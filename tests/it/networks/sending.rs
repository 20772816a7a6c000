//! Replies that leave over WhatsApp, against a server that behaves as the Cloud API does on its bad days.

use serde_json::{Value, json};

use super::{ana, brings, settled, text, tickets};
use crate::world::{AUTO, Graph, Meta, QUESTION, World};

/// A world that sends, and the server that it sends to.
async fn sending(template: Option<&str>) -> (World, Graph) {
    let graph = Graph::start().await;
    let mut settings = graph.settings();
    settings.template = template.map(str::to_owned);
    (World::with_whatsapp(AUTO, settings).await, graph)
}

async fn asked(world: &World) {
    let words = text(world, "5511987654321", "wamid.1", QUESTION);
    brings(world, "messages", ana(&[words])).await;
    settled(world).await;
}

async fn ticket(world: &World) -> Value {
    let id = tickets(world).await[0]["id"].as_str().unwrap().to_owned();
    world.get(&format!("/v1/tickets/{id}")).await
}

async fn outbox(world: &World) -> Value {
    world.get("/v1/outbox").await["items"].clone()
}

async fn state(world: &World, own: &str, state: &str, errors: Value) {
    let status = json!({"statuses": [{"id": "wamid.out.1", "status": state, "timestamp": "1795166400",
        "recipient_id": "5511987654321", "biz_opaque_callback_data": own, "errors": errors}]});
    brings(world, "messages", status).await;
    world.drain().await;
}

#[tokio::test]
async fn a_reply_leaves_to_the_number_that_wrote_and_its_states_come_back() {
    let (world, graph) = sending(None).await;
    asked(&world).await;
    let taken = graph.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(taken[0]["to"], "+5511987654321");
    assert_eq!(taken[0]["type"], "text");
    let own = taken[0]["biz_opaque_callback_data"].as_str().unwrap();
    assert!(own.starts_with("out_"), "{own}");
    assert!(taken[0].get("context").is_none(), "it is clear what it answers");
    assert_eq!(graph.read(), [("wamid.1".to_owned(), false)]);
    assert!(world.sent().is_empty(), "nothing leaves twice, by two ways");
    state(&world, own, "delivered", json!([])).await;
    assert_eq!(outbox(&world).await[0]["state"], "sent");
    assert_eq!(ticket(&world).await["status"], "pending");
}

#[tokio::test]
async fn a_limit_that_passes_is_waited_for_and_the_reply_leaves_once() {
    let (world, graph) = sending(None).await;
    graph.then(&[Meta::Refuses(131_056), Meta::Refuses(130_429)]);
    asked(&world).await;
    assert!(graph.taken().is_empty());
    for _ in 0..4 {
        world.advance(30);
        world.drain().await;
    }
    assert_eq!(graph.taken().len(), 1);
    assert_eq!(outbox(&world).await[0]["state"], "sent");
}

#[tokio::test]
async fn a_call_without_an_answer_waits_for_its_states() {
    for meta in [Meta::Hangs, Meta::Fails] {
        let (world, graph) = sending(None).await;
        graph.then(&[meta]);
        asked(&world).await;
        let own = graph.taken()[0]["biz_opaque_callback_data"].as_str().unwrap().to_owned();
        assert_eq!(outbox(&world).await, json!([]), "it has not come to its end");
        state(&world, &own, "sent", json!([])).await;
        let rows = outbox(&world).await;
        assert_eq!(rows[0]["state"], "sent", "{meta:?}: {rows}");
        let ticket = ticket(&world).await;
        assert_eq!(ticket["status"], "pending", "{meta:?}");
        assert_eq!(ticket["messages"].as_array().unwrap().len(), 2);
        world.advance(600);
        world.drain().await;
        assert_eq!(graph.taken().len(), 1, "{meta:?}: nothing is sent twice");
    }
}

#[tokio::test]
async fn a_call_that_nobody_hears_of_again_ends_at_a_person_and_late_news_still_counts() {
    let (world, graph) = sending(None).await;
    graph.then(&[Meta::Hangs]);
    asked(&world).await;
    world.advance(130);
    world.drain().await;
    assert_eq!(outbox(&world).await[0]["state"], "unknown");
    assert_eq!(ticket(&world).await["status"], "escalated");
    assert_eq!(graph.taken().len(), 1);
    let own = graph.taken()[0]["biz_opaque_callback_data"].as_str().unwrap().to_owned();
    state(&world, &own, "delivered", json!([])).await;
    assert_eq!(outbox(&world).await[0]["state"], "sent");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_call_sends_nothing_again() {
    let (mut world, graph) = sending(None).await;
    graph.then(&[Meta::Hangs]);
    let words = text(&world, "5511987654321", "wamid.1", QUESTION);
    brings(&world, "messages", ana(&[words])).await;
    world.drain().await;
    world.advance(60);
    // The process ends while Meta has the message and its answer is on the way.
    let until = std::time::Duration::from_millis(600);
    assert!(tokio::time::timeout(until, world.drain()).await.is_err(), "the call is under way");
    world.crash().await;
    world.drain().await;
    assert_eq!(graph.taken().len(), 1);
    let own = graph.taken()[0]["biz_opaque_callback_data"].as_str().unwrap().to_owned();
    state(&world, &own, "sent", json!([])).await;
    assert_eq!(outbox(&world).await[0]["state"], "sent");
    assert_eq!(graph.taken().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_rests_the_number_and_people_get_what_waits_too_long() {
    let (world, graph) = sending(None).await;
    graph.then(&[Meta::Refuses(190); 20]);
    asked(&world).await;
    let before = graph.calls();
    world.advance(60);
    world.drain().await;
    assert_eq!(graph.calls(), before, "the number rests");
    for _ in 0..14 {
        world.advance(301);
        world.drain().await;
    }
    let rows = outbox(&world).await;
    assert_eq!(rows[0]["state"], "failed", "{rows}");
    assert!(rows[0]["error"].as_str().unwrap().contains("access token was refused"), "{rows}");
    assert_eq!(ticket(&world).await["status"], "escalated");
}

#[tokio::test]
async fn after_a_day_only_the_approved_template_leaves() {
    let (world, graph) = sending(Some("resposta_do_atendimento")).await;
    graph.then(&[Meta::Refuses(131_047)]);
    asked(&world).await;
    // Meta's clock decides: the same reply leaves as the template, at once.
    let taken = graph.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["template"]["name"], "resposta_do_atendimento");
    let values = taken[0]["template"]["components"][0]["parameters"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert!(!values[1]["text"].as_str().unwrap().contains('\n'));
    assert_eq!(outbox(&world).await[0]["state"], "sent");

    let (world, graph) = sending(None).await;
    graph.then(&[Meta::Refuses(131_047)]);
    asked(&world).await;
    assert!(graph.taken().is_empty());
    let rows = outbox(&world).await;
    assert!(rows[0]["error"].as_str().unwrap().starts_with("needs a template"), "{rows}");
    assert_eq!(ticket(&world).await["status"], "escalated");
}

#[tokio::test]
async fn a_person_s_answer_after_a_day_needs_a_template() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(crate::world::DRAFT, graph.settings()).await;
    asked(&world).await;
    world.advance(25 * 60 * 60);
    world.drain().await;
    let ticket = ticket(&world).await;
    let path = format!("/v1/tickets/{}/reply", ticket["id"].as_str().unwrap());
    let body = json!({"text": "Oi Ana, resolvido?", "agent": "ana"});
    world.act("POST", &path, body).await;
    world.drain().await;
    assert!(graph.taken().is_empty(), "free words may not leave");
    let rows = outbox(&world).await;
    let last = rows.as_array().unwrap().last().unwrap().clone();
    assert!(last["error"].as_str().unwrap().starts_with("needs a template"), "{rows}");
}
