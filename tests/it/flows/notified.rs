//! What the business's own people and systems hear: mail, signed webhooks, the stream of events.

use atende::adapters::store::WEBHOOK_CURSOR;
use atende::channels::callback::CallbackClient;
use atende::config::MailSettings;
use atende::domain::ids::TenantId;
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::world::{AUTO, MailServer, Receiver, World};

/// A world with people whose addresses are real servers here.
async fn world() -> (World, MailServer, Receiver) {
    let pack = atende::policy::Pack::embedded("saas-br").unwrap();
    let teams: Vec<&str> = pack.teams.iter().map(|team| team.id.as_str()).collect();
    let policy = format!(
        "{AUTO}people:\n\
         - {{id: bia, email: bia@example.com, teams: [{0}], roles: [finance]}}\n\
         - {{id: lia, email: lia@example.com, roles: [team_lead], webhook: true, locale: en}}\n\
         - {{id: sue, email: sue@example.com, roles: [supervisor]}}\n",
        teams.join(", ")
    );
    let (mail, hook) = (MailServer::start().await, Receiver::start().await);
    let mut world = World::with(&policy, true).await;
    world.mail = MailSettings {
        host: Some("127.0.0.1".to_owned()),
        port: mail.settings().port,
        security: "none".to_owned(),
        from: Some("Atendimento <atende@example.com>".to_owned()),
        ..MailSettings::default()
    };
    world.webhooks = Some(CallbackClient::new(hook.settings(true)).unwrap());
    world.crash().await;
    // Monday, 10:00 in São Paulo.
    world.clock.advance_to("2026-11-23T13:00:00Z".parse::<DateTime<Utc>>().unwrap());
    (world, mail, hook)
}

async fn handed_over(world: &mut World, who: &str) -> String {
    world.writes("api", who, "quero falar com uma pessoa sobre a cobrança de R$ 120,00").await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    format!("/v1/tickets/{}", world.ticket_id(who).await)
}

#[tokio::test]
async fn the_team_hears_of_an_escalation_with_the_whole_package_and_each_thing_once() {
    let (mut world, mail, hook) = world().await;
    let path = handed_over(&mut world, "ana").await;
    let number = world.get(&path).await["number"].as_str().unwrap().to_owned();
    let received = mail.received();
    let [told] = &received[..] else { panic!("{} mails", received.len()) };
    assert_eq!(told.to, ["bia@example.com"]);
    assert!(told.subject().starts_with(&format!("[atende] {number}")), "{}", told.subject());
    assert!(told.text().contains("quero falar com uma pessoa sobre a cobrança"), "{}", told.text());
    assert_eq!(told.header("Auto-Submitted").as_deref(), Some("auto-generated"));

    world.clock.advance_to(world.app().clock.now() + chrono::Duration::minutes(16));
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    let mut to: Vec<String> =
        mail.received().iter().skip(1).map(|mail| mail.to[0].clone()).collect();
    to.sort();
    assert_eq!(to, ["bia@example.com", "lia@example.com"], "nobody took it in 15 minutes");
    let told = mail.received();
    let english = told.iter().find(|mail| mail.to[0] == "lia@example.com").unwrap().subject();
    assert!(english.is_ascii(), "{english}");
    let heard = hook.accepted();
    assert_eq!(heard.last().unwrap().body["notification"]["event"], "unassigned");
    assert_eq!(heard.last().unwrap().body["person"], "lia");
    world.app().worker.tell_people().await.unwrap();
    assert_eq!(mail.received().len(), 3);
    assert_eq!(world.app().stores.store.check().await.unwrap(), Vec::<String>::new());
    let states = world.column("SELECT state FROM outbox WHERE audience = 'people'").await;
    assert!(states.iter().all(|state| state == "sent"), "{states:?}");
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_again_and_a_refused_address_is_seen() {
    let (mut world, mail, _hook) = world().await;
    mail.then_answers(&[451]);
    let path = handed_over(&mut world, "ana").await;
    assert_eq!(mail.received().len(), 0);
    world.advance(5);
    world.app().worker.tell_people().await.unwrap();
    assert_eq!(mail.received().len(), 1);
    mail.then_answers(&[550]);
    handed_over(&mut world, "bia").await;
    let failed = world
        .column("SELECT error FROM outbox WHERE audience = 'people' AND state = 'failed'")
        .await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("550"), "{failed:?}");
    let trail = world.ticket("bia").await["audit"].to_string();
    assert!(trail.contains("notification.failed"), "{trail}");
    assert!(!trail.contains("@example.com"), "no address in the trail");
    assert_ne!(world.get(&path).await["status"], "closed");
}

