//! An agent's work at the desk: drafts are approved, called back, edited, rejected; conversations are taken and given.

use atende::adapters::store::UserRow;
use atende::domain::ids::TenantId;
use atende::domain::role::Role;

use super::{Browser, somebody};
use crate::world::{OTHER_QUESTION, QUESTION, World};

/// A desk with two agents and one draft that waits.
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
        let agent = |user: UserRow| user;
        let rafa = agent(somebody(&world, &main, "Rafa Lima", Role::Agent).await);
        let bia = agent(somebody(&world, &main, "Bia Nogueira", Role::Agent).await);
        let (rafa, bia) = (Browser::of(&world, &rafa).await, Browser::of(&world, &bia).await);
        let ticket = world.ticket_id("maria").await;
        Self { world, rafa, bia, ticket }
    }

    fn at(&self, action: &str) -> String {
        format!("/desk/t/{}/{action}", self.ticket)
    }

    async fn draft(&self) -> serde_json::Value {
        self.world.ticket("maria").await["drafts"][0].clone()
    }
}

/// Lets a burst end and everything that follows happen.
async fn rest(world: &World) {
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

#[tokio::test]
async fn a_waiting_draft_is_shown_with_its_evidence() {
    let shift = Shift::begins().await;
    let page = shift.rafa.get("/desk/review").await;
    let text = page.is(200);
    for expected in ["Review", "maria", "supported by the article", QUESTION, "All checked"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(
        !text.contains("style=") && !text.contains("onclick"),
        "the policy of the page forbids it"
    );
    let sentence = shift.rafa.get(&format!("/desk/review?t={}&frase=2", shift.ticket)).await;
    assert!(
        sentence.is(200).contains("<mark>"),
        "the words of the passage that bear it are marked"
    );
    let page = shift.rafa.get(&format!("/desk/t/{}?aba=audit", shift.ticket)).await;
    assert!(page.is(200).contains("review by a person"), "{}", page.text);
}

#[tokio::test]
async fn an_approved_draft_leaves_after_the_time_in_which_it_can_be_called_back() {
    let shift = Shift::begins().await;
    let done = shift.rafa.post(&shift.at("approve"), &[("version", "1")]).await;
    assert_eq!(done.leads_to(), "/desk/review");
    let page = shift.rafa.get("/desk/review").await;
    assert!(page.is(200).contains("data-recall=\"out_"), "it can be called back: {}", page.text);
    assert!(!shift.bia.get("/desk/review").await.text.contains("data-recall"), "by who sent it");
    shift.world.advance(9);
    shift.world.drain().await;
    assert!(shift.world.sent().is_empty(), "it waits");
    shift.world.advance(1);
    shift.world.drain().await;
    assert_eq!(shift.world.sent().len(), 1);
    let page = shift.rafa.get(&format!("/desk/review?t={}", shift.ticket)).await;
    assert!(page.is(200).contains("Rafa Lima"), "{}", page.text);
}

#[tokio::test]
async fn a_reply_that_is_called_back_does_not_leave_and_its_draft_stands_again() {
    let shift = Shift::begins().await;
    shift.rafa.post(&shift.at("approve"), &[("version", "1")]).await.leads_to();
    let page = shift.rafa.get("/desk/review").await;
    let (_, rest_of_page) = page.text.split_once("data-recall=\"").unwrap();
    let outbox = rest_of_page.split('"').next().unwrap();
    let stranger = shift.bia.post("/desk/undo", &[("outbox", outbox)]).await;
    assert_eq!(stranger.status, 409, "only who sent it");
    let done = shift.rafa.post("/desk/undo", &[("outbox", outbox)]).await;
    assert_eq!(done.leads_to(), format!("/desk/review?t={}", shift.ticket));
    shift.world.advance(60);
    shift.world.drain().await;
    assert!(shift.world.sent().is_empty(), "nothing left");
    assert_eq!(shift.draft().await["state"], "proposed");
    let late = shift.rafa.post("/desk/undo", &[("outbox", outbox)]).await;
    assert!(late.is(409).contains("Too late"), "{}", late.text);
}

#[tokio::test]
async fn an_edit_is_checked_before_it_leaves_and_leaves_when_the_agent_is_sure() {
    let shift = Shift::begins().await;
    let text = "Olá, Maria. Vamos devolver R$ 900,00 até amanhã no CPF 529.982.247-25.";
    let refused = shift.rafa.post(&shift.at("send"), &[("version", "1"), ("text", text)]).await;
    let page = refused.is(422);
    assert!(
        page.contains("R$ 900,00") && page.contains("no article or ticket gives this amount"),
        "{page}"
    );
    assert!(page.contains(text), "what was typed is still there");
    assert_eq!(shift.draft().await["state"], "proposed");
    let fields = [("version", "1"), ("text", text), ("sure", "1")];
    shift.rafa.post(&shift.at("send"), &fields).await.leads_to();
    shift.world.advance(10);
    shift.world.drain().await;
    assert_eq!(shift.world.sent()[0].body["text"], text);
    assert_eq!(shift.draft().await["state"], "edited");
}

#[tokio::test]
async fn of_two_agents_the_second_is_told_and_their_words_are_kept_as_a_note() {
    let shift = Shift::begins().await;
    shift.rafa.post(&shift.at("approve"), &[("version", "1")]).await.leads_to();
    let words = "Oi, Maria, é só pedir uma senha nova.";
    let fields = [("version", "1"), ("text", words), ("sure", "1")];
    let second = shift.bia.post(&shift.at("send"), &fields).await;
    let page = second.is(409);
    assert!(page.contains("Rafa Lima answered at") && page.contains("before you"), "{page}");
    let notes = shift.world.ticket("maria").await["notes"].clone();
    assert_eq!((&notes[0]["author"], &notes[0]["text"]), (&"Bia Nogueira".into(), &words.into()));
    shift.world.advance(30);
    shift.world.drain().await;
    assert_eq!(shift.world.sent().len(), 1, "nothing was sent twice");
}

#[tokio::test]
async fn a_draft_retires_when_the_customer_writes_and_cannot_be_sent() {
    let mut shift = Shift::begins().await;
    shift.world.writes("chat", "maria", OTHER_QUESTION).await;
    shift.world.decide_only().await;
    let late = shift.rafa.post(&shift.at("approve"), &[("version", "1")]).await;
    assert!(late.is(409).contains("Nothing was sent"), "{}", late.text);
    rest(&shift.world).await;
    assert!(shift.world.sent().is_empty());
}

#[tokio::test]
async fn a_rejection_names_one_of_the_reasons() {
    let shift = Shift::begins().await;
    let bad = shift.rafa.post(&shift.at("reject"), &[("version", "1"), ("reason", "mood")]).await;
    assert!(bad.is(422).contains("Choose why"), "{}", bad.text);
    let fields = [("version", "1"), ("reason", "tone"), ("words", "muito seco")];
    shift.rafa.post(&shift.at("reject"), &fields).await.leads_to();
    let draft = shift.draft().await;
    assert_eq!((&draft["state"], &draft["reason"]), (&"rejected".into(), &"muito seco".into()));
    let code = shift.world.column("SELECT reason_code FROM drafts").await;
    assert_eq!(code, ["tone"]);
}

#[tokio::test]
async fn who_takes_a_conversation_has_it_until_it_is_given_back() {
    let mut shift = Shift::begins().await;
    let back = format!("/desk/review?t={}", shift.ticket);
    let taken = shift.rafa.post(&shift.at("take"), &[("back", &back)]).await;
    assert_eq!(taken.leads_to(), back);
    let page = shift.rafa.get(&back).await;
    assert!(page.is(200).contains("This conversation is yours until"), "{}", page.text);
    let other = shift.bia.post(&shift.at("approve"), &[("version", "1")]).await;
    assert!(other.is(409).contains("Rafa Lima has this conversation"), "{}", other.text);
    let reply = [("text", "Já estou vendo isso, Maria."), ("back", back.as_str())];
    shift.rafa.post(&shift.at("reply"), &reply).await.leads_to();
    shift.world.advance(10);
    shift.world.drain().await;
    assert_eq!(shift.world.sent()[0].body["text"], "Já estou vendo isso, Maria.");
    shift.world.writes("chat", "maria", OTHER_QUESTION).await;
    rest(&shift.world).await;
    assert_eq!(shift.world.sent().len(), 1, "the assistant stays silent");
    shift.rafa.post(&shift.at("give"), &[("to", "ai"), ("back", &back)]).await.leads_to();
    rest(&shift.world).await;
    assert_eq!(shift.draft().await["state"], "proposed", "the assistant drafts again");
}

#[tokio::test]
async fn fields_tags_notes_and_moments_are_changed_in_place() {
    let shift = Shift::begins().await;
    let back = format!("/desk/review?t={}", shift.ticket);
    for (action, fields) in [
        ("field", vec![("name", "urgency"), ("value", "high")]),
        ("tag", vec![("add", "VIP, boleto")]),
        ("note", vec![("text", "Ligou ontem também.")]),
    ] {
        let mut fields = fields;
        fields.push(("back", &back));
        assert_eq!(shift.rafa.post(&shift.at(action), &fields).await.leads_to(), back, "{action}");
    }
    let ticket = shift.world.ticket("maria").await;
    assert_eq!(ticket["urgency"], "high");
    assert_eq!(ticket["tags"], serde_json::json!(["boleto", "vip"]));
    let page = shift.rafa.get(&back).await;
    assert!(page.is(200).contains("Ligou ontem também."), "{}", page.text);
    for (action, fields, expected) in [
        ("field", vec![("name", "urgency"), ("value", "yesterday")], "cannot have that value"),
        ("field", vec![("name", "password"), ("value", "x")], "cannot have that value"),
        ("snooze", vec![("until", "tomorrow")], "Choose a date and time"),
        ("snooze", vec![("until", "2001-01-01T10:00")], "must lie ahead"),
        ("transfer", vec![("queue", "nowhere")], "Choose the queue"),
        ("merge", vec![("into", "999-9")], "no ticket with that number"),
        ("note", vec![("text", "  ")], "Write something"),
    ] {
        let page = shift.rafa.post(&shift.at(action), &fields).await;
        assert!(page.is(422).contains(expected), "{action}: {}", page.text);
    }
    assert_eq!(shift.rafa.post(&shift.at("fly"), &[]).await.status, 404);
}

#[tokio::test]
async fn a_ticket_that_is_put_aside_leaves_the_queue_until_its_time() {
    let shift = Shift::begins().await;
    shift.rafa.post(&shift.at("snooze"), &[("until", "+60")]).await.leads_to();
    let queue = shift.rafa.get("/desk/review").await;
    assert!(!queue.is(200).contains(&shift.ticket), "{}", queue.text);
    let aside = shift.rafa.get("/desk/review?de=snoozed").await;
    assert!(aside.is(200).contains(&shift.ticket), "{}", aside.text);
    shift.world.advance(3_660);
    shift.world.drain().await;
    assert!(shift.rafa.get("/desk/review").await.text.contains(&shift.ticket));
}

#[tokio::test]
async fn an_escalated_ticket_waits_in_its_queue_with_the_package() {
    let shift = Shift::begins().await;
    let queue = "billing";
    let fields = [("queue", queue), ("reason", "Precisa de estorno.")];
    shift.rafa.post(&shift.at("escalate"), &fields).await.leads_to();
    rest(&shift.world).await;
    let there = shift.bia.get(&format!("/desk/review?fila={queue}")).await;
    assert!(there.is(200).contains(&shift.ticket), "{}", there.text);
    let mine = shift.bia.get("/desk/review?de=mine").await;
    assert!(!mine.is(200).contains(&shift.ticket));
}
