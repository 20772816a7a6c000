//! What a ticket's page offers besides its draft: replies sent again, files, the course of a mood, levels of a queue.

use atende::domain::ids::TenantId;
use atende::domain::role::Role;
use axum::body::Body;

use super::{Browser, Page, somebody};
use crate::world::{QUESTION, World};

const BOUNDARY: &str = "----atende7";

/// A desk with two agents and a customer whose draft waits.
struct Shift {
    world: World,
    rafa: Browser,
    bia: Browser,
    ticket: String,
}

impl Shift {
    async fn begins() -> Self {
        let mut world = World::draft().await;
        world.writes("chat", "maria", QUESTION).await;
        rest(&world).await;
        let main = TenantId::main();
        let rafa = somebody(&world, &main, "Rafa Lima", Role::Agent).await;
        let bia = somebody(&world, &main, "Bia Nogueira", Role::Agent).await;
        let (rafa, bia) = (Browser::of(&world, &rafa).await, Browser::of(&world, &bia).await);
        let ticket = world.ticket_id("maria").await;
        Self { world, rafa, bia, ticket }
    }

    fn at(&self, action: &str) -> String {
        format!("/desk/t/{}/{action}", self.ticket)
    }

    fn page(&self) -> String {
        format!("/desk/review?t={}", self.ticket)
    }

    /// Writes to the customer; the receiver answers so.
    async fn replies(&self, answers: &[u16]) {
        self.world.receiver.then_answers(answers);
        let fields = [("text", "Já vejo isso."), ("back", &*self.page())];
        self.rafa.post(&self.at("reply"), &fields).await.leads_to();
        self.world.advance(10);
        self.world.drain().await;
    }

