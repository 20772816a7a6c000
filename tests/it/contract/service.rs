//! Deadlines and timers, notifications, incidents, events and what people do with tickets, on both databases.

use atende::adapters::store::{
    Change, DeliveryEnd, DueTicket, IncidentChange, Looked, Move, NewNotice, NewNotification,
    OutboxBody, Outcome, Refused, ReplyKind, Split, TrailLine, TransferTo, WEBHOOK_CURSOR, Way,
};
use atende::domain::decision::LocalText;
use atende::domain::ids::{ConversationId, OutboxId, TicketId};
use atende::domain::labels::Locale;
use atende::domain::notification::{Notification, NotifyEvent};
use atende::domain::ticket::{OwnerKind, TicketStatus};
use atende::policy::clocks::{ClockKind, SlaState};
use atende::policy::notices::NoticeKind;
use chrono::Duration;
use serde_json::json;

use super::world::{World, at, fresh, from_thread, main_tenant, on_both};

on_both!(
    a_look_is_written_unless_something_happened_meanwhile,
    a_look_moves_a_ticket_and_tells_everybody,
    a_notification_is_told_once_and_tried_again,
    an_incident_is_heard_of_once_and_every_update_too,
    events_are_read_in_order_and_a_cursor_moves_on,
    people_transfer_put_aside_join_and_part,
    another_plan_has_its_customers_tickets_looked_at,
);

async fn due(w: &World, now: i64) -> Vec<DueTicket> {
    w.store.due_tickets(at(now), 100).await.unwrap()
}

/// A look that found nothing to do until then.
fn quiet(ticket: DueTicket, next: i64) -> Looked {
    Looked {
        epoch: 1,
        state: SlaState::AtRisk,
        clock: Some(ClockKind::FirstResponse),
        due: Some(at(next)),
        breach_reason: None,
        rank: at(next),
        next: Some(at(next)),
        lines: Vec::new(),
        moves: Vec::new(),
        notices: Vec::new(),
        notifications: Vec::new(),
        ticket,
    }
}

fn notification(ticket: Option<&str>, at_seconds: i64) -> NewNotification {
    let ticket = ticket.map(|id| json!({
        "id": id, "number": "1-3", "category": "billing", "priority": "high", "status": "escalated",
        "queue": "support", "channel": "chat",
    }));
    let told: Notification = serde_json::from_value(json!({
        "event": "escalated", "tenant": "main", "at": at(at_seconds), "locale": "pt-BR", "zone": "UTC", "ticket": ticket,
    }))
    .unwrap();
    NewNotification {
        id: OutboxId::from_bits(fresh()),
        person: "bia".to_owned(),
        way: Way::Email,
        to: "bia@example.com".to_owned(),
        told,
        at: at(at_seconds),
        repeat_after: Duration::minutes(15),
    }
}

fn notice(kind: NoticeKind, incident: Option<&str>) -> NewNotice {
    NewNotice {
        id: OutboxId::from_bits(fresh()),
        kind,
        body: OutboxBody {
            thread: "ana".to_owned(),
            to: atende::domain::message::Contact::default(),
            ticket_number: "1-3".to_owned(),
            subject: None,
            text: "Avisamos.".to_owned(),
            locale: Locale::PtBr,
            in_reply_to: None,
            fallback_queue: "support".to_owned(),
            template: None,
            choices: Vec::new(),
            attachments: Vec::new(),
        },
        incident: incident.map(str::to_owned),
    }
}

async fn a_look_is_written_unless_something_happened_meanwhile(w: &World) {
    let ticket = w.file_new(from_thread("ana", "m1", 0)).await;
    let found = due(w, 0).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id.as_str(), found[0].undecided), (ticket.as_str(), true));
    w.store.write_looks(at(1), vec![quiet(found[0].clone(), 100)]).await.unwrap();
    assert_eq!(due(w, 99).await.len(), 0);
    assert_eq!(w.store.next_look().await.unwrap(), Some(at(100)));
    assert_eq!(w.view(&ticket).await.row.sla_state, "at_risk");

    let stale = due(w, 100).await.remove(0);
    w.done(101, &ticket, "rui", Change::Note("note_1".to_owned(), "oi".to_owned())).await;
    w.store.write_looks(at(102), vec![quiet(stale.clone(), 500)]).await.unwrap();
    assert_eq!(due(w, 103).await.len(), 1, "the note came between: it is looked at again");
    let loud = Looked { moves: vec![Move::Close], ..quiet(stale, 500) };
    w.store.write_looks(at(104), vec![loud]).await.unwrap();
    assert_ne!(w.view(&ticket).await.row.status, "closed", "what is stale changes nothing");

    let old = w.store.tickets_of_old_epoch(&main_tenant(), 2, 10).await.unwrap();
    assert_eq!(old.len(), 1, "judged under epoch 1");
    assert!(w.store.tickets_of_old_epoch(&main_tenant(), 1, 10).await.unwrap().is_empty());
    let counts = w.store.sla_counts(&main_tenant()).await.unwrap();
    assert_eq!(counts, [("at_risk".to_owned(), 1), ("on_track".to_owned(), 0)]);
}

