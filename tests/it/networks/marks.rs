//! Addresses that nothing arrives at, and people who want nothing unasked: what leaves to them all the same, and what not.

use serde_json::{Value, json};

use super::{ana, brings, settled, text, tickets};
use crate::world::{Graph, Meta, OTHER_QUESTION, QUESTION, World};

/// Everything is answered, and a solved ticket is told of.
const TOLD: &str = concat!(
    "extends: saas-br\nid: world-told\nversion: \"1\"\nmodes: {default: auto}\n",
    "notices:\n",
    "  acknowledgement: {whatsapp: 'off', web_form: 'auto'}\n",
    "  escalation: {whatsapp: 'off', web_form: 'auto'}\n",
    "  resolution: {whatsapp: 'auto', web_form: 'auto'}\n",
);
const ANA: &str = "5511987654321";
const PERSON: &str = "quero falar com uma pessoa sobre a minha fatura";

async fn writes(world: &World, id: &str, words: &str) {
    brings(world, "messages", ana(&[text(world, ANA, id, words)])).await;
    settled(world).await;
}

async fn ticket(world: &World) -> Value {
    let id = tickets(world).await[0]["id"].as_str().unwrap().to_owned();
    world.get(&format!("/v1/tickets/{id}")).await
}

async fn moves(world: &World, status: &str) {
    let path = format!("/v1/tickets/{}/status", ticket(world).await["id"].as_str().unwrap());
    world.act("POST", &path, json!({"status": status, "agent": "bia"})).await;
    settled(world).await;
}

async fn outbox(world: &World) -> Vec<(String, String)> {
    let rows = world.get("/v1/outbox").await["items"].as_array().unwrap().clone();
    let text_of = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text_of(row, "state"), text_of(row, "error"))).collect()
}

fn marks(of: &Value) -> Vec<String> {
    let marks = of["marks"].as_array().unwrap_or_else(|| panic!("{of}")).iter();
    let one = |mark: &Value| {
        format!(
            "{}/{}/{}",
            mark["mark"].as_str().unwrap(),
            mark["on"].as_str().unwrap(),
            mark["reason"].as_str().unwrap()
        )
    };
    marks.map(one).collect()
}

async fn put(world: &World, body: Value) -> Value {
    let tenant = atende::domain::ids::TenantId::main();
    let (status, answer) = world.call(&tenant, "PUT", "/v1/customers/c-1", Some(body)).await;
    assert!(status < 300, "{answer}");
    answer
}

fn preference(world: &World, value: &str, seconds: i64) -> Value {
    let at = world.app().clock.now().timestamp() + seconds;
    json!({"contacts": [{"wa_id": ANA, "profile": {"name": "Ana"}}], "user_preferences": [{
        "wa_id": ANA, "category": "marketing_messages", "value": value, "timestamp": at.to_string(),
    }]})
}

#[tokio::test]
async fn where_nothing_arrives_nothing_leaves_by_itself_until_they_write_again() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(TOLD, graph.settings()).await;
    graph.then(&[Meta::Refuses(131_026)]);
    writes(&world, "wamid.1", QUESTION).await;
    let refused = ticket(&world).await;
    assert_eq!((&refused["status"], &refused["owner"]), (&json!("escalated"), &json!("queue")));
    assert_eq!(marks(&refused), ["unreachable/network/131026"]);
    let calls = graph.calls();
    moves(&world, "solved").await;
    assert_eq!(graph.calls(), calls, "the notice is not tried");
    let (state, why) = outbox(&world).await.pop().unwrap();
    assert_eq!(state, "failed");
    assert!(why.starts_with("nothing arrives at this address (131026, since 2026-11-20)"), "{why}");
    // A person may know better.
    let path = format!("/v1/tickets/{}/reply", refused["id"].as_str().unwrap());
    world.act("POST", &path, json!({"text": "Oi Ana.", "agent": "bia"})).await;
    world.drain().await;
    assert_eq!(graph.taken().len(), 1);
    writes(&world, "wamid.2", "oi, tudo bem?").await;
    assert!(marks(&ticket(&world).await).is_empty());
    moves(&world, "solved").await;
    assert_eq!(graph.taken().len(), 2, "they are told again");
}

#[tokio::test]
async fn what_is_said_afterwards_marks_an_address_too() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(TOLD, graph.settings()).await;
    let asked = text(&world, ANA, "wamid.1", QUESTION);
    brings(&world, "messages", ana(std::slice::from_ref(&asked))).await;
    settled(&world).await;
    assert_eq!(graph.taken().len(), 1);
    let failed = json!({"statuses": [{"id": "wamid.out.1", "status": "failed",
        "timestamp": world.app().clock.now().timestamp().to_string(), "recipient_id": ANA,
        "errors": [{"code": 131_026, "title": "Message undeliverable"}]}]});
    brings(&world, "messages", failed).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!(ticket["status"], "escalated");
    assert_eq!(marks(&ticket), ["unreachable/network/131026"]);
    let failed =
        ticket["audit"].as_array().unwrap().iter().find(|line| line["action"] == "reply.failed");
    assert_eq!(failed.unwrap()["cause"], "Message undeliverable (131026)");
    // What is only told again was not written since.
    brings(&world, "messages", ana(&[asked])).await;
    world.drain().await;
    let id = ticket["id"].as_str().unwrap();
    let again = world.get(&format!("/v1/tickets/{id}")).await;
    assert_eq!(marks(&again), ["unreachable/network/131026"]);
}

