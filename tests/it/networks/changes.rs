//! Messages that customers edit or delete after they sent them, in every order in which the network may tell of it.

use atende::domain::ids::TenantId;
use serde_json::{Value, json};

use super::{ana, brings, settled, text, tickets};
use crate::world::{AUTO, DRAFT, Graph, Meta, OTHER_QUESTION, QUESTION, World};

const ANA: &str = "5511987654321";

fn at(world: &World, seconds: i64) -> String {
    (world.app().clock.now().timestamp() + seconds).to_string()
}

fn edit(id: &str, of: &str, at: &str, words: &str) -> Value {
    json!({"from": ANA, "id": id, "timestamp": at, "type": "edit", "edit": {
        "original_message_id": of, "message": {"type": "text", "text": {"body": words}},
    }})
}

fn revoke(id: &str, of: &str, at: &str) -> Value {
    json!({"from": ANA, "id": id, "timestamp": at, "type": "revoke",
        "revoke": {"original_message_id": of}})
}

async fn comes(world: &World, message: Value) {
    brings(world, "messages", ana(&[message])).await;
}

async fn asks(world: &World, words: &str) {
    comes(world, text(world, ANA, "wamid.1", words)).await;
}

async fn ticket(world: &World) -> Value {
    let all = tickets(world).await;
    assert_eq!(all.len(), 1, "{all:?}");
    world.get(&format!("/v1/tickets/{}", all[0]["id"].as_str().unwrap())).await
}

fn texts(ticket: &Value) -> Vec<String> {
    let messages = ticket["messages"].as_array().unwrap().iter();
    let words = |message: &Value| message["text"].as_str().unwrap().to_owned();
    messages.filter(|message| message["author"] == "customer").map(words).collect()
}

fn drafts(ticket: &Value) -> Vec<&str> {
    let drafts = ticket["drafts"].as_array().unwrap().iter();
    drafts.map(|draft| draft["state"].as_str().unwrap()).collect()
}

async fn decisions(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM decisions").await
}

#[tokio::test]
async fn an_edit_before_the_turn_is_over_is_what_is_answered() {
    let world = World::auto().await;
    asks(&world, "Esqueci a sneha").await;
    world.drain().await;
    for _ in 0..2 {
        comes(&world, edit("wamid.E1", "wamid.1", &at(&world, 5), QUESTION)).await;
    }
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!(texts(&ticket), [QUESTION]);
    assert_eq!(ticket["messages"][0]["earlier"], json!(["Esqueci a sneha"]));
    assert!(ticket["messages"][0]["edited_at"].is_string(), "{ticket}");
    assert_eq!((world.sent().len(), decisions(&world).await), (1, 1));
    assert_eq!(ticket["notes"], json!([]), "the message shows it");
}

#[tokio::test]
async fn an_edit_retires_the_draft_for_the_old_words_and_the_turn_is_decided_anew() {
    let world = World::draft().await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    assert_eq!(drafts(&ticket(&world).await), ["proposed"]);
    comes(&world, edit("wamid.E1", "wamid.1", &at(&world, 5), OTHER_QUESTION)).await;
    settled(&world).await;
    let after = ticket(&world).await;
    assert_eq!(texts(&after), [OTHER_QUESTION]);
    assert_eq!(drafts(&after), ["proposed", "retired"], "newest first");
    assert!(after["drafts"][0]["text"].as_str().unwrap().contains("boleto"), "{after}");
    assert_eq!((&after["status"], &after["owner"]), (&json!("open"), &json!("review")));
    let told = after["audit"].as_array().unwrap().iter();
    assert_eq!(told.filter(|line| line["action"] == "message.edited").count(), 1);
}