async fn a_look_moves_a_ticket_and_tells_everybody(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let found = due(w, 50).await.remove(0);
    let fence = "SELECT fence FROM conversations";
    let before = w.number(fence).await;
    let moved = Looked {
        moves: vec![
            Move::ToPeople("support".to_owned(), Some("L2".to_owned()), true),
            Move::AskedForCsat,
        ],
        lines: vec![TrailLine {
            action: "sla.breached",
            after: json!({"timer": "breached:x:1"}),
            cause: Some("by_priority.high".to_owned()),
        }],
        notices: vec![notice(NoticeKind::Escalation, None)],
        notifications: vec![notification(Some(ticket.as_str()), 50)],
        breach_reason: Some("waiting_for_review:support".to_owned()),
        ..quiet(found, 500)
    };
    w.store.write_looks(at(51), vec![moved]).await.unwrap();
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.owner, &*view.row.status), ("queue", "escalated"));
    assert_eq!(
        (view.row.queue.as_deref(), view.row.level.as_deref()),
        (Some("support"), Some("L2"))
    );
    assert!(w.number(fence).await > before, "whoever held it holds it no more");
    let again = due(w, 52).await.remove(0);
    assert!(again.done.contains("breached:x:1"), "a timer is acted on once");
    assert!(again.news.is_empty(), "its own lines are no news");
    assert_eq!((again.owner, again.status), (OwnerKind::Queue, TicketStatus::Escalated));

    let rows = w.claim(53).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&*rows[0].kind, &*rows[0].author), ("escalation", "system"));
    w.store.finish_outbox(at(54), &rows[0], DeliveryEnd::Sent, message()).await.unwrap();
    let view = w.view(&ticket).await;
    assert_eq!(view.first_response_at, None, "a notice is no answer");
    let teams = ["support".to_owned()];
    w.store.set_presence(at(55), &main_tenant(), "bia", Some(at(900)), &teams).await.unwrap();
    let given = Looked {
        moves: vec![Move::Assign("bia".to_owned(), at(600))],
        ..quiet(due(w, 60).await.remove(0), 500)
    };
    w.store.write_looks(at(61), vec![given]).await.unwrap();
    let view = w.view(&ticket).await;
    assert_eq!((&*view.row.owner, view.row.assignee.as_deref()), ("agent", Some("bia")));
    let presence = w.store.presence(&main_tenant()).await.unwrap();
    assert_eq!(
        (presence[0].online_until, presence[0].last_assigned_at),
        (Some(at(900)), Some(at(61)))
    );
    let over = Looked {
        moves: vec![Move::Close, Move::Wake, Move::DropCallback],
        next: None,
        ..quiet(due(w, 70).await.remove(0), 500)
    };
    w.store.write_looks(at(71), vec![over]).await.unwrap();
    assert_eq!(w.view(&ticket).await.row.status, "closed");
}

fn message() -> atende::domain::ids::MessageId {
    atende::domain::ids::MessageId::from_bits(fresh())
}

