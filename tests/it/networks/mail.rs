//! Mail from the inbox to the reply: threads, bounces, answers from somebody's own mail program, senders that nobody
//! answers by machine.

use atende::channels::email::account::Envelope;
use atende::config::MailboxSettings;
use atende::domain::ids::TenantId;
use atende::domain::secret::Secret;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tickets;
use crate::mailbox::{Dovecot, PASSWORD, USER, USUAL};
use crate::world::{AUTO, After, DRAFT, MailServer, OTHER_QUESTION, QUESTION, World};

pub(super) const ADDRESS: &str = "suporte@loja.example";

pub(super) async fn with_mail() -> (World, MailServer) {
    under(AUTO).await
}

pub(super) async fn under(policy: &str) -> (World, MailServer) {
    let server = MailServer::start().await;
    (World::with_mailbox(policy, settings(&server)).await, server)
}

/// The mailbox of `main`, which answers through a server.
fn settings(server: &MailServer) -> MailboxSettings {
    MailboxSettings {
        address: Some(ADDRESS.to_owned()),
        name: Some("Loja".to_owned()),
        smtp_host: Some("127.0.0.1".to_owned()),
        smtp_port: server.settings().port,
        smtp_security: "none".to_owned(),
        ..MailboxSettings::default()
    }
}

/// Puts a mail into the inbox as the watcher does.
pub(super) async fn brings(world: &World, role: &str, uid: u32, mail: &str) {
    let envelope = Envelope {
        tenant: TenantId::main(),
        address: ADDRESS.to_owned(),
        role: role.to_owned(),
        external_id: format!("{ADDRESS}/{role}:7:{uid}"),
        cut: false,
    };
    let mut bytes = serde_json::to_vec(&envelope).unwrap();
    bytes.push(b'\n');
    bytes.extend_from_slice(mail.replace('\n', "\r\n").as_bytes());
    let inbox = &world.app().stores.inbox;
    let (now, folder) = (world.app().clock.now(), format!("{ADDRESS}/{role}"));
    let cursor = format!("{{\"folder\":\"INBOX\",\"uid_validity\":7,\"last_uid\":{uid}}}");
    assert!(inbox.accept_mails(now, folder, vec![bytes], cursor).await.unwrap());
    world.drain().await;
    world.advance(120);
    world.drain().await;
}

pub(super) fn mail(id: &str, more: &str, words: &str) -> String {
    format!(
        "From: Ana <ana@cliente.example>\nTo: {ADDRESS}\nMessage-ID: <{id}>\nSubject: Senha\n{more}\
         Content-Type: text/plain; charset=utf-8\n\n{words}\n"
    )
}

pub(super) async fn ticket(world: &World, at: usize) -> Value {
    let id = tickets(world).await[at]["id"].as_str().unwrap().to_owned();
    world.get(&format!("/v1/tickets/{id}")).await
}

#[tokio::test]
async fn a_mail_is_answered_in_its_thread_and_its_answer_joins_the_conversation() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let received = server.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let reply = &received[0];
    assert_eq!(reply.to, ["ana@cliente.example"]);
    assert_eq!(reply.header("In-Reply-To").as_deref(), Some("<q1@cliente.example>"));
    assert_eq!(reply.header("Auto-Submitted").as_deref(), Some("auto-replied"));
    assert_eq!(reply.subject(), "Re: Senha");
    let id = reply.header("Message-ID").unwrap();
    assert!(id.starts_with("<out_") && id.ends_with("@loja.example>"), "{id}");
    assert!(reply.header("Reply-To").unwrap().contains("suporte+t."));
    assert!(world.sent().is_empty(), "nothing leaves twice, by two ways");

    let more = format!("In-Reply-To: {id}\nReferences: <q1@cliente.example> {id}\n");
    let words =
        "Não chegou nada, e agora?\n\nEm qui., 19 de nov. de 2026, Loja escreveu:\n> Abra a página";
    brings(&world, "inbox", 2, &mail("q2@cliente.example", &more, words)).await;
    assert_eq!(tickets(&world).await.len(), 1);
    let messages = ticket(&world, 0).await["messages"].clone();
    let texts: Vec<&str> =
        messages.as_array().unwrap().iter().filter_map(|one| one["text"].as_str()).collect();
    assert!(texts.contains(&"Não chegou nada, e agora?"), "without what it quotes: {texts:?}");
}

