//! What happens by itself when nobody does anything: leases, timers, deadlines, assignment.

use chrono::Duration;
use serde_json::{Value, json};

use crate::world::{AUTO, DRAFT, QUESTION, World};

/// Asks for a person; leaves the ticket in a queue of people.
async fn handed_over(world: &mut World, who: &str) -> String {
    world.writes("api", who, "quero falar com uma pessoa").await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    format!("/v1/tickets/{}", world.ticket_id(who).await)
}

/// Lets time pass, a look at a time, as a running worker would.
async fn pass(world: &World, minutes: i64) {
    world.clock.advance_to(world.app().clock.now() + Duration::minutes(minutes));
    world.drain().await;
}

fn lines(ticket: &Value) -> Vec<&str> {
    ticket["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect()
}

fn count(ticket: &Value, action: &str) -> usize {
    lines(ticket).iter().filter(|line| **line == action).count()
}

#[tokio::test]
async fn a_lapsed_lease_goes_back_to_the_queue_and_the_holder_is_no_owner_any_more() {
    let mut world = World::auto().await;
    let path = handed_over(&mut world, "ana").await;
    let queue = world.get(&path).await["queue"].clone();
    world.act("POST", &format!("{path}/claim"), json!({"agent": "bia", "minutes": 5})).await;
    pass(&world, 4).await;
    assert_eq!(world.get(&path).await["owner"], "agent", "her time is not over");
    pass(&world, 2).await;
    let ticket = world.get(&path).await;
    assert_eq!((&ticket["owner"], &ticket["queue"]), (&json!("queue"), &queue));
    assert_eq!(ticket["assignee"], Value::Null);
    assert_eq!(count(&ticket, "lease.lapsed"), 1);
    world.act("POST", &format!("{path}/claim"), json!({"agent": "caio"})).await;
    pass(&world, 1).await;
    assert_eq!(count(&world.get(&path).await, "lease.lapsed"), 1, "once for each lease");
}

#[tokio::test]
async fn what_nobody_takes_is_told_once_and_a_late_deadline_names_who_was_late() {
    let mut world = World::auto().await;
    let path = handed_over(&mut world, "ana").await;
    pass(&world, 16).await;
    pass(&world, 1).await;
    let ticket = world.get(&path).await;
    assert_eq!(count(&ticket, "timer.unassigned"), 1);
    // Night and weekend do not stop every clock: some row counts all hours.
    pass(&world, 24 * 60).await;
    let ticket = world.get(&path).await;
    assert_eq!(ticket["sla_state"], "breached");
    assert!(count(&ticket, "sla.breached") >= 1, "{:?}", lines(&ticket));
    let reason = ticket["breach_reason"].as_str().unwrap();
    assert!(reason.starts_with("waiting_for_agent:"), "{reason}");
    assert!(
        count(&ticket, "ticket.transferred") >= 1,
        "the next level has it: {:?}",
        lines(&ticket)
    );
    let seen = lines(&ticket).len();
    pass(&world, 1).await;
    assert_eq!(lines(&world.get(&path).await).len(), seen, "nothing is told twice");

    let sla = world.get("/v1/sla").await;
    assert_eq!(sla["items"][0]["id"], ticket["id"], "{sla}");
    assert_eq!(sla["items"][0]["breach_reason"], ticket["breach_reason"]);
}

#[tokio::test]
async fn the_restart_of_the_process_keeps_every_timer() {
    let mut world = World::auto().await;
    let path = handed_over(&mut world, "ana").await;
    world.act("POST", &format!("{path}/claim"), json!({"agent": "bia", "minutes": 5})).await;
    world.drain().await;
    world.crash().await;
    pass(&world, 6).await;
    assert_eq!(count(&world.get(&path).await, "lease.lapsed"), 1);
}

#[tokio::test]
async fn a_customer_who_never_answers_is_reminded_and_then_let_go() {
    let mut world = World::auto().await;
    world.writes("whatsapp", "ana", QUESTION).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    let path = format!("/v1/tickets/{}", world.ticket_id("ana").await);
    assert_eq!(world.get(&path).await["status"], "pending");
    pass(&world, 71 * 60).await;
    assert_eq!(count(&world.get(&path).await, "timer.reminder"), 0);
    pass(&world, 2 * 60).await;
    let ticket = world.get(&path).await;
    assert_eq!(count(&ticket, "timer.reminder"), 1);
    let skipped: Vec<&Value> = ticket["audit"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["action"] == "notice.skipped")
        .collect();
    assert_eq!(
        skipped[0]["cause"], "outside_window",
        "WhatsApp lets no free text leave after a day"
    );
    pass(&world, 24 * 60).await;
    let ticket = world.get(&path).await;
    assert_eq!(ticket["status"], "closed");
    let closing =
        ticket["audit"].as_array().unwrap().iter().find(|l| l["action"] == "ticket.status");
    assert_eq!(closing.unwrap()["cause"], "the customer did not answer");
    assert_eq!(world.sent().len(), 1, "the answer and nothing else");

    world.writes("whatsapp", "ana", OTHER).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    let next = world.ticket("ana").await;
    assert_eq!(next["parent_id"], ticket["id"], "what comes now is a ticket of its own");
}

const OTHER: &str = "Oi, preciso de ajuda com o boleto";

#[tokio::test]
async fn a_solved_ticket_closes_unless_the_customer_objects() {
    let mut world = World::auto().await;
    for who in ["ana", "bia"] {
        let path = handed_over(&mut world, who).await;
        world.act("POST", &format!("{path}/claim"), json!({"agent": "rui"})).await;
        world
            .act("POST", &format!("{path}/status"), json!({"status": "solved", "agent": "rui"}))
            .await;
        world.drain().await;
    }
    pass(&world, 47 * 60).await;
    world.writes("api", "bia", "ainda não funciona, o erro voltou").await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    pass(&world, 2 * 60).await;
    assert_eq!(world.ticket("ana").await["status"], "closed");
    let objects = world.ticket("bia").await;
    assert_ne!(objects["status"], "closed", "she objected: {objects}");
    assert_ne!(objects["status"], "solved");
}

#[tokio::test]
async fn what_is_put_aside_comes_back_by_itself_or_when_the_customer_writes() {
    let mut world = World::auto().await;
    let until = |world: &World, minutes| world.app().clock.now() + Duration::minutes(minutes);
    for (who, writes) in [("ana", false), ("bia", true)] {
        let path = handed_over(&mut world, who).await;
        let body = json!({"until": until(&world, 120), "agent": "rui"});
        world.act("POST", &format!("{path}/snooze"), body).await;
        pass(&world, 60).await;
        let ticket = world.get(&path).await;
        assert!(ticket["snoozed_until"].is_string());
        assert_eq!(count(&ticket, "timer.unassigned"), 0, "nobody is hurried");
        if writes {
            world.writes("api", who, "e aí, alguma novidade sobre o meu caso?").await;
            pass(&world, 1).await;
        } else {
            pass(&world, 61).await;
        }
        let ticket = world.get(&path).await;
        assert_eq!(ticket["snoozed_until"], Value::Null, "{who}");
        assert_eq!(count(&ticket, "ticket.woke"), 1, "{who}");
    }
}

#[tokio::test]
async fn a_promised_call_is_due_and_a_missed_one_comes_back_to_people() {
    let mut world = World::auto().await;
    let path = handed_over(&mut world, "ana").await;
    let now = world.app().clock.now();
    let span = json!({"from": now + Duration::hours(2), "until": now + Duration::hours(3), "agent": "rui"});
    world.act("POST", &format!("{path}/callback"), span).await;
    pass(&world, 121).await;
    assert_eq!(count(&world.get(&path).await, "callback.due"), 1);
    pass(&world, 60).await;
    let ticket = world.get(&path).await;
    assert_eq!(count(&ticket, "callback.missed"), 1);
    assert_eq!((&ticket["callback_from"], &ticket["status"]), (&Value::Null, &json!("escalated")));
    let now = world.app().clock.now();
    let bad = json!({"from": now + Duration::hours(3), "until": now + Duration::hours(2)});
    let main = atende::domain::ids::TenantId::main();
    let (status, answer) = world.call(&main, "POST", &format!("{path}/callback"), Some(bad)).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("until")), "{answer}");
}