#[tokio::test]
async fn what_was_answered_stays_and_the_new_words_are_a_message_of_their_own() {
    let world = World::auto().await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    assert_eq!(world.sent().len(), 1);
    for words in [OTHER_QUESTION, "Onde pego a segunda via do boleto de maio?"] {
        let at = at(&world, if words == OTHER_QUESTION { 5 } else { 9 });
        let id = if words == OTHER_QUESTION { "wamid.E1" } else { "wamid.E2" };
        for _ in 0..2 {
            comes(&world, edit(id, "wamid.1", &at, words)).await;
        }
    }
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!(texts(&ticket), [QUESTION, "Onde pego a segunda via do boleto de maio?"]);
    assert!(ticket["messages"][0]["edited_at"].is_string());
    assert_eq!(ticket["messages"][0]["earlier"], Value::Null, "it is what was answered");
    let newer =
        ticket["messages"].as_array().unwrap().iter().rfind(|one| one["author"] == "customer");
    assert_eq!(newer.unwrap()["earlier"], json!([OTHER_QUESTION]), "{ticket}");
    assert_eq!(world.sent().len(), 2, "and answered like one");
    let note = ticket["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("O cliente editou uma mensagem que já tinha resposta."), "{note}");
    assert_eq!(ticket["notes"].as_array().unwrap().len(), 1, "{ticket}");
}

#[tokio::test]
async fn in_whatever_order_a_message_and_its_edits_come_the_youngest_words_stand() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let world = World::draft().await;
    for (turn, order) in orders.into_iter().enumerate() {
        let from = format!("55119876543{turn:02}");
        let (own, first, second) =
            (format!("wamid.{turn}"), format!("wamid.{turn}a"), format!("wamid.{turn}b"));
        let mut all = [
            text(&world, &from, &own, "Esqueci"),
            edit(&first, &own, &at(&world, 10), "Esqueci a senha"),
            edit(&second, &own, &at(&world, 20), QUESTION),
        ];
        for message in &mut all {
            message["from"] = json!(from);
        }
        for at in order {
            for _ in 0..2 {
                let told = json!({"messages": [all[at].clone()]});
                brings(&world, "messages", told).await;
            }
            world.drain().await;
        }
    }
    settled(&world).await;
    let all = tickets(&world).await;
    assert_eq!(all.len(), orders.len(), "one of each person");
    for row in all {
        let ticket = world.get(&format!("/v1/tickets/{}", row["id"].as_str().unwrap())).await;
        assert_eq!(texts(&ticket), [QUESTION], "{ticket}");
        let earlier = ticket["messages"][0]["earlier"].as_array().unwrap();
        assert_eq!(earlier.first().unwrap(), "Esqueci", "{ticket}");
        assert_eq!(earlier.last().unwrap(), "Esqueci a senha", "{ticket}");
    }
    let early = "SELECT COUNT(*) FROM message_changes WHERE message_id IS NULL";
    assert_eq!(world.count(early).await, 0);
}

#[tokio::test]
async fn what_is_deleted_before_anybody_answered_needs_nobody() {
    let world = World::auto().await;
    asks(&world, QUESTION).await;
    world.drain().await;
    comes(&world, revoke("wamid.R1", "wamid.1", &at(&world, 5))).await;
    // Whatever is told of it afterwards.
    comes(&world, edit("wamid.E1", "wamid.1", &at(&world, 9), OTHER_QUESTION)).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!(texts(&ticket), [""]);
    assert!(ticket["messages"][0]["deleted_at"].is_string(), "{ticket}");
    assert_eq!(ticket["messages"][0]["earlier"][0], QUESTION, "people still see what it said");
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("solved"), &json!("ai")));
    assert!(world.sent().is_empty());
}

#[tokio::test]
async fn deleting_retires_the_draft_and_leaves_what_else_was_asked() {
    let world = World::draft().await;
    asks(&world, QUESTION).await;
    comes(&world, text(&world, ANA, "wamid.2", OTHER_QUESTION)).await;
    settled(&world).await;
    comes(&world, revoke("wamid.R1", "wamid.1", &at(&world, 5))).await;
    settled(&world).await;
    let one = ticket(&world).await;
    assert_eq!(texts(&one), ["", OTHER_QUESTION]);
    assert_eq!(drafts(&one), ["proposed", "retired"]);
    let words = one["drafts"][0]["text"].as_str().unwrap();
    assert!(words.contains("boleto") && !words.contains("senha"), "{words}");
    comes(&world, revoke("wamid.R2", "wamid.2", &at(&world, 9))).await;
    settled(&world).await;
    let none = ticket(&world).await;
    assert_eq!(drafts(&none), ["retired", "retired"]);
    assert_eq!((&none["status"], &none["owner"]), (&json!("solved"), &json!("ai")), "{none}");
    assert_eq!(world.get("/v1/review").await["items"], json!([]));
}

