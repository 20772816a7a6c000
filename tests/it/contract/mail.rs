//! Conversations by mail, on both databases: which one a mail belongs to, what is kept of it, and how often machines answer.

use atende::adapters::store::{
    Claimed, DeliveryEnd, MailRef, OwnWords, Pace, Retention, Threaded, own_mail_id,
};
use atende::domain::attachment::{Attachment, AttachmentKind, KeptBytes, Source};
use atende::domain::channel::Channel;
use atende::domain::ids::{AttachmentId, OutboxId, TicketId, TicketNumber};
use atende::domain::message::{Contact, InboundMessage, Original, TextPart};
use chrono::Duration;
use serde_json::{Value, json};

use super::world::{World, at, fresh, from_ana, main_tenant, on_both, tenant};

on_both! {
    a_mail_joins_the_conversation_that_it_names_if_its_sender_was_a_party_of_it,
    whoever_was_no_party_of_a_conversation_gets_one_of_their_own,
    a_copy_from_another_mailbox_is_known_and_a_second_look_is_no_copy,
    an_answer_goes_where_it_went_before_whatever_a_later_mail_says,
    a_mail_of_ours_is_known_again_by_its_own_id_and_by_the_networks,
    a_mail_keeps_its_whole_words_and_its_files_until_they_are_forgotten,
    what_somebody_wrote_in_their_own_mail_program_keeps_as_much,
    whoever_is_erased_is_nobodys_party_any_more,
    an_address_gets_so_many_mails_of_machines,
}

const MAILBOX: &str = "sac@loja.example";
const ANA: &str = "ana@cliente.example";

/// A mail that names nothing, with an address of its own.
fn mail(id: &str, sender: &str) -> MailRef {
    MailRef {
        external_id: format!("{MAILBOX}/inbox:7:{id}"),
        copy_key: format!("copy of {id}"),
        message_id: format!("{id}@cliente.example"),
        ids: Vec::new(),
        ticket: None,
        numbers: Vec::new(),
        sender: sender.to_owned(),
        account: MAILBOX.to_owned(),
        fresh_thread: format!("mail_{:032x}", fresh()),
        address: json!({"email": sender, "message_id": format!("{id}@cliente.example"), "name": null}),
    }
}

fn answering(id: &str, sender: &str, ids: &[&str]) -> MailRef {
    MailRef { ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..mail(id, sender) }
}

async fn threaded(w: &World, mail: MailRef) -> Threaded {
    w.store.thread_mail(at(0), &main_tenant(), mail).await.unwrap()
}

async fn thread(w: &World, mail: MailRef) -> String {
    match threaded(w, mail).await {
        Threaded::Into { thread, account } => {
            assert_eq!(account, MAILBOX, "where the conversation began");
            thread
        }
        Threaded::Copy => panic!("it is no copy"),
    }
}

fn message(thread: &str, external: &str, sender: &str) -> InboundMessage {
    InboundMessage {
        channel: Channel::Email,
        account: MAILBOX.to_owned(),
        thread: thread.to_owned(),
        contact: Contact { email: Some(sender.to_owned()), ..Contact::default() },
        ..from_ana(external, 0)
    }
}

/// A conversation of Ana's by mail: its thread and its ticket.
async fn begun(w: &World) -> (String, TicketId) {
    let thread = thread(w, mail("q1", ANA)).await;
    let ticket = w.file_new(message(&thread, "q1", ANA)).await;
    (thread, ticket)
}

async fn number(w: &World, ticket: &TicketId) -> TicketNumber {
    TicketNumber::parse(&w.view(ticket).await.row.number).unwrap()
}

/// An automatic answer in the conversation that is just leaving.
async fn answer(w: &World) -> Claimed {
    let (job, turn) = w.turn(6).await;
    let settlement = w.for_sending(job, &turn).await;
    w.settle(7, settlement).await;
    w.claim(8).await.remove(0)
}

