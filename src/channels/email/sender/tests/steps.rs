//! TLS, and the check of the settings.

use std::sync::Arc;

use rustls::ServerConfig;

use super::scripted::certificate;
use super::*;

/// Names and times of a certificate, and whether its authority is trusted.
struct Given {
    names: &'static [&'static str],
    years: (i32, i32),
    trusted: bool,
}

const GOOD: Given = Given { names: &["localhost"], years: (2020, 2090), trusted: true };

/// A sender whose server has a certificate, with a folder that holds what it trusts.
fn encrypted(given: &Given, security: MailSecurity) -> (Sender, Scripted, tempfile::TempDir) {
    let (pem, config) = certificate(given.names, given.years);
    let (other, _) = certificate(&["other.example"], (2020, 2090));
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, if given.trusted { pem } else { other }).unwrap();
    let server = server(security, config);
    let sender = Sender::new(SenderSettings {
        host: "localhost".to_owned(),
        security,
        ca_file: Some(ca_file),
        login: password(),
        ..settings(server.port)
    });
    (sender.unwrap(), server, folder)
}

fn server(security: MailSecurity, config: Arc<ServerConfig>) -> Scripted {
    let offer = ("EHLO", Act::Say("250-fake\r\n250-STARTTLS\r\n250 SIZE 1000000"));
    let script = if security == MailSecurity::StartTls { vec![offer] } else { Vec::new() };
    Scripted::start_with(&[script], Some(config), security == MailSecurity::Tls)
}

