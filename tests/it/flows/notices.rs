//! What customers are told besides answers, and when it is better to say nothing.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::world::World;

/// The shipped notices, and people send.
const SHIPPED: &str =
    "extends: saas-br\nid: world-notices\nversion: \"1\"\nmodes: {default: draft}\n";

const FRAUD: &str = "quero falar com uma pessoa sobre a minha fatura";

async fn at(moment: &str) -> World {
    let world = World::with(SHIPPED, true).await;
    world.clock.advance_to(moment.parse::<DateTime<Utc>>().unwrap());
    world
}

async fn decided(world: &mut World, channel: &str, who: &str, text: &str) {
    world.writes(channel, who, text).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

#[tokio::test]
async fn a_mail_is_acknowledged_with_its_number_and_an_honest_time() {
    // Saturday noon: people are back on Monday.
    let mut world = at("2026-11-21T15:00:00Z").await;
    decided(&mut world, "email", "ana", FRAUD).await;
    let [notice] = &world.sent()[..] else { panic!("{:?}", world.sent()) };
    let ticket = world.ticket("ana").await;
    let number = ticket["number"].as_str().unwrap();
    assert_eq!(notice.body["kind"], "escalation");
    assert!(notice.text().contains(number), "{}", notice.text());
    assert!(notice.text().contains("A nossa equipe responde até"), "{}", notice.text());
    assert_eq!(ticket["first_response_at"], Value::Null, "a notice is no answer");
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
    let sla = world.get(&format!("/v1/tickets/{number}/sla")).await;
    let first = sla["clocks"].as_array().unwrap().iter().find(|c| c["kind"] == "first_response");
    assert_eq!(first.unwrap()["stopped"], Value::Null, "the promise still runs");

    // The next message finds people at work: nothing is said again.
    decided(&mut world, "email", "ana", "esqueci de dizer: é a fatura de outubro").await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn on_whatsapp_only_those_hear_who_must_wait_longer_than_usual() {
    // Monday morning: an answer is expected within the channel's half hour.
    let mut world = at("2026-11-23T13:00:00Z").await;
    decided(&mut world, "whatsapp", "ana", FRAUD).await;
    assert_eq!(world.sent(), []);
    world.clock.advance_to("2026-11-24T01:00:00Z".parse().unwrap());
    decided(&mut world, "whatsapp", "bia", FRAUD).await;
    assert_eq!(world.sent().len(), 1, "at night nobody answers before morning");
    assert_eq!(world.sent()[0].thread(), "bia");
}

#[tokio::test]
async fn in_danger_the_approved_text_stands_alone() {
    let mut world = at("2026-11-21T15:00:00Z").await;
    decided(&mut world, "whatsapp", "ana", "não quero mais viver").await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.sent()[0].body["kind"], "safety");
}

#[tokio::test]
async fn a_notice_before_it_does_not_keep_the_approved_text_back() {
    let mut world = at("2026-11-21T15:00:00Z").await;
    decided(&mut world, "whatsapp", "ana", FRAUD).await;
    decided(&mut world, "whatsapp", "ana", "não quero mais viver").await;
    let kinds: Vec<Value> = world.sent().iter().map(|sent| sent.body["kind"].clone()).collect();
    assert_eq!(kinds, ["escalation", "safety"]);
}

#[tokio::test]
async fn the_closing_message_asks_for_a_rating_and_the_answer_reopens_nothing() {
    let mut world = at("2026-11-23T13:00:00Z").await;
    for (who, answer, rating) in [("ana", "5", 5), ("bia", "nota 2, demorou demais", 2)] {
        decided(&mut world, "whatsapp", who, FRAUD).await;
        let path = format!("/v1/tickets/{}", world.ticket_id(who).await);
        world.act("POST", &format!("{path}/claim"), json!({"agent": "rui"})).await;
        world
            .act("POST", &format!("{path}/reply"), json!({"text": "Pronto!", "agent": "rui"}))
            .await;
        world
            .act("POST", &format!("{path}/status"), json!({"status": "solved", "agent": "rui"}))
            .await;
        world.drain().await;
        let sent = world.sent();
        let closing = sent.last().unwrap();
        assert_eq!((closing.thread(), &closing.body["kind"]), (who, &json!("resolution")));
        assert!(closing.text().contains("nota de 1 a 5"), "{}", closing.text());
        let before = sent.len();
        decided(&mut world, "whatsapp", who, answer).await;
        let ticket = world.get(&path).await;
        assert_eq!(
            (&ticket["csat"], &ticket["status"]),
            (&json!(rating), &json!("solved")),
            "{who}"
        );
        assert!(World::rules(&ticket).contains(&"T2.rating".to_owned()));
        assert_eq!(world.sent().len(), before, "thanks cost money on WhatsApp");
    }
    // Whoever has a new matter is no rating.
    decided(&mut world, "whatsapp", "ana", "5 boletos vieram errados, e agora?").await;
    let ticket = world.ticket("ana").await;
    assert_ne!(ticket["status"], "solved");
    assert_eq!(ticket["csat"], 5);
}

#[tokio::test]
async fn whoever_was_in_danger_is_sent_nothing_by_a_timer() {
    let mut world = at("2026-11-23T13:00:00Z").await;
    decided(&mut world, "email", "ana", "não quero mais viver").await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    world.act("POST", &format!("{path}/claim"), json!({"agent": "rui"})).await;
    world.act("POST", &format!("{path}/status"), json!({"status": "solved", "agent": "rui"})).await;
    world.drain().await;
    let kinds: Vec<Value> = world.sent().iter().map(|sent| sent.body["kind"].clone()).collect();
    assert_eq!(kinds, ["safety"], "people choose their words");
    let trail = world.get(&path).await["audit"].clone();
    let skipped = trail.as_array().unwrap().iter().find(|line| line["action"] == "notice.skipped");
    assert_eq!(skipped.unwrap()["cause"], "in_danger");
}
