//! A person who wants to be forgotten: found wherever they left something, and afterwards nowhere, byte for byte.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use atende::domain::ids::TenantId;
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::process::{self, Served, run};
use crate::world::{AUTO, QUESTION, World, count};

const CPF: &str = "529.982.247-25";
const CNPJ: &str = "11.222.333/0001-81";
const CARD: &str = "4111 1111 1111 1111";
const PHONE: &str = "+55 11 98765-4321";
const EMAIL: &str = "joana.prado@exemplo.com.br";
const PIX: &str = "7d9f1c3e-5a2b-4c8d-9e6f-0a1b2c3d4e5f";
const ADDRESS: &str = "Rua das Acácias, 742";
const CEP: &str = "01310-100";
const NAME: &str = "Joana Prado Lisboa";
const BIRTH: &str = "14/03/1987";
const PASSPORT: &str = "FX384726";
const PLATE: &str = "BRA2E19";
const ORDER: &str = "PED-774201-X";
const COMPANY: &str = "Confeitaria Flor de Ipê Ltda";
const REFERENCE: &str = "cliente-joana-31";

/// What an export must show.
const THEIRS: &[&str] = &[
    CPF, CNPJ, CARD, PHONE, EMAIL, PIX, ADDRESS, CEP, NAME, BIRTH, PASSPORT, PLATE, ORDER, COMPANY,
    REFERENCE,
];
/// The same in the shapes that the program makes of it, and what callers used as keys.
const DERIVED: &[&str] =
    &["11987654321", "551187654321", "Joana", "chave-da-joana", "formulario-77"];
/// What finds her tickets.
const FOUND: &[&str] = &["joana", "87654321", "774201", "acacias", "flor%20ipe"];
/// Somebody else's, which stays.
const OTHERS: &[&str] = &["Bia Souza Queiroz", "bia.queiroz@exemplo.com.br", "111.444.777-35"];

/// Every shape in which a text may lie in a file.
fn shapes(text: &str) -> Vec<Vec<u8>> {
    let escaped: String = text
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut shapes = vec![
        text.as_bytes().to_vec(),
        text.to_lowercase().into_bytes(),
        text.replace('/', "\\/").into_bytes(),
        escaped.into_bytes(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    if digits.len() >= 8 {
        shapes.push(digits.into_bytes());
    }
    shapes
}

fn holds(bytes: &[u8], shape: &[u8]) -> bool {
    memchr::memmem::find(bytes, shape).is_some()
}

/// Every file below a folder, with its name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else {
            let mut bytes = std::fs::read(&entry).unwrap();
            // The index sets files of 32 MB up that are empty but for their beginning.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(used);
            found.push((entry.display().to_string(), bytes));
        }
    }
    found
}

