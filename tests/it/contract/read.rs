//! Lists and pages: complete, in order, and blind to other tenants.

use std::collections::BTreeSet;

use atende::adapters::store::{Change, Cursor, TicketFilter, TicketOrder};
use atende::domain::ids::{TicketId, TicketNumber};
use atende::domain::message::InboundMessage;
use atende::domain::ticket::TicketStatus;

use super::world::{World, at, from_ana, from_thread, main_tenant, on_both, tenant};

on_both! {
    a_list_walked_by_cursor_shows_each_ticket_once_while_more_arrive,
    every_filter_finds_its_own,
    tags_are_compared_as_values,
    queues_count_what_waits_for_people,
    the_review_list_is_walked_oldest_first,
    a_ticket_page_holds_the_latest_messages_in_order,
    nothing_of_a_tenant_is_shown_to_another,
    a_message_leads_to_its_ticket,
    a_cursor_reads_back_and_refuses_other_words,
    decisions_are_walked_in_the_order_they_were_made,
    a_ticket_is_found_by_its_number,
}

async fn a_list_walked_by_cursor_shows_each_ticket_once_while_more_arrive(w: &World) {
    let mut there = BTreeSet::new();
    for n in 0..25 {
        // Several of the same moment: the id breaks the tie.
        let ticket = w.file_new(from_thread(&format!("t{n}"), &format!("m{n}"), n / 5)).await;
        there.insert(ticket.to_string());
    }
    let (mut seen, mut after): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
    let filter = TicketFilter::default();
    for step in 0.. {
        let page = w.store.list_tickets(&main_tenant(), &filter, after.as_ref(), 4).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted_by(|a, b| (a.created_at, &a.id) >= (b.created_at, &b.id)));
        after = Cursor::decode(&last.cursor(TicketOrder::Newest).encode());
        seen.extend(page.into_iter().map(|row| row.id));
        let thread = format!("late-{step}");
        w.file(from_thread(&thread, &thread, 100 + step)).await;
    }
    assert_eq!(seen.len(), 25, "none twice");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), there);
}

async fn ids(w: &World, filter: TicketFilter) -> Vec<String> {
    let rows = w.store.list_tickets(&main_tenant(), &filter, None, 100).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

async fn every_filter_finds_its_own(w: &World) {
    let wanted = w.reviewed("ana", 0).await;
    w.done(10, &wanted, "rui", Change::Claim(at(100))).await;
    for (field, value) in [("subcategory", "pix"), ("sentiment", "angry"), ("urgency", "high")] {
        w.done(11, &wanted, "rui", Change::Override(field, value.into())).await;
    }
    w.file_new(InboundMessage {
        channel: atende::domain::channel::Channel::Email,
        ..from_thread("bia", "m2", 20)
    })
    .await;
    w.run(&format!("UPDATE tickets SET sla_state = 'at_risk' WHERE id = '{}'", wanted.as_str()))
        .await;
    for (column, value) in [
        ("status", "open"),
        ("channel", "chat"),
        ("category", "billing"),
        ("subcategory", "pix"),
        ("language", "pt-BR"),
        ("urgency", "high"),
        ("sentiment", "angry"),
        ("queue", "suporte"),
        ("level", "L1"),
        ("action", "review"),
        ("assignee", "rui"),
        ("sla_state", "at_risk"),
    ] {
        let filter = |value: &str| TicketFilter {
            equal: vec![(column, value.to_owned())],
            ..TicketFilter::default()
        };
        assert_eq!(ids(w, filter(value)).await, [wanted.as_str()], "{column}");
        assert_eq!(ids(w, filter("other\0' OR 1=1")).await.len(), 0, "{column}");
    }
    assert_eq!(TicketFilter::COLUMNS.len(), 12, "the table above names every column");
    let two = vec![("status", "open".to_owned()), ("channel", "email".to_owned())];
    assert!(ids(w, TicketFilter { equal: two, ..TicketFilter::default() }).await.is_empty());
    let unknown = vec![("tenant = '' OR t.id", "x".to_owned())];
    let all = ids(w, TicketFilter { equal: unknown, ..TicketFilter::default() }).await;
    assert_eq!(all.len(), 2, "a name that is no column never reaches the query");
}

async fn tags_are_compared_as_values(w: &World) {
    let odd = ["vip", "50%", "a_b", "C:\\dir", "\"quoted\"", "Açaí", "VIP+"];
    let mut tickets: Vec<TicketId> = Vec::new();
    for (n, tag) in odd.iter().enumerate() {
        let ticket = w.file_new(from_thread(&format!("t{n}"), &format!("m{n}"), 0)).await;
        w.done(1, &ticket, "rui", Change::Tag(vec![(*tag).to_owned()], Vec::new())).await;
        tickets.push(ticket);
    }
    for (ticket, tag) in tickets.iter().zip(odd) {
        let filter = TicketFilter { tag: Some(tag.to_owned()), ..TicketFilter::default() };
        assert_eq!(ids(w, filter).await, [ticket.as_str()], "{tag}");
    }
    for tag in ["VIP", "%", "_", "vi", ""] {
        let filter = TicketFilter { tag: Some(tag.to_owned()), ..TicketFilter::default() };
        assert!(ids(w, filter).await.is_empty(), "{tag:?}");
    }
}

async fn queues_count_what_waits_for_people(w: &World) {
    for n in 0..3 {
        w.reviewed(&format!("t{n}"), n * 20).await;
    }
    let held = w.reviewed("held", 100).await;
    w.done(110, &held, "rui", Change::Claim(at(900))).await;
    let solved = w.reviewed("solved", 200).await;
    w.done(210, &solved, "rui", Change::Status(TicketStatus::Solved)).await;
    w.file(from_thread("new", "new", 300)).await;
    let counts = w.store.queue_counts(&main_tenant()).await.unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|c| (&*c.queue, c.level.as_deref(), &*c.owner, c.tickets, c.oldest))
        .collect();
    let expected = [
        ("suporte", Some("L1"), "agent", 1, Some(at(100))),
        ("suporte", Some("L1"), "review", 3, Some(at(0))),
    ];
    assert_eq!(counts, expected);
}

