//! What is kept between mails: connections, rates, pauses of the account, tokens.

use super::*;

#[tokio::test]
async fn mails_share_a_connection_and_a_login() {
    let server = Scripted::start(&[Vec::new()]);
    let sender =
        Sender::new(SenderSettings { login: password(), ..settings(server.port) }).unwrap();
    for number in 1..=3 {
        assert_eq!(send(&sender, &mail(number)).await, accepted(&mail(number)));
    }
    let expected: Vec<_> = (1..=3).map(|number| mail(number).bytes).collect();
    assert_eq!(server.mails(), expected);
    assert_eq!((server.connections(), server.count("AUTH"), server.count("RSET")), (1, 1, 2));
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection() {
    let script = vec![("RCPT", Act::Say("550 5.1.1 unknown"))];
    let server = Scripted::start(&[script]);
    let sender = Sender::new(settings(server.port)).unwrap();
    assert!(matches!(send(&sender, &mail(1)).await, Outcome::Failed(Fault::Address, _)));
    assert_eq!(send(&sender, &mail(2)).await, accepted(&mail(2)));
    assert_eq!((server.connections(), server.mails()), (1, vec![mail(2).bytes]));
}

#[tokio::test]
async fn a_server_that_hung_up_on_a_resting_connection_gets_the_mail_once_on_a_fresh_one() {
    let idle = "421 4.4.2 idle too long";
    for act in [
        ("RSET", Act::SayAndCut(idle)),
        ("RSET", Act::Cut),
        ("MAIL", Act::SayAndCut(idle)),
        ("MAIL", Act::Cut),
        ("RCPT", Act::SayAndCut(idle)),
        ("DATA", Act::Cut),
    ] {
        // The first mail passes each word but RSET once.
        let usual = match act.0 {
            "MAIL" | "RCPT" => Some((act.0, Act::Say("250 ok"))),
            "DATA" => Some((act.0, Act::Say("354 go"))),
            _ => None,
        };
        let script: Script = usual.into_iter().chain([act]).collect();
        let server = Scripted::start(&[script, Vec::new()]);
        let sender = Sender::new(settings(server.port)).unwrap();
        assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)), "{act:?}");
        assert_eq!(send(&sender, &mail(2)).await, accepted(&mail(2)), "{act:?}");
        assert_eq!(server.mails(), [mail(1).bytes, mail(2).bytes], "{act:?}");
        assert_eq!(server.connections(), 2, "{act:?}");
    }
}

