//! People found, shown and erased, and what has had its time, on both databases.

use atende::adapters::store::{
    CustomerUpsert, DeliveryEnd, Kept, Person, Retention, Settled, TicketFilter,
};
use atende::domain::customer::CustomerProfile;
use atende::domain::ids::{CustomerId, TenantId};
use atende::domain::message::{Contact, InboundMessage};
use chrono::Duration;

use super::world::{World, at, fresh, from_thread, intake, main_tenant, on_both, tenant};

on_both! {
    a_person_is_found_by_everything_they_are_known_by,
    two_customers_behind_one_number_are_told_apart,
    an_erased_person_leaves_shells_and_nothing_leaves_any_more,
    businesses_are_erased_apart,
    an_export_shows_one_person_and_nobody_else,
    texts_are_forgotten_in_batches_after_their_time,
    customers_are_forgotten_who_were_not_heard_of,
}

const PHONE: &str = "+55 11 98765-4321";
const OTHER_PHONE: &str = "+55 21 95555-0000";

async fn customer(w: &World, reference: &str, emails: &[&str], phones: &[&str]) -> String {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let profile = CustomerProfile {
        name: Some(format!("Nome de {reference}")),
        emails: texts(emails),
        phones: texts(phones),
        ..CustomerProfile::default()
    };
    let id = CustomerId::from_bits(fresh());
    let upsert = CustomerUpsert { id: id.clone(), reference: reference.to_owned(), profile };
    w.store.put_customers(at(0), &main_tenant(), vec![upsert]).await.unwrap();
    id.as_str().to_owned()
}

fn by_phone(phone: &str) -> Contact {
    Contact { phone: Some(phone.to_owned()), ..Contact::default() }
}

fn by_reference(reference: &str) -> Contact {
    Contact { reference: Some(reference.to_owned()), ..Contact::default() }
}

fn from(contact: Contact, thread: &str) -> InboundMessage {
    InboundMessage { contact, ..from_thread(thread, &format!("ext-{thread}"), 0) }
}

async fn find(w: &World, asked: &str) -> Person {
    w.store.find_person(&main_tenant(), asked).await.unwrap()
}

async fn kept(w: &World, asked: &str) -> Kept {
    w.store.kept_of(&find(w, asked).await).await.unwrap()
}

async fn a_person_is_found_by_everything_they_are_known_by(w: &World) {
    let ana = customer(w, "c1", &["ana@exemplo.com"], &[PHONE]).await;
    let filed = intake(from(by_phone("11 98765-4321"), "t1"));
    let conversation = filed.conversation_id.as_str().to_owned();
    w.store.record_inbound(at(0), vec![filed]).await.unwrap();
    w.file(from(Contact { phone: Some(OTHER_PHONE.to_owned()), ..by_reference("c1") }, "t2")).await;
    w.file(from(Contact::default(), "5511987654321")).await;
    w.file(from(by_phone(OTHER_PHONE), "t3")).await;
    w.file(from(by_phone("+55 31 94444-0000"), "t4")).await;
    for asked in [
        "+55 (11) 98765-4321",
        "551187654321",
        "Ana@Exemplo.com",
        " c1 ",
        ana.as_str(),
        conversation.as_str(),
    ] {
        let person = find(w, asked).await;
        let kept = w.store.kept_of(&person).await.unwrap();
        assert_eq!((kept.customers, kept.conversations, kept.messages), (1, 3, 3), "{asked}");
        let also: Vec<_> = person.also_seen().collect();
        assert_eq!(also, [("phone", "5521955550000")], "{asked}");
    }
    let by_other = kept(w, OTHER_PHONE).await;
    assert_eq!((by_other.customers, by_other.conversations), (1, 4), "a number they wrote from");
    let stranger = kept(w, "31 94444 0000").await;
    assert_eq!((stranger.customers, stranger.conversations), (0, 1));
    let by_thread = kept(w, "t4").await;
    assert_eq!(by_thread.conversations, 1, "whoever is no customer goes by their thread, too");
    for asked in ["", "nobody@exemplo.com", "c2", "+55 11 90000-0000", "cnv_1", "cus_1"] {
        assert!(find(w, asked).await.is_unknown(), "{asked}");
    }
}

async fn two_customers_behind_one_number_are_told_apart(w: &World) {
    let (ana, bia) = (customer(w, "c1", &[], &[]).await, customer(w, "c2", &[], &[]).await);
    for (reference, thread) in [("c1", "t1"), ("c2", "t2")] {
        let contact = Contact { phone: Some(PHONE.to_owned()), ..by_reference(reference) };
        w.file(from(contact, thread)).await;
    }
    let both = find(w, PHONE).await;
    assert!(both.is_unknown(), "it may be either of them");
    let mut named: Vec<&str> = both.also_seen().map(|(_, id)| id).collect();
    named.sort_unstable();
    let mut expected = [ana.as_str(), bia.as_str()];
    expected.sort_unstable();
    assert_eq!(named, expected);
    let person = find(w, "c1").await;
    w.store.erase_person(at(10), &person, 0, "agent:test").await.unwrap();
    assert_eq!(w.number("SELECT COUNT(*) FROM messages WHERE text <> ''").await, 1);
    assert!(find(w, "c1").await.is_unknown() && find(w, &ana).await.is_unknown());
    let left = kept(w, PHONE).await;
    assert_eq!((left.customers, left.conversations), (1, 1), "now it can only be the other");
}