async fn a_mail_joins_the_conversation_that_it_names_if_its_sender_was_a_party_of_it(w: &World) {
    let (first, ticket) = begun(w).await;
    let ours = answer(w).await;
    let number = number(w, &ticket).await;
    let own = format!("{}@loja.example", ours.id);
    for (what, mail) in [
        ("the customer's mail", answering("q2", ANA, &["q1@cliente.example"])),
        ("ours", answering("q3", ANA, &["x@nowhere.example", &own])),
        ("the ticket", MailRef { ticket: Some(ticket.clone()), ..mail("q4", ANA) }),
        ("its number", MailRef { numbers: vec![number], ..mail("q5", ANA) }),
    ] {
        assert_eq!(thread(w, mail).await, first, "by {what}");
    }
    // In another mailbox of the business: the conversation goes on where it began.
    let elsewhere = answering("q6", ANA, &["q1@cliente.example"]);
    let elsewhere = MailRef { account: "vendas@loja.example".to_owned(), ..elsewhere };
    assert_eq!(thread(w, elsewhere).await, first);
    assert_ne!(thread(w, mail("q7", ANA)).await, first, "one that names nothing");
    let other = w.store.thread_mail(at(0), &tenant("other"), answering("q2", ANA, &[&own])).await;
    let Threaded::Into { thread, .. } = other.unwrap() else { panic!("it is no copy") };
    assert_ne!(thread, first, "another business's");
}

async fn whoever_was_no_party_of_a_conversation_gets_one_of_their_own(w: &World) {
    let (first, ticket) = begun(w).await;
    let ours = answer(w).await;
    let own = format!("{}@loja.example", ours.id);
    let number = number(w, &ticket).await;
    for (id, eve) in [("x1", "eva@outro.example"), ("x2", "")] {
        let all = MailRef {
            ticket: Some(ticket.clone()),
            numbers: vec![number],
            ..answering(id, eve, &[&own, "q1@cliente.example"])
        };
        let theirs = thread(w, all).await;
        assert_ne!(theirs, first, "{eve}");
        w.file_new(message(&theirs, id, eve)).await;
    }
    // Their own conversation is theirs from then on.
    let again = thread(w, answering("x3", "eva@outro.example", &["x1@cliente.example"])).await;
    assert_ne!(again, first);
    let same = thread(w, answering("x4", "eva@outro.example", &["x3@cliente.example"])).await;
    assert_eq!(same, again);
    // Ana in capitals is Ana, because her conversation says so.
    let capitals = answering("q8", "Ana@Cliente.Example", &["q1@cliente.example"]);
    assert_eq!(thread(w, capitals).await, first);
}

async fn a_copy_from_another_mailbox_is_known_and_a_second_look_is_no_copy(w: &World) {
    let first = thread(w, mail("q1", ANA)).await;
    // A crash between this and the filing means the same mail once more.
    let again = MailRef { fresh_thread: first.clone(), ..mail("q1", ANA) };
    assert!(matches!(threaded(w, again).await, Threaded::Into { .. }));
    let copy = MailRef {
        external_id: "vendas@loja.example/inbox:3:9".to_owned(),
        account: "vendas@loja.example".to_owned(),
        ..mail("q1", ANA)
    };
    for _ in 0..2 {
        assert_eq!(threaded(w, copy.clone()).await, Threaded::Copy);
    }
    assert!(matches!(threaded(w, mail("q2", ANA)).await, Threaded::Into { .. }));
    let other = w.store.thread_mail(at(0), &tenant("other"), copy).await.unwrap();
    assert!(matches!(other, Threaded::Into { .. }), "another business has its own mail");
}

async fn an_answer_goes_where_it_went_before_whatever_a_later_mail_says(w: &World) {
    let (first, _) = begun(w).await;
    let mut later = answering("q2", ANA, &["q1@cliente.example"]);
    later.address = json!({"email": "eva@outro.example", "message_id": "q2@cliente.example",
        "name": "Ana\u{0}", "references": ["q1@cliente.example"]});
    assert_eq!(thread(w, later).await, first);
    let known = w.store.network_address(&main_tenant(), &first).await.unwrap().unwrap();
    assert_eq!(known["email"], ANA);
    assert_eq!(known["message_id"], "q2@cliente.example", "answers refer to the latest");
    assert_eq!(known["references"], json!(["q1@cliente.example"]));
    assert_eq!(w.store.network_address(&tenant("other"), &first).await.unwrap(), None);
}

