//! Accounts of the team: who may sign in, for how long, and how long who guesses waits.

use atende::adapters::store::{
    Attempt, Entered, NewSession, NewUser, Tried, UserAdded, UserChange, UserChanged, UserRow,
};
use atende::domain::account::Login;
use atende::domain::ids::{SessionId, TenantId, UserId};
use atende::domain::role::Role;

use super::world::{World, at, fresh, main_tenant, on_both, tenant};

on_both! {
    a_login_is_one_persons_everywhere_and_a_name_one_persons_in_a_business,
    accounts_of_businesses_are_apart,
    a_business_keeps_somebody_who_looks_after_accounts,
    two_admins_cannot_leave_together,
    a_session_lasts_while_it_is_used_and_a_week_at_the_longest,
    that_a_session_is_used_is_written_once_a_minute,
    sessions_end_when_their_owner_says_so_and_no_others,
    whoever_is_kept_out_is_out_at_once,
    a_chosen_password_ends_the_other_sessions,
    nobody_is_signed_in_in_more_than_twenty_browsers,
    a_link_works_once_and_for_a_quarter_of_an_hour,
    waits_grow_with_each_failure_and_end,
    an_address_waits_apart_from_its_logins,
    a_success_forgets_the_login_and_not_the_address,
    changes_of_accounts_are_in_the_trail_without_secrets,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn user(tenant: &TenantId, login: &str, name: &str, role: Role) -> NewUser {
    NewUser {
        id: UserId::from_bits(fresh()),
        tenant: tenant.clone(),
        login: Login::parse(login).unwrap(),
        name: name.to_owned(),
        role,
        password_hash: "hash-one".to_owned(),
        must_change: false,
        settings: "{}".to_owned(),
    }
}

async fn added(w: &World, login: &str, role: Role) -> UserRow {
    let new = user(&main_tenant(), login, &format!("{login} Silva"), role);
    let (id, tenant) = (new.id.clone(), new.tenant.clone());
    assert_eq!(w.store.add_user(at(0), "operator", new).await.unwrap(), UserAdded::Done);
    w.store.user(&tenant, &id).await.unwrap().unwrap()
}

fn session(secret: &str) -> NewSession {
    NewSession {
        id: SessionId::from_bits(fresh()),
        secret: secret.to_owned(),
        csrf: format!("csrf of {secret}"),
        entered: Entered::Password,
        device: "Firefox, Linux".to_owned(),
    }
}

async fn signed_in(w: &World, user: &UserRow, now: i64, secret: &str) -> SessionId {
    let new = session(secret);
    let id = new.id.clone();
    assert!(w.store.begin_session(at(now), &user.id, new).await.unwrap());
    id
}

/// Whether a secret opens the desk.
async fn opens(w: &World, now: i64, secret: &str) -> bool {
    w.store.session(at(now), secret).await.unwrap().is_some()
}

async fn change(w: &World, user: &UserRow, change: UserChange) -> UserChanged {
    w.store.change_user(at(9), "agent:Chefe", &user.tenant, &user.id, change).await.unwrap()
}

async fn a_login_is_one_persons_everywhere_and_a_name_one_persons_in_a_business(w: &World) {
    let (main, other) = (main_tenant(), tenant("other"));
    let add = |tenant: &TenantId, login: &str, name: &str| {
        let (store, new) = (w.store.clone(), user(tenant, login, name, Role::Agent));
        async move { store.add_user(at(0), "operator", new).await.unwrap() }
    };
    assert_eq!(add(&main, "Rafa@Acme.example", "Rafa Lima").await, UserAdded::Done);
    for (tenant, login, name, expected) in [
        (&main, "rafa@acme.example", "Outra Pessoa", UserAdded::LoginTaken),
        (&other, "RAFA@acme.example", "Outra Pessoa", UserAdded::LoginTaken),
        (&main, "rafa2", "RAFA lima", UserAdded::NameTaken),
        (&main, "rafa2", "Rafa\0Lima", UserAdded::Done),
        (&other, "rafa3", "Rafa Lima", UserAdded::Done),
        (&main, "elio", "Élio", UserAdded::Done),
        (&main, "elio2", "élio", UserAdded::NameTaken),
    ] {
        assert_eq!(add(tenant, login, name).await, expected, "{tenant} {login} {name:?}");
    }
    let login = Login::parse("RAFA@ACME.EXAMPLE").unwrap();
    let rafa = w.store.user_by_login(&login).await.unwrap().unwrap();
    assert_eq!((rafa.name.as_str(), rafa.role, rafa.tenant), ("Rafa Lima", Role::Agent, main));
    assert_eq!((rafa.created_at, rafa.seen_at, rafa.disabled_at), (at(0), None, None));
    let hash = w.store.password_hash(&rafa.id).await.unwrap();
    assert_eq!(hash.as_deref(), Some("hash-one"));
}

async fn accounts_of_businesses_are_apart(w: &World) {
    let main = added(w, "ana", Role::Supervisor).await;
    let other = tenant("other");
    let bia = user(&other, "bia", "Bia", Role::Admin);
    w.store.add_user(at(0), "operator", bia).await.unwrap();
    assert!(w.store.user(&other, &main.id).await.unwrap().is_none());
    let moved = w.store.change_user(at(1), "agent:Bia", &other, &main.id, UserChange::Disable);
    assert_eq!(moved.await.unwrap(), UserChanged::Unknown);
    let names = |tenant: TenantId, roles: &'static [Role]| {
        let store = w.store.clone();
        async move { store.names_with(&tenant, roles).await.unwrap() }
    };
    assert_eq!(names(main_tenant(), &[Role::Supervisor, Role::Admin]).await, ["ana Silva"]);
    assert_eq!(names(main_tenant(), &[Role::Admin]).await, [""; 0]);
    assert_eq!(names(other.clone(), &[Role::Admin]).await, ["Bia"]);
    let listed = w.store.list_users(Some(&other)).await.unwrap();
    assert_eq!(listed.iter().map(|user| user.login.as_str()).collect::<Vec<_>>(), ["bia"]);
    assert_eq!(w.store.list_users(None).await.unwrap().len(), 2);
}