async fn an_erased_person_leaves_shells_and_nothing_leaves_any_more(w: &World) {
    let sending = w.answered("ana", 0).await;
    let rows = w.claim(20).await;
    assert_eq!(rows.len(), 1);
    let reviewed = w.reviewed("bia", 100).await;
    let decided = w.file_new(from_thread("eva", "eva-1", 200)).await;
    let (job, turn) = w.turn(206).await;
    let late = w.for_sending(job, &turn).await;

    for (asked, kept) in [("ana", (1, 1, 1)), ("bia", (1, 1, 0)), ("eva", (1, 1, 0))] {
        let person = find(w, asked).await;
        let erased = w.store.erase_person(at(300), &person, 0, "agent:test").await.unwrap();
        let counted = (erased.kept.tickets, erased.kept.open_tickets, erased.kept.unsent);
        assert_eq!(counted, kept, "{asked}");
        assert_eq!(erased.origins.len(), 1, "{asked}");
        assert!(erased.origins[0].external_id.starts_with(asked), "{asked}");
        assert!(find(w, asked).await.is_unknown(), "{asked}");
    }
    assert_eq!(w.settle(301, late).await, Settled::LostLease, "nobody decides it any more");
    w.finish(302, &rows[0], DeliveryEnd::Sent).await;
    assert_eq!(w.number("SELECT COUNT(*) FROM messages").await, 3, "no reply becomes a message");
    assert!(w.claim(400).await.is_empty());
    assert!(w.lease(400, "later").await.is_empty());
    for ticket in [&sending, &reviewed, &decided] {
        let view = w.view(ticket).await;
        assert_eq!((view.row.status.as_str(), view.row.subject.as_deref()), ("closed", None));
        assert!(view.messages.iter().all(|message| message.text.is_empty()));
        assert!(view.drafts.iter().all(|draft| draft.text.is_empty() && draft.state != "proposed"));
        assert_eq!(view.contact, serde_json::json!({}));
        assert!(view.audit.iter().any(|line| line.action == "ticket.status"));
    }
    assert_eq!(w.number("SELECT COUNT(*) FROM tickets WHERE clock_at IS NOT NULL").await, 0);
    assert_eq!(w.number("SELECT COUNT(*) FROM audit WHERE action = 'privacy.erased'").await, 3);
    assert_eq!(w.number("SELECT COUNT(*) FROM decisions").await, 2, "decisions stay");
    assert_eq!(w.store.check().await.unwrap(), Vec::<String>::new());

    let again = w.file_new(from_thread("ana", "ana-1", 500)).await;
    let view = w.view(&again).await;
    assert_eq!((view.parent_id, view.messages.len()), (None, 1), "somebody new");
    let (_, turn) = w.turn(506).await;
    assert_eq!((turn.thread.as_str(), turn.vault.as_str()), ("ana", "{}"));
}

async fn businesses_are_erased_apart(w: &World) {
    let other = tenant("other");
    for business in [main_tenant(), other.clone()] {
        let message = from(by_phone(PHONE), "t1");
        w.file(InboundMessage { tenant: business, ..message }).await;
    }
    let words = |business: &TenantId| {
        let sql = "SELECT COUNT(*) FROM messages WHERE text <> '' AND tenant = ";
        format!("{sql}'{business}'")
    };
    let nobody = w.store.find_person(&tenant("third"), PHONE).await.unwrap();
    assert!(nobody.is_unknown());
    let person = w.store.find_person(&other, PHONE).await.unwrap();
    w.store.erase_person(at(10), &person, 0, "agent:test").await.unwrap();
    assert_eq!(w.number(&words(&other)).await, 0);
    assert_eq!(w.number(&words(&main_tenant())).await, 1);
    assert_eq!(kept(w, PHONE).await.conversations, 1);
    let line = "SELECT COUNT(*) FROM audit WHERE action = 'privacy.erased' AND tenant = 'other'";
    assert_eq!(w.number(line).await, 1);
}

