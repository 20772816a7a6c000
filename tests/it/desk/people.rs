//! Signing in and out, one's own account, and the people of the team.

use std::net::SocketAddr;

use atende::adapters::store::UserAdded;
use atende::app::{NewPerson, add_person, mint_login_link};
use atende::desk::DeskSettings;
use atende::domain::account::Login;
use atende::domain::ids::TenantId;
use atende::domain::labels::Locale;
use atende::domain::role::Role;
use axum::body::Body;
use regex::Regex;

use super::{Browser, Page, somebody, token};
use crate::world::{World, install_logs};

const PASSWORD: &str = "uma frase comprida";

/// Makes somebody who signs in with `PASSWORD`.
async fn with_password(world: &World, login: &str, role: Role) {
    let person = NewPerson {
        tenant: TenantId::main(),
        login: Login::parse(login).unwrap(),
        name: format!("{login} Silva"),
        role,
        locale: Locale::En,
        password: PASSWORD.to_owned(),
        must_change: false,
    };
    let app = world.app();
    let added = add_person(&app.stores.store, &app.clock, "operator", person).await.unwrap();
    assert_eq!(added, UserAdded::Done);
}

async fn sign_in(browser: &Browser, login: &str, password: &str) -> Page {
    browser.post("/desk/login", &[("login", login), ("password", password)]).await
}

fn from(address: &str) -> SocketAddr {
    format!("{address}:40000").parse().unwrap()
}

#[tokio::test]
async fn a_person_signs_in_works_and_leaves() {
    let (logs, _listening) = install_logs();
    let world = World::draft().await;
    with_password(&world, "rafa@acme.example", Role::Agent).await;
    let mut browser = Browser::new(&world);
    let first = browser.get("/desk/review?t=tck_1").await;
    assert_eq!(first.leads_to(), "/desk/login?next=%2Fdesk%2Freview%3Ft%3Dtck_1");
    let form = browser.get(first.leads_to()).await;
    assert!(form.is(200).contains("value=\"/desk/review?t&#x3D;tck_1\""), "{}", form.text);

    let wrong = sign_in(&browser, "rafa@acme.example", "outra frase comprida").await;
    let unknown = sign_in(&browser, "nobody@acme.example", PASSWORD).await;
    for page in [&wrong, &unknown] {
        assert!(page.is(422).contains("Login or password is not right."), "{}", page.text);
        assert!(page.headers.get("set-cookie").is_none());
    }
    let fields =
        [("login", " Rafa@ACME.example"), ("password", PASSWORD), ("next", "/desk/account")];
    let entered = browser.post("/desk/login", &fields).await;
    assert_eq!(entered.leads_to(), "/desk/account");
    let cookie = entered.header("set-cookie");
    assert!(cookie.ends_with("; Path=/desk; Max-Age=604800; HttpOnly; SameSite=Lax"), "{cookie}");
    browser.keep(&entered).await;
    assert_eq!(browser.get("/desk").await.leads_to(), "/desk/review");
    assert_eq!(browser.get("/desk/login?next=/desk/account").await.leads_to(), "/desk/account");

    let held = browser.cookie.clone();
    let left = browser.post("/desk/logout", &[]).await;
    assert_eq!(left.leads_to(), "/desk/login");
    assert!(left.header("set-cookie").starts_with("atende_desk=; Path=/desk; Max-Age=0"));
    browser.cookie = held;
    assert!(browser.get("/desk/account").await.leads_to().starts_with("/desk/login"));

    let said = logs.text();
    assert!(!said.contains("rafa") && !said.contains(PASSWORD), "{said}");
}

#[tokio::test]
async fn content_people_begin_at_the_content() {
    let world = World::draft().await;
    let writer = somebody(&world, &TenantId::main(), "Caio", Role::Content).await;
    let browser = Browser::of(&world, &writer).await;
    assert_eq!(browser.get("/desk").await.leads_to(), "/desk/content");
    assert_eq!(browser.get("/desk/").await.leads_to(), "/desk");
}

#[tokio::test]
async fn who_guesses_waits_longer_and_longer_and_never_for_ever() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let browser = Browser::new(&world);
    for _ in 0..5 {
        sign_in(&browser, "ana", "errada").await.is(422);
    }
    let page = sign_in(&browser, "ana", PASSWORD).await;
    assert!(page.is(429).contains("Wait 30 seconds"), "{}", page.text);
    world.advance(31);
    sign_in(&browser, "ana", "errada").await.is(422);
    let page = sign_in(&browser, "ana", "errada").await;
    assert!(page.is(429).contains("Wait 60 seconds"), "{}", page.text);
    world.advance(61);
    assert_eq!(sign_in(&browser, "ana", PASSWORD).await.leads_to(), "/desk");
    for _ in 0..5 {
        sign_in(&browser, "ana", "errada").await.is(422);
    }
    sign_in(&browser, "ana", "errada").await.is(429);
    // A login that nobody has waits just the same.
    for _ in 0..5 {
        sign_in(&browser, "ninguem", "errada").await.is(422);
    }
    sign_in(&browser, "ninguem", "errada").await.is(429);
}

