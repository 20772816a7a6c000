//! Files that customers send: fetched while conversations go on, handed out so that nothing runs, removed with their
//! sender; and voice notes, whose words are what the message says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atende::adapters::store::Retention;
use atende::domain::ids::TenantId;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use super::{ana, brings, settled, tickets};
use crate::world::process::run;
use crate::world::{AUTO, DRAFT, Graph, Heard, Medium, QUESTION, Scribe, World};

const MEDIA: &str = "700001";
const PHONE: &str = "+5511987654321";
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n uma foto";

/// A voice note of three seconds, as far as its pages tell.
fn voice() -> Vec<u8> {
    let page = |position: u64, content: &[u8]| {
        [&b"OggS\0\x02"[..], &position.to_le_bytes(), &[0; 12], &[1, 19], content].concat()
    };
    [page(0, b"OpusHead\x01\x01"), page(3 * 48_000, b"som")].concat()
}

fn medium(content: &[u8]) -> Medium {
    Medium { content: content.to_vec(), ..Medium::default() }
}

/// A message with a file of this content, as Meta tells of it.
fn with_file(world: &World, id: &str, kind: &str, content: &[u8], more: &Value) -> Value {
    let mut file = json!({"id": MEDIA, "sha256": STANDARD.encode(Sha256::digest(content))});
    for (name, value) in more.as_object().unwrap() {
        file[name] = value.clone();
    }
    let now = world.app().clock.now().timestamp();
    let mut message =
        json!({"from": "5511987654321", "id": id, "timestamp": now.to_string(), "type": kind});
    message[kind] = file;
    message
}

async fn speaks(world: &World, graph: &Graph) {
    let content = voice();
    graph.has(MEDIA, medium(&content));
    let more = json!({"voice": true, "mime_type": "audio/ogg; codecs=opus"});
    brings(world, "messages", ana(&[with_file(world, "wamid.1", "audio", &content, &more)])).await;
    world.drain().await;
}

async fn sends(world: &World, kind: &str, content: &[u8], more: &Value) {
    brings(world, "messages", ana(&[with_file(world, "wamid.1", kind, content, more)])).await;
    world.drain().await;
}

async fn ticket(world: &World) -> Value {
    let id = tickets(world).await[0]["id"].as_str().unwrap().to_owned();
    world.get(&format!("/v1/tickets/{id}")).await
}

/// The first message of the first ticket, and its only attachment.
async fn told(world: &World) -> (Value, Value) {
    let message = ticket(world).await["messages"][0].clone();
    assert_eq!(message["attachments"].as_array().unwrap().len(), 1, "{message}");
    let attachment = message["attachments"][0].clone();
    (message, attachment)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(super) fn on_disk(world: &World) -> Vec<PathBuf> {
    files(&world.data().join("files"))
}

async fn decisions(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM decisions").await
}

async fn due(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM attachments WHERE due_at IS NOT NULL").await
}

pub(super) async fn later(world: &World, seconds: i64) {
    world.advance(seconds);
    world.drain().await;
}

/// Calls for a file as a business does.
pub(super) async fn download(world: &World, id: &str) -> (u16, HeaderMap, Vec<u8>) {
    let request = Request::builder()
        .uri(format!("/v1/attachments/{id}"))
        .header("authorization", format!("Bearer {}", world.bearer()))
        .body(Body::empty())
        .unwrap();
    let response = world.router().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers, bytes.to_vec())
}