    async fn last_outbox(&self) -> String {
        let ticket = self.world.ticket("maria").await;
        ticket["outbox"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// Lets a burst end and everything that follows happen.
async fn rest(world: &World) {
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

/// Sends a form with files, as browsers write it.
async fn brings(
    browser: &Browser,
    path: &str,
    fields: &[(&str, &str)],
    files: &[(&str, &[u8])],
) -> Page {
    let mut body: Vec<u8> = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .as_bytes(),
        );
    }
    for (name, content) in files {
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    browser.with("content-type", &kind).send("POST", path, Body::from(body)).await
}

/// The ids of the files that a page shows beside its words.
fn handed(page: &str) -> Vec<String> {
    page.split("name=\"file\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

const PDF: &[u8] = b"%PDF-1.7 segunda via\r\n--\r\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n uma foto";

#[tokio::test]
async fn a_reply_that_did_not_arrive_is_sent_again_by_one_of_two_agents() {
    let shift = Shift::begins().await;
    shift.replies(&[400]).await;
    let failed = shift.last_outbox().await;
    let page = shift.rafa.get(&shift.page()).await;
    let offered = format!("name=\"outbox\" value=\"{failed}\"");
    assert!(page.is(200).contains(&offered) && page.text.contains("Send again"), "{}", page.text);
    let fields = [("outbox", failed.as_str()), ("back", &*shift.page())];
    let held = shift.bia.post(&shift.at("retry"), &fields).await;
    assert!(held.is(409).contains("Rafa Lima has this conversation"), "{}", held.text);
    assert_eq!(shift.rafa.post(&shift.at("retry"), &fields).await.leads_to(), shift.page());
    let second = shift.rafa.post(&shift.at("retry"), &fields).await;
    assert!(second.is(409).contains("sent again already"), "{}", second.text);
    assert!(!second.text.contains(&offered), "there is nothing to press any more");
    shift.world.advance(10);
    shift.world.drain().await;
    let texts: Vec<String> = shift
        .world
        .sent()
        .iter()
        .map(|one| one.body["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["Já vejo isso."], "it left once");
    let trail = shift.rafa.get(&format!("/desk/t/{}?aba=audit", shift.ticket)).await;
    assert!(trail.is(200).contains("sent the reply again"), "{}", trail.text);
    let gone = [("outbox", "out_nothing"), ("back", &*shift.page())];
    let nothing = shift.rafa.post(&shift.at("retry"), &gone).await;
    assert!(nothing.is(409).contains("nothing to send again"), "{}", nothing.text);
}

#[tokio::test]
async fn files_are_handed_in_shown_and_leave_with_the_words() {
    let shift = Shift::begins().await;
    let back = shift.page();
    let csrf = shift.rafa.csrf.clone();
    let fields = [("csrf", csrf.as_str()), ("back", &*back), ("text", "Segue a segunda via.")];
    let files = [("boleto.pdf", PDF), ("foto.png", PNG)];
    let page = brings(&shift.rafa, &shift.at("attach"), &fields, &files).await;
    let text = page.is(200);
    let ids = handed(text);
    assert_eq!(ids.len(), 2, "{text}");
    assert!(text.contains("boleto.pdf") && text.contains("Segue a segunda via."), "{text}");
    // One is taken out again before the words leave.
    let reply = [("text", "Segue a segunda via."), ("file", ids[0].as_str()), ("back", &*back)];
    shift.rafa.post(&shift.at("reply"), &reply).await.leads_to();
    shift.world.advance(10);
    shift.world.drain().await;
    let sent = shift.world.sent();
    assert_eq!(sent[0].body["attachments"], serde_json::json!([ids[0]]));
    let again = shift.rafa.post(&shift.at("reply"), &reply).await;
    assert!(again.is(409).contains("went with another reply"), "{}", again.text);
}

#[tokio::test]
async fn a_draft_is_approved_with_a_file() {
    let shift = Shift::begins().await;
    let (back, csrf) = (shift.page(), shift.rafa.csrf.clone());
    let fields = [("csrf", csrf.as_str()), ("back", &*back), ("version", "1")];
    let page = brings(&shift.rafa, &shift.at("attach"), &fields, &[("guia.pdf", PDF)]).await;
    let ids = handed(page.is(200));
    assert_eq!(ids.len(), 1, "{}", page.text);
    let approve = [("version", "1"), ("file", ids[0].as_str()), ("back", &*back)];
    shift.rafa.post(&shift.at("approve"), &approve).await.leads_to();
    shift.world.advance(10);
    shift.world.drain().await;
    assert_eq!(shift.world.sent()[0].body["attachments"], serde_json::json!([ids[0]]));
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_and_nothing_else_is_lost() {
    let shift = Shift::begins().await;
    let (back, csrf) = (shift.page(), shift.rafa.csrf.clone());
    let fields = [("csrf", csrf.as_str()), ("back", &*back), ("text", "Segue.")];
    let files = [("foto.png", PNG), ("conta.exe", b"MZ\x90\0\x03".as_slice())];
    let page = brings(&shift.rafa, &shift.at("attach"), &fields, &files).await;
    let text = page.is(422);
    assert!(text.contains("of this type cannot be sent") && text.contains("Segue."), "{text}");
    assert_eq!(handed(text).len(), 1, "the other one stays");
    let none = brings(&shift.rafa, &shift.at("attach"), &fields, &[("", b"")]).await;
    assert!(none.is(422).contains("Choose a file first"), "{}", none.text);
    let chosen = [("text", "Segue."), ("upload", "boleto.pdf"), ("back", &*back)];
    let forgotten = shift.rafa.post(&shift.at("reply"), &chosen).await;
    assert!(forgotten.is(422).contains("not attached yet"), "{}", forgotten.text);
    assert!(shift.world.sent().is_empty());
}

#[tokio::test]
async fn a_file_is_taken_only_from_a_page_of_the_persons_own() {
    let shift = Shift::begins().await;
    let unused = "SELECT COUNT(*) FROM attachments";
    for csrf in ["", "0000"] {
        let fields = [("csrf", csrf), ("text", "Segue.")];
        let page = brings(&shift.rafa, &shift.at("attach"), &fields, &[("a.png", PNG)]).await;
        assert_eq!(page.status, 403, "{}", page.text);
    }
    let csrf = shift.rafa.csrf.clone();
    let late = brings(&shift.rafa, &shift.at("reply"), &[("csrf", &csrf)], &[("a.png", PNG)]).await;
    assert_eq!(late.status, 415, "only where files are handed in");
    assert_eq!(shift.world.count(unused).await, 0, "nothing was kept");
}

#[tokio::test]
async fn a_queue_is_narrowed_to_a_level() {
    let shift = Shift::begins().await;
    let fields = [("queue", "billing"), ("back", &*shift.page())];
    shift.rafa.post(&shift.at("escalate"), &fields).await.leads_to();
    rest(&shift.world).await;
    let level = shift.world.ticket("maria").await["level"].as_str().unwrap().to_owned();
    let there = format!("/desk/review?fila=billing&level={level}");
    let page = shift.rafa.get(&there).await;
    assert!(page.is(200).contains(&format!("data-row=\"{}\"", shift.ticket)), "{}", page.text);
    assert!(page.text.contains(&format!("<option value=\"{level}\" selected>")), "{}", page.text);
    let other = shift.rafa.get("/desk/review?fila=billing&level=nowhere").await;
    assert!(!other.is(200).contains(&format!("data-row=\"{}\"", shift.ticket)), "{}", other.text);
}

#[tokio::test]
async fn the_course_of_a_mood_is_shown_from_the_second_turn_on() {
    let mut shift = Shift::begins().await;
    let page = shift.rafa.get(&shift.page()).await;
    assert!(!page.is(200).contains("class=\"trend\""), "one turn has no course");
    shift.world.writes("chat", "maria", "Isso é um absurdo, estou furiosa com vocês!").await;
    rest(&shift.world).await;
    let page = shift.rafa.get(&shift.page()).await;
    assert!(page.is(200).contains("class=\"trend\""), "{}", page.text);
    assert!(page.text.contains("From the oldest to the latest: ") && page.text.contains("2 turns"));
    let page = shift.rafa.get(&format!("/desk/t/{}?aba=audit", shift.ticket)).await;
    assert!(
        page.is(200).contains("<span class=\"figure\">2</span></a>"),
        "two messages: {}",
        page.text
    );
}

#[tokio::test]
async fn a_call_that_an_agent_writes_up_is_theirs_and_nothing_is_sent() {
    let shift = Shift::begins().await;
    let page = shift.rafa.get("/desk/new").await;
    let once = page.is(200).split("name=\"once\" value=\"").nth(1).unwrap();
    let once = once.split('"').next().unwrap().to_owned();
    let full = [
        ("once", once.as_str()),
        ("channel", "phone"),
        ("name", "Carla Dias"),
        ("phone", "+55 11 98888-7777"),
        ("urgency", "high"),
        ("subject", "Cobrança em dobro"),
        ("summary", "Ligou: foi cobrada duas vezes em março."),
    ];
    for (name, value, expected) in [
        ("phone", "ligar depois", "no phone number"),
        ("email", "carla", "no email address"),
        ("summary", " ", "Write what the customer said"),
        ("urgency", "yesterday", "cannot have that value"),
        ("channel", "whatsapp", "cannot have that value"),
        ("once", "1", "arrived incomplete"),
    ] {
        let mut fields = vec![(name, value)];
        fields.extend(full.iter().filter(|(known, _)| *known != name));
        let refused = shift.rafa.post("/desk/new", &fields).await;
        assert!(refused.is(422).contains(expected), "{name}: {}", refused.text);
        assert!(refused.text.contains("Carla Dias"), "what was typed is still there");
    }
    let opened = shift.rafa.post("/desk/new", &full).await;
    let there = opened.leads_to().to_owned();
    assert!(there.starts_with("/desk/review?de=mine&t=tck_"), "{there}");
    let twice = shift.rafa.post("/desk/new", &full).await;
    assert_eq!(twice.leads_to(), "/desk/review?de=mine", "a form that is sent twice opens one");
    rest(&shift.world).await;
    let page = shift.rafa.get(&there).await;
    let text = page.is(200);
    assert!(text.contains("Carla Dias") && text.contains("cobrada duas vezes"), "{text}");
    assert!(text.contains("This conversation is yours until"), "{text}");
    assert!(shift.world.sent().is_empty(), "nothing is sent to the customer");
    assert_eq!(shift.world.count("SELECT COUNT(*) FROM tickets").await, 2);
}
