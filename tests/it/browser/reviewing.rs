//! Drafts are reviewed with the keyboard, in one browser and in two.

use atende::adapters::store::UserRow;
use atende::domain::ids::TenantId;
use atende::domain::role::Role;

use super::{Screen, chromium};
use crate::desk::{Browser, somebody};
use crate::world::{QUESTION, World};

async fn agent(world: &World, name: &str) -> Browser {
    let user: UserRow = somebody(world, &TenantId::main(), name, Role::Agent).await;
    Browser::of(world, &user).await
}

/// A world in which so many customers wait for a reviewed answer.
async fn with_drafts(count: usize) -> World {
    let mut world = World::draft().await;
    for n in 0..count {
        world.writes("chat", &format!("cliente-{n}"), QUESTION).await;
    }
    world.drain().await;
    world.advance(60);
    world.drain().await;
    world
}

#[tokio::test]
async fn ten_drafts_are_reviewed_with_the_keyboard_alone() {
    if chromium().is_none() {
        return;
    }
    let world = with_drafts(10).await;
    let rafa = agent(&world, "Rafa Lima").await;
    let mut screen = Screen::of(&world).await.unwrap();
    let window = screen.window(Some(&rafa), "/desk/review").await;
    window.until("document.querySelectorAll('#rows a').length === 10").await;
    window.picture("review-light").await;
    for left in (0..10).rev() {
        window.until("document.querySelector('#reply')?.dataset.state === 'proposed'").await;
        window.press("a").await;
        // The reply is on its way, and the next ticket is open.
        let rows = format!("document.querySelectorAll('#rows a:not(.is-gone)').length === {left}");
        window.until(&rows).await;
    }
    window.until("document.querySelectorAll('[data-recall]').length > 0").await;
    assert_eq!(
        world
            .count("SELECT COUNT(*) FROM outbox WHERE author = 'agent' AND state = 'queued'")
            .await,
        10
    );
    world.advance(10);
    world.drain().await;
    assert_eq!(world.sent().len(), 10);
    assert_eq!(screen.close().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_approval_is_undone_and_an_edit_is_sent_by_keys() {
    if chromium().is_none() {
        return;
    }
    let world = with_drafts(1).await;
    let rafa = agent(&world, "Rafa Lima").await;
    let mut screen = Screen::of(&world).await.unwrap();
    let window = screen.window(Some(&rafa), "/desk/review").await;
    window.until("document.querySelector('#reply')?.dataset.state === 'proposed'").await;
    window.press("a").await;
    window.until("document.querySelectorAll('[data-recall]').length === 1").await;
    window.press("z").await;
    window.until("document.querySelectorAll('[data-recall]').length === 0").await;
    window.until("document.querySelector('#reply')?.dataset.state === 'proposed'").await;
    window.press("e").await;
    window.until("document.activeElement?.id === 'edited'").await;
    window.page.evaluate_expression("document.activeElement.value = ''").await.unwrap();
    window.types("Oi! Na tela de entrada, toque em Esqueci a senha.").await;
    window.picture("edit").await;
    let submit = "document.querySelector('#edit-form').requestSubmit(document.querySelector('[form=edit-form]') || undefined)";
    window.page.evaluate_expression(submit).await.unwrap();
    window.until("document.querySelectorAll('[data-recall]').length === 1").await;
    world.advance(10);
    world.drain().await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["text"], "Oi! Na tela de entrada, toque em Esqueci a senha.");
    assert_eq!(screen.close().await, Vec::<String>::new());
}

#[tokio::test]
async fn of_two_agents_at_the_same_draft_one_sends_and_the_other_is_told() {
    if chromium().is_none() {
        return;
    }
    let world = with_drafts(1).await;
    let (rafa, bia) = (agent(&world, "Rafa Lima").await, agent(&world, "Bia Nogueira").await);
    let mut screen = Screen::of(&world).await.unwrap();
    let first = screen.window(Some(&rafa), "/desk/review").await;
    let second = screen.window(Some(&bia), "/desk/review").await;
    for window in [&first, &second] {
        window.until("document.querySelector('#reply')?.dataset.state === 'proposed'").await;
    }
    first.press("a").await;
    first.until("document.querySelectorAll('[data-recall]').length === 1").await;
    second.press("a").await;
    second.until("!document.querySelector('[data-recall]') && document.querySelector('#reply')?.dataset.state !== 'proposed'").await;
    second.picture("race").await;
    world.advance(10);
    world.drain().await;
    assert_eq!(world.sent().len(), 1, "nothing is sent twice");
    assert_eq!(screen.close().await, Vec::<String>::new());
}

#[tokio::test]
async fn counts_and_conversations_change_while_somebody_looks() {
    if chromium().is_none() {
        return;
    }
    let mut world = with_drafts(1).await;
    let rafa = agent(&world, "Rafa Lima").await;
    let mut screen = Screen::of(&world).await.unwrap();
    let window = screen.window(Some(&rafa), "/desk/review").await;
    window
        .until("document.querySelector('[data-count=review] [data-figure]')?.textContent === '1'")
        .await;
    world.writes("chat", "outra", QUESTION).await;
    world.drain().await;
    world.advance(60);
    world.drain().await;
    window
        .until("document.querySelector('[data-count=review] [data-figure]')?.textContent === '2'")
        .await;
    // A row below the others pushes nothing away, so it need not wait.
    window.until("document.querySelectorAll('#rows a').length === 2").await;
    world.writes("chat", "cliente-0", "E pelo celular, dá também?").await;
    world.decide_only().await;
    window.until("document.body.innerText.includes('E pelo celular, dá também?')").await;
    assert_eq!(screen.close().await, Vec::<String>::new());
}