#[tokio::test]
async fn what_is_said_in_a_voice_note_is_answered_as_if_it_were_written() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    speaks(&world, &graph).await;
    let (message, attachment) = told(&world).await;
    assert_eq!((&message["text"], &message["transcribed"]), (&json!(QUESTION), &json!(true)));
    assert_eq!(attachment["kind"], "voice");
    assert_eq!(attachment["state"], "kept");
    assert_eq!(attachment["type"], "audio/ogg");
    assert_eq!(attachment["size"], voice().len());
    assert_eq!(attachment["transcribed"], true);
    later(&world, 60).await;
    assert_eq!(graph.taken().len(), 1, "it was answered");
    assert_eq!(decisions(&world).await, 1);
    assert_eq!(ticket(&world).await["status"], "pending");
    assert_eq!((scribe.asked(), on_disk(&world).len(), due(&world).await), (1, 1, 0));
    let once = vec![MEDIA.to_owned()];
    assert_eq!(graph.files(), (once.clone(), once));
    // Three seconds at 0.006 dollars a minute.
    assert_eq!(world.count("SELECT SUM(cost_micros) FROM model_spending").await, 300);
    let (status, headers, bytes) = download(&world, attachment["id"].as_str().unwrap()).await;
    assert_eq!((status, bytes), (200, voice()));
    assert_eq!(headers["content-type"], "audio/ogg");
}

#[tokio::test]
async fn a_turn_waits_for_words_and_goes_on_as_soon_as_they_are_there() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    scribe.then(&[Heard::Fails(503), Heard::Hangs]);
    speaks(&world, &graph).await;
    later(&world, 60).await;
    assert_eq!((scribe.asked(), decisions(&world).await), (2, 0), "the turn is over and waits");
    later(&world, 15).await;
    assert_eq!((scribe.asked(), decisions(&world).await), (3, 1));
    assert_eq!(graph.taken().len(), 1, "it was answered");
    assert_eq!(told(&world).await.0["text"], QUESTION);
}

#[tokio::test]
async fn words_that_come_too_late_stand_in_the_conversation_and_people_keep_it() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    scribe.then(&[Heard::Fails(503), Heard::Fails(500), Heard::Fails(429)]);
    speaks(&world, &graph).await;
    later(&world, 60).await;
    later(&world, 59).await;
    assert_eq!((scribe.asked(), decisions(&world).await), (3, 0), "a minute is not over");
    later(&world, 2).await;
    assert_eq!(decisions(&world).await, 1);
    let before = ticket(&world).await;
    assert_eq!((&before["status"], &before["owner"]), (&json!("escalated"), &json!("queue")));
    assert_eq!(before["messages"][0]["text"], "");
    later(&world, 60).await;
    let after = ticket(&world).await;
    assert_eq!(after["messages"][0]["text"], QUESTION);
    assert_eq!(after["messages"][0]["transcribed"], true);
    assert_eq!(decisions(&world).await, 2, "nobody had answered, so it is decided with the words");
    assert_eq!((&after["status"], &after["owner"]), (&json!("escalated"), &json!("queue")));
    assert!(graph.taken().is_empty(), "what people have they keep");
}

#[tokio::test]
async fn words_that_come_after_an_answer_change_nothing_but_the_conversation() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    scribe.then(&[Heard::Fails(503), Heard::Fails(503), Heard::Fails(503)]);
    speaks(&world, &graph).await;
    later(&world, 60).await;
    later(&world, 61).await;
    assert_eq!(decisions(&world).await, 1);
    let path = format!("/v1/tickets/{}/reply", ticket(&world).await["id"].as_str().unwrap());
    world.act("POST", &path, json!({"text": "Oi Ana, ouvi seu áudio.", "agent": "bia"})).await;
    world.drain().await;
    assert_eq!(graph.taken().len(), 1);
    later(&world, 600).await;
    assert_eq!(told(&world).await.0["text"], QUESTION);
    assert_eq!((decisions(&world).await, graph.taken().len()), (1, 1));
}

#[tokio::test]
async fn a_transcriber_that_is_away_is_given_up_after_a_day_and_people_have_the_recording() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    scribe.then(&[Heard::Fails(500); 100]);
    speaks(&world, &graph).await;
    later(&world, 60).await;
    later(&world, 61).await;
    assert_eq!(ticket(&world).await["owner"], "queue");
    later(&world, 25 * 60 * 60).await;
    let (message, attachment) = told(&world).await;
    assert_eq!((&message["text"], &message["transcribed"]), (&json!(""), &json!(false)));
    assert_eq!((&attachment["state"], due(&world).await), (&json!("kept"), 0));
    assert_eq!(attachment["reason"], "the transcriber has a problem of its own");
}

