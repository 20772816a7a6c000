//! The deadlines of a ticket, from its opening to its end, as the API tells them.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::world::{QUESTION, World};

async fn sla(world: &World, path: &str) -> Value {
    world.get(&format!("{path}/sla")).await
}

fn clock<'v>(sla: &'v Value, kind: &str) -> Option<&'v Value> {
    sla["clocks"].as_array().unwrap().iter().find(|clock| clock["kind"] == kind)
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

/// Lets time pass until a while after a moment.
fn pass(world: &World, moment: DateTime<Utc>, after: Duration) {
    let seconds = (moment + after - world.app().clock.now()).num_seconds();
    world.advance(seconds);
}

#[tokio::test]
async fn deadlines_follow_what_happens_to_a_ticket() {
    let mut world = World::draft().await;
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    let before = sla(&world, &path).await;
    let first = clock(&before, "first_response").unwrap();
    assert_eq!((&before["state"], &first["state"]), (&json!("on_track"), &json!("on_track")));
    assert_eq!(before["due"], first["due"], "nothing is due sooner");
    assert!(first["rule"].as_str().unwrap().contains('.'), "{first}");

    pass(&world, moment(&first["at_risk"]), Duration::seconds(1));
    assert_eq!(sla(&world, &path).await["state"], "at_risk");
    pass(&world, moment(&first["due"]), Duration::seconds(1));
    assert_eq!(sla(&world, &path).await["state"], "breached");

    let approve = json!({"action": "approve", "version": 1, "agent": "rui"});
    world.act("POST", &format!("{path}/draft"), approve).await;
    world.drain().await;
    let answered = sla(&world, &path).await;
    let first = clock(&answered, "first_response").unwrap();
    assert!(first["stopped"].is_string() && first["state"] == "breached", "{first}");
    assert_eq!(
        clock(&answered, "resolution").unwrap()["paused"],
        "customer",
        "the customer is waited for"
    );
    assert_eq!(answered["due"], Value::Null);

    world.advance(600);
    world.writes("api", "ana", "obrigada!").await;
    world.drain().await;
    let thanked = sla(&world, &path).await;
    assert!(clock(&thanked, "next_response").is_none(), "{thanked:#}");
    assert_eq!(clock(&thanked, "resolution").unwrap()["paused"], "customer");

    world.advance(600);
    let asked_at = world.app().clock.now();
    world.writes("api", "ana", QUESTION).await;
    world.drain().await;
    let asked = sla(&world, &path).await;
    let next = clock(&asked, "next_response").unwrap();
    assert!((moment(&next["started"]) - asked_at).num_seconds().abs() <= 60, "{next}");
    assert_eq!(clock(&asked, "resolution").unwrap()["paused"], Value::Null);

    world.act("POST", &format!("{path}/status"), json!({"status": "solved", "agent": "rui"})).await;
    let solved = sla(&world, &path).await;
    assert!(clock(&solved, "resolution").unwrap()["stopped"].is_string(), "{solved:#}");
    assert_eq!(solved["due"], Value::Null);
}

#[tokio::test]
async fn a_raised_priority_moves_the_deadline_and_a_hand_over_has_one_of_its_own() {
    let mut world = World::draft().await;
    world.writes("api", "ana", "quero falar com uma pessoa, por favor").await;
    world.drain().await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    let before = sla(&world, &path).await;
    let handed = clock(&before, "hand_over").unwrap();
    assert!(handed["rule"].as_str().unwrap().starts_with("by_level."), "{handed}");
    assert_eq!(handed["stopped"], Value::Null);

    let urgent = json!({"field": "urgency", "value": "critical", "agent": "rui"});
    world.act("POST", &format!("{path}/override"), urgent).await;
    let after = sla(&world, &path).await;
    let first = clock(&after, "first_response").unwrap();
    assert_eq!(first["rule"], "by_priority.critical");
    assert!(moment(&first["due"]) <= moment(&clock(&before, "first_response").unwrap()["due"]));

    world.act("POST", &format!("{path}/claim"), json!({"agent": "rui"})).await;
    let claimed = sla(&world, &path).await;
    assert!(clock(&claimed, "hand_over").unwrap()["stopped"].is_string(), "{claimed:#}");
    assert_eq!(
        clock(&claimed, "first_response").unwrap()["stopped"],
        Value::Null,
        "nobody answered yet"
    );
}

#[tokio::test]
async fn a_first_message_that_wants_no_answer_is_never_late() {
    let mut world = World::draft().await;
    world.writes("api", "ana", "obrigada!").await;
    world.drain().await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    world.advance(30 * 86_400);
    let sla = sla(&world, &path).await;
    assert_eq!((&sla["state"], &sla["due"]), (&json!("on_track"), &Value::Null), "{sla:#}");
}
