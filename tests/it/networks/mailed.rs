//! What comes with a mail beside its words: kept for people, handed out, and removed with whoever sent it.

use atende::adapters::store::Retention;
use atende::domain::ids::{AttachmentId, TenantId};
use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::mail::{ADDRESS, brings, mail, ticket, under, with_mail};
use super::media::{PNG, download, later, on_disk};
use super::tickets;
use crate::world::process::run;
use crate::world::{AUTO, DRAFT, QUESTION, World};

const PDF: &[u8] = b"%PDF-1.7 nota fiscal";
const HTML: &str = "<p>Esqueci a senha, como recupero?</p><p><img src=\"cid:foto1\"></p><blockquote>Abra</blockquote>";
const QUOTED: &str = "Em qui., 19 de nov. de 2026, Loja escreveu:\n> Abra a página";

/// A mail with plain text and HTML, an image within them, and a file.
fn with_files(id: &str, pdf: &[u8]) -> String {
    format!(
        "From: Ana <ana@cliente.example>\nTo: {ADDRESS}\nMessage-ID: <{id}>\nSubject: Senha\n\
         Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/related; boundary=r\n\n\
         --r\nContent-Type: multipart/alternative; boundary=a\n\n\
         --a\nContent-Type: text/plain; charset=utf-8\n\n{QUESTION}\n\n{QUOTED}\n\
         --a\nContent-Type: text/html; charset=utf-8\n\n{HTML}\n--a--\n\
         --r\nContent-Type: image/png; name=foto.png\nContent-ID: <foto1>\nContent-Disposition: inline\n\
         Content-Transfer-Encoding: base64\n\n{}\n--r--\n\
         --m\nContent-Type: application/octet-stream; name=\"nota fiscal.pdf\"\nContent-Disposition: attachment\n\
         Content-Transfer-Encoding: base64\n\n{}\n--m--\n",
        STANDARD.encode([PNG, &[0; 6000]].concat()),
        STANDARD.encode(pdf)
    )
}

async fn first_message(world: &World) -> Value {
    ticket(world, 0).await["messages"][0].clone()
}

