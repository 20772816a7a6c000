//! What is known of addresses and of whom they are, whichever conversation it was learnt in.

use atende::adapters::store::{Change, CustomerUpsert, DeliveryEnd, Retention};
use atende::domain::customer::CustomerProfile;
use atende::domain::ids::CustomerId;
use atende::domain::mark::{Mark, MarkKind, MarkNews, StandingMark};
use chrono::Duration;

use super::world::{World, at, fresh, main_tenant, on_both, outbox_states, words};

on_both! {
    where_nothing_arrives_nothing_leaves_by_itself_and_people_may_try,
    the_youngest_news_of_a_person_counts,
    what_somebody_does_not_want_outlives_where_nothing_arrived,
}

fn news(mark: Mark, stands: bool, when: i64) -> MarkNews {
    MarkNews { mark, stands, reason: "131026".to_owned(), at: at(when) }
}

fn shown(marks: &[StandingMark]) -> Vec<(Mark, MarkKind)> {
    marks.iter().map(|one| (one.mark, one.on)).collect()
}

/// Lets every conversation and its replies be one of WhatsApp.
async fn over_whatsapp(w: &World) {
    w.run("UPDATE conversations SET channel = 'whatsapp'").await;
    w.run("UPDATE outbox SET channel = 'whatsapp'").await;
}

async fn where_nothing_arrives_nothing_leaves_by_itself_and_people_may_try(w: &World) {
    let ticket = w.answered("ana", 0).await;
    over_whatsapp(w).await;
    let row = w.claim(10).await.remove(0);
    w.store.note_mark(&row, news(Mark::Unreachable, true, 11)).await.unwrap();
    w.finish(12, &row, DeliveryEnd::RetryAt(at(20), "busy".to_owned())).await;
    assert_eq!(w.claim(21).await.len(), 0);
    let view = w.view(&ticket).await;
    assert_eq!(outbox_states(&view), ["failed"]);
    assert_eq!((&*view.row.status, &*view.row.owner), ("escalated", "queue"));
    assert_eq!(shown(&view.marks), [(Mark::Unreachable, MarkKind::Network)]);
    w.done(30, &ticket, "rui", Change::Reply(words("Oi", 30))).await;
    assert_eq!(w.claim(31).await.len(), 1, "people may try");

    let main = main_tenant();
    let heard = |when| vec![((MarkKind::Network, "ana".to_owned()), at(when))];
    w.store.heard_from(&main, heard(5)).await.unwrap();
    assert_eq!(w.view(&ticket).await.marks.len(), 1, "that was before");
    w.store.heard_from(&main, heard(40)).await.unwrap();
    assert!(w.view(&ticket).await.marks.is_empty());
    w.store.note_mark(&row, news(Mark::Unreachable, true, 15)).await.unwrap();
    assert!(w.view(&ticket).await.marks.is_empty(), "older news change nothing");
}

async fn the_youngest_news_of_a_person_counts(w: &World) {
    let main = main_tenant();
    let profile = CustomerProfile {
        emails: vec!["ana@exemplo.com".to_owned()],
        phones: vec!["+55 11 98765-4321".to_owned()],
        ..CustomerProfile::default()
    };
    let upsert =
        CustomerUpsert { id: CustomerId::from_bits(fresh()), reference: "c1".to_owned(), profile };
    w.store.put_customers(at(0), &main, vec![upsert]).await.unwrap();
    let customer = w.store.customer(&main, "c1").await.unwrap().unwrap();
    let marks = || async { shown(&w.store.marks_of_customer(&main, &customer).await.unwrap()) };
    w.store.note_opt_out(at(5), &main, &customer, true).await.unwrap();
    let opted_out = [MarkKind::Customer, MarkKind::Email, MarkKind::Phone];
    assert_eq!(marks().await, opted_out.map(|on| (Mark::OptedOut, on)));
    // The number with and without the ninth digit is one.
    let phone = Some("551187654321");
    for (stands, when) in [(false, 6), (true, 9), (false, 7)] {
        let news = news(Mark::NoMarketing, stands, when);
        w.store.note_preference(&main, "wac_1", phone, news).await.unwrap();
    }
    w.store.note_opt_out(at(20), &main, &customer, false).await.unwrap();
    assert_eq!(marks().await, [(Mark::NoMarketing, MarkKind::Phone)]);
}

async fn what_somebody_does_not_want_outlives_where_nothing_arrived(w: &World) {
    let ticket = w.answered("ana", 0).await;
    over_whatsapp(w).await;
    let row = w.claim(10).await.remove(0);
    w.finish(11, &row, DeliveryEnd::Sent).await;
    for mark in [Mark::Unreachable, Mark::OptedOut] {
        w.store.note_mark(&row, news(mark, true, 12)).await.unwrap();
    }
    let count = "SELECT COUNT(*) FROM contact_marks WHERE mark = 'unreachable'";
    assert_eq!(w.number(count).await, 1);
    let retention = Retention { messages_days: 1, ..Retention::default() };
    w.store.forget(at(0) + Duration::days(3), retention).await.unwrap();
    let kept = shown(&w.view(&ticket).await.marks);
    assert!(!kept.is_empty() && kept.iter().all(|(mark, _)| *mark == Mark::OptedOut), "{kept:?}");
    // What has ended is kept as long as older news may come.
    w.store.note_mark(&row, news(Mark::OptedOut, false, 20)).await.unwrap();
    w.store.purge(at(19)).await.unwrap();
    assert!(w.number("SELECT COUNT(*) FROM contact_marks").await > 0);
    w.store.purge(at(30)).await.unwrap();
    assert_eq!(w.number("SELECT COUNT(*) FROM contact_marks").await, 0);
}