async fn an_export_shows_one_person_and_nobody_else(w: &World) {
    customer(w, "c1", &["ana@exemplo.com"], &[]).await;
    customer(w, "c2", &["bia@exemplo.com"], &[]).await;
    for reference in ["c1", "c2"] {
        let text = format!("palavras de {reference}");
        let message = InboundMessage { text, ..from(by_reference(reference), reference) };
        w.file(message).await;
    }
    let dossier = w.store.dossier(&find(w, "ana@exemplo.com").await).await.unwrap();
    assert_eq!(dossier["messages"][0]["text"], "palavras de c1");
    assert_eq!(dossier["messages"][0]["direction"], "in");
    assert_eq!(dossier["customers"][0]["profile"]["name"], "Nome de c1");
    assert_eq!(dossier["tickets"][0]["number"], "1-3");
    for table in ["customers", "conversations", "tickets", "messages"] {
        assert_eq!(dossier[table].as_array().unwrap().len(), 1, "{table}");
    }
    let text = dossier.to_string();
    for other in ["palavras de c2", "Nome de c2", "bia@exemplo.com"] {
        assert!(!text.contains(other), "{other}: {text}");
    }
}

/// Closes every ticket at the start of the story, so that only its age counts.
async fn close_all(w: &World) {
    let start = at(0).timestamp_millis();
    w.run(&format!("UPDATE tickets SET status = 'closed', closed_at = {start}, clock_at = NULL"))
        .await;
    w.run("DELETE FROM jobs").await;
}

async fn texts_are_forgotten_in_batches_after_their_time(w: &World) {
    let reviewed = w.reviewed("rita", 0).await;
    let many = (0..501).map(|n| intake(from(by_phone(PHONE), &format!("t{n}")))).collect();
    w.store.record_inbound(at(0), many).await.unwrap();
    close_all(w).await;
    let open = w.file_new(from_thread("open", "open-1", 10)).await;
    let words = "SELECT COUNT(*) FROM messages WHERE text <> ''";
    let messages = Retention { messages_days: 30, ..Retention::default() };
    let forget = |days: i64, retention: Retention| {
        let store = w.store.clone();
        async move { store.forget(at(0) + Duration::days(days), retention).await.unwrap() }
    };

    assert_eq!(forget(1_000, Retention::default()).await, 0, "0 keeps everything");
    assert_eq!(forget(30, messages).await, 0, "not a moment early");
    assert_eq!(w.number(words).await, 503);
    assert_eq!(forget(31, messages).await, 502);
    assert_eq!(w.number(words).await, 1, "what is open stays");
    assert_eq!(w.view(&open).await.messages[0].text, "open-1");
    assert_eq!(forget(32, messages).await, 0);
    let shells = "SELECT COUNT(*) FROM conversations WHERE contact <> '{}'";
    assert_eq!(w.number(shells).await, 1, "nor is it known who wrote");
    assert_eq!(w.view(&reviewed).await.drafts[0].text, "Olá, Ana.", "drafts have their own time");
    let drafts = Retention { drafts_days: 10, ..Retention::default() };
    assert_eq!(forget(31, drafts).await, 502);
    assert_eq!(w.view(&reviewed).await.drafts[0].text, "");
    let lines = "SELECT COUNT(*) FROM audit WHERE action = 'privacy.expired'";
    assert_eq!(w.number(lines).await, 4, "two batches, twice");
    let listed = w.store.list_tickets(&main_tenant(), &TicketFilter::default(), None, 600).await;
    assert_eq!(listed.unwrap().len(), 503, "tickets stay");
}

async fn customers_are_forgotten_who_were_not_heard_of(w: &World) {
    for reference in ["gone", "silent", "waits", "back"] {
        customer(w, reference, &[], &[]).await;
    }
    for reference in ["gone", "back"] {
        w.file(from(by_reference(reference), reference)).await;
    }
    close_all(w).await;
    w.file(from(by_reference("waits"), "waits")).await;
    let recent = (at(0) + Duration::days(50)).timestamp_millis();
    let back = "customer_id = (SELECT id FROM customers WHERE reference = 'back')";
    w.run(&format!("UPDATE tickets SET closed_at = {recent} WHERE {back}")).await;

    let retention = Retention { customers_days: 60, ..Retention::default() };
    let main = main_tenant();
    assert_eq!(w.store.forget(at(0) + Duration::days(60), retention).await.unwrap(), 0);
    let later = at(0) + Duration::days(61);
    assert_eq!(w.store.forget(later, retention).await.unwrap(), 2);
    for (reference, stays) in [("gone", false), ("silent", false), ("waits", true), ("back", true)]
    {
        let found = w.store.customer(&main, reference).await.unwrap().is_some();
        assert_eq!(found, stays, "{reference}");
    }
    assert_eq!(w.number("SELECT COUNT(*) FROM messages WHERE text <> ''").await, 2);
    assert_eq!(w.number("SELECT COUNT(*) FROM customers").await, 4, "their ids stay");
    assert_eq!(w.store.forget(later, retention).await.unwrap(), 0);
    let line = "SELECT COUNT(*) FROM audit WHERE action = 'privacy.expired'";
    assert_eq!(w.number(line).await, 1);
}
