//! Mail between real servers: a customer's program, an SMTP server that delivers and returns, and the IMAP server that
//! the worker watches. Connections are cut and servers ended where it hurts most.

use atende::config::MailboxSettings;
use atende::domain::secret::Secret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::mail::{ADDRESS, brings, mail, ticket, until};
use super::tickets;
use crate::mailbox::{BIA, Chasquid, Cut, Dovecot, FULL, PASSWORD, Proxy, USER, USUAL};
use crate::world::{AUTO, OTHER_QUESTION, QUESTION, World};

/// A business with its two servers, at work.
struct Town {
    world: World,
    imap: Dovecot,
    smtp: Chasquid,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Town {
    async fn start() -> Option<Self> {
        let imap = Dovecot::start(USUAL)?;
        let smtp = Chasquid::start(Some(&imap.maildir()))?;
        let settings = MailboxSettings {
            address: Some(USER.to_owned()),
            name: Some("Loja".to_owned()),
            password: Some(Secret::new(PASSWORD)),
            imap_host: Some("127.0.0.1".to_owned()),
            imap_port: imap.plain,
            imap_security: "none".to_owned(),
            smtp_host: Some("localhost".to_owned()),
            smtp_port: smtp.submission,
            ca_file: Some(smtp.certificate()),
            ..MailboxSettings::default()
        };
        let world = World::with_mailbox(AUTO, settings).await;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        world.app().worker.watch_mailboxes(&tasks, &stop);
        let town = Self { world, imap, smtp, tasks, stop };
        // What lay there before is not answered: the places are set first.
        for role in ["inbox", "sent"] {
            let (inbox, folder) = (town.world.app().stores.inbox.clone(), format!("{USER}/{role}"));
            until("the first look", || {
                let (inbox, folder) = (inbox.clone(), folder.clone());
                async move { inbox.folder_cursor(&folder).await.unwrap().is_some() }
            })
            .await;
        }
        Some(town)
    }

    /// Waits until the mailbox brought something, and works on it.
    async fn works(&self) {
        let inbox = self.world.app().stores.inbox.clone();
        until("a mail", || {
            let inbox = inbox.clone();
            async move { inbox.backlog() > 0 }
        })
        .await;
        self.rests().await;
    }

    async fn rests(&self) {
        self.world.drain().await;
        self.world.advance(120);
        self.world.drain().await;
    }

    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn header(mail: &str, name: &str) -> String {
    let (head, _) = mail.split_once("\n\n").or_else(|| mail.split_once("\r\n\r\n")).unwrap();
    let unfolded = head.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let found = unfolded.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// A customer's mail to an address of the business.
fn written(from: &str, to: &str, id: &str, more: &str, words: &str) -> String {
    mail(id, more, words).replace("ana@cliente.example", from).replace(ADDRESS, to)
}

async fn outbox(world: &World) -> Value {
    world.get("/v1/outbox").await["items"].clone()
}

#[tokio::test]
async fn a_conversation_goes_to_and_fro_between_real_servers() {
    let Some(town) = Town::start().await else { return };
    town.smtp.hand_in(BIA, USER, &written(BIA, USER, "q1@cliente.example", "", QUESTION)).await;
    town.works().await;
    let first = town.smtp.until_delivered(1).await.remove(0);
    assert_eq!(header(&first, "In-Reply-To"), "<q1@cliente.example>");
    assert_eq!(header(&first, "Subject"), "Re: Senha");
    // Her program answers to the address that the reply names, in its thread, and quotes it.
    let (id, to) = (header(&first, "Message-ID"), header(&first, "Reply-To"));
    let to = to.rsplit(['<', ' ']).next().unwrap().trim_matches('>').to_owned();
    assert!(to.starts_with("ana+t.") && to.ends_with("@loja.example"), "{to}");
    let more = format!("In-Reply-To: {id}\nReferences: <q1@cliente.example> {id}\n");
    let words =
        format!("{OTHER_QUESTION}\n\nEm qui., 19 de nov. de 2026, Loja escreveu:\n> Abra a página");
    town.smtp.hand_in(BIA, &to, &written(BIA, &to, "q2@cliente.example", &more, &words)).await;
    // Our own copy among the sent comes in too, and says nothing new.
    let inbox = town.world.app().stores.inbox.clone();
    let place = format!("{USER}/inbox");
    until("her answer", || {
        let (inbox, place) = (inbox.clone(), place.clone());
        async move {
            inbox.folder_cursor(&place).await.unwrap().unwrap().contains("\"last_uid\":2")
        }
    })
    .await;
    town.rests().await;
    assert_eq!(town.smtp.until_delivered(2).await.len(), 2);
    assert_eq!(tickets(&town.world).await.len(), 1, "one conversation");
    let ticket = ticket(&town.world, 0).await;
    let messages = ticket["messages"].as_array().unwrap();
    let said: Vec<(&str, bool)> = messages
        .iter()
        .map(|one| (one["author"].as_str().unwrap(), one["text"] == OTHER_QUESTION))
        .collect();
    assert_eq!(
        said,
        [("customer", false), ("ai", false), ("customer", true), ("ai", false)],
        "without what she quotes: {ticket}"
    );
    town.end().await;
}

#[tokio::test]
async fn what_a_real_server_returns_brings_the_ticket_to_people() {
    let Some(town) = Town::start().await else { return };
    town.smtp.hand_in(FULL, USER, &written(FULL, USER, "q1@cliente.example", "", QUESTION)).await;
    town.works().await;
    assert_eq!(outbox(&town.world).await[0]["state"], "sent", "the server took it");
    // It learns only now that nobody can have it, and says so to whoever wrote it.
    let inbox = town.world.app().stores.inbox.clone();
    let place = format!("{USER}/inbox");
    until("the bounce", || {
        let (inbox, place) = (inbox.clone(), place.clone());
        async move {
            inbox.folder_cursor(&place).await.unwrap().unwrap().contains("\"last_uid\":2")
        }
    })
    .await;
    town.rests().await;
    let rows = outbox(&town.world).await;
    assert_eq!(rows[0]["state"], "failed", "{rows}");
    assert!(rows[0]["error"].as_str().unwrap().starts_with("the mail came back"), "{rows}");
    assert_eq!(tickets(&town.world).await.len(), 1, "a bounce is no message");
    assert_eq!(ticket(&town.world, 0).await["status"], "escalated");
    town.end().await;
}

#[tokio::test]
async fn servers_that_end_in_the_middle_and_come_back_cost_nothing_and_double_nothing() {
    let Some(mut town) = Town::start().await else { return };
    town.smtp.hand_in(BIA, USER, &written(BIA, USER, "q1@cliente.example", "", QUESTION)).await;
    let inbox = town.world.app().stores.inbox.clone();
    until("the mail", || {
        let inbox = inbox.clone();
        async move { inbox.backlog() > 0 }
    })
    .await;
    // Both are gone when the answer is to leave.
    town.smtp.kill();
    town.imap.kill();
    town.rests().await;
    assert_eq!(outbox(&town.world).await, serde_json::json!([]), "it waits");
    town.imap.run();
    town.smtp.run();
    let later = written(BIA, USER, "q2@cliente.example", "", OTHER_QUESTION);
    town.smtp.hand_in(BIA, USER, &later.replace("Subject: Senha", "Subject: Boleto")).await;
    until("both answers", || async {
        town.world.advance(60);
        town.world.drain().await;
        town.smtp.delivered().len() == 2
    })
    .await;
    let mut answered: Vec<String> =
        town.smtp.delivered().iter().map(|mail| header(mail, "In-Reply-To")).collect();
    answered.sort();
    assert_eq!(answered, ["<q1@cliente.example>", "<q2@cliente.example>"]);
    let states: Vec<Value> = outbox(&town.world)
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!(states, ["sent", "sent"]);
    town.end().await;
}

/// A world that sends over a connection that can be cut, and the real server behind it.
async fn behind_a_proxy() -> Option<(World, Chasquid, Proxy)> {
    let smtp = Chasquid::start(None)?;
    let proxy = Proxy::to(smtp.plain);
    let settings = MailboxSettings {
        address: Some(ADDRESS.to_owned()),
        name: Some("Loja".to_owned()),
        smtp_host: Some("127.0.0.1".to_owned()),
        smtp_port: proxy.port,
        smtp_security: "none".to_owned(),
        ..MailboxSettings::default()
    };
    Some((World::with_mailbox(AUTO, settings).await, smtp, proxy))
}

#[tokio::test]
async fn a_connection_cut_before_a_mail_went_over_sends_it_again_and_it_arrives_once() {
    let Some((world, smtp, proxy)) = behind_a_proxy().await else { return };
    proxy.cut_mail(Cut::BeforeContent);
    let question = written(BIA, ADDRESS, "q1@cliente.example", "", QUESTION);
    brings(&world, "inbox", 1, &question).await;
    world.advance(600);
    world.drain().await;
    assert_eq!(outbox(&world).await[0]["state"], "sent");
    smtp.until_delivered(1).await;
    assert_eq!(proxy.connections(), 2, "one was cut, and one served");
}

#[tokio::test]
async fn a_connection_cut_between_a_mail_and_its_answer_sends_nothing_again() {
    let Some((world, smtp, proxy)) = behind_a_proxy().await else { return };
    proxy.cut_mail(Cut::BeforeAnswer);
    let question = written(BIA, ADDRESS, "q1@cliente.example", "", QUESTION);
    brings(&world, "inbox", 1, &question).await;
    let arrived = smtp.until_delivered(1).await.remove(0);
    assert_eq!(outbox(&world).await, serde_json::json!([]), "nobody knows yet");
    // Nobody tells for ten minutes: a person must look.
    world.advance(601);
    world.drain().await;
    assert_eq!(outbox(&world).await[0]["state"], "unknown");
    assert_eq!(ticket(&world, 0).await["status"], "escalated");
    // The folder of sent mail tells in the end: it did leave.
    brings(&world, "sent", 1, &arrived).await;
    assert_eq!(outbox(&world).await[0]["state"], "sent");
    assert_eq!((smtp.delivered().len(), proxy.connections()), (1, 1), "once is enough");
}
