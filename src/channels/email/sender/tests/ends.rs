//! How one attempt ends, by what the server does at each step.

use super::*;

/// Sends one mail to a server that plays a script on every connection.
async fn play(script: Script) -> (Outcome, Scripted) {
    let server = Scripted::start(&[script]);
    let sender =
        Sender::new(SenderSettings { login: password(), ..settings(server.port) }).unwrap();
    let outcome = send(&sender, &mail(1)).await;
    (outcome, server)
}

#[tokio::test]
async fn an_accepted_mail_arrives_once_and_byte_for_byte() {
    let (outcome, server) = play(Vec::new()).await;
    assert_eq!(outcome, accepted(&mail(1)));
    assert_eq!(server.mails(), [mail(1).bytes]);
    let size = mail(1).bytes.len();
    assert_eq!(
        server.commands()[..],
        [
            "EHLO loja.example".to_owned(),
            "EHLO loja.example".to_owned(),
            "AUTH PLAIN AHN1cG9ydGUAaHVudGVyMiBkYSBsb2ph".to_owned(),
            format!("MAIL FROM:<suporte@loja.example> SIZE={size}"),
            "RCPT TO:<ana@cliente.example>".to_owned(),
            "DATA".to_owned(),
        ]
    );
}

#[tokio::test]
async fn an_answer_at_each_step_decides_what_follows() {
    use Act::{Say, SayAndCut};
    use Refusal as R;
    // The words of a server must reach nobody.
    for (word, act, end, refusal) in [
        ("GREET", SayAndCut("421 4.3.2 Segredo <ana@x.example>"), "retry", R::Busy),
        ("GREET", SayAndCut("554 5.7.1 Segredo <ana@x.example>"), "operator", R::TurnedAway),
        ("EHLO", Say("421 4.7.0 Segredo"), "retry", R::TooFast),
        ("AUTH", Say("535 5.7.8 Segredo <ana@x.example>"), "operator", R::Login),
        ("AUTH", Say("534 5.7.9 Segredo"), "operator", R::AppPassword),
        ("AUTH", Say("535 5.7.139 Segredo"), "operator", R::NoPasswords),
        ("AUTH", Say("454 4.7.0 Segredo"), "retry", R::TooFast),
        ("MAIL", Say("530 5.7.0 Segredo"), "operator", R::LoginWanted),
        ("MAIL", Say("553 5.1.8 Segredo"), "operator", R::Sender),
        ("MAIL", Say("451 4.3.0 Segredo"), "retry", R::Busy),
        ("MAIL", Say("503 5.5.1 Segredo"), "operator", R::Odd),
        ("RCPT", Say("450 4.7.1 Segredo <ana@x.example>"), "retry", R::Greylisted),
        ("RCPT", Say("550 5.1.1 Segredo <ana@x.example>"), "address", R::NoSuchAddress),
        ("RCPT", Say("550-5.1.1 Segredo\r\n550 5.1.1 ana@x.example"), "address", R::NoSuchAddress),
        ("RCPT", Say("550 Segredo <ana@x.example>"), "refused", R::Recipient),
        ("RCPT", Say("552 5.2.2 Segredo"), "full", R::Full),
        ("RCPT", Say("554 5.7.1 Segredo: relay"), "operator", R::Policy),
        ("DATA", Say("451 4.3.0 Segredo"), "retry", R::Busy),
        ("DATA", Say("554 5.5.1 Segredo"), "refused", R::Recipient),
        ("DATA", SayAndCut("250 Segredo"), "retry", R::Odd),
        ("DOT", Say("451 4.7.1 Segredo"), "retry", R::Greylisted),
        ("DOT", Say("552 5.3.4 Segredo"), "large", R::TooLarge),
        ("DOT", Say("554 5.6.0 Segredo"), "refused", R::Content),
        ("DOT", Say("550 5.7.26 Segredo"), "operator", R::Unproven),
        ("DOT", Say("550 5.7.30 Segredo"), "operator", R::NoPasswords),
    ] {
        let (outcome, server) = play(vec![(word, act), (word, act)]).await;
        let found = match &outcome {
            Outcome::RetryAt(at, _) if *at > now() => "retry",
            Outcome::Operator(_, at) if *at > now() => "operator",
            Outcome::Failed(Fault::Address, _) => "address",
            Outcome::Failed(Fault::Refused, _) => "refused",
            Outcome::Failed(Fault::MailboxFull, _) => "full",
            Outcome::Failed(Fault::TooLarge, _) => "large",
            _ => "other",
        };
        let reason = reason(&outcome);
        assert_eq!((found, reason.cause), (end, Cause::Refused(refusal)), "{word} {act:?}");
        assert_eq!(server.connections(), 1, "{word} {act:?}: one call is one attempt");
        for locale in Locale::ALL {
            let words = reason.in_locale(*locale);
            assert!(!words.contains("Segredo") && !words.contains("ana@"), "{words}");
            assert!(words.contains(&reason.code.unwrap().to_string()), "{words}");
            assert!(words.len() > 40, "{words}");
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_only_the_old_login_is_served() {
    // Microsoft offers LOGIN and XOAUTH2.
    let hello = ("EHLO", Act::Say("250-fake\r\n250 AUTH LOGIN XOAUTH2"));
    let (outcome, server) = play(vec![
        hello,
        hello,
        ("AUTH", Act::Say("334 VXNlcm5hbWU6")),
        ("MORE", Act::Say("334 UGFzc3dvcmQ6")),
        ("MORE", Act::Say("235 2.7.0 ok")),
    ])
    .await;
    assert_eq!(outcome, accepted(&mail(1)));
    assert_eq!(server.commands()[2..5], ["AUTH LOGIN", "c3Vwb3J0ZQ==", "aHVudGVyMiBkYSBsb2ph"]);
}

#[tokio::test]
async fn a_login_that_the_server_does_not_offer_is_not_tried() {
    let hello = ("EHLO", Act::Say("250-fake\r\n250 AUTH CRAM-MD5 XOAUTH2"));
    let (outcome, server) = play(vec![hello, hello]).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    assert_eq!(reason(&outcome).cause, Cause::NoLogin);
    assert_eq!((server.count("AUTH"), server.count("MAIL")), (0, 0));
}

#[tokio::test]
async fn what_breaks_before_the_final_dot_is_tried_again() {
    for word in ["GREET", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        let (outcome, server) = play(vec![(word, Act::Cut)]).await;
        assert!(matches!(outcome, Outcome::RetryAt(..)), "{word}: {outcome:?}");
        assert_eq!(reason(&outcome).cause, Cause::Broken, "{word}");
        assert!(server.mails().is_empty() && server.connections() == 1, "{word}");
    }
}

#[tokio::test]
async fn silence_before_the_final_dot_ends_in_time_and_is_tried_again() {
    for word in ["GREET", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        let server = Scripted::start(&[vec![(word, Act::Silent)]]);
        let timeout = Duration::from_millis(600);
        let settings = SenderSettings { login: password(), timeout, ..settings(server.port) };
        let outcome = send(&Sender::new(settings).unwrap(), &mail(1)).await;
        assert!(matches!(outcome, Outcome::RetryAt(..)), "{word}: {outcome:?}");
        assert_eq!(reason(&outcome).cause, Cause::Silence, "{word}");
        assert!(server.mails().is_empty(), "{word}");
    }
}

#[tokio::test]
async fn a_break_after_the_final_dot_is_not_known_and_never_repeated() {
    // The library does not read a bare code, which RFC 5321 §4.2 allows: then nobody knows either.
    for act in [Act::Cut, Act::SayAndCut("250"), Act::SayAndCut("2"), Act::Say("354 more?")] {
        let (outcome, server) = play(vec![("DOT", act)]).await;
        assert_eq!(outcome, Outcome::Unknown(Reason::of(Cause::BrokenAtEnd)), "{act:?}");
        assert_eq!((server.mails().len(), server.connections()), (1, 1), "{act:?}");
    }
}

#[tokio::test]
async fn silence_after_the_final_dot_is_not_known_and_never_repeated() {
    let server = Scripted::start(&[vec![("DOT", Act::Silent)]]);
    let (timeout, answer_timeout) = (Duration::from_secs(3), Duration::from_millis(500));
    let settings = SenderSettings { timeout, answer_timeout, ..settings(server.port) };
    let outcome = send(&Sender::new(settings).unwrap(), &mail(1)).await;
    assert_eq!(outcome, Outcome::Unknown(Reason::of(Cause::SilenceAtEnd)));
    assert_eq!((server.mails().len(), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_slow_answer_to_the_final_dot_is_waited_for() {
    let server = Scripted::start(&[vec![("DOT", Act::Late(4_000, "250 2.0.0 ok"))]]);
    let settings = SenderSettings { timeout: Duration::from_secs(3), ..settings(server.port) };
    let outcome = send(&Sender::new(settings).unwrap(), &mail(1)).await;
    assert_eq!(outcome, accepted(&mail(1)));
}

#[tokio::test]
async fn a_mail_that_breaks_off_amid_its_content_was_not_delivered() {
    // More than the system takes in for a reader who reads nothing.
    let large = Written { bytes: b"x: y\r\n\r\n".repeat(4_000_000), ..mail(1) };
    let unlimited = ("EHLO", Act::Say("250-fake\r\n250 SIZE 0"));
    for act in [Act::Cut, Act::Stalled] {
        let server = Scripted::start(&[vec![unlimited, unlimited, ("BODY", act)]]);
        let timeout = Duration::from_millis(700);
        let sender = Sender::new(SenderSettings { timeout, ..settings(server.port) }).unwrap();
        let outcome = send(&sender, &large).await;
        let expected = if matches!(act, Act::Cut) { Cause::Broken } else { Cause::Silence };
        assert!(matches!(outcome, Outcome::RetryAt(..)), "{outcome:?}");
        assert_eq!(reason(&outcome).cause, expected);
        assert!(server.mails().is_empty());
    }
}

#[tokio::test]
async fn a_large_mail_on_a_slow_line_arrives_as_long_as_it_moves() {
    let large = Written { bytes: b"x: y\r\n\r\n".repeat(4_000_000), ..mail(1) };
    let unlimited = ("EHLO", Act::Say("250-fake\r\n250 SIZE 0"));
    let server = Scripted::start(&[vec![unlimited, unlimited, ("BODY", Act::Slow)]]);
    let timeout = Duration::from_millis(1_500);
    let sender = Sender::new(SenderSettings { timeout, ..settings(server.port) }).unwrap();
    let begun = Instant::now();
    assert_eq!(send(&sender, &large).await, accepted(&large));
    assert!(begun.elapsed() > timeout * 2, "the line was not slow");
    assert_eq!(server.mails(), [large.bytes]);
}

#[tokio::test]
async fn a_mail_larger_than_the_server_takes_is_not_begun() {
    for (script, expected) in [
        ("250-fake\r\n250 SIZE 1000", Some(1_000)),
        ("250-fake\r\n250 SIZE 0", None),
        ("250-fake\r\n250 8BITMIME", None),
    ] {
        let hello = ("EHLO", Act::Say(script));
        let server = Scripted::start(&[vec![hello, hello]]);
        let sender = Sender::new(settings(server.port)).unwrap();
        let outcome = send(&sender, &mail(1)).await;
        match expected {
            Some(limit) => {
                let reason = Reason::of(Cause::LargerThan(limit));
                assert_eq!(outcome, Outcome::Failed(Fault::TooLarge, reason));
                assert_eq!(server.count("MAIL"), 0);
            }
            None => assert_eq!(outcome, accepted(&mail(1))),
        }
    }
}

#[tokio::test]
async fn after_three_days_a_mail_is_given_up() {
    let server = Scripted::start(&[vec![("RCPT", Act::Say("451 4.3.0 later"))]]);
    let sender = Sender::new(settings(server.port)).unwrap();
    let mail = mail(1);
    let first = now() - chrono::Duration::hours(73);
    let outcome = sender.send(now(), &Outgoing { mail: &mail, attempt: 99, first }).await;
    assert!(matches!(outcome, Outcome::Failed(Fault::GivenUp, _)), "{outcome:?}");
    assert!(reason(&outcome).to_string().contains("72 hours (451 4.3.0);"), "{outcome:?}");
}

#[tokio::test]
async fn nobody_listening_and_no_such_name_are_told_apart() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = send(&Sender::new(settings(port)).unwrap(), &mail(1)).await;
    assert_eq!(reason(&outcome).cause, Cause::NobodyListens);
    // RFC 6761: never a name of anybody's.
    let (tls, from) = (MailSecurity::Tls, "suporte@loja.example");
    let nowhere = SenderSettings::new("mail.invalid", 465, tls, from);
    let outcome = send(&Sender::new(nowhere).unwrap(), &mail(1)).await;
    assert!(matches!(reason(&outcome).cause, Cause::Name | Cause::Silence), "{outcome:?}");
    assert!(matches!(outcome, Outcome::RetryAt(..)), "{outcome:?}");
}