#[tokio::test]
async fn tickets_go_by_turns_to_those_who_are_online_and_know_the_language() {
    let people = "people:\n\
        - {id: bia, teams: [support, finance, product, technical], languages: [pt-BR]}\n\
        - {id: caio, teams: [support, finance, product, technical], languages: [pt-BR]}\n\
        - {id: dan, teams: [support, finance, product, technical], languages: [en]}\n";
    let known = atende::policy::Pack::embedded("saas-br").unwrap();
    let teams: Vec<&str> = known.teams.iter().map(|team| team.id.as_str()).collect();
    let people = people
        .replace("[support, finance, product, technical]", &format!("[{}]", teams.join(", ")));
    let mut world = World::with(&format!("{AUTO}{people}"), true).await;
    let nobody = handed_over(&mut world, "zoe").await;
    assert_eq!(world.get(&nobody).await["owner"], "queue", "nobody is online");
    for name in ["bia", "caio", "dan"] {
        world.act("PUT", &format!("/v1/agents/{name}/presence"), json!({"online": true})).await;
    }
    world.drain().await;
    assert_eq!(world.get(&nobody).await["assignee"], "bia", "whoever comes is given what waits");
    world.advance(1);
    let mut given = Vec::new();
    for who in ["ana", "eva", "ivo", "leo"] {
        let path = handed_over(&mut world, who).await;
        world.drain().await;
        let ticket = world.get(&path).await;
        assert_eq!(ticket["owner"], "agent", "{ticket}");
        given.push(ticket["assignee"].as_str().unwrap().to_owned());
        world.advance(1);
    }
    assert_eq!(given, ["caio", "bia", "caio", "bia"]);
    world.act("PUT", "/v1/agents/bia/presence", json!({"online": false})).await;
    let agents = world.get("/v1/agents").await;
    let online: Vec<&str> = agents
        .as_array()
        .unwrap()
        .iter()
        .filter(|agent| agent["online"] == true)
        .map(|agent| agent["name"].as_str().unwrap())
        .collect();
    assert_eq!(online, ["caio", "dan"]);
}

