//! How pages look: narrow, dark, in both languages, without anything that complains or runs over the edge.

use atende::domain::ids::TenantId;
use atende::domain::role::Role;

use super::{Screen, chromium};
use crate::desk::{Browser, somebody};
use crate::world::{QUESTION, World};

/// Pages that everybody of the team may open, as an admin.
const PAGES: &[&str] =
    &["/desk/review", "/desk/review?ver=message", "/desk/tickets", "/desk/account", "/desk/people"];

#[tokio::test]
async fn pages_fit_every_width_in_light_and_dark_and_complain_of_nothing() {
    if chromium().is_none() {
        return;
    }
    let mut world = World::draft().await;
    for who in ["maria", "joao"] {
        world.writes("chat", who, QUESTION).await;
    }
    world
        .writes(
            "email",
            "grace",
            "I was charged twice and I want my money back today, this is a scam!",
        )
        .await;
    world.drain().await;
    world.advance(120);
    world.drain().await;
    let admin = somebody(&world, &TenantId::main(), "Ana Souza", Role::Admin).await;
    let admin = Browser::of(&world, &admin).await;
    let number = world.ticket("grace").await["number"].as_str().unwrap().to_owned();
    let mut screen = Screen::of(&world).await.unwrap();
    let window = screen.window(Some(&admin), "/desk/review").await;
    let ticket = format!("/desk/t/{number}?aba=audit");
    for page in PAGES.iter().copied().chain([ticket.as_str()]) {
        for (width, height) in [(1440, 900), (1000, 800), (720, 900), (390, 844), (320, 640)] {
            window.size(width, height).await;
            window.open(page).await;
            let name = page.trim_matches('/').replace(['/', '?', '='], "-");
            for scheme in ["light", "dark"] {
                window.scheme(scheme).await;
                window.picture(&format!("{name}-{width}-{scheme}")).await;
            }
            let over: i64 = window
                .says("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                .await;
            assert_eq!(over, 0, "{page} runs over the edge at {width}");
            let headings: i64 = window.says("document.querySelectorAll('h1').length").await;
            assert_eq!(headings, 1, "{page} has one heading");
        }
    }
    assert_eq!(screen.close().await, Vec::<String>::new());
}

#[tokio::test]
async fn somebody_signs_in_and_out() {
    if chromium().is_none() {
        return;
    }
    let world = World::draft().await;
    let mut screen = Screen::of(&world).await.unwrap();
    let window = screen.window(None, "/desk/review").await;
    window.until("location.pathname === '/desk/login'").await;
    window.picture("login").await;
    window.page.find_element("#login").await.unwrap().click().await.unwrap();
    window.types("rafa@loja.example").await;
    window.page.find_element("#password").await.unwrap().click().await.unwrap();
    window.types("errada-errada-errada").await;
    window.press("Enter").await;
    window.until("document.querySelector('[role=alert]') !== null").await;
    window.picture("login-wrong").await;
    let problems = screen.close().await;
    assert!(problems.iter().all(|problem| problem.contains("401")), "{problems:?}");
}