#[tokio::test]
async fn a_mail_keeps_its_files_its_html_and_the_words_that_were_taken_off() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &with_files("q1@cliente.example", PDF)).await;
    let message = first_message(&world).await;
    assert_eq!(message["text"], QUESTION);
    assert_eq!(message["original"], format!("{QUESTION}\n\n{QUOTED}"));
    assert_eq!(message["part"], "plain");
    let files = message["attachments"].as_array().unwrap();
    let told: Vec<Value> = files
        .iter()
        .map(|file| {
            let of = |name: &str| file[name].clone();
            json!([of("kind"), of("name"), of("type"), of("state"), of("inline"), of("content_id")])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["image", "foto.png", "image/png", "kept", true, "foto1"]),
            json!(["document", "nota fiscal.pdf", "application/pdf", "kept", null, null]),
        ]
    );
    let (status, headers, bytes) = download(&world, files[1]["id"].as_str().unwrap()).await;
    assert_eq!((status, bytes.as_slice()), (200, PDF));
    assert_eq!(headers["content-type"], "application/pdf");
    let (status, headers, bytes) = download(&world, message["html"].as_str().unwrap()).await;
    assert_eq!((status, bytes.as_slice()), (200, HTML.as_bytes()));
    assert_eq!(headers["content-type"], "application/octet-stream", "no browser shows it");
    assert!(server.received().is_empty(), "what a file says no machine answers");
    let check = run(world.data(), &["store", "check"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(said.contains("All in order."), "{said}");
}

#[tokio::test]
async fn a_mail_whose_words_say_all_of_it_is_answered_and_has_no_second_text() {
    let (world, server) = with_mail().await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let message = first_message(&world).await;
    assert_eq!((&message["original"], &message["html"]), (&Value::Null, &Value::Null));
    assert_eq!(message["part"], "plain");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_mail_that_is_read_again_leaves_no_file_behind() {
    let (mut world, _server) = with_mail().await;
    let one = with_files("q1@cliente.example", PDF);
    brings(&world, "inbox", 1, &one).await;
    let before = on_disk(&world);
    assert_eq!(before.len(), 3);
    brings(&world, "inbox", 1, &one).await;
    brings(&world, "inbox", 9, &format!("Delivered-To: vendas@loja.example\n{one}")).await;
    world.crash().await;
    brings(&world, "inbox", 1, &one).await;
    assert_eq!(on_disk(&world), before);
    assert_eq!(world.count("SELECT COUNT(*) FROM attachments").await, 3);
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_named_and_not_kept() {
    let (world, _server) = with_mail().await;
    let large = [PDF, &vec![b' '; 1_000_001]].concat();
    brings(&world, "inbox", 1, &with_files("q1@cliente.example", &large)).await;
    let file = first_message(&world).await["attachments"][1].clone();
    assert_eq!(file["state"], "refused");
    assert_eq!((&file["size"], &file["name"]), (&json!(large.len()), &json!("nota fiscal.pdf")));
    assert_eq!(file["reason"], "it is larger than the limit");
    assert_eq!(download(&world, file["id"].as_str().unwrap()).await.0, 404);
    assert_eq!(on_disk(&world).len(), 2, "the image and the HTML");
}

#[tokio::test]
async fn whoever_is_erased_leaves_no_file_and_no_word_of_their_mails() {
    let (world, _server) = under(DRAFT).await;
    brings(&world, "inbox", 1, &with_files("q1@cliente.example", PDF)).await;
    let export = run(world.data(), &["privacy", "export", "--contact", "ana@cliente.example"]);
    let export: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert!(export["messages"][0]["whole"].as_str().unwrap().contains("Abra"), "{export}");
    assert_eq!(export["attachments"].as_array().unwrap().len(), 3);
    let store = &world.app().stores.store;
    let person = store.find_person(&TenantId::main(), "ana@cliente.example").await.unwrap();
    let now = world.app().clock.now();
    store.erase_person(now, &person, 0, "agent:cli").await.unwrap();
    later(&world, 11 * 60).await;
    assert!(on_disk(&world).is_empty());
    let left = "SELECT COUNT(*) FROM messages WHERE text <> '' OR whole IS NOT NULL";
    assert_eq!(world.count(left).await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM attachments WHERE source <> '{}'").await, 0);
    assert_eq!(first_message(&world).await["html"], Value::Null);
}

#[tokio::test]
async fn files_and_original_words_are_forgotten_with_their_ticket() {
    let (world, _server) = under(DRAFT).await;
    brings(&world, "inbox", 1, &with_files("q1@cliente.example", PDF)).await;
    let path = format!("/v1/tickets/{}/status", tickets(&world).await[0]["id"].as_str().unwrap());
    world.act("POST", &path, json!({"status": "closed"})).await;
    later(&world, 2 * 24 * 60 * 60).await;
    let retention = Retention { messages_days: 1, ..Retention::default() };
    let store = &world.app().stores.store;
    assert_eq!(store.forget(world.app().clock.now(), retention).await.unwrap(), 1);
    later(&world, 11 * 60).await;
    assert!(on_disk(&world).is_empty());
    assert_eq!(world.count("SELECT COUNT(*) FROM messages WHERE whole IS NOT NULL").await, 0);
}

#[tokio::test]
async fn an_answer_from_somebodys_own_mail_program_keeps_its_files_too() {
    let (world, _server) = under(AUTO).await;
    brings(&world, "inbox", 1, &mail("q1@cliente.example", "", QUESTION)).await;
    let own = with_files("rui1@loja.example", PDF)
        .replace("Ana <ana@cliente.example>", &format!("Rui <{ADDRESS}>"))
        .replace("Subject: Senha", "Subject: Re: Senha\nIn-Reply-To: <q1@cliente.example>");
    for _ in 0..2 {
        brings(&world, "sent", 1, &own).await;
    }
    let messages = ticket(&world, 0).await["messages"].clone();
    let last = messages.as_array().unwrap().last().unwrap();
    assert_eq!((&last["author"], &last["part"]), (&json!("agent"), &json!("plain")));
    assert_eq!(last["attachments"].as_array().unwrap().len(), 2, "{last}");
    assert_eq!(on_disk(&world).len(), 3);
    // One that belongs to no conversation is nobody's, and so are its files.
    let astray = own.replace("rui1@", "rui2@").replace("<q1@", "<nobody@");
    brings(&world, "sent", 2, &astray).await;
    assert_eq!(on_disk(&world).len(), 3);
}

/// Hands a file in, to be sent; returns its id.
async fn hands_in(world: &World, name: &str, content: &[u8]) -> Value {
    let request = Request::builder()
        .method("POST")
        .uri(format!("/v1/attachments?name={name}"))
        .header("authorization", format!("Bearer {}", world.bearer()))
        .body(Body::from(content.to_vec()))
        .unwrap();
    let response = world.router().oneshot(request).await.unwrap();
    assert_eq!(response.status().as_u16(), 201);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice::<Value>(&bytes).unwrap()["id"].clone()
}

#[tokio::test]
async fn a_reply_leaves_with_its_files_and_one_whose_file_is_gone_comes_back() {
    let (world, server) = under(DRAFT).await;
    for uid in [1, 2] {
        let one = mail(&format!("q{uid}@cliente.example"), "", QUESTION);
        brings(&world, "inbox", uid, &one).await;
        let id = tickets(&world).await[0]["id"].as_str().unwrap().to_owned();
        let file = hands_in(&world, "segunda%20via%20de%20m%C3%A1io.pdf", PDF).await;
        let approve = json!({"action": "approve", "version": 1, "attachments": [file]});
        world.act("POST", &format!("/v1/tickets/{id}/draft"), approve).await;
        if uid == 2 {
            let gone = AttachmentId::from_stored(file.as_str().unwrap());
            world.app().stores.files.remove(&gone).await.unwrap();
        }
        world.drain().await;
    }
    let received = server.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let sent = atende::channels::email::parse::read(received[0].data.as_bytes()).unwrap();
    let file = &sent.attachments[0];
    assert_eq!(file.filename.as_deref(), Some("segunda via de máio.pdf"));
    assert_eq!((file.mime.as_str(), file.sniffed), ("application/pdf", Some("application/pdf")));
    assert_eq!(*file.content(received[0].data.as_bytes()), *PDF);
    assert!(sent.text.contains("senha"), "{}", sent.text);
    let first = ticket(&world, 1).await["messages"].clone();
    let last = first.as_array().unwrap().last().unwrap();
    assert_eq!(last["attachments"][0]["name"], "segunda via de máio.pdf", "{last}");
    let failed = world.get("/v1/outbox").await["items"][1].clone();
    assert_eq!(failed["state"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("not kept any more"), "{failed}");
    assert_eq!(ticket(&world, 0).await["owner"], "queue");
}