async fn a_mail_of_ours_is_known_again_by_its_own_id_and_by_the_networks(w: &World) {
    let (first, _) = begun(w).await;
    let row = answer(w).await;
    let own = format!("{}@loja.example", row.id);
    let is_ours = async |id: &str| w.store.is_our_mail(&main_tenant(), id).await.unwrap();
    assert!(is_ours(&own).await && !is_ours("out_0@loja.example").await && !is_ours("").await);
    assert!(!w.store.is_our_mail(&tenant("other"), &own).await.unwrap());
    w.finish(9, &row, DeliveryEnd::Accepted("<named-by@provider.example>".to_owned())).await;
    assert!(is_ours("<named-by@provider.example>").await);
    assert_eq!(own_mail_id(&own), Some(row.id.clone()));
    let place = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        async move { w.store.thread_of_mails(&main_tenant(), &ids).await.unwrap() }
    };
    let expected = Some((first, MAILBOX.to_owned()));
    assert_eq!(place(&["nobody@x.example", &own]).await, expected);
    assert_eq!(place(&["q1@cliente.example"]).await, expected, "whoever asks");
    assert_eq!(place(&["nobody@x.example"]).await, None);
    assert_eq!(place(&[]).await, None);
}

/// A mail with words that were taken off, its HTML, a picture in it, and a file that was too large.
fn whole(thread: &str, external: &str) -> InboundMessage {
    let file = |kind, name: Option<&str>, source| Attachment {
        id: AttachmentId::from_bits(fresh()),
        kind,
        name: name.map(str::to_owned),
        mime: Some("application/octet-stream".to_owned()),
        size: Some(9),
        source,
    };
    let kept = |sniffed: &str| {
        Some(KeptBytes { sha256: "abc".to_owned(), sniffed: Some(sniffed.to_owned()) })
    };
    let of = |kept, inline, id: Option<&str>| Source::Mail {
        kept,
        inline,
        content_id: id.map(str::to_owned),
    };
    InboundMessage {
        original: Some(Original { part: TextPart::Html, text: Some("oi\0\n> antes".to_owned()) }),
        attachments: vec![
            file(AttachmentKind::Image, Some("a.png"), of(kept("image/png"), true, Some("i1"))),
            file(AttachmentKind::File, Some("b.zip"), of(None, false, None)),
            file(AttachmentKind::MailHtml, None, of(kept("text/html"), false, None)),
        ],
        ..message(thread, external, ANA)
    }
}