async fn a_business_keeps_somebody_who_looks_after_accounts(w: &World) {
    let (ana, bia) = (added(w, "ana", Role::Admin).await, added(w, "bia", Role::Agent).await);
    assert_eq!(change(w, &ana, UserChange::Disable).await, UserChanged::LastAdmin);
    assert_eq!(change(w, &ana, UserChange::Role(Role::Agent)).await, UserChanged::LastAdmin);
    assert_eq!(change(w, &ana, UserChange::Role(Role::Admin)).await, UserChanged::Same);
    assert_eq!(change(w, &bia, UserChange::Role(Role::Admin)).await, UserChanged::Done);
    assert_eq!(change(w, &bia, UserChange::Disable).await, UserChanged::Done);
    assert_eq!(
        change(w, &ana, UserChange::Disable).await,
        UserChanged::LastAdmin,
        "nobody enabled"
    );
    assert_eq!(change(w, &bia, UserChange::Role(Role::Agent)).await, UserChanged::Done);
    assert_eq!(change(w, &bia, UserChange::Enable).await, UserChanged::Done);
    assert_eq!(change(w, &bia, UserChange::Enable).await, UserChanged::Same);
    assert_eq!(change(w, &bia, UserChange::Disable).await, UserChanged::Done);
}

async fn two_admins_cannot_leave_together(w: &World) {
    let (ana, bia) = (added(w, "ana", Role::Admin).await, added(w, "bia", Role::Admin).await);
    let (one, two) = tokio::join!(
        change(w, &ana, UserChange::Role(Role::Agent)),
        change(w, &bia, UserChange::Disable),
    );
    let mut ends = [one, two];
    ends.sort_by_key(|end| *end == UserChanged::LastAdmin);
    assert_eq!(ends, [UserChanged::Done, UserChanged::LastAdmin]);
    let admins = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL";
    assert_eq!(w.number(admins).await, 1);
}

