//! The mailbox against a real server.

use std::fs::File;
use std::time::{Duration, SystemTime};

use atende::channels::email::mailbox::{
    Cursor, FolderRole, Mailbox, SentFolder, Settings, Trouble,
};
use chrono::{DateTime, Utc};

use super::bench::{Running, Store, mail, settings, subject, until};
use super::dovecot::{Dovecot, Options, USUAL};
use super::proxy::Proxy;

const LONG: Duration = Duration::from_mins(5);

/// As `settings`, with IDLE as the only way to see anything in time.
fn idling(port: u16) -> Settings {
    Settings { idle: LONG, poll: LONG, ..settings(port) }
}

fn large(name: &str, bytes: usize) -> Vec<u8> {
    let mut large = mail(name);
    while large.len() < bytes {
        large.extend_from_slice(
            b"0123456789012345678901234567890123456789012345678901234567890\r\n",
        );
    }
    large
}

/// Sets the place before the first mail, as after a watcher that stopped long ago.
fn at_the_beginning(server: &Dovecot, store: &Store) -> Cursor {
    let list = std::fs::read_to_string(server.maildir().join("dovecot-uidlist")).unwrap();
    let validity = list.split_once(" V").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    store.at(validity, 0, DateTime::<Utc>::UNIX_EPOCH);
    store.with(|taken| taken.cursors[&FolderRole::Inbox].clone())
}

/// Lets the server number what it holds.
async fn numbered(server: &Dovecot) {
    let checked = Mailbox::new(settings(server.plain)).unwrap().check().await;
    assert!(checked.iter().all(|one| one.result.is_ok()), "{checked:?}");
}

#[tokio::test]
async fn mail_arrives_by_idle_within_two_seconds_and_keeps_its_flags() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let store = Store::new();
    let running = Running::start(idling(server.plain), &store);
    store.until_watched(FolderRole::Inbox).await;
    for name in ["one", "two", "three"] {
        server.deliver(&mail(name));
        let waited = store
            .until("the mail", |taken| {
                taken.mails.last().is_some_and(|(_, mail)| subject(&mail.bytes) == name)
            })
            .await;
        assert!(waited < Duration::from_secs(2), "{name}: {waited:?}");
    }
    store.with(|taken| {
        assert_eq!(taken.uids(), [1, 2, 3]);
        let (role, first) = &taken.mails[0];
        assert_eq!((*role, &first.bytes), (FolderRole::Inbox, &mail("one")));
        assert!(first.internal_date.is_some());
        assert!(!first.too_large && !first.unreadable && !first.rescanned);
    });
    assert_eq!(server.flags(), ["", "", ""], "somebody's flags were changed");
    let health = running.health.of(FolderRole::Inbox);
    assert!(health.connected && health.last_success.is_some() && !health.is_failing());
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_without_idle_is_looked_at_now_and_then() {
    let capability = Some("IMAP4rev1 LITERAL+ UIDPLUS");
    let Some(server) = Dovecot::start(Options { capability, ..USUAL }) else { return };
    let store = Store::new();
    let poll = Duration::from_millis(200);
    let running = Running::start(Settings { poll, idle: LONG, ..settings(server.plain) }, &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("polled"));
    store.until("the mail", |taken| taken.uids() == [1]).await;
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn the_first_start_leaves_thousands_of_old_mails_alone() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    for n in 0..3000 {
        server.deliver(&mail(&format!("old-{n}")));
    }
    let store = Store::new();
    let _running = Running::start(idling(server.plain), &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("new"));
    store.until("the new mail", |taken| !taken.mails.is_empty()).await;
    store.with(|taken| assert_eq!(taken.uids(), [3001]));
}