#[tokio::test]
async fn a_recording_that_the_transcriber_does_not_take_keeps_nobody_waiting() {
    let (graph, scribe) = (Graph::start().await, Scribe::hearing(QUESTION).await);
    let world = World::with_voices(AUTO, graph.settings(), scribe.settings()).await;
    scribe.then(&[Heard::Fails(400)]);
    speaks(&world, &graph).await;
    later(&world, 60).await;
    assert_eq!((scribe.asked(), decisions(&world).await), (1, 1));
    assert_eq!(ticket(&world).await["owner"], "queue");
}

#[tokio::test]
async fn without_a_transcriber_a_voice_note_is_acknowledged_and_a_person_gets_it() {
    let graph = Graph::start().await;
    let policy = "extends: saas-br\nid: world-voice\nversion: \"1\"\nmodes: {default: auto}\n\
                  notices:\n  escalation: {whatsapp: auto}\n";
    let world = World::with_whatsapp(policy, graph.settings()).await;
    speaks(&world, &graph).await;
    later(&world, 60).await;
    let ticket = ticket(&world).await;
    assert_eq!((&ticket["status"], &ticket["owner"]), (&json!("escalated"), &json!("queue")));
    assert!(World::rules(&ticket).contains(&"C1.media".to_owned()), "{ticket}");
    let authors = "SELECT author FROM outbox WHERE audience = 'customer'";
    assert_eq!(world.column(authors).await, ["system"], "a notice, no answer");
    assert_eq!(graph.taken().len(), 1);
    assert_eq!(told(&world).await.1["state"], "kept");
    assert_eq!(due(&world).await, 0, "nobody waits for words");
}

#[tokio::test]
async fn a_picture_is_never_answered_by_itself_whatever_stands_below_it() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(AUTO, graph.settings()).await;
    graph.has(MEDIA, medium(PNG));
    sends(&world, "image", PNG, &json!({"mime_type": "image/jpeg", "caption": QUESTION})).await;
    later(&world, 60).await;
    let ticket = ticket(&world).await;
    assert_eq!((&ticket["action"], &ticket["owner"]), (&json!("review"), &json!("review")));
    assert!(graph.taken().is_empty());
    let (message, attachment) = told(&world).await;
    assert_eq!(message["text"], QUESTION);
    assert_eq!((&attachment["kind"], &attachment["state"]), (&json!("image"), &json!("kept")));
    assert_eq!(attachment["type"], "image/png", "by its bytes, not by what is said of it");
}

#[tokio::test]
async fn what_is_too_large_gone_or_not_what_was_promised_is_not_kept() {
    let large = Medium { told_size: Some(1_000_001), ..medium(PNG) };
    let gone = Medium { refuses: Some(131_052), ..medium(PNG) };
    let other = medium(b"\x89PNG\r\n\x1a\n outra foto");
    for (served, state, asked, fetched) in
        [(large, "refused", 1, 0), (gone, "lost", 1, 0), (other, "refused", 3, 3)]
    {
        let graph = Graph::start().await;
        let world = World::with_whatsapp(DRAFT, graph.settings()).await;
        graph.has(MEDIA, served);
        sends(&world, "image", PNG, &json!({"mime_type": "image/png"})).await;
        for _ in 0..3 {
            later(&world, 60).await;
        }
        let (_, attachment) = told(&world).await;
        assert_eq!(attachment["state"], state, "{attachment}");
        let (all, taken) = graph.files();
        assert_eq!((all.len(), taken.len()), (asked, fetched), "{state}");
        assert!(on_disk(&world).is_empty(), "{state}");
        assert_eq!(due(&world).await, 0, "{state}");
        let id = attachment["id"].as_str().unwrap();
        assert_eq!(download(&world, id).await.0, 404);
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_asked_for_in_growing_pauses_and_lost_after_a_day() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, Medium { refuses: Some(190), ..medium(PNG) });
    sends(&world, "image", PNG, &json!({"mime_type": "image/png"})).await;
    later(&world, 60).await;
    assert_eq!(graph.files().0.len(), 1, "a token that is refused is not tried all the time");
    assert_eq!(download(&world, told(&world).await.1["id"].as_str().unwrap()).await.0, 404);
    later(&world, 15 * 60).await;
    assert_eq!(graph.files().0.len(), 2);
    later(&world, 24 * 60 * 60).await;
    let (_, attachment) = told(&world).await;
    assert_eq!((&attachment["state"], due(&world).await), (&json!("lost"), 0));
}