async fn a_mail_keeps_its_whole_words_and_its_files_until_they_are_forgotten(w: &World) {
    let thread = thread(w, mail("q1", ANA)).await;
    let ticket = w.file_new(whole(&thread, "q1")).await;
    let view = w.view(&ticket).await;
    let message = &view.messages[0];
    assert_eq!(message.original.as_deref(), Some("oi\u{2400}\n> antes"));
    assert_eq!(message.part.as_deref(), Some("html"));
    let told: Vec<_> = message
        .attachments
        .iter()
        .map(|one| (one.kind.as_str(), one.state.as_str(), one.inline, one.content_id.as_deref()))
        .collect();
    let expected = [("image", "kept", true, Some("i1")), ("file", "refused", false, None)];
    assert_eq!(told, expected);
    assert_eq!(message.attachments[0].r#type.as_deref(), Some("image/png"));
    assert_eq!(message.attachments[1].reason.as_deref(), Some("it is larger than the limit"));
    let html = message.html.clone().unwrap();
    let known = w.store.attachment(&main_tenant(), &html).await.unwrap().unwrap();
    assert_eq!(known.sniffed.as_deref(), Some("text/html"));
    assert_eq!(w.store.next_file_due().await.unwrap(), None, "nothing is to be fetched");
    let on_disk: Vec<bool> = w.store.known_files().await.unwrap().into_values().collect();
    assert_eq!(on_disk, [true, true]);

    w.run("UPDATE tickets SET status = 'closed', closed_at = created_at").await;
    let retention = Retention { messages_days: 1, ..Retention::default() };
    assert_eq!(w.store.forget(at(0) + Duration::days(3), retention).await.unwrap(), 1);
    let message = w.view(&ticket).await.messages.remove(0);
    assert_eq!((message.original, message.html), (None, None));
    assert!(message.attachments.iter().all(|one| one.state == "erased" && !one.inline));
}

async fn what_somebody_wrote_in_their_own_mail_program_keeps_as_much(w: &World) {
    let (thread, ticket) = begun(w).await;
    let words = OwnWords {
        message: whole(&thread, "sent-1"),
        by: "mail Rui".to_owned(),
        hold_until: at(600),
    };
    assert!(w.store.record_own_words(at(20), words.clone()).await.unwrap());
    assert!(!w.store.record_own_words(at(21), words).await.unwrap(), "once");
    let last = w.view(&ticket).await.messages.pop().unwrap();
    assert_eq!(last.author, "agent");
    assert_eq!(last.original.as_deref(), Some("oi\u{2400}\n> antes"));
    assert_eq!((last.part.as_deref(), last.attachments.len()), (Some("html"), 2));
    assert!(last.html.is_some());
}

async fn whoever_is_erased_is_nobodys_party_any_more(w: &World) {
    let (first, _) = begun(w).await;
    let pace = Pace { per_hour: 1, per_day: 1 };
    let out = OutboxId::from_bits(fresh());
    assert!(w.store.pace_mail(at(1), &main_tenant(), (ANA, &out), pace).await.unwrap());
    let person = w.store.find_person(&main_tenant(), ANA).await.unwrap();
    let names = w.store.network_names(&person).await.unwrap();
    assert!(
        names.iter().any(|name| name == ANA),
        "mails that were left lying are found: {names:?}"
    );
    w.store.erase_person(at(10), &person, 0, "agent:test").await.unwrap();
    let again = thread(w, answering("q2", ANA, &["q1@cliente.example"])).await;
    assert_ne!(again, first);
    assert_eq!(w.store.network_address(&main_tenant(), &first).await.unwrap(), None::<Value>);
    assert_eq!(w.number("SELECT COUNT(*) FROM mail_pace").await, 0);
}

async fn an_address_gets_so_many_mails_of_machines(w: &World) {
    let pace = Pace { per_hour: 2, per_day: 3 };
    let ids: Vec<OutboxId> = (0..6).map(|_| OutboxId::from_bits(fresh())).collect();
    let may = async |seconds: i64, who: &str, id: &OutboxId| {
        w.store.pace_mail(at(seconds), &main_tenant(), (who, id), pace).await.unwrap()
    };
    assert!(may(0, ANA, &ids[0]).await);
    assert!(may(1, ANA, &ids[0]).await, "tried again it counts once");
    assert!(may(2, "Ana@Cliente.Example", &ids[1]).await, "however it is written");
    assert!(!may(3, ANA, &ids[2]).await, "two within the hour");
    assert!(may(3, ANA, &ids[1]).await, "one that counts already still leaves");
    assert!(may(4, "eva@outro.example", &ids[2]).await);
    assert!(w.store.pace_mail(at(4), &tenant("other"), (ANA, &ids[2]), pace).await.unwrap());
    assert!(may(3601, ANA, &ids[3]).await, "the first is an hour old");
    assert!(!may(7300, ANA, &ids[4]).await, "three within the day");
    assert!(may(86_410, ANA, &ids[4]).await);
    assert_eq!(w.number("SELECT COUNT(*) FROM mail_pace").await, 1, "others lapsed");
}
