//! Files that people send over WhatsApp, and short answers to tap.

use atende::compose::Templates;
use atende::domain::ids::TenantId;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{ana, brings, settled, text, tickets};
use crate::world::{AUTO, DRAFT, Graph, Meta, QUESTION, World, pipeline_saying};

const ANA: &str = "5511987654321";
const PDF: &[u8] = b"%PDF-1.7 segunda via";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n uma foto";
const OGG: &[u8] = b"OggS\0\x02 um recado";

async fn asked(graph: &Graph) -> World {
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    brings(&world, "messages", ana(&[text(&world, ANA, "wamid.1", QUESTION)])).await;
    settled(&world).await;
    world
}

async fn path(world: &World) -> String {
    format!("/v1/tickets/{}", tickets(world).await[0]["id"].as_str().unwrap())
}

async fn hands_in(world: &World, name: &str, content: &[u8]) -> String {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/v1/attachments?name={}", name.replace(' ', "%20")))
        .header("authorization", format!("Bearer {}", world.bearer()))
        .body(Body::from(content.to_vec()))
        .unwrap();
    let response = world.router().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let told: Value = serde_json::from_slice(&bytes).unwrap();
    told["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

async fn answers(world: &World, words: &str, files: &[String]) {
    let body = json!({"text": words, "agent": "bia", "attachments": files});
    world.act("POST", &format!("{}/reply", path(world).await), body).await;
    world.drain().await;
}

async fn states(world: &World) -> Vec<String> {
    let rows = world.get("/v1/outbox").await["items"].as_array().unwrap().clone();
    rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn files_leave_one_a_message_with_the_words_below_the_first() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    let files =
        [hands_in(&world, "boleto.pdf", PDF).await, hands_in(&world, "foto.png", PNG).await];
    answers(&world, "Segue a segunda via.", &files).await;
    let uploads = graph.uploads();
    assert_eq!(uploads.len(), 2);
    assert!(uploads[0].contains("%PDF-1.7 segunda via") && uploads[0].contains("boleto.pdf"));
    assert!(uploads[0].contains("\r\napplication/pdf\r\n"), "{}", uploads[0]);
    let taken = graph.taken();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_eq!(taken[0]["type"], "document");
    assert_eq!(
        taken[0]["document"],
        json!({"id": "media1", "caption": "Segue a segunda via.", "filename": "boleto.pdf"})
    );
    assert_eq!(
        (&taken[1]["type"], &taken[1]["image"]),
        (&json!("image"), &json!({"id": "media2"}))
    );
    assert_eq!(states(&world).await, ["sent", "sent"]);
    let ticket = world.get(&path(&world).await).await;
    let sent: Vec<(&Value, &Value)> = ticket["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["author"] == "agent")
        .map(|message| (&message["text"], &message["attachments"][0]["name"]))
        .collect();
    assert_eq!(
        sent,
        [(&json!("Segue a segunda via."), &json!("boleto.pdf")), (&json!(""), &json!("foto.png"))]
    );
}

#[tokio::test]
async fn what_has_no_words_below_it_comes_after_them() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    let recording = hands_in(&world, "recado.ogg", OGG).await;
    answers(&world, "Explico no áudio.", &[recording]).await;
    let taken = graph.taken();
    let kinds: Vec<&Value> = taken.iter().map(|message| &message["type"]).collect();
    assert_eq!(kinds, ["text", "audio"]);
    let long = "palavra ".repeat(150);
    let pdf = hands_in(&world, "contrato.pdf", PDF).await;
    answers(&world, &long, &[pdf]).await;
    let taken = graph.taken();
    assert_eq!((&taken[2]["type"], &taken[3]["type"]), (&json!("text"), &json!("document")));
    assert!(taken[3]["document"].get("caption").is_none());
}

#[tokio::test]
async fn a_file_is_handed_over_once_however_often_its_message_is_tried() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    let pdf = hands_in(&world, "boleto.pdf", PDF).await;
    // The file is refused for now; then it is there, and its message is refused for now.
    graph.then(&[Meta::Refuses(131_016)]);
    answers(&world, "Segue.", &[pdf]).await;
    assert!(graph.uploads().is_empty() && graph.taken().is_empty());
    graph.then(&[Meta::Takes, Meta::Refuses(131_057)]);
    for _ in 0..12 {
        world.advance(300);
        world.drain().await;
    }
    assert_eq!((graph.uploads().len(), graph.taken().len()), (1, 1));
    assert_eq!(states(&world).await, ["sent"]);
}

#[tokio::test]
async fn no_file_leaves_once_the_window_is_shut_and_a_person_is_told() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    world.advance(25 * 60 * 60);
    let pdf = hands_in(&world, "boleto.pdf", PDF).await;
    answers(&world, "Segue.", &[pdf]).await;
    assert!(graph.uploads().is_empty() && graph.taken().is_empty());
    let row = world.get("/v1/outbox").await["items"][0].clone();
    assert_eq!(row["state"], "failed");
    assert!(row["error"].as_str().unwrap().contains("no file may leave"), "{row}");
}