#[tokio::test]
async fn whoever_wants_nothing_unasked_gets_answers_and_no_notices_on_any_channel() {
    let mut world = World::with(TOLD, true).await;
    let profile =
        json!({"name": "Ana", "phones": ["+55 11 98765-4321"], "emails": ["ana@exemplo.com"]});
    put(&world, profile).await;
    writes(&world, "wamid.1", "PARAR").await;
    let customer = world.get("/v1/customers/c-1").await;
    assert!(marks(&customer).contains(&"opted_out/customer/asked".to_owned()), "{customer}");
    let form = |text: &str| json!({"channel": "web_form", "from": {"email": "ana@exemplo.com"}, "text": text});
    let main = atende::domain::ids::TenantId::main();
    world.hands_in(&main, "form", form(OTHER_QUESTION)).await;
    settled(&world).await;
    assert_eq!(world.sent().len(), 1, "a question is answered");
    assert_eq!(world.sent()[0].body["kind"], "reply");
    world.hands_in(&main, "form", form(PERSON)).await;
    settled(&world).await;
    assert_eq!(world.sent().len(), 1, "and nothing else is said");
    let retired = "SELECT error FROM outbox WHERE state = 'retired'";
    assert_eq!(world.column(retired).await, ["contact opted out"]);
    // Whoever writes again where they asked for it has taken it back.
    writes(&world, "wamid.2", QUESTION).await;
    let customer = world.get("/v1/customers/c-1").await;
    assert!(marks(&customer).is_empty(), "{customer}");
}

#[tokio::test]
async fn a_business_says_what_it_heard_elsewhere() {
    let mut world = World::with(TOLD, true).await;
    let named = |opted_out: Value| json!({"emails": ["ana@exemplo.com"], "opted_out": opted_out});
    let told = put(&world, named(json!(true))).await;
    assert_eq!(marks(&told), ["opted_out/customer/api", "opted_out/email/api"]);
    let main = atende::domain::ids::TenantId::main();
    let form = json!({"channel": "web_form", "from": {"email": "ana@exemplo.com"}, "text": PERSON});
    world.hands_in(&main, "form", form.clone()).await;
    settled(&world).await;
    assert!(world.sent().is_empty(), "{:?}", world.sent());
    assert_eq!(marks(&put(&world, named(Value::Null)).await).len(), 2, "left out, it stays");
    assert!(marks(&put(&world, named(json!(false))).await).is_empty());
    let mut other = form;
    other["thread"] = json!("outra");
    world.hands_in(&main, "form", other).await;
    settled(&world).await;
    assert_eq!(world.sent().len(), 1, "they hear that a person takes over");
}

#[tokio::test]
async fn what_somebody_chose_on_the_network_stands_in_whatever_order_it_comes() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(TOLD, graph.settings()).await;
    put(&world, json!({"phones": ["+55 11 98765-4321"]})).await;
    for (value, seconds) in [("resume", 5), ("stop", 9), ("resume", 7)] {
        brings(&world, "user_preferences", preference(&world, value, seconds)).await;
        world.drain().await;
    }
    writes(&world, "wamid.1", QUESTION).await;
    assert_eq!(graph.taken().len(), 1, "it says nothing of answers");
    let stopped = ["no_marketing/phone/whatsapp", "no_marketing/network/whatsapp"];
    assert_eq!(marks(&ticket(&world).await), stopped);
    moves(&world, "solved").await;
    assert_eq!(graph.taken().len(), 2, "nor of news of their own case");
    brings(&world, "user_preferences", preference(&world, "resume", 20)).await;
    world.drain().await;
    assert!(marks(&world.get("/v1/customers/c-1").await).is_empty());
}

#[tokio::test]
async fn whoever_is_erased_leaves_no_mark() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(TOLD, graph.settings()).await;
    graph.then(&[Meta::Refuses(131_026)]);
    put(&world, json!({"phones": ["+55 11 98765-4321"], "opted_out": true})).await;
    writes(&world, "wamid.1", QUESTION).await;
    brings(&world, "user_preferences", preference(&world, "stop", 5)).await;
    world.drain().await;
    assert!(world.count("SELECT COUNT(*) FROM contact_marks").await >= 4);
    let store = &world.app().stores.store;
    let main = atende::domain::ids::TenantId::main();
    let person = store.find_person(&main, "+5511987654321").await.unwrap();
    store.erase_person(world.app().clock.now(), &person, 0, "agent:cli").await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM contact_marks").await, 0);
}
