//! Messages joined into turns.

use serde_json::json;

use crate::world::{QUESTION, World};

#[tokio::test]
async fn a_burst_is_one_turn_that_ends_soon_after_the_question() {
    let mut world = World::auto().await;
    world.writes("whatsapp", "ana", "oi, tudo bem?").await;
    world.drain().await;
    world.advance(2);
    world.writes("whatsapp", "ana", "então").await;
    world.drain().await;
    world.advance(5);
    world.writes("whatsapp", "ana", "não estou conseguindo entrar").await;
    world.drain().await;
    world.advance(5);
    world.writes("whatsapp", "ana", "esqueci a senha, como recupero?").await;
    world.drain().await;
    world.advance(2);
    assert_eq!(world.drain().await, 0, "not a second early");
    assert_eq!(world.sent(), []);
    world.advance(1);
    assert_eq!(world.drain().await, 1, "three seconds after a complete question");
    assert_eq!(world.count("SELECT COUNT(DISTINCT decision_id) FROM messages").await, 1);
    let ticket = world.ticket("ana").await;
    let draft = ticket["drafts"][0]["text"].as_str().unwrap();
    assert!(draft.contains("senha"), "{draft}");
}

#[tokio::test]
async fn how_long_a_turn_stays_open_depends_on_how_the_message_ends() {
    for (text, seconds) in [
        ("Esqueci a senha, como recupero?", 3),
        ("a tela de entrada não abre desde ontem", 6),
        ("oi", 12),
    ] {
        let mut world = World::draft().await;
        world.writes("whatsapp", "ana", text).await;
        world.drain().await;
        world.advance(seconds - 1);
        assert_eq!(world.drain().await, 0, "{text}: a second before its time");
        world.advance(1);
        assert_eq!(world.drain().await, 1, "{text}: at its time");
    }
}

#[tokio::test]
async fn a_stream_of_messages_is_cut_after_forty_five_seconds() {
    let mut world = World::draft().await;
    let mut decided_at = None;
    for second in 0..60 {
        if second % 5 == 0 {
            world.writes("whatsapp", "ana", "e mais uma coisa que aconteceu aqui").await;
        }
        if world.drain().await > 0 && decided_at.is_none() {
            decided_at = Some(second);
        }
        world.advance(1);
    }
    assert_eq!(decided_at, Some(45));
    world.advance(60);
    world.drain().await;
}

#[tokio::test]
async fn a_form_is_decided_at_once_and_a_copy_of_it_changes_nothing() {
    let mut world = World::auto().await;
    let form =
        json!({"channel": "web_form", "external_id": "f-1", "thread": "f-1", "text": QUESTION});
    world.hands_in(&atende::domain::ids::TenantId::main(), "ana", form.clone()).await;
    assert_eq!(world.drain().await, 1);
    world.hands_in(&atende::domain::ids::TenantId::main(), "ana", form).await;
    assert_eq!(world.drain().await, 0);
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM messages WHERE author = 'customer'").await, 1);
}