async fn a_notification_is_told_once_and_tried_again(w: &World) {
    let ticket = w.file_new(from_thread("ana", "m1", 0)).await;
    let told = |seconds| notification(Some(ticket.as_str()), seconds);
    w.store.notify(at(0), vec![told(0), told(0)]).await.unwrap();
    w.store.notify(at(60), vec![told(60)]).await.unwrap();
    assert_eq!(
        w.number("SELECT COUNT(*) FROM outbox").await,
        1,
        "the same within a quarter of an hour"
    );
    assert!(w.claim(1).await.is_empty(), "it is no reply to a customer");
    let rows = w.store.claim_notifications(at(1), 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].told.event), (1, NotifyEvent::Escalated));
    assert!(w.store.claim_notifications(at(1), 10).await.unwrap().is_empty());
    let again = DeliveryEnd::RetryAt(at(30), "away".to_owned());
    w.store.finish_notification(at(2), &rows[0], again).await.unwrap();
    assert_eq!(w.store.next_notification_due().await.unwrap(), Some(at(30)));
    let rows = w.store.claim_notifications(at(30), 10).await.unwrap();
    assert_eq!(rows[0].attempt, 2);
    assert_eq!(w.store.take_back_notifications().await.unwrap(), 1, "a crash loses none");
    let rows = w.store.claim_notifications(at(31), 10).await.unwrap();
    w.store.finish_notification(at(32), &rows[0], DeliveryEnd::Sent).await.unwrap();
    assert_eq!(w.store.next_notification_due().await.unwrap(), None);
    w.store.notify(at(1_000), vec![told(1_000)]).await.unwrap();
    assert_eq!(
        w.store.claim_notifications(at(1_000), 10).await.unwrap().len(),
        1,
        "later it is news"
    );
    assert!(w.store.read_outbox(&main_tenant(), 0, 10).await.unwrap().is_empty());
}

async fn an_incident_is_heard_of_once_and_every_update_too(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    w.incident(60, true).await;
    let incident = w.store.incidents(&main_tenant(), at(61)).await.unwrap().remove(0);
    let first = due(w, 62).await.remove(0);
    for _ in 0..2 {
        let look = Looked {
            notices: vec![notice(NoticeKind::Outage, Some(&incident.id))],
            ..quiet(due(w, 62).await.into_iter().next().unwrap_or_else(|| first.clone()), 62)
        };
        w.store.write_looks(at(62), vec![look]).await.unwrap();
    }
    assert_eq!(w.claim(63).await.len(), 1, "once");
    assert_eq!(w.store.count_told(&incident.id).await.unwrap(), 1);
    let words = LocalText::new("Quase lá.", "Nearly there.");
    let change = IncidentChange::Update { words, next_update_at: Some(at(900)) };
    let tell = |_: &atende::adapters::store::Incident| vec![notification(None, 70)];
    let tenant = main_tenant();
    let named = ("agent:ops", "outage");
    let updated =
        w.store.change_incident(at(70), &tenant, named, change, tell).await.unwrap().unwrap();
    assert_eq!((updated.updates, updated.next_update_at), (1, Some(at(900))));
    assert_eq!(w.store.claim_notifications(at(71), 10).await.unwrap().len(), 1);
    let waiting = w.store.not_heard(&updated, 50).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let told =
        waiting.into_iter().map(|one| (one, Some(notice(NoticeKind::Outage, None)))).collect();
    w.store.tell_more(at(72), &updated, told).await.unwrap();
    assert!(w.store.not_heard(&updated, 50).await.unwrap().is_empty());
    assert_eq!(w.claim(73).await.len(), 1);
    w.incident(80, false).await;
    let ended = w.store.incidents(&tenant, at(81)).await.unwrap().remove(0);
    assert_eq!((ended.ended_at, ended.updates), (Some(at(80)), 2));
    assert_eq!(w.view(&ticket).await.row.status, "open");
}

async fn events_are_read_in_order_and_a_cursor_moves_on(w: &World) {
    w.reviewed("ana", 0).await;
    let tenant = main_tenant();
    let events = w.store.events(&tenant, at(1_000), 0, 100).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(kinds[..2], ["ticket.opened", "turn.decided"]);
    let latest = w.store.latest_event(&tenant).await.unwrap();
    assert_eq!(latest, events.last().unwrap().seq);
    let rest = w.store.events(&tenant, at(1_000), events[0].seq, 1).await.unwrap();
    assert_eq!(rest[0].seq, events[1].seq);
    assert_eq!(w.store.cursor(&tenant, WEBHOOK_CURSOR).await.unwrap(), None);
    w.store.set_cursor(&tenant, WEBHOOK_CURSOR, 1).await.unwrap();
    assert!(w.store.advance_cursor(&tenant, WEBHOOK_CURSOR, 1, 5).await.unwrap());
    assert!(
        !w.store.advance_cursor(&tenant, WEBHOOK_CURSOR, 1, 9).await.unwrap(),
        "a replay came between"
    );
    assert_eq!(w.store.cursor(&tenant, WEBHOOK_CURSOR).await.unwrap(), Some(5));
}

