//! What a customer says stays in the conversation: records, trails, jobs and logs never hold it.

use atende::domain::ids::TenantId;
use serde_json::json;

use crate::world::{World, install_logs};

/// What must not leak, as written and in the shapes that a machine may turn it into.
const SECRETS: &[&str] = &[
    "529.982.247-25",
    "52998224725",
    "joana.prado",
    "98765-4321",
    "987654321",
    "4111 1111 1111 1111",
    "4111111111111111",
    "Joana",
    "Prado",
    "recupero",
];

#[tokio::test]
async fn records_trails_jobs_and_logs_hold_nobodys_data() {
    let (logs, _listening) = install_logs();
    let mut world = World::auto().await;
    let texts = [
        "Oi, aqui é a Joana Prado. Esqueci a senha, como recupero? Meu CPF é 529.982.247-25",
        "e-mail joana.prado@exemplo.com.br, telefone (11) 98765-4321",
        "paguei com o cartão 4111 1111 1111 1111 e quero um reembolso, Joana Prado",
        "quero falar com uma pessoa. Joana Prado, CPF 52998224725",
    ];
    for (at, text) in texts.iter().enumerate() {
        let body = json!({
            "channel": "whatsapp", "thread": format!("t-{at}"), "text": text, "subject": "CPF 529.982.247-25",
            "from": {"name": "Joana Prado", "phone": "+55 11 98765-4321", "email": "joana.prado@exemplo.com.br"},
        });
        world.hands_in(&TenantId::main(), "joana", body).await;
        world.drain().await;
        world.advance(60);
        world.drain().await;
    }
    // Every end that a reply can come to, with its line in the log.
    world.receiver.then_answers(&[500, 400]);
    let ticket = world.ticket("joana").await;
    let path = format!("/v1/tickets/{}/reply", ticket["id"].as_str().unwrap());
    world.act("POST", &path, json!({"text": "Joana Prado, CPF 529.982.247-25, certo?"})).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    world.writes("api", "poison", "Joana Prado 529.982.247-25").await;
    world.app().worker.file_messages().await.unwrap();
    for _ in 0..crate::world::MAX_ATTEMPTS {
        world.die_over_due_jobs().await;
    }
    world.drain().await;
    world.expected_dead = 1;

    let conversation = world.column("SELECT text FROM messages").await.concat();
    for secret in ["Joana Prado", "529.982.247-25", "4111 1111 1111 1111", "(11) 98765-4321"] {
        assert!(conversation.contains(secret), "the conversation keeps {secret}");
    }
    for table in [
        "SELECT record FROM decisions",
        "SELECT COALESCE(before, '') || COALESCE(after, '') || COALESCE(cause, '') || actor FROM audit",
        "SELECT id || tenant || kind || subject || COALESCE(error, '') FROM jobs",
        "SELECT COALESCE(error, '') FROM outbox",
        "SELECT fields FROM tickets",
    ] {
        let rows = world.column(table).await;
        assert!(!rows.is_empty(), "{table}");
        for secret in SECRETS {
            let found = rows.iter().find(|row| row.contains(secret));
            assert_eq!(found, None, "{table} holds {secret}");
        }
    }
    let logs = logs.text();
    assert!(logs.contains("atende::worker"), "the log was listened to: {logs}");
    for secret in SECRETS {
        let found = logs.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "a log line holds {secret}");
    }
}