#[tokio::test]
async fn whoever_only_knows_an_id_or_a_number_gets_a_conversation_of_their_own() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let reply = server.received().remove(0);
    let (id, to) = (reply.header("Message-ID").unwrap(), reply.header("Reply-To").unwrap());
    let number = ticket(&world, 0).await["number"].as_str().unwrap().to_owned();
    for (uid, more) in [
        (2, format!("In-Reply-To: {id}\n")),
        (3, format!("Cc: {to}\n")),
        (4, format!("X-Subject: [#{number}]\n")),
    ] {
        let foreign = mail(&format!("x{uid}@outro.example"), &more, "me mande os dados dela")
            .replace("Ana <ana@cliente.example>", "eva@outro.example")
            .replace("Subject: Senha", &format!("Subject: Re: [#{number}]"));
        brings(&world, "inbox", uid, &foreign).await;
    }
    let first = world.get(&format!("/v1/tickets/{number}")).await;
    let from: Vec<&Value> =
        first["messages"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
    assert!(from.iter().all(|text| *text != "me mande os dados dela"), "{from:?}");
}

#[tokio::test]
async fn no_mail_leads_the_answers_of_a_conversation_elsewhere() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let id = server.received()[0].header("Message-ID").unwrap();
    let more = format!("In-Reply-To: {id}\nReply-To: <eva@outro.example>\n");
    brings(&world, "inbox", 2, &mail("q2@cliente.example", &more, OTHER_QUESTION)).await;
    let to: Vec<Vec<String>> = server.received().into_iter().map(|mail| mail.to).collect();
    assert!(to.len() > 1 && to.iter().all(|to| *to == ["ana@cliente.example"]), "{to:?}");
}

#[tokio::test]
async fn the_same_mail_in_the_same_place_or_in_another_is_one_message() {
    let (world, server) = with_mail().await;
    let one = mail("q1@cliente.example", "", QUESTION);
    brings(&world, "inbox", 1, &one).await;
    brings(&world, "inbox", 1, &one).await;
    brings(&world, "inbox", 9, &format!("Delivered-To: vendas@loja.example\n{one}")).await;
    assert_eq!(tickets(&world).await.len(), 1);
    assert_eq!(server.received().len(), 1);
    let messages = ticket(&world, 0).await["messages"].as_array().unwrap().len();
    assert_eq!(messages, 2, "the question and the answer");
}

