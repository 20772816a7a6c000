//! The mailbox against servers that misbehave, each as one was seen to or may.

use std::time::Duration;

use atende::channels::email::mailbox::{
    Arrivals as _, FolderRole, Mailbox, Rescan, SentFolder, Settings, Step, Trouble,
};
use atende::ports::PortErrorKind;
use chrono::{DateTime, NaiveDate, Utc};

use super::bench::{Running, Store, mail, settings, subject, until};
use super::scripted::{Act, Scripted, World};

fn noon() -> DateTime<Utc> {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

fn mails(uids: &[u32]) -> Vec<(u32, Vec<u8>)> {
    uids.iter().map(|uid| (*uid, mail(&format!("mail-{uid}")))).collect()
}

/// Watches a server from the place after a mail.
fn watching(world: World, last_uid: u32) -> (Scripted, std::sync::Arc<Store>, Running) {
    let server = Scripted::start(world);
    let store = Store::new();
    store.at(7, last_uid, noon());
    let running = Running::start(settings(server.port), &store);
    (server, store, running)
}

#[tokio::test]
async fn the_first_start_lists_and_fetches_nothing() {
    let server = Scripted::start(World {
        mails: mails(&[1, 50_000]),
        uid_next: Some(50_001),
        ..World::default()
    });
    let store = Store::new();
    let running =
        Running::start(Settings { idle: Duration::from_mins(1), ..settings(server.port) }, &store);
    store.until_watched(FolderRole::Inbox).await;
    until("IDLE", || server.heard_with("IDLE") == 1).await;
    assert_eq!((server.heard_with("FETCH"), server.heard_with("SEARCH")), (0, 0));
    store.with(|taken| {
        assert_eq!(taken.cursors[&FolderRole::Inbox].last_uid, 50_000);
        assert!(taken.mails.is_empty());
    });
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_does_not_say_the_next_number_is_asked_for_the_last() {
    let server = Scripted::start(World { mails: mails(&[4, 9]), ..World::default() });
    let store = Store::new();
    let _running = Running::start(settings(server.port), &store);
    store.until_watched(FolderRole::Inbox).await;
    store.with(|taken| {
        assert_eq!(taken.cursors[&FolderRole::Inbox].last_uid, 9);
        assert!(taken.mails.is_empty());
    });
    assert_eq!(server.heard_with("BODY"), 0);
}

#[tokio::test]
async fn the_last_mail_is_not_taken_again_when_the_server_repeats_it() {
    let (server, store, _running) =
        watching(World { mails: mails(&[3, 5]), ..World::default() }, 5);
    until("two looks", || server.heard_with("UID FETCH 6:*") >= 2).await;
    store.with(|taken| assert_eq!((taken.mails.len(), taken.takes), (0, 0)));
    server.with(|world| world.mails.push((6, mail("mail-6"))));
    store.until("the next mail", |taken| taken.uids() == [6]).await;
}

#[tokio::test]
async fn an_answer_that_ends_with_the_connection_is_no_answer() {
    // Each of these looks to a careless reader like a mail that is gone, or like a mailbox without new mail.
    let part = "* 1 FETCH (UID 1 RFC822.SIZE 99 INTERNALDATE \" 1-Nov-2026 12:00:00 +0000\")\r\n";
    for (command, answer) in [
        ("UID FETCH 1:*", String::new()),
        ("UID FETCH 1:*", part.to_owned()),
        ("UID FETCH 2 (UID BODY", String::new()),
        ("UID FETCH 2 (UID BODY", "* 2 FETCH (UID 2 BODY[] {50}\r\nhalf".to_owned()),
        ("UID FETCH 2 (UID BODY", "* 9 FETCH (FLAGS (\\Seen))\r\n* BYE\r\n".to_owned()),
        ("EXAMINE", "* 3 EXISTS\r\n".to_owned()),
        ("CAPABILITY", String::new()),
    ] {
        let shown = format!("{command} -> {answer:?}");
        let hook = move |connection: usize, heard: &str| {
            if connection == 0 && heard.starts_with(command) {
                return Act::SayAndClose(answer.clone());
            }
            Act::Usual
        };
        let world = World { mails: mails(&[1, 2, 3]), hook: Box::new(hook), ..World::default() };
        let (server, store, _running) = watching(world, 0);
        store.until(&shown, |taken| taken.mails.len() >= 3).await;
        store.with(|taken| assert_eq!(taken.uids(), [1, 2, 3], "{shown}"));
        assert!(server.connections() >= 2, "{shown}");
    }
}

#[tokio::test]
async fn a_mail_that_is_deleted_before_it_is_fetched_is_no_error() {
    for refusal in ["{tag} OK done\r\n", "{tag} NO [EXPUNGEISSUED] gone\r\n"] {
        let hook = move |_: usize, heard: &str| match heard {
            "UID FETCH 2 (UID BODY.PEEK[])" => Act::Say(refusal.to_owned()),
            "UID FETCH 2 (UID RFC822.SIZE INTERNALDATE)" => {
                Act::Say("{tag} OK done\r\n".to_owned())
            }
            _ => Act::Usual,
        };
        let world = World { mails: mails(&[1, 2, 3]), hook: Box::new(hook), ..World::default() };
        let (server, store, running) = watching(world, 0);
        store.until("the others", |taken| taken.mails.len() == 2).await;
        store.with(|taken| {
            assert_eq!(taken.uids(), [1, 3]);
            assert_eq!(taken.cursors[&FolderRole::Inbox].last_uid, 3);
        });
        assert_eq!(running.health.of(FolderRole::Inbox).last_failure, None);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_mail_that_the_server_never_gives_is_handed_over_as_such_and_blocks_nobody() {
    for (also_headers, text) in [(false, "mail-2"), (true, "")] {
        let hook = move |_: usize, heard: &str| match heard {
            "UID FETCH 2 (UID BODY.PEEK[])" => {
                Act::Say("{tag} NO cannot be converted\r\n".to_owned())
            }
            "UID FETCH 2 (UID BODY.PEEK[HEADER])" if also_headers => {
                // Microsoft says OK and sends nothing.
                Act::Say("{tag} OK done\r\n".to_owned())
            }
            _ => Act::Usual,
        };
        let world = World { mails: mails(&[1, 2, 3]), hook: Box::new(hook), ..World::default() };
        let (server, store, _running) = watching(world, 0);
        store.until("all three", |taken| taken.mails.len() >= 3).await;
        store.with(|taken| {
            assert_eq!(taken.uids(), [1, 2, 3]);
            let second = &taken.mails[1].1;
            assert!(second.unreadable && !second.too_large);
            assert_eq!(subject(&second.bytes), text);
            assert!(!taken.mails[2].1.unreadable);
        });
        assert_eq!(server.heard_with("UID FETCH 2 (UID BODY.PEEK[])"), 3);
    }
}

#[tokio::test]
async fn a_mail_far_larger_than_announced_costs_no_memory_and_comes_with_its_headers() {
    let mut huge = mail("huge");
    huge.resize(12_000_000, b'x');
    let hook = |_: usize, heard: &str| match heard {
        "UID FETCH 1:* (UID RFC822.SIZE INTERNALDATE)" => {
            Act::Say("* 1 FETCH (UID 1 RFC822.SIZE 10)\r\n{tag} OK done\r\n".to_owned())
        }
        _ => Act::Usual,
    };
    let world = World { mails: vec![(1, huge)], hook: Box::new(hook), ..World::default() };
    let server = Scripted::start(world);
    let store = Store::new();
    store.at(7, 0, noon());
    let tight = Settings { max_mail_bytes: 100_000, ..settings(server.port) };
    let running = Running::start(tight, &store);
    store.until("the mail", |taken| !taken.mails.is_empty()).await;
    store.with(|taken| {
        let mail = &taken.mails[0].1;
        assert!(mail.too_large && mail.bytes.len() < 1000);
        assert_eq!(subject(&mail.bytes), "huge");
    });
    let (_, failure) = running.health.of(FolderRole::Inbox).last_failure.unwrap();
    assert_eq!(failure.trouble, Trouble::TooMuch);
}

#[tokio::test]
async fn words_that_break_the_parser_break_one_connection_only() {
    let hook = |connection: usize, heard: &str| match (connection, heard) {
        // The library slices this text in the middle of a letter, and panics.
        (0, "CAPABILITY") => Act::Say("* OK [ALERT]\u{e9} tarde\r\n{tag} OK\r\n".to_owned()),
        (1, "CAPABILITY") => Act::Say("* ?? (((\r\n{tag} OK\r\n".to_owned()),
        _ => Act::Usual,
    };
    let world = World { mails: mails(&[1]), hook: Box::new(hook), ..World::default() };
    let (_server, store, running) = watching(world, 0);
    store.until("the mail", |taken| taken.uids() == [1]).await;
    let (_, failure) = running.health.of(FolderRole::Inbox).last_failure.unwrap();
    assert_eq!(failure.trouble, Trouble::Garbled);
}

#[tokio::test]
async fn a_server_that_says_still_here_is_looked_at_all_the_same() {
    let server = Scripted::start(World { chatty: true, deaf: true, ..World::default() });
    let store = Store::new();
    store.at(7, 0, noon());
    let idle = Duration::from_millis(200);
    let running = Running::start(Settings { idle, ..settings(server.port) }, &store);
    until("IDLE", || server.heard_with("IDLE") >= 1).await;
    server.with(|world| world.mails = mails(&[1]));
    let waited = store.until("the mail", |taken| taken.uids() == [1]).await;
    assert!(waited < Duration::from_secs(2), "{waited:?}");
    assert_eq!(server.connections(), 1);
    assert!(running.stop().await < Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_refuses_idle_is_looked_at_now_and_then() {
    let hook = |_: usize, heard: &str| match heard {
        "IDLE" => Act::Say("{tag} NO not today\r\n".to_owned()),
        _ => Act::Usual,
    };
    let (server, store, _running) = watching(World { hook: Box::new(hook), ..World::default() }, 0);
    until("IDLE", || server.heard_with("IDLE") >= 1).await;
    server.with(|world| world.mails = mails(&[1]));
    store.until("the mail", |taken| taken.uids() == [1]).await;
    assert_eq!((server.connections(), server.heard_with("IDLE")), (1, 1));
}

#[tokio::test]
async fn a_server_that_tells_of_nothing_without_end_is_not_asked_without_end() {
    let hook = |_: usize, heard: &str| match heard {
        "UID FETCH 6:* (UID RFC822.SIZE INTERNALDATE)" => {
            Act::Say("* 1 EXISTS\r\n{tag} OK done\r\n".to_owned())
        }
        _ => Act::Usual,
    };
    for world in [
        World { nervous: true, ..World::default() },
        World { mails: mails(&[1]), hook: Box::new(hook), ..World::default() },
    ] {
        let server = Scripted::start(world);
        let store = Store::new();
        store.at(7, 5, noon());
        let poll = Duration::from_secs(30);
        let _running = Running::start(Settings { poll, ..settings(server.port) }, &store);
        until("some looks", || server.heard_with("EXAMINE") >= 3).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(server.heard_with("EXAMINE") < 10, "{}", server.heard_with("EXAMINE"));
    }
}

#[tokio::test]
async fn a_look_back_that_was_interrupted_goes_on_where_it_was() {
    let world = World {
        mails: mails(&[5, 6, 7, 9, 10]),
        uid_validity: Some(8),
        uid_next: Some(11),
        since: vec![9, 7, 5],
        ..World::default()
    };
    let server = Scripted::start(world);
    let store = Store::new();
    store.at(8, 5, noon());
    let since = NaiveDate::from_ymd_opt(2026, 10, 29).unwrap();
    store.with(|taken| {
        let cursor = taken.cursors.get_mut(&FolderRole::Inbox).unwrap();
        cursor.rescan = Some(Rescan { since, below: 10 });
    });
    let _running = Running::start(settings(server.port), &store);
    store.until("the rest", |taken| taken.mails.len() >= 3).await;
    store.with(|taken| {
        let found: Vec<_> = taken.mails.iter().map(|(_, m)| (m.uid, m.rescanned)).collect();
        // The sixth is older, and the tenth came after the numbering changed.
        assert_eq!(found, [(7, true), (9, true), (10, false)]);
        assert_eq!(taken.cursors[&FolderRole::Inbox].rescan, None);
    });
    assert_eq!(server.heard_with("UID SEARCH SINCE 29-Oct-2026"), 1);
}

#[tokio::test]
async fn new_numbers_are_looked_back_at_from_the_last_mail_seen_however_long_ago() {
    let world = World {
        mails: mails(&[1]),
        uid_validity: Some(8),
        uid_next: Some(2),
        since: vec![1],
        ..World::default()
    };
    let (server, store, _running) = watching(world, 41);
    store.until("the mail", |taken| taken.uids() == [1]).await;
    assert_eq!(server.heard_with("UID SEARCH SINCE 29-Oct-2026"), 1);
    assert_eq!(store.cursor(FolderRole::Inbox).await.unwrap().unwrap().uid_validity, 8);
}

#[tokio::test]
async fn numbers_that_went_back_after_a_restore_are_noticed() {
    let world = World { mails: mails(&[4]), uid_next: Some(5), since: vec![4], ..World::default() };
    let (_server, store, _running) = watching(world, 41);
    store.until("the mail", |taken| taken.uids() == [4]).await;
    store.with(|taken| {
        assert!(taken.mails[0].1.rescanned);
        assert_eq!(taken.cursors[&FolderRole::Inbox].last_uid, 4);
    });
}

#[tokio::test]
async fn a_folder_of_another_name_starts_at_now() {
    let world = World { mails: mails(&[1, 2]), uid_next: Some(3), ..World::default() };
    let server = Scripted::start(world);
    let store = Store::new();
    store.at(7, 0, noon());
    let inbox = "Suporte & Vendas".to_owned();
    let _running = Running::start(Settings { inbox, ..settings(server.port) }, &store);
    store.until("the start", |taken| taken.cursors[&FolderRole::Inbox].last_uid == 2).await;
    store.with(|taken| assert!(taken.mails.is_empty()));
    assert!(server.heard_with("EXAMINE \"Suporte &- Vendas\"") >= 1);
}

#[tokio::test]
async fn a_server_without_lasting_numbers_is_not_watched() {
    let world = World { mails: mails(&[1]), uid_validity: None, ..World::default() };
    let (_server, store, running) = watching(world, 0);
    until("the word of it", || running.health.of(FolderRole::Inbox).last_failure.is_some()).await;
    let (_, failure) = running.health.of(FolderRole::Inbox).last_failure.unwrap();
    assert_eq!((failure.step, failure.trouble), (Step::Inbox, Trouble::NoStableIds));
    store.with(|taken| assert!(taken.mails.is_empty()));
}

#[tokio::test]
async fn it_stops_within_a_second_whatever_it_waits_for() {
    for silent_at in ["CAPABILITY", "LOGIN", "EXAMINE", "UID FETCH 1:*", "UID FETCH 1 (", "IDLE"] {
        let hook = move |_: usize, heard: &str| {
            if heard.starts_with(silent_at) { Act::Hush } else { Act::Usual }
        };
        let world = World { mails: mails(&[1]), hook: Box::new(hook), ..World::default() };
        let (server, _store, running) = watching(world, 0);
        until(silent_at, || server.heard_with(silent_at) >= 1).await;
        let took = running.stop().await;
        assert!(took < Duration::from_secs(1), "{silent_at}: {took:?}");
    }
}

#[tokio::test]
async fn a_copy_that_may_be_there_is_called_unknown() {
    let hook = |_: usize, heard: &str| {
        if heard.starts_with("APPEND") {
            Act::SayAndClose("+ go on\r\n".to_owned())
        } else {
            Act::Usual
        }
    };
    let sent_line = r#"(\HasNoChildren \Sent) "/" "[Gmail]/E-mails enviados""#.to_owned();
    let server = Scripted::start(World { folders: vec![sent_line], ..World::default() });
    let mailbox =
        Mailbox::new(Settings { sent: SentFolder::Found, ..settings(server.port) }).unwrap();
    mailbox.append_sent(&mail("reply")).await.unwrap();
    server.with(|world| assert_eq!(world.appended, [mail("reply")]));
    assert_eq!(server.heard_with("APPEND \"[Gmail]/E-mails enviados\" (\\Seen)"), 1);
    server.with(|world| world.hook = Box::new(hook));
    let error = mailbox.append_sent(&mail("reply")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unknown);
}
