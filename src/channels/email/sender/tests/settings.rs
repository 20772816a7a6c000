//! Settings, and what is printed of them.

use super::*;

#[test]
fn settings_that_cannot_work_say_what_to_do() {
    let refused = |change: fn(&mut SenderSettings)| {
        let mut changed = settings(2525);
        change(&mut changed);
        Sender::new(changed).unwrap_err().to_string()
    };
    for (why, part) in [
        (refused(|s| s.host = "smtp://mail.example.com".to_owned()), "`smtp_host`"),
        (refused(|s| s.host = String::new()), "`smtp_host`"),
        (refused(|s| s.port = 0), "`smtp_port`"),
        (refused(|s| s.from = "Loja <a@b.example>".to_owned()), "`address`"),
        (refused(|s| s.from = "a@b.example\r\nBcc: c@d.example".to_owned()), "`address`"),
        (refused(|s| s.host = "mail.example.com".to_owned()), "starttls"),
        (refused(|s| s.host = "10.0.0.1".to_owned()), "starttls"),
        (refused(|s| s.timeout = Duration::ZERO), "time-out"),
        (refused(|s| s.answer_timeout = Duration::ZERO), "time-out"),
        (refused(|s| s.connections = 0), "`per_minute`"),
        (refused(|s| s.account_rate.burst = 0), "`per_minute`"),
        (
            refused(|s| {
                s.login = Login::Password { user: String::new(), password: Secret::new("x") }
            }),
            "`user`",
        ),
        (
            refused(|s| {
                s.login = Login::Password { user: "x".to_owned(), password: Secret::new("") }
            }),
            "`password`",
        ),
        (
            refused(|s| {
                s.security = MailSecurity::Tls;
                s.ca_file = Some("/nonexistent/ca.pem".into());
            }),
            "`ca_file`",
        ),
        (
            refused(|s| {
                s.security = MailSecurity::Tls;
                s.ca_file = Some("/etc/hostname".into());
            }),
            "BEGIN CERTIFICATE",
        ),
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn a_password_is_never_printed() {
    let settings = SenderSettings { login: password(), ..settings(2525) };
    let printed = format!("{settings:?} {:?}", Sender::new(settings.clone()).unwrap());
    assert!(!printed.contains("hunter2"), "{printed}");
    let source = TokenSource::Program {
        program: "/usr/bin/token".into(),
        args: vec!["--secret=hunter2".to_owned()],
        limit: Duration::from_secs(1),
    };
    let printed = format!("{source:?}");
    assert!(printed.contains("/usr/bin/token") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn every_reason_says_in_both_languages_what_to_do() {
    use Refusal as R;
    let refusals = [
        R::Busy,
        R::Greylisted,
        R::TooFast,
        R::DailyLimit,
        R::FullForNow,
        R::NoSuchAddress,
        R::Full,
        R::Recipient,
        R::TooLarge,
        R::Content,
        R::Verdict,
        R::Login,
        R::AppPassword,
        R::NoPasswords,
        R::LoginWanted,
        R::TlsWanted,
        R::Sender,
        R::Unproven,
        R::Policy,
        R::TurnedAway,
        R::Odd,
    ];
    let troubles = [
        TokenTrouble::Start,
        TokenTrouble::Exit(Some(3)),
        TokenTrouble::Exit(None),
        TokenTrouble::Slow,
        TokenTrouble::File,
        TokenTrouble::NoToken,
    ];
    let others = [
        Cause::Name,
        Cause::NobodyListens,
        Cause::Silence,
        Cause::Broken,
        Cause::NoStartTls,
        Cause::OtherName,
        Cause::Expired,
        Cause::Untrusted,
        Cause::Tls,
        Cause::NoLogin,
        Cause::TokenRefused(None),
        Cause::TokenRefused(Some(400)),
        Cause::LargerThan(35_882_577),
        Cause::OwnRate,
        Cause::OwnDomainRate,
        Cause::OwnConnections,
        Cause::GivenUp,
        Cause::BrokenAtEnd,
        Cause::SilenceAtEnd,
    ];
    let causes = refusals.map(Cause::Refused).into_iter();
    let mut seen = std::collections::BTreeSet::new();
    for cause in causes.chain(troubles.map(Cause::NoToken)).chain(others) {
        for locale in Locale::ALL {
            let words = Reason::of(cause).in_locale(*locale);
            assert!(words.contains([';', ':']), "{words}: a remedy follows");
            assert!(!words.contains("  ") && words.len() > 40, "{words}");
            assert_eq!(words.ends_with('.'), *locale == Locale::PtBr, "{words}");
            assert!(seen.insert(words), "said twice");
        }
        let coded = Reason { cause, code: Some(550), status: Some(Status(5, 7, 1)) };
        assert_eq!(coded.to_string().matches("(550 5.7.1)").count(), 1, "{coded}");
    }
    let limit = Reason::of(Cause::LargerThan(35_882_577));
    assert!(limit.to_string().contains("35.8 MB"));
    assert!(limit.in_locale(Locale::PtBr).contains("35,8 MB"));
}
