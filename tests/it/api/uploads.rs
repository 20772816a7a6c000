//! Files that people hand in, and the replies that carry them.

use atende::domain::ids::AttachmentId;
use serde_json::json;

use super::*;

const PDF: &[u8] = b"%PDF-1.7 segunda via";

async fn hands_in(api: &Api, name: &str, content: &[u8]) -> Answer {
    let path = format!("/v1/attachments?name={name}");
    let call = api.call("POST", &path).header("content-type", "application/pdf");
    call.bytes(content.to_vec()).await
}

async fn kept(api: &Api) -> String {
    hands_in(api, "boleto.pdf", PDF).await.is(201)["id"].as_str().unwrap().to_owned()
}

fn on_disk(api: &Api) -> usize {
    let root = api.dir.path().join("files");
    let Ok(folders) = std::fs::read_dir(root) else { return 0 };
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn a_file_is_what_its_bytes_say_and_is_handed_out_again() {
    let api = Api::new().await;
    let told = hands_in(&api, "..%2Fsegunda%20via.exe", PDF).await.is(201);
    assert_eq!((&told["kind"], &told["type"]), (&json!("document"), &json!("application/pdf")));
    assert_eq!((&told["name"], &told["size"]), (&json!("segunda via.exe"), &json!(PDF.len())));
    assert_eq!(told["expires_at"], "2026-11-21T12:00:00Z");
    assert_eq!(told["channels"].as_array().unwrap().len(), 6);
    let xml = hands_in(&api, "nota.xml", b"<?xml version='1.0'?><nfeProc/>").await.is(201);
    assert!(!xml["channels"].as_array().unwrap().contains(&json!("whatsapp")), "{xml}");

    let path = format!("/v1/attachments/{}", told["id"].as_str().unwrap());
    let back = api.get(&path).await;
    assert_eq!((back.status.as_u16(), back.text.as_bytes()), (200, PDF));
    let acme = TenantId::parse("acme").unwrap();
    let other = api.token("acme", Scope::ALL, &acme).await;
    api.call_as(&other, "GET", &path).send().await.is(404);
}

#[tokio::test]
async fn what_may_not_be_sent_leaves_nothing() {
    let settings = WebSettings { max_file_bytes: 100, ..WebSettings::default() };
    let api = Api::with(settings, 10).await;
    for (content, status) in [
        (&b"MZ\x90\0"[..], 422),
        (b"<html><script>", 422),
        (b"PK\x03\x04\0\0a.txt", 422),
        (b"op\xe7\xe3o", 422),
        (b"", 422),
        (&[b' '; 101], 413),
    ] {
        hands_in(&api, "boleto.pdf", content).await.is(status);
    }
    let pieces =
        futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(&b"0123456789"[..])));
    let call = api.call("POST", "/v1/attachments");
    call.bytes(Body::from_stream(pieces)).await.is(413);
    let broken = futures::stream::iter([Ok(&b"%PDF-"[..]), Err(std::io::Error::other("gone"))]);
    let call = api.call("POST", "/v1/attachments");
    call.bytes(Body::from_stream(broken)).await.is(400);
    let form = api
        .call("POST", "/v1/attachments")
        .header("content-type", "multipart/form-data; boundary=x");
    form.bytes("--x").await.is(415);
    api.call("POST", "/v1/attachments?nmae=x").bytes(PDF.to_vec()).await.is(400);
    assert_eq!(on_disk(&api), 0);
    assert!(api.store.known_files().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_goes_with_one_reply() {
    let api = Api::new().await;
    let one = api.drafted(&TenantId::main(), "t-1").await;
    let two = api.drafted(&TenantId::main(), "t-2").await;
    let file = kept(&api).await;
    let reply = |file: &str| json!({"text": "Segue a segunda via.", "attachments": [file]});
    let path = format!("/v1/tickets/{one}/reply");
    let key = api.call("POST", &path).header("idempotency-key", "k1");
    assert_eq!(key.json(reply(&file)).await.is(200)["duplicate"], false);
    let again = api.call("POST", &path).header("idempotency-key", "k1");
    assert_eq!(again.json(reply(&file)).await.is(200)["duplicate"], true);
    let rows = api.store.claim_outbox(api.clock.now(), 10).await.unwrap();
    let id = AttachmentId::from_stored(file.clone());
    assert_eq!(rows[0].body.attachments, std::slice::from_ref(&id));
    let enclosed = api.store.enclosed(&TenantId::main(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!((enclosed[0].name.as_deref(), enclosed[0].size), (Some("boleto.pdf"), 20));

    let refused = api.post(&path, reply(&file)).await;
    assert_eq!(refused.fields(), ["attachments"]);
    let other = format!("/v1/tickets/{two}/draft");
    let approves = json!({"action": "approve", "version": 1, "attachments": [file]});
    assert_eq!(api.post(&other, approves).await.fields(), ["attachments"]);
    for odd in ["att_1", "x", &AttachmentId::from_bits(7).to_string()] {
        assert_eq!(api.post(&path, reply(odd)).await.fields(), ["attachments[0]"], "{odd}");
    }

    let end = atende::adapters::store::DeliveryEnd::Sent;
    let message = api.clock.message_id();
    api.store.finish_outbox(api.clock.now(), &rows[0], end, message).await.unwrap();
    let view = api.get(&format!("/v1/tickets/{one}")).await.is(200);
    let last = view["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["attachments"][0]["id"], json!(id));
    assert_eq!(last["attachments"][0]["name"], "boleto.pdf");
}

#[tokio::test]
async fn a_file_whose_reply_did_not_arrive_may_go_again_in_the_same_conversation() {
    let api = Api::new().await;
    let one = api.drafted(&TenantId::main(), "t-1").await;
    let two = api.drafted(&TenantId::main(), "t-2").await;
    let file = kept(&api).await;
    let approves = json!({"action": "approve", "version": 1, "attachments": [file]});
    api.post(&format!("/v1/tickets/{one}/draft"), approves).await.is(200);
    let rows = api.store.claim_outbox(api.clock.now(), 10).await.unwrap();
    let end = atende::adapters::store::DeliveryEnd::Failed("refused".to_owned());
    let message = api.clock.message_id();
    api.store.finish_outbox(api.clock.now(), &rows[0], end, message).await.unwrap();
    let reply = json!({"text": "De novo.", "attachments": [file]});
    let elsewhere = api.post(&format!("/v1/tickets/{two}/reply"), reply.clone()).await;
    assert_eq!(elsewhere.fields(), ["attachments"], "it is somebody else's conversation");
    api.post(&format!("/v1/tickets/{one}/reply"), reply).await.is(200);
}

#[tokio::test]
async fn a_file_that_no_reply_took_is_forgotten_and_one_that_goes_with_a_rejection_is_refused() {
    let api = Api::new().await;
    let one = api.drafted(&TenantId::main(), "t-1").await;
    let (used, unused) = (kept(&api).await, kept(&api).await);
    let rejects = json!({"action": "reject", "version": 1, "reason": "não", "attachments": [used]});
    let refused = api.post(&format!("/v1/tickets/{one}/draft"), rejects).await;
    assert_eq!(refused.fields(), ["attachments"]);
    let reply = json!({"text": "Segue.", "attachments": [used]});
    api.post(&format!("/v1/tickets/{one}/reply"), reply).await.is(200);
    let later = api.clock.now() + chrono::Duration::hours(25);
    let before = api.clock.now() + chrono::Duration::hours(1);
    assert_eq!(api.store.forget_uploads(later, before).await.unwrap(), 1);
    api.get(&format!("/v1/attachments/{unused}")).await.is(404);
    assert_eq!(api.get(&format!("/v1/attachments/{used}")).await.status, 200);
    let due = api.store.claim_file(later, later + chrono::Duration::minutes(5)).await.unwrap();
    let due = due.unwrap();
    assert_eq!(
        (due.id.as_str(), due.todo),
        (unused.as_str(), atende::adapters::store::ToDo::Remove)
    );
}
