//! A crisis of the business itself: what stops, what stands still, who hears of it, and its end.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::world::{AUTO, QUESTION, World};

async fn writes(world: &mut World, channel: &str, who: &str, text: &str) {
    world.writes(channel, who, text).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

fn words() -> Value {
    json!({"pt-BR": "O envio de mensagens está falhando para parte das contas.",
        "en": "Messages are failing to send for some accounts."})
}

#[tokio::test]
async fn whoever_writes_hears_of_it_once_and_of_every_update_and_of_its_end() {
    let mut world = World::with(AUTO, true).await;
    let declared = json!({"kind": "outage", "name": "INC-1", "message": words()});
    world.declare(declared).await;
    for who in ["ana", "bia"] {
        writes(&mut world, "chat", who, QUESTION).await;
    }
    writes(&mut world, "chat", "ana", "e agora, já voltou?").await;
    let told: Vec<String> = world.sent().iter().map(|sent| sent.thread().to_owned()).collect();
    assert_eq!(told, ["ana", "bia"], "once each, and no answer leaves by itself");
    assert!(world.sent()[0].text().contains("está falhando para parte das contas"));
    assert!(world.sent()[0].text().contains("30 minutos"), "{}", world.sent()[0].text());

    let more =
        json!({"message": {"pt-BR": "Já voltou para a maioria.", "en": "It is back for most."}});
    world.act("POST", "/v1/incidents/INC-1/update", more).await;
    assert_eq!(world.app().worker.inform_of_incidents().await.unwrap(), 2);
    assert_eq!(world.app().worker.inform_of_incidents().await.unwrap(), 0, "nobody hears it twice");
    world.drain().await;
    assert_eq!(world.sent().len(), 4);
    assert!(world.sent()[3].text().contains("Já voltou para a maioria."));
    let ended = world.act("POST", "/v1/incidents/INC-1/end", json!({})).await;
    assert_eq!(ended["customers_told"], 2);
    world.app().worker.inform_of_incidents().await.unwrap();
    world.drain().await;
    assert_eq!(world.sent().len(), 6);
    // Life goes on.
    writes(&mut world, "chat", "eva", QUESTION).await;
    assert_eq!(world.sent().last().unwrap().body["kind"], "reply");
}

#[tokio::test]
async fn only_what_it_concerns_is_held_back() {
    let mut world = World::with(AUTO, true).await;
    let declared = json!({"kind": "outage", "channels": ["whatsapp"]});
    world.declare(declared).await;
    writes(&mut world, "whatsapp", "ana", QUESTION).await;
    writes(&mut world, "chat", "bia", QUESTION).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.sent()[0].thread(), "bia");
    assert_eq!(world.ticket("ana").await["owner"], "review");
}

#[tokio::test]
async fn clocks_stand_still_while_it_lasts_and_go_on_afterwards() {
    let mut world = World::with(AUTO, true).await;
    world.clock.advance_to("2026-11-23T13:00:00Z".parse::<DateTime<Utc>>().unwrap());
    writes(&mut world, "email", "ana", "quero falar com uma pessoa").await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    let due = |sla: &Value| -> Option<DateTime<Utc>> {
        let clocks = sla["clocks"].as_array().unwrap();
        let first = clocks.iter().find(|clock| clock["kind"] == "first_response").unwrap();
        first["due"].as_str().map(|text| text.parse().unwrap())
    };
    let promised = due(&world.get(&format!("{path}/sla")).await).unwrap();
    let declared = json!({"kind": "outage", "name": "INC-2"});
    world.declare(declared).await;
    world.clock.advance_to(promised + Duration::hours(1));
    world.drain().await;
    let sla = world.get(&format!("{path}/sla")).await;
    assert_eq!((due(&sla), &sla["state"]), (None, &json!("on_track")), "{sla}");
    let paused = sla["clocks"].as_array().unwrap().iter().any(|one| one["paused"] == "incident");
    assert!(paused, "whoever looks is told why it stands still: {sla}");
    assert_eq!(world.get(&path).await["sla_state"], "on_track");
    world.act("POST", "/v1/incidents/INC-2/end", json!({})).await;
    world.drain().await;
    let again = due(&world.get(&format!("{path}/sla")).await).unwrap();
    assert!(again > promised, "{again} is after {promised}");
    let listed =
        world.get(&path).await["sla_due_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(listed <= again && listed > promised, "judged anew without anybody writing");
}

#[tokio::test]
async fn the_assistant_declares_its_own_failing_and_its_recovery() {
    let mut world = World::with(AUTO, true).await;
    for who in ["a1", "a2", "a3", "a4", "a5", "a6"] {
        world.writes("api", who, QUESTION).await;
    }
    while world.app().worker.file_messages().await.unwrap() > 0 {}
    world.advance(60);
    // Jobs that kill the process on every attempt: their last one hands each case to a person.
    for _ in 0..crate::world::MAX_ATTEMPTS {
        world.die_over_due_jobs().await;
    }
    world.drain().await;
    world.expected_dead = 6;
    world.app().worker.inform_of_incidents().await.unwrap();
    let listed = world.get("/v1/incidents").await;
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["active"]),
        (&json!("ai_degradation"), &json!(true)),
        "{listed}"
    );
    assert_eq!(listed[0]["declared_by"], "worker");
    writes(&mut world, "api", "bia", QUESTION).await;
    assert_eq!(world.sent(), [], "people take over");
    world.advance(16 * 60);
    world.app().worker.inform_of_incidents().await.unwrap();
    let listed = world.get("/v1/incidents").await;
    assert_eq!(listed[0]["active"], false, "{listed}");
    writes(&mut world, "api", "eva", QUESTION).await;
    assert_eq!(world.sent().len(), 1, "it answers again");
}