async fn a_session_lasts_while_it_is_used_and_a_week_at_the_longest(w: &World) {
    let ana = added(w, "ana", Role::Agent).await;
    signed_in(w, &ana, 0, "idle").await;
    assert!(opens(w, 0, "idle").await);
    assert!(!opens(w, 0, "IDLE").await && !opens(w, 0, "").await);
    assert!(!opens(w, 12 * HOUR, "idle").await, "unused for half a day");
    signed_in(w, &ana, 0, "used").await;
    for times in 1..=15 {
        assert!(opens(w, times * 11 * HOUR, "used").await, "{times}");
    }
    let kept = w.number("SELECT COUNT(*) FROM sessions WHERE secret_hash = 'used'").await;
    assert_eq!(kept, 0, "the secret is not stored");
    assert!(!opens(w, 7 * DAY, "used").await, "a week is the longest");
    signed_in(w, &ana, 7 * DAY, "new").await;
    assert_eq!(w.number("SELECT COUNT(*) FROM sessions").await, 1, "what is over is removed");
}

async fn that_a_session_is_used_is_written_once_a_minute(w: &World) {
    let ana = added(w, "ana", Role::Agent).await;
    signed_in(w, &ana, 0, "s").await;
    for (now, expected) in [(59, 0), (60, 60), (90, 60), (119, 60), (120, 120)] {
        assert!(opens(w, now, "s").await);
        let rows = w.store.list_sessions(at(now), &ana.id).await.unwrap();
        assert_eq!(rows[0].seen_at, at(expected), "at {now} s");
        assert_eq!(rows[0].expires_at, at(expected + 12 * HOUR));
    }
    let ana = w.store.user(&ana.tenant, &ana.id).await.unwrap().unwrap();
    assert_eq!(ana.seen_at, Some(at(120)));
}

async fn sessions_end_when_their_owner_says_so_and_no_others(w: &World) {
    let (ana, bia) = (added(w, "ana", Role::Agent).await, added(w, "bia", Role::Agent).await);
    let one = signed_in(w, &ana, 0, "one").await;
    let two = signed_in(w, &ana, 1, "two").await;
    signed_in(w, &ana, 2, "three").await;
    let hers = signed_in(w, &bia, 3, "hers").await;
    let listed = w.store.list_sessions(at(4), &ana.id).await.unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!((listed[2].id.clone(), listed[2].device.as_str()), (one.clone(), "Firefox, Linux"));
    assert!(!w.store.end_session(&ana.id, &hers).await.unwrap(), "not somebody else's");
    assert!(!w.store.end_session(&ana.id, &SessionId::from_stored("\0")).await.unwrap());
    assert!(w.store.end_session(&ana.id, &one).await.unwrap());
    assert!(!w.store.end_session(&ana.id, &one).await.unwrap());
    assert!(!opens(w, 5, "one").await && opens(w, 5, "two").await && opens(w, 5, "hers").await);
    w.store.end_other_sessions(&ana.id, &two).await.unwrap();
    assert!(opens(w, 6, "two").await && !opens(w, 6, "three").await && opens(w, 6, "hers").await);
}

async fn whoever_is_kept_out_is_out_at_once(w: &World) {
    let (ana, bia) = (added(w, "ana", Role::Agent).await, added(w, "bia", Role::Agent).await);
    for (user, secret) in [(&ana, "a"), (&ana, "b"), (&bia, "c")] {
        signed_in(w, user, 0, secret).await;
    }
    w.store.add_login_link(at(0), &ana.id, "link").await.unwrap();
    assert_eq!(change(w, &ana, UserChange::Disable).await, UserChanged::Done);
    assert!(!opens(w, 1, "a").await && !opens(w, 1, "b").await && opens(w, 1, "c").await);
    assert!(w.store.login_link(at(1), "link").await.unwrap().is_none());
    assert!(!w.store.begin_session(at(1), &ana.id, session("d")).await.unwrap(), "not meanwhile");
    assert_eq!(change(w, &ana, UserChange::Enable).await, UserChanged::Done);
    assert!(!opens(w, 2, "a").await, "what ended stays ended");
    signed_in(w, &ana, 3, "e").await;
    let reset = UserChange::ResetPassword("hash-two".to_owned());
    assert_eq!(change(w, &ana, reset).await, UserChanged::Done);
    assert!(!opens(w, 4, "e").await);
    let row = w.store.user(&ana.tenant, &ana.id).await.unwrap().unwrap();
    assert!(row.must_change);
    assert_eq!(w.store.password_hash(&ana.id).await.unwrap().as_deref(), Some("hash-two"));
}