#[tokio::test]
async fn deleting_what_was_answered_undoes_nothing_and_is_told_to_people() {
    let world = World::auto().await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    for _ in 0..2 {
        comes(&world, revoke("wamid.R1", "wamid.1", &at(&world, 5))).await;
    }
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!((texts(&ticket), &ticket["status"]), (vec![String::new()], &json!("pending")));
    assert_eq!((world.sent().len(), decisions(&world).await), (1, 1));
    let note = ticket["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("O cliente apagou uma mensagem"), "{note}");
    assert_eq!(ticket["notes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reply_that_waits_to_leave_is_held_back_by_an_edit() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(AUTO, graph.settings()).await;
    // The network asks to wait, so that the answer to the old words is still queued.
    graph.then(&[Meta::Refuses(131_057)]);
    asks(&world, QUESTION).await;
    settled(&world).await;
    assert!(graph.taken().is_empty());
    comes(&world, edit("wamid.E1", "wamid.1", &at(&world, 5), OTHER_QUESTION)).await;
    settled(&world).await;
    world.advance(600);
    world.drain().await;
    let taken = graph.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0]["text"]["body"].as_str().unwrap().contains("boleto"), "{taken:?}");
    assert_eq!(texts(&ticket(&world).await), [OTHER_QUESTION]);
}

#[tokio::test]
async fn nobody_changes_the_words_of_somebody_else_and_what_is_unknown_is_counted() {
    let world = World::draft().await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    let mut foreign = edit("wamid.X1", "wamid.1", &at(&world, 5), "outra coisa");
    foreign["from"] = json!("5521999998888");
    brings(&world, "messages", json!({"messages": [foreign]})).await;
    let mut taken = revoke("wamid.X2", "wamid.1", &at(&world, 5));
    taken["from"] = json!("5521999998888");
    brings(&world, "messages", json!({"messages": [taken]})).await;
    comes(&world, revoke("wamid.X3", "wamid.nenhum", &at(&world, 5))).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert_eq!((texts(&ticket), drafts(&ticket)), (vec![QUESTION.to_owned()], vec!["proposed"]));
    let store = &world.app().stores.store;
    assert_eq!(store.ignored_changes().await.unwrap(), 2);
    let now = world.app().clock.now();
    assert_eq!(store.forget_changes(now - chrono::Duration::days(7)).await.unwrap(), 0);
    assert_eq!(store.forget_changes(now + chrono::Duration::days(1)).await.unwrap(), 1);
    assert_eq!(store.ignored_changes().await.unwrap(), 3);
    assert_eq!(world.count("SELECT COUNT(*) FROM message_changes").await, 0);
}

#[tokio::test]
async fn an_edit_whose_words_do_not_come_goes_to_a_person() {
    let world = World::auto().await;
    asks(&world, QUESTION).await;
    world.drain().await;
    let blank = json!({"from": ANA, "id": "wamid.E1", "timestamp": at(&world, 5), "type": "edit",
        "edit": {"original_message_id": "wamid.1"}});
    comes(&world, blank).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    assert!(world.sent().is_empty(), "nobody knows what it says now");
    assert!(["review", "queue"].contains(&ticket["owner"].as_str().unwrap()), "{ticket}");
    let note = ticket["notes"][0]["text"].as_str().unwrap();
    assert!(note.contains("não entregou o texto novo"), "{note}");
}

#[tokio::test]
async fn what_the_business_edits_on_its_own_phone_is_what_it_said() {
    let world = World::draft().await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    let own = |message: Value| {
        let mut message = message;
        message["from"] = json!("551133334444");
        message["to"] = json!(ANA);
        json!({"message_echoes": [message]})
    };
    let said = text(&world, ANA, "wamid.O1", "Já te ajduo");
    brings(&world, "smb_message_echoes", own(said)).await;
    let better = edit("wamid.O2", "wamid.O1", &at(&world, 5), "Já te ajudo");
    brings(&world, "smb_message_echoes", own(better)).await;
    // The customer's own message is not theirs to change.
    let theirs = edit("wamid.O3", "wamid.1", &at(&world, 6), "x");
    brings(&world, "smb_message_echoes", own(theirs)).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    let all: Vec<&str> = ticket["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(all, [QUESTION, "Já te ajudo"]);
    assert_eq!(ticket["messages"][1]["earlier"], json!(["Já te ajduo"]));
    assert_eq!(ticket["owner"], "agent");
}

#[tokio::test]
async fn whoever_is_erased_leaves_no_earlier_words() {
    let world = World::draft().await;
    asks(&world, "Meu CPF é 529.982.247-25").await;
    comes(&world, edit("wamid.E1", "wamid.1", &at(&world, 5), QUESTION)).await;
    comes(&world, edit("wamid.E2", "wamid.7", &at(&world, 6), "Moro na rua das Acácias")).await;
    settled(&world).await;
    let store = &world.app().stores.store;
    let person = store.find_person(&TenantId::main(), "+5511987654321").await.unwrap();
    let now = world.app().clock.now();
    store.erase_person(now, &person, 0, "agent:cli").await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM message_changes").await, 0);
    let left = "SELECT COUNT(*) FROM messages WHERE original IS NOT NULL OR text <> ''";
    assert_eq!(world.count(left).await, 0);
}

#[tokio::test]
async fn an_answer_does_without_its_quote_where_the_message_is_gone() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    asks(&world, QUESTION).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    // After an hour an answer quotes; the network says that what it quotes is not there.
    world.advance(2 * 60 * 60);
    graph.then(&[Meta::Refuses(131_009)]);
    let path = format!("/v1/tickets/{}/reply", ticket["id"].as_str().unwrap());
    world.act("POST", &path, json!({"text": "Oi Ana.", "agent": "bia"})).await;
    world.drain().await;
    let taken = graph.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].get("context").is_none(), "{taken:?}");
}