#[tokio::test]
async fn a_crash_while_a_file_is_fetched_leaves_nothing_half_kept() {
    let graph = Graph::start().await;
    let mut world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, Medium { wait: Duration::from_secs(20), ..medium(PNG) });
    let message = with_file(&world, "wamid.1", "image", PNG, &json!({"mime_type": "image/png"}));
    brings(&world, "messages", ana(&[message])).await;
    let until = Duration::from_millis(600);
    assert!(tokio::time::timeout(until, world.drain()).await.is_err(), "it is under way");
    // As a process leaves it that has no time to remove anything.
    let unfinished = world.data().join("files/unfinished");
    std::fs::create_dir_all(&unfinished).unwrap();
    std::fs::write(unfinished.join("x"), "half of it").unwrap();
    world.crash().await;
    assert!(on_disk(&world).is_empty(), "what was left half-written is swept away");
    graph.has(MEDIA, medium(PNG));
    world.drain().await;
    let (_, attachment) = told(&world).await;
    assert_eq!(attachment["state"], "kept");
    let files = on_disk(&world);
    assert_eq!(files.len(), 1);
    assert_eq!(std::fs::read(&files[0]).unwrap(), PNG);
    settled(&world).await;
}

#[tokio::test]
async fn whoever_is_erased_while_a_file_of_theirs_is_fetched_leaves_none() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, Medium { wait: Duration::from_millis(700), ..medium(PNG) });
    let more = json!({"mime_type": "application/pdf", "filename": "rg da Joana.pdf"});
    let message = with_file(&world, "wamid.1", "document", PNG, &more);
    brings(&world, "messages", ana(&[message])).await;
    world.decide_only().await;
    let store = &world.app().stores.store;
    let erased = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let person = store.find_person(&TenantId::main(), PHONE).await.unwrap();
        store.erase_person(world.app().clock.now(), &person, 0, "agent:cli").await.unwrap()
    };
    let (_, erased) = tokio::join!(world.drain(), erased);
    assert_eq!((erased.kept.messages, erased.kept.files), (1, 1));
    assert!(on_disk(&world).is_empty());
    let left = "SELECT COALESCE(name, '') || state || source FROM attachments";
    assert_eq!(world.column(left).await, ["erased{}"]);
    assert_eq!(due(&world).await, 1, "whether it is gone is looked at once more");
    later(&world, 11 * 60).await;
    assert_eq!(due(&world).await, 0);
    assert!(on_disk(&world).is_empty());
}

#[tokio::test]
async fn files_are_forgotten_with_the_words_of_their_ticket() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, medium(PNG));
    sends(&world, "image", PNG, &json!({"mime_type": "image/png", "caption": QUESTION})).await;
    later(&world, 60).await;
    assert_eq!(on_disk(&world).len(), 1);
    let path = format!("/v1/tickets/{}/status", ticket(&world).await["id"].as_str().unwrap());
    world.act("POST", &path, json!({"status": "closed"})).await;
    later(&world, 2 * 24 * 60 * 60).await;
    let retention = Retention { messages_days: 1, ..Retention::default() };
    let store = &world.app().stores.store;
    assert_eq!(store.forget(world.app().clock.now(), retention).await.unwrap(), 1);
    later(&world, 11 * 60).await;
    assert!(on_disk(&world).is_empty());
    assert_eq!(told(&world).await.1["state"], "erased");
}