async fn a_chosen_password_ends_the_other_sessions(w: &World) {
    let ana = added(w, "ana", Role::Agent).await;
    change(w, &ana, UserChange::ResetPassword("given".to_owned())).await;
    let here = signed_in(w, &ana, 0, "here").await;
    signed_in(w, &ana, 0, "there").await;
    w.store.add_login_link(at(0), &ana.id, "link").await.unwrap();
    w.store.choose_password(at(1), &ana, "chosen", &here).await.unwrap();
    assert!(opens(w, 2, "here").await && !opens(w, 2, "there").await);
    assert!(w.store.login_link(at(2), "link").await.unwrap().is_none());
    let row = w.store.user(&ana.tenant, &ana.id).await.unwrap().unwrap();
    assert!(!row.must_change);
    assert_eq!(w.store.password_hash(&ana.id).await.unwrap().as_deref(), Some("chosen"));
}

async fn nobody_is_signed_in_in_more_than_twenty_browsers(w: &World) {
    let ana = added(w, "ana", Role::Agent).await;
    for n in 0..25 {
        signed_in(w, &ana, n, &format!("s{n}")).await;
    }
    assert_eq!(w.store.list_sessions(at(30), &ana.id).await.unwrap().len(), 20);
    assert!(!opens(w, 30, "s4").await && opens(w, 30, "s5").await && opens(w, 30, "s24").await);
}

async fn a_link_works_once_and_for_a_quarter_of_an_hour(w: &World) {
    let ana = added(w, "ana", Role::Agent).await;
    for secret in ["one", "late"] {
        w.store.add_login_link(at(0), &ana.id, secret).await.unwrap();
    }
    let whose = |now: i64, link: &'static str| {
        let store = w.store.clone();
        async move { store.login_link(at(now), link).await.unwrap().map(|user| user.id) }
    };
    assert_eq!(whose(1, "one").await, Some(ana.id.clone()));
    assert_eq!(whose(2, "one").await, Some(ana.id.clone()), "looking does not use it up");
    assert_eq!(whose(15 * 60, "late").await, None);
    let used = |now: i64, link: &'static str, secret: &str| {
        let (store, new) = (w.store.clone(), session(secret));
        async move { store.use_login_link(at(now), link, new).await.unwrap() }
    };
    assert_eq!(used(15 * 60, "late", "x").await, None);
    let (first, second) = tokio::join!(used(3, "one", "a"), used(3, "one", "b"));
    assert_eq!([first, second].iter().flatten().count(), 1, "one of two at once");
    assert_eq!(used(4, "one", "c").await, None);
    assert!(opens(w, 5, "a").await != opens(w, 5, "b").await && !opens(w, 5, "c").await);
}

fn tried(login: &str, address: Option<&str>) -> Tried {
    Tried { login: login.to_owned(), address: address.map(str::to_owned) }
}

/// How many seconds an attempt must wait; 0 where it is taken.
async fn waits(w: &World, now: i64, tried: &Tried) -> i64 {
    match w.store.take_attempt(at(now), tried).await.unwrap() {
        Attempt::Taken => 0,
        Attempt::Wait(until) => (until - at(now)).num_seconds(),
    }
}

async fn waits_grow_with_each_failure_and_end(w: &World) {
    let ana = tried("ana", None);
    for n in 1..=5 {
        assert_eq!(waits(w, 0, &ana).await, 0, "attempt {n}");
    }
    assert_eq!(waits(w, 0, &ana).await, 30);
    assert_eq!(waits(w, 10, &ana).await, 20, "asking again makes nobody wait for longer");
    assert_eq!(waits(w, 10, &tried("bia", None)).await, 0, "nobody else waits");
    let mut now = 30;
    for wait in [60, 120, 240, 480, 900, 900] {
        assert_eq!(waits(w, now, &ana).await, 0, "after the wait one is taken");
        assert_eq!(waits(w, now, &ana).await, wait);
        now += wait;
    }
    assert_eq!(waits(w, now + DAY, &ana).await, 0);
    assert_eq!(waits(w, now + DAY, &ana).await, 0, "a day later all is forgotten");
    assert_eq!(w.number("SELECT COUNT(*) FROM login_attempts").await, 1, "and removed");
}