#[tokio::test]
async fn people_transfer_merge_and_split_tickets() {
    let mut world = World::with(DRAFT, true).await;
    let (one, other) = (handed_over(&mut world, "ana").await, handed_over(&mut world, "bia").await);
    let teams = world.get("/v1/queues").await;
    let queue = teams["items"].as_array().unwrap().iter().map(|item| &item["queue"]).next_back();
    let moved = json!({"queue": queue.unwrap(), "agent": "rui"});
    world.act("POST", &format!("{one}/transfer"), moved).await;
    let ticket = world.get(&one).await;
    assert_eq!((&ticket["queue"], &ticket["owner"]), (queue.unwrap(), &json!("queue")));
    world.act("POST", &format!("{one}/transfer"), json!({"to": "caio", "agent": "rui"})).await;
    let ticket = world.get(&one).await;
    assert_eq!((&ticket["assignee"], &ticket["owner"]), (&json!("caio"), &json!("agent")));

    world.act("POST", &format!("{other}/tag"), json!({"add": ["vip"], "agent": "rui"})).await;
    let target = world.get(&one).await["number"].clone();
    world.act("POST", &format!("{other}/merge"), json!({"into": target, "agent": "rui"})).await;
    assert_eq!(world.get(&other).await["status"], "closed");
    assert_eq!(world.get(&one).await["tags"], json!(["vip"]));
    let main = atende::domain::ids::TenantId::main();
    for (into, why) in [(json!("1"), "no such"), (world.get(&other).await["id"].clone(), "closed")]
    {
        let body = json!({"into": into, "agent": "caio"});
        let (status, answer) = world.call(&main, "POST", &format!("{one}/merge"), Some(body)).await;
        assert_eq!(
            (status, &answer["errors"][0]["field"]),
            (422, &json!("into")),
            "{why}: {answer}"
        );
    }

    world.writes("api", "ana", "outra coisa: onde pego a segunda via do boleto?").await;
    pass(&world, 1).await;
    let ticket = world.get(&one).await;
    let messages = ticket["messages"].as_array().unwrap();
    let last = messages.last().unwrap()["id"].clone();
    let parted = world
        .act("POST", &format!("{one}/split"), json!({"messages": [last], "agent": "caio"}))
        .await;
    pass(&world, 1).await;
    let new = world.get(&format!("/v1/tickets/{}", parted["ticket_id"].as_str().unwrap())).await;
    assert_eq!(new["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&new["parent_id"], new["owner"] == "ai"),
        (&ticket["id"], false),
        "decided anew: {new}"
    );
    let all: Vec<&Value> = messages.iter().map(|message| &message["id"]).collect();
    let body = json!({"messages": all, "agent": "caio"});
    let (status, answer) = world.call(&main, "POST", &format!("{one}/split"), Some(body)).await;
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("messages")), "{answer}");
}