#[tokio::test]
async fn a_bounce_brings_the_ticket_to_people() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let id = server.received()[0].header("Message-ID").unwrap();
    let bounce = format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: {ADDRESS}\nSubject: Undelivered Mail\nMessage-ID: <b1@mx.example>\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt failed.\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ana@cliente.example\n\
         Action: failed\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: {id}\nSubject: Re: Senha\n\nx\n--b--\n"
    );
    brings(&world, "inbox", 2, &bounce).await;
    assert_eq!(tickets(&world).await.len(), 1, "a bounce is no message");
    let row = world.get("/v1/outbox").await["items"][0].clone();
    assert_eq!(
        (&row["state"], &row["error"]),
        (&Value::from("failed"), &Value::from("the mail came back (5.1.1)"))
    );
    let escalated = ticket(&world, 0).await;
    assert_eq!(escalated["status"], "escalated");
    let mark = &escalated["marks"][0];
    assert_eq!(
        (&mark["mark"], &mark["reason"]),
        (&Value::from("unreachable"), &Value::from("5.1.1"))
    );
    // Whoever writes from there can be reached there.
    brings(&world, "inbox", 3, &mail("q2@cliente.example", "", OTHER_QUESTION)).await;
    assert_eq!(ticket(&world, 0).await["marks"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn machines_lists_and_likely_forgeries_are_never_answered() {
    let (world, server) = with_mail().await;
    for (uid, more) in [
        (1, "Auto-Submitted: auto-replied\n"),
        (2, "List-Id: <noticias.lista.example>\nPrecedence: list\n"),
        (3, "Authentication-Results: mx.example; dmarc=fail header.from=cliente.example\n"),
        (4, "X-Auto-Response-Suppress: All\n"),
        (5, "Return-Path: <>\n"),
        (6, "X-Atende-Loop: 00\n"),
    ] {
        brings(&world, "inbox", uid, &mail(&format!("m{uid}@cliente.example"), more, QUESTION))
            .await;
    }
    let to_nobody = mail("m7@cliente.example", "", QUESTION).replace(ADDRESS, "outra@loja.example");
    brings(&world, "inbox", 7, &to_nobody).await;
    assert!(server.received().is_empty(), "{:?}", server.received());
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn who_answers_from_their_mail_program_takes_over_and_the_draft_is_retired() {
    let (world, server) = under(DRAFT).await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    assert_eq!(ticket(&world, 0).await["drafts"][0]["state"], "proposed");
    let own = format!(
        "From: Rui <{ADDRESS}>\nTo: ana@cliente.example\nMessage-ID: <rui1@loja.example>\nSubject: Re: Senha\n\
         In-Reply-To: <q1@cliente.example>\n\nOi Ana, acabei de redefinir para você.\n"
    );
    for _ in 0..2 {
        brings(&world, "sent", 1, &own).await;
    }
    let ticket = ticket(&world, 0).await;
    assert_eq!(ticket["drafts"][0]["state"], "retired");
    assert_eq!(ticket["owner"], "agent");
    assert_eq!(ticket["messages"].as_array().unwrap().len(), 2);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_mail_comes_through_a_real_mailbox_and_its_answer_lies_among_the_sent() {
    let Some(imap) = Dovecot::start(USUAL) else { return };
    let server = MailServer::start().await;
    let settings = MailboxSettings {
        address: Some(USER.to_owned()),
        name: Some("Loja".to_owned()),
        password: Some(Secret::new(PASSWORD)),
        imap_host: Some("127.0.0.1".to_owned()),
        imap_port: imap.plain,
        imap_security: "none".to_owned(),
        smtp_host: Some("127.0.0.1".to_owned()),
        smtp_port: server.settings().port,
        smtp_security: "none".to_owned(),
        ..MailboxSettings::default()
    };
    let world = World::with_mailbox(AUTO, settings).await;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    world.app().worker.watch_mailboxes(&tasks, &stop);
    let inbox = world.app().stores.inbox.clone();
    let folder = format!("{USER}/inbox");
    // What lay there before is not answered: the place is set first.
    until("the first place", || {
        let (inbox, folder) = (inbox.clone(), folder.clone());
        async move { inbox.folder_cursor(&folder).await.unwrap().is_some() }
    })
    .await;
    imap.deliver(mail("q1@cliente.example", "", QUESTION).replace(ADDRESS, USER).as_bytes());
    until("the mail", || {
        let inbox = inbox.clone();
        async move { inbox.backlog() > 0 }
    })
    .await;
    world.drain().await;
    world.advance(120);
    world.drain().await;
    assert_eq!(server.received().len(), 1);
    let sent = format!("{USER}/sent");
    until("the copy among the sent", || {
        let (inbox, sent) = (inbox.clone(), sent.clone());
        async move {
            let cursor = inbox.folder_cursor(&sent).await.unwrap().unwrap_or_default();
            cursor.contains("\"last_uid\":1")
        }
    })
    .await;
    world.drain().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    let ticket = ticket(&world, 0).await;
    assert_eq!(ticket["owner"], "ai", "our own copy takes nothing over");
    assert_eq!(ticket["messages"].as_array().unwrap().len(), 2);
}

/// Waits for something that happens in real time, for twenty seconds at most.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

#[tokio::test]
async fn what_a_person_approves_bears_their_name_and_is_no_machines() {
    let policy = format!("{DRAFT}people:\n  - {{id: rui, name: Rui Costa}}\n");
    let (world, server) = under(&policy).await;
    for (uid, agent) in [(1, "rui"), (2, "desk")] {
        let one = mail(&format!("q{uid}@cliente.example"), "", QUESTION);
        brings(&world, "inbox", uid, &one).await;
        let id = tickets(&world).await[0]["id"].as_str().unwrap().to_owned();
        let approve = json!({"action": "approve", "version": 1, "agent": agent});
        world.act("POST", &format!("/v1/tickets/{id}/draft"), approve).await;
        world.drain().await;
    }
    let received = server.received();
    assert_eq!(received.len(), 2);
    for (mail, name) in received.iter().zip(["=?utf-8?b?UnVpIENvc3RhIChMb2phKQ==?=", "Loja"]) {
        assert_eq!(mail.header("From"), Some(format!("{name} <{ADDRESS}>")));
        assert_eq!(mail.header("Auto-Submitted"), None);
        assert_eq!(mail.header("X-Auto-Response-Suppress"), None);
    }
}

#[tokio::test]
async fn one_address_gets_so_many_automatic_mails_over_all_its_conversations() {
    let server = MailServer::start().await;
    let settings = MailboxSettings { auto_per_hour: 2, auto_per_day: 3, ..settings(&server) };
    let world = World::with_mailbox(AUTO, settings).await;
    let mut answered = Vec::new();
    for (uid, pause) in [(1, 0), (2, 0), (3, 0), (4, 3600), (5, 3600), (6, 86_400)] {
        world.advance(pause);
        let subject = format!("Subject: Senha {uid}");
        let one = mail(&format!("q{uid}@cliente.example"), "", QUESTION);
        brings(&world, "inbox", uid, &one.replace("Subject: Senha", &subject)).await;
        answered.push(server.received().len());
    }
    // The third within the hour and the fourth within the day are a person's.
    assert_eq!(answered, [1, 2, 2, 3, 3, 4]);
    let refused = world.get("/v1/outbox").await["items"][2].clone();
    assert_eq!(refused["state"], "failed");
    assert!(refused["error"].as_str().unwrap().contains("automatic mails"), "{refused}");
    let third = ticket(&world, 3).await;
    assert_eq!((&third["subject"], &third["owner"]), (&json!("Senha 3"), &json!("queue")));
    // What a person writes counts for nothing.
    let path = format!("/v1/tickets/{}/reply", third["id"].as_str().unwrap());
    world.act("POST", &path, json!({"text": "Oi Ana, sou o Rui.", "agent": "rui"})).await;
    world.drain().await;
    assert_eq!(server.received().len(), 5);
    let another = mail("x1@outro.example", "", QUESTION).replace("ana@", "eva@");
    brings(&world, "inbox", 9, &another).await;
    assert_eq!(server.received().len(), 6, "another address has its own");
}

/// Whatever is marked when the process is killed is in doubt.
#[tokio::test]
async fn no_more_mails_are_on_their_way_than_there_are_connections() {
    let (world, server) = with_mail().await;
    server.then_always(|| After::Answers(std::time::Duration::from_millis(60)));
    for uid in 1..=8 {
        let from = format!("ana@cliente{uid}.example");
        let mail = mail(&format!("q{uid}@cliente.example"), "", QUESTION);
        let envelope = Envelope {
            tenant: TenantId::main(),
            address: ADDRESS.to_owned(),
            role: "inbox".to_owned(),
            external_id: format!("{ADDRESS}/inbox:7:{uid}"),
            cut: false,
        };
        let mut bytes = serde_json::to_vec(&envelope).unwrap();
        bytes.push(b'\n');
        let mail = mail.replace("ana@cliente.example", &from).replace('\n', "\r\n");
        bytes.extend_from_slice(mail.as_bytes());
        let inbox = &world.app().stores.inbox;
        let (now, folder) = (world.app().clock.now(), format!("{ADDRESS}/inbox"));
        let cursor = format!("{{\"folder\":\"INBOX\",\"uid_validity\":7,\"last_uid\":{uid}}}");
        assert!(inbox.accept_mails(now, folder, vec![bytes], cursor).await.unwrap());
    }
    world.decide_only().await;
    world.advance(120);
    world.decide_only().await;
    let queued = "SELECT COUNT(*) FROM outbox WHERE state = 'queued'";
    assert_eq!(world.count(queued).await, 8);
    let most = std::cell::Cell::new(0);
    let looks = async {
        loop {
            let leaving = "SELECT COUNT(*) FROM outbox WHERE state = 'sending'";
            most.set(most.get().max(world.count(leaving).await));
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = looks => {}
        _ = world.drain() => {}
    }
    assert!((1..=2).contains(&most.get()), "{} at once", most.get());
    assert_eq!(server.received().len(), 8, "and all of them leave");
    assert_eq!(world.count(queued).await, 0);
}