#[tokio::test]
async fn a_page_that_is_claimed_to_be_a_picture_is_handed_out_as_bytes_to_be_saved() {
    const PAGE: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    let graph = Graph::start().await;
    let mut world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, medium(PAGE));
    let name = "../foto \"de ana\".png";
    sends(&world, "document", PAGE, &json!({"mime_type": "image/png", "filename": name})).await;
    let (_, attachment) = told(&world).await;
    assert_eq!(attachment["name"], "foto _de ana_.png");
    assert_eq!(attachment["type"], "text/html");
    let id = attachment["id"].as_str().unwrap();
    let (status, headers, bytes) = download(&world, id).await;
    assert_eq!((status, bytes.as_slice()), (200, PAGE));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "no-store"),
        (
            "content-disposition",
            "attachment; filename=\"foto _de ana_.png\"; filename*=UTF-8''foto%20_de%20ana_.png",
        ),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let path = format!("/v1/attachments/{id}");
    let acme = world.add_tenant("acme", DRAFT).await;
    assert_eq!(world.call(&acme, "GET", &path, None).await.0, 404, "it is somebody else's");
    for odd in ["att_1", "x", "..%2F..%2Fstore.db"] {
        assert_eq!(download(&world, odd).await.0, 404, "{odd}");
    }
    settled(&world).await;
}

#[tokio::test]
async fn what_the_business_sends_from_its_own_phone_is_kept_too() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    brings(&world, "messages", ana(&[super::text(&world, "5511987654321", "wamid.0", QUESTION)]))
        .await;
    settled(&world).await;
    graph.has(MEDIA, medium(&voice()));
    let more = json!({"voice": true, "mime_type": "audio/ogg"});
    let mut echo = with_file(&world, "wamid.E1", "audio", &voice(), &more);
    echo["from"] = json!("551133334444");
    echo["to"] = json!("5511987654321");
    brings(&world, "smb_message_echoes", json!({"message_echoes": [echo]})).await;
    settled(&world).await;
    let ticket = ticket(&world).await;
    let last = ticket["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["author"], "agent");
    assert_eq!(last["attachments"][0]["state"], "kept", "{last}");
}

#[tokio::test]
async fn commands_list_files_miss_them_and_remove_them() {
    let graph = Graph::start().await;
    let world = World::with_whatsapp(DRAFT, graph.settings()).await;
    graph.has(MEDIA, medium(PNG));
    sends(&world, "image", PNG, &json!({"mime_type": "image/png", "caption": QUESTION})).await;
    later(&world, 60).await;
    let said = |args: &[&str]| {
        let output = run(world.data(), args);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let check = said(&["store", "check"]);
    assert!(check.contains("All in order."), "{check}");
    let (file, away) = (on_disk(&world).remove(0), world.data().join("away"));
    std::fs::rename(&file, &away).unwrap();
    let stray = file.with_file_name("att_00000000000000000000000000000000");
    std::fs::write(&stray, "x").unwrap();
    let check = said(&["store", "check"]);
    assert!(check.contains("1 attachments without their file"), "{check}");
    assert!(check.contains("1 files that no attachment knows"), "{check}");
    std::fs::rename(&away, &file).unwrap();
    std::fs::remove_file(stray).unwrap();
    let export = run(world.data(), &["privacy", "export", "--contact", PHONE]);
    let export: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(export["attachments"][0]["type"], "image/png", "{export}");
    let erased = said(&["privacy", "erase", "--contact", PHONE, "--yes"]);
    assert!(erased.contains("files"), "{erased}");
    assert!(on_disk(&world).is_empty(), "{erased}");
    let check = said(&["store", "check"]);
    assert!(check.contains("All in order."), "{check}");
}