async fn people_transfer_put_aside_join_and_part(w: &World) {
    let one = w.reviewed("ana", 0).await;
    let other = w.reviewed("bia", 100).await;
    let to = TransferTo::Queue("finance".to_owned(), Some("L2".to_owned()));
    w.done(200, &one, "rui", Change::Transfer(to)).await;
    let view = w.view(&one).await;
    assert_eq!((&*view.row.owner, view.row.queue.as_deref()), ("queue", Some("finance")));
    let to = TransferTo::Agent("lia".to_owned(), at(900));
    w.done(201, &one, "rui", Change::Transfer(to)).await;
    assert!(matches!(
        w.act(202, &one, "rui", Change::Snooze(Some(at(800)))).await,
        Outcome::Refused(Refused::HeldBy(..))
    ));
    w.done(203, &one, "lia", Change::Snooze(Some(at(800)))).await;
    w.done(204, &one, "lia", Change::Callback(Some((at(300), at(400))))).await;
    let found = due(w, 205).await.into_iter().find(|ticket| ticket.id == one.as_str()).unwrap();
    assert_eq!(
        (found.snoozed_until, found.callback.map(|call| call.until)),
        (Some(at(800)), Some(at(400)))
    );
    w.done(206, &one, "lia", Change::Callback(None)).await;

    w.done(207, &other, "rui", Change::Tag(vec!["vip".to_owned()], Vec::new())).await;
    for (into, why) in [(other.clone(), "itself"), (TicketId::from_bits(fresh()), "missing")] {
        let refused = w.act(208, &other, "rui", Change::Merge(into)).await;
        assert_eq!(refused, Outcome::Refused(Refused::MergeInto(why)));
    }
    w.done(209, &other, "rui", Change::Merge(one.clone())).await;
    assert_eq!(w.view(&other).await.row.status, "closed");
    assert_eq!(w.view(&one).await.row.tags, ["vip"]);
    let refused = w.act(210, &one, "lia", Change::Merge(other.clone())).await;
    assert_eq!(refused, Outcome::Refused(Refused::MergeInto("closed")));

    w.file(from_thread("ana", "m2", 220)).await;
    let messages = w.view(&one).await.messages;
    let part = |ids: Vec<&str>| Split {
        messages: ids
            .into_iter()
            .map(|id| atende::domain::ids::MessageId::from_stored(id.to_owned()))
            .collect(),
        ticket: TicketId::from_bits(fresh()),
        conversation: ConversationId::from_bits(fresh()),
    };
    let of_customer: Vec<&str> =
        messages.iter().filter(|one| one.author == "customer").map(|one| one.id.as_str()).collect();
    let everything = w.act(230, &one, "lia", Change::Split(part(of_customer.clone()))).await;
    assert_eq!(everything, Outcome::Refused(Refused::Messages));
    let tickets = w.number("SELECT COUNT(*) FROM tickets").await;
    let split = part(vec![of_customer[1]]);
    w.done(231, &one, "lia", Change::Split(split.clone())).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM tickets").await, tickets + 1);
    let turn = w.load(232, &split.conversation).await;
    assert_eq!(
        (turn.thread.as_str(), turn.messages.len()),
        ("ana", 1),
        "its network knows it by the same thread"
    );
    assert!(w.lease(300, "worker").await.iter().any(|job| job.conversation == split.conversation));
}

async fn another_plan_has_its_customers_tickets_looked_at(w: &World) {
    w.run("DELETE FROM jobs").await;
    let ticket = w.file_new(from_thread("ana", "m1", 0)).await;
    w.run("INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at) VALUES ('cus_1', 'main', 'c-1', '{}', 0, 0)").await;
    w.run("UPDATE tickets SET customer_id = 'cus_1'").await;
    w.store.write_looks(at(1), vec![quiet(due(w, 0).await.remove(0), 900)]).await.unwrap();
    assert!(due(w, 10).await.is_empty());
    let upsert = atende::adapters::store::CustomerUpsert {
        id: atende::domain::ids::CustomerId::from_bits(fresh()),
        reference: "c-1".to_owned(),
        profile: serde_json::from_value(json!({"plan": "enterprise"})).unwrap(),
    };
    w.store.put_customers(at(11), &main_tenant(), vec![upsert]).await.unwrap();
    let found = due(w, 11).await;
    assert_eq!(found[0].id, ticket.as_str());
    assert_eq!(found[0].facts.as_facts().plan, Some("enterprise"));
}

/// Names what a safety text is called, so that stories here and there agree.
#[test]
fn a_notice_is_none_of_the_other_kinds() {
    for kind in NoticeKind::ALL {
        assert!(!["reply", "safety"].contains(&kind.as_str()));
    }
    assert_ne!(ReplyKind::Answer, ReplyKind::Safety);
}