#[tokio::test]
async fn new_numbers_bring_the_last_days_again_and_nothing_older() {
    let Some(mut server) = Dovecot::start(USUAL) else { return };
    for name in ["ancient", "recent"] {
        server.deliver(&mail(name));
    }
    let mut files: Vec<_> = std::fs::read_dir(server.maildir().join("new"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let ten_days = Duration::from_hours(240);
    let ancient = File::options().write(true).open(&files[0]).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server takes the age of a file")]
    ancient.set_modified(SystemTime::now() - ten_days).unwrap();

    let store = Store::new();
    let running = Running::start(idling(server.plain), &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("seen"));
    store.until("the mail", |taken| taken.uids() == [3]).await;
    running.stop().await;
    let before = store.with(|taken| taken.cursors[&FolderRole::Inbox].clone());

    server.kill();
    server.forget_numbers();
    // The numbering is named by the second in which it began.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.deliver(&mail("meanwhile"));
    server.run();
    let _running = Running::start(idling(server.plain), &store);
    store.until("the look back", |taken| taken.mails.len() == 4).await;
    server.deliver(&mail("after"));
    store.until("new mail", |taken| taken.mails.len() == 5).await;
    store.with(|taken| {
        let mut again: Vec<_> = taken.mails[1..4].iter().map(|(_, m)| subject(&m.bytes)).collect();
        again.sort();
        assert_eq!(again, ["meanwhile", "recent", "seen"]);
        assert!(taken.mails[1..4].iter().all(|(_, m)| m.rescanned));
        assert!(!taken.mails[4].1.rescanned);
        let after = &taken.cursors[&FolderRole::Inbox];
        assert!(after.uid_validity != before.uid_validity && after.rescan.is_none());
        assert!(taken.mails[1..].iter().all(|(_, m)| m.uid_validity == after.uid_validity));
    });
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_costs_no_mail_and_brings_none_twice() {
    let Some(mut server) = Dovecot::start(USUAL) else { return };
    let names: Vec<String> = (0..60).map(|n| format!("mail-{n:02}")).collect();
    for name in &names {
        server.deliver(&large(name, 200_000));
    }
    numbered(&server).await;
    let store = Store::new();
    at_the_beginning(&server, &store);
    let running = Running::start(idling(server.plain), &store);
    store.until("a part of them", |taken| taken.mails.len() >= 20).await;
    server.kill();
    until("the end", || !running.health.of(FolderRole::Inbox).connected).await;
    let in_between = store.with(|taken| taken.mails.len());
    server.run();
    store.until("all of them", |taken| taken.mails.len() >= 60).await;
    assert!(in_between < 60, "the server died too late to tell");
    store.with(|taken| {
        assert_eq!(taken.texts(FolderRole::Inbox), names);
        assert!(taken.mails.iter().all(|(_, mail)| mail.bytes.len() > 200_000));
        assert!(taken.largest <= 20);
    });
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_byte_costs_no_mail() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let names: Vec<String> = (0..6).map(|n| format!("mail-{n}")).collect();
    for name in &names {
        server.deliver(&large(name, 900));
    }
    numbered(&server).await;
    // From the greeting over the list to the last mail.
    for cut in (100..9000).step_by(331) {
        let proxy = Proxy::to(server.plain);
        let store = Store::new();
        at_the_beginning(&server, &store);
        proxy.cut_after(cut);
        let pause_first = Duration::from_millis(300);
        let running = Running::start(Settings { pause_first, ..idling(proxy.port) }, &store);
        until("the cut, or all of it", || {
            let failed = running.health.of(FolderRole::Inbox).last_failure.is_some();
            failed || store.with(|taken| taken.mails.len() == 6)
        })
        .await;
        proxy.cut_after(usize::MAX);
        store.until("all of them", |taken| taken.mails.len() >= 6).await;
        store.with(|taken| assert_eq!(taken.texts(FolderRole::Inbox), names, "cut at {cut}"));
    }
}

#[tokio::test]
async fn mails_that_could_not_be_stored_come_again() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    for n in 0..5 {
        server.deliver(&mail(&format!("mail-{n}")));
    }
    numbered(&server).await;
    let store = Store::new();
    let before = at_the_beginning(&server, &store);
    // More often than a mail may fail to be fetched.
    store.with(|taken| taken.failing = 7);
    let running = Running::start(idling(server.plain), &store);
    store.until("the failures", |taken| taken.refused.len() == 7).await;
    until("the word of it", || running.health.of(FolderRole::Inbox).last_failure.is_some()).await;
    store.until("all of them", |taken| taken.mails.len() == 5).await;
    store.with(|taken| {
        assert!(taken.refused.iter().all(|batch| *batch == [1, 2, 3, 4, 5]));
        assert_eq!(taken.uids(), [1, 2, 3, 4, 5]);
        assert!(taken.mails.iter().all(|(_, mail)| !mail.unreadable));
        assert_eq!(taken.mails[4].1.bytes, mail("mail-4"));
        assert_ne!(taken.cursors[&FolderRole::Inbox], before);
    });
}

#[tokio::test]
async fn of_a_mail_over_the_limit_only_the_headers_come() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let store = Store::new();
    let max_mail_bytes = 50_000;
    let _running = Running::start(Settings { max_mail_bytes, ..idling(server.plain) }, &store);
    store.until_watched(FolderRole::Inbox).await;
    server.deliver(&mail("small"));
    server.deliver(&large("huge", 200_000));
    server.deliver(&mail("next"));
    store.until("all three", |taken| taken.mails.len() == 3).await;
    store.with(|taken| {
        assert_eq!(taken.texts(FolderRole::Inbox), ["small", "huge", "next"]);
        let kept: Vec<bool> = taken.mails.iter().map(|(_, mail)| mail.too_large).collect();
        assert_eq!(kept, [false, true, false]);
        assert!(taken.mails[1].1.bytes.len() < 500);
        assert!(taken.mails[1].1.bytes.ends_with(b"\r\n\r\n"));
    });
    assert_eq!(server.flags(), ["", "", ""]);
}

#[tokio::test]
async fn a_mail_just_under_the_limit_comes_whole() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let store = Store::new();
    let _running = Running::start(idling(server.plain), &store);
    store.until_watched(FolderRole::Inbox).await;
    let whole = large("large", 39_900_000);
    server.deliver(&whole);
    store.until("the mail", |taken| taken.uids() == [1]).await;
    store.with(|taken| {
        let (_, mail) = &taken.mails[0];
        assert!(!mail.too_large && mail.bytes == whole);
    });
}