/// Which of the texts lie in which files, in any shape. Another process copies the files first: one that closes a file
/// of SQLite gives up every lock that it holds on it, those of its own connections among them.
fn traces(folder: &Path, texts: &[&str]) -> Vec<String> {
    let copy = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-R").arg(folder).arg(copy.path()).status();
    assert!(copied.unwrap().success(), "the files can be copied");
    let files = files(copy.path());
    let mut found = Vec::new();
    for text in texts {
        for shape in shapes(text) {
            let in_files = files.iter().filter(|(_, bytes)| holds(bytes, &shape));
            found.extend(in_files.map(|(name, _)| format!("{text:?} in {name}")));
        }
    }
    found
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn export(data: &Path, contact: &str) -> Value {
    let output = run(data, &["privacy", "export", "--contact", contact]);
    assert!(output.status.success(), "{}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn erase(data: &Path, contact: &str) -> Output {
    run(data, &["privacy", "erase", "--contact", contact, "--yes"])
}

async fn world() -> World {
    let pack = atende::policy::Pack::embedded("saas-br").unwrap();
    let teams: Vec<&str> = pack.teams.iter().map(|team| team.id.as_str()).collect();
    let policy = format!(
        "extends: saas-br\nid: world-erasure\nversion: \"1\"\nmodes: {{default: draft}}\npeople:\n\
         - {{id: rui, email: rui@empresa.example, teams: [{}], roles: [team_lead]}}\n",
        teams.join(", ")
    );
    let world = World::with(&policy, true).await;
    // Monday, 10:00 in São Paulo.
    world.clock.advance_to("2026-11-23T13:00:00Z".parse::<DateTime<Utc>>().unwrap());
    world
}

async fn settle(world: &World) {
    world.drain().await;
    world.advance(60);
    world.drain().await;
}

/// Hands in a message and lets its turn come to its end. Returns the path of its ticket.
async fn says(world: &mut World, who: &str, body: Value) -> String {
    world.hands_in(&TenantId::main(), who, body).await;
    settle(world).await;
    format!("/v1/tickets/{}", world.ticket_id(who).await)
}

async fn act(world: &World, path: &str, what: &str, body: Value) {
    let mut body = body;
    body["agent"] = json!("rui");
    world.act("POST", &format!("{path}/{what}"), body).await;
}

/// Calls the API under a key of the caller's own.
async fn keyed(world: &World, key: &str, path: &str, body: &Value) {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("authorization", format!("Bearer {}", world.bearer()))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = world.router().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.status());
}

/// The customers' records: Joana's by a spreadsheet first, then by the API.
async fn plant_records(world: &World) {
    let elsewhere = tempfile::tempdir().unwrap();
    let csv = elsewhere.path().join("clientes.csv");
    let rows = format!(
        "reference,name,email,phone,cpf,empresa\n{REFERENCE},{NAME},{EMAIL},{PHONE},{CPF},{COMPANY}\n"
    );
    std::fs::write(&csv, rows).unwrap();
    let output = run(world.data(), &["customers", "import", csv.to_str().unwrap()]);
    assert!(output.status.success(), "{}", told(&output));
    let profile = json!({
        "name": NAME, "emails": [EMAIL], "phones": [PHONE],
        "fields": {"cnpj": CNPJ, "placa": PLATE, "pix": PIX},
    });
    world.act("PUT", &format!("/v1/customers/{REFERENCE}"), profile).await;
    let profile = json!({"name": OTHERS[0], "emails": [OTHERS[1]]});
    let main = TenantId::main();
    let (status, _) = world.call(&main, "PUT", "/v1/customers/cliente-bia", Some(profile)).await;
    assert_eq!(status, 201);
}

/// Drafts: one that an agent edits, one that an agent rejects.
async fn plant_drafts(world: &mut World) {
    for (channel, thread, decision) in [
        (
            "chat",
            "conversa-1",
            json!({"action": "edit", "text": format!("{NAME}, vai para {ADDRESS}.")}),
        ),
        (
            "api",
            "conversa-2",
            json!({"action": "reject", "reason": format!("já atendida: {NAME}, {ORDER}")}),
        ),
    ] {
        let body = json!({
            "channel": channel, "thread": thread, "from": {"reference": REFERENCE}, "text": QUESTION,
        });
        let path = says(world, thread, body).await;
        let ticket = world.get(&path).await;
        let mut decision = decision;
        decision["version"] = ticket["drafts"][0]["version"].clone();
        act(world, &path, "draft", decision).await;
        settle(world).await;
    }
}

/// A conversation with people, from the note to the rating.
async fn plant_handling(world: &mut World) {
    let whatsapp = json!({
        "channel": "whatsapp", "from": {"phone": "(11) 98765-4321", "name": NAME},
        "text": format!("quero falar com uma pessoa sobre a minha fatura. CPF {CPF}, cartão {CARD}"),
    });
    let path = says(world, "whatsapp", whatsapp).await;
    world.app().worker.tell_people().await.unwrap();
    act(world, &path, "note", json!({"text": format!("{NAME} nasceu em {BIRTH}")})).await;
    act(world, &path, "tag", json!({"add": [format!("cpf {CPF}")]})).await;
    act(world, &path, "override", json!({"field": "urgency", "value": "high"})).await;
    act(world, &path, "claim", json!({})).await;
    let now = world.app().clock.now();
    let (from, until) = (now + chrono::Duration::hours(1), now + chrono::Duration::hours(2));
    act(world, &path, "callback", json!({"from": from, "until": until})).await;
    let reply = json!({"text": format!("{NAME}, mandamos para {ADDRESS}"), "agent": "rui"});
    keyed(world, "chave-da-joana-1", &format!("{path}/reply"), &reply).await;
    settle(world).await;
    act(world, &path, "status", json!({"status": "solved"})).await;
    world.drain().await;
    let rating = json!({
        "channel": "whatsapp", "from": {"phone": "(11) 98765-4321"},
        "text": format!("nota 2, demorou demais, e nasci em {BIRTH}"),
    });
    says(world, "whatsapp", rating).await;
}

/// Every other way in, with tickets joined and parted.
async fn plant_channels(world: &mut World) {
    let email = json!({
        "channel": "email", "subject": format!("Pedido {ORDER}"), "external_id": format!("<1.{EMAIL}>"),
        "from": {"email": "Joana.Prado@Exemplo.com.br"},
        "text": format!("Comprei com o CNPJ {CNPJ}, da {COMPANY}. Quero falar com uma pessoa."),
    });
    let email = says(world, "email", email).await;
    let form = json!({
        "channel": "web_form", "thread": "formulario-77", "from": {"email": EMAIL, "name": NAME},
        "text": format!("Moro na {ADDRESS}, CEP {CEP}. Quero falar com uma pessoa."),
    });
    let form = says(world, "form", form).await;
    let into = email.rsplit('/').next().unwrap();
    act(world, &form, "merge", json!({"into": into})).await;

    let mut api = String::new();
    for text in [
        format!("Meu passaporte é {PASSPORT} e a placa é {PLATE}. Quero falar com uma pessoa."),
        format!("E a minha chave Pix é {PIX}"),
    ] {
        let body = json!({"channel": "api", "thread": "5511987654321", "text": text});
        api = says(world, "api", body).await;
    }
    let ticket = world.get(&api).await;
    let messages = ticket["messages"].as_array().unwrap();
    let last = messages.iter().rev().find(|message| message["author"] == "customer").unwrap();
    act(world, &api, "split", json!({"messages": [last["id"]]})).await;

    let call = json!({
        "channel": "phone", "caller": {"phone": PHONE, "name": NAME},
        "subject": format!("Ligação de {NAME}"), "summary": format!("Pede retorno; CPF {CPF}."),
        "notes": format!("Nascida em {BIRTH}"),
    });
    keyed(world, "chave-da-joana-2", "/v1/tickets", &call).await;
    settle(world).await;

    let words = json!({"pt-BR": "O envio está falhando.", "en": "Sending is failing."});
    world.declare(json!({"kind": "outage", "name": "INC-9", "message": words})).await;
    let chat = json!({
        "channel": "chat", "thread": "conversa-1", "from": {"reference": REFERENCE},
        "text": format!("e o meu pedido {ORDER}, já voltou?"),
    });
    says(world, "conversa-1", chat).await;
    world.get(&format!("{email}/handover")).await;
}

/// What is still on its way: a reply that has not left, a message that waits for its decision, one that waits to be
/// filed.
async fn plant_unfinished(world: &mut World) {
    let body = |text: String| json!({"channel": "chat", "thread": "conversa-1", "from": {"reference": REFERENCE}, "text": text});
    let main = TenantId::main();
    let email = format!("/v1/tickets/{}", world.ticket_id("email").await);
    act(world, &email, "reply", json!({"text": format!("Prezada {NAME}, vimos o {ORDER}.")})).await;
    world.hands_in(&main, "conversa-1", body(format!("o CEP é {CEP}"))).await;
    world.app().worker.file_messages().await.unwrap();
    world.hands_in(&main, "conversa-1", body(format!("e o cartão, {CARD}"))).await;
}

async fn plant_somebody_else(world: &mut World) -> String {
    let body = json!({
        "channel": "whatsapp", "from": {"email": OTHERS[1], "name": OTHERS[0]},
        "text": format!("quero falar com uma pessoa. Meu CPF é {}", OTHERS[2]),
    });
    says(world, "bia", body).await
}

async fn finds(world: &World, words: &str) -> usize {
    let found = world.get(&format!("/v1/search?q={words}")).await;
    found["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn whoever_is_erased_leaves_no_byte_behind_and_everybody_else_stays() {
    let mut world = world().await;
    plant_records(&world).await;
    plant_drafts(&mut world).await;
    plant_handling(&mut world).await;
    plant_channels(&mut world).await;
    let bia = plant_somebody_else(&mut world).await;
    plant_unfinished(&mut world).await;
    let data = world.data().to_owned();
    for text in THEIRS.iter().chain(DERIVED).chain(OTHERS) {
        assert!(!traces(&data, &[text]).is_empty(), "{text} was planted");
    }
    let people = "SELECT COUNT(*) FROM outbox WHERE audience = 'people'";
    assert!(world.count(people).await > 0, "people were told of her tickets");

    let found = export(&data, PHONE);
    let text = found.to_string();
    for theirs in THEIRS {
        assert!(text.contains(theirs), "the export lacks {theirs}");
    }
    for other in OTHERS {
        assert!(!text.contains(other), "the export shows {other}");
    }
    assert_eq!(found["waiting"].as_array().unwrap().len(), 1, "{found}");
    let ids = |export: &Value| export["conversations"].to_string();
    for contact in [EMAIL, REFERENCE, "JOANA.PRADO@exemplo.com.br", "11 8765-4321"] {
        assert_eq!(ids(&export(&data, contact)), ids(&found), "{contact}");
    }

    for words in FOUND {
        assert!(finds(&world, words).await > 0, "{words} finds her");
    }
    let trail = "SELECT seq || ' ' || at || action || actor || COALESCE(ticket_id, '') FROM audit ORDER BY seq";
    let records = "SELECT record FROM decisions ORDER BY id";
    let (trail_before, records_before) = (world.column(trail).await, world.column(records).await);
    let refused = run(&data, &["privacy", "erase", "--contact", EMAIL]);
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("--yes"), "{}", told(&refused));
    assert_eq!(ids(&export(&data, EMAIL)), ids(&found), "nothing was erased");

    let erased = erase(&data, PHONE);
    assert!(erased.status.success(), "{}", told(&erased));
    assert!(told(&erased).contains("have not left"), "{}", told(&erased));
    assert!(told(&erased).contains("store.db was rewritten"), "{}", told(&erased));
    assert!(told(&erased).contains("inbox.db was rewritten"), "{}", told(&erased));
    let gone: Vec<&str> = THEIRS.iter().chain(DERIVED).copied().collect();
    assert_eq!(traces(&data, &gone), Vec::<String>::new());
    for other in OTHERS {
        assert!(!traces(&data, &[other]).is_empty(), "{other} stays");
    }

    for words in FOUND {
        assert_eq!(finds(&world, words).await, 0, "{words} finds nobody");
    }
    assert!(finds(&world, "queiroz").await > 0, "Bia is found");
    let trail_after = world.column(trail).await;
    assert!(trail_after.starts_with(&trail_before), "the trail only grows");
    let erasures = trail_after.iter().filter(|line| line.contains("privacy.erased")).count();
    assert_eq!(erasures, 1);
    assert_eq!(world.column(records).await, records_before, "decisions stay");
    let check = run(&data, &["store", "check"]);
    assert!(check.status.success(), "{}", told(&check));
    let again = erase(&data, PHONE);
    assert_eq!(again.status.code(), Some(1));
    assert!(told(&again).contains("nothing is kept of this contact"), "{}", told(&again));

    let sent = world.sent().len();
    world.advance(3600);
    world.drain().await;
    world.app().worker.tell_people().await.unwrap();
    for late in world.sent().iter().skip(sent) {
        let leaves = gone.iter().find(|text| holds(&late.raw, text.as_bytes()));
        assert_eq!(leaves, None, "nothing leaves to her any more");
    }
    let open = "SELECT COUNT(*) FROM tickets WHERE status <> 'closed'";
    assert_eq!(world.count(open).await, 1, "only Bia's");
    let words = world.get(&bia).await["messages"][0]["text"].to_string();
    assert!(words.contains(OTHERS[2]), "{words}");

    let body = json!({
        "channel": "whatsapp", "from": {"phone": "(11) 98765-4321"}, "text": QUESTION,
    });
    let path = says(&mut world, "whatsapp", body).await;
    let ticket = world.get(&path).await;
    assert_eq!((&ticket["parent_id"], &ticket["customer"]), (&Value::Null, &Value::Null));
    assert_eq!(ticket["linked"], json!([]), "whoever writes again is somebody new");
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < process::PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_erased_beside_a_running_worker() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    process::put(data, "auto.yaml", AUTO);
    process::put(data, "atende.toml", "[policy]\nfile = \"auto.yaml\"\n");
    let bearer = process::token(data, &TenantId::main(), "erasure").await;
    let served = Served::start(data);
    let client = process::client();
    for (number, phone) in
        (0..20).map(|n| (n, format!("+55 31 94444-00{n:02}"))).chain([(99, PHONE.to_owned())])
    {
        let body = json!({
            "channel": "api", "external_id": format!("m-{number}"), "from": {"phone": phone, "name": format!("Nome {number}")},
            "text": format!("{QUESTION} O pedido é o {number}-PEDIDO."),
        });
        let path = format!("{}/v1/messages", served.url);
        let answer = client.post(path).bearer_auth(&bearer).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }
    let store = data.join("store.db");
    let decided =
        "SELECT COUNT(*) FROM messages WHERE author = 'customer' AND decision_id IS NOT NULL";
    until("every decision", async || count(&store, decided).await == 21).await;

    let theirs = &[PHONE, "11987654321", "551187654321", "Nome 99", "99-PEDIDO"];
    assert!(!traces(data, theirs).is_empty());
    let erased = erase(data, PHONE);
    assert!(erased.status.success(), "{}", told(&erased));
    assert_eq!(traces(data, theirs), Vec::<String>::new(), "while the worker runs");
    assert!(served.stop());
    assert_eq!(traces(data, theirs), Vec::<String>::new(), "and after its end");
    let words = "SELECT COUNT(*) FROM messages WHERE author = 'customer' AND text <> ''";
    assert_eq!(count(&store, words).await, 20, "the others keep theirs");
    let check = run(data, &["store", "check"]);
    assert!(check.status.success(), "{}", told(&check));
}