#[tokio::test]
async fn a_break_after_the_final_dot_on_a_kept_connection_is_not_repeated_either() {
    let script = vec![("DOT", Act::Say("250 ok")), ("DOT", Act::Cut)];
    let server = Scripted::start(&[script, Vec::new()]);
    let sender = Sender::new(settings(server.port)).unwrap();
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
    let outcome = send(&sender, &mail(2)).await;
    assert_eq!(outcome, Outcome::Unknown(Reason::of(Cause::BrokenAtEnd)));
    assert_eq!((server.mails().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn a_connection_that_rested_too_long_is_not_used_again() {
    let server = Scripted::start(&[Vec::new()]);
    let sender = Sender::new(settings(server.port)).unwrap();
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
    assert_eq!(send_at(&sender, after(31), &mail(2)).await, accepted(&mail(2)));
    assert_eq!(server.connections(), 2);
    sender.close_idle(after(40)).await;
    assert_eq!(server.count("QUIT"), 0);
    sender.close_idle(after(70)).await;
    assert_eq!(server.count("QUIT"), 1);
    assert_eq!(send_at(&sender, after(71), &mail(3)).await, accepted(&mail(3)));
    sender.close().await;
    assert_eq!(server.count("QUIT"), 2);
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn no_more_connections_are_open_than_allowed() {
    let server = Scripted::start(&[vec![("DOT", Act::Late(200, "250 ok"))]]);
    let sender = Sender::new(SenderSettings { connections: 2, ..settings(server.port) }).unwrap();
    let mails = [1, 2, 3, 4].map(|n| mail_to(n, &format!("a@c{n}.example"), "oi"));
    let ends = tokio::join!(
        send(&sender, &mails[0]),
        send(&sender, &mails[1]),
        send(&sender, &mails[2]),
        send(&sender, &mails[3])
    );
    for (mail, end) in mails.iter().zip([ends.0, ends.1, ends.2, ends.3]) {
        assert_eq!(end, accepted(mail));
    }
    assert_eq!(server.mails().len(), 4);
    assert_eq!(server.most_at_once(), 2);
}

#[tokio::test]
async fn a_mail_that_finds_no_free_connection_waits_its_turn() {
    let server = Scripted::start(&[vec![("DOT", Act::Silent)]]);
    let (short, long) = (Duration::from_secs(2), Duration::from_secs(3));
    let settings = SenderSettings {
        connections: 1,
        timeout: short,
        answer_timeout: long,
        ..settings(server.port)
    };
    let sender = Sender::new(settings).unwrap();
    let (mail_one, mail_two) = (mail(1), mail(2));
    let (one, two) = tokio::join!(send(&sender, &mail_one), send(&sender, &mail_two));
    assert_eq!(one, Outcome::Unknown(Reason::of(Cause::SilenceAtEnd)));
    assert_eq!(two, Outcome::RetryAt(after(10), Reason::of(Cause::OwnConnections)));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn what_is_over_the_rate_waits_without_a_connection() {
    let server = Scripted::start(&[Vec::new()]);
    let sender = Sender::new(SenderSettings {
        account_rate: Rate { per_minute: 6, burst: 2 },
        domain_rate: Rate { per_minute: 2, burst: 1 },
        ..settings(server.port)
    })
    .unwrap();
    let other = mail_to(3, "bia@outro.example", "oi");
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
    let waits = |seconds, cause| Outcome::RetryAt(after(seconds), Reason::of(cause));
    assert_eq!(send(&sender, &mail(2)).await, waits(30, Cause::OwnDomainRate));
    assert_eq!(send(&sender, &other).await, accepted(&other));
    assert_eq!(send(&sender, &other).await, waits(30, Cause::OwnDomainRate));
    let third = mail_to(4, "caio@terceiro.example", "oi");
    assert_eq!(send(&sender, &third).await, waits(10, Cause::OwnRate));
    assert_eq!(send_at(&sender, after(10), &third).await, accepted(&third));
    assert_eq!(server.mails().len(), 3);
}

#[tokio::test]
async fn a_refused_login_holds_the_account_so_that_it_is_not_locked() {
    let refused = vec![("AUTH", Act::Say("535 5.7.8 no"))];
    let server = Scripted::start(&[refused.clone(), refused, Vec::new()]);
    let sender =
        Sender::new(SenderSettings { login: password(), ..settings(server.port) }).unwrap();
    let first = send(&sender, &mail(1)).await;
    let Outcome::Operator(reason, at) = first else { panic!("{first:?}") };
    assert_eq!((reason.cause, at), (Cause::Refused(Refusal::Login), after(120)));
    // The others wait with the same reason, and nobody logs in meanwhile.
    for number in 2..=5 {
        assert_eq!(
            send_at(&sender, after(60), &mail(number)).await,
            Outcome::Operator(reason, after(180))
        );
    }
    assert_eq!(server.connections(), 1);
    // Each refusal doubles the pause.
    let second = send_at(&sender, after(120), &mail(1)).await;
    assert_eq!(second, Outcome::Operator(reason, after(120 + 240)));
    assert_eq!(server.connections(), 2);
    assert_eq!(send_at(&sender, after(360), &mail(1)).await, accepted(&mail(1)));
    assert_eq!(send_at(&sender, after(360), &mail(2)).await, accepted(&mail(2)));
}

#[tokio::test]
async fn pauses_grow_up_to_a_bound() {
    let server = Scripted::start(&[vec![("RCPT", Act::Say("451 4.3.0 later"))]]);
    let settings = SenderSettings { keep: Duration::ZERO, ..settings(server.port) };
    let sender = Sender::new(settings).unwrap();
    let mail = mail(1);
    let mut pauses = Vec::new();
    for attempt in [0, 1, 2, 10, 99] {
        let outcome = sender.send(now(), &Outgoing { mail: &mail, attempt, first: now() }).await;
        let Outcome::RetryAt(at, _) = outcome else { panic!("{outcome:?}") };
        pauses.push((at - now()).num_seconds());
    }
    assert_eq!(pauses, [2, 2, 4, 600, 600]);
}

/// The question that refuses a token: `{"status":"401","schemes":"bearer","scope":"x"}`.
const QUESTION: &str = "334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJ4In0=";

fn with_token(source: TokenSource, port: u16) -> Sender {
    let login = Login::Token { user: "suporte@loja.example".to_owned(), source };
    Sender::new(SenderSettings { login, ..settings(port) }).unwrap()
}

/// A program that prints another token each time.
fn counting(folder: &std::path::Path) -> TokenSource {
    let count = folder.join("count");
    let script = format!("echo x >> {0}; printf 'token%s' $(wc -l < {0})", count.display());
    TokenSource::Program {
        program: "/bin/sh".into(),
        args: vec!["-c".to_owned(), script],
        limit: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn a_refused_token_is_asked_for_anew_and_used_in_the_same_attempt() {
    let refused = vec![("AUTH", Act::Say(QUESTION)), ("MORE", Act::Say("535 5.7.8 no"))];
    let server = Scripted::start(&[refused, Vec::new()]);
    let folder = tempfile::tempdir().unwrap();
    let sender = with_token(counting(folder.path()), server.port);
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
    let logins: Vec<String> = server
        .commands()
        .iter()
        .filter_map(|command| command.strip_prefix("AUTH XOAUTH2 "))
        .map(|text| {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    assert_eq!(
        logins,
        [
            "user=suporte@loja.example\u{1}auth=Bearer token1\u{1}\u{1}",
            "user=suporte@loja.example\u{1}auth=Bearer token2\u{1}\u{1}",
        ]
    );
    assert!(
        server.commands().contains(&String::new()),
        "the question is answered by an empty line"
    );
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn the_reason_of_a_refused_token_is_told_in_plain_words() {
    let refused = vec![("AUTH", Act::Say(QUESTION)), ("MORE", Act::Say("535 5.7.8 no"))];
    let server = Scripted::start(&[refused]);
    let folder = tempfile::tempdir().unwrap();
    let sender = with_token(counting(folder.path()), server.port);
    let outcome = send(&sender, &mail(1)).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    let reason = reason(&outcome);
    assert_eq!(reason.cause, Cause::TokenRefused(Some(401)));
    let english = reason.in_locale(Locale::En);
    assert!(
        english.contains("status 401 (535 5.7.8);") && english.contains("SMTP.Send"),
        "{english}"
    );
    assert_eq!(server.count("AUTH"), 2, "a fresh token is tried once, not for ever");
    // A token that stays the same is not sent twice.
    let path = folder.path().join("token");
    std::fs::write(&path, "same").unwrap();
    let server = Scripted::start(&[vec![("AUTH", Act::Say("535 5.7.3 no"))]]);
    let sender = with_token(TokenSource::File(path), server.port);
    let outcome = send(&sender, &mail(1)).await;
    assert_eq!(outcome_cause(&outcome), Cause::TokenRefused(None));
    assert_eq!(server.count("AUTH"), 1);
}

fn outcome_cause(outcome: &Outcome) -> Cause {
    reason(outcome).cause
}

#[tokio::test]
async fn without_a_token_nobody_logs_in() {
    let server = Scripted::start(&[Vec::new()]);
    let sender = with_token(TokenSource::File("/nonexistent/token".into()), server.port);
    let outcome = send(&sender, &mail(1)).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    assert_eq!(outcome_cause(&outcome), Cause::NoToken(TokenTrouble::File));
    assert_eq!(server.count("AUTH"), 0);
}