async fn the_review_list_is_walked_oldest_first(w: &World) {
    let mut expected = Vec::new();
    for n in 0..7 {
        expected.push(w.reviewed(&format!("t{n}"), n * 20).await.to_string());
    }
    let (mut seen, mut after): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = w.store.list_review(&main_tenant(), after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Cursor::decode(&last.cursor().encode());
        seen.extend(page.iter().map(|row| row.ticket.id.clone()));
        assert!(page.iter().all(|row| row.draft.state == "proposed"));
    }
    assert_eq!(seen, expected);
}

async fn a_ticket_page_holds_the_latest_messages_in_order(w: &World) {
    let ticket = w.file_new(from_ana("m0", 0)).await;
    for n in 1..210 {
        w.file(from_ana(&format!("m{n}"), n)).await;
    }
    let messages = w.view(&ticket).await.messages;
    let texts: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[199]), (200, "m10", "m209"));
}

async fn nothing_of_a_tenant_is_shown_to_another(w: &World) {
    let ticket = w.reviewed("ana", 0).await;
    let other = tenant("other");
    let message = w.view(&ticket).await.messages[0].id.clone();
    let filter = TicketFilter::default();
    assert!(w.store.list_tickets(&other, &filter, None, 10).await.unwrap().is_empty());
    assert!(w.store.ticket(&other, &ticket).await.unwrap().is_none());
    assert!(w.store.queue_counts(&other).await.unwrap().is_empty());
    assert!(w.store.list_review(&other, None, 10).await.unwrap().is_empty());
    assert!(w.store.ticket_of_message(&other, &message).await.unwrap().is_none());
    assert!(w.store.list_decisions(&other, None, 10).await.unwrap().is_empty());
    let number = TicketNumber::new(1);
    assert!(w.store.ticket_by_number(&other, number).await.unwrap().is_none());
    assert!(w.store.tenant_state(&other).await.unwrap().is_none());
    assert!(w.store.customer(&other, "c1").await.unwrap().is_none());
}

async fn a_message_leads_to_its_ticket(w: &World) {
    let message = from_ana("m1", 0);
    let ticket = w.file_new(message.clone()).await;
    let found = w.store.ticket_of_message(&main_tenant(), message.id.as_str()).await.unwrap();
    assert_eq!(found, Some((ticket.to_string(), false)));
    let (job, turn) = w.turn(6).await;
    let settlement = w.for_review(job, &turn).await;
    w.settle(7, settlement).await;
    let found = w.store.ticket_of_message(&main_tenant(), message.id.as_str()).await.unwrap();
    assert_eq!(found, Some((ticket.to_string(), true)));
    for unknown in ["", "msg_0", "a\0b", "' OR 1=1 --"] {
        let found = w.store.ticket_of_message(&main_tenant(), unknown).await.unwrap();
        assert_eq!(found, None, "{unknown:?}");
        let id = TicketId::from_stored(unknown);
        assert!(w.store.ticket(&main_tenant(), &id).await.unwrap().is_none(), "{unknown:?}");
    }
}

async fn a_cursor_reads_back_and_refuses_other_words(w: &World) {
    let cursor = Cursor { at: 1_772_442_000_000, id: "tck_1".to_owned() };
    assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    for word in ["", "x", "zz.tck", ".tck", "1-tck"] {
        assert_eq!(Cursor::decode(word), None, "{word:?}");
    }
    let strange = Cursor { at: i64::MIN, id: "a\0' OR 1=1 --".to_owned() };
    let filter = TicketFilter::default();
    assert!(w.store.list_tickets(&main_tenant(), &filter, Some(&strange), 10).await.is_ok());
    assert!(w.store.list_review(&main_tenant(), Some(&strange), 10).await.is_ok());
    assert!(w.store.list_decisions(&main_tenant(), Some(&strange), 10).await.is_ok());
}

async fn decisions_are_walked_in_the_order_they_were_made(w: &World) {
    let mut expected = Vec::new();
    for n in 0..7 {
        w.file(from_thread(&format!("t{n}"), &format!("early-{n}"), n * 20)).await;
        expected.push(w.reviewed(&format!("t{n}"), n * 20).await.to_string());
    }
    let (mut seen, mut after): (Vec<String>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = w.store.list_decisions(&main_tenant(), after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Cursor::decode(&last.cursor().encode());
        assert!(page.iter().all(|row| row.messages == 2 && row.customer_name.is_some()));
        seen.extend(page.into_iter().map(|row| row.ticket_id));
    }
    assert_eq!(seen, expected);
}

async fn a_ticket_is_found_by_its_number(w: &World) {
    let ticket = w.file_new(from_ana("m1", 0)).await;
    let main = main_tenant();
    assert_eq!(w.store.ticket_by_number(&main, TicketNumber::new(1)).await.unwrap(), Some(ticket));
    for unknown in [0, 2, u64::MAX] {
        let found = w.store.ticket_by_number(&main, TicketNumber::new(unknown)).await.unwrap();
        assert_eq!(found, None, "{unknown}");
    }
}