#[tokio::test]
async fn what_whatsapp_does_not_take_is_refused_before_it_is_written() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    let xml = hands_in(&world, "nota.xml", b"<?xml version='1.0'?><nfeProc/>").await;
    let body = json!({"text": "Segue.", "attachments": [xml]});
    let route = format!("{}/reply", path(&world).await);
    let (status, told) = world.call(&TenantId::main(), "POST", &route, Some(body)).await;
    assert_eq!(status, 422, "{told}");
    assert_eq!(told["errors"][0]["field"], "attachments[0]");
    assert!(graph.uploads().is_empty());
}

#[tokio::test]
async fn whoever_is_erased_takes_along_what_was_sent_to_them() {
    let graph = Graph::start().await;
    let world = asked(&graph).await;
    let pdf = hands_in(&world, "boleto da Ana.pdf", PDF).await;
    graph.then(&[Meta::Refuses(131_057)]);
    answers(&world, "Segue.", std::slice::from_ref(&pdf)).await;
    let store = &world.app().stores.store;
    let person = store.find_person(&TenantId::main(), "+5511987654321").await.unwrap();
    let now = world.app().clock.now();
    let erased = store.erase_person(now, &person, 0, "agent:cli").await.unwrap();
    assert_eq!(erased.kept.files, 1);
    let left = "SELECT COALESCE(name, '') || state || source FROM attachments";
    assert_eq!(world.column(left).await, ["erased{}"]);
    world.advance(11 * 60);
    world.drain().await;
    assert!(graph.taken().is_empty());
    let id = atende::domain::ids::AttachmentId::from_stored(pdf);
    assert!(world.app().stores.files.read(&id).await.unwrap().is_none());
}

/// The assistant's answer with two short answers below.
const ANSWER: &str = "---\nbuttons:\n  - Resolveu, obrigado\n  - Quero um atendente\n---\n\
    {{> greeting}} {{> acknowledge}}\n\n{{answer}}\n\n{{> next_step}}\n\n{{> closing}}\n";

async fn offering(world: &World) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("answer.pt-BR.hbs"), ANSWER).unwrap();
    let templates = Templates::load(Some(folder.path())).unwrap_or_else(|told| panic!("{told:?}"));
    world.adopt_pipeline(&TenantId::main(), pipeline_saying(AUTO, templates)).await;
}

#[tokio::test]
async fn short_answers_are_buttons_on_whatsapp_and_a_tap_is_a_message() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(AUTO, graph.settings()).await;
    offering(&world).await;
    brings(&world, "messages", ana(&[text(&world, ANA, "wamid.1", QUESTION)])).await;
    settled(&world).await;
    let taken = graph.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    let buttons = &taken[0]["interactive"]["action"]["buttons"];
    assert_eq!((&taken[0]["type"], buttons.as_array().unwrap().len()), (&json!("interactive"), 2));
    assert_eq!(buttons[1]["reply"], json!({"id": "2", "title": "Quero um atendente"}));
    let mut tap = text(&world, ANA, "wamid.2", "");
    tap["type"] = json!("interactive");
    tap["interactive"] =
        json!({"type": "button_reply", "button_reply": {"id": "2", "title": "Quero um atendente"}});
    brings(&world, "messages", ana(&[tap])).await;
    settled(&world).await;
    let ticket = world.get(&path(&world).await).await;
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
}

#[tokio::test]
async fn where_nothing_can_be_tapped_short_answers_have_numbers() {
    let mut world = World::auto().await;
    offering(&world).await;
    world.writes("chat", "bia", QUESTION).await;
    settled(&world).await;
    let said = world.sent()[0].text().to_owned();
    assert!(said.ends_with("\n\n1. Resolveu, obrigado\n2. Quero um atendente"), "{said}");
    world.writes("chat", "bia", "2").await;
    settled(&world).await;
    let ticket = world.ticket("bia").await;
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
    let last = ticket["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["text"], "2", "as it was written");
}
