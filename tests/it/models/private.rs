//! Nothing of a person leaves for a model: every byte that is sent, every line of the log and every recording is read.

use std::path::Path;

use atende::adapters::cassette::Cassette;
use atende::config::{ModelSettings, RungSettings};
use atende::domain::ids::TenantId;
use serde_json::json;

use crate::world::endpoint::{Endpoint, Play};
use crate::world::{AUTO, World, install_logs};

/// What the customer says of themselves, each in the spellings that a machine may turn it into.
const PLANTED: &[&[&str]] = &[
    &["529.982.247-25", "52998224725"],
    &["11.222.333/0001-81", "11222333000181"],
    &["4111 1111 1111 1111", "4111111111111111"],
    &["98765-4321", "987654321"],
    &["joana.prado@exemplo.com.br", "joana.prado"],
    &["123e4567-e89b-42d3-a456-426614174000"],
    &["01310-100", "01310100"],
    &["Joana", "Prado"],
    &["hunter2secreta"],
    &[
        "23793.38128 60007.827136 95000.063305 9 84660000012345",
        "23793381286000782713695000063305984660000012345",
    ],
];

const TEXTS: &[&str] = &[
    "Oi, aqui é a Joana Prado. Meu CPF é 529.982.247-25 e o CNPJ da firma é 11.222.333/0001-81, e a tela nova não some",
    "meu cartão 4111 1111 1111 1111 foi recusado na tela nova, meu telefone é (11) 98765-4321",
    "manda pra joana.prado@exemplo.com.br, minha chave pix é 123e4567-e89b-42d3-a456-426614174000, CEP 01310-100",
    "minha senha: hunter2secreta. o boleto 23793.38128 60007.827136 95000.063305 9 84660000012345 não abre na tela nova",
];

fn all_files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all_files(&entry.path(), found);
        } else {
            found.push(std::fs::read(entry.path()).unwrap());
        }
    }
}

#[tokio::test]
async fn what_is_sent_said_and_recorded_holds_nobodys_data() {
    let (logs, _listening) = install_logs();
    let endpoint = Endpoint::start(|asked| {
        // The model repeats whatever placeholders it sees, as careless ones do.
        let user = asked.user();
        let places: Vec<&str> = user
            .split('[')
            .skip(1)
            .filter_map(|rest| rest.split(']').next())
            .filter(|inner| {
                inner.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            })
            .collect();
        let text = format!("Recebemos [{}].", places.last().copied().unwrap_or("CPF_9"));
        let answer = match asked.purpose() {
            "triage" => json!({
                "reading": text, "category": "technical", "subcategory": null, "urgency": "normal",
                "sentiment": "neutral", "complexity": "simple", "signals": [], "needs_human": false,
                "response": "explanation", "resolution": "hours",
            }),
            _ => json!({
                "language": "pt-BR", "open_questions": [], "promises": [], "needs_human": false,
                "sentences": [{"text": text, "cites": [1], "layout": "paragraph"}],
            }),
        };
        Play::Answer(answer.to_string().into())
    })
    .await;
    let tapes = tempfile::tempdir().unwrap();
    let rung = |model: &str| RungSettings {
        profile: "openai".to_owned(),
        base_url: Some(endpoint.base_url()),
        model: Some(model.to_owned()),
        ..RungSettings::default()
    };
    let models = ModelSettings {
        primary: rung("small"),
        escalation: rung("large"),
        cassette: Some(Cassette::Record(tapes.path().to_owned())),
        ..ModelSettings::default()
    };
    let mut world = World::with_models(AUTO, models).await;
    for (at, text) in TEXTS.iter().enumerate() {
        for channel in ["whatsapp", "email", "chat"] {
            let body = json!({
                "channel": channel, "thread": format!("{channel}-{at}"), "text": text, "subject": "CPF 529.982.247-25",
                "from": {"name": "Joana Prado", "phone": "+55 11 98765-4321", "email": "joana.prado@exemplo.com.br"},
            });
            world.hands_in(&TenantId::main(), "joana", body).await;
            world.drain().await;
            world.advance(60);
            world.drain().await;
        }
    }
    let asked = endpoint.asked();
    assert!(asked.len() >= 6, "the story needs questions: {}", asked.len());
    let mut recorded = Vec::new();
    all_files(tapes.path(), &mut recorded);
    assert!(recorded.len() > asked.len() / 2, "what was asked is recorded");
    let said = logs.text();
    for spelling in PLANTED.iter().flat_map(|spellings| spellings.iter()) {
        for question in &asked {
            let body = String::from_utf8_lossy(&question.body);
            assert!(!body.contains(spelling), "a model was sent {spelling}: {body}");
        }
        assert!(!said.contains(spelling), "the log holds {spelling}");
        for file in &recorded {
            assert!(
                !String::from_utf8_lossy(file).contains(spelling),
                "a recording holds {spelling}"
            );
        }
    }
    for sent in world.sent() {
        assert!(
            !sent.text().contains("Recebemos"),
            "what repeats data waits for a person: {}",
            sent.text()
        );
    }
}