#[tokio::test]
async fn an_address_that_tries_many_logins_waits_and_its_neighbours_do_not() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let mut guesser = Browser::new(&world);
    guesser.from = Some(from("192.0.2.7"));
    let store = &world.app().stores.store;
    for n in 0..30 {
        let tried = atende::adapters::store::Tried {
            login: format!("login{n}"),
            address: Some("192.0.2.7".to_owned()),
        };
        store.take_attempt(world.app().clock.now(), &tried).await.unwrap();
    }
    sign_in(&guesser, "ana", PASSWORD).await.is(429);
    guesser.from = Some(from("192.0.2.8"));
    assert_eq!(sign_in(&guesser, "ana", PASSWORD).await.leads_to(), "/desk");
    // Behind a proxy that the settings do not name, all have one address: none waits for another.
    guesser.from = Some(from("127.0.0.1"));
    assert_eq!(sign_in(&guesser, "ana", PASSWORD).await.leads_to(), "/desk");
}

#[tokio::test]
async fn a_form_counts_only_with_the_token_of_its_own_session() {
    let world = World::draft().await;
    let main = TenantId::main();
    let ana = somebody(&world, &main, "Ana", Role::Agent).await;
    let bia = somebody(&world, &main, "Bia", Role::Agent).await;
    let browser = Browser::of(&world, &ana).await;
    let of_other = Browser::of(&world, &bia).await;
    let save = "/desk/account";
    for body in
        [String::new(), "csrf=".to_owned(), format!("csrf={}", of_other.csrf), "csrf=x".to_owned()]
    {
        browser.post_bare(save, body).await.is(403);
    }
    let by_header = browser.with("x-csrf", &browser.csrf).post_bare(save, "locale=en").await;
    assert_eq!(by_header.leads_to(), "/desk/account?done=settings");
    assert_eq!(browser.post(save, &[]).await.leads_to(), "/desk/account?done=settings");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        browser.with(name, value).post(save, &[]).await.is(403);
        let page = sign_in(&browser.with(name, value), "ana", PASSWORD).await;
        page.is(403);
    }
    browser.with("origin", "http://desk.example").post(save, &[]).await.leads_to();
    let json = browser.with("content-type", "application/json").with("x-csrf", &browser.csrf);
    json.send("POST", save, Body::from("{}")).await.is(415);
    let long = format!("csrf={}&x={}", browser.csrf, "a".repeat(256 * 1024));
    browser.post_bare(save, long).await.is(413);
    let fits = format!("csrf={}&x={}", browser.csrf, "a".repeat(255 * 1024));
    browser.post_bare(save, fits).await.leads_to();
    browser.send("PUT", save, Body::empty()).await.is(415);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_a_week() {
    let world = World::draft().await;
    let ana = somebody(&world, &TenantId::main(), "Ana", Role::Agent).await;
    let browser = Browser::of(&world, &ana).await;
    world.advance(12 * 3600 - 1);
    browser.get("/desk/account").await.is(200);
    for _ in 0..13 {
        world.advance(12 * 3600 - 60);
        browser.get("/desk/account").await.is(200);
    }
    world.advance(12 * 3600);
    browser.get("/desk/account").await.leads_to();
    let page = browser.post("/desk/account", &[]).await;
    assert!(page.is(401).contains("Your session has ended"), "{}", page.text);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let world = World::draft().await;
    let main = TenantId::main();
    let ana = somebody(&world, &main, "Ana", Role::Agent).await;
    let bia = somebody(&world, &main, "Bia", Role::Agent).await;
    let here = Browser::of(&world, &ana).await;
    let there = Browser::of(&world, &ana).await;
    let elsewhere = Browser::of(&world, &ana).await;
    let of_other = Browser::of(&world, &bia).await;
    let store = &world.app().stores.store;
    let now = world.app().clock.now();
    let of_bia = store.list_sessions(now, &bia.id).await.unwrap().remove(0).id;
    let end = "/desk/sessions/revoke";
    here.post(end, &[("session", of_bia.as_str())]).await.is(404);
    here.post(end, &[]).await.is(404);
    of_other.get("/desk/account").await.is(200);
    let text = here.get("/desk/account").await.text;
    let mine = store.list_sessions(now, &ana.id).await.unwrap();
    let shown = mine.iter().filter(|row| text.contains(row.id.as_str())).count();
    assert_eq!((mine.len(), shown), (3, 2), "the others can be ended: {text}");
    assert!(!text.contains(of_bia.as_str()));

    let oldest = mine.last().unwrap().id.to_string();
    assert_eq!(
        there.post(end, &[("session", &oldest)]).await.leads_to(),
        "/desk/account?done=revoked"
    );
    here.get("/desk/account").await.leads_to();
    there.post(end, &[("session", "others")]).await.leads_to();
    elsewhere.get("/desk/account").await.leads_to();
    there.get("/desk/account").await.is(200);
    let own = store.list_sessions(now, &ana.id).await.unwrap().remove(0).id;
    let page = there.post(end, &[("session", own.as_str())]).await;
    assert_eq!(page.leads_to(), "/desk/login");
    assert!(page.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn no_form_leads_to_another_site() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let browser = Browser::new(&world);
    for next in [
        "https://evil.example/",
        "//evil.example/desk/",
        "/\\evil.example",
        "/v1/tickets",
        "javascript:x",
    ] {
        let fields = [("login", "ana"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/desk/login", &fields).await.leads_to(), "/desk", "{next}");
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let page = browser.get(&format!("/desk/login?{query}")).await;
        assert!(!page.is(200).contains("evil") && !page.text.contains("javascript:"), "{next}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_not_by_being_looked_at() {
    let world = World::draft().await;
    let ana = somebody(&world, &TenantId::main(), "Ana", Role::Agent).await;
    let app = world.app();
    let path = mint_login_link(&app.stores.store, &app.clock, &ana.id).await.unwrap();
    let mut browser = Browser::new(&world);
    for _ in 0..2 {
        let preview = browser.get(&path).await;
        assert!(
            preview.is(200).contains("Sign in as Ana") && preview.header("set-cookie").is_empty()
        );
    }
    browser.with("sec-fetch-site", "cross-site").post(&path, &[]).await.is(403);
    let entered = browser.post(&path, &[]).await;
    assert_eq!(entered.leads_to(), "/desk");
    let second = Browser::new(&world).post(&path, &[]).await;
    assert!(!second.is(410).contains("Ana") && second.header("set-cookie").is_empty());
    browser.keep(&entered).await;
    // Who came by a link has perhaps forgotten the password, and is not asked for it.
    let chosen = browser.post("/desk/account/password", &[("new", PASSWORD)]).await;
    assert_eq!(chosen.leads_to(), "/desk/account?done=password");
    assert_eq!(sign_in(&Browser::new(&world), "ana", PASSWORD).await.leads_to(), "/desk");

    let late = mint_login_link(&app.stores.store, &app.clock, &ana.id).await.unwrap();
    world.advance(15 * 60);
    browser.get(&late).await.is(410);
    browser.post(&late, &[]).await.is(410);
    browser.get("/desk/enter/x").await.is(410);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let mut browser = Browser::new(&world);
    let entered = sign_in(&browser, "ana", PASSWORD).await;
    browser.keep(&entered).await;
    let mut other = Browser::new(&world);
    let entered = sign_in(&other, "ana", PASSWORD).await;
    other.keep(&entered).await;
    let change = |old: &'static str, new: &'static str| {
        let browser = browser.clone();
        async move { browser.post("/desk/account/password", &[("old", old), ("new", new)]).await }
    };
    assert!(change(PASSWORD, "curta").await.is(422).contains("at least 12"));
    assert!(change(PASSWORD, "ana silva 2026").await.is(422).contains("almost the login"));
    assert!(change("errada", "outra frase comprida").await.is(422).contains("not right"));
    assert!(change(PASSWORD, PASSWORD).await.is(422).contains("already"));
    let changed = change(PASSWORD, "outra frase comprida").await;
    assert_eq!(changed.leads_to(), "/desk/account?done=password");
    assert!(browser.get(changed.leads_to()).await.is(200).contains("Your password is changed"));
    other.get("/desk/account").await.leads_to();
    sign_in(&other, "ana", PASSWORD).await.is(422);
    assert_eq!(sign_in(&other, "ana", "outra frase comprida").await.leads_to(), "/desk");
    // Who sits at a session of somebody else's does not get to guess.
    for _ in 0..5 {
        change("errada", "mais uma frase comprida").await.is(422);
    }
    assert!(
        change("outra frase comprida", "mais uma frase comprida").await.is(429).contains("Wait")
    );
}

#[tokio::test]
async fn preferences_are_kept_and_nonsense_is_not() {
    let world = World::draft().await;
    let ana = somebody(&world, &TenantId::main(), "Ana", Role::Agent).await;
    let browser = Browser::of(&world, &ana).await;
    let sent = [("locale", "pt-BR"), ("theme", "dark"), ("sound", "1"), ("undo_secs", "30")];
    browser.post("/desk/account", &sent).await.leads_to();
    let page = browser.get("/desk/account?done=settings").await;
    let text = page.is(200);
    assert!(text.contains("lang=\"pt-BR\"") && text.contains("data-theme=\"dark\""), "{text}");
    assert!(text.contains("Suas preferências foram salvas."), "{text}");
    browser
        .post("/desk/account", &[("theme", "pink"), ("undo_secs", "9000"), ("locale", "fr")])
        .await;
    let store = &world.app().stores.store;
    let kept = store.user(&ana.tenant, &ana.id).await.unwrap().unwrap().settings;
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["theme"], "dark");
    assert_eq!(
        (&kept["undo_secs"], &kept["sound"], &kept["keys"]),
        (&30.into(), &false.into(), &false.into())
    );
    let odd = browser.get("/desk/account?done=%3Cscript%3E").await;
    assert!(
        !odd.is(200).contains("script>alert") && !odd.text.contains("%3Cscript"),
        "{}",
        odd.text
    );
}

#[tokio::test]
async fn an_admin_adds_somebody_who_then_chooses_a_password() {
    let (logs, _listening) = install_logs();
    let world = World::draft().await;
    let main = TenantId::main();
    let admin = somebody(&world, &main, "Ana Souza", Role::Admin).await;
    let desk = Browser::of(&world, &admin).await;
    let add = |login: &'static str, name: &'static str| {
        let desk = desk.clone();
        async move {
            desk.post("/desk/people", &[("login", login), ("name", name), ("role", "supervisor")])
                .await
        }
    };
    assert!(add("a b", "Rafa").await.is(422).contains("without spaces"));
    assert!(add("rafa", "").await.is(422).contains("at least one of them a letter"));
    assert!(add("rafa", "ana SOUZA").await.is(422).contains("Add a surname"));
    assert!(add("ana.souza", "Rafa").await.is(422).contains("login is taken"));
    let page = add("rafa", "Rafa <b>Lima</b>").await;
    assert!(!page.is(200).contains("<b>Lima"), "{}", page.text);
    let shape = Regex::new("[a-z2-9]{4}(-[a-z2-9]{4}){3}").unwrap();
    let password = shape.find(&page.text).unwrap().as_str().to_owned();
    assert!(!shape.is_match(desk.get("/desk/people").await.is(200)), "shown this once");

    let mut rafa = Browser::new(&world);
    let entered = sign_in(&rafa, "rafa", &password).await;
    assert_eq!(entered.leads_to(), "/desk/account", "there is a password to choose");
    rafa.keep(&entered).await;
    assert_eq!(rafa.get("/desk").await.leads_to(), "/desk/account");
    assert_eq!(rafa.post("/desk/sessions/revoke", &[]).await.leads_to(), "/desk/account");
    let again = rafa.post("/desk/account/password", &[("new", &password)]).await;
    assert!(again.is(422).contains("already"), "{}", again.text);
    let chosen = rafa.post("/desk/account/password", &[("new", PASSWORD)]).await;
    assert_eq!(chosen.leads_to(), "/desk/account?done=password");
    assert_eq!(rafa.get("/desk").await.leads_to(), "/desk/review");
    assert!(!logs.text().contains(&password));
}

#[tokio::test]
async fn an_admin_changes_parts_keeps_out_and_lets_in_again() {
    let world = World::draft().await;
    let main = TenantId::main();
    let admin = somebody(&world, &main, "Ana Souza", Role::Admin).await;
    let agent = somebody(&world, &main, "Rafa Lima", Role::Agent).await;
    let desk = Browser::of(&world, &admin).await;
    let rafa = Browser::of(&world, &agent).await;
    let of = |who: &str, what: &str| format!("/desk/people/{who}/{what}");
    let (his, hers) = (agent.id.as_str(), admin.id.as_str());

    rafa.get("/desk/people").await.is(403);
    let promoted = desk.post(&of(his, "role"), &[("role", "admin")]).await;
    assert_eq!(promoted.leads_to(), "/desk/people?done=role");
    rafa.get("/desk/people").await.is(200);
    desk.post(&of(his, "role"), &[("role", "boss")]).await.is(422);
    for what in ["role", "disable", "password"] {
        let page = desk.post(&of(hers, what), &[("role", "agent")]).await;
        assert!(page.is(409).contains("This account is yours"), "{what}: {}", page.text);
        desk.post(&of("usr_nobody", what), &[("role", "agent")]).await.is(404);
    }
    assert_eq!(desk.post(&of(his, "disable"), &[]).await.leads_to(), "/desk/people?done=disabled");
    rafa.get("/desk/account").await.leads_to();
    sign_in(&rafa, "rafa.lima", PASSWORD).await.is(422);
    assert_eq!(desk.post(&of(his, "enable"), &[]).await.leads_to(), "/desk/people?done=enabled");
    rafa.get("/desk/account").await.leads_to();

    let back = Browser::of(&world, &agent).await;
    let reset = desk.post(&of(his, "password"), &[]).await;
    let shape = Regex::new("[a-z2-9]{4}(-[a-z2-9]{4}){3}").unwrap();
    let password = shape.find(reset.is(200)).unwrap().as_str();
    back.get("/desk/account").await.leads_to();
    assert_eq!(sign_in(&back, "rafa.lima", password).await.leads_to(), "/desk/account");
}

#[tokio::test]
async fn pages_may_load_nothing_from_elsewhere_and_stay_in_no_cache() {
    let world = World::draft().await;
    let ana = somebody(&world, &TenantId::main(), "Ana", Role::Agent).await;
    let browser = Browser::of(&world, &ana).await;
    let nobody = Browser::new(&world);
    let refused = browser.with("sec-fetch-site", "cross-site").post("/desk/account", &[]).await;
    let pages = [
        browser.get("/desk/account").await,
        browser.get("/desk/people").await,
        browser.get("/desk/nowhere").await,
        browser.get(&format!("/desk/account?{}", "a".repeat(9000))).await,
        nobody.get("/desk/login").await,
        nobody.get("/desk/account").await,
        refused,
    ];
    let statuses: Vec<u16> = pages.iter().map(|page| page.status).collect();
    assert_eq!(statuses, [200, 403, 404, 414, 200, 303, 403]);
    for page in &pages {
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'")
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{name}");
        }
        assert!(
            !page.text.contains(" style=") && !page.text.contains(" onclick="),
            "{}",
            page.text
        );
    }
    let login = &pages[4].text;
    let sheet = Regex::new("href=\"(/desk/a/[^\"]+[.]css)\"").unwrap().captures(login).unwrap();
    let sheet = nobody.get(&sheet[1]).await;
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert!(sheet.header("cache-control").contains("immutable"));
    nobody.get("/desk/a/0000/desk.css").await.is(404);
    // The API beside it answers as ever.
    let api = nobody.get("/v1/nothing").await;
    assert_eq!((api.status, api.header("content-type")), (404, "application/problem+json"));
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let public = DeskSettings { public_url: Some("https://desk.example".to_owned()), proxies: 0 };
    let mut browser = Browser::behind(&world, public);
    let entered = sign_in(&browser, "ana", PASSWORD).await;
    let cookie = entered.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-atende_desk=") && cookie.contains("; Path=/; "), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    browser.keep(&entered).await;
    browser.get("/desk/account").await.is(200);
    // A cookie that a plain connection could have set is none.
    browser.cookie = browser.cookie.map(|pair| pair.replace("__Host-", ""));
    browser.get("/desk/account").await.leads_to();

    let proxied = DeskSettings { public_url: None, proxies: 1 };
    let browser = Browser::behind(&world, proxied);
    for (proto, secure) in [("https", true), ("http", false)] {
        let page = sign_in(&browser.with("x-forwarded-proto", proto), "ana", PASSWORD).await;
        assert_eq!(page.header("set-cookie").contains("Secure"), secure, "{proto}");
    }
    let direct = Browser::new(&world).with("x-forwarded-proto", "https");
    let page = sign_in(&direct, "ana", PASSWORD).await;
    assert!(!page.header("set-cookie").contains("Secure"), "nobody vouches for that header");
}

#[tokio::test]
async fn signing_in_again_replaces_the_session_of_the_browser() {
    let world = World::draft().await;
    with_password(&world, "ana", Role::Agent).await;
    let mut browser = Browser::new(&world);
    let entered = sign_in(&browser, "ana", PASSWORD).await;
    browser.keep(&entered).await;
    let before = browser.clone();
    let again = sign_in(&browser, "ana", PASSWORD).await;
    browser.keep(&again).await;
    before.get("/desk/account").await.leads_to();
    let text = browser.get("/desk/account").await.text;
    assert_eq!(token(&text), browser.csrf);
}