#[tokio::test]
async fn at_night_only_what_is_critical_is_told_at_once() {
    let (mut world, mail, _hook) = world().await;
    world.clock.advance_to("2026-11-24T02:00:00Z".parse::<DateTime<Utc>>().unwrap()); // 23:00
    handed_over(&mut world, "ana").await;
    assert_eq!(mail.received().len(), 0, "it waits for seven o'clock");
    world.writes("whatsapp", "eva", "não quero mais viver").await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    assert!(!mail.received().is_empty(), "danger does not wait");
    let night = mail.received().len();
    world.clock.advance_to("2026-11-24T10:00:01Z".parse::<DateTime<Utc>>().unwrap());
    world.app().worker.tell_people().await.unwrap();
    assert!(mail.received().len() > night);
}

#[tokio::test]
async fn an_escalation_that_nobody_acknowledges_goes_to_the_next_name() {
    let (mut world, mail, _hook) = world().await;
    handed_over(&mut world, "ana").await;
    let later = |minutes: i64| {
        world.clock.advance_to(world.app().clock.now() + chrono::Duration::minutes(minutes));
    };
    later(4 * 60);
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    let about = |mail: &MailServer, who: &str| {
        let to = |mail: &&crate::world::ReceivedMail| mail.to[0] == who;
        mail.received().iter().filter(to).count()
    };
    let (lead, chief) = (about(&mail, "lia@example.com"), about(&mail, "sue@example.com"));
    assert!(lead >= 1);
    world.clock.advance_to(world.app().clock.now() + chrono::Duration::minutes(61));
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    assert!(about(&mail, "sue@example.com") > chief, "an hour later the supervisor hears of it");
}

#[tokio::test]
async fn every_event_reaches_the_webhook_in_order_and_again_on_request() {
    let (mut world, _mail, hook) = world().await;
    // A new receiver hears of what happens from now on.
    world.app().worker.publish_events().await.unwrap();
    handed_over(&mut world, "ana").await;
    let before = hook.accepted().len();
    hook.then_answers(&[503]);
    assert_eq!(world.app().worker.publish_events().await.unwrap(), 0, "it is away");
    assert_eq!(
        world.app().worker.publish_events().await.unwrap(),
        0,
        "it is not asked again at once"
    );
    world.advance(5);
    while world.app().worker.publish_events().await.unwrap() > 0 {}
    let events = |from: usize| -> Vec<(i64, String)> {
        let seen = hook.accepted();
        let events = seen.iter().skip(from).filter(|one| one.body["type"] == "event");
        events
            .map(|one| {
                let event = &one.body["event"];
                (event["seq"].as_i64().unwrap(), event["type"].as_str().unwrap().to_owned())
            })
            .collect()
    };
    let first = events(before);
    assert!(first.windows(2).all(|pair| pair[0].0 < pair[1].0), "{first:?}");
    let types: Vec<&str> = first.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(types[..2], ["ticket.opened", "turn.decided"]);
    let words = hook.accepted().iter().map(|one| one.body.to_string()).collect::<String>();
    assert!(!words.contains("cobrança"), "events hold no customer's words");

    let replayed = hook.accepted().len();
    let store = &world.app().stores.store;
    store.set_cursor(&TenantId::main(), WEBHOOK_CURSOR, first[0].0 - 1).await.unwrap();
    while world.app().worker.publish_events().await.unwrap() > 0 {}
    assert_eq!(events(replayed)[..first.len()], first[..], "the same again, under the same keys");
    let keys = |from: usize| hook.accepted().iter().skip(from).map(|one| one.key.clone()).next();
    assert!(keys(replayed).unwrap().starts_with("evt_main_"));
}

#[tokio::test]
async fn the_stream_goes_on_where_a_listener_left_it() {
    let (mut world, _mail, _hook) = world().await;
    handed_over(&mut world, "ana").await;
    let read = |after: i64| {
        let request = Request::builder()
            .uri("/v1/events")
            .header("authorization", format!("Bearer {}", world.bearer()))
            .header("last-event-id", after.to_string())
            .body(Body::empty())
            .unwrap();
        let router = world.router();
        async move {
            use tower::ServiceExt as _;
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let mut body = response.into_body();
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            String::from_utf8(frame.to_vec()).unwrap()
        }
    };
    let first = read(0).await;
    assert!(first.contains("event: ticket.opened"), "{first}");
    let id: i64 =
        first.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap();
    let second = read(id).await;
    assert!(second.contains("event: turn.decided"), "{second}");
    let data = second.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let event: Value = serde_json::from_str(data).unwrap();
    assert_eq!(event["data"]["action"], json!("escalate"));
}