async fn an_address_waits_apart_from_its_logins(w: &World) {
    let from = Some("192.0.2.7");
    for n in 0..30 {
        assert_eq!(waits(w, 0, &tried(&format!("login{n}"), from)).await, 0, "{n}");
    }
    assert_eq!(waits(w, 0, &tried("fresh", from)).await, 30);
    assert_eq!(waits(w, 0, &tried("fresh", Some("192.0.2.8"))).await, 0);
    assert_eq!(waits(w, 0, &tried("fresh", None)).await, 0);
    assert_eq!(waits(w, 30, &tried("fresh", from)).await, 0);
    assert_eq!(waits(w, 30, &tried("other", from)).await, 60);
    let kept = "SELECT COUNT(*) FROM login_attempts WHERE subject LIKE '%192.0%' OR subject LIKE '%login%'";
    assert_eq!(w.number(kept).await, 0, "neither login nor address is stored");
}

async fn a_success_forgets_the_login_and_not_the_address(w: &World) {
    let own = tried("own", Some("192.0.2.7"));
    for n in 0..29 {
        assert_eq!(waits(w, 0, &tried(&format!("victim{n}"), own.address.as_deref())).await, 0);
    }
    // Signing in as oneself in between buys no further guess.
    for _ in 0..3 {
        assert_eq!(waits(w, 0, &own).await, 0);
        w.store.forgive_attempts(&own).await.unwrap();
    }
    assert_eq!(waits(w, 0, &tried("victim30", own.address.as_deref())).await, 0);
    assert_eq!(waits(w, 0, &own).await, 30);
    let ana = tried("ana", None);
    for _ in 0..4 {
        assert_eq!(waits(w, 0, &ana).await, 0);
    }
    w.store.forgive_attempts(&ana).await.unwrap();
    for _ in 0..5 {
        assert_eq!(waits(w, 1, &ana).await, 0);
    }
    assert_eq!(waits(w, 1, &ana).await, 30);
    let bia = tried("bia", None);
    for _ in 0..9 {
        assert_eq!(
            waits(w, 2, &bia).await,
            0,
            "one whose password was not looked at is no failure"
        );
        w.store.give_attempt_back(&bia).await.unwrap();
    }
}

async fn changes_of_accounts_are_in_the_trail_without_secrets(w: &World) {
    let ana = added(w, "ana@acme.example", Role::Admin).await;
    let bia = added(w, "bia", Role::Agent).await;
    for one in [
        UserChange::Role(Role::Supervisor),
        UserChange::Disable,
        UserChange::Enable,
        UserChange::ResetPassword("$argon2id$secret".to_owned()),
    ] {
        assert_eq!(change(w, &bia, one).await, UserChanged::Done);
    }
    let here = signed_in(w, &bia, 0, "here").await;
    w.store.choose_password(at(1), &bia, "$argon2id$chosen", &here).await.unwrap();
    change(w, &ana, UserChange::Disable).await;
    for (action, actor, count) in [
        ("user.added", "operator", 2),
        ("user.role", "agent:Chefe", 1),
        ("user.disabled", "agent:Chefe", 1),
        ("user.enabled", "agent:Chefe", 1),
        ("user.password_reset", "agent:Chefe", 1),
        ("user.password_chosen", "agent:bia Silva", 1),
    ] {
        let sql =
            format!("SELECT COUNT(*) FROM audit WHERE action = '{action}' AND actor = '{actor}'");
        assert_eq!(w.number(&sql).await, count, "{action}");
    }
    let leaks =
        "SELECT COUNT(*) FROM audit WHERE after LIKE '%argon2%' OR after LIKE '%acme.example%'";
    assert_eq!(w.number(leaks).await, 0);
}