#[tokio::test]
async fn a_connection_that_died_silently_is_noticed_and_made_again() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let proxy = Proxy::to(server.plain);
    let store = Store::new();
    let timing = Settings {
        idle: Duration::from_millis(700),
        timeout: Duration::from_millis(900),
        ..settings(proxy.port)
    };
    let running = Running::start(timing, &store);
    store.until_watched(FolderRole::Inbox).await;
    proxy.hold(true);
    let noticed = until("the silence", || !running.health.of(FolderRole::Inbox).connected).await;
    assert!(noticed < Duration::from_millis(700 + 900 + 500), "{noticed:?}");
    let (_, failure) = running.health.of(FolderRole::Inbox).last_failure.unwrap();
    assert!(matches!(failure.trouble, Trouble::TimedOut { .. }), "{failure:?}");
    server.deliver(&mail("meanwhile"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.hold(false);
    store.until("the mail", |taken| taken.uids() == [1]).await;
    assert!(proxy.connections() >= 2);
}

#[tokio::test]
async fn both_folders_are_watched_at_once_and_the_one_of_sent_mail_is_found_by_its_mark() {
    let Some(server) = Dovecot::start(USUAL) else { return };
    let store = Store::new();
    let sent = SentFolder::Found;
    let running = Running::start(Settings { sent, ..idling(server.plain) }, &store);
    store.until_watched(FolderRole::Inbox).await;
    store.until_watched(FolderRole::Sent).await;
    store.with(|taken| assert_eq!(taken.cursors[&FolderRole::Sent].folder, "Enviados"));
    server.deliver(&mail("question"));
    server.deliver_to(&server.maildir().join(".Enviados"), &mail("answer"));
    let waited = store.until("both", |taken| taken.mails.len() == 2).await;
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    store.with(|taken| {
        assert_eq!(taken.texts(FolderRole::Inbox), ["question"]);
        assert_eq!(taken.texts(FolderRole::Sent), ["answer"]);
    });
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_sent_mail_is_put_into_its_folder_as_read_and_with_the_same_bytes() {
    let Some(server) = Dovecot::start(Options { marks_sent: false, ..USUAL }) else { return };
    let store = Store::new();
    let sent = SentFolder::Found;
    let _running = Running::start(Settings { sent, ..idling(server.plain) }, &store);
    store.until_watched(FolderRole::Sent).await;
    for sent in [SentFolder::Found, SentFolder::Named("Enviados".to_owned())] {
        let mailbox = Mailbox::new(Settings { sent, ..settings(server.plain) }).unwrap();
        mailbox.append_sent(&mail("reply")).await.unwrap();
    }
    store.until("both copies", |taken| taken.mails.len() == 2).await;
    store.with(|taken| {
        for (role, copy) in &taken.mails {
            assert_eq!((*role, &copy.bytes), (FolderRole::Sent, &mail("reply")));
        }
    });
    for file in std::fs::read_dir(server.maildir().join(".Enviados/cur")).unwrap() {
        let name = file.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name.ends_with(":2,S"), "{name}");
    }
    let nowhere = SentFolder::Named("Saída".to_owned());
    let mailbox = Mailbox::new(Settings { sent: nowhere, ..settings(server.plain) }).unwrap();
    let error = mailbox.append_sent(&mail("reply")).await.unwrap_err();
    assert!(format!("{:#}", error.source).contains("Saída"), "{error:?}");
}