#[tokio::test]
async fn both_ways_of_tls_deliver() {
    for security in [MailSecurity::Tls, MailSecurity::StartTls] {
        let (sender, server, _folder) = encrypted(&GOOD, security);
        assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)), "{security}");
        assert_eq!(server.mails(), [mail(1).bytes], "{security}");
        let login = server.commands().iter().position(|c| c.starts_with("AUTH")).unwrap();
        if security == MailSecurity::StartTls {
            let tls = server.commands().iter().position(|c| c == "STARTTLS").unwrap();
            assert!(tls < login, "no password before TLS");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_stops_before_the_login() {
    for security in [MailSecurity::Tls, MailSecurity::StartTls] {
        for (given, cause) in [
            (Given { names: &["mail.example"], ..GOOD }, Cause::OtherName),
            (Given { years: (2001, 2002), ..GOOD }, Cause::Expired),
            (Given { years: (2080, 2090), ..GOOD }, Cause::Expired),
            (Given { trusted: false, ..GOOD }, Cause::Untrusted),
        ] {
            let (sender, server, _folder) = encrypted(&given, security);
            let outcome = send(&sender, &mail(1)).await;
            assert!(matches!(outcome, Outcome::Operator(..)), "{security} {outcome:?}");
            assert_eq!(reason(&outcome).cause, cause, "{security}");
            assert_eq!((server.count("AUTH"), server.count("MAIL")), (0, 0));
        }
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_the_clear() {
    let server = Scripted::start(&[Vec::new()]);
    let sender = Sender::new(SenderSettings {
        security: MailSecurity::StartTls,
        login: password(),
        ..settings(server.port)
    });
    let outcome = send(&sender.unwrap(), &mail(1)).await;
    assert!(matches!(outcome, Outcome::Operator(..)), "{outcome:?}");
    assert_eq!(reason(&outcome).cause, Cause::NoStartTls);
    assert_eq!((server.count("AUTH"), server.count("MAIL")), (0, 0));
}

#[tokio::test]
async fn words_slipped_in_before_tls_never_pass_for_an_accepted_mail() {
    // The library keeps what came together with the answer to STARTTLS: each answer then seems to be one to the next
    // question, which shows at DATA.
    let (pem, config) = certificate(GOOD.names, GOOD.years);
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let script = vec![
        ("EHLO", Act::Say("250-fake\r\n250-STARTTLS\r\n250 SIZE 1000000")),
        ("STARTTLS", Act::Say("220 go ahead\r\n250-fake\r\n250 AUTH PLAIN")),
    ];
    let server = Scripted::start_with(&[script], Some(config), false);
    let sender = Sender::new(SenderSettings {
        host: "localhost".to_owned(),
        security: MailSecurity::StartTls,
        ca_file: Some(ca_file),
        login: password(),
        ..settings(server.port)
    });
    let outcome = send(&sender.unwrap(), &mail(1)).await;
    assert!(matches!(outcome, Outcome::RetryAt(..)), "{outcome:?}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_names_the_setting() {
    let server = Scripted::start(&[Vec::new()]);
    let sender =
        Sender::new(SenderSettings { security: MailSecurity::Tls, ..settings(server.port) });
    let outcome = send(&sender.unwrap(), &mail(1)).await;
    assert_eq!(reason(&outcome).cause, Cause::Tls);
    assert!(reason(&outcome).to_string().contains("`smtp_security`"));
}

fn found(findings: &[Finding]) -> Vec<Found> {
    assert_eq!(findings.iter().map(|f| f.step).collect::<Vec<_>>(), Step::ALL);
    findings.iter().map(|f| f.found).collect()
}

#[tokio::test]
async fn a_check_says_what_works_and_sends_nothing() {
    use Found::{Works, WorksUpTo};
    let (sender, server, _folder) = encrypted(&GOOD, MailSecurity::StartTls);
    let findings = sender.check(now()).await;
    assert_eq!(found(&findings), [Works, Works, Works, Works, WorksUpTo(2_000_000)]);
    assert_eq!((server.count("MAIL"), server.count("RSET"), server.count("QUIT")), (1, 1, 1));
    assert_eq!((server.count("RCPT"), server.count("DATA")), (0, 0));
    let words: Vec<String> = findings.iter().map(|f| f.in_locale(Locale::PtBr)).collect();
    assert_eq!(
        words,
        [
            "Nome do servidor: encontrado.",
            "Conexão: o servidor responde.",
            "Criptografia: funciona, e o certificado é válido.",
            "Login: aceito.",
            "Endereço de remetente: o servidor aceita mensagens com ele; cada mensagem pode ter até 2,0 MB, e arquivos contam um terço a mais.",
        ]
    );
    let plain = Scripted::start(&[Vec::new()]);
    let findings = Sender::new(settings(plain.port)).unwrap().check(now()).await;
    let not_set = Found::NotSet;
    assert_eq!(found(&findings), [Works, Works, not_set, not_set, WorksUpTo(2_000_000)]);
}

#[tokio::test]
async fn a_check_names_the_step_that_fails_and_leaves_the_rest() {
    let refused = |word, answer| vec![(word, Act::Say(answer))];
    for (script, step, cause) in [
        (vec![("GREET", Act::Cut)], Step::Connection, Cause::Broken),
        (refused("AUTH", "534 5.7.9 no"), Step::Login, Cause::Refused(Refusal::AppPassword)),
        (refused("MAIL", "553 5.1.8 no"), Step::From, Cause::Refused(Refusal::Sender)),
        (refused("RSET", "421 4.3.2 no"), Step::From, Cause::Broken),
    ] {
        let server = Scripted::start(&[script]);
        let sender = Sender::new(SenderSettings { login: password(), ..settings(server.port) });
        let findings = sender.unwrap().check(now()).await;
        for finding in &findings {
            let as_expected = match finding.found {
                Found::Fails(reason) => finding.step == step && reason.cause == cause,
                Found::NotTried => finding.step > step,
                _ => finding.step < step,
            };
            assert!(as_expected, "{step:?}: {findings:?}");
            for locale in Locale::ALL {
                let words = finding.in_locale(*locale);
                assert!(words.len() > 10 && !words.contains('@'), "{words}");
            }
        }
        assert_eq!(server.count("DATA"), 0);
    }
}

#[tokio::test]
async fn a_check_tells_a_bad_certificate_from_a_bad_connection() {
    for security in [MailSecurity::Tls, MailSecurity::StartTls] {
        let given = Given { names: &["mail.example"], ..GOOD };
        let (sender, _server, _folder) = encrypted(&given, security);
        let fails = Found::Fails(Reason::of(Cause::OtherName));
        let (works, not_tried) = (Found::Works, Found::NotTried);
        let findings = sender.check(now()).await;
        assert_eq!(found(&findings), [works, works, fails, not_tried, not_tried], "{security}");
    }
}

#[tokio::test]
async fn a_check_that_works_ends_the_pause_after_a_refused_login() {
    let server = Scripted::start(&[vec![("AUTH", Act::Say("535 5.7.8 no"))], Vec::new()]);
    let sender =
        Sender::new(SenderSettings { login: password(), ..settings(server.port) }).unwrap();
    assert!(matches!(send(&sender, &mail(1)).await, Outcome::Operator(..)));
    assert!(matches!(send(&sender, &mail(1)).await, Outcome::Operator(..)));
    assert_eq!(server.connections(), 1);
    assert_eq!(sender.check(now()).await[4].found, Found::WorksUpTo(2_000_000));
    assert_eq!(send(&sender, &mail(1)).await, accepted(&mail(1)));
}
